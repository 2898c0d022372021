"""What a browser caches for when the server cannot be reached."""

from __future__ import annotations

import re
from typing import Any

from litestar.testing import TestClient

from mydia.web.app import WebApp


def test_the_offline_page_is_the_same_for_all_users(web: WebApp) -> None:
    with TestClient(web, base_url="http://mydia.test") as anybody:
        answer = anybody.get("/offline")
        assert answer.status_code == 200
        assert "Mydia cannot be reached" in answer.text
        assert "csrf" not in answer.text
        assert "set-cookie" not in answer.headers
        assert anybody.get("/offline").text == answer.text


def test_the_service_worker_lists_files_that_exist(web: WebApp) -> None:
    with TestClient(web, base_url="http://mydia.test") as anybody:
        answer = anybody.get("/sw.js")
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["cache-control"] == "no-cache"
        assert len(answer.content) < 6_000
        files: list[Any] = re.findall(r'"(/static/[^"]+)"', answer.text)
        assert len(files) == 5
        for path in files:
            assert "immutable" in anybody.get(path).headers["cache-control"]
        assert re.search(r'NAME = "mydia-[0-9a-f]{10}"', answer.text)
