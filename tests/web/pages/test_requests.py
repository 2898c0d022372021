"""Pages of requests and problems, with and without script, for people who ask and people who decide."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from mydia import clock
from mydia.contexts import requests
from mydia.contexts.requests.problems import NewProblem, ProblemKind
from mydia.contexts.users import SYSTEM, Caller, Role
from mydia.vocabulary import MediaType
from tests import builders
from tests.web.pages import scene as scenes
from tests.web.pages.conftest import Browser, Server, browse, csrf, words

FILM = builders.film_details("The Phantom Carriage", 1921, tmdb_id=58129)
SHOW = builders.show_details("Frozen Continents", 2014, tmdb_id=7001, seasons={0: 1, 1: 6, 2: 4})


@pytest.fixture
def kim(server: Server) -> Any:
    """A guest, with her browser."""
    server.provider.known += [FILM, SHOW]
    caller, token = scenes.sign_in(server.deps.database, "Kim Guest", Role.GUEST)
    for browser in browse(server, token):
        yield caller, browser


def send(browser: Browser, path: str, **form: str | list[str]) -> Any:
    """Send a form as a browser without script does."""
    return browser.post(path, data={"_csrf": csrf(browser), "_key": path, **form})


def ask(server: Server, caller: Caller, details: Any, **wish: Any) -> str:
    with server.deps.database.writes() as session:
        wanted = requests.catalogue.title_of(details)
        return requests.ask(session, caller, clock.now(), wanted, requests.Wish(**wish)).request_id


def test_a_guest_searches_and_asks_without_script(server: Server, kim: tuple[Caller, Browser]) -> None:
    _, phone = kim
    found = phone.get("/requests/new?q=Frozen&type=tv_show")
    assert "Frozen Continents" in words(found)
    dialog = phone.get("/requests/new/tv_show/tmdb:7001")
    assert "Season 2 4 episodes" in words(dialog)
    done = send(phone, "/requests/new", type="tv_show", number="tmdb:7001", seasons=["1", "2"])
    assert done.status_code == 303
    page = phone.get(done.headers["location"])
    assert "Requested by you" in words(page)
    assert "Pending" in words(page)
    assert "Seasons 1–2 Pending" in words(phone.get("/"))
    assert re.search(r"Frozen Continents 2014 Seasons 1–2 (\w+ )?You", said := words(phone.get("/requests"))), said


def test_asking_for_nothing_shows_the_form_again(kim: tuple[Caller, Browser]) -> None:
    answer = send(kim[1], "/requests/new", type="tv_show", number="tmdb:7001")
    assert answer.status_code == 422
    assert "Choose at least one season." in words(answer)


def test_what_is_left_of_the_quota_is_shown_before_asking(
    server: Server, browser: Browser, kim: tuple[Caller, Browser]
) -> None:
    caller, phone = kim
    assert send(browser, "/settings/requests", **{"requests.movie_limit": "1"}).status_code == 303
    assert "Movies 1 of 1 left" in words(phone.get("/requests/new"))
    ask(server, caller, FILM)
    assert "Movies 0 of 1 left" in words(phone.get("/requests"))
    other = builders.film_details("Faust", 1926, tmdb_id=10728)
    server.provider.known.append(other)
    refused = send(phone, "/requests/new", type="movie", number="tmdb:10728")
    assert refused.status_code == 422
    assert "there is none left for the last 7 days" in words(refused)


def test_a_manager_sees_what_waits_and_approves_with_choices(
    server: Server, browser: Browser, kim: tuple[Caller, Browser]
) -> None:
    request_id = ask(server, kim[0], SHOW, seasons=frozenset({1, 2}))
    assert "1 request to decide" in words(browser.get("/"))
    listed = browser.get("/requests?state=pending")
    assert "Frozen Continents" in words(listed)
    assert "Kim Guest" in words(listed)
    form = browser.get(f"/requests/{request_id}/approve")
    assert "Quality profile" in words(form)
    none = send(browser, f"/requests/{request_id}/approve", chosen="true", with_seasons="true")
    assert none.status_code == 422
    done = send(
        browser,
        f"/requests/{request_id}/approve",
        chosen="true",
        with_seasons="true",
        seasons="2",
        tags="family, kim",
        search_now="true",
    )
    assert done.status_code == 303
    with server.deps.database.reads() as session:
        line = requests.get_request(session, kim[0], request_id)
    assert line.row.choices["tags"] == ["family", "kim"]
    assert {one.number: str(one.state) for one in line.seasons} == {1: "declined", 2: "approved"}


def test_a_guest_reads_why_a_request_was_declined(
    server: Server, browser: Browser, kim: tuple[Caller, Browser]
) -> None:
    request_id = ask(server, kim[0], FILM)
    assert send(browser, f"/requests/{request_id}/decline", reason="We have it on disc").status_code == 303
    page = words(kim[1].get(f"/requests/{request_id}"))
    assert "Robin Baker declined it: “We have it on disc”" in page
    assert "Withdraw" not in page


def test_many_requests_are_decided_at_once(
    server: Server, browser: Browser, kim: tuple[Caller, Browser], press: Callable[..., Any]
) -> None:
    ids = [ask(server, kim[0], FILM), ask(server, kim[0], SHOW, seasons=frozenset({1}))]
    assert 'aria-label="Reason for declining"' in browser.get("/requests").text
    answer = press(browser, "/requests/bulk/decline", ids=",".join(ids), reason="Not this month")
    assert "2 requests declined" in answer.headers["hx-trigger"]
    answer = press(browser, "/requests/bulk/decline", ids=",".join(ids), reason="Not this month")
    assert "No request declined" in answer.headers["hx-trigger"]
    assert "2 requests did not wait for a decision." in answer.headers["hx-trigger"]
    assert "Declined 2" in words(browser.get("/requests"))
    for request_id in ids:
        assert "Not this month" in words(kim[1].get(f"/requests/{request_id}"))


def test_a_person_withdraws_a_request(server: Server, kim: tuple[Caller, Browser]) -> None:
    request_id = ask(server, kim[0], FILM)
    assert send(kim[1], f"/requests/{request_id}/withdraw").status_code == 303
    assert kim[1].get(f"/requests/{request_id}").status_code == 404


def test_the_list_filters_by_person_type_and_title(
    server: Server, browser: Browser, kim: tuple[Caller, Browser]
) -> None:
    noa, _ = scenes.sign_in(server.deps.database, "Noa Guest", Role.GUEST)
    ask(server, kim[0], FILM)
    ask(server, noa, SHOW, seasons=frozenset({1}))
    for address, shown, hidden in (
        (f"/requests?person={noa.id}", SHOW.title, FILM.title),
        ("/requests?type=movie", FILM.title, SHOW.title),
        ("/requests?q=frozen", SHOW.title, FILM.title),
    ):
        page = words(browser.get(address))
        assert shown in page, address
        assert hidden not in page, address
    assert "You have not requested anything" in words(browser.get("/requests?view=mine"))
    assert "No request matches these filters." in words(browser.get("/requests?state=failed"))


def test_a_title_page_offers_to_request_and_to_report(server: Server, kim: tuple[Caller, Browser]) -> None:
    _, phone = kim
    show = f"/shows/{server.ids['The Cartographers']}"
    assert "Request seasons" in words(phone.get(show))
    answer = send(
        phone,
        "/problems/new",
        item_id=server.ids["The Cartographers"],
        kind="audio",
        season="1",
        episode="1",
        text="It is in French",
    )
    assert answer.status_code == 303
    assert "Audio in S01E01 It is in French" in words(phone.get(show))
    assert "It is in French" in words(phone.get("/problems"))
    wrong = send(
        phone, "/problems/new", item_id=server.ids["The Cartographers"], kind="audio", season="1", episode="99"
    )
    assert wrong.status_code == 422


def test_a_manager_answers_a_problem_with_a_replacement(
    server: Server, browser: Browser, kim: tuple[Caller, Browser]
) -> None:
    with server.deps.database.writes() as session:
        new = NewProblem(
            item_id=server.ids["The Cartographers"], kind=ProblemKind.AUDIO, season_number=1, episode_number=1
        )
        problem_id = requests.problems.report(session, kim[0], clock.now(), new).id
    page = f"/problems/{problem_id}"
    assert "Search for a replacement" not in words(kim[1].get(page))
    assert send(browser, f"{page}/replace").status_code == 303
    assert "Being replaced" in words(kim[1].get(page))
    assert send(kim[1], f"{page}/comment", text="Thank you").status_code == 303
    assert "Thank you" in words(browser.get(page))
    assert send(browser, f"{page}/resolve").status_code == 303
    assert "No open problems" in words(browser.get("/problems"))
    assert send(browser, f"{page}/reopen").status_code == 303


def test_rules_and_people_are_set_up(server: Server, browser: Browser, kim: tuple[Caller, Browser]) -> None:
    path = "/settings/requests/rules/new"
    nothing = send(browser, path, name="Anime", enabled="true")
    assert nothing.status_code == 422
    assert "Choose what the rule does" in words(nothing)
    made = send(
        browser,
        path,
        name="Anime",
        enabled="true",
        languages="JA",
        genres="Animation, Family",
        approves="yes",
        user_ids=[str(kim[0].id)],
    )
    assert made.status_code == 303
    listed = words(browser.get("/settings/requests"))
    assert "Anime by Kim Guest; genre Animation, Family; language Japanese → approved automatically" in listed
    person = f"/settings/requests/people/{kim[0].id}"
    assert "0 movies requested in 7 days" in words(browser.get(person))
    missing = send(browser, person, movie_quota="limited")
    assert missing.status_code == 422
    assert "Enter a number from 0 to 10000." in words(missing)
    assert send(browser, person, movie_quota="limited", movie_most="2", movie_days="30").status_code == 303
    assert "Movies 2 of 2 left" in words(kim[1].get("/requests"))


def test_nobody_listens_to_another_persons_requests(kim: tuple[Caller, Browser], server: Server) -> None:
    other, _ = scenes.sign_in(server.deps.database, "Noa Guest", Role.GUEST)
    assert kim[1].get(f"/events?topics=requests:{other.id}").status_code == 403
    assert kim[1].get("/events?topics=requests").status_code == 403


def test_the_dialog_has_no_button_when_the_quota_is_used_up(server: Server, kim: tuple[Caller, Browser]) -> None:
    caller, phone = kim
    with server.deps.database.writes() as session:
        limit = requests.Allowance(type=MediaType.MOVIE, quota=requests.QuotaKind.LIMITED, most=0)
        requests.quotas.change_allowance(session, SYSTEM, clock.now(), str(caller.id), limit)
    dialog = phone.get("/requests/new/movie/tmdb:58129")
    assert "Movies: 0 of 0 left" in words(dialog)
    assert 'form="ask-form"' not in dialog.text
    assert 'form="ask-form"' in phone.get("/requests/new/tv_show/tmdb:7001").text


def test_a_title_is_blocked_and_unblocked_from_the_search(
    server: Server, browser: Browser, kim: tuple[Caller, Browser]
) -> None:
    _, phone = kim
    assert "Block requests for this title" in words(browser.get("/requests/new/movie/tmdb:58129"))
    assert "Block requests" not in words(phone.get("/requests/new/movie/tmdb:58129"))
    assert phone.get("/requests/new/movie/tmdb:58129/block").status_code == 403
    assert "Block requests for The Phantom Carriage?" in words(browser.get("/requests/new/movie/tmdb:58129/block"))
    assert send(browser, "/requests/new/movie/tmdb:58129/block", reason="Too scary").status_code == 303

    assert "Cannot be requested Too scary" in words(phone.get("/requests/new?q=Phantom"))
    assert "Cannot be requested Too scary" in words(phone.get("/requests/new/movie/tmdb:58129"))
    refused = send(phone, "/requests/new", type="movie", number="tmdb:58129")
    assert refused.status_code == 422
    assert "The Phantom Carriage cannot be requested: Too scary" in words(refused)
    assert "Blocked titles" not in words(phone.get("/requests"))
    assert "Unblock" not in words(phone.get("/requests/new?q=Phantom"))
    again = send(browser, "/requests/new/movie/tmdb:58129/block")
    assert again.status_code == 409
    assert "blocked already" in words(again)

    listed = browser.get("/requests/blocked")
    assert "The Phantom Carriage 1921 Too scary Movie · blocked by" in words(listed)
    found = re.search(r"/requests/blocked/[^/]+/unblock", listed.text)
    assert found
    assert send(browser, found[0]).status_code == 303
    assert "No blocked titles" in words(browser.get("/requests/blocked"))
    assert "Cannot be requested" not in words(phone.get("/requests/new?q=Phantom"))


def test_a_declined_request_can_block_its_title(server: Server, browser: Browser, kim: tuple[Caller, Browser]) -> None:
    request_id = ask(server, kim[0], FILM)
    assert "Block the title" in words(browser.get(f"/requests/{request_id}/decline"))
    send(browser, f"/requests/{request_id}/decline", reason="Too scary", block="true")
    assert "The Phantom Carriage" in words(browser.get("/requests/blocked"))
    assert "Blocked titles" in words(browser.get("/problems"))
