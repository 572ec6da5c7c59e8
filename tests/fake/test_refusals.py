"""The answers that say no: what is in the `Status`, and what is left out."""

from __future__ import annotations

from matrixinfer_client.errors import (
    ExpiredError,
    NotFoundError,
    TooManyRequestsError,
    error_from_status,
)
from matrixinfer_client.testing.apiserver import refusals
from matrixinfer_client.validation.results import invalid, required

GROUP = "registry.matrixinfer.ai"


def test_a_refusal_is_a_status_without_what_is_empty() -> None:
    assert refusals.not_found(GROUP, "models", "demo").body() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'models.registry.matrixinfer.ai "demo" not found',
        "reason": "NotFound",
        "details": {"name": "demo", "group": GROUP, "kind": "models"},
        "code": 404,
    }
    pods = refusals.not_found("", "pods", "demo")
    assert pods.body()["details"] == {"name": "demo", "kind": "pods"}
    denial = refusals.webhook_denial("a.example.com", "no")
    assert "reason" not in denial.body()
    assert "details" not in denial.body()


def test_every_error_is_a_cause_and_the_message_says_each_once() -> None:
    rules = [
        required(("spec",), "spec", source="schema"),
        invalid(("a",), "a", "x", "no", source="schema"),
        required(("spec",), "spec", source="schema"),
    ]
    refusal = refusals.invalid(GROUP, "Model", "demo", rules)
    assert refusal.message == (
        'Model.registry.matrixinfer.ai "demo" is invalid: '
        '[spec: Required value, a: Invalid value: "x": no]'
    )
    assert refusal.details is not None
    assert refusal.details["causes"] == [
        {"reason": "FieldValueRequired", "message": "Required value", "field": "spec"},
        {"reason": "FieldValueInvalid", "message": 'Invalid value: "x": no', "field": "a"},
        {"reason": "FieldValueRequired", "message": "Required value", "field": "spec"},
    ]
    assert refusals.invalid(GROUP, "Model", "demo", rules[:1]).message.endswith(
        "is invalid: spec: Required value"
    )


def test_the_wait_that_is_asked_for_is_a_header_too() -> None:
    limited = refusals.too_many_requests("later", retry_after=7)
    assert limited.retry_after == 7
    assert limited.headers == {"Retry-After": "7"}
    own = refusals.too_many_requests(retry_after=3)
    assert own.plain == "Too many requests, please try again later.\n"
    assert own.headers["Retry-After"] == "3"
    assert refusals.timeout("slow").headers == {}


def test_an_expired_list_brings_the_token_to_go_on_with() -> None:
    assert refusals.expired("old").body()["metadata"] == {}
    assert refusals.expired("old", continue_token="next").body()["metadata"] == {"continue": "next"}


def test_what_a_refused_user_sent_cannot_become_html() -> None:
    refusal = refusals.forbidden("<b>", "get", group="", plural="pods", name="<i>")
    assert refusal.message == (
        'pods "<i>" is forbidden: User "&lt;b&gt;" cannot get resource "pods" in API group "" '
        "at the cluster scope"
    )


def test_the_client_takes_refusals_for_its_own_errors() -> None:
    missing = error_from_status(refusals.not_found(GROUP, "models", "demo").body())
    assert isinstance(missing, NotFoundError)
    limited = error_from_status(refusals.too_many_requests("later", retry_after=7).body())
    assert isinstance(limited, TooManyRequestsError)
    assert limited.retry_after == 7
    expired = error_from_status(refusals.expired("old", continue_token="next").body())
    assert isinstance(expired, ExpiredError)
    assert expired.continue_token == "next"
