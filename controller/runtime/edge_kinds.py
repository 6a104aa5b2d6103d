"""Which kinds of edges this process writes: a new kind is a file in `actuate` and a line here."""

from collections.abc import Mapping

from controller.actuate.edge_dns import DnsEdges
from controller.actuate.edge_haproxy import HaproxyEdges
from controller.actuate.edge_http_route import HttpRouteEdges
from controller.actuate.edge_rfc2136 import Rfc2136Edges
from controller.actuate.edges import Edges
from controller.actuate.haproxy_board import AgentBoard
from controller.actuate.rivals import Rivals
from controller.domain.fleet import EdgeKind
from controller.domain.names import SiteName
from controller.kube.apply import read_secret
from controller.kube.client import Cluster
from controller.kube.informer import Surroundings
from controller.kube.resources import ObjectKey
from controller.observe.sites import WatchedSites


def edges_of(
    board: AgentBoard, sites: WatchedSites, management: Cluster, surroundings: Surroundings, rivals: Rivals
) -> Edges:
    """Return the edges of all kinds."""

    def cluster_at(site: SiteName | None) -> Cluster | None:
        return management if site is None else sites.clusters().get(site)

    async def secret(key: ObjectKey) -> Mapping[str, bytes]:
        return await read_secret(management, key)

    now = surroundings.now
    return Edges(
        {
            EdgeKind.HAPROXY_AGENT: HaproxyEdges(board),
            EdgeKind.HTTP_ROUTE: HttpRouteEdges(cluster_at, surroundings, rivals, now),
            EdgeKind.DNS_ENDPOINT: DnsEdges(cluster_at, surroundings, rivals, now),
            EdgeKind.RFC2136: Rfc2136Edges(secret, surroundings, rivals, now),
        }
    )
