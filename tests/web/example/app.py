"""A small application that uses every component, for tests of the web core."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from copy import replace
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.params import Body, FromPath, FromQuery

from mydia import clock, events
from mydia.contexts.users import Caller, Permission, Role, permissions_of
from mydia.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from mydia.web import live
from mydia.web.app import WebApp, create_app
from mydia.web.deps import CallerDep, DatabaseDep, WebDeps, WebRequest
from mydia.web.palette import Group, Hit
from mydia.web.render import Toast, fragment, invalid_form, nothing, page, redirect
from mydia.web.shell import NavCount, ShellView, Transfers
from mydia.web.views import Artwork, Card

FOLDER = Path(__file__).parent
ROBIN = Caller(kind="user", id="u1", name="Robin Baker", permissions=permissions_of(Role.ADMIN), role=Role.ADMIN)
GUEST = Caller(kind="user", id="u2", name="Guest", permissions=permissions_of(Role.GUEST), role=Role.GUEST)


@dataclass
class Scene:
    """What a test changes while the application runs."""

    queue: int = 3
    percent: float = 40.0
    saved: list[str] = field(default_factory=list)
    shell: ShellView = field(
        default_factory=lambda: ShellView(
            counts={"movies": NavCount("1,204"), "activity": NavCount("7", "live"), "imports": NavCount("29", "alert")},
            transfers=Transfers("3 downloading", "42.6 MB/s", 61),
        )
    )
    lock: threading.Lock = field(default_factory=threading.Lock)


SCENE = Scene()


@dataclass(frozen=True, slots=True)
class GalleryView:
    """The page of all components."""

    cards: tuple[Card, ...]
    total: int
    queue: int
    percent: float
    key: str = ""
    at: datetime = datetime(2026, 11, 20, tzinfo=UTC)


def cards(start: int, number: int) -> tuple[Card, ...]:
    """Return made-up cards."""
    states = ("ok", "up", "miss", "fail", "live", "soon")
    return tuple(
        Card(
            id=str(n),
            href=f"/other?n={n}",
            title=("Metropolis", "Carnival of Souls", "Detour", "Häxan", "The Phantom of the Opera")[n % 5] + f" {n}",
            year=1920 + n % 60,
            artwork=Artwork(None),
            rail=((states[n % 6], 100 if n % 6 != 4 else 62),),
            resolution="2160p" if n % 3 else None,
            upgrade_wanted=n % 6 == 1,
            note="Blocked" if n % 6 == 3 else "",
            note_tone="fail",
            monitored=n % 7 != 6,
        )
        for n in range(start, start + number)
    )


def _view() -> GalleryView:
    return GalleryView(cards(0, 12), 1204, SCENE.queue, SCENE.percent, at=clock.now() - timedelta(hours=2))


@get("/gallery", sync_to_thread=True)
def gallery(request: WebRequest, caller: CallerDep) -> Response[str]:
    return page(request, "gallery/page.html", _view(), active="movies", topics=("queue",))


@get("/other", sync_to_thread=True)
def other(request: WebRequest, caller: CallerDep) -> Response[str]:
    return page(request, "other/page.html", None, active="shows")


@get("/gallery/chunk", sync_to_thread=True)
def chunk(request: WebRequest, caller: CallerDep, k: FromQuery[int] = 0) -> Response[str]:
    return fragment(request, "gallery/_cards.html", cards(12, 3) if k else cards(0, 12))


@get("/gallery/list", sync_to_thread=True)
def queue_list(request: WebRequest, caller: CallerDep) -> Response[str]:
    text = f'<p id="list" hx-get="/gallery/list" hx-trigger="reread" data-reread="queue-changed resync" hx-swap="outerMorph">{SCENE.queue} in the queue</p>'
    return Response(text, media_type="text/html; charset=utf-8")


@get("/gallery/dialog", sync_to_thread=True)
def dialog(request: WebRequest, caller: CallerDep) -> Response[str]:
    return fragment(request, "gallery/_dialog.html")


class Titled(msgspec.Struct):
    title: str = ""


class KeyForm(msgspec.Struct):
    key: str = ""


@post("/gallery/save", sync_to_thread=True, status_code=200)
def save(
    request: WebRequest, caller: CallerDep, data: Annotated[Titled, Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Response[str]:
    SCENE.saved.append(data.title)
    return nothing(toast=Toast("Saved", data.title), trigger={"dialog-close": {}})


@post("/gallery/form", sync_to_thread=True, status_code=200)
def send_form(
    request: WebRequest, caller: CallerDep, data: Annotated[KeyForm, Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Response[str]:
    try:
        if len(data.key) != 32:
            raise Invalid(
                "Look at the fields.", fields={"key": f"The key has {len(data.key)} characters. It should have 32."}
            )
    except Invalid as error:
        return invalid_form(request, "gallery/_form.html", replace(_view(), key=data.key), error, title="The key")
    return redirect(request, "/other", toast=Toast("Indexer saved"))


@post("/gallery/remove", sync_to_thread=True, status_code=200)
def remove(request: WebRequest, caller: CallerDep) -> Response[str]:
    SCENE.saved.append("removed")
    return nothing(toast=Toast("Removed 3 movies", action_label="Undo", action_href="/gallery/undo", action_posts=True))


@post("/gallery/bulk", status_code=200)
async def bulk(request: WebRequest) -> Response[str]:
    form = dict(await request.form())
    SCENE.saved.append(f"{form.get('scope')}:{form.get('ids', '')}:{form.get('except', '')}")
    return nothing(toast=Toast("Searching"), trigger={"selection-clear": {}})


_ERRORS = {
    "conflict": Conflict("Detour is already in the library."),
    "forbidden": Forbidden("Robin may not do this."),
    "notfound": NotFound("There is no such film."),
    "invalid": Invalid("Wrong.", fields={"key": "Too short."}),
    "unavailable": Unavailable("qBittorrent does not answer.", retry_after_s=7),
}


@get("/fail/{kind:str}", sync_to_thread=True)
def fail(caller: CallerDep, kind: FromPath[str]) -> Response[str]:
    raise _ERRORS.get(kind) or ZeroDivisionError("a bug with a secret")


@post("/fail/{kind:str}", sync_to_thread=True)
def fail_by_post(caller: CallerDep, kind: FromPath[str]) -> Response[str]:
    raise _ERRORS.get(kind) or ZeroDivisionError("a bug with a secret")


@get("/api/v1/fail/{kind:str}", sync_to_thread=True)
def api_fail(caller: CallerDep, kind: FromPath[str]) -> dict[str, Any]:
    raise _ERRORS[kind]


@post("/api/v1/things", sync_to_thread=True)
def api_post(caller: CallerDep, database: DatabaseDep) -> dict[str, str]:
    return {"by": caller.name}


def _queue_event(_context: live.LiveContext, happened: events.Happened) -> Iterable[live.Push]:
    if happened.type == "DownloadChanged":
        yield live.changed("queue", "queue-changed")


def _queue_poll(context: live.LiveContext, _topic: str, _caller: Caller) -> Mapping[str, str]:
    return {"#detour-progress": context.ui.progress(SCENE.percent, label="Detour", id="detour-progress")}


TOPICS = (live.LiveTopic("queue", Permission.VIEW_ACTIVITY, on_event=_queue_event, poll=_queue_poll),)


def authenticate(request: WebRequest, _deps: WebDeps) -> Caller | None:
    """Sign in by a cookie or key that contains the user's name; only for tests."""
    who = request.cookies.get("who") or request.headers.get("x-api-key")
    return {"robin": ROBIN, "guest": GUEST}.get(who or "")


def find_actions(_deps: WebDeps, _caller: Caller, q: str) -> Iterable[Group]:
    """Find the only action of this palette."""
    if q == "keep":
        yield Group("Actions", (Hit(label="Keep it", href="/gallery/save", icon="archive", posts=True),))


def make_app(deps: WebDeps, *more: HTTPRouteHandler) -> WebApp:
    """Make the example application, with additional handlers."""
    handlers = (
        gallery,
        other,
        chunk,
        queue_list,
        dialog,
        save,
        send_form,
        remove,
        bulk,
        fail,
        fail_by_post,
        api_fail,
        api_post,
        *more,
    )
    return create_app(
        deps,
        routes=handlers,
        live=TOPICS,
        shell=lambda _deps, _caller: SCENE.shell,
        finders=(find_actions,),
        checks=(),
        metrics=(),
        templates=(FOLDER,),
    )
