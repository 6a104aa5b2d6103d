"""What the loop does around a plan."""

from types import SimpleNamespace
from typing import Any, cast

from controller.runtime.journal import Journal
from controller.runtime.loop import ASIDE_SECONDS, HOMELESS_SECONDS, Loop, Parts
from controller.runtime.telemetry import Telemetry
from tests.builders import BELL
from tests.runtime.test_journal import Log


class Clock:
    """A clock that is set."""

    seconds = 0.0

    def now(self) -> Any:
        """Return the same instant."""
        return BELL

    def monotonic(self) -> float:
        """Return what it is set to."""
        return self.seconds


class Landlord:
    """A leadership whose agent finds its port taken."""

    def __init__(self) -> None:
        self.aside: list[float] = []
        self.taken = True
        self.elector = SimpleNamespace(stand_aside=self.aside.append, last_error=None)

    async def begin(self) -> None:
        """Begin a term if the port is free."""
        if self.taken:
            raise OSError("address already in use")


def a_loop(clock: Clock, journal: Journal, **parts: Any) -> Loop:
    """A loop with these parts."""
    defaults = {"sites": SimpleNamespace(clusters=dict, sites={}, unusable={}), "leadership": None}
    return Loop(cast("Parts", SimpleNamespace(clock=clock, journal=journal, **defaults | parts)))


async def test_a_holder_whose_agent_cannot_listen_steps_aside() -> None:
    """It is told at once, and after a while somebody else gets the Lease."""
    clock, log, landlord = Clock(), Log(), Landlord()
    loop = a_loop(clock, log.journal)
    for clock.seconds in (0.0, HOMELESS_SECONDS - 1):
        await loop._begin_term(cast("Any", landlord))
    assert [(line["event"], line["now"]) for line in log.lines()] == [("term cannot begin", "address already in use")]
    assert landlord.aside == []
    clock.seconds = HOMELESS_SECONDS + 1
    await loop._begin_term(cast("Any", landlord))
    assert landlord.aside == [ASIDE_SECONDS]
    landlord.taken = False
    await loop._begin_term(cast("Any", landlord))
    landlord.taken, clock.seconds = True, HOMELESS_SECONDS * 3
    await loop._begin_term(cast("Any", landlord))
    assert landlord.aside == [ASIDE_SECONDS]


def test_problems_of_policies_are_counted() -> None:
    """Invalid objects, broken references and sites whose access cannot be used."""
    telemetry = Telemetry()
    store = SimpleNamespace(trouble=None, policies=lambda: SimpleNamespace(problems=("one", "two")))
    sites = SimpleNamespace(clusters=dict, sites={}, unusable={"a": "no Secret"})
    a_loop(Clock(), Log().journal, store=store, sites=sites, telemetry=telemetry)._report_troubles()
    assert b"sonnerie_policy_problems 3.0" in telemetry.text()
