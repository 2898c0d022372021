"""Actions on everything that is selected in a library list."""

from __future__ import annotations

from collections.abc import Sequence
from copy import replace
from typing import Any

from litestar import Response, post
from litestar.params import FromPath
from msgspec import Struct
from msgspec import field as form_field
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import downloads, library, media
from mydia.contexts.users import Caller
from mydia.errors import Forbidden, Invalid, MydiaError
from mydia.units import plural
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.pages.library.list_filters import params_of, read_query
from mydia.web.pages.library.sections import section_of
from mydia.web.render import Toast, is_htmx, nothing, query, redirect

_READ_AT_ONCE = 1_000
_AT_ONCE = 500
"""Titles whose monitoring a request changes itself; for more it starts a bulk edit, which is a job with progress and an undo.
Also the number of titles for which a request requests jobs itself."""
_BULK = {
    "monitor": "monitored",
    "unmonitor": "no longer monitored",
    "search": "being searched",
    "refresh": "being refreshed",
}
"""What can be done to many -> what is said of them then."""
_UNDOES = {"monitor": "unmonitor", "unmonitor": "monitor"}


class SelectedTitles(Struct, kw_only=True):
    """A selection in a list: the listed ids, or all titles of the list's filter but some."""

    scope: str = "ids"
    """`ids` or `filter`."""
    ids: tuple[str, ...] = ()
    left_out: tuple[str, ...] = form_field(default=(), name="except")
    values: dict[str, str] = {}
    """Among them the parameters of the list."""

    def fields(self) -> dict[str, str]:
        """Return the fields that send the same selection again."""
        sent = {"scope": self.scope, "ids": ",".join(self.ids), "except": ",".join(self.left_out)}
        return {name: value for name, value in sent.items() if value} | params_of(self.values)


def chosen_ids(session: Session, caller: Caller, chosen: SelectedTitles, type_: MediaType) -> Sequence[str]:
    """Return the ids of a selection: all of them, however many."""
    if chosen.scope != "filter":
        if not chosen.ids:
            raise Invalid("Nothing is selected.")
        return chosen.ids
    asked, left_out = read_query(caller, type_, params_of(chosen.values)), set(chosen.left_out)
    found: list[str] = []
    while page := media.lists.ids_of(session, caller, asked, after=found[-1] if found else "", limit=_READ_AT_ONCE):
        found += page
    return [id_ for id_ in found if id_ not in left_out]


@post(
    ["/movies/bulk/{action:str}", "/shows/bulk/{action:str}"],
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
)
def change_many(
    request: WebRequest,
    database: DatabaseDep,
    deps: DepsDep,
    caller: CallerDep,
    action: FromPath[str],
    form: FormOf[SelectedTitles],
) -> Response[str]:
    """Do one thing to all selected titles and report the result."""
    section, wanted = section_of(request), form.read()
    if action not in _BULK:
        raise Invalid("This action is not available for a selection.")
    with database.reads() as session:
        ids = chosen_ids(session, caller, wanted, section.type)
    if action in _UNDOES and len(ids) > _AT_ONCE:
        changes = library.edits.TitleChanges(monitored=action == "monitor")
        with database.writes() as session:
            edit = library.edits.request_edit(session, caller, clock.now(), section.type, ids, changes)
        return redirect(request, f"/edits/{edit.id}")
    done, problems = (
        _monitor(deps, caller, ids, action == "monitor") if action in _UNDOES else _request(deps, caller, ids, action)
    )
    toast = Toast(
        f"{done:,} {section.noun if done == 1 else section.noun + 's'} {_BULK[action]}",
        problems[0] if problems else "",
        tone="miss" if problems else "ok",
    )
    if action in _UNDOES and not problems:
        toast = undoable(toast, f"{section.path}/bulk/{_UNDOES[action]}", ids)
    if not is_htmx(request):
        return redirect(request, section.path, toast=toast)
    return nothing(toast=toast, trigger={"library-changed": {}, "selection-clear": {}})


_UNDONE_AT_MOST = 40
"""Ids that an address carries without trouble."""


def undoable(toast: Toast, path: str, ids: Sequence[str]) -> Toast:
    """Return a message whose button takes back what was done to a few."""
    if not 0 < len(ids) <= _UNDONE_AT_MOST:
        return toast
    return replace(toast, action_label="Undo", action_href=path + query({"ids": ",".join(ids)}), action_posts=True)


def _monitor(deps: WebDeps, caller: Caller, ids: Sequence[str], monitored: bool) -> tuple[int, list[str]]:
    """Monitor titles or stop, one by one; return how many were changed, and what went wrong."""
    done, problems = 0, []
    for item_id in ids:
        try:
            with deps.database.writes() as session:
                media.monitoring.change_monitoring(session, caller, clock.now(), item_id, monitored)
            done += 1
        except Forbidden:
            raise
        except MydiaError as error:
            problems.append(error.message)
    return done, problems


def _request(deps: WebDeps, caller: Caller, ids: Sequence[str], action: str) -> tuple[int, list[str]]:
    """Request a job for each title; the jobs run later, one by one. More than some hundreds are requested by another job."""
    request_all = downloads.request_searches if action == "search" else media.catalogue.request_refreshes
    with deps.database.writes() as session:
        done = request_all(session, caller, ids, by_job=len(ids) > _AT_ONCE)
    gone = len(set(ids)) - done
    return done, [f"{plural(gone, 'title')} removed in the meantime."] if gone else []


ROUTES: tuple[Any, ...] = (change_many,)
