"""The interface of download clients, in Mydia's terms and units."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from mydia.adapters.kinds import Connection


class RemoteState(StrEnum):
    """State of a download in its client; each adapter translates its product's states."""

    QUEUED = "queued"
    CHECKING = "checking"
    FETCHING_METADATA = "fetching_metadata"
    DOWNLOADING = "downloading"
    STALLED = "stalled"
    PAUSED = "paused"
    SEEDING = "seeding"
    """Complete and seeding."""
    COMPLETED = "completed"
    """Complete and no longer seeding, or a protocol without seeding."""
    LOCAL_ERROR = "local_error"
    """The client can't write or move files: the disk is full, a folder is missing, permissions are missing. Not caused by
    the release."""
    MISSING_FILES = "missing_files"
    """The downloaded files are missing, for example because a disk is not mounted."""
    ENCRYPTED = "encrypted"
    """The client stopped because the content needs a password."""
    FAILED = "failed"
    """The release itself is bad or no longer available."""


class RemoteDownload(msgspec.Struct, frozen=True, kw_only=True):
    """A download as its client reports it."""

    ref: str
    """The client's own id: info-hash (lower-case hex) for torrents, nzb id for Usenet."""
    name: str
    state: RemoteState
    progress: float
    """From 0.0 to 1.0."""
    size_bytes: int | None
    downloaded_bytes: int | None = None
    speed_bytes_per_s: int | None = None
    upload_bytes_per_s: int | None = None
    eta_s: int | None = None
    """None if the client does not know."""
    ratio: float | None = None
    seeding_time_s: int | None = None
    seeders: int | None = None
    peers: int | None = None
    categories: tuple[str, ...] = ()
    """Category, or all labels."""
    info_hashes: tuple[str, ...] = ()
    """Info-hashes of a torrent, as in `torrents.Torrent.info_hashes`; a hybrid has two."""
    output_path: str | None = None
    """Path of the file or folder with the content, as the client sees it. None while unknown, and if the content is in a folder
    together with other files; `files()` relative to `save_path` then lists it. For a folder with one file, qBittorrent
    reports the file."""
    save_path: str | None = None
    """The folder that the paths of `files()` are relative to, as the client sees it; None while unknown."""
    message: str | None = None
    """The client's error message, if it has one."""
    added_at: datetime | None = None
    completed_at: datetime | None = None


class RemoteFile(msgspec.Struct, frozen=True):
    """One file inside a download; `path` is relative to the download's save folder."""

    path: str
    size_bytes: int
    progress: float
    wanted: bool = True


class NewDownload(msgspec.Struct, frozen=True, kw_only=True):
    """A download to add, with exactly one of `magnet` and `content`."""

    name: str
    magnet: str | None = None
    content: bytes | None = None
    """A .torrent or .nzb file, already fetched from the indexer."""
    since: datetime | None = None
    """When Mydia first tried to add it. A finished download in a Usenet client from before that is a different one; with None,
    every finished download is."""
    category: str | None = None
    save_path: str | None = None
    paused: bool = False
    tags: tuple[str, ...] = ()
    seed_ratio: float | None = None
    seed_time_min: int | None = None


class ClientReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a connection test."""

    version: str
    api_version: str | None = None
    save_path: str | None = None
    """The default folder, as the client sees it."""
    free_bytes: int | None = None
    notes: tuple[str, ...] = msgspec.field(default=())
    """Warnings about settings that cause problems (category missing, seeding limit removes files, …)."""


type RemoteFiles = list[RemoteFile]
"""An alias, because inside the protocol `list` is the method."""


class DownloadClient(Protocol):
    """One configured client. Methods raise `AdapterError` and never retry; jobs do."""

    connection: Connection

    def test(self) -> ClientReport:
        """Sign in and read versions and folders. Raises: Unreachable, Refused, Nonsense."""

    def find(self, download: NewDownload) -> RemoteDownload | None:
        """Return the client's existing entry for a download that is about to be added, no matter who added it, or None.

        For a Usenet client, downloads that finished before `since` are ignored.
        """

    def add(self, download: NewDownload) -> str:
        """Add a download and return the client's id for it. Adding the same one twice returns the same id."""

    def list(self, *, category: str | None = None) -> list[RemoteDownload]:
        """Return all downloads, or those of one category."""

    def get(self, ref: str) -> RemoteDownload | None:
        """Return one download, or None if the client answered and does not have it."""

    def files(self, ref: str) -> RemoteFiles:
        """Return the files in a download; empty until a magnet's metadata has arrived."""

    def pause(self, ref: str) -> None:
        """Pause a download."""

    def resume(self, ref: str) -> None:
        """Resume a paused download."""

    def remove(self, ref: str, *, delete_files: bool) -> None:
        """Remove a download. Removing one that does not exist is not an error."""
