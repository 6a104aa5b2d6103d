"""What school time costs in a cycle: `python -m tests.bench.schooltime [ENTS]`, milliseconds of CPU.

The shipped schedules, calendars and events, as many ENTs as asked for in the fifteen territories, through the code of
the running controller: `declare` once, then `SchoolBook.windows` every five seconds.
"""

import gc
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from controller.observe.policies import NOTHING, Policies
from controller.observe.school import SchoolBook
from controller.policy.declared import Declared, declare
from controller.policy.ent import RegionalENT
from controller.policy.kinds import Resource
from controller.policy.load import load

ROOT = Path(__file__).parents[2]
START = datetime(2021, 4, 5, 12, tzinfo=UTC)
CYCLE = timedelta(seconds=5)
CYCLES = 17_280
"""A day of cycles: every window comes near once."""


def fleet(ents: int) -> list[Resource]:
    """Return the shipped policies with as many ENTs, copied from the shipped ones in turn."""
    shipped = [item.resource for item in load([ROOT / "policies"])]
    models = [resource for resource in shipped if isinstance(resource, RegionalENT)]
    copies = [
        model.model_copy(update={"metadata": model.metadata.model_copy(update={"name": f"{model.metadata.name}-{n}"})})
        for n, model in ((n, models[n % len(models)]) for n in range(ents))
    ]
    return [*(resource for resource in shipped if not isinstance(resource, RegionalENT)), *copies]


def milliseconds(work: Callable[[], object]) -> float:
    """Return what one call costs."""
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1e3


def policies(declared: Declared, generation: int) -> Policies:
    """Return the policies as the store gives them."""
    return replace(NOTHING, declared=declared, generation=generation)


def main() -> None:
    """Print one line per kind of cycle."""
    ents = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    gc.disable()  # as `timeit` does
    resources = fleet(ents)
    declared = declare(resources)
    book, now = SchoolBook(), START
    first = milliseconds(lambda: book.windows(policies(declared, 1), now))
    spent, at_midnight = [], 0.0
    for _ in range(CYCLES):
        now += CYCLE
        cost = milliseconds(partial(book.windows, policies(declared, 1), now))
        if now.hour == now.minute == now.second == 0:
            at_midnight = cost
        else:
            spent.append(cost)
    again = milliseconds(lambda: book.windows(policies(declare(resources), 2), now))
    count = len(book.windows(policies(declared, 2), now))
    print(f"{ents} ENTs, {count} windows near:")
    print(f"  an ordinary cycle    {sum(spent) / len(spent):8.3f} ms, the costliest of a day {max(spent):.1f} ms")
    print(f"  a new date           {at_midnight:8.1f} ms, once a day")
    print(f"  a changed policy     {again:8.1f} ms, declaring included, once per change")
    print(f"  the first cycle      {first:8.1f} ms, once per process")


if __name__ == "__main__":
    main()
