"""Memory written by older versions, brought to the present one, one step at a time.

A change of what is remembered is a new `MEMORY_VERSION` with a step here, unless it only adds a field that has a
default. To add one:

1. raise `controller.domain.memory.MEMORY_VERSION`;
2. write the functions that turn a document of the version before into one of the new version, and enter them in
   `STEPS` under the version before; a part that did not change needs no function;
3. put a document as the version before wrote it into `tests/wire/documents/memory/`, and never change it again.

A document of a newer version is not guessed at: it is refused, and empty memory starts safe.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from controller.domain.memory import MEMORY_VERSION

Document: TypeAlias = dict[str, Any]
Change: TypeAlias = Callable[[Document], Document]


class UnknownVersionError(Exception):
    """A version that nobody here has ever written."""


class BrokenDocumentError(Exception):
    """A document that is not of the version that it says."""


def _unchanged(document: Document) -> Document:
    return document


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From one version to the next: what becomes of each part. Functions are pure and leave what they are given."""

    ent: Change = _unchanged
    """Restraints of one ENT."""
    site: Change = _unchanged
    """Memory of one site."""
    weights: Change = _unchanged
    """One weight beside the restraints of an ENT, as in status."""
    samples: Change = _unchanged
    """Windows of the recent past, as on the wire."""


def _ent_of_version_2(ent: Document) -> Document:
    """Version 2 names an ENT as everything else does, where version 1 had an object, and has lead times in rows."""
    key = ent["ent"]
    by_site: dict[str, dict[int, list[int]]] = {}
    for lead in ent.get("leads", []):
        by_site.setdefault(lead["site"], {}).setdefault(lead["step_class"], []).append(lead["seconds"])
    leads = [
        {"site": site, "rows": [_row(step, by_step[step]) for step in sorted(by_step)]}
        for site, by_step in sorted(by_site.items())
    ]
    return ent | {"ent": f"{key['namespace']}/{key['name']}", "leads": leads}


def _row(step: int, seconds: list[int]) -> list[int]:
    """Return the measurements of a class as the block under way: the class, how many, slowest, second slowest, none."""
    slowest, second = sorted([*seconds, 0, 0], reverse=True)[:2]
    return [step, len(seconds), slowest, second, 0]


def _forgotten(_samples: Document) -> Document:
    """The recent past has another shape in version 2: until it is known again, nothing shrinks."""
    return {}


STEPS: Mapping[int, Step] = {
    1: Step(ent=_ent_of_version_2, samples=_forgotten),
}
"""The step from each older version to the one after it."""


def migrate_ent(document: Mapping[str, Any]) -> Document:
    """Return `status.memory` of an ENT as the present version writes it; of the present version it is returned as is.

    Raises:
        UnknownVersionError: it is of a newer version, or of none.
        BrokenDocumentError: it is not of the version that it says.
    """
    return _migrated(
        document,
        lambda step, found: (
            found
            | {
                "restraints": step.ent(found["restraints"]),
                "weights": [step.weights(weight) for weight in found.get("weights", [])],
            }
        ),
    )


def migrate_site(document: Mapping[str, Any]) -> Document:
    """Return `status.memory` of a site as the present version writes it; see `migrate_ent`."""
    return _migrated(document, lambda step, found: found | {"restraints": step.site(found["restraints"])})


def migrate_memory(document: Mapping[str, Any]) -> Document:
    """Return the memory of a world line as the present version writes it; see `migrate_ent`."""
    return _migrated(
        document,
        lambda step, found: (
            found
            | {
                "sites": [step.site(site) for site in found.get("sites", [])],
                "ents": [step.ent(ent) for ent in found.get("ents", [])],
                "samples": step.samples(found.get("samples", {})),
            }
        ),
    )


def _migrated(document: Mapping[str, Any], change: Callable[[Step, Document], Document]) -> Document:
    version = document.get("version")
    known = isinstance(version, int) and not isinstance(version, bool)
    if not known or not (version == MEMORY_VERSION or version in STEPS):
        raise UnknownVersionError(f"version {version!r} is not known here; versions up to {MEMORY_VERSION} are")
    found = dict(document)
    for step_from in range(int(str(version)), MEMORY_VERSION):
        try:
            found = change(STEPS[step_from], found)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise BrokenDocumentError(f"not a document of version {step_from}: {error!r}") from None
    return found | {"version": MEMORY_VERSION}
