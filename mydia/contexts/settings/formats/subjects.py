"""PURE. What custom formats look at, from a release or a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from mydia.contexts.settings.formats.apps import language_code
from mydia.contexts.settings.formats.values import ORIGINAL, UNKNOWN, ReleaseType, Subject
from mydia.parsing import ParsedRelease, Quality, parse_release
from mydia.vocabulary import MediaType

_STAND_IN = "A.Movie"
_STAND_IN_SPACED = "A Movie"
_HDR_WORDS = {"dv": "DV", "hdr10plus": "HDR10Plus", "hdr10": "HDR10", "hdr": "HDR", "hlg": "HLG", "pq": "PQ", "sdr": ""}


class Streams(msgspec.Struct, frozen=True):
    """What the analysis of a file found."""

    languages: tuple[str, ...] = ()
    """Of all audio tracks; empty if they can't be known."""
    hdr: tuple[str, ...] = ()


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


def codes_of(languages: Iterable[str]) -> tuple[str, ...]:
    """Return the codes of languages as indexers name them; unknown names are left out.

    >>> codes_of(["English", "german", "Klingon", "fr"])
    ('en', 'de', 'fr')
    """
    known = map(language_code, languages)
    return tuple(dict.fromkeys(code for code in known if code))


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


def of_file(
    names: Sequence[str],
    parsed: ParsedRelease | None,
    media_type: MediaType,
    *,
    quality: Quality,
    streams: Streams | None,
    group: str | None = None,
    edition: str | None = None,
    original_language: str | None = None,
    year: int | None = None,
    size_bytes: int | None = None,
    flags: Iterable[str] = (),
    episodes: int = 0,
) -> Subject:
    """Return a file as formats see it. What its streams contain counts more than what its name claims.

    Args:
        names: Release name and file name, without the suffix.
        parsed: The release name, parsed.
        streams: None if the file is not analysed; then its name counts.
        episodes: How many episodes it contains.
    """
    titles = list(dict.fromkeys(filter(None, names)))
    if streams is not None:
        hint = "movie" if media_type == MediaType.MOVIE else "tv"
        titles = [
            with_real_hdr(name, parsed if parsed and parsed.name == name else parse_release(name, hint), streams.hdr)
            for name in titles
        ]
    if media_type == MediaType.MOVIE:
        titles = [without_title(name, parse_release(name, "movie"), media_type) for name in titles]
    heard = frozenset(streams.languages) if streams is not None else frozenset[str]()
    named = spoken(parsed.languages if parsed else (), original_language)
    return Subject(
        titles=tuple(titles),
        group=group or (parsed.release_group if parsed else None),
        edition=(parsed.edition if parsed else None) or edition,
        languages=heard or named,
        original_language=original_language,
        quality=quality,
        release_type=None
        if media_type == MediaType.MOVIE or not episodes
        else ReleaseType.MULTI
        if episodes > 1
        else ReleaseType.SINGLE,
        flags=frozenset(flags),
        size_bytes=size_bytes,
        year=year or (parsed.year if parsed else None),
    )


def heard_languages(audio: Iterable[str | None]) -> tuple[str, ...]:
    """Return the languages of audio tracks; empty if one of them states none, because it may be any.

    >>> heard_languages(["de", "eng"]), heard_languages(["de", None])
    (('de', 'en'), ())
    """
    found = tuple(audio)
    if not found or None in found:
        return ()
    return tuple(dict.fromkeys(_THREE_LETTERS.get(code, code) for code in found if code))


def hdr_words(hdr_format: str | None) -> tuple[str, ...]:
    """Return an analysed dynamic range (`MediaFacts.hdr_format`) as in `ParsedRelease.hdr`.

    >>> hdr_words("DV HDR10+"), hdr_words(None)
    (('dv', 'hdr10plus'), ())
    """
    return tuple(word.lower().replace("+", "plus") for word in (hdr_format or "").split())


_THREE_LETTERS = {
    "eng": "en", "ger": "de", "deu": "de", "fre": "fr", "fra": "fr", "spa": "es", "ita": "it", "jpn": "ja", "por": "pt",
    "rus": "ru", "chi": "zh", "zho": "zh", "kor": "ko", "dut": "nl", "nld": "nl", "pol": "pl", "swe": "sv", "dan": "da",
    "nor": "no", "nob": "no", "nb": "no", "fin": "fi", "cze": "cs", "ces": "cs", "hun": "hu", "tur": "tr", "fil": "tl",
}  # fmt: skip


def _release_type(parsed: ParsedRelease | None, media_type: MediaType) -> ReleaseType | None:
    if parsed is None or media_type != MediaType.TV_SHOW:
        return None
    if parsed.is_season_pack:
        return ReleaseType.SEASON
    count = max(len(parsed.episodes), len(parsed.absolute_episodes), int(parsed.air_on is not None))
    if count > 1:
        return ReleaseType.MULTI
    return ReleaseType.SINGLE if count else None
