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
    references_asked: Annotated[int, Field(ge=0, le=64)] = 0
    """External references asked in the round."""
    references_answering: Annotated[int, Field(ge=0, le=64)] = 0
    """External references that answered; below half the observer abstains."""
    sites: Annotated[tuple[SeenSite, ...], Field(max_length=64), unique("site")] = ()
    """Every site as seen."""
    memory: Annotated[dict[str, Any], PreserveUnknown()] | None = None
    """What the others need of the observer's memory. Versioned; not for people."""


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
