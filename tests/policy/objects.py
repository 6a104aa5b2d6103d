"""Small valid objects of every kind, and a way to spoil exactly one thing in them."""

import json
from typing import Any

Object = dict[str, Any]
Path = tuple[str | int, ...]

DELETED = object()
"""Put in the place of a value, this takes the field away."""


def an_object(kind: str, spec: Object, *, name: str = "example") -> Object:
    """An object of a kind, without a namespace."""
    return {"apiVersion": "sonnerie.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def a_site(name: str = "gra") -> Object:
    """A site with everything that can be declared."""
    spec = {
        "provider": "Example hosting",
        "location": {"name": "Gravelines", "latitude": "50.98", "longitude": "2.13"},
        "failureDomains": [{"name": "north", "kind": "serving"}, {"name": "api-one", "kind": "control"}],
        "cluster": {"kubeconfigSecretRef": {"namespace": "sonnerie-system", "name": "site-gra", "key": "kubeconfig"}},
        "prometheus": {
            "url": "https://prometheus.monitoring:9090",
            "basicAuth": {
                "username": "sonnerie",
                "passwordSecretRef": {"namespace": "sonnerie-system", "name": "site-gra", "key": "password"},
            },
            "tls": {"caSecretRef": {"namespace": "sonnerie-system", "name": "site-gra", "key": "ca.crt"}},
            "tenant": {"id": "north"},
            "entLabel": "portal",
            "preset": {"name": "haproxy", "routes": "(?P<ent>.+)-portal", "namespace": "portals", "selector": "a='b'"},
            "queries": [
                {"signal": "firstAttempts", "query": "sum by (namespace, portal) (rate(http_requests_total[1m]))"}
            ],
        },
        "probes": {"publicAddresses": ["https://gra.ent.example.org/healthz"]},
        "quota": {"replicas": 400},
        "relativeCostPermille": 1100,
        "drain": {"until": "2026-09-01T18:00:00Z", "reason": "works on the power supply", "by": "night shift"},
    }
    return an_object("Site", spec, name=name)


def an_ent(name: str = "hdf") -> Object:
    """An ENT with everything that can be declared."""
    spec = {
        "region": "FR-HDF",
        "territory": "zone-b",
        "timeZone": "Europe/Paris",
        "accounts": {"pupils": 300000, "teachers": 28000, "parents": 330000},
        "calendarRef": "zone-b",
        "scheduleRefs": ["college", "lycee"],
        "slo": {"errorPermille": 10, "latencyMilliseconds": 1500},
        "demandSignals": [{"name": "log-ins", "signal": "firstAttempts", "capacityPerReplica": "12.5"}],
        "dependencies": [{"name": "sso", "capacity": "900", "usePerReplica": "0.5", "signal": "ssoLogins"}],
        "warmUp": "20s",
        "placements": [
            {"site": "gra", "target": {"name": "portal"}, "min": 4, "max": 80, "home": True},
            {"site": "sbg", "target": {"name": "portal"}, "min": 2, "max": 80, "data": {"mode": "readOnly"}},
        ],
        "reserve": {"forLossOf": "servingDomain"},
        "replicas": {"owner": "Scale"},
        "edges": [
            {"name": "front", "kind": "HAProxyAgent"},
            {
                "name": "gateway",
                "kind": "HTTPRoute",
                "httpRoute": {"name": "portal", "atSite": "gra", "backends": [{"site": "gra", "name": "portal"}]},
            },
            {
                "name": "dns",
                "kind": "DNSEndpoint",
                "dnsEndpoint": {
                    "name": "portal",
                    "dnsName": "hdf.ent.example.org",
                    "targets": [{"site": "sbg", "target": "192.0.2.7"}],
                },
            },
        ],
        "priority": 10,
        "shifting": {"maxStepPercent": 10, "stepInterval": "10s", "failbackHold": "15m"},
        "scaling": {"leadTime": "auto", "stabilizationWindow": "5m", "surpriseMaxPercent": 400},
        "pause": {"until": "2026-09-01T18:00:00Z", "reason": "exercise", "by": "night shift"},
    }
    return an_object("RegionalENT", spec, name=name)


def a_calendar(name: str = "zone-b") -> Object:
    """A calendar with one of everything."""
    spec = {
        "territory": "zone-b",
        "source": "an example, not a published calendar",
        "publishedOn": "2026-01-01",
        "validFrom": "2026-09-01",
        "validUntil": "2027-07-31",
        "sources": [{"name": "decree", "title": "a decree", "publishedOn": "2026-01-01", "url": "https://example.org"}],
        "vacations": [{"name": "Autumn", "departure": "2026-10-16", "resumption": "2026-11-02", "source": "decree"}],
        "publicHolidays": [{"date": "2026-11-11", "name": "Armistice"}],
        "remarks": [{"firstDay": "2026-12-01", "lastDay": "2026-12-04", "text": "lessons at home"}],
        "unknownDays": [{"firstDay": "2027-05-07", "lastDay": "2027-05-08", "reason": "the bridge is not published"}],
        "exceptions": [{"firstDay": "2026-11-12", "lastDay": "2026-11-13", "dayType": "Vacation", "reason": "storm"}],
    }
    return an_object("SchoolCalendar", spec, name=name)


def a_schedule(name: str = "college") -> Object:
    """A schedule with a bell, a window by day and a window across midnight."""
    bell = {
        "name": "first-bell",
        "at": "08:00",
        "ramp": "10m",
        "duration": "30m",
        "lead": "auto",
        "demand": {"shareOfAccounts": {"pupilsPermille": 90, "within": "10m"}},
    }
    day = {"name": "day", "start": "07:30", "end": "18:00", "demand": {"connectionsPerSecond": "40"}}
    night = {
        "name": "night",
        "start": "22:00",
        "end": "01:00",
        "endsOn": "NextDay",
        "demand": {"connectionsPerSecond": "2.5"},
    }
    spec = {
        "days": [
            {"types": ["SchoolDay", "FirstDayBack"], "bells": [bell], "windows": [day, night]},
            {"types": ["Wednesday"], "windows": [day]},
        ]
    }
    return an_object("SchoolSchedule", spec, name=name)


def an_event(name: str = "remote") -> Object:
    """An event over whole days."""
    spec = {
        "description": "Lessons at home",
        "announcedOn": "2021-03-31",
        "firstDay": "2021-04-06",
        "lastDay": "2021-04-09",
        "applies": {"territories": ["zone-a", "zone-b"], "ents": [{"namespace": "portals", "name": "corse"}]},
        "multipliers": [{"audience": "pupils", "factor": "5.6", "per": "hour"}, {"factor": "1.5", "per": "10min"}],
        "freeze": {"until": "2021-04-09T20:00:00Z", "reason": "lessons at home", "by": "duty officer"},
        "remoteSchooling": "LikeApril2021",
        "bells": [{"name": "late", "at": "09:30", "lead": "20m", "demand": {"connectionsPerSecond": "7"}}],
        "suspend": {"ents": [{"namespace": "portals", "name": "idf"}], "reopening": {"ramp": "30m", "duration": "2h"}},
        "reduce": {"ents": [{"namespace": "portals", "name": "bfc"}], "percent": 50},
        "keepOut": {
            "ents": [{"namespace": "portals", "name": "idf"}],
            "audiences": ["parents"],
            "start": "07:30",
            "end": "17:30",
        },
    }
    return an_object("SchoolEvent", spec, name=name)


def a_report(name: str = "witness") -> Object:
    """A report of a witness."""
    return an_object("SiteReport", {"observer": "witness", "site": "gra"}, name=name)


ALL_KINDS = (a_site, an_ent, a_calendar, a_schedule, an_event, a_report)


def changed(original: Object, path: Path, value: Any) -> Object:
    """A copy of the object with one value replaced, added, or taken away by DELETED."""
    found: Object = json.loads(json.dumps(original))  # a copy in which nothing is shared
    inner: Any = found
    for step in path[:-1]:
        inner = inner[step]
    if value is DELETED:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return found
