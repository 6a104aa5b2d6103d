"""The part of a `RegionalENT` that says which edges split its traffic and how they are told."""

from typing import Annotated, ClassVar

from pydantic import Field

from controller.domain.fleet import EdgeKind
from controller.policy.model import Model, Rule, unique
from controller.policy.scalars import Duration, Name, parse_duration

ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]


class HttpRouteBackend(Model):
    """Which backend of the route leads to which site."""

    site: Name
    """Name of the Site."""
    name: ObjectName
    """Name of the backend in the rule's `backendRefs`."""


class HttpRouteEdge(Model):
    """An HTTPRoute of the Gateway API whose backend weights are written."""

    name: ObjectName
    """Name of the HTTPRoute, in the ENT's namespace."""
    at_site: Name | None = None
    """Site whose cluster holds the route; absent: the cluster of this object."""
    rule: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    """Name of the rule in the route; absent: the route has one rule."""
    backends: Annotated[tuple[HttpRouteBackend, ...], Field(min_length=1, max_length=16), unique("site")]
    """One backend per site."""


class DnsTarget(Model):
    """What the name resolves to for a site."""

    site: Name
    """Name of the Site."""
    target: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:-]+$")]
    """Address or host name put into the answer."""


class DnsEndpointEdge(Model):
    """A DNSEndpoint of ExternalDNS whose answer set is written."""

    name: ObjectName
    """Name of the DNSEndpoint, in the ENT's namespace."""
    at_site: Name | None = None
    """Site whose cluster holds the object; absent: the cluster of this object."""
    dns_name: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9*._-]+$")]
    """Name that users resolve."""
    record_ttl: Duration = parse_duration("30s")
    """How long resolvers may keep an answer."""
    targets: Annotated[tuple[DnsTarget, ...], Field(min_length=1, max_length=16), unique("site")]
    """One target per site."""


class Edge(Model):
    """A place that splits the ENT's traffic over sites."""

    name: Name
    """Name of the edge; ENTs behind the same edge use the same name."""
    kind: EdgeKind
    """`HAProxyAgent` (HAProxy asks us by agent-check), `HTTPRoute` or `DNSEndpoint`."""
    http_route: HttpRouteEdge | None = None
    """Which route, for kind `HTTPRoute` only."""
    dns_endpoint: DnsEndpointEdge | None = None
    """Which answer set, for kind `DNSEndpoint` only."""

    rules: ClassVar = (
        Rule(
            cel="(self.kind == 'HTTPRoute') == has(self.httpRoute)",
            holds=lambda edge: (edge.kind is EdgeKind.HTTP_ROUTE) == (edge.http_route is not None),
            message="kind HTTPRoute needs httpRoute, and no other kind may have it",
            field="httpRoute",
        ),
        Rule(
            cel="(self.kind == 'DNSEndpoint') == has(self.dnsEndpoint)",
            holds=lambda edge: (edge.kind is EdgeKind.DNS_ENDPOINT) == (edge.dns_endpoint is not None),
            message="kind DNSEndpoint needs dnsEndpoint, and no other kind may have it",
            field="dnsEndpoint",
        ),
    )
