"""What is logged: JSON lines, only when something changed. A quiet morning is a quiet log.

Each kind of thing is compared with what it was in the cycle before; the caller learns what is new, for the metrics.
"""

import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TextIO

import structlog

from controller.actuate.outcome import Outcome
from controller.domain.memory import Memory
from controller.domain.names import ActionId, SiteName
from controller.domain.plan import (
    Action,
    Plan,
    SetAdmission,
    SetDnsTargets,
    SetFloor,
    SetReplicas,
    SetWeights,
    Withheld,
)
from controller.domain.readings import Fresh, Missing, Reading, Stale
from controller.domain.world import World

Fields = dict[str, Any]

LONGEST_TRACEBACK = 8000
"""Of which the end says most."""


def open_log(now: Callable[[], datetime], stream: TextIO | None = None) -> Any:  # noqa: ANN401 - structlog's own type
    """Return a logger that writes one JSON object per line, with the instant in UTC."""

    def stamp(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Fields:
        return {"at": now().isoformat(timespec="milliseconds").replace("+00:00", "Z"), **event}

    return structlog.wrap_logger(
        structlog.WriteLogger(stream or sys.stderr),
        processors=[structlog.processors.add_log_level, stamp, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.BoundLogger,
        cache_logger_on_first_use=False,
    )


def describe(action: Action) -> Fields:
    """Return what the action does, flat, without its identity within the plan."""
    common: Fields = {"action": type(action).__name__, "ent": str(action.ent)}
    match action:
        case SetReplicas() | SetFloor():
            return common | {"site": action.site, "was": action.was, "replicas": action.replicas}
        case SetWeights():
            return common | {
                "edge": action.edge,
                "was": {w.site: w.weight for w in action.was},
                "weights": {w.site: w.weight for w in action.weights},
                "kind": str(action.kind),
            }
        case SetDnsTargets():
            return common | {"edge": action.edge, "was": list(action.was), "targets": list(action.targets)}
        case SetAdmission():
            return common | {
                "edge": action.edge,
                "site": action.site,
                "was": action.was,
                "max_concurrent": action.max_concurrent,
            }


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What this cycle brought that the one before had not."""

    actions: tuple[Action, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    verdicts: Mapping[SiteName, str] = field(default_factory=dict)


class Journal:
    """Logs changes."""

    def __init__(self, log: Any) -> None:  # noqa: ANN401 - structlog's own type
        self._log = log
        self._before: dict[str, Any] = {}

    def note(self, event: str, **fields: object) -> None:
        """Log something that happened once."""
        self._log.info(event, **fields)

    def warn(self, event: str, **fields: object) -> None:
        """Log something that somebody should look at."""
        self._log.warning(event, **fields)

    def crash(self, where: str, error: BaseException) -> None:
        """Log an error of ours, with its traceback and those of the errors inside it; no values of variables."""
        trace = "".join(traceback.TracebackException.from_exception(error).format())
        self._log.error(
            "crashed",
            where=where,
            error=f"{type(error).__name__}: {error}",
            line=_last_line_of_ours(error),
            traceback=trace[-LONGEST_TRACEBACK:],
        )

    def plan(self, plan: Plan, outcomes: Mapping[ActionId, Outcome] | None) -> News:
        """Log actions and withheld changes that are new; `outcomes` is None when nothing was to be done."""
        actions = {}
        for action in plan.actions:
            outcome = outcomes.get(action.id) if outcomes is not None else None
            actions[_identity(action)] = (action, type(outcome).__name__ if outcome else "Planned", outcome)
        new_actions = [
            (action, label, outcome)
            for identity, (action, label, outcome) in actions.items()
            if self._before.get("actions", {}).get(identity) != label
        ]
        for action, label, outcome in new_actions:
            why = getattr(outcome, "why", None)
            detail = {"why": why} if why else {}
            because = action.because
            self._log.info(
                "action", outcome=label, **describe(action), reason=str(because.reason), because=because.text, **detail
            )
        self._before["actions"] = {identity: label for identity, (_, label, _) in actions.items()}
        return News(actions=tuple(action for action, _, _ in new_actions), withheld=self._withheld(plan.withheld))

    def _withheld(self, withheld: Iterable[Withheld]) -> tuple[Withheld, ...]:
        by_identity = {(w.action.id, str(w.because.reason)): w for w in withheld}
        new = [w for identity, w in by_identity.items() if identity not in self._before.get("withheld", ())]
        for each in new:
            because = each.because
            self._log.info("withheld", **describe(each.action), reason=str(because.reason), because=because.text)
        self._before["withheld"] = frozenset(by_identity)
        return tuple(new)

    def verdicts(self, memory: Memory, why: Mapping[SiteName, str]) -> Mapping[SiteName, str]:
        """Log verdicts that changed and return them."""
        now = {site.site: str(site.verdict) for site in memory.sites}
        before = self._before.get("verdicts", {})
        changed = {site: verdict for site, verdict in now.items() if before.get(site) != verdict}
        for site, verdict in sorted(changed.items()):
            self._log.info("verdict", site=site, was=before.get(site), verdict=verdict, because=why.get(site, ""))
        self._before["verdicts"] = now
        return changed

    def readings(self, world: World) -> None:
        """Log per site how good its readings are, when that changed."""
        quality: dict[SiteName, Counter[str]] = {}
        for each in world.readings:
            quality.setdefault(each.site, Counter())[_quality(each.reading)] += 1
        for site, counts in sorted(quality.items()):
            self.changed(f"readings {site}", dict(sorted(counts.items())), site=site, event="readings")

    def changed(self, about: str, value: object, *, event: str, **fields: object) -> None:
        """Log a value under `now`, if it is not what it was. At first, nothing (None, empty) is no news."""
        if self._before.get(about) != value and (value or about in self._before):
            self._log.info(event, **fields, was=self._before.get(about), now=value)
            self._before[about] = value


def _quality(reading: Reading) -> str:
    match reading:
        case Fresh():
            return "Fresh"
        case Stale(reason=reason):
            return f"Stale{reason}"
        case Missing(reason=reason):
            return f"Missing{reason}"


def _identity(action: Action) -> tuple[str, str]:
    """Two actions are the same news when they want the same; the text may count along."""
    return action.id, repr(sorted(describe(action).items()))


def _last_line_of_ours(error: BaseException) -> str:
    trace, where = error.__traceback__, ""
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        if str(name).startswith("controller."):
            where = f"{name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return where
