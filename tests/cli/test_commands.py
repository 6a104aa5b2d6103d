"""The command line, as people type it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.typed import sonnerie

GOOD_SITE = """\
apiVersion: sonnerie.dev/v1alpha1
kind: Site
metadata: {name: a}
spec: {provider: Example}
"""


def test_help_is_fast_because_it_imports_nothing_heavy() -> None:
    """`--help` answers at once: no Kubernetes, no solver, no numpy on the way."""
    code = (
        "import sys\nfrom controller import cli\n"
        "try: cli.app(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'kubernetes', 'numpy', 'highspy', 'aiohttp', 'pydantic', 'requests'} & sys.modules.keys()\n"
        "sys.exit(str(sorted(heavy)) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "run" in done.stdout


@pytest.mark.parametrize(
    "command",
    ["run", "probe", "status", "preflight", "plan", "explain", "replay", "check", "preview", "diff", "crd", "schema"],
)
def test_every_command_has_an_example(command: str) -> None:
    """Help shows how it is typed."""
    assert "Example: sonnerie" in sonnerie(command, "--help").stdout


@pytest.mark.parametrize("command", ["check", "preview", "diff", "crd", "schema"])
def test_commands_on_policies_say_how_they_end(command: str) -> None:
    """A script need not be tried to know its exit codes."""
    assert "Exit codes: 0 " in sonnerie(command, "--help").stdout


def test_check_accepts_what_is_good(tmp_path: Path) -> None:
    """Exit code 0."""
    (tmp_path / "site.yaml").write_text(GOOD_SITE)
    done = sonnerie("check", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "1 resources, no problems\n")


def test_check_names_what_is_bad_with_its_place(tmp_path: Path) -> None:
    """Exit code 1, with file, line and field."""
    (tmp_path / "site.yaml").write_text(GOOD_SITE.replace("Example}", "Example, providr: x}"))
    done = sonnerie("check", str(tmp_path))
    assert done.returncode == 1
    assert "site.yaml:4" in done.stderr
    assert "did you mean provider?" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "--listen", "nonsense"], 2, "write for example"),
        (["run", "--kubeconfig", "/nonexistent"], 3, "/nonexistent"),
        (["run"], 3, "pass --kubeconfig FILE"),
        (["schema", "Ent"], 2, "write one of Site, RegionalENT"),
    ],
)
def test_exit_codes_tell_usage_from_unavailability(arguments: list[str], code: int, message: str) -> None:
    """Scripts can tell a typo from a missing cluster, people read one sentence without a traceback."""
    done = sonnerie(*arguments)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_crd_prints_what_kubectl_can_apply() -> None:
    """One document for each kind asked for."""
    done = sonnerie("crd", "Site")
    assert done.stdout.startswith("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n")
