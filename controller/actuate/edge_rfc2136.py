"""Edges of kind RFC2136: the answer set of a name, changed at its authoritative server by signed updates.

What stands at the server is what is in force: it is asked every few seconds and after every update. A mark beside the
answers says whose they are; those without our mark are never taken over. An answer is never empty.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from ipaddress import ip_address

from controller.actuate.answers import LOOK_AGAIN_AFTER_CONFLICT, again
from controller.actuate.dns_answers import as_routes, chosen, unanswerable
from controller.actuate.dns_server import (
    Change,
    DnsKeyError,
    DnsMovedOnError,
    DnsRefusedError,
    DnsServer,
    DnsTroubleError,
    Standing,
)
from controller.actuate.dns_watch import DnsWatch
from controller.actuate.edges import EdgeAction
from controller.actuate.outcome import Done, LookAgainAt, Outcome, Refused
from controller.actuate.rivals import Revert, Rivals
from controller.actuate.tsig_keys import KeyTroubleError, SecretReader, TsigKeys
from controller.domain.names import EdgeName, EntKey
from controller.domain.plan import SetDnsTargets
from controller.domain.world import Route
from controller.kube.apply import FIELD_MANAGER
from controller.kube.informer import Surroundings
from controller.policy.declared import DeclaredEdge
from controller.policy.edge import DnsTarget, Rfc2136Edge

Place = tuple[EntKey, EdgeName]


class Rfc2136Edges:
    """All names at DNS servers that somebody declared as edges."""

    def __init__(
        self, read_secret: SecretReader, surroundings: Surroundings, rivals: Rivals, now: Callable[[], datetime]
    ) -> None:
        self._watch = DnsWatch(TsigKeys(read_secret, surroundings.monotonic), surroundings)
        self._rivals = rivals
        self._now = now
        self._declared: dict[Place, DeclaredEdge] = {}
        self._remembered: dict[Place, tuple[Route, ...]] = {}
        self._delivered: dict[Place, frozenset[str]] = {}

    def follow(self, declared: Iterable[DeclaredEdge]) -> None:
        """Ask the servers of these edges."""
        self._declared = {(edge.ent, edge.name): edge for edge in declared}
        self._watch.follow(_spec(edge) for edge in self._declared.values())

    def restore(self, routes: Iterable[Route]) -> None:
        """Take over what was last decided, until the servers have been asked."""
        remembered: dict[Place, tuple[Route, ...]] = {}
        for route in routes:
            place = (route.ent, route.edge)
            remembered[place] = (*remembered.get(place, ()), route)
        self._remembered = remembered

    def routes(self, now: datetime) -> tuple[Route, ...]:
        """Return the answers as weights: evenly over the sites that are answered, nothing for the others."""
        found: list[Route] = []
        for place, edge in self._declared.items():
            standing = self._watch.find(_spec(edge))
            if standing is not None:
                self._remembered[place] = as_routes(edge, _targets(_spec(edge)), standing.addresses)
                self._delivered[place] = standing.addresses
            else:
                self._delivered.pop(place, None)
            found += self._remembered.get(place, ())
        return tuple(found)

    def decided(self) -> tuple[Route, ...]:
        """Return what is answered, as last seen."""
        return tuple(route for place in self._declared for route in self._remembered.get(place, ()))

    def settled(self) -> bool:
        """Tell whether every server has answered, or cannot."""
        return all(self._watch.settled(_spec(edge)) for edge in self._declared.values())

    async def write(self, action: EdgeAction) -> Outcome:
        """Answer with the addresses of these sites from now on."""
        place = (action.ent, action.edge)
        edge = self._declared.get(place)
        if not isinstance(action, SetDnsTargets) or edge is None:
            return Refused(why=f"edge {action.edge} is a DNS answer, which knows sites and neither weights nor caps")
        spec = _spec(edge)
        standing = self._watch.find(spec)
        if standing is None:
            return again(self._now(), f"{spec.dns_name} was never seen: {self._watch.trouble(spec)}")
        if self._delivered.get(place) != standing.addresses:
            return again(self._now(), f"the answers of {spec.dns_name} changed meanwhile")
        sites = chosen(_targets(spec), action.targets)
        refused = unanswerable(sites, action) or _not_ours(edge, standing) or _no_address(edge, sites.values())
        if refused is not None:
            return refused
        wanted = frozenset(sites.values())
        stopped = self._yielded(action, spec, standing, wanted)
        if stopped is not None:
            return stopped
        if standing.addresses == wanted and standing.ttl_seconds == _ttl(spec) and standing.owner is not None:
            return Done()
        return await self._changed(action, edge, standing, wanted)

    async def close(self) -> None:
        """End asking."""
        await self._watch.close()

    async def _changed(
        self, action: SetDnsTargets, edge: DeclaredEdge, standing: Standing, wanted: frozenset[str]
    ) -> Outcome:
        spec = _spec(edge)
        change = Change(
            name=spec.dns_name,
            addresses=tuple(sorted(wanted)),
            ttl_seconds=_ttl(spec),
            owner=_owner(edge),
            known=standing,
        )
        try:
            stands = await DnsServer.of(spec).change(await self._watch.key(spec), change)
        except DnsMovedOnError as error:
            return LookAgainAt(at=self._now() + LOOK_AGAIN_AFTER_CONFLICT, why=str(error))
        except (DnsRefusedError, KeyTroubleError) as error:
            if isinstance(error, DnsKeyError):
                self._watch.doubt_key(spec)
            return Refused(why=f"edge {action.edge}: {error}")
        except DnsTroubleError as error:
            return again(self._now(), str(error))
        self._watch.saw(spec, stands)
        self._rivals.wrote(action.id, wanted)
        return Done()

    def _yielded(
        self, action: SetDnsTargets, spec: Rfc2136Edge, standing: Standing, wanted: frozenset[str]
    ) -> Outcome | None:
        stopped = self._rivals.stopped(action.id, self._now())
        undone = self._rivals.undone(action.id, found=standing.addresses, wanted=wanted)
        if stopped is not None or not isinstance(undone, frozenset) or not standing.addresses:
            return stopped  # a name that somebody removed is answered again
        revert = Revert(
            ent=action.ent,
            what=f"the answers of {spec.dns_name}",
            wrote=" ".join(sorted(undone)),
            found=" ".join(sorted(standing.addresses)),
            manager=f"somebody else who may update zone {spec.zone}",
        )
        self._rivals.reverted(action.id, revert, self._now())
        return self._rivals.stopped(action.id, self._now())


def _spec(edge: DeclaredEdge) -> Rfc2136Edge:
    assert edge.spec.rfc2136 is not None
    return edge.spec.rfc2136


def _ttl(spec: Rfc2136Edge) -> int:
    return int(spec.record_ttl.total_seconds())


def _owner(edge: DeclaredEdge) -> str:
    return f"managed-by={FIELD_MANAGER} edge={edge.ent}/{edge.name}"


def _targets(spec: Rfc2136Edge) -> tuple[DnsTarget, ...]:
    """Return the targets with their addresses as servers write them."""
    return tuple(each.model_copy(update={"target": _canonical(each.target)}) for each in spec.targets)


def _canonical(address: str) -> str:
    try:
        return str(ip_address(address))
    except ValueError:
        return address


def _no_address(edge: DeclaredEdge, targets: Iterable[str]) -> Refused | None:
    for target in sorted(targets):
        try:
            ip_address(target)
        except ValueError:
            return Refused(why=f"edge {edge.name}: {target} is no address; write an IPv4 or IPv6 address")
    return None


def _not_ours(edge: DeclaredEdge, standing: Standing) -> Refused | None:
    """Return why what stands there is somebody else's, if it is."""
    name, mark = _spec(edge).dns_name, f"_sonnerie.{_spec(edge).dns_name} TXT"
    if standing.alias:
        return Refused(why=f"edge {edge.name}: {name} is an alias (CNAME); remove it, and addresses can be answered")
    if standing.owner is None and standing.addresses:
        text = f"edge {edge.name}: {name} answers {', '.join(sorted(standing.addresses))}, which is not ours"
        return Refused(why=f'{text} (no {mark}); remove it, or add {mark} "{_owner(edge)}"')
    if standing.owner not in (None, _owner(edge)):
        return Refused(why=f'edge {edge.name}: {name} is not ours: {mark} says "{standing.owner}"; remove the mark')
    return None
