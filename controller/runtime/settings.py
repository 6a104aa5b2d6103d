"""What can be set, each with its reason: by flag, else by environment (`SONNERIE_` and the name), else the default."""

import re
import socket
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Self, get_type_hints

from controller.kube.lease import LeaseTiming

PREFIX = "SONNERIE_"

OF_THE_POD = {"identity": "POD_NAME", "lease_namespace": "POD_NAMESPACE"}
"""Settings that a pod knows of itself through the downward API, when nobody sets them."""

LEAST_MEGABYTES = 16
"""A recording of less would be a few minutes of a large fleet."""

_LEASE = LeaseTiming()

NAME = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
"""As sites are called."""

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off", "")


class SettingsError(Exception):
    """A setting that cannot be used, with its name and what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `HOST:PORT`, `[IPv6]:PORT` or `:PORT` for all interfaces.

        Raises:
            ValueError: the text is not of that form.
        """
        host, colon, port = text.rpartition(":")
        if not colon or not port.isdigit() or int(port) > 65535:
            raise ValueError(f"{text!r} is not HOST:PORT; write for example 127.0.0.1:8080")
        return cls(host=host.strip("[]") or "0.0.0.0", port=int(port))  # noqa: S104 - only when told so

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of `sonnerie run`. Durations are in seconds."""

    kubeconfig: Path | None = None
    """Kubeconfig of the management cluster; none: the cluster this process runs in."""
    site: str = ""
    """The site this instance belongs to, in the one-site topology: it writes its own cluster only, which is the
    management cluster, and reads the reports of the others. None: all sites are this process's."""
    witnesses: tuple[str, ...] = ()
    """Names of the witnesses whose reports count, with `site` (`sonnerie probe --name`)."""
    lease_namespace: str = "sonnerie-system"
    """Namespace of the Lease; in a pod, the pod's own (`POD_NAMESPACE`)."""
    lease_name: str = "sonnerie"
    """Name of the Lease: one per fleet."""
    identity: str = socket.gethostname()
    """Who we are in the Lease, in Events and as observer; in a pod, its name (`POD_NAME`), else the host's. A random
    suffix is added to the Lease's holder."""
    references: tuple[str, ...] = ()
    """Addresses outside all sites (three or more) that tell whether this observer itself is cut off."""
    agent_address: Address = Address(host="127.0.0.1", port=9707)
    """Where HAProxy's agent-check asks for weights. Without credentials, so loopback unless told."""
    listen: Address = Address(host="127.0.0.1", port=8080)
    """Where /healthz, /readyz, /metrics and /plan are served. Without credentials, so loopback unless told."""
    record: Path | None = None
    """Folder in which worlds and plans are kept for `sonnerie replay`; none: nothing is recorded."""
    record_most_megabytes: int = 1024
    """Most that all recordings together take; the oldest go first."""
    dry_run: bool = False
    """Plan and print, write nothing, not even the Lease."""
    round_every_seconds: float = 2.0
    """Pause between the beginnings of evidence rounds."""
    probe_deadline_seconds: float = 1.0
    """For each probe of a round."""
    plan_every_seconds: float = 5.0
    """Longest pause between planning cycles."""
    query_every_seconds: float = 5.0
    """Pause between questions to a Prometheus."""
    query_deadline_seconds: float = 3.0
    """For each of these questions, a second try included."""
    reading_max_age_seconds: float = 30.0
    """Older samples are not Fresh."""
    reading_remembered_seconds: float = 12 * 3600.0
    """How long the last Fresh value is carried on as Stale."""
    quarantine_seconds: float = 60.0
    """How long a Prometheus that was away is not believed: the longest window of its queries."""
    secrets_every_seconds: float = 60.0
    """How often Secrets are read again: a rotated credential is in use after this."""
    lease_duration_seconds: float = _LEASE.duration_seconds
    """How long a successor waits for a dead leader."""
    lease_renew_deadline_seconds: float = _LEASE.renew_deadline_seconds
    """How long a leader trusts its last renewal."""
    lease_retry_seconds: float = _LEASE.retry_seconds
    """Pause between attempts to renew or acquire."""
    lease_call_deadline_seconds: float = _LEASE.call_deadline_seconds
    """For each call on the Lease."""

    @property
    def lease_timing(self) -> LeaseTiming:
        """Return the durations of the election.

        Raises:
            SettingsError: they do not fall.
        """
        try:
            return LeaseTiming(
                duration_seconds=self.lease_duration_seconds,
                renew_deadline_seconds=self.lease_renew_deadline_seconds,
                retry_seconds=self.lease_retry_seconds,
                call_deadline_seconds=self.lease_call_deadline_seconds,
            )
        except ValueError as error:
            raise SettingsError(str(error)) from None


def read_settings(flags: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Return the settings; a flag that is None was not given.

    Unknown variables are left alone: for a Service named `sonnerie` Kubernetes itself sets `SONNERIE_SERVICE_HOST`.

    Raises:
        SettingsError: a value cannot be used.
    """
    hints = get_type_hints(Settings)
    values: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    for name in (field.name for field in fields(Settings)):
        variable = PREFIX + name.upper()
        if name not in values and variable in environment:
            values[name] = _parsed(variable, environment[variable], hints[name])
    for name, variable in OF_THE_POD.items():
        if name not in values and environment.get(variable):
            values[name] = environment[variable]
    settings = Settings(**values)
    _expect_positive(settings)
    _expect_names(settings)
    assert settings.lease_timing
    return settings


def _parsed(variable: str, text: str, kind: Any) -> Any:  # noqa: ANN401 - as many kinds as settings
    try:
        if kind is bool:
            return _boolean(text)
        if kind == tuple[str, ...]:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        if kind is Address:
            return Address.parse(text)
        if kind == Path | None:
            return Path(text)
        return kind(text)
    except ValueError as error:
        raise SettingsError(f"{variable}: {error}") from None


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(f"{text!r} is neither true nor false")


def _expect_names(settings: Settings) -> None:
    for variable, name in (("SITE", settings.site), *(("WITNESSES", name) for name in settings.witnesses)):
        if name and not re.fullmatch(NAME, name):
            raise SettingsError(f"{PREFIX}{variable}: {name!r} is not a name; write for example gra")
    if settings.site in settings.witnesses:
        raise SettingsError(f"{PREFIX}WITNESSES: {settings.site} is this site; a witness stands outside all sites")
    if settings.witnesses and not settings.site:
        raise SettingsError(f"{PREFIX}WITNESSES: witnesses report to instances; name this one's site with --site")


def _expect_positive(settings: Settings) -> None:
    for field in fields(Settings):
        value = getattr(settings, field.name)
        if field.name.endswith("_seconds") and not value > 0:
            raise SettingsError(f"{PREFIX}{field.name.upper()}: {value} is not above 0")
        if field.name.endswith("_megabytes") and not value >= LEAST_MEGABYTES:
            raise SettingsError(f"{PREFIX}{field.name.upper()}: {value} is below {LEAST_MEGABYTES}")
        assert field.default is not MISSING
