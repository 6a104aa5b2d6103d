"""The pages for machines and people."""

from dataclasses import replace

from aiohttp.test_utils import TestClient, TestServer

from controller.domain.memory import Samples
from controller.runtime.serve import Pages, application
from controller.runtime.telemetry import Telemetry
from controller.wire.plan import read_plan_line
from tests.actuate.test_apply import a_plan, an_action

PAGES = Pages(
    loop_age_seconds=lambda: 1.0,
    evidence_age_seconds=lambda: 1.0,
    stale_after_seconds=60.0,
    why_not_ready=lambda: None,
    metrics=lambda: Telemetry().text(),
    last_plan=lambda: None,
)


async def get(pages: Pages, path: str) -> tuple[int, str]:
    """Status and text of a page."""
    async with TestClient(TestServer(application(pages))) as client, client.get(path) as answer:
        return answer.status, await answer.text()


async def test_liveness_is_the_age_of_the_loop() -> None:
    """A hanging loop is restarted; a loop that waits for a dead API server is not."""
    assert (await get(PAGES, "/healthz"))[0] == 200
    status, text = await get(replace(PAGES, loop_age_seconds=lambda: 61.0), "/healthz")
    assert (status, text) == (503, "the loop last came round 61.0 s ago\n")
    status, text = await get(replace(PAGES, evidence_age_seconds=lambda: 61.0), "/healthz")
    assert (status, text) == (503, "the last evidence round was 61.0 s ago\n")


async def test_readiness_says_what_is_missing() -> None:
    """In words."""
    assert (await get(PAGES, "/readyz"))[0] == 200
    assert await get(replace(PAGES, why_not_ready=lambda: "there is no plan yet"), "/readyz") == (
        503,
        "there is no plan yet\n",
    )


async def test_metrics_have_our_prefix_and_only_the_agreed_labels() -> None:
    """Names of metrics are a contract with dashboards and alerts."""
    telemetry = Telemetry()
    text = (await get(replace(PAGES, metrics=telemetry.text), "/metrics"))[1]
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert all(name.startswith(("sonnerie_", "process_")) for name in names)
    labels = {label for collector in vars(telemetry).values() for label in getattr(collector, "_labelnames", ())}
    assert labels <= {"ent", "site", "edge", "reason"}


async def test_the_last_plan_is_shown_with_its_reasons() -> None:
    """For the person who asks why, and for programs: the very form of the wire contract."""
    assert (await get(PAGES, "/plan"))[0] == 503
    status, text = await get(replace(PAGES, last_plan=lambda: a_plan(an_action("grow"))), "/plan")
    assert status == 200
    shown = read_plan_line(text.encode()).plan
    assert shown.actions == (an_action("grow"),)
    assert shown.memory.samples == Samples()


async def test_the_last_plan_is_explained_in_words() -> None:
    """What was done, and why, without a JSON reader at hand."""
    assert (await get(PAGES, "/explain"))[0] == 503
    status, text = await get(replace(PAGES, last_plan=lambda: a_plan(an_action("grow"))), "/explain")
    assert status == 200
    assert "a bell" in text
    assert text.startswith("ents/nord\n  does     replicas of ents/nord at a 1 → 2")
