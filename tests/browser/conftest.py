"""A real Chromium, a served application, and the checks that every page must pass."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from litestar import Litestar
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from mydia.web.serve import listen

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
_AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
_DEADLINE_S = 20.0

# A busy machine is slow; a state that never comes still fails the test.
expect.set_options(timeout=_DEADLINE_S * 1000)

type Serve = Callable[[Litestar], str]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a file.

    Until it is stopped, Playwright keeps an event loop running in the thread, and later tests could not start one.
    """
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


class Tab:
    """A page that records what must not happen: requests to other sites, script errors, refused content."""

    def __init__(self, context: BrowserContext, origin: str, *, scripted: bool = True) -> None:
        self.scripted = scripted
        self.context = context
        self.origin = origin
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("request", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)

    def _note(self, request: Any) -> None:
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.foreign.append(request.url)

    def go(self, path: str) -> Page:
        """Open an address of the application."""
        self.page.goto(self.origin + path, wait_until="load")
        if self.scripted:
            # htmx starts a moment after the document is ready: faster than any user, but not faster than a test.
            self.page.wait_for_function(
                "!document.querySelector('[hx-get]') || document.querySelector('[data-htmx-powered]')"
            )
        return self.page


@pytest.fixture
def open_tab(chromium: Browser) -> Iterator[Callable[..., Tab]]:
    """Open tabs: `open_tab(origin, viewport=PHONE, cookies={"who": "robin"}, theme="mydia-light")`."""
    with contextlib.ExitStack() as stack:

        def make(
            origin: str,
            *,
            viewport: dict[str, int] | None = None,
            cookies: dict[str, str] | None = None,
            **options: Any,
        ) -> Tab:
            phone = viewport == PHONE
            context = chromium.new_context(viewport=viewport or DESKTOP, has_touch=phone, is_mobile=phone, **options)  # type: ignore[arg-type]
            stack.callback(context.close)
            context.add_cookies(
                [{"name": name, "value": value, "url": origin} for name, value in (cookies or {}).items()]
            )
            return Tab(context, origin, scripted=options.get("java_script_enabled", True))

        yield make


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve applications on free ports, in threads; returns their origin."""
    with contextlib.ExitStack() as stack:

        def start(app: Litestar) -> str:
            served = _Served(app)
            stack.callback(served.stop)
            return served.origin

        yield start


class _Served:
    def __init__(self, app: Litestar) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, args=(app,), daemon=True)
        self._thread.start()
        _until(self._answers)

    def _run(self, app: Litestar) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(listen(app, "127.0.0.1", self.port, self._stopping))

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.origin}/health", timeout=1):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(timeout=_DEADLINE_S)


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(0.02)


def violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong (WCAG A and AA, best practices), one line each."""
    page.evaluate(_AXE)
    found = page.evaluate(
        "() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
    )
    return [
        f"{entry['id']} ({entry['impact']}): {entry['help']}: {', '.join(' '.join(map(str, node['target'])) for node in entry['nodes'][:4])}"
        for entry in found["violations"]
    ]
