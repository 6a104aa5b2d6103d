"""Settings from flags, environment and defaults."""

from pathlib import Path

import pytest

from controller.runtime.settings import Address, SettingsError, read_settings


def test_a_flag_wins_over_the_environment_and_that_over_the_default() -> None:
    """What is typed now counts most."""
    environment = {"SONNERIE_IDENTITY": "from-environment", "SONNERIE_LEASE_NAME": "other"}
    settings = read_settings({"identity": "from-flag", "lease_name": None}, environment)
    assert (settings.identity, settings.lease_name) == ("from-flag", "other")
    assert settings.plan_every_seconds == 5.0


def test_every_kind_of_setting_can_come_from_the_environment() -> None:
    """Numbers, paths, lists, addresses and switches."""
    settings = read_settings(
        {},
        {
            "SONNERIE_KUBECONFIG": "management.yaml",
            "SONNERIE_REFERENCES": "https://a.example, https://b.example",
            "SONNERIE_LISTEN": ":8080",
            "SONNERIE_DRY_RUN": "true",
            "SONNERIE_PLAN_EVERY_SECONDS": "0.5",
        },
    )
    assert settings.kubeconfig == Path("management.yaml")
    assert settings.references == ("https://a.example", "https://b.example")
    assert settings.listen == Address(host="0.0.0.0", port=8080)
    assert settings.dry_run
    assert settings.plan_every_seconds == 0.5


def test_a_pod_knows_its_name_and_namespace() -> None:
    """The downward API is used where nobody says otherwise."""
    pod = {"POD_NAME": "sonnerie-1", "POD_NAMESPACE": "here"}
    assert read_settings({}, pod).lease_namespace == "here"
    assert read_settings({}, pod | {"SONNERIE_IDENTITY": "me"}).identity == "me"


def test_what_kubernetes_sets_for_a_service_of_our_name_is_left_alone() -> None:
    """`SONNERIE_PORT=tcp://…` appears in every pod beside a Service named sonnerie."""
    read_settings({}, {"SONNERIE_PORT": "tcp://10.0.0.1:8080", "SONNERIE_SERVICE_HOST": "10.0.0.1"})


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SONNERIE_PLAN_EVERY_SECONDS", "often", "SONNERIE_PLAN_EVERY_SECONDS"),
        ("SONNERIE_PLAN_EVERY_SECONDS", "0", "not above 0"),
        ("SONNERIE_PLAN_EVERY_SECONDS", "nan", "not above 0"),
        ("SONNERIE_DRY_RUN", "perhaps", "neither true nor false"),
        ("SONNERIE_LISTEN", "8080", "write for example"),
        ("SONNERIE_LEASE_DURATION_SECONDS", "5", "must fall"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(variable: str, value: str, message: str) -> None:
    """A typo stops the start, not the morning."""
    with pytest.raises(SettingsError, match=message):
        read_settings({}, {variable: value})


@pytest.mark.parametrize("text", ["127.0.0.1:80", "[::1]:80", "host:0"])
def test_addresses_read_as_they_are_written(text: str) -> None:
    """IPv6 addresses stand in brackets."""
    assert str(Address.parse(text)) == text
