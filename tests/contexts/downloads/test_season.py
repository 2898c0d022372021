"""A season: 90 days, 40 titles, 5 unreliable indexers with thousands of releases, a client that fails now and then, and kills.

Time is simulated in steps of twelve hours; nothing sleeps. At the end every title is explained and no release was taken twice.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from copy import replace
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from mydia.adapters.download_clients import RemoteState
from mydia.adapters.errors import AdapterError, Limited, Nonsense, Unreachable
from mydia.adapters.indexers import Fetched, IndexerRelease, Known, Newest, Protocols, Query
from mydia.adapters.indexers.pace import keep_pace
from mydia.adapters.kinds import Connection
from mydia.adapters.torrents import read_torrent
from mydia.contexts import downloads, media, settings
from mydia.contexts.downloads import DownloadState, Search, SearchCause, SearchState
from mydia.contexts.downloads.models import FeedState
from mydia.contexts.metadata import Details, EpisodeDetails, Ids, SeasonDetails
from mydia.contexts.settings import IndexerRow
from mydia.contexts.settings.models import IndexerUse
from mydia.contexts.users import SYSTEM
from mydia.units import GIB
from tests.contexts.downloads.conftest import House, torrent
from tests.fakes.outside import FakeIndexer, fake_outside

DAYS = 90
STEPS_A_DAY = 2
FILMS, SERIES, EPISODES = 20, 20, 6
QUALITIES = ("720p.WEB.h264", "1080p.WEB.h264", "1080p.BluRay.x264", "2160p.WEB.h265", "HDCAM.x264")
QUERIES_PER_DAY = 120


class Killed(BaseException):
    """Stands for kill -9: nothing after it runs."""


@dataclass
class SeasonIndexer(FakeIndexer):
    """An indexer whose feed holds its newest releases and whose answers can fail."""

    def __init__(self, number: int) -> None:
        super().__init__(
            connection=Connection(
                id=f"season-{number}", name=f"Indexer {number}", kind="torznab", url=f"http://indexer-{number}.test"
            )
        )
        self.page_size = 25
        self.feed: list[IndexerRelease] = []
        """The newest first."""
        self.by_title: dict[str, list[IndexerRelease]] = {}

    def publish(self, work: str, release: IndexerRelease) -> None:
        """List a release of a work."""
        self.feed.insert(0, release)
        del self.feed[300:]
        self.by_title.setdefault(work, []).append(release)

    def search(self, query: Query) -> list[IndexerRelease]:
        keep_pace(self.connection)
        self._ask()
        found = self.by_title.get(query.text, [])
        code = "" if query.season is None or query.episode is None else f".S{query.season:02}E{query.episode:02}."
        return [release for release in found if code in release.title][: query.limit]

    def catch_up(self, known: Known, *, limit: int = 1_000) -> Newest:
        found: list[IndexerRelease] = []
        reached = ended = False
        for start in range(0, max(1, min(len(self.feed), limit)), self.page_size):
            keep_pace(self.connection)
            self._ask()
            page = self.feed[start : start + self.page_size]
            found += page
            ended = start + self.page_size >= len(self.feed)
            if reached := known.is_reached_by(page, ended=ended):
                break
        return Newest(releases=tuple(found), reached=reached, ended=ended)

    def fetch(self, release_url: str) -> Fetched:
        keep_pace(self.connection)
        self._ask()
        name = release_url.rpartition("/")[2]
        return Fetched(torrent(f"{name}.mkv"), None)


@dataclass
class Season:
    """The simulated household."""

    house: House
    indexers: list[SeasonIndexer]
    chance: random.Random = field(default_factory=lambda: random.Random(90))
    out: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    """`Film 3` or `Show 4.S01E02` -> (when it came out, the work's title)."""
    published: int = 0
    gaps: int = 0

    def publish(self, now: datetime) -> None:
        """List what appears in this step: releases of what came out in the last days, and many unwanted ones."""
        for name, (at, work) in self.out.items():
            if at <= now < at + timedelta(days=4) and self.chance.random() < 0.7:
                quality = self.chance.choice(QUALITIES)
                group = self.chance.choice(("GRP", "TEAM", "CREW"))
                year = "" if ".S01E" in name else ".2026"
                self._list(work, f"{name.replace(' ', '.')}{year}.{quality}-{group}", now)
        for number in range(self.chance.randint(12, 26)):
            title = f"Unwanted.{now:%m%d%H}.{number}.2019.1080p.WEB.h264-GRP"
            self._list("", title, now)

    def _list(self, work: str, title: str, now: datetime) -> None:
        content = torrent(f"{title}.mkv")
        info_hash = read_torrent(content).info_hashes[0]
        for place in self.chance.sample(self.indexers, self.chance.randint(1, 3)):
            release = IndexerRelease(
                guid=f"{place.connection.id}/{self.published}",
                title=title,
                protocol=Protocols.TORRENT,
                download_url=f"{place.connection.url}/{title}",
                info_hash=info_hash if self.chance.random() < 0.8 else None,
                size_bytes=3 * GIB if ".S01E" not in title else GIB,
                published_at=now if self.chance.random() < 0.9 else None,
                seeders=self.chance.randint(1, 200),
            )
            self.published += 1
            place.publish(work, release)
            if self.chance.random() < 0.05:
                place.publish(work, replace(release, guid=f"{release.guid}/again"))

    def break_something(self, step: int) -> None:
        """Give each indexer a new fault, or none; the last one is gone for a week in the middle of the season."""
        faults: tuple[Callable[[str], AdapterError], ...] = (
            lambda name: Unreachable(name, "no answer"),
            lambda name: Limited(name, "limit reached", retry_after_s=7200),
            lambda name: Nonsense(name, "returned a web page"),
        )
        for one in self.indexers:
            broken = self.chance.random() < 0.15
            one.trouble = self.chance.choice(faults)(one.connection.name) if broken else None
        if 75 <= step < 89:
            self.indexers[-1].trouble = Unreachable(self.indexers[-1].connection.name, "no answer")
        self.house.client.go_away() if self.chance.random() < 0.05 else self.house.client.come_back()

    def download(self, now: datetime) -> None:
        """Let the client finish what it has, or fail; then import it."""
        house = self.house
        house.client.come_back()
        for row in house.downloads():
            if row.state not in downloads.OPEN_STATES or row.client_ref not in house.client.downloads:
                continue
            if self.chance.random() < 0.08:
                house.client.change(row.client_ref, state=RemoteState.FAILED)
                continue
            for file in house.client.files(row.client_ref):
                path = Path(house.client.folder) / file.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(path.name.encode() * 20)
            house.client.finish(row.client_ref)
        downloads.monitor(house.database, house.outside, now)
        for row in house.downloads():
            if row.state == DownloadState.COMPLETED:
                downloads.importing.import_download(house.database, house.outside, SYSTEM, now, row.id)


@pytest.fixture
def season(house: House) -> Season:
    indexers = [SeasonIndexer(number) for number in range(5)]
    house.outside = fake_outside(clients=[house.client], indexers=indexers, probe=house.probe)
    made = Season(house, indexers)
    start = house.now
    with house.database.writes() as session:
        session.delete(session.get_one(IndexerRow, "indexer-1"))
        for item_id in (house.film_id, house.series_id):
            media.monitoring.change_monitoring(session, SYSTEM, house.now, item_id, False)
        for number, one in enumerate(indexers):
            options = {"queries_per_day": QUERIES_PER_DAY} if number == 0 else {}
            session.add(
                IndexerRow(
                    id=one.connection.id,
                    name=one.connection.name,
                    kind="torznab",
                    url=one.connection.url,
                    priority=number + 1,
                    options=options,
                    created_at=start,
                )
            )
        profile = settings.profiles.find_profile(session, "Any")
        assert profile is not None
        for number in range(FILMS):
            on = (start + timedelta(days=made.chance.randint(0, 75))).date()
            title = f"Film {number}"
            made.out[title] = (datetime.combine(on, start.timetz()), title)
            details = Details(
                type="movie",
                title=title,
                original_title=title,
                ids=Ids(tmdb_id=5000 + number),
                provider="tmdb",
                year=2026,
                status="released",
                digital_on=on,
                runtime_min=100,
            )
            _add(session, house, profile.id, details, "films")
        for number in range(SERIES):
            first = start + timedelta(days=made.chance.randint(0, 30))
            title = f"Show {number}"
            told = []
            for episode in range(1, EPISODES + 1):
                at = first + timedelta(days=7 * (episode - 1))
                made.out[f"{title}.S01E{episode:02}"] = (at, title)
                told.append(
                    EpisodeDetails(
                        season_number=1,
                        episode_number=episode,
                        title=f"Part {episode}",
                        air_on=at.date(),
                        runtime_min=50,
                    )
                )
            seasons = (SeasonDetails(number=1, title="Season 1", episodes=tuple(told)),)
            details = Details(
                type="tv_show",
                title=title,
                original_title=title,
                ids=Ids(tmdb_id=6000 + number, tvdb_id=7000 + number),
                provider="tmdb",
                year=2026,
                status="continuing",
                series_type="standard",
                seasons=seasons,
            )
            _add(session, house, profile.id, details, "series", seasons)
    return made


def _add(
    session: object,
    house: House,
    profile_id: str,
    details: Details,
    path_id: str,
    seasons: tuple[SeasonDetails, ...] = (),
) -> None:
    new = media.NewItem(
        type=details.type,
        title=details.title,
        year=details.year,
        ids=details.ids,
        library_path_id=path_id,
        profile_id=profile_id,
        details=details,
        seasons=seasons,
    )
    media.add_item(session, SYSTEM, house.now, new, search_now=False)  # type: ignore[arg-type]


def test_a_season_ends_with_every_title_explained_and_no_release_taken_twice(
    season: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = season.house
    kills = set(season.chance.sample(range(10, DAYS * STEPS_A_DAY), 25))
    places = ("judging.store", "syncing.grab_best", "judging.finish", "state.advance")
    with house.database.reads() as session:
        everything = list(session.scalars(select(media.MediaItem.id)))
    for step in range(DAYS * STEPS_A_DAY):
        now = house.later(hours=24 / STEPS_A_DAY)
        season.publish(now)
        season.break_something(step)
        if step % STEPS_A_DAY == 0:
            with house.database.writes() as session:
                media.holdings.roll_over(session, now, everything)
        with monkeypatch.context() as patched:
            if step in kills:
                patched.setattr(f"mydia.contexts.downloads.feeds.{season.chance.choice(places)}", _die)
            try:
                season.gaps += downloads.feeds.sync(house.database, house.outside, now).gaps
            except Killed:
                downloads.recover_grabs(house.database, house.outside, now, all=True)
        downloads.pending.take_due(house.database, house.outside, now)
        downloads.pending.grab_pending(house.database, house.outside, now)
        if step % 2 == 0:
            _search_backlog(house, now)
        season.download(now)
    for _ in range(3):
        now = house.later(hours=24 / STEPS_A_DAY)
        for one in season.indexers:
            one.trouble = None
        downloads.feeds.sync(house.database, house.outside, now)
        season.download(now)

    _no_release_was_taken_twice(house)
    _limits_were_kept(house)
    _gaps_are_recorded(season)
    missing = _every_title_is_explained(season)
    assert season.published > 5_000
    assert missing <= 8, "most of what came out is in the library"


def _die(*_args: object, **_options: object) -> None:
    raise Killed


def _search_backlog(house: House, now: datetime) -> None:
    with house.database.reads() as session:
        due = downloads.targets.due_searches(session, now, limit=3)
    for target in due:
        downloads.search_and_grab(
            house.database, house.outside, SYSTEM, now, target, cause=SearchCause.BACKLOG, only_due=True
        )


def _no_release_was_taken_twice(house: House) -> None:
    rows = house.downloads()
    assert len(rows) > 100
    for kind in (
        Counter((row.version_id, row.info_hash) for row in rows),
        Counter((row.version_id, row.release_title) for row in rows),
        Counter(new.name for new in house.client.added),
    ):
        assert not {key: count for key, count in kind.items() if count > 1}
    with house.database.reads() as session:
        open_ = session.scalars(select(Search).where(Search.state == "running", Search.cause == "rss")).all()
    assert not open_, "every interrupted run was finished"


def _limits_were_kept(house: House) -> None:
    with house.database.reads() as session:
        uses = session.scalars(select(IndexerUse).where(IndexerUse.indexer_id == "season-0")).all()
    assert uses
    for row in uses:
        day = sum(one.queries for one in uses if row.hour_at <= one.hour_at < row.hour_at + timedelta(hours=24))
        assert day <= QUERIES_PER_DAY + 60, "one search or read may pass the limit, and then no more"


def _gaps_are_recorded(season: Season) -> None:
    with season.house.database.reads() as session:
        states = {row.indexer_id: row for row in session.scalars(select(FeedState))}
    assert set(states) == {one.connection.id for one in season.indexers}
    assert len(season.house.events("FeedGapFound")) == season.gaps


def _every_title_is_explained(season: Season) -> int:
    """Everything that came out is held or coming, or its searches and decisions say why not. Return how many are missing."""
    house = season.house
    with house.database.reads() as session:
        now = house.now
        films = set(media.wanted.films_to_search(session))
        episodes = media.wanted.episodes_to_search(session, now)
        searched = {(row.version_id, row.episode_id): row for row in session.scalars(select(SearchState))}
        coming = {row.version_id for row in house.downloads() if row.state in downloads.OPEN_STATES}
        wanted = [(item, version, "") for item, version in films] + list(episodes)
        for item_id, version_id, episode_id in wanted:
            if version_id in coming:
                continue
            state = searched.get((version_id, episode_id))
            assert state is not None, f"{item_id} {episode_id} was never searched"
            assert state.last_search_id is not None
            assert state.next_due_at is not None
            last = downloads.history.find_search(session, SYSTEM, state.last_search_id)
            assert last is not None
            assert downloads.wording.search_sentence(last)
        movies, _ = media.wanted.wanted_movies(session, SYSTEM, limit=500)
        shows, _ = media.wanted.wanted_episodes(session, SYSTEM, now, limit=500)
    return len(movies) + len(shows)
