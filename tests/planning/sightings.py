"""Rounds that come to a given sight, and worlds with nothing but rounds in them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from controller.domain.fleet import Site
from controller.domain.memory import Memory, SiteMemory
from controller.domain.names import SiteName
from controller.domain.readings import ProbeResult
from controller.domain.world import EvidenceRound, World
from controller.planning.votes import Sight
from tests.builders import BELL, DEAD, FINE, ROUND, a_site, rounds

PATHS: Mapping[Sight, tuple[ProbeResult, ProbeResult]] = {
    Sight.WELL: (FINE, FINE),
    Sight.PUBLIC_FAILS: (FINE, DEAD),
    Sight.API_FAILS: (DEAD, FINE),
    Sight.BOTH_FAIL: (DEAD, DEAD),
    Sight.ABSTAINS: (DEAD, DEAD),
}
"""What the API server and the public address answer."""


def seeing(
    sights: Sequence[Sight],
    *,
    observer: str = "one",
    of: str = "a",
    sites: Iterable[str] = "abc",
    now: datetime = BELL,
    at: str | None = None,
    first: int = 1,
) -> tuple[EvidenceRound, ...]:
    """Rounds of one observer that end at `now`, oldest first, each seeing that of one site."""
    found: list[EvidenceRound] = []
    for i, seen in enumerate(sights):
        api, public = PATHS[seen]
        references = (DEAD, DEAD, FINE) if seen is Sight.ABSTAINS else (DEAD, FINE, FINE)
        instant = now - ROUND * (len(sights) - 1 - i)
        one = rounds(
            instant,
            sites,
            api={of: api},
            public={of: public},
            references=references,
            count=1,
            observer=observer,
            first=first + i,
        )
        found += [replace(one[0], site=SiteName(at) if at else None)]
    return tuple(found)


def a_world_of(
    seen: Sequence[EvidenceRound],
    *,
    sites: Iterable[str] = "abc",
    memory: SiteMemory | None = None,
    self_site: str | None = None,
) -> World:
    """Sites, rounds and one memory."""
    declared: tuple[Site, ...] = tuple(a_site(name) for name in sites)
    return World(
        sites=declared,
        ents=(),
        rounds=tuple(seen),
        memory=Memory(sites=(memory,) if memory else ()),
        self_site=SiteName(self_site) if self_site else None,
    )
