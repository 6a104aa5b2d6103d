"""Delays between attempts: decorrelated jitter, so that a returning server is not met by everybody at once."""

from collections.abc import Callable, Iterator

SHORTEST_SECONDS = 0.2
LONGEST_SECONDS = 5.0
"""A returned site is seen again within this; one request per informer in five seconds costs nobody anything."""


def decorrelated(
    random: Callable[[], float],
    *,
    shortest_seconds: float = SHORTEST_SECONDS,
    longest_seconds: float = LONGEST_SECONDS,
) -> Iterator[float]:
    """Yield delays: each uniform between the shortest and three times the one before, never above the longest.

    `random` gives numbers in [0, 1).
    """
    delay = shortest_seconds
    while True:
        delay = min(longest_seconds, shortest_seconds + random() * (delay * 3 - shortest_seconds))
        yield delay
