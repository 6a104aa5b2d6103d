"""Leader election on a `coordination.k8s.io` Lease.

The rules:

1. Everybody measures time by the own monotonic clock: a rival's record expires when it has not changed for the
   duration that the record itself names, since we first saw it so. Wall clocks are written for people, in UTC, and
   never compared.
2. A holder is sure of its lease only until `renew_deadline_seconds` after it *began* the last successful write. That
   is shorter than the duration, so it has stopped before anybody else may begin; also after SIGSTOP or a hung call.
3. Each write carries the resourceVersion that was read: of two takers one wins.
4. The identity is new in every process. A restarted controller is a stranger to its old lease and waits like anybody.
5. Whatever runs under `guard` is cancelled when the lease is lost. On exit the lease is released for the next one.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from controller.kube.client import Cluster
from controller.kube.errors import ApiError, Conflict, NotFound
from controller.kube.resources import LEASES, ObjectKey

T = TypeVar("T")

RELEASED_DURATION_SECONDS = 1
"""What a released lease says, as client-go writes it."""


class LeaseLost(Exception):  # noqa: N818 - named for what happened, like the other outcomes
    """The lease was lost while something ran under its guard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTiming:
    """Durations; each is shorter than the one before."""

    duration_seconds: float = 15.0
    """How long others wait after the last change of the record. Whole seconds are written."""
    renew_deadline_seconds: float = 10.0
    """How long the holder trusts its last successful write."""
    retry_seconds: float = 2.0
    """Pause between attempts, to renew or to acquire."""
    call_deadline_seconds: float = 1.5
    """For one call to the API server."""

    def __post_init__(self) -> None:
        falling = self.duration_seconds, self.renew_deadline_seconds, self.retry_seconds, self.call_deadline_seconds
        if not (falling[0] > falling[1] > falling[2] > falling[3] > 0):
            raise ValueError(
                "lease timing must fall: duration > renew deadline > retry > call deadline > 0, "
                f"not {' > '.join(map(str, falling))}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the Lease says. `version` is its resourceVersion; `document` the whole object, for writing it back."""

    holder: str
    duration_seconds: float
    transitions: int
    version: str
    acquired: str | None
    document: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    """The lease is ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """The lease is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Somebody else holds the lease."""

    holder: str


def judge(record: Record, *, identity: str, unchanged_seconds: float) -> Renew | Take | Wait:
    """Say what the record allows us, having seen it unchanged for so long."""
    if record.holder == identity:
        return Renew()
    if not record.holder or unchanged_seconds >= record.duration_seconds:
        return Take()
    return Wait(holder=record.holder)


class Elector:
    """Takes part in one election; run `run` in a task of its own."""

    def __init__(
        self,
        cluster: Cluster,
        key: ObjectKey,
        *,
        identity: str,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        timing: LeaseTiming | None = None,
        on_change: Callable[[bool], None] = lambda _holding: None,
    ) -> None:
        self._cluster = cluster
        self._key = key
        self.identity = identity
        self._now = now
        self._monotonic = monotonic
        self._timing = timing or LeaseTiming()
        self._on_change = on_change
        self._sure_until = float("-inf")
        self._told = False
        self._seen_version: str | None = None
        self._seen_since = 0.0
        self._guarded: set[asyncio.Task[Any]] = set()
        self._cut: set[asyncio.Task[Any]] = set()
        """Guarded work that was cancelled because the lease was lost; it may have been regained since."""
        self._aside_until = float("-inf")
        self.last_error: ApiError | None = None
        self.holder: str | None = None
        """Who holds the lease, as last read."""

    @property
    def holding(self) -> bool:
        """Tell whether the lease is surely ours at this instant."""
        return self._monotonic() < self._sure_until

    async def run(self) -> None:
        """Acquire and renew until cancelled; then release."""
        watchdog = asyncio.create_task(self._watch_over())
        try:
            while True:
                if self._monotonic() < self._aside_until:
                    await self._release()
                else:
                    await self._attempt()
                self._tell()
                await asyncio.sleep(self._timing.retry_seconds)
        finally:
            watchdog.cancel()
            await self._release()

    def stand_aside(self, seconds: float) -> None:
        """Release the lease soon, and let others take it for so long."""
        self._aside_until = self._monotonic() + seconds

    async def guard(self, work: Awaitable[T]) -> T:
        """Run the work as long as the lease is held.

        Raises:
            LeaseLost: the lease was lost; the work has been cancelled.
        """
        task = asyncio.ensure_future(work)
        assert isinstance(task, asyncio.Task)
        self._guarded.add(task)
        try:
            if not self.holding:
                self._cancel(task)
            return await task
        except asyncio.CancelledError:
            me = asyncio.current_task()
            if task not in self._cut or (me and me.cancelling()):
                raise
            raise LeaseLost(f"{self._key} is no longer held by {self.identity}") from None
        finally:
            self._guarded.discard(task)
            self._cut.discard(task)

    async def _attempt(self) -> None:
        began = self._monotonic()
        try:
            async with asyncio.timeout(self._timing.call_deadline_seconds * 2):
                await self._step(began)
            self.last_error = None
        except Conflict:
            self._seen_version = None  # somebody was faster: look again
        except ApiError as error:
            self.last_error = error
        except TimeoutError:
            self.last_error = self._error("no answer in time")
        except Exception as error:  # noqa: BLE001 - an answer that is no Lease; a crash would give ours away
            self.last_error = self._error(f"the answer could not be used: {type(error).__name__}: {error}")

    def _error(self, message: str) -> ApiError:
        return ApiError.unanswered(f"{self._cluster.name}: lease {self._key}", message)

    async def _step(self, began: float) -> None:
        try:
            record = await self._read()
        except NotFound:
            await self._write(None, acquired=None, transitions=0)
            self._holds_since(began)
            return
        if record.version != self._seen_version:
            self._seen_version, self._seen_since = record.version, self._monotonic()
        self.holder = record.holder or None
        match judge(record, identity=self.identity, unchanged_seconds=self._monotonic() - self._seen_since):
            case Renew():
                await self._write(record, acquired=record.acquired, transitions=record.transitions)
                self._holds_since(began)
            case Take():
                await self._write(record, acquired=None, transitions=record.transitions + 1)
                self._holds_since(began)
            case Wait():
                self._sure_until = float("-inf")

    def _holds_since(self, began: float) -> None:
        self._tell()  # a gap that nobody had time to notice, as after SIGSTOP, is told as well
        self._sure_until = began + self._timing.renew_deadline_seconds
        self.holder = self.identity

    async def _read(self) -> Record:
        body = await self._cluster.call(
            "GET", LEASES.path(self._key), deadline_seconds=self._timing.call_deadline_seconds
        )
        document = msgspec.json.decode(body)
        spec = document.get("spec") or {}
        return Record(
            holder=spec.get("holderIdentity") or "",
            duration_seconds=float(spec.get("leaseDurationSeconds") or 0),
            transitions=int(spec.get("leaseTransitions") or 0),
            version=document["metadata"]["resourceVersion"],
            acquired=spec.get("acquireTime"),
            document=document,
        )

    async def _write(self, record: Record | None, *, acquired: str | None, transitions: int) -> None:
        instant = micro_time(self._now())
        spec = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": max(1, round(self._timing.duration_seconds)),
            "acquireTime": acquired or instant,
            "renewTime": instant,
            "leaseTransitions": transitions,
        }
        await self._put(record, spec)

    async def _put(self, record: Record | None, spec: dict[str, Any]) -> None:
        deadline = self._timing.call_deadline_seconds
        if record:
            body = record.document | {"spec": spec}
            answer = await self._cluster.call("PUT", LEASES.path(self._key), body=body, deadline_seconds=deadline)
        else:
            metadata = {"name": self._key.name, "namespace": self._key.namespace}
            body = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": spec}
            path = LEASES.path(namespace=self._key.namespace)
            answer = await self._cluster.call("POST", path, body=body, deadline_seconds=deadline)
        self._seen_version = msgspec.json.decode(answer)["metadata"]["resourceVersion"]
        self._seen_since = self._monotonic()

    async def _release(self) -> None:
        was_holding, self._sure_until = self.holding, float("-inf")
        self._tell()
        if not was_holding:
            return
        with contextlib.suppress(Exception):
            record = await self._read()
            if record.holder == self.identity:
                instant = micro_time(self._now())
                await self._put(
                    record,
                    {
                        "holderIdentity": "",
                        "leaseDurationSeconds": RELEASED_DURATION_SECONDS,
                        "acquireTime": instant,
                        "renewTime": instant,
                        "leaseTransitions": record.transitions,
                    },
                )

    async def _watch_over(self) -> None:
        """Notice the end of certainty at its instant, also while a call of ours hangs."""
        while True:
            remaining = self._sure_until - self._monotonic()
            if remaining <= 0:
                self._tell()
                remaining = self._timing.retry_seconds
            await asyncio.sleep(min(remaining, self._timing.retry_seconds))

    def _tell(self) -> None:
        if not self.holding:
            for task in self._guarded:
                self._cancel(task)
        if self.holding != self._told:
            self._told = self.holding
            self._on_change(self._told)

    def _cancel(self, task: asyncio.Task[Any]) -> None:
        self._cut.add(task)
        task.cancel()


def micro_time(instant: datetime) -> str:
    """Return the instant as Kubernetes writes `MicroTime`: UTC, always six digits."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
