"""The memory between cycles, and whose of it is written.

A leader's memory is what it planned, as far as it could be written; what could not be written is as if it had not
been planned. A follower's memory is what the leader has written.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from controller.domain.memory import EntMemory, Memory, SiteMemory
from controller.domain.names import EntKey, SiteName
from controller.domain.plan import Because, Plan, Withheld
from controller.domain.reasons import Reason
from controller.domain.world import Route
from controller.observe.policies import CustomObject
from controller.planning.sequencing import without
from controller.wire.memory import StoredEnt, UnreadableMemoryError, read_ent, read_site

Warn = Callable[[str, str], None]
"""Is told of an object whose memory cannot be read, and why."""


def inherited(objects: Iterable[CustomObject], warn: Warn) -> tuple[Memory, tuple[Route, ...]]:
    """Return the restraints and weights that the objects' statuses remember; empty where there are none."""
    ents: list[StoredEnt] = []
    sites: list[SiteMemory] = []
    for each in objects:
        if each.status.memory is None:
            continue
        try:
            match each.kind:
                case "RegionalENT":
                    ents.append(_of_this_ent(each, read_ent(each.status.memory)))
                case "Site":
                    sites.append(replace(read_site(each.status.memory), site=SiteName(each.key.name)))
        except UnreadableMemoryError as error:
            warn(f"{each.kind} {each.key}", str(error))
    memory = Memory(
        sites=tuple(sorted(sites, key=lambda m: m.site)),
        ents=tuple(sorted((e.restraints for e in ents), key=lambda m: m.ent)),
    )
    return memory, tuple(route for stored in ents for route in stored.routes())


def _of_this_ent(each: CustomObject, stored: StoredEnt) -> StoredEnt:
    """A status copied from another object must not speak for that one."""
    key = EntKey(each.key.namespace, each.key.name)
    return replace(stored, restraints=replace(stored.restraints, ent=key))


def after_writing(
    planned: Memory, before: Memory, *, ents_unwritten: frozenset[EntKey], sites_unwritten: frozenset[SiteName]
) -> Memory:
    """Return the memory that is in force: planned where it was written, as before where it was not."""
    ents_before: Mapping[EntKey, EntMemory] = {memory.ent: memory for memory in before.ents}
    sites_before = {memory.site: memory for memory in before.sites}
    ents = (m if m.ent not in ents_unwritten else ents_before.get(m.ent) for m in planned.ents)
    sites = (m if m.site not in sites_unwritten else sites_before.get(m.site) for m in planned.sites)
    return replace(
        planned,
        ents=tuple(memory for memory in ents if memory is not None),
        sites=tuple(memory for memory in sites if memory is not None),
    )


def withhold_unremembered(plan: Plan, why: Mapping[EntKey, str]) -> Plan:
    """Withhold all actions of ENTs whose memory could not be written, and those that wait for them."""
    if not why:
        return plan
    also = {
        action.id: Withheld(
            action=action, because=Because(reason=Reason.MEMORY_NOT_WRITTEN, text=f"status: {why[action.ent]}")
        )
        for action in plan.actions
        if action.ent in why
    }
    actions, withheld = without(list(plan.actions), list(plan.withheld), also=also)
    return replace(plan, actions=tuple(actions), withheld=tuple(withheld))
