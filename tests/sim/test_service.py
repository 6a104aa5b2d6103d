"""The queue against closed forms: Erlang's C, M/M/1, Little's law."""

import heapq
import math

import numpy as np
import pytest

from controller.sim.service import kept_share, served_share, waiting_seconds


def erlang_c_wait(servers: int, utilisation: float, service_seconds: float) -> float:
    """Return the exact mean wait in M/M/c."""
    offered = servers * utilisation
    below = sum(offered**n / math.factorial(n) for n in range(servers))
    full = offered**servers / math.factorial(servers) / (1.0 - utilisation)
    return full / (below + full) * service_seconds / (servers * (1.0 - utilisation))


def simulated_wait(servers: int, utilisation: float, service_seconds: float, customers: int) -> float:
    """Return the mean wait of customers who are served one by one, in the order in which they come."""
    draws = np.random.Generator(np.random.PCG64(7))
    gaps = draws.exponential(service_seconds / (servers * utilisation), customers)
    works = draws.exponential(service_seconds, customers)
    free = [0.0] * servers
    now = waited = 0.0
    for gap, work in zip(gaps.tolist(), works.tolist(), strict=True):
        now += gap
        begins = max(now, free[0])
        waited += begins - now
        heapq.heapreplace(free, begins + work)
    return waited / customers


@pytest.mark.parametrize("utilisation", [0.1, 0.5, 0.75, 0.9, 0.99])
def test_one_server_waits_as_in_the_closed_form(utilisation: float) -> None:
    """M/M/1: the mean wait is ρ/(1−ρ) services."""
    found = waiting_seconds(np.array([1.0]), np.array([utilisation]), np.array(0.2))
    assert found[0] == pytest.approx(0.2 * utilisation / (1.0 - utilisation))


@pytest.mark.parametrize("servers", [2, 5, 10, 40, 100])
@pytest.mark.parametrize("utilisation", [0.7, 0.8, 0.9, 0.95])
def test_many_servers_wait_nearly_as_erlang_says(servers: int, utilisation: float) -> None:
    """M/M/c: within a tenth of Erlang's C, or within a fiftieth of a service where hardly anybody waits."""
    exact = erlang_c_wait(servers, utilisation, 0.2)
    found = waiting_seconds(np.array([float(servers)]), np.array([utilisation]), np.array(0.2))[0]
    assert found == pytest.approx(exact, rel=0.1, abs=0.2 / 50)


@pytest.mark.parametrize(("servers", "utilisation"), [(1, 0.7), (4, 0.8), (10, 0.9)])
def test_the_closed_form_is_what_customers_meet(servers: int, utilisation: float) -> None:
    """Customers served one by one wait as long as Erlang's C says, and so as our form does, within a tenth."""
    met = simulated_wait(servers, utilisation, 0.2, 200_000)
    assert met == pytest.approx(erlang_c_wait(servers, utilisation, 0.2), rel=0.1)


def test_the_queue_obeys_littles_law() -> None:
    """A fluid queue that fills and empties: what waited on average is the rate of arrivals times the mean wait."""
    capacity, seconds = 100.0, 600
    arrivals = np.where(np.arange(seconds) < 100, 150.0, 50.0)
    queue, area = 0.0, 0.0
    entered: list[tuple[float, float]] = []
    waited = 0.0
    for second in range(seconds):
        entered.append((float(second), float(arrivals[second])))
        content = queue + arrivals[second]
        share = float(served_share(np.array(content), np.array(capacity)))
        served, left = content * share, content * (1.0 - share)
        queue = left * float(kept_share(np.array(left), np.array(1e9)))
        area += queue
        while served > 1e-9:  # first in, first out, to know how long each waited
            at, amount = entered[0]
            taken = min(amount, served)
            waited += taken * (second - at)
            served -= taken
            entered[0] = (at, amount - taken)
            if entered[0][1] <= 1e-9:
                entered.pop(0)
    assert queue == 0.0
    assert area == pytest.approx(waited, rel=1e-9)


def test_a_wait_grows_before_the_site_breaks() -> None:
    """Latency rises with every step towards full, and is many times larger at 99 % than at half load."""
    rising = waiting_seconds(np.full(6, 20.0), np.array([0.5, 0.75, 0.85, 0.9, 0.95, 0.99]), np.array(0.2))
    assert (np.diff(rising) > 0).all()
    assert rising[-1] > 50 * rising[0]


def test_without_servers_nobody_waits() -> None:
    """Where nothing is Ready there is no queue to wait in."""
    assert waiting_seconds(np.array([0.0]), np.array([0.9]), np.array(0.2))[0] == 0.0
