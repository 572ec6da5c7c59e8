"""Waiting and diagnosing, in both modes: what `Resource` and `AsyncResource` inherit.

What only waits need is imported by the first of them, so that other programs do not pay for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from matrixinfer_client.models import ApiList, ApiObject

if TYPE_CHECKING:
    from matrixinfer_client.awaited import WaitUpdate, Wish
    from matrixinfer_client.conditions import ConditionArg, Deleted
    from matrixinfer_client.diagnosis import Diagnosis
    from matrixinfer_client.drivers import AsyncDriver, Driver
    from matrixinfer_client.flows import TimeoutArg
    from matrixinfer_client.progress import ProgressArg
    from matrixinfer_client.targets import Target

__all__ = ["AsyncWaits", "Waits"]

T = TypeVar("T", bound=ApiObject)
L = TypeVar("L", bound=ApiList[Any])


class Waits(Generic[T, L]):
    """The waits of a blocking resource.

    Options that they have, all optional:

    - `timeout`: seconds until `WaitTimeout`, by a clock that only goes forward; 0 looks once,
      `NO_TIMEOUT` waits for ever. Default: 600.
    - `grace`: seconds that a failure which the controller reports may last; 0 fails fast, None
      waits on. A `Failed` beside `Active=True` is of the past and never fails a wait. Default: 30.
    - `on_update`: called with a `WaitUpdate` at the first look and at each change; what it raises
      ends the wait. For an asynchronous resource it may be an `async` function.
    - `progress`: show the wait: in a notebook as a table, in a terminal as one line that is
      written over, elsewhere as one line per change, on standard error. None, the default, shows
      it in notebooks only; True always; False never.
    - `diagnose`: when the wait ends without success, spend up to five more seconds (one when the
      server does not answer) to find out why; the result is the error's `diagnosis` and ends its
      message. Default: True.
    """

    _driver: Driver
    _target: Target[T, L]

    # Overlapping on purpose: of all strings, only these two may find nothing to return.
    @overload
    def wait_for(  # type: ignore[overload-overlap]
        self,
        name: str,
        condition: Deleted,
        *,
        timeout: TimeoutArg = None,
        grace: float | None = 30.0,
        stable: float = 0.0,
        uid: str | None = None,
        any_generation: bool = False,
        on_update: Callable[[WaitUpdate[T]], object] | None = None,
        progress: ProgressArg = None,
        diagnose: bool = True,
    ) -> T | None: ...
    @overload
    def wait_for(
        self,
        name: str,
        condition: ConditionArg[T],
        *,
        timeout: TimeoutArg = None,
        grace: float | None = 30.0,
        stable: float = 0.0,
        uid: str | None = None,
        any_generation: bool = False,
        on_update: Callable[[WaitUpdate[T]], object] | None = None,
        progress: ProgressArg = None,
        diagnose: bool = True,
    ) -> T: ...
    def wait_for(
        self,
        name: str,
        condition: ConditionArg[T],
        *,
        timeout: TimeoutArg = None,
        grace: float | None = 30.0,
        stable: float = 0.0,
        uid: str | None = None,
        any_generation: bool = False,
        on_update: Callable[[WaitUpdate[T]], object] | None = None,
        progress: ProgressArg = None,
        diagnose: bool = True,
    ) -> T | None:
        """Wait until an object is as it should be; return it as it then is.

        ```python
        model = models.wait_for("demo", "Ready", timeout=900)
        ```

        The object is listed and then watched, through lost connections and lost history; it never
        succeeds because a stream ended. The status must be about the newest spec
        (`status.observedGeneration` at least `metadata.generation`).

        Args:
            name: The object's name.
            condition: One of
                `"Ready"`, `"Active"`, `"Available"`, `"Progressing"`, `"Degraded"`, ... (mapped to
                what the controllers really write), also `"Ready=False"`;
                `"exists"`; `"deleted"` (gone, or replaced by another object of that name);
                kubectl's `"condition=Ready"`, `"jsonpath={.status.replicas}=3"`, `"create"`,
                `"delete"`;
                a plain function of the object; or `all_of(...)` and `any_of(...)` of these.
            timeout: Seconds until `WaitTimeout`. Default: 600.
            grace: Seconds that a reported failure may last. Default: 30.
            stable: Seconds for which the condition must hold without interruption; a Model's
                `Active` goes False for a moment whenever a child changes. Default: 0.
            uid: The object that is meant, if it was read before; another one of that name is not.
            any_generation: Also believe a status about an older spec. Default: False.
            on_update: Called at each change.
            progress: Show the wait. Default: in notebooks only.
            diagnose: Look for the reason when it ends without success. Default: True.

        Returns:
            The object; for `"deleted"` its last state, None if it was gone at the first look.

        Raises:
            WaitTimeout: It did not come true in time.
            ConditionFailed: It cannot come true: a failure has lasted for `grace`, the object was
                deleted or created anew, or has no replicas that could become ready.
            NotFoundError: There is no such object. To wait for one that is still to be created
                use `"exists"` or `all_of("exists", ...)`.
            InvalidArgumentError: The condition is unknown, or can never be true of this kind.
        """
        from matrixinfer_client.wishes import WaitOptions, wish_for  # noqa: PLC0415

        options = WaitOptions(
            timeout=timeout,
            grace=grace,
            diagnose=diagnose,
            stable=stable,
            uid=uid,
            any_generation=any_generation,
        )
        wish = wish_for(self._target, [name], condition, options, on_update)
        return self._waited(wish, progress)[name]

    def wait_for_all(
        self,
        names: Iterable[str],
        condition: ConditionArg[T],
        *,
        timeout: TimeoutArg = None,
        grace: float | None = 30.0,
        stable: float = 0.0,
        any_generation: bool = False,
        on_update: Callable[[WaitUpdate[T]], object] | None = None,
        progress: ProgressArg = None,
        diagnose: bool = True,
    ) -> dict[str, T]:
        """Wait until each of many objects is as it should be, over one stream for all of them.

        The first that cannot succeed ends the wait for all, with an error about that one. Each
        object counts from the moment its condition held; it is not looked at again afterwards.

        Args:
            names: The objects' names.
            condition: As for `wait_for`.
            timeout: Seconds for all together. Default: 600.
            grace: Seconds that a reported failure may last. Default: 30.
            stable: Seconds for which the condition must hold without interruption. Default: 0.
            any_generation: Also believe a status about an older spec. Default: False.
            on_update: Called at each change of each object.
            progress: Show the wait. Default: in notebooks only.
            diagnose: Look for the reason when it ends without success. Default: True.

        Returns:
            The objects by name, in the order of `names`; for `"deleted"` without those that were
            gone at the first look.

        Raises:
            WaitTimeout: Some did not come true in time; `pending` has their names.
            ConditionFailed, NotFoundError, InvalidArgumentError: As for `wait_for`.
        """
        from matrixinfer_client.wishes import WaitOptions, wish_for  # noqa: PLC0415

        options = WaitOptions(
            timeout=timeout,
            grace=grace,
            diagnose=diagnose,
            stable=stable,
            any_generation=any_generation,
        )
        wish = wish_for(self._target, names, condition, options, on_update)
        return _seen(self._waited(wish, progress))

    def wait_for_rollout(
        self,
        name: str,
        *,
        timeout: TimeoutArg = None,
        grace: float | None = 30.0,
        on_update: Callable[[WaitUpdate[T]], object] | None = None,
        progress: ProgressArg = None,
        diagnose: bool = True,
    ) -> T:
        """Wait until a Model or ModelInfer runs its newest spec everywhere; return it.

        A Model that says `Active` may still serve the old spec. So a Model has to be Active with
        its newest generation, and every backend's ModelInfer, found by label, has to have seen its
        own newest spec, to be Available, and to have as many updated and available groups as it
        asks for (less those that a `partition` keeps back).

        Args:
            name: The object's name.
            timeout: Seconds until `WaitTimeout`. Default: 600.
            grace: Seconds that a reported failure may last. Default: 30.
            on_update: Called at each change.
            progress: Show the wait. Default: in notebooks only.
            diagnose: Look for the reason when it ends without success. Default: True.

        Raises:
            WaitTimeout, ConditionFailed, NotFoundError: As for `wait_for`.
            InvalidArgumentError: The kind has no rollout.
        """
        from matrixinfer_client.wishes import WaitOptions, wish_for_rollout  # noqa: PLC0415

        options = WaitOptions(timeout=timeout, grace=grace, diagnose=diagnose)
        wish = wish_for_rollout(self._target, name, options, on_update)
        return cast("T", self._waited(wish, progress)[name])

    def diagnose(self, name: str) -> Diagnosis:
        """Find out why an object is not as it should be.

        Reads the object with all that belongs to it (a Model's ModelInfers, ModelServers, route
        and policies; their pods; warnings, quotas and the end of logs where something is wrong)
        and changes nothing. Needs `get` on the object; whatever else may not be read is left out
        and listed in `unreadable`.

        Args:
            name: The object's name.

        Raises:
            NotFoundError: There is none of that name.
        """
        from matrixinfer_client.wishes import diagnosing  # noqa: PLC0415

        return self._driver.run(diagnosing(self._target, name))

    def _waited(self, wish: Wish[T], progress: ProgressArg) -> dict[str, T | None]:
        from matrixinfer_client.progress import showing  # noqa: PLC0415
        from matrixinfer_client.waiting import wait  # noqa: PLC0415

        with showing(progress, wish.text) as display:
            shown = wish if display is None else wish.also_telling(display.update)
            return self._driver.timed(wait(self._target, shown))


class AsyncWaits(Generic[T, L]):
    """The waits of an asynchronous resource; `Waits` says what they mean."""

    _driver: AsyncDriver
    _target: Target[T, L]

    # Overlapping on purpose, as in `Waits`.
    @overload
    async def wait_for(  # type: ignore[overload-overlap]
        self,
        name: str,
        condition: Deleted,
        *,
        timeout: TimeoutArg = None,
        grace: float | None = 30.0,
        stable: float = 0.0,
        uid: str | None = None,
        any_generation: bool = False,
        on_update: Callable[[WaitUpdate[T]], object] | None = None,
        progress: ProgressArg = None,
        diagnose: bool = True,
    ) -> T | None: ...
    @overload
    async def wait_for(
        self,
        name: str,
        condition: ConditionArg[T],
        *,
        timeout: TimeoutArg = None,
        grace: float | None = 30.0,
        stable: float = 0.0,
        uid: str | None = None,
        any_generation: bool = False,
        on_update: Callable[[WaitUpdate[T]], object] | None = None,
        progress: ProgressArg = None,
        diagnose: bool = True,
    ) -> T: ...
    async def wait_for(
        self,
        name: str,
        condition: ConditionArg[T],
        *,
        timeout: TimeoutArg = None,
        grace: float | None = 30.0,
        stable: float = 0.0,
        uid: str | None = None,
        any_generation: bool = False,
        on_update: Callable[[WaitUpdate[T]], object] | None = None,
        progress: ProgressArg = None,
        diagnose: bool = True,
    ) -> T | None:
        """See `Resource.wait_for`."""
        from matrixinfer_client.wishes import WaitOptions, wish_for  # noqa: PLC0415

        options = WaitOptions(
            timeout=timeout,
            grace=grace,
            diagnose=diagnose,
            stable=stable,
            uid=uid,
            any_generation=any_generation,
        )
        wish = wish_for(self._target, [name], condition, options, on_update)
        return (await self._waited(wish, progress))[name]

    async def wait_for_all(
        self,
        names: Iterable[str],
        condition: ConditionArg[T],
        *,
        timeout: TimeoutArg = None,
        grace: float | None = 30.0,
        stable: float = 0.0,
        any_generation: bool = False,
        on_update: Callable[[WaitUpdate[T]], object] | None = None,
        progress: ProgressArg = None,
        diagnose: bool = True,
    ) -> dict[str, T]:
        """See `Resource.wait_for_all`."""
        from matrixinfer_client.wishes import WaitOptions, wish_for  # noqa: PLC0415

        options = WaitOptions(
            timeout=timeout,
            grace=grace,
            diagnose=diagnose,
            stable=stable,
            any_generation=any_generation,
        )
        wish = wish_for(self._target, names, condition, options, on_update)
        return _seen(await self._waited(wish, progress))

    async def wait_for_rollout(
        self,
        name: str,
        *,
        timeout: TimeoutArg = None,
        grace: float | None = 30.0,
        on_update: Callable[[WaitUpdate[T]], object] | None = None,
        progress: ProgressArg = None,
        diagnose: bool = True,
    ) -> T:
        """See `Resource.wait_for_rollout`."""
        from matrixinfer_client.wishes import WaitOptions, wish_for_rollout  # noqa: PLC0415

        options = WaitOptions(timeout=timeout, grace=grace, diagnose=diagnose)
        wish = wish_for_rollout(self._target, name, options, on_update)
        return cast("T", (await self._waited(wish, progress))[name])

    async def diagnose(self, name: str) -> Diagnosis:
        """See `Resource.diagnose`."""
        from matrixinfer_client.wishes import diagnosing  # noqa: PLC0415

        return await self._driver.run(diagnosing(self._target, name))

    async def _waited(self, wish: Wish[T], progress: ProgressArg) -> dict[str, T | None]:
        from matrixinfer_client.progress import showing  # noqa: PLC0415
        from matrixinfer_client.waiting import wait  # noqa: PLC0415

        with showing(progress, wish.text) as display:
            shown = wish if display is None else wish.also_telling(display.update)
            return await self._driver.timed(wait(self._target, shown))


def _seen(found: dict[str, T | None]) -> dict[str, T]:
    return {name: obj for name, obj in found.items() if obj is not None}
