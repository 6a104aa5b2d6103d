"""The attack overlay: cheap requests without a session, in waves, as a rate over time."""

import numpy as np
from numpy.typing import NDArray

from controller.sim.demand import SAMPLE_SECONDS
from controller.sim.scenario import Scenario
from controller.sim.streams import stream

_ONE_DAY_SECONDS = 86_400.0


def attack_course(scenario: Scenario, seed: int) -> NDArray[np.float64]:
    """Return the requests per second of the attack, sampled as demand is."""
    start, until = scenario.utc(scenario.start), scenario.utc(scenario.until)
    count = int((until - start).total_seconds() // SAMPLE_SECONDS) + 1
    spec, at = scenario.attack, np.arange(count) * float(SAMPLE_SECONDS)
    rate = np.zeros(count)
    if spec is None:
        return rate
    draws = stream(seed, "attack")
    begins = (scenario.utc(spec.start) - start).total_seconds()
    ends = (scenario.utc(spec.until) - start).total_seconds()
    while begins < ends:
        lasts = min(ends - begins, spec.median_minutes * 60.0 * float(np.exp(draws.normal(0.0, spec.sigma))))
        rising = np.clip((at - begins) / spec.ramp_seconds, 0.0, 1.0)
        rate = np.maximum(rate, np.where((at >= begins) & (at < begins + lasts), rising * spec.per_second, 0.0))
        begins += draws.exponential(_ONE_DAY_SECONDS / spec.waves_per_day)
    return rate
