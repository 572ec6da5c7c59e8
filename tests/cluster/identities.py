"""Who may talk to the test server, and the kubeconfig files that say so."""

from __future__ import annotations

import base64
import csv
import io
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml

Credential: TypeAlias = Literal["token", "certificate"]

# The group that kube-apiserver lets pass every authorization check.
MASTERS = "system:masters"


@dataclass(frozen=True)
class User:
    """A user that the server knows by a static token."""

    name: str
    groups: tuple[str, ...] = ()
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)


class Users:
    """The server's static users, by name."""

    def __init__(self, users: Iterable[User]) -> None:
        self._by_name = {user.name: user for user in users}

    def __getitem__(self, name: str) -> User:
        try:
            return self._by_name[name]
        except KeyError:
            known = ", ".join(sorted(self._by_name))
            raise KeyError(f"no user {name!r} on this server; it has {known}") from None

    def add(self, user: User) -> None:
        """Add a user or replace the one of the same name."""
        self._by_name[user.name] = user

    def token_file(self) -> bytes:
        """Return the content for `--token-auth-file`: token, name, uid, groups in one cell."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for user in self._by_name.values():
            writer.writerow([user.token, user.name, f"uid-{user.name}", ",".join(user.groups)])
        return text.getvalue().encode()


@dataclass(frozen=True)
class ClientFiles:
    """What a client needs to reach the server, as bytes and as the files they are in."""

    directory: Path
    url: str
    ca_file: Path
    user: str
    secrets: dict[str, bytes]

    def write_kubeconfig(self, path: Path, *, namespace: str | None, inline: bool) -> None:
        """Write a kubeconfig with one context; `inline` puts the secrets into it."""
        cluster: dict[str, Any] = {"server": self.url}
        if inline:
            cluster["certificate-authority-data"] = _base64(self.ca_file.read_bytes())
        else:
            cluster["certificate-authority"] = str(self.ca_file)
        context = {"cluster": "test", "user": self.user}
        if namespace is not None:
            context["namespace"] = namespace
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": self.user, "user": self._inline() if inline else self._files()}],
            "contexts": [{"name": "test", "context": context}],
            "current-context": "test",
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(document, sort_keys=False))

    def _inline(self) -> dict[str, str]:
        if "token" in self.secrets:
            return {"token": self.secrets["token"].decode()}
        return {f"{name}-data": _base64(content) for name, content in self.secrets.items()}

    def _files(self) -> dict[str, str]:
        entries: dict[str, str] = {}
        for name, content in self.secrets.items():
            path = self.directory / f"{self.user.replace(':', '-')}-{secrets.token_hex(4)}-{name}"
            path.touch(mode=0o600)
            path.write_bytes(content)
            # Of all the keys for files only this one is spelled in camel case.
            entries["tokenFile" if name == "token" else name] = str(path)
        return entries


def default_users() -> Sequence[User]:
    """Return one user who may do everything and one who may do nothing."""
    return [User("admin", (MASTERS,)), User("plain")]


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
