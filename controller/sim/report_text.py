"""The figures in a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from controller.sim.run import Met, Run, values_of
from controller.sim.scenario import Scenario

COLUMNS = {
    "overload_seconds": ("overload s", "{:.0f}"),
    "overload_seconds_worst_ent": ("worst ENT", "{:.0f}"),
    "unserved_share": ("unserved", "{:.2%}"),
    "users_turned_away": ("gave up", "{:,.0f}"),
    "replica_hours": ("replica-h", "{:,.0f}"),
    "replica_hours_over_optimum": ("× optimum", "{:.2f}"),
    "shifts": ("shifts", "{:.0f}"),
    "max_destination_utilisation": ("fullest dest.", "{:.0%}"),
    "scale_downs_on_bad_data": ("blind shrinks", "{:.0f}"),
}
"""Figure → heading and form."""


def table(scenario: Scenario, runs: Sequence[Run]) -> Table:
    """Return the table: the mean of all runs."""
    count = len(runs)
    seeds = f"seed {runs[0].seed}" if count == 1 else f"mean of {count} runs"
    found = Table(title=f"{scenario.name}, {seeds}", title_justify="left")
    found.add_column("controller", no_wrap=True)
    for heading, _ in COLUMNS.values():
        found.add_column(heading, justify="right")
    for name in [outcome.controller for outcome in runs[0].outcomes]:
        cells = []
        for figure, (_, form) in COLUMNS.items():
            values = values_of(runs, name, figure)
            cells.append(form.format(sum(values) / len(values)) if values else "–")
        found.add_row(name, *cells)
    return found


def tell(console: Console, scenario: Scenario, runs: Sequence[Run], met: Sequence[Met]) -> None:
    """Print table and expectations."""
    console.print(table(scenario, runs))
    for each in met:
        expected = each.expectation
        bound = f"≤ {expected.most:g}" if expected.most is not None else f"≥ {expected.least:g}"
        word = "not measured" if each.met is None else "met" if each.met else "MISSED"
        value = "" if each.found is None else f", and is {each.found:.4g}"
        console.print(f"  {word:>12}  {expected.controller}: {expected.figure} must be {bound}{value}")
