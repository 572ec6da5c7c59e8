"""From the arguments of a wait to what the flow needs to know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from matrixinfer_client import diagnosis
from matrixinfer_client.awaited import Explain, Wish
from matrixinfer_client.conditions import ConditionArg, resolve
from matrixinfer_client.diagnosis.survey import KINDS
from matrixinfer_client.errors import InvalidArgumentError
from matrixinfer_client.facts import MODEL_INFER_KIND, MODEL_KIND
from matrixinfer_client.models import ApiObject
from matrixinfer_client.plain import Reader
from matrixinfer_client.rollout import RolledOut, closer_look, excuse

if TYPE_CHECKING:
    from matrixinfer_client.awaited import WaitUpdate
    from matrixinfer_client.diagnosis import Diagnosis
    from matrixinfer_client.flows import Flow, TimeoutArg
    from matrixinfer_client.kinds import Kind
    from matrixinfer_client.targets import Options, Target

__all__ = ["WaitOptions", "diagnosing", "diagnosing_any", "wish_for", "wish_for_rollout"]

T = TypeVar("T", bound=ApiObject)


@attrs.frozen(kw_only=True)
class WaitOptions:
    """The options that all waits have."""

    timeout: TimeoutArg
    grace: float | None
    diagnose: bool
    stable: float = 0.0
    uid: str | None = None
    any_generation: bool = False


def wish_for(
    target: Target[T, Any],
    names: Iterable[str],
    condition: ConditionArg[T],
    options: WaitOptions,
    on_update: Callable[[WaitUpdate[T]], object] | None,
) -> Wish[T]:
    """The wish for a condition; raises `InvalidArgumentError` for what cannot be wished for."""
    kind = target.cls.KIND
    scope = target.scope
    return Wish(
        names=_checked(names),
        condition=resolve(condition, kind, any_generation=options.any_generation),
        timeout=options.timeout,
        grace=options.grace,
        stable=options.stable,
        uid=options.uid,
        listeners=() if on_update is None else (on_update,),
        excuse=excuse(Reader(scope)) if (kind.group, kind.kind) == MODEL_KIND else None,
        explain=_explain(target) if options.diagnose else None,
    )


def wish_for_rollout(
    target: Target[T, Any],
    name: str,
    options: WaitOptions,
    on_update: Callable[[WaitUpdate[T]], object] | None,
) -> Wish[T]:
    """The wish for a finished rollout: of the object's own spec, or through its children."""
    kind = target.cls.KIND
    which = kind.group, kind.kind
    if which not in (MODEL_KIND, MODEL_INFER_KIND):
        raise InvalidArgumentError(
            f"a {kind.kind} has no rollout: only Models and ModelInfers run anything; wait for "
            '"exists", or for the Model or ModelInfer behind it'
        )
    wish = wish_for(target, [name], "Ready", options, on_update)
    if which == MODEL_KIND:
        look = closer_look(Reader(target.scope))
        return attrs.evolve(wish, closer_look=look, text="rolled out")
    return attrs.evolve(wish, condition=RolledOut(wish.condition), text="rolled out")


def diagnosing(target: Target[Any, Any], name: str) -> Flow[Diagnosis]:
    """The diagnosis of one object of a resource."""
    kind = target.cls.KIND
    if not _diagnosable(kind):
        raise InvalidArgumentError(
            f"{kind} cannot be diagnosed; the kinds are {', '.join(sorted(KINDS))}"
        )
    reader = Reader(target.scope, retries=target.options.retries)
    return diagnosis.diagnose(reader, kind.kind, name)


def diagnosing_any(
    options: Options,
    what: str | type[ApiObject] | ApiObject,
    name: str | None,
    namespace: str | None,
) -> Flow[Diagnosis]:
    """The diagnosis of an object of any kind that has one."""
    if isinstance(what, ApiObject):
        if name is not None:
            raise InvalidArgumentError("give an object, or a kind and a name, not both")
        name, namespace = what.name, namespace or what.namespace
    kind = what if isinstance(what, str) else what.KIND.kind
    if not isinstance(what, str) and not _diagnosable(what.KIND):
        kind = str(what.KIND)
    if name is None:
        raise InvalidArgumentError(f"the name of the {kind} to diagnose is missing")
    reader = Reader(namespace or options.namespace, retries=options.retries)
    return diagnosis.diagnose(reader, kind, name)


def _diagnosable(kind: Kind) -> bool:
    resource = KINDS.get(kind.kind)
    return resource is not None and resource.group == kind.group


def _explain(target: Target[Any, Any]) -> Explain | None:
    kind = target.cls.KIND
    if not _diagnosable(kind):
        return None
    return lambda name: diagnosis.explain(target.scope, kind.kind, name)


def _checked(names: Iterable[str]) -> Sequence[str]:
    if isinstance(names, str):
        raise InvalidArgumentError(
            f"the names to wait for are a list of names, not the string {names!r}; for one object "
            "use wait_for"
        )
    return list(dict.fromkeys(names))
