"""Small scenarios with defaults and overrides, so that a test shows only what matters to it."""

from typing import Any

from controller.sim.acting import Acting
from controller.sim.demand import course_of
from controller.sim.scenario import SCHEMA, Scenario
from controller.sim.streams import stream
from controller.sim.system import System

MORNING = {"from": "2021-03-15T08:30", "until": "2021-03-15T09:30"}
"""An ordinary Monday around the bell of nine."""


def a_scenario(**more: Any) -> Scenario:
    """One portal at two sites on an ordinary morning; keys as in a file."""
    document = {
        "schema": SCHEMA,
        "name": "small",
        "story": "A test.",
        **MORNING,
        "sites": [{"name": "a"}, {"name": "b"}],
        "ents": [{"name": "nord", "sites": ["a", "b"]}],
    }
    return Scenario.model_validate_json(_json(document | more))


def _json(document: dict[str, Any]) -> str:
    import json

    return json.dumps(document)


def a_system(scenario: Scenario | None = None, seed: int = 1) -> System:
    """The system of a scenario, with the demand of the seed."""
    found = scenario or a_scenario()
    return System(found, course_of(found, stream(seed, "sizes")), seed)


def an_acting(system: System) -> Acting:
    """Who writes to the system."""
    return Acting(system)
