"""What users got, all morning."""

from __future__ import annotations

from dataclasses import dataclass

from tests.demo import records
from tests.demo.figures.measured import Figure, NotMeasured
from tests.demo.recording import Recording

LOSS_WINDOW_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Requests as the client saw them. A page that did not come, came with an error or too late has failed."""

    total: Figure
    """First attempts."""
    failed: Figure
    """First attempts that failed."""
    failed_outside_site_loss: Figure
    """Attempts of any number whose failure the user saw outside of kill to kill + 15 s."""
    retries: Figure
    """Attempts after the first."""
    retries_failed: Figure
    """Of those, how many failed again."""
    gave_up: Figure
    """Users who did not try again."""


def requests(recording: Recording) -> Requests:
    """Count."""
    attempts = recording.attempts
    if not attempts:
        why = NotMeasured("nobody came")
        return Requests(
            total=why, failed=why, failed_outside_site_loss=why, retries=why, retries_failed=why, gave_up=why
        )
    killed = recording.marked(records.SITE_KILLED)
    first = [attempt for attempt in attempts if attempt.attempt == 1]
    again = [attempt for attempt in attempts if attempt.attempt > 1]
    outside = [
        attempt
        for attempt in attempts
        if attempt.failed and (killed is None or not killed <= attempt.over_at <= killed + LOSS_WINDOW_SECONDS)
    ]
    return Requests(
        total=len(first),
        failed=sum(attempt.failed for attempt in first),
        failed_outside_site_loss=len(outside),
        retries=len(again),
        retries_failed=sum(attempt.failed for attempt in again),
        gave_up=sum(attempt.then == "gave-up" for attempt in attempts),
    )
