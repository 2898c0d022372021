"""Library folders."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec.structs import asdict
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import events, units
from mydia.adapters.errors import AdapterError
from mydia.adapters.outside import Outside
from mydia.contexts.settings.models import LibraryPath, NamingSet, QualityProfile
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.cron import is_cron
from mydia.db import get
from mydia.errors import Conflict, Forbidden, Invalid
from mydia.vocabulary import MediaType

TYPES = ("movies", "series", "mixed")
IMPORT_MODES = ("hardlink", "reflink", "copy", "move")
PROVIDERS = ("tmdb", "tvdb")

# System folders. Neither they nor their subfolders can be a library folder. Desktops mount disks in /run/media.
_SYSTEM_TREES = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr")
_SYSTEM_FOLDERS = ("/", "/home", "/opt", "/root", "/tmp", "/var")  # noqa: S108  # refused, not used
_ALLOWED = "/run/media"


class NewLibraryPath(msgspec.Struct, frozen=True, kw_only=True):
    """A library folder as submitted by a form."""

    path: str
    type: str
    name: str | None = None
    """None uses the name of the folder."""
    monitored: bool = True
    scan_cron: str | None = None
    """None uses `jobs.scan_cron`."""
    default_profile_id: str | None = None
    naming_set_id: str | None = None
    provider: str = "tmdb"
    language: str | None = None
    import_mode: str = "hardlink"


class FolderFinding(msgspec.Struct, frozen=True):
    """One result of checking a folder."""

    tone: str
    """`yes`, `warn` or `no`."""
    sentence: str


class FolderLook(msgspec.Struct, frozen=True):
    """The result of checking a folder on disk."""

    path: str
    findings: tuple[FolderFinding, ...]
    problem: str | None
    """Why it cannot be a library folder; None if it can."""
    free_bytes: int | None = None


class FolderList(msgspec.Struct, frozen=True):
    """The folders in a folder of the disk."""

    path: Path
    names: tuple[str, ...]
    problem: str = ""
    """Why the folder cannot be read; empty when it can."""


def list_library_paths(session: Session, caller: Caller) -> list[LibraryPath]:
    """Return all library folders, sorted by name."""
    caller.require(Permission.VIEW_ACTIVITY)
    return list(session.scalars(select(LibraryPath).order_by(LibraryPath.name, LibraryPath.path)))


def get_library_path(session: Session, caller: Caller, library_path_id: str) -> LibraryPath:
    """Return one library folder."""
    caller.require(Permission.VIEW_ACTIVITY)
    return get(session, LibraryPath, library_path_id, what="This library folder")


def checked_path(raw: str) -> str:
    """Normalise a path: absolute, without `..` and without a trailing slash.

    Raises:
        Invalid: It is not absolute, or it is a system folder.
    """
    if sentence := _objection(raw):
        raise Invalid(sentence, fields={"path": sentence})
    return os.path.normpath(raw.strip()).replace("//", "/", 1)


def _objection(raw: str) -> str | None:
    text = raw.strip()
    if not text:
        return "Enter the folder's path."
    if not text.startswith("/") or "\0" in text:
        return "The path must be absolute, starting with /."
    path = os.path.normpath(text).replace("//", "/", 1)
    if path in _SYSTEM_FOLDERS:
        return f"{path} is a system folder. Choose another folder, such as /media/movies."
    inside = next((tree for tree in _SYSTEM_TREES if path == tree or path.startswith(tree + "/")), None)
    if inside and not path.startswith(_ALLOWED + "/"):
        return f"{inside} is a system folder. Choose another folder, such as /media/movies."
    return None


def nested(path: str, others: list[LibraryPath]) -> LibraryPath | None:
    """Return the library folder that contains this path, is inside it, or equals it."""
    return next(
        (o for o in others if path == o.path or path.startswith(o.path + "/") or o.path.startswith(path + "/")), None
    )


def list_folders(outside: Outside, caller: Caller, wanted: str) -> FolderList:
    """Return the folders in a folder of the disk, to choose one. A path that does not exist opens its nearest parent."""
    caller.require(Permission.MANAGE_SETTINGS)
    folder = Path(wanted) if wanted.startswith("/") and "\0" not in wanted else Path("/")
    while True:
        try:
            return FolderList(folder, tuple(outside.files.list_folders(folder)))
        except AdapterError as error:
            if _is_there(folder):
                return FolderList(folder, (), error.cause)
            if folder == folder.parent:
                return FolderList(folder, ())
            folder = folder.parent


def _is_there(folder: Path) -> bool:
    try:
        return folder.exists()
    except OSError:
        return False  # a name is too long, or a parent cannot be entered


def look_at_folder(
    outside: Outside,
    caller: Caller,
    raw: str,
    others: list[LibraryPath],
    *,
    downloads: str | None = None,
    may_be_empty: bool = False,
) -> FolderLook:
    """Check on the disk whether a folder can be a library folder.

    Args:
        others: The existing library folders, except the one that is being changed.
        downloads: The local path of a client's download folder; decides whether hard links work.
        may_be_empty: An empty library folder can be a missing mount; an empty download folder is normal.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    if sentence := _objection(raw):
        return FolderLook(raw, (), sentence)
    path = checked_path(raw)
    folder = Path(path)
    state = outside.files.mount_state(folder)
    if not state.exists:
        return FolderLook(path, (), f"The folder {path} does not exist. Create it, or mount it into the container.")
    if not state.is_folder:
        return FolderLook(path, (), f"{path} is not a folder.")
    real = os.path.realpath(path)
    clash = nested(path, others) or next(
        (o for o in others if nested(real, [LibraryPath(path=os.path.realpath(o.path))])), None
    )
    if clash is not None:
        return FolderLook(path, (), _clash_sentence(path, clash))
    access = outside.files.access(folder)
    if not access.readable:
        return FolderLook(path, (), access.sentence or "Mydia cannot read this folder.")
    findings = [
        FolderFinding("yes", "Readable and writable")
        if access.writable
        else FolderFinding("warn", f"Readable, but not writable: {access.sentence}")
    ]
    free_bytes = None
    try:
        free_bytes = outside.files.space(folder).free_bytes
        findings.append(FolderFinding("yes", f"{units.size(free_bytes)} free"))
    except AdapterError as error:
        findings.append(FolderFinding("warn", error.cause))
    if state.empty and not may_be_empty:
        findings.append(FolderFinding("warn", "Empty"))
    if downloads and outside.files.exists(Path(downloads)):
        same = outside.files.same_filesystem(folder, Path(downloads))
        findings.append(
            FolderFinding("yes", "Same disk as downloads: hard links will be used")
            if same
            else FolderFinding("warn", "Different disk from downloads: files will be copied")
        )
    return FolderLook(path, tuple(findings), None, free_bytes)


def add_library_path(session: Session, caller: Caller, now: datetime, new: NewLibraryPath) -> LibraryPath:
    """Add a library folder. Check the disk first with `look_at_folder`; this function only checks the database.

    Raises:
        Invalid: The path or an option is invalid.
        Conflict: It overlaps another library folder.

    Emits:
        LibraryPathAdded.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    row = LibraryPath(created_at=now, managed=False)
    _fill(session, row, new)
    session.add(row)
    session.flush()
    events.emit(session, caller, events.LibraryPathAdded(row.id, row.path), at=now)
    return row


def change_library_path(
    session: Session, caller: Caller, now: datetime, library_path_id: str, new: NewLibraryPath
) -> LibraryPath:
    """Change a library folder's options, or its path after its files were moved outside Mydia.

    Raises:
        Forbidden: It is managed by the environment or the file.

    Emits:
        SettingsChanged.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    row = get_library_path(session, caller, library_path_id)
    refuse_managed(row.managed, row.name, row.managed_source)
    before = _told(row)
    _fill(session, row, new)
    after = _told(row)
    changed = {key: [before[key], after[key]] for key in before if before[key] != after[key]}
    if changed:
        events.emit(
            session,
            caller,
            events.SettingsChanged(f"library_path:{row.id}", changed, events.SettingsArea.LIBRARY_PATH, row.path),
            at=now,
        )
    return row


def remove_library_path(session: Session, caller: Caller, now: datetime, library_path_id: str) -> None:
    """Remove a folder from the library. Nothing on disk changes.

    Raises:
        Conflict: It still contains titles.
        Forbidden: It is managed by the environment or the file.

    Emits:
        SettingsChanged.
    """
    from sqlalchemy.exc import IntegrityError

    caller.require(Permission.MANAGE_SETTINGS)
    row = get_library_path(session, caller, library_path_id)
    refuse_managed(row.managed, row.name, row.managed_source)
    session.delete(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict(
            f"{row.name} still contains titles. Move them to another folder or remove them first."
        ) from error
    changed: dict[str, list[object]] = {"path": [row.path, None]}
    events.emit(
        session,
        caller,
        events.SettingsChanged(f"library_path:{row.id}", changed, events.SettingsArea.LIBRARY_PATH, row.path),
        at=now,
    )


def record_scan(session: Session, now: datetime, library_path_id: str, *, state: str, reason: str | None) -> None:
    """Record the result of the latest scan of a folder; called by the library context."""
    row = get_library_path(session, SYSTEM, library_path_id)
    row.last_scan_at, row.last_scan_state, row.last_scan_reason = now, state, reason


def refuse_managed(managed: bool, name: str, source: str | None) -> None:
    """Raise Forbidden if a row is managed by the environment or the file."""
    if managed:
        raise Forbidden(f"{name} comes from the {source or 'configuration'}. Change it there and restart.")


def _is_our_own(session: Session, path: str) -> bool:
    """Reject the data folder and its subfolders: databases and artwork are not a library."""
    url = session.get_bind().engine.url
    if url.get_backend_name() != "sqlite" or not url.database:
        return False
    home = Path(url.database).absolute().parent
    wanted = Path(path)
    return wanted == home or any(wanted.is_relative_to(home / part) for part in ("images", "backups", "logs"))


def _fill(session: Session, row: LibraryPath, new: NewLibraryPath) -> None:
    path = checked_path(new.path)
    if _is_our_own(session, path):
        sentence = f"{path} is Mydia's data folder. Choose a folder with your movies or shows."
        raise Invalid(sentence, fields={"path": sentence})
    others = [other for other in list_library_paths(session, SYSTEM) if other.id != row.id]
    if (clash := nested(path, others)) is not None:
        sentence = _clash_sentence(path, clash)
        raise Conflict(sentence, fields={"path": sentence})
    for field, given, allowed in (
        ("type", new.type, TYPES),
        ("import_mode", new.import_mode, IMPORT_MODES),
        ("provider", new.provider, PROVIDERS),
    ):
        if given not in allowed:
            sentence = f"Choose one of {', '.join(allowed)}."
            raise Invalid(sentence, fields={field: sentence})
    if new.scan_cron and not is_cron(new.scan_cron):
        sentence = "Enter five cron fields, such as 0 2 * * mon-fri."
        raise Invalid(sentence, fields={"scan_cron": sentence})
    if new.default_profile_id is not None:
        get(session, QualityProfile, new.default_profile_id, what="This quality profile")
    if new.naming_set_id is not None:
        get(session, NamingSet, new.naming_set_id, what="This naming set")
    for column, given_value in asdict(new).items():
        setattr(row, column, given_value)
    row.path = path
    row.name = " ".join((new.name or "").split())[:80] or Path(path).name
    row.language = new.language or None
    row.scan_cron = new.scan_cron or None


def _clash_sentence(path: str, clash: LibraryPath) -> str:
    if path == clash.path:
        return f"{path} is already a library folder: {clash.name}."
    if path.startswith(clash.path + "/"):
        return f"This folder is inside {clash.name} ({clash.path}). Library folders cannot contain each other."
    return f"{clash.name} ({clash.path}) is inside this folder. Library folders cannot contain each other."


def _told(row: LibraryPath) -> dict[str, object]:
    return {
        column: getattr(row, column)
        for column in (
            "path", "name", "type", "monitored", "scan_cron", "default_profile_id", "naming_set_id", "provider",
            "language", "import_mode",
        )
    }  # fmt: skip


def suits(path: LibraryPath, type: MediaType) -> bool:
    """Return whether a library folder takes titles of a type."""
    return path.type in ("mixed", "movies" if type == MediaType.MOVIE else "series")


def check_type(path: LibraryPath, type: MediaType | None) -> None:
    """Raise Invalid if a library folder does not take titles of a type. None: titles of both types."""
    if type is not None and not suits(path, type):
        raise Invalid(
            f"{path.path} is a folder for {path.type}. Choose another folder.",
            fields={"library_path_id": "This folder is for another type of title."},
        )
