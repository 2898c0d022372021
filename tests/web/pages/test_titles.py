"""The page of a title: removing it and undoing that, its episodes, its files, its history."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from mydia.contexts import media
from mydia.contexts.users import SYSTEM
from mydia.errors import NotFound
from tests.web.pages.conftest import Browser, Server, words

type Press = Callable[..., Any]


def _toast(answer: Any) -> dict[str, Any]:
    """Return the message that comes with an answer."""
    return json.loads(answer.headers["hx-trigger"])["toast"]


def _is_here(server: Server, item_id: str) -> bool:
    with server.deps.database.reads() as session:
        try:
            media.get_item(session, SYSTEM, item_id)
        except NotFound:
            return False
        return True


def test_a_removed_title_comes_back_with_one_press(browser: Browser, server: Server, press: Press) -> None:
    item_id = server.ids["Sintel"]
    asked = words(browser.get(f"/items/{item_id}/remove", headers={"hx-request": "true"}))
    assert "Remove Sintel?" in asked
    assert "What should happen to its 1 file" in asked
    assert "You can undo this afterwards" in asked
    press(browser, f"/items/{item_id}/remove", htmx=False, files="keep")
    assert not _is_here(server, item_id)
    page = browser.get("/movies").text
    assert "Sintel removed" in page
    (undo,) = re.findall(r'formaction="(/removals/[^"]+/undo)"', page)
    answer = press(browser, undo, htmx=False)
    assert answer.headers["location"].endswith(item_id)
    assert "1080p" in words(browser.get(f"/movies/{item_id}"))


def test_removing_many_says_how_many_titles_and_files_and_can_be_undone(
    browser: Browser, server: Server, press: Press
) -> None:
    chosen = [server.ids[title] for title in ("Sintel", "Nosferatu", "Charade")]
    asked = words(press(browser, "/movies/bulk/ask-remove", scope="ids", ids=",".join(chosen)))
    assert "Remove 3 movies?" in asked
    assert re.search(r"their 2 files \([\d.]+ GB\)", asked)
    for choice in ("Leave the files where they are", "Move the files to the recycle bin", "Delete the files"):
        assert choice in asked
    answer = press(browser, "/movies/bulk/remove", scope="ids", ids=",".join(chosen), files="keep")
    toast = _toast(answer)
    assert toast["title"] == "3 movies removed"
    assert not any(_is_here(server, item_id) for item_id in chosen)
    assert _toast(press(browser, toast["action_href"]))["title"] == "3 titles restored"
    assert all(_is_here(server, item_id) for item_id in chosen)


def test_a_filter_is_removed_as_a_whole(browser: Browser, server: Server, press: Press) -> None:
    kept = server.ids["Nosferatu"]
    selection = {"scope": "filter", "except": kept, "state": "missing"}
    asked = press(browser, "/movies/bulk/ask-remove", **selection)
    assert f'name="except" value="{kept}"' in asked.text
    assert 'name="state" value="missing"' in asked.text
    press(browser, "/movies/bulk/remove", files="keep", **selection)
    assert _is_here(server, kept)
    assert not _is_here(server, server.ids["Safety Last!"])
    assert _is_here(server, server.ids["Sintel"])
