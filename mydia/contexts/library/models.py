"""Tables of the files in the library folders, operations on them, and files that wait for a decision."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Float, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mydia.contexts.library import reasons
from mydia.contexts.library.filekinds import FileKind
from mydia.contexts.library.words import (
    MatchState,
    Operation,
    ReviewState,
    ScanPhase,
    ScanState,
    SidecarKind,
    StepState,
)
from mydia.db import Base, EnumText, HasId, Instant, one_of, partial_index
from mydia.vocabulary import MediaType

NEW_VIDEO = "match_state = 'new' AND kind = 'video' AND missing_since IS NULL"
"""Condition of the index of videos that wait for being matched."""

UNMATCHED = "match_state <> 'matched'"


class MediaFile(HasId, Base):
    """A video file, identified by its library path and relative path.

    `relative_path` is text in which undecodable bytes are kept as characters of U+EF80 to U+EFFF; `adapters.filesystem`
    converts both ways. `streams` shape: {"audio": [{codec, channels, language, atmos, default, title}], "subtitles":
    [{codec, language, forced, hearing_impaired, default, title}], "frame_rate", "chapters", "title"}.
    """

    __tablename__ = "media_files"
    __table_args__ = (
        UniqueConstraint("library_path_id", "relative_path"),
        one_of("kind", FileKind.VIDEO, FileKind.EXTRA, FileKind.SAMPLE),
        one_of("match_state", MatchState),
        Index("ix_media_files_state", "library_path_id", "match_state", "id"),
        partial_index("ix_media_files_unanalysed", "id", where="analysed_at IS NULL AND analysis_error IS NULL"),
        Index("ix_media_files_path", "library_path_id", "id"),
        # Not of matched files: SQLite would read all of them in order instead of those of a few titles.
        partial_index("ix_media_files_unmatched", "match_state", "id", where=UNMATCHED),
        # A query has to contain these conditions literally to use the index.
        partial_index("ix_media_files_new", "library_path_id", where=NEW_VIDEO),
        partial_index("ix_media_files_missing", "id", where="missing_since IS NOT NULL"),
        partial_index("ix_media_files_failed", "id", where="analysis_error IS NOT NULL"),
        partial_index("ix_media_files_left_out", "id", where="kind <> 'video'"),
    )

    library_path_id: Mapped[str] = mapped_column(ForeignKey("library_paths.id", ondelete="CASCADE"))
    relative_path: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int] = mapped_column(BigInteger)
    inode: Mapped[int] = mapped_column(BigInteger)
    device: Mapped[int] = mapped_column(BigInteger)
    oshash: Mapped[str | None]
    kind: Mapped[FileKind] = mapped_column(EnumText(FileKind), default=FileKind.VIDEO)
    left_out: Mapped[str | None]
    """`filekinds.LeftOut`: why an extra or sample is not matched."""
    match_state: Mapped[MatchState] = mapped_column(EnumText(MatchState), default=MatchState.NEW)
    media_item_id: Mapped[str | None] = mapped_column(ForeignKey("media_items.id", ondelete="SET NULL"), index=True)
    version_id: Mapped[str | None] = mapped_column(ForeignKey("versions.id", ondelete="SET NULL"), index=True)
    inbox_id: Mapped[str | None] = mapped_column(ForeignKey("inbox.id", ondelete="SET NULL"), index=True)
    match_score: Mapped[float | None] = mapped_column(Float)
    match_evidence: Mapped[list[Any]] = mapped_column(default=list)
    """Why it was matched to this title: [{"code", "facts"}], see `events.reasons`; older rows hold sentences."""

    quality: Mapped[dict[str, Any] | None]
    """`parsing.Quality.to_json()`; None if unknown."""
    quality_name: Mapped[str | None]
    edition: Mapped[str | None]
    languages: Mapped[list[Any]] = mapped_column(default=list)
    release_name: Mapped[str | None]
    release_group: Mapped[str | None]
    format_score: Mapped[int] = mapped_column(default=0)
    """Score of its custom formats in its version's profile, by the name and the analysed streams."""
    indexer_flags: Mapped[list[Any]] = mapped_column(default=list)
    """Flags of the indexer it was downloaded from, such as `freeleech`."""
    download_id: Mapped[str | None]
    """The download it came from. No foreign key, because downloads are above the library."""

    container: Mapped[str | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    resolution: Mapped[int | None]
    video_codec: Mapped[str | None]
    hdr_format: Mapped[str | None]
    bit_depth: Mapped[int | None]
    audio_codec: Mapped[str | None]
    audio_channels: Mapped[str | None]
    duration_s: Mapped[float | None] = mapped_column(Float)
    bitrate_bps: Mapped[int | None] = mapped_column(BigInteger)
    streams: Mapped[dict[str, Any]] = mapped_column(default=dict)
    analysed_at: Mapped[datetime | None] = mapped_column(Instant)
    analysis_error: Mapped[str | None]

    added_at: Mapped[datetime] = mapped_column(Instant)
    verified_at: Mapped[datetime] = mapped_column(Instant)
    missing_since: Mapped[datetime | None] = mapped_column(Instant)
    faulty_since: Mapped[datetime | None] = mapped_column(Instant)
    """When a person marked it as faulty. It stays, but any release that the profile allows replaces it."""


class FileEpisode(Base):
    """Links a file to an episode. A file can contain several, and an episode can be split over several files."""

    __tablename__ = "file_episodes"

    file_id: Mapped[str] = mapped_column(ForeignKey("media_files.id", ondelete="CASCADE"), primary_key=True)
    episode_id: Mapped[str] = mapped_column(ForeignKey("episodes.id", ondelete="CASCADE"), primary_key=True, index=True)
    part: Mapped[int | None]


class Sidecar(HasId, Base):
    """A file beside a video: subtitle, NFO, artwork. Only `ours` are ever deleted."""

    __tablename__ = "sidecars"
    __table_args__ = (
        one_of("kind", SidecarKind),
        UniqueConstraint("library_path_id", "relative_path"),
    )

    library_path_id: Mapped[str] = mapped_column(ForeignKey("library_paths.id", ondelete="CASCADE"))
    file_id: Mapped[str | None] = mapped_column(ForeignKey("media_files.id", ondelete="CASCADE"), index=True)
    relative_path: Mapped[str]
    kind: Mapped[SidecarKind] = mapped_column(EnumText(SidecarKind))
    language: Mapped[str | None]
    flags: Mapped[list[Any]] = mapped_column(default=list)
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    mtime_ns: Mapped[int] = mapped_column(BigInteger, default=0)
    ours: Mapped[bool] = mapped_column(default=False)


class LibraryIdentity(Base):
    """The last trusted state of a library folder, used to notice that its disk is not mounted."""

    __tablename__ = "library_identities"

    library_path_id: Mapped[str] = mapped_column(ForeignKey("library_paths.id", ondelete="CASCADE"), primary_key=True)
    is_mount: Mapped[bool]
    device: Mapped[int] = mapped_column(BigInteger)
    seen_at: Mapped[datetime] = mapped_column(Instant)


class Scan(HasId, Base):
    """One scan of a library folder."""

    __tablename__ = "scans"
    __table_args__ = (
        one_of("state", ScanState),
        one_of("phase", ScanPhase),
        Index("ix_scans_path", "library_path_id", "started_at"),
    )

    library_path_id: Mapped[str] = mapped_column(ForeignKey("library_paths.id", ondelete="CASCADE"))
    started_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    state: Mapped[ScanState] = mapped_column(EnumText(ScanState), default=ScanState.RUNNING)
    phase: Mapped[ScanPhase] = mapped_column(EnumText(ScanPhase), default=ScanPhase.WALKING)
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """seen, new, changed, moved, missing, unreadable, matched, waiting, ignored, analysed, ms."""
    progress_done: Mapped[int] = mapped_column(default=0)
    progress_total: Mapped[int | None]
    current: Mapped[str | None]
    """The folder being scanned."""
    problems: Mapped[list[Any]] = mapped_column(default=list)
    """Messages about unreadable files and folders; at most 200."""
    reason_code: Mapped[str | None]
    """`reasons.ScanReason`: why it was rejected or failed, or what is still open."""
    reason_facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Facts for the code's sentence."""
    reason_text: Mapped[str | None] = mapped_column("reason")
    """The error of a failed scan, for which there is no code."""

    @property
    def reason(self) -> str | None:
        """Why it was rejected or failed and what to do, as a sentence."""
        return reasons.scan_sentence(self.reason_code, self.reason_facts) if self.reason_code else self.reason_text


class InboxEntry(HasId, Base):
    """A group of files (a film's folder, a series' folder) that waits for a decision.

    `candidates` shape: [{"type", "title", "year", "tmdb_id", "tvdb_id", "imdb_id", "poster", "overview", "score" (0..1),
    "evidence": [{"verdict": "yes" | "no" | "warn", "code", "facts"}], "media_item_id"}], best first.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("library_path_id", "folder", "group_key"),
        one_of("state", ReviewState),
        one_of("type", MediaType),
        Index("ix_inbox_state", "state", "id"),
    )

    library_path_id: Mapped[str] = mapped_column(ForeignKey("library_paths.id", ondelete="CASCADE"))
    folder: Mapped[str]
    group_key: Mapped[str]
    """The normalised title and year of the group's files."""
    type: Mapped[MediaType] = mapped_column(EnumText(MediaType))
    title: Mapped[str]
    """The parsed title, for display."""
    year: Mapped[int | None]
    state: Mapped[ReviewState] = mapped_column(EnumText(ReviewState), default=ReviewState.NEW)
    files_count: Mapped[int] = mapped_column(default=0)
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    parsed: Mapped[dict[str, Any]] = mapped_column(default=dict)
    candidates: Mapped[list[Any]] = mapped_column(default=list)
    chosen: Mapped[dict[str, Any] | None]
    reason_code: Mapped[str | None]
    """`reasons.ReviewReason`: why it waits or was ignored."""
    reason_facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Facts for the code's sentence."""
    reason_text: Mapped[str | None] = mapped_column("reason")
    """The user's reason for ignoring it; in older rows the whole sentence."""
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)

    @property
    def reason(self) -> str | None:
        """Why it waits or was ignored, as a sentence."""
        return reasons.review_sentence(self.reason_code, self.reason_facts) if self.reason_code else self.reason_text


class IgnoredFolder(HasId, Base):
    """A folder below a library folder whose files never wait for a decision."""

    __tablename__ = "ignored_folders"
    __table_args__ = (UniqueConstraint("library_path_id", "folder"),)

    library_path_id: Mapped[str] = mapped_column(ForeignKey("library_paths.id", ondelete="CASCADE"))
    folder: Mapped[str]
    """Relative, in the stable text form, without slashes at its ends."""
    created_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)


class JournalEntry(HasId, Base):
    """One file operation, stored before it happens."""

    __tablename__ = "journal"
    __table_args__ = (
        one_of("operation", Operation),
        one_of("state", StepState),
        UniqueConstraint("batch_id", "step"),
        partial_index("ix_journal_open", "id", where="state = 'planned'"),
        Index("ix_journal_item", "media_item_id", "id"),
    )

    batch_id: Mapped[str]
    step: Mapped[int]
    unit: Mapped[int] = mapped_column(default=0)
    """After a crash, either all steps of a unit are completed or all are undone."""
    operation: Mapped[Operation] = mapped_column(EnumText(Operation))
    source: Mapped[str | None]
    target: Mapped[str | None]
    """Absolute paths in their stored text form."""
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    fingerprint: Mapped[str | None]
    """Identifies the file: `inode:device|size:hash`. Only size and hash are compared."""
    state: Mapped[StepState] = mapped_column(EnumText(StepState), default=StepState.PLANNED)
    error: Mapped[str | None]
    cause: Mapped[str]
    """`journal.Cause`: import, rename, move, remove, restore, undo, expire, …"""
    cause_ref: Mapped[str | None]
    """What the cause refers to: the download of an import, `journal.MANUAL_REF` and the run of a manual one, the batch of an
    undo, the title of a removal."""
    content: Mapped[str | None]
    """The text that a `write` step writes."""
    owner: Mapped[str | None]
    """`processes.this_process()` of the process that carries out the step."""
    seen_at: Mapped[datetime | None] = mapped_column(Instant)
    """When that process last reported progress."""
    media_item_id: Mapped[str | None] = mapped_column(ForeignKey("media_items.id", ondelete="SET NULL"))
    file_id: Mapped[str | None]
    actor: Mapped[str]
    at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


class RecycledFile(HasId, Base):
    """A file that was removed from the library and can be restored."""

    __tablename__ = "recycle_bin"

    library_path_id: Mapped[str | None] = mapped_column(ForeignKey("library_paths.id", ondelete="SET NULL"), index=True)
    original_path: Mapped[str]
    present_path: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The original media_files row."""
    media_item_id: Mapped[str | None] = mapped_column(ForeignKey("media_items.id", ondelete="SET NULL"), index=True)
    reason: Mapped[str]
    """`journal.Cause` of the step that put it here."""
    batch_id: Mapped[str | None]
    """The batch that put it here, for `undo_batch`."""
    recycled_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)


class RemovedTitle(Base):
    """A title that was removed, kept for as long as its removal can be undone."""

    __tablename__ = "removed_titles"
    __table_args__ = (one_of("type", MediaType), one_of("files", "keep", "recycle", "delete"))

    id: Mapped[str] = mapped_column(primary_key=True)
    """The id it had, and has again when it is restored."""
    removal_id: Mapped[str] = mapped_column(index=True)
    """Titles that were removed together share it."""
    type: Mapped[MediaType] = mapped_column(EnumText(MediaType))
    title: Mapped[str]
    year: Mapped[int | None]
    files: Mapped[str]
    """What became of its files."""
    batch_id: Mapped[str | None]
    """The batch of the journal that moved its files to the recycle bin."""
    snapshot: Mapped[dict[str, Any]]
    """`db.Snapshot` of its row."""
    removed_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    removed_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)


class EditState(StrEnum):
    """How far a bulk edit is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """A person stopped it; what was changed until then stays and can be undone."""
    UNDOING = "undoing"
    UNDONE = "undone"


class LineState(StrEnum):
    """How far a title of a bulk edit is."""

    WAITING = "waiting"
    CHANGED = "changed"
    """Its values are stored; its files are still to be moved or renamed."""
    DONE = "done"
    FAILED = "failed"
    """Something could not be done; what could be done is undone with the rest."""
    UNDONE = "undone"
    KEPT = "kept"
    """Some of it could not be undone."""


class TitleEdit(HasId, Base):
    """One change to many titles, carried out by a job.

    `changes` shape: the fields of `edits.TitleChanges` that are set.
    """

    __tablename__ = "title_edits"
    __table_args__ = (one_of("state", EditState), one_of("media_type", MediaType))

    media_type: Mapped[MediaType] = mapped_column(EnumText(MediaType))
    changes: Mapped[dict[str, Any]]
    state: Mapped[EditState] = mapped_column(EnumText(EditState), default=EditState.WAITING)
    titles: Mapped[int]
    requested_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


class TitleEditLine(Base):
    """What a bulk edit did to one title.

    `before` shape: the values of the changed fields as they were, by the names of `edits.TitleChanges`. `batches` shape:
    [["move" | "rename", batch id]], in the order in which they ran.
    """

    __tablename__ = "title_edit_lines"
    __table_args__ = (one_of("state", LineState), Index("ix_title_edit_lines_state", "edit_id", "state", "position"))

    edit_id: Mapped[str] = mapped_column(ForeignKey("title_edits.id", ondelete="CASCADE"), primary_key=True)
    media_item_id: Mapped[str] = mapped_column(
        ForeignKey("media_items.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    position: Mapped[int]
    state: Mapped[LineState] = mapped_column(EnumText(LineState), default=LineState.WAITING)
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    batches: Mapped[list[Any]] = mapped_column(default=list)
    problem: Mapped[str | None]
    """What could not be done, as a sentence."""
