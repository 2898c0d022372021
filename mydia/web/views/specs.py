"""The technical details of releases and files, in the order in which pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from mydia.contexts import library
from mydia.parsing import Quality, parse_release

_HDR = {"dv": "DV", "hdr10": "HDR10", "hdr10+": "HDR10+", "hlg": "HLG", "hdr": "HDR", "pq": "HDR"}
type Strip = tuple[str, tuple[str, ...]]
"""(resolution, further cells), as `ui.spec` takes them."""


def strip_of(spec: library.files.SpecStrip) -> Strip | None:
    """Return the details of a file, or None if not even the resolution is known."""
    if spec.resolution is None:
        return None
    sound = " ".join(part for part in (spec.audio, spec.channels) if part)
    return spec.resolution, tuple(part for part in (spec.source, spec.hdr, spec.codec, sound) if part)


@lru_cache(maxsize=2048)
def strip_of_name(name: str, *, film: bool) -> Strip | None:
    """Return the details of a release by its name. Cached, because the queue needs the same ones every second."""
    parsed = parse_release(name, "movie" if film else "tv")
    if parsed is None:
        return None
    return _strip(parsed.quality, parsed.hdr, parsed.video_codec, parsed.audio_codecs, parsed.audio_channels)


def strip_of_release(quality: dict[str, Any], parsed: dict[str, Any]) -> Strip | None:
    """Return the details of a release that a search has stored."""
    return _strip(
        Quality.from_json(quality),
        parsed.get("hdr") or (),
        parsed.get("video_codec"),
        parsed.get("audio") or (),
        parsed.get("channels"),
    )


def _strip(
    quality: Quality, hdr: Sequence[str], video_codec: str | None, audio: Sequence[str], channels: str | None
) -> Strip | None:
    return strip_of(
        library.files.spec_strip(
            quality,
            hdr_format=" ".join(_HDR.get(one, one.upper()) for one in hdr) or None,
            video_codec=video_codec,
            audio_codec=audio[0] if audio else None,
            audio_channels=channels,
        )
    )


def title_in(name: str) -> str:
    """Return the title in a release's name, or the name itself if it contains none."""
    parsed = parse_release(name)
    return parsed.title if parsed is not None and parsed.title else name
