"""What HAProxy is told when it asks, and what it has been told: the weights in force at edges of kind HAProxyAgent.

HAProxy's agent-check sends `NAMESPACE/NAME/SITE` (`agent-send`), with `@EDGE` appended where an ENT has several such
edges, and reads one line:

    up 75%                weight: 75 % of the `weight` in the server line, which therefore must be `weight 100`
    up 75% maxconn:40     and at most 40 concurrent requests

A weight of 0 is `up 0%`, not `drain`: no new requests either way, but the server keeps its health state in the
statistics, and the administrative state stays the operators' own. For the same reason `ready` is never said: it would
cancel a `drain` or `maint` that somebody ordered at HAProxy. `maxconn:0` would mean no limit, so the least cap is 1.

What is decided is not in force until every HAProxy has asked: `routes` gives the answer of the one that is furthest
behind, as long as it keeps asking.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controller.domain.names import EdgeName, EntKey, SiteName
from controller.domain.plan import SiteWeight
from controller.domain.world import Route

FORGOTTEN_AFTER = timedelta(seconds=15)
"""An HAProxy that has not asked for so long, seven of its usual intervals, is gone or reloaded."""

LONGEST_QUESTION_BYTES = 512


class UnknownQuestionError(Exception):
    """A question without an answer: misspelt, or about weights that nobody has decided yet."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One server line of HAProxy: (ENT, edge, site)."""

    ent: EntKey
    edge: EdgeName
    site: SiteName


@dataclass(slots=True)
class _Told:
    """What one HAProxy was last told about a slot, and when."""

    route: Route
    at: datetime


@dataclass(slots=True)
class AgentBoard:
    """The decided weights and who has been told."""

    _decided: dict[Slot, Route] = field(default_factory=dict)
    _told: dict[Slot, dict[str, _Told]] = field(default_factory=dict)

    @property
    def decided(self) -> tuple[Route, ...]:
        """All decided weights, sorted."""
        return tuple(self._decided[slot] for slot in sorted(self._decided, key=lambda s: (s.ent, s.edge, s.site)))

    def restore(self, routes: Iterable[Route]) -> None:
        """Take over what a predecessor decided."""
        self._decided = {Slot(route.ent, route.edge, route.site): route for route in routes}

    def keep(self, declared: Collection[tuple[EntKey, EdgeName]]) -> None:
        """Forget what was decided and told about ENTs and edges that are no longer declared."""
        for slots in (self._decided, self._told):
            for slot in [slot for slot in slots if (slot.ent, slot.edge) not in declared]:
                del slots[slot]

    def decide_weights(self, ent: EntKey, edge: EdgeName, weights: Iterable[SiteWeight]) -> None:
        """Say from now on these weights; sites that are not named get no requests."""
        new = {weight.site: weight.weight for weight in weights}
        known = {slot.site for slot in self._decided if (slot.ent, slot.edge) == (ent, edge)}
        for site in known | new.keys():
            slot = Slot(ent, edge, site)
            before = self._decided.get(slot, Route(ent=ent, edge=edge, site=site, weight=0))
            self._decided[slot] = replace(before, weight=new.get(site, 0))

    def decide_cap(self, ent: EntKey, edge: EdgeName, site: SiteName, max_concurrent: int) -> bool:
        """Say from now on this cap; tell whether the slot is known."""
        slot = Slot(ent, edge, site)
        if slot not in self._decided:
            return False
        self._decided[slot] = replace(self._decided[slot], max_concurrent=max_concurrent)
        return True

    def answer(self, question: str, *, asker: str, now: datetime) -> str:
        """Return the line for the question and remember that this asker knows it now.

        Raises:
            UnknownQuestionError: there is no answer.
        """
        slot = self._slot(question)
        route = self._decided[slot]
        self._told.setdefault(slot, {})[asker] = _Told(route, now)
        return agent_line(route)

    def routes(self, now: datetime) -> tuple[Route, ...]:
        """Return the weights in force, sorted: of each slot what the HAProxy furthest behind was told."""
        return tuple(self._in_force(route, now) for route in self.decided)

    def asked_at(self) -> Mapping[Slot, datetime]:
        """Return when each slot was last asked for."""
        return {slot: max(told.at for told in askers.values()) for slot, askers in self._told.items() if askers}

    def _in_force(self, decided: Route, now: datetime) -> Route:
        askers = self._told.get(Slot(decided.ent, decided.edge, decided.site), {})
        for asker in [name for name, told in askers.items() if now - told.at > FORGOTTEN_AFTER and len(askers) > 1]:
            del askers[asker]
        behind = [told for told in askers.values() if told.route != decided]
        return min(behind, key=lambda told: told.at).route if behind else decided

    def _slot(self, question: str) -> Slot:
        path, _, edge = question.strip().partition("@")
        parts = path.split("/")
        if len(parts) != 3 or not all(parts):
            raise UnknownQuestionError(f"{question!r} is not NAMESPACE/NAME/SITE or NAMESPACE/NAME/SITE@EDGE")
        ent, site = EntKey(parts[0], parts[1]), SiteName(parts[2])
        slots = [
            slot for slot in self._decided if slot.ent == ent and slot.site == site and edge in ("", str(slot.edge))
        ]
        if len(slots) != 1:
            why = f"has {len(slots)} edges, append @EDGE" if slots else "has no decided weights yet"
            raise UnknownQuestionError(f"{path} {why}")
        return slots[0]


def agent_line(route: Route) -> str:
    """Return what HAProxy's agent-check reads, without the end of line."""
    cap = "" if route.max_concurrent is None else f" maxconn:{max(1, route.max_concurrent)}"
    return f"up {route.weight}%{cap}"
