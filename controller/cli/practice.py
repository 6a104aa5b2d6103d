"""A drill as it goes: what was well when it began, what is not now, and how it ended. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

Found = Mapping[str, Any]
"""What `sonnerie status --json` prints."""

SCHEMA_VERSION = 1
"""Of the report."""
LOOKS_UNTIL_ABORTED = 2
"""One bad look may be a scrape; two running are five seconds in which users may have suffered."""
OBEYED_WITHIN = timedelta(seconds=60)
"""Several planning cycles and steps: when nobody has left by then, nobody listens."""
MUST_STAY = frozenset({"Ready", "ReserveReady"})
"""Conditions of ENTs that a drill may not cost: they are served, and the loss of another site is paid for."""


class Ending(StrEnum):
    """How a drill ends."""

    PASSED = "passed"
    """Everybody left, and nobody suffered until its time was over."""
    TOO_SLOW = "tooSlow"
    """Nobody suffered, and not everybody had left when its time was over."""
    ABORTED = "aborted"
    """Somebody suffered; the site was given back at once."""
    NOT_OBEYED = "notObeyed"
    """Nobody left."""
    INTERRUPTED = "interrupted"
    """Whoever ran it ended it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look showed."""

    at: datetime
    percent: Mapping[str, int]
    """Share of each ENT's users that the site has."""
    harm: tuple[str, ...]
    """What is not well of what may not suffer, in sentences."""

    @property
    def left(self) -> bool:
        """Tell whether the site has no users any more."""
        return not any(self.percent.values())


def looked(found: Found, site: str, now: datetime) -> Look:
    """Return what matters of a status."""
    percent, harm = {}, []
    for ent in found["ents"]:
        weights = {placement["site"]: placement["weight"] or 0 for placement in ent["placements"]}
        if site in weights:
            percent[ent["name"]] = round(100 * weights[site] / max(1, sum(weights.values())))
            harm += [f"{ent['name']}: {c['type']} is False, {c['message']}" for c in ent["not_well"] if _hurts(c)]
    for other in found["sites"]:
        if other["name"] != site and other["verdict"] in ("Degraded", "Down"):
            harm.append(f"{other['name']} is {other['verdict']}: {other['summary']}")
    leader = found["leader"]
    if leader is not None and leader["identity"] is None:
        harm.append("no controller holds the Lease: nobody would act if a site were lost now")
    return Look(at=now, percent=percent, harm=tuple(harm))


def _hurts(condition: Mapping[str, str]) -> bool:
    return condition["type"] in MUST_STAY and condition["status"] == "False"


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """A drill and what was seen of it."""

    site: str
    first: Look
    until: datetime
    looks: tuple[Look, ...] = field(default=())
    """Those that differ from the one before, oldest first."""
    bad_looks: int = 0
    """How many looks running have shown harm."""
    left_at: datetime | None = None
    ending: Ending | None = None
    why: str = ""

    def seeing(self, look: Look) -> "Practice":
        """Return the drill after one more look, ended where it is over."""
        before = self.looks[-1] if self.looks else self.first
        changed = (look.percent, look.harm) != (before.percent, before.harm)
        bad = self.bad_looks + 1 if look.harm else 0
        after = replace(
            self,
            looks=(*self.looks, look) if changed else self.looks,
            bad_looks=bad,
            left_at=self.left_at or (look.at if look.left else None),
        )
        if bad >= LOOKS_UNTIL_ABORTED:
            return after.ended(Ending.ABORTED, "; ".join(look.harm))
        if look.percent == self.first.percent and not look.left and look.at - self.first.at >= OBEYED_WITHIN:
            text = f"after {OBEYED_WITHIN.seconds} s nobody had left: does the controller run, and is it not frozen?"
            return after.ended(Ending.NOT_OBEYED, text)
        if look.at >= self.until:
            if after.left_at is None:
                still = ", ".join(f"{ent} {percent} %" for ent, percent in sorted(look.percent.items()) if percent)
                return after.ended(Ending.TOO_SLOW, f"still there: {still}")
            return after.ended(Ending.PASSED, "")
        return after

    def ended(self, ending: Ending, why: str) -> "Practice":
        """Return the drill with its end."""
        return replace(self, ending=ending, why=why)

    def document(self, order: Mapping[str, str]) -> dict[str, Any]:
        """Return the report as JSON has it."""
        took = None if self.left_at is None else (self.left_at - self.first.at).total_seconds()
        return {
            "schema_version": SCHEMA_VERSION,
            "site": self.site,
            "order": dict(order),
            "ending": str(self.ending),
            "why": self.why,
            "left_seconds": took,
            "began_at": _text(self.first.at),
            "looks": [
                {"at": _text(look.at), "percent": dict(look.percent), "harm": list(look.harm)}
                for look in (self.first, *self.looks)
            ],
        }


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
