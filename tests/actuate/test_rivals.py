"""Three reverts, and we stop."""

from datetime import timedelta

from controller.actuate.rivals import STOPPED_FOR, WITHIN, Revert, Rivals
from controller.domain.names import ActionId
from tests.builders import BELL, key

ACTION = ActionId("replicas:ents/nord:a")


def fought(rivals: Rivals, seconds: float) -> bool:
    """We write 10, somebody makes it 3; tell whether we have stopped."""
    at = BELL + timedelta(seconds=seconds)
    rivals.wrote(ACTION, 10)
    wrote = rivals.undone(ACTION, found=3, wanted=10)
    assert wrote == 10
    revert = Revert(ent=key(), what="Deployment portal at a", wrote=wrote, found=3, manager="argocd-controller")
    rivals.reverted(ACTION, revert, at)
    return rivals.stopped(ACTION, at) is not None


def test_the_third_revert_in_ten_minutes_stops_us() -> None:
    """Twice may be a deployment; the third time is somebody, and is named."""
    rivals = Rivals()
    assert [fought(rivals, seconds) for seconds in (0, 60, 120)] == [False, False, True]
    text = rivals.found(BELL + timedelta(seconds=120))[key()]
    assert text.startswith("argocd-controller keeps changing Deployment portal at a back (last from 10 to 3)")


def test_rare_reverts_do_not_stop_us() -> None:
    """A manifest that is applied twice an hour is overruled, not fought."""
    rivals, apart = Rivals(), WITHIN.total_seconds()
    assert not any(fought(rivals, number * apart) for number in range(6))


def test_one_revert_is_counted_once() -> None:
    """What stands there after a revert is not ours: seeing it again is no second revert."""
    rivals = Rivals()
    fought(rivals, 0)
    assert rivals.undone(ACTION, found=3, wanted=10) is None


def test_our_own_values_are_nobody_elses() -> None:
    """Neither what we wrote nor what we want now is a rival's; without a memory nobody is suspected."""
    rivals = Rivals()
    assert rivals.undone(ACTION, found=3, wanted=10) is None
    rivals.wrote(ACTION, 10)
    assert rivals.undone(ACTION, found=10, wanted=4) is None
    assert rivals.undone(ACTION, found=4, wanted=4) is None


def test_we_begin_again_when_a_policy_changes_or_after_a_while() -> None:
    """A mended manifest must not wait for a restart; a rival who is still there has had his chances."""
    rivals = Rivals()
    rivals.follow(1)
    for seconds in (0, 1, 2):
        fought(rivals, seconds)
    rivals.follow(1)
    assert rivals.stopped(ACTION, BELL + timedelta(seconds=3)) is not None
    rivals.follow(2)
    assert rivals.stopped(ACTION, BELL + timedelta(seconds=3)) is None
    for seconds in (10, 11, 12):
        fought(rivals, seconds)
    later = 12 + STOPPED_FOR.total_seconds()
    assert rivals.stopped(ACTION, BELL + timedelta(seconds=later)) is None
    assert fought(rivals, later), "one more is enough"
    assert rivals.found(BELL + timedelta(seconds=later))


def test_what_an_earlier_process_wrote_is_known() -> None:
    """The note on an autoscaler outlives us; what we know ourselves is newer."""
    rivals = Rivals()
    rivals.expect(ACTION, 8)
    assert rivals.undone(ACTION, found=3, wanted=10) == 8
    rivals.wrote(ACTION, 10)
    rivals.expect(ACTION, 8)
    assert rivals.undone(ACTION, found=3, wanted=12) == 10
