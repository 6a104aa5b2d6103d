"""Events are told once for as long as they last."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from aiohttp import web

from controller.actuate.events import About, EventTeller, Told
from controller.kube.resources import DEPLOYMENTS, ObjectKey
from tests.builders import BELL
from tests.kube.scripted import serving

ABOUT = About(resource=DEPLOYMENTS, key=ObjectKey("n", "portal"), uid="u")


def a_refusal(note: str, subject: str = "replicas:n/portal:a Refused") -> Told:
    """One thing to tell."""
    return Told(about=ABOUT, reason="Demand", action="SetReplicas", note=note, subject=subject)


async def test_a_note_that_counts_along_is_not_told_again() -> None:
    """`in 59 s`, `in 54 s` is one Event; another site, another outcome or a pause makes another."""
    notes: list[str] = []

    async def write(request: web.Request) -> web.Response:
        body: dict[str, Any] = await request.json()
        notes.append(body["note"])
        return web.json_response(body)

    async with serving(write) as cluster:
        teller = EventTeller(cluster, instance="me")
        for note in ("in 59 s", "in 54 s"):
            await teller.tell([a_refusal(note), a_refusal(f"b {note}", "replicas:n/portal:b Refused")], BELL)
        await teller.tell([a_refusal("done", "replicas:n/portal:a Done")], BELL)
        await teller.tell([], BELL)
        await teller.tell([a_refusal("done", "replicas:n/portal:a Done")], BELL)
    assert sorted(notes[:2]) == ["b in 59 s", "in 59 s"]
    assert notes[2:] == ["done", "done"]


async def test_what_turns_to_and_fro_is_told_again_only_after_a_while() -> None:
    """A condition that flaps every cycle is one Event in its time, and is not forgotten afterwards."""
    notes: list[str] = []

    async def write(request: web.Request) -> web.Response:
        body: dict[str, Any] = await request.json()
        notes.append(body["note"])
        return web.json_response(body)

    flapping = replace(a_refusal("lost", "ReserveReady False"), hush=timedelta(minutes=10))
    async with serving(write) as cluster:
        teller = EventTeller(cluster, instance="me")
        for seconds in range(0, 1200, 5):
            await teller.tell([flapping] if seconds % 10 else [], BELL + timedelta(seconds=seconds))
    assert notes == ["lost", "lost"]
