"""`/api/v1/library/scan`, `/api/v1/files` and the import review."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from mydia import clock
from mydia.adapters.filesystem import shown
from mydia.contexts import library, media, metadata
from mydia.errors import Invalid
from mydia.events import say
from mydia.parsing import Quality
from mydia.vocabulary import MediaType
from mydia.web import patterns
from mydia.web.api.schemas import (
    Accepted,
    AtLeastOne,
    CatalogueNumber,
    Cursor,
    Id,
    Limit,
    Page,
    QualityName,
    SmallInt,
    Struct,
    Text,
)
from mydia.web.deps import CallerDep, DatabaseDep, OutsideDep, TaskBoardDep

FileStates = Annotated[Literal["new", "matched", "waiting", "ignored"] | None, QueryParameter()]
InboxStates = Annotated[
    list[Literal["new", "ready", "needs_attention", "no_match", "ignored", "queued", "done"]] | None,
    QueryParameter(name="state", description="By default, entries that wait for a decision."),
]


class NewScan(Struct):
    """The folder to scan; by default all folders."""

    path_id: str | None = None
    subfolder: str | None = None
    accept_missing: bool = False
    """Confirms that missing files are really gone."""


class ScanShape(Struct):
    """A scan of a library folder."""

    id: str
    path_id: str
    state: str
    """running | done | refused | failed | cancelled"""
    phase: str
    started_at: datetime
    finished_at: datetime | None
    done: int
    total: int | None
    current: str | None
    counts: dict[str, int]
    problems: list[str]
    reason: str | None


class SidecarShape(Struct):
    """A file beside a video."""

    id: str
    path: str
    kind: str
    language: str | None
    flags: list[str]


class FileShape(Struct):
    """A video file."""

    id: str
    path_id: str
    media_id: str | None
    version_id: str | None
    episode_ids: list[str]
    kind: str
    match_state: str
    path: str
    """Absolute path as Mydia sees it; bytes that are not valid UTF-8 are replaced by �."""
    size_bytes: int
    quality: str
    badges: list[str]
    """Technical properties for display, most important first."""
    container: str | None
    width: int | None
    height: int | None
    resolution: str | None
    """Such as `1080p`."""
    video_codec: str | None
    bit_depth: int | None
    hdr_format: str | None
    audio_codec: str | None
    audio_channels: str | None
    duration_s: float | None
    bitrate_bps: int | None
    languages: list[str]
    audio_tracks: list[dict[str, Any]]
    subtitle_tracks: list[dict[str, Any]]
    sidecars: list[SidecarShape]
    edition: str | None
    release_name: str | None
    release_group: str | None
    match_score: float | None
    match_evidence: list[str]
    download_id: str | None
    analysed_at: datetime | None
    analysis_error: str | None
    added_at: datetime
    missing_since: datetime | None


class FileChange(Struct):
    """What to correct of a file. What is left out stays as it is."""

    quality: QualityName | None = None
    """The name of a quality, such as `WEBDL-1080p`."""
    languages: list[str] | None = None
    release_group: str | None = None
    """An empty text removes it."""
    edition: str | None = None
    """An empty text removes it."""
    episode_ids: list[str] | None = None
    """The episodes that the file holds."""


class EvidenceShape(Struct):
    """Evidence for or against a candidate."""

    verdict: str
    """yes | no | warn"""
    text: str


class CandidateShape(Struct):
    """A title that files may belong to."""

    type: MediaType
    title: str
    year: int | None
    tmdb_id: int | None
    tvdb_id: int | None
    imdb_id: str | None
    score: float
    evidence: list[EvidenceShape]
    media_id: str | None


class InboxShape(Struct):
    """A group of files that waits for a decision."""

    id: str
    path_id: str
    folder: str
    type: MediaType
    title: str
    year: int | None
    state: str
    reason: str | None
    files: int
    size_bytes: int
    candidates: list[CandidateShape]
    """Best first."""
    chosen: CandidateShape | None
    decided_at: datetime | None
    created_at: datetime


class InboxDetail(InboxShape):
    """An entry of the review with its files."""

    paths: list[str]


class Decision(Struct):
    """The title the files belong to: a candidate by position, or a title in the library."""

    candidate: SmallInt | None = None
    media_id: str | None = None
    episodes: dict[str, list[str]] = {}
    """File id -> episode ids, for files whose names do not identify the episode."""
    numbers: dict[str, str] = {}
    """File id -> its episodes in writing, such as `S01E03-E04`; also for a title that is not in the library yet."""
    monitored: bool | None = None
    """Whether to monitor a title that is added; null uses the setting."""
    whole_folder: bool = False


class Settled(Struct):
    """The result of a decision."""

    media_id: str
    files: int
    unclear: int
    """Files whose episode still has to be chosen."""
    added: bool


class CandidateSearch(Struct):
    """The title or catalogue id to search for."""

    q: str
    type: MediaType | None = None
    year: SmallInt | None = None


class RemovedFiles(Struct):
    """The result of a removal."""

    files: int
    size_bytes: int
    undo_id: str | None


def _scan(row: library.Scan) -> ScanShape:
    return ScanShape(
        id=row.id,
        path_id=row.library_path_id,
        state=row.state,
        phase=row.phase,
        started_at=row.started_at,
        finished_at=row.finished_at,
        done=row.progress_done,
        total=row.progress_total,
        current=shown(row.current) if row.current else None,
        counts={str(name): int(number) for name, number in row.counts.items()},
        problems=[shown(str(problem)) for problem in row.problems],
        reason=row.reason,
    )


@post("/library/scan", sync_to_thread=True, status_code=202, summary="Scan the library")
def scan(database: DatabaseDep, caller: CallerDep, data: JSONBody[NewScan | None] = None) -> Accepted:
    """Scan one library folder, or all of them."""
    asked = data or NewScan()
    with database.writes() as session:
        library.scanning.request_scan(
            session, caller, asked.path_id, subfolder=asked.subfolder, accept_missing=asked.accept_missing
        )
    return Accepted(detail="A job scans the folders; see /api/v1/library/scan-status.")


@get("/library/scan-status", sync_to_thread=True, summary="Get the state of scans")
def scan_status(database: DatabaseDep, caller: CallerDep) -> list[ScanShape]:
    """Return the latest scan of each library folder, running or finished."""
    with database.reads() as session:
        return [_scan(row) for row in library.scanning.latest_scans(session, caller).values()]


@get("/library/scans", sync_to_thread=True, summary="List scans")
def list_scans(database: DatabaseDep, caller: CallerDep, path_id: Id = None, limit: Limit = 50) -> list[ScanShape]:
    """Return scans, newest first."""
    with database.reads() as session:
        return [_scan(row) for row in library.scanning.list_scans(session, caller, path_id, limit=limit)]


def file(view: library.files.FileView) -> FileShape:
    """Return a file."""
    return FileShape(
        id=view.id,
        path_id=view.library_path_id,
        media_id=view.media_item_id,
        version_id=view.version_id,
        episode_ids=list(view.episode_ids),
        kind=view.kind,
        match_state=view.match_state,
        path=shown(view.path),
        size_bytes=view.size_bytes,
        quality=view.quality.name,
        badges=list(view.spec.parts),
        container=view.container,
        width=view.width,
        height=view.height,
        resolution=view.spec.resolution,
        video_codec=view.video_codec,
        bit_depth=view.bit_depth,
        hdr_format=view.hdr_format,
        audio_codec=view.audio_codec,
        audio_channels=view.audio_channels,
        duration_s=view.duration_s,
        bitrate_bps=view.bitrate_bps,
        languages=list(view.languages),
        audio_tracks=list(view.audio_tracks),
        subtitle_tracks=list(view.subtitle_tracks),
        sidecars=[
            SidecarShape(
                id=one.id, path=shown(one.relative_path), kind=one.kind, language=one.language, flags=list(one.flags)
            )
            for one in view.sidecars
        ],
        edition=view.edition,
        release_name=view.release_name,
        release_group=view.release_group,
        match_score=view.match_score,
        match_evidence=list(view.match_evidence),
        download_id=view.download_id,
        analysed_at=view.analysed_at,
        analysis_error=view.analysis_error,
        added_at=view.added_at,
        missing_since=view.missing_since,
    )


@get("/files", sync_to_thread=True, summary="List files")
def list_files(
    database: DatabaseDep,
    caller: CallerDep,
    path_id: Id = None,
    match_state: FileStates = None,
    missing: FromQuery[bool | None] = None,
    failed_analysis: FromQuery[bool] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[FileShape]:
    """Return a page of files in the order in which they were found."""
    with database.reads() as session:
        found = library.files.list_files(
            session,
            caller,
            library_path_id=path_id,
            match_state=match_state,
            missing=missing,
            failed_analysis=failed_analysis,
            cursor=cursor,
            limit=limit,
        )
    return Page(items=[file(view) for view in found.files], next_cursor=found.next_cursor)


@get("/files/{file_id:str}", sync_to_thread=True, summary="Get a file")
def get_file(database: DatabaseDep, caller: CallerDep, file_id: FromPath[str]) -> FileShape:
    """Return a file with its streams."""
    with database.reads() as session:
        return file(library.files.get_file(session, caller, file_id))


@put("/files/{file_id:str}", sync_to_thread=True, summary="Correct a file")
def change_file(
    database: DatabaseDep, caller: CallerDep, file_id: FromPath[str], data: JSONBody[FileChange]
) -> FileShape:
    """Correct what is known of a file: its quality, languages, release group, edition, and the episodes it holds."""
    quality = _quality(data.quality)
    with database.writes() as session:
        library.manual.change_files(
            session,
            caller,
            clock.now(),
            [file_id],
            quality=quality,
            languages=data.languages,
            release_group=data.release_group,
            edition=data.edition,
            episode_ids=data.episode_ids,
        )
    with database.reads() as session:
        return file(library.files.get_file(session, caller, file_id))


@delete("/files/{file_id:str}", sync_to_thread=True, status_code=200, summary="Remove a file")
def remove_file(
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    file_id: FromPath[str],
    for_good: FromQuery[bool] = False,
) -> RemovedFiles:
    """Remove a file from the library. It goes to the recycle bin unless `for_good` is set."""
    removed = library.recycle.remove_file(database, outside, caller, clock.now(), file_id, for_good=for_good)
    return RemovedFiles(files=removed.files, size_bytes=removed.size_bytes, undo_id=removed.batch_id)


@post("/files/{file_id:str}/analyse", sync_to_thread=True, status_code=200, summary="Analyse a file again")
def analyse_file(database: DatabaseDep, outside: OutsideDep, caller: CallerDep, file_id: FromPath[str]) -> FileShape:
    """Read a file's streams again and return it."""
    library.analyse_file(database, outside, caller, clock.now(), file_id)
    with database.reads() as session:
        return file(library.files.get_file(session, caller, file_id))


@get("/media/{media_id:str}/files", sync_to_thread=True, summary="List a title's files")
def files_of_media(database: DatabaseDep, caller: CallerDep, media_id: FromPath[str]) -> list[FileShape]:
    """Return a title's files, sorted by path."""
    with database.reads() as session:
        media.get_item(session, caller, media_id)
        return [file(view) for view in library.files.files_of_item(session, caller, media_id)]


def _candidate(told: dict[str, Any]) -> CandidateShape:
    return CandidateShape(
        type=told["type"],
        title=told["title"],
        year=told.get("year"),
        tmdb_id=told.get("tmdb_id"),
        tvdb_id=told.get("tvdb_id"),
        imdb_id=told.get("imdb_id"),
        score=float(told.get("score", 0)),
        evidence=[EvidenceShape(verdict=one["verdict"], text=say(one)) for one in told.get("evidence", ())],
        media_id=told.get("media_item_id"),
    )


def _entry(row: library.InboxEntry) -> dict[str, Any]:
    return {
        "id": row.id,
        "path_id": row.library_path_id,
        "folder": shown(row.folder),
        "type": row.type,
        "title": row.title,
        "year": row.year,
        "state": row.state,
        "reason": row.reason,
        "files": row.files_count,
        "size_bytes": row.size_bytes,
        "candidates": [_candidate(told) for told in row.candidates],
        "chosen": _candidate(row.chosen) if row.chosen else None,
        "decided_at": row.decided_at,
        "created_at": row.created_at,
    }


@get("/inbox", sync_to_thread=True, summary="List the import review")
def list_inbox(
    database: DatabaseDep,
    caller: CallerDep,
    wanted_state: InboxStates = None,
    path_id: Id = None,
    q: Text = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[InboxShape]:
    """Return a page of file groups that could not be matched with confidence, with their candidates."""
    with database.reads() as session:
        found = library.inbox.list_inbox(
            session, caller, state=wanted_state or None, library_path_id=path_id, text=q, cursor=cursor, limit=limit
        )
    return Page(items=[InboxShape(**_entry(row)) for row in found.entries], next_cursor=found.next_cursor)


@get("/inbox/{entry_id:str}", sync_to_thread=True, summary="Get a review entry")
def get_entry(database: DatabaseDep, caller: CallerDep, entry_id: FromPath[str]) -> InboxDetail:
    """Return an entry with its candidates and files."""
    with database.reads() as session:
        row = library.inbox.get_entry(session, caller, entry_id)
        paths = [shown(one.relative_path) for one in library.inbox.files_of_entry(session, caller, entry_id)]
    return InboxDetail(**_entry(row), paths=paths)


@post("/inbox/{entry_id:str}/decide", sync_to_thread=True, status_code=200, summary="Decide a review entry")
def decide(
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    entry_id: FromPath[str],
    data: JSONBody[Decision],
) -> Settled:
    """Link the files to a title. The title is added if it is not in the library."""
    made = library.inbox.decide(
        database,
        outside,
        caller,
        clock.now(),
        entry_id,
        candidate=data.candidate,
        media_item_id=data.media_id,
        episode_map=data.episodes or None,
        episodes=data.numbers,
        monitored=data.monitored,
        whole_folder=data.whole_folder,
    )
    return Settled(media_id=made.media_item_id, files=made.files, unclear=made.unclear, added=made.added)


@post("/inbox/{entry_id:str}/candidates", sync_to_thread=True, status_code=200, summary="Search for other candidates")
def search_candidates(
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    entry_id: FromPath[str],
    data: JSONBody[CandidateSearch],
) -> list[CandidateShape]:
    """Search for a title or catalogue id. The results replace the entry's candidates."""
    found = library.inbox.search_candidates(database, outside, caller, entry_id, data.q, type=data.type, year=data.year)
    return [_candidate(told) for told in found]


@post("/inbox/{entry_id:str}/ignore", sync_to_thread=True, status_code=204, summary="Ignore a review entry")
def ignore(database: DatabaseDep, caller: CallerDep, entry_id: FromPath[str]) -> None:
    """Leave the files where they are and take them out of the review."""
    with database.writes() as session:
        library.inbox.get_entry(session, caller, entry_id)
        library.inbox.ignore(session, caller, clock.now(), [entry_id])


@post("/inbox/{entry_id:str}/reopen", sync_to_thread=True, status_code=204, summary="Reopen a review entry")
def reopen(database: DatabaseDep, caller: CallerDep, entry_id: FromPath[str]) -> None:
    """Put an ignored or decided entry back into the review."""
    with database.writes() as session:
        library.inbox.get_entry(session, caller, entry_id)
        library.inbox.reopen(session, caller, clock.now(), [entry_id])


class ToImport(Struct):
    """The confident matches to import."""

    ids: list[str] | None = None
    """Null for all of them."""


@post("/inbox/import-ready", sync_to_thread=True, status_code=202, summary="Import confident matches")
def import_ready(database: DatabaseDep, caller: CallerDep, data: JSONBody[ToImport | None] = None) -> Accepted:
    """Import entries of the review with their best candidates."""
    with database.writes() as session:
        library.inbox.request_import_ready(session, caller, data.ids if data else None)
    return Accepted(detail="A job imports the files.")


def _quality(name: str | None) -> Quality | None:
    try:
        return None if name is None else Quality.from_name(name)
    except KeyError as error:
        raise Invalid("There is no such quality.", fields={"quality": "Choose one of the qualities."}) from error


class ManualFileShape(Struct):
    """A video of a folder, and what it would be imported as."""

    path: str
    name: str
    size_bytes: int
    file_id: str | None
    """Set for a file that is in a library folder already."""
    media_id: str | None
    guessed_title: str
    guessed_year: int | None
    episode_ids: list[str]
    likely_episode_ids: list[str]
    quality: str
    languages: list[str]
    release_group: str | None
    edition: str | None
    objections: list[str]
    """Why it needs attention: an extra, a sample, an unclear episode."""


class ManualChoiceShape(AtLeastOne):
    """What one file is. What is null is read from its name."""

    groups = (("path",), ("file_id",))

    media_id: str
    path: str | None = None
    file_id: str | None = None
    """Used instead of `path`."""
    episode_ids: list[str] = []
    version_id: str | None = None
    quality: QualityName | None = None
    """A name of the quality table."""
    languages: list[str] | None = None
    release_group: str | None = None
    edition: str | None = None


class NewManualImport(Struct):
    """Files to import, and how."""

    files: Annotated[list[ManualChoiceShape], Meta(min_length=1)]
    mode: Literal["hardlink", "reflink", "copy", "move"] | None = None
    """Null takes that of the library folder."""


@get("/manual-import", sync_to_thread=True, summary="List a folder for a manual import")
def list_manual(
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    folder: Annotated[str, QueryParameter(max_length=4096, pattern=patterns.FOLDER_TO_READ)],
    media_id: Id = None,
) -> list[ManualFileShape]:
    """Return the videos of a folder, with a proposal for each."""
    return _proposals(library.manual.manual_files(database, outside, caller, folder=folder, item_id=media_id))


@get("/inbox/{entry_id:str}/files", sync_to_thread=True, summary="List an entry's files for a manual import")
def list_entry_files(
    database: DatabaseDep, outside: OutsideDep, caller: CallerDep, entry_id: FromPath[str], media_id: Id = None
) -> list[ManualFileShape]:
    """Return the videos of an entry of the review, with a proposal for each."""
    return _proposals(library.manual.manual_files(database, outside, caller, inbox_id=entry_id, item_id=media_id))


def _proposals(found: library.manual.ManualFiles) -> list[ManualFileShape]:
    return [
        ManualFileShape(
            path=shown(one.path),
            name=one.name,
            size_bytes=one.size_bytes,
            file_id=one.file_id,
            media_id=one.media_item_id,
            guessed_title=one.guessed_title,
            guessed_year=one.guessed_year,
            episode_ids=list(one.episode_ids),
            likely_episode_ids=list(one.likely_episode_ids),
            quality=one.quality.name,
            languages=list(one.languages),
            release_group=one.release_group,
            edition=one.edition,
            objections=[sentence for sentence in (one.left_out, one.doubt_sentence) if sentence],
        )
        for one in found.files
    ]


@post("/manual-import", sync_to_thread=True, status_code=202, summary="Import files manually")
def import_by_hand(taskboard: TaskBoardDep, caller: CallerDep, data: JSONBody[NewManualImport]) -> Accepted:
    """Import files as chosen, in one job; its progress is under /api/v1/tasks."""
    choices = [
        library.manual.ManualChoice(
            media_item_id=one.media_id,
            path=None if one.file_id else one.path,
            file_id=one.file_id or None,
            episode_ids=tuple(one.episode_ids),
            version_id=one.version_id,
            quality=_quality(one.quality),
            languages=None if one.languages is None else tuple(one.languages),
            release_group=one.release_group,
            edition=one.edition,
        )
        for one in data.files
    ]
    params = library.manual.import_params(caller, choices, mode=data.mode)
    taskboard.run_now(caller, "library.manual_import", params)
    return Accepted(detail="The files are imported by a job.")


class Matching(AtLeastOne):
    """Entries that are the same title: one of the library, or one of the catalogue by its type and an id."""

    groups = (("media_id",), ("type", "tmdb_id"), ("type", "tvdb_id"), ("type", "imdb_id"))

    ids: Annotated[list[str], Meta(min_length=1)]
    media_id: str | None = None
    type: MediaType | None = None
    tmdb_id: CatalogueNumber | None = None
    tvdb_id: CatalogueNumber | None = None
    imdb_id: Annotated[str, Meta(pattern=patterns.IMDB_ID)] | None = None


class Matched(Struct):
    """What matching several entries did."""

    matched: int
    failures: list[str]
    """Sentences, one for each entry that could not be matched."""


@post("/inbox/match", sync_to_thread=True, status_code=200, summary="Match several entries to one title")
def match_entries(database: DatabaseDep, outside: OutsideDep, caller: CallerDep, data: JSONBody[Matching]) -> Matched:
    """Link the files of several entries to one title, which is added if it is not in the library."""
    made = library.inbox.decide_many(
        database,
        outside,
        caller,
        clock.now(),
        data.ids,
        type=data.type,
        ids=metadata.Ids(data.tmdb_id, data.tvdb_id, data.imdb_id),
        media_item_id=data.media_id,
    )
    return Matched(matched=made.decided, failures=list(made.failures))


class NewIgnoredFolder(Struct):
    """A folder below a library folder."""

    path_id: str
    folder: str
    """Relative to the library folder."""


class IgnoredFolderShape(Struct):
    """A folder whose files do not wait for a decision."""

    id: str
    path_id: str
    folder: str
    path: str
    """Absolute."""
    files: int
    created_at: datetime


def _ignored(view: library.ignored_folders.IgnoredFolderView) -> IgnoredFolderShape:
    return IgnoredFolderShape(
        id=view.id,
        path_id=view.library_path_id,
        folder=shown(view.folder),
        path=view.path,
        files=view.files,
        created_at=view.created_at,
    )


@get("/ignored-folders", sync_to_thread=True, summary="List ignored folders")
def list_ignored_folders(database: DatabaseDep, caller: CallerDep) -> list[IgnoredFolderShape]:
    """Return the folders whose files do not wait for a decision."""
    with database.reads() as session:
        return [_ignored(view) for view in library.ignored_folders.list_ignored_folders(session, caller)]


@post("/ignored-folders", sync_to_thread=True, status_code=201, summary="Ignore a folder")
def ignore_folder(database: DatabaseDep, caller: CallerDep, data: JSONBody[NewIgnoredFolder]) -> IgnoredFolderShape:
    """Ignore a folder's files that belong to no title, now and at later scans."""
    with database.writes() as session:
        made = library.ignored_folders.ignore_folder(session, caller, clock.now(), data.path_id, data.folder)
    return _ignored(made)


@delete("/ignored-folders/{folder_id:str}", sync_to_thread=True, status_code=204, summary="Stop ignoring a folder")
def stop_ignoring(database: DatabaseDep, caller: CallerDep, folder_id: FromPath[str]) -> None:
    """Let a folder's files be recognised again; a scan of it starts."""
    with database.writes() as session:
        library.ignored_folders.stop_ignoring(session, caller, clock.now(), folder_id)


ROUTES: tuple[Any, ...] = (
    scan,
    scan_status,
    list_scans,
    list_files,
    get_file,
    change_file,
    remove_file,
    files_of_media,
    list_inbox,
    get_entry,
    decide,
    search_candidates,
    ignore,
    reopen,
    import_ready,
    list_manual,
    list_entry_files,
    import_by_hand,
    match_entries,
    list_ignored_folders,
    ignore_folder,
    stop_ignoring,
    analyse_file,
)
