"""The queue: what is downloading, importing, waiting or blocked, with totals and the state of each client."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get
from sqlalchemy.orm import Session

from mydia import clock, units
from mydia.contexts import downloads, settings
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.errors import Invalid
from mydia.web.deps import CallerDep, DatabaseDep, WebRequest
from mydia.web.render import page
from mydia.web.views import Artwork, specs
from mydia.web.views.cards import artwork

_SAMPLES = 60


GROUPS: tuple[tuple[str, str, str, str], ...] = (
    ("needs-you", "needs you", "Needs you", "triangle-alert"),
    ("importing", "importing", "Importing", "folder-input"),
    ("downloading", "downloading", "Downloading", "arrow-down-to-line"),
    ("queued", "queued", "Queued", "clock"),
    ("paused", "paused", "Paused", "pause"),
    ("seeding", "seeding", "Seeding", "arrow-up"),
)
"""(in the address, group of the queue, label, icon)."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One download in words."""

    id: str
    href: str | None
    title: str
    release: str
    art: Artwork
    spec: specs.Strip | None
    quality: str
    origin: str
    """`Silver Index · qBittorrent`."""
    group: str
    state: str
    """A key of `views.STATES`."""
    lead: str
    right: str
    under: str
    percent: float
    rail: str
    moving: bool
    """Whether the rail is a progress bar."""
    sentence: str | None
    """Why the user has to decide."""
    stale: bool
    """The client does not answer: the last known state is shown."""
    can_pause: bool
    can_resume: bool
    can_import: bool
    can_list_files: bool
    """Whether its files are complete, so that they can be assigned manually."""

    @property
    def grave(self) -> bool:
        """Whether the sentence reports a failure."""
        return self.state == "blocked"


_RAILS = {
    "blocked": "fail",
    "stalled": "hold",
    "paused": "hold",
    "queued": "wait",
    "downloading": "live",
    "importing": "live",
    "seeding": "ok",
}


def line(row: downloads.queue.QueueRow) -> Line:
    """Return a download in words."""
    now = clock.now()
    state = row.shown_state
    percent = 100 * row.progress
    lead, right, under = _words(row, state, now)
    if row.unreachable_since is not None and state != "seeding":
        right, under = "last known", f"{row.client_name} has not answered since {row.unreachable_since:%H:%M} UTC"
    whole = state in ("blocked", "queued", "importing", "seeding")
    return Line(
        id=row.id,
        href=f"/items/{row.media_item_id}" if row.media_item_id else None,
        title=row.media_title,
        release=row.release_title,
        art=artwork(row.poster),
        spec=specs.strip_of_release(row.quality, row.parsed),
        quality=row.quality_name,
        origin=" · ".join(part for part in (row.indexer_name or "added manually", row.client_name) if part),
        group=row.group,
        state=state,
        lead=lead,
        right=right,
        under=under,
        percent=100.0 if whole else percent,
        rail=_RAILS.get(state, "live"),
        moving=state == "downloading",
        sentence=row.sentence if state in ("blocked", "stalled") else None,
        stale=row.unreachable_since is not None,
        can_pause=row.state in ("downloading", "stalled", "queued"),
        can_resume=row.state == "paused",
        can_import=row.state in ("blocked", "completed"),
        can_list_files=row.state in ("blocked", "completed", "imported"),
    )


def _words(row: downloads.queue.QueueRow, state: str, now: datetime) -> tuple[str, str, str]:
    size = units.size(row.size_bytes) if row.size_bytes else ""
    so_far = f"{units.size(round((row.size_bytes or 0) * row.progress))} of {size}" if size else ""
    since = units.left(max(60, (now - row.state_since).total_seconds()))
    match state:
        case "downloading":
            speed = units.speed(row.speed_bytes_per_s)
            left = units.left(row.eta_s) if row.eta_s else ""
            return f"{100 * row.progress:.0f} %", left, " · ".join(part for part in (speed, so_far) if part)
        case "stalled":
            return f"{100 * row.progress:.0f} %", "stalled", f"No progress for {since}"
        case "paused":
            return f"{100 * row.progress:.0f} %", "paused", so_far
        case "importing":
            under = "Linking and renaming" if row.state == "importing" else "Import starts soon"
            return "Importing", size, under
        case "blocked":
            return "Downloaded", size, f"Finished {since} ago"
        case "seeding":
            ratio = f"ratio {row.ratio:.1f}" if row.ratio is not None else ""
            return "Imported", ratio, "Seeding until its goal is reached"
        case _:
            under = "Sending to the client" if row.state == "grabbing" else "Starts when a slot is free"
            return "Queued", size, under


class ClientState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a download client."""

    id: str
    name: str
    tone: str
    """`ok`, `miss` or `ink-3`."""
    said: str
    detail: str
    since: datetime | None


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The panel above the queue."""

    speed: tuple[str, str]
    """(number, unit)."""
    remaining: tuple[str, str]
    left: str
    points: str
    """The points of the last minute's speed curve, for SVG; empty without samples."""
    clients: tuple[ClientState, ...]


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    """The queue."""

    lines: tuple[Line, ...]
    filters: tuple[tuple[str, str, str, int, bool], ...]
    """(in the address, label, icon, count, chosen)."""
    chosen: str
    total: int
    totals: Totals
    unknown: tuple[downloads.UnknownDownload, ...]
    has_clients: bool
    can_manage: bool
    can_settings: bool
    any_running: bool
    any_paused: bool

    @property
    def shown(self) -> tuple[Line, ...]:
        """Return the lines that match the filter."""
        groups = {slug: group for slug, group, _, _ in GROUPS}
        return tuple(one for one in self.lines if not self.chosen or one.group == groups.get(self.chosen))


class _Speeds:
    """The speed of the last minute, sampled while the page is open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, deque[int]] = {}

    def add(self, key: str, speed: int) -> None:
        """Add one sample."""
        with self._lock:
            self._seen.setdefault(key, deque(maxlen=_SAMPLES)).append(speed)

    def points(self, key: str) -> str:
        """Return the points of the curve in a view box of 100 by 30."""
        with self._lock:
            seen = list(self._seen.get(key, ()))
        if len(seen) < 2 or not max(seen):
            return ""
        step, top = 100 / (len(seen) - 1), max(seen)
        return " ".join(f"{place * step:.1f},{28 - 25 * speed / top:.1f}" for place, speed in enumerate(seen))


_speeds = _Speeds()


def totals_of(session: Session, database: Database, caller: Caller, rows: Sequence[downloads.queue.QueueRow]) -> Totals:
    """Return the panel above the queue."""
    moving = [row for row in rows if row.group == "downloading" and row.unreachable_since is None]
    speed = sum(row.speed_bytes_per_s or 0 for row in moving)
    remaining = sum(row.remaining_bytes for row in rows)
    left = units.left(remaining / speed) if speed and remaining else ""
    return Totals(
        speed=_split(units.size(speed) + "/s"),
        remaining=_split(units.size(remaining)),
        left=left,
        points=_speeds.points(database.url),
        clients=tuple(_clients(session, caller, rows)),
    )


def _split(said: str) -> tuple[str, str]:
    number, _, unit = said.partition(" ")
    return number, unit


def _clients(session: Session, caller: Caller, rows: Sequence[downloads.queue.QueueRow]) -> Iterable[ClientState]:
    for client in settings.services.list_services(session, caller, "download_client"):
        if not client.enabled:
            continue
        active = sum(1 for row in rows if row.client_id == client.id and row.group != "seeding")
        status = client.status
        if status is None:
            yield ClientState(
                id=client.id,
                name=client.name,
                tone="ink-3",
                said="Not checked yet",
                detail=f"{active} active",
                since=None,
            )
        elif status.state == "ok":
            yield ClientState(
                id=client.id,
                name=client.name,
                tone="ok",
                said="Connected",
                detail=f"{active} active · {status.version or ''}".strip(" ·"),
                since=None,
            )
        else:
            yield ClientState(
                id=client.id,
                name=client.name,
                tone="miss",
                said="Unreachable",
                detail=status.last_error or "No answer.",
                since=status.since_at,
            )


@get(["/activity", "/activity/queue"], sync_to_thread=True, include_in_schema=False)
def show_queue(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Show the downloads in the queue."""
    view = _queue(database, caller, request.query_params.get("state", ""))
    return page(request, "activity/queue.html", view, active="activity", topics=["queue"])


def _queue(database: Database, caller: Caller, chosen: str) -> QueueView:
    known = {slug for slug, _, _, _ in GROUPS}
    if chosen and chosen not in known:
        raise Invalid(f"Show one of {', '.join(sorted(known))}.")
    with database.reads() as session:
        rows = downloads.queue.list_queue(session, caller, seeding=chosen == "seeding")
        totals = totals_of(session, database, caller, rows)
        unknown = downloads.unknown.list_unknown(session, caller)
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.group] = counts.get(row.group, 0) + 1
    return QueueView(
        lines=tuple(line(row) for row in rows),
        filters=tuple(
            (slug, label, icon, counts.get(group, 0), slug == chosen)
            for slug, group, label, icon in GROUPS
            if counts.get(group) or slug in (chosen, "seeding")
        ),
        chosen=chosen,
        total=sum(count for group, count in counts.items() if group != "seeding"),
        totals=totals,
        unknown=tuple(unknown),
        has_clients=bool(totals.clients),
        can_manage=caller.can(Permission.MANAGE_MEDIA),
        can_settings=caller.can(Permission.MANAGE_SETTINGS),
        any_running=any(row.state in ("downloading", "queued", "stalled") for row in rows),
        any_paused=any(row.state == "paused" for row in rows),
    )


def live_queue(database: Database, caller: Caller) -> tuple[tuple[Line, ...], Totals]:
    """Return the changing parts of the queue; called once a second while the page is open."""
    with database.reads() as session:
        rows = downloads.queue.list_queue(session, caller)
        _speeds.add(database.url, sum(row.speed_bytes_per_s or 0 for row in rows if row.unreachable_since is None))
        return tuple(line(row) for row in rows), totals_of(session, database, caller, rows)


ROUTES: tuple[Any, ...] = (show_queue,)
