"""A peer in the simulator: asked at its own interval, shown what its real counterpart sees, obeyed as it wishes."""

from datetime import timedelta

import numpy as np

from controller.sim.acting import Acting
from controller.sim.controller import Controller, Seen, SeenPlacement
from controller.sim.metrics import Counter
from controller.sim.system import System


class Foreign:
    """One controller of `controller/sim/peers/`."""

    def __init__(self, system: System, acting: Acting, controller: Controller) -> None:
        self._system, self._acting, self._controller = system, acting, controller
        self.name = controller.name
        self._due = 0.0
        self._order = sorted(
            (ent.key, name, e, s)
            for e, ent in enumerate(acting.ents)
            for s, name in enumerate(acting.names)
            if system.placed[e, s]
        )

    def next_ask(self, now: float) -> float:
        """Return until when the world may run on without asking."""
        return self._due if self._due > now else now + self._controller.interval_seconds

    def turn(self, now: float, *, new_scrape: bool) -> None:
        """Ask the controller if its time has come."""
        del new_scrape
        if now < self._due:
            return
        while self._due <= now:
            self._due += self._controller.interval_seconds
        if self._system.faults.conditions.controller_dead:
            return
        wish = self._controller.decide(self._seen(now))
        for key, name, e, s in self._order:
            wanted = wish.replicas.get((key, name))
            if wanted is not None:
                self._acting.set_replicas(e, s, wanted, now, self.name)
        for e, ent in enumerate(self._acting.ents):
            weights = {name: w for (key, name), w in wish.weights.items() if key == ent.key}
            if weights:
                self._acting.set_weights(e, weights, now, self.name)

    def _seen(self, now: float) -> Seen:
        system, start = self._system, self._system.course.start
        scrape, conditions = system.metrics.seen, system.faults.conditions
        found = []
        for key, name, e, s in self._order:
            spec = system.scenario.ents[e]
            silent = scrape is None or scrape.missing[s] is not None
            # Of pods that cannot be asked there is no CPU either; a Prometheus that is away takes none of it.
            cpu = float(scrape.cpu[e, s]) if scrape is not None and conditions.alive[s] else float("nan")
            found.append(
                SeenPlacement(
                    ent=key,
                    site=name,
                    wanted=int(system.pods.wanted[e, s]),
                    ready=int(system.pods.ready[e, s]),
                    starting=system.pods.starting_at(e, s),
                    min_replicas=spec.min,
                    max_replicas=spec.max,
                    cpu_utilisation=None if np.isnan(cpu) else cpu,
                    requests_per_second=(
                        None if silent or scrape is None else float(scrape.rates[Counter.REQUESTS, e, s])
                    ),
                    metric_at=None if scrape is None else start + timedelta(seconds=scrape.at),
                    probe_ok=bool(conditions.alive[s] and not conditions.seen_dead[s]),
                )
            )
        weights = {(key, name): int(system.edges.weights[e, s]) for key, name, e, s in self._order}
        return Seen(now=start + timedelta(seconds=now), placements=tuple(found), weights=weights)
