"""One client used by many, in another process, in another event loop, and after its end."""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from matrixinfer_client import (
    ApiError,
    AsyncClient,
    EventHooks,
    MatrixInferError,
    NotFoundError,
)
from tests.behaviour.backends import Backend, Served
from tests.behaviour.conftest import OpenClient
from tests.behaviour.samples import MODEL, MODEL_ROUTE, SAMPLES


async def test_one_client_serves_sixteen_at_once(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)

    async def work(number: int) -> None:
        name = f"m-{number}"
        await models.create(MODEL.mapping(name))
        await models.patch(name, {"spec": {"owner": name}})
        assert (await models.get(name)).spec.owner == name
        if number % 2:
            await models.delete(name)

    await asyncio.gather(*[work(number) for number in range(16)])
    left = sorted([model.name async for model in models.iterate(limit=3)])
    assert left == sorted(f"m-{number}" for number in range(0, 16, 2))


async def test_all_kinds_are_listed_at_once(client: AsyncClient, namespace: str) -> None:
    calls = [sample.resource(client, namespace).list() for sample in SAMPLES]
    for sample, listed in zip(SAMPLES, await asyncio.gather(*calls), strict=True):
        assert type(listed).__name__ == f"{sample.kind}List"


def test_threads_share_a_client_from_its_first_request_on(backend: Backend, namespace: str) -> None:
    with backend.client() as client, ThreadPoolExecutor(16) as threads:
        models = client.registry_v1alpha1.models(namespace)
        made = list(threads.map(lambda n: models.create(MODEL.mapping(f"m-{n}")), range(64)))
        assert {model.name for model in made} == {f"m-{number}" for number in range(64)}


@pytest.fixture
def travelling(open_client: OpenClient, served: Served) -> AsyncClient:
    """Open a client that can be pickled: what connects it is all in its configuration."""
    return open_client({"kubeconfig": served.kubeconfig()})


async def test_clients_and_handles_travel_by_pickle(
    travelling: AsyncClient, namespace: str
) -> None:
    client = travelling
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    for handle in (
        pickle.loads(pickle.dumps(client)).registry_v1alpha1.models(namespace),  # noqa: S301
        pickle.loads(pickle.dumps(client.registry_v1alpha1)).models(namespace),  # noqa: S301
        pickle.loads(pickle.dumps(models)),  # noqa: S301
    ):
        assert await handle.exists("one")


async def test_options_travel_along(
    travelling: AsyncClient, client: AsyncClient, namespace: str
) -> None:
    dry = travelling.with_options(dry_run=True, namespace=namespace)
    copy = pickle.loads(pickle.dumps(dry))  # noqa: S301
    await copy.registry_v1alpha1.models().create(MODEL.mapping("never"))
    assert not await client.registry_v1alpha1.models(namespace).exists("never")


async def test_errors_travel_by_pickle(client: AsyncClient, namespace: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        await client.registry_v1alpha1.models(namespace).get("no")
    copy: ApiError = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert str(copy) == str(caught.value)
    assert (copy.status_code, copy.reason) == (404, "NotFound")


async def test_a_client_with_hooks_says_why_it_does_not_travel(open_client: OpenClient) -> None:
    client = open_client(event_hooks=EventHooks())
    with pytest.raises(TypeError, match="cannot be pickled; make one in the other process"):
        pickle.dumps(client)


async def test_a_closed_client_says_so(open_client: OpenClient, namespace: str) -> None:
    client = open_client()
    models = client.registry_v1alpha1.models(namespace)
    await models.list()
    await client.close()
    for call in (models.list(), models.exists("one"), anext(aiter(models.iterate()))):
        with pytest.raises(MatrixInferError, match="this client is closed; open a new one"):
            await call


async def test_a_derived_client_does_not_close_what_it_shares(
    open_client: OpenClient, namespace: str
) -> None:
    client = open_client()
    derived = client.with_options(timeout=10)
    await derived.close()
    await client.registry_v1alpha1.models(namespace).list()
    await derived.registry_v1alpha1.models(namespace).list()
    await client.close()
    with pytest.raises(MatrixInferError, match="closed"):
        await derived.registry_v1alpha1.models(namespace).list()


async def test_hooks_see_every_request_and_answer_and_no_secret(
    open_client: OpenClient, served: Served, namespace: str
) -> None:
    seen: list[Any] = []
    hooks = EventHooks(request=[seen.append], response=[seen.append])
    client = open_client({"kubeconfig": served.kubeconfig()}, event_hooks=hooks)
    await client.registry_v1alpha1.models(namespace).list()
    request, response = seen
    assert str(request) == f"GET {served.url}{MODEL.path(namespace)}"
    assert response.status_code == 200
    assert response.request == request
    assert served.token() not in repr(seen)


def program(served: Served, text: str) -> str:
    """Run a user's program, with every warning an error, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(text)],
        env=os.environ | {"KUBECONFIG": str(served.kubeconfig())},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


def test_a_program_that_closes_nothing_ends_at_once_and_in_silence(served: Served) -> None:
    output = program(
        served,
        """
        import time
        from matrixinfer_client import RegistryV1alpha1
        models = RegistryV1alpha1().models("default")
        print(len(models.list()))
        watch = models.watch()
        """,
    )
    assert output == "0\n"


def test_an_asynchronous_program_may_start_several_loops_and_close_nothing(
    served: Served,
) -> None:
    output = program(
        served,
        """
        import asyncio
        from matrixinfer_client import AsyncClient
        client = AsyncClient()
        async def count():
            models = client.registry_v1alpha1.models("default")
            return [len(page) for page in await asyncio.gather(*[models.list()] * 1, models.list())]
        print(asyncio.run(count()))
        print(asyncio.run(count()))
        """,
    )
    assert output == "[0, 0]\n[0, 0]\n"


def test_a_child_of_a_fork_uses_the_client_of_its_parent(served: Served) -> None:
    output = program(
        served,
        """
        import os, sys
        from matrixinfer_client import Client
        with Client() as client:
            models = client.registry_v1alpha1.models("default")
            models.list()
            sys.stdout.flush()
            child = os.fork()
            if child == 0:
                for _ in range(20):
                    models.list()
                print("child", flush=True)
                os._exit(0)
            for _ in range(20):
                models.list()
            assert os.waitpid(child, 0)[1] == 0
            models.list()
            print("parent")
        """,
    )
    assert sorted(output.split()) == ["child", "parent"]


async def test_a_route_and_a_model_of_one_name_are_two_things(
    client: AsyncClient, namespace: str
) -> None:
    await client.registry_v1alpha1.models(namespace).create(MODEL.mapping("one"))
    routes = client.networking_v1alpha1.model_routes(namespace)
    assert not await routes.exists("one")
    await routes.create(MODEL_ROUTE.mapping("one"))
    assert await routes.exists("one")
