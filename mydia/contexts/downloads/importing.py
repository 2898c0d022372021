"""Brings finished downloads into the library: what is in them, what of it is wanted, and why the rest is not.

Exactly once: only a download that is moved to `importing` is imported, its files carry its id, and a file that is in the
library already is not placed again. Everything that might be temporary is asked before that move, so that a client that
does not answer only means "later".
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import units
from mydia.adapters.download_clients import RemoteDownload, RemoteState
from mydia.adapters.errors import AdapterError, Nonsense
from mydia.adapters.filesystem import shown, to_os
from mydia.adapters.media_tools import MediaFacts
from mydia.adapters.outside import Outside
from mydia.contexts import library, media, settings
from mydia.contexts.downloads.decisions import Held, find_episodes
from mydia.contexts.downloads.held import held_files
from mydia.contexts.downloads.models import Download, DownloadEpisode, DownloadState, SearchState
from mydia.contexts.downloads.moving import move, note
from mydia.contexts.library import filekinds
from mydia.contexts.media import EpisodeRef
from mydia.contexts.settings import ClientChoice, Profile
from mydia.contexts.users import Caller, Permission
from mydia.db import Database, get
from mydia.errors import Conflict, Invalid, MydiaError, Unavailable
from mydia.events import DownloadImported, ImportBlocked, ImportRequested, emit
from mydia.parsing import Modifier, ParsedRelease, Quality, parse_path, parse_release
from mydia.runs import Run
from mydia.vocabulary import MediaType

logger = logging.getLogger(__name__)

# Source: arr-stack §3.4.
_DANGEROUS = frozenset(
    [".arj", ".bat", ".cmd", ".com", ".exe", ".lnk", ".lzh", ".msi", ".ps1", ".scr", ".sh", ".vbs", ".wsf", ".zipx"]
)
_ARCHIVES = re.compile(r"(?i)\.(?:7z|bz2|gz|rar|r\d\d|tar|tbz2?|tgz|zip)$")
# Names that clients give to what is not whole yet.
_PARTIAL = (".!qb", ".!bt", ".part", ".crdownload", ".!ut")
_MULTI_PART = re.compile(r"(?i)(?:^|[ ._-])(?:cd|dis[ck]|part|pt)[ ._-]?[1-9](?:[ ._-]|$)")
# (expected minutes up to, shortest seconds that are no sample). Source: arr-stack §3.3.
_SAMPLE_RULE = ((3, 15), (10, 90), (30, 300), (100_000, 600))
_ASSUMED_EPISODE_MIN = 45
_ASSUMED_FILM_MIN = 110
# A worker that imports for longer than its time limit is dead.
_DEAD_AFTER = timedelta(hours=7)


in_flight: set[str] = set()
"""Downloads that this process is importing now: clearing up after a crash leaves them alone."""


class NotReady(Unavailable):
    """The download is not whole yet, or its client cannot be asked: the import is tried again by itself."""


@dataclass(frozen=True, slots=True)
class ChosenFile:
    """What a person says about one file of a download."""

    path: str
    """Relative to the download's folder, as the preview told it."""
    episode_ids: tuple[str, ...] = ()
    quality: str | None = None
    """Name of a quality; None keeps what was read."""


@dataclass(frozen=True, slots=True)
class ImportFile:
    """One video of a download, and what would become of it."""

    path: Path
    shown_path: str
    size_bytes: int
    quality: Quality
    parsed: ParsedRelease | None
    episodes: tuple[EpisodeRef, ...] = ()
    objections: tuple[str, ...] = ()
    """What a person must settle."""
    skipped: str | None = None
    """Why it is left out without asking anybody: not better than what is here, placed already."""
    already: bool = False
    """Whether an earlier attempt has placed it."""
    release_group: str | None = None
    facts: MediaFacts | None = None

    @property
    def wanted(self) -> bool:
        """Whether it is placed."""
        return not self.objections and self.skipped is None


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What is in a finished download."""

    download: Download
    folder: Path | None
    files: tuple[ImportFile, ...]
    problems: tuple[str, ...]
    """What speaks against the whole download."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database says, gathered before the disk is looked at."""

    row: Download
    item_type: MediaType
    item_title: str
    runtime_min: int | None
    anime: bool
    profile: Profile
    held: tuple[Held, ...]
    episodes: tuple[EpisodeRef, ...]
    expected: frozenset[str]
    """Ids of the episodes that the download is to bring."""
    placed_episodes: frozenset[str]
    placed_film: bool
    library_folder: Path | None
    choice: ClientChoice | None
    minimum_free_bytes: int
    import_mode: str = "hardlink"
    version_id: str = ""
    quality: Quality = field(default=Quality())


def request_import(session: Session, caller: Caller, download_id: str) -> None:
    """Ask for a finished download to be imported (again). Emits: ImportRequested."""
    caller.require(Permission.MANAGE_MEDIA)
    row = get(session, Download, download_id, what="This download")
    if row.state not in (DownloadState.COMPLETED, DownloadState.BLOCKED):
        raise Conflict(f"This download is {row.state}; only a finished one can be imported.")
    emit(session, caller, ImportRequested(download_id))


def due_imports(session: Session, now: datetime) -> list[str]:
    """Return finished downloads that nobody imports; for the sweep."""
    completed = (Download.state == DownloadState.COMPLETED) & (Download.state_since < now - timedelta(minutes=2))
    dead = (Download.state == DownloadState.IMPORTING) & (Download.state_since < now - _DEAD_AFTER)
    return list(session.scalars(select(Download.id).where(completed | dead).order_by(Download.added_at)))


def recover_imports(session: Session, now: datetime) -> int:
    """At the worker's start: mark imports that were interrupted, so that the sweep takes them up again."""
    importing = session.scalars(select(Download).where(Download.state == DownloadState.IMPORTING)).all()
    rows = [row for row in importing if row.id not in in_flight]
    for row in rows:
        # An instant far enough back says that nobody is at it; the state itself never goes back.
        row.state_since = now - _DEAD_AFTER - timedelta(seconds=1)
        note(row, now, "Mydia was interrupted while importing it, and goes on.", "note")
    return len(rows)


def preview_import(database: Database, outside: Outside, caller: Caller, download_id: str) -> ImportPreview:
    """Return what is in a finished download and what would become of each file. Raises: NotReady, NotFound."""
    caller.require(Permission.MANAGE_MEDIA)
    known = _gather(database, download_id)
    folder, problem = _locate(outside, known)
    if folder is None:
        return ImportPreview(known.row, None, (), (problem,))
    files, problems = _look_inside(outside, known, folder)
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
    """Place the wanted files of a finished download in the library and say in a few words what came of it.

    Args:
        chosen: What a person decided for each file; their word counts against every objection.

    Raises:
        NotReady: Not whole yet, or the client does not answer; nothing has changed.

    Emits: DownloadChanged, then DownloadImported or ImportBlocked; the library adds FileImported for each file.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        orphan = get(session, Download, download_id, what="This download").media_item_id is None
    if orphan:
        return _without_title(database, caller, now, download_id)
    known = _gather(database, download_id)
    state = known.row.state
    resumed = state == DownloadState.IMPORTING and known.row.state_since < now - _DEAD_AFTER
    if state not in (DownloadState.COMPLETED, DownloadState.BLOCKED) and not resumed:
        return f"nothing to do: it is {state}"
    with database.reads() as session:
        automatic = settings.of(session).downloads.automatic_imports
    if not automatic and caller.kind == "system" and chosen is None and state == DownloadState.COMPLETED:
        return _block(database, caller, now, known, ["Automatic imports are switched off. Import it when you like."])
    folder, problem = _locate(outside, known)
    if folder is None:
        return _block(database, caller, now, known, [problem])
    files, problems = _look_inside(outside, known, folder)
    if chosen is not None:
        files, problems = _as_chosen(known, files, chosen), []
    in_flight.add(download_id)
    try:
        if not _claim(database, caller, now, known):
            return "somebody else is at it"
        return _carry_out(database, outside, caller, now, known, files, problems, run)
    finally:
        in_flight.discard(download_id)


def _claim(database: Database, caller: Caller, now: datetime, known: _Known) -> bool:
    """Move the download to `importing`, unless somebody else was faster: who does it is who imports."""
    with database.writes() as session:
        row = get(session, Download, known.row.id, what="This download")
        if row.state != known.row.state or row.state_since != known.row.state_since:
            return False
        row.import_attempts += 1
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
    problems: Sequence[str],
    run: Run | None,
) -> str:
    wanted = [file for file in files if file.wanted]
    open_questions = [*problems, *(sentence for file in files for sentence in file.objections)]
    if problems or (not wanted and open_questions):
        return _block(database, caller, now, known, open_questions)
    if not files:
        return _block(database, caller, now, known, ["There is no video in it."])
    try:
        placed = _place(database, outside, caller, now, known, wanted, run) if wanted else 0
    except (MydiaError, OSError) as error:
        logger.warning("import failed", extra={"download_id": known.row.id, "reason": str(error)})
        return _block(database, caller, now, known, [f"It could not be placed: {error}"])
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
    """Import what a person chose, against any objection; files that are not named are left out.

    Raises:
        Invalid: Nothing was chosen, or an episode is not of this series.
    """
    if not chosen:
        raise Invalid("Choose at least one file.")
    return import_download(database, outside, caller, now, download_id, chosen=chosen, run=run)


# --- reading ------------------------------------------------------------------------------------------------------


def _gather(database: Database, download_id: str) -> _Known:
    with database.reads() as session:
        row = get(session, Download, download_id, what="This download")
        if row.media_item_id is None:
            raise Conflict(f"The title that “{row.release_title}” was for is not in the library any more.")
        item = media.get_item(session, row.media_item_id)
        version = (session.get(media.Version, row.version_id) if row.version_id else None) or media.default_version(
            session, item.id
        )
        placed = session.scalars(
            select(library.MediaFile.id).where(
                library.MediaFile.download_id == row.id, library.MediaFile.missing_since.is_(None)
            )
        ).all()
        placed_episodes = session.scalars(
            select(library.FileEpisode.episode_id).where(library.FileEpisode.file_id.in_(placed))
        ).all()
        choices = settings.client_connections(session, enabled_only=False)
        path_id = version.library_path_id or item.library_path_id
        path = settings.get_library_path(session, path_id) if path_id else None
        return _Known(
            row=row,
            item_type=item.type,
            item_title=item.title,
            runtime_min=item.runtime_min,
            anime=item.series_type == "anime",
            profile=settings.get_profile(session, version.profile_id),
            held=held_files(session, item.id, version.id),
            episodes=tuple(media.episodes_of(session, item.id)) if item.type == MediaType.TV_SHOW else (),
            expected=frozenset(
                session.scalars(select(DownloadEpisode.episode_id).where(DownloadEpisode.download_id == row.id))
            ),
            placed_episodes=frozenset(placed_episodes),
            placed_film=bool(placed) and item.type == MediaType.MOVIE,
            library_folder=Path(path.path) if path else None,
            import_mode=path.import_mode if path else "hardlink",
            choice=next((choice for choice in choices if choice.row.id == row.client_id), None),
            minimum_free_bytes=settings.of(session).downloads.minimum_free_mb * units.MIB,
            version_id=version.id,
            quality=Quality.from_json(row.quality),
        )


def _locate(outside: Outside, known: _Known) -> tuple[Path | None, str]:
    """Return where the content lies as seen from here, or None and the sentence why it cannot be found."""
    row, choice = known.row, known.choice
    remote: RemoteDownload | None = None
    if choice is not None and row.client_ref is not None:
        try:
            remote = outside.download_client(choice.connection).get(row.client_ref)
        except AdapterError as error:
            raise NotReady(f"{error}. The import waits for it.") from error
    if remote is not None and (remote.progress < 1 or remote.state not in (RemoteState.SEEDING, RemoteState.COMPLETED)):
        raise NotReady(f"{row.client_name} says that “{row.release_title}” is not whole yet ({remote.state}).")
    told = (remote.output_path if remote else None) or row.output_path
    if told is None:
        return None, f"{row.client_name} does not tell where the files are."
    local = Path(to_os(settings.map_remote_path(choice.mappings if choice else (), told)))
    if not local.is_absolute() or not outside.files.exists(local):
        if remote is None and choice is not None and row.client_ref is not None:
            return None, (
                f"{row.client_name} no longer has “{row.release_title}”, and {shown(str(local))} is not there: somebody "
                "removed both before the import. Remove it here too, and search again."
            )
        return None, (
            f"{shown(str(local))} cannot be seen from here. Mount the folder at the same place as in {row.client_name}, "
            f"or add a path mapping to {row.client_name} in the settings."
        )
    if known.library_folder is None:
        return None, f"{known.item_title} has no library folder. Choose one on its page."
    if not outside.files.mount_state(known.library_folder).exists:
        return None, f"The library folder {known.library_folder} is not there. Is it mounted?"
    return local, ""


# --- looking inside -----------------------------------------------------------------------------------------------


def _look_inside(outside: Outside, known: _Known, folder: Path) -> tuple[list[ImportFile], list[str]]:
    """Return the videos with what would become of each, and what speaks against the whole."""
    found = _files_in(outside, folder)
    if any(str(path).lower().endswith(_PARTIAL) for path, _ in found):
        raise NotReady(f"“{known.row.release_title}” still has files that are not whole.")
    dangerous = [path.name for path, _ in found if path.suffix.lower() in _DANGEROUS]
    if dangerous:
        names = ", ".join(shown(name) for name in dangerous[:3])
        return [], [f"It contains {names}, which no film needs: it may be harmful. Remove it and block the release."]
    if any({"bdmv", "video_ts"} & {part.lower() for part in path.parts} for path, _ in found):
        return [], ["It is a whole disc (BDMV or VIDEO_TS), not a video file."]
    videos = [
        (path, size)
        for path, size in found
        if path.suffix.lower() in filekinds.VIDEO_EXTENSIONS
        and filekinds.classify(f"{folder.name}/{path}" if folder.name != str(path) else str(path), size)
        is filekinds.FileKind.VIDEO
    ]
    if not videos:
        if any(_ARCHIVES.search(path.name) for path, _ in found):
            return [], ["It is packed (.rar or .zip). Unpack it, or let the client do so; then import it again."]
        if any(path.suffix.lower() in filekinds.VIDEO_EXTENSIONS for path, _ in found):
            return [], ["It holds only samples and extras."]
        return [], ["There is no video in it."]
    root = (
        folder.parent if outside.files.facts(folder) and len(found) == 1 and found[0][0].name == folder.name else folder
    )
    files = [_identify(known, root, path, size, alone=len(videos) == 1) for path, size in videos]
    if known.item_type == MediaType.MOVIE:
        files, problem = _main_film(files)
        if problem:
            return files, [problem]
    return [_checked(outside, known, file) for file in _no_doubles(files)], []


def _files_in(outside: Outside, folder: Path) -> list[tuple[PurePosixPath, int]]:
    """Return every file with its size, by its path below the folder; of a single file its name."""
    facts = outside.files.facts(folder)
    if facts is not None and not facts.is_folder:
        return [(PurePosixPath(folder.name), facts.size_bytes)]
    return [(PurePosixPath(found.path), found.size_bytes) for found in outside.files.walk(folder)]


def _identify(known: _Known, root: Path, path: PurePosixPath, size: int, *, alone: bool) -> ImportFile:
    """Read a file's name; where it says too little, the release's own name speaks for the only file."""
    hint = "movie" if known.item_type == MediaType.MOVIE else "tv"
    parsed = parse_path(str(path), None, hint)
    release = parse_release(known.row.release_title, hint)
    quality = known.quality
    if parsed is not None and parsed.quality.name != "Unknown" and (not alone or quality.name == "Unknown"):
        quality = parsed.quality
    group = (release.release_group if release else None) or (parsed.release_group if parsed else None)
    file = ImportFile(root / to_os(str(path)), shown(str(path)), size, quality, parsed, release_group=group)
    if known.item_type == MediaType.MOVIE:
        return file
    episodes = find_episodes(parsed, known.episodes, anime=known.anime) if parsed is not None else ()
    if parsed is not None and parsed.is_season_pack and not parsed.episodes:
        episodes = ()
    if not episodes and alone:
        episodes = tuple(episode for episode in known.episodes if episode.id in known.expected)
        if len(episodes) > 1 and release is not None and release.is_season_pack:
            episodes = ()
    if not episodes:
        return replace(file, objections=(f"{file.shown_path} tells no episode of {known.item_title}.",))
    strange = [e.code for e in episodes if known.expected and e.id not in known.expected]
    if strange:
        sentence = f"{file.shown_path} is {', '.join(strange)}, which this release was not to bring."
        return replace(file, episodes=episodes, objections=(sentence,))
    return replace(file, episodes=episodes)


def _main_film(files: list[ImportFile]) -> tuple[list[ImportFile], str | None]:
    """Return the film among several videos: the largest by far; several of like size are a question."""
    by_size = sorted(files, key=lambda file: file.size_bytes, reverse=True)
    alike = [file for file in by_size if file.size_bytes * 2 >= by_size[0].size_bytes]
    if len(alike) == 1:
        return by_size[:1], None
    names = ", ".join(file.shown_path for file in alike[:3])
    if all(_MULTI_PART.search(Path(file.shown_path).stem) for file in alike):
        return alike, f"It comes in {len(alike)} parts ({names}), which Mydia does not join."
    return alike, f"It holds {len(alike)} films ({names}). Choose the right one."


def _no_doubles(files: list[ImportFile]) -> list[ImportFile]:
    """Keep the better and larger one of two files with the same episode."""
    taken: set[str] = set()
    kept: list[ImportFile] = []
    for file in sorted(files, key=lambda file: (file.quality, file.size_bytes), reverse=True):
        ids = {episode.id for episode in file.episodes}
        if ids & taken:
            kept.append(replace(file, skipped=f"{file.shown_path} holds an episode that another file brings, too."))
            continue
        taken |= ids
        kept.append(file)
    return sorted(kept, key=lambda file: file.shown_path)


def _checked(outside: Outside, known: _Known, file: ImportFile) -> ImportFile:
    """Hold a file against what is placed, what it contains, and what is held."""
    if file.objections or file.skipped is not None:
        return file
    ids = frozenset(episode.id for episode in file.episodes)
    if known.placed_film or (ids and ids <= known.placed_episodes):
        return replace(file, already=True, skipped=f"{file.shown_path} is in the library already.")
    file, sentences = _probed(outside, known, file)
    if sentences:
        return replace(file, objections=tuple(sentences))
    for held in known.held:
        if known.item_type == MediaType.MOVIE or held.episode_ids & ids:
            verdict = settings.compare(known.profile, held.quality, file.quality, current_score=held.format_score)
            if not verdict.upgrade:
                return replace(file, skipped=f"{file.shown_path} was left out. {verdict.text}")
            if lost := held.episode_ids - ids:
                codes = sorted(episode.code for episode in known.episodes if episode.id in lost)
                return replace(file, objections=(f"The file it would replace also holds {', '.join(codes)}.",))
    return replace(file, objections=tuple(_room(outside, known, file)))


def _probed(outside: Outside, known: _Known, file: ImportFile) -> tuple[ImportFile, list[str]]:
    """Look into a file: is it whole, long enough, does it speak? What it really is corrects what its name says."""
    if file.path.suffix.lower() in (".iso", ".img"):
        return file, [f"{file.shown_path} is a disc image, not a video file."]
    try:
        facts = outside.probe.probe(file.path)
    except Nonsense as error:
        return file, [f"{file.shown_path} cannot be played: {error.cause}."]
    except AdapterError as error:
        raise NotReady(f"{file.shown_path} cannot be read: {error.cause}.") from error
    quality = file.quality
    if facts.resolution is not None and quality.modifier in (Modifier.NONE, Modifier.REMUX):
        quality = replace(quality, resolution=facts.resolution)
    file = replace(file, quality=quality, facts=facts)
    sentences: list[str] = []
    special = bool(file.episodes) and all(episode.season_number == 0 for episode in file.episodes)
    expected = _expected_min(known, file)
    shortest = next(seconds for minutes, seconds in _SAMPLE_RULE if expected <= minutes)
    if not special and facts.duration_s is not None and facts.duration_s < shortest:
        length = units.duration(facts.duration_s)
        sentences.append(
            f"{file.shown_path} is {length} long, where about {expected} min are expected: it is a sample."
        )
    if not facts.audio and facts.duration_s is not None:
        sentences.append(f"{file.shown_path} has no sound.")
    return file, sentences


def _expected_min(known: _Known, file: ImportFile) -> int:
    if known.item_type == MediaType.MOVIE:
        return known.runtime_min or _ASSUMED_FILM_MIN
    each = known.runtime_min or _ASSUMED_EPISODE_MIN
    return sum(episode.runtime_min or each for episode in file.episodes) or each


def _room(outside: Outside, known: _Known, file: ImportFile) -> list[str]:
    """Ask for room only where a copy will be made: a hard link takes none."""
    folder = known.library_folder
    if folder is None or outside.files.same_filesystem(file.path, folder):
        return []
    free = outside.files.space(folder).free_bytes
    if free - file.size_bytes >= known.minimum_free_bytes:
        return []
    needs, keep = units.size(file.size_bytes), units.size(known.minimum_free_bytes)
    return [f"It needs {needs}, but only {units.size(free)} is free in {folder} and {keep} of that must stay free."]


def _as_chosen(known: _Known, files: Sequence[ImportFile], chosen: Sequence[ChosenFile]) -> list[ImportFile]:
    by_path = {file.shown_path: file for file in files}
    by_id: Mapping[str, EpisodeRef] = {episode.id: episode for episode in known.episodes}
    picked: list[ImportFile] = []
    for choice in chosen:
        file = by_path.get(choice.path)
        if file is None:
            raise Invalid(f"{choice.path} is not a video of this download.")
        if unknown := [id for id in choice.episode_ids if id not in by_id]:
            raise Invalid(f"{len(unknown)} of the chosen episodes are not of {known.item_title}.")
        episodes = tuple(by_id[id] for id in choice.episode_ids) or file.episodes
        if known.item_type == MediaType.TV_SHOW and not episodes:
            raise Invalid(f"Choose the episodes that {choice.path} holds.", fields={choice.path: "Choose episodes."})
        quality = Quality.from_name(choice.quality, file.quality.revision) if choice.quality else file.quality
        picked.append(replace(file, episodes=episodes, quality=quality, objections=(), skipped=None))
    return picked


# --- writing ------------------------------------------------------------------------------------------------------


def _place(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    known: _Known,
    wanted: Sequence[ImportFile],
    run: Run | None,
) -> int:
    """Have the library place the files and return how many there are; what a crash left half-done is settled there."""
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
        # Moving would take the files away from a torrent that is still shared.
        mode="hardlink" if row.protocol == "torrent" and known.import_mode == "move" else None,
    )
    with database.reads() as session:
        plan = library.plan_import(session, caller, now, request)
    placed = library.place(database, outside, caller, now, plan, on_progress=None if run is None else run.progress)
    if placed.notes:
        with database.writes() as session:
            present = get(session, Download, row.id, what="This download")
            for sentence in placed.notes:
                note(present, now, sentence, "note")
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
        row.imported_at = now
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
    return f"{placed} files placed" + (f", {skipped} left out" if skipped else "")


def _without_title(database: Database, caller: Caller, now: datetime, download_id: str) -> str:
    with database.writes() as session:
        row = get(session, Download, download_id, what="This download")
        sentence = f"{row.media_title} is not in the library any more. Add it again, or remove this download."
        note(row, now, sentence, "block")
        if row.state == DownloadState.COMPLETED:
            move(session, caller, now, row, DownloadState.BLOCKED, reason=sentence)
            emit(session, caller, ImportBlocked(row.id, None, [sentence]), at=now)
    return f"blocked: {sentence}"


def _block(database: Database, caller: Caller, now: datetime, known: _Known, sentences: Sequence[str]) -> str:
    """Have the download wait for a person, with the sentences why."""
    reasons = list(dict.fromkeys(sentences))
    with database.writes() as session:
        row = get(session, Download, known.row.id, what="This download")
        for sentence in reasons:
            note(row, now, sentence, "block")
        if row.state != DownloadState.BLOCKED:
            move(session, caller, now, row, DownloadState.BLOCKED, reason=" ".join(reasons))
            emit(session, caller, ImportBlocked(row.id, row.media_item_id, reasons), at=now)
    return f"blocked: {' '.join(reasons)}"
