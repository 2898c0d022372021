"""The page of a title: removal and its undo, episodes, files, history."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mydia import clock, events
from mydia.contexts import downloads, library, media, settings
from mydia.contexts.users import SYSTEM
from mydia.errors import NotFound
from mydia.events import reason
from tests import builders
from tests.web.pages.conftest import Browser, Server, words

type Press = Callable[..., Any]


def _toast(answer: Any) -> dict[str, Any]:
    """Return the message that comes with an answer."""
    toast: dict[str, Any] = json.loads(answer.headers["hx-trigger"])["toast"]
    return toast


def _is_here(server: Server, item_id: str) -> bool:
    with server.deps.database.reads() as session:
        try:
            media.get_item(session, SYSTEM, item_id)
        except NotFound:
            return False
        return True


def test_a_removed_title_is_restored_with_one_click(browser: Browser, server: Server, press: Press) -> None:
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


def _show(server: Server) -> tuple[str, list[media.EpisodeRef]]:
    """A series with three seasons, and its episodes."""
    item_id = server.ids["The Cartographers"]
    with server.deps.database.reads() as session:
        return item_id, media.episodes.episodes_of(session, SYSTEM, item_id)


def _files(server: Server, title: str) -> list[library.files.FileView]:
    with server.deps.database.reads() as session:
        return library.files.files_of_item(session, SYSTEM, server.ids[title])


def _on_disk(files: list[library.files.FileView]) -> list[Path]:
    paths = [Path(file.path) for file in files]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(path.name.encode() * 200)
    return paths


def test_a_season_is_opened_alone_and_stays_open_when_the_page_reads_itself_again(
    reader: Browser, still: Server
) -> None:
    item_id, _ = _show(still)
    part = reader.get(f"/shows/{item_id}/season/1", headers={"hx-request": "true"})
    assert "Select S01E01" in part.text
    assert "S02E01" not in part.text
    page = reader.get(f"/shows/{item_id}?open=none&open=1").text
    assert "Select S01E01" in page
    assert "Select S03E01" not in page
    assert "Select S0" not in reader.get(f"/shows/{item_id}?open=none").text
    assert reader.get(f"/shows/{item_id}/season/9", headers={"hx-request": "true"}).status_code == 404


def test_a_long_series_costs_no_more_reads_than_a_short_one(still: Server, reader: Browser) -> None:
    from sqlalchemy import event

    item_id, _ = _show(still)
    asked: list[str] = []
    engine = still.deps.database.engine
    note = lambda *given: asked.append(given[2])  # noqa: E731
    event.listen(engine, "before_cursor_execute", note)
    try:
        reader.get(f"/shows/{item_id}/season/1", headers={"hx-request": "true"})
        one = len(asked)
        asked.clear()
        reader.get(f"/shows/{item_id}?open=none")
        closed = len(asked)
        asked.clear()
        reader.get(f"/shows/{item_id}?open=1,2,3")
        opened = len(asked)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert one < 20
    assert opened - closed <= 6, "the reads don't grow with the episodes shown"


def test_chosen_episodes_are_monitored_and_searched_together(browser: Browser, server: Server, press: Press) -> None:
    item_id, episodes = _show(server)
    chosen = [one.id for one in episodes if one.season_number == 1][:3]
    answer = press(browser, f"/items/{item_id}/monitored?monitored=false", scope="ids", ids=",".join(chosen))
    assert _toast(answer)["title"] == "3 episodes no longer monitored"
    assert [one.id for one in _show(server)[1] if not one.monitored and one.season_number == 1] == chosen
    press(browser, f"/items/{item_id}/monitored?monitored=true", scope="filter", **{"except": chosen[0]})
    assert [one.id for one in _show(server)[1] if not one.monitored] == [chosen[0]]
    assert _toast(press(browser, f"/items/{item_id}/search", scope="ids", ids=",".join(chosen)))["title"] == "Searching"
    with server.deps.database.reads() as session:
        told = events.feed(session, types=["SearchRequested"], limit=1)
    assert told[0].payload["episode_ids"] == chosen
    refused = press(browser, f"/items/{item_id}/monitored?monitored=false", scope="ids", ids="")
    assert refused.status_code == 422, "an empty selection never means the whole series"
    assert all(one.monitored for one in _show(server)[1] if one.id != chosen[0])


def test_the_files_of_chosen_episodes_go_and_come_back_with_their_monitoring(
    browser: Browser, server: Server, press: Press
) -> None:
    item_id, episodes = _show(server)
    held = {id_: file for file in _files(server, "The Cartographers") for id_ in file.episode_ids}
    chosen = [one.id for one in episodes if one.season_number == 1 and one.id in held][:2]
    paths = _on_disk([held[id_] for id_ in chosen])
    asked = press(browser, f"/items/{item_id}/files/ask-remove?of=episodes", scope="ids", ids=",".join(chosen))
    assert "Remove 2 files?" in words(asked)
    ids = re.search(r'name="ids" value="([^"]+)"', asked.text)
    assert ids
    answer = press(browser, f"/items/{item_id}/files/remove", ids=ids[1], how="recycle", afterwards="unmonitor")
    assert _toast(answer)["title"] == "2 files moved to the recycle bin"
    assert not any(path.exists() for path in paths)
    assert [one.monitored for one in _show(server)[1] if one.id in chosen] == [False, False]
    press(browser, _toast(answer)["action_href"])
    assert all(path.exists() for path in paths)
    assert [one.monitored for one in _show(server)[1] if one.id in chosen] == [True, True]
    without = next(one.id for one in episodes if one.id not in held)
    refused = press(browser, f"/items/{item_id}/files/ask-remove?of=episodes", scope="ids", ids=without)
    assert "have no files" in words(refused)


def test_an_episode_shows_what_it_is_about_and_its_files(reader: Browser, guest: Browser, still: Server) -> None:
    item_id, episodes = _show(still)
    episode = next(one for one in episodes if one.code == "S01E01")
    said = words(reader.get(f"/items/{item_id}/episodes/{episode.id}", headers={"hx-request": "true"}))
    assert episode.title
    for part in (episode.title, "S01E01", "What happens in", "Aired", "S01E01.mkv", "Manual search"):
        assert part in said
    seen = words(guest.get(f"/items/{item_id}/episodes/{episode.id}"))
    assert "What happens in" in seen
    assert "S01E01.mkv" not in seen
    assert reader.get(f"/items/{item_id}/episodes/{still.ids['Sintel']}").status_code == 404


def test_the_table_of_files_says_what_each_holds(reader: Browser, still: Server) -> None:
    item_id, _ = _show(still)
    said = words(reader.get(f"/shows/{item_id}?tab=files"))
    for part in ("Episodes", "Quality", "Languages", "Group", "The Cartographers S01E02.mkv", "S01E02", "WEBDL-1080p"):
        assert part in said


def test_what_is_known_of_files_is_corrected(browser: Browser, server: Server, press: Press) -> None:
    item_id, episodes = _show(server)
    first, second = _files(server, "The Cartographers")[2:4]
    edit = f"/items/{item_id}/files/edit"
    asked = browser.get(f"/items/{item_id}/files/{first.id}/edit", headers={"hx-request": "true"})
    assert 'value="S01E01"' in asked.text
    wanted = {"quality": "Bluray-1080p", "languages": "English, de", "release_group": "ARC", "edition": "Extended"}
    press(browser, edit, ids=first.id, episodes="S01E01-E02 1x04", **wanted)
    (changed,) = [file for file in _files(server, "The Cartographers") if file.id == first.id]
    codes = {one.id: one.code for one in episodes}
    assert (changed.quality.name, changed.languages, changed.release_group, changed.edition) == (
        "Bluray-1080p", ("en", "de"), "ARC", "Extended",
    )  # fmt: skip
    assert [codes[id_] for id_ in changed.episode_ids] == ["S01E01", "S01E02", "S01E04"]
    assert "English, German" in words(browser.get(f"/shows/{item_id}?tab=files"))
    assert "quality of The Cartographers S01E01.mkv" in words(browser.get(f"/shows/{item_id}?tab=history"))

    many = {"quality": "", "languages": "fr", "release_group": "", "edition": ""}
    press(browser, edit, ids=f"{first.id},{second.id}", **many)
    changed = {file.id: file for file in _files(server, "The Cartographers")}  # type: ignore[assignment]
    assert [changed[one.id].languages for one in (first, second)] == [("fr",), ("fr",)]  # type: ignore[index]
    assert changed[first.id].release_group == "ARC"  # type: ignore[index]

    for field, text in (("episodes", "S09E01"), ("languages", "English!"), ("quality", "Best")):
        refused = press(browser, edit, ids=first.id, **{**wanted, "episodes": "S01E01", field: text})
        assert refused.status_code == 422
        assert f'value="{text}"' in refused.text or field == "quality"


def test_a_film_of_two_files_shows_the_better_one_on_its_page_and_its_card(
    browser: Browser, server: Server, press: Press
) -> None:
    (file,) = _files(server, "Charade")
    with server.deps.database.writes() as session:
        path = settings.library_paths.get_library_path(session, SYSTEM, file.library_path_id)
        item = media.get_item(session, SYSTEM, server.ids["Charade"])
        builders.media_file(
            session, path, "Charade (1963)/Charade 4K.mkv", item=item, quality="WEBDL-2160p", size_bytes=100
        )
        library.holdings.refresh_holdings(session, clock.now(), item.id)
    page = browser.get(f"/movies/{item.id}").text
    hero = page[: page.index("tabs-line")]
    assert "2160p</b>" in hero
    assert "1080p</b>" not in hero
    assert "2160p" in browser.get(f"/items/{item.id}/card", headers={"hx-request": "true"}).text


def test_a_title_that_is_being_imported_says_so(browser: Browser, server: Server) -> None:
    with server.deps.database.writes() as session:
        row = next(one for one in downloads.queue.list_queue(session, SYSTEM) if one.media_title.startswith("Detour"))
        download = downloads.history.get_download(session, SYSTEM, row.id)
        download.state = downloads.DownloadState.IMPORTING
    said = words(browser.get(f"/movies/{server.ids['Detour']}"))
    assert "Importing" in said
    assert "Its files are being placed in the library" in said
    assert "put it in the library folder" not in said
    assert "Open the queue" in said


def test_a_removed_title_is_found_in_the_history_by_its_name_and_restored_there(
    browser: Browser, server: Server, press: Press
) -> None:
    item_id = server.ids["Sintel"]
    press(browser, f"/items/{item_id}/remove", files="keep")
    page = browser.get("/activity/history", params={"q": "sint"})
    assert "Removed Sintel" in words(page)
    assert f"/removed/{item_id}/restore" in page.text
    assert f'href="/items/{item_id}"' not in page.text
    press(browser, f"/removed/{item_id}/restore")
    after = browser.get("/activity/history", params={"q": "sint"})
    assert "Restored Sintel" in words(after)
    assert f"/removed/{item_id}/restore" not in after.text


def test_the_history_has_no_sign_ins_but_the_audit_log_has(reader: Browser) -> None:
    said = words(reader.get("/activity/history"))
    for unwanted in ("Signed in", "Settings changed", "Account added", "nothing →"):
        assert unwanted not in said
    assert "Settings changed" in words(reader.get("/activity/history", params={"kind": "audit"}))


def test_an_imported_download_is_marked_as_failed(browser: Browser, server: Server, press: Press) -> None:
    item_id = server.ids["Charade"]
    with server.deps.database.writes() as session:
        row = downloads.Download(
            media_item_id=item_id,
            media_title="Charade (1963)",
            release_title="Charade.1963.1080p.BluRay.x264-BAD",
            client_name="qBittorrent",
            protocol="torrent",
            state=downloads.DownloadState.IMPORTED,
            state_since=clock.now(),
            quality_name="Bluray-1080p",
            quality={},
            cause="automatic",
            added_at=clock.now(),
            size_bytes=1,
            reasons=[
                {"at": "2026-11-30T12:00:00Z", "kind": "block", **reason("import.no-path", client="NAS").to_json()}
            ],
        )
        session.add(row)
        session.flush()
        download_id = row.id
    details = browser.get(f"/activity/downloads/{download_id}", headers={"hx-request": "true"})
    assert "Mark as failed" in words(details)
    assert str(reason("import.no-path", client="NAS")) in words(details)
    answer = press(browser, f"/activity/downloads/{download_id}/failed")
    assert _toast(answer)["title"] == "Marked as failed"
    assert "Charade.1963.1080p.BluRay.x264-BAD" in words(browser.get("/activity/blocklist"))
    with server.deps.database.reads() as session:
        (failed,) = events.feed(session, types=["DownloadFailed"], limit=1)
    assert failed.payload["blocklisted"] is True
    assert failed.payload["media_item_id"] == item_id
    assert "marked it as failed" in words(browser.get("/activity/history", params={"kind": "failures"}))
    with server.deps.database.reads() as session:
        moving = next(
            row.id for row in downloads.queue.list_queue(session, SYSTEM) if row.media_title.startswith("Detour")
        )
    assert "Mark as failed" not in browser.get(f"/activity/downloads/{moving}").text
    assert press(browser, f"/activity/downloads/{moving}/failed").status_code == 409


def test_next_and_previous_follow_the_list_that_was_shown(browser: Browser, server: Server) -> None:
    def names(path: str) -> tuple[str, str]:
        titles = {id_: title for title, id_ in server.ids.items()}
        page = browser.get(path).text
        found = dict(re.findall(r'href="/items/([\w-]+)" aria-label="(Previous|Next) title"', page))
        said = {which: titles[id_] for id_, which in found.items()}
        return said.get("Previous", ""), said.get("Next", "")

    listed = re.compile(r'href="/movies/([\w-]+)"')
    by_id = {id_: title for title, id_ in server.ids.items()}
    for address in ("/movies?sort=year&dir=desc&view=table", "/movies?view=table", "/movies?state=missing&view=table"):
        order = [by_id[id_] for id_ in dict.fromkeys(listed.findall(browser.get(address).text)) if id_ in by_id]
        middle = len(order) // 2
        path = f"/movies/{server.ids[order[middle]]}"
        assert names(path) == (order[middle - 1], order[middle + 1]), address


def test_a_long_table_of_files_comes_in_parts(browser: Browser, server: Server) -> None:
    item_id, episodes = _show(server)
    (first, *_) = _files(server, "The Cartographers")
    with server.deps.database.writes() as session:
        path = settings.library_paths.get_library_path(session, SYSTEM, first.library_path_id)
        item = media.get_item(session, SYSTEM, item_id)
        for number in range(150):
            builders.media_file(session, path, f"Copies/{number:03}.mkv", item=item, episode_ids=(episodes[0].id,))
        library.holdings.refresh_holdings(session, clock.now(), item_id)
    names = re.compile(r">\s*(\d{3}\.mkv)\s*<")
    page = browser.get(f"/shows/{item_id}?tab=files").text
    assert len(names.findall(page)) == 100
    more = re.search(r'hx-get="(/items/[^"]+/files\?cursor=[^"]+)"', page)
    assert more
    rest = browser.get(more[1], headers={"hx-request": "true"}).text
    assert len(names.findall(rest)) == 50
    assert "The Cartographers S03E05.mkv" in rest
    assert "Select all 171 files" in words(browser.get(f"/shows/{item_id}?tab=files"))
    assert len(names.findall(browser.get(more[1]).text)) == 50, "a page of its own without script"
