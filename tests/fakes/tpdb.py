"""A stand-in for the optional third source with its formats: Laravel envelopes and inconsistent types."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.stand_in import Answer, Asked, StandIn

TOKEN = "third-0123456789"
"""The token that the stand-in accepts."""

SITES = (
    {"uuid": "a-1", "id": 71, "name": "Lighthouse Films", "short_name": "lighthousefilms", "url": "https://lighthouse.test",
     "description": "A studio by the sea.", "logo": "https://lighthouse.test/logo.png", "network": {"id": 7, "name": "Coast Network"}},
    {"uuid": "a-2", "id": 72, "name": "Mountain Films", "short_name": "mountainfilms", "poster": None},
)  # fmt: skip
SCENES: tuple[dict[str, Any], ...] = (
    {"id": 501, "_id": "u501", "title": "Arrival", "slug": "arrival", "site_id": 71, "date": "2023-03-01", "duration": 1500,
     "description": "First.", "image": "https://lighthouse.test/501.jpg", "performers": [{"id": "9", "name": "Robin Doe"}],
     "tags": ["Indoors"], "site": {"short_name": "lighthousefilms"}},
    {"id": "502", "title": "Departure", "slug": "departure", "site_id": 71, "date": "2025-01-05", "duration": None,
     "background": {"full": "https://lighthouse.test/502.jpg"}, "tags": [{"id": 1, "name": "Outdoors"}], "site": {"short_name": "lighthousefilms"}},
    {"id": 503, "title": "Return", "slug": "return", "site_id": 71, "date": "2025-01-04", "site": {"short_name": "lighthousefilms"}},
)  # fmt: skip
MOVIES = (
    {"id": 900, "_id": "u900", "title": "The Keeper", "slug": "the-keeper", "date": "2021-06-01", "duration": 5400,
     "description": "Somebody keeps the light.", "poster": "https://lighthouse.test/900.jpg", "site": {"name": "Lighthouse Films"},
     "performers": [{"id": 9, "name": "Robin Doe", "image": "https://lighthouse.test/9.jpg"}], "directors": [{"id": 3, "name": "Alex Roe"}],
     "tags": [{"id": 2, "name": "Drama"}], "links": []},
)  # fmt: skip


class ThirdSource(StandIn):
    """The catalogue of the rows above."""

    def error_body(self, kind: str) -> Answer:
        """Answer with an active fault."""
        status = {"limited": 429, "maintenance": 503, "not_found": 404, "bad_key": 401}.get(kind, 500)
        return Answer.of({"message": "Server Error"}, status)

    def answer(self, asked: Asked) -> Answer:
        """Answer one request."""
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer.of({"message": "Unauthenticated."}, 401)
        word = asked.query.get("q", "").casefold()
        if asked.path in ("/sites", "/movies"):
            rows = SITES if asked.path == "/sites" else MOVIES
            return _listed([row for row in rows if word in str(row.get("name") or row.get("title")).casefold()], asked)
        if asked.path == "/scenes":
            rows = [row for row in SCENES if row["site"]["short_name"] == asked.query.get("site")]
            rows = [row for row in rows if str(row["date"]).startswith(asked.query.get("year", ""))]
            return _listed(sorted(rows, key=lambda row: str(row["date"]), reverse=True), asked)
        if match := re.fullmatch(r"/(sites|movies)/([\w-]+)", asked.path):
            rows = SITES if match[1] == "sites" else MOVIES
            for row in rows:
                if match[2] in (row.get("short_name"), str(row["id"])):
                    return Answer.of({"data": row})
        return Answer.of({"message": "No query results."}, 404)


def _listed(rows: Any, asked: Asked) -> Answer:
    size, page = int(asked.query.get("per_page", "25")), int(asked.query.get("page", "1"))
    last = max(1, -(-len(rows) // size))
    shown = rows[(page - 1) * size : page * size]
    meta = {"current_page": page, "last_page": last, "per_page": size, "total": len(rows)}
    return Answer.of({"data": shown, "links": {}, "meta": meta})
