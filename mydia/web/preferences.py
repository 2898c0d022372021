"""The theme of a browser, and the files that browsers request on their own."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from litestar import Response, get, post
from litestar.datastructures import Cookie
from msgspec import Struct

from mydia.web import assets
from mydia.web.deps import PUBLIC_BODY_BYTES, FormOf, WebRequest
from mydia.web.forms import message
from mydia.web.render import ThemeName, is_htmx, local_path, nothing, redirect, renderer_of, theme_of

_TEN_YEARS_S = 10 * 365 * 86_400
_FILES = ("app.css", "theme.js", "icons.svg", "favicon.svg", "fonts/archivo-latin.woff2")
"""The files of the page that is shown when the server cannot be reached."""


class ThemeFields(Struct, kw_only=True):
    """The theme switch."""

    theme: Annotated[ThemeName, message("Choose System, Dark or Light.")]
    next: str = "/"


@post("/theme", sync_to_thread=False, status_code=200, include_in_schema=False, request_max_body_size=PUBLIC_BODY_BYTES)
def choose_theme(request: WebRequest, form: FormOf[ThemeFields]) -> Response[str]:
    """Store a theme for this browser. Without JavaScript, the page is loaded again."""
    chosen = form.read()
    response = nothing() if is_htmx(request) else redirect(request, local_path(chosen.next))
    response.set_cookie(Cookie(key="theme", value=chosen.theme, max_age=_TEN_YEARS_S, samesite="lax", path="/"))
    return response


@get("/favicon.ico", sync_to_thread=False, include_in_schema=False, opt={"public": True})
def icon(request: WebRequest) -> Response[bytes]:
    """Send the icon that browsers request on their own."""
    return assets.send(request, "favicon.svg")


@get("/manifest.webmanifest", sync_to_thread=False, include_in_schema=False, opt={"public": True})
def manifest(request: WebRequest) -> Response[str]:
    """Describe the application for installing it on a phone."""
    text = renderer_of(request).render("layouts/manifest.json")
    return Response(text, media_type="application/manifest+json", headers={"Cache-Control": "public, max-age=3600"})


@get("/offline", sync_to_thread=False, include_in_schema=False, opt={"public": True})
def show_offline(request: WebRequest) -> Response[str]:
    """Show the offline page. It is the same for everybody, so browsers may cache it."""
    text = renderer_of(request).render("errors/offline.html", theme=theme_of(request))
    return Response(text, media_type="text/html", headers={"Cache-Control": "no-cache"})


@get("/sw.js", sync_to_thread=False, include_in_schema=False, opt={"public": True})
def service_worker(request: WebRequest) -> Response[str]:
    """Send the service worker with the addresses of the files that it caches; a new version of a file gives a new worker."""
    assets = renderer_of(request).assets
    files = json.dumps([assets.href(name) for name in _FILES])
    asset, _ = assets.find("sw.js")
    name = json.dumps(f"mydia-{hashlib.sha256(files.encode() + asset.body).hexdigest()[:10]}")
    text = asset.body.decode().replace('["%files%"]', files).replace('"%name%"', name)
    return Response(text, media_type="text/javascript", headers={"Cache-Control": "no-cache"})
