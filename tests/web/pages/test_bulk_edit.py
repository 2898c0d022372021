"""Editing many titles: the dialog, the preview, the job's page and its undo."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from mydia import clock, events
from mydia.contexts import library, media
from mydia.contexts.users import SYSTEM
from mydia.events import feed
from mydia.jobs import downloads as download_jobs
from mydia.jobs import metadata as metadata_jobs
from mydia.jobs import triggers
from mydia.jobs.broker import Deps
from mydia.runs import Unwatched
from mydia.web.pages.library import bulk
from tests.counting import statements
from tests.web.pages.conftest import Browser, Server, words


def test_titles_are_edited_after_a_preview_and_the_edit_is_undone(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    database, outside = server.deps.database, server.deps.outside
    ids = [server.ids["Metropolis"], server.ids["Nosferatu"]]
    chosen = {"ids": ",".join(ids), "target": "dialog#dialog"}
    assert "Edit 2 movies" in words(press(browser, "/movies/bulk/edit", **chosen))
    refused = press(browser, "/movies/bulk/preview", **chosen)
    assert refused.status_code == 422
    assert "Choose at least one change." in words(refused)
    changes = {"to_monitored": "false", "to_add_tags": "Silent"}
    shown = words(press(browser, "/movies/bulk/preview", **chosen, **changes))
    assert "Monitoring Stop monitoring 2 of 2" in shown
    assert "Add tags Silent 2 of 2" in shown
    applied = press(browser, "/movies/bulk/apply", **chosen, **changes)
    found = re.search(r"/edits/([\w-]+)", applied.headers["hx-location"])
    assert found
    path = f"/edits/{found[1]}"
    assert "Waiting 0 of 2" in words(browser.get(path))
    library.edits.carry_on(database, outside, clock.now, found[1], Unwatched())
    assert "Done 2 of 2" in words(browser.get(path))
    again = words(press(browser, "/movies/bulk/preview", **chosen, **changes))
    assert "Nothing would change" in again
    assert "Apply to" not in again
    listed = words(browser.get("/edits"))
    assert "Edit of 2 movies Monitoring: Stop monitoring · Add tags: Silent" in listed
    assert "Done Undo" in listed
    press(browser, f"{path}/undo")
    assert "Undoing 0 of 2" in words(browser.get("/edits"))
    library.edits.carry_on(database, outside, clock.now, found[1], Unwatched())
    assert "Undone 2 of 2" in words(browser.get(path))
    assert f"{path}/undo" not in browser.get("/edits").text
    with database.reads() as session:
        assert [media.get_item(session, SYSTEM, item_id).monitored for item_id in ids] == [True, True]
        assert media.tags.tags_of(session, SYSTEM, ids) == dict.fromkeys(ids, ())


def test_a_selection_of_a_whole_filter_is_read_page_by_page(
    browser: Browser, server: Server, press: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_READ_AT_ONCE", 2)
    press(browser, "/movies/bulk/unmonitor", scope="filter", state="missing")
    with server.deps.database.reads() as session:
        missing = media.lists.ItemQuery(type="movie", state="missing")
        assert media.lists.list_items(session, SYSTEM, missing)[0] == []
        unmonitored = media.lists.ItemQuery(type="movie", state="unmonitored")
        assert len(media.lists.list_items(session, SYSTEM, unmonitored)[0]) > 2


def test_many_titles_are_monitored_by_a_job_that_can_be_undone(
    browser: Browser, server: Server, press: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_AT_ONCE", 1)
    ids = [server.ids["Metropolis"], server.ids["Nosferatu"]]
    answer = press(browser, "/movies/bulk/unmonitor", ids=",".join(ids))
    found = re.search(r"/edits/([\w-]+)", answer.headers["hx-location"])
    assert found
    assert "Stop monitoring" in words(browser.get(f"/edits/{found[1]}"))
    library.edits.carry_on(server.deps.database, server.deps.outside, clock.now, found[1], Unwatched())
    with server.deps.database.reads() as session:
        assert [media.get_item(session, SYSTEM, item_id).monitored for item_id in ids] == [False, False]


@pytest.mark.parametrize(
    ("action", "kind", "said"),
    [("search", "SearchRequested", "being searched"), ("refresh", "RefreshRequested", "being refreshed")],
)
def test_many_titles_are_searched_or_refreshed_with_few_writes(
    browser: Browser, server: Server, press: Callable[..., Any], action: str, kind: str, said: str
) -> None:
    with server.deps.database.reads() as session:
        ids = media.lists.ids_of(session, SYSTEM, media.lists.ItemQuery(type="movie"))
        before = len(feed(session, types=[kind], limit=200))
    with statements(server.deps.database) as asked:
        answer = press(browser, f"/movies/bulk/{action}", ids=",".join([*ids, "removed"]))
    toast = json.loads(answer.headers["hx-trigger"])["toast"]
    assert f"{len(ids)} movies {said}" in toast.values()
    assert "1 title removed in the meantime." in toast.values()
    with server.deps.database.reads() as session:
        events = feed(session, types=[kind], limit=200)
    assert {event.resource_id for event in events[: len(events) - before]} == set(ids)
    assert len([one for one in asked if one.startswith("INSERT INTO events")]) == 1


@pytest.mark.parametrize(
    ("action", "asked_for", "each", "run", "said"),
    [
        ("search", events.SearchesRequested, "SearchRequested", download_jobs.request_searches, "being searched"),
        ("refresh", events.RefreshesRequested, "RefreshRequested", metadata_jobs.request_refreshes, "being refreshed"),
    ],
)
def test_a_job_requests_searches_or_refreshes_for_a_very_large_selection(
    browser: Browser,
    server: Server,
    press: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    asked_for: type[events.Event],
    each: str,
    run: Any,
    said: str,
) -> None:
    monkeypatch.setattr(bulk, "_AT_ONCE", 2)
    monkeypatch.setattr(media.catalogue, "OF_AN_EVENT", 3)
    with server.deps.database.reads() as session:
        ids = media.lists.ids_of(session, SYSTEM, media.lists.ItemQuery(type="movie"))
        last = events.last_id(session)
    answer = press(browser, f"/movies/bulk/{action}", scope="filter")
    assert f"{len(ids)} movies {said}" in json.loads(answer.headers["hx-trigger"])["toast"].values()
    with server.deps.database.reads() as session:
        asked = [one for one in feed(session, types=[asked_for.__name__], limit=200) if one.id > last]
        assert not [one for one in feed(session, types=[each], limit=200) if one.id > last]
    assert len(asked) == -(-len(ids) // 3) > 1
    (trigger,) = triggers.ON_EVENT[asked_for]
    web, unused = server.deps, Any
    deps = Deps(database=web.database, outside=web.outside, config=web.config, enqueue=unused, board=unused)  # type: ignore[arg-type]
    for one in asked:
        run(deps, **trigger.params(asked_for(**one.payload)))
    with server.deps.database.reads() as session:
        requested = [one.resource_id for one in feed(session, types=[each], limit=200) if one.id > last]
    assert sorted(requested) == ids
