"""Enums shared by all packages, below everything else, so that adapters, parsing, the relay and contexts can use them."""

from __future__ import annotations

from enum import StrEnum


class MediaType(StrEnum):
    """Type of a title. The values are stored and sent over the API, so never rename one."""

    MOVIE = "movie"
    TV_SHOW = "tv_show"


class Activity(StrEnum):
    """What the downloads of a title or of one of its versions are doing."""

    DOWNLOADING = "downloading"
    BLOCKED = "blocked"
    """An import needs a person."""


def find_member[Word: StrEnum](words: type[Word], text: str | None) -> Word | None:
    """Return the member with this value, or None; for values from forms, URLs and files.

    >>> find_member(MediaType, "movie"), find_member(MediaType, "opera")
    (<MediaType.MOVIE: 'movie'>, None)
    """
    try:
        return words(text or "")
    except ValueError:
        return None
