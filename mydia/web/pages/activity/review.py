"""The import review: files that the scan could not match with certainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from litestar import Response, get
from litestar.params import FromQuery
from sqlalchemy.orm import Session

from mydia.contexts import library, metadata, settings
from mydia.contexts.library import InboxEntry
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid
from mydia.events import say
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, DepsDep, WebRequest
from mydia.web.pages.activity.scans import ScanState, scan_states
from mydia.web.render import page, query
from mydia.web.views import Artwork, specs
from mydia.web.views.cards import preview

BUCKETS: tuple[tuple[str, str, str, str], ...] = (
    ("ready", "ready", "Confident", "ok"),
    ("check", "needs_attention", "To check", "miss"),
    ("none", "no_match", "No match", "fail"),
    ("ignored", "ignored", "Ignored", "ink-3"),
    ("done", "done", "Done", "ink-3"),
)
"""(in the address, state of the inbox, label, tone)."""


_PAGE = 50


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A title that an entry may match."""

    number: int
    title: str
    year: int | None
    kind: str
    overview: str | None
    art: Artwork
    percent: int
    evidence: tuple[tuple[str, str], ...]
    """(`yes`, `no` or `warn`; sentence)."""
    here: bool
    catalogue: str
    key: str
    """`item <id>` for a title of the library, otherwise type and catalogue id, e.g. `movie tmdb:19`."""


class EntryLine(msgspec.Struct, frozen=True, kw_only=True):
    """An entry in the list at the left."""

    id: str
    title: str
    file: str
    percent: int | None
    href: str
    chosen: bool


class EpisodeLine(msgspec.Struct, frozen=True):
    """A file of a series, and what its name says of its episodes."""

    file_id: str
    name: str
    read: str
    """`S01E02`, an absolute number or a date; empty when the name says nothing that fits."""
    likely: str
    """With a doubt: the more likely reading."""


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """The entry that is being decided."""

    id: str
    title: str
    year: int | None
    type: MediaType
    state: str
    reason: str | None
    folder: str
    name: str
    more_files: tuple[str, ...]
    spec: specs.Strip | None
    duration_s: float | None
    size_bytes: int
    candidates: tuple[Candidate, ...]
    siblings: bool
    skip: str
    """Address of the next entry."""
    chosen_title: str | None
    can_ignore_folder: bool
    episodes: tuple[EpisodeLine, ...]
    """The files of a series; those whose episode is not clear come first."""


class ImportsView(msgspec.Struct, frozen=True, kw_only=True):
    """The review."""

    bucket: str
    label: str
    buckets: tuple[tuple[str, str, str, int, bool], ...]
    """(in the address, label, tone, count, chosen)."""
    rail: tuple[tuple[str, float], ...]
    ready: int
    waiting: int
    lines: tuple[EntryLine, ...]
    rows: tuple[tuple[EntryLine, Candidate | None], ...]
    """The confident ones as a table."""
    entry: EntryView | None
    more: str | None
    q: str
    scans: tuple[ScanState, ...]
    providers: bool
    silent_source: str
    """Name of the metadata source if it does not answer; empty otherwise."""
    unmatched: int
    """Files that wait for the source, and are therefore not in the review yet."""
    has_paths: bool
    can_settings: bool
    total: int
    """Entries that the filter matches."""
    ignored_folders: tuple[library.ignored_folders.IgnoredFolderView, ...]


@get("/imports", sync_to_thread=True, include_in_schema=False)
def show_imports(
    request: WebRequest,
    database: DatabaseDep,
    deps: DepsDep,
    caller: CallerDep,
    bucket: FromQuery[str] = "",
    entry: FromQuery[str] = "",
    q: FromQuery[str] = "",
    cursor: FromQuery[str] = "",
) -> Response[str]:
    """Show what waits for a decision."""
    states = {slug: state for slug, state, _, _ in BUCKETS}
    if bucket and bucket not in states:
        raise Invalid(f"Show one of {', '.join(states)}.")
    with database.reads() as session:
        counts = library.inbox.inbox_counts(session, caller)
        chosen = bucket or next((slug for slug in ("check", "none", "ready") if getattr(counts, states[slug])), "check")
        found = library.inbox.list_inbox(
            session, caller, state=states[chosen], text=q or None, cursor=cursor or None, limit=_PAGE
        )
        rows = found.entries
        picked = next((row for row in rows if row.id == entry), None)
        if picked is None and entry:
            picked = library.inbox.find_entry(session, caller, entry)
            picked = picked if picked is not None and picked.state == states[chosen] else None
        picked = picked or (rows[0] if rows and chosen != "ready" else None)
        view_entry = _entry(session, caller, picked, rows, chosen, q) if picked is not None else None
        scans = scan_states(session, caller)
        paths = settings.library_paths.list_library_paths(session, caller)
        source = metadata.source_state(session, deps.outside, caller)
        silent = source.name if source is not None and source.answers is False else ""
        unmatched = sum(library.files.new_files(session, caller).values()) if silent else 0
        ignored = tuple(library.ignored_folders.list_ignored_folders(session, caller))
        total = (
            len(library.inbox.inbox_ids(session, caller, state=states[chosen], text=q))
            if q
            else getattr(counts, states[chosen])
        )
    whole = counts.ready + counts.needs_attention + counts.no_match
    view = ImportsView(
        bucket=chosen,
        label=next(label for slug, _, label, _ in BUCKETS if slug == chosen),
        buckets=tuple(
            (slug, label, tone, getattr(counts, state), slug == chosen)
            for slug, state, label, tone in BUCKETS
            if slug in ("ready", "check", "none")
            or getattr(counts, state)
            or slug == chosen
            or (slug == "ignored" and ignored)
        ),
        rail=tuple(
            (kind, 100 * number / whole)
            for kind, number in (("ok", counts.ready), ("miss", counts.needs_attention), ("fail", counts.no_match))
            if whole and number
        ),
        ready=counts.ready,
        waiting=counts.waiting,
        lines=tuple(_line(row, chosen, q, chosen_id=picked.id if picked else "") for row in rows),
        rows=tuple(
            (_line(row, chosen, q, chosen_id=""), candidate_view(1, row.candidates[0]) if row.candidates else None)
            for row in rows
        )
        if chosen == "ready" and picked is None
        else (),
        entry=view_entry,
        more=f"/imports{query({'bucket': chosen, 'q': q, 'cursor': found.next_cursor})}" if found.next_cursor else None,
        q=q,
        scans=scans,
        silent_source=silent,
        unmatched=unmatched,
        providers=deps.outside.metadata().available,
        has_paths=bool(paths),
        can_settings=caller.can(Permission.MANAGE_SETTINGS),
        total=total,
        ignored_folders=ignored if chosen == "ignored" else (),
    )
    return page(request, "imports/page.html", view, active="imports", topics=["imports"])


def _line(row: InboxEntry, bucket: str, q: str, *, chosen_id: str) -> EntryLine:
    files = row.parsed.get("files") or ()
    name = str(files[0].get("path", "")).rpartition("/")[2] if files else ""
    best = row.candidates[0] if row.candidates else None
    return EntryLine(
        id=row.id,
        title=str(best["title"]) if best and row.state != "no_match" else row.title,
        file=name or row.folder,
        percent=round(100 * float(best["score"])) if best else None,
        href=f"/imports{query({'bucket': bucket, 'q': q, 'entry': row.id})}",
        chosen=row.id == chosen_id,
    )


def _entry(
    session: Session, caller: Caller, row: InboxEntry, rows: Sequence[InboxEntry], bucket: str, q: str
) -> EntryView:
    files = library.inbox.files_of_entry(session, caller, row.id)
    first = library.files.get_file(session, caller, files[0].id) if files else None
    ids = [one.id for one in rows]
    following = ids[ids.index(row.id) + 1] if row.id in ids and ids.index(row.id) + 1 < len(ids) else None
    names = [one.relative_path.rpartition("/")[2] for one in files]
    path = settings.library_paths.get_library_path(session, caller, row.library_path_id)
    shown = first.shown_path if first else row.folder
    return EntryView(
        id=row.id,
        title=row.title,
        year=row.year,
        type=row.type,
        state=row.state,
        reason=row.reason,
        folder=f"{path.path}/{shown.rpartition('/')[0]}".rstrip("/") + "/",
        name=shown.rpartition("/")[2],
        more_files=tuple(names[1:13]) + ((f"and {len(names) - 13} more",) if len(names) > 13 else ()),
        spec=specs.strip_of(first.spec) if first else None,
        duration_s=first.duration_s if first else None,
        size_bytes=row.size_bytes,
        candidates=tuple(candidate_view(place, told) for place, told in enumerate(row.candidates[:9], 1)),
        siblings=any(other.id != row.id and other.folder == row.folder and row.folder for other in rows),
        skip=f"/imports{query({'bucket': bucket, 'q': q, 'entry': following})}",
        chosen_title=str(row.chosen["title"]) if row.chosen else None,
        can_ignore_folder=any("/" in one.relative_path for one in files),
        episodes=_episode_lines(session, caller, row) if row.type == MediaType.TV_SHOW else (),
    )


_EPISODE_LINES = 200


def _episode_lines(session: Session, caller: Caller, row: InboxEntry) -> tuple[EpisodeLine, ...]:
    unclear = row.reason_code in library.reasons.EPISODE_UNCLEAR
    best = row.candidates[0].get("media_item_id") if row.candidates else None
    codes = library.inbox.episode_codes(session, caller, best) if best else {}
    lines = [
        EpisodeLine(
            str(file["id"]),
            str(file["path"]).rpartition("/")[2],
            "" if unclear else _numbers_read(file),
            ", ".join(codes[one] for one in file.get("likely") or () if one in codes),
        )
        for file in row.parsed.get("files") or ()
        if "id" in file
    ]
    return tuple(sorted(lines, key=lambda line: bool(line.read))[:_EPISODE_LINES])


def _numbers_read(file: Mapping[str, Any]) -> str:
    """Return the episodes in a stored file's name.

    >>> _numbers_read({"season": 1, "episodes": [3, 4]}), _numbers_read({"absolute": [29]}), _numbers_read({})
    ('S01E03E04', '29', '')
    """
    if file.get("season") is not None and file.get("episodes"):
        return f"S{file['season']:02}" + "".join(f"E{number:02}" for number in file["episodes"])
    numbers = file.get("absolute") or file.get("episodes") or ()
    return ", ".join(f"{number:g}" for number in numbers) or str(file.get("air_on") or "")


def candidate_view(number: int, told: Mapping[str, Any]) -> Candidate:
    """Return a stored candidate as the page shows it."""
    numbers = [f"{name}:{told[f'{name}_id']}" for name in ("tmdb", "tvdb", "imdb") if told.get(f"{name}_id")]
    return Candidate(
        number=number,
        title=str(told["title"]),
        year=told.get("year"),
        kind="Show" if told.get("type") == MediaType.TV_SHOW else "Movie",
        overview=told.get("overview"),
        art=preview("poster", told.get("poster")),
        percent=round(100 * float(told.get("score") or 0)),
        evidence=tuple((str(one["verdict"]), say(one)) for one in told.get("evidence") or ()),
        here=bool(told.get("media_item_id")),
        catalogue=numbers[0] if numbers else "",
        key=f"item {told['media_item_id']}"
        if told.get("media_item_id")
        else f"{told.get('type')} {numbers[0] if numbers else ''}",
    )


ROUTES: tuple[Any, ...] = (show_imports,)
