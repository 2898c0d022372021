"""The main workflow as a user sees it: set up, sign in, review, add, search, grab, follow, and find it in the library.

A real `mydia serve` with its worker, real qBittorrents and a tracker; only the catalogue and the indexer are stand-ins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import CHROMIUM, DESKTOP, PHONE, Tab, violations
from tests.demo import ADMIN, ADMIN_PASSWORD, MOVIES, SHOWS, Demo
from tests.fakes import qbittorrent, videos
from tests.fakes.qbittorrent import PASSWORD, USERNAME, wait_until
from tests.fakes.torznab import KEY as INDEXER_KEY
from tests.fakes.videos import make_video

pytestmark = [
    pytest.mark.browser,
    pytest.mark.real,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine (Debian: apt-get install chromium)"),
    pytest.mark.skipif(qbittorrent.PROGRAM is None, reason=qbittorrent.MISSING),
    pytest.mark.skipif(videos.FFMPEG is None, reason=videos.MISSING),
    pytest.mark.xdist_group("story"),
    pytest.mark.timeout(600),
]

_PATIENCE_MS = 60_000
"""How long the browser waits for the worker; an idle machine needs a tenth of it."""
_SLOW_BYTES_PER_S = 300_000
"""The client's limit while its progress is watched: the smallest film then takes some ten seconds."""
_THEMES = ("mydia-dark", "mydia-light")
_KEPT = ("Big Buck Bunny", "Sintel", "Phantom of the Opera", "unsorted", "Les Vampires")


@dataclass
class Visit:
    """A tab, and everything that was wrong on its pages."""

    tab: Tab
    found: list[str] = field(default_factory=list)

    @property
    def page(self) -> Page:
        """The page in the tab."""
        return self.tab.page

    def look(self, name: str, *sizes: dict[str, int]) -> None:
        """Check the present page in both themes and, if given, in other sizes than the tab's."""
        own = self.page.viewport_size
        for size in sizes or (None,):
            if size is not None:
                self.page.set_viewport_size(size)  # type: ignore[arg-type]
            width = self.page.viewport_size["width"]  # type: ignore[index]
            for theme in _THEMES:
                self._theme(theme)
                self.found += [f"{name}, {width}, {theme}: {line}" for line in violations(self.page)]
            if not self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
                self.found.append(f"{name}, {width}: scrolls sideways")
        self._theme(_THEMES[0])
        if sizes and own is not None:
            self.page.set_viewport_size(own)

    def _theme(self, theme: str) -> None:
        self.page.evaluate(
            # Transitions must end before colours are checked; an element that inherits a colour starts after its parent.
            """async theme => {
                const frame = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
                const moving = () => document.getAnimations().filter(one => one instanceof CSSTransition);
                document.documentElement.dataset.theme = theme;
                await frame();
                for (let round = 0; round < 5 && moving().length; round++) {
                    moving().forEach(one => one.finish());
                    await frame();
                }
            }""",
            theme,
        )

    def assert_clean(self) -> None:
        """Check that nothing is inaccessible, loaded from another site, or broken."""
        assert self.found == []
        assert self.tab.foreign == []
        assert self.tab.errors == []


def _open(chromium: Browser, demo: Demo, size: dict[str, int]) -> Visit:
    phone = size == PHONE
    context = chromium.new_context(
        viewport=size,  # type: ignore[arg-type]
        has_touch=phone,
        is_mobile=phone,
        reduced_motion="reduce",
    )
    context.set_default_timeout(_PATIENCE_MS)
    return Visit(Tab(context, demo.url))


@pytest.fixture(scope="module", autouse=True)
def _patience() -> Iterator[None]:
    expect.set_options(timeout=_PATIENCE_MS)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A machine where everything is installed and nothing is set up."""
    with Demo(tmp_path_factory.mktemp("household"), provided=False, files=False) as made:
        for root, files in ((made.movies, MOVIES), (made.shows, SHOWS)):
            for relative, video in files:
                if relative.startswith(_KEPT):
                    make_video(root / relative, video)
        made.start()
        yield made


@pytest.fixture(scope="module")
def first_run(demo: Demo, chromium: Browser) -> Iterator[Visit]:
    """Go through the setup up to the first scan."""
    visit = _open(chromium, demo, DESKTOP)
    page = visit.tab.go("/")
    expect(page).to_have_url(re.compile("/setup/account$"))
    visit.look("account", DESKTOP, PHONE)
    page.get_by_label("Username").fill(ADMIN)
    page.locator("#f-password").fill(ADMIN_PASSWORD)
    page.locator("#f-again").fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Create account").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Where is your media?")
    page.get_by_label("Movies").fill(str(demo.movies))
    page.get_by_label("Shows").fill(str(demo.shows))
    page.get_by_label("Downloads").fill(str(demo.folder / "media" / "downloads"))
    page.get_by_label("Downloads").blur()
    # The check of a folder depends on the download folder, in whichever order they are entered.
    expect(page.locator("#check-movies")).to_contain_text(re.compile("hard link", re.IGNORECASE))
    visit.look("folders", DESKTOP, PHONE)
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Where do titles and posters come from?")
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#test-result")).not_to_be_empty()
    visit.look("metadata", DESKTOP, PHONE)
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("What downloads for you?")
    assert demo.client is not None
    page.locator("[name=name]").fill("qBittorrent")
    page.locator("[name=url]").fill(demo.client.url)
    page.locator("[name=username]").fill(USERNAME)
    page.locator("[name=secret]").fill("a wrong password")
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#test-result .notice-fail")).to_be_visible()
    page.locator("[name=secret]").fill(PASSWORD)
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#test-result")).to_contain_text("qBittorrent answers")
    expect(page.locator("#test-result")).to_contain_text(f"Hard links into {demo.movies} will be used")
    visit.look("client", DESKTOP, PHONE)
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Where are releases searched?")
    assert demo.swarm is not None
    page.locator("[name=name]").fill("Open Index")
    page.locator("[name=url]").fill(demo.swarm.indexer.api_url)
    page.locator("[name=secret]").fill(INDEXER_KEY)
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#test-result")).to_contain_text("answers")
    visit.look("indexer", DESKTOP, PHONE)
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Scan your library now?")
    visit.look("scan", DESKTOP, PHONE)
    page.get_by_role("button", name="Start scan").click()
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    yield visit
    visit.page.context.close()


def test_the_setup_leads_to_a_library_that_fills_itself(first_run: Visit) -> None:
    page = first_run.page
    expect(page).to_have_url(re.compile("^[^/]+//[^/]+/$"))
    page.locator("#nav").get_by_role("link", name="Movies").click()
    page.evaluate("window.sameDocument = true")
    for title in ("Big Buck Bunny", "Sintel"):
        expect(page.get_by_role("link", name=re.compile(title)).first).to_be_visible()
    assert page.evaluate("window.sameDocument"), "the list fills itself without being loaded again"
    first_run.look("movies", DESKTOP, PHONE)
    page.locator("#nav").get_by_role("link", name="Shows").click()
    page.get_by_role("link", name=re.compile("Les Vampires")).first.click()
    expect(page.locator("#item")).to_contain_text("The Severed Head")
    first_run.look("show", DESKTOP, PHONE)
    first_run.assert_clean()


@pytest.mark.parametrize(
    ("size", "file", "film", "release"),
    [
        (DESKTOP, "Phantom.of.the.Opera.DVDRip.avi", "Detour", "Detour.1945.1080p.BluRay.FLAC2.0.x264-ARC"),
        (PHONE, "metropolis.mkv", "Coffee Run", "Coffee.Run.2020.1080p.WEB-DL.AAC2.0.H.264-OPEN"),
    ],
    ids=["desktop", "phone"],
)
@pytest.mark.usefixtures("first_run")
def test_a_missing_film_is_found_downloaded_and_imported(
    demo: Demo, chromium: Browser, size: dict[str, int], file: str, film: str, release: str
) -> None:
    visit = _open(chromium, demo, size)
    try:
        _sign_in(visit)
        _review(visit, file)
        _add(visit, film)
        _search_by_hand(visit, release)
        _grab_and_follow(visit, demo, release)
        _find_in_the_library(visit, demo, film, release)
        visit.assert_clean()
    finally:
        visit.page.context.close()


def _sign_in(visit: Visit) -> None:
    page = visit.tab.go("/imports")
    expect(page).to_have_url(re.compile("/login"))
    visit.look("login")
    page.get_by_label("Username").fill(ADMIN)
    page.locator("#f-password").fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/imports"))


def _review(visit: Visit, file: str) -> None:
    page = visit.page
    line = page.get_by_role("link").filter(has_text=file)
    line.click()
    expect(page.get_by_role("region", name="Files")).to_contain_text(file)
    expect(page.get_by_role("radiogroup", name="Candidates")).to_be_visible()
    visit.look("review")
    page.get_by_role("button", name="Confirm and next").click()
    expect(line).to_have_count(0)


def _add(visit: Visit, film: str) -> None:
    page = visit.tab.go("/add")
    page.get_by_role("searchbox").fill(film)
    choice = page.locator("#results").get_by_role("link", name=f"Add {film}")
    expect(choice).to_be_visible()
    visit.look("add")
    choice.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Search now").uncheck()
    visit.look("add, the dialog")
    dialog.get_by_role("button", name=f"Add {film}").click()
    expect(page).to_have_url(re.compile("/items/|/movies/"))
    expect(page.locator("#item")).to_contain_text(film)
    expect(page.locator("#count-movies")).to_have_text(re.compile(r"\d"))
    visit.look("film, missing")


def _search_by_hand(visit: Visit, release: str) -> None:
    page = visit.page
    page.get_by_role("link", name="Manual search").locator("visible=true").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("[data-release]").filter(has_text=release)).to_be_visible()
    expect(dialog.get_by_role("list", name="Indexers")).to_contain_text("Open Index")
    visit.look("manual search")


def _grab_and_follow(visit: Visit, demo: Demo, release: str) -> None:
    page = visit.page
    assert demo.client is not None
    client = demo.client.api
    client.transfer_set_download_limit(_SLOW_BYTES_PER_S)
    row = page.locator("[data-release]").filter(has_text=release)
    row.get_by_role("button", name="Grab").click()
    expect(row).to_contain_text("Sent")
    page.keyboard.press("Escape")
    page.locator("#nav a[href='/activity'], #tabbar a[href='/activity']").locator("visible=true").click()
    entry = page.locator("tr.q-row").filter(has_text=release)
    expect(entry).to_contain_text("Downloading")
    page.evaluate("window.sameDocument = true")
    bar = entry.get_by_role("progressbar")
    before = float(bar.get_attribute("aria-valuenow") or 0)
    wait_until(
        lambda: page.evaluate("new Promise(done => setTimeout(done, 100))") or _value(page, release) > before,
        "the progress moves by itself",
        within_s=_PATIENCE_MS / 1000,
    )
    visit.look("downloads")
    client.transfer_set_download_limit(0)

    def is_imported() -> bool:
        told = page.request.get(f"{demo.url}/api/v1/downloads").json()["items"]
        (state,) = {one["state"] for one in told if one["release_title"] == release}
        assert state not in ("blocked", "failed", "removed"), state
        return bool(state == "imported")

    # A busy machine imports slowly; the page must follow soon after.
    wait_until(is_imported, "the release is imported", within_s=3 * _PATIENCE_MS / 1000, step_s=0.5)
    expect(entry).to_have_count(0)
    assert page.evaluate("window.sameDocument"), "the queue is live without being loaded again"


def _value(page: Page, release: str) -> float:
    bar = page.locator("tr.q-row").filter(has_text=release).get_by_role("progressbar")
    return float(bar.get_attribute("aria-valuenow") or 0)


def _find_in_the_library(visit: Visit, demo: Demo, film: str, release: str) -> None:
    page = visit.tab.go("/movies")
    page.get_by_role("link", name=re.compile(film)).first.click()
    expect(page.locator("#item")).to_contain_text(film)

    # Pictures are fetched one by one; the open page shows them as they arrive.
    expect(page.get_by_alt_text(f"Poster of {film}")).to_be_visible()
    files = page.get_by_role("region", name="Files")
    expect(files).to_contain_text(f"{film} (")
    visit.look("film, here")
    page.get_by_role("link", name="History").click()
    expect(page.locator("#tab")).to_contain_text(release)
    visit.look("film, its history")
    (placed,) = demo.movies.glob(f"{film} (*)/*.mkv")
    assert placed.samefile(Path(demo.folder / "media" / "downloads") / release / f"{release}.mkv"), "by hard link"
