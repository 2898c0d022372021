"""Lists in the configuration: download clients, indexers and library folders, from numbered variables and the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mydia.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class ManagedEntry:
    """One client, indexer or library folder from the environment or the file; settings pages show it read-only."""

    fields: Mapping[str, str]
    """Lower-case field -> text, e.g. `base_url`."""
    source: str


@dataclass(frozen=True, slots=True)
class EntryList:
    """A list section: its name in the file, the prefix of its variables, and the fields of an entry."""

    name: str
    prefix: str
    """`DOWNLOAD_CLIENT` for `DOWNLOAD_CLIENT_1_NAME` (reference/mydia-original.md §9.2)."""
    fields: tuple[str, ...]


LISTS = (
    EntryList(
        "download_clients",
        "DOWNLOAD_CLIENT",
        (
            "name",
            "type",
            "enabled",
            "priority",
            "host",
            "port",
            "use_ssl",
            "url_base",
            "username",
            "password",
            "api_key",
            "category",
            "movies_category",
            "series_category",
            "save_path",
            "download_directory",
            "remove_completed",
            "verify_certificate",
            "remote_path",
            "local_path",
        ),
    ),
    EntryList(
        "indexers",
        "INDEXER",
        (
            "name",
            "type",
            "enabled",
            "priority",
            "base_url",
            "api_key",
            "indexer_ids",
            "categories",
            "rate_limit",
            "timeout",
            "minimum_seeders",
        ),
    ),
    EntryList(
        "library_paths",
        "LIBRARY_PATH",
        (
            "path",
            "name",
            "type",
            "monitored",
            "scan_interval",
            "quality_profile",
            "quality_profile_id",
            "import_mode",
        ),
    ),
)


def read_entries(
    section: EntryList, environ: Mapping[str, str], tree: Mapping[str, Any], file_name: str
) -> tuple[ManagedEntry, ...]:
    """Return the entries of a list section, those of the environment first.

    Raises:
        Misconfigured: The section of the file is not a list of entries, or an entry has an unknown field.
    """
    names = "|".join(name.upper() for name in section.fields)
    pattern = re.compile(rf"{section.prefix}_(\d+)_({names})")
    found: dict[int, dict[str, str]] = {}
    for variable, value in environ.items():
        if (match := pattern.fullmatch(variable)) and value:
            found.setdefault(int(match[1]), {})[match[2].lower()] = value
    entries = [ManagedEntry(found[n], f"environment variables {section.prefix}_{n}_…") for n in sorted(found)]
    listed = tree.get(section.name) or []
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise Misconfigured(f"{section.name} (file {file_name}) must be a list of entries.")
    for number, entry in enumerate(listed, 1):
        texts = {
            str(k): ",".join(map(str, v)) if isinstance(v, list) else str(v) for k, v in entry.items() if v is not None
        }
        for unknown in texts.keys() - set(section.fields):
            raise Misconfigured(
                f"{section.name}[{number}].{unknown} (file {file_name}) is not a known field. "
                f"Known fields: {', '.join(section.fields)}."
            )
        entries.append(ManagedEntry(texts, f"file {file_name}, {section.name} entry {number}"))
    return tuple(entries)
