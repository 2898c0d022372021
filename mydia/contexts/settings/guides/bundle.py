"""PURE. Reads guides in the JSON of TRaSH-Guides: from a zip archive, or from files with their paths."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

import msgspec

from mydia.contexts.settings.formats import App, Kind, check_pattern, language_code, read_conditions
from mydia.contexts.settings.formats.values import PATTERNS, checked
from mydia.errors import Invalid
from mydia.parsing import Quality

MOST_FILES = 20_000
"""Entries of an archive; the repository of TRaSH-Guides has about 2,500."""
MOST_BYTES = 64 << 20
"""Unpacked size of all JSON files; those of TRaSH-Guides have 3 MiB."""
_LARGEST_FILE = 4 << 20
_LEFT_OUT = frozenset({"dummy-files", "guide-only"})


class PartKind(StrEnum):
    """Kinds of files of a guide. The values are stored, so never rename one."""

    FORMAT = "custom_format"
    GROUP = "format_group"
    PROFILE = "quality_profile"
    PROFILE_GROUPS = "profile_groups"
    SIZE = "quality_size"
    NAMING = "naming"
    CONFLICTS = "conflicts"


FOLDERS: Mapping[PartKind, str] = {
    PartKind.FORMAT: "cf",
    PartKind.GROUP: "cf-groups",
    PartKind.PROFILE: "quality-profiles",
    PartKind.PROFILE_GROUPS: "quality-profile-groups",
    PartKind.SIZE: "quality-size",
    PartKind.NAMING: "naming",
}
"""Kind -> its folder below `docs/json/<application>/`. Source: `metadata.json` of TRaSH-Guides."""
_KINDS = {folder: kind for kind, folder in FOLDERS.items()}
_CONFLICTS = "conflicts.json"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a guide."""

    app: App
    kind: PartKind
    key: str
    """Its `trash_id`; for kinds without one, the name of the kind."""
    name: str
    original: Mapping[str, Any]
    """As in the file; a list is wrapped as {"list": […]}."""

    @property
    def id(self) -> str:
        """Identifies it among all parts, in forms too."""
        return f"{self.app}:{self.kind}:{self.key}"

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {
            "app": str(self.app),
            "kind": str(self.kind),
            "key": self.key,
            "name": self.name,
            "original": dict(self.original),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Part:
        """Return the part from its stored form."""
        return cls(**{**stored, "app": App(stored["app"]), "kind": PartKind(stored["kind"])})


class Bundle(msgspec.Struct, frozen=True):
    """What was read from an archive or a folder."""

    parts: tuple[Part, ...]
    problems: tuple[tuple[str, str], ...] = ()
    """(path, sentence) of files that can't be used."""

    def of(self, kind: PartKind, app: App | None = None) -> tuple[Part, ...]:
        """Return the parts of one kind, sorted by name."""
        found = [part for part in self.parts if part.kind is kind and app in (None, part.app)]
        return tuple(sorted(found, key=lambda part: (part.app, part.name.casefold(), part.key)))


def read_zip(content: bytes) -> Bundle:
    """Read an archive, such as the one GitHub offers for TRaSH-Guides.

    Raises:
        Invalid: It is not a zip archive, is too large, or has no part of a guide.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return read_files(_unpacked(archive))
    except (zipfile.BadZipFile, RuntimeError, EOFError, OSError) as error:
        raise Invalid(
            "This is not a zip archive that Mydia can read.", fields={"file": "Not a zip archive."}
        ) from error


def _unpacked(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise Invalid(f"The archive has more than {MOST_FILES:,} files.", fields={"file": "Too many files."})
    for entry in entries:
        if entry.is_dir() or _place(entry.filename) is None:
            continue
        with archive.open(entry) as file:
            # The size in the directory may be a lie, so the content is measured.
            yield entry.filename, file.read(_LARGEST_FILE + 1)


def read_files(files: Iterable[tuple[str, bytes]], app: App | None = None) -> Bundle:
    """Read files with their paths; files that belong to no guide are left out.

    Args:
        app: The application of files whose path names none.

    Raises:
        Invalid: Nothing can be used, or it is too much.
    """
    parts: dict[str, Part] = {}
    problems: list[tuple[str, str]] = []
    total = 0
    for path, content in files:
        place = _place(path, app)
        if place is None:
            continue
        total += len(content)
        if total > MOST_BYTES:
            raise Invalid("These are more than 64 MiB of JSON.", fields={"file": "Too large."})
        try:
            part = _read(path, content, *place)
            parts[part.id] = part
        except Invalid as error:
            problems.append((path, error.message))
    if not parts and not problems:
        raise Invalid(
            "There is no guide in it. Upload the archive of TRaSH-Guides, or JSON files of its folders docs/json/radarr "
            "and docs/json/sonarr.",
            fields={"file": "No guide in it."},
        )
    return Bundle(tuple(parts.values()), tuple(problems))


def _place(path: str, app: App | None = None) -> tuple[App, PartKind | None] | None:
    """Return the application and kind of a file by its folders; None if it is no part of a guide."""
    pieces = PurePosixPath(path.replace("\\", "/")).parts
    if not pieces or not pieces[-1].lower().endswith(".json") or _LEFT_OUT & set(pieces):
        return None
    named = next((App(piece) for piece in reversed(pieces[:-1]) if piece in tuple(App)), None) or app
    if named is None:
        return None
    if pieces[-1] == _CONFLICTS:
        return named, PartKind.CONFLICTS
    folder = pieces[-2] if len(pieces) > 1 else ""
    if folder in _KINDS:
        return named, _KINDS[folder]
    return (named, None) if app is not None else None


def _read(path: str, content: bytes, app: App, kind: PartKind | None) -> Part:
    if len(content) > _LARGEST_FILE:
        raise Invalid("The file is larger than 4 MiB.")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Invalid("The file is not valid JSON.") from error
    kind = kind or _kind_of(found)
    if kind is PartKind.PROFILE_GROUPS:
        if not isinstance(found, list):
            raise Invalid("The file must be a list of groups.")
        return Part(app=app, kind=kind, key=str(kind), name="Profile groups", original={"list": found})
    if not isinstance(found, dict):
        raise Invalid("The file must be a JSON object.")
    _CHECKS[kind](app, found)
    if kind in (PartKind.NAMING, PartKind.CONFLICTS):
        return Part(app=app, kind=kind, key=str(kind), name=kind.capitalize(), original=found)
    key = found.get("trash_id")
    if not isinstance(key, str) or not key:
        raise Invalid("The file has no trash_id.")
    name = str(found.get("name") or found.get("type") or PurePosixPath(path).stem)
    return Part(app=app, kind=kind, key=key, name=name, original=found)


def _kind_of(found: object) -> PartKind:
    keys = set(found) if isinstance(found, dict) else set()
    for needed, kind in (
        ({"specifications"}, PartKind.FORMAT),
        ({"items", "formatItems"}, PartKind.PROFILE),
        ({"qualities"}, PartKind.SIZE),
        ({"custom_formats", "trash_id"}, PartKind.GROUP),
    ):
        if needed <= keys:
            return kind
    raise Invalid("The file is no part of a guide.")


def _check_format(app: App, found: Mapping[str, Any]) -> None:
    conditions = read_conditions(app, found.get("specifications"))
    if not conditions or not str(found.get("name") or "").strip():
        raise Invalid("A custom format needs a name and at least one specification.")
    for condition in conditions:
        checked(condition)
        if condition.kind in PATTERNS:
            check_pattern(condition.value)


def _check_profile(app: App, found: Mapping[str, Any]) -> None:
    language = found.get("language")
    if language is not None and language_code(str(language)) is None:
        raise Invalid(f"The language “{language}” is unknown.")
    if not isinstance(found.get("items"), list) or not isinstance(found.get("formatItems"), Mapping):
        raise Invalid("A quality profile needs items and formatItems.")
    for item in found["items"]:
        if not isinstance(item, Mapping):
            raise Invalid("An item of a quality profile is an object.")
        for quality in item.get("items") or (item.get("name"),):
            quality_named(str(quality))


def _check_size(app: App, found: Mapping[str, Any]) -> None:
    if not isinstance(found.get("qualities"), list):
        raise Invalid("Quality sizes need a list of qualities.")
    for row in found["qualities"]:
        if not isinstance(row, Mapping) or not all(isinstance(row.get(k), int | float) for k in ("min", "max")):
            raise Invalid("A quality size needs min and max.")
        quality_named(str(row.get("quality")))


def _check_group(app: App, found: Mapping[str, Any]) -> None:
    if not isinstance(found.get("custom_formats"), list):
        raise Invalid("A group needs a list of custom formats.")


def _check_any(app: App, found: Mapping[str, Any]) -> None:
    """Accept any object: naming and conflicts are read leniently."""


_CHECKS = {
    PartKind.FORMAT: _check_format,
    PartKind.PROFILE: _check_profile,
    PartKind.SIZE: _check_size,
    PartKind.GROUP: _check_group,
    PartKind.NAMING: _check_any,
    PartKind.CONFLICTS: _check_any,
}


def quality_named(name: str) -> str:
    """Return our name of a quality of Sonarr or Radarr. Raises: Invalid."""
    try:
        return Quality.from_name(name).name
    except KeyError as error:
        raise Invalid(f"The quality “{name}” is unknown.") from error


def conflicting(parts: Sequence[Part]) -> list[tuple[App, frozenset[str]]]:
    """Return the sets of formats (by trash_id) of which a profile may have only one, with their application."""
    found: list[tuple[App, frozenset[str]]] = []
    for part in parts:
        if part.kind is PartKind.CONFLICTS and isinstance(part.original.get("custom_formats"), list):
            found += [
                (part.app, frozenset(map(str, one)))
                for one in part.original["custom_formats"]
                if isinstance(one, Mapping)
            ]
    return found


def variants(part: Part) -> dict[str, dict[str, str]]:
    """Return the templates of a naming file: our column -> variant -> template."""
    episodes = part.original.get("episodes")
    places: Mapping[str, object] = {
        "movie_folder": part.original.get("folder"),
        "movie_file": part.original.get("file"),
        "series_folder": part.original.get("series"),
        "season_folder": part.original.get("season"),
        "episode_file": episodes.get("standard") if isinstance(episodes, Mapping) else None,
        "daily_file": episodes.get("daily") if isinstance(episodes, Mapping) else None,
        "anime_file": episodes.get("anime") if isinstance(episodes, Mapping) else None,
    }
    return {
        column: {str(name): str(template) for name, template in found.items()}
        for column, found in places.items()
        if isinstance(found, Mapping)
    }


__all__ = ["Bundle", "Kind", "Part", "PartKind", "conflicting", "read_files", "read_zip", "variants"]
