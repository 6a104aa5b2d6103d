"""Schedules that extend others: what each says in the end, without its author having copied anything.

A plan of an extending schedule is laid over what the base has for that kind of day: a bell or window of the same name
takes the fields that are given and keeps the rest, one of a new name is added, `without` takes away. A kind of day
that only the extending schedule names starts from what the base would do on such a day.

Whatever cannot be composed is named and left aside, and the rest stands: a missing base, a circle of bases, a name in
`without` that the base does not have, a new bell that does not say when it rings.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from controller.domain.names import EntKey
from controller.domain.schooldays import DayType
from controller.policy.errors import Problem
from controller.policy.schedule import (
    INCOMPLETE_BELL,
    INCOMPLETE_WINDOW,
    Bell,
    DayPlan,
    SchoolSchedule,
    Window,
    ends_after_start,
    lasts_a_day_at_most,
    whole_bell,
    whole_window,
)

Part = TypeVar("Part", Bell, Window)
Days = dict[DayType, DayPlan]

LONGEST_CHAIN = 8
"""Schedules that may extend one another in a row: a person has to find out where a bell comes from."""

_FALLS_BACK = {
    DayType.WEDNESDAY: (DayType.SCHOOL_DAY,),
    DayType.FIRST_DAY_BACK: (DayType.SCHOOL_DAY,),
    DayType.LAST_DAY_BEFORE: (DayType.SCHOOL_DAY,),
}
"""What a base does on a kind of day that it does not name, as `Schedule.plan_for` reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """Every schedule with its bases laid under it, and what could not be composed."""

    days: Mapping[EntKey, tuple[DayPlan, ...]]
    problems: tuple[Problem, ...]


def compose(schedules: Mapping[EntKey, SchoolSchedule]) -> Composed:
    """Return what every schedule says in the end; whatever order they come in."""
    composer = _Composer(schedules)
    found = {key: _plans(composer.days_of(key)) for key in sorted(schedules)}
    return Composed(days=found, problems=tuple(composer.problems))


def _plans(days: Days) -> tuple[DayPlan, ...]:
    return tuple(days[kind] for kind in DayType if kind in days)


class _Composer:
    """Composes each schedule once, bases first."""

    def __init__(self, schedules: Mapping[EntKey, SchoolSchedule]) -> None:
        self.problems: list[Problem] = []
        self._schedules = schedules
        self._done: dict[EntKey, Days] = {}

    def days_of(self, key: EntKey) -> Days:
        """Return the plans of the schedule by kind of day."""
        if key not in self._done:
            base = self._base_of(key)
            below = {} if base is None else self.days_of(base)
            self._done[key] = self._laid_over(key, below, has_base=base is not None)
        return self._done[key]

    def _base_of(self, key: EntKey) -> EntKey | None:
        """Return the base, if there is one and it does not lead back here."""
        name = self._schedules[key].spec.extends
        if name is None:
            return None
        base = EntKey(key.namespace, name)
        if base not in self._schedules:
            known = [other.name for other in self._schedules if other.namespace == key.namespace and other != key]
            message = f"there is no SchoolSchedule {name} in namespace {key.namespace}{_nearest(name, known)}"
            self._say(key, "spec.extends", f"{message}; only what stands here counts until there is")
            return None
        way = self._way_from(key)
        if way[-1] == key:
            path = " → ".join(each.name for each in way)
            self._say(key, "spec.extends", f"schedules extend each other in a circle, {path}; start from one of them")
            return None
        if len(way) > LONGEST_CHAIN:
            message = f"more than {LONGEST_CHAIN} schedules extend one another from here on; nobody can follow that"
            self._say(key, "spec.extends", f"{message}, and only what stands here counts")
            return None
        return base

    def _way_from(self, key: EntKey) -> list[EntKey]:
        """Return the schedule and its bases in order, until there is none, one comes again, or there are too many."""
        way = [key]
        while len(way) <= LONGEST_CHAIN:
            schedule = self._schedules.get(way[-1])
            if schedule is None or schedule.spec.extends is None:
                break
            way.append(EntKey(key.namespace, schedule.spec.extends))
            if way[-1] in way[:-1]:
                break  # a circle; one further down is told of those that are in it
        return way

    def _laid_over(self, key: EntKey, below: Days, *, has_base: bool) -> Days:
        found = dict(below)
        for index, plan in enumerate(self._schedules[key].spec.days):
            found |= self._plan_over(key, index, plan, below, has_base=has_base)
        return found

    def _plan_over(self, key: EntKey, index: int, plan: DayPlan, below: Days, *, has_base: bool) -> Days:
        """Return the plan for each of its kinds of day."""
        where = f"spec.days[{index}]"
        found: Days = {}
        said: list[tuple[str, str]] = []
        for kind in plan.types:
            under = _under(below, kind)
            bells = [bell for bell in under.bells if bell.name not in plan.without]
            windows = [window for window in under.windows if window.name not in plan.without]
            laid = {
                "types": (kind,),
                "bells": _merged(bells, plan.bells, f"{where}.bells", said),
                "windows": _merged(windows, plan.windows, f"{where}.windows", said),
                "without": (),
            }
            found[kind] = plan.model_copy(update=laid)
        for field, message in dict.fromkeys(said):
            self._say(key, field, message)
        if has_base:
            self._unknown_names(key, where, plan, below)
        return found

    def _unknown_names(self, key: EntKey, where: str, plan: DayPlan, below: Days) -> None:
        """Say which names in `without` the base has on none of these kinds of day."""
        plans = [_under(below, kind) for kind in plan.types]
        known = {bell.name for under in plans for bell in under.bells}
        known |= {window.name for under in plans for window in under.windows}
        for number, name in enumerate(plan.without):
            if name not in known:
                message = f"the base has no bell or window {name} on these days{_nearest(name, known)}"
                self._say(key, f"{where}.without[{number}]", f"{message}; take it out")

    def _say(self, key: EntKey, field: str, message: str) -> None:
        self.problems.append(Problem(resource=f"SchoolSchedule {key}", field=field, message=message))


def _under(below: Days, kind: DayType) -> DayPlan:
    """Return what the base does on such a day."""
    for known in (kind, *_FALLS_BACK.get(kind, ())):
        if known in below:
            return below[known]
    return DayPlan.model_validate({"types": [kind.value]}, strict=False)


def _merged(base: list[Part], over: Iterable[Part], where: str, problems: list[tuple[str, str]]) -> tuple[Part, ...]:
    """Return the parts of the base with the others laid over them by name, in the order of the base."""
    found = {part.name: part for part in base}
    for index, part in enumerate(over):
        under = found.get(part.name)
        new = part if under is None else _laid(under, part)
        wrong = next(_wrong(new), None)
        if wrong is None:
            found[part.name] = new
        else:
            field, message = wrong
            kept = "it is left out" if under is None else "that of the base stands"
            hint = _nearest(part.name, [p.name for p in base]) if under is None else ""
            problems.append((f"{where}[{index}].{field}", f"{part.name}: {message}{hint}; {kept}"))
    return tuple(found.values())


def _laid(under: Part, over: Part) -> Part:
    """Return the base's part with every field that the other gives."""
    given = {name: getattr(over, name) for name in over.model_fields_set if getattr(over, name) is not None}
    return under.model_copy(update=given)


def _wrong(part: Bell | Window) -> Iterator[tuple[str, str]]:
    """Say what is wrong with a part once it is laid over its base."""
    if isinstance(part, Bell):
        if not whole_bell(part):
            yield ("demand" if part.at is not None else "at"), INCOMPLETE_BELL
        return
    if not whole_window(part):
        missing = "start" if part.start is None else "end" if part.end is None else "demand"
        yield missing, INCOMPLETE_WINDOW
    if not ends_after_start(part):
        yield "end", "end must be after start; set endsOn: NextDay for a window that crosses midnight"
    if not lasts_a_day_at_most(part):
        yield "endsOn", "a window lasts at most 24 hours; with endsOn: NextDay end must not be after start"


def _nearest(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word, sorted(set(known)), n=1, cutoff=0.6)
    return f" (did you mean {found[0]}?)" if found else ""
