"""The live updates of open pages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from mydia import clock, events
from mydia.contexts import media, metadata, users
from mydia.contexts.users import SYSTEM, User
from mydia.web import live_topics
from mydia.web.live import LiveContext
from tests.web.pages.conftest import Browser, Server


def test_a_new_poster_appears_in_open_lists_and_on_the_page_of_its_title(server: Server) -> None:
    item_id, database = server.ids["Nosferatu"], server.deps.database
    with database.writes() as session:
        image_id = metadata.want_image(session, clock.now(), "poster", "/late.jpg")
        image = session.get_one(metadata.Image, image_id)
        image.state, image.content_hash, image.color = "present", "0123456789ab", "#102030"
        session.get_one(media.MediaItem, item_id).poster_id = image_id
        other = metadata.want_image(session, clock.now(), "still", "/of-nobody.jpg")
        events.emit(session, SYSTEM, events.ArtworkFetched([str(image_id), str(other)]))
    with database.reads() as session:
        (happened,) = events.feed(session, types=["ArtworkFetched"])
    renderer = server.app.state.renderer
    context = LiveContext(server.deps, renderer.render, renderer.environment.globals["ui"])
    (poster,) = live_topics.on_library(context, happened)
    assert poster.topic == "library:movies"
    assert f'hx-target="#card-{item_id}-poster"' in poster.html
    assert f"/img/{image_id}/342.webp" in poster.html
    (title,) = live_topics.on_media(context, happened)
    assert (title.topic, title.event) == (f"media:{item_id}", "media-changed")
    assert [push.event for push in live_topics.on_home(context, happened)] == ["home-changed"]


def test_a_list_reserves_the_places_of_its_posters(browser: Browser, server: Server) -> None:
    assert f'id="card-{server.ids["Nosferatu"]}-poster"' in browser.get("/movies").text


def _accounts(session: Session) -> list[User]:
    return [one.user for one in users.people.list_people(session, SYSTEM, clock.now())]


def _sign_out(server: Server) -> None:
    with server.deps.database.writes() as session:
        users.sign_in.close_session(session, server.token)


def _demote(server: Server) -> None:
    with server.deps.database.writes() as session:
        (robin,) = (row for row in _accounts(session) if row.username == "robin")
        users.add_user(session, SYSTEM, clock.now(), users.NewUser(username="second", role=users.Role.ADMIN))
        users.change_user(session, SYSTEM, robin.id, now=clock.now(), role=users.Role.GUEST)


def _disable(server: Server) -> None:
    with server.deps.database.writes() as session:
        (robin,) = (row for row in _accounts(session) if row.username == "robin")
        users.add_user(session, SYSTEM, clock.now(), users.NewUser(username="second", role=users.Role.ADMIN))
        users.change_user(session, SYSTEM, robin.id, now=clock.now(), disabled=True)


def _sign_out_everywhere(server: Server) -> None:
    with server.deps.database.writes() as session:
        (robin,) = (row for row in _accounts(session) if row.username == "robin")
        assert users.sessions.end_sessions(session, SYSTEM, clock.now(), user_id=robin.id) == 1


def _revoke(server: Server) -> None:
    with server.deps.database.writes() as session:
        (robin,) = (row for row in _accounts(session) if row.username == "robin")
        (row,) = users.sessions.list_sessions(session, SYSTEM, clock.now(), robin.id)
        users.sessions.revoke_session(session, SYSTEM, clock.now(), row.id, user_id=robin.id)


@pytest.mark.parametrize("end", [_sign_out, _sign_out_everywhere, _revoke, _demote, _disable])
def test_a_stream_ends_when_its_user_is_signed_out(
    server: Server, browser: Browser, end: Callable[[Server], None]
) -> None:
    listening = threading.Thread(target=lambda: browser.get("/events?topics=shell"), daemon=True)
    listening.start()
    hub, deadline_s = server.app.state.live, time.monotonic() + 30
    while not hub._connections and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert listening.is_alive()
    end(server)
    listening.join(timeout=30)
    assert not listening.is_alive()


def test_a_stream_of_a_signed_out_browser_is_refused_with_a_status_that_its_page_understands(
    server: Server, browser: Browser
) -> None:
    browser.cookies.delete("session")
    headers = {"accept": "text/html, text/event-stream", "hx-request": "true"}
    assert browser.get("/events?topics=shell", headers=headers).status_code == 401
