"""What goes wrong around the planning cycle, told when it begins, changes and ends: watches, metrics, the Lease."""

from collections.abc import Mapping

from controller.domain.names import SiteName
from controller.kube.errors import ApiError, Forbidden
from controller.observe.sites import WatchedSite
from controller.runtime.journal import Journal


def tell_troubles(
    journal: Journal, sites: Mapping[SiteName, WatchedSite], *, policies: str | None, lease: ApiError | None
) -> None:
    """Log what has changed since the last cycle."""
    for name, site in sorted(sites.items()):
        watch = str(site.trouble) if site.trouble else None
        journal.changed(f"watch {name}", watch, event="cluster cannot be watched", site=name)
        silent, unseen = sorted(site.nodes.silent), site.nodes.trouble
        journal.changed(f"silent {name}", silent or None, event="nodes are silent, their pods do not count", site=name)
        journal.changed(f"nodes {name}", str(unseen) if unseen else None, event="nodes cannot be watched", site=name)
        errors = site.meter.troubles if site.meter else {}
        journal.changed(
            f"metrics {name}",
            {signal: str(error.reason) for signal, error in errors.items()},  # a text may vary while nothing changes
            event="metrics cannot be read",
            site=name,
            why={signal: str(error) for signal, error in errors.items()},
        )
        past = site.history.error if site.history else None
        journal.changed(
            f"past {name}",
            str(past.reason) if past else None,
            event="past metrics cannot be read, no forecast is made of them",
            site=name,
            why=str(past) if past else None,
        )
    journal.changed("watch policies", policies, event="policies cannot be watched")
    journal.changed("lease trouble", str(lease) if lease else None, event="lease cannot be read or written")


def refusals(sites: Mapping[SiteName, WatchedSite]) -> dict[SiteName, str]:
    """Return which sites' clusters refuse the credentials that were declared for them."""
    return {
        name: f"the cluster refuses its credentials: {site.trouble}"
        for name, site in sites.items()
        if isinstance(site.trouble, Forbidden)
    }


def silences(sites: Mapping[SiteName, WatchedSite]) -> dict[SiteName, str]:
    """Return which sites' clusters cannot be watched for other reasons: no fault of what was declared."""
    return {
        name: f"the cluster cannot be watched: {site.trouble}"
        for name, site in sites.items()
        if site.trouble is not None and not isinstance(site.trouble, Forbidden)
    }
