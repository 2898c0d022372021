"""Add, find, change and remove titles."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from copy import replace
from datetime import datetime
from itertools import batched
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import msgspec
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from mydia import clock
from mydia.contexts import metadata, settings
from mydia.contexts.media.details import LOCKABLE, apply_details, names_of
from mydia.contexts.media.holdings import refresh_state, set_first_state
from mydia.contexts.media.models import (
    Availability,
    MediaItem,
    MonitorPattern,
    NewSeasons,
    NumberedKind,
    Season,
    SeriesType,
    Title,
    Version,
)
from mydia.contexts.media.monitoring import apply_pattern, new_seasons_of
from mydia.contexts.media.numbers import give_numbers
from mydia.contexts.media.versions import DEFAULT_NAME
from mydia.contexts.metadata import Details, Ids, SeasonDetails
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import get
from mydia.errors import Conflict, Invalid, NotFound
from mydia.events import (
    Event,
    MediaAdded,
    MediaChanged,
    MediaReady,
    MediaRemoved,
    RefreshesRequested,
    RefreshRequested,
    emit,
    emit_all,
)
from mydia.parsing import normalise_title, sort_title
from mydia.vocabulary import MediaType

_IDS_AT_ONCE = 500
OF_AN_EVENT = 1_000
"""Titles that one event names: 40 kB."""
"""Ids in one statement."""


class AlreadyHere(Conflict):
    """The title is already in the library, as `item_id`."""

    def __init__(self, item: MediaItem) -> None:
        super().__init__(f"{item.title} ({item.year or 'no year'}) is already in the library.")
        self.item_id = item.id


class NewItem(msgspec.Struct, frozen=True, kw_only=True):
    """A title to add. Without `details`, a job fetches them afterwards."""

    type: MediaType
    title: str
    year: int | None
    ids: Ids
    library_path_id: str | None
    """None uses the first library path for the type, if there is one."""
    profile_id: str | None = None
    """None uses the library path's default."""
    monitored: bool = True
    monitor: MonitorPattern = MonitorPattern.ALL
    monitor_new_seasons: NewSeasons | None = None
    """None derives it from `monitor`."""
    minimum_availability: Availability = Availability.RELEASED
    series_type: SeriesType | None = None
    """A user's choice, which refreshes keep. None uses the provider's hint, otherwise standard."""
    provider: str = "tmdb"
    folder: str | None = None
    overview: str | None = None
    poster_path: str | None = None
    original_title: str | None = None
    match_locked: bool = False
    details: Details | None = None
    seasons: tuple[SeasonDetails, ...] = msgspec.field(default=())


def add_item(session: Session, caller: Caller, now: datetime, new: NewItem, *, search_now: bool) -> MediaItem:
    """Add a title with its default version.

    Raises:
        AlreadyHere: One of its ids is already in the library with the same type.
        Invalid: The folder or profile does not exist or does not suit the type.

    Emits: MediaAdded, and MediaReady if `details` were given.
    """
    caller.require(Permission.MANAGE_MEDIA)
    if here := find_by_ids(session, caller, new.type, _ids_of(new)):
        raise AlreadyHere(here)
    return _insert(session, caller, now, [new], search_now=search_now)[0]


def add_items(
    session: Session, caller: Caller, now: datetime, news: Sequence[NewItem], *, search_now: bool
) -> list[str]:
    """Add titles as `add_item` does, and return their ids in the same order.

    A title that shares an id with one of the library, or with an earlier one of `news`, is not added; the id of that title is
    returned. For titles without details the number of statements does not depend on the number of titles.

    Emits: MediaAdded, and MediaReady for those with details.
    """
    caller.require(Permission.MANAGE_MEDIA)
    here: dict[tuple[object, ...], str] = {}
    for item in find_all_by_ids(session, caller, [(new.type, _ids_of(new)) for new in news]):
        here |= dict.fromkeys(_keys(item.type, Ids(item.tmdb_id, item.tvdb_id, item.imdb_id)), item.id)
    found: list[str] = []
    fresh: list[tuple[str, NewItem]] = []
    for new in news:
        keys = _keys(new.type, _ids_of(new))
        item_id = next((here[key] for key in keys if key in here), None)
        if item_id is None:
            item_id = clock.new_id()
            fresh.append((item_id, new))
            here |= dict.fromkeys(keys, item_id)
        found.append(item_id)
    if fresh:
        _insert(
            session, caller, now, [new for _, new in fresh], search_now=search_now, item_ids=[id_ for id_, _ in fresh]
        )
    return found


def _ids_of(new: NewItem) -> Ids:
    return new.details.ids if new.details else new.ids


def _keys(type: MediaType, ids: Ids) -> list[tuple[object, ...]]:
    given = (("tmdb", ids.tmdb_id), ("tvdb", ids.tvdb_id), ("imdb", ids.imdb_id))
    return [(type, name, value) for name, value in given if value is not None]


def _insert(
    session: Session,
    caller: Caller,
    now: datetime,
    news: Sequence[NewItem],
    *,
    search_now: bool,
    item_ids: Sequence[str] | None = None,
) -> list[MediaItem]:
    news = [_with_path(session, new) for new in news]
    posters = metadata.want_images(session, now, "poster", (new.poster_path for new in news))
    profiles: dict[tuple[object, ...], str] = {}
    items: list[MediaItem] = []
    versions: list[Version] = []
    for new, item_id in zip(news, item_ids or [clock.new_id() for _ in news], strict=True):
        used = (new.type, new.library_path_id, new.profile_id, bool(new.title.strip()))
        if used not in profiles:
            profiles[used] = _profile_for(session, new)
        item = _row(caller, now, item_id, new, posters.get(new.poster_path or ""))
        version = Version(
            media_item_id=item_id,
            name=DEFAULT_NAME,
            profile_id=profiles[used],
            library_path_id=new.library_path_id,
            monitored=True,
            files_count=0,
            upgradable=False,
        )
        set_first_state(session, now, item, version)
        items.append(item)
        versions.append(version)
    session.add_all(items)
    session.flush()
    give_numbers(session, NumberedKind.ITEM, [item.id for item in items])
    session.add_all(versions)
    session.add_all(name for item in items for name in names_of(item, []))
    session.flush()
    for item, new in zip(items, news, strict=True):
        if new.details is not None:
            apply_details(session, now, item, new.details, new.seasons)
            if item.type == MediaType.TV_SHOW:
                apply_pattern(session, now, item, new.monitor)
            refresh_state(session, now, item)
    events: list[Event] = []
    for item, new in zip(items, news, strict=True):
        events.append(MediaAdded(item.id, item.type, item.title, search_now))
        if new.details is not None:
            events.append(MediaReady(item.id, search_now))
    emit_all(session, caller, events)
    return items


def _row(caller: Caller, now: datetime, item_id: str, new: NewItem, poster_id: str | None) -> MediaItem:
    ids = _ids_of(new)
    return MediaItem(
        id=item_id,
        type=new.type,
        title=new.title,
        sort_title=sort_title(new.title),
        original_title=new.original_title,
        year=new.year,
        tmdb_id=ids.tmdb_id,
        tvdb_id=ids.tvdb_id,
        imdb_id=ids.imdb_id,
        provider=new.provider if any((ids.tmdb_id, ids.tvdb_id, ids.imdb_id)) else "none",
        series_type=(new.series_type or SeriesType.STANDARD) if new.type == MediaType.TV_SHOW else None,
        locked_fields=["series_type"] if new.series_type and new.type == MediaType.TV_SHOW else [],
        overview=new.overview,
        poster_id=poster_id,
        monitored=new.monitored,
        monitor_pattern=new.monitor,
        monitor_new_seasons=new.monitor_new_seasons or new_seasons_of(new.monitor),
        minimum_availability=new.minimum_availability,
        library_path_id=new.library_path_id,
        folder=new.folder,
        match_locked=new.match_locked,
        added_by=caller.id,
        added_at=now,
        next_refresh_at=now,
        updated_at=now,
        files_count=0,
        upgradable=False,
        episodes_total=0,
        episodes_held=0,
    )


def _with_path(session: Session, new: NewItem) -> NewItem:
    return new if new.library_path_id is not None else replace(new, library_path_id=_first_path(session, new.type))


def _first_path(session: Session, type_: MediaType) -> str | None:
    paths = [
        path
        for path in settings.library_paths.list_library_paths(session, SYSTEM)
        if settings.library_paths.suits(path, type_)
    ]
    # A path for this type comes before a mixed one.
    return min(paths, key=lambda path: path.type == "mixed").id if paths else None


def _profile_for(session: Session, new: NewItem) -> str:
    if not new.title.strip():
        raise Invalid("A title needs a name.", fields={"title": "Enter a name."})
    profile_id = new.profile_id
    if new.library_path_id is not None:
        path = settings.library_paths.get_library_path(session, SYSTEM, new.library_path_id)
        settings.library_paths.check_type(path, new.type)
        profile_id = profile_id or path.default_profile_id
    if profile_id is None:
        return settings.profiles.default_profile_id(session, SYSTEM)
    settings.profiles.get_profile(session, SYSTEM, profile_id)
    return profile_id


def get_item(session: Session, caller: Caller, item_id: str) -> MediaItem:
    """Return a title with its seasons, versions and pictures. Raises NotFound."""
    caller.require(Permission.BROWSE)
    item = session.scalar(
        select(MediaItem)
        .where(MediaItem.id == item_id)
        .options(
            joinedload(MediaItem.poster),
            joinedload(MediaItem.backdrop),
            selectinload(MediaItem.seasons),
            selectinload(MediaItem.versions),
        )
    )
    if item is None:
        raise NotFound("This title is no longer in the library.")
    return item


def find_by_ids(session: Session, caller: Caller, type: MediaType, ids: Ids) -> MediaItem | None:
    """Return the title that has one of these ids, or None."""
    caller.require(Permission.BROWSE)
    matches = []
    if ids.tmdb_id is not None:
        matches.append(MediaItem.tmdb_id == ids.tmdb_id)
    if ids.tvdb_id is not None:
        matches.append(MediaItem.tvdb_id == ids.tvdb_id)
    if ids.imdb_id is not None:
        matches.append(MediaItem.imdb_id == ids.imdb_id)
    if not matches:
        return None
    return session.scalars(select(MediaItem).where(MediaItem.type == type, or_(*matches)).limit(1)).first()


def find_all_by_ids(session: Session, caller: Caller, wanted: Iterable[tuple[MediaType, Ids]]) -> list[MediaItem]:
    """Return the titles that have one of these ids, in one read for each type."""
    caller.require(Permission.BROWSE)
    by_type: dict[MediaType, list[Ids]] = {}
    for type_, ids in wanted:
        by_type.setdefault(type_, []).append(ids)
    found: list[MediaItem] = []
    for type_, of_type in by_type.items():
        columns = (
            (MediaItem.tmdb_id, [ids.tmdb_id for ids in of_type if ids.tmdb_id is not None]),
            (MediaItem.tvdb_id, [ids.tvdb_id for ids in of_type if ids.tvdb_id is not None]),
            (MediaItem.imdb_id, [ids.imdb_id for ids in of_type if ids.imdb_id is not None]),
        )
        matches = [column.in_(values) for column, values in columns if values]
        if matches:
            found += session.scalars(select(MediaItem).where(MediaItem.type == type_, or_(*matches)))
    return found


def find_by_title(session: Session, type: MediaType, title: str, year: int | None = None) -> list[MediaItem]:
    """Return the titles with this name; with a year, only those within one year of it or without a year."""
    named = select(Title.media_item_id).where(Title.normalised == normalise_title(title))
    found = session.scalars(select(MediaItem).where(MediaItem.type == type, MediaItem.id.in_(named))).all()
    return [item for item in found if year is None or item.year is None or abs(item.year - year) <= 1]


def is_folder_taken(session: Session, library_path_id: str, folder: str, *, except_for: str) -> bool:
    """Return whether another title has a folder in a library folder, in upper or lower case.

    Args:
        except_for: The title that is to get it.
    """
    # SQLite only lowers ASCII letters, PostgreSQL all. The usual spellings of other letters are enough here, because an import
    # never replaces a file of another title.
    spellings = {spelling.translate(_LOWER) for spelling in (folder, folder.lower(), folder.upper())}
    taken = select(MediaItem.id).where(
        MediaItem.library_path_id == library_path_id,
        func.lower(MediaItem.folder).in_(spellings),
        MediaItem.id != except_for,
    )
    return session.scalar(taken.limit(1)) is not None


_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


type TitleIndex = dict[str, list[tuple[str, int | None]]]


def match_index(session: Session, type: MediaType) -> TitleIndex:
    """Return every known name of a type: normalised title -> [(item id, year)]. One read for a whole scan."""
    index: TitleIndex = {}
    rows = session.execute(
        select(Title.normalised, MediaItem.id, MediaItem.year)
        .join(MediaItem, MediaItem.id == Title.media_item_id)
        .where(MediaItem.type == type)
    )
    for normalised, item_id, year in rows:
        index.setdefault(normalised, []).append((item_id, year))
    return index


def titles_of(session: Session, caller: Caller, item_id: str) -> list[Title]:
    """Return all names of a title, the main one first."""
    caller.require(Permission.BROWSE)
    rows = session.scalars(select(Title).where(Title.media_item_id == item_id).order_by(Title.id)).all()
    return sorted(rows, key=lambda row: row.kind != "main")


def names_by_item(session: Session, caller: Caller, item_ids: Collection[str]) -> dict[str, list[str]]:
    """Return title id -> its names as they are written, for several titles in one read."""
    caller.require(Permission.BROWSE)
    names: dict[str, list[str]] = {item_id: [] for item_id in item_ids}
    rows = select(Title.media_item_id, Title.title).where(Title.media_item_id.in_(item_ids)).order_by(Title.id)
    for item_id, name in session.execute(rows):
        names[item_id].append(name)
    return names


_CHOICES = (
    "monitored",
    "minimum_availability",
    "monitor_new_seasons",
    "series_type",
    "library_path_id",
    "match_locked",
    "folder",
    "provider",
)
_FACTS = ("title", "overview", "year", "sort_title", "original_title")
_WITHOUT_EFFECT_ON_STATE = {"folder", "match_locked"}
"""Fields that an import changes; see `status.Facts` for those that a state depends on."""


def change_item(session: Session, caller: Caller, now: datetime, item_id: str, changes: dict[str, Any]) -> MediaItem:
    """Change a title's settings, or its facts, which are then locked against refreshes.

    Args:
        changes: Of `monitored, minimum_availability, monitor_new_seasons, series_type, library_path_id, match_locked,
            folder, profile_id, provider, title, overview, year, sort_title, original_title, locked_fields`. Another
            provider numbers episodes differently: episodes it does not have are removed, unless a file is linked to them.

    Emits: MediaChanged if anything changed, and RefreshRequested if the provider did.
    """
    caller.require(Permission.MANAGE_MEDIA)
    item = get(session, MediaItem, item_id, what="This title")
    changed: dict[str, list[object]] = {}
    for name, value in changes.items():
        if name == "profile_id":
            settings.profiles.get_profile(session, caller, value)
            version = session.scalars(
                select(Version).where(Version.media_item_id == item_id).order_by(Version.position)
            ).first()
            if version is not None and version.profile_id != value:
                changed["profile"] = [version.profile_id, value]
                version.profile_id = value
            continue
        if name not in (*_CHOICES, *_FACTS, "locked_fields"):
            raise Invalid(f"{name} cannot be changed.", fields={name: "This cannot be changed."})
        _check_choice(session, item, name, value)
        old = getattr(item, name)
        if old == value:
            continue
        changed[name] = [old, value]
        setattr(item, name, _ENUMS[name](value) if name in _ENUMS and value is not None else value)
        if name in (*_FACTS, "series_type") and name not in item.locked_fields:
            # Otherwise the next refresh would bring the provider's value back.
            item.locked_fields = [*item.locked_fields, name]
        if name == "title" and "sort_title" not in changes:
            item.sort_title = sort_title(str(value))
    if changed:
        item.updated_at = now
        if not changed.keys() <= _WITHOUT_EFFECT_ON_STATE:
            refresh_state(session, now, item)
        emit(session, caller, MediaChanged(item_id, changed))
    if changed.keys() & {"provider"} and item.provider != "none":
        item.next_refresh_at = now
        emit(session, caller, RefreshRequested(item_id))
    return item


_ALLOWED: dict[str, tuple[object, ...]] = {
    "minimum_availability": tuple(Availability),
    "monitor_new_seasons": tuple(NewSeasons),
    "series_type": tuple(SeriesType),
    "monitored": (True, False),
    "match_locked": (True, False),
    "provider": ("tmdb", "tvdb", "none"),
}


_ENUMS: dict[str, Callable[[Any], object]] = {
    "minimum_availability": Availability,
    "monitor_new_seasons": NewSeasons,
    "series_type": SeriesType,
}


def _check_choice(session: Session, item: MediaItem, name: str, value: object) -> None:
    if name in _ALLOWED and value not in _ALLOWED[name]:
        allowed = ", ".join(str(choice) for choice in _ALLOWED[name])
        raise Invalid(f"{name} must be one of {allowed}.", fields={name: f"Choose one of {allowed}."})
    if name == "locked_fields" and not (isinstance(value, list) and set(value) <= LOCKABLE):
        raise Invalid(
            f"Only {', '.join(sorted(LOCKABLE))} can be locked.", fields={name: "One of these fields cannot be locked."}
        )
    if name == "series_type" and item.type == MediaType.MOVIE:
        raise Invalid("Movies have no series type.", fields={name: "Only shows have a series type."})
    if name == "title" and not str(value or "").strip():
        raise Invalid("A title needs a name.", fields={"title": "Enter a name."})
    if name == "year" and value is not None and not (isinstance(value, int) and 1870 <= value <= 2200):
        raise Invalid("The year must be between 1870 and 2200.", fields={"year": "Enter a year such as 1927."})
    if name == "library_path_id" and value is not None:
        settings.library_paths.get_library_path(session, SYSTEM, str(value))


def request_refresh(session: Session, caller: Caller, item_id: str) -> None:
    """Request that a title's details are fetched again. Emits: RefreshRequested."""
    caller.require(Permission.MANAGE_MEDIA)
    get(session, MediaItem, item_id, what="This title")
    emit(session, caller, RefreshRequested(item_id))


def request_refreshes(session: Session, caller: Caller, item_ids: Collection[str], *, by_job: bool = False) -> int:
    """Request this for many titles in a few statements, and return how many of them there are.

    Args:
        by_job: Let a job do it, which also checks whether the titles are in the library; for any number of them.

    Emits: RefreshRequested, or RefreshesRequested with `by_job`.
    """
    caller.require(Permission.MANAGE_MEDIA)
    if by_job:
        parts = batched(item_ids, OF_AN_EVENT, strict=False)
        emit_all(session, caller, [RefreshesRequested(list(part)) for part in parts])
        return len(item_ids)
    here = present_ids(session, caller, item_ids)
    emit_all(session, caller, [RefreshRequested(item_id) for item_id in here])
    return len(here)


def present_ids(session: Session, caller: Caller, item_ids: Collection[str]) -> list[str]:
    """Return those of these ids whose title is in the library, in the given order."""
    caller.require(Permission.BROWSE)
    found = {
        id_
        for part in batched(item_ids, _IDS_AT_ONCE, strict=False)
        for id_ in session.scalars(select(MediaItem.id).where(MediaItem.id.in_(part)))
    }
    return [item_id for item_id in dict.fromkeys(item_ids) if item_id in found]


def change_ids(
    session: Session, caller: Caller, now: datetime, item_id: str, new: Details, seasons: tuple[SeasonDetails, ...]
) -> MediaItem:
    """Correct a title's match: its ids and facts change; its settings and files are kept.

    Raises:
        AlreadyHere: The other title is already in the library.

    Emits: MediaChanged.
    """
    caller.require(Permission.MANAGE_MEDIA)
    item = get(session, MediaItem, item_id, what="This title")
    here = find_by_ids(session, caller, new.type, new.ids)
    if here is not None and here.id != item_id:
        raise AlreadyHere(here)
    old = f"{item.title} ({item.year})"
    item.tmdb_id, item.tvdb_id, item.imdb_id = new.ids.tmdb_id, new.ids.tvdb_id, new.ids.imdb_id
    item.provider = new.provider
    item.locked_fields = []
    item.match_locked = True
    apply_details(session, now, item, new, seasons, drop_others=True)
    refresh_state(session, now, item)
    emit(session, caller, MediaChanged(item_id, {"match": [old, f"{item.title} ({item.year})"]}))
    return item


def remove_row(session: Session, caller: Caller, now: datetime, item_id: str, *, files_deleted: int) -> None:
    """Remove a title from the library. The library context deals with its files first. Emits: MediaRemoved."""
    caller.require(Permission.MANAGE_MEDIA)
    item = get(session, MediaItem, item_id, what="This title")
    emit(session, caller, MediaRemoved(item.id, item.type, item.title, files_deleted), at=now)
    session.delete(item)
    session.flush()


def seasons_of(session: Session, caller: Caller, item_id: str) -> list[Season]:
    """Return a series' seasons, specials last."""
    caller.require(Permission.BROWSE)
    rows = session.scalars(select(Season).where(Season.media_item_id == item_id).order_by(Season.number)).all()
    return sorted(rows, key=lambda season: (season.number == 0, season.number))
