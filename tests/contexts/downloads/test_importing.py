"""Importing: the right files are imported once, and every skipped file has a reason."""

from __future__ import annotations

import os
import subprocess
import sys
from copy import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from mydia.adapters import processes
from mydia.adapters.download_clients import RemoteState
from mydia.contexts import downloads, library, media, settings
from mydia.contexts.downloads import DownloadState
from mydia.contexts.downloads.importing import ChosenFile, NotReady
from mydia.contexts.settings import DownloadClientRow, IndexerRow
from mydia.contexts.users import SYSTEM, Caller
from mydia.errors import Conflict, Invalid
from mydia.events import say
from mydia.units import GIB
from tests import builders
from tests.contexts.downloads.conftest import House
from tests.fakes.outside import media_facts

GOOD = "Metropolis.1927.1080p.BluRay.x264-GRP"
PACK = "Silo.S01.1080p.WEB-DL.H264-GRP"
BIG = 400_000


def grabbed(house: House, title: str = GOOD, files: dict[str, int] | None = None, **target: object) -> str:
    house.offer(title, 4 * GIB, files=files, **({"tvdb_id": 403245} if "Silo" in title else {}))
    return house.get_one(title, **({"item_id": house.series_id} | target if "Silo" in title else target))


def finished(house: House, title: str = GOOD, files: dict[str, int] | None = None, **target: object) -> str:
    download_id = grabbed(house, title, files, **target)
    house.finish(download_id)
    return download_id


def sentences(house: House, download_id: str, kind: str = "block") -> list[str]:
    return [say(entry) for entry in house.download(download_id).reasons if entry["kind"] == kind]


def test_a_film_is_hard_linked_under_its_name_and_keeps_seeding(house: House) -> None:
    download_id = grabbed(house)
    source = house.finish(download_id)
    assert house.bring_in(download_id) == "1 file imported"
    (placed,) = house.library_files()
    assert placed.startswith("Metropolis (1927)/Metropolis (1927)")
    assert (house.films / placed).samefile(source), "a hard link"
    assert source.exists()
    row = house.download(download_id)
    assert row.state == "imported"
    assert row.imported_at == house.now
    assert len(house.client.downloads) == 1, "seeding goes on"
    assert house.item_state() in ("available", "upgradable")
    assert house.events("FileImported")[0]["method"] == "hardlink"
    assert house.events("DownloadImported")[0]["files"] == 1


def test_importing_twice_is_importing_once(house: House) -> None:
    download_id = finished(house)
    house.bring_in(download_id)
    assert house.bring_in(download_id) == "nothing to do: it is imported"
    assert len(house.events("FileImported")) == 1


def test_a_pack_becomes_its_episodes_without_sample_and_extras(house: House) -> None:
    files = {f"Silo.S01E0{n}.1080p.WEB-DL-GRP.mkv": BIG for n in range(1, 5)}
    files |= {"Sample/silo.s01e01.sample.mkv": 1000, "Featurettes/Making of.mkv": 1000, "info.nfo": 10}
    download_id = finished(house, PACK, files)
    assert house.bring_in(download_id) == "4 files imported, 2 left out"
    assert sentences(house, download_id, "note") == [
        "Featurettes/Making of.mkv was left out: it is an extra.",
        "Sample/silo.s01e01.sample.mkv was left out: it is a sample.",
    ]
    names = house.library_files()
    assert len([name for name in names if name.endswith(".mkv")]) == 4
    assert all("/Season 01/" in name for name in names if name.endswith(".mkv"))
    with house.database.reads() as session:
        assert all(episode.held for episode in media.episodes.episodes_of(session, SYSTEM, house.series_id))


def test_a_badly_named_single_file_takes_the_facts_of_the_release(house: House) -> None:
    download_id = finished(house, "Silo.S01E02.1080p.WEB-DL.H264-GRP", {"abcdef0123456789.mkv": BIG})
    assert house.bring_in(download_id) == "1 file imported"
    assert "S01E02" in house.library_files()[0]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"film.mkv": BIG, "setup.exe": 10}, "setup.exe, which may be harmful"),
        ({"film.rar": BIG, "film.r00": BIG}, "packed"),
        ({"BDMV/STREAM/00001.m2ts": BIG}, "whole disc"),
        ({"sample/film-sample.mkv": 1000}, "only samples and extras"),
        ({"readme.txt": 10}, "no video"),
        ({"one.mkv": BIG, "two.mkv": BIG}, "contains 2 movies"),
        ({"film.cd1.mkv": BIG, "film.cd2.mkv": BIG}, "2 parts"),
    ],
)
def test_a_file_that_is_not_the_film_waits_for_review_with_the_reason(
    house: House, files: dict[str, int], words: str
) -> None:
    download_id = finished(house, GOOD, files)
    said = house.bring_in(download_id)
    assert said.startswith("blocked:")
    assert house.download(download_id).state == "blocked"
    assert any(words in sentence for sentence in sentences(house, download_id)), sentences(house, download_id)
    assert house.library_files() == []
    assert house.item_state() == "blocked"
    assert words in " ".join(map(say, house.events("ImportBlocked")[0]["reasons"]))


@pytest.mark.parametrize(
    "files",
    [
        {"..The.Lodger.1927.1080p.mkv": BIG},
        {"..The.Lodger.1927.1080p/..The.Lodger.1927.1080p.mkv": BIG, "..The.Lodger.1927.1080p/info.nfo": 10},
        {".hidden/.Metropolis.1927.mkv": BIG},
    ],
)
def test_names_that_begin_with_dots_are_imported(house: House, files: dict[str, int]) -> None:
    download_id = finished(house, GOOD, files)
    assert house.bring_in(download_id) == "1 file imported", sentences(house, download_id)


@pytest.mark.parametrize(
    ("sizes", "kept"),
    [((BIG, BIG), f"{GOOD}.mkv"), ((BIG - 50_000, BIG), f"{GOOD}.1.mkv"), ((BIG, BIG - 50_000), f"{GOOD}.mkv")],
)
def test_a_second_copy_that_a_restarted_client_numbered_is_left_out(
    house: House, sizes: tuple[int, int], kept: str
) -> None:
    names = (f"{GOOD}.mkv", f"{GOOD}.1.mkv")
    download_id = finished(house, GOOD, dict(zip(names, sizes, strict=True)))
    source = house.finish(download_id) / kept
    assert house.bring_in(download_id).startswith("1 file imported"), sentences(house, download_id)
    (placed,) = house.library_files()
    assert (house.films / placed).samefile(source)
    (left,) = sentences(house, download_id, "note")
    assert ({*names} - {kept}).pop() in left


def test_a_short_file_is_a_sample_and_a_damaged_one_is_reported(house: House) -> None:
    house.probe.default = media_facts(duration_s=60)
    first = finished(house)
    house.bring_in(first)
    assert "It looks like a sample" in sentences(house, first)[0]
    house.probe.damaged.add(f"{GOOD}.mkv")
    house.bring_in(first)
    assert "can't be played" in sentences(house, first)[-1]


def test_a_file_without_audio_waits_for_review(house: House) -> None:
    house.probe.default = replace(media_facts(), audio=())
    download_id = finished(house)
    house.bring_in(download_id)
    assert "has no sound" in sentences(house, download_id)[0]


def test_a_file_worse_than_its_name_does_not_replace_a_better_one(house: House) -> None:
    first = finished(house)
    house.bring_in(first)
    house.probe.default = media_facts(480)
    second = finished(house, "Metropolis.1927.2160p.WEB-DL.x265-GRP")
    assert house.bring_in(second) == "0 files imported, 1 left out"
    assert house.download(second).state == "imported"
    assert "You already have Bluray-1080p" in sentences(house, second, "note")[-1]
    assert len(house.library_files()) == 1


def test_an_upgrade_replaces_the_old_file_which_goes_to_the_recycle_bin(house: House) -> None:
    first = finished(house, "Metropolis.1927.720p.BluRay.x264-GRP")
    house.probe.default = media_facts(720)
    house.bring_in(first)
    house.probe.default = media_facts(1080)
    second = finished(house)
    assert house.bring_in(second) == "1 file imported"
    assert house.events("FileImported")[-1]["replaced"]
    with house.database.reads() as session:
        (held,) = library.holdings.held_qualities(session, house.film_id)
        assert held.quality.name == "Bluray-1080p"
        assert session.scalars(select(library.RecycledFile)).one()


def test_the_same_release_is_not_fetched_again_after_import(house: House) -> None:
    house.bring_in(finished(house))
    rows = house.releases(house.search(cause="automatic"))
    assert {objection["reason"] for objection in rows[0].objections} >= {"already-imported"}


def test_the_import_is_postponed_while_the_client_is_unreachable(house: House) -> None:
    download_id = finished(house)
    house.client.go_away()
    with pytest.raises(NotReady, match="waits for it"):
        house.bring_in(download_id)
    assert house.download(download_id).state == "completed"
    house.client.come_back()
    assert house.bring_in(download_id) == "1 file imported"


def test_the_import_is_postponed_while_the_client_rechecks(house: House) -> None:
    download_id = finished(house)
    ref = house.download(download_id).client_ref or ""
    house.client.change(ref, state=RemoteState.CHECKING, progress=0.7)
    with pytest.raises(NotReady, match="not complete yet"):
        house.bring_in(download_id)
    house.client.change(ref, state=RemoteState.SEEDING, progress=1.0)
    (Path(house.client.folder) / f"{GOOD}.mkv.!qB").write_bytes(b"x")
    assert house.bring_in(download_id) == "1 file imported"


def test_an_inaccessible_path_explains_the_path_mapping_that_fixes_it(house: House, tmp_path: Path) -> None:
    download_id = finished(house)
    ref = house.download(download_id).client_ref or ""
    house.client.change(ref, output_path=f"/data/torrents/{GOOD}.mkv")
    house.bring_in(download_id)
    assert "add a path mapping to qBittorrent" in sentences(house, download_id)[0]
    with house.database.writes() as session:
        from mydia.contexts.settings.clients import set_mappings

        set_mappings(session, "client-1", [("/data/torrents", house.client.folder)])
    assert house.bring_in(download_id) == "1 file imported"


def test_a_completed_download_removed_from_the_client_is_still_imported(house: House) -> None:
    download_id = finished(house)
    house.client.downloads.clear()
    assert house.bring_in(download_id) == "1 file imported"


def test_a_download_removed_with_its_files_before_the_import_is_reported(house: House) -> None:
    download_id = finished(house)
    house.client.downloads.clear()
    (Path(house.client.folder) / f"{GOOD}.mkv").unlink()
    house.bring_in(download_id)
    (told,) = sentences(house, download_id)
    assert "no longer has" in told
    assert "both were removed before the import" in told
    assert house.download(download_id).state == "blocked"


def test_a_missing_library_folder_blocks_the_import_without_loss(house: House) -> None:
    download_id = finished(house)
    house.films.rmdir()
    house.bring_in(download_id)
    assert "Is it mounted?" in sentences(house, download_id)[0]
    house.films.mkdir()
    assert house.bring_in(download_id) == "1 file imported"


def test_automatic_imports_can_be_disabled(house: House, admin: Caller) -> None:
    with house.database.writes() as session:
        settings.change_values(session, admin, house.now, {"downloads.automatic_imports": False})
    download_id = finished(house)
    assert house.bring_in(download_id).startswith("blocked: Automatic imports are off")
    said = downloads.importing.import_download(house.database, house.outside, admin, house.now, download_id)
    assert said == "1 file imported"


def test_a_user_chooses_the_file(house: House, admin: Caller) -> None:
    download_id = finished(house, GOOD, {"one.mkv": BIG, "two.mkv": BIG})
    house.bring_in(download_id)
    preview = downloads.importing.preview_import(house.database, house.outside, admin, download_id)
    assert [file.shown_path for file in preview.files] == ["one.mkv", "two.mkv"]
    assert preview.problems
    said = downloads.importing.manual_import(
        house.database, house.outside, admin, house.now, download_id, [ChosenFile("two.mkv", quality="Remux-1080p")]
    )  # fmt: skip
    assert said == "1 file imported, 1 left out"
    with house.database.reads() as session:
        (held,) = library.holdings.held_qualities(session, house.film_id)
        assert held.quality.name == "Remux-1080p"


def test_a_user_chooses_the_episodes_of_a_file(house: House, admin: Caller) -> None:
    download_id = finished(house, PACK, {"a.mkv": BIG, "b.mkv": BIG})
    assert "does not match any episode of Silo" in house.bring_in(download_id)
    ids = house.episode_ids()
    with pytest.raises(Invalid, match="Choose the episodes"):
        downloads.importing.manual_import(
            house.database, house.outside, admin, house.now, download_id, [ChosenFile("a.mkv")]
        )
    chosen = [ChosenFile("a.mkv", (ids[0], ids[1])), ChosenFile("b.mkv", (ids[2],))]
    said = downloads.importing.manual_import(house.database, house.outside, admin, house.now, download_id, chosen)
    assert said == "2 files imported"
    assert any("S01E01" in name and "E02" in name for name in house.library_files())


def by_hand(house: House, admin: Caller, item_id: str, path: Path, episode_ids: tuple[str, ...] = ()) -> int:
    choice = library.manual.ManualChoice(media_item_id=item_id, path=str(path), episode_ids=episode_ids)
    made = library.manual.manual_import(house.database, house.outside, admin, house.now, [choice], run_id=str(path))
    assert made.failures == ()
    with house.database.writes() as session:
        return downloads.importing.end_imported_by_hand(session, SYSTEM, house.now)


def test_a_blocked_download_ends_when_its_movie_is_imported_with_manual_import(house: House, admin: Caller) -> None:
    download_id = grabbed(house, GOOD, {"one.mkv": BIG, "two.mkv": BIG})
    folder = house.finish(download_id)
    house.bring_in(download_id)
    assert house.item_state() == "blocked"
    assert by_hand(house, admin, house.film_id, folder / "two.mkv") == 1
    row = house.download(download_id)
    assert (row.state, row.block_code) == ("imported", None)
    assert sentences(house, download_id, "note") == ["1 file imported with manual import."]
    assert house.item_state() in ("available", "upgradable")
    assert house.events("DownloadImported")[0]["download_id"] == download_id


def test_a_blocked_season_ends_when_the_last_of_its_episodes_is_imported(house: House, admin: Caller) -> None:
    names = ["a.mkv", "b.mkv", "c.mkv", "d.mkv"]
    download_id = grabbed(house, PACK, dict.fromkeys(names, BIG))
    folder = house.finish(download_id)
    house.bring_in(download_id)
    ended = [
        by_hand(house, admin, house.series_id, folder / name, (episode_id,))
        for name, episode_id in zip(names, house.episode_ids(), strict=True)
    ]
    assert ended == [0, 0, 0, 1]
    assert house.download(download_id).state == "imported"


def test_a_blocked_download_ends_when_its_files_are_imported_as_another_title(house: House, admin: Caller) -> None:
    download_id = grabbed(house, GOOD, {"one.mkv": BIG, "two.mkv": BIG})
    folder = house.finish(download_id)
    house.bring_in(download_id)
    assert by_hand(house, admin, house.series_id, folder / "one.mkv", (house.episode_ids()[0],)) == 1
    assert sentences(house, download_id, "note") == ["Imported with manual import as “Silo”."]


def test_a_manual_import_from_elsewhere_leaves_blocked_downloads_alone(
    house: House, admin: Caller, tmp_path: Path
) -> None:
    download_id = grabbed(house, GOOD, {"one.mkv": BIG, "two.mkv": BIG})
    house.finish(download_id)
    house.bring_in(download_id)
    other = tmp_path / "elsewhere" / "film.mkv"
    other.parent.mkdir()
    other.write_bytes(b"x" * BIG)
    assert by_hand(house, admin, house.film_id, other) == 0
    assert house.download(download_id).state == "blocked"


def test_clear_files_of_a_pack_are_imported_and_the_rest_wait_for_review(house: House) -> None:
    files = {"Silo.S01E01.1080p.WEB-DL-GRP.mkv": BIG, "mystery.mkv": BIG}
    download_id = finished(house, PACK, files)
    assert house.bring_in(download_id).startswith("blocked: mystery.mkv does not match any episode")
    assert len(house.library_files()) == 1
    house.bring_in(download_id)
    assert len(house.events("FileImported")) == 1, "what is placed is not placed again"


def test_an_interrupted_import_is_resumed_without_duplicates(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    download_id = finished(house, PACK, {f"Silo.S01E0{n}.1080p.WEB-DL-GRP.mkv": BIG for n in range(1, 5)})

    class Killed(BaseException):
        pass

    class DyingRun:
        def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
            if done == 2:
                raise Killed

        def cancelled(self) -> bool:
            return False

    with pytest.raises(Killed):
        house.bring_in(download_id, run=DyingRun())
    assert house.download(download_id).state == "importing"
    with house.database.writes() as session:
        assert downloads.importing.recover_imports(session, house.now) == 1
        assert downloads.importing.due_imports(session, house.now) == [download_id]
    assert house.bring_in(download_id) == "4 files imported"
    assert len([name for name in house.library_files() if name.endswith(".mkv")]) == 4
    with house.database.reads() as session:
        assert len(library.holdings.held_qualities(session, house.series_id)) == 4


def test_finished_downloads_that_were_not_imported_are_found_by_the_sweep(house: House) -> None:
    download_id = finished(house)
    house.later(minutes=5)
    with house.database.reads() as session:
        assert downloads.importing.due_imports(session, house.now) == [download_id]


def test_only_a_finished_download_can_be_imported(house: House, admin: Caller) -> None:
    download_id = grabbed(house)
    with house.database.writes() as session, pytest.raises(Conflict, match="only a finished one"):
        downloads.importing.request_import(session, admin, download_id)


def test_a_download_is_removed_from_the_client_only_after_its_seeding_goals(house: House) -> None:
    with house.database.writes() as session:
        client = session.get(DownloadClientRow, "client-1")
        indexer = session.get(IndexerRow, "indexer-1")
        assert client is not None
        assert indexer is not None
        client.options = {"remove_completed": True}
        indexer.options = {"seed_ratio": 2.0}
    download_id = finished(house)
    ref = house.download(download_id).client_ref or ""
    house.client.change(ref, ratio=5.0)
    downloads.monitor(house.database, house.outside, house.later(seconds=5))
    assert ref in house.client.downloads, "not before it is imported"
    house.bring_in(download_id)
    house.client.change(ref, ratio=1.9)
    downloads.monitor(house.database, house.outside, house.later(seconds=5))
    assert ref in house.client.downloads
    house.client.change(ref, ratio=2.0)
    downloads.monitor(house.database, house.outside, house.later(seconds=5))
    assert house.client.removed == [(ref, True)]
    assert house.download(download_id).state == "imported"
    (placed,) = house.library_files()
    assert os.stat(house.films / placed).st_nlink == 1


def test_a_download_whose_title_was_removed_waits_with_a_reason(house: House, admin: Caller) -> None:
    download_id = finished(house)
    with house.database.writes() as session:
        media.remove_row(session, admin, house.now, house.film_id, files_deleted=0)
    assert "Metropolis (1927) is no longer in the library" in house.bring_in(download_id)
    assert house.download(download_id).state == "blocked"
    with house.database.reads() as session:
        (row,) = downloads.queue.list_queue(session, admin)
        assert row.group == "needs you"


@pytest.mark.parametrize("group", ["SCENE", "SHORT", "OTHER", "CLIP"])
def test_a_group_named_like_an_extra_does_not_hide_the_episodes(house: House, group: str) -> None:
    files = {f"Silo.S01E0{n}.1080p.BluRay.x264-{group}.mkv": BIG for n in range(1, 5)}
    download_id = finished(house, f"Silo.S01.1080p.BluRay.x264-{group}", files)
    assert house.bring_in(download_id) == "4 files imported"


@pytest.mark.parametrize("group", ["SCENE", "SHORT", "SAMPLE"])
def test_a_group_named_like_an_extra_does_not_hide_the_film(house: House, group: str) -> None:
    name = f"Metropolis.1927.1080p.BluRay.x264-{group}"
    download_id = finished(house, name, {f"{name}.mkv": BIG, "info.nfo": 10})
    assert house.bring_in(download_id) == "1 file imported"


def test_episode_titles_that_read_like_extras_are_imported(house: House) -> None:
    titles = ("The Other", "The Interview", "Crime Scene", "Life Is Short")
    files = {f"Silo.S01E0{n}.{title.replace(' ', '.')}.mkv": BIG for n, title in enumerate(titles, 1)}
    files |= {"Extras/Silo.S01E01.Deleted.Scene.mkv": BIG}
    download_id = finished(house, PACK, files)
    assert house.bring_in(download_id) == "4 files imported, 1 left out"
    assert sentences(house, download_id, "note") == [
        "Extras/Silo.S01E01.Deleted.Scene.mkv was left out: it is an extra."
    ]


def test_smaller_videos_beside_the_film_are_listed_as_left_out(house: House) -> None:
    download_id = finished(house, GOOD, {f"{GOOD}.mkv": BIG, "interview with the director.mkv": BIG // 10})
    assert house.bring_in(download_id) == "1 file imported, 1 left out"
    assert sentences(house, download_id, "note") == [
        f"interview with the director.mkv was left out: {GOOD}.mkv is the movie."
    ]


def test_an_archive_unpacked_later_is_imported_by_the_sweep(house: House) -> None:
    download_id = finished(house, GOOD, {"film.rar": BIG, "film.r00": BIG})
    house.bring_in(download_id)
    assert house.download(download_id).block_code == "import.packed"
    house.later(minutes=11)
    with house.database.reads() as session:
        assert downloads.importing.due_imports(session, house.now) == [download_id]
    assert house.bring_in(download_id).startswith("blocked")
    assert len(sentences(house, download_id)) == 1, "said once, however often it is tried"
    output = Path(house.download(download_id).output_path or "")
    (output / f"{GOOD}.mkv").write_bytes(b"x" * BIG)
    assert house.bring_in(download_id) == "1 file imported"
    assert house.download(download_id).block_code is None


def test_the_sweep_skips_blocked_imports_that_need_a_decision(house: House) -> None:
    download_id = finished(house, GOOD, {"one.mkv": BIG, "two.mkv": BIG})
    house.bring_in(download_id)
    house.later(hours=1)
    with house.database.reads() as session:
        assert downloads.importing.due_imports(session, house.now) == []
    assert house.download(download_id).block_code == "import.several-films"


def test_a_file_deselected_in_the_client_is_skipped(house: House) -> None:
    files = {f"Silo.S01E0{n}.1080p.WEB-DL-GRP.mkv": BIG for n in range(1, 5)}
    download_id = finished(house, PACK, files)
    ref = house.download(download_id).client_ref or ""
    house.client.deselect(ref, f"{PACK}/Silo.S01E01.1080p.WEB-DL-GRP.mkv")
    output = Path(house.download(download_id).output_path or "")
    (output / "Silo.S01E01.1080p.WEB-DL-GRP.mkv").rename(output / "Silo.S01E01.1080p.WEB-DL-GRP.mkv.part")
    assert house.bring_in(download_id) == "3 files imported"
    assert not any("S01E01" in name for name in house.library_files())


def test_content_without_its_own_folder_is_imported_by_the_clients_file_list(house: House) -> None:
    download_id = finished(house, GOOD, {f"{GOOD}.mkv": BIG, "info.nfo": 10})
    ref = house.download(download_id).client_ref or ""
    folder = Path(house.client.folder)
    for file in (folder / GOOD).iterdir():
        file.rename(folder / file.name)
    (folder / GOOD).rmdir()
    (folder / "Another.Film.2020.1080p.mkv").write_bytes(b"y" * BIG * 2)
    house.client.spread(ref)
    with house.database.writes() as session:
        session.get_one(downloads.Download, download_id).output_path = None
    assert house.bring_in(download_id) == "1 file imported"
    assert (folder / "Another.Film.2020.1080p.mkv").exists()


def test_an_import_that_another_process_carries_out_is_left_alone_until_it_ends(house: House) -> None:
    download_id = finished(house)
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with house.database.writes() as session:
            row = session.get_one(downloads.Download, download_id)
            row.state, row.state_since = DownloadState.IMPORTING, house.later(minutes=10)
            row.import_owner = processes.name_of(other.pid)
        house.later(minutes=20)
        assert house.bring_in(download_id) == "nothing to do: it is importing"
        with house.database.writes() as session:
            assert downloads.importing.recover_imports(session, house.now) == 0
            assert downloads.importing.due_imports(session, house.now) == []
        assert sentences(house, download_id, "note") == [], "no page says that it was interrupted"
    finally:
        other.communicate(b"\n")
    with house.database.writes() as session:
        assert downloads.importing.recover_imports(session, house.now) == 1
        assert downloads.importing.due_imports(session, house.now) == [download_id]
    assert house.bring_in(download_id) == "1 file imported"
    assert house.download(download_id).import_owner is None


def test_a_copy_on_another_host_is_alive_as_long_as_its_journal_reports(house: House) -> None:
    download_id = finished(house)
    with house.database.writes() as session:
        row = session.get_one(downloads.Download, download_id)
        row.state, row.state_since = DownloadState.IMPORTING, house.now
        row.import_owner = "another-host|1|1"
        ids = library.journal.write_steps(
            session,
            house.now,
            SYSTEM,
            "batch",
            library.journal.Cause.IMPORT,
            [library.journal.Step(operation="copy", source=Path("/from"), target=Path("/to"))],
            ref=download_id,
        )
    house.later(minutes=10)
    with house.database.writes() as session:
        session.get_one(library.JournalEntry, ids[0]).seen_at = house.now - timedelta(seconds=60)
    with house.database.reads() as session:
        assert downloads.importing.due_imports(session, house.now) == []
    house.later(minutes=2)
    with house.database.reads() as session:
        assert downloads.importing.due_imports(session, house.now) == [download_id]


def test_an_interrupted_import_is_reported_and_keeps_its_start_time(house: House) -> None:
    download_id = finished(house)
    with house.database.writes() as session:
        row = session.get_one(downloads.Download, download_id)
        row.state = "importing"
        began = row.state_since
    with house.database.writes() as session:
        assert downloads.importing.recover_imports(session, house.later(minutes=1)) == 1
    row = house.download(download_id)
    assert (row.state_since, row.interrupted_at) == (began, house.now)
    with house.database.reads() as session:
        assert downloads.importing.due_imports(session, house.now) == [download_id]
    assert house.bring_in(download_id) == "1 file imported"
    assert house.download(download_id).interrupted_at is None


def test_a_pack_of_two_seasons_is_grabbed_and_only_its_better_episodes_are_imported(house: House) -> None:
    aired = house.now.date() - timedelta(days=300)
    builders.on_disk(house.series, "Silo/Silo S02E01.mkv")
    with house.database.writes() as session:
        season = media.Season(media_item_id=house.series_id, number=2, title="Season 2")
        session.add(season)
        session.flush()
        second = [
            media.Episode(
                media_item_id=house.series_id,
                season_id=season.id,
                season_number=2,
                episode_number=number,
                title=f"Second {number}",
                air_on=aired + timedelta(days=number),
                runtime_min=50,
            )
            for number in (1, 2)
        ]
        session.add_all(second)
        session.flush()
        folder = session.get_one(settings.LibraryPath, "series")
        item = session.get_one(media.MediaItem, house.series_id)
        builders.media_file(
            session, folder, "Silo/Silo S02E01.mkv", item=item, episode_ids=(second[0].id,), quality="Remux-1080p"
        )
    files = {f"Silo.S01E{n:02}.1080p.WEB-DL.mkv": BIG for n in range(1, 5)}
    files |= {f"Silo.S02E{n:02}.1080p.WEB-DL.mkv": BIG for n in (1, 2)}
    house.offer("Silo.S01-S02.1080p.WEB-DL.H264-GRP", 20 * GIB, files=files, tvdb_id=403245)
    (found,) = house.releases(house.search(house.series_id))
    assert found.objections == []
    assert len(found.episode_ids) == 6
    download_id = house.grab(found.id)
    house.finish(download_id)
    assert house.bring_in(download_id).startswith("5 files imported")
    placed = [Path(name).name for name in house.library_files()]
    assert sum("S01" in name for name in placed) == 4
    assert sum("S02E02" in name for name in placed) == 1
    assert [name for name in placed if "S02E01" in name] == ["Silo S02E01.mkv"], "the remux is better"
