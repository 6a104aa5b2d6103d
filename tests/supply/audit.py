"""The dependency audit of `make lint`: `python -m tests.supply.audit`.

What it checks, offline: every requirement of the lock is one version with hashes, from no address of its own; what is
installed is what is locked; everything that runs in production has a licence that Apache-2.0 can be shipped with; no
version is on the list of known bad ones. What it does not: it asks no vulnerability service, so advisories that
nobody has put on the list are not seen.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
KNOWN_BAD = Path(__file__).with_name("known-bad.toml")

OURSELVES = "sonnerie"
INSTALLERS = {"pip", "setuptools", "wheel", "uv"}
"""In an environment before anything is installed into it."""

ALLOWED = re.compile(
    r"(?i)^(mit|mit-0|0bsd|isc|isc license.*|zlib|cc0-1\.0|psf-2\.0|python software foundation license|cnri-python"
    r"|mpl-2\.0|mozilla public license 2\.0.*|apache[- ]2\.0|apache software license"
    r"|bsd license|bsd[- ][23]-clause( license)?|mit license|unlicense)$"
)
"""Licences of what is shipped beside Apache-2.0. MPL-2.0 binds changes of its own files, which we make none of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """One entry of the lock."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        """Gives the name as the index spells it."""
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str | None:
        """Gives the one version; None if it is not pinned to one."""
        pins = [each.version for each in self.requirement.specifier if each.operator == "=="]
        return pins[0] if len(pins) == 1 and len(self.requirement.specifier) == 1 and "*" not in pins[0] else None


def entries(text: str) -> Iterator[Locked | str]:
    """Gives the entries of a lock; a line that is none is given as it is."""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        line = line.split(" #")[0].strip()  # noqa: PLW2901 - the same line, without its comment
        if not line or line.startswith("#"):
            continue
        try:
            requirement = Requirement(re.sub(r"--hash=\S+", "", line).strip())
        except InvalidRequirement:
            yield line
            continue
        yield Locked(requirement=requirement, hashes=tuple(re.findall(r"--hash=(sha256:[0-9a-f]{64})(?:\s|$)", line)))


def of_lock(text: str) -> tuple[list[Locked], list[str]]:
    """Gives the entries of the lock, and what is wrong with them."""
    found, problems = [], []
    for entry in entries(text):
        if isinstance(entry, str):
            problems.append(f"requirements.lock: {entry!r} is no requirement; run `make lock`")
            continue
        found.append(entry)
        if entry.version is None or entry.requirement.url:
            problems.append(f"requirements.lock: {entry.name} is not pinned to one version of the index")
        if not entry.hashes:
            problems.append(f"requirements.lock: {entry.name} has no sha256 hash")
    return found, problems


def of_environment(locked: Iterable[Locked], installed: Mapping[str, Distribution]) -> list[str]:
    """Gives what is installed otherwise than locked."""
    here = {each.name: each for each in locked if not each.requirement.marker or each.requirement.marker.evaluate()}
    problems = [
        f"{name} {distribution.version} is installed and not locked; remove it or run `make lock`"
        for name, distribution in installed.items()
        if name not in here and name not in INSTALLERS | {OURSELVES}
    ]
    for name, entry in here.items():
        if name not in installed:
            problems.append(f"{name} {entry.version} is locked and not installed; run `make environment`")
        elif installed[name].version != entry.version:
            problems.append(f"{name} is installed as {installed[name].version} and locked as {entry.version}")
    return problems


def shipped(installed: Mapping[str, Distribution]) -> set[str]:
    """Gives the names of all that runs in production: what we require, what that requires, and so on."""
    found: set[str] = set()
    waiting = [OURSELVES]
    while waiting:
        name = waiting.pop()
        if name in found or name not in installed:
            continue
        found.add(name)
        for text in installed[name].requires or ():
            requirement = Requirement(text)
            if not requirement.marker or requirement.marker.evaluate({"extra": ""}):
                waiting.append(canonicalize_name(requirement.name))
    return found


def licences(distribution: Distribution) -> list[list[str]]:
    """Gives the licences that all bind, each as the alternatives to choose from."""
    metadata = distribution.metadata
    classifiers = [each.rpartition(" :: ")[2] for each in metadata.get_all("Classifier") or () if "License ::" in each]
    expression = _field(distribution, "License-Expression")
    if expression:
        return [[each.strip("() ") for each in part.split(" OR ")] for part in expression.split(" AND ")]
    return [[*classifiers, _field(distribution, "License")]]


def _field(distribution: Distribution, name: str) -> str:
    values = distribution.metadata.get_all(name) or [""]
    return str(values[0]).strip()


def of_licences(names: Iterable[str], installed: Mapping[str, Distribution]) -> list[str]:
    """Gives what may not be shipped."""
    problems = []
    for name in sorted(names):
        for alternatives in licences(installed[name]):
            if not any(ALLOWED.match(each) for each in alternatives):
                told = " or ".join(filter(None, alternatives)) or "no licence that it names"
                problems.append(f"{name} is shipped under {told}, which is not on the list of {__name__}")
    return problems


def of_known_bad(locked: Iterable[Locked], listed: str) -> list[str]:
    """Gives what is locked and known to be bad."""
    bad: dict[str, dict[str, str]] = {canonicalize_name(each["name"]): each for each in tomllib.loads(listed)["bad"]}
    return [
        f"{each.name} {each.version} is bad, {bad[each.name]['below']} is not: {bad[each.name]['why']}"
        for each in locked
        if each.name in bad and each.version and Version(each.version) < Version(bad[each.name]["below"])
    ]


def main() -> int:
    """Print what was looked at, and every problem; return 1 when there is one."""
    installed: dict[str, Distribution] = {canonicalize_name(each.name): each for each in distributions()}
    locked, problems = of_lock(LOCK.read_text())
    ours = shipped(installed)
    problems += of_environment(locked, installed)
    problems += of_licences(ours - {OURSELVES}, installed)
    problems += of_known_bad(locked, KNOWN_BAD.read_text())
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    sys.stdout.write(
        f"Dependencies: {len(locked)} locked with hashes, {len(ours) - 1} of them shipped, {len(problems)} problems. "
        "Advisories that are not in tests/supply/known-bad.toml are not known here.\n"
    )
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
