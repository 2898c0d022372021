"""Words shared by all packages. They sit below everything else, so that adapters, parsing, the relay and contexts can use them."""

from __future__ import annotations

from enum import StrEnum


class MediaType(StrEnum):
    """What a title is. The values are stored and sent over the API: never rename one."""

    MOVIE = "movie"
    TV_SHOW = "tv_show"
