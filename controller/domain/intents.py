"""What a peer would do at the edges, as it has told: a second opinion on moves that are no evacuation."""

from dataclasses import dataclass

from controller.domain.names import EdgeName, EntKey, SiteName
from controller.domain.plan import SiteWeight


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The weights that an instance would give an ENT at an edge, its own or a peer's, if it were alone to decide."""

    ent: EntKey
    edge: EdgeName
    weights: tuple[SiteWeight, ...]
    """All of them; of an answer set, 1 for each site that is answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerPlan:
    """What a peer would do that plans from the same policies as we, and has heard us lately."""

    site: SiteName
    """Where the peer stands: what it thinks of moves away from itself does not count."""
    intents: tuple[Intent, ...] = ()
    """Its next weights; what is not named here it would leave as it is."""
    undecided: tuple[Intent, ...] = ()
    """What it would do but for a reason of its own, such as its last step: no opinion."""
