"""What a user can choose from for an entry: titles, their episodes, and what was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from copy import replace
from datetime import date
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from mydia.adapters.outside import Outside
from mydia.contexts import media, metadata, settings
from mydia.contexts.library.models import InboxEntry
from mydia.contexts.library.recognise import matching
from mydia.contexts.library.recognise.choices import choice_of
from mydia.contexts.library.recognise.matching import Choice, Guess
from mydia.contexts.metadata import Ids
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, get
from mydia.errors import Invalid
from mydia.vocabulary import MediaType


def search_candidates(
    database: Database,
    outside: Outside,
    caller: Caller,
    inbox_id: str,
    text: str,
    *,
    type: MediaType | None = None,
    year: int | None = None,
    keep: bool = True,
) -> list[dict[str, Any]]:
    """Search by title or id for an entry and return candidates with their evidence, best first.

    Args:
        type: None uses the entry's type.
        keep: Store them as the entry's candidates, so that `decide` can choose one by position.

    Raises:
        Unavailable: The metadata source does not answer. Without any source, the title as typed is a candidate.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        entry = get(session, InboxEntry, inbox_id, what="This entry of the review")
        path = settings.library_paths.get_library_path(session, caller, entry.library_path_id)
        language = path.language or settings.of(session).metadata.language
        wanted = type or entry.type
        here = {
            (item.tmdb_id, item.tvdb_id, item.imdb_id): item.id for item in media.find_by_title(session, wanted, text)
        }
    if metadata.available(outside):
        found = metadata.search(outside, caller, wanted, text, year=year, language=language, source=path.provider)
        choices = [choice_of(candidate) for candidate in found]
    else:
        # The title as it was typed: without a source nothing more is known of it.
        choices = (
            []
            if here
            else [Choice(type=wanted, title=text.strip(), year=year or entry.year, ids=Ids(), provider="none")]
        )
    with database.reads() as session:
        choices = [
            replace(choice, media_item_id=item.id)
            if (item := media.find_by_ids(session, caller, wanted, choice.ids))
            else choice
            for choice in choices
        ]
        local = [own_choice(session, item_id) for item_id in here.values()]
    known = {choice.media_item_id for choice in choices}
    guess = guess_of(entry, type=wanted)
    ranked = matching.rank(guess, [*choices, *(one for one in local if one.media_item_id not in known)])
    candidates = [one.to_json() for one in ranked[:20]]
    if keep and candidates:
        with database.writes() as session:
            row = get(session, InboxEntry, inbox_id, what="This entry of the review")
            row.candidates, row.type = candidates, wanted
    return candidates


class ListedEpisode(msgspec.Struct, frozen=True, kw_only=True):
    """An episode to choose, of a title that may not be in the library yet."""

    season_number: int
    episode_number: int
    absolute_number: int | None
    title: str | None
    air_on: date | None

    @property
    def code(self) -> str:
        """`S01E02`."""
        return f"S{self.season_number:02}E{self.episode_number:02}"


def episode_codes(session: Session, caller: Caller, item_id: str) -> dict[str, str]:
    """Return episode id -> `S01E02` of a title of the library; empty when it is gone."""
    caller.require(Permission.MANAGE_MEDIA)
    return {one.id: one.code for one in media.episodes.episodes_of(session, caller, item_id)}


def episodes_of_candidate(
    database: Database, outside: Outside, caller: Caller, inbox_id: str, candidate: int
) -> list[ListedEpisode]:
    """Return the episodes of an entry's candidate, from the library or the catalogue; none for a film.

    Args:
        candidate: Its place, 0 being the best.

    Raises:
        Unavailable: The metadata source is needed and does not answer.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        entry = get(session, InboxEntry, inbox_id, what="This entry of the review")
        if not 0 <= candidate < len(entry.candidates):
            return []
        choice = resolve_choice(session, entry, candidate, None, None)
        if choice.type != MediaType.TV_SHOW:
            return []
        if choice.media_item_id is not None:
            found = media.episodes.episodes_of(session, caller, choice.media_item_id)
            return [
                ListedEpisode(
                    season_number=one.season_number, episode_number=one.episode_number,
                    absolute_number=one.absolute_number, title=one.title, air_on=one.air_on,
                )
                for one in found
            ]  # fmt: skip
        path = settings.library_paths.get_library_path(session, caller, entry.library_path_id)
        language = path.language or settings.of(session).metadata.language
    if choice.ids == Ids() or not metadata.available(outside):
        return []
    _, seasons = media.refresh.fetch(
        outside, caller, choice.type, choice.ids, language=language, source=choice.provider
    )
    return [
        ListedEpisode(
            season_number=one.season_number, episode_number=one.episode_number,
            absolute_number=one.absolute_number, title=one.title, air_on=one.air_on,
        )
        for season in seasons
        for one in season.episodes or ()
    ]  # fmt: skip


def guess_of(entry: InboxEntry, *, type: MediaType | None = None) -> Guess:
    """Return the facts about an entry's files, for scoring."""
    parsed = entry.parsed
    ids = parsed.get("ids") or {}
    numbers = frozenset(
        (file["season"], number)
        for file in parsed.get("files", ())
        if file.get("season") is not None
        for number in file.get("episodes", ())
    )
    return Guess(
        type=type or entry.type,
        title=entry.title,
        year=entry.year,
        other_titles=tuple(parsed.get("other_titles", ())),
        ids=Ids(ids.get("tmdb_id"), ids.get("tvdb_id"), ids.get("imdb_id")),
        ids_from="The name",
        numbers=numbers,
        duration_s=parsed.get("duration_s"),
    )


def own_choice(session: Session, item_id: str) -> Choice:
    """Return a title of the library as a choice."""
    item = media.get_item(session, SYSTEM, item_id)
    return Choice(
        type=item.type,
        title=item.title,
        year=item.year,
        ids=Ids(item.tmdb_id, item.tvdb_id, item.imdb_id),
        original_title=item.original_title,
        provider=item.provider,
        overview=item.overview,
        runtime_min=item.runtime_min,
        media_item_id=item.id,
    )


def resolve_choice(
    session: Session,
    entry: InboxEntry,
    candidate: int | None,
    choice: Mapping[str, Any] | Choice | None,
    media_item_id: str | None,
) -> Choice:
    """Return what a decision chose; a title that is in the library already stands for itself.

    Args:
        candidate: Index into the candidates of the entry.
        choice: A title as a page or the API sent it.
        media_item_id: A title of the library; comes first.

    Raises:
        Invalid: None of the three names a title.
    """
    if media_item_id is not None:
        return own_choice(session, media_item_id)
    if choice is not None:
        found = choice if isinstance(choice, Choice) else matching.choice_from_json(choice)
    elif candidate is not None and 0 <= candidate < len(entry.candidates):
        found = matching.choice_from_json(entry.candidates[candidate])
    else:
        raise Invalid("Choose a title.", fields={"candidate": "Choose a title."})
    if found.media_item_id is None and (item := media.find_by_ids(session, SYSTEM, found.type, found.ids)) is not None:
        return own_choice(session, item.id)
    if found.media_item_id is None and found.ids == Ids():
        # Without a catalogue id, only the name shows that the title is in the library already.
        same = media.find_by_title(session, found.type, found.title, found.year)
        if len(same) == 1:
            return own_choice(session, same[0].id)
    if found.media_item_id is not None and session.get(media.MediaItem, found.media_item_id) is None:
        return replace(found, media_item_id=None)
    return found
