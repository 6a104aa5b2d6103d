"""Verdict per site, from several independent signals: entered fast, left slowly.

What the votes and the fresh readings say now is one of seven kinds of evidence. It meets the verdict in force, and
the table says what comes of it; a site that was never judged counts as Unknown before.

Rules:
1. Down takes the vote of observers (`votes.py`): both paths failing, three rounds running.
2. Degraded takes a vote that the public address fails or answers with a status that is not the declared one, the
   site's own word, fresh errors or latency above the SLO of most of its ENTs that have users there, or log-ins that do
   not arrive there (`logins.py`). It is entered at once.
3. Down and Degraded are left only by health that is voted, measured where users are, and held: `RECOVERY_ROUNDS` for
   most observers and `RECOVERY` without anything bad seen in between. Not knowing never ends them.
4. A missing reading is no evidence, nor is a probe of an observer that abstains.
5. Every fall before the last one was forgiven doubles the hold before traffic comes back, up to `LONGEST_HOLD`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from controller.domain.fleet import Site
from controller.domain.memory import SiteMemory, Verdict
from controller.domain.names import EntKey, SignalName, SiteName
from controller.domain.plan import Because
from controller.domain.readings import Fresh, Stale
from controller.domain.reasons import Reason
from controller.domain.windows import shut_at
from controller.planning.facts import Facts
from controller.planning.logins import missing_logins
from controller.planning.votes import (
    HOLD_ROUNDS,
    LEAST_REFERENCES,
    RECOVERY_ROUNDS,
    Votes,
    observers_of,
    votes_on,
)


class Evidence(StrEnum):
    """What is seen of a site now, before what was held of it."""

    DEAD = "dead"
    """Voted: both paths fail."""
    SICK = "sick"
    """Voted: the public address fails. Or sick by its own word or figures."""
    SICK_BUT_ANSWERING = "sick but answering"
    """Sick by its own word or figures, while both paths have answered for long."""
    DOUBTFUL = "doubtful"
    """Answers nobody on both paths, or fails for most that vote, for too few rounds or in the eyes of too few."""
    NONE = "none"
    """Nobody could vote."""
    WELL = "well"
    """Both paths answer somebody, and no vote is under way."""
    WELL_FOR_LONG = "well for long"
    """So for most observers, measured and held."""


_HEALTHY, _DEGRADED, _DOWN, _UNKNOWN = Verdict.HEALTHY, Verdict.DEGRADED, Verdict.DOWN, Verdict.UNKNOWN

# fmt: off
BEFORE = (                       _HEALTHY,  _DEGRADED, _DOWN,     _UNKNOWN)
TRANSITIONS: Mapping[Evidence, tuple[Verdict, Verdict, Verdict, Verdict]] = {
    Evidence.DEAD:               (_DOWN,     _DOWN,     _DOWN,     _DOWN),
    Evidence.SICK:               (_DEGRADED, _DEGRADED, _DOWN,     _DEGRADED),
    Evidence.SICK_BUT_ANSWERING: (_DEGRADED, _DEGRADED, _DEGRADED, _DEGRADED),
    Evidence.DOUBTFUL:           (_UNKNOWN,  _DEGRADED, _DOWN,     _UNKNOWN),
    Evidence.NONE:               (_UNKNOWN,  _DEGRADED, _DOWN,     _UNKNOWN),
    Evidence.WELL:               (_HEALTHY,  _DEGRADED, _DOWN,     _HEALTHY),
    Evidence.WELL_FOR_LONG:      (_HEALTHY,  _HEALTHY,  _HEALTHY,  _HEALTHY),
}
# fmt: on
"""The verdict that follows, by evidence (rows) and verdict in force (columns, as `BEFORE` names them)."""

RECOVERY = timedelta(seconds=8)
"""How long nothing bad may be seen before a bad verdict ends: the span of `RECOVERY_ROUNDS`. Errors that come and go
with every scrape would flap otherwise, since the paths answer all the while."""
LONGEST_HOLD = timedelta(hours=4)
"""Cap of the doubling hold before fail-back (failover reference, hysteresis)."""
FORGIVEN_AFTER = LONGEST_HOLD
"""A site that was Healthy for so long has no fall to return from, and its next fall is a first one again."""
MOST_RELAPSES = 10
"""Counting further changes nothing: even a hold of fifteen seconds is at its cap by then."""
LEAST_REQUESTS_PER_SECOND = 1.0
"""Below this an error ratio says nothing: one unlucky user would be a percentage."""

ERRORS = SignalName("errors")
"""Ratio of failed requests, 0 to 1."""
LATENCY = SignalName("latencySeconds")
"""95th percentile of response time, in seconds."""
REQUESTS = SignalName("requests")

_BAD = (Verdict.DOWN, Verdict.DEGRADED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The verdict in force on a site."""

    site: SiteName
    verdict: Verdict
    since: datetime
    healthy_since: datetime | None
    fell_at: datetime | None
    well_since: datetime | None
    relapses: int
    because: Because
    no_quorum: Because | None
    """Why nobody could vote the site Down now; None when its loss would be seen."""

    @property
    def gone(self) -> bool:
        """Tell whether nothing there can serve."""
        return self.verdict is Verdict.DOWN


def failback_hold_until(health: Health, hold: timedelta) -> datetime | None:
    """Return until when a site that fell stays without the traffic it had; None when it has not fallen or is not back.

    `hold` is what the ENT declares for a first fall.
    """
    if health.fell_at is None or health.healthy_since is None:
        return None
    doublings = max(0, min(health.relapses, MOST_RELAPSES))
    return health.healthy_since + min(min(hold, LONGEST_HOLD) * (1 << doublings), LONGEST_HOLD)


def next_verdict(before: Verdict | None, evidence: Evidence) -> Verdict:
    """Look up the table."""
    return TRANSITIONS[evidence][BEFORE.index(before or Verdict.UNKNOWN)]


def judge_sites(facts: Facts) -> dict[SiteName, Health]:
    """Give the verdict on every site."""
    observers = observers_of(facts.world, facts.now)
    above = missing_logins(facts) | _above_slo(facts)
    return {
        name: _judge(facts, site, votes_on(site, observers, facts.world), above.get(name))
        for name, site in facts.sites.items()
    }


def _judge(facts: Facts, site: Site, votes: Votes, above_slo: Because | None) -> Health:
    before = facts.site_memory.get(site.name)
    evidence, because = _evidence(facts, site, votes, above_slo, before)
    verdict = next_verdict(before.verdict if before is not None else None, evidence)
    if verdict is not next_verdict(None, evidence):
        text = f"{site.name} was {verdict}; it must be well for {RECOVERY_ROUNDS} rounds before that ends"
        because = Because(reason=Reason.RECOVERING, text=text)
    return _remembering(facts.now, verdict, evidence, before, _fresh(facts.now, site, verdict, because, votes))


def _evidence(
    facts: Facts, site: Site, votes: Votes, above_slo: Because | None, before: SiteMemory | None
) -> tuple[Evidence, Because]:
    """Say what is seen now: what is worst first, each trusted as far as it goes."""
    name = site.name
    if votes.carried(votes.dead):
        text = f"API server and public address of {name} failed in {HOLD_ROUNDS} rounds in a row"
        return Evidence.DEAD, Because(reason=Reason.PATHS_FAILING, text=text)
    if votes.carried(votes.shut):
        text = f"the public address of {name} failed in {HOLD_ROUNDS} rounds in a row"
        return Evidence.SICK, Because(reason=Reason.PUBLIC_ADDRESS_FAILING, text=text)
    if votes.declared_sick:
        because = Because(reason=Reason.DECLARED_SICK, text=f"{name} says itself that it should not be sent users")
        return _sick(votes), because
    if not votes.voters:
        text = f"no observer could vote on {name}: its references do not answer, or it did not look"
        return Evidence.NONE, Because(reason=Reason.OBSERVER_IN_DOUBT, text=text)
    if above_slo is not None:
        return _sick(votes), above_slo
    if not votes.well or votes.carried(votes.shut_now):
        return Evidence.DOUBTFUL, _doubt(site, votes)
    held = before is None or before.verdict not in _BAD or _held(facts, site, votes, before)
    because = Because(reason=Reason.ANSWERING, text=f"{name} answers on all paths")
    return Evidence.WELL_FOR_LONG if held and votes.recovered else Evidence.WELL, because


def _sick(votes: Votes) -> Evidence:
    return Evidence.SICK_BUT_ANSWERING if votes.recovered else Evidence.SICK


def _held(facts: Facts, site: Site, votes: Votes, before: SiteMemory) -> bool:
    """Tell whether a bad verdict may end: health has lasted, and is measured where users are (rule 3)."""
    lasted = before.well_since is not None and facts.now - before.well_since >= RECOVERY
    return lasted and votes.recovered and not _unmeasured(facts, site)


def _doubt(site: Site, votes: Votes) -> Because:
    if votes.heard < votes.needed:
        text = f"{site.name} fails in the eyes of too few: {votes.heard} observers may vote, {votes.needed} are needed"
        return Because(reason=Reason.TOO_FEW_OBSERVERS, text=text)
    if votes.api_failing == votes.voters:
        text = f"the API server of {site.name} fails; one path alone is no proof"
        return Because(reason=Reason.API_SERVER_FAILING, text=text)
    text = f"{site.name} fails for fewer than {HOLD_ROUNDS} rounds, or observers do not agree how"
    return Because(reason=Reason.PATHS_FAILING, text=text)


def _no_quorum(site: Site, votes: Votes) -> Because | None:
    if votes.equipped >= votes.needed:
        return None
    if votes.heard >= votes.needed:
        text = f"{votes.equipped} of {votes.heard} observers have {LEAST_REFERENCES} external references or more"
        return Because(reason=Reason.NO_REFERENCES, text=f"{text}; Down needs {votes.needed} such observers")
    if not votes.heard:
        return Because(reason=Reason.NO_EVIDENCE, text=f"nobody who may vote on {site.name} was heard lately")
    text = f"{votes.heard} observer that may vote on {site.name} was heard, Down needs {votes.needed}: add a witness"
    return Because(reason=Reason.TOO_FEW_OBSERVERS, text=text)


def _fresh(now: datetime, site: Site, verdict: Verdict, because: Because, votes: Votes) -> Health:
    """Return the verdict as if nothing had been held before."""
    return Health(
        site=site.name,
        verdict=verdict,
        since=now,
        healthy_since=now if verdict is Verdict.HEALTHY else None,
        fell_at=now if verdict in _BAD else None,
        well_since=None,
        relapses=0,
        because=because,
        no_quorum=_no_quorum(site, votes),
    )


def _remembering(
    now: datetime, verdict: Verdict, evidence: Evidence, before: SiteMemory | None, fresh: Health
) -> Health:
    """Carry on what was held before: times, the last fall, and how often it came back."""
    if before is None:
        return fresh
    since = before.since if before.verdict is verdict else now
    if verdict in _BAD:
        well = evidence in (Evidence.WELL, Evidence.WELL_FOR_LONG)
        well_since = (before.well_since or now) if well else None
        return replace(fresh, since=since, fell_at=since, well_since=well_since, relapses=_relapses(before, now))
    healthy_since = before.healthy_since
    if verdict is Verdict.HEALTHY and healthy_since is None:
        healthy_since = since
    if healthy_since is not None and _forgiven(before, now):
        return replace(fresh, since=since, healthy_since=healthy_since)
    return replace(fresh, since=since, healthy_since=healthy_since, fell_at=before.fell_at, relapses=before.relapses)


def _relapses(before: SiteMemory, now: datetime) -> int:
    """Count a fall that comes before the last one was forgiven; while it lasts it is one and the same."""
    if before.verdict in _BAD:
        return before.relapses
    if before.fell_at is None or _forgiven(before, now):
        return 0
    return min(before.relapses + 1, MOST_RELAPSES)


def _forgiven(before: SiteMemory, now: datetime) -> bool:
    """Tell whether health has lasted so long that the fall is over. A moment of not knowing does not end it."""
    return before.healthy_since is not None and now - before.healthy_since > FORGIVEN_AFTER


def _above_slo(facts: Facts) -> dict[SiteName, Because]:
    """Return the sites that are sick by their own fresh figures. One sick ENT is the ENT's matter, not the site's."""
    suspects = _suspects(facts)
    found: dict[SiteName, Because] = {}
    for name in sorted(suspects):
        if name not in facts.sites:
            continue
        used = [ent for ent in facts.ents.values() if ent.placement(name) is not None and _used(facts, ent.key, name)]
        sick = [(ent.key, *suspects[name][ent.key]) for ent in used if ent.key in suspects[name]]
        if len(sick) * 2 > len(used):
            text = ", ".join(f"{key}: {text}" for key, _, text in sick)
            found[name] = Because(reason=sick[0][1], text=f"above the SLO at {name}: {text}")
    return found


def _suspects(facts: Facts) -> dict[SiteName, dict[EntKey, tuple[Reason, str]]]:
    """Return what is above its SLO, whoever it concerns; errors say more than latency.

    One pass over the readings: on an ordinary day nothing is found, and nothing else is looked up.
    """
    strictest = {
        ERRORS: min((ent.slo.error_ratio for ent in facts.ents.values()), default=0.0),
        LATENCY: min((ent.slo.latency_seconds for ent in facts.ents.values()), default=0.0),
    }
    found: dict[SiteName, dict[EntKey, tuple[Reason, str]]] = {}
    for r in facts.world.readings:
        least = strictest.get(r.signal)
        if least is None or not isinstance(r.reading, Fresh) or r.reading.value <= least or r.ent not in facts.ents:
            continue
        if shut_at(facts.windows.get(r.ent, ()), facts.now) is not None:
            continue  # a portal that is shut on purpose answers with errors, and no site is sick of it
        value, slo = r.reading.value, facts.ents[r.ent].slo
        if r.signal == ERRORS and value > slo.error_ratio:
            found.setdefault(r.site, {})[r.ent] = (Reason.ERRORS_ABOVE_SLO, f"{value:.1%} errors")
        elif r.signal == LATENCY and value > slo.latency_seconds:
            found.setdefault(r.site, {}).setdefault(r.ent, (Reason.LATENCY_ABOVE_SLO, f"{value:.2f} s"))
    return found


def _used(facts: Facts, ent: EntKey, site: SiteName) -> bool:
    requests = facts.reading(ent, site, REQUESTS)
    return isinstance(requests, Fresh) and requests.value >= LEAST_REQUESTS_PER_SECOND


def _unmeasured(facts: Facts, site: Site) -> bool:
    """Tell whether users are there and their errors, once measured, are not now: no proof that the sickness ended."""
    stale = (e for e in facts.ents.values() if isinstance(facts.reading(e.key, site.name, ERRORS), Stale))
    return any(facts.largest_shares(ent).get(site.name, 0.0) > 0 for ent in stale)
