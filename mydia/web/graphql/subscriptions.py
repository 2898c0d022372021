"""`Subscription`: what happens in the library, and the progress of a download, whichever process causes it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import strawberry
from litestar.concurrency import sync_to_thread
from msgspec import structs
from strawberry.types import Info

from mydia import clock
from mydia.contexts import downloads, users
from mydia.contexts.users import Caller
from mydia.errors import NotFound
from mydia.web.api import downloads as download_api
from mydia.web.api import system as system_api
from mydia.web.deps import WebDeps
from mydia.web.graphql.context import Context
from mydia.web.graphql.shapes import Shapes
from mydia.web.live import Listener

_LOOK_S = 0.2
"""How often a stream looks for a commit, which takes microseconds."""
_CHECK_S = 30.0
"""How often it looks without one, because a session or key can expire."""
_AT_ONCE = 200


def subscription_type(shapes: Shapes) -> Any:
    """Return the root type."""
    event: Any = AsyncGenerator[shapes.output(system_api.Happening)]  # type: ignore[misc]
    download: Any = AsyncGenerator[shapes.output(download_api.DownloadShape)]  # type: ignore[misc]

    async def library_updates(info: Info[Any, Any], after: Any = None) -> Any:
        async for one in _events(info.context, None if after is None else str(after)):
            yield one

    async def download_progress(info: Info[Any, Any], id: Any) -> Any:
        async for one in _progress(info.context, str(id)):
            yield one

    library_updates.__annotations__ |= {"after": strawberry.ID | None, "return": AsyncGenerator[event]}
    download_progress.__annotations__ |= {"id": strawberry.ID, "return": AsyncGenerator[download]}
    fields = {
        "library_updates": strawberry.subscription(
            resolver=library_updates,
            description="Events of the library from now on, or those after the event with this id and then new ones.",
        ),
        "download_progress": strawberry.subscription(
            resolver=download_progress,
            description="A download, now and whenever it changes; completes when it is imported, has failed or was removed.",
        ),
    }
    made = type("Subscription", (), {"__module__": __name__, "__annotations__": {}, **fields})
    return strawberry.type(made, name="Subscription")


async def changes(deps: WebDeps, listener: Listener) -> AsyncIterator[None]:
    """Yield at once, after commits of any process, and now and then; end when the caller lost access or Mydia stops."""
    seen: object = object()
    looked_s = 0.0
    while not listener.closed:
        version = deps.database.version()
        due = clock.monotonic_s() - looked_s >= _CHECK_S
        if due and looked_s and not await sync_to_thread(listener.is_valid):
            return
        if due or version is None or version != seen:
            # Read before the rows: a commit that happens meanwhile is seen in the next round.
            seen, looked_s = version, clock.monotonic_s()
            yield
        await listener.wait(_LOOK_S if version is not None else 1.0)


async def _events(context: Context, after: str | None) -> AsyncIterator[system_api.Happening]:
    deps, caller, listener = context.deps, context.caller, context.listener
    assert listener is not None
    place = await sync_to_thread(_position, deps, caller, context.resume_after or after)
    async for _ in changes(deps, listener):
        more = True
        while more and not listener.closed:
            happened, place, more = await sync_to_thread(_since, deps, caller, place)
            for one in happened:
                yield one


def _position(deps: WebDeps, caller: Caller, after: str | None) -> int:
    with deps.database.reads() as session:
        return users.history.position(session, caller, after)


def _since(deps: WebDeps, caller: Caller, after: int) -> tuple[list[system_api.Happening], int, bool]:
    with deps.database.reads() as session:
        happened, place = users.history.since(session, caller, after, limit=_AT_ONCE)
    return [system_api.happening(one) for one in happened], place, place - after >= _AT_ONCE


async def _progress(context: Context, download_id: str) -> AsyncIterator[download_api.DownloadShape]:
    deps, caller, listener = context.deps, context.caller, context.listener
    assert listener is not None
    sent: download_api.DownloadShape | None = None
    async for _ in changes(deps, listener):
        try:
            now = await sync_to_thread(_download, deps, caller, download_id)
        except NotFound:
            if sent is None:
                raise
            return
        if sent is None or _facts(now) != _facts(sent):
            sent = now
            yield sent
        if now.state not in downloads.OPEN_STATES:
            return


def _download(deps: WebDeps, caller: Caller, download_id: str) -> download_api.DownloadShape:
    with deps.database.reads() as session:
        return download_api.download(downloads.history.get_download(session, caller, download_id))


def _facts(one: download_api.DownloadShape) -> download_api.DownloadShape:
    """Return what a subscriber gets updates about: everything except when the client last answered."""
    return structs.replace(one, seen_at=None)
