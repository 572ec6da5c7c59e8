"""`Accept`, metadata alone and tables in watches: beside the real API server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from unittest.mock import ANY

import pytest

from matrixinfer_client.testing.apiserver.accepting import wanted
from matrixinfer_client.testing.apiserver.catalog import ResourceType
from matrixinfer_client.testing.apiserver.presenting import Presentation, presentation
from matrixinfer_client.testing.apiserver.refusal import Refusal
from matrixinfer_client.testing.exchange import Call, Reply
from tests.fake.asking import Answer, Asker
from tests.fake.placing import (
    MAIN,
    META,
    POD,
    POLICY,
    TABLE,
    core,
    create,
    path_of,
    policy,
    without_descriptions,
)


@pytest.fixture(scope="module")
def policies(ask: Asker, place: str) -> str:
    """The path of a collection with two custom resources."""
    for name in ("one", "two"):
        create(ask, place, policy(name))
    return path_of(POLICY, place)


def shown(path: str, accept: str, kind: ResourceType, verb: str) -> Presentation:
    query = dict(part.partition("=")[::2] for part in path.partition("?")[2].split("&") if part)
    call = Call(
        method="GET",
        path=path,
        query={name: [value] for name, value in query.items()},
        headers={"accept": accept} if accept else {},
    )
    return presentation(call, kind, verb)


INITIAL = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"


@pytest.mark.parametrize("include", ["", "&includeObject=None", "&includeObject=Object"])
@pytest.mark.parametrize("form", ["Table", "PartialObjectMetadata"])
def test_the_events_of_a_watch_have_the_form_too(
    form: str, include: str, ask: Asker, policies: str
) -> None:
    path = f"{policies}?{INITIAL}&allowWatchBookmarks=true&timeoutSeconds=1{include}"
    accept = f"application/json;as={form};{META}"
    theirs = read_events(ask("GET", path, headers={"Accept": accept}))
    plain = read_events(ask("GET", path))
    assert [event["type"] for event in theirs] == ["ADDED", "ADDED", "BOOKMARK"]
    render = shown(path, accept, POLICY, "watch").event(POLICY)
    for mine, event in zip(plain, theirs, strict=True):
        found, expected = render(mine["object"]), event["object"]
        # The version of the bookmark is that of the moment.
        if event["type"] == "BOOKMARK":
            found, expected = (json.loads(numbers(each)) for each in (found, expected))
        if form == "Table":
            assert (found["columnDefinitions"] is None) == (expected["columnDefinitions"] is None)
            ages = [row["cells"].pop() for each in (found, expected) for row in each["rows"]]
            assert (ages[0] is None) == (ages[1] is None)
            names = [[row["cells"] for row in each["rows"]] for each in (found, expected)]
            assert names[0] == names[1]
            found, expected = without_descriptions(found), without_descriptions(expected)
        assert found == expected


def numbers(value: Any) -> str:
    """The JSON of a bookmark without its version."""
    version = value["metadata"]["resourceVersion"]
    return json.dumps(value).replace(f'"{version}"', '"1"')


def read_events(answer: Answer) -> list[dict[str, Any]]:
    assert answer.status == 200
    text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
    return [json.loads(line) for line in text.splitlines() if line]


ACCEPTS = [
    "",
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf,application/json",
    "text/html",
    "text/html,application/xhtml+xml,*/*;q=0.8",
    "*/*",
    "application/*",
    "application/cbor",
    f"{TABLE},{TABLE}beta1,application/json",
    TABLE,
    "application/json;as=Table;g=meta.k8s.io;v=v1beta1",
    "application/json;as=Table;g=meta.k8s.io;v=v2,application/json",
    "application/json;as=Table;g=meta.k8s.io;v=v2",
    "application/json;as=Nope;g=meta.k8s.io;v=v1",
    "application/json;as=Table",
    f"application/yaml;as=Table;{META}",
    f"application/vnd.kubernetes.protobuf;as=Table;{META}",
    f"application/json;as=PartialObjectMetadata;{META}",
    f"application/json;as=PartialObjectMetadataList;{META}",
    f"application/vnd.kubernetes.protobuf;as=Table;{META},{TABLE}",
    f"*/*, {TABLE}",
    f"application/json;q=0.5;as=Table;{META}, application/json;q=0.9",
    "application/json;q=0.1,application/yaml",
    "application/json;stream=watch",
    "application/json;stream=other",
    "application/json;unknown=1",
    "application/json;pretty=1",
    "nonsense",
]


CASES = [
    *((verb, accept) for verb in ("list", "get") for accept in ACCEPTS),
    # Each takes a second.
    *(("watch", accept) for accept in ("application/yaml", "text/html", TABLE, "*/*", ACCEPTS[-4])),
]


@pytest.mark.parametrize(("verb", "accept"), CASES)
@pytest.mark.parametrize("kind", [POLICY, POD], ids=["custom", "core"])
def test_an_accept_header_is_understood_as_by_the_server(
    verb: str, accept: str, kind: ResourceType, ask: Asker, filled: str
) -> None:
    if accept.startswith("application/vnd.kubernetes.protobuf,") and not kind.custom:
        # The server has those here; what follows is what it would take without them.
        accept = accept.partition(",")[2]
    path = path_of(kind, filled, "one" if verb == "get" else "")
    query = "watch=1&resourceVersion=0&timeoutSeconds=1" if verb == "watch" else ""
    theirs = ask("GET", f"{path}?{query}", headers={"Accept": accept})
    obj = ask("GET", path).body
    if theirs.status != 200:
        with pytest.raises(Refusal) as caught:
            shown(path, accept, kind, verb).reply(kind, obj)
        assert caught.value.status == theirs.status, theirs.body
        # A refusal is in YAML for who reads YAML.
        assert caught.value.body() == (theirs.body if isinstance(theirs.body, dict) else ANY)
        return
    mine = shown(path, accept, kind, verb)
    assert theirs.headers["content-type"] == [mine.content_type[1]]
    if verb != "watch" and isinstance(theirs.body, dict):
        found = json.loads(mine.reply(kind, obj).body)
        assert identity(found) == identity(theirs.body)


def identity(obj: Mapping[str, Any]) -> tuple[Any, Any]:
    return obj["apiVersion"], obj["kind"]


@pytest.fixture(scope="module")
def filled(ask: Asker, place: str, policies: str) -> str:
    """The namespace, with a pod as well."""
    create(ask, place, core("Pod", "one", spec={"containers": [MAIN]}))
    return place


@pytest.mark.parametrize("form", ["PartialObjectMetadata", "PartialObjectMetadataList"])
@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_metadata_alone_is_that_of_the_server(
    form: str, version: str, ask: Asker, policies: str
) -> None:
    path = policies if form.endswith("List") else f"{policies}/one"
    accept = f"application/json;as={form};g=meta.k8s.io;v={version}"
    theirs = ask("GET", path, headers={"Accept": accept})
    reply = shown(path, accept, POLICY, "get").reply(POLICY, ask("GET", path).body)
    assert json.loads(reply.body) == theirs.body


def test_an_empty_list_has_no_metadata_at_all(ask: Asker, policies: str) -> None:
    path = f"{policies}?labelSelector=team%3Dnone"
    accept = f"application/json;as=PartialObjectMetadataList;{META}"
    theirs = ask("GET", path, headers={"Accept": accept})
    reply = shown(path, accept, POLICY, "list").reply(POLICY, ask("GET", path).body)
    assert json.loads(reply.body) == theirs.body
    assert theirs.body["items"] is None


def test_what_rows_should_have_is_one_of_three_words(ask: Asker, policies: str) -> None:
    path = f"{policies}?includeObject=All"
    theirs = ask("GET", path, headers={"Accept": TABLE})
    with pytest.raises(Refusal) as caught:
        shown(path, TABLE, POLICY, "list")
    assert caught.value.body() == theirs.body


def test_a_table_ignores_the_word_where_no_table_is_asked_for(ask: Asker, policies: str) -> None:
    path = f"{policies}?includeObject=All"
    assert ask("GET", path).status == 200
    assert shown(path, "application/json", POLICY, "list").wanted.form == "object"


def reply_to(headers: Mapping[str, str], query: Mapping[str, Sequence[str]]) -> Reply:
    call = Call(method="GET", path="/", headers=headers, query=query)
    return presentation(call, POLICY, "get").reply(POLICY, {"kind": "AutoscalingPolicy", "a": [1]})


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"user-agent": "curl/8"}, {}),
        ({"user-agent": "Mozilla/5.0 (X11)"}, {}),
        ({}, {"pretty": ["true"]}),
        ({"accept": "application/json;pretty=1"}, {}),
    ],
)
def test_people_get_an_indented_answer(
    headers: dict[str, str], query: dict[str, list[str]], ask: Asker, policies: str
) -> None:
    assert b'{\n  "kind"' in reply_to(headers, query).body
    path = f"{policies}/one" + ("?pretty=true" if query else "")
    ask.connection.request("GET", path, headers={"Authorization": f"Bearer {ask.token}", **headers})
    assert ask.connection.getresponse().read().startswith(b'{\n  "')


def test_programs_and_those_who_say_so_get_one_line() -> None:
    assert reply_to({"user-agent": "python"}, {}).body.count(b"\n") == 1
    assert reply_to({"user-agent": "curl/8"}, {"pretty": ["false"]}).body.count(b"\n") == 1


def test_yaml_holds_the_same_object() -> None:
    reply = reply_to({"accept": "application/yaml"}, {})
    assert reply.body == b"kind: AutoscalingPolicy\na:\n- 1\n"
    assert ("Content-Type", "application/yaml") in reply.headers


@pytest.mark.parametrize("accept", ["text/html", "application/json;as=Nope;g=meta.k8s.io;v=v1"])
def test_nothing_that_fits_is_406(accept: str) -> None:
    with pytest.raises(Refusal, match="only the following media types are accepted"):
        wanted(accept)
