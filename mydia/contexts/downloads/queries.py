"""PURE. The queries to indexers for a target: by id where supported, and by text."""

from __future__ import annotations

from mydia.adapters.indexers import Query
from mydia.contexts.downloads.decisions import Facts
from mydia.contexts.media import EpisodeRef
from mydia.vocabulary import MediaType


def queries_for(facts: Facts, *, original_title: str | None = None) -> tuple[Query, ...]:
    """Return the queries, best first; each one is only sent if the previous one found nothing."""
    found = _movie(facts) if facts.type == MediaType.MOVIE else _series(facts)
    if original_title and original_title != facts.title and original_title.isascii():
        found += tuple(_renamed(query, original_title) for query in found[:1])
    return tuple(dict.fromkeys(found))


def _movie(facts: Facts) -> tuple[Query, ...]:
    return (Query(type="movie", text=facts.title, year=facts.year, imdb_id=facts.imdb_id, tmdb_id=facts.tmdb_id),)


def _series(facts: Facts) -> tuple[Query, ...]:
    chosen = [episode for episode in facts.episodes if episode.id in facts.episode_ids]
    season = facts.season_number if facts.season_number is not None else chosen[0].season_number if chosen else None
    if len(chosen) != 1:
        return (_query(facts, season=season),)
    episode = chosen[0]
    numbered = _query(facts, season=episode.season_number, episode=episode.episode_number)
    if facts.series_type == "daily" and episode.air_on is not None:
        by_day = Query(
            type="tv",
            text=facts.title,
            air_on=episode.air_on,
            imdb_id=facts.imdb_id,
            tmdb_id=facts.tmdb_id,
            tvdb_id=facts.tvdb_id,
        )
        return by_day, numbered
    if facts.series_type == "anime":
        return *_absolute(facts, episode), numbered
    return (numbered,)


def _absolute(facts: Facts, episode: EpisodeRef) -> tuple[Query, ...]:
    number = episode.absolute_number
    if number is None:
        regular = [known for known in facts.episodes if known.season_number > 0]
        number = regular.index(episode) + 1 if episode in regular else None
    return () if number is None else (Query(type="any", text=f"{facts.title} {number:02}"),)


def _query(facts: Facts, *, season: int | None, episode: int | None = None) -> Query:
    return Query(
        type="tv",
        text=facts.title,
        season=season,
        episode=episode,
        imdb_id=facts.imdb_id,
        tmdb_id=facts.tmdb_id,
        tvdb_id=facts.tvdb_id,
    )


def _renamed(query: Query, title: str) -> Query:
    return Query(
        type=query.type, text=title, year=query.year, season=query.season, episode=query.episode, air_on=query.air_on
    )
