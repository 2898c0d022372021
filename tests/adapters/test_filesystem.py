"""The disk: confinement, walking unusual trees, and placing files completely or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia import writing
from mydia.adapters import filesystem
from mydia.adapters.errors import Refused, Unreachable
from mydia.adapters.filesystem import (
    CrossDevice,
    Files,
    NoSpace,
    WalkProblem,
    confine,
    relative_text,
    shown,
    to_os,
    to_text,
)
from mydia.errors import Conflict, Invalid

FILES = Files()
OTHER_DISK = Path("/dev/shm")  # memory, so another file system than tmp_path


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    if (
        not OTHER_DISK.is_dir()
        or OTHER_DISK.stat().st_dev == tmp_path.stat().st_dev
        or not os.access(OTHER_DISK, os.W_OK)
    ):
        pytest.skip("no second file system here")
    folder = OTHER_DISK / f"mydia-{os.getpid()}-{os.urandom(4).hex()}"
    folder.mkdir()
    yield folder
    for child in folder.iterdir():
        child.unlink()
    folder.rmdir()


@pytest.fixture
def ordinary_user() -> Iterator[Path]:
    """A folder of an ordinary user; root, who may do everything, becomes one for the test."""
    folder = Path(tempfile.mkdtemp(prefix="mydia-"))
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, 65534, 65534)
        os.setegid(65534)
        os.seteuid(65534)
    yield folder
    if is_root:
        os.seteuid(0)
        os.setegid(0)
    shutil.rmtree(folder)


def write(path: Path, content: bytes = b"content") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def walked(root: Path, **options: object) -> tuple[list[str], list[WalkProblem]]:
    problems: list[WalkProblem] = []
    found = [file.path for file in FILES.walk(root, on_problem=problems.append, **options)]
    return found, problems


# Confinement


@pytest.mark.parametrize(
    "relative", ["..", "../x", "a/../../x", "/etc/passwd", "", ".", "//x", "a\0b", "a/..", "x/../y"]
)
def test_no_path_leads_out_of_its_root(relative: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        confine(tmp_path, relative)


def test_a_path_inside_is_returned_whether_it_exists_or_not(tmp_path: Path) -> None:
    assert confine(tmp_path, "Detour (1945)/Detour (1945).mkv") == tmp_path / "Detour (1945)" / "Detour (1945).mkv"


def test_paths_behind_a_link_out_of_the_root_are_refused_too(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    write(outside / "secret")
    (root / "door").symlink_to(outside)
    (root / "window").symlink_to(outside / "secret")

    for relative in ("door", "door/secret", "door/new", "window"):
        with pytest.raises(Invalid, match="through a link"):
            confine(root, relative)


def test_a_root_that_is_a_link_itself_is_fine(tmp_path: Path) -> None:
    write(tmp_path / "real" / "film.mkv")
    (tmp_path / "root").symlink_to(tmp_path / "real")

    path = confine(tmp_path / "root", "film.mkv")

    assert path.read_bytes() == b"content"
    assert relative_text(tmp_path / "root", path) == "film.mkv"


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: "\0" not in text))
def test_a_confined_path_is_always_inside_the_root(text: str) -> None:
    root = Path("/media/films")
    try:
        path = confine(root, text)
    except (Invalid, OSError):
        return
    assert path.is_relative_to(root)
    assert path != root


@given(st.binary(min_size=1, max_size=40).filter(lambda raw: b"\0" not in raw))
def test_every_possible_file_name_survives_the_round_trip(raw: bytes) -> None:
    name = os.fsdecode(raw)
    text = to_text(name)

    assert text.encode("utf-8")
    assert os.fsencode(to_os(text)) == raw


def test_undecodable_names_are_shown_with_replacement_characters() -> None:
    assert shown(to_text(os.fsdecode(b"caf\xe9.mkv"))) == "caf\ufffd.mkv"


# Walking


def test_a_walk_finds_every_file_with_its_facts(tmp_path: Path) -> None:
    write(tmp_path / "b" / "2.mkv", b"12345")
    write(tmp_path / "a.mkv")
    (tmp_path / "b" / "empty").mkdir()

    found = [*FILES.walk(tmp_path)]

    assert [file.path for file in found] == ["a.mkv", "b/2.mkv"]
    facts = (tmp_path / "b" / "2.mkv").stat()
    assert found[1][1:] == (5, facts.st_mtime_ns, facts.st_dev, facts.st_ino, 1)


def test_circular_links_end_and_list_nothing_twice(tmp_path: Path) -> None:
    write(tmp_path / "a" / "film.mkv")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a")
    (tmp_path / "z").symlink_to(tmp_path / "a")
    (tmp_path / "knot").symlink_to(tmp_path / "knot")

    found, problems = walked(tmp_path)

    assert found == ["a/film.mkv"]
    assert [problem.path for problem in problems] == ["knot"]


def test_links_out_of_the_root_are_reported_and_skipped(tmp_path: Path) -> None:
    write(tmp_path / "outside" / "film.mkv")
    root = tmp_path / "root"
    write(root / "own.mkv")
    (root / "door").symlink_to(tmp_path / "outside")
    (root / "window.mkv").symlink_to(tmp_path / "outside" / "film.mkv")

    found, problems = walked(root)

    assert found == ["own.mkv"]
    assert {problem.path for problem in problems} == {"door", "window.mkv"}


def test_a_file_with_an_undecodable_name_is_listed_and_can_be_opened(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.mkv")).write_bytes(b"content")

    [found], _ = walked(tmp_path)

    assert found.encode("utf-8")
    assert confine(tmp_path, found).read_bytes() == b"content"


def test_an_unreadable_folder_is_reported_and_the_rest_is_walked(ordinary_user: Path) -> None:
    write(ordinary_user / "open" / "film.mkv")
    locked = ordinary_user / "locked"
    write(locked / "film.mkv")
    locked.chmod(0)
    try:
        found, problems = walked(ordinary_user)
    finally:
        locked.chmod(0o755)

    assert found == ["open/film.mkv"]
    assert problems[0].path == "locked"
    assert f"user {os.geteuid()}" in problems[0].sentence


def test_a_folder_that_fails_during_reading_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "bad" / "film.mkv")
    write(tmp_path / "good" / "film.mkv")
    scan = os.scandir

    def failing(path: str) -> object:
        if str(path).endswith("bad"):
            raise OSError(errno.EIO, "Input/output error")
        return scan(path)

    monkeypatch.setattr(filesystem.os, "scandir", failing)

    found, problems = walked(tmp_path)

    assert found == ["good/film.mkv"]
    assert "check the mount" in problems[0].sentence


def test_folders_can_be_left_out(tmp_path: Path) -> None:
    write(tmp_path / "a" / "1.mkv")
    write(tmp_path / "@eaDir" / "2.mkv")

    found, _ = walked(tmp_path, enter=lambda folder: not folder.startswith("@"))

    assert found == ["a/1.mkv"]


def test_a_missing_root_raises_instead_of_looking_empty(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="does not exist"):
        walked(tmp_path / "gone")


def test_a_very_deep_tree_is_walked(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(400):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "film.mkv").touch()

    assert len(walked(tmp_path)[0]) == 1


# Placing


@pytest.mark.parametrize("place", [FILES.hardlink, FILES.copy, FILES.move, FILES.rename], ids=lambda f: f.__name__)
def test_nothing_is_ever_overwritten(place: Callable[[Path, Path], None], tmp_path: Path) -> None:
    source, target = write(tmp_path / "new", b"new"), write(tmp_path / "old", b"old")

    with pytest.raises(Conflict, match="already exists"):
        place(source, target)

    assert (source.read_bytes(), target.read_bytes()) == (b"new", b"old")
    assert sorted(child.name for child in tmp_path.iterdir()) == ["new", "old"]


@pytest.mark.parametrize("place", [FILES.hardlink, FILES.copy, FILES.move], ids=lambda f: f.__name__)
def test_a_missing_source_is_unreachable(place: Callable[[Path, Path], None], tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="does not exist"):
        place(tmp_path / "gone", tmp_path / "folder" / "target")

    assert not (tmp_path / "folder" / "target").exists()


def test_a_hard_link_is_the_same_file(tmp_path: Path) -> None:
    source, target = write(tmp_path / "a"), tmp_path / "library" / "b"

    FILES.hardlink(source, target)

    assert FILES.same_file(source, target)


def test_a_link_to_a_link_is_a_link_to_the_file(tmp_path: Path) -> None:
    source = write(tmp_path / "a")
    (tmp_path / "link").symlink_to(source)

    FILES.hardlink(tmp_path / "link", tmp_path / "b")

    assert not (tmp_path / "b").is_symlink()
    assert FILES.same_file(source, tmp_path / "b")


def test_a_hard_link_across_disks_raises_crossdevice(tmp_path: Path, other_disk: Path) -> None:
    source = write(tmp_path / "a")

    with pytest.raises(CrossDevice):
        FILES.hardlink(source, other_disk / "b")

    assert not FILES.same_filesystem(source, other_disk / "not" / "yet")


@pytest.mark.parametrize("verify", [False, True])
def test_a_copy_is_complete_and_keeps_its_times(verify: bool, tmp_path: Path, other_disk: Path) -> None:
    source = write(tmp_path / "a", os.urandom(20 * 1024**2))
    os.utime(source, ns=(10**18, 10**18))
    steps: list[int] = []

    FILES.copy(source, other_disk / "b", verify=verify, on_progress=steps.append)

    assert FILES.sha256(source) == FILES.sha256(other_disk / "b")
    assert (other_disk / "b").stat().st_mtime_ns == 10**18
    assert steps == sorted(steps)
    assert steps[-1] == 20 * 1024**2


def test_an_interrupted_copy_leaves_nothing(tmp_path: Path, other_disk: Path) -> None:
    source = write(tmp_path / "a", os.urandom(20 * 1024**2))

    def stop(_done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FILES.copy(source, other_disk / "b", on_progress=stop)

    assert [*other_disk.iterdir()] == []


def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "a")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(filesystem.os, "fsync", full)

    with pytest.raises(NoSpace, match="no space left"):
        FILES.copy(source, tmp_path / "b")
    assert [child.name for child in tmp_path.iterdir()] == ["a"]


def test_a_move_to_another_disk_is_a_copy_and_then_a_removal(tmp_path: Path, other_disk: Path) -> None:
    source = write(tmp_path / "a", b"film")

    FILES.move(source, other_disk / "b")

    assert (other_disk / "b").read_bytes() == b"film"
    assert not source.exists()


def test_a_rename_can_change_letter_case_and_replace_on_request(tmp_path: Path) -> None:
    source = write(tmp_path / "film.mkv", b"new")
    FILES.rename(source, tmp_path / "Film.mkv")
    write(tmp_path / "old.mkv", b"old")

    FILES.rename(tmp_path / "Film.mkv", tmp_path / "old.mkv", replace=True)

    assert (tmp_path / "old.mkv").read_bytes() == b"new"


def test_a_rename_without_the_kernel_s_help_overwrites_nothing_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OldLibrary:
        """A C library without renameat2."""

    monkeypatch.setattr(filesystem.ctypes, "CDLL", lambda *_, **__: OldLibrary())
    source, target = write(tmp_path / "a", b"a"), write(tmp_path / "b", b"b")

    with pytest.raises(Conflict):
        FILES.rename(source, target)
    FILES.rename(source, tmp_path / "c")

    assert (tmp_path / "c").read_bytes() == b"a"


def test_renaming_one_hard_link_onto_another_keeps_both(tmp_path: Path) -> None:
    source = write(tmp_path / "a")
    FILES.hardlink(source, tmp_path / "b")

    with pytest.raises(Conflict):
        FILES.rename(source, tmp_path / "b")

    assert source.exists()


def test_the_recycle_bin_keeps_files_of_the_same_name_and_their_times(tmp_path: Path) -> None:
    wanted = tmp_path / "bin" / "Detour" / "film.mkv"
    places = []
    for number in range(3):
        path = write(tmp_path / "film.mkv", str(number).encode())
        os.utime(path, ns=(10**18, 10**18))
        places.append(FILES.recycle(path, wanted))

    assert [place.name for place in places] == ["film.mkv", "film_2.mkv", "film_3.mkv"]
    assert [place.read_bytes() for place in places] == [b"0", b"1", b"2"]
    assert places[2].stat().st_mtime_ns == 10**18


def test_empty_parent_folders_are_removed_but_never_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    path = write(root / "a" / "b" / "film.mkv")
    write(root / "kept" / "other.mkv")
    FILES.delete(path)
    FILES.delete(path)

    removed = FILES.remove_empty_parents(path, root)
    FILES.remove_empty_parents(root / "kept" / "gone.mkv", root)

    assert removed == [root / "a" / "b", root / "a"]
    assert (root / "kept").is_dir()


# Reading


def test_free_space_is_reported_for_folders_that_do_not_exist_yet(tmp_path: Path) -> None:
    space = FILES.space(tmp_path / "not" / "yet")

    assert 0 < space.free_bytes <= space.total_bytes


def test_a_read_only_folder_is_reported_with_mydias_user(ordinary_user: Path) -> None:
    ordinary_user.chmod(0o555)
    access = FILES.access(ordinary_user)
    ordinary_user.chmod(0o755)

    assert access.readable
    assert not access.writable
    assert f"user {os.geteuid()}" in access.sentence
    assert "PUID" in access.sentence


def test_the_write_check_leaves_nothing_behind(tmp_path: Path) -> None:
    assert FILES.access(tmp_path).writable
    assert [*tmp_path.iterdir()] == []
    assert not FILES.access(tmp_path / "gone").readable


def test_a_denied_write_names_user_and_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_self: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "touch", denied)

    access = FILES.access(tmp_path)

    assert f"user {os.geteuid()}" in access.sentence
    assert f"belongs to {os.geteuid()}:" in access.sentence


def test_the_state_of_a_mount_is_reported(tmp_path: Path) -> None:
    empty = FILES.mount_state(tmp_path)
    assert (empty.exists, empty.is_folder, empty.is_mount, empty.empty) == (True, True, False, True)

    write(tmp_path / "film.mkv")
    assert FILES.mount_state(tmp_path).empty is False
    assert FILES.mount_state(tmp_path / "gone").exists is False
    assert FILES.mount_state(tmp_path / "film.mkv").is_folder is False
    assert FILES.mount_state(Path("/proc")).is_mount is True


def test_folders_are_listed_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("b", "A", ".hidden"):
        (tmp_path / name).mkdir()
    write(tmp_path / "file")

    assert FILES.list_folders(tmp_path) == ["A", "b"]


def test_the_hash_of_opensubtitles_is_computed_as_they_do(tmp_path: Path) -> None:
    content = struct.pack("<16384Q", *range(16384))
    expected = (len(content) + sum(range(8192)) + sum(range(8192, 16384))) & 0xFFFF_FFFF_FFFF_FFFF

    assert FILES.oshash(write(tmp_path / "a", content)) == f"{expected:016x}"
    assert FILES.oshash(write(tmp_path / "b", b"small")) is None


def test_only_small_files_are_read_at_once(tmp_path: Path) -> None:
    assert FILES.read_bytes(write(tmp_path / "film.nfo", b"12"), limit=2) == b"12"
    with pytest.raises(Refused, match="too large"):
        FILES.read_bytes(write(tmp_path / "film.nfo", b"123"), limit=2)


@pytest.mark.parametrize(
    "call",
    [
        lambda p: [*FILES.walk(p)],
        lambda p: FILES.copy(p / "a", p / "b"),
        lambda p: FILES.hardlink(p / "a", p / "b"),
        lambda p: FILES.move(p / "a", p / "b"),
        lambda p: FILES.delete(p / "a"),
        FILES.access,
    ],
)
def test_no_file_is_touched_while_the_database_is_written(call: Callable[[Path], object], tmp_path: Path) -> None:
    write(tmp_path / "a")
    writing.begin()
    try:
        with pytest.raises(RuntimeError, match="inside writes"):
            call(tmp_path)
    finally:
        writing.end()

    assert [child.name for child in tmp_path.iterdir()] == ["a"]
