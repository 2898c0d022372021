"""Metadata: looking titles up through the relay, and keeping their artwork."""

from mydia.adapters.metadata_providers import (
    Artwork,
    Candidate,
    Details,
    EpisodeDetails,
    Ids,
    OtherTitle,
    PersonCredit,
    SeasonDetails,
    Video,
)
from mydia.contexts.metadata.choosing import ChosenMetadata, OfferedRelay
from mydia.contexts.metadata.images import SIZES, Picture, fetch_wanted, file_of, preview, prune_previews, want_image
from mydia.contexts.metadata.models import Image
from mydia.contexts.metadata.search import (
    WITHOUT_PROVIDER,
    as_candidate,
    available,
    by_ids,
    details,
    ids_in,
    search,
    seasons,
    sources,
    trending,
)

__all__ = [
    "SIZES",
    "WITHOUT_PROVIDER",
    "Artwork",
    "Candidate",
    "ChosenMetadata",
    "Details",
    "EpisodeDetails",
    "Ids",
    "Image",
    "OfferedRelay",
    "OtherTitle",
    "PersonCredit",
    "Picture",
    "SeasonDetails",
    "Video",
    "as_candidate",
    "available",
    "by_ids",
    "details",
    "fetch_wanted",
    "file_of",
    "ids_in",
    "preview",
    "prune_previews",
    "search",
    "seasons",
    "sources",
    "trending",
    "want_image",
]
