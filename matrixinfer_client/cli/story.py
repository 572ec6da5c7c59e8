"""What `matrixinfer demo` tells: Python that is shown and run, part by part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs

__all__ = ["MANIFEST", "Part", "Variables", "parts"]

Variables: TypeAlias = Mapping[str, Any]
"""The variables that the Python of the story has made so far."""

MANIFEST: Final = """\
apiVersion: registry.matrixinfer.ai/v1alpha1
kind: Model
metadata:
  name: demo
spec:
  backends:
    - name: server
      type: vLLM
      modelURI: hf://Qwen/Qwen2.5-0.5B-Instruct
      cacheURI: hostpath:///tmp/cache
      minReplicas: 1
      maxReplicas: 1
      workers:
        - type: server
          image: vllm/vllm-openai:v0.10.0
          replicas: 1
          pods: 1
          resources: {limits: {nvidia.com/gpu: 1}}
          config: {}
"""


@attrs.frozen(kw_only=True)
class Part:
    """A part of the story."""

    title: str
    prose: str
    code: str
    """Statements; what they print, or are as expressions, is shown below them."""
    holds: Callable[[Variables], bool]
    """Whether it happened as told."""
    file: str = ""
    """Lines that are shown above the code, as those of a file."""


_REST: Final = (
    Part(
        title="Create a Model from a manifest",
        prose="The server checks it and fills in what was left out, such as the weight.",
        file=MANIFEST,
        code="""\
model = models.create(Model.from_yaml(manifest))
model.spec.backends[0].route_weight
""",
        holds=lambda here: here["model"].spec.backends[0].route_weight == 100,
    ),
    Part(
        title="Wait until it serves",
        prose="Ready is what the controllers really write for each kind.",
        code="""\
model = models.wait_for("demo", "Ready", timeout=60, progress=True)
""",
        holds=lambda here: here["model"].name == "demo",
    ),
    Part(
        title="See what the platform made of it",
        prose="From the Model down to its pods.",
        code="""\
diagnosis = client.diagnose("Model", "demo")
print(diagnosis.root)
""",
        holds=lambda here: here["diagnosis"].root.healthy and not here["diagnosis"].findings,
    ),
    Part(
        title="Break something: ask for 16 GPUs, where a node has 8",
        prose="A wait that is given up says why, and what to do.",
        code="""\
large = Model.from_yaml(manifest)
large.metadata.name = "large"
worker = large.spec.backends[0].workers[0]
worker.resources = ResourceRequirements(limits={"nvidia.com/gpu": 16})
large = models.create(large)
try:
    models.wait_for("large", "Ready", timeout=2, progress=True)
except WaitTimeout as error:
    why = error.diagnosis
    print(error)
""",
        holds=lambda here: [each.code for each in here["why"].findings] == ["unschedulable"],
    ),
    Part(
        title="Do what it says: ask for less",
        prose="mutate reads, changes and updates, and starts over when somebody else was "
        "faster. A rollout is finished when the pods run the new spec.",
        code="""\
def ask_for_less(found: Model) -> None:
    worker = found.spec.backends[0].workers[0]
    worker.resources = ResourceRequirements(limits={"nvidia.com/gpu": 2})

large = models.mutate("large", ask_for_less)
large = models.wait_for_rollout("large", timeout=60, progress=True)
print(client.diagnose(large).root)
""",
        holds=lambda here: here["client"].diagnose(here["large"]).root.healthy,
    ),
    Part(
        title="Clean up",
        prose="What the platform made goes with the Models. The pods take a moment to end.",
        code="""\
models.delete_collection()
gone = models.wait_for_all(["demo", "large"], "deleted", timeout=60)
infers = client.workload_v1alpha1.model_infers("default")
len(models.list()), len(infers.list())
""",
        holds=lambda here: len(here["models"].list()) + len(here["infers"].list()) == 0,
    ),
)


def parts(*, speed: float, seed: int | None) -> Sequence[Part]:
    """All of it, in order."""
    chosen = f", seed={seed}" if seed is not None else ""
    return (
        Part(
            title="A cluster to try things on",
            prose="An API server with simulated controllers, in this process: two nodes with "
            "eight GPUs each. Client() without FakeCluster connects as kubectl does.",
            code=f"""\
from matrixinfer_client import WaitTimeout
from matrixinfer_client.api.core_v1 import ResourceRequirements
from matrixinfer_client.api.registry_v1alpha1 import Model
from matrixinfer_client.testing import FakeCluster, Node

nodes = [Node("node-1", gpus=8), Node("node-2", gpus=8)]
cluster = FakeCluster(simulate={{"nodes": nodes, "speed": {speed:g}}}{chosen})
client = cluster.client()
models = client.registry_v1alpha1.models("default")
""",
            holds=lambda here: here["models"].list().items == [],
        ),
        *_REST,
    )
