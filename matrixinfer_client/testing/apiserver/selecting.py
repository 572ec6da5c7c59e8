"""Label and field selectors as the API server reads them, with its words for what is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn, TypeAlias, cast

import attrs

from matrixinfer_client.kinds import Kind
from matrixinfer_client.testing.apiserver.jsontext import is_object
from matrixinfer_client.testing.apiserver.refusals import Refusal, bad_request
from matrixinfer_client.validation.identifiers import label_key_problems, label_value_problems
from matrixinfer_client.validation.rendering import quote, render_value

__all__ = ["Selection", "check_syntax", "label_predicate", "selection"]

_Labels: TypeAlias = Mapping[str, str]
_LabelTest: TypeAlias = Callable[[_Labels], bool]
_Object: TypeAlias = Mapping[str, Any]

_END = ""
_TOKEN = re.compile(r"[ \t\r\n]*(?P<token>==|!=|[=!(),<>]|[^=!(),<> \t\r\n]+|$)")
_OPERATORS = "in, notin, =, ==, !=, gt, lt"
_BINARY = frozenset({"in", "notin", "=", "==", "!=", ">", "<"})
_SYMBOLS = frozenset("=!(),<>") | {"==", "!=", _END}
_NO_KEYS = _SYMBOLS - {"!", _END}
_ENDS = (",", _END)
_INTEGER = re.compile("[+-]?[0-9]+", re.ASCII)
_TERM = re.compile("!=|==|=")
_ESCAPES = "\\,="
_NAME = re.compile("(?![.]{1,2}$)[^/%]+")


@attrs.frozen
class Selection:
    """What a list or a watch is about.

    `matches` tells whether an object belongs to it, `everything` whether all objects do, and
    `name` is the one name that the field selector asks for: authorization takes it for the name
    of the request. None when it asks for none.
    """

    matches: Callable[[_Object], bool]
    everything: bool
    name: str | None = None


def selection(kind: Kind, labels: str, fields: str) -> Selection:
    """The selection of two selectors; empty ones select everything.

    Raises `Refusal` with 400 for what is no selector, and for a field that the kind cannot be
    selected by.
    """
    test = label_predicate(labels)
    terms = [_supported(kind, *term) for term in _field_terms(fields)]
    names = [value for field, equal, value in terms if field == "metadata.name" and equal]
    name = names[0] if names and _NAME.fullmatch(names[0]) else None
    read = _READERS.get(kind.api_version, {}).get(kind.kind, {})

    def matches(obj: _Object) -> bool:
        for field, equal, value in terms:
            if (_field(obj, field, read) == value) is not equal:
                return False
        return test(obj["metadata"].get("labels") or {})

    return Selection(matches, not labels.strip() and not terms, name)


def check_syntax(labels: str, fields: str) -> None:
    """Refuse with 400 what is no selector, whatever the fields are."""
    if labels:
        label_predicate(labels)
    if fields:
        list(_field_terms(fields))


def label_predicate(selector: str) -> _LabelTest:
    """The test that a label selector stands for; raises `Refusal` with 400 for what is none."""
    tests = list(_Parser(selector).requirements())
    return lambda labels: all(test(labels) for test in tests)


class _Parser:
    """Reads one label selector from left to right."""

    def __init__(self, selector: str) -> None:
        self.tokens = [match["token"] for match in _TOKEN.finditer(selector)]
        self.place = 0

    def requirements(self) -> Iterator[_LabelTest]:
        while self.peek() != _END:
            if self.peek() in _NO_KEYS:
                self.fail("!, identifier, or 'end of string'", self.peek())
            try:
                test = self.requirement()
            except Refusal as error:
                raise bad_request(f"unable to parse requirement: {error.message}") from None
            yield test
            end = self.take()
            if end not in _ENDS:
                self.fail("',' or 'end of string'", end)
            if end != _END and self.peek() in _NO_KEYS | {_END}:
                self.fail("identifier after ','", self.peek())

    def requirement(self) -> _LabelTest:
        is_negated = self.peek() == "!"
        if is_negated:
            self.take()
        key = self.identifier()
        if problems := label_key_problems(key):
            raise bad_request(f"<nil>: Invalid value: {quote(key)}: {'; '.join(problems)}")
        if is_negated or self.peek() in _ENDS:
            return lambda labels: (key in labels) is not is_negated
        operator = self.take()
        if operator not in _BINARY:
            self.fail(_OPERATORS, operator)
        values = self.values() if operator in ("in", "notin") else {self.value()}
        return _compiled(key, operator, sorted(values))

    def values(self) -> set[str]:
        found: set[str] = set()
        opening = self.take()
        if opening != "(":
            # The server has no comma in this one.
            raise bad_request(f"found '{opening}' expected: '('")
        if (first := self.peek()) in _SYMBOLS - {",", ")"}:
            self.fail("',', ')' or identifier", first)
        if self.peek() == ")":
            self.take()
            return {""}
        self.items(found)
        if self.take() != ")":
            self.fail("')'", first)
        return found

    def items(self, found: set[str]) -> None:
        """The values up to the parenthesis; nothing between two commas is the empty value."""
        while True:
            item = self.take()
            if item == ",":
                self.gap(found)
                if self.peek() == ")":
                    return
            elif item in _SYMBOLS:
                self.fail("',', or identifier", item)
            else:
                found.add(item)
                if self.peek() not in (",", ")"):
                    self.fail("',' or ')'", self.peek())
                if self.peek() == ")":
                    return

    def gap(self, found: set[str]) -> None:
        """What a comma may mean besides the next value."""
        if not found or self.peek() == ")":
            found.add("")
        if self.peek() == ",":
            self.take()
            found.add("")

    def value(self) -> str:
        return "" if self.peek() in _ENDS else self.identifier()

    def identifier(self) -> str:
        token = self.take()
        if token in _SYMBOLS:
            self.fail("identifier", token)
        return token

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else _END

    def take(self) -> str:
        token = self.peek()
        self.place += 1
        return token

    def fail(self, expected: str, found: str) -> NoReturn:
        raise bad_request(f"found '{found}', expected: {expected}")


def _compiled(key: str, operator: str, values: list[str]) -> _LabelTest:
    _check_values(key, operator, values)
    if operator in ("in", "=", "=="):
        return lambda labels: key in labels and labels[key] in values
    if operator in ("notin", "!="):
        # An object without the label is different, too.
        return lambda labels: labels.get(key) not in values
    bound, is_more = int(values[0]), operator == ">"

    def compares(labels: _Labels) -> bool:
        number = _integer(labels.get(key, ""))
        return number is not None and (number > bound if is_more else number < bound)

    return compares


def _check_values(key: str, operator: str, values: list[str]) -> None:
    found: list[str] = []
    if operator in ("<", ">") and _integer(values[0]) is None:
        detail = "for 'Gt', 'Lt' operators, the value must be an integer"
        found.append(f"values[0]: Invalid value: {quote(values[0])}: {detail}")
    for index, value in enumerate(values):
        if problems := label_value_problems(value):
            place = f"values[{index}][{key}]"
            found.append(f"{place}: Invalid value: {quote(value)}: {'; '.join(problems)}")
    if found:
        raise bad_request(found[0] if len(found) == 1 else f"[{', '.join(found)}]")


def _integer(text: str) -> int | None:
    """A 64-bit integer as Go reads it."""
    if len(text) > 20 or not _INTEGER.fullmatch(text):
        return None
    value = int(text)
    return value if -(1 << 63) <= value < 1 << 63 else None


def _field_terms(selector: str) -> Iterator[tuple[str, bool, str]]:
    """Each term of a field selector: the field, whether it must be equal, and the value."""
    for term in sorted(filter(None, _split_terms(selector))):
        operator = _TERM.search(term)
        if operator is None:
            raise bad_request(f"invalid selector: '{selector}'; can't understand '{term}'")
        value = _unescaped(term[operator.end() :])
        yield term[: operator.start()], operator[0] != "!=", value


def _split_terms(selector: str) -> list[str]:
    """The parts between commas that have no backslash before them."""
    return re.findall(r"(?:[^\\,]|\\.|\\$)+", selector, re.DOTALL)


def _unescaped(text: str) -> str:
    value = ""
    characters = iter(text)
    for character in characters:
        if character == "\\":
            following = next(characters, "")
            if not following or following not in _ESCAPES:
                sequence = f"\\{following}"
                raise bad_request(f"invalid field selector: invalid escape sequence: {sequence}")
            value += following
        elif character in _ESCAPES:
            # The server prints the number of the character here.
            number = ord(character)
            raise bad_request(f"invalid field selector: unescaped character in value: {number}")
        else:
            value += character
    return value


def _supported(kind: Kind, field: str, equal: bool, value: str) -> tuple[str, bool, str]:
    if (kind.api_version, kind.kind, field) == ("v1", "Pod", "spec.host"):
        field = "spec.nodeName"
    own = _FIELDS.get(kind.api_version, {}).get(kind.kind)
    if field in (own or _METADATA):
        return field, equal, value
    if own is None and ("." not in kind.group or kind.group.endswith(".k8s.io")):
        known = 'only "metadata.name", "metadata.namespace"'
        raise bad_request(f"{quote(field)} is not a known field selector: {known}")
    raise bad_request(f"field label not supported: {field}")


_METADATA = ("metadata.name", "metadata.namespace")
_FIELDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "v1": {
        "Pod": (
            *_METADATA,
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ),
        "Node": ("metadata.name", "spec.unschedulable"),
        "Event": (
            *(
                f"involvedObject.{name}"
                for name in (
                    "kind",
                    "namespace",
                    "name",
                    "uid",
                    "apiVersion",
                    "resourceVersion",
                    "fieldPath",
                )
            ),
            "reason",
            "reportingComponent",
            "source",
            "type",
            *_METADATA,
        ),
        "Namespace": ("status.phase", "metadata.name"),
        "Secret": ("type", *_METADATA),
        "Service": (*_METADATA, "spec.clusterIP", "spec.type"),
    }
}


def _at(obj: _Object, path: str) -> str:
    found: Any = obj
    for part in path.split("."):
        found = found.get(part) if is_object(found) else None
    if found is None:
        return ""
    return found if isinstance(found, str) else render_value(found)


def _pod_ip(pod: _Object) -> str:
    status = cast("dict[str, Any]", pod.get("status") or {})
    addresses = cast("list[dict[str, str]]", status.get("podIPs") or [])
    return addresses[0].get("ip", "") if addresses else _at(pod, "status.podIP")


_READERS: Mapping[str, Mapping[str, Mapping[str, Callable[[_Object], str]]]] = {
    # What is not simply the text at the path, or has a default.
    "v1": {
        "Pod": {
            "spec.restartPolicy": lambda pod: _at(pod, "spec.restartPolicy") or "Always",
            "spec.schedulerName": lambda pod: _at(pod, "spec.schedulerName") or "default-scheduler",
            "spec.hostNetwork": lambda pod: _at(pod, "spec.hostNetwork") or "false",
            "status.phase": lambda pod: _at(pod, "status.phase") or "Pending",
            "status.podIP": _pod_ip,
            # The server knows the field and never has a value for it.
            "status.podIPs": lambda _: "",
        },
        "Node": {"spec.unschedulable": lambda node: _at(node, "spec.unschedulable") or "false"},
        "Event": {
            "source": lambda event: (
                _at(event, "source.component") or _at(event, "reportingComponent")
            ),
        },
        "Namespace": {"status.phase": lambda space: _at(space, "status.phase") or "Active"},
        "Secret": {"type": lambda secret: _at(secret, "type") or "Opaque"},
        "Service": {"spec.type": lambda service: _at(service, "spec.type") or "ClusterIP"},
    }
}


def _field(obj: _Object, field: str, read: Mapping[str, Callable[[_Object], str]]) -> str:
    return read[field](obj) if field in read else _at(obj, field)
