"""Answers at a real authoritative server, changed by signed updates."""

from __future__ import annotations

import asyncio
import threading
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.actuate import dns_watch
from controller.actuate.edge_rfc2136 import Rfc2136Edges
from controller.actuate.outcome import Done, LookAgainAt, Outcome, Refused
from controller.actuate.rivals import Rivals
from controller.domain.names import EntKey
from controller.kube.resources import ObjectKey
from tests.live.dns_servers import ALGORITHM, KEY, SECRET, WATCHER, ZONE, Knot
from tests.live.test_edges import ADDRESSES, CLOCK, FRONT, an_answer, declared, surroundings
from tests.live.test_kube_informer import until

pytestmark = pytest.mark.live

ENT = EntKey("ent", "nord")
NAME = f"nord.{ZONE}"
MARK = f"_sonnerie.{NAME}"
OURS = f'"managed-by=sonnerie edge=ent/nord/{FRONT}"'
OTHER_SECRET = b64encode(b"another secret of thirty-two char").decode()


class Desk:
    """A server, what holds its key, and the edges that write there."""

    def __init__(self, server: Knot) -> None:
        self.server = server
        self.secrets = {"dns": SECRET}
        self.edges = Rfc2136Edges(self._secret, surroundings(), Rivals(), CLOCK.now)
        self.declare()

    def declare(self, *, key: str = KEY, **changes: Any) -> None:
        """Somebody declares the edge."""
        reference = {"namespace": "sonnerie-system", "name": "dns", "key": "key"}
        spec = {
            "server": "127.0.0.1",
            "port": self.server.port,
            "zone": ZONE,
            "dnsName": NAME,
            "tsig": {"keyName": key, "algorithm": ALGORITHM, "secretRef": reference},
            "targets": [{"site": site, "target": address} for site, address in ADDRESSES.items()],
        }
        self.edges.follow([declared(ENT, kind="RFC2136", rfc2136=spec | changes)])

    async def seen(self, *sites: str) -> None:
        """Wait until the server has been asked, and these sites are what it answers."""
        await until(lambda: self.serving() == set(sites) and self.edges.settled(), f"answers of {sites}")

    def serving(self) -> set[str]:
        """Whom the planner is told to be answered."""
        return {str(route.site) for route in self.edges.routes(CLOCK.now()) if route.weight > 0}

    async def move(self, *sites: str) -> Outcome:
        """Look, as a cycle does, and move."""
        self.edges.routes(CLOCK.now())
        return await self.edges.write(an_answer(ENT, *sites))

    async def moved(self, *sites: str) -> None:
        """Move, and look again where that is what is asked for."""
        await self.outcome(lambda outcome: outcome == Done(), *sites)

    async def refused(self, why: str, *sites: str) -> None:
        """Move until it is refused with these words."""
        await self.outcome(lambda outcome: isinstance(outcome, Refused) and why in outcome.why, *sites)

    async def outcome(self, is_it: Callable[[Outcome], bool], *sites: str) -> None:
        """Move until it ends so."""
        async with asyncio.timeout(20):
            while True:
                if is_it(await self.move(*sites)):
                    return
                await asyncio.sleep(0.05)

    async def _secret(self, key: ObjectKey) -> Mapping[str, bytes]:
        return {"key": self.secrets[key.name].encode()}


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """A fresh server, asked often enough for a test."""
    monkeypatch.setattr(dns_watch, "LOOK_EVERY_SECONDS", 0.2)
    found = Desk(await asyncio.to_thread(Knot, tmp_path / "knot"))
    yield found
    await found.edges.close()
    await asyncio.to_thread(found.server.stop)


async def test_an_answer_has_both_families_its_time_to_live_and_a_mark(desk: Desk) -> None:
    """Whoever looks at the zone sees who wrote there, and the serial has moved for the secondaries."""
    await desk.seen()
    before = desk.server.serial()
    await desk.moved("a", "c")
    assert (desk.server.ask(NAME), desk.server.ask(NAME, "AAAA")) == ({"192.0.2.1"}, {"2001:db8::3"})
    assert desk.server.ttl(NAME) == 30
    assert desk.server.ask(MARK, "TXT") == {OURS}
    assert desk.server.serial() > before


async def test_no_resolver_ever_gets_an_empty_answer(desk: Desk) -> None:
    """Old or new, while answers change back and forth: an update is one message."""
    await desk.moved("a")
    answers: list[set[str]] = []
    done = threading.Event()

    def resolve() -> None:
        while not done.is_set():
            answers.append(desk.server.ask(NAME))

    resolver = threading.Thread(target=resolve)
    resolver.start()
    for turn in range(20):
        await desk.moved("b" if turn % 2 == 0 else "a")
    done.set()
    await asyncio.to_thread(resolver.join)
    assert len(answers) > 100
    assert set(map(frozenset, answers)) == {frozenset({"192.0.2.1"}), frozenset({"192.0.2.2"})}


async def test_what_changed_between_look_and_update_is_not_overwritten(desk: Desk) -> None:
    """The server itself compares with what the plan knew."""
    await desk.moved("a")
    await desk.edges.close()  # from here on nobody looks, as if the change came a moment later
    await asyncio.to_thread(desk.server.somebody_sets, NAME, "A", "192.0.2.2")
    outcome = await desk.move("a", "c")
    assert isinstance(outcome, LookAgainAt)
    assert "is not as it was seen any more (NXRRSET)" in outcome.why
    assert (desk.server.ask(NAME), desk.server.ask(NAME, "AAAA")) == ({"192.0.2.2"}, set())
    desk.declare(recordTtl="20s")
    await desk.seen("b")
    await desk.moved("a")


async def test_answers_of_somebody_else_are_not_taken_over_until_they_are_given(desk: Desk) -> None:
    """The refusal says which mark hands them over."""
    await asyncio.to_thread(desk.server.somebody_sets, NAME, "A", "198.51.100.7")
    await desk.refused(f"{NAME} answers 198.51.100.7, which is not ours (no {MARK} TXT)", "a")
    assert desk.server.ask(NAME) == {"198.51.100.7"}
    await asyncio.to_thread(desk.server.somebody_sets, MARK, "TXT", OURS)
    await desk.moved("a")
    assert desk.server.ask(NAME) == {"192.0.2.1"}


async def test_an_alias_and_another_edge_s_answers_are_refused(desk: Desk) -> None:
    """Neither leaves room for ours."""
    await asyncio.to_thread(desk.server.somebody_sets, NAME, "CNAME", f"ns.{ZONE}.")
    await desk.refused("is an alias (CNAME)", "a")
    await asyncio.to_thread(desk.server.somebody_sets, NAME, "CNAME")
    await asyncio.to_thread(desk.server.somebody_sets, MARK, "TXT", '"managed-by=sonnerie edge=ent/sud/front"')

    await desk.refused('says "managed-by=sonnerie edge=ent/sud/front"', "a")


async def test_a_new_time_to_live_is_written_with_the_same_answers(desk: Desk) -> None:
    """What is declared is what is served."""
    await desk.moved("a")
    desk.declare(recordTtl="10s")
    await desk.moved("a")
    assert desk.server.ttl(NAME) == 10


async def test_a_rotated_key_is_used_without_a_restart(desk: Desk) -> None:
    """The server has a new secret: refused in words, and done as soon as the Secret has it too."""
    await desk.moved("a")
    await asyncio.to_thread(desk.server.stop)
    desk.server.configure(OTHER_SECRET)
    await asyncio.to_thread(desk.server.start)
    outcome = await desk.move("b")
    assert isinstance(outcome, Refused)
    assert f"does not know key {KEY}. with this secret" in outcome.why
    assert SECRET not in outcome.why
    assert desk.server.ask(NAME) == {"192.0.2.1"}
    desk.secrets["dns"] = OTHER_SECRET
    await desk.moved("b")
    assert desk.server.ask(NAME) == {"192.0.2.2"}


async def test_a_key_that_may_not_update_is_refused_in_words(desk: Desk) -> None:
    """The server's own rules hold, and the sentence says what to change there."""
    desk.declare(key=WATCHER)
    await desk.refused("or does not let it do this", "a")


async def test_a_secret_that_is_no_key_is_named_and_not_shown(desk: Desk) -> None:
    """What is wrong, where, and what to put there."""
    desk.secrets["dns"] = "no base64!"
    desk.declare(key="fresh")
    await until(desk.edges.settled, "the first look")
    outcome = await desk.move("a")
    assert isinstance(outcome, LookAgainAt)
    assert "Secret sonnerie-system/dns: key is not base64" in outcome.why
    assert "no base64!" not in outcome.why


async def test_a_dead_server_and_a_hanging_one_are_tried_again(desk: Desk) -> None:
    """Answers stay as last seen, no cycle waits long, and what was wanted is done when the server is back."""
    await desk.moved("a")
    await asyncio.to_thread(desk.server.stop)
    outcome = await desk.move("b")
    assert isinstance(outcome, LookAgainAt)
    assert "cannot be reached" in outcome.why
    assert desk.serving() == {"a"}
    await asyncio.to_thread(desk.server.start)
    await desk.moved("b")
    desk.server.hang()
    began = time.monotonic()
    outcome = await desk.move("a")
    assert time.monotonic() - began < 3
    assert isinstance(outcome, LookAgainAt)
    assert "no answer within 1 s" in outcome.why
    desk.server.go_on()
    await desk.moved("a")
    assert desk.server.ask(NAME) == {"192.0.2.1"}


async def test_another_writer_is_yielded_to(desk: Desk) -> None:
    """Whoever puts the answers back three times is left to it."""
    outcome: Outcome = Done()
    for _ in range(3):
        await desk.moved("a")
        await asyncio.to_thread(desk.server.somebody_sets, NAME, "A", "192.0.2.2")
        await desk.seen("b")
    outcome = await desk.move("a")
    assert isinstance(outcome, Refused)
    assert outcome.why.startswith(f"somebody else who may update zone {ZONE} keeps changing the answers of {NAME}")
