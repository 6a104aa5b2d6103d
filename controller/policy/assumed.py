"""Sites that ENTs name and the given files do not declare: for previews of part of a fleet, never to act."""

from collections.abc import Iterable

from controller.policy.ent import RegionalENT
from controller.policy.kinds import Resource
from controller.policy.resource import API_VERSION
from controller.policy.site import Site


def assumed_sites(resources: Iterable[Resource]) -> tuple[Site, ...]:
    """Return a site without quota, which fails alone, for every name that nobody declared."""
    resources = tuple(resources)
    declared = {r.metadata.name for r in resources if isinstance(r, Site)}
    named = {p.site for r in resources if isinstance(r, RegionalENT) for p in r.spec.placements}
    return tuple(_site(name) for name in sorted(named - declared))


def _site(name: str) -> Site:
    spec = {"provider": "not declared in these files"}
    return Site.model_validate({"apiVersion": API_VERSION, "kind": "Site", "metadata": {"name": name}, "spec": spec})
