"""The history: what happened, by day; and the story of a single download."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from litestar import Response, get
from litestar.params import FromPath, FromQuery

from mydia import clock, events
from mydia.contexts import downloads, media
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid
from mydia.events import stories
from mydia.web.deps import CallerDep, DatabaseDep, WebRequest
from mydia.web.render import dialog, fragment, is_htmx, page, query, renderer_of
from mydia.web.views import Artwork, specs
from mydia.web.views.cards import artwork

_HISTORY = 60


_TITLES = 50
"""How many titles a filter of the history may mean."""


@dataclass(frozen=True, slots=True)
class StoryView:
    """Everything about one download."""

    download: downloads.Download
    spec: specs.Strip | None
    stories: tuple[stories.Story, ...]
    reasons: tuple[tuple[str, str], ...]
    """(kind of reason, sentence)."""
    files: tuple[str, ...]


@get("/activity/downloads/{download_id:str}", sync_to_thread=True, include_in_schema=False)
def show_story(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, download_id: FromPath[str]
) -> Response[str]:
    """Tell a download's story: why it was taken, what became of it, where its files are."""
    with database.reads() as session:
        told = downloads.history.story_of(session, caller, download_id)
    tones = {"block": "no", "fail": "no", "grab": "yes"}
    view = StoryView(
        told.download,
        specs.strip_of_release(told.download.quality, told.download.parsed),
        tuple(stories.story(event) for event in told.events),
        tuple((tones.get(str(reason["kind"]), "warn"), str(reason["text"])) for reason in told.download.reasons),
        told.files,
    )
    return dialog(
        request, "activity/_story.html", view, title=told.download.media_title, active="activity", back="/activity"
    )


@dataclass(frozen=True, slots=True)
class Told:
    """A line of the history with its title."""

    story: stories.Story
    title: str
    art: Artwork | None


@dataclass(frozen=True, slots=True)
class Day:
    """The lines of one day."""

    on: date
    label: str
    """Empty when the page before began this day."""
    lines: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class HistoryView:
    """What happened, by day."""

    days: tuple[Day, ...]
    filters: tuple[tuple[str, str, bool], ...]
    chosen: str
    q: str
    more: str | None
    total: int
    blocked_count: int


@get("/activity/history", sync_to_thread=True, include_in_schema=False)
def show_history(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    kind: FromQuery[str] = "",
    q: FromQuery[str] = "",
    before: FromQuery[int | None] = None,
    day: FromQuery[str] = "",
) -> Response[str]:
    """Show what happened, newest first."""
    caller.require(Permission.VIEW_ACTIVITY)
    allowed = {name: known for name, known in stories.KINDS.items() if name != "audit" or _may_audit(caller)}
    if kind and kind not in allowed:
        raise Invalid(f"Show one of {', '.join(allowed)}.")
    hidden = set() if _may_audit(caller) else set(stories.KINDS["audit"][1])
    types = list(allowed[kind][1]) if kind else [name for name in stories.all_but_quiet() if name not in hidden]
    with database.reads() as session:
        about = (
            [card.id for card in media.lists.search_library(session, caller, q, limit=_TITLES)] if q.strip() else None
        )
        told = events.feed(session, before_id=before, types=types, about=about, limit=_HISTORY)
        ids = {str(id) for event in told if (id := _item_of(event)) is not None}
        cards = {card.id: card for card in media.lists.cards_of(session, caller, sorted(ids))}
        queue_total = len(downloads.queue.list_queue(session, caller)) if before is None else 0
        blocked, more_blocked = (
            downloads.blocklist.list_blocklist(session, caller, limit=99) if before is None else ([], None)
        )
    days = _by_day(request, told, cards, day)
    last = f"{days[-1].on:%Y-%m-%d}" if days else ""
    more = query({"kind": kind, "q": q, "before": told[-1].id, "day": last}) if len(told) == _HISTORY else None
    view = HistoryView(
        days,
        tuple((name, label, name == kind) for name, (label, _) in allowed.items()),
        kind,
        q,
        f"/activity/history{more}" if more else None,
        queue_total,
        len(blocked) + bool(more_blocked),
    )
    if before is not None and is_htmx(request):
        return fragment(request, "activity/_days.html", view)
    return page(request, "activity/history.html", view, active="activity", topics=["queue"])


def _may_audit(caller: Caller) -> bool:
    return caller.can(Permission.MANAGE_SETTINGS)


def _item_of(event: events.Happened) -> str | None:
    found = event.resource_id if event.resource_kind == "media_item" else event.payload.get("media_item_id")
    return None if found is None else str(found)


def _by_day(
    request: WebRequest, told: Iterable[events.Happened], cards: Mapping[str, media.lists.Card], begun: str
) -> tuple[Day, ...]:
    zone = renderer_of(request).zone
    today = clock.now().astimezone(zone).date()
    days: dict[date, list[Told]] = {}
    for event in told:
        card = cards.get(_item_of(event) or "")
        title = f"{card.title} ({card.year})" if card and card.year else card.title if card else ""
        days.setdefault(event.at.astimezone(zone).date(), []).append(
            Told(stories.story(event), title, artwork(card.poster) if card else None)
        )
    return tuple(
        Day(on, "" if f"{on:%Y-%m-%d}" == begun else day_label(on, today), tuple(lines)) for on, lines in days.items()
    )


def day_label(on: date, today: date, *, short: bool = False) -> str:
    """Return `Today`, `Yesterday`, or the day."""
    distance = (today - on).days
    if distance < 2:
        return ("Today", "Yesterday")[distance] if distance >= 0 else "Today"
    if short:
        return f"{on:%a}" if distance < 7 else f"{on:%-d %b}"
    return f"{on:%A, %-d %B}" if on.year == today.year else f"{on:%-d %B %Y}"


ROUTES: tuple[Any, ...] = (show_story, show_history)
