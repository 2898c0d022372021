"""Two versions of one title: each is wanted, grabbed, imported and upgraded separately."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from mydia.contexts import downloads, library, media, settings
from mydia.contexts.downloads import SearchTarget
from mydia.contexts.settings.models import QualityProfile
from mydia.contexts.users import SYSTEM
from mydia.units import GIB
from mydia.vocabulary import MediaType
from tests import builders
from tests.contexts.downloads.conftest import House
from tests.fakes.outside import media_facts

HD = "Metropolis.1927.1080p.BluRay.x264-GRP"
UHD = "Metropolis.1927.2160p.WEB-DL.x265-GRP"
BETTER_UHD = "Metropolis.1927.2160p.Remux.x265-GRP"
# Sizes that the profiles accept.
_SIZES_GIB = (("1927.2160p", 30), ("1927.1080p", 8), ("2160p", 9), ("1080p", 4))


@pytest.fixture
def uhd_folder(house: House, tmp_path: Path) -> Path:
    """A library folder for 4K files, and a profile that upgrades up to Remux-2160p."""
    folder = tmp_path / "uhd"
    folder.mkdir()
    with house.database.writes() as session:
        session.add(settings.LibraryPath(id="uhd", path=str(folder), name="4K", type="mixed", created_at=house.now))
        profile = session.scalars(select(QualityProfile).where(QualityProfile.name == "4K/UHD")).one()
        profile.upgrades_allowed, profile.cutoff = True, "Remux-2160p"
    return folder


@pytest.fixture
def film_uhd(house: House, uhd_folder: Path) -> str:
    with house.database.writes() as session:
        return builders.version(session, house.film_id, library_path_id="uhd", now=house.now).id


@pytest.fixture
def series_uhd(house: House, uhd_folder: Path) -> str:
    with house.database.writes() as session:
        return builders.version(session, house.series_id, library_path_id="uhd", now=house.now).id


def wanted(house: House, *, upgrades: bool = False) -> list[tuple[str, str]]:
    """The rows of the list of wanted titles: film or episode, and version."""
    found: list[media.wanted.Wanted] = []
    with house.database.reads() as session:
        for kind in (MediaType.MOVIE, MediaType.TV_SHOW):
            cursor: str | None = None
            while True:
                if kind is MediaType.MOVIE:
                    page, cursor = media.wanted.wanted_movies(
                        session, SYSTEM, upgrades=upgrades, cursor=cursor, limit=1
                    )
                else:
                    page, cursor = media.wanted.wanted_episodes(
                        session, SYSTEM, house.now, upgrades=upgrades, cursor=cursor, limit=1
                    )
                found += page
                if cursor is None:
                    break
        counts = media.wanted.wanted_counts(session, SYSTEM)
    word = "upgradable" if upgrades else "missing"
    assert len(found) == counts[f"{word}_movies"] + counts[f"{word}_episodes"]
    return [(one.code or one.title, one.version_name) for one in found]


def due(house: House, item_id: str) -> set[str]:
    """Names of the versions of a title that the next automatic search covers."""
    with house.database.reads() as session:
        names = {row.id: row.name for row in media.versions.versions_of(session, [item_id])[item_id]}
        targets = downloads.targets.due_searches(session, house.now, limit=100)
    return {names[target.version_id or ""] for target in targets if target.item_id == item_id}


def files_in(folder: Path) -> list[str]:
    """Names of the videos in a library folder, without its recycle bin."""
    return sorted(
        path.name
        for path in folder.rglob("*.mkv")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def take(house: House, title: str, version_id: str | None, **target: object) -> str:
    """Search for a version, grab the release with this title, finish and import it."""
    if "2160p" in title:
        house.probe.facts[f"{title}.mkv"] = media_facts(2160, duration_s=9000)
    house.offer(title, next(size for part, size in _SIZES_GIB if part in title) * GIB)
    rows = house.releases(house.search(version_id=version_id, **target))
    release = next(row for row in rows if row.title == title)
    assert release.verdict == "approved", release.objections
    download_id = house.grab(release.id)
    assert house.download(download_id).version_id == release.version_id
    house.finish(download_id)
    house.bring_in(download_id)
    assert house.download(download_id).state == "imported", house.download(download_id).reasons
    return download_id


def test_a_film_in_two_versions_from_wanted_to_upgrade(house: House, film_uhd: str, uhd_folder: Path) -> None:
    film = "Metropolis"
    assert [one for one in wanted(house) if one[0] == film] == [(film, "Default"), (film, "4K")]
    assert due(house, house.film_id) == {"Default", "4K"}

    take(house, UHD, film_uhd)
    assert (len(files_in(uhd_folder)), files_in(house.films)) == (1, [])
    assert [one for one in wanted(house) if one[0] == film] == [(film, "Default")]
    assert wanted(house, upgrades=True) == [(film, "4K")]
    assert house.item_state() == "partial", "one of two versions is here"

    take(house, HD, None)
    (hd_file,) = files_in(house.films)
    assert len(files_in(uhd_folder)) == 1, "the other version keeps its file"
    assert [one for one in wanted(house) if one[0] == film] == []
    assert ("Metropolis", "4K") in wanted(house, upgrades=True)
    assert house.item_state() == "upgradable"

    (first_uhd,) = files_in(uhd_folder)
    house.later(days=8)
    take(house, BETTER_UHD, film_uhd)
    (better,) = files_in(uhd_folder)
    assert "Remux" in better
    assert better != first_uhd
    assert files_in(house.films) == [hd_file], "an upgrade of one version leaves the other alone"
    assert ("Metropolis", "4K") not in wanted(house, upgrades=True)
    with house.database.reads() as session:
        held = library.holdings.held_qualities(session, house.film_id)
    assert sorted(one.quality.name for one in held) == ["Bluray-1080p", "Remux-2160p"]


def test_a_running_download_of_one_version_leaves_the_other_wanted(house: House, film_uhd: str) -> None:
    house.offer(UHD, 30 * GIB)
    (release,) = house.releases(house.search(version_id=film_uhd))
    house.grab(release.id)
    assert house.item_state() == "downloading"
    assert [one for one in wanted(house) if one[0] == "Metropolis"] == [("Metropolis", "Default")]
    assert due(house, house.film_id) == {"Default"}


def test_a_version_that_is_not_monitored_is_not_wanted(house: House, film_uhd: str) -> None:
    with house.database.writes() as session:
        row = session.get(media.Version, film_uhd)
        assert row is not None
        row.monitored = False
        library.holdings.refresh_holdings(session, house.now, house.film_id)
    assert [one for one in wanted(house) if one[0] == "Metropolis"] == [("Metropolis", "Default")]
    take(house, HD, None)
    assert house.item_state() in ("available", "upgradable")
    assert due(house, house.film_id) <= {"Default"}


def test_a_file_without_a_version_is_never_replaced_by_another_version(
    house: House, film_uhd: str, uhd_folder: Path
) -> None:
    take(house, HD, None)
    with house.database.writes() as session:
        (file,) = session.scalars(
            select(library.MediaFile).where(library.MediaFile.media_item_id == house.film_id)
        ).all()
        file.version_id = None  # as after its version was removed
        library.holdings.refresh_holdings(session, house.now, house.film_id)
    take(house, UHD, film_uhd)
    assert (len(files_in(house.films)), len(files_in(uhd_folder))) == (1, 1)


def test_episodes_are_wanted_and_imported_for_each_version(house: House, series_uhd: str, uhd_folder: Path) -> None:
    episodes = [f"S01E{n:02}" for n in range(1, 5)]
    both = sorted((code, name) for code in episodes for name in ("4K", "Default"))
    assert sorted(one for one in wanted(house) if one[0] in episodes) == both
    first = house.episode_ids()[0]
    house.probe.default = media_facts(1080, duration_s=3000)
    title = "Silo.S01E01.2160p.WEB-DL.x265-GRP"
    take(house, title, series_uhd, item_id=house.series_id, season_number=1, episode_ids=(first,))
    assert len(files_in(uhd_folder)) == 1
    assert sorted(one for one in wanted(house) if one[0] in episodes) == [
        one for one in both if one != ("S01E01", "4K")
    ]
    assert wanted(house, upgrades=True) == [("S01E01", "4K")]

    title = "Silo.S01E01.1080p.WEB-DL.x264-GRP"
    take(house, title, None, item_id=house.series_id, season_number=1, episode_ids=(first,))
    assert (len(files_in(house.series)), len(files_in(uhd_folder))) == (1, 1)
    assert "S01E01" not in {code for code, _ in wanted(house)}
    with house.database.reads() as session:
        targets = downloads.targets.plan_targets(session, house.now, SearchTarget(house.series_id, series_uhd))
    assert {id for target in targets for id in target.episode_ids} == set(house.episode_ids()), "S01E01 is below Remux"
    with house.database.reads() as session:
        card = media.get_item(session, SYSTEM, house.series_id)
    assert (card.state, card.episodes_held, card.episodes_total) == ("partial", 1, 4)


def test_a_file_found_in_the_folder_of_a_version_belongs_to_it(house: House, film_uhd: str, uhd_folder: Path) -> None:
    builders.on_disk(uhd_folder, "Metropolis (1927)/Metropolis (1927) Bluray-2160p.mkv", 200_000_000)
    library.scanning.run_scan(house.database, house.outside, lambda: house.now, "uhd")
    library.match_new_files(house.database, house.outside, lambda: house.now, "uhd")
    with house.database.reads() as session:
        (file,) = session.scalars(
            select(library.MediaFile).where(library.MediaFile.media_item_id == house.film_id)
        ).all()
    assert file.version_id == film_uhd
    assert [one for one in wanted(house) if one[0] == "Metropolis"] == [("Metropolis", "Default")]
