"""Crash reports: taken in, grouped and kept by a relay; redacted, deduplicated and sent by an installation that opted in."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mydia import __version__, clock
from mydia.adapters.errors import AdapterError
from mydia.adapters.http import Http
from mydia.db import sqlite_module
from mydia.errors import NotFound
from mydia.private import private
from mydia.relay.times import REAL_TIMES, Times

logger = logging.getLogger(__name__)

MAX_REPORT_BYTES = 256 * 1024
_MAX_FRAMES = 200
_MAX_TEXT = 8192
_MAX_OCCURRENCES = 200
"""Kept of one group: the newest; the count goes on."""
RETENTION_S = 90 * 86_400
_REQUIRED = ("error_type", "error_message", "stacktrace")
_SOURCES = frozenset({"server", "player"})


class ReportRefused(Exception):
    """A report that does not keep to the contract; carries what is wrong with it."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class CrashReport:
    """One report, as it is kept."""

    kind: str
    message: str
    frames: tuple[Mapping[str, Any], ...]
    """`file`, `line`, `function` and perhaps `module`; the place of the crash first."""
    version: str | None = None
    environment: str | None = None
    occurred_at: str | None = None
    source: str = "server"
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, str, str]:
        """(file, line, function) of the first frame, or of the metadata where there are no frames."""
        frame = self.frames[0] if self.frames else self.metadata
        function = _said(frame.get("function"))
        module = _said(frame.get("module"))
        # Functions of the same name in two modules are two places.
        if module and not function.startswith(f"{module}."):
            function = f"{module}.{function}" if function else module
        return _said(frame.get("file")), _said(frame.get("line")), function

    @property
    def fingerprint(self) -> str:
        """What makes two reports the same crash: kind and first frame."""
        return hashlib.sha256("\x00".join((self.kind, *self.place)).encode()).hexdigest()

    @classmethod
    def read(cls, body: Any) -> CrashReport:
        """Read a report's JSON; raises ReportRefused with one sentence for each fault."""
        if not isinstance(body, dict):
            raise ReportRefused([f"Missing required field: {name}" for name in _REQUIRED])
        wrong = [
            f"Missing required field: {name}" for name in _REQUIRED if body.get(name) is None or body.get(name) == ""
        ]
        stack = body.get("stacktrace")
        if stack is not None and not isinstance(stack, list):
            wrong.append("stacktrace must be a list")
        wrong += [
            f"{n} must be a string" for n in _REQUIRED[:2] if body.get(n) is not None and not isinstance(body[n], str)
        ]
        if wrong:
            raise ReportRefused(wrong)
        frames = (
            tuple(frame for frame in stack[:_MAX_FRAMES] if isinstance(frame, dict)) if isinstance(stack, list) else ()
        )
        metadata = body.get("metadata")
        source = body.get("source")
        return cls(
            kind=str(body["error_type"])[:200],
            message=str(body["error_message"])[:_MAX_TEXT],
            frames=frames,
            version=_said(body.get("version"))[:100] or None,
            environment=_said(body.get("environment"))[:100] or None,
            occurred_at=_said(body.get("occurred_at"))[:40] or None,
            source=source if isinstance(source, str) and source in _SOURCES else "server",
            metadata=metadata if isinstance(metadata, dict) else {},
        )

    @classmethod
    def of(cls, error: BaseException, **metadata: object) -> CrashReport:
        """Describe an exception of our own."""
        frames = tuple(
            {"file": frame.filename, "line": frame.lineno, "function": frame.name}
            for frame in reversed(traceback.extract_tb(error.__traceback__))
        )
        return cls(
            kind=f"{type(error).__module__}.{type(error).__qualname__}",
            message=str(error)[:_MAX_TEXT] or type(error).__name__,
            frames=frames,
            version=__version__,
            occurred_at=clock.now().isoformat(),
            metadata=metadata,
        )

    def body(self) -> dict[str, Any]:
        """Return the JSON that a relay takes."""
        return {
            "error_type": self.kind,
            "error_message": self.message,
            "stacktrace": [dict(frame) for frame in self.frames],
            "version": self.version,
            "environment": self.environment,
            "occurred_at": self.occurred_at,
            "source": self.source,
            "metadata": dict(self.metadata),
        }


@dataclass(frozen=True, slots=True)
class CrashGroup:
    """All reports of one crash."""

    id: int
    kind: str
    message: str
    """Of the newest report."""
    file: str
    line: str
    function: str
    status: str
    """`open` or `resolved`; a resolved one that comes again is open again."""
    muted: bool
    count: int
    first_at: datetime
    last_at: datetime
    trend: tuple[int, ...] = ()
    """Reports a day over the last fourteen days, today last."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One report of a group."""

    id: int
    at: datetime
    message: str
    frames: tuple[Mapping[str, Any], ...]
    version: str | None
    environment: str | None
    source: str
    metadata: Mapping[str, Any]


_SCHEMA = """
CREATE TABLE IF NOT EXISTS relay_errors (
  id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, message TEXT NOT NULL,
  file TEXT NOT NULL, line TEXT NOT NULL, function TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'resolved')), muted INTEGER NOT NULL DEFAULT 0,
  count INTEGER NOT NULL DEFAULT 0, first_at_s REAL NOT NULL, last_at_s REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS relay_errors_by_last ON relay_errors (status, last_at_s DESC);
CREATE TABLE IF NOT EXISTS relay_error_occurrences (
  id INTEGER PRIMARY KEY, error_id INTEGER NOT NULL REFERENCES relay_errors (id) ON DELETE CASCADE, at_s REAL NOT NULL,
  message TEXT NOT NULL, frames TEXT NOT NULL, version TEXT, environment TEXT, source TEXT NOT NULL, metadata TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS relay_error_occurrences_by_error ON relay_error_occurrences (error_id, at_s DESC);
CREATE INDEX IF NOT EXISTS relay_error_occurrences_by_time ON relay_error_occurrences (at_s);
CREATE TABLE IF NOT EXISTS outgoing_crashes (
  fingerprint TEXT PRIMARY KEY, body TEXT NOT NULL, queued_at_s REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS sent_crashes (fingerprint TEXT PRIMARY KEY, sent_at_s REAL NOT NULL) WITHOUT ROWID;
"""


class _File:
    """One small SQLite file with one connection; statements are serialised."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        module: Any = sqlite_module()
        self.error: type[Exception] = module.Error
        self._connection: Any = module.connect(
            private(path), timeout=5.0, isolation_level=None, check_same_thread=False
        )
        self._lock = threading.Lock()
        with self._lock:
            for pragma in ("journal_mode=wal", "synchronous=normal", "foreign_keys=on"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.executescript(_SCHEMA)

    @contextmanager
    def using(self) -> Iterator[Any]:
        """Lend the connection."""
        with self._lock:
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """Lend the connection inside a transaction of its own; this file is not the product's database."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("END")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


class Crashes:
    """The reports that a relay has taken in."""

    def __init__(self, path: Path, *, times: Times = REAL_TIMES, retention_s: float = RETENTION_S) -> None:
        self._file = _File(path)
        self._times = times
        self._retention_s = retention_s
        self._swept_at_s = 0.0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def record(self, report: CrashReport) -> int:
        """Keep a report and return the id of its group."""
        now_s = self._times.now_s()
        file, line, function = report.place
        with self._file.writing() as connection:
            (group,) = connection.execute(
                "INSERT INTO relay_errors (fingerprint, kind, message, file, line, function, count, first_at_s, last_at_s)"
                " VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?) ON CONFLICT (fingerprint) DO UPDATE SET count = count + 1,"
                " message = excluded.message, last_at_s = excluded.last_at_s, status = 'open' RETURNING id",
                (report.fingerprint, report.kind, report.message, file, line, function, now_s, now_s),
            ).fetchone()
            connection.execute(
                "INSERT INTO relay_error_occurrences (error_id, at_s, message, frames, version, environment, source, metadata)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (group, now_s, report.message, _json([dict(f) for f in report.frames]), report.version, report.environment,
                 report.source, _json({**report.metadata, **({"occurred_at": report.occurred_at} if report.occurred_at else {})})),
            )  # fmt: skip
            connection.execute(
                "DELETE FROM relay_error_occurrences WHERE error_id = ? AND id NOT IN"
                " (SELECT id FROM relay_error_occurrences WHERE error_id = ? ORDER BY id DESC LIMIT ?)",
                (group, group, _MAX_OCCURRENCES),
            )
        if now_s - self._swept_at_s > 3600:
            self._swept_at_s = now_s
            self.sweep()
        return int(group)

    def record_own(self, error: BaseException) -> None:
        """Keep an exception of the relay itself; a report that cannot be kept must not break what is going on."""
        try:
            self.record(redact(CrashReport.of(error, component="relay")))
        except self._file.error:
            logger.warning("the relay's own error could not be recorded")

    def groups(
        self, *, status: str | None = "open", text: str = "", muted: bool = False, page: int = 1, size: int = 50
    ) -> tuple[list[CrashGroup], int]:
        """List groups, the newest first, and how many there are.

        Args:
            status: `open`, `resolved` or None for both.
            text: Words searched in kind, message and place.
            muted: Whether the muted ones are shown, or the others.
        """
        where, values = ["muted = ?"], [int(muted)]
        bound: list[Any] = list(values)
        if status:
            where.append("status = ?")
            bound.append(status)
        for word in text.split()[:8]:
            where.append("(kind || ' ' || message || ' ' || file || ' ' || function) LIKE ? ESCAPE '\\'")
            bound.append("%" + re.sub(r"([%_\\])", r"\\\1", word) + "%")
        condition = " AND ".join(where)
        with self._file.using() as connection:
            (total,) = connection.execute(f"SELECT count(*) FROM relay_errors WHERE {condition}", bound).fetchone()  # noqa: S608  # only constants
            rows = connection.execute(
                f"SELECT {_GROUP} FROM relay_errors WHERE {condition} ORDER BY last_at_s DESC, id DESC LIMIT ? OFFSET ?",  # noqa: S608
                (*bound, size, (page - 1) * size),
            ).fetchall()
            trends = self._trends(connection, [row[0] for row in rows])
        return [_group(row, trends.get(row[0], ())) for row in rows], int(total)

    def group(self, id: int) -> CrashGroup:
        """Return one group. Raises: NotFound."""
        with self._file.using() as connection:
            row = connection.execute(f"SELECT {_GROUP} FROM relay_errors WHERE id = ?", (id,)).fetchone()  # noqa: S608
            trends = self._trends(connection, [id])
        if row is None:
            raise NotFound("This error is not here (any more).")
        return _group(row, trends.get(id, ()))

    def occurrences(self, id: int, *, limit: int = 20) -> list[Occurrence]:
        """List a group's reports, the newest first."""
        with self._file.using() as connection:
            rows = connection.execute(
                "SELECT id, at_s, message, frames, version, environment, source, metadata FROM relay_error_occurrences"
                " WHERE error_id = ? ORDER BY id DESC LIMIT ?",
                (id, limit),
            ).fetchall()
        return [
            Occurrence(
                row[0], _instant(row[1]), row[2], tuple(json.loads(row[3])), row[4], row[5], row[6], json.loads(row[7])
            )
            for row in rows
        ]

    def resolve(self, id: int, *, resolved: bool) -> None:
        """Mark a group as done, or as open again. Raises: NotFound."""
        self._set(id, "status", "resolved" if resolved else "open")

    def mute(self, id: int, *, muted: bool) -> None:
        """Hide a group from the list, or show it again. Raises: NotFound."""
        self._set(id, "muted", int(muted))

    def sweep(self) -> None:
        """Throw away reports past their time, and groups that have none left."""
        before_s = self._times.now_s() - self._retention_s
        with self._file.writing() as connection:
            connection.execute("DELETE FROM relay_error_occurrences WHERE at_s < ?", (before_s,))
            connection.execute("DELETE FROM relay_errors WHERE last_at_s < ?", (before_s,))

    def _set(self, id: int, column: str, value: object) -> None:
        with self._file.using() as connection:
            changed = connection.execute(f"UPDATE relay_errors SET {column} = ? WHERE id = ?", (value, id)).rowcount  # noqa: S608
        if not changed:
            raise NotFound("This error is not here (any more).")

    def _trends(self, connection: Any, ids: list[int]) -> dict[int, tuple[int, ...]]:
        today = int(self._times.now_s() // 86_400)
        found: dict[int, list[int]] = {id: [0] * 14 for id in ids}
        if ids:
            marks = ",".join("?" * len(ids))
            rows = connection.execute(
                f"SELECT error_id, CAST(at_s / 86400 AS INTEGER), count(*) FROM relay_error_occurrences"  # noqa: S608
                f" WHERE error_id IN ({marks}) AND at_s >= ? GROUP BY 1, 2",
                (*ids, (today - 13) * 86_400),
            )
            for id, day, count in rows:
                if 0 <= (index := 13 - (today - day)) < 14:
                    found[id][index] = count
        return {id: tuple(counts) for id, counts in found.items()}


_GROUP = "id, kind, message, file, line, function, status, muted, count, first_at_s, last_at_s"


def _group(row: tuple[Any, ...], trend: tuple[int, ...]) -> CrashGroup:
    id, kind, message, file, line, function, status, muted, count, first_at_s, last_at_s = row
    first_at, last_at = _instant(first_at_s), _instant(last_at_s)
    return CrashGroup(id, kind, message, file, line, function, status, bool(muted), count, first_at, last_at, trend)


def _instant(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def _said(value: Any) -> str:
    return str(value)[:500] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    # What is that long is no stack trace.
    return text if len(text) <= _MAX_TEXT * 16 else json.dumps(type(value)())


# Redaction

_HOME = re.compile(r"(?<![\w/])(/(?:home|Users|root|config|data|mnt|media|srv|volume\d*|share)\b)[^\s'\":,;)\]}]*")
_WINDOWS_HOME = re.compile(r"(?i)\b[a-z]:\\(?:Users\\)?[^\s'\":,;)\]}]*")
_KEY_VALUE = re.compile(
    r"(?i)((?:api[_-]?key|passkey|token|secret|password|passwd|pwd|authorization|cookie|session|credential)s?[\"']?\s*[:=]\s*[\"']?)"
    r"(?:bearer\s+)?[^\s\"'&,;}]+"
)
_URL_USER = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://)[^/\s@]+@")
_URL_QUERY = re.compile(r"(?i)(\bhttps?://[^\s?\"']+)\?[^\s\"']+")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_ADDRESS = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
_LONG_SECRET = re.compile(r"\b(?:[0-9a-fA-F]{32,}|eyJ[\w-]{10,}\.[\w.-]{10,})\b")
_PACKAGE_FILE = re.compile(r".*?((?:site-packages|mydia|lib/python[\d.]+)/.*)")
_SAFE_METADATA = frozenset({"component", "file", "function", "job", "line", "module", "route", "status"})


def redact(report: CrashReport) -> CrashReport:
    """Take out what belongs to a household: paths, names in paths, addresses, keys, e-mail and anything after a `?`."""
    frames = tuple(
        {
            name: _clean_file(value) if name == "file" else value
            for name, value in frame.items()
            if name in ("file", "line", "function", "module")
        }
        for frame in report.frames
    )
    metadata = {
        name: _clean(value) if isinstance(value, str) else value
        for name, value in report.metadata.items()
        if name in _SAFE_METADATA and isinstance(value, str | int | float | bool)
    }
    return CrashReport(
        report.kind,
        _clean(report.message),
        frames,
        report.version,
        report.environment,
        report.occurred_at,
        report.source,
        metadata,
    )


def _clean(text: str) -> str:
    text = _URL_USER.sub(r"\1…@", text)
    text = _URL_QUERY.sub(r"\1?…", text)
    text = _KEY_VALUE.sub(r"\1…", text)
    text = _LONG_SECRET.sub("…", text)
    text = _EMAIL.sub("…@…", text)
    text = _ADDRESS.sub("…", text)
    text = _WINDOWS_HOME.sub("…", text)
    return _HOME.sub(r"\1/…", text)


def _clean_file(value: Any) -> str:
    text = str(value).replace("\\", "/")
    match = _PACKAGE_FILE.fullmatch(text)
    return match[1] if match else text.rsplit("/", 1)[-1]


class CrashSender:
    """Sends our own crashes to a relay, if an admin has said yes; keeps them while there is no way out."""

    _SAME_AGAIN_AFTER_S = 86_400.0
    _MAX_QUEUE = 100
    _MAX_TRIES = 20

    def __init__(
        self, http: Http, path: Path, relay_url: str, *, enabled: Callable[[], bool], times: Times = REAL_TIMES
    ) -> None:
        """Open the queue.

        Args:
            path: The SQLite file of the queue; may be the relay's own.
            enabled: Asked each time, so that a change of mind takes effect at once.
        """
        self._http = http
        self._file = _File(path)
        self._url = relay_url.rstrip("/")
        self._enabled = enabled
        self._times = times

    def close(self) -> None:
        """Close the queue."""
        self._file.close()

    def report(self, error: BaseException, **metadata: object) -> bool:
        """Put a crash into the queue; False when it is not wanted, or was sent or queued within a day."""
        if not self._enabled():
            return False
        report = redact(CrashReport.of(error, **metadata))
        now_s = self._times.now_s()
        with self._file.writing() as connection:
            sent = connection.execute(
                "SELECT 1 FROM sent_crashes WHERE fingerprint = ? AND sent_at_s > ?",
                (report.fingerprint, now_s - self._SAME_AGAIN_AFTER_S),
            ).fetchone()
            (queued,) = connection.execute("SELECT count(*) FROM outgoing_crashes").fetchone()
            if sent or queued >= self._MAX_QUEUE:
                return False
            added = connection.execute(
                "INSERT OR IGNORE INTO outgoing_crashes (fingerprint, body, queued_at_s) VALUES (?, ?, ?)",
                (report.fingerprint, _json(report.body()), now_s),
            ).rowcount
        return bool(added)

    def pending(self) -> int:
        """Return how many wait to be sent."""
        with self._file.using() as connection:
            return int(connection.execute("SELECT count(*) FROM outgoing_crashes").fetchone()[0])

    def flush(self) -> int:
        """Send what waits and return how many arrived; stops at the first that finds no way."""
        if not self._enabled():
            return 0
        with self._file.using() as connection:
            rows = connection.execute("SELECT fingerprint, body FROM outgoing_crashes ORDER BY queued_at_s").fetchall()
        arrived = 0
        for fingerprint, body in rows:
            try:
                answer = self._http.request(
                    "Crash reports",
                    "POST",
                    f"{self._url}/crashes/report",
                    json_body=json.loads(body),
                    expected=(400, 429),
                )
            except AdapterError as error:
                logger.info("crash reports wait for a better time", extra={"cause": error.cause})
                self._tried(fingerprint)
                break
            if answer.status == 429:
                break
            arrived += answer.status == 201
            with self._file.writing() as connection:
                connection.execute("DELETE FROM outgoing_crashes WHERE fingerprint = ?", (fingerprint,))
                connection.execute(
                    "INSERT OR REPLACE INTO sent_crashes VALUES (?, ?)", (fingerprint, self._times.now_s())
                )
        return arrived

    def _tried(self, fingerprint: str) -> None:
        with self._file.writing() as connection:
            connection.execute("UPDATE outgoing_crashes SET tries = tries + 1 WHERE fingerprint = ?", (fingerprint,))
            connection.execute("DELETE FROM outgoing_crashes WHERE tries >= ?", (self._MAX_TRIES,))
