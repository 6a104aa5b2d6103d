"""Where resources live in the API: paths from group, version and plural."""

from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote


class ObjectKey(NamedTuple):
    """Identity of an object of one kind; the namespace is empty for cluster-scoped kinds."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind and its place in the API."""

    api_version: str
    kind: str
    plural: str

    def path(self, key: ObjectKey | None = None, *, namespace: str = "", subresource: str = "") -> str:
        """Return the path of one object, or of the collection in one namespace or in all."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        inside = key.namespace if key else namespace
        parts = [root]
        if inside:
            parts += ["namespaces", quote(inside, safe="")]
        parts.append(self.plural)
        if key:
            parts.append(quote(key.name, safe=""))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


DEPLOYMENTS = Resource("apps/v1", "Deployment", "deployments")
STATEFUL_SETS = Resource("apps/v1", "StatefulSet", "statefulsets")
LEASES = Resource("coordination.k8s.io/v1", "Lease", "leases")
EVENTS = Resource("events.k8s.io/v1", "Event", "events")
PODS = Resource("v1", "Pod", "pods")
SECRETS = Resource("v1", "Secret", "secrets")

HORIZONTAL_POD_AUTOSCALERS = Resource("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
SCALED_OBJECTS = Resource("keda.sh/v1alpha1", "ScaledObject", "scaledobjects")
HTTP_ROUTES = Resource("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
DNS_ENDPOINTS = Resource("externaldns.k8s.io/v1alpha1", "DNSEndpoint", "dnsendpoints")

SCALABLE = {("apps/v1", "Deployment"): DEPLOYMENTS, ("apps/v1", "StatefulSet"): STATEFUL_SETS}
"""Kinds of targets that are watched and scaled."""
