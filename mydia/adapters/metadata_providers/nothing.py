"""The provider of an installation without a metadata source, in which titles come from names and NFO files."""

from __future__ import annotations

from typing import NoReturn

from mydia.adapters.errors import Refused
from mydia.adapters.metadata_providers.base import Candidate, Details, Ids, SeasonDetails
from mydia.vocabulary import MediaType


class NoProvider:
    """Raises for every request, so that no caller mistakes it for an empty result."""

    name = "none"
    available = False
    sources: frozenset[str] = frozenset()

    def search(
        self,
        type: MediaType,
        text: str,
        *,
        year: int | None = None,
        language: str = "en-US",
        source: str = "tmdb",
        adult: bool = False,
    ) -> list[Candidate]:
        """Refuse."""
        self._refuse()

    def find(
        self, type: MediaType | None, *, imdb_id: str | None = None, tvdb_id: int | None = None
    ) -> list[Candidate]:
        """Refuse."""
        self._refuse()

    def details(
        self,
        type: MediaType,
        ids: Ids,
        *,
        language: str = "en-US",
        source: str = "tmdb",
        region: str | None = None,
        fresh: bool = False,
    ) -> Details:
        """Refuse."""
        self._refuse()

    def season(
        self, ids: Ids, number: int, *, language: str = "en-US", source: str = "tmdb", fresh: bool = False
    ) -> SeasonDetails:
        """Refuse."""
        self._refuse()

    def trending(self, type: MediaType, *, language: str = "en-US") -> list[Candidate]:
        """Refuse."""
        self._refuse()

    def image(self, path: str, size: str) -> tuple[bytes, str]:
        """Refuse."""
        self._refuse()

    def check(self) -> None:
        """Refuse."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise Refused(
            "Metadata",
            "no source is configured; add a TMDB key or a relay's address in the settings, or continue with file names only",
        )
