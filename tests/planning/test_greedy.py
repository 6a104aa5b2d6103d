"""Regret greedy: who is served first, where, and what a loss may cost; the answer where no programme has one."""

import pytest

from controller.domain.names import DomainName, EntKey, SiteName
from controller.planning.flows import UNLIMITED, Slot, Wish
from controller.planning.greedy import place_greedily

A, B, C = "abc"


def a_slot(site: str, *, most: float = 10.0, distance: float = 0.0, cost: float = 1.0, domain: str = "") -> Slot:
    """A slot that is a domain of its own unless told."""
    return Slot(
        site=SiteName(site),
        most=most,
        distance=distance,
        cost=cost,
        domains=(DomainName(domain or f"site:{site}"),),
        held=0.0,
    )


def a_wish(
    name: str, units: float, *slots: Slot, priority: int = 0, reserve: bool = False, most: float = UNLIMITED
) -> Wish:
    """What one ENT asks for."""
    return Wish(
        key=EntKey("ents", name),
        priority=priority,
        units=units,
        per_unit=1.0,
        reserve=reserve,
        most_replicas=most,
        slots=slots,
    )


def placed(
    *wishes: Wish, quotas: dict[str, float] | None = None
) -> dict[str, tuple[tuple[float, ...], tuple[float, ...]]]:
    """Normal flows and replicas by name."""
    found = place_greedily(wishes, {SiteName(site): most for site, most in (quotas or {}).items()})
    return {key.name: (split.normal, split.replicas) for key, split in found.items()}


def test_near_before_cheap_and_cheap_between_equals() -> None:
    """Users stay at home while there is room; then the cheaper of what is equally far."""
    slots = (a_slot(A, most=4), a_slot(B, distance=1, cost=3), a_slot(C, distance=1, cost=2, most=1))
    assert placed(a_wish("nord", 6, *slots)) == {"nord": ((4, 1, 1), (4, 1, 1))}


@pytest.mark.parametrize(("priorities", "first"), [((1, 0), "nord"), ((0, 1), "sud"), ((0, 0), "sud")])
def test_priority_first_then_who_would_lose_most(priorities: tuple[int, int], first: str) -> None:
    """Both want the three places at a; for the south the next best is ten times as far."""
    nord = a_wish("nord", 3, a_slot(A), a_slot(B, distance=1), priority=priorities[0])
    sud = a_wish("sud", 3, a_slot(A), a_slot(B, distance=10), priority=priorities[1])
    found = placed(nord, sud, quotas={A: 3})
    other = "sud" if first == "nord" else "nord"
    assert (found[first][0], found[other][0]) == ((3, 0), (0, 3))


def test_who_has_one_site_alone_loses_everything_without_it() -> None:
    """It is served before whoever could go elsewhere."""
    found = placed(a_wish("nord", 3, a_slot(A), a_slot(B, distance=10)), a_wish("west", 3, a_slot(A)), quotas={A: 3})
    assert (found["west"][0], found["nord"][0]) == ((3,), (0, 3))


def test_a_loss_is_covered_by_the_cheapest_survivors() -> None:
    """Without a six must be carried elsewhere: by c, the cheaper, as far as it goes; without c nothing is missing."""
    slots = (a_slot(A), a_slot(B, distance=1, cost=5), a_slot(C, distance=2, cost=2, most=4))
    assert placed(a_wish("nord", 6, *slots, reserve=True)) == {"nord": ((6, 0, 0), (6, 2, 4))}


def test_sites_of_one_domain_do_not_cover_each_other() -> None:
    """a and b fall together, so all six are needed at c."""
    slots = (a_slot(A, domain="east"), a_slot(B, domain="east"), a_slot(C, distance=2))
    assert placed(a_wish("nord", 6, *slots, reserve=True))["nord"][1] == (6, 0, 6)


def test_normal_demand_of_all_comes_before_anybodys_reserve() -> None:
    """Six places at b: the south's own three are taken first, three are left for the north's reserve of six."""
    nord = a_wish("nord", 6, a_slot(A), a_slot(B, distance=1), reserve=True, priority=1)
    sud = a_wish("sud", 3, a_slot(B))
    found = placed(nord, sud, quotas={B: 6})
    assert (found["nord"], found["sud"]) == (((6, 0), (6, 3)), ((3,), (3,)))


def test_no_more_than_a_dependency_bears() -> None:
    """Eight at all sites together, reserve included."""
    slots = (a_slot(A), a_slot(B, distance=1))
    assert placed(a_wish("nord", 6, *slots, reserve=True, most=8))["nord"][1] == (6, 2)
