"""A cache of all objects of one kind at one API server, kept by list and watch, that knows how old it is.

A watch that says nothing may be idle or dead. Two `WatchTiming`s answer this:

* `PROVING`, for workloads: sessions of at most 8 s, each resumed from the last resourceVersion. Opening one proves
  that the server answers and that every event until then has been or is being sent. `alive_at` is thus never older
  than about 10 s on a living server, at the price of one request in about 8 s, and a half-open connection cannot
  outlive a session.
* `PATIENT`, for objects whose age nobody acts upon: sessions of four minutes with bookmarks, ended when nothing, not
  even the bookmark that servers send every minute, has come for 90 s.

A session that ends within a second counts as failed, however it ended: neither errors nor clean closes can make a
hot loop. One that the server does not end when it was asked to is ended by us: a trickle of bytes is no proof of life.

A server that was away for `LIST_AGAIN_AFTER_SECONDS` is listed anew instead of resumed: it may have been restored from
a backup, and then counts resourceVersions from further back. For the same reason a position that moves backwards is no
position.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import msgspec

from controller.kube.backoff import decorrelated
from controller.kube.client import Cluster
from controller.kube.errors import ApiError, Gone, Throttled, Unavailable, from_answer
from controller.kube.resources import ObjectKey, Resource

T = TypeVar("T")

PAGE_SIZE = 500
"""Objects per list page: keeps one answer around a megabyte."""

DECODED_AT_ONCE = 25
"""Objects decoded before others get their turn: some take half a millisecond; probes and the Lease must not wait."""

SHORTEST_SESSION_SECONDS = 1.0
"""A watch session below this is a failure."""

LIST_AGAIN_AFTER_SECONDS = 30.0
"""Without proof of life for so long: no restored backup comes sooner, and a list every half minute costs little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTiming:
    """How long one watch session lasts at most, and how long it may be silent."""

    session_seconds: float
    """Asked from the server as `timeoutSeconds`, less a jitter of up to a quarter."""
    silence_seconds: float
    """Nothing for this long, and the connection is taken for half-open."""
    list_deadline_seconds: float = 10.0
    """For one page."""


PROVING = WatchTiming(session_seconds=8, silence_seconds=9.5)
PATIENT = WatchTiming(session_seconds=240, silence_seconds=90)


Spawn = Callable[[str, Callable[[], Coroutine[Any, Any, None]]], asyncio.Task[None]]
"""Starts a named task that is to run until it is cancelled."""


def spawn_plainly(name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
    """Start the work as a task; the runtime has a spawner that also survives and reports crashes."""
    return asyncio.create_task(work(), name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What watching needs from outside: the time, chance, whom to wake after a change, and how to start tasks."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    random: Callable[[], float]
    wake: Callable[[], None] = field(default=lambda: None)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    spawn: Spawn = spawn_plainly


class _Meta(msgspec.Struct):
    name: str = ""
    namespace: str = ""
    resource_version: str = msgspec.field(name="resourceVersion", default="")


class _Identity(msgspec.Struct):
    metadata: _Meta


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _ListMeta(msgspec.Struct):
    resource_version: str = msgspec.field(name="resourceVersion", default="")
    next_page: str = msgspec.field(name="continue", default="")


class _Page(msgspec.Struct):
    metadata: _ListMeta
    items: list[msgspec.Raw]


class _Code(msgspec.Struct):
    code: int = 500


_PAGES = msgspec.json.Decoder(_Page)
_EVENTS = msgspec.json.Decoder(_Event)
_IDENTITIES = msgspec.json.Decoder(_Identity)


class Informer(Generic[T]):
    """The cache. `decode` makes of an object's JSON what is kept of it; run `run` in a task of its own."""

    def __init__(
        self,
        cluster: Cluster,
        resource: Resource,
        decode: Callable[[bytes], T],
        surroundings: Surroundings,
        *,
        timing: WatchTiming = PROVING,
        namespace: str = "",
        fields: str = "",
    ) -> None:
        """Watch one namespace or all; `fields` is a field selector."""
        self._cluster = cluster
        self._resource = resource
        self._path = resource.path(namespace=namespace)
        self._selection = {"fieldSelector": fields} if fields else {}
        self._decode = decode
        self._around = surroundings
        self._timing = timing
        self._objects: dict[ObjectKey, T] = {}
        self._resource_version: str | None = None
        self._proven_at_seconds = surroundings.monotonic()
        self.synced = False
        """The first list is complete."""
        self.version = 0
        """Counts changes of the cache."""
        self.alive_at: datetime | None = None
        """The last instant at which the server was proven to be telling us what happens."""
        self.last_error: ApiError | None = None
        """Why the stream is broken; None while it is well."""

    @property
    def objects(self) -> Mapping[ObjectKey, T]:
        """All objects as last seen; they grow old when the stream breaks, they do not disappear."""
        return MappingProxyType(self._objects)

    async def run(self) -> None:
        """Keep the cache until cancelled."""
        delays = self._fresh_delays()
        while True:
            began = self._around.monotonic()
            error = await self._attempt()
            lasted = self._around.monotonic() - began
            if error is None and lasted >= SHORTEST_SESSION_SECONDS:
                delays = self._fresh_delays()
                continue
            delay = next(delays)
            if isinstance(error, Throttled):
                delay = max(delay, error.retry_after_seconds)
            await self._around.sleep(delay)

    async def _attempt(self) -> ApiError | None:
        try:
            if self._resource_version is None or self._away_for_long():
                await self._list()
            await self._watch()
        except Gone:
            self._resource_version = None
            return None  # the stream is well, only our position is lost
        except ApiError as error:
            self.last_error = error
            return error
        except msgspec.MsgspecError as error:
            self._resource_version = None
            self.last_error = Unavailable.unanswered(self._where, f"an answer could not be read: {error}")
            return self.last_error
        return None

    def _away_for_long(self) -> bool:
        return self._around.monotonic() - self._proven_at_seconds >= LIST_AGAIN_AFTER_SECONDS

    @property
    def _where(self) -> str:
        return f"{self._cluster.name}: {self._resource.plural}"

    def _fresh_delays(self) -> Iterator[float]:
        return decorrelated(self._around.random)

    async def read_now(self) -> list[T]:
        """Return all objects as the server has them at this instant; the cache stays as it is.

        Raises:
            ApiError: they cannot be read.
        """
        objects, _ = await self._read_all()
        return list(objects.values())

    async def _list(self) -> None:
        self._objects, self._resource_version = await self._read_all()
        self.synced = True
        self._proven_alive()
        self._changed()

    async def _read_all(self) -> tuple[dict[ObjectKey, T], str]:
        """Return all objects and the resourceVersion they were read at, page by page."""
        objects: dict[ObjectKey, T] = {}
        query = {**self._selection, "limit": str(PAGE_SIZE)}
        while True:
            body = await self._cluster.call(
                "GET", self._path, query=query, deadline_seconds=self._timing.list_deadline_seconds
            )
            page = _PAGES.decode(body)
            for number, item in enumerate(page.items, 1):
                objects[_key(_IDENTITIES.decode(item).metadata)] = self._decode(bytes(item))
                if number % DECODED_AT_ONCE == 0:
                    await asyncio.sleep(0)
            if not page.metadata.next_page:
                break
            query["continue"] = page.metadata.next_page
        return objects, page.metadata.resource_version

    async def _watch(self) -> None:
        seconds = max(1, round(self._timing.session_seconds * (1 - self._around.random() / 4)))
        query = {
            **self._selection,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._resource_version or "",
            "timeoutSeconds": str(seconds),
        }
        try:
            async with (
                asyncio.timeout(seconds + self._timing.silence_seconds),
                self._cluster.stream(self._path, query=query, silence_seconds=self._timing.silence_seconds) as lines,
            ):
                self._proven_alive()
                async for line in lines:
                    if line.strip():
                        self._take(_EVENTS.decode(line))
                        self._proven_alive()
        except TimeoutError:
            raise Unavailable.unanswered(self._where, f"the watch was to end after {seconds} s and did not") from None
        self._proven_alive()

    def _take(self, event: _Event) -> None:
        if event.type == "ERROR":
            code = msgspec.json.decode(event.object, type=_Code).code
            raise from_answer(f"{self._where}: watch", code, bytes(event.object), {})
        meta = _IDENTITIES.decode(event.object).metadata
        if _is_before(meta.resource_version, self._resource_version):
            raise Gone(self._where, f"the server is at {meta.resource_version}, before {self._resource_version}")
        if event.type == "DELETED":
            self._objects.pop(_key(meta), None)
        elif event.type != "BOOKMARK":
            self._objects[_key(meta)] = self._decode(bytes(event.object))
        self._resource_version = meta.resource_version
        if event.type != "BOOKMARK":
            self._changed()

    def _proven_alive(self) -> None:
        self.alive_at = self._around.now()
        self._proven_at_seconds = self._around.monotonic()
        self.last_error = None

    def _changed(self) -> None:
        self.version += 1
        self._around.wake()


def _is_before(version: str, position: str | None) -> bool:
    """Tell whether a resourceVersion lies before another: they may be compared as numbers since Kubernetes 1.35."""
    return position is not None and version.isdigit() and position.isdigit() and int(version) < int(position)


def _key(meta: _Meta) -> ObjectKey:
    return ObjectKey(meta.namespace, meta.name)
