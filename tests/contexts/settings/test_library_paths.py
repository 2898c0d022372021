"""Library folders: which paths are allowed, and checks of the disk."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mydia import events
from mydia.adapters.filesystem import Files
from mydia.adapters.outside import Outside
from mydia.contexts import settings
from mydia.contexts.settings import NewLibraryPath
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import Database
from mydia.errors import Conflict, Forbidden, Invalid


@pytest.fixture
def outside() -> Outside:
    """An outside with the real disk; nothing else is needed here."""
    return cast("Outside", SimpleNamespace(files=Files()))


def _add(database: Database, caller: Caller, now: datetime, path: str, **choices: Any) -> str:
    with database.writes() as session:
        new = NewLibraryPath(path=path, type=choices.pop("type", "movies"), **choices)
        return settings.library_paths.add_library_path(session, caller, now, new).id


def test_a_folder_is_stored_normalised_and_announced(database: Database, admin: Caller, now: datetime) -> None:
    _add(database, admin, now, " /media//films/../movies/ ")
    with database.reads() as session:
        (row,) = settings.library_paths.list_library_paths(session, SYSTEM)
        assert (row.path, row.name, row.import_mode) == ("/media/movies", "movies", "hardlink")
        assert events.feed(session)[0].type == "LibraryPathAdded"


@pytest.mark.parametrize(
    "path", ["", "media", "./media", "/", "/etc", "/etc/films", "/proc/1", "/usr/share/films", "/home", "/var/", "/run"]
)
def test_relative_and_system_folders_are_refused(database: Database, admin: Caller, now: datetime, path: str) -> None:
    with pytest.raises(Invalid) as refused:
        _add(database, admin, now, path)
    assert "path" in refused.value.fields


@pytest.mark.parametrize("path", ["/home/robin/films", "/media", "/run/media/robin/disk", "/etcetera", "/srv/films"])
def test_folders_next_to_system_folders_are_allowed(
    database: Database, admin: Caller, now: datetime, path: str
) -> None:
    assert _add(database, admin, now, path)


@pytest.mark.parametrize("path", ["/media/tv", "/media/tv/", "/media/tv/anime", "/media"])
def test_folders_cannot_be_nested(database: Database, admin: Caller, now: datetime, path: str) -> None:
    _add(database, admin, now, "/media/tv")
    with pytest.raises(Conflict) as refused:
        _add(database, admin, now, path)
    assert "path" in refused.value.fields


def test_a_common_name_prefix_is_not_nesting(database: Database, admin: Caller, now: datetime) -> None:
    _add(database, admin, now, "/media/tv")
    assert _add(database, admin, now, "/media/tv2")


@pytest.mark.parametrize(
    "choice", [{"type": "books"}, {"import_mode": "teleport"}, {"provider": "imdb"}, {"scan_cron": "x"}]
)
def test_unknown_values_are_reported_at_their_field(
    database: Database, admin: Caller, now: datetime, choice: dict[str, str]
) -> None:
    with pytest.raises(Invalid) as refused:
        _add(database, admin, now, "/media/tv", **choice)
    assert set(refused.value.fields) == set(choice)


def test_a_folder_can_be_changed_and_removed(database: Database, admin: Caller, now: datetime) -> None:
    identifier = _add(database, admin, now, "/media/tv")
    with database.writes() as session:
        new = NewLibraryPath(path="/media/series", type="series", name="Shows", monitored=False)
        settings.library_paths.change_library_path(session, admin, now, identifier, new)
    with database.reads() as session:
        assert events.feed(session)[0].payload["changed"]["path"] == ["/media/tv", "/media/series"]
    with database.writes() as session:
        settings.library_paths.remove_library_path(session, admin, now, identifier)
    with database.reads() as session:
        assert settings.library_paths.list_library_paths(session, SYSTEM) == []


def test_guests_cannot_change_anything(database: Database, admin: Caller, guest: Caller, now: datetime) -> None:
    identifier = _add(database, admin, now, "/media/tv")
    for act in (
        lambda s: settings.library_paths.add_library_path(s, guest, now, NewLibraryPath(path="/x", type="movies")),
        lambda s: settings.library_paths.change_library_path(
            s, guest, now, identifier, NewLibraryPath(path="/x", type="movies")
        ),
        lambda s: settings.library_paths.remove_library_path(s, guest, now, identifier),
    ):
        with pytest.raises(Forbidden), database.writes() as session:
            act(session)


def test_access_is_checked_by_trying(outside: Outside, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a.mkv").touch()
    (tmp_path / "downloads").mkdir()
    look = settings.library_paths.look_at_folder(
        outside, SYSTEM, str(tmp_path / "films"), [], downloads=str(tmp_path / "downloads")
    )
    assert look.problem is None
    said = [finding.sentence for finding in look.findings]
    assert said[0] == "Readable and writable"
    assert said[1].endswith("free")
    assert said[2] == "Same disk as downloads: hard links will be used"
    assert os.listdir(tmp_path / "films") == ["a.mkv"]
    empty = str(tmp_path / "downloads")
    for may_be_empty, expected in ((False, True), (True, False)):
        look = settings.library_paths.look_at_folder(outside, SYSTEM, empty, [], may_be_empty=may_be_empty)
        assert ("Empty" in [finding.sentence for finding in look.findings]) is expected


def test_a_path_that_is_not_a_folder_is_reported(outside: Outside, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "Create it" in (
        settings.library_paths.look_at_folder(outside, SYSTEM, str(tmp_path / "none"), []).problem or ""
    )
    assert "not a folder" in (
        settings.library_paths.look_at_folder(outside, SYSTEM, str(tmp_path / "file"), []).problem or ""
    )
    assert "must be absolute" in (settings.library_paths.look_at_folder(outside, SYSTEM, "films", []).problem or "")


def test_a_link_into_another_library_folder_is_detected(
    outside: Outside, tmp_path: Path, database: Database, admin: Caller, now: datetime
) -> None:
    (tmp_path / "films" / "new").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "films" / "new")
    _add(database, admin, now, str(tmp_path / "films"), name="Films")
    with database.reads() as session:
        others = settings.library_paths.list_library_paths(session, SYSTEM)
    assert "Films" in (
        settings.library_paths.look_at_folder(outside, SYSTEM, str(tmp_path / "link"), others).problem or ""
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_warned_about(outside: Outside, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir(mode=0o555)
    look = settings.library_paths.look_at_folder(outside, SYSTEM, str(tmp_path / "films"), [])
    assert look.findings[0].tone == "warn"


def test_the_data_folder_cannot_be_a_library(database, admin, now):
    home = database.path.parent
    for path in (home, home / "images", home / "backups" / "old"):
        with pytest.raises(Invalid, match="data folder"), database.writes() as session:
            settings.library_paths.add_library_path(session, admin, now, NewLibraryPath(path=str(path), type="movies"))
