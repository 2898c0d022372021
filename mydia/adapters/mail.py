"""Send mail over SMTP, with limits on time and size, and errors by four causes.

The server is configured by an administrator, so it may be in a private network, but not at an address that is never a service.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formataddr, formatdate, make_msgid
from enum import StrEnum
from io import BufferedReader
from typing import Any

import msgspec

from mydia import clock, writing
from mydia.adapters.errors import AdapterError, Limited, Nonsense, Refused, Unreachable
from mydia.adapters.http import is_allowed_address
from mydia.secret import Secret

_SERVICE = "Mail server"
_STEP_TIMEOUT_S = 20.0
_DEADLINE_S = 60.0
_LONGEST_DIALOGUE = 64 * 1024
"""Bytes of a server's replies for one message. A usual dialogue is below 2 KB."""
_OWN_NAME = "Mydia"


class MailTls(StrEnum):
    """How the connection to a mail server is encrypted."""

    STARTTLS = "starttls"
    """Encrypt after connecting; port 587."""
    TLS = "tls"
    """Encrypt from the first byte; port 465."""
    NONE = "none"


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """A server that accepts mail."""

    host: str
    port: int
    tls: MailTls
    username: str | None = None
    """None: the server asks for no sign-in."""
    password: Secret | None = None
    sender: str
    """The address that messages come from."""


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A message to one person."""

    to: str
    subject: str
    text: str
    html: str


class Mailer:
    """Opens a connection for each message: a household sends few.

    Args:
        context: Makes the settings of TLS; tests trust their own certificate.
    """

    def __init__(self, context: Callable[[], ssl.SSLContext] = ssl.create_default_context) -> None:
        self._context = context

    def send(self, server: MailServer, mail: Mail) -> None:
        """Send a message.

        Raises:
            Unreachable: No connection, no encryption, or no answer in time.
            Refused: The server rejected the sign-in, the sender or the recipient; or the message cannot be written.
            Limited: The server asks to try again later (a 4xx reply).
            Nonsense: The replies are not SMTP.
        """
        writing.assert_outside_allowed()
        try:
            message = _written(server, mail)
            with self._connect(server) as connection:
                if server.tls == MailTls.STARTTLS:
                    connection.starttls(context=self._context())
                if server.username:
                    connection.login(server.username, server.password.reveal() if server.password else "")
                connection.send_message(message, from_addr=server.sender, to_addrs=[mail.to])
        except (OSError, ValueError, _TooMuch) as error:
            raise _fault(server, error) from error

    def _connect(self, server: MailServer) -> smtplib.SMTP:
        if server.tls == MailTls.TLS:
            return _TlsConnection(server.host, server.port, context=self._context())
        return _Connection(server.host, server.port)


class _AddressRefused(OSError):
    """Raised instead of connecting."""


class _TooMuch(Exception):
    """The server's replies are too long. Not an OSError, which smtplib takes for a lost connection."""


class _Replies:
    """The replies of a server, limited in size and time: it could send continuation lines without end."""

    def __init__(self, inner: BufferedReader, ends_s: float) -> None:
        self._inner = inner
        self._ends_s = ends_s
        self._left = _LONGEST_DIALOGUE

    def readline(self, limit: int = -1) -> bytes:
        if clock.monotonic_s() > self._ends_s:
            raise TimeoutError
        line = self._inner.readline(limit)
        self._left -= len(line)
        if self._left < 0:
            raise _TooMuch
        return line

    def close(self) -> None:
        self._inner.close()


class _Connection(smtplib.SMTP):
    def __init__(self, host: str, port: int) -> None:
        self._ends_s = clock.monotonic_s() + _DEADLINE_S
        super().__init__(host, port, local_hostname="localhost", timeout=_STEP_TIMEOUT_S)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return _open(host, port, timeout)

    def getreply(self) -> tuple[int, bytes]:
        # `starttls` and errors drop the file; the parent class would open an unlimited one.
        if self.file is None and self.sock is not None:
            self.file = _Replies(self.sock.makefile("rb"), self._ends_s)
        return super().getreply()


class _TlsConnection(_Connection):
    def __init__(self, host: str, port: int, *, context: ssl.SSLContext) -> None:
        self._tls = context
        super().__init__(host, port)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = _open(host, port, timeout)
        try:
            return self._tls.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise


def _open(host: str, port: int, timeout: float) -> socket.socket:
    """Connect to the first address of a host that answers and may be a service."""
    found = dict.fromkeys(str(place[0]) for *_, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    allowed = [address for address in found if is_allowed_address(address, public_only=False)]
    if not allowed:
        raise _AddressRefused
    for address in allowed[:-1]:
        try:
            return socket.create_connection((address, port), timeout)
        except OSError:
            continue
    return socket.create_connection((allowed[-1], port), timeout)


def _written(server: MailServer, mail: Mail) -> EmailMessage:
    message = EmailMessage()
    message["From"] = formataddr((_OWN_NAME, server.sender))
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = formatdate(clock.now().timestamp(), usegmt=True)
    message["Message-ID"] = make_msgid(domain=server.sender.rpartition("@")[2] or "localhost")
    # Keeps automatic answers away (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def _fault(server: MailServer, error: Exception) -> AdapterError:
    place = f"{server.host}:{server.port}"
    match error:
        case smtplib.SMTPAuthenticationError(smtp_code=code) if code >= 500:
            return Refused(_SERVICE, "rejected the user name or password")
        case smtplib.SMTPNotSupportedError() if server.tls == MailTls.STARTTLS and "STARTTLS" in str(error):
            return Refused(_SERVICE, "does not offer STARTTLS; choose another encryption")
        case smtplib.SMTPNotSupportedError():
            return Refused(_SERVICE, "offers no sign-in, or cannot handle this address; check the encryption")
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            code, said = next(iter(refused.values()), (550, b""))
            return _reply(code, said, "rejected the recipient")
        case smtplib.SMTPSenderRefused(smtp_code=code, smtp_error=said):
            return _reply(code, said, "rejected the sender address")
        case smtplib.SMTPServerDisconnected():
            return Unreachable(_SERVICE, f"{place} closed the connection; check port and encryption")
        case smtplib.SMTPResponseException(smtp_code=-1) | _TooMuch():
            return Nonsense(_SERVICE, f"{place} does not answer like a mail server")
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=said):
            return _reply(code, said, "rejected the message")
        case ssl.SSLCertVerificationError():
            return Unreachable(_SERVICE, f"the certificate of {place} is not trusted")
        case ssl.SSLError():
            return Unreachable(_SERVICE, f"no encrypted connection to {place}; check port and encryption")
        case _AddressRefused():
            return Refused(_SERVICE, f"{server.host} cannot be the address of a service")
        case socket.gaierror():
            return Unreachable(_SERVICE, f"the name {server.host} is not known")
        case TimeoutError():
            return Unreachable(_SERVICE, f"no answer from {place} in time; check port and encryption")
        case OSError():
            return Unreachable(_SERVICE, f"no connection to {place}")
        case _:
            return Refused(_SERVICE, "the message or an address has characters that mail cannot contain")


def _reply(code: int, said: Any, what: str) -> AdapterError:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    shown = "".join(letter if letter.isprintable() else " " for letter in text)[:200].strip()
    cause = f"{what}: {code} {shown}".rstrip()
    return Limited(_SERVICE, cause) if 400 <= code < 500 else Refused(_SERVICE, cause)
