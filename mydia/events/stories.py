"""The history in words: one line for each event of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mydia.events import Happened, say
from mydia.units import plural

type Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
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


@dataclass(frozen=True, slots=True)
class _Line:
    icon: str
    tone: str
    title: str
    text: Callable[[Told], str] = lambda _: ""
    details: Callable[[Told], list[str]] = lambda _: []


def _changes(told: Told) -> list[str]:
    return [f"{name.replace('_', ' ')}: {_value(old)} → {_value(new)}" for name, (old, new) in told["changed"].items()]


def _value(value: object) -> str:
    if value in (None, ""):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _scan(told: Told) -> str:
    counts = told["counts"]
    parts = [
        f"{counts[name]:,} {name}"
        for name in ("new", "changed", "moved", "missing", "matched", "waiting")
        if counts.get(name)
    ]
    return told["reason"] or (", ".join(parts) or "No changes")


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
    "FileMatched": _Line("check", "ok", "File recognised", lambda e: e["relative_path"], lambda e: list(e["evidence"])),
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
    "ReleaseGrabbed": _Line(
        "arrow-down-to-line",
        "live",
        "Grabbed",
        lambda e: e["release_title"],
        lambda e: [f"From {e['indexer'] or 'a manual link'} to {e['client']}", *map(say, e["reasons"])],
    ),
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
    "SettingsChanged": _Line("sliders-horizontal", "ink-3", "Settings changed", details=_changes),
    "ServiceStateChanged": _Line(
        "server",
        "miss",
        "Service state changed",
        lambda e: f"{e['name']} is {e['state']}",
        lambda e: [e["reason"]] if e["reason"] else [],
    ),
    "SignedIn": _Line("user", "ink-3", "Signed in", lambda e: f"{e['username']} from {e['address']}"),
    "SignInFailed": _Line("user", "miss", "Sign-in refused", lambda e: f"{e['username']} from {e['address']}"),
    "UserAdded": _Line("user", "ok", "Account added", lambda e: f"{e['username']}, {e['role']}"),
    "UserChanged": _Line("user", "ink-3", "Account changed", lambda e: e["username"], _changes),
    "UserRemoved": _Line("user", "miss", "Account removed", lambda e: e["username"]),
    "ApiKeyAdded": _Line("key-round", "ok", "API key created", lambda e: e["name"]),
    "ApiKeyRevoked": _Line("key-round", "miss", "API key revoked", lambda e: e["name"]),
    "InboxChanged": _Line("folder-input", "ink-3", "Import review changed", lambda e: f"{e['waiting']} waiting"),
    "ArtworkFetched": _Line("image", "ink-3", "Artwork fetched", lambda e: plural(len(e["image_ids"]), "picture")),
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
        "ReleasesRequested",
        "SearchRequested",
        "ImportRequested",
        "ScanRequested",
        "DownloadCompleted",
    }
)
"""Steps that lead to another entry; the history omits them unless they are requested."""

KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "grabs": ("Grabs", ("ReleaseGrabbed",)),
    "imports": ("Imports", ("FileImported", "DownloadImported", "FileMatched")),
    "failures": ("Failures", ("DownloadFailed", "ImportBlocked", "FilesMissing")),
    "searches": ("Searches", ("SearchFinished",)),
    "files": ("Files", ("FilesRenamed", "FileRemoved", "ScanFinished")),
    "titles": ("Titles", ("MediaAdded", "MediaChanged", "MediaRefreshed", "MediaRemoved", "MediaRestored")),
    "audit": (
        "Accounts and settings",
        (
            "SignedIn",
            "SignInFailed",
            "UserAdded",
            "UserChanged",
            "UserRemoved",
            "ApiKeyAdded",
            "ApiKeyRevoked",
            "SettingsChanged",
            "ServiceStateChanged",
        ),
    ),
}
"""Filter of the history page -> its label and event types."""


def all_but_quiet() -> list[str]:
    """Return the event types that the history shows by default."""
    return [name for name in _LINES if name not in QUIET]


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
        told.id, told.at, told.type, line.icon, line.tone, line.title, text, details, told.actor_name or "", href
    )
