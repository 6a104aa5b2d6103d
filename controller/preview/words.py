"""The words of the pages that heads of department and parents may see: French, with English beside it."""

import re
from datetime import date

from controller.domain.schooldays import DayType
from controller.preview.days import Day
from controller.preview.wanted import Wanted

_BELL = re.compile(r"(?P<at>[0-9]{2}:[0-9]{2}) (?P<name>.+)")
_WINDOW = re.compile(r"^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2} ")
"""How school time names its windows; what is written otherwise is shown as it is."""

WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
_DAY_TYPES = {
    DayType.SCHOOL_DAY: "Jour de classe",
    DayType.WEDNESDAY: "Mercredi",
    DayType.SATURDAY: "Samedi",
    DayType.SUNDAY: "Dimanche",
    DayType.PUBLIC_HOLIDAY: "Jour férié",
    DayType.VACATION: "Vacances",
    DayType.FIRST_DAY_BACK: "Rentrée",
    DayType.LAST_DAY_BEFORE: "Veille de vacances",
}


def day_type(day: Day) -> str:
    """Return the kind of day, with the name of the holiday where there is one."""
    words = _DAY_TYPES[day.fact.day_type]
    if not day.fact.known:
        return f"{words} (calendrier inconnu)"
    if day.fact.day_type in (DayType.PUBLIC_HOLIDAY, DayType.VACATION):
        return f"{words} : {day.fact.reason}"
    return words


def long_date(day: date) -> str:
    """Return `mardi 6 avril 2021`."""
    return f"{short_date(day)} {day.year}"


def short_date(day: date) -> str:
    """Return `mardi 6 avril`."""
    number = "1er" if day.day == 1 else str(day.day)
    return f"{WEEKDAYS[day.weekday()]} {number} {_MONTHS[day.month - 1]}"


def number(value: float) -> str:
    """Return a number as it is written in French: a comma, and a thin space between thousands."""
    text = f"{value:,.1f}" if value < 100 and value != round(value) else f"{value:,.0f}"
    return text.replace(",", "\u202f").replace(".", ",")


def what_for(wanted: Wanted) -> str:
    """Return what asks for it, without the policies around it and the times that stand beside it."""
    said = wanted.source.rpartition(": ")[2]
    if bell := _BELL.fullmatch(said):
        return f"sonnerie de {bell['at']} ({bell['name']})"
    return _WINDOW.sub("", said)
