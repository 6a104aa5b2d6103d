"""Verdict per site, from several independent signals: entered fast, left slowly.

| evidence of the last rounds                                  | verdict  |
|--------------------------------------------------------------|----------|
| API server and every public address fail, three rounds       | Down     |
| public addresses fail, API server answers, three rounds      | Degraded |
| errors or latency above the SLO on a fresh reading           | Degraded |
| API server alone fails                                       | Unknown  |
| the observer is in doubt, or did not look                    | Unknown  |
| both paths answer                                            | Healthy  |

Rules:
1. An observer is in doubt when fewer than half of its external references answer; alone (all-sites topology), also
   when fewer than half of the other sites answer. In doubt it votes nothing.
2. With several observers a site is Down when two of them and a majority of those that vote say so.
3. Down and Degraded are left only on fresh evidence of health, held for `RECOVERY_ROUNDS`. Unknown never ends them.
4. A missing reading is no evidence. A failed probe is evidence only by an observer that is not in doubt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from controller.domain.fleet import Site
from controller.domain.memory import SiteMemory, Verdict
from controller.domain.names import ObserverName, SignalName, SiteName
from controller.domain.plan import Because
from controller.domain.readings import Fresh, Probe, ProbePath, Stale, answers
from controller.domain.reasons import Reason
from controller.domain.world import EvidenceRound
from controller.planning.facts import Facts

HOLD_ROUNDS = 3
"""Rounds in a row that must fail (design §6, Votes)."""
EVIDENCE_FRESH = timedelta(seconds=15)
"""Rounds older than this are history: seven periods, so that `RECOVERY_ROUNDS` fit with one or two missing."""
FORGIVEN_AFTER = timedelta(hours=4)
"""A site that was Healthy for so long has no fall to return from (cap of the hold-off, failover reference)."""
RECOVERY_ROUNDS = 5
"""Rounds in a row that must be well before a bad verdict ends: longer than the way in, so that it cannot flap."""
LEAST_OBSERVERS = 2
"""Votes that it takes where there are several observers (design §6, Votes)."""
LEAST_REQUESTS_PER_SECOND = 1.0
"""Below this an error ratio says nothing: one unlucky user would be a percentage."""

ERRORS = SignalName("errors")
"""Ratio of failed requests, 0 to 1."""
LATENCY = SignalName("latencySeconds")
"""95th percentile of response time, in seconds."""
REQUESTS = SignalName("requests")


class Sight(Enum):
    """What one observer saw of one site in one round."""

    WELL = auto()
    PUBLIC_FAILS = auto()
    API_FAILS = auto()
    BOTH_FAIL = auto()
    ABSTAINS = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The verdict in force on a site."""

    site: SiteName
    verdict: Verdict
    since: datetime
    healthy_since: datetime | None
    fell_at: datetime | None
    because: Because

    @property
    def gone(self) -> bool:
        """Tell whether nothing there can serve."""
        return self.verdict is Verdict.DOWN


def judge_sites(facts: Facts) -> dict[SiteName, Health]:
    """Give the verdict on every site."""
    rounds = _rounds_by_observer(facts)
    return {name: _judge(facts, site, rounds) for name, site in facts.sites.items()}


def _rounds_by_observer(facts: Facts) -> dict[ObserverName, tuple[EvidenceRound, ...]]:
    rounds: dict[ObserverName, list[EvidenceRound]] = {}
    for seen in sorted(facts.world.rounds, key=lambda r: (r.observer, r.sequence)):
        if facts.now - seen.at <= EVIDENCE_FRESH:
            rounds.setdefault(seen.observer, []).append(seen)
    return {observer: tuple(found) for observer, found in rounds.items()}


def _judge(facts: Facts, site: Site, rounds: Mapping[ObserverName, Sequence[EvidenceRound]]) -> Health:
    alone = len(rounds) < LEAST_OBSERVERS
    others = tuple(name for name in facts.sites if name != site.name)
    sights = {
        observer: tuple(_sight(seen, site, others if alone else ()) for seen in found[-RECOVERY_ROUNDS:])
        for observer, found in rounds.items()
    }
    verdict, because = _raw_verdict(facts, site, sights)
    return _with_hysteresis(facts, site, verdict, because, sights)


def _sight(seen: EvidenceRound, site: Site, others: Sequence[SiteName]) -> Sight:
    """Reduce the probes of one round to what they say of the site. `others` is empty when there are other observers."""
    if in_doubt(seen, others):
        return Sight.ABSTAINS
    api = _path_answers(seen.probes, ProbePath.API, site.name)
    public = _path_answers(seen.probes, ProbePath.PUBLIC, site.name)
    match api, public:
        case (None, _) | (_, None) if site.has_public_address or api is None:
            return Sight.ABSTAINS
        case (True, True) | (True, None):
            return Sight.WELL
        case (False, True):
            return Sight.API_FAILS
        case (True, False):
            return Sight.PUBLIC_FAILS
        case (False, False):
            return Sight.BOTH_FAIL
        case _:
            # Only one path exists (no public address): one path alone is never proof of death.
            return Sight.API_FAILS


def in_doubt(seen: EvidenceRound, others: Sequence[SiteName]) -> bool:
    """Tell whether the observer must abstain: it may be the one that is cut off (rule 1)."""
    references = [answers(p.result) for p in seen.probes if p.path is ProbePath.REFERENCE]
    answered = sum(1 for answer in references if answer)
    if not references or answered * 2 < len(references):
        return True
    alive = sum(1 for name in others if _any_path_answers(seen.probes, name))
    return alive * 2 < len(others)


def _path_answers(probes: Sequence[Probe], path: ProbePath, site: SiteName) -> bool | None:
    """Any of the addresses answering is enough; None when none was looked at."""
    looked = [answers(p.result) for p in probes if p.path is path and p.target == site]
    known = [answer for answer in looked if answer is not None]
    return any(known) if known else None


def _any_path_answers(probes: Sequence[Probe], site: SiteName) -> bool:
    return any(_path_answers(probes, path, site) for path in (ProbePath.API, ProbePath.PUBLIC))


def _raw_verdict(facts: Facts, site: Site, sights: Mapping[ObserverName, Sequence[Sight]]) -> tuple[Verdict, Because]:
    """The verdict of the evidence alone, before hysteresis."""
    if _voted(sights, Sight.BOTH_FAIL):
        text = f"API server and public address of {site.name} failed in {HOLD_ROUNDS} rounds in a row"
        return Verdict.DOWN, Because(reason=Reason.PATHS_FAILING, text=text)
    if _voted(sights, Sight.PUBLIC_FAILS):
        text = f"the public address of {site.name} failed in {HOLD_ROUNDS} rounds in a row; its API server answers"
        return Verdict.DEGRADED, Because(reason=Reason.PUBLIC_ADDRESS_FAILING, text=text)
    last = [found[-1] for found in sights.values() if found]
    if not last or all(sight is Sight.ABSTAINS for sight in last):
        text = f"no observer could vote on {site.name}: its references do not answer, or it did not look"
        return Verdict.UNKNOWN, Because(reason=Reason.OBSERVER_IN_DOUBT, text=text)
    sick = _above_slo(facts, site)
    if sick is not None:
        return Verdict.DEGRADED, sick
    if Sight.WELL not in last:
        text = f"{site.name} is seen by one path only, or has failed for fewer than {HOLD_ROUNDS} rounds"
        return Verdict.UNKNOWN, Because(reason=Reason.API_SERVER_FAILING, text=text)
    return Verdict.HEALTHY, Because(reason=Reason.ANSWERING, text=f"{site.name} answers on all paths")


def _voted(sights: Mapping[ObserverName, Sequence[Sight]], looked_for: Sight) -> bool:
    """Tell whether enough observers saw this in each of the last `HOLD_ROUNDS` rounds (rule 2)."""
    needed = min(LEAST_OBSERVERS, len(sights))
    voters = {name: found[-HOLD_ROUNDS:] for name, found in sights.items() if found and found[-1] is not Sight.ABSTAINS}
    in_favour = sum(
        1 for found in voters.values() if len(found) == HOLD_ROUNDS and all(sight is looked_for for sight in found)
    )
    return needed > 0 and in_favour >= needed and in_favour * 2 > len(voters)


def _above_slo(facts: Facts, site: Site) -> Because | None:
    """Return why the site is sick by its own fresh figures, or None. One sick ENT is the ENT's, not the site's."""
    looked_at, sick = 0, []
    for ent in facts.ents.values():
        requests = facts.reading(ent.key, site.name, REQUESTS)
        if ent.placement(site.name) is None or not isinstance(requests, Fresh):
            continue
        if requests.value < LEAST_REQUESTS_PER_SECOND:
            continue
        looked_at += 1
        errors = facts.reading(ent.key, site.name, ERRORS)
        latency = facts.reading(ent.key, site.name, LATENCY)
        if isinstance(errors, Fresh) and errors.value > ent.slo.error_ratio:
            sick.append((Reason.ERRORS_ABOVE_SLO, f"{ent.key}: {errors.value:.1%} errors"))
        elif isinstance(latency, Fresh) and latency.value > ent.slo.latency_seconds:
            sick.append((Reason.LATENCY_ABOVE_SLO, f"{ent.key}: {latency.value:.2f} s"))
    if not looked_at or len(sick) * 2 <= looked_at:
        return None
    return Because(reason=sick[0][0], text=f"above the SLO at {site.name}: " + ", ".join(text for _, text in sick))


def _with_hysteresis(
    facts: Facts, site: Site, verdict: Verdict, because: Because, sights: Mapping[ObserverName, Sequence[Sight]]
) -> Health:
    """Let a bad verdict end only on held, fresh health (rule 3)."""
    before = facts.site_memory.get(site.name)
    bad = (Verdict.DOWN, Verdict.DEGRADED)
    if before is not None and before.verdict in bad and verdict not in bad:
        well = verdict is Verdict.HEALTHY and all(
            len(found) >= RECOVERY_ROUNDS and all(sight is Sight.WELL for sight in found)
            for found in sights.values()
            if found and found[-1] is not Sight.ABSTAINS
        )
        if not well or _unmeasured(facts, site):
            text = f"{site.name} was {before.verdict}; it must be well for {RECOVERY_ROUNDS} rounds before that ends"
            verdict, because = before.verdict, Because(reason=Reason.RECOVERING, text=text)
    same = before is not None and before.verdict is verdict
    since = before.since if before is not None and same else facts.now
    healthy_since = _healthy_since(before, verdict, facts.now)
    fell_at = before.fell_at if before is not None else None
    if verdict in bad:
        fell_at = since
    elif healthy_since is not None and facts.now - healthy_since > FORGIVEN_AFTER:
        fell_at = None
    return Health(
        site=site.name,
        verdict=verdict,
        since=since,
        healthy_since=healthy_since,
        fell_at=fell_at,
        because=because,
    )


def _healthy_since(before: SiteMemory | None, verdict: Verdict, now: datetime) -> datetime | None:
    """A moment of not knowing does not end a time of health; a bad verdict does."""
    known = before.healthy_since if before is not None else None
    match verdict:
        case Verdict.HEALTHY:
            return known or (before.since if before is not None and before.verdict is Verdict.HEALTHY else now)
        case Verdict.UNKNOWN:
            return known
        case Verdict.DEGRADED | Verdict.DOWN:
            return None


def _unmeasured(facts: Facts, site: Site) -> bool:
    """Tell whether users are there and their errors, once measured, are not now: no proof that the sickness ended."""
    return any(
        isinstance(facts.reading(ent.key, site.name, ERRORS), Stale)
        for ent in facts.ents.values()
        if facts.largest_shares(ent).get(site.name, 0.0) > 0
    )
