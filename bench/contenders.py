"""How each client does a job: a function that is measured, made for a server's URL.

A contender is a small class with the jobs it can do; what is not measured happens in `__init__`.
Every job takes how often to do it and returns nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from bench import data, structs

IN_FLIGHT = 64


def kubeconfig(url: str) -> str:
    """A kubeconfig file for the canned server; removed with the process's temporary folder."""
    path = Path(tempfile.mkdtemp()) / "config"
    path.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
        f"clusters: [{{name: k, cluster: {{server: '{url}'}}}}]\n"
        "users: [{name: u, user: {token: secret}}]\n"
    )
    return str(path)


def selector(count: int) -> str:
    """Tells the canned server how many objects to send."""
    return f"count={count}"


def read_all(value: Any) -> int:
    """Touch every field of a typed object; returns how many values there were."""
    if isinstance(value, list):
        return sum(map(read_all, value))
    if isinstance(value, dict):
        return sum(map(read_all, value.values()))
    if value is None or isinstance(value, str | int | float):
        return 1
    if hasattr(value, "__struct_fields__") or hasattr(value, "__attrs_attrs__"):
        return sum(read_all(getattr(value, name)) for name in structs.fields_of(value))
    return 1


async def flood(count: int, job: Callable[[], Awaitable[object]]) -> None:
    """Run a job `count` times with 64 in flight."""

    async def worker(share: int) -> None:
        for _ in range(share):
            await job()

    shares = [count // IN_FLIGHT + (i < count % IN_FLIGHT) for i in range(IN_FLIGHT)]
    await asyncio.gather(*map(worker, shares))


class Ours:
    """This package."""

    label: ClassVar[str] = "matrixinfer-client"

    def __init__(self, url: str) -> None:
        os.environ["KUBECONFIG"] = kubeconfig(url)
        from matrixinfer_client import Client
        from matrixinfer_client.api.registry_v1alpha1 import Model

        self.models = Client().registry_v1alpha1.models("default")
        self.body = Model.from_dict(data.wanted(1))
        # As if it had been constructed: every section typed.
        self.body.metadata, self.body.spec

    def get(self, count: int) -> None:
        for _ in range(count):
            self.models.get("model-000001").metadata.name

    def create(self, count: int) -> None:
        for _ in range(count):
            self.models.create(self.body)

    def list_names(self, count: int) -> None:
        for model in self.models.list(label_selector=selector(count)).items:
            model.metadata.name, model.status.conditions[1].status

    def list_all(self, count: int) -> None:
        read_all(self.models.list(label_selector=selector(count)).items)

    def list_keep(self, count: int) -> object:
        return self.models.list(label_selector=selector(count))

    def pages(self, count: int) -> None:
        for _ in self.models.iterate(label_selector=f"count={count}.small", limit=500):
            pass

    def small_names(self, count: int) -> None:
        for model in self.models.list(label_selector=f"count={count}.small").items:
            model.metadata.name

    def watch(self, count: int) -> None:
        with self.models.watch(label_selector=selector(count), resource_version="1") as events:
            for event in itertools.islice(events, count):
                # `name` is read without decoding the rest of the metadata; the others have no such.
                event.object.name, event.object.status.conditions[1].status

    def aget(self, count: int) -> None:
        asyncio.run(self._flood(count, lambda models: models.get("model-000001")))

    def acreate(self, count: int) -> None:
        asyncio.run(self._flood(count, lambda models: models.create(self.body)))

    async def _flood(self, count: int, job: Callable[[Any], Awaitable[object]]) -> None:
        from matrixinfer_client import AsyncClient

        async with AsyncClient() as client:
            models = client.registry_v1alpha1.models("default")
            await flood(count, lambda: job(models))


class Floor:
    """httpx (or aiohttp) and msgspec structs by hand: what typed access costs at the least."""

    label: ClassVar[str] = "httpx + msgspec by hand"

    def __init__(self, url: str) -> None:
        import httpx

        from matrixinfer_client.api.registry_v1alpha1 import Model, ModelList

        self.url = f"{url}{data.COLLECTION}"
        self.headers = {"authorization": "Bearer secret"}
        self.client = httpx.Client(headers=self.headers)
        self.one = msgspec.json.Decoder(structs.struct_for(Model))
        self.many = msgspec.json.Decoder(structs.struct_for(ModelList))
        self.body = msgspec.convert(data.wanted(1), structs.struct_for(Model))

    def get(self, count: int) -> None:
        for _ in range(count):
            self.one.decode(self.client.get(f"{self.url}/model-000001").content)

    def create(self, count: int) -> None:
        headers = {"content-type": "application/json"}
        for _ in range(count):
            body = msgspec.json.encode(self.body)
            self.one.decode(self.client.post(self.url, content=body, headers=headers).content)

    def _list(self, count: int) -> Any:
        parameters = {"labelSelector": selector(count)}
        return self.many.decode(self.client.get(self.url, params=parameters).content).items

    def list_names(self, count: int) -> None:
        for model in self._list(count):
            model.metadata.name, model.status.conditions[1].status

    def list_all(self, count: int) -> None:
        read_all(self._list(count))

    def watch(self, count: int) -> None:
        fields = [("type", str), ("object", self.one.type)]
        decoder: Any = msgspec.json.Decoder(msgspec.defstruct("Event", fields))
        parameters = {"labelSelector": selector(count), "watch": "true"}
        rest = b""
        with self.client.stream("GET", self.url, params=parameters) as response:
            for chunk in response.iter_raw():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    event = decoder.decode(line)
                    event.object.metadata.name, event.object.status.conditions[1].status

    def aget(self, count: int) -> None:
        asyncio.run(self._flood(count, None))

    def acreate(self, count: int) -> None:
        asyncio.run(self._flood(count, self.body))

    async def _flood(self, count: int, body: Any) -> None:
        import aiohttp

        async with aiohttp.ClientSession(headers=self.headers) as session:

            async def get() -> None:
                async with session.get(f"{self.url}/model-000001") as response:
                    self.one.decode(await response.read())

            async def create() -> None:
                async with session.post(self.url, data=msgspec.json.encode(body)) as response:
                    self.one.decode(await response.read())

            await flood(count, get if body is None else create)


class Httpx:
    """httpx's own asynchronous client, for scale."""

    label: ClassVar[str] = "httpx, stock pool"

    def __init__(self, url: str) -> None:
        from matrixinfer_client.api.registry_v1alpha1 import Model

        self.url = f"{url}{data.COLLECTION}"
        self.one = msgspec.json.Decoder(structs.struct_for(Model))
        self.body = msgspec.convert(data.wanted(1), structs.struct_for(Model))

    def acreate(self, count: int) -> None:
        asyncio.run(self._flood(count))

    async def _flood(self, count: int) -> None:
        import httpx

        async with httpx.AsyncClient(timeout=60) as client:

            async def create() -> None:
                body = msgspec.json.encode(self.body)
                self.one.decode((await client.post(self.url, content=body)).content)

            await flood(count, create)


class Lightkube:
    """lightkube with a typed custom resource: its own base classes over msgspec structs."""

    label: ClassVar[str] = "lightkube, typed"

    def __init__(self, url: str) -> None:
        os.environ["KUBECONFIG"] = kubeconfig(url)
        import lightkube
        from lightkube.core import resource
        from lightkube.core.dictmixin import DictMixin

        from matrixinfer_client.api.registry_v1alpha1 import Model

        plain = structs.struct_for(Model)
        fields = [
            (field.name, field.type, field.default) for field in msgspec.structs.fields(plain)
        ]
        typed = msgspec.defstruct("Model", fields, bases=(DictMixin,), module=__name__)
        definition = resource.ResourceDef("registry.matrixinfer.ai", "v1alpha1", "Model")
        info = resource.ApiInfo(
            resource=definition,
            plural="models",
            verbs=["post", "get", "list", "global_list", "watch", "global_watch", "patch"],
        )
        bases = (resource.NamespacedResourceG, typed)
        self.cls = type("Model", bases, {"_api_info": info, "__module__": __name__})
        self.client = lightkube.Client()
        self.body = self.cls.from_dict(data.wanted(1))

    def get(self, count: int) -> None:
        for _ in range(count):
            self.client.get(self.cls, name="model-000001", namespace="default").metadata.name

    def create(self, count: int) -> None:
        for _ in range(count):
            self.client.create(self.body, namespace="default")

    def _list(self, count: int) -> Any:
        return self.client.list(self.cls, namespace="default", labels={"count": str(count)})

    def list_names(self, count: int) -> None:
        # Kept, as the others keep it: the question is what a list costs.
        models = list(self._list(count))
        for model in models:
            model.metadata.name, model.status.conditions[1].status

    def list_all(self, count: int) -> None:
        read_all(list(self._list(count)))

    def list_keep(self, count: int) -> object:
        return list(self._list(count))

    def watch(self, count: int) -> None:
        events = self.client.watch(self.cls, namespace="default", labels={"count": str(count)})
        for _, model in itertools.islice(events, count):
            model.metadata.name, model.status.conditions[1].status

    def aget(self, count: int) -> None:
        asyncio.run(self._flood(count, create=False))

    def acreate(self, count: int) -> None:
        asyncio.run(self._flood(count, create=True))

    async def _flood(self, count: int, *, create: bool) -> None:
        import lightkube

        client = lightkube.AsyncClient()
        if create:
            await flood(count, lambda: client.create(self.body, namespace="default"))
        else:
            await flood(
                count, lambda: client.get(self.cls, name="model-000001", namespace="default")
            )
        await client.close()


class Official:
    """The official client's custom objects API, which gives dicts."""

    label: ClassVar[str] = "kubernetes, dicts"
    path: ClassVar[tuple[str, ...]] = ("registry.matrixinfer.ai", "v1alpha1", "default", "models")

    def __init__(self, url: str) -> None:
        from kubernetes import client, config

        self.config = kubeconfig(url)
        config.load_kube_config(self.config)
        self.api = client.CustomObjectsApi()

    def get(self, count: int) -> None:
        for _ in range(count):
            self.api.get_namespaced_custom_object(*self.path, "model-000001")

    def create(self, count: int) -> None:
        body = data.wanted(1)
        for _ in range(count):
            self.api.create_namespaced_custom_object(*self.path, body)

    def list_names(self, count: int) -> None:
        found: Any = self.api.list_namespaced_custom_object(
            *self.path, label_selector=selector(count)
        )
        for model in found["items"]:
            model["metadata"]["name"], model["status"]["conditions"][1]["status"]

    def aget(self, count: int) -> None:
        asyncio.run(self._flood(count, create=False))

    def acreate(self, count: int) -> None:
        asyncio.run(self._flood(count, create=True))

    async def _flood(self, count: int, *, create: bool) -> None:
        from kubernetes_asyncio import client, config

        await config.load_kube_config(self.config)
        async with client.ApiClient() as connection:
            api = client.CustomObjectsApi(connection)
            body = data.wanted(1)
            if create:
                job = lambda: api.create_namespaced_custom_object(*self.path, body)  # noqa: E731
            else:
                job = lambda: api.get_namespaced_custom_object(*self.path, "model-000001")  # noqa: E731
            await flood(count, job)


CONTENDERS: dict[str, type[Any]] = {
    "ours": Ours,
    "floor": Floor,
    "httpx": Httpx,
    "lightkube": Lightkube,
    "official": Official,
}
