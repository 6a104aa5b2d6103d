"""Answer sets as the planner knows them: sites that are answered or not, never none of them."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv6Address, ip_address

from controller.actuate.outcome import Refused
from controller.domain.names import SiteName
from controller.domain.plan import SetDnsTargets
from controller.domain.world import Route
from controller.policy.declared import DeclaredEdge
from controller.policy.edge import DnsTarget

WEIGHT_SUM = 100
"""Answers know no weights; shared out evenly they sum to what weights sum to everywhere (ADR 0002)."""


def record_type(target: str) -> str:
    """Return the type of record that answers with the target."""
    try:
        return "AAAA" if isinstance(ip_address(target), IPv6Address) else "A"
    except ValueError:
        return "CNAME"


def by_type(targets: Iterable[str]) -> dict[str, list[str]]:
    """Return the targets by type of record, sorted."""
    found: dict[str, list[str]] = {}
    for target in sorted(targets):
        found.setdefault(record_type(target), []).append(target)
    return dict(sorted(found.items()))


def chosen(declared: Iterable[DnsTarget], sites: Iterable[SiteName]) -> Mapping[SiteName, str]:
    """Return by what these sites are answered, those without a target left out."""
    answered_by = {SiteName(each.site): each.target for each in declared}
    return {site: answered_by[site] for site in sites if site in answered_by}


def as_routes(edge: DeclaredEdge, declared: Sequence[DnsTarget], answers: frozenset[str]) -> tuple[Route, ...]:
    """Return the answers as weights: evenly over the sites that are answered; nothing known where none is."""
    sites = sorted((each.site, each.target in answers) for each in declared)
    number = sum(is_answered for _, is_answered in sites)
    if number == 0:
        return ()
    weights = [WEIGHT_SUM // number + (place < WEIGHT_SUM % number) for place in range(number)]
    return tuple(
        Route(ent=edge.ent, edge=edge.name, site=SiteName(site), weight=weights.pop(0) if is_answered else 0)
        for site, is_answered in sites
    )


def unanswerable(wanted: Mapping[SiteName, str], action: SetDnsTargets) -> Refused | None:
    """Return why this cannot be the answer: a site without target, or nobody at all."""
    without = sorted(site for site in action.targets if site not in wanted)
    if without:
        return Refused(why=f"edge {action.edge} names no target for {', '.join(without)}, which is to be answered")
    if not wanted:
        return Refused(why=f"edge {action.edge}: the answer of {action.ent} would be empty, and somebody must be there")
    return None
