"""Verdicts: the table of `health.py`, row by row, and the votes of several observers."""

from dataclasses import replace

import pytest

from controller.domain.memory import SiteMemory, Verdict
from controller.domain.names import SiteName
from controller.domain.readings import NotAttempted, ProbeResult
from controller.domain.world import EvidenceRound, World
from controller.planning.facts import facts_of
from controller.planning.health import judge_sites
from tests.builders import BELL, DEAD, FINE, HUNG, a_reading, a_site, a_world, key, rounds

THREE = ("a", "b", "c")
SITES = [a_site(name) for name in THREE]
UNSEEN: ProbeResult = NotAttempted(why="not asked")


def verdict(world: World, site: str = "a") -> Verdict:
    return judge_sites(facts_of(world, BELL))[SiteName(site)].verdict


@pytest.mark.parametrize(
    ("api", "public", "expected"),
    [
        (FINE, FINE, Verdict.HEALTHY),
        (DEAD, FINE, Verdict.UNKNOWN),
        (FINE, DEAD, Verdict.DEGRADED),
        (FINE, HUNG, Verdict.DEGRADED),
        (DEAD, DEAD, Verdict.DOWN),
        (HUNG, DEAD, Verdict.DOWN),
        (UNSEEN, DEAD, Verdict.UNKNOWN),
        (DEAD, UNSEEN, Verdict.UNKNOWN),
        (UNSEEN, UNSEEN, Verdict.UNKNOWN),
    ],
)
def test_one_observer_needs_two_paths(api: ProbeResult, public: ProbeResult, expected: Verdict) -> None:
    """Down takes both paths; what was not looked at is no evidence."""
    world = a_world(sites=SITES, rounds=rounds(BELL, THREE, api={"a": api}, public={"a": public}))
    assert verdict(world) is expected
    assert verdict(world, "b") is Verdict.HEALTHY


@pytest.mark.parametrize("rounds_failed", [0, 1, 2, 3, 4])
def test_three_rounds_in_a_row(rounds_failed: int) -> None:
    """Two failed rounds are a doubt, three are Down."""
    fine = rounds(BELL, THREE, count=5)
    bad = rounds(BELL, THREE, api={"a": DEAD}, public={"a": DEAD}, count=rounds_failed, first=6)
    expected = [Verdict.HEALTHY, Verdict.UNKNOWN, Verdict.UNKNOWN, Verdict.DOWN, Verdict.DOWN][rounds_failed]
    assert verdict(a_world(sites=SITES, rounds=fine + bad)) is expected


def test_no_observers_know_nothing() -> None:
    """Without any round every site is Unknown."""
    assert verdict(a_world(sites=SITES, rounds=())) is Verdict.UNKNOWN


@pytest.mark.parametrize("references", [(), (DEAD, DEAD, FINE), (DEAD, DEAD, DEAD)])
def test_an_observer_without_its_references_abstains(references: tuple[ProbeResult, ...]) -> None:
    """Fewer than half of the references: it is the observer that may be cut off."""
    gone = rounds(BELL, THREE, api={"a": DEAD}, public={"a": DEAD}, references=references)
    assert verdict(a_world(sites=SITES, rounds=gone)) is Verdict.UNKNOWN


def test_alone_it_abstains_when_most_other_sites_are_gone_too() -> None:
    """A single observer that sees every site dead doubts itself."""
    dead = dict.fromkeys(THREE, DEAD)
    assert verdict(a_world(sites=SITES, rounds=rounds(BELL, THREE, api=dead, public=dead))) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("says_down", "abstains", "says_well", "expected"),
    [
        (2, 0, 0, Verdict.DOWN),
        (2, 0, 1, Verdict.DOWN),
        (1, 0, 1, Verdict.HEALTHY),
        (1, 1, 0, Verdict.UNKNOWN),
        (2, 0, 2, Verdict.HEALTHY),
        (3, 0, 2, Verdict.DOWN),
        (2, 1, 1, Verdict.DOWN),
        (2, 3, 1, Verdict.DOWN),
        (0, 2, 0, Verdict.UNKNOWN),
    ],
)
def test_votes(says_down: int, abstains: int, says_well: int, expected: Verdict) -> None:
    """Two observers and a majority of those that vote."""
    found: list[EvidenceRound] = []
    for i in range(says_down):
        found += rounds(BELL, THREE, api={"a": DEAD}, public={"a": DEAD}, observer=f"down{i}")
    for i in range(abstains):
        found += rounds(BELL, THREE, api={"a": DEAD}, public={"a": DEAD}, references=(DEAD,) * 3, observer=f"doubt{i}")
    for i in range(says_well):
        found += rounds(BELL, THREE, observer=f"well{i}")
    assert verdict(a_world(sites=SITES, rounds=tuple(found))) is expected


@pytest.mark.parametrize(("well", "expected"), [(1, Verdict.DOWN), (4, Verdict.DOWN), (5, Verdict.HEALTHY)])
def test_down_is_left_slowly(well: int, expected: Verdict) -> None:
    """A site that was Down is Healthy only after five rounds in a row."""
    bad = rounds(BELL, THREE, api={"a": DEAD}, public={"a": DEAD}, count=5)
    good = rounds(BELL, THREE, count=well, first=6)
    memory = SiteMemory(site=SiteName("a"), verdict=Verdict.DOWN, since=BELL)
    world = a_world(sites=SITES, rounds=bad + good)
    assert verdict(replace(world, memory=replace(world.memory, sites=(memory,)))) is expected


def test_unknown_never_ends_down() -> None:
    """Losing sight of a dead site does not bring it back."""
    memory = SiteMemory(site=SiteName("a"), verdict=Verdict.DOWN, since=BELL)
    world = a_world(sites=SITES, rounds=())
    assert verdict(replace(world, memory=replace(world.memory, sites=(memory,)))) is Verdict.DOWN


@pytest.mark.parametrize(
    ("signal", "value", "expected"),
    [
        ("errors", 0.005, Verdict.HEALTHY),
        ("errors", 0.02, Verdict.DEGRADED),
        ("errors", None, Verdict.HEALTHY),
        ("latencySeconds", 0.5, Verdict.HEALTHY),
        ("latencySeconds", 1.5, Verdict.DEGRADED),
    ],
)
def test_fresh_errors_and_latency_degrade_a_site(signal: str, value: float | None, expected: Verdict) -> None:
    """A reading above the SLO is evidence; a missing one is none."""
    world = a_world(sites=SITES, rounds=rounds(BELL, THREE))
    readings = (*world.readings, a_reading(key(), "a", value, BELL, signal))
    assert verdict(replace(world, readings=readings)) is expected


def test_few_requests_prove_nothing() -> None:
    """One unlucky user is no error ratio."""
    world = a_world(sites=SITES, rounds=rounds(BELL, THREE), demand={("nord", "a"): 0.5})
    readings = (*world.readings, a_reading(key(), "a", 0.5, BELL, "errors"))
    assert verdict(replace(world, readings=readings)) is Verdict.HEALTHY
