"""Writers that change objects on a real API server, and remember exactly what they did."""

from __future__ import annotations

import json
import random
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from tests.cluster.server import ApiServer

_PATH = "/apis/registry.matrixinfer.ai/v1alpha1/namespaces/{}/models"
_WORKER = {"type": "server", "image": "i", "replicas": 1, "pods": 1, "config": {}}
_BACKEND = {
    "name": "b",
    "type": "vLLM",
    "modelURI": "hf://a/b",
    "cacheURI": "hostpath:///c",
    "minReplicas": 1,
    "maxReplicas": 1,
    "workers": [_WORKER],
}
_SPEC = {"backends": [_BACKEND]}


@dataclass
class Life:
    """One object from its creation to its deletion."""

    name: str
    uid: str
    versions: list[int]
    deleted: bool = False


@dataclass
class Truth:
    """All lives, and how many changes they had together."""

    lives: dict[str, Life] = field(default_factory=dict)
    changes: int = 0


class Writers:
    """Threads, each with names of its own, so that each knows the order of its changes."""

    def __init__(
        self, server: ApiServer, namespace: str, *, objects: int, threads: int, seed: int = 0
    ) -> None:
        self._server = server
        self._path = _PATH.format(namespace)
        self._tls = ssl.create_default_context(cadata=server.ca_pem.decode())
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._go = threading.Event()
        self._go.set()
        self._writing = 0
        self.restarts = 0
        self.truth = Truth()
        self.errors: list[BaseException] = []
        names = [f"m{number:05}" for number in range(objects)]
        self._threads = [
            threading.Thread(
                target=self._run,
                args=(names[index::threads], random.Random(seed + index)),  # noqa: S311
                name=f"writer-{index}",
                daemon=True,
            )
            for index in range(threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """No change is under way inside, so that the server may be restarted."""
        self._go.clear()
        while self._writing:
            time.sleep(0.01)
        try:
            yield
        finally:
            self.restarts += 1
            self._go.set()

    def stop(self) -> None:
        self._stop.set()
        self._go.set()
        for thread in self._threads:
            thread.join()
        if self.errors:
            raise self.errors[0]

    def _run(self, names: list[str], choices: random.Random) -> None:
        present: dict[str, Life] = {}
        address = urlsplit(self._server.url)
        connection = HTTPSConnection(
            address.hostname or "", address.port, timeout=60, context=self._tls
        )
        try:
            for name in names:
                if not self._stop.is_set():
                    self._create(connection, name, present)
            while not self._stop.is_set():
                name = choices.choice(names)
                if name not in present:
                    self._create(connection, name, present)
                elif choices.random() < 0.1:
                    self._delete(connection, name, present)
                else:
                    self._update(connection, name, present, choices)
        except BaseException as error:  # noqa: BLE001 - shown by `stop`
            self.errors.append(error)
        finally:
            connection.close()

    def _create(self, connection: HTTPSConnection, name: str, present: dict[str, Life]) -> None:
        body = {
            "apiVersion": "registry.matrixinfer.ai/v1alpha1",
            "kind": "Model",
            "metadata": {"name": name},
            "spec": _SPEC,
        }
        metadata = self._send(connection, "POST", "", body)["metadata"]
        life = Life(name, metadata["uid"], [int(metadata["resourceVersion"])])
        present[name] = life
        with self._lock:
            self.truth.lives[life.uid] = life
            self.truth.changes += 1

    def _update(
        self,
        connection: HTTPSConnection,
        name: str,
        present: dict[str, Life],
        choices: random.Random,
    ) -> None:
        body = {"metadata": {"annotations": {"value": str(choices.random())}}}
        metadata = self._send(connection, "PATCH", f"/{name}", body)["metadata"]
        present[name].versions.append(int(metadata["resourceVersion"]))
        with self._lock:
            self.truth.changes += 1

    def _delete(self, connection: HTTPSConnection, name: str, present: dict[str, Life]) -> None:
        self._send(connection, "DELETE", f"/{name}", None)
        present.pop(name).deleted = True
        with self._lock:
            self.truth.changes += 1

    def _send(self, connection: HTTPSConnection, method: str, path: str, body: Any) -> Any:
        while True:
            self._go.wait()
            with self._lock:
                if self._go.is_set():
                    self._writing += 1
                    break
        try:
            return self._sent(connection, method, path, body)
        finally:
            with self._lock:
                self._writing -= 1

    def _sent(self, connection: HTTPSConnection, method: str, path: str, body: Any) -> Any:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Authorization": f"Bearer {self._server.token()}", "Content-Type": kind}
        text = None if body is None else json.dumps(body)
        try:
            connection.request(method, self._path + path, text, headers)
            answer = connection.getresponse()
        except (OSError, HTTPException):
            if not self.restarts:
                raise
            # Nothing was under way, so that the connection was lost before this was sent.
            connection.close()
            connection.request(method, self._path + path, text, headers)
            answer = connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            raise HTTPException(f"{method} {path}: {answer.status} {data[:300]!r}")
        return json.loads(data)
