"""Label and field selectors: what they select, and how the real server words its refusals."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixinfer_client.kinds import Kind
from matrixinfer_client.labels import matcher
from matrixinfer_client.testing.apiserver.refusals import Refusal
from matrixinfer_client.testing.apiserver.selecting import label_predicate, selection
from tests.fake.asking import Asker


def kind_of(name: str, plural: str, group: str = "") -> Kind:
    version = "v1alpha1" if group.endswith("matrixinfer.ai") else "v1"
    return Kind(group=group, version=version, kind=name, plural=plural, singular=name.lower())


POLICIES = kind_of("AutoscalingPolicy", "autoscalingpolicies", "registry.matrixinfer.ai")
PODS = kind_of("Pod", "pods")
EVENTS = kind_of("Event", "events")
SECRETS = kind_of("Secret", "secrets")
CONFIG_MAPS = kind_of("ConfigMap", "configmaps")

LABELS: list[dict[str, str]] = [
    {},
    {"a": "1"},
    {"a": "2", "b": ""},
    {"a": "", "x.io/a": "yes"},
    {"a": "-7", "in": "notin"},
]


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("  ", [0, 1, 2, 3, 4]),
        ("a", [1, 2, 3, 4]),
        ("!a", [0]),
        (" ! a , !b", [0]),
        ("a=1", [1]),
        ("a==1", [1]),
        ("a = 1 ", [1]),
        ("a!=1", [0, 2, 3, 4]),
        ("a=", [3]),
        ("a!=,a", [1, 2, 4]),
        ("a in (1,2)", [1, 2]),
        ("a in (,1)", [1, 3]),
        ("a in ()", [3]),
        ("a in (1,,2)", [1, 2, 3]),
        ("a notin (1,2)", [0, 3, 4]),
        ("a notin(1),a", [2, 3, 4]),
        ("a>1", [2]),
        ("a<1", [4]),
        ("a>0,a<2", [1]),
        ("x.io/a=yes", [3]),
        ("in in (notin)", [4]),
        ("in=notin", [4]),
        ("a,b", [2]),
    ],
)
def test_a_label_selector_selects_what_it_says(selector: str, selected: list[int]) -> None:
    test = label_predicate(selector)
    assert [index for index, labels in enumerate(LABELS) if test(labels)] == selected


keys = st.sampled_from(["a", "b", "x.io/a", "in"])
texts = st.sampled_from(["", "1", "2", "in", "a.b"])
requirements = st.one_of(
    keys,
    keys.map("!{}".format),
    st.builds("{}{}{}".format, keys, st.sampled_from(["=", "==", "!=", " = "]), texts),
    st.builds(
        "{} {} ({})".format,
        keys,
        st.sampled_from(["in", "notin"]),
        st.lists(texts, min_size=1, max_size=3).map(",".join),
    ),
)


@given(st.lists(requirements, max_size=4).map(",".join), st.dictionaries(keys, texts))
def test_the_server_and_the_client_select_alike(selector: str, labels: dict[str, str]) -> None:
    assert label_predicate(selector)(labels) == matcher(selector)(labels)


@given(st.text(alphabet="ab1-_./=!(),<> in\t$", max_size=20))
def test_no_text_is_more_than_refused(selector: str) -> None:
    with suppress(Refusal):
        assert label_predicate(selector)({"a": "1"}) in (True, False)


def pod(name: str, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "n"}, **fields}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("", "abc"),
        ("metadata.name=a", "a"),
        ("metadata.name!=a", "bc"),
        ("metadata.name==a,metadata.name=b", ""),
        ("metadata.namespace=n,metadata.name=b", "b"),
        ("spec.nodeName=", "bc"),
        ("spec.nodeName=node1", "a"),
        ("spec.host=node1", "a"),
        ("status.phase=Pending", "bc"),
        ("status.phase!=Pending", "a"),
        ("spec.restartPolicy=Always", "ac"),
        ("spec.hostNetwork=true", "b"),
        ("status.podIP=10.0.0.1", "a"),
        ("status.podIPs=10.0.0.1", ""),
        (",metadata.name=c,", "c"),
    ],
)
def test_pods_are_selected_by_their_fields(selector: str, selected: str) -> None:
    pods = [
        pod(
            "a",
            spec={"nodeName": "node1"},
            status={"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}]},
        ),
        pod("b", spec={"restartPolicy": "Never", "hostNetwork": True}),
        pod("c", status=None),
    ]
    chosen = selection(PODS, "", selector)
    assert "".join(each["metadata"]["name"] for each in pods if chosen.matches(each)) == selected
    assert chosen.everything is (not selector)


def test_events_are_selected_by_what_they_are_about() -> None:
    event = pod(
        "e",
        involvedObject={"kind": "Pod", "name": "a=b,c\\d"},
        type="Warning",
        reason="Failed",
        reportingComponent="kubelet",
    )
    escaped = "involvedObject.kind=Pod,involvedObject.name=a\\=b\\,c\\\\d,type!=Normal"
    assert selection(EVENTS, "", escaped).matches(event)
    assert selection(EVENTS, "", "source=kubelet,reason=Failed").matches(event)
    assert not selection(EVENTS, "", "source=scheduler").matches(event)


def test_the_name_that_a_selector_asks_for_is_known() -> None:
    assert selection(POLICIES, "a=1", "metadata.name=p").name == "p"
    assert selection(POLICIES, "", "metadata.name!=p").name is None
    assert selection(POLICIES, "", "metadata.name=..").name is None
    assert selection(POLICIES, "", "").name is None


def test_labels_that_are_missing_or_null_are_none() -> None:
    assert selection(POLICIES, "!a", "").matches({"metadata": {"labels": None}})
    assert not selection(POLICIES, "a", "").matches({"metadata": {}})


LABEL_SELECTORS = [
    "a b",
    "a=1 b",
    "a=1,",
    "a,,b",
    ",a",
    "=",
    "a=b=c",
    "a===b",
    "a=!b",
    "a>",
    "a>x",
    "a<1.5",
    "a>99999999999999999999",
    "!",
    "!!a",
    "!a=b",
    "!a in (b)",
    "a in",
    "a in b",
    "a in (b",
    "a in (b c)",
    "a in (b,=)",
    "a in (=)",
    "a in (!)",
    "a in (b))",
    "a notin (",
    "(a)",
    "a)",
    "-a",
    "a$=1",
    "a/b/c=1",
    "/a",
    "A.io/a",
    "x" * 64,
    "a=$",
    "a=-1",
    "a in (ok,$,-)",
    "a>-x$",
    "a=" + "x" * 64,
    "é=1",
]
FIELD_SELECTORS = [
    (POLICIES, "spec.x=1"),
    (POLICIES, "metadata.labels=1"),
    (POLICIES, "a"),
    (POLICIES, "a,b=1"),
    (POLICIES, "metadata.name"),
    (POLICIES, "=1"),
    (POLICIES, "metadata.name=a=b"),
    (POLICIES, "metadata.name=a\\b"),
    (POLICIES, "metadata.name=a\\"),
    (POLICIES, "spec.z=1,spec.a=1"),
    (PODS, "spec.x=1"),
    (PODS, "status.podIPs=1,status=1"),
    (EVENTS, "message=x"),
    (SECRETS, "data=x"),
    (CONFIG_MAPS, "data=x"),
    (kind_of("Role", "roles", "rbac.authorization.k8s.io"), "rules=x"),
]


def listing(ask: Asker, kind: Kind, option: str, selector: str) -> Any:
    root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.api_version}"
    path = f"{root}/namespaces/default/{kind.plural}"
    return ask("GET", f"{path}?limit=1&{option}={quote(selector)}")


@pytest.mark.parametrize("selector", LABEL_SELECTORS)
def test_what_is_no_label_selector_is_refused_in_the_words_of_the_server(
    selector: str, ask: Asker
) -> None:
    with pytest.raises(Refusal) as caught:
        label_predicate(selector)
    answer = listing(ask, POLICIES, "labelSelector", selector)
    assert (answer.status, answer.body) == (400, caught.value.body())


@pytest.mark.parametrize(("kind", "selector"), FIELD_SELECTORS, ids=str)
def test_what_is_no_field_selector_is_refused_in_the_words_of_the_server(
    kind: Kind, selector: str, ask: Asker
) -> None:
    with pytest.raises(Refusal) as caught:
        selection(kind, "", selector)
    answer = listing(ask, kind, "fieldSelector", selector)
    assert (answer.status, answer.body) == (400, caught.value.body())
