"""How a diagnosis reads, what it says of what it could not see, and how long it may take."""

from __future__ import annotations

import json
import pickle

import pytest

from matrixinfer_client.diagnosis import explain
from matrixinfer_client.errors import ForbiddenError, InvalidArgumentError, NotFoundError
from matrixinfer_client.flows import TimeIsUp
from tests.diagnosis.clusters import Cluster, container, loading, row, running, with_pod

POD = "demo-b1-0-leader-0-0"


def crashing() -> Cluster:
    cluster = loading()
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    ended = {"terminated": {"exitCode": 1, "reason": "Error"}}
    with_pod(cluster, running(container(state, lastState=ended, restartCount=4)))
    cluster.logs[POD, "engine", True] = "error: unrecognized arguments: --foo\n"
    return cluster


def test_the_text_begins_with_the_cause_and_shows_the_tree() -> None:
    assert str(crashing().diagnose("Model", "demo")).splitlines() == [
        (
            f"cause: Pod {POD}: container engine ended (exit code 1, 4 restarts so far): the "
            "engine does not know the arguments --foo"
        ),
        "  | error: unrecognized arguments: --foo",
        "do:    correct the keys of the worker's config: each becomes --key, with _ written as -",
        "Model demo                        Active=False (ModelProcessing)",
        "├── ModelInfer demo-b1            Progerssing, 0/1 groups available",
        "│   └── Pod demo-b1-0-leader-0-0  Running, CrashLoopBackOff, 4 restarts",
        "├── ModelServer demo-b1           backend b1",
        "└── ModelRoute demo",
    ]


def test_a_healthy_model_has_no_cause() -> None:
    cluster = loading()
    active = [row("Active", "True", "ModelAvailable", "Model is ready")]
    cluster.objects["models", "demo"]["status"]["conditions"] = active
    infer = cluster.objects["modelinfers", "demo-b1"]
    infer["status"] |= {"availableReplicas": 1, "conditions": [row("Available", "True")]}
    with_pod(cluster, running(container({"running": {}}), ready=True))
    diagnosis = cluster.diagnose("Model", "demo")
    assert (diagnosis.cause, diagnosis.action, diagnosis.findings) == (None, None, ())
    assert str(diagnosis).startswith("cause: none found\nModel demo")
    assert diagnosis.root.healthy
    read = {request.path.rsplit("/", 1)[1] for request in cluster.requests}
    assert not read & {"events", "resourcequotas", "log"}


def test_a_notebook_shows_a_table_in_which_nothing_is_markup() -> None:
    cluster = crashing()
    cluster.logs[POD, "engine", True] = "error: unrecognized arguments: <b>x</b>\n"
    html = cluster.diagnose("Model", "demo")._repr_html_()
    assert "<table>" in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "<b>x" not in html


def test_programs_get_plain_data() -> None:
    diagnosis = crashing().diagnose("Model", "demo")
    data = json.loads(json.dumps(diagnosis.to_dict()))
    assert data["findings"][0]["code"] == "crash"
    assert data["cause"] == diagnosis.cause
    assert data["tree"]["children"][0]["children"][0]["name"] == POD
    assert pickle.loads(pickle.dumps(diagnosis)) == diagnosis  # noqa: S301


@pytest.mark.parametrize(
    ("forbidden", "line"),
    [
        (
            "pods",
            (
                "pods: you may not list pods in namespace 'default' (kubectl auth can-i list pods "
                "-n default)"
            ),
        ),
        (
            "modelinfers",
            (
                "modelinfers.workload.matrixinfer.ai: you may not list "
                "modelinfers.workload.matrixinfer.ai in namespace 'default'"
            ),
        ),
        ("events", "events: you may not list events in namespace 'default'"),
        ("pods/log", "pods/log: you may not get pods/log in namespace 'default'"),
    ],
)
def test_what_may_not_be_read_is_said_and_the_rest_is_shown(forbidden: str, line: str) -> None:
    cluster = crashing()
    cluster.forbidden.add(forbidden)
    diagnosis = cluster.diagnose("Model", "demo")
    assert f"  - {line}" in str(diagnosis)
    assert "ModelServer demo-b1" in str(diagnosis)
    assert len(diagnosis.unreadable) == 1
    assert diagnosis.unreadable[0].forbidden


def test_what_is_forbidden_is_asked_for_once() -> None:
    cluster = crashing()
    second = {**cluster.objects["modelinfers", "demo-b1"]}
    second["metadata"] = {**second["metadata"], "name": "demo-b2"}
    cluster.objects["modelinfers", "demo-b2"] = second
    cluster.forbidden.add("pods")
    cluster.diagnose("Model", "demo")
    assert [r.path.rsplit("/", 1)[1] for r in cluster.requests].count("pods") == 1


def test_who_may_read_nothing_but_the_model_still_gets_its_conditions() -> None:
    cluster = crashing()
    cluster.forbidden |= {"pods", "events", "modelinfers", "modelservers", "modelroutes"}
    cluster.forbidden |= {"autoscalingpolicies", "autoscalingpolicybindings", "resourcequotas"}
    diagnosis = cluster.diagnose("Model", "demo")
    assert str(diagnosis.root) == "Model demo  Active=False (ModelProcessing)"
    assert str(diagnosis).startswith("cause: none found in what could be read")


def test_the_object_itself_has_to_be_readable() -> None:
    cluster = crashing()
    with pytest.raises(NotFoundError):
        cluster.diagnose("Model", "nobody")
    cluster.forbidden.add("models")
    with pytest.raises(ForbiddenError):
        cluster.diagnose("Model", "demo")


@pytest.mark.parametrize("name", ["../../secrets/x", "a/b", "A", ""])
def test_names_reach_no_other_path(name: str) -> None:
    cluster = crashing()
    with pytest.raises(InvalidArgumentError):
        cluster.diagnose("Model", name)
    assert cluster.requests == []


def test_names_out_of_other_objects_reach_no_other_path() -> None:
    cluster = Cluster()
    targets = [{"targetModels": [{"modelServerName": "../secrets/x"}]}]
    cluster.add("modelroutes", "r", kind="ModelRoute", spec={"rules": targets})
    diagnosis = cluster.diagnose("ModelRoute", "r")
    assert "ModelServer '../secrets/x', which does not exist" in str(diagnosis)
    assert len(cluster.requests) == 1


def test_kinds_that_cannot_be_diagnosed_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="'Secret' cannot be diagnosed; the kinds are"):
        Cluster().diagnose("Secret", "x")


def test_at_the_end_of_a_wait_what_is_slow_is_left_out() -> None:
    cluster = crashing()
    cluster.slow |= {"pods", "events"}
    diagnosis = cluster.perform(explain("default", "Model", "demo"))
    assert "ModelServer demo-b1" in str(diagnosis)
    assert [str(item) for item in diagnosis.unreadable] == ["pods: the time set for this is up"]


def test_at_the_end_of_a_wait_a_server_that_does_not_answer_is_given_up_at_once() -> None:
    cluster = crashing()
    cluster.slow.add("models")
    with pytest.raises(TimeIsUp):
        cluster.perform(explain("default", "Model", "demo"))
    assert len(cluster.requests) == 1
