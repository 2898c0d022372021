"""Logs: filter, follow and download them."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from litestar import Response, get
from litestar.params import FromPath, FromQuery
from litestar.response import File

from mydia import units
from mydia.contexts.users import Permission
from mydia.errors import Invalid, NotFound
from mydia.web.deps import CallerDep, ConfigDep, WebRequest
from mydia.web.render import fragment, is_htmx, page, query

_LINES = 300


_TAIL_BYTES = 2 * units.MIB


_LEVELS = ("debug", "info", "warning", "error")


_LOGS = ("web", "worker", "serve")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a log."""

    at: datetime | None
    level: str
    tone: str
    logger: str
    message: str
    fields: tuple[tuple[str, str], ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class LogsView:
    """The newest lines that fit the filter."""

    lines: tuple[LogLine, ...]
    level: str
    q: str
    file: str
    files: tuple[str, ...]
    live: bool
    levels: tuple[str, ...] = _LEVELS

    @property
    def url(self) -> str:
        """Return the address of these lines."""
        return "/system/logs" + query({"level": self.level, "q": self.q, "file": self.file})


@get("/system/logs", sync_to_thread=True, include_in_schema=False)
def show_logs(
    request: WebRequest,
    config: ConfigDep,
    caller: CallerDep,
    level: FromQuery[str] = "info",
    q: FromQuery[str] = "",
    file: FromQuery[str] = "",
    live: FromQuery[str] = "",
) -> Response[str]:
    """Show the newest lines of the logs, newest first."""
    caller.require(Permission.MANAGE_SETTINGS)
    files = tuple(name for name in _LOGS if (config.log_directory / f"{name}.log").exists())
    if level not in _LEVELS or (file and file not in files):
        raise Invalid("Choose a level and a file from the lists.")
    lines = read_logs(config.log_directory, (file,) if file else files, level, q)
    view = LogsView(tuple(lines), level, q, file, files, live != "off")
    if is_htmx(request) and request.headers.get("hx-target", "").endswith("#log-lines"):
        return fragment(request, "system/_log_lines.html", view)
    return page(request, "system/logs.html", view, active="system")


def read_logs(directory: Path, files: Iterable[str], level: str, q: str) -> list[LogLine]:
    """Return the newest lines of some logs that fit, newest first."""
    wanted = set(_LEVELS[_LEVELS.index(level) :])
    words = q.casefold().split()
    found: deque[LogLine] = deque()
    for name in files:
        for text in _tail(directory / f"{name}.log"):
            if words and not all(word in text.casefold() for word in words):
                continue
            told = _log_line(text, name)
            if told.level in wanted or told.level not in _LEVELS:
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
        # The first line of the tail is cut, and a crash may leave half of one.
        return LogLine(None, "info", "ink-3", name, text[:2000], (), None)
    tone = {"error": "fail", "critical": "fail", "warning": "miss"}.get(level, "ink-3")
    return LogLine(at, level, tone, logger, message, tuple((key, str(value)) for key, value in told.items()), error)


@get("/system/logs/{name:str}/download", sync_to_thread=True, include_in_schema=False)
def download_log(config: ConfigDep, caller: CallerDep, name: FromPath[str]) -> File:
    """Send a whole log."""
    caller.require(Permission.MANAGE_SETTINGS)
    path = config.log_directory / f"{name}.log"
    if name not in _LOGS or not path.exists():
        raise NotFound("There is no such log.")
    return File(path=path, filename=f"mydia-{name}.log", media_type="text/plain")


ROUTES: tuple[Any, ...] = (show_logs, download_log)
