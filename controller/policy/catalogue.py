"""The resources of a fleet by kind, so that references can be followed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from controller.domain.names import EntKey
from controller.policy.calendar import SchoolCalendar
from controller.policy.convert import ent_key
from controller.policy.ent import RegionalENT
from controller.policy.event import SchoolEvent
from controller.policy.kinds import Resource
from controller.policy.schedule import SchoolSchedule
from controller.policy.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The resources by kind, each sorted by name, whatever order they came in."""

    sites: dict[str, Site]
    ents: dict[EntKey, RegionalENT]
    calendars: dict[str, SchoolCalendar]
    schedules: dict[EntKey, SchoolSchedule]
    events: tuple[SchoolEvent, ...]

    @classmethod
    def of(cls, resources: Iterable[Resource]) -> Self:
        """Return the catalogue of the resources."""
        ordered = sorted(resources, key=lambda resource: (resource.kind, ent_key(resource.metadata)))
        return cls(
            sites={r.metadata.name: r for r in ordered if isinstance(r, Site)},
            ents={ent_key(r.metadata): r for r in ordered if isinstance(r, RegionalENT)},
            calendars={r.metadata.name: r for r in ordered if isinstance(r, SchoolCalendar)},
            schedules={ent_key(r.metadata): r for r in ordered if isinstance(r, SchoolSchedule)},
            events=tuple(r for r in ordered if isinstance(r, SchoolEvent)),
        )

    def calendar_of(self, ent: RegionalENT) -> SchoolCalendar | None:
        """Return the calendar the ENT refers to, if it is there."""
        return self.calendars.get(ent.spec.calendar_ref or "")

    def schedules_of(self, ent: RegionalENT) -> tuple[SchoolSchedule, ...]:
        """Return those of the schedules the ENT refers to that are there, in the order of the references."""
        namespace = ent_key(ent.metadata).namespace
        found = (self.schedules.get(EntKey(namespace, name)) for name in ent.spec.schedule_refs)
        return tuple(schedule for schedule in found if schedule is not None)
