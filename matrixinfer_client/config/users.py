"""From what is said about a user to a source of credentials.

Precedence as in client-go: a token (the file before the literal) or a user name, else a client
certificate, decide; a plugin or provider is asked when none of them is there. A certificate goes
along with whatever is sent in the header.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import attrs

from matrixinfer_client.config.tokens import BasicAuth, StaticToken, TokenFile
from matrixinfer_client.config.values import ClientCertificate, Impersonation
from matrixinfer_client.errors import ConfigError, CredentialError

if TYPE_CHECKING:
    from matrixinfer_client.config.documents import Section
    from matrixinfer_client.config.values import CredentialSource

__all__ = ["Identity", "impersonation", "together", "user_credentials"]

_FileOrContent: TypeAlias = "str | os.PathLike[str] | bytes | None"

_REMOVED_PROVIDERS = {
    "azure": "install kubelogin and run `kubelogin convert-kubeconfig`",
    "gcp": "install gke-gcloud-auth-plugin and run `gcloud container clusters get-credentials`",
}


@attrs.frozen
class Identity:
    """The ways to say who one is that need nobody's help, each optional."""

    where: str
    token: str | None = attrs.field(default=None, repr=False)
    token_file: str | None = None
    username: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    cert_file: str | None = None
    cert_pem: bytes | None = attrs.field(default=None, repr=False)
    key_file: str | None = None
    key_pem: bytes | None = attrs.field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        where: str,
        token: tuple[str | None, str | os.PathLike[str] | None],
        login: tuple[str | None, str | None],
        certificate: tuple[_FileOrContent, _FileOrContent],
    ) -> Identity:
        """From pairs: token and its file, user and password, certificate and key."""
        token_file, _ = _file_or_content(token[1])
        cert_file, cert_pem = _file_or_content(certificate[0])
        key_file, key_pem = _file_or_content(certificate[1])
        return cls(where, token[0], token_file, *login, cert_file, cert_pem, key_file, key_pem)

    def header(self) -> CredentialSource | None:
        """The source of the `Authorization` header. Raises for two ways at once."""
        has_token = self.token is not None or self.token_file is not None
        has_user = self.username is not None or self.password is not None
        if has_token and has_user:
            raise ConfigError(
                f"{self.where}: a token and a username; only one of the two can be sent"
            )
        if self.token_file is not None:
            source = TokenFile(self.token_file, source=f"{self.where}: token file")
            # Read once now: a wrong path is reported by the line that loads the configuration.
            source.fetch()
            return source
        if self.token is not None:
            return StaticToken(self.token, source=self.where)
        if has_user:
            return BasicAuth(self.username or "", self.password or "", source=self.where)
        return None

    def certificate(self) -> CredentialSource | None:
        """The source of the client certificate. Raises when half of it is missing."""
        has_cert = self.cert_pem is not None or self.cert_file is not None
        has_key = self.key_pem is not None or self.key_file is not None
        if not has_cert and not has_key:
            return None
        if has_cert != has_key:
            missing = "client-key" if has_cert else "client-certificate"
            raise CredentialError(
                f"{self.where}: {missing} is missing; a certificate and its key go together"
            )
        # Here and not above, as with all that a kubeconfig can but seldom does contain.
        from matrixinfer_client.config.certificates import (  # noqa: PLC0415
            CertificateFiles,
            StaticCertificate,
        )

        if self.cert_pem is not None and self.key_pem is not None:
            pair = ClientCertificate(self.cert_pem, self.key_pem, source=self.where)
            return StaticCertificate(pair)
        files = CertificateFiles(
            cert_file=None if self.cert_pem is not None else self.cert_file,
            key_file=None if self.key_pem is not None else self.key_file,
            cert_pem=self.cert_pem,
            key_pem=self.key_pem,
            source=self.where,
        )
        files.fetch()
        return files

    def credentials(self) -> CredentialSource | None:
        """Header and certificate together; None when there is neither."""
        return together(self.header(), self.certificate())


def _file_or_content(value: _FileOrContent) -> tuple[str | None, bytes | None]:
    if value is None:
        return None, None
    if isinstance(value, bytes):
        return None, value
    if isinstance(value, str) and "-----BEGIN" in value:
        # A text is a file name; content handed over as text is an easy mistake to get right.
        return None, value.encode()
    return str(Path(value).expanduser().absolute()), None


def together(
    header: CredentialSource | None, certificate: CredentialSource | None
) -> CredentialSource | None:
    """One source out of two halves; None when there is neither."""
    if header is None or certificate is None:
        return header or certificate
    from matrixinfer_client.config.certificates import Combined  # noqa: PLC0415

    return Combined(header, certificate)


def user_credentials(user: Section, cluster_info: str | None) -> CredentialSource:
    """The credentials of a kubeconfig's `user`.

    `cluster_info` is the JSON for a plugin with `provideClusterInfo`. Raises `ConfigError` for
    contradictions and `CredentialError` when there is nothing to identify with: a user that a
    context names is meant to be used, so nothing is sent without it.
    """
    plugin, provider = user.section("exec"), user.section("auth-provider")
    if plugin is not None and provider is not None:
        raise ConfigError(f"{user.where}: exec and auth-provider; only one of the two can be used")
    identity = _identity(user)
    header, certificate = identity.header(), identity.certificate()
    if header is None and provider is not None:
        header = _provider(provider)
    if header is None and certificate is None and plugin is not None:
        return _plugin(plugin, cluster_info)
    found = together(header, certificate)
    if found is None:
        raise CredentialError(
            f"{user.where} has no credentials: token, tokenFile, client-certificate, username, "
            "exec and auth-provider are all absent or empty. To connect anonymously, remove the "
            "user from the context"
        )
    return found


def impersonation(user: Section) -> Impersonation | None:
    """Whom to act as: `as`, `as-uid`, `as-groups` and `as-user-extra` of a kubeconfig's user."""
    name, groups, uid = user.text("as"), user.texts("as-groups"), user.text("as-uid")
    section = user.section("as-user-extra")
    extra = {key: section.texts(key) for key in section.values} if section is not None else {}
    if not name:
        if groups or uid or extra:
            raise ConfigError(
                f"{user.where}: as-groups, as-uid and as-user-extra need `as`, the user to act as"
            )
        return None
    return Impersonation(name, groups, uid, extra=extra)


def _identity(user: Section) -> Identity:
    cert_pem, key_pem = user.data("client-certificate-data"), user.data("client-key-data")
    return Identity(
        where=user.where,
        token=user.text("token"),
        token_file=user.path("tokenFile"),
        username=user.text("username"),
        password=user.text("password"),
        cert_file=user.path("client-certificate"),
        cert_pem=cert_pem,
        key_file=user.path("client-key"),
        key_pem=key_pem,
    )


def _plugin(plugin: Section, cluster_info: str | None) -> CredentialSource:
    from matrixinfer_client.config.execplugin import ExecPlugin  # noqa: PLC0415

    command = plugin.text("command")
    if command and (os.sep in command or (os.altsep and os.altsep in command)):
        command = plugin.path("command")
    api_version = plugin.text("apiVersion")
    if api_version is None:
        raise ConfigError(f"{plugin.where} has no apiVersion")
    env: list[tuple[str, str]] = []
    for entry in plugin.sections("env"):
        name = entry.text("name")
        if name is None:
            raise ConfigError(f"{entry.where} has no name")
        env.append((name, entry.text("value") or ""))
    return ExecPlugin(
        command=command or "",
        args=plugin.texts("args"),
        env=tuple(env),
        api_version=api_version,
        interactive_mode=plugin.text("interactiveMode") or "IfAvailable",
        install_hint=plugin.text("installHint"),
        cluster_info=cluster_info if plugin.flag("provideClusterInfo") else None,
        source=plugin.where.removesuffix(": exec"),
    )


def _provider(provider: Section) -> CredentialSource:
    name = provider.text("name") or ""
    if name != "oidc":
        advice = _REMOVED_PROVIDERS.get(name, "use an exec plugin instead")
        raise ConfigError(
            f"{provider.where} {name!r} is not supported, as in kubectl since 1.26: {advice}"
        )
    config = provider.section("config")
    if config is None:
        raise ConfigError(f"{provider.where} oidc has no config")
    from matrixinfer_client.config.oidc import OidcRefresh  # noqa: PLC0415

    return OidcRefresh(
        issuer=config.text("idp-issuer-url") or "",
        client_id=config.text("client-id") or "",
        client_secret=config.text("client-secret"),
        id_token=config.text("id-token"),
        refresh_token=config.text("refresh-token"),
        ca_pem=config.data("idp-certificate-authority-data"),
        ca_file=config.path("idp-certificate-authority"),
        source=provider.where,
    )
