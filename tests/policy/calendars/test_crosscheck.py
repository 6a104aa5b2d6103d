"""The shipped calendars against two libraries, every day from 2015-09-01 to the end of their data."""

from collections import Counter
from datetime import date

import pytest

from tests.policy.calendars import libraries
from tests.policy.calendars.comparison import CALENDARS, PUBLIC, ZONES, every_day, found, listed, shipped
from tests.policy.calendars.dump_libraries import FIRST, LAST


def test_every_day_on_which_a_library_differs_is_listed_with_the_reason_why_ours_is_right() -> None:
    """No day differs that nobody has looked at, and none is listed that does not differ any more."""
    differences, reasons = found(), listed()
    assert sorted(differences - reasons.keys()) == []
    assert sorted(reasons.keys() - differences) == []
    assert all(len(reason) > 40 for reason in reasons.values())


def test_the_comparison_covers_every_day_of_the_published_years() -> None:
    """Nothing is right because nobody asked: each zone speaks about every day but those it leaves open."""
    assert (date(2015, 9, 1), date(2028, 12, 31)) == (FIRST, LAST)
    for zone in ZONES:
        calendar = shipped(zone)
        silent = [day for day in every_day(FIRST, date(2028, 7, 4)) if not calendar.speaks_about(day)]
        assert silent == [date(2027, 9, 1)]
    assert PUBLIC.keys() == {path.stem for path in CALENDARS.glob("*.yaml")}


def test_a_wrong_day_would_be_found() -> None:
    """The libraries say enough of every zone and year for a vacation that moved by a day to be seen."""
    for library in ("vacances-scolaires-france", "holidays"):
        for zone in ZONES:
            told = Counter(day.year for day in libraries.days(libraries.told()[library]["school"][zone]))
            assert all(told[year] > 100 for year in range(2018, 2028))


@pytest.mark.live
@pytest.mark.timeout(600)
def test_the_kept_answers_are_what_the_locked_libraries_say() -> None:
    """What is compared with is what they say, not what someone wrote."""
    assert libraries.TOLD.read_text("utf-8") == libraries.asked()
