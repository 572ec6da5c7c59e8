"""Watches as the server sends them: from a version on, with bookmarks, and by selector."""

from __future__ import annotations

import json
from typing import Any

import pytest

from matrixinfer_client import (
    AsyncClient,
    BadRequestError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
)
from tests.behaviour.backends import Backend
from tests.behaviour.conftest import OpenClient
from tests.behaviour.controllers import STATUS_PATCH
from tests.behaviour.samples import MODEL


class Writer:
    """Changes Models without the client under test."""

    def __init__(self, backend: Backend, namespace: str) -> None:
        self.backend = backend
        self.path = MODEL.path(namespace)

    def create(self, name: str, **labels: str) -> str:
        return self._send("POST", "", MODEL.mapping(name, labels=labels))

    def label(self, name: str, **labels: Any) -> str:
        return self._send("PATCH", f"/{name}", {"metadata": {"labels": labels}})

    def delete(self, name: str) -> None:
        self._send("DELETE", f"/{name}", None)

    def version(self) -> str:
        """The version of a list of everything."""
        return self._send("GET", "", None)

    def _send(self, method: str, path: str, body: Any) -> str:
        kind = STATUS_PATCH if method == "PATCH" else "application/json"
        status, answer = self.backend.request(method, self.path + path, body, kind)
        assert status < 300, answer
        return str(answer["metadata"].get("resourceVersion", ""))


@pytest.fixture
def writer(backend: Backend, namespace: str) -> Writer:
    return Writer(backend, namespace)


async def take(watch: Any, count: int) -> list[tuple[str, str]]:
    """Type and name of so many events."""
    found: list[tuple[str, str]] = []
    async for event in watch:
        found.append((event.type, event.object.name))
        if len(found) == count:
            break
    return found


async def test_a_watch_begins_with_what_is_there(
    client: AsyncClient, writer: Writer, namespace: str
) -> None:
    writer.create("b")
    writer.create("a")
    watch = client.registry_v1alpha1.models(namespace).watch()
    assert sorted(await take(watch, 2)) == [("ADDED", "a"), ("ADDED", "b")]


async def test_from_a_version_on_only_what_came_later_is_seen(
    client: AsyncClient, writer: Writer, namespace: str
) -> None:
    writer.create("before")
    version = writer.version()
    writer.create("after")
    writer.label("before", new="1")
    writer.delete("after")
    watch = client.registry_v1alpha1.models(namespace).watch(resource_version=version)
    assert await take(watch, 3) == [
        ("ADDED", "after"),
        ("MODIFIED", "before"),
        ("DELETED", "after"),
    ]


async def test_a_selection_is_entered_and_left(
    client: AsyncClient, writer: Writer, namespace: str
) -> None:
    writer.create("a", team="red")
    version = writer.version()
    writer.create("b", team="blue")
    writer.label("b", team="red")
    writer.label("a", other="1")
    writer.label("a", team="blue")
    writer.delete("a")
    writer.delete("b")
    watch = client.registry_v1alpha1.models(namespace).watch(
        resource_version=version, label_selector={"team": "red"}
    )
    events: list[Any] = []
    async for event in watch:
        events.append(event)
        if len(events) == 4:
            break
    assert [(event.type, event.object.name) for event in events] == [
        ("ADDED", "b"),
        ("MODIFIED", "a"),
        ("DELETED", "a"),
        ("DELETED", "b"),
    ]
    # What leaves the selection is shown as it was in it.
    assert events[2].object.metadata.labels == {"team": "red", "other": "1"}


async def test_the_end_of_an_object_has_a_version_of_its_own(
    client: AsyncClient, writer: Writer, namespace: str
) -> None:
    made = writer.create("a")
    version = writer.version()
    writer.delete("a")
    watch = client.registry_v1alpha1.models(namespace).watch(resource_version=version)
    event = await anext(aiter(watch))
    assert event.type == "DELETED"
    assert int(event.object.resource_version or 0) > int(made)


async def test_one_object_can_be_watched_by_its_name(
    client: AsyncClient, writer: Writer, namespace: str
) -> None:
    version = writer.version()
    writer.create("a")
    writer.create("b")
    writer.delete("b")
    watch = client.registry_v1alpha1.models(namespace).watch(
        resource_version=version, field_selector="metadata.name=b"
    )
    assert await take(watch, 2) == [("ADDED", "b"), ("DELETED", "b")]


async def test_a_version_that_is_forgotten_is_expired(
    client: AsyncClient, backend: Backend, writer: Writer, namespace: str
) -> None:
    version = writer.create("a")
    writer.create("b")
    backend.forget_history()
    watch = client.registry_v1alpha1.models(namespace).watch(resource_version=version)
    with pytest.raises(ExpiredError):
        await anext(aiter(watch))


async def test_who_may_not_watch_is_told_so(open_client: OpenClient, namespace: str) -> None:
    watch = open_client(user="plain").registry_v1alpha1.models(namespace).watch()
    with pytest.raises(ForbiddenError, match='User "plain" cannot watch resource "models"'):
        await anext(aiter(watch))


async def test_a_selector_that_the_server_rejects_is_an_error(
    client: AsyncClient, namespace: str
) -> None:
    watch = client.registry_v1alpha1.models(namespace).watch(field_selector="spec.nothing=x")
    with pytest.raises(BadRequestError, match="field label not supported"):
        await anext(aiter(watch))


# The protocol itself.


@pytest.fixture
def lines(backend: Backend) -> Any:
    """Watch a path and return the events that come in two seconds; the path has a query."""

    def watch(path: str) -> list[Any]:
        status, events = backend.request("GET", f"{path}&timeoutSeconds=1")
        assert status == 200, events
        if isinstance(events, str):
            events = [json.loads(line) for line in events.splitlines()]
        return events if isinstance(events, list) else [events]

    return watch


def test_a_streaming_list_ends_with_a_bookmark_that_says_so(lines: Any, writer: Writer) -> None:
    writer.create("a")
    writer.create("b")
    options = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    events = lines(f"{writer.path}?watch=true&{options}")
    assert [event["type"] for event in events[:3]] == ["ADDED", "ADDED", "BOOKMARK"]
    mark = events[2]["object"]
    assert mark["kind"] == "Model"
    assert mark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(mark["metadata"]["resourceVersion"]) > 0
    assert "spec" not in mark


def test_without_initial_events_a_watch_begins_now(lines: Any, writer: Writer) -> None:
    writer.create("a")
    options = "sendInitialEvents=false&resourceVersionMatch=NotOlderThan"
    events = lines(f"{writer.path}?watch=true&{options}")
    assert [event["type"] for event in events] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("sendInitialEvents=true", "sendInitialEvents requires setting resourceVersionMatch"),
        ("resourceVersionMatch=NotOlderThan", "is forbidden for watch unless sendInitialEvents"),
        (
            "sendInitialEvents=true&resourceVersionMatch=Exact",
            'resourceVersionMatch: Unsupported value: "Exact"',
        ),
    ],
)
def test_options_that_contradict_each_other_are_invalid(
    backend: Backend, writer: Writer, options: str, message: str
) -> None:
    status, answer = backend.request("GET", f"{writer.path}?watch=true&{options}")
    assert (status, answer["reason"]) == (422, "Invalid")
    assert message in answer["message"]


async def test_a_list_does_not_stream(client: AsyncClient, namespace: str) -> None:
    with pytest.raises(InvalidError, match="resourceVersionMatch"):
        await client.registry_v1alpha1.models(namespace).list(resource_version_match="Exact")


def test_each_line_is_one_event(lines: Any, writer: Writer) -> None:
    version = writer.version()
    writer.create("a", text="one")
    writer.label("a", text="two")
    (added, modified) = lines(f"{writer.path}?watch=true&resourceVersion={version}")
    assert set(added) == {"type", "object"}
    assert added["object"]["metadata"]["labels"] == {"text": "one"}
    assert modified["object"]["metadata"]["labels"] == {"text": "two"}
    assert modified["object"]["kind"] == "Model"
