"""What runs for the sites follows what is declared."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.names import SiteName
from controller.kube.client import Cluster
from controller.kube.informer import Surroundings
from controller.kube.kubeconfig import Credentials
from controller.observe.access import SiteAccess
from controller.observe.readings import Freshness
from controller.observe.sites import Pace, WatchedSite, WatchedSites
from tests.builders import BELL

A = SiteName("a")
NOBODY = Credentials(server="http://127.0.0.1:1")
ACCESS = SiteAccess(site=A, credentials=NOBODY, metrics=None, public=())


def sites(on_change: list[str]) -> WatchedSites:
    """No sites yet; changes are noted."""
    around = Surroundings(now=lambda: BELL, monotonic=time.perf_counter, random=lambda: 0.0)
    pace = Pace(query_every_seconds=5, query_deadline_seconds=1, freshness=Freshness(max_age=timedelta(seconds=30)))
    return WatchedSites(
        Cluster.connect(NOBODY, name="management"), around, pace, lambda: on_change.append("look elsewhere")
    )


async def test_nobody_looks_at_what_is_about_to_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe through a closed client would say something about us, not about the site."""
    happened: list[str] = []
    close = WatchedSite.close

    async def closing(site: WatchedSite) -> None:
        happened.append("close")
        await close(site)

    monkeypatch.setattr(WatchedSite, "close", closing)
    watched = sites(happened)
    declared = frozenset([A])
    await watched.reconcile({A: ACCESS}, declared)
    moved = replace(ACCESS, credentials=Credentials(server="http://127.0.0.1:2"))
    for accesses, names in (({A: moved}, declared), ({}, frozenset())):
        happened.clear()
        await watched.reconcile(accesses, names)
        assert happened[:2] == ["look elsewhere", "close"]
    await watched._management.close()


async def test_a_site_that_cannot_be_followed_spoils_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with it; the text of the error may quote its credentials."""
    begun = WatchedSites._begun

    def strict(watched: WatchedSites, access: SiteAccess) -> WatchedSite:
        if access.site == A:
            raise ValueError("planted-secret")
        return begun(watched, access)

    monkeypatch.setattr(WatchedSites, "_begun", strict)
    watched = sites([])
    b = SiteName("b")
    await watched.reconcile({A: ACCESS, b: replace(ACCESS, site=b)}, frozenset([A, b]))
    assert set(watched.sites) == {b}
    assert watched.unusable == {A: "the site cannot be followed: ValueError"}
    await watched.close()
    await watched._management.close()
