from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codegen.drift import compare
from tests.codegen.definitions import WHERE, definition, our_document, schema_of, spec_of
from tests.codegen.documents import (
    GROUP,
    PREFIX,
    loaded,
    ref,
)

NAMES = ("the document", "the cluster")


def differences(tmp_path: Path, *definitions: dict[str, Any]) -> tuple[str, ...]:
    return compare(loaded(our_document(), tmp_path), [*definitions], NAMES).differences


def test_references_prose_order_and_flags_that_are_off_are_no_difference(tmp_path: Path) -> None:
    report = compare(loaded(our_document(), tmp_path), [definition()], NAMES)
    assert report.differences == ()
    assert report.kinds == 1
    # The object itself, spec, its 4 properties, the 2 of each end, [] and {}, and status.
    assert report.fields == 11


def remove_a_field(made: dict[str, Any]) -> None:
    del spec_of(made)["properties"]["ends"]


def add_a_field(made: dict[str, Any]) -> None:
    ends = spec_of(made)["properties"]["ends"]["items"]["properties"]
    ends["thread"] = {"type": "object", "properties": {"pitch": {"type": "number"}}}


def change_a_default(made: dict[str, Any]) -> None:
    spec_of(made)["properties"]["pressure"]["default"] = "2Bar"


def drop_a_default(made: dict[str, Any]) -> None:
    del spec_of(made)["properties"]["color"]["default"]


def change_a_bound(made: dict[str, Any]) -> None:
    spec_of(made)["properties"]["ends"]["items"]["properties"]["bore"]["minimum"] = 0


def add_an_enum_value(made: dict[str, Any]) -> None:
    spec_of(made)["properties"]["color"]["enum"].append("green")


def change_a_type(made: dict[str, Any]) -> None:
    spec_of(made)["properties"]["labels"]["additionalProperties"]["type"] = "integer"


def require_less(made: dict[str, Any]) -> None:
    spec_of(made)["required"].remove("ends")


def require_spec(made: dict[str, Any]) -> None:
    schema_of(made)["required"] = ["spec"]


def change_a_rule(made: dict[str, Any]) -> None:
    spec_of(made)["x-kubernetes-validations"][0]["message"] = "at most two ends"


def change_a_list_type(made: dict[str, Any]) -> None:
    del spec_of(made)["properties"]["ends"]["x-kubernetes-list-map-keys"]


def change_the_scope(made: dict[str, Any]) -> None:
    made["spec"]["scope"] = "Cluster"


def add_a_subresource(made: dict[str, Any]) -> None:
    made["spec"]["versions"][0]["subresources"] = {"status": {}}


def serve_another_version(made: dict[str, Any]) -> None:
    versions = made["spec"]["versions"]
    versions += [{**versions[0], "name": "v2"}, {**versions[0], "name": "v0", "served": False}]


def serve_only_another_version(made: dict[str, Any]) -> None:
    made["spec"]["versions"][0]["name"] = "v2"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (remove_a_field, ["spec.ends: the document has it, the cluster does not"]),
        (add_a_field, ["spec.ends[].thread: the cluster has it, the document does not"]),
        (
            change_a_default,
            ['spec.pressure: default is "1Bar" in the document, "2Bar" in the cluster'],
        ),
        (
            drop_a_default,
            ['spec.color: default is "red" in the document, not said in the cluster'],
        ),
        (
            change_a_bound,
            ["spec.ends[].bore: minimum is 1 in the document, 0 in the cluster"],
        ),
        (
            add_an_enum_value,
            [
                (
                    'spec.color: enum is ["blue", "red"] in the document, '
                    '["blue", "green", "red"] in the cluster'
                )
            ],
        ),
        (
            change_a_type,
            ['spec.labels{}: type is ["string"] in the document, ["integer"] in the cluster'],
        ),
        (
            require_less,
            ['spec: required is ["color", "ends"] in the document, ["color"] in the cluster'],
        ),
        (require_spec, ['required is not said in the document, ["spec"] in the cluster']),
        (
            change_a_rule,
            [
                (
                    'spec: x-kubernetes-validations is [{"message": "two ends", "rule": '
                    '"size(self.ends) < 3"}] in the document, [{"message": "at most two ends", '
                    '"rule": "size(self.ends) < 3"}] in the cluster'
                )
            ],
        ),
        (
            change_a_list_type,
            [
                (
                    'spec.ends: x-kubernetes-list-map-keys is ["name"] in the document, '
                    "not said in the cluster"
                )
            ],
        ),
        (change_the_scope, ["scope is 'Namespaced' in the document, 'Cluster' in the cluster"]),
        (add_a_subresource, ["subresources is [] in the document, ['status'] in the cluster"]),
        (serve_another_version, ["v2: the cluster has it, the document does not"]),
        (
            serve_only_another_version,
            [
                "v2: the cluster has it, the document does not",
                "v1: the document has it, the cluster does not",
            ],
        ),
    ],
)
def test_a_difference_is_told_by_its_path(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], told: list[str]
) -> None:
    made = definition()
    change(made)
    assert [*differences(tmp_path, made)] == [f"{WHERE} {line}" for line in told]


def test_kinds_are_compared_in_both_directions_within_the_documents_groups(tmp_path: Path) -> None:
    others = [definition("Nozzle"), definition("Cloud", "weather.example.com")]
    assert differences(tmp_path, *others) == (
        f"{WHERE}: the document has it, the cluster does not",
        f"Nozzle.{GROUP}: the cluster has it, the document does not",
    )


def test_a_type_that_contains_itself_is_compared_once(tmp_path: Path) -> None:
    raw = our_document()
    end = raw["components"]["schemas"][f"{PREFIX}.End"]
    end["properties"]["next"] = ref(f"{PREFIX}.End")
    found = compare(loaded(raw, tmp_path), [definition()], NAMES).differences
    assert found == (f"{WHERE} spec.ends[].next: the document has it, the cluster does not",)
