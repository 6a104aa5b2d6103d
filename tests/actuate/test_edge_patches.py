"""What an HTTPRoute's patch and a DNS answer consist of."""

import json

import msgspec
import pytest

from controller.actuate.dns_answers import record_type
from controller.actuate.edge_dns import endpoints
from controller.actuate.edge_http_route import HttpRoute, NotThereError, locate, operations
from controller.domain.names import SiteName
from controller.policy.edge import DnsEndpointEdge, HttpRouteEdge

A, B = SiteName("a"), SiteName("b")
BACKENDS = [{"site": "a", "name": "at-a"}, {"site": "b", "name": "at-b"}]
EDGE = HttpRouteEdge.model_validate_json(json.dumps({"name": "portal", "rule": "users", "backends": BACKENDS}))


def a_route(*rules: tuple[str | None, list[tuple[str, int]]]) -> HttpRoute:
    """A route with these rules: name, backends with weights."""
    found = [
        {"backendRefs": [{"name": name, "weight": weight} for name, weight in backends]}
        | ({"name": rule} if rule else {})
        for rule, backends in rules
    ]
    return msgspec.convert({"metadata": {"resourceVersion": "7"}, "spec": {"rules": found}}, HttpRoute)


def test_only_weights_that_change_are_replaced_each_behind_a_test_of_its_name() -> None:
    """Foreign rules and backends are not mentioned at all."""
    route = a_route(("api", [("at-a", 1)]), ("users", [("canary", 5), ("at-b", 0), ("at-a", 100)]))
    located = locate(route, EDGE)
    assert located.weights == (("a", 100), ("b", 0))
    assert operations(located, {A: 100, B: 0})[1:] == []
    assert operations(located, {A: 60, B: 40}) == [
        {"op": "test", "path": "/spec/rules/1/name", "value": "users"},
        {"op": "test", "path": "/spec/rules/1/backendRefs/2/name", "value": "at-a"},
        {"op": "replace", "path": "/spec/rules/1/backendRefs/2/weight", "value": 60},
        {"op": "test", "path": "/spec/rules/1/backendRefs/1/name", "value": "at-b"},
        {"op": "replace", "path": "/spec/rules/1/backendRefs/1/weight", "value": 40},
    ]


@pytest.mark.parametrize(
    ("route", "why"),
    [
        (a_route(("api", [("at-a", 1), ("at-b", 1)])), "0 rules named users"),
        (a_route(("users", [("at-a", 1)])), "0 backends at-b"),
        (a_route(("users", [("at-a", 1), ("at-a", 1), ("at-b", 1)])), "2 backends at-a"),
    ],
)
def test_a_route_that_is_not_as_declared_is_said_to_be(route: HttpRoute, why: str) -> None:
    """Nothing is guessed: whoever edited the route learns what is missing."""
    with pytest.raises(NotThereError, match=why):
        locate(route, EDGE)


def test_a_rule_must_be_named_where_there_are_several() -> None:
    """One rule needs no name."""
    backends = [("at-a", 1), ("at-b", 1)]
    unnamed = EDGE.model_copy(update={"rule": None})
    assert locate(a_route((None, backends)), unnamed).rule == 0
    with pytest.raises(NotThereError, match="2 rules: name one"):
        locate(a_route((None, backends), (None, backends)), unnamed)


def test_an_answer_has_one_record_per_type() -> None:
    """Addresses of both families side by side, sorted, with the time to live in seconds."""
    declared = {"name": "portal", "dnsName": "ent.example.org", "targets": [{"site": "a", "target": "x"}]}
    spec = DnsEndpointEdge.model_validate_json(json.dumps(declared | {"recordTtl": "1m"}))
    assert [record_type(t) for t in ("192.0.2.1", "2001:db8::1", "lb.example.org")] == ["A", "AAAA", "CNAME"]
    assert endpoints(spec, ["192.0.2.9", "2001:db8::1", "192.0.2.1"]) == [
        {"dnsName": "ent.example.org", "recordType": "A", "recordTTL": 60, "targets": ["192.0.2.1", "192.0.2.9"]},
        {"dnsName": "ent.example.org", "recordType": "AAAA", "recordTTL": 60, "targets": ["2001:db8::1"]},
    ]
