"""PURE. What custom formats look at, from a release or a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mydia.contexts.settings.formats.values import ORIGINAL, UNKNOWN, ReleaseType, Subject
from mydia.parsing import ParsedRelease, Quality
from mydia.vocabulary import MediaType

_STAND_IN = "A.Movie"
_STAND_IN_SPACED = "A Movie"
_HDR_WORDS = {"dv": "DV", "hdr10plus": "HDR10Plus", "hdr10": "HDR10", "hdr": "HDR", "hlg": "HLG", "pq": "PQ", "sdr": ""}


def of_release(
    title: str,
    parsed: ParsedRelease | None,
    media_type: MediaType,
    *,
    original_language: str | None = None,
    year: int | None = None,
    size_bytes: int | None = None,
    flags: Iterable[str] = (),
    languages: Sequence[str] = (),
) -> Subject:
    """Return a release as formats see it.

    Args:
        original_language: Of the title; assumed if the name states no language.
        year: Of the title; the year in the name if unknown.
        languages: Codes stated by the indexer, used if the name has none.
    """
    return Subject(
        titles=(without_title(title, parsed, media_type),),
        group=parsed.release_group if parsed else None,
        edition=parsed.edition if parsed else None,
        languages=spoken((parsed.languages if parsed else ()) or tuple(languages), original_language),
        original_language=original_language,
        quality=parsed.quality if parsed else Quality(),
        release_type=_release_type(parsed, media_type),
        flags=frozenset(flags),
        size_bytes=size_bytes,
        year=year or (parsed.year if parsed else None),
    )


def without_title(name: str, parsed: ParsedRelease | None, media_type: MediaType) -> str:
    """Return a movie's release name with the movie's title replaced, so that words of the title don't count.

    Names of series are left as they are. Source: arr-stack §2.4, ReleaseTitleSpecification.

    >>> from mydia.parsing import parse_release
    >>> name = "The.Long.Story.2019.1080p.BluRay.x264-GRP"
    >>> without_title(name, parse_release(name, "movie"), MediaType.MOVIE)
    'A.Movie.2019.1080p.BluRay.x264-GRP'
    """
    if media_type != MediaType.MOVIE or parsed is None or parsed.name != name:
        return name
    spans = parsed.spans.get("title", ())
    if len(spans) != 1 or not parsed.title:
        return name
    start, end = spans[0]
    stand_in = _STAND_IN if "." in name else _STAND_IN_SPACED
    return f"{name[:start]}{stand_in}{name[end:]}"


def spoken(languages: Iterable[str], original_language: str | None) -> frozenset[str]:
    """Return the languages of a name; a name without one is in the original language, if that is known."""
    found = frozenset((original_language or ORIGINAL) if language == ORIGINAL else language for language in languages)
    return found or frozenset({original_language or UNKNOWN})


def with_real_hdr(name: str, parsed: ParsedRelease | None, hdr: Sequence[str]) -> str:
    """Return a name whose words for the dynamic range are replaced by what the file contains.

    Args:
        hdr: As in `ParsedRelease.hdr`; empty for a standard dynamic range.

    >>> from mydia.parsing import parse_release
    >>> name = "Film.2019.2160p.WEB-DL.HDR.H.265-GRP"
    >>> with_real_hdr(name, parse_release(name, "movie"), ("dv", "hdr10"))
    'Film.2019.2160p.WEB-DL.DV.HDR10.H.265-GRP'
    >>> with_real_hdr(name, parse_release(name, "movie"), ())
    'Film.2019.2160p.WEB-DL.H.265-GRP'
    """
    words = [word for value in hdr if (word := _HDR_WORDS.get(value, value.upper()))]
    if parsed is None or parsed.name != name:
        return name
    spans = sorted(parsed.spans.get("hdr", ()))
    if not spans:
        anchor = max((end for _, end in parsed.spans.get("quality", ())), default=None)
        if anchor is None or not words:
            return name
        gap = name[anchor : anchor + 1] if name[anchor : anchor + 1] in (".", " ", "_") else "."
        return f"{name[:anchor]}{gap}{gap.join(words)}{name[anchor:]}"
    gap = name[spans[0][0] - 1 : spans[0][0]] or "."
    kept: list[str] = []
    position = 0
    for place, (start, end) in enumerate(spans):
        before = name[position:start]
        insert = gap.join(words) if place == 0 else ""
        if not insert and before[-1:] == gap:
            before = before[:-1]
        kept += [before, insert]
        position = end
    return "".join([*kept, name[position:]])


def _release_type(parsed: ParsedRelease | None, media_type: MediaType) -> ReleaseType | None:
    if parsed is None or media_type != MediaType.TV_SHOW:
        return None
    if parsed.is_season_pack:
        return ReleaseType.SEASON
    count = max(len(parsed.episodes), len(parsed.absolute_episodes), int(parsed.air_on is not None))
    if count > 1:
        return ReleaseType.MULTI
    return ReleaseType.SINGLE if count else None
