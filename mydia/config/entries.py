"""Lists in the configuration, from numbered variables and the file: download clients, indexers, library folders, providers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from mydia.errors import Misconfigured


class ManagedEntry(msgspec.Struct, frozen=True):
    """One client, indexer, library folder or sign-in provider from the environment or the file; settings pages show it read-only."""

    fields: Mapping[str, str]
    """Lower-case field -> text, e.g. `base_url`."""
    source: str


class EntryList(msgspec.Struct, frozen=True):
    """A list section: its name in the file, the prefix of its variables, and the fields of an entry."""

    name: str
    prefix: str
    """`DOWNLOAD_CLIENT` for `DOWNLOAD_CLIENT_1_NAME` (reference/mydia-original.md §9.2)."""
    fields: tuple[str, ...]
    other_names: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Another accepted name of a field -> the field."""


CLIENT_OPTIONS = (
    "category",
    "movies_category",
    "series_category",
    "imported_category",
    "save_path",
    "remove_completed",
    "verify_certificate",
)
"""Options of download clients that an entry may set; which of them a client has depends on its type."""
INDEXER_OPTIONS = (
    "api_path",
    "extra_parameters",
    "movie_categories",
    "tv_categories",
    "trusted_hosts",
    "indexer",
    "seed_ratio",
    "seed_time_min",
    "queries_per_hour",
    "queries_per_day",
    "grabs_per_day",
    "required_flags",
    "tags",
    "season_pack_after_days",
    "verify_certificate",
)

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
            "download_directory",
            "remote_path",
            "local_path",
            *CLIENT_OPTIONS,
        ),
        {"url": "host"},
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
            "together",
            "categories",
            "rate_limit",
            "timeout",
            "minimum_seeders",
            "rss",
            "automatic_search",
            "interactive_search",
            *INDEXER_OPTIONS,
        ),
        {"url": "base_url"},
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
    EntryList(
        "oidc_providers",
        "OIDC_PROVIDER",
        (
            "name",
            "enabled",
            "issuer",
            "discovery_document_uri",
            "client_id",
            "client_secret",
            "scopes",
            "redirect_uri",
            "role_claim",
            "admin_groups",
            "user_groups",
            "readonly_groups",
            "guest_groups",
            "default_role",
            "allow_sign_up",
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
    names = "|".join(name.upper() for name in (*section.fields, *section.other_names))
    pattern = re.compile(rf"{section.prefix}_(\d+)_({names})")
    found: dict[int, dict[str, str]] = {}
    for variable, value in environ.items():
        if (match := pattern.fullmatch(variable)) and value:
            name = match[2].lower()
            found.setdefault(int(match[1]), {})[section.other_names.get(name, name)] = value
    entries = [ManagedEntry(found[n], f"environment variables {section.prefix}_{n}_…") for n in sorted(found)]
    listed = tree.get(section.name) or []
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise Misconfigured(f"{section.name} (file {file_name}) must be a list of entries.")
    for number, entry in enumerate(listed, 1):
        texts = {
            section.other_names.get(str(k), str(k)): ",".join(map(str, v)) if isinstance(v, list) else str(v)
            for k, v in entry.items()
            if v is not None
        }
        for unknown in texts.keys() - set(section.fields):
            raise Misconfigured(
                f"{section.name}[{number}].{unknown} (file {file_name}) is not a known field. "
                f"Known fields: {', '.join(section.fields)}."
            )
        entries.append(ManagedEntry(texts, f"file {file_name}, {section.name} entry {number}"))
    return tuple(entries)
