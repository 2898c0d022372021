"""All events. Past tense for facts, `…Requested` for requests; ids and plain values only."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

import msgspec


class SettingsArea(StrEnum):
    """Which part of the settings changed."""

    VALUES = "values"
    DOWNLOAD_CLIENT = "download_client"
    INDEXER = "indexer"
    LIBRARY_PATH = "library_path"
    NAMING = "naming"
    QUALITY_PROFILE = "quality_profile"
    QUALITY_SIZES = "quality_sizes"
    CUSTOM_FORMAT = "custom_format"
    DELAY_PROFILE = "delay_profile"
    RELEASE_PROFILE = "release_profile"
    REQUESTS = "requests"
    OIDC_PROVIDER = "oidc_provider"


class Event(msgspec.Struct, frozen=True):
    """The base of all events: the kind of resource they concern, and their severity."""

    resource: ClassVar[str] = ""
    severity: ClassVar[str] = "info"
    audit: ClassVar[bool] = False
    """Whether it belongs to the audit, which is kept longer than other events."""


class UserAdded(Event, frozen=True):
    """An account was added."""

    resource: ClassVar[str] = "user"
    audit: ClassVar[bool] = True
    user_id: str
    username: str
    role: str


class UserChanged(Event, frozen=True):
    """An account's role, name or state changed."""

    resource: ClassVar[str] = "user"
    audit: ClassVar[bool] = True
    user_id: str
    username: str
    changed: dict[str, list[object]]


class UserRemoved(Event, frozen=True):
    """An account was removed, with its sessions and keys."""

    resource: ClassVar[str] = "user"
    severity: ClassVar[str] = "warning"
    audit: ClassVar[bool] = True
    user_id: str
    username: str


class SignedIn(Event, frozen=True, kw_only=True):
    """A user signed in."""

    resource: ClassVar[str] = "user"
    audit: ClassVar[bool] = True
    user_id: str
    username: str
    method: str
    """`password`, `passkey`, `oidc` or `proxy`."""
    address: str
    agent: str = ""
    """The browser's User-Agent."""


class SignInFailed(Event, frozen=True, kw_only=True):
    """A sign-in was refused; the name is as entered, cut to 64 characters."""

    resource: ClassVar[str] = "user"
    severity: ClassVar[str] = "warning"
    audit: ClassVar[bool] = True
    user_id: str | None
    """None when no account has that name."""
    username: str
    address: str
    reason: str
    agent: str = ""


class InvitationAdded(Event, frozen=True):
    """Somebody was invited to make an account."""

    resource: ClassVar[str] = "user"
    audit: ClassVar[bool] = True
    invitation_id: str
    role: str
    email: str | None


class InvitationMailRequested(Event, frozen=True):
    """The link of an invitation is to be mailed."""

    resource: ClassVar[str] = "user"
    invitation_id: str


class InvitationRenewed(Event, frozen=True):
    """An invitation got a new link; the one before stopped working."""

    resource: ClassVar[str] = "user"
    audit: ClassVar[bool] = True
    invitation_id: str
    role: str
    email: str | None


class InvitationRevoked(Event, frozen=True):
    """An invitation was withdrawn."""

    resource: ClassVar[str] = "user"
    audit: ClassVar[bool] = True
    invitation_id: str
    role: str
    email: str | None


class InvitationUsed(Event, frozen=True):
    """An invited person made an account."""

    resource: ClassVar[str] = "user"
    audit: ClassVar[bool] = True
    invitation_id: str
    user_id: str
    username: str


class PasswordResetRequested(Event, frozen=True):
    """Somebody asked for a link to set a new password; it is mailed to the account's address."""

    resource: ClassVar[str] = "user"
    audit: ClassVar[bool] = True
    reset_id: str
    user_id: str
    username: str
    address: str


class SessionsEnded(Event, frozen=True):
    """Browsers were signed out by the account's owner or an administrator."""

    resource: ClassVar[str] = "user"
    audit: ClassVar[bool] = True
    user_id: str
    username: str
    count: int


class IdentityLinked(Event, frozen=True):
    """An account was linked to an identity at a provider."""

    resource: ClassVar[str] = "user"
    audit: ClassVar[bool] = True
    user_id: str
    username: str
    provider: str


class IdentityUnlinked(Event, frozen=True):
    """An identity at a provider was removed from an account."""

    resource: ClassVar[str] = "user"
    severity: ClassVar[str] = "warning"
    audit: ClassVar[bool] = True
    user_id: str
    username: str
    provider: str


class ApiKeyAdded(Event, frozen=True):
    """An API key was added."""

    resource: ClassVar[str] = "api_key"
    audit: ClassVar[bool] = True
    api_key_id: str
    name: str


class ApiKeyRevoked(Event, frozen=True):
    """An API key was revoked."""

    resource: ClassVar[str] = "api_key"
    audit: ClassVar[bool] = True
    api_key_id: str
    name: str


class ApiKeyUsed(Event, frozen=True):
    """An API key was used: recorded once a day for each address that it is used from."""

    resource: ClassVar[str] = "api_key"
    audit: ClassVar[bool] = True
    api_key_id: str
    name: str
    address: str
    agent: str


class SettingsChanged(Event, frozen=True):
    """Settings changed; secrets are named without their value."""

    resource: ClassVar[str] = "settings"
    audit: ClassVar[bool] = True
    key: str
    changed: dict[str, list[object]]
    area: SettingsArea | None = None
    """None in events of versions that did not record it."""
    name: str | None = None
    """The name of what changed, such as a download client. None for the values of the settings pages."""


class BackupMade(Event, frozen=True):
    """A backup of the database was made."""

    resource: ClassVar[str] = "backup"
    audit: ClassVar[bool] = True
    backup_id: str
    """The name of its file."""
    size_bytes: int


class BackupUploaded(Event, frozen=True):
    """A backup was uploaded."""

    resource: ClassVar[str] = "backup"
    severity: ClassVar[str] = "warning"
    audit: ClassVar[bool] = True
    backup_id: str
    size_bytes: int


class BackupDownloaded(Event, frozen=True):
    """A backup was downloaded. It holds all accounts."""

    resource: ClassVar[str] = "backup"
    severity: ClassVar[str] = "warning"
    audit: ClassVar[bool] = True
    backup_id: str


class BackupRemoved(Event, frozen=True):
    """A user deleted a backup."""

    resource: ClassVar[str] = "backup"
    severity: ClassVar[str] = "warning"
    audit: ClassVar[bool] = True
    backup_id: str


class RestoreRequested(Event, frozen=True):
    """A user asked to restore a backup. The event is in the database that the backup replaces."""

    resource: ClassVar[str] = "backup"
    severity: ClassVar[str] = "warning"
    audit: ClassVar[bool] = True
    backup_id: str


class BackupRestored(Event, frozen=True):
    """The database was replaced by a backup. The event is in the restored database."""

    resource: ClassVar[str] = "backup"
    severity: ClassVar[str] = "warning"
    audit: ClassVar[bool] = True
    backup_id: str
    asked_by: str
    """Who asked for it; empty if it was the command line."""


class AuditExported(Event, frozen=True):
    """The audit was exported."""

    resource: ClassVar[str] = "audit"
    audit: ClassVar[bool] = True
    format: str
    filters: dict[str, str]


class LibraryPathAdded(Event, frozen=True):
    """A library folder was added."""

    resource: ClassVar[str] = "library_path"
    audit: ClassVar[bool] = True
    library_path_id: str
    path: str


class FeedGapFound(Event, frozen=True, kw_only=True):
    """Releases appeared in an indexer's feed and were gone before it was read."""

    resource: ClassVar[str] = "service"
    severity: ClassVar[str] = "warning"
    indexer_id: str
    name: str
    since: str | None
    """ISO instant."""
    until: str | None
    reason: str
    """feed_short | limit | failed"""


class ServiceStateChanged(Event, frozen=True, kw_only=True):
    """A client, indexer or provider stopped answering, or answers again."""

    resource: ClassVar[str] = "service"
    severity: ClassVar[str] = "warning"
    service_id: str
    family: str
    name: str
    state: str
    reason: str | None


class ArtworkFetched(Event, frozen=True):
    """Pictures were fetched; one event for several, so that pages can show them."""

    resource: ClassVar[str] = "image"
    image_ids: list[str]


class MediaAdded(Event, frozen=True):
    """A title was added; its details are fetched next."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    type: str
    title: str
    search_now: bool


class MediaReady(Event, frozen=True):
    """A new title's details, seasons and episodes were stored for the first time."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    search_now: bool


class MediaRefreshed(Event, frozen=True):
    """A provider's facts changed (field -> [old, new]); never a user's choices."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    changed: dict[str, list[object]]
    episodes_added: int


class MediaChanged(Event, frozen=True):
    """A user changed a title: monitoring, profile, folder or match."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    changed: dict[str, list[object]]


class MediaRemoved(Event, frozen=True):
    """A title was removed."""

    resource: ClassVar[str] = "media_item"
    severity: ClassVar[str] = "warning"
    audit: ClassVar[bool] = True
    media_item_id: str
    type: str
    title: str
    files_deleted: int


class MediaRestored(Event, frozen=True):
    """The removal of a title was undone."""

    resource: ClassVar[str] = "media_item"
    audit: ClassVar[bool] = True
    media_item_id: str
    type: str
    title: str


class RefreshRequested(Event, frozen=True):
    """A user asked to fetch a title's details again."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str


class RefreshesRequested(Event, frozen=True):
    """A user asked to refresh more titles than a request handles; a job requests it for each."""

    resource: ClassVar[str] = "media_item"
    media_item_ids: list[str]


class MetadataRetryRequested(Event, frozen=True):
    """A user asked to try the metadata source again now."""

    resource: ClassVar[str] = "metadata"


class ScanRequested(Event, frozen=True):
    """A user asked to scan a library folder (None: all of them) now."""

    resource: ClassVar[str] = "library_path"
    library_path_id: str | None
    subfolder: str | None = None
    accept_missing: bool = False
    """Whether the user confirmed that missing files are really gone."""


class ScanFinished(Event, frozen=True, kw_only=True):
    """A scan ended: done, refused (with the reason) or failed."""

    resource: ClassVar[str] = "scan"
    scan_id: str
    library_path_id: str
    state: str
    reason: str | None
    counts: dict[str, int]


class FilesFound(Event, frozen=True):
    """A scan found new files, which are recognised and analysed next."""

    resource: ClassVar[str] = "library_path"
    library_path_id: str
    scan_id: str
    files: int


class FileMatched(Event, frozen=True, kw_only=True):
    """A file was linked to a title, with the evidence."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    file_id: str
    relative_path: str
    score: float
    evidence: list[dict[str, Any]]
    """Reasons as codes and facts; sentences in events of older versions."""


class FilesMissing(Event, frozen=True):
    """A scan with accepted results found that files are missing."""

    resource: ClassVar[str] = "library_path"
    severity: ClassVar[str] = "warning"
    library_path_id: str
    files: int
    examples: list[str]


class InboxChanged(Event, frozen=True):
    """The number of entries in the import review changed."""

    resource: ClassVar[str] = "inbox"
    inbox_id: str | None
    waiting: int


class InboxImportRequested(Event, frozen=True):
    """A user asked to import entries of the import review with their best candidates."""

    resource: ClassVar[str] = "inbox"
    inbox_ids: list[str] | None
    """None: all that are ready."""
    requested_by: str | None
    """The account that asked; None for keys without an account and for the system."""


class TitleEditRequested(Event, frozen=True):
    """A user asked to change many titles at once, or to undo that."""

    resource: ClassVar[str] = "title_edit"
    edit_id: str


class InboxDecided(Event, frozen=True):
    """A user decided an entry of the import review."""

    resource: ClassVar[str] = "inbox"
    inbox_id: str
    decision: str


class FileImported(Event, frozen=True, kw_only=True):
    """A file of a finished download was placed in the library."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    file_id: str
    download_id: str | None
    source: str
    target: str
    method: str
    replaced: list[str]


class FilesRenamed(Event, frozen=True):
    """Files were renamed; the journal can undo it."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    batch_id: str
    files: int


class FileRemoved(Event, frozen=True, kw_only=True):
    """A file was removed from the library, into the recycle bin or permanently."""

    resource: ClassVar[str] = "media_item"
    severity: ClassVar[str] = "warning"
    audit: ClassVar[bool] = True
    media_item_id: str | None
    file_id: str
    relative_path: str
    recycled: bool
    reason: str


class BlocklistChanged(Event, frozen=True):
    """A user put releases on the blocklist or removed them from it; at most twenty are named."""

    resource: ClassVar[str] = "blocklist"
    audit: ClassVar[bool] = True
    added: list[str]
    removed: list[str]


class JobsPaused(Event, frozen=True):
    """A user paused all jobs, or resumed them."""

    resource: ClassVar[str] = "jobs"
    audit: ClassVar[bool] = True
    paused: bool


class RecycleBinEmptied(Event, frozen=True):
    """Files in the recycle bin were deleted permanently."""

    resource: ClassVar[str] = "recycle_bin"
    severity: ClassVar[str] = "warning"
    audit: ClassVar[bool] = True
    files: int
    examples: list[str]
    """Original paths of the first of them."""


class FileRestored(Event, frozen=True):
    """A file was moved from the recycle bin back to its place."""

    resource: ClassVar[str] = "recycle_bin"
    audit: ClassVar[bool] = True
    path: str


class SearchRequested(Event, frozen=True):
    """A user asked to search indexers for what a title, a season or episodes are missing."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    season_number: int | None = None
    episode_ids: list[str] | None = None
    version_id: str | None = None
    """None: every monitored version."""


class SearchesRequested(Event, frozen=True):
    """A user asked to search for more titles than a request handles; a job requests it for each."""

    resource: ClassVar[str] = "media_item"
    media_item_ids: list[str]


class ReleasesRequested(Event, frozen=True):
    """A user started a manual search, which queries indexers and grabs nothing."""

    resource: ClassVar[str] = "search"
    search_id: str
    media_item_id: str


class SearchFinished(Event, frozen=True, kw_only=True):
    """A search ended; every release found is stored with its verdict."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    search_id: str
    found: int
    approved: int
    cause: str
    failures: int


class ReleaseGrabbed(Event, frozen=True, kw_only=True):
    """A release was sent to a download client."""

    resource: ClassVar[str] = "media_item"
    audit: ClassVar[bool] = True
    media_item_id: str
    download_id: str
    release_title: str
    client: str
    indexer: str | None
    cause: str
    reasons: list[Any]
    """As `reasons.Reason.to_json` returns them; sentences in events of older versions."""


class ReleaseDelayed(Event, frozen=True, kw_only=True):
    """Releases that may be grabbed later wait for their delay."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    release_title: str
    """The best of them."""
    until_at: str
    count: int


class ProfileTrialRequested(Event, frozen=True):
    """A person asked what a changed quality profile would do."""

    resource: ClassVar[str] = "settings"
    trial_id: str
    profile_id: str


class PendingReleaseRemoved(Event, frozen=True, kw_only=True):
    """A person stopped waiting for a release."""

    resource: ClassVar[str] = "media_item"
    audit: ClassVar[bool] = True
    media_item_id: str
    release_title: str


class DownloadChanged(Event, frozen=True, kw_only=True):
    """A download changed its state."""

    resource: ClassVar[str] = "download"
    download_id: str
    media_item_id: str | None
    old: str
    new: str
    reason: Any
    """Reason or None."""


class DownloadCompleted(Event, frozen=True):
    """A download is complete; the import follows."""

    resource: ClassVar[str] = "download"
    download_id: str
    media_item_id: str | None


class DownloadImported(Event, frozen=True):
    """All wanted files of a download were imported."""

    resource: ClassVar[str] = "media_item"
    media_item_id: str
    download_id: str
    files: int


class ImportBlocked(Event, frozen=True):
    """A finished download needs a user's decision, for the given reasons."""

    resource: ClassVar[str] = "download"
    severity: ClassVar[str] = "warning"
    download_id: str
    media_item_id: str | None
    reasons: list[Any]


class DownloadFailed(Event, frozen=True):
    """A download failed; `blocklisted` says whether its release was added to the blocklist."""

    resource: ClassVar[str] = "download"
    severity: ClassVar[str] = "warning"
    download_id: str
    media_item_id: str | None
    reason: Any
    blocklisted: bool


class DownloadRemoved(Event, frozen=True):
    """A user removed a download from the queue."""

    resource: ClassVar[str] = "download"
    audit: ClassVar[bool] = True
    download_id: str
    media_item_id: str | None
    from_client: bool
    blocklisted: bool


class ImportRequested(Event, frozen=True):
    """A user asked to import a finished download, possibly again."""

    resource: ClassVar[str] = "download"
    download_id: str


class RequestAdded(Event, frozen=True, kw_only=True):
    """A person requested a title."""

    resource: ClassVar[str] = "request"
    request_id: str
    media_item_id: str | None
    """None: it is not in the library yet."""
    type: str
    title: str
    seasons: list[int]
    asker: str


class RequestJoined(Event, frozen=True):
    """Another person wants what was requested already, and follows the request."""

    resource: ClassVar[str] = "request"
    request_id: str
    title: str
    follower: str


class RequestApproved(Event, frozen=True, kw_only=True):
    """A request was approved by a person, or automatically for the given reason; the title is added next."""

    resource: ClassVar[str] = "request"
    audit: ClassVar[bool] = True
    request_id: str
    media_item_id: str | None
    title: str
    automatic: bool
    because: Any
    """Reason or None."""


class RequestDeclined(Event, frozen=True):
    """A request was declined; `reason` is what the person wrote."""

    resource: ClassVar[str] = "request"
    audit: ClassVar[bool] = True
    request_id: str
    title: str
    reason: str | None


class TitleBlocked(Event, frozen=True):
    """A title cannot be requested any more; `reason` is what the person wrote."""

    resource: ClassVar[str] = "blocked_title"
    audit: ClassVar[bool] = True
    blocked_title_id: str
    type: str
    title: str
    reason: str | None


class TitleUnblocked(Event, frozen=True):
    """A title can be requested again."""

    resource: ClassVar[str] = "blocked_title"
    audit: ClassVar[bool] = True
    blocked_title_id: str
    type: str
    title: str


class RequestRetried(Event, frozen=True):
    """A person retried a request that had failed."""

    resource: ClassVar[str] = "request"
    request_id: str
    title: str


class RequestFailed(Event, frozen=True):
    """An approved request could not be carried out."""

    resource: ClassVar[str] = "request"
    severity: ClassVar[str] = "warning"
    request_id: str
    title: str
    because: Any
    """Reason."""


class RequestChanged(Event, frozen=True, kw_only=True):
    """What the library has of a requested title changed the state of the request."""

    resource: ClassVar[str] = "request"
    request_id: str
    media_item_id: str | None
    title: str
    old: str
    new: str


class RequestWithdrawn(Event, frozen=True):
    """A request was withdrawn, or removed by someone who decides requests."""

    resource: ClassVar[str] = "request"
    request_id: str
    title: str
    people: list[str]
    """The accounts that asked for it or followed it; their pages show the change."""


class ProblemReported(Event, frozen=True, kw_only=True):
    """A person reported a problem with a title."""

    resource: ClassVar[str] = "problem"
    problem_id: str
    media_item_id: str
    title: str
    kind: str
    place: str
    """`S02E03`, `S02`, or empty for the whole title."""


class ProblemCommented(Event, frozen=True):
    """A person commented on a reported problem."""

    resource: ClassVar[str] = "problem"
    problem_id: str
    media_item_id: str
    title: str


class ProblemClosed(Event, frozen=True, kw_only=True):
    """A reported problem was resolved or reopened; `automatic` if its files were replaced."""

    resource: ClassVar[str] = "problem"
    problem_id: str
    media_item_id: str
    title: str
    resolved: bool
    automatic: bool


class ReplacementRequested(Event, frozen=True, kw_only=True):
    """A person marked files as faulty and asked for a replacement; the search follows."""

    resource: ClassVar[str] = "media_item"
    audit: ClassVar[bool] = True
    media_item_id: str
    problem_id: str
    files: list[str]
    releases: list[str]
    """The releases that went on the blocklist."""


EVENTS: dict[str, type[Event]] = {
    cls.__name__: cls
    for cls in list(globals().values())
    if isinstance(cls, type) and issubclass(cls, Event) and cls is not Event
}


def names(*kinds: type[Event]) -> frozenset[str]:
    """Return the names under which the log keeps these events."""
    return frozenset(kind.__name__ for kind in kinds)
