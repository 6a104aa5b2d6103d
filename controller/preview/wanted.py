"""What is wanted when: intervals in which nothing changes, each with its replicas and the reason."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from controller.domain.fleet import Ent, Site
from controller.domain.names import EntKey
from controller.domain.schooltime import SchoolPolicies, resolve
from controller.domain.windows import Window, kept_out_at, shut_at
from controller.planning.quiet import Sized, expecting, size

NOTHING_SCHEDULED = "nothing is scheduled"
_DIGITS = 3
"""Amounts in policies have three decimals; more is arithmetic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """From `start` to `end`, half-open, one ENT wants the same all the time.

    Demand is expected from `start` on: replicas are to be Ready then, and are started a lead time before.
    """

    start: datetime
    end: datetime
    ent: EntKey
    connections_per_second: float
    """In the unit of the ENT's first demand signal; 0 where nothing is scheduled."""
    replicas: int
    """At all sites, with the reserve."""
    because: str
    source: str
    """The policy and bell that asks for most, as in `schedule college: 08:00 first-bell`."""
    bounds: str
    """What kept replicas from being more, what cannot be carried, who is not let in; empty when nothing is."""
    by_event: bool
    unserved_per_second: float
    """What cannot be served, whatever is prepared: the admission's to tell users."""

    @property
    def replica_hours(self) -> float:
        """Return what the interval takes."""
        return self.replicas * (self.end - self.start).total_seconds() / 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What every ENT wants in a span of time, without gaps, and what authors should know."""

    by_ent: Mapping[EntKey, tuple[Wanted, ...]]
    warnings: tuple[str, ...]


def look_ahead(
    sites: Iterable[Site], ents: Iterable[Ent], school: Iterable[SchoolPolicies], start: datetime, end: datetime
) -> Ahead:
    """Return what is wanted of every ENT from `start` to `end`.

    All ENTs are looked at together, since they share the quotas of sites, whichever of them one asks about.
    """
    sites, ents = tuple(sites), tuple(ents)
    resolved = {each.ent: resolve(each, start, end) for each in school}
    windows = {ent.key: resolved[ent.key].windows for ent in ents}
    drains = {site.drain.until for site in sites if site.drain is not None}
    instants = _instants([w for found in windows.values() for w in found], drains, start, end)
    closing = {key: tuple(window for window in found if window.kept_out) for key, found in windows.items()}
    sizes = _Sizes(sites, ents)
    by_ent: dict[EntKey, list[Wanted]] = {ent.key: [] for ent in ents}
    leading = {key: list(_leading(found, instants)) for key, found in windows.items()}
    for index, (begins, ends) in enumerate(pairwise(instants)):
        now_leading = {key: found[index] for key, found in leading.items()}
        for key, sized in sizes.of(now_leading, begins).items():
            _add(by_ent[key], _wanted(key, begins, ends, now_leading[key], sized, _doors(closing[key], begins)))
    return Ahead(
        by_ent={key: tuple(found) for key, found in sorted(by_ent.items())},
        warnings=tuple(sorted({f"{key}: {w}" for key, found in resolved.items() for w in found.warnings})),
    )


def _instants(windows: list[Window], drains: set[datetime], start: datetime, end: datetime) -> list[datetime]:
    """Return every instant at which what is wanted may change, with both ends of the question."""
    edges = {instant for window in windows for instant in (window.start, window.end)} | drains
    return sorted({start, end} | {instant for instant in edges if start < instant < end})


def _leading(windows: tuple[Window, ...], instants: list[datetime]) -> Iterator[Window | None]:
    """Return for each interval the window that asks for most, as the planner chooses it; the windows are sorted."""
    coming, under_way = 0, list[Window]()
    for instant in instants:
        while coming < len(windows) and windows[coming].start <= instant:
            under_way.append(windows[coming])
            coming += 1
        under_way = [window for window in under_way if window.end > instant]
        yield max(under_way, key=lambda w: (w.demand_per_second, w.source), default=None)


class _Sizes:
    """Asks the planner once for each set of demands: most days are like others."""

    def __init__(self, sites: tuple[Site, ...], ents: tuple[Ent, ...]) -> None:
        self._sites = sites
        self._ents = ents
        self._known: dict[object, Mapping[EntKey, Sized]] = {}

    def of(self, leading: Mapping[EntKey, Window | None], now: datetime) -> Mapping[EntKey, Sized]:
        demands = tuple(0.0 if window is None else window.demand_per_second for window in leading.values())
        drained = tuple(site.name for site in self._sites if site.drain is not None and site.drain.in_force(now))
        if (demands, drained) not in self._known:
            expected = [
                expecting(key, window.demand_per_second, window.source, now)
                for key, window in leading.items()
                if window is not None
            ]
            self._known[demands, drained] = size(self._sites, self._ents, expected, now)
        return self._known[demands, drained]


def _doors(windows: tuple[Window, ...], instant: datetime) -> tuple[str, ...]:
    """Say who is not let in at the instant, of the windows that keep anybody out."""
    if not windows:
        return ()
    shut = shut_at(windows, instant)
    if shut is not None:
        return (f"{shut.source}; the floor is kept for the reopening",)
    return tuple(f"{audience} kept out by {source}" for audience, source in kept_out_at(windows, instant))


def _wanted(
    key: EntKey, begins: datetime, ends: datetime, window: Window | None, sized: Sized, doors: tuple[str, ...]
) -> Wanted:
    source = NOTHING_SCHEDULED if window is None else window.source
    return Wanted(
        start=begins,
        end=ends,
        ent=key,
        connections_per_second=0.0 if window is None else round(window.demand_per_second, _DIGITS),
        replicas=sized.replicas,
        because="; ".join([f"{source}: {sized.sizing}", *sized.bounds, *doors]),
        source=source,
        bounds="; ".join([*sized.bounds, *doors]),
        by_event=window is not None and window.by_event,
        unserved_per_second=round(sized.unserved_per_second + sized.beyond_ceiling_per_second, _DIGITS),
    )


def _add(found: list[Wanted], one: Wanted) -> None:
    """Append the interval, or lengthen the last one when nothing changes for this ENT."""
    last = found[-1] if found else None
    if (
        last is not None
        and last.because == one.because
        and replace(last, end=one.end) == replace(one, start=last.start)
    ):
        found[-1] = replace(last, end=one.end)
    else:
        found.append(one)
