"""Bringing a download's files in: the new file is in its place, verified and stored before an old one moves.

For each file: the steps are written down; the folder is made; the file is linked (or copied, or moved) to its final name;
it is verified; then one transaction ends the steps, stores the row, tells of the import and writes down that the files
it replaces go to the recycle bin; and only then do they go. See `journal` for what happens when the process dies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.errors import AdapterError, Unreachable
from mydia.adapters.filesystem import (
    PART_PREFIX,
    CrossDevice,
    FileFacts,
    Files,
    confine,
    relative_text,
    shown,
    to_os,
    to_text,
)
from mydia.adapters.media_tools import MediaFacts
from mydia.adapters.outside import Outside
from mydia.config import Config
from mydia.contexts import media, settings
from mydia.contexts.library import journal, naming
from mydia.contexts.library.filekinds import SUBTITLE_EXTENSIONS, FileKind, classify
from mydia.contexts.library.files import columns_of
from mydia.contexts.library.holdings import held_qualities, refresh_holdings
from mydia.contexts.library.identify import named_quality
from mydia.contexts.library.journal import AfterStep, Step, nothing_after
from mydia.contexts.library.models import FileEpisode, JournalEntry, MediaFile, Sidecar
from mydia.contexts.library.recycle import recycle_place
from mydia.contexts.library.scan import subtitle_ending
from mydia.contexts.media import EpisodeRef, MediaItem, Version
from mydia.contexts.settings import LibraryPath, NamingSet
from mydia.contexts.users import Caller, Permission
from mydia.db import Database, get
from mydia.errors import Conflict, Invalid, MydiaError
from mydia.events import FileImported, emit
from mydia.parsing import ParsedRelease, Quality, parse_release

_METHODS = {"hardlink": "link", "reflink": "reflink", "copy": "copy", "move": "move"}
_SUBTITLE_FOLDERS = ("Subs", "subs", "Subtitles", "subtitles")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One video to be imported, and what is known of it; what is None is read from its name."""

    path: Path
    """As reached from here, in the operating system's form."""
    episode_ids: tuple[str, ...] = ()
    quality: Quality | None = None
    edition: str | None = None
    languages: tuple[str, ...] | None = None
    release_name: str | None = None
    release_group: str | None = None
    format_score: int = 0
    facts: MediaFacts | None = None
    """Its analysis, if it was made already."""
    part: int | None = None


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Files that are to become a title's."""

    item_id: str
    sources: tuple[SourceFile, ...]
    version_id: str | None = None
    """None takes the title's first version."""
    download_id: str | None = None
    library_path_id: str | None = None
    """None takes the version's folder, else the title's."""
    mode: str | None = None
    """hardlink | reflink | copy | move; None takes the library folder's."""
    replace: bool = True
    """Whether files of this version that hold the same go to the recycle bin."""
    subtitles: bool = True
    """Whether subtitles beside the videos come along."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file with the name it will get."""

    source: SourceFile
    relative_path: str
    columns: dict[str, Any]
    replaces: tuple[str, ...] = ()
    """Ids of files that it replaces."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import will do; showing it is the dry run."""

    batch_id: str
    item_id: str
    version_id: str
    library_path_id: str
    root: str
    folder: str
    mode: str
    download_id: str | None
    files: tuple[PlannedFile, ...]
    placed_already: tuple[str, ...] = ()
    """Ids of files that an earlier attempt has brought in."""
    subtitles: bool = True


@dataclass(frozen=True, slots=True)
class Placed:
    """What an import did."""

    batch_id: str
    file_ids: tuple[str, ...]
    """All files of the request, those of earlier attempts too."""
    method: str
    """hardlink | reflink | copy | move; `mixed` when they differ."""
    replaced: tuple[str, ...] = ()
    """Relative paths of the files that went to the recycle bin."""
    notes: tuple[str, ...] = ()
    """Sentences worth telling: why it was copied, what could not be recycled."""


@dataclass(slots=True)
class _Unit:
    """The steps of one file on its way."""

    file_id: str
    source: Path
    target: Path
    staging: Path | None
    proof: str
    ids: list[str] = field(default_factory=list)
    operation: str = "link"
    swapped: list[MediaFile] = field(default_factory=list)
    """Old files that have the very name of the new one, and go before it gets it."""
    beside: list[tuple[str, Path, Path]] = field(default_factory=list)
    """(sidecar id, source, target)."""


def plan_import(session: Session, caller: Caller, now: datetime, request: ImportRequest) -> ImportPlan:
    """Say where each file will go and what it replaces; nothing is changed.

    Raises:
        Invalid: The title has no library folder, or a series' file no episode.
        Conflict: Two files would get one name, or another title's file has it.
    """
    caller.require(Permission.MANAGE_MEDIA)
    item = media.get_item(session, request.item_id)
    version = _version(session, item, request.version_id)
    path = _library_path(session, item, version, request.library_path_id)
    rules = rules_of(settings.get_naming_set(session, path.id))
    earlier = _placed_already(session, request)
    folder = _folder(session, item, path, rules)
    episodes = {ref.id: ref for ref in media.episodes_of(session, item.id)} if item.type == "tv_show" else {}
    held = held_qualities(session, item.id)
    files: list[PlannedFile] = []
    names: dict[str, Path] = {}
    for source in request.sources:
        if to_text(str(source.path)) in earlier:
            continue
        if item.type == "tv_show" and not source.episode_ids:
            raise Invalid(f"Choose the episodes of {shown(source.path.name)}.")
        refs = [_known_episode(episodes, episode_id) for episode_id in source.episode_ids]
        parsed = _read(source, item.type)
        columns = _columns(source, parsed)
        facts = naming_facts(item, refs, columns, source.path.suffix, suffix=version.suffix)
        relative = (
            naming.movie_path(rules, facts, folder=folder)
            if item.type == "movie"
            else naming.episode_path(rules, facts, folder=folder)
        )
        if relative.casefold() in names:
            first = shown(names[relative.casefold()].name)
            raise Conflict(
                f"{first} and {shown(source.path.name)} would both be called {relative}. Import one of them."
            )
        names[relative.casefold()] = source.path
        wanted = frozenset(source.episode_ids)
        replaces = tuple(
            one.file_id
            for one in held
            if request.replace
            and one.version_id in (version.id, None)
            and (item.type == "movie" or (one.episode_ids and one.episode_ids <= wanted))
        )
        _check_name(session, path, relative, replaces)
        files.append(PlannedFile(source, relative, columns, replaces))
    return ImportPlan(
        batch_id=clock.new_id(),
        item_id=item.id,
        version_id=version.id,
        library_path_id=path.id,
        root=path.path,
        folder=folder,
        mode=request.mode or path.import_mode,
        download_id=request.download_id,
        files=tuple(files),
        placed_already=tuple(earlier.values()),
        subtitles=request.subtitles,
    )


def place(
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    now: datetime,
    plan: ImportPlan,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    after_step: AfterStep = nothing_after,
) -> Placed:
    """Carry an import out. Doing it again after a crash or an error brings in what is still missing, and nothing twice.

    Args:
        on_progress: Told (files done, files in all).
        after_step: For tests: called after every step; may end the process.

    Raises:
        Conflict: A file is in the way; what had been brought in before stays, the rest is taken back.
        AdapterError: The disk refuses, is full or fails; likewise.

    Emits: FileImported, FileRemoved.
    """
    caller.require(Permission.MANAGE_MEDIA)
    root = Path(plan.root)
    state = outside.files.mount_state(root)
    if not state.exists:
        raise Conflict(f"{plan.root} is not there. Mount the disk first.")
    file_ids, methods, replaced, notes = list(plan.placed_already), [], [], []
    journal.in_flight.add(plan.batch_id)
    try:
        for number, planned in enumerate(plan.files):
            unit = _write_down(database, outside, config, caller, now, plan, planned, number * 2)
            after_step("planned")
            try:
                note = _bring_in(database, outside.files, plan, unit, after_step)
            except MydiaError:
                _give_up(database, outside, now, plan, number * 2)
                raise
            going = _store(database, outside.files, config, caller, now, plan, planned, unit, number * 2 + 1)
            after_step("stored")
            notes += [note] if note else []
            notes += journal.run_steps(database, outside, config, caller, now, going.ids, after_step=after_step)
            replaced += going.names
            for left in going.paths:
                outside.files.remove_empty_parents(left, root)
            file_ids.append(unit.file_id)
            methods.append({"link": "hardlink"}.get(unit.operation, unit.operation))
            if on_progress is not None:
                on_progress(number + 1, len(plan.files))
    finally:
        journal.in_flight.discard(plan.batch_id)
    method = methods[0] if len(set(methods)) == 1 else "mixed" if methods else plan.mode
    return Placed(plan.batch_id, tuple(file_ids), method, tuple(replaced), tuple(dict.fromkeys(notes)))


# --- planning ------------------------------------------------------------------------------------------------------------


def rules_of(row: NamingSet) -> naming.NamingRules:
    """Return a naming set as the value that `naming` reads."""
    return naming.NamingRules(
        rename=row.rename,
        movie_folder=row.movie_folder,
        movie_file=row.movie_file,
        series_folder=row.series_folder,
        season_folder=row.season_folder,
        specials_folder=row.specials_folder,
        episode_file=row.episode_file,
        daily_file=row.daily_file,
        anime_file=row.anime_file,
        multi_episode_style=row.multi_episode_style,
        colon_replacement=row.colon_replacement,
        replace_illegal=row.replace_illegal,
    )


def naming_facts(
    item: MediaItem,
    episodes: Sequence[EpisodeRef],
    columns: dict[str, Any],
    extension: str,
    *,
    suffix: str | None = None,
) -> naming.NamingFacts:
    """Return what a file's name may tell.

    Args:
        columns: Columns of `media_files`, of a row or about to become one.
    """
    quality = Quality.from_json(columns["quality"]) if columns.get("quality") else Quality()
    ordered = sorted(episodes, key=lambda ref: (ref.season_number, ref.episode_number))
    streams = columns.get("streams") or {}
    spoken = [track.get("language") for track in streams.get("audio", ())] or list(columns.get("languages") or ())
    return naming.NamingFacts(
        title=item.title,
        extension=extension,
        year=item.year,
        original_title=item.original_title,
        tmdb_id=item.tmdb_id,
        tvdb_id=item.tvdb_id,
        imdb_id=item.imdb_id,
        certification=item.certification,
        collection=((item.metadata_json or {}).get("collection") or {}).get("name"),
        quality=None if quality.name == "Unknown" else quality.name,
        proper=_proper(quality),
        real="REAL" if quality.revision.real else None,
        edition=columns.get("edition"),
        release_group=columns.get("release_group"),
        release_name=columns.get("release_name"),
        video_codec=columns.get("video_codec"),
        bit_depth=columns.get("bit_depth"),
        hdr=columns.get("hdr_format"),
        audio_codec=columns.get("audio_codec"),
        audio_channels=columns.get("audio_channels"),
        audio_languages=tuple(dict.fromkeys(code for code in spoken if code)),
        subtitle_languages=tuple(
            dict.fromkeys(track["language"] for track in streams.get("subtitles", ()) if track.get("language"))
        ),
        series_type=item.series_type or "standard",
        season=ordered[0].season_number if ordered else None,
        episodes=tuple(ref.episode_number for ref in ordered),
        absolute=tuple(ref.absolute_number for ref in ordered if ref.absolute_number is not None),
        air_on=ordered[0].air_on if ordered else None,
        episode_titles=tuple(ref.title for ref in ordered if ref.title),
        version_suffix=suffix,
    )


def _proper(quality: Quality) -> str | None:
    if quality.revision.version <= 1:
        return None
    return "Repack" if quality.revision.is_repack else "Proper"


def _version(session: Session, item: MediaItem, version_id: str | None) -> Version:
    if version_id is None:
        return media.default_version(session, item.id)
    version = get(session, Version, version_id, what="This version")
    if version.media_item_id != item.id:
        raise Invalid("This version belongs to another title.")
    return version


def _library_path(session: Session, item: MediaItem, version: Version, chosen: str | None) -> LibraryPath:
    path_id = chosen or version.library_path_id or item.library_path_id
    if path_id is None:
        raise Invalid(f"{item.title} has no library folder yet. Choose one for it.")
    return settings.get_library_path(session, path_id)


def _folder(session: Session, item: MediaItem, path: LibraryPath, rules: naming.NamingRules) -> str:
    """Return a title's folder; two titles never share one, whatever they are called."""
    if item.folder and path.id == item.library_path_id:
        return item.folder
    wanted = naming.item_folder(rules, naming_facts(item, (), {}, ""), item.type)
    others = set(
        session.scalars(
            select(MediaItem.folder).where(
                MediaItem.id != item.id, MediaItem.library_path_id == path.id, MediaItem.folder.is_not(None)
            )
        )
    )
    taken = {other.casefold() for other in others if other}
    if wanted.casefold() not in taken:
        return wanted
    number = f"tmdb-{item.tmdb_id}" if item.tmdb_id else f"tvdb-{item.tvdb_id}" if item.tvdb_id else item.id[-6:]
    return f"{wanted} {{{number}}}"


def _known_episode(episodes: dict[str, EpisodeRef], episode_id: str) -> EpisodeRef:
    if episode_id not in episodes:
        raise Invalid("An episode that was chosen does not belong to this series.")
    return episodes[episode_id]


def _read(source: SourceFile, type: str) -> ParsedRelease:
    name = shown(source.release_name or source.path.name)
    hint = "movie" if type == "movie" else "tv"
    return parse_release(name, hint) or parse_release(shown(source.path.name), hint) or ParsedRelease(name=name)


def _columns(source: SourceFile, parsed: ParsedRelease) -> dict[str, Any]:
    quality = source.quality or named_quality(parsed)
    columns: dict[str, Any] = {"streams": {}}
    if source.facts is not None:
        columns = columns_of(source.facts)
        if source.facts.resolution is not None:
            # The name may lie about the resolution; the file does not.
            quality = Quality(quality.source, source.facts.resolution, quality.modifier, quality.revision)
    languages = (
        source.languages if source.languages is not None else tuple(c for c in parsed.languages if c != "original")
    )
    return {
        **columns,
        "quality": quality.to_json(),
        "quality_name": quality.name,
        "edition": source.edition or (parsed.editions[0] if parsed.editions else parsed.edition),
        "languages": list(languages),
        "release_name": _stem(source.release_name or shown(source.path.name)),
        "release_group": source.release_group or parsed.release_group,
        "format_score": source.format_score,
    }


def _stem(name: str) -> str:
    stem, dot, tail = name.rpartition(".")
    return stem if dot and classify(f"x/{name}", 1 << 40) in (FileKind.VIDEO, FileKind.EXTRA) and tail else name


def _check_name(session: Session, path: LibraryPath, relative: str, replaces: Sequence[str]) -> None:
    row = session.scalars(
        select(MediaFile).where(MediaFile.library_path_id == path.id, MediaFile.relative_path == relative)
    ).first()
    if row is not None and row.id not in replaces and row.missing_since is None:
        raise Conflict(
            f"{shown(relative)} exists already and is not replaced by this import. Rename or remove it first."
        )


def _placed_already(session: Session, request: ImportRequest) -> dict[str, str]:
    """Return source -> file id of what an earlier attempt at the same download brought in."""
    if request.download_id is None:
        return {}
    rows = session.execute(
        select(JournalEntry.source, JournalEntry.file_id)
        .join(MediaFile, MediaFile.id == JournalEntry.file_id)
        .where(
            JournalEntry.cause == f"import {request.download_id}",
            JournalEntry.operation.in_(journal.BRINGS_IN),
            JournalEntry.state == "done",
        )
    )
    wanted = {to_text(str(source.path)) for source in request.sources}
    return {source: file_id for source, file_id in rows if source in wanted and file_id is not None}


# --- one file --------------------------------------------------------------------------------------------------------------


def _write_down(
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    now: datetime,
    plan: ImportPlan,
    planned: PlannedFile,
    unit_number: int,
) -> _Unit:
    root = Path(plan.root)
    files = outside.files
    target = confine(root, planned.relative_path)
    source = planned.source.path
    if files.facts(source) is None:
        raise Unreachable("Disk", f"{shown(str(source))} is not there; is the download folder mounted and mapped?")
    with database.reads() as session:
        old = session.scalars(select(MediaFile).where(MediaFile.id.in_(planned.replaces))).all()
    swapped = [
        row
        for row in old
        if row.library_path_id == plan.library_path_id
        and row.relative_path == planned.relative_path
        and files.exists(target)
    ]
    if files.exists(target) and not swapped:
        raise Conflict(
            f"{shown(str(target))} exists already, and Mydia does not know that file. Scan the folder first."
        )
    file_id = clock.new_id()
    proof = journal.fingerprint(files, source)
    staging = target.with_name(f"{PART_PREFIX}{file_id}{target.suffix}") if swapped else None
    unit = _Unit(file_id, source, target, staging, proof, operation=_METHODS[plan.mode], swapped=list(swapped))
    unit.beside = [] if not plan.subtitles else _subtitles(files, source, target)
    facts = files.facts(source)
    size = facts.size_bytes if facts is not None else None
    steps = [
        Step("mkdir", None, target.parent, media_item_id=plan.item_id),
        Step(unit.operation, source, staging or target, proof, file_id, plan.item_id, size),
    ]
    for sidecar_id, from_, to in unit.beside:
        steps.append(Step("copy", from_, to, journal.fingerprint(files, from_), sidecar_id, plan.item_id))
    for row in swapped:
        bin_ = recycle_place(config, root, plan.batch_id, target)
        steps.append(
            Step("recycle", target, bin_, journal.fingerprint(files, target), row.id, plan.item_id, row.size_bytes)
        )
    if staging is not None:
        steps.append(Step("rename", staging, target, proof, file_id, plan.item_id, size))
    with database.writes() as session:
        unit.ids = journal.write_steps(session, now, caller, plan.batch_id, _cause(plan), steps, unit=unit_number)
    return unit


def _cause(plan: ImportPlan) -> str:
    return f"import {plan.download_id or 'by hand'}"


def _bring_in(database: Database, files: Files, plan: ImportPlan, unit: _Unit, after_step: AfterStep) -> str | None:
    """Do a unit's steps on the disk and return a sentence when it went otherwise than asked."""
    files.make_folder(unit.target.parent)
    after_step("folder made")
    note = _transfer(database, files, unit, unit.staging or unit.target, after_step)
    after_step("transferred")
    if not journal.is_it(files, unit.staging or unit.target, unit.proof):
        raise Unreachable("Disk", f"{shown(unit.target.name)} is not what was to be imported; check the disk")
    after_step("verified")
    for _, source, target in unit.beside:
        files.copy(source, target)
        after_step("subtitle copied")
    if unit.staging is not None:
        with database.reads() as session:
            entries = session.scalars(
                select(JournalEntry)
                .where(JournalEntry.id.in_(unit.ids), JournalEntry.operation.in_(("recycle", "rename")))
                .order_by(JournalEntry.step)
            ).all()
        for entry in entries:
            journal.perform(files, entry)
            after_step(f"{entry.operation} performed")
    return note


def _transfer(database: Database, files: Files, unit: _Unit, target: Path, after_step: AfterStep) -> str | None:
    if unit.operation == "link":
        try:
            files.hardlink(unit.source, target)
        except CrossDevice as error:
            # Written down first: after a crash a copy is recognised by its content, not by its inode.
            unit.operation = "copy"
            with database.writes() as session:
                session.execute(update(JournalEntry).where(JournalEntry.id == unit.ids[1]).values(operation="copy"))
            after_step("link refused")
            _copy(files, unit.source, target, after_step)
            return f"Copied instead of hard-linked: {error.cause}."
        return None
    if unit.operation == "move":
        files.move(unit.source, target, on_progress=lambda _done: after_step("copying"))
        return None
    _copy(files, unit.source, target, after_step)
    return None


def _copy(files: Files, source: Path, target: Path, after_step: AfterStep) -> None:
    files.copy(source, target, verify=True, on_progress=lambda _done: after_step("copying"))


def _give_up(database: Database, outside: Outside, now: datetime, plan: ImportPlan, unit_number: int) -> None:
    with database.reads() as session:
        entries = session.scalars(
            select(JournalEntry).where(
                JournalEntry.batch_id == plan.batch_id,
                JournalEntry.unit == unit_number,
                JournalEntry.state == "planned",
            )
        ).all()
    journal.take_back(database, outside.files, now, entries)


@dataclass(slots=True)
class _Going:
    """Old files on their way out."""

    ids: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)


def _store(
    database: Database,
    files: Files,
    config: Config,
    caller: Caller,
    now: datetime,
    plan: ImportPlan,
    planned: PlannedFile,
    unit: _Unit,
    unit_number: int,
) -> _Going:
    """End the steps, store the row and write down what goes next: the moment from which there is no way back."""
    proofs = _look_at_old(database, files, planned)
    placed = files.facts(unit.target)
    assert placed is not None, "verified just before"
    going = _Going()
    with database.writes() as session:
        for row in unit.swapped:
            going.names.append(shown(row.relative_path))
            entry_id = next(
                id_
                for id_ in unit.ids
                if (entry := session.get(JournalEntry, id_)) is not None and entry.operation == "recycle"
            )
            journal.settle(session, config, caller, now, entry_id)
        for entry in session.scalars(select(JournalEntry).where(JournalEntry.id.in_(unit.ids))):
            entry.state, entry.finished_at = "done", now
        session.flush()
        # A row of the same name that was missing on disk is this file's place now.
        gone = session.scalars(
            select(MediaFile).where(
                MediaFile.library_path_id == plan.library_path_id, MediaFile.relative_path == planned.relative_path
            )
        ).first()
        if gone is not None:
            session.delete(gone)
            session.flush()
        session.add(_row(plan, planned, unit, placed, now))
        session.flush()
        session.add_all(
            FileEpisode(file_id=unit.file_id, episode_id=episode_id, part=planned.source.part)
            for episode_id in dict.fromkeys(planned.source.episode_ids)
        )
        for sidecar_id, _, target in unit.beside:
            session.add(_sidecar(plan, sidecar_id, unit.file_id, target))
        steps = []
        for row_id, path, root, proof, size in proofs:
            old = session.get(MediaFile, row_id)
            if old is None:
                continue
            if proof is None:
                session.delete(old)
                continue
            going.names.append(shown(old.relative_path))
            going.paths.append(path)
            bin_ = recycle_place(config, root, plan.batch_id, path)
            steps.append(Step("recycle", path, bin_, proof, row_id, plan.item_id, size))
        going.ids = journal.write_steps(session, now, caller, plan.batch_id, _cause(plan), steps, unit=unit_number)
        item = media.get_item(session, plan.item_id)
        if item.folder is None and plan.library_path_id == item.library_path_id:
            media.change_item(session, caller, now, item.id, {"folder": plan.folder})
        refresh_holdings(session, now, plan.item_id)
        emit(
            session,
            caller,
            FileImported(
                plan.item_id,
                unit.file_id,
                plan.download_id,
                shown(str(unit.source)),
                shown(planned.relative_path),
                {"link": "hardlink"}.get(unit.operation, unit.operation),
                list(going.names),
            ),
            at=now,
        )
    return going


def _look_at_old(
    database: Database, files: Files, planned: PlannedFile
) -> list[tuple[str, Path, Path, str | None, int]]:
    """Return (file id, path, root, fingerprint or None when it is gone, size) of what is replaced elsewhere."""
    found: list[tuple[str, Path, Path, str | None, int]] = []
    with database.reads() as session:
        rows = session.scalars(select(MediaFile).where(MediaFile.id.in_(planned.replaces))).all()
        roots = {path.id: Path(path.path) for path in settings.list_library_paths(session)}
    for row in rows:
        root = roots[row.library_path_id]
        path = root / to_os(row.relative_path)
        try:
            proof = journal.fingerprint(files, path) if files.exists(path) else None
        except AdapterError:
            continue
        found.append((row.id, path, root, proof, row.size_bytes))
    return found


def _row(plan: ImportPlan, planned: PlannedFile, unit: _Unit, placed: FileFacts, now: datetime) -> MediaFile:
    analysed = {"analysed_at": now} if planned.source.facts is not None else {}
    return MediaFile(
        id=unit.file_id,
        library_path_id=plan.library_path_id,
        relative_path=planned.relative_path,
        size_bytes=placed.size_bytes,
        mtime_ns=placed.mtime_ns,
        inode=placed.inode,
        device=placed.device,
        kind="video",
        match_state="matched",
        media_item_id=plan.item_id,
        version_id=plan.version_id,
        match_score=1.0,
        match_evidence=["It was downloaded for this title" if plan.download_id else "It was imported by hand"],
        download_id=plan.download_id,
        added_at=now,
        verified_at=now,
        **planned.columns,
        **analysed,
    )


def _subtitles(files: Files, source: Path, target: Path) -> list[tuple[str, Path, Path]]:
    """Find the subtitles that belong to a video: of its name, or all when it is the only video there."""
    try:
        names = files.list_folder(source.parent)
    except AdapterError:
        return []
    videos = [name for name in names if classify(f"x/{name}", 1 << 40) is FileKind.VIDEO]
    found = [source.parent / to_os(name) for name in names if Path(name).suffix.lower() in SUBTITLE_EXTENSIONS]
    for folder in _SUBTITLE_FOLDERS:
        if folder in names and len(videos) == 1:
            try:
                inner = files.list_folder(source.parent / folder)
            except AdapterError:
                continue
            found += [
                source.parent / folder / to_os(name)
                for name in inner
                if Path(name).suffix.lower() in SUBTITLE_EXTENSIONS
            ]
    beside: list[tuple[str, Path, Path]] = []
    taken: set[str] = set()
    for path in found:
        if len(videos) != 1 and not path.stem.startswith(source.stem):
            continue
        language, flags = subtitle_ending(shown(path.name))
        ending = "".join(f".{part}" for part in (language, *flags) if part)
        for number in range(1, 20):
            counted = "" if number == 1 else f".{number}"
            name = f"{target.stem}{ending}{counted}{path.suffix.lower()}"
            if name not in taken and not files.exists(target.with_name(name)):
                taken.add(name)
                beside.append((clock.new_id(), path, target.with_name(name)))
                break
    return beside


def _sidecar(plan: ImportPlan, sidecar_id: str, file_id: str, target: Path) -> Sidecar:
    language, flags = subtitle_ending(shown(target.name))
    return Sidecar(
        id=sidecar_id,
        library_path_id=plan.library_path_id,
        file_id=file_id,
        relative_path=relative_text(Path(plan.root), target),
        kind="subtitle",
        language=language,
        flags=flags,
        ours=True,
    )
