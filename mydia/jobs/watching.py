"""Detect new files by file-system events: a folder is scanned once changes in it have settled.

Events only speed this up. The scheduled scan finds what they miss (network shares send none, and the kernel limits the
number of watches).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from pathlib import Path

from mydia import clock
from mydia.adapters.filesystem import to_text
from mydia.config import Config
from mydia.contexts import library, settings
from mydia.contexts.users import SYSTEM
from mydia.db import Database

logger = logging.getLogger(__name__)

_QUIET_S = 5.0  # a file that is being copied keeps changing, and the scan waits until it stops
_TICK_MS = 1000
_LOOK_EVERY_S = 30.0
_ALL_FROM = 20  # with this many changed folders, one scan of everything is cheaper


def watch(database: Database, config: Config, stop: threading.Event) -> None:
    """Watch the library folders until `stop` is set; runs in a thread of the worker."""
    while not stop.is_set():
        folders = _folders(database, config)
        if not folders:
            stop.wait(_LOOK_EVERY_S)
            continue
        try:
            _watch(database, config, stop, folders)
        except (OSError, RuntimeError) as error:
            # There are too many folders for the kernel's limit, or a folder has disappeared. The scheduled scan still runs.
            logger.warning("library folders cannot be watched", extra={"reason": str(error)})
            stop.wait(_LOOK_EVERY_S * 10)


def _folders(database: Database, config: Config) -> dict[str, str]:
    """Return path -> library path id of the folders to watch."""
    with database.reads() as session:
        if not settings.of(session).library.watch:
            return {}
        paths = [path for path in settings.library_paths.list_library_paths(session, SYSTEM) if path.monitored]
    return {path.path: path.id for path in paths if Path(path.path).is_dir()}


def _watch(database: Database, config: Config, stop: threading.Event, folders: dict[str, str]) -> None:
    import watchfiles

    pending: dict[tuple[str, str | None], float] = {}
    looked_at = clock.monotonic_s()
    for changes in watchfiles.watch(
        *folders,
        watch_filter=None,
        stop_event=stop,
        rust_timeout=_TICK_MS,
        yield_on_timeout=True,
        raise_interrupt=False,
        ignore_permission_denied=True,
    ):
        now = clock.monotonic_s()
        for key in changed_folders((path for _, path in changes), folders):
            pending[key] = now
        ripe = [key for key, at in pending.items() if now - at >= _QUIET_S]
        if ripe:
            _ask(database, ripe)
            for key in ripe:
                del pending[key]
        if now - looked_at >= _LOOK_EVERY_S and not pending:
            looked_at = now
            if _folders(database, config) != folders:
                return


def changed_folders(paths: Iterable[str], folders: dict[str, str]) -> set[tuple[str, str | None]]:
    """Return (library path id, subfolder or None for all) of the changes, without those that a scan would ignore.

    Args:
        paths: Absolute paths of files and folders, which may no longer exist.
        folders: Library folder -> its id.
    """
    found: set[tuple[str, str | None]] = set()
    for path in paths:
        root = next((root for root in folders if path.startswith(f"{root}/")), None)
        if root is None:
            continue
        relative = to_text(path[len(root) + 1 :])
        parts = relative.split("/")
        if any(part.startswith(".") for part in parts) or not all(
            library.filekinds.may_enter("/".join(parts[: place + 1])) for place in range(len(parts) - 1)
        ):
            continue
        is_file = library.filekinds.classify(relative, 0) is not None
        if not is_file and "." in parts[-1][-6:] and not Path(path).is_dir():
            continue
        folder = "/".join(parts[:-1]) if is_file else relative
        found.add((folders[root], folder or None))
    return found


def _ask(database: Database, ripe: list[tuple[str, str | None]]) -> None:
    by_path: dict[str, set[str | None]] = {}
    for path_id, folder in ripe:
        by_path.setdefault(path_id, set()).add(folder)
    with database.writes() as session:
        known = {path.id for path in settings.library_paths.list_library_paths(session, SYSTEM)}
        for path_id, wanted in by_path.items():
            if path_id not in known:
                continue
            whole = None in wanted or len(wanted) >= _ALL_FROM
            for folder in [None] if whole else _outermost(wanted):
                library.scanning.request_scan(session, SYSTEM, path_id, subfolder=folder)


def _outermost(folders: set[str | None]) -> list[str | None]:
    """Return the folders that are not inside another one."""
    names = sorted(folder for folder in folders if folder is not None)
    return [name for name in names if not any(name.startswith(f"{other}/") for other in names)]
