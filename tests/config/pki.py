"""Certificates for tests: one authority, what it signs, and things that are wrong with them."""

from __future__ import annotations

import datetime as dt
import ipaddress

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_START = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_END = dt.datetime(2120, 1, 1, tzinfo=dt.UTC)


@attrs.frozen
class Pair:
    """A certificate and its key, PEM."""

    cert: bytes
    key: bytes


@attrs.frozen
class Authority:
    """A certificate authority."""

    pair: Pair
    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey

    def issue(self, name: str, *hosts: str, authority: bool = False) -> Authority:
        """A certificate for a client (no hosts), for a server, or for another authority."""
        return _make(name, hosts, self, authority=authority)


def new_authority(name: str = "test authority") -> Authority:
    return _make(name, (), None, authority=True)


def encrypted(pair: Pair) -> bytes:
    key = serialization.load_pem_private_key(pair.key, None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _make(
    name: str, hosts: tuple[str, ...], issuer: Authority | None, *, authority: bool
) -> Authority:
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_START)
        .not_valid_after(_END)
        # No key identifiers, as in the authorities that old clusters made for themselves.
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if hosts:
        names = [_alternative(host) for host in hosts]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate = builder.sign(issuer.private_key if issuer else private, hashes.SHA256())
    pair = Pair(
        certificate.public_bytes(serialization.Encoding.PEM),
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    return Authority(pair, certificate, private)
