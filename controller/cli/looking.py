"""What a preflight reads: policies, statuses and Secrets of the management cluster, and what is used at every site.

Everything is read, or tried as a server-side dry run; nothing is written.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from controller.cli.findings import Finding, failed, ok, warned
from controller.domain.fleet import Ent, Placement, ReplicaOwner
from controller.domain.names import EntKey, SiteName
from controller.domain.world import ReplicaState
from controller.kube.apply import FIELD_MANAGER, read_scale, read_secret
from controller.kube.client import Cluster
from controller.kube.errors import ApiError, KubeconfigError
from controller.kube.resources import SCALABLE, ObjectKey, Resource
from controller.observe.access import AccessError, SiteAccess, read_all
from controller.observe.metrics_source import QueryError
from controller.observe.policies import WATCHED, CustomObject, decoder, resource_of
from controller.observe.prometheus import PrometheusSource
from controller.observe.readings import by_ent
from controller.policy.site import Site
from controller.runtime.clock import SystemClock

QUOTAS = Resource("v1", "ResourceQuota", "resourcequotas")
COUNTED = frozenset({"pods", "count/pods"})
"""What a pod takes one of, whatever else it takes."""
QUERY_SECONDS = 5.0
PROBE_SECONDS = 5.0


class _List(msgspec.Struct):
    items: list[msgspec.Raw]


async def objects(cluster: Cluster) -> list[CustomObject]:
    """Return everything that is declared, as it stands in the cluster.

    Raises:
        ApiError: it cannot be read.
    """
    found: list[CustomObject] = []
    for model in WATCHED:
        decode = decoder(model)
        answer = await cluster.call("GET", resource_of(model).path())
        found += [decode(bytes(item)) for item in msgspec.json.decode(answer, type=_List).items]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """How the sites are reached."""

    reached: Mapping[SiteName, SiteAccess]
    refused: Mapping[SiteName, AccessError]
    clusters: Mapping[SiteName, Cluster]
    unreachable: Mapping[SiteName, str]

    async def close(self, management: Cluster) -> None:
        """End the connections to the other sites."""
        await asyncio.gather(*(each.close() for each in self.clusters.values() if each is not management))


async def reach_sites(management: Cluster, declared: Mapping[SiteName, Site]) -> Sites:
    """Return access to every site, as the controller would have it, and why there is none."""

    async def secret(key: ObjectKey) -> Mapping[str, bytes]:
        return await read_secret(management, key)

    reached, refused = await read_all(declared, secret)
    clusters: dict[SiteName, Cluster] = {}
    unreachable: dict[SiteName, str] = {}
    for name, access in sorted(reached.items()):
        try:
            clusters[name] = (
                management if access.credentials is None else Cluster.connect(access.credentials, name=f"site {name}")
            )
        except KubeconfigError as error:
            unreachable[name] = str(error)
    answers = await asyncio.gather(*(_refusal(cluster) for cluster in clusters.values()))
    unreachable |= {name: why for name, why in zip(clusters, answers, strict=True) if why is not None}
    return Sites(reached=reached, refused=refused, clusters=clusters, unreachable=unreachable)


async def _refusal(cluster: Cluster) -> str | None:
    """Say why the cluster is not reached; None when it answers to these credentials."""
    try:
        await cluster.call("GET", "/apis/apps/v1/deployments?limit=1", deadline_seconds=PROBE_SECONDS)
    except ApiError as error:
        return str(error)
    return None


async def floors(
    ents: tuple[Ent, ...],
    sites: Sites,
    needed: Mapping[tuple[EntKey, SiteName], int],
    writable: Mapping[EntKey, tuple[str, str]],
) -> tuple[list[Finding], list[ReplicaState]]:
    """Try every floor as a dry run, at what the day will need; return also how many replicas there are now.

    `writable` is what the status says of ENTs whose floor belongs to another autoscaler: status and message of the
    condition `FloorWritable`.
    """
    reached = sites.clusters.keys() - sites.unreachable.keys()
    places = [(ent, p) for ent in ents for p in ent.placements if p.site in reached]
    results = await asyncio.gather(
        *(_floor(ent, p, sites.clusters[p.site], needed.get((ent.key, p.site), p.min_replicas)) for ent, p in places)
    )
    found = [finding for findings, _ in results for finding in findings]
    found += [_by_status(ent, writable.get(ent.key)) for ent in ents if ent.owner is not ReplicaOwner.SCALE]
    return found, [state for _, state in results if state is not None]


def _by_status(ent: Ent, condition: tuple[str, str] | None) -> Finding:
    if condition is None:
        return warned("floors", ent.key, "nobody has tried yet", "start the controller: it tries when it sees the ENT")
    status, message = condition
    if status == "True":
        return ok("floors", ent.key, message or "a dry run was accepted")
    return failed("floors", ent.key, message, "see docs/runbooks/SonnerieFloorNotWritable.md")


Floor = tuple[list[Finding], ReplicaState | None]


async def _floor(ent: Ent, placement: Placement, cluster: Cluster, replicas: int) -> Floor:
    subject = f"{ent.key} at {placement.site}"
    target = placement.target
    resource = SCALABLE.get((target.api_version, target.kind))
    if resource is None:
        return [
            failed("floors", subject, f"{target.kind} is not scaled by us", "name a Deployment or StatefulSet")
        ], None
    key = ObjectKey(ent.key.namespace, target.name)
    try:
        scale = await read_scale(cluster, resource, key)
    except ApiError as error:
        return [failed("floors", subject, str(error), f"is there a {target.kind} {key}, and may it be read?")], None
    now = scale.spec.replicas
    state = ReplicaState(ent=ent.key, site=placement.site, wanted=now, ready=now, seen_at=SystemClock().now())
    if ent.owner is not ReplicaOwner.SCALE:
        return [ok("floors", subject, f"{now} replicas now; the floor belongs to another autoscaler")], state
    try:
        await _try_scale(cluster, resource, key, replicas, scale.metadata.resource_version)
    except ApiError as error:
        found = failed("floors", subject, f"{now} → {replicas} is refused: {error}", "the message says who refuses")
    else:
        found = ok("floors", subject, f"{now} → {replicas} would be accepted")
    return [found, *await _namespace_quotas(subject, key.namespace, cluster, replicas - now)], state


async def _try_scale(cluster: Cluster, resource: Resource, key: ObjectKey, replicas: int, version: str) -> None:
    body = {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": key.name, "namespace": key.namespace, "resourceVersion": version},
        "spec": {"replicas": replicas},
    }
    query = {"fieldManager": FIELD_MANAGER, "dryRun": "All"}
    await cluster.call("PUT", resource.path(key, subresource="scale"), query=query, body=body)


async def _namespace_quotas(subject: str, namespace: str, cluster: Cluster, more: int) -> list[Finding]:
    """Say which ResourceQuota leaves no room for so many more pods; nothing where they may not be read."""
    try:
        answer = await cluster.call("GET", QUOTAS.path(namespace=namespace))
    except ApiError:
        return []
    found = []
    for quota in msgspec.json.decode(answer, type=_Quotas).items:
        for name in COUNTED & quota.status.hard.keys():
            room = int(quota.status.hard[name]) - int(quota.status.used.get(name, "0"))
            if more > room:
                text = f"ResourceQuota {quota.metadata.name} has room for {room} more {name}, {more} are needed"
                found.append(failed("quota", subject, text, "raise the quota of the namespace"))
    return found


class _Amounts(msgspec.Struct):
    hard: dict[str, str] = {}
    used: dict[str, str] = {}


class _Name(msgspec.Struct):
    name: str


class _Quota(msgspec.Struct):
    metadata: _Name
    status: _Amounts = msgspec.field(default_factory=_Amounts)


class _Quotas(msgspec.Struct):
    items: list[_Quota]


async def metrics(ents: tuple[Ent, ...], sites: Sites) -> list[Finding]:
    """Ask every Prometheus what the controller would ask; say which demand is not measured."""
    with_metrics = [name for name, access in sorted(sites.reached.items()) if access.metrics is not None]
    todo = "without it nothing is known of demand, and nothing shrinks"
    found = [
        warned("metrics", name, "no Prometheus is declared", todo)
        for name in sorted(sites.reached)
        if name not in with_metrics
    ]
    for each in await asyncio.gather(*(_metrics(ents, sites.reached[name]) for name in with_metrics)):
        found += each
    return found


async def _metrics(ents: tuple[Ent, ...], access: SiteAccess) -> list[Finding]:
    assert access.metrics is not None
    here = [ent for ent in ents if ent.placement(access.site) is not None]
    source = PrometheusSource(access.metrics.address, deadline_seconds=QUERY_SECONDS)
    queries = {query.signal: query.promql for query in access.metrics.queries}
    try:
        answers = await asyncio.gather(*(source.query(promql) for promql in queries.values()), return_exceptions=True)
    finally:
        await source.close()
    found: list[Finding] = []
    measured: dict[str, frozenset[EntKey]] = {}
    for signal, answer in zip(queries, answers, strict=True):
        match answer:
            case QueryError():
                text, todo = f"{signal}: {answer.reason}: {answer}", "try the query there; see spec.prometheus"
                found.append(failed("metrics", access.site, text, todo))
            case BaseException():
                raise answer
            case _:
                measured[signal] = frozenset(by_ent(answer, access.metrics.labels))
    for ent in here:
        wanted = [signal.signal for signal in ent.signals]
        unasked = [signal for signal in wanted if signal not in queries]
        silent = [signal for signal in wanted if signal in measured and ent.key not in measured[signal]]
        subject = f"{ent.key} at {access.site}"
        if unasked:
            text = f"nothing measures {', '.join(unasked)}"
            found.append(failed("metrics", subject, text, "add a query for it to spec.prometheus.queries of the Site"))
        elif silent:
            text = f"no sample for {', '.join(silent)}"
            todo = "compare namespaceLabel and entLabel of the Site with the labels of the query's result"
            found.append(warned("metrics", subject, text, todo))
        elif all(signal in measured for signal in wanted):
            found.append(ok("metrics", subject, f"{', '.join(wanted)} is measured"))
    return found
