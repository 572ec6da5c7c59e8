"""Random sequences of operations: the same for the same number."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Final

import yaml

from tests.fake.fuzz.bodies import (
    CORE,
    CUSTOM,
    LABELS,
    body,
    merge_patch,
    pointer_patch,
    status,
)
from tests.fake.fuzz.operations import WATCH, Operation, Stored

__all__ = ["markers", "sequence"]

Query = tuple[tuple[str, str], ...]

_NAMES: Final = ("a", "a", "a", "b", "b", "c")
_GROUPS: Final = {
    "models": "registry.matrixinfer.ai",
    "autoscalingpolicies": "registry.matrixinfer.ai",
    "autoscalingpolicybindings": "registry.matrixinfer.ai",
    "modelinfers": "workload.matrixinfer.ai",
    "modelservers": "networking.matrixinfer.ai",
    "modelroutes": "networking.matrixinfer.ai",
}
_JSON_PATCH: Final = "application/json-patch+json"
_MERGE_PATCH: Final = "application/merge-patch+json"
_STRATEGIC: Final = "application/strategic-merge-patch+json"
_APPLY: Final = "application/apply-patch+yaml"
_TABLE: Final = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
_PARTIAL: Final = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
_PARTIAL_LIST: Final = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
_UID: Final = "11111111-2222-4333-8444-555555555555"


def collection(plural: str, namespace: str = "<<ns>>") -> str:
    """The path of a resource in a namespace."""
    root = f"/apis/{_GROUPS[plural]}/v1alpha1" if plural in _GROUPS else "/api/v1"
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"


def sequence(seed: int, episode: int, length: int) -> list[Operation]:
    """So many operations on few objects, so that they meet."""
    random = Random(seed * 1_000_003 + episode)  # noqa: S311 - test input
    return _Generator(random).operations(length)


def markers(path: str) -> list[Operation]:
    """Objects that whoever watches this path sees last, each selector one of them."""
    plural = path.rpartition("/")[2]
    random = Random(0)  # noqa: S311 - test input
    made: list[Operation] = []
    for number, labels in enumerate(({"app": "x", "tier": "back"}, {"app": "y"}, {})):
        marker = body(random, plural, f"zz-mark-{number}", wrong=0)
        marker["metadata"] = {"name": f"zz-mark-{number}", "labels": labels}
        made.append(_json("POST", collection(plural), marker))
    return made


def _json(method: str, path: str, content: Any, query: Query = (), **more: str) -> Operation:
    headers = {"content-type": "application/json", **more}
    return Operation(method=method, path=path, query=query, headers=headers, body=content)


class _Generator:
    def __init__(self, random: Random) -> None:
        self._random = random
        # An episode is about few resources, else its operations would hardly meet.
        self._plurals = random.sample(sorted(CUSTOM), 2)
        if random.random() < 0.4:
            self._plurals.append(random.choice(sorted(CORE)))
        self._watches = 0
        self._number = 0

    def operations(self, length: int) -> list[Operation]:
        made = [
            _json("POST", collection(plural), body(self._random, plural, name, wrong=0))
            for plural in self._plurals
            for name in ("a", "b")
        ]
        while len(made) < length:
            self._number = len(made)
            make = self._random.choices(_MAKERS, _WEIGHTS)[0]
            plural = self._random.choice(self._plurals)
            made += make(self, plural)
        return made[:length]

    def create(self, plural: str) -> Iterator[Operation]:
        content = body(self._random, plural, self._name())
        if self._chance(0.06) and isinstance(content.get("metadata"), dict):
            content["metadata"].pop("name", None)
            content["metadata"]["generateName"] = f"zz-gen-{self._number}-"
        yield _json("POST", collection(plural), content, self._write_query())

    def get(self, plural: str) -> Iterator[Operation]:
        path = self._path(plural) + ("/status" if self._chance(0.2) else "")
        yield Operation(method="GET", path=path, headers=self._accept(listing=False))

    def list(self, plural: str) -> Iterator[Operation]:
        namespace = self._random.choice(("<<ns>>", "<<ns>>", "<<ns>>", "", "nowhere"))
        query: list[tuple[str, str]] = [*self._selectors()]
        if not namespace and plural in CORE:
            namespace = "<<ns>>"
        # Of all namespaces with a selector for one, the real server shows the first page twice.
        pageable = namespace or all("metadata.namespace" not in value for _, value in query)
        limited = self._chance(0.4) and bool(pageable)
        if limited:
            query.append(("limit", self._random.choice(("1", "2", "500", "0"))))
        if self._chance(0.2):
            query += self._random.choice(
                (
                    [("resourceVersion", f"<<list:{plural}>>")],
                    [
                        ("resourceVersion", f"<<list:{plural}>>"),
                        ("resourceVersionMatch", "NotOlderThan"),
                    ],
                    [
                        ("resourceVersion", f"<<list:{plural}>>"),
                        ("resourceVersionMatch", "Exact"),
                    ],
                    [("resourceVersionMatch", "Exact")],
                    [("resourceVersion", "0"), ("resourceVersionMatch", "Exact")],
                    [("resourceVersion", "x")],
                    [("resourceVersion", "<<list:a>>"), ("resourceVersionMatch", "Around")],
                )
            )
        path = collection(plural, namespace)
        yield Operation(
            method="GET", path=path, query=tuple(query), headers=self._accept(listing=True)
        )
        if limited and self._chance(0.7):
            more = (*query, ("continue", f"<<continue:{plural}>>"))
            yield Operation(method="GET", path=path, query=more)

    def update(self, plural: str) -> Iterator[Operation]:
        name = self._name()
        content: Any = self._stored(plural, name)
        # What a pod is made of cannot be changed, by rules that the fake does not have.
        if self._chance(0.3) and plural != "pods":
            content = body(self._random, plural, name)
            if self._chance(0.8) and isinstance(content.get("metadata"), dict):
                content["metadata"]["resourceVersion"] = f"<<version:{plural}/{name}>>"
        yield _json("PUT", self._path(plural, name), content, self._write_query())

    def merge(self, plural: str) -> Iterator[Operation]:
        name = self._name()
        kind = _STRATEGIC if plural in CORE and self._chance(0.5) else _MERGE_PATCH
        if self._chance(0.03):
            kind = self._random.choice((_STRATEGIC, "application/json", "text/plain", ""))
        patch = merge_patch(self._random, plural, name)
        yield self._patch(self._path(plural, name), patch, kind)

    def point(self, plural: str) -> Iterator[Operation]:
        name = self._name()
        patch = pointer_patch(self._random, plural, name)
        yield self._patch(self._path(plural, name), patch, _JSON_PATCH)

    def apply(self, plural: str) -> Iterator[Operation]:
        if plural == "pods":
            # Their lists are merged by a schema that the fake does not have.
            return
        name = self._name()
        content = body(self._random, plural, name, wrong=0.2)
        if plural in CORE:
            content |= {"apiVersion": "v1", "kind": CORE[plural]}
        if self._chance(0.5) and isinstance(content.get("spec"), dict):
            for field in list(content["spec"]):
                if self._chance(0.4):
                    del content["spec"][field]
        query: list[tuple[str, str]] = []
        if self._chance(0.95):
            query.append(("fieldManager", self._random.choice(("one", "two"))))
        if self._chance(0.4):
            query.append(("force", self._random.choice(("true", "true", "false", "1"))))
        query += [pair for pair in self._write_query() if pair[0] != "fieldManager"]
        text = json.dumps(content) if self._chance(0.7) else yaml.safe_dump(content)
        content.pop("status", None)
        subresource = "/status" if self._chance(0.08) else ""
        yield Operation(
            method="PATCH",
            path=self._path(plural, name) + subresource,
            query=tuple(query),
            headers={"content-type": _APPLY},
            body=text,
        )

    def status(self, plural: str) -> Iterator[Operation]:
        name = self._name()
        path = self._path(plural, name) + "/status"
        content: dict[str, Any] = {"status": status(self._random, plural)}
        if self._chance(0.2) and plural in CUSTOM:
            content |= _beside_the_status(self._random, plural, name)
        if self._chance(0.4):
            stored = Stored(key=f"{plural}/{name}", merge=content)
            yield _json("PUT", path, stored, self._write_query())
        elif self._chance(0.2) and plural in CUSTOM:
            if plural not in ("models", "modelinfers"):
                # The other statuses have no fields, and what is applied to them is stored all the
                # same, where nobody can see it.
                content["status"] = {}
            identity = {
                "apiVersion": f"{_GROUPS[plural]}/v1alpha1",
                "kind": CUSTOM[plural],
                "metadata": {"name": name},
            }
            manager = ("fieldManager", self._random.choice(("one", "two")))
            yield Operation(
                method="PATCH",
                path=path,
                query=(manager,),
                headers={"content-type": _APPLY},
                body=json.dumps({**identity, **content}),
            )
        else:
            yield self._patch(path, content, _MERGE_PATCH)

    def delete(self, plural: str) -> Iterator[Operation]:
        name = self._name()
        content = self._delete_options(f"{plural}/{name}")
        query: Query = ()
        if content is None and self._chance(0.3):
            query = self._random.choice(
                (
                    (("propagationPolicy", "Orphan"),),
                    (("propagationPolicy", "Nonsense"),),
                    (("gracePeriodSeconds", "0"),),
                    (("gracePeriodSeconds", "x"),),
                    (("dryRun", "All"),),
                    (("dryRun", "Some"),),
                    (("orphanDependents", "true"),),
                )
            )
        yield _json("DELETE", self._path(plural, name), content, query)

    def delete_all(self, plural: str) -> Iterator[Operation]:
        query = [*self._selectors()]
        if self._chance(0.3):
            query.append(("dryRun", "All"))
        content = self._delete_options(f"{plural}/a") if self._chance(0.3) else None
        yield _json("DELETE", collection(plural), content, tuple(query))

    def watch(self, plural: str) -> Iterator[Operation]:
        if self._watches >= 4:
            return
        self._watches += 1
        path = collection(plural)
        query: list[tuple[str, str]] = [("watch", "true"), *self._selectors(mild=True)]
        if self._chance(0.25):
            query += [
                ("sendInitialEvents", "true"),
                ("resourceVersionMatch", "NotOlderThan"),
                ("allowWatchBookmarks", "true"),
            ]
        elif self._chance(0.15):
            query += self._random.choice(
                (
                    [("sendInitialEvents", "true")],
                    [("resourceVersionMatch", "NotOlderThan")],
                    [("resourceVersion", "x")],
                    [("timeoutSeconds", "x")],
                )
            )
        else:
            yield Operation(method="GET", path=path)
            query.append(("resourceVersion", f"<<list:{plural}>>"))
        headers = self._accept(listing=False) if self._chance(0.1) else {}
        yield Operation(method=WATCH, path=path, query=tuple(query), headers=headers)

    def namespace(self, plural: str) -> Iterator[Operation]:
        root, name = "/api/v1/namespaces", "<<ns>>-x"
        if plural == "events":
            # An event must be in the namespace of what it is about.
            plural = "configmaps"
        choice = self._random.random()
        if choice < 0.4:
            yield _json("POST", root, {"metadata": {"name": name}}, self._write_query())
            yield _json("POST", collection(plural, name), body(self._random, plural, "a", wrong=0))
        elif choice < 0.6:
            yield Operation(method="GET", path=f"{root}/{name}")
        elif choice < 0.75:
            yield self._patch(f"{root}/{name}", {"metadata": {"labels": {"a": "b"}}}, _MERGE_PATCH)
        elif choice < 0.9:
            yield Operation(method="DELETE", path=f"{root}/{name}")
            yield _json("POST", collection(plural, name), body(self._random, plural, "b", wrong=0))
        else:
            yield Operation(method="DELETE", path=root)

    def odd(self, plural: str) -> Iterator[Operation]:
        if plural in CORE:
            # What else must be in a core object, the fake does not know.
            plural = self._plurals[0]
        path, one = collection(plural), self._path(plural)
        valid = json.dumps(body(self._random, plural, "a", wrong=0))
        texts = (
            "",
            "{",
            "[]",
            "null",
            '"text"',
            "{}",
            valid[:-1],
            valid + "}",
            valid.replace('"metadata"', '"metadata": {}, "metadata"', 1),
            valid.replace('"name"', '"name": "z", "name"', 1),
            "kind: Model\nspec: [",
        )
        content = self._random.choice(texts)
        kinds = ("application/json", "application/yaml", "text/plain", "application/json; x", "")
        headers = {"content-type": self._random.choice(kinds)}
        choices: Sequence[Operation] = (
            Operation(method="POST", path=path, headers=headers, body=content),
            Operation(method="PUT", path=one, headers=headers, body=content),
            Operation(
                method="PATCH", path=one, headers={"content-type": _MERGE_PATCH}, body=content
            ),
            Operation(
                method="PATCH",
                path=one,
                query=(("fieldManager", "one"),),
                headers={"content-type": _APPLY},
                body=content,
            ),
            Operation(method="DELETE", path=one, headers=headers, body=content),
            Operation(method="PUT", path=path, body=valid),
            Operation(method="POST", path=one, body=valid),
            Operation(method="PATCH", path=path, body=valid),
            Operation(method="GET", path=f"{one}/scale"),
            Operation(method="GET", path=f"{one}/status/more"),
            Operation(method="GET", path=f"{path}x"),
            Operation(method="GET", path=path, query=(("limit", "many"),)),
            Operation(method="GET", path=path, query=(("continue", "nonsense"),)),
            Operation(method="GET", path=path, query=(("labelSelector", "a in x"),)),
            Operation(method="GET", path=path, query=(("fieldSelector", "spec.a=b"),)),
            Operation(method="GET", path=path, headers={"accept": "text/html"}),
        )
        yield self._random.choice(choices)

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _name(self) -> str:
        return self._random.choice(_NAMES)

    def _path(self, plural: str, name: str = "") -> str:
        return f"{collection(plural)}/{name or self._name()}"

    def _accept(self, *, listing: bool) -> dict[str, str]:
        choice = self._random.random()
        if choice < 0.1:
            return {"accept": _TABLE}
        if choice < 0.2:
            return {"accept": _PARTIAL_LIST if listing else _PARTIAL}
        return {}

    def _write_query(self) -> Query:
        query: list[tuple[str, str]] = []
        validation = self._random.choice(("", "", "Strict", "Warn", "Ignore"))
        if validation:
            query.append(("fieldValidation", validation))
        if self._chance(0.1):
            query.append(("dryRun", "All"))
        if self._chance(0.3):
            query.append(("fieldManager", self._random.choice(("one", "three"))))
        if self._chance(0.02):
            query = [
                self._random.choice(
                    (
                        ("fieldValidation", "strict"),
                        ("dryRun", "Some"),
                        ("fieldManager", "x" * 129),
                        ("fieldManager", "a\nb"),
                    )
                )
            ]
        return tuple(query)

    def _selectors(self, *, mild: bool = False) -> Iterator[tuple[str, str]]:
        if self._chance(0.35):
            labels = [
                "app=x",
                "app!=x",
                "app in (x,y)",
                "app",
                "!app",
                "tier=back",
                "app notin (y)",
            ]
            if not mild:
                labels += ["app=x,tier=front", "app=z", "tier", "app=", "=x", "app in", ","]
            yield "labelSelector", self._random.choice(labels)
        if self._chance(0.1):
            fields = ["metadata.namespace=<<ns>>", "metadata.name!=b"]
            if not mild:
                fields += ["metadata.name=a", "metadata.name==b", "spec.owner=x", "x", "a=b=c"]
            yield "fieldSelector", self._random.choice(fields)

    def _stored(self, plural: str, name: str) -> Stored:
        merge: dict[str, Any] = {}
        if self._chance(0.4):
            merge = {"metadata": {"labels": dict(self._random.choice(LABELS))}}
        if self._chance(0.15):
            merge = {"metadata": {"finalizers": None}}
        if self._chance(0.1):
            field = self._random.choice(
                ("resourceVersion", "uid", "managedFields", "creationTimestamp", "generation")
            )
            merge = {"metadata": {field: None}}
        if self._chance(0.05):
            merge = {"metadata": {"resourceVersion": "1"}}
        return Stored(
            key=f"{plural}/{name}",
            merge=merge,
            mutations=self._random.choice((0, 1, 1, 2)) if plural in CUSTOM else 0,
            seed=self._random.randrange(1 << 30),
        )

    def _patch(self, path: str, content: Any, kind: str) -> Operation:
        headers = {"content-type": kind} if kind else {}
        query = self._write_query()
        if self._chance(0.02):
            query = (*query, ("force", "true"))
        return Operation(
            # As it is: a merge patch is passed on with its escapes, where it is quoted.
            method="PATCH",
            path=path,
            query=query,
            headers=headers,
            body=json.dumps(content, ensure_ascii=False),
        )

    def _delete_options(self, key: str) -> Any:
        if self._chance(0.45):
            return None
        return self._random.choice(
            (
                {"kind": "DeleteOptions", "apiVersion": "v1"},
                {"propagationPolicy": "Foreground"},
                {"propagationPolicy": "Orphan"},
                {"propagationPolicy": "Background"},
                {"propagationPolicy": "background"},
                {"orphanDependents": True},
                {"orphanDependents": False, "propagationPolicy": "Orphan"},
                {"gracePeriodSeconds": 0},
                {"gracePeriodSeconds": -1},
                {"gracePeriodSeconds": "x"},
                {"dryRun": ["All"]},
                {"dryRun": ["Some"]},
                {"preconditions": {"uid": f"<<uid:{key}>>"}},
                {"preconditions": {"uid": _UID}},
                {"preconditions": {"resourceVersion": f"<<version:{key}>>"}},
                {"preconditions": {"resourceVersion": "1"}},
                {"kind": "Model", "apiVersion": "v1"},
                {"unknown": 1},
            )
        )


def _beside_the_status(random: Random, plural: str, name: str) -> dict[str, Any]:
    """Something beside the status, which a write to the status must not change."""
    found = body(random, plural, name, wrong=0)
    return {field: found[field] for field in ("spec", "data") if field in found}


_Maker = Callable[[_Generator, str], Iterator[Operation]]
_MIX: Final[dict[_Maker, int]] = {
    _Generator.create: 20,
    _Generator.get: 5,
    _Generator.list: 9,
    _Generator.update: 13,
    _Generator.merge: 11,
    _Generator.point: 9,
    _Generator.apply: 16,
    _Generator.status: 9,
    _Generator.delete: 8,
    _Generator.delete_all: 2,
    _Generator.watch: 3,
    _Generator.namespace: 1,
    _Generator.odd: 5,
}
_MAKERS: Final = list(_MIX)
_WEIGHTS: Final = list(_MIX.values())
