"""Partitions and lossy networks drawn at random: nobody is left who lives, and every edge answers somebody."""

import pytest

from tests.bench.partitions import Tally, run_case
from tests.planning.test_many_planners import NIGHTLY

CASES = 10_000 if NIGHTLY else 40


def test_no_false_shift_no_empty_answer_and_nothing_missed() -> None:
    """40 cases (nightly 10,000); `python -m tests.bench.partitions` prints the figures and the seeds to look at."""
    tally = Tally()
    for seed in range(CASES):
        run_case(seed, tally)
    assert tally.examples == []
    assert (tally.cases, tally.false_shifts, tally.empty_answers, tally.missed, tally.unsafe) == (CASES, 0, 0, 0, 0)
    assert tally.evacuations > 0, "some of the cases must have had something to leave"


@pytest.mark.parametrize(
    "seed",
    [
        3484,  # one observer is cut off, and lost packets hit a second in three rounds
        5716,
        1926,  # two sites die at once, and the last word of each speaks well of the other
        2605,
        6968,  # capacity is given back on the last word of a peer that has sent everybody here since
    ],
)
def test_what_was_found_once(seed: int) -> None:
    """Networks that made a planner err are met by all that come after it."""
    tally = Tally()
    run_case(seed, tally)
    assert tally.examples == []
