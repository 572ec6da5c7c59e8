"""How a FakeCluster gets its simulated controllers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.testing.exchange import Caller

if TYPE_CHECKING:
    from matrixinfer_client.client import Client
    from matrixinfer_client.testing.apiserver.state import State
    from matrixinfer_client.testing.simulation import Simulation

__all__ = ["CONTROLLERS", "Simulate", "started"]

Simulate: TypeAlias = "bool | Mapping[str, Any] | Callable[[Client], Simulation]"
"""Whether controllers are simulated, and how: options of `Simulation`, or what makes one."""

CONTROLLERS: Final = Caller(
    "system:serviceaccount:matrixinfer-system:simulation",
    ("system:masters", "system:authenticated"),
)
"""Whom the simulated controllers act for."""


def started(simulate: Simulate, client: Client, seed: int, state: State) -> Simulation:
    """Make what is asked for, let the server know of its nodes and logs, and start it."""
    simulation = _made(simulate, client, seed)
    state.logs = simulation.logs
    state.has_nodes = True
    simulation.start()
    return simulation


def _made(simulate: Simulate, client: Client, seed: int) -> Simulation:
    from matrixinfer_client.testing.simulation import Simulation  # noqa: PLC0415

    if callable(simulate):
        made = cast("object", simulate(client))
        if not isinstance(made, Simulation):
            raise InvalidArgumentError(
                f"the function given as simulate= must return a Simulation, not {made!r}"
            )
        return made
    if isinstance(simulate, Mapping):
        options: dict[str, Any] = {"seed": seed, **simulate}
        known = Simulation.__init__.__kwdefaults__ or {}
        for option in options.keys() - known.keys():
            raise InvalidArgumentError(
                f"a simulation has no option {option!r}; there are {', '.join(sorted(known))}"
            )
        return Simulation(client, **options)
    if simulate is not True:
        raise InvalidArgumentError(
            "simulate must be True, options of Simulation such as {'speed': 10}, or a function "
            f"that makes one from a client, not {simulate!r}"
        )
    return Simulation(client, seed=seed)
