"""Saving a list's filter under a name, and renaming, deleting and choosing saved ones."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.contexts import media
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.errors import Conflict, Invalid
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, WebRequest
from mydia.web.pages.library.list_filters import params_of
from mydia.web.pages.library.sections import Section, section_of
from mydia.web.render import Toast, dialog, fragment, invalid_form, is_htmx, nothing, query, redirect


class FilterLink(msgspec.Struct, frozen=True, kw_only=True):
    """A saved filter as the list shows it."""

    id: str
    name: str
    href: str
    is_default: bool
    chosen: bool
    """Whether the list shows exactly this."""


def links_of(
    section: Section, saved: list[media.saved_filters.SavedFilter], params: dict[str, str]
) -> tuple[FilterLink, ...]:
    """Return the saved filters of a list, with the one that is shown."""
    shown = {name: value for name, value in params.items() if name != "all"}
    return tuple(
        FilterLink(
            id=one.id,
            name=one.name,
            href=section.path + query(one.params or {"all": "true"}),
            is_default=one.is_default,
            chosen={name: value for name, value in one.params.items() if name != "all"} == shown,
        )
        for one in saved
    )


class FiltersView(msgspec.Struct, frozen=True):
    """The dialog: the filter to save, and those that are saved."""

    section: Section
    params: dict[str, str]
    saved: tuple[FilterLink, ...]
    name: str = ""


class ShownFields(Struct, kw_only=True):
    """The parameters of the list, among them; and `name_<id>` of each saved filter."""

    values: dict[str, str] = {}


class SaveFields(ShownFields, kw_only=True):
    """The filter to save."""

    name: str = ""
    default: bool = False
    """Whether the list opens with it from now on."""


@get(["/movies/filters", "/shows/filters"], sync_to_thread=True, include_in_schema=False)
def show_filters(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Show the saved filters, and offer to save the one that the list shows."""
    section = section_of(request)
    view = _view(database, caller, section, params_of(request.query_params))
    return dialog(request, _TEMPLATE, view, **_surroundings(view))


def _view(database: Database, caller: Caller, section: Section, params: dict[str, str], name: str = "") -> FiltersView:
    with database.reads() as session:
        saved = media.saved_filters.list_filters(session, caller, section.type)
        return FiltersView(section, params, links_of(section, saved, params), name)


_TEMPLATE = "library/_filters.html"


def _surroundings(view: FiltersView) -> dict[str, Any]:
    return {
        "title": "Saved filters",
        "active": view.section.id,
        "back": view.section.path + query(view.params, all="true"),
    }


@post(["/movies/filters", "/shows/filters"], sync_to_thread=True, status_code=200, include_in_schema=False)
def save_filter(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[SaveFields]
) -> Response[str]:
    """Save what the list shows under a name, and show the list with it."""
    section, wanted = section_of(request), form.read()
    params = params_of(wanted.values)
    params.pop("all", None)
    try:
        with database.writes() as session:
            saved = media.saved_filters
            row = saved.save_filter(session, caller, clock.now(), section.type, wanted.name, params)
            if wanted.default:
                saved.set_default_filter(session, caller, row.id, default=True)
            name = row.name
    except Invalid as error:
        view = _view(database, caller, section, params, wanted.name)
        return invalid_form(request, _TEMPLATE, view, error, **_surroundings(view))
    toast = Toast(f"“{name}” saved")
    if is_htmx(request):
        return nothing(toast=toast, trigger={"library-changed": {}, "dialog-close": {}})
    return redirect(request, section.path + query(params or {"all": "true"}), toast=toast)


@post(
    ["/movies/filters/{filter_id:str}/{action:str}", "/shows/filters/{filter_id:str}/{action:str}"],
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
)
def change_filter(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    filter_id: FromPath[str],
    action: FromPath[str],
    form: FormOf[ShownFields],
) -> Response[str]:
    """Rename or delete a saved filter, or open the list with it from now on."""
    section, sent = section_of(request), form.read().values
    params = params_of(sent)
    saved = media.saved_filters
    try:
        with database.writes() as session:
            match action:
                case "rename":
                    name = saved.rename_filter(session, caller, filter_id, sent.get(f"name_{filter_id}", "")).name
                    toast = Toast(f"Renamed to “{name}”")
                case "default" | "no-default":
                    row = saved.set_default_filter(session, caller, filter_id, default=action == "default")
                    opens = f"with “{row.name}”" if row.is_default else "with all titles"
                    toast = Toast(f"{section.title} opens {opens}")
                case "delete":
                    saved.delete_filter(session, caller, filter_id)
                    toast = Toast("Filter deleted")
                case _:
                    raise Invalid("This action is not available for a saved filter.")
    except (Invalid, Conflict) as error:
        told = Invalid(error.message, fields={f"name_{filter_id}": error.fields.get("name", error.message)})
        view = _view(database, caller, section, params)
        return invalid_form(request, _TEMPLATE, view, told, **_surroundings(view))
    if not is_htmx(request):
        return redirect(request, f"{section.path}/filters{query(params)}", toast=toast)
    view = _view(database, caller, section, params)
    return fragment(request, _TEMPLATE, view, toast=toast, trigger={"library-changed": {}})


ROUTES: tuple[Any, ...] = (show_filters, save_filter, change_filter)
