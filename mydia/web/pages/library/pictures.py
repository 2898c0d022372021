"""Artwork: pictures of the library under addresses that never change, and previews of other titles."""

from __future__ import annotations

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import File

from mydia.contexts import metadata
from mydia.errors import Invalid, NotFound, Unavailable
from mydia.web.deps import CallerDep, ConfigDep, OutsideDep, WebRequest
from mydia.web.views.cards import TVDB_PICTURES

_FOR_EVER = "private, max-age=31536000, immutable"
_A_WEEK = "private, max-age=604800"
_SIZES = {f"{width}.webp": width for widths in metadata.SIZES.values() for width in widths}


@get("/img/{image_id:str}/{size:str}", sync_to_thread=True, include_in_schema=False)
def show_picture(
    request: WebRequest, config: ConfigDep, caller: CallerDep, image_id: FromPath[str], size: FromPath[str]
) -> File:
    """Send one size of a picture of the library."""
    path = metadata.file_of(caller, config.images_directory, image_id, _SIZES.get(size, 0))
    return File(
        path=path, media_type="image/webp", content_disposition_type="inline", headers={"Cache-Control": _FOR_EVER}
    )


@get("/img/preview/{role:str}/{name:str}", sync_to_thread=True, include_in_schema=False)
def show_preview(
    request: WebRequest,
    config: ConfigDep,
    outside: OutsideDep,
    caller: CallerDep,
    role: FromPath[str],
    name: FromPath[str],
) -> File | Response[bytes]:
    """Send a small picture of a title that is not in the library."""
    try:
        source = f"{TVDB_PICTURES}{request.query_params.get('of', '')}" if name == "tvdb" else f"/{name}"
        path = metadata.preview(outside, caller, config.images_directory, role, source)
    except (Invalid, Unavailable) as error:
        raise NotFound("There is no picture of this title.") from error
    return File(
        path=path, media_type="image/webp", content_disposition_type="inline", headers={"Cache-Control": _A_WEEK}
    )


ROUTES = (show_picture, show_preview)
