"""Rules for Model: backends, addresses and replicas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from matrixinfer_client.validation.access import items
from matrixinfer_client.validation.identifiers import label_problems, synthetic_name
from matrixinfer_client.validation.linting.registry import Hit, Subject, rule
from matrixinfer_client.validation.rendering import Parts
from matrixinfer_client.validation.schemas import kind_schema
from matrixinfer_client.validation.webhooks.decoding import compile_decode
from matrixinfer_client.validation.webhooks.policy import policy_problems

__all__ = ["backends", "workers"]

_IMPLEMENTED = ("vLLM", "vLLMDisaggregated")
_HOST = "hostpath://"


def backends(subject: Subject) -> Iterator[tuple[Parts, Mapping[str, Any]]]:
    """The backends of a Model with their paths."""
    for index, backend in enumerate(items(subject.spec, "backends")):
        yield ("spec", "backends", index), backend


def workers(subject: Subject) -> Iterator[tuple[Parts, Mapping[str, Any], Mapping[str, Any]]]:
    """The workers of a Model with their paths and their backends."""
    for place, backend in backends(subject):
        for index, worker in enumerate(items(backend, "workers")):
            yield (*place, "workers", index), worker, backend


def implemented(backend: Mapping[str, Any]) -> bool:
    """Whether the controller knows the type at all."""
    return backend["type"] in _IMPLEMENTED


@rule("MI003", "error", "Model", "A worker without pods")
def no_pods(subject: Subject) -> Iterator[Hit]:
    for place, worker, backend in workers(subject):
        if backend["type"] == "vLLM" and not worker.get("pods"):
            yield Hit(
                (*place, "pods"),
                "vLLM runs `pods - 1` worker pods beside the entry pod; without `pods` that is -1, "
                "the ModelInfer is denied and the Model gets the condition Failed.",
                "set `pods: 1` for a single node, or the number of nodes.",
            )


@rule("MI004", "error", "Model", "A worker without replicas")
def no_replicas(subject: Subject) -> Iterator[Hit]:
    for place, worker, backend in workers(subject):
        if implemented(backend) and not worker.get("replicas"):
            yield Hit(
                (*place, "replicas"),
                "`replicas` of a worker has no default; absent means 0, and 0 means no pods.",
                "set `replicas: 1`.",
            )


@rule("MI005", "error", "Model", "A backend without cacheURI")
def no_cache(subject: Subject) -> Iterator[Hit]:
    for place, backend in backends(subject):
        if implemented(backend) and not backend.get("cacheURI"):
            yield Hit(
                (*place, "cacheURI"),
                "Without `cacheURI` the weights go to an empty volume with an empty mount path, "
                "and such pods are rejected.",
                "set `cacheURI: hostpath:///path` (three slashes) or `pvc://claim`.",
            )


@rule("MI006", "error", "Model", "A relative host path")
def relative_host_path(subject: Subject) -> Iterator[Hit]:
    for place, backend in backends(subject):
        uri = backend.get("cacheURI") or ""
        path = uri.removeprefix(_HOST)
        if uri.startswith(_HOST) and not path.startswith("/"):
            yield Hit(
                (*place, "cacheURI"),
                f"What follows `{_HOST}` is the path on the host and the mount path, and `{path}` "
                "is relative, so the pods do not start.",
                f"write three slashes: `{_HOST}/{path}`.",
            )


@rule("MI007", "info", "Model", "A claim is mounted under its own name")
def relative_claim_path(subject: Subject) -> Iterator[Hit]:
    for place, backend in backends(subject):
        uri = backend.get("cacheURI") or ""
        claim = uri.removeprefix("pvc://")
        if uri.startswith("pvc://") and not claim.startswith("/"):
            yield Hit(
                (*place, "cacheURI"),
                f"`{claim}` is taken as the name of the claim and as the mount path, which is "
                "relative to the working directory of the image.",
                "use an image in which that directory is writable, or `hostpath:///path`.",
            )


@rule("MI008", "error", "Model", "A backend type that no controller implements")
def unimplemented(subject: Subject) -> Iterator[Hit]:
    for place, backend in backends(subject):
        if not implemented(backend):
            yield Hit(
                (*place, "type"),
                "The Model gets the condition Failed: `not support model backend type: "
                f"{backend['type']}`.",
                "use vLLM or vLLMDisaggregated; for SGLang write ModelInfer and ModelServer.",
            )


@rule("MI009", "error", "Model", "Disaggregation without both halves")
def half_disaggregated(subject: Subject) -> Iterator[Hit]:
    for place, backend in backends(subject):
        types = {worker.get("type") for worker in items(backend, "workers")}
        missing = sorted({"prefill", "decode"} - types)
        if backend["type"] == "vLLMDisaggregated" and missing:
            yield Hit(
                (*place, "workers"),
                f"The controller needs both halves: `{missing[0]} worker not found in backend: "
                f"{backend['name']}`.",
                f"add a worker of type {' and one of type '.join(missing)}.",
            )


@rule("MI010", "error", "Model", "Names of children too long or malformed")
def child_names(subject: Subject) -> Iterator[Hit]:
    for place, backend in backends(subject):
        infer = f"{subject.name}-{backend['name']}"
        for role, worker in _roles(backend):
            workers_of_role = max((worker.get("pods") or 1) - 1, 0)
            longest = synthetic_name(
                infer, backend["minReplicas"], role, worker.get("replicas") or 0, workers_of_role
            )
            if subject.name and label_problems(longest):
                yield Hit(
                    (*place, "name"),
                    f"The ModelInfer `{infer}` is denied, for `{longest}` ({len(longest)} "
                    "characters) is no DNS label of at most 63 characters.",
                    "shorten the names of Model and backend; no dots, and a letter first.",
                )
                break


@rule("MI011", "warning", "Model", "A backend that starts with no replicas")
def starts_empty(subject: Subject) -> Iterator[Hit]:
    for place, backend in backends(subject):
        if implemented(backend) and backend["minReplicas"] == 0:
            yield Hit(
                (*place, "minReplicas"),
                "A ModelInfer that is born with 0 replicas never gets a status, so the Model does "
                "not become Active until something scales it up.",
                "set `minReplicas: 1`.",
            )


@rule("MI012", "warning", "Model", "Model-level autoscaling that relies on the webhook")
def no_expansion_rate(subject: Subject) -> Iterator[Hit]:
    given = subject.given or {}
    if given.get("autoscalingPolicy") is not None and given.get("costExpansionRatePercent") is None:
        yield Hit(
            ("spec", "costExpansionRatePercent"),
            "The webhook fills in 200; in a cluster without webhooks its absence crashes the model "
            "controller.",
            "set `costExpansionRatePercent: 200`.",
        )


@rule("MI013", "error", "Model", "An embedded autoscaling policy that will be denied")
def bad_policy(subject: Subject) -> Iterator[Hit]:
    at: list[tuple[Parts, Any]] = [(("spec",), subject.spec)]
    at += [(place, backend) for place, backend in backends(subject)]
    schema = kind_schema("AutoscalingPolicy").root.properties["spec"]
    decode = compile_decode(schema)
    for place, holder in at:
        policy = holder.get("autoscalingPolicy")
        if policy is None or decode is None:
            continue
        # What no webhook can read is an error already for the webhook of Model.
        if decode(policy):
            continue
        for problem in policy_problems(policy, (*place, "autoscalingPolicy")):
            yield Hit(
                problem.parts,
                "The webhook of Model does not look at embedded policies; this one is denied when "
                f"the controller creates it, and the Model gets Failed ({problem.message}).",
                "correct the value as for an AutoscalingPolicy.",
            )


@rule("MI014", "warning", "Model", "Weights of backends without effect")
def route_weights(subject: Subject) -> Iterator[Hit]:
    given = items(subject.given, "backends")
    if len(given) > 1:
        for index, backend in enumerate(given):
            if backend.get("routeWeight") is not None:
                yield Hit(
                    ("spec", "backends", index, "routeWeight"),
                    "The generated ModelServers of one Model all select the entry pods of all its "
                    "backends, so the weights do not divide the traffic.",
                    "use one Model for each backend and a ModelRoute of your own.",
                )


@rule("MI015", "warning", "Model", "Disaggregated backends get no traffic")
def unreachable_disaggregated(subject: Subject) -> Iterator[Hit]:
    for place, backend in backends(subject):
        if backend["type"] == "vLLMDisaggregated":
            yield Hit(
                (*place, "type"),
                "The pods of a disaggregated backend do not carry the label by which the generated "
                "ModelServer selects, and they ask for nodes with an Ascend NPU label.",
                "write a ModelServer that selects the pods by "
                "`modelinfer.matrixinfer.ai/name`, or use vLLM.",
            )


@rule("MI016", "warning", "Model", "Affinity that is not applied")
def affinity(subject: Subject) -> Iterator[Hit]:
    for place, worker, _ in workers(subject):
        if worker.get("affinity"):
            yield Hit(
                (*place, "affinity"),
                "The controller accepts `affinity` and does not put it into the pods.",
                "write a ModelInfer, whose pod templates take an affinity.",
            )


@rule("MI017", "info", "Model", "A grace period that nothing reads")
def grace_period(subject: Subject) -> Iterator[Hit]:
    for index, backend in enumerate(items(subject.given, "backends")):
        if backend.get("scaleToZeroGracePeriod") is not None:
            yield Hit(
                ("spec", "backends", index, "scaleToZeroGracePeriod"),
                "The value is checked and stored; no controller reads it.",
                "leave it out; the webhook fills it in where it must be there.",
            )


@rule("MI018", "warning", "Model", "Weights at a path that is not mounted")
def mounted_weights(subject: Subject) -> Iterator[Hit]:
    for place, backend in backends(subject):
        cache = (backend.get("cacheURI") or "").partition("://")[2].rstrip("/")
        uri = backend["modelURI"]
        path = uri.removeprefix("pvc://")
        if uri.startswith("pvc://") and cache and not f"{path}/".startswith(f"{cache}/"):
            yield Hit(
                (*place, "modelURI"),
                f"`pvc://` means a path that is mounted already, and only the cache volume is: "
                f"`{path}` is not below `{cache}`.",
                "use a path below the mount path of `cacheURI`.",
            )


def _roles(backend: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The roles that the controller makes, with the workers they come from."""
    for worker in items(backend, "workers"):
        if backend["type"] == "vLLM":
            yield "leader", worker
        elif worker.get("type") in ("prefill", "decode"):
            yield worker["type"], worker
