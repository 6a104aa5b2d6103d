"""The tables of `docs/contracts/names.md`: `python -m tests.contracts.names --write` brings them up to the code.

Names come from the code, sentences from the page: a new name gets a row without a sentence, and a test asks for it.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from controller.domain.plan import ConditionType
from controller.domain.readings import ReadingReason
from controller.domain.reasons import Reason
from controller.planning.explain import WELL_WHEN_FALSE
from controller.runtime.telemetry import Telemetry
from tests.demo.builders import recording
from tests.demo.figures.summary import summarise
from tests.wire.page import filled

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/contracts/names.md"
OWN_METRICS = "sonnerie_"
UNITS = ("seconds", "replicas")
SOURCES = sorted((ROOT / "controller").rglob("*.py"))
RESERVED = "reserved: nothing sets it yet"

Row = tuple[str, ...]


def metrics() -> dict[str, Any]:
    """Return our own metrics by the name that Prometheus shows."""
    found = {}
    for metric in Telemetry().registry._collector_to_names:
        name = str(getattr(metric, "_name", ""))
        if name.startswith(OWN_METRICS):
            found[f"{name}_total" if metric._type == "counter" else name] = metric  # type: ignore[attr-defined]
    return found


def metric_rows() -> list[Row]:
    """Return name, type, unit, labels and meaning of every metric, as registered."""
    rows: list[Row] = []
    for name, metric in metrics().items():
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)
        unit = next((unit for unit in UNITS if unit in name.split("_")), "")
        rows.append((f"`{name}`", metric._type, unit, labels, metric._documentation))
    return rows


def is_used(enum: str, member: str) -> bool:
    """Tell whether any code but the vocabulary and the explanation names the member."""
    return re.search(rf"\b{enum}\.{member}\b", _deciding_code()) is not None


@cache
def _deciding_code() -> str:
    besides = ("controller/domain/", "controller/planning/explain.py")
    paths = (path for path in SOURCES if not str(path.relative_to(ROOT)).startswith(besides))
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def condition_rows() -> list[Row]:
    """Return every condition type, and the status that nobody needs to look at."""
    return [
        (
            f"`{kind}`",
            "False" if kind in WELL_WHEN_FALSE else "True",
            "" if is_used("ConditionType", kind.name) else RESERVED,
        )
        for kind in ConditionType
    ]


def reason_rows(reasons: Iterable[Reason | ReadingReason]) -> list[Row]:
    """Return every reason."""
    return [(f"`{r}`", "" if is_used(type(r).__name__, r.name) else RESERVED) for r in reasons]


def summary_rows() -> list[Row]:
    """Return every key of the summary of a demonstration, as it is without a single measurement."""

    def keys(found: Mapping[str, Any], prefix: str) -> list[str]:
        names = []
        for name, value in found.items():
            if name != "why":
                names += keys(value, f"{prefix}{name}.") if isinstance(value, dict) else [f"{prefix}{name}"]
        return names

    return [(f"`{name}`",) for name in keys(summarise(recording(marks=())), "")]


ROWS: Mapping[str, Callable[[], list[Row]]] = {
    "conditions": condition_rows,
    "reasons": lambda: reason_rows(Reason),
    "reading reasons": lambda: reason_rows(ReadingReason),
    "summary": summary_rows,
}
HEADS: Mapping[str, Row] = {
    "metrics": ("metric", "type", "unit", "labels", "meaning"),
    "conditions": ("type", "all is well when", "state", "meaning"),
    "reasons": ("reason", "state", "meaning"),
    "reading reasons": ("reason", "state", "meaning"),
    "summary": ("key", "meaning"),
}


def blocks(page: str) -> dict[str, str]:
    """Return every table: names and facts of the code with the sentences of the page."""
    tables = {"metrics": _table("metrics", metric_rows())}
    for name, rows in ROWS.items():
        said = {row[0]: row[-1] for row in table_of(page, name)}
        tables[name] = _table(name, [(*row, said.get(row[0], "")) for row in rows()])
    return tables


def table_of(page: str, name: str) -> list[Row]:
    """Return the rows of a table of the page, without its head."""
    block = re.search(rf"<!-- generated: {name} -->\n(.*?)<!-- end of generated -->", page, re.DOTALL)
    lines = block[1].splitlines()[2:] if block else []
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines if line.startswith("|")]


def _table(name: str, rows: Iterable[Row]) -> str:
    head = HEADS[name]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, tuple("---" for _ in head), *rows))


def made() -> str:
    """Return what the page should hold."""
    page = PAGE.read_text(encoding="utf-8")
    return filled(page, blocks(page))


def main() -> int:
    """Write, or tell that the page differs."""
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(made(), encoding="utf-8")
        return 0
    differs = made() != PAGE.read_text(encoding="utf-8")
    if differs:
        sys.stderr.write("docs/contracts/names.md differs; python -m tests.contracts.names --write\n")
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main())
