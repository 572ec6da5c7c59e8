"""`kubectl` writing to the fake: as on a real API server, object for object and word for word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster.server import ApiServer
from tests.fake.kubectl import Both, Kubectl, Result
from tests.fake.manifests import documents, model, policy

KIND = "autoscalingpolicy"


@pytest.fixture
def one(both: Both) -> Both:
    """With the policy `p`, made by `kubectl create`."""
    both("create", "-f", "-", stdin=policy("p", team="x"))
    return both


def test_create_tells_what_is_there_already(one: Both) -> None:
    one("create", "-f", "-", stdin=policy("p"), code=1)
    one("create", "-f", "-", "-o", "yaml", "--save-config", stdin=policy("saved"))
    one("create", "-f", "-", "-o", "name", stdin=documents(model(), policy("q")))


def test_a_dry_run_on_the_server_stores_nothing(one: Both) -> None:
    assert "server dry run" in one("create", "-f", "-", "--dry-run=server", stdin=policy("q")).out
    one("apply", "-f", "-", "--dry-run=server", "-o", "yaml", stdin=policy("q"))
    one("apply", "-f", "-", "--dry-run=server", "--server-side", "-o", "yaml", stdin=policy("q"))
    one("label", KIND, "p", "a=b", "--dry-run=server")
    one("delete", KIND, "p", "--dry-run=server")
    assert one("get", f"{KIND}s".replace("ys", "ies"), "-o", "name").out.count("\n") == 1


def test_apply_on_the_client_remembers_and_removes(both: Both) -> None:
    first = policy("p", 10, team="x").replace("spec:\n", "spec:\n  tolerancePercent: 20\n")
    assert "created" in both("apply", "-f", "-", stdin=first).out
    assert "unchanged" in both("apply", "-f", "-", stdin=first).out
    assert "configured" in both("apply", "-f", "-", stdin=policy("p", 11, other="y")).out
    found = both.whole(KIND, "p")
    assert "kubectl.kubernetes.io/last-applied-configuration" in found["metadata"]["annotations"]
    # What is no longer in the manifest is gone; the default of the field took its place.
    assert found["metadata"]["labels"] == {"other": "y"}
    assert found["spec"]["tolerancePercent"] == 10
    both("apply", "view-last-applied", KIND, "p")


def test_apply_on_the_client_warns_about_what_it_did_not_make(one: Both) -> None:
    assert "Warning: resource" in one("apply", "-f", "-", stdin=policy("p", 12)).err
    one.whole(KIND, "p")


def test_apply_on_the_server_owns_fields(both: Both) -> None:
    both("apply", "--server-side", "-f", "-", stdin=policy("p", 10, team="x"))
    both("patch", KIND, "p", "--type=merge", "-p", '{"spec":{"tolerancePercent":7}}')
    changed = policy("p", 10).replace("spec:\n", "spec:\n  tolerancePercent: 8\n")
    refused = both("apply", "--server-side", "-f", "-", stdin=changed, code=1)
    assert 'conflict with "kubectl-patch"' in refused.err
    both("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=changed)
    assert "labels" not in both.whole(KIND, "p")["metadata"]
    both("apply", "--server-side", "--field-manager=other", "-f", "-", stdin=changed)
    both.whole(KIND, "p")


def test_a_client_side_apply_can_become_a_server_side_one(both: Both) -> None:
    both("apply", "-f", "-", stdin=policy("p", 10, team="x"))
    both("apply", "--server-side", "-f", "-", stdin=policy("p", 10, team="x"))
    both.whole(KIND, "p")
    both("apply", "-f", "-", stdin=policy("p", 10, team="y"))
    both.whole(KIND, "p")


@pytest.mark.parametrize(
    ("type_", "patch"),
    [
        ("merge", {"spec": {"tolerancePercent": 5}, "metadata": {"labels": {"team": None}}}),
        ("json", [{"op": "replace", "path": "/spec/metrics/0/targetValue", "value": 3}]),
        ("json", [{"op": "remove", "path": "/metadata/labels/team"}]),
        ("merge", {"spec": {"tolerancePercent": "many"}}),
        ("merge", {"spec": {"metrics": []}}),
        ("json", [{"op": "remove", "path": "/spec/nope"}]),
        ("json", [{"op": "test", "path": "/spec/tolerancePercent", "value": 0}]),
        ("strategic", {"spec": {"tolerancePercent": 5}}),
        ("merge", {"metadata": {"name": "q"}}),
        ("merge", {"spec": {"typo": 1}}),
        ("merge", {}),
    ],
)
def test_patches_are_carried_out_or_refused(type_: str, patch: Any, one: Both) -> None:
    arguments = ("patch", KIND, "p", f"--type={type_}", "-p", json.dumps(patch))
    fake, real = one.each(lambda kubectl: kubectl(*arguments))
    assert fake.stable() == real.stable()
    one.whole(KIND, "p")


def test_a_status_is_patched_through_its_subresource(both: Both) -> None:
    both("create", "-f", "-", stdin=model())
    both("patch", "model", "demo", "--subresource=status", "--type=merge", "-p", condition("True"))
    managers = both.whole("model", "demo")["metadata"]["managedFields"]
    assert "status" in {each.get("subresource") for each in managers}
    both("get", "model", "demo", "--subresource=status", "-o", "jsonpath={.status}")
    both("patch", KIND, "p", "--subresource=nope", "--type=merge", "-p", "{}", code=1)


def condition(status: str) -> str:
    entry = {
        "type": "Active",
        "status": status,
        "reason": "Test",
        "message": "",
        "lastTransitionTime": "2024-01-01T00:00:00Z",
    }
    return json.dumps({"status": {"conditions": [entry]}})


def test_labels_and_annotations_are_set(one: Both) -> None:
    one("label", KIND, "p", "a=b", "team-")
    one("label", KIND, "p", "a=c", code=1)
    one("label", KIND, "p", "a=c", "--overwrite")
    one("label", KIND, "p", "a=not a label", "--overwrite", code=1)
    one("label", f"{KIND.removesuffix('y')}ies", "--all", "every=one")
    one("annotate", KIND, "p", "x.test/note=some text, of any kind")
    one("annotate", KIND, "p", "x.test/note-")
    one.whole(KIND, "p")


def test_replace_takes_the_place(one: Both) -> None:
    one("replace", "-f", "-", stdin=policy("p", 13))
    one("replace", "-f", "-", stdin=policy("nope"), code=1)
    one.whole(KIND, "p")
    assert "replaced" in one("replace", "--force", "-f", "-", stdin=policy("p", 14)).out


def test_a_stale_version_is_a_conflict(one: Both) -> None:
    def act(kubectl: Kubectl) -> Result:
        old = kubectl("get", KIND, "p", "-o", "json").out
        kubectl("label", KIND, "p", "a=b")
        return kubectl("replace", "-f", "-", stdin=old).stable()

    fake, real = one.each(act)
    assert fake == real
    assert "the object has been modified" in fake.err


def test_diff_shows_what_apply_would_change(both: Both) -> None:
    both("apply", "-f", "-", stdin=policy("p", 10))
    shown = both("diff", "-f", "-", stdin=policy("p", 11), code=1)
    assert "+  targetValue: 11\n" in shown.out
    both("diff", "-f", "-", stdin=policy("p", 10))
    both("diff", "--server-side", "-f", "-", stdin=policy("q", 10), code=1)


def test_wait_ends_when_the_condition_is_met(both: Both) -> None:
    both("create", "-f", "-", stdin=model())

    def act(kubectl: Kubectl) -> str:
        arguments = ("wait", "model/demo", "--for=condition=Active", "--timeout=30s")
        with kubectl.running(*arguments) as out:
            for status in ("False", "True"):
                patch = ("--subresource=status", "--type=merge", "-p", condition(status))
                kubectl("patch", "model", "demo", *patch)
            return out.readline()

    assert both.each(act) == ("model.registry.matrixinfer.ai/demo condition met\n",) * 2
    both("wait", "model/demo", "--for=condition=Active=False", "--timeout=1s", code=1)
    both("wait", "model/demo", "--for=jsonpath={.spec.backends[0].type}=vLLM", "--timeout=5s")
    both("wait", "model/demo", "--for=create", "--timeout=5s")
    both("wait", "model/nope", "--for=condition=Active", "--timeout=1s", code=1)


def test_wait_ends_when_the_object_is_gone(one: Both) -> None:
    def act(kubectl: Kubectl) -> str:
        arguments = ("wait", f"{KIND}/p", "--for=delete", "--timeout=60s", "-v=6")
        with kubectl.running(*arguments) as out:
            # It says nothing of what is gone when it begins to look.
            assert any("watch=true" in line for line in out)
            kubectl("delete", KIND, "p", "--wait=false")
            return next(line for line in out if line.startswith("autoscalingpolicy"))

    assert one.each(act) == ("autoscalingpolicy.registry.matrixinfer.ai/p condition met\n",) * 2
    one("wait", f"{KIND}/p", "--for=delete", "--timeout=5s")


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_delete_says_how_it_goes_on(cascade: str, one: Both) -> None:
    one("delete", KIND, "p", f"--cascade={cascade}", "--wait=false")
    # Without a garbage collector the other two wait for what it would do.
    fake, real = one.each(lambda kubectl: kubectl("get", KIND, "p", "-o", "yaml").stable())
    assert fake == real
    assert ("finalizers" in fake.out) == (cascade != "background")


def test_delete_waits_for_finalizers(one: Both) -> None:
    one("patch", KIND, "p", "--type=merge", "-p", '{"metadata":{"finalizers":["x.test/hold"]}}')

    def act(kubectl: Kubectl) -> tuple[str, str]:
        with kubectl.running("delete", KIND, "p") as out:
            first = out.readline()
            kubectl("patch", KIND, "p", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
            return first, out.readline()

    fake, real = one.each(act)
    assert fake == real
    one("get", KIND, "p", code=1)


def test_delete_takes_several(one: Both) -> None:
    one("create", "-f", "-", stdin=documents(policy("q", team="x"), policy("r")))
    one("delete", "-f", "-", stdin=documents(policy("r"), policy("nope")), code=1)
    one("delete", "autoscalingpolicies", "-l", "team=x")
    assert "No resources found" in one("delete", "autoscalingpolicies", "--all").out
    one("delete", "autoscalingpolicies", code=1)


def test_core_objects_are_made_by_their_own_commands(both: Both, api_server: ApiServer) -> None:
    """Those commands send protocol buffers."""
    made = (
        ("configmap", "c", "--from-literal=a=b"),
        ("secret", "generic", "s", "--from-literal=a=b"),
        ("serviceaccount", "sa"),
        ("role", "r", "--verb=get,list", "--resource=models.registry.matrixinfer.ai"),
        ("rolebinding", "rb", "--role=r", "--user=jane", "--serviceaccount=default:sa"),
        ("quota", "q", "--hard=count/models.registry.matrixinfer.ai=2,pods=1k"),
        ("service", "externalname", "e", "--external-name=a.test"),
    )
    for arguments in made:
        both("create", *arguments, "--dry-run=server")
        both("create", *arguments)
    for kind, name, part in (
        ("configmap", "c", "{.data}"),
        ("secret", "s", "{.data}{.type}"),
        ("serviceaccount", "sa", "{.metadata.name}"),
        ("role", "r", "{.rules}"),
        ("rolebinding", "rb", "{.subjects}{.roleRef}"),
        ("quota", "q", "{.spec}"),
        ("service", "e", "{.spec.type}{.spec.externalName}"),
    ):
        both("get", kind, name, "-o", f"jsonpath={part}")
    both("create", "clusterrole", f"{both.namespace}-all", "--verb=*", "--non-resource-url=/x")
    both("delete", "clusterrole", f"{both.namespace}-all")
    both("create", "namespace", f"{both.namespace}-more")
    both("get", "namespace", f"{both.namespace}-more")
    api_server.delete_namespace(f"{both.namespace}-more")
    both("create", "configmap", "c", code=1)
    both("patch", "configmap", "c", "-p", '{"data":{"c":"d"}}')
    both("label", "configmap", "c", "a=b")
    both("get", "configmap", "c", "-o", "jsonpath={.data}{.metadata.labels}")


def test_rights_follow_from_roles(both: Both) -> None:
    who = (f"--as=system:serviceaccount:{both.namespace}:sa",)
    both("auth", "can-i", "list", "models", *who, code=1)
    both("get", "models", *who, code=1)
    both("create", "role", "r", "--verb=list", "--resource=models.registry.matrixinfer.ai")
    both("create", "rolebinding", "rb", "--role=r", f"--serviceaccount={both.namespace}:sa")
    both("auth", "can-i", "list", "models", *who)
    both("get", "models", *who)
    both("delete", "models", "--all", *who)
    both("create", "-f", "-", *who, stdin=model(), code=1)
