"""The linter: `lint`, its findings and its rules.

A rule is a function that is registered under a code, in the module of its kind; importing those
modules here is what makes the set complete.
"""

from matrixinfer_client.validation.linting import (
    binding,
    common,
    engine,
    infer,
    model,
    policy,
    route,
    server,
)
from matrixinfer_client.validation.linting.registry import RULES, Finding, Findings, Rule, Severity
from matrixinfer_client.validation.linting.running import INVALID, lint

__all__ = ["INVALID", "RULES", "Finding", "Findings", "Rule", "Severity", "lint"]

# The modules register their rules when they are imported; nothing else of them is needed.
del binding, common, engine, infer, model, policy, route, server
