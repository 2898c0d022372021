"""Files are analysed for their real content, and their facts are listed in reading order."""

from __future__ import annotations

import pytest

from mydia import clock
from mydia.contexts import library, media
from mydia.contexts.library.filekinds import classify, is_too_short, title_folder
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from tests import builders
from tests.fakes.outside import FakeProbe, fake_outside, media_facts
from tests.fakes.videos import FFMPEG, MISSING, Video, make_video


def test_a_wrong_resolution_in_the_name_is_corrected(database: Database, films: LibraryPath) -> None:
    builders.on_disk(films.path, "Detour.mkv", 200_000)
    with database.writes() as session:
        item = builders.film(session, "Detour", 1945, library_path_id=films.id)
        builders.media_file(session, films, "Detour.mkv", item=item, quality="WEBDL-2160p")
    probe = FakeProbe({"Detour.mkv": media_facts(720)})
    assert library.analyse_files(database, fake_outside(probe=probe), clock.now) == 1
    with database.reads() as session:
        (file,) = library.files.files_of_item(session, SYSTEM, item.id)
        assert file.quality.name == "WEBDL-720p"
        assert file.spec.parts == ("720p", "WEB-DL", "H.264", "AAC 2.0")
        assert media.get_item(session, SYSTEM, item.id).best_resolution == 720
        (held,) = library.holdings.held_qualities(session, item.id)
        assert (held.file_id, held.quality.name) == (file.id, "WEBDL-720p")


def test_a_damaged_file_keeps_its_error_and_is_not_retried(database: Database, films: LibraryPath) -> None:
    builders.on_disk(films.path, "broken.mkv")
    probe = FakeProbe()
    probe.damaged.add("broken.mkv")
    outside = fake_outside(probe=probe)
    library.scanning.run_scan(database, outside, clock.now, films.id)
    assert library.analyse_files(database, outside, clock.now) == 1
    assert library.analyse_files(database, outside, clock.now) == 0
    with database.reads() as session:
        (file,) = library.files.list_files(session, SYSTEM, failed_analysis=True).files
    assert file.analysis_error == "is not a media file"
    probe.damaged.clear()
    library.analyse_file(database, outside, SYSTEM, clock.now(), file.id)
    with database.reads() as session:
        assert library.files.get_file(session, SYSTEM, file.id).analysis_error is None


@pytest.mark.skipif(FFMPEG is None, reason=MISSING)
def test_the_streams_of_a_real_video_are_read(database: Database, films: LibraryPath) -> None:
    from pathlib import Path

    from mydia.adapters.media_tools import KINDS

    make_video(
        Path(films.path) / "Sintel (2010).mkv",
        Video(width=1920, height=800, audio=(("ac3", "5.1", "eng"),), subtitles=(("ger", "forced"),)),
    )
    outside = fake_outside()
    from copy import replace

    outside = replace(outside, probe=KINDS["mediainfo"]())
    library.scanning.run_scan(database, outside, clock.now, films.id)
    library.analyse_files(database, outside, clock.now)
    with database.reads() as session:
        (file,) = library.files.list_files(session, SYSTEM).files
    assert (file.spec.resolution, file.audio_channels, file.subtitle_tracks[0]["forced"]) == ("1080p", "5.1", True)


def test_a_file_is_found_by_its_whole_path_only(database: Database, films: LibraryPath) -> None:
    with database.writes() as session:
        builders.media_file(session, films, "A/a.mkv")
    with database.reads() as session:
        found = library.files.find_file_by_path(session, SYSTEM, f"{films.path}/A/a.mkv")
        assert found is not None
        assert library.files.find_file_by_path(session, SYSTEM, f"{films.path}2/A/a.mkv") is None


@pytest.mark.parametrize(
    ("path", "size", "kind"),
    [
        ("Film (2001)/Film (2001).MKV", 10**9, "video"),
        ("Film (2001)/Sample/film.mkv", 10**7, "sample"),
        ("Film (2001)/film-sample.mkv", 10**7, "sample"),
        ("The Sample (2001)/The Sample (2001).mkv", 10**7, "video"),
        ("Sample (2001)/Sample (2001).mkv", 10**7, "video"),
        ("Film (2001)/Behind The Scenes/x.mkv", 10**7, "extra"),
        ("Film (2001)/Film-behindthescenes.mkv", 10**7, "extra"),
        ("Shorts/La Jetee (1962).mkv", 10**9, "video"),
        ("Show/Specials/Show S00E01.mkv", 10**9, "video"),
        ("Film (2001)/._Film.mkv", 4096, None),
        ("Film (2001)/film.en.srt", 100, "subtitle"),
        ("Film (2001)/movie.nfo", 100, "nfo"),
        ("Film (2001)/poster.jpg", 100, "artwork"),
        ("Film (2001)/readme.txt", 100, None),
        (".nomedia", 0, "stop"),
    ],
)
def test_kinds_of_files(path: str, size: int, kind: str | None) -> None:
    found = classify(path, size)
    assert (None if found is None else str(found)) == kind


def test_the_folder_of_a_title_is_above_its_seasons() -> None:
    assert title_folder("Show (2001)/Season 2/x.mkv") == "Show (2001)"
    assert title_folder("Shelf/Show/S01/x.mkv") == "Shelf/Show"
    assert title_folder("24/Season 1/x.mkv") == "24"
    assert title_folder("x.mkv") == ""


@pytest.mark.parametrize(
    ("duration_s", "expected_min", "short"),
    [
        (60, 120, True),
        (599, None, True),
        (601, 120, False),
        (100, 8, False),
        (80, 8, True),
        (None, 120, False),
        (20, 2, False),
    ],
)
def test_a_video_that_is_too_short_is_a_sample(duration_s: float | None, expected_min: int | None, short: bool) -> None:
    assert is_too_short(duration_s, expected_min) == short
