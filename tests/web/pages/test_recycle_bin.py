"""The recycle bin: files are restored one by one or together, deleted permanently, and expire on the date that is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import library
from mydia.contexts.users import SYSTEM
from mydia.jobs import library as library_jobs
from mydia.jobs.broker import Deps
from tests.web.pages.conftest import Browser, Server, words


def _single_file(session: Session, item_id: str) -> library.files.FileView | None:
    files = library.files.files_of_item(session, SYSTEM, item_id)
    return files[0] if len(files) == 1 else None


@pytest.fixture
def removed(server: Server) -> dict[str, Path]:
    """Three movies whose files were removed: name -> the file's former path."""
    paths = {}
    with server.deps.database.reads() as session:
        held = [found for item_id in server.ids.values() if (found := _single_file(session, item_id)) is not None][:4]
    # A library of which no known file exists counts as not mounted.
    Path(held[3].path).parent.mkdir(parents=True, exist_ok=True)
    Path(held[3].path).write_bytes(b"stays")
    for name, file in zip(("one", "two", "three"), held, strict=False):
        path = Path(file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 1000)
        library.recycle.remove_file(server.deps.database, server.deps.outside, SYSTEM, clock.now(), file.id)
        assert not path.exists()
        paths[name] = path
    return paths


def _ids(browser: Browser) -> list[str]:
    return re.findall(r'id="recycled-([\w-]+)"', browser.get("/recycle-bin").text)


def _id_of(browser: Browser, path: Path) -> str:
    row = next(row for row in browser.get("/recycle-bin").text.split("<tr ")[1:] if path.name in row)
    found = re.search(r'id="recycled-([\w-]+)"', row)
    assert found
    return found[1]


def _toast(answer: Any) -> dict[str, str]:
    return dict(json.loads(answer.headers["hx-trigger"])["toast"])


def test_one_file_is_restored_where_it_was(
    browser: Browser, removed: dict[str, Path], press: Callable[..., Any]
) -> None:
    assert "3 files" in words(browser.get("/recycle-bin"))
    answer = press(browser, "/recycle-bin/restore", ids=_id_of(browser, removed["two"]))
    assert _toast(answer)["title"] == "1 file restored"
    assert removed["two"].read_bytes() == b"two" * 1000
    assert removed["two"].name not in words(browser.get("/recycle-bin"))
    assert "2 files" in words(browser.get("/recycle-bin"))


def test_all_but_one_are_restored_together(
    browser: Browser, removed: dict[str, Path], press: Callable[..., Any]
) -> None:
    kept = _id_of(browser, removed["one"])
    answer = press(browser, "/recycle-bin/restore", scope="filter", **{"except": kept})
    assert _toast(answer)["title"] == "2 files restored"
    assert [path.exists() for path in removed.values()] == [False, True, True]
    assert _ids(browser) == [kept]


def test_a_file_whose_name_is_taken_stays_in_the_bin_and_nothing_is_overwritten(
    browser: Browser, removed: dict[str, Path], press: Callable[..., Any]
) -> None:
    removed["two"].parent.mkdir(parents=True, exist_ok=True)
    removed["two"].write_bytes(b"another")
    answer = press(browser, "/recycle-bin/restore", ids=",".join(_ids(browser)))
    toast = _toast(answer)
    assert (toast["title"], toast["tone"]) == ("2 files restored", "miss")
    assert "already exists. Move it away first." in toast["text"]
    assert removed["two"].read_bytes() == b"another"
    assert removed["two"].name in words(browser.get("/recycle-bin"))
    again = press(browser, "/recycle-bin/restore", ids=_id_of(browser, removed["two"]))
    assert _toast(again)["title"] == "Nothing restored"


def test_the_bin_is_emptied_permanently(
    browser: Browser, server: Server, removed: dict[str, Path], press: Callable[..., Any]
) -> None:
    kept = [one for root in {path.parents[1] for path in removed.values()} for one in root.rglob("*.mkv")
            if ".mydia-recycle" in one.parts]  # fmt: skip
    assert len(kept) >= 3
    answer = press(browser, "/recycle-bin/empty", scope="filter")
    assert _toast(answer)["title"] == "3 files deleted permanently"
    assert "The recycle bin is empty" in words(browser.get("/recycle-bin"))
    assert not any(path.exists() for path in removed.values())
    assert press(browser, "/recycle-bin/restore", ids="").status_code == 422


def test_a_file_is_deleted_on_the_date_that_the_page_shows(
    browser: Browser, server: Server, removed: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.deps.database.reads() as session:
        (first, *_) = library.recycle.list_recycled(session, SYSTEM).files
    day = f"{first.expires_at:%d %b %Y}".lstrip("0")
    assert day in words(browser.get("/recycle-bin"))
    deps = server.deps
    job = Deps(
        database=deps.database,
        outside=deps.outside,
        config=deps.config,
        enqueue=lambda *_, **__: "",
        board=deps.taskboard,
    )
    library_jobs.empty_recycle_bin(job)
    assert len(_ids(browser)) == 3
    monkeypatch.setattr(clock, "now", lambda: first.expires_at + timedelta(days=1))
    library_jobs.empty_recycle_bin(job)
    with deps.database.reads() as session:
        assert library.recycle.list_recycled(session, SYSTEM).files == ()


def test_a_guest_sees_no_recycle_bin(guest: Browser) -> None:
    assert guest.get("/recycle-bin").status_code == 403
