"""How sites are reached: what Secrets hold, and what people are told when they do not."""

from collections.abc import Mapping

import pytest

from controller.kube.errors import NotFound
from controller.kube.resources import ObjectKey
from controller.observe.access import AccessError, read_access, read_all
from controller.observe.policies import decoder
from controller.policy.site import Site
from tests.kube.test_kubeconfig import kubeconfig
from tests.observe.test_policies import a_site

REFERENCE = {"namespace": "sonnerie-system", "name": "site-a", "key": "kubeconfig"}


def declared(**spec: object) -> Site:
    """A valid Site."""
    site = decoder(Site)(a_site(**spec)).declared
    assert isinstance(site, Site)
    return site


class Secrets:
    """Secrets by name."""

    def __init__(self, **contents: bytes) -> None:
        self._contents = contents

    async def read(self, key: ObjectKey) -> Mapping[str, bytes]:
        """Return the Secret `site-a`, or nothing is found."""
        if key != ObjectKey("sonnerie-system", "site-a"):
            raise NotFound("management: GET secrets", "not found", status=404)
        return self._contents


async def test_a_site_without_a_kubeconfig_is_the_management_cluster() -> None:
    """No Secret is read for it."""
    access = await read_access(declared(), Secrets().read)
    assert access.credentials is None


async def test_a_kubeconfig_comes_from_the_secret_it_names() -> None:
    """The key of the Secret is the one the Site names."""
    site = declared(cluster={"kubeconfigSecretRef": REFERENCE})
    access = await read_access(site, Secrets(kubeconfig=kubeconfig()).read)
    assert access.credentials is not None
    assert access.credentials.server == "https://api.example.org"
    assert "planted-secret" not in repr(access)


@pytest.mark.parametrize(
    ("reference", "contents", "message"),
    [
        (REFERENCE | {"name": "other"}, {}, "Secret sonnerie-system/other cannot be read"),
        (REFERENCE, {"config": b"x"}, "has no key kubeconfig; it has config"),
        (REFERENCE, {"kubeconfig": b"planted-secret"}, "not a usable kubeconfig"),
        (REFERENCE, {"kubeconfig": kubeconfig(user="planted-secret")}, "not a usable kubeconfig"),  # type: ignore[arg-type]
    ],
)
async def test_what_is_wrong_is_said_with_the_field(
    reference: dict[str, str], contents: dict[str, bytes], message: str
) -> None:
    """People learn which Site, which field and which Secret, and never what the Secret holds."""
    site = declared(cluster={"kubeconfigSecretRef": reference})
    with pytest.raises(AccessError, match=message) as failed:
        await read_access(site, Secrets(**contents).read)
    assert "Site a: spec.cluster.kubeconfigSecretRef" in str(failed.value)
    assert "planted-secret" not in str(failed.value)


async def test_one_unreachable_site_spoils_no_other() -> None:
    """Each site is read for itself."""
    bad = declared(cluster={"kubeconfigSecretRef": REFERENCE | {"name": "other"}})
    reached, failed = await read_all({"a": declared(), "b": bad}, Secrets().read)  # type: ignore[dict-item]
    assert set(reached) == {"a"}
    assert set(failed) == {"b"}


async def test_a_bug_about_one_site_spoils_no_other() -> None:
    """Whatever is raised is said of its site, by its kind alone."""

    async def read(_key: ObjectKey) -> Mapping[str, bytes]:
        raise AttributeError("planted-secret")

    bad = declared(cluster={"kubeconfigSecretRef": REFERENCE})
    reached, failed = await read_all({"a": declared(), "b": bad}, read)  # type: ignore[dict-item]
    assert set(reached) == {"a"}
    assert [str(error) for error in failed.values()] == ["Site b: how to reach it cannot be read: AttributeError"]


async def test_a_token_that_no_header_can_hold_is_refused() -> None:
    """The libraries would quote it in their errors."""
    prometheus = {"url": "https://p", "bearerTokenSecretRef": REFERENCE | {"key": "token"}, "queries": []}
    site = declared(prometheus=prometheus | {"queries": [{"signal": "requests", "query": "up"}]})
    with pytest.raises(AccessError, match="bearerTokenSecretRef: the Secret's token is not a token") as failed:
        await read_access(site, Secrets(token=b"planted-secret\nmore").read)
    assert "planted-secret" not in str(failed.value)


def a_prometheus(**more: object) -> Site:
    """A Site whose Prometheus is asked with credentials."""
    return declared(prometheus={"url": "https://p", **more})


SECRETS = {
    "password": b"planted-secret\n",
    "ca.crt": b"planted-secret, no certificate",
    "token": b"planted.token",
}


def reference(key: str) -> dict[str, str]:
    """One key of the Secret."""
    return REFERENCE | {"key": key}


async def test_name_password_and_tenant_come_as_declared_and_are_not_shown() -> None:
    """The line end that editors add is no part of a password."""
    site = a_prometheus(
        basicAuth={"username": "me", "passwordSecretRef": reference("password")},
        tenant={"id": "north|south", "header": "THANOS-TENANT"},
    )
    access = await read_access(site, Secrets(**SECRETS).read)
    assert access.metrics is not None
    address = access.metrics.address
    assert address.basic_auth == ("me", "planted-secret")
    assert address.headers == {"THANOS-TENANT": "north|south"}
    assert "planted-secret" not in repr(access)


async def test_a_certificate_that_is_none_is_said_with_its_field() -> None:
    """The site is told, and what the Secret holds is not."""
    site = a_prometheus(tls={"caSecretRef": reference("ca.crt")})
    with pytest.raises(AccessError, match=r"Site a: spec\.prometheus\.tls: the Secret of caSecretRef") as failed:
        await read_access(site, Secrets(**SECRETS).read)
    assert "planted-secret" not in str(failed.value)


async def test_queries_of_ones_own_win_over_those_of_the_preset() -> None:
    """First attempts are counted by the portal alone; the rest by the proxy."""
    own = [{"signal": "firstAttempts", "query": "own"}, {"signal": "errors", "query": "better"}]
    access = await read_access(a_prometheus(preset={"name": "traefik"}, queries=own), Secrets().read)
    assert access.metrics is not None
    queries = {query.signal: query.promql for query in access.metrics.queries}
    assert set(queries) == {"requests", "successes", "errors", "latencySeconds", "firstAttempts"}
    assert (queries["errors"], queries["firstAttempts"]) == ("better", "own")  # type: ignore[index]
