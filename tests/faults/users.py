"""The users: `python -m tests.faults.users …`, real HTTP, open-loop, until ended.

Open-loop: users come because it is school time, not because the last answer was quick. A session is a few pages on one
connection; who gets none mostly tries again. They come by the two HAProxies, or where DNS sends them.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.demo.portal import ATTEMPT_HEADER, SITE_HEADER
from tests.faults.asking import addresses_of
from tests.faults.cast import ENTS, TRAFFIC, Traffic
from tests.faults.connecting import Connection, ask, connect
from tests.faults.dns import DOMAIN
from tests.faults.resolving import Resolver
from tests.faults.traces import ANSWERS, CROWD, REQUESTS, Answer, Line, Request

FLUSH_SECONDS = 0.5
RESOLVERS = 12
"""Resolvers of providers and schools; each has a memory of its own."""


@dataclass(slots=True)
class Tape:
    """Collects lines and writes them twice a second."""

    path: Path
    header: str
    lines: list[str] = field(default_factory=list)

    def add(self, line: Line) -> None:
        """Take one."""
        self.lines.append(line.text())

    async def run(self) -> None:
        """Write until cancelled."""
        if not self.path.exists():
            self.path.write_text(self.header)
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            lines, self.lines = self.lines, []
            with self.path.open("a") as file:
                file.writelines(lines)


def read_factor(crowd: Path) -> float:
    """Return how many times the usual users come."""
    return float(crowd.read_text()) if crowd.exists() else 1.0


@dataclass(slots=True)
class Users:
    """All users of all ENTs."""

    traffic: Traffic
    port: int
    resolvers: Sequence[Resolver]
    tape: Tape
    factor: float = 1.0
    """How many times the usual users come."""
    present: set[asyncio.Task[None]] = field(default_factory=set)

    async def follow(self, crowd: Path) -> None:
        """Read how many come until cancelled."""
        while True:
            self.factor = read_factor(crowd)
            await asyncio.sleep(FLUSH_SECONDS)

    async def come(self, ent: str) -> None:
        """Let users come by a Poisson process until cancelled."""
        chance = random.Random(f"{self.traffic.seed} {ent} {time.time()}")
        due = time.time()
        while True:
            due += chance.expovariate(self.traffic.sessions_per_second * self.factor)
            await asyncio.sleep(due - time.time())
            self._begin(self.visit(ent, random.Random(chance.random())))

    def _begin(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(doing)
        self.present.add(task)
        task.add_done_callback(self.present.discard)

    async def visit(self, ent: str, chance: random.Random) -> None:
        """Live one session: pages on one connection until the user has what they came for, or gives up."""
        resolver = self.resolvers[chance.randrange(len(self.resolvers))]
        connection: Connection | None = None
        try:
            while True:
                there, connection = await self._page(ent, resolver, connection, chance)
                if not there or chance.random() < 1.0 / self.traffic.pages:
                    return
                await asyncio.sleep(chance.expovariate(1.0 / self.traffic.think_seconds))
        finally:
            if connection is not None:
                connection.close()

    async def _page(
        self, ent: str, resolver: Resolver, connection: Connection | None, chance: random.Random
    ) -> tuple[bool, Connection | None]:
        """Try until the page is there; tell whether it ever was."""
        for number in range(1, self.traffic.most_tries + 1):
            at = time.time()
            tried: list[str] = []
            status, site = 0, ""
            with suppress(TimeoutError):
                async with asyncio.timeout(self.traffic.patience_seconds):
                    status, site, connection = await self._click(ent, number, resolver, connection, tried)
            if status == 0 and connection is not None:
                connection.close()
                connection = None
            self.tape.add(Request(at, ent, number, status, time.time() - at, site, "+".join(tried)))
            if status == 200:
                return True, connection
            if chance.random() >= self.traffic.again:
                break
            await asyncio.sleep(
                self.traffic.pause_median_seconds * chance.lognormvariate(0.0, self.traffic.pause_spread)
            )
        return False, connection

    async def _click(
        self, ent: str, number: int, resolver: Resolver, connection: Connection | None, tried: list[str]
    ) -> tuple[int, str, Connection | None]:
        """Ask on the open connection, or on a new one if there is none or it turns out to be closed."""
        headers = {"Host": f"{ent}.{DOMAIN}", ATTEMPT_HEADER: str(number)}
        if connection is not None:
            with suppress(OSError, EOFError):
                return await self._asked(connection, headers)
            connection.close()
        addresses = await resolver.addresses(ent)
        fresh = await connect(addresses, self.port, self.traffic.attempt_delay_seconds, tried)
        if fresh is None:
            return 0, "", None
        with suppress(OSError, EOFError):
            return await self._asked(fresh, headers)
        fresh.close()
        return 0, "", None

    @staticmethod
    async def _asked(connection: Connection, headers: dict[str, str]) -> tuple[int, str, Connection | None]:
        try:
            answer = await ask(connection, headers)
        except asyncio.CancelledError:
            connection.close()
            raise
        if not answer.keeps:
            connection.close()
        return answer.status, answer.headers.get(SITE_HEADER.lower(), ""), connection if answer.keeps else None


async def run(options: argparse.Namespace) -> None:
    """Let everybody come until cancelled."""
    requests = Tape(options.folder / REQUESTS, Request.header())
    answers = Tape(options.folder / ANSWERS, Answer.header())
    addresses, servers = tuple(options.address), tuple(options.dns_server)
    resolvers = [
        Resolver(number=number, domain=DOMAIN, fixed=addresses, servers=servers, lookup=addresses_of, note=answers.add)
        for number in range(RESOLVERS)
    ]
    users = Users(TRAFFIC, options.port, resolvers, requests)
    async with asyncio.TaskGroup() as group:
        group.create_task(requests.run())
        group.create_task(answers.run())
        group.create_task(users.follow(options.folder / CROWD))
        for ent in ENTS:
            group.create_task(users.come(ent))


def main() -> None:
    """Read the command line and come."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--address", action="append", default=[], help="of an edge; repeat. Without: DNS tells")
    parser.add_argument("--dns-server", action="append", default=[], help="of a site; repeat")
    parser.add_argument("--folder", type=Path, required=True)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
