"""Timestamps of the API: `datetime` with a time zone in Python, RFC 3339 on the wire.

The server writes `2025-08-01T10:00:00Z`. Anything else that is a timestamp (nanoseconds, an offset,
the fixed six digits of `MicroTime`) is read into a `Timestamp`, a `datetime` that remembers its
text, so that what is read and sent back is the same to the last digit.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

__all__ = ["Timestamp", "parse", "render"]

# Objects of one list share most of their timestamps; parsing each once is faster and smaller.
_seen: dict[str, datetime | str] = {}
_written: dict[datetime, str] = {}
_LIMIT = 4096


class Timestamp(datetime):
    """A point in time that was written in another way than the client would write it.

    Equal to, and usable as, the `datetime` it is. What is computed from it is written as usual.
    """

    __slots__ = ("text",)

    text: str

    def __reduce_ex__(self, protocol: Any) -> Any:
        text = getattr(self, "text", None)
        return super().__reduce_ex__(protocol) if text is None else (_remember, (text,))


def parse(text: str) -> datetime | str:
    """The point in time that `text` names, or `text` itself when that is not one."""
    found = _seen.get(text)
    if found is None:
        if len(_seen) >= _LIMIT:
            _seen.clear()
        found = _seen[text] = _parse(text)
    return found


def _parse(text: str) -> datetime | str:
    try:
        value = datetime.fromisoformat(text)
        if value.tzinfo is UTC and render(value) == text:
            return value
        return _remember(text) if value.tzinfo is not None else text
    except ValueError:
        # RFC 3339 allows lower case, `fromisoformat` does not.
        return text if text == text.upper() else _parse_lower(text)


def _parse_lower(text: str) -> datetime | str:
    try:
        value = _remember(text)
    except ValueError:
        return text
    return value if value.tzinfo is not None else text


def _remember(text: str) -> Timestamp:
    value = Timestamp.fromisoformat(text.upper())
    value.text = text
    return value


def render(value: datetime) -> str:
    """RFC 3339 in UTC with `Z`; the text it came as, if it came and was not computed.

    Raises `ValueError` for a value without a time zone: nobody can know which moment it means.
    """
    # Exactly this class: equal moments of it are one text, while a `Timestamp` has its own.
    if type(value) is not datetime:
        return str(getattr(value, "text", None) or _render(value))
    text = _written.get(value)
    if text is None:
        text = _render(value)
        if len(_written) >= _LIMIT:
            _written.clear()
        _written[value] = text
    return text


def _render(value: datetime) -> str:
    if value.tzinfo is not UTC:
        if value.utcoffset() is None:
            raise ValueError("has no time zone; use for example datetime.now(timezone.utc)")
        value = value.astimezone(UTC)
    return value.isoformat()[:-6] + "Z"
