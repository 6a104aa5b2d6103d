"""Policy files to resources: whole folders, several documents in a file, every problem at once with its place."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from controller.policy.errors import PolicyError, Position, Problem
from controller.policy.kinds import Resource
from controller.policy.parse import field_path, named, parse
from controller.policy.yaml_nodes import Document, documents

_LARGEST_BYTES = 1_000_000
SCENARIOS = "sonnerie.dev/scenario/"
"""How the schema of every scenario begins."""
_SKIPPED = ("kustomization.yaml", "kustomization.yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A resource and where it stands."""

    resource: Resource
    position: Position


def load(paths: Iterable[Path]) -> tuple[Loaded, ...]:
    """Return the resources of all files, folders searched for `*.yaml` and `*.yml`, in the order of their names.

    Raises:
        PolicyError: anything at all is wrong; nothing is returned of input that is partly bad.
    """
    loaded: list[Loaded] = []
    problems: list[Problem] = []
    for path in _files(paths):
        try:
            found = load_text(_read(path), str(path))
        except PolicyError as error:
            problems += error.problems
        else:
            loaded += found
    problems += _twice(loaded)
    if problems:
        raise PolicyError(*problems)
    return tuple(loaded)


def load_text(text: str, file: str) -> tuple[Loaded, ...]:
    """Return the resources of one text; `file` is what errors call it.

    Raises:
        PolicyError: a document is not a valid resource.
    """
    loaded: list[Loaded] = []
    problems: list[Problem] = []
    for document in documents(text, file):
        if _is_namespace(document.value) or _is_scenario(document.value):
            continue
        try:
            loaded.append(_resource(document))
        except PolicyError as error:
            problems += (_placed(problem, document) for problem in error.problems)
    if problems:
        raise PolicyError(*problems)
    return tuple(loaded)


def _is_namespace(value: object) -> bool:
    """Tell whether it is a Namespace of Kubernetes, which people keep beside what lives in it."""
    return isinstance(value, dict) and (value.get("apiVersion"), value.get("kind")) == ("v1", "Namespace")


def _is_scenario(value: object) -> bool:
    """Tell whether it is a scenario of the simulator, which has a schema of its own and is checked by `simulate`."""
    return isinstance(value, dict) and "kind" not in value and str(value.get("schema", "")).startswith(SCENARIOS)


def _resource(document: Document) -> Loaded:
    if not isinstance(document.value, dict):
        raise PolicyError(Problem(resource="", field="", message="must be a mapping with apiVersion, kind and spec"))
    return Loaded(resource=parse(document.value), position=document.position_of(()))


def _placed(problem: Problem, document: Document) -> Problem:
    """Say where in the file the problem's field stands."""
    by_field = {field_path(path): path for path in document.positions}
    field = problem.field
    while field and field not in by_field:
        field = field[: max(field.rfind("."), field.rfind("["), 0)]
    return replace(problem, position=document.position_of(by_field.get(field, ())))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            inside = (p for p in path.rglob("*") if p.suffix in (".yaml", ".yml") and p.name not in _SKIPPED)
            yield from sorted(p for p in inside if p.is_file())
        else:
            yield path


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            message = f"{path} is larger than {_LARGEST_BYTES // 1_000_000} MB; a policy is a page or two"
            raise PolicyError(Problem(resource="", field="", message=message))
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise PolicyError(Problem(resource="", field="", message=f"{path} cannot be read: {error.strerror}")) from error
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8"
        raise PolicyError(Problem(resource="", field="", message=message)) from error


def _twice(loaded: list[Loaded]) -> Iterator[Problem]:
    """Say which resources stand in the input more than once."""
    first: dict[str, Position] = {}
    for item in loaded:
        resource = item.resource
        metadata = {"namespace": resource.metadata.namespace, "name": resource.metadata.name}
        name = named({"kind": resource.kind, "metadata": metadata})
        if name in first:
            message = f"stands twice; the first is at {first[name]}"
            yield Problem(resource=name, field="metadata.name", message=message, position=item.position)
        first.setdefault(name, item.position)
