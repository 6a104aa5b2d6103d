"""Parts as the settings want them."""

import secrets
from datetime import timedelta

from controller import __version__
from controller.domain.names import ObserverName, SiteName
from controller.kube.client import Cluster
from controller.kube.kubeconfig import read_kubeconfig
from controller.observe.readings import Freshness
from controller.observe.sites import Pace
from controller.recording.recorder import Recorder
from controller.runtime.peering import Home
from controller.runtime.settings import Settings


def management_cluster(settings: Settings) -> Cluster:
    """Return the management cluster, or with `site` the cluster of the site.

    Raises:
        KubeconfigError: it cannot be reached as told.
    """
    if settings.kubeconfig is None:
        return Cluster.in_cluster(name="management cluster")
    content = settings.kubeconfig.read_bytes()
    return Cluster.connect(read_kubeconfig(content, where=str(settings.kubeconfig)), name="management cluster")


def recorder(settings: Settings) -> Recorder | None:
    """Return what keeps decisions, if they are to be kept."""
    if settings.record is None:
        return None
    return Recorder(settings.record, most_bytes=settings.record_most_megabytes * 1_000_000, by=__version__)


def pace(settings: Settings) -> Pace:
    """Return how metrics are asked for."""
    return Pace(
        query_every_seconds=settings.query_every_seconds,
        query_deadline_seconds=settings.query_deadline_seconds,
        freshness=Freshness(
            max_age=timedelta(seconds=settings.reading_max_age_seconds),
            remembered=timedelta(seconds=settings.reading_remembered_seconds),
            quarantine=timedelta(seconds=settings.quarantine_seconds),
        ),
    )


def home_of(settings: Settings, management: Cluster) -> Home | None:
    """Return where this instance lives; None in the all-sites topology."""
    if not settings.site:
        return None
    return Home(
        site=SiteName(settings.site),
        cluster=management,
        witnesses=tuple(map(ObserverName, settings.witnesses)),
        freshness=pace(settings).freshness,
        instance=f"{settings.identity}_{secrets.token_hex(4)}",
    )
