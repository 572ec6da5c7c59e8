"""Credentials from a program: `user.exec` of a kubeconfig, as client-go runs it.

The contract with the program is `client.authentication.k8s.io`, v1 and v1beta1: it is told about
itself in `KUBERNETES_EXEC_INFO` and prints an `ExecCredential`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import attrs

from matrixinfer_client.config.renewal import Issued, Renewal
from matrixinfer_client.config.tokens import bearer, os_reason
from matrixinfer_client.config.values import ClientCertificate, Credential
from matrixinfer_client.errors import ConfigError, CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["API_VERSIONS", "INTERACTIVE_MODES", "ExecPlugin"]

API_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
INTERACTIVE_MODES = ("Never", "IfAvailable", "Always")

# Enough of what the program complained about to act on, not enough to bury the message.
_STDERR_LIMIT = 2000
# A person who logs in needs longer than a program.
_INTERACTIVE_FACTOR = 5


@attrs.frozen
class ExecPlugin:
    """A program that prints a token, a client certificate, or both.

    What it prints is kept until a minute before its `expirationTimestamp`, without one until it
    is refused (401), then the program runs again; threads that need it together share one run.
    Its stdin is the terminal when there is one and `interactive_mode` allows it, and then its
    stderr goes to the terminal as well; otherwise the end of its stderr is part of the error.
    Every failure is a `CredentialError`, which never quotes stdout or values of `env`.
    """

    command: str
    """Name on `PATH`, or a path."""
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    """Added to this process's environment."""
    api_version: str = API_VERSIONS[0]
    interactive_mode: str = "IfAvailable"
    install_hint: str | None = None
    """Shown when the command does not exist."""
    cluster_info: str | None = attrs.field(default=None, repr=False)
    """JSON for `spec.cluster` of `KUBERNETES_EXEC_INFO` (`provideClusterInfo`)."""
    timeout: float = 60.0
    """Seconds one run may take, five times as long when it has a terminal. Default 60."""
    source: str = attrs.field(default="exec plugin", eq=False)
    clock: Callable[[], float] = attrs.field(default=time.time, eq=False, repr=False, kw_only=True)
    _renewal: Renewal = attrs.field(
        default=attrs.Factory(lambda self: Renewal(self.clock), takes_self=True),
        init=False,
        eq=False,
        repr=False,
    )

    def __attrs_post_init__(self) -> None:
        if not self.command:
            raise ConfigError(f"{self.source}: exec has no command")
        if self.api_version not in API_VERSIONS:
            raise ConfigError(
                f"{self.source}: exec.apiVersion {self.api_version!r} is not supported, only "
                f"{' and '.join(API_VERSIONS)}; update the plugin and the kubeconfig"
            )
        if self.interactive_mode not in INTERACTIVE_MODES:
            raise ConfigError(
                f"{self.source}: exec.interactiveMode {self.interactive_mode!r} is none of "
                f"{', '.join(INTERACTIVE_MODES)}"
            )

    def current(self) -> Credential | None:
        """See `CredentialSource`."""
        return self._renewal.current()

    def fetch(self, rejected: Credential | None = None) -> Credential:
        """See `CredentialSource`."""
        return self._renewal.fetch(self._issue, rejected)

    def _issue(self) -> Issued:
        interactive = self._is_interactive()
        program = shutil.which(self.command)
        if program is None:
            raise self._error(_why_not_found(self.command), hint=True)
        stdout = self._run(program, interactive=interactive)
        status = self._status(stdout)
        expires_at = self._expiry(status)
        if expires_at is not None and expires_at <= self.clock():
            raise self._error(
                f"it returned a credential that expired at {status['expirationTimestamp']}"
            )
        return Issued(self._credential(status), expires_at=expires_at)

    def _is_interactive(self) -> bool:
        terminal = _is_terminal()
        if self.interactive_mode == "Always" and not terminal:
            raise self._error(
                "it has interactiveMode Always and standard input is not a terminal; run it in a "
                "terminal first, or use a credential that needs no person"
            )
        return terminal and self.interactive_mode != "Never"

    def _environment(self, *, interactive: bool) -> dict[str, str]:
        spec: dict[str, Any] = {"interactive": interactive}
        if self.cluster_info is not None:
            spec["cluster"] = json.loads(self.cluster_info)
        info = {"kind": "ExecCredential", "apiVersion": self.api_version, "spec": spec}
        return {**os.environ, **dict(self.env), "KUBERNETES_EXEC_INFO": json.dumps(info)}

    def _run(self, program: str, *, interactive: bool) -> bytes:
        timeout = self.timeout * (_INTERACTIVE_FACTOR if interactive else 1)
        try:
            process = subprocess.Popen(  # noqa: S603 - running what the kubeconfig names is the task
                [program, *self.args],
                env=self._environment(interactive=interactive),
                stdin=None if interactive else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=None if interactive else subprocess.PIPE,
                # Alone in a session it can be ended with all its children, and cannot wait for
                # an answer on a terminal that nobody looks at.
                start_new_session=not interactive,
            )
        except OSError as error:
            raise self._error(f"it cannot be started: {os_reason(error)}", hint=True) from error
        except ValueError:
            raise self._error("args or env contain a null character") from None
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            left = _end(process, group=not interactive)
            raise self._error(f"it took longer than {timeout:g} seconds", left) from None
        except BaseException:
            _end(process, group=not interactive)
            raise
        if process.returncode != 0:
            raise self._error(_ending(process.returncode), stderr)
        if not stdout.strip():
            raise self._error("it printed nothing", stderr)
        return stdout

    def _status(self, stdout: bytes) -> dict[str, Any]:
        try:
            document: object = json.loads(stdout)
        except ValueError:
            # Not chained: the original error holds all of the output.
            raise self._error("its output is not JSON") from None
        if not isinstance(document, dict):
            raise self._error("its output is not a JSON object")
        fields = cast("dict[str, Any]", document)
        if fields.get("kind") != "ExecCredential":
            raise self._error("its output is not an ExecCredential (kind)")
        if fields.get("apiVersion") != self.api_version:
            raise self._error(
                f"it is configured for {self.api_version} and answered with "
                f"{_shown(fields.get('apiVersion'))}; correct apiVersion in the kubeconfig"
            )
        status = fields.get("status")
        if not isinstance(status, dict):
            raise self._error("its output has no status")
        return cast("dict[str, Any]", status)

    def _credential(self, status: dict[str, Any]) -> Credential:
        token, certificate, key = (
            self._field(status, name)
            for name in ("token", "clientCertificateData", "clientKeyData")
        )
        if bool(certificate) != bool(key):
            missing = "clientKeyData" if certificate else "clientCertificateData"
            raise self._error(f"its output has no {missing}; a certificate and its key go together")
        if not token and not certificate:
            raise self._error("its output has neither token nor clientCertificateData")
        return Credential(
            bearer(token, str(self._error("its output"))).authorization if token else None,
            ClientCertificate(certificate.encode(), key.encode(), self._name())
            if certificate and key
            else None,
        )

    def _field(self, status: dict[str, Any], name: str) -> str | None:
        value = status.get(name)
        if value is not None and not isinstance(value, str):
            raise self._error(f"status.{name} of its output is not a string")
        return value

    def _expiry(self, status: dict[str, Any]) -> float | None:
        text = self._field(status, "expirationTimestamp")
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise self._error("status.expirationTimestamp of its output is not an RFC 3339 time")
        return moment.timestamp()

    def _name(self) -> str:
        return f"{self.source}: exec plugin `{shlex.join([self.command, *self.args])}`"

    def _error(
        self, problem: str, stderr: bytes | None = None, *, hint: bool = False
    ) -> CredentialError:
        message = f"{self._name()}: {problem}"
        tail = (stderr or b"").decode("utf-8", "replace").strip()
        if tail:
            cut = "…" if len(tail) > _STDERR_LIMIT else ""
            message += f"\nstderr: {cut}{tail[-_STDERR_LIMIT:]}"
        if hint and self.install_hint:
            message += f"\n{self.install_hint.strip()}"
        return CredentialError(message)


def _is_terminal() -> bool:
    # The descriptor and not `sys.stdin`: that is what the program inherits.
    try:
        return os.isatty(0)
    except OSError:
        return False


def _why_not_found(command: str) -> str:
    if Path(command).name != command:
        return "it is not executable" if Path(command).exists() else "there is no such file"
    return "there is no such command on PATH"


def _ending(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"it was ended by {signal.Signals(-code).name}"
    return f"it failed with exit code {code}"


def _shown(value: object) -> str:
    return value[:100] if isinstance(value, str) and value else "no apiVersion"


def _end(process: subprocess.Popen[bytes], *, group: bool) -> bytes | None:
    """End the program, with its children where it has a session; what it wrote to stderr."""
    if group and sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    try:
        # A child outside the session may keep the pipes open for ever.
        return process.communicate(timeout=1)[1]
    except subprocess.TimeoutExpired as left:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        return left.stderr
