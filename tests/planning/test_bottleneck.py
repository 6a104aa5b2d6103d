"""Bottleneck elsewhere: found, held, ended; and dependencies (design §5 stage 4)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.fleet import Dependency
from controller.domain.memory import Bottleneck, DemandPoint, EntSamples
from controller.domain.names import SignalName
from controller.domain.plan import Because
from controller.domain.reasons import Reason
from controller.domain.world import World
from controller.planning.admission import admission_of
from controller.planning.bottleneck import Ceiling, ceiling_of
from controller.planning.demand import Demand, demand_of
from controller.planning.facts import facts_of
from controller.planning.health import judge_sites
from controller.planning.planner import plan
from controller.planning.routing import Bound, Routed
from tests.builders import BELL, a_reading, a_window, a_world, an_ent, key
from tests.planning.past import points, with_past

FAILED_SINCE = BELL - timedelta(minutes=5)
STUCK = Bottleneck(
    since=BELL - timedelta(minutes=20),
    failed_at=BELL - timedelta(seconds=5),
    ready_before_per_second=50.0,
    ready_after_per_second=80.0,
    successes_per_second=30.0,
)


def grown(before: float, after: float, successes: float | None) -> tuple[DemandPoint, ...]:
    """Capacity that rose four minutes ago, with steady successes."""
    old = points(seconds=240, spacing=30, until=BELL - timedelta(minutes=4), ready=before, successes=successes)
    new = points(seconds=240, spacing=10, ready=after, successes=successes)
    return (*old, *new)


def world(
    *,
    past: EntSamples | None = None,
    errors: tuple[float | None, float | None] = (0.2, 0.0),
    successes: float | None = 30.0,
    scheduled: float = 0.0,
    requests: float | None = 60.0,
    dependencies: tuple[Dependency, ...] = (),
) -> World:
    """One ENT at home at `a`, with errors there."""
    ent = an_ent(dependencies=dependencies)
    windows = (a_window(key(), BELL, 60, scheduled),) if scheduled else ()
    found = a_world(ents=[ent], windows=windows, demand={("nord", "a"): requests})
    readings = [a_reading(key(), site, value, BELL, "errors") for site, value in zip("ab", errors, strict=True)]
    readings += [a_reading(key(), "a", successes, BELL, "successes"), a_reading(key(), "b", 0.0, BELL, "successes")]
    found = replace(found, readings=(*found.readings, *readings))
    return with_past(found, past or EntSamples(ent=key()))


def both(found: World) -> tuple[Demand, Ceiling]:
    facts = facts_of(found, BELL)
    demand = demand_of(facts, found.ents[0], judge_sites(facts))
    return demand, ceiling_of(facts, demand)


def past(before: float = 50.0, after: float = 80.0, successes: float | None = 30.0, **more: object) -> EntSamples:
    found = EntSamples(ent=key(), recent=grown(before, after, successes), failing_since=FAILED_SINCE)
    return replace(found, **more)  # type: ignore[arg-type]


def test_growth_that_does_not_help_is_a_bottleneck_elsewhere() -> None:
    """Capacity up by 20 %, successes flat, errors for three minutes: stop growing, move nothing, admit what passes."""
    _, ceiling = both(world(past=past()))
    assert ceiling.because is not None
    assert ceiling.because.reason is Reason.BOTTLENECK_ELSEWHERE
    assert "from 50/s to 80/s" in ceiling.because.text
    assert ceiling.hold_traffic == ceiling.because
    assert ceiling.per_second == 30.0
    assert ceiling.carried_per_second == 30.0
    assert ceiling.bottleneck is not None


def test_growth_up_to_the_schedule_goes_on() -> None:
    """What a bell needs is brought up, bottleneck or not."""
    _, ceiling = both(world(past=past(), scheduled=150.0))
    assert ceiling.per_second == 150.0
    assert ceiling.carried_per_second == 30.0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"past": past(after=59.0)}, "capacity rose by less than 20 %"),
        ({"past": past(before=0.0)}, "there was none before"),
        ({"past": past(successes=None)}, "successes were not known"),
        ({"past": past(failing_since=BELL - timedelta(seconds=179))}, "errors for less than three minutes"),
        ({"past": past(failing_since=None)}, "no errors before"),
        ({"past": past(), "errors": (0.0, 0.0)}, "no errors now"),
        ({"past": past(), "successes": 32.0}, "successes followed"),
        ({"past": past(), "successes": None}, "successes are not known now"),
        ({"past": past(recent=points(successes=30.0, ready=80.0))}, "nothing older than three minutes"),
    ],
)
def test_it_takes_all_of_it(change: dict[str, object], why: str) -> None:
    """Every condition by itself."""
    assert both(world(**change))[1] == Ceiling(), why  # type: ignore[arg-type]


def test_one_sick_site_of_two_is_that_site_s_own_matter() -> None:
    """Errors at some of the sites that serve may have to be left: traffic is not held."""
    found = world(past=past())
    halves = tuple(replace(route, weight=50) for route in found.routes)
    assert both(replace(found, routes=halves))[1] == Ceiling()


def test_capacity_that_grew_where_no_traffic_is_proves_nothing() -> None:
    """A standby that grew cannot have helped: what is remembered is the capacity that served."""
    found = world(past=EntSamples(ent=key()))
    after = plan(found, BELL).memory.samples.ents[0]
    assert after.recent[-1].ready_capacity_per_second == 50.0, "ten replicas at a; ten more stand at b"


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        ({}, True),
        ({"errors": (0.0, 0.0)}, True),
        ({"errors": (0.0, 0.0), "failed_at": BELL - timedelta(seconds=61)}, False),
        ({"errors": (None, None), "requests": None, "failed_at": BELL - timedelta(seconds=61)}, True),
        ({"successes": 31.0}, True),
        ({"successes": 32.0}, False),
        ({"successes": None}, True),
        ({"errors": (0.2, 0.2), "successes": 10.0}, True),
    ],
    ids=[
        "errors go on",
        "a lull",
        "errors have ended for a minute",
        "nothing is known",
        "noise",
        "more gets through",
        "successes are not known",
        "less gets through",
    ],
)
def test_it_is_held_as_long_as_it_lasts(change: dict[str, object], *, holds: bool) -> None:
    """Twenty minutes later the growth is out of sight, and the finding stands until something says otherwise."""
    stuck = replace(STUCK, failed_at=change.get("failed_at", STUCK.failed_at))  # type: ignore[arg-type]
    seen = {name: value for name, value in change.items() if name != "failed_at"}
    found = both(world(past=EntSamples(ent=key(), bottleneck=stuck), **seen))[1]  # type: ignore[arg-type]
    assert (found.bottleneck is not None) is holds
    assert (found.hold_traffic is not None) is holds
    if found.bottleneck is not None:
        assert found.bottleneck.successes_per_second == 30.0, "admission must not spiral down"


def test_it_is_remembered_and_forgotten_by_the_plan() -> None:
    """The plan carries the finding to the next cycle, and the same instant gives the same finding."""
    found = world(past=past())
    once = plan(found, BELL)
    assert once.memory.samples.ents[0].bottleneck is not None
    again = plan(replace(found, memory=once.memory), BELL)
    assert again.memory.samples.ents[0].bottleneck == once.memory.samples.ents[0].bottleneck
    cured = plan(world(past=EntSamples(ent=key(), bottleneck=STUCK), successes=59.0, errors=(0.0, 0.0)), BELL)
    assert cured.memory.samples.ents[0].bottleneck is None


def test_the_excess_goes_to_admission() -> None:
    """Sixty want in, thirty get through: half are admitted, whatever Ready capacity could carry."""
    demand, ceiling = both(world(past=past()))
    routed = Routed(
        shares={},
        served_per_second=60.0,
        short=False,
        emergency=False,
        bounds=tuple[Bound, ...](),
        because=Because(reason=Reason.TOWARDS_PLACEMENT, text=""),
    )
    (admission,) = admission_of({key(): demand}, {key(): routed}, {key(): ceiling})
    assert admission.admit_permille == 500


SSO = Dependency(name="sso", capacity=40.0, signal=SignalName("ssoLogins"))
DATABASE = Dependency(name="database", capacity=100.0, use_per_replica=8.0)


def test_a_shared_dependency_bounds_growth() -> None:
    """Beyond what single sign-on carries, pods cure nothing; traffic may move all the same."""
    _, ceiling = both(world(errors=(0.0, 0.0), dependencies=(SSO,), scheduled=150.0))
    assert (ceiling.per_second, ceiling.carried_per_second, ceiling.most_replicas) == (40.0, 40.0, None)
    assert ceiling.hold_traffic is None
    assert ceiling.because is not None
    assert "sso carries 40/s" in ceiling.because.text


def test_a_dependency_may_be_bound_by_what_replicas_take() -> None:
    """A hundred connections at eight a replica are twelve replicas at all sites together, 45/s at 75 % of five each."""
    _, ceiling = both(world(errors=(0.0, 0.0), dependencies=(DATABASE,)))
    assert ceiling.most_replicas == 12
    assert ceiling.per_second == pytest.approx(45.0)
    assert ceiling.carried_per_second == pytest.approx(60.0)


@pytest.mark.parametrize(
    ("used", "full"), [((20.0, 20.0), True), ((50.0, None), True), ((20.0, 19.0), False), ((None, None), False)]
)
def test_a_full_dependency_holds_traffic(
    used: tuple[float | None, float | None],
    full: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Its own query says that it is full: moving users between sites would cure nothing. Missing says nothing."""
    found = world(errors=(0.0, 0.0), dependencies=(SSO,))
    readings = tuple(a_reading(key(), site, value, BELL, "ssoLogins") for site, value in zip("ab", used, strict=True))
    _, ceiling = both(replace(found, readings=(*found.readings, *readings)))
    assert (ceiling.hold_traffic is not None) is full


def test_the_tightest_of_several_counts() -> None:
    """The smallest demand gives the reason; the fewest replicas bound as well."""
    _, ceiling = both(world(errors=(0.0, 0.0), dependencies=(DATABASE, SSO)))
    assert ceiling.per_second == 40.0
    assert ceiling.most_replicas == 12
    assert ceiling.because is not None
    assert "sso" in ceiling.because.text
