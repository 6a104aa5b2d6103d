"""The guide for authors is true: typed from an empty file, it says what the commands say."""

import re

from tests.policy.transcripts import GUIDES, retyped

ENGLISH, FRENCH = (guide.read_text("utf-8") for guide in GUIDES)


def test_the_guide_is_what_the_commands_say() -> None:
    """A first-time author gets what the page shows; `python -m tests.policy.transcripts --write` renews it."""
    assert retyped(ENGLISH) == ENGLISH


def test_both_languages_tell_the_same_story() -> None:
    """The same commands with the same answers, in the same order; only the words around them differ."""
    english, french = (re.findall(r"```console\n(.*?)```", guide, re.DOTALL) for guide in (ENGLISH, FRENCH))
    assert english == french
    assert sum(block.count("$ sonnerie") for block in english) >= 8
    files = [re.findall(r"```yaml\n# (\S+)", guide) for guide in (ENGLISH, FRENCH)]
    assert files[0] == files[1]
