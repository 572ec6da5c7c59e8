"""Who owns which fields: `metadata.managedFields` and server-side apply, as kube-apiserver does it.

Pure functions of what is stored and what is sent: `track` for creates, updates and patches,
`apply` for server-side apply, `keep_times` at the end of both.
"""

from __future__ import annotations

from matrixinfer_client.testing.apiserver.ownership.applying import apply
from matrixinfer_client.testing.apiserver.ownership.conflicts import (
    ApplyConflictError,
    Conflict,
    TypedError,
)
from matrixinfer_client.testing.apiserver.ownership.entries import keep_times
from matrixinfer_client.testing.apiserver.ownership.fieldsets import FieldSet
from matrixinfer_client.testing.apiserver.ownership.tracking import track

__all__ = [
    "ApplyConflictError",
    "Conflict",
    "FieldSet",
    "TypedError",
    "apply",
    "keep_times",
    "track",
]
