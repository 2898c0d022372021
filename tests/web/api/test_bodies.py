"""Invalid request bodies and the errors they get."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mydia.web.security import BODY_LIMIT_BYTES
from tests.web.api.conftest import Asker

_JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"[" * 100_000, "The body is nested too deeply."),
        (b'{"type":' * 100_000, "The body is nested too deeply."),
        (b'{"type": "\xff\xfe"}', "its text is not encoded as UTF-8"),
        (b'{"type"', "The body is not valid JSON"),
        (b"\x00\x01\x02", "The body is not valid JSON"),
    ],
)
def test_an_unreadable_body_is_refused_with_the_reason(admin: Asker, body: bytes, sentence: str) -> None:
    answer = admin("POST", "/media", content=body, headers=_JSON)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert sentence in answer.json()["detail"]


def test_an_address_with_a_nul_is_refused(admin: Asker) -> None:
    for address in ("/media?q=%00", "/media/a%00b"):
        answer = admin("GET", address)
        assert (answer.status_code, answer.json()["detail"]) == (400, "Text must not contain the character NUL."), (
            address
        )


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "application/xml"])
def test_a_body_of_another_content_type_is_refused(admin: Asker, kind: str) -> None:
    answer = admin("POST", "/media", content=b'{"type": "movie", "tmdb_id": 19}', headers={"content-type": kind})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


def test_json_is_accepted_under_all_its_content_types(admin: Asker) -> None:
    for kind in ("application/json; charset=utf-8", "application/merge-patch+json"):
        answer = admin("POST", "/media", content=b'{"type": "movie"}', headers={"content-type": kind})
        assert answer.json()["errors"] == {"tmdb_id": "Required: tmdb_id or tvdb_id or imdb_id."}
    answer = admin("POST", "/media", content=b'{"type": "movie"}')
    assert answer.json()["errors"] == {"tmdb_id": "Required: tmdb_id or tvdb_id or imdb_id."}


def test_a_large_body_is_refused_with_and_without_a_length(admin: Asker) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(BODY_LIMIT_BYTES // 2**16 + 2):
            yield b" " * 2**16

    for body in (b" " * (BODY_LIMIT_BYTES + 1), pieces()):
        answer = admin("POST", "/media", content=body, headers=_JSON)
        assert answer.status_code == 413
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert "larger than Mydia accepts" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "errors"),
    [
        ("POST", "/media", {"type": 5}, {"type": "Must be text, not a whole number."}),
        ("POST", "/media", {}, {"type": "This field is required."}),
        ("POST", "/media", {"type": "movie", "tmdb_id": 0}, {"tmdb_id": "Must be 1 or more."}),
        ("POST", "/media", {"type": "film"}, {"type": "“film” is not an allowed value. Use movie or tv_show."}),
        ("POST", "/media", [], {"body": "Must be an object, not a list."}),
        ("POST", "/media", None, {"body": "Send a JSON body."}),
        (
            "POST",
            "/api-keys",
            {"name": "", "expires_at": "tomorrow"},
            {"name": "Enter some text."},
        ),
        (
            "POST",
            "/api-keys",
            {"name": "a", "expires_at": "tomorrow"},
            {"expires_at": "Must be a time such as 2026-11-21T15:36:00Z."},
        ),
        (
            "POST",
            "/download-clients",
            {"name": "a", "kind": "sabnzbd", "url": "http://y", "mappings": [{"remote": 1, "local": "a"}]},
            {"mappings[0].remote": "Must be text, not a whole number."},
        ),
        ("GET", "/search", None, {"q": "This field is required."}),
        ("GET", "/media?limit=-1", None, {"limit": "Must be 1 or more."}),
        ("GET", "/media?limit=" + "9" * 40, None, {"limit": "Must be 200 or less."}),
        ("GET", "/media?limit=ten", None, {"limit": "Must be a whole number, not text."}),
        (
            "GET",
            "/media?sort=zz",
            None,
            {"sort": "“zz” is not an allowed value. Use added, rating, runtime, size, title or year."},
        ),
        (
            "GET",
            "/downloads?state=zz",
            None,
            {
                "state": "“zz” is not an allowed value. Use blocked, completed, downloading, failed, grabbing, ignored, imported, importing, open, paused, queued, removed or stalled."
            },
        ),
        ("GET", "/calendar?start=tomorrow", None, {"start": "Must be a date such as 2026-11-21."}),
    ],
)
def test_wrong_values_are_reported_by_field_in_plain_words(
    admin: Asker, method: str, path: str, body: object, errors: dict[str, str]
) -> None:
    answer = admin(method, path, json=body) if body is not None else admin(method, path)
    assert answer.status_code == 400
    assert answer.json()["errors"] == errors
    assert all(field in answer.json()["detail"] for field in errors)
    for word in ("Expected", "`", "$."):
        assert word not in answer.text
