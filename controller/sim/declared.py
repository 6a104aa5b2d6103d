"""What was declared: the timetable of ordinary days and of announced ones, as windows in UTC.

The author of the timetable knows the usual course of such a day, not how many will truly come. As in the example
policies a day has a few parts, and bells with their ramps over them.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
from numpy.typing import NDArray

from controller.domain.windows import Window
from controller.sim.dayshapes import BELL_HOURS, HOURS, SHAPES, DayKind
from controller.sim.demand import SAMPLE_SECONDS, Array, key_of, login_curve, open_loop
from controller.sim.scenario import EntSpec, Scenario

PARTS = {"morning": (7.5, 11.75), "afternoon": (13.0, 16.75), "evening": (18.0, 21.5)}
"""Local hours. More than an hour lies between them: windows closer than that hold capacity from one to the next."""
BELL_RAMP = timedelta(minutes=10)
BELL_LASTS = timedelta(minutes=30)
"""As `policies/schedules/college.yaml` has them."""
_ONE_DAY = timedelta(days=1)
_HOUR_SECONDS = 3600


@cache
def expected_day(spec: EntSpec, kind: DayKind) -> Array:
    """Return the open-loop demand of a day of the kind at its usual size, sampled from its midnight."""
    at = np.arange(HOURS * _HOUR_SECONDS // SAMPLE_SECONDS) * SAMPLE_SECONDS / _HOUR_SECONDS
    logins = login_curve(spec, kind, at)[None, :]
    shape = SHAPES[kind]
    rates = np.full_like(logins, shape.requests_per_active_second)
    found: Array = open_loop(logins, np.full_like(logins, shape.visit_seconds), rates)[0]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Declarations:
    """The windows of a scenario, as they stand at an instant."""

    scenario: Scenario

    def kind_known(self, day: date, now: datetime) -> tuple[DayKind, bool]:
        """Return what the day is held to be at the instant, and whether an announcement says so."""
        known = [d for d in self.scenario.known.declared if d.day == day and self.scenario.utc(d.announced) <= now]
        if known:
            return known[-1].kind, True
        return self.scenario.ordinary(day), False

    def announcements(self) -> tuple[datetime, ...]:
        """Return the instants at which what is known changes."""
        return tuple(sorted({self.scenario.utc(d.announced) for d in self.scenario.known.declared}))

    def windows(self, now: datetime, start: datetime, end: datetime) -> tuple[Window, ...]:
        """Return the windows between two instants as declared by now, sorted."""
        zone = self.scenario.time_zone
        first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
        found: list[Window] = []
        for n in range((last - first).days + 1):
            day = first + n * _ONE_DAY
            kind, announced = self.kind_known(day, now)
            if not announced and not self.scenario.known.schedule:
                continue
            for spec in self.scenario.ents:
                found += day_windows(self.scenario, spec, day, kind, by_event=announced)
        return tuple(sorted(window for window in found if window.overlaps(start, end)))


def day_windows(scenario: Scenario, spec: EntSpec, day: date, kind: DayKind, *, by_event: bool) -> list[Window]:
    """Return the windows of one day of one portal."""
    course, midnight = expected_day(spec, kind), scenario.utc(datetime.combine(day, datetime.min.time()))
    hours = np.arange(len(course)) * SAMPLE_SECONDS / _HOUR_SECONDS
    name = f"{'event' if by_event else 'schedule'} {kind.value}"
    found, in_bell = [], np.zeros(len(course), dtype=bool)
    if SHAPES[kind].burst_share:
        for bell in BELL_HOURS:
            start = midnight + timedelta(hours=bell) - BELL_RAMP
            end = midnight + timedelta(hours=bell) + BELL_LASTS
            within = (hours >= bell - BELL_RAMP / timedelta(hours=1)) & (hours < bell + BELL_LASTS / timedelta(hours=1))
            in_bell |= within
            found.append(
                Window(
                    start=start.astimezone(UTC),
                    end=end.astimezone(UTC),
                    ent=key_of(spec),
                    demand_per_second=float(course[within].max()),
                    source=f"{name}: {int(bell):02}:00 bell",
                    by_event=by_event,
                    ramp_seconds=BELL_RAMP.total_seconds(),
                )
            )
    return [*found, *_parts(course, hours, in_bell, midnight, spec, name, by_event=by_event)]


def _parts(
    course: Array,
    hours: Array,
    in_bell: NDArray[np.bool_],
    midnight: datetime,
    spec: EntSpec,
    name: str,
    *,
    by_event: bool,
) -> list[Window]:
    """Return the parts at their median, bells apart: what is above it is seen before it is large."""
    found = []
    for part, (begins, ends) in PARTS.items():
        within = (hours >= begins) & (hours < ends) & ~in_bell
        found.append(
            Window(
                start=midnight + timedelta(hours=begins),
                end=midnight + timedelta(hours=ends),
                ent=key_of(spec),
                demand_per_second=float(np.median(course[within])),
                source=f"{name}: {part}",
                by_event=by_event,
            )
        )
    return found
