"""Watches: changes as they happen, from a version on or from the present state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs
from msgspec import json

from matrixinfer_client.testing.apiserver.options import ListOptions
from matrixinfer_client.testing.apiserver.reading import parse_version
from matrixinfer_client.testing.apiserver.refusals import expired
from matrixinfer_client.testing.apiserver.routing import Ask
from matrixinfer_client.testing.apiserver.selecting import Selection, selection
from matrixinfer_client.testing.apiserver.state import State
from matrixinfer_client.testing.apiserver.storage import Change, ChangeType, VersionGoneError
from matrixinfer_client.testing.exchange import Stream

__all__ = ["Render", "open_watch"]

Render = Callable[[dict[str, Any]], dict[str, Any]]
"""How an object is shown inside an event: as it is, or as a table."""

_INITIAL_EVENTS_END: Final = "k8s.io/initial-events-end"
# What the API server picks when it is not asked for a time: 30 to 60 minutes.
_SECONDS: Final = 2700
# Well within the 70 seconds of silence after which this SDK calls a stream dead.
_BOOKMARK_SECONDS: Final = 30.0


def open_watch(state: State, ask: Ask, options: ListOptions, render: Render) -> Stream:
    """The stream of a watch, with what is already known in it."""
    chosen = selection(ask.kind, options.label_selector, options.field_selector)
    watch = _Watch(state, ask, chosen, render)
    stream = watch.open(options)
    try:
        watch.begin(options)
    except VersionGoneError:
        newest, asked = state.storage.version, options.resource_version
        stream.feed(_line("ERROR", expired(f"too old resource version: {asked} ({newest})").body()))
        stream.end()
        return stream
    end = state.storage.watch(ask.table, watch.take)
    stream.on_close = end
    return stream


@attrs.define
class _Watch:
    state: State
    ask: Ask
    chosen: Selection
    render: Render
    stream: Stream = attrs.field(init=False)

    def open(self, options: ListOptions) -> Stream:
        """Make the stream; whoever asked for bookmarks gets them while nothing happens."""
        self.stream = Stream(
            seconds=options.timeout_seconds or _SECONDS,
            heartbeat=self._beat if options.bookmarks else None,
            heartbeat_seconds=_BOOKMARK_SECONDS,
        )
        return self.stream

    def begin(self, options: ListOptions) -> None:
        """Feed what there is: the present state, or the changes after a version."""
        storage, table = self.state.storage, self.ask.table
        version = parse_version(options.resource_version)
        if options.send_initial_events or (version == 0 and options.send_initial_events is None):
            for obj in storage.objects(table, self.ask.namespace):
                if self.chosen.matches(obj):
                    self._feed("ADDED", obj)
            if options.send_initial_events:
                self.stream.feed(self._bookmark(initial_events_end=True))
            return
        if not version:
            return
        for change in storage.changes_since(table, version):
            self.take(change)

    def take(self, change: Change) -> None:
        """Feed a change, if it is about what is watched."""
        if self.ask.namespace and change.key[0] != self.ask.namespace:
            return
        was = change.before is not None and self.chosen.matches(change.before)
        matches = change.type != "DELETED" and self.chosen.matches(change.after)
        if matches:
            self._feed("MODIFIED" if was else "ADDED", change.after)
        elif was and change.before is not None:
            # What no longer matches is gone for this watch: its last state that did, at the
            # version of the change.
            last = change.after if change.type == "DELETED" else change.before
            metadata = {**last["metadata"], "resourceVersion": str(change.version)}
            self._feed("DELETED", {**last, "metadata": metadata})

    def _beat(self) -> None:
        with self.state.lock:
            self.stream.feed(self._bookmark())

    def _feed(self, kind: ChangeType, obj: dict[str, Any]) -> None:
        self.stream.feed(_line(kind, self.render(obj)))

    def _bookmark(self, *, initial_events_end: bool = False) -> bytes:
        metadata: dict[str, Any] = {"resourceVersion": str(self.state.storage.version)}
        if initial_events_end:
            metadata["annotations"] = {_INITIAL_EVENTS_END: "true"}
        kind = self.ask.kind
        obj = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
        return _line("BOOKMARK", self.render(obj))


def _line(kind: str, obj: dict[str, Any]) -> bytes:
    return json.encode({"type": kind, "object": obj}) + b"\n"
