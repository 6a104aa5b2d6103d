"""Everything that is wrong with policy files, at once, each with its place: what `sonnerie check` says."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from controller.policy.carrying import too_much
from controller.policy.catalogue import Catalogue
from controller.policy.contradictions import contradictions
from controller.policy.convert import ent_key
from controller.policy.declared import declare
from controller.policy.errors import Problem
from controller.policy.gaps import skipped_times
from controller.policy.load import Loaded, load_what_is_good


def review(paths: Iterable[Path]) -> tuple[int, tuple[Problem, ...]]:
    """Return how many resources the files hold, and every problem, in the order of files and lines.

    References are followed among what can be read, so that a typo is told even when another file is broken. Whoever
    refers to what stands in a broken file is told that it is not there, as the controller would.
    """
    loaded, problems = load_what_is_good(paths)
    found = (*problems, *review_of(loaded))
    return len(loaded), tuple(sorted(found, key=_by_place))


def review_of(loaded: Iterable[Loaded]) -> tuple[Problem, ...]:
    """Return what is wrong between resources that are each valid alone."""
    loaded = tuple(loaded)
    resources = [item.resource for item in loaded]
    declared, catalogue = declare(resources), Catalogue.of(resources)
    found = [
        *declared.problems,
        *contradictions(catalogue),
        *skipped_times(declared, catalogue),
        *too_much(declared, catalogue),
    ]
    return tuple(_placed(found, loaded))


def _placed(problems: Iterable[Problem], loaded: tuple[Loaded, ...]) -> Iterator[Problem]:
    by_name: dict[str, Loaded] = {}
    for item in loaded:
        kind, metadata = item.resource.kind, item.resource.metadata
        by_name.setdefault(f"{kind} {ent_key(metadata)}", item)
        by_name.setdefault(f"{kind} {metadata.name}", item)
    for problem in problems:
        found = by_name.get(problem.resource)
        yield problem if found is None else replace(problem, position=found.places.of(problem.field))


def _by_place(problem: Problem) -> tuple[str, int, int, str]:
    at = problem.position
    return ("", 0, 0, str(problem)) if at is None else (at.file, at.line, at.column, str(problem))
