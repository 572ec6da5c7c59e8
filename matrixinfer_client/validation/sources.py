"""What people hand in, as plain objects that remember where they came from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

import attrs

from matrixinfer_client import codec, yamlio
from matrixinfer_client.errors import ManifestError
from matrixinfer_client.models import ApiList, ApiModel
from matrixinfer_client.validation.positions import Position, locate
from matrixinfer_client.validation.rendering import Parts
from matrixinfer_client.validation.results import FieldError, ObjectRef

__all__ = ["Given", "Source", "read"]

Source: TypeAlias = (
    "ApiModel | Mapping[str, Any] | str | os.PathLike[str] | IO[str] | IO[bytes] | Iterable[Any]"
)
"""A typed object, a mapping, a path, an open file, or several of these."""

_SUFFIXES = (".json", ".yaml", ".yml")
_AT = re.compile(r", line (\d+), column (\d+): (.*)", re.DOTALL)


@attrs.frozen(kw_only=True)
class Given:
    """One object that was handed in, or why one could not be read."""

    obj: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    file: str | None = None
    text: str = attrs.field(default="", repr=False)
    document: int = 0
    inside: Parts = ()
    problem: FieldError | None = None

    @property
    def ref(self) -> ObjectRef:
        """Kind, name and namespace, as far as they are there."""
        metadata = self.obj.get("metadata")
        about = cast("Mapping[str, Any]", metadata if isinstance(metadata, Mapping) else {})
        name = about.get("name") or about.get("generateName")
        namespace = about.get("namespace")
        return ObjectRef(
            kind=str(self.obj.get("kind") or ""),
            name=str(name or ""),
            namespace=None if namespace is None else str(namespace),
        )

    def position(self, parts: Parts) -> Position | None:
        """Line and column of a path; None for what did not come from a text."""
        if self.file is None:
            return None
        return locate(self.text, self.document, (*self.inside, *parts))

    def placed(self, error: FieldError) -> FieldError:
        """The error with the object that it is about, and its place in the text."""
        position = self.position(error.parts)
        if position is None:
            return attrs.evolve(error, object=self.ref)
        return attrs.evolve(
            error, object=self.ref, file=self.file, line=position.line, column=position.column
        )


def read(source: Source) -> Iterator[Given]:
    """The objects in a source, in their order; lists give their items.

    Text that cannot be read gives a `Given` with a problem; a path that cannot be opened raises
    `ManifestError`.
    """
    if isinstance(source, ApiList):
        items: Sequence[ApiModel] = cast("Any", source).items
        for item in items:
            yield from read(item)
    elif isinstance(source, ApiModel | Mapping):
        yield from _items(Given(obj=codec.to_dict(cast("ApiModel | Mapping[str, Any]", source))))
    elif isinstance(source, str | os.PathLike):
        for file in _files(source):
            yield from _documents(_content(file), str(file))
    elif hasattr(source, "read"):
        stream = cast("IO[Any]", source)
        yield from _documents(stream.read(), str(getattr(stream, "name", "the stream")))
    else:
        for each in cast("Iterable[Any]", source):
            yield from read(each)


def _items(given: Given) -> Iterator[Given]:
    items = given.obj.get("items")
    kind = given.obj.get("kind")
    if not (isinstance(kind, str) and kind.endswith("List") and isinstance(items, list)):
        yield given
        return
    # Items of a typed list may leave out what the list already says.
    inherited: dict[str, Any] = {}
    if kind != "List":
        inherited = {"apiVersion": given.obj.get("apiVersion"), "kind": kind.removesuffix("List")}
    for index, item in enumerate(cast("Sequence[Any]", items)):
        inside = (*given.inside, "items", index)
        if isinstance(item, dict):
            yield from _items(attrs.evolve(given, obj={**inherited, **item}, inside=inside))
        else:
            yield attrs.evolve(given, obj={}, inside=inside, problem=_no_object(item))


def _documents(content: str | bytes, name: str) -> Iterator[Given]:
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    try:
        for document in yamlio.load_all(content, name):
            given = Given(file=name, text=text, document=document.number)
            if isinstance(document.value, dict):
                yield from _items(attrs.evolve(given, obj=cast("Any", document).value))
            else:
                problem = attrs.evolve(_no_object(document.value), file=name, line=document.line)
                yield attrs.evolve(given, problem=problem)
    except ManifestError as error:
        yield Given(file=name, problem=_unreadable(error, name))


def _no_object(value: Any) -> FieldError:
    message = f"an object is needed, got {type(value).__name__}"
    return FieldError(path="", type="DocumentInvalid", message=message, source="document")


def _unreadable(error: ManifestError, name: str) -> FieldError:
    place = _AT.search(str(error))
    if place is None:
        message = str(error).removeprefix(f"{name}: ")
        return FieldError(
            path="", type="DocumentInvalid", message=message, source="document", file=name
        )
    line, column, message = place.groups()
    return FieldError(
        path="",
        type="DocumentInvalid",
        message=message,
        source="document",
        file=name,
        line=int(line),
        column=int(column),
    )


def _files(source: str | os.PathLike[str]) -> list[Path]:
    if isinstance(source, str) and "\n" in source:
        raise ManifestError(
            "a path is needed, but got text of several lines; for text use io.StringIO(text)"
        )
    path = Path(source)
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and file.is_file())
    if not files:
        raise ManifestError(f"{path}: there is no {', '.join(_SUFFIXES)} file in this directory")
    return files


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ManifestError(f"cannot read {file}: {error.strerror}") from error
