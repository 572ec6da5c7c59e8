"""From a configuration to an `ssl.SSLContext`, without leaving a key on any disk."""

from __future__ import annotations

import os
import re
import ssl
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from matrixinfer_client.config.tokens import os_reason
from matrixinfer_client.errors import ConfigError, CredentialError

if TYPE_CHECKING:
    from collections.abc import Generator

    from matrixinfer_client.config.values import ClientCertificate, Config, Credential

__all__ = ["read_ca", "ssl_context"]

_CERTIFICATE = re.compile(
    rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----", re.MULTILINE
)
_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----.*?-----END (?:[A-Z]+ )?PRIVATE KEY-----", re.DOTALL
)

_Stamp: TypeAlias = tuple[int, int, int]
_FILES: dict[str, tuple[_Stamp, bytes]] = {}
_CONTEXTS: dict[tuple[bytes | None, bytes | None, bytes | None, bool], ssl.SSLContext] = {}
# Rotated certificates leave their predecessors here; a process has a handful of clusters.
_LIMIT = 64


def ssl_context(config: Config, credential: Credential | None = None) -> ssl.SSLContext:
    """The TLS settings for a configuration and the credential to send.

    TLS 1.2 or newer, host name checked, trusting `ca_data`, else `ca_file`, else the system's
    authorities. The same object comes back for as long as nothing changed, the content of
    `ca_file` included, so a driver may compare with `is` to see whether connections must be made
    anew. Where `tls_server_name` is set, the driver passes it with each connection. Raises
    `ConfigError` (`CredentialError` for the client's half) that says which of certificate
    authority, client certificate or key is wrong, and where it came from.
    """
    certificate = credential.client_certificate if credential is not None else None
    ca = None if config.insecure_skip_tls_verify else _authorities(config)
    key = (
        ca,
        certificate.cert_pem if certificate else None,
        certificate.key_pem if certificate else None,
        config.insecure_skip_tls_verify,
    )
    known = _CONTEXTS.get(key)
    if known is not None:
        return known
    context = _verifying(config, ca)
    if certificate is not None:
        _present(context, certificate, config.source)
    if len(_CONTEXTS) >= _LIMIT:
        _CONTEXTS.clear()
    # `setdefault`, so that threads which got here together go on with one and the same object.
    return _CONTEXTS.setdefault(key, context)


def read_ca(path: str, source: str) -> bytes:
    """The content of a CA file, read again only when the file changed."""
    try:
        status = Path(path).stat()
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        cached = _FILES.get(path)
        if cached is not None and cached[0] == stamp:
            return cached[1]
        data = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{source}: certificate authority file {path} cannot be read: {os_reason(error)}"
        ) from error
    _FILES[path] = (stamp, data)
    return data


def _authorities(config: Config) -> bytes | None:
    if config.ca_data is not None:
        return config.ca_data
    if config.ca_file is not None:
        return read_ca(config.ca_file, config.source)
    return None


def _verifying(config: Config, ca: bytes | None) -> ssl.SSLContext:
    # Not `create_default_context`: from Python 3.13 on that refuses certificates without the
    # extensions of RFC 5280, which many clusters' own authorities never wrote.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if config.insecure_skip_tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    # Go trusts an intermediate that is named as an authority; kubeconfigs rely on it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if ca is None:
        # Nothing is verified over plain HTTP, and reading the system's store takes a while.
        if not config.server.startswith("http://") or config.proxy_url is not None:
            context.load_default_certs()
        return context
    where = "certificate authority data" if config.ca_data is not None else config.ca_file
    found = _CERTIFICATE.findall(ca)
    if not found:
        raise ConfigError(f"{config.source}: {where} holds no PEM certificate")
    try:
        context.load_verify_locations(cadata=b"\n".join(found).decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(
            f"{config.source}: {where} is not a valid certificate: {_reason(error)}"
        ) from error
    return context


def _present(context: ssl.SSLContext, pair: ClientCertificate, source: str) -> None:
    where = pair.source or source
    certificates, key = _CERTIFICATE.findall(pair.cert_pem), _KEY.search(pair.key_pem)
    if not certificates:
        raise CredentialError(f"{where}: the client certificate holds no PEM certificate")
    if b"ENCRYPTED" in pair.key_pem:
        raise CredentialError(
            f"{where}: the client key is encrypted; write it without a passphrase "
            "(openssl pkey -in client.key -out plain.key) or use an exec plugin"
        )
    if key is None:
        raise CredentialError(f"{where}: the client key holds no PEM private key")
    try:
        with _private_file(b"\n".join([*certificates, key[0], b""])) as path:
            # Without `password` OpenSSL would ask for one on the terminal.
            context.load_cert_chain(path, password="")
    except (ssl.SSLError, ValueError) as error:
        raise CredentialError(f"{where}: {_blame(pair, error)}") from error


def _blame(pair: ClientCertificate, error: Exception) -> str:
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return "the client key does not belong to the client certificate"
    try:
        text = b"\n".join(_CERTIFICATE.findall(pair.cert_pem)).decode("ascii")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as problem:
        return f"the client certificate is not valid: {_reason(problem)}"
    return f"the client key is not valid: {_reason(error)}"


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    if isinstance(reason, str) and reason:
        return reason.replace("_", " ").lower()
    return "cannot be decoded"


@contextmanager
def _private_file(data: bytes) -> Generator[str]:
    """The name of a file with this content, for a library that reads keys from files only."""
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        descriptor = os.memfd_create("client", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, data)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    # Here and not above: on Linux nobody gets this far.
    import tempfile  # noqa: PLC0415

    # Created with mode 0600.
    descriptor, name = tempfile.mkstemp()
    try:
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)
        yield name
    finally:
        Path(name).unlink()
