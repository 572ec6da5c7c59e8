"""The JSON parser: the few ways in which it is used, and the one place for its errors."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

import msgspec

from matrixinfer_client.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "Parts",
    "load",
    "load_event",
    "load_identity",
    "load_items",
    "load_parts",
    "paused_collector",
    "reading",
]

Parts = dict[str, msgspec.Raw]

# Above this size the collector's passes over the growing heap cost more than the decoding.
_LARGE_BODY = 256 * 1024


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class Identity(msgspec.Struct, rename="camel"):
    """The parts of metadata that tell objects apart; read without decoding the rest."""

    name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    resource_version: str | None = None


load = msgspec.json.Decoder().decode
load_event = msgspec.json.Decoder(_Event).decode
load_identity = msgspec.json.Decoder(Identity).decode
load_items = msgspec.json.Decoder(list[Parts]).decode
load_parts = msgspec.json.Decoder(Parts).decode


class reading:  # noqa: N801 - used as a function; as a generator it costs as much as a parse
    """Turn the parser's errors into `DecodeError`."""

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if isinstance(error, msgspec.DecodeError | UnicodeDecodeError | RecursionError):
            raise DecodeError(f"cannot read {self._what}: {error}") from error


class _Collector:
    lock = Lock()
    pauses = 0
    was_enabled = False


@contextmanager
def paused_collector(size: int) -> Generator[None]:
    """Keep the cyclic garbage collector from running while a body of `size` bytes is decoded.

    Decoding makes no garbage cycles, and each pass would visit all that was decoded so far, which
    makes reading a large list several times as slow. The collector is switched on again when the
    last of several threads is done, and only if it was on.
    """
    if size < _LARGE_BODY:
        yield
        return
    with _Collector.lock:
        if _Collector.pauses == 0:
            _Collector.was_enabled = gc.isenabled()
            gc.disable()
        _Collector.pauses += 1
    try:
        yield
    finally:
        with _Collector.lock:
            _Collector.pauses -= 1
            if _Collector.pauses == 0 and _Collector.was_enabled:
                gc.enable()
