"""Rules for AutoscalingPolicyBinding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from matrixinfer_client.validation.access import block, items
from matrixinfer_client.validation.linting.registry import Hit, Subject, rule
from matrixinfer_client.validation.rendering import Parts

__all__: list[str] = []

_INSTALLED_IN = "matrixinfer-system"


def _configurations(subject: Subject) -> Iterator[tuple[Parts, Mapping[str, Any]]]:
    """What has a target and limits: the scaling configuration, or the optimiser's parameters."""
    scaling = subject.spec.get("scalingConfiguration")
    if scaling is not None:
        yield ("spec", "scalingConfiguration"), scaling
    optimizer = block(subject.spec, "optimizerConfiguration")
    for index, params in enumerate(items(optimizer, "params")):
        yield ("spec", "optimizerConfiguration", "params", index), params


def _targets(subject: Subject) -> Iterator[tuple[Parts, Mapping[str, Any]]]:
    for place, configuration in _configurations(subject):
        if configuration.get("target") is not None:
            yield (*place, "target"), configuration["target"]


@rule("MI040", "error", "AutoscalingPolicyBinding", "A target without metricEndpoint")
def no_endpoint(subject: Subject) -> Iterator[Hit]:
    for place, target in _targets(subject):
        if target.get("metricEndpoint") is None:
            yield Hit(
                (*place, "metricEndpoint"),
                "The defaults `/metrics` and 8100 apply only when the object is there; without it "
                "the autoscaler scrapes port 0 and never gets a metric.",
                "set `metricEndpoint: {}`.",
            )


@rule("MI041", "error", "AutoscalingPolicyBinding", "A configuration without a target")
def no_target(subject: Subject) -> Iterator[Hit]:
    for place, configuration in _configurations(subject):
        if configuration.get("target") is None:
            yield Hit(
                (*place, "target"),
                "The schema does not ask for a target, and without one there is nothing to scale.",
                "name the ModelInfer in `target.targetRef`.",
            )


@rule("MI042", "error", "AutoscalingPolicyBinding", "A target that is no ModelInfer")
def target_kind(subject: Subject) -> Iterator[Hit]:
    for place, target in _targets(subject):
        kind = block(target, "targetRef").get("kind")
        if kind != "ModelInfer":
            yield Hit(
                (*place, "targetRef", "kind"),
                f"The autoscaler scales ModelInfers only; with kind {kind or '(none)'} it takes "
                "the metrics of all pods of the platform in the namespace.",
                "set `kind: ModelInfer` and the name of the ModelInfer.",
            )


@rule("MI043", "error", "AutoscalingPolicyBinding", "A target without a name")
def target_name(subject: Subject) -> Iterator[Hit]:
    for place, target in _targets(subject):
        if not block(target, "targetRef").get("name"):
            yield Hit(
                (*place, "targetRef", "name"),
                "Pods are found by the name of the target, and there is none.",
                "set the name of the ModelInfer (`<model>-<backend>` for one made by a Model).",
            )


@rule("MI044", "error", "AutoscalingPolicyBinding", "Limits the wrong way round")
def limits(subject: Subject) -> Iterator[Hit]:
    for place, configuration in _configurations(subject):
        least, most = configuration["minReplicas"], configuration["maxReplicas"]
        if least > most:
            yield Hit(
                (*place, "minReplicas"),
                f"minReplicas {least} is above maxReplicas {most}; the webhook compares them for a "
                "Model and not for a binding.",
                "swap them.",
            )


@rule("MI045", "warning", "AutoscalingPolicyBinding", "An optimiser without metrics")
def optimizer(subject: Subject) -> Iterator[Hit]:
    if subject.spec.get("optimizerConfiguration") is not None:
        yield Hit(
            ("spec", "optimizerConfiguration"),
            "The optimiser never receives the targets of the policy's metrics; it only keeps "
            "replicas between the sums of the limits.",
            "use a binding with `scalingConfiguration` for each ModelInfer.",
        )


@rule("MI046", "error", "AutoscalingPolicyBinding", "An optimiser with nothing to optimise")
def no_params(subject: Subject) -> Iterator[Hit]:
    configuration = subject.spec.get("optimizerConfiguration")
    if configuration is not None and not configuration.get("params"):
        yield Hit(
            ("spec", "optimizerConfiguration", "params"),
            "The schema does not ask for `params`, and without them there is no target.",
            "list the targets with their costs and limits.",
        )


@rule("MI047", "warning", "AutoscalingPolicyBinding", "A target in another namespace")
def foreign_target(subject: Subject) -> Iterator[Hit]:
    for place, target in _targets(subject):
        namespace = block(target, "targetRef").get("namespace")
        if namespace and namespace != (subject.namespace or "default"):
            yield Hit(
                (*place, "targetRef", "namespace"),
                "References mean objects in the same namespace; this one is not looked at.",
                "put the binding into the namespace of its target.",
            )


@rule("MI048", "info", "AutoscalingPolicyBinding", "A binding that the autoscaler does not see")
def unseen(subject: Subject) -> Iterator[Hit]:
    if subject.namespace and subject.namespace != _INSTALLED_IN:
        yield Hit(
            ("metadata", "namespace"),
            "The autoscaler reads bindings only in the namespace that it runs in (mostly "
            f"{_INSTALLED_IN}), so this one is accepted and never acted on.",
            "put the ModelInfer, its policy and its binding into that namespace.",
        )


@rule("MI049", "warning", "AutoscalingPolicyBinding", "Two bindings of one target")
def shared_target(subject: Subject) -> Iterator[Hit]:
    others = {name for other in subject.near(subject.kind) for name in _target_names(other)}
    for place, target in _targets(subject):
        name = block(target, "targetRef").get("name")
        if name and name in others:
            yield Hit(
                (*place, "targetRef", "name"),
                f"Another binding given here has the target {name} too; both write its replicas.",
                "keep one of them.",
            )


@rule("MI050", "error", "AutoscalingPolicyBinding", "A target without a role called leader")
def no_leader(subject: Subject) -> Iterator[Hit]:
    infers = {other.name: other for other in subject.near("ModelInfer")}
    for place, target in _targets(subject):
        infer = infers.get(block(target, "targetRef").get("name") or "")
        given = None if infer is None else infer.spec
        roles = [role["name"] for role in items(given, "template", "roles")]
        if roles and "leader" not in roles:
            yield Hit(
                (*place, "targetRef", "name"),
                "Metrics are taken from pods of the role `leader` only, and the ModelInfer has "
                f"{', '.join(roles)}.",
                "call the role `leader`.",
            )


def _target_names(subject: Subject) -> Iterator[str]:
    for _, target in _targets(subject):
        name = block(target, "targetRef").get("name")
        if name:
            yield name
