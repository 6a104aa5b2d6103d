"""School windows, resolved once per UTC date and policy generation, handed out as the World carries them."""

from datetime import UTC, datetime, timedelta

from controller.domain.schooltime import resolve
from controller.domain.windows import Window
from controller.observe.policies import Policies

LOOK_BACK = timedelta(hours=24)
LOOK_AHEAD = timedelta(hours=48)
ONE_DAY = timedelta(days=1)


class SchoolBook:
    """Windows of all ENTs."""

    def __init__(self) -> None:
        self._made_for: tuple[datetime, int] | None = None
        self._windows: tuple[Window, ...] = ()
        self.warnings: tuple[str, ...] = ()
        """What a policy author should know, such as a calendar past its end."""

    def windows(self, policies: Policies, now: datetime) -> tuple[Window, ...]:
        """Return the windows from 24 h before now to 48 h after it, sorted."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if self._made_for != (midnight, policies.generation):
            resolved = [
                resolve(school, midnight - LOOK_BACK, midnight + ONE_DAY + LOOK_AHEAD)
                for school in policies.declared.school
            ]
            self._windows = tuple(sorted(window for each in resolved for window in each.windows))
            self.warnings = tuple(sorted({warning for each in resolved for warning in each.warnings}))
            self._made_for = (midnight, policies.generation)
        return tuple(window for window in self._windows if window.overlaps(now - LOOK_BACK, now + LOOK_AHEAD))
