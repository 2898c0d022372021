"""Recognising new files: names, folders and NFO first, then the library itself, then the catalogue; sure matches are
added, the rest waits for a person with its candidates.

Files are taken in groups (a film's folder, a series' folder), with one search for a group. Each group is settled in one
short write, so the work can stop at any point and goes on with the files that are still `new`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import batched
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import confine, shown
from mydia.adapters.metadata_providers import NfoFacts, read_nfo
from mydia.adapters.outside import Outside
from mydia.config import Config
from mydia.contexts import media, metadata, settings
from mydia.contexts.library import matching
from mydia.contexts.library.filekinds import title_folder
from mydia.contexts.library.holdings import quality_of, refresh_holdings
from mydia.contexts.library.matching import Choice, Evidence, Guess, Scored, Verdict
from mydia.contexts.library.models import FileEpisode, InboxEntry, MediaFile, Sidecar
from mydia.contexts.library.scan import Run, Unwatched, tell
from mydia.contexts.media import MediaItem
from mydia.contexts.metadata import Candidate, Details, Ids, SeasonDetails
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import Database, get
from mydia.errors import NotFound, Unavailable
from mydia.events import FileMatched, InboxChanged, emit
from mydia.parsing import ParsedRelease, Quality, Source, normalise_title, parse_path, parse_release

logger = logging.getLogger(__name__)

_SEARCHES_AT_ONCE = 4
_NFO_BYTES = 256 * 1024
_CANDIDATES_KEPT = 8
_FILES_SHOWN = 500
_HINTS = {"movies": "movie", "series": "tv"}
_TYPES = {"movies": "movie", "series": "tv_show"}
_QUALITY_ASSUMED = 0.5
"""Up to this the parser took the source from the file's ending alone."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that belongs to nothing yet, and what its name says."""

    id: str
    path: str
    size_bytes: int
    parsed: ParsedRelease
    nfo: NfoFacts | None = None


@dataclass(slots=True)
class Group:
    """Files that are one film, or one series."""

    library_path_id: str
    type: str
    folder: str
    """Relative; empty for files that lie in the library folder itself."""
    key: str
    guess: Guess
    files: list[NewFile]
    nfo: NfoFacts | None = None
    owns_folder: bool = False
    """Nothing else lies in this folder."""

    @property
    def name(self) -> str:
        """What people call it while nobody knows what it is."""
        return self.guess.title or shown(self.folder) or shown(self.files[0].path.rpartition("/")[2])


@dataclass(slots=True)
class MatchReport:
    """What came of matching."""

    matched: int = 0
    waiting: int = 0
    ignored: int = 0
    postponed: int = 0
    """Files that stay new because the metadata source did not answer."""
    titles_added: int = 0
    reason: str | None = None

    def counts(self) -> dict[str, int]:
        """Return the numbers for a scan's row."""
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
    config: Config,
    now_fn: Callable[[], datetime],
    library_path_id: str,
    run: Run | None = None,
    *,
    scan_id: str | None = None,
    caller: Caller = SYSTEM,
) -> MatchReport:
    """Recognise the files of a library folder that are new.

    When the metadata source does not answer, what the library and earlier decisions can settle is settled; the other
    files stay new and the report says so. Without any source, titles are made from names and NFO files.

    Emits: MediaAdded, FileMatched, InboxChanged.
    """
    run = run or Unwatched()
    report = MatchReport()
    matcher = Matcher(database, outside, config, now_fn, library_path_id, caller)
    groups = gather(database, outside, library_path_id)
    total = sum(len(group.files) for group in groups)
    done = 0
    with ThreadPoolExecutor(_SEARCHES_AT_ONCE, thread_name_prefix="match") as pool:
        for part in batched(groups, _SEARCHES_AT_ONCE * 2, strict=False):
            if run.cancelled():
                break
            matcher.look_up(part, pool)
            for group in part:
                matcher.settle(group, report)
                done += len(group.files)
            note = part[-1].name
            run.progress(done, total, note)
            if scan_id is not None:
                tell(database, scan_id, done, total, part[-1].folder or note, phase="matching")
    if matcher.trouble is not None and report.postponed:
        report.reason = f"{matcher.trouble} {report.postponed} files wait and are recognised as soon as it answers."
    if report.waiting:
        with database.writes() as session:
            emit(session, caller, InboxChanged(None, count_waiting(session)), at=now_fn())
    return report


def count_waiting(session: Session) -> int:
    """Return how many entries of the review wait for a person."""
    states = ("new", "ready", "needs_attention", "no_match")
    return session.scalar(select(func.count()).select_from(InboxEntry).where(InboxEntry.state.in_(states))) or 0


# --- gathering -------------------------------------------------------------------------------------------------------


def gather(
    database: Database, outside: Outside, library_path_id: str, file_ids: Sequence[str] | None = None
) -> list[Group]:
    """Return a folder's new files in groups, with what names and NFO files say.

    Args:
        file_ids: Only these, whatever state they are in; for matching again.
    """
    with database.reads() as session:
        path = settings.get_library_path(session, library_path_id)
        rows = _new_rows(session, library_path_id, file_ids)
        if not rows:
            return []
        nfos = {
            row[0]
            for row in session.execute(
                select(Sidecar.relative_path).where(Sidecar.library_path_id == library_path_id, Sidecar.kind == "nfo")
            )
        }
    hint = _HINTS.get(path.type)
    files = [NewFile(id_, name, size, _read(name, hint)) for id_, name, size in rows]
    groups = _grouped(library_path_id, path.type, files)
    root = Path(path.path)
    for group in groups:
        _add_nfo(outside, root, group, nfos)
        group.guess = _guess(group)
    with database.reads() as session:
        _mark_owned(session, library_path_id, groups)
    return groups


def _new_rows(session: Session, library_path_id: str, file_ids: Sequence[str] | None) -> list[tuple[str, str, int]]:
    query = (
        select(MediaFile.id, MediaFile.relative_path, MediaFile.size_bytes)
        .where(MediaFile.library_path_id == library_path_id, MediaFile.kind == "video")
        .order_by(MediaFile.relative_path)
    )
    if file_ids is not None:
        return [
            (row[0], row[1], row[2])
            for part in batched(file_ids, 500, strict=False)
            for row in session.execute(query.where(MediaFile.id.in_(part)))
        ]
    new = query.where(MediaFile.match_state == "new", MediaFile.missing_since.is_(None))
    return [(row[0], row[1], row[2]) for row in session.execute(new)]


def _read(path: str, hint: str | None) -> ParsedRelease:
    told = shown(path)
    name = told.rpartition("/")[2]
    return parse_path(told, None, hint) or parse_release(name, hint) or ParsedRelease(name=name)


def _grouped(library_path_id: str, path_type: str, files: Iterable[NewFile]) -> list[Group]:
    by_key: dict[tuple[str, str, str], list[NewFile]] = {}
    for file in files:
        type_ = _TYPES.get(path_type) or ("tv_show" if file.parsed.type == "episode" else "movie")
        folder = title_folder(file.path) if type_ == "tv_show" else file.path.rpartition("/")[0]
        by_key.setdefault((type_, folder, _key(type_, folder, file.parsed)), []).append(file)
    return [
        Group(library_path_id, type_, folder, key, Guess(type_, ""), members)
        for (type_, folder, key), members in sorted(by_key.items(), key=lambda entry: (entry[0][1], entry[0][2]))
    ]


def _key(type_: str, folder: str, parsed: ParsedRelease) -> str:
    title = normalise_title(parsed.title)
    if type_ == "tv_show" and folder:
        read = parse_release(shown(folder.rpartition("/")[2])) or parse_release(
            f"{shown(folder.rpartition('/')[2])} S01E01"
        )
        of_folder = normalise_title(read.title) if read is not None else ""
        # Files of one series are spelt in many ways; only a quite different name in a shelf of many is another series.
        if not title or not of_folder or title.startswith(of_folder) or of_folder.startswith(title):
            return of_folder or title
    if type_ == "movie" and parsed.year is not None:
        return f"{title} {parsed.year}"
    return title


def _add_nfo(outside: Outside, root: Path, group: Group, nfos: set[str]) -> None:
    shared = f"{group.folder}/" if group.folder else ""
    if group.type == "tv_show":
        if group.folder:
            group.nfo = _read_nfo(outside, root, f"{shared}tvshow.nfo", nfos)
        if nfos:
            group.files = [
                replace(file, nfo=_read_nfo(outside, root, f"{file.path.rpartition('.')[0]}.nfo", nfos))
                if f"{file.path.rpartition('.')[0]}.nfo" in nfos
                else file
                for file in group.files
            ]
        return
    names = [f"{file.path.rpartition('.')[0]}.nfo" for file in group.files]
    if group.folder:
        names.append(f"{shared}movie.nfo")
    for name in names:
        if (found := _read_nfo(outside, root, name, nfos)) is not None and found.kind in (None, "movie"):
            group.nfo = found
            return


def _read_nfo(outside: Outside, root: Path, name: str, nfos: set[str]) -> NfoFacts | None:
    if name not in nfos:
        return None
    try:
        return read_nfo(outside.files.read_bytes(confine(root, name), limit=_NFO_BYTES))
    except AdapterError:
        return None


def _guess(group: Group) -> Guess:
    first = max(
        group.files, key=lambda file: (file.parsed.confidence.overall, bool(file.parsed.title), file.parsed.year or 0)
    )
    parsed = first.parsed
    titles = list(dict.fromkeys(file.parsed.title for file in group.files if file.parsed.title))
    year = parsed.year or next((file.parsed.year for file in group.files if file.parsed.year), None)
    others = [title for title in titles[:5] if title != parsed.title] + list(parsed.alternative_titles)
    if group.type == "tv_show" and group.folder:
        named = shown(group.folder.rpartition("/")[2])
        folder = parse_release(f"{named} S01E01", "tv")
        if folder is not None and folder.title and normalise_title(folder.title) != normalise_title(parsed.title):
            others.append(folder.title)
        year = year or (folder.year if folder is not None else None)
    title = parsed.title
    ids, source = _ids(group)
    if group.nfo is not None:
        if group.nfo.title:
            others = [title, *others] if title else others
            title = group.nfo.title
        year = group.nfo.year or year
        if group.nfo.original_title:
            others.append(group.nfo.original_title)
    numbers = frozenset(
        (season, number)
        for file in group.files
        for season, number in (
            [(file.parsed.season, n) for n in file.parsed.episodes] if file.parsed.season is not None else ()
        )
        if season is not None
    )
    languages = tuple(dict.fromkeys(code for file in group.files for code in file.parsed.languages))
    return Guess(
        type=group.type,
        title=title,
        year=year,
        other_titles=tuple(dict.fromkeys(other for other in others if other and other != title)),
        ids=ids,
        ids_from=source,
        numbers=numbers,
        languages=languages,
        confidence=parsed.confidence.overall,
    )


def _ids(group: Group) -> tuple[Ids, str]:
    """Return the catalogue numbers that a person or program wrote down: in a name first, then in an NFO."""
    for file in group.files:
        parsed = file.parsed
        if parsed.tmdb_id or parsed.tvdb_id or parsed.imdb_id:
            return Ids(parsed.tmdb_id, parsed.tvdb_id, parsed.imdb_id), "The name"
    if group.nfo is not None and group.nfo.ids != Ids() and group.nfo.kind in (None, group.type):
        return group.nfo.ids, "The NFO file"
    return Ids(), ""


def _mark_owned(session: Session, library_path_id: str, groups: list[Group]) -> None:
    """Find out which folders hold one title only: these become the title's folder."""
    shares: dict[str, int] = {}
    for group in groups:
        shares[group.folder] = shares.get(group.folder, 0) + 1
    linked: dict[str, set[str]] = {}
    rows = session.execute(
        select(MediaFile.relative_path, MediaFile.media_item_id).where(
            MediaFile.library_path_id == library_path_id, MediaFile.media_item_id.is_not(None)
        )
    )
    for path, item_id in rows:
        for folder in _above(path):
            linked.setdefault(folder, set()).add(item_id or "")
    inner = {above for group in groups for above in _above(group.folder)}
    for group in groups:
        group.owns_folder = (
            bool(group.folder)
            and shares[group.folder] == 1
            and len(linked.get(group.folder, ())) <= 1
            and (group.type == "tv_show" or group.folder not in inner)
        )


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


# --- looking up ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Looked:
    """What is known about one group before it is settled."""

    choices: list[Choice] = field(default_factory=list)
    unanswered: bool = False
    """The provider would have been needed and did not answer."""


class Matcher:
    """One run of matching: what it has read once and asked once."""

    def __init__(
        self,
        database: Database,
        outside: Outside,
        config: Config,
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
            path = settings.get_library_path(session, library_path_id)
            self.path = path
            self.root = Path(path.path)
            self.language = path.language or str(settings.value(session, config, "metadata.language"))
            self.confident = int(str(settings.value(session, config, "library.match_confident_percent"))) / 100
            self.monitored = bool(settings.value(session, config, "media.monitor_by_default"))
            self._index = {type_: media.match_index(session, type_) for type_ in ("movie", "tv_show")}
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
                        InboxEntry.library_path_id == library_path_id, InboxEntry.state.in_(("done", "ignored"))
                    )
                )
            }
        self._searched: dict[tuple[object, ...], list[Candidate]] = {}
        self._looked: dict[int, _Looked] = {}

    @property
    def has_provider(self) -> bool:
        """Whether titles can be looked up at all."""
        return metadata.available(self.outside)

    def look_up(self, groups: Sequence[Group], pool: ThreadPoolExecutor) -> None:
        """Find the choices for some groups: the library's own titles, and where these are not sure the catalogue's."""
        with self.database.reads() as session:
            for group in groups:
                self._looked[id(group)] = _Looked(self._local(session, group))
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
        """Ask the catalogue: by number when there is one, else by name and year, without the year when that is empty."""
        source = self.path.provider
        if guess.ids != Ids():
            found = metadata.by_ids(self.outside, guess.type, guess.ids, language=self.language)
            if found:
                return found
        if not guess.title:
            return []
        found = metadata.search(
            self.outside, guess.type, guess.title, year=guess.year, language=self.language, source=source
        )
        if not found and guess.year is not None:
            found = metadata.search(self.outside, guess.type, guess.title, language=self.language, source=source)
        if not found and guess.other_titles:
            found = metadata.search(
                self.outside, guess.type, guess.other_titles[0], year=guess.year, language=self.language, source=source
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
            choice for candidate in found if not any(_share(choice_of(candidate).ids, ids) for ids in ours)
            for choice in (choice_of(candidate),)
        ]  # fmt: skip

    def _local(self, session: Session, group: Group) -> list[Choice]:
        guess = group.guess
        found: list[str] = []
        if (owner := self._folders.get((group.folder, group.type))) is not None:
            found.append(owner)
        if (by_ids := media.find_by_ids(session, group.type, guess.ids)) is not None:
            found.append(by_ids.id)
        index = self._index[group.type]
        for title in (guess.title, *guess.other_titles):
            for item_id, year in index.get(normalise_title(title), ()):
                if guess.year is None or year is None or abs(guess.year - year) <= 1:
                    found.append(item_id)
        return [self._own_choice(session, item_id, owner == item_id) for item_id in dict.fromkeys(found)]

    def _own_choice(self, session: Session, item_id: str, owns_folder: bool) -> Choice:
        item = get(session, MediaItem, item_id, what="This title")
        numbers = frozenset(media.episodes_by_number(session, item_id)) if item.type == "tv_show" else None
        return Choice(
            type=item.type,
            title=item.title,
            year=item.year,
            ids=Ids(item.tmdb_id, item.tvdb_id, item.imdb_id),
            other_titles=tuple(row.title for row in media.titles_of(session, item_id) if row.title != item.title),
            original_title=item.original_title,
            provider=item.provider,
            original_language=item.original_language,
            runtime_min=item.runtime_min,
            # A title whose details are not here yet knows no episodes; that says nothing against it.
            numbers=numbers or None,
            media_item_id=item.id,
            owns_folder=owns_folder,
        )

    # --- settling ----------------------------------------------------------------------------------------------------

    def settle(self, group: Group, report: MatchReport) -> None:
        """Link a group's files, or leave them to a person, or to later."""
        looked = self._looked.pop(id(group))
        if (entry := self._decided.get((group.folder, group.key))) is not None and self._follow(group, entry, report):
            return
        ranked = matching.rank(group.guess, looked.choices)
        verdict = matching.decide(group.guess, ranked, confident=self.confident)
        if verdict.state != "sure" and looked.unanswered:
            report.postponed += len(group.files)
            return
        if not self.has_provider and verdict.state != "sure":
            self._settle_without_provider(group, ranked, verdict, report)
            return
        if verdict.state == "needs_attention" and self.trouble is None:
            ranked, verdict = self._look_closer(group, ranked, verdict)
        if verdict.state == "sure" and verdict.best is not None:
            self._take(group, verdict.best, report)
        else:
            self._leave(group, ranked, verdict, report)

    def _follow(self, group: Group, entry: InboxEntry, report: MatchReport) -> bool:
        """Do with new files of a folder what a person decided for the earlier ones."""
        if entry.state == "ignored":
            with self.database.writes() as session:
                _set_state(session, [file.id for file in group.files], "ignored", entry.id)
            report.ignored += len(group.files)
            return True
        item_id = (entry.chosen or {}).get("media_item_id")
        with self.database.reads() as session:
            if item_id is None or session.get(MediaItem, item_id) is None:
                return False
            choice = self._own_choice(session, item_id, owns_folder=True)
        evidence = (Evidence("yes", "Somebody chose this title for the folder"),)
        self._take(group, Scored(choice, 1.0, evidence), report)
        return True

    def _look_closer(self, group: Group, ranked: list[Scored], verdict: Verdict) -> tuple[list[Scored], Verdict]:
        """Compare the length and the episodes of the closest candidates; only for what would wait otherwise."""
        guess = group.guess
        if guess.type == "movie" and guess.duration_s is None:
            biggest = max(group.files, key=lambda file: file.size_bytes)
            try:
                facts = self.outside.probe.probe(confine(self.root, biggest.path))
                guess = replace(guess, duration_s=facts.duration_s)
            except AdapterError:
                guess = replace(guess, duration_s=None)
            group.guess = guess
        closest = [one for one in ranked[:3] if one.score >= matching.NO_MATCH_BELOW]
        choices = []
        for scored in closest:
            choice = scored.choice
            known = choice.runtime_min is not None if guess.type == "movie" else choice.numbers is not None
            if not known:
                try:
                    choice = with_details(
                        choice,
                        metadata.details(
                            self.outside, choice.type, choice.ids, language=self.language, source=choice.provider
                        ),
                    )
                except NotFound:
                    continue
                except Unavailable as error:
                    self.trouble = self.trouble or error
                    return ranked, verdict
            choices.append(choice)
        again = matching.rank(guess, [*choices, *(one.choice for one in ranked[len(closest) :])])
        return again, matching.decide(guess, again, confident=self.confident)

    def _settle_without_provider(
        self, group: Group, ranked: list[Scored], verdict: Verdict, report: MatchReport
    ) -> None:
        if (title := clear_name(group)) is None:
            waits = Verdict(
                verdict.state if ranked else "no_match",
                verdict.best,
                "The name does not say clearly what this is, and no metadata source is set up to look it up.",
            )
            self._leave(group, ranked, waits, report)
            return
        guess = replace(group.guess, title=title)
        choice = Choice(guess.type, title, guess.year, guess.ids, provider="none")
        said = "an NFO file" if group.nfo is not None and group.nfo.title else "the names"
        self._take(group, Scored(choice, 0.9, (Evidence("yes", f"The title stands in {said}"),)), report)

    def _take(self, group: Group, scored: Scored, report: MatchReport) -> None:
        choice = scored.choice
        details, seasons = self._details_for(choice)
        with self.database.writes() as session:
            now = self.now_fn()
            before = choice.media_item_id
            item_id = before or self._add_item(session, now, group, choice, details, seasons)
            linked, unclear = link(session, self.caller, now, item_id, group, scored)
            if unclear:
                reason = "It is not clear which episode this is. Choose it."
                leave(session, now, replace_files(group, unclear), [scored], Verdict("needs_attention", scored, reason))
            refresh_holdings(session, now, item_id)
        report.matched += linked
        report.waiting += len(unclear)
        if before is None:
            report.titles_added += 1
            for title in {choice.title, group.guess.title}:
                if normalised := normalise_title(title):
                    self._index[choice.type].setdefault(normalised, []).append((item_id, choice.year))

    def _details_for(self, choice: Choice) -> tuple[Details | None, tuple[SeasonDetails, ...]]:
        """Fetch a new series' episodes before its files are linked: dates and absolute numbers need them.

        A film's details follow by themselves; a series whose details do not come now gets them later, too.
        """
        new_show = choice.type == "tv_show" and choice.media_item_id is None and choice.ids != Ids()
        if not new_show or not self.has_provider or self.trouble is not None:
            return None, ()
        try:
            return media.fetch(self.outside, "tv_show", choice.ids, language=self.language, source=choice.provider)
        except NotFound:
            return None, ()
        except Unavailable as error:
            self.trouble = self.trouble or error
            return None, ()

    def _add_item(
        self,
        session: Session,
        now: datetime,
        group: Group,
        choice: Choice,
        details: Details | None,
        seasons: tuple[SeasonDetails, ...],
    ) -> str:
        new = new_item(group, choice, self.path, monitored=self.monitored, details=details, seasons=seasons)
        try:
            return media.add_item(session, self.caller, now, new, search_now=False).id
        except media.AlreadyHere as error:
            return error.item_id

    def _leave(self, group: Group, ranked: Sequence[Scored], verdict: Verdict, report: MatchReport) -> None:
        with self.database.writes() as session:
            leave(session, self.now_fn(), group, ranked, verdict)
        report.waiting += len(group.files)


def replace_files(group: Group, files: list[NewFile]) -> Group:
    """Return a group of some of a group's files, under a key of its own."""
    return replace(group, files=files, key=f"{group.key} ?", owns_folder=False)


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
    """Return what is told to the media context to add a title for a group."""
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
    """Return the title of a group whose names leave no doubt, for installations that ask nobody; None otherwise.

    A film is clear with a year or an NFO, a series with numbers or dates on its files.
    """
    guess = group.guess
    if not guess.title:
        return None
    if group.nfo is not None and group.nfo.title:
        return guess.title
    if group.type == "movie":
        return guess.title if guess.year is not None else None
    numbered = any(
        (file.parsed.season is not None and file.parsed.episodes) or file.parsed.air_on or file.parsed.absolute_episodes
        for file in group.files
    )
    return guess.title if numbered else None


def choice_of(candidate: Candidate) -> Choice:
    """Return a search's answer as a choice."""
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
    """Return a choice with what only the details tell: the length, the episodes, other names."""
    numbers: frozenset[tuple[int, int]] | None = None
    if details.type == "tv_show" and details.seasons:
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
        numbers=numbers,
        ids=details.ids,
        other_titles=tuple(dict.fromkeys((*choice.other_titles, *(other.title for other in details.titles)))),
    )


def _share(one: Ids, other: Ids) -> bool:
    pairs = ((one.tmdb_id, other.tmdb_id), (one.tvdb_id, other.tvdb_id), (one.imdb_id, other.imdb_id))
    return any(a is not None and a == b for a, b in pairs)


# --- linking ---------------------------------------------------------------------------------------------------------


def link(
    session: Session,
    caller: Caller,
    now: datetime,
    item_id: str,
    group: Group,
    scored: Scored,
    *,
    episode_map: dict[str, list[str]] | None = None,
    lock: bool = False,
) -> tuple[int, list[NewFile]]:
    """Link a group's files to a title and return (how many were, those whose episode is not clear).

    Args:
        episode_map: File id -> episode ids that a person chose; files that are not in it are read from their names.
        lock: A person chose: no scan changes it.

    Emits: FileMatched.
    """
    item = get(session, MediaItem, item_id, what="This title")
    version = media.default_version(session, item_id)
    sentences = [one.text for one in scored.evidence if one.verdict != "no"]
    episodes: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    unclear: list[NewFile] = []
    for file in group.files:
        if item.type == "tv_show":
            chosen = (episode_map or {}).get(file.id)
            ids = chosen if chosen is not None else _episodes_of(session, now, item_id, file)
            if not ids:
                unclear.append(file)
                continue
            part = file.parsed.part if file.parsed.is_split_episode else None
            episodes += [{"file_id": file.id, "episode_id": id_, "part": part} for id_ in dict.fromkeys(ids)]
        rows.append(_linked(file, item_id, version.id, scored.score, sentences))
    changed = [row["id"] for row in rows]
    for some in batched(changed, 500, strict=False):
        session.execute(delete(FileEpisode).where(FileEpisode.file_id.in_(some)))
    if rows:
        session.execute(update(MediaFile), rows)
    if episodes:
        session.execute(insert(FileEpisode), episodes)
    for file in group.files:
        if file not in unclear:
            emit(session, caller, FileMatched(item_id, file.id, shown(file.path), scored.score, sentences), at=now)
    changes: dict[str, Any] = {}
    if item.folder is None and group.owns_folder and rows and item.library_path_id in (None, group.library_path_id):
        changes["folder"] = group.folder
    if lock and not item.match_locked:
        changes["match_locked"] = True
    if changes:
        media.change_item(session, caller, now, item_id, changes)
    return len(rows), unclear


def _linked(file: NewFile, item_id: str, version_id: str, score: float, sentences: list[str]) -> dict[str, Any]:
    return {
        "id": file.id,
        "media_item_id": item_id,
        "version_id": version_id,
        "match_state": "matched",
        "match_score": score,
        "match_evidence": sentences,
        "inbox_id": None,
        **name_columns(file.parsed, file.path),
    }


def name_columns(parsed: ParsedRelease, path: str) -> dict[str, Any]:
    """Return what a name says as columns of `media_files`."""
    quality = named_quality(parsed)
    return {
        "quality": quality.to_json(),
        "quality_name": quality.name,
        "edition": parsed.editions[0] if parsed.editions else parsed.edition,
        "languages": [code for code in parsed.languages if code != "original"],
        "release_name": shown(path.rpartition("/")[2]).rpartition(".")[0] or None,
        "release_group": parsed.release_group,
    }


def named_quality(parsed: ParsedRelease) -> Quality:
    """Return the quality that a name states; what the parser assumed from the file's ending is left out."""
    if parsed.confidence.quality > _QUALITY_ASSUMED:
        return parsed.quality
    resolution = parsed.quality.resolution if "quality" in parsed.spans else None
    return Quality(Source.UNKNOWN, resolution, revision=parsed.quality.revision)


def _episodes_of(session: Session, now: datetime, item_id: str, file: NewFile) -> list[str]:
    """Return the episodes that a file's name or NFO speaks of; those that no provider knows are made: the file proves them."""
    parsed = file.parsed
    numbers = [(parsed.season, number) for number in parsed.episodes] if parsed.season is not None else []
    if file.nfo is not None and file.nfo.episodes and not numbers:
        numbers = list(file.nfo.episodes)
    title = parsed.episode_title or (file.nfo.title if file.nfo is not None and file.nfo.kind == "episode" else None)
    aired = parsed.air_on or (file.nfo.air_on if file.nfo is not None and file.nfo.kind == "episode" else None)
    if numbers:
        single = len(numbers) == 1
        return [
            media.ensure_episode(
                session, now, item_id, season, number, title=title if single else None, air_on=aired if single else None
            ).id
            for season, number in numbers
            if season is not None
        ]
    if parsed.air_on is not None:
        if found := media.find_episodes(session, item_id, air_on=parsed.air_on):
            return [ref.id for ref in found]
        # No provider knows this day: daily shows without one are numbered by year and day.
        day = parsed.air_on
        made = media.ensure_episode(session, now, item_id, day.year, day.month * 100 + day.day, title=title, air_on=day)
        return [made.id]
    if parsed.absolute_episodes:
        if found := media.find_episodes(session, item_id, absolute=parsed.absolute_episodes):
            return [ref.id for ref in found]
        if not media.episodes_by_number(session, item_id):
            return [media.ensure_episode(session, now, item_id, 1, n, title=title).id for n in parsed.absolute_episodes]
    return []


# --- leaving to a person -----------------------------------------------------------------------------------------------


def leave(session: Session, now: datetime, group: Group, ranked: Sequence[Scored], verdict: Verdict) -> InboxEntry:
    """Put a group into the review, or bring its entry up to date; what a person decided there stays."""
    entry = session.scalars(
        select(InboxEntry).where(
            InboxEntry.library_path_id == group.library_path_id,
            InboxEntry.folder == group.folder,
            InboxEntry.group_key == group.key,
        )
    ).first()
    if entry is None:
        entry = InboxEntry(
            library_path_id=group.library_path_id,
            folder=group.folder,
            group_key=group.key,
            type=group.type,
            title=group.name,
            created_at=now,
            updated_at=now,
        )
        session.add(entry)
    entry.type, entry.title, entry.year = group.type, group.name, group.guess.year
    entry.state = "ready" if verdict.state == "sure" else verdict.state
    entry.reason = verdict.reason
    entry.candidates = [one.to_json() for one in ranked[:_CANDIDATES_KEPT]]
    entry.parsed = _parsed_json(group)
    entry.chosen = entry.decided_by = entry.decided_at = None
    entry.updated_at = now
    session.flush()
    _set_state(session, [file.id for file in group.files], "waiting", entry.id)
    count_entry(session, entry)
    return entry


def count_entry(session: Session, entry: InboxEntry) -> None:
    """Count the files that wait in an entry."""
    sizes = session.scalars(select(MediaFile.size_bytes).where(MediaFile.inbox_id == entry.id)).all()
    entry.files_count, entry.size_bytes = len(sizes), sum(sizes)


def _set_state(session: Session, file_ids: Iterable[str], state: str, inbox_id: str | None) -> None:
    for part in batched(file_ids, 500, strict=False):
        session.execute(
            update(MediaFile)
            .where(MediaFile.id.in_(part))
            .values(match_state=state, inbox_id=inbox_id, media_item_id=None, version_id=None)
        )
        session.execute(delete(FileEpisode).where(FileEpisode.file_id.in_(part)))


def _parsed_json(group: Group) -> dict[str, Any]:
    return {
        "other_titles": list(group.guess.other_titles),
        "ids": {
            "tmdb_id": group.guess.ids.tmdb_id,
            "tvdb_id": group.guess.ids.tvdb_id,
            "imdb_id": group.guess.ids.imdb_id,
        },
        "confidence": round(group.guess.confidence, 3),
        "duration_s": group.guess.duration_s,
        "owns_folder": group.owns_folder,
        "files": [
            {
                "id": file.id,
                "path": shown(file.path),
                "size_bytes": file.size_bytes,
                "season": file.parsed.season,
                "episodes": list(file.parsed.episodes),
                "absolute": list(file.parsed.absolute_episodes),
                "air_on": file.parsed.air_on.isoformat() if file.parsed.air_on else None,
                "quality": quality_of(named_quality(file.parsed).to_json(), None).name,
                "languages": list(file.parsed.languages),
                "release_group": file.parsed.release_group,
            }
            for file in group.files[:_FILES_SHOWN]
        ],
    }
