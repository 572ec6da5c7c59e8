"""Errors: what an `except` clause can read."""

from __future__ import annotations

from typing import Any, assert_type

from matrixinfer_client import (
    ApiError,
    Cause,
    ExpiredError,
    InvalidObjectError,
    MatrixInferError,
    Problem,
    RequestInfo,
    Resource,
    TransportError,
    TransportTimeout,
)
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelList


def handle(models: Resource[Model, ModelList]) -> None:
    try:
        models.get("demo")
    except ApiError as error:
        assert_type(error.status_code, int)
        assert_type(error.reason, str)
        assert_type(error.message, str)
        assert_type(error.details, dict[str, Any])
        assert_type(error.causes, tuple[Cause, ...])
        assert_type(error.retry_after, float | None)
        assert_type(error.request, RequestInfo | None)
    except TransportError as error:
        assert_type(error.sent, bool)
    except InvalidObjectError as error:
        assert_type(error.problems, tuple[Problem, ...])


def the_next_page(error: ExpiredError) -> str | None:
    return error.continue_token


def builtin_classes_catch_them(timeout: TransportTimeout, problem: InvalidObjectError) -> None:
    _: TimeoutError = timeout
    __: ValueError = problem
    ___: MatrixInferError = problem
