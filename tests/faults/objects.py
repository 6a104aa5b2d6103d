"""What is declared at the sites: the demo's objects for four sites, with failure domains and errors of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from tests.demo import objects
from tests.demo.objects import Addresses, Object, as_list, workloads
from tests.demo.prometheus import queries
from tests.demo.story import Story
from tests.faults.cast import DOMAINS

__all__ = ["Addresses", "Object", "as_list", "fleet", "workloads"]


def fleet(story: Story, addresses: Mapping[str, Addresses], today: date) -> list[Object]:
    """Return what is declared: sites, how to reach them, calendar, ENTs; no bell."""
    declared = objects.fleet(story, addresses, today)
    for one in declared:
        if one["kind"] == "Site":
            _complete(story, one["metadata"]["name"], one["spec"])
    return declared


def _complete(story: Story, site: str, spec: dict[str, Any]) -> None:
    if site in DOMAINS:
        spec["failureDomains"] = [{"name": DOMAINS[site], "kind": "serving"}]
    window = f"{story.shortened.query_window_seconds}s"
    failed = f'sum by (namespace, ent) (rate(portal_requests_total{{code=~"5.."}}[{window}]))'
    arrived = f"sum by (namespace, ent) (rate(portal_requests_total[{window}]))"
    errors = {"signal": "errors", "query": f"{failed} / clamp_min({arrived}, 1)"}
    spec["prometheus"]["queries"] = [errors if q["signal"] == "errors" else q for q in queries(story)]
