"""Rules for ModelInfer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from matrixinfer_client.validation.access import block, items
from matrixinfer_client.validation.linting.registry import Hit, Subject, rule
from matrixinfer_client.validation.rendering import Parts

__all__ = ["PLATFORM_LABELS", "roles", "templates"]

PLATFORM_LABELS = "modelinfer.matrixinfer.ai/"
"""The prefix of the labels that the controller puts on pods."""

_INJECTED = ("ENTRY_ADDRESS", "GROUP_SIZE", "WORKER_INDEX")


def roles(subject: Subject) -> Iterator[tuple[Parts, Mapping[str, Any]]]:
    """The roles with their paths."""
    template = block(subject.spec, "template")
    for index, role in enumerate(items(template, "roles")):
        yield ("spec", "template", "roles", index), role


def templates(subject: Subject) -> Iterator[tuple[Parts, Mapping[str, Any]]]:
    """The pod templates with their paths."""
    for place, role in roles(subject):
        for name in ("entryTemplate", "workerTemplate"):
            if role.get(name) is not None:
                yield (*place, name), role[name]


@rule("MI060", "error", "ModelInfer", "Annotations in a pod template")
def template_annotations(subject: Subject) -> Iterator[Hit]:
    for place, template in templates(subject):
        if block(template, "metadata").get("annotations"):
            yield Hit(
                (*place, "metadata", "annotations"),
                "The controller writes annotations of its own into a map that is not there, and "
                "crashes when the template has any.",
                "remove them; use labels.",
            )


@rule("MI061", "error", "ModelInfer", "Workers without a template")
def no_worker_template(subject: Subject) -> Iterator[Hit]:
    for place, role in roles(subject):
        if role["workerReplicas"] > 0 and role.get("workerTemplate") is None:
            yield Hit(
                (*place, "workerTemplate"),
                f"workerReplicas is {role['workerReplicas']} and there is nothing to make worker "
                "pods from, so the group never becomes ready.",
                "add `workerTemplate`, or set `workerReplicas: 0`.",
            )


@rule("MI062", "warning", "ModelInfer", "No replicas from birth")
def no_replicas(subject: Subject) -> Iterator[Hit]:
    if subject.spec.get("replicas") == 0:
        yield Hit(
            ("spec", "replicas"),
            "A ModelInfer that is created with 0 replicas never gets a status; one that is scaled "
            "to 0 later does.",
            "create it with 1 and scale down afterwards.",
        )


@rule("MI063", "warning", "ModelInfer", "Gang scheduling without the scheduler")
def gang_without_scheduler(subject: Subject) -> Iterator[Hit]:
    if block(subject.spec, "template").get("gangSchedule") is None:
        return
    for place, template in templates(subject):
        if block(template, "spec").get("schedulerName") != "volcano":
            yield Hit(
                (*place, "spec", "schedulerName"),
                "`spec.schedulerName` is not copied into pods, and gang scheduling does nothing "
                "for pods that volcano does not schedule.",
                "set `schedulerName: volcano` in this pod template too.",
            )


@rule("MI064", "warning", "ModelInfer", "Limits of a rollout that are ignored")
def rollout_limits(subject: Subject) -> Iterator[Hit]:
    strategy = block(subject.given, "rolloutStrategy")
    rolling = block(strategy, "rollingUpdateConfiguration")
    for field in ("maxUnavailable", "maxSurge"):
        if rolling.get(field) is not None:
            yield Hit(
                ("spec", "rolloutStrategy", "rollingUpdateConfiguration", field),
                f"`{field}` is checked by the webhook and ignored by the controller.",
                "leave it out; `partition` is what has an effect.",
            )


@rule("MI065", "warning", "ModelInfer", "Spread constraints that are ignored")
def spread(subject: Subject) -> Iterator[Hit]:
    if subject.spec.get("topologySpreadConstraints"):
        yield Hit(
            ("spec", "topologySpreadConstraints"),
            "The controller ignores `spec.topologySpreadConstraints`.",
            "set `topologySpreadConstraints` in the `spec` of the pod templates.",
        )


@rule("MI066", "warning", "ModelInfer", "Environment that is overwritten")
def overwritten(subject: Subject) -> Iterator[Hit]:
    for place, template in templates(subject):
        pod = block(template, "spec")
        for group in ("containers", "initContainers"):
            for index, container in enumerate(items(pod, group)):
                for number, variable in enumerate(items(container, "env")):
                    if variable["name"] in _INJECTED:
                        yield Hit(
                            (*place, "spec", group, index, "env", number),
                            f"The controller sets `{variable['name']}` in every container and "
                            "overrides this value.",
                            "use another name.",
                        )


@rule("MI067", "warning", "ModelInfer", "Labels that belong to the controller")
def own_labels(subject: Subject) -> Iterator[Hit]:
    for place, template in templates(subject):
        for label in block(template, "metadata", "labels"):
            if label.startswith(PLATFORM_LABELS):
                yield Hit(
                    (*place, "metadata", "labels", label),
                    "Labels of the template overwrite those by which the controller finds its "
                    "pods.",
                    "use a prefix of your own.",
                )


@rule("MI068", "warning", "ModelInfer", "Failed pods that nothing replaces")
def no_recovery(subject: Subject) -> Iterator[Hit]:
    if subject.spec.get("recoveryPolicy") == "None":
        yield Hit(
            ("spec", "recoveryPolicy"),
            "A pod that fails, or of which a container restarts, is deleted, and with None nothing "
            "takes its place: the group stays incomplete.",
            "use RoleRecreate or InferGroupRecreate.",
        )
