"""Who may do what: impersonation, RBAC rules, and the reviews that answer questions about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matrixinfer_client.testing.exchange import Call, Caller
from matrixinfer_client.testing.routing import Ask
from matrixinfer_client.testing.state import State

__all__ = ["authorize", "impersonated", "review"]


def impersonated(state: State, call: Call) -> Caller:
    """Whom the request acts for."""
    return call.caller


def authorize(state: State, ask: Ask) -> None:
    """Refuse what no rule allows."""


def review(state: State, ask: Ask) -> Mapping[str, Any]:
    """The answer to a review."""
    return {}
