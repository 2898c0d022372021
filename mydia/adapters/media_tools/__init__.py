"""Media tools, which read the technical facts of a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mydia.adapters.media_tools.base import AudioTrack, MediaFacts, MediaProbe, SubtitleTrack

__all__ = ["KINDS", "AudioTrack", "MediaFacts", "MediaProbe", "SubtitleTrack"]


def _mediainfo() -> MediaProbe:
    from mydia.adapters.media_tools.mediainfo import MediaInfoProbe  # loads a 15 MB library

    return MediaInfoProbe()


KINDS: Mapping[str, Callable[[], MediaProbe]] = {"mediainfo": _mediainfo}
