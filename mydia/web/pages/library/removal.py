"""Remove one title or many: the dialogs, the removal itself, and its undo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.contexts import library, media
from mydia.errors import Forbidden, MydiaError
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, OutsideDep, WebRequest
from mydia.web.pages.library.bulk import SelectedTitles, chosen_ids
from mydia.web.pages.library.sections import Section, section_of
from mydia.web.render import Toast, dialog, is_htmx, nothing, plural, redirect

_FATES = {
    "recycle": "Its files are in the recycle bin.",
    "delete": "Its files were deleted permanently.",
    "keep": "",
}
_NAMED = 5
"""Titles that the dialog names; the rest is counted."""


class RemoveFields(Struct, kw_only=True):
    """What happens to the files of a title that is removed."""

    files: str = "keep"


class RemoveManyFields(SelectedTitles, kw_only=True):
    """The selected titles, and what happens to their files."""

    files: str = "keep"


class RemoveView(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog that removes titles."""

    heading: str
    action: str
    fields: Mapping[str, str]
    """What the form sends besides the choice about files: the selection."""
    titles: int
    files: int
    size_bytes: int
    named: tuple[str, ...]


def _undo_of(removal_id: str) -> str:
    return f"/removals/{removal_id}/undo"


@get("/items/{item_id:str}/remove", sync_to_thread=True, include_in_schema=False)
def ask_remove(request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str]) -> Response[str]:
    """Ask what should happen to a title's files."""
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
    view = RemoveView(
        heading=f"Remove {item.title}?",
        action=f"/items/{item_id}/remove",
        fields={},
        titles=1,
        files=item.files_count,
        size_bytes=item.size_bytes,
        named=(),
    )
    active = "shows" if item.type == MediaType.TV_SHOW else "movies"
    return dialog(
        request, "item/_remove.html", view, title=f"Remove {item.title}", active=active, back=f"/items/{item_id}"
    )


@post("/items/{item_id:str}/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_item(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    item_id: FromPath[str],
    form: FormOf[RemoveFields],
) -> Response[str]:
    """Remove a title, and offer to undo it."""
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
    files = form.read().files
    removed = library.recycle.remove_item(database, outside, caller, clock.now(), item_id, files=files)
    back = "/shows" if item.type == MediaType.TV_SHOW else "/movies"
    text = _FATES[files] if removed.files else ""
    toast = Toast(
        f"{item.title} removed",
        text,
        tone="ok",
        action_label="Undo",
        action_href=_undo_of(removed.removal_id or ""),
        action_posts=True,
    )
    return redirect(request, back, toast=toast)


@post(
    ["/movies/bulk/ask-remove", "/shows/bulk/ask-remove"], sync_to_thread=True, status_code=200, include_in_schema=False
)
def ask_remove_many(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[SelectedTitles]
) -> Response[str]:
    """Ask what should happen to the files of the selected titles, and say how many there are."""
    section, chosen = section_of(request), form.read()
    with database.reads() as session:
        ids = chosen_ids(session, caller, chosen, section.type)
        totals = media.lists.totals_of(session, caller, ids)
        named = sorted(card.title for card in media.lists.cards_of(session, caller, ids[:_NAMED]))
    view = RemoveView(
        heading=f"Remove {plural(totals.titles, section.noun)}?",
        action=f"{section.path}/bulk/remove",
        fields=chosen.fields(),
        titles=totals.titles,
        files=totals.files,
        size_bytes=totals.size_bytes,
        named=tuple(named),
    )
    return dialog(
        request, "item/_remove.html", view, title=f"Remove {section.noun}s", active=section.id, back=section.path
    )


@post(["/movies/bulk/remove", "/shows/bulk/remove"], sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_many(
    request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep, form: FormOf[RemoveManyFields]
) -> Response[str]:
    """Remove the selected titles, and offer to undo it; one that can't be removed does not stop the others."""
    section, chosen = section_of(request), form.read()
    with database.reads() as session:
        ids = chosen_ids(session, caller, chosen, section.type)
    files, removal_id = chosen.files, clock.new_id()
    done, freed, problems = 0, 0, []
    for item_id in ids:
        try:
            removed = library.recycle.remove_item(
                database, outside, caller, clock.now(), item_id, files=files, removal_id=removal_id
            )
            done += 1
            freed += removed.files
        except Forbidden:
            raise
        except MydiaError as error:
            problems.append(error.message)
    text = problems[0] if problems else f"{plural(freed, 'file')} {_MOVED[files]}." if freed else ""
    toast = Toast(f"{plural(done, section.noun)} removed", text, tone="miss" if problems else "ok")
    if done:
        toast = Toast(
            toast.title, text, tone=toast.tone, action_label="Undo", action_href=_undo_of(removal_id), action_posts=True
        )
    return _list_changed(request, section, toast)


_MOVED = {"keep": "", "recycle": "moved to the recycle bin", "delete": "deleted permanently"}


@post("/removals/{removal_id:str}/undo", sync_to_thread=True, status_code=200, include_in_schema=False)
def undo(
    request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep, removal_id: FromPath[str]
) -> Response[str]:
    """Undo the removal of all titles that were removed together."""
    made = library.removed.undo_removal(database, outside, caller, clock.now(), removal_id)
    return _restored(request, made)


@post("/removed/{item_id:str}/restore", sync_to_thread=True, status_code=200, include_in_schema=False)
def restore(
    request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep, item_id: FromPath[str]
) -> Response[str]:
    """Undo the removal of one title."""
    made = library.removed.restore_titles(database, outside, caller, clock.now(), [item_id])
    return _restored(request, made)


def _restored(request: WebRequest, made: library.removed.Restored) -> Response[str]:
    problem = made.problems[0] if made.problems else ""
    if len(made.item_ids) == 1:
        toast = Toast("Restored", problem, tone="miss" if problem else "ok")
        return redirect(request, f"/items/{made.item_ids[0]}", toast=toast)
    toast = Toast(f"{plural(len(made.item_ids), 'title')} restored", problem, tone="miss" if problem else "ok")
    if is_htmx(request):
        return nothing(toast=toast, trigger={"library-changed": {}})
    return redirect(request, "/movies", toast=toast)


def _list_changed(request: WebRequest, section: Section, toast: Toast) -> Response[str]:
    if not is_htmx(request):
        return redirect(request, section.path, toast=toast)
    return nothing(toast=toast, trigger={"library-changed": {}, "selection-clear": {}, "dialog-close": {}})


ROUTES: tuple[Any, ...] = (ask_remove, remove_item, ask_remove_many, remove_many, undo, restore)
