"""Choose another poster or backdrop; a refresh keeps a choice of the user."""

from __future__ import annotations

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.contexts import media, metadata
from mydia.errors import Unavailable
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, OutsideDep, WebRequest
from mydia.web.render import Toast, dialog, is_htmx, nothing, redirect
from mydia.web.views import Artwork
from mydia.web.views.cards import preview

_SHOWN = 60
_SIZES = {"poster": "Poster", "backdrop": "Backdrop"}


class ArtworkOffer(msgspec.Struct, frozen=True):
    """One picture to choose."""

    source: str
    picture: Artwork
    label: str
    """Language and size, for people and screen readers: `German, 2000 x 3000`."""
    present: bool


class ArtworkView(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog."""

    item_id: str
    role: str
    roles: tuple[tuple[str, str], ...]
    offered: tuple[ArtworkOffer, ...]
    locked: bool
    notice: str | None


@get("/items/{item_id:str}/artwork", sync_to_thread=True, include_in_schema=False)
def show_artwork(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    item_id: FromPath[str],
) -> Response[str]:
    """Show the pictures to choose from."""
    role = request.query_params.get("role", "poster")
    roles = tuple(_SIZES.items())
    try:
        choice = media.artwork.list_artwork(database, outside, caller, item_id, role)
    except Unavailable as error:
        return _dialog(
            request,
            ArtworkView(item_id=item_id, role=role, roles=roles, offered=(), locked=False, notice=error.message),
        )
    offered = tuple(
        ArtworkOffer(art.path, preview(role, art.path), _label(art), art.path == choice.present)
        for art in choice.offered[:_SHOWN]
    )
    return _dialog(
        request,
        ArtworkView(item_id=item_id, role=role, roles=roles, offered=offered, locked=choice.locked, notice=None),
    )


def _dialog(request: WebRequest, view: ArtworkView) -> Response[str]:
    return dialog(request, "item/_artwork.html", view, title="Choose artwork", back=f"/items/{view.item_id}")


def _label(art: metadata.Artwork) -> str:
    size = f"{art.width} × {art.height}" if art.width and art.height else ""
    return " · ".join(part for part in (art.language or "No text", size) if part)


class ArtworkFields(Struct, kw_only=True):
    """The picture that was chosen."""

    role: str = "poster"
    source: str | None = None
    """None: the provider's choice."""


@post("/items/{item_id:str}/artwork", sync_to_thread=True, status_code=200, include_in_schema=False)
def choose_artwork(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    item_id: FromPath[str],
    form: FormOf[ArtworkFields],
) -> Response[str]:
    """Use the chosen picture, or the provider's choice again."""
    chosen = form.read()
    media.artwork.choose_artwork(database, outside, caller, clock.now(), item_id, chosen.role, chosen.source)
    said = "Refreshes keep it." if chosen.source else "The provider's choice is used again."
    toast = Toast(f"{_SIZES[chosen.role]} changed", said)
    if is_htmx(request):
        return nothing(toast=toast, trigger={"media-changed": {}, "dialog-close": {}})
    return redirect(request, f"/items/{item_id}", toast=toast)


ROUTES = (show_artwork, choose_artwork)
