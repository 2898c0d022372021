"""Clients and indexers on System and Home in a real browser: grey before the first check, red while silent, and Retry."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from mydia import clock
from mydia.adapters.errors import Unreachable
from mydia.contexts import settings
from mydia.contexts.users import SYSTEM
from tests.browser.conftest import Serve, Tab
from tests.web.pages.conftest import Server, furnished, server

__all__ = ["furnished", "server"]
pytestmark = pytest.mark.xdist_group("browser-pages")


@pytest.fixture
def tab(open_tab: Callable[..., Tab], serve: Serve, server: Server) -> Tab:
    """Robin's browser on the server with sample data."""
    return open_tab(serve(server.app), cookies={"session": server.token})


def _first(server: Server, family: str) -> settings.services.Service:
    """Forget how all services answered, and return the first of a family."""
    with server.deps.database.writes() as session:
        for kind in ("download_client", "indexer"):
            for one in settings.services.list_services(session, SYSTEM, kind):
                settings.services.forget_status(session, kind, one.id)
        return settings.services.list_services(session, SYSTEM, family)[0]


def _line(page: Page, service: str) -> Locator:
    """Return the line of a service in Health."""
    button = page.get_by_role("button", name=re.compile(f"^Retry: .*{re.escape(service)}$"))
    return page.get_by_role("listitem").filter(has=button)


@pytest.mark.parametrize("family", ["download_client", "indexer"])
def test_a_service_is_grey_then_red_and_green_again_after_a_retry(tab: Tab, server: Server, family: str) -> None:
    service = _first(server, family)
    page = tab.go("/system")
    expect(_line(page, service.name)).to_contain_text("Not checked yet.")
    with server.deps.database.writes() as session:
        error = Unreachable(service.name, "connection refused")
        settings.services.record_failure(session, SYSTEM, clock.now(), family, service.id, error)
    page = tab.go("/")
    expect(page.locator("#main")).to_contain_text(f"{service.name} does not answer")
    page = tab.go("/system")
    expect(page.locator("#main")).to_contain_text("connection refused")
    expect(_line(page, service.name)).to_contain_text("No answer since")
    _line(page, service.name).get_by_role("button", name=re.compile("^Retry")).press("Enter")
    expect(page.locator("#main")).not_to_contain_text("connection refused")
    expect(_line(page, service.name)).to_have_count(0)
    healthy = page.get_by_role("listitem").filter(has_text=service.name, has_not_text="Feed of")
    expect(healthy.first).to_contain_text("It answers.")
    page = tab.go("/")
    expect(page.locator("#main")).not_to_contain_text(f"{service.name} does not answer")
    assert tab.errors == []
