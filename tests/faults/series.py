"""What a plot shows of one run: each second's requests by who served them, and the weights of the sites."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.faults.cast import SITES
from tests.faults.figures import Trace, served_by, shares_over_time

FAILED = "failed"


def series(trace: Trace) -> dict[str, Any]:
    """Return seconds since the fault with requests per second by site and failed, and mean weights by site."""
    first, last = int(trace.began - trace.fault), int(trace.end - trace.fault)
    served: Counter[tuple[int, str]] = Counter()
    for request in trace.requests:
        second = int((request.at - trace.fault) // 1)
        served[second, FAILED if request.failed else served_by(trace, request)] += 1
    names = (*SITES, FAILED)
    return {
        "from": first,
        "heal": round(trace.heal - trace.fault, 1),
        "requests": {name: [served[second, name] for second in range(first, last)] for name in names},
        "weights": {site: _weights(trace, site, first, last) for site in SITES},
        "decisions": _decisions(trace),
    }


def _weights(trace: Trace, site: str, first: int, last: int) -> list[float | None]:
    """Return the site's share of all ENTs at all edges, in percent, at each second."""
    changes = [
        (at - trace.fault, [share for (_, _, where), share in shares.items() if where == site])
        for at, shares in shares_over_time(trace.weights)
    ]
    found: list[float | None] = []
    current: float | None = None
    for second in range(first, last):
        while changes and changes[0][0] <= second:
            _, shares = changes.pop(0)
            current = round(sum(shares) / len(shares), 1) if shares else current
        found.append(current)
    return found


def _decisions(trace: Trace) -> list[dict[str, Any]]:
    """Return the verdicts that were spoken, for the plot's margin."""
    return [
        {
            "second": round(decision.at - trace.fault, 1),
            "by": by,
            "text": f"{decision.get('site')} {decision.get('verdict')}: {decision.get('because')}",
        }
        for by, found in sorted(trace.decisions.items())
        for decision in found
        if decision.event == "verdict"
    ]
