"""What can be waited for, what it means per kind, and what is refused before anybody waits."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client.api.networking_v1alpha1 import ModelRoute, ModelServer
from matrixinfer_client.api.registry_v1alpha1 import (
    AutoscalingPolicy,
    AutoscalingPolicyBinding,
    Model,
)
from matrixinfer_client.api.workload_v1alpha1 import ModelInfer
from matrixinfer_client.conditions import StatusCondition, all_of, any_of, resolve
from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.kinds import Kind
from matrixinfer_client.looks import Look
from tests.wait.simulated import condition

FOREIGN = Kind(group="apps", version="v1", kind="Deployment", plural="deployments", singular="d")
SILENT = [ModelServer, ModelRoute, AutoscalingPolicy, AutoscalingPolicyBinding]


def look(
    *rows: dict[str, Any], observed: int | None = 1, generation: int = 1, **fields: Any
) -> Look:
    status = {"conditions": list(rows), **fields}
    if observed is not None:
        status["observedGeneration"] = observed
    return Look({"metadata": {"name": "demo", "generation": generation}, "status": status})


def met(cls: type[Any], wanted: Any, state: Look | None, **options: Any) -> bool:
    return resolve(wanted, cls.KIND, **options).judge(state).met


def is_true(kind: str) -> dict[str, Any]:
    return condition(kind, "True")


def is_false(kind: str) -> dict[str, Any]:
    return condition(kind, "False")


@pytest.mark.parametrize(
    ("cls", "word", "row"),
    [
        (Model, "Ready", is_true("Active")),
        (Model, "Ready", is_true("Ready")),
        (Model, "Active", is_true("Active")),
        (Model, "Available", is_true("Active")),
        (Model, "Available", is_true("Available")),
        (Model, "Progressing", is_false("Active")),
        (Model, "Progressing", is_true("Progressing")),
        (Model, "Initialized", is_true("Initialized")),
        (Model, "Failed", is_true("Failed")),
        (Model, "Ready=False", is_false("Active")),
        (Model, "Progressing=False", is_true("Active")),
        (ModelInfer, "Ready", is_true("Available")),
        (ModelInfer, "Ready", is_true("Ready")),
        (ModelInfer, "Available", is_true("Available")),
        (ModelInfer, "Available=False", is_false("Available")),
        (ModelInfer, "Progressing", is_true("Progerssing")),
        (ModelInfer, "Progressing", is_true("Progressing")),
        (ModelInfer, "Progressing", is_true("UpdateInProgress")),
        (ModelInfer, "Progerssing", is_true("Progressing")),
        (ModelInfer, "UpdateInProgress", is_true("UpdateInProgress")),
        (ModelInfer, "Progressing=False", is_false("Progerssing")),
    ],
)
def test_documented_words_mean_what_the_controllers_write(
    cls: type[Any], word: str, row: dict[str, Any]
) -> None:
    assert met(cls, word, look(row))
    assert not met(cls, word, look())
    assert met(cls, f"condition={word}", look(row))
    assert met(cls, word.lower(), look(row))


def test_a_model_is_never_available_because_of_its_first_pass() -> None:
    assert not met(Model, "Available", look(is_true("Initialized"), is_false("Active")))


@pytest.mark.parametrize(
    ("rows", "degraded"),
    [
        ([is_false("Active"), is_true("Failed")], True),
        # `Failed` is never taken back: beside `Active` it is of the past.
        ([is_true("Active"), is_true("Failed")], False),
        ([is_true("Active")], False),
        ([is_true("Degraded")], True),
    ],
)
def test_a_model_is_degraded_when_it_failed_and_is_not_active(
    rows: list[dict[str, Any]], degraded: bool
) -> None:
    assert met(Model, "Degraded", look(*rows)) is degraded
    assert met(Model, "Degraded=False", look(*rows)) is not degraded


@pytest.mark.parametrize(
    ("counters", "degraded"),
    [
        ({"replicas": 3, "availableReplicas": 1}, True),
        ({"replicas": 3, "availableReplicas": 3}, False),
        # The controllers leave zeros out.
        ({"replicas": 3}, False),
    ],
)
def test_a_model_infer_is_degraded_when_only_some_groups_run(
    counters: dict[str, int], degraded: bool
) -> None:
    assert met(ModelInfer, "Degraded", look(is_true("Progerssing"), **counters)) is degraded


def test_conditions_are_judged_by_status_and_not_by_their_stale_texts() -> None:
    stale = condition("Progerssing", "False", "GroupProgressing", "Some groups is progressing: [0]")
    assert not met(ModelInfer, "Progressing", look(stale, is_true("Available")))


@pytest.mark.parametrize("wanted", ["Ready", "Ready=False", "condition=Active"])
def test_a_status_about_an_older_spec_does_not_count(wanted: str) -> None:
    row = is_false("Active") if "False" in wanted else is_true("Active")
    old = look(row, observed=1, generation=2)
    verdict = resolve(wanted, Model.KIND).judge(old)
    assert not verdict.met
    assert verdict.missing == "the controller has not seen generation 2 yet (last seen 1)"
    assert met(Model, wanted, old, any_generation=True)


def test_a_status_that_does_not_say_its_generation_is_of_none() -> None:
    verdict = resolve("Ready", Model.KIND).judge(look(is_true("Active"), observed=None))
    assert not verdict.met
    assert "it has seen none" in verdict.missing


def test_an_object_on_its_way_out_does_not_become_ready() -> None:
    state = look(is_true("Active"))
    leaving = Look({**state.wire, "metadata": {"generation": 1, "deletionTimestamp": "now"}})
    assert resolve("Ready", Model.KIND).judge(leaving).missing == "is being deleted"


@pytest.mark.parametrize("cls", SILENT)
@pytest.mark.parametrize("word", ["Ready", "condition=Available", "Active=False"])
def test_kinds_without_conditions_say_so_at_once(cls: type[Any], word: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        resolve(word, cls.KIND)
    kind = cls.KIND.kind
    assert str(caught.value) == (
        f"{word!r} cannot be waited for: no controller writes a status to a {kind}, so it never "
        'has conditions. It can be waited for by "exists", "deleted", "jsonpath={.path}=value" or '
        "a function of the object"
    )


@pytest.mark.parametrize("cls", SILENT)
@pytest.mark.parametrize(
    "wanted", ["exists", "create", "deleted", "delete", "jsonpath={.spec.x}=1", bool]
)
def test_kinds_without_conditions_can_be_waited_for_otherwise(cls: type[Any], wanted: Any) -> None:
    resolve(wanted, cls.KIND)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("Redy", "(did you mean 'Ready'?)"),
        ("condition=Aktive", "(did you mean 'Active'?)"),
        ("ModelDeployed", '"Active", "Available", "Degraded"'),
        ("", "is nothing that a Model can be waited for"),
        ("Ready Active", "is nothing that a Model can be waited for"),
        ("Ready=Yes", 'write "Ready=False", or jsonpath={.path}=value'),
        ("replicas=3", 'write "replicas=False", or jsonpath={.path}=value'),
        ("Failed=False", "never takes Failed back"),
        ("Initialized=False", "never takes Initialized back"),
        ("Active=Unknown", "never writes Unknown"),
        ("jsonpath=.status", "write jsonpath={.status.replicas}=3"),
        ("jsonpath={.a..b}", "is not understood from '..b' on"),
        ("jsonpath={}", "is empty"),
        ("jsonpath={.a[1:2]}=3", "is not understood from '[1:2]' on"),
        (42, "42 is nothing that a Model can be waited for"),
    ],
)
def test_what_nobody_can_wait_for_is_refused_with_the_way_out(given: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        resolve(given, Model.KIND)
    assert message in str(caught.value)


def test_a_condition_of_a_newer_platform_can_be_named_literally() -> None:
    wanted = StatusCondition("Scaled", "True", reason="Done")
    assert met(Model, wanted, look(condition("Scaled", "True", "Done")))
    assert not met(Model, wanted, look(condition("Scaled", "True", "Begun")))
    assert not met(Model, wanted, look(condition("Scaled", "True", "Done"), observed=0))


def test_kinds_of_others_have_the_conditions_they_have() -> None:
    available = resolve("Available", FOREIGN)
    assert available.judge(look(is_true("Available"), observed=None)).met
    assert not available.judge(look(is_true("Available"), observed=1, generation=2)).met
    old = {**is_true("Available"), "observedGeneration": 1}
    assert not available.judge(look(old, observed=None, generation=2)).met
    assert available.judge(look(old, observed=None, generation=1)).met


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jsonpath={.status.replicas}=3", True),
        ("jsonpath={.status.replicas}=4", False),
        ("jsonpath='{.status.replicas}'=3", True),
        ("jsonpath={.status.replicas}", True),
        ("jsonpath={.status.missing}", False),
        ("jsonpath={.status.missing}=3", False),
        ("JSONPATH={ .metadata.name }=demo", True),
        ('jsonpath={.metadata.name}="demo"', True),
        ('jsonpath={.status.conditions[?(@.type=="Active")].status}=True', True),
        ("jsonpath={.status.conditions[?(@.type=='Failed')].status}=True", False),
        ("jsonpath={.status.conditions[0].type}=Active", True),
        ("jsonpath={.status.conditions[-1].type}=Active", True),
        ("jsonpath={.status.conditions[7].type}=Active", False),
        ("jsonpath={.status.conditions[*].status}=True", True),
        ("jsonpath={.status['ready']}=true", True),
        ("jsonpath={$.status.ready}=true", True),
    ],
)
def test_kubectls_jsonpath_strings_are_understood(text: str, expected: bool) -> None:
    state = look(is_true("Active"), replicas=3, ready=True)
    assert met(Model, text, state) is expected
    assert not met(Model, text, None)


def test_existence_and_deletion() -> None:
    assert met(Model, "exists", look())
    assert not met(Model, "exists", None)
    assert met(Model, "deleted", None)
    verdict = resolve("delete", Model.KIND).judge(
        Look({"metadata": {"deletionTimestamp": "now", "finalizers": ["foregroundDeletion"]}})
    )
    assert verdict.missing == "is being deleted, held by foregroundDeletion"


def test_all_of_needs_each_and_any_of_one() -> None:
    state = look(is_true("Active"), replicas=1)
    both = all_of("Ready", "jsonpath={.status.replicas}=2")
    one = any_of("Failed", "Ready")
    assert not met(Model, both, state)
    assert resolve(both, Model.KIND).judge(state).missing == "{.status.replicas} is 1"
    assert met(Model, one, state)
    assert not met(Model, one, look())
    assert resolve(one, Model.KIND).text == "Failed or Ready"


def test_any_of_fails_only_when_each_of_its_ways_has() -> None:
    broken = look(is_false("Active"), {**is_true("Failed"), "message": "no"})
    assert resolve(any_of("Ready", "exists"), Model.KIND).judge(broken).met
    assert resolve(any_of("Ready", "jsonpath={.x}"), Model.KIND).judge(broken).failure is None
    assert resolve(any_of("Ready", "Active"), Model.KIND).judge(broken).failure == "no"
    assert resolve(all_of("Ready", "jsonpath={.x}"), Model.KIND).judge(broken).failure == "no"


def test_nothing_else_is_true_of_what_is_deleted() -> None:
    with pytest.raises(InvalidArgumentError, match='wait for "deleted" alone'):
        resolve(all_of("deleted", "Ready"), Model.KIND)
    with pytest.raises(InvalidArgumentError, match="all_of needs a condition"):
        all_of()


def test_a_function_must_answer_at_once() -> None:
    async def slow(_: object) -> bool:
        return True

    with pytest.raises(InvalidArgumentError, match="must be a plain one"):
        resolve(slow, Model.KIND).judge(look())
