"""What the platform's controllers really write, where their names and rules differ from a guess.

The labels, condition types and failure rules here are those of the controllers, not of the old
documentation: nothing ever writes `Ready`, a Model's `Failed` is never taken back, and four of the
six kinds have no conditions at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import attrs

from matrixinfer_client.looks import Look, mapping, rows

if TYPE_CHECKING:
    from matrixinfer_client.kinds import Kind

__all__ = ["FACTS", "KindFacts", "facts_of", "replicas_of", "rollout_gap"]

REGISTRY = "registry.matrixinfer.ai"
WORKLOAD = "workload.matrixinfer.ai"
NETWORKING = "networking.matrixinfer.ai"

MODEL_KIND = (REGISTRY, "Model")
MODEL_INFER_KIND = (WORKLOAD, "ModelInfer")

MODEL_UID_LABEL = "registry.matrixinfer.ai/model-uid"
BACKEND_LABEL = "registry.matrixinfer.ai/backend-name"
MODEL_INFER_LABEL = "modelinfer.matrixinfer.ai/name"
GROUP_LABEL = "modelinfer.matrixinfer.ai/group-name"

# The controllers have written both spellings; the second since 2025-09-24.
PROGRESSING = ("Progerssing", "Progressing")

StatusOf: TypeAlias = Callable[[Look], "str | None"]


def _never(look: Look) -> str | None:
    del look
    return None


@attrs.frozen(kw_only=True)
class KindFacts:
    """How objects of one kind say how they are."""

    types: Mapping[str, StatusOf]
    """What can be waited for: each name gives `"True"`, `"False"`, or None for not said yet."""
    readiness: frozenset[str] = frozenset()
    """Those of them that a reported failure keeps from becoming true."""
    one_way: frozenset[str] = frozenset()
    """Those that are never False once they are there."""
    failure: StatusOf = _never
    """The message of a failure that the controller reports now; it may still pass."""
    stuck: StatusOf = _never
    """Why the object as it is will never be ready; None when it may."""
    idle: StatusOf = _never
    """Why it will not be ready unless somebody scales it up."""


def facts_of(kind: Kind) -> KindFacts | None:
    """The facts of a platform kind; None for kinds of others."""
    return FACTS.get((kind.group, kind.kind))


def replicas_of(look: Look) -> int:
    """`spec.replicas` of a ModelInfer with the server's default."""
    replicas = look.spec.get("replicas")
    return replicas if isinstance(replicas, int) else 1


def rollout_gap(look: Look) -> str | None:
    """What keeps a ModelInfer from running its newest spec everywhere; None when nothing does.

    Conditions alone do not say: `Available` can be True between two steps of an update.
    """
    if not look.observed:
        return f"generation {look.generation} not seen yet by the controller"
    wanted = replicas_of(look)
    partition = _partition(look)
    updated, available = look.count("updatedReplicas"), look.count("availableReplicas")
    if updated < wanted - partition:
        return f"{updated} of {wanted - partition} groups updated"
    if available < wanted:
        return f"{available} of {wanted} groups available"
    if look.status_of("Available") != "True":
        return "not Available yet"
    return None


def _partition(look: Look) -> int:
    strategy = mapping(look.spec.get("rolloutStrategy"))
    partition = mapping(strategy.get("rollingUpdateConfiguration")).get("partition")
    return partition if isinstance(partition, int) else 0


def _written(*types: str) -> StatusOf:
    """True when one of the types is True, else False when one is False."""

    def status(look: Look) -> str | None:
        found = {look.status_of(name) for name in types}
        return next((value for value in ("True", "False", "Unknown") if value in found), None)

    return status


def _model_progressing(look: Look) -> str | None:
    literal = _written(*PROGRESSING)(look)
    if literal is not None:
        return literal
    return {"False": "True", "True": "False"}.get(look.status_of("Active") or "")


def _model_degraded(look: Look) -> str | None:
    literal = look.status_of("Degraded")
    if literal is not None:
        return literal
    if look.status_of("Active") is None and look.status_of("Failed") is None:
        return None
    return "True" if _model_failure(look) is not None else "False"


def _model_failure(look: Look) -> str | None:
    # `Failed` is never taken back: next to `Active=True` it tells of the past.
    if look.status_of("Failed") != "True" or look.status_of("Active") == "True":
        return None
    return look.message_of("Failed") or "the controller gave no message"


def _model_idle(look: Look) -> str | None:
    if look.status_of("Active") == "True":
        return None
    names = [
        str(backend.get("name"))
        for backend in rows(look.spec.get("backends"))
        if backend.get("minReplicas") == 0
    ]
    if not names:
        return None
    subject = f"backend {names[0]} has" if len(names) == 1 else f"backends {', '.join(names)} have"
    return (
        f"{subject} minReplicas 0: its ModelInfer has no replicas and gets no status, so the Model "
        "does not become Active until something scales it up"
    )


def _infer_degraded(look: Look) -> str | None:
    literal = look.status_of("Degraded")
    if literal is not None:
        return literal
    if not look.conditions:
        return None
    available = look.count("availableReplicas")
    return "True" if 0 < available < look.count("replicas") else "False"


def _infer_stuck(look: Look) -> str | None:
    if replicas_of(look) != 0 or look.status:
        return None
    return (
        "spec.replicas is 0 and it never had any: the controller writes no status for it, so it "
        "will not become Available; scale it up"
    )


def _infer_idle(look: Look) -> str | None:
    if replicas_of(look) != 0 or not look.status or look.observed:
        return None
    return (
        "spec.replicas is 0 and the controller has not seen that; after a restart of the "
        "controller it writes no status for a ModelInfer without replicas"
    )


FACTS: Mapping[tuple[str, str], KindFacts] = {
    MODEL_KIND: KindFacts(
        types={
            "Ready": _written("Active", "Ready"),
            "Active": _written("Active"),
            "Available": _written("Active", "Available"),
            "Progressing": _model_progressing,
            "Degraded": _model_degraded,
            "Failed": _written("Failed"),
            "Initialized": _written("Initialized"),
        },
        readiness=frozenset({"Ready", "Active", "Available"}),
        one_way=frozenset({"Failed", "Initialized"}),
        failure=_model_failure,
        idle=_model_idle,
    ),
    MODEL_INFER_KIND: KindFacts(
        types={
            "Ready": _written("Available", "Ready"),
            "Available": _written("Available"),
            "Progressing": _written(*PROGRESSING, "UpdateInProgress"),
            "Progerssing": _written(*PROGRESSING),
            "UpdateInProgress": _written("UpdateInProgress"),
            "Degraded": _infer_degraded,
        },
        readiness=frozenset({"Ready", "Available"}),
        stuck=_infer_stuck,
        idle=_infer_idle,
    ),
    (REGISTRY, "AutoscalingPolicy"): KindFacts(types={}),
    (REGISTRY, "AutoscalingPolicyBinding"): KindFacts(types={}),
    (NETWORKING, "ModelServer"): KindFacts(types={}),
    (NETWORKING, "ModelRoute"): KindFacts(types={}),
}
