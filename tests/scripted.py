"""Plays a flow against a script of answers, so that its rules are seen without any I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from matrixinfer_client.errors import RequestInfo, TransportError
from matrixinfer_client.flows import (
    Emit,
    Flow,
    Invoke,
    Open,
    Read,
    Reauthorize,
    Request,
    Response,
    Send,
    Sleep,
    Step,
    Stream,
)

Answer: TypeAlias = Response | TransportError | bytes


def answer(status: int = 200, body: bytes = b"{}", **headers: str) -> Response:
    """Return an answer; header names are given with underscores."""
    named: Mapping[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}
    named = {"content-type": "application/json", **named}
    return Response(status, named, body, RequestInfo("GET", "https://cluster.test/apis"))


@dataclass
class Played:
    """What a flow did: every step in order, and how it ended."""

    steps: list[Step] = field(default_factory=list)
    result: Any = None
    error: BaseException | None = None

    @property
    def sent(self) -> list[Request]:
        return [step.request for step in self.steps if isinstance(step, Send | Open)]

    @property
    def slept(self) -> list[float]:
        return [step.seconds for step in self.steps if isinstance(step, Sleep)]

    @property
    def emitted(self) -> list[Any]:
        return [step.value for step in self.steps if isinstance(step, Emit)]


def play(flow: Flow[Any], answers: Iterable[Answer], *, renewals: Iterable[bool] = ()) -> Played:
    """Run the flow: each request and read takes the next answer, each renewal the next flag.

    A flow that asks for more than the script has fails the test.
    """
    played, script, flags = Played(), iter(answers), iter(renewals)
    reply: object = None
    failure: TransportError | None = None
    try:
        while True:
            step = flow.send(reply) if failure is None else flow.throw(failure)
            played.steps.append(step)
            reply, failure = None, None
            match step:
                case Send() | Open() | Read():
                    reply, failure = _next(step, script)
                case Reauthorize():
                    reply = next(flags, None)
                    assert reply is not None, "the flow renews the credential once too often"
                case Invoke(function, argument):
                    reply = function(argument)
                case Sleep() | Emit():
                    pass
    except StopIteration as end:
        played.result = end.value
    except AssertionError:
        raise
    except Exception as error:  # noqa: BLE001 - the test looks at whatever it is
        played.error = error
    return played


def _next(step: Send | Open | Read, script: Any) -> tuple[object, TransportError | None]:
    given = next(script, None)
    assert given is not None, f"the script has no answer left for {step}"
    if isinstance(given, TransportError):
        return None, given
    if isinstance(step, Open):
        return Stream(given, "handle"), None
    return given, None
