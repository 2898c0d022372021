"""Apply a provider's details to a title: facts change, users' choices and edited fields are kept."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mydia.contexts import metadata
from mydia.contexts.media import status
from mydia.contexts.media.models import Episode, MediaItem, NewSeasons, ReleaseStatus, Season, SeriesType, Title
from mydia.contexts.metadata import Details, EpisodeDetails, OtherTitle, SeasonDetails
from mydia.parsing import normalise_title, sort_title
from mydia.vocabulary import MediaType, find_member

logger = logging.getLogger(__name__)

_PLAIN_FACTS = (
    "title",
    "original_title",
    "year",
    "overview",
    "runtime_min",
    "rating",
    "certification",
    "original_language",
    "cinema_on",
    "digital_on",
    "physical_on",
    "first_air_on",
    "last_air_on",
    "next_air_on",
)
_KEPT_IF_ABSENT = frozenset({"title", "year", "original_title", "overview", "runtime_min", "original_language"})
"""Facts that a title does not lose once they are known: a catalogue that leaves them out has a gap or a fault. Dates and age
ratings can be withdrawn."""
_TOLD = frozenset(
    {"title", "year", "overview", "status", "certification", "cinema_on", "digital_on", "physical_on", "runtime_min"}
)
"""Fields whose changes appear in the activity feed. Ratings are left out, because they change every day."""
_CAST_KEPT = 30
_CREW_KEPT = 12
_VIDEOS_KEPT = 12


LOCKABLE = frozenset(
    {
        "title",
        "original_title",
        "sort_title",
        "year",
        "overview",
        "runtime_min",
        "certification",
        "status",
        "genres",
        "series_type",
        "cinema_on",
        "digital_on",
        "physical_on",
        "poster",
        "backdrop",
    }
)
"""The fields that a refresh does not change if they are in `locked_fields`."""


def apply_details(
    session: Session,
    now: datetime,
    item: MediaItem,
    new: Details,
    seasons: Iterable[SeasonDetails],
    *,
    drop_others: bool = False,
) -> tuple[dict[str, list[object]], int]:
    """Store a provider's facts and return (changes for the activity feed, number of new episodes).

    Args:
        seasons: The seasons whose episodes were fetched; the others keep theirs.
        drop_others: The facts are of another match: what they leave out is removed, also episodes, unless a file is linked to
            them.
    """
    before = {name: getattr(item, name) for name in (*_PLAIN_FACTS, "status")}
    for name in _PLAIN_FACTS:
        value = getattr(new, name)
        absent = value is None and (name in ("title", "year") or (name in _KEPT_IF_ABSENT and not drop_others))
        if name not in item.locked_fields and not absent:
            setattr(item, name, value)
    if "sort_title" not in item.locked_fields:
        item.sort_title = sort_title(item.title)
    if "status" not in item.locked_fields:
        known = None if drop_others else item.status
        item.status = find_member(ReleaseStatus, new.status) or known or ReleaseStatus.UNKNOWN
    if "genres" not in item.locked_fields:
        item.genres = list(new.genres) or ([] if drop_others else item.genres)
    item.tmdb_id = new.ids.tmdb_id or item.tmdb_id
    item.tvdb_id = _unless_taken(session, item, "tvdb_id", new.ids.tvdb_id)
    item.imdb_id = _unless_taken(session, item, "imdb_id", new.ids.imdb_id)
    if (
        item.type == MediaType.TV_SHOW
        and new.series_type
        and item.series_type in (None, SeriesType.STANDARD)
        and "series_type" not in item.locked_fields
    ):
        item.series_type = find_member(SeriesType, new.series_type) or item.series_type
    if "poster" not in item.locked_fields:
        item.poster_id = metadata.want_image(session, now, "poster", new.poster_path) or item.poster_id
    if "backdrop" not in item.locked_fields:
        item.backdrop_id = metadata.want_image(session, now, "backdrop", new.backdrop_path) or item.backdrop_id
    item.metadata_json = _shown(new)
    item.studio = new.networks[0] if new.networks else None
    set_titles(session, item, new.titles)
    added = _take_seasons(session, now, item, new.seasons, seasons, drop_others=drop_others)
    item.refreshed_at, item.refresh_error, item.updated_at = now, None, now
    latest = max(
        (day for day in (new.last_air_on, new.digital_on, new.physical_on, new.cinema_on) if day), default=None
    )
    item.next_refresh_at = now + status.next_refresh_in(
        item.type, item.status, now.date(), latest_on=latest, next_on=new.next_air_on
    )
    changed: dict[str, list[object]] = {
        name: [_plain(old), _plain(getattr(item, name))]
        for name, old in before.items()
        if name in _TOLD and old != getattr(item, name)
    }
    return changed, added


def names_of(item: MediaItem, others: Iterable[OtherTitle]) -> list[Title]:
    """Return new rows for a title's names: the main and the original one, and the provider's."""
    wanted: dict[str, Title] = {}

    def note(title: str | None, kind: str, language: str | None = None) -> None:
        normalised = normalise_title(title or "")
        if title and normalised and normalised not in wanted:
            wanted[normalised] = Title(
                media_item_id=item.id, title=title, normalised=normalised, kind=kind, language=language
            )

    note(item.title, "main")
    note(item.original_title, "original", item.original_language)
    for other in others:
        note(
            other.title,
            other.kind if other.kind in ("alternative", "translation", "original") else "alternative",
            other.language,
        )
    return list(wanted.values())


def set_titles(session: Session, item: MediaItem, others: Iterable[OtherTitle]) -> None:
    """Set a title's names to the provider's plus those that users added."""
    wanted = {row.normalised: row for row in names_of(item, others)}
    present = session.scalars(select(Title).where(Title.media_item_id == item.id, Title.season_number.is_(None))).all()
    kept: set[str] = set()
    for row in present:
        new = wanted.get(row.normalised)
        if row.kind in ("user", "scene"):
            kept.add(row.normalised)
        elif new is None:
            session.delete(row)
        else:
            row.title, row.kind, row.language = new.title, new.kind, new.language
            kept.add(row.normalised)
    session.add_all(row for normalised, row in wanted.items() if normalised not in kept)
    session.flush()


def _take_seasons(
    session: Session,
    now: datetime,
    item: MediaItem,
    listed: Iterable[SeasonDetails],
    fetched: Iterable[SeasonDetails],
    *,
    drop_others: bool,
) -> int:
    if item.type != MediaType.TV_SHOW:
        return 0
    listed, fetched = list(listed), list(fetched)
    rows = {row.number: row for row in session.scalars(select(Season).where(Season.media_item_id == item.id))}
    posters = metadata.want_images(session, now, "poster", (told.poster_path for told in (*listed, *fetched)))
    first_time = not rows
    for told in [*listed, *fetched]:
        row = rows.get(told.number)
        if row is None:
            wanted = told.number > 0 and item.monitored and (first_time or item.monitor_new_seasons == NewSeasons.ALL)
            row = rows[told.number] = Season(media_item_id=item.id, number=told.number, monitored=wanted)
            session.add(row)
        row.title, row.overview = told.title or row.title, told.overview or row.overview
        row.air_on = told.air_on or row.air_on
        row.poster_id = posters.get(told.poster_path or "") or row.poster_id
    session.flush()
    episodes = {
        (row.season_number, row.episode_number): row
        for row in session.scalars(select(Episode).where(Episode.media_item_id == item.id))
    }
    stills = metadata.want_images(
        session, now, "still", (one.still_path for season in fetched for one in season.episodes or ())
    )
    added = 0
    told_numbers: set[tuple[int, int]] = set()
    for season in fetched:
        for told_episode in season.episodes or ():
            key = (told_episode.season_number, told_episode.episode_number)
            told_numbers.add(key)
            row_season = rows.get(told_episode.season_number)
            if row_season is None:
                continue
            episode = episodes.get(key)
            if episode is None:
                episode = Episode(
                    media_item_id=item.id,
                    season_id=row_season.id,
                    season_number=key[0],
                    episode_number=key[1],
                    monitored=row_season.monitored,
                )
                session.add(episode)
                episodes[key] = episode
                added += 1
            _take_episode(episode, told_episode, stills.get(told_episode.still_path or ""))
    _drop_gone(session, item, listed, fetched, told_numbers, everywhere=drop_others)
    session.flush()
    return added


def _take_episode(row: Episode, told: EpisodeDetails, still_id: str | None) -> None:
    row.title, row.overview = told.title, told.overview
    row.air_on, row.runtime_min, row.finale = told.air_on, told.runtime_min, told.finale
    row.absolute_number = told.absolute_number if told.absolute_number is not None else row.absolute_number
    row.rating, row.provider_id = told.rating, told.provider_id
    row.still_id = still_id or row.still_id


_MOST_GONE = 0.5
_FEW_GONE = 2


def _drop_gone(
    session: Session,
    item: MediaItem,
    listed: list[SeasonDetails],
    fetched: list[SeasonDetails],
    told: set[tuple[int, int]],
    *,
    everywhere: bool,
) -> None:
    """Delete episodes that the provider no longer lists, except those with a file.

    A season that loses more than half of its episodes at once keeps them, unless the provider's own count agrees: its list was
    cut short, and with the episodes a user's choices would be lost.
    """
    session.flush()
    numbers = [
        season.number
        for season in fetched
        if season.episodes and (everywhere or _is_believable(session, item, season, listed, told))
    ]
    if not numbers and not everywhere:
        return
    gone = select(Episode).where(Episode.media_item_id == item.id, Episode.held.is_(False))
    if not everywhere:
        gone = gone.where(Episode.season_number.in_(numbers))
    for row in session.scalars(gone):
        if (row.season_number, row.episode_number) not in told:
            session.delete(row)
    if everywhere:
        session.flush()
        used = select(Episode.season_id).where(Episode.media_item_id == item.id)
        session.execute(
            delete(Season).where(
                Season.media_item_id == item.id,
                Season.id.not_in(used),
                Season.number.not_in({s.number for s in fetched} or {-1}),
            )
        )


def _is_believable(
    session: Session, item: MediaItem, season: SeasonDetails, listed: list[SeasonDetails], told: set[tuple[int, int]]
) -> bool:
    known = session.scalars(
        select(Episode.episode_number).where(Episode.media_item_id == item.id, Episode.season_number == season.number)
    ).all()
    gone = [number for number in known if (season.number, number) not in told]
    counted = next((one.episode_count for one in listed if one.number == season.number), None)
    if len(gone) <= max(_FEW_GONE, len(known) * _MOST_GONE) or (counted and len(season.episodes or ()) >= counted):
        return True
    logger.warning(
        "list of episodes is too short, nothing removed",
        extra={"media_item_id": item.id, "season": season.number, "missing": len(gone)},
    )
    return False


def _unless_taken(session: Session, item: MediaItem, column: str, value: Any) -> Any:
    """Return the new id unless another title of this type has it: catalogues contain duplicates."""
    present = getattr(item, column)
    if value is None or value == present:
        return present
    taken = session.scalar(
        select(MediaItem.id).where(
            MediaItem.type == item.type, getattr(MediaItem, column) == value, MediaItem.id != item.id
        )
    )
    return present if taken else value


def _shown(new: Details) -> dict[str, Any]:
    cast = [c for c in new.credits if c.department == "cast"][:_CAST_KEPT]
    crew = [c for c in new.credits if c.department != "cast"][:_CREW_KEPT]
    return {
        "provider": new.provider,
        "tagline": new.tagline,
        "networks": list(new.networks),
        "countries": list(new.countries),
        "keywords": list(new.keywords),
        "cast": [{"name": c.name, "role": c.role, "profile": c.profile_path} for c in cast],
        "crew": [{"name": c.name, "role": c.role} for c in crew],
        "trailer_url": new.trailer_url,
        "videos": [{"name": v.name, "kind": v.kind, "url": v.url} for v in new.videos[:_VIDEOS_KEPT]],
        "certifications": dict(new.certifications),
        "external_ids": dict(new.external_ids),
        "homepage": new.homepage,
        "votes": new.votes,
        "popularity": new.popularity,
        "recommendations": [
            {"type": r.type, "title": r.title, "year": r.year, "tmdb_id": r.ids.tmdb_id, "poster": r.poster_path}
            for r in new.recommendations[:12]
        ],
        "collection": {"id": new.collection_id, "name": new.collection_name} if new.collection_id else None,
    }


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
