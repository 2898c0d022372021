"""Live updates over one stream per tab: small changes are pushed as partials, and lists fetch themselves again.

One thread serves all tabs. It reads the events table after each commit, calls the polls of the topics that have listeners once
a second, and passes finished messages to the connections. No connection holds a database session.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import msgspec
from litestar import get
from litestar.params import FromQuery
from litestar.response import Stream

from mydia import clock, events
from mydia.contexts.users import Caller, Permission
from mydia.errors import Forbidden, Invalid
from mydia.web import looks
from mydia.web.deps import NotSignedIn, WebDeps, WebRequest, deps_of, require_caller
from mydia.web.looks import Looks
from mydia.web.render import looks_of

logger = logging.getLogger(__name__)

_TICK_S = 0.2  # at most five messages a second per connection (ui.md B.2)
_POLL_S = 1.0
_HEARTBEAT_S = 20.0
_MOST = 1000  # a page that missed more events fetches itself again, which is cheaper than sending each one
_ALONE_S = 60.0
# A stream is closed after this time. When the browser reconnects, a session that has ended is noticed.
_STREAM_AGE_S = 600.0


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """One message to the listeners of a topic; made by `changed` or `partial`."""

    topic: str
    key: str
    """If several pushes with the same key are waiting, only the last one is sent."""
    html: str = ""
    event: str = ""
    data: str = ""


def changed(topic: str, event: str, data: str = "") -> Push:
    """Send a DOM event that makes a list fetch itself again, such as `queue-changed`."""
    return Push(topic=topic, key=f"event {event}", event=event, data=data)


def partial(topic: str, target: str, html: str, swap: str = "outerMorph") -> Push:
    """Replace one small element.

    Args:
        target: Selector, e.g. `#q-17-progress`.
        html: The element, rendered by the page's own macro.
    """
    return Push(
        topic=topic,
        key=f"{swap} {target}",
        html=f'<hx-partial hx-target="{target}" hx-swap="{swap}">{html}</hx-partial>',
    )


class LiveContext(msgspec.Struct, frozen=True):
    """What `on_event` and `poll` work with."""

    deps: WebDeps
    render: Callable[..., str]
    """`render(template, **names)` returns a template's text; small templates call macros."""
    ui: Any
    """All component macros."""


class LiveTopic(msgspec.Struct, frozen=True):
    """A topic that pages can listen to."""

    name: str
    """`queue`, or a family that ends with a colon, such as `media:`, whose topics have an id: `media:0197…`."""
    permission: Permission
    on_event: Callable[[LiveContext, events.Happened], Iterable[Push]] | None = None
    """Called for every event while the topic or family has listeners, once for all listeners whose dates look the same."""
    poll: Callable[[LiveContext, str, Caller], Mapping[str, str]] | None = None
    """Called once a second for each topic that has listeners, once for all callers with the same permissions whose dates
    look the same. Returns selector -> HTML of the element. Only differences from the last call are pushed."""
    personal: bool = False
    """The id of a topic of this family is a person's: only that person may listen to it."""

    def allows(self, caller: Caller, name: str) -> bool:
        """Return whether a caller may listen to a topic of this name."""
        own = not self.personal or (caller.id is not None and name == f"{self.name}{caller.id}")
        return own and caller.can(self.permission)


type _Group = tuple[str, frozenset[Permission], Looks | None]


@dataclass(slots=True, eq=False, kw_only=True)
class Listener:
    """One tab, or one subscription of GraphQL."""

    caller: Caller
    topics: frozenset[str]
    since: int | None
    """The newest event that its page knows; None if it knows none."""
    loop: asyncio.AbstractEventLoop
    wake: asyncio.Event
    waiting: dict[str, tuple[int, Push]] = field(default_factory=dict)
    told: int | None = None
    """All events up to this one are queued for it or have been sent."""
    polled: set[str] = field(default_factory=set)
    """Topics whose polls it has received in full; from then on it gets differences."""
    closed: bool = False
    is_valid: Callable[[], bool] = lambda: True
    """Returns whether the caller is still signed in with the same permissions; reads the database."""
    looks: Looks | None = None
    """How dates look for the person; None for the household's way."""

    async def wait(self, longest_s: float) -> None:
        """Wait until there is a message or the stream is closed, but not longer than this."""
        with suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self.wake.wait()
        self.wake.clear()


class Live:
    """The hub of one web process.

    A page contains the number of the newest event before it was read, and its stream begins there: events between the page
    and the stream are read from the log. The same number is the id of each message, so an interrupted stream resumes there,
    in this process or the next.

    Args:
        topics: All topics, by name or family.
    """

    def __init__(self, topics: Iterable[LiveTopic]) -> None:
        self._topics = {topic.name: topic for topic in topics}
        self._lock = threading.Lock()
        self._newcomers: list[Listener] = []
        """Connections for which the thread has not read earlier events yet; they listen after it has."""
        self._connections: set[Listener] = set()
        self._polled: dict[_Group, dict[str, str]] = {}
        self._position: tuple[int, int] | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._context: LiveContext | None = None
        self._alone_since_s = clock.monotonic_s()

    def attach(self, context: LiveContext) -> None:
        """Set what renderers need; called by `create_app`."""
        self._context = context

    def position(self) -> str:
        """Return where the stream of a page begins. Call it before reading anything for the page; it costs almost nothing."""
        if (known := self.known_position()) is not None or self._context is None:
            return known or ""
        database = self._context.deps.database
        version = database.version()
        with database.reads() as session:
            newest = events.last_id(session)
        self._position = (version or 0, newest)
        return str(newest)

    def known_position(self) -> str | None:
        """Return `position()` without reading the database, or None if something was committed since the last call."""
        known = self._position
        if self._context is None or known is None or self._context.deps.database.version() != known[0]:
            return None
        return str(known[1])

    def topic(self, name: str) -> LiveTopic | None:
        """Return the topic or family of a name."""
        family = name.partition(":")[0] + ":"
        return self._topics.get(name) or (self._topics.get(family) if ":" in name else None)

    def join(
        self,
        caller: Caller,
        topics: frozenset[str],
        last_id: str,
        is_valid: Callable[[], bool] = lambda: True,
        *,
        looks: Looks | None = None,
    ) -> Listener:
        """Add a tab.

        Args:
            last_id: The id of the last message that it received, or the position of its page; `""` for neither.
            is_valid: Called after commits; returns whether the caller is still signed in with the same permissions.
            looks: How dates look in what is pushed to the tab. None: the household's way.
        """
        known = re.fullmatch(r"\d{1,18}", last_id)
        since = int(last_id) if known else None
        connection = Listener(
            caller=caller,
            topics=topics,
            since=since,
            loop=asyncio.get_running_loop(),
            wake=asyncio.Event(),
            is_valid=is_valid,
            looks=looks,
        )
        if last_id and not known:
            _add(connection, 0, _RESYNC)
            connection.wake.set()
        with self._lock:
            self._newcomers.append(connection)
            self._start()
        return connection

    def leave(self, connection: Listener) -> None:
        """Remove a tab."""
        with self._lock:
            self._connections.discard(connection)
            if connection in self._newcomers:
                self._newcomers.remove(connection)
            self._alone_since_s = clock.monotonic_s()

    def take(self, connection: Listener) -> tuple[int | None, list[Push]]:
        """Return the messages that wait for a tab, oldest first, and the event up to which they bring it."""
        with self._lock:
            taken = sorted(connection.waiting.values(), key=lambda entry: entry[0])
            connection.waiting.clear()
            return connection.told, [push for _, push in taken]

    def close(self) -> None:
        """End the thread and all streams."""
        self._stop.set()
        with self._lock:
            connections, thread = [*self._connections, *self._newcomers], self._thread
            for connection in connections:
                connection.closed = True
        _wake(connections)
        if thread is not None:
            thread.join(timeout=5)

    def _start(self) -> None:
        if self._context is not None and self._thread is None and not self._stop.is_set():
            self._thread = threading.Thread(target=self._run, args=(self._context,), name="live", daemon=True)
            self._thread.start()

    def _run(self, context: LiveContext) -> None:
        seen: object = None
        after: int | None = None
        polled_s = 0.0
        unchecked = False
        while not self._stop.wait(_TICK_S):
            if self._is_abandoned():
                return
            try:
                # Before reading: commits that happen meanwhile are seen in the next round.
                version = events.data_version(context.deps.database)
                with self._lock:
                    newcomers = list(self._newcomers)
                if newcomers or after is None or version != seen:
                    after = self._read_events(context, after, newcomers)
                    # A session can end between the request of a stream and the moment it is listed here.
                    unchecked |= version != seen or bool(newcomers)
                    seen = version
                if clock.monotonic_s() - polled_s >= _POLL_S:
                    polled_s = clock.monotonic_s()
                    if unchecked:
                        unchecked = False
                        self._close_invalid()
                    self._poll(context)
            except Exception:
                # The stream must survive the failure of one renderer or one read.
                logger.exception("live updates failed")
                self._stop.wait(1)

    def _close_invalid(self) -> None:
        """End the streams of callers who signed out, were disabled, or whose key was revoked or permissions changed."""
        with self._lock:
            present = list(self._connections)
        ended = [one for one in present if not one.closed and not one.is_valid()]
        for one in ended:
            one.closed = True
        _wake(ended)

    def _is_abandoned(self) -> bool:
        """Stop polling after a while without listeners. A listener that returns is served from the log."""
        with self._lock:
            listened = self._connections or self._newcomers
            if listened or clock.monotonic_s() - self._alone_since_s < _ALONE_S:
                return False
            self._thread = None
            self._polled.clear()
            return True

    def _read_events(self, context: LiveContext, after: int | None, newcomers: list[Listener]) -> int:
        """Send new events to all listeners, and to new listeners those they missed; return the newest event."""
        with context.deps.database.reads() as session:
            newest = events.last_id(session)
            after = newest if after is None else after
            happened = events.since(session, after, limit=_MOST + 1)
            # A number beyond the log's end belongs to another log: a backup was restored.
            missed = {
                one: None if one.since > newest else events.since(session, one.since, limit=_MOST + 1)
                for one in newcomers
                if one.since is not None and (one.since < after or one.since > newest)
            }
        for one in newcomers:
            past = missed.get(one, [])
            self._tell(context, [one], None if past is None else [event for event in past if event.id <= after], after)
        with self._lock:
            # Connections that were closed meanwhile are not added.
            self._connections.update(one for one in newcomers if one in self._newcomers)
            self._newcomers = [one for one in self._newcomers if one not in self._connections]
            present = list(self._connections)
        self._tell(context, present, happened, newest)
        return newest

    def _tell(
        self, context: LiveContext, to: list[Listener], happened: list[events.Happened] | None, newest: int
    ) -> None:
        """Render events for their listeners. A listener that missed too many fetches everything again."""
        if happened is None or len(happened) > _MOST:
            self._hand(to, newest, [_RESYNC])
        else:
            listened = {found.name for one in to for name in one.topics if (found := self.topic(name))}
            by_looks: dict[Looks | None, list[Listener]] = {}
            for one in to:
                by_looks.setdefault(one.looks, []).append(one)
            wanted = [topic.on_event for topic in self._topics.values() if topic.on_event and topic.name in listened]
            for event in happened:
                for handle, (seen_as, alike) in product(wanted, by_looks.items()):
                    try:
                        with _seen_as(seen_as):
                            self._hand(alike, event.id, handle(context, event))
                    except Exception:
                        # An error in one renderer must not affect the others.
                        logger.exception("live event failed", extra={"event": event.type})
        with self._lock:
            for one in to:
                one.told = newest

    def _hand(self, to: Iterable[Listener], number: int, pushes: Iterable[Push]) -> None:
        told: set[Listener] = set()
        for push in pushes:
            meant = [one for one in to if push is _RESYNC or push.topic in one.topics]
            with self._lock:
                for one in meant:
                    _add(one, number, push)
            told.update(meant)
        _wake(told)

    def _poll(self, context: LiveContext) -> None:
        groups: dict[_Group, list[Listener]] = {}
        with self._lock:
            for one in self._connections:
                for name in one.topics:
                    groups.setdefault((name, one.caller.permissions, one.looks), []).append(one)
            for group in self._polled.keys() - groups.keys():
                del self._polled[group]
        for group, listening in groups.items():
            name, _, seen_as = group
            topic = self.topic(name)
            if topic is None or topic.poll is None:
                continue
            try:
                with _seen_as(seen_as):
                    now = dict(topic.poll(context, name, listening[0].caller))
            except Exception:
                logger.exception("live poll failed", extra={"topic": name})
                continue
            before, self._polled[group] = self._polled.get(group, {}), now
            for one in listening:
                known = before if name in one.polled else {}
                one.polled.add(name)
                found = [partial(name, key, html) for key, html in now.items() if known.get(key) != html]
                self._hand([one], one.told or 0, found)


@contextmanager
def _seen_as(seen_as: Looks | None) -> Iterator[None]:
    """Render dates as these listeners see them."""
    given = looks.CURRENT.set(seen_as)
    try:
        yield
    finally:
        looks.CURRENT.reset(given)


_RESYNC = Push(topic="", key="resync", event="resync")
"""Makes every list on the page fetch itself again."""


def _add(connection: Listener, number: int, push: Push) -> None:
    connection.waiting[push.key] = (number, push)


def _wake(connections: Iterable[Listener]) -> None:
    for connection in connections:
        connection.loop.call_soon_threadsafe(connection.wake.set)


def _message(number: int | None, pushes: list[Push]) -> str:
    """Return the wire form: one unnamed message with all partials, then the named events, each once.

    Only the last message has the id: a stream that breaks before it resumes from the previous id.
    """
    partials = "".join(push.html for push in pushes if push.html)
    said = [_data(partials)] if partials else []
    said += [f"event: {push.event}\n{_data(push.data)}" for push in pushes if push.event]
    if said and number is not None:
        said[-1] = f"id: {number}\n{said[-1]}"
    return "".join(f"{one}\n" for one in said)


_LINE_END = re.compile(r"\r\n|\r|\n")
"""Everything that ends a line of a stream (HTML, 9.2.6): a carriage return in a name must not begin another field."""


def _data(text: str) -> str:
    return "".join(f"data: {line}\n" for line in _LINE_END.split(text))


async def _stream(live: Live, connection: Listener) -> AsyncIterator[str]:
    ends_s = clock.monotonic_s() + _STREAM_AGE_S
    begins = "" if connection.since is None else f"id: {connection.since}\n"
    try:
        yield f"retry: 500\n{begins}\n: connected\n\n"
        while not connection.closed and clock.monotonic_s() < ends_s:
            try:
                async with asyncio.timeout(_HEARTBEAT_S):
                    await connection.wake.wait()
            except TimeoutError:
                # Events that do not concern a tab do not wake it; its number still advances past them.
                told, pushes = live.take(connection)
                yield _message(told, pushes) or (f": still here\nid: {told}\n\n" if told else ": still here\n\n")
                continue
            connection.wake.clear()
            if connection.closed:
                break
            if said := _message(*live.take(connection)):
                yield said
            # Messages within one tick are sent together.
            await asyncio.sleep(_TICK_S)
    finally:
        live.leave(connection)


def validity(request: WebRequest, caller: Caller) -> Callable[[], bool]:
    """Return a function that says whether the sender of a request still is this caller, with the same permissions."""

    def is_valid() -> bool:
        deps = deps_of(request)
        try:
            now = deps.authenticate(request, deps)
        except NotSignedIn:
            return False
        return now is not None and now.permissions == caller.permissions

    return is_valid


@get("/events", include_in_schema=False)
async def events_stream(request: WebRequest, topics: FromQuery[str] = "shell", since: FromQuery[str] = "") -> Stream:
    """Stream live updates of topics: `/events?topics=shell,queue`."""
    caller = await asyncio.to_thread(require_caller, request)
    live: Live = request.app.state.live
    wanted = frozenset(name for name in topics.split(",") if name)
    for name in wanted:
        topic = live.topic(name)
        if topic is None:
            raise Invalid(f"There are no live updates called “{name}”.")
        caller.require(topic.permission)
        if not topic.allows(caller, name):
            raise Forbidden("These live updates belong to another person.")
    connection = live.join(
        caller,
        wanted,
        request.headers.get("last-event-id") or since,
        validity(request, caller),
        looks=looks_of(request),
    )
    return Stream(
        _stream(live, connection),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
