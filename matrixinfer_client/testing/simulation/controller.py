"""What all controllers of a simulation share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from matrixinfer_client.testing.simulation.plainly import Key

if TYPE_CHECKING:
    from matrixinfer_client.testing.simulation.cluster import Cluster
    from matrixinfer_client.testing.simulation.failures import Failures

__all__ = ["Controller", "Surroundings", "Timer", "TryAgainError"]


class Timer(Protocol):
    """When a controller looks at an object again. Delays are in seconds at speed 1."""

    def now(self) -> float:
        """The time of the work that is under way."""
        ...

    def due(self, delay: float, *, background: bool = False) -> float:
        """The time after a delay, at the speed of the simulation."""
        ...

    def at(self, key: Key, due: float, *, background: bool = False) -> None:
        """Look at an object at a time, and earlier if that has been asked for."""
        ...

    def after(self, key: Key, delay: float, *, background: bool = False) -> None:
        """Look at an object after a delay, and earlier if that has been asked for.

        `background` says that nobody has to wait for that: it only repeats what failed before.
        """
        ...


class TryAgainError(Exception):
    """The object could not be brought to its state; the controller looks at it again later.

    Without `background` the next attempt is likely to succeed.
    """

    def __init__(self, text: str = "", *, background: bool = True) -> None:
        super().__init__(text)
        self.background = background


class Surroundings(Struct, frozen=True):
    """What a controller works with."""

    cluster: Cluster
    failures: Failures
    timer: Timer


class Controller(Protocol):
    """Brings objects of one kind to the state that they ask for."""

    def reconcile(self, key: Key) -> None:
        """Look at an object and do what is to be done now.

        Called again when the object or what belongs to it changes, and when it asked for it.

        Raises:
            TryAgainError: It has to be repeated; so has whatever the API server refuses.
        """
        ...
