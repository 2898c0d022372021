"""Actions on one title: monitor, search, refresh, edit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import downloads, media, settings
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, FormDep, WebRequest
from mydia.web.fields import season_of, whole_number
from mydia.web.render import Toast, dialog, invalid_form, is_htmx, nothing, redirect


def media_changed(request: WebRequest, item_id: str, toast: Toast) -> Response[str]:
    """Answer an action: the page re-fetches itself, or is reloaded without a script."""
    if is_htmx(request):
        return nothing(toast=toast, trigger={"media-changed": {}, "dialog-close": {}})
    return redirect(request, f"/items/{item_id}", toast=toast)


def surroundings(item: media.MediaItem) -> dict[str, Any]:
    """Return what a dialog of a title stands under where it is a page of its own."""
    return {"active": "shows" if item.type == MediaType.TV_SHOW else "movies", "back": f"/items/{item.id}"}


@post("/items/{item_id:str}/monitored", sync_to_thread=True, status_code=200, include_in_schema=False)
def set_monitored(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], form: FormDep
) -> Response[str]:
    """Monitor a title, a season or an episode, or stop."""
    wanted = form.get("monitored") == "true"
    season = season_of(form.get("season"))
    episode_ids = [part for part in form.get("ids", form.get("episode_id", "")).split(",") if part]
    with database.writes() as session:
        media.monitoring.change_monitoring(
            session,
            caller,
            clock.now(),
            item_id,
            wanted,
            season_number=season,
            episode_ids=episode_ids or None,
        )
    return media_changed(request, item_id, Toast("Monitored" if wanted else "No longer monitored"))


@post("/items/{item_id:str}/search", sync_to_thread=True, status_code=200, include_in_schema=False)
def search_item(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], form: FormDep
) -> Response[str]:
    """Ask for an automatic search of a title, a season or an episode."""
    season = season_of(form.get("season"))
    episode_ids = [part for part in form.get("ids", form.get("episode_id", "")).split(",") if part]
    with database.writes() as session:
        downloads.request_search(
            session,
            caller,
            item_id,
            season_number=season,
            episode_ids=episode_ids,
        )
    return media_changed(
        request, item_id, Toast("Searching", "The best release that passes every rule is grabbed.", "live")
    )


@post("/items/{item_id:str}/refresh", sync_to_thread=True, status_code=200, include_in_schema=False)
def refresh_item(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str]
) -> Response[str]:
    """Ask for the details to be fetched again."""
    with database.writes() as session:
        media.request_refresh(session, caller, item_id)
    return media_changed(request, item_id, Toast("Refreshing", "The details are being fetched.", "live"))


@dataclass(frozen=True, slots=True)
class EditForm:
    """The dialog in which a title's choices and words are changed."""

    item: media.MediaItem
    folders: tuple[tuple[str, str], ...]
    profiles: tuple[tuple[str, str], ...]
    monitors: tuple[tuple[str, str], ...]
    catalogues: tuple[tuple[str, str], ...]
    values: dict[str, str]


def _edit_form(session: Session, caller: Caller, item_id: str, values: dict[str, str]) -> EditForm:
    item = media.get_item(session, caller, item_id)
    suits = ("mixed", "movies" if item.type == MediaType.MOVIE else "series")
    given = {
        "title": item.title,
        "year": str(item.year or ""),
        "overview": item.overview or "",
        "profile_id": item.versions[0].profile_id if item.versions else "",
        "library_path_id": item.library_path_id or "",
        "minimum_availability": item.minimum_availability,
        "series_type": item.series_type or "",
        "provider": item.provider,
        "monitor_new_seasons": item.monitor_new_seasons,
        "monitor": "",
    }
    return EditForm(
        item,
        tuple(
            (path.id, path.path) for path in settings.library_paths.list_library_paths(session) if path.type in suits
        ),
        tuple((profile.id, profile.name) for profile in settings.profiles.list_profiles(session)),
        (("", "Leave as it is"), *media.monitoring.PATTERNS.items()),
        (("tmdb", "TMDB"), ("tvdb", "TheTVDB"), ("none", "None: file names and NFO files")),
        given | values,
    )


@get("/items/{item_id:str}/edit", sync_to_thread=True, include_in_schema=False)
def show_edit(request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str]) -> Response[str]:
    """Show the dialog."""
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        view = _edit_form(session, caller, item_id, {})
    return dialog(request, "item/_edit.html", view, title=f"Edit {view.item.title}", **surroundings(view.item))


@post("/items/{item_id:str}/edit", sync_to_thread=True, status_code=200, include_in_schema=False)
def edit_item(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], form: FormDep
) -> Response[str]:
    """Apply what the dialog says."""
    changes: dict[str, Any] = {
        name: form[name]
        for name in ("title", "profile_id", "minimum_availability", "monitor_new_seasons", "series_type", "provider")
        if form.get(name)
    }
    if "overview" in form:
        changes["overview"] = form["overview"].strip() or None
    if form.get("library_path_id"):
        changes["library_path_id"] = form["library_path_id"]
    try:
        if form.get("year"):
            year = whole_number(form["year"])
            if year is None:
                raise Invalid("Write a year such as 1927.", fields={"year": "Write a year such as 1927."})
            changes["year"] = year
        with database.writes() as session:
            now = clock.now()
            media.change_item(session, caller, now, item_id, changes)
            if form.get("monitor"):
                media.monitoring.change_pattern(
                    session, caller, now, item_id, media.monitoring.pattern_of(form["monitor"])
                )
    except Invalid as error:
        with database.reads() as session:
            view = _edit_form(session, caller, item_id, form)
        return invalid_form(
            request, "item/_edit.html", view, error, title=f"Edit {view.item.title}", **surroundings(view.item)
        )
    return media_changed(request, item_id, Toast("Saved"))


ROUTES: tuple[Any, ...] = (set_monitored, search_item, refresh_item, show_edit, edit_item)
