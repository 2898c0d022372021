"""The crash reports that a relay has received, grouped by where the crash happened."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from mydia.errors import NotFound, Unavailable
from mydia.relay.crashes.file import open_file, to_json
from mydia.relay.crashes.redaction import redact
from mydia.relay.crashes.report import CrashReport
from mydia.relay.times import REAL_TIMES, Times

logger = logging.getLogger(__name__)

_MAX_OCCURRENCES = 200
"""Reports kept of one group: the newest. The count includes all."""
RETENTION_S = 90 * 86_400
_SWEEP_EVERY_S = 3600.0


class CrashGroup(msgspec.Struct, frozen=True, kw_only=True):
    """All reports of one crash."""

    id: int
    kind: str
    message: str
    """Of the newest report."""
    file: str
    line: str
    function: str
    status: str
    """`open` or `resolved`; a new report reopens a resolved group."""
    muted: bool
    count: int
    first_at: datetime
    last_at: datetime
    trend: tuple[int, ...] = ()
    """Reports per day over the last fourteen days, today last."""


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """One report of a group."""

    id: int
    at: datetime
    message: str
    frames: tuple[Mapping[str, Any], ...]
    version: str | None
    environment: str | None
    source: str
    metadata: Mapping[str, Any]


class Crashes:
    """The reports that a relay has received."""

    def __init__(self, path: Path, *, times: Times = REAL_TIMES, retention_s: float = RETENTION_S) -> None:
        self._file = open_file(path)
        self._times = times
        self._retention_s = retention_s
        self._swept_at_s = 0.0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def record(self, report: CrashReport) -> int:
        """Store a report and return the id of its group."""
        now_s = self._times.now_s()
        file, line, function = report.place
        with self._file.writes() as connection:
            (group,) = connection.execute(
                "INSERT INTO relay_errors (fingerprint, kind, message, file, line, function, count, first_at_s, last_at_s)"
                " VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?) ON CONFLICT (fingerprint) DO UPDATE SET count = count + 1,"
                " message = excluded.message, last_at_s = excluded.last_at_s, status = 'open' RETURNING id",
                (report.fingerprint, report.kind, report.message, file, line, function, now_s, now_s),
            ).fetchone()
            connection.execute(
                "INSERT INTO relay_error_occurrences (error_id, at_s, message, frames, version, environment, source, metadata)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (group, now_s, report.message, to_json([dict(f) for f in report.frames]), report.version, report.environment,
                 report.source, to_json({**report.metadata, **({"occurred_at": report.occurred_at} if report.occurred_at else {})})),
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
        """Store an exception of the relay itself; does nothing if that fails."""
        try:
            self.record(redact(CrashReport.of(error, component="relay")))
        except (self._file.error, OSError, Unavailable):
            logger.warning("the relay's own error could not be stored")

    def groups(
        self, *, status: str | None = "open", text: str = "", muted: bool = False, page: int = 1, size: int = 50
    ) -> tuple[list[CrashGroup], int]:
        """Return a page of groups, newest first, and the total number.

        Args:
            status: `open`, `resolved` or None for both.
            text: Words to search in kind, message and place.
            muted: Return only muted groups; otherwise only the others.
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
            raise NotFound("This error does not exist or has been removed.")
        return _group(row, trends.get(id, ()))

    def occurrences(self, id: int, *, limit: int = 20) -> list[Occurrence]:
        """Return a group's reports, newest first."""
        with self._file.using() as connection:
            rows = connection.execute(
                "SELECT id, at_s, message, frames, version, environment, source, metadata FROM relay_error_occurrences"
                " WHERE error_id = ? ORDER BY id DESC LIMIT ?",
                (id, limit),
            ).fetchall()
        return [
            Occurrence(
                id=row[0],
                at=_instant(row[1]),
                message=row[2],
                frames=tuple(json.loads(row[3])),
                version=row[4],
                environment=row[5],
                source=row[6],
                metadata=json.loads(row[7]),
            )
            for row in rows
        ]

    def resolve(self, id: int, *, resolved: bool) -> None:
        """Mark a group as resolved or open. Raises: NotFound."""
        self._set(id, "status", "resolved" if resolved else "open")

    def mute(self, id: int, *, muted: bool) -> None:
        """Hide a group from the list, or show it again. Raises: NotFound."""
        self._set(id, "muted", int(muted))

    def sweep(self) -> None:
        """Delete reports past their retention, and groups without any left."""
        before_s = self._times.now_s() - self._retention_s
        with self._file.writes() as connection:
            connection.execute("DELETE FROM relay_error_occurrences WHERE at_s < ?", (before_s,))
            connection.execute("DELETE FROM relay_errors WHERE last_at_s < ?", (before_s,))

    def _set(self, id: int, column: str, value: object) -> None:
        with self._file.using() as connection:
            changed = connection.execute(f"UPDATE relay_errors SET {column} = ? WHERE id = ?", (value, id)).rowcount  # noqa: S608
        if not changed:
            raise NotFound("This error does not exist or has been removed.")

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
    return CrashGroup(
        id=id,
        kind=kind,
        message=message,
        file=file,
        line=line,
        function=function,
        status=status,
        muted=bool(muted),
        count=count,
        first_at=first_at,
        last_at=last_at,
        trend=trend,
    )


def _instant(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
