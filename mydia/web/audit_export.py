"""The audit as a CSV or JSON file, written while it is read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from itertools import batched
from typing import Literal

from litestar.response import Stream
from msgspec.structs import asdict

from mydia import clock
from mydia.events.trail import Entry

Format = Literal["csv", "json"]
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
_CHUNK = 200
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters that make a spreadsheet calculate a cell. Source: OWASP, CSV Injection."""
_COLUMNS = (
    "id",
    "time",
    "kind",
    "type",
    "title",
    "person",
    "person_id",
    "actor",
    "address",
    "agent",
    "subject_kind",
    "subject_id",
    "subject",
    "text",
    "changes",
    "details",
)


def download(entries: Iterable[Entry], format: Format) -> Stream:
    """Return entries as a file to save."""
    write = _csv if format == "csv" else _json
    name = f"mydia-audit-{clock.now():%Y-%m-%d}.{format}"
    return Stream(
        write(entries),
        media_type=_MEDIA_TYPES[format],
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def cell(text: str) -> str:
    """Return a text that a spreadsheet shows and does not calculate.

    >>> cell("=1+1"), cell(" @SUM(A1)"), cell("Silo")
    ("'=1+1", "' @SUM(A1)", 'Silo')
    """
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def _csv(entries: Iterable[Entry]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow(_COLUMNS)
    for several in batched(entries, _CHUNK, strict=False):
        writer.writerows([cell(text) for text in _row(entry)] for entry in several)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _row(entry: Entry) -> tuple[str, ...]:
    changes = "; ".join(f"{one.field}: {one.old or '-'} → {one.new or '-'}" for one in entry.changes)
    return (
        str(entry.id),
        entry.at.isoformat(),
        entry.kind,
        entry.type,
        entry.title,
        entry.person,
        entry.person_id or "",
        entry.actor_kind,
        entry.address,
        entry.agent,
        entry.subject_kind,
        entry.subject_id or "",
        entry.subject,
        entry.text,
        changes,
        "; ".join(entry.details),
    )


def _json(entries: Iterable[Entry]) -> Iterator[str]:
    before = "["
    for several in batched(entries, _CHUNK, strict=False):
        yield before + ",\n".join(json.dumps(_fields(entry), ensure_ascii=False) for entry in several)
        before = ",\n"
    yield "]\n" if before != "[" else "[]\n"


def _fields(entry: Entry) -> dict[str, object]:
    told = asdict(entry)
    for name in ("icon", "tone"):
        del told[name]
    return told | {
        "at": entry.at.isoformat(),
        "changes": [asdict(one) for one in entry.changes],
        "facts": dict(entry.facts),
    }
