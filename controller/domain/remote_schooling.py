"""How much more users come when lessons are at home, as two spring mornings of France showed it.

Derived from published counts (docs: the demand model of the project), for an ENT whose usual busiest hour is 8 to 9:

| seen over  | March 2020, pupils | April 2021, pupils | from                                                       |
|------------|--------------------|--------------------|------------------------------------------------------------|
| hour       | 4                  | 5.6                | 24,000 log-ins of 8-9 h become 95,000 and 136,000          |
| 10 minutes | 7                  | 17                 | 4,000 around the 9:00 bell become 26,500 and 71,000        |
| minute     | 7                  | 23                 | 440 in the busiest minute become 3,070 and 10,050          |

Teachers and parents are known by the day only (log-ins per account and day); their day is taken for their hour.
"""

from enum import StrEnum

from controller.domain.timetable import Audience, Multiplier, Resolution


class RemoteSchooling(StrEnum):
    """Whose morning lessons at home are expected to look like."""

    MARCH_2020 = "LikeMarch2020"
    APRIL_2021 = "LikeApril2021"


_Row = tuple[Audience, float, Resolution]

_MARCH_2020: tuple[_Row, ...] = (
    (Audience.PUPILS, 4.0, Resolution.HOUR),
    (Audience.PUPILS, 7.0, Resolution.TEN_MINUTES),
    (Audience.PUPILS, 7.0, Resolution.MINUTE),
    (Audience.TEACHERS, 2.0, Resolution.HOUR),
    (Audience.PARENTS, 2.7, Resolution.HOUR),
)
_APRIL_2021: tuple[_Row, ...] = (
    (Audience.PUPILS, 5.6, Resolution.HOUR),
    (Audience.PUPILS, 17.0, Resolution.TEN_MINUTES),
    (Audience.PUPILS, 23.0, Resolution.MINUTE),
    (Audience.TEACHERS, 2.4, Resolution.HOUR),
    (Audience.PARENTS, 3.4, Resolution.HOUR),
)


def factors_of(kind: RemoteSchooling) -> tuple[Multiplier, ...]:
    """Return the factors, each with the resolution at which it was seen."""
    rows = _MARCH_2020 if kind is RemoteSchooling.MARCH_2020 else _APRIL_2021
    return tuple(Multiplier(audience=audience, factor=factor, per=per) for audience, factor, per in rows)
