"""The webhook of ModelInfer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from matrixinfer_client.validation.access import Fields, block, items
from matrixinfer_client.validation.identifiers import label_problems, synthetic_name
from matrixinfer_client.validation.rendering import Parts
from matrixinfer_client.validation.webhooks.problems import Problems, at_key, image_problem

__all__ = ["validate_infer"]

_PERCENT = re.compile(r"[0-9]+%", re.ASCII)
_PERCENT_HELP = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or "
    "'93%', regex used for validation is '[0-9]+%')"
)
_TEMPLATES = ("entryTemplate", "workerTemplate")
_ROLES: Parts = ("spec", "template", "roles")
_ROLLING: Parts = ("spec", "rolloutStrategy", "rollingUpdateConfiguration")


def validate_infer(name: str, spec: dict[str, Any]) -> Problems:
    """The errors of a ModelInfer to which the server has applied its defaults."""
    problems = Problems()
    template = spec["template"]
    roles: Sequence[Fields] = items(template, "roles")
    replicas: int = spec.get("replicas", 1)
    _check_names(problems, name, replicas, roles)
    scheduler = spec["schedulerName"]
    if scheduler != "volcano":
        detail = f"invalid SchedulerName: {scheduler}, modelInfer support: volcano ..."
        problems.invalid(("spec", "schedulerName"), scheduler, detail)
    _check_images(problems, roles)
    if replicas < 0:
        problems.invalid(("spec", "replicas"), replicas, "replicas must be a positive integer")
    if not roles:
        problems.invalid(_ROLES, [], "roles must be specified")
    for index, role in enumerate(roles):
        count = role.get("replicas", 1)
        if count < 0:
            detail = "role replicas must be a positive integer"
            problems.invalid((*_ROLES, index, "replicas"), count, detail)
    _check_rollout(problems, block(spec, "rolloutStrategy"), replicas)
    _check_gang(problems, block(template, "gangSchedule"), roles)
    for index, role in enumerate(roles):
        count = role["workerReplicas"]
        if count < 0:
            detail = "workerReplicas must be a non-negative integer"
            problems.invalid((*_ROLES, index, "workerReplicas"), count, detail)
    return problems


def _check_names(problems: Problems, name: str, replicas: int, roles: Sequence[Fields]) -> None:
    for role in roles:
        longest = synthetic_name(
            name, replicas, role["name"], role.get("replicas", 1), role["workerReplicas"]
        )
        found = label_problems(longest)
        if found:
            detail = f"invalid name: {'; '.join(found)}"
            problems.invalid(("metadata", "name"), name, detail)


def _check_images(problems: Problems, roles: Sequence[Fields]) -> None:
    for i, role in enumerate(roles):
        for part in _TEMPLATES:
            pod = block(role.get(part), "spec")
            for j, container in enumerate(items(pod, "containers")):
                image = container.get("image") or ""
                detail = image_problem(image)
                if detail is not None:
                    place = (*_ROLES, i, part, "spec", "containers", j, "image")
                    problems.invalid(place, image, detail)


def _check_rollout(problems: Problems, strategy: Fields, replicas: int) -> None:
    rolling = strategy.get("rollingUpdateConfiguration")
    if rolling is None:
        return
    amounts = [
        _amount(problems, rolling.get(field, default), field, replicas, round_up=round_up)
        for field, default, round_up in (("maxUnavailable", 1, False), ("maxSurge", 0, True))
    ]
    if amounts == [0, 0]:
        problems.invalid(_ROLLING, "", "maxUnavailable and maxSurge cannot both be 0")
    partition = rolling.get("partition")
    if partition is not None and partition < 0:
        detail = "partition must be greater than or equal to 0"
        problems.invalid((*_ROLLING, "partition"), partition, detail)
    if partition is not None and partition >= replicas:
        detail = f"partition must be less than replicas ({replicas})"
        problems.invalid((*_ROLLING, "partition"), partition, detail)


def _amount(
    problems: Problems, value: int | str, field: str, replicas: int, *, round_up: bool
) -> int | None:
    """The number of replicas that a number or a percentage means; None for neither."""
    place = (*_ROLLING, field)
    if isinstance(value, int | float):
        if value < 0:
            problems.invalid(place, value, "must be a non-negative integer")
        return int(value)
    if not _PERCENT.fullmatch(value):
        problems.invalid(place, value, _PERCENT_HELP)
        problems.invalid(place, value, f"validate {field}")
        return None
    percent = int(value[:-1])
    if percent > 100:
        problems.invalid(place, value, "must be a valid percent value (0-100)")
    return -(-percent * replicas // 100) if round_up else percent * replicas // 100


def _check_gang(problems: Problems, gang: Fields, roles: Sequence[Fields]) -> None:
    by_name = {role["name"]: role for role in roles}
    for name, least in block(gang, "minRoleReplicas").items():
        place = ("spec", "template", "gangSchedule", "minRoleReplicas", name)
        found = Problems()
        role = by_name.get(name)
        if role is None:
            found.invalid(place, name, f"role {name} does not exist in template.roles")
        else:
            total = role.get("replicas", 1) + role["workerReplicas"]
            if least > total:
                detail = (
                    f"minRoleReplicas ({least}) for role {name} cannot exceed total replicas "
                    f"({total})"
                )
                found.invalid(place, least, detail)
        if least < 0:
            detail = f"minRoleReplicas for role {name} must be non-negative"
            found.invalid(place, least, detail)
        problems += [at_key(error, name) for error in found]
