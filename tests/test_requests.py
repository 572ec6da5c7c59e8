"""From verb and arguments to the request: path, query, content type, body."""

from __future__ import annotations

import json
from typing import Any

import pytest

from matrixinfer_client import requests
from matrixinfer_client.api.meta_v1 import ObjectMeta
from matrixinfer_client.api.networking_v1alpha1 import (
    ModelServer,
    ModelServerList,
    ModelServerSpec,
    WorkloadSelector,
)
from matrixinfer_client.errors import InvalidArgumentError, InvalidObjectError
from matrixinfer_client.flows import NO_TIMEOUT, Request
from matrixinfer_client.kinds import Kind
from matrixinfer_client.models import ApiList, ApiObject, model, wire
from matrixinfer_client.names import ALL_NAMESPACES
from matrixinfer_client.targets import (
    ListOptions,
    Options,
    Preconditions,
    Target,
    WriteOptions,
)

ROOT = "/apis/networking.matrixinfer.ai/v1alpha1"
WRITE = "fieldManager=matrixinfer-client&fieldValidation=Strict"
DEFAULTS = WriteOptions()


def target(namespace: Any = "prod", **options: Any) -> Target[ModelServer, ModelServerList]:
    return Target(ModelServer, ModelServerList, namespace, Options(**options))


def server(**metadata: Any) -> ModelServer:
    return ModelServer(
        metadata=ObjectMeta(**metadata),
        spec=ModelServerSpec(inference_engine="vLLM", workload_selector=WorkloadSelector()),
    )


def body(request: Request) -> Any:
    assert request.body is not None
    return json.loads(request.body)


def test_every_verb_has_its_method_and_path() -> None:
    named = server(name="one", resource_version="7")
    made = {
        "create": requests.create(target(), server(name="one"), DEFAULTS),
        "get": requests.get(target(), "one"),
        "list": requests.list_(target(), ListOptions()),
        "update": requests.update(target(), named, DEFAULTS),
        "update status": requests.update(target(), named, DEFAULTS, "status"),
        "patch": requests.patch(target(), "one", {}, DEFAULTS),
        "patch status": requests.patch(target(), "one", {}, DEFAULTS, "status"),
        "apply": requests.apply(target(), named, DEFAULTS, force=False),
        "apply status": requests.apply(
            target(), named, DEFAULTS, force=False, subresource="status"
        ),
        "delete": requests.delete(target(), "one", {}),
        "delete collection": requests.delete_collection(target(), {}, ListOptions()),
    }
    collection = f"{ROOT}/namespaces/prod/modelservers"
    assert {verb: f"{request.method} {request.path}" for verb, request in made.items()} == {
        "create": f"POST {collection}",
        "get": f"GET {collection}/one",
        "list": f"GET {collection}",
        "update": f"PUT {collection}/one",
        "update status": f"PUT {collection}/one/status",
        "patch": f"PATCH {collection}/one",
        "patch status": f"PATCH {collection}/one/status",
        "apply": f"PATCH {collection}/one",
        "apply status": f"PATCH {collection}/one/status",
        "delete": f"DELETE {collection}/one",
        "delete collection": f"DELETE {collection}",
    }


def test_only_what_may_be_done_twice_is_repeatable() -> None:
    named = server(name="one", resource_version="7")
    repeatable = [
        requests.get(target(), "one"),
        requests.list_(target(), ListOptions()),
        requests.apply(target(), named, DEFAULTS, force=False),
    ]
    once = [
        requests.create(target(), server(name="one"), DEFAULTS),
        requests.update(target(), named, DEFAULTS),
        requests.patch(target(), "one", {}, DEFAULTS),
        requests.delete(target(), "one", {}),
        requests.delete_collection(target(), {}, ListOptions()),
    ]
    assert all(request.repeatable for request in repeatable)
    assert not any(request.repeatable for request in once)


def test_all_namespaces_have_one_collection() -> None:
    request = requests.list_(target(ALL_NAMESPACES), ListOptions())
    assert request.path == f"{ROOT}/modelservers"


def test_kinds_of_the_core_group_and_without_a_namespace_have_their_own_paths() -> None:
    @model
    class Node(ApiObject):
        KIND = Kind(group="", version="v1", kind="Node", plural="nodes", singular="node",
                    namespaced=False)  # fmt: skip
        api_version: str = wire("apiVersion", default="v1")
        kind: str = "Node"
        metadata: ObjectMeta

    nodes: Target[Node, ApiList[Node]] = Target(Node, ApiList, None, Options())
    assert requests.get(nodes, "worker-1").path == "/api/v1/nodes/worker-1"
    assert requests.list_(nodes, ListOptions()).path == "/api/v1/nodes"
    with pytest.raises(InvalidArgumentError, match=r"no subresource 'status' \(it has: none\)"):
        requests.get(nodes, "worker-1", subresource="status")


def test_writes_say_who_writes_and_that_unknown_fields_are_errors() -> None:
    assert requests.create(target(), server(name="one"), DEFAULTS).query == WRITE


@pytest.mark.parametrize(
    ("client", "call", "expected"),
    [
        ({}, {"dry_run": True}, f"{WRITE}&dryRun=All"),
        ({"dry_run": True}, {}, f"{WRITE}&dryRun=All"),
        ({"dry_run": True}, {"dry_run": False}, WRITE),
        ({}, {"field_manager": "a b&c"}, "fieldManager=a+b%26c&fieldValidation=Strict"),
        ({"field_manager": "ci"}, {}, "fieldManager=ci&fieldValidation=Strict"),
        (
            {"field_validation": "Ignore"},
            {"field_validation": "Warn"},
            "fieldManager=matrixinfer-client&fieldValidation=Warn",
        ),
    ],
)
def test_options_of_a_call_come_before_those_of_the_client(
    client: dict[str, Any], call: dict[str, Any], expected: str
) -> None:
    request = requests.create(target(**client), server(name="one"), WriteOptions(**call))
    assert request.query == expected


def test_timeouts_of_a_call_come_before_those_of_the_client() -> None:
    assert requests.get(target(timeout=5), "one").timeout == 5
    assert requests.get(target(timeout=5), "one", timeout=1).timeout == 1
    assert requests.get(target(timeout=5), "one", timeout=NO_TIMEOUT).timeout is NO_TIMEOUT
    assert requests.get(target(), "one").timeout is None


def test_a_list_says_which_objects_and_as_of_when() -> None:
    options = ListOptions(
        label_selector="app in (a, b),!c",
        field_selector={"metadata.name": "one"},
        limit=10,
        continue_token="a/b=",
        resource_version="0",
        resource_version_match="NotOlderThan",
    )
    assert requests.list_(target(), options).query == (
        "labelSelector=app+in+%28a%2C+b%29%2C%21c&fieldSelector=metadata.name%3Done&limit=10"
        "&continue=a%2Fb%3D&resourceVersion=0&resourceVersionMatch=NotOlderThan"
    )
    assert requests.list_(target(), ListOptions()).query == ""


def test_a_get_may_ask_for_a_version() -> None:
    assert requests.get(target(), "one", resource_version="0").query == "resourceVersion=0"
    assert requests.get(target(), "one").query == ""


def test_a_mapping_is_a_merge_patch_and_a_list_a_json_patch() -> None:
    merge = requests.patch(target(), "one", {"spec": {"model": None}}, DEFAULTS)
    assert merge.content_type == "application/merge-patch+json"
    assert body(merge) == {"spec": {"model": None}}
    operations = [{"op": "remove", "path": "/spec/model"}]
    for given in (operations, tuple(operations), []):
        patch = requests.patch(target(), "one", given, DEFAULTS)
        assert patch.content_type == "application/json-patch+json"
        assert body(patch) == list(given)


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (7, "operation 1 must be a mapping with op, path and value, got 7"),
        ({"path": "/spec"}, "operation 1 must be a mapping with op, path and value"),
        ({"op": "remove"}, "operation 1 must be a mapping with op, path and value"),
        (
            {"op": "rm", "path": "/spec"},
            "operation 1: op must be one of add, copy, move, remove, replace, test, not 'rm'",
        ),
        ({"op": ["add"], "path": "/spec"}, "operation 1: op must be one of"),
        (
            {"op": "remove", "path": "spec.owner"},
            "operation 1: path must be a JSON pointer such as '/spec/owner', not 'spec.owner'",
        ),
        ({"op": "remove", "path": 3}, "operation 1: path must be a JSON pointer"),
        ({"op": "add", "path": "/spec"}, "operation 1: add needs 'value', got"),
        ({"op": "move", "path": "/spec"}, "operation 1: move needs 'from', got"),
    ],
)
def test_an_operation_that_the_server_would_refuse_without_a_word_is_named(
    operation: Any, message: str
) -> None:
    good = {"op": "add", "path": "", "value": None}
    with pytest.raises(InvalidArgumentError) as caught:
        requests.patch(target(), "one", [good, operation], DEFAULTS)
    assert str(caught.value).startswith(f"JSON patch: {message}")


def test_options_of_one_call_are_checked_like_the_clients() -> None:
    wrong: Any = "strict"
    with pytest.raises(InvalidArgumentError, match="must be Strict, Warn or Ignore, not 'strict'"):
        requests.create(target(), server(name="one"), WriteOptions(field_validation=wrong))
    with pytest.raises(InvalidArgumentError, match="must be Exact or NotOlderThan, not 'strict'"):
        requests.list_(target(), ListOptions(resource_version="1", resource_version_match=wrong))


def test_an_apply_leaves_out_what_the_server_refuses_in_one() -> None:
    read = server(name="one", resource_version="7")
    read.metadata.managed_fields = []
    plain = read.to_dict()
    plain["metadata"]["managedFields"] = [{"manager": "x"}]
    for given in (ModelServer.from_dict(plain), plain):
        request = requests.apply(target(), given, DEFAULTS, force=True)
        assert request.content_type == "application/apply-patch+yaml"
        assert request.query == f"{WRITE}&force=true"
        assert "managedFields" not in body(request)["metadata"]
        assert body(request)["spec"] == plain["spec"]
    assert plain["metadata"]["managedFields"] == [{"manager": "x"}]


def test_a_mapping_is_completed_and_not_changed() -> None:
    given = {"metadata": {"name": "one"}, "spec": {}}
    request = requests.create(target(), given, DEFAULTS)
    assert body(request) == {
        "apiVersion": "networking.matrixinfer.ai/v1alpha1",
        "kind": "ModelServer",
        **given,
    }
    assert given == {"metadata": {"name": "one"}, "spec": {}}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"apiVersion": "v1"}, "but got apiVersion 'v1', kind None"),
        ({"kind": "Model"}, "but got apiVersion None, kind 'Model'"),
        ([], "but got a list"),
        (None, "but got a NoneType"),
    ],
)
def test_what_is_of_another_kind_says_what_was_expected(given: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        requests.create(target(), given, DEFAULTS)
    assert str(caught.value) == (
        "modelservers takes a ModelServer or a mapping with apiVersion "
        f"'networking.matrixinfer.ai/v1alpha1' and kind 'ModelServer', {message}"
    )


def test_delete_options_hold_what_was_given_and_nothing_else() -> None:
    none: dict[str, Any] = {
        "grace_period_seconds": None,
        "propagation_policy": None,
        "preconditions": None,
        "dry_run": None,
    }
    empty = {"apiVersion": "v1", "kind": "DeleteOptions"}
    assert requests.delete_options(target(), **none) == empty
    assert requests.delete_options(target(dry_run=True), **none) == {**empty, "dryRun": ["All"]}
    given = {
        "grace_period_seconds": 0,
        "propagation_policy": "Orphan",
        "preconditions": Preconditions(uid="u"),
        "dry_run": False,
    }
    assert requests.delete_options(target(dry_run=True), **{**none, **given}) == {
        **empty,
        "gracePeriodSeconds": 0,
        "propagationPolicy": "Orphan",
        "preconditions": {"uid": "u"},
    }


def test_a_name_is_needed_where_there_is_nothing_to_take_it_from() -> None:
    generated = requests.create(target(), server(generate_name="x-"), DEFAULTS)
    assert body(generated)["metadata"] == {"generateName": "x-"}
    with pytest.raises(InvalidObjectError, match=r"metadata\.name: required: apply creates"):
        requests.apply(target(), server(generate_name="x-"), DEFAULTS, force=False)
    with pytest.raises(InvalidObjectError, match=r"metadata\.name: required"):
        requests.update(target(), server(resource_version="7"), DEFAULTS)


def test_create_or_update_finds_a_wrong_type_before_anything_is_sent() -> None:
    from matrixinfer_client import InvalidObjectError, verbs
    from matrixinfer_client.api.meta_v1 import ObjectMeta
    from matrixinfer_client.api.registry_v1alpha1 import Model, ModelList, ModelSpec
    from matrixinfer_client.targets import Options, Target, WriteOptions

    wrong: Any = 7
    model = Model(metadata=ObjectMeta(name="one"), spec=ModelSpec(backends=[], owner=wrong))
    flow = verbs.create_or_update(Target(Model, ModelList, None, Options()), model, WriteOptions())
    with pytest.raises(InvalidObjectError, match=r"spec\.owner: expected str, got int 7"):
        next(flow)
