"""What the harness can turn at a site's portals while they run: a small file that they read again and again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """How the portals of one site behave."""

    slow_seconds: float = 0.0
    """Every page takes so much longer."""
    errors: Mapping[str, float] = field(default_factory=dict)
    """Share of an ENT's requests answered 500, by ENT; `*` stands for all."""
    capacity_factor: float = 1.0
    """What serves of the replicas that the cluster still calls Ready."""
    metrics_frozen: bool = False
    """The figures stay what they were: a proxy that answers from its cache."""
    metrics_factor: float = 1.0
    """Counters run so much faster than what happens: a Prometheus that lies."""
    data_ready: bool = True
    """Whether the replica of the data here may be served from."""

    def errors_of(self, ent: str) -> float:
        """Return the share of the ENT's requests that fail."""
        return self.errors.get(ent, self.errors.get("*", 0.0))


def write_knobs(path: Path, knobs: Knobs) -> None:
    """Turn them; a reader sees the old or the new, never half."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(knobs)))
    draft.replace(path)


def read_knobs(path: Path) -> Knobs:
    """Return how they stand; as made, if nobody turned them."""
    return Knobs(**json.loads(path.read_text())) if path.exists() else Knobs()
