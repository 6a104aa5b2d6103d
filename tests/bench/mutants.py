"""A sample of the mutants: `python -m tests.bench.mutants [--count 600] [--seed 7]`, about an hour on two cores.

All mutants are written, so many are drawn with the seed and run, and the share that tests kill is printed with its
interval of confidence (Wilson), by module, and the names of those that live: `mutmut show NAME` shows one. What tests
are run stands in `pyproject.toml`. `docs/mutation.md` says why those live that were found.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

WRITTEN = Path("mutants/controller/planning")
NOBODY = "no-mutant-has-this-name"
"""mutmut writes all mutants before it looks which are asked for."""
CONFIDENCE = 1.96
"""Standard deviations on both sides of 95 %."""
SURVIVED = 0
"""Exit code of tests that noticed nothing."""


def verdicts() -> dict[str, int | None]:
    """Return the exit code of the tests by mutant; None: not run."""
    found: dict[str, int | None] = {}
    for path in sorted(WRITTEN.glob("*.meta")):
        found |= json.loads(path.read_text("utf-8"))["exit_code_by_key"]
    return dict(sorted(found.items()))


def mutmut(names: Sequence[str]) -> None:
    """Run these mutants on two cores."""
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", "2", *names]
    subprocess.run(command, env={**os.environ, "HYPOTHESIS_PROFILE": "mutation"}, check=False)


def interval(killed: int, drawn: int) -> tuple[float, float]:
    """Return Wilson's interval of the share killed."""
    share, z = killed / drawn, CONFIDENCE
    middle = (share + z * z / (2 * drawn)) / (1 + z * z / drawn)
    half = z * math.sqrt(share * (1 - share) / drawn + z * z / (4 * drawn * drawn)) / (1 + z * z / drawn)
    return middle - half, middle + half


def main() -> None:
    """Draw, run, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    mutmut([NOBODY])
    everything = list(verdicts())
    drawn = random.Random(asked.seed).sample(everything, min(asked.count, len(everything)))
    mutmut(drawn)
    found = verdicts()
    living = sorted(name for name in drawn if found[name] == SURVIVED)
    modules = Counter(name.split(".")[2] for name in drawn)
    lived = Counter(name.split(".")[2] for name in living)
    for module, count in sorted(modules.items()):
        print(f"{module}: {count - lived[module]} of {count}")
    killed = len(drawn) - len(living)
    low, high = interval(killed, len(drawn))
    print(f"{killed} of {len(drawn)} killed, {killed / len(drawn):.1%} ({low:.1%} to {high:.1%}); of {len(everything)}")
    print("\n".join(living))


if __name__ == "__main__":
    main()
