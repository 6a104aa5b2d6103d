"""The guide for authors, typed as it stands: its files are written, its commands run, their output compared.

`python -m tests.policy.transcripts --write` puts the present output into the guides.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.typed import sonnerie

ROOT = Path(__file__).parents[2]
GUIDES = tuple(ROOT / "docs" / name for name in ("policies.md", "policies.fr.md"))
SHELL = frozenset("|&;<>$*?`")
"""Whatever has one of these is for a shell."""
_BLOCK = re.compile(r"```(?P<kind>yaml|console)\n(?P<text>.*?)```\n", re.DOTALL)


def retyped(guide: str) -> str:
    """Return the guide with the output that its commands have now, typed in order in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Path(folder)
        _put_on_path(desk / ".bin")

        def again(block: re.Match[str]) -> str:
            if block["kind"] == "yaml":
                _save(desk, block["text"])
                return block[0]
            commands = [line for line in block["text"].splitlines() if line.startswith("$ ")]
            said = "".join(f"{command}\n{_typed(command[2:], desk)}" for command in commands)
            return f"```console\n{said}```\n"

        return _BLOCK.sub(again, guide)


def _save(desk: Path, text: str) -> None:
    """Write the file that the first line of the block names."""
    named = re.match(r"# (?P<path>[\w./-]+\.yaml)\n", text)
    assert named is not None, f"a file without a name: {text[:60]}"
    path = desk / named["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _put_on_path(folder: Path) -> None:
    folder.mkdir()
    command = folder / "sonnerie"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m controller "$@"\n')
    command.chmod(0o755)


def _typed(command: str, desk: Path) -> str:
    """Return what the command prints, lines without the spaces at their ends that nobody sees."""
    seen = {"COLUMNS": "100", "LC_ALL": "C.UTF-8"}
    words = shlex.split(command)
    if words[0] == "sonnerie" and not set(command) & SHELL:
        run = sonnerie(*words[1:], environment=seen, folder=desk)
        return _trimmed(run.stdout + run.stderr)
    environment = os.environ | seen | {"PATH": f"{desk / '.bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        command, shell=True, cwd=desk, env=environment, text=True, timeout=60, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return _trimmed(done.stdout)


def _trimmed(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def main() -> int:
    """Write the guides anew."""
    if sys.argv[1:] != ["--write"]:
        sys.stderr.write("python -m tests.policy.transcripts --write\n")
        return 2
    for guide in GUIDES:
        guide.write_text(retyped(guide.read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
