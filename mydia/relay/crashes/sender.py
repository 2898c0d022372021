"""Sending our own crashes to a relay, if an administrator has agreed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

from mydia.adapters.errors import AdapterError
from mydia.adapters.http import Http
from mydia.relay.crashes.file import open_file, to_json
from mydia.relay.crashes.redaction import redact
from mydia.relay.crashes.report import CrashReport
from mydia.relay.times import REAL_TIMES, Times

logger = logging.getLogger(__name__)


class CrashSender:
    """Queues our own crashes and sends them to a relay; they stay queued while the network is down."""

    _SAME_AGAIN_AFTER_S = 86_400.0
    _MAX_QUEUE = 100
    _MAX_TRIES = 20

    def __init__(
        self, http: Http, path: Path, relay_url: str, *, enabled: Callable[[], bool], times: Times = REAL_TIMES
    ) -> None:
        """Open the queue.

        Args:
            path: The SQLite file of the queue; may be the relay's own.
            enabled: Called every time, so that a changed setting takes effect at once.
        """
        self._http = http
        self._file = open_file(path)
        self._url = relay_url.rstrip("/")
        self._enabled = enabled
        self._times = times

    def close(self) -> None:
        """Close the queue."""
        self._file.close()

    def report(self, error: BaseException, **metadata: object) -> bool:
        """Queue a crash; returns False when reporting is off, or the same crash was sent or queued within a day."""
        if not self._enabled():
            return False
        report = redact(CrashReport.of(error, **metadata))
        now_s = self._times.now_s()
        with self._file.writes() as connection:
            sent = connection.execute(
                "SELECT 1 FROM sent_crashes WHERE fingerprint = ? AND sent_at_s > ?",
                (report.fingerprint, now_s - self._SAME_AGAIN_AFTER_S),
            ).fetchone()
            (queued,) = connection.execute("SELECT count(*) FROM outgoing_crashes").fetchone()
            if sent or queued >= self._MAX_QUEUE:
                return False
            added = connection.execute(
                "INSERT OR IGNORE INTO outgoing_crashes (fingerprint, body, queued_at_s) VALUES (?, ?, ?)",
                (report.fingerprint, to_json(report.body()), now_s),
            ).rowcount
        return bool(added)

    def pending(self) -> int:
        """Return how many reports are queued."""
        with self._file.using() as connection:
            return int(connection.execute("SELECT count(*) FROM outgoing_crashes").fetchone()[0])

    def flush(self) -> int:
        """Send the queued reports and return how many were accepted; stops at the first failure."""
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
                logger.info("crash reports could not be sent; trying again later", extra={"cause": error.cause})
                self._tried(fingerprint)
                break
            if answer.status == 429:
                break
            arrived += answer.status == 201
            with self._file.writes() as connection:
                connection.execute("DELETE FROM outgoing_crashes WHERE fingerprint = ?", (fingerprint,))
                connection.execute(
                    "INSERT OR REPLACE INTO sent_crashes VALUES (?, ?)", (fingerprint, self._times.now_s())
                )
        return arrived

    def _tried(self, fingerprint: str) -> None:
        with self._file.writes() as connection:
            connection.execute("UPDATE outgoing_crashes SET tries = tries + 1 WHERE fingerprint = ?", (fingerprint,))
            connection.execute("DELETE FROM outgoing_crashes WHERE tries >= ?", (self._MAX_TRIES,))
