"""The file of crash reports: those received, and those waiting to be sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mydia.db import SqliteFile
from mydia.relay.crashes.report import MAX_TEXT

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


def open_file(path: Path) -> SqliteFile:
    """Return a handle on the file; two handles may share one file."""
    return SqliteFile(path, [_SCHEMA])


def to_json(value: Any) -> str:
    """Return a value as JSON; the empty value of its type when it is too long for a report."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_TEXT * 16 else json.dumps(type(value)())
