"""The pods and Services of a ModelInfer: names, labels, owners and environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from matrixinfer_client.looks import mapping, rows, text
from matrixinfer_client.testing.simulation.hashing import revision
from matrixinfer_client.testing.simulation.plainly import (
    Plain,
    key_of,
    labels_of,
    owner_reference,
)

__all__ = [
    "GROUP",
    "Member",
    "expected_pods",
    "group_index",
    "group_name",
    "members_of",
    "roles_of_infer",
    "template_hash",
]

NAME = "modelinfer.matrixinfer.ai/name"
GROUP = "modelinfer.matrixinfer.ai/group-name"
ROLE = "modelinfer.matrixinfer.ai/role"
ROLE_ID = "modelinfer.matrixinfer.ai/role-id"
REVISION = "modelinfer.matrixinfer.ai/revision"
ENTRY = "modelinfer.matrixinfer.ai/entry"


def roles_of_infer(infer: Plain) -> Sequence[Plain]:
    """The roles in a ModelInfer's template."""
    return rows(mapping(mapping(infer.get("spec")).get("template")).get("roles"))


def template_hash(infer: Plain) -> str:
    """A hash of the roles that does not change with the number of their replicas."""
    return revision(
        [
            {key: value for key, value in role.items() if key != "replicas"}
            for role in roles_of_infer(infer)
        ]
    )


def group_name(infer: Plain, index: int) -> str:
    """What a group is called."""
    return f"{key_of(infer)[1]}-{index}"


def group_index(infer: Plain, pod: Plain) -> int | None:
    """The group that a pod belongs to."""
    prefix = f"{key_of(infer)[1]}-"
    name = labels_of(pod).get(GROUP, "")
    number = name.removeprefix(prefix)
    return int(number) if name.startswith(prefix) and number.isdecimal() else None


class Member(Struct, frozen=True):
    """A pod of a group."""

    infer: Plain
    group: int
    role: Plain
    replica: int
    number: int
    """0 for the entry pod, from 1 on for workers."""

    @property
    def role_id(self) -> str:
        """The replica of the role."""
        return f"{text(self.role.get('name'))}-{self.replica}"

    @property
    def name(self) -> str:
        """The name of the pod."""
        return f"{self._stem}-{self.number}"

    @property
    def service(self) -> dict[str, Any] | None:
        """The headless Service of an entry pod whose role has a template for workers."""
        if self.number or not mapping(self.role.get("workerTemplate")):
            return None
        selector = {GROUP: group_name(self.infer, self.group), **self._role_labels()}
        return {
            "metadata": {
                "name": self.name,
                "namespace": key_of(self.infer)[0],
                "labels": selector,
                "ownerReferences": [owner_reference(self.infer, controller=True)],
            },
            "spec": {
                "clusterIP": "None",
                "publishNotReadyAddresses": True,
                "selector": {**selector, ENTRY: "true"},
            },
        }

    def pod(self, hash_: str) -> dict[str, Any]:
        """The pod."""
        template = mapping(self.role.get("workerTemplate" if self.number else "entryTemplate"))
        given = mapping(mapping(template.get("metadata")).get("labels"))
        spec = dict(mapping(template.get("spec")))
        for kind in ("initContainers", "containers"):
            if kind in spec:
                spec[kind] = [self._with_environment(each) for each in rows(spec[kind])]
        labels = {
            NAME: key_of(self.infer)[1],
            GROUP: group_name(self.infer, self.group),
            **self._role_labels(),
            REVISION: hash_,
        }
        if not self.number:
            labels[ENTRY] = "true"
        metadata: dict[str, Any] = {
            "name": self.name,
            "namespace": key_of(self.infer)[0],
            "labels": {**labels, **given},
            "ownerReferences": [owner_reference(self.infer, controller=True)],
        }
        if "gangSchedule" in mapping(mapping(self.infer.get("spec")).get("template")):
            metadata["annotations"] = {
                "scheduling.k8s.io/group-name": group_name(self.infer, self.group),
                "volcano.sh/task-spec": text(self.role.get("name")),
            }
        return {"metadata": metadata, "spec": spec}

    @property
    def _stem(self) -> str:
        return f"{group_name(self.infer, self.group)}-{self.role_id}"

    def _role_labels(self) -> Mapping[str, str]:
        return {ROLE: text(self.role.get("name")), ROLE_ID: self.role_id}

    def _with_environment(self, container: Plain) -> dict[str, Any]:
        workers = self.role.get("workerReplicas", 0)
        own = {
            "GROUP_SIZE": str(workers + 1),
            "ENTRY_ADDRESS": f"{self._stem}-0.{key_of(self.infer)[0]}",
            "WORKER_INDEX": str(self.number),
        }
        kept = [row for row in rows(container.get("env")) if row.get("name") not in own]
        added = [{"name": name, "value": value} for name, value in own.items()]
        return {**container, "env": [*kept, *added]}


def members_of(infer: Plain, group: int) -> Iterator[Member]:
    """The pods that a group should have, as far as there are templates for them."""
    for role in roles_of_infer(infer):
        workers = role.get("workerReplicas", 0) if mapping(role.get("workerTemplate")) else 0
        for replica in range(role.get("replicas", 1)):
            for number in range(1 + max(0, workers)):
                yield Member(infer, group, role, replica, number)


def expected_pods(infer: Plain) -> int:
    """How many pods must be ready in a group, those without a template included."""
    return sum(
        (1 + role.get("workerReplicas", 0)) * role.get("replicas", 1)
        for role in roles_of_infer(infer)
    )
