"""Child processes that never outlive us: not a clean exit, not Ctrl-C, not a SIGKILL of ours."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.controlplane.errors import ServerFailedError

# The kernel sends the parent-death signal when the *thread* that forked ends, not the process. Sites start in
# short-lived threads, so one thread that lives as long as the interpreter forks for all of them.
_FORKER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forker")
_LIBC = ctypes.CDLL(None, use_errno=True)  # loaded here: nothing may be imported between fork and exec
_PR_SET_PDEATHSIG = 1  # from linux/prctl.h

TERMINATE_SECONDS = 10.0  # an API server drains its watches in a few seconds
LOG_LINES_SHOWN = 20


class Child:
    """One server process: started, ended and started again with the same command; its output goes to a log."""

    def __init__(
        self, name: str, argv: Sequence[str], *, log: Path, pid_file: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self._argv = tuple(argv)
        self._log = log
        self._pid_file = pid_file
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Says whether the process runs now."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Gives the process id while it runs."""
        return self._process.pid if self._process is not None and self.alive else None

    def start(self) -> None:
        """Starts the process if it does not run."""
        if not self.alive:
            _FORKER.submit(self._fork).result()

    def _fork(self) -> None:
        parent = os.getpid()

        def die_with_parent() -> None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # the parent died before the line above
                os._exit(1)

        with self._log.open("ab") as log:
            process = self._process = subprocess.Popen(
                self._argv,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C in the terminal is for us to act on, not for the servers
                preexec_fn=die_with_parent,  # noqa: PLW1509  it only makes two system calls
            )
        self._pid_file.write_text(f"{process.pid} {_started_at(process.pid)} {self.name}\n")

    def kill(self) -> None:
        """Ends the process at once, as a power cut would, and reaps it."""
        if self._process is not None:
            if self._process.poll() is None:
                _signal_group(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._pid_file.unlink(missing_ok=True)

    def terminate(self) -> None:
        """Asks the process to end, and kills it if it has not after a while."""
        if self._process is not None and self._process.poll() is None:
            _signal_group(self._process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(TERMINATE_SECONDS)
        self.kill()

    def pause(self) -> None:
        """Stops the process without ending it: it holds its sockets and answers nothing, as a hung server."""
        if self.pid is not None:
            _signal_group(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a paused process go on."""
        if self.pid is not None:
            _signal_group(self.pid, signal.SIGCONT)

    def log_tail(self) -> str:
        """Gives the end of the log, for an error message."""
        with contextlib.suppress(OSError):
            return "\n".join(self._log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])
        return ""

    def expect_alive(self) -> None:
        """Raises with the end of the log if the process has ended."""
        if not self.alive:
            code = None if self._process is None else self._process.returncode
            message = f"{self.name} ended with {code}; the end of {self._log}:\n{self.log_tail()}"
            raise ServerFailedError(message)


def sweep(folder: Path) -> list[int]:
    """Kills what an earlier run left behind in this folder, and only that; gives the process ids.

    A pid file also holds when its process started, so a process that merely got the same id later is left alone.
    """
    swept = []
    for pid_file in folder.rglob("*.pid"):
        pid, started = (int(field) for field in pid_file.read_text().split()[:2])
        if started != 0 and _started_at(pid) == started:
            _signal_group(pid, signal.SIGKILL)
            swept.append(pid)
        pid_file.unlink(missing_ok=True)
    return swept


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def _started_at(pid: int) -> int:
    """Gives when a process started, in clock ticks since boot; 0 if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[19])  # field 22 of proc(5), counted from after the name
