"""Fixtures of the simulation's tests: every test on the fake and on the real API server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from matrixinfer_client.testing.simulation import Simulation
from tests.behaviour.backends import Backend
from tests.behaviour.conftest import backend, namespace
from tests.simulation.stage import Stage

__all__ = ["backend", "namespace", "stage"]


@pytest.fixture
def stage(backend: Backend, namespace: str) -> Iterator[Stage]:
    """Open a namespace with nothing in it, in which simulations are started and looked at."""
    running: list[Simulation] = []
    with backend.client(namespace=namespace) as client:

        def start(**options: Any) -> Simulation:
            given = {"namespace": namespace, "seed": 1, "stepped": True, **options}
            running.append(Simulation(client, **given))
            running[-1].start()
            return running[-1]

        stage = Stage(client, namespace, start)
        yield stage
        for simulation in running:
            simulation.stop()
    errors = [error for simulation in running for error in simulation.errors]
    assert len(errors) == stage.expected_errors, errors
