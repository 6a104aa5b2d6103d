"""Publishes at a site what its cluster's DNSEndpoints say: `python -m tests.faults.publishing …`.

It stands for ExternalDNS with events turned on: it looks once a second and tells the server what changed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from tests.controlplane.client import ApiClient
from tests.demo.story import NAMESPACE
from tests.faults import dns

LOOK_EVERY_SECONDS = 1.0
PATH = f"/apis/externaldns.k8s.io/v1alpha1/namespaces/{NAMESPACE}/dnsendpoints"


def read_answers(client: ApiClient) -> dict[str, tuple[str, ...]] | None:
    """Return the addresses of every name in our zone; None while the cluster does not answer."""
    try:
        found = client.call("GET", PATH)
    except OSError:
        return None
    if not found.ok:
        return None
    return {
        endpoint["dnsName"].removesuffix(f".{dns.DOMAIN}"): tuple(endpoint.get("targets", ()))
        for item in found.json()["items"]
        for endpoint in item.get("spec", {}).get("endpoints", ())
    }


def main() -> None:
    """Publish until ended. Nothing is ever taken out of the zone because it was not seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--knotc", required=True)
    options = parser.parse_args()
    client = ApiClient.from_kubeconfig(options.kubeconfig)
    published: dict[str, tuple[str, ...]] = {}
    serial = 1
    while True:
        wanted = read_answers(client)
        if wanted and {**published, **wanted} != published:
            serial += 1
            dns.write_zone(options.folder, {**published, **wanted}, serial=serial)
            command = [options.knotc, "-s", str(options.folder / "knot.sock"), "-b", "zone-reload", dns.DOMAIN]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode == 0:
                published |= wanted
            else:
                print(done.stderr or done.stdout, file=sys.stderr)
        time.sleep(LOOK_EVERY_SECONDS)


if __name__ == "__main__":
    main()
