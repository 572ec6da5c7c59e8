"""What clients asked for, as tests assert it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from matrixinfer_client.api.registry_v1alpha1 import Model
from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.testing.actions import Action, Recorder
from matrixinfer_client.testing.calls import read_call
from matrixinfer_client.testing.exchange import ADMIN, Caller, Reply
from matrixinfer_client.testing.matching import Match, Subject

MODELS = "/apis/registry.matrixinfer.ai/v1alpha1/namespaces/default/models"
_JSON = "application/json"


class Recording:
    """A recorder, and the calls that it is given."""

    def __init__(self, most: int = 100, most_bytes: int = 10_000) -> None:
        self.recorder = Recorder(most, most_bytes)

    def record(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        reply: Reply | None = None,
        caller: Caller = ADMIN,
        media_type: str = _JSON,
        acting_as: str = "",
    ) -> Action:
        headers = {"content-type": media_type, "impersonate-user": acting_as}
        call = read_call(method, target, headers, body, caller)
        self.recorder.record(Subject.of(call), reply or Reply(status=200))
        return self.recorder.actions[-1]

    def picked(self, **match: Any) -> list[str]:
        return [each.verb for each in self.recorder.matching(Match.of(**match))]


@pytest.fixture
def recording() -> Recording:
    return Recording()


def test_an_action_says_what_was_asked_and_answered(recording: Recording) -> None:
    action = recording.record(
        "POST",
        f"{MODELS}?fieldManager=me&fieldValidation=Strict&dryRun=All",
        b'{"metadata":{"name":"demo"},"spec":{"x":1}}',
        reply=Reply(status=201),
    )
    assert attrs.asdict(action) == {
        "verb": "create",
        "resource": "models",
        "group": "registry.matrixinfer.ai",
        "kind": "Model",
        "namespace": "default",
        "name": "demo",
        "subresource": "",
        "patch_type": "",
        "dry_run": True,
        "field_manager": "me",
        "field_validation": "Strict",
        "label_selector": "",
        "field_selector": "",
        "caller": "admin",
        "status_code": 201,
        "content": b'{"metadata":{"name":"demo"},"spec":{"x":1}}',
    }
    assert action.body == {"metadata": {"name": "demo"}, "spec": {"x": 1}}
    action.body["spec"]["x"] = 2
    assert action.body["spec"]["x"] == 1


def test_a_name_that_the_server_made_is_recorded(recording: Recording) -> None:
    made = Reply(status=201, body=b'{"metadata":{"name":"demo-abcde"}}')
    body = b'{"metadata":{"generateName":"demo-"}}'
    assert recording.record("POST", MODELS, body, reply=made).name == "demo-abcde"


@pytest.mark.parametrize(
    ("media_type", "verb", "patch_type"),
    [
        ("application/merge-patch+json", "patch", "merge"),
        ("application/json-patch+json; charset=utf-8", "patch", "json"),
        ("application/strategic-merge-patch+json", "patch", "strategic"),
        ("application/apply-patch+yaml", "apply", "apply"),
    ],
)
def test_a_patch_says_of_which_type_it_is(
    recording: Recording, media_type: str, verb: str, patch_type: str
) -> None:
    action = recording.record("PATCH", f"{MODELS}/demo", b"{}", media_type=media_type)
    assert (action.verb, action.patch_type) == (verb, patch_type)


def test_the_body_of_an_apply_may_be_yaml(recording: Recording) -> None:
    action = recording.record("PATCH", f"{MODELS}/demo", b"spec:\n  owner: anna\n")
    assert action.body == {"spec": {"owner": "anna"}}
    assert recording.record("PUT", f"{MODELS}/demo", b"\x00: [").body == b"\x00: ["
    assert recording.record("GET", f"{MODELS}/demo").body is None


def test_an_action_reads_as_a_sentence(recording: Recording) -> None:
    lost = Reply(status=503, lost=True)
    record = recording.record
    patch, apply = "application/merge-patch+json", "application/apply-patch+yaml"
    actions = [
        record("GET", f"{MODELS}/demo"),
        record("GET", f"{MODELS}?labelSelector=a%3Db&fieldSelector=x%3Dy"),
        record("GET", f"{MODELS}?watch=1&fieldSelector=metadata.name%3Ddemo", reply=lost),
        record("PUT", f"{MODELS}/demo/status", b"{}", caller=Caller("ann")),
        record("PATCH", f"{MODELS}/demo?dryRun=All", b"{}", media_type=patch),
        record("PATCH", f"{MODELS}/demo?fieldManager=ci", b"{}", media_type=apply),
        record("DELETE", "/api/v1/namespaces/x", reply=Reply(status=404)),
    ]
    assert [str(action) for action in actions] == [
        "get models default/demo: 200",
        "list models default (labels a=b, fields x=y): 200",
        "watch models default/demo: no answer",
        "update models/status default/demo (as ann): 200",
        "patch models default/demo (merge patch, dry run): 200",
        "apply models default/demo (manager ci): 200",
        "delete namespaces x: 404",
    ]


def test_what_is_about_no_resource_is_not_recorded(recording: Recording) -> None:
    recording.record("GET", f"{MODELS}/demo")
    for path in ("/version", "/apis", "/openapi/v3", "/api/v1", "/nonsense"):
        recording.recorder.record(Subject.of(read_call("GET", path, {})), Reply(status=200))
    assert [action.verb for action in recording.recorder.actions] == ["get"]


def test_who_asks_is_whom_the_request_acts_for(recording: Recording) -> None:
    assert recording.record("GET", MODELS, acting_as="ann").caller == "ann"


def test_actions_are_picked_as_faults_are(recording: Recording) -> None:
    recording.record("GET", f"{MODELS}/demo")
    recording.record("GET", f"{MODELS}/other/status")
    recording.record("GET", MODELS)
    recording.record("DELETE", "/api/v1/namespaces/default/pods/demo")
    assert recording.picked() == ["get", "get", "list", "delete"]
    assert recording.picked(verb="get") == ["get", "get"]
    assert (
        recording.picked(resource="models") == recording.picked(resource=Model) == ["get", "list"]
    )
    assert recording.picked(resource="models/*") == ["get", "get", "list"]
    assert recording.picked(name="demo") == ["get", "delete"]
    assert recording.picked(caller="ann") == []
    with pytest.raises(InvalidArgumentError, match="'fetch' is unknown"):
        recording.picked(verb="fetch")


def test_the_oldest_actions_are_dropped_when_there_are_too_many() -> None:
    recording = Recording(most=3)
    for number in range(5):
        recording.record("GET", f"{MODELS}/demo-{number}")
    names = [action.name for action in recording.recorder.actions]
    assert names == ["demo-2", "demo-3", "demo-4"]


def test_the_oldest_actions_are_dropped_when_their_bodies_are_too_large() -> None:
    recording = Recording(most_bytes=100)
    for number in range(5):
        recording.record("PUT", f"{MODELS}/demo-{number}", b"x" * 40)
    assert [each.name for each in recording.recorder.actions] == ["demo-3", "demo-4"]
    recording.record("PUT", f"{MODELS}/large", b"x" * 1000)
    assert [each.name for each in recording.recorder.actions] == ["large"]
    recording.recorder.clear()
    recording.record("PUT", f"{MODELS}/small", b"x" * 90)
    assert [each.name for each in recording.recorder.actions] == ["small"]


def test_an_action_cannot_be_changed(recording: Recording) -> None:
    action = recording.record("GET", f"{MODELS}/demo")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        action.name = "other"  # type: ignore[misc]
