"""Rules for all kinds."""

from __future__ import annotations

from collections.abc import Iterator

from matrixinfer_client.validation.access import block
from matrixinfer_client.validation.linting.registry import Hit, Subject, rule

__all__: list[str] = []


@rule("MI100", "error", "*", "No spec at all")
def no_spec(subject: Subject) -> Iterator[Hit]:
    if subject.given is None and subject.kind != "ModelServer":
        yield Hit(
            ("spec",),
            f"The server accepts a {subject.kind} without `spec`, and no controller can do "
            "anything with it.",
            "write a spec.",
        )


@rule("MI101", "info", "*", "A status in a manifest")
def status(subject: Subject) -> Iterator[Hit]:
    metadata = block(subject.obj, "metadata")
    if subject.obj.get("status") and not metadata.get("uid"):
        yield Hit(
            ("status",),
            "The server drops `status` on create and on update; only the status subresource takes "
            "it, and controllers overwrite it.",
            "remove it from the manifest.",
        )
