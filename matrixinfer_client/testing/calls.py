"""How the doors read a request, and who a user is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qs

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.testing.exchange import ADMIN, Call, Caller

__all__ = ["read_call", "user"]


def read_call(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    caller: Caller = ADMIN,
) -> Call:
    """The call of a request. `target` is path and query as sent; header names are lower-case."""
    path, _, query = target.partition("?")
    return Call(
        method=method,
        path=path,
        query=parse_qs(query, keep_blank_values=True) if query else {},
        headers=headers,
        body=body,
        caller=caller,
    )


def user(name: str | None, groups: Iterable[str] = ()) -> Caller:
    """Whom a client acts for: a user by name, or the administrator, who may do everything.

    As after every authentication, the user is a member of `system:authenticated`, too.
    """
    members = (groups,) if isinstance(groups, str) else tuple(groups)
    if name is None:
        if members:
            raise InvalidArgumentError(
                f"groups={list(members)} are those of a user; say whose with user="
            )
        return ADMIN
    if not name:
        raise InvalidArgumentError("user must not be empty; without it the client is the admin's")
    return Caller(name, tuple(dict.fromkeys((*members, "system:authenticated"))))
