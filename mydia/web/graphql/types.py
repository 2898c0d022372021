"""Types that are more than a struct of the REST API: titles, files, events, and links between all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import strawberry
from msgspec import inspect as types
from strawberry.scalars import JSON
from strawberry.types import Info

from mydia.web.api import downloads, library, schemas, system
from mydia.web.graphql.fields import DIRECT, field_of
from mydia.web.graphql.paging import MOST, checked_first
from mydia.web.graphql.shapes import BigInt, Shapes

_BOTH = frozenset(schemas.Listed.__struct_fields__) & frozenset(schemas.Item.__struct_fields__)
"""Fields that a title in a list has as well as one with all details."""

_ONLY_LISTED: Mapping[str, tuple[Any, str]] = {
    "resolution": (int | None, "Of the best file, in lines."),
    "profile": (str | None, "The name of the quality profile."),
    "quality": (str | None, "Of the best file, such as `Bluray-1080p`."),
    "studio": (str | None, "Network of a series, studio of a film."),
    "library_folder": (str | None, "The name of the library folder."),
}


def more_of(kind: type) -> Callable[[Shapes], Mapping[str, Any]]:
    """Return what makes the fields that a type has in addition to those of its struct, or in place of them."""
    return _MORE.get(kind, _linked(kind))


def _linked(kind: type) -> Callable[[Shapes], Mapping[str, Any]]:
    names = getattr(kind, "__struct_fields__", ())
    return lambda shapes: {
        link: make(shapes) for name, (link, make) in _LINKS.items() if name in names and link not in names
    }


async def _read(found: Awaitable[Any], name: str) -> Any:
    value = await found
    return None if value is None else getattr(value, name)


def _detail(name: str) -> Callable[[Any, Info[Any, Any]], Any]:
    def resolve(root: Any, info: Info[Any, Any]) -> Any:
        return (
            getattr(root, name)
            if isinstance(root, schemas.Item)
            else _read(info.context.loaders.items.load(root.id), name)
        )

    return resolve


def _card(name: str) -> Callable[[Any, Info[Any, Any]], Any]:
    def resolve(root: Any, info: Info[Any, Any]) -> Any:
        return (
            getattr(root, name)
            if isinstance(root, schemas.Listed)
            else _read(info.context.loaders.cards.load(root.id), name)
        )

    return resolve


def _media_item(shapes: Shapes) -> Mapping[str, Any]:
    file = shapes.output(library.FileShape)
    found: dict[str, Any] = {}
    told = types.type_info(schemas.Item)
    assert isinstance(told, types.StructType)
    for name, annotation, said in shapes.fields(told, "MediaItem"):
        if name not in _BOTH:
            found[name] = _resolved(_detail(name), annotation, said)
    found |= {name: _resolved(_card(name), kind, said) for name, (kind, said) in _ONLY_LISTED.items()}
    found["files"] = strawberry.field(
        resolver=_with_return(_files_of, list[file]),  # type: ignore[valid-type]
        description="The videos, sorted by path. Extras and samples need the permission to see activity.",
    )
    found["file_count"] = _resolved(lambda root, info: root.files, int, "How many videos there are.")  # noqa: ARG005
    found["metadata"] = _resolved(
        lambda root, info: info.context.loaders.metadata.load(root.id),
        JSON | None,
        "What the provider says beyond the fields of this type: videos, certifications, credits.",
    )
    found["episodes"] = strawberry.field(
        resolver=_with_return(_episodes_of, list[shapes.output(schemas.EpisodeShape)]),  # type: ignore[misc]
        description="The episodes of a show in order.",
    )
    found["tags"] = _resolved(
        lambda root, info: info.context.loaders.tags.load(root.id), list[str], "The names of the tags."
    )
    found["downloads"] = _resolved(
        lambda root, info: info.context.loaders.queue.load(root.id),
        list[shapes.output(downloads.DownloadShape)],  # type: ignore[misc]
        "Unfinished downloads.",
    )
    found["releases"] = strawberry.field(
        resolver=_with_return(_releases_of, list[shapes.output(downloads.ReleaseShape)]),  # type: ignore[misc]
        description=f"The releases of the last search, best first. `first` is at most {MOST}.",
    )
    found["history"] = strawberry.field(
        resolver=_with_return(_history_of, list[shapes.output(system.Happening)]),  # type: ignore[misc]
        description=f"The newest events, newest first. `first` is at most {MOST}.",
    )
    return found


def _files_of(root: Any, info: Info[Any, Any], *, extras: bool = False) -> Any:
    loaders = info.context.loaders
    return (loaders.files if extras else loaders.videos).load(root.id)


def _releases_of(root: Any, info: Info[Any, Any], *, first: int = 10) -> Any:
    return info.context.loaders.releases.load((root.id, checked_first(first)))


def _history_of(root: Any, info: Info[Any, Any], *, first: int = 10) -> Any:
    return info.context.loaders.history.load((root.id, checked_first(first)))


async def _episodes_of(root: Any, info: Info[Any, Any], *, season: int | None = None) -> Any:
    found = await info.context.loaders.episodes.load(root.id)
    return found if season is None else [one for one in found if one.season == season]


def _with_return(resolver: Any, kind: Any) -> Any:
    resolver.__annotations__["return"] = kind
    setattr(resolver, DIRECT, resolver)
    return resolver


def _media_file(shapes: Shapes) -> Mapping[str, Any]:
    return {
        "size": _resolved(lambda root, info: root.size_bytes, BigInt, "In bytes."),  # noqa: ARG005
        "codec": _resolved(lambda root, info: root.video_codec, str | None, "The video codec."),  # noqa: ARG005
        "verified": _resolved(
            lambda root, info: root.analysed_at is not None and root.analysis_error is None and not root.missing_since,  # noqa: ARG005
            bool,
            "Whether the file is there and its streams have been read.",
        ),
        **_linked(library.FileShape)(shapes),
    }


def _event(shapes: Shapes) -> Mapping[str, Any]:
    def media(root: Any, info: Info[Any, Any]) -> Any:
        id_ = root.resource_id if root.resource == "media_item" else root.details.get("media_item_id")
        return info.context.loaders.items.load(id_) if isinstance(id_, str) else None

    return {"media": _resolved(media, shapes.output(schemas.Item) | None, "The title it is about.")}


def _media_link(shapes: Shapes) -> Any:
    def resolve(root: Any, info: Info[Any, Any]) -> Any:
        return info.context.loaders.items.load(root.media_id) if root.media_id else None

    return _resolved(resolve, shapes.output(schemas.Item) | None, "The title, if it is in the library.")


def _profile_link(shapes: Shapes) -> Any:
    def resolve(root: Any, info: Info[Any, Any]) -> Any:
        return info.context.loaders.profiles.load(root.profile_id) if root.profile_id else None

    return _resolved(resolve, shapes.output(schemas.ProfileShape) | None, "The quality profile.")


_LINKS: Mapping[str, tuple[str, Callable[[Shapes], Any]]] = {
    "media_id": ("media", _media_link),
    "profile_id": ("profile", _profile_link),
}
"""Field that holds an id -> the field that follows it, which every type with the id has."""

_MORE: Mapping[type, Callable[[Shapes], Mapping[str, Any]]] = {
    schemas.Item: _media_item,
    library.FileShape: _media_file,
    system.Happening: _event,
}


def _resolved(resolve: Callable[[Any, Any], Any], kind: Any, said: str | None) -> Any:
    def resolver(root: Any, info: Any) -> Any:
        return resolve(root, info)

    setattr(resolver, DIRECT, resolve)
    return field_of(resolver, [], kind, description=said, has_root=True)
