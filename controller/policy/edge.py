"""The part of a `RegionalENT` that says which edges split its traffic and how they are told."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from controller.domain.fleet import EdgeKind
from controller.policy.model import Model, Rule, unique
from controller.policy.resource import SecretKeyRef
from controller.policy.scalars import Duration, Name, parse_duration

ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]

DnsName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^([A-Za-z0-9*_-]+\.)*[A-Za-z0-9_-]+$")]
IP_ADDRESS = r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)$"


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


class DnsAddress(DnsTarget):
    """What the name resolves to for a site, an address."""

    target: Annotated[str, Field(min_length=1, max_length=45, pattern=IP_ADDRESS)]
    """IPv4 or IPv6 address put into the answer."""


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


class Tsig(Model):
    """The key with which updates are signed, as the server knows it."""

    key_name: DnsName
    """Name of the key."""
    algorithm: Literal["hmac-sha256", "hmac-sha384", "hmac-sha512"] = "hmac-sha256"
    """How messages are signed."""
    secret_ref: SecretKeyRef
    """Secret with the shared secret in base64, as `tsig-keygen` and `keymgr` print it."""


class Rfc2136Edge(Model):
    """A name in a zone whose server takes dynamic updates (RFC 2136) signed by TSIG."""

    at_site: Name | None = None
    """Site at which the server stands, whose instance writes it; absent: outside all sites."""
    server: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:-]+$")]
    """Address of the primary server; a host name would need another DNS server to be well."""
    port: Annotated[int, Field(ge=1, le=65535)] = 53
    """Port of the server, TCP."""
    zone: DnsName
    """Zone to be updated."""
    dns_name: DnsName
    """Name that users resolve, within the zone."""
    record_ttl: Duration = parse_duration("30s")
    """How long resolvers may keep an answer."""
    tsig: Tsig
    """Key that signs what we say and what we are told."""
    targets: Annotated[tuple[DnsAddress, ...], Field(min_length=1, max_length=16), unique("site")]
    """One address per site."""

    rules: ClassVar = (
        Rule(
            cel="self.dnsName.endsWith('.' + self.zone)",
            holds=lambda edge: edge.dns_name.endswith("." + edge.zone),
            message="dnsName must lie below zone",
            field="dnsName",
        ),
    )


class Edge(Model):
    """A place that splits the ENT's traffic over sites."""

    name: Name
    """Name of the edge; ENTs behind the same edge use the same name."""
    kind: EdgeKind
    """`HAProxyAgent` (HAProxy asks us by agent-check), `HTTPRoute`, `DNSEndpoint` or `RFC2136`."""
    http_route: HttpRouteEdge | None = None
    """Which route, for kind `HTTPRoute` only."""
    dns_endpoint: DnsEndpointEdge | None = None
    """Which answer set, for kind `DNSEndpoint` only."""
    rfc2136: Rfc2136Edge | None = None
    """Which server and name, for kind `RFC2136` only."""

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
        Rule(
            cel="(self.kind == 'RFC2136') == has(self.rfc2136)",
            holds=lambda edge: (edge.kind is EdgeKind.RFC2136) == (edge.rfc2136 is not None),
            message="kind RFC2136 needs rfc2136, and no other kind may have it",
            field="rfc2136",
        ),
    )
