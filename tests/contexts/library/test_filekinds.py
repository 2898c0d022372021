"""Extras and samples are recognised by folder and marker; a disc is one file; titles may start with a dot."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from mydia import clock
from mydia.contexts import library
from mydia.contexts.library.filekinds import judge_files, may_enter, title_folder
from mydia.contexts.library.models import MediaFile, Sidecar
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from tests import builders
from tests.fakes.outside import FakeMetadataProvider, fake_outside

MAIN = "Heat (1995)/Heat (1995).mkv"


def kind(path: str, *beside: str, size_bytes: int = 1000) -> tuple[str, str | None] | None:
    judged = judge_files([(path, size_bytes), *((name, 8_000_000_000) for name in beside)]).get(path)
    return None if judged is None else (str(judged.kind), judged.left_out and str(judged.left_out))


@pytest.mark.parametrize(
    "path",
    [
        "The Big Short (2015)/The Big Short.mkv",
        "Life Is Short/Life.Is.Short.mkv",
        "The Clip (2012)/The Clip.mkv",
        "A Crime Scene.mkv",
        "Show/Season 2/Show - S02E05 - The Interview.mkv",
        "Show/Show.S02E05.The.Interview.mkv",
        "Show/Season 1/Show - S01E01 - The Trailer [HDTV-720p].mkv",
        "Show/Season 1/Show - S01E04 - Free Sample.mkv",
        "Free.Sample.2012.1080p.mkv",
        "Movie/Movie.2010.1080p.BluRay.x264-SCENE.mkv",
        "Movie/Movie.2010.1080p.BluRay.x264-SHORT.mkv",
        "Movie/movie.2010.720p.web-other.mkv",
        "Comedy/Extras/Season 1/Extras - S01E02.mkv",
        "Drama/Shorts/Shorts (2009).mkv",
        "Trailer (2010)/Trailer.mkv",
        "Bio-Short.mkv",
        "Show-s03-x01-The_Mill.mkv",
        "...And Justice for All (1979).mkv",
        ".45 (2006)/.45 (2006).mkv",
        ".hack - 01.mkv",
    ],
)
def test_a_title_that_ends_in_an_extras_word_is_not_an_extra(path: str) -> None:
    assert kind(path) == ("video", None)


@pytest.mark.parametrize(
    ("path", "left_out"),
    [
        ("Heat (1995)/Featurettes/Making of.mkv", "extras_folder"),
        ("Show/Season 8/Behind The Scenes/Show S08E01.mkv", "extras_folder"),
        ("Heat (1995)/Heat (1995)-trailer.mkv", "extra_marker"),
        ("Heat (1995)/The World of Heat-other.mkv", "extra_marker"),
        ("Heat (1995)/Heat_(1995)-x02-Making_Of.mkv", "extra_marker"),
        ("Heat (1995)/Heat (1995) Trailer.mkv", "extra_marker"),
        ("Heat (1995)/trailer.mkv", "extra_marker"),
        ("Show/Specials/Show - NCED.mkv", "extra_marker"),
        ("Heat (1995)/Sample/heat.mkv", "sample_folder"),
        ("Heat (1995)/sample.mkv", "sample_name"),
        ("Heat (1995)/heat.1995.1080p.bluray.x264-grp-sample.mkv", "sample_name"),
        ("Heat (1995)/heat.1995.1080p.sample.mkv", "sample_name"),
    ],
)
def test_skipped_files_have_a_reason(path: str, left_out: str) -> None:
    found = kind(path, MAIN)
    assert found is not None
    assert found[1] == left_out
    assert library.filekinds.LEFT_OUT_SENTENCES[library.filekinds.LeftOut(left_out)].endswith(".")


@pytest.mark.parametrize("path", ["A/._movie.mkv", "A/.DS_Store", "A/.mydia-1.part", "A/.nfs0001.mkv"])
def test_system_files_are_ignored(path: str) -> None:
    assert kind(path) is None


def test_hidden_folders_are_skipped_unless_they_are_titles() -> None:
    entered = [name for name in (".45 (2006)", "...And Justice", ".Trash-1000", ".git", "@eaDir") if may_enter(name)]
    assert entered == [".45 (2006)", "...And Justice"]


def test_season_folders_of_a_title_belong_to_it() -> None:
    assert title_folder("Andor [tmdbid-1]/FunkyName.S02/E01.mkv") == "Andor [tmdbid-1]"
    assert title_folder("Game of Thrones/Game of Thrones Season 1/S01E02.mkv") == "Game of Thrones"
    assert title_folder("Incoming/Show.S01.1080p-GRP/Show.S01E01.mkv") == "Incoming/Show.S01.1080p-GRP"


@pytest.mark.parametrize(
    ("names", "main", "quality"),
    [
        (("BDMV/STREAM/00000.m2ts", "BDMV/STREAM/00055.m2ts", "BDMV/index.bdmv"), "BDMV/STREAM/00055.m2ts", "BR-DISK"),
        (("VIDEO_TS/VIDEO_TS.IFO", "VIDEO_TS/VTS_01_1.VOB", "VIDEO_TS/VTS_01_0.BUP"), "VIDEO_TS/VTS_01_1.VOB", "DVD"),
        (("Disc 1/VIDEO_TS/VIDEO_TS.IFO",), "Disc 1/VIDEO_TS/VIDEO_TS.IFO", "DVD"),
    ],
)
def test_a_disc_is_one_file_of_one_film(
    names: tuple[str, ...], main: str, quality: str, database: Database, films: LibraryPath
) -> None:
    for place, name in enumerate(names, 1):
        builders.on_disk(
            films.path, f"Heat (1995)/{name}", 1000 * (3 if name.endswith(main.rpartition("/")[2]) else 1) + place
        )
    outside = fake_outside(metadata=FakeMetadataProvider([builders.film_details("Heat", 1995, tmdb_id=949)]))
    library.scanning.run_scan(database, outside, clock.now, films.id)
    report = library.match_new_files(database, outside, clock.now, films.id)
    assert (report.matched, report.waiting) == (1, 0)
    with database.reads() as session:
        (row,) = session.scalars(select(MediaFile)).all()
        beside = session.scalars(select(Sidecar)).all()
        (file,) = library.files.files_of_item(session, SYSTEM, row.media_item_id or "")
    assert (row.relative_path, file.quality.name) == (f"Heat (1995)/{main}", quality)
    assert {one.relative_path for one in beside} == {f"Heat (1995)/{n}" for n in names} - {row.relative_path}
    assert {one.file_id for one in beside} <= {row.id}
    # The streams keep their names, and the whole disc is removed with the film.
    with database.reads() as session:
        assert library.renaming.rename_preview(session, outside, SYSTEM, [row.media_item_id or ""]) == []
    removed = library.recycle.remove_item(
        database, outside, SYSTEM, clock.now(), row.media_item_id or "", files="recycle"
    )
    assert removed.files == len(names)


def test_a_file_an_earlier_version_treated_as_an_extra_is_matched_now(database: Database, films: LibraryPath) -> None:
    builders.on_disk(films.path, "The Big Short (2015)/The Big Short.mkv", 1000)
    outside = fake_outside(metadata=FakeMetadataProvider([builders.film_details("The Big Short", 2015)]))
    library.scanning.run_scan(database, outside, clock.now, films.id)
    with database.writes() as session:
        (row,) = session.scalars(select(MediaFile)).all()
        row.kind, row.match_state = "extra", "ignored"
    library.scanning.run_scan(database, outside, clock.now, films.id)
    assert library.match_new_files(database, outside, clock.now, films.id).matched == 1


def test_files_skipped_by_a_scan_are_listed(database: Database, films: LibraryPath) -> None:
    builders.on_disk(films.path, "Heat (1995)/Featurettes/Making of.mkv", 1000)
    library.scanning.run_scan(database, fake_outside(), clock.now, films.id)
    with database.reads() as session:
        (file,) = library.files.list_files(session, SYSTEM, left_out=True).files
    assert file.left_out == "extras_folder"
