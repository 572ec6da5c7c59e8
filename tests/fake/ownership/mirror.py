"""One object on a real API server and, by the functions under test, beside it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any, Protocol

from matrixinfer_client.testing.apiserver.ownership import (
    ApplyConflictError,
    TypedError,
    apply,
    keep_times,
    track,
)
from matrixinfer_client.validation.objects import complete
from matrixinfer_client.validation.schemas import KindSchema
from tests.fake.ownership.recipes import STATUS, Recipe, make

__all__ = ["Mirror", "Requester"]

Predict = Callable[[str], dict[str, Any]]

_MANAGERS = ("anna", "berta", "kubectl")
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_SYSTEM = ("creationTimestamp", "generation", "namespace", "resourceVersion", "uid")


class Requester(Protocol):
    """What sends requests to the API server."""

    def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> tuple[int, Any]: ...


class Mirror:
    """Sends random writes and compares every answer with what the functions make of them."""

    def __init__(
        self, server: Requester, namespace: str, kind: KindSchema, recipe: Recipe, random: Random
    ) -> None:
        self.server = server
        self.kind = kind
        self.recipe = recipe
        self.random = random
        self.collection = f"/apis/{kind.group}/{kind.version}/namespaces/{namespace}/{kind.plural}"
        self.name = f"m{random.randrange(10**9)}"
        self.stored: dict[str, Any] | None = None
        self.is_ragged = False
        self.log: list[str] = []
        self.outcomes: dict[int, int] = {}

    def step(self) -> None:
        """One random write."""
        manager = self.random.choice(_MANAGERS)
        if self.stored is None:
            self.random.choice((self.create, self.apply))(manager)
            return
        step = self.random.choice(
            (
                self.apply,
                self.apply,
                self.apply,
                self.put,
                self.patch,
                self.patch_status,
                self.put_status,
                self.apply_status,
                self.put_managed,
            )
        )
        step(manager)

    def create(self, manager: str) -> None:
        body = self._object(sparse=False)
        given = self._decoded(body)
        self._send(
            "POST", "", manager, body, predict=lambda now: self._tracked(given, manager, now)
        )

    def put(self, manager: str) -> None:
        body = copy.deepcopy(self._live())
        fresh = self._object(sparse=False)
        for part in self.random.sample(["metadata", "spec", "status"], 2):
            _replace(self.random, body.setdefault(part, {}), fresh.get(part, {}))
        given = self._decoded(body)
        self._send(
            "PUT", self.name, manager, body, predict=lambda now: self._tracked(given, manager, now)
        )

    def put_managed(self, manager: str) -> None:
        """An update in which the client says who owns what."""
        body = copy.deepcopy(self._live())
        rows = body["metadata"].get("managedFields", [])
        choice = self.random.randrange(6)
        if choice == 0:
            body["metadata"]["managedFields"] = self.random.choice(([], [{}]))
        elif choice == 1:
            body["metadata"]["managedFields"] = rows[1:] or None
        elif choice == 2 and rows:
            rows[0]["fieldsV1"] = {"f:spec": {"f:any": {"f:a": {}}, "f:selector": {"f:a": {}}}}
        elif choice == 3 and rows:
            rows[0]["operation"] = "Delete"
        elif choice == 4 and rows:
            rows[0]["subresource"] = "status"
        elif rows and "time" in rows[0]:
            del rows[0]["time"]
        if self.random.random() < 0.5:
            _replace(self.random, body.setdefault("spec", {}), self._object(sparse=False)["spec"])
        given = self._decoded(body)
        self._send(
            "PUT", self.name, manager, body, predict=lambda now: self._tracked(given, manager, now)
        )

    def patch(self, manager: str) -> None:
        body = self._with_nulls(self._object(sparse=True))
        given = self._decoded(_merged(self._live(), body))
        self._send(
            "PATCH",
            self.name,
            manager,
            body,
            predict=lambda now: self._tracked(given, manager, now),
            content_type=_MERGE,
        )

    def patch_status(self, manager: str) -> None:
        body = self._with_nulls(self._object(sparse=True))
        given = self._decoded(_merged(self._live(), body))
        self._send(
            "PATCH",
            f"{self.name}/status",
            manager,
            body,
            predict=lambda now: self._tracked(given, manager, now, "status"),
            content_type=_MERGE,
        )

    def put_status(self, manager: str) -> None:
        body = copy.deepcopy(self._live())
        fresh = self._object(sparse=False)
        body["status"] = fresh.get("status")
        if self.random.random() < 0.3:
            _replace(self.random, body.setdefault("spec", {}), fresh["spec"])
        given = self._decoded(body)
        self._send(
            "PUT",
            f"{self.name}/status",
            manager,
            body,
            predict=lambda now: self._tracked(given, manager, now, "status"),
        )

    def apply(self, manager: str, subresource: str = "") -> None:
        sparse = self.stored is not None
        config = self._object(sparse=sparse)
        force = self.random.random() < 0.4

        def predict(now: str) -> dict[str, Any]:
            merged = apply(
                self.kind.root,
                self.stored,
                config,
                manager=manager,
                force=force,
                api_version=self.kind.api_version,
                kind=self.kind.kind,
                subresource=subresource,
                now=now,
            )
            completed = self._settled(self._completed(merged), subresource)
            # The server stores unknown fields and empty parts too, but nobody sees them; the next
            # write drops them, which is a change.
            self.is_ragged = (
                completed != self._coerced(completed)
                or _has_null(merged)
                or bool(complete(self.kind, merged)[1])
            )
            return self._coerced(completed)

        path = f"{self.name}/{subresource}" if subresource else self.name
        query = "&force=true" if force else ""
        self._send("PATCH", path, manager + query, config, predict=predict, content_type=_APPLY)

    def apply_status(self, manager: str) -> None:
        self.apply(manager, "status")

    def _completed(self, obj: dict[str, Any]) -> dict[str, Any]:
        completed, _ = complete(self.kind, obj)
        rows = obj["metadata"].get("managedFields")
        if rows is not None:
            completed["metadata"]["managedFields"] = rows
        return completed

    def _coerced(self, obj: dict[str, Any]) -> dict[str, Any]:
        """The object with its metadata as the server keeps it: nothing that is empty."""
        metadata = {
            name: value
            for name, value in obj["metadata"].items()
            if name == "managedFields" or value not in ({}, [], None)
        }
        return {**obj, "metadata": metadata}

    def _decoded(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._coerced(self._completed(body))

    def _live(self) -> dict[str, Any]:
        assert self.stored is not None
        return self.stored

    def _object(self, *, sparse: bool) -> dict[str, Any]:
        body = make(self.random, self.recipe, sparse=sparse)
        body |= {"apiVersion": self.kind.api_version, "kind": self.kind.kind}
        body.setdefault("metadata", {})["name"] = self.name
        if self.random.random() < 0.5:
            body["status"] = make(self.random, STATUS, sparse=sparse)
        return dict(body)

    def _with_nulls(self, body: dict[str, Any]) -> dict[str, Any]:
        for part in (body["metadata"], body.get("spec") or {}, body.get("status") or {}):
            for name in part:
                if name != "name" and self.random.random() < 0.25:
                    part[name] = None
        return body

    def _tracked(
        self, given: dict[str, Any], manager: str, now: str, subresource: str = ""
    ) -> dict[str, Any]:
        result = track(
            self.kind.root,
            self.stored,
            given,
            manager=manager,
            api_version=self.kind.api_version,
            subresource=subresource,
            now=now,
        )
        return self._settled(result, subresource)

    def _settled(self, obj: dict[str, Any], subresource: str) -> dict[str, Any]:
        """What the server does after it has settled who owns what."""
        live = self.stored
        if subresource and live is not None:
            kept = copy.deepcopy(live)
            kept["metadata"].pop("managedFields", None)
            if "managedFields" in obj["metadata"]:
                kept["metadata"]["managedFields"] = obj["metadata"]["managedFields"]
            kept.pop("status", None)
            obj = kept | ({"status": obj["status"]} if "status" in obj else {})
        else:
            obj = {name: value for name, value in obj.items() if name != "status"}
            if live is not None and "status" in live:
                obj["status"] = live["status"]
        return keep_times(live, obj)

    def _send(
        self,
        method: str,
        path: str,
        manager: str,
        body: Any,
        *,
        predict: Predict,
        content_type: str = "application/json",
    ) -> None:
        url = f"{self.collection}/{path}" if path else self.collection
        url += f"?fieldManager={manager}"
        self.log.append(f"{method} {url} {body}")
        was_ragged, self.is_ragged = self.is_ragged, False
        before = _now()
        status, answer = self.server.request(method, url, body, content_type)
        after = _now()
        self.outcomes[status] = self.outcomes.get(status, 0) + 1
        expected: list[Any] = [_outcome(predict, now) for now in sorted({before, after})]
        if status >= 400:
            self.is_ragged = was_ragged
            self._compare_refusal(status, answer, expected)
            return
        assert all(isinstance(each, dict) for each in expected), (self.log[-1], expected, answer)
        system = {name: answer["metadata"][name] for name in _SYSTEM}
        was = self.stored
        results = [{**each, "metadata": {**each["metadata"], **system}} for each in expected]
        assert answer in results, _difference(results[-1], answer, self.log[-1], was)
        if was is not None:
            is_written = system["resourceVersion"] != was["metadata"]["resourceVersion"]
            is_clean = not (was_ragged or self.is_ragged)
            assert not (is_clean and was in expected and is_written), "\n".join(self.log[-3:])
            self.is_ragged |= was_ragged and not is_written
        self.stored = answer

    def _compare_refusal(self, status: int, answer: Any, expected: list[Any]) -> None:
        message = answer["message"]
        for each in expected:
            if isinstance(each, ApplyConflictError):
                assert status == 409, (self.log[-1], each.message, answer)
                assert sorted(message.split("\n")) == sorted(each.message.split("\n"))
                causes = answer["details"]["causes"]
                assert sorted(map(str, causes)) == sorted(map(str, each.causes()))
            elif isinstance(each, TypedError):
                assert (status, message) == (each.status, each.message)
            else:
                # Whether it is valid is not the matter here.
                assert (status, answer.get("reason")) == (422, "Invalid"), (self.log[-1], answer)


def _outcome(predict: Predict, now: str) -> Any:
    try:
        return predict(now)
    except (ApplyConflictError, TypedError) as error:
        return error


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    return value is None or (isinstance(value, list) and any(map(_has_null, value)))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _replace(random: Random, body: dict[str, Any], fresh: Mapping[str, Any]) -> None:
    """Take some fields from another object, and take some out."""
    keep = {"name", *_SYSTEM, "managedFields"}
    for name in [*body, *fresh]:
        if name in keep or random.random() < 0.5:
            continue
        if name in fresh:
            body[name] = copy.deepcopy(fresh[name])
        else:
            body.pop(name, None)


def _merged(target: Any, patch: Any) -> Any:
    """A JSON merge patch."""
    if not isinstance(patch, dict):
        return _without_nulls(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result


def _without_nulls(value: Any) -> Any:
    """What the server adds by a merge patch: no field is null, in items of lists neither."""
    if isinstance(value, list):
        return list(map(_without_nulls, value))
    if not isinstance(value, dict):
        return value
    return {name: _without_nulls(child) for name, child in value.items() if child is not None}


def _difference(expected: Any, answer: Any, request: str, before: Any) -> str:
    lines = [f"request: {request}", f"before: {before}"]
    for part in sorted({*expected, *answer} - {"metadata"}):
        if expected.get(part) != answer.get(part):
            lines += [f"{part}: {expected.get(part)}", f"   not {answer.get(part)}"]
    ours, theirs = expected["metadata"], answer["metadata"]
    for name in sorted({*ours, *theirs} - set(_SYSTEM)):
        if ours.get(name) != theirs.get(name):
            lines += [f"{name}: {ours.get(name)}", f"   not {theirs.get(name)}"]
    return "\n".join(lines)
