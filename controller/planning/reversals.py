"""What counts as a reversal of a weight (invariant 6): one rule, used by routing and by the invariants."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from controller.domain.memory import Move, MoveKind
from controller.domain.names import EdgeName, SiteName

SMALL_PERCENT = 2
"""Changes up to this are not counted (invariant 6)."""


def reversals(moves: Sequence[Move], now: datetime, window: timedelta) -> int:
    """Count how often the weight of one (edge, site) turned round within the window.

    Evacuations are not counted, and the first fail-back after a fall is none.
    """
    turned, direction, returned = 0, 0, False
    for move in sorted(moves, key=lambda m: m.at):
        change = move.after_percent - move.before_percent
        if abs(change) <= SMALL_PERCENT or now - move.at > window:
            continue
        heading = 1 if change > 0 else -1
        free = move.kind is MoveKind.EVACUATION or (move.kind is MoveKind.FAILBACK and not returned)
        if direction and heading != direction and not free:
            turned += 1
        returned = returned or move.kind is MoveKind.FAILBACK
        direction = heading
    return turned


def would_reverse(moves: Sequence[Move], move: Move, window: timedelta) -> bool:
    """Tell whether the move would be one reversal too many within the window."""
    alike = [m for m in moves if m.edge == move.edge and m.site == move.site]
    after = remembered(alike, [move], move.at, window)
    return reversals(after, move.at, window) > max(1, reversals(alike, move.at, window))


def remembered(moves: Sequence[Move], new: Sequence[Move], now: datetime, window: timedelta) -> tuple[Move, ...]:
    """Append moves, join steps of one shift into one, and forget what is older than the window."""
    joined: dict[tuple[EdgeName, SiteName], list[Move]] = {}
    for move in sorted([*moves, *new], key=lambda m: (m.edge, m.site, m.at)):
        track = joined.setdefault((move.edge, move.site), [])
        if track and _continues(track[-1], move):
            track[-1] = _join(track[-1], move)
        else:
            track.append(move)
    return tuple(move for key in sorted(joined) for move in joined[key] if now - move.at <= window)


def _continues(last: Move, move: Move) -> bool:
    """The next step of the same shift, or the same step proposed again because the edge has not followed yet."""
    up_before = last.after_percent >= last.before_percent
    up_now = move.after_percent >= move.before_percent
    again = last.before_percent == move.before_percent and last.after_percent == move.after_percent
    return last.kind is move.kind and (again or (up_before == up_now and last.after_percent == move.before_percent))


def _join(last: Move, move: Move) -> Move:
    return Move(
        edge=move.edge,
        site=move.site,
        before_percent=last.before_percent,
        after_percent=move.after_percent,
        at=move.at,
        kind=move.kind,
    )
