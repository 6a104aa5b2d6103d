"""The clairvoyant optimum of a drawn world, as replica-hours."""

from controller.domain.names import EntKey
from controller.sim.controller import Known
from controller.sim.demand import SAMPLE_SECONDS, Array, Course, key_of
from controller.sim.optimum import optimum
from controller.sim.scenario import Scenario


def demand_of(scenario: Scenario, course: Course) -> dict[EntKey, Array]:
    """Return the open-loop demand of every portal, sample by sample."""
    return {key_of(spec): course.open_loop[row] for row, spec in enumerate(scenario.ents)}


def optimum_hours(scenario: Scenario, course: Course, known: Known) -> float | None:
    """Return the least replica-hours with no overload for who knows the demand; None where there is no demand."""
    if not course.open_loop.any():
        return None
    found = optimum(demand_of(scenario, course), float(SAMPLE_SECONDS), known)
    return found.replica_hours
