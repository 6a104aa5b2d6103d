"""Admission: what nobody can carry, and a concurrency cap per site that the edge holds by itself.

Weights cannot express that users are too many. The cap stays in force when the controller is dead.
"""

import math

from controller.domain.fleet import EdgeKind
from controller.domain.memory import Verdict
from controller.domain.names import ActionId, EntKey, SiteName
from controller.domain.plan import Admission, AudienceAdmission, Because, SetAdmission
from controller.domain.reasons import Reason
from controller.planning.bottleneck import Ceiling
from controller.planning.demand import Demand
from controller.planning.facts import Facts
from controller.planning.health import Health
from controller.planning.routing import Routed

ALL_PERMILLE = 1000
LEAST_CONCURRENT = 1
"""A cap of zero would mean 'no cap' to HAProxy."""


def admission_of(
    demands: dict[EntKey, Demand], routed: dict[EntKey, Routed], ceilings: dict[EntKey, Ceiling]
) -> tuple[Admission, ...]:
    """Say for each ENT what share of its demand Ready capacity and its shared dependencies can carry.

    Whom a policy keeps out is said beside it: capacity is not the reason, and more of it no remedy.
    """
    found = []
    for key, demand in demands.items():
        wanted, served, bound = demand.now_per_second, routed[key].served_per_second, ceilings[key].carried_per_second
        served = served if bound is None else min(served, bound)
        share = 1.0 if wanted <= 0 else min(1.0, served / wanted)
        permille = math.floor(share * ALL_PERMILLE + 1e-6)
        kept_out = tuple(
            AudienceAdmission(audience=audience, admit_permille=0, source=source)
            for audience, source in demand.kept_out
        )
        found.append(
            Admission(
                ent=key,
                demand_per_second=wanted,
                served_per_second=served,
                admit_permille=permille,
                audiences=kept_out,
            )
        )
    return tuple(found)


def caps_of(facts: Facts, demands: dict[EntKey, Demand], health: dict[SiteName, Health]) -> list[SetAdmission]:
    """Cap what a site is asked to do at once: Ready capacity × the latency promised (Little's law, L = λW)."""
    kinds = {edge.name: edge.kind for edge in facts.world.edges}
    found = []
    for key, demand in demands.items():
        ent = demand.ent
        for edge in sorted(ent.edges):
            if kinds.get(edge) is not EdgeKind.HAPROXY_AGENT:
                continue
            routes = facts.routes.get((key, edge), {})
            for site in [placement.site for placement in facts.placements[key]]:
                was = routes[site].max_concurrent if site in routes else None
                state = facts.seen_freshly(key, site)
                if state is None or site not in health or health[site].gone:
                    continue
                per_second = state.ready * ent.capacity_per_replica
                cap = max(LEAST_CONCURRENT, math.ceil(per_second * ent.slo.latency_seconds))
                lowers = was is None or cap < was
                # A sick site may be sick of its cap: it is raised with Ready capacity, lowered only in health.
                if cap == was or (lowers and health[site].verdict is not Verdict.HEALTHY):
                    continue
                text = f"{state.ready} Ready × {ent.capacity_per_replica:g}/s × {ent.slo.latency_seconds:g} s"
                found.append(
                    SetAdmission(
                        id=ActionId(f"admission:{key}:{edge}:{site}"),
                        ent=key,
                        edge=edge,
                        site=site,
                        was=was,
                        max_concurrent=cap,
                        because=Because(reason=Reason.READY_CAPACITY, text=text),
                    )
                )
    return found
