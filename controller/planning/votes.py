"""Sights and votes: what each observer saw of a site, and what the observers say of it together.

| an observer's round                                             | sight        |
|-----------------------------------------------------------------|--------------|
| fewer than three references, or fewer than half of them answer  | abstains     |
| alone, and fewer than half of the other sites answer            | abstains     |
| a path that the site has was not looked at                      | abstains     |
| both paths answer, or the only one there is                     | well         |
| API server fails, public address answers or does not exist      | API fails    |
| public address fails, API server answers                        | public fails |
| both answer, the public address not with the declared status    | public fails |
| both fail                                                       | both fail    |

Rules (design §6, Votes):
1. An observer is an instance or a witness. One that stands at a site has no vote on it; it may declare it sick, and
   is believed at once: a word about oneself counts downwards only.
2. An observer votes by its newest round, and not when that is older than `SILENT_AFTER`: late is lost. Three rounds
   running are its last three, each at most `SILENT_AFTER` after the one before. Rounds of different observers need not
   be aligned. A round that arrives twice counts once, one from the future not at all.
3. A vote is carried by two observers and a majority of those that do not abstain. In the all-sites topology there may
   be one observer; then it alone decides, and doubts itself when fewer than half of the other sites answer.
4. Peers that cannot be reached silence nobody: a burnt site among three could not be left otherwise.

At worst a loss is voted on 9 s after it: up to 2 s until the next round, two more rounds of 2 s, the deadline of 1 s
in the third, and up to 2 s until a peer has read the report.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from controller.domain.fleet import Site
from controller.domain.names import ObserverName, SiteName
from controller.domain.readings import Answered, ProbePath, answers
from controller.domain.world import EvidenceRound, World

HOLD_ROUNDS = 3
"""Rounds in a row that must fail (design §6, Votes)."""
RECOVERY_ROUNDS = 5
"""Rounds in a row that must be well before a bad verdict ends: longer than the way in, so that it cannot flap."""
LEAST_OBSERVERS = 2
"""Votes that it takes where there are several observers (design §6, Votes)."""
LEAST_REFERENCES = 3
"""External references that make an observer's word trustworthy (design §6, Votes)."""
SILENT_AFTER = timedelta(seconds=7)
"""Three periods and a deadline: one report lost and one late is no silence, and what is older is not about now."""
HISTORY = timedelta(seconds=15)
"""Rounds older than this are not looked at: seven periods, so that `RECOVERY_ROUNDS` fit with one or two missing."""
CLOCK_LEAD = timedelta(seconds=2)
"""A round may end after the cycle that uses it has begun. What lies further ahead was dated by another clock."""


class Sight(Enum):
    """What one observer saw of one site in one round."""

    WELL = auto()
    PUBLIC_FAILS = auto()
    API_FAILS = auto()
    BOTH_FAIL = auto()
    ABSTAINS = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    """What the observers say of one site. Counts are of observers that vote, so never of one that stands there."""

    heard: int
    """Observers that could vote and were heard lately, whether they abstain or not."""
    equipped: int
    """Of these, the ones with references enough."""
    needed: int
    """Observers that it takes: two, or the only one there is in the all-sites topology."""
    voters: int = 0
    """Of those heard, the ones that do not abstain."""
    dead: int = 0
    """Saw both paths fail in three rounds running."""
    shut: int = 0
    """Saw the public address fail in three rounds running, whatever the API server did."""
    shut_now: int = 0
    """Saw the public address fail just now, whatever the API server did."""
    api_failing: int = 0
    """Saw the API server alone fail just now."""
    well: int = 0
    """Saw both paths answer just now."""
    well_for_long: int = 0
    """Saw both paths answer for `RECOVERY_ROUNDS` running."""
    declared_sick: bool = False
    """An observer that stands there says so itself."""

    def carried(self, in_favour: int) -> bool:
        """Tell whether so many are enough for a bad verdict (rule 3)."""
        return in_favour >= self.needed and in_favour * 2 > self.voters

    @property
    def recovered(self) -> bool:
        """Tell whether most of those that vote have seen the site well for long enough."""
        return self.well_for_long * 2 > self.voters


@dataclass(frozen=True, slots=True)
class Look:
    """One round, its probes turned into look-ups: what answered, by path. A site that is absent was not looked at."""

    at: datetime
    api: dict[str, bool]
    public: dict[str, bool]
    statuses: dict[str, int]
    """With what status public addresses answered."""
    references: int
    trusted: bool
    """At least half of enough references answered."""

    def alive(self, sites: Collection[SiteName]) -> int:
        """Count the sites that answered on any path."""
        return sum(1 for site in sites if self.api.get(site) or self.public.get(site))


@dataclass(frozen=True, slots=True)
class Observer:
    """One observer that was heard lately: its rounds running, newest first."""

    looks: tuple[Look, ...]
    stands_at: SiteName | None
    declares_sick: bool


def observers_of(world: World, now: datetime) -> tuple[Observer, ...]:
    """Return the observers whose newest round is of now."""
    rounds: dict[ObserverName, dict[tuple[datetime, int], EvidenceRound]] = {}
    for seen in world.rounds:
        if -CLOCK_LEAD <= now - seen.at <= HISTORY:
            rounds.setdefault(seen.observer, {})[(seen.at, seen.sequence)] = seen
    found = []
    for _, mine in sorted(rounds.items()):
        newest_first = [mine[key] for key in sorted(mine, reverse=True)]
        newest = newest_first[0]
        if now - newest.at <= SILENT_AFTER:
            looks = tuple(look_at(seen) for seen in _running(newest_first))
            found.append(Observer(looks, newest.site, newest.declares_sick))
    return tuple(found)


def _running(newest_first: Sequence[EvidenceRound]) -> Iterable[EvidenceRound]:
    """Keep as many rounds as a verdict may need, up to the first gap: what lies before it is another story."""
    after: datetime | None = None
    for seen in newest_first[:RECOVERY_ROUNDS]:
        if after is not None and after - seen.at > SILENT_AFTER:
            return
        after = seen.at
        yield seen


def look_at(seen: EvidenceRound) -> Look:
    """Turn the probes of one round into look-ups."""
    api: dict[str, bool] = {}
    public: dict[str, bool] = {}
    statuses: dict[str, int] = {}
    references = answered = 0
    for probe in seen.probes:
        answer = answers(probe.result)
        match probe.path:
            case ProbePath.REFERENCE:
                references += 1
                answered += answer is True
            case ProbePath.API if answer is not None:
                api[probe.target] = answer or api.get(probe.target, False)
            case ProbePath.PUBLIC if answer is not None:
                # Any of several addresses answering is enough.
                public[probe.target] = answer or public.get(probe.target, False)
                if isinstance(probe.result, Answered):
                    statuses[probe.target] = min(probe.result.status, statuses.get(probe.target, probe.result.status))
            case _:
                pass  # not looked at: no evidence at all
    trusted = references >= LEAST_REFERENCES and answered * 2 >= references
    return Look(seen.at, api, public, statuses, references, trusted)


def votes_on(site: Site, observers: Sequence[Observer], world: World) -> Votes:
    """Count what the observers say of the site."""
    electorate = [observer for observer in observers if observer.stands_at != site.name]
    alone = world.self_site is None and len(observers) == 1
    others = [other.name for other in world.sites if other.name != site.name] if alone else []
    sights = [[sight(look, site, others) for look in observer.looks] for observer in electorate]
    voting = [seen for seen in sights if seen[0] is not Sight.ABSTAINS]
    return Votes(
        heard=len(electorate),
        equipped=sum(1 for observer in electorate if observer.looks[0].references >= LEAST_REFERENCES),
        needed=1 if alone else LEAST_OBSERVERS,
        voters=len(voting),
        dead=_count(voting, (Sight.BOTH_FAIL,), HOLD_ROUNDS),
        shut=_count(voting, (Sight.BOTH_FAIL, Sight.PUBLIC_FAILS), HOLD_ROUNDS),
        shut_now=_count(voting, (Sight.BOTH_FAIL, Sight.PUBLIC_FAILS), 1),
        api_failing=_count(voting, (Sight.API_FAILS,), 1),
        well=_count(voting, (Sight.WELL,), 1),
        well_for_long=_count(voting, (Sight.WELL,), RECOVERY_ROUNDS),
        declared_sick=any(o.declares_sick for o in observers if o.stands_at == site.name),
    )


def sight(look: Look, site: Site, others: Collection[SiteName]) -> Sight:
    """Reduce one round to what it says of the site. `others` is empty when there are other observers."""
    if not look.trusted or (others and look.alive(others) * 2 < len(others)):
        return Sight.ABSTAINS
    api = look.api.get(site.name)
    public = look.public.get(site.name)
    if api is None or (public is None and site.has_public_address):
        return Sight.ABSTAINS
    if public is None:
        # There is only one path, and one path alone is never proof of death.
        return Sight.WELL if api else Sight.API_FAILS
    if api:
        well = public and look.statuses.get(site.name, site.expected_status) == site.expected_status
        return Sight.WELL if well else Sight.PUBLIC_FAILS
    return Sight.API_FAILS if public else Sight.BOTH_FAIL


def _count(voting: Sequence[Sequence[Sight]], looked_for: tuple[Sight, ...], rounds: int) -> int:
    return sum(1 for seen in voting if len(seen) >= rounds and all(s in looked_for for s in seen[:rounds]))
