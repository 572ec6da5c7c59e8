"""How long ago something was, in the few characters that the API server's tables have for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from matrixinfer_client.times import parse

__all__ = ["age", "human_duration"]

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_YEAR = 365 * _DAY


def age(timestamp: object, now: datetime) -> str:
    """The time since a timestamp; `<unknown>` without one."""
    moment = parse(timestamp) if isinstance(timestamp, str) else None
    return human_duration(now - moment) if isinstance(moment, datetime) else "<unknown>"


def human_duration(elapsed: timedelta) -> str:
    """One unit or two, fewer the longer it is: `95s`, `4m30s`, `5h10m`, `3d4h`, `2y30d`.

    A clock that runs a little behind is forgiven; more than a second of future is `<invalid>`.
    """
    # Towards zero, as the server cuts it off.
    seconds = int(elapsed.total_seconds())
    if seconds < -1:
        return "<invalid>"
    if seconds < 2 * _MINUTE:
        return f"{max(seconds, 0)}s"
    if seconds < 3 * _HOUR:
        return _units(seconds, _MINUTE, "m", 1, "s", until=10)
    if seconds < 2 * _DAY:
        return _units(seconds, _HOUR, "h", _MINUTE, "m", until=8)
    if seconds < 2 * _YEAR:
        return _units(seconds, _DAY, "d", _HOUR, "h", until=8)
    return _units(seconds, _YEAR, "y", _DAY, "d", until=8)


def _units(seconds: int, large: int, name: str, small: int, minor: str, *, until: int) -> str:
    """The number of the large unit, and below `until` of them that of the small one."""
    count, rest = divmod(seconds, large)
    rest //= small
    return f"{count}{name}{rest}{minor}" if rest and count < until else f"{count}{name}"
