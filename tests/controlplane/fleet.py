"""Which clusters the tests run on, chosen by the environment alone; the tests cannot tell the difference."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.controlplane.clusters import OutsideControlPlane
from tests.controlplane.errors import PartsMissingError
from tests.controlplane.given import given_clusters
from tests.controlplane.kind import kind_clusters
from tests.controlplane.plane import ControlPlane
from tests.controlplane.programs import GIVEN_CLUSTER, binaries, visiting_tools
from tests.controlplane.sites import SiteSpec

WHICH = "SONNERIE_TEST_CLUSTERS"

Fleet = ControlPlane | OutsideControlPlane


def open_fleet(specs: Sequence[SiteSpec], *, run_folder: Path, environment: Mapping[str, str] | None = None) -> Fleet:
    """Gives the sites, each started on demand: the given clusters, kind clusters, or our own processes.

    Nothing is built: a test must not wait for a compiler. What is missing is said with the way to get it.
    """
    environment = os.environ if environment is None else environment
    which = environment.get(WHICH, "")
    if which not in {"", "kind"}:
        message = f"{WHICH} is {which!r}; it can be 'kind', or unset for processes of our own"
        raise PartsMissingError(message)
    if which == "kind":
        tools = visiting_tools(build=False, environment=environment)
        return OutsideControlPlane(kind_clusters(specs, tools=tools, folder=run_folder))
    if paths := environment.get(GIVEN_CLUSTER):
        tools = visiting_tools(build=False, environment=environment)
        return OutsideControlPlane(given_clusters(specs, paths, tools=tools, folder=run_folder))
    programs = binaries(build=False, environment=environment)
    return ControlPlane(specs, run_folder=run_folder, programs=programs, lazily=True)
