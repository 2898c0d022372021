"""Manual import: list the files of a folder or of a review entry, let a user correct them, import them.

Pages and APIs call, in this order:

1. `manual_files` with a folder on this machine or an entry of the review; each file comes with a proposal.
2. `manual_episodes` for the seasons and episodes to choose from, if a file's episodes are in doubt.
3. `manual_import` with one `ManualChoice` for each file to import.

`change_files` corrects files that are already in the library.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import replace
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from mydia.adapters.filesystem import NotThere, shown, to_os
from mydia.adapters.outside import Outside
from mydia.contexts import media, settings
from mydia.contexts.library.filekinds import LEFT_OUT_SENTENCES, VIDEOS, Judged, judge_files, may_enter
from mydia.contexts.library.holdings import quality_of, refresh_holdings
from mydia.contexts.library.journal import MANUAL_REF, Cause
from mydia.contexts.library.models import FileEpisode, InboxEntry, JournalEntry, MediaFile
from mydia.contexts.library.placing.plan import ImportRequest, SourceFile, plan_import
from mydia.contexts.library.placing.write import place
from mydia.contexts.library.reasons import ReviewReason, review_sentence
from mydia.contexts.library.recognise.entries import count_entry, count_waiting
from mydia.contexts.library.recognise.groups import NewFile, read_name
from mydia.contexts.library.recognise.linking import Attachment, Unclear, attach_files, doubt_facts, named_quality
from mydia.contexts.library.words import ReviewState
from mydia.contexts.media import MediaItem, numbering
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, get
from mydia.errors import Forbidden, Invalid, MydiaError, NotFound
from mydia.events import FileMatched, InboxChanged, InboxDecided, MediaChanged, emit, reason
from mydia.languages import language_names
from mydia.parsing import ParsedRelease, Quality, normalise_title
from mydia.vocabulary import MediaType

_FILES_AT_MOST = 500
_HINTS = {MediaType.MOVIE: "movie", MediaType.TV_SHOW: "tv"}


class ManualFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file with the proposed import."""

    path: str
    """Absolute; the `path` of a `ManualChoice`."""
    name: str
    """Path relative to the folder, for display."""
    size_bytes: int
    file_id: str | None = None
    """Set for a file that is already in a library folder; the `file_id` of a `ManualChoice`."""
    media_item_id: str | None = None
    media_title: str | None = None
    """The library title it probably belongs to."""
    guessed_title: str = ""
    """Title from the file name, to search for if no title is proposed."""
    guessed_year: int | None = None
    episode_ids: tuple[str, ...] = ()
    likely_episode_ids: tuple[str, ...] = ()
    """If there is a doubt: the episodes to offer first."""
    doubt: ReviewReason | None = None
    doubt_sentence: str | None = None
    quality: Quality
    languages: tuple[str, ...] = ()
    release_group: str | None = None
    edition: str | None = None
    left_out: str | None = None
    """Why it is not proposed for import, as a sentence: an extra or a sample. It can still be imported."""


class ManualFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The videos of a folder or an entry."""

    files: tuple[ManualFile, ...]
    is_truncated: bool = False
    """Whether there are more files than can be listed at once."""


class ManualEpisode(msgspec.Struct, frozen=True, kw_only=True):
    """An episode to choose."""

    id: str
    season_number: int
    episode_number: int
    code: str
    title: str | None
    air_on: date | None
    held: bool


class ManualChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A user's decision about one file. None fields are taken from the name."""

    media_item_id: str
    path: str | None = None
    file_id: str | None = None
    """Exactly one of the two must be set, as in `ManualFile`."""
    episode_ids: tuple[str, ...] = ()
    version_id: str | None = None
    quality: Quality | None = None
    languages: tuple[str, ...] | None = None
    release_group: str | None = None
    edition: str | None = None


class ManualResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a manual import."""

    file_ids: tuple[str, ...]
    batch_ids: tuple[str, ...]
    """For `undo_batch`; files that were already in the library have none."""
    failures: tuple[tuple[str, str], ...]
    """(name, message) of each file that was not imported."""


def manual_files(
    database: Database,
    outside: Outside,
    caller: Caller,
    *,
    folder: str | None = None,
    inbox_id: str | None = None,
    item_id: str | None = None,
) -> ManualFiles:
    """List the videos of a folder or of a review entry, with a proposal for each.

    Args:
        folder: Absolute path on this machine. Folders outside the library require permission to change settings.
        item_id: The title of all files; None proposes one for each file.

    Raises:
        Invalid: Neither or both of folder and entry are given, or the path is not absolute.
        Forbidden: The folder is outside the library folders.
        NotFound: The entry, title or folder does not exist.
        AdapterError: The folder cannot be read.
    """
    caller.require(Permission.MANAGE_MEDIA)
    if (folder is None) == (inbox_id is None):
        raise Invalid("Choose a folder or a review entry.", fields={"folder": "Choose a folder."})
    if inbox_id is not None:
        return _files_of_entry(database, caller, inbox_id, item_id)
    root = _checked_folder(database, caller, folder or "")
    found = []
    try:
        for one in outside.files.walk(root, enter=may_enter):
            found.append(one)
            if len(found) > _FILES_AT_MOST * 10:
                break
    except NotThere as error:
        raise NotFound(f"The folder {shown(folder or '')} does not exist.") from error
    judged = judge_files((f"{root.name}/{one.path}", one.size_bytes) for one in found)
    videos = [
        (one, about)
        for one in found
        if (about := judged.get(f"{root.name}/{one.path}")) is not None and about.kind in VIDEOS
    ]
    with database.reads() as session:
        known = {path.id: path.path for path in settings.library_paths.list_library_paths(session, caller)}
        here = _Library(session, caller, item_id)
        files = tuple(
            here.propose(
                root / to_os(one.path),
                f"{root.name}/{one.path}",
                one.size_bytes,
                about,
                file_id=_file_at(session, known, str(root / to_os(one.path))),
            )
            for one, about in videos[:_FILES_AT_MOST]
        )
    return ManualFiles(files=files, is_truncated=len(videos) > _FILES_AT_MOST)


def manual_episodes(session: Session, caller: Caller, item_id: str) -> list[ManualEpisode]:
    """Return a series' episodes in order, to choose from. Raises NotFound."""
    caller.require(Permission.MANAGE_MEDIA)
    media.get_item(session, caller, item_id)
    return [
        ManualEpisode(
            id=ref.id,
            season_number=ref.season_number,
            episode_number=ref.episode_number,
            code=ref.code,
            title=ref.title,
            air_on=ref.air_on,
            held=ref.held,
        )
        for ref in media.episodes.episodes_of(session, caller, item_id)
    ]


def manual_import(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    choices: Sequence[ManualChoice],
    *,
    mode: str | None = None,
    run_id: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ManualResult:
    """Import files according to a user's decisions, grouped by title. A failure of one file does not stop the others.

    Args:
        mode: hardlink | reflink | copy | move, for files outside the library; None uses that of the library folder.
        run_id: The job run. If it starts again after a crash, files that it has imported are not imported again.
        on_progress: Called with (files done, files in all).
        cancelled: Checked before each file; when true the rest is left.

    Raises:
        Invalid: There is no choice, one has neither or both of a path and a file, or a file is chosen twice.

    Emits: FileImported, FileMatched, FileRemoved, InboxDecided, InboxChanged.
    """
    caller.require(Permission.MANAGE_MEDIA)
    _check_choices(choices)
    groups: dict[tuple[str, str | None, bool], list[ManualChoice]] = {}
    for choice in choices:
        groups.setdefault((choice.media_item_id, choice.version_id, choice.file_id is not None), []).append(choice)
    file_ids: list[str] = []
    batches: list[str] = []
    failures: list[tuple[str, str]] = []
    done = 0
    for (item_id, version_id, is_here), members in groups.items():
        if cancelled():
            break
        if on_progress is not None:
            on_progress(done, len(choices))
        before, done = done, done + len(members)

        def step(number: int, _of: int, before: int = before) -> None:
            if on_progress is not None:
                on_progress(before + number, len(choices))

        failed: dict[str, str] = {}

        def fail(path: Path, error: MydiaError, failed: dict[str, str] = failed) -> None:
            failed[str(path)] = str(error)

        try:
            if is_here:
                file_ids += _attach_chosen(database, caller, now, item_id, version_id, members)
                continue
            for one in members:
                _checked_folder(database, caller, str(Path(one.path or "").parent))
            request = ImportRequest(
                item_id=item_id,
                version_id=version_id,
                sources=tuple(_source(one) for one in members),
                mode=mode,
                run_id=run_id,
            )
            with database.reads() as session:
                plan = plan_import(session, caller, now, request)
            placed = place(
                database,
                outside,
                caller,
                now,
                plan,
                on_progress=step,
                on_failure=fail,
                cancelled=cancelled,
            )
            file_ids += placed.file_ids
            batches.append(placed.batch_id)
            failures += [(shown(Path(path).name), sentence) for path, sentence in failed.items()]
        except MydiaError as error:
            failures += [(_name_of(database, one), str(error)) for one in members]
    return ManualResult(file_ids=tuple(file_ids), batch_ids=tuple(batches), failures=tuple(failures))


def _check_choices(choices: Sequence[ManualChoice]) -> None:
    """Raise Invalid unless every choice names one file that no other names."""
    sentence = None
    if not choices:
        sentence = "Choose at least one file."
    elif any((one.path is None) == (one.file_id is None) for one in choices):
        sentence = "Each choice needs a path or a file."
    else:
        names = Counter(one.path or one.file_id for one in choices)
        twice = next((one for one in choices if names[one.path or one.file_id] > 1), None)
        if twice is not None:
            name = shown(Path(twice.path).name) if twice.path else "A file"
            sentence = f"{name} is chosen twice. Choose all its episodes in one line."
    if sentence is not None:
        raise Invalid(sentence, fields={"files": sentence})


def suggest_titles(session: Session, caller: Caller, text: str, *, limit: int = 12) -> list[tuple[str, int | None]]:
    """Return (title, year) of titles of the library that a text may mean."""
    caller.require(Permission.MANAGE_MEDIA)
    return [(card.title, card.year) for card in media.lists.search_library(session, caller, text, limit=limit)]


def find_named(session: Session, caller: Caller, text: str) -> MediaItem:
    """Return the title of the library that a text names, such as `Metropolis (1927)`.

    Raises:
        Invalid: There is none, or several.
    """
    caller.require(Permission.MANAGE_MEDIA)
    title, year = text.strip(), None
    if title.endswith(")") and title[-6:-5] == "(" and title[-5:-1].isdigit():
        title, year = title[:-6].strip(), int(title[-5:-1])
    if not title:
        raise Invalid("Choose a title.")
    found = [item for type_ in MediaType for item in media.find_by_title(session, type_, title, year)]
    exact = [item for item in found if item.year == year] or found
    if len(exact) == 1:
        return exact[0]
    if not found:
        raise Invalid(f"“{text.strip()}” is not in the library. Add the title first.")
    raise Invalid(f"The library has several titles called “{title}”. Add the year.")


def versions_of(session: Session, caller: Caller, item_id: str) -> list[media.Version]:
    """Return the versions of a title that a file can become, the default one first."""
    caller.require(Permission.MANAGE_MEDIA)
    return media.versions.versions_of(session, [item_id])[item_id]


def import_params(caller: Caller, choices: Sequence[ManualChoice], *, mode: str | None = None) -> dict[str, Any]:
    """Return the parameters of the job `library.manual_import`, which imports on behalf of the caller's account.

    Raises:
        Invalid: There is no choice, one has neither or both of a path and a file, or a file is chosen twice.
    """
    caller.require(Permission.MANAGE_MEDIA)
    _check_choices(choices)
    told = [
        {
            "media_item_id": one.media_item_id,
            "path": one.path,
            "file_id": one.file_id,
            "episode_ids": list(one.episode_ids),
            "version_id": one.version_id,
            "quality": None if one.quality is None else one.quality.to_json(),
            "languages": None if one.languages is None else list(one.languages),
            "release_group": one.release_group,
            "edition": one.edition,
        }
        for one in choices
    ]
    return {"choices": told, "mode": mode, "requested_by": caller.id}


def choices_from_json(told: Sequence[Mapping[str, Any]]) -> list[ManualChoice]:
    """Return the choices that `import_params` was given."""
    return [
        ManualChoice(
            media_item_id=one["media_item_id"],
            path=one["path"],
            file_id=one["file_id"],
            episode_ids=tuple(one["episode_ids"]),
            version_id=one["version_id"],
            quality=None if one["quality"] is None else Quality.from_json(one["quality"]),
            languages=None if one["languages"] is None else tuple(one["languages"]),
            release_group=one["release_group"],
            edition=one["edition"],
        )
        for one in told
    ]


class PastImport(msgspec.Struct, frozen=True, kw_only=True):
    """A manual import that can be undone."""

    batch_id: str
    media_item_id: str
    title: str
    files: int
    at: datetime


def past_imports(session: Session, caller: Caller, *, limit: int = 5) -> list[PastImport]:
    """Return the latest manual imports whose files were placed and not taken back, newest first."""
    caller.require(Permission.MANAGE_MEDIA)
    rows = session.execute(
        select(JournalEntry.batch_id, MediaItem.id, MediaItem.title, func.count(), func.min(JournalEntry.at))
        .join(MediaItem, MediaItem.id == JournalEntry.media_item_id)
        .where(
            JournalEntry.cause == Cause.IMPORT,
            or_(JournalEntry.cause_ref.is_(None), JournalEntry.cause_ref.startswith(MANUAL_REF)),
            JournalEntry.state == "done",
            JournalEntry.operation.in_(("link", "reflink", "copy", "move")),
            JournalEntry.file_id.is_not(None),
        )
        .group_by(JournalEntry.batch_id, MediaItem.id, MediaItem.title)
        .order_by(func.min(JournalEntry.at).desc())
        .limit(limit)
    )
    return [
        PastImport(batch_id=batch, media_item_id=item_id, title=title, files=files, at=at)
        for batch, item_id, title, files, at in rows
    ]


def change_files(
    session: Session,
    caller: Caller,
    now: datetime,
    file_ids: Sequence[str],
    *,
    quality: Quality | None = None,
    languages: Sequence[str] | None = None,
    release_group: str | None = None,
    edition: str | None = None,
    episode_ids: Sequence[str] | None = None,
) -> int:
    """Correct the facts of several files; None leaves a fact unchanged. Returns the number of changed files.

    Args:
        release_group: An empty string removes it; likewise for the edition.
        episode_ids: The episodes that each of the files holds.

    Raises:
        NotFound: None of the files is in the library.
        Invalid: The episodes are not of the files' series, or the files belong to a film.

    Emits: MediaChanged; FileMatched when the episodes change.
    """
    caller.require(Permission.MANAGE_MEDIA)
    rows = session.scalars(select(MediaFile).where(MediaFile.id.in_(file_ids))).all()
    if not rows:
        raise NotFound("These files are no longer in the library.")
    columns = _columns(quality, languages, release_group, edition)
    changed: dict[str, dict[str, list[object]]] = {}
    for row in rows:
        told = changed.setdefault(row.media_item_id or "", {})
        for name, value in columns.items():
            if (old := getattr(row, name)) == value:
                continue
            setattr(row, name, value)
            if name in _TOLD:
                told[f"{_TOLD[name]} of {shown(row.relative_path.rpartition('/')[2])}"] = [_said(old), _said(value)]
        if (
            episode_ids is not None
            and row.media_item_id is not None
            and _episodes_of(session, row.id) != set(episode_ids)
        ):
            attach(session, caller, now, row.id, row.media_item_id, episode_ids, version_id=row.version_id)
    for item_id in filter(None, changed):
        refresh_holdings(session, now, item_id)
        if changed[item_id]:
            emit(session, caller, MediaChanged(item_id, changed[item_id]), at=now)
    return len(rows)


_TOLD = {"quality_name": "quality", "languages": "languages", "release_group": "release group", "edition": "edition"}
"""Columns whose correction is part of the history -> how they are called there."""


def _said(value: object) -> object:
    # The only lists are languages.
    return language_names(value) if isinstance(value, list) else value


def _episodes_of(session: Session, file_id: str) -> set[str]:
    return set(session.scalars(select(FileEpisode.episode_id).where(FileEpisode.file_id == file_id)))


class _Library:
    """Facts from the library, read once for all files of a list."""

    def __init__(self, session: Session, caller: Caller, item_id: str | None) -> None:
        self._session = session
        self._caller = caller
        self._item = None if item_id is None else media.get_item(session, caller, item_id)
        self._index = {} if item_id else {type_: media.catalogue.match_index(session, type_) for type_ in MediaType}
        self._series: dict[str, numbering.SeriesNumbers] = {}

    def propose(
        self, path: Path, name: str, size_bytes: int, about: Judged | None, *, file_id: str | None = None
    ) -> ManualFile:
        """Return a file with the title and episodes of its name."""
        parsed = read_name(name, None if self._item is None else _HINTS[self._item.type])
        item = self._item or self._title_of(parsed)
        proposal = ManualFile(
            path=str(path),
            name=shown(name),
            size_bytes=size_bytes,
            file_id=file_id,
            media_item_id=None if item is None else item.id,
            media_title=None if item is None else item.title,
            guessed_title=parsed.title,
            guessed_year=parsed.year,
            quality=named_quality(parsed),
            languages=tuple(code for code in parsed.languages if code != "original"),
            release_group=parsed.release_group,
            edition=parsed.editions[0] if parsed.editions else parsed.edition,
            left_out=None if about is None or about.left_out is None else LEFT_OUT_SENTENCES[about.left_out],
        )
        if item is None or item.type != MediaType.TV_SHOW:
            return proposal
        return self._with_episodes(proposal, item, name, size_bytes, parsed)

    def _with_episodes(
        self, proposal: ManualFile, item: MediaItem, name: str, size_bytes: int, parsed: ParsedRelease
    ) -> ManualFile:
        if item.id not in self._series:
            self._series[item.id] = replace(
                media.episodes.series_numbers(self._session, self._caller, item.id), year=None
            )
        meaning = numbering.meant_episodes(parsed, self._series[item.id])
        doubt = meaning.doubt or (numbering.Doubt.NO_SUCH_EPISODE if not meaning.episodes else None)
        if doubt is None and not (parsed.is_season_pack and not parsed.episodes):
            return replace(proposal, episode_ids=tuple(one.id for one in meaning.episodes))
        file = NewFile(id=proposal.file_id or "", path=name, size_bytes=size_bytes, parsed=parsed)
        code, facts = doubt_facts(Unclear(file=file, doubt=doubt or numbering.Doubt.NO_NUMBER), item)
        return replace(
            proposal,
            likely_episode_ids=tuple(one.id for one in meaning.likely),
            doubt=code,
            doubt_sentence=review_sentence(code, facts),
        )

    def _title_of(self, parsed: ParsedRelease) -> MediaItem | None:
        type_ = MediaType.TV_SHOW if parsed.type == "episode" else MediaType.MOVIE
        found: set[str] = set()
        for title in (parsed.title, parsed.unmarked_title, *parsed.alternative_titles):
            for item_id, year in self._index[type_].get(normalise_title(title or ""), ()):
                if parsed.year is None or year is None or abs(parsed.year - year) <= 1:
                    found.add(item_id)
        # If several titles have the name, the user must choose.
        return self._session.get(MediaItem, found.pop()) if len(found) == 1 else None


def _files_of_entry(database: Database, caller: Caller, inbox_id: str, item_id: str | None) -> ManualFiles:
    with database.reads() as session:
        entry = get(session, InboxEntry, inbox_id, what="This entry of the review")
        root = Path(settings.library_paths.get_library_path(session, caller, entry.library_path_id).path)
        chosen = item_id or (entry.candidates[0].get("media_item_id") if entry.candidates else None)
        if chosen is not None and session.get(MediaItem, chosen) is None:
            chosen = None
        here = _Library(session, caller, chosen)
        likely = {file["id"]: tuple(file.get("likely") or ()) for file in entry.parsed.get("files", ()) if "id" in file}
        rows = session.scalars(
            select(MediaFile)
            .where(MediaFile.inbox_id == inbox_id)
            .order_by(MediaFile.relative_path)
            .limit(_FILES_AT_MOST + 1)
        ).all()
        files = []
        for row in rows[:_FILES_AT_MOST]:
            made = here.propose(
                root / to_os(row.relative_path), row.relative_path, row.size_bytes, None, file_id=row.id
            )
            known = quality_of(made.quality.to_json(), row.resolution)
            files.append(replace(made, quality=known, likely_episode_ids=likely.get(row.id) or made.likely_episode_ids))
    return ManualFiles(files=tuple(files), is_truncated=len(rows) > _FILES_AT_MOST)


def list_folders(
    database: Database, outside: Outside, caller: Caller, wanted: str
) -> settings.library_paths.FolderList:
    """Return the folders in a folder, to choose one to import from. A path that does not exist opens its nearest parent.

    Args:
        wanted: Absolute path; empty opens the first library folder.

    Raises:
        Forbidden: The folder is outside the library folders, and the caller may not change settings.
    """
    caller.require(Permission.MANAGE_MEDIA)
    if not wanted:
        with database.reads() as session:
            paths = settings.library_paths.list_library_paths(session, caller)
        wanted = paths[0].path if paths else "/"
    _checked_folder(database, caller, wanted)
    found = settings.library_paths.list_folders(outside, SYSTEM, wanted)
    _checked_folder(database, caller, str(found.path))
    return found


def may_open(database: Database, caller: Caller, folder: Path) -> bool:
    """Return whether the caller may import from a folder."""
    try:
        _checked_folder(database, caller, str(folder))
    except (Forbidden, Invalid):
        return False
    return True


def _checked_folder(database: Database, caller: Caller, folder: str) -> Path:
    path = Path(to_os(folder))
    if not path.is_absolute() or ".." in PurePosixPath(folder).parts:
        raise Invalid("The folder must be an absolute path.", fields={"folder": "Enter an absolute path."})
    with database.reads() as session:
        inside = [Path(to_os(one.path)) for one in settings.library_paths.list_library_paths(session, caller)]
    if not any(path.is_relative_to(one) for one in inside) and not caller.can(Permission.MANAGE_SETTINGS):
        raise Forbidden("Only administrators can import from folders outside the library.")
    return path


def _file_at(session: Session, paths: Mapping[str, str], path: str) -> str | None:
    for path_id, root in paths.items():
        if path.startswith(f"{root}/"):
            return session.scalar(
                select(MediaFile.id).where(
                    MediaFile.library_path_id == path_id, MediaFile.relative_path == path[len(root) + 1 :]
                )
            )
    return None


def _source(choice: ManualChoice) -> SourceFile:
    return SourceFile(
        path=Path(to_os(choice.path or "")),
        episode_ids=choice.episode_ids,
        quality=choice.quality,
        languages=choice.languages,
        release_group=choice.release_group,
        edition=choice.edition,
    )


def _columns(
    quality: Quality | None, languages: Sequence[str] | None, release_group: str | None, edition: str | None
) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if quality is not None:
        columns |= {"quality": quality.to_json(), "quality_name": quality.name}
    if languages is not None:
        columns["languages"] = list(languages)
    if release_group is not None:
        columns["release_group"] = release_group.strip() or None
    if edition is not None:
        columns["edition"] = edition.strip() or None
    return columns


def _attach_chosen(
    database: Database,
    caller: Caller,
    now: datetime,
    item_id: str,
    version_id: str | None,
    choices: Sequence[ManualChoice],
) -> list[str]:
    """Link library files to the title that a user chose, and close review entries that become empty."""
    with database.writes() as session:
        rows = {
            row.id: row
            for row in session.scalars(select(MediaFile).where(MediaFile.id.in_([one.file_id for one in choices])))
        }
        before = {row.media_item_id for row in rows.values() if row.media_item_id is not None}
        entries = {row.inbox_id for row in rows.values() if row.inbox_id is not None}
        for choice in choices:
            row = rows.get(choice.file_id or "")
            if row is None:
                raise NotFound("A chosen file is no longer in the library.")
            attach(
                session, caller, now, row.id, item_id, choice.episode_ids, version_id=version_id,
                columns=_columns(choice.quality, choice.languages, choice.release_group, choice.edition),
            )  # fmt: skip
        for inbox_id in entries:
            _close_if_empty(session, caller, now, inbox_id, item_id)
        for other in before - {item_id}:
            refresh_holdings(session, now, other)
        refresh_holdings(session, now, item_id)
        emit(session, caller, InboxChanged(None, count_waiting(session)), at=now)
    return [one.file_id for one in choices if one.file_id is not None]


def attach(
    session: Session,
    caller: Caller,
    now: datetime,
    file_id: str,
    item_id: str,
    episode_ids: Sequence[str] = (),
    *,
    version_id: str | None = None,
    columns: Mapping[str, Any] | None = None,
) -> None:
    """Link a library file to a title and its episodes.

    Call `refresh_holdings` for the title afterwards; several files need it only once.

    Args:
        version_id: None takes the version that its library folder belongs to.
        columns: Facts of `media_files` to correct at the same time.

    Raises:
        NotFound: The file or title does not exist.
        Invalid: A file of a series needs at least one episode; a film has none.

    Emits: FileMatched.
    """
    caller.require(Permission.MANAGE_MEDIA)
    row = get(session, MediaFile, file_id, what="This file")
    item = media.get_item(session, caller, item_id)
    name = shown(row.relative_path.rpartition("/")[2])
    if item.type == MediaType.TV_SHOW:
        known = {ref.id for ref in media.episodes.episodes_of(session, caller, item_id)}
        if not episode_ids or not set(episode_ids) <= known:
            sentence = f"Choose the episodes of {name}."
            raise Invalid(sentence, fields={"episode_ids": sentence})
    elif episode_ids:
        raise Invalid(f"{item.title} is a movie and has no episodes.")
    version = (
        media.versions.version_in(session, item_id, row.library_path_id)
        if version_id is None
        else media.versions.get_version(session, item_id, version_id)
    ).id
    evidence = [reason("match.chosen", by=caller.name).to_json()]
    more = {"match_score": 1.0, "match_evidence": evidence, "kind": "video", "left_out": None, **(columns or {})}
    if "quality" not in more:
        parsed = read_name(row.relative_path, _HINTS[item.type])
        quality = quality_of(row.quality or named_quality(parsed).to_json(), row.resolution)
        more |= {"quality": quality.to_json(), "quality_name": quality.name}
    attachment = Attachment(
        file_id=file_id, media_item_id=item_id, version_id=version, episode_ids=episode_ids, columns=more
    )
    attach_files(session, [attachment])
    emit(
        session,
        caller,
        FileMatched(
            media_item_id=item_id, file_id=file_id, relative_path=shown(row.relative_path), score=1.0, evidence=evidence
        ),
        at=now,
    )


def _close_if_empty(session: Session, caller: Caller, now: datetime, inbox_id: str, item_id: str) -> None:
    entry = session.get(InboxEntry, inbox_id)
    if entry is None:
        return
    session.flush()
    count_entry(session, entry)
    entry.updated_at = now
    if entry.files_count:
        return
    item = media.get_item(session, caller, item_id)
    entry.state, entry.reason_code, entry.reason_facts, entry.reason_text = ReviewState.DONE, None, {}, None
    entry.chosen = {"media_item_id": item_id, "title": item.title, "year": item.year, "type": item.type}
    entry.decided_by, entry.decided_at = caller.id, now
    emit(session, caller, InboxDecided(entry.id, f"{item.title} ({item.year or 'no year'})"), at=now)


def _name_of(database: Database, choice: ManualChoice) -> str:
    if choice.path is not None:
        return shown(choice.path.rpartition("/")[2])
    with database.reads() as session:
        row = session.get(MediaFile, choice.file_id)
    return choice.file_id or "" if row is None else shown(row.relative_path.rpartition("/")[2])
