"""What the API server knows a kind by: data only, so that every verb can be written once."""

from __future__ import annotations

import attrs

__all__ = ["Kind"]


@attrs.frozen(kw_only=True)
class Kind:
    """The names, scope and abilities of one resource, as the server's discovery document has them.

    `group` is empty for the core group. `subresources` are names such as `status` or `scale`.
    `verbs` are those of Kubernetes discovery (`get`, `list`, `deletecollection`, ...).
    `list_kind` defaults to the kind with `List` appended, as in every CustomResourceDefinition
    that does not say otherwise.
    """

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool = True
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    list_kind: str = attrs.field(
        default=attrs.Factory(lambda self: f"{self.kind}List", takes_self=True)
    )

    @property
    def api_version(self) -> str:
        """`group/version`, or the bare version in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """`plural.group`, the name that RBAC rules, kubectl and CRD objects use."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}/{self.version}" if self.group else self.kind
