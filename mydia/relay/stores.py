"""The second level of the cache, shared between processes: a SQLite file, or Redis.

A store never raises: what it cannot read counts as absent, what it cannot write is not kept, and `state` says why.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, cast

from mydia import clock
from mydia.config import redis_address
from mydia.db import SqliteFile
from mydia.errors import Unavailable
from mydia.relay.answers import Entry
from mydia.relay.config import RelayConfig
from mydia.relay.times import REAL_TIMES, Times

logger = logging.getLogger(__name__)

_SQUEEZE_FROM_BYTES = 1024


class Store(Protocol):
    """Answers that outlive the process, and leases that let one process ask an upstream at a time."""

    kind: str

    @property
    def state(self) -> str:
        """`ok`, or what is wrong."""

    def get(self, key: str) -> Entry | None:
        """Return the entry, fresh or not."""

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry."""

    def lease(self, key: str, owner: str, seconds: float) -> bool:
        """Take the right to ask the upstream for this key; False when another process has it."""

    def release(self, key: str, owner: str) -> None:
        """Give the right to ask back."""

    def leased(self, key: str) -> bool:
        """Return whether a process has the right to ask."""

    def count(self) -> int | None:
        """Return the number of entries; None when unknown."""

    def sweep(self) -> None:
        """Delete what is too old or too much."""

    def clear(self) -> None:
        """Delete all entries."""

    def close(self) -> None:
        """Close files and connections."""


_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
  key TEXT PRIMARY KEY, status INTEGER NOT NULL, content_type TEXT NOT NULL, etag TEXT NOT NULL, body BLOB NOT NULL,
  stored_at_s REAL NOT NULL, expires_at_s REAL NOT NULL, used_at_s REAL NOT NULL, size_bytes INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS answers_by_use ON answers (used_at_s);
CREATE INDEX IF NOT EXISTS answers_by_end ON answers (expires_at_s);
CREATE TABLE IF NOT EXISTS leases (key TEXT PRIMARY KEY, owner TEXT NOT NULL, until_s REAL NOT NULL) WITHOUT ROWID;
"""
_USE_IS_NOTED_EVERY_S = 86_400  # so that a read seldom writes
_MAX_LEASE_S = 300.0
_OVERHEAD_BYTES = 200  # of a row, beside key and body


class SqliteStore:
    """A cache in one SQLite file; a damaged file is replaced by an empty one."""

    kind = "sqlite"

    def __init__(self, path: Path, *, max_bytes: int, keep_stale_s: float, times: Times = REAL_TIMES) -> None:
        self._file = SqliteFile(
            path,
            [_SCHEMA],
            timeout_s=2.0,
            synchronous="off",
            cache_kib=8_000,
            parallel=True,
            keep_damaged=False,
        )
        self._max_bytes = max_bytes
        self._keep_stale_s = keep_stale_s
        self._times = times
        self._trouble: str | None = None
        self._errors = (self._file.error, zlib.error, OSError, Unavailable)
        self.sweep()

    @property
    def state(self) -> str:
        """`ok`, or what is wrong."""
        return self._trouble or "ok"

    def get(self, key: str) -> Entry | None:
        """Return the entry, fresh or not."""
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
            return Entry(
                status=status,
                body=_expanded(body),
                content_type=content_type,
                etag=etag,
                stored_at_s=stored_at_s,
                expires_at_s=expires_at_s,
            )
        return None

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry."""
        body = _squeezed(entry.body)
        with self._using() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (key, entry.status, entry.content_type, entry.etag, body, entry.stored_at_s, entry.expires_at_s,
                 self._times.now_s(), len(body) + len(key.encode()) + _OVERHEAD_BYTES),
            )  # fmt: skip

    def lease(self, key: str, owner: str, seconds: float) -> bool:
        """Take the right to ask; a store that does not work gives it to everybody."""
        now_s = self._times.now_s()
        with self._using() as connection:
            row = connection.execute(
                # A lease that ends later than any lease can was written before the clock was set back.
                "INSERT INTO leases VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET owner = excluded.owner,"
                " until_s = excluded.until_s WHERE until_s < ? OR until_s > ? RETURNING owner",
                (key, owner, now_s + seconds, now_s, now_s + _MAX_LEASE_S),
            ).fetchone()
            return row is not None
        return True

    def release(self, key: str, owner: str) -> None:
        """Give the right to ask back."""
        with self._using() as connection:
            connection.execute("DELETE FROM leases WHERE key = ? AND owner = ?", (key, owner))

    def leased(self, key: str) -> bool:
        """Return whether a process has the right to ask."""
        with self._using() as connection:
            now_s = self._times.now_s()
            sql = "SELECT 1 FROM leases WHERE key = ? AND until_s BETWEEN ? AND ?"
            return connection.execute(sql, (key, now_s, now_s + _MAX_LEASE_S)).fetchone() is not None
        return False

    def count(self) -> int | None:
        """Return the number of entries."""
        with self._using() as connection:
            return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])
        return None

    def sweep(self) -> None:
        """Delete what is too old to be used even while the upstream is down, then the least recently used."""
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
        """Delete all entries."""
        with self._using() as connection:
            connection.execute("DELETE FROM answers")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @contextmanager
    def _using(self) -> Iterator[Any]:
        """Lend a connection; an error is noted in `state` and swallowed, and the block ends without a value."""
        opened = False
        try:
            with self._file.using() as connection:
                opened = True
                yield connection
        except self._errors as error:
            if self._trouble is None:
                logger.warning("the cache file cannot be used", extra={"error": str(error)})
            self._trouble = str(error)
            if not opened:
                with suppress(_Down):
                    yield _Absent()
        else:
            self._trouble = None


# Only its owner may end a lease: it may have expired and belong to another process by now.
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class RedisStore:
    """A cache in Redis. While Redis is down every look-up is a miss; it is tried again every few seconds."""

    kind = "redis"
    _PREFIX = "mydia-relay:"
    _TIMEOUT_S = 0.5

    def __init__(self, url: str, *, keep_stale_s: float, times: Times = REAL_TIMES) -> None:
        import redis

        self._keep_stale_s = keep_stale_s
        self._times = times
        # A blocking pool, so that a burst of misses does not open a connection each.
        pool = redis.BlockingConnectionPool.from_url(
            redis_address(url), max_connections=24, timeout=1.0, socket_timeout=self._TIMEOUT_S, socket_connect_timeout=self._TIMEOUT_S,
            health_check_interval=15,
        )  # fmt: skip
        self._redis = redis.Redis(connection_pool=pool)
        self._errors: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        self._down_since_s = 0.0
        self._down_until_s = 0.0
        self._pause_s = 0.0
        self._trouble: str | None = None
        self.count()  # logs at the start if Redis cannot be used

    @property
    def state(self) -> str:
        """`ok`, or what is wrong."""
        return self._trouble or "ok"

    def get(self, key: str) -> Entry | None:
        """Return the entry, fresh or not."""
        with self._using() as redis:
            raw = redis.get(f"{self._PREFIX}a:{key}")
            return _unpacked(cast("bytes", raw)) if raw else None
        return None

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry for as long as it can be used."""
        life_s = entry.expires_at_s + self._keep_stale_s - self._times.now_s()
        if life_s > 0:
            with self._using() as redis:
                redis.set(f"{self._PREFIX}a:{key}", _packed(entry), px=int(life_s * 1000) + 1)

    def lease(self, key: str, owner: str, seconds: float) -> bool:
        """Take the right to ask; while Redis is down every process asks for itself."""
        with self._using() as redis:
            return bool(redis.set(f"{self._PREFIX}l:{key}", owner, nx=True, px=int(seconds * 1000)))
        return True

    def release(self, key: str, owner: str) -> None:
        """Give the right to ask back."""
        with self._using() as redis:
            redis.eval(_RELEASE, 1, f"{self._PREFIX}l:{key}", owner)

    def leased(self, key: str) -> bool:
        """Return whether a process has the right to ask."""
        with self._using() as redis:
            return bool(redis.exists(f"{self._PREFIX}l:{key}"))
        return False

    def count(self) -> int | None:
        """Return how many keys the Redis database holds, including those of other applications."""
        with self._using() as redis:
            return int(cast("int", redis.dbsize()))
        return None

    def sweep(self) -> None:
        """Do nothing: every key expires by itself."""

    def clear(self) -> None:
        """Delete our entries and nothing else."""
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
        if began_s < self._down_until_s:
            with suppress(_Down):
                yield _Absent()
            return
        try:
            yield self._redis
        except self._errors as error:
            if self._trouble is None:
                logger.warning(
                    "Redis cannot be used; answers are cached in memory only",
                    extra={"error": type(error).__name__, "reason": str(error)[:200]},
                )
            self._trouble = f"Redis is down ({type(error).__name__})"
            self._pause_s = min(10.0, self._pause_s * 2 or 0.5)
            self._down_since_s = clock.monotonic_s()
            self._down_until_s = self._down_since_s + self._pause_s
        else:
            # A call that began before Redis failed does not show that it works again.
            if self._trouble is not None and began_s > self._down_since_s:
                logger.info("Redis answers again")
                self._trouble, self._pause_s = None, 0.0


class _Down(Exception):
    """Redis is not asked at the moment."""


class _Absent:
    """Takes the store's place while it is not asked."""

    def __getattr__(self, name: str) -> Any:
        raise _Down


def make_store(config: RelayConfig, times: Times) -> Store | None:
    """Return the store that the configuration names; None keeps answers in memory only."""
    if config.redis_url:
        return RedisStore(config.redis_url.reveal(), keep_stale_s=config.stale_if_error_s, times=times)
    if config.cache_path is not None:
        return SqliteStore(
            config.cache_path, max_bytes=config.max_store_bytes, keep_stale_s=config.stale_if_error_s, times=times
        )
    return None


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
            status=int(status),
            body=_expanded(body),
            content_type=str(content_type),
            etag=str(etag),
            stored_at_s=float(stored_at_s),
            expires_at_s=float(expires_at_s),
        )
    except (ValueError, TypeError, zlib.error):
        return None
