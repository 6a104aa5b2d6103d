"""Running kubectl against one cluster, with its complaints as errors."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.errors import KubectlError

COMMAND_SECONDS = 90.0  # the longest command waits a minute for definitions to be established
ESTABLISHED_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl with one kubeconfig and a discovery cache of its own, so that nobody's home folder is touched."""

    program: Path
    kubeconfig: Path
    cache: Path

    def run(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002  as subprocess calls it
        """Gives what the command printed; raises with its complaint if it failed."""
        command = [str(self.program), f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.cache}", *arguments]
        stdin = subprocess.DEVNULL if input is None else None
        answer = subprocess.run(
            command, input=input, stdin=stdin, capture_output=True, text=True, timeout=COMMAND_SECONDS
        )
        if answer.returncode != 0:
            message = f"kubectl {' '.join(arguments)}: {answer.stderr.strip() or answer.stdout.strip()}"
            raise KubectlError(message)
        return answer.stdout

    def install_definitions(self, folder: Path) -> None:
        """Applies a folder of definitions and returns when their kinds can be used."""
        self.run("apply", "--server-side", "--force-conflicts", f"--filename={folder}")
        timeout = f"--timeout={ESTABLISHED_SECONDS}s"
        self.run("wait", "--for=condition=Established", timeout, f"--filename={folder}")
