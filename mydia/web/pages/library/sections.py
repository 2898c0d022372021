"""The two lists of the library: movies and shows."""

from __future__ import annotations

import msgspec

from mydia.vocabulary import MediaType
from mydia.web.deps import WebRequest


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Movies or shows."""

    path: str
    type: MediaType
    id: str
    title: str
    noun: str
    add: str

    @property
    def table(self) -> str:
        """The address of the table."""
        return f"{self.path}?view=table"


SECTIONS = {
    "movies": Section(path="/movies", type=MediaType.MOVIE, id="movies", title="Movies", noun="movie", add="Add movie"),
    "shows": Section(path="/shows", type=MediaType.TV_SHOW, id="shows", title="Shows", noun="show", add="Add show"),
}


def section_of(request: WebRequest) -> Section:
    """Return the list that an address is about."""
    return SECTIONS[request.url.path.split("/")[1]]
