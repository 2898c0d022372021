from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from litestar.testing import TestClient

from mydia.web.app import WebApp
from mydia.web.assets import Assets

_ROOT = Path(__file__).parents[2]
_STATIC = _ROOT / "mydia" / "web" / "static"
_SCRIPTS = tuple(path.name for path in sorted((_ROOT / "frontend" / "scripts").glob("*.js")))
_BUILT = ("app.css", *_SCRIPTS, "icons.svg", "vendor/README.md")


def test_hashed_names_are_cached_forever(client: TestClient[WebApp]) -> None:
    href = Assets().href("app.js")
    assert re.fullmatch(r"/static/app\.[0-9a-f]{10}\.js", href)
    answer = client.get(href)
    assert "immutable" in answer.headers["cache-control"]
    again = client.get(href, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_plain_and_outdated_names_are_cached_for_a_short_time_only(client: TestClient[WebApp]) -> None:
    for path in ("/static/app.js", "/static/app.0123456789.js"):
        assert client.get(path).headers["cache-control"] == "public, max-age=3600"


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/none.js", "/static/vendor"])
def test_only_static_files_are_served(client: TestClient[WebApp], path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_stylesheet_names_the_font_by_its_hash(client: TestClient[WebApp]) -> None:
    href = Assets().href("fonts/archivo-latin.woff2")
    assert href in client.get("/static/app.css").text
    assert client.get(href).status_code == 200


def test_pages_stay_light() -> None:
    def weight(name: str) -> int:
        return len(gzip.compress((_STATIC / name).read_bytes(), 9))

    # Budgets of ui.md D.1, in bytes after compression.
    assert weight("app.css") < 30_000
    assert weight("app.js") + weight("theme.js") < 18_000 + 8_192, "htmx and our own scripts"
    assert (_STATIC / "fonts" / "archivo-latin.woff2").stat().st_size < 65_000


def test_the_committed_files_match_a_fresh_build(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    tools = (_ROOT / "node_modules" / ".bin" / tool for tool in ("tailwindcss", "esbuild"))
    if not all(tool.exists() for tool in tools):
        installed = subprocess.run(["npm", "ci"], cwd=_ROOT, capture_output=True, text=True, check=False)
        if installed.returncode != 0:
            pytest.skip(f"npm ci failed, so nothing can be built here: {installed.stderr[-300:]}")
    subprocess.run(["sh", "frontend/build.sh", str(tmp_path)], cwd=_ROOT, check=True, capture_output=True)
    changed = [name for name in _BUILT if (tmp_path / name).read_bytes() != (_STATIC / name).read_bytes()]
    assert changed == [], "run sh frontend/build.sh and commit what it makes"


def test_files_have_one_charset(client: TestClient[WebApp]) -> None:
    for name, kind in (("app.css", "text/css"), ("app.js", "text/javascript")):
        assert client.get(f"/static/{name}").headers["content-type"] == f"{kind}; charset=utf-8"
