"""The texts of a Model's `Failed` condition, and what each of them means.

They are the error texts of the model controller: its own, those of the API server, and those of
the webhooks that judge what the controller creates.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs

from matrixinfer_client.diagnosis.report import Finding

__all__ = ["explain_failure"]

Match = re.Match[str]


@attrs.frozen
class _Rule:
    pattern: re.Pattern[str]
    code: str
    cause: Callable[[Match], str]
    action: Callable[[Match], str]


def _rule(pattern: str, code: str, cause: str, action: str) -> _Rule:
    """A rule whose texts may use the groups of the pattern, as in `str.format`."""
    return _Rule(
        re.compile(pattern, re.DOTALL),
        code,
        lambda match: cause.format(*match.groups()),
        lambda match: action.format(*match.groups()),
    )


def _webhook_down(match: Match) -> str:
    part = re.search(r"registry|workload|networking", match[1])
    name = f"{part[0]}-webhook" if part else "webhook"
    return (
        f"see whether the deployment {name} runs (usually in matrixinfer-system): "
        "kubectl get pods -A -l app.kubernetes.io/component=webhook"
    )


# The first that matches counts: what a webhook says comes before the fact that one denied.
_RULES = (
    _rule(
        r"not support model backend type: (\S+)",
        "backend-type",
        "no controller implements the backend type {0}",
        "use vLLM or vLLMDisaggregated; for another engine create a ModelInfer and a ModelServer "
        "yourself instead of a Model",
    ),
    _rule(
        r"(\w+) worker not found in backend: (\S+)",
        "worker-missing",
        "backend {1} has no worker of type {0}",
        "add a worker with type: {0} to backend {1}",
    ),
    _rule(
        r"not support prefix in (\w+): *(\S*)",
        "uri-prefix",
        "the {0} {1!r} has a prefix that the controller does not know",
        "write cacheURI as hostpath:///absolute/path or pvc://claim, and modelURI as hf://, s3:// "
        "or pvc://",
    ),
    _rule(
        r"failed to unmarshal config|unexpected end of JSON input",
        "worker-config",
        "a worker has no config, or one that is not a JSON object",
        "give every server, prefill and decode worker a config; config: {{}} is enough",
    ),
    _rule(
        r"invalid SchedulerName: (\S*?),? modelInfer support",
        "scheduler-name",
        "the controller's template for this backend type sets no schedulerName, and the ModelInfer "
        "webhook accepts volcano only (a defect of platform versions before 2025-10-16)",
        "update the platform, or have the workload webhook switched off "
        "(workload.webhook.enabled=false), or create the ModelInfer yourself with "
        "schedulerName: volcano",
    ),
    _rule(
        # 0x0 up to Kubernetes 1.33, 0 since.
        r"resourceVersion: Invalid value: 0(x0)?: must be specified",
        "policy-update",
        "the controller cannot change an autoscaling policy or binding that it created earlier: it "
        "leaves out the resourceVersion (a defect of the platform)",
        "delete the AutoscalingPolicy and AutoscalingPolicyBinding that carry this Model's label; "
        "the controller's next attempt creates them anew",
    ),
    _Rule(
        re.compile(r'failed calling webhook "([^"]+)"', re.DOTALL),
        "webhook-down",
        lambda match: f"the webhook {match[1]} did not answer, or could not decode what it got",
        _webhook_down,
    ),
    _rule(
        r"exceeded quota: ([^,\s]+), requested: (.*?), used: (.*?), limited: (.*)",
        "quota",
        "the quota {0} is used up: {1} requested, {2} used, {3} allowed",
        "free some of it or have the quota {0} raised",
    ),
    _rule(
        r'admission webhook "([^"]+)" denied the request: *(.*)',
        "webhook-denied",
        "a webhook ({0}) denies what the controller makes of this Model",
        "correct the field of the Model that the denial names",
    ),
    _rule(
        r'User "([^"]+)" cannot (\w+) resource "([^"]+)"',
        "controller-rights",
        "the controller ({0}) may not {1} {2}",
        "have the roles of the platform's chart installed again",
    ),
    _rule(
        r"because it is being terminated",
        "namespace-terminating",
        "the namespace is being deleted",
        "use another namespace",
    ),
    _rule(
        r" is invalid: ",
        "schema",
        "the API server refuses what the controller makes of this Model",
        "correct the field of the Model that the message names",
    ),
)


def explain_failure(subject: str, message: str) -> Finding:
    """What a `Failed` condition means; the message itself is always part of it."""
    for rule in _RULES:
        match = rule.pattern.search(message)
        if match is not None:
            return Finding(
                code=rule.code,
                subject=subject,
                cause=rule.cause(match),
                action=rule.action(match),
                evidence=(message,),
                rank=10,
            )
    return Finding(
        code="controller-failure",
        subject=subject,
        cause=f"the controller reports a failure: {message}",
        action="correct what the message names; the controller tries again by itself",
        rank=15,
    )
