"""Signing in with a certified OIDC provider in a real browser."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from mydia import clock
from mydia.contexts import settings, users
from mydia.contexts.settings.providers import NewProvider
from mydia.contexts.users import SYSTEM, NewUser, Role
from mydia.db import Database
from mydia.secret import Secret
from mydia.web.app import create_app
from tests.browser.conftest import Serve, Tab, violations
from tests.fakes.issuer import CLIENT_ID, CLIENT_SECRET
from tests.web.pages import scene

_ROOT = Path(__file__).parents[2]
_PROGRAM = _ROOT / "tests" / "fakes" / "provider.mjs"
_PASSWORD = "correct horse battery"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.real,
    pytest.mark.xdist_group("browser-pages"),
    pytest.mark.skipif(shutil.which("node") is None, reason="no Node on this machine"),
    pytest.mark.skipif(not (_ROOT / "node_modules" / "oidc-provider").exists(), reason="npm ci has not been run"),
]


@pytest.fixture
def database_in_use(database: Database) -> Database:
    """A database with the administrator robin."""
    with database.writes() as session:
        users.add_first_admin(
            session, clock.now(), NewUser(username="robin", role=Role.ADMIN, password=Secret(_PASSWORD))
        )
        settings.setup.finish_setup(session, SYSTEM, clock.now())
    return database


@contextlib.contextmanager
def provider_for(served: str, database: Database) -> Iterator[None]:
    """A certified provider that knows Mydia at an address, and that Mydia knows."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    new = NewProvider(
        name="Authentik",
        issuer=f"http://127.0.0.1:{port}",
        client_id=CLIENT_ID,
        secret=Secret(CLIENT_SECRET),
        scopes="openid profile email groups",
        role_groups={Role.ADMIN: ("mydia-admins",), Role.USER: ("family",)},
    )
    with database.writes() as session:
        settings.providers.add_provider(session, SYSTEM, clock.now(), new)
    command = ["node", str(_PROGRAM), str(port), served]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=_ROOT) as running:
        try:
            assert running.stdout is not None
            assert any(line == "ready\n" for line in running.stdout)
            yield
        finally:
            running.kill()


@pytest.fixture
def origin(serve: Serve, database_in_use: Database, tmp_path: Path) -> Iterator[str]:
    """Mydia, and a provider that knows it."""
    deps = scene.make_deps(tmp_path, database_in_use)
    served = serve(create_app(deps))
    with provider_for(served, database_in_use):
        yield served
    deps.taskboard.close()


@pytest.fixture
def tab(open_tab: Callable[..., Tab], origin: str) -> Tab:
    """A browser that is not signed in."""
    return open_tab(origin)


def at_provider(page: Page, name: str) -> None:
    """Sign in at the provider and consent."""
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("anything")
    page.locator("button[type=submit]").click()
    # The provider asks for consent only the first time.
    with contextlib.suppress(Exception):
        page.get_by_role("button", name="Continue").click(timeout=5_000)


def test_a_person_signs_in_gets_the_role_of_the_group_and_signs_out_at_the_provider(tab: Tab) -> None:
    page = tab.go("/login")
    assert violations(page) == []
    page.get_by_role("link", name="Sign in with Authentik").click()
    at_provider(page, "boss")
    expect(page).to_have_url(f"{tab.origin}/")
    page.goto(f"{tab.origin}/settings/users")
    expect(page.locator("main")).to_contain_text("boss (you)")
    expect(page.locator("main")).to_contain_text("Administrator")
    page.goto(f"{tab.origin}/settings/sign-in")
    assert violations(page) == []
    page.get_by_role("link", name="Authentik http").click()
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#test-result")).to_contain_text("The provider can be used")
    expect(page.locator("#test-result")).to_contain_text("/token")
    assert violations(page) == []
    page.goto(f"{tab.origin}/account")
    page.evaluate("document.querySelector(`form[action='/logout']`).requestSubmit()")
    page.get_by_role("button", name="Yes").click()
    expect(page).to_have_url(f"{tab.origin}/login?local")
    # The provider asks for the name again.
    page.get_by_role("link", name="Sign in with Authentik").click()
    expect(page.locator("input[name=login]")).to_be_visible()


def test_the_first_person_becomes_administrator_through_a_provider_from_the_setup_page(
    open_tab: Callable[..., Tab], serve: Serve, database: Database, tmp_path: Path
) -> None:
    deps = scene.make_deps(tmp_path, database)
    served = serve(create_app(deps))
    with provider_for(served, database):
        tab = open_tab(served)
        page = tab.go("/")
        expect(page).to_have_url(f"{served}/setup/account")
        assert violations(page) == []
        page.get_by_role("button", name="Sign in with Authentik").click()
        # Robin is in the group "family", whose members become users once there is an administrator.
        at_provider(page, "robin")
        expect(page.locator("h1")).not_to_contain_text("account", ignore_case=True)
        page.goto(f"{served}/settings/users")
        expect(page.locator("main")).to_contain_text("robin (you)")
        expect(page.locator("main")).to_contain_text("Administrator")

        # The role stays at the next sign-in, and the second person is a user.
        page.context.clear_cookies(name="session")
        page.goto(f"{served}/auth/oidc?next=/settings/users")
        expect(page.locator("main")).to_contain_text("Administrator")
        other = open_tab(served).go("/login?local")
        other.get_by_role("link", name="Sign in with Authentik").click()
        at_provider(other, "kim")
        expect(other).to_have_url(f"{served}/")
        page.reload()
        expect(page.locator("main")).to_contain_text("kim")
        assert page.get_by_text("Administrator", exact=True).count() == 1
    deps.taskboard.close()


def test_a_person_links_their_account_and_signs_in_with_it(tab: Tab) -> None:
    page = tab.go("/login")
    page.get_by_label("Username").fill("robin")
    page.get_by_label("Password", exact=True).fill(_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{tab.origin}/")
    page.goto(f"{tab.origin}/account")
    page.get_by_role("button", name="Link Authentik").click()
    at_provider(page, "robin-at-home")
    expect(page).to_have_url(f"{tab.origin}/account#sign-in")
    expect(page.locator("#sign-in")).to_contain_text("robin-at-home")
    assert violations(page) == []
    page.context.clear_cookies(name="session")
    page.goto(f"{tab.origin}/login?next=/account")
    page.get_by_role("link", name="Sign in with Authentik").click()
    expect(page).to_have_url(f"{tab.origin}/account")
    expect(page.locator("#sign-in")).to_contain_text("robin-at-home")


def test_a_person_adds_a_passkey_and_signs_in_with_it_alone(
    open_tab: Callable[..., Tab], serve: Serve, database_in_use: Database, tmp_path: Path
) -> None:
    deps = scene.make_deps(tmp_path, database_in_use)
    # Passkeys belong to a name; an address such as 127.0.0.1 cannot have any.
    tab = open_tab(serve(create_app(deps)).replace("127.0.0.1", "localhost"))
    page = tab.page
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    tab.go("/login")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_have_count(0)
    page.get_by_label("Username").fill("robin")
    page.get_by_label("Password", exact=True).fill(_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{tab.origin}/")
    tab.go("/account/security")
    assert violations(page) == []
    panel = page.locator("form[data-passkey=create]")
    panel.get_by_label("Name").fill("Laptop")
    panel.get_by_label("Current password").fill("not the password")
    panel.get_by_role("button", name="Add a passkey").click()
    expect(panel).to_contain_text("This is not your current password")
    tab.go("/account/security")
    devices.send("WebAuthn.enable")
    panel.get_by_label("Name").fill("Laptop")
    panel.get_by_label("Current password").fill(_PASSWORD)
    panel.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("main")).to_contain_text("Your recovery codes")
    expect(page.locator("main")).to_contain_text("Laptop")
    assert violations(page) == []

    page.context.clear_cookies(name="session")
    tab.go("/login?next=/account/security")
    assert violations(page) == []
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(f"{tab.origin}/account/security")
    expect(page.locator("main")).to_contain_text("Last used")

    # A password alone is not enough any more; the passkey is the second step too.
    page.context.clear_cookies(name="session")
    tab.go("/login")
    page.get_by_label("Username").fill("robin")
    page.get_by_label("Password", exact=True).fill(_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(f"{tab.origin}/login/code?next=%2F&stay=true")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(f"{tab.origin}/")
    deps.taskboard.close()
