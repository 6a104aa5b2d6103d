"""What this instance itself does not reach or hear just now, where every site has an instance of its own.

Votes say whether a site is lost to the world and take their time (`controller.planning.votes`). Whoever sends users
somewhere needs less: that the way from here to there is open in its own newest round. Two sites that die at once are
told apart from one by this alone, as long as the last word of each still speaks well of the other.

And whoever gives capacity back must know who counts on it. An edge whose instance is silent may have sent everybody
here since it was last heard.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from controller.domain.fleet import Site
from controller.domain.names import EdgeName, SiteName
from controller.domain.world import World
from controller.planning.health import Health
from controller.planning.votes import CLOCK_LEAD, SILENT_AFTER, look_at


def unreached(world: World, sites: Iterable[Site], now: datetime) -> frozenset[SiteName]:
    """Return the sites whose public address (where there is none, API server) does not answer this instance now.

    Its own site is never among them, and nothing is where one instance serves all: it stands beside no edge.
    """
    home = world.self_site
    mine = [seen for seen in world.rounds if seen.site == home and -CLOCK_LEAD <= now - seen.at <= SILENT_AFTER]
    if home is None or not mine:
        return frozenset()
    look = look_at(max(mine, key=lambda seen: (seen.at, seen.sequence)))
    paths = {site.name: look.public if site.has_public_address else look.api for site in sites}
    return frozenset(name for name, answers in paths.items() if name != home and answers.get(name) is False)


def unheard_edges(world: World, health: Mapping[SiteName, Health], now: datetime) -> frozenset[EdgeName]:
    """Return the edges whose weights may be other than they were last told: the instance there is silent, and not dead.

    An edge falls with its site, so one at a Down site sends nobody anywhere.
    """
    if world.self_site is None:
        return frozenset()
    heard = {seen.site for seen in world.rounds if -CLOCK_LEAD <= now - seen.at <= SILENT_AFTER} | {world.self_site}
    standing = ((edge.name, edge.site) for edge in world.edges if edge.site is not None and edge.site not in heard)
    return frozenset(name for name, site in standing if site not in health or not health[site].gone)
