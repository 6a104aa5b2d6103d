"""Each site's own Prometheus: it scrapes the site's portals, and the Site says which questions it answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.demo.story import Story


def configuration(story: Story, portal_port: int) -> str:
    """Return prometheus.yml; JSON is YAML."""
    every = f"{story.shortened.scrape_interval_seconds}s"
    return json.dumps(
        {
            "global": {"scrape_interval": every, "scrape_timeout": every},
            "scrape_configs": [
                {
                    "job_name": "portals",
                    "honor_labels": True,
                    "static_configs": [{"targets": [f"127.0.0.1:{portal_port}"]}],
                }
            ],
        },
        indent=2,
    )


def command(binary: Path, folder: Path, port: int) -> list[str]:
    """Return its command line; its data is thrown away."""
    return [
        str(binary),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=1h",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]


def queries(story: Story) -> list[dict[str, Any]]:
    """Return what a Site asks its Prometheus: one query per signal for all ENTs."""
    window = f"{story.shortened.query_window_seconds}s"

    def rate(series: str) -> str:
        return f"sum by (namespace, ent) (rate({series}[{window}]))"

    arrived = rate("portal_requests_total")
    return [
        {"signal": "requests", "query": arrived},
        {"signal": "firstAttempts", "query": rate('portal_attempts_total{attempt="first"}')},
        {"signal": "successes", "query": rate('portal_requests_total{code="200"}')},
        {"signal": "errors", "query": f'{rate("""portal_requests_total{code="503"}""")} / clamp_min({arrived}, 1)'},
        {
            "signal": "latencySeconds",
            "query": "histogram_quantile(0.95, sum by (namespace, ent, le) "
            f"(rate(portal_request_seconds_bucket[{window}])))",
        },
    ]
