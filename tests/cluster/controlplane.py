"""The two programs: with which flags they run, in which order, and when they are ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.cluster.certificates import CertificateAuthority, signing_key
from tests.cluster.direct import HOST, is_etcd_ready
from tests.cluster.processes import ProcessFailedError, ServerProcess, free_ports
from tests.cluster.workspace import Workspace

_ATTEMPTS = 5
# Written by Go's net package, whichever of the two servers found its port taken.
_PORT_TAKEN = "address already in use"
# The names by which in-cluster clients know the server are on its certificate too.
_NAMES = (HOST, "localhost", "kubernetes.default.svc", "kubernetes")


class ControlPlane:
    """etcd and kube-apiserver on loopback ports, with their data in one workspace."""

    def __init__(
        self,
        assets: Path,
        workspace: Workspace,
        *,
        authority: CertificateAuthority,
        token_file: bytes,
        flags: Mapping[str, str],
        timeout: float,
    ) -> None:
        self._assets = assets
        self._directory = workspace.path
        self._flags = flags
        self._timeout = timeout
        self._processes: dict[str, ServerProcess] = {}
        self.port = 0
        self.etcd_port = 0
        certificate, key = authority.server_certificate(_NAMES)
        workspace.write("ca.crt", authority.pem)
        workspace.write("serving.crt", certificate)
        workspace.write("serving.key", key)
        workspace.write("service-accounts.key", signing_key())
        workspace.write("tokens.csv", token_file)

    @property
    def pids(self) -> dict[str, int]:
        """The process ids, by program name."""
        return {name: process.pid for name, process in self._processes.items()}

    def start(self, is_ready: Callable[[int], bool]) -> None:
        """Start both, on other ports if somebody took one between its choice and its use.

        `is_ready` is asked with the port whether the API server can be used.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._start_on(free_ports(3), is_ready)
            except ProcessFailedError as error:
                if _PORT_TAKEN not in str(error) or attempt == _ATTEMPTS:
                    raise
                self.stop()
            else:
                return

    def restart_apiserver(self, is_ready: Callable[[int], bool]) -> None:
        """Stop kube-apiserver and start it again as it was."""
        apiserver = self._processes["kube-apiserver"]
        apiserver.stop()
        apiserver.start()
        apiserver.wait_until(lambda: is_ready(self.port), self._timeout)

    def stop(self) -> None:
        """Stop what runs; kube-apiserver first, because it waits and complains without etcd."""
        for name in ("kube-apiserver", "etcd"):
            if name in self._processes:
                self._processes.pop(name).stop()

    def _start_on(self, ports: Sequence[int], is_ready: Callable[[int], bool]) -> None:
        self.port, self.etcd_port, peer_port = ports
        etcd = self._start_process("etcd", self._etcd_flags(peer_port))
        etcd.wait_until(lambda: is_etcd_ready(self.etcd_port), self._timeout)
        apiserver = self._start_process("kube-apiserver", self._apiserver_flags())
        apiserver.wait_until(lambda: is_ready(self.port), self._timeout)

    def _start_process(self, name: str, flags: Mapping[str, str]) -> ServerProcess:
        command = [self._assets / name, *(f"--{flag}={value}" for flag, value in flags.items())]
        # A file per attempt: the reason of an earlier failure must not explain a later one.
        log = self._directory / f"{name}-{self.port}.log"
        process = ServerProcess(name, [str(part) for part in command], log)
        self._processes[name] = process
        process.start()
        return process

    def _etcd_flags(self, peer_port: int) -> dict[str, str]:
        client, peer = f"http://{HOST}:{self.etcd_port}", f"http://{HOST}:{peer_port}"
        return {
            "data-dir": str(self._directory / "etcd"),
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            # The data may be lost with the machine; nothing outlives the session anyway.
            "unsafe-no-fsync": "true",
            # Room for tests with 100,000 objects and their history.
            "quota-backend-bytes": str(8 << 30),
            "log-level": "warn",
        }

    def _apiserver_flags(self) -> dict[str, str]:
        file = self._directory.joinpath
        return {
            "etcd-servers": f"http://{HOST}:{self.etcd_port}",
            "bind-address": HOST,
            "advertise-address": HOST,
            "secure-port": str(self.port),
            # A service may not have loopback endpoints, and nothing here uses the service.
            "endpoint-reconciler-type": "none",
            "tls-cert-file": str(file("serving.crt")),
            "tls-private-key-file": str(file("serving.key")),
            "client-ca-file": str(file("ca.crt")),
            "token-auth-file": str(file("tokens.csv")),
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": str(file("service-accounts.key")),
            "service-account-signing-key-file": str(file("service-accounts.key")),
            "service-cluster-ip-range": "10.0.0.0/24",
            "authorization-mode": "RBAC",
            # Without the controller that makes default accounts it would refuse every pod.
            "disable-admission-plugins": "ServiceAccount",
            # Old revisions go when a test says so, not when five minutes are over.
            "etcd-compaction-interval": "0",
            "allow-privileged": "true",
            "profiling": "false",
            **self._flags,
        }
