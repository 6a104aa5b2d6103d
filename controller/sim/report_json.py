"""The figures as JSON, for programs: keys are a contract."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from controller.sim.measure import FIGURES
from controller.sim.run import Met, Run, summary, values_of
from controller.sim.scenario import Scenario

SCHEMA_VERSION = 1
NO_OPTIMUM = "the optimum is not known for this scenario"


def document(scenario: Scenario, runs: Sequence[Run], met: Sequence[Met]) -> dict[str, Any]:
    """Return the document of one scenario."""
    controllers = [outcome.controller for outcome in runs[0].outcomes] if runs else []
    return {
        "schema_version": SCHEMA_VERSION,
        "scenario": scenario.name,
        "runs": [
            {"seed": run.seed, "results": [_result(o.controller, asdict(o.figures)) for o in run.outcomes]}
            for run in runs
        ],
        "aggregate": [
            {"controller": name, **{figure: summary(values_of(runs, name, figure)) for figure in FIGURES}}
            for name in controllers
        ],
        "expectations": [_expectation(each) for each in met],
    }


def _result(controller: str, figures: dict[str, Any]) -> dict[str, Any]:
    found = {"controller": controller, **figures}
    if figures["replica_hours_over_optimum"] is None:
        found["why"] = {"replica_hours_over_optimum": NO_OPTIMUM}
    return found


def _expectation(each: Met) -> dict[str, Any]:
    expected = each.expectation
    return {
        "controller": expected.controller,
        "figure": expected.figure,
        "most": expected.most,
        "least": expected.least,
        "found": each.found,
        "met": each.met,
    }
