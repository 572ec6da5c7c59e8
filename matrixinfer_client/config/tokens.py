"""Credentials for the `Authorization` header: a token, a file that holds one, user and password."""

from __future__ import annotations

import base64
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from matrixinfer_client.config.renewal import Issued, Renewal
from matrixinfer_client.config.values import Credential
from matrixinfer_client.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BasicAuth", "StaticHeader", "StaticToken", "TokenFile", "bearer", "os_reason"]

# client-go takes a token file for good for one minute and looks again ten seconds earlier.
_REREAD_SECONDS = 50.0

_UNSENDABLE = re.compile(r"[^\x21-\x7e]")


def bearer(token: str, where: str) -> Credential:
    """The credential for a bearer token; `where` says where it came from, for messages.

    White space around the token, such as the line end of a file, is dropped. Raises
    `CredentialError` for an empty token and for one that cannot be sent in a header.
    """
    text = token.strip()
    if not text:
        raise CredentialError(f"{where}: the token is empty")
    if text.lower().startswith("bearer "):
        raise CredentialError(f'{where}: give the token alone, without "Bearer" before it')
    if _UNSENDABLE.search(text):
        raise CredentialError(
            f"{where}: the token contains a space, a control character or a letter outside ASCII"
        )
    return Credential(f"Bearer {text}")


def os_reason(error: OSError) -> str:
    """Why a file cannot be read, in lower case and without its path, which the message has."""
    return (error.strerror or type(error).__name__).lower()


@attrs.frozen
class StaticToken:
    """A bearer token that never changes. Raises `CredentialError` when it is empty."""

    token: str = attrs.field(repr=False)
    source: str = attrs.field(default="token", eq=False)
    """Where it came from, in words for messages."""
    _credential: Credential = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_credential", bearer(self.token, self.source))

    def current(self) -> Credential | None:
        """See `CredentialSource`."""
        return self._credential

    def fetch(self, rejected: Credential | None = None) -> Credential:  # noqa: ARG002
        """See `CredentialSource`; there is never another one."""
        return self._credential


@attrs.frozen
class StaticHeader:
    """A whole value for the `Authorization` header, scheme included, that never changes."""

    authorization: str = attrs.field(repr=False)
    source: str = attrs.field(default="authorization", eq=False)

    def __attrs_post_init__(self) -> None:
        if not self.authorization.strip():
            raise CredentialError(f"{self.source}: the value is empty")
        if re.search(r"[^\x20-\x7e]", self.authorization):
            raise CredentialError(
                f"{self.source}: the value contains a control character or a letter outside ASCII"
            )

    def current(self) -> Credential | None:
        """See `CredentialSource`."""
        return Credential(self.authorization)

    def fetch(self, rejected: Credential | None = None) -> Credential:  # noqa: ARG002
        """See `CredentialSource`; there is never another one."""
        return Credential(self.authorization)


@attrs.frozen
class BasicAuth:
    """User name and password. Kubernetes itself has dropped these; proxies before it have not."""

    username: str
    password: str = attrs.field(repr=False)
    source: str = attrs.field(default="username", eq=False)

    def __attrs_post_init__(self) -> None:
        if not self.username:
            raise CredentialError(f"{self.source}: a password without a username")
        if ":" in self.username:
            raise CredentialError(f"{self.source}: the username contains a colon")

    def current(self) -> Credential | None:
        """See `CredentialSource`."""
        pair = f"{self.username}:{self.password}".encode()
        return Credential(f"Basic {base64.b64encode(pair).decode()}")

    def fetch(self, rejected: Credential | None = None) -> Credential:  # noqa: ARG002
        """See `CredentialSource`; there is never another one."""
        pair = f"{self.username}:{self.password}".encode()
        return Credential(f"Basic {base64.b64encode(pair).decode()}")


@attrs.frozen
class TokenFile:
    """A file whose content is a bearer token and which somebody else rotates.

    Read again after 50 seconds (as client-go does) and at once when the token was refused. When
    it cannot be read any more, the token read before is used until it is refused.
    """

    path: str
    source: str = attrs.field(default="token file", eq=False)
    clock: Callable[[], float] = attrs.field(default=time.time, eq=False, repr=False, kw_only=True)
    _renewal: Renewal = attrs.field(
        default=attrs.Factory(lambda self: Renewal(self.clock), takes_self=True),
        init=False,
        eq=False,
        repr=False,
    )

    def current(self) -> Credential | None:
        """See `CredentialSource`."""
        return self._renewal.current()

    def fetch(self, rejected: Credential | None = None) -> Credential:
        """See `CredentialSource`. Raises `CredentialError` when the file is missing or empty."""
        return self._renewal.fetch(self._read, rejected)

    def _read(self) -> Issued:
        where = f"{self.source} {self.path}"
        try:
            text = Path(self.path).read_bytes().decode("ascii")
        except OSError as error:
            raise CredentialError(f"{where} cannot be read: {os_reason(error)}") from error
        except UnicodeDecodeError:
            # Not chained: the original error holds the content.
            raise CredentialError(f"{where} is not a text file with a token") from None
        return Issued(bearer(text, where), reread_after=_REREAD_SECONDS)
