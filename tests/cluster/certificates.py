"""Certificates for one test server: an authority, and what it signs for both ends."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from matrixinfer_client.testing.certificates import Authority


class CertificateAuthority(Authority):
    """Signs server and client certificates; its private key never leaves the process."""

    def __init__(self, name: str = "test-authority") -> None:
        super().__init__(name)

    def client_certificate(self, user: str, groups: Sequence[str] = ()) -> tuple[bytes, bytes]:
        """Return certificate and key, in PEM, that Kubernetes reads as this user and groups."""
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, user)]
        attributes += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        return self.issue(x509.Name(attributes), ExtendedKeyUsageOID.CLIENT_AUTH)


def signing_key() -> bytes:
    """Return a new private key in PEM, as the server signs service account tokens with."""
    # Not PKCS #8: kube-apiserver would not read the public half of a signing key from that.
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
