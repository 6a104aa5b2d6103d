"""What goes wrong around the planning cycle is told once."""

from types import SimpleNamespace
from typing import Any, cast

from controller.domain.names import SiteName
from controller.domain.plan import ConditionStatus
from controller.domain.readings import ReadingReason
from controller.kube.errors import ApiError, Forbidden, Unavailable
from controller.observe.metrics_source import QueryError
from controller.observe.sites import WatchedSite
from controller.runtime.reporting import Problems
from controller.runtime.troubles import refusals, silences, tell_troubles
from tests.builders import REQUESTS
from tests.runtime.test_journal import Log

A = SiteName("a")
GONE = Unavailable.unanswered("site a: GET /apis", "connection refused")


def a_site(
    trouble: ApiError | None = None,
    query: QueryError | None = None,
    past: QueryError | None = None,
    silent: tuple[str, ...] = (),
) -> dict[SiteName, WatchedSite]:
    """A site in trouble."""
    meter = SimpleNamespace(troubles={REQUESTS: query} if query else {})
    history = SimpleNamespace(error=past)
    nodes = SimpleNamespace(silent=frozenset(silent), trouble=None)
    return {A: cast("WatchedSite", SimpleNamespace(trouble=trouble, meter=meter, history=history, nodes=nodes))}


def test_trouble_is_told_when_it_begins_and_when_it_ends() -> None:
    """Of watches, metrics and the Lease; a text that varies is no news."""
    log = Log()

    def told(sites: dict[SiteName, WatchedSite], lease: ApiError | None = None) -> list[tuple[str, Any]]:
        tell_troubles(log.journal, sites, policies=None, lease=lease)
        return [(line["event"], line["now"]) for line in log.lines()]

    assert told(a_site()) == []
    refused = QueryError(ReadingReason.UNREACHABLE, "refused by port 1")
    assert told(a_site(GONE, refused), lease=GONE) == [
        ("cluster cannot be watched", "site a: GET /apis: connection refused"),
        ("metrics cannot be read", {"requests": "Unreachable"}),
        ("lease cannot be read or written", "site a: GET /apis: connection refused"),
    ]
    reworded = QueryError(ReadingReason.UNREACHABLE, "refused by port 2")
    assert told(a_site(GONE, reworded), lease=GONE) == []
    assert [now for _, now in told(a_site())] == [None, {}, None]


def test_a_past_that_cannot_be_read_is_told() -> None:
    """Without it there is no forecast, which nobody would notice before a morning that needed one."""
    log = Log()
    refused = QueryError(ReadingReason.HTTP_ERROR, "403: who are you")
    for past, told in ((refused, ["HttpError"]), (refused, []), (None, [None])):
        tell_troubles(log.journal, a_site(past=past), policies=None, lease=None)
        assert [line["now"] for line in log.lines()] == told


def test_nodes_that_fall_silent_are_told_by_name() -> None:
    """An on-call engineer must know why replicas do not count that Kubernetes still calls Ready."""
    log = Log()
    for silent, told in ((("n2", "n1"), [["n1", "n2"]]), (("n1", "n2"), []), ((), [None])):
        tell_troubles(log.journal, a_site(silent=silent), policies=None, lease=None)
        assert [line["now"] for line in log.lines()] == told


def test_a_silent_cluster_is_no_fault_of_its_declaration() -> None:
    """People read it at the Site; only refused credentials make what was declared invalid."""
    problems = Problems(by_object={}, besides=silences(a_site(GONE)))
    found = problems.condition(A)
    assert found.status is ConditionStatus.TRUE
    assert "connection refused" in found.because.text
    assert not refusals(a_site(GONE))
    refused = a_site(Forbidden("site a: GET /apis", "who are you", status=401))
    assert not silences(refused)
    assert "refuses its credentials" in refusals(refused)[A]
