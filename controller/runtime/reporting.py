"""From a plan to what is written about it: statuses of ENTs and sites, Events."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controller.actuate.events import About, Told
from controller.actuate.outcome import Done, LookAgainAt, Outcome, Refused
from controller.actuate.status import Before, ent_status, site_status
from controller.actuate.status_writer import StatusDocument
from controller.domain.memory import EntMemory
from controller.domain.names import ActionId, EntKey, SiteName
from controller.domain.plan import Action, Because, Condition, ConditionStatus, ConditionType, Plan
from controller.domain.reasons import Reason
from controller.domain.windows import Window
from controller.domain.world import ReplicaState, Route, World
from controller.kube.resources import ObjectKey
from controller.observe.policies import CustomObject, PolicyStore, resource_of
from controller.planning.explain import is_well
from controller.policy.ent import RegionalENT
from controller.policy.site import Site
from controller.runtime.journal import describe

ENTS = resource_of(RegionalENT)
SITES = resource_of(Site)

HUSH = timedelta(minutes=10)
"""A condition that turns to and fro is told again only after so long."""

_TOLD_OTHERWISE = (ConditionType.READY, ConditionType.PRESCALED)
"""By the Events of actions and verdicts."""

_WARNING_VERDICTS = ("Degraded", "Down")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problems:
    """What is wrong with what was declared: by object as `RegionalENT prod/hdf`, in sentences."""

    by_object: Mapping[str, str]
    besides: Mapping[SiteName, str] = field(default_factory=dict)
    """What is wrong with sites though they are declared well."""
    calendars: Mapping[EntKey, tuple[str, ...]] = field(default_factory=dict)
    """Of ENTs whose calendar does not speak about days that are near."""

    def condition(self, of: EntKey | SiteName) -> Condition:
        """Return `PolicyValid` of the ENT or site."""
        kind = "RegionalENT" if isinstance(of, EntKey) else "Site"
        text = self.by_object.get(f"{kind} {of}")
        ended = self.calendars.get(of) if isinstance(of, EntKey) else None
        if text is None and ended:
            because = Because(reason=Reason.CALENDAR_ENDED, text="; ".join(ended))
            return Condition(of=of, type=ConditionType.POLICY_VALID, status=ConditionStatus.FALSE, because=because)
        if text is None:
            besides = self.besides.get(of) if not isinstance(of, EntKey) else None
            well = "everything declared is in force"
            because = Because(reason=Reason.ALL_WELL, text=f"{well}, but {besides}" if besides else well)
            return Condition(of=of, type=ConditionType.POLICY_VALID, status=ConditionStatus.TRUE, because=because)
        because = Because(reason=Reason.POLICY_INVALID, text=text)
        return Condition(of=of, type=ConditionType.POLICY_VALID, status=ConditionStatus.FALSE, because=because)


def documents(
    world: World, plan: Plan, routes: tuple[Route, ...], store: PolicyStore, problems: Problems, now: datetime
) -> list[StatusDocument]:
    """Return the statuses that all objects are to have."""
    conditions: dict[EntKey | SiteName, list[Condition]] = {}
    for condition in plan.conditions:
        conditions.setdefault(condition.of, []).append(condition)
    found: list[StatusDocument] = []
    memories = {memory.ent: memory for memory in plan.memory.ents}
    parts = _by_ent(world)
    routes_of: dict[EntKey, list[Route]] = {}
    for each in routes:
        routes_of.setdefault(each.ent, []).append(each)
    nothing = replace(world, replicas=(), windows=())
    for ent in store.policies().declared.ents:  # also those that are not planned for: they are told why
        seen = store.ent(ent.key)
        if seen is None:
            continue
        part = parts.get(ent.key, nothing)
        status = ent_status(
            ent,
            memories.get(ent.key, EntMemory(ent=ent.key)),
            world=part,
            routes=routes_of.get(ent.key, []),
            windows=part.windows,
            found=[*conditions.get(ent.key, ()), problems.condition(ent.key)],
            before=_before(seen),
            now=now,
        )
        found.append(StatusDocument(resource=ENTS, key=seen.key, status=status))
    for memory in plan.memory.sites:
        seen = store.site(memory.site)
        if seen is None:
            continue
        conditions_here = [*conditions.get(memory.site, ()), problems.condition(memory.site)]
        status = site_status(memory, world=world, found=conditions_here, before=_before(seen), now=now)
        found.append(StatusDocument(resource=SITES, key=seen.key, status=status))
    return found


def _by_ent(world: World) -> dict[EntKey, World]:
    """Return the world with what concerns each ENT alone: a thousand ENTs that each look through all are a million."""
    replicas: dict[EntKey, list[ReplicaState]] = {ent.key: [] for ent in world.ents}
    windows: dict[EntKey, list[Window]] = {ent.key: [] for ent in world.ents}
    for state in world.replicas:
        replicas.setdefault(state.ent, []).append(state)
    for window in world.windows:
        windows.setdefault(window.ent, []).append(window)
    return {
        ent.key: replace(world, replicas=tuple(replicas[ent.key]), windows=tuple(windows[ent.key]))
        for ent in world.ents
    }


def _before(seen: CustomObject) -> Before:
    return Before(generation=seen.generation, conditions=seen.status.conditions)


def ent_of(key: ObjectKey) -> EntKey:
    """Return the ENT whose object has the key."""
    return EntKey(key.namespace, key.name)


def told(
    actions: Iterable[Action],
    outcomes: Mapping[ActionId, Outcome],
    verdicts: Mapping[SiteName, str],
    why: Mapping[SiteName, str],
    store: PolicyStore,
) -> list[Told]:
    """Return what Events are to say: actions done or refused, and verdicts that changed."""
    found: list[Told] = []
    for action in actions:
        seen, outcome = store.ent(action.ent), outcomes.get(action.id)
        if seen is None or not isinstance(outcome, Done | Refused | LookAgainAt):
            continue
        about = About(resource=ENTS, key=seen.key, uid=seen.uid)
        note = f"{_sentence(action)}: {action.because.text}"
        if isinstance(outcome, Refused | LookAgainAt):
            note = f"not done ({outcome.why}). {note}"
        found.append(
            Told(
                about=about,
                reason=str(action.because.reason),
                action=type(action).__name__,
                note=note,
                subject=f"{action.id} {type(outcome).__name__}",
                warning=isinstance(outcome, Refused),
            )
        )
    for site, verdict in sorted(verdicts.items()):
        seen = store.site(site)
        if seen is not None:
            about = About(resource=SITES, key=seen.key, uid=seen.uid)
            note = f"{site} is {verdict}: {why.get(site, '')}"
            warning = verdict in _WARNING_VERDICTS
            found.append(Told(about=about, reason=verdict, action="Judge", note=note, warning=warning))
    return found


def turned(conditions: Iterable[Condition], store: PolicyStore) -> list[Told]:
    """Return the conditions that are not what the status said before, as Events; at first, only what is not well.

    `Ready` and `Prescaled` are left out: they follow every bell, and growing is an Event already.
    """
    found: list[Told] = []
    for condition in conditions:
        is_ent = isinstance(condition.of, EntKey)
        seen = store.ent(condition.of) if isinstance(condition.of, EntKey) else store.site(condition.of)
        if seen is None or condition.type in _TOLD_OTHERWISE:
            continue
        had = {each.get("type"): each.get("status") for each in seen.status.conditions}.get(str(condition.type))
        well = is_well(condition)
        if had == str(condition.status) or (had is None and well):
            continue
        found.append(
            Told(
                about=About(resource=ENTS if is_ent else SITES, key=seen.key, uid=seen.uid),
                reason=str(condition.because.reason),
                action="Report",
                note=f"{condition.type} is {condition.status}: {condition.because.text}",
                subject=f"{condition.type} {condition.status}",
                warning=not well,
                hush=HUSH,
            )
        )
    return found


def _sentence(action: Action) -> str:
    fields = describe(action)
    return ", ".join(f"{name} {value}" for name, value in fields.items() if name not in ("action", "ent"))


def reasons_of_sites(plan: Plan) -> Mapping[SiteName, str]:
    """Return why each site has its verdict, from its condition `Ready`."""
    return {
        condition.of: condition.because.text
        for condition in plan.conditions
        if not isinstance(condition.of, EntKey) and condition.type is ConditionType.READY
    }
