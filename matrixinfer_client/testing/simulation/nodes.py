"""Nodes and what fits on them, with the scheduler's words for what does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import cast

import attrs

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.looks import mapping, rows, text, texts
from matrixinfer_client.testing.simulation.plainly import Plain
from matrixinfer_client.validation.quantities import QuantityError, parse_quantity

__all__ = ["DEFAULT_NODES", "GPU", "Node", "Usage", "checked_nodes", "place", "refusal"]

GPU = "nvidia.com/gpu"
_AFFINITY = "node(s) didn't match Pod's node affinity/selector"
# The templates of disaggregated backends ask for it.
NPU_LABEL = "accelerator/huawei-npu"


@attrs.frozen
class Node:
    """A node of the simulated cluster, and what it can give to pods."""

    name: str
    gpus: int = attrs.field(default=8, kw_only=True)
    """Its `nvidia.com/gpu`."""
    cpu: str | int = attrs.field(default=64, kw_only=True)
    memory: str | int = attrs.field(default="512Gi", kw_only=True)
    pods: int = attrs.field(default=110, kw_only=True)
    resources: Mapping[str, str | int] = attrs.field(factory=dict[str, "str | int"], kw_only=True)
    """Other resources that pods may ask for, such as NPUs."""
    labels: Mapping[str, str] = attrs.field(factory=dict[str, str], kw_only=True)

    def __attrs_post_init__(self) -> None:
        for name, value in self._amounts.items():
            _check_amount(self.name, name, value)

    @property
    def _amounts(self) -> Mapping[str, str | int]:
        amounts = {GPU: self.gpus, "cpu": self.cpu, "memory": self.memory, "pods": self.pods}
        return {**amounts, **self.resources}

    @property
    def capacity(self) -> Mapping[str, Fraction]:
        """All that it can give, by resource."""
        return {name: _amount(value) for name, value in self._amounts.items()}


def checked_nodes(given: object) -> Sequence[Node]:
    """The nodes of a simulation, each once. Raises `InvalidArgumentError` for what are none."""
    if given is None:
        return DEFAULT_NODES
    nodes: dict[str, Node] = {}
    for each in cast("Iterable[object]", given) if isinstance(given, Iterable) else (given,):
        if not isinstance(each, Node):
            raise InvalidArgumentError(
                f"nodes must be Nodes, such as [Node('node-1', gpus=8)], not {each!r}"
            )
        if each.name in nodes:
            raise InvalidArgumentError(f"there are two nodes called {each.name!r}")
        nodes[each.name] = each
    return tuple(nodes.values())


class Usage:
    """What pods take of their nodes, kept as pods come and go."""

    def __init__(self) -> None:
        self._taken: dict[str, tuple[str, Mapping[str, Fraction]]] = {}
        self._used: dict[str, dict[str, Fraction]] = {}

    def of(self, node: str) -> Mapping[str, Fraction]:
        """What is taken of a node."""
        return self._used.get(node, {})

    def note(self, uid: str, pod: Plain | None) -> None:
        """Take notice of a pod as it is now; None when it is gone."""
        spec = mapping(None if pod is None else pod.get("spec"))
        status = mapping(None if pod is None else pod.get("status"))
        node = text(spec.get("nodeName"))
        before = self._taken.pop(uid, None)
        if before is not None:
            self._count(*before, sign=-1)
        if node and status.get("phase") not in ("Succeeded", "Failed"):
            taken = node, {**_requested(spec), "pods": Fraction(1)}
            self._taken[uid] = taken
            self._count(*taken, sign=1)

    def _count(self, node: str, amounts: Mapping[str, Fraction], *, sign: int) -> None:
        used = self._used.setdefault(node, {})
        for name, amount in amounts.items():
            used[name] = used.get(name, Fraction()) + sign * amount


def place(pod: Plain, nodes: Sequence[Node], usage: Usage) -> Node | str:
    """The node for a pod, the one with the fewest pods; or why there is none."""
    short = [_obstacles(pod, node, usage.of(node.name)) for node in nodes]
    fitting = [node for node, obstacles in zip(nodes, short, strict=True) if not obstacles]
    if fitting:
        return min(fitting, key=lambda node: usage.of(node.name).get("pods", Fraction()))
    return _refusal(short)


def refusal(resource: str, nodes: Sequence[Node]) -> str:
    """What the scheduler says when all nodes are short of a resource."""
    return _refusal([{f"Insufficient {resource}": True} for _ in nodes])


def _refusal(obstacles: Sequence[Mapping[str, bool]]) -> str:
    """The message for nodes by their obstacles, and whether other pods are in the way."""
    total = len(obstacles)
    reasons = Counter(reason for each in obstacles for reason in each)
    evictable = sum(all(each.values()) for each in obstacles)
    preemption = {
        "No preemption victims found for incoming pod": evictable,
        "Preemption is not helpful for scheduling": total - evictable,
    }
    said = _counted(reasons)
    outlook = _counted({reason: count for reason, count in preemption.items() if count})
    return (
        f"0/{total} nodes are available:{said} preemption: 0/{total} nodes are available:{outlook}"
    )


def _counted(reasons: Mapping[str, int]) -> str:
    words = sorted(f"{count} {reason}" for reason, count in reasons.items())
    return f" {', '.join(words)}." if words else ""


def _obstacles(pod: Plain, node: Node, used: Mapping[str, Fraction]) -> Mapping[str, bool]:
    """What keeps a pod off a node, and whether it would fit without the pods that are there."""
    spec = mapping(pod.get("spec"))
    if not _is_wanted(spec, node):
        return {_AFFINITY: False}
    capacity = node.capacity
    obstacles: dict[str, bool] = {}
    for name, amount in {**_requested(spec), "pods": Fraction(1)}.items():
        whole = capacity.get(name, Fraction())
        if amount and amount > whole - used.get(name, Fraction()):
            reason = "Too many pods" if name == "pods" else f"Insufficient {name}"
            obstacles[reason] = amount <= whole
    return obstacles


def _requested(spec: Plain) -> Mapping[str, Fraction]:
    """What a pod asks for: its containers together, or an init container that needs more."""
    total: dict[str, Fraction] = {}
    for container in rows(spec.get("containers")):
        for name, amount in _requests(container).items():
            total[name] = total.get(name, Fraction()) + amount
    for container in rows(spec.get("initContainers")):
        for name, amount in _requests(container).items():
            total[name] = max(total.get(name, Fraction()), amount)
    return total


def _requests(container: Plain) -> Mapping[str, Fraction]:
    resources = mapping(container.get("resources"))
    asked = {**mapping(resources.get("limits")), **mapping(resources.get("requests"))}
    return {name: _amount(value) for name, value in asked.items()}


def _amount(value: object) -> Fraction:
    try:
        return parse_quantity(str(value)).amount
    except QuantityError:
        # The server has refused it, or does not care.
        return Fraction()


def _check_amount(node: str, name: str, value: object) -> None:
    try:
        fits = not isinstance(value, bool) and parse_quantity(str(value)).amount >= 0
    except QuantityError:
        fits = False
    if not fits:
        raise InvalidArgumentError(
            f"node {node!r} has {value!r} of {name}; it must be a quantity such as 8 or '512Gi'"
        )


def _is_wanted(spec: Plain, node: Node) -> bool:
    selector = mapping(spec.get("nodeSelector"))
    if any(node.labels.get(key) != value for key, value in selector.items()):
        return False
    affinity = mapping(mapping(spec.get("affinity")).get("nodeAffinity"))
    required = mapping(affinity.get("requiredDuringSchedulingIgnoredDuringExecution"))
    terms = rows(required.get("nodeSelectorTerms"))
    return not terms or any(_matches(term, node.labels) for term in terms)


def _matches(term: Plain, labels: Mapping[str, str]) -> bool:
    expressions = rows(term.get("matchExpressions"))
    return bool(expressions) and all(_holds(each, labels) for each in expressions)


def _holds(expression: Plain, labels: Mapping[str, str]) -> bool:
    value = labels.get(text(expression.get("key")))
    values = texts(expression.get("values"))
    match expression.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return value is not None and int(value) > int(values[0])
        case "Lt":
            return value is not None and int(value) < int(values[0])
        case _:
            return False


DEFAULT_NODES: Sequence[Node] = (
    Node(
        "node-1",
        gpus=1024,
        cpu=16384,
        memory="64Ti",
        pods=10000,
        labels={NPU_LABEL: "ascend-1980"},
    ),
)
"""One node on which everything fits."""
