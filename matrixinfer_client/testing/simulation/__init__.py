"""Stand-ins for the platform's controllers, written on the client's own informers and verbs.

`Simulation` runs them against any API server: the fake one of `matrixinfer_client.testing`, or a
real one on which no controllers run.
"""

from __future__ import annotations

from matrixinfer_client.testing.simulation.failures import Failure, FailureMode
from matrixinfer_client.testing.simulation.nodes import Node
from matrixinfer_client.testing.simulation.simulation import Simulation

__all__ = ["Failure", "FailureMode", "Node", "Simulation"]
