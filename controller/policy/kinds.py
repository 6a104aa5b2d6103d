"""The kinds of custom resources, with what the API server needs to know of each beyond its schema."""

from dataclasses import dataclass
from typing import Literal

from controller.policy.calendar import SchoolCalendar
from controller.policy.ent import RegionalENT
from controller.policy.event import SchoolEvent
from controller.policy.report import SiteReport
from controller.policy.schedule import SchoolSchedule
from controller.policy.site import Site

Resource = Site | RegionalENT | SchoolCalendar | SchoolSchedule | SchoolEvent | SiteReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of `kubectl get`. Wide columns show with `-o wide` only."""

    name: str
    path: str
    type: Literal["string", "integer", "date", "boolean"] = "string"
    wide: bool = False
    description: str = ""


def _condition(name: str, condition: str, *, wide: bool = False) -> Column:
    return Column(name=name, path=f'.status.conditions[?(@.type=="{condition}")].status', wide=wide)


_AGE = Column(name="Age", path=".metadata.creationTimestamp", type="date")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One custom resource definition."""

    model: type[Resource]
    plural: str
    singular: str
    short_names: tuple[str, ...]
    scope: Literal["Cluster", "Namespaced"]
    columns: tuple[Column, ...]

    @property
    def name(self) -> str:
        """Return the kind as it stands in a manifest."""
        return self.model.__name__


KINDS: tuple[Kind, ...] = (
    Kind(
        model=Site,
        plural="sites",
        singular="site",
        short_names=(),
        scope="Cluster",
        columns=(
            Column(name="Provider", path=".spec.provider"),
            Column(name="Verdict", path=".status.verdict"),
            Column(name="Since", path=".status.verdictSince", type="date"),
            Column(name="Ready", path=".status.readyReplicas", type="integer"),
            Column(name="Wanted", path=".status.wantedReplicas", type="integer"),
            Column(name="Quota", path=".spec.quota.replicas", type="integer"),
            Column(name="Drain until", path=".spec.drain.until"),
            _condition("Quorum", "QuorumPossible", wide=True),
            Column(name="Summary", path=".status.summary", wide=True),
            _AGE,
        ),
    ),
    Kind(
        model=RegionalENT,
        plural="regionalents",
        singular="regionalent",
        short_names=("ent",),
        scope="Namespaced",
        columns=(
            Column(name="Region", path=".spec.region"),
            _condition("Well", "Ready"),
            _condition("Prescaled", "Prescaled"),
            _condition("Reserve", "ReserveReady"),
            Column(name="Ready", path=".status.readyReplicas", type="integer"),
            Column(name="Wanted", path=".status.wantedReplicas", type="integer"),
            Column(name="Serving", path=".status.serving"),
            Column(name="Next bell", path=".status.nextBell"),
            _condition("Metrics", "MetricsAvailable", wide=True),
            _condition("Floor", "FloorWritable", wide=True),
            _condition("Shifted", "TrafficShifted", wide=True),
            _condition("Limited", "ScalingLimited", wide=True),
            _condition("Rival", "RivalWriter", wide=True),
            Column(name="Summary", path=".status.summary", wide=True),
            _AGE,
        ),
    ),
    Kind(
        model=SchoolCalendar,
        plural="schoolcalendars",
        singular="schoolcalendar",
        short_names=("schoolcal",),
        scope="Cluster",
        columns=(
            Column(name="Territory", path=".spec.territory"),
            Column(name="Published", path=".spec.publishedOn"),
            Column(name="Valid until", path=".spec.validUntil"),
            Column(name="Source", path=".spec.source", wide=True),
            _AGE,
        ),
    ),
    Kind(
        model=SchoolSchedule,
        plural="schoolschedules",
        singular="schoolschedule",
        short_names=("bells",),
        scope="Namespaced",
        columns=(_condition("Valid", "PolicyValid"), _AGE),
    ),
    Kind(
        model=SchoolEvent,
        plural="schoolevents",
        singular="schoolevent",
        short_names=(),
        scope="Cluster",
        columns=(
            Column(name="First day", path=".spec.firstDay"),
            Column(name="Last day", path=".spec.lastDay"),
            Column(name="Announced", path=".spec.announcedOn"),
            Column(name="Description", path=".spec.description"),
            Column(name="Freeze until", path=".spec.freeze.until", wide=True),
            _AGE,
        ),
    ),
    Kind(
        model=SiteReport,
        plural="sitereports",
        singular="sitereport",
        short_names=(),
        scope="Cluster",
        columns=(
            Column(name="Observer", path=".spec.observer"),
            Column(name="Sequence", path=".status.sequence", type="integer"),
            Column(name="References", path=".status.referencesAnswering", type="integer"),
            Column(name="Policies", path=".status.policies"),
            Column(name="Version", path=".status.version", wide=True),
            Column(name="Seen", path=".status.observedAt", type="date"),
            _AGE,
        ),
    ),
)

BY_NAME: dict[str, Kind] = {kind.name: kind for kind in KINDS}
