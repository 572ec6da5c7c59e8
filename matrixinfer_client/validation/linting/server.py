"""Rules for ModelServer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from matrixinfer_client.validation.access import block
from matrixinfer_client.validation.linting.infer import PLATFORM_LABELS, roles
from matrixinfer_client.validation.linting.registry import Hit, Subject, rule

__all__: list[str] = []

# Where the gateway asks for metrics, whatever the workload's port.
_METRICS_PORTS = {"vLLM": 8000, "SGLang": 30000}
_MODEL_LABELS = "registry.matrixinfer.ai/"


@rule("MI070", "error", "ModelServer", "No spec")
def no_spec(subject: Subject) -> Iterator[Hit]:
    if subject.given is None:
        yield Hit(
            ("spec",),
            "The server accepts a ModelServer without `spec`, and the gateway crashes on it.",
            "write a spec with `inferenceEngine`, `workloadSelector` and `workloadPort`.",
        )


@rule("MI071", "error", "ModelServer", "A selector that selects everything")
def selects_all(subject: Subject) -> Iterator[Hit]:
    selector = subject.spec.get("workloadSelector")
    if selector is not None and not selector.get("matchLabels"):
        yield Hit(
            ("spec", "workloadSelector", "matchLabels"),
            "Without labels every ready pod of the namespace is selected, whatever it runs.",
            f"select by `{PLATFORM_LABELS}name: <name of the ModelInfer>`.",
        )


@rule("MI072", "error", "ModelServer", "No port")
def no_port(subject: Subject) -> Iterator[Hit]:
    if subject.given is not None and subject.given.get("workloadPort") is None:
        yield Hit(
            ("spec", "workloadPort"),
            "The schema does not ask for a port; the gateway then sends requests to port 0.",
            "set `workloadPort: {port: 8000}`.",
        )


@rule("MI073", "warning", "ModelServer", "A traffic policy that nothing reads")
def traffic_policy(subject: Subject) -> Iterator[Hit]:
    if subject.spec.get("trafficPolicy"):
        yield Hit(
            ("spec", "trafficPolicy"),
            "The gateway reads neither the timeout nor the retries.",
            "leave it out; set timeouts and retries in the client.",
        )


@rule("MI074", "warning", "ModelServer", "TLS that is not used")
def tls(subject: Subject) -> Iterator[Hit]:
    if block(subject.spec, "workloadPort").get("protocol") == "https":
        yield Hit(
            ("spec", "workloadPort", "protocol"),
            "The gateway does not read `protocol` and sends plain HTTP.",
            "let the engine serve plain HTTP.",
        )


@rule("MI075", "warning", "ModelServer", "Metrics on another port")
def metrics_port(subject: Subject) -> Iterator[Hit]:
    engine = subject.spec.get("inferenceEngine", "")
    port = block(subject.spec, "workloadPort").get("port")
    expected = _METRICS_PORTS.get(engine)
    if port is not None and expected is not None and port != expected:
        yield Hit(
            ("spec", "workloadPort", "port"),
            f"Requests go to port {port}, but the gateway asks for the metrics of {engine} on port "
            f"{expected} whatever is said here, and schedules without them.",
            f"let the engine listen on {expected}.",
        )


@rule("MI076", "warning", "ModelServer", "Prefill and decode that cannot be told apart")
def same_halves(subject: Subject) -> Iterator[Hit]:
    group = block(subject.spec, "workloadSelector").get("pdGroup")
    if group is not None and group["prefillLabels"] == group["decodeLabels"]:
        yield Hit(
            ("spec", "workloadSelector", "pdGroup"),
            "prefillLabels and decodeLabels are the same, so every pod is both.",
            f"select by `{PLATFORM_LABELS}role`.",
        )


@rule("MI077", "warning", "ModelServer", "A selector that matches no given ModelInfer")
def selects_nothing(subject: Subject) -> Iterator[Hit]:
    wanted = block(subject.spec, "workloadSelector", "matchLabels")
    infers = subject.near("ModelInfer")
    if not infers or not wanted or any(key.startswith(_MODEL_LABELS) for key in wanted):
        return
    if not any(_selects(wanted, labels) for infer in infers for labels in _pod_labels(infer)):
        yield Hit(
            ("spec", "workloadSelector", "matchLabels"),
            "None of the ModelInfers given here makes pods with these labels.",
            f"add the labels to the pod templates, or select by `{PLATFORM_LABELS}name`.",
        )


def _pod_labels(infer: Subject) -> Iterator[Mapping[str, str | None]]:
    """The labels of each kind of pod; None for values that are known only when it runs."""
    for _, role in roles(infer):
        for name in ("entryTemplate", "workerTemplate"):
            template: Mapping[str, Any] | None = role.get(name)
            if template is None:
                continue
            labels: dict[str, str | None] = dict.fromkeys(
                f"{PLATFORM_LABELS}{key}" for key in ("group-name", "role-id", "revision")
            )
            labels[f"{PLATFORM_LABELS}name"] = infer.name
            labels[f"{PLATFORM_LABELS}role"] = role["name"]
            if name == "entryTemplate":
                labels[f"{PLATFORM_LABELS}entry"] = "true"
            yield labels | dict(block(template, "metadata", "labels"))


def _selects(wanted: Mapping[str, str], labels: Mapping[str, str | None]) -> bool:
    return all(key in labels and labels[key] in (None, value) for key, value in wanted.items())
