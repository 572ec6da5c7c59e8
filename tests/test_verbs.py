"""Verbs of more than one request, against answers that a real server rarely gives."""

from __future__ import annotations

import json
from typing import Any

from matrixinfer_client import verbs
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelList
from matrixinfer_client.errors import ExpiredError
from matrixinfer_client.flows import Response
from matrixinfer_client.targets import ListOptions, Options, Target, WriteOptions
from tests.scripted import answer, play

TARGET = Target(Model, ModelList, "prod", Options(timeout=30.0))
MODEL = {"metadata": {"name": "one", "uid": "u", "resourceVersion": "7"}, "spec": {}}


def answered(body: Any, status: int = 200) -> Response:
    return answer(status, json.dumps(body).encode())


def page(name: str, token: str) -> Response:
    item = {"metadata": {"name": name}}
    return answered({"metadata": {"continue": token}, "items": [item]})


def refused(code: int, reason: str, token: str = "") -> Response:
    status = {"kind": "Status", "code": code, "reason": reason, "message": "by the script"}
    return answered({**status, "metadata": {"continue": token}}, code)


def test_a_server_that_refuses_its_own_tokens_is_not_asked_for_ever() -> None:
    script = [page("a", "t0"), *[refused(410, "Expired", f"t{n}") for n in range(1, 9)]]
    played = play(verbs.iterate(TARGET, ListOptions(), timeout=None), script)
    assert isinstance(played.error, ExpiredError)
    assert [model.name for model in played.emitted] == ["a"]
    assert [request.query for request in played.sent] == ["", *[f"continue=t{n}" for n in range(5)]]


def test_a_token_may_expire_on_every_page_of_a_slow_listing() -> None:
    script: list[Response] = []
    for number in range(12):
        script += [page(f"m{number}", f"old{number}"), refused(410, "Expired", f"new{number}")]
    played = play(verbs.iterate(TARGET, ListOptions(), timeout=None), [*script, page("last", "")])
    assert played.error is None
    assert len(played.emitted) == 13


def test_all_requests_of_a_create_or_update_keep_to_the_timeout_of_the_call() -> None:
    script = [refused(409, "AlreadyExists"), answered(MODEL), answered(MODEL)]
    options = WriteOptions(timeout=2.5)
    played = play(verbs.create_or_update(TARGET, {"metadata": {"name": "one"}}, options), script)
    assert played.error is None
    assert [request.method for request in played.sent] == ["POST", "GET", "PUT"]
    assert [request.timeout for request in played.sent] == [2.5, 2.5, 2.5]
