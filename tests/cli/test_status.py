"""`sonnerie status`: what the statuses say, at a glance."""

import io
from datetime import timedelta
from typing import Any

from rich.console import Console

from controller.cli.status import assembled, shown
from tests.builders import BELL

LEADER = {"identity": "one_1", "renewed_at": "2026-09-01T06:59:58.500000Z"}
WELL = [{"type": "Ready", "status": "True", "reason": "AllWell", "message": "fine"}]


def an_ent(conditions: list[dict[str, str]], **status: Any) -> dict[str, Any]:
    """An ENT as the API server has it."""
    return {
        "metadata": {"name": "nord", "namespace": "ents"},
        "spec": {"region": "FR-HDF"},
        "status": {"conditions": conditions, **status},
    }


def a_site(conditions: list[dict[str, str]], **status: Any) -> dict[str, Any]:
    """A site as the API server has it."""
    return {"metadata": {"name": "a"}, "spec": {"provider": "x"}, "status": {"conditions": conditions, **status}}


def text(found: dict[str, Any]) -> str:
    """What a terminal shows."""
    console = Console(file=io.StringIO(), width=160, color_system=None)
    console.print(shown(found))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_all_is_well() -> None:
    """One leader, all conditions as they should be."""
    ent = an_ent(
        WELL, readyReplicas=12, wantedReplicas=12, serving="a 60 % b 40 %", nextBell="09:00 bell", summary="ok"
    )
    found = assembled([a_site(WELL, verdict="Healthy")], [ent], dict(LEADER), BELL)
    assert found["well"]
    assert found["leader"]["age_seconds"] == 1.5
    shows = text(found)
    for expected in ("ents/nord", "12", "a 60 % b 40 %", "09:00 bell", "Healthy", "led by one_1"):
        assert expected in shows


def test_what_is_not_well_is_told_with_its_sentence() -> None:
    """Types that are well when False among them; counts that are not known are no zeros."""
    conditions = [
        *WELL,
        {"type": "ReserveReady", "status": "False", "reason": "ReserveLost", "message": "after the worst loss"},
        {"type": "Frozen", "status": "False", "reason": "NotNeeded", "message": "no freeze"},
        {"type": "RivalWriter", "status": "True", "reason": "x", "message": "by argocd"},
    ]
    found = assembled([a_site(WELL, verdict="Down")], [an_ent(conditions)], dict(LEADER), BELL)
    assert not found["well"]
    (ent,) = found["ents"]
    assert [condition["type"] for condition in ent["not_well"]] == ["ReserveReady", "RivalWriter"]
    shows = text(found)
    assert "ReserveReady False: after the worst loss; RivalWriter True: by argocd" in " ".join(shows.split())
    assert "?" in shows


def test_nobody_leading_is_not_well() -> None:
    """No Lease, an empty one, or one that was not renewed."""
    ent, site = an_ent(WELL), a_site(WELL)
    for leader in (None, {"identity": None, "renewed_at": None}, dict(LEADER)):
        now = BELL + timedelta(minutes=5)
        assert not assembled([site], [ent], leader, now)["well"]


def test_an_object_that_no_controller_has_seen_is_not_well() -> None:
    """Missing is not fine."""
    ent = an_ent([])
    del ent["status"]
    (found,) = assembled([], [ent], dict(LEADER), BELL)["ents"]
    assert found["not_well"][0]["reason"] == "NoEvidence"
