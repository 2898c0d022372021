"""What users do with downloads and with the releases of a search."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mydia import clock, events
from mydia.adapters.indexers import Fetched
from mydia.contexts import downloads
from mydia.contexts.users import SYSTEM
from mydia.events import reason
from mydia.web import live_topics
from mydia.web.live import LiveContext
from tests.web.pages.conftest import Browser, Server, csrf, words


def download_of(server: Server, title: str) -> downloads.Download:
    with server.deps.database.reads() as session:
        return session.scalars(
            select(downloads.Download).where(downloads.Download.media_item_id == server.ids[title])
        ).one()


def happened(server: Server, kind: str) -> list[dict[str, Any]]:
    with server.deps.database.reads() as session:
        return [event.payload for event in events.feed(session, types=[kind])]


def run_requested_searches(server: Server) -> None:
    """Run a manual search, as the worker does."""
    for payload in happened(server, "ReleasesRequested"):
        downloads.run_search(
            server.deps.database,
            server.deps.outside,
            SYSTEM,
            clock.now(),
            search_id=payload["search_id"],
        )


def test_a_download_is_paused_and_resumed(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    row = download_of(server, "Detour")
    answer = press(browser, f"/activity/queue/{row.id}/pause")
    assert answer.status_code == 204
    assert "queue-changed" in answer.headers["hx-trigger"]
    assert download_of(server, "Detour").state == "paused"
    assert "Resume Detour (1945)" in browser.get("/activity").text
    press(browser, f"/activity/queue/{row.id}/resume", htmx=False)
    assert download_of(server, "Detour").state == "queued"


def test_without_script_a_button_returns_to_the_page_with_a_message(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    answer = press(browser, f"/activity/queue/{download_of(server, 'Detour').id}/pause", htmx=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/activity")
    assert "Paused" in words(browser.get("/activity"))


def test_an_action_from_another_site_is_refused(browser: Browser, server: Server) -> None:
    answer = browser.post(f"/activity/queue/{download_of(server, 'Detour').id}/pause")
    assert answer.status_code == 403
    assert download_of(server, "Detour").state == "downloading"


def test_a_download_that_mydia_did_not_add_stays_in_its_client(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    row = download_of(server, "Detour")
    with server.deps.database.writes() as session:
        session.get_one(downloads.Download, row.id).owned = False
    asked = words(browser.get(f"/activity/queue/{row.id}/remove", headers={"hx-request": "true"}))
    assert "is only removed from the queue" in asked
    assert "Remove it and delete" not in asked
    press(browser, f"/activity/queue/{row.id}/remove", where="files")
    assert server.client.removed == []
    assert download_of(server, "Detour").state == "ignored"


def test_removing_asks_what_happens_to_files_and_release(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    row = download_of(server, "The Kid")
    asked = words(browser.get(f"/activity/queue/{row.id}/remove", headers={"hx-request": "true"}))
    assert "Remove it and delete its downloaded files" in asked
    assert "Block this release" in asked
    press(browser, f"/activity/queue/{row.id}/remove", where="files", block="true", again="true")
    assert download_of(server, "The Kid").state == "removed"
    assert server.client.removed == [(row.client_ref, True)]
    assert row.release_title in browser.get("/activity/blocklist").text
    assert [told["media_item_id"] for told in happened(server, "SearchRequested")] == [server.ids["The Kid"]]


def test_if_the_client_does_not_answer_the_dialog_stays_open_with_the_reason(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    server.client.go_away()
    answer = press(browser, f"/activity/queue/{download_of(server, 'Detour').id}/remove", where="client")
    assert answer.status_code == 422
    assert "no answer from" in words(answer)
    assert download_of(server, "Detour").state == "downloading"


def test_without_script_the_dialog_is_a_page(browser: Browser, server: Server) -> None:
    answer = browser.get(f"/activity/queue/{download_of(server, 'Detour').id}/remove")
    assert "<html" in answer.text
    assert "Remove Detour (1945)?" in words(answer)


def test_a_blocked_import_is_retried(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    row = download_of(server, "Häxan")
    assert press(browser, f"/activity/queue/{row.id}/import").status_code == 204
    assert happened(server, "ImportRequested") == [{"download_id": row.id}]


def test_a_downloads_history_shows_why_it_was_grabbed_and_what_blocks_its_import(
    browser: Browser, server: Server
) -> None:
    said = words(browser.get(f"/activity/downloads/{download_of(server, 'Häxan').id}"))
    assert "the best of its search, from Silver Index" in said
    assert "Witchcraft Through the Ages" in said


def test_all_downloads_are_paused_even_if_one_client_does_not_answer(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    answer = press(browser, "/activity/pause-all")
    assert "downloads paused" in answer.headers["hx-trigger"]
    with server.deps.database.reads() as session:
        states = {row.state for row in downloads.queue.list_queue(session, SYSTEM)}
    assert "downloading" not in states


def test_a_release_is_removed_from_the_blocklist(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    page = browser.get("/activity/blocklist").text
    ids = re.findall(r'id="blocked-([\w-]+)"', page)
    press(browser, "/activity/blocklist/remove", ids=ids[0])
    assert len(re.findall(r'id="blocked-', browser.get("/activity/blocklist").text)) == len(ids) - 1
    press(browser, "/activity/blocklist/clear")
    assert "The blocklist is empty" in words(browser.get("/activity/blocklist"))


def last_search(server: Server, title: str) -> str:
    with server.deps.database.reads() as session:
        found = downloads.history.last_search(session, SYSTEM, server.ids[title])
    assert found is not None
    return found.id


def release(server: Server, title: str, name: str) -> downloads.Release:
    with server.deps.database.reads() as session:
        rows = session.scalars(
            select(downloads.Release).where(downloads.Release.search_id == last_search(server, title))
        ).all()
    return next(row for row in rows if name in row.title)


def test_a_search_shows_every_release_with_every_reason(browser: Browser, server: Server) -> None:
    item, search = server.ids["Nosferatu"], last_search(server, "Nosferatu")
    said = words(browser.get(f"/items/{item}/releases", params={"search": search}))
    for text in ("Accepted 3", "Rejected 4", "Best", "HD-1080p does not allow Remux-2160p.", "It is from 1979",
                 "Blue Lagoon no answer within 20 s", "Freeleech", "86 seeders", "Grab anyway"):  # fmt: skip
        assert text in said, text


def test_filters_show_only_matching_releases(browser: Browser, server: Server) -> None:
    path = f"/searches/{last_search(server, 'Nosferatu')}"
    htmx = {"hx-request": "true"}
    said = words(browser.get(path, params={"show": "accepted"}, headers=htmx))
    assert "BluRay.FLAC2.0" in said
    assert "Vampyre" not in said
    said = words(browser.get(path, params={"q": "vampyre"}, headers=htmx))
    assert "Vampyre" in said
    assert "No release matches" in words(browser.get(path, params={"q": "nothing like it"}, headers=htmx))


def test_the_dialog_opens_at_once_and_shows_results_as_indexers_answer(browser: Browser, server: Server) -> None:
    path = f"/items/{server.ids['Safety Last!']}/releases"
    opened = browser.get(path, headers={"hx-request": "true"})
    assert "Searching indexers" in words(opened)
    token = csrf(browser)
    answer = browser.post(path, headers={"hx-request": "true", "x-csrf-token": token})
    assert answer.status_code == 200
    address = re.search(r"/searches/[\w-]+", answer.text)
    assert address
    assert "rel-tick" in browser.get(address[0], headers={"hx-request": "true"}).text
    run_requested_searches(server)
    answer = browser.get(address[0], headers={"hx-request": "true"})
    assert "rel-tick" not in answer.text
    assert "Nothing found" in words(answer)


def test_the_live_stream_reports_the_progress_of_a_search(browser: Browser, server: Server) -> None:
    search_id = last_search(server, "Nosferatu")
    context = LiveContext(server.deps, server.app.state.renderer.render, None)
    topic = f"search:{search_id}"
    assert server.app.state.live.topic(topic).poll is live_topics.poll_search
    before = live_topics.poll_search(context, topic, SYSTEM)
    assert live_topics.poll_search(context, topic, SYSTEM) == before
    with server.deps.database.writes() as session:
        session.get_one(downloads.Search, search_id).state = "running"
    assert live_topics.poll_search(context, topic, SYSTEM) != before
    page = browser.get(f"/searches/{search_id}", headers={"hx-request": "true"}).text
    assert f"/events?topics={topic}" in page
    assert live_topics.poll_search(context, topic, SYSTEM)["#rel-tick"].strip() in page
    assert live_topics.poll_search(context, "search:gone", SYSTEM) == {}


def test_without_script_the_page_of_a_running_search_reloads(browser: Browser, server: Server) -> None:
    search_id = last_search(server, "Nosferatu")
    path = f"/items/{server.ids['Nosferatu']}/releases?search={search_id}"
    assert 'http-equiv="refresh"' not in browser.get(path).text
    with server.deps.database.writes() as session:
        session.get_one(downloads.Search, search_id).state = "running"
    page = browser.get(path)
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page.text
    assert "Check again" in words(page)


def test_a_grabbed_release_is_sent_and_says_so(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    wanted = release(server, "Nosferatu", "BluRay.FLAC2.0")
    server.indexers["Silver Index"].content[f"http://indexer.test/get?name={wanted.title}"] = _magnet(wanted)
    answer = press(browser, f"/releases/{wanted.id}/grab")
    assert answer.status_code == 200
    assert "Sent" in words(answer)
    assert len(server.client.added) == 1
    assert download_of(server, "Nosferatu").release_title == wanted.title


def test_a_rejected_release_is_grabbed_only_after_confirmation(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    wanted = release(server, "Nosferatu", "REMUX")
    server.indexers["Silver Index"].content[f"http://indexer.test/get?name={wanted.title}"] = _magnet(wanted)
    answer = press(browser, f"/releases/{wanted.id}/grab")
    assert "HD-1080p does not allow" in words(answer)
    assert "Grab anyway" in words(answer)
    assert server.client.added == []
    press(browser, f"/releases/{wanted.id}/grab", override="true")
    assert len(server.client.added) == 1


def test_a_failed_grab_shows_the_problem_in_its_row(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    wanted = release(server, "Nosferatu", "BluRay.FLAC2.0")
    server.indexers["Silver Index"].go_away()
    answer = press(browser, f"/releases/{wanted.id}/grab")
    assert "no answer from" in words(answer)
    assert "Try again" in words(answer)


def _titles(text: str) -> list[str]:
    """The names of the releases in the order in which they are listed."""
    return re.findall(r'<p class="t-rel [^"]*">\s*([^<\s]+)\s*</p>', text)


@pytest.mark.parametrize(
    ("sort", "accepted", "rejected"),
    [
        ("size", ["ARC", "KNO", "LMN"], ["ARC", "HRZ", "OLD", "TINY"]),
        ("-size", ["LMN", "KNO", "ARC"], ["TINY", "OLD", "HRZ", "ARC"]),
        ("age", ["KNO", "ARC", "LMN"], ["ARC", "HRZ", "OLD", "TINY"]),
        ("seeders", ["ARC", "LMN", "KNO"], ["ARC", "HRZ", "OLD", "TINY"]),
        ("indexer", ["LMN", "KNO", "ARC"], ["TINY", "HRZ", "ARC", "OLD"]),
    ],
)
def test_releases_are_sorted_by_a_column(
    reader: Browser, still: Server, sort: str, accepted: list[str], rejected: list[str]
) -> None:
    search = last_search(still, "Nosferatu")
    answer = reader.get(f"/searches/{search}", params={"sort": sort}, headers={"hx-request": "true"})
    groups = [title.rpartition("-")[2] for title in _titles(answer.text)]
    assert groups == [*accepted, *rejected]
    name = sort.lstrip("-")
    link = re.search(rf'id="rel-sort-{name}"[^>]*href="([^"]+)"[^>]*aria-current="true"', answer.text)
    assert link
    assert f"sort={name if sort.startswith('-') else '-' + name}" in link[1], "another press turns it round"


def test_a_release_says_its_languages_and_leads_to_its_page(browser: Browser, server: Server) -> None:
    wanted = release(server, "Nosferatu", "BluRay.FLAC2.0")
    with server.deps.database.writes() as session:
        row = session.get_one(downloads.Release, wanted.id)
        row.parsed = {**row.parsed, "languages": ["de", "fr"]}
        row.page_url = "https://silver.test/details/7"
        session.get_one(downloads.Release, release(server, "Nosferatu", "REMUX").id).page_url = "javascript:alert(1)"
    page = browser.get(f"/searches/{last_search(server, 'Nosferatu')}", headers={"hx-request": "true"})
    assert "German, French" in words(page)
    assert 'href="https://silver.test/details/7" rel="noreferrer noopener" target="_blank"' in page.text
    assert "javascript:" not in page.text
    assert "Grab despite these problems?" in words(page) or "Grab despite this problem?" in words(page)


def test_a_failed_indexer_is_searched_again_on_its_own(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    search = last_search(server, "Nosferatu")
    with server.deps.database.reads() as session:
        states = downloads.history.get_search(session, SYSTEM, search).search.indexers
    failed = next(entry["id"] for entry in states if entry["state"] == "failed")
    server.indexers["Blue Lagoon"].come_back()
    press(browser, f"/searches/{search}/indexers/{failed}")
    assert "rel-tick" in browser.get(f"/searches/{search}", headers={"hx-request": "true"}).text
    run_requested_searches(server)
    answer = browser.get(f"/searches/{search}", headers={"hx-request": "true"})
    assert "rel-tick" not in answer.text
    assert "no answer" not in words(answer)


def test_a_guest_cannot_grab(guest_browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    wanted = release(server, "Nosferatu", "BluRay.FLAC2.0")
    assert press(guest_browser, f"/releases/{wanted.id}/grab").status_code == 403
    assert guest_browser.get(f"/items/{server.ids['Nosferatu']}/releases").status_code == 403


def _magnet(wanted: downloads.Release) -> Any:
    return Fetched(None, f"magnet:?xt=urn:btih:{wanted.info_hash}")


def test_values_that_are_not_numbers_are_refused_with_a_sentence(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    show, download = server.ids["The Cartographers"], download_of(server, "Detour").id
    for odd in ("\N{SUPERSCRIPT TWO}", "9" * 30, "9" * 5000, "x"):
        for path, form in (
            (f"/activity/queue/{download}/files", {"files": odd}),
            (f"/items/{show}/monitored", {"monitored": "false", "season": odd}),
            (f"/items/{show}/search", {"season": odd}),
            (f"/items/{show}/releases", {"season": odd}),
            (f"/items/{show}/edit", {"year": odd}),
            ("/imports/nothing/decide", {"candidate": odd}),
        ):
            assert 400 <= press(browser, path, **form).status_code < 500, (path, odd)
        assert browser.get(f"/items/{show}/history", params={"before": odd}).status_code == 200


def _ids(server: Server, *titles: str) -> str:
    return ",".join(download_of(server, title).id for title in titles)


def test_several_downloads_are_paused_and_resumed(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    page = browser.get("/activity").text
    assert f'value="{download_of(server, "Detour").id}" form="bulkbar"' in page
    ids = _ids(server, "Detour")
    answer = press(browser, "/activity/bulk/pause", ids=ids)
    assert "1 download paused" in answer.headers["hx-trigger"]
    assert "selection-clear" in answer.headers["hx-trigger"]
    assert download_of(server, "Detour").state == "paused"
    press(browser, "/activity/bulk/resume", ids=ids)
    assert download_of(server, "Detour").state == "queued"


def test_one_failure_does_not_stop_the_other_downloads(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    answer = press(browser, "/activity/bulk/import", ids=_ids(server, "Detour", "Häxan"))
    assert "1 download being imported" in answer.headers["hx-trigger"]
    assert "only a finished one can be imported" in answer.headers["hx-trigger"]


def test_removing_several_downloads_asks_first_and_lists_them(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    ids = _ids(server, "Detour", "Metropolis")
    asked = press(browser, "/activity/bulk/ask-remove", ids=ids)
    said = words(asked)
    assert "Remove 2 downloads?" in said
    assert "Detour" in said
    assert download_of(server, "Detour").state == "downloading"
    on_a_page = browser.post("/activity/bulk/ask-remove", data={"_csrf": csrf(browser), "ids": ids.split(",")})
    assert "<html" in on_a_page.text
    press(browser, "/activity/bulk/remove", ids=ids, where="files", block="true")
    assert {download_of(server, title).state for title in ("Detour", "Metropolis")} == {"removed"}
    assert download_of(server, "Detour").release_title in browser.get("/activity/blocklist").text


def test_an_empty_selection_is_reported(browser: Browser, press: Callable[..., Any]) -> None:
    assert press(browser, "/activity/bulk/pause", htmx=False).status_code == 422
    assert press(browser, "/activity/bulk/dance", htmx=False, ids="x").status_code == 422


def test_a_release_is_blocked_by_its_name(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    name = "Nosferatu.1922.480p.DVDRip.XviD-NOPE"
    found = browser.get("/activity/blocklist/new", params={"release": name}, headers={"hx-request": "true"})
    assert "<form" not in found.text
    assert "Nosferatu (1922), movie" in words(found)
    missing = press(browser, "/activity/blocklist/new", htmx=False, release=name, protocol="torrent")
    assert missing.status_code == 422
    assert "Choose a title." in words(missing)
    for _ in range(2):
        sent = {"release": name, "protocol": "torrent", "item_id": server.ids["Nosferatu"], "reason": "Wrong speed"}
        answer = press(browser, "/activity/blocklist/new", **sent)
        assert "dialog-close" in answer.headers["hx-trigger"]
    said = words(browser.get("/activity/blocklist", params={"q": "NOPE"}))
    assert said.count(name) == 1 + said.count(f"Select {name}") + said.count(f"Unblock {name}")
    assert "Wrong speed" in said


def test_the_history_is_filtered_by_title_and_kind(reader: Browser) -> None:
    said = words(reader.get("/activity/history", params={"q": "Nosferatu"}))
    assert "7 found" in said
    assert "Detour" not in said
    assert "No history for “no such film”" in words(reader.get("/activity/history", params={"q": "no such film"}))
    both = reader.get("/activity/history", params={"q": "Nosferatu", "kind": "searches"})
    assert "7 found" in words(both)
    assert 'href="/activity/history?q=Nosferatu"' in both.text


def test_undoing_a_grab_removes_it_from_client_and_queue(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    wanted = release(server, "Nosferatu", "BluRay.FLAC2.0")
    server.indexers["Silver Index"].content[f"http://indexer.test/get?name={wanted.title}"] = _magnet(wanted)
    answer = press(browser, f"/releases/{wanted.id}/grab")
    told = json.loads(answer.headers["hx-trigger"])["toast"]
    assert (told["action_label"], told["action_posts"]) == ("Undo", True)
    answer = press(browser, told["action_href"])
    assert "releases-changed" in answer.headers["hx-trigger"]
    assert download_of(server, "Nosferatu").state == "removed"
    assert [files_too for _, files_too in server.client.removed] == [True]
    again = browser.get(f"/searches/{last_search(server, 'Nosferatu')}", headers={"hx-request": "true"})
    assert "Removed before" in words(again)
    assert f'action="/releases/{wanted.id}/grab"' in again.text


def test_the_grab_of_an_imported_release_cannot_be_undone(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    row = download_of(server, "Detour")
    with server.deps.database.writes() as session:
        session.get_one(downloads.Download, row.id).state = "importing"
    answer = press(browser, f"/activity/queue/{row.id}/undo")
    assert answer.status_code == 409
    assert download_of(server, "Detour").state == "importing"


def test_a_message_with_undo_works_without_script(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    press(browser, "/movies/bulk/unmonitor", htmx=False, ids=server.ids["Nosferatu"])
    page = browser.get("/movies").text
    undo = re.search(r'form="act" formaction="(/movies/bulk/monitor[^"]+)"', page)
    assert undo
    answer = browser.post(undo[1].replace("&amp;", "&"), data={"_csrf": csrf(browser)})
    assert answer.status_code == 303
    assert "1 movie monitored" in words(browser.get("/movies"))


def test_unmonitoring_a_wanted_title_is_undone(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    answer = press(browser, f"/wanted/{server.ids['Nosferatu']}/unmonitor")
    assert "Nosferatu" not in words(browser.get("/wanted"))
    press(browser, json.loads(answer.headers["hx-trigger"])["toast"]["action_href"])
    assert "Nosferatu" in words(browser.get("/wanted"))


def test_a_waiting_release_is_shown_with_its_reason_and_grabbed_or_removed(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    assert "Nothing is waiting" in words(browser.get("/activity/pending"))
    wanted, other = release(server, "Nosferatu", "BluRay.FLAC2.0"), release(server, "Nosferatu", "REMUX")
    server.indexers["Silver Index"].content[f"http://indexer.test/get?name={wanted.title}"] = _magnet(wanted)
    until = clock.now() + timedelta(minutes=90, seconds=30)
    because = reason("delay", until=until.isoformat(), profile="Patience", minutes=120, protocol="torrents")
    with server.deps.database.writes() as session:
        session.add_all(
            downloads.PendingRelease(
                release_id=one.id,
                media_item_id=one.media_item_id,
                version_id=one.version_id,
                reason="delay",
                message="",
                because=because.to_json(),
                since_at=clock.now(),
                until_at=until,
            )
            for one in (wanted, other)
        )
    seen = words(browser.get("/activity/pending"))
    assert wanted.title in seen
    assert "Patience waits 2 h for torrents" in seen
    assert "1 h 30 min" in seen
    with server.deps.database.reads() as session:
        rows = {one.release_title: one.id for one in downloads.pending.list_pending(session, SYSTEM)}
    press(browser, f"/activity/pending/{rows[other.title]}/remove")
    assert other.title not in words(browser.get("/activity/pending"))
    press(browser, f"/activity/pending/{rows[wanted.title]}/take")
    assert len(server.client.added) == 1
    assert "Nothing is waiting" in words(browser.get("/activity/pending"))


def test_why_explains_a_search_and_names_the_rules(browser: Browser, server: Server) -> None:
    item = server.ids["Nosferatu"]
    assert f"/items/{item}/why" in browser.get(f"/movies/{item}", follow_redirects=True).text
    said = words(browser.get(f"/items/{item}/why"))
    assert "Next best" in said
    assert "Better " in said
    assert "QualityNotWanted" in said
    assert "HD-1080p does not allow Remux-2160p." in said
    never = words(browser.get(f"/items/{server.ids['Häxan']}/why"))
    assert "Not searched yet" in never or "found" in never
