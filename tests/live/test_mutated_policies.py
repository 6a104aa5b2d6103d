"""`sonnerie check` and the API server agree: what one takes the other takes, over files spoilt at random."""

import http.client
import json
import os
import re
import urllib.parse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from controller.policy.errors import PolicyError
from controller.policy.kinds import BY_NAME, KINDS
from controller.policy.load import load_text
from tests.controlplane.client import ApiClient
from tests.controlplane.clusters import Cluster
from tests.controlplane.fleet import Fleet
from tests.policy.mutations import Mutated, mutated

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
COUNT = int(os.environ.get("SONNERIE_MUTATIONS", "300"))
"""The night asks for 10,000, which take two minutes."""
MOST_SHOWN = 40
ONLY_HERE = (re.compile("is not an IANA time zone"), re.compile(r"\[.*\] is not (a day|an instant)"))
"""What the API server takes and we refuse: no schema lists the time zones, and where a format is given (`date`) its
validator lets any list pass for a string."""


@pytest.fixture(scope="module")
def site(control_plane: Fleet) -> Cluster:
    """A site with our CRDs."""
    found = control_plane.sites["a"]
    found.kubectl("apply", "--server-side", "--force-conflicts", "--kustomize", str(ROOT / "manifests/crd"))
    names = [f"crd/{kind.plural}.sonnerie.dev" for kind in KINDS]
    found.kubectl("wait", "--for=condition=Established", "--timeout=60s", *names)
    return found


class Server:
    """Asks the API server for a dry run, one connection for all."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        address = urllib.parse.urlsplit(client.server)
        self._connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=30, context=client.tls
        )

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def refusal(self, one: Mutated) -> str | None:
        """Return why the file is refused, as it would be by `kubectl apply`; None when it is taken."""
        kind = BY_NAME[one.kind]
        where = "/namespaces/default" if kind.scope == "Namespaced" else ""
        path = f"/apis/sonnerie.dev/v1alpha1{where}/{kind.plural}?dryRun=All&fieldValidation=Strict"
        headers = {"Content-Type": "application/yaml", "Accept": "application/json"}
        if self._client.token is not None:
            headers["Authorization"] = f"Bearer {self._client.token}"
        self._connection.request("POST", path, one.text.encode("utf-8"), headers)
        answer = self._connection.getresponse()
        body = json.loads(answer.read())
        return None if answer.status == http.client.CREATED else str(body.get("message", body))


@pytest.fixture
def server(site: Cluster) -> Iterator[Server]:
    """The API server."""
    with closing(Server(ApiClient.from_kubeconfig(site.kubeconfig))) as found:
        yield found


def our_refusal(one: Mutated) -> str | None:
    """Return why we refuse the file; None when we take it."""
    try:
        load_text(one.text, "f.yaml")
    except PolicyError as error:
        return str(error)
    return None


def test_check_and_the_api_server_take_the_same_files(server: Server) -> None:
    """An author who was told that all is well is not refused by the cluster, and the other way round."""
    disagreements, taken = [], 0
    for number in range(COUNT):
        one = mutated(number)
        ours, theirs = our_refusal(one), server.refusal(one)
        taken += theirs is None
        if (ours is None) is not (theirs is None) and not any(said.search(ours or "") for said in ONLY_HERE):
            disagreements.append(f"{number} {one.kind}: {one.did}\n  check: {ours}\n  server: {theirs}")
    assert not disagreements, f"{len(disagreements)} disagreements\n" + "\n".join(disagreements[:MOST_SHOWN])
    assert COUNT * 0.05 < taken < COUNT * 0.95, "both answers are tried"
