"""A mail server that keeps what it receives: a real SMTP server, also with STARTTLS, TLS, sign-in and rejections."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mydia.adapters.mail import MailServer, MailTls
from mydia.secret import Secret

SENDER = "mydia@example.org"


@cache
def certificate() -> Path:
    """Return a file with a key and a certificate of `localhost` that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = Path(tempfile.mkdtemp()) / "mail.pem"
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(text + made.public_bytes(serialization.Encoding.PEM))
    return path


def trusting() -> ssl.SSLContext:
    """Return settings of TLS that trust the server."""
    return ssl.create_default_context(cafile=str(certificate()))


@dataclass
class Mailbox:
    """What a server has received."""

    server: MailServer
    messages: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    """For each message, whether it came over TLS."""
    reply: str = ""
    """Sent instead of accepting a recipient, such as `550 no such user`."""

    def wait(self, count: int = 1, *, within_s: float = 20.0) -> list[EmailMessage]:
        """Return the messages as soon as there are that many."""
        deadline_s = time.monotonic() + within_s
        while len(self.messages) < count:
            assert time.monotonic() < deadline_s, f"{len(self.messages)} messages of {count}"
            time.sleep(0.02)
        return self.messages

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.reply:
            return self.reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert message["To"] == ", ".join(envelope.rcpt_tos)
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        self.messages.append(message)
        return "250 OK"


@contextmanager
def mailbox(
    tls: MailTls = MailTls.NONE, *, password: str = "", wanted: str | None = None, offers_starttls: bool = True
) -> Iterator[Mailbox]:
    """Run a server.

    Args:
        tls: What the server offers, and what the connection in `Mailbox.server` asks for.
        password: The password that the client sends, as user `robin`; empty signs nobody in.
        wanted: The password that the server wants; by default the same.
    """
    wanted = password if wanted is None else wanted

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        fits = isinstance(given, LoginPassword) and given.password == wanted.encode()
        return AuthResult(success=fits, handled=False)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate())
    found = Mailbox(
        MailServer(
            host="localhost",
            port=port,
            tls=tls,
            username="robin" if password else None,
            password=Secret(password),
            sender=SENDER,
        )
    )
    options: dict[str, Any] = {"auth_require_tls": False, "authenticator": check, "auth_required": bool(wanted)}
    if tls == MailTls.STARTTLS and offers_starttls:
        options |= {"tls_context": context, "require_starttls": True}
    controller = Controller(
        found, hostname="127.0.0.1", port=port, ssl_context=context if tls == MailTls.TLS else None, **options
    )
    controller.start()
    try:
        yield found
    finally:
        controller.stop()


@contextmanager
def talker(said: Callable[[], Iterator[bytes]]) -> Iterator[int]:
    """Run a server that sends what it is given, whatever it receives; returns its port."""
    import threading

    server = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        try:
            connection, _ = server.accept()
            with connection:
                for part in said():
                    connection.sendall(part)
                connection.settimeout(5)
                connection.recv(4096)
        except OSError:
            return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.close()
    thread.join(timeout=10)
