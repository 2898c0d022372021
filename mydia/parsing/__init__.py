"""Parse release, file and folder names into facts, each with a confidence.

Pure: names in, facts out. `parse_release` reads one name, `parse_path` a path with its folders, and `parse` returns
a plain dictionary. Search, import, scanning and subtitles all use this package.

The rules compile about 500 patterns, which takes longer than all other modules of a process together. They are
imported with the first name that is read, so that pages are answered sooner and a process that reads none never pays.
"""

from typing import Any

from mydia.parsing.quality import (
    QUALITIES,
    Modifier,
    Quality,
    QualityDefinition,
    Revision,
    Source,
    definition_by_radarr_id,
    definition_by_sonarr_id,
)
from mydia.parsing.release import Confidence, ParsedRelease, Span
from mydia.parsing.titles import lacks_word_spaces, normalise_title, similarity, sort_title

__all__ = [
    "QUALITIES",
    "Confidence",
    "Modifier",
    "ParsedRelease",
    "Quality",
    "QualityDefinition",
    "Revision",
    "Source",
    "Span",
    "definition_by_radarr_id",
    "definition_by_sonarr_id",
    "is_season_folder",
    "lacks_word_spaces",
    "normalise_title",
    "parse",
    "parse_path",
    "parse_release",
    "season_of_folder",
    "similarity",
    "sort_title",
]


def parse_release(name: str, hint: str | None = None) -> ParsedRelease | None:
    """Read a release or file name (`reading.parse_release`)."""
    from mydia.parsing import reading

    return reading.parse_release(name, hint)


def parse_path(path: str, library_root: str | None = None, hint: str | None = None) -> ParsedRelease | None:
    """Read a file together with its folders (`folders.parse_path`)."""
    from mydia.parsing import folders

    return folders.parse_path(path, library_root, hint)


def parse(name: str, hint: str | None = None) -> dict[str, Any] | None:
    """Return the plain dictionary form of a name or path (`dictionary.parse`)."""
    from mydia.parsing import dictionary

    return dictionary.parse(name, hint)


def is_season_folder(folder: str) -> bool:
    """Return whether a folder is named after its season alone (`seasons.is_season_folder`)."""
    from mydia.parsing import seasons

    return seasons.is_season_folder(folder)


def season_of_folder(folder: str) -> int | None:
    """Return the number of a folder that holds one season (`seasons.season_of_folder`)."""
    from mydia.parsing import seasons

    return seasons.season_of_folder(folder)
