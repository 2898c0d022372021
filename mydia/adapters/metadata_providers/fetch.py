"""How the relay provider reaches a relay: a Protocol, and its implementation over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from mydia.adapters.errors import Limited, Nonsense, Refused, Unreachable
from mydia.adapters.http import Http, Response, fault
from mydia.errors import NotFound

_SERVICE = "Metadata relay"
_TIMEOUT_S = 30.0
_IMAGE_BASE = "https://image.tmdb.org/t/p"
_MAX_IMAGE_BYTES = 24 * 1024**2
# Statuses that carry an answer of the catalogue itself.
_TOLD = frozenset({400, 404, 422})


class Fetch(Protocol):
    """Asks a relay."""

    @property
    def sources(self) -> frozenset[str]:
        """Which catalogues can be asked: `tmdb`, `tvdb`."""

    def __call__(self, path: str, params: Mapping[str, str], *, fresh: bool = False) -> tuple[int, Any]:
        """Return (status, JSON) for 2xx, 400, 404 and 422; None instead of JSON if the body is not JSON.

        Args:
            fresh: Past the cache, where the relay is our own.

        Raises:
            AdapterError: Anything else.
        """

    def image(self, path: str, size: str) -> tuple[bytes, str]:
        """Return (content, content type).

        Raises:
            NotFound: There is no such picture.
            AdapterError: It could not be fetched.
        """


class HttpFetch:
    """Asks a relay by its address. Pictures come from the address in the relay's configuration."""

    sources = frozenset({"tmdb", "tvdb"})

    def __init__(self, http: Http, url: str) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._image_base: str | None = None
        self._lock = threading.Lock()

    def __call__(self, path: str, params: Mapping[str, str], *, fresh: bool = False) -> tuple[int, Any]:
        """Return (status, JSON)."""
        response = self._http.get(
            _SERVICE,
            self._url + path,
            params=params,
            headers={"Accept": "application/json"} | ({"Cache-Control": "no-cache"} if fresh else {}),
            timeout_s=_TIMEOUT_S,
            expected=_TOLD | {401},
        )
        if response.status == 401:
            # The relay asks us for no credentials: its own sign-in at the catalogue failed.
            raise Refused(_SERVICE, "the relay could not sign in to the catalogue; its administrator must fix that")
        if response.status in _TOLD:
            return response.status, _json_or_none(response)
        return response.status, response.json(_SERVICE)

    def image(self, path: str, size: str) -> tuple[bytes, str]:
        """Return (content, content type)."""
        absolute = path.startswith(("http://", "https://"))
        base = self._url if absolute else self._base()
        url = path if absolute else f"{base}/{size}{path}"
        # A relay in the private network may serve pictures on another port of its own host.
        home = base if urlsplit(base).hostname == urlsplit(self._url).hostname else self._url
        response = self._http.get(
            "Artwork",
            url,
            timeout_s=_TIMEOUT_S,
            home=home,
            expected=(403, 404, 410),
            max_bytes=_MAX_IMAGE_BYTES,
        )
        if response.status != 200:
            raise NotFound("This picture does not exist any more.")
        if not response.content_type.startswith("image/"):
            raise Nonsense("Artwork", "sent something that is not a picture")
        return response.content, response.content_type

    def _base(self) -> str:
        with self._lock:
            if self._image_base is None:
                self._image_base = self._asked_base()
            return self._image_base

    def _asked_base(self) -> str:
        try:
            _, told = self("/configuration", {})
        except (Unreachable, Limited, Refused, Nonsense):
            return _IMAGE_BASE
        images = told.get("images") if isinstance(told, dict) else None
        base = images.get("secure_base_url") if isinstance(images, dict) else None
        if not isinstance(base, str) or urlsplit(base).scheme not in ("http", "https"):
            return _IMAGE_BASE
        return base.rstrip("/")


def _json_or_none(response: Response) -> Any:
    try:
        return response.json(_SERVICE)
    except Nonsense:
        return None


def not_told(status: int) -> Exception:
    """Return the error for an unexpected status."""
    return fault(_SERVICE, Response(status, {}, b"", ""))
