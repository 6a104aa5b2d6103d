"""Policy files: what YAML does behind an author's back, and errors with their place."""

from pathlib import Path

import pytest
import yaml

from controller.policy.errors import PolicyError
from controller.policy.load import load, load_text
from controller.policy.schedule import SchoolSchedule
from tests.policy.objects import a_schedule, a_site, an_ent, changed

ROOT = Path(__file__).parents[2]
SITE = "apiVersion: sonnerie.dev/v1alpha1\nkind: Site\nmetadata: {name: gra}\nspec: {provider: p}\n"


def refusal(text: str) -> str:
    """The message with which a text is refused."""
    with pytest.raises(PolicyError) as refused:
        load_text(text, "f.yaml")
    return str(refused.value)


def test_the_shipped_policies_load() -> None:
    """What we ship to be copied is right."""
    kinds = {item.resource.kind for item in load([ROOT / "policies"])}
    assert {"Site", "RegionalENT", "SchoolCalendar", "SchoolSchedule", "SchoolEvent"} <= kinds


def test_a_time_without_quotes_is_a_time() -> None:
    """YAML 1.1 would read 08:30 as the number 510, and a date as a date."""
    text = yaml.safe_dump(a_schedule()).replace("'", "").replace("at: 08:00", "at: 08:30")
    text = text.replace("connectionsPerSecond: 40", "connectionsPerSecond: '40'").replace(": 2.5", ": '2.5'")
    [loaded] = load_text(text, "f.yaml")
    assert isinstance(loaded.resource, SchoolSchedule)
    assert str(loaded.resource.spec.days[0].bells[0].at) == "08:30:00"


def test_several_documents_are_read_and_empty_ones_skipped() -> None:
    """A file may hold a whole fleet."""
    text = f"---\n{SITE}---\n---\n{SITE.replace('gra', 'sbg')}---\n"
    assert [item.resource.metadata.name for item in load_text(text, "f.yaml")] == ["gra", "sbg"]


def test_a_namespace_may_stand_beside_what_lives_in_it() -> None:
    """It is Kubernetes' own and not read; anything else that is not ours is a mistake."""
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: portals}\n"
    assert [item.resource.metadata.name for item in load_text(f"{namespace}---\n{SITE}", "f.yaml")] == ["gra"]
    assert "is not a kind of Sonnerie" in refusal(namespace.replace("apiVersion: v1", "apiVersion: v2"))
    assert "is not a kind of Sonnerie" in refusal(namespace.replace("Namespace", "ConfigMap"))


def test_a_problem_names_file_line_column_field_and_remedy() -> None:
    """The author's editor can jump to it."""
    assert refusal(SITE.replace("provider: p", "provider: p, quota: {replicas: '4'}")) == (
        "f.yaml:4:29: Site gra: spec.quota.replicas: '4' is text; remove the quotes"
    )


def test_a_missing_field_is_placed_at_what_should_hold_it() -> None:
    """There is no line for what is not there, so the nearest thing around it is named."""
    assert refusal(SITE.replace("provider: p", "")) == "f.yaml:4:1: Site gra: spec.provider: is required"


def test_a_broken_rule_is_placed_at_the_field_it_blames() -> None:
    """Rules over several fields point at one of them."""
    text = yaml.safe_dump(changed(an_ent(), ("spec", "placements", 0, "min"), 99), sort_keys=False)
    line = text[: text.index("min: 99")].count("\n") + 1
    assert refusal(text).startswith(f"f.yaml:{line}:5: RegionalENT hdf: spec.placements[0].min: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SITE + "kind: Site\n", "f.yaml:5:1: kind stands twice"),
        (SITE + "<<: {a: b}\n", "merge keys"),
        ("a: b: c\n", "f.yaml:1:5: not YAML"),
        ("- one\n- two\n", "must be a mapping with apiVersion, kind and spec"),
        ("just text\n", "must be a mapping"),
        ("? [1, 2]\n: x\n", "the name of a field must be text"),
        ("kind: !!python/name:os.system x\n", "is not taken"),
        ("[" * 900_000, "nested more than"),
        ("\x00", "not YAML"),
        (SITE + "extra: 1e999\n", "holds what JSON cannot"),
        (SITE + "extra: *nothing\n", "undefined alias"),
    ],
    ids=lambda value: value[:24],
)
def test_bad_yaml_is_refused_with_its_place(text: str, said: str) -> None:
    """No input makes a traceback."""
    assert said in refusal(text)


def test_a_yaml_bomb_is_refused() -> None:
    """Aliases of aliases may not eat the memory."""
    levels = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    levels += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    assert "grows without bound" in refusal("\n".join(levels))


def test_an_alias_that_contains_itself_is_refused() -> None:
    """A loop is not a policy."""
    assert "grows without bound" in refusal("a: &a [*a]\n")


def test_input_that_is_partly_bad_is_refused_whole_with_every_problem(tmp_path: Path) -> None:
    """Half a policy is worse than none."""
    (tmp_path / "good.yaml").write_text(SITE)
    (tmp_path / "latin.yaml").write_bytes(SITE.replace("gra", "\xe9").encode("latin-1"))
    (tmp_path / "wrong.yml").write_text(yaml.safe_dump(changed(a_site("b"), ("spec", "provider"), 3)))
    (tmp_path / "huge.yaml").write_text("# \n" * 400_000)
    (tmp_path / "kustomization.yaml").write_text("resources: []")
    (tmp_path / "notes.txt").write_text("not a policy")
    with pytest.raises(PolicyError) as refused:
        load([tmp_path, tmp_path / "absent.yaml"])

    said = str(refused.value)
    assert len(refused.value.problems) == 4
    assert all(part in said for part in ("is not UTF-8", "spec.provider", "larger than 1 MB", "cannot be read"))


def test_the_same_object_twice_is_refused(tmp_path: Path) -> None:
    """Which of two files wins must never depend on their names."""
    (tmp_path / "one.yaml").write_text(SITE)
    (tmp_path / "two.yaml").write_text(SITE)
    with pytest.raises(PolicyError, match=r"two\.yaml:3:12: Site gra: metadata\.name: stands twice"):
        load([tmp_path])
