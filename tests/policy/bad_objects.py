"""Objects with exactly one thing wrong, and the field that must be named.

One table, used twice: against the models here, and against a real API server in tests/live/test_crds.py.
"""

from dataclasses import dataclass
from typing import Any

from tests.policy.objects import (
    DELETED,
    Object,
    Path,
    a_calendar,
    a_report,
    a_schedule,
    a_site,
    an_ent,
    an_event,
    changed,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """One bad object. `field` is what the message names; `only_here` when the API server cannot know."""

    why: str
    data: Object
    field: str
    only_here: bool = False

    def __str__(self) -> str:
        return f"{self.data['kind']}: {self.why}"


def _bad(
    original: Object, path: Path, value: Any, why: str, *, field: str | None = None, only_here: bool = False
) -> Bad:
    """Spoil one value; the field to be named is the path itself unless told."""
    written = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in path).removeprefix(".")
    return Bad(why=why, data=changed(original, path, value), field=field or written, only_here=only_here)


_PLACEMENTS: Path = ("spec", "placements")
_BELL: Path = ("spec", "days", 0, "bells", 0)
_WINDOW: Path = ("spec", "days", 0, "windows", 0)
_NIGHT: Path = ("spec", "days", 0, "windows", 1)
_AT_GRA = {"site": "gra", "target": {"name": "other"}, "min": 1, "max": 2}

SITES = (
    _bad(a_site(), ("spec", "provider"), DELETED, "no provider"),
    _bad(a_site(), ("spec", "quota", "replicas"), -1, "negative quota"),
    _bad(a_site(), ("spec", "quota", "replicas"), "4", "a number in quotes"),
    _bad(a_site(), ("spec", "quota", "replicas"), 4.5, "half a replica"),
    _bad(a_site(), ("spec", "failureDomains", 0, "kind"), "Serving", "unknown kind of failure domain"),
    _bad(
        a_site(), ("spec", "failureDomains", 1, "name"), "north", "the same domain twice", field="spec.failureDomains"
    ),
    _bad(a_site(), ("spec", "location", "longitude"), DELETED, "half a coordinate", field="spec.location.latitude"),
    _bad(a_site(), ("spec", "location", "latitude"), 50.98, "a float"),
    _bad(a_site(), ("spec", "cluster"), {}, "cluster without a kubeconfig", field="spec.cluster.kubeconfigSecretRef"),
    _bad(a_site(), ("spec", "cluster", "kubeconfigSecretRef", "namespace"), DELETED, "secret without namespace"),
    _bad(a_site(), ("spec", "cluster", "kubeconfigSecretRef", "name"), DELETED, "secret without name"),
    _bad(a_site(), ("spec", "cluster", "kubeconfigSecretRef", "key"), DELETED, "secret without key"),
    _bad(a_site(), ("spec", "prometheus", "url"), "prometheus:9090", "an address without scheme"),
    _bad(a_site(), ("spec", "prometheus", "queries", 0, "query"), "", "an empty query"),
    _bad(a_site(), ("spec", "prometheus", "entLabel"), "the portal", "a label with a space"),
    _bad(a_site(), ("spec", "probes", "publicAddresses"), [], "probes without an address"),
    _bad(a_site(), ("spec", "probes", "expectStatus"), 999, "no HTTP status"),
    _bad(a_site(), ("spec", "drain", "until"), DELETED, "a drain without end"),
    _bad(a_site(), ("spec", "drain", "until"), "2026-09-01T18:00:00", "an instant without offset"),
    _bad(a_site(), ("spec", "drain", "until"), "2026-13-01T18:00:00Z", "an instant that does not exist"),
    _bad(a_site(), ("spec", "drain", "until"), "0001-01-01T00:00:00+05:00", "an instant before all time"),
    _bad(a_site(), ("spec", "drain", "by"), DELETED, "a drain that nobody ordered"),
    _bad(a_site(), ("spec", "quotas"), {"replicas": 3}, "a field that does not exist"),
)

ENTS = (
    _bad(an_ent(), ("spec", "region"), "Hauts-de-France", "a region that is not ISO 3166-2"),
    _bad(an_ent(), ("spec", "territory"), "zone-d", "unknown territory"),
    _bad(an_ent(), ("spec", "timeZone"), "Europe/Lille", "a time zone that does not exist", only_here=True),
    _bad(an_ent(), ("spec", "timeZone"), "../etc/passwd", "a time zone that is a path"),
    _bad(an_ent(), ("spec", "timeZone"), DELETED, "no time zone"),
    _bad(an_ent(), ("spec", "accounts", "pupils"), -1, "negative accounts"),
    _bad(an_ent(), ("spec", "scheduleRefs"), ["college", "college"], "a schedule twice", field="spec.scheduleRefs"),
    _bad(an_ent(), ("spec", "slo", "errorPermille"), 1001, "more errors than requests"),
    _bad(an_ent(), ("spec", "demandSignals"), [], "no demand signal"),
    _bad(an_ent(), ("spec", "demandSignals", 0, "capacityPerReplica"), 12.5, "a float"),
    _bad(an_ent(), ("spec", "demandSignals", 0, "capacityPerReplica"), "0", "no capacity"),
    _bad(an_ent(), ("spec", "demandSignals", 0, "capacityPerReplica"), "0.000", "no capacity, with decimals"),
    _bad(an_ent(), ("spec", "demandSignals", 0, "capacityPerReplica"), "-3", "negative capacity"),
    _bad(an_ent(), ("spec", "demandSignals", 0, "capacityPerReplica"), "12,5", "a comma"),
    _bad(an_ent(), ("spec", "demandSignals", 0, "signal"), "first attempts", "a signal with a space"),
    _bad(an_ent(), ("spec", "warmUp"), "20", "a duration without unit"),
    _bad(an_ent(), ("spec", "warmUp"), 20, "a duration as a number"),
    _bad(an_ent(), _PLACEMENTS, [], "no placement"),
    _bad(an_ent(), (*_PLACEMENTS, 0, "min"), 81, "min above max"),
    _bad(an_ent(), (*_PLACEMENTS, 1), _AT_GRA, "two placements at one site", field="spec.placements"),
    _bad(an_ent(), (*_PLACEMENTS, 0, "home"), DELETED, "no home", field="spec.placements"),
    _bad(an_ent(), (*_PLACEMENTS, 0, "home"), "yes", "home as text"),
    _bad(
        an_ent(),
        (*_PLACEMENTS, 1),
        {"site": "sbg", "target": {"name": "portal"}, "min": 0, "max": 0},
        "a placement where nothing may run",
        field="spec.placements[1].max",
    ),
    _bad(an_ent(), (*_PLACEMENTS, 0, "target", "name"), DELETED, "a target without name"),
    _bad(an_ent(), (*_PLACEMENTS, 0, "target", "kind"), "deployment", "a kind in small letters"),
    _bad(an_ent(), (*_PLACEMENTS, 1, "data", "mode"), "readonly", "unknown data mode"),
    _bad(an_ent(), ("spec", "reserve", "forLossOf"), "site", "unknown reserve"),
    _bad(an_ent(), ("spec", "replicas", "owner"), "HPA", "unknown owner"),
    _bad(an_ent(), ("spec", "edges", 0, "kind"), "HAProxy", "unknown kind of edge"),
    _bad(an_ent(), ("spec", "edges", 1, "httpRoute"), DELETED, "an HTTPRoute edge without route"),
    _bad(an_ent(), ("spec", "edges", 1, "httpRoute", "name"), DELETED, "an HTTPRoute edge without route name"),
    _bad(
        an_ent(),
        ("spec", "edges", 1, "httpRoute", "backends", 0, "site"),
        "rbx",
        "a backend at a site without placement",
        field="spec.edges",
    ),
    _bad(
        an_ent(),
        ("spec", "edges", 1, "kind"),
        "HAProxyAgent",
        "a route on another kind",
        field="spec.edges[1].httpRoute",
    ),
    _bad(an_ent(), ("spec", "edges", 2, "dnsEndpoint"), DELETED, "a DNS edge without answer set"),
    _bad(an_ent(), ("spec", "edges", 2, "dnsEndpoint", "targets"), [], "an empty answer set"),
    _bad(
        an_ent(),
        ("spec", "edges", 2, "dnsEndpoint", "targets", 0, "site"),
        "rbx",
        "a DNS target at a site without placement",
        field="spec.edges",
    ),
    _bad(an_ent(), ("spec", "edges", 2, "name"), "front", "two edges of one name", field="spec.edges"),
    _bad(an_ent(), ("spec", "priority"), -1, "negative priority"),
    _bad(an_ent(), ("spec", "shifting", "maxStepPercent"), 0, "steps of nothing"),
    _bad(
        an_ent(),
        ("spec", "shifting"),
        {"minStepPercent": 20, "maxStepPercent": 10},
        "smallest step above the largest",
        field="spec.shifting.minStepPercent",
    ),
    _bad(an_ent(), ("spec", "shifting", "minSites"), 0, "nobody has to answer"),
    _bad(
        an_ent(),
        ("spec", "shifting", "blockedWindows"),
        [{"start": "09:00", "end": "07:30"}],
        "a blocked window that ends before it starts",
        field="spec.shifting.blockedWindows[0].end",
    ),
    _bad(
        an_ent(),
        ("spec", "shifting", "blockedWindows"),
        [{"start": "07:30", "end": "09:00", "on": "mondays"}],
        "blocked on a kind of day that there is not",
        field="spec.shifting.blockedWindows[0].on",
    ),
    _bad(an_ent(), ("spec", "scaling", "leadTime"), "automatic", "unknown lead time"),
    _bad(an_ent(), ("spec", "scaling", "surpriseMaxPercent"), 99, "a surprise that lowers"),
    _bad(an_ent(), ("spec", "pause", "until"), DELETED, "a pause without end"),
)

PEAKS = (
    _bad(an_ent(), ("spec", "usualPeak"), {}, "a usual peak of nothing", field="spec.usualPeak.connectionsPerSecond"),
    _bad(an_ent(), ("spec", "usualPeak"), {"connectionsPerSecond": "0"}, "no usual peak",
         field="spec.usualPeak.connectionsPerSecond"),
)  # fmt: skip

CALENDARS = (
    _bad(a_calendar(), ("spec", "validUntil"), DELETED, "no end of validity"),
    _bad(a_calendar(), ("spec", "source"), DELETED, "no source"),
    _bad(a_calendar(), ("spec", "validUntil"), "2026-08-31", "valid until before valid from", field="spec.validFrom"),
    _bad(a_calendar(), ("spec", "publishedOn"), "01/01/2026", "a day the French way"),
    _bad(a_calendar(), ("spec", "publishedOn"), "2026-02-30", "a day that does not exist"),
    _bad(a_calendar(), ("spec", "validUntil"), "9999-12-31", "valid for ever"),
    _bad(a_calendar(), ("spec", "vacations", 0, "resumption"), "2026-10-16", "back before leaving",
         field="spec.vacations[0].departure"),
    _bad(a_calendar(), ("spec", "exceptions", 0, "lastDay"), "2026-11-11", "an exception that ends before it starts",
         field="spec.exceptions[0].firstDay"),
    _bad(a_calendar(), ("spec", "exceptions", 0, "lastDay"), "2036-11-12", "an exception of ten years"),
    _bad(a_calendar(), ("spec", "exceptions", 0, "dayType"), "Closed", "unknown kind of day"),
    _bad(a_calendar(), ("spec", "exceptions", 0, "reason"), "", "an exception without reason"),
    _bad(a_calendar(), ("spec", "publicHolidays"), [{"date": "2026-11-11", "name": "a"}] * 2, "a holiday twice",
         field="spec.publicHolidays"),
    _bad(a_calendar(), ("spec", "vacations", 0, "source"), "nobody", "a vacation from an unknown source",
         field="spec.vacations"),
    _bad(a_calendar(), ("spec", "publicHolidays", 0, "source"), "nobody", "a holiday from an unknown source",
         field="spec.publicHolidays"),
    _bad(a_calendar(), ("spec", "exceptions", 0, "source"), "nobody", "an exception from an unknown source",
         field="spec.exceptions"),
    _bad(a_calendar(), ("spec", "vacations", 0, "resumption"), DELETED, "a return that is neither known nor left open",
         field="spec.vacations"),
    _bad(a_calendar(), ("spec", "remarks", 0, "lastDay"), "2026-09-01", "a remark that ends before it starts",
         field="spec.remarks[0].firstDay"),
    _bad(a_calendar(), ("spec", "unknownDays", 0, "lastDay"), "2026-09-01", "unknown days that end before they start",
         field="spec.unknownDays[0].firstDay"),
    _bad(a_calendar(), ("spec", "unknownDays", 0, "reason"), DELETED, "unknown days without reason"),
)  # fmt: skip

SCHEDULES = (
    _bad(a_schedule(), ("spec", "days"), [], "no days"),
    _bad(a_schedule(), ("spec", "days", 0, "types"), ["Schoolday"], "unknown kind of day",
         field="spec.days[0].types[0]"),
    _bad(a_schedule(), ("spec", "days", 1, "types"), ["SchoolDay"], "a kind of day in two plans", field="spec.days"),
    _bad(a_schedule(), (*_BELL, "at"), "8:00", "one digit for the hour"),
    _bad(a_schedule(), (*_BELL, "at"), "24:00", "hour 24"),
    _bad(a_schedule(), (*_BELL, "at"), "8h30", "an hour the French way"),
    _bad(a_schedule(), (*_BELL, "ramp"), "5h", "a ramp too long"),
    _bad(a_schedule(), (*_BELL, "ramp"), "-5m", "a negative ramp"),
    _bad(a_schedule(), (*_BELL, "duration"), "0s", "a bell of no length"),
    _bad(a_schedule(), (*_BELL, "duration"), "25h", "a bell too long"),
    _bad(a_schedule(), (*_BELL, "demand"), {}, "no demand", field="spec.days[0].bells[0].demand.connectionsPerSecond"),
    _bad(a_schedule(), (*_BELL, "demand", "connectionsPerSecond"), "3", "demand given twice"),
    _bad(a_schedule(), (*_BELL, "demand", "shareOfAccounts", "pupilsPermille"), 1001, "more than all pupils"),
    _bad(a_schedule(), (*_BELL, "demand", "shareOfAccounts", "within"), "0s", "at once"),
    _bad(a_schedule(), (*_WINDOW, "end"), "07:30", "an empty window"),
    _bad(a_schedule(), (*_WINDOW, "end"), "07:29:59", "a window that ends before it starts"),
    _bad(a_schedule(), (*_NIGHT, "endsOn"), "SameDay", "across midnight without saying so",
         field="spec.days[0].windows[1].end"),
    _bad(a_schedule(), (*_NIGHT, "end"), "22:00:01", "a window longer than a day",
         field="spec.days[0].windows[1].endsOn"),
    _bad(a_schedule(), (*_NIGHT, "name"), "day", "two windows of one name", field="spec.days[0].windows"),
    _bad(a_schedule(), (*_BELL, "at"), DELETED, "a bell that never rings", field="spec.days"),
    _bad(a_schedule(), (*_BELL, "demand"), DELETED, "a bell that wants nothing", field="spec.days"),
    _bad(a_schedule(), (*_WINDOW, "start"), DELETED, "a window without start", field="spec.days"),
    _bad(a_schedule(), (*_WINDOW, "demand"), DELETED, "a window for nothing", field="spec.days"),
    _bad(a_schedule(), (*_BELL, "lead"), "0s", "no lead at all"),
    _bad(a_schedule(), (*_BELL, "lead"), "5h", "a lead too long"),
    _bad(a_schedule(), (*_BELL, "lead"), "automatic", "unknown lead"),
    _bad(a_schedule(), (*_WINDOW, "keepOut"), [], "keeps out nobody"),
    _bad(a_schedule(), (*_WINDOW, "keepOut"), ["all"], "keeps out everybody",
         field="spec.days[0].windows[0].keepOut[0]"),
    _bad(a_schedule(), (*_WINDOW, "keepOut"), ["parents", "parents"], "keeps out somebody twice"),
    _bad(a_schedule(), (*_WINDOW, "demand", "percentOfUsualPeak"), 80, "demand given in two ways",
         field="spec.days[0].windows[0].demand.connectionsPerSecond"),
    _bad(a_schedule(), ("spec", "days", 1, "without"), ["day"], "takes away what no base has", field="spec.extends"),
    _bad(a_schedule(), ("spec", "extends"), "College", "a base in capital letters"),
)  # fmt: skip

_KEEPS_OUT = {"name": "later", "start": "07:30", "end": "17:30", "keepOut": ["parents"]}
EVENTS = (
    _bad(an_event(), ("spec", "lastDay"), DELETED, "no last day", field="spec.firstDay"),
    _bad(an_event(), ("spec", "lastDay"), "2021-04-05", "ends before it starts", field="spec.firstDay"),
    _bad(an_event(), ("spec", "lastDay"), "2031-04-05", "lasts ten years"),
    _bad(an_event(), ("spec", "start"), "2021-04-06T06:00:00Z", "dated in two ways", field="spec.firstDay"),
    _bad(an_event(), ("spec", "applies"), DELETED, "multipliers for nobody"),
    _bad(an_event(), ("spec", "applies"), {}, "applies to nobody", field="spec.applies.territories"),
    _bad(an_event(), ("spec", "multipliers", 0, "per"), DELETED, "a multiplier without resolution"),
    _bad(an_event(), ("spec", "multipliers", 0, "per"), "day", "unknown resolution"),
    _bad(an_event(), ("spec", "multipliers", 0, "factor"), 5.6, "a float"),
    _bad(an_event(), ("spec", "suspend"), {}, "suspends nobody by name", field="spec.suspend.ents"),
    _bad(an_event(), ("spec", "suspend", "ents"), [], "suspends an empty list"),
    _bad(an_event(), ("spec", "suspend", "territories"), ["zone-a"], "suspends a whole territory"),
    _bad(an_event(), ("spec", "reduce", "ents"), DELETED, "reduces nobody by name"),
    _bad(an_event(), ("spec", "reduce", "ents", 0, "name"), "*", "reduces everybody"),
    _bad(an_event(), ("spec", "reduce", "percent"), 101, "a reduction that adds"),
    _bad(an_event(), ("spec", "freeze", "until"), DELETED, "a freeze without end"),
    _bad(an_event(), ("spec", "remoteSchooling"), "LikeMay2020", "an unknown spring"),
    _bad(an_event(), ("spec", "bells"), [{"name": "late", "at": "09:30"}], "a bell that wants nothing"),
    _bad(an_event(), ("spec", "windows"), [_KEEPS_OUT], "keeps a territory out", field="spec.windows"),
    _bad(an_event(), ("spec", "dayTypes"), [], "on no kind of day"),
    _bad(an_event(), ("spec", "suspend", "reopening"), {"ramp": "5h"}, "a reopening too slow",
         field="spec.suspend.reopening.ramp"),
    _bad(an_event(), ("spec", "suspend", "reopening"), {"duration": "0s"}, "a reopening of no length",
         field="spec.suspend.reopening.duration"),
    _bad(an_event(), ("spec", "keepOut", "ents"), DELETED, "keeps out at nobody's"),
    _bad(an_event(), ("spec", "keepOut", "end"), DELETED, "keeps out without end", field="spec.keepOut.start"),
    _bad(an_event(), ("spec", "keepOut", "end"), "07:30", "keeps out for no time"),
    _bad(an_event(), ("spec", "keepOut", "audiences"), ["everybody"], "unknown audience",
         field="spec.keepOut.audiences[0]"),
)  # fmt: skip

_INSTANTS = changed(changed(an_event(), ("spec", "firstDay"), DELETED), ("spec", "lastDay"), DELETED)
_REDUCTION = _INSTANTS["spec"].pop("reduce")
_KEEP_OUT = _INSTANTS["spec"].pop("keepOut")
_BELLS = _INSTANTS["spec"].pop("bells")
_INSTANTS["spec"] |= {"start": "2021-04-06T06:00:00Z", "end": "2021-04-06T10:00:00Z"}

BAD_OBJECTS: tuple[Bad, ...] = (
    *SITES,
    *ENTS,
    *PEAKS,
    *CALENDARS,
    *SCHEDULES,
    *EVENTS,
    _bad(_INSTANTS, ("spec", "end"), "2021-04-06T06:00:00Z", "an event of no length", field="spec.start"),
    _bad(_INSTANTS, ("spec", "reduce"), _REDUCTION, "a reduction by the hour"),
    _bad(_INSTANTS, ("spec", "keepOut"), _KEEP_OUT, "a keep-out by the hour", field="spec.firstDay"),
    _bad(_INSTANTS, ("spec", "bells"), _BELLS, "bells without a day", field="spec.firstDay"),
    _bad(_INSTANTS, ("spec", "end"), DELETED, "an event without end", field="spec.firstDay"),
    _bad(a_report(), ("spec", "observer"), DELETED, "nobody reports"),
    _bad(a_report(), ("spec", "observer"), "The Witness", "an observer that is no name"),
)
