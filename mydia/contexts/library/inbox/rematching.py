"""Correct matched files: match them to another title, or put them back into the review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mydia.adapters.filesystem import shown
from mydia.adapters.outside import Outside
from mydia.contexts import media
from mydia.contexts.library.holdings import refresh_holdings
from mydia.contexts.library.inbox.candidates import own_choice
from mydia.contexts.library.models import FileEpisode, MediaFile
from mydia.contexts.library.reasons import review_sentence
from mydia.contexts.library.recognise import matching
from mydia.contexts.library.recognise.groups import gather
from mydia.contexts.library.recognise.linking import Match, doubt_facts, link
from mydia.contexts.library.recognise.matching import Choice, Evidence, Scored
from mydia.contexts.library.words import MatchState
from mydia.contexts.metadata import Ids
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.errors import Invalid, NotFound
from mydia.events import reason
from mydia.vocabulary import MediaType


def rematch_files(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    file_ids: Sequence[str],
    media_item_id: str,
    *,
    episode_map: Mapping[str, Sequence[str]] | None = None,
) -> int:
    """Link files to another title of the library and lock that match; return the number of linked files.

    Raises:
        Invalid: The episode of a file is unclear and none was chosen.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        rows = session.execute(
            select(MediaFile.library_path_id, MediaFile.media_item_id).where(MediaFile.id.in_(file_ids))
        ).all()
        if not rows:
            raise NotFound("These files are no longer in the library.")
        choice = own_choice(session, media_item_id)
    groups = [
        group
        for path_id in dict.fromkeys(row[0] for row in rows)
        for group in gather(database, outside, path_id, file_ids)
    ]
    scored = Scored(choice, 1.0, (Evidence("yes", reason("match.chosen", by=caller.name)),))
    linked = 0
    with database.writes() as session:
        for group in groups:
            group.type, group.owns_folder = choice.type, False
            chosen = {file_id: list(ids) for file_id, ids in (episode_map or {}).items()}
            match = Match(item_id=media_item_id, group=group, scored=scored, episode_map=chosen, lock=True)
            made = link(session, caller, now, match)
            if made.unclear:
                code, facts = doubt_facts(made.unclear[0], media.get_item(session, caller, media_item_id))
                name = made.unclear[0].file.path.rpartition("/")[2]
                sentence = f"{shown(name)}: {review_sentence(code, facts)}"
                raise Invalid(sentence, fields={"episode_map": sentence})
            linked += made.files
        for item_id in {media_item_id, *(row[1] for row in rows if row[1] is not None)}:
            refresh_holdings(session, now, item_id)
    return linked


def rematch_item(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    item_id: str,
    choice: Mapping[str, Any] | Choice | Ids,
) -> str:
    """Correct the match of a title. Its files, settings and history are kept.

    Args:
        choice: A candidate, or the ids of the right title.

    Returns:
        The title's id, or the id of the right title if that was already in the library, which then gets the files.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
        if isinstance(choice, Ids):
            wanted = Choice(
                type=item.type,
                title="",
                year=None,
                ids=choice,
                provider="tvdb" if choice.tvdb_id and not choice.tmdb_id else "tmdb",
            )
        else:
            wanted = choice if isinstance(choice, Choice) else matching.choice_from_json(choice)
        if item.type != wanted.type:
            raise Invalid(
                "A movie cannot be changed to a show or a show to a movie. Remove the title and add the other one."
            )
        language = media.refresh.language_of(session, caller, item)
        here = media.find_by_ids(session, caller, wanted.type, wanted.ids)
        file_ids = list(session.scalars(select(MediaFile.id).where(MediaFile.media_item_id == item_id)))
    if here is not None and here.id != item_id:
        if file_ids:
            rematch_files(database, outside, caller, now, file_ids, here.id)
        with database.writes() as session:
            media.remove_row(session, caller, now, item_id, files_deleted=0)
        return here.id
    details, seasons = media.refresh.fetch(
        outside, caller, wanted.type, wanted.ids, language=language, source=wanted.provider
    )
    with database.writes() as session:
        media.change_ids(session, caller, now, item_id, details, seasons)
    if file_ids and wanted.type == MediaType.TV_SHOW:
        rematch_files(database, outside, caller, now, file_ids, item_id)
    else:
        with database.writes() as session:
            refresh_holdings(session, now, item_id)
    return item_id


def unmatch_files(session: Session, caller: Caller, now: datetime, file_ids: Sequence[str]) -> None:
    """Unlink files from their title; the next matching run matches them again."""
    caller.require(Permission.MANAGE_MEDIA)
    rows = session.scalars(select(MediaFile).where(MediaFile.id.in_(file_ids))).all()
    items = {row.media_item_id for row in rows if row.media_item_id is not None}
    session.execute(delete(FileEpisode).where(FileEpisode.file_id.in_(file_ids)))
    for row in rows:
        row.media_item_id = row.version_id = row.inbox_id = None
        row.match_state, row.match_score, row.match_evidence = MatchState.NEW, None, []
    for item_id in items:
        refresh_holdings(session, now, item_id)
