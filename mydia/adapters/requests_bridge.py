"""Lets a library that is built on `requests` send its requests with Mydia's own HTTP client.

`requests` has a timeout for each read, none for the whole answer, and no limit on its size: a service that sends one byte per
second holds a thread for hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPMessage
from types import SimpleNamespace
from typing import Any

import requests  # noqa: TID251  this module exists so that nothing else is sent by it
from requests.adapters import BaseAdapter  # noqa: TID251
from requests.structures import CaseInsensitiveDict  # noqa: TID251

from mydia.adapters.http import Http

_ANY_ERROR = frozenset(range(300, 600))
_LARGEST_BYTES = 64 * 1024**2
"""The list of 20,000 torrents has about 30 MB."""
_NOT_SENT = frozenset({"connection", "content-length", "accept-encoding", "user-agent"})


class OwnHttp(BaseAdapter):
    """A transport of `requests` for one service."""

    def __init__(self, http: Http, service: str, *, timeout_s: float, verify: bool) -> None:
        super().__init__()
        self._http = http
        self._service = service
        self._timeout_s = timeout_s
        self._verify = verify

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request and read the whole response.

        Raises:
            AdapterError: As in `Http.request`, but statuses are left to the library.
        """
        body = request.body.encode() if isinstance(request.body, str) else request.body
        answer = self._http.request(
            self._service,
            request.method or "GET",
            request.url or "",
            headers={name: str(value) for name, value in request.headers.items() if name.lower() not in _NOT_SENT},
            content=body if isinstance(body, bytes) and body else None,
            timeout_s=self._timeout_s,
            max_bytes=_LARGEST_BYTES,
            expected=_ANY_ERROR,
            verify=self._verify,
        )
        response = requests.Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(answer.headers)
        response._content = answer.content  # noqa: SLF001  as requests does for a response that is read at once
        response.url = answer.url
        response.request = request
        response.encoding = "utf-8"
        # `requests` reads cookies from here, and the session is one.
        message = HTTPMessage()
        for name, value in answer.headers.items():
            message[name] = value
        response.raw = SimpleNamespace(_original_response=SimpleNamespace(msg=message))
        return response

    def close(self) -> None:
        """Do nothing: the connections belong to the process's client."""
