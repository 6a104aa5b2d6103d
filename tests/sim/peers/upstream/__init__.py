"""Rows of the upstream unit tests, as data with file, test, row and line. Attribution is in NOTICE.md beside them."""

import json
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def tables(name: str) -> dict[str, Any]:
    """Return one file of rows."""
    return json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def label(row: Row) -> str:
    """Name a row in the output of a test run."""
    return f"{row['test']}:{row['line']} {row['row']}"
