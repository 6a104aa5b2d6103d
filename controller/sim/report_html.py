"""The picture: one self-contained page, for somebody who reads nothing else. No scripts, nothing fetched."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from controller.sim.engine import Outcome
from controller.sim.report_svg import SITE_COLOURS, Frame, chart, told
from controller.sim.report_text import COLUMNS
from controller.sim.run import Met, Run
from controller.sim.scenario import Scenario

HEADROOM = 1.05
MOST_OF_DEMAND = 2.5
"""Capacity above so many times the largest demand is cut off, so that demand stays visible."""
MOST_LISTED = 200
EXPLAINED = (
    "Overload: seconds in which users, retries included, asked a site for more than its Ready replicas carry. "
    "Unserved: share of first attempts that failed at their first try. × optimum: replica-hours against the least that "
    "somebody who knew the morning beforehand would have needed, the loss of one site paid for."
)

STYLE = """
:root { --ink:#1b1f24; --soft:#59636e; --line:#d9dee3; --paper:#fff; --demand:#9ecae1; --capacity:#1a7f37;
  --arrived:#0b3d66; --failed:#d1242f; }
* { box-sizing:border-box; }
body { margin:0 auto; max-width:64rem; padding:1rem; color:var(--ink); background:var(--paper);
  font:16px/1.45 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif; }
h1 { font-size:1.5rem; margin:1.2rem 0 .3rem; } h2 { font-size:1.1rem; margin:1.4rem 0 .2rem; }
p { margin:.3rem 0 .6rem; } .soft { color:var(--soft); font-size:.9rem; }
svg { width:100%; height:auto; display:block; }
.demand { fill:var(--demand); } .failed { fill:var(--failed); fill-opacity:.85; }
.arrived { fill:none; stroke:var(--arrived); stroke-width:1.2; }
.capacity { fill:none; stroke:var(--capacity); stroke-width:2; }
.reserve { fill:none; stroke:var(--capacity); stroke-width:1; stroke-dasharray:4 3; }
.grid { stroke:var(--line); stroke-width:1; } .tick { fill:var(--soft); font-size:12px; }
.scale { fill:var(--capacity); fill-opacity:.7; } .move { fill:#8250df; }
circle:hover, circle:focus { stroke:var(--ink); stroke-width:2; outline:none; }
.wide { overflow-x:auto; } table { border-collapse:collapse; font-size:.9rem; width:100%; }
th, td { padding:.3rem .5rem; border-bottom:1px solid var(--line); text-align:right; white-space:nowrap; }
th:first-child, td:first-child { text-align:left; } tr.ours { font-weight:600; }
.legend { display:flex; flex-wrap:wrap; gap:.3rem 1.1rem; font-size:.9rem; margin:.4rem 0; }
.legend span { display:inline-flex; align-items:center; gap:.4rem; }
.legend i { width:1.1rem; height:.7rem; display:inline-block; border-radius:2px; }
.verdict { font-size:1.05rem; } .met { color:var(--capacity); } .missed { color:var(--failed); }
details { font-size:.85rem; margin:.2rem 0 .8rem; } summary { cursor:pointer; color:var(--soft); }
li { margin:.1rem 0; overflow-wrap:anywhere; }
section.controller { break-inside:avoid; }
@media print { body { max-width:none; padding:0; font-size:11px; } details { display:none; } }
@media (max-width:40rem) { .tick { font-size:18px; } body { padding:.6rem; } }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One scenario and its first run."""

    scenario: Scenario
    run: Run
    met: Sequence[Met]


def page_of(pages: Sequence[Page]) -> str:
    """Return the whole document."""
    title = ", ".join(page.scenario.name for page in pages)
    body = "\n".join(_scenario(page) for page in pages)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Sonnerie: {escape(title)}</title><style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _scenario(page: Page) -> str:
    scenario, outcomes = page.scenario, page.run.outcomes
    sites = [site.name for site in scenario.sites]
    frame = _frame(page)
    charts = "\n".join(_controller(outcome, frame, sites) for outcome in outcomes)
    return "\n".join(
        (
            f"<h1>{escape(scenario.name)}</h1>",
            f"<p>{escape(scenario.story.strip())}</p>",
            f'<p class="verdict">{escape(verdict(outcomes))}</p>',
            _legend(sites),
            charts,
            "<h2>The figures</h2>",
            _table(outcomes),
            _expectations(page.met),
            f'<p class="soft">{EXPLAINED} Seed {page.run.seed}; the same command gives the same figures.</p>',
        )
    )


def verdict(outcomes: Sequence[Outcome]) -> str:
    """Return the result in a sentence or two."""
    sentences = []
    for outcome in sorted(outcomes, key=lambda o: (o.figures.overload_seconds, o.figures.replica_hours)):
        figures = outcome.figures
        text = f"{outcome.controller}: {_minutes(figures.overload_seconds)} overloaded"
        if figures.users_turned_away >= 1:
            text += f", {figures.users_turned_away:,.0f} gave up"
        text += f", {figures.replica_hours:,.0f} replica-hours"
        sentences.append(text)
    shown = "; ".join(sentences[:6])
    return f"{shown}; and {len(sentences) - 6} more below." if len(sentences) > 6 else f"{shown}."


def _minutes(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"


def _frame(page: Page) -> Frame:
    scenario, outcomes = page.scenario, page.run.outcomes
    demand = max(max(o.course.demand, default=0.0) for o in outcomes)
    highest = max(max([*o.course.capacity, *o.course.arrived], default=0.0) for o in outcomes)
    start, until = scenario.utc(scenario.start), scenario.utc(scenario.until)
    return Frame(
        start=start,
        zone=scenario.time_zone,
        seconds=(until - start).total_seconds(),
        most=max(1.0, min(highest, demand * MOST_OF_DEMAND) * HEADROOM),
    )


def _controller(outcome: Outcome, frame: Frame, sites: Sequence[str]) -> str:
    figures = outcome.figures
    said = f"{_minutes(figures.overload_seconds)} overloaded, {figures.unserved_share:.2%} unserved"
    if figures.replica_hours_over_optimum is not None:
        said += f", {figures.replica_hours_over_optimum:.2f} × optimum"
    lines = "".join(f"<li>{escape(told(d, frame))}</li>" for d in outcome.decisions[:MOST_LISTED])
    more = len(outcome.decisions) - MOST_LISTED
    rest = f"<li>… and {more} more</li>" if more > 0 else ""
    return (
        f'<section class="controller"><h2>{escape(outcome.controller)}</h2><p class="soft">{escape(said)}</p>\n'
        f"{chart(outcome, frame, sites)}\n"
        f"<details><summary>{len(outcome.decisions)} decisions</summary><ol>{lines}{rest}</ol></details></section>"
    )


def _legend(sites: Sequence[str]) -> str:
    entries = [
        ("var(--demand)", "what users want (first attempts)"),
        ("var(--arrived)", "what arrives, retries included"),
        ("var(--capacity)", "Ready capacity where users are sent (dashed: at all sites, reserve included)"),
        ("var(--failed)", "not served"),
        ("#8250df", "a decision that moves users (green: replicas); hover for the reason"),
        *((SITE_COLOURS[i % len(SITE_COLOURS)], f"users sent to {site}") for i, site in enumerate(sites)),
    ]
    spans = "".join(f'<span><i style="background:{colour}"></i>{escape(text)}</span>' for colour, text in entries)
    return f'<div class="legend">{spans}</div><p class="soft">Requests per second over local time.</p>'


def _table(outcomes: Sequence[Outcome]) -> str:
    heads = "".join(f"<th>{escape(heading)}</th>" for heading, _ in COLUMNS.values())
    rows = []
    for outcome in outcomes:
        cells = []
        for figure, (_, form) in COLUMNS.items():
            value = getattr(outcome.figures, figure)
            cells.append(f"<td>{form.format(value) if value is not None else '–'}</td>")
        kind = ' class="ours"' if outcome.controller == "sonnerie" else ""
        rows.append(f"<tr{kind}><td>{escape(outcome.controller)}</td>{''.join(cells)}</tr>")
    return f'<div class="wide"><table><tr><th>controller</th>{heads}</tr>{"".join(rows)}</table></div>'


def _expectations(met: Sequence[Met]) -> str:
    lines = []
    for each in met:
        expected = each.expectation
        bound = f"≤ {expected.most:g}" if expected.most is not None else f"≥ {expected.least:g}"
        word = "not measured" if each.met is None else "met" if each.met else "missed"
        value = "" if each.found is None else f", and is {each.found:.4g}"
        text = f"{expected.controller}: {expected.figure.replace('_', ' ')} must be {bound}{value}"
        lines.append(f'<li><span class="{word}">{word}</span>: {escape(text)}</li>')
    return f"<h2>What was expected</h2><ul>{''.join(lines)}</ul>" if lines else ""
