"""Logging for people (text) and for machines (JSON lines), with the correlation id of the request or job."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path

from mydia.private import private

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
"""Set by the web process for each request and by the worker for each run; included in every log line."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
LEVELS = ("debug", "info", "warning", "error")


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {0x2028: " ", 0x2029: " "}


def _one_line(value: object) -> str:
    """Return a field without line breaks and control characters, which file names can contain."""
    return str(value).translate(_CONTROLS)


class JsonFormatter(logging.Formatter):
    """One JSON object per line: at, level, logger, message, the fields, correlation_id, error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extras(record),
        }
        if identifier := correlation_id.get():
            line["correlation_id"] = identifier
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """`14:02:11 info  mydia.jobs  release grabbed  download_id=…`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        fields = "".join(f"  {key}={_one_line(value)}" for key, value in _extras(record).items())
        line = f"{at} {record.levelname.lower():<7} {record.name}  {record.getMessage()}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(level: str, form: str, directory: Path | None, name: str) -> None:
    """Set up logging for one process.

    Args:
        level: One of LEVELS.
        form: `text` or `json`, for standard error.
        directory: The folder of `<name>.log` (JSON lines, rotated at 5 MiB, 3 kept) for the logs page; None for no file.
        name: `web`, `worker`, `relay`.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    handlers[0].setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    if directory is not None:
        from logging.handlers import RotatingFileHandler

        class PrivateFile(RotatingFileHandler):
            """A log file that only its owner can read, also after a rotation."""

            def _open(self) -> TextIOWrapper:
                private(Path(self.baseFilename))
                return super()._open()

            def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the name is logging's
                """Drop a line that does not fit on the disk. Standard error has it, and a traceback for each would hide it."""
                if not isinstance(sys.exception(), OSError):
                    super().handleError(record)

        directory.mkdir(parents=True, exist_ok=True)
        file = PrivateFile(directory / f"{name}.log", maxBytes=5 * 2**20, backupCount=3, encoding="utf-8")
        file.setFormatter(JsonFormatter())
        handlers.append(file)
    logging.basicConfig(level=level.upper(), handlers=handlers, force=True)
    # Libraries log every step at info; their warnings are kept.
    for noisy in ("httpx2", "httpcore2", "urllib3", "apscheduler", "alembic", "qbittorrentapi", "dramatiq"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
