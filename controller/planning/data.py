"""May a placement serve, as far as its data goes? (design §5, Data). Sonnerie never promotes a database."""

from datetime import datetime

from controller.domain.fleet import DataMode, Ent, Placement
from controller.domain.names import SignalName, SiteName
from controller.domain.readings import Fresh
from controller.planning.facts import Facts

DATA_READY = SignalName("dataReady")
"""1 when the replica's data is near enough to serve readers."""
DATA_WRITABLE = SignalName("dataWritable")
"""1 when the database there takes writes."""


def data_can_serve(facts: Facts, ent: Ent, placement: Placement) -> bool:
    """Tell whether the placement's data can serve users now.

    After the loss of the source the last fresh word before it counts for the placement's grace.
    """
    match placement.data_mode:
        case DataMode.STATELESS:
            return True
        case DataMode.READ_ONLY:
            return _ready(facts, ent, placement)
        case DataMode.PROMOTED:
            return _ready(facts, ent, placement) and _writable(facts, ent, placement)


def _serves_now(facts: Facts, ent: Ent, placement: Placement) -> bool:
    """Tell whether users are sent there, or would be if nothing was ever routed: its data is then the source."""
    shares = facts.largest_shares(ent)
    return placement.home and shares.get(placement.site, 0.0 if shares else 1.0) > 0


def _writable(facts: Facts, ent: Ent, placement: Placement) -> bool:
    """The source writes unless it says no; anybody else, a home to be failed back to as well, must say yes."""
    if isinstance(facts.reading(ent.key, placement.site, DATA_WRITABLE), Fresh):
        return _says_yes(facts, ent, placement, DATA_WRITABLE)
    return _serves_now(facts, ent, placement)


def _ready(facts: Facts, ent: Ent, placement: Placement) -> bool:
    if isinstance(facts.reading(ent.key, placement.site, DATA_READY), Fresh):
        return _says_yes(facts, ent, placement, DATA_READY)
    if _serves_now(facts, ent, placement):
        return True
    last = dict(facts.remembered(ent.key).data_ready).get(placement.site)
    return last is not None and facts.now - last <= placement.data_grace


def _says_yes(facts: Facts, ent: Ent, placement: Placement, signal: SignalName) -> bool:
    reading = facts.reading(ent.key, placement.site, signal)
    return isinstance(reading, Fresh) and reading.value >= 1.0


def last_data_ready(facts: Facts, ent: Ent) -> tuple[tuple[SiteName, datetime], ...]:
    """Return when each placement's data was last known ready, to be remembered."""
    known = dict(facts.remembered(ent.key).data_ready)
    for placement in ent.placements:
        reading = facts.reading(ent.key, placement.site, DATA_READY)
        if isinstance(reading, Fresh) and reading.value >= 1.0:
            known[placement.site] = reading.at
    return tuple(sorted(known.items()))
