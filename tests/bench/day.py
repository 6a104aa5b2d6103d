"""A day of operation in fast time: `python -m tests.bench.day [--hours N] [--from HOUR] [--calm]`.

The controller runs in this process on a clock that is moved on by ten seconds at a time: two evidence rounds, a
question to each Prometheus, a renewal of the Lease, one planning cycle; everything else (list and watch, Secrets, two
real sites with played nodes) runs as it does. Between it and both API servers stand proxies that answer 410, 429 and
500, cut answers and break streams. Secrets are rotated every hour, the controller is restarted three times, a site is
killed twice and comes back. With `--calm` nothing of this happens. What is looked at: memory, bells, crashes, and what
was written during the morning.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from controller.runtime.clock import SystemClock
from controller.runtime.process import Controller
from controller.runtime.settings import Address, Settings
from tests.bench.fast_time import Log, MovedClock, running_controller, slope_per_day, step
from tests.bench.measures import KIBIBYTE
from tests.bench.school import BELLS, ENTS, NAMESPACE, School, declared, needed, secret
from tests.controlplane import ControlPlane, SiteSpec
from tests.controlplane.ports import free_ports
from tests.faultproxy import ApiProxy, Cut, Pass, Reply, Seen
from tests.faultproxy.api import Fault, Script

ZONE = ZoneInfo("Europe/Paris")
STEP = timedelta(seconds=10)
HOURS = 24
STEPS_PER_HOUR = 360
FAULT_SHARE = 0.02
"""Of all requests that reach a proxy while it misbehaves, which it does in every second quarter of an hour."""
RESTARTS_AT_HOURS = (2.0, 9.2, 16.0)
"""One of them in the middle of a morning."""
SITE_KILLED_AT_HOURS = (3.0, 15.0)
SITE_AWAY_STEPS = 30
MORNING = (7, 13)
WARM_UP_HOURS = 24.0
"""A day fills what a day can fill: caches, samples, the heap at its largest bell. What grows on the next is a leak; so
a run of 24 hours says little of memory, and one of 48 hours much. Controllers that are restarted in one process leave
half a megabyte of heap each, with as many objects as before; in a cluster each is a process."""
MOST_SLOPE_SHARE = 0.01
"""Of the objects, a day: less than what a day differs from the next."""
MOST_BYTES = 150e6
"""Resident, on average, as when idle."""


@dataclass(slots=True)
class Account:
    """What happened so far."""

    clock: MovedClock
    writes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """During the morning, by method and what was written, whoever asked through a proxy."""
    events: Counter[str] = field(default_factory=Counter)
    """Of these, the Events by their reason."""
    faults: Counter[str] = field(default_factory=Counter)
    bells: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    """Hours and resident bytes."""
    objects: list[tuple[float, float]] = field(default_factory=list)
    """Hours and what the garbage collector tracks: what leaks is there, and what the heap keeps for later is not."""
    failures: float = 0.0
    cycles: int = 0

    @property
    def hours(self) -> float:
        """Gives how much of the day is over."""
        return self.clock.passed.total_seconds() / 3600

    def count(self, seen: Seen) -> None:
        """Remember a write of the morning."""
        local = self.clock.now().astimezone(ZONE)
        if seen.writes and MORNING[0] <= local.hour < MORNING[1]:
            parts = seen.path.strip("/").split("/")
            plural = next((each for each in PLURALS if each in parts), parts[-1])
            self.writes[seen.method, f"{plural}/{parts[-1]}" if parts[-1] in ("status", "scale") else plural] += 1
            if plural == "events":
                self.events[json.loads(seen.body)["reason"]] += 1


PLURALS = ("leases", "regionalents", "sites", "deployments", "events")
FAULTS: tuple[tuple[str, Fault], ...] = (
    ("410", Reply(status=410)),
    ("429", Reply(status=429, headers={"Retry-After": "0.1"})),
    ("500", Reply(status=500)),
    ("HTML", Reply(status=200, body=b"<html>log in</html>")),
    ("cut", Cut(after_bytes=100)),
)


def misbehaving(account: Account, chance: random.Random, share: float) -> Script:
    """Return a script that breaks a few requests in every second quarter of an hour; Leases are left alone."""

    def script(seen: Seen) -> Fault:
        account.count(seen)
        broken = int(account.hours * 4) % 2 and not seen.of_lease and chance.random() < share
        if not broken:
            return Pass()
        name, fault = chance.choice(FAULTS)
        account.faults[name] += 1
        return fault

    return script


class Day:
    """One run: the school, the proxies, a controller after another."""

    def __init__(
        self, school: School, account: Account, settings: Settings, away: ApiProxy, log: Log, *, calm: bool
    ) -> None:
        self._calm = calm
        self._school = school
        self._account = account
        self._settings = settings
        self._away = away
        self._log = log
        self._stack = AsyncExitStack()
        self._controller: Controller | None = None
        self._rotations = 0
        self.begun_terms = 0

    async def start(self) -> None:
        """Start a controller; what ran before has ended in good order and released the Lease."""
        await self._stack.aclose()
        clock = self._account.clock
        self._controller = await self._stack.enter_async_context(running_controller(self._settings, clock, self._log))
        self._school.weights = self._weight
        self.begun_terms += 1

    async def end(self) -> None:
        """End the controller."""
        self._count_failures()
        await self._stack.aclose()

    def _count_failures(self) -> None:
        if self._controller is not None:
            self._account.failures += self._controller.telemetry.failures._value.get()

    def _weight(self, ent: str, site: str) -> float:
        assert self._controller is not None
        routes = [each for each in self._controller.board.decided if each.ent.name == ent]
        total = sum(each.weight for each in routes)
        return sum(each.weight for each in routes if each.site == site) / total if total else 0.5

    async def run(self, hours: float) -> None:
        """Let the day pass."""
        for number in range(round(hours * STEPS_PER_HOUR)):
            if not self._calm:
                await self._happenings(number)
            assert self._controller is not None
            await step(self._controller, self._account.clock, STEP, self._school.tick)
            self._account.cycles += 1
            await self._look(number)

    async def _happenings(self, number: int) -> None:
        number %= HOURS * STEPS_PER_HOUR
        at = [round(hour * STEPS_PER_HOUR) for hour in SITE_KILLED_AT_HOURS]
        if number in at:
            self._school.alive["away"] = False
            await asyncio.to_thread(self._school.sites["away"].kill)
        if number - SITE_AWAY_STEPS in at:
            await asyncio.to_thread(self._school.sites["away"].start)
            self._school.alive["away"] = True
        if number in [round(hour * STEPS_PER_HOUR) for hour in RESTARTS_AT_HOURS]:
            self._count_failures()
            await self.start()
        if number % STEPS_PER_HOUR == STEPS_PER_HOUR // 2:
            self._rotations += 1
            await self._school.apply(secret(kubeconfig(self._away.url, f"rotated-{self._rotations}")))

    async def _look(self, number: int) -> None:
        local = self._account.clock.now().astimezone(ZONE)
        bells = [bell for bell in BELLS if timedelta() <= local - _at(local, bell) < STEP]
        for bell in bells:
            for ent in ENTS:
                ready = await self._school.ready(ent)
                self._account.bells.append(f"{bell} {ent}: {ready} Ready of {needed()} needed")
                if ready < needed():
                    self._account.missed.append(self._account.bells[-1])
        if number % (STEPS_PER_HOUR // 6) == 0:
            gc.collect()
            self._account.memory.append((self._account.hours, float(resident_bytes())))
            self._account.objects.append((self._account.hours, float(len(gc.get_objects()))))
        if number % STEPS_PER_HOUR == STEPS_PER_HOUR - 1:
            account = self._account
            sys.stdout.write(
                f"{account.hours:4.0f} h: {account.memory[-1][1] / 1e6:.1f} MB, {account.faults.total()} faults, "
                f"{len(account.bells)} bells looked at, {len(account.missed)} missed\n"
            )
            sys.stdout.flush()


def _at(local: datetime, bell: str) -> datetime:
    return local.replace(hour=int(bell[:2]), minute=int(bell[3:]), second=0, microsecond=0)


def resident_bytes() -> int:
    """Return the resident memory of this process."""
    line = next(each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith("VmRSS"))
    return int(line.split()[1]) * KIBIBYTE


def kubeconfig(server: str, token: str) -> str:
    """Return a kubeconfig for the proxy, whose token changes nothing but has changed."""
    return (
        f'{{"apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{{"name": "c", "context": '
        f'{{"cluster": "c", "user": "u"}}}}], "clusters": [{{"name": "c", "cluster": {{"server": "{server}"}}}}], '
        f'"users": [{{"name": "u", "user": {{"token": "{token}"}}}}]}}'
    )


async def live(hours: float, from_hour: float, folder: Path, plane: ControlPlane, *, calm: bool) -> Account:
    """Run the day and return what happened."""
    today = SystemClock().now().astimezone(ZONE)
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    account = Account(clock=MovedClock((midnight + timedelta(hours=from_hour)).astimezone(UTC)))
    chance, log, share = random.Random(2021), Log(), 0.0 if calm else FAULT_SHARE
    (prometheus,) = free_ports(1)
    school = School(plane.sites, lambda: account.clock.now().astimezone(ZONE))
    async with AsyncExitStack() as stack:
        proxies = {}
        for name, site in plane.sites.items():
            proxy = ApiProxy(site.kubeconfig, script=misbehaving(account, chance, share), keep=False)
            proxies[name] = await stack.enter_async_context(proxy)
        runner = await school.open(prometheus)
        stack.push_async_callback(runner.cleanup)
        stack.push_async_callback(school.close)
        url = f"http://127.0.0.1:{prometheus}"
        await school.declare(declared(today.date(), url, kubeconfig(proxies["away"].url, "first")))
        ours = settings(proxies["home"].kubeconfig(folder / "management"), url)
        day = Day(school, account, ours, proxies["away"], log, calm=calm)
        stack.push_async_callback(day.end)
        await day.start()
        await day.run(hours)
        await day.end()
    account.failures = max(account.failures, float(len(log.crashes)))
    for crash in log.crashes[:3]:
        sys.stdout.write(f"{crash}\n")
    return account


def settings(kubeconfig: Path, references: str) -> Settings:
    """Return the controller's settings: production's, but for the pace of what waits in real time."""
    (agent,) = free_ports(1)
    return Settings(
        kubeconfig=kubeconfig,
        lease_namespace=NAMESPACE,
        identity="day",
        references=tuple(f"{references}/reference/?{number}" for number in range(3)),
        agent_address=Address(host="127.0.0.1", port=agent),
        round_every_seconds=STEP.total_seconds() / 2,
        secrets_every_seconds=2.0,
        lease_duration_seconds=60.0,
        lease_renew_deadline_seconds=45.0,
    )


def main() -> None:
    """Print what happened; exit 1 when a promise was not kept."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", type=float, default=HOURS)
    parser.add_argument("--from", type=float, default=0.0, dest="from_hour", metavar="HOUR")
    parser.add_argument("--calm", action="store_true", help="no faults, restarts, rotations or lost sites")
    asked = parser.parse_args()
    hours: float = asked.hours
    specs = [SiteSpec(name=name, start_up_milliseconds=50) for name in ("home", "away")]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, ControlPlane(specs, run_folder=Path(name, "sites")) as plane:
        account = asyncio.run(live(hours, asked.from_hour, Path(name), plane, calm=asked.calm))
    slope, mean = late_slope(account.memory, hours)
    objects_slope, objects = late_slope(account.objects, hours)
    print(f"{hours:g} h in {time.monotonic() - began:.0f} s: {account.cycles} cycles, faults {dict(account.faults)}")
    print(
        f"memory: {mean / 1e6:.1f} MB, {slope / 1e6:+.2f} MB a day, {slope / mean:+.2%}; {account.failures:g} crashes"
    )
    print(f"objects: {objects:.0f}, {objects_slope:+.0f} a day, {objects_slope / objects:+.2%}")
    print(f"bells: {len(account.bells)} looked at, missed: {account.missed or 'none'}")
    print(f"writes from {MORNING[0]}:00 to {MORNING[1]}:00, {len(ENTS)} ENTs at 2 sites:")
    for (method, what), count in sorted(account.writes.items()):
        print(f"  {method} {what}: {count}")
    print(f"  events by reason: {dict(account.events.most_common())}")
    left = sum(isinstance(each, Controller) for each in gc.get_objects())
    print(f"controllers that ended and were kept in memory: {left}")
    leaks = objects_slope > MOST_SLOPE_SHARE * objects
    sys.exit(bool(account.missed or account.failures or leaks or mean > MOST_BYTES))


def late_slope(points: list[tuple[float, float]], hours: float) -> tuple[float, float]:
    """Return slope a day and mean of what comes after the warm-up."""
    late = [(at, value) for at, value in points if at >= min(WARM_UP_HOURS, hours / 2)]
    return slope_per_day(late), sum(value for _, value in late) / len(late)


if __name__ == "__main__":
    main()
