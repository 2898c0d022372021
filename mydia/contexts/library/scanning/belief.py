"""Decide when a scan's result must not be trusted: a disk that is not mounted, or too many missing files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import Files, MountState, confine
from mydia.contexts.library.scanning.known import Known
from mydia.contexts.library.scanning.walk import Walked
from mydia.contexts.settings import LibraryPath
from mydia.errors import Invalid

_MASS_LOSS_FROM = 2  # one file gone is somebody tidying up, whatever share of a small library it is


def why_not_to_look(path: LibraryPath, state: MountState, total: int) -> str | None:
    """Return why a library folder cannot be scanned, or None."""
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


def why_not_to_believe(
    files: Files,
    path: LibraryPath,
    state: MountState,
    known: Iterable[Known],
    walked: Walked,
    missing: list[Known],
    total: int,
    limit_percent: int,
) -> str | None:
    """Return why the missing files of a scan must not be believed, or None."""
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


def is_there(files: Files, root: Path, relative: str) -> bool:
    """Look once more before calling a file missing: a rename may have happened behind the walk's back."""
    try:
        return files.exists(confine(root, relative))
    except Invalid:
        return False
    except AdapterError:
        return True
