"""How each site is reached: the Site and the Secrets it names, read again and again: rotation needs no restart."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from controller.domain.names import SignalName, SiteName
from controller.kube.errors import ApiError, KubeconfigError
from controller.kube.kubeconfig import Credentials, is_token, read_kubeconfig
from controller.kube.resources import ObjectKey
from controller.observe.metering import SignalQuery
from controller.observe.prometheus_address import PrometheusAddress, TlsError, tls_context
from controller.observe.readings import LabelNames
from controller.policy.presets import Routes, preset_queries
from controller.policy.resource import SecretKeyRef
from controller.policy.site import Prometheus, Site, Tls

SecretReader = Callable[[ObjectKey], Awaitable[Mapping[str, bytes]]]


class AccessError(Exception):
    """A site that cannot be reached as declared, with the field to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsAccess:
    """The site's Prometheus and what to ask it."""

    address: PrometheusAddress
    queries: tuple[SignalQuery, ...]
    labels: LabelNames


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAccess:
    """How one site is reached. `credentials` is None for the management cluster itself."""

    site: SiteName
    credentials: Credentials | None
    metrics: MetricsAccess | None
    public: tuple[str, ...]


async def read_access(site: Site, read_secret: SecretReader) -> SiteAccess:
    """Return how the site is reached now.

    Raises:
        AccessError: a Secret is missing or holds something that is not used.
    """
    name = site.metadata.name
    credentials = None
    if site.spec.cluster is not None:
        reference = site.spec.cluster.kubeconfig_secret_ref
        where = f"Site {name}: spec.cluster.kubeconfigSecretRef"
        content = await _key_of_secret(reference, read_secret, where)
        try:
            credentials = read_kubeconfig(content, where=f"{where} (Secret {reference.namespace}/{reference.name})")
        except KubeconfigError as error:
            raise AccessError(str(error)) from None
    return SiteAccess(
        site=SiteName(name),
        credentials=credentials,
        metrics=await _metrics(site.spec.prometheus, read_secret, name) if site.spec.prometheus else None,
        public=tuple(site.spec.probes.public_addresses) if site.spec.probes else (),
    )


async def _metrics(declared: Prometheus, read_secret: SecretReader, name: str) -> MetricsAccess:
    return MetricsAccess(
        address=await _address(declared, read_secret, f"Site {name}: spec.prometheus"),
        queries=_queries(declared),
        labels=LabelNames(namespace=declared.namespace_label, ent=declared.ent_label),
    )


def _queries(declared: Prometheus) -> tuple[SignalQuery, ...]:
    """Return the preset's queries, and those declared one by one in their place."""
    found: dict[str, str] = {}
    if declared.preset is not None:
        routes = Routes(
            pattern=declared.preset.routes,
            namespace=declared.preset.namespace,
            selector=declared.preset.selector or "",
            namespace_label=declared.namespace_label,
            ent_label=declared.ent_label,
        )
        found |= preset_queries(declared.preset.name, routes)
    found |= {query.signal: query.query for query in declared.queries}
    return tuple(SignalQuery(signal=SignalName(signal), promql=promql) for signal, promql in found.items())


async def _address(declared: Prometheus, read_secret: SecretReader, where: str) -> PrometheusAddress:
    """Return where the Prometheus is, with what it is to be shown."""

    async def secret(reference: SecretKeyRef, field: str) -> str:
        raw = await _key_of_secret(reference, read_secret, f"{where}.{field}")
        return raw.decode("utf-8", "replace")

    token = username = password = None
    if declared.bearer_token_secret_ref is not None:
        token = (await secret(declared.bearer_token_secret_ref, "bearerTokenSecretRef")).strip()
        if not is_token(token):
            key = declared.bearer_token_secret_ref.key
            raise AccessError(f"{where}.bearerTokenSecretRef: the Secret's {key} is not a token")
    if declared.basic_auth is not None:
        username = declared.basic_auth.username
        reference = declared.basic_auth.password_secret_ref
        password = (await secret(reference, "basicAuth.passwordSecretRef")).strip("\r\n")
        if not password.isprintable() or not password:
            raise AccessError(f"{where}.basicAuth.passwordSecretRef: the Secret's {reference.key} is not a password")
    tls = declared.tls or Tls.model_validate({})
    address = PrometheusAddress(
        url=declared.url,
        bearer_token=token,
        username=username,
        password=password,
        ca_pem=await secret(tls.ca_secret_ref, "tls.caSecretRef") if tls.ca_secret_ref else None,
        certificate_pem=await secret(tls.certificate_secret_ref, "tls.certificateSecretRef")
        if tls.certificate_secret_ref
        else None,
        key_pem=await secret(tls.key_secret_ref, "tls.keySecretRef") if tls.key_secret_ref else None,
        tenant=(declared.tenant.header, declared.tenant.id) if declared.tenant else None,
    )
    try:
        tls_context(address)
    except TlsError as error:
        raise AccessError(f"{where}.tls: {error}") from None
    return address


async def _key_of_secret(reference: SecretKeyRef, read_secret: SecretReader, where: str) -> bytes:
    try:
        data = await read_secret(ObjectKey(reference.namespace, reference.name))
    except ApiError as error:
        raise AccessError(f"{where}: Secret {reference.namespace}/{reference.name} cannot be read: {error}") from None
    if reference.key not in data:
        known = ", ".join(sorted(data)) or "none"
        raise AccessError(
            f"{where}: Secret {reference.namespace}/{reference.name} has no key {reference.key}; it has {known}"
        )
    return data[reference.key]


async def read_all(
    sites: Mapping[SiteName, Site], read_secret: SecretReader
) -> tuple[dict[SiteName, SiteAccess], dict[SiteName, AccessError]]:
    """Return how every site is reached, and why some are not."""
    names = sorted(sites)
    results = await asyncio.gather(*(read_access(sites[name], read_secret) for name in names), return_exceptions=True)
    reached: dict[SiteName, SiteAccess] = {}
    failed: dict[SiteName, AccessError] = {}
    for name, result in zip(names, results, strict=True):
        match result:
            case SiteAccess():
                reached[name] = result
            case AccessError():
                failed[name] = result
            case Exception():  # a bug of ours, or something nobody thought of; the text may quote a secret
                failed[name] = AccessError(f"Site {name}: how to reach it cannot be read: {type(result).__name__}")
            case BaseException():
                raise result
    return reached, failed
