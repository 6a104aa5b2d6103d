"""Watches how many replicas of each ENT are Ready at a site; keeps the last known while nobody answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from tests.controlplane.client import ApiClient

WATCH_SECONDS = 60
PAUSE_SECONDS = 1.0
ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Replicas:
    """Replicas of one ENT at one site."""

    wanted: int = 0
    ready: int = 0


class ReadyReplicas(Protocol):
    """Where a portal learns what it can carry."""

    current: dict[str, Replicas]

    async def run(self) -> None:
        """Keep `current` up to date until cancelled."""
        ...


class FromFile:
    """Reads `{"ent": ready}` from a file once a second: a portal without Kubernetes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.current: dict[str, Replicas] = {}

    async def run(self) -> None:
        """Keep `current` up to date until cancelled."""
        while True:
            content: dict[str, int] = json.loads(self._path.read_text())
            self.current = {ent: Replicas(count, count) for ent, count in content.items()}
            await asyncio.sleep(PAUSE_SECONDS)


class FromCluster:
    """Lists and watches the Deployments of a namespace."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._kubeconfig = kubeconfig
        self._path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        self.current: dict[str, Replicas] = {}

    async def run(self) -> None:
        """Keep `current` up to date until cancelled; while nobody answers it stays as it was."""
        client = ApiClient.from_kubeconfig(self._kubeconfig)
        async with ClientSession(client.server, connector=TCPConnector(ssl=client.tls)) as session:
            while True:
                try:
                    await self._follow(session, await self._list(session))
                except (ClientError, OSError, ValueError, KeyError):
                    await asyncio.sleep(PAUSE_SECONDS)

    async def _list(self, session: ClientSession) -> str:
        async with session.get(self._path, timeout=ClientTimeout(total=ANSWER_SECONDS)) as answer:
            answer.raise_for_status()
            found = await answer.json()
        self.current = {name_of(item): replicas_of(item) for item in found["items"]}
        return str(found["metadata"]["resourceVersion"])

    async def _follow(self, session: ClientSession, version: str) -> None:
        query = {"watch": "1", "resourceVersion": version, "timeoutSeconds": str(WATCH_SECONDS)}
        limits = ClientTimeout(total=WATCH_SECONDS + ANSWER_SECONDS)
        async with session.get(self._path, params=query, timeout=limits) as answer:
            answer.raise_for_status()
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return  # too old a version: list again
                item = event["object"]
                gone = event["type"] == "DELETED"
                self.current[name_of(item)] = Replicas() if gone else replicas_of(item)


def name_of(deployment: Mapping[str, Any]) -> str:
    """Return the name; Deployments are named after their ENT."""
    return str(deployment["metadata"]["name"])


def replicas_of(deployment: Mapping[str, Any]) -> Replicas:
    """Return what a Deployment wants and has."""
    return Replicas(
        wanted=int(deployment["spec"].get("replicas", 1)),
        ready=int(deployment.get("status", {}).get("readyReplicas", 0)),
    )
