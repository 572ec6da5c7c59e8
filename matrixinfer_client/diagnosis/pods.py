"""What pods say of themselves: the states of their containers, their events, their logs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from matrixinfer_client.diagnosis.report import Finding
from matrixinfer_client.diagnosis.scheduling import unschedulable, unscheduled
from matrixinfer_client.looks import Look, mapping, rows, text

__all__ = ["Crash", "crashes", "is_ready", "pod_findings", "pod_state"]

_PULL = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_CONFIG = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
_STARTING = ("ContainerCreating", "PodInitializing", "")

# What model servers and downloaders print when they give up: pattern, cause, what to do.
_LOG_SIGNS: tuple[tuple[str, str, str], ...] = (
    (
        r"unrecognized arguments?: ([^\n]+)",
        "the engine does not know the arguments {0}",
        "correct the keys of the worker's config: each becomes --key, with _ written as -",
    ),
    (
        r"CUDA out of memory|torch\.OutOfMemoryError",
        "the model does not fit into the GPU's memory",
        (
            "lower max-model-len or gpu-memory-utilization in the worker's config, or use more "
            "GPUs (tensor-parallel-size)"
        ),
    ),
    (
        r"No CUDA GPUs are available|Found no NVIDIA driver|Failed to infer device type",
        "the container sees no GPU",
        "ask for GPUs in the worker's resources (limits: nvidia.com/gpu), on nodes that have them",
    ),
    (
        r"[Gg]ated ?[Rr]epo|401 Client Error|Access to model .* is restricted",
        "the hub refuses to hand out the model without a token",
        "give the backend a secret with HF_AUTH_TOKEN by envFrom (env is not passed on)",
    ),
    (
        r"RepositoryNotFoundError|Repository Not Found|404 Client Error",
        "the hub has no such model, or none that the token may see",
        "correct the modelURI",
    ),
    (
        r"No space left on device",
        "the volume for the model is full",
        "give the cacheURI a larger volume, or clear the one it names",
    ),
    (
        r"Name or service not known|Temporary failure in name resolution|Max retries exceeded",
        "it cannot reach the place that the model comes from",
        "allow the connection, or name a mirror in the backend's env (HF_ENDPOINT or ENDPOINT)",
    ),
)

_EXIT_CODES = {
    0: "it ended by itself, but it should go on running",
    126: "the command cannot be executed",
    127: "the command does not exist in the image",
    134: "it aborted",
    137: "it was killed",
    139: "it crashed (segmentation fault)",
    143: "it was told to end",
}

Logs: TypeAlias = "Mapping[tuple[str, str], str]"
"""The end of logs by pod and container."""


@attrs.frozen
class Crash:
    """A container that ended although it should run."""

    pod: str
    container: str
    reason: str
    exit_code: int | None
    restarts: int
    previous: bool
    """Whether its log is that of the run before the one that is now."""


def is_ready(pod: Look) -> bool:
    """Whether the pod runs, is ready and is not on its way out."""
    return (
        pod.status.get("phase") == "Running"
        and pod.status_of("Ready") == "True"
        and not pod.is_deleting
    )


def pod_state(pod: Look) -> str:
    """The state of a pod in a few words, as `kubectl get pods` shows it."""
    if pod.is_deleting:
        return "Terminating"
    phase = text(pod.status.get("phase")) or "Unknown"
    words = [phase]
    for row in _containers(pod):
        reason = text(_waiting(row).get("reason")) or text(_ended(row).get("reason"))
        if reason and reason not in words and reason != "Completed":
            words.append(reason)
    if phase == "Pending" and pod.status_of("PodScheduled") == "False":
        words.append("Unschedulable")
    if phase == "Running" and not is_ready(pod) and len(words) == 1:
        words.append("not ready")
    restarts = sum(_restarts(row) for row in _containers(pod))
    if restarts:
        words.append(f"{restarts} restart{'s' if restarts > 1 else ''}")
    return ", ".join(words)


def crashes(pod: Look) -> Iterator[Crash]:
    """The containers of a pod that ended and should not have."""
    for row in _containers(pod):
        now, last = _ended(row), mapping(mapping(row.get("lastState")).get("terminated"))
        waiting = text(_waiting(row).get("reason"))
        failed_now = bool(now) and now.get("exitCode") != 0
        if not failed_now and (not last or (row.get("ready") and waiting == "")):
            continue
        if not failed_now and waiting not in ("CrashLoopBackOff", "RunContainerError", ""):
            continue
        terminated = now if failed_now else last
        code = terminated.get("exitCode")
        yield Crash(
            pod.name,
            text(row.get("name")),
            text(terminated.get("reason")),
            code if isinstance(code, int) else None,
            _restarts(row),
            previous=not failed_now,
        )


def pod_findings(pod: Look, events: Sequence[Mapping[str, Any]], logs: Logs) -> Iterator[Finding]:
    """What is wrong with a pod, as far as it, its events and its logs say."""
    if is_ready(pod) or pod.is_deleting:
        return
    specific = list(_specific(pod, events, logs))
    yield from specific or _general(pod, events)


def _specific(pod: Look, events: Sequence[Mapping[str, Any]], logs: Logs) -> Iterator[Finding]:
    subject = f"Pod {pod.name}"
    if pod.status.get("reason") == "Evicted":
        yield Finding(
            code="evicted",
            subject=subject,
            cause="was evicted from its node",
            action="see the message; ask for the memory or disk that it really needs",
            evidence=(text(pod.status.get("message")),),
            rank=20,
        )
    scheduled = pod.conditions.get("PodScheduled", {})
    message = text(scheduled.get("message")) or _message(
        events, "FailedScheduling", "Unschedulable"
    )
    if scheduled.get("status") == "False" or (message and not pod.spec.get("nodeName")):
        yield unschedulable(pod, message or "the scheduler gave no message")
    for row in _containers(pod):
        found = _cannot_start(subject, row, events)
        if found is not None:
            yield found
    for crash in crashes(pod):
        yield _crashed(subject, crash, logs.get((crash.pod, crash.container), ""))


def _general(pod: Look, events: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """What is left to say of a pod that is not ready and shows no failure."""
    subject = f"Pod {pod.name}"
    mount = _message(events, "FailedMount", "FailedAttachVolume")
    probe = _message(events, "Unhealthy")
    unnoticed = unscheduled(pod)
    if mount:
        yield Finding(
            code="mount",
            subject=subject,
            cause="a volume cannot be mounted",
            action="see whether the secret, claim or host path of that volume exists",
            evidence=(mount,),
            rank=25,
        )
    elif unnoticed is not None:
        yield unnoticed
    elif probe:
        yield Finding(
            code="probe",
            subject=subject,
            cause="runs, but its probe fails: the engine may still be loading the model",
            action="wait, or see its log (kubectl logs) if it takes longer than usual",
            evidence=(probe,),
            rank=60,
        )
    else:
        yield Finding(
            code="starting",
            subject=subject,
            cause=f"is starting ({pod_state(pod)})",
            action="wait: images and models of many gigabytes take their time",
            rank=80,
        )


def _cannot_start(
    subject: str, row: Mapping[str, Any], events: Sequence[Mapping[str, Any]]
) -> Finding | None:
    waiting = _waiting(row)
    reason, message = text(waiting.get("reason")), text(waiting.get("message"))
    image, container = text(row.get("image")), text(row.get("name"))
    if reason in _PULL:
        # The container's state alternates between the error and a bare "back-off", and so do the
        # events: the newest one may only say "Error: ImagePullBackOff".
        pulls = [each for each in events if "Failed to pull" in text(each.get("message"))]
        said = _message(pulls, "Failed") or _message(events, "Failed") or message
        return Finding(
            code="image-pull",
            subject=subject,
            cause=f"the image {image} cannot be pulled ({_pull_reason(said) or reason})",
            action=_pull_action(said, image),
            evidence=(said,) if said else (),
            rank=20,
        )
    if reason in _CONFIG and not mapping(row.get("lastState")).get("terminated"):
        missing = re.search(r'(secret|configmap) "([^"]+)" not found', message)
        what = f"{missing[1]} {missing[2]}" if missing else ""
        return Finding(
            code="container-config",
            subject=subject,
            cause=f"container {container} needs the {what}, which does not exist"
            if what
            else f"container {container} cannot be made ({reason})",
            action=f"create the {what}, or take it out of env and envFrom"
            if what
            else "correct what the message names in the backend's env, envFrom or worker",
            evidence=(message,) if message else (),
            rank=20,
        )
    return None


def _pull_reason(message: str) -> str:
    signs = (
        ("not found|manifest unknown", "there is no such image"),
        ("unauthorized|denied|authentication|forbidden", "the registry refuses"),
        ("no such host|i/o timeout|connection refused|dial tcp", "the registry cannot be reached"),
        ("invalid reference|couldn't parse image", "that is no image name"),
        ("toomanyrequests|rate limit", "the registry limits its downloads"),
        ("no space left", "the node's disk is full"),
    )
    return next((words for sign, words in signs if re.search(sign, message, re.I)), "")


def _pull_action(message: str, image: str) -> str:
    reason = _pull_reason(message)
    if reason == "the registry refuses":
        return (
            "give the namespace's service account an image pull secret for the registry, or "
            f"correct the name {image}"
        )
    if reason in ("the registry cannot be reached", "the registry limits its downloads"):
        return "see whether the nodes reach the registry, or use a mirror in the worker's image"
    return f"correct the worker's image, now {image}"


def _crashed(subject: str, crash: Crash, log: str) -> Finding:
    sign = _sign(log)
    cause, action = sign if sign is not None else _exit(crash)
    times = f", {crash.restarts} restart{'s' if crash.restarts != 1 else ''} so far"
    return Finding(
        code="out-of-memory" if crash.reason == "OOMKilled" else "crash",
        subject=subject,
        cause=f"container {crash.container} ended (exit code {crash.exit_code}"
        f"{times if crash.restarts else ''}): {cause}",
        action=action,
        evidence=tuple(_tail(log)),
        rank=20,
    )


def _sign(log: str) -> tuple[str, str] | None:
    for pattern, cause, action in _LOG_SIGNS:
        match = re.search(pattern, log)
        if match is not None:
            return cause.format(*match.groups()), action
    return None


def _exit(crash: Crash) -> tuple[str, str]:
    if crash.reason == "OOMKilled":
        return (
            "it needed more memory than its limit",
            "raise limits.memory in the worker's resources",
        )
    what = _EXIT_CODES.get(1 if crash.exit_code is None else crash.exit_code, "it failed")
    return what, f"see its log: kubectl logs {crash.pod} -c {crash.container}" + (
        " --previous" if crash.previous else ""
    )


def _tail(log: str, lines: int = 8) -> Sequence[str]:
    """The last lines that say something, none of them too long for a terminal."""
    return [line[:300] for line in log.splitlines() if line.strip()][-lines:]


def _message(events: Sequence[Mapping[str, Any]], *reasons: str) -> str:
    """The message of the newest event with one of the reasons."""
    found = [event for event in events if event.get("reason") in reasons]
    return text(max(found, key=_when).get("message")) if found else ""


def _when(event: Mapping[str, Any]) -> str:
    series = mapping(event.get("series"))
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    created = mapping(event.get("metadata")).get("creationTimestamp")
    return next((text(time) for time in (*times, created) if time), "")


def _containers(pod: Look) -> Sequence[Mapping[str, Any]]:
    return [
        *rows(pod.status.get("initContainerStatuses")),
        *rows(pod.status.get("containerStatuses")),
    ]


def _waiting(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(mapping(row.get("state")).get("waiting"))


def _ended(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(mapping(row.get("state")).get("terminated"))


def _restarts(row: Mapping[str, Any]) -> int:
    count = row.get("restartCount")
    return count if isinstance(count, int) else 0
