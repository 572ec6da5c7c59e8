"""A connection: where and as whom, the open transport, and what every call inherits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

import attrs
from msgspec import Struct

from matrixinfer_client import config as configuration
from matrixinfer_client.config import Config
from matrixinfer_client.drivers import AsyncDriver, Driver
from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.flows import Retries, TimeoutArg
from matrixinfer_client.names import namespace_segment
from matrixinfer_client.reviews import AsyncReviews, Reviews
from matrixinfer_client.targets import FieldValidation, Options, check_field_validation
from matrixinfer_client.wire import EventHooks, limits

if TYPE_CHECKING:
    import os
    from types import TracebackType

    import httpx

__all__ = ["AsyncConnection", "AsyncGroupClient", "Connection", "GroupClient"]


class _Settings:
    """What both modes share: the configuration and the options, neither of which does I/O."""

    def __init__(self, config: Config, options: Options, *, restorable: bool) -> None:
        self.config = config
        self.options = options
        self._restorable = restorable
        # False for what `with_options` returns: it shares a transport that another one closes.
        self._owner = True

    @property
    def namespace(self) -> str:
        """The namespace of calls that name none."""
        return self.options.namespace

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.config.server!r}, namespace={self.namespace!r})"

    def _repr_html_(self) -> str:
        """What a notebook shows: where it connects, and what it offers."""
        from matrixinfer_client.html import connected  # noqa: PLC0415

        return connected(self, self.config, self.options)

    def with_options(
        self,
        *,
        namespace: str | None = None,
        timeout: TimeoutArg = None,
        retries: Retries | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        dry_run: bool | None = None,
    ) -> Self:
        """The same connection with other options; `None` keeps what this one has.

        It shares the open transport, which is closed with the client it came from.
        """
        options = _changed(
            self.options,
            namespace=namespace,
            timeout=timeout,
            retries=retries,
            field_manager=field_manager,
            field_validation=field_validation,
            dry_run=dry_run,
        )
        return self._sharing(options)

    def __reduce__(self) -> tuple[Any, ...]:
        if not self._restorable:
            raise TypeError(
                f"this {type(self).__name__} with a transport or event hooks of its own cannot be "
                "pickled; make one in the other process"
            )
        return _restored, (type(self), self.config, self.options)

    def _sharing(self, options: Options) -> Self:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, options=options, _owner=False)
        return other


class _Explicit(Struct):
    """The arguments that say where to connect without any file."""

    server: str | None
    token: str | None
    token_file: str | os.PathLike[str] | None
    ca_file: str | os.PathLike[str] | None
    insecure_skip_tls_verify: bool


def _find_config(
    config: Config | None,
    kubeconfig: str | os.PathLike[str] | None,
    context: str | None,
    explicit: _Explicit,
) -> Config:
    if config is not None and not isinstance(cast("object", config), Config):
        # Not the value: somebody may have taken the first argument for the token.
        raise InvalidArgumentError(
            f"config must be a Config, not {type(config).__name__}; a file goes to kubeconfig=, a "
            "URL to server=, and config.from_kubernetes() takes the official client's Configuration"
        )
    ways = {
        "config": config,
        "kubeconfig or context": kubeconfig or context,
        "server": explicit.server,
    }
    chosen = [name for name, value in ways.items() if value is not None]
    if len(chosen) > 1:
        raise InvalidArgumentError(
            f"say where to connect in one way only, not by {' and '.join(chosen)}"
        )
    beside = ("token", "token_file", "ca_file", "insecure_skip_tls_verify")
    given = [name for name in beside if getattr(explicit, name) not in (None, False)]
    if given and explicit.server is None:
        raise InvalidArgumentError(
            f"{', '.join(given)} only goes together with server=; a kubeconfig has its own"
        )
    if config is not None:
        return config
    if explicit.server is not None:
        return configuration.explicit(
            explicit.server,
            token=explicit.token,
            token_file=explicit.token_file,
            ca_file=explicit.ca_file,
            insecure_skip_tls_verify=explicit.insecure_skip_tls_verify,
        )
    return configuration.load_config(kubeconfig=kubeconfig, context=context)


def _options(
    config: Config,
    *,
    namespace: str | None,
    timeout: TimeoutArg,
    retries: Retries | None,
    field_manager: str | None,
    field_validation: FieldValidation | None,
    dry_run: bool | None,
) -> Options:
    return _changed(
        Options(namespace=config.namespace),
        namespace=namespace,
        timeout=timeout,
        retries=retries,
        field_manager=field_manager,
        field_validation=field_validation,
        dry_run=dry_run,
    )


def _changed(options: Options, **changes: Any) -> Options:
    given = {name: value for name, value in changes.items() if value is not None}
    if "namespace" in given:
        namespace_segment(given["namespace"])
    if "field_validation" in given:
        check_field_validation(given["field_validation"])
    if "timeout" in given:
        limits(given["timeout"])
    if not isinstance(given.get("retries", options.retries), Retries):
        raise InvalidArgumentError(
            f"retries must be a Retries, such as Retries(attempts=3), not {given['retries']!r}"
        )
    return attrs.evolve(options, **given)


class Connection(_Settings, Reviews):
    """A connection to one API server, with options that every call inherits.

    Where to connect is, in this order: `config`; `server` with `token`, `token_file`, `ca_file`
    and `insecure_skip_tls_verify`; `kubeconfig` (one path, or several joined by the path
    separator) and `context`; else the files of `KUBECONFIG`, else `~/.kube/config`, else the
    service account of the pod.

    Args:
        config: A ready `Config`, for everything the other arguments do not cover.
        kubeconfig: Path of a kubeconfig file.
        context: A context of the kubeconfig. Default: its current context.
        server: The API server's URL.
        token: A bearer token.
        token_file: A file with a bearer token, read again as it rotates.
        ca_file: The CA bundle that the server's certificate is checked with. Default: the system's.
        insecure_skip_tls_verify: Do not check the server's certificate. Default: False.
        namespace: The namespace of calls that name none. Default: the context's, else `default`.
        timeout: Seconds to wait for each part of an answer. Default: 30, and 5 for connecting.
        retries: When a request is sent again. Default: `Retries()`.
        field_manager: The name that owns what is written. Default: `matrixinfer-client`.
        field_validation: What the server does about unknown fields: `Strict` (an error, the
            default), `Warn` or `Ignore` (dropped in silence, the API server's own default).
        dry_run: Have the server check every write and store nothing. Default: False.
        transport: An httpx transport to send with, for tests and proxies of your own.
        event_hooks: Functions that see each request and answer.

    Raises:
        ConfigError: It is not known where to connect; says what was tried.
        InvalidArgumentError: Arguments that contradict each other.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        kubeconfig: str | os.PathLike[str] | None = None,
        context: str | None = None,
        server: str | None = None,
        token: str | None = None,
        token_file: str | os.PathLike[str] | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        insecure_skip_tls_verify: bool = False,
        namespace: str | None = None,
        timeout: TimeoutArg = None,
        retries: Retries | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        dry_run: bool | None = None,
        transport: httpx.BaseTransport | None = None,
        event_hooks: EventHooks | None = None,
    ) -> None:
        explicit = _Explicit(server, token, token_file, ca_file, insecure_skip_tls_verify)
        found = _find_config(config, kubeconfig, context, explicit)
        options = _options(
            found,
            namespace=namespace,
            timeout=timeout,
            retries=retries,
            field_manager=field_manager,
            field_validation=field_validation,
            dry_run=dry_run,
        )
        restorable = transport is None and event_hooks is None
        super().__init__(found, options, restorable=restorable)
        self.driver = Driver(found, transport, event_hooks)

    def close(self) -> None:
        """Close the transport. A connection made by `with_options` leaves it open."""
        if self._owner:
            self.driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncConnection(_Settings, AsyncReviews):
    """A connection to one API server for asyncio; see `Connection` for the arguments.

    It may be used from one event loop after another (`asyncio.run` twice): connections belong to
    the loop that opened them and are opened anew in the next.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        kubeconfig: str | os.PathLike[str] | None = None,
        context: str | None = None,
        server: str | None = None,
        token: str | None = None,
        token_file: str | os.PathLike[str] | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        insecure_skip_tls_verify: bool = False,
        namespace: str | None = None,
        timeout: TimeoutArg = None,
        retries: Retries | None = None,
        field_manager: str | None = None,
        field_validation: FieldValidation | None = None,
        dry_run: bool | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        event_hooks: EventHooks | None = None,
    ) -> None:
        explicit = _Explicit(server, token, token_file, ca_file, insecure_skip_tls_verify)
        found = _find_config(config, kubeconfig, context, explicit)
        options = _options(
            found,
            namespace=namespace,
            timeout=timeout,
            retries=retries,
            field_manager=field_manager,
            field_validation=field_validation,
            dry_run=dry_run,
        )
        restorable = transport is None and event_hooks is None
        super().__init__(found, options, restorable=restorable)
        self.driver = AsyncDriver(found, transport, event_hooks)

    async def close(self) -> None:
        """Close the transport. A connection made by `with_options` leaves it open."""
        if self._owner:
            await self.driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _restored(
    cls: type[Connection] | type[AsyncConnection], config: Config, options: Options
) -> Connection | AsyncConnection:
    connection = cls(config)
    connection.options = options
    return connection


def _check_mode(group: object, connection: object, wanted: type[_Settings]) -> None:
    if connection is None or isinstance(connection, wanted):
        return
    name, client = type(group).__name__, wanted.__name__.replace("Connection", "Client")
    other = name.removeprefix("Async") if name.startswith("Async") else f"Async{name}"
    way_out = f"; {other} takes that" if isinstance(connection, _Settings) else ""
    raise InvalidArgumentError(
        f"{name} takes a {client} (or {wanted.__name__}), not {type(connection).__name__}{way_out}"
    )


class GroupClient:
    """The resources of one API group and version, over a connection.

    Without a connection it opens the default one, which it then closes itself (it is a context
    manager, too).
    """

    def __init__(self, connection: Connection | None = None) -> None:
        _check_mode(self, connection, Connection)
        self._owned = connection is None
        self.connection = Connection() if connection is None else connection

    def close(self) -> None:
        """Close the connection if this object opened it."""
        if self._owned:
            self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.connection!r})"


class AsyncGroupClient:
    """The resources of one API group and version for asyncio; see `GroupClient`."""

    def __init__(self, connection: AsyncConnection | None = None) -> None:
        _check_mode(self, connection, AsyncConnection)
        self._owned = connection is None
        self.connection = AsyncConnection() if connection is None else connection

    async def close(self) -> None:
        """Close the connection if this object opened it."""
        if self._owned:
            await self.connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.connection!r})"
