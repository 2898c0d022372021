"""`/api/v1/media`: titles, their seasons and episodes; and `/api/v1/search`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.serialization import encode_json
from msgspec import Meta

from mydia import clock
from mydia.contexts import downloads, library, media, metadata, settings
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.errors import NotFound, Unavailable
from mydia.vocabulary import MediaType
from mydia.web import patterns
from mydia.web.api.answers import NotModified
from mydia.web.api.schemas import (
    Accepted,
    AtLeastOne,
    Bytes,
    CatalogueNumber,
    Cursor,
    EpisodeShape,
    Found,
    Hit,
    Id,
    Item,
    Limit,
    Listed,
    MediaChange,
    Monitoring,
    NewMedia,
    Number,
    Page,
    Struct,
    Text,
    Year,
    contradictions,
    episode,
    given,
    item,
    listed,
)
from mydia.web.deps import CallerDep, DatabaseDep, OutsideDep, WebRequest
from mydia.web.remembered import UntilCommit, library_state


class _Answer(msgspec.Struct, frozen=True):
    tag: str
    body: bytes


_answers: UntilCommit[tuple[media.lists.ItemQuery, str | None, int], _Answer] = UntilCommit(kept=64)
"""Cached because dashboards poll it often; the same for every caller who may browse."""


@get("/media", sync_to_thread=True, summary="List titles")
def list_media(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    type: FromQuery[MediaType | None] = None,
    wanted_state: Annotated[
        Literal["missing", "upgradable", "downloading", "blocked", "available", "upcoming", "unmonitored"] | None,
        QueryParameter(name="state"),
    ] = None,
    q: Text = None,
    genre: Text = None,
    monitored: FromQuery[bool | None] = None,
    profile_id: Id = None,
    library_path_id: Id = None,
    tag_id: Id = None,
    studio: Text = None,
    quality: Text = None,
    resolution: Number = None,
    status: FromQuery[media.ReleaseStatus | None] = None,
    year_from: Year = None,
    year_to: Year = None,
    size_from: Bytes = None,
    size_to: Bytes = None,
    sort: FromQuery[Literal["title", "added", "year", "size", "rating", "runtime"]] = "title",
    descending: FromQuery[bool] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response[Page[Listed]]:
    """Return a page of titles. Send an earlier `ETag` in `If-None-Match` to get 304 if nothing has changed."""
    asked = media.lists.ItemQuery(
        type=type,
        state=wanted_state,
        text=q or None,
        genre=genre or None,
        monitored=monitored,
        profile_id=profile_id or None,
        library_path_id=library_path_id or None,
        tag_id=tag_id or None,
        studio=studio or None,
        quality=quality or None,
        resolution=resolution,
        status=status,
        year_from=year_from,
        year_to=year_to,
        size_from=size_from,
        size_to=size_to,
        sort=sort,
        descending=descending,
    ).check(caller)
    version = database.version()

    def read() -> _Answer:
        with database.reads() as session:
            # The ETag only needs to cover the library's state, because caches keep one entry per URL.
            tag = f'W/"{library_state(database, session)}"'
            cards, following = media.lists.list_items(session, caller, asked, cursor=cursor or None, limit=limit)
        return _Answer(tag, encode_json(Page(items=[listed(card) for card in cards], next_cursor=following)))

    answer = _answers.get(database, version, (asked, cursor, limit), read)
    if request.headers.get("if-none-match") == answer.tag:
        raise NotModified(answer.tag)
    # The body is already encoded; the annotation is for the OpenAPI description.
    return Response(answer.body, media_type="application/json", headers={"ETag": answer.tag})  # type: ignore[arg-type]


@post("/media", sync_to_thread=True, summary="Add a title")
def add_media(database: DatabaseDep, outside: OutsideDep, caller: CallerDep, data: JSONBody[NewMedia]) -> Item:
    """Look up a title by its catalogue id and add it. The caller's defaults apply to what is left out. 409 if it is already here."""
    ids = metadata.Ids(data.tmdb_id, data.tvdb_id, data.imdb_id)
    with database.reads() as session:
        own = settings.person_defaults.own(session, caller)[data.type]
        wish = media.refresh.asking(session, caller, data.library_path_id or own.library_path_id)
        search_now = data.search_now
        if search_now is None:
            search_now = settings.of(session).media.auto_search_on_add
        if here := media.find_by_ids(session, caller, data.type, ids):
            raise media.AlreadyHere(here)
    found = metadata.by_ids(outside, caller, data.type, ids, language=wish.language)
    if not found:
        raise NotFound("The catalogue has no title with this id.")
    details, seasons = media.refresh.fetch(
        outside, caller, data.type, found[0].ids, language=wish.language, source=wish.source, region=wish.region
    )
    monitor = data.monitor or media.MonitorPattern(own.monitor or media.MonitorPattern.ALL)
    new = media.NewItem(
        type=data.type,
        title=details.title,
        year=details.year,
        ids=details.ids,
        library_path_id=data.library_path_id or own.library_path_id,
        profile_id=data.profile_id or own.profile_id,
        monitored=monitor != media.MonitorPattern.NONE if data.monitored is None else data.monitored,
        monitor=monitor,
        monitor_new_seasons=data.monitor_new_seasons,
        series_type=data.series_type,
        minimum_availability=data.minimum_availability,
        provider=details.provider,
        details=details,
        seasons=seasons,
    )
    with database.writes() as session:
        added = media.add_item(session, caller, clock.now(), new, search_now=search_now).id
    return _item(database, caller, added)


@get("/media/{media_id:str}", sync_to_thread=True, summary="Get a title")
def get_media(database: DatabaseDep, caller: CallerDep, media_id: FromPath[str]) -> Item:
    """Return a title with all details. Its `number` is accepted in place of its id."""
    if media_id.isascii() and media_id.isdigit():
        with database.reads() as session:
            media_id = media.numbers.id_of(session, caller, media.NumberedKind.ITEM, int(media_id[:18]))
    return _item(database, caller, media_id)


@put("/media/{media_id:str}", sync_to_thread=True, summary="Change a title")
def change_media(
    database: DatabaseDep, caller: CallerDep, media_id: FromPath[str], data: JSONBody[MediaChange]
) -> Item:
    """Change a title's settings or details. Refreshes do not overwrite changed details. 409 if a value does not suit its type."""
    with contradictions(), database.writes() as session:
        media.change_item(session, caller, clock.now(), media_id, given(data))
    return _item(database, caller, media_id)


@delete("/media/{media_id:str}", sync_to_thread=True, status_code=204, summary="Remove a title")
def remove_media(
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    media_id: FromPath[str],
    files: FromQuery[Literal["keep", "recycle", "delete"]] = "keep",
) -> None:
    """Remove a title. `files` says what happens to its files: keep, recycle or delete."""
    library.recycle.remove_item(database, outside, caller, clock.now(), media_id, files=files)


@get("/media/{media_id:str}/episodes", sync_to_thread=True, summary="List a show's episodes")
def list_episodes(
    database: DatabaseDep, caller: CallerDep, media_id: FromPath[str], season: Number = None
) -> list[EpisodeShape]:
    """Return the episodes of a show in order."""
    with database.reads() as session:
        media.get_item(session, caller, media_id)
        return [episode(ref) for ref in media.episodes.episodes_of(session, caller, media_id, season_number=season)]


@put("/media/{media_id:str}/monitoring", sync_to_thread=True, summary="Monitor a title, a season or episodes")
def change_monitoring(
    database: DatabaseDep, caller: CallerDep, media_id: FromPath[str], data: JSONBody[Monitoring]
) -> Item:
    """Monitor or unmonitor a title, one of its seasons, or some episodes."""
    with database.writes() as session:
        media.monitoring.change_monitoring(
            session,
            caller,
            clock.now(),
            media_id,
            data.monitored,
            season_number=data.season,
            episode_ids=data.episode_ids,
        )
    return _item(database, caller, media_id)


@post("/media/{media_id:str}/refresh", sync_to_thread=True, status_code=202, summary="Refresh a title's details")
def refresh_media(database: DatabaseDep, caller: CallerDep, media_id: FromPath[str]) -> Accepted:
    """Fetch a title's details again."""
    with database.writes() as session:
        media.request_refresh(session, caller, media_id)
    return Accepted(detail="A job fetches the details.")


@post(
    "/media/{media_id:str}/search", sync_to_thread=True, status_code=202, summary="Search for a title's missing files"
)
def search_media(database: DatabaseDep, caller: CallerDep, media_id: FromPath[str], season: Number = None) -> Accepted:
    """Search the indexers for what is missing or can be upgraded, and grab the best release that passes every rule."""
    with database.writes() as session:
        downloads.request_search(session, caller, media_id, season_number=season)
    return Accepted(detail="A job searches the indexers; see /api/v1/media/{id}/searches for the result.")


class RenameLineShape(Struct):
    """A file with its current name and its name according to the naming templates."""

    id: str
    kind: Literal["video", "extra", "sidecar"]
    old: str
    new: str
    objection: str | None
    """Why it cannot be renamed."""


class NewNames(Struct):
    """The files to rename."""

    file_ids: list[str] | None = None
    """Null for all of them."""
    folders: bool = False
    """Whether the title's folder is renamed too."""


class RenamedShape(Struct):
    """The outcome of a rename."""

    files: int
    failures: list[str]
    undo_id: str | None
    """For `/api/v1/undo/{undo_id}?of=rename`."""


class PictureShape(Struct):
    """An available poster or backdrop."""

    source: str
    language: str | None
    width: int | None
    height: int | None
    chosen: bool


class PictureChoice(Struct):
    """The chosen poster or backdrop."""

    role: Literal["poster", "backdrop"] = "poster"
    source: str | None = None
    """Null for the provider's choice."""


@get("/media/{media_id:str}/rename", sync_to_thread=True, summary="Preview new file names")
def preview_rename(
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    media_id: FromPath[str],
    folders: FromQuery[bool] = False,
) -> list[RenameLineShape]:
    """Return the files whose names would change, with old and new names. Nothing is renamed."""
    with database.reads() as session:
        lines = library.renaming.rename_preview(session, outside, caller, [media_id], folders=folders)
    return [
        RenameLineShape(id=one.id, kind=one.kind, old=one.old, new=one.new, objection=one.objection)  # type: ignore[arg-type]
        for one in lines
        if one.changes
    ]


@post("/media/{media_id:str}/rename", sync_to_thread=True, status_code=200, summary="Rename a title's files")
def rename_media(
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    media_id: FromPath[str],
    data: JSONBody[NewNames | None] = None,
) -> RenamedShape:
    """Rename a title's files according to the naming templates."""
    asked = data or NewNames()
    made = library.renaming.rename(
        database, outside, caller, clock.now(), [media_id], file_ids=asked.file_ids, folders=asked.folders
    )
    return RenamedShape(files=made.files, failures=list(made.failures), undo_id=made.batch_id)


@get("/media/{media_id:str}/artwork", sync_to_thread=True, summary="List a title's artwork")
def list_artwork(
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    media_id: FromPath[str],
    role: FromQuery[Literal["poster", "backdrop"]] = "poster",
) -> list[PictureShape]:
    """Return the posters or backdrops that the provider has for a title."""
    choice = media.artwork.list_artwork(database, outside, caller, media_id, role)
    return [
        PictureShape(
            source=art.path,
            language=art.language,
            width=art.width,
            height=art.height,
            chosen=art.path == choice.present,
        )
        for art in choice.offered
    ]


@put("/media/{media_id:str}/artwork", sync_to_thread=True, summary="Choose a title's artwork")
def choose_artwork(
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    media_id: FromPath[str],
    data: JSONBody[PictureChoice],
) -> Item:
    """Choose a poster or backdrop. Refreshes keep the choice."""
    media.artwork.choose_artwork(database, outside, caller, clock.now(), media_id, data.role, data.source)
    return _item(database, caller, media_id)


class NewMatch(AtLeastOne):
    """The correct title, by one of its catalogue ids."""

    groups = (("tmdb_id",), ("tvdb_id",), ("imdb_id",))

    tmdb_id: CatalogueNumber | None = None
    tvdb_id: CatalogueNumber | None = None
    imdb_id: Annotated[str, Meta(pattern=patterns.IMDB_ID)] | None = None


@put("/media/{media_id:str}/match", sync_to_thread=True, summary="Correct a title's match")
def change_match(
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    media_id: FromPath[str],
    data: JSONBody[NewMatch],
) -> Item:
    """Correct a wrong match. Files and settings are kept; if the other title is already in the library, the two are merged."""
    ids = metadata.Ids(data.tmdb_id, data.tvdb_id, data.imdb_id)
    matched = library.inbox.rematch_item(database, outside, caller, clock.now(), media_id, ids)
    return _item(database, caller, matched)


@get("/search", sync_to_thread=True, summary="Search the library and the metadata source")
def search(
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    q: Annotated[str, QueryParameter(min_length=1, max_length=200)],
    type: FromQuery[MediaType | None] = None,
    year: Year = None,
) -> Hit:
    """Search titles by name, or by a catalogue id such as `tmdb:19`, `tt0017136` or `tvdb:73739`."""
    with database.reads() as session:
        here = media.lists.search_library(session, caller, q, limit=20)
        language = settings.of(session).metadata.language
    notice, candidates = None, []
    try:
        for kind in (type,) if type else tuple(MediaType):
            candidates += metadata.search(outside, caller, kind, q, year=year, language=language)
    except Unavailable as error:
        notice = error.message
    with database.reads() as session:
        known = [media.find_by_ids(session, caller, c.type, c.ids) for c in candidates]
    return Hit(
        library=[listed(card) for card in here if type in (None, card.type)],
        providers=[_found(c, row) for c, row in zip(candidates, known, strict=True)],
        notice=notice,
    )


def _found(candidate: metadata.Candidate, here: media.MediaItem | None) -> Found:
    source = candidate.poster_path
    return Found(
        type=candidate.type,
        title=candidate.title,
        original_title=candidate.original_title,
        year=candidate.year,
        tmdb_id=candidate.ids.tmdb_id,
        tvdb_id=candidate.ids.tvdb_id,
        imdb_id=candidate.ids.imdb_id,
        overview=candidate.overview,
        poster_url=f"/img/preview/poster{source}" if source and source.startswith("/") else None,
        media_id=here.id if here else None,
    )


def _item(database: Database, caller: Caller, media_id: str) -> Item:
    with database.reads() as session:
        row = media.get_item(session, caller, media_id)
        return item(row, media.numbers.number_of(session, caller, media.NumberedKind.ITEM, row.id))


ROUTES: tuple[Any, ...] = (
    list_media,
    add_media,
    get_media,
    change_media,
    remove_media,
    list_episodes,
    change_monitoring,
    refresh_media,
    search_media,
    preview_rename,
    rename_media,
    list_artwork,
    choose_artwork,
    change_match,
    search,
)
