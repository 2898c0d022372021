"""`/api/v1/downloads`, searches with their releases and objections, and the blocklist."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import downloads
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.events import say
from mydia.web import patterns
from mydia.web.api.schemas import Accepted, AtLeastOne, Cursor, Id, Limit, Name, Page, SmallInt, Struct, Text
from mydia.web.api.system import Happening, happening
from mydia.web.deps import CallerDep, DatabaseDep, OutsideDep

States = Annotated[
    list[
        Literal[
            "open",
            "grabbing",
            "queued",
            "downloading",
            "stalled",
            "paused",
            "completed",
            "importing",
            "blocked",
            "imported",
            "failed",
            "removed",
            "ignored",
        ]
    ]
    | None,
    QueryParameter(
        name="state", description="`open` for unfinished downloads; by default all downloads, including finished ones."
    ),
]


type Link = Annotated[str, Meta(max_length=20_000, pattern=patterns.LINK)]
type Id64 = Annotated[str, Meta(min_length=1, max_length=64)]


class Reason(Struct):
    """A reason in a download's history."""

    at: datetime
    kind: str
    """grab | block | fail | note"""
    code: str | None
    """A stable code; null in reasons stored by older versions."""
    facts: dict[str, Any]
    text: str
    """The reason as a sentence."""


class FormatMatch(Struct):
    """A custom format that matches a release, with its score in the profile at that time."""

    id: str
    name: str
    score: int


def format_matches(stored: list[Any]) -> list[FormatMatch]:
    """Return stored matches."""
    return [FormatMatch(id=str(one["id"]), name=str(one["name"]), score=int(one["score"])) for one in stored]


class DownloadShape(Struct):
    """A release that was sent to a download client. Finished downloads are kept as history."""

    id: str
    media_id: str | None
    media_title: str
    version_id: str | None
    release_title: str
    format_score: int
    """Score of its custom formats when it was grabbed."""
    formats: list[FormatMatch]
    quality: str
    protocol: str
    state: str
    state_since: datetime
    progress: float
    """From 0 to 1."""
    speed_bytes_per_s: int | None
    eta_s: int | None
    size_bytes: int | None
    seeders: int | None
    peers: int | None
    ratio: float | None
    client_id: str | None
    client: str
    indexer_id: str | None
    indexer: str | None
    category: str | None
    cause: str
    requested_by: str | None
    reasons: list[Reason]
    message: str | None
    """The client's message."""
    added_at: datetime
    completed_at: datetime | None
    imported_at: datetime | None
    seen_at: datetime | None


def download(row: downloads.Download) -> DownloadShape:
    """Return a download."""
    return DownloadShape(**_facts(row))


class DownloadStory(DownloadShape):
    """A download with its events and imported files."""

    files: list[str]
    """Paths relative to their library folders."""
    events: list[Happening]


def _facts(row: downloads.Download) -> dict[str, Any]:
    return {
        "id": row.id,
        "media_id": row.media_item_id,
        "media_title": row.media_title,
        "version_id": row.version_id,
        "release_title": row.release_title,
        "format_score": row.format_score,
        "formats": format_matches(row.formats),
        "quality": row.quality_name,
        "protocol": row.protocol,
        "state": row.state,
        "state_since": row.state_since,
        "progress": row.progress,
        "speed_bytes_per_s": row.speed_bytes_per_s,
        "eta_s": row.eta_s,
        "size_bytes": row.size_bytes,
        "seeders": row.seeders,
        "peers": row.peers,
        "ratio": row.ratio,
        "client_id": row.client_id,
        "client": row.client_name,
        "indexer_id": row.indexer_id,
        "indexer": row.indexer_name,
        "category": row.category,
        "cause": row.cause,
        "requested_by": row.requested_by,
        "reasons": [
            Reason(
                at=datetime.fromisoformat(entry["at"]),
                kind=str(entry["kind"]),
                code=entry.get("code"),
                facts=entry.get("facts") or {},
                text=say(entry),
            )
            for entry in row.reasons
        ],
        "message": row.remote_message,
        "added_at": row.added_at,
        "completed_at": row.completed_at,
        "imported_at": row.imported_at,
        "seen_at": row.seen_at,
    }


class NewDownload(AtLeastOne):
    """A release from a search, or a link for a title."""

    groups = (("release_id",), ("link", "media_id"))

    release_id: str | None = None
    override: bool = False
    """Grab the release despite its objections."""
    media_id: str | None = None
    link: Link | None = None
    """A magnet link, or a URL on the host of a configured indexer."""
    title: Name | None = None
    """The release name; by default taken from the link."""
    episode_ids: list[str] = []
    """The episodes it contains; by default parsed from the release name."""


class SearchShape(Struct):
    """A search on the indexers."""

    id: str
    media_id: str
    version_id: str | None
    season: int | None
    episode_ids: list[str]
    cause: str
    state: str
    """running | done"""
    started_at: datetime
    finished_at: datetime | None
    found: int
    approved: int
    indexers: list[dict[str, Any]]
    """The result of each indexer."""
    sentence: str | None
    """The outcome: what was grabbed, or why nothing was."""


class Objection(Struct):
    """A reason for rejecting a release."""

    reason: str
    """The rule that rejected it."""
    code: str | None
    """The case within the rule; null in objections stored by older versions."""
    facts: dict[str, Any]
    text: str
    """The objection as a sentence."""
    permanent: bool
    known_as: str
    """The name of the reason in Sonarr and Radarr, such as `DiskCutoffMet`; empty for reasons of older versions."""


class Preferred(Struct):
    """A criterion by which releases are compared, in order of importance."""

    name: str
    value: int
    text: str


class ReleaseShape(Struct):
    """A release that a search found, with its verdict and reasons."""

    id: str
    title: str
    position: int
    """Position in the search results; 0 is the best."""
    verdict: str
    """approved | refused | waiting | grabbed"""
    objections: list[Objection]
    preference: list[Preferred]
    format_score: int
    """Sum of the profile's scores for the custom formats that match."""
    formats: list[FormatMatch]
    """The custom formats that match, those that count first."""
    quality: str
    protocol: str
    indexer_id: str | None
    indexer: str
    size_bytes: int | None
    published_at: datetime | None
    seeders: int | None
    peers: int | None
    flags: list[str]
    info_hash: str | None
    page_url: str | None
    episode_ids: list[str]
    seen_at: datetime


class SearchResult(SearchShape):
    """A search with all releases found, best first."""

    releases: list[ReleaseShape]


class NewSearch(Struct):
    """What to search for; by default the whole title."""

    season: SmallInt | None = None
    episode_ids: list[str] = []
    version_id: str | None = None
    """By default the first version."""


class Blocked(Struct):
    """A blocklisted release."""

    id: str
    media_id: str | None
    media_title: str
    title: str
    indexer: str | None
    quality: str | None
    size_bytes: int | None
    reason: str
    added_at: datetime


class Unknown(Struct):
    """A download in one of Mydia's categories that Mydia did not start."""

    id: str
    client_id: str
    name: str
    protocol: str
    state: str
    progress: float
    size_bytes: int | None
    first_seen_at: datetime


class Adoption(Struct):
    """The title a download is for."""

    media_id: str
    episode_ids: list[str] = []


def _search(row: downloads.Search) -> dict[str, Any]:
    return {
        "id": row.id,
        "media_id": row.media_item_id,
        "version_id": row.version_id,
        "season": row.season_number,
        "episode_ids": [str(id) for id in row.episode_ids],
        "cause": row.cause,
        "state": row.state,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "found": row.found,
        "approved": row.approved,
        "indexers": [{**entry, "error": downloads.wording.indexer_error(entry)} for entry in row.indexers],
        "sentence": downloads.wording.search_sentence(row),
    }


def release(row: downloads.Release) -> ReleaseShape:
    """Return a release that a search found."""
    return ReleaseShape(
        id=row.id,
        title=row.title,
        position=row.position,
        verdict=row.verdict,
        objections=[
            Objection(
                reason=str(entry["reason"]),
                code=entry.get("code"),
                facts=entry.get("facts") or {},
                text=say(entry),
                permanent=bool(entry["permanent"]),
                known_as=downloads.wording.known_as(entry),
            )
            for entry in row.objections
        ],
        preference=[
            Preferred(name=name, value=value, text=text) for name, value, text in downloads.wording.preference(row)
        ],
        format_score=row.format_score,
        formats=format_matches(row.formats),
        quality=row.quality_name,
        protocol=row.protocol,
        indexer_id=row.indexer_id,
        indexer=row.indexer_name,
        size_bytes=row.size_bytes,
        published_at=row.published_at,
        seeders=row.seeders,
        peers=row.peers,
        flags=[str(flag) for flag in row.flags],
        info_hash=row.info_hash,
        page_url=row.page_url,
        episode_ids=[str(id) for id in row.episode_ids],
        seen_at=row.seen_at,
    )


@get("/downloads", sync_to_thread=True, summary="List downloads")
def list_downloads(
    database: DatabaseDep,
    caller: CallerDep,
    wanted_state: States = None,
    media_id: Id = None,
    client_id: Id = None,
    indexer_id: Id = None,
    q: Text = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[DownloadShape]:
    """Return a page of downloads, newest first. Use `state=open` for the queue."""
    wanted: list[str] = []
    for one in wanted_state or ():
        wanted += downloads.OPEN_STATES if one == "open" else [one]
    with database.reads() as session:
        rows, following = downloads.history.list_history(
            session,
            caller,
            item_id=media_id,
            states=wanted,
            client_id=client_id,
            indexer_id=indexer_id,
            text=q or "",
            cursor=cursor,
            limit=limit,
        )
    return Page(items=[download(row) for row in rows], next_cursor=following)


@post("/downloads", sync_to_thread=True, summary="Grab a release, or add a link for a title")
def add_download(
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    data: JSONBody[NewDownload],
) -> DownloadShape:
    """Send a release to a download client. 409 with the objections if there are any and `override` is not set."""
    now = clock.now()
    release_id, override = data.release_id, data.override
    if not release_id:
        assert data.media_id is not None
        assert data.link is not None
        with database.writes() as session:
            release_id = downloads.add_link(
                session,
                caller,
                now,
                data.media_id,
                data.link,
                title=data.title,
                episode_ids=data.episode_ids,
            )
        override = True
    download_id = downloads.grab(
        database, outside, caller, now, release_id, override=override, cause=downloads.SearchCause.MANUAL
    )
    return _one(database, caller, download_id)


@get("/downloads/{download_id:str}", sync_to_thread=True, summary="Get a download")
def get_download(database: DatabaseDep, caller: CallerDep, download_id: FromPath[str]) -> DownloadStory:
    """Return a download with its events and imported files."""
    with database.reads() as session:
        story = downloads.history.story_of(session, caller, download_id)
    return DownloadStory(
        **_facts(story.download), files=list(story.files), events=[happening(event) for event in story.events]
    )


@post("/downloads/{download_id:str}/pause", sync_to_thread=True, status_code=200, summary="Pause a download")
def pause_download(
    database: DatabaseDep, outside: OutsideDep, caller: CallerDep, download_id: FromPath[str]
) -> DownloadShape:
    """Pause a download in its client."""
    downloads.queue.pause(database, outside, caller, clock.now(), download_id)
    return _one(database, caller, download_id)


@post("/downloads/{download_id:str}/resume", sync_to_thread=True, status_code=200, summary="Resume a download")
def resume_download(
    database: DatabaseDep, outside: OutsideDep, caller: CallerDep, download_id: FromPath[str]
) -> DownloadShape:
    """Resume a paused download."""
    downloads.queue.resume(database, outside, caller, clock.now(), download_id)
    return _one(database, caller, download_id)


@post("/downloads/{download_id:str}/import", sync_to_thread=True, status_code=202, summary="Import a download")
def import_download(database: DatabaseDep, caller: CallerDep, download_id: FromPath[str]) -> Accepted:
    """Import a finished download, or retry a blocked import."""
    with database.writes() as session:
        downloads.importing.request_import(session, caller, download_id)
    return Accepted(detail="A job imports the files; get the download to see the result.", id=download_id)


@post("/downloads/{download_id:str}/failed", sync_to_thread=True, status_code=200, summary="Mark a download as failed")
def mark_failed(database: DatabaseDep, caller: CallerDep, download_id: FromPath[str]) -> DownloadShape:
    """Put the release of a download that has ended on the blocklist and search for another one.

    Its files in the library stay. 409 while it is in the queue.
    """
    with database.writes() as session:
        downloads.queue.mark_failed(session, caller, clock.now(), download_id)
    return _one(database, caller, download_id)


@delete("/downloads/{download_id:str}", sync_to_thread=True, status_code=204, summary="Remove a download")
def remove_download(
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    download_id: FromPath[str],
    from_client: FromQuery[bool] = True,
    delete_files: FromQuery[bool] = True,
    blocklist: FromQuery[bool] = False,
    search_again: FromQuery[bool] = False,
) -> None:
    """Remove a download from the queue, and optionally from its client, with its files, and block its release."""
    downloads.queue.remove(
        database,
        outside,
        caller,
        clock.now(),
        download_id,
        from_client=from_client,
        delete_files=delete_files,
        blocklist=blocklist,
        search_again=search_again,
    )


def _one(database: Database, caller: Caller, download_id: str) -> DownloadShape:
    with database.reads() as session:
        return download(downloads.history.get_download(session, caller, download_id))


@get("/unknown-downloads", sync_to_thread=True, summary="List downloads that Mydia did not start")
def list_unknown(database: DatabaseDep, caller: CallerDep) -> list[Unknown]:
    """Return downloads in Mydia's categories that Mydia did not start."""
    with database.reads() as session:
        return [
            Unknown(
                id=row.id,
                client_id=row.client_id,
                name=row.name,
                protocol=row.protocol,
                state=row.state,
                progress=row.progress,
                size_bytes=row.size_bytes,
                first_seen_at=row.first_seen_at,
            )
            for row in downloads.unknown.list_unknown(session, caller)
        ]


@post("/unknown-downloads/{unknown_id:str}/adopt", sync_to_thread=True, summary="Adopt a download")
def adopt_download(
    database: DatabaseDep, caller: CallerDep, unknown_id: FromPath[str], data: JSONBody[Adoption]
) -> DownloadShape:
    """Track and import a download that Mydia did not start."""
    with database.writes() as session:
        download_id = downloads.unknown.adopt(
            session, caller, clock.now(), unknown_id, data.media_id, episode_ids=data.episode_ids
        )
    return _one(database, caller, download_id)


@delete("/unknown-downloads/{unknown_id:str}", sync_to_thread=True, status_code=204, summary="Ignore a download")
def ignore_unknown(database: DatabaseDep, caller: CallerDep, unknown_id: FromPath[str]) -> None:
    """Stop offering a download for adoption. The download itself is not changed."""
    with database.writes() as session:
        downloads.unknown.ignore_unknown(session, caller, unknown_id)


@get("/media/{media_id:str}/searches", sync_to_thread=True, summary="List a title's searches")
def list_searches(
    database: DatabaseDep, caller: CallerDep, media_id: FromPath[str], limit: Limit = 20
) -> list[SearchShape]:
    """Return the latest searches for a title, newest first."""
    with database.reads() as session:
        return [
            SearchShape(**_search(row))
            for row in downloads.history.list_searches(session, caller, media_id, limit=limit)
        ]


@post("/media/{media_id:str}/searches", sync_to_thread=True, status_code=202, summary="Start a manual search")
def open_search(
    database: DatabaseDep, caller: CallerDep, media_id: FromPath[str], data: JSONBody[NewSearch | None] = None
) -> Accepted:
    """Search all indexers without grabbing anything. Get the search by its id to see the releases found so far."""
    asked = data or NewSearch()
    target = downloads.SearchTarget(
        media_id, asked.version_id, season_number=asked.season, episode_ids=tuple(asked.episode_ids)
    )
    with database.writes() as session:
        search_id = downloads.open_search(session, caller, clock.now(), target)
    return Accepted(detail=f"The search is running; see /api/v1/searches/{search_id}.", id=search_id)


@get("/searches/{search_id:str}", sync_to_thread=True, summary="Get a search")
def get_search(database: DatabaseDep, caller: CallerDep, search_id: FromPath[str]) -> SearchResult:
    """Return a search with the releases found so far and their objections, best first."""
    with database.reads() as session:
        return _result(session, caller, search_id)


@get("/media/{media_id:str}/releases", sync_to_thread=True, summary="Get a title's last search")
def list_releases(database: DatabaseDep, caller: CallerDep, media_id: FromPath[str]) -> SearchResult | None:
    """Return the last search for a title with its releases and objections; null if there is none."""
    with database.reads() as session:
        last = downloads.history.last_search(session, caller, media_id)
        return _result(session, caller, last.id) if last is not None else None


def _result(session: Session, caller: Caller, search_id: str) -> SearchResult:
    found = downloads.history.get_search(session, caller, search_id)
    return SearchResult(**_search(found.search), releases=[release(row) for row in found.releases])


@post("/releases/{release_id:str}/block", sync_to_thread=True, summary="Block a release")
def block_release(database: DatabaseDep, caller: CallerDep, release_id: FromPath[str]) -> Accepted:
    """Add a release to the blocklist, so that searches reject it."""
    with database.writes() as session:
        entry_id = downloads.blocklist.block_release(session, caller, clock.now(), release_id)
    return Accepted(status="blocked", detail="The release is on the blocklist.", id=entry_id)


@get("/blocklist", sync_to_thread=True, summary="List the blocklist")
def list_blocklist(
    database: DatabaseDep, caller: CallerDep, q: Text = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[Blocked]:
    """Return a page of blocklisted releases, newest first."""
    with database.reads() as session:
        rows, following = downloads.blocklist.list_blocklist(session, caller, text=q or "", cursor=cursor, limit=limit)
    return Page(
        items=[
            Blocked(
                id=row.id,
                media_id=row.media_item_id,
                media_title=row.media_title,
                title=row.title,
                indexer=row.indexer_name,
                quality=row.quality_name,
                size_bytes=row.size_bytes,
                reason=downloads.wording.blocked_because(row),
                added_at=row.added_at,
            )
            for row in rows
        ],
        next_cursor=following,
    )


class ToBlock(Struct):
    """A release to block by its name."""

    media_id: Id64
    title: Annotated[str, Meta(max_length=500, pattern=patterns.RELEASE_NAME)]
    protocol: Literal["torrent", "usenet"] = "torrent"
    reason: Annotated[str, Meta(max_length=500)] = ""


@post("/blocklist", sync_to_thread=True, summary="Block a release by name")
def block_name(database: DatabaseDep, caller: CallerDep, data: JSONBody[ToBlock]) -> Accepted:
    """Add a release to the blocklist by name. No search needs to have found it."""
    with database.writes() as session:
        entry_id = downloads.blocklist.block_name(
            session, caller, clock.now(), data.media_id, data.title, protocol=data.protocol, words=data.reason
        )
    return Accepted(status="blocked", id=entry_id)


@delete("/blocklist", sync_to_thread=True, status_code=204, summary="Clear the blocklist")
def clear_blocklist(database: DatabaseDep, caller: CallerDep) -> None:
    """Remove all releases from the blocklist."""
    with database.writes() as session:
        downloads.blocklist.clear_blocklist(session, caller)


@post(
    "/searches/{search_id:str}/indexers/{indexer_id:str}",
    sync_to_thread=True,
    status_code=202,
    summary="Retry a search on one indexer",
)
def retry_indexer(
    database: DatabaseDep, caller: CallerDep, search_id: FromPath[str], indexer_id: FromPath[str]
) -> Accepted:
    """Repeat a search on one indexer, for example after it failed."""
    with database.writes() as session:
        downloads.request_retry(session, caller, clock.now(), search_id, indexer_id)
    return Accepted(id=search_id, detail="A job searches the indexer; see /api/v1/searches/{id} for the result.")


@delete("/blocklist/{entry_id:str}", sync_to_thread=True, status_code=204, summary="Unblock a release")
def unblock(database: DatabaseDep, caller: CallerDep, entry_id: FromPath[str]) -> None:
    """Remove a release from the blocklist. Succeeds even if it is not on the list."""
    with database.writes() as session:
        downloads.blocklist.unblock(session, caller, [entry_id])


ROUTES: tuple[Any, ...] = (
    list_downloads,
    add_download,
    get_download,
    pause_download,
    resume_download,
    import_download,
    mark_failed,
    remove_download,
    list_unknown,
    adopt_download,
    ignore_unknown,
    list_searches,
    open_search,
    get_search,
    list_releases,
    block_release,
    list_blocklist,
    block_name,
    unblock,
    clear_blocklist,
    retry_indexer,
)
