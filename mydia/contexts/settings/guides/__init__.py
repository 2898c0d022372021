"""Guides in the JSON of TRaSH-Guides: formats, profiles, sizes and names, imported with a preview and exported again."""

from mydia.contexts.settings.guides.applying import (
    DEFAULT_URL,
    allow,
    apply,
    changed_fields,
    fetch,
    keep,
    kept,
    preview,
)
from mydia.contexts.settings.guides.bundle import (
    Bundle,
    Part,
    PartKind,
    conflicting,
    read_files,
    read_zip,
    variants,
)
from mydia.contexts.settings.guides.exporting import export_all, export_files, export_profile
from mydia.contexts.settings.guides.planning import (
    Action,
    Choice,
    FormatStep,
    Line,
    Plan,
    ProfileStep,
    groups_for,
    is_default,
)

__all__ = [
    "DEFAULT_URL",
    "Action",
    "Bundle",
    "Choice",
    "FormatStep",
    "Line",
    "Part",
    "PartKind",
    "Plan",
    "ProfileStep",
    "allow",
    "apply",
    "changed_fields",
    "conflicting",
    "export_all",
    "export_files",
    "export_profile",
    "fetch",
    "groups_for",
    "is_default",
    "keep",
    "kept",
    "preview",
    "read_files",
    "read_zip",
    "variants",
]
