"""Verdicts: every cell of the table of `health.py`, how bad verdicts end, the doubling hold, and interruptions."""

import functools
import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.memory import Samples, SiteMemory, Verdict
from controller.domain.names import SiteName
from controller.domain.plan import ConditionStatus, ConditionType
from controller.domain.readings import NotAttempted, ProbeResult, ReadingReason, Stale
from controller.domain.reasons import Reason
from controller.domain.world import EvidenceRound, SignalReading, World
from controller.planning.facts import facts_of
from controller.planning.health import (
    BEFORE,
    FORGIVEN_AFTER,
    LONGEST_HOLD,
    TRANSITIONS,
    Evidence,
    Health,
    failback_hold_until,
    judge_sites,
)
from controller.planning.planner import plan
from controller.planning.remembering import _site_memory
from controller.planning.votes import RECOVERY_ROUNDS, Sight
from tests.builders import BELL, DEAD, FINE, HUNG, ROUND, a_reading, a_site, a_world, key, rounds
from tests.planning.sightings import a_world_of, seeing

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
THREE = ("a", "b", "c")
SITES = [a_site(name) for name in THREE]
UNSEEN: ProbeResult = NotAttempted(why="not asked")
A = SiteName("a")
LONG_AGO = BELL - timedelta(minutes=10)
BAD = (Verdict.DOWN, Verdict.DEGRADED)


def health(world: World, site: str = "a", now: datetime = BELL) -> Health:
    return judge_sites(facts_of(world, now))[SiteName(site)]


def verdict(world: World, site: str = "a") -> Verdict:
    return health(world, site).verdict


def remembering(world: World, memory: SiteMemory | None) -> World:
    return replace(world, memory=replace(world.memory, sites=(memory,) if memory else ()))


def held(before: Verdict, **more: datetime | int | None) -> SiteMemory:
    """A verdict of ten minutes ago; a bad one has seen nothing bad for a minute, so that only the table decides."""
    well_since = BELL - timedelta(minutes=1) if before in BAD else None
    return replace(SiteMemory(site=A, verdict=before, since=LONG_AGO, well_since=well_since), **more)  # type: ignore[arg-type]


# ----------------------------------------------------------------------------------------------------- the table


def _with_errors(world: World) -> World:
    return replace(world, readings=(*world.readings, a_reading(key(), "a", 0.02, BELL, "errors")))


def _seen(*sights: Sight) -> World:
    return a_world(sites=SITES, rounds=seeing(sights))


SHOWING: dict[Evidence, Callable[[], World]] = {
    Evidence.DEAD: lambda: _seen(*[Sight.BOTH_FAIL] * 3),
    Evidence.SICK: lambda: _seen(*[Sight.PUBLIC_FAILS] * 3),
    Evidence.SICK_BUT_ANSWERING: lambda: _with_errors(_seen(*[Sight.WELL] * 5)),
    Evidence.DOUBTFUL: lambda: _seen(Sight.WELL, *[Sight.BOTH_FAIL] * 2),
    Evidence.NONE: lambda: _seen(*[Sight.ABSTAINS] * 3),
    Evidence.WELL: lambda: _seen(Sight.ABSTAINS, *[Sight.WELL] * 2),
    Evidence.WELL_FOR_LONG: lambda: _seen(*[Sight.WELL] * 5),
}


@pytest.mark.parametrize("before", [*BEFORE, None])
@pytest.mark.parametrize("evidence", list(Evidence))
def test_every_cell_of_the_table(evidence: Evidence, before: Verdict | None) -> None:
    """From rounds and readings to the verdict, whatever was held before; never judged counts as Unknown."""
    world = remembering(SHOWING[evidence](), held(before) if before else None)
    assert verdict(world) is TRANSITIONS[evidence][BEFORE.index(before or Verdict.UNKNOWN)]


def test_what_the_table_promises() -> None:
    """Read as a whole: who enters what, and what never ends a bad verdict."""
    assert set(TRANSITIONS) == set(Evidence)
    assert sorted(BEFORE) == sorted(Verdict)
    for evidence, row in TRANSITIONS.items():
        after = dict(zip(BEFORE, row, strict=True))
        entered = {v for b, v in after.items() if v is not b}
        assert Verdict.DOWN not in entered or evidence is Evidence.DEAD, "only a vote kills"
        if evidence in (Evidence.NONE, Evidence.DOUBTFUL):
            assert after[Verdict.DOWN] is Verdict.DOWN, "not knowing brings nobody back"
            assert after[Verdict.DEGRADED] is Verdict.DEGRADED
            assert after[Verdict.HEALTHY] is Verdict.UNKNOWN, "and proves no health"
        if Verdict.HEALTHY in (after[Verdict.DOWN], after[Verdict.DEGRADED]):
            assert evidence is Evidence.WELL_FOR_LONG, "left slowly"


@pytest.mark.parametrize(
    ("api", "public", "expected", "reason"),
    [
        (FINE, FINE, Verdict.HEALTHY, Reason.ANSWERING),
        (DEAD, FINE, Verdict.UNKNOWN, Reason.API_SERVER_FAILING),
        (FINE, DEAD, Verdict.DEGRADED, Reason.PUBLIC_ADDRESS_FAILING),
        (FINE, HUNG, Verdict.DEGRADED, Reason.PUBLIC_ADDRESS_FAILING),
        (DEAD, DEAD, Verdict.DOWN, Reason.PATHS_FAILING),
        (HUNG, DEAD, Verdict.DOWN, Reason.PATHS_FAILING),
        (UNSEEN, DEAD, Verdict.UNKNOWN, Reason.OBSERVER_IN_DOUBT),
        (DEAD, UNSEEN, Verdict.UNKNOWN, Reason.OBSERVER_IN_DOUBT),
        (UNSEEN, UNSEEN, Verdict.UNKNOWN, Reason.OBSERVER_IN_DOUBT),
    ],
)
def test_one_observer_needs_two_paths(api: ProbeResult, public: ProbeResult, expected: Verdict, reason: Reason) -> None:
    """Down takes both paths; what was not looked at is no evidence; each verdict says why."""
    world = a_world(sites=SITES, rounds=rounds(BELL, THREE, api={"a": api}, public={"a": public}))
    found = health(world)
    assert (found.verdict, found.because.reason) == (expected, reason)
    assert verdict(world, "b") is Verdict.HEALTHY


@pytest.mark.parametrize("rounds_failed", [0, 1, 2, 3, 4])
def test_three_rounds_in_a_row(rounds_failed: int) -> None:
    """Two failed rounds are a doubt, three are Down."""
    seen = seeing([Sight.WELL] * 5 + [Sight.BOTH_FAIL] * rounds_failed)
    expected = [Verdict.HEALTHY, Verdict.UNKNOWN, Verdict.UNKNOWN, Verdict.DOWN, Verdict.DOWN][rounds_failed]
    assert verdict(a_world(sites=SITES, rounds=seen)) is expected


@pytest.mark.parametrize(("failing", "expected"), [(1, Verdict.HEALTHY), (2, Verdict.UNKNOWN)])
def test_a_vote_under_way_is_a_doubt(failing: int, expected: Verdict) -> None:
    """While most of those that vote see it fail, one that sees it well does not make it Healthy."""
    found = seeing([Sight.WELL] * 5, observer="well")
    for i in range(2):
        last = Sight.PUBLIC_FAILS if i < failing else Sight.WELL
        found += seeing([*[Sight.WELL] * 4, last], observer=f"o{i}")
    assert verdict(a_world(sites=SITES, rounds=found)) is expected


def test_no_observers_know_nothing() -> None:
    """Without any round every site is Unknown."""
    assert verdict(a_world(sites=SITES, rounds=())) is Verdict.UNKNOWN


# ---------------------------------------------------------------------------------------------------- left slowly


@pytest.mark.parametrize(("well", "expected"), [(1, Verdict.DOWN), (4, Verdict.DOWN), (5, Verdict.HEALTHY)])
def test_down_is_left_slowly(well: int, expected: Verdict) -> None:
    """A site that was Down is Healthy only after five rounds in a row."""
    seen = seeing([Sight.BOTH_FAIL] * 3 + [Sight.WELL] * well)
    assert verdict(remembering(a_world(sites=SITES, rounds=seen), held(Verdict.DOWN))) is expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(None, Verdict.DEGRADED), (7, Verdict.DEGRADED), (8, Verdict.HEALTHY)]
)
def test_errors_that_come_and_go_keep_a_site_degraded(seconds: int | None, expected: Verdict) -> None:
    """The paths answer all the while: what must last is that nothing bad is seen."""
    since = BELL - timedelta(seconds=seconds) if seconds is not None else None
    found = health(remembering(SHOWING[Evidence.WELL_FOR_LONG](), held(Verdict.DEGRADED, well_since=since)))
    assert found.verdict is expected
    if expected is Verdict.DEGRADED:
        assert found.well_since == (since or BELL), "it is counted from the first good sight on"
        assert found.because.reason is Reason.RECOVERING


@pytest.mark.parametrize("evidence", [e for e in Evidence if e not in (Evidence.WELL, Evidence.WELL_FOR_LONG)])
def test_anything_but_health_starts_the_recovery_anew(evidence: Evidence) -> None:
    """What was seen well before a new doubt counts no more."""
    assert health(remembering(SHOWING[evidence](), held(Verdict.DOWN))).well_since is None


def test_most_observers_are_enough_to_come_back() -> None:
    """One broken view among three neither kills a site nor keeps it dead."""
    seen = [r for name in ("one", "two") for r in seeing([Sight.WELL] * 5, observer=name)]
    seen += seeing([Sight.BOTH_FAIL] * 5, observer="broken")
    assert verdict(remembering(a_world(sites=SITES, rounds=tuple(seen)), held(Verdict.DOWN))) is Verdict.HEALTHY


def test_users_that_are_not_measured_keep_a_sick_site_sick() -> None:
    """Errors that were measured once and are not now are no proof that they ended."""
    stale = SignalReading(
        site=A,
        ent=key(),
        signal=a_reading(key(), "a", 0.0, BELL, "errors").signal,
        reading=Stale(value=0.3, at=LONG_AGO, reason=ReadingReason.TIMED_OUT),
    )
    world = SHOWING[Evidence.WELL_FOR_LONG]()
    world = replace(world, readings=(*world.readings, stale))
    assert verdict(remembering(world, held(Verdict.DEGRADED))) is Verdict.DEGRADED


# ------------------------------------------------------------------------------------------------------- readings


@pytest.mark.parametrize(
    ("signal", "value", "expected"),
    [
        ("errors", 0.01, Verdict.HEALTHY),
        ("errors", 0.02, Verdict.DEGRADED),
        ("errors", None, Verdict.HEALTHY),
        ("latencySeconds", 1.0, Verdict.HEALTHY),
        ("latencySeconds", 1.5, Verdict.DEGRADED),
        ("latencySeconds", None, Verdict.HEALTHY),
    ],
)
def test_fresh_errors_and_latency_degrade_a_site(signal: str, value: float | None, expected: Verdict) -> None:
    """A reading above the SLO is evidence; a missing one is none."""
    world = a_world(sites=SITES, rounds=rounds(BELL, THREE))
    readings = (*world.readings, a_reading(key(), "a", value, BELL, signal))
    assert verdict(replace(world, readings=readings)) is expected


@pytest.mark.parametrize(("per_second", "expected"), [(0.99, Verdict.HEALTHY), (1.0, Verdict.DEGRADED)])
def test_few_requests_prove_nothing(per_second: float, expected: Verdict) -> None:
    """One unlucky user is no error ratio."""
    world = a_world(sites=SITES, rounds=rounds(BELL, THREE), demand={("nord", "a"): per_second})
    readings = (*world.readings, a_reading(key(), "a", 0.5, BELL, "errors"))
    assert verdict(replace(world, readings=readings)) is expected


@pytest.mark.parametrize(("sick", "expected"), [(1, Verdict.HEALTHY), (2, Verdict.DEGRADED), (3, Verdict.DEGRADED)])
def test_one_sick_ent_is_its_own_matter(sick: int, expected: Verdict) -> None:
    """A site is sick when most of the ENTs with users there are."""
    from tests.builders import an_ent

    names = ("est", "nord", "sud")
    world = a_world(ents=[an_ent(n) for n in names], sites=SITES, rounds=rounds(BELL, THREE))
    bad = tuple(a_reading(key(n), "a", 0.5, BELL, "errors") for n in names[:sick])
    found = health(replace(world, readings=(*world.readings, *bad)))
    assert found.verdict is expected
    if expected is Verdict.DEGRADED:
        assert "ents/est: 50.0% errors" in found.because.text


def test_figures_of_nobody_are_none() -> None:
    """Errors at a site, or of an ENT, that is no longer declared make nobody sick."""
    world = a_world(sites=SITES, rounds=rounds(BELL, THREE))
    strange = (a_reading(key(), "gone", 0.5, BELL, "errors"), a_reading(key("gone"), "a", 0.5, BELL, "errors"))
    found = judge_sites(facts_of(replace(world, readings=(*world.readings, *strange)), BELL))
    assert {str(site): h.verdict for site, h in found.items()} == dict.fromkeys(THREE, Verdict.HEALTHY)


def test_errors_are_named_before_latency() -> None:
    """Of two troubles the worse is told."""
    world = a_world(sites=SITES, rounds=rounds(BELL, THREE))
    both = tuple(a_reading(key(), "a", v, BELL, s) for s, v in (("latencySeconds", 9.0), ("errors", 0.5)))
    for bad in (both, both[::-1]):
        assert health(replace(world, readings=(*world.readings, *bad))).because.reason is Reason.ERRORS_ABOVE_SLO


# --------------------------------------------------------------------------------------------------- doubling hold

QUARTER = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("relapses", "hold", "expected"),
    [
        (0, QUARTER, timedelta(minutes=15)),
        (1, QUARTER, timedelta(minutes=30)),
        (2, QUARTER, timedelta(hours=1)),
        (4, QUARTER, timedelta(hours=4)),
        (5, QUARTER, timedelta(hours=4)),
        (10**6, QUARTER, timedelta(hours=4)),
        (-1, QUARTER, timedelta(minutes=15)),
        (3, timedelta(0), timedelta(0)),
        (0, timedelta(hours=9), timedelta(hours=4)),
        (0, timedelta.max, timedelta(hours=4)),
    ],
)
def test_the_hold_doubles_with_every_relapse(relapses: int, hold: timedelta, expected: timedelta) -> None:
    """From what the ENT declares, up to four hours."""
    memory = held(Verdict.HEALTHY, healthy_since=LONG_AGO, fell_at=LONG_AGO, relapses=relapses)
    found = health(remembering(SHOWING[Evidence.WELL_FOR_LONG](), memory))
    assert failback_hold_until(found, hold) == LONG_AGO + expected


@pytest.mark.parametrize("missing", ["fell_at", "healthy_since"])
def test_no_hold_for_a_site_that_never_fell_or_is_not_back(missing: str) -> None:
    """A hold is for a return."""
    found = health(remembering(SHOWING[Evidence.WELL](), held(Verdict.HEALTHY, healthy_since=LONG_AGO)))
    gone = (
        replace(found, fell_at=None) if missing == "fell_at" else replace(found, fell_at=LONG_AGO, healthy_since=None)
    )
    assert failback_hold_until(gone, QUARTER) is None


@pytest.mark.parametrize(
    ("healthy_for", "fell", "relapses", "expected"),
    [
        (timedelta(minutes=20), True, 0, 1),
        (timedelta(minutes=20), True, 1, 2),
        (FORGIVEN_AFTER, True, 1, 2),
        (FORGIVEN_AFTER + ROUND, True, 3, 0),
        (timedelta(minutes=20), False, 0, 0),
        (timedelta(minutes=20), True, 10, 10),
    ],
)
@pytest.mark.parametrize("unknown_first", [False, True])
def test_relapses_are_counted_until_forgiven(
    healthy_for: timedelta,
    fell: bool,  # noqa: FBT001 - a row of the table
    relapses: int,
    expected: int,
    unknown_first: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """A fall within four hours of the last return is a relapse; a long health forgives, a moment's doubt does not."""
    memory = SiteMemory(
        site=A,
        verdict=Verdict.UNKNOWN if unknown_first else Verdict.HEALTHY,
        since=BELL - healthy_for,
        healthy_since=BELL - healthy_for,
        fell_at=BELL - healthy_for - QUARTER if fell else None,
        relapses=relapses,
    )
    found = health(remembering(SHOWING[Evidence.DEAD](), memory))
    assert (found.relapses, found.fell_at, found.healthy_since) == (expected, BELL, None)
    again = health(remembering(SHOWING[Evidence.SICK](), remembered(found)))
    assert again.relapses == expected, "one fall is one, however long it lasts and whatever it turns into"


def test_a_long_health_forgets() -> None:
    """After four healthy hours there is nothing to return from."""
    memory = held(Verdict.HEALTHY, healthy_since=BELL - FORGIVEN_AFTER - ROUND, fell_at=LONG_AGO, relapses=3)
    found = health(remembering(SHOWING[Evidence.WELL](), memory))
    assert (found.fell_at, found.relapses) == (None, 0)
    assert LONGEST_HOLD <= FORGIVEN_AFTER, "a hold is never forgotten before it ends"


def test_a_site_that_keeps_falling_is_left_alone_longer_each_time() -> None:
    """Fall, return, fail back, fall again: the third return waits an hour."""
    memory, waits = None, []
    now = BELL
    for _ in range(3):
        for sights in ([Sight.BOTH_FAIL] * 3, *([[Sight.WELL] * 5] * 2)):
            now += ROUND * 5
            memory = remembered(health(remembering(a_world_of(seeing(sights, now=now)), memory), now=now))
        now += ROUND
        found = health(remembering(a_world_of(seeing([Sight.WELL] * 5, now=now)), memory), now=now)
        memory = remembered(found)
        until = failback_hold_until(found, QUARTER)
        assert until is not None
        assert found.healthy_since is not None
        waits.append(until - found.healthy_since)
        now = until
    assert waits == [QUARTER, 2 * QUARTER, 4 * QUARTER]


def test_traffic_returns_after_the_doubled_hold() -> None:
    """The planner keeps to it, and looks again when it ends."""
    for minutes, moves in ((29, False), (31, True)):
        since = BELL - timedelta(minutes=minutes)
        memory = SiteMemory(
            site=A, verdict=Verdict.HEALTHY, since=since, healthy_since=since, fell_at=since - QUARTER, relapses=1
        )
        world = a_world(
            weights={("nord", "a"): 0, ("nord", "b"): 100}, demand={("nord", "a"): 0.0, ("nord", "b"): 20.0}
        )
        found = plan(remembering(world, memory), BELL)
        assert any(action.id.startswith("weights:") for action in found.actions) is moves


# -------------------------------------------------------------------------------------------------- interruptions


def remembered(found: Health) -> SiteMemory:
    return _site_memory(found)


def safer(kept: Health, interrupted: Health, at_restart: Health) -> bool:
    """Tell whether the interrupted verdict is the same or does less.

    It may know less; it may be slower to forgive what it remembers; and where it lost a round of a fall that is over,
    it may go by what is seen now.
    """
    remembered_bad = at_restart.verdict in BAD and interrupted.verdict is at_restart.verdict
    if interrupted.verdict in (kept.verdict, Verdict.UNKNOWN) or remembered_bad:
        return True
    milder = {Verdict.DOWN: (Verdict.DEGRADED, Verdict.HEALTHY), Verdict.DEGRADED: (Verdict.HEALTHY,)}
    missed = kept.because.reason is Reason.RECOVERING and at_restart.verdict not in BAD
    return missed and interrupted.verdict in milder.get(kept.verdict, ())


KINDS = (Sight.WELL, Sight.PUBLIC_FAILS, Sight.BOTH_FAIL, Sight.ABSTAINS)
LONGEST = 6 if NIGHTLY else 5


def test_every_interruption_of_every_short_sequence() -> None:
    """Killed after any round, memory kept and rounds lost, the controller comes to the same verdict or a safer one.

    Bounds: one observer, four sights, sequences of up to 5 rounds (nightly 6) after each of four verdicts in force
    and after none, a restart after every round but the last. A Down that would not have come never comes.
    """
    cases = 0
    for before in (*BEFORE, None):
        memory = held(before, well_since=None) if before else None
        for sequence in itertools.product(KINDS, repeat=LONGEST):
            cases += _check_interruptions(sequence, memory)
    assert cases == 5 * len(KINDS) ** LONGEST * (LONGEST - 1)


def _check_interruptions(sequence: tuple[Sight, ...], memory: SiteMemory | None) -> int:
    whole = list(replay(sequence, 0, memory))
    for lost in range(1, len(sequence)):
        at_restart = whole[lost - 1]
        again = replay(sequence, lost, remembered(at_restart))
        for kept, interrupted in zip(whole[lost:], again, strict=True):
            assert safer(kept, interrupted, at_restart), (sequence, lost)
    return len(sequence) - 1


def replay(sequence: tuple[Sight, ...], lost: int, memory: SiteMemory | None) -> Iterator[Health]:
    """Judge after every round, knowing those since the restart."""
    for count in range(lost + 1, len(sequence) + 1):
        found = _judged(sequence[lost:count], lost, memory)
        yield found
        memory = remembered(found)


@functools.cache
def _judged(known: tuple[Sight, ...], lost: int, memory: SiteMemory | None) -> Health:
    now = BELL + ROUND * (lost + len(known))
    seen = tuple(_one_round(s, lost + i) for i, s in enumerate(known))
    return judge_sites(facts_of(a_world_of(seen, sites="ab", memory=memory), now))[A]


@functools.cache
def _one_round(saw: Sight, number: int) -> EvidenceRound:
    return seeing([saw], sites="ab", now=BELL + ROUND * (number + 1), first=number)[0]


@settings(max_examples=1000 if NIGHTLY else 30)
@given(
    st.lists(st.lists(st.sampled_from(tuple(Sight)), min_size=12, max_size=12), min_size=1, max_size=4),
    st.integers(1, 11),
    st.sampled_from([None, "b"]),
)
def test_interruptions_with_several_observers(seen: list[list[Sight]], lost: int, self_site: str | None) -> None:
    """The same for up to four observers over twelve rounds: a restart never invents a Down."""
    found = [seeing(h, observer=f"o{i}") for i, h in enumerate(seen)]

    def judged(start: int, memory: SiteMemory | None) -> Iterator[Health]:
        for count in range(start + 1, 13):
            known = [r for mine in found for r in mine[start:count]]
            world = a_world_of(known, memory=memory, self_site=self_site)
            result = health(world, now=known[-1].at)
            memory = remembered(result)
            yield result

    whole = list(judged(0, None))
    again = judged(lost, remembered(whole[lost - 1]))
    for kept, interrupted in zip(whole[lost:], again, strict=True):
        assert safer(kept, interrupted, whole[lost - 1])


def test_a_restart_keeps_the_doubled_hold() -> None:
    """The count of relapses is a restraint: it is in the memory that survives, beside the verdict."""
    memory = held(Verdict.DEGRADED, relapses=2, fell_at=LONG_AGO)
    world = remembering(SHOWING[Evidence.NONE](), memory)
    world = replace(world, memory=replace(world.memory, samples=Samples()))
    kept = plan(world, BELL).memory.sites[0]
    assert (kept.relapses, kept.verdict) == (2, Verdict.DEGRADED)


# ------------------------------------------------------------------------------------------------------ conditions


@pytest.mark.parametrize(
    ("observers", "references", "status", "reason"),
    [
        ((("ctl-b", "b"), ("ctl-c", "c")), 3, ConditionStatus.TRUE, Reason.ALL_WELL),
        ((("ctl-b", "b"), ("witness", None)), 3, ConditionStatus.TRUE, Reason.ALL_WELL),
        ((("ctl-b", "b"), ("ctl-a", "a")), 3, ConditionStatus.FALSE, Reason.TOO_FEW_OBSERVERS),
        ((("ctl-b", "b"), ("witness", None)), 2, ConditionStatus.FALSE, Reason.NO_REFERENCES),
        ((("ctl-a", "a"),), 3, ConditionStatus.FALSE, Reason.NO_EVIDENCE),
        ((), 3, ConditionStatus.FALSE, Reason.NO_EVIDENCE),
    ],
)
def test_quorum_possible_says_what_is_missing(
    observers: tuple[tuple[str, str | None], ...], references: int, status: ConditionStatus, reason: Reason
) -> None:
    """A loss that nobody could vote on is told before it happens, and what to do about it."""
    found = [
        replace(r, site=SiteName(at) if at else None)
        for name, at in observers
        for r in rounds(BELL, THREE, observer=name, references=[FINE] * references)
    ]
    world = a_world(sites=SITES, rounds=tuple(found), self_site=SiteName("b"))
    conditions = {(c.of, c.type): c for c in plan(world, BELL).conditions}
    condition = conditions[(A, ConditionType.QUORUM_POSSIBLE)]
    assert (condition.status, condition.because.reason) == (status, reason)


def test_the_only_observer_of_all_sites_is_enough() -> None:
    """In the all-sites topology one observer may decide, and the condition says so."""
    found = health(a_world(sites=SITES, rounds=rounds(BELL, THREE)))
    assert found.no_quorum is None
    few = health(a_world(sites=SITES, rounds=rounds(BELL, THREE, references=(FINE, FINE))))
    assert few.no_quorum is not None
    assert few.no_quorum.reason is Reason.NO_REFERENCES
    assert RECOVERY_ROUNDS > 3
