"""Settings of all tests."""

import os

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "default", deadline=None, max_examples=15, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("nightly", parent=settings.get_profile("default"), max_examples=5000, derandomize=False)
# Every mutant that lives is met by all tests: few examples, the same ones for each. One that is killed is not told more
# simply by another hundred runs: nothing is shrunk.
settings.register_profile(
    "mutation", parent=settings.get_profile("default"), max_examples=6, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
