"""Whether tomorrow's bell will hold: what is asked of the planner, and what each finding says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.cli.findings import (
    Finding,
    State,
    of_calendars,
    of_capacity,
    of_credentials,
    of_leads,
    of_orders,
    of_policies,
)
from controller.cli.tomorrow import coming_bells, foresee
from controller.domain.fleet import Order, Scaling
from controller.domain.memory import EntMemory, LearnedLead
from controller.domain.names import SiteName
from controller.domain.plan import ConditionType
from controller.kube.kubeconfig import Credentials
from controller.observe.access import AccessError, SiteAccess
from controller.policy.declared import Declared, declare
from controller.policy.load import load
from tests.observe.test_expiry import a_token

NIGHT = datetime(2021, 4, 6, 3, 0, tzinfo=UTC)
"""Before the first day of school at home."""
FLEET = [
    *(Path("policies", folder) for folder in ("sites", "calendars", "schedules")),
    *(Path("policies/ents", f"{ent}.yaml") for ent in ("aura", "hdf", "idf")),  # one of each zone
]


@pytest.fixture(scope="module")
def ordinary() -> Declared:
    """Three portals of the shipped fleet, without its events."""
    return declare(item.resource for item in load(FLEET))


def states(findings: list[Finding], check: str) -> dict[str, State]:
    """How a check ended, by subject."""
    return {finding.subject: finding.state for finding in findings if finding.check == check}


def test_the_bells_of_the_next_school_day_are_looked_at(ordinary: Declared) -> None:
    """In the evening, those of tomorrow; before a vacation, those of the day after it."""
    bells = coming_bells(ordinary.school, NIGHT)
    assert {bell.start.date() for bell in bells} == {NIGHT.date()}
    assert coming_bells(ordinary.school, NIGHT + timedelta(hours=17))[0].start.date() == NIGHT.date() + timedelta(
        days=1
    )
    friday_before_spring = datetime(2021, 4, 9, 19, 0, tzinfo=UTC)
    assert coming_bells(ordinary.school, friday_before_spring)[0].start.date() > datetime(2021, 4, 24).date()  # noqa: DTZ001


def test_what_a_day_needs_is_what_the_planner_says(ordinary: Declared) -> None:
    """At every placement, the largest of the day with its bell; nothing is short of an ordinary day."""
    found = foresee(ordinary, (), (), NIGHT)
    assert {(str(need.ent), need.site) for need in found.needs} == {
        (str(ent.key), placement.site) for ent in ordinary.ents for placement in ent.placements
    }
    assert all(need.replicas > 2 for need in found.needs)
    assert all("bell" in need.source or "day" in need.source for need in found.needs)
    assert found.short == ()
    assert states(of_capacity(ordinary, found), "reserve") == {"fleet": State.OK}


def test_a_fleet_that_is_too_small_is_found_the_evening_before(ordinary: Declared) -> None:
    """A quota of a few replicas cannot serve the day, let alone pay for the loss of a site."""
    small = replace(ordinary, sites=tuple(replace(site, quota_replicas=20) for site in ordinary.sites))
    found = foresee(small, (), (), NIGHT)
    kinds = {condition.type for condition in found.short}
    assert {ConditionType.READY, ConditionType.RESERVE_READY} & kinds
    assert State.FAILED in {finding.state for finding in of_capacity(small, found)}
    assert all(finding.todo for finding in of_capacity(small, found) if finding.state is not State.OK)


def test_orders_that_reach_into_the_bell_are_told(ordinary: Declared) -> None:
    """A pause fails; a drain is looked at; one that ends before is nothing."""
    tomorrow = foresee(ordinary, (), (), NIGHT)
    order = Order(until=NIGHT + timedelta(hours=12), reason="works", by="night shift")
    first, *others = ordinary.ents
    paused = replace(ordinary, ents=(replace(first, pause=order), *others))
    assert states(of_orders(paused, tomorrow), "orders") == {str(first.key): State.FAILED}
    drained = replace(ordinary, sites=(replace(ordinary.sites[0], drain=order), *ordinary.sites[1:]))
    assert states(of_orders(drained, tomorrow), "orders") == {ordinary.sites[0].name: State.WARNING}
    over = replace(order, until=NIGHT + timedelta(minutes=1))
    ended = replace(ordinary, ents=(replace(first, pause=over), *others))
    assert states(of_orders(ended, tomorrow), "orders") == {"fleet": State.OK}


def test_a_calendar_that_ends_is_told_in_time(ordinary: Declared) -> None:
    """Two weeks before its end, and after it."""
    tomorrow = foresee(ordinary, (), (), NIGHT)
    (first, *_), ends = ordinary.school, ordinary.school[0].calendar
    assert ends is not None
    assert set(states(of_calendars(ordinary.school, tomorrow, NIGHT), "calendar").values()) == {State.OK}
    soon = replace(first, calendar=replace(ends, valid_until=NIGHT.date() + timedelta(days=3)))
    (told,) = of_calendars([soon], tomorrow, NIGHT)
    assert (told.state, told.text) == (State.WARNING, "the calendar ends on 2021-04-09")
    (none,) = of_calendars([replace(first, calendar=None)], tomorrow, NIGHT)
    assert "every day is a school day" in none.text


def test_credentials_are_judged_by_when_it_rings() -> None:
    """One that ends before the last bell fails, one that ends within the week is looked at."""
    last = NIGHT + timedelta(hours=12)

    def site(name: str, ends: datetime | None) -> SiteAccess:
        token = a_token({"exp": ends.timestamp()} if ends else {})
        credentials = Credentials(server="https://a", token=token)
        return SiteAccess(site=SiteName(name), credentials=credentials, metrics=None, public=())

    reached = {
        SiteName("early"): site("early", NIGHT + timedelta(hours=5)),
        SiteName("soon"): site("soon", NIGHT + timedelta(days=3)),
        SiteName("late"): site("late", NIGHT + timedelta(days=30)),
        SiteName("silent"): site("silent", None),
        SiteName("gone"): site("gone", None),
    }
    refused = {SiteName("bad"): AccessError("Site bad: no Secret")}
    found = of_credentials(reached, refused, {SiteName("gone"): "no answer"}, last, NIGHT)
    assert states(found, "credentials") == {
        "bad": State.FAILED,
        "early": State.FAILED,
        "soon": State.WARNING,
        "late": State.OK,
        "silent": State.OK,
        "gone": State.FAILED,
    }


def test_lead_times_are_told_with_where_they_come_from(ordinary: Declared) -> None:
    """Declared, learned, or assumed; and whether it rings sooner than that."""
    first, second, third = ordinary.ents
    declared = replace(first, scaling=Scaling(lead_time=timedelta(minutes=3)))
    learned = EntMemory(ent=second.key, leads=(LearnedLead(site=SiteName("south"), rows=((3, 4, 90, 80, 95),)),))
    bell = NIGHT + timedelta(hours=3)
    found = of_leads([declared, second, third], {second.key: learned}, bell, NIGHT)
    assert [finding.text.split(" s ")[0] for finding in found] == ["180", "115", "320"]
    assert [finding.state for finding in found] == [State.OK, State.OK, State.WARNING]
    (late,) = of_leads([declared], {}, NIGHT + timedelta(minutes=1), NIGHT)
    assert late.state is State.FAILED


def test_everything_that_is_not_well_says_what_to_do() -> None:
    """A problem of a policy among them."""
    assert [finding.state for finding in of_policies([])] == [State.OK]
    (found,) = of_policies(["Site a: spec.cluster: no Secret"])
    assert (found.state, bool(found.todo)) == (State.FAILED, True)
