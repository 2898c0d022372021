"""Takes the pictures of the README: `python scripts/screenshots.py [folder]`, by default into `docs/screens`.

It runs the demo (`tests/demo.py`) with its library in `mydia-demo` below the temporary folder, whose path is seen on
the pages; drives it in Chromium, dark, 1440 by 900; holds the client's speed down so that something
is downloading; and reduces each picture to a palette. Needs chromium, ffmpeg and qbittorrent-nox.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import ARGS, CHROMIUM, DESKTOP
from tests.demo import ADMIN, ADMIN_PASSWORD, API_KEY, Demo
from tests.fakes.qbittorrent import wait_until

_PATIENCE_MS = 300_000
_SLOW_BYTES_PER_S = 60_000
"""The limit of the client: what is grabbed first is still under way when the rest has been grabbed."""
_RECOGNISED = 23
"""Titles of the demo that a scan is sure of."""
_POSTERS = 20
"""Films of the demo with a poster."""
_GRABBED = ("Detour", "Coffee Run")
_MOST_BYTES = 300_000
"""What one picture may weigh in a repository."""


def main(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.gettempdir()) / "mydia-demo"
    with Demo(place) as demo, sync_playwright() as playwright:
        if demo.client is None:
            sys.exit("qbittorrent-nox is not installed (Debian: apt-get install qbittorrent-nox)")
        demo.start()
        demo.client.api.transfer_set_download_limit(_SLOW_BYTES_PER_S)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        # Waiting for a condition evaluates text in the page, which its content security policy forbids.
        page = browser.new_page(viewport=DESKTOP, color_scheme="dark", reduced_motion="reduce", bypass_csp=True)  # type: ignore[arg-type]
        page.set_default_timeout(_PATIENCE_MS)
        expect.set_options(timeout=_PATIENCE_MS)
        _sign_in(page, demo.url)
        _scan(page, demo.url)

        def take(name: str) -> None:
            page.wait_for_function("[...document.images].every(one => one.complete || one.loading === 'lazy')")
            page.mouse.move(0, 0)
            (folder / f"{name}.png").write_bytes(_reduced(page.screenshot()))

        _movies(page, demo.url)
        take("movies")
        _show(page, demo.url)
        take("show")
        _imports(page, demo.url)
        take("imports")
        for number, film in enumerate(_GRABBED, 1):
            _wanted(page, demo.url, film)
            _manual_search(page)
            if number == 1:
                expect(page.get_by_role("heading", name="Rejected")).to_be_visible()
                take("manual-search")
            _grab(page)
        _downloads(page, demo.url, len(_GRABBED))
        take("activity")
        browser.close()


def _scan(page: Page, url: str) -> None:
    """Have the library scanned, and wait until the titles are there."""
    key = {"X-API-Key": API_KEY}
    page.request.post(f"{url}/api/v1/library/scan", headers=key)

    def recognised() -> bool:
        answer = page.request.get(f"{url}/api/v1/media?limit=100", headers=key)
        return len(answer.json()["items"]) >= _RECOGNISED

    wait_until(recognised, "the library is recognised", within_s=_PATIENCE_MS / 1000, step_s=0.5)


def _sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/login")
    page.get_by_label("Username").fill(ADMIN)
    page.locator("#f-password").fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator("#main").wait_for()


def _movies(page: Page, url: str) -> None:
    def posters() -> bool:
        page.goto(f"{url}/movies")
        return page.locator(".pcard img").count() >= _POSTERS

    # Images are fetched by and by, after the titles.
    wait_until(posters, "the posters are fetched", within_s=_PATIENCE_MS / 1000, step_s=1)
    page.wait_for_function("[...document.querySelectorAll('.pcard img')].slice(0, 16).every(one => one.complete)")


def _show(page: Page, url: str) -> None:
    page.goto(f"{url}/shows")
    page.get_by_role("link", name=re.compile("The Cartographers")).first.click()
    expect(page.locator("#item")).to_contain_text("The Cartographers")


def _imports(page: Page, url: str) -> None:
    page.goto(f"{url}/imports")
    page.get_by_role("link").filter(has_text="Phantom").first.click()
    expect(page.get_by_role("radiogroup", name="Candidates")).to_be_visible()


def _wanted(page: Page, url: str, film: str) -> None:
    """Add a film without having it searched, and stay on its page."""
    page.goto(f"{url}/add?q={urllib.parse.quote(film)}&type=movie")
    page.locator("#results").get_by_role("link", name=f"Add {film}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Search now").uncheck()
    dialog.get_by_role("button", name=f"Add {film}").click()
    expect(page.locator("#item")).to_contain_text(film)

    def has_poster() -> bool:
        page.reload()
        return page.get_by_alt_text(f"Poster of {film}").count() > 0

    wait_until(has_poster, "the poster is fetched", within_s=_PATIENCE_MS / 1000, step_s=1)


def _manual_search(page: Page) -> None:
    page.get_by_role("link", name="Manual search").locator("visible=true").click()
    expect(page.locator("[data-release]").first).to_be_visible()


def _grab(page: Page) -> None:
    page.locator("[data-release] button[data-grab]").first.click()
    expect(page.locator("[data-release]").get_by_text("Sent", exact=True).first).to_be_visible()


def _downloads(page: Page, url: str, number: int) -> None:
    page.goto(f"{url}/activity")
    expect(page.locator("tr.q-row")).to_have_count(number)
    for row in page.locator("tr.q-row").all():
        expect(row.get_by_role("progressbar")).not_to_have_attribute("aria-valuenow", re.compile(r"^0(\.0)?$"))


def _reduced(png: bytes) -> bytes:
    """Return the picture in as many colours as its weight allows."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in (256, 160, 96, 64):
        out = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if out.tell() <= _MOST_BYTES:
            break
    return out.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "docs" / "screens")
