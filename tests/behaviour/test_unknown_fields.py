"""What the client does not know survives reading, changing and writing."""

from __future__ import annotations

import copy
import pickle
from typing import Any

from matrixinfer_client import AsyncClient
from matrixinfer_client.api.registry_v1alpha1 import Model
from tests.behaviour.backends import Backend
from tests.behaviour.samples import MODEL

CONFIG = {
    "max-model-len": 12288,
    "served_model_name": "demo",
    "nested": {"camelCase": [1, 2.5, "x", True, None, {"deep": {}}], "": "empty key"},
    "big": 2**53 + 1,
    "zero": 0,
    "text": 'ünïcödé \u2028 "quoted"',
}


def body() -> dict[str, Any]:
    made = MODEL.mapping("one")
    made["spec"]["backends"][0]["workers"][0]["config"] = copy.deepcopy(CONFIG)
    return made


async def test_free_form_json_comes_back_as_it_was_given(
    client: AsyncClient, backend: Backend, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(body())
    read = await models.get("one")
    assert read.spec.backends[0].workers[0].config == CONFIG
    read.spec.owner = "anna"
    await models.update(read)
    _, stored = backend.request("GET", MODEL.path(namespace, "one"))
    assert stored["spec"]["backends"][0]["workers"][0]["config"] == CONFIG


async def test_free_form_json_is_changed_in_place(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    model = await models.create(Model.from_dict(body()))
    config = model.spec.backends[0].workers[0].config
    config["nested"]["camelCase"].append("more")
    del config["zero"]
    updated = await models.update(model)
    assert updated.spec.backends[0].workers[0].config == config


async def test_an_object_that_nobody_looked_into_goes_back_as_it_came(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(body())
    before = await models.get("one")
    (listed,) = await models.list()
    after = await models.update(listed)
    assert after == before, "an update with the same content changes nothing"


async def test_fields_of_a_newer_server_survive_at_every_depth(
    client: AsyncClient, backend: Backend, namespace: str
) -> None:
    # The platform's schema prunes what it does not know, but metadata and managedFields have more
    # than any client models; here the client plays the older one.
    models = client.registry_v1alpha1.models(namespace)
    model = await models.create(Model.from_dict(body()))
    wire = model.to_dict()
    wire["spec"]["future"] = {"a": [1]}
    wire["spec"]["backends"][0]["future"] = "b"
    wire["metadata"]["future"] = True
    wire["future"] = None
    older = Model.from_dict(wire)
    older.spec.owner = "anna"
    changed = pickle.loads(pickle.dumps(copy.deepcopy(older)))  # noqa: S301
    sent = changed.to_dict()
    assert sent["spec"]["future"] == {"a": [1]}
    assert sent["spec"]["backends"][0]["future"] == "b"
    assert sent["metadata"]["future"] is True
    updated = await models.update(changed, field_validation="Ignore")
    assert updated.spec.owner == "anna"
    _, stored = backend.request("GET", MODEL.path(namespace, "one"))
    assert "future" not in stored["spec"]


async def test_what_others_own_is_read_with_its_field_sets(
    client: AsyncClient, backend: Backend, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    model = await models.create(Model.from_dict(body()))
    _, stored = backend.request("GET", MODEL.path(namespace, "one"))
    assert model.to_dict()["metadata"]["managedFields"] == stored["metadata"]["managedFields"]


async def test_large_objects_are_written_and_read(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    large = body()
    text = "".join(chr(97 + number % 26) for number in range(900_000))
    large["spec"]["backends"][0]["workers"][0]["config"] = {"text": text}
    await models.create(large)
    read = await models.get("one")
    assert read.spec.backends[0].workers[0].config == {"text": text}
    (listed,) = await models.list()
    assert listed == read
