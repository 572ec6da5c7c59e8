"""A real kube-apiserver with its own etcd, for one test session or one command.

    python -m tests.cluster.server -- COMMAND...   run a command against a fresh server
    python -m tests.cluster.server                 serve until Ctrl-C

Nothing leaves the loopback interface: both servers listen on 127.0.0.1 only.
"""

from __future__ import annotations

import argparse
import atexit
import os
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.cluster.assets import AssetsMissingError, find_assets
from tests.cluster.certificates import CertificateAuthority
from tests.cluster.commands import exit_on_signal, run, say, serve
from tests.cluster.controlplane import ControlPlane
from tests.cluster.crds import CrdError, Manifest, install_crds, platform_crds, wait_until_served
from tests.cluster.direct import HOST, DirectClient, ask_etcd, etcd_key_range
from tests.cluster.identities import ClientFiles, Credential, User, Users, default_users
from tests.cluster.processes import ProcessFailedError
from tests.cluster.workspace import Workspace

_NOT_STARTED = "the API server is not started"


class ApiServer:
    """One API server with its store; a context manager.

    Its users are `admin` (may do everything), `plain` (may do nothing) and those added before
    the start. Authorization is RBAC and admission is the default set, so webhooks, quotas and
    namespaces are enforced. The one exception is the ServiceAccount plugin: without the
    controller that makes the default account, no pod could be created.

    A quota counts only once a test has written its `status.hard` and `status.used`, as the
    quota controller would. `flags` are added to those of kube-apiserver (`{"name": "value"}`)
    and win over them.
    """

    def __init__(
        self,
        assets: Path | None = None,
        *,
        users: Iterable[User] = (),
        flags: Mapping[str, str] | None = None,
        startup_timeout: float = 90.0,
    ) -> None:
        self._assets = assets
        self._users = Users([*default_users(), *users])
        self._flags = dict(flags or {})
        self._startup_timeout = startup_timeout
        self._workspace: Workspace | None = None
        self._plane: ControlPlane | None = None
        self._direct: DirectClient | None = None
        self._owner = 0
        self._installed: list[Manifest] = []
        self._kubeconfigs = 0
        self.authority = CertificateAuthority()
        """Signs what the server trusts; also use it for a webhook's serving certificate."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base URL of the API server."""
        return f"https://{HOST}:{self._running.port}"

    @property
    def etcd_endpoint(self) -> str:
        """The URL of etcd: plain HTTP, no authentication, a JSON gateway under /v3/."""
        return f"http://{HOST}:{self._running.etcd_port}"

    @property
    def ca_pem(self) -> bytes:
        """The certificate that clients verify the server with."""
        return self.authority.pem

    @property
    def ca_file(self) -> Path:
        """The file with `ca_pem`."""
        return self.directory / "ca.crt"

    @property
    def directory(self) -> Path:
        """The server's private directory; everything in it goes when the server stops."""
        if self._workspace is None:
            raise ProcessFailedError(_NOT_STARTED)
        return self._workspace.path

    @property
    def pids(self) -> Mapping[str, int]:
        """The process ids of etcd and kube-apiserver, by program name."""
        return {} if self._plane is None else self._plane.pids

    def add_user(self, name: str, groups: Sequence[str] = (), token: str | None = None) -> User:
        """Add a user with a token. Only before `start`: the server reads its users once."""
        if self._workspace is not None:
            raise ProcessFailedError("users can be added only before the API server is started")
        user = User(name, tuple(groups)) if token is None else User(name, tuple(groups), token)
        self._users.add(user)
        return user

    def token(self, user: str = "admin") -> str:
        """Return the bearer token of a user."""
        return self._users[user].token

    def client_certificate(self, user: str, groups: Sequence[str] = ()) -> tuple[bytes, bytes]:
        """Return a new client certificate and its key, in PEM, for any user and groups."""
        return self.authority.client_certificate(user, groups)

    def start(self) -> None:
        """Start both servers and return when they are ready."""
        if self._workspace is not None:
            return
        assets = self._assets or find_assets()
        self._owner = os.getpid()
        self._workspace = Workspace()
        # Popen's children would survive an exit that skips the context manager.
        atexit.register(self.stop)
        try:
            self._plane = ControlPlane(
                assets,
                self._workspace,
                authority=self.authority,
                token_file=self._users.token_file(),
                flags=self._flags,
                timeout=self._startup_timeout,
            )
            self._plane.start(self._is_usable)
            self._direct = DirectClient(self._plane.port, self.ca_pem)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop both servers and delete their data. Harmless when they are stopped already."""
        # A forked child inherits the exit handler, but the servers are its parent's.
        if self._workspace is None or os.getpid() != self._owner:
            return
        if self._plane is not None:
            self._plane.stop()
        self._workspace.remove()
        self._workspace = self._plane = self._direct = None
        self._installed.clear()
        atexit.unregister(self.stop)

    def restart_apiserver(self) -> None:
        """Restart kube-apiserver alone: same port, same data, empty caches."""
        self._running.restart_apiserver(self._is_usable)
        wait_until_served(self, self._installed)

    def compact(self) -> int:
        """Make etcd forget all revisions but the newest, and return that revision.

        That alone is hardly seen: the API server answers watches, lists at a resource version
        and continue tokens from its caches as long as they reach back. See `forget_history`.
        """
        port = self._running.etcd_port
        # Any answer says the newest revision in its header; the key is one that is not there.
        newest = int(ask_etcd(port, "range", {"key": "AA=="})["header"]["revision"])
        ask_etcd(port, "compaction", {"revision": newest, "physical": True})
        return newest

    def forget_history(self) -> None:
        """Make every older resource version and continue token get 410 Expired.

        On a cluster that takes five minutes; here it takes a compaction and a restart, which
        cuts open watches too.
        """
        self.compact()
        self.restart_apiserver()

    def kubeconfig(
        self,
        user: str = "admin",
        path: Path | None = None,
        *,
        namespace: str | None = "default",
        credential: Credential = "token",
        groups: Sequence[str] | None = None,
        inline: bool = True,
    ) -> Path:
        """Write a kubeconfig file and return its path.

        `credential="certificate"` works for any user name, with the groups of the static user
        of that name unless `groups` says otherwise. `inline=False` puts the secrets into files
        beside it and refers to them.
        """
        if credential == "token":
            secrets = {"token": self.token(user).encode()}
        else:
            members = self._users[user].groups if groups is None else groups
            certificate, key = self.client_certificate(user, members)
            secrets = {"client-certificate": certificate, "client-key": key}
        self._kubeconfigs += 1
        path = path or self.directory / f"kubeconfig-{self._kubeconfigs}.yaml"
        files = ClientFiles(self.directory, self.url, self.ca_file, user, secrets)
        files.write_kubeconfig(path, namespace=namespace, inline=inline)
        return path

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        user: str | None = "admin",
        *,
        token: str | None = None,
        certificate: tuple[bytes, bytes] | None = None,
    ) -> tuple[int, Any]:
        """Send one request and return status and body, parsed if it is JSON.

        It shares no code with the client under test, so fixtures cannot inherit its defects.
        The caller is `user` by its token, unless `token` or `certificate` (as
        `client_certificate` returns it) is given; `user=None` is anonymous. The path goes out
        as it is.
        """
        if token is None and certificate is None and user is not None:
            token = self.token(user)
        return self._client.request(
            method, path, body, content_type=content_type, token=token, certificate=certificate
        )

    def can_watch(self, path: str) -> bool:
        """Tell whether a watch on this collection opens."""
        return self._client.can_watch(path, self.token())

    def install_crds(self, manifests: Iterable[Manifest]) -> None:
        """Create or replace custom resource definitions; return when they can be used."""
        manifests = list(manifests)
        install_crds(self, manifests)
        self._installed += manifests

    def create_namespace(
        self, prefix: str = "test-", labels: Mapping[str, str] | None = None
    ) -> str:
        """Create a namespace that nobody used before, and return its name."""
        metadata = {"generateName": prefix, "labels": dict(labels or {})}
        status, namespace = self.request("POST", "/api/v1/namespaces", {"metadata": metadata})
        if status != 201:
            raise ProcessFailedError(f"no namespace could be made: HTTP {status}: {namespace}")
        return str(namespace["metadata"]["name"])

    def delete_namespace(self, name: str) -> None:
        """Delete a namespace with its custom resources, pods and events; nothing is waited for.

        There is no namespace controller here, so this does its part: what stayed behind would
        show in later tests that list all namespaces. It goes to the store directly, which also
        removes what has finalizers; other kinds stay there, out of reach.
        """
        path = f"/api/v1/namespaces/{name}"
        status, namespace = self.request("DELETE", path)
        if status == 404:
            return
        # From here on nothing can be created in the namespace.
        specs = [manifest["spec"] for manifest in self._installed]
        kinds = [f"{spec['group']}/{spec['names']['plural']}" for spec in specs]
        for kind in [*kinds, "pods", "events"]:
            key_range = etcd_key_range(f"/registry/{kind}/{name}/")
            ask_etcd(self._running.etcd_port, "deleterange", key_range)
        namespace["spec"]["finalizers"] = []
        self.request("PUT", f"{path}/finalize", namespace)

    @property
    def _client(self) -> DirectClient:
        if self._direct is None:
            raise ProcessFailedError(_NOT_STARTED)
        return self._direct

    @property
    def _running(self) -> ControlPlane:
        if self._plane is None:
            raise ProcessFailedError(_NOT_STARTED)
        return self._plane

    def _is_usable(self, port: int) -> bool:
        """Tell whether the server is ready and has made the namespaces that every cluster has."""
        client = DirectClient(port, self.ca_pem)
        try:
            return all(
                client.request("GET", path, token=self.token())[0] == 200
                for path in ("/readyz", "/api/v1/namespaces/default")
            )
        except (OSError, HTTPException):
            return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Start a server with the platform's definitions, and run a command or serve."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.cluster.server",
        description="Start a real API server with the platform's resources on this machine, run "
        "COMMAND with KUBECONFIG set to it, stop it, and exit with the command's exit code. "
        "Without COMMAND, print the path of the kubeconfig and serve until Ctrl-C.",
        usage="%(prog)s [-- COMMAND...]",
    )
    parser.add_argument(
        "command", nargs="*", metavar="COMMAND", help="the program and its arguments"
    )
    command: list[str] = parser.parse_args(arguments).command
    # A plain SIGTERM would end Python without stopping the servers and removing their data.
    signal.signal(signal.SIGTERM, exit_on_signal)
    try:
        with ApiServer(find_assets(say)) as server:
            server.install_crds(platform_crds())
            kubeconfig = server.kubeconfig()
            return run(command, kubeconfig) if command else serve(server.url, kubeconfig)
    except (AssetsMissingError, CrdError, ProcessFailedError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        # While the server was still starting, or a second time while it stopped.
        return 130


if __name__ == "__main__":
    sys.exit(main())
