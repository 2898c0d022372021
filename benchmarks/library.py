"""Generate a library in a data folder: 10,000 movies and 50,000 episodes with files and pictures, inserted in bulk."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Table, insert

from benchmarks.measure import Figure, machine
from mydia import clock, config
from mydia.contexts import library, media, settings, users
from mydia.contexts.media.models import HeldEpisode
from mydia.contexts.metadata import Image
from mydia.contexts.users import SYSTEM, NewUser, Role
from mydia.db import Database
from mydia.parsing import Quality, normalise_title
from mydia.units import GIB

ROOT = Path(__file__).resolve().parents[1]
FILMS, SHOWS, EPISODES_EACH, SEASONS_EACH = 10_000, 1_000, 50, 5
LONG_SHOW = "The Long Show"
"""One more show, with 40 seasons of 50 episodes."""
_WORDS = [
    "night",
    "house",
    "river",
    "city",
    "silent",
    "empty",
    "golden",
    "winter",
    "summer",
    "garden",
    "train",
    "letter",
    "shadow",
    "mirror",
    "island",
    "paper",
    "stone",
    "glass",
    "storm",
    "harbour",
    "circus",
    "lantern",
    "bridge",
    "orchard",
    "signal",
    "desert",
    "violin",
    "meadow",
    "clock",
    "forest",
    "market",
    "valley",
]
_GENRES = ("Drama", "Comedy", "Horror", "Science Fiction", "Documentary", "Crime", "Romance", "Adventure")
_QUALITIES = ("Bluray-1080p", "WEBDL-1080p", "Bluray-720p", "WEBDL-2160p", "HDTV-720p")
_BATCH = 5_000
_MISSING = 0.04
"""Share of films without a file, and of shows that lack the last two aired episodes."""
_RUNNING = 0.1
"""Share of shows whose last season is on air: about half of its episodes are still to come."""


def environ(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of a Mydia that makes no outside requests."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "DATA_DIR": str(folder),
        "HOST": "127.0.0.1",
        "ADMIN_USERNAME": "bench",
        "ADMIN_PASSWORD": "a long enough word",
        "SECRET_KEY_BASE": "only for measuring, and long enough for that",
        "PUBLIC_RELAY_ENABLED": "false",
        "LOG_LEVEL": "warning",
        **more,
    }


def make(folder: Path, *, films: int = FILMS, shows: int = SHOWS, **more: str) -> str:
    """Fill a data folder and return an API key.

    Args:
        more: More of the environment, such as `DATABASE_URL`.
    """
    command = [sys.executable, "-m", "mydia", "migrate"]
    subprocess.run(command, check=True, env=environ(folder, **more), stdout=subprocess.DEVNULL)
    loaded = config.load(environ(folder, **more))
    database = Database(loaded.database_url)
    settings.bind(database, loaded)
    with database.writes() as session:
        now = clock.now()
        for name in ("films", "series"):
            (folder / name).mkdir(exist_ok=True)
        paths = [
            settings.library_paths.add_library_path(
                session, SYSTEM, now, settings.NewLibraryPath(path=str(folder / name), type=type)
            )
            for name, type in (("films", "movies"), ("series", "series"))
        ]
        profile = settings.profiles.list_profiles(session, SYSTEM)[0].id
        user = users.add_user(session, SYSTEM, now, NewUser(username="meter", role=Role.ADMIN))
        _, key = users.api_keys.add_api_key(session, users.caller_of(user), now, "benchmarks")
        settings.setup.finish_setup(session, SYSTEM, now)
        path_ids = [path.id for path in paths]
    chance = random.Random(20261121)
    rows = itertools.chain(_films(chance, films, path_ids[0], profile), _shows(chance, shows, path_ids[1], profile))
    waiting: dict[Any, list[dict[str, Any]]] = {}
    # Each title's rows list parents before children, and tables are written in this order.
    order = [Image, media.MediaItem, media.Title, media.Version, media.Season, media.Episode]
    order += [library.MediaFile, library.FileEpisode, HeldEpisode]
    for kind, values in rows:
        waiting.setdefault(kind, []).append(values)
        if kind is library.MediaFile and len(waiting[kind]) >= _BATCH:
            _write(database, order, waiting)
    _write(database, order, waiting)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("ANALYZE")
        if database.path is not None:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return key


def _write(database: Database, order: list[Any], waiting: dict[Any, list[dict[str, Any]]]) -> None:
    with database.writes() as session:
        for kind in order:
            if rows := waiting.pop(kind, None):
                table: Table = kind.__table__
                session.connection().execute(insert(table), rows)


type _Row = tuple[Any, dict[str, Any]]


def _films(chance: random.Random, count: int, path_id: str, profile_id: str) -> Iterator[_Row]:
    for number in range(count):
        title, year = f"{_name(chance)} {number}", 1920 + chance.randrange(106)
        yield from _item(chance, "movie", title, year, number + 1, path_id, profile_id, runtime_min=95)


def _shows(chance: random.Random, count: int, path_id: str, profile_id: str) -> Iterator[_Row]:
    for number in range(count):
        title, year = f"{_name(chance)} {number}", 1960 + chance.randrange(66)
        yield from _item(chance, "tv_show", title, year, number + 1, path_id, profile_id, runtime_min=45)
    yield from _item(
        chance,
        "tv_show",
        LONG_SHOW,
        1970,
        count + 1,
        path_id,
        profile_id,
        runtime_min=25,
        seasons=40,
        each=50,
    )


def _item(
    chance: random.Random,
    type: str,
    title: str,
    year: int,
    tmdb_id: int,
    path_id: str,
    profile_id: str,
    *,
    runtime_min: int,
    seasons: int = SEASONS_EACH,
    each: int = EPISODES_EACH // SEASONS_EACH,
) -> Iterator[_Row]:
    now = clock.now()
    item_id, image_id, version_id = clock.new_id(), clock.new_id(), clock.new_id()
    show = type == "tv_show"
    missing = chance.random() < _MISSING
    running = show and chance.random() < _RUNNING
    episodes = list(_episodes(chance, year, seasons, each, running=running, missing=missing)) if show else []
    held = sum(episode.held for episode in episodes) if show else int(not missing)
    # What the titles hold is recorded as Mydia would, so that the recount at the start finds nothing to change.
    qualities = [Quality.from_name(chance.choice(_QUALITIES)) for _ in range(held)]
    best = max(qualities, default=None)
    state = "available" if not missing else "partial" if show else "missing"
    yield (
        Image,
        {
            "id": image_id,
            "role": "poster",
            "source": f"/{image_id}.jpg",
            "state": "present",
            "content_hash": f"{chance.getrandbits(48):012x}",
            "width": 500,
            "height": 750,
            "color": f"#{chance.getrandbits(24):06x}",
            "created_at": now,
        },
    )
    yield (
        media.MediaItem,
        {
            "id": item_id,
            "type": type,
            "title": title,
            "sort_title": title.lower(),
            "year": year,
            "tmdb_id": tmdb_id,
            "series_type": "standard" if show else None,
            "status": ("continuing" if running else "ended") if show else "released",
            "runtime_min": runtime_min,
            "rating": round(chance.uniform(3, 9), 1),
            "genres": chance.sample(_GENRES, 2),
            "overview": " ".join(chance.choices(_WORDS, k=60)),
            "poster_id": image_id,
            "metadata_json": {"cast": [{"name": _name(chance), "role": _name(chance)} for _ in range(10)]},
            "library_path_id": path_id,
            "folder": f"{title} ({year})",
            "state": state,
            "lacking": missing,
            "episodes_total": sum(episode.air_on <= now.date() for episode in episodes),
            "episodes_held": held if show else 0,
            "files_count": held,
            "size_bytes": held * 8 * GIB,
            "best_resolution": max((one.resolution or 0 for one in qualities), default=None),
            "best_quality": best and best.name,
            "missing_count": _missing_count(episodes, now.date()) if show else int(missing),
            "digital_on": None if show else date(year, 6, 1),
            "added_at": now - timedelta(minutes=chance.randrange(10**6)),
            "refreshed_at": now,
            # No metadata is requested while measuring.
            "next_refresh_at": now + timedelta(days=365),
            "updated_at": now,
        },
    )
    other_names = [(f"{_name(chance)} {tmdb_id - 1}", "alternative") for _ in range(2)]
    for name, kind in {title: "main", **dict(other_names)}.items():
        yield (
            media.Title,
            {
                "id": clock.new_id(),
                "media_item_id": item_id,
                "title": name,
                "normalised": normalise_title(name),
                "kind": kind,
            },
        )
    yield (
        media.Version,
        {
            "id": version_id,
            "media_item_id": item_id,
            "profile_id": profile_id,
            "library_path_id": path_id,
            "files_count": held,
            "state": None if show else state,
        },
    )
    if not show and held:
        name = f"{title} ({year})/{title} ({year}) 1080p.mkv"
        yield _file(chance, path_id, item_id, version_id, name, clock.new_id(), qualities.pop())
    season_ids = {season: clock.new_id() for season in range(1, seasons + 1)} if show else {}
    for season, season_id in season_ids.items():
        yield media.Season, {"id": season_id, "media_item_id": item_id, "number": season, "title": f"Season {season}"}
    for episode in episodes:
        episode_id, file_id = clock.new_id(), clock.new_id()
        yield (
            media.Episode,
            {
                "id": episode_id,
                "media_item_id": item_id,
                "season_id": season_ids[episode.season],
                "season_number": episode.season,
                "episode_number": episode.number,
                "title": _name(chance),
                "overview": " ".join(chance.choices(_WORDS, k=25)),
                "air_on": episode.air_on,
                "runtime_min": runtime_min,
                "held": episode.held,
                "complete": episode.held,
            },
        )
        if episode.held:
            name = f"{title}/Season {episode.season:02}/{title} - S{episode.season:02}E{episode.number:02}.mkv"
            yield _file(chance, path_id, item_id, version_id, name, file_id, qualities.pop())
            yield library.FileEpisode, {"file_id": file_id, "episode_id": episode_id}
            yield HeldEpisode, {"version_id": version_id, "episode_id": episode_id, "upgradable": False}


class _Airing(NamedTuple):
    season: int
    number: int
    air_on: date
    held: bool


def _episodes(
    chance: random.Random, year: int, seasons: int, each: int, *, running: bool, missing: bool
) -> list[_Airing]:
    """Return the episodes of a show: weekly, a season a year, the last one around today if the show is running."""
    today = clock.now().date()
    last = today - timedelta(days=7 * chance.randrange(2, each - 1)) if running else None
    first = last - timedelta(days=365 * (seasons - 1)) if last else date(year, 1, 3)
    days = [
        (season, number, first + timedelta(days=365 * (season - 1) + 7 * (number - 1)))
        for season in range(1, seasons + 1)
        for number in range(1, each + 1)
    ]
    aired = [day for day in days if day[2] <= today]
    lacking = set(aired[-2:]) if missing else set()
    return [_Airing(*day, day[2] <= today and day not in lacking) for day in days]


def _missing_count(episodes: list[_Airing], today: date) -> int:
    return sum(not episode.held and episode.air_on <= today for episode in episodes)


def _file(
    chance: random.Random,
    path_id: str,
    item_id: str,
    version_id: str,
    name: str,
    file_id: str,
    quality: Quality,
) -> _Row:
    now = clock.now()
    return library.MediaFile, {
        "id": file_id,
        "library_path_id": path_id,
        "relative_path": name,
        "size_bytes": 8 * GIB,
        "mtime_ns": 1,
        "inode": chance.getrandbits(40),
        "device": 1,
        "match_state": "matched",
        "media_item_id": item_id,
        "version_id": version_id,
        "quality": quality.to_json(),
        "quality_name": quality.name,
        "resolution": quality.resolution,
        "video_codec": "h264",
        "audio_codec": "aac",
        "audio_channels": "5.1",
        "width": 1920,
        "height": 1080,
        "duration_s": 5400.0,
        "streams": {"audio": [{"codec": "aac", "channels": "5.1", "language": "en"}], "subtitles": []},
        "analysed_at": now,
        "added_at": now,
        "verified_at": now,
    }


def _name(chance: random.Random) -> str:
    return " ".join(chance.sample(_WORDS, chance.randrange(1, 4))).title()


def report(measure: Callable[[Path, str], list[Figure]]) -> None:
    """Generate the library, measure with its API key, and print; used by benchmarks that run alone."""
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        for figure in measure(Path(name), make(Path(name))):
            print("  ".join(figure.row()))
