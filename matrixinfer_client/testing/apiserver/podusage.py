"""What a pod and a service use of the resources that quotas can limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, cast

from matrixinfer_client.statuses import mapping
from matrixinfer_client.validation.quantities import Quantity, parse_quantity

__all__ = ["Amounts", "is_pod_resource", "missing_requests", "plus", "pod_usage", "service_usage"]

Amounts: TypeAlias = dict[str, Quantity]
"""Quantities by the name of their resource."""

_Object: TypeAlias = Mapping[str, Any]

_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_POD_RESOURCES = frozenset(
    {"pods", "count/pods"}
    | {f"{prefix}{name}" for prefix in ("", "requests.", "limits.") for name in _COMPUTE}
)
# A quota of one of these demands that each container says how much it needs.
_DEMANDED = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
_HUGE_PAGES = "hugepages-"
_ENDED = ("Failed", "Succeeded")


def pod_usage(pod: _Object) -> Amounts:
    """What a pod counts for; one that has ended counts as an object only.

    Containers that run one after another count with their largest need, and what a container may
    use is what it requests where it says no more, as the server fills in.

    Raises `QuantityError` for an amount that is none.
    """
    usage = {"count/pods": _one()}
    if mapping(pod.get("status")).get("phase") in _ENDED:
        return usage
    spec = mapping(pod.get("spec"))
    requests, limits = _aggregated(spec, _requests), _aggregated(spec, _limits)
    own = mapping(spec.get("resources"))
    requests |= {name: value for name, value in _requests(own).items() if _is_shared(name)}
    limits |= {name: value for name, value in _limits(own).items() if _is_shared(name)}
    for name, value in _amounts(spec.get("overhead")).items():
        requests[name] = plus(requests[name], value) if name in requests else value
        if name in limits and limits[name].amount:
            limits[name] = plus(limits[name], value)
    return usage | _charged(requests, limits)


def missing_requests(pod: _Object, limited: Iterable[str]) -> str:
    """What containers must say because a quota limits it; empty when all is said."""
    spec = mapping(pod.get("spec"))
    if any(map(_is_shared, [*_requests(own := mapping(spec.get("resources"))), *_limits(own)])):
        return ""
    wanted = [name for name in sorted(limited) if name in _DEMANDED]
    missing: dict[str, set[str]] = {}
    for container in [*_containers(spec, "containers"), *_containers(spec, "initContainers")]:
        resources = mapping(container.get("resources"))
        said = _charged(_requests(resources), _limits(resources))
        for name in wanted:
            if name not in said:
                missing.setdefault(name, set()).add(str(container.get("name")))
    parts = [f"{name} for: {','.join(sorted(names))}" for name, names in missing.items()]
    return f"must specify {'; '.join(sorted(parts))}" if parts else ""


def is_pod_resource(name: str) -> bool:
    """Whether a quota of this resource is about pods."""
    if name in _POD_RESOURCES or name.startswith((_HUGE_PAGES, f"requests.{_HUGE_PAGES}")):
        return True
    return name.startswith("requests.") and not _is_native(name)


def service_usage(service: _Object) -> Amounts:
    """What a service counts for."""
    spec = mapping(service.get("spec"))
    ports = [mapping(port) for port in cast("list[Any]", spec.get("ports") or [])]
    is_balanced = spec.get("type") == "LoadBalancer"
    if is_balanced and spec.get("allocateLoadBalancerNodePorts") is False:
        ports = [port for port in ports if port.get("nodePort")]
    elif not is_balanced and spec.get("type") != "NodePort":
        ports = []
    return {
        "count/services": _one(),
        "services": _one(),
        "services.loadbalancers": parse_quantity(int(is_balanced)),
        "services.nodeports": parse_quantity(len(ports)),
    }


def plus(one: Quantity, other: Quantity) -> Quantity:
    """The sum, written like the first that is not nought."""
    family = one.family if one.amount else other.family
    return Quantity(one.amount + other.amount, family)


def _one() -> Quantity:
    return parse_quantity(1)


def _charged(requests: Amounts, limits: Amounts) -> Amounts:
    usage = {"pods": _one()}
    for name, value in requests.items():
        if name in _COMPUTE or name.startswith(_HUGE_PAGES):
            usage |= {name: value, f"requests.{name}": value}
        elif not _is_native(name):
            usage[f"requests.{name}"] = value
    return usage | {f"limits.{name}": limits[name] for name in _COMPUTE if name in limits}


def _aggregated(spec: _Object, read: Any) -> Amounts:
    """The need of all containers together, or the largest need before they start."""
    total = _sum(read(mapping(each.get("resources"))) for each in _containers(spec, "containers"))
    beside: Amounts = {}
    largest: Amounts = {}
    for container in _containers(spec, "initContainers"):
        need: Amounts = read(mapping(container.get("resources")))
        if container.get("restartPolicy") == "Always":
            # It goes on running beside those that come after it.
            total, beside = _sum((total, need)), _sum((beside, need))
            need = beside
        else:
            need = _sum((need, beside))
        largest = _maximum(largest, need)
    return _maximum(total, largest)


def _containers(spec: _Object, field: str) -> list[dict[str, Any]]:
    return [mapping(each) for each in cast("list[Any]", spec.get(field) or [])]


def _requests(resources: _Object) -> Amounts:
    return _limits(resources) | _amounts(resources.get("requests"))


def _limits(resources: _Object) -> Amounts:
    return _amounts(resources.get("limits"))


def _amounts(values: Any) -> Amounts:
    return {name: parse_quantity(value) for name, value in mapping(values).items()}


def _sum(parts: Iterable[Amounts]) -> Amounts:
    total: Amounts = {}
    for part in parts:
        for name, value in part.items():
            total[name] = plus(total[name], value) if name in total else value
    return total


def _maximum(one: Amounts, other: Amounts) -> Amounts:
    larger = {name: value for name, value in other.items() if name not in one or value > one[name]}
    return one | larger


def _is_shared(name: str) -> bool:
    """Whether a pod may ask for the resource as a whole."""
    return name in ("cpu", "memory") or name.startswith(_HUGE_PAGES)


def _is_native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name
