"""School windows, resolved to UTC."""

from dataclasses import dataclass
from datetime import datetime

from controller.domain.names import EntKey


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Window:
    """From `start` (inclusive) to `end` (exclusive) the ENT is expected to see `demand_per_second`.

    `demand_per_second` counts in the unit of the ENT's first demand signal. `source` names the policy and the
    bell, such as `schedule college: 08:00 first bell`. `by_event` tells a `SchoolEvent` from a schedule.
    """

    start: datetime
    end: datetime
    ent: EntKey
    demand_per_second: float
    source: str
    by_event: bool = False
    ramp_seconds: float = 0.0
    """How long after `start` demand is all there. Capacity is for all of it from `start`; this judges what is seen."""

    def expected_at(self, instant: datetime) -> float:
        """Return what is expected to be seen at the instant: rising evenly over the ramp, nothing outside."""
        if not self.start <= instant < self.end:
            return 0.0
        elapsed = (instant - self.start).total_seconds()
        if elapsed >= self.ramp_seconds:
            return self.demand_per_second
        return self.demand_per_second * elapsed / self.ramp_seconds

    def covers(self, instant: datetime) -> bool:
        """Tell whether the instant lies in the half-open interval."""
        return self.start <= instant < self.end

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Tell whether any instant of the closed interval from `start` to `end` is covered."""
        return self.start <= end and start < self.end
