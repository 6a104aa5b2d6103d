"""What is written about calendars, schedules and events: whether they are in force, and the trail of each event."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.actuate.events import About, Told
from controller.actuate.status import LONGEST_MESSAGE, Before, conditions, seconds_text
from controller.actuate.status_writer import StatusDocument
from controller.domain.effects import effect_of
from controller.domain.names import EntKey
from controller.domain.plan import Because, Condition, ConditionStatus, ConditionType
from controller.domain.reasons import Reason
from controller.domain.schooltime import SchoolPolicies
from controller.kube.resources import ObjectKey
from controller.observe.policies import CustomObject, PolicyStore, resource_of
from controller.observe.school import LOOK_AHEAD
from controller.policy.calendar import SchoolCalendar
from controller.policy.ent import RegionalENT
from controller.policy.event import SchoolEvent
from controller.policy.schedule import SchoolSchedule

SCHOOL = (SchoolCalendar, SchoolSchedule, SchoolEvent)
LONGEST_TRAIL = 16
"""Generations kept in the status of an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolReport:
    """What is to be said about school time in this cycle."""

    problems: Mapping[str, str]
    """By object, as `SchoolSchedule portals/lycee`."""
    warnings: Mapping[EntKey, tuple[str, ...]]
    """Of ENTs whose calendar does not speak about days that are near."""
    school: tuple[SchoolPolicies, ...]


class Trail:
    """The trail of each event: what each generation changed, said once, when it was first seen."""

    def __init__(self) -> None:
        self.by = ""
        """Which instance sees what is new: the one that leads."""
        self._entries: dict[tuple[str, int], dict[str, Any]] = {}

    def of(self, seen: CustomObject, school: Iterable[SchoolPolicies], now: datetime) -> list[dict[str, Any]]:
        """Return the whole trail; what stands in the status is never said anew."""
        trail = [entry for entry in seen.status.audit if isinstance(entry.get("generation"), int)]
        if any(entry["generation"] == seen.generation for entry in trail):
            return trail[-LONGEST_TRAIL:]
        identity = (seen.uid, seen.generation)
        if identity not in self._entries:
            self._entries[identity] = {
                "generation": seen.generation,
                "seenAt": seconds_text(now),
                "by": self.by[:253],
                "changed": _changed(seen, school)[:LONGEST_MESSAGE],
            }
        return [*trail, self._entries[identity]][-LONGEST_TRAIL:]


def _changed(seen: CustomObject, school: Iterable[SchoolPolicies]) -> str:
    if not isinstance(seen.declared, SchoolEvent):
        return "not valid, so the generation before it stays in force"
    spec = seen.declared.spec
    said = [f"announced on {spec.announced_on}", effect_of(seen.key.name, school)]
    if spec.freeze is not None:
        said.append(f"freezes the whole fleet until {seconds_text(spec.freeze.until)}")
    return "; ".join(said)


def school_documents(store: PolicyStore, report: SchoolReport, trail: Trail, now: datetime) -> list[StatusDocument]:
    """Return the statuses of all calendars, schedules and events."""
    found = []
    for model in SCHOOL:
        resource = resource_of(model)
        for seen in store.objects(model.__name__):
            before = Before(generation=seen.generation, conditions=seen.status.conditions)
            status: dict[str, Any] = {
                "observedGeneration": seen.generation,
                "conditions": conditions([_condition(seen, report, now)], before, now),
            }
            if model is SchoolEvent:
                status["audit"] = trail.of(seen, report.school, now)
            found.append(StatusDocument(resource=resource, key=seen.key, status=status))
    return found


def _condition(seen: CustomObject, report: SchoolReport, now: datetime) -> Condition:
    """Return `PolicyValid` of the object. Cluster-scoped kinds have no namespace, and `EntKey` does not mind."""
    of = EntKey(seen.key.namespace, seen.key.name)
    wrong = _wrong(seen, report, now)
    because = wrong or Because(reason=Reason.ALL_WELL, text="everything declared is in force")
    status = ConditionStatus.TRUE if wrong is None else ConditionStatus.FALSE
    return Condition(of=of, type=ConditionType.POLICY_VALID, status=status, because=because)


def _wrong(seen: CustomObject, report: SchoolReport, now: datetime) -> Because | None:
    text = report.problems.get(_called(seen.kind, seen.key))
    if text is not None:
        return Because(reason=Reason.POLICY_INVALID, text=text)
    if isinstance(seen.declared, SchoolCalendar):
        last = seen.declared.spec.valid_until
        if last < (now + LOOK_AHEAD).date():
            text = f"known until {last}; days after it count as in a school week: publish the next calendar"
            return Because(reason=Reason.CALENDAR_ENDED, text=text)
    return None


def school_told(store: PolicyStore, report: SchoolReport, now: datetime) -> list[Told]:
    """Return what Events are to say: every invalid object and broken reference, every calendar that has run out."""
    found = [_told(seen, wrong) for seen, wrong in _all_wrong(store, report, now)]
    for ent, warnings in sorted(report.warnings.items()):
        seen = store.ent(ent)
        if seen is not None:
            found.append(_told(seen, Because(reason=Reason.CALENDAR_ENDED, text="; ".join(warnings))))
    return found


def _all_wrong(store: PolicyStore, report: SchoolReport, now: datetime) -> Iterator[tuple[CustomObject, Because]]:
    for model in SCHOOL:
        for seen in store.objects(model.__name__):
            wrong = _wrong(seen, report, now)
            if wrong is not None:
                yield seen, wrong
    for ent in store.objects("RegionalENT"):
        text = report.problems.get(_called(ent.kind, ent.key))
        if text is not None:
            yield ent, Because(reason=Reason.POLICY_INVALID, text=text)


def _called(kind: str, key: ObjectKey) -> str:
    return f"{kind} {key.namespace}/{key.name}" if key.namespace else f"{kind} {key.name}"


def _told(seen: CustomObject, wrong: Because) -> Told:
    """A calendar that has run out is told once, though the days that it does not know change every day."""
    model = next(m for m in (RegionalENT, *SCHOOL) if m.__name__ == seen.kind)
    subject = "" if wrong.reason is Reason.CALENDAR_ENDED else wrong.text
    return Told(
        about=About(resource=resource_of(model), key=seen.key, uid=seen.uid),
        reason=str(wrong.reason),
        action="CheckPolicy",
        note=wrong.text,
        subject=subject,
        warning=True,
    )
