"""A request that the server does not carry out, and the parts that most refusals share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Refusal", "details_of", "qualified"]


class Refusal(Exception):
    """A request that the server does not carry out, with all that it answers.

    Attributes: `status` (the HTTP code), `reason` (`NotFound`; empty when the server gives none),
    `message`, `details` (None when the server sends none), `metadata` (only an expired continue
    token has any), `headers` (beyond the content type), and `plain`: the whole body where the
    server answers with text and not with a `Status`, else None.
    """

    status: int
    reason: str
    message: str
    details: dict[str, Any] | None
    metadata: dict[str, Any]
    headers: dict[str, str]
    plain: str | None

    def __init__(
        self,
        status: int,
        message: str,
        *,
        reason: str = "",
        details: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        plain: str | None = None,
    ) -> None:
        self.status = status
        self.reason = reason
        self.message = message
        self.details = None if details is None else dict(details)
        self.metadata = dict(metadata or {})
        self.headers = dict(headers or {})
        self.plain = plain
        if self.retry_after and "Retry-After" not in self.headers:
            self.headers["Retry-After"] = str(self.retry_after)
        super().__init__(f"{message} ({status}{f' {reason}' if reason else ''})")

    @property
    def retry_after(self) -> int | None:
        """The seconds to wait, from the details; None when not said."""
        seconds = (self.details or {}).get("retryAfterSeconds")
        return seconds if isinstance(seconds, int) else None

    def body(self) -> dict[str, Any]:
        """The `Status` object, in the server's order; what is empty is left out."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": dict(self.metadata),
            "status": "Failure",
        }
        if self.message:
            body["message"] = self.message
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = dict(self.details)
        body["code"] = self.status
        return body


def qualified(group: str, name: str) -> str:
    """`models.registry.matrixinfer.ai`; of the core group only the name."""
    return f"{name}.{group}" if group else name


def details_of(group: str, kind: str, name: str, *, retry_after: int = 0) -> dict[str, Any]:
    """The details that name an object; what is empty is left out."""
    details: dict[str, Any] = {"name": name, "group": group, "kind": kind}
    details["retryAfterSeconds"] = retry_after
    return {key: value for key, value in details.items() if value}
