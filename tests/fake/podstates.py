"""Pods in all the states for which a table has a word."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fake.placing import MAIN

__all__ = ["DAYS_AGO", "DELETED", "PODS"]

DAYS_AGO = (datetime.now(UTC) - timedelta(days=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
RUNNING = {"running": {"startedAt": DAYS_AGO}}


def container_status(name: str, **fields: Any) -> dict[str, Any]:
    empty = {"image": "i", "imageID": "", "ready": False, "restartCount": 0, "state": {}}
    return {**empty, "name": name, **fields}


def ended(code: int = 0, **fields: Any) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "finishedAt": DAYS_AGO, **fields}}


def waiting(reason: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason}}


READY = {"type": "Ready", "status": "True"}
INITIALIZED = {"type": "Initialized", "status": "True"}
SIDECAR = {"name": "side", "image": "i", "restartPolicy": "Always"}
FIRST = {"name": "first", "image": "i"}
SECOND = {"name": "second", "image": "i"}
# Spec and status of each pod.
PODS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "pending": ({}, {"phase": "Pending"}),
    "without-phase": ({}, {}),
    "running": (
        {"nodeName": "node-a"},
        {
            "phase": "Running",
            "podIP": "10.1.2.3",
            "podIPs": [{"ip": "10.1.2.3"}],
            "conditions": [READY],
            "containerStatuses": [container_status("main", ready=True, state=RUNNING)],
        },
    ),
    "restarted": (
        {"containers": [MAIN, SECOND]},
        {
            "phase": "Running",
            "containerStatuses": [
                container_status(
                    "main", ready=True, state=RUNNING, restartCount=3, lastState=ended(1)
                ),
                container_status("second", restartCount=2, state=waiting("CrashLoopBackOff")),
            ],
        },
    ),
    "restarted-without-a-time": (
        {},
        {"phase": "Running", "containerStatuses": [container_status("main", restartCount=2)]},
    ),
    "completed": (
        {},
        {
            "phase": "Succeeded",
            "containerStatuses": [container_status("main", state=ended(reason="Completed"))],
        },
    ),
    "failed": (
        {},
        {"phase": "Failed", "containerStatuses": [container_status("main", state=ended(3))]},
    ),
    "evicted": ({}, {"phase": "Failed", "reason": "Evicted"}),
    "killed": (
        {},
        {
            "phase": "Running",
            "containerStatuses": [container_status("main", state=ended(137, signal=9))],
        },
    ),
    "half-completed": (
        {"containers": [MAIN, SECOND]},
        {
            "phase": "Running",
            "containerStatuses": [
                container_status("main", state=ended(reason="Completed")),
                container_status("second", ready=True, state=RUNNING),
            ],
        },
    ),
    "half-completed-and-ready": (
        {"containers": [MAIN, SECOND]},
        {
            "phase": "Running",
            "conditions": [READY],
            "containerStatuses": [
                container_status("main", state=ended(reason="Completed")),
                container_status("second", ready=True, state=RUNNING),
            ],
        },
    ),
    "initializing": (
        {"initContainers": [FIRST, SECOND]},
        {
            "phase": "Pending",
            "initContainerStatuses": [
                container_status("first", state=ended(), restartCount=1),
                container_status("second", state=RUNNING),
            ],
        },
    ),
    "cannot-initialize": (
        {"initContainers": [FIRST]},
        {
            "phase": "Pending",
            "initContainerStatuses": [
                container_status("first", state=waiting("ImagePullBackOff"), restartCount=4)
            ],
        },
    ),
    "pod-initializing": (
        {"initContainers": [FIRST]},
        {
            "phase": "Pending",
            "initContainerStatuses": [container_status("first", state=waiting("PodInitializing"))],
        },
    ),
    "initialization-failed": (
        {"initContainers": [FIRST]},
        {
            "phase": "Pending",
            "initContainerStatuses": [container_status("first", state=ended(2, reason="Error"))],
        },
    ),
    "initialization-failed-without-a-word": (
        {"initContainers": [FIRST]},
        {
            "phase": "Pending",
            "initContainerStatuses": [container_status("first", state=ended(2))],
        },
    ),
    "initialization-killed": (
        {"initContainers": [FIRST]},
        {
            "phase": "Pending",
            "initContainerStatuses": [container_status("first", state=ended(137, signal=9))],
        },
    ),
    "with-a-sidecar": (
        {"initContainers": [SIDECAR, FIRST]},
        {
            "phase": "Running",
            "initContainerStatuses": [
                container_status(
                    "side",
                    ready=True,
                    started=True,
                    state=RUNNING,
                    restartCount=2,
                    lastState=ended(1),
                ),
                container_status("first", state=ended(), restartCount=5),
            ],
            "containerStatuses": [container_status("main", ready=True, state=RUNNING)],
        },
    ),
    "initialized-with-a-sidecar-that-is-not": (
        {"initContainers": [FIRST, SIDECAR]},
        {
            "phase": "Running",
            "conditions": [INITIALIZED],
            "initContainerStatuses": [
                container_status("first", state=waiting("Odd"), restartCount=5),
                container_status("side", restartCount=2, state=RUNNING),
            ],
            "containerStatuses": [container_status("main", ready=True, state=RUNNING)],
        },
    ),
    "gated": (
        {
            "readinessGates": [{"conditionType": "a.test/one"}, {"conditionType": "a.test/two"}],
            "schedulingGates": [{"name": "a.test/wait"}],
        },
        {
            "phase": "Pending",
            "nominatedNodeName": "node-b",
            "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"},
                {"type": "a.test/one", "status": "True"},
                {"type": "a.test/two", "status": "False"},
            ],
        },
    ),
    "going": ({"nodeName": "node-a"}, {"phase": "Running"}),
    "lost": ({"nodeName": "node-a"}, {"phase": "Running", "reason": "NodeLost"}),
    "gone": ({"nodeName": "node-a"}, {"phase": "Failed"}),
}
DELETED = ("going", "lost", "gone")
