"""The plain dictionary form of a parsed name."""

from __future__ import annotations

from typing import Any

from mydia.parsing import paths
from mydia.parsing.folders import read_path
from mydia.parsing.grading import corpus_source
from mydia.parsing.reading import read
from mydia.parsing.release import ParsedRelease


def parse(name: str, hint: str | None = None) -> dict[str, Any] | None:
    """Return the plain dictionary form of a name or path, or None for an empty name.

    For a refused name only the quality fields are returned, together with `"parsed": False`.
    """
    if not name.strip():
        return None
    release, refusal = read_path(name, None, hint) if paths.is_path(name) else read(name, hint)
    return as_dict(release, refused=refusal is not None)


def as_dict(release: ParsedRelease, *, refused: bool) -> dict[str, Any]:
    """Return the dictionary form; for a refused name without identity fields and with `parsed: False`."""
    quality = release.quality
    plain: dict[str, Any] = {
        "quality_source": corpus_source(quality),
        "resolution": quality.resolution,
        "revision_version": quality.revision.version,
        "revision_real": quality.revision.real,
        "is_repack": quality.revision.is_repack,
        "languages": list(release.languages),
        "subtitle_languages": list(release.subtitle_languages),
        "subtitle_language": release.subtitle_language,
        "subtitle_tags": list(release.subtitle_tags),
        "subtitle_title": release.subtitle_title,
        "hardcoded_subs": release.hardcoded_subs,
        "release_group": release.release_group,
        "hash": release.hash,
        "edition": release.edition or (", ".join(release.editions) or None),
        "imdb_id": release.imdb_id,
        "tmdb_id": release.tmdb_id,
        "tvdb_id": release.tvdb_id,
        "video_codec": release.video_codec,
        "audio_codec": list(release.audio_codecs),
        "audio_channels": release.audio_channels,
        "container": release.container,
        "streaming_service": release.streaming_service,
        "website": release.website,
        "hdr": list(release.hdr),
    }
    if refused:
        return {**plain, "parsed": False}
    return {
        **plain,
        "type": release.type,
        "title": release.title,
        "alternative_titles": list(release.alternative_titles),
        "year": release.year,
        "season": list(release.seasons) if len(release.seasons) > 1 else release.season,
        "episodes": list(release.episodes),
        "absolute_episodes": list(release.absolute_episodes),
        "special_absolute_episodes": list(release.special_absolute_episodes),
        "air_date": release.air_on.isoformat() if release.air_on else None,
        "part": release.part,
        "full_season": release.full_season,
        "is_multi_season": release.is_multi_season,
        "is_season_extra": release.is_season_extra,
        "is_special": release.is_special,
        "is_split_episode": release.is_split_episode,
        "episode_title": release.episode_title,
    }
