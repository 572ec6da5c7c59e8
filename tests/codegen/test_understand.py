from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from codegen.document import DocumentError
from codegen.ir import Api, Named
from codegen.names import NamingError
from tests.codegen.documents import (
    META,
    PREFIX,
    document,
    kind_paths,
    kind_schemas,
    ref,
    types_of,
    understood,
)

EXTENSION = "x-kubernetes-custom-resource"


def gadget(namespaced: bool = True, **properties: Any) -> dict[str, Any]:
    return document(
        kind_schemas("Gadget", **properties), kind_paths("Gadget", "gadgets", namespaced)
    )


def modules_of(api: Api) -> dict[str, str]:
    return {
        type_.name: f"{package.name}.{module.name}"
        for package in api.packages
        for module in package.modules
        for type_ in module.types
    }


def test_verbs_come_from_the_operations(tmp_path: Path) -> None:
    api = understood(gadget(), tmp_path)
    (resource,) = api.groups[0].resources
    assert resource.kind.verbs == ("get", "list")


def test_a_list_that_can_be_watched_gives_the_verb_watch(tmp_path: Path) -> None:
    raw = gadget()
    listed = next(iter(raw["paths"].values()))["get"]
    listed["parameters"] = [{"name": "watch", "in": "query", "schema": {"type": "boolean"}}]
    (resource,) = understood(raw, tmp_path).groups[0].resources
    assert resource.kind.verbs == ("get", "list", "watch")


def test_the_scope_comes_from_the_paths(tmp_path: Path) -> None:
    for namespaced in (True, False):
        (resource,) = understood(gadget(namespaced), tmp_path).groups[0].resources
        assert resource.kind.namespaced is namespaced


def test_a_kind_needs_no_extension_when_paths_say_everything(tmp_path: Path) -> None:
    (resource,) = understood(gadget(), tmp_path).groups[0].resources
    assert (resource.kind.singular, resource.kind.list_kind) == ("gadget", "GadgetList")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"plural": "gadgetry"}, "says plural 'gadgetry', the paths say 'gadgets'"),
        ({"scope": "Cluster"}, "says scope 'Cluster', the paths say 'Namespaced'"),
        ({"subresources": ["status"]}, r"says subresources \['status'\], the paths say \[\]"),
        ({"singular": 'x"); import os #'}, "is not a singular"),
    ],
)
def test_an_extension_that_contradicts_the_paths_is_refused(
    tmp_path: Path, said: dict[str, Any], message: str
) -> None:
    raw = gadget()
    raw["components"]["schemas"][f"{PREFIX}.Gadget"][EXTENSION] = said
    with pytest.raises(DocumentError, match=message):
        understood(raw, tmp_path)


def test_a_custom_resource_that_no_path_serves_is_refused(tmp_path: Path) -> None:
    raw = document(kind_schemas("Gadget"))
    raw["components"]["schemas"][f"{PREFIX}.Gadget"][EXTENSION] = {"plural": "gadgets"}
    with pytest.raises(DocumentError, match="Gadget' is a custom resource, but no path serves it"):
        understood(raw, tmp_path)


def test_a_kind_without_a_list_is_refused(tmp_path: Path) -> None:
    raw = gadget()
    del raw["components"]["schemas"][f"{PREFIX}.GadgetList"]
    with pytest.raises(DocumentError, match=r"exactly one schema .*'GadgetList'\), not 0"):
        understood(raw, tmp_path)


def test_one_plural_for_two_kinds_is_refused(tmp_path: Path) -> None:
    raw = gadget()
    *_, last = raw["paths"].values()
    last["get"]["x-kubernetes-group-version-kind"]["kind"] = "Widget"
    with pytest.raises(DocumentError, match=r"must be one kind, not \['Gadget', 'Widget'\]"):
        understood(raw, tmp_path)


def test_a_kind_whose_metadata_is_not_an_object_meta_is_refused(tmp_path: Path) -> None:
    raw = gadget()
    schema = raw["components"]["schemas"][f"{PREFIX}.Gadget"]
    schema["properties"]["metadata"] = {"type": "object"}
    with pytest.raises(DocumentError, match="metadata must refer to the component of ObjectMeta"):
        understood(raw, tmp_path)


def test_metadata_and_spec_of_a_kind_are_required_and_status_is_not(tmp_path: Path) -> None:
    raw = gadget(spec={"type": "object"}, status={"type": "object"}, value={"type": "string"})
    raw["components"]["schemas"][f"{PREFIX}.Gadget"]["required"] = ["status", "value"]
    fields = {
        one.name: one.required for one in types_of(understood(raw, tmp_path))["Gadget"].fields
    }
    assert fields == {
        "api_version": False,
        "kind": False,
        "metadata": True,
        "spec": True,
        "value": True,
        "status": False,
    }


def test_what_is_required_and_has_a_default_may_be_left_out(tmp_path: Path) -> None:
    properties = {"size": {"type": "integer", "default": 1}, "name": {"type": "string"}}
    hose = {"type": "object", "required": ["size", "name"], "properties": properties}
    fields = types_of(understood(document({f"{PREFIX}.Hose": hose}), tmp_path))["Hose"].fields
    assert {field.name: field.required for field in fields} == {"size": False, "name": True}


def test_a_type_goes_where_its_users_are(tmp_path: Path) -> None:
    leaf = {"type": "object", "properties": {"name": {"type": "string"}}}
    spec = {"properties": {"own": ref(f"{PREFIX}.Own"), "both": ref(f"{PREFIX}.Both")}}
    raw = document(
        {
            **kind_schemas("Gadget", spec=spec),
            **kind_schemas("Widget", spec=ref(f"{PREFIX}.Both")),
            **{f"{PREFIX}.{name}": leaf for name in ("Own", "Both", "Nobodys")},
        },
        kind_paths("Gadget", "gadgets") | kind_paths("Widget", "widgets"),
    )
    assert modules_of(understood(raw, tmp_path)) == {
        "Gadget": "gadgets_v1.gadget",
        "GadgetList": "gadgets_v1.gadget",
        "GadgetSpec": "gadgets_v1.gadget",
        "Own": "gadgets_v1.gadget",
        "Widget": "gadgets_v1.widget",
        "WidgetList": "gadgets_v1.widget",
        "Both": "gadgets_v1.common",
        "Nobodys": "gadgets_v1.common",
        "ListMeta": "meta_v1.list_meta",
        "ObjectMeta": "meta_v1.object_meta",
    }


def test_a_type_may_contain_itself(tmp_path: Path) -> None:
    tree = {"type": "object", "properties": {"left": ref(f"{PREFIX}.Tree")}}
    (field,) = types_of(understood(document({f"{PREFIX}.Tree": tree}), tmp_path))["Tree"].fields
    assert field.annotation == Named("gadgets_v1", "Tree")


@pytest.mark.parametrize(
    ("schemas", "message"),
    [
        (
            {f"{PREFIX}.A": {"properties": {"b": ref(f"{PREFIX}.Absent")}}},
            "there is no schema 'com.example.gadgets.v1.Absent'",
        ),
        (
            {f"{PREFIX}.A": {"properties": {"b": {"$ref": "other.yaml#/A"}}}},
            "only references to #/components/schemas/",
        ),
        (
            {
                f"{PREFIX}.A": {"allOf": [ref("com.example.B")]},
                "com.example.B": {"allOf": [ref(f"{PREFIX}.A")]},
            },
            "refers to itself",
        ),
        (
            {
                f"{PREFIX}.A": {"properties": {"b": ref("com.example.B")}},
                "com.example.B": {"properties": {"c": {"type": "string"}}},
            },
            "'com.example.B' has properties, but its name says no version",
        ),
    ],
)
def test_references_that_lead_nowhere_are_refused(
    tmp_path: Path, schemas: dict[str, Any], message: str
) -> None:
    with pytest.raises(DocumentError, match=message):
        understood(document(schemas), tmp_path)


@pytest.mark.parametrize(
    ("schemas", "message"),
    [
        (
            {f"{PREFIX}.A": {"properties": {"podIP": {"type": "string"}, "podIp": {}}}},
            "A: 'podIP' and 'podIp' would both be 'pod_ip'",
        ),
        (
            {
                f"{name}.things.v1.A": {"properties": {"b": {"type": "string"}}}
                for name in ("com.one", "com.two")
            },
            "'com.one.things.v1.A' and 'com.two.things.v1.A' would both be 'A'",
        ),
        (
            {
                f"{PREFIX}.A": {"properties": {"mode": {"title": "Mode", "enum": ["a"]}}},
                f"{PREFIX}.B": {"properties": {"mode": {"title": "Mode", "enum": ["b"]}}},
            },
            "two enums with different values would be 'Mode'",
        ),
        (
            {
                f"{PREFIX}.A": {"properties": {"mode": {"title": "B", "enum": ["a"]}}},
                f"{PREFIX}.B": {"properties": {"c": {"type": "string"}}},
            },
            "an object and an enum would both be 'B'",
        ),
        (
            {
                f"{PREFIX}.A": {"properties": {"b": {"properties": {"c": {"type": "string"}}}}},
                f"{PREFIX}.AB": {"properties": {"c": {"type": "string"}}},
            },
            "an inline object would be 'AB', which exists",
        ),
        (
            {
                f"{PREFIX}.HTTPGet": {"properties": {"c": {"type": "string"}}},
                f"{PREFIX}.HttpGet": {"properties": {"c": {"type": "string"}}},
            },
            "gadgets_v1: 'HTTPGet' and 'HttpGet' would both be 'http_get'",
        ),
    ],
)
def test_clashes_are_refused_and_told(
    tmp_path: Path, schemas: dict[str, Any], message: str
) -> None:
    with pytest.raises(NamingError, match=message):
        understood(document(schemas), tmp_path)


def test_two_groups_that_would_share_a_package_are_refused(tmp_path: Path) -> None:
    raw = gadget()
    other = document(kind_schemas("Widget"), kind_paths("Widget", "widgets"))
    text = str(other).replace("gadgets.example.com", "gadgets.example.org")
    replaced: dict[str, Any] = eval(text)  # noqa: S307
    raw["paths"] |= replaced["paths"]
    raw["components"]["schemas"] |= replaced["components"]["schemas"]
    with pytest.raises(NamingError, match="would both be the package 'gadgets_v1'"):
        understood(raw, tmp_path)


def test_the_core_group_has_no_group_in_its_api_version(tmp_path: Path) -> None:
    text = str(gadget()).replace("/apis/gadgets.example.com/", "/api/")
    text = text.replace("'gadgets.example.com'", "''")
    raw: dict[str, Any] = eval(text)  # noqa: S307
    (group,) = understood(raw, tmp_path).groups
    assert group.api_version == "v1"
    assert group.resources[0].kind.group == ""


def test_list_metadata_is_never_asked_of_the_caller(tmp_path: Path) -> None:
    raw = gadget()
    raw["components"]["schemas"][f"{PREFIX}.GadgetList"]["required"] = ["metadata"]
    fields = types_of(understood(raw, tmp_path))["GadgetList"].fields
    required = {field.name: field.required for field in fields}
    assert required["items"]
    assert not required["metadata"]
    assert f"{META}.ListMeta" in raw["components"]["schemas"]
