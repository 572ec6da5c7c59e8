"""What a call is about, in the words of Kubernetes, and which calls are meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol, TypeAlias, cast

import attrs
from msgspec import DecodeError, Struct, json

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.models import ApiObject
from matrixinfer_client.testing.apiserver.catalog import ResourceType, catalog
from matrixinfer_client.testing.apiserver.refusals import Refusal
from matrixinfer_client.testing.apiserver.routing import route
from matrixinfer_client.testing.exchange import Call

__all__ = ["VERBS", "Match", "Subject", "Verbs", "What", "body_name"]

VERBS: Final = (
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "apply",
    "delete",
    "deletecollection",
)
"""The verbs of RBAC rules, and `apply` for the patch that is a server-side apply."""

Verbs: TypeAlias = str | Iterable[str]
What: TypeAlias = str | type[ApiObject]

_APPLY: Final = "application/apply-patch"


@attrs.frozen(kw_only=True)
class Subject:
    """What a call is about. A path that is no resource has neither verb nor type."""

    call: Call
    type: ResourceType | None = None
    verb: str = ""
    namespace: str = ""
    name: str = ""
    """Of a create out of its body; of a list or watch out of its field selector."""
    subresource: str = ""

    @classmethod
    def of(cls, call: Call) -> Subject:
        """Read a call."""
        try:
            ask = route(call)
        except Refusal:
            return cls(call=call)
        verb, name = ask.verb, ask.name
        if verb == "patch" and call.headers.get("content-type", "").startswith(_APPLY):
            verb = "apply"
        if not name:
            name = body_name(call.body) if verb == "create" else _selected(call)
        return cls(
            call=call,
            type=ask.type,
            verb=verb,
            namespace=ask.namespace,
            name=name,
            subresource=ask.subresource,
        )

    @property
    def key(self) -> tuple[str, str] | None:
        """Group and plural."""
        return None if self.type is None else self.type.key

    @property
    def caller(self) -> str:
        """Whom the call acts for."""
        return self.call.headers.get("impersonate-user") or self.call.caller.name


class _Metadata(Struct):
    name: str = ""


class _Named(Struct):
    metadata: _Metadata | None = None


_DECODER: Final = json.Decoder(_Named)


def body_name(body: bytes) -> str:
    """The name in an object's metadata; empty without one."""
    try:
        metadata = _DECODER.decode(body).metadata
    except DecodeError:
        return ""
    return metadata.name if metadata else ""


def _selected(call: Call) -> str:
    for term in call.option("fieldSelector").split(","):
        name, _, value = term.partition("=")
        if name == "metadata.name":
            return value.removeprefix("=")
    return ""


class _About(Protocol):
    """The parts of a call by which it is picked."""

    @property
    def verb(self) -> str: ...
    @property
    def key(self) -> tuple[str, str] | None: ...
    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def subresource(self) -> str: ...
    @property
    def caller(self) -> str: ...


@attrs.frozen(kw_only=True)
class Match:
    """Which calls are meant: those that all of this is true of. What is None is true of all."""

    verbs: frozenset[str] | None = None
    resource: tuple[str, str] | None = None
    """Group and plural."""
    subresource: str | None = None
    namespace: str | None = None
    name: str | None = None
    caller: str | None = None
    when: Callable[[Call], bool] | None = None

    @classmethod
    def of(
        cls,
        *,
        verb: Verbs | None = None,
        resource: What | None = None,
        namespace: str | None = None,
        name: str | None = None,
        caller: str | None = None,
        when: Callable[[Call], bool] | None = None,
    ) -> Match:
        """Understand what a person wrote. Raises `InvalidArgumentError` for what is unknown."""
        _check_texts(namespace=namespace, name=name, caller=caller)
        if when is not None and not callable(when):
            raise InvalidArgumentError(
                "when must be a function that is given a call and tells whether it is meant, "
                f"not {when!r}"
            )
        found, subresource = (None, None) if resource is None else _resource(resource)
        return cls(
            verbs=None if verb is None else _verbs(verb),
            resource=None if found is None else found.key,
            subresource=subresource,
            namespace=namespace,
            name=name,
            caller=caller,
            when=when,
        )

    def fits(self, about: _About) -> bool:
        """Whether a call is meant, as far as its parts tell."""
        return (
            (self.verbs is None or about.verb in self.verbs)
            and (self.resource is None or about.key == self.resource)
            and (self.subresource is None or about.subresource == self.subresource)
            and (self.namespace is None or about.namespace == self.namespace)
            and (self.name is None or about.name == self.name)
            and (self.caller is None or about.caller == self.caller)
        )

    def matches(self, subject: Subject) -> bool:
        """Whether a call is meant."""
        return self.fits(subject) and (self.when is None or self.when(subject.call))


def _check_texts(**given: object) -> None:
    """A value of another type would match nothing, and nobody would hear of it."""
    for argument, value in given.items():
        if value is not None and not isinstance(value, str):
            raise InvalidArgumentError(f"{argument} must be a string, not {value!r}")


def _verbs(given: Verbs) -> frozenset[str]:
    words: Any = (given,) if isinstance(given, str) else given
    if not isinstance(words, Iterable):
        raise InvalidArgumentError(f"verb must be one verb or several, not {given!r}")
    wanted = frozenset(cast("Iterable[str]", words))
    if not wanted:
        raise InvalidArgumentError("verb is empty; leave it out to mean all verbs")
    for verb in wanted:
        if verb not in VERBS:
            raise InvalidArgumentError(f"verb {verb!r} is unknown; there are {', '.join(VERBS)}")
    return wanted


def _resource(given: What) -> tuple[ResourceType, str | None]:
    """The resource, and the subresource that is meant: "" for none, None for all."""
    if not isinstance(given, str):
        return _class_resource(given), ""
    text, slash, subresource = given.partition("/")
    found = next((each for each in catalog().types if text in _names(each)), None)
    if found is None:
        raise InvalidArgumentError(_unknown(text))
    if not slash:
        return found, ""
    if subresource == "*":
        return found, None
    if subresource not in found.kind.subresources:
        known = ", ".join(found.kind.subresources) or "none"
        raise InvalidArgumentError(
            f"{found.kind.plural} have no subresource {subresource!r}; there are: {known}"
        )
    return found, subresource


def _class_resource(given: object) -> ResourceType:
    if not (isinstance(given, type) and issubclass(given, ApiObject)):
        raise InvalidArgumentError(
            f"resource must be a plural, kind, short name or class such as Model, not {given!r}"
        )
    found = catalog().of_kind(given.KIND.api_version, given.KIND.kind)
    if found is None:
        raise InvalidArgumentError(_unknown(str(given.KIND)))
    return found


def _names(each: ResourceType) -> tuple[str, ...]:
    kind = each.kind
    return kind.plural, kind.kind, kind.singular, kind.resource, *each.short_names


def _unknown(name: str) -> str:
    types: Iterable[Any] = catalog().types
    known = ", ".join(sorted(each.kind.plural for each in types))
    return f"resource {name!r} is not served by a FakeCluster; there are {known}"
