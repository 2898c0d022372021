"""Removing what is private from a crash report before it is stored or sent."""

from __future__ import annotations

import re
from typing import Any

from mydia.relay.crashes.report import CrashReport

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
