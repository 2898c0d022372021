"""Custom formats: conditions on releases that add to the score of a profile."""

from mydia.contexts.settings.formats import stored, subjects
from mydia.contexts.settings.formats.apps import (
    IMPLEMENTATIONS,
    LANGUAGE_NAMES,
    LANGUAGES,
    App,
    language_code,
    language_name,
)
from mydia.contexts.settings.formats.matching import ConditionResult, Explained, FormatSet, score_of
from mydia.contexts.settings.formats.patterns import check as check_pattern
from mydia.contexts.settings.formats.shape import read_conditions, write_conditions
from mydia.contexts.settings.formats.stored import (
    FormatForm,
    StoredFormat,
    current,
    delete_format,
    duplicate_format,
    export_format,
    get_editable,
    get_format,
    list_editable,
    list_formats,
    record_stopped,
    save_format,
)
from mydia.contexts.settings.formats.values import (
    FLAGS,
    ORIGINAL,
    UNKNOWN,
    Condition,
    Format,
    Kind,
    ReleaseType,
    Subject,
)

__all__ = [
    "FLAGS",
    "IMPLEMENTATIONS",
    "LANGUAGES",
    "LANGUAGE_NAMES",
    "ORIGINAL",
    "UNKNOWN",
    "App",
    "Condition",
    "ConditionResult",
    "Explained",
    "Format",
    "FormatForm",
    "FormatSet",
    "Kind",
    "ReleaseType",
    "StoredFormat",
    "Subject",
    "check_pattern",
    "current",
    "delete_format",
    "duplicate_format",
    "export_format",
    "get_editable",
    "get_format",
    "language_code",
    "language_name",
    "list_editable",
    "list_formats",
    "read_conditions",
    "record_stopped",
    "save_format",
    "score_of",
    "stored",
    "subjects",
    "write_conditions",
]
