"""Custom formats as values: named sets of conditions on a release or file. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from mydia.errors import Invalid
from mydia.parsing import Modifier, Quality
from mydia.vocabulary import find_member

LONGEST_PATTERN = 10_000
"""Characters of a pattern; the longest one of the TRaSH guides has about 1,000."""
MOST_CONDITIONS = 500
"""Conditions of a format; the largest one of the TRaSH guides has about 90."""


class Kind(StrEnum):
    """What a condition looks at. The values are stored, so never rename one."""

    TITLE = "release_title"
    GROUP = "release_group"
    EDITION = "edition"
    LANGUAGE = "language"
    SOURCE = "source"
    RESOLUTION = "resolution"
    MODIFIER = "quality_modifier"
    RELEASE_TYPE = "release_type"
    FLAG = "indexer_flag"
    SIZE = "size"
    YEAR = "year"


PATTERNS = frozenset({Kind.TITLE, Kind.GROUP, Kind.EDITION})
"""Kinds whose value is a regular expression."""
RANGES = frozenset({Kind.SIZE, Kind.YEAR})
"""Kinds with a minimum and a maximum."""


class ReleaseType(StrEnum):
    """How many episodes a release contains."""

    SINGLE = "single_episode"
    MULTI = "multi_episode"
    SEASON = "season_pack"


class FormatSource(StrEnum):
    """Sources a condition can name. Sonarr counts raw TV and remuxes as sources of their own, Radarr as modifiers."""

    UNKNOWN = "unknown"
    WORKPRINT = "workprint"
    CAM = "cam"
    TELESYNC = "telesync"
    TELECINE = "telecine"
    TV = "tv"
    TV_ENCODE = "tv_encode"
    TV_RAW = "tv_raw"
    DVD = "dvd"
    WEBRIP = "webrip"
    WEBDL = "webdl"
    BLURAY = "bluray"
    BLURAY_ENCODE = "bluray_encode"
    BLURAY_REMUX = "bluray_remux"


RESOLUTIONS = ("360", "480", "540", "576", "720", "1080", "2160")
ORIGINAL = "original"
"""The original language of the title."""
UNKNOWN = "unknown"
"""A language that the name does not state."""
FLAGS = (
    "freeleech",
    "halfleech",
    "double_upload",
    "internal",
    "scene",
    "freeleech75",
    "freeleech25",
    "nuked",
    "subtitles",
    "golden",
    "approved",
    "ahd_internal",
    "ahd_user_release",
)
"""Flags of indexers; `golden`, `approved` and the two of AHD exist in Radarr only, `subtitles` in Sonarr only."""


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One condition of a format."""

    kind: Kind
    name: str
    value: str = ""
    """A regular expression in the .NET dialect, a language code or a member of the kind's table; empty for ranges."""
    negate: bool = False
    required: bool = False
    excepted: bool = False
    """For languages: true if any language other than `value` is present."""
    minimum: float | None = None
    """For sizes in GB (1024³), exclusive; for years inclusive."""
    maximum: float | None = None
    """Inclusive."""

    @property
    def meaning(self) -> tuple[object, ...]:
        """Everything but the name: two conditions with the same meaning accept the same releases."""
        return (self.kind, self.value, self.negate, self.required, self.excepted, self.minimum, self.maximum)

    def to_json(self) -> dict[str, Any]:
        """Return the stored form; defaults are left out."""
        stored: dict[str, Any] = {"kind": str(self.kind), "name": self.name}
        for key in ("value", "negate", "required", "excepted", "minimum", "maximum"):
            found = getattr(self, key)
            # Not `in`: a minimum of 0 equals False.
            if found is not None and found is not False and found != "":
                stored[key] = found
        return stored

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Condition:
        """Return the condition from its stored form."""
        return cls(**{**stored, "kind": Kind(stored["kind"])})


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """A custom format: it matches if, for every kind, its conditions of that kind are met (see `matching`)."""

    id: str
    name: str
    conditions: tuple[Condition, ...]
    include_in_rename: bool = False

    @property
    def meaning(self) -> frozenset[tuple[object, ...]]:
        """Equal for formats that match the same releases, whatever the order and names of their conditions."""
        return frozenset(condition.meaning for condition in self.conditions)


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What formats look at: a release or a file, with what is known about its title."""

    titles: tuple[str, ...] = ()
    """Release title and file name."""
    group: str | None = None
    edition: str | None = None
    languages: frozenset[str] | None = None
    """Codes as in `ParsedRelease.languages`; None if they can't be known, then no language condition is met."""
    original_language: str | None = None
    quality: Quality = msgspec.field(default=Quality())
    release_type: ReleaseType | None = None
    flags: frozenset[str] = frozenset()
    size_bytes: int | None = None
    year: int | None = None

    @property
    def resolution(self) -> int | None:
        """Lines of the quality's row, or as written if the row has none."""
        return self.quality.definition.resolution or self.quality.resolution


_TABLES: Mapping[Kind, frozenset[str]] = {
    Kind.SOURCE: frozenset(FormatSource),
    Kind.RESOLUTION: frozenset((*RESOLUTIONS, "0")),
    Kind.MODIFIER: frozenset(Modifier),
    Kind.RELEASE_TYPE: frozenset(ReleaseType),
    Kind.FLAG: frozenset(FLAGS),
}


def checked(condition: Condition) -> Condition:
    """Return a condition as it is stored. Patterns are checked by `dialect.check`.

    Raises:
        Invalid: A value is missing or not in its table.
    """
    where = condition.name or "This condition"
    if not condition.name.strip():
        raise Invalid("A condition needs a name.", fields={"name": "Enter a name."})
    if condition.kind in RANGES:
        low, high = condition.minimum, condition.maximum
        if low is None or high is None or low < 0 or high < low:
            raise Invalid(
                f"{where} needs a minimum and a maximum that is not below it.",
                fields={"maximum": "Not below the minimum."},
            )
    elif not condition.value:
        raise Invalid(f"{where} needs a value.", fields={"value": "Enter a value."})
    allowed = _TABLES.get(condition.kind)
    if allowed is not None and condition.value not in allowed:
        raise Invalid(f"{where}: “{condition.value}” is not a known value.", fields={"value": "Choose a value."})
    if condition.kind in PATTERNS and len(condition.value) > LONGEST_PATTERN:
        raise Invalid(f"{where}: a pattern has at most {LONGEST_PATTERN:,} characters.", fields={"value": "Too long."})
    return condition


def kind_named(text: str) -> Kind:
    """Return the kind with this stored value. Raises: Invalid."""
    if (kind := find_member(Kind, text)) is None:
        raise Invalid(f"There is no condition type “{text}”.", fields={"kind": "Choose a type."})
    return kind
