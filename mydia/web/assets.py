"""The files under `static/`, served under names that contain a hash of the content, so that browsers can cache them forever."""

from __future__ import annotations

import gzip
import hashlib
import re
import threading
from pathlib import Path

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from mydia.errors import NotFound
from mydia.web.deps import WebRequest

_ROOT = Path(__file__).parent / "static"
# Litestar adds the charset to types that begin with text/.
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain",
    ".md": "text/plain",
}
_COMPRESSED = frozenset({".css", ".js", ".svg", ".webmanifest"})
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_AN_HOUR = "public, max-age=3600"
_CSS_URL = re.compile(r"""url\((['"]?)(fonts/[^'")]+)\1\)""")


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """One file as it is sent."""

    name: str
    """Path below `static/`, e.g. `fonts/archivo-latin.woff2`."""
    hashed: str
    """The path with ten characters of the content's SHA-256 before the suffix."""
    media_type: str
    body: bytes
    gzipped: bytes | None


class Assets:
    """All static files, read once: together they are smaller than one poster."""

    def __init__(self, root: Path = _ROOT) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._by_name: dict[str, Asset] = {}
        self._by_hashed: dict[str, Asset] = {}
        self._icons: frozenset[str] | None = None

    def href(self, name: str) -> str:
        """Return the address of a file, e.g. `/static/app.1a2b3c4d5e.css`.

        Raises:
            NotFound: There is no such file.
        """
        return f"/static/{self.load(name).hashed}"

    def icon(self, name: str) -> str:
        """Return the address of one icon in the sprite.

        Raises:
            NotFound: The sprite does not have it; `sh frontend/build.sh` rebuilds it from the names that templates use.
        """
        if self._icons is None:
            self._icons = frozenset(re.findall(r'id="i-([a-z0-9-]+)"', self.load("icons.svg").body.decode()))
        if name not in self._icons:
            raise NotFound(f"The icon sprite has no “{name}”. Run sh frontend/build.sh.")
        return f"{self.href('icons.svg')}#i-{name}"

    def load(self, name: str) -> Asset:
        """Return a file by its name without the hash."""
        with self._lock:
            return self._load(name)

    def _load(self, name: str) -> Asset:
        if found := self._by_name.get(name):
            return found
        path = self._root / name
        if (
            "\0" in name
            or path.suffix not in _TYPES
            or not path.resolve().is_relative_to(self._root)
            or not path.is_file()
        ):
            raise NotFound("There is no such file.")
        body = path.read_bytes()
        if path.suffix == ".css":
            # Stylesheets must use hashed names too, or the font would be fetched twice.
            body = _CSS_URL.sub(lambda found: f"url({self._beside(name, found[2])})", body.decode()).encode()
        digest = hashlib.sha256(body).hexdigest()[:10]
        hashed = str(Path(name).with_name(f"{path.stem}.{digest}{path.suffix}"))
        packed = gzip.compress(body, 9, mtime=0) if path.suffix in _COMPRESSED else None
        asset = Asset(name=name, hashed=hashed, media_type=_TYPES[path.suffix], body=body, gzipped=packed)
        self._by_name[name] = self._by_hashed[hashed] = asset
        return asset

    def _beside(self, sheet: str, reference: str) -> str:
        return f"/static/{self._load(str(Path(sheet).parent / reference)).hashed}"

    def find(self, requested: str) -> tuple[Asset, bool]:
        """Return the file for a requested path and whether the path carried its hash."""
        if found := self._by_hashed.get(requested):
            return found, True
        plain = re.sub(r"\.[0-9a-f]{10}(\.[a-z0-9]+)$", r"\1", requested)
        asset = self.load(plain)
        return asset, asset.hashed == requested


@get("/static/{name:path}", sync_to_thread=False, include_in_schema=False, opt={"public": True})
def static(request: WebRequest, name: FromPath[str]) -> Response[bytes]:
    """Send one static file."""
    return send(request, name.lstrip("/"))


def send(request: WebRequest, name: str) -> Response[bytes]:
    """Answer with a file, by its plain or its hashed name. Only the latter may be cached forever."""
    assets: Assets = request.app.state.renderer.assets
    asset, exact = assets.find(name)
    etag = f'"{asset.hashed}"'
    headers = {"Cache-Control": _FOR_EVER if exact else _FOR_AN_HOUR, "ETag": etag, "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == etag:
        return Response(b"", status_code=304, headers=headers)
    if asset.gzipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.gzipped, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.body, media_type=asset.media_type, headers=headers)
