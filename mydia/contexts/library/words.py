"""The words that the library's tables store. They are part of the database and of the API: never rename one."""

from __future__ import annotations

from enum import StrEnum


class MatchState(StrEnum):
    """How far the recognition of a file is."""

    NEW = "new"
    MATCHED = "matched"
    WAITING = "waiting"
    """In the review, for a person to decide."""
    IGNORED = "ignored"


class ReviewState(StrEnum):
    """Where an entry of the review stands."""

    NEW = "new"
    READY = "ready"
    """With a match that only needs to be confirmed."""
    NEEDS_ATTENTION = "needs_attention"
    NO_MATCH = "no_match"
    IGNORED = "ignored"
    QUEUED = "queued"
    DONE = "done"


class ScanState(StrEnum):
    """How a scan goes or went."""

    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ScanPhase(StrEnum):
    """What a scan is doing."""

    WALKING = "walking"
    MATCHING = "matching"
    ANALYSING = "analysing"
    FINISHED = "finished"


class Operation(StrEnum):
    """What a step of the journal does to a file."""

    LINK = "link"
    REFLINK = "reflink"
    COPY = "copy"
    MOVE = "move"
    RENAME = "rename"
    RECYCLE = "recycle"
    RESTORE = "restore"
    DELETE = "delete"
    WRITE = "write"
    MKDIR = "mkdir"


class StepState(StrEnum):
    """How far a step of the journal is."""

    PLANNED = "planned"
    DONE = "done"
    UNDONE = "undone"
    FAILED = "failed"


class SidecarKind(StrEnum):
    """What a file beside a video is."""

    SUBTITLE = "subtitle"
    NFO = "nfo"
    ARTWORK = "artwork"
    OTHER = "other"
