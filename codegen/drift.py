"""The document against CustomResourceDefinitions, field by field, in both directions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from codegen.clusters import ClusterError, from_files, from_kubectl, from_server
from codegen.document import read
from codegen.kinds import find_kinds
from codegen.structure import compared, structure

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from codegen.document import Document, Json
    from codegen.kinds import Served

__all__ = ["DriftError", "Report", "add_arguments", "compare", "run"]

_METADATA = ("apiVersion", "kind", "metadata")


class DriftError(RuntimeError):
    """The comparison cannot be made."""


@attrs.frozen
class Report:
    """What differs, and how much was compared."""

    differences: tuple[str, ...]
    kinds: int
    fields: int


def add_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "drift",
        help="compare the document with CustomResourceDefinitions",
        description="Compare the document with CustomResourceDefinitions, field by field: from "
        "files, from an API server, or, without options, from the cluster of the current context, "
        "for which kubectl must be installed. Exits 1 if there is a difference.",
    )
    parser.add_argument(
        "--crds", type=Path, nargs="+", metavar="PATH", help="files, or directories of files"
    )
    parser.add_argument("--server", metavar="URL", help="an API server")
    parser.add_argument("--token-file", type=Path, help="bearer token for --server, in a file")
    parser.add_argument("--token", help="bearer token; others may see it in the list of processes")
    parser.add_argument("--ca-file", type=Path, help="CA bundle for --server")
    parser.add_argument(
        "--insecure-skip-tls-verify", action="store_true", help="do not check the certificate"
    )
    parser.add_argument("--kubeconfig", type=Path, help="kubeconfig for kubectl")
    parser.add_argument("--context", help="context of the kubeconfig")


def run(options: argparse.Namespace) -> int:
    """Print what differs; returns 1 if anything does."""
    document = read(options.document)
    try:
        found, origin = _found(options)
    except (ClusterError, OSError) as error:
        raise DriftError(str(error)) from error
    report = compare(document, found, (document.name, origin))
    for difference in report.differences:
        print(difference)
    if not report.differences:
        print(f"no structural difference in {report.kinds} kinds, {report.fields} fields")
    return 1 if report.differences else 0


def compare(document: Document, definitions: list[Json], names: tuple[str, str]) -> Report:
    """Compare every kind of the document, and every definition in the document's groups.

    `names` are what to call the document and the definitions in messages.
    """
    served = {(one.kind.group, one.kind.kind): one for one in find_kinds(document)}
    groups = {group for group, _ in served}
    found = {_key(definition): definition for definition in definitions}
    differences: list[str] = []
    kinds = fields = 0
    for key in sorted({*served, *(key for key in found if key[0] in groups)}):
        label = ".".join(part for part in reversed(key) if part)
        if key not in found or key not in served:
            has, lacks = names if key in served else reversed(names)
            differences.append(f"{label}: {has} has it, {lacks} does not")
            continue
        lines, count = _compare_kind(document, served[key], found[key], names)
        differences += [f"{label} {line}" for line in lines]
        kinds, fields = kinds + 1, fields + count
    return Report(tuple(differences), kinds, fields)


def _found(options: argparse.Namespace) -> tuple[list[Json], str]:
    if options.crds:
        return from_files(options.crds), "the definitions"
    if options.server:
        token = options.token
        if options.token_file:
            token = options.token_file.read_text(encoding="utf-8").strip()
        verify = not options.insecure_skip_tls_verify
        return from_server(options.server, token, options.ca_file, verify), "the cluster"
    return from_kubectl(options.kubeconfig, options.context), "the cluster"


def _key(definition: Json) -> tuple[str, str]:
    try:
        return definition["spec"]["group"], definition["spec"]["names"]["kind"]
    except (KeyError, TypeError) as error:
        name = (definition.get("metadata") or {}).get("name")
        raise DriftError(f"the definition {name!r} has no group or kind") from error


def _compare_kind(
    document: Document, served: Served, definition: Json, names: tuple[str, str]
) -> tuple[list[str], int]:
    kind, spec = served.kind, definition["spec"]
    versions = {one["name"]: one for one in spec.get("versions", ()) if one.get("served")}
    version = versions.pop(kind.version, None)
    lines = [f"{other}: {names[1]} has it, {names[0]} does not" for other in versions]
    if version is None:
        return [*lines, f"{kind.version}: {names[0]} has it, {names[1]} does not"], 0
    lines += _compare_names(served, spec, version, names)
    theirs = version.get("schema", {}).get("openAPIV3Schema", {})
    ours = document.schemas[served.component]
    sides = (structure(_bare(ours), document.schemas), structure(_bare(theirs)))
    lines += [line.removeprefix(": ") for line in compared(*sides, names)]
    return lines, len(sides[0])


def _compare_names(
    served: Served, spec: Json, version: Json, names: tuple[str, str]
) -> Iterator[str]:
    kind, theirs = served.kind, spec["names"]
    subresources = version.get("subresources", {})
    pairs = {
        "plural": (kind.plural, theirs.get("plural")),
        "singular": (kind.singular, theirs.get("singular", kind.kind.lower())),
        "listKind": (kind.list_kind, theirs.get("listKind", f"{kind.kind}List")),
        "scope": ("Namespaced" if kind.namespaced else "Cluster", spec.get("scope")),
        "subresources": (
            [*kind.subresources],
            sorted(name for name, value in subresources.items() if value is not None),
        ),
    }
    for name, (mine, other) in pairs.items():
        if mine != other:
            yield f"{name} is {mine!r} in {names[0]}, {other!r} in {names[1]}"


def _bare(schema: Json) -> Json:
    """The schema without what every kind has and definitions leave to the server."""
    properties = schema.get("properties", {})
    kept = {name: part for name, part in properties.items() if name not in _METADATA}
    return {**schema, "properties": kept}
