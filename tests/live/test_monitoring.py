"""Alerts on promtool and the dashboard on a real Prometheus, fed with what the controller really exposes."""

import asyncio
import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.domain.memory import Memory, SiteMemory, Verdict
from controller.domain.names import SiteName
from controller.domain.plan import (
    Admission,
    Because,
    Condition,
    ConditionStatus,
    ConditionType,
    Withheld,
)
from controller.domain.readings import Missing, ReadingReason, Stale
from controller.domain.reasons import Reason
from controller.observe.metrics_source import QueryError
from controller.observe.prometheus import PrometheusSource
from controller.observe.prometheus_address import PrometheusAddress
from controller.planning.decide import decide
from controller.runtime.clock import SystemClock
from controller.runtime.journal import News
from controller.runtime.telemetry import Telemetry
from tests.builders import a_window, a_world, key
from tests.live.scraping import exposing, prometheus
from tests.monitoring.rules import MONITORING, Rule, promtool, rules

pytestmark = pytest.mark.live

DEADLINE_SECONDS = 60.0
CLOCK = SystemClock()
HOUR, DAY = 3600, 86400
NORD = 'ent="ents/nord"'


def constant(series: str, value: float) -> dict[str, str]:
    """A series that stays what it is for two hours of minutes."""
    return {"series": series, "values": f"{value:g}+0x120"}


def not_well(condition: str, **labels: str) -> dict[str, str]:
    """A condition that somebody should look at, from the first minute on."""
    given = {"ent": "ents/nord", "site": ""} | labels
    inside = ",".join(f'{name}="{value}"' for name, value in given.items())
    return constant(f'sonnerie_condition_not_well{{{inside},reason="{condition}"}}', 1)


def bell(at: float) -> dict[str, str]:
    """A bell, in seconds since the beginning of the test."""
    return constant(f"sonnerie_next_bell_timestamp_seconds{{{NORD}}}", at)


ALIVE = {"series": "sonnerie_last_cycle_timestamp_seconds", "values": "0+60x120"}
ENT, ENT_AND_SITE, SITE = {"ent": "ents/nord"}, {"ent": "ents/nord", "site": ""}, {"site": "a"}
Case = tuple[str, list[dict[str, str]], str, dict[str, str] | None]
CASES: list[Case] = [
    ("SonnerieLoopStale", [ALIVE], "60m", None),
    ("SonnerieLoopStale", [constant("sonnerie_last_cycle_timestamp_seconds", 0)], "3m", {}),
    ("SonnerieLoopStale", [], "3m", {}),
    ("SonnerieNoLeader", [constant('sonnerie_leader{pod="x"}', 0), constant('sonnerie_leader{pod="y"}', 0)], "3m", {}),
    (
        "SonnerieNoLeader",
        [constant('sonnerie_leader{pod="x"}', 0), constant('sonnerie_leader{pod="y"}', 1)],
        "9m",
        None,
    ),
    (
        "SonnerieStatusNotWritten",
        [{"series": f'sonnerie_status_write_failures_total{{{NORD},site=""}}', "values": "0+1x60"}],
        "20m",
        ENT_AND_SITE,
    ),
    (
        "SonnerieInvariantStoppedAction",
        [{"series": 'sonnerie_invariant_violations_total{reason="last site"}', "values": "0x10 1x60"}],
        "12m",
        {"reason": "last site"},
    ),
    ("SonnerieFloorNotReady", [bell(HOUR), not_well("Prescaled")], "50m", None),
    ("SonnerieFloorNotReady", [bell(HOUR), not_well("Prescaled")], "59m", ENT),
    ("SonnerieFloorNotReady", [bell(HOUR), constant(f'sonnerie_pending_seconds{{{NORD},site="a"}}', 400)], "40m", None),
    ("SonnerieFloorNotReady", [bell(HOUR), constant(f'sonnerie_pending_seconds{{{NORD},site="a"}}', 400)], "46m", ENT),
    ("SonnerieFloorNotReady", [bell(HOUR), constant(f'sonnerie_pending_seconds{{{NORD},site="a"}}', 100)], "46m", None),
    ("SonnerieFloorNotWritable", [not_well("FloorWritable")], "6m", ENT_AND_SITE),
    ("SonnerieReserveLost", [not_well("ReserveReady")], "4m", None),
    ("SonnerieReserveLost", [not_well("ReserveReady")], "6m", ENT_AND_SITE),
    ("SonnerieScalingLimited", [not_well("ScalingLimited")], "11m", ENT_AND_SITE),
    ("SonnerieCalendarEnds", [constant(f"sonnerie_calendar_end_timestamp_seconds{{{NORD}}}", 15 * DAY)], "5m", None),
    ("SonnerieCalendarEnds", [constant(f"sonnerie_calendar_end_timestamp_seconds{{{NORD}}}", 13 * DAY)], "5m", ENT),
    ("SonneriePausedBeforeBell", [bell(HOUR * 1.5), not_well("Paused")], "20m", None),
    ("SonneriePausedBeforeBell", [bell(HOUR * 1.5), not_well("Paused")], "40m", ENT),
    ("SonnerieSiteDown", [constant('sonnerie_site_verdict{site="a",reason="Down"}', 1)], "1m", SITE),
    ("SonnerieSiteDown", [constant('sonnerie_site_verdict{site="a",reason="Down"}', 0)], "1m", None),
    ("SonnerieQuorumImpossible", [not_well("QuorumPossible", ent="", site="a")], "6m", {"ent": "", "site": "a"}),
    ("SonneriePoliciesDiffer", [not_well("PoliciesAgree", ent="", site="a")], "31m", {"ent": "", "site": "a"}),
    ("SonneriePoliciesDiffer", [not_well("PoliciesAgree", ent="", site="a")], "20m", None),
    ("SonnerieSilentObserver", [constant('sonnerie_report_age_seconds{site="a"}', 60)], "3m", SITE),
    ("SonnerieSilentObserver", [constant('sonnerie_report_age_seconds{site="a"}', 3)], "3m", None),
    ("SonnerieMetricsMissing", [not_well("MetricsAvailable")], "11m", ENT_AND_SITE),
    ("SonnerieCredentialEnds", [constant('sonnerie_credential_end_timestamp_seconds{site="a"}', 6 * DAY)], "1m", SITE),
    ("SonnerieCredentialEnds", [constant('sonnerie_credential_end_timestamp_seconds{site="a"}', 8 * DAY)], "1m", None),
    ("SonnerieRivalWriter", [not_well("RivalWriter")], "1m", ENT_AND_SITE),
    ("SonnerieBottleneckElsewhere", [not_well("BottleneckElsewhere")], "4m", ENT_AND_SITE),
    ("SonneriePolicyInvalid", [constant("sonnerie_policy_problems", 2)], "11m", {}),
]


def expected(rule: Rule, labels: dict[str, str]) -> dict[str, Any]:
    """What promtool is to find: empty labels are none."""

    def filled(text: str) -> str:
        return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels.get(found[1], ""), text)

    return {
        "exp_labels": {name: value for name, value in labels.items() if value} | rule["labels"],
        "exp_annotations": {name: filled(text) for name, text in rule["annotations"].items()},
    }


def test_promtool_takes_the_rules(tmp_path: Path) -> None:
    """Every expression is one, in the Prometheus that is here."""
    done = promtool("check", "rules", "rules.json", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules())} rules found" in done.stdout


def test_alerts_fire_when_they_should_and_at_no_other_time(tmp_path: Path) -> None:
    """Both replicas tell the same, and each alert comes once, with its sentence."""
    by_name = {rule["alert"]: rule for rule in rules()}
    assert {alert for alert, _, _, labels in CASES if labels is not None} == by_name.keys()
    tests = [
        {
            "interval": "1m",
            "input_series": series,
            "alert_rule_test": [
                {
                    "alertname": alert,
                    "eval_time": at,
                    "exp_alerts": [] if labels is None else [expected(by_name[alert], labels)],
                }
            ],
        }
        for alert, series, at, labels in CASES
    ]
    (tmp_path / "test.json").write_text(
        json.dumps({"rule_files": ["rules.json"], "evaluation_interval": "1m", "tests": tests})
    )
    done = promtool("test", "rules", "test.json", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def exposed() -> Telemetry:
    """What a controller tells in a morning in which something of everything happens."""
    now = CLOCK.now()
    ahead = tuple(a_window(key(), now + timedelta(minutes=after), 30, 100.0) for after in (2, 20))
    world = a_world(now, windows=ahead)
    stale = Stale(value=1.0, at=now, reason=ReadingReason.TIMED_OUT)
    first, second, *others = world.readings
    unseen = replace(second, reading=Missing(reason=ReadingReason.UNREACHABLE))
    world = replace(world, readings=(replace(first, reading=stale), unseen, *others))
    plan = decide(world, now)
    because = Because(reason=Reason.RESERVE_LOST, text="made up")
    lost = Condition(of=key(), type=ConditionType.RESERVE_READY, status=ConditionStatus.FALSE, because=because)
    admission = Admission(ent=key(), demand_per_second=100.0, served_per_second=90.0, admit_permille=900)
    plan = replace(plan, conditions=(lost,), admission=(admission,))
    telemetry = Telemetry()
    sites = tuple(
        SiteMemory(site=SiteName(s), verdict=v, since=now) for s, v in (("a", Verdict.HEALTHY), ("b", Verdict.DOWN))
    )
    telemetry.show_world(world, Memory(sites=sites), now)
    telemetry.outlook.show_plan(world, plan, now)
    telemetry.outlook.calendar.labels(ent=str(key())).set(now.timestamp() + DAY)
    telemetry.outlook.credentials.labels(site="a").set(now.timestamp() + DAY)
    held = tuple(Withheld(action=action, because=because) for action in plan.actions)
    telemetry.show_news(News(actions=plan.actions, withheld=held), [str(because.reason)])
    telemetry.leader.set(1)
    telemetry.problems.set(1)
    telemetry.last_cycle.set(now.timestamp())
    telemetry.evidence_age.set(1.0)
    telemetry.unwritten.labels(ent=str(key()), site="").inc()
    telemetry.violations.labels(reason="made up").inc()
    assert plan.actions
    return telemetry


def queries() -> Iterator[tuple[str, str]]:
    """Every query of the dashboard with the title of its panel, as Grafana would ask it."""
    dashboard = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$__rate_interval", "4s").replace("$ent", ".*")


async def test_every_query_of_the_dashboard_has_data(tmp_path: Path) -> None:
    """A panel that stays empty teaches people not to look."""
    telemetry = exposed()

    def text() -> str:
        telemetry.cycle_seconds.observe(0.02)
        telemetry.round_seconds.observe(0.3)
        return telemetry.text().decode()

    with exposing(text) as exporter, prometheus(tmp_path, {"sonnerie": exporter}) as port:
        source = PrometheusSource(PrometheusAddress(url=f"http://127.0.0.1:{port}"), deadline_seconds=5.0)
        empty = dict(enumerate(queries()))
        assert len(empty) >= 25
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while empty:
                    for number, (_, query) in list(empty.items()):
                        if await _answered(source, query):
                            del empty[number]
                    await asyncio.sleep(0.5)
        except TimeoutError:
            raise AssertionError(f"without data: {list(empty.values())}") from None
        finally:
            await source.close()


async def _answered(source: PrometheusSource, query: str) -> bool:
    """Tell whether there is a number; a Prometheus that is still starting has none."""
    try:
        found = await source.query(query)
    except QueryError:
        return False
    return any(not math.isnan(sample.value) for sample in found)
