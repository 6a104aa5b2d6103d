"""What every resource has: identity, metadata, conditions, and orders of people with an expiry."""

from typing import Annotated, Literal

from pydantic import Field

from controller.policy.model import Model, StatusModel, unique
from controller.policy.scalars import Count, Instant, Name, Text

GROUP = "sonnerie.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

ApiVersion = Literal["sonnerie.dev/v1alpha1"]


class Metadata(StatusModel):
    """The part of Kubernetes' object metadata that Sonnerie reads."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    """Name of the object."""
    namespace: Annotated[str, Field(max_length=63)] = ""
    """Namespace of the object; empty for cluster-scoped kinds."""
    generation: int = 0
    """Counts the changes of the spec."""
    resource_version: str = ""
    """Identifies what was read."""
    uid: str = ""
    """Identity over time."""
    deletion_timestamp: Instant | None = None
    """Set while the object waits for its finalizers."""
    finalizers: tuple[str, ...] = ()
    """Who still has to clean up."""


class Order(Model):
    """Something a person ordered, with an end: it expires by itself and nobody has to remember it."""

    until: Instant
    """When the order ends by itself."""
    reason: Text
    """Why, for whoever is on call."""
    by: Text
    """Who ordered it."""
    given_at: Instant | None = None
    """When it was ordered: where several clusters have an order about the same thing, the newest holds."""


class Condition(StatusModel):
    """One aspect of the object's state, as Kubernetes tells them."""

    type: Annotated[str, Field(min_length=1, max_length=64)]
    """Which aspect, an adjective or past tense such as `Prescaled`."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Annotated[str, Field(min_length=1, max_length=128)]
    """Why, in one CamelCase word for programs."""
    message: Annotated[str, Field(max_length=1024)] = ""
    """Why, in a sentence for people."""
    observed_generation: Count | None = None
    """Which generation of the spec this speaks about."""
    last_transition_time: Instant
    """When the status last changed."""


Conditions = Annotated[tuple[Condition, ...], Field(max_length=32), unique("type")]
"""Conditions of an object, one per type."""


class SecretKeyRef(Model):
    """One key of a Secret. Its content is never copied into a status, an event or a log."""

    namespace: Name
    """Namespace of the Secret."""
    name: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]
    """Name of the Secret."""
    key: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._-]+$")]
    """Key within the Secret's data."""
