"""What a type checker knows about refusals, permissions and validation before sending."""

from __future__ import annotations

from typing import Any, assert_type

from matrixinfer_client import (
    AccessDeniedError,
    AsyncClient,
    Client,
    Decision,
    OwnershipConflictError,
    Permission,
    QuotaExceededError,
    ValidationFailedError,
    WebhookDeniedError,
    rbac_manifests,
)
from matrixinfer_client.api.registry_v1alpha1 import Model
from matrixinfer_client.errors import Cause
from matrixinfer_client.phrases import Ownership, Shortage


def permissions(client: Client) -> None:
    assert_type(client.can_i("list", "models"), Decision)
    assert_type(client.missing_permissions("wait"), list[Permission])
    assert_type(rbac_manifests("wait", namespace="team"), list[dict[str, Any]])
    client.missing_permissions("waiting")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def awaited(client: AsyncClient) -> None:
    assert_type(await client.can_i("list", "models"), Decision)
    assert_type(await client.missing_permissions("all"), list[Permission])


def checked(client: Client, model: Model) -> None:
    models = client.registry_v1alpha1.models("team")
    assert_type(models.create(model, validate="client"), Model)
    assert_type(models.apply(model, validate="off"), Model)
    models.update(model, validate="on")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def refused(client: Client) -> None:
    try:
        client.registry_v1alpha1.models("team").get("demo")
    except WebhookDeniedError as error:
        assert_type(error.webhook, str)
        assert_type(error.status_code, int)
        assert_type(error.causes, tuple[Cause, ...])
    except ValidationFailedError as error:
        assert_type(error.causes, tuple[Cause, ...])
        assert_type(error.code, str)
        assert_type(error.resolution, str | None)
    except QuotaExceededError as error:
        assert_type(error.shortages, tuple[Shortage, ...])
    except AccessDeniedError as error:
        assert_type(error.namespace, str | None)
    except OwnershipConflictError as error:
        assert_type(error.conflicts, tuple[Ownership, ...])
