"""The sentences of the history: one for each event of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from mydia.events import Happened, say
from mydia.units import plural, size

type Told = Mapping[str, Any]
_WORDS_AT_MOST = 10


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the history."""

    id: int
    at: datetime
    type: str
    icon: str
    tone: str
    """`ok live miss fail ink-3`."""
    title: str
    text: str
    details: tuple[str, ...]
    """Further sentences: reasons, evidence, changed values."""
    by: str
    href: str | None
    download_id: str | None = None
    """The download it is about."""
    search_id: str | None = None
    """The search it is about."""
    steps: tuple[Story, ...] = ()
    """The events that this line sums up, newest first; empty when it stands for one event."""


class _Line(msgspec.Struct, frozen=True):
    icon: str
    tone: str
    title: str
    text: Callable[[Told], str] = lambda _: ""
    details: Callable[[Told], list[str]] = lambda _: []


_EMPTY: tuple[object, ...] = (None, "", [], {})


def settings_said(payload: Mapping[str, Any]) -> str:
    """Return what a change of settings is about: its name, or a key in words such as `requests of kim: movies`.

    >>> settings_said({"name": None, "key": "quality profile HD"}), settings_said({"name": None, "key": "indexer:0197"})
    ('quality profile HD', '')
    """
    key = str(payload["key"])
    return payload.get("name") or (key if " " in key else "")


def _changes(told: Told) -> list[str]:
    return [_change(name.replace("_", " "), old, new) for name, (old, new) in told["changed"].items()]


def _change(name: str, old: object, new: object) -> str:
    """Say what became of a value.

    >>> _change("folder", None, "Metropolis (1927)"), _change("edition", "Extended", None), _change("year", 1926, 1927)
    ('folder: Metropolis (1927)', 'edition: Extended removed', 'year: 1926 → 1927')
    """
    if old in _EMPTY and new in _EMPTY:
        return f"{name} changed"
    if old in _EMPTY:
        return f"{name}: {shown_value(new)}"
    return (
        f"{name}: {shown_value(old)} removed" if new in _EMPTY else f"{name}: {shown_value(old)} → {shown_value(new)}"
    )


def shown_value(value: object) -> str:
    """Return a stored value as people read it, at most 80 characters."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _scan(told: Told) -> str:
    counts = told["counts"]
    parts = [
        f"{counts[name]:,} {name}"
        for name in ("new", "changed", "moved", "missing", "matched", "waiting")
        if counts.get(name)
    ]
    return told["reason"] or (", ".join(parts) or "No changes")


def _with_seasons(title: str, seasons: Sequence[int]) -> str:
    """Return a title with its requested seasons.

    >>> _with_seasons("Pioneer One", [1, 2]), _with_seasons("Metropolis", [])
    ('Pioneer One, seasons 1, 2', 'Metropolis')
    """
    if not seasons:
        return title
    return f"{title}, {'season' if len(seasons) == 1 else 'seasons'} {', '.join(map(str, seasons))}"


def _closed(told: Told) -> str:
    done = "resolved" if told["resolved"] else "reopened"
    return f"{told['title']}: {done}{', its files were replaced' if told['automatic'] else ''}"


def _filters(told: Told) -> list[str]:
    return [f"{name}: {value}" for name, value in told["filters"].items()]


_LINES: dict[str, _Line] = {
    "MediaAdded": _Line("plus", "ok", "Added", lambda e: e["title"]),
    "MediaReady": _Line("file-text", "ink-3", "Details fetched"),
    "MediaRefreshed": _Line(
        "refresh-cw",
        "ink-3",
        "Details changed",
        lambda e: plural(e["episodes_added"], "new episode") if e["episodes_added"] else "",
        _changes,
    ),
    "MediaChanged": _Line("pencil", "ink-3", "Changed", details=_changes),
    "MediaRemoved": _Line("trash-2", "fail", "Removed", lambda e: e["title"]),
    "MediaRestored": _Line("undo-2", "ok", "Restored", lambda e: e["title"]),
    "RefreshRequested": _Line("refresh-cw", "ink-3", "Refresh requested"),
    "MetadataRetryRequested": _Line("refresh-cw", "ink-3", "Metadata source retry requested"),
    "ScanRequested": _Line("folder-search", "ink-3", "Scan requested"),
    "ScanFinished": _Line("folder-search", "ink-3", "Scan finished", _scan),
    "FilesFound": _Line("folder-search", "ink-3", "New files found", lambda e: plural(e["files"], "file")),
    "FileMatched": _Line(
        "check", "ok", "File recognised", lambda e: e["relative_path"], lambda e: [say(one) for one in e["evidence"]]
    ),
    "FilesMissing": _Line(
        "circle-dashed", "miss", "Files missing", lambda e: plural(e["files"], "file"), lambda e: list(e["examples"])
    ),
    "InboxDecided": _Line("folder-input", "ok", "Import decided", lambda e: e["decision"]),
    "FileImported": _Line(
        "folder-input",
        "ok",
        "Imported",
        lambda e: e["target"],
        lambda e: [f"By {e['method']} from {e['source']}", *(f"Replaced {old}" for old in e["replaced"])],
    ),
    "FilesRenamed": _Line("file-pen-line", "ink-3", "Renamed", lambda e: plural(e["files"], "file")),
    "FileRemoved": _Line(
        "trash-2",
        "fail",
        "File removed",
        lambda e: e["relative_path"],
        lambda e: [
            e["reason"],
            "Moved to the recycle bin." if e["recycled"] else "Deleted permanently.",
        ],
    ),
    "SearchRequested": _Line("search", "ink-3", "Search requested"),
    "SearchesRequested": _Line(
        "search", "ink-3", "Searches requested", lambda e: plural(len(e["media_item_ids"]), "title")
    ),
    "RefreshesRequested": _Line(
        "rotate-cw", "ink-3", "Refreshes requested", lambda e: plural(len(e["media_item_ids"]), "title")
    ),
    "SearchFinished": _Line(
        "search",
        "ink-3",
        "Searched",
        lambda e: (
            f"{e['found']} found, {e['approved']} accepted"
            + (f", {plural(e['failures'], 'indexer')} failed" if e["failures"] else "")
        ),
    ),
    "ReleasesRequested": _Line("search", "ink-3", "Manual search"),
    "InboxImportRequested": _Line("folder-input", "ink-3", "Import of ready entries requested"),
    "TitleEditRequested": _Line("pencil", "ink-3", "Bulk edit requested"),
    "ReleaseGrabbed": _Line(
        "arrow-down-to-line",
        "live",
        "Grabbed",
        lambda e: e["release_title"],
        lambda e: [f"From {e['indexer'] or 'a manual link'} to {e['client']}", *map(say, e["reasons"])],
    ),
    "ReleaseDelayed": _Line(
        "clock",
        "ink-3",
        "Waiting for better releases",
        lambda e: e["release_title"] + (f" and {plural(e['count'] - 1, 'other')}" if e["count"] > 1 else ""),
        lambda e: [f"Until {datetime.fromisoformat(e['until_at']):%-d %B %Y, %H:%M} UTC."],
    ),
    "ProfileTrialRequested": _Line("search", "ink-3", "Dry run of a quality profile"),
    "PendingReleaseRemoved": _Line("clock", "ink-3", "No longer waiting for", lambda e: e["release_title"]),
    "DownloadChanged": _Line(
        "arrow-down-to-line",
        "ink-3",
        "Download changed",
        lambda e: f"{e['old']} → {e['new']}",
        lambda e: [say(e["reason"])] if e["reason"] else [],
    ),
    "DownloadCompleted": _Line("check", "live", "Download finished"),
    "DownloadImported": _Line("folder-input", "ok", "Download imported", lambda e: plural(e["files"], "file")),
    "ImportBlocked": _Line("triangle-alert", "fail", "Import blocked", details=lambda e: list(map(say, e["reasons"]))),
    "DownloadFailed": _Line(
        "triangle-alert",
        "fail",
        "Download failed",
        lambda e: say(e["reason"]),
        lambda e: ["The release is on the blocklist."] if e["blocklisted"] else [],
    ),
    "DownloadRemoved": _Line(
        "x",
        "ink-3",
        "Download removed",
        details=lambda e: ["The release is on the blocklist."] if e["blocklisted"] else [],
    ),
    "ImportRequested": _Line("folder-input", "ink-3", "Import requested"),
    "LibraryPathAdded": _Line("folder", "ok", "Library folder added", lambda e: e["path"]),
    "SettingsChanged": _Line("sliders-horizontal", "ink-3", "Settings changed", settings_said, _changes),
    "ServiceStateChanged": _Line(
        "server",
        "miss",
        "Service state changed",
        lambda e: f"{e['name']} is {e['state']}",
        lambda e: [e["reason"]] if e["reason"] else [],
    ),
    "FeedGapFound": _Line(
        "radio-tower",
        "miss",
        "Releases missed in a feed",
        lambda e: e["name"],
        lambda e: [say({"code": f"feed-gap.{e['reason']}"})],
    ),
    "SignedIn": _Line("user", "ink-3", "Signed in", lambda e: f"{e['username']} from {e['address']}"),
    "SignInFailed": _Line("user", "miss", "Sign-in refused", lambda e: f"{e['username']} from {e['address']}"),
    "UserAdded": _Line("user", "ok", "Account added", lambda e: f"{e['username']}, {e['role']}"),
    "UserChanged": _Line("user", "ink-3", "Account changed", lambda e: e["username"], _changes),
    "UserRemoved": _Line("user", "miss", "Account removed", lambda e: e["username"]),
    "InvitationAdded": _Line("user-plus", "ok", "Invited", lambda e: ", ".join(filter(None, (e["email"], e["role"])))),
    "InvitationMailRequested": _Line("mail", "ink-3", "Invitation to be mailed"),
    "InvitationRenewed": _Line(
        "user-plus", "ink-3", "Invitation got a new link", lambda e: ", ".join(filter(None, (e["email"], e["role"])))
    ),
    "InvitationRevoked": _Line(
        "user-plus", "miss", "Invitation withdrawn", lambda e: ", ".join(filter(None, (e["email"], e["role"])))
    ),
    "InvitationUsed": _Line("user-plus", "ok", "Invitation accepted", lambda e: e["username"]),
    "PasswordResetRequested": _Line(
        "key-round", "ink-3", "New password requested", lambda e: f"{e['username']} from {e['address']}"
    ),
    "SessionsEnded": _Line(
        "log-out", "ink-3", "Signed out", lambda e: f"{e['username']}, {plural(e['count'], 'browser')}"
    ),
    "IdentityLinked": _Line("user", "ok", "Account linked", lambda e: f"{e['username']} to {e['provider']}"),
    "IdentityUnlinked": _Line("user", "miss", "Account unlinked", lambda e: f"{e['username']} from {e['provider']}"),
    "ApiKeyAdded": _Line("key-round", "ok", "API key created", lambda e: e["name"]),
    "ApiKeyRevoked": _Line("key-round", "miss", "API key revoked", lambda e: e["name"]),
    "ApiKeyUsed": _Line("key-round", "ink-3", "API key used", lambda e: f"{e['name']} from {e['address']}"),
    "BackupMade": _Line("archive", "ok", "Backup made", lambda e: f"{e['backup_id']}, {size(e['size_bytes'])}"),
    "BackupUploaded": _Line("archive", "miss", "Backup uploaded", lambda e: e["backup_id"]),
    "BackupRemoved": _Line("trash-2", "miss", "Backup deleted", lambda e: e["backup_id"]),
    "BackupDownloaded": _Line("archive", "miss", "Backup downloaded", lambda e: e["backup_id"]),
    "RestoreRequested": _Line("archive", "miss", "Restore requested", lambda e: e["backup_id"]),
    "BackupRestored": _Line(
        "archive",
        "miss",
        "Backup restored",
        lambda e: f"{e['backup_id']}, {'asked by ' + e['asked_by'] if e['asked_by'] else 'on the command line'}",
    ),
    "AuditExported": _Line("download", "ink-3", "Audit exported", lambda e: e["format"].upper(), _filters),
    "RecycleBinEmptied": _Line(
        "trash-2",
        "fail",
        "Deleted from the recycle bin",
        lambda e: plural(e["files"], "file"),
        lambda e: list(e["examples"]),
    ),
    "BlocklistChanged": _Line(
        "ban",
        "ink-3",
        "Blocklist changed",
        details=lambda e: [f"Added: {one}" for one in e["added"]] + [f"Removed: {one}" for one in e["removed"]],
    ),
    "JobsPaused": _Line("pause", "miss", "Jobs paused or resumed", lambda e: "Paused" if e["paused"] else "Resumed"),
    "FileRestored": _Line("undo-2", "ok", "File restored", lambda e: e["path"]),
    "InboxChanged": _Line("folder-input", "ink-3", "Import review changed", lambda e: f"{e['waiting']} waiting"),
    "ArtworkFetched": _Line("image", "ink-3", "Artwork fetched", lambda e: plural(len(e["image_ids"]), "picture")),
    "RequestAdded": _Line(
        "hand-heart",
        "live",
        "Requested",
        lambda e: f"{_with_seasons(e['title'], e['seasons'])}, by {e['asker']}",
    ),
    "RequestJoined": _Line("hand-heart", "ink-3", "Request joined", lambda e: f"{e['title']}, by {e['follower']}"),
    "RequestApproved": _Line(
        "check",
        "ok",
        "Request approved",
        lambda e: e["title"],
        lambda e: [say(e["because"])] if e["because"] else [],
    ),
    "RequestDeclined": _Line(
        "x", "miss", "Request declined", lambda e: e["title"], lambda e: [e["reason"]] if e["reason"] else []
    ),
    "TitleBlocked": _Line(
        "ban",
        "miss",
        "Requests for a title blocked",
        lambda e: e["title"],
        lambda e: [e["reason"]] if e["reason"] else [],
    ),
    "TitleUnblocked": _Line("check", "ok", "Requests for a title allowed again", lambda e: e["title"]),
    "RequestRetried": _Line("rotate-cw", "ink-3", "Request retried", lambda e: e["title"]),
    "RequestFailed": _Line(
        "triangle-alert", "fail", "Request failed", lambda e: e["title"], lambda e: [say(e["because"])]
    ),
    "RequestChanged": _Line(
        "hand-heart", "ink-3", "Request progressed", lambda e: f"{e['title']}: {e['old']} → {e['new']}"
    ),
    "RequestWithdrawn": _Line("x", "ink-3", "Request withdrawn", lambda e: e["title"]),
    "ProblemReported": _Line(
        "flag",
        "miss",
        "Problem reported",
        lambda e: " ".join(part for part in (e["title"], e["place"], f"({e['kind']})") if part),
    ),
    "ProblemCommented": _Line("message-square", "ink-3", "Comment on a problem", lambda e: e["title"]),
    "ProblemClosed": _Line("flag", "ink-3", "Problem closed or reopened", _closed),
    "ReplacementRequested": _Line(
        "replace",
        "live",
        "Replacement requested",
        lambda e: plural(len(e["files"]), "file"),
        lambda e: [*e["files"], *(f"Blocklisted: {name}" for name in e["releases"])],
    ),
}
QUIET = frozenset(
    {
        "ArtworkFetched",
        "InboxChanged",
        "InboxImportRequested",
        "MediaReady",
        "FilesFound",
        "MetadataRetryRequested",
        "RefreshRequested",
        "RefreshesRequested",
        "ProfileTrialRequested",
        "ReleasesRequested",
        "SearchRequested",
        "SearchesRequested",
        "ImportRequested",
        "ScanRequested",
        "TitleEditRequested",
        "DownloadCompleted",
    }
)
"""Steps that lead to another entry; the history omits them unless they are requested."""

KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "grabs": ("Grabs", ("ReleaseGrabbed", "ReleaseDelayed", "PendingReleaseRemoved", "BlocklistChanged")),
    "imports": ("Imports", ("FileImported", "DownloadImported", "FileMatched")),
    "failures": ("Failures", ("DownloadFailed", "ImportBlocked", "FilesMissing")),
    "searches": ("Searches", ("SearchFinished",)),
    "files": ("Files", ("FilesRenamed", "FileRemoved", "RecycleBinEmptied", "FileRestored", "ScanFinished")),
    "titles": ("Titles", ("MediaAdded", "MediaChanged", "MediaRefreshed", "MediaRemoved", "MediaRestored")),
    "requests": (
        "Requests",
        (
            "RequestAdded",
            "RequestJoined",
            "RequestApproved",
            "RequestDeclined",
            "TitleBlocked",
            "TitleUnblocked",
            "RequestRetried",
            "RequestFailed",
            "RequestChanged",
            "RequestWithdrawn",
            "ProblemReported",
            "ProblemCommented",
            "ProblemClosed",
            "ReplacementRequested",
        ),
    ),
    "audit": (
        "Accounts and settings",
        (
            "SignedIn",
            "SignInFailed",
            "SessionsEnded",
            "UserAdded",
            "UserChanged",
            "UserRemoved",
            "InvitationAdded",
            "InvitationRenewed",
            "InvitationRevoked",
            "InvitationUsed",
            "PasswordResetRequested",
            "IdentityLinked",
            "IdentityUnlinked",
            "ApiKeyAdded",
            "ApiKeyRevoked",
            "ApiKeyUsed",
            "SettingsChanged",
            "ServiceStateChanged",
            "FeedGapFound",
            "BackupMade",
            "BackupUploaded",
            "BackupDownloaded",
            "BackupRemoved",
            "RestoreRequested",
            "BackupRestored",
            "AuditExported",
            "JobsPaused",
        ),
    ),
}
"""Filter of the history page -> its label and event types."""


def all_but_quiet() -> list[str]:
    """Return the types that the history shows by default: what happened to titles, files and downloads."""
    audit = KINDS["audit"][1]
    return [name for name in _LINES if name not in QUIET and name not in audit]


def called(word: str) -> tuple[str, ...]:
    """Return the types whose heading contains a word, ignoring case.

    >>> called("refused")
    ('SignInFailed',)
    """
    return tuple(name for name, line in _LINES.items() if word.casefold() in line.title.casefold())


def words_of(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the words of a search with the types that are called so, for `AuditFilter.words`."""
    return tuple((word, called(word)) for word in text.split()[:_WORDS_AT_MOST])


def story(told: Happened) -> Story:
    """Return an event as a line; an event of an unknown type is shown by its type name."""
    line = _LINES.get(told.type, _Line("info", "ink-3", told.type))
    try:
        text, details = line.text(told.payload), tuple(line.details(told.payload))
    except (KeyError, TypeError, ValueError):
        # Another version wrote the event, so its payload has other fields.
        text, details = "", ()
    item = told.resource_id if told.resource_kind == "media_item" else told.payload.get("media_item_id")
    href = f"/items/{item}" if item else None
    return Story(
        id=told.id,
        at=told.at,
        type=told.type,
        icon=line.icon,
        tone=line.tone,
        title=line.title,
        text=text,
        details=details,
        by=told.actor_name or "",
        href=href,
        download_id=_download_of(told),
        search_id=str(told.payload["search_id"]) if told.payload.get("search_id") else None,
    )


def _download_of(told: Happened) -> str | None:
    found = told.resource_id if told.resource_kind == "download" else told.payload.get("download_id")
    return None if found is None else str(found)


_OF_AN_IMPORT = ("FileImported", "DownloadImported", "DownloadChanged", "DownloadCompleted")
_TOGETHER = timedelta(hours=1)
"""How far apart the events of one import may be: placing a season on a slow disk takes a while."""
_SUMS: Mapping[str, Callable[[Sequence[Happened]], str]] = {
    "FileImported": lambda told: plural(len(told), "file"),
    "FileMatched": lambda told: plural(len(told), "file"),
    "FileRemoved": lambda told: plural(len(told), "file"),
}
"""Type -> the text of a line that sums up several events of this type."""


def _fold_key(told: Happened) -> tuple[str, ...] | None:
    """Return what the events of one line share, None for an event with a line of its own."""
    if told.type in _OF_AN_IMPORT and (download_id := _download_of(told)) is not None:
        return ("import", download_id)
    item_id = told.resource_id if told.resource_kind == "media_item" else told.payload.get("media_item_id")
    return (told.type, str(item_id)) if told.type in _SUMS and item_id else None


def folded(events: Iterable[Happened]) -> list[Story]:
    """Return events, newest first, as lines: the many steps of one import, and many files at once, are one line each."""
    groups: list[list[Happened]] = []
    open_groups: dict[tuple[str, ...], list[Happened]] = {}
    for told in events:
        key = _fold_key(told)
        group = open_groups.get(key) if key is not None else None
        if group is not None and group[-1].at - told.at <= _TOGETHER:
            group.append(told)
            continue
        groups.append([told])
        if key is not None:
            open_groups[key] = groups[-1]
    return [_sum(group) for group in groups]


def _sum(group: Sequence[Happened]) -> Story:
    """Return one line for some events."""
    if len(group) == 1:
        return story(group[0])
    types = {told.type for told in group}
    head = next((told for told in group if told.type == "DownloadImported"), group[0])
    files = [told for told in group if told.type == "FileImported"]
    line = story(head)
    text = line.text
    if len(types) == 1 and head.type in _SUMS:
        text = _SUMS[head.type](group)
    elif files:
        text = plural(len(files), "file")
        line = replace(line, icon="folder-input", tone="ok", title="Imported")
    return replace(
        line, id=group[0].id, at=group[0].at, text=text, details=(), steps=tuple(story(told) for told in group)
    )
