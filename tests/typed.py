"""`sonnerie …` as somebody types it, in a process of its own that needs no start: a fork of this one.

Starting an interpreter and importing takes most of a second, and there are hundreds of commands in the tests. What is
tested is the same: arguments in, standard output, standard error and the exit code out.
"""

import importlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from controller.cli import main

ROOT = Path(__file__).parents[1]
for heavy in ("policy.load", "policy.declared", "preview.page", "planning.planner", "wire.world", "sim.run"):
    importlib.import_module(f"controller.{heavy}")  # once here, and not in every fork
SECONDS = 60
"""Longer takes no command that ends by itself."""


def sonnerie(
    *arguments: object, environment: Mapping[str, str] | None = None, folder: Path = ROOT
) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end, in a folder, and return what it wrote and its exit code."""
    done = typed(*arguments, environment=environment, folder=folder)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def typed(
    *arguments: object, given: bytes = b"", environment: Mapping[str, str] | None = None, folder: Path = ROOT
) -> "subprocess.CompletedProcess[bytes]":
    """Run the command to its end with bytes on its standard input.

    Raises:
        TimeoutExpired: it takes longer than any command may.
    """
    words = [str(argument) for argument in arguments]
    with tempfile.TemporaryFile() as into, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        into.write(given)
        into.seek(0)
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            _become(words, (into.fileno(), out.fileno(), err.fileno()), environment or {}, folder)
        code = _waited(child, words)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(words, code, out.read(), err.read())


def _waited(child: int, words: list[str]) -> int:
    watched = os.pidfd_open(child)
    try:
        ended, _, _ = select.select([watched], [], [], SECONDS)
        if not ended:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    finally:
        os.close(watched)
    if not ended:
        raise subprocess.TimeoutExpired(words, SECONDS)
    return os.waitstatus_to_exitcode(status)


def _become(words: list[str], streams: tuple[int, int, int], environment: Mapping[str, str], folder: Path) -> NoReturn:
    """Be the command from here on, and never come back."""
    code = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        sys.stdin, sys.stdout, sys.stderr = (
            open(0, closefd=False),  # noqa: SIM115 - the process has them until it ends
            open(1, "w", closefd=False),  # noqa: SIM115
            open(2, "w", closefd=False),  # noqa: SIM115
        )
        os.chdir(folder)
        os.environ.update(environment)
        sys.argv = [str(ROOT / "controller" / "__main__.py"), *words]
        called = ModuleType("__main__")
        called.__package__ = "controller"  # the usage line says how it was called
        sys.modules["__main__"] = called
        code = _ended()
    except BaseException:  # noqa: BLE001 - a fork of the tests must not run on as tests
        traceback.print_exc()
    finally:
        os._exit(code)


def _ended() -> int:
    """Return the exit code as the interpreter makes it of how `main` ended."""
    try:
        main()
        code: object = 0
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - as the interpreter does it
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
        code = 1
    sys.stderr.flush()
    return code if isinstance(code, int) else 0
