"""Cursors of pages: what was not made for a list is refused with a message, and never reaches the database."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia.db import cursor_day, cursor_id, cursor_instant, decode_cursor, encode_cursor
from mydia.errors import NotFound

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def made_of(value: Any) -> str:
    """A cursor with any content."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_cursor_gives_back_its_key() -> None:
    assert decode_cursor(encode_cursor("Metropolis", 3, None, 0.5), 4) == ("Metropolis", 3, None, 0.5)
    (day, moment, id) = decode_cursor(encode_cursor(date(2026, 11, 30), NOW.isoformat(), "id"), 3) or ()
    assert (cursor_day(day), cursor_instant(moment), cursor_id(id)) == (date(2026, 11, 30), NOW, "id")


def test_no_cursor_is_the_first_page() -> None:
    assert decode_cursor(None, 2) is None
    assert decode_cursor("", 2) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "%%%",
        "not base64 at all",
        encode_cursor("a", "b")[:-3],
        encode_cursor("a", "b") + "x",
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        made_of({"a": 1}),
        made_of("ab"),
        made_of(["a"]),
        made_of(["a", "b", "c"]),
        made_of(["a", ["b"]]),
        made_of(["a", {"b": 1}]),
        made_of(["a", 2**63]),
        made_of(["a", "\0"]),
        made_of(["a", "\ud800"]),
        base64.urlsafe_b64encode(b'["a", NaN]').decode(),
        base64.urlsafe_b64encode(b"[" * 5000).decode(),
    ],
)
def test_damaged_foreign_and_tampered_cursors_are_refused(cursor: str) -> None:
    with pytest.raises(NotFound, match="page"):
        decode_cursor(cursor, 2)


@pytest.mark.parametrize("part", [1, None, 0.5, True])
def test_an_id_is_text(part: object) -> None:
    with pytest.raises(NotFound):
        cursor_id(part)


@pytest.mark.parametrize("part", ["x", 5, None, "2026-13-01", "2026-11-30", "2026-11-30T12:00:00"])
def test_an_instant_has_a_zone(part: object) -> None:
    with pytest.raises(NotFound):
        cursor_instant(part)


@pytest.mark.parametrize("part", ["x", 5, None, "2026-13-01"])
def test_a_day_is_a_date(part: object) -> None:
    with pytest.raises(NotFound):
        cursor_day(part)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_text_is_a_key_or_refused(text: str) -> None:
    try:
        key = decode_cursor(text, 2)
    except NotFound:
        return
    assert key is None or len(key) == 2
