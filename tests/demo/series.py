"""The recording, second by second, for pictures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.demo import records
from tests.demo.recording import VERDICT, Recording

SMOOTHING_SECONDS = 3
UNKNOWN = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntSeries:
    """One ENT; every list has one entry per second of the story."""

    ent: str
    demand: list[float]
    """Attempts begun per second, first and repeated, mean of three seconds."""
    failed: list[int]
    """Attempts whose failure was seen in that second."""
    serving: list[float]
    """What the Ready replicas carry at the sites that get traffic."""
    left: list[float]
    """What the Ready replicas would carry if the site with most of the traffic were lost."""
    weights: dict[str, list[int]]
    """In force, by site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From here to there it was so, in seconds of the story."""

    start: float
    end: float
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Everything the report draws."""

    seconds: int
    ents: tuple[EntSeries, ...]
    verdicts: dict[str, list[Span]]
    """By site, without gaps."""
    silent: dict[str, list[Span]]
    """When the site's Prometheus was away, by site."""


def series_of(recording: Recording) -> Series | None:
    """Return the series; None when the story never began."""
    curtain, end = recording.marked(records.CURTAIN), recording.marked(records.END)
    if curtain is None or end is None:
        return None
    seconds = math.ceil(end - curtain)
    ents = tuple(_ent(recording, ent.name, ent.sites, curtain, seconds) for ent in recording.story.ents)
    return Series(
        seconds=seconds,
        ents=ents,
        verdicts={site.name: _verdicts(recording, site.name, curtain, end) for site in recording.story.sites},
        silent={site.name: _silent(recording, site.name, curtain, end) for site in recording.story.sites},
    )


def _ent(recording: Recording, ent: str, sites: Sequence[str], curtain: float, seconds: int) -> EntSeries:
    begun, failed = [0] * seconds, [0] * seconds
    for attempt in recording.attempts:
        if attempt.ent == ent:
            _count(begun, attempt.at - curtain)
            if attempt.failed:
                _count(failed, attempt.over_at - curtain)
    weights = {site: _weights(recording, ent, site, curtain, seconds) for site in sites}
    capacity = {site: _capacity(recording, ent, site, curtain, seconds) for site in sites}
    return EntSeries(
        ent=ent,
        demand=[round(value, 1) for value in _smoothed(begun)],
        failed=failed,
        serving=[sum(capacity[site][t] for site in sites if weights[site][t]) for t in range(seconds)],
        left=[
            sum(capacity[site][t] for site in sites if site != max(sites, key=lambda s: weights[s][t]))
            for t in range(seconds)
        ],
        weights=weights,
    )


def _count(tally: list[int], second: float) -> None:
    if 0 <= second < len(tally):
        tally[int(second)] += 1


def _smoothed(values: Sequence[float]) -> Iterable[float]:
    half = SMOOTHING_SECONDS // 2
    for index in range(len(values)):
        around = values[max(0, index - half) : index + half + 1]
        yield sum(around) / len(around)


def _weights(recording: Recording, ent: str, site: str, curtain: float, seconds: int) -> list[int]:
    found: dict[int, int] = {}
    for weight in recording.weights:
        if (weight.ent, weight.site) == (ent, site) and weight.at < curtain + seconds:
            found[max(0, int(weight.at - curtain))] = weight.weight
    filled, last = [], 0
    for second in range(seconds):
        last = found.get(second, last)
        filled.append(last)
    return filled


def _capacity(recording: Recording, ent: str, site: str, curtain: float, seconds: int) -> list[float]:
    """Return Ready × capacity; 0 in seconds in which the portal said nothing, since nobody could serve there then."""
    carried = [0.0] * seconds
    for second in recording.seconds:
        # A portal writes at the full second about the second before, which rarely is a full second of the story.
        index = round(second.at - curtain)
        if (second.ent, second.site) == (ent, site) and 0 <= index < seconds:
            carried[index] = second.ready * recording.story.workload.capacity_per_replica
    return carried


def _verdicts(recording: Recording, site: str, curtain: float, end: float) -> list[Span]:
    changes = [(d.at, d.get("verdict")) for d in recording.decisions if d.event == VERDICT and d.get("site") == site]
    starts = [(curtain, UNKNOWN), *changes]
    spans = []
    for (start, what), (stop, _) in zip(starts, [*starts[1:], (end, "")], strict=True):
        if stop > curtain and start < end:
            spans.append(Span(start=max(0.0, start - curtain), end=min(end, stop) - curtain, what=what))
    return spans


def _silent(recording: Recording, site: str, curtain: float, end: float) -> list[Span]:
    away = {records.METRICS_STOPPED: True, records.METRICS_RETURNED: False}
    away |= {records.SITE_KILLED: True, records.SITE_RETURNED: False}
    spans, since = [], None
    for mark in recording.marks:
        if mark.site == site and mark.what in away:
            if away[mark.what]:
                since = mark.at
            elif since is not None:
                spans.append(Span(start=since - curtain, end=mark.at - curtain, what="away"))
                since = None
    if since is not None:
        spans.append(Span(start=since - curtain, end=end - curtain, what="away"))
    return spans
