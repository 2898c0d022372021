"""TheTVDB v4: one shared token, fetched when first needed and renewed an hour before it expires."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Mapping
from urllib.parse import urlsplit

from mydia.adapters.errors import AdapterError
from mydia.adapters.http import Http, Response
from mydia.relay.config import TVDB_IMAGE_HOST
from mydia.relay.times import REAL_TIMES, Times
from mydia.relay.upstreams.care import Care, UpstreamAnswer, UpstreamFailed
from mydia.secret import Secret

logger = logging.getLogger(__name__)

_RENEW_BEFORE_S = 3600.0
_FALLBACK_LIFE_S = 30 * 86_400.0  # a token is valid for a month. Source: TheTVDB v4 documentation
_REFUSED_PAUSE_S = 300.0
_MAX_IMAGE_BYTES = 24 * 1024**2
_ANY_ERROR = range(400, 600)


class LoginFailed(AdapterError):
    """TheTVDB did not issue a token."""


class Tvdb:
    """TheTVDB."""

    name = "tvdb"

    def __init__(
        self,
        http: Http,
        key: Secret,
        *,
        pin: Secret,
        url: str,
        per_s: float,
        max_wait_s: float,
        timeout_s: float,
        times: Times = REAL_TIMES,
    ) -> None:
        self.care = Care(self.name, per_s, max_wait_s=max_wait_s, times=times)
        self._image_care = Care("tvdb images", 20.0, max_wait_s=max_wait_s, times=times)
        self._http = http
        self._key = key
        self._pin = pin
        self._url = url
        self._timeout_s = timeout_s
        self._times = times
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._renew_at_s = 0.0
        self._refused_until_s = 0.0
        self._refused_because = ""

    def ask(self, path: str, params: Mapping[str, str]) -> UpstreamAnswer:
        """Request JSON; a rejected token is replaced once."""
        answer, used = self._ask_once(path, params)
        if answer.status == 401:
            self._forget(used)
            answer, _ = self._ask_once(path, params)
        return answer

    def image(self, path: str, size: str) -> UpstreamAnswer:
        """Fetch a picture by its full address, which must be on TheTVDB's host; `size` is ignored."""
        url = f"https://{TVDB_IMAGE_HOST}{path}" if path.startswith("/") else path
        host = urlsplit(url).hostname
        if host not in (TVDB_IMAGE_HOST, urlsplit(self._url).hostname):
            raise UpstreamFailed(UpstreamAnswer(404, b"", "text/plain"))
        return self._image_care.ask(
            lambda: self._http.get(
                "TheTVDB",
                url,
                timeout_s=self._timeout_s,
                expected=_ANY_ERROR,
                max_bytes=_MAX_IMAGE_BYTES,
                home=self._url,
            )
        )

    def _ask_once(self, path: str, params: Mapping[str, str]) -> tuple[UpstreamAnswer, Secret]:
        token = self._current()

        def send() -> Response:
            return self._http.get(
                "TheTVDB",
                self._url + path,
                params=params,
                headers={"Authorization": f"Bearer {token.reveal()}", "Accept": "application/json"},
                timeout_s=self._timeout_s,
                expected=_ANY_ERROR,
            )

        return self.care.ask(send), token

    def _current(self) -> Secret:
        # One thread logs in; the others wait here for the token.
        with self._lock:
            now_s = self._times.now_s()
            if self._token is not None and now_s < self._renew_at_s:
                return self._token
            if now_s < self._refused_until_s:
                raise LoginFailed("TheTVDB", self._refused_because)
            try:
                self._token = self._login()
            except UpstreamFailed:
                # The old token is valid for another hour, so a failed renewal need not fail the request.
                if self._token is not None and now_s < self._renew_at_s + _RENEW_BEFORE_S:
                    return self._token
                raise
            self._renew_at_s = max(now_s + 60, _ends_at_s(self._token.reveal(), now_s) - _RENEW_BEFORE_S)
            return self._token

    def _forget(self, token: Secret) -> None:
        with self._lock:
            if self._token == token:
                self._token = None

    def _login(self) -> Secret:
        body = {"apikey": self._key.reveal()} | ({"pin": self._pin.reveal()} if self._pin else {})

        def send() -> Response:
            return self._http.request(
                "TheTVDB", "POST", f"{self._url}/login", json_body=body, timeout_s=self._timeout_s, expected=_ANY_ERROR
            )

        answer = self.care.ask(send)
        try:
            told = json.loads(answer.body)
        except ValueError as error:
            raise UpstreamFailed(reason="the login answered with something that is not JSON") from error
        data = told.get("data") if isinstance(told, dict) else None
        token = data.get("token") if isinstance(data, dict) else None
        if answer.status != 200 or not isinstance(token, str) or not token:
            # A wrong key stays wrong; repeating the login with every request would look like an attack.
            self._refused_until_s = self._times.now_s() + _REFUSED_PAUSE_S
            self._refused_because = "rejected the API key"
            logger.warning("TheTVDB rejected the key", extra={"status": answer.status})
            raise LoginFailed("TheTVDB", self._refused_because)
        return Secret(token)


def _ends_at_s(token: str, now_s: float) -> float:
    """Return when a token expires (seconds since 1970), a month from now if it does not say."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (IndexError, ValueError, KeyError, TypeError):
        return now_s + _FALLBACK_LIFE_S
