"""`validate`: what the API server and the platform's webhooks would say, without a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from matrixinfer_client import codec
from matrixinfer_client.models import ApiModel
from matrixinfer_client.validation.objects import Checks, check_object, identity_errors
from matrixinfer_client.validation.references import Together
from matrixinfer_client.validation.results import FieldError, Report
from matrixinfer_client.validation.sources import Given, Source, read

__all__ = ["validate"]


def validate(
    source: Source,
    *,
    old: ApiModel | Mapping[str, Any] | None = None,
    strict: bool = True,
    cel: bool = True,
    webhooks: bool = True,
    policies: Callable[[str, str | None], bool] | None = None,
    other_kinds: Literal["error", "ignore"] = "error",
) -> Report:
    """The field errors with which a cluster would refuse these objects; empty when it would not.

    `source` is a typed object, a mapping, the path of a YAML or JSON file or of a directory of
    them, an open file, or several of these. An object goes through the stages of the
    API server in its order: unknown and duplicate fields (`strict`), defaults of the schema,
    the mutating webhooks, the schema with the rules for names and metadata, CEL rules, and the
    validating webhooks, which run only if all before was in order. Nothing is changed or sent.

    `old` is the stored object when one object is to be updated: it brings rules about changes
    (`modelName is immutable`), and what was wrong before and stays as it is is forgiven.
    `strict=False` leaves unknown fields unreported, as `fieldValidation=Ignore` does;
    `webhooks=False` is a cluster without the platform's webhooks; `cel=False` leaves CEL rules
    out. `policies(name, namespace)` says whether an AutoscalingPolicy is in the cluster;
    without it, bindings are compared with the policies given together with them, if there are any.
    `other_kinds="ignore"` passes over objects that are not of MatrixInfer.

    Raises `ManifestError` for a path that cannot be read, and `CelUnavailableError` when a kind
    has CEL rules and the extra `validate` is not installed. The rules and texts are those of
    Kubernetes 1.33 and 1.34 and of the platform's webhooks.
    """
    given = list(read(source))
    stored = None if old is None else codec.to_dict(old)
    if stored is not None and len(given) != 1:
        raise ValueError(f"old belongs to one object, but {len(given)} were given")
    together = Together([each.obj for each in given])
    report = Report(each.problem for each in given if each.problem is not None)
    for each in given:
        if each.problem is None:
            exists = together.policy_lookup(each.obj, policies)
            checks = Checks(strict=strict, cel=cel, webhooks=webhooks, policy_exists=exists)
            found = _check(each, stored, checks, ignore_others=other_kinds == "ignore")
            report += [each.placed(error) for error in found]
    report += [given[index].placed(error) for index, error in together.repeated()]
    return report


def _check(
    given: Given, old: Mapping[str, Any] | None, checks: Checks, *, ignore_others: bool
) -> list[FieldError]:
    errors = identity_errors(given.obj)
    if not errors:
        return check_object(given.obj, old, checks)
    api_version = given.obj.get("apiVersion")
    is_other = isinstance(api_version, str) and ".matrixinfer.ai/" not in api_version
    return [] if ignore_others and is_other and api_version else errors
