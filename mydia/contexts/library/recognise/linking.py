"""Link files to a title and its episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import replace
from datetime import datetime
from itertools import batched
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from mydia.adapters.filesystem import shown
from mydia.contexts import media
from mydia.contexts.library.holdings import quality_of
from mydia.contexts.library.models import FileEpisode, MediaFile
from mydia.contexts.library.reasons import ReviewReason
from mydia.contexts.library.recognise.groups import Group, NewFile
from mydia.contexts.library.recognise.matching import Scored
from mydia.contexts.library.words import MatchState
from mydia.contexts.media import MediaItem, numbering
from mydia.contexts.users import Caller
from mydia.errors import NotFound
from mydia.events import Event, FileMatched, emit_all
from mydia.parsing import ParsedRelease, Quality, Source
from mydia.vocabulary import MediaType

_QUALITY_ASSUMED = 0.5
"""At this confidence or below, the parser guessed the source from the file extension."""


class Unclear(msgspec.Struct, frozen=True, kw_only=True):
    """A file whose episode is unclear."""

    file: NewFile
    doubt: numbering.Doubt
    likely: tuple[str, ...] = ()
    """Ids of the episodes to offer first."""


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """The result of linking a group's files."""

    files: int
    unclear: tuple[Unclear, ...] = ()


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A group with the title to link its files to."""

    item_id: str
    group: Group
    scored: Scored
    episode_map: Mapping[str, Sequence[str]] = msgspec.field(default_factory=dict)
    """File id -> episode ids that a user chose. For other files the name decides."""
    lock: bool = False
    """A user chose the title, so scans do not change it."""


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file with the title, version and episodes to link it to."""

    file_id: str
    media_item_id: str
    version_id: str
    episode_ids: Sequence[str] = ()
    part: int | None = None
    columns: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """More columns of `media_files` to set."""


def link(session: Session, caller: Caller, now: datetime, match: Match) -> Linked:
    """Link a group's files to a title; see `link_all`.

    Raises:
        NotFound: The title was removed.

    Emits: FileMatched.
    """
    (linked,) = link_all(session, caller, now, [match])
    if linked is None:
        raise NotFound("This title is no longer in the library.")
    return linked


def link_all(session: Session, caller: Caller, now: datetime, matches: Sequence[Match]) -> list[Linked | None]:
    """Link the files of groups to their titles, in the version that their library folder is for.

    For films, the number of statements does not depend on the number of groups. Files whose episode is not clear are returned and
    stay as they are. The result of a group whose title was removed meanwhile is None.

    Emits: FileMatched.
    """
    item_ids = list(dict.fromkeys(match.item_id for match in matches))
    items = {item.id: item for item in session.scalars(select(MediaItem).where(MediaItem.id.in_(item_ids)))}
    versions = media.versions.versions_of(session, items)
    resolutions = _resolutions(session, [file.id for match in matches for file in match.group.files])
    attachments: list[Attachment] = []
    events: list[Event] = []
    results: list[Linked | None] = []
    for match in matches:
        item, group = items.get(match.item_id), match.group
        if item is None:
            results.append(None)
            continue
        version = media.versions.version_for(versions[item.id], group.library_path_id).id
        evidence = [one.because.to_json() for one in match.scored.evidence if one.verdict != "no"]
        placed, unclear = _episodes_of_files(session, caller, now, item, match)
        for file, episode_ids in placed:
            facts = name_columns(file.parsed, file.path, resolutions.get(file.id))
            attachments.append(
                Attachment(
                    file_id=file.id,
                    media_item_id=item.id,
                    version_id=version,
                    episode_ids=episode_ids,
                    part=file.parsed.part if file.parsed.is_split_episode else None,
                    columns={"match_score": match.scored.score, "match_evidence": evidence, **facts},
                )
            )
            events.append(
                FileMatched(
                    media_item_id=item.id,
                    file_id=file.id,
                    relative_path=shown(file.path),
                    score=match.scored.score,
                    evidence=evidence,
                )
            )
        results.append(Linked(files=len(placed), unclear=tuple(unclear)))
    attach_files(session, attachments)
    emit_all(session, caller, events, at=now)
    for match, linked in zip(matches, results, strict=True):
        if linked is not None and (changes := _changes_of(items[match.item_id], match, linked)):
            media.change_item(session, caller, now, match.item_id, changes)
    return results


def _resolutions(session: Session, file_ids: Sequence[str]) -> dict[str, int | None]:
    return {
        row[0]: row[1]
        for part in batched(file_ids, 500, strict=False)
        for row in session.execute(select(MediaFile.id, MediaFile.resolution).where(MediaFile.id.in_(part)))
    }


def _episodes_of_files(
    session: Session, caller: Caller, now: datetime, item: MediaItem, match: Match
) -> tuple[list[tuple[NewFile, Sequence[str]]], list[Unclear]]:
    """Return the files of a group with their episodes, and those whose episode is not clear."""
    group = match.group
    if item.type != MediaType.TV_SHOW:
        return [(file, ()) for file in group.files], []
    series = media.episodes.series_numbers(session, caller, item.id)
    if match.scored.by_id or match.lock:
        series = replace(series, year=None)
    meant = [
        (file, match.episode_map.get(file.id) or _meaning_of(file, series, _beside(group, file)))
        for file in group.files
    ]
    unlisted = [
        one
        for file, found in meant
        if isinstance(found, numbering.Meaning) and found.doubt is None
        for one in _unlisted(file, found)
    ]
    added = media.episodes.ensure_episodes(session, now, item.id, unlisted)
    placed: list[tuple[NewFile, Sequence[str]]] = []
    unclear: list[Unclear] = []
    for file, found in meant:
        if not isinstance(found, numbering.Meaning):
            placed.append((file, found))
        elif found.doubt is not None:
            unclear.append(Unclear(file=file, doubt=found.doubt, likely=tuple(one.id for one in found.likely)))
        else:
            placed.append((file, [*(one.id for one in found.episodes), *(added[place] for place in found.unlisted)]))
    return placed, unclear


def _changes_of(item: MediaItem, match: Match, linked: Linked) -> dict[str, Any]:
    group = match.group
    changes: dict[str, Any] = {}
    own_library = item.library_path_id in (None, group.library_path_id)
    if item.folder is None and group.owns_folder and linked.files and own_library:
        changes["folder"] = group.folder
    if match.lock and not item.match_locked:
        changes["match_locked"] = True
    return changes


def attach_files(session: Session, attachments: Sequence[Attachment]) -> None:
    """Link many files to titles in a few statements; earlier links are replaced."""
    for part in batched([one.file_id for one in attachments], 500, strict=False):
        session.execute(delete(FileEpisode).where(FileEpisode.file_id.in_(part)))
    rows = [
        {
            "id": one.file_id,
            "media_item_id": one.media_item_id,
            "version_id": one.version_id,
            "match_state": MatchState.MATCHED,
            "inbox_id": None,
            **one.columns,
        }
        for one in attachments
    ]
    for columns in {frozenset(row) for row in rows}:
        session.execute(update(MediaFile), [row for row in rows if frozenset(row) == columns])
    episodes = [
        {"file_id": one.file_id, "episode_id": episode_id, "part": one.part}
        for one in attachments
        for episode_id in dict.fromkeys(one.episode_ids)
    ]
    if episodes:
        session.execute(insert(FileEpisode), episodes)


def name_columns(parsed: ParsedRelease, path: str, resolution: int | None) -> dict[str, Any]:
    """Return the facts of a name as columns of `media_files`.

    Args:
        resolution: From analysis, which overrides the name's; None before analysis.
    """
    quality = quality_of(named_quality(parsed).to_json(), resolution)
    return {
        "quality": quality.to_json(),
        "quality_name": quality.name,
        "edition": parsed.editions[0] if parsed.editions else parsed.edition,
        "languages": [code for code in parsed.languages if code != "original"],
        "release_name": shown(path.rpartition("/")[2]).rpartition(".")[0] or None,
        "release_group": parsed.release_group,
    }


def named_quality(parsed: ParsedRelease) -> Quality:
    """Return the quality stated in a name, without what the parser assumed from the file extension."""
    if parsed.confidence.quality > _QUALITY_ASSUMED:
        return parsed.quality
    resolution = parsed.quality.resolution if "quality" in parsed.spans else None
    return Quality(Source.UNKNOWN, resolution, revision=parsed.quality.revision)


def doubt_facts(unclear: Unclear, item: MediaItem) -> tuple[ReviewReason, dict[str, Any]]:
    """Return why a file's episode must be chosen, with the facts of the sentence."""
    parsed = unclear.file.parsed
    numbers = parsed.absolute_episodes or parsed.episodes or parsed.special_absolute_episodes
    season = parsed.marked_season if parsed.marked_season is not None else parsed.season
    number = f"{numbers[0]:g}" if numbers else "?"
    facts: dict[str, Any] = {
        "title": item.title,
        "season": season,
        "number": f"S{season:02}E{number:>02}" if season is not None and parsed.episodes else number,
        "day": None if parsed.air_on is None else parsed.air_on.isoformat(),
        "year": parsed.year,
        "started": item.year,
    }
    return ReviewReason(unclear.doubt.value), facts


def _beside(group: Group, file: NewFile) -> frozenset[int]:
    """Return the numbers of the group's other files of the same season, which show how they are counted."""
    season = file.parsed.marked_season
    if season is None:
        return frozenset()
    return frozenset(
        number
        for other in group.files
        if other.parsed.marked_season == season
        for number in other.parsed.absolute_episodes
    )


def _meaning_of(file: NewFile, series: numbering.SeriesNumbers, beside: frozenset[int]) -> numbering.Meaning:
    """Return the episodes of a file's name or NFO. Those that no provider lists count too, because the file proves them."""
    parsed, nfo = file.parsed, file.nfo
    if parsed.is_season_pack and not parsed.episodes and not parsed.absolute_episodes:
        meaning = numbering.Meaning(doubt=numbering.Doubt.NO_NUMBER)  # a whole season in one file
    else:
        meaning = numbering.meant_episodes(parsed, series, beside=beside)
    if meaning.doubt is not None and nfo is not None and nfo.episodes:
        listed = {(one.season_number, one.episode_number): one for one in series.episodes}
        known = tuple(listed[place] for place in nfo.episodes if place in listed)
        meaning = numbering.Meaning(
            episodes=known, unlisted=tuple(place for place in nfo.episodes if place not in listed)
        )
    if (
        meaning.doubt is numbering.Doubt.NO_SUCH_DATE
        and parsed.air_on
        and not any(one.air_on for one in series.episodes)
    ):
        # Daily shows without a provider are numbered by year and day.
        day = parsed.air_on
        meaning = numbering.Meaning(unlisted=((day.year, day.month * 100 + day.day),))
    return meaning


def _unlisted(file: NewFile, meaning: numbering.Meaning) -> list[media.episodes.NewEpisode]:
    parsed, nfo = file.parsed, file.nfo if file.nfo is not None and file.nfo.kind == "episode" else None
    single = len(meaning.unlisted) == 1 and not meaning.episodes
    title = parsed.episode_title or (nfo.title if nfo is not None else None)
    aired = parsed.air_on or (nfo.air_on if nfo is not None else None)
    return [
        media.episodes.NewEpisode(
            season_number=season,
            episode_number=number,
            title=title if single else None,
            air_on=aired if single else None,
        )
        for season, number in meaning.unlisted
    ]
