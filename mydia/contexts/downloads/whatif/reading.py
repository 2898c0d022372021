"""Reads what a dry run needs, a few hundred versions at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import msgspec
from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from mydia.contexts import library, media
from mydia.contexts.downloads.decisions.candidate import ASSUMED_EPISODE_MIN, ASSUMED_FILM_MIN
from mydia.contexts.downloads.models import Release, Search, SearchCause
from mydia.contexts.downloads.whatif.compare import Offer, Present, Wanted
from mydia.contexts.settings import Profile, formats
from mydia.parsing import Quality
from mydia.vocabulary import MediaType

AT_ONCE = 500
"""Versions that are read at once."""

# Rules that depend on the profile; all other objections stay as they were stored.
BY_PROFILE = frozenset(
    {
        "quality-not-wanted",
        "score-below-minimum",
        "language-not-wanted",
        "size-min",
        "size-max",
        "already-have-better",
        "upgrade-not-allowed",
        "goal-reached",
        # These depend on the files, which may have changed since the search.
        "already-imported",
        "in-queue-better",
        "repack",
        "anime-version",
    }
)
_RULE = re.compile(r'"reason": ?"([^"]+)"')


def versions_using(session: Session, profile_id: str) -> list[tuple[str, str]]:
    """Return (version, title) of everything that uses a profile."""
    rows = session.execute(
        select(media.Version.id, media.Version.media_item_id)
        .where(media.Version.profile_id == profile_id)
        .order_by(media.Version.id)
    )
    return [(version_id, item_id) for version_id, item_id in rows]


def read_versions(
    session: Session, profiles: tuple[Profile, Profile], versions: Sequence[tuple[str, str]]
) -> Iterator[Wanted]:
    """Return the files and the last search of versions."""
    item_ids = list({item_id for _, item_id in versions})
    items = {
        row.id: row
        for row in session.execute(
            select(
                media.MediaItem.id,
                media.MediaItem.title,
                media.MediaItem.year,
                media.MediaItem.type,
                media.MediaItem.runtime_min,
                media.MediaItem.original_language,
            ).where(media.MediaItem.id.in_(item_ids))
        )
    }
    held = library.holdings.held_by_item(session, item_ids)
    rescored = profiles[0].scores != profiles[1].scores
    matched = library.scoring.matched_formats(session, item_ids) if rescored else {}
    found = _offers(session, profiles, [version_id for version_id, _ in versions], items)
    for version_id, item_id in versions:
        item = items[item_id]
        assumed = ASSUMED_FILM_MIN if item.type is MediaType.MOVIE else ASSUMED_EPISODE_MIN
        yield Wanted(
            item_id=item_id,
            title=f"{item.title} ({item.year})" if item.year else item.title,
            type=item.type,
            runtime_min=item.runtime_min or assumed,
            original_language=item.original_language,
            files=tuple(
                Present(
                    quality=file.quality,
                    size_bytes=file.size_bytes,
                    episode_ids=file.episode_ids,
                    scores=_scores(profiles, matched.get(file.file_id, ()), file.format_score, rescored=rescored),
                )
                for file in held[item_id]
                if file.version_id == version_id and not file.faulty
            ),
            offers=tuple(found[version_id].offers) if version_id in found else (),
            others=found[version_id].others if version_id in found else 0,
            searched=version_id in found,
        )


def _scores(profiles: tuple[Profile, Profile], ids: Sequence[str], stored: int, *, rescored: bool) -> tuple[int, int]:
    if not rescored:
        return stored, stored
    before, after = (sum(profile.scores.get(id, 0) for id in ids) for profile in profiles)
    return before, after


def _offers(
    session: Session, profiles: tuple[Profile, Profile], version_ids: Sequence[str], items: Mapping[str, Any]
) -> dict[str, _Found]:
    newest: dict[str, str] = {
        search_id: version_id or ""
        for search_id, version_id in session.execute(
            select(func.max(Search.id), Search.version_id)
            .where(Search.version_id.in_(version_ids), Search.cause != SearchCause.RSS)
            .group_by(Search.version_id)
        )
    }
    # JSON is read as text: most releases share the same few qualities and formats, so each is decoded once.
    rows = session.execute(
        select(
            Release.search_id,
            Release.media_item_id,
            Release.title,
            Release.size_bytes,
            Release.format_score,
            cast(Release.quality, Text),
            cast(Release.formats, Text),
            cast(Release.objections, Text),
            cast(Release.preference, Text),
            cast(Release.episode_ids, Text),
            cast(Release.parsed, Text),
        )
        .where(Release.search_id.in_(list(newest)))
        .order_by(Release.search_id, Release.position)
    )
    found = {version_id: _Found() for version_id in newest.values()}
    scores_of = lru_cache(maxsize=None)(partial(_scores_of, profiles))
    for search_id, item_id, title, size, score, quality, matched, objections, preference, episodes, parsed in rows:
        here = found[newest[search_id or ""]]
        if objections != "[]" and any(rule not in BY_PROFILE for rule in _RULE.findall(objections)):
            here.others += 1
            continue
        item = items.get(item_id or "")
        here.offers.append(
            Offer(
                title=title,
                quality=_quality(quality),
                size_bytes=size,
                episode_ids=_episodes(episodes),
                is_pack='"season_pack"' in parsed,
                # A score that no format explains stays as it was stored.
                scores=(score, score) if matched == "[]" else scores_of(matched),
                languages=_languages(parsed, item.original_language if item else None),
                preference=preference,
            )
        )
    return found


class _Found(msgspec.Struct):
    """What the last search of a version found."""

    offers: list[Offer] = []
    others: int = 0


class _Matched(msgspec.Struct, frozen=True):
    id: str


_MATCHED = msgspec.json.Decoder(list[_Matched])


def _scores_of(profiles: tuple[Profile, Profile], matched: str) -> tuple[int, int]:
    """Return the scores of the formats in `Release.formats`, in both profiles."""
    ids = [one.id for one in _MATCHED.decode(matched)]
    before, after = (sum(profile.scores.get(id, 0) for id in ids) for profile in profiles)
    return before, after


@lru_cache(maxsize=4096)
def _quality(text: str) -> Quality:
    return Quality.from_json(json.loads(text))


@lru_cache(maxsize=4096)
def _episodes(text: str) -> frozenset[str]:
    return frozenset(map(str, json.loads(text)))


_LANGUAGES = re.compile(r'"languages": ?(\[[^\]]*\])')


def _languages(parsed: str, original: str | None) -> frozenset[str]:
    match = _LANGUAGES.search(parsed)
    return _spoken(match[1] if match else "[]", original)


@lru_cache(maxsize=4096)
def _spoken(text: str, original: str | None) -> frozenset[str]:
    stated = [str(one) for one in json.loads(text)]
    known = [one for one in stated if one in formats.LANGUAGES] or formats.subjects.codes_of(stated)
    return formats.subjects.spoken(known, original)
