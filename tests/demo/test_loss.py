"""Times and utilisation after a site was killed at second 130."""

from __future__ import annotations

import pytest

from tests.demo.builders import MARKS, REFUGE, attempts, decision, evacuation, portal, recording, weights
from tests.demo.figures.loss import site_loss
from tests.demo.figures.measured import NotMeasured
from tests.demo.story import LOST_SITE

LEFT = weights(lambda s: 100 if s < 137 else 0)


def test_decided_when_the_log_says_so() -> None:
    """The evacuation counts, not an earlier decision of another kind."""
    balance = decision(131, "action", kind="balance", outcome="Done", ent="portails/ent-essai")
    found = site_loss(recording(weights=LEFT, decisions=[balance, evacuation(136.5)]))
    assert found.decided_seconds == pytest.approx(6.5)


def test_an_evacuation_that_was_not_done_is_not_decided() -> None:
    """Withheld, refused or older than the kill: none of them moves anybody."""
    early, refused = evacuation(120), decision(135, "action", kind="evacuation", outcome="Refused", ent="x/ent-essai")
    found = site_loss(recording(weights=LEFT, decisions=[early, refused]))
    assert isinstance(found.decided_seconds, NotMeasured)


def test_moved_when_users_are_served_elsewhere() -> None:
    """Failures until 137, then the refuge: the next ten seconds must be 99 % good."""
    served = attempts(lambda s: LOST_SITE if s < 130 else None if s < 137 else REFUGE)
    assert site_loss(recording(weights=LEFT, attempts=served)).traffic_moved_seconds == 7.0


def test_one_good_second_is_not_yet_moved() -> None:
    """Good at 135, bad again until 145: moved means for ten seconds."""
    served = attempts(lambda s: LOST_SITE if s < 130 else REFUGE if 135 <= s < 136 or s >= 145 else None)
    assert site_loss(recording(weights=LEFT, attempts=served)).traffic_moved_seconds == 15.0


def test_never_moved_is_not_measured() -> None:
    """Failures to the end, or answers that still come from the lost site, are never a move."""
    for site in (None, LOST_SITE):
        served = attempts(lambda s, site=site: LOST_SITE if s < 130 else site)  # type: ignore[misc]  # mypy: default
        assert isinstance(site_loss(recording(weights=LEFT, attempts=served)).traffic_moved_seconds, NotMeasured)


def test_utilisation_is_the_worst_ten_seconds_at_a_destination() -> None:
    """40 a second on ten replicas of four each is full; before the kill it does not count."""
    seconds = portal(REFUGE, ready=lambda _: 10, arrived=lambda s: 40 if s < 120 or 140 <= s < 150 else 20)
    found = site_loss(recording(weights=LEFT, seconds=seconds))
    assert found.max_destination_utilisation == pytest.approx(1.0)


def test_utilisation_is_a_mean_of_ten_seconds() -> None:
    """A single busy second is no overload."""
    seconds = portal(REFUGE, ready=lambda _: 10, arrived=lambda s: 40 if s == 140 else 20)
    found = site_loss(recording(weights=LEFT, seconds=seconds))
    assert found.max_destination_utilisation == pytest.approx((9 * 20 + 40) / 400)


def test_users_sent_to_a_site_with_nothing_ready_are_far_too_many() -> None:
    """No capacity is no excuse for no figure."""
    seconds = portal(REFUGE, ready=lambda _: 0, arrived=lambda _: 20)
    found = site_loss(recording(weights=LEFT, seconds=seconds))
    assert isinstance(found.max_destination_utilisation, float)
    assert found.max_destination_utilisation > 1


def test_a_site_without_traffic_was_no_loss() -> None:
    """Killing an idle site shows nothing."""
    found = site_loss(recording(weights=weights(lambda _: 0), decisions=[evacuation(136)]))
    assert isinstance(found.decided_seconds, NotMeasured)
    assert isinstance(found.max_destination_utilisation, NotMeasured)


def test_no_kill() -> None:
    """Without the mark nothing was lost."""
    marks = tuple(mark for mark in MARKS if mark.what != "site-killed")
    assert isinstance(site_loss(recording(weights=LEFT, marks=marks)).decided_seconds, NotMeasured)
