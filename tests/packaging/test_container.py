"""The recipe of the image, as far as it can be judged without a builder, and the commands that are installed."""

import re
import tomllib
from pathlib import Path

from controller.cli.tomorrow import coming_bells, foresee
from controller.policy.declared import declare
from controller.policy.load import load
from tests.builders import BELL

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "Containerfile").read_text("utf-8")


def test_both_stages_stand_on_one_pinned_base() -> None:
    """A tag that moves would ship another Python than was tested."""
    (base,) = re.findall(r"^ARG PYTHON=(\S+)$", RECIPE, re.MULTILINE)
    assert re.fullmatch(r"docker\.io/library/python:3\.11\.\d+-slim-bookworm", base)
    assert re.findall(r"^FROM (\S+)", RECIPE, re.MULTILINE) == ["${PYTHON}", "${PYTHON}"]


def test_every_distribution_is_checked_and_none_is_fetched_later() -> None:
    """Hashes for what is downloaded; everything after that is offline."""
    commands = re.findall(r"^RUN (.+(?:\\\n.+)*)", RECIPE, re.MULTILINE)
    (download, *installs) = [line.strip() for command in commands for line in command.split("&&") if "pip" in line]
    assert "--require-hashes" in download
    assert "--only-binary :all:" in download
    for line in installs:
        assert any(word in line for word in ("--no-index", "--no-deps --no-build-isolation", "uninstall")), line


def test_it_runs_as_nobody_and_writes_nowhere() -> None:
    """The numbers are those of the Deployment; a name would not satisfy `runAsNonRoot`."""
    last = RECIPE.split("FROM ")[-1]
    assert "\nUSER 65532:65532\n" in last
    assert "PYTHONDONTWRITEBYTECODE=1" in last
    assert "\nRUN " not in last
    assert 'ENTRYPOINT ["/opt/sonnerie/bin/sonnerie"]' in last


def test_kubectl_finds_the_same_commands() -> None:
    """`kubectl sonnerie status` is `sonnerie status`."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    assert scripts["kubectl-sonnerie"] == scripts["sonnerie"] == "controller.cli:main"


def test_the_example_fleet_is_sound_and_pays_for_the_loss_of_a_site() -> None:
    """Who begins with it gets no warning on the first evening."""
    declared = declare(item.resource for item in load([ROOT / "manifests/example-fleet"]))
    assert declared.problems == ()
    assert len(declared.sites) == 2
    assert coming_bells(declared.school, BELL)
    assert foresee(declared, (), (), BELL).short == ()
