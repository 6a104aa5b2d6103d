"""Every alert has a runbook, speaks of metrics that there are, and is named as the page of names has it."""

import re

import pytest

from controller.domain.plan import ConditionType
from controller.planning.explain import WELL_WHEN_FALSE
from tests.contracts import names
from tests.monitoring.rules import RUNBOOKS, Rule, rules

OF_THE_PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total"}
ALERTED = frozenset(re.findall(r'condition_not_well\{reason="(\w+)"', str([rule["expr"] for rule in rules()])))


def series_of(promql: str) -> set[str]:
    """The metrics of ours that a query asks for, without what a histogram adds to its name."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bsonnerie_[a-z0-9_]+", promql)}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_asks_for_metrics_that_there_are(rule: Rule) -> None:
    """A name that was misspelt would never fire, on the day it is needed."""
    asked = series_of(rule["expr"])
    assert asked
    assert asked <= names.metrics().keys()
    assert set(re.findall(r"\{\{ \$labels\.(\w+) \}\}", str(rule["annotations"]))) <= {"ent", "site", "reason"}


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    """Whoever is woken up reads what it means, what to look at and what to do."""
    assert sorted(path.stem for path in RUNBOOKS.glob("Sonnerie*.md")) == sorted(rule["alert"] for rule in rules())
    for rule in rules():
        page = (RUNBOOKS / f"{rule['alert']}.md").read_text("utf-8")
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"
        assert page.startswith(f"# {rule['alert']}\n")
        for part in ("## See\n", "## Do\n", "```sh\n", "It ends when "):
            assert part in page, f"{rule['alert']}: {part}"
        assert rule["labels"]["severity"] in ("critical", "warning")


def test_every_condition_that_can_be_not_well_is_alerted_or_follows_from_another() -> None:
    """A condition that nobody is told of is found by users."""
    told_otherwise = {
        ConditionType.READY: "by SonnerieSiteDown, SonnerieScalingLimited and SonnerieFloorNotReady",
        ConditionType.POLICY_VALID: "by SonneriePolicyInvalid",
        ConditionType.TRAFFIC_SHIFTED: "nothing is wrong with it: it is where users are served",
        ConditionType.FROZEN: "somebody ordered it, and nothing is at risk",
    }
    assert ALERTED | {str(kind) for kind in told_otherwise} == {str(kind) for kind in ConditionType}
    assert {str(kind) for kind in WELL_WHEN_FALSE} & ALERTED


def test_runbooks_name_commands_that_there_are() -> None:
    """Nobody types a command at night that never was."""
    from controller.cli import app

    known = {command.callback.__name__ for command in app.registered_commands if command.callback is not None}
    for page in RUNBOOKS.glob("*.md"):
        used = set(
            re.findall(r"\bsonnerie (run|probe|status|explain|preflight|replay|check|plan)\b", page.read_text("utf-8"))
        )
        assert used <= known, f"{page.name}: {used - known}"
