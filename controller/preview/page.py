"""One page that shows a head of department what is prepared, day by day: on a phone, in print, without a network."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from controller.domain.names import EntKey
from controller.preview.days import Day
from controller.preview.page_style import STYLE
from controller.preview.wanted import Wanted
from controller.preview.words import day_type, long_date, number, short_date, what_for

_LEVELS = 5
"""Shades of a bar; its height says the same, for print and for eyes that tell no shades apart."""
_HEIGHT = 20
_HOURS = (0, 6, 12, 18, 24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One ENT on the page."""

    ent: EntKey
    region: str
    time_zone: str
    days: tuple[Day, ...]


def page(sections: Sequence[Section], notes: Iterable[str] = ()) -> str:
    """Return the page as HTML that needs nothing but itself."""
    title = "Sonnerie : ce qui est prévu"
    parts = [
        "<!doctype html>",
        '<html lang="fr"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{STYLE}</style></head><body>",
        *(line for section in sections for line in _section(section)),
        *_notes(notes),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _section(section: Section) -> Iterator[str]:
    days = section.days
    most = max((wanted.replicas for day in days for wanted in day.wanted), default=0)
    yield '<main><header><p class="brand">Sonnerie</p>'
    yield f"<h1>Portail {escape(section.ent.name)} <small>{escape(section.region)}</small></h1>"
    if days:
        yield (
            f'<p class="span">Ce qui est prévu du {long_date(days[0].date)} au {long_date(days[-1].date)}, '
            f"à l’heure de {escape(section.time_zone)}."
            f'<span lang="en">What is planned, {days[0].date} to {days[-1].date}, local time.</span></p>'
        )
    yield "</header>"
    yield from _figures(days)
    yield from _legend()
    for week in _weeks(days):
        yield '<section class="week">'
        yield f"<h2>Semaine du {short_date(week[0].date)}</h2>"
        yield '<div class="days">'
        for day in week:
            yield from _day(day, most)
        yield "</div></section>"
    yield "</main>"


def _figures(days: tuple[Day, ...]) -> Iterator[str]:
    busiest = max((day for day in days if day.peak), key=lambda d: d.peak.connections_per_second, default=None)  # type: ignore[union-attr]
    hours = sum(wanted.replica_hours for day in days for wanted in day.wanted)
    yield '<dl class="figures">'
    if busiest is not None and busiest.peak is not None:
        peak = busiest.peak
        when = f"{short_date(busiest.date)} à {busiest.clock(peak.start)}"
        rate = f"{number(peak.connections_per_second)} connexions/s"
        yield _figure("Moment le plus chargé", when, "Busiest moment", rate)
        yield _figure("Instances prêtes alors", number(peak.replicas), "Replicas ready then", "avec la réserve")
    yield _figure("Heures d’instance", number(hours), "Replica-hours", "sur toute la période")
    yield "</dl>"


def _figure(term: str, value: str, english: str, more: str) -> str:
    return (
        f'<div><dt>{term} <span lang="en">{english}</span></dt>'
        f'<dd>{escape(value)} <span class="more">{escape(more)}</span></dd></div>'
    )


def _legend() -> Iterator[str]:
    yield (
        '<p class="legend">Chaque barre est une demi-heure, de 0 h à 24 h : plus elle est haute et foncée, plus il y a '
        "d’<b>instances</b> (copies du portail) prêtes. Elles sont prêtes à l’heure indiquée, démarrées quelques "
        "minutes avant, et comptent la réserve pour la perte d’un site. "
        '<span lang="en">Each bar is half an hour; the higher and darker, the more replicas are ready, '
        "reserve included.</span></p>"
    )


def _weeks(days: tuple[Day, ...]) -> Iterator[list[Day]]:
    week: list[Day] = []
    for day in days:
        if week and day.date.weekday() == 0:
            yield week
            week = []
        week.append(day)
    if week:
        yield week


def _day(day: Day, most: int) -> Iterator[str]:
    eventful = any(wanted.by_event for wanted in day.scheduled)
    kind = day.fact.day_type.value
    tag = '<span class="tag">événement</span>' if eventful else ""
    yield f'<article class="day {kind}" style="--first:{day.date.weekday() + 1}">'
    yield f'<h3>{short_date(day.date)} {tag}</h3><p class="kind">{escape(day_type(day))}</p>'
    yield _bars(day, most)
    if day.scheduled:
        yield "<ul>"
        yield from (_line(day, wanted) for wanted in day.scheduled)
        yield "</ul>"
    else:
        yield '<p class="none">Rien de prévu : le minimum reste prêt.</p>'
    yield "</article>"


def _line(day: Day, wanted: Wanted) -> str:
    short = (
        f'<b class="short">{number(wanted.unserved_per_second)} connexions/s de trop</b>'
        if wanted.unserved_per_second > 0
        else ""
    )
    marked = ' class="event"' if wanted.by_event else ""
    return (
        f'<li{marked} title="{escape(wanted.because, quote=True)}">'
        f"<b>{day.clock(wanted.start)}–{day.clock(wanted.end)}</b> {escape(what_for(wanted))} "
        f'<span class="rate">{number(wanted.connections_per_second)}/s</span> '
        f'<span class="count">{number(wanted.replicas)} instances</span>{short}</li>'
    )


def _bars(day: Day, most: int) -> str:
    slots = day.slots()
    rects = "".join(
        f'<rect class="l{_level(count, most)}" x="{index}" width="0.9" y="{_HEIGHT - _tall(count, most):g}" '
        f'height="{_tall(count, most):g}"/>'
        for index, count in enumerate(slots)
        if count
    )
    peak = max((count or 0 for count in slots), default=0)
    hours = "".join(f"<span>{hour} h</span>" for hour in _HOURS)
    return (
        f'<svg viewBox="0 0 {len(slots)} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="Jusqu’à {number(peak)} instances">{rects}</svg><div class="hours">{hours}</div>'
    )


def _tall(count: int, most: int) -> float:
    return max(1.0, round(_HEIGHT * count / most, 1)) if most else 0.0


def _level(count: int, most: int) -> int:
    return min(_LEVELS, 1 + count * _LEVELS // (most + 1)) if most else 1


def _notes(notes: Iterable[str]) -> Iterator[str]:
    told = list(notes)
    if told:
        yield '<footer><h2>À savoir <span lang="en">Good to know</span></h2><ul>'
        yield from (f"<li>{escape(note)}</li>" for note in told)
        yield "</ul></footer>"
