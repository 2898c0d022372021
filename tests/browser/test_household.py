"""A new member of the household: invited by mail, signs up, sets preferences, is signed out, and forgets the password."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from mydia import clock
from mydia import config as configuration
from mydia.contexts import notifications, requests, settings, users
from mydia.contexts.users import SYSTEM, Role
from mydia.contexts.users.invitations import NewInvitation
from tests.browser.conftest import PHONE, Serve, Tab, violations
from tests.fakes.mailbox import Mailbox, mailbox
from tests.web.auth.test_forgotten import set_up_mail
from tests.web.pages.conftest import Server, furnished, server

__all__ = ["furnished", "server"]
pytestmark = pytest.mark.xdist_group("browser-pages")
PASSWORD, NEW = "correct horse battery", "a quite different one"


@pytest.fixture
def inbox(server: Server) -> Iterator[Mailbox]:
    with mailbox() as found:
        set_up_mail(server.deps.database, found)
        yield found


def at_public_address(server: Server, origin: str) -> None:
    """Tell Mydia its public address, which the test only knows once it is served."""
    folder = str(server.deps.config.data_dir)
    settings.bind(server.deps.database, configuration.load({"DATA_DIR": folder, "EXTERNAL_URL": origin}))


def send_mail(server: Server) -> None:
    """Send what is due, as the worker does."""
    deps, now = server.deps, clock.now()
    with deps.database.reads() as session:
        invited, resets = users.invitations.due_mails(session, now), users.resets.due_mails(session, now)
    for one in invited:
        notifications.mail.send_invitation(deps.database, deps.outside, now, one, zone="UTC")
    for one in resets:
        notifications.mail.send_reset(deps.database, deps.outside, now, one)


def link_in(inbox: Mailbox, count: int, origin: str) -> str:
    text = inbox.wait(count)[-1].get_body(("plain",))
    assert text is not None
    found = re.search(rf"{re.escape(origin)}(/\S+)", text.get_content())
    assert found
    return found[1]


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "#884422").save(out, "JPEG")
    return out.getvalue()


def looks_right(page: Page) -> None:
    """Check the page with axe in both themes, and that nothing is wider than the screen."""
    for theme in ("mydia-dark", "mydia-light"):
        page.evaluate("(theme) => (document.documentElement.dataset.theme = theme)", theme)
        # Colours change over 150 ms.
        page.wait_for_timeout(250)
        assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_new_member_from_the_invitation_to_a_forgotten_password(
    open_tab: Callable[..., Tab], serve: Serve, server: Server, inbox: Mailbox
) -> None:
    origin = serve(server.app)
    at_public_address(server, origin)
    robin = open_tab(origin, cookies={"session": server.token})
    kim = open_tab(origin, viewport=PHONE)

    # Robin invites Kim by mail.
    robin.go("/settings/users/invitations/new")
    looks_right(robin.page)
    robin.page.get_by_label("For", exact=True).fill("Kim")
    robin.page.get_by_label("E-mail").fill("kim@example.org")
    robin.page.get_by_label("Send the link to this address").check()
    robin.page.get_by_role("radio", name="User", exact=False).first.check()
    robin.page.get_by_role("button", name="Invite").click()
    invitations = robin.page.locator("#invitations")
    expect(invitations).to_contain_text("message not sent yet")
    # Without the message that slides in.
    robin.go("/settings/users")
    looks_right(robin.page)
    send_mail(server)

    # Kim opens the link on the phone and makes an account.
    kim.go(link_in(inbox, 1, origin))
    expect(kim.page.get_by_text("invites you to Mydia")).to_be_visible()
    looks_right(kim.page)
    kim.page.get_by_label("Username").fill("kim")
    kim.page.get_by_label("Name", exact=True).fill("Kim Doe")
    kim.page.get_by_label("Password", exact=True).fill(PASSWORD)
    kim.page.get_by_label("Repeat password").fill(PASSWORD)
    kim.page.get_by_role("button", name="Create account").click()
    expect(kim.page).to_have_url(f"{origin}/")
    kim.go(link_in(inbox, 1, origin))
    expect(kim.page.get_by_text("was used already")).to_be_visible()

    # Kim's own preferences and picture.
    kim.go("/account")
    looks_right(kim.page)
    kim.page.get_by_label("Density").select_option("compact")
    kim.page.get_by_label("Dates").select_option("iso")
    kim.page.get_by_label("Time zone").fill("Asia/Tokyo")
    kim.page.get_by_role("button", name="Save preferences").click()
    expect(kim.page.locator("html")).to_have_attribute("data-density", "compact")
    expect(kim.page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    upload = {"name": "kim.jpg", "mimeType": "image/jpeg", "buffer": picture()}
    kim.page.get_by_label("Picture", exact=True).set_input_files(upload)  # type: ignore[arg-type]  # a payload is fine
    kim.page.get_by_role("button", name="Add picture").click()
    expect(kim.page.get_by_role("button", name="Change picture")).to_be_visible()
    kim.page.wait_for_function("document.querySelector('main img.avatar-i')?.naturalWidth === 256")
    looks_right(kim.page)

    # Robin sees the new member and signs them out; Kim's open page notices.
    kim.go("/movies")
    robin.go("/settings/users")
    expect(robin.page.locator("#invitations")).to_contain_text("used by Kim Doe")
    looks_right(robin.page)
    robin.page.locator("main li", has_text="Kim Doe").get_by_role("link").first.click()
    expect(robin.page.locator("#sign-in")).to_contain_text("Password")
    looks_right(robin.page)
    robin.page.locator("#sign-in").get_by_role("button", name="Sign out everywhere").click()
    robin.page.locator("#confirm").get_by_role("button", name="Sign out").click()
    expect(robin.page.locator("#sign-in")).to_contain_text("Not signed in anywhere.")
    expect(kim.page).to_have_url(re.compile(r"/login\?next="))
    assert robin.errors == []

    # Kim has forgotten the password.
    kim.page.get_by_role("link", name="Forgot password?").click()
    looks_right(kim.page)
    kim.page.get_by_label("Username or e-mail").fill("kim@example.org")
    kim.page.get_by_role("button", name="Send link").click()
    expect(kim.page.get_by_role("heading", name="Check your mail")).to_be_visible()
    looks_right(kim.page)
    send_mail(server)
    kim.go(link_in(inbox, 2, origin))
    kim.page.get_by_label("New password", exact=True).fill(NEW)
    kim.page.get_by_label("Repeat new password").fill(NEW)
    kim.page.get_by_role("button", name="Set password").click()
    kim.page.get_by_label("Username").fill("kim")
    kim.page.get_by_label("Password", exact=True).fill(NEW)
    kim.page.get_by_role("button", name="Sign in").click()
    expect(kim.page).to_have_url(f"{origin}/")
    assert kim.foreign == []


def test_an_invited_person_uses_a_passkey_instead_of_a_password(
    open_tab: Callable[..., Tab], serve: Serve, server: Server
) -> None:
    # Passkeys belong to a name; an address such as 127.0.0.1 cannot have any.
    tab = open_tab(serve(server.app).replace("127.0.0.1", "localhost"))
    database, page = server.deps.database, tab.page
    with database.writes() as session:
        robin = users.people.list_people(session, SYSTEM, clock.now())[0].user
        new = NewInvitation(role=Role.GUEST)
        _, link = requests.invited.invite(session, users.caller_of(robin), clock.now(), new)
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
    tab.go(f"/invite/{link}")
    page.get_by_label("Username").fill("oda")
    page.get_by_role("button", name="Use a passkey instead").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    looks_right(page)
    page.get_by_role("link", name="Continue").click()
    expect(page).to_have_url(f"{tab.origin}/")
    page.context.clear_cookies(name="session")
    tab.go("/login?next=/account")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("#sessions")).to_contain_text("this browser")


def test_the_page_of_the_mail_server_sends_a_test_message(
    open_tab: Callable[..., Tab], serve: Serve, server: Server, inbox: Mailbox, tmp_path: Path
) -> None:
    for viewport in (None, PHONE):
        tab = open_tab(serve(server.app), viewport=viewport, cookies={"session": server.token})
        page = tab.go("/settings/mail")
        looks_right(page)
        page.get_by_label("Send a test message to").fill("robin@example.org")
        page.get_by_role("button", name="Send a test message").click()
        expect(page.locator("#test-result")).to_contain_text("Message sent")
    assert [message["To"] for message in inbox.wait(2)] == ["robin@example.org"] * 2
