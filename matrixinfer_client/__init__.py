"""The Python SDK of MatrixInfer, a Kubernetes-native platform for serving large language models.

```python
from matrixinfer_client import Client

with Client() as client:
    for model in client.registry_v1alpha1.models("default").list():
        print(model.name)
```

The types of the API are in `matrixinfer_client.api`, one package per API group and version: `Model`
is in `matrixinfer_client.api.registry_v1alpha1`. A name is imported from its module when it is
first used, so that a program pays for what it uses and for nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matrixinfer_client.api.clientset import (
        AsyncNetworkingV1alpha1,
        AsyncRegistryV1alpha1,
        AsyncWorkloadV1alpha1,
        NetworkingV1alpha1,
        RegistryV1alpha1,
        WorkloadV1alpha1,
    )
    from matrixinfer_client.awaited import WaitUpdate
    from matrixinfer_client.client import AsyncClient, Client
    from matrixinfer_client.conditions import StatusCondition, all_of, any_of
    from matrixinfer_client.config import Config, load_config
    from matrixinfer_client.connection import AsyncConnection, Connection
    from matrixinfer_client.diagnosis import Diagnosis
    from matrixinfer_client.errors import (
        AccessDeniedError,
        AlreadyExistsError,
        ApiError,
        ApiWarning,
        BadRequestError,
        Cause,
        ConditionFailed,
        ConfigError,
        ConflictError,
        CredentialError,
        DecodeError,
        ExpiredError,
        ForbiddenError,
        GoneError,
        InsufficientResourcesError,
        InsufficientResourcesFailed,
        InsufficientResourcesTimeout,
        InternalServerError,
        InvalidArgumentError,
        InvalidError,
        InvalidFieldsError,
        InvalidObjectError,
        ManifestError,
        MatrixInferError,
        MethodNotAllowedError,
        ModelNotFoundError,
        NetworkPolicyDeniedError,
        NetworkPolicyForbiddenError,
        NetworkPolicyInvalidError,
        NetworkPolicyViolationError,
        NotFoundError,
        NotSyncedError,
        OwnershipConflictError,
        PlatformError,
        Problem,
        QuotaExceededError,
        RejectedObjectError,
        RequestInfo,
        RequestTooLargeError,
        ServerTimeoutError,
        SyncTimeout,
        TooManyRequestsError,
        TransportError,
        TransportTimeout,
        UnauthorizedError,
        UnavailableError,
        UndeclaredFieldsError,
        UnknownFieldsError,
        UnreadableObjectError,
        UnsupportedMediaTypeError,
        ValidationFailedError,
        WaitError,
        WaitTimeout,
        WebhookDeniedError,
        WebhookFailedError,
    )
    from matrixinfer_client.flows import NO_TIMEOUT, Response, Retries
    from matrixinfer_client.handlers import Handler
    from matrixinfer_client.informers import AsyncInformer, Informer
    from matrixinfer_client.manifests import crd_manifests, load_manifests
    from matrixinfer_client.models import ApiList, ApiModel, ApiObject
    from matrixinfer_client.names import ALL_NAMESPACES
    from matrixinfer_client.pacing import WatchPolicy, WatchStatistics
    from matrixinfer_client.rbac import Decision, Permission, rbac_manifests
    from matrixinfer_client.resources import AsyncResource, Resource
    from matrixinfer_client.store import without_managed_fields
    from matrixinfer_client.targets import Preconditions
    from matrixinfer_client.validation import (
        CelRuleError,
        CelUnavailableError,
        Default,
        Defaults,
        FieldError,
        Finding,
        Findings,
        Report,
        as_annotations,
        as_json,
        as_text,
        defaults,
        lint,
        validate,
    )
    from matrixinfer_client.waiterrors import ConditionState
    from matrixinfer_client.watches import AsyncWatch, Watch
    from matrixinfer_client.watching import Event
    from matrixinfer_client.wire import EventHooks

    __version__: str
    """The version of this package, such as `0.1.0`."""

__all__ = [
    "ALL_NAMESPACES",
    "NO_TIMEOUT",
    "AccessDeniedError",
    "AlreadyExistsError",
    "ApiError",
    "ApiList",
    "ApiModel",
    "ApiObject",
    "ApiWarning",
    "AsyncClient",
    "AsyncConnection",
    "AsyncInformer",
    "AsyncNetworkingV1alpha1",
    "AsyncRegistryV1alpha1",
    "AsyncResource",
    "AsyncWatch",
    "AsyncWorkloadV1alpha1",
    "BadRequestError",
    "Cause",
    "CelRuleError",
    "CelUnavailableError",
    "Client",
    "ConditionFailed",
    "ConditionState",
    "Config",
    "ConfigError",
    "ConflictError",
    "Connection",
    "CredentialError",
    "Decision",
    "DecodeError",
    "Default",
    "Defaults",
    "Diagnosis",
    "Event",
    "EventHooks",
    "ExpiredError",
    "FieldError",
    "Finding",
    "Findings",
    "ForbiddenError",
    "GoneError",
    "Handler",
    "Informer",
    "InsufficientResourcesError",
    "InsufficientResourcesFailed",
    "InsufficientResourcesTimeout",
    "InternalServerError",
    "InvalidArgumentError",
    "InvalidError",
    "InvalidFieldsError",
    "InvalidObjectError",
    "ManifestError",
    "MatrixInferError",
    "MethodNotAllowedError",
    "ModelNotFoundError",
    "NetworkPolicyDeniedError",
    "NetworkPolicyForbiddenError",
    "NetworkPolicyInvalidError",
    "NetworkPolicyViolationError",
    "NetworkingV1alpha1",
    "NotFoundError",
    "NotSyncedError",
    "OwnershipConflictError",
    "Permission",
    "PlatformError",
    "Preconditions",
    "Problem",
    "QuotaExceededError",
    "RegistryV1alpha1",
    "RejectedObjectError",
    "Report",
    "RequestInfo",
    "RequestTooLargeError",
    "Resource",
    "Response",
    "Retries",
    "ServerTimeoutError",
    "StatusCondition",
    "SyncTimeout",
    "TooManyRequestsError",
    "TransportError",
    "TransportTimeout",
    "UnauthorizedError",
    "UnavailableError",
    "UndeclaredFieldsError",
    "UnknownFieldsError",
    "UnreadableObjectError",
    "UnsupportedMediaTypeError",
    "ValidationFailedError",
    "WaitError",
    "WaitTimeout",
    "WaitUpdate",
    "Watch",
    "WatchPolicy",
    "WatchStatistics",
    "WebhookDeniedError",
    "WebhookFailedError",
    "WorkloadV1alpha1",
    "__version__",
    "all_of",
    "any_of",
    "as_annotations",
    "as_json",
    "as_text",
    "crd_manifests",
    "defaults",
    "lint",
    "load_config",
    "load_manifests",
    "rbac_manifests",
    "validate",
    "without_managed_fields",
]

_HOMES = {
    "ALL_NAMESPACES": "names",
    "NO_TIMEOUT": "flows",
    "ApiList": "models",
    "ApiModel": "models",
    "ApiObject": "models",
    "AsyncClient": "client",
    "AsyncConnection": "connection",
    "AsyncInformer": "informers",
    "AsyncNetworkingV1alpha1": "api.clientset",
    "AsyncRegistryV1alpha1": "api.clientset",
    "AsyncResource": "resources",
    "AsyncWatch": "watches",
    "AsyncWorkloadV1alpha1": "api.clientset",
    "CelRuleError": "validation",
    "CelUnavailableError": "validation",
    "Client": "client",
    "ConditionState": "waiterrors",
    "Config": "config",
    "Connection": "connection",
    "Decision": "rbac",
    "Default": "validation",
    "Defaults": "validation",
    "Diagnosis": "diagnosis",
    "Event": "watching",
    "EventHooks": "wire",
    "FieldError": "validation",
    "Finding": "validation",
    "Findings": "validation",
    "Handler": "handlers",
    "Informer": "informers",
    "NetworkingV1alpha1": "api.clientset",
    "Permission": "rbac",
    "Preconditions": "targets",
    "RegistryV1alpha1": "api.clientset",
    "Report": "validation",
    "Resource": "resources",
    "Response": "flows",
    "Retries": "flows",
    "StatusCondition": "conditions",
    "WaitUpdate": "awaited",
    "Watch": "watches",
    "WatchPolicy": "pacing",
    "WatchStatistics": "pacing",
    "WorkloadV1alpha1": "api.clientset",
    "all_of": "conditions",
    "any_of": "conditions",
    "as_annotations": "validation",
    "as_json": "validation",
    "as_text": "validation",
    "crd_manifests": "manifests",
    "defaults": "validation",
    "lint": "validation",
    "load_config": "config",
    "load_manifests": "manifests",
    "rbac_manifests": "rbac",
    "validate": "validation",
    "without_managed_fields": "store",
}


def __getattr__(name: str) -> object:
    value: object
    if name == "__version__":
        value = import_module(f"{__name__}.version").VERSION
    elif name in __all__:
        # Of the public names most are errors; the others are listed with their modules.
        value = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
