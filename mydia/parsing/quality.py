"""Quality as one value with a total order, and its names and ids in Sonarr and Radarr."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache, total_ordering
from typing import Any

import msgspec


class Source(StrEnum):
    """Source of the video."""

    UNKNOWN = "unknown"
    WORKPRINT = "workprint"
    CAM = "cam"
    TELESYNC = "telesync"
    TELECINE = "telecine"
    TV = "tv"
    DVD = "dvd"
    WEBRIP = "webrip"
    WEBDL = "webdl"
    BLURAY = "bluray"


class Modifier(StrEnum):
    """Variant of a source, such as a remux."""

    NONE = "none"
    REGIONAL = "regional"
    SCREENER = "screener"
    RAWHD = "rawhd"
    BRDISK = "brdisk"
    REMUX = "remux"


class QualityDefinition(msgspec.Struct, frozen=True):
    """One row of the quality table, as chosen in a profile."""

    key: str
    """Our stored id; the ids of Sonarr and Radarr differ from 13 on."""
    name: str
    source: Source
    resolution: int | None
    modifier: Modifier = Modifier.NONE
    sonarr_id: int | None = None
    sonarr_name: str | None = None
    radarr_id: int | None = None
    radarr_name: str | None = None


def _row(
    name: str,
    source: Source,
    resolution: int | None,
    sonarr: int | None,
    radarr: int | None,
    modifier: Modifier = Modifier.NONE,
    sonarr_name: str | None = None,
) -> QualityDefinition:
    return QualityDefinition(
        key=name.lower(),
        name=name,
        source=source,
        resolution=resolution,
        modifier=modifier,
        sonarr_id=sonarr,
        sonarr_name=(sonarr_name or name) if sonarr is not None else None,
        radarr_id=radarr,
        radarr_name=name if radarr is not None else None,
    )


# Worst first, by resolution and then by source in Radarr's order; Sonarr has no rows below SDTV.
# Ids from `Quality.cs` of Sonarr and Radarr, as returned by `/api/v3/qualitydefinition`.
QUALITIES: tuple[QualityDefinition, ...] = (
    _row("Unknown", Source.UNKNOWN, None, 0, 0),
    _row("WORKPRINT", Source.WORKPRINT, None, None, 24),
    _row("CAM", Source.CAM, None, None, 25),
    _row("TELESYNC", Source.TELESYNC, None, None, 26),
    _row("TELECINE", Source.TELECINE, None, None, 27),
    _row("REGIONAL", Source.DVD, 480, None, 29, Modifier.REGIONAL),
    _row("DVDSCR", Source.DVD, 480, None, 28, Modifier.SCREENER),
    _row("SDTV", Source.TV, 480, 1, 1),
    _row("DVD", Source.DVD, 480, 2, 2),
    _row("DVD-R", Source.DVD, 480, None, 23, Modifier.REMUX),
    _row("WEBRip-480p", Source.WEBRIP, 480, 12, 12),
    _row("WEBDL-480p", Source.WEBDL, 480, 8, 8),
    _row("Bluray-480p", Source.BLURAY, 480, 13, 20),
    _row("Bluray-576p", Source.BLURAY, 576, 22, 21),
    _row("HDTV-720p", Source.TV, 720, 4, 4),
    _row("WEBRip-720p", Source.WEBRIP, 720, 14, 14),
    _row("WEBDL-720p", Source.WEBDL, 720, 5, 5),
    _row("Bluray-720p", Source.BLURAY, 720, 6, 6),
    _row("HDTV-1080p", Source.TV, 1080, 9, 9),
    _row("WEBRip-1080p", Source.WEBRIP, 1080, 15, 15),
    _row("WEBDL-1080p", Source.WEBDL, 1080, 3, 3),
    _row("Bluray-1080p", Source.BLURAY, 1080, 7, 7),
    _row("Remux-1080p", Source.BLURAY, 1080, 20, 30, Modifier.REMUX, "Bluray-1080p Remux"),
    _row("HDTV-2160p", Source.TV, 2160, 16, 16),
    _row("WEBRip-2160p", Source.WEBRIP, 2160, 17, 17),
    _row("WEBDL-2160p", Source.WEBDL, 2160, 18, 18),
    _row("Bluray-2160p", Source.BLURAY, 2160, 19, 19),
    _row("Remux-2160p", Source.BLURAY, 2160, 21, 31, Modifier.REMUX, "Bluray-2160p Remux"),
    _row("BR-DISK", Source.BLURAY, 1080, None, 22, Modifier.BRDISK),
    _row("Raw-HD", Source.TV, 1080, 10, 10, Modifier.RAWHD),
)
_RANK = {definition.key: rank for rank, definition in enumerate(QUALITIES)}
_BY_NAME: dict[str, QualityDefinition] = {}
for _definition in QUALITIES:
    for _name in (_definition.name, _definition.sonarr_name, _definition.radarr_name):
        if _name is not None:
            _BY_NAME[_name.casefold()] = _definition
_BY_SONARR_ID = {d.sonarr_id: d for d in QUALITIES if d.sonarr_id is not None}
_BY_RADARR_ID = {d.radarr_id: d for d in QUALITIES if d.radarr_id is not None}
_LADDERS: dict[tuple[Source, Modifier], tuple[QualityDefinition, ...]] = {}
for _definition in QUALITIES:
    _rung = (_definition.source, _definition.modifier)
    _LADDERS[_rung] = (*_LADDERS.get(_rung, ()), _definition)


def definition_by_sonarr_id(quality_id: int) -> QualityDefinition | None:
    """Find the row with this Sonarr id."""
    return _BY_SONARR_ID.get(quality_id)


def definition_by_radarr_id(quality_id: int) -> QualityDefinition | None:
    """Find the row with this Radarr id."""
    return _BY_RADARR_ID.get(quality_id)


@lru_cache(maxsize=1024)
def _define(source: Source, resolution: int | None, modifier: Modifier) -> QualityDefinition:
    """Find the row for a source, resolution and modifier: the highest row not above the resolution."""
    ladder = _LADDERS.get((source, modifier))
    if ladder is None or (modifier is Modifier.REMUX and source is Source.BLURAY and (resolution or 1080) < 1080):
        ladder = _LADDERS[(source, Modifier.NONE)]
    found = ladder[0]
    for rung in ladder:
        if rung.resolution is not None and rung.resolution <= (resolution or 0):
            found = rung
    return found


@total_ordering
@dataclass(frozen=True, slots=True)
class Revision:
    """Version of a release: `PROPER` and `REPACK` are version 2; each upper-case `REAL` counts."""

    version: int = 1
    real: int = 0
    is_repack: bool = False

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Revision):
            return NotImplemented
        return (self.real, self.version, self.is_repack) < (other.real, other.version, other.is_repack)


_SOURCE_ORDER = {source: place for place, source in enumerate(Source)}
_MODIFIER_ORDER = {modifier: place for place, modifier in enumerate(Modifier)}


@total_ordering
@dataclass(frozen=True, slots=True)
class Quality:
    """Source, resolution, modifier and revision of a release; a better quality is greater.

    >>> Quality(Source.WEBDL, 1080).name
    'WEBDL-1080p'
    >>> Quality(Source.WEBDL, 1080) < Quality(Source.BLURAY, 1080, Modifier.REMUX)
    True
    """

    source: Source = Source.UNKNOWN
    resolution: int | None = None
    """Lines as written; 1440 is possible although the table has no such row."""
    modifier: Modifier = Modifier.NONE
    revision: Revision = field(default=Revision())

    @property
    def definition(self) -> QualityDefinition:
        """The matching row of `QUALITIES`."""
        return _define(self.source, self.resolution, self.modifier)

    @property
    def name(self) -> str:
        """The name in Sonarr and Radarr."""
        return self.definition.name

    @property
    def rank(self) -> int:
        """The index of the row in `QUALITIES`; 0 is the worst."""
        return _RANK[self.definition.key]

    @property
    def _order(self) -> tuple[int, Revision, int, int, int]:
        return (
            self.rank,
            self.revision,
            self.resolution or 0,
            _SOURCE_ORDER[self.source],
            _MODIFIER_ORDER[self.modifier],
        )

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Quality):
            return NotImplemented
        return self._order < other._order

    @classmethod
    def from_name(cls, name: str, revision: Revision | None = None) -> Quality:
        """Return the quality with this Sonarr or Radarr name, in any case.

        Raises:
            KeyError: No row has that name.
        """
        row = _BY_NAME[name.strip().casefold()]
        return cls(row.source, row.resolution, row.modifier, revision or Revision())

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form for storage and the API."""
        return {
            "name": self.name,
            "source": str(self.source),
            "resolution": self.resolution,
            "modifier": str(self.modifier),
            "revision": {
                "version": self.revision.version,
                "real": self.revision.real,
                "is_repack": self.revision.is_repack,
            },
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Quality:
        """Return the quality from its JSON form; missing parts get their defaults."""
        revision = stored.get("revision") or {}
        return cls(
            Source(stored.get("source") or Source.UNKNOWN),
            stored.get("resolution"),
            Modifier(stored.get("modifier") or Modifier.NONE),
            Revision(
                revision.get("version", 1),
                revision.get("real", 0),
                revision.get("is_repack", False),
            ),
        )
