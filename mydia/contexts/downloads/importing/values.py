"""What an import works with: the files of a download, what is known of it, and what would become of each file."""

from __future__ import annotations

from pathlib import Path

import msgspec

from mydia.adapters.media_tools import MediaFacts
from mydia.contexts import media, settings
from mydia.contexts.downloads.decisions import Held
from mydia.contexts.downloads.models import Download
from mydia.contexts.media import EpisodeRef
from mydia.contexts.settings import ClientChoice, Profile
from mydia.errors import Unavailable
from mydia.events import Reason
from mydia.parsing import ParsedRelease, Quality
from mydia.vocabulary import MediaType


class NotReady(Unavailable):
    """The download is not complete yet, or its client does not answer: the import is retried automatically."""


class ChosenFile(msgspec.Struct, frozen=True):
    """A user's decision about one file of a download."""

    path: str
    """Relative to the download's folder, as in the preview."""
    episode_ids: tuple[str, ...] = ()
    quality: str | None = None
    """Name of a quality; None keeps the detected one."""


class ImportFile(msgspec.Struct, frozen=True, kw_only=True):
    """A video of a download, and what an import would do with it."""

    path: Path
    shown_path: str
    size_bytes: int
    quality: Quality
    parsed: ParsedRelease | None
    episodes: tuple[EpisodeRef, ...] = ()
    objections: tuple[Reason, ...] = ()
    """What a user must decide."""
    skipped: Reason | None = None
    """Why it is left out without asking: an extra, no upgrade, already placed."""
    already: bool = False
    """Whether an earlier attempt has placed it."""
    release_group: str | None = None
    facts: MediaFacts | None = None
    formats: tuple[settings.formats.Format, ...] = ()
    """The custom formats that match, by name and streams."""
    format_score: int = 0

    @property
    def wanted(self) -> bool:
        """Whether it is imported."""
        return not self.objections and self.skipped is None


class ImportPreview(msgspec.Struct, frozen=True):
    """The contents of a finished download."""

    download: Download
    folder: Path | None
    files: tuple[ImportFile, ...]
    problems: tuple[Reason, ...]
    """Problems of the whole download."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is read from the database before the disk is accessed."""

    row: Download
    item_type: MediaType
    item_title: str
    titles: frozenset[str]
    """All known titles of the item, normalised."""
    year: int | None
    runtime_min: int | None
    series: media.numbering.SeriesNumbers | None
    """None for a film."""
    profile: Profile
    held: tuple[Held, ...]
    episodes: tuple[EpisodeRef, ...]
    expected: frozenset[str]
    """Ids of the episodes that the download was grabbed for."""
    placed_episodes: frozenset[str]
    placed_film: bool
    library_folder: Path | None
    choice: ClientChoice | None
    minimum_free_bytes: int
    import_mode: str = "hardlink"
    version_id: str = ""
    quality: Quality = msgspec.field(default=Quality())
    release: ParsedRelease | None = None
    """The parsed release name."""
    formats: settings.formats.FormatSet | None = None
    propers: settings.upgrades.Propers = settings.upgrades.Propers.PREFER
    original_language: str | None = None
    shared: bool = False
    """Whether another title is imported from the same torrent."""


class Content(msgspec.Struct, frozen=True):
    """Where a download's files are on this machine."""

    folder: Path
    """The folder of the files, or the single file."""
    only: frozenset[str] | None = None
    """Paths relative to the folder that belong to the download; None means all of them."""
    unwanted: frozenset[str] = frozenset()
    """Paths relative to the folder that are deselected in the client."""


# Suffixes that clients give to incomplete files.
PARTIAL_SUFFIXES = (".!qb", ".!bt", ".part", ".crdownload", ".!ut")
