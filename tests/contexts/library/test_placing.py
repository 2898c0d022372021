"""An import neither loses nor duplicates files, wherever it is interrupted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from copy import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from mydia import clock
from mydia.adapters.errors import Refused
from mydia.adapters.filesystem import CrossDevice, Files, NoSpace
from mydia.config import Config
from mydia.contexts import library, media, settings
from mydia.contexts.library.models import JournalEntry, MediaFile, RecycledFile, Sidecar
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.errors import Conflict, Invalid
from mydia.events import EventRow
from tests import builders
from tests.fakes.outside import fake_outside, media_facts

RELEASE = "Detour.1945.1080p.BluRay.x264-GRP"


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    """A client's save folder."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder


@pytest.fixture
def detour(database: Database, films: LibraryPath) -> media.MediaItem:
    """A film that is wanted."""
    with database.writes() as session:
        return builders.film(session, "Detour", 1945, tmdb_id=20367, library_path_id=films.id)


def run(database: Database, config: Config, request: library.ImportRequest, **choices: object) -> library.Placed:
    outside = choices.pop("outside", None) or fake_outside()
    with database.reads() as session:
        plan = library.plan_import(session, SYSTEM, clock.now(), request)
    return library.place(database, outside, SYSTEM, clock.now(), plan, **choices)  # type: ignore[arg-type]


def request_for(item: media.MediaItem, *paths: Path, **choices: object) -> library.ImportRequest:
    return library.ImportRequest(
        item_id=item.id, sources=tuple(library.SourceFile(path=path) for path in paths), download_id="d1", **choices
    )  # type: ignore[arg-type]


def tree(root: Path | str) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in Path(root).rglob("*") if path.is_file())


def test_a_download_is_hard_linked_under_its_name(
    database: Database, config: Config, films: LibraryPath, detour: media.MediaItem, downloads: Path
) -> None:
    source = builders.on_disk(downloads, f"{RELEASE}/{RELEASE}.mkv")
    builders.on_disk(downloads, f"{RELEASE}/{RELEASE}.en.srt", 30)
    placed = run(database, config, request_for(detour, source))
    target = Path(films.path) / "Detour (1945)/Detour (1945) - Bluray-1080p-GRP.mkv"
    assert (placed.method, target.stat().st_ino) == ("hardlink", source.stat().st_ino)
    assert tree(films.path) == [
        "Detour (1945)/Detour (1945) - Bluray-1080p-GRP.en.srt",
        "Detour (1945)/Detour (1945) - Bluray-1080p-GRP.mkv",
    ]
    with database.reads() as session:
        item = media.get_item(session, SYSTEM, detour.id)
        (file,) = library.files.files_of_item(session, SYSTEM, detour.id)
        assert (item.folder, item.files_count, item.state) == ("Detour (1945)", 1, "available")
        assert (file.release_group, file.download_id, file.quality.name) == ("GRP", "d1", "Bluray-1080p")
        assert [one.language for one in file.sidecars] == ["en"]
        told = session.scalars(select(EventRow.payload).where(EventRow.type == "FileImported")).all()
        assert [(one["file_id"], one["method"]) for one in told] == [(file.id, "hardlink")]
        assert {row.state for row in session.scalars(select(JournalEntry))} == {"done"}


def test_importing_again_duplicates_nothing(
    database: Database, config: Config, films: LibraryPath, detour: media.MediaItem, downloads: Path
) -> None:
    source = builders.on_disk(downloads, f"{RELEASE}.mkv")
    first = run(database, config, request_for(detour, source))
    second = run(database, config, request_for(detour, source))
    assert first.file_ids == second.file_ids
    assert len(tree(films.path)) == 1


class _NoLinks(Files):
    def hardlink(self, source: Path, target: Path) -> None:
        raise CrossDevice("Disk", "the two folders are on different file systems")


class _Full(Files):
    def copy(self, source, target, *, verify=False, on_progress=None) -> None:
        raise NoSpace("Disk", "no space left")


def test_files_are_copied_across_disks_and_this_is_recorded(
    database: Database, config: Config, detour: media.MediaItem, downloads: Path
) -> None:
    source = builders.on_disk(downloads, f"{RELEASE}.mkv")
    placed = run(database, config, request_for(detour, source), outside=replace(fake_outside(), files=_NoLinks()))
    assert placed.method == "copy"
    assert "on different file systems" in placed.notes[0]


def test_a_full_disk_rolls_back(
    database: Database, config: Config, films: LibraryPath, detour: media.MediaItem, downloads: Path
) -> None:
    source = builders.on_disk(downloads, f"{RELEASE}.mkv")
    with pytest.raises(NoSpace):
        run(database, config, request_for(detour, source, mode="copy"), outside=replace(fake_outside(), files=_Full()))
    assert tree(films.path) == []
    assert source.exists()
    with database.reads() as session:
        assert session.scalars(select(MediaFile)).all() == []
        assert {row.state for row in session.scalars(select(JournalEntry))} == {"undone"}


def test_an_upgrade_recycles_the_old_file_last(
    database: Database, config: Config, films: LibraryPath, detour: media.MediaItem, downloads: Path
) -> None:
    old = builders.on_disk(films.path, "Detour (1945)/detour-720p.mkv", 5000)
    with database.writes() as session:
        builders.media_file(session, films, "Detour (1945)/detour-720p.mkv", item=detour, quality="HDTV-720p")
        media.change_item(session, SYSTEM, clock.now(), detour.id, {"folder": "Detour (1945)"})
    source = builders.on_disk(downloads, f"{RELEASE}.mkv")
    seen: list[tuple[str, bool, bool]] = []
    target = Path(films.path) / "Detour (1945)/Detour (1945) - Bluray-1080p-GRP.mkv"
    placed = run(
        database, config, request_for(detour, source),
        after_step=lambda point: seen.append((point, old.exists(), target.exists())),
    )  # fmt: skip
    assert placed.replaced == ("Detour (1945)/detour-720p.mkv",)
    assert all(new for _, kept, new in seen if not kept)
    with database.reads() as session:
        (recycled,) = session.scalars(select(RecycledFile)).all()
        assert Path(recycled.present_path).read_bytes()[:5] == b"Detou"
        assert [file.relative_path for file in library.files.files_of_item(session, SYSTEM, detour.id)] == [
            "Detour (1945)/Detour (1945) - Bluray-1080p-GRP.mkv"
        ]


def test_an_upgrade_with_the_same_name_swaps_the_files(
    database: Database, config: Config, films: LibraryPath, detour: media.MediaItem, downloads: Path
) -> None:
    name = "Detour (1945)/Detour (1945) - Bluray-1080p-GRP.mkv"
    builders.on_disk(films.path, name, fill=b"old")
    with database.writes() as session:
        old = builders.media_file(session, films, name, item=detour)
        media.change_item(session, SYSTEM, clock.now(), detour.id, {"folder": "Detour (1945)"})
    source = builders.on_disk(downloads, "Detour.1945.PROPER.1080p.BluRay.x264-GRP.mkv", fill=b"new")
    placed = run(database, config, request_for(detour, source))
    assert (Path(films.path) / name).read_bytes()[:3] == b"new"
    with database.reads() as session:
        batch = session.scalars(select(JournalEntry.batch_id)).first()
        assert [file.id for file in library.files.files_of_item(session, SYSTEM, detour.id)] == list(placed.file_ids)
    assert library.journal.undo_batch(database, fake_outside(), SYSTEM, clock.now(), batch or "") == []
    assert (Path(films.path) / name).read_bytes()[:3] == b"old"
    with database.reads() as session:
        assert [file.id for file in library.files.files_of_item(session, SYSTEM, detour.id)] == [old.id]
    assert source.exists()


def test_a_file_in_the_way_is_never_overwritten(
    database: Database, config: Config, films: LibraryPath, detour: media.MediaItem, downloads: Path
) -> None:
    stranger = builders.on_disk(films.path, "Detour (1945)/Detour (1945) - Bluray-1080p-GRP.mkv", fill=b"mine")
    source = builders.on_disk(downloads, f"{RELEASE}.mkv")
    with pytest.raises(Conflict, match="already exists"):
        run(database, config, request_for(detour, source))
    assert stranger.read_bytes()[:4] == b"mine"


def test_a_file_is_replaced_only_if_all_its_episodes_are(
    database: Database, config: Config, series: LibraryPath, downloads: Path
) -> None:
    with database.writes() as session:
        item = builders.show(session, library_path_id=series.id, folder="Pioneer One")
        ids = {
            number: ref.id for (_, number), ref in media.episodes.episodes_by_number(session, SYSTEM, item.id).items()
        }
        for name, held in (("double.mkv", (ids[1], ids[2])), ("single.mkv", (ids[3],))):
            builders.on_disk(series.path, f"Pioneer One/{name}")
            builders.media_file(session, series, f"Pioneer One/{name}", item=item, episode_ids=held, quality="SDTV")
    sources = tuple(
        library.SourceFile(
            path=builders.on_disk(downloads, f"Pioneer.One.S01E0{n}.720p.WEB-DL.mkv"),
            episode_ids=(ids[n],),
            facts=media_facts(1080),
        )
        for n in (1, 3)
    )
    placed = run(database, config, library.ImportRequest(item_id=item.id, sources=sources, download_id="d2"))
    assert placed.replaced == ("Pioneer One/single.mkv",)
    with database.reads() as session:
        names = [file.relative_path for file in library.files.files_of_item(session, SYSTEM, item.id)]
    assert names == [
        "Pioneer One/Season 01/Pioneer One (2010) - S01E01 - Episode 1 [WEBDL-1080p].mkv",
        "Pioneer One/Season 01/Pioneer One (2010) - S01E03 - Episode 3 [WEBDL-1080p].mkv",
        "Pioneer One/double.mkv",
    ]
    with database.reads() as session, pytest.raises(Invalid, match="Choose the episodes"):
        library.plan_import(
            session,
            SYSTEM,
            clock.now(),
            library.ImportRequest(item_id=item.id, sources=(library.SourceFile(path=downloads / "x.mkv"),)),
        )


def test_two_shows_with_the_same_name_get_separate_folders(
    database: Database, config: Config, films: LibraryPath, detour: media.MediaItem, downloads: Path
) -> None:
    with database.writes() as session:
        media.change_item(session, SYSTEM, clock.now(), detour.id, {"folder": "Detour (1945)"})
        other = builders.film(session, "Detour", 1945, tmdb_id=5, library_path_id=films.id)
    with database.reads() as session:
        plan = library.plan_import(session, SYSTEM, clock.now(), request_for(other, downloads / f"{RELEASE}.mkv"))
    assert plan.folder == "Detour (1945) {tmdb-5}"


class TestRemoving:
    """Files are moved to the recycle bin and restored."""

    def test_a_title_is_removed_with_its_files_and_both_can_be_restored(
        self, database: Database, config: Config, films: LibraryPath, detour: media.MediaItem, downloads: Path
    ) -> None:
        source = builders.on_disk(downloads, f"{RELEASE}.mkv")
        run(database, config, request_for(detour, source))
        outside = fake_outside()
        library.recycle.remove_item(database, outside, SYSTEM, clock.now(), detour.id, files="recycle")
        assert [name for name in tree(films.path) if not name.startswith(".mydia-recycle")] == []
        with database.reads() as session:
            assert session.get(media.MediaItem, detour.id) is None
            (recycled,) = session.scalars(select(RecycledFile)).all()
        library.recycle.restore_file(database, outside, SYSTEM, clock.now(), recycled.id)
        assert tree(films.path) == ["Detour (1945)/Detour (1945) - Bluray-1080p-GRP.mkv"]
        with database.reads() as session:
            assert [row.match_state for row in session.scalars(select(MediaFile))] == ["new"]

    def test_kept_files_are_not_matched_again(
        self, database: Database, config: Config, films: LibraryPath, detour: media.MediaItem, downloads: Path
    ) -> None:
        run(database, config, request_for(detour, builders.on_disk(downloads, f"{RELEASE}.mkv")))
        library.recycle.remove_item(database, fake_outside(), SYSTEM, clock.now(), detour.id, files="keep")
        library.scanning.run_scan(database, fake_outside(), clock.now, films.id)
        assert library.match_new_files(database, fake_outside(), clock.now, films.id).matched == 0
        assert len(tree(films.path)) == 1

    def test_an_unmounted_disk_refuses_the_removal(
        self, database: Database, config: Config, films: LibraryPath, detour: media.MediaItem, downloads: Path
    ) -> None:
        run(database, config, request_for(detour, builders.on_disk(downloads, f"{RELEASE}.mkv")))
        Path(films.path).rename(f"{films.path}-away")
        with pytest.raises(Conflict, match="does not exist"):
            library.recycle.remove_item(database, fake_outside(), SYSTEM, clock.now(), detour.id, files="delete")
        with database.reads() as session:
            assert session.get(media.MediaItem, detour.id) is not None

    def test_a_disk_error_keeps_title_and_file(
        self, database: Database, config: Config, films: LibraryPath, detour: media.MediaItem, downloads: Path
    ) -> None:
        class ReadOnly(Files):
            def move(self, source, target, *, on_progress=None) -> None:
                raise Refused("Disk", "the file system can only be read")

        run(database, config, request_for(detour, builders.on_disk(downloads, f"{RELEASE}.mkv")))
        outside = replace(fake_outside(), files=ReadOnly())
        with pytest.raises(Conflict, match="title was not removed"):
            library.recycle.remove_item(database, outside, SYSTEM, clock.now(), detour.id, files="recycle")
        with database.reads() as session:
            assert len(library.files.files_of_item(session, SYSTEM, detour.id)) == 1

    def test_the_recycle_bin_deletes_expired_files(
        self, database: Database, config: Config, films: LibraryPath, detour: media.MediaItem, downloads: Path
    ) -> None:
        placed = run(database, config, request_for(detour, builders.on_disk(downloads, f"{RELEASE}.mkv")))
        outside = fake_outside()
        library.recycle.remove_file(database, outside, SYSTEM, clock.now(), placed.file_ids[0])
        assert library.recycle.empty_recycle_bin(database, outside, clock.now()) == 0
        later = clock.now().replace(year=clock.now().year + 1)
        assert library.recycle.empty_recycle_bin(database, outside, later) == 1
        assert tree(films.path) == []


class TestRenaming:
    """Renaming by the templates, with preview and undo."""

    def test_preview_run_and_undo(
        self, database: Database, config: Config, films: LibraryPath, detour: media.MediaItem
    ) -> None:
        builders.on_disk(films.path, "dt/detour.mkv")
        builders.on_disk(films.path, "dt/detour.de.srt")
        builders.on_disk(films.path, "dt/poster.jpg")
        outside = fake_outside()
        library.scanning.run_scan(database, outside, clock.now, films.id)
        with database.writes() as session:
            for row in session.scalars(select(MediaFile)):
                row.media_item_id, row.match_state = detour.id, "matched"
                row.quality = {"source": "bluray", "resolution": 1080}
            media.change_item(session, SYSTEM, clock.now(), detour.id, {"folder": "dt"})
        with database.reads() as session:
            lines = library.renaming.rename_preview(session, outside, SYSTEM, [detour.id], folders=True)
        assert {(line.old, line.new, line.objection) for line in lines} == {
            ("dt/detour.mkv", "Detour (1945)/Detour (1945) - Bluray-1080p.mkv", None),
            ("dt/detour.de.srt", "Detour (1945)/Detour (1945) - Bluray-1080p.de.srt", None),
            ("dt/poster.jpg", "Detour (1945)/poster.jpg", None),
        }
        done = library.renaming.rename(database, outside, SYSTEM, clock.now(), [detour.id], folders=True)
        assert (done.files, done.failures) == (3, ())
        assert tree(films.path) == sorted(line.new for line in lines)
        with database.reads() as session:
            assert media.get_item(session, SYSTEM, detour.id).folder == "Detour (1945)"
            assert {row.relative_path for row in session.scalars(select(Sidecar))} == {
                "Detour (1945)/Detour (1945) - Bluray-1080p.de.srt",
                "Detour (1945)/poster.jpg",
            }
        assert library.renaming.undo_rename(database, outside, SYSTEM, clock.now(), done.batch_id or "") == []
        assert tree(films.path) == sorted(line.old for line in lines)
        with database.reads() as session:
            assert media.get_item(session, SYSTEM, detour.id).folder == "dt"

    def test_an_existing_name_blocks_only_that_file(
        self, database: Database, config: Config, films: LibraryPath, detour: media.MediaItem
    ) -> None:
        name = "Detour (1945)/Detour (1945) - Bluray-1080p.mkv"
        for path in ("Detour (1945)/a.mkv", "Detour (1945)/b.mkv", name):
            builders.on_disk(films.path, path)
        with database.writes() as session:
            media.change_item(session, SYSTEM, clock.now(), detour.id, {"folder": "Detour (1945)"})
            for path in ("Detour (1945)/a.mkv", "Detour (1945)/b.mkv"):
                builders.media_file(session, films, path, item=detour)
        with database.reads() as session:
            lines = library.renaming.rename_preview(session, fake_outside(), SYSTEM, [detour.id])
        assert all(line.objection for line in lines)
        assert library.renaming.rename(database, fake_outside(), SYSTEM, clock.now(), [detour.id]).files == 0
        assert len(tree(films.path)) == 3


_FORKING = """
import json, os, sys, traceback
from copy import replace
from pathlib import Path
from mydia import clock
from mydia.adapters.filesystem import CrossDevice, Files
from mydia.config import load
from mydia.contexts import library, settings
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from tests.fakes.outside import fake_outside

class NoLinks(Files):
    def hardlink(self, source, target):
        raise CrossDevice("Disk", "other file system")

def work(order):
    outside = replace(fake_outside(), files=NoLinks()) if order["cross_device"] else fake_outside()
    passed = 0
    def after(point):
        nonlocal passed
        passed += 1
        if passed == order["die_after"]:
            os._exit(9)
    database = Database(order["database"])
    settings.bind(database, load({"DATA_DIR": order["data"]}))
    if order["action"] == "recover":
        library.journal.recover_journal(database, outside, clock.now(), after_step=after)
        return
    request = library.ImportRequest(
        item_id=order["item"], sources=(library.SourceFile(path=Path(order["source"])),), download_id="d1",
        mode=order["mode"],
    )
    with database.reads() as session:
        plan = library.plan_import(session, SYSTEM, clock.now(), request)
    library.place(database, outside, SYSTEM, clock.now(), plan, after_step=after)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            work(json.loads(line))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def forking() -> Iterator[subprocess.Popen[str]]:
    """A process that has loaded everything and forks for each run; only the fork is killed, at the given step."""
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", _FORKING],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as process:  # fmt: skip
        yield process
        assert process.stdin is not None
        process.stdin.close()


def _run_until(forking: subprocess.Popen[str], point: int, **order: object) -> int:
    assert forking.stdin is not None
    assert forking.stdout is not None
    forking.stdin.write(json.dumps({**order, "die_after": point}) + "\n")
    forking.stdin.flush()
    code = int(forking.stdout.readline())
    assert code in (0, 9), "the error is above"
    return code


@pytest.mark.parametrize(
    ("mode", "cross_device", "same_name"),
    [("hardlink", False, False), ("hardlink", True, False), ("move", False, False), ("hardlink", False, True)],
)
def test_killed_at_any_step_nothing_is_lost_or_duplicated(
    mode: str,
    cross_device: bool,
    same_name: bool,
    migrated_file: Path,
    config: Config,
    tmp_path: Path,
    forking: subprocess.Popen[str],
) -> None:
    name = "Detour (1945)/Detour (1945) - Bluray-1080p-GRP.mkv"
    old_name = name if same_name else "Detour (1945)/detour-720p.mkv"
    points, killed = 0, 9
    while killed == 9:
        points += 1
        world = tmp_path / str(points)
        world.mkdir()
        shutil.copy(migrated_file, world / "mydia.db")
        database = Database(f"sqlite:///{world}/mydia.db")
        settings.bind(database, config)
        with database.writes() as session:
            films = builders.library_path(session, world / "films")
            item = builders.film(session, "Detour", 1945, library_path_id=films.id, folder="Detour (1945)")
            builders.on_disk(films.path, old_name, 200_000, fill=b"old")
            builders.media_file(session, films, old_name, item=item, quality="HDTV-720p")
        source = builders.on_disk(world / "downloads", f"{RELEASE}.mkv", 200_000, fill=b"new")
        killed = _run_until(
            forking, points, database=database.url, data=str(tmp_path / "data"), item=item.id, source=str(source), mode=mode,
            cross_device=cross_device, action="import",
        )  # fmt: skip
        # Both files exist on disk at every step.
        assert {path.read_bytes()[:3] for path in world.rglob("*.mkv")} == {b"new", b"old"}
        library.journal.recover_journal(database, fake_outside(), clock.now())
        with database.reads() as session:
            assert session.scalars(select(JournalEntry).where(JournalEntry.state == "planned")).all() == []
            (held,) = library.files.files_of_item(session, SYSTEM, item.id)
        assert (Path(films.path) / held.relative_path).stat().st_size == held.size_bytes
        assert not [left for left in tree(films.path) if ".mydia-" in left.removeprefix(".mydia-recycle")]
        # The import of the download is repeated.
        run(database, config, request_for(item, source, mode=mode))
        with database.reads() as session:
            (held,) = library.files.files_of_item(session, SYSTEM, item.id)
            assert len(session.scalars(select(EventRow).where(EventRow.type == "FileImported")).all()) == 1
            (recycled,) = session.scalars(select(RecycledFile)).all()
        assert (Path(films.path) / held.relative_path).read_bytes()[:3] == b"new"
        assert Path(recycled.present_path).read_bytes()[:3] == b"old"
        assert [left for left in tree(films.path) if not left.startswith(".mydia-recycle")] == [name]
        assert source.exists() == (mode != "move")
        database.close()
    assert points > 6


def test_the_recovery_itself_may_be_killed(
    database: Database,
    films: LibraryPath,
    detour: media.MediaItem,
    downloads: Path,
    tmp_path: Path,
    forking: subprocess.Popen[str],
) -> None:
    name = "Detour (1945)/Detour (1945) - Bluray-1080p-GRP.mkv"
    builders.on_disk(films.path, name, fill=b"old")
    with database.writes() as session:
        builders.media_file(session, films, name, item=detour)
        media.change_item(session, SYSTEM, clock.now(), detour.id, {"folder": "Detour (1945)"})
    source = builders.on_disk(downloads, f"{RELEASE}.mkv", fill=b"new")
    told = {
        "database": database.url, "data": str(tmp_path / "data"), "item": detour.id, "source": str(source),
        "mode": "hardlink", "cross_device": False,
    }  # fmt: skip
    # After the files were swapped, and before the row is stored.
    assert _run_until(forking, 6, action="import", **told) == 9
    assert (Path(films.path) / name).read_bytes()[:3] == b"new"
    for point in range(1, 6):
        if _run_until(forking, point, action="recover", **told) == 0:
            break
    assert (Path(films.path) / name).read_bytes()[:3] == b"old"
    assert tree(films.path) == [name]
    assert source.exists()
