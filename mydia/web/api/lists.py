"""`/api/v1/saved-filters` and `/api/v1/tags`: what people keep of the library lists, and labels of titles."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta

from mydia import clock
from mydia.contexts import media
from mydia.vocabulary import MediaType
from mydia.web import patterns
from mydia.web.api.schemas import Struct, Tag
from mydia.web.deps import CallerDep, DatabaseDep

type _Name = Annotated[str, Meta(max_length=60, pattern=patterns.NOT_BLANK)]


class SavedFilterShape(Struct):
    """A filter of a library list, saved under a name."""

    id: str
    type: MediaType
    name: str
    params: dict[str, str]
    """The parameters of the list's address."""
    is_default: bool


class NewFilter(Struct):
    """A filter to save; one of the same name is replaced."""

    type: MediaType
    name: _Name
    params: dict[str, str]
    is_default: bool = False


class FilterChange(Struct):
    """What changes in a saved filter; null leaves it as it is."""

    name: _Name | None = None
    is_default: bool | None = None


class TagShape(Struct):
    """A tag and how many titles have it."""

    id: str
    name: str
    titles: int


class TagChange(Struct):
    """Tags to add to a title, and to take away."""

    add: list[Tag] = []
    remove: list[Tag] = []


@get("/saved-filters", sync_to_thread=True, summary="List saved filters")
def list_filters(
    database: DatabaseDep, caller: CallerDep, type: FromQuery[MediaType | None] = None
) -> list[SavedFilterShape]:
    """Return the caller's own filters of the lists, by name."""
    with database.reads() as session:
        return [_shape(row) for row in media.saved_filters.list_filters(session, caller, type)]


@get("/saved-filters/{filter_id:str}", sync_to_thread=True, summary="Get a saved filter")
def get_filter(database: DatabaseDep, caller: CallerDep, filter_id: FromPath[str]) -> SavedFilterShape:
    """Return one of the caller's own filters."""
    with database.reads() as session:
        return _shape(media.saved_filters.get_filter(session, caller, filter_id))


@post("/saved-filters", sync_to_thread=True, summary="Save a filter")
def save_filter(database: DatabaseDep, caller: CallerDep, data: JSONBody[NewFilter]) -> SavedFilterShape:
    """Save a filter under a name."""
    saved = media.saved_filters
    with database.writes() as session:
        row = saved.save_filter(session, caller, clock.now(), data.type, data.name, data.params)
        if data.is_default:
            saved.set_default_filter(session, caller, row.id, default=True)
        return _shape(row)


@put("/saved-filters/{filter_id:str}", sync_to_thread=True, summary="Change a saved filter")
def change_filter(
    database: DatabaseDep, caller: CallerDep, filter_id: FromPath[str], data: JSONBody[FilterChange]
) -> SavedFilterShape:
    """Rename a filter, or open the list with it from now on."""
    saved = media.saved_filters
    with database.writes() as session:
        row = saved.get_filter(session, caller, filter_id)
        if data.name is not None:
            saved.rename_filter(session, caller, filter_id, data.name)
        if data.is_default is not None:
            saved.set_default_filter(session, caller, filter_id, default=data.is_default)
        return _shape(row)


@delete("/saved-filters/{filter_id:str}", sync_to_thread=True, status_code=204, summary="Delete a saved filter")
def delete_filter(database: DatabaseDep, caller: CallerDep, filter_id: FromPath[str]) -> None:
    """Delete a filter."""
    with database.writes() as session:
        media.saved_filters.delete_filter(session, caller, filter_id)


@get("/tags", sync_to_thread=True, summary="List tags")
def list_tags(database: DatabaseDep, caller: CallerDep) -> list[TagShape]:
    """Return all tags by name."""
    with database.reads() as session:
        return [TagShape(id=one.id, name=one.name, titles=one.titles) for one in media.tags.list_tags(session, caller)]


@get("/media/{media_id:str}/tags", sync_to_thread=True, summary="List a title's tags")
def list_title_tags(database: DatabaseDep, caller: CallerDep, media_id: FromPath[str]) -> list[str]:
    """Return the names of a title's tags."""
    with database.reads() as session:
        media.get_item(session, caller, media_id)
        return list(media.tags.tags_of(session, caller, [media_id])[media_id])


@put("/media/{media_id:str}/tags", sync_to_thread=True, summary="Change a title's tags")
def change_title_tags(
    database: DatabaseDep, caller: CallerDep, media_id: FromPath[str], data: JSONBody[TagChange]
) -> list[str]:
    """Add tags to a title and take others away; tags that do not exist yet are created."""
    with database.writes() as session:
        media.tags.change_tags(session, caller, clock.now(), media_id, add=data.add, remove=data.remove)
        return list(media.tags.tags_of(session, caller, [media_id])[media_id])


def _shape(row: media.saved_filters.SavedFilter) -> SavedFilterShape:
    return SavedFilterShape(
        id=row.id, type=row.media_type, name=row.name, params=dict(row.params), is_default=row.is_default
    )


ROUTES: tuple[Any, ...] = (
    list_filters,
    get_filter,
    save_filter,
    change_filter,
    delete_filter,
    list_tags,
    list_title_tags,
    change_title_tags,
)
