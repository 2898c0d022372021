"""Sending mail to a real SMTP server: encryption, sign-in, rejections and servers that misbehave."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from copy import replace
from pathlib import Path

import pytest

from mydia.adapters.errors import AdapterError, Limited, Nonsense, Refused, Unreachable
from mydia.adapters.mail import Mail, Mailer, MailServer, MailTls
from mydia.db import Database
from tests.fakes.mailbox import SENDER, mailbox, talker, trusting

MAIL = Mail(to="kim@example.org", subject="Übersicht", text="Grüße\n", html="<p>Grüße</p>")


@pytest.mark.parametrize("tls", list(MailTls))
def test_a_message_arrives_with_a_text_and_an_html_part(tls: MailTls) -> None:
    with mailbox(tls, password="secret") as found:
        Mailer(trusting).send(found.server, MAIL)
    (message,) = found.messages
    assert (message["From"], message["To"], message["Subject"]) == (f"Mydia <{SENDER}>", MAIL.to, "Übersicht")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@example.org>")
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert (text.get_content().strip(), html.get_content().strip()) == ("Grüße", "<p>Grüße</p>")
    assert found.encrypted == [tls != MailTls.NONE]


def test_a_wrong_password_is_refused() -> None:
    with mailbox(MailTls.STARTTLS, password="wrong", wanted="right") as found, pytest.raises(Refused, match="password"):
        Mailer(trusting).send(found.server, MAIL)
    assert found.messages == []


def test_without_starttls_nothing_is_sent() -> None:
    with (
        mailbox(MailTls.STARTTLS, password="secret", offers_starttls=False) as found,
        pytest.raises(Refused, match="does not offer STARTTLS"),
    ):
        Mailer(trusting).send(found.server, MAIL)
    assert found.messages == []


@pytest.mark.parametrize("tls", [MailTls.STARTTLS, MailTls.TLS])
def test_an_unknown_certificate_is_not_trusted(tls: MailTls) -> None:
    with mailbox(tls, password="secret") as found, pytest.raises(Unreachable, match="certificate"):
        Mailer().send(found.server, MAIL)
    assert found.messages == []


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        ("550 no such user", Refused, "rejected the recipient: 550 no such user"),
        ("450 mailbox busy", Limited, "450 mailbox busy"),
        ("552 " + "x" * 400, Refused, "552 xxx"),
    ],
)
def test_a_rejection_names_the_reply(reply: str, kind: type[AdapterError], said: str) -> None:
    with mailbox() as found:
        found.reply = reply
        with pytest.raises(kind, match=said) as refused:
            Mailer().send(found.server, MAIL)
    assert len(refused.value.message) < 300


def _server(port: int, tls: MailTls = MailTls.NONE, host: str = "localhost") -> MailServer:
    return MailServer(host=host, port=port, tls=tls, sender=SENDER)


def _greets_for_ever() -> Iterator[bytes]:
    return itertools.repeat(b"220-" + b"x" * 500 + b"\r\n", 2_000)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (lambda: iter([b"HTTP/1.1 400 Bad Request\r\n\r\n"]), Nonsense),
        (_greets_for_ever, Nonsense),
        (lambda: iter([b""]), Unreachable),
        (lambda: iter([b"421 too busy\r\n"]), Limited),
    ],
)
def test_other_servers_are_errors_of_one_of_the_four_causes(said: object, kind: type[AdapterError]) -> None:
    mailer = Mailer()
    with talker(said) as port, pytest.raises(kind):  # type: ignore[arg-type]  # each of them makes an iterator
        mailer.send(_server(port), MAIL)


def test_an_address_that_is_never_a_service_is_not_connected_to() -> None:
    with pytest.raises(Refused, match="cannot be the address of a service"):
        Mailer().send(_server(25, host="169.254.169.254"), MAIL)


def test_a_server_that_is_not_there_cannot_be_reached() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(Unreachable, match="no connection"):
        Mailer().send(_server(port), MAIL)
    with pytest.raises(Unreachable, match="not known"):
        Mailer().send(_server(25, host="nowhere.invalid"), MAIL)


def test_an_address_adds_no_header() -> None:
    with mailbox() as found, pytest.raises(Refused):
        Mailer().send(found.server, replace(MAIL, to="kim@example.org\r\nBcc: all@example.org"))
    assert found.messages == []


def test_nothing_is_sent_inside_a_unit_of_work(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'mydia.db'}")
    with pytest.raises(RuntimeError, match="inside writes"), database.writes():
        Mailer().send(_server(25), MAIL)
    database.close()
