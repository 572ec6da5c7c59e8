"""From what was read to the tree that is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from matrixinfer_client.diagnosis.pods import is_ready, pod_state
from matrixinfer_client.diagnosis.report import Node
from matrixinfer_client.diagnosis.survey import Survey
from matrixinfer_client.facts import BACKEND_LABEL
from matrixinfer_client.looks import Look, text

__all__ = ["tree"]

_ORDER = (
    "ModelInfer",
    "ModelServer",
    "ModelRoute",
    "AutoscalingPolicy",
    "AutoscalingPolicyBinding",
)


def tree(found: Survey) -> Node:
    """The object with its children and their pods."""
    root = found.root
    children: list[Node] = []
    for kind in _ORDER:
        children += [_node(child, _pods(found, child)) for child in found.children.get(kind) or ()]
    children += _pods(found, root)
    return _node(root, children)


def _pods(found: Survey, owner: Look) -> list[Node]:
    # Under a Model the pods stand below their ModelInfer, not once more below its ModelServer.
    if owner.kind == "ModelServer" and found.root.kind == "Model":
        return []
    pods = found.pods.get(owner.name) if owner.kind in ("ModelInfer", "ModelServer") else None
    return [
        Node(kind="Pod", name=pod.name, state=pod_state(pod), healthy=is_ready(pod))
        for pod in sorted(pods or (), key=lambda pod: pod.name)
    ]


def _node(look: Look, children: Sequence[Node]) -> Node:
    state, healthy = _STATES.get(look.kind, _silent)(look)
    if look.is_deleting:
        state, healthy = f"being deleted; {state}".rstrip("; "), False
    return Node(
        kind=look.kind, name=look.name, state=state, healthy=healthy, children=tuple(children)
    )


def _silent(look: Look) -> tuple[str, bool | None]:
    backend = text(look.labels.get(BACKEND_LABEL))
    return (f"backend {backend}" if backend else ""), None


def _model(look: Look) -> tuple[str, bool | None]:
    active = look.status_of("Active")
    words = [_condition(look, name) for name in ("Active", "Failed") if name in look.conditions]
    return _with_generation(look, words or ["no status yet"]), active == "True" and look.observed


def _infer(look: Look) -> tuple[str, bool | None]:
    true = [name for name in look.conditions if look.status_of(name) == "True"]
    counts = f"{look.count('availableReplicas')}/{look.count('replicas')} groups available"
    words = [*true, counts] if look.status else ["no status yet"]
    return _with_generation(look, words), look.status_of("Available") == "True" and look.observed


def _with_generation(look: Look, words: Sequence[str]) -> str:
    if look.observed:
        return ", ".join(words)
    seen = look.observed_generation or "none"
    return ", ".join([*words, f"generation {look.generation}, seen {seen}"])


def _condition(look: Look, name: str) -> str:
    reason = text(look.conditions[name].get("reason"))
    return f"{name}={look.status_of(name)}" + (f" ({reason})" if reason else "")


_STATES: Mapping[str, Callable[[Look], tuple[str, bool | None]]] = {
    "Model": _model,
    "ModelInfer": _infer,
}
