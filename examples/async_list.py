"""List the objects of all six kinds in all namespaces, six requests at once.

    python examples/async_list.py

It only reads, from the cluster that kubectl would talk to.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from matrixinfer_client import (
    ALL_NAMESPACES,
    ApiList,
    AsyncClient,
    MatrixInferError,
)


async def collections(client: AsyncClient) -> Sequence[ApiList[Any]]:
    """Each kind's collection; the requests run concurrently."""
    registry = client.registry_v1alpha1
    workload = client.workload_v1alpha1
    networking = client.networking_v1alpha1
    return await asyncio.gather(
        registry.models(ALL_NAMESPACES).list(),
        registry.autoscaling_policies(ALL_NAMESPACES).list(),
        registry.autoscaling_policy_bindings(ALL_NAMESPACES).list(),
        workload.model_infers(ALL_NAMESPACES).list(),
        networking.model_servers(ALL_NAMESPACES).list(),
        networking.model_routes(ALL_NAMESPACES).list(),
    )


async def main() -> int:
    """Print one line per kind and one per object."""
    try:
        async with AsyncClient() as client:
            found = await collections(client)
    except MatrixInferError as error:
        print(f"async_list: {error}", file=sys.stderr)
        return 1
    for collection in found:
        print(f"{collection.kind.removesuffix('List')}: {len(collection)}")
        for item in collection:
            print(f"  {item.namespace}/{item.name}")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
