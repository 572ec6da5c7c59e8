"""OpenID Connect: an id token that is replaced by means of a refresh token."""

from __future__ import annotations

import base64
import json
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote_plus, urlencode, urlsplit

import attrs

from matrixinfer_client.config.renewal import Issued, Renewal
from matrixinfer_client.config.tokens import bearer, os_reason
from matrixinfer_client.errors import ConfigError, CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matrixinfer_client.config.values import Credential

__all__ = ["OidcRefresh"]

_TIMEOUT = 30.0
# An id token with fewer seconds left than client-go asks for is not sent any more.
_LEEWAY = 10.0
# Documents of an issuer are small; a server that sends without end is cut off here.
_BODY_LIMIT = 1 << 20


@attrs.define
class _Tokens:
    """What changes: some issuers replace the refresh token whenever it is used."""

    refresh_token: str | None
    used: bool = False
    """Whether the id token of the kubeconfig has been looked at."""


@attrs.frozen
class OidcRefresh:
    """`auth-provider: oidc` of a kubeconfig.

    The id token is sent until a minute before it ends; then, or when it is refused, a new one is
    asked for at the token endpoint that the issuer's discovery document names. New tokens are
    kept in memory and never written to the kubeconfig: with an issuer that gives refresh tokens
    out for one use, kubectl needs a new login afterwards. Each request to the issuer may take 30
    seconds. Proxies are those of the environment.
    """

    issuer: str
    client_id: str
    client_secret: str | None = attrs.field(default=None, repr=False)
    id_token: str | None = attrs.field(default=None, repr=False)
    refresh_token: str | None = attrs.field(default=None, repr=False)
    ca_pem: bytes | None = attrs.field(default=None, repr=False)
    """Authorities to trust for the issuer instead of the system's; wins over `ca_file`."""
    ca_file: str | None = None
    source: str = attrs.field(default="oidc", eq=False)
    clock: Callable[[], float] = attrs.field(default=time.time, eq=False, repr=False, kw_only=True)
    _renewal: Renewal = attrs.field(
        default=attrs.Factory(lambda self: Renewal(self.clock), takes_self=True),
        init=False,
        eq=False,
        repr=False,
    )
    _tokens: _Tokens = attrs.field(
        default=attrs.Factory(lambda self: _Tokens(self.refresh_token), takes_self=True),
        init=False,
        eq=False,
        repr=False,
    )

    def __attrs_post_init__(self) -> None:
        if not self.client_id:
            raise ConfigError(f"{self.source}: client-id is missing")
        if not self.issuer:
            raise ConfigError(f"{self.source}: idp-issuer-url is missing")
        if urlsplit(self.issuer).scheme != "https":
            raise ConfigError(f"{self.source}: idp-issuer-url must be https, as OIDC requires")
        if not self.id_token and not self.refresh_token:
            raise CredentialError(f"{self.source}: neither id-token nor refresh-token is there")

    def current(self) -> Credential | None:
        """See `CredentialSource`."""
        return self._renewal.current()

    def fetch(self, rejected: Credential | None = None) -> Credential:
        """See `CredentialSource`."""
        return self._renewal.fetch(lambda: self._issue(rejected), rejected)

    def _issue(self, rejected: Credential | None) -> Issued:
        # The id token of the kubeconfig comes first, once; later ones only by refreshing.
        token, used = self.id_token, self._tokens.used
        self._tokens.used = True
        if token and not used:
            try:
                issued = self._issued(token)
            except CredentialError:
                if not self._tokens.refresh_token:
                    raise
            else:
                left = (issued.expires_at or 0.0) - self.clock()
                if left > _LEEWAY and issued.credential != rejected:
                    return issued
        return self._refresh()

    def _issued(self, token: str) -> Issued:
        return Issued(bearer(token, self.source), expires_at=self._expiry(token))

    def _expiry(self, token: str) -> float:
        try:
            payload = token.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            return float(claims["exp"])
        except (ValueError, LookupError, TypeError):
            # Not chained: the original error holds parts of the token.
            raise CredentialError(
                f"{self.source}: the id token is not a JWT with an expiry"
            ) from None

    def _refresh(self) -> Issued:
        if not self._tokens.refresh_token:
            raise CredentialError(
                f"{self.source}: the id token has expired or was refused, and there is no "
                "refresh-token to get another one; log in again"
            )
        context = self._context()
        answer = self._token_answer(self._endpoint(context), context)
        token = answer.get("id_token")
        if not isinstance(token, str) or not token:
            raise CredentialError(
                f"{self.source}: {self.issuer} answered without an id_token; the refresh token "
                "was not issued for the scope openid, or this issuer never sends one"
            )
        renewed = answer.get("refresh_token")
        if isinstance(renewed, str) and renewed:
            self._tokens.refresh_token = renewed
        return self._issued(token)

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        try:
            pem = self.ca_pem
            if pem is None and self.ca_file is not None:
                pem = Path(self.ca_file).read_bytes()
            if pem is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.load_verify_locations(cadata=pem.decode("ascii"))
        except ssl.SSLError as error:
            raise CredentialError(
                f"{self.source}: idp-certificate-authority is not a PEM certificate"
            ) from error
        except OSError as error:
            raise CredentialError(
                f"{self.source}: idp-certificate-authority {self.ca_file} cannot be read: "
                f"{os_reason(error)}"
            ) from error
        return context

    def _endpoint(self, context: ssl.SSLContext) -> str:
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        endpoint = self._ask(urllib.request.Request(url), context).get("token_endpoint")  # noqa: S310
        if not isinstance(endpoint, str) or urlsplit(endpoint).scheme != "https":
            raise CredentialError(f"{self.source}: {url} names no token_endpoint with https")
        return endpoint

    def _token_answer(self, endpoint: str, context: ssl.SSLContext) -> Mapping[str, Any]:
        form = {"grant_type": "refresh_token", "refresh_token": self._tokens.refresh_token or ""}
        if self.client_secret:
            # Client authentication in the header is what every issuer must support; some do not.
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
            basic = base64.b64encode(pair.encode()).decode()
            try:
                return self._post(endpoint, form, context, {"Authorization": f"Basic {basic}"})
            except _RefusedError:
                form["client_secret"] = self.client_secret
        form["client_id"] = self.client_id
        return self._post(endpoint, form, context, {})

    def _post(
        self,
        endpoint: str,
        form: Mapping[str, str],
        context: ssl.SSLContext,
        headers: Mapping[str, str],
    ) -> Mapping[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            endpoint,
            data=urlencode(form).encode(),
            headers={"Accept": "application/json", **headers},
            method="POST",
        )
        return self._ask(request, context)

    def _ask(self, request: urllib.request.Request, context: ssl.SSLContext) -> Mapping[str, Any]:
        opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), _NoRedirect()
        )
        try:
            with opener.open(request, timeout=_TIMEOUT) as response:
                value: object = json.loads(response.read(_BODY_LIMIT))
        except urllib.error.HTTPError as error:
            kind = _RefusedError if error.code in (400, 401) else CredentialError
            raise kind(
                f"{self.source}: {request.full_url} answered {error.code}{_oauth_error(error)}"
            ) from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise CredentialError(
                f"{self.source}: {request.full_url} cannot be reached: {reason}"
            ) from error
        except ValueError:
            raise CredentialError(
                f"{self.source}: {request.full_url} did not answer with JSON"
            ) from None
        return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


class _RefusedError(CredentialError):
    """The issuer did not accept how the client identified itself, or the refresh token."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object, **_kwargs: object) -> None:
        # A redirect would carry the client's secret to wherever it points.
        return None


def _oauth_error(error: urllib.error.HTTPError) -> str:
    """The `error` code of RFC 6749, section 5.2; nothing else of the body is quoted."""
    try:
        code = json.loads(error.read(_BODY_LIMIT)).get("error")
    except (ValueError, AttributeError, OSError):
        return ""
    return f" ({code})" if isinstance(code, str) and code.replace("_", "").isalnum() else ""
