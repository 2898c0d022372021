"""`Query` and `Mutation`: the fields that the design names, and those of the tables."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import msgspec
import strawberry
from strawberry.types import Info

from mydia.contexts import media
from mydia.errors import MydiaError
from mydia.vocabulary import MediaType
from mydia.web.api import downloads as download_api
from mydia.web.api import media as media_api
from mydia.web.api import schemas
from mydia.web.api import settings as settings_api
from mydia.web.graphql.context import Context
from mydia.web.graphql.fields import Call, Fields, field_of
from mydia.web.graphql.paging import Connections
from mydia.web.graphql.shapes import Shapes, camel
from mydia.web.graphql.tables import BY_HAND, INPUT_NAMES, MUTATIONS, NAMES, QUERIES
from mydia.web.graphql.types import more_of


class Found(schemas.Struct):
    """A title of the library or of the metadata source."""

    id: str
    """That of the title in the library, else type and catalogue id, such as `movie:tmdb:19`."""
    type: MediaType
    title: str
    original_title: str | None
    year: int | None
    tmdb_id: int | None
    tvdb_id: int | None
    imdb_id: str | None
    overview: str | None
    poster_url: str | None
    media_id: str | None
    """Set when it is in the library."""


class Configuration(schemas.Struct):
    """The settings with their sources."""

    settings: list[schemas.SettingShape]


class Roots(msgspec.Struct, frozen=True):
    """The root types of a schema."""

    query: Any
    mutation: Any
    shapes: Shapes


def make_roots() -> Roots:
    """Make the root types and everything below them."""
    shapes = Shapes(
        {**NAMES, Found: "SearchResult", Configuration: "Config"},
        {**INPUT_NAMES, settings_api.ConfigChange: "ConfigInput"},
        {schemas.Listed: schemas.Item},
        more_of,
    )
    connections = Connections()
    fields = Fields(shapes, connections)
    queries = {name: fields.make(name, handler) for name, handler in QUERIES.items()}
    mutations = {name: fields.make(name, handler) for name, handler in MUTATIONS.items()}
    queries |= {
        "config": _config(shapes),
        "downloads": _downloads(fields, shapes),
        "media": _media(shapes),
        "media_items": fields.make("media_items", BY_HAND["media_items"], read=_titles),
        "search_media": _search_media(shapes),
    }
    mutations |= {"trigger_search": _trigger_search(), "update_config": _update_config(shapes)}
    return Roots(_root("Query", queries), _root("Mutation", mutations), shapes)


def _root(name: str, fields: Mapping[str, Any]) -> Any:
    made = type(name, (), {"__module__": __name__, "__annotations__": {}, **dict(sorted(fields.items()))})
    return strawberry.type(made, name=name)


def _argument(name: str, kind: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)


def _media(shapes: Shapes) -> Any:
    call = Call(BY_HAND["media"], {"media_id": "id"})

    def resolve(info: Info[Any, Any], **given: Any) -> Any:
        return call(info.context, given)

    kind = shapes.output(schemas.Item) | None
    return field_of(
        resolve, [_argument("id", strawberry.ID)], kind, description="Return a title by its id or its `number`."
    )


def _search_media(shapes: Shapes) -> Any:
    call = Call(BY_HAND["search_media"], {"q": "query"})

    def resolve(info: Info[Any, Any], **given: Any) -> list[Found]:
        hit: schemas.Hit = call(info.context, given)
        if hit.notice:
            info.context.notices.append(hit.notice)
        here = {card.id for card in hit.library}
        return [_from_library(card) for card in hit.library] + [
            _from_provider(one) for one in hit.providers if one.media_id not in here
        ]

    return field_of(
        resolve,
        [
            _argument("query", str),
            _argument("type", shapes.output(MediaType) | None, None),
            _argument("year", int | None, None),
        ],
        list[shapes.output(Found)],  # type: ignore[misc]
        description=(
            "Search the library and the metadata source by name, or by a catalogue id such as `tmdb:19`. If the source does not"
            " answer, `extensions.notices` of the response says so."
        ),
    )


def _from_library(card: schemas.Listed) -> Found:
    return Found(
        id=card.id,
        type=card.type,
        title=card.title,
        original_title=None,
        year=card.year,
        tmdb_id=None,
        tvdb_id=None,
        imdb_id=None,
        overview=None,
        poster_url=card.poster_url,
        media_id=card.id,
    )


def _from_provider(one: schemas.Found) -> Found:
    numbers = (("tmdb", one.tmdb_id), ("tvdb", one.tvdb_id), ("imdb", one.imdb_id))
    catalogue = next((f"{one.type}:{name}:{number}" for name, number in numbers if number), f"{one.type}:{one.title}")
    return Found(
        id=one.media_id or catalogue,
        type=one.type,
        title=one.title,
        original_title=one.original_title,
        year=one.year,
        tmdb_id=one.tmdb_id,
        tvdb_id=one.tvdb_id,
        imdb_id=one.imdb_id,
        overview=one.overview,
        poster_url=one.poster_url,
        media_id=one.media_id,
    )


def _downloads(fields: Fields, shapes: Shapes) -> Any:
    call = Call(BY_HAND["downloads"], {})

    def resolve(info: Info[Any, Any], **given: Any) -> Any:
        return call(info.context, {"state": ["open"], **given, "limit": 200}).items

    arguments = [one for one in fields.arguments("downloads", call) if one.name not in ("cursor", "limit")]
    return field_of(
        resolve,
        arguments,
        list[shapes.output(download_api.DownloadShape)],  # type: ignore[misc]
        description="Return up to 200 downloads, newest first: the queue, or those with other states. `downloadHistory` pages.",
    )


def _titles(context: Context, given: Mapping[str, Any]) -> schemas.Page[schemas.Listed]:
    """Return a page of titles: the values of `list_media`'s parameters, without its encoded and cached answer."""
    wanted: dict[str, Any] = {
        _COLUMNS.get(name, name): None if value == "" else value
        for name, value in given.items()
        if name not in ("request", "database", "caller", "cursor", "limit")
    }
    asked = media.lists.ItemQuery(**wanted).check(context.caller)
    with context.deps.database.reads() as session:
        cards, following = media.lists.list_items(
            session, context.caller, asked, cursor=given["cursor"], limit=given["limit"]
        )
    return schemas.Page(items=[schemas.listed(card) for card in cards], next_cursor=following)


_COLUMNS = {"wanted_state": "state", "q": "text"}
"""Parameter of the API -> field of the query."""


def _trigger_search() -> Any:
    call = Call(BY_HAND["trigger_search"], {})

    def resolve(info: Info[Any, Any], **given: Any) -> bool:
        call(info.context, given)
        return True

    return field_of(
        resolve,
        [_argument("media_id", strawberry.ID), _argument("season", int | None, None)],
        bool,
        description=inspect.getdoc(media_api.search_media.fn),
    )


def _config(shapes: Shapes) -> Any:
    call = Call(BY_HAND["config"], {})

    def resolve(info: Info[Any, Any]) -> Configuration:
        return Configuration(settings=call(info.context, {}))

    return field_of(resolve, [], shapes.output(Configuration), description=inspect.getdoc(settings_api.list_config.fn))


def _update_config(shapes: Shapes) -> Any:
    call = Call(BY_HAND["update_config"], {})

    def resolve(info: Info[Any, Any], **given: Any) -> Configuration:
        try:
            return Configuration(settings=call(info.context, given))
        except MydiaError as error:
            error.fields = {camel(name): said for name, said in error.fields.items()}
            raise

    return field_of(
        resolve,
        [_argument("input", shapes.input(settings_api.ConfigChange))],
        shapes.output(Configuration),
        description=inspect.getdoc(settings_api.change_config.fn),
    )
