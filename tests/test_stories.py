"""The history in sentences: one import is one line, counts are right, and empty values are not shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mydia.events import Happened
from mydia.events.stories import KINDS, all_but_quiet, folded, story

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def event(number: int, type_: str, *, ago_min: float = 0, **payload: Any) -> Happened:
    """An event; the higher its number the newer."""
    kind, id_ = ("media_item", payload["media_item_id"]) if payload.get("media_item_id") else ("download", "d1")
    at = NOW - timedelta(minutes=ago_min)
    return Happened(number, at, type_, "system", None, "Mydia", kind, id_, "info", payload)


def imported(number: int, name: str, **more: Any) -> Happened:
    """A file that was placed."""
    told = {"media_item_id": "m", "download_id": "d1", "file_id": name, "source": "/d", "method": "hardlink"}
    return event(number, "FileImported", target=name, replaced=[], **(told | more))


def test_one_import_is_one_line_with_its_steps() -> None:
    lines = folded(
        [
            event(9, "DownloadImported", media_item_id="m", download_id="d1", files=3),
            event(8, "DownloadChanged", download_id="d1", old="importing", new="imported", reason=None),
            imported(7, "S01E03.mkv"),
            imported(6, "S01E02.mkv"),
            imported(5, "S01E01.mkv"),
            event(4, "DownloadChanged", download_id="d1", old="completed", new="importing", reason=None),
            event(3, "SearchFinished", media_item_id="m", search_id="s", found=3, approved=1, failures=1),
            imported(2, "other.mkv", download_id="d2"),
        ]
    )
    assert [(line.title, line.text, len(line.steps)) for line in lines] == [
        ("Imported", "3 files", 6),
        ("Searched", "3 found, 1 accepted, 1 indexer failed", 0),
        ("Imported", "other.mkv", 0),
    ]
    assert [line.download_id for line in lines] == ["d1", None, "d2"]
    assert lines[1].search_id == "s"


def test_files_recognised_together_are_one_line_and_later_ones_another() -> None:
    told = {"media_item_id": "m", "file_id": "f", "score": 1.0, "evidence": ["The name says so"]}
    lines = folded(
        [
            *(event(9 - n, "FileMatched", relative_path=f"{n}.mkv", **told) for n in range(3)),
            event(2, "FileMatched", relative_path="old.mkv", ago_min=300, **told),
        ]
    )
    assert [(line.title, line.text) for line in lines] == [
        ("File recognised", "3 files"),
        ("File recognised", "old.mkv"),
    ]


@pytest.mark.parametrize(
    ("changed", "sentences"),
    [
        ({"folder": [None, "Metropolis (1927)"]}, ("folder: Metropolis (1927)",)),
        ({"folder": ["Metropolis", None]}, ("folder: Metropolis removed",)),
        ({"folder": [None, ""]}, ("folder changed",)),
        ({"year": [1926, 1927], "monitored": [True, False]}, ("year: 1926 → 1927", "monitored: yes → no")),
    ],
)
def test_a_value_that_was_or_is_empty_is_not_called_nothing(
    changed: dict[str, list[object]], sentences: tuple[str, ...]
) -> None:
    assert story(event(1, "MediaChanged", media_item_id="m", changed=changed)).details == sentences


@pytest.mark.parametrize(("files", "text"), [(1, "1 file"), (2, "2 files"), (1204, "1,204 files")])
def test_counts_have_the_right_noun(files: int, text: str) -> None:
    assert story(event(1, "FilesRenamed", media_item_id="m", batch_id="b", files=files)).text == text


def test_the_history_by_itself_holds_no_sign_ins_and_no_settings() -> None:
    assert not set(all_but_quiet()) & set(KINDS["audit"][1])
