"""A real API server takes the definitions that the package writes, and the codec its answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from matrixinfer_client import codec
from matrixinfer_client.api.meta_v1 import ObjectMeta
from matrixinfer_client.api.registry_v1alpha1 import (
    Model,
    ModelBackend,
    ModelList,
    ModelSpec,
    ModelWorker,
)
from matrixinfer_client.manifests import crd_manifests
from tests.cluster.server import ApiServer

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.mark.parametrize("descriptions", [False, True])
def test_definitions_are_accepted_as_structural(api_server: ApiServer, descriptions: bool) -> None:
    manifests = crd_manifests(descriptions=descriptions)
    api_server.install_crds(manifests)
    for manifest in manifests:
        status, stored = api_server.request("GET", f"{DEFINITIONS}/{manifest['metadata']['name']}")
        assert status == 200
        conditions = {each["type"]: each["status"] for each in stored["status"]["conditions"]}
        assert conditions["Established"] == "True"
        assert "NonStructuralSchema" not in conditions
        assert "KubernetesAPIApprovalPolicyConformant" not in conditions
        # What the server did not know it would have dropped.
        (sent,) = manifest["spec"]["versions"]
        (kept,) = stored["spec"]["versions"]
        assert kept["schema"] == sent["schema"]


def test_what_a_server_answers_survives_the_codec(api_server: ApiServer, namespace: str) -> None:
    path = f"/apis/registry.matrixinfer.ai/v1alpha1/namespaces/{namespace}/models"
    worker = ModelWorker(
        type="server", image="vllm/vllm-openai:v0.10.0", pods=1, config={"max-model-len": 4096}
    )
    backend = ModelBackend(
        name="b",
        type="vLLM",
        model_uri="hf://m",
        cache_uri="hostpath:///tmp/cache",
        min_replicas=0,
        max_replicas=1,
        workers=[worker],
    )
    model = Model(metadata=ObjectMeta(name="demo"), spec=ModelSpec(backends=[backend]))
    codec.check(model)
    status, created = api_server.request("POST", f"{path}?fieldValidation=Strict", model.to_dict())
    assert status == 201, created
    read = codec.decode(Model, json.dumps(created))
    assert touch(read).to_dict() == created
    status, listed = api_server.request("GET", path)
    assert status == 200
    models = codec.decode_list(ModelList, json.dumps(listed))
    assert [touch(each).name for each in models] == ["demo"]
    assert models.to_dict() == listed
    assert models.resource_version == listed["metadata"]["resourceVersion"]


def touch(model: Any) -> Any:
    """Decode all sections."""
    assert (model.metadata, model.spec, model.status) is not None
    return model
