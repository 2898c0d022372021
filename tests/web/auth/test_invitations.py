"""Invitations by link: an invited person makes an account, once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from litestar.testing import TestClient

from mydia import clock, events
from mydia import config as configuration
from mydia.adapters.errors import Refused
from mydia.contexts import notifications, requests, settings, users
from mydia.contexts.requests.invited import Start
from mydia.contexts.users import SYSTEM, Caller, NewUser, Permission, Role, permissions_of
from mydia.contexts.users.accounts import find_user
from mydia.contexts.users.invitations import MailState, NewInvitation
from mydia.db import Database
from mydia.errors import Conflict, Forbidden, Invalid
from mydia.secret import Secret
from mydia.vocabulary import MediaType
from mydia.web.app import WebApp
from mydia.web.auth.oidc import pages, protocol
from mydia.web.deps import WebDeps
from tests.fakes.issuer import Issuer
from tests.fakes.mailbox import mailbox
from tests.web.auth import test_oidc as oidc
from tests.web.auth.conftest import PASSWORD, sign_in, token
from tests.web.auth.test_forgotten import set_up_mail

type Browser = TestClient[WebApp]
GONE = {"used": "was used already", "expired": "has expired", "revoked": "was withdrawn"}


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    monkeypatch.setattr(pages, "KNOWN", protocol.Known())
    with Issuer() as made:
        yield made


def invite(database: Database, robin: Caller, *starts: Start, **more: object) -> str:
    """Invite somebody and return the token of the link."""
    new = NewInvitation(**{"role": Role.GUEST, **more})  # type: ignore[arg-type]  # what tests pass fits
    with database.writes() as session:
        return requests.invited.invite(session, robin, clock.now(), new, starts)[1]


def accept(browser: Browser, link: str, username: str = "kim", **more: str) -> object:
    form = {"_csrf": token(browser), "username": username, "password": PASSWORD, "again": PASSWORD, **more}
    return browser.post(f"/invite/{link}", data=form)


def role_of(database: Database, name: str) -> str | None:
    with database.reads() as session:
        found = find_user(session, name)
        return found.role if found else None


def states(database: Database) -> list[str]:
    with database.reads() as session:
        rows = users.invitations.list_invitations(session, SYSTEM)
        return [users.invitations.state_of(row, clock.now()) for row in rows]


def test_an_invited_person_makes_an_account_and_is_signed_in(
    browser: Browser, database: Database, robin: Caller
) -> None:
    link = invite(database, robin, role=Role.USER, email="kim@example.org", note="Kim")
    shown = browser.get(f"/invite/{link}")
    assert "robin invites you to Mydia." in shown.text
    assert (shown.headers["cache-control"], shown.headers["referrer-policy"]) == ("no-store", "no-referrer")
    answer = accept(browser, link, display_name="Kim Doe")
    assert answer.headers["location"] == "/"  # type: ignore[attr-defined]
    assert browser.get("/").text == "hello Kim Doe"
    with database.reads() as session:
        kim = find_user(session, "kim")
        assert kim is not None
        assert (kim.role, kim.email, kim.role_pinned) == ("user", "kim@example.org", True)
        told = [one.type for one in events.feed(session, types=["UserAdded", "InvitationUsed", "InvitationAdded"])]
    assert told[:3] == ["InvitationUsed", "UserAdded", "InvitationAdded"]


def test_a_link_works_once(browser: Browser, database: Database, robin: Caller) -> None:
    link = invite(database, robin)
    accept(browser, link)
    browser.cookies.clear()
    answer = accept(browser, link, "zoe")
    assert answer.status_code == 422  # type: ignore[attr-defined]
    assert GONE["used"] in answer.text  # type: ignore[attr-defined]
    assert GONE["used"] in browser.get(f"/invite/{link}").text
    assert (role_of(database, "zoe"), states(database)) == (None, ["used"])


def test_an_expired_and_a_withdrawn_link_say_so(
    browser: Browser, database: Database, robin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, other = invite(database, robin, days=1), invite(database, robin)
    with database.writes() as session:
        newest = users.invitations.list_invitations(session, robin)[0]
        users.invitations.revoke_invitation(session, robin, clock.now(), newest.id)
    assert GONE["revoked"] in browser.get(f"/invite/{other}").text
    later = clock.now() + timedelta(days=1, minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert GONE["expired"] in browser.get(f"/invite/{link}").text
    unknown = browser.get("/invite/nonsense").text
    assert "is not valid" in unknown
    assert "This link does not work" in unknown


def test_what_was_typed_wrong_stays_in_the_form_and_the_link_still_works(
    browser: Browser, database: Database, robin: Caller
) -> None:
    link = invite(database, robin)
    for form, said in (
        ({"username": "robin"}, "already taken"),
        ({"username": "two words"}, "Use letters, digits"),
        ({"username": "kim", "password": "short", "again": "short"}, "at least 8"),
        ({"username": "kim", "again": "something else"}, "are not the same"),
    ):
        answer = accept(browser, link, **form)
        assert answer.status_code == 422  # type: ignore[attr-defined]
        assert said in answer.text, form  # type: ignore[attr-defined]
        assert f'value="{form["username"]}"' in answer.text  # type: ignore[attr-defined]
    assert accept(browser, link).status_code == 303  # type: ignore[attr-defined]


def test_a_signed_in_person_does_not_accept_for_another(browser: Browser, database: Database, robin: Caller) -> None:
    link = invite(database, robin)
    sign_in(browser)
    shown = browser.get(f"/invite/{link}").text
    assert "You are signed in as robin" in shown
    assert 'name="username"' not in shown


def test_the_new_account_starts_with_its_limits(browser: Browser, database: Database, robin: Caller) -> None:
    with database.writes() as session:
        profile = settings.profiles.list_profiles(session, robin)[0].id
    link = invite(
        database, robin, Start(type=MediaType.MOVIE, most=3, profile_id=profile), Start(type=MediaType.TV_SHOW)
    )
    accept(browser, link)
    with database.reads() as session:
        kim = find_user(session, "kim")
        assert kim is not None
        allowances = requests.quotas.allowances_of(session, robin, kim.id)
        assert settings.person_defaults.of_person(session, kim.id, MediaType.MOVIE).profile_id == profile
    assert [(one.quota, one.most) for one in allowances.values()] == [("limited", 3), ("default", None)]


def _demote(database: Database, robin: Caller) -> None:
    with database.writes() as session:
        users.add_user(session, SYSTEM, clock.now(), NewUser(username="second", role=Role.ADMIN))
        users.change_user(session, SYSTEM, str(robin.id), now=clock.now(), role=Role.USER)


def _disable(database: Database, robin: Caller) -> None:
    with database.writes() as session:
        users.add_user(session, SYSTEM, clock.now(), NewUser(username="second", role=Role.ADMIN))
        users.change_user(session, SYSTEM, str(robin.id), now=clock.now(), disabled=True)


def _remove(database: Database, robin: Caller) -> None:
    with database.writes() as session:
        users.add_user(session, SYSTEM, clock.now(), NewUser(username="second", role=Role.ADMIN))
        users.remove_user(session, SYSTEM, clock.now(), str(robin.id))


@pytest.mark.parametrize(("change", "said"), [(_demote, "withdrawn"), (_disable, "withdrawn"), (_remove, "not valid")])
def test_an_invitation_ends_with_the_permissions_of_the_person_who_made_it(
    browser: Browser, database: Database, robin: Caller, change: object, said: str
) -> None:
    link = invite(database, robin, role=Role.ADMIN)
    change(database, robin)  # type: ignore[operator]
    answer = accept(browser, link, "mallory")
    assert said in answer.text  # type: ignore[attr-defined]
    assert role_of(database, "mallory") is None


def test_nobody_invites_to_more_than_they_have(database: Database, robin: Caller) -> None:
    scopes = [Permission.MANAGE_USERS]
    key = Caller(
        kind="api_key",
        id=robin.id,
        name="Key",
        permissions=permissions_of(Role.ADMIN, scopes=scopes),
        role=Role.ADMIN,
    )
    with pytest.raises(Forbidden, match="more permissions"):
        invite(database, key, role=Role.ADMIN)
    with pytest.raises(Forbidden):
        invite(database, key, Start(type=MediaType.MOVIE, profile_id="x"), role=Role.GUEST)


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"days": 0}, Invalid),
        ({"days": 91}, Invalid),
        ({"email": "nobody"}, Invalid),
        ({"by_mail": True}, Invalid),
        ({"email": "robin@example.org"}, Conflict),
    ],
)
def test_what_cannot_be_is_refused(database: Database, robin: Caller, wrong: dict[str, object], kind: type) -> None:
    with database.writes() as session:
        users.change_own_profile(session, robin, clock.now(), display_name=None, email="robin@example.org")
    with pytest.raises(kind):
        invite(database, robin, **wrong)


def test_a_new_link_replaces_the_one_before(browser: Browser, database: Database, robin: Caller) -> None:
    first = invite(database, robin)
    with database.writes() as session:
        (row,) = users.invitations.list_invitations(session, robin)
        second = users.invitations.new_link(session, robin, clock.now(), row.id)
    assert [browser.get(f"/invite/{link}").status_code for link in (first, second)] == [422, 200]
    accept(browser, second)
    with pytest.raises(Conflict), database.writes() as session:
        users.invitations.new_link(session, robin, clock.now(), row.id)


def test_an_invited_person_signs_in_at_a_provider_that_admits_no_strangers(
    browser: Browser, database: Database, robin: Caller, issuer: Issuer
) -> None:
    oidc.configure(database, issuer, allow_sign_up=False)
    link = invite(database, robin, Start(type=MediaType.MOVIE, most=3), role=Role.USER)
    found = re.search(r'href="(/auth/oidc\?invitation=[^"]+)"', browser.get(f"/invite/{link}").text)
    assert found
    answer = oidc.enter(browser, issuer, found[1])
    assert answer.headers["location"] == "/"
    assert browser.get("/").text == "hello Kim Doe"
    kim = oidc.people(database)["kim"]
    assert (kim.role, kim.role_pinned, kim.password_hash) == ("user", True, None)
    browser.cookies.clear()
    oidc.enter(browser, issuer)
    assert browser.get("/").text == "hello Kim Doe"


def test_somebody_who_has_an_account_does_not_use_an_invitation_up(
    browser: Browser, database: Database, robin: Caller, issuer: Issuer
) -> None:
    oidc.configure(database, issuer)
    oidc.enter(browser, issuer)
    browser.cookies.clear()
    link = invite(database, robin, role=Role.ADMIN)
    answer = oidc.enter(browser, issuer, f"/auth/oidc?invitation={link}")
    assert answer.status_code == 403
    assert "already have a Mydia account" in answer.text
    assert (role_of(database, "kim"), states(database)) == ("guest", ["open"])


def test_a_used_link_does_not_even_begin_a_sign_in(
    browser: Browser, database: Database, robin: Caller, issuer: Issuer
) -> None:
    oidc.configure(database, issuer, allow_sign_up=False)
    link = invite(database, robin)
    address = issuer.authorize(oidc.begin(browser, f"/auth/oidc?invitation={link}"))
    accept(browser, link, "zoe")
    browser.cookies.delete("session")
    assert GONE["used"] in browser.get(f"/auth/oidc?invitation={link}").text
    assert GONE["used"] in oidc.come_back(browser, address).text
    assert role_of(database, "kim") is None


def test_without_password_sign_in_only_providers_are_offered(
    browser: Browser, database: Database, robin: Caller, issuer: Issuer
) -> None:
    oidc.configure(database, issuer)
    link = invite(database, robin)
    with database.writes() as session:
        users.identities.link(
            session,
            robin,
            clock.now(),
            users.Asserted(issuer=issuer.url, subject="robin", username="robin"),
            provider="Pocket ID",
        )
        settings.change_values(session, SYSTEM, clock.now(), {"auth.local_enabled": False})
    shown = browser.get(f"/invite/{link}").text
    assert 'name="password"' not in shown
    assert "Continue with Pocket ID" in shown
    assert accept(browser, link).status_code == 403  # type: ignore[attr-defined]


def test_the_link_is_mailed_and_a_rejected_message_is_shown(
    browser: Browser, database: Database, web_deps: WebDeps, robin: Caller
) -> None:
    config = configuration.load({"DATA_DIR": str(web_deps.config.data_dir), "EXTERNAL_URL": "https://m.example"})
    settings.bind(database, config)
    with mailbox() as inbox:
        set_up_mail(database, inbox)
        shown_once = invite(database, robin, email="kim@example.org", by_mail=True, days=3)
        invite(database, robin, email="zoe@example.org", by_mail=True)
        with database.reads() as session:
            first, second = users.invitations.due_mails(session, clock.now())
        notifications.mail.send_invitation(database, web_deps.outside, clock.now(), first, zone="Europe/Vienna")
        (message,) = inbox.wait()
        text = message.get_body(("plain",))
        assert text is not None
        found = re.search(r"https://m\.example/invite/(\S+)", text.get_content())
        assert found
        assert (message["To"], message["Subject"]) == ("kim@example.org", "robin invites you to Mydia")
        assert [browser.get(f"/invite/{link}").status_code for link in (found[1], shown_once)] == [200, 422]
        inbox.reply = "550 no such user"
        with pytest.raises(Refused):
            notifications.mail.send_invitation(database, web_deps.outside, clock.now(), second, zone="UTC")
    with database.reads() as session:
        assert users.invitations.due_mails(session, clock.now()) == []
        rows = users.invitations.list_invitations(session, robin)
    assert [row.mail_state for row in rows] == [MailState.FAILED, MailState.SENT]


def test_a_forged_passkey_makes_no_account(browser: Browser, database: Database, robin: Caller) -> None:
    link = invite(database, robin)
    found = re.search(r'name="challenge" value="([^"]+)"', browser.get(f"/invite/{link}").text)
    assert found
    form = {"_csrf": token(browser), "username": "kim", "challenge": found[1], "credential": "{}"}
    answer = browser.post(f"/invite/{link}/passkey", data=form)
    assert answer.status_code == 422
    assert "This passkey is not known here" in answer.text
    assert (role_of(database, "kim"), states(database)) == (None, ["open"])


def test_a_password_of_the_invitation_is_a_local_one(browser: Browser, database: Database, robin: Caller) -> None:
    link = invite(database, robin)
    accept(browser, link)
    browser.cookies.clear()
    assert sign_in(browser, PASSWORD, "kim").status_code == 303
    with database.reads() as session:
        kim = find_user(session, "kim")
    assert kim is not None
    assert users.passwords.verify_password(kim.password_hash, Secret(PASSWORD).reveal())
