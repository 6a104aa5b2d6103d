"""How a value of the domain is written, by one mechanical rule per type. Nothing here knows a field by name.

| in the domain                 | on the wire                                                           |
|-------------------------------|-----------------------------------------------------------------------|
| dataclass, named tuple        | object; every field written, in the order of the domain; unknown ones refused |
| union of dataclasses          | object with `type`, the name of the class (readings: `quality`)       |
| `datetime`                    | RFC 3339 in UTC with `Z`, at most microseconds                        |
| `timedelta` named `x`         | seconds, named `x_seconds`                                            |
| `EntKey`                      | `namespace/name`                                                      |
| `EntKey | SiteName`           | a string; only that of an ENT has a slash                             |
| tuple                         | array                                                                 |
| `frozenset`                   | array, sorted                                                         |
| enum, string, number, boolean | itself; never NaN or infinite                                         |

A field that is added to a dataclass with a default is on the wire by that alone.
"""

import dataclasses
import types
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, NewType, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec

from controller.domain.explanation import Explained, Explanation
from controller.domain.names import EntKey
from controller.domain.readings import Fresh, Missing, Stale
from controller.domain.world import World
from controller.wire.bounds import MOST_SECONDS, bounds_of
from controller.wire.errors import WireError
from controller.wire.texts import (
    INSTANT_PATTERN,
    KEY_PATTERN,
    finite,
    finite_each,
    read_duration,
    read_instant,
    read_key,
    read_object,
    write_duration,
    write_instant,
    write_key,
)

Annotation: TypeAlias = Any
"""A type as annotated; the type system has no word for all of them."""
Convert: TypeAlias = Callable[[Any], Any] | None
"""None: the value is the same on both sides."""

RENAMED = {(World, "rounds"): "probes"}
"""Fields that have another name on the wire (design §9)."""
LEFT_OUT = {(World, "memory")}
"""The memory stands beside the world in a line, because it comes back in the plan."""
TAG_FIELDS: dict[type[Any], str] = {Fresh: "quality", Stale: "quality", Missing: "quality"}
TAG_FIELD = "type"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How one type is written: what JSON decodes to, and how that becomes the domain's value and back."""

    wire: Annotation
    read: Convert = None
    write: Convert = None
    is_duration: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FieldForm:
    """One field of a dataclass and its name on the wire."""

    name: str
    wire_name: str
    form: Form
    default: object
    """As on the wire; `msgspec.NODEFAULT` when the field is required."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How one dataclass is written."""

    of: type[Any]
    fields: tuple[FieldForm, ...]
    struct: type[msgspec.Struct]
    read: Callable[[Any], Any]
    write: Callable[[Any], dict[str, Any]]


def struct_fields(fields: Sequence[FieldForm]) -> tuple[list[tuple[str, Annotation, object]], dict[str, str]]:
    """Return fields as `msgspec.defstruct` takes them, and their names on the wire."""
    defined = [(field.name, field.form.wire, field.default) for field in fields]
    return defined, {field.name: field.wire_name for field in fields}


def define(name: str, fields: Sequence[FieldForm], *, tag_field: str | None = None) -> type[msgspec.Struct]:
    """Define what an object of JSON decodes to. Unknown fields are refused."""
    defined, names = struct_fields(fields)
    return msgspec.defstruct(
        name,
        defined,
        frozen=True,
        kw_only=True,
        gc=False,
        forbid_unknown_fields=True,
        rename=names,
        tag=name if tag_field else None,
        tag_field=tag_field,
        module=__name__,
    )


@cache
def shape_of(cls: type[Any], *, tagged: bool = False) -> Shape:
    """Return how the dataclass is written; as a member of a union it carries its name."""
    hints = get_type_hints(cls)
    fields = tuple(
        _field_form(cls, name, default, hints[name])
        for name, default in _declared(cls).items()
        if (cls, name) not in LEFT_OUT
    )
    tag_field = TAG_FIELDS.get(cls, TAG_FIELD) if tagged else None
    struct = define(cls.__name__, fields, tag_field=tag_field)
    tag = {tag_field: cls.__name__} if tag_field else {}
    return Shape(of=cls, fields=fields, struct=struct, read=_reader(cls, fields), write=_writer(fields, tag))


def _declared(cls: type[Any]) -> dict[str, object]:
    """Return the fields of a dataclass or named tuple in their order, with their defaults."""
    if not dataclasses.is_dataclass(cls):
        return {name: cls._field_defaults.get(name, msgspec.NODEFAULT) for name in cls._fields}
    declared: dict[str, object] = {}
    for field in dataclasses.fields(cls):
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        declared[field.name] = msgspec.NODEFAULT if default is dataclasses.MISSING else default
    return declared


def _field_form(cls: type[Any], name: str, default: object, annotation: Annotation) -> FieldForm:
    form = form_of(annotation, cls, name)
    if default is not msgspec.NODEFAULT and form.write is not None:
        default = msgspec.convert(form.write(default), form.wire)
    wire_name = RENAMED.get((cls, name), f"{name}_seconds" if form.is_duration else name)
    return FieldForm(name=name, wire_name=wire_name, form=form, default=default)


def _reader(cls: type[Any], fields: Sequence[FieldForm]) -> Callable[[Any], Any]:
    converted = tuple((field.name, field.wire_name, field.form.read) for field in fields if field.form.read)

    def read(struct: Any) -> Any:  # noqa: ANN401 - any dataclass
        values = msgspec.structs.asdict(struct)
        wire_name = ""
        try:
            for name, wire_name, convert in converted:  # noqa: B007 - tells which field is at fault
                values[name] = convert(values[name])
        except WireError as error:
            raise error.under(wire_name) from None
        return cls(**values)

    return read


def _writer(fields: Sequence[FieldForm], tag: dict[str, str]) -> Callable[[Any], dict[str, Any]]:
    names = tuple(field.name for field in fields)
    wire_names = tuple(field.wire_name for field in fields)
    converted = tuple((field.wire_name, field.form.write) for field in fields if field.form.write)
    get = attrgetter(*names)
    alone = len(names) == 1

    def write(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass
        found = get(value)
        values = {**tag, **dict(zip(wire_names, (found,) if alone else found, strict=True))}
        wire_name = ""
        try:
            for wire_name, convert in converted:
                values[wire_name] = convert(values[wire_name])
        except WireError as error:
            raise error.under(wire_name) from None
        return values

    return write


def form_of(annotation: Annotation, owner: type[Any], field: str) -> Form:
    """Return how a field of this type is written.

    Raises:
        TypeError: there is no rule for the type; the domain must not use it, or this module must learn it.
    """
    origin: object = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return _union(get_args(annotation), owner, field)
    if origin is tuple:
        return _tuple(get_args(annotation), owner, field)
    if origin is frozenset:
        return _set(form_of(get_args(annotation)[0], owner, field))
    if isinstance(annotation, NewType):
        return form_of(annotation.__supertype__, owner, field)
    if annotation is Explanation:
        chains = form_of(tuple[Explained, ...], owner, field)
        return dataclasses.replace(chains, read=_each(shape_of(Explained).read, Explanation))
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if dataclasses.is_dataclass(annotation) or hasattr(annotation, "_fields"):
        shape = shape_of(annotation)
        return Form(wire=shape.struct, read=shape.read, write=shape.write)
    if annotation in (int, float):
        return _number(annotation, owner, field)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return Form(wire=annotation)
    raise TypeError(f"{owner.__name__}.{field}: the wire has no form for {annotation!r}")


def _number(kind: type[Any], owner: type[Any], field: str) -> Form:
    bounds = bounds_of(owner, field, kind)
    wire = kind if bounds is None else Annotated[kind, bounds]
    return Form(wire=wire, write=finite if kind is float else None)


def _union(members: Sequence[Annotation], owner: type[Any], field: str) -> Form:
    some = [member for member in members if member is not type(None)]
    if EntKey in some and len(some) > 1:
        return Form(wire=str, read=read_object, write=str)
    if len(some) == 1:
        form = form_of(some[0], owner, field)
    else:
        form = _tagged([shape_of(member, tagged=True) for member in some])
    if len(some) == len(members):
        return form
    return dataclasses.replace(
        form, wire=form.wire | None, read=_unless_none(form.read), write=_unless_none(form.write)
    )


def _unless_none(convert: Convert) -> Convert:
    if convert is None:
        return None
    return lambda value: None if value is None else convert(value)


def _tagged(shapes: Sequence[Shape]) -> Form:
    readers = {shape.struct: shape.read for shape in shapes}
    writers = {shape.of: shape.write for shape in shapes}
    return Form(
        wire=Union[tuple(shape.struct for shape in shapes)],  # noqa: UP007 - made of a tuple
        read=lambda struct: readers[type(struct)](struct),
        write=lambda value: writers[type(value)](value),
    )


def _tuple(members: Sequence[Annotation], owner: type[Any], field: str) -> Form:
    if len(members) == 2 and members[1] is Ellipsis:
        form = form_of(members[0], owner, field)
        return Form(
            wire=tuple[form.wire, ...],  # type: ignore[name-defined]
            read=_each(form.read, tuple),
            write=finite_each if form.write is finite else _each(form.write, list),
            is_duration=form.is_duration,
        )
    forms = [form_of(member, owner, field) for member in members]
    return Form(
        wire=tuple[tuple(form.wire for form in forms)],  # type: ignore[misc]
        read=_by_position([form.read for form in forms], tuple),
        write=_by_position([form.write for form in forms], list),
    )


def _each(convert: Convert, collect: Callable[[Any], Any]) -> Convert:
    if convert is None:
        return None

    def convert_all(values: Sequence[Any]) -> Any:  # noqa: ANN401 - tuple or list
        try:
            return collect(map(convert, values))
        except WireError:
            for index, value in enumerate(values):
                _at(index, convert, value)
            raise

    return convert_all


def _by_position(converts: Sequence[Convert], collect: Callable[[Any], Any]) -> Convert:
    if not any(converts):
        return None

    def convert_each(values: Sequence[Any]) -> Any:  # noqa: ANN401 - tuple or list
        return collect(_at(index, converts[index], value) for index, value in enumerate(values))

    return convert_each


def _at(index: int, convert: Convert, value: object) -> object:
    try:
        return value if convert is None else convert(value)
    except WireError as error:
        raise error.under(f"[{index}]") from None


def _set(form: Form) -> Form:
    def write(values: frozenset[Any]) -> list[Any]:
        return sorted(values if form.write is None else map(form.write, values))

    wire = tuple[form.wire, ...]  # type: ignore[name-defined]
    return Form(wire=wire, read=_each(form.read, frozenset) or frozenset, write=write)


INSTANT = Form(
    wire=Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time", "pattern": INSTANT_PATTERN})],
    read=read_instant,
    write=write_instant,
)
_PLAIN: dict[Annotation, Form] = {
    str: Form(wire=str),
    bool: Form(wire=bool),
    datetime: INSTANT,
    timedelta: Form(
        wire=Annotated[float, msgspec.Meta(ge=0, le=MOST_SECONDS)],
        read=read_duration,
        write=write_duration,
        is_duration=True,
    ),
    EntKey: Form(
        wire=Annotated[str, msgspec.Meta(extra_json_schema={"pattern": KEY_PATTERN})], read=read_key, write=write_key
    ),
}
