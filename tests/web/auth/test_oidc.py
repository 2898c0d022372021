"""Sign-in with a provider that follows the protocol, and with one that does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from mydia import clock, events
from mydia.contexts import settings, users
from mydia.contexts.settings.providers import NewProvider
from mydia.contexts.users import SYSTEM, Caller, Permission, Role, permissions_of
from mydia.contexts.users.models import Identity, User
from mydia.db import Database
from mydia.errors import Conflict, Forbidden, Invalid
from mydia.secret import Secret
from mydia.web.app import WebApp
from mydia.web.auth.oidc import attempts, pages, protocol
from tests.fakes.issuer import CLIENT_ID, CLIENT_SECRET, Issuer
from tests.web.auth.conftest import PASSWORD, sign_in, token

type Browser = TestClient[WebApp]


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    # Ports of earlier tests are used again, with other keys.
    monkeypatch.setattr(pages, "KNOWN", protocol.Known())


def configure(database: Database, issuer: Issuer, **more: Any) -> str:
    new = NewProvider(
        **{
            "name": "Pocket ID",
            "issuer": issuer.url,
            "client_id": CLIENT_ID,
            "secret": Secret(CLIENT_SECRET),
            "role_groups": {Role.ADMIN: ("admins",), Role.USER: ("family",)},
            **more,
        }
    )
    with database.writes() as session:
        return settings.providers.add_provider(session, SYSTEM, clock.now(), new).id


@pytest.fixture
def provider(database: Database, issuer: Issuer, robin: Caller) -> str:
    """A provider of an installation that has an administrator; returns its id."""
    return configure(database, issuer)


def begin(browser: Browser, path: str = "/auth/oidc") -> str:
    answer = browser.get(path)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def come_back(browser: Browser, address: str) -> Any:
    parts = urlsplit(address)
    return browser.get(f"{parts.path}?{parts.query}")


def enter(browser: Browser, issuer: Issuer, path: str = "/auth/oidc") -> Any:
    return come_back(browser, issuer.authorize(begin(browser, path)))


def people(database: Database) -> dict[str, User]:
    with database.reads() as session:
        return {user.username: user for user in session.scalars(select(User))}


def reasons(database: Database) -> list[str]:
    with database.reads() as session:
        return [one.payload["reason"] for one in events.feed(session, types=["SignInFailed"])]


def said(answer: Any) -> str:
    found = re.search(r'id="login-error".*?</div>\s*</div>', answer.text, re.DOTALL) or re.search(
        r'id="login-error".*', answer.text, re.DOTALL
    )
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", found[0])) if found else answer.text


def test_a_person_signs_in_and_gets_the_requested_page(
    browser: Browser, provider: str, issuer: Issuer, database: Database
) -> None:
    assert 'href="/auth/oidc?next=%2F%3Fpage%3D2"' in browser.get("/login?next=/%3Fpage%3D2").text
    answer = enter(browser, issuer, "/auth/oidc?next=/%3Fpage%3D2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?page=2")
    assert browser.get("/").text == "hello Kim Doe"
    kim = people(database)["kim"]
    assert (kim.role, kim.password_hash, kim.email) == ("guest", None, None)
    with database.reads() as session:
        signed = events.feed(session, types=["SignedIn"])[0].payload
    assert (signed["username"], signed["method"]) == ("kim", "oidc")


def test_the_second_sign_in_finds_the_same_account_even_under_another_name(
    browser: Browser, provider: str, issuer: Issuer, database: Database
) -> None:
    enter(browser, issuer)
    browser.cookies.clear()
    issuer.person |= {"preferred_username": "kimberly", "email": "kim@example.org", "email_verified": True}
    enter(browser, issuer)
    assert set(people(database)) == {"robin", "kim"}


def test_the_request_uses_pkce_and_its_secrets_stay_in_a_hidden_cookie(browser: Browser, provider: str) -> None:
    answer = browser.get("/auth/oidc")
    sent = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert (sent["response_type"], sent["scope"]) == ("code", "openid profile email")
    assert sent["redirect_uri"] == "http://mydia.test/auth/oidc/callback"
    assert len(sent["state"]) == len(sent["nonce"]) == 43
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("oidc-"))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/auth/oidc" in cookie
    assert "Max-Age=600" in cookie
    assert sent["nonce"] not in cookie
    assert answer.headers["cache-control"] == "no-store"


def test_groups_give_roles_and_the_highest_one_wins(
    browser: Browser, provider: str, issuer: Issuer, database: Database
) -> None:
    issuer.person["groups"] = ["family", "/Admins"]
    enter(browser, issuer)
    assert people(database)["kim"].role == "admin"


def test_a_changed_group_changes_the_role_at_the_next_sign_in_but_a_missing_claim_does_not(
    browser: Browser, provider: str, issuer: Issuer, database: Database
) -> None:
    issuer.person["groups"] = ["family"]
    enter(browser, issuer)
    browser.cookies.clear()
    del issuer.person["groups"]
    enter(browser, issuer)
    assert people(database)["kim"].role == "user"
    browser.cookies.clear()
    issuer.person["groups"] = []
    enter(browser, issuer)
    assert people(database)["kim"].role == "guest"


def test_a_role_that_an_administrator_chose_stays(
    browser: Browser, provider: str, issuer: Issuer, database: Database, robin: Caller
) -> None:
    issuer.person["groups"] = ["family"]
    enter(browser, issuer)
    with database.writes() as session:
        users.change_user(session, robin, people(database)["kim"].id, now=clock.now(), role=Role.READONLY)
    browser.cookies.clear()
    enter(browser, issuer)
    assert people(database)["kim"].role == "readonly"


def test_an_administrator_lets_a_role_follow_the_groups_again(
    browser: Browser, provider: str, issuer: Issuer, database: Database, robin: Caller
) -> None:
    issuer.person["groups"] = ["family"]
    enter(browser, issuer)
    kim = people(database)["kim"].id
    with database.writes() as session:
        users.change_user(session, robin, kim, now=clock.now(), role=Role.READONLY)
        users.identities.follow_groups(session, robin, clock.now(), kim)
        users.identities.follow_groups(session, robin, clock.now(), kim)
    assert people(database)["kim"].role == "readonly", "until the next sign-in"
    browser.cookies.clear()
    enter(browser, issuer)
    assert people(database)["kim"].role == "user"
    with database.reads() as session:
        told = [one.payload["changed"] for one in events.feed(session, types=["UserChanged"])]
    assert told[:2] == [
        {"role": ["readonly", "user"]},
        {"role is chosen by": ["an administrator", "the provider's groups"]},
    ]


def test_only_linked_accounts_follow_groups_and_only_full_administrators_let_them(
    browser: Browser, provider: str, issuer: Issuer, database: Database, robin: Caller
) -> None:
    enter(browser, issuer)
    kim = people(database)["kim"].id
    narrow = replace(robin, permissions=permissions_of(Role.ADMIN, scopes=[Permission.MANAGE_USERS]))
    with database.writes() as session:
        with pytest.raises(Forbidden):
            users.identities.follow_groups(session, narrow, clock.now(), kim)
        with pytest.raises(Conflict, match="not linked to a provider"):
            users.identities.follow_groups(session, robin, clock.now(), str(robin.id))


def test_the_only_administrator_keeps_the_role_even_if_it_follows_groups(
    browser: Browser, provider: str, issuer: Issuer, database: Database, robin: Caller
) -> None:
    issuer.person["groups"] = ["admins"]
    enter(browser, issuer)
    kim = people(database)["kim"].id
    with database.writes() as session:
        users.change_user(session, robin, str(robin.id), now=clock.now(), disabled=True)
        users.identities.follow_groups(session, robin, clock.now(), kim)
    issuer.person["groups"] = ["family"]
    browser.cookies.clear()
    enter(browser, issuer)
    assert people(database)["kim"].role == "admin"


def test_the_claim_of_groups_can_be_inside_an_object_of_the_id_token(
    browser: Browser, issuer: Issuer, database: Database, robin: Caller
) -> None:
    configure(database, issuer, role_claim="realm_access.roles")
    issuer.claims["realm_access"] = {"roles": ["family"]}
    enter(browser, issuer)
    assert people(database)["kim"].role == "user"


def test_a_taken_user_name_or_address_never_links_two_accounts(
    browser: Browser, provider: str, issuer: Issuer, database: Database, robin: Caller
) -> None:
    with database.writes() as session:
        users.change_own_profile(session, robin, clock.now(), display_name=None, email="robin@example.org")
    issuer.person |= {"preferred_username": "robin", "email": "robin@example.org", "email_verified": True}
    enter(browser, issuer)
    found = people(database)
    assert set(found) == {"robin", "robin-2"}
    assert (found["robin-2"].role, found["robin-2"].email) == ("guest", None)


def test_an_address_that_the_provider_has_not_verified_is_not_kept(
    browser: Browser, provider: str, issuer: Issuer, database: Database
) -> None:
    issuer.person |= {"email": "kim@example.org", "email_verified": False}
    enter(browser, issuer)
    assert people(database)["kim"].email is None


def test_the_mark_of_one_address_does_not_cover_another_one(
    browser: Browser, provider: str, issuer: Issuer, database: Database
) -> None:
    issuer.claims |= {"email_verified": True}
    issuer.person |= {"email": "boss@example.org"}
    enter(browser, issuer)
    assert people(database)["kim"].email is None


def test_unknown_people_are_refused_without_sign_up(
    browser: Browser, issuer: Issuer, database: Database, robin: Caller
) -> None:
    configure(database, issuer, allow_sign_up=False)
    answer = enter(browser, issuer)
    assert answer.status_code == 403
    assert "There is no Mydia account for you yet" in said(answer)
    assert set(people(database)) == {"robin"}
    assert reasons(database) == ["unknown_person"]


def test_people_in_no_group_are_refused_without_a_default_role(
    browser: Browser, issuer: Issuer, database: Database, robin: Caller
) -> None:
    configure(database, issuer, default_role=None)
    assert "None of your groups may use Mydia" in said(enter(browser, issuer))
    issuer.person["groups"] = ["family"]
    assert enter(browser, issuer).status_code == 303


def test_a_disabled_account_cannot_sign_in(
    browser: Browser, provider: str, issuer: Issuer, database: Database, robin: Caller
) -> None:
    enter(browser, issuer)
    with database.writes() as session:
        users.change_user(session, robin, people(database)["kim"].id, now=clock.now(), disabled=True)
    browser.cookies.clear()
    assert "This account is disabled" in said(enter(browser, issuer))


def test_a_remote_person_does_not_become_the_first_administrator(
    browser: Browser, issuer: Issuer, database: Database
) -> None:
    configure(database, issuer)
    answer = enter(browser, issuer)
    assert "Mydia has no administrator yet" in said(answer)
    assert people(database) == {}


def test_a_group_of_administrators_makes_the_first_one_from_anywhere(
    browser: Browser, issuer: Issuer, database: Database
) -> None:
    configure(database, issuer)
    issuer.person["groups"] = ["admins"]
    assert enter(browser, issuer).status_code == 303
    assert people(database)["kim"].role == "admin"


def test_the_only_administrator_keeps_the_role(browser: Browser, issuer: Issuer, database: Database) -> None:
    configure(database, issuer)
    issuer.person["groups"] = ["admins"]
    enter(browser, issuer)
    browser.cookies.clear()
    issuer.person["groups"] = []
    assert enter(browser, issuer).status_code == 303
    assert people(database)["kim"].role == "admin"


def _claims(**claims: Any) -> Callable[[Issuer], None]:
    return lambda issuer: issuer.claims.update(claims)


def _other_key(issuer: Issuer) -> None:
    issuer.published = [Issuer().keys[0].as_dict(private=False) | {"kid": "first"}]


def _foreign_answer(issuer: Issuer) -> None:
    issuer.answer_with["iss"] = "https://evil.example"


LATE_S = clock.now().timestamp() - 3600
WRONG: dict[str, tuple[Callable[[Issuer], None], str]] = {
    "another nonce": (_claims(nonce="other"), "nonce"),
    "no nonce": (_claims(nonce=None), "nonce"),
    "another audience": (_claims(aud="other"), "audience"),
    "two audiences without a party": (_claims(aud=[CLIENT_ID, "other"]), "party"),
    "another party": (_claims(azp="other"), "party"),
    "no audience": (_claims(aud=None), "audience"),
    "expired": (_claims(exp=LATE_S), "expired"),
    "no expiry": (_claims(exp=None), "expired"),
    "an expiry that is no number": (_claims(exp=True), "expired"),
    "issued in the future": (_claims(iat=clock.now().timestamp() + 86_400), "issued"),
    "another issuer in the token": (_claims(iss="https://evil.example"), "issuer"),
    "another issuer in the answer": (_foreign_answer, "issuer"),
    "no issuer in the answer": (lambda issuer: issuer.answer_with.update(iss=""), "issuer"),
    "no subject": (_claims(sub=""), "token"),
    "another access token": (_claims(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), "access_token"),
    "no signature": (lambda issuer: setattr(issuer, "sign", issuer.unsigned), "algorithm"),
    "HS256 with the public key": (lambda issuer: setattr(issuer, "sign", issuer.signed_with_public_key), "algorithm"),
    "HS256 that the provider offers": (
        lambda issuer: (
            setattr(issuer, "sign", issuer.signed_with_public_key)
            or issuer.document.update(id_token_signing_alg_values_supported=["RS256", "HS256", "none"])
        ),
        "algorithm",
    ),
    "another key with the same name": (_other_key, "signature"),
    "an unknown key": (lambda issuer: issuer.header.update(kid="unknown"), "signature"),
    "another person in userinfo": (lambda issuer: setattr(issuer, "userinfo_sub", "p2"), "subject"),
    "no token": (lambda issuer: setattr(issuer, "sign", lambda *_: "x.y"), "token"),
}


@pytest.mark.parametrize(("spoil", "code"), WRONG.values(), ids=WRONG)
def test_a_wrong_answer_signs_nobody_in(
    browser: Browser,
    provider: str,
    issuer: Issuer,
    database: Database,
    spoil: Callable[[Issuer], None],
    code: str,
) -> None:
    spoil(issuer)
    answer = enter(browser, issuer)
    assert answer.status_code == 403, answer.text
    assert "session=" not in str(answer.headers.get_list("set-cookie"))
    assert set(people(database)) == {"robin"}
    assert reasons(database) == [f"oidc_{code}"]
    request_id = answer.headers["x-request-id"]
    assert request_id in said(answer)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_every_family_of_signatures_works(browser: Browser, database: Database, robin: Caller, algorithm: str) -> None:
    with Issuer(algorithm=algorithm) as issuer:
        configure(database, issuer)
        assert enter(browser, issuer).status_code == 303


def test_a_rotated_key_is_fetched_once(
    browser: Browser, provider: str, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "_REFETCH_S", 0.0)
    enter(browser, issuer)
    browser.cookies.clear()
    issuer.rotate()
    assert enter(browser, issuer).status_code == 303
    assert issuer.counts["/jwks"] == 2


def test_unknown_keys_do_not_cause_a_request_each(browser: Browser, provider: str, issuer: Issuer) -> None:
    issuer.header["kid"] = "unknown"
    for _ in range(3):
        enter(browser, issuer)
    assert issuer.counts["/jwks"] == 1


def test_an_answer_works_once(browser: Browser, provider: str, issuer: Issuer, database: Database) -> None:
    address = issuer.authorize(begin(browser))
    kept = dict(browser.cookies)
    assert come_back(browser, address).status_code == 303
    browser.cookies.clear()
    browser.cookies.update(kept)
    # The provider would accept the code again.
    issuer.used.clear()
    replayed = come_back(browser, address)
    assert replayed.status_code == 403
    assert "was used before" in said(replayed)


def test_a_code_that_the_provider_refuses_signs_nobody_in(
    browser: Browser, provider: str, issuer: Issuer, database: Database
) -> None:
    address = issuer.authorize(begin(browser))
    issuer.used.update(issuer.codes)
    answer = come_back(browser, address)
    assert "Pocket ID did not accept the sign-in: invalid_grant." in said(answer)
    assert reasons(database) == ["oidc_code"]


def test_an_answer_in_another_browser_signs_nobody_in(
    browser: Browser, app: WebApp, provider: str, issuer: Issuer, database: Database
) -> None:
    address = issuer.authorize(begin(browser))
    with TestClient(app, base_url="http://mydia.test") as other:
        other.follow_redirects = False
        # The other browser has begun a sign-in of its own, as a victim of login CSRF may have.
        begin(other)
        answer = come_back(other, address)
    assert answer.status_code == 403
    assert set(people(database)) == {"robin"}
    assert reasons(database) == ["oidc_attempt"]


def test_a_state_with_the_beginning_of_another_is_refused(browser: Browser, provider: str, issuer: Issuer) -> None:
    address = issuer.authorize(begin(browser))
    state = dict(parse_qsl(urlsplit(address).query))["state"]
    answer = come_back(browser, address.replace(state, state[:-1] + "x"))
    assert answer.status_code == 403


@pytest.mark.parametrize("state", ["a b;c=d", "x\r\nX-Evil: 1", "é" * 20, "", "=" * 40])
def test_a_state_can_be_any_text(browser: Browser, provider: str, state: str) -> None:
    answer = browser.get("/auth/oidc/callback", params={"state": state, "code": "x"})
    assert answer.status_code == 403
    assert "x-evil" not in answer.headers


def test_an_attempt_expires(browser: Browser, provider: str, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    address = issuer.authorize(begin(browser))
    later = clock.now() + timedelta(minutes=11)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert come_back(browser, address).status_code == 403


def test_several_tabs_do_not_disturb_one_another(browser: Browser, provider: str, issuer: Issuer) -> None:
    first, second = begin(browser), begin(browser)
    assert come_back(browser, issuer.authorize(first)).status_code == 303
    assert come_back(browser, issuer.authorize(second)).status_code == 303


def test_a_browser_keeps_only_a_few_attempts(browser: Browser, provider: str) -> None:
    for _ in range(20):
        begin(browser)
    assert sum(name.startswith("oidc-") for name in browser.cookies) <= attempts._MOST_AT_ONCE


def test_the_answer_of_one_provider_is_refused_at_the_address_of_another(
    browser: Browser, provider: str, issuer: Issuer, database: Database
) -> None:
    configure(database, issuer, name="Office")
    address = issuer.authorize(begin(browser, "/auth/oidc/office"))
    assert "/auth/oidc/office/callback?" in address
    assert come_back(browser, address.replace("/office/callback", "/callback")).status_code == 403


def test_what_the_provider_says_is_shown(browser: Browser, provider: str, issuer: Issuer) -> None:
    address = begin(browser)
    state = dict(parse_qsl(urlsplit(address).query))["state"]
    answer = browser.get(
        "/auth/oidc/callback",
        params={
            "error": "access_denied",
            "error_description": "Kim <b>declined</b>",
            "state": state,
            "iss": issuer.url,
        },
    )
    assert "Pocket ID did not sign you in: Kim &lt;b&gt;declined&lt;/b&gt;." in answer.text


def test_an_error_without_an_attempt_is_not_shown(browser: Browser, provider: str) -> None:
    answer = browser.get("/auth/oidc/callback?error=access_denied&error_description=call+555+0199")
    assert "555" not in answer.text


@pytest.mark.parametrize("next_", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_a_sign_in_leads_only_to_this_server(browser: Browser, provider: str, issuer: Issuer, next_: str) -> None:
    answer = enter(browser, issuer, f"/auth/oidc?next={next_}")
    assert answer.headers["location"] == "/"


DISCOVERY: dict[str, tuple[Callable[[Issuer], object], str]] = {
    "down": (lambda issuer: issuer.fail("error"), "server error"),
    "broken": (lambda issuer: issuer.fail("broken_json"), "invalid JSON"),
    "a web page": (lambda issuer: issuer.fail("html"), "server error"),
    "another issuer": (lambda issuer: issuer.document.update(issuer="https://evil.example"), "calls itself"),
    "no endpoint": (lambda issuer: issuer.document.update(token_endpoint=None), "token_endpoint is missing"),
    "a script as endpoint": (
        lambda issuer: issuer.document.update(authorization_endpoint="javascript:alert(1)"),
        "authorization_endpoint is missing",
    ),
    "huge": (lambda issuer: issuer.document.update(filler="x" * 600_000), "too large"),
    "slow": (lambda issuer: issuer.fail("latency", seconds=3), "did not answer in time"),
}


@pytest.mark.parametrize(("spoil", "message"), DISCOVERY.values(), ids=DISCOVERY)
def test_a_provider_that_cannot_be_used_is_reported_and_heals(
    browser: Browser,
    provider: str,
    issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Issuer], object],
    message: str,
) -> None:
    monkeypatch.setattr(protocol, "_TIMEOUT_S", 0.5)
    spoil(issuer)
    answer = browser.get("/auth/oidc")
    assert answer.status_code in {403, 503}
    assert message in said(answer)
    assert 'name="password"' in answer.text, "a password still works"
    # The next request does not wait for the provider again.
    asked = issuer.total
    browser.get("/auth/oidc")
    assert issuer.total == asked
    issuer.heal()
    issuer.document.clear()
    monkeypatch.setattr(protocol.clock, "monotonic_s", lambda: 10.0**9)
    assert browser.get("/auth/oidc").status_code == 303


@pytest.mark.parametrize("kind", ["error", "broken_json", "hangup", "wrong_types"])
def test_broken_keys_sign_nobody_in(
    browser: Browser, provider: str, issuer: Issuer, database: Database, kind: str
) -> None:
    issuer.fail(kind, "/jwks")
    assert enter(browser, issuer).status_code in {403, 503}
    assert set(people(database)) == {"robin"}


def test_a_discovery_document_cannot_lead_into_the_private_network(
    browser: Browser, database: Database, robin: Caller, issuer: Issuer
) -> None:
    with Issuer() as inside:
        issuer.document["token_endpoint"] = f"http://169.254.169.254:{inside.port}/token"
        configure(database, issuer)
        answer = enter(browser, issuer)
    assert "cannot be the address of a service" in said(answer)


def test_signing_out_signs_out_at_the_provider(
    browser: Browser, provider: str, issuer: Issuer, database: Database
) -> None:
    enter(browser, issuer)
    kept = browser.cookies["session"]
    answer = browser.post("/logout", data={"_csrf": token(browser, "/account")})
    assert answer.status_code == 200
    address = answer.headers["refresh"].partition("url=")[2]
    assert address.startswith(f"{issuer.url}/session/end?id_token_hint=ey")
    sent = dict(parse_qsl(urlsplit(address).query))
    assert (sent["client_id"], sent["post_logout_redirect_uri"]) == (
        CLIENT_ID,
        "http://mydia.test/auth/oidc/signed-out",
    )
    browser.cookies.set("session", kept)
    assert browser.get("/").status_code == 303
    assert browser.get("/auth/oidc/signed-out").headers["location"] == "/login?local"


def test_signing_out_works_without_the_provider(browser: Browser, provider: str, issuer: Issuer) -> None:
    enter(browser, issuer)
    issuer.document["end_session_endpoint"] = None
    pages.KNOWN._metadata.clear()
    answer = browser.post("/logout", data={"_csrf": token(browser, "/account")})
    assert answer.headers["location"] == "/login?local"


def test_the_only_provider_opens_by_itself_if_so_configured(
    browser: Browser, provider: str, database: Database
) -> None:
    with database.writes() as session:
        settings.change_values(session, SYSTEM, clock.now(), {"auth.oidc_auto_redirect": True})
    assert browser.get("/login?next=/x").headers["location"] == "/auth/oidc?next=%2Fx"
    assert 'name="password"' in browser.get("/login?local").text


def test_an_account_is_linked_only_from_its_own_page(
    browser: Browser, provider: str, issuer: Issuer, database: Database, robin: Caller
) -> None:
    sign_in(browser)
    answer = browser.post("/account/identities/oidc/link", data={"_csrf": token(browser, "/account")})
    assert answer.status_code == 200
    back = come_back(browser, issuer.authorize(answer.headers["refresh"].partition("url=")[2]))
    assert (back.status_code, back.headers["location"]) == (303, "/account#sign-in")
    browser.cookies.clear()
    enter(browser, issuer)
    assert browser.get("/").text == "hello robin"
    assert set(people(database)) == {"robin"}


def test_a_link_is_refused_when_another_session_comes_back(
    browser: Browser, provider: str, issuer: Issuer, database: Database, robin: Caller
) -> None:
    sign_in(browser)
    answer = browser.post("/account/identities/oidc/link", data={"_csrf": token(browser, "/account")})
    address = issuer.authorize(answer.headers["refresh"].partition("url=")[2])
    browser.cookies.delete("session")
    sign_in(browser)
    assert come_back(browser, address).status_code == 403
    with database.reads() as session:
        assert session.scalar(select(Identity)) is None


def test_an_identity_belongs_to_one_account(
    browser: Browser, provider: str, issuer: Issuer, database: Database, robin: Caller
) -> None:
    enter(browser, issuer)
    browser.cookies.clear()
    sign_in(browser)
    answer = browser.post("/account/identities/oidc/link", data={"_csrf": token(browser, "/account")})
    back = come_back(browser, issuer.authorize(answer.headers["refresh"].partition("url=")[2]))
    assert "already linked to another Mydia account" in back.text


def test_the_last_way_in_cannot_be_unlinked(
    browser: Browser, provider: str, issuer: Issuer, database: Database, robin: Caller
) -> None:
    enter(browser, issuer)
    with database.reads() as session:
        identity = session.scalar(select(Identity.id))
    answer = browser.post(f"/account/identities/{identity}/unlink", data={"_csrf": token(browser, "/account")})
    assert "This is your only way to sign in" in answer.text
    with database.writes() as session:
        users.change_user(session, robin, people(database)["kim"].id, now=clock.now(), password=Secret(PASSWORD))
    browser.cookies.clear()
    sign_in(browser, username="kim")
    browser.post(f"/account/identities/{identity}/unlink", data={"_csrf": token(browser, "/account")})
    with database.reads() as session:
        assert session.scalar(select(Identity.id)) is None


def test_the_local_form_disappears_and_refuses_when_it_is_turned_off(
    browser: Browser, provider: str, issuer: Issuer, database: Database, robin: Caller
) -> None:
    form = {"_csrf": token(browser), "username": "robin", "password": PASSWORD}
    sign_in(browser)
    answer = browser.post("/account/identities/oidc/link", data={"_csrf": token(browser, "/account")})
    come_back(browser, issuer.authorize(answer.headers["refresh"].partition("url=")[2]))
    with database.writes() as session:
        settings.change_values(session, SYSTEM, clock.now(), {"auth.local_enabled": False})
    browser.cookies.delete("session")
    assert 'name="password"' not in browser.get("/login").text
    refused = browser.post("/login", data=form)
    assert refused.status_code == 403
    assert "Signing in with a password is turned off" in refused.text


def test_nobody_can_lock_everybody_out(database: Database, provider: str, robin: Caller) -> None:
    with (
        pytest.raises(Invalid, match="first link an administrator's account") as refused,
        database.writes() as session,
    ):
        settings.change_values(session, SYSTEM, clock.now(), {"auth.local_enabled": False})
    assert "auth.local_enabled" in refused.value.fields
    assert settings.of(database).auth.local_enabled


def test_the_last_provider_stays_while_passwords_are_off(
    browser: Browser, provider: str, issuer: Issuer, database: Database, robin: Caller
) -> None:
    issuer.person["groups"] = ["admins"]
    enter(browser, issuer)
    with database.writes() as session:
        settings.change_values(session, SYSTEM, clock.now(), {"auth.local_enabled": False})
    with pytest.raises(Conflict, match="Nobody could sign in any more"), database.writes() as session:
        settings.providers.remove_provider(session, robin, clock.now(), provider)
