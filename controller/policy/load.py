"""Policy files to resources: whole folders, several documents in a file, every problem at once with its place."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from controller.policy.errors import PolicyError, Position, Problem
from controller.policy.kinds import Resource
from controller.policy.parse import field_path, named, parse
from controller.policy.yaml_nodes import Document, documents

_LARGEST_BYTES = 1_000_000
"""Of one file. A policy is a page or two; the largest calendar we ship has 60 kB."""
_MOST_PROBLEMS = 100
"""Told of one file. More are the same mistake over and over."""
SCENARIOS = "sonnerie.dev/scenario/"
"""How the schema of every scenario begins."""
_SKIPPED = ("kustomization.yaml", "kustomization.yml")


class Places:
    """Where the fields of one document stand, by their names as Kubernetes writes them."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._by_field: dict[str, Position] | None = None

    def of(self, field: str) -> Position:
        """Return where the field stands, or the nearest thing around it that is in the file."""
        if self._by_field is None:
            self._by_field = {field_path(path): position for path, position in self._document.positions.items()}
        while field and field not in self._by_field:
            field = field[: max(field.rfind("."), field.rfind("["), 0)]
        return self._by_field[field]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A resource and where it stands."""

    resource: Resource
    position: Position
    places: Places

    @property
    def name(self) -> str:
        """Return how people call it, such as `RegionalENT portals/hdf`."""
        metadata = self.resource.metadata
        return named({"kind": self.resource.kind, "metadata": {"namespace": metadata.namespace, "name": metadata.name}})


def load(paths: Iterable[Path]) -> tuple[Loaded, ...]:
    """Return the resources of all files, folders searched for `*.yaml` and `*.yml`, in the order of their names.

    Raises:
        PolicyError: anything at all is wrong; nothing is returned of input that is partly bad.
    """
    loaded, problems = load_what_is_good(paths)
    if problems:
        raise PolicyError(*problems)
    return loaded


def load_what_is_good(paths: Iterable[Path]) -> tuple[tuple[Loaded, ...], tuple[Problem, ...]]:
    """Return the resources that can be read, and all that is wrong with the others: to review, never to act."""
    loaded: list[Loaded] = []
    problems: list[Problem] = []
    seen = set[Path]()
    for path in paths:
        files = _files(path)
        if not files:
            problems.append(_problem_of(path, "holds no *.yaml or *.yml; is it the right folder?"))
        for file in files:
            if file.resolve() in seen:  # named twice, as itself and in its folder
                continue
            seen.add(file.resolve())
            found, wrong = _file(file)
            loaded += found
            problems += wrong
    return tuple(loaded), (*problems, *_twice(loaded))


def load_text(text: str, file: str) -> tuple[Loaded, ...]:
    """Return the resources of one text; `file` is what errors call it.

    Raises:
        PolicyError: a document is not a valid resource.
    """
    loaded, problems = _text(text, file)
    if problems:
        raise PolicyError(*problems)
    return tuple(loaded)


def _file(path: Path) -> tuple[list[Loaded], list[Problem]]:
    try:
        text = _read(path)
    except PolicyError as error:
        return [], [*error.problems]
    return _text(text, str(path))


def _text(text: str, file: str) -> tuple[list[Loaded], list[Problem]]:
    loaded: list[Loaded] = []
    problems: list[Problem] = []
    try:
        for document in documents(text, file):
            try:
                loaded += _resources(document)
            except PolicyError as error:
                problems += error.problems
            if len(problems) > _MOST_PROBLEMS:
                break
    except PolicyError as error:
        problems += error.problems
    return loaded, _bounded(problems, file)


def _bounded(problems: list[Problem], file: str) -> list[Problem]:
    if len(problems) <= _MOST_PROBLEMS:
        return problems
    last = problems[_MOST_PROBLEMS - 1].position or _start_of(file)
    more = Problem(resource="", field="", message="and more problems after this one; mend these first", position=last)
    return [*problems[:_MOST_PROBLEMS], more]


def _resources(document: Document) -> Iterator[Loaded]:
    """Return the resource of a document; nothing for a Namespace and a scenario, which have readers of their own.

    Raises:
        PolicyError: it is not a valid resource; its problems have their places.
    """
    if _is_namespace(document.value) or _is_scenario(document.value):
        return
    places = Places(document)
    try:
        if not isinstance(document.value, dict):
            raise PolicyError(
                Problem(resource="", field="", message="must be a mapping with apiVersion, kind and spec")
            )
        yield Loaded(resource=parse(document.value), position=places.of(""), places=places)
    except PolicyError as error:
        told = error.problems[: _MOST_PROBLEMS + 1]
        raise PolicyError(*(replace(problem, position=places.of(problem.field)) for problem in told)) from error


def _is_namespace(value: object) -> bool:
    """Tell whether it is a Namespace of Kubernetes, which people keep beside what lives in it."""
    return isinstance(value, dict) and (value.get("apiVersion"), value.get("kind")) == ("v1", "Namespace")


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    inside = (p for p in path.rglob("*") if p.suffix in (".yaml", ".yml") and p.name not in _SKIPPED)
    return sorted(p for p in inside if not _is_hidden(p.relative_to(path)) and not p.is_dir())


def _is_scenario(value: object) -> bool:
    """Tell whether it is a scenario of the simulator, which has a schema of its own and is checked by `simulate`."""
    return isinstance(value, dict) and "kind" not in value and str(value.get("schema", "")).startswith(SCENARIOS)


def _is_hidden(path: Path) -> bool:
    """Tell whether it is a tool's own file, such as `.github/workflows/check.yaml`; named itself, it is read."""
    return any(part.startswith(".") for part in path.parts)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:  # may be a pipe, which has no size
            content = file.read(_LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise PolicyError(_problem_of(path, f"cannot be read: {reason}")) from error
    if len(content) > _LARGEST_BYTES:
        raise PolicyError(_problem_of(path, f"is larger than {_LARGEST_BYTES // 1_000_000} MB; split the file"))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PolicyError(_not_utf_8(path, content, error.start)) from error


def _not_utf_8(path: Path, content: bytes, at: int) -> Problem:
    line_start = content.rfind(b"\n", 0, at) + 1
    column = len(content[line_start:at].decode("utf-8", "replace")) + 1
    position = Position(file=str(path), line=content.count(b"\n", 0, at) + 1, column=column)
    message = f"is not UTF-8 (byte {at} is 0x{content[at]:02X}); save the file as UTF-8"
    return Problem(resource="", field="", message=message, position=position)


def _start_of(file: Path | str) -> Position:
    return Position(file=str(file), line=1, column=1)


def _problem_of(path: Path, message: str) -> Problem:
    """Return a problem of a file as a whole."""
    return Problem(resource="", field="", message=message, position=_start_of(path))


def _twice(loaded: list[Loaded]) -> Iterator[Problem]:
    """Say which resources stand in the input more than once."""
    first: dict[str, Position] = {}
    for item in loaded:
        if item.name in first:
            message = f"stands twice; the first is at {first[item.name]}"
            position = item.places.of("metadata.name")
            yield Problem(resource=item.name, field="metadata.name", message=message, position=position)
        first.setdefault(item.name, item.position)
