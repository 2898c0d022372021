"""A Torznab (or Newznab) indexer written to the specification, serving real .torrent files.

As a context manager in tests, or by itself: `python -m tests.fakes.torznab --folder DIR --tracker URL` offers every file
and folder in DIR under its own name; an `offers.json` there may add facts: `{"name": {"tmdb_id": 1, "seeders": 9}}`.
"""

from __future__ import annotations

import argparse
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from copy import replace
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from mydia import clock
from tests.fakes.stand_in import Answer, Asked, StandIn
from tests.fakes.torrent_files import MadeTorrent, make_torrent

KEY = "fedcba9876543210fedcba9876543210"
"""The API key that the stand-in accepts."""

_NAMESPACES = {
    "torznab": "http://torznab.com/schemas/2015/feed",
    "newznab": "http://www.newznab.com/DTD/2010/feeds/attributes/",
}
_TYPES = {"torznab": "application/x-bittorrent", "newznab": "application/x-nzb"}
_NUMBERED = re.compile(r"(?i)\bS(\d{1,2})(?:E(\d{1,3}))?\b")
_PARAMETERS = frozenset(
    [
        "t",
        "q",
        "cat",
        "apikey",
        "limit",
        "offset",
        "extended",
        "attrs",
        "o",
        "maxage",
        "season",
        "ep",
        "tvdbid",
        "imdbid",
        "tmdbid",
        "rid",
        "tvmazeid",
        "year",
        "genre",
    ]
)


@dataclass(frozen=True)
class Offer:
    """One release on the indexer. Season and episode are read from the title unless given."""

    title: str
    content: bytes | None = None
    """The .torrent or .nzb that is downloaded; None when there is only a magnet."""
    magnet: str | None = None
    info_hash: str | None = None
    size_bytes: int = 1_500_000_000
    seeders: int = 10
    leechers: int = 2
    grabs: int = 5
    categories: tuple[int, ...] = (2000, 2040)
    published_at: datetime | None = None
    imdb_id: str | None = None
    tmdb_id: int | None = None
    tvdb_id: int | None = None
    season: int | None = None
    episode: int | None = None
    redirect_to_magnet: bool = False
    """The download link answers 301 to the magnet, as Prowlarr does."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """More attr elements, such as `downloadvolumefactor`."""

    @property
    def place(self) -> tuple[int | None, int | None]:
        """The season and episode it is about."""
        if self.season is not None:
            return self.season, self.episode
        if found := _NUMBERED.search(self.title.replace(".", " ")):
            return int(found[1]), int(found[2]) if found[2] else None
        return None, None


class Torznab(StandIn):
    """One indexer; `url` plus `/api` is where Mydia is pointed.

    Args:
        dialect: `torznab` or `newznab`.
        tv_parameters, movie_parameters: For the capabilities; empty disables the mode, None omits it.
        error_status: The status of error documents: 200 by the specification, others as Prowlarr does.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        key: str = KEY,
        title: str = "Public domain indexer",
        dialect: str = "torznab",
        search_parameters: str | None = "q",
        tv_parameters: str | None = "q,season,ep,tvdbid,imdbid,tmdbid",
        movie_parameters: str | None = "q,imdbid,tmdbid",
        raw_search: bool = False,
        limit_max: int = 100,
        error_status: int = 200,
    ) -> None:
        super().__init__(port=port, host=host)
        self.key = key
        self.title = title
        self.dialect = dialect
        self.modes = {"search": search_parameters, "tv-search": tv_parameters, "movie-search": movie_parameters}
        self.raw_search = raw_search
        self.limit_max = limit_max
        self.error_status = error_status
        self.offers: list[Offer] = []
        self.spoil: Callable[[Answer], Answer] | None = None
        """Applied to every answer of the API while set; see `SPOILED`."""

    @property
    def api_url(self) -> str:
        """The indexer's configured address."""
        return f"{self.url}/api"

    @property
    def searches(self) -> list[Mapping[str, str]]:
        """All queries, without capabilities and downloads."""
        return [a.query for a in self.asked if a.path.endswith("/api") and a.query.get("t") not in {"caps", None}]

    def offer(self, torrent: MadeTorrent, title: str | None = None, **facts: Any) -> Offer:
        """Add an existing torrent to the indexer."""
        made = Offer(
            title=title or torrent.name,
            content=torrent.content,
            info_hash=torrent.info_hash,
            size_bytes=facts.pop("size_bytes", torrent.size_bytes),
            **facts,
        )
        self.offers.append(made)
        return made

    def answer(self, asked: Asked) -> Answer:
        """Answer one request."""
        if asked.path.startswith("/download/"):
            return self._download(asked)
        if not asked.path.endswith("/api"):
            return Answer(404, b"<html><body>Not found</body></html>", content_type="text/html")
        answer = self._api(asked)
        return self.spoil(answer) if self.spoil else answer

    def error_body(self, kind: str) -> Answer:
        """Answer with an active fault as indexers do."""
        match kind:
            case "limited":
                return _error(500, "Request limit reached", 429)
            case "bad_key":
                return _error(100, "Incorrect user credentials", self.error_status)
            case "not_found":
                return _error(300, "No such item", self.error_status)
            case "maintenance":
                return Answer(503, b"<html>Down for maintenance</html>", content_type="text/html")
            case _:
                return _error(900, f"Unknown error while asking with apikey={self.key}", 500)

    def _api(self, asked: Asked) -> Answer:
        query = asked.query
        kind = query.get("t")
        if kind is None:
            return _error(200, "Missing parameter (t)", self.error_status)
        if kind == "caps":
            return self._caps()
        if query.get("apikey") != self.key:
            return _error(100, "Incorrect user credentials", self.error_status)
        mode = {"search": "search", "tvsearch": "tv-search", "movie": "movie-search", "get": "get"}.get(kind)
        if mode is None:
            return _error(202, f"No such function ({kind})", self.error_status)
        if mode == "get":
            offer = next((o for o in self.offers if o.title == query.get("id")), None)
            return self._file(offer) if offer else _error(300, "No such item", self.error_status)
        if self.modes[mode] == "":
            return _error(203, "Function not available", self.error_status)
        for wrong in sorted(set(query) - _PARAMETERS):
            return _error(201, f"Incorrect parameter ({wrong})", self.error_status)
        if not all(query.get(name, "0").isdigit() for name in ("limit", "offset")):
            return _error(201, "Incorrect parameter (limit)", self.error_status)
        found = [offer for offer in self.offers if self._fits(offer, mode, query)]
        found.sort(key=lambda offer: offer.published_at or datetime.min.replace(tzinfo=UTC), reverse=True)
        start = int(query.get("offset", 0))
        page = found[start : start + min(int(query.get("limit", self.limit_max)), self.limit_max)]
        return self._feed(page, start, len(found))

    def _fits(self, offer: Offer, mode: str, query: Mapping[str, str]) -> bool:
        words = _words(query.get("q", ""))
        if not words <= _words(offer.title):
            return False
        wanted = {int(number) for number in query.get("cat", "").split(",") if number.isdigit()}
        if wanted and not any(c in wanted or c // 1000 * 1000 in wanted for c in offer.categories):
            return False
        given = self.modes[mode] or ""
        ids = {"tmdbid": offer.tmdb_id, "tvdbid": offer.tvdb_id, "imdbid": (offer.imdb_id or "").removeprefix("tt")}
        asked_ids = {key: query[key].removeprefix("tt") for key in ids if query.get(key) and key in given}
        if asked_ids and not any(str(ids[key] or "") == value for key, value in asked_ids.items()):
            return False
        season, episode = offer.place
        if mode == "tv-search" and query.get("season"):
            if "/" in query.get("ep", ""):
                return f"{query['season']} {query['ep'].replace('/', ' ')}" in " ".join(re.split(r"\W+", offer.title))
            if season != int(query["season"]):
                return False
            if query.get("ep") and episode is not None and episode != int(query["ep"]):
                return False
        return True

    def _caps(self) -> Answer:
        engine = ' searchEngine="raw"' if self.raw_search else ""
        modes = "".join(
            f'<{mode} available="{"no" if given == "" else "yes"}"'
            + (f" supportedParams={quoteattr(given)}" if given else "")
            + f"{engine}/>"
            for mode, given in self.modes.items()
        )
        return _xml(
            f"<caps><server version='1.3' title={quoteattr(self.title)}/>"
            f'<limits max="{self.limit_max}" default="{min(50, self.limit_max)}"/>'
            f'<searching>{modes}<audio-search available="no"/></searching>'
            '<categories><category id="2000" name="Movies"><subcat id="2040" name="HD"/><subcat id="2045" name="UHD"/>'
            '</category><category id="5000" name="TV"><subcat id="5040" name="HD"/><subcat id="5070" name="Anime"/>'
            "</category></categories></caps>",
            "application/xml",
        )

    def _feed(self, page: list[Offer], start: int, total: int) -> Answer:
        items = "".join(map(self._item, page))
        prefix = self.dialect
        return _xml(
            f'<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:{prefix}="{_NAMESPACES[prefix]}">'
            f'<channel><atom:link href="{self.url}/api" rel="self" type="application/rss+xml"/>'
            f"<title>{escape(self.title)}</title><link>{self.url}/</link>"
            f'<{prefix}:response offset="{start}" total="{total}"/>{items}</channel></rss>',
            "application/rss+xml",
        )

    def _item(self, offer: Offer) -> str:
        number = self.offers.index(offer)
        ending = "torrent" if self.dialect == "torznab" else "nzb"
        link = f"{self.url}/download/{number}/{quote(offer.title)}.{ending}?apikey={self.key}"
        if offer.content is None and not offer.redirect_to_magnet:
            link = offer.magnet or link
        season, episode = offer.place
        attributes: list[tuple[str, object]] = [("category", category) for category in offer.categories]
        attributes += [("size", offer.size_bytes), ("grabs", offer.grabs)]
        if self.dialect == "torznab":
            attributes += [("seeders", offer.seeders), ("peers", offer.seeders + offer.leechers)]
            attributes += [
                ("infohash", offer.info_hash),
                ("magneturl", None if offer.redirect_to_magnet else offer.magnet),
            ]
        attributes += [("imdbid", offer.imdb_id), ("tmdbid", offer.tmdb_id), ("tvdbid", offer.tvdb_id)]
        attributes += [("season", season), ("episode", episode), *offer.attributes.items()]
        written = "".join(
            f"<{self.dialect}:attr name={quoteattr(name)} value={quoteattr(str(value))}/>"
            for name, value in attributes
            if value is not None
        )
        published = format_datetime(offer.published_at) if offer.published_at else ""
        return (
            f'<item><title>{escape(offer.title)}</title><guid isPermaLink="true">{self.url}/details/{number}</guid>'
            f"<link>{escape(link)}</link><comments>{self.url}/details/{number}#comments</comments>"
            f"<pubDate>{published}</pubDate><size>{offer.size_bytes}</size><category>{offer.categories[0]}</category>"
            f'<enclosure url={quoteattr(link)} length="{offer.size_bytes}" type="{_TYPES[self.dialect]}"/>'
            f"{written}</item>"
        )

    def _download(self, asked: Asked) -> Answer:
        if asked.query.get("apikey") != self.key:
            return _error(100, "Incorrect user credentials", 401)
        number = asked.path.split("/")[2]
        if not number.isdigit() or int(number) >= len(self.offers):
            return _error(300, "No such item", 404)
        return self._file(self.offers[int(number)])

    def _file(self, offer: Offer) -> Answer:
        if offer.redirect_to_magnet and offer.magnet:
            return Answer(301, b"", {"Location": offer.magnet})
        if offer.content is None:
            return _error(300, "No such item", 410)
        name = {"Content-Disposition": f'attachment; filename="{quote(offer.title)}"'}
        return Answer(200, offer.content, name, _TYPES[self.dialect])


SPOILED: Mapping[str, Callable[[Answer], Answer]] = {
    "web_page": lambda _: Answer(
        200, b"<!DOCTYPE html><html><body>Just a moment...</body></html>", content_type="text/html"
    ),
    "cut_short": lambda answer: replace(answer, body=answer.body[: len(answer.body) * 2 // 3]),
    "wrong_types": lambda answer: replace(
        answer, body=re.sub(rb'(value|length|max)="\d+"', rb'\1="many"', answer.body)
    ),
    "control_characters": lambda answer: replace(answer, body=answer.body.replace(b"<title>", b"<title>\x08\x1b")),
    "entities": lambda answer: replace(
        answer,
        body=b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname"><!ENTITY b "&a;&a;">]>'
        + answer.body.split(b"?>", 1)[1].replace(b"<title>", b"<title>&b;"),
    ),
    "empty": lambda answer: replace(answer, body=b""),
    "other_document": lambda answer: replace(answer, body=b"<?xml version='1.0'?><opml/>"),
    "huge": lambda answer: replace(answer, body=answer.body + b" " * (17 * 1024**2)),
    "limit_in_words": lambda _: _error(900, "Request limit reached", 200),
}
"""Wrong responses with status 200, for `Torznab.spoil`."""


def _words(text: str) -> set[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return set(re.findall(r"\w+", plain.replace("'", "").replace("’", "").replace("_", " ")))


def _error(code: int, description: str, status: int) -> Answer:
    answer = _xml(f'<error code="{code}" description={quoteattr(description)}/>', "application/xml")
    return replace(answer, status=status)


def _xml(body: str, content_type: str) -> Answer:
    return Answer(
        200, f'<?xml version="1.0" encoding="utf-8"?>{body}'.encode(), content_type=f"{content_type}; charset=utf-8"
    )


def offer_folder(server: Torznab, folder: Path, tracker: str | None) -> list[MadeTorrent]:
    """Create a torrent of every entry of a folder and offer it, newest first in order of name."""
    listed = folder / "offers.json"
    facts: dict[str, dict[str, Any]] = json.loads(listed.read_text()) if listed.exists() else {}
    made = []
    for age, path in enumerate(sorted(p for p in folder.iterdir() if p != listed and not p.name.startswith("."))):
        torrent = make_torrent(path, tracker=tracker)
        title = path.name if path.is_dir() else path.stem
        known = dict(facts.get(path.name, {}))
        known.setdefault("published_at", clock.now() - timedelta(hours=age + 1))
        known["categories"] = tuple(
            known.get("categories") or ((5000, 5040) if _NUMBERED.search(title.replace(".", " ")) else (2000, 2040))
        )
        server.offer(torrent, known.pop("title", title), **known)
        made.append(torrent)
    return made


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A stand-in for a Torznab indexer.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--tracker", help="Announce address that the torrents carry.")
    wish = parser.parse_args()
    server = Torznab(port=wish.port, host=wish.host)
    offered = offer_folder(server, wish.folder, wish.tracker)
    print(f"Torznab stand-in: {len(offered)} releases at {server.api_url} with key {KEY}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
