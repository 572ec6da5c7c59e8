"""One cached credential: when it is used, when it is replaced, and by which of many threads.

A source that has to do work for a credential (read a file, run a plugin, ask an issuer) holds a
`Renewal` and passes it the function that does the work. Threads that want a credential at the same
time share one run of that function, and its failure as well: sixteen threads behind a plugin that
hangs wait for one time limit, not for sixteen.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING

import attrs

from matrixinfer_client.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable

    from matrixinfer_client.config.values import Credential

__all__ = ["Issued", "Renewal"]

_LOG = logging.getLogger("matrixinfer_client.config")

# Renewed this long before the end, so that a request that is under way does not outlive it.
_MARGIN = 60.0
# After a failed early renewal the old credential, still valid, is used this long before a new try.
_RETRY = 10.0


@attrs.frozen
class Issued:
    """A credential fresh from its origin."""

    credential: Credential
    expires_at: float | None = None
    """End of its validity in seconds since the epoch; None when it has none."""
    reread_after: float | None = None
    """Seconds after which the origin is to be looked at again although nothing expired."""


class Renewal:
    """The credential at hand, and the lock under which it is replaced.

    Copies and pickles start empty: a credential is worth nothing elsewhere once it is replaced
    here, and a lock cannot travel.
    """

    __slots__ = ("_count", "_failure", "_issued", "_lock", "_pid", "_renew_at", "_since", "clock")

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._issued: Issued | None = None
        self._since = 0.0
        self._renew_at: float | None = None
        self._failure: str | None = None
        self._count = 0
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[Renewal], tuple[Callable[[], float]]]:
        return Renewal, (self.clock,)

    def current(self) -> Credential | None:
        """The credential at hand while it needs no renewal, without waiting for anybody."""
        issued, since, renew_at = self._issued, self._since, self._renew_at
        if issued is None:
            return None
        now = self.clock()
        # A clock that was set back says nothing about the age, so ask again.
        if renew_at is not None and not since <= now < renew_at:
            return None
        return issued.credential

    def fetch(self, renew: Callable[[], Issued], rejected: Credential | None) -> Credential:
        """The credential at hand, or what `renew` issues when that is rejected or too old."""
        if self._pid != os.getpid():
            # A child of a fork: the thread that may have held the lock does not exist here.
            self._lock, self._pid = threading.Lock(), os.getpid()
        seen = self._count
        with self._lock:
            shared = self._count != seen
            if shared and self._failure is not None:
                raise CredentialError(self._failure)
            current = self.current()
            if current is not None and (shared or current != rejected):
                return current
            return self._renew(renew, rejected)

    def _renew(self, renew: Callable[[], Issued], rejected: Credential | None) -> Credential:
        failure: str | None = None
        try:
            issued = renew()
        except CredentialError as error:
            usable = self._still_valid(rejected)
            if usable is None:
                self._issued, failure = None, str(error)
                raise
            _LOG.warning("using the credential at hand, it could not be renewed: %s", error)
            return usable
        finally:
            self._failure = failure
            self._count += 1
        self._accept(issued)
        return issued.credential

    def _accept(self, issued: Issued) -> None:
        now = self.clock()
        lifetime = [] if issued.reread_after is None else [issued.reread_after]
        if issued.expires_at is not None:
            left = issued.expires_at - now
            # A plugin with a cache of its own may hand out what is about to end; renewing on
            # every request would not change that, so half of what is left is used.
            lifetime.append(max(left - _MARGIN, left / 2))
        self._since = now
        self._renew_at = now + min(lifetime) if lifetime else None
        self._issued = issued

    def _still_valid(self, rejected: Credential | None) -> Credential | None:
        issued, now = self._issued, self.clock()
        if issued is None or issued.credential == rejected:
            return None
        if issued.expires_at is not None and issued.expires_at <= now:
            return None
        pause = _RETRY
        if issued.expires_at is not None:
            pause = min(pause, (issued.expires_at - now) / 2)
        self._since, self._renew_at = now, now + pause
        return issued.credential
