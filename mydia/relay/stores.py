"""The second level of the cache, shared between processes: a SQLite file, or Redis.

A store never fails its caller: what it cannot read is not there, what it cannot write is not kept, and `state` tells why.
"""

from __future__ import annotations

import json
import logging
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, cast

from mydia import clock
from mydia.db import sqlite_module
from mydia.private import private
from mydia.relay.answers import Entry
from mydia.relay.times import REAL_TIMES, Times

logger = logging.getLogger(__name__)

_SQUEEZE_FROM_BYTES = 1024


class Store(Protocol):
    """Answers that outlive the process, and the right to be the one who asks."""

    kind: str

    @property
    def state(self) -> str:
        """`ok`, or what is wrong."""

    def get(self, key: str) -> Entry | None:
        """Return what is kept, fresh or not."""

    def put(self, key: str, entry: Entry) -> None:
        """Keep an answer."""

    def lease(self, key: str, owner: str, seconds: float) -> bool:
        """Take the right to ask the upstream for this key; False when another process has it."""

    def release(self, key: str, owner: str) -> None:
        """Give that right back."""

    def leased(self, key: str) -> bool:
        """Tell whether anybody has that right."""

    def count(self) -> int | None:
        """Return how many answers are kept; None when not known."""

    def sweep(self) -> None:
        """Throw away what is too old or too much."""

    def clear(self) -> None:
        """Forget everything."""

    def close(self) -> None:
        """Let go of files and connections."""


_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
  key TEXT PRIMARY KEY, status INTEGER NOT NULL, content_type TEXT NOT NULL, etag TEXT NOT NULL, body BLOB NOT NULL,
  stored_at_s REAL NOT NULL, expires_at_s REAL NOT NULL, used_at_s REAL NOT NULL, size_bytes INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS answers_by_use ON answers (used_at_s);
CREATE INDEX IF NOT EXISTS answers_by_end ON answers (expires_at_s);
CREATE TABLE IF NOT EXISTS leases (key TEXT PRIMARY KEY, owner TEXT NOT NULL, until_s REAL NOT NULL) WITHOUT ROWID;
"""
_USE_IS_NOTED_EVERY_S = 86_400  # so that reading does not write


class SqliteStore:
    """A cache in one file; a damaged file is replaced by an empty one."""

    kind = "sqlite"

    def __init__(self, path: Path, *, max_bytes: int, keep_stale_s: float, times: Times = REAL_TIMES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep_stale_s = keep_stale_s
        self._times = times
        self._module: Any = sqlite_module()
        self._idle: list[Any] = []
        self._lock = threading.Lock()
        self._trouble: str | None = None
        self._closed = False
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._make()
        except self._module.DatabaseError as error:
            logger.warning("the cache file is damaged and is made anew", extra={"error": str(error)})
            self._replace()
        self.sweep()

    @property
    def state(self) -> str:
        """`ok`, or what is wrong."""
        return self._trouble or "ok"

    def get(self, key: str) -> Entry | None:
        """Return what is kept, fresh or not."""
        now_s = self._times.now_s()
        with self._using() as connection:
            row = connection.execute(
                "SELECT status, content_type, etag, body, stored_at_s, expires_at_s, used_at_s FROM answers WHERE key = ?",
                (key,),
            ).fetchone()
            if row is None:
                return None
            status, content_type, etag, body, stored_at_s, expires_at_s, used_at_s = row
            if now_s - used_at_s > _USE_IS_NOTED_EVERY_S:
                connection.execute("UPDATE answers SET used_at_s = ? WHERE key = ?", (now_s, key))
            return Entry(status, _expanded(body), content_type, etag, stored_at_s, expires_at_s)
        return None

    def put(self, key: str, entry: Entry) -> None:
        """Keep an answer."""
        body = _squeezed(entry.body)
        with self._using() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (key, entry.status, entry.content_type, entry.etag, body, entry.stored_at_s, entry.expires_at_s,
                 self._times.now_s(), len(body)),
            )  # fmt: skip

    def lease(self, key: str, owner: str, seconds: float) -> bool:
        """Take the right to ask; a store in trouble lets everybody."""
        now_s = self._times.now_s()
        with self._using() as connection:
            row = connection.execute(
                "INSERT INTO leases VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET owner = excluded.owner,"
                " until_s = excluded.until_s WHERE until_s < ? RETURNING owner",
                (key, owner, now_s + seconds, now_s),
            ).fetchone()
            return row is not None
        return True

    def release(self, key: str, owner: str) -> None:
        """Give that right back."""
        with self._using() as connection:
            connection.execute("DELETE FROM leases WHERE key = ? AND owner = ?", (key, owner))

    def leased(self, key: str) -> bool:
        """Tell whether anybody has that right."""
        with self._using() as connection:
            sql = "SELECT 1 FROM leases WHERE key = ? AND until_s >= ?"
            return connection.execute(sql, (key, self._times.now_s())).fetchone() is not None
        return False

    def count(self) -> int | None:
        """Return how many answers are kept."""
        with self._using() as connection:
            return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])
        return None

    def sweep(self) -> None:
        """Throw away what is too old even for a day without upstream, then what was used longest ago."""
        now_s = self._times.now_s()
        with self._using() as connection:
            connection.execute("DELETE FROM answers WHERE expires_at_s < ?", (now_s - self._keep_stale_s,))
            connection.execute("DELETE FROM leases WHERE until_s < ?", (now_s,))
            connection.execute(
                "DELETE FROM answers WHERE key IN (SELECT key FROM (SELECT key, sum(size_bytes) OVER"
                " (ORDER BY used_at_s DESC, key) AS running FROM answers) WHERE running > ?)",
                (self._max_bytes,),
            )

    def clear(self) -> None:
        """Forget everything."""
        with self._using() as connection:
            connection.execute("DELETE FROM answers")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _make(self) -> None:
        connection = self._connect()
        try:
            connection.executescript(_SCHEMA)
            connection.execute("SELECT key, size_bytes, used_at_s FROM answers LIMIT 1").fetchone()
        except self._module.DatabaseError:
            connection.close()
            raise
        self._idle.append(connection)

    def _connect(self) -> Any:
        # Without isolation level each statement is its own transaction: a cache needs no more.
        connection = self._module.connect(
            private(self._path), timeout=2.0, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode=wal")
        connection.execute("PRAGMA synchronous=off")
        connection.execute("PRAGMA cache_size=-8000")
        return connection

    def _replace(self) -> None:
        for ending in ("", "-wal", "-shm"):
            Path(f"{self._path}{ending}").unlink(missing_ok=True)
        with suppress(self._module.Error):
            self._make()

    @contextmanager
    def _using(self) -> Iterator[Any]:
        """Lend a connection; an error inside is noted and swallowed, and the block ends without a value."""
        connection = self._borrowed()
        if connection is None:
            with suppress(_Away):
                yield _Absent()
            return
        try:
            yield connection
        except (self._module.Error, zlib.error) as error:
            self._note(error)
            connection.close()
        else:
            self._trouble = None
            with self._lock:
                if not self._closed and len(self._idle) < 16:
                    self._idle.append(connection)
                    return
            connection.close()

    def _borrowed(self) -> Any | None:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        try:
            return self._connect()
        except self._module.Error as error:
            self._note(error)
            return None

    def _note(self, error: Exception) -> None:
        if self._trouble is None:
            logger.warning("the cache file cannot be used", extra={"error": str(error)})
        self._trouble = str(error)


# Only its owner may end a lease: it may have run out and be somebody else's by now.
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class RedisStore:
    """A cache in Redis. While Redis is away everything is a miss here; it is tried again every few seconds."""

    kind = "redis"
    _PREFIX = "mydia-relay:"
    _TIMEOUT_S = 0.5

    def __init__(self, url: str, *, keep_stale_s: float, times: Times = REAL_TIMES) -> None:
        import redis

        self._keep_stale_s = keep_stale_s
        self._times = times
        # A pool that blocks: a burst of misses must not open a connection each.
        pool = redis.BlockingConnectionPool.from_url(
            url, max_connections=24, timeout=1.0, socket_timeout=self._TIMEOUT_S, socket_connect_timeout=self._TIMEOUT_S,
            health_check_interval=15,
        )  # fmt: skip
        self._redis = redis.Redis(connection_pool=pool)
        self._errors: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        self._away_since_s = 0.0
        self._away_until_s = 0.0
        self._pause_s = 0.0
        self._trouble: str | None = None

    @property
    def state(self) -> str:
        """`ok`, or what is wrong."""
        return self._trouble or "ok"

    def get(self, key: str) -> Entry | None:
        """Return what is kept, fresh or not."""
        with self._using() as redis:
            raw = redis.get(f"{self._PREFIX}a:{key}")
            return _unpacked(cast("bytes", raw)) if raw else None
        return None

    def put(self, key: str, entry: Entry) -> None:
        """Keep an answer for as long as it may be of use."""
        life_s = entry.expires_at_s + self._keep_stale_s - self._times.now_s()
        if life_s > 0:
            with self._using() as redis:
                redis.set(f"{self._PREFIX}a:{key}", _packed(entry), px=int(life_s * 1000) + 1)

    def lease(self, key: str, owner: str, seconds: float) -> bool:
        """Take the right to ask; while Redis is away every process asks for itself."""
        with self._using() as redis:
            return bool(redis.set(f"{self._PREFIX}l:{key}", owner, nx=True, px=int(seconds * 1000)))
        return True

    def release(self, key: str, owner: str) -> None:
        """Give that right back."""
        with self._using() as redis:
            redis.eval(_RELEASE, 1, f"{self._PREFIX}l:{key}", owner)

    def leased(self, key: str) -> bool:
        """Tell whether anybody has that right."""
        with self._using() as redis:
            return bool(redis.exists(f"{self._PREFIX}l:{key}"))
        return False

    def count(self) -> int | None:
        """Return how many keys the database holds; ours, where it is not shared."""
        with self._using() as redis:
            return int(cast("int", redis.dbsize()))
        return None

    def sweep(self) -> None:
        """Redis forgets by itself: every key has an end."""

    def clear(self) -> None:
        """Forget our answers, and only ours."""
        with self._using() as redis:
            for key in redis.scan_iter(f"{self._PREFIX}a:*", count=500):
                redis.unlink(key)

    def close(self) -> None:
        """Close the connections."""
        with suppress(*self._errors):
            self._redis.close()
            self._redis.connection_pool.disconnect()

    @contextmanager
    def _using(self) -> Iterator[Any]:
        began_s = clock.monotonic_s()
        if began_s < self._away_until_s:
            with suppress(_Away):
                yield _Absent()
            return
        try:
            yield self._redis
        except self._errors as error:
            if self._trouble is None:
                logger.warning(
                    "Redis is away; answers are kept in memory until it is back", extra={"error": type(error).__name__}
                )
            self._trouble = f"away ({type(error).__name__})"
            self._pause_s = min(10.0, self._pause_s * 2 or 0.5)
            self._away_since_s = clock.monotonic_s()
            self._away_until_s = self._away_since_s + self._pause_s
        else:
            # What began before Redis went away says nothing about now.
            if self._trouble is not None and began_s > self._away_since_s:
                logger.info("Redis is back")
                self._trouble, self._pause_s = None, 0.0


class _Away(Exception):
    """Redis is not asked at the moment."""


class _Absent:
    """Stands where the store would be."""

    def __getattr__(self, name: str) -> Any:
        raise _Away


def _squeezed(body: bytes) -> bytes:
    return b"z" + zlib.compress(body, 1) if len(body) >= _SQUEEZE_FROM_BYTES else b"-" + body


def _expanded(body: bytes) -> bytes:
    return zlib.decompress(body[1:]) if body[:1] == b"z" else body[1:]


def _packed(entry: Entry) -> bytes:
    head = [entry.status, entry.content_type, entry.etag, entry.stored_at_s, entry.expires_at_s]
    return json.dumps(head).encode() + b"\n" + _squeezed(entry.body)


def _unpacked(raw: bytes) -> Entry | None:
    try:
        head, _, body = raw.partition(b"\n")
        status, content_type, etag, stored_at_s, expires_at_s = json.loads(head)
        return Entry(
            int(status), _expanded(body), str(content_type), str(etag), float(stored_at_s), float(expires_at_s)
        )
    except (ValueError, TypeError, zlib.error):
        return None
