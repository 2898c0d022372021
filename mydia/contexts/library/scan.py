"""Looking through a library folder: what is new, changed, moved or gone, and when not to believe it.

A scan is idempotent and keeps no state of its own besides its progress row, so one that was killed simply starts again:
what it had stored is known by then. Files that are as they were cost no write. Nothing is ever deleted here, and a mount
that is missing or suddenly empty changes nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ColumnElement, func, insert, or_, select, update
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import Files, FoundFile, MountState, WalkProblem, confine, shown
from mydia.adapters.outside import Outside
from mydia.config import Config
from mydia.contexts import settings
from mydia.contexts.library.filekinds import SIDECARS, VIDEOS, FileKind, classify, may_enter
from mydia.contexts.library.holdings import refresh_holdings
from mydia.contexts.library.models import JournalEntry, MediaFile, Scan, Sidecar
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, get
from mydia.errors import Invalid
from mydia.events import FilesFound, FilesMissing, ScanFinished, ScanRequested, emit
from mydia.parsing import parse_release

logger = logging.getLogger(__name__)

_ROWS_PER_WRITE = 1000
_PROBLEMS_KEPT = 200
_PROGRESS_EVERY_S = 0.5
_MASS_LOSS_FROM = 2  # one file gone is somebody tidying up, whatever share of a small library it is


class Run(Protocol):
    """What a long piece of work tells about itself and asks; `jobs.broker.RunHandle` is one."""

    def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """Tell how far it is."""

    def cancelled(self) -> bool:
        """Tell whether to stop early."""


class Unwatched:
    """A run nobody watches."""

    def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """Ignore it."""

    def cancelled(self) -> bool:
        """Say no."""
        return False


class _Known(NamedTuple):
    id: str
    path: str
    size_bytes: int
    mtime_ns: int
    inode: int
    device: int
    oshash: str | None
    missing_since: datetime | None
    kind: str


class _KnownSidecar(NamedTuple):
    id: str
    path: str
    size_bytes: int
    mtime_ns: int


@dataclass(slots=True)
class _Walked:
    """What a walk met, compared with what was known."""

    seen: set[str] = field(default_factory=set)
    new: list[tuple[FoundFile, FileKind]] = field(default_factory=list)
    changed: list[tuple[_Known, FoundFile]] = field(default_factory=list)
    touched: list[tuple[_Known, FoundFile]] = field(default_factory=list)
    """Same content, other inode or device: after a restore, or when disks are numbered anew."""
    returned: list[_Known] = field(default_factory=list)
    sidecars_seen: set[str] = field(default_factory=set)
    sidecars_new: list[tuple[FoundFile, FileKind]] = field(default_factory=list)
    sidecars_changed: list[tuple[_KnownSidecar, FoundFile]] = field(default_factory=list)
    problems: list[WalkProblem] = field(default_factory=list)
    cancelled: bool = False
    stored: int = 0
    """Rows already written during the walk, on a first scan."""


def request_scan(
    session: Session,
    caller: Caller,
    library_path_id: str | None,
    *,
    subfolder: str | None = None,
    accept_missing: bool = False,
) -> None:
    """Ask for a library folder to be looked through now; None means all of them.

    Args:
        accept_missing: A person has seen that files are gone and says that this is right.

    Emits: ScanRequested.
    """
    caller.require(Permission.MANAGE_MEDIA)
    if library_path_id is not None:
        settings.get_library_path(session, library_path_id)
    if subfolder is not None and (subfolder.startswith("/") or ".." in subfolder.split("/")):
        raise Invalid("A subfolder is told relative to its library folder.")
    emit(session, caller, ScanRequested(library_path_id, subfolder, accept_missing))


def run_scan(
    database: Database,
    outside: Outside,
    config: Config,
    now_fn: Callable[[], datetime],
    library_path_id: str,
    run: Run | None = None,
    *,
    subfolder: str | None = None,
    accept_missing: bool = False,
    caller: Caller = SYSTEM,
) -> str:
    """Look through a library folder and return the id of the scan's row, in phase `matching` when there is more to do.

    Args:
        subfolder: Only this folder, for file-system events.
        accept_missing: Mark files as missing however many there are; a missing or unreadable root still refuses.

    Emits: FilesFound, FilesMissing; ScanFinished when it was refused, failed or cancelled.
    """
    run = run or Unwatched()
    started_s = clock.monotonic_s()
    with database.writes() as session:
        path = settings.get_library_path(session, library_path_id)
        scan_id = _begin(session, now_fn(), path)
    root = Path(path.path)
    start = root
    reason: str | None = None
    state = outside.files.mount_state(root)
    with database.reads() as session:
        total = session.scalar(
            select(func.count()).select_from(MediaFile).where(
                MediaFile.library_path_id == library_path_id, MediaFile.missing_since.is_(None)
            )
        ) or 0  # fmt: skip
        limit_percent = int(str(settings.value(session, config, "library.missing_share_limit_percent")))
    reason = _why_not_to_look(path, state, total)
    if reason is None and subfolder:
        start = confine(root, subfolder)
    if reason is not None:
        return _refuse(database, caller, now_fn(), scan_id, reason)
    with database.reads() as session:
        known = _known(session, library_path_id, subfolder)
        sidecars = _known_sidecars(session, library_path_id, subfolder)
    progress = _Progress(database, scan_id, run, len(known) or None)
    store = _Store(database, outside.files, now_fn, library_path_id)
    try:
        walked = _walk(outside.files, start, subfolder, known, sidecars, progress, store if not total else None)
    except AdapterError as error:
        if subfolder and not outside.files.exists(start):
            walked = _Walked()
        else:
            return _refuse(database, caller, now_fn(), scan_id, f"{error} Nothing was changed.")
    if walked.cancelled:
        _end(database, caller, now_fn(), scan_id, "cancelled", None, {"seen": len(walked.seen)})
        return scan_id
    gone = _gone(known.values(), walked)
    moved, walked.new = _moves(outside.files, database, root, library_path_id, gone, walked.new)
    missing = [one for one in gone if one.id not in moved and one.missing_since is None]
    missing = [one for one in missing if not _is_there(outside.files, root, one.path)]
    if missing and not accept_missing:
        refusal = _why_not_to_believe(outside.files, path, state, known.values(), walked, missing, total, limit_percent)
        if refusal is not None:
            return _refuse(database, caller, now_fn(), scan_id, refusal, _sentences(walked.problems))
    counts = _store_all(store, caller, walked, moved, missing, sidecars)
    counts |= {
        "seen": len(walked.seen),
        "unreadable": len(walked.problems),
        "ms": round((clock.monotonic_s() - started_s) * 1000),
    }
    _walked_through(database, caller, now_fn(), scan_id, library_path_id, walked, counts)
    return scan_id


# --- reading what is known -------------------------------------------------------------------------------------------


def _known(session: Session, library_path_id: str, subfolder: str | None) -> dict[str, _Known]:
    query = select(
        MediaFile.id,
        MediaFile.relative_path,
        MediaFile.size_bytes,
        MediaFile.mtime_ns,
        MediaFile.inode,
        MediaFile.device,
        MediaFile.oshash,
        MediaFile.missing_since,
        MediaFile.kind,
    ).where(MediaFile.library_path_id == library_path_id)
    if subfolder:
        query = query.where(MediaFile.relative_path.startswith(f"{subfolder}/", autoescape=True))
    rows = session.execute(query.execution_options(yield_per=5000))
    return {row[1]: _Known(*row) for row in rows}


def _known_sidecars(session: Session, library_path_id: str, subfolder: str | None) -> dict[str, _KnownSidecar]:
    query = select(Sidecar.id, Sidecar.relative_path, Sidecar.size_bytes, Sidecar.mtime_ns).where(
        Sidecar.library_path_id == library_path_id
    )
    if subfolder:
        query = query.where(Sidecar.relative_path.startswith(f"{subfolder}/", autoescape=True))
    rows = session.execute(query.execution_options(yield_per=5000))
    return {row[1]: _KnownSidecar(*row) for row in rows}


# --- when not to believe it ------------------------------------------------------------------------------------------


def _why_not_to_look(path: LibraryPath, state: MountState, total: int) -> str | None:
    if not state.exists:
        return (
            f"{path.path} is not there. Mount the disk or correct the path under Settings, Libraries, then scan again. "
            "Nothing was changed."
        )
    if not state.is_folder:
        return f"{path.path} is not a folder. Correct the path under Settings, Libraries. Nothing was changed."
    if state.empty is None:
        return f"{path.path} cannot be read. Give Mydia's user access to it, then scan again. Nothing was changed."
    if state.empty and total:
        return (
            f"{path.path} is empty, but {total} files are known there. Is the disk mounted? Nothing was changed. "
            "If the files really are gone, remove their titles or this library folder."
        )
    return None


def _why_not_to_believe(
    files: Files,
    path: LibraryPath,
    state: MountState,
    known: Iterable[_Known],
    walked: _Walked,
    missing: list[_Known],
    total: int,
    limit_percent: int,
) -> str | None:
    present = [one for one in known if one.missing_since is None]
    devices = Counter(one.device for one in present)
    parent = files.facts(Path(path.path).parent)
    # An unmounted disk shows the folder below it, which lies on the parent's device. Disks may be numbered anew at a
    # restart, so this counts only when most of what was known is not there.
    unmounted = (
        not state.is_mount
        and state.device is not None
        and state.device not in devices
        and parent is not None
        and parent.device == state.device
        and len(missing) * 2 > len(present)
    )
    if unmounted:
        return (
            f"{path.path} lies on another disk than at the last scan, and {len(missing)} of {total} files are not there. "
            "The disk is probably not mounted. Mount it and scan again. Nothing was changed."
        )
    # Files that were looked for in vain, in a folder that could be read: only these count.
    if len(missing) >= _MASS_LOSS_FROM and len(missing) * 100 > limit_percent * max(total, 1):
        share = round(len(missing) * 100 / max(total, 1))
        return (
            f"{len(missing)} of {total} files ({share} %) are gone from {path.path}, more than the {limit_percent} % that "
            "are believed without asking. Check the disk. If they really are gone, scan again and confirm it. "
            "Nothing was changed."
        )
    return None


def _is_there(files: Files, root: Path, relative: str) -> bool:
    """Look once more before calling a file missing: a rename may have happened behind the walk's back."""
    try:
        return files.exists(confine(root, relative))
    except Invalid:
        return False
    except AdapterError:
        return True


# --- walking ---------------------------------------------------------------------------------------------------------


def _walk(
    files: Files,
    start: Path,
    subfolder: str | None,
    known: dict[str, _Known],
    sidecars: dict[str, _KnownSidecar],
    progress: _Progress,
    store: _Store | None,
) -> _Walked:
    """Compare the tree with what is known; on a first scan new files are stored on the way, so that they show at once."""
    walked = _Walked()
    prefix = f"{subfolder}/" if subfolder else ""
    stopped: list[str] = []
    folder = ""
    buffer: list[tuple[FoundFile, FileKind]] = []

    def report(problem: WalkProblem) -> None:
        walked.problems.append(WalkProblem(prefix + problem.path, problem.sentence))

    def flush() -> None:
        if buffer and not any(folder == stop or folder.startswith(f"{stop}/") or not stop for stop in stopped):
            for found, kind in buffer:
                _compare(walked, found, kind, known, sidecars)
        buffer.clear()

    for raw in files.walk(start, on_problem=report, enter=lambda path: may_enter(prefix + path)):
        found = raw._replace(path=prefix + raw.path) if prefix else raw
        here = found.path.rpartition("/")[0]
        if here != folder:
            flush()
            folder = here
            progress.look(len(walked.seen), folder)
            if progress.cancelled():
                walked.cancelled = True
                return walked
            if store is not None and len(walked.new) >= _ROWS_PER_WRITE:
                walked.stored += store.insert_new(walked.new)
                walked.new.clear()
        kind = classify(found.path, found.size_bytes)
        if kind is FileKind.STOP:
            stopped.append(folder)
        elif kind is not None:
            buffer.append((found, kind))
    flush()
    return walked


def _compare(
    walked: _Walked,
    found: FoundFile,
    kind: FileKind,
    known: dict[str, _Known],
    sidecars: dict[str, _KnownSidecar],
) -> None:
    path = found.path
    if kind in VIDEOS:
        walked.seen.add(path)
        old = known.get(path)
        if old is None:
            walked.new.append((found, kind))
            return
        if old.missing_since is not None:
            walked.returned.append(old)
        if old.size_bytes != found.size_bytes or old.mtime_ns != found.mtime_ns:
            walked.changed.append((old, found))
        elif old.inode != found.inode or old.device != found.device:
            walked.touched.append((old, found))
    elif kind in SIDECARS:
        walked.sidecars_seen.add(path)
        beside = sidecars.get(path)
        if beside is None:
            walked.sidecars_new.append((found, kind))
        elif beside.size_bytes != found.size_bytes or beside.mtime_ns != found.mtime_ns:
            walked.sidecars_changed.append((beside, found))


def _gone(known: Iterable[_Known], walked: _Walked) -> list[_Known]:
    """Return what was known and not met, but for what lies where nobody could look."""
    return [one for one in known if one.path not in walked.seen and not _hidden(one.path, walked.problems)]


def _hidden(path: str, problems: list[WalkProblem]) -> bool:
    return any(not one.path or path == one.path or path.startswith(f"{one.path}/") for one in problems)


def _moves(
    files: Files,
    database: Database,
    root: Path,
    library_path_id: str,
    gone: list[_Known],
    new: list[tuple[FoundFile, FileKind]],
) -> tuple[dict[str, FoundFile], list[tuple[FoundFile, FileKind]]]:
    """Tell which new files are old ones under another name: the same inode, or the same size and hash."""
    if not new:
        return {}, new
    by_inode = {(one.device, one.inode): one for one in gone}
    by_size: dict[int, list[_Known]] = {}
    for one in gone:
        by_size.setdefault(one.size_bytes, []).append(one)
    for one in _elsewhere(database, library_path_id, new, gone):
        if not _is_there(files, root, one.path):
            by_inode.setdefault((one.device, one.inode), one)
    moved: dict[str, FoundFile] = {}
    rest: list[tuple[FoundFile, FileKind]] = []
    for found, kind in new:
        old = by_inode.get((found.device, found.inode))
        # The size and time too: a file system gives the inode of a deleted file to the next one.
        if old is not None and (
            (old.size_bytes, old.mtime_ns) != (found.size_bytes, found.mtime_ns) or old.id in moved
        ):
            old = None
        if old is None:
            old = _by_hash(
                files, root, found, [one for one in by_size.get(found.size_bytes, ()) if one.id not in moved]
            )
        if old is None:
            rest.append((found, kind))
        else:
            moved[old.id] = found
    return moved, rest


def _elsewhere(
    database: Database, library_path_id: str, new: list[tuple[FoundFile, FileKind]], gone: list[_Known]
) -> Iterator[_Known]:
    """Find rows outside the folder that was scanned: a file moved into it, whose old place was not looked at."""
    if len(new) > _ROWS_PER_WRITE:
        return
    here = {one.id for one in gone}
    with database.reads() as session:
        for part in batched(new, 300, strict=False):
            rows = session.execute(
                select(
                    MediaFile.id, MediaFile.relative_path, MediaFile.size_bytes, MediaFile.mtime_ns, MediaFile.inode,
                    MediaFile.device, MediaFile.oshash, MediaFile.missing_since, MediaFile.kind,
                ).where(
                    MediaFile.library_path_id == library_path_id,
                    MediaFile.inode.in_([found.inode for found, _ in part]),
                )
            )  # fmt: skip
            yield from (one for row in rows if (one := _Known(*row)).id not in here)


def _by_hash(files: Files, root: Path, found: FoundFile, candidates: list[_Known]) -> _Known | None:
    hashed = [one for one in candidates if one.oshash]
    if not hashed:
        return None
    try:
        oshash = files.oshash(confine(root, found.path))
    except (AdapterError, Invalid):
        return None
    return next((one for one in hashed if one.oshash == oshash), None)


# --- writing ---------------------------------------------------------------------------------------------------------


class _Progress:
    """Writes how far a scan is, a few times a second at most."""

    def __init__(self, database: Database, scan_id: str, run: Run, total: int | None) -> None:
        self._database = database
        self._scan_id = scan_id
        self._run = run
        self._total = total
        self._at = clock.monotonic_s()

    def look(self, done: int, current: str) -> None:
        """Tell the folder that is being looked at."""
        now = clock.monotonic_s()
        if now - self._at < _PROGRESS_EVERY_S:
            return
        self._at = now
        total = None if self._total is None else max(self._total, done)
        self._run.progress(done, total, shown(current))
        tell(self._database, self._scan_id, done, total, current)

    def cancelled(self) -> bool:
        """Ask whether to stop."""
        return self._run.cancelled()


def tell(
    database: Database, scan_id: str, done: int, total: int | None, current: str | None, *, phase: str | None = None
) -> None:
    """Write a scan's progress."""
    values: dict[str, Any] = {"progress_done": done, "progress_total": total, "current": current}
    if phase is not None:
        values["phase"] = phase
    with database.writes() as session:
        session.execute(update(Scan).where(Scan.id == scan_id, Scan.state == "running").values(**values))


class _Store:
    """Short writes of many rows."""

    def __init__(self, database: Database, files: Files, now_fn: Callable[[], datetime], library_path_id: str) -> None:
        self.database = database
        self.files = files
        self.now_fn = now_fn
        self.library_path_id = library_path_id

    def insert_new(self, new: list[tuple[FoundFile, FileKind]]) -> int:
        """Store new files but for those that an import is just placing; it brings its own row."""
        stored = 0
        for part in batched(new, _ROWS_PER_WRITE, strict=False):
            rows = [self._row(found, kind) for found, kind in part]
            with self.database.writes() as session:
                taken = _taken(session, self.library_path_id, [row["relative_path"] for row in rows])
                rows = [row for row in rows if row["relative_path"] not in taken]
                if rows:
                    session.execute(insert(MediaFile), rows)
                stored += len(rows)
        return stored

    def _row(self, found: FoundFile, kind: FileKind) -> dict[str, Any]:
        now = self.now_fn()
        return {
            "library_path_id": self.library_path_id,
            "relative_path": found.path,
            "size_bytes": found.size_bytes,
            "mtime_ns": found.mtime_ns,
            "inode": found.inode,
            "device": found.device,
            "kind": str(kind),
            "match_state": "new" if kind is FileKind.VIDEO else "ignored",
            "added_at": now,
            "verified_at": now,
        }


def _taken(session: Session, library_path_id: str, paths: list[str]) -> set[str]:
    """Return which paths have a row, or are targets of steps that are under way."""
    found: set[str] = set()
    for part in batched(paths, 500, strict=False):
        found |= set(
            session.scalars(
                select(MediaFile.relative_path).where(
                    MediaFile.library_path_id == library_path_id, MediaFile.relative_path.in_(part)
                )
            )
        )
    path = settings.get_library_path(session, library_path_id)
    open_targets = session.scalars(select(JournalEntry.target).where(JournalEntry.state == "planned"))
    prefix = f"{path.path}/"
    return found | {target[len(prefix) :] for target in open_targets if target and target.startswith(prefix)}


def _store_all(
    store: _Store,
    caller: Caller,
    walked: _Walked,
    moved: dict[str, FoundFile],
    missing: list[_Known],
    sidecars: dict[str, _KnownSidecar],
) -> dict[str, int]:
    new = walked.stored + store.insert_new(walked.new)
    now = store.now_fn()
    affected: set[str] = set()
    changes: list[dict[str, Any]] = []
    for old, found in walked.changed:
        # Another content: what analysis found out no longer holds.
        changes.append(
            _facts(old.id, found, now)
            | {"oshash": None, "analysed_at": None, "analysis_error": None, "missing_since": None}
        )
        affected.add(old.id)
    returned = [one.id for one in walked.returned]
    affected |= set(returned) | set(moved) | {one.id for one in missing}
    for part in batched(changes, _ROWS_PER_WRITE, strict=False):
        with store.database.writes() as session:
            session.execute(update(MediaFile), list(part))
    for part in batched([_facts(old.id, found, now) for old, found in walked.touched], _ROWS_PER_WRITE, strict=False):
        with store.database.writes() as session:
            session.execute(update(MediaFile), list(part))
    moves = [
        _facts(id_, found, now) | {"relative_path": found.path, "missing_since": None} for id_, found in moved.items()
    ]
    marked = 0
    with store.database.writes() as session:
        taken = _taken(session, store.library_path_id, [move["relative_path"] for move in moves])
        for move in moves:
            if move["relative_path"] not in taken:
                session.execute(update(MediaFile), [move])
        for ids in batched(returned, 500, strict=False):
            session.execute(update(MediaFile).where(MediaFile.id.in_(ids)).values(missing_since=None, verified_at=now))
        busy = set(session.scalars(select(JournalEntry.file_id).where(JournalEntry.state == "planned")))
        for one in missing:
            if one.id in busy:
                continue
            # Only if the row still is where the walk looked for it: it may have been renamed meanwhile.
            result = session.execute(
                update(MediaFile)
                .where(MediaFile.id == one.id, MediaFile.relative_path == one.path, MediaFile.missing_since.is_(None))
                .values(missing_since=now)
            )
            marked += getattr(result, "rowcount", 0)
        if marked:
            examples = [shown(one.path) for one in missing[:5]]
            emit(session, caller, FilesMissing(store.library_path_id, marked, examples), at=now)
        items: set[str] = set()
        for ids in batched(affected, 500, strict=False):
            linked = select(MediaFile.media_item_id).where(MediaFile.id.in_(ids))
            items |= {item_id for item_id in session.scalars(linked) if item_id is not None}
        for item_id in items:
            refresh_holdings(session, now, item_id)
    _store_sidecars(store, walked, sidecars)
    return {
        "new": new,
        "changed": len(walked.changed),
        "moved": len(moved),
        "missing": marked,
        "returned": len(returned),
    }


def _facts(file_id: str, found: FoundFile, now: datetime) -> dict[str, Any]:
    return {
        "id": file_id,
        "size_bytes": found.size_bytes,
        "mtime_ns": found.mtime_ns,
        "inode": found.inode,
        "device": found.device,
        "verified_at": now,
    }


def _store_sidecars(store: _Store, walked: _Walked, known: dict[str, _KnownSidecar]) -> None:
    gone = [
        one.id
        for one in known.values()
        if one.path not in walked.sidecars_seen and not _hidden(one.path, walked.problems)
    ]
    for ids in batched(gone, 500, strict=False):
        with store.database.writes() as session:
            for row in session.scalars(select(Sidecar).where(Sidecar.id.in_(ids))):
                session.delete(row)
    if walked.sidecars_changed:
        with store.database.writes() as session:
            session.execute(
                update(Sidecar),
                [
                    {"id": old.id, "size_bytes": found.size_bytes, "mtime_ns": found.mtime_ns}
                    for old, found in walked.sidecars_changed
                ],
            )
    for part in batched(walked.sidecars_new, _ROWS_PER_WRITE, strict=False):
        with store.database.reads() as session:
            videos = _videos_in(session, store.library_path_id, {_video_folder(found.path) for found, _ in part})
        rows = [_sidecar_row(store.library_path_id, found, kind, videos) for found, kind in part]
        with store.database.writes() as session:
            paths = [row["relative_path"] for row in rows]
            there: set[str] = set()
            for some in batched(paths, 500, strict=False):
                there |= set(
                    session.scalars(
                        select(Sidecar.relative_path).where(
                            Sidecar.library_path_id == store.library_path_id, Sidecar.relative_path.in_(some)
                        )
                    )
                )
            if rows := [row for row in rows if row["relative_path"] not in there]:
                session.execute(insert(Sidecar), rows)


_SUBTITLE_FOLDERS = frozenset({"subs", "subtitles", "sub", "subtitle", "untertitel"})


def _video_folder(path: str) -> str:
    folder = path.rpartition("/")[0]
    head, _, last = folder.rpartition("/")
    return head if last.lower() in _SUBTITLE_FOLDERS else folder


def _videos_in(session: Session, library_path_id: str, folders: set[str]) -> dict[str, list[tuple[str, str]]]:
    """Return folder -> [(stem, file id)] of the videos in some folders."""
    found: dict[str, list[tuple[str, str]]] = {}
    for part in batched(sorted(folders), 200, strict=False):
        # A prefix is a range for the index; LIKE with an escape is not.
        ranges: list[ColumnElement[bool]] = [
            MediaFile.relative_path.between(f"{folder}/", f"{folder}0") for folder in part if folder
        ]  # `0` is the character after `/`
        if "" in part:
            ranges.append(~MediaFile.relative_path.contains("/"))
        rows = session.execute(
            select(MediaFile.id, MediaFile.relative_path).where(
                MediaFile.library_path_id == library_path_id, MediaFile.kind == "video", or_(*ranges)
            )
        )
        for file_id, path in rows:
            folder, _, name = path.rpartition("/")
            if folder in folders:
                found.setdefault(folder, []).append((name.rpartition(".")[0], file_id))
    return found


def _sidecar_row(
    library_path_id: str, found: FoundFile, kind: FileKind, videos: dict[str, list[tuple[str, str]]]
) -> dict[str, Any]:
    name = found.path.rpartition("/")[2]
    stem = name.rpartition(".")[0]
    beside = videos.get(_video_folder(found.path), [])
    owner = max((one for one in beside if stem.startswith(one[0])), key=lambda one: len(one[0]), default=None)
    if owner is None and kind is FileKind.SUBTITLE and len(beside) == 1:
        owner = beside[0]
    language, flags = (None, []) if kind is not FileKind.SUBTITLE else subtitle_ending(name)
    return {
        "library_path_id": library_path_id,
        "file_id": owner[1] if owner else None,
        "relative_path": found.path,
        "kind": str(kind),
        "language": language,
        "flags": flags,
        "size_bytes": found.size_bytes,
        "mtime_ns": found.mtime_ns,
        "ours": False,
    }


def subtitle_ending(name: str) -> tuple[str | None, list[str]]:
    """Return a subtitle file's language and flags, as its name tells them."""
    read = parse_release(name, "subtitle")
    return (None, []) if read is None else (read.subtitle_language, list(read.subtitle_tags))


# --- the scan's own row ----------------------------------------------------------------------------------------------


def _begin(session: Session, now: datetime, path: LibraryPath) -> str:
    """Continue the row of a scan that was killed, or begin a new one."""
    scan = session.scalars(
        select(Scan).where(Scan.library_path_id == path.id, Scan.state == "running").order_by(Scan.started_at.desc())
    ).first()
    if scan is None:
        scan = Scan(library_path_id=path.id, started_at=now, counts={}, problems=[])
        session.add(scan)
    scan.phase, scan.progress_done, scan.progress_total, scan.current = "walking", 0, None, None
    session.flush()
    return scan.id


def _walked_through(
    database: Database,
    caller: Caller,
    now: datetime,
    scan_id: str,
    library_path_id: str,
    walked: _Walked,
    counts: dict[str, int],
) -> None:
    with database.writes() as session:
        scan = get(session, Scan, scan_id, what="This scan")
        scan.counts = {**scan.counts, **counts}
        scan.problems = _sentences(walked.problems)
        scan.phase, scan.current = "matching", None
        scan.progress_done, scan.progress_total = 0, None
        if counts["new"]:
            emit(session, caller, FilesFound(library_path_id, scan_id, counts["new"]), at=now)


def _sentences(problems: list[WalkProblem]) -> list[Any]:
    return [f"{shown(one.path) or 'The folder'}: {one.sentence}" for one in problems[:_PROBLEMS_KEPT]]


def _refuse(
    database: Database, caller: Caller, now: datetime, scan_id: str, reason: str, problems: list[Any] | None = None
) -> str:
    logger.warning("scan refused", extra={"scan_id": scan_id, "reason": reason})
    _end(database, caller, now, scan_id, "refused", reason, {}, problems)
    return scan_id


def finish_scan(
    database: Database,
    caller: Caller,
    now: datetime,
    scan_id: str,
    counts: dict[str, int],
    *,
    reason: str | None = None,
) -> None:
    """Close a scan whose files are matched and analysed, with what came of it. Emits: ScanFinished."""
    _end(database, caller, now, scan_id, "done", reason, counts)


def fail_scan(database: Database, caller: Caller, now: datetime, scan_id: str, reason: str) -> None:
    """Close a scan that broke off. Emits: ScanFinished."""
    _end(database, caller, now, scan_id, "failed", reason, {})


def cancel_scan(database: Database, caller: Caller, now: datetime, scan_id: str, counts: dict[str, int]) -> None:
    """Close a scan that somebody stopped; what it stored stays. Emits: ScanFinished."""
    _end(database, caller, now, scan_id, "cancelled", None, counts)


def _end(
    database: Database,
    caller: Caller,
    now: datetime,
    scan_id: str,
    state: str,
    reason: str | None,
    counts: dict[str, int],
    problems: list[Any] | None = None,
) -> None:
    with database.writes() as session:
        scan = get(session, Scan, scan_id, what="This scan")
        if scan.state != "running":
            return
        scan.state, scan.phase, scan.reason, scan.finished_at = state, "finished", reason, now
        scan.counts = {**scan.counts, **counts}
        scan.current = None
        if problems is not None:
            scan.problems = problems
        path = session.get(LibraryPath, scan.library_path_id)
        if path is not None:
            settings.record_scan(session, now, path.id, state=state, reason=reason)
        emit(session, caller, ScanFinished(scan_id, scan.library_path_id, state, reason, dict(scan.counts)), at=now)


# --- asking about scans ------------------------------------------------------------------------------------------------


def get_scan(session: Session, scan_id: str) -> Scan:
    """Return a scan with its progress. Raises NotFound."""
    return get(session, Scan, scan_id, what="This scan")


def latest_scans(session: Session) -> dict[str, Scan]:
    """Return the newest scan of each library folder, by the folder's id."""
    newest = select(Scan.library_path_id, func.max(Scan.id).label("id")).group_by(Scan.library_path_id).subquery()
    return {scan.library_path_id: scan for scan in session.scalars(select(Scan).join(newest, newest.c.id == Scan.id))}


def list_scans(session: Session, library_path_id: str | None = None, *, limit: int = 50) -> list[Scan]:
    """Return scans, newest first."""
    query = select(Scan).order_by(Scan.id.desc()).limit(limit)
    if library_path_id is not None:
        query = query.where(Scan.library_path_id == library_path_id)
    return list(session.scalars(query))


def prune_scans(session: Session, *, keep: int = 20) -> int:
    """Forget old scans; the newest of each folder stay. Returns how many went."""
    ranked = select(
        Scan.id, func.row_number().over(partition_by=Scan.library_path_id, order_by=Scan.id.desc()).label("place")
    ).subquery()
    old = session.scalars(select(Scan).join(ranked, ranked.c.id == Scan.id).where(ranked.c.place > keep)).all()
    for scan in old:
        session.delete(scan)
    return len(old)
