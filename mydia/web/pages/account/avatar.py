"""The picture of the signed-in person, and the pictures of all people."""

from __future__ import annotations

import asyncio
from pathlib import Path

from litestar import Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from mydia import clock
from mydia.contexts import users
from mydia.errors import Invalid
from mydia.web import uploads
from mydia.web.deps import CallerDep, DatabaseDep, DepsDep, WebRequest
from mydia.web.pages.account.account import show_errors
from mydia.web.pages.settings.frame import errors_of
from mydia.web.render import Toast, redirect

_FOR_EVER = "private, max-age=31536000, immutable"


async def receive_picture(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Path:
    """Receive the file of the form before the handler runs."""

    def check() -> None:
        with deps.database.reads() as session:
            users.get_own(session, caller)

    await asyncio.to_thread(check)
    return await uploads.save_file_field(request, deps.config.data_dir / f".avatar-{clock.new_id()}.part")


@post(
    "/account/avatar",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
    opt={"csrf": False},
    request_max_body_size=users.avatars.MAX_BYTES,
    dependencies={"part": Provide(receive_picture)},
)
def save_avatar(request: WebRequest, deps: DepsDep, caller: CallerDep, part: NamedDependency[Path]) -> Response[str]:
    """Store the uploaded picture."""
    try:
        picture = users.avatars.encode(part.read_bytes())
        with deps.database.writes() as session:
            users.avatars.change_own(session, caller, clock.now(), picture)
    except Invalid as error:
        return show_errors(request, deps, caller, errors_of(error), "avatar")
    finally:
        part.unlink(missing_ok=True)
    return redirect(request, "/account", toast=Toast("Picture changed"), whole=True)


@post("/account/avatar/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_avatar(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Remove the picture."""
    with deps.database.writes() as session:
        users.avatars.remove_own(session, caller)
    return redirect(request, "/account", toast=Toast("Picture removed"), whole=True)


@get("/avatars/{user_id:str}/{name:str}", sync_to_thread=True, include_in_schema=False)
def show_avatar(
    database: DatabaseDep, caller: CallerDep, user_id: FromPath[str], name: FromPath[str]
) -> Response[bytes]:
    """Send the picture of a person. `name` changes with the picture, so browsers may keep it."""
    del name
    with database.reads() as session:
        picture = users.avatars.get_avatar(session, caller, user_id)
    headers = {"Cache-Control": _FOR_EVER, "Content-Disposition": "inline", "X-Content-Type-Options": "nosniff"}
    return Response(picture, media_type="image/webp", headers=headers)


ROUTES = (save_avatar, remove_avatar, show_avatar)
