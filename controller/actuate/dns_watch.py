"""What stands at the names of declared edges, asked of their servers every few seconds: nobody tells us of changes."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import dns.tsig

from controller.actuate.dns_server import DnsKeyError, DnsServer, DnsTroubleError, Standing
from controller.actuate.tsig_keys import KeyTroubleError, TsigKeys
from controller.kube.backoff import decorrelated
from controller.kube.informer import Surroundings
from controller.policy.edge import Rfc2136Edge, Tsig

LOOK_EVERY_SECONDS = 5.0
"""One planning cycle: what somebody else changed is known in the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A server, asked with one key; the names of one line are asked together."""

    server: DnsServer
    tsig: Tsig

    @classmethod
    def of(cls, spec: Rfc2136Edge) -> "Asked":
        """Return whom to ask about an edge."""
        return cls(server=DnsServer.of(spec), tsig=spec.tsig)


Name = tuple[Asked, str]


class DnsWatch:
    """One task per server and key."""

    def __init__(self, keys: TsigKeys, surroundings: Surroundings) -> None:
        self._keys = keys
        self._around = surroundings
        self._names: dict[Asked, frozenset[str]] = {}
        self._tasks: dict[Asked, asyncio.Task[None]] = {}
        self._found: dict[Name, Standing] = {}
        self._trouble: dict[Asked, str] = {}
        self._writes: dict[Name, int] = {}

    def follow(self, specs: Iterable[Rfc2136Edge]) -> None:
        """Ask about these names from now on, and about no others."""
        names: dict[Asked, frozenset[str]] = {}
        for spec in specs:
            asked = Asked.of(spec)
            names[asked] = names.get(asked, frozenset()) | {spec.dns_name}
        for asked in [asked for asked, known in self._names.items() if names.get(asked) != known]:
            del self._names[asked]
            self._trouble.pop(asked, None)
            self._tasks.pop(asked).cancel()
        for asked, wanted in names.items():
            if asked not in self._names:
                self._names[asked] = wanted
                self._tasks[asked] = self._around.spawn(str(asked.server), lambda asked=asked: self._run(asked))  # type: ignore[misc]
        self._found = {name: found for name, found in self._found.items() if name[1] in self._names.get(name[0], ())}

    def find(self, spec: Rfc2136Edge) -> Standing | None:
        """Return what stood there when last seen; None: it was never seen."""
        return self._found.get((Asked.of(spec), spec.dns_name))

    def settled(self, spec: Rfc2136Edge) -> bool:
        """Tell whether it has been seen, or cannot be."""
        return self.find(spec) is not None or Asked.of(spec) in self._trouble

    def trouble(self, spec: Rfc2136Edge) -> str:
        """Return why it is not seen now, for people."""
        asked = Asked.of(spec)
        return self._trouble.get(asked, f"{asked.server} has not answered yet")

    async def key(self, spec: Rfc2136Edge) -> dns.tsig.Key:
        """Return the key that signs updates there.

        Raises:
            KeyTroubleError: there is none.
        """
        return await self._keys.get(spec.tsig)

    def doubt_key(self, spec: Rfc2136Edge) -> None:
        """Read the key again before it is used again."""
        self._keys.doubt(spec.tsig)

    def saw(self, spec: Rfc2136Edge, standing: Standing) -> None:
        """Take over what stood there after a write: a look that began before it knows less."""
        name = (Asked.of(spec), spec.dns_name)
        self._writes[name] = self._writes.get(name, 0) + 1
        self._found[name] = standing

    async def close(self) -> None:
        """Ask nothing any more."""
        tasks = list(self._tasks.values())
        self._names, self._tasks = {}, {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, asked: Asked) -> None:
        delays = decorrelated(self._around.random)
        while True:
            if await self._look(asked):
                delays = decorrelated(self._around.random)
                await asyncio.sleep(LOOK_EVERY_SECONDS)
            else:
                await asyncio.sleep(next(delays))

    async def _look(self, asked: Asked) -> bool:
        names = sorted(self._names.get(asked, ()))
        before = {name: self._writes.get((asked, name), 0) for name in names}
        try:
            found = await asked.server.look(await self._keys.get(asked.tsig), names)
        except (DnsTroubleError, KeyTroubleError) as error:
            if isinstance(error, DnsKeyError):
                self._keys.doubt(asked.tsig)
            self._trouble[asked] = str(error)
            return False
        self._trouble.pop(asked, None)
        changed = False
        for name, standing in found.items():
            known = self._found.get((asked, name))
            if self._writes.get((asked, name), 0) == before[name]:
                self._found[(asked, name)] = standing
                changed |= known is None or known.addresses != standing.addresses
        if changed:
            self._around.wake()
        return True
