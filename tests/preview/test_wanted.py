"""What is wanted when: intervals without gaps, the largest wins, whoever asks."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from controller.domain.schooltime import resolve
from controller.policy.declared import Declared, declare
from controller.policy.load import load, load_text
from controller.preview.days import within
from controller.preview.wanted import Ahead, look_ahead

ROOT = Path(__file__).parents[2]
APRIL = datetime(2021, 4, 1, tzinfo=UTC)

SUSPENDED = """\
apiVersion: sonnerie.dev/v1alpha1
kind: SchoolEvent
metadata: {name: shut}
spec:
  description: Shut on purpose
  announcedOn: 2021-04-01
  firstDay: 2021-04-08
  lastDay: 2021-04-08
  suspend: {ents: [{namespace: portals, name: hdf}]}
"""


def shipped(*more: str) -> Declared:
    """The shipped policies of the spring of 2021, and more."""
    names = (
        "calendars",
        "ents/hdf.yaml",
        "ents/aura.yaml",
        "events/2021-04-06-lessons-at-home.yaml",
        "schedules",
        "sites",
    )
    resources = [item.resource for item in load(ROOT / "policies" / name for name in names)]
    resources += [item.resource for text in more for item in load_text(text, "more.yaml")]
    return declare(resources)


def look(declared: Declared, start: datetime, end: datetime) -> Ahead:
    """What is wanted."""
    return look_ahead(declared.sites, declared.ents, declared.school, start, end)


DECLARED = shipped()


@given(st.integers(0, 24 * 60 * 20), st.integers(1, 24 * 60 * 4), st.floats(0, 1))
def test_every_instant_has_one_answer_which_is_the_largest_window(start: int, minutes: int, where: float) -> None:
    """No gaps, no overlaps; what is wanted depends on the instant alone, not on what was asked around it."""
    begins = APRIL + timedelta(minutes=start)
    ends = begins + timedelta(minutes=minutes)
    instant = begins + timedelta(seconds=int(where * (minutes * 60 - 1)))
    ahead = look(DECLARED, begins, ends)
    for school in DECLARED.school:
        found = ahead.by_ent[school.ent]
        assert (found[0].start, found[-1].end) == (begins, ends)
        assert all(a.end == b.start for a, b in pairwise(found))
        [here] = [wanted for wanted in found if wanted.start <= instant < wanted.end]
        windows = resolve(school, instant, instant + timedelta(seconds=1)).windows
        largest = max((w.demand_per_second for w in windows if w.covers(instant)), default=0.0)
        assert here.connections_per_second == round(largest, 3)
        alone = look(DECLARED, instant, instant + timedelta(seconds=1)).by_ent[school.ent][0]
        assert (alone.replicas, alone.because) == (here.replicas, here.because)


def test_a_suspended_portal_keeps_its_floor_and_says_so() -> None:
    """The morning of the reopening is prepared for, and nobody takes a shut portal for an outage."""
    day = datetime(2021, 4, 8, 7, tzinfo=UTC)
    ahead = look(shipped(SUSPENDED), day, day + timedelta(minutes=1))
    [hdf] = [found for key, found in ahead.by_ent.items() if key.name == "hdf"]
    assert hdf[0].replicas > 0
    assert "shut on purpose" in hdf[0].because
    assert "the floor is kept" in hdf[0].because


def test_cutting_keeps_what_is_within() -> None:
    """Midnights and the edges of a question cut intervals, and change nothing else."""
    found = look(DECLARED, APRIL, APRIL + timedelta(days=9)).by_ent
    for wanted in found.values():
        halves = (
            *within(wanted, APRIL, APRIL + timedelta(days=5)),
            *within(wanted, APRIL + timedelta(days=5), wanted[-1].end),
        )
        assert round(sum(w.replica_hours for w in halves), 6) == round(sum(w.replica_hours for w in wanted), 6)
