"""Metadata: title lookups through the relay, and artwork."""

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
from mydia.contexts.metadata.source import SourceState, check_source, record_answer, request_retry, source_state

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
    "SourceState",
    "Video",
    "as_candidate",
    "available",
    "by_ids",
    "check_source",
    "details",
    "fetch_wanted",
    "file_of",
    "ids_in",
    "preview",
    "prune_previews",
    "record_answer",
    "request_retry",
    "search",
    "seasons",
    "source_state",
    "sources",
    "trending",
    "want_image",
]
