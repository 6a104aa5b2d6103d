"""What is wanted at an instant depends on policies, instant and lead time alone, never on when a process began."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from controller.domain.schooltime import SchoolPolicies, resolve
from controller.domain.windows import Window, kept_out_at, shut_at
from controller.observe.policies import NOTHING, Policies
from controller.observe.school import SchoolBook
from tests.domain.fleet_of_policies import instants, policies

MINUTE = timedelta(minutes=1)
STARTS = 4
"""Runs per example: the nightly profile compares 5,000 × 4 = 20,000 (schedule, t, start)."""


def stored(school: SchoolPolicies) -> Policies:
    """The policies as the store gives them."""
    return replace(NOTHING, declared=replace(NOTHING.declared, school=(school,)), generation=1)


def wanted(windows: Iterable[Window], at: datetime, lead: timedelta) -> tuple[object, ...]:
    """All that a plan reads off the windows at the instant: what is asked for, who is out, whether it is shut."""
    found = [window for window in windows if window.asked_for_at(lead) <= at < window.end]
    most = max(((w.demand_per_second, w.source, w.by_event) for w in found), default=None)
    return most, kept_out_at(windows, at), shut_at(windows, at)


@given(
    policies(),
    instants(),
    st.lists(st.integers(0, 3 * 1440), min_size=STARTS, max_size=STARTS),
    st.integers(1, 3),
    st.integers(0, 45),
)
def test_a_process_that_began_at_any_time_wants_what_one_that_begins_now_wants(
    school: SchoolPolicies, at: datetime, ages: list[int], looks: int, lead_minutes: int
) -> None:
    """0 differences between runs from any start, and from what `resolve` says of the instant alone."""
    lead = lead_minutes * MINUTE
    fresh = wanted(SchoolBook().windows(stored(school), at), at, lead)
    for minutes in ages:
        book = SchoolBook()
        for look in range(looks):
            book.windows(stored(school), at - minutes * MINUTE * (looks - look) / looks)
        assert wanted(book.windows(stored(school), at), at, lead) == fresh
    around = resolve(school, at - timedelta(days=3), at + timedelta(days=3)).windows
    assert wanted(around, at, lead) == fresh
