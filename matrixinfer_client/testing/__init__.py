"""A MatrixInfer API server in one process, for tests and for notebooks without a cluster.

```python
from matrixinfer_client.testing import FakeCluster, error

with FakeCluster(simulate=True) as cluster:
    client = cluster.client()
    cluster.inject(error(429, retry_after=1), verb="create")
```

`FakeCluster` behaves as kube-apiserver with the platform's definitions and webhooks does; one suite
of tests runs against both. For pytest there are the fixtures `fake_cluster`, `fake_client` and
`async_fake_client`. Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matrixinfer_client.testing.actions import Action
    from matrixinfer_client.testing.cluster import FakeCluster
    from matrixinfer_client.testing.exchange import Call
    from matrixinfer_client.testing.faults import (
        Fault,
        conflict,
        cut,
        delay,
        error,
        expired,
        expired_event,
        lost,
        no_bookmarks,
        one_of,
        stall,
        too_many_requests,
    )
    from matrixinfer_client.testing.injecting import Injection
    from matrixinfer_client.testing.serving import Served, TlsUnavailableError
    from matrixinfer_client.testing.simulation import Failure, FailureMode, Node, Simulation

__all__ = [
    "Action",
    "Call",
    "Failure",
    "FailureMode",
    "FakeCluster",
    "Fault",
    "Injection",
    "Node",
    "Served",
    "Simulation",
    "TlsUnavailableError",
    "conflict",
    "cut",
    "delay",
    "error",
    "expired",
    "expired_event",
    "lost",
    "no_bookmarks",
    "one_of",
    "stall",
    "too_many_requests",
]

_HOMES = {
    "Action": "actions",
    "Call": "exchange",
    "Failure": "simulation",
    "FailureMode": "simulation",
    "FakeCluster": "cluster",
    "Injection": "injecting",
    "Node": "simulation",
    "Served": "serving",
    "Simulation": "simulation",
    "TlsUnavailableError": "serving",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Those that are not listed are faults.
    value: object = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'faults')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
