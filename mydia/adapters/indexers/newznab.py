"""Torznab and Newznab: one protocol in two dialects, used by Prowlarr, Jackett and the indexers themselves.

Sources: the Newznab API text, the Torznab 1.3 draft, and responses of Prowlarr and Jackett.

Options of a connection: `movie_categories` and `tv_categories` (numbers), `api_path` (default `/api`), `extra_parameters`
(`&a=b`), `trusted_hosts` (private hosts that download links may point to besides the indexer's own), `rate_limit_per_min`
(searches and downloads together).
"""

from __future__ import annotations

import html
import re
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, urljoin

import lxml.etree as etree  # noqa: PLR0402  # a compiled module without types, which mypy only finds in this form
import msgspec

from mydia import clock
from mydia.adapters.errors import AdapterError, Limited, Nonsense, Refused, ServerError
from mydia.adapters.http import MAX_BYTES, Http, Response, fault, looks_like_html, read_retry_after, without_keys
from mydia.adapters.indexers import feed_xml
from mydia.adapters.indexers.base import Capabilities, Fetched, IndexerRelease, Known, Newest, Protocols, Query
from mydia.adapters.indexers.pace import keep_pace
from mydia.adapters.kinds import Connection
from mydia.adapters.torrents import magnet_for, magnet_hashes
from mydia.errors import Invalid
from mydia.vocabulary import MediaType

_CAPS_KEPT_S = 24 * 3600.0  # capabilities change with the indexer's software; Sonarr caches them for a week
_LIMIT = 100
# Maximum pages of one search. Source: Sonarr's HttpIndexerBase reads as many while a page is full.
_MOST_PAGES = 10
# An NZB of a remux or a season pack lists hundreds of thousands of parts.
_NZB_BYTES = 128 * 1024**2
_EVERY_STATUS = range(400, 600)  # error documents come with any status, so they are parsed before the status is checked
_FLAG_TAGS = frozenset({"freeleech", "halfleech", "internal", "scene", "exclusive", "personal", "featured", "nuked"})
# Parameters each mode is assumed to support if the indexer does not list them. Source: the Newznab API text.
_ASSUMED: Mapping[str, tuple[str, ...]] = {
    "search": ("q",),
    "tv-search": ("q", "rid", "season", "ep"),
    "movie-search": ("q",),
}


# Prowlarr serves torrents and NZBs under the same kind of URL.
_PROTOCOLS: Mapping[str, Protocols] = {
    "application/x-bittorrent": Protocols.TORRENT,
    "application/x-nzb": Protocols.USENET,
}


class _Caps(msgspec.Struct, frozen=True):
    """Capabilities with fields that only this module needs."""

    shown: Capabilities
    raw_text: bool
    """Whether the indexer matches raw titles; otherwise punctuation confuses its full-text search."""
    known_at_s: float


class Newznab:
    """An indexer with a Torznab or Newznab feed."""

    def __init__(self, connection: Connection, http: Http, protocol: Protocols) -> None:
        self.connection = connection
        self._http = http
        self._protocol = protocol
        self._lock = threading.Lock()
        self._caps: _Caps | None = None

    def capabilities(self) -> Capabilities:
        """Fetch its capabilities without a cache; searches cache them for a day."""
        return self._ask_capabilities().shown

    def search(self, query: Query) -> list[IndexerRelease]:
        """Search by ids if possible, then by text, until there are results."""
        caps = self._known_capabilities()
        found: list[IndexerRelease] = []
        for parameters in _tiers(query, caps):
            try:
                found = self._releases(parameters, query.limit, caps, self._categories(query.type))
            except _NotUnderstood:
                continue
            if found:
                break
        return found

    def recent(self, *, limit: int = _LIMIT) -> list[IndexerRelease]:
        """Return its newest releases, newest first."""
        caps = self._known_capabilities()
        found = self._releases({"t": "search"}, limit, caps, self._categories("any"))
        oldest = datetime.min.replace(tzinfo=UTC)
        return sorted(found, key=lambda release: release.published_at or oldest, reverse=True)

    def catch_up(self, known: Known, *, limit: int = 1_000) -> Newest:
        """Read its feed back to what is known. An indexer without a general search has a feed for each kind of title."""
        caps = self._known_capabilities()
        parts = [
            self._read_back({"t": mode}, self._categories(type), caps, known, limit, first=not index)
            for index, (mode, type) in enumerate(_feeds(caps.shown))
        ]
        return Newest(
            releases=tuple({release.guid: release for part in parts for release in part.releases}.values()),
            reached=all(part.reached for part in parts),
            ended=all(part.ended for part in parts),
            failure=next((part.failure for part in parts if part.failure is not None), None),
        )

    def _read_back(
        self,
        parameters: Mapping[str, str],
        categories: tuple[int, ...],
        caps: _Caps,
        known: Known,
        limit: int,
        *,
        first: bool,
    ) -> Newest:
        """Read one feed page by page.

        Args:
            first: Raise the failure of the first page.
        """
        page_size = min(_LIMIT, caps.shown.limit_max)
        found: dict[str, IndexerRelease] = {}
        reached = ended = False
        failure: AdapterError | None = None
        for page in range(-(-limit // page_size)):
            try:
                releases, items, total = self._page(parameters, categories, page_size, page * page_size)
            except AdapterError as error:
                if first and page == 0:
                    raise
                failure = error
                break
            before = len(found)
            found |= {release.guid: release for release in releases if release.guid not in found}
            # Servers that ignore the offset return the first page again.
            ended = items < page_size or len(found) == before or (total is not None and (page + 1) * page_size >= total)
            reached = known.is_reached_by(releases, ended=ended)
            if reached or ended:
                break
        return Newest(releases=tuple(found.values())[:limit], reached=reached, ended=ended, failure=failure)

    def fetch(self, release_url: str) -> Fetched:
        """Fetch a .torrent or .nzb file, a magnet link, or a redirect to one."""
        if (magnet := as_magnet(release_url)) is not None:
            return Fetched(None, magnet)
        trusted = self.connection.options.get("trusted_hosts") or ()
        keep_pace(self.connection)
        answer = self._http.get(
            self.connection.name,
            release_url,
            timeout_s=self.connection.timeout_s,
            home=self.connection.url,
            trusted_hosts=tuple(map(str, trusted)) if isinstance(trusted, list | tuple) else (),
            expected=_EVERY_STATUS,
            max_bytes=_NZB_BYTES,
        )
        if answer.magnet:
            return Fetched(None, as_magnet(answer.magnet) or answer.magnet)
        # Some servers send a byte order mark or blank lines before the file.
        content = answer.content.removeprefix(b"\xef\xbb\xbf").lstrip()
        if content[:8].lower() == b"magnet:?":
            return Fetched(None, as_magnet(content.decode("utf-8", "replace")))
        if answer.status < 400 and content.startswith(b"d") and len(content) <= MAX_BYTES:
            return Fetched(content, None)
        if answer.status < 400 and b"<nzb" in content[:4096]:
            if b"<segment" not in content:
                raise Nonsense(self.connection.name, "returned an NZB without files")
            return Fetched(content, None)
        self._document(answer)  # raises the error of an error document or status
        raise Nonsense(self.connection.name, "did not return a .torrent or .nzb file")

    def _known_capabilities(self) -> _Caps:
        with self._lock:
            if self._caps is None or clock.monotonic_s() - self._caps.known_at_s > _CAPS_KEPT_S:
                self._caps = self._ask_capabilities()
            return self._caps

    def _ask_capabilities(self) -> _Caps:
        document = self._get({"t": "caps"})
        if document.tag != "caps":
            raise Nonsense(self.connection.name, "did not return capabilities; check the address")
        return _read_caps(document, self.connection.name)

    def _categories(self, type: str) -> tuple[int, ...]:
        wanted: list[int] = []
        for key, types in (("movie_categories", {"movie", "any"}), ("tv_categories", {"tv", "any"})):
            listed = self.connection.options.get(key)
            if type in types and isinstance(listed, list | tuple):
                wanted += [int(number) for number in listed if str(number).isdigit()]
        defaults = {"movie": (2000,), "tv": (5000,)}
        return tuple(dict.fromkeys(wanted)) or defaults.get(type, (2000, 5000))

    def _releases(
        self, parameters: Mapping[str, str], limit: int, caps: _Caps, categories: tuple[int, ...]
    ) -> list[IndexerRelease]:
        """Read pages while they are full, up to `limit` releases."""
        page_size = min(_LIMIT, caps.shown.limit_max)
        found: dict[str, IndexerRelease] = {}
        for page in range(_MOST_PAGES):
            releases, items, total = self._page(parameters, categories, page_size, page * page_size)
            before = len(found)
            found |= {release.guid: release for release in releases if release.guid not in found}
            # Servers that ignore the offset return the first page again.
            is_last = (
                items < page_size or len(found) == before or (total is not None and (page + 1) * page_size >= total)
            )
            if is_last or len(found) >= limit:
                break
        return list(found.values())[:limit]

    def _page(
        self, parameters: Mapping[str, str], categories: tuple[int, ...], size: int, offset: int
    ) -> tuple[list[IndexerRelease], int, int | None]:
        """Return (releases, items on the page, total matches if the indexer reports them)."""
        document = self._get(
            {
                **parameters,
                "cat": ",".join(map(str, categories)) or None,
                "limit": str(size),
                "offset": str(offset),
                "extended": "1",
            }
        )
        if document.tag == "nothing":
            return [], 0, None
        channel = document.find("channel")
        if document.tag != "rss" or channel is None:
            raise Nonsense(self.connection.name, "returned a document that is not a feed")
        items = channel.findall("item")
        releases = [release for item in items if (release := self._release(item)) is not None]
        if items and not releases:
            raise Nonsense(self.connection.name, "lists releases without titles or links")
        totals = (number_of(element.get("total")) for element in channel.iterfind("{*}response"))
        return releases, len(items), next((total for total in totals if total is not None), None)

    @property
    def _api_url(self) -> str:
        url = self.connection.url.rstrip("/")
        path = str(self.connection.options.get("api_path") or "/api").rstrip("/")
        if url.endswith(path) or "/results/torznab" in url:
            return url
        return url + (path if path.startswith("/") else f"/{path}")

    def _get(self, parameters: Mapping[str, str | None]) -> etree._Element:
        options = self.connection.options
        extra = str(options.get("extra_parameters") or "").lstrip("&?")
        keep_pace(self.connection)
        answer = self._http.get(
            self.connection.name,
            self._api_url,
            params={
                **parameters,
                **dict(parse_qsl(extra)),
                "apikey": self.connection.secret.reveal() or None,
            },
            timeout_s=self.connection.timeout_s,
            expected=_EVERY_STATUS,
        )
        return self._document(answer)

    def _document(self, answer: Response) -> etree._Element:
        """Parse a response as XML; an unexpected response is raised as one of the four causes."""
        name = self.connection.name
        try:
            document = feed_xml.parse(answer.content)
        except feed_xml.TooLarge as error:
            raise Nonsense(name, f"returned more than {error}, which is too many") from error
        except etree.XMLSyntaxError as error:
            if looks_like_html(answer) and (answer.status < 400 or answer.status == 403):
                raise Nonsense(
                    name, "returned a web page: the address is wrong, or a service such as Cloudflare is in between"
                ) from error
            if answer.status >= 400:
                raise fault(name, answer) from error
            raise Nonsense(name, "returned invalid XML") from error
        if document.tag == "error":
            if (translated := self._translated(document, answer)) is not None:
                raise translated
            return etree.Element("nothing")
        if document.tag == "html" and (answer.status < 400 or answer.status == 403):
            raise Nonsense(
                name, "returned a web page: the address is wrong, or a service such as Cloudflare is in between"
            )
        if answer.status >= 400:
            raise fault(name, answer)
        return document

    def _translated(self, document: etree._Element, answer: Response) -> AdapterError | None:
        """Translate an error document; None for "no such item", which means no results."""
        name = self.connection.name
        code = number_of(document.get("code")) or 900
        said = without_keys(
            " ".join((document.get("description") or "").split())[:200], self.connection.secret.reveal()
        )
        quoted = f": “{said}”" if said else ""
        retry_after_s = read_retry_after(answer.headers.get("retry-after"))
        if answer.status == 429 or code in {429, 500, 501} or "limit reached" in said.lower():
            return Limited(name, f"limit reached{quoted}", retry_after_s=retry_after_s)
        if 100 <= code < 200:
            return Refused(name, f"rejected the API key{quoted}")
        if code == 300 and answer.status < 400:
            return None
        if 200 <= code < 300:
            return _NotUnderstood(name, f"does not understand the request{quoted}")
        if code in {410, 910} or answer.status == 410:
            return Refused(name, f"is disabled there{quoted}")
        if code == 300 or answer.status == 404:
            return Refused(name, f"no longer has this release{quoted}")
        return ServerError(name, f"server error{quoted}", retry_after_s=retry_after_s)

    def _release(self, item: etree._Element) -> IndexerRelease | None:
        title = _plain_title(_text(item, "title"))
        if not title:
            return None
        attributes = _attributes(item)
        enclosure = item.find("enclosure")
        links = [
            *([enclosure.get("url") or ""] if enclosure is not None else []),
            _text(item, "link") or "",
            _first(attributes, "magneturl") or "",
        ]
        magnets = (as_magnet(link) for link in links)
        magnet = next((link for link in magnets if link is not None), None)
        download_url = next((url for link in links if (url := self._absolute(link)) is not None), None)
        info_hash = read_hash(_first(attributes, "infohash"), magnet)
        if info_hash is not None and magnet is None and download_url is None:
            magnet = magnet_for(info_hash, title)
        guid = _text(item, "guid") or download_url or magnet
        if guid is None or (magnet is None and download_url is None):
            return None
        seeders = number_of(_first(attributes, "seeders"))
        leechers = number_of(_first(attributes, "leechers"))
        peers = number_of(_first(attributes, "peers"))
        return IndexerRelease(
            guid=guid,
            title=title,
            protocol=_PROTOCOLS.get(
                (enclosure.get("type") or "").lower() if enclosure is not None else "", self._protocol
            ),
            download_url=download_url,
            magnet=magnet,
            info_hash=info_hash,
            page_url=(_text(item, "comments") or "").removesuffix("#comments") or None,
            size_bytes=_size(item, attributes),
            published_at=_read_date(_first(attributes, "usenetdate")) or _read_date(_text(item, "pubDate")),
            seeders=seeders,
            peers=peers if peers is not None else _sum(seeders, leechers),
            grabs=number_of(_first(attributes, "grabs")) or number_of(_text(item, "grabs")),
            flags=_flags(attributes),
            languages=_languages(attributes),
            minimum_ratio=_factor(_first(attributes, "minimumratio")),
            minimum_seed_time_s=number_of(_first(attributes, "minimumseedtime")),
            categories=_categories_of(item, attributes),
            imdb_id=_imdb(_first(attributes, "imdbid") or _first(attributes, "imdb")),
            tmdb_id=number_of(_first(attributes, "tmdbid")) or None,
            tvdb_id=number_of(_first(attributes, "tvdbid")) or None,
        )

    def _absolute(self, link: str) -> str | None:
        """Return an http URL; a relative one is resolved against the feed, other schemes return None."""
        if not link or link.lower().startswith("magnet:"):
            return None
        try:
            url = urljoin(
                f"{self._api_url}/" if not link.startswith("/") else self._api_url, html.unescape(link.strip())
            )
        except ValueError:
            return None
        return url if url.startswith(("http://", "https://")) else None


class _NotUnderstood(Refused):
    """The indexer does not support the function or parameter; another query may work."""


def _feeds(caps: Capabilities) -> tuple[tuple[str, str], ...]:
    """Return (mode, type of title) of the feeds to read."""
    modes = (("tvsearch", "tv", caps.tv_search), ("movie", "movie", caps.movie_search))
    named = tuple((mode, type) for mode, type, parameters in modes if parameters)
    return (("search", "any"),) if caps.search or not named else named


def _tiers(query: Query, caps: _Caps) -> Iterator[dict[str, str]]:
    """Yield the possible queries, best first: by ids, by title in the matching mode, by free text."""
    text = query.text if caps.raw_text else _plain(query.text)
    if query.type == MediaType.MOVIE:
        yield from _movie_tiers(query, caps.shown, text)
    elif query.type == "tv":
        yield from _tv_tiers(query, caps.shown, text)
    else:
        yield {"t": "search", "q": text}


def _movie_tiers(query: Query, caps: Capabilities, text: str) -> Iterator[dict[str, str]]:
    ids = _ids(query, caps.movie_search, ("tmdbid", "imdbid"))
    if ids:
        yield {"t": "movie", **ids}
    titled = f"{text} {query.year}" if query.year else text
    if "q" in caps.search or not caps.movie_search:
        yield {"t": "search", "q": titled}
    elif "q" in caps.movie_search:
        yield {"t": "movie", "q": titled}


def _tv_tiers(query: Query, caps: Capabilities, text: str) -> Iterator[dict[str, str]]:
    season, episode = _season_and_episode(query)
    can_number = (season is None or "season" in caps.tv_search) and (episode is None or "ep" in caps.tv_search)
    place = {k: v for k, v in (("season", season), ("ep", episode)) if v is not None}
    ids = _ids(query, caps.tv_search, ("tvdbid", "imdbid", "tmdbid"))
    if ids and can_number:
        yield {"t": "tvsearch", **ids, **place}
    if "q" in caps.tv_search and can_number:
        yield {"t": "tvsearch", "q": text, **place}
    if "q" in caps.search or not caps.tv_search:
        yield {"t": "search", "q": f"{text} {_spoken_place(query)}".rstrip()}


def _ids(query: Query, supported: tuple[str, ...], order: tuple[str, ...]) -> dict[str, str]:
    values = {
        "tmdbid": str(query.tmdb_id) if query.tmdb_id else None,
        "tvdbid": str(query.tvdb_id) if query.tvdb_id else None,
        # Digits only, because servers remove the tt and some do not accept it.
        "imdbid": query.imdb_id.removeprefix("tt") if query.imdb_id else None,
    }
    return {key: value for key in order if key in supported and (value := values[key])}


def _season_and_episode(query: Query) -> tuple[str | None, str | None]:
    if query.air_on is not None:
        return str(query.air_on.year), f"{query.air_on:%m/%d}"
    # "00" for specials, because some servers treat 0 as "no season".
    season = None if query.season is None else "00" if query.season == 0 else str(query.season)
    return season, None if query.episode is None or season is None else str(query.episode)


def _spoken_place(query: Query) -> str:
    if query.air_on is not None:
        return f"{query.air_on:%Y %m %d}"
    if query.season is None:
        return ""
    return f"S{query.season:02}" + (f"E{query.episode:02}" if query.episode is not None else "")


def _plain(text: str) -> str:
    """Return a title for full-text search, without accents and punctuation.

    >>> _plain("Marvel's Agents of S.H.I.E.L.D. & Amélie")
    'Marvels Agents of S H I E L D and Amelie'
    """
    text = text.replace("&", " and ").replace("'", "").replace("’", "")
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    text = unicodedata.normalize("NFC", text)
    return " ".join(re.sub(r"[^\w\s]|_", " ", text).split())


def as_magnet(link: str) -> str | None:
    """Return a magnet link in its normal form, because feeds contain `MAGNET:` and `&amp;`; None if it is not one."""
    cleaned = html.unescape(link.strip())
    return f"magnet:{cleaned[7:]}" if cleaned[:7].lower() == "magnet:" else None


def _plain_title(text: str | None) -> str | None:
    """Return a title without HTML entities, which feeds encode up to twice."""
    for _ in range(2):
        text = html.unescape(text) if text and "&" in text else text
    return " ".join(text.split()) if text else None


def _read_caps(document: etree._Element, name: str) -> _Caps:
    modes: dict[str, tuple[str, ...]] = {}
    raw_text = False
    for mode, assumed in _ASSUMED.items():
        element = document.find(f"searching/{mode}")
        if element is None or (element.get("available") or "no").lower() != "yes":
            modes[mode] = ()
            continue
        listed = element.get("supportedParams")
        modes[mode] = assumed if listed is None else tuple(p.strip().lower() for p in listed.split(",") if p.strip())
        raw_text = raw_text or element.get("searchEngine") == "raw"
    limits = document.find("limits")
    server = document.find("server")
    limit_max = (number_of(limits.get("max")) if limits is not None else None) or _LIMIT
    return _Caps(
        Capabilities(
            title=(server.get("title") if server is not None else None) or name,
            search=modes["search"],
            tv_search=modes["tv-search"],
            movie_search=modes["movie-search"],
            limit_max=limit_max,
            categories=tuple(
                (number, " / ".join(filter(None, (above, element.get("name")))))
                for above, element in _category_elements(document)
                if (number := number_of(element.get("id"))) is not None
            ),
        ),
        raw_text,
        clock.monotonic_s(),
    )


def _category_elements(document: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    for category in document.iterfind("categories/category"):
        yield "", category
        for inner in category.iterfind("subcat"):
            yield category.get("name") or "", inner


def _attributes(item: etree._Element) -> dict[str, list[str]]:
    """Return the attr elements of all dialects with names in lower case, because feeds mix dialects and misspell namespaces."""
    found: dict[str, list[str]] = {}
    for element in item.iterfind("{*}attr"):
        key, value = element.get("name"), element.get("value")
        if key and value:
            found.setdefault(key.strip().lower(), []).append(value.strip())
    return found


def _first(attributes: Mapping[str, list[str]], name: str) -> str | None:
    values = attributes.get(name)
    return values[0] if values else None


def _text(item: etree._Element, tag: str) -> str | None:
    element = item.find(tag)
    return (element.text or "").strip() or None if element is not None else None


def number_of(text: str | None) -> int | None:
    """Parse a whole number, including `12.0` and `1,234`; None for other text."""
    if text is None:
        return None
    cleaned = text.strip().replace(",", "")
    return int(float(cleaned)) if re.fullmatch(r"\d{1,18}(\.\d+)?", cleaned) else None


def _sum(seeders: int | None, leechers: int | None) -> int | None:
    return None if seeders is None and leechers is None else (seeders or 0) + (leechers or 0)


def _size(item: etree._Element, attributes: Mapping[str, list[str]]) -> int | None:
    enclosure = item.find("enclosure")
    told = (
        _first(attributes, "size"),
        _text(item, "size"),
        enclosure.get("length") if enclosure is not None else None,
    )
    # Several indexers send zero or one for "unknown".
    return next((size for text in told if (size := size_of(text)) is not None and size > 1), None)


_SIZE = re.compile(r"(?i)(\d{1,9}(?:[.,]\d{1,6})?)\s{0,4}([kmgt])(i?)b?")
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}


def size_of(text: str | None) -> int | None:
    """Parse a size in bytes or with a unit.

    >>> size_of("1.5 GB"), size_of("734 MiB"), size_of("8193621")
    (1610612736, 769654784, 8193621)
    """
    if (number := number_of(text)) is not None:
        return number
    match = _SIZE.fullmatch((text or "").strip())
    if match is None:
        return None
    # Trackers write GB and mean GiB; the difference is not important.
    factor: int = 1024 ** _POWERS[match[2].lower()]
    return round(float(match[1].replace(",", ".")) * factor)


_LANGUAGES = re.compile(r"[,;/|]|\s-\s")


def _languages(attributes: Mapping[str, list[str]]) -> tuple[str, ...]:
    named = (part.strip() for text in attributes.get("language", ()) for part in _LANGUAGES.split(text))
    return tuple(dict.fromkeys(name for name in named if name and name.lower() not in {"unknown", "other"}))


def read_hash(told: str | None, magnet: str | None) -> str | None:
    """Return an info hash as lower-case hex, as stated or from the magnet link."""
    if told:
        try:
            return magnet_hashes(f"magnet:?xt=urn:btih:{told.strip()}")[0]
        except Invalid:
            pass
    if magnet is None:
        return None
    try:
        return magnet_hashes(magnet)[0]
    except Invalid:
        return None


def _flags(attributes: Mapping[str, list[str]]) -> tuple[str, ...]:
    flags = [tag.lower() for tag in attributes.get("tag", ()) if tag.lower() in _FLAG_TAGS]
    down = _factor(_first(attributes, "downloadvolumefactor"))
    flags += [flag for factor, flag in _DOWNLOAD_FACTORS if down == factor]
    if _factor(_first(attributes, "uploadvolumefactor")) == 2:
        flags.append("double_upload")
    if "1" in (_first(attributes, "haspretime"), _first(attributes, "prematch")):
        flags.append("scene")
    if _first(attributes, "nuked") == "1":
        flags.append("nuked")
    # 1: the archive has a password; 2: it may have one. Source: Newznab API text.
    if _first(attributes, "password") == "1":
        flags.append("password")
    return tuple(dict.fromkeys(flags))


_DOWNLOAD_FACTORS = ((0.0, "freeleech"), (0.25, "freeleech75"), (0.5, "halfleech"), (0.75, "freeleech25"))


def _factor(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _categories_of(item: etree._Element, attributes: Mapping[str, list[str]]) -> tuple[int, ...]:
    told = [*attributes.get("category", ()), *(element.text or "" for element in item.iterfind("category"))]
    numbers = (number_of(part) for text in told for part in text.split(","))
    return tuple(dict.fromkeys(number for number in numbers if number))


def _imdb(text: str | None) -> str | None:
    digits = (text or "").lower().removeprefix("tt")
    return f"tt{int(digits):07}" if digits.isascii() and digits.isdigit() and int(digits) else None


_ZONE = re.compile(r"\s([A-Za-z]{2,5})\s*$")
# Zone names that RFC 822 does not define, or that `email.utils` treats as UTC.
_ZONES: Mapping[str, str] = {
    "CET": "+0100",
    "CEST": "+0200",
    "MEZ": "+0100",
    "MESZ": "+0200",
    "EET": "+0200",
    "EEST": "+0300",
    "WET": "+0000",
    "WEST": "+0100",
    "BST": "+0100",
    "MSK": "+0300",
    "JST": "+0900",
    "AEST": "+1000",
    "AEDT": "+1100",
    "NZST": "+1200",
    "NZDT": "+1300",
}


def _read_date(text: str | None) -> datetime | None:
    """Parse a date of a feed in RFC 822 format, or in other formats that feeds use; returns UTC.

    >>> _read_date("Sat, 14 Mar 2015 17:10:42 -0400").isoformat()
    '2015-03-14T21:10:42+00:00'
    """
    if not text:
        return None
    zone = _ZONE.search(text)
    if zone is not None and (offset := _ZONES.get(zone[1].upper())) is not None:
        text = f"{text[: zone.start()]} {offset}"
    parsed: datetime | None = None
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        for pattern in (
            "%Y-%m-%dT%H:%M:%S%z",
            "%Y-%m-%d %H:%M:%S%z",
            "%Y-%m-%d %H:%M:%S",
            "%d %b %Y %H:%M:%S",
            "%Y-%m-%d",
        ):
            try:
                parsed = datetime.strptime(text, pattern)  # noqa: DTZ007  # the zone is added below
                break
            except ValueError:
                continue
    if parsed is None and text.isdigit() and len(text) in {10, 13}:
        return datetime.fromtimestamp(int(text[:10]), UTC)
    if parsed is None:
        return None
    try:
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None
