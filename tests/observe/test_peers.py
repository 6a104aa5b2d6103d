"""Who may speak for whom, and how a peer is reached."""

import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from controller.domain.names import ObserverName, SiteName
from controller.kube.client import Cluster
from controller.kube.informer import Surroundings
from controller.kube.kubeconfig import Credentials
from controller.kube.resources import ObjectKey
from controller.observe.access import SiteAccess
from controller.observe.hearing import Hearing
from controller.observe.peers import WatchedPeers, as_seen_from, decode_report
from controller.observe.readings import Freshness
from controller.policy.site import Site
from controller.wire.report import write_report
from tests.builders import BELL
from tests.observe.test_hearing import Ear
from tests.policy.objects import an_object

NOBODY = Credentials(server="http://127.0.0.1:1")
GRA, SBG = SiteName("gra"), SiteName("sbg")


def an_informed(sequence: int, *, observer: str = "gra", site: str | None = "gra", **shared: Any) -> bytes:
    """A SiteReport as the API server tells it."""
    written = write_report(Ear().report(sequence, 1000.0)) | shared
    spec = {"observer": observer} | ({"site": site} if site else {})
    return json.dumps({"spec": spec, "status": {"sequence": sequence, "shared": written}, "colour": "blue"}).encode()


@pytest.fixture
async def peers() -> AsyncIterator[WatchedPeers]:
    """The peers of sbg: gra, and a witness called paris. Nobody is reached."""
    around = Surroundings(now=lambda: BELL, monotonic=lambda: 0.0, random=random.random)
    home = Cluster.connect(NOBODY, name="home")
    found = WatchedPeers(home, around, Hearing(Freshness(), monotonic=lambda: 0.0), witnesses=[ObserverName("paris")])
    access = SiteAccess(site=GRA, credentials=NOBODY, metrics=None, public=("https://gra.example.org",))
    await found.reconcile({GRA: access}, frozenset({GRA}))
    yield found
    await found.close()
    await home.close()


def lay(peers: WatchedPeers, at: SiteName | None, name: str, body: bytes) -> None:
    """Let a report lie at a site, or at home, as if the watch had told of it."""
    informer = peers._at_home if at is None else peers._peers[at].reports
    assert informer is not None
    informer._objects[ObjectKey("", name)] = decode_report(body)
    peers._hear_witnesses() if at is None else peers._hear_peer(at)


async def test_a_site_is_heard_where_it_stands_and_a_witness_at_home(peers: WatchedPeers) -> None:
    """Both become known once their sequence advances, and somebody is told at once."""
    news: list[str] = []
    peers.on_news = lambda: news.append("!")
    for sequence in (1, 2, 3):
        lay(peers, GRA, "gra", an_informed(sequence))
        lay(peers, None, "paris", an_informed(sequence, observer="paris", site=None))
    assert len(news) == 4
    assert [str(p.report.observer) for p in peers._hearing.told(BELL, {}).peers] == ["gra", "paris"]


async def test_nobody_speaks_for_somebody_else(peers: WatchedPeers) -> None:
    """Not by a name of an object, not by what stands in it, not at another site, and not without being declared."""
    for sequence in (1, 2, 3):
        lay(peers, GRA, "sbg", an_informed(sequence, observer="sbg", site="sbg"))
        lay(peers, GRA, "paris", an_informed(sequence, observer="paris", site=None))
        lay(peers, None, "gra", an_informed(sequence))
        lay(peers, None, "lyon", an_informed(sequence, observer="lyon", site=None))
        lay(peers, GRA, "gra", an_informed(sequence, observer="sbg", site="sbg"))
        lay(peers, None, "paris", an_informed(sequence, observer="paris", site="gra"))
    assert peers._hearing.told(BELL, {}).peers == ()
    assert peers.problems == {
        "gra": "SiteReport gra speaks for sbg at sbg",
        "paris": "SiteReport paris speaks for paris at gra",
    }


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"spec": {"observer": "gra", "site": "gra"}}', "nothing has been reported yet"),
        (b'{"spec": {"observer": "gra"}, "status": {"shared": {"at": 3}}}', "cannot be read"),
        (b'{"spec": 7}', "Expected"),
    ],
)
def test_whatever_is_wrong_with_a_report_stops_no_watch(body: bytes, problem: str) -> None:
    """It is told in words, and the next one is read again."""
    found = decode_report(body)
    assert found.read is None
    assert found.problem is not None
    assert problem in found.problem


async def test_a_peer_without_credentials_is_probed_and_named(peers: WatchedPeers) -> None:
    """Its public address can be looked at all the same; what is missing is said with the field."""
    access = SiteAccess(site=SBG, credentials=None, metrics=None, public=("https://sbg.example.org",))
    await peers.reconcile({SBG: access}, frozenset({GRA, SBG}))
    assert peers.names == {GRA, SBG}
    assert "spec.cluster is missing" in peers.unusable[SBG]
    by_name = {probes.site: probes for probes in peers.probes()}
    assert by_name[SBG].api is None
    assert by_name[SBG].public == ("https://sbg.example.org",)
    await peers.reconcile({}, frozenset({GRA}))
    assert peers.names == {GRA}
    assert peers.unusable == {}


def test_the_same_sites_may_lie_in_every_cluster() -> None:
    """A site reaches itself in its own cluster, and asks nobody else's Prometheus."""
    spec = {
        "provider": "Example",
        "cluster": {"kubeconfigSecretRef": {"namespace": "s", "name": "n", "key": "k"}},
        "prometheus": {"url": "http://prometheus:9090", "queries": [{"signal": "requests", "query": "x"}]},
    }
    both = {SiteName(n): Site.model_validate_json(json.dumps(an_object("Site", spec, name=n))) for n in ("gra", "sbg")}
    seen = as_seen_from(GRA, both)
    assert (seen[GRA].spec.cluster is None, seen[GRA].spec.prometheus is None) == (True, False)
    assert (seen[SBG].spec.cluster is None, seen[SBG].spec.prometheus is None) == (False, True)
