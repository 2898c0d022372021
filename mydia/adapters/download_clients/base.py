"""What every download client can do, in Mydia's terms and units."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from mydia.adapters.kinds import Connection


class RemoteState(StrEnum):
    """What a client is doing with a download; one translation per product, at its adapter."""

    QUEUED = "queued"
    CHECKING = "checking"
    FETCHING_METADATA = "fetching_metadata"
    DOWNLOADING = "downloading"
    STALLED = "stalled"
    PAUSED = "paused"
    SEEDING = "seeding"
    """Complete and still shared."""
    COMPLETED = "completed"
    """Complete and no longer shared (or a protocol without sharing)."""
    LOCAL_ERROR = "local_error"
    """The client can't write or move files: the disk is full, a folder is gone, permissions are missing. Not the release's
    fault."""
    MISSING_FILES = "missing_files"
    """What was downloaded is not where the client left it, e.g. because a disk is not mounted."""
    ENCRYPTED = "encrypted"
    """The client stopped because the content needs a password."""
    FAILED = "failed"
    """The release itself is bad or gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteDownload:
    """One download as its client reports it now."""

    ref: str
    """The client's own id: info-hash (lower-case hex) for torrents, nzb id for Usenet."""
    name: str
    state: RemoteState
    progress: float
    """0.0 to 1.0."""
    size_bytes: int | None
    downloaded_bytes: int | None = None
    speed_bytes_per_s: int | None = None
    upload_bytes_per_s: int | None = None
    eta_s: int | None = None
    """None when the client does not know."""
    ratio: float | None = None
    seeding_time_s: int | None = None
    seeders: int | None = None
    peers: int | None = None
    categories: tuple[str, ...] = ()
    """Category, or all labels."""
    info_hashes: tuple[str, ...] = ()
    """Of a torrent, as in `torrents.Torrent.info_hashes`; a hybrid has two."""
    output_path: str | None = None
    """The file or folder that holds the content, as the client sees the path; None while unknown, and if the content lies
    loose in a folder with other things: then `files()` below `save_path` says what belongs to it. Of a folder with one
    file, qBittorrent reports the file."""
    save_path: str | None = None
    """The folder that the paths of `files()` are relative to, as the client sees it; None while unknown."""
    message: str | None = None
    """The client's own error text, where it has one."""
    added_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file inside a download; `path` is relative to the download's save folder."""

    path: str
    size_bytes: int
    progress: float
    wanted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDownload:
    """A download to add: exactly one of `magnet` and `content` is given."""

    name: str
    magnet: str | None = None
    content: bytes | None = None
    """A .torrent or .nzb file, already fetched from the indexer."""
    since: datetime | None = None
    """When Mydia first tried to add it. A Usenet client's finished download from before that is another one; with None any
    finished download is."""
    category: str | None = None
    save_path: str | None = None
    paused: bool = False
    tags: tuple[str, ...] = ()
    seed_ratio: float | None = None
    seed_time_min: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientReport:
    """What a connection test found."""

    version: str
    api_version: str | None = None
    save_path: str | None = None
    """The default folder, as the client sees it."""
    free_bytes: int | None = None
    notes: tuple[str, ...] = field(default=())
    """Sentences about settings that will cause trouble (category missing, seeding limit removes files, …)."""


type RemoteFiles = list[RemoteFile]
"""Named here because inside the protocol `list` is the method."""


class DownloadClient(Protocol):
    """One configured client. Methods raise `AdapterError` and never retry; jobs do."""

    connection: Connection

    def test(self) -> ClientReport:
        """Sign in and read versions and folders. Raises: Unreachable, Refused, Nonsense."""

    def find(self, download: NewDownload) -> RemoteDownload | None:
        """Return what the client already has for a download that is about to be added, no matter who added it, or None.

        Of a Usenet client, what has finished before `since` does not count.
        """

    def add(self, download: NewDownload) -> str:
        """Add a download and return the client's id for it. Adding the same one twice returns the same id."""

    def list(self, *, category: str | None = None) -> list[RemoteDownload]:
        """Return all downloads, or those of one category."""

    def get(self, ref: str) -> RemoteDownload | None:
        """Return one download, or None when the client answered and does not have it."""

    def files(self, ref: str) -> RemoteFiles:
        """Return the files inside a download; empty while a magnet's metadata is not there yet."""

    def pause(self, ref: str) -> None:
        """Stop a download without removing it."""

    def resume(self, ref: str) -> None:
        """Start a stopped download."""

    def remove(self, ref: str, *, delete_files: bool) -> None:
        """Remove a download. Removing one that is not there is not an error."""
