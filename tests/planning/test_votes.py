"""Votes of one to six observers, against an oracle that only counts; clocks, lost reports and the nine seconds."""

import functools
import itertools
import math
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.memory import Verdict
from controller.domain.names import ObserverName, SiteName
from controller.domain.readings import Answered, NotAttempted, Probe, ProbePath, ProbeResult
from controller.domain.world import EvidenceRound, World
from controller.planning.facts import facts_of
from controller.planning.health import judge_sites
from controller.planning.votes import HOLD_ROUNDS, Look, Observer, Sight, Votes, observers_of, sight, votes_on
from tests.builders import BELL, DEAD, FINE, HUNG, a_site, rounds
from tests.planning.sightings import a_world_of, seeing

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
UNSEEN: ProbeResult = NotAttempted(why="not asked")
A = a_site("a")
SIGHTS = tuple(Sight)
Observers = dict[tuple[str, tuple[Sight, ...], bool], Observer]


def verdict(world: World, site: str = "a") -> Verdict:
    return judge_sites(facts_of(world, BELL))[SiteName(site)].verdict


# ---------------------------------------------------------------------------------------------------------- sights


@pytest.mark.parametrize(
    ("api", "public", "has_public", "expected"),
    [
        (FINE, FINE, True, Sight.WELL),
        (FINE, DEAD, True, Sight.PUBLIC_FAILS),
        (FINE, HUNG, True, Sight.PUBLIC_FAILS),
        (DEAD, FINE, True, Sight.API_FAILS),
        (DEAD, DEAD, True, Sight.BOTH_FAIL),
        (HUNG, HUNG, True, Sight.BOTH_FAIL),
        (UNSEEN, FINE, True, Sight.ABSTAINS),
        (UNSEEN, DEAD, True, Sight.ABSTAINS),
        (FINE, UNSEEN, True, Sight.ABSTAINS),
        (DEAD, UNSEEN, True, Sight.ABSTAINS),
        (UNSEEN, UNSEEN, True, Sight.ABSTAINS),
        (FINE, UNSEEN, False, Sight.WELL),
        (DEAD, UNSEEN, False, Sight.API_FAILS),
        (UNSEEN, UNSEEN, False, Sight.ABSTAINS),
    ],
)
def test_what_one_round_says(api: ProbeResult, public: ProbeResult, has_public: bool, expected: Sight) -> None:  # noqa: FBT001 - a row of the table
    """A path that was not looked at is no evidence, and one path alone is never proof of death."""
    seen = rounds(BELL, "ab", api={"a": api}, public={"a": public}, count=1)
    site = replace(A, has_public_address=has_public)
    assert sight(one_look(seen), site, ()) is expected


@pytest.mark.parametrize(
    ("answering", "declared", "votes"),
    [(n, m, m >= 3 and n * 2 >= m) for m in range(7) for n in range(m + 1)],
)
def test_references(answering: int, declared: int, votes: bool) -> None:  # noqa: FBT001 - a row of the table
    """An observer votes with at least half of three or more references answering, and abstains otherwise."""
    seen = rounds(BELL, "ab", references=[FINE] * answering + [DEAD] * (declared - answering), count=1)
    assert (sight(one_look(seen), A, ()) is Sight.WELL) is votes


def test_unreachable_peers_alone_silence_nobody() -> None:
    """With other observers about, one that reaches no site at all still votes while its references answer."""
    gone = dict.fromkeys("abcd", DEAD)
    seen = rounds(BELL, "abcd", api=gone, public=gone, count=1)
    assert sight(one_look(seen), A, ()) is Sight.BOTH_FAIL
    assert sight(one_look(seen), A, [SiteName(s) for s in "bcd"]) is Sight.ABSTAINS, "alone it doubts itself"


def one_look(seen: Sequence[EvidenceRound]) -> Look:
    return observers_of(a_world_of(seen), BELL)[0].looks[0]


# ----------------------------------------------------------------------------------------------------------- votes


def expected_verdict(histories: Sequence[Sequence[Sight]], *, only_observer: bool) -> Verdict:
    """The rule of the design, by counting: who does not abstain now, who saw the same in each of the last three."""
    voters = [seen for seen in histories if seen[-1] is not Sight.ABSTAINS]
    least = 1 if only_observer else 2

    def enough(*kinds: Sight) -> bool:
        agreed = [h for h in voters if len(h) >= 3 and {h[-1], h[-2], h[-3]} <= set(kinds)]
        return len(agreed) >= least and len(agreed) > len(voters) - len(agreed)

    if enough(Sight.BOTH_FAIL):
        return Verdict.DOWN
    if enough(Sight.BOTH_FAIL, Sight.PUBLIC_FAILS):
        return Verdict.DEGRADED
    return Verdict.HEALTHY if any(h[-1] is Sight.WELL for h in voters) else Verdict.UNKNOWN


def multisets(count: int) -> Iterator[tuple[Sight, ...]]:
    """What so many observers may see, whoever sees it."""
    return itertools.combinations_with_replacement(SIGHTS, count)


def counted_verdict(votes: Votes) -> Verdict:
    """The verdict that the votes alone lead to."""
    if votes.carried(votes.dead):
        return Verdict.DOWN
    if votes.carried(votes.shut):
        return Verdict.DEGRADED
    return Verdict.HEALTHY if votes.well else Verdict.UNKNOWN


@pytest.fixture(scope="module")
def observer() -> Observers:
    """Observers by name, by what they saw of `a` in three rounds, and by whether they stand there."""
    found = {}
    for name in "uvwxyz":
        for history in itertools.product(SIGHTS, repeat=HOLD_ROUNDS):
            if name in "uv" or len(set(history)) == 1:
                for there in (False, True):
                    seen = seeing(history, observer=name, at="a" if there else None)
                    found[(name, history, there)] = observers_of(a_world_of(seen), BELL)[0]
    return found


@pytest.mark.parametrize("count", range(1, 7))
@pytest.mark.parametrize("self_site", [None, "b"])
def test_every_combination_of_one_to_six_observers(observer: Observers, count: int, self_site: str | None) -> None:
    """5 sights to the power of 1 to 6 observers, in both topologies, with and without one that stands at the site.

    Bounds: each observer sees the same in three rounds running; of six observers it does not matter which saw what
    (nightly it does). 16,460 cases in all, nightly 78,120.
    """
    world, cases = a_world_of((), self_site=self_site), 0
    who_matters = count < 6 or NIGHTLY
    every = itertools.product(SIGHTS, repeat=count) if who_matters else multisets(count)
    for seen in every:
        for one_is_there in (False, True):
            mine = [
                observer[(name, (s,) * HOLD_ROUNDS, one_is_there and i == 0)]
                for i, (name, s) in enumerate(zip("uvwxyz", seen, strict=False))
            ]
            histories = [[s] * HOLD_ROUNDS for s in seen[one_is_there:]]
            only = self_site is None and count == 1
            assert counted_verdict(votes_on(A, mine, world)) is expected_verdict(histories, only_observer=only), seen
            cases += 1
    assert cases == 2 * (5**count if who_matters else math.comb(count + 4, 4))


@pytest.mark.parametrize("self_site", [None, "b"])
def test_every_history_of_two_observers(observer: Observers, self_site: str | None) -> None:
    """Three rounds of five sights each for two observers: 15,625 histories in each topology."""
    world, cases = a_world_of((), self_site=self_site), 0
    histories = list(itertools.product(SIGHTS, repeat=HOLD_ROUNDS))
    for one, two in itertools.product(histories, repeat=2):
        votes = votes_on(A, [observer[("u", one, False)], observer[("v", two, False)]], world)
        assert counted_verdict(votes) is expected_verdict([one, two], only_observer=False), (one, two)
        cases += 1
    assert cases == 5**6


@pytest.mark.parametrize("count", range(1, 7))
def test_the_verdict_follows_the_votes(count: int) -> None:
    """The same through the whole judge, from rounds: every multiset of sights (461 in all), in both topologies."""
    for seen in multisets(count):
        found = [r for i, s in enumerate(seen) for r in seeing([s] * HOLD_ROUNDS, observer=f"o{i}")]
        for self_site in (None, "b"):
            only = self_site is None and count == 1
            world = a_world_of(found, self_site=self_site)
            assert verdict(world) is expected_verdict([[s] * 3 for s in seen], only_observer=only), seen


# ------------------------------------------------------------------------------------- who votes, and what is possible


@pytest.mark.parametrize(
    ("observers", "expected"),
    [
        ((("ctl-b", "b"),), Verdict.UNKNOWN),
        ((("ctl-a", "a"), ("ctl-b", "b")), Verdict.UNKNOWN),
        ((("ctl-b", "b"), ("witness", None)), Verdict.DOWN),
        ((("ctl-a", "a"), ("witness", None)), Verdict.UNKNOWN),
        ((("ctl-b", "b"), ("ctl-c", "c")), Verdict.DOWN),
        ((("witness", None), ("witness-2", None)), Verdict.DOWN),
    ],
)
def test_two_that_do_not_stand_there(observers: tuple[tuple[str, str | None], ...], expected: Verdict) -> None:
    """Two sites need a witness: without one the verdict stops at Unknown. Nobody votes on its own death."""
    found = [r for name, at in observers for r in seeing([Sight.BOTH_FAIL] * 3, observer=name, at=at)]
    assert verdict(a_world_of(found, self_site="b")) is expected


@pytest.mark.parametrize("others_answer", [0, 1, 2, 3])
def test_the_only_observer_needs_half_of_the_other_sites(others_answer: int) -> None:
    """In the all-sites topology Down takes references and at least half of the other sites."""
    gone = {"a": DEAD} | dict.fromkeys("bcd"[others_answer:], DEAD)
    seen = rounds(BELL, "abcd", api=gone, public=gone, count=3)
    expected = Verdict.DOWN if others_answer >= 2 else Verdict.UNKNOWN
    assert verdict(a_world_of(seen, sites="abcd")) is expected


@pytest.mark.parametrize("others", [Sight.WELL, Sight.ABSTAINS, None])
def test_a_site_may_declare_itself_sick(others: Sight | None) -> None:
    """Its own word is believed downwards, whoever else votes; that it is well counts for nothing."""
    own = seeing([Sight.WELL], observer="ctl-a", at="a")
    said: list[Sight] = [] if others is None else [others] * 3
    seen = seeing(said, observer="ctl-b", at="b")
    sick = tuple(replace(r, declares_sick=True) for r in own)
    assert verdict(a_world_of((*sick, *seen), self_site="b")) is Verdict.DEGRADED
    expected = Verdict.HEALTHY if others is Sight.WELL else Verdict.UNKNOWN
    assert verdict(a_world_of((*own, *seen), self_site="b")) is expected


def test_a_word_about_another_site_is_none() -> None:
    """Only the site at which the observer stands is meant; a witness that declares itself sick means nobody."""
    standing: tuple[str | None, ...] = ("b", None)
    seen = [r for at in standing for r in seeing([Sight.WELL] * 3, observer=f"at-{at}", at=at)]
    assert verdict(a_world_of([replace(r, declares_sick=True) for r in seen], self_site="c")) is Verdict.HEALTHY


# ----------------------------------------------------------------------------------------- late, lost, twice, skewed


@pytest.mark.parametrize(("age_seconds", "expected"), [(0, Verdict.DOWN), (7, Verdict.DOWN), (7.1, Verdict.UNKNOWN)])
def test_an_observer_that_fell_silent_does_not_vote(age_seconds: float, expected: Verdict) -> None:
    """Late up to seven seconds is a vote, later is none: neither against a site nor for it."""
    late = seeing([Sight.BOTH_FAIL] * 3, observer="late", now=BELL - timedelta(seconds=age_seconds))
    here = seeing([Sight.BOTH_FAIL] * 3, observer="here")
    assert verdict(a_world_of((*late, *here), self_site="b")) is expected
    once_well = seeing([Sight.WELL] * 3, observer="gone", now=BELL - timedelta(seconds=age_seconds))
    both = [r for name in ("one", "two") for r in seeing([Sight.BOTH_FAIL] * 3, observer=name)]
    assert verdict(a_world_of((*once_well, *both), self_site="b")) is Verdict.DOWN


def test_a_gap_ends_what_was_running() -> None:
    """Two failed rounds, silence, one more: that is not three running."""
    before = seeing([Sight.BOTH_FAIL] * 2, now=BELL - timedelta(seconds=7.5))
    after = seeing([Sight.BOTH_FAIL], first=3)
    assert verdict(a_world_of((*before, *after))) is Verdict.UNKNOWN


def test_an_observer_that_restarted_counts_on_from_its_own_clock() -> None:
    """Its sequence begins at one again; the order of its rounds is that of their instants."""
    before = seeing([Sight.WELL] * 3, first=900, now=BELL - timedelta(seconds=6))
    after = seeing([Sight.BOTH_FAIL] * 3, first=1)
    assert verdict(a_world_of((*before, *after))) is Verdict.DOWN


@pytest.mark.parametrize("hours", [-1, 1])
def test_rounds_of_another_hour_are_none(hours: int) -> None:
    """A clock that is an hour ahead or behind says nothing about now, for good or ill."""
    skewed = seeing([Sight.BOTH_FAIL] * 5, observer="skewed", now=BELL + timedelta(hours=hours))
    assert verdict(a_world_of(skewed)) is Verdict.UNKNOWN
    two = [r for name in ("one", "two") for r in seeing([Sight.WELL] * 5, observer=name)]
    assert verdict(a_world_of((*skewed, *two))) is Verdict.HEALTHY


histories = st.lists(st.sampled_from(SIGHTS), min_size=1, max_size=6)


@given(
    st.lists(histories, min_size=1, max_size=6),
    st.lists(st.integers(0, 1999), min_size=6, max_size=6),
    st.randoms(use_true_random=False),
)
def test_order_phase_and_repetition_change_nothing(
    seen: list[list[Sight]], phases: list[int], chance: random.Random
) -> None:
    """Rounds need not be aligned, may arrive in any order and twice: the verdict is the same."""
    aligned = [r for i, h in enumerate(seen) for r in seeing(h, observer=f"o{i}")]
    late = {f"o{i}": timedelta(milliseconds=phase) for i, phase in enumerate(phases)}
    shuffled = [replace(r, at=r.at - late[r.observer]) for r in (*aligned, *aligned)]
    chance.shuffle(shuffled)
    assert verdict(a_world_of(shuffled)) is verdict(a_world_of(aligned))


@given(st.lists(histories, min_size=2, max_size=6), st.integers(0, 5))
def test_losing_one_observer_never_kills_a_site_that_only_one_has_lost(seen: list[list[Sight]], lost: int) -> None:
    """While all but one observer see the site alive, no loss of reports makes it Down."""
    told: list[list[Sight]] = [[Sight.WELL if s is Sight.BOTH_FAIL else s for s in h] for h in seen]
    told[0] = seen[0]
    found = [seeing(h, observer=f"o{i}") for i, h in enumerate(told)]
    kept = [r for i, mine in enumerate(found) if i != lost for r in mine]
    assert verdict(a_world_of(kept, self_site="b")) is not Verdict.DOWN


# ---------------------------------------------------------------------------------------------------- nine seconds

PERIOD, DEADLINE, WORST = 2.0, 1.0, 9.0


def decided_after(death: float, phase: dict[str, float], pull: float) -> float:
    """Seconds from the death of `c` until the planner at `a` holds it for Down, in steps of arrivals.

    `a` looks by itself and reads the report of `b`, which carries its last five rounds, every two seconds.
    """
    taken = {n: [_round(n, k, p, down=p + PERIOD * k >= death) for k in range(10)] for n, p in phase.items()}
    arrivals = {r.at for r in taken["a"]} | {BELL + timedelta(seconds=pull + PERIOD * k) for k in range(10)}
    for now in sorted(arrivals):
        if (now - BELL).total_seconds() < death:
            continue
        read_at = now - (now - BELL - timedelta(seconds=pull)) % timedelta(seconds=PERIOD)
        known = [r for r in taken["a"] if r.at <= now][-5:] + [r for r in taken["b"] if r.at <= read_at][-5:]
        if judge_sites(facts_of(a_world_of(known, self_site="a"), now))[SiteName("c")].verdict is Verdict.DOWN:
            return (now - BELL).total_seconds() - death
    raise AssertionError("never decided")


@functools.cache
def _round(name: str, k: int, phase: float, *, down: bool) -> EvidenceRound:
    """A round that began before the death saw the site well; one that begins after it runs into the deadline."""
    ends = BELL + timedelta(seconds=phase + PERIOD * k + (DEADLINE if down else 0.05))
    told = {"c": HUNG} if down else {}
    seen = rounds(ends, "abc", api=told, public=told, count=1, observer=name, first=k)[0]
    return replace(seen, site=SiteName(name))


def test_nine_seconds_at_worst() -> None:
    """From the loss of a site to the verdict at a peer: 2 s + 3 × 2 s + 1 s at worst, however the rounds lie.

    Bounds: phases of two observers and of the reading of reports in steps of 0.5 s (0.25 s nightly), reports read just
    before each step too, the loss at any step and just after. The worst case is within a tenth of a second of 9 s.
    """
    steps = [i * (0.25 if NIGHTLY else 0.5) for i in range(8 if NIGHTLY else 4)]
    worst, cases = 0.0, 0
    pulls = [s - early for s in steps for early in (0.0, 0.01)]
    for first, second, pull in itertools.product(steps, steps, pulls):
        for death in [2 + s + just for s in steps for just in (0.0, 0.01)]:
            worst = max(worst, decided_after(death, {"a": first, "b": second}, pull))
            cases += 1
    assert cases == len(steps) ** 4 * 4
    assert 6.0 < worst <= WORST
    assert worst > WORST - 0.1, "the bound is tight"


def test_probes_name_observers_and_sites() -> None:
    """Probes of sites that nobody declares, and observers with no probes at all, change nothing."""
    strange = EvidenceRound(
        observer=ObserverName("strange"),
        sequence=1,
        at=BELL,
        probes=(Probe(path=ProbePath.API, target="nowhere", result=DEAD),),
    )
    two = [r for name in ("one", "two") for r in seeing([Sight.BOTH_FAIL] * 3, observer=name)]
    assert verdict(a_world_of((strange, *two))) is Verdict.DOWN


@pytest.mark.parametrize(
    ("status", "expected", "api", "seen"),
    [
        (200, 200, FINE, Sight.WELL),
        (503, 200, FINE, Sight.PUBLIC_FAILS),
        (302, 200, FINE, Sight.PUBLIC_FAILS),
        (302, 302, FINE, Sight.WELL),
        (503, 200, DEAD, Sight.API_FAILS),
    ],
)
def test_an_answer_with_another_status_is_alive_and_sick(
    status: int, expected: int, api: ProbeResult, seen: Sight
) -> None:
    """It may make a site Degraded by vote and never Down: somebody is there who answers."""
    public = Answered(status=status, seconds=0.01)
    found = rounds(BELL, "ab", api={"a": api}, public={"a": public}, count=1)
    assert sight(one_look(found), replace(A, expected_status=expected), ()) is seen
