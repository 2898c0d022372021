"""The history: what happened, by day; and the story of a single download."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import replace
from datetime import date
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from sqlalchemy.orm import Session

from mydia import clock, events
from mydia.contexts import downloads, library, media, users
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid
from mydia.events import say, stories
from mydia.web.deps import CallerDep, DatabaseDep, WebRequest
from mydia.web.pages.activity.queue_actions import queue_changed
from mydia.web.render import Toast, dialog, fragment, is_htmx, looks_of, page, query
from mydia.web.views import Artwork, specs
from mydia.web.views.cards import artwork

_HISTORY = 60
_TITLES = 50
"""How many titles a text filter of the history may match."""


class StoryView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one download."""

    download: downloads.Download
    spec: specs.Strip | None
    stories: tuple[stories.Story, ...]
    reasons: tuple[tuple[str, str], ...]
    """(kind of reason, sentence)."""
    files: tuple[str, ...]
    can_mark_failed: bool


@get("/activity/downloads/{download_id:str}", sync_to_thread=True, include_in_schema=False)
def show_story(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, download_id: FromPath[str]
) -> Response[str]:
    """Show the story of a download: why it was grabbed, how it ended, and where its files are."""
    with database.reads() as session:
        told = downloads.history.story_of(session, caller, download_id)
    tones = {"block": "no", "fail": "no", "grab": "yes"}
    view = StoryView(
        download=told.download,
        spec=specs.strip_of_release(told.download.quality, told.download.parsed),
        stories=tuple(stories.story(event) for event in told.events),
        reasons=tuple((tones.get(str(reason["kind"]), "warn"), say(reason)) for reason in told.download.reasons),
        files=told.files,
        can_mark_failed=caller.can(Permission.MANAGE_MEDIA) and told.download.state not in downloads.OPEN_STATES,
    )
    return dialog(
        request, "activity/_story.html", view, title=told.download.media_title, active="activity", back="/activity"
    )


class Told(msgspec.Struct, frozen=True):
    """A line of the history with its title."""

    story: stories.Story
    title: str
    art: Artwork | None
    restores: str | None
    """A removed title that can be restored."""


class Day(msgspec.Struct, frozen=True):
    """The lines of one day."""

    on: date
    label: str
    """Empty if the previous page began this day."""
    lines: tuple[Told, ...]


class HistoryView(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, by day."""

    days: tuple[Day, ...]
    filters: tuple[tuple[str, str, bool], ...]
    chosen: str
    q: str
    more: str | None
    total: int


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
    allowed = {
        name: known for name, known in stories.KINDS.items() if name != "audit" or users.history.sees_audit(caller)
    }
    if kind and kind not in allowed:
        raise Invalid(f"Show one of {', '.join(allowed)}.")
    types = allowed[kind][1] if kind else stories.all_but_quiet()
    with database.reads() as session:
        about = _titles_called(session, caller, q) if q.strip() else None
        told = users.history.feed(session, caller, before_id=before, types=types, about=about, limit=_HISTORY)
        ids = {str(id) for event in told if (id := _item_of(event)) is not None}
        cards = {card.id: card for card in media.lists.cards_of(session, caller, sorted(ids))}
        gone = _Gone(
            users.history.names_of_removed(session, caller, ids=ids - cards.keys()),
            {one.id for one in library.removed.removed_titles(session, caller, item_ids=sorted(ids - cards.keys()))}
            if caller.can(Permission.MANAGE_MEDIA)
            else set(),
        )
        queue_total = len(downloads.queue.list_queue(session, caller)) if before is None else 0
    days = _by_day(request, told, cards, gone, day)
    last = f"{days[-1].on:%Y-%m-%d}" if days else ""
    more = query({"kind": kind, "q": q, "before": told[-1].id, "day": last}) if len(told) == _HISTORY else None
    view = HistoryView(
        days=days,
        filters=tuple((name, label, name == kind) for name, (label, _) in allowed.items()),
        chosen=kind,
        q=q,
        more=f"/activity/history{more}" if more else None,
        total=queue_total,
    )
    if before is not None and is_htmx(request):
        return fragment(request, "activity/_days.html", view)
    return page(request, "activity/history.html", view, active="activity", topics=["queue"])


def _titles_called(session: Session, caller: Caller, text: str) -> list[str]:
    """Return the titles with a name like this one, those that were removed too."""
    here = [card.id for card in media.lists.search_library(session, caller, text, limit=_TITLES)]
    return [*here, *users.history.names_of_removed(session, caller, text=text)]


class _Gone(msgspec.Struct, frozen=True):
    """What is known of titles that were removed."""

    names: Mapping[str, str]
    restorable: Collection[str]


def _item_of(event: events.Happened) -> str | None:
    found = event.resource_id if event.resource_kind == "media_item" else event.payload.get("media_item_id")
    return None if found is None else str(found)


def _by_day(
    request: WebRequest, told: Sequence[events.Happened], cards: Mapping[str, media.lists.Card], gone: _Gone, begun: str
) -> tuple[Day, ...]:
    zone = looks_of(request).zone
    today = clock.now().astimezone(zone).date()
    items = {event.id: _item_of(event) or "" for event in told}
    days: dict[date, list[Told]] = {}
    for line in stories.folded(told):
        item_id = items[line.id]
        card = cards.get(item_id)
        title = f"{card.title} ({card.year})" if card and card.year else card.title if card else ""
        restores = item_id if line.type == "MediaRemoved" and item_id in gone.restorable else None
        # The page of a removed title is gone.
        shown = line if card else replace(line, href=None)
        days.setdefault(line.at.astimezone(zone).date(), []).append(
            Told(shown, title or gone.names.get(item_id, ""), artwork(card.poster) if card else None, restores)
        )
    return tuple(
        Day(on, "" if f"{on:%Y-%m-%d}" == begun else day_label(on, today), tuple(lines)) for on, lines in days.items()
    )


@post("/activity/downloads/{download_id:str}/failed", sync_to_thread=True, status_code=200, include_in_schema=False)
def mark_failed(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, download_id: FromPath[str]
) -> Response[str]:
    """Put a download's release on the blocklist and search for another one."""
    with database.writes() as session:
        downloads.queue.mark_failed(session, caller, clock.now(), download_id)
    return queue_changed(
        request, Toast("Marked as failed", "Its release is blocked. Searching for another one.", tone="live")
    )


def day_label(on: date, today: date, *, short: bool = False) -> str:
    """Return `Today`, `Yesterday`, or the day."""
    distance = (today - on).days
    if distance < 2:
        return ("Today", "Yesterday")[distance] if distance >= 0 else "Today"
    if short:
        return f"{on:%a}" if distance < 7 else f"{on:%-d %b}"
    return f"{on:%A, %-d %B}" if on.year == today.year else f"{on:%-d %B %Y}"


ROUTES: tuple[Any, ...] = (show_story, show_history, mark_failed)
