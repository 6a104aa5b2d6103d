"""Policy files spoilt at random: every one is refused with a place, or read; none makes a traceback."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.schooltime import resolve
from controller.policy.declared import declare
from controller.policy.errors import PolicyError, Problem
from controller.policy.load import Loaded, load_text
from controller.policy.review import review_of
from tests.builders import BELL
from tests.policy.mutations import mutated

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(path.read_text("utf-8") for path in (ROOT / "policies").rglob("*.yaml"))
SPLICES = st.one_of(
    st.sampled_from(["", "\n", " ", "- ", ": ", "{", "}", "[", "]", "'", '"', "&a ", "*a", "!!x ", "null", "~", "\t"]),
    st.sampled_from(["-1", "0", "9" * 30, "1e999", ".nan", "08:30", "24:00", "2021-02-30", "9999-12-31", "0001-01-01"]),
    st.text(max_size=6),
)


def outcome(text: str) -> tuple[tuple[Loaded, ...] | None, tuple[Problem, ...]]:
    """What the text holds, or what is wrong with it."""
    try:
        return load_text(text, "f.yaml"), ()
    except PolicyError as error:
        return None, error.problems


@given(
    st.sampled_from(SHIPPED), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), SPLICES), min_size=1, max_size=4)
)
def test_a_spoilt_file_is_refused_with_a_place_or_read_whole(text: str, splices: list[tuple[float, int, str]]) -> None:
    """Whatever an author saves, the answer is for a person; what is taken can be resolved."""
    for where, removed, added in splices:
        start = int(where * len(text))
        text = text[:start] + added + text[start + removed :]
    loaded, problems = outcome(text)
    assert (loaded is None) == bool(problems)
    assert all("f.yaml" in str(problem) for problem in problems)
    for school in declare(item.resource for item in loaded or ()).school:
        resolve(school, BELL, BELL)


MUTATED = 10_000 if settings.get_current_profile_name() == "nightly" else 200
"""Ten thousand take a minute."""


def test_a_mutated_file_is_refused_with_a_place_or_reviewed_whole() -> None:
    """Never a traceback; whether the API server agrees, tests/live/test_mutated_policies.py shows."""
    taken = 0
    for number in range(MUTATED):
        one = mutated(number)
        loaded, problems = outcome(one.text)
        found = (*problems, *review_of(loaded or ()))
        taken += loaded is not None
        assert (loaded is None) == bool(problems), one.did
        assert all(problem.position is not None for problem in found), (one.did, found)
        assert all(problem.message for problem in found), one.did
    assert MUTATED * 0.05 < taken < MUTATED * 0.95, "both answers are tried"
