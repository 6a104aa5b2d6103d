"""The public holidays of France and of its territories, as the law sets them, for calendars that are being made.

A calendar that runs never comes here: its days stand in its file, where a reader can review them. Sources: Code du
travail, articles L3133-1 (everywhere), L3134-13 (Alsace-Moselle) and L3422-2 with décret 83-1003 (abolition of
slavery); delibérations of the territories for the days that are theirs alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from dateutil.easter import easter


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDate:
    """A holiday on the same date each year, within the years in which it is one."""

    name: str
    month: int
    day: int
    first_year: int = 0
    last_year: int = 9999

    def in_year(self, year: int) -> date | None:
        """Return its date in the year; None when it is no holiday then."""
        return date(year, self.month, self.day) if self.first_year <= year <= self.last_year else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FromEaster:
    """A holiday that moves with Easter Sunday."""

    name: str
    days: int

    def in_year(self, year: int) -> date | None:
        """Return its date in the year."""
        return easter(year) + timedelta(days=self.days)  # type: ignore[no-any-return] # dateutil has no types


Holiday = OnDate | FromEaster

NATIONAL: tuple[Holiday, ...] = (
    OnDate(name="Jour de l'an", month=1, day=1),
    FromEaster(name="Lundi de Pâques", days=1),
    OnDate(name="Fête du Travail", month=5, day=1),
    OnDate(name="Victoire 1945", month=5, day=8),
    FromEaster(name="Ascension", days=39),
    FromEaster(name="Lundi de Pentecôte", days=50),
    OnDate(name="Fête nationale", month=7, day=14),
    OnDate(name="Assomption", month=8, day=15),
    OnDate(name="Toussaint", month=11, day=1),
    OnDate(name="Armistice 1918", month=11, day=11),
    OnDate(name="Noël", month=12, day=25),
)

_GOOD_FRIDAY = FromEaster(name="Vendredi saint", days=-2)
_MI_CAREME = FromEaster(name="Mi-carême", days=-24)
_SCHOELCHER = OnDate(name="Fête de Victor Schœlcher", month=7, day=21)


def _abolition(month: int, day: int) -> OnDate:
    return OnDate(name="Abolition de l'esclavage", month=month, day=day)


LOCAL: dict[str, tuple[Holiday, ...]] = {
    "zone-b-alsace-moselle": (_GOOD_FRIDAY, OnDate(name="Saint-Étienne", month=12, day=26)),
    "guadeloupe": (_MI_CAREME, _GOOD_FRIDAY, _abolition(5, 27), _SCHOELCHER),
    "saint-martin": (_MI_CAREME, _abolition(5, 28), _SCHOELCHER),
    "saint-barthelemy": (_abolition(10, 9),),
    "martinique": (_abolition(5, 22), _SCHOELCHER),
    "guyane": (_abolition(6, 10),),
    "la-reunion": (_abolition(12, 20),),
    "mayotte": (_abolition(4, 27),),
    "nouvelle-caledonie": (OnDate(name="Fête de la citoyenneté", month=9, day=24),),
    "polynesie-francaise": (
        OnDate(name="Arrivée de l'Évangile", month=3, day=5),
        _GOOD_FRIDAY,
        OnDate(name="Fête de l'autonomie", month=6, day=29, last_year=2024),
        OnDate(name="Matāri'i", month=11, day=20, first_year=2025),
    ),
    "wallis-et-futuna": (
        OnDate(name="Saint Pierre Chanel", month=4, day=28),
        OnDate(name="Saints Pierre et Paul", month=6, day=29),
        OnDate(name="Fête du Territoire", month=7, day=29),
    ),
}
"""What a territory has beyond the national holidays, by the name of its calendar."""


def public_holidays(calendar: str, first: date, last: date) -> tuple[tuple[date, str], ...]:
    """Return the public holidays of the calendar's territory between the two days, both included, sorted by date.

    Two that fall on one day, such as the Ascension of 8 May, are one entry with both names.
    """
    names: dict[date, list[str]] = {}
    for holiday in _holidays(calendar):
        for year in range(first.year, last.year + 1):
            day = holiday.in_year(year)
            if day is not None and first <= day <= last:
                names.setdefault(day, []).append(holiday.name)
    return tuple((day, " et ".join(names[day])) for day in sorted(names))


def _holidays(calendar: str) -> Iterator[Holiday]:
    yield from NATIONAL
    yield from LOCAL.get(calendar, ())
