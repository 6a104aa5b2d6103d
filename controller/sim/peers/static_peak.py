"""Static peak: as many replicas as the largest demand known, all the time."""

from controller.sim.controller import Known, Seen, Wish
from controller.sim.peers.sizing import Sizings


class StaticPeak:
    """Holds each placement at what the largest declared window or past demand needs, reserve included."""

    name = "static-peak"
    interval_seconds = 60.0
    """Nothing ever changes; once a minute undoes what others did."""

    def __init__(self, known: Known) -> None:
        self._sizings = Sizings(known)
        self._peak = {ent.key: _largest(known, ent.key) for ent in known.ents}

    def decide(self, seen: Seen) -> Wish:
        """Wish for the peak wherever something else stands."""
        replicas = {}
        for placement in seen.placements:
            sizing = self._sizings.of(placement.ent, seen)
            wanted = sizing.replicas(self._peak[placement.ent], placement.site)
            if wanted != placement.wanted:
                replicas[placement.ent, placement.site] = wanted
        return Wish(replicas=replicas, weights={})


def _largest(known: Known, ent: object) -> float:
    declared = (window.demand_per_second for window in known.windows if window.ent == ent)
    measured = (demand for key, series in known.history.items() if key == ent for _, demand in series)
    return max((*declared, *measured), default=0.0)
