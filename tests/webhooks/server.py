"""The platform's admission webhooks, served over HTTPS on the loopback interface.

The rules are those that offline validation has; what is served around them is written here: the
review, the patch, the two forms of a denial, and the plain text for what cannot be read.
"""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from matrixinfer_client.validation.webhooks import decode_errors, mutate, webhook_errors
from tests.cluster.certificates import CertificateAuthority
from tests.webhooks.inventory import INVENTORY, Registered

HOST = "127.0.0.1"

PolicyLookup = Callable[[str, str], bool]
"""Namespace and name of an AutoscalingPolicy; whether there is one."""


class UnreadableError(Exception):
    """The object does not fit into the webhook's types."""


class WebhookServer:
    """Answers AdmissionReviews for all webhooks of the platform; a context manager."""

    def __init__(self, authority: CertificateAuthority, policy_exists: PolicyLookup) -> None:
        self._policy_exists = policy_exists
        self.reviewed: list[tuple[str, str]] = []
        """Path and name of every object that was reviewed, in order."""
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer((HOST, 0), handler)
        self._server.daemon_threads = True
        self._server.socket = _tls(authority).wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self._server.server_address[1]}"

    def answer(self, path: str, review: dict[str, Any]) -> dict[str, Any]:
        """Return the AdmissionReview that answers one."""
        (webhook,) = [each for each in INVENTORY if each.path == path]
        request = review["request"]
        obj = request["object"]
        self.reviewed.append((path, obj["metadata"].get("name", "")))
        if decode_errors(obj["kind"], obj):
            raise UnreadableError
        response = self._mutated(obj) if webhook.mutating else self._judged(webhook, request)
        response["uid"] = request["uid"]
        return {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": response,
        }

    def _mutated(self, obj: dict[str, Any]) -> dict[str, Any]:
        spec = mutate(obj["kind"], obj).get("spec")
        if spec == obj.get("spec"):
            return {"allowed": True}
        patch = json.dumps([{"op": "replace", "path": "/spec", "value": spec}]).encode()
        return {
            "allowed": True,
            "patchType": "JSONPatch",
            "patch": base64.b64encode(patch).decode(),
        }

    def _judged(self, webhook: Registered, request: dict[str, Any]) -> dict[str, Any]:
        obj = request["object"]
        errors = webhook_errors(
            obj["kind"],
            obj,
            request.get("oldObject"),
            policy_exists=lambda name: self._policy_exists(request["namespace"], name),
        )
        if not errors:
            return {"allowed": True}
        lines = [f"  - {error.said}" for error in errors]
        # All but one webhook begin a line for each error.
        glue, start = (
            ("", "validation failed: ")
            if webhook.plural == "modelroutes"
            else (
                "\n",
                "validation failed:",
            )
        )
        return {"allowed": False, "status": {"message": glue.join([start, *lines])}}


class _Handler(BaseHTTPRequestHandler):
    owner: WebhookServer
    # The API server keeps connections; without a length it would wait for their end.
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            answer = self.owner.answer(self.path.partition("?")[0], json.loads(body))
        except UnreadableError:
            self._send(400, "text/plain; charset=utf-8", b"could not decode the object\n")
        else:
            self._send(200, "application/json", json.dumps(answer).encode())

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests look at `reviewed`."""


def _tls(authority: CertificateAuthority) -> ssl.SSLContext:
    certificate, key = authority.server_certificate([HOST])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as directory:
        chain = Path(directory) / "chain.pem"
        chain.touch(mode=0o600)
        chain.write_bytes(certificate + key)
        context.load_cert_chain(chain)
    return context
