"""The library lists: filters, saved filters, columns, row actions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from mydia import clock
from mydia.contexts import media
from mydia.contexts.users import SYSTEM
from mydia.vocabulary import MediaType
from tests.web.pages.conftest import Browser, Server, words

type Press = Callable[..., Any]


def _titles(answer: Any) -> list[str]:
    return re.findall(r'class="pcard-title block" title="([^"]*)"', answer.text)


def test_a_list_is_filtered_by_what_its_panel_offers(browser: Browser, server: Server) -> None:
    with server.deps.database.writes() as session:
        media.tags.change_tags(session, SYSTEM, clock.now(), server.ids["Nosferatu"], add=["Silent"])
        tag = next(one.id for one in media.tags.list_tags(session, SYSTEM) if one.name == "Silent")
    tagged = browser.get(f"/movies?tag={tag}")
    assert _titles(tagged) == ["Nosferatu"]
    assert "Tag Silent" in words(tagged)
    large = _titles(browser.get("/movies?size_from=30"))
    small = _titles(browser.get("/movies?size_to=29&quality=Bluray-1080p"))
    assert large
    assert small
    assert not set(large) & set(small)
    shows = browser.get("/shows?studio=channel")
    assert "Network channel" in words(shows)
    assert browser.get("/movies?size_from=much").status_code == 422


def test_suggestions_for_the_network_are_read_when_asked_for(browser: Browser) -> None:
    assert '<option value="' in browser.get("/shows/studios").text


def test_a_filter_is_saved_chosen_renamed_and_deleted(browser: Browser, press: Press) -> None:
    saved = press(browser, "/movies/filters", htmx=False, name="Unseen", state="missing", sort="added")
    assert saved.status_code == 303
    assert saved.headers["location"] == "/movies?state=missing&sort=added"
    page = browser.get("/movies")
    assert 'href="/movies?state=missing&amp;sort=added"' in page.text
    assert "Unseen" in words(page)
    manage = browser.get("/movies/filters").text
    address = re.search(r'formaction="(/movies/filters/[^/]+)/rename"', manage)
    assert address
    field = f"name_{address[1].rsplit('/', 1)[1]}"
    assert press(browser, f"{address[1]}/rename", htmx=False, **{field: "Not here yet"}).status_code == 303
    assert "Not here yet" in browser.get("/movies").text
    assert press(browser, f"{address[1]}/delete", htmx=False).status_code == 303
    assert "Not here yet" not in browser.get("/movies").text


def test_a_default_filter_opens_the_list_and_all_titles_are_one_press_away(browser: Browser, press: Press) -> None:
    everything = _titles(browser.get("/movies"))
    press(browser, "/movies/filters", name="Missing", state="missing", default="true")
    page = browser.get("/movies")
    missing = _titles(page)
    assert missing
    assert len(missing) < len(everything)
    whole = re.search(r'class="filter" href="(/movies\?all=true)"', page.text)
    assert whole
    assert _titles(browser.get(whole[1])) == everything
    assert 'data-filter="?state=missing&amp;all=true"' in page.text, "a selection of all means what is shown"
    assert _titles(browser.get("/movies?sort=year")) != missing
    assert _titles(browser.get("/shows")), "the other list has no default"


def test_a_filter_without_a_name_is_refused_in_the_dialog(browser: Browser, press: Press) -> None:
    refused = press(browser, "/movies/filters", target="dialog#dialog", name=" ", state="missing")
    assert refused.status_code == 422
    assert "Enter 1 to 60 characters." in words(refused)


def test_the_table_has_the_columns_that_a_person_chose(browser: Browser, press: Press) -> None:
    usual = words(browser.get("/movies?view=table"))
    assert "HD-1080p" in usual
    press(browser, "/movies/columns", columns="quality,tags")
    table = browser.get("/movies?view=table")
    head = re.findall(r"<th[^>]*>(.*?)</th>", table.text, re.DOTALL)
    assert [re.sub(r"<[^>]+>", "", cell).strip() for cell in head][2:5] == ["Title", "Quality", "Tags"]
    assert "Bluray-1080p" in words(table)
    assert "HD-1080p" not in table.text.partition("<tbody>")[2].partition("</tbody>")[0]
    press(browser, "/movies/columns", usual="true")
    assert "HD-1080p" in words(browser.get("/movies?view=table"))


def test_a_row_has_actions_and_is_read_again_after_them(browser: Browser, server: Server, press: Press) -> None:
    item_id = server.ids["Metropolis"]
    row = browser.get(f"/items/{item_id}/row").text
    assert f"/items/{item_id}/monitored?monitored=false" in row
    assert f"/items/{item_id}/edit" in row
    answer = press(browser, f"/items/{item_id}/monitored?monitored=false")
    assert f"changed-{item_id}" in answer.headers["hx-trigger"]
    assert f"/items/{item_id}/monitored?monitored=true" in browser.get(f"/items/{item_id}/row").text


def test_a_guest_saves_filters_and_sees_no_row_actions(guest_browser: Browser, press: Press) -> None:
    assert press(guest_browser, "/movies/filters", name="Mine", state="missing").status_code == 204
    table = guest_browser.get("/movies?view=table").text
    assert "Mine" in table
    assert "row-actions" not in table


@pytest.mark.parametrize("type_", list(MediaType))
def test_a_page_of_rows_costs_the_same_number_of_reads(browser: Browser, server: Server, type_: MediaType) -> None:
    from sqlalchemy import event

    path = "/shows/rows" if type_ == MediaType.TV_SHOW else "/movies/rows"
    statements: list[str] = []
    engine = server.deps.database.engine
    event.listen(engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
    browser.get(path, headers={"hx-request": "true"})
    assert len(statements) < 15, statements
