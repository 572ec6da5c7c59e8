"""Asking the server what the caller may do: the methods of a connection, in both modes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matrixinfer_client.drivers import AsyncDriver, Driver
    from matrixinfer_client.names import NamespaceArg
    from matrixinfer_client.rbac import Decision, Feature, Permission
    from matrixinfer_client.targets import Options

__all__ = ["AsyncReviews", "Reviews"]


class Reviews:
    """Questions about permissions, answered by the server's authorizer."""

    driver: Driver
    options: Options

    def can_i(
        self,
        verb: str,
        resource: str,
        *,
        group: str | None = None,
        namespace: NamespaceArg = None,
        name: str | None = None,
    ) -> Decision:
        """Whether this client may do something; the result is true or false, with the reason.

        Args:
            verb: A Kubernetes verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`,
                `deletecollection`.
            resource: A plural, also with its group or a subresource: `models`, `models/status`,
                `deployments.apps`.
            group: The API group. Default: MatrixInfer's for its six resources, else the core group.
            namespace: Where; `ALL_NAMESPACES` asks for all. Default: the client's namespace.
            name: One object instead of any.
        """
        from matrixinfer_client import rbac  # noqa: PLC0415 - most programs never ask

        flow = rbac.can_i(self.options, verb, resource, group=group, namespace=namespace, name=name)
        return self.driver.run(flow)

    def missing_permissions(
        self, feature: Feature, *, namespace: NamespaceArg = None
    ) -> list[Permission]:
        """What this client lacks for a feature; empty when all of it will be allowed.

        It sends one SelfSubjectAccessReview for each permission: 8 to 80.

        Args:
            feature: `read`, `watch` (also informers), `write`, `apply`, `delete`, `status`, `wait`
                (with the diagnosis that ends a failed wait), `diagnose` or `all`.
            namespace: As for `can_i`.
        """
        from matrixinfer_client import rbac  # noqa: PLC0415

        return self.driver.run(rbac.missing_permissions(self.options, feature, namespace))


class AsyncReviews:
    """Questions about permissions, for asyncio; `Reviews` documents them."""

    driver: AsyncDriver
    options: Options

    async def can_i(
        self,
        verb: str,
        resource: str,
        *,
        group: str | None = None,
        namespace: NamespaceArg = None,
        name: str | None = None,
    ) -> Decision:
        """See `Client.can_i`."""
        from matrixinfer_client import rbac  # noqa: PLC0415

        flow = rbac.can_i(self.options, verb, resource, group=group, namespace=namespace, name=name)
        return await self.driver.run(flow)

    async def missing_permissions(
        self, feature: Feature, *, namespace: NamespaceArg = None
    ) -> list[Permission]:
        """See `Client.missing_permissions`."""
        from matrixinfer_client import rbac  # noqa: PLC0415

        return await self.driver.run(rbac.missing_permissions(self.options, feature, namespace))
