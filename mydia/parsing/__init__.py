"""Parse release, file and folder names into facts, each with a confidence.

Pure: names in, facts out. `parse_release` reads one name, `parse_path` a path with its folders, and `parse` returns
a plain dictionary. Search, import, scanning and subtitles all use this package.
"""

from mydia.parsing.dictionary import parse
from mydia.parsing.folders import parse_path
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
from mydia.parsing.reading import parse_release
from mydia.parsing.release import Confidence, ParsedRelease, Span
from mydia.parsing.seasons import is_season_folder, season_of_folder
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
