"""Read log files: the newest lines that match a filter, across processes."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from mydia import units
from mydia.contexts.users import Caller, Permission
from mydia.errors import NotFound

_LINES = 300


_TAIL_BYTES = 2 * units.MIB


LEVELS = ("debug", "info", "warning", "error")


LOGS = ("web", "worker", "serve")


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a log."""

    at: datetime | None
    level: str
    tone: str
    logger: str
    message: str
    fields: tuple[tuple[str, str], ...]
    error: str | None


def read_logs(caller: Caller, directory: Path, files: Iterable[str], level: str, q: str) -> list[LogLine]:
    """Return the newest lines of some logs that match, newest first."""
    caller.require(Permission.MANAGE_SETTINGS)
    wanted = set(LEVELS[LEVELS.index(level) :])
    words = q.casefold().split()
    found: deque[LogLine] = deque()
    for name in files:
        for text in _tail(directory / f"{name}.log"):
            if words and not all(word in text.casefold() for word in words):
                continue
            told = _log_line(text, name)
            if told.level in wanted or told.level not in LEVELS:
                found.append(told)
    ordered = sorted(found, key=lambda one: one.at.timestamp() if one.at else 0.0, reverse=True)
    return ordered[:_LINES]


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()[-5000:]
    except OSError:
        return []


def _log_line(text: str, name: str) -> LogLine:
    try:
        told = json.loads(text)
        at = datetime.fromisoformat(str(told.pop("at")))
        level, logger = str(told.pop("level")), str(told.pop("logger"))
        message, error = str(told.pop("message")), told.pop("error", None)
    except (ValueError, KeyError, AttributeError, TypeError):
        # The first line of the tail is incomplete, and a crash may leave another incomplete line.
        return LogLine(at=None, level="info", tone="ink-3", logger=name, message=text[:2000], fields=(), error=None)
    tone = {"error": "fail", "critical": "fail", "warning": "miss"}.get(level, "ink-3")
    return LogLine(
        at=at,
        level=level,
        tone=tone,
        logger=logger,
        message=message,
        fields=tuple((key, str(value)) for key, value in told.items()),
        error=error,
    )


def present(caller: Caller, directory: Path) -> tuple[str, ...]:
    """Return the processes that have a log."""
    caller.require(Permission.MANAGE_SETTINGS)
    return tuple(name for name in LOGS if (directory / f"{name}.log").exists())


def get_log(caller: Caller, directory: Path, name: str) -> Path:
    """Return the log file of a process: one of `LOGS`.

    Raises:
        NotFound: It has no log.
    """
    if name not in present(caller, directory):
        raise NotFound("There is no such log.")
    return directory / f"{name}.log"
