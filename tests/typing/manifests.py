"""Manifests: objects of mixed kinds from files, told apart by their class."""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_type

from matrixinfer_client import ApiObject, Client, crd_manifests, load_manifests
from matrixinfer_client.api.networking_v1alpha1 import ModelServer
from matrixinfer_client.api.registry_v1alpha1 import Model


def apply_all(client: Client, path: Path) -> None:
    for item in load_manifests(path):
        if isinstance(item, Model):
            assert_type(client.registry_v1alpha1.models().apply(item), Model)
        elif isinstance(item, ModelServer):
            assert_type(client.networking_v1alpha1.model_servers().apply(item), ModelServer)


def they_are_objects(path: str) -> list[ApiObject]:
    return list(load_manifests(path))


def definitions() -> list[dict[str, Any]]:
    return list(crd_manifests())
