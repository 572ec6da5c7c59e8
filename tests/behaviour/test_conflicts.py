"""Several writers: an update of what has changed is refused, and `mutate` starts again."""

from __future__ import annotations

import asyncio

import pytest

from matrixinfer_client import AsyncClient, ConflictError, InvalidArgumentError, NotFoundError
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelStatus
from tests.behaviour.backends import Backend
from tests.behaviour.samples import MODEL


def count(model: Model) -> int:
    return int((model.metadata.labels or {}).get("count", "0"))


def add_one(model: Model) -> None:
    model.metadata.labels = {"count": str(count(model) + 1)}


async def test_an_update_of_what_somebody_changed_is_refused(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    mine = await models.create(Model.from_dict(MODEL.mapping("one")))
    await models.patch("one", {"spec": {"owner": "somebody"}})
    mine.spec.owner = "me"
    with pytest.raises(ConflictError) as caught:
        await models.update(mine)
    assert "the object has been modified" in caught.value.message
    assert 'models.registry.matrixinfer.ai "one"' in caught.value.message
    assert (await models.get("one")).spec.owner == "somebody"


def interfere(backend: Backend, namespace: str, number: int) -> None:
    """Write to the object as somebody else would."""
    body = {"metadata": {"labels": {"count": str(number)}}}
    path = MODEL.path(namespace, "one")
    status, answer = backend.request("PATCH", path, body, "application/merge-patch+json")
    assert status == 200, answer


async def test_mutate_starts_again_when_somebody_was_faster(
    client: AsyncClient, backend: Backend, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    seen = []

    def late_twice(model: Model) -> None:
        seen.append(count(model))
        if len(seen) <= 2:
            interfere(backend, namespace, 10 * len(seen))
        add_one(model)

    await models.mutate("one", late_twice)
    assert seen == [0, 10, 20]
    assert count(await models.get("one")) == 21


@pytest.mark.parametrize(("attempts", "expected"), [(None, 5), (1, 1), (3, 3)])
async def test_mutate_gives_up_after_exactly_the_attempts_it_was_given(
    client: AsyncClient, backend: Backend, namespace: str, attempts: int | None, expected: int
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    seen = []

    def always_late(model: Model) -> None:
        seen.append(count(model))
        interfere(backend, namespace, len(seen))
        model.spec.owner = "me"

    with pytest.raises(ConflictError):
        await models.mutate("one", always_late, attempts=attempts)
    assert seen == list(range(expected))


async def test_the_function_given_to_an_asynchronous_mutate_may_be_asynchronous(
    backend: Backend, namespace: str
) -> None:
    async with backend.async_client() as client:
        models = client.registry_v1alpha1.models(namespace)
        await models.create(MODEL.mapping("one"))

        async def change(model: Model) -> None:
            await asyncio.sleep(0)
            model.spec.owner = "anna"

        assert (await models.mutate("one", change)).spec.owner == "anna"


async def test_concurrent_writers_lose_nothing(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))
    await asyncio.gather(*[models.mutate("one", add_one, attempts=100) for _ in range(8)])
    assert count(await models.get("one")) == 8


async def test_mutate_stores_what_the_function_returns(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))

    def other(model: Model) -> Model:
        copy = Model.from_dict(model.to_dict())
        copy.spec.owner = "anna"
        return copy

    assert (await models.mutate("one", other)).spec.owner == "anna"


async def test_mutate_without_a_change_writes_nothing(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    created = await models.create(Model.from_dict(MODEL.mapping("one")))
    same = await models.mutate("one", lambda _: None)
    assert same == created
    assert (await models.get("one")).metadata.resource_version == (
        created.metadata.resource_version
    )


async def test_mutate_sees_a_change_deep_inside_free_form_json(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))

    def set_length(model: Model) -> None:
        model.spec.backends[0].workers[0].config["max-model-len"] = 4096

    changed = await models.mutate("one", set_length)
    assert changed.spec.backends[0].workers[0].config == {"max-model-len": 4096}
    assert changed.metadata.generation == 2


async def test_mutate_writes_the_status_where_asked_to(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    await models.create(MODEL.mapping("one"))

    def observe(model: Model) -> None:
        model.status = ModelStatus(observed_generation=model.metadata.generation)

    changed = await models.mutate("one", observe, subresource="status")
    assert changed.status is not None
    assert changed.status.observed_generation == 1


async def test_an_error_of_the_function_is_not_swallowed(
    client: AsyncClient, namespace: str
) -> None:
    models = client.registry_v1alpha1.models(namespace)
    created = await models.create(Model.from_dict(MODEL.mapping("one")))

    def fail(model: Model) -> None:
        model.spec.owner = "anna"
        raise LookupError("the caller's own")

    with pytest.raises(LookupError, match="the caller's own"):
        await models.mutate("one", fail)
    assert await models.get("one") == created


async def test_mutate_needs_something_to_work_on(client: AsyncClient, namespace: str) -> None:
    models = client.registry_v1alpha1.models(namespace)
    with pytest.raises(NotFoundError):
        await models.mutate("no", add_one)
    with pytest.raises(InvalidArgumentError, match="attempts must be 1 or more, got 0"):
        await models.mutate("no", add_one, attempts=0)
