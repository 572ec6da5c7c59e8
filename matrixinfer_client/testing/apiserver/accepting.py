"""Reads `Accept`: in which form and in which media type an answer is wanted.

The rules are the API server's: ranges by their quality, then in the order of the header; the first
one that can be served is. Protocol buffers, which it has for the core kinds, are passed over here:
whoever asks for them asks for JSON as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, Literal

import attrs

from matrixinfer_client.testing.apiserver.refusal import Refusal
from matrixinfer_client.testing.apiserver.refusals import not_acceptable

__all__ = ["MEDIA_TYPES", "Range", "Wanted", "ranges", "wanted"]

MEDIA_TYPES: Final = ("application/json", "application/yaml")
"""What the server answers in."""

# What a refusal names; protocol buffers are the API server's, and not offered here.
_OFFERED: Final = (*MEDIA_TYPES, "application/vnd.kubernetes.protobuf")
_STREAMED: Final = tuple(f"{each};stream=watch" for each in _OFFERED if each != "application/yaml")
_FORMS: Final[Mapping[str, Literal["table", "metadata", "metadata list"]]] = {
    "Table": "table",
    "PartialObjectMetadata": "metadata",
    "PartialObjectMetadataList": "metadata list",
}


@attrs.frozen(kw_only=True)
class Range:
    """One entry of an `Accept` header."""

    type: str
    parameters: Mapping[str, str] = attrs.field(factory=dict[str, str])
    quality: float = 1.0

    def covers(self, media: str) -> bool:
        """Whether a media type is within it."""
        kind, _, part = self.type.partition("/")
        return self.type in (media, "*/*") or (part == "*" and media.startswith(f"{kind}/"))


@attrs.frozen(kw_only=True)
class Wanted:
    """The form and the media type of an answer."""

    form: Literal["object", "table", "metadata", "metadata list"] = "object"
    """`metadata` is of one object, `metadata list` of a list; a table is of either."""
    version: str = ""
    """Of `meta.k8s.io`: `v1` or `v1beta1`; empty for an object."""
    media_type: str = "application/json"
    pretty: bool = False
    """Whether the answer is indented because the range says so."""


# The same few headers come with every request.
@lru_cache(maxsize=256)
def ranges(header: str) -> Sequence[Range]:
    """The entries of an `Accept` header, the most wanted first; among equals wildcards are last."""
    found = [each for each in map(_range, header.split(",")) if "/" in each.type]
    found.sort(key=lambda each: (-each.quality, each.type == "*/*", "*" in each.type))
    return tuple(found)


def wanted(accept: str, *, custom: bool = True, verb: str = "get") -> Wanted:
    """What an `Accept` header asks for.

    Args:
        accept: The header; empty for none, which means JSON.
        custom: Whether the resource is a custom one. For the core kinds a refusal is worded
            otherwise when no media type fits at all.
        verb: What the request does; a watch has no YAML.

    Raises the server's 406 where nothing fits.
    """
    if not accept:
        return Wanted()
    given = ranges(accept)
    if not custom and not any(each.type in (*_OFFERED, "*/*") for each in given):
        raise _unavailable(listing=verb in ("list", "watch"))
    found = next(filter(None, (_form(each) for each in given)), None)
    if found is None:
        raise not_acceptable(_OFFERED)
    if verb == "watch" and found.media_type == "application/yaml":
        raise not_acceptable(_STREAMED)
    return found


def _form(range_: Range) -> Wanted | None:
    """What a range asks for; None if nothing within it is offered."""
    media = next(filter(range_.covers, MEDIA_TYPES), None)
    parameters = range_.parameters
    if media is None or parameters.get("stream", "watch") != "watch":
        return None
    if parameters.get("sv", "v1") != "v1":
        return None
    pretty = parameters.get("pretty") == "1"
    if not parameters.keys() & {"as", "g", "v"}:
        return Wanted(media_type=media, pretty=pretty)
    form = _FORMS.get(parameters.get("as", ""))
    version = parameters.get("v", "")
    if form is None or parameters.get("g") != "meta.k8s.io" or version not in ("v1", "v1beta1"):
        return None
    return Wanted(form=form, version=version, media_type=media, pretty=pretty)


def _unavailable(*, listing: bool) -> Refusal:
    offered = [*_OFFERED, *_STREAMED] if listing else _OFFERED
    message = f"406: Not Acceptable\n\nAvailable representations: {', '.join(offered)}"
    return Refusal(406, message, reason="NotAcceptable", details={})


def _range(text: str) -> Range:
    name, *rest = text.split(";")
    name = name.strip(" ")
    pairs = (part.partition("=") for part in rest)
    parameters = {key.strip(" "): value.strip(" ") for key, _, value in pairs if value}
    quality = _number(parameters.pop("q", "1"))
    return Range(type="*/*" if name == "*" else name, parameters=parameters, quality=quality)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
