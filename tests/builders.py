"""One builder for each table, with sensible defaults as keyword arguments."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from mydia.adapters.metadata_providers.base import Details, EpisodeDetails, Ids, OtherTitle, SeasonDetails
from mydia.contexts import media, settings
from mydia.contexts.library.holdings import refresh_holdings
from mydia.contexts.library.models import FileEpisode, MediaFile
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM
from mydia.parsing import Quality

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def library_path(session: Session, path: Path | str, type: str = "movies", **choices: Any) -> LibraryPath:
    """A library folder; the folder is created on disk, because a scan refuses a missing one."""
    Path(path).mkdir(parents=True, exist_ok=True)
    settings.ensure_defaults(session, NOW)
    new = settings.NewLibraryPath(path=str(path), type=type, **choices)
    return settings.library_paths.add_library_path(session, SYSTEM, NOW, new)


def film(
    session: Session,
    title: str = "Night of the Living Dead",
    year: int | None = 1968,
    *,
    tmdb_id: int | None = 10331,
    imdb_id: str | None = None,
    library_path_id: str | None = None,
    now: datetime = NOW,
    search_now: bool = False,
    **choices: Any,
) -> media.MediaItem:
    """A film in the library."""
    settings.ensure_defaults(session, now)
    new = media.NewItem(
        type="movie",
        title=title,
        year=year,
        ids=Ids(tmdb_id, None, imdb_id),
        library_path_id=library_path_id,
        **choices,
    )
    return media.add_item(session, SYSTEM, now, new, search_now=search_now)


def show(
    session: Session,
    title: str = "Pioneer One",
    year: int | None = 2010,
    *,
    tmdb_id: int | None = 32340,
    tvdb_id: int | None = None,
    seasons: dict[int, int] | None = None,
    library_path_id: str | None = None,
    now: datetime = NOW,
    search_now: bool = False,
    **choices: Any,
) -> media.MediaItem:
    """A series with episodes. `seasons`: number -> how many episodes, aired weekly from the series' year on."""
    settings.ensure_defaults(session, now)
    told = show_details(title, year, tmdb_id=tmdb_id, tvdb_id=tvdb_id, seasons=seasons or {1: 6})
    new = media.NewItem(
        type="tv_show",
        title=title,
        year=year,
        ids=told.ids,
        library_path_id=library_path_id,
        details=told,
        seasons=told.seasons,
        **choices,
    )
    return media.add_item(session, SYSTEM, now, new, search_now=search_now)


def media_file(
    session: Session,
    path: LibraryPath,
    relative_path: str,
    *,
    item: media.MediaItem | None = None,
    episode_ids: tuple[str, ...] = (),
    quality: Quality | str = "Bluray-1080p",
    **columns: Any,
) -> MediaFile:
    """A file in the database, linked to `item` if given. Size and inode are read from the disk."""
    on_disk = Path(path.path) / relative_path
    facts = on_disk.stat() if on_disk.exists() else None
    held = Quality.from_name(quality) if isinstance(quality, str) else quality
    values: dict[str, Any] = {
        "size_bytes": facts.st_size if facts else 1_000_000,
        "mtime_ns": facts.st_mtime_ns if facts else 1,
        "inode": facts.st_ino if facts else 1,
        "device": facts.st_dev if facts else 1,
        "match_state": "matched" if item is not None else "new",
        "media_item_id": None if item is None else item.id,
        "version_id": None if item is None else media.versions.default_version(session, item.id).id,
        "quality": held.to_json(),
        "quality_name": held.name,
        "resolution": held.resolution,
        "added_at": NOW,
        "verified_at": NOW,
    }
    row = MediaFile(library_path_id=path.id, relative_path=relative_path, **(values | columns))
    session.add(row)
    session.flush()
    session.add_all(FileEpisode(file_id=row.id, episode_id=episode_id) for episode_id in episode_ids)
    session.flush()
    return row


def version(
    session: Session, item_id: str, profile: str = "4K/UHD", *, name: str = "4K", now: datetime = NOW, **columns: Any
) -> media.Version:
    """Another version of a title with its own profile, counted like the others."""
    found = settings.profiles.find_profile(session, profile)
    assert found is not None, profile
    columns = {"position": 1} | columns
    row = media.Version(media_item_id=item_id, name=name, profile_id=found.id, **columns)
    session.add(row)
    session.flush()
    refresh_holdings(session, now, item_id)
    return row


def holdings(
    session: Session, item_id: str, files: int, size_bytes: int, episode_ids: Iterable[str] = ()
) -> media.holdings.Holdings:
    """Holdings in which the default version has all files."""
    default_id = media.versions.default_version(session, item_id).id
    held = media.holdings.VersionHoldings(files, False, dict.fromkeys(episode_ids, False))
    return media.holdings.Holdings(files_count=files, size_bytes=size_bytes, versions={default_id: held})


def on_disk(root: Path | str, relative: str, size: int = 4096, *, fill: bytes | None = None) -> Path:
    """A file on disk whose content depends on its path; parent folders are created."""
    path = Path(root) / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = fill or os.fsencode(relative) + b"\n"
    path.write_bytes((seed * (size // len(seed) + 1))[:size])
    return path


def film_details(
    title: str = "Night of the Living Dead",
    year: int | None = 1968,
    *,
    tmdb_id: int | None = 10331,
    runtime_min: int | None = 96,
    titles: tuple[str, ...] = (),
    **facts: Any,
) -> Details:
    """A provider's details of a film."""
    return Details(
        type="movie",
        title=title,
        original_title=facts.pop("original_title", None),
        ids=facts.pop("ids", Ids(tmdb_id)),
        provider="tmdb",
        year=year,
        runtime_min=runtime_min,
        status="released",
        titles=tuple(OtherTitle(other, "alternative") for other in titles),
        **facts,
    )


def show_details(
    title: str = "Pioneer One",
    year: int | None = 2010,
    *,
    tmdb_id: int | None = 32340,
    tvdb_id: int | None = None,
    seasons: dict[int, int] | None = None,
    **facts: Any,
) -> Details:
    """A provider's details of a series with all episodes."""
    first = date(year or 2010, 1, 3)
    made = []
    absolute = 0
    for number, count in (seasons or {1: 6}).items():
        episodes = []
        for place in range(1, count + 1):
            absolute += number > 0
            air_on = date.fromordinal(first.toordinal() + 7 * (place - 1) + 365 * max(number - 1, 0))
            episodes.append(
                EpisodeDetails(
                    season_number=number,
                    episode_number=place,
                    title=f"Episode {place}",
                    air_on=air_on,
                    absolute_number=absolute if number else None,
                )
            )
        made.append(
            SeasonDetails(number=number, title=f"Season {number}", episode_count=count, episodes=tuple(episodes))
        )
    return Details(
        type="tv_show",
        title=title,
        original_title=None,
        ids=Ids(tmdb_id, tvdb_id, None),
        provider="tmdb",
        year=year,
        status="ended",
        first_air_on=first,
        seasons=tuple(made),
        **facts,
    )
