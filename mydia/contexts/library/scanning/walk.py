"""Walk a library folder and compare it with the known files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mydia.adapters.filesystem import Files, FoundFile, WalkProblem
from mydia.contexts.library.filekinds import SIDECARS, VIDEOS, FileKind, Judged, judge_files, may_enter
from mydia.contexts.library.scanning.known import ROWS_PER_WRITE, Known, KnownSidecar
from mydia.contexts.library.scanning.new_files import Store
from mydia.contexts.library.scanning.progress import Progress


@dataclass(slots=True, kw_only=True)
class Walked:
    """The result of a walk compared with the known files."""

    seen: set[str] = field(default_factory=set)
    new: list[tuple[FoundFile, Judged]] = field(default_factory=list)
    changed: list[tuple[Known, FoundFile]] = field(default_factory=list)
    touched: list[tuple[Known, FoundFile]] = field(default_factory=list)
    """Same content with another inode or device: after a restore, or when disks got new device numbers."""
    returned: list[Known] = field(default_factory=list)
    rejudged: list[Known] = field(default_factory=list)
    """Videos that an earlier scan classified as extras or samples."""
    sidecars_seen: set[str] = field(default_factory=set)
    sidecars_new: list[tuple[FoundFile, FileKind]] = field(default_factory=list)
    sidecars_changed: list[tuple[KnownSidecar, FoundFile]] = field(default_factory=list)
    problems: list[WalkProblem] = field(default_factory=list)
    cancelled: bool = False
    stored: int = 0
    """Number of rows written during the walk of a first scan."""


def walk_folder(
    files: Files,
    start: Path,
    subfolder: str | None,
    known: dict[str, Known],
    sidecars: dict[str, KnownSidecar],
    progress: Progress,
    store: Store | None,
) -> Walked:
    """Compare the tree with the known files. A first scan stores new files during the walk, so that they appear early."""
    walked = Walked()
    prefix = f"{subfolder}/" if subfolder else ""
    stopped: list[str] = []
    folder = ""
    buffer: list[FoundFile] = []

    def report(problem: WalkProblem) -> None:
        walked.problems.append(WalkProblem(prefix + problem.path, problem.sentence))

    def flush() -> None:
        judged = judge_files((found.path, found.size_bytes) for found in buffer)
        if any(one.kind is FileKind.STOP for one in judged.values()):
            stopped.append(folder)
        if judged and not any(folder == stop or folder.startswith(f"{stop}/") or not stop for stop in stopped):
            for found in buffer:
                if (one := judged.get(found.path)) is not None:
                    _compare(walked, found, one, known, sidecars)
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
            if store is not None and len(walked.new) >= ROWS_PER_WRITE:
                walked.stored += store.insert_new(walked.new)
                walked.new.clear()
        buffer.append(found)
    flush()
    return walked


def _compare(
    walked: Walked,
    found: FoundFile,
    judged: Judged,
    known: dict[str, Known],
    sidecars: dict[str, KnownSidecar],
) -> None:
    path, kind = found.path, judged.kind
    if kind in VIDEOS:
        walked.seen.add(path)
        old = known.get(path)
        if old is None:
            walked.new.append((found, judged))
            return
        if old.missing_since is not None:
            walked.returned.append(old)
        if kind is FileKind.VIDEO and old.kind != FileKind.VIDEO:
            walked.rejudged.append(old)
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


def gone_files(known: Iterable[Known], walked: Walked) -> list[Known]:
    """Return the known files that the walk did not find, except those in unreadable folders."""
    return [one for one in known if one.path not in walked.seen and not is_hidden(one.path, walked.problems)]


def is_hidden(path: str, problems: list[WalkProblem]) -> bool:
    """Return whether a path is in an unreadable folder."""
    return any(not one.path or path == one.path or path.startswith(f"{one.path}/") for one in problems)
