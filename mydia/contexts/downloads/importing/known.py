"""Read what the database knows of a download, before the disk is accessed."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from mydia import units
from mydia.contexts import library, media, settings
from mydia.contexts.downloads.held import held_files
from mydia.contexts.downloads.importing.values import Known
from mydia.contexts.downloads.models import Download, DownloadEpisode
from mydia.contexts.downloads.ownership import sharing
from mydia.contexts.users import SYSTEM
from mydia.db import Database, get
from mydia.errors import Conflict
from mydia.parsing import Quality, normalise_title, parse_release
from mydia.vocabulary import MediaType


def gather(database: Database, download_id: str) -> Known:
    """Return what the database knows of a download. Raises: Conflict, when its title was removed."""
    with database.reads() as session:
        row = get(session, Download, download_id, what="This download")
        if row.media_item_id is None:
            raise Conflict(f"The title of “{row.release_title}” is no longer in the library.")
        item = media.get_item(session, SYSTEM, row.media_item_id)
        version = media.versions.get_version(session, item.id, row.version_id)
        placed = session.scalars(
            select(library.MediaFile.id).where(
                library.MediaFile.download_id == row.id, library.MediaFile.missing_since.is_(None)
            )
        ).all()
        placed_episodes = session.scalars(
            select(library.FileEpisode.episode_id).where(library.FileEpisode.file_id.in_(placed))
        ).all()
        choices = settings.clients.client_connections(session, enabled_only=False)
        path_id = version.library_path_id or item.library_path_id
        path = settings.library_paths.get_library_path(session, SYSTEM, path_id) if path_id else None
        return Known(
            row=row,
            item_type=item.type,
            item_title=item.title,
            titles=frozenset(
                {title.normalised for title in media.titles_of(session, SYSTEM, item.id)}
                | {normalise_title(item.title)}
            ),
            year=item.year,
            runtime_min=item.runtime_min,
            series=media.episodes.series_numbers(session, SYSTEM, item.id) if item.type is MediaType.TV_SHOW else None,
            profile=settings.profiles.get_profile(session, SYSTEM, version.profile_id),
            held=held_files(session, item.id, version.id),
            episodes=tuple(media.episodes.episodes_of(session, SYSTEM, item.id))
            if item.type is MediaType.TV_SHOW
            else (),
            expected=frozenset(
                session.scalars(select(DownloadEpisode.episode_id).where(DownloadEpisode.download_id == row.id))
            ),
            placed_episodes=frozenset(placed_episodes),
            placed_film=bool(placed) and item.type is MediaType.MOVIE,
            library_folder=Path(path.path) if path else None,
            import_mode=path.import_mode if path else "hardlink",
            choice=next((choice for choice in choices if choice.row.id == row.client_id), None),
            minimum_free_bytes=settings.of(session).downloads.minimum_free_mb * units.MIB,
            version_id=version.id,
            quality=Quality.from_json(row.quality),
            release=parse_release(row.release_title, "movie" if item.type is MediaType.MOVIE else "tv"),
            formats=settings.formats.current(session),
            propers=settings.upgrades.Propers(settings.of(session).downloads.propers),
            original_language=item.original_language,
            shared=any(other.media_item_id != row.media_item_id for other in sharing(session, row)),
        )
