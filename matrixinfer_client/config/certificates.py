"""Client certificates, alone and together with an `Authorization` header."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from matrixinfer_client.config.renewal import Issued, Renewal
from matrixinfer_client.config.tokens import os_reason
from matrixinfer_client.config.values import ClientCertificate, Credential, CredentialSource
from matrixinfer_client.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CertificateFiles", "Combined", "StaticCertificate"]

_REREAD_SECONDS = 50.0


@attrs.frozen
class StaticCertificate:
    """A client certificate that never changes."""

    certificate: ClientCertificate

    def current(self) -> Credential | None:
        """See `CredentialSource`."""
        return Credential(client_certificate=self.certificate)

    def fetch(self, rejected: Credential | None = None) -> Credential:  # noqa: ARG002
        """See `CredentialSource`; there is never another one."""
        return Credential(client_certificate=self.certificate)


@attrs.frozen
class CertificateFiles:
    """A client certificate of which at least one half is a file that may be rotated.

    Files are read again after 50 seconds and at once when the certificate was refused. When they
    cannot be read any more, what was read before is used until it is refused.
    """

    cert_file: str | None = None
    key_file: str | None = None
    cert_pem: bytes | None = attrs.field(default=None, repr=False)
    """Used instead of `cert_file` when given."""
    key_pem: bytes | None = attrs.field(default=None, repr=False)
    """Used instead of `key_file` when given."""
    source: str = attrs.field(default="explicit arguments", eq=False)
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
        """See `CredentialSource`. Raises `CredentialError` when a file cannot be read."""
        return self._renewal.fetch(self._read, rejected)

    def _read(self) -> Issued:
        files = [name for name in (self.cert_file, self.key_file) if name]
        pair = ClientCertificate(
            cert_pem=self.cert_pem or self._half(self.cert_file, "client certificate"),
            key_pem=self.key_pem or self._half(self.key_file, "client key"),
            source=f"{self.source} ({', '.join(files)})",
        )
        return Issued(Credential(client_certificate=pair), reread_after=_REREAD_SECONDS)

    def _half(self, path: str | None, what: str) -> bytes:
        if path is None:
            raise CredentialError(f"{self.source}: {what} is missing; both halves are needed")
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise CredentialError(
                f"{self.source}: {what} {path} cannot be read: {os_reason(error)}"
            ) from error
        if not data.strip():
            raise CredentialError(f"{self.source}: {what} {path} is empty")
        return data


@attrs.frozen
class Combined:
    """A header from one source and a certificate from another, sent together."""

    header: CredentialSource
    certificate: CredentialSource

    def current(self) -> Credential | None:
        """See `CredentialSource`."""
        header, certificate = self.header.current(), self.certificate.current()
        if header is None or certificate is None:
            return None
        return Credential(header.authorization, certificate.client_certificate)

    def fetch(self, rejected: Credential | None = None) -> Credential:
        """See `CredentialSource`; which half was refused is not known, so both are renewed."""
        if rejected is None:
            header = self.header.current() or self.header.fetch()
            certificate = self.certificate.current() or self.certificate.fetch()
        else:
            header = self.header.fetch(Credential(rejected.authorization))
            certificate = self.certificate.fetch(
                Credential(client_certificate=rejected.client_certificate)
            )
        return Credential(header.authorization, certificate.client_certificate)
