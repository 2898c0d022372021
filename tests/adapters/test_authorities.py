"""Certificates of a household's own authority: trusted when CA_FILE names it, and checked all the same."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mydia import clock
from mydia.adapters.errors import Unreachable
from mydia.adapters.http import Http
from mydia.config import load
from mydia.errors import Misconfigured


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def _certificate(folder: Path, *, host: str) -> tuple[Path, Path]:
    """Make an authority and a certificate for an address; return (the authority's file, certificate with its key)."""
    now = clock.now()
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "The household's authority")])

    def begun(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(issuer_name=authority, subject_name=subject, public_key=public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=2))
        )

    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    root = (
        begun(authority, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    leaf = (
        begun(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "login")]), key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(root.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(leaf.public_bytes(pem) + secret)
    return folder / "ca.pem", folder / "server.pem"


def _serve(certificate: Path) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hello)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The file of the authority, and the address of a server with its certificate."""
    ca_file, certificate = _certificate(tmp_path, host="127.0.0.1")
    server = _serve(certificate)
    yield ca_file, f"https://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def _ask(http: Http, address: str) -> bytes:
    try:
        return http.get("Login", address, home=address).content
    finally:
        http.close()


def test_a_certificate_of_an_unknown_authority_is_refused_and_the_message_names_the_setting(
    authority: tuple[Path, str],
) -> None:
    with pytest.raises(Unreachable, match="CA_FILE"):
        _ask(Http(), authority[1])


def test_a_certificate_of_the_named_authority_is_accepted(authority: tuple[Path, str]) -> None:
    assert _ask(Http(ca_file=str(authority[0])), authority[1]) == b"hello"


def test_a_certificate_for_another_address_is_refused_also_with_the_named_authority(tmp_path: Path) -> None:
    ca_file, certificate = _certificate(tmp_path, host="127.0.0.2")
    server = _serve(certificate)
    with pytest.raises(Unreachable):
        _ask(Http(ca_file=str(ca_file)), f"https://127.0.0.1:{server.server_port}/")
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("text", "problem"), [(None, "cannot be read"), ("no certificate", "no certificate")])
def test_a_file_without_certificates_is_reported_at_start(tmp_path: Path, text: str | None, problem: str) -> None:
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(Misconfigured, match=problem):
        Http(ca_file=str(path))


def test_the_setting_is_read_from_the_environment(tmp_path: Path) -> None:
    assert load({"DATA_DIR": str(tmp_path), "CA_FILE": "/config/ca.pem"}).settings.server.ca_file == "/config/ca.pem"
