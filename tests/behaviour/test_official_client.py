"""What this client writes the official one reads, and the reverse."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client import AsyncClient
from matrixinfer_client.api.core_v1 import EnvVar
from tests.behaviour.backends import Served
from tests.behaviour.samples import MODEL, SAMPLES, Sample, model_backend

kubernetes = pytest.importorskip("kubernetes")


@pytest.fixture
def official(served: Served) -> Any:
    configuration = kubernetes.client.Configuration()
    configuration.host = served.url
    configuration.ssl_ca_cert = str(served.ca_file)
    configuration.api_key = {"authorization": f"Bearer {served.token()}"}
    with kubernetes.client.ApiClient(configuration) as connection:
        yield kubernetes.client.CustomObjectsApi(connection)


def coordinates(sample: Sample, namespace: str) -> tuple[str, str, str, str]:
    kind = sample.cls.KIND
    return kind.group, kind.version, namespace, kind.plural


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.kind)
async def test_the_official_client_reads_what_this_one_wrote(
    client: AsyncClient, official: Any, namespace: str, sample: Sample
) -> None:
    written = await sample.resource(client, namespace).create(sample.typed("one"))
    read = official.get_namespaced_custom_object(*coordinates(sample, namespace), "one")
    assert read == written.to_dict()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.kind)
async def test_this_client_reads_what_the_official_one_wrote(
    client: AsyncClient, official: Any, namespace: str, sample: Sample
) -> None:
    written = official.create_namespaced_custom_object(
        *coordinates(sample, namespace), sample.mapping("one")
    )
    read = await sample.resource(client, namespace).get("one")
    assert read.to_dict() == written
    assert read == sample.cls.from_dict(written)


async def test_models_of_the_official_client_are_taken_where_a_mapping_is(
    client: AsyncClient, namespace: str
) -> None:
    resources = kubernetes.client.V1ResourceRequirements(limits={"nvidia.com/gpu": "1"})
    body = MODEL.mapping("one")
    body["spec"]["backends"][0]["workers"][0]["resources"] = resources
    body["spec"]["backends"][0]["env"] = [kubernetes.client.V1EnvVar(name="A", value="b")]
    made = await client.registry_v1alpha1.models(namespace).create(body)
    assert made.spec.backends[0].workers[0].resources is not None
    assert made.spec.backends[0].workers[0].resources.limits == {"nvidia.com/gpu": "1"}
    assert made.spec.backends[0].env == [EnvVar(name="A", value="b")]


async def test_metadata_of_the_official_client_is_looked_at_like_our_own(
    client: AsyncClient, namespace: str
) -> None:
    metadata = kubernetes.client.V1ObjectMeta(name="one", labels={"a": "b"})
    body = {"metadata": metadata, "spec": {"backends": [model_backend()]}}
    models = client.registry_v1alpha1.models(namespace)
    made = await models.create(body)
    assert (made.name, made.metadata.labels) == ("one", {"a": "b"})
    metadata.resource_version = made.metadata.resource_version
    assert (await models.update(body)).metadata.uid == made.metadata.uid


async def test_models_of_the_official_client_are_taken_inside_a_typed_object(
    client: AsyncClient, namespace: str
) -> None:
    typed: Any = MODEL.typed("one")
    typed.spec.backends[0].env = [kubernetes.client.V1EnvVar(name="A", value="b")]
    made = await client.registry_v1alpha1.models(namespace).create(typed)
    assert made.spec.backends[0].env == [EnvVar(name="A", value="b")]


async def test_a_configuration_of_the_official_client_makes_a_client(
    served: Served, official: Any, namespace: str
) -> None:
    from matrixinfer_client import config

    found = config.from_kubernetes(official.api_client.configuration)
    async with AsyncClient(found) as other:
        models = other.registry_v1alpha1.models(namespace)
        await models.create({"metadata": {"name": "one"}, "spec": {"backends": [model_backend()]}})
        assert await models.exists("one")
