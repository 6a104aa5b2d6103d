"""The documents of the contract: `python -m tests.wire.golden --write` makes them anew, `--check` tells what differs.

`documents/*.json` and the generated parts of `docs/contracts/wire-v1.md` follow the code. What lies under
`documents/published` and `documents/memory` was written by versions before and is never made anew.
"""

import json
import os
import sys
from pathlib import Path

from controller.planning.decide import decide
from controller.wire.stream import reply_to
from controller.wire.world import write_world_line
from tests.wire.example import question
from tests.wire.page import as_json_block, filled, pretty, tables

DOCUMENTS = Path(__file__).parent / "documents"
PAGE = Path(__file__).parents[2] / "docs/contracts/wire-v1.md"


def made() -> dict[Path, str]:
    """Return what every file should hold."""
    asked = write_world_line(question())
    world = json.loads(asked)
    plan = json.loads(reply_to(asked, decide).line)
    world["world"]["ents"][0]["placements"][1]["site"] = "sgb"
    error = json.loads(reply_to(json.dumps(world).encode(), decide).line)
    world["world"]["ents"][0]["placements"][1]["site"] = "sbg"
    documents = {"world": pretty(world), "plan": pretty(plan), "error": pretty(error)}
    files = {DOCUMENTS / f"{name}-v1.json": f"{text}\n" for name, text in documents.items()}
    blocks = {name: as_json_block(text) for name, text in documents.items()} | {"types": tables()}
    return files | {PAGE: filled(PAGE.read_text(encoding="utf-8"), blocks)}


def differing() -> list[Path]:
    """Return the files that do not hold what they should."""
    return [path for path, text in made().items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def main() -> int:
    """Write, or tell what differs."""
    if sys.argv[1:] == ["--write"]:
        for path, text in made().items():
            path.write_text(text, encoding="utf-8")
        return 0
    found = differing()
    for path in found:
        sys.stderr.write(f"{os.path.relpath(path)} differs; python -m tests.wire.golden --write\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
