"""`python -m tests.controlplane.build` prepares everything that tests and demos start; quick when all is there."""

from __future__ import annotations

import json
import os
import sys

from rich.console import Console

from tests.controlplane.compiling import RECORD, BuildRecord, describe
from tests.controlplane.debian import faketime_library, haproxy_command, knot_commands, nft_command, prometheus_binary
from tests.controlplane.errors import PartsMissingError
from tests.controlplane.programs import GIVEN_CLUSTER, binaries, visiting_tools


def main() -> int:
    """Prepares every program, and says where each lies and what its build cost."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    try:
        others = [str(prometheus_binary()), *haproxy_command().argv, *nft_command().argv, *knot_commands()[0].argv]
        others.append(str(faketime_library()))
        if os.environ.get(GIVEN_CLUSTER):
            tools = visiting_tools()
            console.print(f"{GIVEN_CLUSTER} is set: tests run on given clusters, no server is built")
            programs, definitions = [tools.kubectl, tools.kwok], tools.definitions
        else:
            found = binaries()
            programs, definitions = [found.kube_apiserver, found.etcd, found.kwok], found.definitions
    except PartsMissingError as error:
        console.print(str(error), style="red")
        return 1
    for folder in [program.parent for program in programs]:
        record = folder / RECORD
        cost = describe(BuildRecord(**json.loads(record.read_text()))) if record.exists() else "not built here"
        console.print(f"{folder}\n  {cost}")
    others.append(str(definitions))
    for other in others:
        console.print(other)
    return 0


if __name__ == "__main__":
    sys.exit(main())
