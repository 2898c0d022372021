"""Imports finished downloads: decides which of their files are wanted, and why others are left out.

Each download is imported exactly once: only the process that moves it to `importing` imports it, its files have its id, and a
file that is already in the library is not placed again. Everything that may be temporary is checked before that move, so a
client that does not answer only delays the import.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import units
from mydia.adapters.download_clients import RemoteDownload, RemoteFile, RemoteState
from mydia.adapters.errors import AdapterError, Nonsense
from mydia.adapters.filesystem import shown, to_os, to_text
from mydia.adapters.media_tools import MediaFacts
from mydia.adapters.outside import Outside
from mydia.contexts import library, media, settings
from mydia.contexts.downloads.decisions import Held
from mydia.contexts.downloads.held import held_files
from mydia.contexts.downloads.models import Download, DownloadEpisode, DownloadState, SearchState
from mydia.contexts.downloads.moving import move, note
from mydia.contexts.downloads.ownership import sharing
from mydia.contexts.library import filekinds
from mydia.contexts.media import EpisodeRef, MediaType
from mydia.contexts.settings import ClientChoice, Profile
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, get
from mydia.errors import Conflict, Invalid, MydiaError, Unavailable
from mydia.events import DownloadImported, ImportBlocked, ImportRequested, Reason, emit, reason
from mydia.parsing import Modifier, ParsedRelease, Quality, normalise_title, parse_path, parse_release
from mydia.units import plural

logger = logging.getLogger(__name__)

# Source: arr-stack §3.4.
_DANGEROUS = frozenset(
    [".arj", ".bat", ".cmd", ".com", ".exe", ".lnk", ".lzh", ".msi", ".ps1", ".scr", ".sh", ".vbs", ".wsf", ".zipx"]
)
_ARCHIVES = re.compile(r"(?i)\.(?:7z|bz2|gz|rar|r\d\d|tar|tbz2?|tgz|zip)$")
# Suffixes that clients give to incomplete files.
_PARTIAL = (".!qb", ".!bt", ".part", ".crdownload", ".!ut")
_MULTI_PART = re.compile(r"(?i)(?:^|[ ._-])(?:cd|dis[ck]|part|pt)[ ._-]?[1-9](?:[ ._-]|$)")
# (expected minutes up to, shortest seconds that are no sample). Source: arr-stack §3.3.
_SAMPLE_RULE = ((3, 15), (10, 90), (30, 300), (100_000, 600))
_ASSUMED_EPISODE_MIN = 45
_ASSUMED_FILM_MIN = 110
# A worker that imports for longer than its time limit is dead.
_DEAD_AFTER = timedelta(hours=7)


in_flight: set[str] = set()
"""Downloads that this process is importing now; recovery after a crash skips them."""


class NotReady(Unavailable):
    """The download is not complete yet, or its client does not answer: the import is retried automatically."""


class Run(Protocol):
    """Reports the progress of a long import and lets it be cancelled; `jobs.broker.RunHandle` is one."""

    def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """Report progress."""

    def cancelled(self) -> bool:
        """Return whether to stop early."""


@dataclass(frozen=True, slots=True)
class ChosenFile:
    """A user's decision about one file of a download."""

    path: str
    """Relative to the download's folder, as in the preview."""
    episode_ids: tuple[str, ...] = ()
    quality: str | None = None
    """Name of a quality; None keeps the detected one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFile:
    """A video of a download, and what an import would do with it."""

    path: Path
    shown_path: str
    size_bytes: int
    quality: Quality
    parsed: ParsedRelease | None
    episodes: tuple[EpisodeRef, ...] = ()
    objections: tuple[Reason, ...] = ()
    """What a user must decide."""
    skipped: Reason | None = None
    """Why it is left out without asking: an extra, no upgrade, already placed."""
    already: bool = False
    """Whether an earlier attempt has placed it."""
    release_group: str | None = None
    facts: MediaFacts | None = None

    @property
    def wanted(self) -> bool:
        """Whether it is imported."""
        return not self.objections and self.skipped is None


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """The contents of a finished download."""

    download: Download
    folder: Path | None
    files: tuple[ImportFile, ...]
    problems: tuple[Reason, ...]
    """Problems of the whole download."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is read from the database before the disk is accessed."""

    row: Download
    item_type: MediaType
    item_title: str
    titles: frozenset[str]
    """All known titles of the item, normalised."""
    year: int | None
    runtime_min: int | None
    series: media.numbering.SeriesNumbers | None
    """None for a film."""
    profile: Profile
    held: tuple[Held, ...]
    episodes: tuple[EpisodeRef, ...]
    expected: frozenset[str]
    """Ids of the episodes that the download was grabbed for."""
    placed_episodes: frozenset[str]
    placed_film: bool
    library_folder: Path | None
    choice: ClientChoice | None
    minimum_free_bytes: int
    import_mode: str = "hardlink"
    version_id: str = ""
    quality: Quality = field(default=Quality())
    release: ParsedRelease | None = None
    """The parsed release name."""
    shared: bool = False
    """Whether another title is imported from the same torrent."""


def request_import(session: Session, caller: Caller, download_id: str) -> None:
    """Request the import of a finished download. Emits: ImportRequested."""
    caller.require(Permission.MANAGE_MEDIA)
    row = get(session, Download, download_id, what="This download")
    if row.state not in (DownloadState.COMPLETED, DownloadState.BLOCKED):
        raise Conflict(f"This download is {row.state}; only a finished one can be imported.")
    emit(session, caller, ImportRequested(download_id))


_RETRIED = (
    "import.packed",
    "import.path-missing",
    "import.path-removed",
    "import.no-path",
    "import.no-library-folder",
    "import.library-missing",
    "import.no-room",
    "import.failed",
)
"""Codes of blocked imports that may resolve without a user: a mount comes back, an archive is unpacked, space is freed."""
_RETRY_AFTER = timedelta(minutes=10)
_RETRY_FOR = timedelta(days=14)
_MOST_ATTEMPTS = 10


def due_imports(session: Session, now: datetime) -> list[str]:
    """Return downloads whose import the sweep must start.

    These are finished ones without an import, interrupted imports, and blocked ones whose cause may have passed.
    """
    completed = (Download.state == DownloadState.COMPLETED) & (Download.state_since < now - timedelta(minutes=2))
    interrupted = (Download.state == DownloadState.IMPORTING) & (
        Download.interrupted_at.is_not(None) | (Download.state_since < now - _DEAD_AFTER)
    )
    blocked = (
        (Download.state == DownloadState.BLOCKED)
        & (Download.import_attempts < _MOST_ATTEMPTS)
        & Download.block_code.in_(_RETRIED)
        & (Download.state_since < now - _RETRY_AFTER)
        & (Download.state_since > now - _RETRY_FOR)
    )
    return list(
        session.scalars(select(Download.id).where(completed | interrupted | blocked).order_by(Download.added_at))
    )


def recover_imports(session: Session, now: datetime) -> int:
    """Mark imports that a crash interrupted, so that the sweep continues them. Runs when the worker starts."""
    importing = session.scalars(select(Download).where(Download.state == DownloadState.IMPORTING)).all()
    rows = [row for row in importing if row.id not in in_flight]
    for row in rows:
        row.interrupted_at = now
        note(row, now, reason("import.interrupted"), "note")
    return len(rows)


def preview_import(database: Database, outside: Outside, caller: Caller, download_id: str) -> ImportPreview:
    """Return the videos of a finished download and what an import would do with each. Raises: NotReady, NotFound."""
    caller.require(Permission.MANAGE_MEDIA)
    known = _gather(database, download_id)
    content = _locate(outside, known)
    if isinstance(content, Reason):
        return ImportPreview(known.row, None, (), (content,))
    files, problems = _examine(outside, known, content)
    folder = content.folder
    return ImportPreview(known.row, folder, tuple(files), tuple(problems))


def import_download(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    download_id: str,
    *,
    chosen: Sequence[ChosenFile] | None = None,
    run: Run | None = None,
) -> str:
    """Import the wanted files of a finished download and return the result in a few words.

    Args:
        chosen: A user's decision about each file; it overrides every objection.

    Raises:
        NotReady: It is not complete yet, or the client does not answer; nothing has changed.

    Emits: DownloadChanged, then DownloadImported or ImportBlocked; the library adds FileImported for each file.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        orphan = get(session, Download, download_id, what="This download").media_item_id is None
    if orphan:
        return _without_title(database, caller, now, download_id)
    known = _gather(database, download_id)
    state = known.row.state
    resumed = state == DownloadState.IMPORTING and (
        known.row.interrupted_at is not None or known.row.state_since < now - _DEAD_AFTER
    )
    if state not in (DownloadState.COMPLETED, DownloadState.BLOCKED) and not resumed:
        return f"nothing to do: it is {state}"
    with database.reads() as session:
        automatic = settings.of(session).downloads.automatic_imports
    if not automatic and caller.kind == "system" and chosen is None and state == DownloadState.COMPLETED:
        return _block(database, caller, now, known, [reason("import.automatic-off")])
    content = _locate(outside, known)
    if isinstance(content, Reason):
        return _block(database, caller, now, known, [content])
    files, problems = _examine(outside, known, content)
    if state == DownloadState.BLOCKED and caller.kind == "system" and chosen is None:
        hindrances = [*problems, *(objection for file in files for objection in file.objections)]
        if hindrances and not any(file.wanted for file in files):
            return _block(database, caller, now, known, hindrances)
    if chosen is not None:
        files, problems = _as_chosen(known, files, chosen), []
    in_flight.add(download_id)
    try:
        if not _claim(database, caller, now, known):
            return "another import of this download is running"
        return _carry_out(database, outside, caller, now, known, files, problems, run)
    finally:
        in_flight.discard(download_id)


def _claim(database: Database, caller: Caller, now: datetime, known: _Known) -> bool:
    """Move the download to `importing` and return True, unless another import did so first."""
    with database.writes() as session:
        row = get(session, Download, known.row.id, what="This download")
        if row.state != known.row.state or row.state_since != known.row.state_since:
            return False
        row.import_attempts += 1
        row.interrupted_at = None
        if row.state == DownloadState.IMPORTING:
            row.state_since = now
        else:
            move(session, caller, now, row, DownloadState.IMPORTING)
    return True


def _carry_out(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    known: _Known,
    files: Sequence[ImportFile],
    problems: Sequence[Reason],
    run: Run | None,
) -> str:
    wanted = [file for file in files if file.wanted]
    open_questions = [*problems, *(objection for file in files for objection in file.objections)]
    if problems or (not wanted and open_questions):
        return _block(database, caller, now, known, open_questions)
    if not files:
        return _block(database, caller, now, known, [reason("import.no-video")])
    try:
        placed = _place(database, outside, caller, now, known, wanted, run) if wanted else 0
    except (MydiaError, OSError) as error:
        logger.warning("import failed", extra={"download_id": known.row.id, "reason": str(error)})
        return _block(database, caller, now, known, [reason("import.failed", error=str(error))])
    if open_questions:
        return _block(database, caller, now, known, open_questions)
    return _finish(database, caller, now, known, files, placed)


def manual_import(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    download_id: str,
    chosen: Sequence[ChosenFile],
    *,
    run: Run | None = None,
) -> str:
    """Import the files that a user chose, despite any objection; all others are left out.

    Raises:
        Invalid: Nothing was chosen, or an episode belongs to another series.
    """
    if not chosen:
        raise Invalid("Choose at least one file.")
    return import_download(database, outside, caller, now, download_id, chosen=chosen, run=run)


def _gather(database: Database, download_id: str) -> _Known:
    with database.reads() as session:
        row = get(session, Download, download_id, what="This download")
        if row.media_item_id is None:
            raise Conflict(f"The title of “{row.release_title}” is no longer in the library.")
        item = media.get_item(session, SYSTEM, row.media_item_id)
        version = media.versions.get_version(session, item.id, row.version_id)
        placed = session.scalars(
            select(library.MediaFile.id).where(
                library.MediaFile.download_id == row.id, library.MediaFile.missing_since.is_(None)
            )
        ).all()
        placed_episodes = session.scalars(
            select(library.FileEpisode.episode_id).where(library.FileEpisode.file_id.in_(placed))
        ).all()
        choices = settings.clients.client_connections(session, enabled_only=False)
        path_id = version.library_path_id or item.library_path_id
        path = settings.library_paths.get_library_path(session, path_id) if path_id else None
        return _Known(
            row=row,
            item_type=item.type,
            item_title=item.title,
            titles=frozenset(
                {title.normalised for title in media.titles_of(session, SYSTEM, item.id)}
                | {normalise_title(item.title)}
            ),
            year=item.year,
            runtime_min=item.runtime_min,
            series=media.episodes.series_numbers(session, SYSTEM, item.id) if item.type is MediaType.TV_SHOW else None,
            profile=settings.profiles.get_profile(session, version.profile_id),
            held=held_files(session, item.id, version.id),
            episodes=tuple(media.episodes.episodes_of(session, SYSTEM, item.id))
            if item.type is MediaType.TV_SHOW
            else (),
            expected=frozenset(
                session.scalars(select(DownloadEpisode.episode_id).where(DownloadEpisode.download_id == row.id))
            ),
            placed_episodes=frozenset(placed_episodes),
            placed_film=bool(placed) and item.type is MediaType.MOVIE,
            library_folder=Path(path.path) if path else None,
            import_mode=path.import_mode if path else "hardlink",
            choice=next((choice for choice in choices if choice.row.id == row.client_id), None),
            minimum_free_bytes=settings.of(session).downloads.minimum_free_mb * units.MIB,
            version_id=version.id,
            quality=Quality.from_json(row.quality),
            release=parse_release(row.release_title, "movie" if item.type is MediaType.MOVIE else "tv"),
            shared=any(other.media_item_id != row.media_item_id for other in sharing(session, row)),
        )


@dataclass(frozen=True, slots=True)
class _Content:
    """Where a download's files are on this machine."""

    folder: Path
    """The folder of the files, or the single file."""
    only: frozenset[str] | None = None
    """Paths relative to the folder that belong to the download; None means all of them."""
    unwanted: frozenset[str] = frozenset()
    """Paths relative to the folder that are deselected in the client."""


def _locate(outside: Outside, known: _Known) -> _Content | Reason:
    """Return the location of the content, or why it can't be found."""
    row, choice = known.row, known.choice
    remote: RemoteDownload | None = None
    client = None if choice is None or row.client_ref is None else outside.download_client(choice.connection)
    files: Sequence[RemoteFile] = ()
    if client is not None:
        try:
            remote = client.get(row.client_ref or "")
            if remote is not None:
                files = client.files(remote.ref)
        except AdapterError as error:
            raise NotReady(f"{error}. The import waits for it.") from error
    if remote is not None and (remote.progress < 1 or remote.state not in (RemoteState.SEEDING, RemoteState.COMPLETED)):
        raise NotReady(f"{row.client_name} reports that “{row.release_title}” is not complete yet ({remote.state}).")
    path = remote.output_path if remote else row.output_path
    loose = path is None and remote is not None and remote.save_path is not None and bool(files)
    path = remote.save_path if remote is not None and loose else path or row.output_path
    if path is None:
        return reason("import.no-path", client=row.client_name)
    local = Path(to_os(settings.clients.map_remote_path(choice.mappings if choice else (), path)))
    if not local.is_absolute() or not outside.files.exists(local):
        if remote is None and client is not None:
            return reason(
                "import.path-removed", client=row.client_name, release=row.release_title, path=shown(str(local))
            )
        return reason("import.path-missing", path=shown(str(local)), client=row.client_name)
    if known.library_folder is None:
        return reason("import.no-library-folder", title=known.item_title)
    if not outside.files.mount_state(known.library_folder).exists:
        return reason("import.library-missing", path=str(known.library_folder))
    # Paths from files() are relative to the save folder, so the name of the content folder is removed.
    cut = "" if loose or remote is None or remote.save_path is None else _below(remote.save_path, path)
    listed = {file.path.removeprefix(cut): file.wanted for file in files}
    return _Content(
        local,
        frozenset(listed) if loose else None,
        frozenset(name for name, wanted in listed.items() if not wanted),
    )


def _below(save_path: str, path: str) -> str:
    """Return the part of a content folder below the save folder, with a slash at its end: `Some.Release/`."""
    rest = path.replace("\\", "/").removeprefix(save_path.replace("\\", "/").rstrip("/")).strip("/")
    return f"{rest}/" if rest else ""


def _examine(outside: Outside, known: _Known, content: _Content) -> tuple[list[ImportFile], list[Reason]]:
    """Return all videos with what an import would do with each, and the problems of the whole download."""
    folder = content.folder
    found = _files_in(outside, content)
    if partial := [path for path, _ in found if str(path).lower().endswith(_PARTIAL)]:
        raise NotReady(f"“{known.row.release_title}” still has incomplete files, such as {shown(partial[0].name)}.")
    if dangerous := [path.name for path, _ in found if path.suffix.lower() in _DANGEROUS]:
        return [], [reason("import.dangerous", names=[shown(name) for name in dangerous[:3]])]
    if any({"bdmv", "video_ts"} & {part.lower() for part in path.parts} for path, _ in found):
        return [], [reason("import.disc")]
    single = outside.files.facts(folder) is not None and len(found) == 1 and found[0][0].name == folder.name
    root = folder.parent if single else folder
    videos, extras = _sort_out(known, root, folder, found)
    if not videos:
        if any(_ARCHIVES.search(path.name) for path, _ in found):
            return extras, [reason("import.packed")]
        return extras, [reason("import.only-extras" if extras else "import.no-video")]
    if known.item_type is MediaType.MOVIE:
        videos, problem = _main_film(known, videos)
        if problem is not None:
            return [*videos, *extras], [problem]
    return [*(_checked(outside, known, file) for file in _no_doubles(videos)), *extras], []


def _sort_out(
    known: _Known, root: Path, folder: Path, found: Sequence[tuple[PurePosixPath, int]]
) -> tuple[list[ImportFile], list[ImportFile]]:
    """Return (videos to import, extras and samples with the reason why they are left out)."""
    candidates = [(path, size) for path, size in found if path.suffix.lower() in filekinds.VIDEO_EXTENSIONS]
    videos: list[ImportFile] = []
    extras: list[ImportFile] = []
    for path, size in candidates:
        kind = filekinds.classify(f"{folder.name}/{path}" if folder.name != str(path) else str(path), size)
        file = _identify(known, root, path, size, alone=len(candidates) == 1)
        if kind is filekinds.FileKind.VIDEO or _is_content(known, path, size, file, alone=len(candidates) == 1):
            videos.append(file)
        else:
            code = "left-out.sample" if kind is filekinds.FileKind.SAMPLE else "left-out.extra"
            extras.append(replace(file, objections=(), skipped=reason(code, path=file.shown_path)))
    if len(videos) == 1 and videos[0].objections:
        videos = [_identify(known, root, *_source(videos[0], root), alone=True)]
    return videos, extras


def _source(file: ImportFile, root: Path) -> tuple[PurePosixPath, int]:
    return PurePosixPath(to_text(str(file.path.relative_to(root)))), file.size_bytes


# Samples are never larger than this; as in `library.filekinds`.
_SAMPLE_MAX_BYTES = 300 * units.MIB


def _is_content(known: _Known, path: PurePosixPath, size: int, file: ImportFile, *, alone: bool) -> bool:
    """Return whether a file that is named like an extra is the wanted content.

    Episodes may be called “The Interview” and groups SCENE or SHORT. A file of an expected episode, or the only video of a
    film, is not an extra just because of the last word of its name. Its folder still counts.
    """
    if any(filekinds.is_extra_folder(part) for part in path.parts[:-1]):
        return False
    if known.item_type is MediaType.MOVIE:
        return alone
    numbered = file.parsed is not None and bool(file.parsed.episodes or file.parsed.absolute_episodes)
    return (
        numbered
        and bool(file.episodes)
        and not file.objections
        and (alone or size > _SAMPLE_MAX_BYTES or not _is_sample(path))
    )


def _is_sample(path: PurePosixPath) -> bool:
    return "sample" in path.name.lower()


def _files_in(outside: Outside, content: _Content) -> list[tuple[PurePosixPath, int]]:
    """Return the files of the download with their sizes, by path relative to the folder; for a single file by name.

    Files deselected in the client are left out, because they are incomplete.
    """
    folder = content.folder
    facts = outside.files.facts(folder)
    if facts is not None and not facts.is_folder:
        return [(PurePosixPath(folder.name), facts.size_bytes)]
    unwanted = {*content.unwanted, *(f"{name}{suffix}" for name in content.unwanted for suffix in _PARTIAL)}
    return [
        (PurePosixPath(found.path), found.size_bytes)
        for found in outside.files.walk(folder)
        if (content.only is None or found.path in content.only) and found.path not in unwanted
    ]


def _identify(known: _Known, root: Path, path: PurePosixPath, size: int, *, alone: bool) -> ImportFile:
    """Parse a file's name. If it is not specific enough and there is only one file, the release's name decides."""
    is_film = known.item_type is MediaType.MOVIE
    parsed = parse_path(str(path), None, "movie" if is_film else "tv")
    release = known.release
    quality = known.quality
    if parsed is not None and parsed.quality.name != "Unknown" and (not alone or quality.name == "Unknown"):
        quality = parsed.quality
    group = (release.release_group if release else None) or (parsed.release_group if parsed else None)
    file = ImportFile(
        path=root / to_os(str(path)),
        shown_path=shown(str(path)),
        size_bytes=size,
        quality=quality,
        parsed=parsed,
        release_group=group,
    )
    if is_film:
        return file
    if known.shared and parsed is not None and parsed.title and not _is_named(known, parsed):
        return replace(file, objections=(reason("import.no-episode", path=file.shown_path, title=known.item_title),))
    episodes: tuple[EpisodeRef, ...] = ()
    if parsed is not None and known.series is not None:
        episodes = media.numbering.meant_episodes(parsed, known.series).episodes
    if parsed is not None and parsed.is_season_pack and not parsed.episodes:
        episodes = ()
    if not episodes and alone:
        episodes = tuple(episode for episode in known.episodes if episode.id in known.expected)
        if len(episodes) > 1 and release is not None and release.is_season_pack:
            episodes = ()
    if not episodes:
        return replace(file, objections=(reason("import.no-episode", path=file.shown_path, title=known.item_title),))
    strange = [e.code for e in episodes if known.expected and e.id not in known.expected]
    if strange:
        because = reason("import.other-episode", path=file.shown_path, episodes=strange)
        return replace(file, episodes=episodes, objections=(because,))
    return replace(file, episodes=episodes)


def _is_named(known: _Known, parsed: ParsedRelease) -> bool:
    return any(normalise_title(name) in known.titles for name in (parsed.title, *parsed.alternative_titles) if name)


def _main_film(known: _Known, files: list[ImportFile]) -> tuple[list[ImportFile], Reason | None]:
    """Return all files; those that are not the film have the reason why they are left out.

    The film is by far the largest video. Among several of similar size it is the only one with the film's title and
    year; otherwise a user has to choose.
    """
    by_size = sorted(files, key=lambda file: file.size_bytes, reverse=True)
    alike = [file for file in by_size if file.size_bytes * 2 >= by_size[0].size_bytes]
    named = [
        file
        for file in alike
        if file.parsed is not None
        and _is_named(known, file.parsed)
        and (file.parsed.year is None or known.year is None or abs(file.parsed.year - known.year) <= 1)
    ]
    film = alike[0] if len(alike) == 1 and not (known.shared and not named) else named[0] if len(named) == 1 else None
    if film is not None:
        because = {"film": film.shown_path}
        return [
            film,
            *(
                replace(file, skipped=reason("left-out.smaller", path=file.shown_path, **because))
                for file in by_size
                if file is not film
            ),
        ], None
    names = [file.shown_path for file in alike[:3]]
    if len(alike) > 1 and all(_MULTI_PART.search(Path(file.shown_path).stem) for file in alike):
        return files, reason("import.parts", count=len(alike), names=names)
    return files, reason("import.several-films", count=len(alike), names=names)


def _no_doubles(files: list[ImportFile]) -> list[ImportFile]:
    """Keep the better and larger of two files with the same episode."""
    taken: set[str] = set()
    kept: list[ImportFile] = []
    for file in sorted(files, key=lambda file: (file.quality, file.size_bytes), reverse=True):
        ids = {episode.id for episode in file.episodes}
        if ids & taken and file.skipped is None:
            kept.append(replace(file, skipped=reason("left-out.duplicate", path=file.shown_path)))
            continue
        taken |= ids
        kept.append(file)
    return sorted(kept, key=lambda file: file.shown_path)


def _checked(outside: Outside, known: _Known, file: ImportFile) -> ImportFile:
    """Check a file against what is already placed, its content, and the existing files."""
    if file.objections or file.skipped is not None:
        return file
    ids = frozenset(episode.id for episode in file.episodes)
    if known.placed_film or (ids and ids <= known.placed_episodes):
        return replace(file, already=True, skipped=reason("left-out.already", path=file.shown_path))
    file, objections = _probed(outside, known, file)
    if objections:
        return replace(file, objections=tuple(objections))
    for held in known.held:
        if known.item_type is MediaType.MOVIE or held.episode_ids & ids:
            verdict = settings.upgrades.compare(
                known.profile, held.quality, file.quality, current_score=held.format_score
            )
            if not verdict.upgrade:
                because = reason("left-out.not-better", path=file.shown_path, because=verdict.because.to_json())
                return replace(file, skipped=because)
            if lost := held.episode_ids - ids:
                codes = sorted(episode.code for episode in known.episodes if episode.id in lost)
                return replace(file, objections=(reason("replaces-more", episodes=codes),))
    return replace(file, objections=tuple(_room(outside, known, file)))


def _probed(outside: Outside, known: _Known, file: ImportFile) -> tuple[ImportFile, list[Reason]]:
    """Probe a file: can it be played, is it long enough, does it have sound? The probed resolution overrides the name's."""
    if file.path.suffix.lower() in (".iso", ".img"):
        return file, [reason("import.disc-image", path=file.shown_path)]
    try:
        facts = outside.probe.probe(file.path)
    except Nonsense as error:
        return file, [reason("import.unplayable", path=file.shown_path, cause=error.cause)]
    except AdapterError as error:
        raise NotReady(f"{file.shown_path} can't be read: {error.cause}.") from error
    quality = file.quality
    if facts.resolution is not None and quality.modifier in (Modifier.NONE, Modifier.REMUX):
        quality = replace(quality, resolution=facts.resolution)
    file = replace(file, quality=quality, facts=facts)
    objections: list[Reason] = []
    special = bool(file.episodes) and all(episode.season_number == 0 for episode in file.episodes)
    expected = _expected_min(known, file)
    shortest = next(seconds for minutes, seconds in _SAMPLE_RULE if expected <= minutes)
    if not special and facts.duration_s is not None and facts.duration_s < shortest:
        objections.append(reason("import.sample", path=file.shown_path, length=facts.duration_s, expected=expected))
    if not facts.audio and facts.duration_s is not None:
        objections.append(reason("import.silent", path=file.shown_path))
    return file, objections


def _expected_min(known: _Known, file: ImportFile) -> int:
    if known.item_type is MediaType.MOVIE:
        return known.runtime_min or _ASSUMED_FILM_MIN
    each = known.runtime_min or _ASSUMED_EPISODE_MIN
    return sum(episode.runtime_min or each for episode in file.episodes) or each


def _room(outside: Outside, known: _Known, file: ImportFile) -> list[Reason]:
    """Return an objection if there is not enough space for a copy; a hard link needs none."""
    folder = known.library_folder
    if folder is None or outside.files.same_filesystem(file.path, folder):
        return []
    free = outside.files.space(folder).free_bytes
    if free - file.size_bytes >= known.minimum_free_bytes:
        return []
    facts = {"size": file.size_bytes, "free": free, "kept": known.minimum_free_bytes}
    return [reason("import.no-room", **facts, folder=str(folder))]


def _as_chosen(known: _Known, files: Sequence[ImportFile], chosen: Sequence[ChosenFile]) -> list[ImportFile]:
    by_path = {file.shown_path: file for file in files}
    by_id: Mapping[str, EpisodeRef] = {episode.id: episode for episode in known.episodes}
    picked: list[ImportFile] = []
    for choice in chosen:
        file = by_path.get(choice.path)
        if file is None:
            raise Invalid(f"{choice.path} is not a video of this download.")
        if any(id not in by_id for id in choice.episode_ids):
            raise Invalid(f"Some of the chosen episodes do not belong to {known.item_title}.")
        episodes = tuple(by_id[id] for id in choice.episode_ids) or file.episodes
        if known.item_type is MediaType.TV_SHOW and not episodes:
            raise Invalid(f"Choose the episodes in {choice.path}.", fields={choice.path: "Choose episodes."})
        quality = Quality.from_name(choice.quality, file.quality.revision) if choice.quality else file.quality
        picked.append(replace(file, episodes=episodes, quality=quality, objections=(), skipped=None))
    names = {choice.path for choice in chosen}
    return [
        *picked,
        *(
            file
            if file.skipped is not None
            else replace(file, objections=(), skipped=reason("left-out.not-chosen", path=file.shown_path))
            for file in files
            if file.shown_path not in names
        ),
    ]


def _place(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    known: _Known,
    wanted: Sequence[ImportFile],
    run: Run | None,
) -> int:
    """Let the library place the files, completing an interrupted import, and return their number."""
    row = known.row
    request = library.ImportRequest(
        item_id=row.media_item_id or "",
        sources=tuple(
            library.SourceFile(
                path=file.path,
                episode_ids=tuple(episode.id for episode in file.episodes),
                quality=file.quality,
                release_name=row.release_title if len(wanted) == 1 else None,
                release_group=file.release_group,
                format_score=row.format_score,
                facts=file.facts,
            )
            for file in wanted
        ),
        version_id=known.version_id,
        download_id=row.id,
        # Moving the files would break a torrent that is still seeding.
        mode="hardlink" if known.import_mode == "move" and (row.protocol == "torrent" or not row.owned) else None,
    )
    with database.reads() as session:
        plan = library.plan_import(session, caller, now, request)
    placed = library.place(database, outside, caller, now, plan, on_progress=None if run is None else run.progress)
    if placed.notes:
        with database.writes() as session:
            present = get(session, Download, row.id, what="This download")
            for sentence in placed.notes:
                note(present, now, reason("note", text=sentence), "note")
    return len(placed.file_ids)


def _finish(
    database: Database, caller: Caller, now: datetime, known: _Known, files: Sequence[ImportFile], placed: int
) -> str:
    row_id, item_id = known.row.id, known.row.media_item_id
    placed += sum(1 for file in files if file.already)
    with database.writes() as session:
        row = get(session, Download, row_id, what="This download")
        for file in files:
            if file.skipped is not None and not file.already:
                note(row, now, file.skipped, "note")
        row.imported_at, row.block_code = now, None
        move(session, caller, now, row, DownloadState.IMPORTED)
        for state in session.scalars(
            select(SearchState).where(
                SearchState.media_item_id == item_id, SearchState.episode_id.in_([*known.expected, ""])
            )
        ):
            state.misses = 0
        if item_id is not None:
            emit(session, caller, DownloadImported(item_id, row_id, placed), at=now)
    logger.info("download imported", extra={"download_id": row_id, "files": placed})
    skipped = sum(1 for file in files if file.skipped is not None and not file.already)
    return f"{plural(placed, 'file')} imported" + (f", {skipped} left out" if skipped else "")


def _without_title(database: Database, caller: Caller, now: datetime, download_id: str) -> str:
    with database.writes() as session:
        row = get(session, Download, download_id, what="This download")
        because = reason("import.title-removed", title=row.media_title)
        note(row, now, because, "block")
        row.block_code = because.code
        if row.state == DownloadState.COMPLETED:
            move(session, caller, now, row, DownloadState.BLOCKED, because=because)
            emit(session, caller, ImportBlocked(row.id, None, [because.to_json()]), at=now)
    return f"blocked: {because}"


def _block(database: Database, caller: Caller, now: datetime, known: _Known, because: Sequence[Reason]) -> str:
    """Block the download until a user or a later retry resolves the reasons."""
    reasons = list({str(one): one for one in because}.values())
    with database.writes() as session:
        row = get(session, Download, known.row.id, what="This download")
        fresh = [one for one in reasons if note(row, now, one, "block")]
        row.block_code = reasons[0].code
        if row.state != DownloadState.BLOCKED:
            move(session, caller, now, row, DownloadState.BLOCKED, because=reasons[0])
            emit(session, caller, ImportBlocked(row.id, row.media_item_id, [one.to_json() for one in reasons]), at=now)
        elif fresh:
            row.state_since = now
    return f"blocked: {' '.join(map(str, reasons))}"
