"""PURE. Convert search results and details to choices, and a choice to a new title."""

from __future__ import annotations

from copy import replace

from mydia.contexts import media
from mydia.contexts.library.recognise.groups import Group
from mydia.contexts.library.recognise.matching import Choice
from mydia.contexts.metadata import Candidate, Details, Ids, SeasonDetails
from mydia.contexts.settings import LibraryPath
from mydia.vocabulary import MediaType


def new_item(
    group: Group,
    choice: Choice,
    path: LibraryPath,
    *,
    monitored: bool,
    details: Details | None = None,
    seasons: tuple[SeasonDetails, ...] = (),
    match_locked: bool = False,
) -> media.NewItem:
    """Return the new title for a group, for `media.add_item`."""
    nfo = group.nfo
    return media.NewItem(
        type=choice.type,
        title=choice.title,
        year=choice.year,
        ids=choice.ids,
        library_path_id=path.id,
        monitored=monitored,
        provider="tmdb" if choice.provider == "none" else choice.provider,
        folder=group.folder if group.owns_folder else None,
        overview=choice.overview or (nfo.plot if nfo is not None else None),
        poster_path=choice.poster,
        original_title=choice.original_title,
        match_locked=match_locked,
        details=details,
        seasons=seasons,
    )


def clear_name(group: Group) -> str | None:
    """Return the title of a group with unambiguous names, for installations without a metadata source; None otherwise.

    A film needs a year or an NFO file, a series needs numbers or dates in its file names.
    """
    guess = group.guess
    if not guess.title:
        return None
    if group.nfo is not None and group.nfo.title:
        return guess.title
    if group.type == MediaType.MOVIE:
        return guess.title if guess.year is not None else None
    numbered = any(
        (file.parsed.season is not None and file.parsed.episodes) or file.parsed.air_on or file.parsed.absolute_episodes
        for file in group.files
    )
    return guess.title if numbered else None


def choice_of(candidate: Candidate) -> Choice:
    """Return a search result as a choice."""
    return Choice(
        type=candidate.type,
        title=candidate.title,
        year=candidate.year,
        ids=candidate.ids,
        other_titles=candidate.other_titles,
        original_title=candidate.original_title,
        provider=candidate.provider,
        overview=candidate.overview,
        poster=candidate.poster_path,
        popularity=candidate.popularity or 0.0,
        original_language=candidate.original_language,
    )


def with_details(choice: Choice, details: Details) -> Choice:
    """Return a choice with the facts from the details: length, episodes, other titles."""
    numbers: frozenset[tuple[int, int]] | None = None
    if details.type == MediaType.TV_SHOW and details.seasons:
        numbers = frozenset(
            (season.number, number)
            for season in details.seasons
            for number in (
                range(1, (season.episode_count or 0) + 1)
                if season.episodes is None
                else [episode.episode_number for episode in season.episodes]
            )
        )
    return replace(
        choice,
        runtime_min=details.runtime_min,
        countries=details.countries,
        numbers=numbers,
        ids=details.ids,
        other_titles=tuple(dict.fromkeys((*choice.other_titles, *(other.title for other in details.titles)))),
    )


def share_an_id(one: Ids, other: Ids) -> bool:
    """Return whether two sets of ids have one in common."""
    pairs = ((one.tmdb_id, other.tmdb_id), (one.tvdb_id, other.tvdb_id), (one.imdb_id, other.imdb_id))
    return any(a is not None and a == b for a, b in pairs)
