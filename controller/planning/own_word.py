"""When a site says of itself that it should not be sent users (design §6: a site may always declare itself sick).

Its word is believed at once and downwards only, so it must be sure:

1. none of the pods that it wants is Ready any more, of any ENT placed there, on a fresh sight of its own workloads; a
   fleet that is only just starting says nothing of the kind;
2. or its public address, which has answered it before, fails in its own eyes for `HOLD_ROUNDS` rounds while its
   references answer: it cannot vote itself dead, but nobody is nearer. A site whose network never lets it reach its own
   public address says nothing of the kind.

What its users meet, errors and latency, is in its readings, which every peer judges for itself.
"""

from dataclasses import dataclass
from datetime import datetime

from controller.domain.names import SiteName
from controller.domain.plan import Because
from controller.domain.readings import Answered, ProbePath
from controller.domain.reasons import Reason
from controller.domain.world import EvidenceRound, World
from controller.planning.facts import REPLICAS_FRESH
from controller.planning.votes import HOLD_ROUNDS, SILENT_AFTER, look_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What this process has seen of its own site at least once."""

    answered: bool = False
    """Its public address has answered."""
    ready: bool = False
    """Some pod was Ready."""

    def seen(self, world: World) -> "Before":
        """Return the same with what is seen now."""
        home = world.self_site
        ready = any(state.ready > 0 for state in world.replicas if state.site == home)
        answers = any(_answered(home, seen) for seen in world.rounds if home is not None and seen.site == home)
        return Before(answered=self.answered or answers, ready=self.ready or ready)


def own_word(world: World, now: datetime, before: Before) -> Because | None:
    """Return why this instance's own site should not be sent users; None when it may be, or nobody can say."""
    home = world.self_site
    if home is None:
        return None
    no_pods = _no_pods(world, home, now) if before.ready else None
    return no_pods or (_unreachable(world, home, now) if before.answered else None)


def _answered(home: SiteName | None, seen: EvidenceRound) -> bool:
    mine = (probe.result for probe in seen.probes if probe.path is ProbePath.PUBLIC and probe.target == home)
    return any(isinstance(result, Answered) for result in mine)


def _no_pods(world: World, home: SiteName, now: datetime) -> Because | None:
    here = [state for state in world.replicas if state.site == home and state.wanted > 0]
    fresh = [state for state in here if now - state.seen_at <= REPLICAS_FRESH]
    if not here or len(fresh) < len(here) or any(state.ready > 0 for state in here):
        return None
    text = f"none of the {sum(state.wanted for state in here)} pods wanted at {home} is Ready any more"
    return Because(reason=Reason.NO_PODS_READY, text=text)


def _unreachable(world: World, home: SiteName, now: datetime) -> Because | None:
    mine = sorted((r for r in world.rounds if r.site == home), key=lambda r: (r.at, r.sequence))[-HOLD_ROUNDS:]
    if len(mine) < HOLD_ROUNDS or now - mine[-1].at > SILENT_AFTER:
        return None
    looks = [look_at(seen) for seen in mine]
    if all(look.trusted and look.public.get(home) is False for look in looks):
        text = f"the public address of {home} failed in {HOLD_ROUNDS} rounds in a row, seen from {home} itself"
        return Because(reason=Reason.PUBLIC_ADDRESS_FAILING, text=text)
    return None
