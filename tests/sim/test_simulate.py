"""Whole mornings, and the command: figures that programs rely on."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from controller.policy.crd import document_schema
from controller.policy.errors import PolicyError
from controller.sim.controller import Controller, Known, Seen, Wish
from controller.sim.measure import FIGURES
from controller.sim.run import CONTROLLERS, draw, judged, outcomes_of, summary, together
from controller.sim.scenario import FaultKind, Scenario
from controller.sim.scenario_file import SHIPPED, load_demand, load_faults, load_scenario, with_faults
from tests import typed
from tests.sim.worlds import MORNING, a_scenario

KEYS = {
    "overload_seconds",
    "overload_seconds_worst_ent",
    "unserved_share",
    "users_turned_away",
    "replica_hours",
    "replica_hours_over_optimum",
    "weight_reversals",
    "replica_reversals",
    "scale_downs_on_bad_data",
    "shifts",
    "max_destination_utilisation",
}
"""Of every result, and of every aggregate (issue: the command)."""

SMALL = """
schema: sonnerie.dev/scenario/v1
name: small
story: A quarter of an hour.
from: "2021-03-15T08:30"
until: "2021-03-15T08:45"
sites: [{name: a}, {name: b}]
ents: [{name: nord, sites: [a, b]}]
"""


def a_file(folder: Path, text: str, name: str = "small.yaml") -> Path:
    """Write a file and return its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def sonnerie(*arguments: str) -> None:
    """Run the command, and demand that it ends well."""
    done = subprocess.run([sys.executable, "-m", "controller", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class Shrinks:
    """Takes everything away whatever it sees: a controller as bad as can be."""

    name = "shrinks"
    interval_seconds = 15.0

    def __init__(self, known: Known) -> None:
        self._known = known

    def decide(self, seen: Seen) -> Wish:
        """Wish for the minimum."""
        return Wish(replicas={(p.ent, p.site): p.min_replicas for p in seen.placements}, weights={})


def shrinks(known: Known) -> Controller:
    """Make one."""
    return Shrinks(known)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_scenario_loads_and_expects_figures_that_exist(path: Path) -> None:
    """A scenario's name is its file's; what it expects is measured, of controllers that exist."""
    scenario = load_scenario(path)
    assert scenario.name == path.stem
    assert {e.figure for e in scenario.expect} <= set(FIGURES)
    assert {e.controller for e in scenario.expect} <= set(CONTROLLERS)


def test_the_same_seed_gives_the_same_figures_and_decisions() -> None:
    """Byte for byte: our planner and a peer, in two runs."""
    first, second = (
        [(o.figures, o.decisions) for o in outcomes_of(draw(a_scenario(), 3, None), ["sonnerie", "hpa-tuned"])]
        for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("kind", [k for k in FaultKind if k.value.startswith("metrics")])
@pytest.mark.parametrize("start", ["08:31", "08:50", "09:02"])
def test_nothing_shrinks_or_moves_on_bad_data(kind: FaultKind, start: str) -> None:
    """Before, at and after the peak, whatever the fault of the metrics, and for a window after it."""
    fault = {"kind": kind, "from": f"2021-03-15T{start}", "until": "2021-03-15T09:10"}
    (outcome,) = outcomes_of(draw(a_scenario(faults=[fault]), 1, None), ["sonnerie"])
    assert outcome.figures.scale_downs_on_bad_data == 0
    assert outcome.figures.moves_on_bad_data == 0
    assert outcome.violations == ()


def test_the_figures_can_be_bad() -> None:
    """A controller that takes everything away is overloaded, and shrinks on bad data: the measure sees it."""
    fault = {"kind": "metricsGap", "from": "2021-03-15T08:30", "until": "2021-03-15T09:30"}
    scenario = a_scenario(faults=[fault], expect=[{"controller": "shrinks", "figure": "overload_seconds", "most": 0}])
    found = list(outcomes_of(draw(scenario, 1, None), ["shrinks"], {"shrinks": shrinks}))
    figures = found[0].figures
    assert figures.overload_seconds > 300
    assert figures.unserved_share > 0.1
    assert figures.scale_downs_on_bad_data >= 1
    assert [each.met for each in judged(scenario, together([(1, found[0])]))] == [False]
    dear, cheap = (replace(found[0], figures=replace(figures, replica_hours_over_optimum=over)) for over in (1.3, 1.0))
    runs = together([(1, dear), (2, cheap)])
    for figure, most, met in (("replica_hours_over_optimum", 1.2, True), ("overload_seconds", 300, False)):
        expected = [{"controller": "shrinks", "figure": figure, "most": most}]
        assert [each.met for each in judged(a_scenario(expect=expected), runs)] == [met], "costs are judged by the mean"


def test_a_lost_site_is_left_within_seconds() -> None:
    """Its users fail for as long as the vote and the edge take, and the destinations carry them."""
    fault = {"kind": "siteDown", "sites": ["a"], "from": "2021-03-15T09:05"}
    (outcome,) = outcomes_of(draw(a_scenario(faults=[fault]), 1, None), ["sonnerie"])
    assert 1 <= outcome.figures.overload_seconds <= 20
    assert outcome.figures.max_destination_utilisation <= 0.85
    assert outcome.figures.shifts >= 1


def test_the_command_writes_figures_under_their_names(tmp_path: Path) -> None:
    """JSON with every key of the contract, and a page without scripts or addresses."""
    scenario, figures, page = a_file(tmp_path, SMALL), tmp_path / "figures.json", tmp_path / "page.html"
    asked = ["simulate", str(scenario), "--controllers", "sonnerie,hpa-cpu", "--runs", "2", "--seed", "5"]
    sonnerie(*asked, "--json", str(figures), "--html", str(page))
    document = json.loads(figures.read_text())
    assert (document["schema_version"], document["scenario"]) == (1, "small")
    assert [run["seed"] for run in document["runs"]] == [5, 6]
    for run in document["runs"]:
        assert [result["controller"] for result in run["results"]] == ["sonnerie", "hpa-cpu"]
        assert all(result.keys() >= KEYS for result in run["results"])
    for aggregate in document["aggregate"]:
        assert all(aggregate[key].keys() == {"mean", "p50", "p99", "max"} for key in KEYS)
    html = page.read_text()
    assert "<script" not in html
    assert "http" not in html
    assert "hpa-cpu" in html


def test_a_recorded_load_and_further_faults_are_taken(tmp_path: Path) -> None:
    """`--demand` replaces the users, `--faults` adds to what goes wrong."""
    scenario = a_file(tmp_path, SMALL)
    lines = "\n".join(f"2021-03-15T07:{minute}:00Z,200" for minute in range(30, 45))
    demand = a_file(tmp_path, f"timestamp,value\n{lines}\n", "load.csv")
    faults = a_file(tmp_path, 'faults: [{kind: siteDown, sites: [a], from: "2021-03-15T08:35"}]\n', "faults.yaml")
    figures = tmp_path / "figures.json"
    asked = ["simulate", str(scenario), "--demand", str(demand), "--faults", str(faults), "--json", str(figures)]
    sonnerie(*asked)
    (result,) = json.loads(figures.read_text())["runs"][0]["results"]
    assert result["shifts"] >= 1


def test_a_missed_expectation_can_end_a_script(tmp_path: Path) -> None:
    """With `--strict` the exit code says it; without, only the table and the JSON do."""
    scenario = a_file(tmp_path, SMALL + "expect: [{figure: replica_hours, most: 0}]\n")
    done = typed.sonnerie("simulate", scenario, "--strict")
    assert (done.returncode, "missed: small: replica_hours" in done.stderr) == (1, True)
    assert typed.sonnerie("simulate", scenario).returncode == 0


def test_summary_gives_nearest_ranks() -> None:
    """The 99th percentile of a hundred is the ninety-ninth."""
    assert summary([float(n) for n in range(1, 101)]) == {"mean": 50.5, "p50": 50.0, "p99": 99.0, "max": 100.0}
    assert summary([]) == {"mean": None, "p50": None, "p99": None, "max": None}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("sites: [a, b]", "sites: [a, c]"), "'c' is not a site here"),
        (('until: "2021-03-15T08:45"', 'until: "2021-03-15T08:15"'), "must be after `from`"),
        (('from: "2021-03-15T08:30"', 'from: "half past eight"'), "is not a local date and time"),
        (("story:", "storey:"), "did you mean story"),
    ],
)
def test_a_bad_scenario_is_told_with_its_line(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    """What is wrong, where, and what to write."""
    path = a_file(tmp_path, SMALL.replace(*change))
    with pytest.raises(PolicyError) as refused:
        load_scenario(path)
    assert said in str(refused.value)
    assert f"{path}:" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,value\n", "must be `timestamp,value`"),
        ("timestamp,value\n", "there are no values"),
        ("timestamp,value\n2021-03-15T07:00:00,1\n", "has no offset"),
        ("timestamp,value\n2021-03-15T07:00:00Z,-1\n", "is not a demand"),
        ("timestamp,value\n2021-03-15T07:00:00Z,1\n2021-03-15T06:00:00Z,1\n", "time must run forwards"),
    ],
)
def test_a_bad_table_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    """Nothing is guessed of a load that is not written as it must be."""
    with pytest.raises(PolicyError, match=said):
        load_demand(a_file(tmp_path, text, "load.csv"))


def test_a_fault_at_a_site_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Faults of a file must fit the scenario."""
    faults = load_faults(a_file(tmp_path, f'faults: [{{kind: siteDown, sites: [z], from: "{MORNING["from"]}"}}]\n'))
    with pytest.raises(PolicyError, match="'z' is not a site here"):
        with_faults(a_scenario(), faults)


def test_the_editors_schema_is_that_of_the_model() -> None:
    """`sonnerie schema scenario` and the shipped file say the same."""
    shipped = json.loads((SHIPPED.parent / "schema" / "scenario.json").read_text(encoding="utf-8"))
    assert shipped == document_schema(Scenario)
    assert shipped["additionalProperties"] is False
