"""Configurations that do not have the types of the schema, in the server's words."""

from __future__ import annotations

from typing import Any

import pytest

from matrixinfer_client.testing.apiserver.ownership import TypedError
from tests.fake.ownership.refused import REFUSED, refused_config
from tests.fake.ownership.samples import applied


@pytest.mark.parametrize(("part", "told"), REFUSED)
def test_what_cannot_be_typed_is_refused(part: dict[str, Any], told: str) -> None:
    with pytest.raises(TypedError) as caught:
        applied(None, refused_config(part))
    where = "(/demo; registry.matrixinfer.ai/v1alpha1, Kind=Model)"
    assert caught.value.message == f"failed to create typed patch object {where}: {told}"
    assert (caught.value.status, caught.value.reason) == (500, "")


def test_the_message_names_the_namespace_and_no_name_that_is_none() -> None:
    config = refused_config({"spec": 5})
    config["metadata"] = {"name": "demo", "namespace": "team"}
    with pytest.raises(TypedError, match=r"object \(team/demo; "):
        applied(None, config)
    config["metadata"] = {"name": 5}
    with pytest.raises(TypedError, match=r"object \(/; "):
        applied(None, config)
