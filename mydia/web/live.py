"""Live updates over one stream per tab: what is small is pushed as a partial, lists are told to fetch themselves anew.

One thread serves all tabs. It looks at the events table whenever something was committed, asks the polls of those topics that
somebody listens to once a second, and hands finished messages to the connections. No connection holds a session.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from litestar import get
from litestar.params import FromQuery
from litestar.response import Stream

from mydia import clock, events
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid
from mydia.web.deps import WebDeps, WebRequest, require_caller

logger = logging.getLogger(__name__)

_TICK_S = 0.2  # at most five messages a second to a connection (ui.md B.2)
_POLL_S = 1.0
_HEARTBEAT_S = 20.0
_BACKLOG = 1000
_BACKLOG_AGE_S = 300.0
# A stream is closed after this time, so that a session that ended meanwhile is noticed when the browser comes back.
_STREAM_AGE_S = 600.0


@dataclass(frozen=True, slots=True)
class Push:
    """One thing to tell the listeners of a topic; made by `changed` or `partial`."""

    topic: str
    key: str
    """Of pushes with the same key that wait together, the last one counts."""
    html: str = ""
    event: str = ""
    data: str = ""


def changed(topic: str, event: str, data: str = "") -> Push:
    """Tell that a list is not what it was: a DOM event on which it fetches itself, e.g. `queue-changed`."""
    return Push(topic, f"event {event}", event=event, data=data)


def partial(topic: str, target: str, html: str, swap: str = "outerMorph") -> Push:
    """Replace one small element.

    Args:
        target: Selector, e.g. `#q-17-progress`.
        html: The element, rendered by the page's own macro.
    """
    return Push(
        topic, f"{swap} {target}", html=f'<hx-partial hx-target="{target}" hx-swap="{swap}">{html}</hx-partial>'
    )


@dataclass(frozen=True, slots=True)
class LiveContext:
    """What renderers are given."""

    deps: WebDeps
    render: Callable[..., str]
    """`render(template, **names)`: a template's text; macros are reached by small templates."""
    ui: Any
    """All component macros."""


@dataclass(frozen=True, slots=True)
class LiveTopic:
    """What can be listened to."""

    name: str
    """`queue`, or a family that ends in a colon, `media:`, whose topics carry an id: `media:0197…`."""
    permission: Permission
    on_event: Callable[[LiveContext, events.Happened], Iterable[Push]] | None = None
    """Called for every event while somebody listens to the topic or family."""
    poll: Callable[[LiveContext, str, Caller], Mapping[str, str]] | None = None
    """Called once a second for each topic that is listened to, once for all callers with the same permissions; returns
    selector -> HTML of the element. Only what differs from the last time is pushed."""


@dataclass(slots=True, eq=False)
class _Connection:
    """One tab."""

    caller: Caller
    topics: frozenset[str]
    loop: asyncio.AbstractEventLoop
    wake: asyncio.Event
    waiting: dict[str, tuple[int, Push]] = field(default_factory=dict)
    closed: bool = False


type _Group = tuple[str, frozenset[Permission]]


class Live:
    """The hub of one web process.

    Args:
        topics: All that can be listened to, by name or family.
    """

    def __init__(self, topics: Iterable[LiveTopic]) -> None:
        self._topics = {topic.name: topic for topic in topics}
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        self._boot = secrets.token_hex(4)
        self._seq = 0
        self._backlog: deque[tuple[int, float, Push]] = deque(maxlen=_BACKLOG)
        self._polled: dict[_Group, dict[str, str]] = {}
        self._heard_s: dict[str, float] = {}
        """Topic -> when somebody last listened: those who were cut off are told what they missed."""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._context: LiveContext | None = None
        self._alone_since_s = clock.monotonic_s()

    def attach(self, context: LiveContext) -> None:
        """Give the hub what renderers need; called by `create_app`."""
        self._context = context

    def position(self) -> str:
        """Return where the stream stands: what is pushed after a page was rendered reaches it when it connects."""
        with self._lock:
            return f"{self._boot}-{self._seq}"

    def topic(self, name: str) -> LiveTopic | None:
        """Return the topic or the family that a name belongs to."""
        family = name.partition(":")[0] + ":"
        return self._topics.get(name) or (self._topics.get(family) if ":" in name else None)

    def publish(self, pushes: Iterable[Push]) -> None:
        """Hand messages to whoever listens, and keep them for those who come back."""
        now_s = clock.monotonic_s()
        with self._lock:
            for push in pushes:
                self._seq += 1
                self._backlog.append((self._seq, now_s, push))
                for connection in self._connections:
                    if push.topic in connection.topics:
                        connection.waiting[push.key] = (self._seq, push)
            waiting = [connection for connection in self._connections if connection.waiting]
        for connection in waiting:
            connection.loop.call_soon_threadsafe(connection.wake.set)

    def join(self, caller: Caller, topics: frozenset[str], last_id: str) -> tuple[_Connection, bool]:
        """Add a tab.

        Args:
            last_id: The last message it saw, or where its page was rendered; `""` for neither.

        Returns:
            The connection, and whether it must be told to fetch everything anew.
        """
        connection = _Connection(caller, topics, asyncio.get_running_loop(), asyncio.Event())
        boot, _, number = last_id.rpartition("-")
        seen = int(number) if number.isdigit() else -1
        with self._lock:
            known = boot == self._boot and 0 <= seen <= self._seq
            oldest_s = clock.monotonic_s() - _BACKLOG_AGE_S
            if known and seen < self._seq:
                first = self._backlog[0]
                known = first[0] <= seen + 1 and all(at >= oldest_s for seq, at, _ in self._backlog if seq > seen)
            if known:
                for seq, _, push in self._backlog:
                    if seq > seen and push.topic in topics:
                        connection.waiting[push.key] = (seq, push)
            for topic in topics:
                for selector, html in self._polled.get((topic, caller.permissions), {}).items():
                    push = partial(topic, selector, html)
                    connection.waiting.setdefault(push.key, (self._seq, push))
            self._connections.add(connection)
            if connection.waiting:
                connection.wake.set()
            self._start()
        return connection, bool(last_id) and not known

    def leave(self, connection: _Connection) -> None:
        """Forget a tab."""
        with self._lock:
            self._connections.discard(connection)
            self._heard_s |= dict.fromkeys(connection.topics, clock.monotonic_s())
            self._alone_since_s = clock.monotonic_s()

    def take(self, connection: _Connection) -> list[tuple[int, Push]]:
        """Return what waits for a tab, oldest first."""
        with self._lock:
            taken = sorted(connection.waiting.values(), key=lambda entry: entry[0])
            connection.waiting.clear()
        return taken

    def message_id(self, seq: int) -> str:
        """Return the id by which a browser says what it saw last."""
        return f"{self._boot}-{seq}"

    def close(self) -> None:
        """End the thread and all streams."""
        self._stop.set()
        with self._lock:
            connections, thread = list(self._connections), self._thread
            for connection in connections:
                connection.closed = True
        for connection in connections:
            connection.loop.call_soon_threadsafe(connection.wake.set)
        if thread is not None:
            thread.join(timeout=5)

    def _start(self) -> None:
        if self._context is not None and self._thread is None and not self._stop.is_set():
            self._thread = threading.Thread(target=self._run, args=(self._context,), name="live", daemon=True)
            self._thread.start()

    def _run(self, context: LiveContext) -> None:
        database = context.deps.database
        version: object = None
        after: int | None = None
        polled_s = 0.0
        while not self._stop.wait(_TICK_S):
            if self._is_abandoned():
                return
            try:
                seen = events.data_version(database)
                if seen != version or after is None:
                    version = seen
                    after = self._read_events(context, after)
                if clock.monotonic_s() - polled_s >= _POLL_S:
                    polled_s = clock.monotonic_s()
                    self._poll(context)
            except Exception:
                # The stream must survive whatever one renderer or one read runs into.
                logger.exception("live updates failed")
                self._stop.wait(1)

    def _is_abandoned(self) -> bool:
        """Stop looking when nobody has listened for as long as anybody could come back for."""
        with self._lock:
            if self._connections or clock.monotonic_s() - self._alone_since_s < _BACKLOG_AGE_S:
                return False
            self._thread = None
            self._boot = secrets.token_hex(4)
            self._backlog.clear()
            self._polled.clear()
            return True

    def _read_events(self, context: LiveContext, after: int | None) -> int:
        with context.deps.database.reads() as session:
            if after is None:
                return events.last_id(session)
            happened = events.since(session, after)
        listened = self._listened()
        wanted = [topic.on_event for topic in self._topics.values() if topic.on_event and topic.name in listened]
        for event in happened:
            for handle in wanted:
                try:
                    self.publish(handle(context, event))
                except Exception:
                    # One renderer's mistake is not the others' silence.
                    logger.exception("live event failed", extra={"event": event.type})
        return happened[-1].id if happened else after

    def _listened(self) -> set[str]:
        now_s = clock.monotonic_s()
        with self._lock:
            for connection in self._connections:
                self._heard_s |= dict.fromkeys(connection.topics, now_s)
            self._heard_s = {name: at for name, at in self._heard_s.items() if now_s - at < _BACKLOG_AGE_S}
            return {found.name for name in self._heard_s if (found := self.topic(name))}

    def _poll(self, context: LiveContext) -> None:
        with self._lock:
            groups: dict[_Group, Caller] = {
                (topic, connection.caller.permissions): connection.caller
                for connection in self._connections
                for topic in connection.topics
            }
            for group in self._polled.keys() - groups.keys():
                del self._polled[group]
        for group, caller in groups.items():
            topic = self.topic(group[0])
            if topic is None or topic.poll is None:
                continue
            try:
                now = dict(topic.poll(context, group[0], caller))
            except Exception:
                logger.exception("live poll failed", extra={"topic": group[0]})
                continue
            with self._lock:
                before = self._polled.get(group, {})
                self._polled[group] = now
            self._push_group(
                group, [partial(group[0], key, html) for key, html in now.items() if before.get(key) != html]
            )

    def _push_group(self, group: _Group, pushes: list[Push]) -> None:
        """Push what a poll found to those it was made for; not kept, for the next poll tells it again."""
        if not pushes:
            return
        with self._lock:
            meant = [c for c in self._connections if group[0] in c.topics and c.caller.permissions == group[1]]
            for connection in meant:
                for push in pushes:
                    connection.waiting[push.key] = (self._seq, push)
        for connection in meant:
            connection.loop.call_soon_threadsafe(connection.wake.set)


def _message(live: Live, taken: list[tuple[int, Push]]) -> str:
    """Return the wire form: one unnamed message with all partials, then the named events, each once."""
    if not taken:
        return ""
    identifier = f"id: {live.message_id(max(seq for seq, _ in taken))}\n"
    partials = "".join(push.html for _, push in taken if push.html)
    said = f"{identifier}{_data(partials)}\n" if partials else ""
    return said + "".join(f"{identifier}event: {push.event}\n{_data(push.data)}\n" for _, push in taken if push.event)


def _data(text: str) -> str:
    return "".join(f"data: {line}\n" for line in text.split("\n"))


async def _stream(live: Live, connection: _Connection, *, resync: bool) -> AsyncIterator[str]:
    ends_s = clock.monotonic_s() + _STREAM_AGE_S
    try:
        yield f"retry: 500\nid: {live.position()}\n\n: connected\n\n"
        if resync:
            yield "event: resync\ndata:\n\n"
        while not connection.closed and clock.monotonic_s() < ends_s:
            try:
                async with asyncio.timeout(_HEARTBEAT_S):
                    await connection.wake.wait()
            except TimeoutError:
                yield ": still here\n\n"
                continue
            connection.wake.clear()
            if said := _message(live, live.take(connection)):
                yield said
            # What comes within one tick goes out together.
            await asyncio.sleep(_TICK_S)
    finally:
        live.leave(connection)


@get("/events", include_in_schema=False)
async def events_stream(request: WebRequest, topics: FromQuery[str] = "shell", since: FromQuery[str] = "") -> Stream:
    """Stream live updates on some topics: `/events?topics=shell,queue`."""
    caller = await asyncio.to_thread(require_caller, request)
    live: Live = request.app.state.live
    wanted = frozenset(name for name in topics.split(",") if name)
    for name in wanted:
        topic = live.topic(name)
        if topic is None:
            raise Invalid(f"There are no live updates called “{name}”.")
        caller.require(topic.permission)
    connection, resync = live.join(caller, wanted, request.headers.get("last-event-id") or since)
    return Stream(
        _stream(live, connection, resync=resync),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
