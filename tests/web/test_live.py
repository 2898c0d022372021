"""The live hub alone; `tests/browser/test_shell.py` tests the stream in a real browser."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Iterable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from litestar import Response, get
from litestar.testing import TestClient

from mydia import events
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.web.app import WebApp
from mydia.web.assets import Assets
from mydia.web.deps import CallerDep, WebDeps, WebRequest
from mydia.web.live import Listener, Live, LiveContext, LiveTopic, Push, _message, changed, partial
from mydia.web.looks import DateStyle, Hours, Looks
from mydia.web.render import Renderer, page
from tests.web.example.app import GUEST, ROBIN, GalleryView, cards, make_app

_DEADLINE_S = 10.0


def _on_event(_context: LiveContext, happened: events.Happened) -> Iterable[Push]:
    yield changed("queue", "queue-changed", happened.type)


class _Numbers:
    def __init__(self) -> None:
        self.value = 1
        self.asked: list[tuple[str, str]] = []

    def poll(self, _context: LiveContext, topic: str, caller: Caller) -> Mapping[str, str]:
        self.asked.append((topic, caller.name))
        return {f"#n-{topic.rpartition(':')[2]}": f"<b>{self.value}</b>"}


async def _next(live: Live, connection: Listener) -> list[Push]:
    async with asyncio.timeout(_DEADLINE_S):
        while True:
            await connection.wake.wait()
            connection.wake.clear()
            _, taken = live.take(connection)
            if taken:
                return taken


def _happen(deps: WebDeps, times: int = 1) -> None:
    with deps.database.writes() as session:
        for _ in range(times):
            events.emit(
                session,
                SYSTEM,
                events.DownloadChanged(
                    download_id="d1", media_item_id=None, old="queued", new="downloading", reason=None
                ),
            )


def _names(pushes: Iterable[Push]) -> list[str]:
    return [push.event for push in pushes]


def _run(story: Coroutine[None, None, None]) -> None:
    asyncio.run(story)


def _made(deps: WebDeps, numbers: _Numbers | None = None) -> Live:
    topics = [LiveTopic("queue", Permission.VIEW_ACTIVITY, on_event=_on_event)]
    if numbers:
        topics.append(LiveTopic("media:", Permission.BROWSE, poll=numbers.poll))
    live = Live(topics)
    live.attach(LiveContext(deps, lambda *_: "", None))
    return live


def test_an_event_reaches_the_listeners_of_its_topic(deps: WebDeps) -> None:
    async def story() -> None:
        live = _made(deps, _Numbers())
        listening = live.join(ROBIN, frozenset({"queue"}), live.position())
        other = live.join(ROBIN, frozenset({"media:1"}), live.position())
        # A poll shows that both are listening.
        await _next(live, other)
        await asyncio.to_thread(_happen, deps)
        assert _names(await _next(live, listening)) == ["queue-changed"]
        await asyncio.to_thread(live.close)

    _run(story())


def test_events_between_a_page_and_its_stream_are_sent_by_a_hub_that_starts_later(deps: WebDeps) -> None:
    async def story() -> None:
        live = _made(deps)
        rendered = live.position()
        await asyncio.to_thread(_happen, deps)
        connection = live.join(ROBIN, frozenset({"queue"}), rendered)
        assert _names(await _next(live, connection)) == ["queue-changed"]
        await asyncio.to_thread(live.close)

    _run(story())


def test_events_between_a_page_and_its_stream_are_sent_although_the_topic_had_no_listeners(deps: WebDeps) -> None:
    async def story() -> None:
        numbers = _Numbers()
        live = _made(deps, numbers)
        other = live.join(ROBIN, frozenset({"media:1"}), live.position())
        await _next(live, other)
        rendered = live.position()
        await asyncio.to_thread(_happen, deps)
        numbers.value = 2
        # The hub is past the event when its next poll returns something new.
        await _next(live, other)
        connection = live.join(ROBIN, frozenset({"queue"}), rendered)
        assert _names(await _next(live, connection)) == ["queue-changed"]
        await asyncio.to_thread(live.close)

    _run(story())


def test_events_while_a_page_is_read_are_sent_to_its_stream(deps: WebDeps) -> None:
    @get("/slow", sync_to_thread=True)
    def slow(request: WebRequest, caller: CallerDep) -> Response[str]:
        _happen(deps)
        return page(request, "gallery/page.html", GalleryView(cards(0, 1), 1, 1, 1.0), topics=["queue"])

    with TestClient(make_app(deps, slow), base_url="http://mydia.test") as client:
        client.cookies.set("who", "robin")
        client.headers["accept"] = "text/html"
        rendered = [re.findall(r"since=(\d+)", client.get("/slow").text) for _ in range(2)]
        assert rendered == [["0"], ["1"]]


def test_an_interrupted_stream_resumes_in_another_process(deps: WebDeps) -> None:
    async def story() -> None:
        first = _made(deps)
        connection = first.join(ROBIN, frozenset({"queue"}), first.position())
        await asyncio.to_thread(_happen, deps)
        await _next(first, connection)
        await asyncio.to_thread(first.close)
        told, _ = first.take(connection)
        assert told == 1
        await asyncio.to_thread(_happen, deps)
        second = _made(deps)
        back = second.join(ROBIN, frozenset({"queue"}), str(told))
        assert _names(await _next(second, back)) == ["queue-changed"]
        await asyncio.to_thread(second.close)

    _run(story())


def test_polls_push_differences_and_new_listeners_get_everything(deps: WebDeps) -> None:
    async def story() -> None:
        numbers = _Numbers()
        live = _made(deps, numbers)
        first = live.join(ROBIN, frozenset({"media:7"}), "")
        assert [push.key for push in await _next(live, first)] == ["outerMorph #n-7"]
        newcomer = live.join(ROBIN, frozenset({"media:7"}), "")
        assert ["<b>1</b>" in push.html for push in await _next(live, newcomer)] == [True]
        numbers.value = 2
        assert ["<b>2</b>" in push.html for push in await _next(live, first)] == [True]
        await asyncio.to_thread(live.close)

    _run(story())


def test_callers_with_different_permissions_are_polled_separately(deps: WebDeps) -> None:
    async def story() -> None:
        numbers = _Numbers()
        live = _made(deps, numbers)
        robin = live.join(ROBIN, frozenset({"media:7"}), "")
        guest = live.join(GUEST, frozenset({"media:7"}), "")
        await _next(live, robin)
        await _next(live, guest)
        assert {("media:7", "Robin Baker"), ("media:7", "Guest")} <= set(numbers.asked)
        await asyncio.to_thread(live.close)

    _run(story())


@pytest.mark.parametrize("last", ["another-5", "nonsense", "99"])
def test_a_listener_with_an_id_from_another_log_fetches_everything(deps: WebDeps, last: str) -> None:
    async def story() -> None:
        live = _made(deps)
        connection = live.join(ROBIN, frozenset({"queue"}), last)
        assert _names(await _next(live, connection)) == ["resync"]
        await asyncio.to_thread(live.close)

    _run(story())


def test_a_listener_that_missed_too_much_fetches_everything(deps: WebDeps) -> None:
    async def story() -> None:
        live = _made(deps)
        rendered = live.position()
        await asyncio.to_thread(_happen, deps, 1001)
        connection = live.join(ROBIN, frozenset({"queue"}), rendered)
        assert _names(await _next(live, connection)) == ["resync"]
        await asyncio.to_thread(live.close)

    _run(story())


def test_a_flood_of_events_is_not_sent_one_by_one_and_later_events_still_arrive(deps: WebDeps) -> None:
    async def story() -> None:
        live = _made(deps, _Numbers())
        connection = live.join(ROBIN, frozenset({"queue", "media:1"}), live.position())
        await _next(live, connection)
        await asyncio.to_thread(_happen, deps, 2500)
        assert _names(await _next(live, connection)) == ["resync"]
        await asyncio.to_thread(_happen, deps)
        assert _names(await _next(live, connection)) == ["queue-changed"]
        await asyncio.to_thread(live.close)

    _run(story())


def test_each_listener_sees_times_in_their_own_time_zone(deps: WebDeps) -> None:
    (deps.config.data_dir / "_at.html").write_text("<b>{{ at|moment }}</b>")
    renderer = Renderer(Assets(), zone="Europe/Vienna", folders=[deps.config.data_dir])
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def poll(context: LiveContext, _topic: str, _caller: Caller) -> Mapping[str, str]:
        return {"#polled": context.render("_at.html", at=noon)}

    def told(context: LiveContext, _happened: events.Happened) -> Iterable[Push]:
        yield partial("queue", "#told", context.render("_at.html", at=noon))

    async def story() -> None:
        live = Live([LiveTopic("queue", Permission.BROWSE, on_event=told, poll=poll)])
        live.attach(LiveContext(deps, renderer.render, None))
        seen = {
            "21 Nov 2026, 13:00": None,
            "22 Nov 2026, 01:00": Looks(zone=ZoneInfo("Pacific/Auckland")),
            "2026-11-21, 1:00 PM": Looks(zone=ZoneInfo("Europe/Vienna"), dates=DateStyle.ISO, hours=Hours.H12),
        }
        listening = {
            text: live.join(ROBIN, frozenset({"queue"}), live.position(), looks=looks) for text, looks in seen.items()
        }
        for text, one in listening.items():
            (push,) = await _next(live, one)
            assert (push.key, text in push.html) == ("outerMorph #polled", True)
        await asyncio.to_thread(_happen, deps)
        for text, one in listening.items():
            (push,) = await _next(live, one)
            assert (push.key, text in push.html) == ("outerMorph #told", True)
        await asyncio.to_thread(live.close)

    _run(story())


def test_messages_have_the_wire_format_and_the_last_one_has_the_id() -> None:
    said = _message(4, [partial("queue", "#a", "<i>\n</i>"), changed("queue", "queue-changed")])
    assert said == (
        'data: <hx-partial hx-target="#a" hx-swap="outerMorph"><i>\n'
        "data: </i></hx-partial>\n\n"
        "id: 4\nevent: queue-changed\ndata: \n\n"
    )


def test_a_carriage_return_in_a_message_does_not_begin_a_new_field() -> None:
    said = _message(None, [partial("queue", "#a", "<i>a\revent: shutdown\r\ndata: b</i>")])
    assert said == (
        'data: <hx-partial hx-target="#a" hx-swap="outerMorph"><i>a\n'
        "data: event: shutdown\n"
        "data: data: b</i></hx-partial>\n\n"
    )


def test_a_failing_renderer_does_not_stop_the_others(deps: WebDeps) -> None:
    def broken(_context: LiveContext, _happened: events.Happened) -> Iterable[Push]:
        raise ZeroDivisionError

    async def story() -> None:
        live = Live(
            [
                LiveTopic("logs", Permission.BROWSE, on_event=broken),
                LiveTopic("queue", Permission.VIEW_ACTIVITY, on_event=_on_event),
                LiveTopic("media:", Permission.BROWSE, poll=_Numbers().poll),
            ]
        )
        live.attach(LiveContext(deps, lambda *_: "", None))
        connection = live.join(ROBIN, frozenset({"logs", "queue", "media:1"}), "")
        await _next(live, connection)
        await asyncio.to_thread(_happen, deps)
        assert _names(await _next(live, connection)) == ["queue-changed"]
        await asyncio.to_thread(live.close)

    _run(story())


def test_topics_need_their_permission(stranger: TestClient[WebApp]) -> None:
    stranger.headers["accept"] = "application/json"
    assert stranger.get("/events?topics=shell").status_code == 401
    stranger.cookies.set("who", "guest")
    assert stranger.get("/events?topics=queue").status_code == 403
    assert stranger.get("/events?topics=nonsense").status_code == 422
