"""What users get wrong: each is an error of ours, at once, that names the thing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from matrixinfer_client import (
    AsyncClient,
    ConfigError,
    EventHooks,
    InvalidArgumentError,
    InvalidObjectError,
    ManifestError,
    Retries,
    TransportError,
    TransportTimeout,
    load_manifests,
)
from matrixinfer_client.api.registry_v1alpha1 import Model
from tests.behaviour.backends import Served
from tests.behaviour.conftest import OpenClient
from tests.behaviour.samples import MODEL, MODEL_ROUTE, model_backend
from tests.conftest import Serve
from tests.loopback import HOST, closed_port, stall


@pytest.fixture
def sent() -> list[Any]:
    return []


@pytest.fixture
def models(open_client: OpenClient, namespace: str, sent: list[Any]) -> Any:
    client = open_client(event_hooks=EventHooks(request=[sent.append]))
    return client.registry_v1alpha1.models(namespace)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("default/demo", 'it contains "/"; give the name alone'),
        ("", "the name of a Model is empty"),
        (None, "the name of a Model must be a string, not NoneType"),
        (3, "the name of a Model must be a string, not int"),
        ("Demo", "did you mean 'demo'?"),
        ("../secrets", "cannot be the name of a Model"),
    ],
)
async def test_a_name_that_cannot_be_one_is_refused_by_every_verb(
    models: Any, sent: list[Any], name: Any, message: str
) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: models.get(name),
        lambda: models.exists(name),
        lambda: models.delete(name),
        lambda: models.patch(name, {}),
        lambda: models.mutate(name, lambda _: None),
    ]
    for call in calls:
        with pytest.raises(InvalidArgumentError) as caught:
            await call()
        assert message in str(caught.value)
    assert sent == []


async def test_a_name_in_an_object_is_looked_at_as_well(models: Any, sent: list[Any]) -> None:
    for verb in (models.create, models.apply, models.create_or_update):
        with pytest.raises(InvalidArgumentError, match="did you mean 'my-model'"):
            await verb(MODEL.mapping("My_Model"))
    assert sent == []


async def test_an_object_without_a_name_says_what_is_missing(models: Any, sent: list[Any]) -> None:
    body = MODEL.mapping("x")
    body["metadata"] = {}
    with pytest.raises(InvalidObjectError) as create:
        await models.create(body)
    assert str(create.value) == (
        "invalid Model: metadata.name: required (or metadata.generateName)"
    )
    with pytest.raises(InvalidObjectError, match=r"invalid Model: metadata\.name: required"):
        await models.apply(body)
    with pytest.raises(InvalidObjectError, match=r"invalid Model: metadata\.name: required"):
        await models.update(body)
    assert sent == []


@pytest.mark.parametrize("namespace_given", ["Team-A", "a/b", "", 7])
async def test_a_namespace_that_cannot_be_one_is_refused(
    client: AsyncClient, namespace_given: Any
) -> None:
    with pytest.raises(InvalidArgumentError, match="namespace"):
        await client.registry_v1alpha1.models(namespace_given).list()
    with pytest.raises(InvalidArgumentError, match="namespace"):
        client.with_options(namespace=namespace_given)


async def test_a_field_of_the_wrong_type_is_named_with_its_place(
    models: Any, sent: list[Any]
) -> None:
    typed: Any = MODEL.typed("one")
    typed.spec.backends[0].min_replicas = "one"
    typed.spec.backends[0].workers[0].image = 5
    for verb in (models.create, models.apply):
        with pytest.raises(InvalidObjectError) as caught:
            await verb(typed)
        paths = [problem.path for problem in caught.value.problems]
        assert paths == ["spec.backends[0].minReplicas", "spec.backends[0].workers[0].image"]
        assert "'one'" in str(caught.value)
    assert sent == []


async def test_a_value_that_json_does_not_have_is_named_with_its_place(
    models: Any, sent: list[Any]
) -> None:
    body = MODEL.mapping("one")
    body["spec"]["backends"][0]["workers"][0]["config"] = {"set": {1}}
    with pytest.raises(InvalidObjectError) as caught:
        await models.create(body)
    assert caught.value.problems[0].path == "spec.backends[0].workers[0].config.set"
    assert sent == []


async def test_an_object_of_another_kind_is_refused(models: Any, sent: list[Any]) -> None:
    for wrong in (MODEL_ROUTE.typed("one"), MODEL_ROUTE.mapping("one")):
        with pytest.raises(InvalidArgumentError) as caught:
            await models.create(wrong)
        assert "models takes a Model or a mapping with apiVersion" in str(caught.value)
        assert "ModelRoute" in str(caught.value)
    for nonsense in ("name: one", None, [MODEL.mapping("one")]):
        with pytest.raises(InvalidArgumentError, match="models takes a Model or a mapping"):
            await models.create(nonsense)
    assert sent == []


async def test_an_update_needs_the_version_that_was_read(models: Any, sent: list[Any]) -> None:
    with pytest.raises(InvalidObjectError) as caught:
        await models.update(MODEL.mapping("one"))
    assert str(caught.value) == (
        "invalid Model 'one': metadata.resourceVersion: required for an update: read the object, "
        "change it and update that, or use mutate(), patch() or apply()"
    )
    assert sent == []


async def test_creating_what_was_read_says_to_update_it(models: Any) -> None:
    created = await models.create(MODEL.mapping("one"))
    with pytest.raises(InvalidObjectError, match="use update for an object that exists"):
        await models.create(created)


async def test_a_patch_that_is_neither_kind_of_patch_is_refused(
    models: Any, sent: list[Any]
) -> None:
    with pytest.raises(InvalidArgumentError, match="operation 1 must be a mapping with op"):
        await models.patch("one", [{"op": "remove", "path": "/a"}, {"path": "/b"}])
    for wrong in ('{"spec": {}}', b"{}", None, 5, MODEL.typed("one")):
        with pytest.raises(InvalidArgumentError, match="a patch is a mapping"):
            await models.patch("one", wrong)
    assert sent == []


@pytest.mark.parametrize("timeout", [0, -1, "5", True])
async def test_a_timeout_that_is_none_is_refused(models: Any, timeout: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="timeout must be a number of seconds above 0"):
        await models.list(timeout=timeout)


async def test_a_subresource_that_the_kind_has_not_is_refused(models: Any, sent: list[Any]) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await models.get("one", subresource="scale")
    assert str(caught.value) == "Model has no subresource 'scale' (it has: status)"
    assert sent == []


def test_a_manifest_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"no-such\.yaml"):
        list(load_manifests(tmp_path / "no-such.yaml"))


async def test_a_context_that_does_not_exist_is_named_with_those_that_do(
    open_client: OpenClient, served: Served
) -> None:
    path = served.kubeconfig()
    with pytest.raises(ConfigError) as caught:
        open_client({"kubeconfig": path, "context": "production"})
    assert "production" in str(caught.value)
    assert str(path) in str(caught.value)
    assert "test" in str(caught.value)


async def test_a_kubeconfig_without_a_current_context_says_so(
    open_client: OpenClient, served: Served
) -> None:
    path = served.kubeconfig()
    document = yaml.safe_load(path.read_text())
    del document["current-context"]
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(ConfigError, match="current-context"):
        open_client({"kubeconfig": path})


async def test_an_unreachable_server_is_named_with_the_kubeconfig_that_named_it(
    open_client: OpenClient, served: Served
) -> None:
    path = served.kubeconfig()
    document = yaml.safe_load(path.read_text())
    url = f"https://{HOST}:{closed_port()}"
    document["clusters"][0]["cluster"]["server"] = url
    path.write_text(yaml.safe_dump(document))
    client = open_client({"kubeconfig": path}, retries=Retries(attempts=2, backoff=0))
    with pytest.raises(TransportError) as caught:
        await client.registry_v1alpha1.models("default").create(MODEL.mapping("one"))
    assert str(caught.value).startswith(f"cannot reach {url} (")
    assert "connection refused" in str(caught.value)
    assert str(path) in str(caught.value)


async def test_a_server_that_hangs_ends_in_a_timeout(open_client: OpenClient, serve: Serve) -> None:
    server = serve(stall)
    client = open_client({"server": server.url}, timeout=0.2)
    models = client.registry_v1alpha1.models("default")
    with pytest.raises(TransportTimeout, match="no answer in time from"):
        await models.list()
    with pytest.raises(TimeoutError):
        await models.list(timeout=0.1)
    assert server.methods == ["GET", "GET"]


async def test_contradictions_are_refused_when_the_client_is_made(
    open_client: OpenClient, served: Served
) -> None:
    with pytest.raises(InvalidArgumentError, match="in one way only, not by kubeconfig or context"):
        open_client({"kubeconfig": served.kubeconfig(), "server": served.url})
    with pytest.raises(InvalidArgumentError, match="token only goes together with server="):
        open_client({"kubeconfig": served.kubeconfig(), "token": "x"})
    with pytest.raises(InvalidArgumentError, match="must be Strict, Warn or Ignore, not 'strict'"):
        open_client({"server": served.url}, field_validation="strict")


async def test_a_typed_object_may_be_built_from_parts_of_both_sorts(
    models: Any,
) -> None:
    typed = MODEL.typed("one")
    mixed = {"metadata": typed.metadata, "spec": {"backends": [model_backend()]}}
    assert (await models.create(mixed)).name == "one"
    other = Model.from_dict(MODEL.mapping("two"))
    created = await models.create({"metadata": {"name": "two"}, "spec": other.spec})
    assert created.spec.backends[0].name == "b1"


def typed_with(metadata: Any) -> Any:
    typed: Any = MODEL.typed("one")
    typed.metadata = metadata
    return typed


async def test_metadata_that_is_none_is_refused(models: Any, sent: list[Any]) -> None:
    for metadata in ("one", ["one"], 1):
        bodies: list[Any] = [{"metadata": metadata, "spec": {}}, typed_with(metadata)]
        for body in bodies:
            with pytest.raises(InvalidObjectError, match=r"metadata: must be a mapping, not"):
                await models.create(body)
    assert sent == []
