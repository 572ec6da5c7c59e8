"""A body checked as the cluster would check it, before it is sent (`validate="client"`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from matrixinfer_client import codec
from matrixinfer_client.errors import Cause, InvalidArgumentError
from matrixinfer_client.models import ApiObject
from matrixinfer_client.targets import Body, Target, WriteOptions

if TYPE_CHECKING:
    from matrixinfer_client.validation import FieldError

__all__ = ["vet"]


def vet(
    target: Target[Any, Any], body: Body[Any], options: WriteOptions, *, applied: bool = False
) -> None:
    """Raise `RejectedObjectError` with all that the cluster would refuse, if that is asked for.

    An apply may leave out what is stored already, so that of one only fields are judged that it
    has; what they lack, and rules between fields, are left to the server.
    """
    if options.validate not in ("client", "server", "off"):
        raise InvalidArgumentError(
            f"validate must be client, server or off, not {options.validate!r}"
        )
    if options.validate != "client":
        return
    # The schemas and rules are large, and a program that never asks should not pay for them.
    from matrixinfer_client.validation import validate  # noqa: PLC0415

    kind = target.cls.KIND
    wire: Mapping[str, Any] = codec.to_dict(body) if isinstance(body, ApiObject) else body
    wire = {**wire, "apiVersion": kind.api_version, "kind": kind.kind}
    strict = options.field_validation or target.options.field_validation
    found = validate(wire, strict=strict == "Strict")
    errors = [error for error in found if not applied or _is_about_what_is_there(error)]
    if errors:
        from matrixinfer_client.errors import RejectedObjectError  # noqa: PLC0415

        causes = [
            Cause(error.path, error.type, error.message, error.webhook_path) for error in errors
        ]
        raise RejectedObjectError(causes, subject=str(errors[0].object))


def _is_about_what_is_there(error: FieldError) -> bool:
    return error.source in ("strict", "schema", "name") and error.type != "FieldValueRequired"
