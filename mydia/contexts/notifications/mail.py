"""Mail to people's own addresses: the configured server, a test message, and links to set a new password."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from mydia.adapters.errors import Refused
from mydia.adapters.mail import MailServer, MailTls
from mydia.adapters.outside import Outside
from mydia.contexts import settings, users
from mydia.contexts.notifications import letters
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.errors import Conflict, Invalid, Misconfigured

_NOT_SET_UP = "Mail is not set up. Enter a mail server and a sender address under Settings, Mail."


def server_of(session: Session) -> MailServer | None:
    """Return the configured server, or None if mail is not set up."""
    found = settings.of(session).mail
    if not found.host or not found.sender:
        return None
    return MailServer(
        host=found.host,
        port=found.port,
        tls=MailTls(found.tls),
        username=found.username,
        password=found.password,
        sender=found.sender,
    )


def can_send_links(session: Session) -> bool:
    """Return whether mail with links can be sent: a server is set up and the public address of Mydia is known."""
    return server_of(session) is not None and settings.public_address(session) is not None


def can_send_resets(session: Session) -> bool:
    """Return whether people who forgot their password can ask for a link by mail."""
    return settings.of(session).auth.local_enabled and can_send_links(session)


def require_change(caller: Caller) -> None:
    """Raise Forbidden unless the caller may change the mail server.

    Links that open accounts are sent through it, so changing it needs all permissions.
    """
    caller.require_all()


def send_test(outside: Outside, caller: Caller, server: MailServer | None, to: str) -> None:
    """Send a test message.

    Args:
        server: None if mail is not set up.

    Raises:
        Conflict: There is no server.
        Invalid: The address is not an e-mail address.
        AdapterError: It could not be sent.
    """
    require_change(caller)
    address = users.checked_email(to)
    if address is None:
        sentence = "Enter the address that gets the message."
        raise Invalid(sentence, fields={"to": sentence})
    if server is None:
        raise Conflict(_NOT_SET_UP)
    outside.mail.send(server, letters.test_mail(address, server.host))


def send_invitation(database: Database, outside: Outside, now: datetime, invitation_id: str, *, zone: str) -> str:
    """Send the link of an invitation. Repeating it replaces the link.

    Args:
        zone: Time zone of the day on which it expires.

    Returns:
        A few words about the outcome.

    Raises:
        AdapterError: It could not be sent. After a refusal the invitation says so, and an administrator can pass a new link on.
        Misconfigured: Mail is not set up any more.
    """
    server, origin = _sender(database)
    with database.writes() as session:
        due = users.invitations.new_mailed_link(session, now, invitation_id)
    if due is None:
        return "no longer wanted"
    until = due.expires_at.astimezone(ZoneInfo(zone)).strftime("%-d %B %Y")
    mail = letters.invitation_mail(due.email, due.inviter, f"{origin}/invite/{due.token}", until)
    try:
        outside.mail.send(server, mail)
    except Refused:
        with database.writes() as session:
            users.invitations.record_mail(session, invitation_id, users.invitations.MailState.FAILED)
        raise
    with database.writes() as session:
        users.invitations.record_mail(session, invitation_id, users.invitations.MailState.SENT)
    return "sent"


def send_reset(database: Database, outside: Outside, now: datetime, reset_id: str) -> str:
    """Send the link that somebody asked for who forgot the password. Repeating it replaces the link.

    Returns:
        A few words about the outcome.

    Raises:
        AdapterError: It could not be sent. After a refusal the request is dropped, because repeating it cannot help.
        Misconfigured: Mail is not set up any more.
    """
    server, origin = _sender(database)
    with database.writes() as session:
        due = users.resets.new_mailed_token(session, now, reset_id)
    if due is None:
        return "no longer wanted"
    minutes = int(users.resets.MAILED_LASTS.total_seconds()) // 60
    mail = letters.reset_mail(due.email, due.name, f"{origin}/login/reset/{due.token}", minutes)
    try:
        outside.mail.send(server, mail)
    except Refused:
        with database.writes() as session:
            users.resets.drop_mailed(session, reset_id)
        raise
    with database.writes() as session:
        users.resets.mark_mailed(session, now, reset_id)
    return "sent"


def _sender(database: Database) -> tuple[MailServer, str]:
    """Return the server and the address that links begin with. Raises Misconfigured."""
    with database.reads() as session:
        server, origin = server_of(session), settings.public_address(session)
    if server is None or origin is None:
        raise Misconfigured(_NOT_SET_UP)
    return server, origin
