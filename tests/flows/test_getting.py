"""Acquiring a title: search, decision, real download, hard link under its name, seeding, and reasons."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from mydia import clock
from mydia.adapters.metadata_providers.base import Details, EpisodeDetails, Ids, SeasonDetails
from mydia.contexts import downloads, library, media
from mydia.contexts.downloads import SearchTarget
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.events import say
from tests.fakes import qbittorrent, videos
from tests.fakes.qbittorrent import RealQBittorrent, wait_until
from tests.fakes.swarm import Swarm
from tests.fakes.torznab import Offer
from tests.fakes.videos import Video, make_video
from tests.flows.household import ROBIN, Household

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(qbittorrent.PROGRAM is None, reason=qbittorrent.MISSING),
    pytest.mark.skipif(videos.FFMPEG is None, reason=videos.MISSING),
]

FILM = Details(
    type="movie",
    title="Workers Leaving the Factory",
    original_title="La Sortie de l'usine Lumière à Lyon",
    ids=Ids(tmdb_id=774),
    provider="tmdb",
    year=1895,
    status="released",
    cinema_on=date(1895, 12, 28),
    runtime_min=1,
)
_EPISODES = tuple(
    EpisodeDetails(season_number=1, episode_number=n, title=f"Reel {n}", air_on=date(2020, 1, n), runtime_min=1)
    for n in (1, 2, 3)
)
SERIES = Details(
    type="tv_show",
    title="Lumière Reels",
    original_title="Lumière Reels",
    ids=Ids(tmdb_id=775, tvdb_id=4775),
    provider="tmdb",
    year=2020,
    status="ended",
    series_type="standard",
    seasons=(SeasonDetails(number=1, title="Season 1", episodes=_EPISODES),),
)
GOOD = "Workers.Leaving.the.Factory.1895.1080p.BluRay.x264-ARCHIVE"
SHORT = Video(1920, 1080, seconds=20, picture="color=c=navy")


@pytest.fixture
def home(database: Database, tmp_path: Path) -> Iterator[Household]:
    with Swarm(tmp_path / "swarm") as swarm, RealQBittorrent(tmp_path / "client") as client:
        yield Household(tmp_path, database, client, swarm, [FILM, SERIES])


def publish_film(home: Household, *, bonus_bytes: int = 0) -> Offer:
    folder = home.folder / "published" / GOOD
    make_video(folder / f"{GOOD}.mkv", SHORT)
    if bonus_bytes:
        (folder / "Featurettes").mkdir()
        (folder / "Featurettes" / "Making of.mkv").write_bytes(os.urandom(bonus_bytes))
    return home.swarm.publish(folder, tmdb_id=774, size_bytes=1_000_000_000)


def test_a_film_is_added_and_ends_up_in_the_library_while_it_is_still_seeded(home: Household) -> None:
    offered = publish_film(home)
    home.swarm.indexer.offers.append(Offer("Workers.Leaving.the.Factory.1895.HDCAM-FAKE", magnet="magnet:?xt=urn:btih:" + "0" * 40, info_hash="0" * 40, tmdb_id=774))  # fmt: skip
    item_id = home.add(FILM, search_now=True)
    home.run_until(lambda: home.state(item_id) == "imported", "the film is imported")
    row = home.the_download(item_id)
    assert row is not None

    (placed,) = [name for name in home.placed(home.films) if name.endswith(".mkv")]
    assert placed.startswith("Workers Leaving the Factory (1895)/Workers Leaving the Factory (1895)")
    fetched = home.client.downloads / GOOD / f"{GOOD}.mkv"
    assert (home.films / placed).samefile(fetched), "a hard link takes no room"
    assert fetched.read_bytes() == (home.folder / "published" / GOOD / f"{GOOD}.mkv").read_bytes()

    (torrent,) = home.client.api.torrents_info()
    assert torrent["hash"] == offered.info_hash
    assert torrent["category"] == "mydia"
    assert torrent["progress"] == 1
    assert torrent["state"] in {"uploading", "stalledUP", "forcedUP", "queuedUP"}, "seeding goes on"

    with home.database.reads() as session:
        item = media.get_item(session, SYSTEM, item_id)
        (held,) = library.holdings.held_qualities(session, item_id)
        assert (item.state, item.files_count, held.quality.name) == ("upgradable", 1, "Bluray-1080p")
        last = downloads.history.last_search(session, ROBIN, item_id)
        assert last is not None
        assert last.sentence == "2 found, 1 accepted; 1 rejected for quality."
        view = downloads.history.get_search(session, ROBIN, last.id)
        assert view.releases[0].verdict == "grabbed"
        assert "Any does not allow" in say(view.releases[1].objections[0])
        story = downloads.history.story_of(session, ROBIN, row.id)
    told = [happened.type for happened in story.events]
    for before, after in zip(
        ["ReleaseGrabbed", "DownloadCompleted", "FileImported"], ["DownloadCompleted", "FileImported", "DownloadImported"]
    ):  # fmt: skip
        assert told.index(before) < told.index(after)
    assert story.files == (placed,)
    assert "Bluray-1080p" in say(row.reasons[0])
    assert "from Public" in say(row.reasons[0])

    home.run_all()
    with home.database.reads() as session:
        assert downloads.queue.list_queue(session, ROBIN) == []
        (seeding,) = downloads.queue.list_queue(session, ROBIN, seeding=True)
        assert seeding.shown_state == "seeding"


def test_a_client_that_is_killed_in_the_middle_loses_nothing(home: Household) -> None:
    publish_film(home, bonus_bytes=6_000_000)
    home.client.api.transfer_set_download_limit(400_000)
    item_id = home.add(FILM, search_now=True)

    def is_coming() -> bool:
        row = home.the_download(item_id)
        return row is not None and row.state == "downloading" and row.progress > 0

    home.run_until(is_coming, "the download has begun")
    home.client.kill()
    home.run_until(lambda: _unreachable_since(home) is not None, "the client is seen to be away")
    before = home.the_download(item_id)
    for _ in range(5):
        downloads.monitor(home.database, home.deps.outside, clock.now())
    after = home.the_download(item_id)
    assert before is not None
    assert after is not None
    assert (after.state, after.progress, after.strikes) == (before.state, before.progress, 0)
    home.client.start()
    home.client.api.transfer_set_download_limit(0)
    # The seeder waits a minute before it reconnects to a peer that disconnected; a restart clears that.
    home.swarm.seeder.kill()
    home.swarm.seeder.start()
    home.run_until(lambda: home.state(item_id) == "imported", "it went on and was imported", within_s=100)
    assert _unreachable_since(home) is None
    assert len([name for name in home.placed(home.films) if name.endswith(".mkv")]) == 1, "the bonus is left out"


def _unreachable_since(home: Household) -> object:
    with home.database.reads() as session:
        unreachable = downloads.queue.queue_summary(session, ROBIN).unreachable
    return unreachable[0][1] if unreachable else None


def test_a_manually_grabbed_season_pack_is_imported_as_episodes(home: Household) -> None:
    name = "Lumiere.Reels.S01.1080p.WEB-DL.H264-ARCHIVE"
    folder = home.folder / "published" / name
    for number in (1, 2, 3):
        make_video(folder / f"Lumiere.Reels.S01E0{number}.1080p.WEB-DL.H264-ARCHIVE.mkv", SHORT)
    home.swarm.publish(folder, tvdb_id=4775, tmdb_id=775, categories=(5000, 5040))
    item_id = home.add(SERIES, search_now=False)
    home.run_all()

    with home.database.writes() as session:
        search_id = downloads.open_search(session, ROBIN, clock.now(), SearchTarget(item_id, season_number=1))
    home.run_all()
    with home.database.reads() as session:
        (release,) = downloads.history.get_search(session, ROBIN, search_id).releases
    assert release.verdict == "refused"
    assert [objection["reason"] for objection in release.objections] == ["size-min"], "tiny, as test videos are"
    with pytest.raises(downloads.Refusal, match=r"minimum for WEBDL-1080p.*anyway"):
        downloads.grab(home.database, home.deps.outside, ROBIN, clock.now(), release.id)
    downloads.grab(home.database, home.deps.outside, ROBIN, clock.now(), release.id, override=True)

    home.run_until(lambda: home.state(item_id) == "imported", "the season is imported")
    names = [name for name in home.placed(home.series) if name.endswith(".mkv")]
    assert len(names) == 3
    assert all("/Season 01/" in name for name in names)
    with home.database.reads() as session:
        assert all(episode.held for episode in media.episodes.episodes_of(session, SYSTEM, item_id))
        row = home.the_download(item_id)
        assert row is not None
        assert any("Robin grabbed it despite" in say(entry) for entry in row.reasons)


def test_removing_a_download_takes_it_out_of_the_real_client(home: Household) -> None:
    publish_film(home, bonus_bytes=6_000_000)
    home.client.api.transfer_set_download_limit(100_000)
    item_id = home.add(FILM, search_now=True)
    home.run_until(lambda: home.state(item_id) == "downloading", "the download has begun")
    row = home.the_download(item_id)
    assert row is not None
    downloads.queue.remove(
        home.database, home.deps.outside, ROBIN, clock.now(), row.id, blocklist=True, search_again=True
    )
    home.run_all()
    wait_until(lambda: home.client.api.torrents_info() == [], "the torrent is gone")
    with home.database.reads() as session:
        last = downloads.history.last_search(session, ROBIN, item_id)
        assert last is not None
        assert last.sentence == "1 found, 0 accepted; 1 rejected for blocklist."
    assert home.state(item_id) == "removed"


def test_a_torrent_removed_in_the_client_fails_with_the_reason(home: Household) -> None:
    publish_film(home, bonus_bytes=6_000_000)
    home.client.api.transfer_set_download_limit(100_000)
    item_id = home.add(FILM, search_now=True)
    home.run_until(lambda: home.state(item_id) == "downloading", "the download has begun")
    home.client.api.torrents_delete(delete_files=True, torrent_hashes="all")
    wait_until(lambda: home.client.api.torrents_info() == [], "the torrent is gone")
    for minutes in (1, 2, 3):
        now = clock.now() + timedelta(minutes=minutes)
        downloads.monitor(home.database, home.deps.outside, now)
    row = home.the_download(item_id)
    assert row is not None
    assert (row.state, say(row.reasons[-1])) == (
        "removed",
        f"{row.client_name} no longer has it: it was removed there.",
    )


@pytest.mark.parametrize("with_files", [False, True])
def test_a_complete_torrent_removed_before_the_import(home: Household, with_files: bool) -> None:
    publish_film(home)
    item_id = home.add(FILM, search_now=True)
    home.run_until(lambda: home.state(item_id) == "completed", "it is whole and not yet imported")
    home.client.api.torrents_delete(delete_files=with_files, torrent_hashes="all")
    content = home.client.downloads / GOOD
    wait_until(lambda: home.client.api.torrents_info() == [] and content.exists() != with_files, "the torrent is gone")
    home.run_until(lambda: home.state(item_id) in {"imported", "blocked"}, "the import has ended")
    if not with_files:
        assert home.state(item_id) == "imported"
        assert any(name.endswith(".mkv") for name in home.placed(home.films))
        return
    row = home.the_download(item_id)
    assert row is not None
    assert row.state == "blocked"
    assert "both were removed before the import" in say(row.reasons[-1])
