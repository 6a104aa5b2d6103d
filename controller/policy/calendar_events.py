"""What the events of the ministry's calendar files say about the days of one territory.

The files are made by machine from a table, and it shows: a vacation common to several zones is cut where the others
end; the begin of summer is a marker without length; `(prérentrée X)` says whom an event is for, whoever X is; an
apostrophe may be a question mark. Departure is after class on the first day of an event, resumption in the morning of
its end. Shorter events are days without class.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from controller.policy.calendar_ics import IcsEvent
from controller.policy.errors import PolicyError, Problem
from controller.policy.public_holidays import public_holidays
from controller.policy.scalars import Territory
from controller.policy.territories import calendar_name

_ONE_DAY = timedelta(days=1)
SHORT = timedelta(days=2)
"""Up to this long a bridge or a holiday is days without class; a longer bridge has a departure and a resumption."""
_FRIDAY = 4
_FROM_FRIDAY_TO_MONDAY = timedelta(days=3)
LONGEST_VACATION = timedelta(days=100)
"""The summer of Nouvelle-Calédonie has 70 days. More is two events that a machine took for one."""

_GUADELOUPE = frozenset({Territory.GUADELOUPE, Territory.SAINT_MARTIN, Territory.SAINT_BARTHELEMY})
_VACATION = re.compile(r"^(grandes )?vacances\b", re.IGNORECASE)
_DAYS_OR_VACATION = re.compile(r"^(pont|semaine)\b", re.IGNORECASE)
_BRIDGE = re.compile(r"^pont\b", re.IGNORECASE)
_BEGIN = re.compile(r"^début des? ", re.IGNORECASE)
_RETURN = re.compile(r"^rentrée\b(?!.*(enseignant|personnel))", re.IGNORECASE)
_TEACHERS = re.compile(r"pré-?rentrée|enseignants?|personnels?", re.IGNORECASE)
_WHOM = re.compile(r"\s*\((?:prérentrée )?([^()]*)\)\s*$", re.IGNORECASE)
_SOME_PUPILS = re.compile(r"premier degré|1er degré|collèges", re.IGNORECASE)
_OLDER_PUPILS = re.compile(r"second degré|2n?d degré|lycées", re.IGNORECASE)
_SHORTENED = re.compile(r"^vacances (?:de la |de |du |d['’])", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadVacation:
    """A vacation as the file has it; without a resumption where it tells the begin alone."""

    name: str
    departure: date
    resumption: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDayOff:
    """One day without class."""

    day: date
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """An event that says nothing about the pupils of the territory, and why."""

    event: IcsEvent
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a file says about one territory, sorted by date."""

    vacations: tuple[ReadVacation, ...]
    days_off: tuple[ReadDayOff, ...]
    ignored: tuple[Ignored, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """An event with its summary taken apart."""

    name: str
    whom: str
    territories: frozenset[str]
    event: IcsEvent


def read_events(events: Iterable[IcsEvent], territory: Territory) -> Reading:
    """Return what the events say about the territory.

    Raises:
        PolicyError: an event is longer than any of its kind can be.
    """
    kept: list[_Named] = []
    ignored: list[Ignored] = []
    for event in events:
        named = _named(event)
        why = _not_meant(named, territory)
        if why is None:
            kept.append(named)
        else:
            ignored.append(Ignored(event=event, why=why))
    problems = tuple(_too_long(kept))
    if problems:
        raise PolicyError(*problems)
    long = [named for named in kept if _is_vacation(named)]
    return Reading(
        vacations=tuple(_vacations(long, kept)),
        days_off=tuple(sorted(set(_days_off(kept)), key=lambda off: (off.day, off.name))),
        ignored=tuple(ignored),
    )


def _named(event: IcsEvent) -> _Named:
    """Return the event with the territories of its summary, or of its place where the summary has none."""
    words = re.sub(r"(?<=\w)[?’](?=\w)", "'", event.summary)
    name, *groups = (part.strip() for part in words.split(" - "))
    found = frozenset().union(*map(_territories, groups))
    if not found:
        name = " - ".join([name, *groups])
        parts = re.split(r" - |, ", event.location)
        found = frozenset().union(*map(_territories, parts))
    whom = _WHOM.search(name)
    return _Named(
        name=name[: whom.start()] if whom else name,
        whom=whom.group(1) if whom else "",
        territories=found,
        event=event,
    )


def _territories(group: str) -> frozenset[str]:
    """Return the territories of `Zones A/B`, `Zones A B C` or `Corse`; none when it is something else."""
    zones = re.fullmatch(r"Zones? ([ABC](?:[ /,]+[ABC])*)", group)
    if zones is not None:
        return frozenset(f"zone-{letter.lower()}" for letter in re.findall(r"[ABC]", zones.group(1)))
    found = calendar_name(group) if group else None
    return frozenset() if found is None else frozenset({"zone-b" if found.startswith("zone-b") else found})


def _not_meant(named: _Named, territory: Territory) -> str | None:
    """Return why the event says nothing about the pupils of the territory; None when it does."""
    academy = {Territory.GUADELOUPE} if territory in _GUADELOUPE else set()
    if named.territories and not named.territories & ({territory} | academy):
        return f"for {', '.join(sorted(named.territories))}"
    if _TEACHERS.search(named.whom or named.name) and "élèves" not in (named.whom or named.name).casefold():
        return "for teachers"
    if _SOME_PUPILS.search(named.whom) and not _OLDER_PUPILS.search(named.whom):
        return f"for some pupils only: {named.whom}"
    if territory in _GUADELOUPE and not _meant_of_guadeloupe(named.whom, territory):
        return f"for {named.whom}"
    return None


def _meant_of_guadeloupe(whom: str, territory: Territory) -> bool:
    """Tell whether `Guadeloupe & Saint-Martin` or `Guadeloupe sauf Saint-Martin` includes the territory."""
    said, _, but = whom.partition(" sauf ")
    named = {calendar_name(part.strip()) for part in re.split(r"[&,]| et ", said)} & set(_GUADELOUPE)
    left_out = {calendar_name(part.strip()) for part in re.split(r"[&,]| et ", but)}
    if but:
        return territory not in left_out
    return not named or territory in named


def _is_vacation(named: _Named) -> bool:
    """Tell whether the event is a vacation or a piece of one; a bridge or a week in May is one when it is long."""
    if _BEGIN.match(named.name) or _VACATION.match(named.name):
        return True
    return named.event.end - named.event.first > SHORT and _DAYS_OR_VACATION.match(named.name) is not None


def _too_long(kept: Iterable[_Named]) -> Iterator[Problem]:
    for named in kept:
        event = named.event
        length = event.end - event.first
        if length > (LONGEST_VACATION if _is_vacation(named) else SHORT):
            message = f"{named.name!r} lasts {length.days} days, which none of its kind does; is it two events in one?"
            yield Problem(resource="", field="", message=message, position=event.position)


def _vacations(long: list[_Named], kept: list[_Named]) -> Iterator[ReadVacation]:
    """Return the vacations, those of one name that touch in one piece, and the begins that nothing else tells."""
    spans: dict[str, list[tuple[date, date]]] = {}
    for named in long:
        if not _BEGIN.match(named.name):
            spans.setdefault(named.name.casefold(), []).append((named.event.first, named.event.end))
    titles = {named.name.casefold(): named.name for named in reversed(long)}
    found = [
        ReadVacation(name=_title(titles[name], end), departure=first, resumption=end)
        for name, cut in spans.items()
        for first, end in joined(cut)
    ]
    found += (_bridge(named) for named in kept if _is_short_bridge(named))
    told = {vacation.departure for vacation in found}
    returns = sorted(named.event.first for named in kept if _RETURN.match(named.name))
    for named in long:
        first = named.event.first
        if _BEGIN.match(named.name) and first not in told:
            told.add(first)
            back = next((day for day in returns if first < day <= first + LONGEST_VACATION), None)
            found.append(ReadVacation(name=_title(_BEGIN.sub("", named.name), first), departure=first, resumption=back))
    yield from sorted((_from_the_holiday(v) for v in found), key=lambda vacation: vacation.departure)


def _is_short_bridge(named: _Named) -> bool:
    """Tell whether a Friday alone stands for the bridge from a Thursday to the weekend."""
    return _BRIDGE.match(named.name) is not None and not _is_vacation(named) and named.event.first.weekday() == _FRIDAY


def _bridge(named: _Named) -> ReadVacation:
    first = named.event.first
    return ReadVacation(
        name=_title(named.name, first), departure=first - _ONE_DAY, resumption=first + _FROM_FRIDAY_TO_MONDAY
    )


def _from_the_holiday(vacation: ReadVacation) -> ReadVacation:
    """Let a bridge begin with the public holiday, which some years name and others do not."""
    next_day = vacation.departure + _ONE_DAY
    if _BRIDGE.match(vacation.name) and public_holidays("", next_day, next_day):
        return replace(vacation, departure=next_day)
    return vacation


def joined(spans: Iterable[tuple[date, date]]) -> tuple[tuple[date, date], ...]:
    """Return the spans with those that touch or overlap in one piece: a file of several zones cuts them."""
    whole: list[tuple[date, date]] = []
    for first, end in sorted(spans):
        if whole and first <= whole[-1][1]:
            whole[-1] = whole[-1][0], max(end, whole[-1][1])
        else:
            whole.append((first, end))
    return tuple(whole)


def _title(name: str, day: date) -> str:
    """Return the name as the shipped calendars have it: `Toussaint 2026` for `Vacances de la Toussaint`."""
    short = _SHORTENED.sub("", name)
    short = short[:1].upper() + short[1:]
    if short.casefold() == "noël" and day.month == 1:
        return f"{short} {day.year - 1}"
    return f"{short} {day.year}"


def _days_off(kept: Iterable[_Named]) -> Iterator[ReadDayOff]:
    for named in kept:
        if _is_vacation(named) or _is_short_bridge(named) or _RETURN.match(named.name):
            continue
        first, end = named.event.first, max(named.event.end, named.event.first + _ONE_DAY)
        for number in range((end - first).days):
            yield ReadDayOff(day=first + number * _ONE_DAY, name=named.name)
