"""The presets: what they ask, and that they are queries at all is tried on a real Prometheus in tests/live."""

import re

import pytest

from controller.observe.readings import counts_events
from controller.policy.presets import EXPORTERS, PresetName, Routes, preset_queries

SIGNALS = ["requests", "successes", "errors", "latencySeconds"]


@pytest.mark.parametrize("name", PresetName)
def test_every_preset_asks_for_the_same_signals(name: PresetName) -> None:
    """Whoever changes the proxy keeps what the planner sees."""
    assert set(EXPORTERS) == set(PresetName)
    assert list(preset_queries(name, Routes())) == SIGNALS


@pytest.mark.parametrize("name", PresetName)
def test_rates_are_told_from_ratios(name: PresetName) -> None:
    """A rate that stands still is found frozen; a ratio or an average may rightly stay what it is."""
    queries = preset_queries(name, Routes())
    assert [signal for signal in SIGNALS if counts_events(queries[signal])] == ["requests", "successes"]


@pytest.mark.parametrize(
    ("name", "route", "ent"),
    [
        (PresetName.INGRESS_NGINX, "hdf", (None, "hdf")),
        (PresetName.HAPROXY, "portals_hdf_http", ("portals", "hdf")),
        (PresetName.HAPROXY, "portals_hdf", ("portals", "hdf")),
        (PresetName.HAPROXY, "prometheus", None),
        (PresetName.ENVOY_GATEWAY, "httproute/portals/hdf/rule/0", ("portals", "hdf")),
        (PresetName.ENVOY_GATEWAY, "prometheus_stats", None),
        (PresetName.TRAEFIK, "portals-hdf-portal-80@kubernetes", ("portals", "hdf-portal")),
        (PresetName.TRAEFIK, "portals-hdf-http@kubernetescrd", ("portals", "hdf")),
        (PresetName.TRAEFIK, "dashboard@internal", None),
    ],
)
def test_routes_are_called_as_their_kubernetes_controllers_call_them(
    name: PresetName, route: str, ent: tuple[str | None, str] | None
) -> None:
    """What is no route of an ENT is nobody's, rather than somebody else's."""
    found = re.fullmatch(EXPORTERS[name].routes, route)
    groups = found.groupdict() if found else None
    assert (groups and (groups.get("namespace"), groups["ent"])) == ent


def test_a_pattern_of_ones_own_is_quoted_as_promql_wants_it() -> None:
    """A backslash or a quote in it ends no string."""
    query = preset_queries(PresetName.TRAEFIK, Routes(pattern=r'(?P<ent>\w+)"', namespace="portals"))["requests"]
    assert r'"(?P<ent>\\w+)\""' in query
    assert '"namespace", "portals", "service"' in query


def test_the_labels_of_the_site_are_those_of_the_result() -> None:
    """`namespaceLabel` and `entLabel` are what readings are told apart by."""
    query = preset_queries(PresetName.INGRESS_NGINX, Routes(namespace_label="ns", ent_label="portal"))["requests"]
    assert query.startswith("sum by (ns, portal) (")
    assert '"ns", "$1", "namespace", "(.+)"' in query


@pytest.mark.parametrize("selector", ["", 'cluster="north"', 'cluster="north",env=~"p.*"'])
@pytest.mark.parametrize("name", PresetName)
def test_matchers_of_ones_own_are_in_every_query(selector: str, name: PresetName) -> None:
    """One Prometheus that holds several sites is asked about one of them, whatever the signal."""
    exporter = EXPORTERS[name]
    metrics = (exporter.counter, exporter.buckets or exporter.average_seconds)
    for query in preset_queries(name, Routes(selector=selector)).values():
        series = [found for metric in metrics for found in re.findall(rf"{metric}(?:{{[^}}]*}})?", query)]
        assert series
        assert all(selector in each for each in series), series
