"""The system that users meet: one step of time moves users, edges, queues and pods, and loses nobody.

Conservation is checked in every step: what arrives is served, refused, queued, on its way back, or given up.
"""

import numpy as np
from numpy.typing import NDArray

from controller.sim.attack import attack_course
from controller.sim.demand import SAMPLE_SECONDS, Course
from controller.sim.edges import Edges
from controller.sim.faults import faults_of
from controller.sim.metrics import Counter, Metrics
from controller.sim.pods import Pods
from controller.sim.scenario import Scenario
from controller.sim.service import kept_share, served_share, waiting_seconds
from controller.sim.streams import stream
from controller.sim.users import CLASSES, LOGIN, PAGE, WEIGHTS, Users

Array = NDArray[np.float64]

REDIRECT_REQUESTS = 1.0
"""What a log-in that single sign-on refuses costs a portal: the redirect to it."""
LEAK = 1e-6
"""Relative difference that is arithmetic, and no lost user."""
TARGET_AT_START = 0.75
NO_CAP = np.inf


def _requests(attempts: Array) -> Array:
    """Return the requests that attempts are made of, whatever their tries."""
    found: Array = WEIGHTS[LOGIN] * attempts[LOGIN].sum(axis=0) + WEIGHTS[PAGE] * attempts[PAGE].sum(axis=0)
    return found


class ConservationError(AssertionError):
    """Users were lost or made up: a mistake of the simulator."""


class Step:
    """What one step saw, ENT × site; the same arrays are used again in the next."""

    def __init__(self, ents: int, sites: int) -> None:
        self.seconds = 0.0
        self.first = np.zeros(ents)
        """First attempts, in requests; likewise below."""
        self.first_failed = np.zeros(ents)
        """Of these, at their first try."""
        self.arrived = np.zeros((ents, sites))
        self.capacity = np.zeros((ents, sites))
        self.served = np.zeros((ents, sites))
        self.failed = np.zeros(ents)
        self.calm = True


class System:
    """All portals at all sites."""

    def __init__(self, scenario: Scenario, course: Course, seed: int) -> None:
        self.scenario, self.course = scenario, course
        self.ents, self.sites = len(scenario.ents), len(scenario.sites)
        names = [site.name for site in scenario.sites]
        self.placed = np.array([[name in ent.sites for name in names] for ent in scenario.ents])
        self.home = np.array([names.index(ent.sites[0]) for ent in scenario.ents])
        self.guarded_data = np.array([ent.replicated_data for ent in scenario.ents])
        self._arrivals, self._attack = stream(seed, "arrivals"), attack_course(scenario, seed)
        self.pods = Pods(
            scenario.pods, [s.spare_replicas for s in scenario.sites], self._at_start(), stream(seed, "pods")
        )
        weights = np.zeros((self.ents, self.sites), dtype=np.int64)
        weights[np.arange(self.ents), self.home] = 100
        self.edges = Edges(scenario.edge, weights)
        self.users = Users(scenario.users, self.ents)
        self.faults = faults_of(scenario)
        self.metrics = Metrics(scenario.metrics, self.ents, self.sites)
        self.max_concurrent = np.full((self.ents, self.sites), NO_CAP)
        self.queue = np.zeros((CLASSES, self.users.tries, self.ents, self.sites))
        self.step_seen = Step(self.ents, self.sites)
        self._queued = False
        self.logins_served = 0.0
        self._balance = np.zeros(3)
        """Attempts: first ones, served ones, given up."""
        self.users.active[:] = course.logins[:, 0] * course.visit_seconds[:, 0]
        self.metrics.warm(self._rates_at_start())

    def _at_start(self) -> NDArray[np.int64]:
        """Return replicas for the demand at the start, and the loss of any one site, for every controller alike."""
        spec, wanted = self.scenario.service, np.zeros((self.ents, self.sites), dtype=np.int64)
        need = self.course.open_loop[:, 0] / (TARGET_AT_START * spec.requests_per_replica)
        for e, ent in enumerate(self.scenario.ents):
            others = int(self.placed[e].sum()) - 1
            for s in np.flatnonzero(self.placed[e]):
                share = 1.0 if s == self.home[e] or others == 0 else 1.0 / others
                wanted[e, s] = min(ent.max, max(ent.min, int(np.ceil(need[e] * share))))
        return wanted

    def _rates_at_start(self) -> Array:
        """Return the counters' rates of a world that has long been as it is at the start."""
        load, rates = self.course.open_loop[:, :1] * self.edges.shares, np.zeros_like(self.metrics.counters)
        for counter in (Counter.REQUESTS, Counter.FIRST_ATTEMPTS, Counter.SUCCESSES, Counter.WORK):
            rates[counter] = load
        rates[Counter.LOGINS] = self.course.logins[:, :1] * self.edges.shares
        rates[Counter.ROOM] = self.pods.ready * self.scenario.service.requests_per_replica
        rates[Counter.LATENCY] = load * self._base_seconds
        return rates

    @property
    def quiet(self) -> bool:
        """Tell whether nothing is on its way: no queue, nobody coming back, no pod starting, no share moving."""
        return not (self._queued or self.users.waiting or self.pods.any_starting or self.edges.moving)

    @property
    def quiet_users(self) -> bool:
        """Tell whether nobody waits, in a queue or to come back."""
        return not (self._queued or self.users.waiting)

    def capacity_rate(self) -> Array:
        """Return what Ready replicas carry now, requests per second."""
        conditions = self.faults.conditions
        per_second = self.pods.ready * (self.scenario.service.requests_per_replica * conditions.speed)
        found: Array = np.where(conditions.alive, per_second, 0.0)
        return found

    def step(self, now: float, seconds: int) -> Step:
        """Move everything from now on by so many seconds."""
        course, users, seen = self.course, self.users, self.step_seen
        i = course.index(now)
        self.edges.turn(now, seconds)
        first = np.empty((CLASSES, self.ents))
        first[LOGIN] = course.logins[:, i] * seconds
        first[PAGE] = (users.active * course.page_rate[:, i] + course.direct[:, i]) / WEIGHTS[PAGE] * seconds
        # The requests of a page and of a log-in are spread over the seconds: chance is drawn by request.
        first = self._arrivals.poisson(first * WEIGHTS[:, None]) / WEIGHTS[:, None]
        back = users.come_back(seconds)
        seen.seconds, seen.first = seconds, WEIGHTS @ first
        seen.capacity = self.capacity_rate() * seconds
        attack = self._attack_at(now) * seconds
        if back is None and not self._queued and self._all_is_served(first, attack, seconds, i):
            self._balance[:2] += first.sum()
        else:
            self._serve(first, back, attack, seconds, i)
        self._nobody_is_lost()
        return seen

    def _attack_at(self, now: float) -> float:
        return float(self._attack[min(int(now // SAMPLE_SECONDS), len(self._attack) - 1)]) / self.ents

    def _all_is_served(self, first: Array, attack: float, seconds: int, i: int) -> bool:
        """Try the short way: nothing fails, nothing queues."""
        conditions, spec, seen = self.faults.conditions, self.scenario.service, self.step_seen
        if spec.sign_on_per_second is not None or conditions.error_share.any() or conditions.no_data.any():
            return False
        if (conditions.slower > 1.0).any() or not conditions.alive.all():
            return False
        load = seen.first[:, None] * self.edges.shares
        work = load + attack * self._attack_cost * self.edges.shares if attack else load
        if not (work <= seen.capacity).all():
            return False
        seen.arrived = work
        seen.served = work
        seen.calm = True
        seen.first_failed[:] = 0.0
        seen.failed[:] = 0.0
        self.logins_served += float(first[LOGIN].sum())
        self.users.log_in(first[LOGIN], self.course.visit_seconds[:, i], seconds)
        counters, rho = self.metrics.counters, work / np.maximum(seen.capacity, 1e-9)
        wait = self._base_seconds + waiting_seconds(self.pods.ready * spec.workers_per_replica, rho, self._base)
        counters[Counter.REQUESTS] += load + attack * self.edges.shares if attack else load
        counters[Counter.FIRST_ATTEMPTS] += load
        counters[Counter.SUCCESSES] += load
        counters[Counter.LOGINS] += first[LOGIN][:, None] * self.edges.shares
        counters[Counter.WORK] += work
        counters[Counter.ROOM] += seen.capacity
        counters[Counter.LATENCY] += wait * load
        return True

    @property
    def _attack_cost(self) -> float:
        return self.scenario.attack.cost if self.scenario.attack is not None else 0.0

    @property
    def _base_seconds(self) -> float:
        """How long a request takes that does not wait."""
        return self.scenario.service.workers_per_replica / self.scenario.service.requests_per_replica

    @property
    def _base(self) -> Array:
        return np.asarray(self._base_seconds)

    def _serve(self, first: Array, back: Array | None, attack: float, seconds: int, i: int) -> None:
        """Serve, queue and refuse: the long way."""
        conditions, spec, seen, shares = (
            self.faults.conditions,
            self.scenario.service,
            self.step_seen,
            self.edges.shares,
        )
        attempts = np.zeros((CLASSES, self.users.tries, self.ents)) if back is None else back
        attempts[:, 0] += first
        refused = self._refused_at_sign_on(attempts, seconds)
        arrived = (attempts - refused)[..., None] * shares
        content = self.queue + arrived
        work = _requests(content)
        redirects = (refused.sum(axis=(0, 1)) * REDIRECT_REQUESTS)[:, None] * shares
        extra = redirects + attack * self._attack_cost * shares
        served_part = served_share(work + extra, seen.capacity)
        left_work = work * (1.0 - served_part)
        rate = seen.capacity / seconds
        bound = np.minimum(spec.queue_seconds * rate, np.maximum(0.0, self.max_concurrent - rate * self._base_seconds))
        kept_part = kept_share(left_work, bound)
        with np.errstate(divide="ignore", invalid="ignore"):
            wait = np.where(rate > 0, left_work * kept_part / rate, 0.0)
        broken = np.maximum(np.broadcast_to(conditions.error_share, wait.shape), self._without_data(conditions.no_data))
        slow = wait + self._base_seconds * conditions.slower > self.scenario.users.slow_seconds
        good_part = served_part * np.where(slow, 0.0, 1.0 - broken)
        good = content * good_part
        queue = content * ((1.0 - served_part) * kept_part)
        failed = np.maximum(0.0, content - good - queue)
        self._note(attempts, refused, arrived, content, good, failed, work, extra, served_part, attack, wait)
        gone = failed.sum(axis=3) + refused
        self._balance[0] += first.sum()
        self._balance[1] += good.sum()
        logged_in = good[LOGIN].sum(axis=(0, 2))
        self.logins_served += float(logged_in.sum())
        self.users.log_in(logged_in, self.course.visit_seconds[:, i], seconds)
        before = self.users.given_up.sum()
        if gone.any():
            self.users.fail(gone)
        self._balance[2] += self.users.given_up.sum() - before
        self.queue = queue
        self._queued = bool(queue.any())
        seen.calm = not gone.any() and not self._queued

    def _refused_at_sign_on(self, attempts: Array, seconds: int) -> Array:
        """Return the log-ins that single sign-on cannot take; it does not care how often somebody has tried."""
        refused = np.zeros_like(attempts)
        most = self.scenario.service.sign_on_per_second
        if most is not None:
            wanted = attempts[LOGIN].sum(axis=0)
            over = np.where(wanted > most * seconds, 1.0 - most * seconds / np.maximum(wanted, 1e-9), 0.0)
            refused[LOGIN] = attempts[LOGIN] * over
        return refused

    def _without_data(self, missing: NDArray[np.bool_]) -> Array:
        """Return 1 where a placement away from home lacks the data."""
        lacking = np.outer(self.guarded_data, missing).astype(float)
        lacking[np.arange(self.ents), self.home] = 0.0
        return lacking

    def _note(
        self,
        attempts: Array,
        refused: Array,
        arrived: Array,
        content: Array,
        good: Array,
        failed: Array,
        work: Array,
        extra: Array,
        served_part: Array,
        attack: float,
        wait: Array,
    ) -> None:
        seen, counters, shares = self.step_seen, self.metrics.counters, self.edges.shares
        incoming = _requests(arrived)
        failed_work = _requests(failed)
        refused_work = _requests(refused)
        good_work = _requests(good)
        seen.arrived = incoming + extra
        seen.served = (work + extra) * served_part
        seen.failed = failed_work.sum(axis=1) + refused_work
        seen.first_failed = WEIGHTS @ (failed[:, 0].sum(axis=2) + refused[:, 0])
        everything = _requests(attempts)[:, None] * shares
        counters[Counter.REQUESTS] += everything + attack * shares
        counters[Counter.FIRST_ATTEMPTS] += seen.first[:, None] * shares
        counters[Counter.SUCCESSES] += good_work
        counters[Counter.FAILURES] += failed_work + refused_work[:, None] * shares
        counters[Counter.LOGINS] += attempts[LOGIN].sum(axis=0)[:, None] * shares
        counters[Counter.LOGIN_FAILURES] += failed[LOGIN].sum(axis=0) + refused[LOGIN].sum(axis=0)[:, None] * shares
        counters[Counter.WORK] += seen.served
        counters[Counter.ROOM] += seen.capacity
        latency = wait + self._base_seconds * self.faults.conditions.slower
        counters[Counter.LATENCY] += latency * good_work

    def _nobody_is_lost(self) -> None:
        """Check that first attempts were served, are queued, will come back, or were given up."""
        first, served, given_up = self._balance
        somewhere = served + given_up + self.users.waiting + (float(self.queue.sum()) if self._queued else 0.0)
        if abs(first - somewhere) > LEAK * max(1.0, first):
            raise ConservationError(f"{first:.3f} came, {somewhere:.3f} are accounted for")
