"""What one observer tells the others: what it saw, what it has, what it plans and from what.

Instants in a report are of its writer's clock. Whoever reads it dates them by when the sequence was seen to advance
(`observe.hearing`); until then nothing in it says anything about now.
"""

from dataclasses import dataclass
from datetime import datetime

from controller.domain.intents import Intent
from controller.domain.names import ObserverName, SiteName
from controller.domain.orders import GivenOrder
from controller.domain.world import EvidenceRound, ReplicaState, Route, SignalReading


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report as it was written."""

    observer: ObserverName
    site: SiteName | None = None
    """Where the observer stands; None: a witness outside all sites."""
    instance: str = ""
    """The process that wrote it: another one begins to count anew."""
    sequence: int = 0
    """Grows with every round of the process."""
    at: datetime
    """The writer's clock."""
    version: str = ""
    """Of Sonnerie."""
    policies: str = ""
    """Digest of everything that was declared there; empty: not known."""
    inputs: str = ""
    """Digest of what its last plan was made of."""
    rounds: tuple[EvidenceRound, ...] = ()
    """Its last rounds, oldest first."""
    readings: tuple[SignalReading, ...] = ()
    """Signals of its own site."""
    replicas: tuple[ReplicaState, ...] = ()
    """Replicas at its own site."""
    routes: tuple[Route, ...] = ()
    """Weights in force at the edges that stand at its site."""
    intents: tuple[Intent, ...] = ()
    """What it would do next at every edge at which it would do something."""
    undecided: tuple[Intent, ...] = ()
    """What it would move but for a reason of its own, such as the time since its last step."""
    orders: tuple[GivenOrder, ...] = ()
    """The newest orders that it knows, its own cluster's and those that others told it."""
    heard: tuple[tuple[ObserverName, str, int], ...] = ()
    """Whom it has heard lately: process and sequence of the last report that it planned with."""
