"""Objects that the tests of tables create on the real API server, and where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matrixinfer_client.testing.apiserver.catalog import ResourceType, catalog
from tests.fake.asking import Asker

__all__ = [
    "GROUP",
    "MAIN",
    "META",
    "POD",
    "POLICY",
    "TABLE",
    "core",
    "create",
    "path_of",
    "policy",
    "resource",
    "without_descriptions",
]

GROUP = "registry.matrixinfer.ai"
META = "g=meta.k8s.io;v=v1"
TABLE = f"application/json;as=Table;{META}"
MAIN = {"name": "main", "image": "i"}


def resource(api_version: str, kind: str) -> ResourceType:
    found = catalog().of_kind(api_version, kind)
    assert found is not None
    return found


def path_of(kind: ResourceType, place: str, name: str = "") -> str:
    root = f"/apis/{kind.kind.api_version}" if kind.kind.group else "/api/v1"
    scope = f"/namespaces/{place}" if kind.kind.namespaced else ""
    return f"{root}{scope}/{kind.kind.plural}" + (f"/{name}" if name else "")


def create(ask: Asker, place: str, obj: Mapping[str, Any]) -> None:
    """Create an object, and then write its status, if it has any."""
    kind = resource(obj["apiVersion"], obj["kind"])
    answer = ask("POST", path_of(kind, place), obj)
    assert answer.status == 201, answer.body
    if "status" in obj and kind.kind.kind != "Namespace":
        stored = {**answer.body, "status": obj["status"]}
        name = answer.body["metadata"]["name"]
        answer = ask("PUT", f"{path_of(kind, place, name)}/status", stored)
        assert answer.status == 200, answer.body


def core(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **fields}


def policy(name: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "AutoscalingPolicy",
        "metadata": {"name": name, "labels": {"team": "a"}},
        "spec": {"metrics": [{"metricName": "m", "targetValue": 10}]},
    }


def without_descriptions(found: Mapping[str, Any]) -> dict[str, Any]:
    """Ours differ; but every column has one."""
    columns: Sequence[Mapping[str, Any]] = found["columnDefinitions"] or ()
    assert all(column["description"] for column in columns)
    return {
        **found,
        "columnDefinitions": [{**column, "description": ""} for column in columns],
        "rows": [{**row, "cells": []} for row in found["rows"]],
    }


POLICY = resource(f"{GROUP}/v1alpha1", "AutoscalingPolicy")
POD = resource("v1", "Pod")
