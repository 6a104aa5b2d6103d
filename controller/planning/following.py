"""Do the errors follow the users? Then the site they were sent away from is not the reason (design §5, stage 7).

A first small step away from a sick site is also a test. If soon after it the destination, which was well, fails in
proportion while the source fails as before, the cause goes with the users: single sign-on, a release, an attack, the
demand itself. More steps would carry it from site to site. So

1. the step is taken back, once, and none follows it: weights go to what they were before;
2. the ENT is labelled `BottleneckElsewhere` with reason `ErrorsFollowUsers`, for as long as the source still fails and
   the move is remembered;
3. a dead site is left all the same, and so is one that people drain.

A latency that is above the SLO counts as failing too; in proportion it is when both are. Missing is not sick: without
fresh readings of both there is no finding.
"""

from dataclasses import dataclass
from datetime import timedelta

from controller.domain.fleet import Ent
from controller.domain.memory import Move, MoveKind
from controller.domain.names import EdgeName, SiteName
from controller.domain.plan import Because
from controller.domain.readings import Fresh
from controller.domain.reasons import Reason
from controller.planning.facts import Facts
from controller.planning.health import ERRORS, LATENCY, LEAST_REQUESTS_PER_SECOND, REQUESTS

SETTLING = timedelta(seconds=20)
"""Before that a rate over a minute still speaks mostly of the time before the step."""
WATCHED_FOR = timedelta(minutes=5)
"""A destination that falls ill later has reasons of its own."""
IN_PROPORTION = 0.5
"""Of the source's ratio of errors: half of it or more at a site that was well is no coincidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A step away from a sick site after which the errors went with the users."""

    because: Because
    before_percent: dict[SiteName, int]
    """What the sites had that the step moved; empty once it has been taken back."""


def followed(facts: Facts, ent: Ent, edge: EdgeName) -> Followed | None:
    """Return the step after which the errors went along; None when there is none, or nobody can say."""
    moves = [move for move in facts.remembered(ent.key).moves if move.edge == edge]
    steps = [move for move in moves if move.kind is MoveKind.FAILOVER]
    for away in sorted((m for m in steps if m.after_percent < m.before_percent), key=lambda m: (m.at, m.site)):
        if not _fails(facts, ent, away.site):
            continue
        if _taken_back(away, moves):
            return Followed(because=_because(away.site, (), taken_back=True), before_percent={})
        went_to = [m for m in steps if m.at == away.at and m.after_percent > m.before_percent]
        sick = tuple(m.site for m in went_to if _suffers(facts, ent, away, m))
        if sick:
            before = {m.site: m.before_percent for m in (away, *went_to)}
            return Followed(because=_because(away.site, sick), before_percent=before)
    return None


def follows_users(facts: Facts, ent: Ent) -> Because | None:
    """Return why the ENT's errors are no site's, by any of its edges."""
    if not any(move.kind is MoveKind.FAILOVER for move in facts.remembered(ent.key).moves):
        return None  # on an ordinary day nothing is looked up
    found = (followed(facts, ent, edge) for edge in sorted(ent.edges))
    return next((each.because for each in found if each is not None), None)


def back_to(found: Followed, before: dict[SiteName, int]) -> dict[SiteName, int]:
    """Return the weights with the step taken back; what moved since keeps its share of the rest."""
    if not found.before_percent:
        return before
    after = {**before, **found.before_percent}
    return after if sum(after.values()) == sum(before.values()) else before


def _taken_back(away: Move, moves: list[Move]) -> bool:
    later = (m for m in moves if m.site == away.site and m.at > away.at and m.kind is MoveKind.BALANCE)
    return any(m.after_percent >= away.before_percent > m.before_percent for m in later)


def _suffers(facts: Facts, ent: Ent, away: Move, to: Move) -> bool:
    """Tell whether a destination that was well when the step was taken fails in proportion since."""
    age = facts.now - to.at
    if not SETTLING <= age <= WATCHED_FOR or _was_ill(facts, to):
        return False
    source, here = (facts.reading(ent.key, site, ERRORS) for site in (away.site, to.site))
    if not _measured(facts, ent, to.site):
        return False
    if isinstance(source, Fresh) and isinstance(here, Fresh) and source.value > ent.slo.error_ratio:
        return here.value > ent.slo.error_ratio and here.value >= IN_PROPORTION * source.value
    return _slow(facts, ent, away.site) and _slow(facts, ent, to.site)


def _was_ill(facts: Facts, to: Move) -> bool:
    memory = facts.site_memory.get(to.site)
    return memory is not None and memory.fell_at is not None and memory.fell_at < to.at


def _fails(facts: Facts, ent: Ent, site: SiteName) -> bool:
    errors = facts.reading(ent.key, site, ERRORS)
    above = isinstance(errors, Fresh) and errors.value > ent.slo.error_ratio
    return _measured(facts, ent, site) and (above or _slow(facts, ent, site))


def _slow(facts: Facts, ent: Ent, site: SiteName) -> bool:
    latency = facts.reading(ent.key, site, LATENCY)
    return isinstance(latency, Fresh) and latency.value > ent.slo.latency_seconds


def _measured(facts: Facts, ent: Ent, site: SiteName) -> bool:
    requests = facts.reading(ent.key, site, REQUESTS)
    return isinstance(requests, Fresh) and requests.value >= LEAST_REQUESTS_PER_SECOND


def _because(source: SiteName, sick: tuple[SiteName, ...], *, taken_back: bool = False) -> Because:
    if taken_back:
        text = f"errors followed the users away from {source}; the step was taken back and none follows"
    else:
        text = (
            f"errors followed the users from {source} to {', '.join(sick)}: no site is the reason, the step goes back"
        )
    return Because(reason=Reason.ERRORS_FOLLOW_USERS, text=text)
