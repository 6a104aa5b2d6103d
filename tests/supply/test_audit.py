"""The dependency audit finds what it is there to find."""

from importlib.metadata import Distribution
from pathlib import Path
from typing import cast

import pytest

from tests.supply.audit import KNOWN_BAD, LOCK, of_environment, of_known_bad, of_licences, of_lock, shipped

HASH = f"--hash=sha256:{'0' * 64}"


class Installed:
    """A distribution that says of itself what it is told to."""

    def __init__(
        self, version: str = "1", *, requires: tuple[str, ...] = (), metadata: dict[str, str] | None = None
    ) -> None:
        self.version = version
        self.requires = list(requires)
        self.metadata = self
        self._metadata = metadata or {}

    def get_all(self, name: str) -> list[str]:
        """Return all values of a field."""
        return [self._metadata[name]] if name in self._metadata else []


def environment(**found: Installed) -> dict[str, Distribution]:
    """An environment with these distributions."""
    return {name: cast("Distribution", each) for name, each in found.items()}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (f"a==1 {HASH}", None),
        (f"a==1 ; python_version > '3' \\\n    {HASH}\n    # via b", None),
        ("a==1", "has no sha256 hash"),
        ("a==1 --hash=md5:00", "has no sha256 hash"),
        (f"a>=1 {HASH}", "is not pinned"),
        (f"a==1.* {HASH}", "is not pinned"),
        (f"a @ https://example.org/a.whl {HASH}", "is not pinned"),
        ("--extra-index-url https://example.org", "is no requirement"),
        ("-e .", "is no requirement"),
    ],
)
def test_every_entry_of_the_lock_is_one_version_with_hashes(line: str, problem: str | None) -> None:
    """Nothing is taken from elsewhere, and nothing that was exchanged there is taken."""
    _, problems = of_lock(line)
    assert problems == [] if problem is None else problem in problems[0]


def test_what_is_installed_is_what_is_locked() -> None:
    """Neither more nor less nor otherwise; what was there before aside."""
    locked, _ = of_lock(f"a==1 {HASH}\nb==1 {HASH}\nc==1 ; python_version < '3' {HASH}")
    found = of_environment(locked, environment(a=Installed("2"), d=Installed(), pip=Installed()))
    assert [text.split(" is ")[0] for text in sorted(found)] == ["a", "b 1", "d 1"]
    assert of_environment(locked, environment(a=Installed(), b=Installed())) == []


@pytest.mark.parametrize(
    ("metadata", "fine"),
    [
        ({"License-Expression": "Apache-2.0 AND MIT"}, True),
        ({"License-Expression": "MIT OR GPL-3.0-only"}, True),
        ({"License-Expression": "MIT AND GPL-3.0-only"}, False),
        ({"License-Expression": "LGPL-3.0-or-later"}, False),
        ({"Classifier": "License :: OSI Approved :: MIT License"}, True),
        ({"Classifier": "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"}, False),
        ({"License": "BSD-3-Clause"}, True),
        ({"License": "all rights reserved"}, False),
        ({}, False),
    ],
)
def test_what_is_shipped_has_a_licence_we_can_ship(metadata: dict[str, str], fine: bool) -> None:  # noqa: FBT001
    """One that is not named is none."""
    assert (of_licences({"a"}, environment(a=Installed(metadata=metadata))) == []) is fine


def test_what_requires_what_is_followed_to_its_end() -> None:
    """Extras and other platforms aside."""
    found = environment(
        sonnerie=Installed(requires=("A-b>=1", "x ; extra == 'more'", "y ; sys_platform == 'win32'")),
        **{"a-b": Installed(requires=("c",))},
        c=Installed(requires=("a-b",)),
        x=Installed(),
        y=Installed(),
    )
    assert shipped(found) == {"sonnerie", "a-b", "c"}


def test_known_bad_versions_are_found() -> None:
    """Below the first good one; the list itself can be read, and the lock passes it."""
    locked, _ = of_lock(f"h11==0.15.9 {HASH}\nidna==3.7 {HASH}")
    (found,) = of_known_bad(locked, KNOWN_BAD.read_text())
    assert found.startswith("h11 0.15.9 is bad, 0.16.0 is not: CVE-2025-43859")
    assert of_known_bad(of_lock(Path(LOCK).read_text())[0], KNOWN_BAD.read_text()) == []
