"""Rules for AutoscalingPolicy, also where it is embedded in a Model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from matrixinfer_client.validation.access import block
from matrixinfer_client.validation.durations import DurationError, parse_duration
from matrixinfer_client.validation.linting.registry import Hit, Subject, rule
from matrixinfer_client.validation.rendering import Parts

__all__: list[str] = []

# Absent or given in part, `percent` is 100 and `selectPolicy` Or.
_STABLE_FIELDS = ("instances", "period")


def _behavior(spec: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return block(spec, "behavior")


def _stable_blocks(spec: Mapping[str, Any] | None) -> Iterator[tuple[Parts, Mapping[str, Any]]]:
    behavior = _behavior(spec)
    place: Parts = ("spec", "behavior")
    if behavior.get("scaleDown") is not None:
        yield (*place, "scaleDown"), behavior["scaleDown"]
    stable = block(behavior, "scaleUp").get("stablePolicy")
    if stable is not None:
        yield (*place, "scaleUp", "stablePolicy"), stable


@rule("MI030", "info", "AutoscalingPolicy", "A block that is given in part")
def partial_block(subject: Subject) -> Iterator[Hit]:
    for place, given in _stable_blocks(subject.given):
        missing = [field for field in _STABLE_FIELDS if given.get(field) is None]
        if missing:
            down = place[-1] == "scaleDown"
            yield Hit(
                place,
                f"A block that is there gets instances 1 and period 15s for what it "
                f"leaves out ({', '.join(missing)}); a block that is absent gets instances "
                f"{0 if down else 4} and period 1m.",
                "give all fields, or leave the whole block out.",
            )


@rule("MI031", "warning", "AutoscalingPolicy", "A limit that allows no step")
def no_step(subject: Subject) -> Iterator[Hit]:
    for place, given in _stable_blocks(subject.given):
        instances, percent = given.get("instances", 1), given.get("percent", 100)
        both = given.get("selectPolicy", "Or") == "And"
        allows = (instances > 0 and percent > 0) if both else (instances > 0 or percent > 0)
        if not allows:
            yield Hit(
                place,
                f"instances {instances} and percent {percent} with selectPolicy "
                f"{'And' if both else 'Or'} allow a step of nothing, so it never scales.",
                "raise the limit that is 0, or use selectPolicy Or.",
            )


@rule("MI032", "warning", "AutoscalingPolicy", "A panic policy that is switched off")
def panic_off(subject: Subject) -> Iterator[Hit]:
    panic = block(_behavior(subject.given), "scaleUp").get("panicPolicy")
    hold = None if panic is None else panic.get("panicModeHold")
    try:
        is_off = hold is not None and parse_duration(hold) == 0
    except DurationError:
        return
    if is_off:
        yield Hit(
            ("spec", "behavior", "scaleUp", "panicPolicy", "panicModeHold"),
            "A hold of 0 switches panic mode off; the rest of the block has no effect.",
            "set a time such as `60s`, or leave `panicPolicy` out.",
        )


@rule("MI033", "info", "AutoscalingPolicy", "A panic policy that is switched on by default")
def panic_on(subject: Subject) -> Iterator[Hit]:
    panic = block(_behavior(subject.given), "scaleUp").get("panicPolicy")
    if panic is not None and panic.get("panicModeHold") is None:
        yield Hit(
            ("spec", "behavior", "scaleUp", "panicPolicy", "panicModeHold"),
            "Without the block panic mode is off; with the block and without `panicModeHold` it is "
            "on, and holds for 60s.",
            "say it: `panicModeHold: 60s`.",
        )
