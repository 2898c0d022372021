"""Small SQLite files next to the main database: the task board, crash reports, cached answers.

Their content can be rebuilt or fetched again, so a damaged file is replaced by an empty one instead of preventing Mydia
from starting.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from mydia import clock
from mydia.db.engine import disk_full, sqlite_module
from mydia.errors import Unavailable
from mydia.private import private

logger = logging.getLogger(__name__)

_MAX_IDLE = 16
_JOURNAL_LIMIT_BYTES = 8 * 1024**2
_STAMP = "%Y%m%dT%H%M%SZ"


class SqliteFile:
    """A handle on one file, safe to share between threads. Nothing is opened before the first use.

    Args:
        path: The file; it and its folder are created if missing. It must be on a local disk, because NFS has no reliable locks.
        steps: SQL scripts; the n-th brings a file from schema version n - 1 to n. Files made before versions were counted
            have version 0, so the first script must tolerate existing tables.
        timeout_s: How long a statement waits for another process's lock.
        synchronous: SQLite's setting. `normal` may lose the last commits when the power fails, never when a process is
            killed; `off` is for caches.
        parallel: Give each thread a connection of its own. Otherwise there is one connection, used by one thread at a time.
        keep_damaged: Rename a damaged file instead of deleting it.
    """

    def __init__(
        self,
        path: Path,
        steps: Sequence[str],
        *,
        timeout_s: float = 5.0,
        synchronous: str = "normal",
        cache_kib: int = 2_000,
        parallel: bool = False,
        keep_damaged: bool = True,
    ) -> None:
        self.path = path
        self.replaced = 0
        """How often this handle has found its file damaged or replaced, and opened a new one."""
        self._steps = tuple(steps)
        self._timeout_s = timeout_s
        self._pragmas = (
            f"busy_timeout={int(timeout_s * 1000)}",
            "journal_mode=wal",
            f"synchronous={synchronous}",
            "foreign_keys=on",
            "temp_store=memory",
            f"cache_size=-{cache_kib}",
            f"journal_size_limit={_JOURNAL_LIMIT_BYTES}",
        )
        self._keep_damaged = keep_damaged
        self._module: Any = sqlite_module()
        self.error: type[Exception] = self._module.Error
        """Base class of the driver's exceptions."""
        self._turn: Any = nullcontext() if parallel else threading.RLock()
        self._lock = threading.Lock()
        self._idle: list[Any] = []
        self._inode: int | None = None
        self._closed = False

    @contextmanager
    def using(self) -> Iterator[Any]:
        """Yield a connection on which each statement is its own transaction.

        Raises:
            Unavailable: The disk is full; or the file was damaged, has been replaced, and the next call works.
        """
        with self._turn:
            connection, opened_as = self._take(), self.replaced
            try:
                yield connection
            except self._module.Error as error:
                if _is_damage(error):
                    connection.close()
                    self._replace(error)
                    raise Unavailable(
                        f"{self.path.name} was damaged and has been replaced by an empty file. Try again."
                    ) from error
                self._give_back(connection, opened_as)
                if (full := disk_full(error, self.path)) is not None:
                    raise full from error
                raise
            except BaseException:
                self._give_back(connection, opened_as)
                raise
            self._give_back(connection, opened_as)

    @contextmanager
    def writes(self) -> Iterator[Any]:
        """Yield a connection inside a write transaction; commits at the end, rolls back on any exception.

        Raises:
            Unavailable: As in `using`.
        """
        with self.using() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                with suppress(self._module.Error):  # a full disk has rolled back already
                    connection.execute("ROLLBACK")
                raise
            connection.execute("END")

    def rows(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """Run one reading statement and return its rows.

        Raises:
            Unavailable: As in `using`.
        """
        with self.using() as connection:
            return connection.execute(sql, params).fetchall()  # type: ignore[no-any-return]

    def version(self) -> int:
        """Return a number that changes when another process commits; takes microseconds, for polling."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def close(self) -> None:
        """Close all connections, those in use as soon as they are returned. A later call opens new ones."""
        with self._turn, self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            self._inode = None
        for connection in idle:
            connection.close()

    def _take(self) -> Any:
        with self._lock:
            self._closed = False
            self._drop_exchanged()
            if self._idle:
                return self._idle.pop()
        try:
            return self._open()
        except self._module.DatabaseError as error:
            if (full := disk_full(error, self.path)) is not None:
                raise full from error
            if not _is_damage(error):
                raise
            self._replace(error)
            return self._open()

    def _give_back(self, connection: Any, opened_as: int) -> None:
        with self._lock:
            usable = not (self._closed or connection.in_transaction) and opened_as == self.replaced
            if usable and len(self._idle) < _MAX_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _drop_exchanged(self) -> None:
        """Close connections to a file that another process has replaced, or that was deleted."""
        if self._inode is None or _inode(self.path) == self._inode:
            return
        idle, self._idle = self._idle, []
        self._inode = None
        self.replaced += 1
        for connection in idle:
            connection.close()

    def _open(self) -> Any:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = self._module.connect(
            str(private(self.path)), timeout=self._timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in self._pragmas:
                connection.execute(f"PRAGMA {pragma}")
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        self._inode = _inode(self.path)
        return connection

    def _migrate(self, connection: Any) -> None:
        def version() -> int:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])

        if version() >= len(self._steps):
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have done the work, because processes start at the same time.
            for number in range(version(), len(self._steps)):
                for statement in filter(str.strip, self._steps[number].split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number + 1}")
            connection.execute("COMMIT")
        except BaseException:
            with suppress(self._module.Error):
                connection.execute("ROLLBACK")
            raise

    def _replace(self, error: Exception) -> None:
        """Move a damaged file away, unless another process has done so."""
        with self._lock, _exclusive(self.path.with_name(f".{self.path.name}.replacing")):
            idle, self._idle = self._idle, []
            for connection in idle:
                connection.close()
            known, self._inode = self._inode, None
            self.replaced += 1
            if known is not None and _inode(self.path) != known:
                return
            if known is None and self._is_sound():
                return
            aside = self.path.with_name(f"{self.path.name}.damaged-{clock.now().strftime(_STAMP)}")
            if self._keep_damaged:
                self.path.rename(aside)
            else:
                self.path.unlink(missing_ok=True)
            for ending in ("-wal", "-shm"):
                Path(f"{self.path}{ending}").unlink(missing_ok=True)
        logger.warning(
            "damaged file replaced by an empty one",
            extra={
                "file": str(self.path),
                "kept_as": aside.name if self._keep_damaged else None,
                "error": str(error),
            },
        )

    def _is_sound(self) -> bool:
        """Return whether another process has already replaced the file that could not be opened."""
        try:
            self._open().close()
        except self._module.DatabaseError as error:
            return not _is_damage(error)
        return True


def _is_damage(error: Exception) -> bool:
    text = str(error)
    return "not a database" in text or "malformed" in text


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
