"""How long things take in a simulation, in one table."""

from __future__ import annotations

from msgspec import Struct

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.testing.amounts import is_number

__all__ = ["DELAYS", "MINUTE", "Delays", "checked_speed"]

MINUTE = 2.0
"""How many seconds a minute of the platform's own waits lasts at speed 1.

These are `restartGracePeriodSeconds` and the back-off of kubelets and schedulers. They are longer
than a test or a reader wants to wait, but keep their proportions.
"""


class Delays(Struct, frozen=True, kw_only=True):
    """Seconds at speed 1, chosen so that a Model becomes Ready after about two of them."""

    notice: float = 0.02
    """Until a controller acts on a change."""
    pass_again: float = 0.1
    """Between the first pass over a Model, which writes `Initialized`, and the next."""
    retry: float = 0.4
    """Until a controller tries again what failed; it doubles up to `retry_limit`."""
    retry_limit: float = 6.0
    schedule: float = 0.15
    """From the creation of a pod to its node."""
    reschedule: float = 10.0
    """Until the scheduler looks again at a pod that did not fit, though nothing changed."""
    admit: float = 0.1
    """From the node to the first status of the kubelet (ContainerCreating)."""
    pull: float = 0.4
    """For an image that the node does not have; no pod shows what is going on meanwhile."""
    create: float = 0.05
    """For a container whose image is there."""
    initialize: float = 0.25
    """For an init container, which loads the model."""
    load: float = 0.5
    """From Running to Ready."""
    crash: float = 0.2
    """From the start of a container to its crash."""
    restart: float = 0.05
    """From a crash to what the kubelet does about it."""
    terminate: float = 0.2
    """From the request to delete a pod to its end."""
    probe: float = 5.0
    """Between two looks at a pod that runs and does not become ready."""
    back_off: float = 10 * MINUTE / 60
    """The kubelet's first back-off, ten seconds; it doubles up to `back_off_limit`."""
    back_off_limit: float = 5 * MINUTE


DELAYS = Delays()


def checked_speed(speed: float) -> float:
    """`speed`, if a simulation can run at it; `float("inf")` can."""
    if not is_number(speed) or speed == 0:
        raise InvalidArgumentError(
            f"speed must be above 0 (1 is the normal speed, 10 is ten times faster), not {speed!r}"
        )
    return speed
