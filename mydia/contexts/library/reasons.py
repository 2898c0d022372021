"""PURE. Why a scan was rejected, a file waits or a disk operation is refused: codes with facts, and their sentences."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from mydia.events import say


class ScanReason(StrEnum):
    """Why a scan was rejected, or what it left open."""

    MISSING = "missing"
    NOT_A_FOLDER = "not_a_folder"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    OTHER_DISK = "other_disk"
    MANY_MISSING = "many_missing"
    NOT_MOUNTED = "not_mounted"
    """It was a mount point and no longer is one."""
    WALK_FAILED = "walk_failed"
    SOURCE_SILENT = "source_silent"
    """The metadata source did not answer, and files are waiting."""


class ReviewReason(StrEnum):
    """Why files wait for a decision, or were ignored."""

    NO_CANDIDATE = "no_candidate"
    RIVALS = "rivals"
    BELOW_LIMIT = "below_limit"
    WEAK = "weak"
    NO_SOURCE = "no_source"
    NO_NUMBER = "no_number"
    NO_SUCH_SEASON = "no_such_season"
    NO_SUCH_EPISODE = "no_such_episode"
    NO_SUCH_DATE = "no_such_date"
    TWO_READINGS = "two_readings"
    PART_OF_SEASON = "part_of_season"
    BETWEEN_EPISODES = "between_episodes"
    SPECIAL = "special"
    LONGER_TITLE = "longer_title"
    OTHER_YEAR = "other_year"
    REOPENED = "reopened"
    SET_ASIDE = "set_aside"
    FOLDER_IGNORED = "folder_ignored"
    TITLE_REMOVED = "title_removed"


_SCAN: dict[str, str] = {
    ScanReason.MISSING: "{path} does not exist. Mount the disk or correct the path under Settings, Libraries, then scan again. {kept}",
    ScanReason.NOT_A_FOLDER: "{path} is not a folder. Correct the path under Settings, Libraries. {kept}",
    ScanReason.UNREADABLE: "{path} cannot be read. Give Mydia's user access to it, then scan again. {kept}",
    ScanReason.EMPTY: "{path} is empty, but should contain {known} files. Is the disk mounted? {kept} "
    "If the files are really gone, remove their titles or this library folder.",
    ScanReason.OTHER_DISK: "{path} is on another disk than at the last scan, and {missing} of {known} files are missing. "
    "The disk is probably not mounted. Mount it and scan again. {kept}",
    ScanReason.MANY_MISSING: "{missing} of {known} files ({share} %) are missing from {path}, more than the limit of "
    "{limit} %. Check the disk. If the files are really gone, confirm it. {kept}",
    ScanReason.NOT_MOUNTED: "The disk of {path} is not mounted. Mount it and scan again, or confirm that the folder is on "
    "another disk now. {kept}",
    ScanReason.WALK_FAILED: "{error} {kept}",
    ScanReason.SOURCE_SILENT: "{error} Files waiting for a match: {waiting}. They are matched as soon as it answers.",
}
_REVIEW: dict[str, str] = {
    ReviewReason.NO_CANDIDATE: "No title found for {name}.",
    ReviewReason.RIVALS: "{best} and {rival} match equally well. Choose one.",
    ReviewReason.BELOW_LIMIT: "{best} is likely, but below the auto-match threshold.",
    ReviewReason.WEAK: "{best} is possible, but not certain.",
    ReviewReason.NO_SOURCE: "The name is ambiguous, and no metadata source is configured to look it up.",
    ReviewReason.NO_NUMBER: "The name has no episode number. Choose the episode.",
    ReviewReason.NO_SUCH_SEASON: "{title} has no season {season}. Choose the episode.",
    ReviewReason.NO_SUCH_EPISODE: "{title} has no episode {number}. Choose the episode.",
    ReviewReason.NO_SUCH_DATE: "No episode of {title} aired on {day}. Choose the episode.",
    ReviewReason.TWO_READINGS: "{number} can count within season {season} or from the first episode. Choose the episode.",
    ReviewReason.PART_OF_SEASON: "{number} counts within a part of season {season}. Choose the episode.",
    ReviewReason.BETWEEN_EPISODES: "{number} is between two episodes. Choose the episode or special.",
    ReviewReason.SPECIAL: "{number} is the number of a special. Choose the episode or special.",
    ReviewReason.LONGER_TITLE: "The name has more words than {title}, possibly a season with its own numbering. Choose the episode.",
    ReviewReason.OTHER_YEAR: "The name says {year}, but {title} started in {started}. Check the title.",
    ReviewReason.REOPENED: "Reopened.",
    ReviewReason.SET_ASIDE: "Ignored.",
    ReviewReason.FOLDER_IGNORED: "The folder {folder} is ignored.",
    ReviewReason.TITLE_REMOVED: "The title was removed and its files were kept.",
}
ACCEPTABLE = frozenset({ScanReason.MANY_MISSING, ScanReason.NOT_MOUNTED})
"""Rejections that a user can override by confirming that the files are gone."""
EPISODE_UNCLEAR = frozenset(
    {
        ReviewReason.NO_NUMBER,
        ReviewReason.NO_SUCH_SEASON,
        ReviewReason.NO_SUCH_EPISODE,
        ReviewReason.NO_SUCH_DATE,
        ReviewReason.TWO_READINGS,
        ReviewReason.PART_OF_SEASON,
        ReviewReason.BETWEEN_EPISODES,
        ReviewReason.SPECIAL,
        ReviewReason.LONGER_TITLE,
    }
)
"""Reasons for which the title is known and an episode must be chosen."""


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def scan_sentence(code: str, facts: Mapping[str, Any]) -> str:
    """Return the sentence for a scan's reason.

    >>> scan_sentence("not_a_folder", {"path": "/media"})
    '/media is not a folder. Correct the path under Settings, Libraries. Nothing was changed.'
    """
    return _SCAN[code].format_map(_Facts({"kept": "Nothing was changed.", **facts}))


def review_sentence(code: str, facts: Mapping[str, Any]) -> str:
    """Return the sentence for a reason in the review.

    >>> review_sentence("no_such_episode", {"title": "Kingdom", "number": "41"})
    'Kingdom has no episode 41. Choose the episode.'
    """
    sentence = _REVIEW[code].format_map(_Facts(facts))
    if facts.get("closest"):
        sentence += f" The closest is {facts['closest']}."
    return f"{sentence} {say(facts['detail'])}." if facts.get("detail") else sentence
