"""TMDB v3, called with our key; nothing else of the client's request is passed on."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mydia.adapters.http import Http, Response
from mydia.relay.times import REAL_TIMES, Times
from mydia.relay.upstreams.care import Care, UpstreamAnswer, UpstreamFailed
from mydia.secret import Secret

_V3_KEY = re.compile(r"[0-9a-fA-F]{32}")
_MAX_IMAGE_BYTES = 24 * 1024**2
_ANY_ERROR = range(400, 600)
_SIZE = re.compile(r"original|[wh][0-9]{2,4}(?:_and_h[0-9]{2,4}_[a-z0-9]+)?")
_FILE = re.compile(r"/[A-Za-z0-9_.-]{1,200}")


class Tmdb:
    """The Movie Database."""

    name = "tmdb"

    def __init__(
        self,
        http: Http,
        key: Secret,
        *,
        url: str,
        image_url: str,
        per_s: float,
        max_wait_s: float,
        timeout_s: float,
        times: Times = REAL_TIMES,
    ) -> None:
        self.care = Care(self.name, per_s, max_wait_s=max_wait_s, times=times)
        self._http = http
        self._key = key
        self._url = url
        self._image_url = image_url
        self._timeout_s = timeout_s
        # Pictures come from a CDN without that limit, so they have a limit of their own.
        self._image_care = Care("tmdb images", 50.0, max_wait_s=max_wait_s, times=times)

    def ask(self, path: str, params: Mapping[str, str]) -> UpstreamAnswer:
        """Request JSON."""

        def send() -> Response:
            key = self._key.reveal()
            by_query = _V3_KEY.fullmatch(key) is not None
            headers = {"Accept": "application/json"} | ({} if by_query else {"Authorization": f"Bearer {key}"})
            return self._http.get(
                "TMDB",
                self._url + path,
                params={**params, "api_key": key} if by_query else params,
                headers=headers,
                timeout_s=self._timeout_s,
                expected=_ANY_ERROR,
            )

        return self.care.ask(send)

    def image(self, path: str, size: str) -> UpstreamAnswer:
        """Fetch a picture in one of TMDB's sizes."""
        if not _SIZE.fullmatch(size) or not _FILE.fullmatch(path) or ".." in path:
            raise UpstreamFailed(UpstreamAnswer(404, b"", "text/plain"))
        return self._image_care.ask(
            lambda: self._http.get(
                "TMDB",
                f"{self._image_url}/{size}{path}",
                timeout_s=self._timeout_s,
                expected=_ANY_ERROR,
                max_bytes=_MAX_IMAGE_BYTES,
            )
        )
