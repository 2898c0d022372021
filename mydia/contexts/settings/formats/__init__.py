"""Custom formats: conditions on releases that add to the score of a profile."""

from mydia.contexts.settings.formats import subjects
from mydia.contexts.settings.formats.apps import IMPLEMENTATIONS, LANGUAGES, App
from mydia.contexts.settings.formats.matching import ConditionResult, Explained, FormatSet, score_of
from mydia.contexts.settings.formats.patterns import check as check_pattern
from mydia.contexts.settings.formats.shape import read_conditions, write_conditions
from mydia.contexts.settings.formats.values import Condition, Format, Kind, ReleaseType, Subject

__all__ = [
    "IMPLEMENTATIONS",
    "LANGUAGES",
    "App",
    "Condition",
    "ConditionResult",
    "Explained",
    "Format",
    "FormatSet",
    "Kind",
    "ReleaseType",
    "Subject",
    "check_pattern",
    "read_conditions",
    "score_of",
    "subjects",
    "write_conditions",
]
