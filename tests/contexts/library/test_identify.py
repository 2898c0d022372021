"""New files are matched by ids and names against the library and the catalogue; uncertain ones wait for review."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from mydia import clock
from mydia.adapters.errors import Unreachable
from mydia.adapters.metadata_providers import NoProvider
from mydia.adapters.metadata_providers.base import Ids
from mydia.config import Config
from mydia.contexts import library, media
from mydia.contexts.library.models import FileEpisode, InboxEntry, MediaFile
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import Database
from mydia.errors import Conflict
from mydia.events import EventRow
from tests import builders
from tests.fakes.outside import FakeMetadataProvider, FakeProbe, fake_outside, media_facts


def scan_and_match(
    database: Database, config: Config, path: LibraryPath, provider: object, probe: FakeProbe | None = None
) -> library.MatchReport:
    outside = fake_outside(metadata=provider, probe=probe)  # type: ignore[arg-type]
    library.scanning.run_scan(database, outside, clock.now, path.id)
    return library.match_new_files(database, outside, clock.now, path.id)


def items(database: Database) -> dict[str, media.MediaItem]:
    with database.reads() as session:
        return {item.title: item for item in session.scalars(select(media.MediaItem))}


def files(database: Database) -> dict[str, MediaFile]:
    with database.reads() as session:
        return {row.relative_path: row for row in session.scalars(select(MediaFile))}


def entries(database: Database) -> list[InboxEntry]:
    with database.reads() as session:
        return list(session.scalars(select(InboxEntry).order_by(InboxEntry.id)))


def episodes_in(database: Database, path: str) -> list[str]:
    with database.reads() as session:
        rows = session.execute(
            select(media.Episode.season_number, media.Episode.episode_number)
            .join(FileEpisode, FileEpisode.episode_id == media.Episode.id)
            .join(MediaFile, MediaFile.id == FileEpisode.file_id)
            .where(MediaFile.relative_path == path)
            .order_by(media.Episode.season_number, media.Episode.episode_number)
        )
        return [f"S{season:02}E{number:02}" for season, number in rows]


def test_a_film_with_name_and_year_is_added_with_its_folder(
    database: Database, config: Config, films: LibraryPath
) -> None:
    builders.on_disk(films.path, "Detour (1945)/Detour.1945.1080p.BluRay.x264-GRP.mkv")
    provider = FakeMetadataProvider([builders.film_details("Detour", 1945, tmdb_id=20367)])
    report = scan_and_match(database, config, films, provider)
    assert (report.matched, report.waiting) == (1, 0)
    item = items(database)["Detour"]
    assert (item.tmdb_id, item.folder, item.files_count, item.state) == (20367, "Detour (1945)", 1, "available")
    (row,) = files(database).values()
    assert (row.match_state, row.quality_name, row.release_group) == ("matched", "Bluray-1080p", "GRP")
    assert "match.title" in {one["code"] for one in row.match_evidence}
    assert provider.asked == ["search movie Detour"]
    with database.reads() as session:
        told = session.scalar(select(EventRow.payload).where(EventRow.type == "FileMatched"))
    assert told["media_item_id"] == item.id


def test_an_id_in_the_folder_name_wins(database: Database, config: Config, films: LibraryPath) -> None:
    builders.on_disk(films.path, "Some Foreign Name (1999) {tmdb-20367}/movie.mkv")
    provider = FakeMetadataProvider([builders.film_details("Detour", 1945, tmdb_id=20367)])
    scan_and_match(database, config, films, provider)
    assert items(database)["Detour"].tmdb_id == 20367


def test_an_nfo_beside_the_film_wins_over_its_name(database: Database, config: Config, films: LibraryPath) -> None:
    builders.on_disk(films.path, "dt45/dt45.mkv")
    nfo = Path(films.path) / "dt45/movie.nfo"
    nfo.write_text("<movie><title>Detour</title><year>1945</year><uniqueid type='tmdb'>20367</uniqueid></movie>")
    provider = FakeMetadataProvider([builders.film_details("Detour", 1945, tmdb_id=20367)])
    scan_and_match(database, config, films, provider)
    assert items(database)["Detour"].files_count == 1


def test_a_series_is_one_search_and_all_its_files_are_linked(
    database: Database, config: Config, series: LibraryPath
) -> None:
    for name in (
        "Season 1/Pioneer One - S01E01 - Earthfall.mkv",
        "Season 1/pioneer.one.s01e02e03.720p.web-dl.mkv",
        "Season 01/Pioneer One 1x04.mkv",
        "Specials/Pioneer One - S00E01 - Behind.mkv",
    ):
        builders.on_disk(series.path, f"Pioneer One (2010)/{name}")
    provider = FakeMetadataProvider([builders.show_details(seasons={0: 1, 1: 6})])
    report = scan_and_match(database, config, series, provider)
    assert (report.matched, report.titles_added) == (4, 1)
    assert episodes_in(database, "Pioneer One (2010)/Season 1/pioneer.one.s01e02e03.720p.web-dl.mkv") == [
        "S01E02",
        "S01E03",
    ]
    assert episodes_in(database, "Pioneer One (2010)/Specials/Pioneer One - S00E01 - Behind.mkv") == ["S00E01"]
    item = items(database)["Pioneer One"]
    # Unmonitored specials do not count.
    assert (item.folder, item.files_count, item.episodes_held) == ("Pioneer One (2010)", 4, 4)
    assert [asked for asked in provider.asked if asked.startswith("search")] == ["search tv_show Pioneer One"]


def test_daily_and_absolute_numbers_find_their_episodes(
    database: Database, config: Config, series: LibraryPath
) -> None:
    builders.on_disk(series.path, "Night Shift Radio/Night.Shift.Radio.2010.01.17.mkv")
    builders.on_disk(series.path, "Quiet Orbit/[Group] Quiet Orbit - 08 [1080p].mkv")
    provider = FakeMetadataProvider(
        [
            builders.show_details("Night Shift Radio", 2010, tmdb_id=1, seasons={1: 6}, series_type="daily"),
            builders.show_details("Quiet Orbit", 2012, tmdb_id=2, seasons={1: 6, 2: 6}, series_type="anime"),
        ]
    )
    scan_and_match(database, config, series, provider)
    assert episodes_in(database, "Night Shift Radio/Night.Shift.Radio.2010.01.17.mkv") == ["S01E03"]
    assert episodes_in(database, "Quiet Orbit/[Group] Quiet Orbit - 08 [1080p].mkv") == ["S02E02"]


def test_new_episodes_of_a_known_title_need_no_lookup(database: Database, config: Config, series: LibraryPath) -> None:
    with database.writes() as session:
        builders.show(session, library_path_id=series.id, folder="Pioneer One")
    builders.on_disk(series.path, "Pioneer One/Pioneer.One.S01E05.mkv")
    provider = FakeMetadataProvider()
    scan_and_match(database, config, series, provider)
    assert episodes_in(database, "Pioneer One/Pioneer.One.S01E05.mkv") == ["S01E05"]
    assert provider.asked == []


def test_two_films_with_the_same_name_wait_with_reasons(database: Database, config: Config, films: LibraryPath) -> None:
    builders.on_disk(films.path, "The Lodger.mkv")
    provider = FakeMetadataProvider(
        [
            builders.film_details("The Lodger", 1927, tmdb_id=1, runtime_min=None),
            builders.film_details("The Lodger", 1944, tmdb_id=2, runtime_min=None),
        ]
    )
    report = scan_and_match(database, config, films, provider)
    assert (report.matched, report.waiting) == (0, 1)
    (entry,) = entries(database)
    assert entry.state == "needs_attention"
    assert "1927" in (entry.reason or "")
    assert "1944" in (entry.reason or "")
    assert {candidate["tmdb_id"] for candidate in entry.candidates} == {1, 2}
    assert all(candidate["evidence"] for candidate in entry.candidates)
    assert files(database)["The Lodger.mkv"].match_state == "waiting"


def test_the_runtime_decides_between_two_films_with_the_same_name(
    database: Database, config: Config, films: LibraryPath
) -> None:
    builders.on_disk(films.path, "The Lodger.mkv")
    provider = FakeMetadataProvider(
        [
            builders.film_details("The Lodger", 1927, tmdb_id=1, runtime_min=91),
            builders.film_details("The Lodger", 1944, tmdb_id=2, runtime_min=140),
        ]
    )
    scan_and_match(database, config, films, provider, FakeProbe(default=media_facts(duration_s=91 * 60)))
    assert [item.year for item in items(database).values()] == [1927]


def test_an_unknown_title_waits_as_no_match(database: Database, config: Config, films: LibraryPath) -> None:
    builders.on_disk(films.path, "Family Holiday (2019)/holiday.mkv")
    scan_and_match(database, config, films, FakeMetadataProvider())
    (entry,) = entries(database)
    assert (entry.state, entry.candidates) == ("no_match", [])


def test_an_unreachable_provider_leaves_files_new_and_is_reported(
    database: Database, config: Config, films: LibraryPath
) -> None:
    builders.on_disk(films.path, "Detour (1945)/Detour (1945).mkv")
    provider = FakeMetadataProvider([builders.film_details("Detour", 1945, tmdb_id=20367)])
    provider.trouble = Unreachable("Relay", "no answer")
    report = scan_and_match(database, config, films, provider)
    assert report.postponed == 1
    assert "no answer" in (report.reason or "")
    assert entries(database) == []
    assert [row.match_state for row in files(database).values()] == ["new"]
    provider.trouble = None
    assert library.match_new_files(database, fake_outside(metadata=provider), clock.now, films.id).matched == 1


def test_without_any_provider_names_and_nfo_make_the_library(
    database: Database, config: Config, films: LibraryPath, series: LibraryPath
) -> None:
    builders.on_disk(films.path, "Detour (1945)/Detour (1945).mkv")
    builders.on_disk(films.path, "unclear.mkv")
    (builders.on_disk(films.path, "x/x.mkv").parent / "x.nfo").write_text("<movie><title>Sherlock Jr.</title></movie>")
    builders.on_disk(series.path, "Pioneer One/Season 1/Pioneer One - S01E02 - The Man from Mars.mkv")
    for path in (films, series):
        scan_and_match(database, config, path, NoProvider())
    assert {title: item.provider for title, item in items(database).items()} == {
        "Detour": "none",
        "Sherlock Jr.": "none",
        "Pioneer One": "none",
    }
    assert episodes_in(database, "Pioneer One/Season 1/Pioneer One - S01E02 - The Man from Mars.mkv") == ["S01E02"]
    assert [entry.title for entry in entries(database)] == ["unclear"]


def test_a_mixed_folder_distinguishes_films_and_series(database: Database, config: Config, tmp_path: Path) -> None:
    with database.writes() as session:
        mixed = builders.library_path(session, tmp_path / "mixed", "mixed")
    builders.on_disk(mixed.path, "Detour (1945).mkv")
    builders.on_disk(mixed.path, "Pioneer One/Pioneer One S01E01.mkv")
    provider = FakeMetadataProvider([builders.film_details("Detour", 1945, tmdb_id=1), builders.show_details()])
    scan_and_match(database, config, mixed, provider)
    assert {item.title: item.type for item in items(database).values()} == {"Detour": "movie", "Pioneer One": "tv_show"}


class TestReview:
    """User decisions about waiting files."""

    @pytest.fixture
    def provider(self) -> FakeMetadataProvider:
        return FakeMetadataProvider(
            [
                builders.film_details("The Lodger", 1927, tmdb_id=1, runtime_min=None),
                builders.film_details("The Lodger", 1944, tmdb_id=2, runtime_min=None),
                builders.show_details("Les Vampires", 1915, tmdb_id=3, seasons={1: 10}),
            ]
        )

    def test_choosing_a_candidate_adds_and_links(
        self, database: Database, config: Config, films: LibraryPath, provider: FakeMetadataProvider, admin: Caller
    ) -> None:
        builders.on_disk(films.path, "Lodger/The Lodger.mkv")
        scan_and_match(database, config, films, provider)
        (entry,) = entries(database)
        place = next(n for n, one in enumerate(entry.candidates) if one["tmdb_id"] == 2)
        outside = fake_outside(metadata=provider)
        made = library.inbox.decide(database, outside, admin, clock.now(), entry.id, candidate=place)
        item = items(database)["The Lodger"]
        assert (made.added, made.media_item_id, item.tmdb_id, item.match_locked) == (True, item.id, 2, True)
        assert files(database)["Lodger/The Lodger.mkv"].media_item_id == item.id
        (entry,) = entries(database)
        assert (entry.state, entry.decided_by) == ("done", admin.id)
        with pytest.raises(Conflict):
            library.inbox.decide(database, outside, admin, clock.now(), entry.id, candidate=0)

    def test_a_later_file_of_the_folder_follows_the_decision(
        self, database: Database, config: Config, films: LibraryPath, provider: FakeMetadataProvider, admin: Caller
    ) -> None:
        builders.on_disk(films.path, "Lodger/The Lodger.mkv")
        scan_and_match(database, config, films, provider)
        library.inbox.decide(
            database, fake_outside(metadata=provider), admin, clock.now(), entries(database)[0].id, candidate=1
        )
        builders.on_disk(films.path, "Lodger/The Lodger 720p.mkv")
        assert scan_and_match(database, config, films, provider).matched == 1
        assert len({row.media_item_id for row in files(database).values()}) == 1

    def test_ignored_files_are_not_matched_until_they_are_reopened(
        self, database: Database, config: Config, films: LibraryPath, provider: FakeMetadataProvider, admin: Caller
    ) -> None:
        builders.on_disk(films.path, "Lodger/The Lodger.mkv")
        scan_and_match(database, config, films, provider)
        (entry,) = entries(database)
        with database.writes() as session:
            assert library.inbox.ignore(session, admin, clock.now(), [entry.id]) == 1
        builders.on_disk(films.path, "Lodger/The Lodger 720p.mkv")
        assert scan_and_match(database, config, films, provider).ignored == 1
        assert {row.match_state for row in files(database).values()} == {"ignored"}
        with database.writes() as session:
            library.inbox.reopen(session, admin, clock.now(), [entry.id])
        (entry,) = entries(database)
        assert (entry.state, entry.files_count) == ("needs_attention", 2)

    def test_a_searched_title_can_be_chosen(
        self, database: Database, config: Config, films: LibraryPath, provider: FakeMetadataProvider, admin: Caller
    ) -> None:
        builders.on_disk(films.path, "lg27.mkv")
        scan_and_match(database, config, films, provider)
        (entry,) = entries(database)
        outside = fake_outside(metadata=provider)
        found = library.inbox.search_candidates(database, outside, admin, entry.id, "the lodger")
        assert {one["year"] for one in found} == {1927, 1944}
        found = library.inbox.search_candidates(database, outside, admin, entry.id, "tmdb:1")
        assert [one["tmdb_id"] for one in found] == [1]
        library.inbox.decide(database, outside, admin, clock.now(), entry.id, candidate=0)
        assert items(database)["The Lodger"].year == 1927

    def test_episodes_that_names_do_not_give_are_chosen_manually(
        self, database: Database, config: Config, series: LibraryPath, provider: FakeMetadataProvider, admin: Caller
    ) -> None:
        builders.on_disk(series.path, "Les Vampires/Les Vampires S01E01.mkv")
        builders.on_disk(series.path, "Les Vampires/The Red Cryptogram.mkv")
        scan_and_match(database, config, series, provider)
        (entry,) = entries(database)
        assert "no episode number" in (entry.reason or "")
        item = items(database)["Les Vampires"]
        with database.reads() as session:
            third = media.episodes.episodes_by_number(session, SYSTEM, item.id)[1, 3].id
        file_id = files(database)["Les Vampires/The Red Cryptogram.mkv"].id
        library.inbox.decide(
            database, fake_outside(metadata=provider), admin, clock.now(), entry.id,
            media_item_id=item.id, episode_map={file_id: [third]},
        )  # fmt: skip
        assert episodes_in(database, "Les Vampires/The Red Cryptogram.mkv") == ["S01E03"]

    def test_confident_matches_are_imported_together(
        self, database: Database, films: LibraryPath, provider: FakeMetadataProvider, admin: Caller, config: Config
    ) -> None:
        from mydia.contexts import settings

        with database.writes() as session:
            settings.change_values(session, admin, clock.now(), {"library.match_confident_percent": 100})
        builders.on_disk(films.path, "The Lodger (1927)/The Lodger (1927).mkv")
        builders.on_disk(films.path, "The Lodger (1944)/The Lodger (1944).mkv")
        scan_and_match(database, config, films, provider)
        with database.reads() as session:
            assert library.inbox.inbox_counts(session, SYSTEM).ready == 2
        done = library.inbox.import_ready(database, fake_outside(metadata=provider), admin, clock.now())
        assert (done.decided, done.failures) == (2, ())
        assert len(files(database)) == 2

    def test_a_corrected_match_stays_corrected(
        self, database: Database, config: Config, films: LibraryPath, provider: FakeMetadataProvider, admin: Caller
    ) -> None:
        builders.on_disk(films.path, "The Lodger (1927)/The Lodger (1927).mkv")
        scan_and_match(database, config, films, provider)
        item = items(database)["The Lodger"]
        right = library.matching.Choice(type="movie", title="The Lodger", year=1944, ids=Ids(2))
        library.inbox.rematch_item(database, fake_outside(metadata=provider), admin, clock.now(), item.id, right)
        mended = items(database)["The Lodger"]
        assert (mended.id, mended.tmdb_id, mended.match_locked, mended.files_count) == (item.id, 2, True, 1)
