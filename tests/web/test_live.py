"""The hub by itself; the stream in a real browser is in `tests/browser/test_shell.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping

import pytest
from litestar.testing import TestClient

from mydia import events
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.web.app import WebApp
from mydia.web.deps import WebDeps
from mydia.web.live import Live, LiveContext, LiveTopic, Push, _Connection, _message, changed, partial
from tests.web.example.app import GUEST, ROBIN

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


async def _next(live: Live, connection: _Connection) -> list[Push]:
    async with asyncio.timeout(_DEADLINE_S):
        while True:
            await connection.wake.wait()
            connection.wake.clear()
            if taken := live.take(connection):
                return [push for _, push in taken]


def _happen(deps: WebDeps) -> None:
    with deps.database.writes() as session:
        events.emit(session, SYSTEM, events.DownloadChanged("d1", None, "queued", "downloading", None))


def _run(story: Coroutine[None, None, None]) -> None:
    asyncio.run(story)


def _made(deps: WebDeps, numbers: _Numbers | None = None) -> Live:
    topics = [LiveTopic("queue", Permission.VIEW_ACTIVITY, on_event=_on_event)]
    if numbers:
        topics.append(LiveTopic("media:", Permission.BROWSE, poll=numbers.poll))
    live = Live(topics)
    live.attach(LiveContext(deps, lambda *_: "", None))
    return live


def test_an_event_reaches_those_who_listen_to_its_topic(deps: WebDeps) -> None:
    async def story() -> None:
        live = _made(deps, _Numbers())
        listening, resync = live.join(ROBIN, frozenset({"queue"}), live.position())
        other, _ = live.join(ROBIN, frozenset({"media:1"}), live.position())
        assert not resync
        # The hub reads the newest number first; a poll tells that it has gone round once.
        await _next(live, other)
        await asyncio.to_thread(_happen, deps)
        assert [push.event for push in await _next(live, listening)] == ["queue-changed"]
        await asyncio.to_thread(live.close)

    _run(story())


def test_only_what_differs_is_pushed_and_newcomers_get_all(deps: WebDeps) -> None:
    async def story() -> None:
        numbers = _Numbers()
        live = _made(deps, numbers)
        first, _ = live.join(ROBIN, frozenset({"media:7"}), "")
        assert [push.key for push in await _next(live, first)] == ["outerMorph #n-7"]
        newcomer, _ = live.join(ROBIN, frozenset({"media:7"}), "")
        assert ["<b>1</b>" in push.html for push in await _next(live, newcomer)] == [True]
        numbers.value = 2
        assert ["<b>2</b>" in push.html for push in await _next(live, first)] == [True]
        await asyncio.to_thread(live.close)

    _run(story())


def test_callers_with_other_permissions_are_polled_apart(deps: WebDeps) -> None:
    async def story() -> None:
        numbers = _Numbers()
        live = _made(deps, numbers)
        robin, _ = live.join(ROBIN, frozenset({"media:7"}), "")
        guest, _ = live.join(GUEST, frozenset({"media:7"}), "")
        await _next(live, robin)
        await _next(live, guest)
        assert {("media:7", "Robin Baker"), ("media:7", "Guest")} <= set(numbers.asked)
        await asyncio.to_thread(live.close)

    _run(story())


def test_who_comes_back_gets_what_was_missed(deps: WebDeps) -> None:
    async def story() -> None:
        live = _made(deps)
        seen = live.position()
        live.publish(
            [
                changed("queue", "queue-changed"),
                partial("queue", "#a", "<i id=a>1</i>"),
                partial("queue", "#a", "<i id=a>2</i>"),
            ]
        )
        connection, resync = live.join(ROBIN, frozenset({"queue"}), seen)
        assert not resync
        said = _message(live, live.take(connection))
        assert said.count("event: queue-changed") == 1
        assert "<i id=a>2</i>" in said
        assert "<i id=a>1</i>" not in said
        await asyncio.to_thread(live.close)

    _run(story())


@pytest.mark.parametrize("last", ["another-5", "nonsense", "{boot}-99"])
def test_who_saw_what_this_process_does_not_know_fetches_all(deps: WebDeps, last: str) -> None:
    async def story() -> None:
        live = _made(deps)
        boot = live.position().rpartition("-")[0]
        _, resync = live.join(ROBIN, frozenset({"queue"}), last.format(boot=boot))
        assert resync
        await asyncio.to_thread(live.close)

    _run(story())


def test_who_was_away_longer_than_the_backlog_fetches_all(deps: WebDeps) -> None:
    async def story() -> None:
        live = _made(deps)
        seen = live.position()
        live.publish(changed("queue", f"e{number}") for number in range(1001))
        _, resync = live.join(ROBIN, frozenset({"queue"}), seen)
        assert resync
        await asyncio.to_thread(live.close)

    _run(story())


def test_messages_have_the_wire_form(deps: WebDeps) -> None:
    live = _made(deps)
    said = _message(live, [(3, partial("queue", "#a", "<i>\n</i>")), (4, changed("queue", "queue-changed"))])
    assert said == (
        f"id: {live.message_id(4)}\n"
        'data: <hx-partial hx-target="#a" hx-swap="outerMorph"><i>\n'
        "data: </i></hx-partial>\n\n"
        f"id: {live.message_id(4)}\nevent: queue-changed\ndata: \n\n"
    )


def test_a_renderer_that_breaks_does_not_silence_the_others(deps: WebDeps) -> None:
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
        connection, _ = live.join(ROBIN, frozenset({"logs", "queue", "media:1"}), "")
        await _next(live, connection)
        await asyncio.to_thread(_happen, deps)
        assert [push.event for push in await _next(live, connection)] == ["queue-changed"]
        await asyncio.to_thread(live.close)

    _run(story())


def test_topics_are_for_those_who_may_see_them(stranger: TestClient[WebApp]) -> None:
    stranger.headers["accept"] = "application/json"
    assert stranger.get("/events?topics=shell").status_code == 401
    stranger.cookies.set("who", "guest")
    assert stranger.get("/events?topics=queue").status_code == 403
    assert stranger.get("/events?topics=nonsense").status_code == 422
