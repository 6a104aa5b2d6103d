"""The morning as Kubernetes objects: what a platform team and a policy author would apply."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.controlplane.nodes import START_UP_ANNOTATION
from tests.demo import prometheus
from tests.demo.story import (
    CALENDAR,
    EDGE,
    LEASE_NAMESPACE,
    MANAGEMENT_SITE,
    NAMESPACE,
    SCHEDULE,
    TIME_ZONE,
    EntStory,
    SiteStory,
    Story,
)

API_VERSION = "sonnerie.dev/v1alpha1"
SHARE_WITHIN_SECONDS = 600
SHARE_PERMILLE = 300
"""The bell's demand is a share of the accounts, so that one schedule sizes all ENTs: 30 % of the pupils in 10 min."""
LESSON_SECONDS = 300

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """How the controller reaches one site."""

    canary: str
    prometheus: str
    kubeconfig: Path


def as_list(objects: Iterable[Object]) -> str:
    """Return objects as one document for `kubectl apply`."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def namespace(name: str) -> Object:
    """Return a namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def workloads(story: Story, site: str) -> list[Object]:
    """Return what runs at a site before school: a small Deployment per ENT placed there."""
    return [namespace(NAMESPACE), *(_deployment(story, ent) for ent in story.ents if site in ent.sites)]


def _deployment(story: Story, ent: EntStory) -> Object:
    labels = {"app": ent.name}
    annotations = {START_UP_ANNOTATION: str(story.workload.start_up_milliseconds)}
    container = {"name": "portail", "image": "portail:1", "resources": {"requests": {"cpu": "500m"}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": ent.name, "namespace": NAMESPACE},
        "spec": {
            "replicas": story.workload.min_replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": {"containers": [container]},
            },
        },
    }


def fleet(story: Story, addresses: Mapping[str, Addresses], today: date) -> list[Object]:
    """Return what is declared before the story begins: sites, how to reach them, calendar, ENTs; no bell yet."""
    remote = [site.name for site in story.sites if site.name != MANAGEMENT_SITE]
    return [
        namespace(NAMESPACE),
        namespace(LEASE_NAMESPACE),
        *(_secret(site, addresses[site].kubeconfig) for site in remote),
        *(_site(story, site, addresses[site.name]) for site in story.sites),
        _calendar(today),
        schedule(story, None),
        *(_ent(story, ent) for ent in story.ents),
    ]


def _secret(site: str, kubeconfig: Path) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"site-{site}", "namespace": LEASE_NAMESPACE},
        "stringData": {"kubeconfig": kubeconfig.read_text()},
    }


def _site(story: Story, site: SiteStory, addresses: Addresses) -> Object:
    spec: Object = {
        "provider": site.provider,
        "location": {"name": site.town},
        "prometheus": {"url": addresses.prometheus, "queries": prometheus.queries(story)},
        "probes": {"publicAddresses": [addresses.canary]},
    }
    if site.name != MANAGEMENT_SITE:
        reference = {"namespace": LEASE_NAMESPACE, "name": f"site-{site.name}", "key": "kubeconfig"}
        spec["cluster"] = {"kubeconfigSecretRef": reference}
    return {"apiVersion": API_VERSION, "kind": "Site", "metadata": {"name": site.name}, "spec": spec}


def _calendar(today: date) -> Object:
    """Return a calendar that makes today and tomorrow school days, whatever the day this is shown on."""
    exceptions = [
        {
            "firstDay": day.isoformat(),
            "lastDay": day.isoformat(),
            "dayType": "SchoolDay",
            "reason": "The demo is always given on a school day.",
        }
        for day in (today, today + timedelta(days=1))
    ]
    return {
        "apiVersion": API_VERSION,
        "kind": "SchoolCalendar",
        "metadata": {"name": CALENDAR},
        "spec": {
            "territory": CALENDAR,
            "source": "made up for the demo",
            "publishedOn": today.isoformat(),
            "validUntil": (today + timedelta(days=7)).isoformat(),
            "exceptions": exceptions,
        },
    }


def schedule(story: Story, bell_seconds: float | None) -> Object:
    """Return the schedule, with the bell at this instant; None: no bell is known yet."""
    bells = []
    if bell_seconds is not None:
        at = datetime.fromtimestamp(bell_seconds, UTC).astimezone(ZoneInfo(TIME_ZONE))
        share = {"pupilsPermille": SHARE_PERMILLE, "within": f"{SHARE_WITHIN_SECONDS}s"}
        bells = [
            {
                "name": "first-bell",
                "at": at.strftime("%H:%M:%S"),
                "ramp": f"{story.times.ramp:.0f}s",
                "duration": f"{LESSON_SECONDS}s",
                "demand": {"shareOfAccounts": share},
            }
        ]
    return {
        "apiVersion": API_VERSION,
        "kind": "SchoolSchedule",
        "metadata": {"name": SCHEDULE, "namespace": NAMESPACE},
        "spec": {"days": [{"types": ["SchoolDay"], "bells": bells}]},
    }


def _ent(story: Story, ent: EntStory) -> Object:
    short, workload = story.shortened, story.workload
    pupils = round(ent.peak_per_second * SHARE_WITHIN_SECONDS * 1000 / SHARE_PERMILLE)
    capacity = {"name": "requests", "signal": "requests", "capacityPerReplica": f"{workload.capacity_per_replica:g}"}
    return {
        "apiVersion": API_VERSION,
        "kind": "RegionalENT",
        "metadata": {"name": ent.name, "namespace": NAMESPACE},
        "spec": {
            "region": ent.region,
            "territory": CALENDAR,
            "timeZone": TIME_ZONE,
            "accounts": {"pupils": pupils},
            "calendarRef": CALENDAR,
            "scheduleRefs": [SCHEDULE],
            "demandSignals": [capacity],
            "edges": [{"name": EDGE, "kind": "HAProxyAgent"}],
            "placements": [
                {
                    "site": site,
                    "target": {"name": ent.name},
                    "min": workload.min_replicas,
                    "max": workload.max_replicas,
                    "home": site == ent.home,
                }
                for site in ent.sites
            ],
            "shifting": {
                "maxStepPercent": short.max_step_percent,
                "stepInterval": f"{short.step_interval_seconds}s",
                "failbackHold": f"{short.failback_hold_seconds}s",
            },
            "scaling": {
                "leadTime": f"{short.lead_time_seconds}s",
                "stabilizationWindow": f"{short.stabilization_window_seconds}s",
            },
        },
    }
