"""The decision as data."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.domain.explanation import Explanation
from controller.domain.fleet import Target
from controller.domain.memory import Memory, MoveKind
from controller.domain.names import ActionId, EdgeName, EntKey, SiteName
from controller.domain.reasons import Reason
from controller.domain.timetable import Audience


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """Why, for programs (`reason`) and for people (`text`)."""

    reason: Reason
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetReplicas:
    """Write the replica count through the scale subresource."""

    id: ActionId
    ent: EntKey
    site: SiteName
    target: Target
    was: int
    replicas: int
    because: Because
    after: tuple[ActionId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFloor:
    """Write the lower bound of somebody else's autoscaler."""

    id: ActionId
    ent: EntKey
    site: SiteName
    target: Target
    was: int
    replicas: int
    because: Because
    after: tuple[ActionId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SiteWeight:
    """An integer share of one site."""

    site: SiteName
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWeights:
    """Write the weights of one ENT at one edge, all of them; they sum to 100."""

    id: ActionId
    ent: EntKey
    edge: EdgeName
    was: tuple[SiteWeight, ...]
    weights: tuple[SiteWeight, ...]
    kind: MoveKind
    because: Because
    after: tuple[ActionId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDnsTargets:
    """Write the answer set of one ENT at one DNS edge. Never empty."""

    id: ActionId
    ent: EntKey
    edge: EdgeName
    was: tuple[SiteName, ...]
    targets: tuple[SiteName, ...]
    because: Because
    after: tuple[ActionId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAdmission:
    """Write the concurrency cap of one ENT at one site, held by the edge even when the controller is dead."""

    id: ActionId
    ent: EntKey
    edge: EdgeName
    site: SiteName
    was: int | None
    max_concurrent: int
    because: Because
    after: tuple[ActionId, ...] = ()


Action = SetReplicas | SetFloor | SetWeights | SetDnsTargets | SetAdmission


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """An action planned but not taken, with the reason."""

    action: Action
    because: Because


class ConditionType(StrEnum):
    """Condition types, adjectives or past tense (design §4)."""

    READY = "Ready"
    POLICY_VALID = "PolicyValid"
    METRICS_AVAILABLE = "MetricsAvailable"
    FLOOR_WRITABLE = "FloorWritable"
    PRESCALED = "Prescaled"
    RESERVE_READY = "ReserveReady"
    TRAFFIC_SHIFTED = "TrafficShifted"
    SCALING_LIMITED = "ScalingLimited"
    BOTTLENECK_ELSEWHERE = "BottleneckElsewhere"
    QUORUM_POSSIBLE = "QuorumPossible"
    POLICIES_AGREE = "PoliciesAgree"
    RIVAL_WRITER = "RivalWriter"
    FROZEN = "Frozen"
    PAUSED = "Paused"


class ConditionStatus(StrEnum):
    """Status of a condition, as Kubernetes spells it."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of one object: of an ENT, or of a site."""

    of: EntKey | SiteName
    type: ConditionType
    status: ConditionStatus
    because: Because


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceAdmission:
    """What share of one audience is to be let in, because a schedule or an event keeps it out."""

    audience: Audience
    """Who; `all`: the portal is shut on purpose."""
    admit_permille: int
    """The share to let in; 0 is nobody."""
    source: str
    """Which policy says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What share of an ENT's demand can be carried. Below 1000 permille, weights alone cannot express it."""

    ent: EntKey
    demand_per_second: float
    served_per_second: float
    admit_permille: int
    audiences: tuple[AudienceAdmission, ...] = ()
    """Audiences that a policy keeps out now. Who is not named here is let in like everybody: `admit_permille`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do, what not to do and why, and when to look again."""

    actions: tuple[Action, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    conditions: tuple[Condition, ...] = ()
    admission: tuple[Admission, ...] = ()
    memory: Memory
    next_look_at: datetime
    explanation: Explanation = Explanation()
