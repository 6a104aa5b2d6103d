"""The users: `python -m tests.demo.load …`, real HTTP through HAProxy, open-loop.

Open-loop: users come because the bell rings, not because the last answer was quick. A session is a few pages with time
to think between them. Who gets no page, or waits too long, mostly tries again after a while, and the same user at most
a dozen times: overload feeds itself, as on 6 April 2021. Connections are kept alive for a few seconds as browsers do;
one pool stands in for all browsers, so a page may travel on a connection that another user opened.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from tests.demo.portal import ATTEMPT_HEADER, SITE_HEADER
from tests.demo.records import Attempt
from tests.demo.shape import most_per_second, wanted_per_second
from tests.demo.story import EntStory, Story

KEPT_ALIVE_SECONDS = 4.0
"""Less than HAProxy's 5 s, so that it is never the server that closes a connection just as we use it."""
MOST_CONNECTIONS = 2000
"""Bounds what a collapse could open on this machine; a quiet run needs a few dozen."""
FLUSH_SECONDS = 0.5


@dataclass(slots=True)
class Record:
    """Collects attempts and writes them twice a second."""

    path: Path
    lines: list[str] = field(default_factory=list)

    def add(self, attempt: Attempt) -> None:
        """Take one."""
        self.lines.append(attempt.text())

    async def run(self) -> None:
        """Write until cancelled."""
        self.path.write_text(Attempt.header())
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            lines, self.lines = self.lines, []
            with self.path.open("a") as file:
                file.writelines(lines)


@dataclass(slots=True)
class Crowd:
    """All users of all ENTs."""

    story: Story
    session: ClientSession
    record: Record
    curtain: float
    until: float
    users: set[asyncio.Task[None]] = field(default_factory=set)

    async def come(self, ent: EntStory) -> None:
        """Let users come by a Poisson process that follows the shape of the day (thinning)."""
        chance = random.Random(f"{self.story.crowd.seed} {ent.name}")
        per_session = self.story.crowd.requests_per_session
        most = most_per_second(self.story, ent) / per_session
        due = self.curtain
        while due < self.until:
            due += chance.expovariate(most)
            await asyncio.sleep(due - time.time())
            second = due - self.curtain
            if chance.random() * most * per_session < wanted_per_second(self.story, ent, second):
                self._begin(self.visit(ent, random.Random(chance.random())))

    def _begin(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(doing)
        self.users.add(task)
        task.add_done_callback(self.users.discard)

    async def visit(self, ent: EntStory, chance: random.Random) -> None:
        """Live one session: pages until the user has what they came for, or gives up."""
        crowd = self.story.crowd
        while await self.get_page(ent, chance):
            if chance.random() < 1.0 / crowd.requests_per_session:
                return
            await asyncio.sleep(chance.expovariate(1.0 / crowd.think_seconds))

    async def get_page(self, ent: EntStory, chance: random.Random) -> bool:
        """Try until the page is there; tell whether it ever was."""
        crowd = self.story.crowd
        for number in range(1, crowd.most_tries + 1):
            at = time.time()
            status, site = await self._ask(ent, number)
            again = status != 200 and number < crowd.most_tries and chance.random() < crowd.returns
            then = "" if status == 200 else "again" if again else "gave-up"
            self.record.add(Attempt(at, ent.name, number, status, time.time() - at, site, then))
            if not again:
                return status == 200
            pause = crowd.return_median_seconds * chance.lognormvariate(0.0, crowd.return_spread)
            await asyncio.sleep(pause)
        return False

    async def _ask(self, ent: EntStory, number: int) -> tuple[int, str]:
        headers = {"Host": f"{ent.name}.demo.test", ATTEMPT_HEADER: str(number)}
        try:
            async with self.session.get("/", headers=headers) as answer:
                await answer.read()
                return answer.status, answer.headers.get(SITE_HEADER, "")
        except (TimeoutError, ClientError, OSError):
            return 0, ""


async def run(story: Story, address: str, record: Record, curtain: float) -> None:
    """Let everybody come until the last second, then wait for nobody."""
    connector = TCPConnector(limit=MOST_CONNECTIONS, keepalive_timeout=KEPT_ALIVE_SECONDS)
    limits = ClientTimeout(total=story.crowd.patience_seconds)
    async with ClientSession(address, connector=connector, timeout=limits) as session:
        crowd = Crowd(story, session, record, curtain, curtain + story.times.last)
        writing = asyncio.create_task(record.run())
        await asyncio.gather(*(crowd.come(ent) for ent in story.ents))
        writing.cancel()


def main() -> None:
    """Read the command line and come."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True, help="HAProxy, such as http://127.0.0.1:8080")
    parser.add_argument("--curtain", type=float, required=True, help="when the story begins, seconds since the epoch")
    parser.add_argument("--record", type=Path, required=True)
    options = parser.parse_args()
    asyncio.run(run(Story(), options.address, Record(options.record), options.curtain))


if __name__ == "__main__":
    main()
