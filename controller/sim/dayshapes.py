"""What a school day looks like: log-ins per account, hour by hour, and the bursts at the bells.

Marks as in the collection of facts: [S] sourced, [D] derived from sourced numbers, [A] assumption. No hourly curve of a
French portal was ever published: the shape is an assumption that any day of a real access log would replace.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

HOURS = 24
REQUESTS_PER_PAGE = 6.0
"""Dynamic requests of a page [A]; a check: 200 requests per active user and day at a university's Moodle."""
REQUESTS_PER_LOGIN = 8.0
"""Redirects of single sign-on, the session, widgets of the first page [A]."""
BELL_HOURS = (8.0, 9.0)
BELL_SHARES = (0.4, 0.6)
"""Six of ten of those who come with a bell come with the one at nine [A]."""
BURST_FROM, BURST_UNTIL = 7, 10
"""Hours in which the burst's log-ins are taken from the even flow."""


class DayKind(StrEnum):
    """Kinds of day a scenario can speak of."""

    NORMAL = "normal"
    WEDNESDAY = "wednesday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"
    VACATION = "vacation"
    FIRST_DAY_BACK = "firstDayBack"
    REPORT_CARDS = "reportCards"
    REMOTE_MARCH_2020 = "remoteMarch2020"
    REMOTE_APRIL_2021 = "remoteApril2021"
    REMOTE_26_APRIL_2021 = "remote26April2021"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Hourly weights of one audience's log-ins; each sums to about one."""

    pupils: tuple[float, ...]
    teachers: tuple[float, ...]
    parents: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayShape:
    """One kind of day."""

    pupil_logins: float
    """Log-ins per account and day; likewise below."""
    teacher_logins: float
    parent_logins: float
    profile: Profile
    burst_share: float
    """Of the pupils' log-ins from seven to ten that come with a bell."""
    burst_minutes: float
    """Scale of the logistic burst: three quarters of it fall within twice this on either side of the bell."""
    visit_seconds: float
    pages_per_visit: float
    afternoon: float = 1.0
    """Factor from one o'clock on."""
    parents_kept_out: bool = False
    """From half past seven to half past five, as on 26 April 2021 [S]."""

    @property
    def requests_per_active_second(self) -> float:
        """What one active user asks for."""
        return self.pages_per_visit * REQUESTS_PER_PAGE / self.visit_seconds


# fmt: off
_PUPIL_NORMAL = (
    0.0038, 0.0010, 0.0, 0.0, 0.0010, 0.0038, 0.0210, 0.0810, 0.1190, 0.0714, 0.0810, 0.0571,
    0.0571, 0.0810, 0.0571, 0.0457, 0.0524, 0.0648, 0.0629, 0.0552, 0.0400, 0.0248, 0.0124, 0.0067,
)
_TEACHER_NORMAL = (
    0.0040, 0.0010, 0.0, 0.0, 0.0020, 0.0100, 0.0450, 0.1200, 0.1200, 0.0700, 0.0850, 0.0600,
    0.0500, 0.0800, 0.0550, 0.0500, 0.0550, 0.0550, 0.0400, 0.0320, 0.0300, 0.0220, 0.0100, 0.0040,
)
_PARENT_NORMAL = (
    0.0040, 0.0010, 0.0, 0.0, 0.0010, 0.0060, 0.0350, 0.0950, 0.0600, 0.0350, 0.0350, 0.0350,
    0.0550, 0.0500, 0.0350, 0.0350, 0.0550, 0.0900, 0.1100, 0.1050, 0.0800, 0.0500, 0.0220, 0.0060,
)
_PUPIL_REMOTE = (
    0.0020, 0.0010, 0.0, 0.0, 0.0010, 0.0040, 0.0200, 0.0900, 0.1900, 0.1750, 0.1050, 0.0700,
    0.0400, 0.0850, 0.0700, 0.0450, 0.0300, 0.0220, 0.0180, 0.0120, 0.0090, 0.0060, 0.0030, 0.0020,
)
_ANY_WEEKEND = (
    0.0100, 0.0040, 0.0020, 0.0010, 0.0010, 0.0030, 0.0080, 0.0180, 0.0320, 0.0500, 0.0620, 0.0620,
    0.0500, 0.0480, 0.0600, 0.0660, 0.0750, 0.0850, 0.0950, 0.0950, 0.0750, 0.0500, 0.0300, 0.0180,
)
# fmt: on

_SCHOOL = Profile(pupils=_PUPIL_NORMAL, teachers=_TEACHER_NORMAL, parents=_PARENT_NORMAL)
_REMOTE = Profile(pupils=_PUPIL_REMOTE, teachers=_TEACHER_NORMAL, parents=_PARENT_NORMAL)
_FREE = Profile(pupils=_ANY_WEEKEND, teachers=_ANY_WEEKEND, parents=_ANY_WEEKEND)

_NORMAL = DayShape(
    pupil_logins=0.45,
    teacher_logins=1.5,
    parent_logins=0.15,
    profile=_SCHOOL,
    burst_share=0.20,
    burst_minutes=4.0,
    visit_seconds=360.0,
    pages_per_visit=10.0,
)
_APRIL = DayShape(
    pupil_logins=2.0,
    teacher_logins=3.5,
    parent_logins=0.50,
    profile=_REMOTE,
    burst_share=0.45,
    burst_minutes=2.0,
    visit_seconds=720.0,
    pages_per_visit=16.0,
)


def _scaled(shape: DayShape, factor: float) -> DayShape:
    return replace(
        shape,
        pupil_logins=shape.pupil_logins * factor,
        teacher_logins=shape.teacher_logins * factor,
        parent_logins=shape.parent_logins * factor,
    )


def _free(factor: float) -> DayShape:
    return replace(_scaled(_NORMAL, factor), profile=_FREE, burst_share=0.0)


SHAPES: dict[DayKind, DayShape] = {
    DayKind.NORMAL: _NORMAL,
    DayKind.WEDNESDAY: replace(_NORMAL, afternoon=0.7),
    DayKind.SATURDAY: _free(0.25),
    DayKind.SUNDAY: _free(0.5),
    DayKind.VACATION: _free(0.12),
    DayKind.FIRST_DAY_BACK: _scaled(_NORMAL, 1.3),
    DayKind.REPORT_CARDS: _scaled(_NORMAL, 1.4),
    DayKind.REMOTE_MARCH_2020: replace(
        _APRIL, pupil_logins=1.35, teacher_logins=3.0, parent_logins=0.40, burst_share=0.25, burst_minutes=3.0
    ),
    DayKind.REMOTE_APRIL_2021: _APRIL,
    DayKind.REMOTE_26_APRIL_2021: replace(_scaled(_APRIL, 1.2), burst_share=0.30, parents_kept_out=True),
    DayKind.SUSPENDED: _free(0.03),
}
"""Log-ins: AuRA, Creuse, Kosmos, Montpellier [D, A]; bursts: e-lyco [D]; weekends and vacations [A]."""
