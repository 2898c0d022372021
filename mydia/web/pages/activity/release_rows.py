"""Releases of a search as rows: verdict, quality, size, seeders, reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from mydia import clock, units
from mydia.contexts import downloads
from mydia.contexts.users import Caller, Permission
from mydia.languages import language_names
from mydia.web.deps import WebRequest
from mydia.web.render import plural, query
from mydia.web.views import specs

_FLAGS = {
    "freeleech": "Freeleech",
    "halfleech": "Half leech",
    "double_upload": "Double upload",
    "internal": "Internal",
    "scene": "Scene",
}


_EARLIER = {
    "imported": "Imported before",
    "failed": "Failed before",
    "removed": "Removed before",
    "ignored": "Removed before",
}


_SHOWS = ("all", "accepted", "rejected")


def _rank(release: downloads.Release) -> int:
    return next((int(entry["value"]) for entry in release.preference if entry["name"] == "quality"), 0)


class Sort(msgspec.Struct, frozen=True, kw_only=True):
    """An order in which the releases can be listed."""

    name: str
    label: str
    key: Callable[[downloads.Release], Any]
    """None is unknown and comes last in either direction."""
    descending: bool
    """The direction of the first click."""


SORTS = (
    Sort(name="score", label="Score", key=lambda release: -release.position, descending=True),
    Sort(name="quality", label="Quality", key=_rank, descending=True),
    Sort(name="size", label="Size", key=lambda release: release.size_bytes, descending=True),
    Sort(name="age", label="Age", key=lambda release: release.published_at, descending=True),
    Sort(name="language", label="Language", key=lambda release: _languages(release) or None, descending=False),
    Sort(name="indexer", label="Indexer", key=lambda release: release.indexer_name.casefold(), descending=False),
    Sort(name="seeders", label="Seeders", key=lambda release: release.seeders, descending=True),
)
_SORTS = {sort.name: sort for sort in SORTS}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One release."""

    id: str
    title: str
    spec: specs.Strip | None
    quality: str
    score: int
    place: int
    best: bool
    accepted: bool
    sent: bool
    size: str
    age: str
    indexer: str
    languages: str
    swarm: str
    page_url: str | None
    tags: tuple[str, ...]
    formats: tuple[tuple[str, int], ...]
    """(custom format, score), those that count first."""
    objections: tuple[str, ...]
    waiting: bool
    preference: tuple[str, ...]
    earlier: str | None
    can_grab: bool
    error: str | None = None
    insists: bool = False
    """The error can be overridden."""


class IndexerState(msgspec.Struct, frozen=True, kw_only=True):
    """The progress of one indexer."""

    id: str
    name: str
    state: str
    """`ok`, `failed`, `skipped`, `searching`."""
    said: str
    error: str | None


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """The results of a search so far."""

    search_id: str
    item_id: str
    running: bool
    rows: tuple[Row, ...]
    rejected: tuple[Row, ...]
    total: int
    accepted_count: int
    rejected_count: int
    by_reason: str
    indexers: tuple[IndexerState, ...]
    sentence: str
    params: Mapping[str, str]
    indexer_names: tuple[str, ...]
    qualities: tuple[str, ...]
    can_settings: bool
    can_grab: bool
    seen: str
    """The progress that these results show; the live stream reports when the search has advanced."""

    def url(self, **changes: str | None) -> str:
        """Return the address of these results with another filter."""
        return f"/searches/{self.search_id}" + query(self.params, **changes)

    def page(self, **changes: str | None) -> str:
        """Return the address of the page with these results, for a browser without script."""
        return f"/items/{self.item_id}/releases" + query(self.params, search=self.search_id, **changes)

    @property
    def sorts(self) -> tuple[tuple[str, str], ...]:
        """Return the choices of the field that sorts: (value, label)."""
        return tuple((sort.name, sort.label) for sort in SORTS)

    def sorted_by(self, name: str) -> str:
        """Return the direction in which the releases are sorted by a column: ascending, descending, or "" if they are not."""
        if self.params["sort"].lstrip("-") != name:
            return ""
        descending = _SORTS[name].descending != self.params["sort"].startswith("-")
        return "descending" if descending else "ascending"

    def sorting(self, name: str) -> str:
        """Return the value that sorts by a column, or the other way round if they are sorted by it."""
        return f"-{name}" if self.params["sort"] == name else name


def read_params(request: WebRequest) -> dict[str, str]:
    """Return the filter in an address."""
    given = {name: request.query_params.get(name, "").strip() for name in ("show", "q", "indexer", "quality", "sort")}
    given["show"] = given["show"] if given["show"] in _SHOWS else "all"
    given["sort"] = given["sort"] if given["sort"].lstrip("-") in _SORTS else "score"
    return given


def _sorted(releases: Sequence[downloads.Release], sort: str) -> list[downloads.Release]:
    """Return releases in an order; `-` in front of its name reverses it. Equal ones stay as the search ranked them."""
    order = _SORTS[sort.lstrip("-")]
    known = [release for release in releases if order.key(release) is not None]
    known.sort(key=order.key, reverse=order.descending != sort.startswith("-"))
    return known + [release for release in releases if order.key(release) is None]


def results_of(found: downloads.history.SearchView, caller: Caller, params: Mapping[str, str]) -> Results:
    """Return the releases of a search that pass a filter, with counts of all of them."""
    now = clock.now()
    search = found.search
    can_grab = caller.can(Permission.MANAGE_MEDIA)
    first = next((release.id for release in found.releases if release.verdict in ("approved", "grabbed")), None)
    rows = [
        row_of(release, now, found.earlier.get(release.id), best=release.id == first, can_grab=can_grab)
        for release in _sorted(found.releases, params["sort"])
    ]
    words = params["q"].casefold().split()
    shown = [
        row
        for row in rows
        if all(word in row.title.casefold() for word in words)
        and params["indexer"] in ("", row.indexer)
        and params["quality"] in ("", row.quality)
    ]
    accepted = [row for row in shown if row.accepted]
    rejected = [row for row in shown if not row.accepted]
    reasons = Counter(
        downloads.wording.reason_word(str(release.objections[0]["reason"]))
        for release in found.releases
        if release.objections
    )
    return Results(
        search_id=search.id,
        item_id=search.media_item_id,
        running=search.state == "running",
        rows=tuple(accepted) if params["show"] != "rejected" else (),
        rejected=tuple(rejected) if params["show"] != "accepted" else (),
        total=len(rows),
        accepted_count=sum(1 for row in rows if row.accepted),
        rejected_count=sum(1 for row in rows if not row.accepted),
        by_reason=" · ".join(f"{count} {word}" for word, count in reasons.most_common(5)),
        indexers=tuple(indexer_state(entry) for entry in search.indexers),
        sentence="" if search.state == "running" else downloads.wording.search_sentence(search),
        params=params,
        indexer_names=tuple(dict.fromkeys(row.indexer for row in rows)),
        qualities=tuple(dict.fromkeys(row.quality for row in rows)),
        can_settings=caller.can(Permission.MANAGE_SETTINGS),
        can_grab=can_grab,
        seen=_seen(search),
    )


def _seen(search: downloads.Search) -> str:
    answered = sum(1 for entry in search.indexers if entry["state"] not in ("searching", "retry"))
    return f"{search.state}-{answered}-{len(search.indexers)}"


def search_tick(session: Session, caller: Caller, search_id: str) -> tuple[str, str] | None:
    """Return what `releases/_tick.html` needs for the live stream; None if there is no such search."""
    search = downloads.history.find_search(session, caller, search_id)
    return None if search is None else (search.id, _seen(search))


def indexer_state(entry: Mapping[str, Any]) -> IndexerState:
    """Return what one indexer of a search answered."""
    state = "searching" if entry["state"] == "retry" else str(entry["state"])
    ms = entry.get("ms")
    said = f"{entry.get('found', 0)}" + (f" · {ms / 1000:.1f} s" if ms is not None else "")
    return IndexerState(
        id=str(entry["id"]),
        name=str(entry["name"]),
        state=state,
        said=said,
        error=downloads.wording.indexer_error(entry),
    )


def row_of(
    release: downloads.Release,
    now: datetime,
    earlier: tuple[str, datetime] | None,
    *,
    best: bool,
    can_grab: bool,
    error: str | None = None,
    insists: bool = False,
) -> Row:
    """Return a release as the dialog shows it."""
    parsed = release.parsed
    tags = [_FLAGS[flag] for flag in release.flags if flag in _FLAGS]
    if parsed.get("season_pack"):
        tags.append("Season pack")
    if parsed.get("proper"):
        tags.append("Proper")
    if parsed.get("edition"):
        tags.append(str(parsed["edition"]))
    if release.protocol == "usenet":
        swarm = "Usenet"
    elif release.seeders is None:
        swarm = "Seeders unknown"
    else:
        leechers = max(0, (release.peers or release.seeders) - release.seeders)
        swarm = plural(release.seeders, "seeder") + (f" · {plural(leechers, 'peer')}" if leechers else "")
    before = f"{_EARLIER[earlier[0]]}, {earlier[1]:%-d %b %Y}" if earlier and earlier[0] in _EARLIER else None
    return Row(
        id=release.id,
        title=release.title,
        spec=specs.strip_of_release(release.quality, parsed),
        quality=release.quality_name,
        score=release.format_score,
        place=release.position + 1,
        best=best,
        accepted=release.verdict in ("approved", "grabbed"),
        sent=release.verdict == "grabbed" if earlier is None else earlier[0] not in _EARLIER,
        size=units.size(release.size_bytes),
        age=_age(release.published_at, now),
        indexer=release.indexer_name,
        languages=_languages(release),
        swarm=swarm,
        page_url=release.page_url if (release.page_url or "").startswith(("http://", "https://")) else None,
        tags=tuple(tags),
        formats=tuple((str(one["name"]), int(one["score"])) for one in release.formats),
        objections=downloads.wording.objections(release),
        waiting=release.verdict == "waiting",
        preference=tuple(text for _, _, text in downloads.wording.preference(release) if text),
        earlier=before,
        can_grab=can_grab,
        error=error,
        insists=insists,
    )


def _languages(release: downloads.Release) -> str:
    """Return the languages a release is known to have: `English, German`; empty when neither name nor indexer says."""
    return language_names(str(code) for code in release.parsed.get("languages") or ())


def _age(at: datetime | None, now: datetime) -> str:
    if at is None:
        return ""
    days = (now - at).total_seconds() / 86_400
    if days < 1:
        return f"{max(0, round(days * 24))} h"
    return f"{round(days)} d" if days < 730 else f"{days / 365.25:.0f} y"
