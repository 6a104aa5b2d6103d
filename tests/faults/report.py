"""`build/faults/report.html`: one table of all faults and a plot for each; one file, nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from tests.faults.plot import plot
from tests.faults.summary import read_results, read_simulated

KEYS = (
    "decided_seconds",
    "moved_95_percent_seconds",
    "requests_total",
    "requests_failed",
    "failed_site_seconds",
    "max_destination_utilisation",
    "reversals",
    "empty_answers",
    "false_shifts",
)

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1180px;margin:2rem auto;padding:0 1rem;color:#1d2430;background:#fff}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{padding:4px 8px;text-align:right;border-bottom:1px solid #dde2ea}
th:first-child,td:first-child{text-align:left}
.met{color:#14713d}.missed{color:#b3261e;font-weight:600}
svg{width:100%;height:auto;font:11px system-ui,sans-serif}svg text{fill:currentColor}
.a{stroke:#2f6fde}.b{stroke:#e07b00}.c{stroke:#1a9a6c}.d{stroke:#8d5bd0}.failed{stroke:#b3261e;stroke-width:2}
path{fill:none;stroke-width:1.5}.grid{stroke:#dde2ea}
.fault{stroke:#b3261e;stroke-dasharray:4 3}
.heal{stroke:#14713d;stroke-dasharray:4 3}
.decided{stroke:#1d2430}.key{stroke-width:3}p.note{color:#5a6474}
@media (prefers-color-scheme:dark){
body{color:#e4e8ef;background:#14171c}.grid,th,td{stroke:#333b47;border-color:#333b47}}
"""


def write_report(folder: Path) -> None:
    """Write it from what was kept."""
    (folder / "report.html").write_text(page(read_results(folder), read_simulated(folder)))


def page(
    results: Sequence[Mapping[str, Any]], simulated: Mapping[str, Sequence[Mapping[str, Any]]] | None = None
) -> str:
    """Return the page."""
    heads = "".join(f"<th>{escape(key.replace('_', ' '))}</th>" for key in KEYS)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Faults</title><style>{_STYLE}</style><h1>What goes wrong, measured</h1>"
        f"<table><thead><tr><th>fault</th><th>bars</th>{heads}</tr></thead><tbody>"
        + "".join(_row(one) for one in results)
        + "</tbody></table>"
        + _peers(simulated or {})
        + "".join(_section(one) for one in results)
        + "</html>"
    )


PEER_KEYS = ("decided_seconds", "moved_95_percent_seconds", "failed_site_seconds", "max_destination_utilisation")


def _peers(simulated: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return the table of the simulator: the same scripts for us and for the defaults of others."""
    if not simulated:
        return ""
    heads = "".join(f"<th>{escape(key.replace('_', ' '))}</th>" for key in PEER_KEYS)
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(one['controller'])}</td>"
        + "".join(f"<td>{_said(one[key])}</td>" for key in PEER_KEYS)
        + "</tr>"
        for name, found in simulated.items()
        for one in found
    )
    note = (
        "In the simulator, behind DNS with a TTL of 30 s, the site gone for a quarter of an hour: what the sources of "
        "k8gb and Karmada say they do by default (docs/peers.md), and what we do. Not measured on real parts."
    )
    return (
        f'<h2>Beside others</h2><p class="note">{escape(note)}</p><table><thead><tr><th>fault</th><th>controller</th>'
        f"{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(one: Mapping[str, Any]) -> str:
    cells = "".join(f"<td>{_said(one[key])}</td>" for key in KEYS)
    return f'<tr><td><a href="#{escape(one["name"])}">{escape(one["name"])}</a></td><td>{_met(one)}</td>{cells}</tr>'


def _met(one: Mapping[str, Any]) -> str:
    return '<span class="met">met</span>' if one["met"] else '<span class="missed">missed</span>'


def _said(value: float | str | None) -> str:
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _section(one: Mapping[str, Any]) -> str:
    notes = [
        f"{one['topology']}, edge {one['edge']}, {one['runs']} run(s), load average {one['load_average']:.1f}",
        *([f"Shortened: {one['shortened']}"] if one["shortened"] else []),
        *one["missed"],
    ]
    return (
        f'<h2 id="{escape(one["name"])}">{escape(one["title"])}</h2>'
        + "".join(f'<p class="note">{escape(note)}</p>' for note in notes)
        + plot(one["series"], one["decided_seconds"], one["title"])
    )
