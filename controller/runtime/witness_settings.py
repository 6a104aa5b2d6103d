"""What a witness needs to know: by flag, else by environment, else the default; no more than `sonnerie probe` says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.domain.names import ObserverName
from controller.runtime.settings import NAME, PREFIX, Address, SettingsError

FIELDS = ("name", "sites", "references", "listen")


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessSettings:
    """All settings of `sonnerie probe`. Durations are in seconds."""

    sites: Path
    """Folder of kubeconfigs: `gra` or `gra.yaml` for site gra."""
    name: ObserverName = ObserverName("witness")
    """As instances know it (`sonnerie run --witness`); its SiteReport is called so at every site."""
    references: tuple[str, ...] = ()
    """Addresses outside all sites; with fewer than three it has no vote."""
    listen: Address = Address(host="127.0.0.1", port=8080)
    """Where /healthz, /readyz and /metrics are served."""
    round_every_seconds: float = 2.0
    """Pause between the beginnings of evidence rounds."""
    probe_deadline_seconds: float = 1.0
    """For each probe of a round."""
    reread_every_seconds: float = 60.0
    """How often kubeconfigs are read again: a rotated token is in use after this."""


def read_witness_settings(flags: Mapping[str, Any], environment: Mapping[str, str]) -> WitnessSettings:
    """Return the settings; a flag that is None was not given.

    Raises:
        SettingsError: a value is missing or cannot be used.
    """
    values: dict[str, Any] = {}
    for name in FIELDS:
        given = flags.get(name)
        text = environment.get(f"{PREFIX}{name.upper()}", "")
        if given is None and text:
            given = tuple(part.strip() for part in text.split(",") if part.strip()) if name == "references" else text
        if given is not None:
            values[name] = given
    if "sites" not in values:
        raise SettingsError("--sites DIR is missing: a folder with a kubeconfig per site, each named after its site")
    if not re.fullmatch(NAME, values.get("name", "witness")):
        raise SettingsError(f"{PREFIX}NAME: {values['name']!r} is not a name; write for example paris")
    try:
        if isinstance(values.get("listen"), str):
            values["listen"] = Address.parse(values["listen"])
    except ValueError as error:
        raise SettingsError(f"{PREFIX}LISTEN: {error}") from None
    return WitnessSettings(**values | {"sites": Path(values["sites"])})
