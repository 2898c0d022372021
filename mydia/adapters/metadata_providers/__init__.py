"""Metadata of titles: through a metadata relay, or from NFO files next to the media."""

from mydia.adapters.metadata_providers.base import (
    Artwork,
    Candidate,
    Details,
    EpisodeDetails,
    Ids,
    MetadataProvider,
    OtherTitle,
    PersonCredit,
    SeasonDetails,
    Video,
)
from mydia.adapters.metadata_providers.fetch import Fetch, HttpFetch
from mydia.adapters.metadata_providers.nfo import NfoFacts, read_nfo
from mydia.adapters.metadata_providers.nothing import NoProvider
from mydia.adapters.metadata_providers.relay import RelayProvider
from mydia.adapters.metadata_providers.tpdb import Tpdb

__all__ = [
    "Artwork",
    "Candidate",
    "Details",
    "EpisodeDetails",
    "Fetch",
    "HttpFetch",
    "Ids",
    "MetadataProvider",
    "NfoFacts",
    "NoProvider",
    "OtherTitle",
    "PersonCredit",
    "RelayProvider",
    "SeasonDetails",
    "Tpdb",
    "Video",
    "read_nfo",
]
