"""Manifests in files: typed objects out of them, and the definitions of the kinds themselves."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from matrixinfer_client import codec, yamlio
from matrixinfer_client.api import KINDS
from matrixinfer_client.definitions import crd_manifests
from matrixinfer_client.errors import ManifestError
from matrixinfer_client.models import ApiList, ApiObject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["crd_manifests", "load_manifests"]

_SUFFIXES = (".json", ".yaml", ".yml")


def load_manifests(source: str | os.PathLike[str] | IO[str] | IO[bytes]) -> list[ApiObject]:
    """The typed objects in a file, in a directory, or in an open file, in their order.

    A directory gives its `*.yaml`, `*.yml` and `*.json` files sorted by name, not those of
    directories inside it. A file may have several documents; lists (`kind: List`, `ModelList`) give
    their items. YAML is read as kubectl reads it.

    Raises `ManifestError`, which names file, document and line, for files that cannot be read or
    are not YAML, for kinds that are not of MatrixInfer, and where there is no object at all.
    """
    objects: list[ApiObject] = []
    names: list[str] = []
    for name, content in _contents(source):
        names.append(name)
        for document in yamlio.load_all(content, name):
            where = f"{name}, document {document.number} (line {document.line})"
            objects += _objects(document.value, where, {})
    if not objects:
        raise ManifestError(f"{', '.join(names)}: there is no object in it")
    return objects


def _contents(
    source: str | os.PathLike[str] | IO[str] | IO[bytes],
) -> Iterator[tuple[str, str | bytes]]:
    if not isinstance(source, str | os.PathLike):
        yield str(getattr(source, "name", "the stream")), source.read()
        return
    if isinstance(source, str) and "\n" in source:
        raise ManifestError(
            "load_manifests takes the path of a file, but got text of several lines; "
            "for text use io.StringIO(text), or from_yaml of the kind"
        )
    path = Path(source)
    try:
        for file in _files(path):
            yield str(file), file.read_bytes()
    except OSError as error:
        raise ManifestError(f"cannot read {error.filename}: {error.strerror}") from error


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and file.is_file())
    if not files:
        raise ManifestError(f"{path}: there is no {', '.join(_SUFFIXES)} file in this directory")
    return files


def _objects(value: Any, where: str, defaults: dict[str, Any]) -> Iterator[ApiObject]:
    if not isinstance(value, dict):
        raise ManifestError(f"{where}: an object is needed, got {type(value).__name__}")
    given = defaults | cast("dict[str, Any]", value)
    kind = (given.get("apiVersion"), given.get("kind"))
    if kind == ("v1", "List"):
        yield from _items(given, where, {})
        return
    cls = _class_of(kind, where)
    if issubclass(cls, ApiList):
        # Items of a typed list may leave out what the list already says.
        api_version, list_kind = cast("tuple[str, str]", kind)
        item_kind = {"apiVersion": api_version, "kind": list_kind.removesuffix("List")}
        yield from _items(given, where, item_kind)
        return
    yield codec.from_dict(cast("type[ApiObject]", cls), given)


def _items(value: dict[str, Any], where: str, defaults: dict[str, Any]) -> Iterator[ApiObject]:
    items = value.get("items")
    if items is not None and not isinstance(items, list):
        raise ManifestError(f"{where}: items must be a list, got {type(items).__name__}")
    for index, item in enumerate(cast("Sequence[Any]", items or ())):
        yield from _objects(item, f"{where}, items[{index}]", defaults)


def _class_of(kind: tuple[Any, Any], where: str) -> type:
    missing = [key for key, given in zip(("apiVersion", "kind"), kind, strict=True) if not given]
    if missing:
        raise ManifestError(f"{where}: {' and '.join(missing)} missing")
    if all(isinstance(each, str) for each in kind) and kind in KINDS:
        module, _, name = KINDS[kind].partition(":")
        return cast("type", getattr(import_module(module), name))
    known = sorted(f"{name} ({version})" for version, name in KINDS if not name.endswith("List"))
    raise ManifestError(
        f"{where}: kind {kind[1]!r} of apiVersion {kind[0]!r} is not one of MatrixInfer; "
        f"known are {', '.join(known)}"
    )
