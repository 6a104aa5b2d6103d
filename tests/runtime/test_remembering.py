"""Whose memory is in force."""

from dataclasses import replace
from typing import Any

from controller.domain.memory import EntMemory, Growth, Memory, SiteMemory, Verdict
from controller.domain.names import SiteName
from controller.domain.reasons import Reason
from controller.kube.resources import ObjectKey
from controller.observe.policies import CustomObject, StatusSeen
from controller.runtime.remembering import after_writing, inherited, withhold_unremembered
from controller.wire.memory import StoredEnt, StoredWeight, write_ent, write_site
from tests.actuate.test_apply import a_plan, an_action
from tests.builders import BELL, EDGE, key

A = SiteName("a")
GROWN = EntMemory(ent=key(), growths=(Growth(site=A, before_replicas=1, replicas=2, since=BELL),))


def an_object(kind: str, namespace: str, name: str, memory: dict[str, Any] | None) -> CustomObject:
    """An object of which only the status matters."""
    return CustomObject(
        kind=kind,
        key=ObjectKey(namespace, name),
        uid="u",
        generation=1,
        status=StatusSeen(memory=memory),
        declared=None,
    )


def test_a_successor_inherits_restraints_and_weights() -> None:
    """Everything that restrained the predecessor restrains the successor."""
    site = SiteMemory(site=A, verdict=Verdict.DOWN, since=BELL, fell_at=BELL)
    stored = StoredEnt(restraints=GROWN, weights=(StoredWeight(edge=EDGE, site=A, weight=70),))
    objects = [
        an_object("RegionalENT", "ents", "nord", write_ent(stored)),
        an_object("Site", "", "a", write_site(site)),
    ]
    memory, routes = inherited(objects, lambda about, why: None)
    assert memory == Memory(sites=(site,), ents=(GROWN,))
    assert [(r.ent, r.site, r.weight) for r in routes] == [(key(), "a", 70)]


def test_unreadable_memory_is_reported_and_starts_empty() -> None:
    """Another version's restraints are not guessed at; the other objects are read."""
    warned: list[str] = []
    objects = [
        an_object("RegionalENT", "ents", "nord", {"version": 99}),
        an_object("RegionalENT", "ents", "sud", None),
        an_object("Site", "", "a", write_site(SiteMemory(site=A, verdict=Verdict.HEALTHY, since=BELL))),
    ]
    memory, routes = inherited(objects, lambda about, why: warned.append(about))
    assert warned == ["RegionalENT ents/nord"]
    assert (memory.ents, len(memory.sites), routes) == ((), 1, ())


def test_a_copied_status_speaks_for_its_own_object() -> None:
    """A restored or copied ENT does not bring another one's identity with it."""
    copied = an_object("RegionalENT", "ents", "sud", write_ent(StoredEnt(restraints=GROWN)))
    memory, _ = inherited([copied], lambda about, why: None)
    assert [m.ent for m in memory.ents] == [key("sud")]


def test_what_was_not_written_is_as_if_not_planned() -> None:
    """The ENT keeps the memory it had; others go on with the new one."""
    before = Memory(ents=(EntMemory(ent=key()),))
    planned = Memory(ents=(GROWN, replace(GROWN, ent=key("sud"))))
    after = after_writing(planned, before, ents_unwritten=frozenset({key()}), sites_unwritten=frozenset())
    assert after.ents == (EntMemory(ent=key()), replace(GROWN, ent=key("sud")))


def test_actions_without_written_memory_are_withheld_with_their_followers() -> None:
    """No action without its restraint."""
    plan = a_plan(an_action("grow"), an_action("move", "grow"))
    remembered = withhold_unremembered(plan, {key(): "HTTP 503"})
    assert remembered.actions == ()
    assert {w.because.reason for w in remembered.withheld} == {Reason.MEMORY_NOT_WRITTEN}
    assert withhold_unremembered(plan, {}) == plan
