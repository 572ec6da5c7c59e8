"""`kubectl` against the fake: what it prints is what it prints for a real API server."""

from __future__ import annotations

import json
import re

import pytest

from tests.fake.kubectl import Both, Kubectl, Result, stable
from tests.fake.manifests import documents, model, policy


@pytest.fixture
def three(both: Both) -> Both:
    """With three policies in the namespace."""
    made = both(
        "create",
        "-f",
        "-",
        stdin=documents(policy("a", team="x"), policy("b", team="y"), policy("c")),
    )
    assert made.out.count(" created\n") == 3
    return both


def test_get_shows_a_table(three: Both) -> None:
    assert three("get", "autoscalingpolicies").out == "NAME  AGE\na  <age>\nb  <age>\nc  <age>\n"
    three("get", "autoscalingpolicies", "--show-labels")
    three("get", "autoscalingpolicies", "-L", "team", "--no-headers")
    three("get", "autoscalingpolicies", "-o", "wide", "--sort-by=.metadata.name")
    three("get", "autoscalingpolicies", "-o", "custom-columns=N:.metadata.name,T:.metadata.labels")


@pytest.mark.parametrize(
    "output",
    ["yaml", "json", "name", "jsonpath={.items[*].metadata.name}", "jsonpath={.items[0].spec}"],
)
def test_get_shows_objects(output: str, three: Both) -> None:
    three("get", "autoscalingpolicies", "-o", output)


def test_get_shows_one_object(three: Both) -> None:
    three("get", "autoscalingpolicies/b")
    three("get", "autoscalingpolicy", "b", "-o", "yaml")
    three("get", "autoscalingpolicies.v1alpha1.registry.matrixinfer.ai", "b", "-o", "name")
    three("get", "-f", "-", "-o", "name", stdin=policy("a"))


def test_who_owns_which_field_is_shown_on_request(three: Both) -> None:
    shown = three("get", "autoscalingpolicy", "b", "-o", "yaml", "--show-managed-fields")
    assert "manager: kubectl-create" in shown.out


def test_get_selects(three: Both) -> None:
    assert "b" not in three("get", "autoscalingpolicies", "-l", "team=x", "-o", "name").out
    three("get", "autoscalingpolicies", "-l", "team in (x,y),team!=x", "-o", "name")
    three("get", "autoscalingpolicies", "-l", "!team", "-o", "name")
    three("get", "autoscalingpolicies", "--field-selector=metadata.name=b", "-o", "name")
    three("get", "autoscalingpolicies", "--field-selector=spec.nope=b", code=1)
    three("get", "autoscalingpolicies", "-l", "team in", code=1)
    assert "No resources found" in three("get", "autoscalingpolicies", "-l", "team=z").err


def test_get_reads_pages(three: Both) -> None:
    assert three("get", "autoscalingpolicies", "--chunk-size=1", "-o", "name").out.count("\n") == 3
    three("get", "autoscalingpolicies", "--chunk-size=2")


def test_get_reads_all_namespaces(three: Both) -> None:
    # Other tests have left nothing, but others may run on the same server.
    selected = f"--field-selector=metadata.namespace={three.namespace}"
    shown = three("get", "autoscalingpolicies", "-A", selected)
    assert shown.out.count(three.namespace) == 3


def test_get_reads_several_kinds(three: Both) -> None:
    three("create", "-f", "-", stdin=model())
    three("get", "models,autoscalingpolicies")
    three("get", "models,autoscalingpolicies", "-o", "name")


def test_get_watches(three: Both) -> None:
    def act(kubectl: Kubectl) -> list[str]:
        with kubectl.running("get", "autoscalingpolicies", "-w", "--output-watch-events") as out:
            lines = [out.readline() for _ in range(4)]
            kubectl("label", "autoscalingpolicy", "b", "team=z", "--overwrite")
            kubectl("delete", "autoscalingpolicy", "c", "--wait=false")
            return [stable(line) for line in (*lines, out.readline(), out.readline())]

    fake, real = three.each(act)
    assert fake == real
    assert [line.split()[0] for line in fake[1:]] == ["ADDED"] * 3 + ["MODIFIED", "DELETED"]


def test_describe_shows_an_object_with_its_events(both: Both) -> None:
    both("create", "-f", "-", stdin=model())
    # The UID is part of the question, so it is another one on each server.
    both.each(
        lambda kubectl: kubectl(
            "create", "-f", "-", stdin=event(both.namespace, uid_of(kubectl, "model", "demo"))
        )
    )
    shown = both("describe", "model", "demo")
    assert "Warning  Odd" in shown.out
    both("get", "events")
    both("get", "events", "-o", "wide")
    both("events")
    both("events", "--for", "model/demo")


def uid_of(kubectl: Kubectl, *what: str) -> str:
    return kubectl("get", *what, "-o", "jsonpath={.metadata.uid}").out


def event(namespace: str, uid: str) -> str:
    about = {
        "apiVersion": "registry.matrixinfer.ai/v1alpha1",
        "kind": "Model",
        "name": "demo",
        "namespace": namespace,
        "uid": uid,
    }
    obj = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "demo.1"},
        "involvedObject": about,
        "reason": "Odd",
        "message": "something is odd",
        "type": "Warning",
        "count": 2,
        "firstTimestamp": "2024-01-01T00:00:00Z",
        "lastTimestamp": "2024-02-01T00:00:00Z",
        "source": {"component": "a-test"},
    }
    return json.dumps(obj)


@pytest.mark.parametrize(
    "path",
    [
        "model.spec.backends",
        "model.spec.backends.workers.config",
        "models.spec --recursive",
        "modelinfer.spec.template.roles.entryTemplate.spec.containers --recursive",
        "modelroute.spec.rules --api-version=networking.matrixinfer.ai/v1alpha1",
        "model.spec.nope",
    ],
)
def test_explain_knows_every_field(path: str, both: Both) -> None:
    both("explain", *path.split(), code=1 if "nope" in path else 0)


def test_explain_describes_a_kind(both: Both) -> None:
    fake, real = both.each(lambda kubectl: kubectl("explain", "autoscalingpolicy"))
    # Of the fields that every kind has, the text is our own.
    fields = re.compile(r"^  (\w+)\t(<\S+>)( -required-)?$", re.MULTILINE)
    assert fields.findall(fake.out) == fields.findall(real.out)
    assert fake.out.split("FIELDS:")[0] == real.out.split("FIELDS:")[0]


def test_resources_are_listed(both: Both) -> None:
    for group in ("networking", "registry", "workload"):
        shown = both("api-resources", f"--api-group={group}.matrixinfer.ai", "-o", "wide")
        assert "delete,deletecollection,get,list,patch,create,update,watch" in shown.out
    both("api-resources", "--api-group=apiextensions.k8s.io")
    both("api-resources", "--api-group=rbac.authorization.k8s.io")
    everything = both.fake("api-resources", "-o", "name").out.splitlines()
    assert set(everything) <= set(both.real("api-resources", "-o", "name").out.splitlines())
    versions = both.fake("api-versions").out.splitlines()
    assert "workload.matrixinfer.ai/v1alpha1" in versions
    assert set(versions) <= set(both.real("api-versions").out.splitlines())


@pytest.mark.parametrize("path", ["/healthz", "/apis/registry.matrixinfer.ai", "/apis/nope.test"])
def test_a_path_can_be_read_as_it_is(path: str, both: Both) -> None:
    both("get", "--raw", path, code=1 if "nope" in path else 0)


def test_versions_are_the_same(both: Both) -> None:
    assert "Server Version: v1.34.4" in both("version").out


def test_rights_can_be_asked_for(both: Both) -> None:
    both("auth", "can-i", "create", "models")
    both("auth", "can-i", "create", "models", "--as=nobody", code=1)
    both("auth", "can-i", "--list", "--as=nobody", "--no-headers", code=0)
    both("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")


def test_what_is_not_there_is_named(both: Both) -> None:
    for arguments in (
        ("get", "models", "nope"),
        ("describe", "model", "nope"),
        ("delete", "model", "nope"),
        ("get", "nopes"),
        ("get", "nopes.registry.matrixinfer.ai"),
        ("explain", "nopes"),
        ("logs", "nope"),
        ("label", "model", "nope", "a=b"),
        ("patch", "model", "nope", "--type=merge", "-p", "{}"),
    ):
        both(*arguments, code=1)
    both("delete", "model", "nope", "--ignore-not-found")
    both("get", "models", "nope", "--ignore-not-found")


def test_rejections_read_the_same(both: Both) -> None:
    result: Result = both("create", "-f", "-", stdin=model(minReplicas="many"), code=1)
    assert "spec.backends[0].minReplicas" in result.err
    both("create", "-f", "-", stdin=model(typo=1), code=1)
    both("create", "-f", "-", stdin=model(typo=1, type="Nope", maxReplicas=0), code=1)
    both("create", "-f", "-", "--validate=warn", stdin=model("warned", typo=1))
    both("create", "-f", "-", "--validate=ignore", stdin=model("ignored", typo=1))
    both("create", "-f", "-", stdin=model("warned"), code=1)
    both("create", "-f", "-", stdin=model("Bad_Name"), code=1)
    both("create", "-f", "-", stdin="kind: Nope\napiVersion: nope.test/v1\n", code=1)
    both("create", "-f", "-", stdin="kind: Model\n", code=1)
    both("create", "-f", "-", "--namespace=nowhere", stdin=model(), code=1)
