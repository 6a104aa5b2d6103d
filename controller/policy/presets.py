"""Queries for the proxies that stand in front of portals: what to ask where nobody has counters of their own.

Each preset gives `requests`, `successes`, `errors` and `latencySeconds`, one sample per ENT, over one minute. What no
proxy can tell is left to queries of one's own, which win over the preset's: first attempts apart from retries, failed
log-ins, the use of something shared.

| preset | counts | what names the ENT, unless `routes` says otherwise |
|---|---|---|
| ingress-nginx | requests of an Ingress, latency at the proxy | the name of the Ingress, in its namespace |
| haproxy | responses of a backend, its own 503 included; average time | backend NAMESPACE_NAME |
| envoy-gateway | responses of a route, Envoy's own 503 included | the name of the HTTPRoute, in its namespace |
| traefik | requests of a service | NAMESPACE-NAME-PORT@kubernetes, for namespaces without a hyphen |

An ENT without requests has no ratio of errors and no latency: those are Missing, not 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

WINDOW = "1m"
"""What a rate is taken over: no longer than a returned Prometheus is in quarantine."""
LATENCY_QUANTILE = "0.95"
ENT_GROUP = "(?P<ent>"
NAMESPACE_GROUP = "(?P<namespace>"


class PresetName(StrEnum):
    """The proxies whose exporters are known."""

    INGRESS_NGINX = "ingress-nginx"
    HAPROXY = "haproxy"
    ENVOY_GATEWAY = "envoy-gateway"
    TRAEFIK = "traefik"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """How one proxy's exporter counts."""

    counter: str
    """Responses, by status."""
    route_label: str
    """Which label names the route."""
    routes: str
    """What of that label is the ENT's name, and its namespace where it is in it (RE2)."""
    good: str
    bad: str
    """Matchers of responses that count as success and as error."""
    buckets: str | None = None
    """The histogram of latency; None where there is only an average."""
    average_seconds: str | None = None
    buckets_per_second: int = 1
    """1000 where the histogram counts in milliseconds."""
    namespace_label: str | None = None
    """Which label holds the namespace when the Prometheus has renamed it, as it does without `honor_labels`."""


EXPORTERS: Mapping[PresetName, Exporter] = {
    PresetName.INGRESS_NGINX: Exporter(
        counter="nginx_ingress_controller_requests",
        route_label="ingress",
        routes="(?P<ent>.+)",
        good='status=~"[23].."',
        bad='status=~"5.."',
        buckets="nginx_ingress_controller_request_duration_seconds_bucket",
        namespace_label="exported_namespace",
    ),
    PresetName.HAPROXY: Exporter(
        counter="haproxy_backend_http_responses_total",
        route_label="proxy",
        routes="(?P<namespace>[^_]+)_(?P<ent>[^_]+).*",
        good='code=~"[23]xx"',
        bad='code="5xx"',
        average_seconds="haproxy_backend_total_time_average_seconds",
    ),
    PresetName.ENVOY_GATEWAY: Exporter(
        counter="envoy_cluster_upstream_rq_xx",
        route_label="envoy_cluster_name",
        routes="httproute/(?P<namespace>[^/]+)/(?P<ent>[^/]+)/rule/.*",
        good='envoy_response_code_class=~"[23]"',
        bad='envoy_response_code_class="5"',
        buckets="envoy_cluster_upstream_rq_time_bucket",
        buckets_per_second=1000,
    ),
    PresetName.TRAEFIK: Exporter(
        counter="traefik_service_requests_total",
        route_label="service",
        routes="(?P<namespace>[^-]+)-(?P<ent>.+)-[^-]+@kubernetes(crd|gateway)?",
        good='code=~"[23].."',
        bad='code=~"5.."',
        buckets="traefik_service_request_duration_seconds_bucket",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """How routes are called where a preset is used; None means as the preset has it."""

    pattern: str | None = None
    namespace: str | None = None
    """Namespace of all ENTs, where no label tells it."""
    selector: str = ""
    """More label matchers, separated by commas."""
    namespace_label: str = "namespace"
    ent_label: str = "ent"
    """Labels of the result."""


def preset_queries(name: PresetName, routes: Routes) -> Mapping[str, str]:
    """Return the preset's query of each signal."""
    exporter = EXPORTERS[name]
    total = _rate(exporter, routes, "")
    errors = _rate(exporter, routes, exporter.bad)
    return {
        "requests": total,
        "successes": _rate(exporter, routes, exporter.good),
        # A status that was never given has no series: it is 0 of whatever there was.
        "errors": f"(({errors}) or ({total}) * 0) / (({total}) > 0)",
        "latencySeconds": _latency(exporter, routes),
    }


def _rate(exporter: Exporter, routes: Routes, matcher: str) -> str:
    series = f"rate({exporter.counter}{_matchers(matcher, routes.selector)}[{WINDOW}])"
    return f"sum by ({_by(routes)}) ({_named(series, exporter, routes)})"


def _latency(exporter: Exporter, routes: Routes) -> str:
    selector = _matchers(routes.selector)
    if exporter.buckets is None:
        return f"max by ({_by(routes)}) ({_named(f'{exporter.average_seconds}{selector}', exporter, routes)})"
    series = _named(f"rate({exporter.buckets}{selector}[{WINDOW}])", exporter, routes)
    quantile = f"histogram_quantile({LATENCY_QUANTILE}, sum by ({_by(routes)}, le) ({series}))"
    return quantile if exporter.buckets_per_second == 1 else f"{quantile} / {exporter.buckets_per_second}"


def _named(series: str, exporter: Exporter, routes: Routes) -> str:
    """Give the series the labels that name its ENT. What no route of an ENT is gets none, and is nobody's."""
    pattern = routes.pattern or exporter.routes
    found = _labelled(series, routes.ent_label, "${ent}", exporter.route_label, pattern)
    if routes.namespace is not None:
        return _labelled(found, routes.namespace_label, routes.namespace, exporter.route_label, pattern)
    if NAMESPACE_GROUP in pattern:
        return _labelled(found, routes.namespace_label, "${namespace}", exporter.route_label, pattern)
    source = exporter.namespace_label
    if routes.namespace_label != "namespace":
        found = _labelled(found, routes.namespace_label, "$1", "namespace", "(.+)")
    return found if source is None else _labelled(found, routes.namespace_label, "$1", source, "(.+)")


def _labelled(series: str, label: str, value: str, source: str, pattern: str) -> str:
    return f"label_replace({series}, {_quoted(label)}, {_quoted(value)}, {_quoted(source)}, {_quoted(pattern)})"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _matchers(*matchers: str) -> str:
    given = ", ".join(matcher for matcher in matchers if matcher)
    return f"{{{given}}}" if given else ""


def _by(routes: Routes) -> str:
    return f"{routes.namespace_label}, {routes.ent_label}"
