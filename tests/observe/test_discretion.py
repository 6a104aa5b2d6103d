"""What a Prometheus was shown is not in its errors."""

from base64 import b64encode
from dataclasses import dataclass

import pytest

from controller.domain.readings import ReadingReason
from controller.observe.discretion import Discreet, shown_secrets
from controller.observe.metrics_source import Grid, QueryError, Sample, Series
from controller.observe.prometheus_address import PrometheusAddress
from tests.builders import BELL

ADDRESS = PrometheusAddress(url="http://prometheus:9090", bearer_token="planted-token")


@dataclass
class Quoting:
    """Refuses everything and says with what it was asked."""

    shown: str

    async def query(self, promql: str) -> tuple[Sample, ...]:
        """Refuse."""
        raise QueryError(ReadingReason.HTTP_ERROR, f"{promql}: no: {self.shown}")

    async def query_range(self, promql: str, grid: Grid) -> tuple[Series, ...]:
        """Refuse."""
        raise QueryError(ReadingReason.TIMED_OUT, f"{promql} from {grid.start}: no: {self.shown}")

    async def close(self) -> None:
        """Nothing to close."""


async def test_what_is_quoted_back_is_cut_out() -> None:
    """Of instant and range queries; the reason and the rest of the sentence stay."""
    source = Discreet(Quoting("Bearer planted-token"), shown_secrets(ADDRESS))
    with pytest.raises(QueryError, match=r"^up: no: Bearer \(secret\)$") as found:
        await source.query("up")
    assert found.value.reason is ReadingReason.HTTP_ERROR
    with pytest.raises(QueryError, match=r"no: Bearer \(secret\)$"):
        await source.query_range("up", Grid(start=BELL, steps=1, step_seconds=1))
    await source.close()


def test_everything_but_the_address_is_a_secret() -> None:
    """A field that somebody adds one day too."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Later(PrometheusAddress):
        username: str | None = None
        password: str | None = None
        tenant: tuple[str, str] | None = None

    later = Later(url="http://p:1", bearer_token="token", username="name", password="word", tenant=("X-Scope", "abc"))
    assert set(shown_secrets(later)) == {"token", "name", "word", "X-Scope", b64encode(b"name:word").decode()}
    assert shown_secrets(PrometheusAddress(url="http://p:1")) == ()
