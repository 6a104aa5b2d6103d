"""`Site`: one provider location running portals, the unit of failure. One cluster, cluster-scoped."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from controller.domain.fleet import DomainKind
from controller.policy.model import Model, PreserveUnknown, Rule, StatusModel, unique
from controller.policy.presets import ENT_GROUP, PresetName
from controller.policy.resource import ApiVersion, Conditions, Metadata, Order, SecretKeyRef
from controller.policy.scalars import Coordinate, Count, Expression, Instant, Name, Replicas, Signal, Text, Url


class Location(Model):
    """Where the site stands."""

    name: Text
    """Town or campus, for people."""
    latitude: Coordinate | None = None
    """Degrees north in quotes, such as "50.98"."""
    longitude: Coordinate | None = None
    """Degrees east in quotes, such as "2.13"."""

    rules: ClassVar = (
        Rule(
            cel="has(self.latitude) == has(self.longitude)",
            holds=lambda location: (location.latitude is None) == (location.longitude is None),
            message="latitude and longitude stand together or not at all",
            field="latitude",
        ),
    )


class FailureDomain(Model):
    """Sites that carry the same name here fail together."""

    name: Name
    """Name shared by the sites that fail together."""
    kind: DomainKind
    """`serving` (campus, power, network) takes the portals down; `control` (API, DNS API) only their management."""


class ClusterAccess(Model):
    """How others reach the API server of the site's cluster."""

    kubeconfig_secret_ref: SecretKeyRef
    """Secret with a kubeconfig. Kubeconfigs with `exec`, `auth-provider` or file paths are refused."""


class PrometheusQuery(Model):
    """One signal, for all ENTs of the site in one query."""

    signal: Signal
    """What the query measures: `requests`, `firstAttempts`, `successes`, `errors` and `loginFailures`
    (ratios), `latencySeconds`, or the name of a demand signal or a dependency."""
    query: Expression
    """PromQL that returns one sample per ENT, each labelled with the ENT's namespace and name."""


RoutePattern = Annotated[str, Field(min_length=1, max_length=256)]
LabelName = Annotated[str, Field(max_length=63, pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")]


class Preset(Model):
    """Ready-made queries for the proxy in front of the portals."""

    name: PresetName
    """`ingress-nginx`, `haproxy`, `envoy-gateway` or `traefik`."""
    routes: RoutePattern | None = None
    """Which part of the route's name is the ENT's: a regular expression (RE2) with a group `(?P<ent>…)`, and where the
    name holds it `(?P<namespace>…)`. Absent: as the proxy's Kubernetes controller calls its routes."""
    namespace: Name | None = None
    """Namespace of all ENTs here, where no label tells it."""
    selector: Expression | None = None
    """More label matchers, such as `cluster="north"`, where one Prometheus holds several sites."""

    rules: ClassVar = (
        Rule(
            cel="!has(self.routes) || self.routes.contains('(?P<ent>')",
            holds=lambda preset: preset.routes is None or ENT_GROUP in preset.routes,
            message="routes must have a group (?P<ent>…), such as (?P<ent>.+)-portal",
            field="routes",
        ),
    )


class BasicAuth(Model):
    """A name and a password."""

    username: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^:\x00-\x1f]+$")]
    """Who asks."""
    password_secret_ref: SecretKeyRef
    """Secret with the password."""


class Tls(Model):
    """How the server is known, and how we are."""

    ca_secret_ref: SecretKeyRef | None = None
    """Secret with the certificates (PEM) that the server's must be signed by; absent: those of public authorities."""
    certificate_secret_ref: SecretKeyRef | None = None
    """Secret with our certificate (PEM), where the server asks for one."""
    key_secret_ref: SecretKeyRef | None = None
    """Secret with its key (PEM)."""

    rules: ClassVar = (
        Rule(
            cel="has(self.certificateSecretRef) == has(self.keySecretRef)",
            holds=lambda tls: (tls.certificate_secret_ref is None) == (tls.key_secret_ref is None),
            message="certificateSecretRef and keySecretRef stand together or not at all",
            field="keySecretRef",
        ),
    )


class Tenant(Model):
    """Whose data is asked for, where one server holds those of several."""

    id: Annotated[str, Field(min_length=1, max_length=150, pattern=r"^[A-Za-z0-9._|!*'()-]+$")]
    """The tenant; of Mimir several, joined by `|`."""
    header: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9-]*$")] = "X-Scope-OrgID"
    """The header that names it: `X-Scope-OrgID` for Mimir, `THANOS-TENANT` for Thanos."""


class Prometheus(Model):
    """The site's own Prometheus and what to ask it."""

    url: Url
    """Base address, to which `/api/v1/query` is added."""
    bearer_token_secret_ref: SecretKeyRef | None = None
    """Secret with a bearer token, where the Prometheus asks for one."""
    basic_auth: BasicAuth | None = None
    """Name and password, where the Prometheus asks for them."""
    tls: Tls | None = None
    """Own certificates, for https."""
    tenant: Tenant | None = None
    """Whose data is asked for, of Mimir or Thanos."""
    namespace_label: LabelName = "namespace"
    """Label of the result that holds the ENT's namespace."""
    ent_label: LabelName = "ent"
    """Label of the result that holds the ENT's name."""
    preset: Preset | None = None
    """Ready-made queries for the proxy in front of the portals."""
    queries: Annotated[tuple[PrometheusQuery, ...], Field(max_length=32), unique("signal")] = ()
    """What to ask, one query per signal; they win over those of the preset."""

    rules: ClassVar = (
        Rule(
            cel="!has(self.bearerTokenSecretRef) || !has(self.basicAuth)",
            holds=lambda declared: declared.bearer_token_secret_ref is None or declared.basic_auth is None,
            message="bearerTokenSecretRef and basicAuth exclude each other",
            field="basicAuth",
        ),
        Rule(
            cel="!has(self.tls) || self.url.startsWith('https://')",
            holds=lambda declared: declared.tls is None or declared.url.startswith("https://"),
            message="tls is for an url that begins with https://",
            field="tls",
        ),
    )


class Probes(Model):
    """How observers see from outside whether the site serves."""

    public_addresses: Annotated[tuple[Url, ...], Field(min_length=1, max_length=8), unique()]
    """Addresses users reach, asked with GET."""
    expect_status: Annotated[int, Field(ge=100, le=599)] = 200
    """HTTP status of a site that serves; any other is an answer, but a sick one."""


class Quota(Model):
    """What the provider lets us have."""

    replicas: Replicas
    """Most replicas of all ENTs together."""


class SiteSpec(Model):
    """What is declared about a site."""

    provider: Text
    """Who hosts it."""
    location: Location | None = None
    """Where it stands."""
    failure_domains: Annotated[tuple[FailureDomain, ...], Field(max_length=16), unique("name")] = ()
    """What it fails together with. Without a `serving` domain the site is one of its own."""
    cluster: ClusterAccess | None = None
    """How to reach its API server; absent: the cluster the controller runs in."""
    prometheus: Prometheus | None = None
    """Where demand and errors are measured; absent: nothing is known, so nothing shrinks."""
    probes: Probes | None = None
    """How to see from outside whether it serves."""
    quota: Quota | None = None
    """Upper bound on replicas; absent: none is known."""
    relative_cost_permille: Annotated[int, Field(ge=0, le=100_000)] = 1000
    """Cost of a replica-hour against the fleet's usual 1000."""
    drain: Order | None = None
    """Move all traffic away until then, and put none there."""


class SiteStatus(StatusModel):
    """What is known about a site."""

    observed_generation: Count | None = None
    """Generation of the spec this status speaks about."""
    conditions: Conditions = ()
    """Aspects of the site's state."""
    verdict: Literal["Healthy", "Degraded", "Down", "Unknown"] | None = None
    """What is held of the site. Unknown is never read as Down."""
    verdict_since: Instant | None = None
    """When the verdict last changed."""
    ready_replicas: Count | None = None
    """Replicas of all ENTs that are Ready here."""
    wanted_replicas: Count | None = None
    """Replicas of all ENTs that are wanted here."""
    summary: Annotated[str, Field(max_length=512)] = ""
    """One sentence: how the site is and why."""
    memory: Annotated[dict[str, Any], PreserveUnknown()] | None = None
    """What later decisions need to remember, written before the action it restrains. Versioned; not for people."""


class Site(Model):
    """One provider location running portals: one Kubernetes cluster, the unit of failure."""

    api_version: ApiVersion
    """Version of this schema."""
    kind: Literal["Site"]
    """What this object is."""
    metadata: Metadata
    """Kubernetes' own data on the object."""
    spec: SiteSpec
    """What is declared."""
    status: SiteStatus | None = None
    """What is known, written by the controller."""
