"""Settings: the server that sends mail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from litestar import Response, get, post
from litestar.response import Stream
from msgspec import Struct

from mydia import clock
from mydia.adapters.mail import MailServer, MailTls
from mydia.contexts import notifications, settings
from mydia.contexts.settings import FolderFinding
from mydia.contexts.users import Caller
from mydia.errors import Invalid, MydiaError
from mydia.secret import Secret
from mydia.vocabulary import find_member
from mydia.web.deps import CallerDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.pages.settings.service_forms import TestResult
from mydia.web.render import Toast, redirect, unfolding


class MailFields(Struct, kw_only=True):
    """The form of the mail server."""

    host: str = ""
    port: str = ""
    tls: str = ""
    username: str = ""
    password: Secret = Secret("")
    """Empty: the stored one."""
    forget_password: bool = False
    sender: str = ""
    to: str = ""
    """Where the test message goes."""


class MailView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of the mail server."""

    frame: SettingsFrame
    values: Mapping[str, str]
    locked: Mapping[str, str]
    """Field -> the source that fixes it."""
    has_password: bool
    ready: bool
    """Whether mail is set up."""
    address: str
    """The public address of Mydia, which links begin with; empty if it is not configured."""
    tls: tuple[tuple[str, str], ...] = (
        ("starttls", "STARTTLS (usually port 587)"),
        ("tls", "TLS (usually port 465)"),
        ("none", "None"),
    )
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


_FIELDS = ("host", "port", "tls", "username", "sender")
_TESTING = TestResult("live", "Testing", findings=(FolderFinding("run", "Sending a message"),))


@get("/settings/mail", sync_to_thread=True, include_in_schema=False)
def mail(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Show the mail server."""
    return show(request, "mail.html", _view(deps, caller, {}, {}))


@post("/settings/mail", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_mail(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[MailFields]) -> Response[str]:
    """Store the mail server."""
    wanted = form.read()
    try:
        with deps.database.writes() as session:
            found = settings.all_sourced(session, caller)
            changes: dict[str, object] = {
                f"mail.{name}": getattr(wanted, name).strip()
                for name in _FIELDS
                if found[f"mail.{name}"].layer != "environment"
                and getattr(wanted, name).strip() != str(found[f"mail.{name}"].value or "")
            }
            if found["mail.password"].layer != "environment" and (wanted.password or wanted.forget_password):
                changes["mail.password"] = wanted.password.reveal() or None
            settings.change_values(session, caller, clock.now(), changes)
    except Invalid as error:
        errors = {name.removeprefix("mail."): said for name, said in errors_of(error).items()}
        return show(request, "mail.html", _view(deps, caller, form.sent, errors), status=422)
    return redirect(request, "/settings/mail", toast=Toast("Saved"))


@post("/settings/mail/test", sync_to_thread=True, status_code=200, include_in_schema=False)
def test_mail(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[MailFields]
) -> Response[str] | Stream:
    """Send a test message through the server that the form describes."""
    notifications.mail.require_change(caller)
    steps = _steps(deps, caller, form.draft())
    return unfolding(
        request, "settings/_test_result.html", steps, title="Test", active="settings", back="/settings/mail"
    )


def _steps(deps: WebDeps, caller: Caller, wanted: MailFields) -> Iterator[TestResult]:
    yield _TESTING
    with deps.database.reads() as session:
        stored = settings.of(session).mail
    tls = find_member(MailTls, wanted.tls)
    if not wanted.host.strip() or not wanted.sender.strip() or tls is None or not wanted.port.strip().isdecimal():
        yield TestResult("fail", "Enter host, port and sender first")
        return
    # A stored password is only sent to the host that it was stored for.
    kept = stored.password if wanted.host.strip() == stored.host else None
    server = MailServer(
        host=wanted.host.strip(),
        port=int(wanted.port),
        tls=tls,
        username=wanted.username.strip() or None,
        password=wanted.password or kept,
        sender=wanted.sender.strip(),
    )
    try:
        notifications.mail.send_test(deps.outside, caller, server, wanted.to)
    except MydiaError as error:
        yield TestResult("fail", "The message was not sent", error.message)
        return
    yield TestResult("ok", "Message sent", f"Look for it in the mailbox of {wanted.to.strip()}.")


def _view(deps: WebDeps, caller: Caller, sent: Mapping[str, str], errors: Mapping[str, str]) -> MailView:
    caller_frame = frame(caller, "mail")
    with deps.database.reads() as session:
        found = settings.all_sourced(session, caller)
        ready = notifications.mail.server_of(session) is not None
        address = settings.public_address(session) or ""
    names = (*_FIELDS, "password")
    return MailView(
        frame=caller_frame,
        values={name: str(found[f"mail.{name}"].value or "") for name in _FIELDS} | dict(sent),
        locked={name: one.source for name in names if (one := found[f"mail.{name}"]).layer == "environment"},
        has_password=bool(found["mail.password"].value),
        ready=ready,
        address=address,
        errors=errors,
    )


ROUTES = (mail, save_mail, test_mail)
