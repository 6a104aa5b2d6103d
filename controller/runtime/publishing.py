"""Writing our report: once after every round and never more often, the newest only, and only while we are in office.

A write that takes longer than a round leaves the rounds in between out: what matters is the last one. What cannot be
written is not tried again before the next round.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import msgspec

from controller.actuate.status import Status
from controller.domain.names import ObserverName, SiteName
from controller.kube.apply import server_side_apply
from controller.kube.client import Cluster
from controller.kube.errors import ApiError, NotFound
from controller.kube.lease import LeaseLost
from controller.kube.resources import ObjectKey
from controller.observe.peers import SITE_REPORTS

Publish = Callable[[Awaitable[None]], Awaitable[None]]
"""Lets the write through while the Lease is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What is written next, and whether we may."""

    status: Callable[[], Status | None]
    """None: there is nothing to report yet."""
    guard: Callable[[], Publish | None]
    """None: this process is not in office."""


class Publisher:
    """Writes one observer's report into one cluster; run `run` in a task of its own."""

    def __init__(self, cluster: Cluster, observer: ObserverName, site: SiteName | None, *, may_create: bool) -> None:
        self._cluster = cluster
        self._key = ObjectKey("", observer)
        self._spec = {"observer": str(observer)} | ({"site": str(site)} if site is not None else {})
        self._may_create = may_create
        self._due = asyncio.Event()
        self.written = 0
        """Writes since the start."""
        self.bytes = 0
        """Size of the last one."""
        self.error: ApiError | None = None
        """Why the last one failed; None when it did not."""

    def after_round(self) -> None:
        """There is a new round."""
        self._due.set()

    async def run(self, desk: Desk, on_written: Callable[[], None] = lambda: None) -> None:
        """Write after every round until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            guard, status = desk.guard(), desk.status()
            if guard is None or status is None:
                continue
            try:
                await guard(self.write(status))
            except LeaseLost:
                continue
            on_written()

    async def write(self, status: Status) -> None:
        """Write it once; the object is made when it is not there and that is ours to do."""
        try:
            try:
                await self._apply({"status": status}, subresource="status")
            except NotFound:
                if not self._may_create:
                    raise
                await self._apply({"spec": self._spec})
                await self._apply({"status": status}, subresource="status")
        except ApiError as error:
            self.error = error
        else:
            self.error = None
            self.written += 1
            self.bytes = len(msgspec.json.encode(status))

    async def _apply(self, fields: Status, *, subresource: str = "") -> None:
        await server_side_apply(self._cluster, SITE_REPORTS, self._key, fields, subresource=subresource)


def troubles(publishers: Iterable[Publisher]) -> list[str]:
    """Return why reports cannot be written."""
    return sorted({str(each.error) for each in publishers if each.error is not None})
