"""`SiteReport`: what one observer sees of every site, and what the others need of its memory."""

from typing import Annotated, Any, Literal

from pydantic import Field

from controller.domain.readings import ProbePath
from controller.policy.model import Model, PreserveUnknown, StatusModel, unique
from controller.policy.resource import ApiVersion, Conditions, Metadata
from controller.policy.scalars import Count, Instant, Name


class SiteReportSpec(Model):
    """Who reports."""

    observer: Name
    """Name of the instance or witness; it alone writes this object."""
    site: Name | None = None
    """Site the observer belongs to; absent for a witness outside all sites."""


class SeenPath(StatusModel):
    """What one probe saw."""

    path: ProbePath
    """Which way was tried: `api`, `public` or `reference`."""
    result: Literal["Answered", "Refused", "TimedOut", "NotAttempted"]
    """What came back. NotAttempted is no evidence at all."""
    status: Annotated[int, Field(ge=100, le=599)] | None = None
    """HTTP status of an answer."""
    milliseconds: Count | None = None
    """How long it took."""


class SeenSite(StatusModel):
    """What the observer saw of one site."""

    site: Name
    """Name of the Site."""
    verdict: Literal["Healthy", "Degraded", "Down", "Unknown"]
    """What the observer holds of it."""
    paths: Annotated[tuple[SeenPath, ...], Field(max_length=4), unique("path")] = ()
    """What the probes of the last round saw."""


class ReportedEnt(StatusModel):
    """One ENT at the site of the observer, in short; peers plan with `shared`."""

    ent: Annotated[str, Field(min_length=3, max_length=512)]
    """The ENT as `namespace/name`."""
    demand_per_second: Count | None = None
    """What its users ask of this site, in the unit of its first signal; absent: not known now."""
    ready_replicas: Count | None = None
    """Replicas that are Ready here; absent: not known."""
    wanted_replicas: Count | None = None
    """Replicas, or the floor, that are wanted here."""
    ready_capacity_per_second: Count | None = None
    """What the Ready replicas carry within the SLO, in the same unit."""
    weights: Annotated[str, Field(max_length=1024)] = ""
    """Weights in force at the edges that stand here, such as `front: gra 60 rbx 40`."""


class SiteReportStatus(StatusModel):
    """The last round of the observer. Its age is measured since the sequence last advanced, never by its clock."""

    observed_generation: Count | None = None
    """Generation of the spec this status speaks about."""
    conditions: Conditions = ()
    """Aspects of the observer's state."""
    sequence: Count = 0
    """Grows by one with every round."""
    observed_at: Instant | None = None
    """The observer's own clock, for people only."""
    instance: Annotated[str, Field(max_length=512)] = ""
    """The process that writes; another one counts its sequence anew."""
    version: Annotated[str, Field(max_length=64)] = ""
    """Version of Sonnerie."""
    abstains: bool = False
    """The observer does not trust its own eyes: its references do not answer, or there are fewer than three."""
    declares_sick: Annotated[str, Field(max_length=256)] = ""
    """Why the site itself says that it should not be sent users; empty: it does not say so."""
    policies: Annotated[str, Field(max_length=64)] = ""
    """Digest of everything declared at the site; sites that differ here plan from different policies."""
    inputs: Annotated[str, Field(max_length=64)] = ""
    """Digest of what the last plan was made of."""
    references_asked: Annotated[int, Field(ge=0, le=64)] = 0
    """External references asked in the round."""
    references_answering: Annotated[int, Field(ge=0, le=64)] = 0
    """External references that answered; below half the observer abstains."""
    sites: Annotated[tuple[SeenSite, ...], Field(max_length=64), unique("site")] = ()
    """Every site as seen."""
    ents: Annotated[tuple[ReportedEnt, ...], Field(max_length=2048), unique("ent")] = ()
    """Every ENT placed here, in short."""
    shared: Annotated[dict[str, Any], PreserveUnknown()] | None = None
    """What peers plan with: rounds, readings, replicas, weights, intents. Versioned, and read as far as it is
    understood; not for people."""


class SiteReport(Model):
    """What one observer sees of every site: a heartbeat with evidence."""

    api_version: ApiVersion
    """Version of this schema."""
    kind: Literal["SiteReport"]
    """What this object is."""
    metadata: Metadata
    """Kubernetes' own data on the object."""
    spec: SiteReportSpec
    """Who reports."""
    status: SiteReportStatus | None = None
    """What was seen."""
