"""An API server as a script: a history that flows can list, watch, lose and be cut off from.

No I/O and no clock: a `Play` performs the steps of a flow, and its actions say what happens at each
of them. When they are used up everything works, and the flow can come to rest.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from matrixinfer_client.api.registry_v1alpha1 import Model, ModelList
from matrixinfer_client.errors import RequestInfo, TransportError, TransportTimeout
from matrixinfer_client.flows import (
    Close,
    Emit,
    Flow,
    Now,
    Open,
    Read,
    Reauthorize,
    Request,
    Response,
    Sleep,
    Step,
    Stream,
)
from matrixinfer_client.pacing import WatchPolicy
from matrixinfer_client.targets import ListOptions, Options, Target
from matrixinfer_client.views import Change, Memory, Remembered, View
from matrixinfer_client.watching import Settled, watch

Key: TypeAlias = tuple[str, str]
Action: TypeAlias = tuple[str, int]
_INFO = RequestInfo("GET", "https://cluster.test/apis")


@dataclass(frozen=True)
class Happened:
    """One change in the history."""

    version: int
    type: str
    key: Key
    object: dict[str, Any]

    @property
    def line(self) -> bytes:
        return json.dumps({"type": self.type, "object": self.object}).encode() + b"\n"


@dataclass
class History:
    """What really happened, and how much of it the server still knows."""

    version: int = 100
    compacted: int = 0
    state: dict[Key, dict[str, Any]] = field(default_factory=dict)
    happened: list[Happened] = field(default_factory=list)

    def create(self, name: str) -> None:
        if ("default", name) in self.state:
            return
        self._write("ADDED", name, {"uid": f"uid-{self.version + 1}", "generation": 1})

    def update(self, name: str) -> None:
        old = self.state.get(("default", name))
        if old is not None:
            metadata = old["metadata"]
            self._write("MODIFIED", name, {**metadata, "generation": metadata["generation"] + 1})

    def delete(self, name: str) -> None:
        old = self.state.get(("default", name))
        if old is not None:
            self._write("DELETED", name, old["metadata"])
            del self.state["default", name]

    def compact(self) -> None:
        self.compacted = self.version

    def forget(self, keep: int) -> None:
        """Drop the oldest entries, so that a long simulation does not grow itself."""
        if len(self.happened) > 2 * keep:
            self.compacted = max(self.compacted, self.happened[-keep].version)
            del self.happened[:-keep]

    def since(self, version: int) -> Iterator[Happened]:
        return (each for each in self.happened if each.version > version)

    def present(self) -> Iterator[Happened]:
        """The initial events of a watch."""
        for key, obj in self.state.items():
            yield Happened(int(obj["metadata"]["resourceVersion"]), "ADDED", key, obj)

    def listed(self) -> bytes:
        items = list(self.state.values())
        return json.dumps(
            {
                "apiVersion": "registry.matrixinfer.ai/v1alpha1",
                "kind": "ModelList",
                "metadata": {"resourceVersion": str(self.version)},
                "items": items or None,
            }
        ).encode()

    def _write(self, kind: str, name: str, metadata: Mapping[str, Any]) -> None:
        self.version += 1
        obj = {
            "apiVersion": "registry.matrixinfer.ai/v1alpha1",
            "kind": "Model",
            "metadata": {
                **metadata,
                "name": name,
                "namespace": "default",
                "resourceVersion": str(self.version),
            },
            "spec": {"name": "line ends: \u0085 \u2028 \r", "backends": []},
        }
        self.state["default", name] = obj
        self.happened.append(Happened(self.version, kind, ("default", name), obj))


def bookmark(version: int, *, ends_initial_events: bool = False) -> bytes:
    metadata: dict[str, Any] = {"resourceVersion": str(version), "creationTimestamp": None}
    if ends_initial_events:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    obj = {"kind": "Model", "apiVersion": "v1", "metadata": metadata, "spec": {"backends": None}}
    return json.dumps({"type": "BOOKMARK", "object": obj}).encode() + b"\n"


def failure(code: int, reason: str, **details: Any) -> bytes:
    status = {"kind": "Status", "code": code, "reason": reason, "message": "as the test says"}
    return json.dumps({**status, "details": details}).encode()


def error_event(code: int, reason: str) -> bytes:
    return b'{"type":"ERROR","object":' + failure(code, reason) + b"}\n"


@dataclass
class Wire:
    """The body of one answer: what has been written and not read yet."""

    pending: bytearray = field(default_factory=bytearray)
    position: int | None = None
    """How far a watch has written; None for a list, which ends when it is read."""
    ended: bool = False

    def take(self, size: int) -> bytes:
        chunk = bytes(self.pending[:size])
        del self.pending[:size]
        return chunk

    def catch_up(self, history: History) -> None:
        if self.position is not None and not self.ended:
            for each in history.since(self.position):
                self.pending += each.line
            self.position = max(history.version, self.position)


@dataclass
class Play:
    """Performs a flow against a history; `actions` say what happens meanwhile.

    `lists` is how the server takes streaming lists: "streams", "rejects" or "ignores".
    """

    history: History
    actions: Iterable[Action] = ()
    lists: str = "streams"
    options: Options = field(default_factory=Options)
    policy: WatchPolicy = field(default_factory=WatchPolicy)
    start: str | None = None
    memory: Memory[Model] | None = None
    record: Callable[[Change[Model]], None] | None = None
    refill: Callable[[], Sequence[Action]] = tuple
    """Gives more actions when all were played and the flow is at rest."""

    def __post_init__(self) -> None:
        self.clock = 0.0
        self.changes: list[Change[Model]] = []
        self.emitted: list[Any] = []
        self.requests: list[Request] = []
        self.slept: list[float] = []
        self.open: list[Wire] = []
        self.most_open = 0
        self.error: Exception | None = None
        self.first_version: int | None = None
        self._script = deque(self.actions)
        self._answers: deque[Response | TransportError] = deque()
        target = Target(Model, ModelList, None, self.options)
        memory: Memory[Model] = Remembered() if self.memory is None else self.memory
        self.view = View(target, ListOptions(resource_version=self.start), self.policy, memory)

    def run(self, *, persistent: bool = False) -> None:
        """Play all actions, interruptions included, until the flow rests or raises."""
        while True:
            flow = watch(self.view, persistent=persistent)
            try:
                self._perform(flow)
            except _Interrupted:
                continue
            except _AtRest:
                return
            except Exception as error:  # noqa: BLE001 - the test looks at whatever it is
                self.error = error
                return
            finally:
                flow.close()
                self.open.clear()

    def _perform(self, flow: Flow[None]) -> None:
        reply: object = None
        error: Exception | None = None
        while True:
            step = flow.send(reply) if error is None else flow.throw(error)
            reply, error = None, None
            try:
                reply = self._reply(step)
            except TransportError as failed:
                error = failed

    def _reply(self, step: Step) -> object:
        match step:
            case Open(request):
                self.requests.append(request)
                return self._opened(request)
            case Read(stream):
                return self._read(stream.handle)
            case Close(stream):
                assert isinstance(stream.handle, Wire)
                self.open.remove(stream.handle)
            case Now():
                return self.clock
            case Sleep(seconds):
                self.slept.append(seconds)
                self.clock += seconds
                self._let_time_pass()
            case Emit(value):
                self._note(value)
            case Reauthorize():
                return False
            case _:
                raise AssertionError(f"the flow should not do {step}")
        return None

    def _note(self, value: Any) -> None:
        if not isinstance(value, Change):
            self.emitted.append(value)
            if isinstance(value, Settled) and self.first_version is None:
                self.first_version = int(self.view.resource_version or 0)
        elif self.record is None:
            self.changes.append(value)
        else:
            self.record(value)
        if self._script and self._script[0][0] == "interrupt":
            self._script.popleft()
            raise _Interrupted

    def _let_time_pass(self) -> None:
        """Writers do not wait for a watch that pauses."""
        while self._script and self._script[0][0] in _WRITES:
            self._write(*self._script.popleft())

    def _write(self, kind: str, number: int) -> None:
        getattr(self.history, kind)(*([] if kind == "compact" else [f"m{number % 3}"]))

    # Requests.

    def _opened(self, request: Request) -> Stream:
        query = {key: values[-1] for key, values in parse_qs(request.query).items()}
        self._act_on_request()
        if self._answers:
            answer = self._answers.popleft()
            if isinstance(answer, TransportError):
                raise answer
            return Stream(answer, None)
        refusal, wire = self._answer(query)
        if refusal is not None:
            return Stream(refusal, None)
        assert wire is not None
        self.open.append(wire)
        self.most_open = max(self.most_open, len(self.open))
        return Stream(response(200), wire)

    def _answer(self, query: Mapping[str, str]) -> tuple[Response | None, Wire | None]:
        history = self.history
        if "watch" not in query:
            return None, Wire(bytearray(history.listed()))
        if query.get("sendInitialEvents") == "true":
            if self.lists == "rejects":
                return response(422, failure(422, "Invalid")), None
            wire = Wire(position=history.version)
            for each in history.present():
                wire.pending += each.line
            if self.lists == "streams":
                wire.pending += bookmark(history.version, ends_initial_events=True)
            return None, wire
        version = int(query["resourceVersion"])
        if version < history.compacted:
            # Both are what a real server does.
            if version % 2:
                return response(410, failure(410, "Expired")), None
            return None, Wire(bytearray(error_event(410, "Expired")), ended=True)
        return None, Wire(position=version)

    def _act_on_request(self) -> None:
        while self._script:
            kind, number = self._script[0]
            if kind in _WRITES:
                self._write(kind, number)
            elif kind in _REFUSALS:
                self._answers.append(_REFUSALS[kind](number))
            else:
                return
            self._script.popleft()
            if kind in _REFUSALS:
                return

    # Reads.

    def _read(self, wire: object) -> bytes:
        assert isinstance(wire, Wire)
        while self._script:
            kind, number = self._script.popleft()
            if kind in _WRITES:
                self._write(kind, number)
            elif kind in _REFUSALS:
                # For the next request; what it interrupts is this stream.
                self._answers.append(_REFUSALS[kind](number))
                return self._end(wire)
            elif kind == "deliver":
                wire.catch_up(self.history)
                if wire.pending:
                    return wire.take(len(wire.pending))
            elif (chunk := self._broken(wire, kind, number)) is not None:
                return chunk
        return self._rest(wire)

    def _broken(self, wire: Wire, kind: str, number: int) -> bytes | None:
        """What a read brings when something is wrong with the stream."""
        match kind:
            case "some":
                wire.catch_up(self.history)
                self.clock += 1
                return wire.take(number + 1) or None
            case "close" if wire.position is not None:
                return self._end(wire)
            case "reset":
                raise TransportError("reset")
            case "silence":
                self.clock += 70
                raise TransportTimeout("silence")
            case "interrupt":
                raise _Interrupted
            case _ if wire.position is not None:
                wire.catch_up(self.history)
                wire.pending += self._noise(kind, number)
        return None

    def _noise(self, kind: str, number: int) -> bytes:
        """What is on a stream beside events, or beside the events that should be."""
        match kind:
            case "replay":
                # A server that repeats itself, which a correct one does not.
                return b"".join(each.line for each in self.history.happened[-1 - number :])
            case "bookmark":
                return bookmark(self.history.version)
            case "bookmark back":
                return bookmark(number)
            case "error":
                return error_event(500, "InternalError")
            case "garbage":
                return b"<html>\n"
        return b""

    def _end(self, wire: Wire) -> bytes:
        if wire.position is None:
            # A list that ends too soon is an error of the transport.
            raise TransportError("cut")
        wire.ended = True
        return b""

    def _rest(self, wire: Wire) -> bytes:
        """Everything works: the flow gets all there is, and then rests."""
        wire.catch_up(self.history)
        if wire.pending:
            return wire.take(len(wire.pending))
        if wire.position is None or wire.ended:
            return b""
        if self.view.stale:
            # A server that ignores `sendInitialEvents`: nothing more comes.
            self.clock += 10
            raise TransportTimeout("silence")
        if more := self.refill():
            self._script.extend(more)
            return self._read(wire)
        raise _AtRest


def response(status: int, body: bytes = b"", **headers: str) -> Response:
    return Response(status, {"content-type": "application/json", **headers}, body, _INFO)


class _Interrupted(BaseException):
    """Ctrl-C, or a cancelled task."""


class _AtRest(BaseException):
    """The flow has all there is and waits."""


_WRITES = ("create", "update", "delete", "compact")
_REFUSALS: Mapping[str, Callable[[int], Response | TransportError]] = {
    "refused": lambda _: TransportError("refused", sent=False),
    "unavailable": lambda _: response(503, failure(503, "ServiceUnavailable")),
    "slow down": lambda n: response(
        429, failure(429, "TooManyRequests"), **{"retry-after": str(n % 3)}
    ),
    "gone": lambda _: response(410, failure(410, "Expired")),
    "too new": lambda _: response(
        504, failure(504, "Timeout", causes=[{"reason": "ResourceVersionTooLarge"}])
    ),
}
WRITES = ("create", "update", "delete")
FAULTS = (
    *_REFUSALS,
    *("bookmark", "close", "error", "garbage", "interrupt", "replay", "reset", "silence", "some"),
)
