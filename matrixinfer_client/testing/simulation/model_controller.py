"""From a Model to its children, and what the Model says about them.

The order of the writes, the texts and what is never taken back are those of the platform's
controller: `Initialized` and nothing else at first, `Active=False` at the start of every pass,
`Failed` for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matrixinfer_client.errors import AlreadyExistsError, ApiError, ConflictError, NotFoundError
from matrixinfer_client.looks import mapping, rows, text
from matrixinfer_client.resources import Resource
from matrixinfer_client.testing.simulation.arguments import BackendError
from matrixinfer_client.testing.simulation.children import (
    MODEL_NAME,
    MODEL_UID,
    REVISION,
    autoscaling_of,
    backends_of,
    child_name,
    infer_of,
    route_of,
    server_of,
)
from matrixinfer_client.testing.simulation.cluster import MODEL_CONTROLLER
from matrixinfer_client.testing.simulation.controller import Surroundings, TryAgainError
from matrixinfer_client.testing.simulation.failures import Failure
from matrixinfer_client.testing.simulation.holdings import Holdings
from matrixinfer_client.testing.simulation.plainly import (
    Key,
    Plain,
    has_condition,
    key_of,
    labels_of,
    metadata_of,
    version_of,
    with_condition,
)
from matrixinfer_client.testing.simulation.timing import DELAYS

__all__ = ["ModelController"]

_SCHEDULER = "volcano"
_DENIAL = (
    'admission webhook "validate-workload-matrixinfer-ai-v1alpha1-model.matrixinfer.ai" denied the '
    'request: validation failed:\n  - spec.schedulerName: Invalid value: "": invalid '
    "SchedulerName: , modelInfer support: volcano ..."
)
_TRANSIENT = "etcdserver: request timed out"


class _PassError(Exception):
    """A pass ended in an error that the Model tells."""

    def __init__(self, text: str, *, background: bool = True) -> None:
        super().__init__(text)
        self.background = background


class ModelController:
    """Creates and updates the children of Models."""

    def __init__(self, surroundings: Surroundings, *, scheduler_defect: bool) -> None:
        self._cluster = surroundings.cluster
        self._failures = surroundings.failures
        self._timer = surroundings.timer
        self._scheduler_defect = scheduler_defect
        self._cluster.models.listen(self._on_model)
        self._cluster.infers.listen(self._on_infer)
        self._cluster.servers.listen(self._on_lost_child)
        self._cluster.routes.listen(self._on_lost_child)

    # What leads to a pass.

    def _on_model(self, old: Plain | None, new: Plain | None) -> None:
        # Not its own status, or passes would never end.
        if new is not None and (old is None or _generation(old) != _generation(new)):
            self._timer.after(key_of(new), DELAYS.notice)

    def _on_infer(self, old: Plain | None, new: Plain | None) -> None:
        if old is not None:
            self._look_at_parent(new or old)

    def _on_lost_child(self, old: Plain | None, new: Plain | None) -> None:
        if old is not None and new is None:
            self._look_at_parent(old)

    def _look_at_parent(self, child: Plain) -> None:
        key = key_of(child)[0], labels_of(child).get(MODEL_NAME, "")
        parent = self._cluster.models.get(key)
        if parent is not None and labels_of(child).get(MODEL_UID) == version_of(parent)[0]:
            self._timer.after(key, DELAYS.notice)

    def reconsider(self, failures: Sequence[Failure]) -> None:
        """Look again at Models for which something has changed that no object tells."""
        for model in self._cluster.models.all():
            names = (child_name(model),)
            namespace = key_of(model)[0]
            if any(each.hits(namespace, names, labels_of(model)) for each in failures):
                self._timer.after(key_of(model), 0)

    # A pass.

    def reconcile(self, key: Key) -> None:
        """Make one pass over a Model."""
        model = self._cluster.models.get(key)
        if model is None or metadata_of(model).get("deletionTimestamp"):
            return
        if not _conditions(model):
            self._say(model, "Initialized", "True", "ModelCreating", "Model initialized")
            # The platform's first pass ends here, because what it writes next conflicts.
            self._timer.after(key, DELAYS.pass_again)
            return
        self._say(model, "Active", "False", "ModelProcessing", "Model not ready yet")
        try:
            self._make_children(model)
        except (ConflictError, AlreadyExistsError):
            # Somebody else was faster; what he did is about to be heard of.
            raise
        except (ApiError, BackendError, _PassError) as error:
            said = error.message if isinstance(error, ApiError) else str(error)
            self._say(self._now(model), "Failed", "True", "ModelAbnormal", said)
            raise TryAgainError(background=getattr(error, "background", True)) from error
        children = self._children(self._cluster.infers, model)
        if len(children) != len(backends_of(model)):
            # Told to nobody.
            raise TryAgainError("model infer number not equal to backend number")
        if all(has_condition(child, "Available") for child in children):
            self._say(self._now(model), "Active", "True", "ModelAvailable", "Model is ready")

    def _now(self, model: Plain) -> Plain:
        return self._cluster.models.get(key_of(model)) or model

    def _say(self, model: Plain, kind: str, status: str, reason: str, message: str) -> None:
        model = self._now(model)
        before = mapping(model.get("status"))
        conditions = with_condition(_conditions(model), kind, status, reason, message)
        after: dict[str, Any] = {
            "conditions": conditions,
            # Seen, which says nothing about the children.
            "observedGeneration": _generation(model),
        }
        statuses = [
            {
                "name": text(metadata_of(child).get("name")),
                "replicas": mapping(child.get("status")).get("replicas", 0),
            }
            for child in self._children(self._cluster.infers, model)
        ]
        if statuses:
            after["backendStatuses"] = statuses
        if after != before:
            self._cluster.models.update_status(model, after, MODEL_CONTROLLER)

    def _children(self, holdings: Holdings, model: Plain) -> Sequence[Plain]:
        uid = version_of(model)[0]
        return [child for child in holdings.owned_by(uid) if labels_of(child).get(MODEL_UID) == uid]

    def _make_children(self, model: Plain) -> None:
        self._fail_on_demand(model)
        backends = backends_of(model)
        wanted = [
            infer_of(model, backend, scheduler=self._scheduler(model, backend))
            for backend in backends
        ]
        for infer in wanted:
            if not infer["spec"]["schedulerName"]:
                # The webhook's answer, so that it is the same where there is no webhook.
                raise _PassError(_DENIAL)
            self._put(self._cluster.infers, infer)
        self._drop_others(self._cluster.infers, model)
        for backend in backends:
            self._put(self._cluster.servers, server_of(model, backend))
        self._drop_others(self._cluster.servers, model)
        self._put(self._cluster.routes, route_of(model))
        namespace = key_of(model)[0]
        for policy, binding in autoscaling_of(model):
            self._put_scaling(self._cluster.policies(namespace), policy)
            self._put_scaling(self._cluster.bindings(namespace), binding)

    def _scheduler(self, model: Plain, backend: Plain) -> str:
        # Only this template has the defect.
        if backend.get("type") != "vLLM":
            return _SCHEDULER
        names, labels = (child_name(model),), labels_of(model)
        denied = self._failures.find(key_of(model)[0], names, labels, "webhook_denial")
        return "" if self._scheduler_defect or denied else _SCHEDULER

    def _fail_on_demand(self, model: Plain) -> None:
        names, labels = (child_name(model),), labels_of(model)
        failure = self._failures.find(key_of(model)[0], names, labels, "transient_failed")
        if failure is not None:
            self._failures.count(failure)
            raise _PassError(failure.message or _TRANSIENT, background=False)

    def _put(self, holdings: Holdings, wanted: dict[str, Any]) -> None:
        """Create a child, or replace one that was made from something else."""
        known = holdings.get(key_of(wanted))
        if known is None:
            holdings.create(wanted, MODEL_CONTROLLER)
        elif labels_of(known).get(REVISION) != labels_of(wanted)[REVISION]:
            version = metadata_of(known)["resourceVersion"]
            metadata = {**wanted["metadata"], "resourceVersion": version}
            holdings.update({**wanted, "metadata": metadata}, MODEL_CONTROLLER)

    def _drop_others(self, holdings: Holdings, model: Plain) -> None:
        names = {child_name(model, backend) for backend in backends_of(model)}
        for child in self._children(holdings, model):
            if key_of(child)[1] not in names:
                holdings.delete(child)

    def _put_scaling(self, resource: Resource[Any, Any], wanted: dict[str, Any]) -> None:
        try:
            known = resource.get(wanted["metadata"]["name"])
        except NotFoundError:
            known = None
        if known is None:
            resource.create(wanted, field_manager=MODEL_CONTROLLER)
        elif labels_of(known.to_dict()).get(REVISION) != labels_of(wanted)[REVISION]:
            # The server refuses this, since it leaves out the version; so the platform does.
            self._cluster.replace_without_version(known.KIND, wanted)


def _conditions(model: Plain) -> Sequence[Plain]:
    return rows(mapping(model.get("status")).get("conditions"))


def _generation(model: Plain) -> object:
    return metadata_of(model).get("generation")
