"""What a witness is told, and what it says before it connects to anybody."""

import json
from pathlib import Path

import pytest

from controller.kube.errors import KubeconfigError
from controller.runtime.settings import SettingsError, read_settings
from controller.runtime.witness import read_folder
from controller.runtime.witness_settings import read_witness_settings
from tests.typed import sonnerie


def test_flags_win_over_the_environment(tmp_path: Path) -> None:
    """As for the controller."""
    environment = {
        "SONNERIE_NAME": "paris",
        "SONNERIE_SITES": "/elsewhere",
        "SONNERIE_REFERENCES": "http://a, http://b",
    }
    found = read_witness_settings({"sites": tmp_path, "name": None}, environment)
    assert (found.name, found.sites, found.references) == ("paris", tmp_path, ("http://a", "http://b"))


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({}, "--sites DIR is missing"),
        ({"SONNERIE_SITES": "x", "SONNERIE_NAME": "Paris!"}, "SONNERIE_NAME"),
        ({"SONNERIE_SITES": "x", "SONNERIE_LISTEN": "nowhere"}, "SONNERIE_LISTEN"),
    ],
)
def test_what_cannot_be_used_is_named(environment: dict[str, str], why: str) -> None:
    """By the variable that holds it."""
    with pytest.raises(SettingsError, match=why):
        read_witness_settings({}, environment)


def test_a_folder_as_kubernetes_mounts_a_secret(tmp_path: Path) -> None:
    """One file per site, with or without an ending; what begins with a dot is Kubernetes' own."""
    for name in ("gra", "sbg.yaml", "..data"):
        (tmp_path / name).write_text(name)
    assert read_folder(tmp_path) == {"gra": b"gra", "sbg": b"sbg.yaml"}


def test_an_empty_folder_or_none_is_said(tmp_path: Path) -> None:
    """With what to put there."""
    with pytest.raises(KubeconfigError, match="no kubeconfig in it"):
        read_folder(tmp_path)
    with pytest.raises(KubeconfigError, match="cannot be read"):
        read_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"SONNERIE_SITE": "Gra"}, "SONNERIE_SITE"),
        ({"SONNERIE_WITNESSES": "paris"}, "name this one's site with --site"),
        ({"SONNERIE_SITE": "gra", "SONNERIE_WITNESSES": "paris,gra"}, "gra is this site"),
    ],
)
def test_an_instance_knows_its_site_and_its_witnesses(environment: dict[str, str], why: str) -> None:
    """Names that cannot be, and witnesses that nobody would hear, are refused at the start."""
    with pytest.raises(SettingsError, match=why):
        read_settings({}, environment)
    found = read_settings({"site": "gra", "witnesses": ("paris",)}, {})
    assert (found.site, found.witnesses) == ("gra", ("paris",))


def test_a_look_without_anybody_to_see(tmp_path: Path) -> None:
    """`--once` prints what it sees as JSON, ends with 1 as a site fails, and writes nothing."""
    user, cluster = {"token": "none"}, {"server": "http://127.0.0.1:1"}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "gra").write_text(json.dumps(content))
    done = sonnerie("probe", "--once", f"--sites={tmp_path}", "--output=json")
    assert done.returncode == 1, done.stderr
    seen = json.loads(done.stdout)
    assert seen["abstains"] is True
    assert [(each["site"], each["paths"][0]["result"]) for each in seen["sites"]] == [("gra", "Refused")]
