"""The resources that the fake API server serves: the document's kinds, and plain core objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

import attrs

from matrixinfer_client.kinds import Kind
from matrixinfer_client.validation.schemas import KindSchema, document, kind_schema, kinds

__all__ = ["Catalog", "ResourceType", "catalog"]

_ALL_VERBS: Final = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)


@attrs.frozen(kw_only=True, eq=False)
class ResourceType:
    """One resource. Custom ones have a schema; core objects are kept as they are sent."""

    kind: Kind
    schema: KindSchema | None = None
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    stored: bool = True
    """False for reviews, which are answered and forgotten."""

    @property
    def key(self) -> tuple[str, str]:
        """Group and plural."""
        return self.kind.group, self.kind.plural

    @property
    def custom(self) -> bool:
        """Whether a CustomResourceDefinition defines it."""
        return self.schema is not None

    @property
    def counts_generations(self) -> bool:
        """Whether a change of the spec raises `metadata.generation`."""
        return self.custom or self.kind.kind == "Pod"


@attrs.frozen
class Catalog:
    """All resources, found by their place in a path or by their kind."""

    types: tuple[ResourceType, ...]
    _by_path: Mapping[tuple[str, str, str], ResourceType]
    _by_kind: Mapping[tuple[str, str], ResourceType]

    @classmethod
    def of(cls, types: Iterable[ResourceType]) -> Catalog:
        """The catalog of these resources."""
        found = tuple(types)
        return cls(
            found,
            {(each.kind.group, each.kind.version, each.kind.plural): each for each in found},
            {(each.kind.api_version, each.kind.kind): each for each in found},
        )

    def at(self, group: str, version: str, plural: str) -> ResourceType | None:
        """The resource of a path."""
        return self._by_path.get((group, version, plural))

    def of_kind(self, api_version: str, kind: str) -> ResourceType | None:
        """The resource of an object."""
        return self._by_kind.get((api_version, kind))

    def groups(self) -> Mapping[str, str]:
        """The version of each API group, in the order in which discovery names them."""
        return {each.kind.group: each.kind.version for each in self.types}


@cache
def catalog() -> Catalog:
    """The resources of every fake API server."""
    return Catalog.of([*_core(), *_custom()])


def _custom() -> Iterable[ResourceType]:
    components = document()["components"]["schemas"]
    for name, component in kinds().items():
        schema = kind_schema(name)
        resource = components[component]["x-kubernetes-custom-resource"]
        kind = Kind(
            group=schema.group,
            version=schema.version,
            kind=schema.kind,
            plural=schema.plural,
            singular=resource.get("singular", schema.kind.lower()),
            list_kind=resource.get("listKind", f"{schema.kind}List"),
            namespaced=schema.namespaced,
            subresources=tuple(resource.get("subresources", ())),
            verbs=_ALL_VERBS,
        )
        yield ResourceType(
            kind=kind,
            schema=schema,
            short_names=tuple(resource.get("shortNames", ())),
            categories=tuple(resource.get("categories", ())),
        )


def _core() -> Iterable[ResourceType]:
    rbac, authorization = "rbac.authorization.k8s.io", "authorization.k8s.io"
    yield _plain("", "v1", "ConfigMap", "configmaps", short=("cm",))
    yield _plain("", "v1", "Event", "events", short=("ev",))
    yield _plain("", "v1", "Namespace", "namespaces", short=("ns",), sub=("status", "finalize"))
    yield _plain("", "v1", "Node", "nodes", short=("no",), sub=("status",))
    yield _plain("", "v1", "Pod", "pods", short=("po",), sub=("status", "log", "binding"))
    yield _plain("", "v1", "ResourceQuota", "resourcequotas", short=("quota",), sub=("status",))
    yield _plain("", "v1", "Secret", "secrets")
    yield _plain("", "v1", "Service", "services", short=("svc",), sub=("status",))
    yield _plain("", "v1", "ServiceAccount", "serviceaccounts", short=("sa",))
    crd = "CustomResourceDefinition"
    yield _plain(
        "apiextensions.k8s.io",
        "v1",
        crd,
        "customresourcedefinitions",
        short=("crd", "crds"),
        sub=("status",),
    )
    for review, plural in (
        ("SelfSubjectAccessReview", "selfsubjectaccessreviews"),
        ("SelfSubjectRulesReview", "selfsubjectrulesreviews"),
    ):
        yield _review(authorization, review, plural)
    yield _review("authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews")
    yield _plain(rbac, "v1", "ClusterRole", "clusterroles")
    yield _plain(rbac, "v1", "ClusterRoleBinding", "clusterrolebindings")
    yield _plain(rbac, "v1", "Role", "roles")
    yield _plain(rbac, "v1", "RoleBinding", "rolebindings")


_CLUSTER_WIDE: Final = frozenset(
    {"Namespace", "Node", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}
)

_CATEGORIES: Final[Mapping[str, tuple[str, ...]]] = {
    "CustomResourceDefinition": ("api-extensions",),
    "Pod": ("all",),
    "Service": ("all",),
}


def _plain(
    group: str,
    version: str,
    kind: str,
    plural: str,
    *,
    short: tuple[str, ...] = (),
    sub: tuple[str, ...] = (),
) -> ResourceType:
    verbs = tuple(verb for verb in _ALL_VERBS if (kind, verb) != ("Namespace", "deletecollection"))
    found = Kind(
        group=group,
        version=version,
        kind=kind,
        plural=plural,
        singular=kind.lower(),
        namespaced=kind not in _CLUSTER_WIDE,
        subresources=sub,
        verbs=verbs,
    )
    return ResourceType(kind=found, short_names=short, categories=_CATEGORIES.get(kind, ()))


def _review(group: str, kind: str, plural: str) -> ResourceType:
    found = Kind(
        group=group,
        version="v1",
        kind=kind,
        plural=plural,
        singular=kind.lower(),
        namespaced=False,
        verbs=("create",),
    )
    return ResourceType(kind=found, stored=False)
