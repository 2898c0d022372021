"""The import review: groups of files that wait for a decision, and the decisions users can make."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from mydia.adapters.filesystem import shown
from mydia.adapters.outside import Outside
from mydia.contexts import media, metadata, settings
from mydia.contexts.library.holdings import refresh_holdings
from mydia.contexts.library.models import FileEpisode, InboxEntry, MediaFile
from mydia.contexts.library.reasons import ReviewReason, review_sentence
from mydia.contexts.library.recognise import matching
from mydia.contexts.library.recognise.choices import choice_of, new_item
from mydia.contexts.library.recognise.entries import count_entry, count_waiting, leave_unclear
from mydia.contexts.library.recognise.groups import Group, gather
from mydia.contexts.library.recognise.linking import doubt_facts, link
from mydia.contexts.library.recognise.matching import Choice, Evidence, Guess, Scored
from mydia.contexts.library.words import MatchState, ReviewState
from mydia.contexts.metadata import Details, Ids, SeasonDetails
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, cursor_id, decode_cursor, encode_cursor, get
from mydia.errors import Conflict, Invalid, MydiaError, NotFound, Unavailable
from mydia.events import InboxChanged, InboxDecided, InboxImportRequested, emit, reason
from mydia.vocabulary import MediaType

WAITING = (ReviewState.NEW, ReviewState.READY, ReviewState.NEEDS_ATTENTION, ReviewState.NO_MATCH)
"""States in which an entry waits for a decision."""
STATES = tuple(ReviewState)


@dataclass(frozen=True, slots=True)
class InboxPage:
    """A page of entries."""

    entries: tuple[InboxEntry, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxCounts:
    """Number of entries in each state."""

    ready: int = 0
    needs_attention: int = 0
    no_match: int = 0
    ignored: int = 0
    done: int = 0
    new: int = 0
    queued: int = 0

    @property
    def waiting(self) -> int:
        """Entries that wait for a decision."""
        return self.ready + self.needs_attention + self.no_match + self.new


@dataclass(frozen=True, slots=True)
class Decided:
    """The result of a decision."""

    media_item_id: str
    files: int
    unclear: int
    """Number of files whose episode must be chosen; they are in a separate entry."""
    added: bool
    """Whether the title was added to the library."""


@dataclass(frozen=True, slots=True)
class ImportedReady:
    """The result of importing several entries."""

    decided: int
    failures: tuple[str, ...]
    """One message for each entry that could not be imported."""


def list_inbox(
    session: Session,
    caller: Caller,
    *,
    state: str | Collection[str] | None = None,
    library_path_id: str | None = None,
    text: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> InboxPage:
    """Return entries, oldest first.

    Args:
        state: One or several of STATES; None means all entries that wait for a decision.
    """
    caller.require(Permission.MANAGE_MEDIA)
    query = select(InboxEntry).where(*_filter(state, library_path_id, text)).order_by(InboxEntry.id).limit(limit + 1)
    if (key := decode_cursor(cursor, 1)) is not None:
        query = query.where(InboxEntry.id > cursor_id(key[0]))
    rows = session.scalars(query).all()
    return InboxPage(tuple(rows[:limit]), encode_cursor(rows[limit - 1].id) if len(rows) > limit else None)


def inbox_ids(
    session: Session, caller: Caller, *, state: str | Collection[str] | None = None, text: str | None = None
) -> list[str]:
    """Return the ids of all entries that a filter matches, oldest first; arguments as of `list_inbox`."""
    caller.require(Permission.MANAGE_MEDIA)
    return list(session.scalars(select(InboxEntry.id).where(*_filter(state, None, text)).order_by(InboxEntry.id)))


def _filter(
    state: str | Collection[str] | None, library_path_id: str | None, text: str | None
) -> list[ColumnElement[bool]]:
    states = WAITING if state is None else (state,) if isinstance(state, str) else tuple(state)
    if unknown := [one for one in states if one not in STATES]:
        raise Invalid(f"“{unknown[0]}” is not a state. Choose one of {', '.join(STATES)}.")
    found: list[ColumnElement[bool]] = [InboxEntry.state.in_(states)]
    if library_path_id is not None:
        found.append(InboxEntry.library_path_id == library_path_id)
    if text and text.strip():
        found.append(
            or_(
                InboxEntry.title.icontains(text.strip(), autoescape=True),
                InboxEntry.folder.icontains(text.strip(), autoescape=True),
            )
        )
    return found


def inbox_counts(session: Session, caller: Caller) -> InboxCounts:
    """Return the number of entries in each state."""
    caller.require(Permission.MANAGE_MEDIA)
    rows = session.execute(select(InboxEntry.state, func.count()).group_by(InboxEntry.state)).all()
    return InboxCounts(**{row[0]: row[1] for row in rows})


def get_entry(session: Session, caller: Caller, inbox_id: str) -> InboxEntry:
    """Return one entry. Raises NotFound."""
    caller.require(Permission.MANAGE_MEDIA)
    return get(session, InboxEntry, inbox_id, what="This entry of the review")


def find_entry(session: Session, caller: Caller, inbox_id: str) -> InboxEntry | None:
    """Return one entry, None when it is gone: decided by somebody else, or its files are."""
    caller.require(Permission.MANAGE_MEDIA)
    return session.get(InboxEntry, inbox_id)


def files_of_entry(session: Session, caller: Caller, inbox_id: str) -> list[MediaFile]:
    """Return the files that wait in an entry, sorted by path."""
    caller.require(Permission.MANAGE_MEDIA)
    query = select(MediaFile).where(MediaFile.inbox_id == inbox_id).order_by(MediaFile.relative_path)
    return list(session.scalars(query))


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
        choices = [] if here else [Choice(wanted, text.strip(), year or entry.year, Ids(), provider="none")]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedEpisode:
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
        choice = _chosen(session, entry, candidate, None, None)
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
        chosen = _chosen(session, entry, candidate, choice, media_item_id)
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
    emit(session, caller, InboxImportRequested(chosen, caller.id if caller.kind == "user" else None))


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


def _chosen(
    session: Session,
    entry: InboxEntry,
    candidate: int | None,
    choice: Mapping[str, Any] | Choice | None,
    media_item_id: str | None,
) -> Choice:
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
    linked = link(session, caller, now, item_id, group, scored, episode_map=chosen_episodes, lock=True)
    if linked.unclear and not linked.files:
        # No file could be linked, so the title is not added until an episode is chosen.
        code, facts = doubt_facts(linked.unclear[0], media.get_item(session, caller, item_id))
        sentence = review_sentence(code, facts)
        raise Invalid(sentence, fields={"episode_map": sentence})
    if linked.unclear:
        leave_unclear(session, now, media.get_item(session, caller, item_id), group, linked.unclear, scored)
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
        for season, number in missing:
            by_place[season, number] = media.episodes.ensure_episode(session, now, item_id, season, number).id
        made[file_id] = [by_place[place] for place in places]
    if errors:
        raise Invalid(
            next(iter(errors.values())), fields={f"episodes-{file_id}": said for file_id, said in errors.items()}
        )
    return made


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
            made = link(session, caller, now, media_item_id, group, scored, episode_map=chosen, lock=True)
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
                item.type, "", None, choice, provider="tvdb" if choice.tvdb_id and not choice.tmdb_id else "tmdb"
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
