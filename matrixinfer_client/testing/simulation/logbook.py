"""What containers print, and which of it a kubelet hands out."""

from __future__ import annotations

from collections.abc import Iterable

from matrixinfer_client.looks import mapping, text
from matrixinfer_client.testing.simulation.containers import container_row, state_of
from matrixinfer_client.testing.simulation.plainly import Plain

__all__ = ["LogBook"]


class LogBook:
    """Logs by the ids of the containers' runs. May be read from any thread."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def add(self, container_id: str, lines: Iterable[str]) -> None:
        """Have a run print something."""
        self._lines.setdefault(container_id, []).extend(lines)

    def drop(self, pod: Plain) -> None:
        """Forget what a pod printed."""
        status = mapping(pod.get("status"))
        for kind in ("initContainerStatuses", "containerStatuses"):
            for row in status.get(kind, ()):
                for run in (_running(row), _ended(row), _ended_before(row)):
                    self._lines.pop(run, None)

    def read(self, pod: Plain, container: str, *, previous: bool) -> str | None:
        """The log of a container's run, chosen as a kubelet does; None when there is none."""
        row = container_row(pod, container)
        if row is None:
            return None
        states = {"running": _running(row), "terminated": _ended(row)}
        current = states.get(state_of(row)) or _ended_before(row)
        run = _ended_before(row) if previous else current
        return "".join(f"{line}\n" for line in list(self._lines.get(run, ()))) if run else None


def _running(row: Plain) -> str:
    return text(row.get("containerID"))


def _ended(row: Plain) -> str:
    return text(mapping(mapping(row.get("state")).get("terminated")).get("containerID"))


def _ended_before(row: Plain) -> str:
    return text(mapping(mapping(row.get("lastState")).get("terminated")).get("containerID"))
