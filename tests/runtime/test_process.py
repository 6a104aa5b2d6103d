"""How the process ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from controller.runtime import process
from controller.runtime.journal import Journal, open_log
from controller.runtime.process import Controller, Outlets
from controller.runtime.settings import Address, Settings, read_settings
from tests.controlplane.ports import free_ports
from tests.runtime.test_journal import Log


def settings(folder: Path) -> Settings:
    """A dry run at a management cluster where nobody is."""
    entry = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
    }
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(json.dumps(entry))
    listen = Address(host="127.0.0.1", port=free_ports(1)[0])
    return read_settings({"kubeconfig": kubeconfig, "dry_run": True, "listen": listen}, {})


def outlets(*, once: bool = False) -> Outlets:
    """Plans go nowhere."""
    return Outlets(journal=lambda clock: Journal(open_log(clock.now)), on_plan=lambda _plan: None, once=once)


async def test_once_ends_also_when_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked learns that there is no answer, and why; an OSError is exit code 3."""
    monkeypatch.setattr(process, "ONCE_SECONDS", 0.5)
    with pytest.raises(TimeoutError, match=r"within 0.5 s: policies are not read yet: management cluster: GET"):
        await asyncio.wait_for(process.run(settings(tmp_path), outlets(once=True)), 10)


async def _cut() -> None:
    raise asyncio.CancelledError


async def _over() -> None:
    pass


@pytest.mark.parametrize("work", [_cut, _over])
async def test_planning_that_ends_unasked_is_no_success(
    work: Callable[[], Awaitable[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither silent nor exit code 0: Kubernetes and people must see it."""
    log = Log()

    @asynccontextmanager
    async def started(*_: object) -> AsyncIterator[SimpleNamespace]:
        yield SimpleNamespace(work=work, journal=log.journal)

    monkeypatch.setattr(Controller, "started", started)
    with pytest.raises(RuntimeError, match="nobody asked"):
        await process.run(settings(tmp_path), outlets())
    assert [line["event"] for line in log.lines()] == ["ended unasked"]
