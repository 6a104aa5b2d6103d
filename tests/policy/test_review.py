"""What files say together that is not so: each valid alone, each problem with its place."""

from pathlib import Path

import pytest

from controller.policy.errors import Problem
from controller.policy.load import load_text
from controller.policy.review import review, review_of

ROOT = Path(__file__).parents[2]

FLEET = """\
apiVersion: sonnerie.dev/v1alpha1
kind: Site
metadata: {name: north}
spec: {provider: one, quota: {replicas: 50}}
---
apiVersion: sonnerie.dev/v1alpha1
kind: SchoolCalendar
metadata: {name: zone-b}
spec:
  territory: zone-b
  source: a test
  publishedOn: 2025-12-05
  validFrom: 2026-01-01
  validUntil: 2026-12-31
---
apiVersion: sonnerie.dev/v1alpha1
kind: SchoolSchedule
metadata: {name: lycee, namespace: portals}
spec:
  days:
    - types: [SchoolDay]
      bells:
        - {name: first, at: "08:00", demand: {connectionsPerSecond: "40"}}
---
apiVersion: sonnerie.dev/v1alpha1
kind: RegionalENT
metadata: {name: hdf, namespace: portals}
spec:
  region: FR-HDF
  territory: zone-b
  timeZone: Europe/Paris
  calendarRef: zone-b
  scheduleRefs: [lycee]
  demandSignals:
    - {name: log-ins, signal: firstAttempts, capacityPerReplica: "4"}
  placements:
    - {site: north, target: {name: portal}, min: 2, max: 60, home: true}
"""

EVENT = """\
---
apiVersion: sonnerie.dev/v1alpha1
kind: SchoolEvent
metadata: {name: NAME}
spec:
  description: an event
  announcedOn: 2026-04-01
  firstDay: 2026-04-09
  lastDay: 2026-04-09
"""
RAISES = "  applies: {ents: [{namespace: portals, name: hdf}]}\n  multipliers: [{factor: '1.2', per: hour}]\n"
RAISES_ALL = "  applies: {territories: [zone-b]}\n  multipliers: [{factor: '1.2', per: hour}]\n"
SHUTS = "  suspend: {ents: [{namespace: portals, name: hdf}]}\n"
HALVES = "  reduce: {ents: [{namespace: portals, name: hdf}], percent: 50}\n"


def an_event(name: str, *parts: str) -> str:
    """An event of one day."""
    return EVENT.replace("NAME", name) + "".join(parts)


def found(text: str) -> tuple[Problem, ...]:
    """What is wrong with the text as a whole."""
    return review_of(load_text(text, "f.yaml"))


def line_of(text: str, part: str) -> int:
    """The line on which the part stands first."""
    return text[: text.index(part)].count("\n") + 1


def with_days(days: str) -> str:
    """The fleet with other days in its schedule."""
    start = FLEET.index("    - types: [SchoolDay]")
    return FLEET[:start] + days + FLEET[FLEET.index("---", start) :]


BELL = 'demand: {connectionsPerSecond: "%s"}'
AT_NIGHT = (
    '    - types: [Sunday]\n      bells:\n        - {name: night, at: "02:30", demand: {connectionsPerSecond: "1"}}\n'
)
HIDDEN = (
    "    - types: [SchoolDay]\n      windows:\n"
    '        - {name: day, start: "08:00", end: "18:00", demand: {connectionsPerSecond: "20"}}\n'
    '        - {name: lunch, start: "12:00", end: "13:00", demand: {connectionsPerSecond: "5"}}\n'
)


@pytest.mark.parametrize(
    ("text", "blamed", "said"),
    [
        (FLEET.replace("calendarRef: zone-b", "calendarRef: zone-bb"), "zone-bb", "did you mean zone-b?"),
        (FLEET.replace("scheduleRefs: [lycee]", "scheduleRefs: [lycees]"), "lycees]", "did you mean lycee?"),
        (FLEET.replace("site: north", "site: norht"), "norht", "did you mean north?"),
        (FLEET + an_event("e", SHUTS.replace("hdf", "hdff")), "hdff", "did you mean portals/hdf?"),
        (with_days(AT_NIGHT), 'at: "02:30"', "02:30 of night does not exist on 2026-03-29 in Europe/Paris"),
        (with_days(HIDDEN), "name: lunch", "lunch lies within day, which asks for as much or more"),
        (FLEET.replace("min: 2, max: 60", "min: 55, max: 60"), "min: 55", "the quota of Site north is 50"),
        (FLEET.replace('"40"', '"4000"'), "placements:", "08:00 first wants 4000.0/s, and all placements carry 150"),
        (FLEET + an_event("e", RAISES.replace("1.2", "99")), "placements:", "event e, schedule lycee: 08:00 first"),
        (FLEET + an_event("e", RAISES, SHUTS), "spec:\n  description", "raises demand while it shuts the portal"),
        (FLEET + an_event("e", RAISES) + an_event("f", SHUTS), "spec:\n  description", "event f shuts the portal"),
        (FLEET + an_event("e", RAISES) + an_event("f", HALVES), "spec:\n  description", "that event f lowers"),
    ],
    ids=lambda value: value[-40:],
)  # fmt: skip
def test_a_problem_between_resources_has_its_place(text: str, blamed: str, said: str) -> None:
    """The author's editor can jump to it, and reads what to do."""
    [problem] = found(text)
    assert said in problem.message
    assert problem.position is not None
    assert problem.position.line == line_of(text, blamed)


@pytest.mark.parametrize(
    "text",
    [
        FLEET,
        with_days(AT_NIGHT.replace("02:30", "03:00")),
        with_days(AT_NIGHT.replace("Sunday", "SchoolDay")),
        with_days(HIDDEN.replace('"5"', '"25"')),
        with_days(HIDDEN.replace('end: "13:00"', 'end: "18:30"')),
        FLEET + an_event("e", RAISES_ALL) + an_event("f", SHUTS),
        FLEET + an_event("e", HALVES) + an_event("f", SHUTS),
    ],
)
def test_what_makes_sense_is_not_complained_about(text: str) -> None:
    """A check that cries wolf is switched off: other days, more demand, a territory of which one ENT is shut."""
    assert found(text) == ()


def test_two_windows_that_are_the_same_are_told_once() -> None:
    """One of them stays."""
    same = HIDDEN.replace('start: "12:00", end: "13:00"', 'start: "08:00", end: "18:00"').replace('"5"', '"20"')
    [problem] = found(with_days(same))
    assert problem.field == "spec.days[0].windows[1]"


def test_a_bell_of_a_base_is_blamed_where_it_was_written() -> None:
    """Whoever extends a schedule is not blamed for it, and the base is blamed once."""
    more = (
        "---\napiVersion: sonnerie.dev/v1alpha1\nkind: SchoolSchedule\nmetadata: {name: other, namespace: portals}\n"
        "spec:\n  extends: lycee\n  days:\n    - types: [SchoolDay]\n"
    )
    text = with_days(AT_NIGHT).replace("scheduleRefs: [lycee]", "scheduleRefs: [lycee, other]") + more
    [problem] = found(text)
    assert problem.resource == "SchoolSchedule portals/lycee"


def test_everything_is_told_at_once_in_the_order_of_the_files(tmp_path: Path) -> None:
    """A broken file does not hide what is wrong elsewhere."""
    (tmp_path / "b.yaml").write_text(with_days(HIDDEN).replace("calendarRef: zone-b", "calendarRef: zoneb"))
    (tmp_path / "a.yaml").write_text("kind: Nonsense\n")
    (tmp_path / "c.yaml").write_bytes(b"\xff")
    count, problems = review([tmp_path])
    assert count == 4
    assert [Path(p.position.file).name for p in problems if p.position] == ["a.yaml", "b.yaml", "b.yaml", "c.yaml"]


def test_the_shipped_policies_have_no_problems() -> None:
    """What we ship to be copied is right, as a whole too."""
    count, problems = review([ROOT / "policies"])
    assert problems == ()
    assert count > 0


def test_shipped_files_tell_editors_their_schema() -> None:
    """An editor completes words and underlines mistakes in whatever is copied from here."""
    for path in sorted((ROOT / "policies").rglob("*.yaml")):
        kinds = {item.resource.kind for item in load_text(path.read_text("utf-8"), str(path))}
        for kind in kinds:  # a Namespace is none of ours
            schema = path.parent / ".." / "schema" / f"{kind.lower()}.json"
            assert schema.is_file()
            assert f"# yaml-language-server: $schema=../schema/{kind.lower()}.json" in path.read_text("utf-8"), path
