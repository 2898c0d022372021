"""Settings: delay profiles and their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.contexts import settings
from mydia.contexts.users import Caller
from mydia.errors import Invalid
from mydia.units import left
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, WebRequest
from mydia.web.forms import Count, message
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.render import Toast, redirect

Minutes = Annotated[Count, message("Enter whole minutes.")]
PROTOCOLS = (("", "No preference"), ("torrent", "Torrent"), ("usenet", "Usenet"))


class DelayFields(Struct, kw_only=True):
    """The form of a delay profile."""

    name: Annotated[str, message("Enter a name.")]
    enable_torrent: bool = False
    enable_usenet: bool = False
    preferred_protocol: str | None = None
    torrent_delay_min: Minutes = 0
    usenet_delay_min: Minutes = 0
    bypass_if_highest_quality: bool = False
    bypass_above_score: Annotated[int, message("Enter a whole number, or leave it empty.")] | None = None
    tags: str = ""


class DelayCard(msgspec.Struct, frozen=True, kw_only=True):
    """One delay profile in the list."""

    id: str
    name: str
    waits: tuple[tuple[str, str], ...]
    """(protocol, how long it waits)."""
    passes: str
    """What is not delayed."""
    tags: tuple[str, ...]
    is_default: bool


class DelaysView(msgspec.Struct, frozen=True, kw_only=True):
    """The list of delay profiles."""

    frame: SettingsFrame
    cards: tuple[DelayCard, ...]


class DelayView(msgspec.Struct, frozen=True, kw_only=True):
    """The editor of one delay profile."""

    frame: SettingsFrame
    id: str
    values: Mapping[str, Any]
    is_default: bool
    protocols: tuple[tuple[str, str], ...] = PROTOCOLS
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


def _waits(delay: settings.rules.Delay, protocol: str) -> str:
    if not delay.enables(protocol):
        return "not used"
    minutes = delay.delay_min(protocol)
    said = f"wait {left(60 * minutes)}" if minutes else "grabbed at once"
    return f"{said}, preferred" if delay.preferred_protocol == protocol else said


def _passes(delay: settings.rules.Delay) -> str:
    passes = ["the highest quality"] if delay.bypass_if_highest_quality else []
    passes += [f"a score of {delay.bypass_above_score} or more"] if delay.bypass_above_score is not None else []
    return f"Not delayed: {' and '.join(passes)}." if passes else ""


@get("/settings/delays", sync_to_thread=True, include_in_schema=False)
def list_delays(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """List the delay profiles in the order in which they are tried."""
    with database.reads() as session:
        cards = tuple(
            DelayCard(
                id=one.id,
                name=one.name,
                waits=(("Torrent", _waits(one, "torrent")), ("Usenet", _waits(one, "usenet"))),
                passes=_passes(one),
                tags=settings.rules.delays.tag_names(session, caller, one),
                is_default=one.is_default,
            )
            for one in settings.rules.delays.list_editable(session, caller)
        )
    return show(request, "delays.html", DelaysView(frame=frame(caller, "delays"), cards=cards))


@get("/settings/delays/new", sync_to_thread=True, include_in_schema=False)
def new_delay(request: WebRequest, caller: CallerDep) -> Response[str]:
    """Show the editor of a new delay profile."""
    return show(request, "delay.html", _view(caller, "", _values(settings.rules.Delay(id="", name=""), ())))


@get("/settings/delays/{delay_id:str}", sync_to_thread=True, include_in_schema=False)
def delay_page(request: WebRequest, database: DatabaseDep, caller: CallerDep, delay_id: FromPath[str]) -> Response[str]:
    """Show the editor."""
    with database.reads() as session:
        delay = settings.rules.delays.get_editable(session, caller, delay_id)
        view = _view(caller, delay_id, _values(delay, settings.rules.delays.tag_names(session, caller, delay)))
    return show(request, "delay.html", view)


@post("/settings/delays/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def add_delay(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[DelayFields]
) -> Response[str]:
    """Store a new delay profile."""
    try:
        with database.writes() as session:
            saved = settings.rules.delays.save_delay(session, caller, clock.now(), _form(form.read()))
    except Invalid as error:
        return show(request, "delay.html", _view(caller, "", form.sent, errors_of(error)), status=422)
    return redirect(request, "/settings/delays", toast=Toast(f"{saved.name} saved"))


@post("/settings/delays/{delay_id:str}", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_delay(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[DelayFields], delay_id: FromPath[str]
) -> Response[str]:
    """Store a changed delay profile."""
    try:
        with database.writes() as session:
            saved = settings.rules.delays.save_delay(
                session, caller, clock.now(), _form(form.read()), delay_id=delay_id
            )
    except Invalid as error:
        return show(request, "delay.html", _view(caller, delay_id, form.sent, errors_of(error)), status=422)
    return redirect(request, "/settings/delays", toast=Toast(f"{saved.name} saved"))


@post("/settings/delays/{delay_id:str}/up", sync_to_thread=True, status_code=200, include_in_schema=False)
def move_delay(request: WebRequest, database: DatabaseDep, caller: CallerDep, delay_id: FromPath[str]) -> Response[str]:
    """Try a delay profile before the one above it."""
    with database.writes() as session:
        ids = [one.id for one in settings.rules.delays.list_editable(session, caller)]
        place = ids.index(settings.rules.delays.get_editable(session, caller, delay_id).id)
        if place:
            ids[place - 1 : place + 1] = [ids[place], ids[place - 1]]
        settings.rules.delays.order_delays(session, caller, clock.now(), ids)
    return redirect(request, "/settings/delays")


@post("/settings/delays/{delay_id:str}/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_delay(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, delay_id: FromPath[str]
) -> Response[str]:
    """Delete a delay profile."""
    with database.writes() as session:
        settings.rules.delays.delete_delay(session, caller, clock.now(), delay_id)
    return redirect(request, "/settings/delays", toast=Toast("Delay profile removed"))


def _form(fields: DelayFields) -> settings.rules.DelayForm:
    return settings.rules.DelayForm(
        name=fields.name,
        enable_torrent=fields.enable_torrent,
        enable_usenet=fields.enable_usenet,
        preferred_protocol=fields.preferred_protocol,
        torrent_delay_min=fields.torrent_delay_min,
        usenet_delay_min=fields.usenet_delay_min,
        bypass_if_highest_quality=fields.bypass_if_highest_quality,
        bypass_above_score=fields.bypass_above_score,
        tags=settings.tags.split_names(fields.tags),
    )


def _values(delay: settings.rules.Delay, tags: tuple[str, ...]) -> dict[str, Any]:
    score = delay.bypass_above_score
    return {
        "name": delay.name,
        "enable_torrent": "true" if delay.enable_torrent else "",
        "enable_usenet": "true" if delay.enable_usenet else "",
        "preferred_protocol": delay.preferred_protocol or "",
        "torrent_delay_min": str(delay.torrent_delay_min),
        "usenet_delay_min": str(delay.usenet_delay_min),
        "bypass_if_highest_quality": "true" if delay.bypass_if_highest_quality else "",
        "bypass_above_score": "" if score is None else str(score),
        "tags": ", ".join(tags),
    }


def _view(
    caller: Caller, delay_id: str, values: Mapping[str, Any], errors: Mapping[str, str] | None = None
) -> DelayView:
    return DelayView(
        frame=frame(caller, "delays", str(values.get("name") or "New delay profile")),
        id=delay_id,
        values=values,
        is_default=delay_id == settings.rules.delays.DEFAULT_ID,
        errors=errors or {},
    )


ROUTES: tuple[Any, ...] = (list_delays, new_delay, add_delay, delay_page, change_delay, move_delay, remove_delay)
