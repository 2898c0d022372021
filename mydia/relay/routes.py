"""The addresses of the relay, the upstream request of each, and the key of its cache entry. Pure.

The paths are those of the original Mydia relay (`/tmdb/movies/…`, `/tvdb/series/…`: TheTVDB's envelope is passed on)
and of MediaManager's relay (`/tvdb/tv/…`, `/tvdb/movies/…`: the envelope is removed), so that clients of both can
use this one unchanged. The first rule that matches wins, so words such as `trending` come before numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

import msgspec

_SUB = "credits|external_ids|videos|recommendations|similar|keywords|alternative_titles|translations|watch/providers"

_ID = r"([0-9]{1,10})"
_SEASON = r"([0-9]{1,5})"
_EPISODES = ("airDate", "episodeNumber", "page", "season")


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One address of the relay."""

    path: re.Pattern[str]
    upstream: str
    """`tmdb` or `tvdb`."""
    target: str
    """The upstream's path; `{0}`, `{1}` are the numbers of ours."""
    kind: str
    """A key of `ttl.TTL_S`."""
    params: tuple[str, ...] | None = None
    """The parameters that are passed on; None for all of them."""
    must: tuple[tuple[str, type], ...] = ()
    """The keys, with their types, that an answer must have to be accepted."""
    named_by: tuple[str, ...] = ()
    """The keys of which one must be a text that is not empty."""
    fixed: tuple[tuple[str, str], ...] = ()
    unwrapped: bool = False
    """Whether TheTVDB's `data` is returned without its envelope."""
    needs: str | None = None
    """A required parameter."""

    @property
    def is_about_one(self) -> bool:
        """Whether the address names one title, season or person, which the upstream may not have."""
        return "{0}" in self.target


_PAGE_OF = (("results", list),)
_ONE = (("id", int),)
_TITLE = (*_ONE, ("genres", list))
_NAMES = ("title", "name", "original_title", "original_name")
_DATA = (("data", dict),)
_DATA_LIST = (("data", list),)


def _tmdb(
    path: str,
    target: str,
    kind: str,
    must: tuple[tuple[str, type], ...] = (),
    needs: str | None = None,
    *,
    named_by: tuple[str, ...] = (),
) -> Rule:
    return Rule(
        path=re.compile(path), upstream="tmdb", target=target, kind=kind, must=must, needs=needs, named_by=named_by
    )


def _tvdb(
    path: str,
    target: str,
    kind: str,
    params: tuple[str, ...] | None = (),
    must: tuple[tuple[str, type], ...] = _DATA,
    *,
    fixed: tuple[tuple[str, str], ...] = (),
    unwrapped: bool = False,
    needs: str | None = None,
) -> Rule:
    return Rule(
        path=re.compile(path),
        upstream="tvdb",
        target=target,
        kind=kind,
        params=params,
        must=must,
        fixed=fixed,
        unwrapped=unwrapped,
        needs=needs,
    )


RULES: tuple[Rule, ...] = (
    _tmdb("/configuration", "/configuration", "other", (("images", dict),)),
    _tmdb("/tmdb/movies/search", "/search/movie", "search", _PAGE_OF, "query"),
    _tmdb("/tmdb/tv/search", "/search/tv", "search", _PAGE_OF, "query"),
    _tmdb("/tmdb/movies/trending", "/trending/movie/week", "list", _PAGE_OF),
    _tmdb("/tmdb/tv/trending", "/trending/tv/week", "list", _PAGE_OF),
    _tmdb("/tmdb/movies/(popular|upcoming|now_playing|top_rated)", "/movie/{0}", "list", _PAGE_OF),
    _tmdb("/tmdb/tv/(popular|on_the_air|airing_today|top_rated)", "/tv/{0}", "list", _PAGE_OF),
    _tmdb("/tmdb/movies/discover", "/discover/movie", "list", _PAGE_OF),
    _tmdb("/tmdb/tv/discover", "/discover/tv", "list", _PAGE_OF),
    _tmdb("/tmdb/genre/(movie|tv)", "/genre/{0}/list", "other", (("genres", list),)),
    _tmdb(f"/tmdb/list/{_ID}", "/list/{0}", "list"),
    _tmdb(f"/tmdb/collections/{_ID}", "/collection/{0}", "other", _ONE),
    _tmdb("/tmdb/find/([A-Za-z0-9_-]{1,64})", "/find/{0}", "search", (("movie_results", list),), "external_source"),
    _tmdb(f"/tmdb/movies/{_ID}", "/movie/{0}", "details", _TITLE, named_by=_NAMES),
    _tmdb(f"/tmdb/tv/shows/{_ID}", "/tv/{0}", "details", _TITLE, named_by=_NAMES),
    _tmdb(f"/tmdb/movies/{_ID}/images", "/movie/{0}/images", "images", _ONE),
    _tmdb(f"/tmdb/tv/shows/{_ID}/images", "/tv/{0}/images", "images", _ONE),
    _tmdb(f"/tmdb/movies/{_ID}/({_SUB}|release_dates)", "/movie/{0}/{1}", "other"),
    _tmdb(f"/tmdb/tv/shows/{_ID}/({_SUB}|content_ratings|aggregate_credits|episode_groups)", "/tv/{0}/{1}", "other"),
    _tmdb(f"/tmdb/tv/shows/{_ID}/{_SEASON}", "/tv/{0}/season/{1}", "season", (("episodes", list),)),
    _tvdb("/tvdb/search", "/search", "search", None, _DATA_LIST),
    _tvdb("/tvdb/search/remoteid/([A-Za-z0-9_-]{1,64})", "/search/remoteid/{0}", "search", (), _DATA_LIST),
    _tvdb(f"/tvdb/series/{_ID}", "/series/{0}", "details"),
    _tvdb(f"/tvdb/series/{_ID}/extended", "/series/{0}/extended", "details", None),
    _tvdb(f"/tvdb/series/{_ID}/episodes", "/series/{0}/episodes/default", "season", _EPISODES),
    _tvdb(f"/tvdb/series/{_ID}/episodes/(default|official|dvd|absolute|alternate|regional)", "/series/{0}/episodes/{1}", "season",
          _EPISODES),
    _tvdb(f"/tvdb/series/{_ID}/episodes/(default|official|dvd|absolute|alternate|regional)/([a-z]{{2,4}})",
          "/series/{0}/episodes/{1}/{2}", "season", ("page",)),
    _tvdb(f"/tvdb/seasons/{_ID}", "/seasons/{0}", "season"),
    _tvdb(f"/tvdb/seasons/{_ID}/extended", "/seasons/{0}/extended", "season", None),
    _tvdb(f"/tvdb/episodes/{_ID}", "/episodes/{0}", "season"),
    _tvdb(f"/tvdb/episodes/{_ID}/extended", "/episodes/{0}/extended", "season", None),
    _tvdb(f"/tvdb/artwork/{_ID}", "/artwork/{0}", "images"),
    _tvdb(f"/tvdb/movies/{_ID}/extended", "/movies/{0}/extended", "details", None),
    _tvdb("/tvdb/tv/trending", "/series", "list", (), _DATA_LIST, fixed=(("page", "0"),), unwrapped=True),
    _tvdb("/tvdb/movies/trending", "/movies", "list", (), _DATA_LIST, fixed=(("page", "0"),), unwrapped=True),
    _tvdb("/tvdb/(?:tv|movies)/search", "/search", "search", ("query",), _DATA_LIST, unwrapped=True, needs="query"),
    _tvdb(f"/tvdb/tv/shows/{_ID}", "/series/{0}/extended", "details", unwrapped=True),
    _tvdb(f"/tvdb/tv/seasons/{_ID}", "/seasons/{0}/extended", "season", unwrapped=True),
    _tvdb(f"/tvdb/movies/{_ID}", "/movies/{0}/extended", "details", unwrapped=True),
)  # fmt: skip

# The addresses above with anything in place of a number: a malformed id is answered with 400 instead of 404.
_WITH_ID = re.compile(
    r"/tmdb/(?:movies|tv/shows|list|collections)/[^/]+(?:/[^/]+)?|/tvdb/(?:series|seasons|episodes|artwork|movies)/[^/]+(?:/extended|/episodes)?"
    r"|/tvdb/tv/(?:shows|seasons)/[^/]+"
)
_MAX_PATH = 256
_MAX_VALUE = 512
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
# Default values must not create a second entry. Source: the reference of TMDB's endpoints.
_DEFAULTS = {"page": "1", "include_adult": "false", "include_video": "false", "language": "en-US"}
_TVDB_DEFAULTS = {"page": "0", "short": "false", "offset": "0"}
_LISTS = ("append_to_response",)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_OURS = frozenset({"api_key", "apikey", "access_token", "session_id", "guest_session_id"})
"""Credentials are the relay's; those of a caller are ignored."""


class Request(msgspec.Struct, frozen=True):
    """A request to an upstream."""

    rule: Rule
    key: str
    """Canonical: equal for every spelling of the same request."""
    path: str
    params: Mapping[str, str] = msgspec.field(default_factory=dict)


class Wrong(msgspec.Struct, frozen=True):
    """The answer to a request that is not sent upstream."""

    status: int
    body: object
    """JSON, or a str for plain text."""


def resolve(path: str, params: Mapping[str, str]) -> Request | Wrong:
    """Translate a request to the relay into one to an upstream.

    >>> resolve("/tmdb/movies/19", {"language": "en-US", "api_key": "theirs"}).key
    'tmdb:/movie/19'
    """
    path = path.rstrip("/") or "/"
    if len(path) > _MAX_PATH:
        return Wrong(404, "Not found")
    for rule in RULES:
        match = rule.path.fullmatch(path)
        if match is not None:
            return _asked(rule, tuple(_plain(part) for part in match.groups()), params)
    if _WITH_ID.fullmatch(path):
        return Wrong(400, {"error": "Invalid id", "message": "Ids and season numbers are whole numbers."})
    return Wrong(404, "Not found")


def _asked(rule: Rule, parts: tuple[str, ...], params: Mapping[str, str]) -> Request | Wrong:
    kept: dict[str, str] = {}
    key_parts: list[str] = []
    defaults = _DEFAULTS if rule.upstream == "tmdb" else _TVDB_DEFAULTS
    for name in sorted(params.keys() - _OURS if rule.params is None else params.keys() & set(rule.params)):
        value = params[name]
        if not _NAME.fullmatch(name):
            return Wrong(400, {"error": "Invalid parameter", "message": "A parameter's name is not valid."})
        if len(value) > _MAX_VALUE or _UNPRINTABLE.search(value):
            return Wrong(400, {"error": "Invalid parameter", "message": f"The value of {name} is not valid."})
        value = " ".join(value.split())
        if name in _LISTS:
            value = ",".join(sorted({part.strip() for part in value.split(",") if part.strip()}))
        if not value or value == defaults.get(name):
            continue
        kept[name] = value
        # Both upstreams ignore case in searches.
        # Quoted, because a value with & and = must not look like two parameters.
        key_parts.append(f"{name}={quote(value.casefold() if name in ('query', 'q') else value, safe=' ,')}")
    if rule.needs and rule.needs not in kept:
        return _missing(rule)
    path = rule.target.format(*parts)
    query = "&".join(key_parts)
    key = f"{rule.upstream}:{path}{'?' if query else ''}{query}"
    # An answer without its envelope is a separate entry.
    return Request(rule, f"{key}#data" if rule.unwrapped else key, path, kept | dict(rule.fixed))


def _missing(rule: Rule) -> Wrong:
    if rule.unwrapped:
        detail = {"type": "missing", "loc": ["query", rule.needs], "msg": "Field required", "input": None}
        return Wrong(422, {"detail": [detail]})
    # What TMDB would answer.
    return Wrong(422, {"errors": [f"{rule.needs} must be provided"]})


def _plain(part: str) -> str:
    # 007 and 7 are the same id.
    return str(int(part)) if part.isascii() and part.isdigit() else part
