"""The CustomResourceDefinitions and editor schemas, generated from the models; `--check` fails when files differ."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from controller.policy.kinds import KINDS, Column, Kind
from controller.policy.resource import GROUP, VERSION
from controller.policy.structural import Schema, json_schema, structural

_HEADER = "# Generated from controller/policy by `python -m controller.policy.crd --write`; do not edit.\n"


def crd(kind: Kind) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}", "labels": {"app.kubernetes.io/part-of": "sonnerie"}},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "categories": ["sonnerie"],
            }
            | ({"shortNames": list(kind.short_names)} if kind.short_names else {}),
            "scope": kind.scope,
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(column) for column in kind.columns],
                    "schema": {"openAPIV3Schema": open_api_schema(kind)},
                }
            ],
        },
    }


def open_api_schema(kind: Kind) -> Schema:
    """Return the structural schema of a kind; metadata belongs to the API server and is left open."""
    schema = structural(kind.model)
    properties = schema["properties"]
    properties["metadata"] = {"type": "object"}
    for name in ("apiVersion", "kind"):
        properties[name] = {"type": "string", "description": properties[name]["description"]}
    return schema | {"required": ["spec"]}


def editor_schema(kind: Kind) -> Schema:
    """Return the JSON Schema that an editor checks policy files of this kind against."""
    schema: Schema = _for_people(json_schema(kind.model))
    schema["properties"]["metadata"] = {"type": "object", "required": ["name"]}
    schema["properties"].pop("status", None)
    reachable = _reachable(schema, schema["$defs"])
    schema["$defs"] = {name: found for name, found in sorted(schema["$defs"].items()) if name in reachable}
    heading: Schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return heading | schema


def document_schema(model: type[BaseModel]) -> Schema:
    """Return the JSON Schema that an editor checks other documents against, such as scenarios."""
    found: Schema = _for_people(json_schema(model))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | found


def _for_people(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """Drop what only Kubernetes reads."""
    match node:
        case dict():
            kept = (key for key in node if not key.startswith("x-kubernetes-") and key != "title")
            return {key: _for_people(node[key]) for key in kept}
        case list():
            return [_for_people(item) for item in node]
        case _:
            return node


def _reachable(schema: Schema, definitions: dict[str, Schema]) -> set[str]:
    """Return the names of the definitions that the schema refers to, directly or not."""
    found = set[str]()
    pending = [{key: value for key, value in schema.items() if key != "$defs"}]
    while pending:
        new = set(_references(pending.pop())) - found
        found |= new
        pending += [definitions[name] for name in new]
    return found


def _references(node: object) -> Iterator[str]:
    match node:
        case {"$ref": str(ref)}:
            yield ref.removeprefix("#/$defs/")
        case dict():
            for value in node.values():
                yield from _references(value)
        case list():
            for item in node:
                yield from _references(item)


def _column(column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.path}
    if column.description:
        found["description"] = column.description
    return found | ({"priority": 1} if column.wide else {})


def generated(crd_folder: Path, schema_folder: Path) -> dict[Path, str]:
    """Return the content of every generated file."""
    files = {
        crd_folder / f"{GROUP}_{kind.plural}.yaml": _HEADER
        + yaml.safe_dump(crd(kind), sort_keys=False, width=110, allow_unicode=True)
        for kind in KINDS
    }
    names = "".join(f"  - {path.name}\n" for path in sorted(files))
    kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n"
    files[crd_folder / "kustomization.yaml"] = _HEADER + kustomization + names
    for kind in KINDS:
        text = json.dumps(editor_schema(kind), indent=1, ensure_ascii=False)
        files[schema_folder / f"{kind.singular}.json"] = text + "\n"
    return files


def differing(files: dict[Path, str]) -> list[Path]:
    """Return the files that are missing or not as generated."""
    return [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]


def main(arguments: list[str] | None = None) -> int:
    """Write the generated files, or check that they are up to date."""
    parser = argparse.ArgumentParser(prog="python -m controller.policy.crd", description=__doc__)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write the files")
    mode.add_argument("--check", action="store_true", help="fail when a file is not as generated")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("manifests/crd"), help="where the CRDs stand")
    parser.add_argument("--schemas", type=Path, default=Path("policies/schema"), help="where the JSON Schemas stand")
    chosen = parser.parse_args(arguments)
    files = generated(chosen.folder, chosen.schemas)
    stale = differing(files)
    if chosen.check:
        for path in stale:
            sys.stderr.write(f"{path} is not as generated; run `python -m controller.policy.crd --write`\n")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], "utf-8")
        sys.stdout.write(f"wrote {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
