"""Failures on demand: what goes wrong, with which objects, and for how long."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias, get_args

import attrs

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.labels import matcher
from matrixinfer_client.testing.amounts import is_number, is_whole

__all__ = ["Failure", "FailureMode", "Failures", "Hit"]

FailureMode: TypeAlias = Literal[
    "crash_loop",
    "image_pull",
    "never_ready",
    "out_of_memory",
    "slow",
    "transient_failed",
    "unschedulable",
    "webhook_denial",
]


def _check_mode(failure: object, attribute: object, value: object) -> None:
    del failure, attribute
    if value not in get_args(FailureMode):
        raise InvalidArgumentError(
            f"mode must be one of {', '.join(get_args(FailureMode))}, not {value!r}"
        )


def _check_target(failure: object, attribute: object, value: Any) -> None:
    del failure, attribute
    if not isinstance(value, str) or not value:
        raise InvalidArgumentError(
            f"target must be a name or a label selector such as 'app=x', not {value!r}"
        )
    if "=" in value or " " in value:
        matcher(value)


def _check_times(failure: object, attribute: object, value: Any) -> None:
    del failure, attribute
    if value is not None and not is_whole(value, 1):
        raise InvalidArgumentError(f"times must be 1 or more, or None, not {value!r}")


def _check_factor(failure: object, attribute: object, value: Any) -> None:
    del failure, attribute
    if not is_number(value):
        raise InvalidArgumentError(f"factor must be a number, 0 or more, not {value!r}")


def _lines(value: str | Iterable[str]) -> Sequence[str]:
    if isinstance(value, str):
        return tuple(value.splitlines())
    return tuple(value)


@attrs.frozen(eq=False)
class Failure:
    """Something that goes wrong.

    - `unschedulable`: no node has enough of `resource` for the pods.
    - `image_pull`: the image of a container cannot be pulled; `message` is the registry's.
    - `crash_loop`: a container ends with `exit_code` soon after it started, again and again, and
      `log` is what it printed.
    - `out_of_memory`: the same, killed by the kernel.
    - `never_ready`: the pods run, but a container never becomes ready.
    - `slow`: the pods take `factor` times as long.
    - `webhook_denial`: the ModelInfers that a Model needs are denied, because the controller's
      template names no scheduler.
    - `transient_failed`: a pass over a Model fails with `message`; the next one does not.
    """

    target: str = attrs.field(validator=_check_target)
    """The name of a Model, a ModelInfer, an infer group or a pod; or a label selector, which is
    compared with the labels of pods (of Models, in the last two modes)."""
    mode: FailureMode = attrs.field(validator=_check_mode)
    """What goes wrong."""
    namespace: str | None = attrs.field(default=None, kw_only=True)
    """Where. Default: everywhere."""
    container: str | None = attrs.field(default=None, kw_only=True)
    """Which container of a pod. Default: the first one."""
    message: str | None = attrs.field(default=None, kw_only=True)
    """What is said about it. Default: what is said most often."""
    exit_code: int = attrs.field(default=1, kw_only=True)
    """That of a crash. Default: 1."""
    log: Sequence[str] = attrs.field(default=(), converter=_lines, kw_only=True)
    """Lines that are printed before a crash, as one text or several. Default: a few."""
    resource: str = attrs.field(default="nvidia.com/gpu", kw_only=True)
    """What nodes are short of. Default: `nvidia.com/gpu`."""
    factor: float = attrs.field(default=10.0, validator=_check_factor, kw_only=True)
    """How much slower. Default: 10."""
    times: int | None = attrs.field(default=None, validator=_check_times, kw_only=True)
    """How often it happens; after that it is over. Default: 1 for `transient_failed`, and without
    an end for the others."""

    @property
    def limit(self) -> int | None:
        """How often it happens; None when there is no end."""
        return 1 if self.times is None and self.mode == "transient_failed" else self.times

    def hits(self, namespace: str, names: Collection[str], labels: Mapping[str, str]) -> bool:
        """Whether an object is meant that has one of these names, or these labels."""
        if self.namespace not in (None, namespace):
            return False
        if "=" in self.target or " " in self.target:
            return matcher(self.target)(labels)
        return self.target in names


class Hit(Protocol):
    """Gives the failure that hits an object, if there is one of these modes."""

    def __call__(self, *modes: FailureMode) -> Failure | None:
        """The first one of these modes."""
        ...


class Failures:
    """The failures that there are now. Safe to use from any thread."""

    def __init__(self, failures: Iterable[Failure]) -> None:
        self._lock = threading.Lock()
        self._left: dict[Failure, int | None] = {failure: failure.limit for failure in failures}

    def add(self, failure: Failure) -> None:
        """Let something go wrong."""
        with self._lock:
            self._left[failure] = failure.limit

    def remove(self, target: str | None, mode: FailureMode | None) -> Sequence[Failure]:
        """End the failures with a target, a mode, or both; the result are those that ended."""
        with self._lock:
            ended = [
                failure
                for failure in self._left
                if target in (None, failure.target) and mode in (None, failure.mode)
            ]
            for failure in ended:
                del self._left[failure]
        return ended

    def find(
        self,
        namespace: str,
        names: Collection[str],
        labels: Mapping[str, str],
        *modes: FailureMode,
    ) -> Failure | None:
        """The first failure of these modes that hits an object."""
        with self._lock:
            present = [failure for failure in self._left if failure.mode in modes]
        return next((each for each in present if each.hits(namespace, names, labels)), None)

    def count(self, failure: Failure) -> None:
        """Note that a failure has happened once more."""
        with self._lock:
            left = self._left.get(failure)
            if left is not None:
                if left <= 1:
                    del self._left[failure]
                else:
                    self._left[failure] = left - 1
