"""The table of faults, the networks they happen in, and the summary that is made of them."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from tests.faults.cast import SITES
from tests.faults.figures import Details, Figures
from tests.faults.network import Aliases, Rule, ruleset
from tests.faults.report import KEYS, page
from tests.faults.simulated import simulate
from tests.faults.summary import Run, combined, keep, missed, nearest_rank, read_results, result, summary
from tests.faults.table import FAULTS, KILLED, Fault

ONE = Figures(
    decided_seconds=6.0,
    moved_95_percent_seconds=2.0,
    requests_total=1000,
    requests_failed=10,
    failed_site_seconds=1.2,
    max_destination_utilisation=0.7,
    reversals=0,
    empty_answers=0,
    false_shifts=0,
)
WHY = Details(
    decided_by_all_seconds=7.0,
    effect_seconds=1.0,
    normal_site_requests_per_second=8.0,
    failed_first_attempts=9,
    false_shifts_were=(),
    weightless=0,
)
SERIES = {
    "from": -2,
    "heal": 1.0,
    "requests": {"a": [1, 2, 3, 4], "failed": [0, 0, 1, 0]},
    "weights": {"a": [100.0, None, 100.0, 50.0]},
    "decisions": [],
}


def test_every_fault_has_a_name_of_its_own_and_ends() -> None:
    """Names are keys of the summary; whatever is done is done before the repair."""
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    for fault in FAULTS:
        assert all(after < fault.lasts for after, _ in fault.steps), fault.name
        assert set(fault.sick) <= set(SITES), fault.name


def test_losing_packets_never_cuts_off_the_harness() -> None:
    """The rules name places and no other address, so that what is lost can be measured and repaired."""
    others = {"a": "198.18.1.1", "b": "198.18.2.1"}
    text = ruleset([Rule(), Rule(peers=("b",), percent=30, arriving=False)], others)
    assert "198.18.0." not in text
    assert "ip saddr 198.18.1.0/24 drop" in text
    assert "ip daddr 198.18.2.0/24 numgen random mod 100 < 30 drop" in text
    assert "ip saddr 198.18.2.0/24 numgen" not in text


def test_without_networks_of_its_own_no_packet_is_lost_in_silence() -> None:
    """On loopback a fault that loses packets is refused, not shown as harmless."""
    aliases = Aliases()
    aliases.place("a")
    aliases.lose("a", [])
    with pytest.raises(OSError, match="no network namespaces"):
        aliases.lose("a", [Rule()])


def test_of_many_runs_the_worst_counts_and_a_run_without_the_figure_spoils_it() -> None:
    """Requests add up; p99 of thirty runs is the slowest; a run that never decided is no success."""
    slow = replace(ONE, decided_seconds=9.0)
    never = replace(ONE, decided_seconds=None)
    runs = [Run(figures=each, details=WHY, load=1.0) for each in (ONE, slow)]
    assert combined(runs)["decided_seconds"] == 9.0
    assert combined(runs)["requests_total"] == 2000
    assert combined([*runs, Run(figures=never, details=WHY, load=1.0)])["decided_seconds"] is None
    assert nearest_rank(list(range(1, 201)), 0.99) == 198


def test_a_figure_that_is_missing_misses_its_bar() -> None:
    """A bar is met by a measured figure alone."""
    assert missed(KILLED, _as_dict(ONE), 1.0) == []
    told = missed(KILLED, {**_as_dict(ONE), "decided_seconds": None, "reversals": 2}, 1.0)
    assert told == ["decided_seconds: not measured, must be ≤ 10.0", "reversals: 2, must be ≤ 1"]


def test_the_summary_has_the_same_keys_for_every_fault(tmp_path: Path) -> None:
    """Programs read the nine keys of any fault, and the report shows them all with a plot."""
    for fault in FAULTS[:2]:
        keep(tmp_path, result(fault, "one-site", [Run(figures=ONE, details=WHY, load=0.5)], SERIES))
    written = json.loads((tmp_path / "summary.json").read_text())
    assert written == json.loads(json.dumps(summary(tmp_path)))
    assert list(written["faults"]) == [fault.name for fault in FAULTS[:2]]
    for told in written["faults"].values():
        assert set(KEYS) <= told.keys()
        assert "series" not in told
    html = page(read_results(tmp_path))
    assert html.count("<svg") == 2
    assert "http" not in html


def test_the_keys_are_those_of_the_figures() -> None:
    """The report and the summary tell every figure that is measured."""
    assert tuple(field.name for field in fields(Figures)) == KEYS


@pytest.mark.parametrize("name", ["partition-2-2", "edge-killed", "controller-dead-since-03"])
def test_a_fault_without_words_in_the_simulator_is_not_simulated(name: str) -> None:
    """Half of a script would be another fault."""
    fault: Fault = next(fault for fault in FAULTS if fault.name == name)
    assert simulate(fault) is None


def _as_dict(figures: Figures) -> dict[str, object]:
    return {field.name: getattr(figures, field.name) for field in fields(figures)}
