"""Why a pod finds no node: the scheduler's sentence taken apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

from matrixinfer_client.diagnosis.report import Finding
from matrixinfer_client.looks import Look, mapping, rows, text

__all__ = ["unschedulable", "unscheduled"]

_NODES = re.compile(r"(\d+)/(\d+) nodes? (?:are|is) available")
_REASON = re.compile(
    r"(?P<count>\d+) (?:node\(s\) )?(?P<what>Insufficient (?P<resource>[\w./-]+?)(?=[,.;\s]|$)"
    r"|(?:had|didn't|did not|were|was|exceed)[^,]*?(?:\{[^}]*\})?)(?=[,;]|\. |\.$|$)"
)


def requested(pod: Look, resource: str) -> str:
    """How much of a resource the pod asks for, in words; empty when it does not say."""
    amounts: list[str] = []
    for container in rows(pod.spec.get("containers")):
        resources = mapping(container.get("resources"))
        for key in ("requests", "limits"):
            amount = mapping(resources.get(key)).get(resource)
            if amount is not None:
                amounts.append(str(amount))
                break
    return " + ".join(amounts)


def unschedulable(pod: Look, message: str) -> Finding:
    """The finding for the message of a scheduler, such as `0/3 nodes are available: ...`."""
    shortages = {match["resource"] for match in _REASON.finditer(message) if match["resource"]}
    counts = _NODES.search(message)
    nodes = f"none of {counts[2]} nodes" if counts else "no node"
    if shortages:
        cause, action = _shortage(pod, sorted(shortages), nodes)
    else:
        cause, action = _other(message, nodes)
    return Finding(
        code="unschedulable",
        subject=f"Pod {pod.name}",
        cause=cause,
        action=action,
        evidence=(message,),
        rank=20,
    )


def _shortage(pod: Look, resources: Sequence[str], nodes: str) -> tuple[str, str]:
    asked = [
        f"{name} (it asks for {amount})" if (amount := requested(pod, name)) else name
        for name in resources
    ]
    return (
        f"cannot be scheduled: {nodes} has enough {' and '.join(asked)}",
        (
            f"add nodes with free {' and '.join(resources)}, free some, or ask for less in the "
            "worker's resources"
        ),
    )


def _other(message: str, nodes: str) -> tuple[str, str]:
    claim = re.search(r'persistentvolumeclaim "([^"]+)" not found', message)
    if claim is not None:
        return (
            (
                f"cannot be scheduled: it mounts the PersistentVolumeClaim {claim[1]}, which does "
                "not exist"
            ),
            f"create the claim {claim[1]} or correct the cacheURI (pvc://claim)",
        )
    if "unbound immediate PersistentVolumeClaims" in message:
        return (
            "cannot be scheduled: its PersistentVolumeClaim is not bound to a volume",
            "see kubectl describe pvc: is there a storage class or a volume that fits?",
        )
    if "taint" in message:
        return (
            f"cannot be scheduled: {nodes} accepts it, because of taints it does not tolerate",
            "free a node of its taint, or add a toleration to the pod template of the ModelInfer",
        )
    if "affinity" in message or "selector" in message:
        return (
            (
                f"cannot be scheduled: {nodes} has the labels that its node selector or affinity "
                "asks for (the templates for vLLMDisaggregated ask for Ascend NPU nodes)"
            ),
            "label a node accordingly, or use a backend type whose template fits your nodes",
        )
    return f"cannot be scheduled: {nodes} fits", "see the scheduler's message"


def unscheduled(pod: Look) -> Finding | None:
    """A pod that no scheduler has looked at, because the one it names is not there."""
    scheduler = text(pod.spec.get("schedulerName")) or "default-scheduler"
    looked_at = {text(row.get("type")) for row in rows(pod.status.get("conditions"))}
    if pod.spec.get("nodeName") or "PodScheduled" in looked_at:
        return None
    return Finding(
        code="no-scheduler",
        subject=f"Pod {pod.name}",
        cause=f"no scheduler has looked at it; it names {scheduler}",
        action="install volcano" if scheduler == "volcano" else f"see whether {scheduler} runs",
        rank=40,
    )
