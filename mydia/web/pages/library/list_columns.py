"""The columns of the library table: which there are, which a user chose, and what a row holds for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct
from sqlalchemy.orm import Session

from mydia.contexts import media
from mydia.contexts.users import Caller, Permission
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, WebRequest
from mydia.web.pages.library.sections import Section, section_of
from mydia.web.render import dialog, fragment, is_htmx, local_path, nothing, redirect
from mydia.web.views import Artwork
from mydia.web.views.cards import artwork


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the table beside the title, which is always there."""

    name: str
    label: str
    sort: str = ""
    """The order that its heading gives; empty when the list cannot be sorted by it."""
    kind: str = ""
    """CSS class of its cells: `num` for figures, `cell-spec` and `cell-state` for what a phone shows too."""
    type: MediaType | None = None
    """Only for films or for series."""


COLUMNS = (
    Column(name="file", label="File", kind="cell-spec"),
    Column(name="quality", label="Quality"),
    Column(name="profile", label="Profile"),
    Column(name="status", label="Status"),
    Column(name="studio", label="Studio"),
    Column(name="folder", label="Library folder"),
    Column(name="tags", label="Tags"),
    Column(name="next", label="Next episode", type=MediaType.TV_SHOW),
    Column(name="runtime", label="Runtime", sort="runtime", kind="num"),
    Column(name="rating", label="Rating", sort="rating", kind="num"),
    Column(name="size", label="Size", sort="size", kind="num"),
    Column(name="added", label="Added", sort="added"),
    Column(name="state", label="State", kind="cell-state"),
)
_USUAL = ("file", "profile", "rating", "size", "added", "state")
_FOR_SHOWS = {"file": "Episodes", "studio": "Network"}


class ShownColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column with its heading in this list."""

    name: str
    label: str
    sort: str
    kind: str
    chosen: bool = True


def columns_for(session: Session, caller: Caller, type_: MediaType) -> tuple[ShownColumn, ...]:
    """Return every column of a list; `chosen` are those that the caller's table shows."""
    chosen = media.saved_filters.columns_of(session, caller, type_)
    wanted = _USUAL if chosen is None else chosen
    return tuple(
        ShownColumn(
            name=one.name,
            label=_FOR_SHOWS.get(one.name, one.label) if type_ == MediaType.TV_SHOW else one.label,
            sort=one.sort,
            kind=one.kind,
            chosen=one.name in wanted,
        )
        for one in COLUMNS
        if one.type in (None, type_)
    )


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of the table, and where the next ones are."""

    items: tuple[media.lists.Card, ...]
    columns: tuple[ShownColumn, ...]
    tags: dict[str, tuple[str, ...]]
    more: str | None
    can_manage: bool

    @staticmethod
    def art(item: media.lists.Card) -> Artwork:
        """Return a row's picture."""
        return artwork(item.poster)

    @property
    def width(self) -> int:
        """How many cells a row has."""
        return len(self.columns) + (4 if self.can_manage else 2)


def rows_of(
    session: Session, caller: Caller, type_: MediaType, items: Sequence[media.lists.Card], more: str | None
) -> Rows:
    """Return rows with what the caller's columns need."""
    columns = tuple(one for one in columns_for(session, caller, type_) if one.chosen)
    ids = [item.id for item in items] if any(one.name == "tags" for one in columns) else []
    tags = media.tags.tags_of(session, caller, ids) if ids else {}
    return Rows(
        items=tuple(items), columns=columns, tags=tags, more=more, can_manage=caller.can(Permission.MANAGE_MEDIA)
    )


class ColumnsView(msgspec.Struct, frozen=True):
    """The dialog in which columns are chosen."""

    section: Section
    columns: tuple[ShownColumn, ...]
    back: str


@get(["/movies/columns", "/shows/columns"], sync_to_thread=True, include_in_schema=False)
def ask_columns(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Ask which columns the table has."""
    section = section_of(request)
    back = local_path(request.query_params.get("next", section.table))
    with database.reads() as session:
        view = ColumnsView(section, columns_for(session, caller, section.type), back)
    return dialog(request, "library/_columns.html", view, title="Columns", active=section.id, back=back)


class ColumnFields(Struct, kw_only=True):
    """The columns that were ticked."""

    columns: tuple[str, ...] = ()
    usual: bool = False
    """Whether to go back to the usual ones."""
    next: str = ""


@post(["/movies/columns", "/shows/columns"], sync_to_thread=True, status_code=200, include_in_schema=False)
def choose_columns(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[ColumnFields]
) -> Response[str]:
    """Keep the columns for the caller, or go back to the usual ones."""
    section, wanted = section_of(request), form.read()
    chosen = None if wanted.usual else [one.name for one in COLUMNS if one.name in wanted.columns]
    with database.writes() as session:
        media.saved_filters.choose_columns(session, caller, section.type, chosen)
    if is_htmx(request):
        return nothing(trigger={"library-changed": {}, "dialog-close": {}})
    return redirect(request, local_path(wanted.next, section.table))


@get("/items/{item_id:str}/row", sync_to_thread=True, include_in_schema=False)
def show_row(request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str]) -> Response[str]:
    """Show one row of the table again."""
    with database.reads() as session:
        found = media.lists.cards_of(session, caller, [item_id])
        type_ = found[0].type if found else MediaType.MOVIE
        rows = rows_of(session, caller, type_, found, None)
    return fragment(request, "library/_rows.html", rows=rows)


ROUTES: tuple[Any, ...] = (ask_columns, choose_columns, show_row)
