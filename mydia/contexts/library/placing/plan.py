"""Plan an import: the name of each file, and what it replaces."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.filesystem import (
    shown,
    to_text,
)
from mydia.adapters.media_tools import MediaFacts
from mydia.contexts import media, settings
from mydia.contexts.library import journal, naming, scoring
from mydia.contexts.library.filekinds import FileKind, classify
from mydia.contexts.library.files import columns_of
from mydia.contexts.library.holdings import held_in_versions
from mydia.contexts.library.models import JournalEntry, MediaFile
from mydia.contexts.library.naming_facts import naming_facts, rules_of
from mydia.contexts.library.recognise.linking import named_quality
from mydia.contexts.library.words import StepState
from mydia.contexts.media import EpisodeRef, MediaItem, Version
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import get
from mydia.errors import Conflict, Invalid
from mydia.parsing import ParsedRelease, Quality, parse_release
from mydia.vocabulary import MediaType


class SourceFile(msgspec.Struct, frozen=True, kw_only=True):
    """A video to import with its known facts. None fields are taken from its name."""

    path: Path
    """Path on this machine, in the operating system's encoding."""
    episode_ids: tuple[str, ...] = ()
    quality: Quality | None = None
    edition: str | None = None
    languages: tuple[str, ...] | None = None
    release_name: str | None = None
    release_group: str | None = None
    format_score: int = 0
    flags: tuple[str, ...] = ()
    """Flags of the indexer it was downloaded from."""
    facts: MediaFacts | None = None
    """Its analysis, if it has already been analysed."""
    part: int | None = None


class ImportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Files to import for a title."""

    item_id: str
    sources: tuple[SourceFile, ...]
    version_id: str | None = None
    """None uses the title's first version."""
    download_id: str | None = None
    run_id: str | None = None
    """The job run of a manual import. If it starts again, it imports what is still missing and nothing twice."""
    library_path_id: str | None = None
    """None uses the version's folder, or the title's."""
    mode: str | None = None
    """hardlink | reflink | copy | move; None uses that of the library folder."""
    replace: bool = True
    """Whether files of this version with the same content go to the recycle bin."""
    subtitles: bool = True
    """Whether to import subtitles next to the videos too."""


class PlannedFile(msgspec.Struct, frozen=True):
    """A file with its new name."""

    source: SourceFile
    relative_path: str
    columns: dict[str, Any]
    replaces: tuple[str, ...] = ()
    """Ids of the files it replaces."""


class ImportPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of an import; also used for the dry run."""

    batch_id: str
    item_id: str
    version_id: str
    library_path_id: str
    root: str
    folder: str
    mode: str
    download_id: str | None
    ref: str | None
    """What the journal names as the origin of the files: the download, or the run of a manual import."""
    files: tuple[PlannedFile, ...]
    placed_already: tuple[str, ...] = ()
    """Ids of files that an earlier attempt has imported."""
    subtitles: bool = True
    bin_directory: str | None = None
    """The setting `library.recycle_directory`."""


def plan_import(session: Session, caller: Caller, now: datetime, request: ImportRequest) -> ImportPlan:
    """Return the target of each file and what it replaces. Nothing is changed.

    Raises:
        Invalid: The title has no library folder, or a file of a series has no episode.
        Conflict: Two files would get the same name, or a file of another title has it.
    """
    caller.require(Permission.MANAGE_MEDIA)
    item = get(session, MediaItem, request.item_id, what="This title")
    versions = media.versions.versions_of(session, [item.id])[item.id]
    version = media.versions.chosen(versions, request.version_id)
    path = _library_path(session, item, version, request.library_path_id)
    rules = rules_of(settings.naming_rules.get_naming_set(session, caller, path.id))
    earlier = _placed_already(session, request)
    folder = _folder(session, item, path, rules)
    episodes = (
        {ref.id: ref for ref in media.episodes.episodes_of(session, caller, item.id)}
        if item.type == MediaType.TV_SHOW
        else {}
    )
    held = held_in_versions(session, item, versions)
    files: list[PlannedFile] = []
    names: dict[str, Path] = {}
    for source in request.sources:
        if to_text(str(source.path)) in earlier:
            continue
        if item.type == MediaType.TV_SHOW and not source.episode_ids:
            raise Invalid(f"Choose the episodes of {shown(source.path.name)}.")
        refs = [_known_episode(episodes, episode_id) for episode_id in source.episode_ids]
        parsed = _read(source, item.type)
        columns = _columns(source, parsed)
        looked_at = {**columns, "analysed_at": now if source.facts is not None else None}
        formats = scoring.names_of_formats(session, item, looked_at, shown(source.path.stem), len(refs))
        named = {**columns, "custom_formats": formats}
        facts = naming_facts(item, refs, named, source.path.suffix, suffix=version.suffix)
        relative = (
            naming.movie_path(rules, facts, folder=folder)
            if item.type == MediaType.MOVIE
            else naming.episode_path(rules, facts, folder=folder)
        )
        if relative.casefold() in names:
            first = shown(names[relative.casefold()].name)
            raise Conflict(
                f"{first} and {shown(source.path.name)} would both be named {relative}. Import only one of them."
            )
        names[relative.casefold()] = source.path
        wanted = frozenset(source.episode_ids)
        replaces = tuple(
            one.file_id
            for one in held
            if request.replace
            and one.version_id == version.id
            and (item.type == MediaType.MOVIE or (one.episode_ids and one.episode_ids <= wanted))
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
        ref=_ref(request),
        files=tuple(files),
        placed_already=tuple(earlier.values()),
        subtitles=request.subtitles,
        bin_directory=settings.of(session).library.recycle_directory,
    )


def _library_path(session: Session, item: MediaItem, version: Version, chosen: str | None) -> LibraryPath:
    path_id = chosen or version.library_path_id or item.library_path_id
    if path_id is None:
        raise Invalid(f"{item.title} has no library folder. Choose one in its Edit dialog.")
    return settings.library_paths.get_library_path(session, SYSTEM, path_id)


def _folder(session: Session, item: MediaItem, path: LibraryPath, rules: naming.NamingRules) -> str:
    """Return a title's folder. Two titles with the same name get different folders."""
    if item.folder and path.id == item.library_path_id:
        return item.folder
    wanted = naming.item_folder(rules, naming_facts(item, (), {}, ""), item.type)
    if not media.catalogue.is_folder_taken(session, path.id, wanted, except_for=item.id):
        return wanted
    number = f"tmdb-{item.tmdb_id}" if item.tmdb_id else f"tvdb-{item.tvdb_id}" if item.tvdb_id else item.id[-6:]
    return f"{wanted} {{{number}}}"


def _known_episode(episodes: dict[str, EpisodeRef], episode_id: str) -> EpisodeRef:
    if episode_id not in episodes:
        raise Invalid("A chosen episode does not belong to this show.")
    return episodes[episode_id]


def _read(source: SourceFile, type: MediaType) -> ParsedRelease:
    name = shown(source.release_name or source.path.name)
    hint = "movie" if type == MediaType.MOVIE else "tv"
    return parse_release(name, hint) or parse_release(shown(source.path.name), hint) or ParsedRelease(name=name)


def _columns(source: SourceFile, parsed: ParsedRelease) -> dict[str, Any]:
    quality = source.quality or named_quality(parsed)
    columns: dict[str, Any] = {"streams": {}}
    if source.facts is not None:
        columns = columns_of(source.facts)
        if source.facts.resolution is not None:
            # The name may be wrong about the resolution.
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
        "indexer_flags": list(source.flags),
    }


def _stem(name: str) -> str:
    stem, dot, tail = name.rpartition(".")
    return stem if dot and classify(f"x/{name}", 1 << 40) in (FileKind.VIDEO, FileKind.EXTRA) and tail else name


_OF_NAME = select(MediaFile.id, MediaFile.missing_since).where(
    MediaFile.library_path_id == bindparam("library_path_id"), MediaFile.relative_path == bindparam("relative_path")
)


def _check_name(session: Session, path: LibraryPath, relative: str, replaces: Sequence[str]) -> None:
    row = session.execute(_OF_NAME, {"library_path_id": path.id, "relative_path": relative}).first()
    if row is not None and row.id not in replaces and row.missing_since is None:
        raise Conflict(
            f"{shown(relative)} already exists and is not replaced by this import. Rename or remove it first."
        )


def _ref(request: ImportRequest) -> str | None:
    return f"{journal.MANUAL_REF}{request.run_id}" if request.run_id is not None else request.download_id


def _placed_already(session: Session, request: ImportRequest) -> dict[str, str]:
    """Return source -> file id of the files that an earlier attempt imported from the same download or in the same run."""
    ref = _ref(request)
    if ref is None:
        return {}
    rows = session.execute(
        select(JournalEntry.source, JournalEntry.file_id)
        .join(MediaFile, MediaFile.id == JournalEntry.file_id)
        .where(
            JournalEntry.cause == journal.Cause.IMPORT,
            JournalEntry.cause_ref == ref,
            JournalEntry.operation.in_(journal.BRINGS_IN),
            JournalEntry.state == StepState.DONE,
        )
    )
    wanted = {to_text(str(source.path)) for source in request.sources}
    return {source: file_id for source, file_id in rows if source in wanted and file_id is not None}
