"""The scalars of policies: how a duration, an amount, a time of day, a name is written, and what it becomes.

No floats: amounts are decimal strings (`"12.5"`), shares are whole percent or permille, durations are written as
Kubernetes writes them (`15m`, `1h30m`). Each is refused with an example of how to write it.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from controller.policy.errors import shown

DURATION_PATTERN = r"^([0-9]{1,5}[hms]){1,3}$"
AMOUNT_PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,3})?$"
POSITIVE_AMOUNT_PATTERN = r"^([0-9]{0,8}[1-9][0-9]{0,8}(\.[0-9]{1,3})?|0{1,9}\.([1-9][0-9]{0,2}|0[1-9][0-9]?|00[1-9]))$"
LOCAL_TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
COORDINATE_PATTERN = r"^-?[0-9]{1,3}(\.[0-9]{1,6})?$"
NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
SIGNAL_PATTERN = r"^[a-z][a-zA-Z0-9]*$"
REGION_PATTERN = r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$"
TIME_ZONE_PATTERN = r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$"
DAY_PATTERN = r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
INSTANT_PATTERN = (
    r"^(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$"
)
URL_PATTERN = r"^https?://[^\s/?#]+[^\s]*$"


def _text(pattern: str, longest: int, *, what: str, example: str, **schema: str) -> tuple[Any, Any]:
    """Return a check of a string against the pattern, with a message for people, and its JSON schema."""
    compiled = re.compile(pattern)

    def check(value: object) -> str:
        if not isinstance(value, str) or len(value) > longest or not compiled.fullmatch(value):
            raise PydanticCustomError(
                "format",
                "{found} is not {what}; write for example {example}",
                {"found": shown(value), "what": what, "example": repr(example)},
            )
        return value

    json_schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": longest, "pattern": pattern} | schema
    return check, json_schema


def _scalar(
    check: Callable[[object], str], schema: dict[str, Any], parse: Callable[[str], Any], write: Callable[[Any], str]
) -> tuple[Any, Any, Any]:
    """Return the annotations of a scalar that is a string outside and a value of its own inside."""

    def read(value: object) -> object:
        text = check(value)
        try:
            return parse(text)
        except ValueError as error:
            raise PydanticCustomError("format", "{found}: {why}", {"found": shown(value), "why": str(error)}) from error

    return (
        PlainValidator(read),
        PlainSerializer(write, return_type=str),
        WithJsonSchema(schema),
    )


def parse_duration(text: str) -> timedelta:
    """Return the sum of the parts of `1h30m`; hours, minutes and seconds, as Go reads them."""
    units = {"h": 3600, "m": 60, "s": 1}
    return timedelta(seconds=sum(int(n) * units[u] for n, u in re.findall(r"([0-9]+)([hms])", text)))


def write_duration(value: timedelta) -> str:
    """Return the duration in its largest whole units, such as `1h30m`."""
    hours, rest = divmod(int(value.total_seconds()), 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{n}{u}" for n, u in ((hours, "h"), (minutes, "m"), (seconds, "s")) if n]
    return "".join(parts) or "0s"


def _parse_lead_time(text: str) -> timedelta | str:
    return text if text == "auto" else parse_duration(text)


def _write_lead_time(value: timedelta | str) -> str:
    return value if isinstance(value, str) else write_duration(value)


def write_local_time(value: time) -> str:
    """Return `HH:MM`, with seconds only where there are any."""
    return value.isoformat("seconds" if value.second else "minutes")


def _parse_instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def write_instant(value: datetime) -> str:
    """Return RFC 3339 in UTC with `Z`."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


@cache
def _time_zones() -> frozenset[str]:
    """Return their names, read once: it walks a folder with 600 files, 18 ms for every ENT."""
    return frozenset(available_timezones())


def _check_time_zone(value: object) -> str:
    name = _TIME_ZONE_CHECK(value)
    if name not in _time_zones():
        raise PydanticCustomError(
            "time_zone", "{found} is not an IANA time zone; write for example 'Europe/Paris'", {"found": shown(value)}
        )
    return str(name)


_DURATION = _text(DURATION_PATTERN, 20, what="a duration", example="15m")
_LEAD_TIME = _text(r"^(auto|([0-9]{1,5}[hms]){1,3})$", 20, what="auto or a duration", example="4m")
_AMOUNT = _text(AMOUNT_PATTERN, 13, what="an amount (a decimal number in quotes, 0 or more)", example="12.5")
_POSITIVE = _text(POSITIVE_AMOUNT_PATTERN, 13, what="a positive amount (a decimal number in quotes)", example="12.5")
_LOCAL_TIME = _text(LOCAL_TIME_PATTERN, 8, what="a time of day", example="08:30")
_COORDINATE = _text(COORDINATE_PATTERN, 11, what="degrees in quotes", example="48.8566")
_NAME = _text(NAME_PATTERN, 63, what="a name (small letters, digits, hyphens)", example="college-bells")
_SIGNAL = _text(SIGNAL_PATTERN, 63, what="a name of a signal", example="firstAttempts")
_REGION = _text(REGION_PATTERN, 6, what="an ISO 3166-2 region", example="FR-HDF")
_DAY = _text(DAY_PATTERN, 10, what="a day", example="2021-04-06", format="date")
_INSTANT = _text(
    INSTANT_PATTERN, 35, what="an instant with its offset", example="2021-04-06T08:00:00Z", format="date-time"
)
_TIME_ZONE_CHECK, _TIME_ZONE_SCHEMA = _text(TIME_ZONE_PATTERN, 64, what="a time zone", example="Europe/Paris")
_URL = _text(URL_PATTERN, 512, what="an address", example="https://prometheus.example.org")

Duration = Annotated[timedelta, *_scalar(*_DURATION, parse=parse_duration, write=write_duration)]
"""A length of time, written `45s`, `15m` or `1h30m`."""

LeadTime = Annotated[timedelta | Literal["auto"], *_scalar(*_LEAD_TIME, parse=_parse_lead_time, write=_write_lead_time)]
"""`auto`, or a length of time."""

Amount = Annotated[Decimal, *_scalar(*_AMOUNT, parse=Decimal, write=str)]
"""A decimal number of 0 or more in quotes, with at most three decimals."""

PositiveAmount = Annotated[Decimal, *_scalar(*_POSITIVE, parse=Decimal, write=str)]
"""A decimal number above 0 in quotes, with at most three decimals."""

LocalTime = Annotated[time, *_scalar(*_LOCAL_TIME, parse=time.fromisoformat, write=write_local_time)]
"""A time of day where the users are, `HH:MM` or `HH:MM:SS`."""

Coordinate = Annotated[Decimal, *_scalar(*_COORDINATE, parse=Decimal, write=str)]
"""Degrees north or east, in quotes."""

TimeZone = Annotated[
    ZoneInfo, *_scalar(_check_time_zone, _TIME_ZONE_SCHEMA, parse=ZoneInfo, write=lambda zone: str(zone.key))
]
"""An IANA time zone such as `Europe/Paris`."""

Name = Annotated[str, PlainValidator(_NAME[0]), WithJsonSchema(_NAME[1])]
"""A name of a resource or of something within it: a DNS label."""

Signal = Annotated[str, PlainValidator(_SIGNAL[0]), WithJsonSchema(_SIGNAL[1])]
"""What a query measures."""

Region = Annotated[str, PlainValidator(_REGION[0]), WithJsonSchema(_REGION[1])]
"""Who the users are: ISO 3166-2."""

Url = Annotated[str, PlainValidator(_URL[0]), WithJsonSchema(_URL[1])]
"""An http or https address."""

Text = Annotated[str, Field(min_length=1, max_length=256)]
"""A sentence for people."""

Expression = Annotated[str, Field(min_length=1, max_length=4096)]
"""A PromQL expression."""

Day = Annotated[date, *_scalar(*_DAY, parse=date.fromisoformat, write=date.isoformat)]
"""A calendar day, `2021-04-06`."""

Instant = Annotated[datetime, *_scalar(*_INSTANT, parse=_parse_instant, write=write_instant)]
"""An instant with its offset, `2021-04-06T08:00:00Z`; UTC inside."""

Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
"""A whole number of 0 or more."""

Replicas = Annotated[int, Field(ge=0, le=100_000)]
"""A number of replicas."""

Percent = Annotated[int, Field(ge=1, le=100)]
"""A share in whole percent."""

Permille = Annotated[int, Field(ge=0, le=1000)]
"""A share in permille: 1000 is all."""


class Territory(StrEnum):
    """Whose school holidays apply. The values name published calendars, so they are written like names."""

    ZONE_A = "zone-a"
    ZONE_B = "zone-b"
    ZONE_C = "zone-c"
    CORSE = "corse"
    GUADELOUPE = "guadeloupe"
    MARTINIQUE = "martinique"
    GUYANE = "guyane"
    LA_REUNION = "la-reunion"
    MAYOTTE = "mayotte"
    SAINT_PIERRE_ET_MIQUELON = "saint-pierre-et-miquelon"
    SAINT_BARTHELEMY = "saint-barthelemy"
    SAINT_MARTIN = "saint-martin"
    NOUVELLE_CALEDONIE = "nouvelle-caledonie"
    POLYNESIE_FRANCAISE = "polynesie-francaise"
    WALLIS_ET_FUTUNA = "wallis-et-futuna"
