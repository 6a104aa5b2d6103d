"""The shape of a morning: quiet, then everybody within seconds of the bell, then a lesson."""

from __future__ import annotations

import math

from tests.demo.story import EntStory, Story


def wanted_per_second(story: Story, ent: EntStory, second: float) -> float:
    """Say how many requests per second the users of the ENT want then, retries apart."""
    times, crowd = story.times, story.crowd
    since = second - ent.late_seconds
    peak = ent.peak_per_second * crowd.share_of_declared_peak
    rise = 1.0 / (1.0 + math.exp(-(since - times.bell + times.steepest_before_bell) / times.steepness))
    fallen_for = max(0.0, since - times.bell - times.fall_after_bell)
    stays = crowd.rest_share + (1.0 - crowd.rest_share) * math.exp(-fallen_for / times.fall)
    return peak * (crowd.quiet_share + (stays - crowd.quiet_share) * rise)


def most_per_second(story: Story, ent: EntStory) -> float:
    """Return a bound of `wanted_per_second` at any time."""
    return ent.peak_per_second * story.crowd.share_of_declared_peak
