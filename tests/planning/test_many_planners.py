"""N planners that share nothing but reports: safe together, never a false Down, and a lost site is left everywhere.

Each instance runs the very `plan`, for its own site, on what it knows; `network.py` is the world between them.

Bounds. Fleets: two sites with and without a witness, three with and without, four. Faults: none; the loss of one site
or of any two; every partition in two, the witness included; every link lost one way (nightly: any two). References:
all answer, or those of any one observer do not. Reports: in time; two rounds late for all, or for one reader, so that
two planners are two rounds apart; lost between one pair, for one reader, or all of them. Twenty seconds of each.
"""

import itertools
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.fleet import Scaling
from controller.domain.memory import Verdict
from controller.domain.names import SiteName
from controller.domain.plan import SetWeights
from controller.planning.facts import facts_of
from tests.builders import BELL, a_world, an_ent
from tests.planning.network import FAULT_AT, WITNESS, Case, Network, Pair

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
STEPS = FAULT_AT + 10
"""Twenty seconds of the fault: nine to see it, two rounds of delay, seven until the dead are silent."""
PLANNED_STEPS = STEPS + 9
"""Enough for a stabilization window to pass after everybody has acted, and for all to plan after it."""
IN_TIME = FAULT_AT + 4
"""With every report in time: the step of nine seconds after a loss that came just after a round."""


# ---------------------------------------------------------------------------------------------- faults and reports


def faults(sites: str, *, witness: bool) -> Iterator[Case]:
    """Every fault within the bounds; the ENT is at home where it hurts."""
    peaceful = Case(sites=sites, witness=witness)
    observers = peaceful.observers
    yield peaceful
    for count in (1, 2):
        for dead in itertools.combinations(sites, count):
            if count < len(sites):
                yield replace(peaceful, dead="".join(dead), home=dead[0])
    for side in _sides(observers):
        rest = "".join(o for o in observers if o not in side)
        away = next((s for s in sites if s in rest), sites[0])
        yield replace(peaceful, cut=_between(side, rest), home=away)
    links = [(one, other) for one, other in itertools.permutations(observers, 2) if other != WITNESS]
    for lost in itertools.chain(*(itertools.combinations(links, n) for n in ((1, 2) if NIGHTLY else (1,)))):
        yield replace(peaceful, cut=frozenset(lost), home=lost[0][1])


def _sides(observers: str) -> Iterator[str]:
    """Every way to colour the observers in two colours, once each."""
    for bits in range(1, 2 ** (len(observers) - 1)):
        yield "".join(o for i, o in enumerate(observers) if bits >> i & 1)


def _between(side: str, rest: str) -> frozenset[Pair]:
    return frozenset({*itertools.product(side, rest), *itertools.product(rest, side)})


def travels(case: Case) -> Iterator[Case]:
    """Every way in which reports may travel within the bounds."""
    yield case
    yield _all_late(case)
    for reader in case.sites:
        yield replace(case, delays={reader: 2})
    pairs = [(reader, writer) for reader in case.sites for writer in case.observers if reader != writer]
    for pair in pairs:
        yield replace(case, lost=frozenset({pair}))
    for reader in case.sites:
        yield replace(case, lost=frozenset(pair for pair in pairs if pair[0] == reader))
    yield replace(case, lost=frozenset(pairs))


def _all_late(case: Case) -> Case:
    return replace(case, delays=dict.fromkeys(case.sites, 2))


def with_doubts(fault: Case) -> Iterator[Case]:
    """Reports in every way while all references answer; in time and late when one observer is without its own.

    The nightly profile combines them all.
    """
    yield from travels(fault)
    for observer in fault.observers:
        doubting = replace(fault, doubting=observer)
        yield from travels(doubting) if NIGHTLY else (doubting, _all_late(doubting))


# ------------------------------------------------------------------------------------------------------ the oracle


def lost_sight_of(case: Case, site: str) -> set[str]:
    """Observers that truly cannot reach the site, and whose word counts."""
    living = [o for o in case.observers if o not in case.dead and o not in case.doubting and o != site]
    return {o for o in living if site in case.dead or (o, site) in case.cut}


def must_be_left(case: Case, me: str, site: str) -> bool:
    """Count, from the network alone, whether a planner that stands elsewhere must come to hold the site for Down."""
    heard = {me} | {o for o in case.observers if o != me and case.reads(me, o, STEPS)}
    voters = {o for o in heard if o != site and o not in case.doubting}
    against = voters & lost_sight_of(case, site)
    return len(against) >= 2 and 2 * len(against) > len(voters)


def may_be_held_for_down(case: Case, site: str) -> bool:
    """A site is Down only if it is dead, or cut off from two observers that have their references."""
    return site in case.dead or len(lost_sight_of(case, site)) >= 2


def check_verdicts(network: Network) -> None:
    """Never a false Down, at any step."""
    for me in network.living:
        for site, verdict in network.verdicts[me].items():
            if verdict is Verdict.DOWN:
                assert network.step >= FAULT_AT + 2, f"{me} was too quick about {site} in {network.case}"
                assert may_be_held_for_down(network.case, site), f"{me} holds {site} for Down in {network.case}"


# ------------------------------------------------------------------------------------------------------- the tests


@pytest.mark.parametrize(
    ("sites", "witness", "count"),
    [("ab", False, 78), ("ab", True, 170), ("abc", False, 336), ("abc", True, 598), ("abcd", False, 930)],
)
def test_never_a_false_down_and_every_loss_is_seen(sites: str, witness: bool, count: int) -> None:  # noqa: FBT001 - a row of the table
    """2,112 cases (nightly 19,103): Down only what is dead or cut off from two, and whatever a planner hears of it.

    Verdicts of every planner after every round, against the network itself: nobody is held for Down too early, or
    while at most one observer has lost it; and where two observers and a majority of those heard have lost a site
    while their references answer, every planner that hears them comes to know.
    """
    cases = 0
    for case in itertools.chain(*map(with_doubts, faults(sites, witness=witness))):
        network = Network(case, only_verdicts=True)
        for _ in range(STEPS):
            network.look()
            network.judge()
            _check_verdicts(network)
        for me, site in _views(network):
            seen = network.verdicts[me][site] is Verdict.DOWN
            assert seen or not must_be_left(case, me, site), f"{me} does not see {site} lost in {case}"
        cases += 1
    assert cases == count or NIGHTLY


def _views(network: Network) -> list[Pair]:
    return [(me, site) for me in network.living for site in network.case.sites if me != site]


def _check_verdicts(network: Network) -> None:
    for me in network.living:
        for site, verdict in network.verdicts[me].items():
            if verdict is Verdict.DOWN:
                assert network.step >= FAULT_AT + 2, f"{me} was too quick about {site} in {network.case}"
                assert may_be_held_for_down(network.case, site), f"{me} holds {site} for Down in {network.case}"


def planned_cases(sites: str, *, witness: bool) -> Iterator[Case]:
    """The cases in which everybody plans: all of them nightly, those that differ most by default."""
    for fault in faults(sites, witness=witness):
        if NIGHTLY:
            yield from travels(fault)
            continue
        one_way_loss = len(fault.cut) == 1
        if sites == "abc" or not one_way_loss:
            yield fault
        if sites == "abc" and fault.dead and not witness:
            yield _all_late(fault)
            yield replace(fault, delays={fault.sites.strip(fault.dead)[0]: 2})
            survivors = [s for s in sites if s not in fault.dead]
            for pair in itertools.permutations(survivors, 2):
                yield replace(fault, lost=frozenset({pair}))


@pytest.mark.parametrize(
    ("sites", "witness", "count"), [("ab", False, 4), ("ab", True, 6), ("abc", False, 34), ("abcd", False, 18)]
)
def test_what_all_do_together_breaks_no_rule(sites: str, witness: bool, count: int) -> None:  # noqa: FBT001 - a row of the table
    """62 cases (nightly 2,912) in which every planner plans: its plan is safe by itself, and so is the union.

    The union of all actions of a round is held against the invariants in the world as it is. Nobody writes for
    another; nobody shrinks who would be missed; every edge that stands answers somebody at any time, and has left
    every site that must be left, within nine seconds when reports are in time.
    """
    cases = 0
    for case in planned_cases(sites, witness=witness):
        network = Network(case)
        in_time = not case.lost and not case.delays
        for _ in range(PLANNED_STEPS):
            network.look()
            network.plan()
            _check_verdicts(network)
            _check_edges(network)
            if in_time and network.step >= IN_TIME:
                _check_evacuation(network)
        _check_evacuation(network)
        cases += 1
    assert cases == count or NIGHTLY


def _check_edges(network: Network) -> None:
    for edge in network.living:
        assert sum(network.weights[edge].values()) == 100, f"{edge} answers nobody in {network.case}"


def _check_evacuation(network: Network) -> None:
    for me, site in _views(network):
        if must_be_left(network.case, me, site):
            assert network.weights[me][site] == 0, f"the edge at {me} still sends users to {site} in {network.case}"


@pytest.mark.parametrize("dead", ["", "a"])
def test_a_fault_that_ends_is_come_back_from_safely(dead: str) -> None:
    """A partition that heals, a site that returns: what was left stays left for the hold, and no rule is broken."""
    cut = frozenset() if dead else _between("a", "bc")
    network = Network(Case(sites="abc", dead=dead, cut=cut, healed_at=FAULT_AT + 8))
    for _ in range(FAULT_AT + 22):
        network.look()
        network.plan()
        _check_edges(network)
    assert set(network.verdicts["b"].values()) == {Verdict.HEALTHY}
    assert [network.weights[edge]["a"] for edge in "bc"] == [0, 0]


def test_two_sites_without_a_witness_move_nothing() -> None:
    """With one observer about the other the verdict stops at Unknown, and no edge is touched."""
    network = Network(Case(sites="ab", dead="a"))
    for _ in range(STEPS):
        network.look()
        assert not [a for p in network.plan().values() for a in p.actions if isinstance(a, SetWeights)]
    assert network.verdicts["b"]["a"] is Verdict.UNKNOWN


@pytest.mark.parametrize(("home", "kept"), [(None, 0), ("a", 20)])
def test_among_peers_nobody_shrinks_at_once(home: str | None, kept: int) -> None:
    """Reports are seconds apart: a window that was declared shorter is not believed, for one planner alone it is."""
    ent = an_ent(scaling=Scaling(stabilization_window=timedelta(0)))
    world = replace(a_world(ents=[ent]), self_site=SiteName(home) if home else None)
    assert facts_of(world, BELL).ents[ent.key].scaling.stabilization_window == timedelta(seconds=kept)
