"""From the server's answer to the error that a program catches, and what that error tells."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Mapping
from typing import Any

import pytest

from matrixinfer_client import errors
from matrixinfer_client.errors import (
    AlreadyExistsError,
    ApiError,
    BadRequestError,
    Cause,
    ConfigError,
    ConflictError,
    CredentialError,
    DecodeError,
    ExpiredError,
    ForbiddenError,
    GoneError,
    InternalServerError,
    InvalidArgumentError,
    InvalidError,
    InvalidObjectError,
    ManifestError,
    MatrixInferError,
    MethodNotAllowedError,
    NotFoundError,
    Problem,
    RequestInfo,
    RequestTooLargeError,
    ServerTimeoutError,
    TooManyRequestsError,
    TransportError,
    TransportTimeout,
    UnauthorizedError,
    UnavailableError,
    UnsupportedMediaTypeError,
    error_from_response,
    error_from_status,
)

REQUEST = RequestInfo("GET", "https://cluster.test/apis/registry.matrixinfer.ai/v1alpha1/models")


def status(reason: str = "", code: int = 500, message: str = "", **more: Any) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
        **more,
    }


def received(code: int, body: Mapping[str, Any] | bytes, content_type: str = "") -> ApiError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_from_response(
        code, content_type=content_type or "application/json", body=data, request=REQUEST
    )


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (400, "BadRequest", BadRequestError),
        (401, "Unauthorized", UnauthorizedError),
        (403, "Forbidden", ForbiddenError),
        (404, "NotFound", NotFoundError),
        (405, "MethodNotAllowed", MethodNotAllowedError),
        (409, "Conflict", ConflictError),
        (409, "AlreadyExists", AlreadyExistsError),
        (410, "Gone", GoneError),
        (410, "Expired", ExpiredError),
        (413, "RequestEntityTooLarge", RequestTooLargeError),
        (415, "UnsupportedMediaType", UnsupportedMediaTypeError),
        (422, "Invalid", InvalidError),
        (429, "TooManyRequests", TooManyRequestsError),
        (500, "InternalError", InternalServerError),
        (503, "ServiceUnavailable", UnavailableError),
        (504, "Timeout", ServerTimeoutError),
        (500, "ServerTimeout", ServerTimeoutError),
    ],
)
def test_every_reason_of_the_api_server_has_its_class(
    code: int, reason: str, expected: type[ApiError]
) -> None:
    error = received(code, status(reason, code, "words"))
    assert type(error) is expected
    assert (error.status_code, error.reason, error.message) == (code, reason, "words")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (400, BadRequestError),
        (401, UnauthorizedError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (409, ConflictError),
        (410, GoneError),
        (413, RequestTooLargeError),
        (422, InvalidError),
        (429, TooManyRequestsError),
        (500, InternalServerError),
        (502, UnavailableError),
        (503, UnavailableError),
        (504, ServerTimeoutError),
        (418, ApiError),
    ],
)
def test_without_a_reason_the_code_decides(code: int, expected: type[ApiError]) -> None:
    assert type(received(code, status("", code))) is expected
    assert type(received(code, b"words", "text/plain")) is expected


def test_a_reason_that_is_new_falls_back_to_the_code() -> None:
    error = received(409, status("SomethingNew", 409))
    assert type(error) is ConflictError
    assert error.reason == "SomethingNew"


def test_a_name_that_is_taken_is_not_a_conflict_between_writers() -> None:
    # A loop that repeats on ConflictError would never end on a name that is taken.
    assert not issubclass(AlreadyExistsError, ConflictError)
    assert issubclass(ExpiredError, GoneError)


def test_the_message_comes_first_and_then_code_reason_and_request() -> None:
    error = received(404, status("NotFound", 404, 'models.registry.matrixinfer.ai "x" not found'))
    assert str(error) == (
        f'models.registry.matrixinfer.ai "x" not found (404 NotFound) [GET {REQUEST.url}]'
    )


def test_an_answer_without_a_message_says_that() -> None:
    assert str(received(500, status())).startswith("the server gave no message (500)")


def test_causes_are_typed_and_several_are_listed_a_line_each() -> None:
    causes = [
        {"reason": "FieldValueInvalid", "message": "Invalid value: 0", "field": "spec.replicas"},
        {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.name"},
    ]
    error = received(422, status("Invalid", 422, "is invalid", details={"causes": causes}))
    assert error.causes == (
        Cause("spec.replicas", "FieldValueInvalid", "Invalid value: 0"),
        Cause("spec.name", "FieldValueRequired", "Required value"),
    )
    assert "\n  - spec.replicas: Invalid value: 0\n  - spec.name: Required value\n" in str(error)


def test_a_single_cause_is_not_said_twice() -> None:
    cause = {"reason": "FieldValueInvalid", "message": "Invalid value: 0", "field": "spec"}
    error = received(422, status("Invalid", 422, "spec: bad", details={"causes": [cause]}))
    assert len(error.causes) == 1
    assert "  - " not in str(error)


@pytest.mark.parametrize(
    "details",
    [None, [], "text", {"causes": None}, {"causes": {}}, {"causes": [None, 7, {"field": 3}]}],
)
def test_details_of_an_unexpected_shape_break_nothing(details: object) -> None:
    error = received(422, status("Invalid", 422, "no", details=details))
    assert isinstance(error, InvalidError)
    assert all(cause.field == "" for cause in error.causes)


def test_seconds_to_wait_come_from_the_header_or_else_from_the_status() -> None:
    body = status("TooManyRequests", 429, details={"retryAfterSeconds": 7})
    assert received(429, body).retry_after == 7
    by_header = error_from_response(
        429, content_type="", body=json.dumps(body).encode(), retry_after=3
    )
    assert by_header.retry_after == 3
    assert received(429, status("TooManyRequests", 429)).retry_after is None


def test_a_proxys_html_page_is_quoted_without_its_tags_and_script() -> None:
    page = (
        b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title><style>b{}</style>"
        b"<script>alert(1)</script></head><body><h1>nginx</h1></body></html>"
    )
    error = received(502, page, "text/html; charset=utf-8")
    assert error.message == (
        "the answer is no Kubernetes Status but text/html: 502 Bad Gateway nginx"
    )


def test_a_long_foreign_body_is_cut() -> None:
    error = received(500, b"x" * 100_000, "text/plain")
    assert error.message.endswith("x…")
    assert len(error.message) < 350


def test_an_empty_answer_hints_that_it_may_come_from_something_else() -> None:
    error = received(503, b"", "text/plain")
    assert error.message == (
        "the answer has no body (text/plain), so it may not come from an API server"
    )


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"kind": "Model"}', b"\xff\xfe{", b"null"])
def test_a_body_that_is_no_status_is_never_an_error_of_its_own(body: bytes) -> None:
    error = received(500, body)
    assert isinstance(error, InternalServerError)
    assert error.status == {}


def test_an_error_event_of_a_watch_becomes_the_error_of_its_reason() -> None:
    error = error_from_status(status("Expired", 410, "too old resource version: 1 (2)"))
    assert isinstance(error, ExpiredError)
    assert error.status_code == 410
    assert error.request is None


@pytest.mark.parametrize("code", [None, "410", 4.1])
def test_a_status_without_a_usable_code_counts_as_500(code: object) -> None:
    error = error_from_status({**status("", 0, "odd"), "code": code})
    assert error.status_code == 500


def test_an_expired_continue_token_brings_the_one_to_go_on_with() -> None:
    body = {**status("Expired", 410), "metadata": {"continue": "next"}}
    error = received(410, body)
    assert isinstance(error, ExpiredError)
    assert error.continue_token == "next"
    for empty in ({}, {"continue": ""}, None):
        error = received(410, {**status("Expired", 410), "metadata": empty})
        assert isinstance(error, ExpiredError)
        assert error.continue_token is None


EXAMPLES: list[MatrixInferError] = [
    ConfigError("nowhere to connect to"),
    CredentialError("the plugin failed"),
    InvalidArgumentError("the name is empty"),
    InvalidObjectError([Problem("spec.replicas", "must be an int")], subject="Model 'x'"),
    ManifestError("models.yaml, line 3: no manifest"),
    DecodeError("no JSON"),
    TransportError("refused", request=REQUEST, sent=False, transient=False),
    TransportTimeout("no answer", request=REQUEST),
    received(404, status("NotFound", 404, "not found")),
    received(410, {**status("Expired", 410, "old"), "metadata": {"continue": "next"}}),
    received(422, status("Invalid", 422, details={"causes": [{"field": "spec", "message": "x"}]})),
    error_from_response(429, content_type="", body=b"", retry_after=2.5, request=REQUEST),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_errors_travel_between_processes_whole(error: MatrixInferError) -> None:
    for other in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):  # noqa: S301
        assert type(other) is type(error)
        assert str(other) == str(error)
        assert vars(other) == vars(error)


def test_an_attribute_that_a_program_added_travels_too() -> None:
    error = ConfigError("no")
    error.hint = "try this"  # type: ignore[attr-defined]  # as libraries on top do
    assert pickle.loads(pickle.dumps(error)).hint == "try this"  # noqa: S301


def test_errors_are_what_a_caller_without_this_package_in_mind_would_catch() -> None:
    assert issubclass(TransportTimeout, TimeoutError)
    for cls in (InvalidArgumentError, InvalidObjectError, ManifestError, DecodeError):
        assert issubclass(cls, ValueError)


def test_an_invalid_object_names_its_one_problem_in_a_line() -> None:
    error = InvalidObjectError([Problem("spec.replicas", "must be an int")], subject="Model 'x'")
    assert str(error) == "invalid Model 'x': spec.replicas: must be an int"


def test_an_invalid_object_lists_several_problems() -> None:
    error = InvalidObjectError([Problem("spec.a", "is missing"), Problem("", "is odd")])
    assert str(error) == "invalid object, 2 problems:\n  - spec.a: is missing\n  - is odd"
    assert [problem.path for problem in error.problems] == ["spec.a", ""]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawing = (errors.__doc__ or "").partition("```text")[2].partition("```")[0]
    drawn = {line.strip("│├└─ ").split()[0] for line in drawing.strip().splitlines()}
    defined = {
        name
        for name, value in ((name, getattr(errors, name)) for name in errors.__all__)
        if isinstance(value, type) and issubclass(value, MatrixInferError)
    }
    assert drawn == defined
    imported = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, MatrixInferError)
    }
    assert imported <= defined


def test_a_body_too_deep_to_read_is_a_foreign_body() -> None:
    body = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    error = error_from_response(500, content_type="application/json", body=body)
    assert isinstance(error, InternalServerError)
    assert "no Kubernetes Status" in error.message
