"""An ENT that somebody deletes stays until its window has ended."""

from datetime import timedelta

from controller.observe.snapshot import leaving_is_over
from tests.builders import BELL, a_window, key


def test_the_window_in_force_is_waited_for_and_no_later_one() -> None:
    """A floor is not taken away in the middle of a lesson; tomorrow's lessons are nobody's any more."""
    windows = [
        a_window(key(), BELL, 30, 20.0),
        a_window(key(), BELL + timedelta(hours=5), 30, 20.0),
        a_window(key("sud"), BELL - timedelta(hours=1), 300, 20.0),
    ]
    gone = frozenset([key()])
    assert leaving_is_over(gone, windows, BELL) == frozenset()
    assert leaving_is_over(gone, windows, BELL + timedelta(minutes=30)) == gone
    assert leaving_is_over(gone, windows, BELL - timedelta(minutes=1)) == gone
    assert leaving_is_over((), windows, BELL + timedelta(hours=1)) == frozenset()
