"""`FakeCluster`: the fake API server with its doors, its faults and its records."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Never, Self, Unpack

from matrixinfer_client.config import Config
from matrixinfer_client.errors import MatrixInferError
from matrixinfer_client.testing.actions import Action, Recorder
from matrixinfer_client.testing.apiserver.server import FakeServer
from matrixinfer_client.testing.calls import user as caller_of
from matrixinfer_client.testing.exchange import Call, Reply
from matrixinfer_client.testing.faults import Fault
from matrixinfer_client.testing.injecting import Chance, Injection, Injector
from matrixinfer_client.testing.making import check
from matrixinfer_client.testing.matching import Match, Subject, Verbs, What
from matrixinfer_client.testing.opening import ClientOptions, Doors
from matrixinfer_client.testing.overview import counts, html
from matrixinfer_client.testing.seeding import add, request
from matrixinfer_client.testing.simulating import CONTROLLERS, Simulate, started

if TYPE_CHECKING:
    import os
    from types import TracebackType

    from matrixinfer_client.client import AsyncClient, Client
    from matrixinfer_client.models import ApiObject
    from matrixinfer_client.testing.doors import AsyncFakeTransport, FakeTransport
    from matrixinfer_client.testing.serving import Served
    from matrixinfer_client.testing.simulation import Simulation

__all__ = ["FakeCluster"]

_CONFIG: Final = Config("https://fake-cluster", source="FakeCluster")
_ACTION_BYTES: Final = 64 << 20


class FakeCluster:
    """A MatrixInfer API server in this process, which behaves as the real one does.

    ```python
    with FakeCluster() as cluster:
        client = cluster.client()
        client.registry_v1alpha1.models("default").create(model)
        assert [action.verb for action in cluster.actions] == ["create"]
    ```

    It validates, defaults, patches, applies, watches and refuses as kube-apiserver with the
    platform's definitions and webhooks does. There are no processes and no network: clients reach
    it through transports, others through `serve`. Threads and event loops may share it.

    Close it with `close()` or as a context manager, also an asynchronous one; what came from it is
    then of no use any more.

    Args:
        objects: What is there from the start; see `add`.
        simulate: Whether the platform's controllers are simulated, so that models become ready.
            True, options of `Simulation` such as `{"speed": 10}`, or a function that makes one
            from a client. Default: False.
        webhooks: Whether the platform's admission webhooks are installed. Default: True.
        garbage_collection: Whether dependents go with their owners, and what is in a namespace
            with it. Default: True.
        seed: Makes generated names, UIDs and all chance of faults the same in every run. Default:
            another one each time; see `seed`.
        history: How many changes of a resource are kept for watches. Default: 100,000.
        max_actions: How many of the newest `actions` are kept. Default: 10,000.

    Raises:
        CelUnavailableError: The extra `testing` is not installed.
    """

    seed: int
    """What names, UIDs and chance come from; pass it to another cluster to have the same again."""

    def __init__(
        self,
        *objects: ApiObject | Mapping[str, Any],
        simulate: Simulate = False,
        webhooks: bool = True,
        garbage_collection: bool = True,
        seed: int | None = None,
        history: int | None = None,
        max_actions: int = 10_000,
    ) -> None:
        check(seed=seed, history=history, max_actions=max_actions)
        self.seed = random.SystemRandom().getrandbits(32) if seed is None else seed
        self._server = FakeServer(
            webhooks=webhooks,
            garbage_collection=garbage_collection,
            seed=self.seed,
            history=history,
        )
        self._injector = Injector(self.seed, spared={CONTROLLERS.name})
        self._recorder = Recorder(max_actions, _ACTION_BYTES)
        self._doors = Doors(self.handle)
        self._numbers = itertools.count(1)
        self._first = counts(self._server.state)
        self.add(*objects)
        self._simulation = None if simulate is False else self._start(simulate)

    # The ways to it.

    def client(
        self,
        *,
        user: str | None = None,
        groups: Sequence[str] = (),
        **options: Unpack[ClientOptions],
    ) -> Client:
        """A new client of this cluster.

        Args:
            user: Whom it acts for. Default: the administrator, who may do everything; others may
                do what `Role` and `ClusterRole` objects allow them.
            groups: The user's groups.
            **options: Those of `Client`: `namespace`, `timeout`, `retries`, `field_manager`,
                `field_validation`, `dry_run`, `event_hooks`.
        """
        from matrixinfer_client.client import Client  # noqa: PLC0415

        transport = self.transport(user=user, groups=groups)
        return Client(_CONFIG, transport=transport, **options)

    def async_client(
        self,
        *,
        user: str | None = None,
        groups: Sequence[str] = (),
        **options: Unpack[ClientOptions],
    ) -> AsyncClient:
        """A new client for asyncio; see `client`. Several event loops may use it."""
        from matrixinfer_client.client import AsyncClient  # noqa: PLC0415

        transport = self.async_transport(user=user, groups=groups)
        return AsyncClient(_CONFIG, transport=transport, **options)

    def transport(self, *, user: str | None = None, groups: Sequence[str] = ()) -> FakeTransport:
        """An httpx transport to this cluster, for a `Client` or `httpx.Client` of your own."""
        return self._doors.transport(caller_of(user, groups))

    def async_transport(
        self, *, user: str | None = None, groups: Sequence[str] = ()
    ) -> AsyncFakeTransport:
        """An asynchronous httpx transport to this cluster."""
        return self._doors.async_transport(caller_of(user, groups))

    def serve(
        self,
        *,
        port: int = 0,
        tls: bool | None = None,
        token: str | None = None,
        users: Mapping[str, Sequence[str]] | None = None,
        kubeconfig: str | os.PathLike[str] | None = None,
    ) -> Served:
        """Serve this cluster on 127.0.0.1, for `kubectl` and other processes.

        ```python
        with cluster.serve() as served:
            subprocess.run(["kubectl", "--kubeconfig", served.kubeconfig, "get", "models"])
        ```

        Without `token`, `users` and TLS everybody is the administrator. With any of them callers
        are known by bearer tokens, and who sends none is `system:anonymous`.

        Args:
            port: The port. Default: any free one.
            tls: Whether to speak TLS, with a certificate that is made for it; needs the extra
                `testing-tls`. Default: when there are tokens, since `kubectl` sends none without.
            token: The administrator's token. Default: a random one where one is needed.
            users: Other users by name, with their groups; each gets a token and a context.
            kubeconfig: Where to write the kubeconfig file, which then stays. Default: a directory
                that goes when it stops.

        Raises:
            InvalidArgumentError: An argument that cannot be meant, or at `kubeconfig` there is a
                file that no FakeCluster wrote.
            TlsUnavailableError: TLS, and `cryptography` is not installed.
            MatrixInferError: The port cannot be had, or the kubeconfig file not be written.
        """
        return self._doors.serve(
            port=port, tls=tls, token=token, users=users, kubeconfig=kubeconfig
        )

    def handle(self, call: Call) -> Reply:
        """Answer a call as clients get it answered: with faults, and recorded."""
        self._doors.check_open()
        subject = Subject.of(call)
        if self._injector.is_idle:
            reply = self._server.handle(call)
        else:
            reply = self._injector.answer(subject, self._server.handle)
        if call.caller != CONTROLLERS:
            self._recorder.record(subject, reply)
        return reply

    # What is in it.

    def add(self, *objects: ApiObject | Mapping[str, Any]) -> None:
        """Create objects as the administrator: typed or mappings, of any kind that is served.

        Namespaces that they are in are created, too, and a status is kept. These requests meet no
        faults and are not recorded.

        Raises:
            InvalidArgumentError: The kind is not served.
            ApiError: The server refuses an object, as it would anybody's.
        """
        self._doors.check_open()
        add(self._server.handle, objects)

    def create_namespace(self, prefix: str = "test-") -> str:
        """Create a namespace that nobody used before, and return its name."""
        name = f"{prefix}{next(self._numbers)}"
        self.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
    ) -> tuple[int, Any]:
        """Send one request as the administrator, without a client.

        It meets no faults and is not recorded. `path` may have a query. The body is sent as JSON,
        or as it is when it is bytes.

        Returns:
            Status and body: parsed if it is JSON, else text; of a watch a list of the events that
            are there.
        """
        self._doors.check_open()
        return request(self._server.handle, method, path, body, content_type)

    def expire_history(self) -> None:
        """Forget the past: every older resourceVersion and continue token is answered with 410."""
        self._doors.check_open()
        self._server.expire_history()

    @property
    def simulation(self) -> Simulation:
        """The simulated controllers: to `fail` and `heal` things, to `settle`."""
        if self._simulation is None:
            raise MatrixInferError(
                "this FakeCluster simulates no controllers; make it with simulate=True"
            )
        return self._simulation

    # What goes wrong with it.

    def inject(
        self,
        *faults: Fault,
        verb: Verbs | None = None,
        resource: What | None = None,
        namespace: str | None = None,
        name: str | None = None,
        caller: str | None = None,
        when: Callable[[Call], bool] | None = None,
        times: int | None = 1,
        after: int = 0,
        probability: float = 1.0,
    ) -> Injection:
        """Let something go wrong with the requests that match.

        ```python
        cluster.inject(error(429, retry_after=1), verb="create", times=2)
        with cluster.inject(cut(after_events=1), resource="models", times=None) as injection:
            ...
        assert injection.hits == 3
        ```

        Where several injections match, the one that was injected first acts first; one that
        answers in the server's place leaves nothing to those after it. Requests of the simulated
        controllers only meet faults that name them as `caller`.

        Args:
            faults: What goes wrong, made by the functions of `matrixinfer_client.testing` such as
                `error`, `cut` or `lost`. Several act in turn.
            verb: One or more of get, list, watch, create, update, patch, apply, delete,
                deletecollection. Default: all, and what is no request about a resource.
            resource: A plural, kind, short name or class; `models/status` is the subresource and
                `models/*` the resource with all of them. Default: any.
            namespace: The namespace. Default: any.
            name: The object's name. Default: any.
            caller: The user's name. Default: any.
            when: Gets the call and says whether it is meant.
            times: How many times each fault acts; None for ever. Default: 1.
            after: How many requests that match go well before.
            probability: By which chance a fault acts on a request that matches. Default: 1.

        Raises:
            InvalidArgumentError: An unknown verb or resource; names those that there are. Or
                something that is no fault, or one that never happens to these verbs.
        """
        self._doors.check_open()
        match = Match.of(
            verb=verb,
            resource=resource,
            namespace=namespace,
            name=name,
            caller=caller,
            when=when,
        )
        chance = Chance(times=times, after=after, probability=probability)
        return self._injector.add(faults, match, chance)

    # What was asked of it.

    @property
    def actions(self) -> Sequence[Action]:
        """The requests about resources that clients sent, oldest first.

        Those of the simulated controllers are left out. The newest `max_actions` are kept, and of
        those as many as have 64 MiB of bodies.
        """
        return self._recorder.actions

    def actions_of(
        self,
        *,
        verb: Verbs | None = None,
        resource: What | None = None,
        namespace: str | None = None,
        name: str | None = None,
        caller: str | None = None,
    ) -> Sequence[Action]:
        """Those of the `actions` that match; for the arguments see `inject`."""
        return self._recorder.matching(
            Match.of(verb=verb, resource=resource, namespace=namespace, name=name, caller=caller)
        )

    def clear_actions(self) -> None:
        """Forget all `actions` until now."""
        self._recorder.clear()

    # Its end.

    def close(self) -> None:
        """Stop all that runs, end all watches; clients are of no use afterwards.

        Calling it twice does nothing.
        """
        if self._simulation is not None:
            self._simulation.stop()
        self._doors.close()

    def __enter__(self) -> Self:
        self._doors.check_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Controllers and connections take a moment to stop; tasks may need theirs meanwhile.
        from asyncio import to_thread  # noqa: PLC0415

        await to_thread(self.close)

    def __reduce__(self) -> Never:
        raise TypeError("a FakeCluster cannot be pickled or copied; for others there is serve()")

    def __repr__(self) -> str:
        if self._doors.is_closed:
            return "FakeCluster(closed)"
        # Without what every cluster has.
        news = [each for each in counts(self._server.state) if each not in self._first]
        counted = [f"{plural}={number}" for plural, number in news]
        return f"FakeCluster({', '.join([*counted, f'seed={self.seed}'])})"

    def _repr_html_(self) -> str:
        title = "FakeCluster, closed" if self._doors.is_closed else f"FakeCluster, seed {self.seed}"
        return html(title, counts(self._server.state))

    def _start(self, simulate: Simulate) -> Simulation:
        from matrixinfer_client.client import Client  # noqa: PLC0415

        client = Client(_CONFIG, transport=self._doors.transport(CONTROLLERS))
        return started(simulate, client, self.seed, self._server.state)
