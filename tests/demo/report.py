"""`report.html`: one self-contained page, with the picture, the figures and every decision with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.demo import records
from tests.demo.drawing import picture
from tests.demo.figures.bars import Judged
from tests.demo.figures.captions import CAPTIONS, GROUPS, SHORTENED
from tests.demo.phases import Phase, phases
from tests.demo.recording import VERDICT, Recording
from tests.demo.sentences import because, is_told, sentence
from tests.demo.series import Series, series_of
from tests.demo.story import TIME_ZONE
from tests.demo.view import clock

PAGE = Path(__file__).parent / "page"


_DECISIONS = (
    "<h2>What was decided, and why</h2>"
    "<p class=soft>The lines of the controller’s own log, in the order of the morning. "
    "Each act of the story stands above the decisions that fell in it.</p>"
)


def write_report(path: Path, recording: Recording, summary: Mapping[str, Any], judged: Sequence[Judged]) -> None:
    """Write the page."""
    series = series_of(recording)
    acts = phases(recording.story, recording.marks)
    body = [
        _head(recording, judged),
        _figures(summary, judged),
        _picture(series, acts, recording.story.times.bell),
        _DECISIONS,
        _decisions(recording, acts),
        _explanations(recording, summary),
    ]
    script = ""
    if series is not None:
        data = json.dumps([asdict(ent) for ent in series.ents], separators=(",", ":")).replace("<", "\\u003c")
        script = f'<script type="application/json" id="data">{data}</script><script>{_asset("report.js")}</script>'
    path.write_text(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Sonnerie: one school morning</title>'
        f"<style>{_asset('report.css')}</style></head>\n<body><main>{''.join(body)}</main>"
        f'<div id="tip" role="status"></div>{script}</body></html>\n'
    )


def _asset(name: str) -> str:
    return (PAGE / name).read_text()


def _head(recording: Recording, judged: Sequence[Judged]) -> str:
    met = sum(one.met for one in judged)
    kind = "met" if met == len(judged) else "missed"
    curtain = recording.marked(records.CURTAIN)
    when = ""
    if curtain is not None:
        local = datetime.fromtimestamp(curtain, UTC).astimezone(ZoneInfo(TIME_ZONE))
        when = f"{local:%d %B %Y, %H:%M} ({TIME_ZONE})"
    ents, sites = len(recording.story.ents), len(recording.story.sites)
    return (
        f"<h1>One school morning</h1><p class=soft>{when}</p>"
        f'<p class="verdict-line {kind}">{met} of {len(judged)} bars met</p>'
        f"<p>{ents} school portals on {sites} sites. The bell rings and everybody comes at once; at the peak one "
        "site’s metrics fall silent; then a whole site dies, and returns. Kubernetes API servers, Prometheus, HAProxy "
        "and every request were real; the portals’ replicas were played. Only the controller decided.</p>"
    )


def _figures(summary: Mapping[str, Any], judged: Sequence[Judged]) -> str:
    by_name = {one.bar.name: one for one in judged}
    groups = [
        f"<section class=group><h3>{escape(title)}</h3>"
        + "".join(_figure(summary, name, by_name.get(name)) for name in CAPTIONS if name.startswith(f"{group}."))
        + "</section>"
        for group, title in GROUPS.items()
    ]
    return f'<div class="groups">{"".join(groups)}</div>'


def _figure(summary: Mapping[str, Any], name: str, judged: Judged | None) -> str:
    group, _, key = name.partition(".")
    value, caption = summary[group].get(key), CAPTIONS[name]
    shown = f"{value:g}" if isinstance(value, float) else f"{value:,}".replace(",", "\u202f") if value else "0"
    text = "–" if value is None else f"{shown}{caption.unit}"
    kind = "plain" if judged is None else "met" if judged.met else "missed"
    note = "" if judged is None else f"<small>must be {escape(judged.bar.must)}{escape(judged.bar.unit)}</small>"
    if value is None:
        note = f"<small>not measured: {escape(summary[group].get('why', {}).get(key, ''))}</small>"
    return f'<div class="figure {kind}"><b>{text}</b><div><span>{escape(caption.text)}</span>{note}</div></div>'


_LEGEND = (
    ("line", "--demand", "wanted by users, retries included"),
    ("line", "--capacity", "Ready capacity where the traffic goes"),
    ("dash", "--reserve", "what would be left if the site with most of the traffic were lost"),
    ("", "--failed", "failed attempts"),
    ("", "--site-a", "share of site a"),
    ("", "--site-b", "share of site b"),
    ("", "--site-c", "share of site c"),
)


def _picture(series: Series | None, acts: Sequence[Phase], bell: float) -> str:
    if series is None:
        return "<p>The story never began, so there is no picture.</p>"
    legend = "".join(
        f'<span><i class="{kind}" style="{"border-color" if kind else "background"}:var({colour})"></i>{text}</span>'
        for kind, colour, text in _LEGEND
    )
    return (
        "<h2>The morning, second by second</h2><p class=soft>On top what the controller holds of each site: green is "
        "Healthy, red is Down, yellow is doubt; a grey underline means that its Prometheus was away. Below, one panel "
        "per ENT; the dotted line is the bell. Point at the picture to read it.</p>"
        f'<div class="legend">{legend}</div><div class="scroll">{picture(series, acts, bell)}</div>'
    )


def _decisions(recording: Recording, acts: Sequence[Phase]) -> str:
    curtain = recording.marked(records.CURTAIN) or 0.0
    rows: list[tuple[float, int, str]] = [
        (act.start, 0, f"<tr class=act-row><td>{clock(act.start)}</td><td colspan=2>{escape(act.text)}</td></tr>")
        for act in acts
    ]
    for number, decision in enumerate(filter(is_told, recording.decisions), start=1):
        second = decision.at - curtain
        kind = " class=verdict-row" if decision.event == VERDICT else ""
        cells = f"<td>{clock(second)}</td><td>{escape(sentence(decision) or '')}</td>"
        rows.append((second, number, f"<tr{kind}>{cells}<td class=soft>{escape(because(decision))}</td></tr>"))
    return _table(("when", "what", "why"), (row for _, _, row in sorted(rows)))


def _table(columns: Iterable[str], rows: Iterable[str]) -> str:
    head = "".join(f"<th>{column}</th>" for column in columns)
    return f'<div class="scroll"><table class="list"><tr>{head}</tr>{"".join(rows)}</table></div>'


def _explanations(recording: Recording, summary: Mapping[str, Any]) -> str:
    short = asdict(recording.story.shortened)
    shortened = _table(
        ("setting", "here", "in earnest"),
        (f"<tr><td>{escape(text)}</td><td>{short[key]}</td><td class=soft>{escape(real)}</td></tr>"
         for key, (text, real) in SHORTENED.items()),
    )  # fmt: skip
    meanings = _table(
        ("figure", "how it is measured"),
        (f"<tr><td>{escape(name)}</td><td>{escape(caption.definition)}</td></tr>"
         for name, caption in CAPTIONS.items() if name.partition(".")[0] in summary),
    )  # fmt: skip
    page = (
        '<blockquote lang="fr"><p class=head>Beaucoup de monde en ce moment</p><p>L’espace numérique de travail reçoit '
        "plus de visites qu’il ne peut en servir tout de suite. Rien n’est perdu : votre travail enregistré est "
        "conservé. Merci de réessayer dans 10 secondes environ.</p></blockquote>"
        "<p class=soft>In English: many visitors at the moment; nothing is lost; please try again in about ten "
        "seconds. The pause differs from pupil to pupil, so that they do not all come back at once.</p>"
    )
    return (
        f"<div class=two><section><h2>What a pupil read who found no portal</h2>{page}</section>"
        f"<section><h2>Shorter than in earnest</h2>{shortened}</section></div>"
        f"<h2>What the figures mean</h2>{meanings}"
    )
