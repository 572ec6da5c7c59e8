"""Whether the server is the one that was meant, and what is said when it is not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from matrixinfer_client import BadRequestError, ConfigError, EventHooks, Retries, TransportError
from tests.behaviour.backends import Served, only_on
from tests.behaviour.conftest import OpenClient
from tests.cluster.certificates import CertificateAuthority


async def test_a_server_that_another_authority_vouches_for_is_not_talked_to(
    open_client: OpenClient, served: Served, tmp_path: Path
) -> None:
    other = tmp_path / "other.crt"
    other.write_bytes(CertificateAuthority("another").pem)
    sent: list[object] = []
    client = open_client(
        {"server": served.url, "ca_file": other, "token": served.token()},
        retries=Retries(attempts=5, backoff=30.0, max_backoff=30.0),
        event_hooks=EventHooks(response=[sent.append]),
    )
    started = time.monotonic()
    with pytest.raises(TransportError) as caught:
        await client.registry_v1alpha1.models("default").list()
    assert str(caught.value).startswith(f"the certificate of {served.url} (")
    assert "is not trusted: " in str(caught.value)
    assert str(caught.value).endswith(
        "; give the cluster's CA (certificate-authority in the kubeconfig, or ca_file=)"
    )
    assert time.monotonic() - started < 5, "trying again would not have helped"
    assert sent == []


async def test_the_systems_authorities_do_not_know_the_cluster(
    open_client: OpenClient, served: Served
) -> None:
    client = open_client({"server": served.url, "token": served.token()})
    with pytest.raises(TransportError, match="is not trusted"):
        await client.registry_v1alpha1.models("default").list()


async def test_any_certificate_is_accepted_where_that_was_asked_for(
    open_client: OpenClient, served: Served
) -> None:
    client = open_client(
        {"server": served.url, "token": served.token()}, insecure_skip_tls_verify=True
    )
    await client.registry_v1alpha1.models("default").list()


async def test_a_ca_file_that_is_none_is_named(
    open_client: OpenClient, served: Served, tmp_path: Path
) -> None:
    empty = tmp_path / "ca.crt"
    empty.write_text("nothing\n")
    client = open_client({"server": served.url, "ca_file": empty})
    with pytest.raises(ConfigError) as caught:
        await client.registry_v1alpha1.models("default").list()
    assert f"{empty} holds no PEM certificate" in str(caught.value)


@only_on("cluster", because="the complaint is that of Go's HTTP server, not of the API server")
async def test_plain_http_to_the_secure_port_shows_the_servers_complaint(
    open_client: OpenClient, served: Served
) -> None:
    url = served.url.replace("https://", "http://")
    client = open_client({"server": url, "token": served.token()})
    with pytest.raises(BadRequestError, match="HTTP request to an HTTPS server"):
        await client.registry_v1alpha1.models("default").list()
