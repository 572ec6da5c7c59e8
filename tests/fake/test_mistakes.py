"""What people do wrong, and what they are told: at once, and what to do instead."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from matrixinfer_client import ConflictError
from matrixinfer_client.errors import (
    InvalidArgumentError,
    InvalidObjectError,
    MatrixInferError,
)
from matrixinfer_client.testing import (
    FakeCluster,
    Node,
    conflict,
    cut,
    delay,
    error,
    lost,
    one_of,
    too_many_requests,
)
from tests.behaviour.samples import MODEL

# What type checkers refuse, too, since many tests are run without one.
Wrong = Callable[[Any], object]


@pytest.fixture
def cluster() -> Iterator[Any]:
    with FakeCluster() as made:
        yield made


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda it: it.inject(conflict), r"conflict is a function .*: .*conflict\(\)"),
        (lambda it: it.inject(ConflictError), r"ConflictError.* is no fault; .* error\(500\)"),
        (lambda it: it.inject(500), "500 is no fault"),
        (lambda it: it.inject("create", "models"), "'create' is no fault; .* verb= and resource="),
        (lambda it: it.inject(error(500), verb="craete"), "'craete' is unknown; there are get,"),
        (lambda it: it.inject(error(500), verb=[]), "verb is empty; leave it out"),
        (lambda it: it.inject(error(500), verb=3), "verb must be one verb or several, not 3"),
        (lambda it: it.inject(error(500), resource="modls"), "'modls' is not served"),
        (lambda it: it.inject(error(500), resource=int), "class such as Model, not <class 'int'>"),
        (lambda it: it.inject(error(500), resource=5), "class such as Model, not 5"),
        (lambda it: it.inject(error(500), name=5), "name must be a string, not 5"),
        (lambda it: it.inject(error(500), namespace=b"a"), "namespace must be a string, not b'a'"),
        (lambda it: it.inject(error(500), when=True), "when must be a function .* not True"),
        (lambda it: it.inject(error(500), times="2"), "times must be 1 or more, or None, not '2'"),
        (lambda it: it.inject(error(500), times=True), "times must be .*, not True"),
        (lambda it: it.inject(error(500), times=float("inf")), "times must be .*, not inf"),
        (lambda it: it.inject(error(500), after="1"), "after must be 0 or more, not '1'"),
        (lambda it: it.inject(error(500), probability="0.5"), "probability must be .* not '0.5'"),
        (lambda it: it.actions_of(verb="creat"), "'creat' is unknown"),
        (lambda it: it.actions_of(caller=5), "caller must be a string"),
    ],
)
def test_what_cannot_be_injected_or_found(cluster: Any, wrong: Wrong, words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        wrong(cluster)
    assert cluster.client().registry_v1alpha1.models().list().items == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda make: error(make("500")), "status of 400 to 599, not '500'"),
        (lambda make: error(500, retry_after=make(0.5)), "whole seconds, 0 or more, not 0.5"),
        (lambda make: error(500, retry_after=make(-5)), "whole seconds, 0 or more, not -5"),
        (lambda make: too_many_requests(retry_after=make("1")), "whole seconds, .* not '1'"),
        (lambda make: cut(after_events=make("3")), "after_events must be 0 or more, not '3'"),
        (lambda make: delay(make("x")), "seconds of 0 and more, not 'x'"),
        (lambda make: one_of(make([error(500), lost()])), "is no fault"),
        (lambda make: one_of(make(conflict)), "conflict is a function"),
    ],
)
def test_what_is_no_fault(wrong: Wrong, words: str) -> None:
    def unchecked(value: Any) -> Any:
        return value

    with pytest.raises(InvalidArgumentError, match=words):
        wrong(unchecked)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": "x"}, "seed must be a whole number, 0 or more, not 'x'"),
        ({"seed": 1.5}, "seed must be"),
        ({"history": 0}, "history must be 1 change or more, not 0"),
        ({"max_actions": 0}, "max_actions must be 1 or more, not 0"),
        ({"simulate": "yes"}, "simulate must be True, options of Simulation .* not 'yes'"),
        ({"simulate": {"sped": 10}}, "no option 'sped'; there are .* speed"),
        ({"simulate": {"speed": "10"}}, "speed must be above 0 .* not '10'"),
        ({"simulate": {"nodes": 3}}, r"nodes must be Nodes, such as \[Node.* not 3"),
        ({"simulate": {"nodes": ["node-1"]}}, "nodes must be Nodes, .* not 'node-1'"),
        ({"simulate": {"nodes": [Node("a"), Node("a")]}}, "two nodes called 'a'"),
    ],
)
def test_what_no_cluster_can_be_made_with(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        FakeCluster(**options)


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        ({"memory": "64GB"}, "node 'a' has '64GB' of memory; it must be a quantity such as 8"),
        ({"gpus": -1}, "-1 of nvidia.com/gpu"),
        ({"resources": {"npu": "many"}}, "'many' of npu"),
    ],
)
def test_what_no_node_can_have(amounts: dict[str, Any], words: str) -> None:
    # Everything would be unschedulable otherwise, and nothing say why.
    with pytest.raises(InvalidArgumentError, match=words):
        Node("a", **amounts)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([MODEL.mapping("demo")], r"a list is neither .*: add\(\*objects\)"),
        ("apiVersion: v1", r"a str is neither .* Model\.from_yaml, a file by load_manifests"),
        (None, "a NoneType is neither a typed object nor a mapping"),
        (FakeCluster, "FakeCluster is neither a typed object nor a mapping"),
    ],
    ids=["a list", "a text", "nothing", "a class"],
)
def test_what_cannot_be_added(cluster: Any, wrong: object, words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        cluster.add(wrong)


@pytest.mark.parametrize("metadata", ["x", {"name": 5}, {"name": "a", "namespace": 5}])
def test_what_is_added_with_wrong_metadata_the_server_refuses(
    cluster: Any, metadata: object
) -> None:
    with pytest.raises(MatrixInferError):
        cluster.add({**MODEL.mapping("demo"), "metadata": metadata})


def test_what_has_no_json_form_is_named_by_its_path(cluster: Any) -> None:
    with pytest.raises(InvalidObjectError, match=r"spec\.backends\[0\]\.config"):
        cluster.add({**MODEL.mapping("demo"), "spec": {"backends": [{"config": object()}]}})


def test_methods_may_be_in_lower_case(cluster: Any) -> None:
    assert cluster.request("get", "/api/v1/namespaces/default")[0] == 200


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"port": 70000}, "port must be 1 to 65535, or 0 for any free one, not 70000"),
        ({"port": "80"}, "port must be"),
        ({"token": ""}, "token is empty; leave it out"),
        ({"users": ["ann"], "tls": False}, r"users must be names with their groups, .*\['ann'\]"),
    ],
)
def test_what_cannot_be_served(cluster: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        cluster.serve(**options)


def test_a_kubeconfig_file_in_no_directory_is_named(cluster: Any, tmp_path: Path) -> None:
    path = tmp_path / "none" / "kubeconfig"
    with pytest.raises(MatrixInferError, match=f"{path} cannot be written: no such file or dir"):
        cluster.serve(kubeconfig=path)
    with pytest.raises(MatrixInferError, match="cannot be written: is a directory"):
        cluster.serve(kubeconfig=tmp_path)


@pytest.mark.parametrize("wrong", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_is_not_copied(cluster: Any, wrong: Wrong) -> None:
    with pytest.raises(TypeError, match=r"FakeCluster cannot be pickled or copied; .* serve\(\)"):
        wrong(cluster)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda it: it.inject(error(500)),
        lambda it: it.expire_history(),
        lambda it: it.create_namespace(),
        lambda it: it.serve(),
        lambda it: it.__enter__(),
    ],
)
def test_what_a_closed_one_does_no_more(wrong: Wrong) -> None:
    cluster = FakeCluster()
    cluster.close()
    with pytest.raises(MatrixInferError, match="this FakeCluster is closed"):
        wrong(cluster)


async def test_a_closed_one_is_not_entered_by_tasks_either() -> None:
    cluster = FakeCluster()
    cluster.close()
    with pytest.raises(MatrixInferError, match="this FakeCluster is closed"):
        await cluster.__aenter__()


def test_a_simulation_looks_at_numbers_and_ends_with_the_cluster() -> None:
    with FakeCluster(simulate={"stepped": True}) as cluster:
        simulation: Any = cluster.simulation
        with pytest.raises(InvalidArgumentError, match="seconds must be 0 or more, not -1"):
            simulation.advance(-1)
        with pytest.raises(InvalidArgumentError, match="seconds must be 0 or more, not '1'"):
            simulation.advance("1")
        with pytest.raises(InvalidArgumentError, match="times must be 1 or more, or None, not 0"):
            simulation.fail("demo", "crash_loop", times=0)
        with pytest.raises(InvalidArgumentError, match="factor must be a number"):
            simulation.fail("demo", "slow", factor="10")
    with pytest.raises(MatrixInferError, match="the simulation was stopped"):
        simulation.settle()


def test_without_the_library_for_rules_none_is_made() -> None:
    code = "import sys; sys.modules['cel_expr_python'] = None\n"
    code += "from matrixinfer_client.testing import FakeCluster; FakeCluster()"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert "CelUnavailableError: a fake cluster evaluates the rules" in said
    assert said.endswith("pip install 'matrixinfer-client[testing]'")
