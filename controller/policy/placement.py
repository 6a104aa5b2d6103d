"""The part of a `RegionalENT` that says where its portal may run."""

from typing import Annotated, ClassVar

from pydantic import Field

from controller.domain.fleet import DataMode
from controller.policy.model import Model, Rule
from controller.policy.scalars import Duration, Name, Replicas, parse_duration


class Target(Model):
    """The workload that is scaled, in the ENT's namespace."""

    api_version: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^([a-z0-9.-]+/)?v[a-z0-9]+$")] = "apps/v1"
    """API version of the workload."""
    kind: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Z][A-Za-z0-9]*$")] = "Deployment"
    """Kind of the workload; anything with a scale subresource."""
    name: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]
    """Name of the workload."""


class Data(Model):
    """What the placement can do with the ENT's data. Sonnerie never promotes a database."""

    mode: DataMode = DataMode.STATELESS
    """`stateless`, `readOnly` (readers only), or `promoted` (serves when somebody made it writable)."""
    grace: Duration = parse_duration("30m")
    """How long the last fresh word on the data counts after its source is lost."""


class Placement(Model):
    """One ENT at one site."""

    site: Name
    """Name of the Site."""
    target: Target
    """What is scaled there."""
    min: Replicas
    """Fewest replicas, at any time."""
    max: Replicas
    """Most replicas, at any time."""
    home: bool = False
    """Whether traffic belongs here when all is well."""
    data: Data = Data.model_validate({})
    """What it can do with the data."""

    rules: ClassVar = (
        Rule(
            cel="self.min <= self.max",
            holds=lambda placement: placement.min <= placement.max,
            message="min must not be above max",
            field="min",
        ),
        Rule(
            cel="self.max >= 1",
            holds=lambda placement: placement.max >= 1,
            message="max must be at least 1; leave the placement out where nothing may run",
            field="max",
        ),
    )
