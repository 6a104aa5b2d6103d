"""The controller's decisions in sentences that need no glossary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.demo.recording import ACTION, READINGS, VERDICT, WITHHELD, Decision

PAUSE_BETWEEN_STEPS = "StepInterval"
"""Withheld in every shift, for seconds: no news to anybody."""

_REPEATED = re.compile(r"^(grow|shrink) from \d+ to \d+: (?=.)|^\w+: [^()]* % \((?P<rest>.*)\)$")
"""What the sentence has said already."""

_KINDS = {
    "evacuation": "leaves a dead site",
    "failover": "leaves a sick site",
    "failback": "returns",
    "switchover": "is moved by order",
    "balance": "goes where it belongs",
}


def sentence(decision: Decision) -> str | None:
    """Say what was decided; None for what is no decision or only housekeeping."""
    match decision.event:
        case _ if decision.get("action") == "SetAdmission" or decision.get("reason") == PAUSE_BETWEEN_STEPS:
            return None
        case "action":
            return _action(decision)
        case "withheld":
            return f"not now: {_what(decision)}"
        case "verdict":
            return f"site {decision.get('site')} is {decision.get('verdict')}"
        case "readings":
            return _readings(decision)
        case _:
            return None


def because(decision: Decision) -> str:
    """Return the reason that the controller gave."""
    if decision.event == READINGS:
        now: Mapping[str, int] = decision.fields.get("now") or {}
        return "readings by quality: " + ", ".join(f"{count} {quality}" for quality, count in sorted(now.items()))
    return _REPEATED.sub(r"\g<rest>", decision.get("because"))


def _readings(decision: Decision) -> str | None:
    """Tell when all figures of a site are lost, and when some are there again; the steps between are no news."""
    was, now = decision.fields.get("was") or {}, decision.fields.get("now") or {}
    if ("Fresh" in was) == ("Fresh" in now):
        return None
    site = decision.get("site")
    return f"the figures of site {site} are {'believed' if 'Fresh' in now else 'not believed any more'}"


def is_told(decision: Decision) -> bool:
    """Tell whether the decision is worth a line."""
    return decision.event in (ACTION, WITHHELD, VERDICT, READINGS) and sentence(decision) is not None


def _action(decision: Decision) -> str:
    done = decision.get("outcome")
    refused = "" if done in ("Done", "") else f" ({done})"
    return _what(decision) + refused


def _what(decision: Decision) -> str:
    if decision.get("action") == "SetWeights":
        kind = _KINDS.get(decision.get("kind"), decision.get("kind"))
        return f"{decision.ent}: traffic {kind}, {_weights(decision.fields)}"
    return f"{decision.ent} at {decision.get('site')}: {decision.get('was')} → {decision.get('replicas')} replicas"


def _weights(fields: Mapping[str, Any]) -> str:
    was, weights = fields.get("was") or {}, fields.get("weights") or {}
    changed = [
        f"{site} {was.get(site, 0)} → {weights[site]} %" for site in weights if was.get(site, 0) != weights[site]
    ]
    return ", ".join(changed) or "as before"
