"""What both type checkers must reject; an ignore that is not needed fails the session."""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from matrixinfer_client import AsyncResource, Client, Resource
from matrixinfer_client.api.meta_v1 import ObjectMeta
from matrixinfer_client.api.networking_v1alpha1 import ModelServer
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelBackend, ModelList, ModelWorker

Models = Resource[Model, ModelList]


def a_misspelled_field() -> None:
    ModelWorker(typ="server")  # type: ignore[call-arg]


def a_wire_name_instead_of_the_name_in_python() -> None:
    ModelWorker(type="server", Image="e")  # type: ignore[call-arg]


def a_positional_argument() -> None:
    ObjectMeta("demo")  # type: ignore[call-arg, arg-type]


def a_missing_required_field() -> None:
    ModelBackend(name="b", type="vLLM")  # type: ignore[call-arg]


def an_unknown_value_of_an_enum() -> None:
    ModelWorker(type="sever")  # type: ignore[arg-type]


def a_wrong_type() -> None:
    ModelWorker(pods="one")  # type: ignore[arg-type]


def a_field_that_does_not_exist(model: Model) -> None:
    _ = model.spec.runtime  # type: ignore[attr-defined]


def a_field_that_may_be_absent(model: Model) -> None:
    _ = model.status.conditions  # type: ignore[union-attr]


def an_object_of_another_kind(models: Models, server: ModelServer) -> None:
    models.create(server)  # type: ignore[arg-type]


def an_option_that_does_not_exist(models: Models) -> None:
    models.list(selector="a=b")  # type: ignore[call-arg]


def an_option_by_position(models: Models) -> None:
    models.get("demo", "0")  # type: ignore[call-arg]


def an_unknown_propagation_policy(models: Models) -> None:
    models.delete("demo", propagation_policy="Now")  # type: ignore[arg-type]


def a_resource_that_does_not_exist(client: Client) -> None:
    client.registry_v1alpha1.model()  # type: ignore[attr-defined]


async def an_await_that_is_missing(models: AsyncResource[Model, ModelList]) -> None:
    model = models.get("demo")
    _ = model.spec  # type: ignore[attr-defined]
