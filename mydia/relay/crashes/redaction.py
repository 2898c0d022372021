"""Removing what is private from a crash report before it is stored or sent.

A message is either one of the known messages of Python and SQLite, which hold names from source code only, or everything
in it that could come from a household is replaced: quoted values, paths, file names, addresses, host names, keys and
numbers. Only its first line is kept, because databases put values into the others.
"""

from __future__ import annotations

import getpass
import re
import socket
import sys
from contextlib import suppress
from copy import replace
from functools import cache
from typing import Any

from mydia.relay.crashes.report import CrashReport

_MAX_TEXT = 1000
_GONE = "…"

# Messages that hold nothing but names from source code. Each is matched as a whole.
_KNOWN = re.compile(
    r"'\w+' object (?:has no attribute '\w+'|is not \w+|does not support [\w ]+|cannot be interpreted as an integer)"
    r"|(?:type object|module|partially initialized module) '[\w.]+' has no attribute '\w+'"
    r"|[\w.<>]+\(\) (?:got an unexpected keyword argument|got multiple values for argument) '\w+'"
    r"|[\w.<>]+\(\) missing \d+ required (?:positional|keyword-only) arguments?: (?:'\w+'(?:,? (?:and )?)?)+"
    r"|[\w.<>]+\(\) takes (?:from \d+ to )?\d+ positional arguments? but \d+ (?:was|were) given"
    r"|unsupported operand type\(s\) for [^:]{1,9}: '\w+' and '\w+'"
    r"|(?:free variable|cannot access (?:local|free) variable|name) '\w+' [\w ]*(?:is not defined|not associated with a value)[\w ]*"
    r"|No module named '[\w.]+'"
    r"|cannot import name '\w+' from '[\w.]+'"
    r"|cannot unpack non-iterable \w+ object"
    r"|(?:list|tuple|string|bytearray) index out of range"
    r"|(?:not enough|too many) values to unpack(?: \(expected \d+(?:, got \d+)?\))?"
    r"|\w+ changed size during iteration|maximum recursion depth exceeded[\w ]*|division by zero"
    r"|Expecting [\w ',]+: line \d+ column \d+ \(char \d+\)"
    r"|(?:\([\w.]+\) )?(?:(?:UNIQUE|FOREIGN KEY|NOT NULL|CHECK) constraint failed(?:: [\w., ]+)?|no such (?:table|column): [\w.]+"
    r"|database is locked|database or disk is full|database disk image is malformed|attempt to write a readonly database|disk I/O error)"
)

_SECRET = re.compile(
    r"(?i)\b((?:[\w-]*(?:key|passkey|token|secret|password|passwd|pwd|authorization|cookie|session|credential|auth|sid)[\w-]*)"
    r"[\"']?\s*[:=]\s*[\"']?)(?:(?:bearer|basic)\s+)?\S+"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+\S+")
_MAGNET = re.compile(r"(?i)\b(magnet|data|mailto):\S+")
_EMAIL = re.compile(r"[^\s@<>'\"]+@[^\s@<>'\"]+")
_URL = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}://)\S*")
# An absolute path may hold blanks, so nothing says where it ends: the rest of the line goes.
_PATH = re.compile(r"(?:(?<![\w<])[/~](?=[\w.~@+-])|(?<!\w)[A-Za-z]:[\\/]|\\\\(?=\w)).*")
_RELATIVE = re.compile(r"\S*\w[/\\]\w.*")
_NAMED_HOST = re.compile(
    r"(?i)\b(host|hostname|server|peer|node|domain|user|username|name|service|address)([ =:]+)(?=\w)\S+"
)
_FILE = re.compile(
    r"(?i)[^:;\n]*\.(?:mkv|mp4|m4v|avi|mov|wmv|mpe?g|m2?ts|webm|iso|srt|ass|sub|idx|nfo|jpe?g|png|webp|torrent|nzb|rar|zip|part"
    r"|db|ya?ml|json|log|txt|py)\b.*"
)
_IPV6 = re.compile(
    r"(?<![\w:])\[?(?:[0-9a-fA-F]{0,4}:){2,7}(?:[0-9a-fA-F]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?:%\w+)?\]?(?::\d+)?"
)
_IPV4 = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b(?::\d+)?")
_HOST_PORT = re.compile(r"\b[\w-]+(?:\.[\w-]+)*:\d{2,5}\b")
_DOTTED = re.compile(r"\b[\w-]+(?:\.[\w-]+)+\b")
_QUOTES = (
    re.compile(r'".*"'),
    re.compile(r"'.*'"),
    re.compile(r"“.*”"),
    re.compile(r"‘.*’"),
    re.compile(r"`.*`"),
    re.compile(r"«.*»"),
)
_OPEN_QUOTE = re.compile(r"(?<!\w)[\"'“‘`«](?!…).*")
_LONG = re.compile(r"\b(?=\w*\d)[\w-]{16,}\b|\b[0-9a-fA-F]{12,}\b")
_NUMBER = re.compile(r"(?<!HTTP )(?<!status )(?<!code )(?<!Errno )(?<!line )(?<!column )\b\d{3,}\b")
# A capital inside a sentence begins a name, and our source is written in ASCII.
_NAME = re.compile(r"(?<=[^\]]\s)[^\W\d_a-z][\w'-]*|\b\w*[^\W\d_]*[^\x00-\x7f…]\w*")
_NO_NAMES = frozenset(
    {
        "API",
        "HTTP",
        "HTTPS",
        "I/O",
        "JSON",
        "None",
        "NULL",
        "OS",
        "SQL",
        "SSL",
        "TLS",
        "True",
        "False",
        "URL",
        "UTF",
        "XML",
    }
)
_BRACKETS = re.compile(r"[\[({<][^\[\](){}<>]*[\])}>]")
_PACKAGE_FILE = re.compile(r"(?:.*/)?((?:site-packages|mydia|lib/python[\d.]+)/.+)")

_OUR_LIBRARIES = frozenset(
    {"mydia", "alembic", "apscheduler", "dramatiq", "granian", "httpcore2", "httpx2", "jinja2", "litestar", "lxml", "msgspec",
     "PIL", "psycopg", "pysqlite3", "qbittorrentapi", "redis", "sqlalchemy", "watchfiles"}
)  # fmt: skip
_METADATA = {
    "component": re.compile(r"web|worker|relay"),
    "job": re.compile(r"[a-z_]{1,40}\.[a-z_]{1,40}"),
    "status": re.compile(r"\d{3}"),
}
"""Field -> its possible values."""


def redact(report: CrashReport) -> CrashReport:
    """Return a report without paths, file names, host names, addresses, keys, quoted values and other data."""
    return replace(
        report,
        message=clean(report.message),
        frames=tuple(
            {
                name: _clean_file(value) if name == "file" else value
                for name, value in frame.items()
                if name in ("file", "line", "function", "module")
            }
            for frame in report.frames
        ),
        metadata={
            name: value
            for name, allowed in _METADATA.items()
            if allowed.fullmatch(str(value := report.metadata.get(name, "")))
        },
    )


def clean(text: str) -> str:
    """Return the first line of a message with everything replaced that could be private.

    >>> clean("'NoneType' object has no attribute 'title'")
    "'NoneType' object has no attribute 'title'"
    >>> clean("cannot open /media/My Films/A Film.mkv")
    'cannot open …'
    """
    text = next((line.strip() for line in text[:_MAX_TEXT].splitlines() if line.strip()), "")
    if _KNOWN.fullmatch(text):
        return text
    for name in _own_names():
        text = re.sub(rf"(?i)\b{re.escape(name)}\b", _GONE, text)
    text = _MAGNET.sub(rf"\1:{_GONE}", text)
    text = _URL.sub(rf"\1{_GONE}", text)
    text = _SECRET.sub(rf"\1{_GONE}", text)
    text = _BEARER.sub(rf"\1 {_GONE}", text)
    text = _EMAIL.sub(_GONE, text)
    text = _IPV6.sub(_GONE, text)
    text = _IPV4.sub(_GONE, text)
    text = _HOST_PORT.sub(_GONE, text)
    for quoted in _QUOTES:
        text = quoted.sub(_in_quotes, text)
    text = _OPEN_QUOTE.sub(_GONE, text)
    text = _PATH.sub(_GONE, text)
    text = _RELATIVE.sub(_after_scheme, text)
    text = _FILE.sub(_GONE, text)
    text = _NAMED_HOST.sub(rf"\1\2{_GONE}", text)
    text = _DOTTED.sub(_dotted, text)
    text = _BRACKETS.sub(_in_brackets, text)
    text = _LONG.sub(_GONE, text)
    text = _NUMBER.sub(_GONE, text)
    text = _NAME.sub(_named, text)
    return re.sub(rf"{_GONE}(?:[\s{_GONE}]*{_GONE})+", _GONE, text).strip()


@cache
def _own_names() -> tuple[str, ...]:
    """Return this machine's and user's names, which no pattern recognises."""
    found = {socket.gethostname(), socket.gethostname().partition(".")[0]}
    with suppress(KeyError, OSError):  # a container's user often has no name
        found.add(getpass.getuser())
    return tuple(sorted(name for name in found if len(name) > 1 and name not in ("root", "mydia", "localhost")))


def _in_quotes(match: re.Match[str]) -> str:
    return f"{match[0][0]}{_GONE}{match[0][-1]}"


def _in_brackets(match: re.Match[str]) -> str:
    inner = match[0][1:-1]
    return (
        match[0]
        if _GONE in inner or re.fullmatch(r"(?:Errno -?\d+|[\w.]*Error|)", inner)
        else f"{match[0][0]}{_GONE}{match[0][-1]}"
    )


def _named(match: re.Match[str]) -> str:
    word = match[0]
    return word if word in _NO_NAMES or word.endswith(("Error", "Exception")) else _GONE


def _after_scheme(match: re.Match[str]) -> str:
    return match[0] if f"://{_GONE}" in match[0].split()[0] else _GONE


def _dotted(match: re.Match[str]) -> str:
    first = match[0].partition(".")[0]
    return match[0] if first in _OUR_LIBRARIES or first in sys.stdlib_module_names else _GONE


def _clean_file(value: Any) -> str:
    match = _PACKAGE_FILE.fullmatch(str(value).replace("\\", "/"))
    return match[1] if match else _GONE
