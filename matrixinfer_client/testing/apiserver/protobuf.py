"""Reads the bodies that `kubectl` sends as protocol buffers, which are those of core kinds.

`kubectl create namespace`, `create configmap`, `create role`, `auth can-i` and their like send
nothing else. Only the kinds that such commands make are known. Answers are always JSON.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import attrs
from msgspec import json

from matrixinfer_client.testing.exchange import Call

__all__ = ["as_json"]

_MEDIA_TYPE: Final = "application/vnd.kubernetes.protobuf"
_MAGIC: Final = b"k8s\x00"

# The fields of a message by number: the name in JSON, and the type. A type ends in `?` where an
# empty value is sent as such, and in `[]` where there are several; all else that is empty is left
# out, as in JSON.
Fields: TypeAlias = Mapping[int, tuple[str, str]]

_META: Final[Fields] = {1: ("metadata", "ObjectMeta")}
_MESSAGES: Final[Mapping[str, Fields]] = {
    "Unknown": {1: ("typeMeta", "TypeMeta"), 2: ("raw", "bytes")},
    "TypeMeta": {1: ("apiVersion", "string"), 2: ("kind", "string")},
    "ObjectMeta": {
        1: ("name", "string"),
        2: ("generateName", "string"),
        3: ("namespace", "string"),
        5: ("uid", "string"),
        6: ("resourceVersion", "string"),
        7: ("generation", "int"),
        8: ("creationTimestamp", "Time"),
        11: ("labels", "map string"),
        12: ("annotations", "map string"),
        14: ("finalizers", "string[]"),
    },
    "Time": {1: ("seconds", "int"), 2: ("nanos", "int")},
    "Quantity": {1: ("string", "string")},
    "ConfigMap": {
        **_META,
        2: ("data", "map string"),
        3: ("binaryData", "map bytes"),
        4: ("immutable", "bool?"),
    },
    "Namespace": {**_META, 2: ("spec", "NamespaceSpec")},
    "NamespaceSpec": {1: ("finalizers", "string[]")},
    "ResourceQuota": {**_META, 2: ("spec", "ResourceQuotaSpec")},
    "ResourceQuotaSpec": {1: ("hard", "map Quantity"), 2: ("scopes", "string[]")},
    "Secret": {
        **_META,
        2: ("data", "map bytes"),
        3: ("type", "string"),
        4: ("stringData", "map string"),
        5: ("immutable", "bool?"),
    },
    "Service": {**_META, 2: ("spec", "ServiceSpec")},
    "ServiceSpec": {
        1: ("ports", "ServicePort[]"),
        2: ("selector", "map string"),
        3: ("clusterIP", "string"),
        4: ("type", "string"),
        5: ("externalIPs", "string[]"),
        7: ("sessionAffinity", "string"),
        8: ("loadBalancerIP", "string"),
        10: ("externalName", "string"),
    },
    "ServicePort": {
        1: ("name", "string"),
        2: ("protocol", "string"),
        3: ("port", "int"),
        4: ("targetPort", "IntOrString"),
        5: ("nodePort", "int"),
        6: ("appProtocol", "string?"),
    },
    "IntOrString": {1: ("type", "int"), 2: ("intVal", "int"), 3: ("strVal", "string")},
    "ServiceAccount": {
        **_META,
        2: ("secrets", "Reference[]"),
        3: ("imagePullSecrets", "Reference[]"),
        4: ("automountServiceAccountToken", "bool?"),
    },
    "Reference": {1: ("name", "string")},
    "Role": {**_META, 2: ("rules", "PolicyRule[]")},
    "ClusterRole": {
        **_META,
        2: ("rules", "PolicyRule[]"),
        3: ("aggregationRule", "AggregationRule"),
    },
    "PolicyRule": {
        1: ("verbs", "string[]"),
        2: ("apiGroups", "string[]"),
        3: ("resources", "string[]"),
        4: ("resourceNames", "string[]"),
        5: ("nonResourceURLs", "string[]"),
    },
    "AggregationRule": {1: ("clusterRoleSelectors", "LabelSelector[]")},
    "LabelSelector": {1: ("matchLabels", "map string")},
    "RoleBinding": {**_META, 2: ("subjects", "Subject[]"), 3: ("roleRef", "RoleRef")},
    "ClusterRoleBinding": {**_META, 2: ("subjects", "Subject[]"), 3: ("roleRef", "RoleRef")},
    "Subject": {
        1: ("kind", "string"),
        2: ("apiGroup", "string"),
        3: ("name", "string"),
        4: ("namespace", "string"),
    },
    "RoleRef": {1: ("apiGroup", "string"), 2: ("kind", "string"), 3: ("name", "string")},
    "SelfSubjectAccessReview": {**_META, 2: ("spec", "AccessSpec")},
    "AccessSpec": {
        1: ("resourceAttributes", "ResourceAttributes?"),
        2: ("nonResourceAttributes", "NonResourceAttributes?"),
    },
    "ResourceAttributes": {
        1: ("namespace", "string"),
        2: ("verb", "string"),
        3: ("group", "string"),
        4: ("version", "string"),
        5: ("resource", "string"),
        6: ("subresource", "string"),
        7: ("name", "string"),
    },
    "NonResourceAttributes": {1: ("path", "string"), 2: ("verb", "string")},
    "SelfSubjectRulesReview": {**_META, 2: ("spec", "RulesSpec")},
    "RulesSpec": {1: ("namespace", "string")},
    "SelfSubjectReview": _META,
}
_KINDS: Final = frozenset(name for name, fields in _MESSAGES.items() if fields.get(1) == _META[1])


class _MalformedError(Exception):
    """Bytes that are no message of the kind."""


def as_json(call: Call) -> Call:
    """The same request with a JSON body, if it has one of a core kind in protocol buffers.

    Anything else stays as it is: what decodes bodies says then that it cannot read it.
    """
    if call.headers.get("content-type", "").partition(";")[0].strip() != _MEDIA_TYPE:
        return call
    if not call.body.startswith(_MAGIC) or not _is_core(call.path):
        return call
    try:
        body = json.encode(_object(call.body[len(_MAGIC) :]))
    except _MalformedError:
        return call
    headers = {**call.headers, "content-type": "application/json"}
    return attrs.evolve(call, body=body, headers=headers)


def _is_core(path: str) -> bool:
    """Whether it is about the server's own kinds; those of definitions have no such form."""
    parts = path.split("/")
    return parts[1] == "api" or (len(parts) > 2 and parts[2].endswith(".k8s.io"))


def _object(content: bytes) -> dict[str, Any]:
    envelope = _message(content, "Unknown")
    identity = envelope.get("typeMeta", {})
    kind = identity.get("kind", "")
    if kind not in _KINDS:
        raise _MalformedError(kind)
    raw = base64.b64decode(envelope.get("raw", ""))
    return {"apiVersion": identity.get("apiVersion", ""), "kind": kind, **_message(raw, kind)}


def _message(content: bytes, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, value in _fields(content):
        if number in _MESSAGES[name]:
            key, type_ = _MESSAGES[name][number]
            _add(found, key, type_, value)
    return found


def _add(found: dict[str, Any], key: str, type_: str, value: int | bytes) -> None:
    if type_.startswith("map "):
        entry = dict(_fields(_bytes(value)))
        text = _bytes(entry.get(1, b"")).decode()
        found.setdefault(key, {})[text] = _value(type_.removeprefix("map "), entry.get(2, b""))
    elif type_.endswith("[]"):
        found.setdefault(key, []).append(_value(type_.removesuffix("[]"), value))
    else:
        decoded = _value(type_.removesuffix("?"), value)
        if decoded or type_.endswith("?"):
            found[key] = decoded


def _value(type_: str, value: int | bytes) -> Any:
    if type_ in ("int", "bool"):
        if not isinstance(value, int):
            raise _MalformedError(type_)
        # A negative number is sent as 64 bits.
        signed = value - (1 << 64) if value >= 1 << 63 else value
        return bool(value) if type_ == "bool" else signed
    content = _bytes(value)
    if type_ == "string":
        return content.decode("utf-8", "replace")
    if type_ == "bytes":
        return base64.b64encode(content).decode()
    return _SIMPLE.get(type_, _same)(_message(content, type_))


def _bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise _MalformedError("a number where bytes must be")
    return value


def _same(value: dict[str, Any]) -> Any:
    return value


def _time(value: dict[str, Any]) -> str:
    if not value:
        return ""
    try:
        moment = datetime.fromtimestamp(value.get("seconds", 0), UTC)
    except (OverflowError, OSError, ValueError):
        raise _MalformedError("a time beyond all years") from None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _quantity(value: dict[str, Any]) -> str:
    return str(value.get("string", "0"))


def _int_or_string(value: dict[str, Any]) -> int | str:
    return str(value.get("strVal", "")) if value.get("type") else int(value.get("intVal", 0))


# Messages that JSON has as one value.
_SIMPLE: Final[Mapping[str, Callable[[dict[str, Any]], Any]]] = {
    "IntOrString": _int_or_string,
    "Quantity": _quantity,
    "Time": _time,
}


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: numbers as they are, all else as bytes."""
    place = 0
    while place < len(content):
        key, place = _varint(content, place)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, place = _varint(content, place)
            yield number, value
            continue
        if wire == 2:
            length, place = _varint(content, place)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise _MalformedError(f"wire type {wire}")
        if place + length > len(content):
            raise _MalformedError("it ends within a field")
        yield number, content[place : place + length]
        place += length


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(content) and shift < 70:
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
    raise _MalformedError("it ends within a number")
