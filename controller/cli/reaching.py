"""How commands reach the management cluster and the running controller: with what the person at the keyboard has.

Unlike the kubeconfigs of Sites, a person's own may run programs and read files: it is trusted as kubectl trusts it.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from controller.cli.ending import EXIT_UNAVAILABLE, stop

if TYPE_CHECKING:
    from controller.kube.client import Cluster

T = TypeVar("T")

PORT_NAME = "http"
SERVICE = "sonnerie"
LARGEST_ANSWER_SECONDS = 20.0
"""A plan of ten thousand ENTs through the API server's proxy."""

KubeconfigOption = Annotated[
    Path | None, typer.Option(help="Kubeconfig of the management cluster [$KUBECONFIG, ~/.kube/config, or in a pod].")
]
ContextOption = Annotated[str | None, typer.Option(help="Context of the kubeconfig [its current one].")]
NamespaceOption = Annotated[str, typer.Option(help="Namespace of the controller and its Lease.")]
ControllerOption = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Ask the controller there, such as http://127.0.0.1:8080, not through a cluster."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where the management cluster is, and where in it the controller runs."""

    kubeconfig: Path | None
    context: str | None
    namespace: str


def reaching(reach: Reach, work: "Callable[[Cluster], Awaitable[T]]") -> T:
    """Do the work with access to the management cluster; end the command with a sentence if there is none."""
    from controller.kube.errors import ApiError, KubeconfigError

    async def inside() -> T:
        async with connected(reach) as cluster:
            return await work(cluster)

    try:
        return asyncio.run(inside())
    except (ApiError, KubeconfigError, OSError) as error:
        stop(str(error), EXIT_UNAVAILABLE)


@asynccontextmanager
async def connected(reach: Reach) -> "AsyncIterator[Cluster]":
    """Give access as kubectl would have it.

    Raises:
        KubeconfigError: there is none.
    """
    from kubernetes.aio.client.api_client import ApiClient
    from kubernetes.aio.client.configuration import Configuration
    from kubernetes.aio.config.config_exception import ConfigException
    from kubernetes.aio.config.kube_config import load_kube_config

    from controller.kube.client import Cluster
    from controller.kube.errors import KubeconfigError

    configuration = Configuration(retries=None)
    where, exists = _kubeconfig(reach.kubeconfig)
    if exists:
        load: Any = load_kube_config  # the library has no types
        given = {"config_file": where, "context": reach.context, "persist_config": False}
        try:
            await load(client_configuration=configuration, **given)
            cluster = Cluster(ApiClient(configuration), name="management cluster")
        except (ConfigException, OSError, TypeError) as error:
            raise KubeconfigError(f"{where}: {error}") from None
    elif reach.kubeconfig is not None or reach.context is not None:
        raise KubeconfigError(f"{where}: no such file")
    else:
        cluster = Cluster.in_cluster(name="management cluster")
    try:
        yield cluster
    finally:
        await cluster.close()


def _kubeconfig(given: Path | None) -> tuple[str, bool]:
    """Return where the kubeconfig is, or the several that kubectl would join, and whether any of them exists."""
    where = str(given) if given else os.environ.get("KUBECONFIG") or "~/.kube/config"
    return where, any(Path(path).expanduser().exists() for path in where.split(os.pathsep))


async def last_plan(cluster: "Cluster", namespace: str) -> bytes:
    """Return the last plan of the controller that leads, through the API server; of any replica if nobody leads.

    Raises:
        ApiError: neither answers.
    """
    from controller.kube.errors import ApiError

    core = f"/api/v1/namespaces/{namespace}"
    service = f"{core}/services/http:{SERVICE}:{PORT_NAME}/proxy/plan"
    try:
        pod = await leading_pod(cluster, namespace)
        return await cluster.call(
            "GET", f"{core}/pods/http:{pod}:8080/proxy/plan", deadline_seconds=LARGEST_ANSWER_SECONDS
        )
    except ApiError:
        return await cluster.call("GET", service, deadline_seconds=LARGEST_ANSWER_SECONDS)


async def leading_pod(cluster: "Cluster", namespace: str) -> str:
    """Return the name of the pod that holds the Lease, whose identity is that name and a random suffix."""
    holder = (await lease(cluster, namespace)).holder
    return holder.rpartition("_")[0] or holder


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseSeen:
    """Who leads, and when that was last renewed, on the holder's own clock."""

    holder: str
    renewed_at: str | None


async def lease(cluster: "Cluster", namespace: str) -> LeaseSeen:
    """Return the Lease as it stands.

    Raises:
        ApiError: it cannot be read, or is not there.
    """
    import msgspec

    from controller.kube.resources import LEASES, ObjectKey
    from controller.runtime.settings import Settings

    answer = await cluster.call("GET", LEASES.path(ObjectKey(namespace, Settings().lease_name)))
    spec = msgspec.json.decode(answer, type=dict).get("spec") or {}
    return LeaseSeen(holder=str(spec.get("holderIdentity") or ""), renewed_at=spec.get("renewTime"))


def plan_at(url: str) -> bytes:
    """Return the last plan of the controller that listens there; end the command with a sentence if it does not."""
    import urllib.error
    import urllib.request

    if not url.startswith(("http://", "https://")):
        stop(f"--controller {url}: write an address such as http://127.0.0.1:8080", EXIT_UNAVAILABLE)
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/plan", timeout=LARGEST_ANSWER_SECONDS) as answer:  # noqa: S310 - http and https alone, as checked
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as error:
        with error:
            stop(f"{url}: {error.read(200).decode('utf-8', 'replace').strip() or error}", EXIT_UNAVAILABLE)
    except OSError as error:
        stop(f"{url}: {getattr(error, 'reason', error)}", EXIT_UNAVAILABLE)
