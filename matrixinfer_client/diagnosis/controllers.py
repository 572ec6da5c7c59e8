"""What Models and ModelInfers say, and what they give away by saying nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matrixinfer_client.diagnosis.failures import explain_failure
from matrixinfer_client.diagnosis.report import Finding
from matrixinfer_client.facts import (
    BACKEND_LABEL,
    FACTS,
    MODEL_INFER_KIND,
    MODEL_KIND,
    replicas_of,
)
from matrixinfer_client.looks import Look, mapping, rows, text

__all__ = ["expected_pods", "infer_findings", "model_findings", "quota_findings"]


def model_findings(model: Look, infers: Sequence[Look] | None) -> Iterator[Finding]:
    """What is wrong with a Model; `infers` are its ModelInfers, None if they were not readable."""
    subject = f"Model {model.name}"
    facts = FACTS[MODEL_KIND]
    if model.status_of("Active") == "True" and model.observed:
        return
    if not model.observed:
        yield _unseen(subject, model, "registry-model-controller")
    failure = facts.failure(model)
    if failure is not None:
        yield explain_failure(subject, failure)
    idle = facts.idle(model)
    if idle is not None:
        yield Finding(
            code="no-replicas",
            subject=subject,
            cause=idle,
            action="raise minReplicas to 1, or scale the ModelInfer up",
            rank=30,
        )
    if infers is not None and model.observed and failure is None:
        there = {text(infer.labels.get(BACKEND_LABEL)) for infer in infers}
        missing = [
            name
            for backend in rows(model.spec.get("backends"))
            if (name := text(backend.get("name"))) not in there
        ]
        if missing:
            yield Finding(
                code="children-missing",
                subject=subject,
                cause=f"there is no ModelInfer yet for backend {', '.join(missing)}",
                action="wait a moment; if it stays so, see the log of registry-model-controller",
                rank=45,
            )


def infer_findings(infer: Look, pods: Sequence[Look] | None) -> Iterator[Finding]:
    """What is wrong with a ModelInfer; `pods` are its own, None if they were not readable."""
    subject = f"ModelInfer {infer.name}"
    facts = FACTS[MODEL_INFER_KIND]
    stuck = facts.stuck(infer) or facts.idle(infer)
    if stuck is not None:
        yield Finding(
            code="no-replicas",
            subject=subject,
            cause=stuck,
            action=f"scale it up: kubectl patch modelinfer {infer.name} --type merge "
            '-p \'{"spec": {"replicas": 1}}\' (for a child of a Model raise minReplicas there)',
            rank=30,
        )
        return
    yield from _role_findings(subject, infer)
    if infer.status_of("Available") == "True" and infer.observed:
        return
    if not infer.observed:
        yield _unseen(subject, infer, "workload-infer-controller")
    if pods is not None and infer.observed and len(pods) < expected_pods(infer):
        yield Finding(
            code="pods-missing",
            subject=subject,
            cause=f"{len(pods)} of {expected_pods(infer)} pods exist",
            action=_pods_missing(infer),
            rank=40,
        )


def _pods_missing(infer: Look) -> str:
    if infer.spec.get("recoveryPolicy") == "None":
        return "with recoveryPolicy None lost pods are not replaced: delete the ModelInfer's pods"
    return "see the log of workload-infer-controller: nothing else says why no pod is created"


def expected_pods(infer: Look) -> int:
    """How many pods a ModelInfer has when it is complete."""
    per_group = sum(
        _count(role, "replicas", 1) * (1 + _count(role, "workerReplicas", 0))
        for role in _roles(infer)
    )
    return replicas_of(infer) * per_group


def _role_findings(subject: str, infer: Look) -> Iterator[Finding]:
    for role in _roles(infer):
        name = text(role.get("name"))
        for template in ("entryTemplate", "workerTemplate"):
            metadata = mapping(mapping(role.get(template)).get("metadata"))
            if mapping(metadata.get("annotations")):
                yield Finding(
                    code="template-annotations",
                    subject=subject,
                    cause=f"role {name} has annotations in its {template}, which crash the "
                    "controller of this platform version",
                    action="remove the annotations from the template",
                    rank=12,
                )
        if _count(role, "workerReplicas", 0) > 0 and not mapping(role.get("workerTemplate")):
            yield Finding(
                code="worker-template",
                subject=subject,
                cause=f"role {name} asks for workers and has no workerTemplate, so its groups "
                "never become complete",
                action="add a workerTemplate, or set workerReplicas to 0",
                rank=12,
            )
        if _count(role, "replicas", 1) == 0:
            yield Finding(
                code="no-role-replicas",
                subject=subject,
                cause=f"role {name} has 0 replicas, so it gets no pods",
                action="set replicas of the role (of the worker, in a Model) to 1 or more",
                rank=30,
            )


def quota_findings(
    quotas: Sequence[Mapping[str, Any]], infers: Sequence[tuple[Look, Sequence[Look]]]
) -> Iterator[Finding]:
    """Quotas that are used up while pods are missing. The controllers tell nobody about those."""
    short = [infer for infer, pods in infers if len(pods) < expected_pods(infer)]
    if not short:
        return
    for quota in quotas:
        status = mapping(quota.get("status"))
        hard, used = mapping(status.get("hard")), mapping(status.get("used"))
        full = [
            f"{name} {used[name]} of {limit}"
            for name, limit in hard.items()
            if name in used and _amount(used[name]) >= _amount(limit)
        ]
        if full:
            name = text(mapping(quota.get("metadata")).get("name"))
            yield Finding(
                code="quota",
                subject=f"ModelInfer {short[0].name}",
                cause=f"pods are missing, and the quota {name} is used up: {', '.join(full)}",
                action=f"free some of it or have the quota {name} raised",
                rank=22,
            )


_SUFFIXES = {
    "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip


def _amount(quantity: object) -> float:
    """A quantity as a number, good enough to see whether one has reached another."""
    words = str(quantity)
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if words.endswith(suffix):
            words, factor = words.removesuffix(suffix), _SUFFIXES[suffix]
            break
    else:
        factor = 1.0
    try:
        return float(words) * factor
    except ValueError:
        return 0.0


def _unseen(subject: str, look: Look, controller: str) -> Finding:
    seen = look.observed_generation
    what = "has not looked at it" if seen is None else f"has only seen generation {seen}"
    return Finding(
        code="not-observed",
        subject=subject,
        cause=f"its controller {what} (it is at generation {look.generation})",
        action=f"see whether the deployment {controller} runs (usually in matrixinfer-system), "
        "and its log",
        rank=35,
    )


def _roles(infer: Look) -> Sequence[Mapping[str, Any]]:
    return rows(mapping(infer.spec.get("template")).get("roles"))


def _count(role: Mapping[str, Any], field: str, default: int) -> int:
    value = role.get(field)
    return value if isinstance(value, int) else default
