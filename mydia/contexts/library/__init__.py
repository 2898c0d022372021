"""Library: scanning, matching, naming, importing and removing files."""

from mydia.contexts.library import (
    edits,
    faulty,
    filekinds,
    files,
    holdings,
    ignored_folders,
    inbox,
    journal,
    manual,
    mounts,
    moving,
    naming,
    reasons,
    recycle,
    removed,
    renaming,
    scanning,
)
from mydia.contexts.library.analysis import analyse_file, analyse_files
from mydia.contexts.library.models import (
    FileEpisode,
    InboxEntry,
    JournalEntry,
    MediaFile,
    RecycledFile,
    RemovedTitle,
    Scan,
    Sidecar,
)
from mydia.contexts.library.naming_facts import naming_facts, rules_of
from mydia.contexts.library.placing.plan import ImportPlan, ImportRequest, PlannedFile, SourceFile, plan_import
from mydia.contexts.library.placing.write import Placed, place
from mydia.contexts.library.recognise import matching
from mydia.contexts.library.recognise.matcher import MatchReport, match_new_files

__all__ = [
    "FileEpisode",
    "ImportPlan",
    "ImportRequest",
    "InboxEntry",
    "JournalEntry",
    "MatchReport",
    "MediaFile",
    "Placed",
    "PlannedFile",
    "RecycledFile",
    "RemovedTitle",
    "Scan",
    "Sidecar",
    "SourceFile",
    "analyse_file",
    "analyse_files",
    "edits",
    "faulty",
    "filekinds",
    "files",
    "holdings",
    "ignored_folders",
    "inbox",
    "journal",
    "manual",
    "match_new_files",
    "matching",
    "mounts",
    "moving",
    "naming",
    "naming_facts",
    "place",
    "plan_import",
    "reasons",
    "recycle",
    "removed",
    "renaming",
    "rules_of",
    "scanning",
]
