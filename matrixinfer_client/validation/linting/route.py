"""Rules for ModelRoute."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from matrixinfer_client.validation.access import block, items
from matrixinfer_client.validation.linting.registry import Hit, Subject, rule
from matrixinfer_client.validation.rendering import Parts

__all__: list[str] = []

_WAYS = ("exact", "prefix", "regex")
# What other dialects have and RE2, which the gateway uses, has not: look-around, conditions,
# atomic groups, references to groups, possessive repetition.
_NOT_RE2 = re.compile(r"\(\?(?:[=!>(#]|<[=!]|P[=>])|[*+?}]\+")
_BACK_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]")
_CLASS_OF_UNICODE = re.compile(r"\\[pP](?:\{\^?\w+\}|\w)|\\Q.*?(?:\\E|$)")
_FLAGS = re.compile(r"\(\?[imsU-]+\)")
_ESCAPE = re.compile(r"\\.")
_CHARACTERS = re.compile(r"\[\^?\]?[^\]]*\]")
_ADDRESS = re.compile(r".+:[0-9]+")


def _rules(subject: Subject) -> Iterator[tuple[Parts, Mapping[str, Any]]]:
    for index, each in enumerate(items(subject.spec, "rules")):
        yield ("spec", "rules", index), each


def _matches(subject: Subject) -> Iterator[tuple[Parts, Mapping[str, Any]]]:
    """The string matches of all rules."""
    for place, each in _rules(subject):
        match = block(each, "modelMatch")
        for header, value in block(match, "headers").items():
            yield (*place, "modelMatch", "headers", header), value
        if match.get("uri") is not None:
            yield (*place, "modelMatch", "uri"), match["uri"]


@rule("MI080", "error", "ModelRoute", "Weights that are all zero")
def zero_weights(subject: Subject) -> Iterator[Hit]:
    for place, each in _rules(subject):
        targets = each["targetModels"]
        if targets and not any(target.get("weight", 100) for target in targets):
            yield Hit(
                (*place, "targetModels"),
                "The sum of the weights is 0, and the gateway breaks the request when it draws a "
                "target.",
                "give at least one target a weight above 0, or leave the weights out.",
            )


@rule("MI081", "error", "ModelRoute", "A rule without targets")
def no_targets(subject: Subject) -> Iterator[Hit]:
    for place, each in _rules(subject):
        if not each["targetModels"]:
            yield Hit(
                (*place, "targetModels"),
                "An empty list passes validation and breaks every request that matches the rule.",
                "name a ModelServer, or remove the rule.",
            )


@rule("MI082", "error", "ModelRoute", "A route without rules")
def no_rules(subject: Subject) -> Iterator[Hit]:
    if not subject.spec.get("rules") and subject.given is not None:
        yield Hit(
            ("spec", "rules"),
            "No rule matches, so the gateway answers 404 to every request.",
            "add a rule without `modelMatch`, which matches everything.",
        )


@rule("MI083", "warning", "ModelRoute", "Several ways to match one string")
def several_ways(subject: Subject) -> Iterator[Hit]:
    for place, match in _matches(subject):
        given = [way for way in _WAYS if match.get(way) is not None]
        if len(given) > 1:
            yield Hit(
                place,
                f"Only one of {', '.join(_WAYS)} counts; the gateway takes `{given[0]}` and "
                f"ignores {' and '.join(given[1:])}.",
                "keep one of them.",
            )


@rule("MI084", "warning", "ModelRoute", "A match that matches everything")
def empty_match(subject: Subject) -> Iterator[Hit]:
    for place, match in _matches(subject):
        if not any(match.get(way) for way in _WAYS):
            yield Hit(
                place,
                "A string match with nothing in it is no condition.",
                "say what to match with `exact`, `prefix` or `regex`, or remove it.",
            )


@rule("MI085", "error", "ModelRoute", "An expression that the gateway cannot read")
def bad_expression(subject: Subject) -> Iterator[Hit]:
    for place, match in _matches(subject):
        expression = match.get("regex")
        if expression and not _is_re2(expression):
            yield Hit(
                (*place, "regex"),
                f"`{expression}` is no expression of Go's RE2, which has neither look-around nor "
                "back-references.",
                "rewrite it; it is not anchored, so use `^` and `$`.",
            )


@rule("MI086", "warning", "ModelRoute", "A rate limit without a model name")
def limit_without_name(subject: Subject) -> Iterator[Hit]:
    if subject.spec.get("rateLimit") is not None and not subject.spec.get("modelName"):
        yield Hit(
            ("spec", "rateLimit"),
            "Limits are kept by `modelName`; a route with adapters only is never limited.",
            "set `modelName`.",
        )


@rule("MI087", "warning", "ModelRoute", "A rule that is never reached")
def unreachable(subject: Subject) -> Iterator[Hit]:
    caught = False
    for place, each in _rules(subject):
        if caught:
            yield Hit(
                place,
                "The first rule that matches decides, and one before this matches everything.",
                "move the rule without `modelMatch` to the end.",
            )
        caught = caught or not each.get("modelMatch")


@rule("MI088", "error", "ModelRoute", "A model that no request of this route has")
def foreign_model(subject: Subject) -> Iterator[Hit]:
    names = [subject.spec.get("modelName"), *items(subject.spec, "loraAdapters")]
    for place, each in _rules(subject):
        model = block(each, "modelMatch", "body").get("model")
        if model and model not in names:
            yield Hit(
                (*place, "modelMatch", "body", "model"),
                f"Requests come here by the names {', '.join(filter(None, names))}; none of them "
                f"is `{model}`, so the rule never matches.",
                "use `modelName` or one of `loraAdapters`.",
            )


@rule("MI089", "error", "ModelRoute", "An address of Redis without a port")
def redis_address(subject: Subject) -> Iterator[Hit]:
    limits = block(subject.spec, "rateLimit", "global")
    address = block(limits, "redis").get("address")
    if address is not None and not _ADDRESS.fullmatch(address):
        yield Hit(
            ("spec", "rateLimit", "global", "redis", "address"),
            f"`{address}` is not of the form `name:port`.",
            f"write `{address or 'redis'}:6379`.",
        )


@rule("MI090", "warning", "ModelRoute", "Two routes for one model name")
def shared_name(subject: Subject) -> Iterator[Hit]:
    name = subject.spec.get("modelName")
    others = [each for each in subject.others if each is not subject and each.kind == subject.kind]
    for other in others:
        if name and other.spec.get("modelName") == name:
            where = f"{other.namespace}/" if other.namespace else ""
            yield Hit(
                ("spec", "modelName"),
                f"The route {where}{other.name} has it too; the gateway looks across all "
                "namespaces, and the one that was written last wins.",
                "use another name, or one route with several rules.",
            )


@rule("MI091", "warning", "ModelRoute", "A target that is not given")
def missing_server(subject: Subject) -> Iterator[Hit]:
    servers = {other.name for other in subject.near("ModelServer")}
    for place, each in _rules(subject):
        for index, target in enumerate(each["targetModels"]):
            name = target["modelServerName"]
            if servers and name not in servers:
                yield Hit(
                    (*place, "targetModels", index, "modelServerName"),
                    f"There is no ModelServer {name} among the objects given here; the gateway "
                    "answers 404 while it is missing.",
                    f"use one of {', '.join(sorted(servers))}, or add it.",
                )


def _is_re2(expression: str) -> bool:
    if _BACK_REFERENCE.search(expression):
        return False
    plain = _FLAGS.sub("", _CLASS_OF_UNICODE.sub("x", expression))
    if _NOT_RE2.search(_CHARACTERS.sub("x", _ESCAPE.sub("x", plain))):
        return False
    # What remains is common to both dialects, but for two spellings.
    plain = re.sub(r"\(\?<(\w)", r"(?P<\1", plain).replace(r"\z", r"\Z")
    try:
        re.compile(plain)
    except re.error:
        return False
    return True
