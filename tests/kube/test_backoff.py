"""Delays between attempts."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from controller.kube.backoff import LONGEST_SECONDS, SHORTEST_SECONDS, decorrelated


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=50))
def test_delays_stay_between_the_bounds(chances: list[float]) -> None:
    """No attempt follows at once, and a returned server is seen again within the longest delay."""
    source = iter(chances)
    delays = list(islice(decorrelated(lambda: next(source)), len(chances)))
    assert all(SHORTEST_SECONDS <= delay <= LONGEST_SECONDS for delay in delays)


def test_delays_grow_when_chance_allows() -> None:
    """A server that stays away is asked less and less often."""
    delays = list(islice(decorrelated(lambda: 0.99), 6))
    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_SECONDS


def test_two_observers_do_not_march_in_step() -> None:
    """Different chances give different delays."""
    assert next(decorrelated(lambda: 0.1)) != next(decorrelated(lambda: 0.9))
