"""Requests to a relay: a Protocol, and its implementation over HTTP."""

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
# Statuses that the catalogue itself returned.
_TOLD = frozenset({400, 404, 422})


class Fetch(Protocol):
    """Sends requests to a relay."""

    @property
    def sources(self) -> frozenset[str]:
        """The available catalogues: `tmdb`, `tvdb`."""

    def __call__(self, path: str, params: Mapping[str, str], *, fresh: bool = False) -> tuple[int, Any]:
        """Return (status, JSON) for 2xx, 400, 404 and 422; the JSON is None if the body is not JSON.

        Args:
            fresh: Bypass the cache, if the relay is the embedded one.

        Raises:
            AdapterError: Any other status or failure.
        """

    def image(self, path: str, size: str) -> tuple[bytes, str]:
        """Return (content, content type).

        Raises:
            NotFound: The picture does not exist.
            AdapterError: It could not be fetched.
        """


class HttpFetch:
    """Sends requests to a relay by URL. Pictures come from the URL in the relay's configuration."""

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
            # The relay needs no credentials from us, so its own sign-in at the catalogue failed.
            raise Refused(_SERVICE, "the relay could not sign in to the catalogue; its administrator must fix that")
        if response.status in _TOLD:
            return response.status, _json_or_none(response)
        return response.status, response.json(_SERVICE)

    def image(self, path: str, size: str) -> tuple[bytes, str]:
        """Return (content, content type)."""
        absolute = path.startswith(("http://", "https://"))
        base = self._url if absolute else self._base()
        url = path if absolute else f"{base}/{size}{path}"
        # A relay in a private network may serve pictures on another port of its host.
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
            raise NotFound("This picture no longer exists.")
        if not response.content_type.startswith("image/"):
            raise Nonsense("Artwork", "did not return a picture")
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
