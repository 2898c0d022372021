"""Everything a decision depends on, gathered in one read before the first release is judged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from mydia.contexts import settings
from mydia.contexts.media import EpisodeRef
from mydia.contexts.settings import Profile, SizeLimits
from mydia.events import Reason
from mydia.parsing import Quality
from mydia.vocabulary import MediaType


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A file the version has."""

    quality: Quality
    episode_ids: frozenset[str]
    """Empty for a film."""
    format_score: int = 0
    release_group: str | None = None
    added_at: datetime | None = None


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """A running download for the version."""

    title: str
    quality: Quality
    episode_ids: frozenset[str]
    info_hash: str | None = None
    format_score: int = 0


class Blocked(msgspec.Struct, frozen=True, kw_only=True):
    """A blocklist entry of the item."""

    normalised: str
    info_hash: str | None
    indexer_id: str | None
    protocol: str
    because: Mapping[str, Any] | str
    """Why, as stored."""
    added_at: datetime
    published_at: datetime | None = None
    size_bytes: int | None = None


class Imported(msgspec.Struct, frozen=True):
    """A release that was imported for the item earlier."""

    title: str
    info_hash: str | None
    imported_at: datetime


class Recent(msgspec.Struct, frozen=True, kw_only=True):
    """A release that was grabbed lately, whatever became of it."""

    title: str
    quality: Quality
    episode_ids: frozenset[str]
    grabbed_at: datetime
    format_score: int = 0


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A release that waits for its delay."""

    release_id: str
    title: str
    episode_ids: frozenset[str]
    published_at: datetime
    """When it was seen first, if its indexer states no date."""
    until_at: datetime
    protocol: str


class IndexerRules(msgspec.Struct, frozen=True, kw_only=True):
    """What an indexer is used for."""

    name: str
    tags: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Id -> name; empty for all titles."""
    required_flags: frozenset[str] = frozenset()
    """A release needs one of these; empty for any."""
    season_pack_after_days: int = 0
    """Only whole seasons are taken once a season is over for this many days; 0 takes single episodes at any time."""
    disabled_until: datetime | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The input of the specs. It does not change while a batch is judged."""

    now: datetime
    item_id: str
    type: MediaType
    title: str
    year: int | None
    titles: frozenset[str]
    """All known titles of the item, normalised."""
    profile: Profile
    limits: Mapping[str, SizeLimits]
    interactive: bool = False
    """A user looks at the list, so the title may be unmonitored or unreleased."""
    user_invoked: bool = False
    """A user started the search, so nothing is delayed. An interactive search always counts."""
    from_feed: bool = False
    """The releases come from a feed of new releases or were pushed; nobody searched for the title."""
    tags: frozenset[str] = frozenset()
    """Ids of the item's tags."""
    delay: settings.rules.Delay = msgspec.field(default=settings.rules.Delay())
    words: settings.rules.WordSet | None = None
    """The terms of release profiles; None judges without them."""
    propers: settings.upgrades.Propers = settings.upgrades.Propers.PREFER
    indexers: Mapping[str, IndexerRules] = msgspec.field(default_factory=dict)
    recent: tuple[Recent, ...] = ()
    """Grabs of the last hours that are neither open nor imported."""
    pending: tuple[Pending, ...] = ()
    allow_hardcoded_subs: bool = False
    multi_season_packs: bool = True
    prefer_flags: bool = True
    maximum_size_bytes: int | None = None
    usenet_minimum_age_min: int = 0
    usenet_retention_days: int = 0
    tmdb_id: int | None = None
    tvdb_id: int | None = None
    imdb_id: str | None = None
    season_titles: Mapping[str, int] = msgspec.field(default_factory=dict)
    """Normalised name -> the only season with that name."""
    namesakes: tuple[str, ...] = ()
    """Other works of the library with one of these names: `Dune (1984)`."""
    series_type: str | None = None
    monitored: bool = True
    runtime_min: int | None = None
    not_out: Reason | None = None
    """Why the film is not available yet; None if it is out."""
    episodes: tuple[EpisodeRef, ...] = ()
    season_number: int | None = None
    """The season that was searched for; None for all or a film."""
    episode_ids: frozenset[str] = frozenset()
    """The episodes that were searched for; empty for any."""
    held: tuple[Held, ...] = ()
    queued: tuple[Queued, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    imported: tuple[Imported, ...] = ()
    protocols: frozenset[str] = frozenset({"torrent", "usenet"})
    """Protocols with an enabled client."""
    minimum_seeders: int = 1
    indexer_seeders: Mapping[str, int] = msgspec.field(default_factory=dict)
    """Indexer id -> its own minimum of seeders."""
    formats: settings.formats.FormatSet | None = None
    """The custom formats; None judges without them."""
    original_language: str | None = None
    free_bytes: int | None = None
    """Free space of the library folder; None if it can't be read."""
    minimum_free_bytes: int = 0

    @property
    def label(self) -> str:
        """`Alien (1979)`."""
        return f"{self.title} ({self.year})" if self.year else self.title
