"""Replica counts at an API server that answers as a real one would not on demand."""

from aiohttp import web

from controller.actuate.outcome import Done, LookAgainAt, Outcome, Refused
from controller.actuate.rivals import Rivals
from controller.actuate.scale import Scaler
from controller.domain.names import SiteName
from controller.domain.plan import SetReplicas
from controller.kube.binding import Binding
from tests.actuate.test_apply import an_action
from tests.builders import BELL
from tests.kube.scripted import serving


def nobody_else(*_where: object) -> Binding:
    """No autoscaler targets the workload."""
    return Binding()


async def scaled(action: SetReplicas, *, stands: int, put_status: int = 200, get_status: int = 200) -> Outcome:
    """Scale where so many replicas stand and the server answers so."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            scale = {"metadata": {"resourceVersion": "7"}, "spec": {"replicas": stands}}
            return web.json_response(scale, status=get_status)
        body = await request.json()
        assert body["metadata"]["resourceVersion"] == "7"
        assert body["spec"] == {"replicas": action.replicas}
        return web.json_response({"message": "no"}, status=put_status, headers={"Retry-After": "9"})

    async with serving(answer) as cluster:
        return await Scaler(lambda: {SiteName("a"): cluster}, nobody_else, Rivals(), lambda: BELL).set_replicas(action)


async def test_a_count_is_written_on_the_version_that_was_read() -> None:
    """Nobody else's write in between is overwritten."""
    assert await scaled(an_action("grow"), stands=1) == Done()


async def test_what_is_already_so_is_done() -> None:
    """A plan applied twice writes once."""
    assert await scaled(an_action("grow"), stands=2, put_status=500) == Done()


async def test_a_count_the_plan_did_not_know_is_looked_at_again() -> None:
    """Somebody wrote since the snapshot: the decision was made for another world."""
    outcome = await scaled(an_action("grow"), stands=5)
    assert isinstance(outcome, LookAgainAt)
    assert "5 replicas are wanted there, the plan knew 1" in outcome.why


async def test_answers_become_outcomes() -> None:
    """Conflict and failure: look again. Throttled: when told. Forbidden, invalid, not there: not until a change."""
    assert isinstance(await scaled(an_action("grow"), stands=1, put_status=409), LookAgainAt)
    assert isinstance(await scaled(an_action("grow"), stands=1, put_status=503), LookAgainAt)
    throttled = await scaled(an_action("grow"), stands=1, put_status=429)
    assert isinstance(throttled, LookAgainAt)
    assert (throttled.at - BELL).total_seconds() == 9
    for status in (403, 422):
        assert isinstance(await scaled(an_action("grow"), stands=1, put_status=status), Refused)
    assert isinstance(await scaled(an_action("grow"), stands=1, get_status=404), Refused)


async def test_a_site_without_a_cluster_is_looked_at_again() -> None:
    """A site whose Secret is missing may get it the next minute."""
    outcome = await Scaler(dict, nobody_else, Rivals(), lambda: BELL).set_replicas(an_action("grow"))
    assert isinstance(outcome, LookAgainAt)
