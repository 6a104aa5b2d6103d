"""Readings of metrics and results of probes, each with its quality.

Missing is not zero and not sick. Only `Fresh` carries a value that may make anything shrink or move.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReadingReason(StrEnum):
    """Why a reading is not fresh."""

    NEVER_READ = "NeverRead"
    EMPTY = "Empty"
    NOT_A_NUMBER = "NotANumber"
    INFINITE = "Infinite"
    NEGATIVE = "Negative"
    IMPLAUSIBLE = "Implausible"
    SEVERAL_SERIES = "SeveralSeries"
    HTTP_ERROR = "HttpError"
    MALFORMED = "Malformed"
    TIMED_OUT = "TimedOut"
    UNREACHABLE = "Unreachable"
    TOO_OLD = "TooOld"
    FROM_THE_FUTURE = "FromTheFuture"
    FROZEN_COUNTER = "FrozenCounter"
    HALF_WINDOW = "HalfWindow"
    PARTIAL_RESULT = "PartialResult"
    QUARANTINED = "Quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """A finite value of known age that may be acted upon."""

    value: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """A value that was true once; it may hold things where they are, never shrink or move them."""

    value: float
    at: datetime
    reason: ReadingReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """No value. Never read as zero."""

    reason: ReadingReason


Reading = Fresh | Stale | Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The probed address answered in time."""

    status: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The connection was refused, reset, or could not be routed."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedOut:
    """Nothing came back before the deadline."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAttempted:
    """The observer did not look; this is no evidence at all."""

    why: str


ProbeResult = Answered | Refused | TimedOut | NotAttempted


class ProbePath(StrEnum):
    """Independent ways to a site, and the way to the references outside all sites."""

    API = "api"
    PUBLIC = "public"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What one probe saw. `target` is a site name, or the address of a reference."""

    path: ProbePath
    target: str
    result: ProbeResult


def answers(result: ProbeResult) -> bool | None:
    """Tell whether the other end is alive: True, False, or None when the observer did not look.

    An error status is an answer: a server that says 503 is alive, perhaps sick.
    """
    match result:
        case Answered():
            return True
        case Refused() | TimedOut():
            return False
        case NotAttempted():
            return None
