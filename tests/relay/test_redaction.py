"""Crash reports contain only error types and locations in our code, and no personal data."""

from __future__ import annotations

import getpass
import json
import socket
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError

from mydia.db import Database
from mydia.errors import Conflict
from mydia.relay import CrashReport, redact
from mydia.relay.crashes.redaction import clean

PRIVATE = "Wedding"
"""Private words in every message below: a film title, a folder, a user, a host."""

MESSAGES = (
    # paths of every system, with spaces, apostrophes and brackets
    "cannot open /media/films/Anna's Wedding (2019)/x.mkv",
    "[Errno 2] No such file or directory: '/media/My Films/The Wedding.mkv'",
    '[Errno 13] Permission denied: "/media/Anna\'s Films/The Wedding.mkv"',
    "[Errno 18] Invalid cross-device link: '/a/Wedding' -> '/b/Wedding'",
    "[WinError 3] The system cannot find the path specified: 'D:\\\\Films\\\\Wedding'",
    "cannot stat D:\\Films\\My Wedding\\a b.mkv",
    "cannot stat D:/Films/My Wedding/a b.mkv",
    r"\\nas\Films\Wedding is gone",
    "~/Films/Wedding is not a folder",
    "file:///media/Wedding/a.mkv",
    "smb://nas/Films/Wedding/a.mkv",
    "/mnt/user/Wedding",
    "/Volumes/Wedding Disk/a.mkv was moved",
    "/var/lib/docker/volumes/wedding_Wedding/_data",
    "moved /a/Wedding to /b/Wedding and back",
    "path=/media/Wedding, mode=r",
    "(/media/Wedding)",
    "relative Films/Wedding/Season 1/a.mkv is missing",
    "could not read Wedding - S01E01 - The Day.mkv",
    "no subtitle beside My Wedding.2019.1080p.mkv: too large",
    "The.Wedding.2019.German.DL.1080p.BluRay.x264-GROUP has no year",
    "bad magic in Wedding.torrent",
    # names in a sentence
    "no file of The Wedding is left",
    "cannot match Wedding",
    "no file of Wedding-Day is left",
    # quoted values
    "'Wedding'",
    "invalid literal for int() with base 10: 'Wedding'",
    'could not convert string to float: "Wedding"',
    "time data 'Wedding' does not match format '%Y'",
    "“Wedding” was not found",
    "title `Wedding` twice",
    "unknown field 'Wedding's day'",
    "value 'Wedding is never closed",
    "list.remove(x): x not in list ['Wedding', 'b']",
    "bad row {'title': 'Wedding', 'year': 2019}",
    "bad row Item(title=Wedding, year=2019)",
    "codec can't encode character in <Wedding>",
    '{"title": "Wedding"}',
    # SQL
    "(sqlite3.IntegrityError) UNIQUE constraint failed: media.title\n[SQL: INSERT INTO media VALUES (?)]\n[parameters: ('Wedding',)]",
    "(psycopg.errors.UniqueViolation) duplicate key\nDETAIL:  Key (title)=(Wedding) already exists.",
    '(sqlite3.OperationalError) near "Wedding": syntax error',
    "SELECT * FROM media WHERE title = 'Wedding'",
    "DETAIL: Key (title)=(Wedding) already exists",
    # addresses
    "GET https://api.example.org/3/movie?query=Wedding",
    "https://Wedding:pass@tracker.example/announce",
    "redis://mydia:Wedding@10.0.0.5:6379",
    "magnet:?xt=urn:btih:0123&dn=Wedding",
    "http://Wedding.lan:8080/api failed",
    "getaddrinfo failed for host Wedding",
    "connection to Wedding:5432 refused",
    "no answer from wedding.Wedding.lan",
    "hostname=Wedding",
    'server "Wedding" is gone',
    "user Wedding may not",
    "Wedding@example.org",
    "mailto:Wedding@example.org",
    # keys
    "api_key=Wedding0123",
    "Authorization: Bearer Wedding.abc.def",
    "X-Plex-Token: Wedding",
    "password is wrong, password: Wedding",
    "SECRET_KEY_BASE=Wedding",
    "cookie: session=Wedding",
    "passkey=Wedding&uid=1",
)


@pytest.mark.parametrize("message", MESSAGES)
def test_no_personal_data_is_left_in_a_message(message: str) -> None:
    assert PRIVATE.lower() not in clean(message).lower()


@pytest.mark.parametrize(
    ("message", "private"),
    [
        ("no route to 192.168.1.20", "192"),
        ("no route to 192.168.1.20:9696", "9696"),
        ("connect to fd12:3456:789a::1 failed", "3456"),
        ("connect to [2001:db8:85a3::8a2e:370:7334]:8080 failed", "8a2e"),
        ("bind fe80::1ff:fe23:4567:890a%eth2", "4567"),
        ("::ffff:192.0.2.128 was refused", "128"),
        ("bad token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig", "eyJ"),
        ("key 0123456789abcdef0123456789abcdef", "0123"),
        ("id 01931f2e-7c1a-7f3b-9a52-1b2c3d4e5f60 twice", "7c1a"),
        ("tmdb 603 has no title", "603"),
        ("nas.fritz.box is down", "fritz"),
        ("plex-server.local:32400 is down", "plex"),
        ("mail anna@example.org", "anna"),
        ("no file of 千と千尋の神隠し is left", "千"),
        ("kein Film von müller gefunden", "müller"),
    ],
)
def test_addresses_and_numbers_are_removed(message: str, private: str) -> None:
    assert private not in clean(message)


@pytest.mark.parametrize(
    "message",
    [
        "'NoneType' object has no attribute 'title'",
        "unsupported operand type(s) for +: 'int' and 'str'",
        "add_item() missing 1 required positional argument: 'caller'",
        "add_item() got an unexpected keyword argument 'colour'",
        "cannot access local variable 'row' where it is not associated with a value",
        "dictionary changed size during iteration",
        "list index out of range",
        "not enough values to unpack (expected 2, got 1)",
        "Expecting value: line 1 column 1 (char 0)",
        "database is locked",
        "(sqlite3.OperationalError) no such column: media.colour",
        "(sqlite3.IntegrityError) UNIQUE constraint failed: media.tmdb_id, media.type",
    ],
)
def test_messages_that_name_only_our_source_are_kept(message: str) -> None:
    assert clean(message) == message


def test_host_and_user_names_are_removed() -> None:
    for name in {socket.gethostname(), getpass.getuser()} - {"root", "mydia", "localhost"}:
        assert name not in clean(f"lost contact with {name} again")


def test_a_database_error_contains_no_values(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught, database.writes() as session:
        session.execute(sql("INSERT INTO nonesuch VALUES (:title)"), {"title": PRIVATE})
    assert PRIVATE not in str(caught.value), "neither in the log"
    assert PRIVATE not in json.dumps(redact(CrashReport.of(caught.value)).body())


def test_messages_for_users_are_not_sent() -> None:
    report = redact(CrashReport.of(Conflict(f"{PRIVATE} is already in the library.")))
    assert (report.kind, report.message) == ("mydia.errors.Conflict", "Conflict")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/home/wedding/mydia/mydia/web/app.py", "mydia/web/app.py"),
        (
            "/opt/mydia/.venv/lib/python3.13/site-packages/sqlalchemy/engine/base.py",
            "site-packages/sqlalchemy/engine/base.py",
        ),
        ("/usr/local/lib/python3.13/json/decoder.py", "lib/python3.13/json/decoder.py"),
        (r"C:\Users\Wedding\mydia\mydia\cli.py", "mydia/cli.py"),
        ("/home/wedding/my scripts/Wedding.py", "…"),
        ("<string>", "…"),
    ],
)
def test_a_frame_keeps_its_place_in_our_code_only(path: str, shown: str) -> None:
    report = CrashReport(
        kind="X",
        message="x",
        frames=({"file": path, "line": 3, "function": "f", "module": "m", "locals": PRIVATE, "code": PRIVATE},),
    )
    assert redact(report).frames == ({"file": shown, "line": 3, "function": "f", "module": "m"},)


def test_metadata_outside_the_list_is_dropped() -> None:
    given = {"path": PRIVATE, "job": "library.scan", "route": f"/media/{PRIVATE}", "status": 500, "component": PRIVATE}
    assert redact(CrashReport(kind="X", message="x", frames=(), metadata=given)).metadata == {
        "job": "library.scan",
        "status": 500,
    }


@given(st.text(max_size=300))
def test_any_text_can_be_cleaned(text: str) -> None:
    assert "\n" not in clean(text)


@pytest.mark.parametrize("part", ["a.", "/", "'", "a@", "::", "x=", "1.", "[", "a:b ", "\\", "Key: ", ".mkv", "(a"])
def test_cleaning_takes_no_longer_for_hostile_text(part: str) -> None:
    began = time.process_time()
    clean(part * 100_000)
    assert time.process_time() - began < 1.0


def test_a_test_file_is_not_a_package(tmp_path: Path) -> None:
    assert str(tmp_path) not in clean(f"{tmp_path}/x y/z")
