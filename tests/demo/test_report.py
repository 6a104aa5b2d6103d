"""The report is whole and stands alone."""

from __future__ import annotations

import re
from pathlib import Path

from tests.demo.builders import BLINDED, attempts, evacuation, portal, recording, weights
from tests.demo.figures.bars import judge
from tests.demo.figures.summary import summarise
from tests.demo.recording import Recording
from tests.demo.report import write_report
from tests.demo.story import LOST_SITE


def page_of(morning: Recording, folder: Path) -> str:
    """Return the page about a recording."""
    summary = summarise(morning)
    path = folder / "report.html"
    write_report(path, morning, summary, judge(summary, morning.story))
    return path.read_text()


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    """No address, no import, no image from outside: it can be sent by mail."""
    page = page_of(
        recording(
            seconds=portal(LOST_SITE, ready=lambda _: 9, arrived=lambda _: 20),
            weights=weights(lambda s: 100 if s < 137 else 0),
            attempts=attempts(lambda s: LOST_SITE if s < 130 else None),
            decisions=[BLINDED, evacuation(136)],
        ),
        tmp_path,
    )
    assert not re.search(r"""(src|href)=|@import|url\(|https?://""", page)
    assert "<svg" in page
    assert "traffic leaves a dead site" in page
    assert "bars met" in page


def test_text_of_the_controller_is_not_taken_for_html(tmp_path: Path) -> None:
    """A reason with angle brackets is shown, not run."""
    sly = evacuation(136)
    fields = {**sly.fields, "because": "<script>alert(1)</script>"}
    page = page_of(recording(decisions=[type(sly)(at=sly.at, event=sly.event, fields=fields)]), tmp_path)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_story_that_never_began_still_has_a_page(tmp_path: Path) -> None:
    """Whoever looks after a failed start finds words, not a traceback."""
    assert "never began" in page_of(recording(marks=()), tmp_path)
