"""What a notebook shows for objects and lists: tables, whatever the texts in them are."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from matrixinfer_client import Client, Diagnosis, WaitTimeout
from matrixinfer_client.api.meta_v1 import ListMeta, ObjectMeta
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelBackend, ModelList, ModelSpec
from matrixinfer_client.api.workload_v1alpha1 import ModelInfer
from matrixinfer_client.codec import decode
from matrixinfer_client.diagnosis import Finding, Node
from matrixinfer_client.models import ApiModel

HOSTILE = "</pre><script>alert('x')</script><img src=x onerror=\"y\">&amp;"
ALLOWED = {
    "style", "div", "table", "tr", "th", "td", "p", "b", "span", "details", "summary", "pre",
}  # fmt: skip
CLASSES = {"matrixinfer", "good", "bad", "faint"}


class Page(HTMLParser):
    """The cells, tags and text of what is shown; tags that do not match fail the test."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert set(attrs) <= {("open", None), *(("class", name) for name in CLASSES)}
        self.tags.add(tag)
        self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1] == "style":
            assert "<" not in data
            return
        self.words += data
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data


def page(value: ApiModel) -> Page:
    html = value._repr_html_()
    assert html is not None
    return Page(html)


def model(name: str = "demo", **metadata: Any) -> Model:
    return Model(
        metadata=ObjectMeta(name=name, namespace="prod", **metadata), spec=ModelSpec(backends=[])
    )


def with_conditions(**statuses: str) -> dict[str, Any]:
    rows = [
        {"type": name, "status": status, "reason": "Because", "message": "as it is"}
        for name, status in statuses.items()
    ]
    return {"metadata": {"name": "demo"}, "spec": {}, "status": {"conditions": rows}}


def test_a_list_is_a_row_for_each_object() -> None:
    now = datetime.now(UTC)
    items = [
        Model.from_dict(with_conditions(Initialized="True", Active="True", Failed="False")),
        model("b", creation_timestamp=now - timedelta(days=9)),
        model("c", deletion_timestamp=now),
    ]
    shown = page(ModelList(items=items))
    assert shown.rows == [
        ["NAME", "NAMESPACE", "AGE", "STATUS"],
        ["demo", "", "", "✓ Initialized, Active"],
        ["b", "prod", "9d", ""],
        ["c", "prod", "", "being deleted"],
    ]
    assert shown.words.startswith("ModelList: 3 objects")


def test_a_long_list_is_cut_and_says_so() -> None:
    items = [model(f"m{number}") for number in range(250)]
    shown = page(ModelList(items=items, metadata=ListMeta(continue_="token")))
    assert len(shown.rows) == 101
    assert "250 objects, and more on the server" in shown.words
    assert "150 more are not shown" in shown.words


def test_an_empty_list_says_that_it_is_empty() -> None:
    shown = page(ModelList(items=[]))
    assert shown.words.startswith("ModelList: 0 objects")


def test_an_object_shows_its_state_and_all_of_it_as_yaml() -> None:
    sent = with_conditions(Active="False", Failed="Unknown")
    sent["metadata"] |= {"labels": {"team": "research"}, "managedFields": [{"manager": "kubectl"}]}
    shown = page(Model.from_dict(sent))
    assert shown.words.startswith("Model demono condition is truelabels: team=research")
    assert shown.rows == [
        ["CONDITION", "STATUS", "REASON", "MESSAGE"],
        ["Active", "False", "Because", "as it is"],
        ["Failed", "Unknown", "Because", "as it is"],
    ]
    assert "spec: {}" in shown.words
    assert "kubectl" not in shown.words


def test_counters_are_the_status_where_there_are_no_conditions() -> None:
    sent = {"metadata": {}, "status": {"replicas": 2, "availableReplicas": 1, "x": "y"}}
    assert "availableReplicas 1, replicas 2" in page(ModelInfer.from_dict(sent)).words


@pytest.mark.parametrize(
    ("statuses", "shown"),
    [
        ({"Active": "True"}, "✓ Active"),
        ({"Active": "True", "Failed": "True"}, "✓ Active, Failed"),
        ({"Active": "False", "Failed": "True"}, "✗ Failed"),
        ({"Active": "False", "Initialized": "True"}, "Initialized"),
    ],
)
def test_a_sign_says_whether_a_status_is_good(statuses: dict[str, str], shown: str) -> None:
    one = Model.from_dict(with_conditions(**statuses))
    assert page(ModelList(items=[one])).rows[1] == ["demo", "", "", shown]
    assert page(one).words.startswith(f"Model demo{shown}CONDITION")


def test_a_part_of_an_object_is_shown_as_yaml() -> None:
    shown = page(ModelSpec(backends=[], owner="anna"))
    assert shown.words == "ModelSpecbackends: []\nowner: anna\n"


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(0, "0s"), (119, "119s"), (121, "2m"), (7190, "119m"), (7210, "2h"), (172810, "2d")],
)
def test_an_age_has_one_unit(seconds: int, age: str) -> None:
    created = datetime.now(UTC) - timedelta(seconds=seconds)
    assert f", {age} old" in page(model(creation_timestamp=created)).words


def test_hostile_texts_are_texts() -> None:
    row = {"type": HOSTILE, "status": "True", "reason": HOSTILE, "message": HOSTILE}
    hostile = {
        "kind": HOSTILE,
        "metadata": {
            "name": HOSTILE,
            "namespace": HOSTILE,
            "creationTimestamp": HOSTILE,
            "labels": {HOSTILE: HOSTILE},
        },
        "spec": {HOSTILE: HOSTILE},
        "status": {"conditions": [row]},
    }
    one = Model.from_dict(hostile)
    for value in (one, ModelList(items=[one]), ModelSpec(backends=[], owner=HOSTILE)):
        shown = page(value)
        assert shown.tags <= ALLOWED
        assert "<script>" in shown.words
        assert re.search("<(script|img)", value._repr_html_() or "") is None


def test_what_a_client_connects_to_and_offers_is_a_table_without_secrets() -> None:
    with Client(server="https://10.0.0.1:6443", token="s3cret", namespace="prod") as client:
        html = client._repr_html_()
    assert "s3cret" not in html
    shown = Page(html)
    assert shown.words.startswith("Client")
    assert shown.rows[:3] == [
        ["server", "https://10.0.0.1:6443"],
        ["from", "explicit arguments"],
        ["namespace", "prod"],
    ]
    assert [
        "registry_v1alpha1",
        "autoscaling_policies, autoscaling_policy_bindings, models",
    ] in shown.rows


def test_a_watch_and_an_informer_say_how_far_they_are() -> None:
    with Client(server="http://127.0.0.1:9") as client:
        models = client.registry_v1alpha1.models()
        with models.watch() as watch:
            shown = Page(watch._repr_html_())
        assert shown.words.startswith("Watch of models, at version Noneevents 0, connections 0")
        informer = models.informer()
        assert "Informer of models, not in step, 0 objects" in Page(informer._repr_html_()).words


def test_an_error_of_a_wait_shows_why_once() -> None:
    root = Node(kind="Model", name="demo", state="Active=False", healthy=False)
    finding = Finding(code="crash", subject="Pod x", cause=f"it {HOSTILE}", action="look")
    why = Diagnosis(root=root, namespace="default", findings=(finding,))
    html = WaitTimeout("Model demo: not Ready after 2 s", diagnosis=why)._repr_html_()
    shown = Page(html)
    assert shown.words.startswith("✗ WaitTimeout: Model demo: not Ready after 2 scause")
    assert shown.rows == [["cause", f"Pod x: it {HOSTILE}"], ["do", "look"]]
    assert "Model demo  ✗ Active=False" in shown.words
    assert "<script" not in html


def test_what_a_server_sends_in_other_shapes_is_shown_all_the_same() -> None:
    odd = (
        b'{"metadata":{"name":7,"labels":[1]},"spec":"x","status":{"conditions":"y","replicas":{}}}'
    )
    assert "YAML" in page(decode(Model, odd)).words


def test_an_object_that_cannot_be_sent_yet_is_left_to_its_repr() -> None:
    unfinished = Model(
        metadata=ObjectMeta(name="demo"),
        spec=ModelSpec(backends=[], owner=object()),  # type: ignore[arg-type]
    )
    assert unfinished._repr_html_() is None
    assert ModelList(items=[unfinished])._repr_html_() is None


def test_showing_does_not_change_an_object() -> None:
    raw = b'{"metadata":{"name":"demo","managedFields":[{"manager":"x"}]},"spec":{"a":null}}'
    one, other = decode(Model, raw), decode(Model, raw)
    page(one)
    assert one == other
    assert one.metadata.managed_fields is not None


def test_only_a_notebook_pays_for_it() -> None:
    code = (
        "import sys; from matrixinfer_client import Client; "
        "from matrixinfer_client.api.registry_v1alpha1 import Model; "
        "Model.from_dict({'metadata': {}}); print('matrixinfer_client.html' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_backend_in_a_notebook_cell_is_no_error() -> None:
    backend = ModelBackend.from_dict({"name": "b"})
    assert page(backend).words == "ModelBackendname: b\n"
