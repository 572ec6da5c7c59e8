"""Why an object is not as it should be: the tree of what belongs to it, and the cause in words.

Nothing is changed and nothing is guessed at: causes are read from conditions, pods, their events,
quotas and logs. Who may not read all of these gets what the rest tells, and a list of what was
not readable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from matrixinfer_client.diagnosis.controllers import (
    infer_findings,
    model_findings,
    quota_findings,
)
from matrixinfer_client.diagnosis.pods import pod_findings
from matrixinfer_client.diagnosis.report import Diagnosis, Finding, Node, Unreadable
from matrixinfer_client.diagnosis.survey import Survey, resource_of, survey
from matrixinfer_client.diagnosis.trees import tree
from matrixinfer_client.flows import Retries, alarm
from matrixinfer_client.looks import Look, mapping
from matrixinfer_client.plain import Plain, Reader

if TYPE_CHECKING:
    from matrixinfer_client.flows import Flow

__all__ = ["Diagnosis", "Finding", "Node", "Unreadable", "diagnose", "explain"]

_FIRST_SECONDS = 0.9
_SECONDS = 2.5
_EACH_SECONDS = 1.5
# Of many pods with the same trouble the first few say it all.
_SAME = 3


def diagnose(reader: Reader, kind: str, name: str) -> Flow[Diagnosis]:
    """Read and judge; raises what reading the object itself raises."""
    root = yield from reader.get(resource_of(kind), name)
    return (yield from _judged(reader, root))


def explain(namespace: str, kind: str, name: str) -> Flow[Diagnosis]:
    """`diagnose` in five seconds, for the end of a wait. Sets alarms.

    What does not come in time counts as not readable. A server that does not answer the first
    request within a second raises: a wait that timed out should not take much longer than that.
    """
    once = Retries(attempts=1)
    yield from alarm(_FIRST_SECONDS)
    root = yield from Reader(namespace, _FIRST_SECONDS, once).get(resource_of(kind), name)
    yield from alarm(_SECONDS)
    diagnosis = yield from _judged(Reader(namespace, _EACH_SECONDS, once), root)
    yield from alarm(None)
    return diagnosis


def _judged(reader: Reader, root: Plain) -> Flow[Diagnosis]:
    found = yield from survey(reader, Look(root))
    return Diagnosis(
        root=tree(found),
        namespace=found.namespace,
        findings=tuple(_distinct(sorted(_findings(found), key=lambda finding: finding.rank))),
        unreadable=tuple(found.unreadable),
    )


def _findings(found: Survey) -> Iterator[Finding]:
    root, infers = found.root, found.infers
    if root.kind == "Model":
        yield from model_findings(root, infers)
    complete: list[tuple[Look, Sequence[Look]]] = []
    for infer in infers or ():
        pods = found.pods.get(infer.name)
        yield from infer_findings(infer, pods)
        if pods is not None:
            complete.append((infer, pods))
    yield from quota_findings(found.quotas, complete)
    yield from _reference_findings(found)
    for pod in found.all_pods():
        events = [
            event
            for event in found.events
            if mapping(event.get("involvedObject")).get("name") == pod.name
        ]
        yield from pod_findings(pod, events, found.logs)


def _reference_findings(found: Survey) -> Iterator[Finding]:
    subject = f"{found.root.kind} {found.root.name}"
    for missing in found.missing:
        yield Finding(
            code="reference",
            subject=subject,
            cause=f"it refers to the {missing}, which does not exist in this namespace",
            action=f"create the {missing}, or correct the name",
            rank=10,
        )
    if found.root.kind == "ModelServer" and found.pods.get(found.root.name) == []:
        yield Finding(
            code="no-pods",
            subject=subject,
            cause="its workloadSelector matches no pod (pods of vLLMDisaggregated backends do not "
            "carry the label that the controller selects by)",
            action="compare spec.workloadSelector with the labels of the pods",
            rank=30,
        )


def _distinct(findings: list[Finding]) -> Iterator[Finding]:
    seen: dict[tuple[str, str], int] = {}
    for finding in findings:
        key = finding.code, finding.cause
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= _SAME:
            yield finding
