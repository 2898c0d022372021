"""The decisions of the import review: confirm, match to a title, ignore, reopen, import what is ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from mydia.adapters.filesystem import shown
from mydia.adapters.outside import Outside
from mydia.contexts import media, metadata, settings
from mydia.contexts.library.holdings import refresh_holdings
from mydia.contexts.library.inbox.candidates import own_choice, resolve_choice
from mydia.contexts.library.inbox.listing import WAITING
from mydia.contexts.library.models import FileEpisode, InboxEntry, MediaFile
from mydia.contexts.library.reasons import ReviewReason, review_sentence
from mydia.contexts.library.recognise import matching
from mydia.contexts.library.recognise.choices import choice_of, new_item
from mydia.contexts.library.recognise.entries import count_entry, count_waiting, leave, unclear_part
from mydia.contexts.library.recognise.groups import Group, gather
from mydia.contexts.library.recognise.linking import Match, doubt_facts, link
from mydia.contexts.library.recognise.matching import Choice, Evidence, Scored
from mydia.contexts.library.words import MatchState, ReviewState
from mydia.contexts.metadata import Details, Ids, SeasonDetails
from mydia.contexts.users import Caller, Permission
from mydia.db import Database, get
from mydia.errors import Conflict, Invalid, MydiaError, NotFound, Unavailable
from mydia.events import InboxChanged, InboxDecided, InboxImportRequested, emit, reason
from mydia.vocabulary import MediaType


class Decided(msgspec.Struct, frozen=True):
    """The result of a decision."""

    media_item_id: str
    files: int
    unclear: int
    """Number of files whose episode must be chosen; they are in a separate entry."""
    added: bool
    """Whether the title was added to the library."""


class ImportedReady(msgspec.Struct, frozen=True):
    """The result of importing several entries."""

    decided: int
    failures: tuple[str, ...]
    """One message for each entry that could not be imported."""


def decide(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    inbox_id: str,
    *,
    candidate: int | None = None,
    choice: Mapping[str, Any] | Choice | None = None,
    media_item_id: str | None = None,
    episode_map: Mapping[str, Sequence[str]] | None = None,
    episodes: Mapping[str, str] | None = None,
    monitored: bool | None = None,
    whole_folder: bool = False,
) -> Decided:
    """Decide an entry: link its files to the title a user chose, which is added if it is not in the library.

    Args:
        candidate: Position in the entry's candidates; 0 is the best.
        choice: A title that is not among the candidates, in the same format.
        media_item_id: A title of the library.
        episode_map: File id -> episode ids, for files whose names are not specific enough (only with `media_item_id`).
        episodes: File id -> its episodes as a person types them, such as `S01E03-E04`, for files whose name does not say.
            Also for a title that is not in the library yet. Empty texts are ignored.
        monitored: Whether to monitor a title that is added; None uses the setting.
        whole_folder: Apply the decision to the folder's other entries too.

    Raises:
        Conflict: It has already been decided.
        Invalid: Nothing was chosen, the folder is for another type of title, or no file has a clear episode.

    Emits: MediaAdded, FileMatched, InboxDecided, InboxChanged.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        entry = get(session, InboxEntry, inbox_id, what="This entry of the review")
        if entry.state == ReviewState.DONE:
            raise Conflict("This entry is already decided. Reopen it to choose another title.")
        chosen = resolve_choice(session, entry, candidate, choice, media_item_id)
        path = settings.library_paths.get_library_path(session, caller, entry.library_path_id)
        language = path.language or settings.of(session).metadata.language
        if monitored is None:
            monitored = settings.of(session).media.monitor_by_default
        others = [] if not whole_folder else _siblings(session, entry)
        suits = {"movies": MediaType.MOVIE, "series": MediaType.TV_SHOW}.get(path.type, chosen.type)
        if chosen.media_item_id is None and suits != chosen.type:
            raise Invalid(f"{path.path} is a folder for {path.type}, so this title cannot be added there.")
    details, seasons = _details(outside, caller, chosen, language)
    first: Decided | None = None
    for row in [entry, *others]:
        group = _collect(database, outside, row, chosen.type)
        if group is None:
            with database.writes() as session:
                stale = session.get(InboxEntry, row.id)
                if stale is not None:
                    session.delete(stale)
            continue
        with database.writes() as session:
            made = _settle(
                session, caller, now, row.id, group, chosen, path, details, seasons, monitored,
                dict(episode_map or {}), {file: text for file, text in (episodes or {}).items() if text.strip()},
            )  # fmt: skip
        first = first or made
        chosen = replace(chosen, media_item_id=made.media_item_id)
    if first is None:
        raise NotFound("The files of this entry no longer exist. Scan the folder again.")
    with database.writes() as session:
        emit(session, caller, InboxChanged(inbox_id, count_waiting(session)), at=now)
    return first


def decide_many(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    inbox_ids: Sequence[str],
    *,
    type: MediaType | None = None,
    ids: Ids | None = None,
    media_item_id: str | None = None,
) -> ImportedReady:
    """Decide several entries as the same title, which is added if it is not in the library.

    Args:
        type: With `ids`: what the title is.
        ids: The title's ids in the catalogue.
        media_item_id: A title of the library, instead of `type` and `ids`.

    Raises:
        Invalid: No entry or no title was chosen.
        NotFound: There is no such title.
        Unavailable: The metadata source is needed and does not answer.
    """
    caller.require(Permission.MANAGE_MEDIA)
    if not inbox_ids:
        raise Invalid("Choose at least one entry.")
    with database.reads() as session:
        titles = dict(
            session.execute(
                select(InboxEntry.id, InboxEntry.title).where(
                    InboxEntry.id.in_(inbox_ids), InboxEntry.state.in_(WAITING)
                )
            ).all()
        )
    chosen = _one_title(database, outside, caller, type, ids, media_item_id)
    done, failures = 0, []
    for inbox_id, title in titles.items():
        try:
            made = decide(database, outside, caller, now, inbox_id, choice=chosen)
            chosen, done = replace(chosen, media_item_id=made.media_item_id), done + 1
        except MydiaError as error:
            failures.append(f"{title}: {error}")
    return ImportedReady(done, tuple(failures))


def _one_title(
    database: Database,
    outside: Outside,
    caller: Caller,
    type: MediaType | None,
    ids: Ids | None,
    media_item_id: str | None,
) -> Choice:
    with database.reads() as session:
        if media_item_id is not None:
            return own_choice(session, media_item_id)
        if type is None or ids is None or ids == Ids():
            raise Invalid("Choose a title.", fields={"media_id": "Choose a title."})
        if (item := media.find_by_ids(session, caller, type, ids)) is not None:
            return own_choice(session, item.id)
        language = settings.of(session).metadata.language
    found = metadata.by_ids(outside, caller, type, ids, language=language)
    if not found:
        raise NotFound("The metadata source does not know this title.")
    return choice_of(found[0])


def request_import_ready(session: Session, caller: Caller, inbox_ids: Sequence[str] | None) -> None:
    """Request the import of entries with their best candidates. Emits: InboxImportRequested.

    Args:
        inbox_ids: Entries in any state; None means all that are `ready`.
    """
    caller.require(Permission.MANAGE_MEDIA)
    chosen = None if inbox_ids is None else sorted(inbox_ids)
    emit(session, caller, InboxImportRequested(chosen, caller.id))


def import_ready(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    *,
    inbox_ids: Sequence[str] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ImportedReady:
    """Import entries with their best candidate.

    Args:
        inbox_ids: Entries in any state; None means all that are `ready`.
        on_progress: Called with (entries done, entries in all) after each.
        cancelled: Checked before each entry; if true, the remaining ones are left.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        query = select(InboxEntry.id, InboxEntry.title).order_by(InboxEntry.id)
        query = query.where(
            InboxEntry.id.in_(inbox_ids) if inbox_ids is not None else InboxEntry.state == ReviewState.READY,
            InboxEntry.state.in_(WAITING),
        )
        entries = session.execute(query).all()
    done, failures = 0, []
    for tried, (inbox_id, title) in enumerate(entries, 1):
        if cancelled():
            break
        try:
            decide(database, outside, caller, now, inbox_id, candidate=0)
            done += 1
        except MydiaError as error:
            failures.append(f"{title}: {error}")
        if on_progress is not None:
            on_progress(tried, len(entries))
    return ImportedReady(done, tuple(failures))


def ignore(
    session: Session, caller: Caller, now: datetime, inbox_ids: Sequence[str], *, reason: str | None = None
) -> int:
    """Ignore entries: their files stay where they are and no longer wait for a decision. Emits: InboxDecided."""
    caller.require(Permission.MANAGE_MEDIA)
    entries = session.scalars(
        select(InboxEntry).where(InboxEntry.id.in_(inbox_ids), InboxEntry.state.in_(WAITING))
    ).all()
    for entry in entries:
        entry.state, entry.decided_by, entry.decided_at, entry.updated_at = ReviewState.IGNORED, caller.id, now, now
        entry.reason_code, entry.reason_facts, entry.reason_text = (
            None if reason else ReviewReason.SET_ASIDE,
            {},
            reason,
        )
        session.execute(update(MediaFile).where(MediaFile.inbox_id == entry.id).values(match_state=MatchState.IGNORED))
        emit(session, caller, InboxDecided(entry.id, "ignored"), at=now)
    if entries:
        emit(session, caller, InboxChanged(None, count_waiting(session)), at=now)
    return len(entries)


def reopen(session: Session, caller: Caller, now: datetime, inbox_ids: Sequence[str]) -> int:
    """Reopen ignored or decided entries. Titles that were added stay. Emits: InboxDecided."""
    caller.require(Permission.MANAGE_MEDIA)
    entries = session.scalars(
        select(InboxEntry).where(
            InboxEntry.id.in_(inbox_ids), InboxEntry.state.in_((ReviewState.IGNORED, ReviewState.DONE))
        )
    ).all()
    for entry in entries:
        ids = [file["id"] for file in entry.parsed.get("files", ())]
        linked = session.scalars(select(MediaFile.media_item_id).where(MediaFile.id.in_(ids)))
        items = {item_id for item_id in linked if item_id is not None}
        session.execute(delete(FileEpisode).where(FileEpisode.file_id.in_(ids)))
        session.execute(
            update(MediaFile)
            .where(or_(MediaFile.id.in_(ids), MediaFile.inbox_id == entry.id))
            .values(match_state=MatchState.WAITING, inbox_id=entry.id, media_item_id=None, version_id=None)
        )
        best = entry.candidates[0]["score"] if entry.candidates else 0.0
        entry.state = ReviewState.NEEDS_ATTENTION if best >= matching.NO_MATCH_BELOW else ReviewState.NO_MATCH
        entry.reason_code, entry.reason_facts, entry.reason_text = ReviewReason.REOPENED, {}, None
        entry.chosen = entry.decided_by = entry.decided_at = None
        entry.updated_at = now
        count_entry(session, entry)
        for item_id in items:
            refresh_holdings(session, now, item_id)
        emit(session, caller, InboxDecided(entry.id, "reopened"), at=now)
    if entries:
        emit(session, caller, InboxChanged(None, count_waiting(session)), at=now)
    return len(entries)


def _siblings(session: Session, entry: InboxEntry) -> list[InboxEntry]:
    return list(
        session.scalars(
            select(InboxEntry).where(
                InboxEntry.library_path_id == entry.library_path_id,
                InboxEntry.folder == entry.folder,
                InboxEntry.id != entry.id,
                InboxEntry.state.in_(WAITING),
            )
        )
    )


def _details(
    outside: Outside, caller: Caller, choice: Choice, language: str
) -> tuple[Details | None, tuple[SeasonDetails, ...]]:
    """Fetch the episodes of a series that is about to be added. If that fails, its refresh fetches them."""
    if choice.media_item_id is not None or choice.type != MediaType.TV_SHOW or not metadata.available(outside):
        return None, ()
    if choice.ids == Ids():
        return None, ()
    try:
        return media.refresh.fetch(outside, caller, choice.type, choice.ids, language=language, source=choice.provider)
    except (Unavailable, NotFound):
        return None, ()


def _collect(database: Database, outside: Outside, entry: InboxEntry, type: MediaType) -> Group | None:
    with database.reads() as session:
        ids = list(session.scalars(select(MediaFile.id).where(MediaFile.inbox_id == entry.id)))
    groups = gather(database, outside, entry.library_path_id, ids) if ids else []
    if not groups:
        return None
    return replace(
        groups[0],
        type=type,
        folder=entry.folder,
        key=entry.group_key,
        files=[file for group in groups for file in group.files],
        owns_folder=all(group.owns_folder for group in groups) and len(groups) == 1,
    )


def _settle(
    session: Session,
    caller: Caller,
    now: datetime,
    inbox_id: str,
    group: Group,
    choice: Choice,
    path: settings.LibraryPath,
    details: Details | None,
    seasons: tuple[SeasonDetails, ...],
    monitored: bool,
    episode_map: dict[str, Sequence[str]],
    typed: Mapping[str, str],
) -> Decided:
    entry = get(session, InboxEntry, inbox_id, what="This entry of the review")
    item_id, added = choice.media_item_id, False
    if item_id is None:
        new = new_item(group, choice, path, monitored=monitored, details=details, seasons=seasons, match_locked=True)
        try:
            item_id, added = media.add_item(session, caller, now, new, search_now=False).id, True
        except media.AlreadyHere as error:
            item_id = error.item_id
    scored = Scored(choice, 1.0, (Evidence("yes", reason("match.chosen", by=caller.name)),))
    chosen_episodes = {file_id: list(ids) for file_id, ids in episode_map.items()}
    if choice.type == MediaType.TV_SHOW:
        here = {file.id: file for file in group.files}
        wanted = {file_id: text for file_id, text in typed.items() if file_id in here}
        names = {file_id: shown(here[file_id].path.rpartition("/")[2]) for file_id in wanted}
        chosen_episodes |= _typed_episodes(session, caller, now, item_id, wanted, names)
    match = Match(item_id=item_id, group=group, scored=scored, episode_map=chosen_episodes, lock=True)
    linked = link(session, caller, now, match)
    if linked.unclear and not linked.files:
        # No file could be linked, so the title is not added until an episode is chosen.
        code, facts = doubt_facts(linked.unclear[0], media.get_item(session, caller, item_id))
        sentence = review_sentence(code, facts)
        raise Invalid(sentence, fields={"episode_map": sentence})
    if linked.unclear:
        item = media.get_item(session, caller, item_id)
        leave(session, now, unclear_part(item, group, linked.unclear, scored))
    entry.state = ReviewState.DONE
    entry.reason_code, entry.reason_facts, entry.reason_text = None, {}, None
    entry.chosen = replace(scored, choice=replace(choice, media_item_id=item_id)).to_json()
    entry.decided_by, entry.decided_at = caller.id, now
    entry.updated_at = now
    emit(session, caller, InboxDecided(inbox_id, f"{choice.title} ({choice.year or 'no year'})"), at=now)
    refresh_holdings(session, now, item_id)
    return Decided(item_id, linked.files, len(linked.unclear), added)


def _typed_episodes(
    session: Session, caller: Caller, now: datetime, item_id: str, typed: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, list[str]]:
    """Return file id -> episode ids. Where no provider lists the episodes, those that a person names are added."""
    item = media.get_item(session, caller, item_id)
    known = media.episodes.episodes_of(session, caller, item_id)
    by_place = {(one.season_number, one.episode_number): one.id for one in known}
    made: dict[str, list[str]] = {}
    errors: dict[str, str] = {}
    for file_id, text in typed.items():
        try:
            places = media.numbering.typed_episodes(text, known)
        except Invalid as error:
            errors[file_id] = f"{names[file_id]}: {error.message}"
            continue
        missing = [place for place in places if place not in by_place]
        if missing and known and item.provider != "none":
            season, number = missing[0]
            errors[file_id] = f"{names[file_id]}: {item.title} has no episode S{season:02}E{number:02}."
            continue
        new = [media.episodes.NewEpisode(season_number=season, episode_number=number) for season, number in missing]
        by_place |= media.episodes.ensure_episodes(session, now, item_id, new)
        made[file_id] = [by_place[place] for place in places]
    if errors:
        raise Invalid(
            next(iter(errors.values())), fields={f"episodes-{file_id}": said for file_id, said in errors.items()}
        )
    return made
