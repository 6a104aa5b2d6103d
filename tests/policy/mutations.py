"""Policy files spoilt in the ways in which people and merges spoil them, the same ones for the same number."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from controller.policy.yaml_nodes import documents
from tests.policy.objects import ALL_KINDS, Object

ROOT = Path(__file__).parents[2]
Steps = tuple[str | int, ...]

RAW = (
    "yes", "no", "on", "off", "y", "n", "true", "False", "null", "~",
    "''", "0x1F", "0o17", "017", "1_000", "1.0", "1e3",
    "1e999", "-0", "-1", "0", "1", "65536", "2147483648", "99999999999999999999", ".5", ".inf", ".nan", "08:30", "8:30",
    "24:00", "23:59:60", "2021-04-06", "2021-02-30", "2021-04-06T08:00:00Z", "2021-04-06T08:00:00+02:00",
    "2021-04-06T25:00:00Z", "'08:30'", "'8:30'", "'10m'", "'10 m'", "10m", "1h30m", "100h", "90000s", "'12.5'", "12.5",
    "'0'", "'0.000'", "'-1'", "'1e3'", "''", "' '", "'é'", "'\\U0001F514'", '"a\\nb"', '"a\\n"', "[]", "{}", "[x]",
    "{x: y}", "[[]]", "[null]", "SchoolDay", "Sunday", "zone-b", "zone-z", "Europe/Paris", "Europe/Pariss",
    "'" + "x" * 300 + "'", "NextDay", "auto", "all", "'10min'", "Scale", "HTTPRoute",
)  # fmt: skip
"""Values as they are typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutated:
    """One spoilt file of one document."""

    number: int
    kind: str
    text: str
    did: str


@cache
def _originals() -> tuple[Object, ...]:
    """The objects of all shipped files, and one of each kind in which everything that can be declared is."""
    shipped = [
        document.value
        for path in sorted((ROOT / "policies").rglob("*.yaml"))
        for document in documents(path.read_text("utf-8"), str(path))
        if document.value.get("kind", "Namespace") != "Namespace"  # scenarios have no kind
    ]
    by_kind: dict[str, list[Object]] = {}
    for found in (*shipped, *(make() for make in ALL_KINDS)):
        by_kind.setdefault(found["kind"], []).append(found)
    longest = max(map(len, by_kind.values()))
    return tuple(found for objects in by_kind.values() for found in objects * (longest // len(objects)))


def mutated(number: int) -> Mutated:
    """The spoilt file with this number: one to three things in its spec are not as they were."""
    dice = random.Random(number)
    found: Object = json.loads(json.dumps(dice.choice(_originals())))
    found["metadata"] = {"name": found["metadata"]["name"]}
    raws: list[str] = []
    did = [_spoil(dice, found, raws) for _ in range(dice.choice((1, 1, 1, 2, 3)))]
    text = yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=1000)
    for index, raw in enumerate(raws):
        text = text.replace(_marker(index), raw)
    return Mutated(number=number, kind=found["kind"], text=text, did="; ".join(did))


def _marker(index: int) -> str:
    return f"RAW{index}RAW"


def _spoil(dice: random.Random, found: Object, raws: list[str]) -> str:
    """Spoil one thing and say what."""
    steps = dice.choice(list(_paths(found["spec"], ("spec",))))
    holder: Any = found
    for step in steps[:-1]:
        holder = holder[step]
    last: Any = steps[-1]
    where = ".".join(map(str, steps))
    what = dice.randrange(7)
    if len(steps) == 1 or what <= 2:
        raw = dice.choice(RAW)
        holder[last] = _marker(len(raws))
        raws.append(raw)
        return f"{where} = {raw[:30]}"
    if what == 3:
        del holder[last]
        return f"without {where}"
    if what == 4 and isinstance(holder, dict):
        holder[dice.choice((f"{last}s", str(last)[:-1] or "x", str(last).upper(), "unknown"))] = holder.pop(last)
        return f"{where} under another name"
    if what == 5 and isinstance(holder, list):
        holder.append(json.loads(json.dumps(holder[last])))
        return f"{where} twice"
    other: Any = found
    for step in dice.choice(list(_paths(found["spec"], ("spec",)))):
        other = other[step]
    holder[last] = json.loads(json.dumps(other))
    return f"{where} = something from elsewhere"


def _paths(node: Any, above: Steps) -> Iterator[Steps]:
    yield above
    if isinstance(node, dict):
        for key, inner in node.items():
            yield from _paths(inner, (*above, key))
    if isinstance(node, list):
        for index, inner in enumerate(node):
            yield from _paths(inner, (*above, index))
