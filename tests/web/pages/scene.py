"""Sample data of a server in use: titles, files, downloads, searches and an import review, without network access."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from copy import replace
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from mydia import clock
from mydia import config as configuration
from mydia.adapters.errors import Unreachable
from mydia.adapters.indexers import IndexerRelease, Protocols
from mydia.adapters.metadata_providers.base import Details, EpisodeDetails, Ids, PersonCredit, SeasonDetails
from mydia.contexts import downloads, library, media, metadata, settings, users
from mydia.contexts.library.models import InboxEntry, MediaFile, Scan
from mydia.contexts.metadata.images import folder, keep
from mydia.contexts.settings.models import ServiceStatus
from mydia.contexts.users import SYSTEM, Caller, NewUser, Role
from mydia.db import Database
from mydia.parsing import Quality
from mydia.secret import Secret
from mydia.taskboard import TaskBoard, to_ms
from mydia.web import auth
from mydia.web.deps import WebDeps
from tests.builders import library_path, media_file
from tests.fakes import catalogue
from tests.fakes.outside import FakeDownloadClient, FakeIndexer, FakeMetadataProvider, connection, fake_outside

ARTWORK = Path(__file__).parents[2] / "fakes" / "artwork"
PASSWORD = "correct horse battery"
_MISSING = frozenset(
    {"detour", "phantom", "pandoras-box", "wings", "haxan", "nosferatu", "sunrise", "safety-last", "les-vampires"}
)
_UPGRADABLE = frozenset({"the-kid", "the-general"})
_OFF = frozenset({"nanook"})
_QUALITIES = ("Bluray-1080p", "Bluray-2160p", "WEBDL-1080p", "Remux-2160p", "WEBDL-2160p")


@dataclass
class Scene:
    """The server's parts, and how to sign in."""

    deps: WebDeps
    admin: Caller
    token: str
    client: FakeDownloadClient
    provider: FakeMetadataProvider
    ids: dict[str, str]
    """Title -> id."""


def make_deps(folder_: Path, database: Database, **parts: Any) -> WebDeps:
    """Make an application's parts with a migrated database and fakes for everything outside."""
    config = configuration.load({"DATA_DIR": str(folder_ / "data"), "DATABASE_URL": database.url})
    for path in (config.data_dir, config.images_directory, config.backups_directory, config.log_directory):
        path.mkdir(parents=True, exist_ok=True)
    settings.bind(database, config)
    with database.writes() as session:
        settings.ensure_defaults(session, clock.now())
    board = TaskBoard(config.jobs_path)
    return WebDeps(
        config=config,
        database=database,
        outside=parts.get("outside") or fake_outside(),
        taskboard=board,
        authenticate=auth.authenticate,
        recall=auth.recall,
    )


def sign_in(database: Database, name: str = "Robin Baker", role: Role = Role.ADMIN) -> tuple[Caller, str]:
    """Add an account and a session for it; return (caller, cookie)."""
    now = clock.now()
    username = name.split()[0].lower()
    with database.writes() as session:
        new = NewUser(username=username, role=role, password=Secret(PASSWORD), display_name=name)
        user = (
            users.add_user(session, SYSTEM, now, new)
            if users.has_users(session)
            else users.add_first_admin(session, now, new)
        )
        settings.setup.finish_setup(session, SYSTEM, now)
        _, token = users.sign_in.open_session(session, now, user, days=30, address="127.0.0.1", agent="tests")
        return users.caller_of(user), token


def compose(
    folder_: Path, database: Database
) -> tuple[WebDeps, FakeDownloadClient, FakeMetadataProvider, dict[str, FakeIndexer]]:
    """Make the parts with fakes for everything outside, for a new folder or one with sample data."""
    client = FakeDownloadClient(connection("qbittorrent", id="unknown", name="qBittorrent"))
    provider = FakeMetadataProvider([_film_details(film) for film in catalogue.FILMS])
    indexers: dict[str, FakeIndexer] = {}
    outside = replace(
        fake_outside(clients=[client], metadata=provider),
        indexer=lambda asked: indexers.setdefault(asked.name, FakeIndexer(connection=asked)),
    )
    return make_deps(folder_, database, outside=outside), client, provider, indexers


def furnish(folder_: Path, database: Database, *, artwork: bool = False) -> Scene:
    """Make all sample data.

    Args:
        artwork: Add posters, which take seconds to scale; tests of texts do not need them.
    """
    deps, client, provider, indexers = compose(folder_, database)
    admin, token = sign_in(database)
    now = clock.now()
    with database.writes() as session:
        movies = library_path(session, folder_ / "media" / "movies", "movies", name="Movies")
        shows = library_path(session, folder_ / "media" / "shows", "series", name="Shows")
        ids = _films(session, deps, now, movies, artwork=artwork)
        ids |= _shows(session, deps, now, shows, artwork=artwork)
        clients = _services(session, now)
        _downloads(session, now, ids, clients)
        _inbox(session, now, movies, shows)
        _scans(session, now, movies.id, shows.id)
    stock(deps, indexers)
    target = downloads.SearchTarget(ids["Nosferatu"])
    downloads.run_search(deps.database, deps.outside, admin, now, target, cause="manual")
    with database.writes() as session:
        _blocklist(session, now, ids)
    return Scene(deps, admin, token, client, provider, ids)


def _image(session: Session, deps: WebDeps, now: datetime, role: str, name: str | None, *, artwork: bool) -> str | None:
    if name is None or not artwork or not (ARTWORK / f"{name}.jpg").exists():
        return None
    image_id = metadata.want_image(session, now, role, f"/{name}.jpg")
    row = session.get(metadata.Image, image_id)
    assert image_id and row
    row.content_hash, row.width, row.height, row.color = keep(
        (ARTWORK / f"{name}.jpg").read_bytes(), role, folder(deps.config.images_directory, image_id)
    )
    row.state = "present"
    return image_id


def _film_details(film: catalogue.Film) -> Details:
    return Details(
        type="movie",
        title=film.title,
        original_title=film.original_title,
        ids=Ids(film.id, film.tvdb_id, film.imdb_id),
        provider="tmdb",
        year=int(film.released[:4]),
        overview=film.overview,
        tagline=film.tagline or None,
        status="released",
        runtime_min=film.runtime,
        rating=film.rating,
        certification=film.certification or None,
        genres=film.genres,
        cinema_on=date.fromisoformat(film.released),
        credits=tuple(PersonCredit(name=name, role=role, department="cast") for name, role in film.cast),
        poster_path=f"/{film.art}.jpg" if film.art else None,
    )


def _films(session: Session, deps: WebDeps, now: datetime, path: Any, *, artwork: bool) -> dict[str, str]:
    ids: dict[str, str] = {}
    for place, film in enumerate(catalogue.FILMS):
        details = _film_details(film)
        at = now - timedelta(hours=9 * place)
        new = media.NewItem(
            type="movie",
            title=film.title,
            year=details.year,
            ids=details.ids,
            library_path_id=path.id,
            details=replace(details, poster_path=None),
            monitored=film.art not in _OFF,
            folder=f"{film.title} ({details.year})",
        )
        item = media.add_item(session, SYSTEM, at, new, search_now=False)
        item.poster_id = _image(session, deps, at, "poster", film.art, artwork=artwork)
        ids[film.title] = item.id
        if film.art in _MISSING or film.art in _OFF:
            continue
        quality = "HDTV-720p" if film.art in _UPGRADABLE else _QUALITIES[place % len(_QUALITIES)]
        held = Quality.from_name(quality)
        media_file(
            session,
            path,
            f"{item.folder}/{film.title} ({details.year}) [{quality}].mkv",
            item=item,
            quality=held,
            size_bytes=(1 + place % 7) * 4_700_000_000,
            video_codec="h265" if (held.resolution or 0) > 1080 else "h264",
            hdr_format="HDR10" if (held.resolution or 0) > 1080 else None,
            audio_codec="eac3",
            audio_channels="5.1",
            width=3840 if (held.resolution or 0) > 1080 else 1920,
            height=held.resolution,
            container="mkv",
            duration_s=film.runtime * 60.0,
            analysed_at=now,
            match_evidence=["The title is the same.", f"The year is the same: {details.year}."],
        )
        library.holdings.refresh_holdings(session, at, item.id)
    return ids


def _shows(session: Session, deps: WebDeps, now: datetime, path: Any, *, artwork: bool) -> dict[str, str]:
    ids: dict[str, str] = {}
    for place, told in enumerate(catalogue.series(now.date())[:8]):
        seasons = tuple(
            SeasonDetails(
                number=number,
                title="Specials" if number == 0 else f"Season {number}",
                episode_count=len(told.season(number)),
                episodes=tuple(
                    EpisodeDetails(
                        season_number=number,
                        episode_number=e.number,
                        title=e.title,
                        air_on=e.aired,
                        overview=e.overview,
                        runtime_min=e.runtime,
                    )
                    for e in told.season(number)
                ),
            )
            for number in told.seasons
        )
        first = min((e.aired for e in told.episodes if e.aired), default=None)
        details = Details(
            type="tv_show",
            title=told.title,
            original_title=told.original_title,
            ids=Ids(told.id, told.tvdb_id, told.imdb_id),
            provider="tmdb",
            year=first.year if first else None,
            overview=told.overview,
            status="continuing" if told.status == "Returning Series" else "ended",
            rating=told.rating,
            genres=told.genres,
            networks=(told.network,),
            first_air_on=first,
            credits=tuple(PersonCredit(name=name, role=role, department="cast") for name, role in told.cast),
            seasons=seasons,
        )
        at = now - timedelta(hours=5 + 11 * place)
        new = media.NewItem(
            type="tv_show",
            title=told.title,
            year=details.year,
            ids=details.ids,
            library_path_id=path.id,
            details=details,
            seasons=seasons,
            folder=f"{told.title} ({details.year})",
        )
        item = media.add_item(session, SYSTEM, at, new, search_now=False)
        item.poster_id = _image(session, deps, at, "poster", told.art, artwork=artwork)
        item.backdrop_id = _image(session, deps, at, "backdrop", told.backdrop, artwork=artwork)
        ids[told.title] = item.id
        aired = [e for e in media.episodes.episodes_of(session, SYSTEM, item.id) if e.air_on and e.air_on < now.date()]
        for number, episode in enumerate(aired):
            if number % 9 == 7 or (aired[-1].id == episode.id and place < 3):
                continue
            media_file(
                session,
                path,
                f"{item.folder}/Season {episode.season_number:02}/{told.title} {episode.code}.mkv",
                item=item,
                episode_ids=(episode.id,),
                quality="WEBDL-1080p" if number % 3 else "WEBDL-2160p",
                size_bytes=2_900_000_000,
                video_codec="h264",
                audio_codec="eac3",
                audio_channels="5.1",
            )
        library.holdings.refresh_holdings(session, at, item.id)
    return ids


def _services(session: Session, now: datetime) -> dict[str, str]:
    ids: dict[str, str] = {}
    for place, (name, kind) in enumerate((("qBittorrent", "qbittorrent"), ("SABnzbd", "sabnzbd"))):
        new = settings.NewClient(
            name=name,
            kind=kind,
            url=f"http://{kind}.test:8080",
            username="robin",
            secret=Secret("a secret"),
            options={"category": "movies"},
            priority=place + 1,
        )
        ids[name] = settings.clients.add_client(session, SYSTEM, now, new).id
    for place, name in enumerate(("Silver Index", "Open Tracker", "Archive Torrents", "Blue Lagoon")):
        indexer = settings.NewIndexer(
            name=name, kind="torznab", url=f"http://indexer{place}.test/api", secret=Secret("key"), priority=20 + place
        )
        ids[name] = settings.indexers.add_indexer(session, SYSTEM, now, indexer).id
    settings.services.record_ok(session, now, "download_client", ids["qBittorrent"], version="v5.1.2")
    error = Unreachable("SABnzbd", "no answer from http://sabnzbd.test:8080; is it running?")
    settings.services.record_failure(
        session, SYSTEM, now - timedelta(minutes=42), "download_client", ids["SABnzbd"], error
    )
    return ids


def _downloads(session: Session, now: datetime, ids: dict[str, str], clients: dict[str, str]) -> None:
    def add(title: str, release: str, state: str, **facts: Any) -> downloads.Download:
        item = media.get_item(session, SYSTEM, ids[title])
        client = facts.pop("client", "qBittorrent")
        at = now - timedelta(minutes=facts.pop("minutes", 30))
        parsed = downloads.DownloadState(state)
        row = downloads.Download(
            media_item_id=item.id,
            version_id=media.versions.default_version(session, item.id).id,
            media_title=facts.pop("named", f"{item.title} ({item.year})"),
            client_id=clients[client],
            client_name=client,
            client_ref=f"{len(release):040x}",
            indexer_name="Silver Index",
            indexer_id=clients["Silver Index"],
            release_title=release,
            protocol="usenet" if client == "SABnzbd" else "torrent",
            quality=Quality.from_name(facts.get("quality_name", "Bluray-1080p")).to_json(),
            quality_name=facts.pop("quality_name", "Bluray-1080p"),
            cause="automatic",
            reasons=facts.pop(
                "reasons", [{"at": at.isoformat(), "text": "Bluray-1080p; the best of its search.", "kind": "grab"}]
            ),
            state=parsed,
            state_since=at,
            added_at=at,
            seen_at=now,
            **facts,
        )
        session.add(row)
        session.flush()
        from mydia.contexts.downloads.moving import update_card

        update_card(session, now, item.id)
        return row

    add(
        "Häxan",
        "Haxan.1922.Restored.1080p.BluRay.FLAC2.0.x264-ARC",
        "blocked",
        size_bytes=10_100_000_000,
        progress=1.0,
        minutes=14,
        completed_at=now - timedelta(minutes=14),
        reasons=[
            {"at": now.isoformat(), "text": "Bluray-1080p; the best of its search, from Silver Index.", "kind": "grab"},
            {
                "at": now.isoformat(),
                "text": "The file runs 104 min. Häxan runs 105; Witchcraft Through the Ages (1968) runs 77.",
                "kind": "block",
            },
        ],
    )
    add(
        "The Kid",
        "The.Kid.1921.Restored.1080p.WEB-DL.AAC2.0.H.264-LMN",
        "stalled",
        quality_name="WEBDL-1080p",
        size_bytes=4_000_000_000,
        progress=0.31,
        remote_message="There are no seeds right now. The download resumes automatically when there are.",
        seeders=0,
        peers=2,
        minutes=200,
    )
    show = next(title for title in ids if title == "Harbour Lights")
    add(
        show,
        "Harbour.Lights.S02E06.1080p.WEB-DL.DDP5.1.H.264-TIDE",
        "downloading",
        named="Harbour Lights S02E06",
        quality_name="WEBDL-1080p",
        size_bytes=3_500_000_000,
        progress=0.88,
        speed_bytes_per_s=22_400_000,
        eta_s=61,
        seeders=31,
        peers=44,
        minutes=9,
    )
    add(
        "Detour",
        "Detour.1945.2160p.UHD.BluRay.REMUX.HDR10.HEVC.FLAC.1.0-NOIR",
        "downloading",
        quality_name="Remux-2160p",
        size_bytes=38_200_000_000,
        progress=0.62,
        speed_bytes_per_s=14_700_000,
        eta_s=372,
        seeders=86,
        peers=90,
        minutes=40,
    )
    add(
        "The Phantom of the Opera",
        "The.Phantom.of.the.Opera.1925.2160p.WEB-DL.DV.HDR10.HEVC-OPR",
        "downloading",
        quality_name="WEBDL-2160p",
        client="SABnzbd",
        size_bytes=12_600_000_000,
        progress=0.18,
        speed_bytes_per_s=7_500_000,
        eta_s=1260,
        minutes=61,
    )
    add(
        "Pandora's Box" if "Pandora's Box" in ids else "Wings",
        "Pandoras.Box.1929.1080p.BluRay.FLAC.x264-LULU",
        "importing",
        size_bytes=9_000_000_000,
        progress=1.0,
        minutes=3,
    )
    add(
        "Wings",
        "Wings.1927.1080p.BluRay.DTS.x264-AIR",
        "queued",
        size_bytes=11_000_000_000,
        progress=0.0,
        minutes=1,
    )
    add(
        "Metropolis",
        "Metropolis.1927.2160p.WEB-DL.HDR.HEVC-OLD",
        "paused",
        quality_name="WEBDL-2160p",
        size_bytes=17_000_000_000,
        progress=0.4,
        minutes=600,
    )


def _inbox(session: Session, now: datetime, movies: Any, shows: Any) -> None:
    def candidate(
        title: str, year: int, score: float, *evidence: tuple[str, str], type: str = "movie", **more: Any
    ) -> dict[str, Any]:
        known = next((film for film in catalogue.FILMS if film.title == title), None)
        return {
            "type": type,
            "title": title,
            "original_title": None,
            "year": year,
            "tmdb_id": known.id if known else 900_000 + len(title) * 97 + year,
            "tvdb_id": None,
            "imdb_id": known.imdb_id if known else None,
            "provider": "tmdb",
            "poster": f"/{known.art}.jpg" if known and known.art else None,
            "overview": known.overview if known else None,
            "score": score,
            "evidence": [{"verdict": verdict, "text": text} for verdict, text in evidence],
            "media_item_id": None,
        } | more

    def entry(
        path: Any, name: str, title: str, year: int | None, state: str, *candidates: dict[str, Any], **facts: Any
    ) -> None:
        folder_, _, file_name = name.rpartition("/")
        row = InboxEntry(
            library_path_id=path.id,
            folder=folder_,
            group_key=f"{title.lower()} {year}",
            type="tv_show" if path.type == "series" else "movie",
            title=title,
            year=year,
            state=state,
            files_count=1,
            size_bytes=10_400_000_000,
            parsed={"duration_s": 4320.0, "ids": {}, "files": []},
            candidates=list(candidates),
            created_at=now,
            updated_at=now,
            **facts,
        )
        session.add(row)
        session.flush()
        file = media_file(
            session,
            path,
            name,
            match_state="ignored" if state == "ignored" else "waiting",
            inbox_id=row.id,
            size_bytes=10_400_000_000,
            duration_s=4320.0,
            video_codec="h264",
            audio_codec="flac",
            audio_channels="5.1",
            release_name=file_name,
        )
        row.parsed = {**row.parsed, "files": [{"id": file.id, "path": name, "season": None, "episodes": []}]}

    same_year = ("yes", "The year is the same.")
    entry(
        movies,
        "_unsorted/Potemkin 1925 (restored).mkv",
        "Potemkin",
        1925,
        "needs_attention",
        candidate(
            "Battleship Potemkin",
            1925,
            0.68,
            same_year,
            ("yes", "It runs 72 min, as long as the film (71 min)."),
            ("warn", "The title is part of the full name."),
        ),
        candidate("The Potemkin Mutiny", 1925, 0.41, same_year, ("no", "It runs 72 min, the film 14 min.")),
        candidate("Potemkin", 2017, 0.22, ("no", "The year differs by 92."), ("warn", "The short title is the same.")),
        reason_text="No title fits well enough to be taken without a look.",
    )
    entry(movies, "_unsorted/Kid, The.avi", "Kid, The", None, "needs_attention",
          candidate("The Kid", 1921, 0.64, ("yes", "The title is the same."), ("warn", "The name has no year.")),
          candidate("The Kid", 2019, 0.6, ("yes", "The title is the same."), ("warn", "The name has no year.")),
          reason_text="Two films share this name.")  # fmt: skip
    entry(movies, "Haxan_WTTA_77min.mkv", "Haxan", None, "needs_attention",
          candidate("Häxan", 1922, 0.55, ("yes", "The title is the same."), ("no", "It runs 77 min, the film 105 min.")),
          reason_text="It is shorter than the film.")  # fmt: skip
    entry(movies, "MWAMC.mkv", "MWAMC", None, "no_match", reason_text="The catalogue has no title with this name.")
    for film in catalogue.FILMS[:5]:
        entry(movies, f"new/{film.title}.{film.released[:4]}.1080p.BluRay.mkv", film.title, int(film.released[:4]), "ready",
              candidate(film.title, int(film.released[:4]), 0.95, ("yes", "The title is the same."), same_year))  # fmt: skip
    entry(movies, "extras/holiday 2019.mkv", "holiday", 2019, "ignored", reason_text="Ignored by a user.")
    entry(
        shows,
        "Dark Harbour/dark harbour 1x01.mkv",
        "Dark Harbour",
        None,
        "no_match",
        reason_text="The catalogue has no title with this name.",
    )


def _scans(session: Session, now: datetime, movies_id: str, shows_id: str) -> None:
    for path_id in (movies_id, shows_id):
        settings.library_paths.record_scan(session, now - timedelta(hours=15), path_id, state="done", reason=None)
    session.add(
        Scan(
            library_path_id=movies_id,
            started_at=now - timedelta(minutes=3),
            state="running",
            phase="matching",
            counts={"seen": 5214, "new": 412, "ms": 2000},
            progress_done=3214,
            progress_total=5180,
            current="Metropolis (1927)",
            problems=["private: Mydia may not read this folder. It belongs to user 0."],
        )
    )
    session.add(
        Scan(
            library_path_id=shows_id,
            started_at=now - timedelta(minutes=30),
            finished_at=now - timedelta(minutes=30),
            state="refused",
            phase="finished",
            counts={},
            problems=[],
            reason_code="many_missing",
            reason_facts={"path": "/media/shows", "missing": 212, "known": 300, "share": 71, "limit": 20},
        )
    )
    session.flush()


def _release(title: str, gb: float, seeders: int | None, days: float, *, usenet: bool = False) -> IndexerRelease:
    return IndexerRelease(
        guid=f"guid-{title}",
        title=title,
        protocol=Protocols.USENET if usenet else Protocols.TORRENT,
        download_url=f"http://indexer.test/get?name={title}",
        info_hash=None if usenet else hashlib.sha1(title.encode(), usedforsecurity=False).hexdigest(),
        size_bytes=int(gb * 1024**3),
        published_at=clock.now() - timedelta(days=days),
        seeders=seeders,
        peers=None if seeders is None else seeders + 3,
        flags=("freeleech",) if days == 12 else (),
        tmdb_id=653,
    )


def stock(deps: WebDeps, indexers: dict[str, FakeIndexer]) -> None:
    """Set the releases of the indexers; one of them does not answer."""

    def fill(name: str, releases: Iterable[IndexerRelease]) -> None:
        with deps.database.reads() as session:
            choice = next(c for c in settings.indexers.indexer_connections(session) if c.row.name == name)
        indexers[name] = FakeIndexer(releases, choice.connection)

    fill(
        "Silver Index",
        [
            _release("Nosferatu.1922.1080p.BluRay.FLAC2.0.x264-ARC", 9.4, 86, 12),
            _release("Nosferatu.1922.2160p.UHD.BluRay.REMUX.DV.HDR10.HEVC.FLAC.2.0-ARC", 48.2, 86, 40),
            _release("Nosferatu.1922.720p.HDTV.x264.AC3-OLD", 1.1, 2, 1460),
        ],
    )
    fill(
        "Open Tracker",
        [
            _release("Nosferatu.1922.1080p.WEB-DL.AAC2.0.H.264-LMN", 4.1, 41, 40),
            _release("Nosferatu.1922.Restored.1080p.WEB-DL.HDR10.HEVC.AAC2.0-KNO", 5.3, 12, 3),
            _release("Nosferatu.the.Vampyre.1979.1080p.BluRay.x264-HRZ", 8.0, 55, 200),
        ],
    )
    fill("Archive Torrents", [_release("Nosferatu.1922.DVDRip.XviD-TINY", 0.2, 0, 3000)])
    fill("Blue Lagoon", [])
    indexers["Blue Lagoon"].trouble = Unreachable("Blue Lagoon", "no answer within 20 s; is it running?")


def _blocklist(session: Session, now: datetime, ids: dict[str, str]) -> None:
    for place, (title, name, reason) in enumerate(
        (
            ("Nosferatu", "Nosferatu.1922.2160p.AI.Upscale.HEVC.DDP5.1-GRN", "Robin Baker removed it."),
            ("Detour", "Detour.1945.1080p.WEBRip.x264-BAD", "The client says: the files are damaged."),
        )
    ):
        session.add(
            downloads.BlocklistEntry(
                media_item_id=ids[title],
                media_title=title,
                title=name,
                normalised=name.lower(),
                indexer_name="Silver Index",
                protocol="torrent",
                size_bytes=4_000_000_000,
                quality_name="WEBRip-1080p",
                reason=reason,
                added_at=now - timedelta(days=place),
            )
        )


def furnish_board(deps: WebDeps) -> None:
    """Add runs, a schedule and failures to the task board, as a worker would."""
    now = clock.now()

    def run(job: str, state: str, queue: str = "default", **facts: Any) -> tuple[Any, ...]:
        started = now - timedelta(seconds=facts.get("ago_s", 120))
        ended = (
            started + timedelta(seconds=facts.get("took_s", 3))
            if state in ("done", "failed", "dead", "cancelled")
            else None
        )
        return (
            clock.new_id(),
            job,
            queue,
            5,
            json.dumps(facts.get("params", {})),
            facts.get("cause", "schedule"),
            state,
            to_ms(started),
            to_ms(started),
            to_ms(started) if state not in ("queued", "delayed") else None,
            to_ms(ended) if ended else None,
            1,
            facts.get("done"),
            facts.get("total"),
            facts.get("note"),
            facts.get("result"),
            facts.get("error"),
        )

    rows = [
        run(
            "library.scan",
            "running",
            "media",
            ago_s=190,
            done=3214,
            total=5180,
            note="Salt & Iron/Season 02",
            cause="ScanRequested by Robin Baker",
        ),
        run(
            "library.analyse",
            "running",
            "media",
            ago_s=400,
            done=41,
            total=148,
            note="Metropolis (1927) [Remux-2160p].mkv",
        ),
        run("metadata.fetch_images", "running", ago_s=30, done=1390, note="1,390 pictures"),
        run("downloads.search_item", "queued", "search"),
        run("downloads.import_download", "done", ago_s=180, took_s=2, result="Harbour Lights S2 E5"),
        run("downloads.search_wanted", "done", "search", ago_s=7200, took_s=108, result="31 searched, 2 grabbed"),
        run("library.empty_recycle_bin", "failed", ago_s=32400, took_s=0.4, error="Permission denied on /media/.trash"),
        run("upkeep.back_up", "done", ago_s=32000, took_s=2.1, result="mydia-20261120T033000Z.db, 14.0 MB"),
    ]
    schedule = (
        ("downloads.monitor", "Watch download clients", "*/5 * * * *", 240),
        ("downloads.search_wanted", "Search for missing", "0 */6 * * *", 14_400),
        ("library.scan_all", "Library scan", "0 2 * * *", 36_000),
        ("metadata.refresh_due", "Refresh metadata", "20 * * * *", 1800),
        ("upkeep.back_up", "Back up database", "30 3 * * *", 43_000),
        ("library.empty_recycle_bin", "Empty recycle bin", "40 4 * * *", 45_000),
    )
    with deps.taskboard.writes() as board:
        board.executemany(
            "INSERT INTO runs (id, job, queue, priority, params, cause, state, queued_at, due_at, started_at, finished_at, "
            "attempt, progress_done, progress_total, progress_note, result, error) VALUES "
            "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        board.executemany(
            "INSERT INTO schedule VALUES (?, ?, '{}', ?, ?, ?, ?, ?, ?, NULL)",
            [
                (
                    name,
                    name,
                    title,
                    cron,
                    cron,
                    place,
                    to_ms(now + timedelta(seconds=next_s)),
                    to_ms(now - timedelta(hours=1)),
                )
                for place, (name, title, cron, next_s) in enumerate(schedule)
            ],
        )
    deps.taskboard.write_catalogue(
        {
            "library.scan": ("Library scan", "media"),
            "library.analyse": ("Media analysis", "media"),
            "metadata.fetch_images": ("Fetch artwork", "default"),
            "downloads.search_item": ("Search a title", "search"),
            "downloads.import_download": ("Import", "default"),
            "downloads.search_wanted": ("Search for missing", "search"),
            "library.empty_recycle_bin": ("Empty recycle bin", "default"),
            "upkeep.back_up": ("Back up database", "default"),
        }
    )


__all__ = ["PASSWORD", "MediaFile", "Scene", "ServiceStatus", "furnish", "furnish_board", "make_deps", "sign_in"]
