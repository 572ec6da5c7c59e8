"""What can be said about objects only when they are looked at together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from matrixinfer_client.validation.results import FieldError

__all__ = ["Together", "identity"]


def identity(obj: Mapping[str, Any]) -> tuple[str, str | None, str]:
    """Kind, namespace and name; an empty name when there is none yet."""
    metadata = obj.get("metadata")
    about = cast("Mapping[str, Any]", metadata if isinstance(metadata, Mapping) else {})
    return str(obj.get("kind")), about.get("namespace"), str(about.get("name") or "")


class Together:
    """The objects of one call."""

    def __init__(self, objects: Sequence[Mapping[str, Any]]) -> None:
        self._identities = [identity(obj) for obj in objects]

    def policy_lookup(
        self, binding: Mapping[str, Any], lookup: Callable[[str, str | None], bool] | None
    ) -> Callable[[str], bool] | None:
        """Whether a policy exists for a binding; None when nothing is known about policies."""
        kind, namespace, _ = identity(binding)
        given = {
            name
            for other, where, name in self._identities
            if other == "AutoscalingPolicy" and where == namespace
        }
        if kind != "AutoscalingPolicyBinding":
            return None
        if lookup is not None:
            return lambda name: name in given or lookup(name, namespace)
        return given.__contains__ if given else None

    def repeated(self) -> list[tuple[int, FieldError]]:
        """The indexes of objects with the identity of an earlier one, and the error for each."""
        seen: set[tuple[str, str | None, str]] = set()
        found: list[tuple[int, FieldError]] = []
        for index, each in enumerate(self._identities):
            kind, namespace, name = each
            if not name:
                continue
            if each in seen:
                where = f" in namespace {namespace}" if namespace else ""
                message = (
                    f'Duplicate value: "{name}": another {kind}{where} given here has this name'
                )
                error = FieldError(
                    path="metadata.name",
                    parts=("metadata", "name"),
                    type="FieldValueDuplicate",
                    message=message,
                    source="reference",
                    value=name,
                )
                found.append((index, error))
            seen.add(each)
        return found
