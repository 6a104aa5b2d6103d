"""How long simulated days take: `python -m tests.bench.simulator [REGIONSxSITES ...] [year]`, CPU seconds of one core.

A day of so many regions at so many sites, each at home at one of them, on an ordinary school day; and a whole school
year of one region.
"""

import sys
import time
from pathlib import Path

from controller.sim.engine import OURS
from controller.sim.run import draw, outcomes_of
from controller.sim.scenario import SCHEMA, Scenario
from controller.sim.scenario_file import load_scenario

FLEETS = ((1, 4), (6, 4), (18, 4))
BAR_SECONDS = {(18, 4): 180.0}
YEAR_BAR_SECONDS = 1200.0
YEAR = Path("policies/scenarios/school-year.yaml")


def a_day(regions: int, sites: int) -> Scenario:
    """An ordinary Monday from midnight to midnight."""
    names = [f"s{i}" for i in range(sites)]
    return Scenario.model_validate(
        {
            "schema": SCHEMA,
            "name": f"day-{regions}x{sites}",
            "story": "A bench.",
            "from": "2021-03-15T00:00",
            "until": "2021-03-16T00:00",
            "sites": tuple({"name": name} for name in names),
            "ents": tuple(
                {"name": f"e{i:02}", "sites": tuple(names[i % sites :] + names[: i % sites])} for i in range(regions)
            ),
            "calmStepSeconds": 15,
        },
    )


def seconds(scenario: Scenario) -> float:
    """CPU seconds of one run of our planner, drawing included."""
    began = time.process_time()
    for _ in outcomes_of(draw(scenario, 1, None), [OURS]):
        pass
    return time.process_time() - began


def main() -> None:
    """Print one line per fleet."""
    asked = [tuple(map(int, a.split("x"))) for a in sys.argv[1:] if a != "year"]
    for regions, sites in asked or ([] if "year" in sys.argv else FLEETS):
        bar = BAR_SECONDS.get((regions, sites))
        promised = f" (bar {bar:g} s)" if bar is not None else ""
        print(f"a day of {regions} regions at {sites} sites: {seconds(a_day(regions, sites)):.1f} s{promised}")
    if "year" in sys.argv:
        print(f"a school year of one region: {seconds(load_scenario(YEAR)):.0f} s (bar {YEAR_BAR_SECONDS:g} s)")


if __name__ == "__main__":
    main()
