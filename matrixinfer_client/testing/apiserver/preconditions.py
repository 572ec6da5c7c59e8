"""Which version, and which object, a write is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matrixinfer_client.testing.apiserver.refusals import (
    conflict,
    resource_version_required,
    unclassified,
    update_uid_conflict,
)
from matrixinfer_client.testing.apiserver.routing import Ask
from matrixinfer_client.validation.rendering import quote

__all__ = ["check_uid", "check_version", "forget_version", "refuse_uid"]


def check_version(ask: Ask, metadata: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    """Refuse an update of another version than the stored one; some kinds need not say which."""
    kind, given = ask.kind, metadata.get("resourceVersion", "")
    if not _version_of(given):
        if not ask.type.custom:
            return
        raise resource_version_required(kind.group, kind.plural, ask.name)
    if given != old["metadata"]["resourceVersion"]:
        raise conflict(kind.group, kind.plural, ask.name)


def forget_version(metadata: dict[str, Any], *, dry_run: bool) -> None:
    """Drop the version of what turned out to be new; it is no obstacle, when it is one."""
    _version_of(metadata.get("resourceVersion", ""))
    if not dry_run:
        metadata.pop("resourceVersion", None)


def check_uid(
    ask: Ask, metadata: Mapping[str, Any], old: Mapping[str, Any] | None, *, dry_run: bool
) -> None:
    """Refuse an update of another object of the same name, or of none."""
    given = metadata.get("uid", "")
    actual = "" if old is None else old["metadata"]["uid"]
    if given and given != actual:
        kind = ask.kind
        where = "/".join(filter(None, (kind.group, kind.plural, ask.namespace, ask.name)))
        key = f"/{where}" if dry_run else f"/registry/{where}"
        raise update_uid_conflict(kind.group, kind.plural, ask.name, given, actual, key=key)


def refuse_uid(ask: Ask, metadata: Mapping[str, Any]) -> None:
    """Refuse to create by an apply what is said to be there."""
    if metadata.get("uid"):
        text = (
            f"uid mismatch: the provided object specified uid {metadata['uid']}, and no existing "
            "object was found"
        )
        raise conflict(ask.kind.group, ask.kind.plural, ask.name, text)


def _version_of(text: str) -> int:
    """A version in an object; 0 for none."""
    if text and not (text.isascii() and text.isdigit()):
        raise unclassified(f"strconv.ParseUint: parsing {quote(text)}: invalid syntax")
    return int(text or 0)
