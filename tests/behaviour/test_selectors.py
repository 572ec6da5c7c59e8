"""Label and field selectors."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client import AsyncClient, BadRequestError, InvalidArgumentError
from matrixinfer_client.api.registry_v1alpha1 import Model, ModelList
from matrixinfer_client.resources import AsyncResource
from tests.behaviour.samples import MODEL


@pytest.fixture
def models(client: AsyncClient, namespace: str) -> AsyncResource[Model, ModelList]:
    return client.registry_v1alpha1.models(namespace)


async def fill(models: AsyncResource[Model, ModelList]) -> None:
    labels: dict[str, dict[str, str]] = {
        "a": {"app": "x", "tier": "front"},
        "b": {"app": "x", "tier": "back"},
        "c": {"app": "y", "tier": "back"},
        "d": {},
    }
    for name, given in labels.items():
        await models.create(MODEL.mapping(name, labels=given))


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("app=x", "ab"),
        ("app==x", "ab"),
        ("app!=x", "cd"),
        ("app=x,tier=back", "b"),
        ("tier in (front, back)", "abc"),
        ("tier in (front)", "a"),
        ("app notin (x)", "cd"),
        ("app", "abc"),
        ("!app", "d"),
        ({"app": "x"}, "ab"),
        ({"app": "x", "tier": "back"}, "b"),
        ({}, "abcd"),
        ("", "abcd"),
        (None, "abcd"),
        ("app=nothing", ""),
    ],
)
async def test_labels_select(
    models: AsyncResource[Model, ModelList], selector: Any, expected: str
) -> None:
    await fill(models)
    listed = await models.list(label_selector=selector)
    assert [model.name for model in listed] == list(expected)


@pytest.mark.parametrize("selector", ["metadata.name=b", {"metadata.name": "b"}])
async def test_fields_select_by_name(
    models: AsyncResource[Model, ModelList], selector: Any
) -> None:
    await fill(models)
    assert [model.name for model in await models.list(field_selector=selector)] == ["b"]
    both = await models.list(field_selector=selector, label_selector="tier=front")
    assert list(both) == []
    iterated = models.iterate(field_selector=selector)
    assert [model.name async for model in iterated] == ["b"]


async def test_a_field_without_selection_is_an_error_of_the_server(
    models: AsyncResource[Model, ModelList],
) -> None:
    with pytest.raises(BadRequestError, match=r"spec\.owner"):
        await models.list(field_selector="spec.owner=anna")


async def test_a_selector_that_cannot_be_read_is_an_error_of_the_server(
    models: AsyncResource[Model, ModelList],
) -> None:
    with pytest.raises(BadRequestError, match="unable to parse requirement"):
        await models.list(label_selector="app in x")


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ({"app": "x,tier=back"}, "label_selector: 'app': 'x,tier=back' is no plain key and value"),
        ({"app": 1}, "label_selector: 'app': 1 is no plain key and value"),
        ({"app": None}, "label_selector: 'app': None is no plain key and value"),
        ({"!app": ""}, "write the selector as a string for anything but equality"),
        (["app=x"], "label_selector must be a string or a mapping, not list"),
        (7, "label_selector must be a string or a mapping, not int"),
    ],
)
async def test_a_selector_that_would_mean_something_else_is_refused(
    models: AsyncResource[Model, ModelList], selector: Any, message: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await models.list(label_selector=selector)
    assert message in str(caught.value)
