"""The result of parsing a name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

import msgspec

from mydia.parsing.quality import Quality

Span = tuple[int, int]
"""Start and end in the name, in characters."""
_NOTHING: Mapping[str, tuple[Span, ...]] = MappingProxyType({})


class Confidence(msgspec.Struct, frozen=True):
    """Confidence, from 0 to 1, in each field that identifies the title and episode."""

    type: float = 0.0
    title: float = 0.0
    year: float = 0.0
    season: float = 0.0
    episodes: float = 0.0
    quality: float = 0.0

    @property
    def overall(self) -> float:
        """The lowest confidence of the fields that were read."""
        return min((value for value in (self.title, self.year, self.season, self.episodes) if value), default=0.0)


class ParsedRelease(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of one release, file or folder name. Missing fields are None or empty."""

    name: str
    type: str | None = None
    """`movie`, `episode`, or None if the name does not decide it."""
    title: str = ""
    """Empty if the name starts with the numbering (`S02E03.720p`)."""
    alternative_titles: tuple[str, ...] = ()
    year: int | None = None
    season: int | None = None
    """The first season of a multi-season pack."""
    seasons: tuple[int, ...] = ()
    marked_season: int | None = None
    """The season that a fansub name states next to an absolute number: `Title S2 - 03`, `Title 3rd Season - 20`.

    The number in `absolute_episodes` may count within that season or from the first episode. `confidence.season` is
    below 0.5 if the marker may be part of the title (`Persona 5 - 03`).
    """
    unmarked_title: str | None = None
    """The title without the season marker; `title` keeps it."""
    episodes: tuple[int, ...] = ()
    absolute_episodes: tuple[int, ...] = ()
    special_absolute_episodes: tuple[float, ...] = ()
    """Fractional absolute numbers, such as 12.5."""
    air_on: date | None = None
    part: int | None = None
    full_season: bool = False
    is_multi_season: bool = False
    is_season_extra: bool = False
    is_special: bool = False
    is_split_episode: bool = False
    episode_title: str | None = None
    quality: Quality = msgspec.field(default=Quality())
    release_group: str | None = None
    hash: str | None = None
    languages: tuple[str, ...] = ()
    """ISO 639-1 with a region where it matters (`pt-BR`), or `original`; empty if not stated."""
    subtitle_languages: tuple[str, ...] = ()
    subtitle_language: str | None = None
    """Language of a subtitle file."""
    subtitle_tags: tuple[str, ...] = ()
    subtitle_title: str | None = None
    hardcoded_subs: bool = False
    edition: str | None = None
    """As written, e.g. `Extended Directors Cut`."""
    editions: tuple[str, ...] = ()
    """Normalised, e.g. `("Extended", "Director's Cut")`."""
    imdb_id: str | None = None
    tmdb_id: int | None = None
    tvdb_id: int | None = None
    video_codec: str | None = None
    bit_depth: int | None = None
    audio_codecs: tuple[str, ...] = ()
    audio_channels: str | None = None
    object_audio: str | None = None
    """`atmos` or `dts-x`."""
    container: str | None = None
    streaming_service: str | None = None
    website: str | None = None
    hdr: tuple[str, ...] = ()
    is_3d: bool = False
    extra: str | None = None
    """Kind of an extra: `sample`, `trailer`, `featurette`."""
    confidence: Confidence = msgspec.field(default=Confidence())
    spans: Mapping[str, tuple[Span, ...]] = msgspec.field(default=_NOTHING)
    """Maps each field to the parts of the name it was read from."""

    @property
    def is_season_pack(self) -> bool:
        """Whether the release contains one or more whole seasons."""
        return self.full_season or self.is_multi_season
