"""Reports of peers, dated by our own clock: skew is tolerated, late is lost, what never advanced says nothing."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.fleet import Order
from controller.domain.names import EdgeName, EntKey, ObserverName, SignalName, SiteName
from controller.domain.orders import LONGEST_ORDER, GivenOrder
from controller.domain.readings import Fresh, Missing, Stale
from controller.domain.report import Report
from controller.domain.world import EvidenceRound, ReplicaState, Route, SignalReading
from controller.observe.hearing import CLOCKS_KEPT, Hearing, Told
from controller.observe.readings import Freshness
from tests.builders import BELL

GRA, ENT = SiteName("gra"), EntKey("prod", "nord")
EVERY = 2.0


class Ear:
    """Hears one peer whose clock differs from ours, on a clock that is set."""

    def __init__(self, skew: timedelta = timedelta(0)) -> None:
        self.seconds = 1000.0
        self.skew = skew
        self.hearing = Hearing(Freshness(), monotonic=lambda: self.seconds)
        self.instance = "one"

    @property
    def now(self) -> datetime:
        """Our wall clock."""
        return BELL + timedelta(seconds=self.seconds - 1000)

    def report(self, sequence: int, written: float) -> Report:
        """What the peer writes at an instant of ours: two rounds, a reading, replicas, two routes."""
        at = BELL + timedelta(seconds=written - 1000) + self.skew
        rounds = tuple(
            EvidenceRound(
                observer=ObserverName(GRA), sequence=n, at=at - timedelta(seconds=EVERY * (sequence - n)), probes=()
            )
            for n in (sequence - 1, sequence)
        )
        state = ReplicaState(ent=ENT, site=GRA, wanted=3, ready=2, seen_at=at, pending_since=at - timedelta(minutes=1))
        reading = Fresh(value=7.0, at=at)
        return Report(
            observer=ObserverName(GRA),
            site=GRA,
            instance=self.instance,
            sequence=sequence,
            at=at,
            rounds=rounds,
            readings=(SignalReading(site=GRA, ent=ENT, signal=SignalName("requests"), reading=reading),),
            replicas=(state,),
            routes=tuple(Route(ent=ENT, edge=EdgeName(e), site=GRA, weight=1) for e in ("front-gra", "front-sbg")),
        )

    def told(self) -> Told:
        """What is known by now."""
        return self.hearing.told(self.now, {EdgeName("front-gra"): GRA, EdgeName("front-sbg"): SiteName("sbg")})


SKEWS = st.sampled_from([timedelta(0), timedelta(hours=5), -timedelta(hours=5), timedelta(seconds=3)])


@given(skew=SKEWS, delays=st.lists(st.floats(0, 6), min_size=2, max_size=25))
def test_a_report_is_never_dated_before_it_was_written_nor_after_it_came(skew: timedelta, delays: list[float]) -> None:
    """Whatever the writer's clock says: as old as the quickest of the last reports lets it be known."""
    ear = Ear(skew)
    first = ear.seconds
    quickest: list[float] = []
    for number, delay in enumerate(delays):
        written = first + EVERY * number * 4  # so far apart that they come in order
        ear.seconds = written + delay
        news = ear.hearing.hear(ear.report(number + 5, written))
        assert news is (number > 0)
        if not news:
            continue
        quickest = [*quickest, delay][-CLOCKS_KEPT:]
        newest = ear.told().rounds[-1]
        late = (newest.at - (BELL + timedelta(seconds=written - 1000))).total_seconds()
        assert late == pytest.approx(min(quickest), abs=1e-3)
        assert newest.at <= ear.now + timedelta(milliseconds=1)


def test_what_was_found_and_never_advanced_says_nothing() -> None:
    """After our start the report of a dead peer may lie there for hours; nor does reading it again make it younger."""
    ear = Ear()
    for _ in range(3):
        assert not ear.hearing.hear(ear.report(9, ear.seconds - 7200))
        ear.seconds += EVERY
    assert ear.told().rounds == ()
    assert ear.told().replicas == ()


def test_another_process_counts_anew_and_is_believed_once_it_advances() -> None:
    """A new leader begins at 1; until its second round the last word of the old one grows old."""
    ear = Ear()
    for number in range(5, 9):
        ear.hearing.hear(ear.report(number, ear.seconds))
        ear.seconds += EVERY
    ear.instance = "two"
    assert not ear.hearing.hear(ear.report(1, ear.seconds))
    assert ear.told().peers[0].age_seconds == pytest.approx(EVERY)
    ear.seconds += EVERY
    assert ear.hearing.hear(ear.report(2, ear.seconds))
    assert ear.told().peers[0].age_seconds == 0.0
    assert [seen.sequence for seen in ear.told().rounds] == [1, 2]


def test_an_older_report_is_no_news() -> None:
    """A cluster restored from a backup tells old sequences again."""
    ear = Ear()
    for number in (5, 6, 7):
        ear.hearing.hear(ear.report(number, ear.seconds))
    assert not ear.hearing.hear(ear.report(6, ear.seconds))
    assert ear.told().rounds[-1].sequence == 7


def test_a_clock_that_is_set_back_is_followed() -> None:
    """It makes the peer look old for a while, which is silence, and then not any more."""
    ear = Ear()
    number = 5
    for _ in range(4):
        ear.hearing.hear(ear.report(number, ear.seconds))
        number, ear.seconds = number + 1, ear.seconds + EVERY
    ear.skew = -timedelta(hours=1)
    for _ in range(CLOCKS_KEPT):
        ear.hearing.hear(ear.report(number, ear.seconds))
        number, ear.seconds = number + 1, ear.seconds + EVERY
    assert ear.now - ear.told().rounds[-1].at == timedelta(seconds=EVERY)


@pytest.mark.parametrize(
    ("seconds", "kind"), [(0, Fresh), (29, Fresh), (31, Stale), (11 * 3600, Stale), (13 * 3600, Missing)]
)
def test_readings_of_a_silent_peer_grow_old(seconds: float, kind: type) -> None:
    """Fresh, then Stale, then Missing: never zero. Its replicas keep the instant at which they were seen."""
    ear = Ear()
    for number in (5, 6):
        ear.hearing.hear(ear.report(number, ear.seconds))
    ear.seconds += seconds
    told = ear.told()
    assert isinstance(told.readings[0].reading, kind)
    assert (ear.now - told.replicas[0].seen_at).total_seconds() == pytest.approx(seconds)
    assert told.peers[0].silent is (seconds > 7)


def test_a_peer_speaks_for_its_own_site_alone() -> None:
    """Readings, replicas and edges of others in its report are passed over."""
    ear = Ear()
    for number in (5, 6):
        report = ear.report(number, ear.seconds)
        foreign = replace(report.replicas[0], site=SiteName("sbg"))
        reading = replace(report.readings[0], site=SiteName("sbg"))
        ear.hearing.hear(replace(report, replicas=(*report.replicas, foreign), readings=(*report.readings, reading)))
    told = ear.told()
    assert [state.site for state in told.replicas] == [GRA]
    assert [each.site for each in told.readings] == [GRA]
    assert [route.edge for route in told.routes] == ["front-gra"]


def test_an_order_outlives_who_told_it() -> None:
    """A site may fall silent because it was drained: the drain goes on until it ends by itself."""
    ear = Ear()
    order = Order(until=ear.now + timedelta(hours=2), reason="power", by="ops", given_at=ear.now)
    told = GivenOrder(site=GRA, order=order)
    for number in (5, 6):
        ear.hearing.hear(replace(ear.report(number, ear.seconds), orders=(told,)))
    ear.seconds += 3600
    assert ear.told().peers[0].silent
    assert ear.told().orders == (told,)
    ear.seconds += LONGEST_ORDER.total_seconds()
    assert ear.told().orders == ()


def test_who_is_not_declared_any_more_is_forgotten() -> None:
    """A site that was taken out of the fleet has no vote."""
    ear = Ear()
    for number in (5, 6):
        ear.hearing.hear(ear.report(number, ear.seconds))
    ear.hearing.forget([ObserverName("sbg")])
    assert ear.told().peers == ()
