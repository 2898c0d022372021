"""One crash report: read from another installation, or made of an exception of our own."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Mapping
from typing import Any

import msgspec

from mydia import __version__, clock
from mydia.errors import MydiaError

MAX_REPORT_BYTES = 256 * 1024
MAX_TEXT = 8192
_MAX_FRAMES = 200
_REQUIRED = ("error_type", "error_message", "stacktrace")
_SOURCES = frozenset({"server", "player"})


class ReportRefused(Exception):
    """A report that breaks the contract; `errors` says how."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


class CrashReport(msgspec.Struct, frozen=True, kw_only=True):
    """One crash report."""

    kind: str
    message: str
    frames: tuple[Mapping[str, Any], ...]
    """Dicts of `file`, `line`, `function` and optionally `module`, innermost first."""
    version: str | None = None
    environment: str | None = None
    occurred_at: str | None = None
    source: str = "server"
    metadata: Mapping[str, Any] = msgspec.field(default_factory=dict)

    @property
    def place(self) -> tuple[str, str, str]:
        """(file, line, function) of the first frame, or of the metadata when there are no frames."""
        frame = self.frames[0] if self.frames else self.metadata
        function = _said(frame.get("function"))
        module = _said(frame.get("module"))
        # Two modules may have functions of the same name.
        if module and not function.startswith(f"{module}."):
            function = f"{module}.{function}" if function else module
        return _said(frame.get("file")), _said(frame.get("line")), function

    @property
    def fingerprint(self) -> str:
        """Identifies a crash: two reports of the same kind and first frame are the same crash."""
        return hashlib.sha256("\x00".join((self.kind, *self.place)).encode()).hexdigest()

    @classmethod
    def read(cls, body: Any) -> CrashReport:
        """Parse a report's JSON; raises ReportRefused with one sentence per mistake."""
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
            message=str(body["error_message"])[:MAX_TEXT],
            frames=frames,
            version=_said(body.get("version"))[:100] or None,
            environment=_said(body.get("environment"))[:100] or None,
            occurred_at=_said(body.get("occurred_at"))[:40] or None,
            source=source if isinstance(source, str) and source in _SOURCES else "server",
            metadata=metadata if isinstance(metadata, dict) else {},
        )

    @classmethod
    def of(cls, error: BaseException, **metadata: object) -> CrashReport:
        """Make the report of an exception."""
        frames = tuple(
            {"file": frame.filename, "line": frame.lineno, "function": frame.name}
            for frame in reversed(traceback.extract_tb(error.__traceback__))
        )
        return cls(
            kind=f"{type(error).__module__}.{type(error).__qualname__}",
            message=_message(error)[:MAX_TEXT] or type(error).__name__,
            frames=frames,
            version=__version__,
            occurred_at=clock.now().isoformat(),
            metadata=metadata,
        )

    def body(self) -> dict[str, Any]:
        """Return the JSON that a relay accepts."""
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


def _message(error: BaseException) -> str:
    # Messages for users name their titles, folders and services.
    return "" if isinstance(error, MydiaError) else str(error)


def _said(value: Any) -> str:
    return str(value)[:500] if isinstance(value, str | int) and not isinstance(value, bool) else ""
