"""The platform's webhooks as its charts register them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Registered:
    """One webhook: its name, the resource it is for, the object it is in, and its path."""

    name: str
    group: str
    plural: str
    configuration: str
    path: str
    mutating: bool = False

    @property
    def service(self) -> str:
        return f"{self.group.partition('.')[0]}-webhook"


_REGISTRY = "registry.matrixinfer.ai"
_WORKLOAD = "workload.matrixinfer.ai"
_NETWORKING = "networking.matrixinfer.ai"

INVENTORY = (
    Registered(
        "mutate-registry-matrixinfer-ai-v1alpha1-model.matrixinfer.ai",
        _REGISTRY,
        "models",
        "registry-mutating-webhook",
        "/mutate-registry-matrixinfer-ai-v1alpha1-model",
        mutating=True,
    ),
    Registered(
        "mutate-registry-matrixinfer-ai-v1alpha1-autoscalingpolicy.matrixinfer.ai",
        _REGISTRY,
        "autoscalingpolicies",
        "registry-mutating-webhook",
        "/mutate-registry-matrixinfer-ai-v1alpha1-autoscalingpolicy",
        mutating=True,
    ),
    Registered(
        "validate-registry-matrixinfer-ai-v1alpha1-model.matrixinfer.ai",
        _REGISTRY,
        "models",
        "registry-validating-webhook",
        "/validate-registry-matrixinfer-ai-v1alpha1-model",
    ),
    Registered(
        "validate-registry-matrixinfer-ai-v1alpha1-autoscalingpolicy.matrixinfer.ai",
        _REGISTRY,
        "autoscalingpolicies",
        "registry-validating-webhook",
        "/validate-registry-matrixinfer-ai-v1alpha1-autoscalingpolicy",
    ),
    Registered(
        "validate-registry-matrixinfer-ai-v1alpha1-autoscalingpolicybinding.matrixinfer.ai",
        _REGISTRY,
        "autoscalingpolicybindings",
        "registry-validating-webhook",
        "/validate-registry-matrixinfer-ai-v1alpha1-autoscalingpolicybinding",
    ),
    # The name says model; it is the webhook of ModelInfer.
    Registered(
        "validate-workload-matrixinfer-ai-v1alpha1-model.matrixinfer.ai",
        _WORKLOAD,
        "modelinfers",
        "workload-workload-validating-webhook",
        "/validate-workload-ai-v1alpha1-modelinfer",
    ),
    Registered(
        "validate-networking-matrixinfer-ai-v1alpha1-modelroute.matrixinfer.ai",
        _NETWORKING,
        "modelroutes",
        "networking-infer-gateway-validating-webhook",
        "/validate-modelroute",
    ),
    Registered(
        "validate-networking-matrixinfer-ai-v1alpha1-modelserver.matrixinfer.ai",
        _NETWORKING,
        "modelservers",
        "networking-infer-gateway-validating-webhook",
        "/validate-modelserver",
    ),
)


def webhook_of(plural: str, *, mutating: bool = False) -> Registered:
    """Return the webhook of a resource."""
    (found,) = [each for each in INVENTORY if each.plural == plural and each.mutating == mutating]
    return found


def configurations(
    webhooks: Sequence[Registered],
    url: str,
    ca_pem: bytes,
    namespace_labels: Mapping[str, str],
    suffix: str = "",
) -> list[dict[str, Any]]:
    """Return the configuration objects that send requests to `url`.

    They are those of the charts but for two things: webhooks are reached by URL, since there are no
    services here, and only namespaces with the labels have them.
    """
    by_object: dict[tuple[bool, str], list[dict[str, Any]]] = {}
    for each in webhooks:
        entry = {
            "name": each.name,
            "clientConfig": {
                "url": url + each.path,
                "caBundle": base64.b64encode(ca_pem).decode(),
            },
            "rules": [
                {
                    "apiGroups": [each.group],
                    "apiVersions": ["v1alpha1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": [each.plural],
                    "scope": "Namespaced",
                }
            ],
            "namespaceSelector": {"matchLabels": dict(namespace_labels)},
            "failurePolicy": "Fail",
            "sideEffects": "None",
            "timeoutSeconds": 30,
            "admissionReviewVersions": ["v1"],
        }
        if each.mutating:
            entry["reinvocationPolicy"] = "IfNeeded"
        by_object.setdefault((each.mutating, each.configuration), []).append(entry)
    return [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": f"{'Mutating' if mutating else 'Validating'}WebhookConfiguration",
            "metadata": {"name": name + suffix},
            "webhooks": entries,
        }
        for (mutating, name), entries in by_object.items()
    ]
