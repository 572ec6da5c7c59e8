"""Create, read, list, change and delete a Model.

    python examples/create_model.py

It talks to the cluster that kubectl would talk to, in the namespace of the current context, and
deletes what it created. MatrixInfer's custom resources must be installed there. Without a cluster:

    matrixinfer fake-cluster -- python examples/create_model.py
"""

from __future__ import annotations

import sys

from matrixinfer_client import (
    Client,
    ConfigError,
    MatrixInferError,
    NotFoundError,
    TransportError,
)
from matrixinfer_client.api.meta_v1 import ObjectMeta
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelBackend, ModelSpec, ModelWorker

NAME = "demo"


def demo() -> Model:
    """The Model to create: one vLLM server that loads a small model from a hub."""
    server = ModelWorker(
        type="server", image="vllm/vllm-openai:v0.10.0", replicas=1, pods=1, config={}
    )
    backend = ModelBackend(
        name="backend1",
        type="vLLM",
        model_uri="hf://Qwen/Qwen2.5-0.5B-Instruct",
        # Three slashes: what follows hostpath:// is the path, and it has to be absolute.
        cache_uri="hostpath:///tmp/cache",
        min_replicas=1,
        max_replicas=1,
        workers=[server],
    )
    return Model(metadata=ObjectMeta(name=NAME), spec=ModelSpec(backends=[backend]))


def run(client: Client) -> None:
    """Every step once; each answer is a typed object."""
    models = client.registry_v1alpha1.models()

    say(f"create {NAME} in namespace {client.namespace}")
    created = models.create(demo())
    try:
        created.metadata.managed_fields = None  # who owns which field; long, and kubectl hides it
        print(created.to_yaml())

        say("list")
        for model in models.list():
            backends = ", ".join(backend.name for backend in model.spec.backends)
            print(f"{model.namespace}/{model.name}: backends {backends}")

        say("apply two replicas")
        # An apply names the wanted fields only. They belong to the create above until now, so
        # without force this is a ConflictError that says so.
        backend = {"name": "backend1", "minReplicas": 2, "maxReplicas": 2}
        applied = models.apply(
            {"metadata": {"name": NAME}, "spec": {"backends": [backend]}},
            field_manager="create-model-example",
            force=True,
        )
        changed = applied.spec.backends[0]
        print(f"{changed.name}: {changed.min_replicas} to {changed.max_replicas} replicas")
        print(f"generation {created.metadata.generation} -> {applied.metadata.generation}")
    finally:
        say("delete")
        models.delete(NAME)
        print(f"{NAME} is {'still there' if models.exists(NAME) else 'gone'}")


def say(step: str) -> None:
    """Print a heading."""
    print(f"\n--- {step}", flush=True)


def main() -> int:
    """Run the example; say in a line what went wrong."""
    try:
        with Client() as client:
            print(f"connected to {client.config.server} ({client.config.source})")
            run(client)
    except (ConfigError, TransportError) as error:
        print(
            f"create_model: {error}\n"
            "Without a cluster: matrixinfer fake-cluster -- python examples/create_model.py",
            file=sys.stderr,
        )
        return 1
    except NotFoundError as error:
        print(
            f"create_model: {error}\nIs MatrixInfer installed in this cluster? "
            "`kubectl api-resources --api-group=registry.matrixinfer.ai` shows its resources.",
            file=sys.stderr,
        )
        return 1
    except MatrixInferError as error:
        print(f"create_model: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
