"""Everything that can happen, in one file. Past tense for facts, `…Requested` for wishes; ids and plain values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar


class SettingsArea(StrEnum):
    """Which part of the settings changed."""

    VALUES = "values"
    DOWNLOAD_CLIENT = "download_client"
    INDEXER = "indexer"
    LIBRARY_PATH = "library_path"
    NAMING = "naming"
    QUALITY_PROFILE = "quality_profile"
    QUALITY_SIZES = "quality_sizes"


@dataclass(frozen=True, slots=True)
class Event:
    """What all events share: the resource kind they are about, and how loud they are."""

    resource: ClassVar[str] = ""
    severity: ClassVar[str] = "info"
    audit: ClassVar[bool] = False
    """Audit events are kept beyond the usual retention."""


# --- users ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UserAdded(Event):
    """An account came to be."""

    resource: ClassVar[str] = "user"
    audit: ClassVar[bool] = True
    user_id: str
    username: str
    role: str


@dataclass(frozen=True, slots=True)
class UserChanged(Event):
    """An account's role, name or state changed."""

    resource: ClassVar[str] = "user"
    audit: ClassVar[bool] = True
    user_id: str
    username: str
    changed: dict[str, list[object]]


@dataclass(frozen=True, slots=True)
class UserRemoved(Event):
    """An account is gone, with its sessions and keys."""

    resource: ClassVar[str] = "user"
    severity: ClassVar[str] = "warning"
    audit: ClassVar[bool] = True
    user_id: str
    username: str


@dataclass(frozen=True, slots=True)
class SignedIn(Event):
    """Somebody signed in."""

    resource: ClassVar[str] = "user"
    audit: ClassVar[bool] = True
    user_id: str
    username: str
    method: str
    address: str


@dataclass(frozen=True, slots=True)
class SignInFailed(Event):
    """A sign-in was refused; the name is what was typed, cut to 64 characters."""

    resource: ClassVar[str] = "user"
    severity: ClassVar[str] = "warning"
    audit: ClassVar[bool] = True
    user_id: str | None
    """None for a name that nobody has."""
    username: str
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class ApiKeyAdded(Event):
    """A key for other software was made."""

    resource: ClassVar[str] = "api_key"
    audit: ClassVar[bool] = True
    api_key_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ApiKeyRevoked(Event):
    """A key no longer opens anything."""

    resource: ClassVar[str] = "api_key"
    audit: ClassVar[bool] = True
    api_key_id: str
    name: str


# --- settings ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SettingsChanged(Event):
    """Values an admin edits changed; secrets are named, never told."""

    resource: ClassVar[str] = "settings"
    audit: ClassVar[bool] = True
    key: str
    changed: dict[str, list[object]]
    area: SettingsArea | None = None
    """None in events of versions that did not record it."""


@dataclass(frozen=True, slots=True)
class LibraryPathAdded(Event):
    """A library folder was set up."""

    resource: ClassVar[str] = "library_path"
    library_path_id: str
    path: str


@dataclass(frozen=True, slots=True)
class ServiceStateChanged(Event):
    """A client, indexer or provider stopped answering, or answers again."""

    resource: ClassVar[str] = "service"
    severity: ClassVar[str] = "warning"
    service_id: str
    family: str
    name: str
    state: str
    reason: str | None


# --- metadata ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ArtworkFetched(Event):
    """Pictures that were wanted are here; several at a time, for the pages that show their titles."""

    resource: ClassVar[str] = "image"
    image_ids: list[str]


# --- media ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MediaAdded(Event):
    """A title joined the library; its details are fetched next."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    type: str
    title: str
    search_now: bool


@dataclass(frozen=True, slots=True)
class MediaReady(Event):
    """A new title's details, seasons and episodes are there for the first time."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    search_now: bool


@dataclass(frozen=True, slots=True)
class MediaRefreshed(Event):
    """A provider's facts changed (field -> [old, new]); nothing a person chose is among them."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    changed: dict[str, list[object]]
    episodes_added: int


@dataclass(frozen=True, slots=True)
class MediaChanged(Event):
    """A person changed choices of a title: monitored, profile, folder, match."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    changed: dict[str, list[object]]


@dataclass(frozen=True, slots=True)
class MediaRemoved(Event):
    """A title left the library."""

    resource: ClassVar[str] = "media_item"
    severity: ClassVar[str] = "warning"
    audit: ClassVar[bool] = True
    media_item_id: str
    type: str
    title: str
    files_deleted: int


@dataclass(frozen=True, slots=True)
class RefreshRequested(Event):
    """Somebody wants a title's details fetched again."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str


# --- library -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScanRequested(Event):
    """Somebody wants a library folder (None: all of them) looked through now."""

    resource: ClassVar[str] = "library_path"
    library_path_id: str | None
    subfolder: str | None = None
    accept_missing: bool = False
    """A person says that files which are gone really are."""


@dataclass(frozen=True, slots=True)
class ScanFinished(Event):
    """A scan ended: done, refused (with the reason) or failed."""

    resource: ClassVar[str] = "scan"
    scan_id: str
    library_path_id: str
    state: str
    reason: str | None
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class FilesFound(Event):
    """New files are in the database and wait to be recognised and analysed."""

    resource: ClassVar[str] = "library_path"
    library_path_id: str
    scan_id: str
    files: int


@dataclass(frozen=True, slots=True)
class FileMatched(Event):
    """A file was linked to a title, with the evidence."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    file_id: str
    relative_path: str
    score: float
    evidence: list[str]


@dataclass(frozen=True, slots=True)
class FilesMissing(Event):
    """Files were gone at a scan that could be trusted."""

    resource: ClassVar[str] = "library_path"
    severity: ClassVar[str] = "warning"
    library_path_id: str
    files: int
    examples: list[str]


@dataclass(frozen=True, slots=True)
class InboxChanged(Event):
    """The import review has more or less to decide."""

    resource: ClassVar[str] = "inbox"
    inbox_id: str | None
    waiting: int


@dataclass(frozen=True, slots=True)
class InboxImportRequested(Event):
    """A person wants entries of the import review imported with their best candidates."""

    resource: ClassVar[str] = "inbox"
    inbox_ids: list[str] | None
    """None: all that are ready."""
    requested_by: str | None
    """The account that decided; None for keys without one and for the system."""


@dataclass(frozen=True, slots=True)
class InboxDecided(Event):
    """A person settled an entry of the import review."""

    resource: ClassVar[str] = "inbox"
    inbox_id: str
    decision: str


@dataclass(frozen=True, slots=True)
class FileImported(Event):
    """A finished download's file is in its place in the library."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    file_id: str
    download_id: str | None
    source: str
    target: str
    method: str
    replaced: list[str]


@dataclass(frozen=True, slots=True)
class FilesRenamed(Event):
    """Files got new names; the journal knows how to take it back."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    batch_id: str
    files: int


@dataclass(frozen=True, slots=True)
class FileRemoved(Event):
    """A file left the library, into the recycle bin or for good."""

    resource: ClassVar[str] = "media_item"
    severity: ClassVar[str] = "warning"
    media_item_id: str | None
    file_id: str
    relative_path: str
    recycled: bool
    reason: str


# --- downloads -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SearchRequested(Event):
    """Somebody wants indexers asked for what a title (or one season, or episodes) lacks."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    season_number: int | None = None
    episode_ids: list[str] | None = None


@dataclass(frozen=True, slots=True)
class ReleasesRequested(Event):
    """A person opened a manual search: its indexers are asked, nothing is grabbed."""

    resource: ClassVar[str] = "search"
    search_id: str
    media_item_id: str


@dataclass(frozen=True, slots=True)
class SearchFinished(Event):
    """Indexers answered; every release seen is stored with its verdict."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    search_id: str
    found: int
    approved: int
    cause: str
    failures: int


@dataclass(frozen=True, slots=True)
class ReleaseGrabbed(Event):
    """A release was sent to a download client."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    download_id: str
    release_title: str
    client: str
    indexer: str | None
    cause: str
    reasons: list[Any]
    """As `reasons.Reason.to_json` returns them; sentences in events of older versions."""


@dataclass(frozen=True, slots=True)
class DownloadChanged(Event):
    """A download moved to another state."""

    resource: ClassVar[str] = "download"
    download_id: str
    media_item_id: str | None
    old: str
    new: str
    reason: Any
    """Reason or None."""


@dataclass(frozen=True, slots=True)
class DownloadCompleted(Event):
    """A download is complete; the import follows."""

    resource: ClassVar[str] = "download"
    download_id: str
    media_item_id: str | None


@dataclass(frozen=True, slots=True)
class DownloadImported(Event):
    """The wanted files of a download are in the library."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    download_id: str
    files: int


@dataclass(frozen=True, slots=True)
class ImportBlocked(Event):
    """The import of a finished download is blocked, with the reasons."""

    resource: ClassVar[str] = "download"
    severity: ClassVar[str] = "warning"
    download_id: str
    media_item_id: str | None
    reasons: list[Any]


@dataclass(frozen=True, slots=True)
class DownloadFailed(Event):
    """A download failed; `blocklisted` says whether its release is on the blocklist."""

    resource: ClassVar[str] = "download"
    severity: ClassVar[str] = "warning"
    download_id: str
    media_item_id: str | None
    reason: Any
    blocklisted: bool


@dataclass(frozen=True, slots=True)
class DownloadRemoved(Event):
    """A person took a download out of the queue."""

    resource: ClassVar[str] = "download"
    download_id: str
    media_item_id: str | None
    from_client: bool
    blocklisted: bool


@dataclass(frozen=True, slots=True)
class ImportRequested(Event):
    """A person wants a finished download imported."""

    resource: ClassVar[str] = "download"
    download_id: str


EVENTS: dict[str, type[Event]] = {
    cls.__name__: cls
    for cls in list(globals().values())
    if isinstance(cls, type) and issubclass(cls, Event) and cls is not Event
}


def names(*kinds: type[Event]) -> frozenset[str]:
    """Return the names under which the log keeps these events."""
    return frozenset(kind.__name__ for kind in kinds)
