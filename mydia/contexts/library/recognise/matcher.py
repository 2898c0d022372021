"""Recognise new files from names, folders and NFO files, then from the library, then from the catalogue.

Confident matches are added; the rest goes to the review with its candidates. Files are processed in groups, with one search per
group. Some dozens of groups are read together, looked up and then settled in one short write, so the work can stop at any point
and continue with the files that are still `new`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import replace
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import confine
from mydia.adapters.outside import Outside
from mydia.contexts import media, metadata, settings
from mydia.contexts.library.holdings import refresh_holdings, refresh_many
from mydia.contexts.library.ignored_folders import ignore_new_files
from mydia.contexts.library.journal.recovery import logger
from mydia.contexts.library.models import InboxEntry
from mydia.contexts.library.reasons import ReviewReason, ScanReason, scan_sentence
from mydia.contexts.library.recognise import matching
from mydia.contexts.library.recognise.choices import choice_of, clear_name, new_item, share_an_id, with_details
from mydia.contexts.library.recognise.entries import (
    FileState,
    Left,
    count_waiting,
    leave,
    leave_all,
    set_states,
    unclear_part,
)
from mydia.contexts.library.recognise.groups import Group, gather
from mydia.contexts.library.recognise.linking import Match, doubt_facts, link, link_all
from mydia.contexts.library.recognise.matching import Choice, Evidence, Guess, Scored, Verdict
from mydia.contexts.library.scanning.progress import record_progress
from mydia.contexts.library.words import MatchState, ReviewState, ScanPhase
from mydia.contexts.media import MediaItem
from mydia.contexts.metadata import Candidate, Details, Ids, SeasonDetails
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import Database, get
from mydia.errors import NotFound, Unavailable
from mydia.events import InboxChanged, emit, reason
from mydia.parsing import normalise_title
from mydia.runs import Run, Unwatched
from mydia.vocabulary import MediaType

_SEARCHES_AT_ONCE = 4
_GROUPS_AT_ONCE = 40
_FILES_AT_ONCE = 200
"""A unit of work ends with the group that reaches this number of files."""
_WRITE_AFTER_S = 2.0
"""Groups whose details are slow to fetch are not kept longer than this before they are written."""
_OTHER_TITLES_TRIED = 3
_LOOKED_CLOSER = 3
"""Number of search results whose details are fetched if none matches well by its main title."""


@dataclass(slots=True, kw_only=True)
class MatchReport:
    """The result of matching."""

    matched: int = 0
    waiting: int = 0
    ignored: int = 0
    postponed: int = 0
    """Number of files that stay new because the metadata source did not answer."""
    titles_added: int = 0
    reason_code: ScanReason | None = None
    reason_facts: dict[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str | None:
        """What is left open, as a sentence."""
        return None if self.reason_code is None else scan_sentence(self.reason_code, self.reason_facts)

    def counts(self) -> dict[str, int]:
        """Return the counts for a scan's row."""
        return {
            "matched": self.matched,
            "waiting": self.waiting,
            "ignored": self.ignored,
            "postponed": self.postponed,
            "titles_added": self.titles_added,
        }


def match_new_files(
    database: Database,
    outside: Outside,
    now_fn: Callable[[], datetime],
    library_path_id: str,
    run: Run | None = None,
    *,
    scan_id: str | None = None,
    caller: Caller = SYSTEM,
) -> MatchReport:
    """Recognise the new files of a library folder.

    If the metadata source does not answer, files are matched with the library and earlier decisions; the others stay
    new, and the report counts them. Without any source, titles come from names and NFO files.

    Emits: MediaAdded, FileMatched, InboxChanged.
    """
    run = run or Unwatched()
    report = MatchReport()
    with database.writes() as session:
        report.ignored += ignore_new_files(session, now_fn(), library_path_id)
    matcher = Matcher(database, outside, now_fn, library_path_id, caller)
    groups = gather(database, outside, library_path_id)
    total = sum(len(group.files) for group in groups)
    done = 0
    with ThreadPoolExecutor(_SEARCHES_AT_ONCE, thread_name_prefix="match") as pool:
        for part in _parts(groups):
            if run.cancelled():
                break
            matcher.look_up(part, pool)
            for settled in matcher.settle(part, report):
                done += sum(len(group.files) for group in settled)
                run.progress(done, total, settled[-1].name)
                if run.cancelled():
                    break
            if scan_id is not None:
                note = part[-1].folder or part[-1].name
                record_progress(database, scan_id, done, total, note, phase=ScanPhase.MATCHING)
    if matcher.asked:
        metadata.record_answer(database, outside, caller, now_fn(), matcher.trouble)
    if matcher.trouble is not None and report.postponed:
        report.reason_code = ScanReason.SOURCE_SILENT
        report.reason_facts = {"error": str(matcher.trouble), "waiting": report.postponed}
        logger.warning(
            "metadata source does not answer", extra={"error": str(matcher.trouble), "waiting": report.postponed}
        )
    if report.waiting:
        with database.writes() as session:
            emit(session, caller, InboxChanged(None, count_waiting(session)), at=now_fn())
    return report


def _parts(groups: Sequence[Group]) -> Iterator[list[Group]]:
    """Yield the groups in parts that are settled together.

    Groups that may be the same title are in different parts, in order, so that the later one finds the title that the earlier
    one added.
    """
    waiting = deque(groups)
    while waiting:
        part: list[Group] = []
        later: list[Group] = []
        names: set[object] = set()
        files = 0
        while waiting and len(part) + len(later) < _GROUPS_AT_ONCE and files < _FILES_AT_ONCE:
            group = waiting.popleft()
            folder = (group.type, group.folder)
            mine = _names_of(group)
            if folder in names or not names.isdisjoint(mine):
                later.append(group)
            else:
                part.append(group)
                files += len(group.files)
            names |= mine
            if group.owns_folder:
                names.add(folder)
        waiting.extendleft(reversed(later))
        yield part


def _names_of(group: Group) -> set[object]:
    guess = group.guess
    names: set[object] = {(guess.type, normalise_title(title)) for title in guess.titles}
    names.discard((guess.type, ""))
    ids = (("tmdb", guess.ids.tmdb_id), ("tvdb", guess.ids.tvdb_id), ("imdb", guess.ids.imdb_id))
    return names | {(guess.type, source, id_) for source, id_ in ids if id_ is not None}


@dataclass(slots=True)
class _Looked:
    """The facts about one group before its files are linked."""

    choices: list[Choice] = field(default_factory=list)
    unanswered: bool = False
    """Whether the metadata source was needed and did not answer."""


class _Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A group whose title is certain."""

    group: Group
    scored: Scored
    chosen: bool = False
    """A user chose the title for the folder earlier."""


class _Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """A group of a folder that a user ignored earlier."""

    group: Group
    inbox_id: str


type _Outcome = _Taken | _Ignored | Left


class Matcher:
    """One run of matching, which reads the library and queries the metadata source once for everything."""

    def __init__(
        self,
        database: Database,
        outside: Outside,
        now_fn: Callable[[], datetime],
        library_path_id: str,
        caller: Caller,
    ) -> None:
        self.database = database
        self.outside = outside
        self.now_fn = now_fn
        self.caller = caller
        self.trouble: Unavailable | None = None
        with database.reads() as session:
            path = settings.library_paths.get_library_path(session, caller, library_path_id)
            self.path = path
            self.root = Path(path.path)
            self.language = path.language or settings.of(session).metadata.language
            self.confident = settings.of(session).library.match_confident_percent / 100
            self.monitored = settings.of(session).media.monitor_by_default
            self._index = {type_: media.catalogue.match_index(session, type_) for type_ in MediaType}
            self._folders: dict[tuple[str | None, str], str] = {
                (folder, type_): item_id
                for item_id, folder, type_ in session.execute(
                    select(MediaItem.id, MediaItem.folder, MediaItem.type).where(
                        MediaItem.library_path_id == library_path_id, MediaItem.folder.is_not(None)
                    )
                )
            }
            self._decided = {
                (entry.folder, entry.group_key): entry
                for entry in session.scalars(
                    select(InboxEntry).where(
                        InboxEntry.library_path_id == library_path_id,
                        InboxEntry.state.in_((ReviewState.DONE, ReviewState.IGNORED)),
                    )
                )
            }
        self._searched: dict[tuple[object, ...], list[Candidate]] = {}
        self._looked: dict[int, _Looked] = {}

    @property
    def asked(self) -> bool:
        """Whether the metadata source was queried."""
        return bool(self._searched) or self.trouble is not None

    @property
    def has_provider(self) -> bool:
        """Whether titles can be looked up."""
        return metadata.available(self.outside)

    def look_up(self, groups: Sequence[Group], pool: ThreadPoolExecutor) -> None:
        """Find the choices for groups: titles of the library, and if these are not certain, those of the catalogue."""
        with self.database.reads() as session:
            for group, choices in zip(groups, self._local(session, groups), strict=True):
                self._looked[id(group)] = _Looked(choices)
        asking: dict[tuple[object, ...], Group] = {}
        for group in groups:
            if self._needs_search(group):
                asking.setdefault(self._search_key(group), group)
        fresh = {key: group for key, group in asking.items() if key not in self._searched}
        if fresh and self.trouble is None:
            list(pool.map(self._search_into, fresh.items()))
        for group in groups:
            if self._needs_search(group):
                self._add_found(group)

    def _needs_search(self, group: Group) -> bool:
        if (
            (group.folder, group.key) in self._decided
            or not self.has_provider
            or not (group.guess.title or group.guess.ids != Ids())
        ):
            return False
        ranked = matching.rank(group.guess, self._looked[id(group)].choices)
        return matching.decide(group.guess, ranked, confident=self.confident).state != "sure"

    def _search_key(self, group: Group) -> tuple[object, ...]:
        guess = group.guess
        return (guess.type, guess.title.casefold(), guess.year, guess.ids)

    def _search_into(self, entry: tuple[tuple[object, ...], Group]) -> None:
        key, group = entry
        try:
            self._searched[key] = self.search(group.guess)
        except Unavailable as error:
            self.trouble = self.trouble or error

    def search(self, guess: Guess) -> list[Candidate]:
        """Search the catalogue by id if there is one, otherwise by title and year, then without the year and by other titles."""
        source = self.path.provider
        if guess.ids != Ids():
            found = metadata.by_ids(self.outside, self.caller, guess.type, guess.ids, language=self.language)
            if found:
                return found
        if not guess.title:
            return []
        found = metadata.search(
            self.outside, self.caller, guess.type, guess.title, year=guess.year, language=self.language, source=source
        )
        if guess.year is not None and not found:
            # The year may be part of the title (`Blade Runner 2049`), or be wrong.
            for text in (f"{guess.title} {guess.year}", guess.title):
                found += [
                    one
                    for one in metadata.search(
                        self.outside, self.caller, guess.type, text, language=self.language, source=source
                    )
                    if one not in found
                ]
        for other in guess.titles[1 : 1 + _OTHER_TITLES_TRIED]:
            if found:
                break
            found = metadata.search(
                self.outside, self.caller, guess.type, other, year=guess.year, language=self.language, source=source
            )
        return found

    def _add_found(self, group: Group) -> None:
        looked = self._looked[id(group)]
        found = self._searched.get(self._search_key(group))
        if found is None:
            looked.unanswered = True
            return
        ours = [choice.ids for choice in looked.choices]
        looked.choices += [
            choice for candidate in found if not any(share_an_id(choice_of(candidate).ids, ids) for ids in ours)
            for choice in (choice_of(candidate),)
        ]  # fmt: skip

    def _local(self, session: Session, groups: Sequence[Group]) -> list[list[Choice]]:
        """Return the titles of the library that each group may be; the reads do not depend on the number of groups."""
        wanted = [(group.type, group.guess.ids) for group in groups if group.guess.ids != Ids()]
        by_ids = media.catalogue.find_all_by_ids(session, self.caller, wanted)
        found: list[list[str]] = []
        owners: list[str | None] = []
        for group in groups:
            owner = None if group.is_guest else self._folders.get((group.folder, group.type))
            owners.append(owner)
            found.append(list(dict.fromkeys(self._possible(group, owner, by_ids))))
        items = self._own_titles(session, {item_id for ids in found for item_id in ids})
        return [
            [replace(items[item_id], owns_folder=item_id == owner) for item_id in ids if item_id in items]
            for ids, owner in zip(found, owners, strict=True)
        ]

    def _possible(self, group: Group, owner: str | None, by_ids: Sequence[MediaItem]) -> Iterator[str]:
        guess = group.guess
        if owner is not None:
            yield owner
        for item in by_ids:
            if item.type == group.type and share_an_id(Ids(item.tmdb_id, item.tvdb_id, item.imdb_id), guess.ids):
                yield item.id
                break
        index = self._index[group.type]
        # Not the title without its country, which the library may hold for another country.
        for title in (guess.title, *guess.other_titles):
            for item_id, year in index.get(normalise_title(title), ()):
                if guess.year is None or year is None or abs(guess.year - year) <= 1:
                    yield item_id

    def _own_titles(self, session: Session, item_ids: Collection[str]) -> dict[str, Choice]:
        """Return titles of the library as choices; those that were removed are left out."""
        if not item_ids:
            return {}
        items = session.scalars(select(MediaItem).where(MediaItem.id.in_(item_ids))).all()
        shows = [item.id for item in items if item.type == MediaType.TV_SHOW]
        numbers = media.episodes.numbers_by_item(session, self.caller, shows) if shows else {}
        names = media.catalogue.names_by_item(session, self.caller, item_ids)
        return {
            item.id: Choice(
                type=item.type,
                title=item.title,
                year=item.year,
                ids=Ids(item.tmdb_id, item.tvdb_id, item.imdb_id),
                other_titles=tuple(name for name in names[item.id] if name != item.title),
                original_title=item.original_title,
                provider=item.provider,
                original_language=item.original_language,
                runtime_min=item.runtime_min,
                # A title without details has no episodes yet, which is no evidence against it.
                numbers=numbers.get(item.id) or None,
                media_item_id=item.id,
            )
            for item in items
        }

    def settle(self, groups: Sequence[Group], report: MatchReport) -> Iterator[list[Group]]:
        """Link the files of groups, put them into the review, or postpone them. Yields the groups after each write."""
        outcomes: list[_Outcome] = []
        since: list[Group] = []
        began_s = clock.monotonic_s()
        for group in groups:
            outcome = self._outcome(group)
            since.append(group)
            if outcome is None:
                report.postponed += len(group.files)
            elif isinstance(outcome, _Taken) and self._is_new_show(outcome):
                self._take_show(outcome, report)
            else:
                outcomes.append(outcome)
            if clock.monotonic_s() - began_s >= _WRITE_AFTER_S:
                self._write(outcomes, report)
                yield since
                outcomes, since, began_s = [], [], clock.monotonic_s()
        if since:
            self._write(outcomes, report)
            yield since

    def _outcome(self, group: Group) -> _Outcome | None:
        """Return what becomes of a group, None if it stays new because the metadata source did not answer."""
        looked = self._looked.pop(id(group))
        entry = self._decided.get((group.folder, group.key))
        if entry is not None and (followed := self._follow(group, entry)) is not None:
            return followed
        ranked = matching.rank(group.guess, looked.choices)
        verdict = matching.decide(group.guess, ranked, confident=self.confident)
        if verdict.state != "sure" and looked.unanswered:
            return None
        if not self.has_provider and verdict.state != "sure":
            return self._without_provider(group, ranked, verdict)
        if verdict.state in ("needs_attention", "no_match") and self.trouble is None:
            ranked, verdict = self._look_closer(group, ranked, verdict)
        if verdict.state == "sure" and verdict.best is not None:
            return _Taken(group=group, scored=verdict.best)
        return Left(group=group, ranked=ranked, verdict=verdict)

    def _follow(self, group: Group, entry: InboxEntry) -> _Outcome | None:
        """Apply a user's earlier decision for a folder to its new files."""
        if entry.state == ReviewState.IGNORED:
            return _Ignored(group=group, inbox_id=entry.id)
        item_id = (entry.chosen or {}).get("media_item_id")
        if item_id is None:
            return None
        with self.database.reads() as session:
            choice = self._own_titles(session, [item_id]).get(item_id)
        if choice is None:
            return None
        evidence = (Evidence("yes", reason("match.chosen-folder")),)
        return _Taken(group=group, scored=Scored(replace(choice, owns_folder=True), 1.0, evidence), chosen=True)

    def _look_closer(self, group: Group, ranked: list[Scored], verdict: Verdict) -> tuple[list[Scored], Verdict]:
        """Compare the details of the closest candidates: other titles, length, episodes. Only for files that would go to the review."""
        guess = group.guess
        if guess.type == MediaType.MOVIE and guess.duration_s is None:
            biggest = max(group.files, key=lambda file: file.size_bytes)
            try:
                facts = self.outside.probe.probe(confine(self.root, biggest.path))
                guess = replace(guess, duration_s=facts.duration_s)
            except AdapterError:
                guess = replace(guess, duration_s=None)
            group.guess = guess
        closest = [one for one in ranked[:_LOOKED_CLOSER] if _may_be(guess, one.choice)]
        choices = []
        for scored in closest:
            choice = scored.choice
            known = choice.runtime_min is not None if guess.type == MediaType.MOVIE else choice.numbers is not None
            known = known and (guess.country is None or bool(choice.countries))
            is_ours = choice.media_item_id is not None
            if not known or (scored.score < matching.NO_MATCH_BELOW and not is_ours):
                try:
                    choice = with_details(
                        choice,
                        metadata.details(
                            self.outside,
                            self.caller,
                            choice.type,
                            choice.ids,
                            language=self.language,
                            source=choice.provider,
                        ),
                    )
                except NotFound:
                    continue
                except Unavailable as error:
                    self.trouble = self.trouble or error
                    return ranked, verdict
            choices.append(choice)
        read = {one.choice for one in closest}
        again = matching.rank(guess, [*choices, *(one.choice for one in ranked if one.choice not in read)])
        return again, matching.decide(guess, again, confident=self.confident)

    def _without_provider(self, group: Group, ranked: list[Scored], verdict: Verdict) -> _Outcome:
        if (title := clear_name(group)) is None:
            waits = Verdict(verdict.state if ranked else "no_match", verdict.best, ReviewReason.NO_SOURCE)
            return Left(group=group, ranked=ranked, verdict=waits)
        guess = replace(group.guess, title=title)
        choice = Choice(type=guess.type, title=title, year=guess.year, ids=guess.ids, provider="none")
        source = "nfo" if group.nfo is not None and group.nfo.title else "names"
        evidence = (Evidence("yes", reason(f"match.from-{source}")),)
        return _Taken(group=group, scored=Scored(choice, 0.9, evidence))

    def _is_new_show(self, taken: _Taken) -> bool:
        choice = taken.scored.choice
        return choice.type == MediaType.TV_SHOW and choice.media_item_id is None

    def _write(self, outcomes: Sequence[_Outcome], report: MatchReport) -> None:
        """Store what becomes of groups, in one unit of work."""
        if not outcomes:
            return
        taken = [one for one in outcomes if isinstance(one, _Taken)]
        ignored = [one for one in outcomes if isinstance(one, _Ignored)]
        lefts = [one for one in outcomes if isinstance(one, Left)]
        with self.database.writes() as session:
            now = self.now_fn()
            item_ids = self._add_items(session, now, taken)
            matches = [_match(one, item_id) for one, item_id in zip(taken, item_ids, strict=True)]
            results = link_all(session, self.caller, now, matches)
            for match, linked in zip(matches, results, strict=True):
                if linked is not None and linked.unclear:
                    item = get(session, MediaItem, match.item_id, what="This title")
                    lefts.append(unclear_part(item, match.group, linked.unclear, match.scored))
            refresh_many(session, now, list(dict.fromkeys(item_ids)))
            leave_all(session, now, lefts)
            states = {
                file.id: FileState(MatchState.IGNORED, one.inbox_id) for one in ignored for file in one.group.files
            }
            set_states(session, states)
        report.ignored += len(states)
        report.waiting += sum(len(one.group.files) for one in lefts)
        for one, item_id, result in zip(taken, item_ids, results, strict=True):
            if result is None:
                # Its title was removed meanwhile, so the next run recognises it again.
                report.postponed += len(one.group.files)
            else:
                self._note(one, item_id, result.files, report)

    def _add_items(self, session: Session, now: datetime, taken: Sequence[_Taken]) -> list[str]:
        """Return the title of each group; those that are not in the library yet are added."""
        new = [one for one in taken if one.scored.choice.media_item_id is None]
        items = [new_item(one.group, one.scored.choice, self.path, monitored=self.monitored) for one in new]
        added = iter(media.catalogue.add_items(session, self.caller, now, items, search_now=False))
        return [one.scored.choice.media_item_id or next(added) for one in taken]

    def _take_show(self, taken: _Taken, report: MatchReport) -> None:
        """Add a series with its episodes and link its files. It is only added if the episode of a file is clear."""
        group, scored = taken.group, taken.scored
        details, seasons = self._details_for(scored.choice)
        new = new_item(group, scored.choice, self.path, monitored=self.monitored, details=details, seasons=seasons)
        try:
            with self.database.writes() as session:
                now = self.now_fn()
                try:
                    item_id = media.add_item(session, self.caller, now, new, search_now=False).id
                except media.AlreadyHere as error:
                    item_id = error.item_id
                linked = link(session, self.caller, now, _match(taken, item_id))
                if linked.unclear:
                    item = get(session, MediaItem, item_id, what="This title")
                    if not linked.files:
                        raise _NothingLinked(*doubt_facts(linked.unclear[0], item))
                    leave(session, now, unclear_part(item, group, linked.unclear, scored))
                refresh_holdings(session, now, item_id)
        except _NothingLinked as nothing:
            verdict = Verdict("needs_attention", scored, nothing.code, nothing.facts)
            self._write([Left(group=group, ranked=[scored], verdict=verdict)], report)
            return
        report.waiting += len(linked.unclear)
        self._note(taken, item_id, linked.files, report)

    def _note(self, taken: _Taken, item_id: str, files: int, report: MatchReport) -> None:
        """Remember a settled group for those that follow."""
        group, choice = taken.group, taken.scored.choice
        report.matched += files
        if group.owns_folder:
            self._folders.setdefault((group.folder, group.type), item_id)
        if choice.media_item_id is None:
            report.titles_added += 1
            for title in {choice.title, group.guess.title}:
                if normalised := normalise_title(title):
                    self._index[choice.type].setdefault(normalised, []).append((item_id, choice.year))

    def _details_for(self, choice: Choice) -> tuple[Details | None, tuple[SeasonDetails, ...]]:
        """Fetch a new series' episodes before its files are linked, because dates and absolute numbers need them.

        The details of a film, or of a series that cannot be fetched now, are fetched by its refresh.
        """
        new_show = choice.type == MediaType.TV_SHOW and choice.media_item_id is None and choice.ids != Ids()
        if not new_show or not self.has_provider or self.trouble is not None:
            return None, ()
        try:
            return media.refresh.fetch(
                self.outside, self.caller, MediaType.TV_SHOW, choice.ids, language=self.language, source=choice.provider
            )
        except NotFound:
            return None, ()
        except Unavailable as error:
            self.trouble = self.trouble or error
            return None, ()


def _match(taken: _Taken, item_id: str) -> Match:
    scored = taken.scored
    return Match(item_id=item_id, group=taken.group, scored=replace(scored, by_id=scored.by_id or taken.chosen))


class _NothingLinked(Exception):
    """Rolls back the addition of a title without linked files."""

    def __init__(self, code: ReviewReason, facts: dict[str, Any]) -> None:
        super().__init__()
        self.code = code
        self.facts = facts


def _may_be(guess: Guess, choice: Choice) -> bool:
    """Return whether a search result is worth a closer look: the name's year is its year or part of its title."""
    years = guess.year, choice.year
    if guess.year is not None and normalise_title(choice.title) == normalise_title(f"{guess.title} {guess.year}"):
        return True
    return years[0] is None or years[1] is None or abs(years[0] - years[1]) <= 1 or guess.type == MediaType.TV_SHOW
