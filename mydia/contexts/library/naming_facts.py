"""Convert rows to the values that `naming` uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mydia.contexts.library import naming
from mydia.contexts.media import EpisodeRef, MediaItem
from mydia.contexts.settings import NamingSet
from mydia.parsing import Quality


def rules_of(row: NamingSet) -> naming.NamingRules:
    """Return a naming set as the value that `naming` uses."""
    return naming.NamingRules(
        rename=row.rename,
        movie_folder=row.movie_folder,
        movie_file=row.movie_file,
        series_folder=row.series_folder,
        season_folder=row.season_folder,
        specials_folder=row.specials_folder,
        episode_file=row.episode_file,
        daily_file=row.daily_file,
        anime_file=row.anime_file,
        multi_episode_style=row.multi_episode_style,
        colon_replacement=row.colon_replacement,
        replace_illegal=row.replace_illegal,
    )


def naming_facts(
    item: MediaItem,
    episodes: Sequence[EpisodeRef],
    columns: dict[str, Any],
    extension: str,
    *,
    suffix: str | None = None,
) -> naming.NamingFacts:
    """Return the facts that a file's name can contain.

    Args:
        columns: Columns of `media_files`, of an existing or future row.
    """
    quality = Quality.from_json(columns["quality"]) if columns.get("quality") else Quality()
    ordered = sorted(episodes, key=lambda ref: (ref.season_number, ref.episode_number))
    streams = columns.get("streams") or {}
    spoken = [track.get("language") for track in streams.get("audio", ())] or list(columns.get("languages") or ())
    return naming.NamingFacts(
        title=_without_year(item.title, item.year),
        extension=extension,
        year=item.year,
        original_title=item.original_title,
        tmdb_id=item.tmdb_id,
        tvdb_id=item.tvdb_id,
        imdb_id=item.imdb_id,
        certification=item.certification,
        collection=((item.metadata_json or {}).get("collection") or {}).get("name"),
        quality=None if quality.name == "Unknown" else quality.name,
        proper=_proper(quality),
        real="REAL" if quality.revision.real else None,
        edition=columns.get("edition"),
        release_group=columns.get("release_group"),
        release_name=columns.get("release_name"),
        video_codec=columns.get("video_codec"),
        bit_depth=columns.get("bit_depth"),
        hdr=columns.get("hdr_format"),
        audio_codec=columns.get("audio_codec"),
        audio_channels=columns.get("audio_channels"),
        audio_languages=tuple(dict.fromkeys(code for code in spoken if code)),
        subtitle_languages=tuple(
            dict.fromkeys(track["language"] for track in streams.get("subtitles", ()) if track.get("language"))
        ),
        series_type=item.series_type or "standard",
        season=ordered[0].season_number if ordered else None,
        episodes=tuple(ref.episode_number for ref in ordered),
        absolute=tuple(ref.absolute_number for ref in ordered if ref.absolute_number is not None),
        air_on=ordered[0].air_on if ordered else None,
        episode_titles=tuple(ref.title for ref in ordered if ref.title),
        custom_formats=tuple(columns.get("custom_formats") or ()),
        version_suffix=suffix,
    )


def _without_year(title: str, year: int | None) -> str:
    """Return a title without its year at the end: TheTVDB names a series `Castle (2009)`."""
    return title if year is None else title.removesuffix(f"({year})").rstrip() or title


def _proper(quality: Quality) -> str | None:
    if quality.revision.version <= 1:
        return None
    return "Repack" if quality.revision.is_repack else "Proper"
