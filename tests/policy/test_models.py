"""Good objects are taken, bad ones are refused with the field named."""

import pytest

from controller.policy.errors import PolicyError
from controller.policy.kinds import BY_NAME
from controller.policy.parse import parse, parse_json
from controller.policy.scalars import parse_duration, write_duration
from tests.policy.bad_objects import BAD_OBJECTS, Bad
from tests.policy.objects import ALL_KINDS, Object, a_schedule, a_site, an_ent, changed


@pytest.mark.parametrize("data", [make() for make in ALL_KINDS], ids=lambda data: str(data["kind"]))
def test_a_good_object_is_taken(data: Object) -> None:
    """Whatever the design allows can be written."""
    assert parse(data).kind == data["kind"]


@pytest.mark.parametrize("bad", BAD_OBJECTS, ids=str)
def test_a_bad_object_is_refused_with_the_field_named(bad: Bad) -> None:
    """One wrong value gives exactly one problem, which names its field."""
    with pytest.raises(PolicyError) as refused:
        parse(bad.data)

    assert [problem.field for problem in refused.value.problems] == [bad.field]
    assert refused.value.problems[0].resource == f"{bad.data['kind']} {bad.data['metadata']['name']}"


def test_every_problem_is_told_at_once() -> None:
    """An author corrects a file once, not once per mistake."""
    data = changed(changed(an_ent(), ("spec", "region"), "North"), ("spec", "priority"), -1)
    with pytest.raises(PolicyError) as refused:
        parse(data)

    assert {problem.field for problem in refused.value.problems} == {"spec.region", "spec.priority"}


@pytest.mark.parametrize(
    ("path", "value", "hint"),
    [
        (("spec", "timezone"), "Europe/Paris", "did you mean timeZone?"),
        (("spec", "territory"), "zone-bb", "did you mean zone-b?"),
        (("spec", "priority"), "10", "remove the quotes"),
        (("spec", "demandSignals", 0, "capacityPerReplica"), 12.5, "write for example '12.5'"),
        (("spec", "timeZone"), "Europe/Lille", "write for example 'Europe/Paris'"),
        (("spec", "calendarRef"), 3, "write for example 'college-bells'"),
        (("spec", "placements"), "everywhere", "must be a list"),
    ],
    ids=str,
)
def test_a_refusal_says_what_to_do(path: tuple[str | int, ...], value: object, hint: str) -> None:
    """A message is for a person who wants to get it right."""
    with pytest.raises(PolicyError, match=hint.replace("?", r"\?")):
        parse(changed(an_ent(), path, value))


def test_an_unknown_kind_is_refused_with_the_nearest_one() -> None:
    """A misspelt kind is not skipped in silence."""
    with pytest.raises(PolicyError, match=r"did you mean SchoolSchedule\?"):
        parse(a_schedule() | {"kind": "SchoolShedule"})


def test_another_version_is_refused() -> None:
    """An object of a version we do not know is not guessed at."""
    with pytest.raises(PolicyError, match=r"sonnerie\.dev/v1alpha1"):
        parse(a_site() | {"apiVersion": "sonnerie.dev/v2"})


def test_a_status_of_another_version_does_not_spoil_the_policy() -> None:
    """What an older controller wrote into status is skipped, not refused."""
    site = BY_NAME["Site"].model
    found = parse_json(site, '{"apiVersion": "sonnerie.dev/v1alpha1", "kind": "Site", "metadata": {"name": "a"}, '
                             '"spec": {"provider": "p"}, "status": {"mood": "good"}}')  # fmt: skip
    assert found.status is not None


@pytest.mark.parametrize(
    ("text", "seconds"), [("45s", 45), ("15m", 900), ("1h30m", 5400), ("0s", 0), ("90m", 5400), ("1h1m1s", 3661)]
)
def test_durations_are_read_as_go_reads_them(text: str, seconds: int) -> None:
    """The API server's rules and ours see the same length."""
    assert parse_duration(text).total_seconds() == seconds
    assert parse_duration(write_duration(parse_duration(text))).total_seconds() == seconds
