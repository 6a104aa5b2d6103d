"""`docs/contracts/names.md` and the code say the same."""

import re

import pytest

from controller.actuate.events import CONTROLLER
from controller.domain.plan import ConditionType
from controller.domain.reasons import Reason
from controller.kube.apply import FIELD_MANAGER
from controller.policy.crd import crd
from controller.policy.kinds import BY_NAME
from controller.policy.resource import API_VERSION
from controller.runtime.settings import Settings
from controller.wire.errors import ERROR_SCHEMA
from controller.wire.plan import PLAN_SCHEMA
from controller.wire.world import WORLD_SCHEMA
from tests.contracts import names

TEXT = names.PAGE.read_text(encoding="utf-8")
LABELS = {"ent", "site", "edge", "reason"}


def test_the_tables_are_those_of_the_code() -> None:
    """`python -m tests.contracts.names --write` after a change, and a sentence for each new name."""
    assert names.made() == TEXT


@pytest.mark.parametrize("table", names.HEADS)
def test_every_name_has_a_meaning(table: str) -> None:
    """A name without a sentence is a riddle for whoever is on call."""
    rows = names.table_of(TEXT, table)
    assert rows
    assert [row[0] for row in rows if not row[-1]] == []


def test_the_tables_are_whole() -> None:
    """Every reason and every condition type is there once."""
    assert [row[0] for row in names.table_of(TEXT, "reasons")] == [f"`{reason}`" for reason in Reason]
    assert [row[0] for row in names.table_of(TEXT, "conditions")] == [f"`{kind}`" for kind in ConditionType]


def test_metrics_have_our_prefix_and_only_the_labels_of_the_contract() -> None:
    """Few labels: a fleet of a thousand ENTs is not to drown its Prometheus."""
    assert len(names.metrics()) > 10
    for name, metric in names.metrics().items():
        assert name.startswith("sonnerie_")
        assert set(metric._labelnames) <= LABELS, name


def test_the_names_in_kubernetes_are_those_of_the_code() -> None:
    """What other controllers and people with kubectl see."""
    category = crd(BY_NAME["Site"])["spec"]["names"]["categories"]
    settings = Settings()
    for name in (
        API_VERSION,
        CONTROLLER,
        *(WORLD_SCHEMA, PLAN_SCHEMA, ERROR_SCHEMA),
        f"field manager of every write | `{FIELD_MANAGER}`",
        f"`{settings.lease_name}` in `{settings.lease_namespace}`",
        f"category of the custom resources | `{category[0]}`",
        "app.kubernetes.io/part-of: sonnerie",
    ):
        assert name in TEXT


def test_every_name_of_our_group_in_the_code_is_on_the_page() -> None:
    """A label, an annotation or a finalizer does not come into the world unseen."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in names.SOURCES)
    for name in set(re.findall(r"\bsonnerie\.dev/[a-zA-Z0-9/-]+", code)) - {"sonnerie.dev/memory/v1"}:
        assert name in TEXT, name


def test_a_finalizer_that_is_called_reserved_is_not_set() -> None:
    """The page says so only as long as it is true."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in names.SOURCES)
    for reserved in ("sonnerie.dev/floors", "sonnerie.dev/scenario/v1"):
        row = next(line for line in TEXT.splitlines() if reserved in line)
        assert ("reserved" in row) is (f'"{reserved}"' not in code), reserved
