"""The providers' routes. Plex cannot sign in, so they are public once an administrator turns them on."""

from __future__ import annotations

import hmac
import json
import logging
import re
import threading
from collections.abc import Callable
from copy import replace
from typing import Any

from litestar import Response, Router, get, post
from litestar.exceptions import HTTPException

from mydia.adapters.metadata_providers import Tpdb
from mydia.contexts import settings
from mydia.errors import Invalid, MydiaError, NotFound
from mydia.relay.stores import SqliteStore
from mydia.relay.times import REAL_TIMES, Times
from mydia.web.deps import NotSignedIn, WebDeps, WebRequest, deps_of
from mydia.web.plex import shapes
from mydia.web.plex.cache import Cache, Turns
from mydia.web.plex.keys import RatingKey
from mydia.web.plex.matching import Question
from mydia.web.plex.provider import Catalogue, PlexProvider, providers
from mydia.web.plex.shapes import Item, Wish

logger = logging.getLogger(__name__)

type Answer = Response[dict[str, Any]]

_STATUS = {"not_found": 404, "invalid": 400, "not_signed_in": 401, "forbidden": 403, "unavailable": 503, "limited": 429}
_PAGE = 20
"""Items per page unless Plex requests another number. Source: MediaProvider.md."""
_MAX_PAGE = 1000
_MAX_BODY_BYTES = 64 * 1024
_STORE_BYTES = 1024**3  # the relay's limit, because it is the same file
_KEPT_STALE_S = 7 * 86_400.0
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{2}))?(?:[-_].*)?")
_making = threading.Lock()


def make_service(deps: WebDeps, times: Times = REAL_TIMES) -> tuple[dict[str, PlexProvider], Cache]:
    """Make both providers of an application, and the cache to close when it stops."""
    store = SqliteStore(deps.config.cache_path, max_bytes=_STORE_BYTES, keep_stale_s=_KEPT_STALE_S, times=times)
    cache = Cache(store, times=times)
    main = Catalogue(deps.outside, Turns(times))
    third = None
    if token := deps.config.secret("metadata.adult_token"):
        turns = Turns(times)
        source = Tpdb(deps.outside.http, str(deps.config["metadata.adult_url"]), token, turn=turns.take)
        # The source limits its requests itself.
        third = Catalogue(replace(deps.outside, metadata=lambda: source), Free())
    return dict(providers(main, third, cache)), cache


class Free(Turns):
    """No limit, for a source that limits its own requests."""

    def take(self) -> None:
        """Return at once."""


def _service(request: WebRequest) -> dict[str, PlexProvider]:
    state = request.app.state
    with _making:
        made: dict[str, PlexProvider] | None = state.get("plex")
        if made is None:
            made, cache = make_service(deps_of(request))
            state.closing.append(cache.close)
            state.plex = made
    return made


def _admit(request: WebRequest) -> None:
    """Refuse requests while the provider is turned off, or if they lack its token."""
    deps = deps_of(request)
    with deps.database.reads() as session:
        enabled = settings.of(session).plex.enabled
    if not enabled:
        raise NotFound("The metadata provider for Plex is turned off. An administrator can turn it on.")
    token = deps.config.secret("plex.token")
    given = request.path_params.get("token")
    if not token:
        if given is not None:
            raise NotFound("There is nothing here.")
        return
    known = str(given if given is not None else request.query_params.get("token", ""))
    if not hmac.compare_digest(known.encode(), token.reveal().encode()):
        raise NotSignedIn("This provider needs its token: /plex/<token>/movie or /plex/<token>/tv.")


def _asked(request: WebRequest, name: str) -> str | None:
    """Return a value from the headers or the query."""
    value = request.headers.get(name) or request.query_params.get(name)
    return value.strip() or None if value else None


def _wish(request: WebRequest) -> Wish:
    deps = deps_of(request)
    with deps.database.reads() as session:
        language = settings.of(session).metadata.language
        region = settings.of(session).metadata.region
    if (told := _asked(request, "X-Plex-Language")) and (match := _LANGUAGE.fullmatch(told)):
        language = match[1].lower() + (f"-{match[2].upper()}" if match[2] else "")
        region = match[2]
    country = _asked(request, "X-Plex-Country") or str(region or language.partition("-")[2] or "US")
    country = country.upper() if re.fullmatch(r"[A-Za-z]{2}", country) else "US"
    return Wish(language, country, str(deps.config["metadata.tmdb_image_url"]).rstrip("/"))


def _page(request: WebRequest) -> tuple[int, int]:
    """Return (index of the first item, how many).

    Plex's documents count from 1, the rest of its interface from 0. Counting from 0, a page begins at a multiple of its
    size; counting from 1, it begins one later. This shows which of them is used.
    """
    size = _number(request, "X-Plex-Container-Size", _PAGE)
    start = _number(request, "X-Plex-Container-Start", 0)
    size = min(size, _MAX_PAGE)
    from_zero = start == 0 or (size > 1 and start % size == 0)
    return (start if from_zero else start - 1), size


def _number(request: WebRequest, name: str, default: int) -> int:
    text = _asked(request, name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,7}", text):
        raise Invalid(f"{name} must be a whole number.")
    return int(text)


def _paged(request: WebRequest, name: str, items: list[Item], of: str = "Metadata") -> Answer:
    first, size = _page(request)
    return Response(shapes.container(name, items[first : first + size], offset=first, total=len(items), of=of))


def _told(request: WebRequest, error: Exception) -> Answer:
    """Answer an error. Plex's documents specify codes but no body; this is the body of Plex's own interface."""
    status, message, headers = 500, "Internal error. See Mydia's log.", {}
    if isinstance(error, MydiaError):
        status, message = _STATUS.get(error.kind, 500), error.message
        if (wait_s := getattr(error, "retry_after_s", None)) is not None:
            headers["Retry-After"] = str(max(1, round(wait_s)))
    elif isinstance(error, HTTPException) and error.status_code < 500:
        status, message = error.status_code, error.detail
    else:
        logger.error("request failed", exc_info=error, extra={"method": request.method, "path": "/plex"})
    told = {"errors": [{"code": status, "status": status, "message": message}]}
    return Response(told, status_code=status, headers=headers)


def _routes(name: str, base: str) -> list[Any]:
    opt = {"public": True, "csrf": False}

    @get(base, sync_to_thread=True, opt=opt, include_in_schema=False)
    def definition(request: WebRequest) -> Answer:
        """Describe this provider."""
        _admit(request)
        return Response(shapes.definition(name))

    @get(f"{base}/library/metadata/{{key:str}}", sync_to_thread=True, opt=opt, include_in_schema=False)
    def item(request: WebRequest) -> Answer:
        """Return one title, season or episode in full."""
        provider, key, wish = _subject(request, name)
        found = provider.item(key, wish)
        if request.query_params.get("includeChildren") == "1" and key.kind in ("show", "season"):
            found = shapes.with_children(found, provider.children(key, wish, order=_order(request)))
        return Response(shapes.container(name, [found]))

    @get(f"{base}/library/metadata/{{key:str}}/children", sync_to_thread=True, opt=opt, include_in_schema=False)
    def children(request: WebRequest) -> Answer:
        """List the seasons of a show or the episodes of a season."""
        provider, key, wish = _subject(request, name)
        return _paged(request, name, provider.children(key, wish, order=_order(request)))

    @get(f"{base}/library/metadata/{{key:str}}/grandchildren", sync_to_thread=True, opt=opt, include_in_schema=False)
    def grandchildren(request: WebRequest) -> Answer:
        """List all episodes of a show."""
        provider, key, wish = _subject(request, name)
        return _paged(request, name, provider.grandchildren(key, wish, order=_order(request)))

    @get(f"{base}/library/metadata/{{key:str}}/images", sync_to_thread=True, opt=opt, include_in_schema=False)
    def images(request: WebRequest) -> Answer:
        """List the pictures of a title, season or episode."""
        provider, key, wish = _subject(request, name)
        return Response(shapes.container(name, provider.images(key, wish), of="Image"))

    @post(
        f"{base}/library/metadata/matches",
        opt=opt,
        status_code=200,
        include_in_schema=False,
        request_max_body_size=_MAX_BODY_BYTES,
    )
    async def matches(request: WebRequest) -> Answer:
        """Match a file."""
        body = await request.body()
        return await _in_thread(lambda: _matches(request, name, body))

    return [definition, item, children, grandchildren, images, matches]


def _matches(request: WebRequest, name: str, body: bytes) -> Answer:
    _admit(request)
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Invalid("The request is not valid JSON.") from error
    question = Question.read(asked, name)
    found = _service(request)[name].match(question, _wish(request)) if question is not None else []
    return Response(shapes.container(name, found))


async def _in_thread(call: Callable[[], Answer]) -> Answer:
    import anyio

    return await anyio.to_thread.run_sync(call)


def _subject(request: WebRequest, name: str) -> tuple[PlexProvider, RatingKey, Wish]:
    _admit(request)
    return _service(request)[name], RatingKey.read(str(request.path_params["key"])), _wish(request)


def _order(request: WebRequest) -> str | None:
    return request.query_params.get("episodeOrder") or None


router = Router(
    "/plex",
    route_handlers=[
        handler
        for name in ("movie", "tv")
        for base in (f"/{name}", f"/{{token:str}}/{name}")
        for handler in _routes(name, base)
    ],
    exception_handlers={HTTPException: _told, MydiaError: _told, Exception: _told},
)
