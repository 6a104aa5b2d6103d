"""Where a bell or window was written: in the schedule itself, in one of its bases, or in an event."""

from collections.abc import Iterable

from controller.domain.names import EntKey
from controller.policy.catalogue import Catalogue
from controller.policy.schedule import Bell, Window


def in_schedule(catalogue: Catalogue, key: EntKey, name: str, attribute: str) -> tuple[str, str]:
    """Return the resource and field that gave the bell or window this attribute; the nearest that names it wins."""
    at, seen = key, set[EntKey]()
    while at in catalogue.schedules and at not in seen:
        seen.add(at)
        spec = catalogue.schedules[at].spec
        for index, day in enumerate(spec.days):
            for field, parts in (("bells", day.bells), ("windows", day.windows)):
                number = _index(parts, name, attribute)
                if number is not None:
                    return f"SchoolSchedule {at}", f"spec.days[{index}].{field}[{number}].{attribute}"
        at = EntKey(at.namespace, spec.extends or "")
    return f"SchoolSchedule {key}", "spec.days"


def in_event(catalogue: Catalogue, event: str, name: str, attribute: str) -> tuple[str, str]:
    """Return the resource and field that gave the bell or window of the event this attribute."""
    spec = next(found.spec for found in catalogue.events if found.metadata.name == event)
    for field, parts in (("bells", spec.bells), ("windows", spec.windows)):
        number = _index(parts, name, attribute)
        if number is not None:
            return f"SchoolEvent {event}", f"spec.{field}[{number}].{attribute}"
    return f"SchoolEvent {event}", "spec"


def _index(parts: Iterable[Bell | Window], name: str, attribute: str) -> int | None:
    for number, part in enumerate(parts):
        if part.name == name and getattr(part, attribute, None) is not None:
            return number
    return None
