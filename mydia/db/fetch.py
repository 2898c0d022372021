"""Lookups by key (`get_…` raises, `find_…` returns None), and key-set cursors."""

from __future__ import annotations

import base64
import json
import math
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.orm import Session

from mydia.db.base import Base
from mydia.errors import NotFound

_FOREIGN = "There is no such page of this list. Start again from the first page."


def get[Row: Base](session: Session, kind: type[Row], key: object, *, what: str) -> Row:
    """Return the row with this primary key.

    Args:
        what: The subject of the error message: `"This film"`.

    Raises:
        NotFound: There is none.
    """
    row = session.get(kind, key)
    if row is None:
        raise NotFound(f"{what} does not exist or has been removed.")
    return row


def encode_cursor(*key: Any) -> str:
    """Encode the sort key of a page's last row for the URL of the next page."""
    return base64.urlsafe_b64encode(json.dumps(key, default=str).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, parts: int) -> tuple[Any, ...] | None:
    """Decode a cursor; None stays None (the first page).

    Raises:
        NotFound: It was not made by `encode_cursor` with this number of parts.
    """
    if not cursor:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, UnicodeError) as error:
        raise NotFound(_FOREIGN) from error
    if not isinstance(key, list) or len(key) != parts or not all(map(_is_key, key)):
        raise NotFound(_FOREIGN)
    return tuple(key)


def cursor_id(part: Any) -> str:
    """Return the id in a cursor's part. Raises: NotFound."""
    if not isinstance(part, str):
        raise NotFound(_FOREIGN)
    return part


def _is_key(part: Any) -> bool:
    """Return whether a database can compare a value: text that UTF-8 can encode, a 64-bit number, a finite float or None."""
    match part:
        case None:
            return True
        case str():
            return _is_encodable(part)
        case int():
            return -(2**63) <= part < 2**63
        case float():
            return math.isfinite(part)
    return False


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False  # half of a surrogate pair
    return "\0" not in text


def cursor_instant(part: Any) -> datetime:
    """Return the instant in a cursor's part. Raises: NotFound."""
    try:
        moment = datetime.fromisoformat(str(part))
        if moment.tzinfo is None:
            raise NotFound(_FOREIGN)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NotFound(_FOREIGN) from error


def cursor_day(part: Any) -> date:
    """Return the day in a cursor's part. Raises: NotFound."""
    try:
        return date.fromisoformat(str(part))
    except ValueError as error:
        raise NotFound(_FOREIGN) from error
