"""`Simulation`: the platform's controllers, a scheduler and kubelets, without any of them."""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

from matrixinfer_client.errors import (
    AlreadyExistsError,
    ApiError,
    ConflictError,
    ForbiddenError,
    InvalidArgumentError,
    MatrixInferError,
    NotFoundError,
    UnauthorizedError,
)
from matrixinfer_client.names import ALL_NAMESPACES
from matrixinfer_client.testing.amounts import is_number
from matrixinfer_client.testing.simulation.cluster import Cluster
from matrixinfer_client.testing.simulation.controller import (
    Controller,
    Surroundings,
    TryAgainError,
)
from matrixinfer_client.testing.simulation.failures import Failure, FailureMode, Failures
from matrixinfer_client.testing.simulation.infer_controller import InferController
from matrixinfer_client.testing.simulation.logbook import LogBook
from matrixinfer_client.testing.simulation.model_controller import ModelController
from matrixinfer_client.testing.simulation.node_agent import NodeAgent
from matrixinfer_client.testing.simulation.nodes import GPU, Node, checked_nodes
from matrixinfer_client.testing.simulation.timing import DELAYS, checked_speed
from matrixinfer_client.testing.simulation.worker import Worker

if TYPE_CHECKING:
    from types import TracebackType

    from matrixinfer_client.client import Client
    from matrixinfer_client.names import NamespaceArg
    from matrixinfer_client.testing.simulation.agenda import Work
    from matrixinfer_client.testing.simulation.holdings import Holdings
    from matrixinfer_client.testing.simulation.plainly import Key

__all__ = ["Simulation"]

_KEPT_ERRORS = 100
# So often in a row it is only somebody else who is faster.
_RACES = 5

_log = logging.getLogger("matrixinfer_client.simulation")


class Simulation:
    """Stand-ins for the platform's controllers, and for the nodes that its pods run on.

    They follow an API server by informers and write what the real ones write: the children of a
    Model, pods with their events, and statuses in the real order with the real texts. Nothing runs
    in the pods. A context manager that starts and stops them.

    ```python
    with Simulation(client, speed=10) as simulation:
        client.registry_v1alpha1.models().wait_for("demo", "Ready", timeout=10)
        simulation.fail("demo", "crash_loop", log="CUDA out of memory")
    ```

    Owner references are set, but collecting what has lost its owner is the server's business.

    Args:
        client: Whose server, with the rights to do all this. It stays open.
        namespace: Where. Default: everywhere.
        speed: How much faster than normal, which is two seconds for a Model to become Ready.
            `float("inf")` waits for nothing. Default: 1.
        seed: Makes names, order and times the same in every run. Default: by chance.
        nodes: The nodes that pods are placed on. Default: one on which everything fits.
        failures: What goes wrong from the start; see `fail`.
        scheduler_defect: Have the template of vLLM backends name no scheduler, as that of the
            platform does: its own webhook denies the ModelInfer, and the Model ends in `Failed`.
            Default: False.
        stepped: Do nothing until `step`, `settle` or `advance` is called, and wait for no time to
            pass then; with a `seed` everything happens in the same order. Default: False.
        on_error: Gets what controllers cannot handle. Default: it is logged.
    """

    def __init__(
        self,
        client: Client,
        *,
        namespace: NamespaceArg = ALL_NAMESPACES,
        speed: float = 1.0,
        seed: int | None = None,
        nodes: Sequence[Node] | None = None,
        failures: Iterable[Failure] = (),
        scheduler_defect: bool = False,
        stepped: bool = False,
        on_error: Callable[[Exception], object] | None = None,
    ) -> None:
        chosen = checked_nodes(nodes)
        chance = random.Random(seed)  # noqa: S311 - nothing is kept secret with it
        self._on_error = on_error or _log_error
        self._errors: deque[Exception] = deque(maxlen=_KEPT_ERRORS)
        self._failures = Failures(failures)
        self._logs = LogBook()
        self._cluster = Cluster(client, namespace)
        self._worker = Worker(
            self._perform,
            is_synced=self._cluster.is_synced,
            is_in_step=self._is_in_step,
            speed=checked_speed(speed),
            stepped=stepped,
        )
        self._models = ModelController(
            self._surroundings("model"), scheduler_defect=scheduler_defect
        )
        self._agent = NodeAgent(self._surroundings("pod"), chosen, chance, self._logs)
        self._controllers: dict[str, Controller] = {
            "model": self._models,
            "infer": InferController(self._surroundings("infer")),
            "pod": self._agent,
        }
        self._attempts: dict[Work, int] = {}
        # Told once, however often it happens in a row.
        self._told: dict[Work, str] = {}
        self._started = self._stopped = False

    @property
    def errors(self) -> Sequence[Exception]:
        """The last hundred errors that controllers could not handle, the oldest first."""
        return tuple(self._errors)

    # Its life.

    def start(self) -> None:
        """Begin; returns at once. A simulation starts only once."""
        if self._started:
            raise MatrixInferError("a simulation starts only once; make another one")
        self._started = True
        self._cluster.start(self._heard, self._on_informer_error)
        self._worker.start()

    def stop(self) -> None:
        """End, and leave everything as it is. Calling it twice does nothing."""
        if not self._stopped:
            self._stopped = True
            self._worker.stop()
            self._cluster.stop()

    def __repr__(self) -> str:
        state = "stopped" if self._stopped else "running" if self._started else "not started"
        return f"<Simulation, {state}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # Its time.

    def settle(self, timeout: float = 30.0) -> None:
        """Return when there is nothing left to do.

        What only tries again what has failed, such as the next restart of a crashing container, is
        not waited for.

        Args:
            timeout: Seconds. Default: 30.

        Raises:
            TimeoutError: There was still something to do; says what.
        """
        self._check_running()
        self._worker.settle(timeout)

    def step(self, timeout: float = 30.0) -> tuple[str, str, str] | None:
        """Do what is due next, whenever that is; only for a simulation that is `stepped`.

        Returns:
            What was looked at: `model`, `infer` or `pod`, with its namespace and name. None when
            there was nothing to do.

        Raises:
            TimeoutError: What happened before was not heard of in time.
        """
        self._check_stepped()
        return self._worker.step(timeout)

    def advance(self, seconds: float, timeout: float = 30.0) -> None:
        """Let time pass and do all that is due meanwhile; only for one that is `stepped`.

        Args:
            seconds: How much time, at normal speed.
            timeout: Seconds that this may really take. Default: 30.
        """
        self._check_stepped()
        if not is_number(seconds):
            raise InvalidArgumentError(f"seconds must be 0 or more, not {seconds!r}")
        self._worker.advance(seconds, timeout)

    # Its failures.

    def fail(
        self,
        target: str,
        mode: FailureMode,
        *,
        namespace: str | None = None,
        container: str | None = None,
        message: str | None = None,
        exit_code: int = 1,
        log: str | Iterable[str] = (),
        resource: str = GPU,
        factor: float = 10.0,
        times: int | None = None,
    ) -> Failure:
        """Let something go wrong from now on.

        `Failure` says what the modes are and which of the options each of them has.

        Args:
            target: The name of a Model, a ModelInfer, an infer group or a pod, or a label selector.
            mode: What goes wrong, such as `image_pull`.
            namespace: Where. Default: everywhere.
            container: Which container of a pod. Default: the first one.
            message: What is said about it. Default: what is said most often.
            exit_code: That of a crash. Default: 1.
            log: What is printed before a crash. Default: a few lines.
            resource: What nodes are short of. Default: `nvidia.com/gpu`.
            factor: How much slower. Default: 10.
            times: How often it happens. Default: without an end; once for `transient_failed`.

        Raises:
            InvalidArgumentError: No such mode, or a target that can be nothing.
        """
        failure = Failure(
            target,
            mode,
            namespace=namespace,
            container=container,
            message=message,
            exit_code=exit_code,
            log=log,
            resource=resource,
            factor=factor,
            times=times,
        )
        self._failures.add(failure)
        self._worker.post(lambda: self._reconsider([failure]))
        return failure

    def heal(self, target: str | None = None, mode: FailureMode | None = None) -> None:
        """End failures: those with a target, with a mode, with both, or all.

        Pods that wait for their next attempt make it at once.
        """
        ended = self._failures.remove(target, mode)
        self._worker.post(lambda: self._reconsider(ended))

    def logs(self, namespace: str, pod: str, container: str, previous: bool) -> str | None:
        """What a container has printed, or the run before it; None when there is nothing.

        A server without kubelets has nowhere to keep this. One that wants to serve it asks here.
        """
        found = self._cluster.pods.get((namespace, pod))
        return None if found is None else self._logs.read(found, container, previous=previous)

    # What holds it together.

    def _surroundings(self, controller: str) -> Surroundings:
        timer = _Timer(self._worker, controller)
        return Surroundings(self._cluster, self._failures, timer)

    def _heard(self, holdings: Holdings, obj: Any, deleted: bool) -> None:
        self._worker.post(lambda: holdings.hear(obj, deleted=deleted))

    def _reconsider(self, failures: Sequence[Failure]) -> None:
        self._models.reconsider(failures)
        self._agent.reconsider(failures)

    def _perform(self, work: Work) -> None:
        controller, *key = work
        try:
            self._controllers[controller].reconcile((key[0], key[1]))
        except Exception as error:  # noqa: BLE001 - a defect must be told, and not end it all
            self._again(work, error)
        else:
            self._attempts.pop(work, None)
            self._told.pop(work, None)

    def _again(self, work: Work, error: Exception) -> None:
        """Have work repeated that failed, each time after a longer pause."""
        count = self._attempts.get(work, 0)
        self._attempts[work] = count + 1
        is_race = isinstance(error, ConflictError | AlreadyExistsError | NotFoundError)
        delay = min(DELAYS.retry * 2.0 ** min(count, 32), DELAYS.retry_limit)
        if is_race and count < _RACES:
            delay, background = DELAYS.notice, False
        elif isinstance(error, TryAgainError):
            background = error.background
        else:
            background = True
            if self._told.get(work) != str(error):
                self._told[work] = str(error)
                self._report(error)
        due = self._worker.due(delay, background=background)
        self._worker.schedule(work, due, background=background)

    def _is_in_step(self) -> bool:
        try:
            return self._cluster.is_in_step()
        except MatrixInferError as error:
            self._report(error)
            return False

    def _on_informer_error(self, error: Exception) -> None:
        # The others mend themselves.
        if isinstance(error, ForbiddenError | NotFoundError | UnauthorizedError) or not isinstance(
            error, MatrixInferError
        ):
            self._report(error)

    def _report(self, error: Exception) -> None:
        if self._stopped:
            return
        self._errors.append(error)
        try:
            self._on_error(error)
        except Exception:  # noqa: BLE001 - nobody is left to tell but the log
            _log.exception("the simulation's on_error failed")

    def _check_running(self) -> None:
        if self._stopped:
            raise MatrixInferError("the simulation was stopped; make another one")
        if not self._started:
            raise MatrixInferError(
                "the simulation does not run; use it as a context manager, or call start()"
            )

    def _check_stepped(self) -> None:
        self._check_running()
        if not self._worker.is_stepped:
            raise MatrixInferError(
                "this simulation runs by itself; one made with stepped=True can be stepped"
            )


class _Timer(Struct, frozen=True):
    """The worker's time for one controller."""

    worker: Worker
    controller: str

    def now(self) -> float:
        return self.worker.now

    def due(self, delay: float, *, background: bool = False) -> float:
        return self.worker.due(delay, background=background)

    def at(self, key: Key, due: float, *, background: bool = False) -> None:
        self.worker.schedule((self.controller, *key), due, background=background)

    def after(self, key: Key, delay: float, *, background: bool = False) -> None:
        self.at(key, self.due(delay, background=background), background=background)


def _log_error(error: Exception) -> None:
    trace = None if isinstance(error, ApiError) else error
    _log.warning("%s: %s", type(error).__name__, error, exc_info=trace)
