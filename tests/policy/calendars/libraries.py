"""What two libraries say of French school days, kept beside the tests: they do not fit into our environment.

    python -m tests.policy.calendars.libraries --write    makes their own environment and writes libraries.json
    python -m tests.policy.calendars.libraries --check    fails when libraries.json is not what they say

Their environment is made from libraries.lock, whose hashes pin every file, in the cache folder; a changed lock makes a
new one.
"""

import argparse
import json
import subprocess
import sys
import venv
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.controlplane.cache import cache_folder, publish

HERE = Path(__file__).parent
LOCK = HERE / "libraries.lock"
TOLD = HERE / "libraries.json"


def environment() -> Path:
    """Return the Python of the libraries' own environment, which is made if need be."""
    digest = sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    return publish(cache_folder() / f"school-day-libraries-{digest}", _install) / "bin" / "python"


def _install(folder: Path) -> None:
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", str(LOCK)], check=True)


def asked() -> str:
    """Return what the libraries say today, as they are locked."""
    done = subprocess.run([environment(), HERE / "dump_libraries.py"], check=True, capture_output=True, text=True)
    return done.stdout


def told() -> dict[str, Any]:
    """Return what the libraries said when libraries.json was written."""
    found: dict[str, Any] = json.loads(TOLD.read_text("utf-8"))
    return found


def days(spans: list[list[str]]) -> dict[date, str]:
    """Return the days of spans `[first, last, name]`, each with its name."""
    found = {}
    for first, last, name in spans:
        begin = date.fromisoformat(first)
        for number in range((date.fromisoformat(last) - begin).days + 1):
            found[begin + timedelta(days=number)] = name
    return found


def main() -> int:
    """Write or check libraries.json; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write libraries.json")
    parser.add_argument("--check", action="store_true", help="fail when libraries.json is not what they say")
    wanted = parser.parse_args()
    says = asked()
    if wanted.write:
        TOLD.write_text(says, "utf-8")
    if wanted.check and TOLD.read_text("utf-8") != says:
        sys.stderr.write("libraries.json is not what the libraries say; look at the difference and --write it\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
