"""An API server and a clock for wait flows: nothing is sent, and an hour passes in no time.

What happens is scheduled by the second. A read with nothing to read moves the clock to whatever
comes next: something that happens, or the alarm.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs

from matrixinfer_client.api.registry_v1alpha1 import Model, ModelList
from matrixinfer_client.api.workload_v1alpha1 import ModelInfer, ModelInferList
from matrixinfer_client.awaited import WaitUpdate
from matrixinfer_client.errors import RequestInfo, TransportError
from matrixinfer_client.flows import (
    Alarm,
    Close,
    Flow,
    Invoke,
    Now,
    Open,
    Read,
    Request,
    Response,
    Retries,
    Send,
    Sleep,
    Step,
    Stream,
    TimeIsUp,
)
from matrixinfer_client.targets import Options, Target
from matrixinfer_client.waiting import wait
from matrixinfer_client.wishes import WaitOptions, wish_for, wish_for_rollout

T = TypeVar("T")
Plain = dict[str, Any]
EXPIRED = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
INFO = RequestInfo("GET", "https://cluster.test/apis")
MODELS: Target[Model, ModelList] = Target(Model, ModelList, None, Options(retries=Retries(2)))
INFERS: Target[ModelInfer, ModelInferList] = Target(ModelInfer, ModelInferList, None, Options())


class HangsError(AssertionError):
    """The flow waits for something that will never happen."""


@dataclass(eq=False)
class Wire:
    """One open answer."""

    plural: str
    selector: Mapping[str, str]
    pending: list[bytes]
    watches: bool
    ended: bool = False
    broken: bool = False


@dataclass
class World:
    """Objects, what will happen to them, and the time."""

    clock: float = 1000.0
    version: int = 100
    objects: dict[tuple[str, str], Plain] = field(default_factory=dict)
    plan: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    streams: list[Wire] = field(default_factory=list)
    answers: dict[str, Callable[[], Response]] = field(default_factory=dict)
    """What is answered to plain requests instead, by the last part of the path."""
    hangs: bool = False
    """Whether the server takes requests and does not answer any more."""
    refuses: bool = False
    refusal: Response | None = None
    """What every new stream is answered with, if anything."""
    most_open: int = 0
    compacted: int = 0
    history: list[tuple[int, str, Plain, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.began = self.clock
        self._alarm: float | None = None

    def at(self, second: float, action: Callable[..., object], *args: Any, **options: Any) -> None:
        """Schedule something, in seconds from the beginning."""
        self.plan.append((self.began + second, lambda: action(*args, **options)))
        self.plan.sort(key=lambda entry: entry[0])

    @property
    def elapsed(self) -> float:
        return self.clock - self.began

    # What happens to objects.

    def put(self, plural: str, name: str, **changes: Any) -> Plain:
        """Create an object or replace parts of it; a new spec is a new generation."""
        self.version += 1
        old = self.objects.get((plural, name))
        metadata: Plain = (
            dict(old["metadata"])
            if old
            else {
                "name": name,
                "namespace": "default",
                "uid": f"uid-{self.version}",
                "generation": 0,
            }
        )
        if old is None or "spec" in changes:
            metadata["generation"] += 1
        metadata |= changes.pop("metadata", {})
        metadata["resourceVersion"] = str(self.version)
        obj = {**(old or {}), **changes, "metadata": metadata}
        self.objects[plural, name] = obj
        self._tell("MODIFIED" if old else "ADDED", plural, obj)
        return obj

    def drop(self, plural: str, name: str) -> None:
        self.version += 1
        obj = self.objects.pop((plural, name))
        metadata = {**obj["metadata"], "resourceVersion": str(self.version)}
        self._tell("DELETED", plural, {**obj, "metadata": metadata})

    def _tell(self, kind: str, plural: str, obj: Plain) -> None:
        line = json.dumps({"type": kind, "object": obj}).encode() + b"\n"
        self.history.append((self.version, plural, obj, line))
        for wire in self.streams:
            follows = wire.watches and not wire.ended and wire.plural == plural
            if follows and _selected(obj, wire.selector):
                wire.pending.append(line)

    def forget(self) -> None:
        """Lose the history: watches from older versions have expired."""
        self.compacted = self.version

    def end_streams(self) -> None:
        for wire in self.streams:
            wire.ended = True

    def break_streams(self) -> None:
        for wire in self.streams:
            wire.ended = wire.broken = True

    # What flows do.

    def perform(self, flow: Flow[T]) -> T:
        """Perform a flow to its end."""
        reply: Any = None
        error: Exception | None = None
        try:
            while True:
                step = flow.send(reply) if error is None else flow.throw(error)
                reply = error = None
                try:
                    reply = self._step(step)
                except (TimeIsUp, TransportError) as failure:
                    error = failure
        except StopIteration as end:
            result: T = end.value
            return result

    def _step(self, step: Step) -> Any:
        if isinstance(step, Alarm):
            self._alarm = None if step.seconds is None else self.clock + step.seconds
            return None
        if self._alarm is not None and self._alarm < self.clock:
            raise TimeIsUp
        match step:
            case Now():
                return self.clock
            case Sleep(seconds):
                self._pass(self.clock + seconds)
            case Open(request):
                return self._open(request)
            case Read(stream):
                return self._read(stream.handle)
            case Close(stream):
                self.streams.remove(stream.handle)  # type: ignore[arg-type]
            case Send(request):
                return self._send(request)
            case Invoke(function, argument):
                return function(argument)
            case _:
                raise AssertionError(f"a wait has no use for {step}")
        return None

    def _pass(self, until: float | None) -> None:
        """Let time pass until the next thing happens, `until`, or the alarm."""
        times = [self.plan[0][0] if self.plan else None, until, self._alarm]
        known = [time for time in times if time is not None]
        if not known:
            raise HangsError("nothing will ever happen, and no alarm is set")
        target = min(known)
        self.clock = max(self.clock, target)
        if self._alarm is not None and self._alarm <= target:
            # It goes on ringing, as in the drivers, until it is set anew.
            self._alarm = 0.0
            raise TimeIsUp
        if self.plan and self.plan[0][0] <= target:
            self.plan.pop(0)[1]()
        if until is not None and self.clock < until:
            self._pass(until)

    def _open(self, request: Request) -> Stream:
        self.requests.append(request)
        self._reach()
        if self.refusal is not None:
            return Stream(self.refusal, None)
        query = {key: values[0] for key, values in parse_qs(request.query).items()}
        plural = request.path.rsplit("/", 1)[1]
        selector = dict(
            part.split("=", 1) for part in query.get("fieldSelector", "").split(",") if part
        )
        watches = query.get("watch") == "true"
        body = b"" if watches else self._listed(plural, selector)
        wire = Wire(plural, selector, [body] if body else [], watches, ended=not watches)
        if watches:
            since = int(query["resourceVersion"])
            if since < self.compacted:
                return Stream(answer(410, EXPIRED), None)
            wire.pending = [
                line
                for version, kind, obj, line in self.history
                if version > since and kind == plural and _selected(obj, selector)
            ]
        self.streams.append(wire)
        self.most_open = max(self.most_open, len(self.streams))
        return Stream(Response(200, {}, b"", INFO), wire)

    def _reach(self) -> None:
        if self.refuses:
            raise TransportError("cannot reach the server", sent=False)
        if self.hangs:
            self._pass(self.clock + 10_000)

    def _listed(self, plural: str, selector: Mapping[str, str], labels: str = "") -> bytes:
        wanted = dict(part.split("=", 1) for part in labels.split(",") if part)
        items = [
            obj
            for (kind, _), obj in self.objects.items()
            if kind == plural
            and _selected(obj, selector)
            and wanted.items() <= obj["metadata"].get("labels", {}).items()
        ]
        metadata = {"resourceVersion": str(self.version)}
        return json.dumps({"metadata": metadata, "items": items}).encode()

    def _read(self, handle: Any) -> bytes:
        wire: Wire = handle
        while not wire.pending and not wire.ended:
            if self.hangs:
                self._pass(None)
                continue
            self._pass(None)
        if wire.pending:
            return wire.pending.pop(0)
        if wire.broken:
            raise TransportError("the connection was lost")
        return b""

    def _send(self, request: Request) -> Response:
        self.requests.append(request)
        self._reach()
        last = request.path.rsplit("/", 1)[1]
        if last in self.answers:
            return self.answers[last]()
        parts = request.path.split("/")
        if (parts[-2], parts[-1]) in self.objects:
            return answer(200, self.objects[parts[-2], parts[-1]])
        if parts[-2] != parts[4] and len(parts) > 7 and parts[-2] in ("models", "modelinfers"):
            return answer(404, {"kind": "Status", "reason": "NotFound", "code": 404})
        labels = parse_qs(request.query).get("labelSelector", [""])[0]
        body = self._listed(last, {}, labels)
        return Response(200, {"content-type": "application/json"}, body, INFO)


def answer(status: int, body: Any) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps(body).encode(), INFO)


def _selected(obj: Plain, selector: Mapping[str, str]) -> bool:
    name: str = obj["metadata"]["name"]
    return selector.get("metadata.name", name) == name


def condition(kind: str, status: str, reason: str = "", message: str = "") -> Plain:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def status(generation: int, *rows: Plain, **counters: int) -> Plain:
    return {"observedGeneration": generation, "conditions": list(rows), **counters}


PROCESSING = condition("Active", "False", "ModelProcessing", "Model not ready yet")
ACTIVE = condition("Active", "True", "ModelAvailable", "Model is ready")
INITIALIZED = condition("Initialized", "True", "ModelCreating", "Model initialized")


def failed(message: str) -> Plain:
    return condition("Failed", "True", "ModelAbnormal", message)


def model_spec(*backends: str, replicas: int = 1) -> Plain:
    return {
        "backends": [
            {"name": name, "type": "vLLM", "minReplicas": replicas} for name in backends or ("b1",)
        ]
    }


def infer_spec(replicas: int = 1, **more: Any) -> Plain:
    return {"replicas": replicas, "template": {"roles": [{"name": "leader"}]}, **more}


def wait_in(
    world: World,
    target: Target[Any, Any],
    names: str | list[str],
    wanted: Any,
    on_update: Callable[[WaitUpdate[Any]], object] | None = None,
    **given: Any,
) -> Any:
    """Wait in a world; for one name the result is the object."""
    options = WaitOptions(**{"timeout": 600.0, "grace": 30.0, "diagnose": False, **given})
    listed = [names] if isinstance(names, str) else names
    if wanted == "rollout":
        wish = wish_for_rollout(target, listed[0], options, on_update)
    else:
        wish = wish_for(target, listed, wanted, options, on_update)
    found = world.perform(wait(target, wish))
    return found[names] if isinstance(names, str) else found
