"""Knative's autoscaler on requests per second, as it stands in each cluster.

Its own way is to scrape every pod each second. Here it gets the metric that all peers get, held between scrapes.
"""

from dataclasses import dataclass, field

from controller.sim.controller import Known, Seen, SeenPlacement
from controller.sim.peers import knative
from controller.sim.peers.hpa_scalers import target_per_second
from controller.sim.peers.knative import Averages, Decider, Panic
from controller.sim.peers.scaling import EachPlacement
from controller.sim.peers.sizing import Sizings


@dataclass(slots=True)
class KnativeScaler:
    """One revision: its windows and its panic."""

    known: Known
    sizings: Sizings
    panic: Panic
    averages: Averages = field(default_factory=Averages)

    def wanted(self, seen: SeenPlacement, all_seen: Seen) -> int:
        """Record and decide. Without any data in the windows nothing changes."""
        decider = Decider(target=target_per_second(self.known, self.sizings, seen, all_seen))
        if seen.requests_per_second is not None:
            self.averages.record(all_seen.now, seen.requests_per_second, decider.stable_window)
        stable = self.averages.over(decider.stable_window, all_seen.now)
        panicking = self.averages.over(decider.panic_window, all_seen.now)
        if stable is None or panicking is None:
            return seen.wanted
        result = knative.scaled(
            decider, self.panic, ready=seen.ready, stable=stable, panicking=panicking, now=all_seen.now
        )
        self.panic = result.panic
        return min(max(result.pods, seen.min_replicas), seen.max_replicas)


def knative_kpa(known: Known) -> EachPlacement:
    """Knative's pod autoscaler with its default windows and rates."""
    sizings = Sizings(known)

    def make(seen: SeenPlacement, all_seen: Seen) -> KnativeScaler:
        return KnativeScaler(known, sizings, Panic.at_start(seen.ready, all_seen.now))

    return EachPlacement("knative", knative.TICK_SECONDS, make)
