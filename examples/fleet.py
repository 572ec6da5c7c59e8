"""Code under test: a few Models that a team keeps on a cluster.

`test_fleet.py` beside it tests it with the fixtures of `matrixinfer_client.testing`, without a
cluster.
"""

from __future__ import annotations

from collections.abc import Mapping

from matrixinfer_client import AsyncClient, Client, ConflictError, NotFoundError, WaitError
from matrixinfer_client.api.core_v1 import ResourceRequirements
from matrixinfer_client.api.meta_v1 import ObjectMeta
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelBackend, ModelSpec, ModelWorker

OWNER = "fleet"


class NotServingError(Exception):
    """A Model does not serve; the text says why and what to do."""


def model(name: str, uri: str, *, gpus: int = 1) -> Model:
    """One vLLM server for a model from a hub."""
    worker = ModelWorker(
        type="server",
        image="vllm/vllm-openai:v0.10.0",
        replicas=1,
        pods=1,
        resources=ResourceRequirements(limits={"nvidia.com/gpu": gpus}),
        config={},
    )
    backend = ModelBackend(
        name="server",
        type="vLLM",
        model_uri=uri,
        cache_uri="hostpath:///var/cache/models",
        min_replicas=1,
        max_replicas=1,
        workers=[worker],
    )
    return Model(
        metadata=ObjectMeta(name=name, labels={"owner": OWNER}), spec=ModelSpec(backends=[backend])
    )


def deploy(client: Client, wanted: Mapping[str, str]) -> list[str]:
    """Create what is missing of these Models (name and URI), remove what is not wanted any more.

    Returns the names that were changed.
    """
    models = client.registry_v1alpha1.models()
    existing = {found.name for found in models.list(label_selector={"owner": OWNER})}
    for name in wanted.keys() - existing:
        models.create(model(name, wanted[name]))
    for name in existing - wanted.keys():
        remove(client, name)
    return sorted(wanted.keys() ^ existing)


def remove(client: Client, name: str) -> bool:
    """Delete a Model; False when there was none."""
    try:
        client.registry_v1alpha1.models().delete(name)
    except NotFoundError:
        return False
    return True


def scale(client: Client, name: str, replicas: int) -> None:
    """Set the replicas of a Model's backends, whoever else changes it meanwhile."""

    def change(found: Model) -> None:
        for backend in found.spec.backends:
            backend.min_replicas = backend.max_replicas = replicas

    client.registry_v1alpha1.models().mutate(name, change)


def rename_owner(client: Client, name: str, owner: str) -> None:
    """Set `spec.owner`, unless somebody else changes the Model at the same time."""
    models = client.registry_v1alpha1.models()
    found = models.get(name)
    found.spec.owner = owner
    try:
        models.update(found)
    except ConflictError as error:
        raise RuntimeError(f"somebody else changed {name}; look at it first") from error


def ensure_serving(client: Client, name: str, *, timeout: float = 900) -> None:
    """Wait until a Model serves; raises NotServingError when it does not."""
    try:
        client.registry_v1alpha1.models().wait_for(name, "Ready", timeout=timeout)
    except WaitError as error:
        diagnosis = error.diagnosis
        why = f"{diagnosis.cause}; {diagnosis.action}" if diagnosis is not None else str(error)
        raise NotServingError(f"{name}: {why}") from error


async def names(client: AsyncClient) -> list[str]:
    """The names of the fleet's Models."""
    models = client.registry_v1alpha1.models()
    return [found.name async for found in models.iterate(label_selector={"owner": OWNER}, limit=50)]
