"""“Why?”: what the searches of a title saw, what won and by how much, and which rule rejected the rest."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath, FromQuery

from mydia import clock, units
from mydia.contexts import downloads, media
from mydia.contexts.users import Permission
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, WebRequest
from mydia.web.pages.activity.release_rows import IndexerState, indexer_state
from mydia.web.render import dialog

_CAUSES = {
    "automatic": "Automatic search",
    "manual": "Manual search",
    "rss": "Feed",
    "upgrade": "Search for an upgrade",
    "backlog": "Scheduled search",
    "added": "Search when it was added",
}
_LISTED = 12
"""Searches that can be chosen."""


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two best releases."""

    title: str
    facts: str
    grabbed: bool
    formats: tuple[tuple[str, int], ...]
    preference: tuple[str, ...]


class WhyView(msgspec.Struct, frozen=True, kw_only=True):
    """The answer."""

    item_id: str
    title: str
    obstacles: tuple[str, ...]
    searches: tuple[tuple[str, str, datetime, bool], ...]
    """(id, what started it, when, whether it is the one shown)."""
    sentence: str
    winner: Ranked | None
    runner_up: Ranked | None
    gap: str
    refused: tuple[downloads.history.Refused, ...]
    indexers: tuple[IndexerState, ...]
    waiting: tuple[downloads.pending.Waiting, ...]
    releases_url: str
    """The address of all releases; empty if the caller may not search."""


@get("/items/{item_id:str}/why", sync_to_thread=True, include_in_schema=False)
def show_why(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    item_id: FromPath[str],
    search: FromQuery[str] = "",
) -> Response[str]:
    """Explain a search of a title, by default the latest one."""
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
        found = downloads.history.explain(session, caller, item_id, search_id=search or None)
        rows = downloads.history.list_searches(session, caller, item_id, limit=_LISTED)
        view = WhyView(
            item_id=item_id,
            title=f"{item.title} ({item.year})" if item.year else item.title,
            obstacles=tuple(map(str, downloads.history.obstacles(session, caller, clock.now(), item_id))),
            searches=tuple(
                (row.id, _cause(row), row.started_at, found is not None and row.id == found.search.id) for row in rows
            ),
            sentence=found.sentence if found else "",
            winner=_ranked(found.winner) if found else None,
            runner_up=_ranked(found.runner_up) if found else None,
            gap=found.gap.sentence if found and found.gap else "",
            refused=found.refused if found else (),
            indexers=tuple(map(indexer_state, found.search.indexers)) if found else (),
            waiting=tuple(downloads.pending.list_pending(session, caller, media_item_id=item_id)),
            releases_url=f"/items/{item_id}/releases?search={found.search.id}"
            if found and caller.can(Permission.MANAGE_MEDIA)
            else "",
        )
    active = "shows" if item.type == MediaType.TV_SHOW else "movies"
    title = f"Why: {view.title}"
    return dialog(request, "item/_why.html", view, title=title, active=active, back=f"/items/{item_id}")


def _cause(search: downloads.Search) -> str:
    season = f", season {search.season_number}" if search.season_number is not None else ""
    return f"{_CAUSES.get(search.cause, 'Search')}{season}"


def _ranked(release: downloads.Release | None) -> Ranked | None:
    if release is None:
        return None
    size = units.size(release.size_bytes) if release.size_bytes else ""
    return Ranked(
        title=release.title,
        facts=" · ".join(filter(None, (release.quality_name, size, release.indexer_name))),
        grabbed=release.verdict == "grabbed",
        formats=tuple((str(one["name"]), int(one["score"])) for one in release.formats if one["score"]),
        preference=tuple(text for _, _, text in downloads.wording.preference(release) if text),
    )


ROUTES: tuple[Any, ...] = (show_why,)
