"""Decide whether to trust the result of a scan: is the disk mounted, and are not too many files missing?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import Files, MountState, confine
from mydia.contexts.library.mounts import Expected
from mydia.contexts.library.reasons import ScanReason
from mydia.contexts.library.scanning.known import Known
from mydia.contexts.settings import LibraryPath
from mydia.errors import Invalid

_MANY_FROM = 2  # a single missing file was probably deleted manually, even if it is a large share of a small library


class Refusal(msgspec.Struct, frozen=True):
    """Why a scan's result is rejected."""

    code: ScanReason
    facts: dict[str, Any] = msgspec.field(default_factory=dict)


def why_not_to_look(path: LibraryPath, state: MountState, total: int) -> Refusal | None:
    """Return why a library folder cannot be scanned, or None."""
    facts = {"path": path.path, "known": total}
    if not state.exists:
        return Refusal(ScanReason.MISSING, facts)
    if not state.is_folder:
        return Refusal(ScanReason.NOT_A_FOLDER, facts)
    if state.empty is None:
        return Refusal(ScanReason.UNREADABLE, facts)
    return Refusal(ScanReason.EMPTY, facts) if state.empty and total else None


def why_not_to_believe(
    files: Files,
    path: LibraryPath,
    state: MountState,
    wanted: Expected,
    known: Iterable[Known],
    missing: list[Known],
    total: int,
    limit_percent: int,
) -> Refusal | None:
    """Return why the missing files of a scan are rejected, or None."""
    facts: dict[str, Any] = {"path": path.path, "missing": len(missing), "known": total}
    present = [one for one in known if one.missing_since is None]
    if wanted.was_mount and not state.is_mount and len(missing) * 2 > len(present):
        return Refusal(ScanReason.OTHER_DISK, facts)
    devices = Counter(one.device for one in present)
    parent = files.facts(Path(path.path).parent)
    # The mount point of an unmounted disk is on the parent's device. Disks can get new device numbers at a restart, so
    # this only counts if most of the known files are missing.
    unmounted = (
        not state.is_mount
        and state.device is not None
        and state.device not in devices
        and parent is not None
        and parent.device == state.device
        and len(missing) * 2 > len(present)
    )
    if unmounted:
        return Refusal(ScanReason.OTHER_DISK, facts)
    # Only files in readable folders count as missing.
    if len(missing) >= _MANY_FROM and len(missing) * 100 > limit_percent * max(total, 1):
        share = round(len(missing) * 100 / max(total, 1))
        return Refusal(ScanReason.MANY_MISSING, facts | {"share": share, "limit": limit_percent})
    return None


def is_there(files: Files, root: Path, relative: str) -> bool:
    """Check a file again before it counts as missing, because it may have been renamed during the walk."""
    try:
        return files.exists(confine(root, relative))
    except Invalid:
        return False
    except AdapterError:
        return True
