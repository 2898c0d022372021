"""Strip what surrounds a name: extension, site, tracker tag, ids, leading `[Group]`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from mydia.parsing.groups import TRACKERS, strip_tracker
from mydia.parsing.patterns import (
    EXTENSIONS,
    GROUPS_IN_FRONT,
    OTHER_EXTENSIONS,
    SIGNING_GROUPS,
    SUBTITLE_EXTENSIONS,
)
from mydia.parsing.posts import find_posted_name
from mydia.parsing.release import Span
from mydia.parsing.subtitle_files import SubtitleEnding, read_subtitle_ending
from mydia.parsing.tokens import is_known, lower, prepare

EXTENSION = re.compile(r"\.([A-Za-z0-9]{2,7})\Z")

_SOURCE_ENDINGS = frozenset({"ts", "iso"})
"""In capitals at the end of a name these are a source (`Movie.2016.TS`), not an extension."""

_REVERSED = re.compile(r"(?:\A|[-._ ])(?:p027|p0801|p0612|\d{2,3}e[-._ ]?\d{2}s)(?:[-._ ]|\Z)")

_SITE = r"(?:www\.)?[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?(?:\.[a-z0-9-]{2,63}){0,2}\.(?:xn--[a-z0-9]{4,}|[a-z]{2,6})"

_SITE_IN_FRONT = re.compile(
    rf"\s*(?:[\[(]\s*({_SITE})\s*[\])][ -]*|({_SITE})(?:[ _]{{1,8}}-+[ _]{{0,8}}|--+[ ]{{0,8}}|-[ ]{{1,8}}))"
)

_SITE_WITHIN = re.compile(
    r"(?<![a-z0-9])(?:www\.[a-z0-9-]{1,63}\.[a-z]{2,6}|[a-z0-9-]{1,63}\.(?:com|net|org|to))(?![a-z0-9])"
)

_SITE_BEHIND = re.compile(rf"\[[ ]?({_SITE})[ ]?\]\Z")

_EXTRAS = {
    "sample": "sample", "trailer": "trailer", "behindthescenes": "featurette", "deleted": "featurette",
    "featurette": "featurette", "interview": "featurette", "scene": "featurette", "short": "featurette",
}  # fmt: skip
_EXTRA_BEHIND = re.compile("-(" + "|".join(_EXTRAS) + r")\Z")
"""Suffix of extras, as defined by Plex and Jellyfin."""

_BONUS = re.compile(r"-[ _]?x\d{2}[ _]?-[ _]?(?=[^\W_])")
"""Number of a bonus in film collections, followed by its name: `Title (1999)-x02-Interview`."""
_EPISODE_BEFORE = re.compile(r"(?:-s\d{1,2}|[xe]\d\d)\Z")
"""What makes the `x02` behind it an episode: `Title-s03-x02`, `1x01-x02`."""
_FILM_NUMBER = re.compile(r"-[ _]?f\d{1,3}[ _]?-[ _]?(?=[^\W_])")
"""Number of a film in its series, which comes before it: `James Bond-f21-Casino Royale`."""
_GROUP_PREFIX = re.compile(r"([a-z0-9]{3,12})-(?=[a-z0-9]+\.[a-z])")

_UPLOADED_BY_SITE = re.compile(
    r"(?:\.(?:hi|c|orig|original|updated|corrected|edited))*\.addic7ed\.com\Z", re.IGNORECASE
)
"""What Addic7ed adds to the name of a download: `Show - 01x02 - Title.GRP.French.HI.C.updated.Addic7ed.com.srt`."""

_SITE_ENDINGS = frozenset({
    "com", "org", "net", "info", "biz", "xyz", "club", "site", "online", "top", "pro", "live", "mobi", "name",
    "cloud", "space", "website", "tech", "store", "app", "dev", "wiki", "link", "movie", "media", "stream",
    "download", "torrent", "show", "video", "film", "cafe", "world", "zone", "one", "fun", "win", "vip", "bid",
    "party",
})  # fmt: skip

BRACKET_IN_FRONT = re.compile(r"[ ._]?\[([^\[\]]{1,80})\][ ._-]*")

_DAY_IN_FRONT = re.compile(r"\d{6}[ ._](?=[^\d])")

_IS_FILM_BEHIND = re.compile(
    r"\(?(?:19|20)\d\d\)?(?:\Z|[ ._\[(-]+(?:\d{3,4}[pi]|(?:multi|german|french|proper)?[ ._]?(?:uhd|bluray|blu-ray|bdrip|brrip|web|dvd|hdtv)))"
)
_ANY_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_YEAR_IN_FRONT = re.compile(
    r"(?:\(((?:19|20)\d\d)\)|\[((?:19|20)\d\d)\]|((?:19|20)\d\d)(?=[ ]-[ ]|_-_|\.-\.))[ ._-]{1,3}(?=[^\W\d_])"
)
_CATEGORY = re.compile(r"(?:tv[ -]?shows?|movies|(?:hd|sd|uhd)[ ]?\d{3,4}p)[ ]?:[ ]+")
_POSTING_NUMBERS = re.compile(r"(?:[a-z]{2,8}[ ])?(?:\d{5,7}[ ]){2,}(?=[^\d])")
"""Numbers of a Usenet post in front: `TvHD 465860 465831 Title`."""
_BROADCAST_SEASON = re.compile(r"[ ]{0,3}\d{1,2}月新番[ ]{0,3}")
"""Broadcast quarter of an anime, which Chinese groups put in front of the title."""
_DOTTED_DAY = re.compile(r"(\d\d)\.(\d\d)\.(\d\d)\.(?!s\d|e\d)(?=[^\W\d])")

_IDS = re.compile(r"(?<![a-z0-9])(?:(?:imdb(?:id)?[-=: ]?)?(tt\d{7,9})|(tmdb|tvdb)(?:id)?[-=: ]?(\d{1,8}))(?![a-z0-9])")

_ID_TAG = re.compile(
    r"[ ._]?[\[({]?\b(?:(?:imdb(?:id)?[-=: ]?)?tt\d{7,9}|(?:tmdb|tvdb)(?:id)?[-=: ]?\d{1,8})\b[\])}]?", re.IGNORECASE
)

_KNOWN_SIGNERS = frozenset(g.lower() for g in SIGNING_GROUPS)


@dataclass(slots=True, kw_only=True)
class Opened:
    """A name with its surroundings stripped."""

    name: str
    text: str
    """Prepared text without extension, trailing sites and tags."""
    low: str
    raw: str
    """The original characters at the same positions as `text`."""
    extension: str | None
    subtitle: SubtitleEnding
    ids: dict[str, str]
    has_site_behind: bool
    extra: str | None = None
    begin: int = 0
    front_year: tuple[int, Span] | None = None
    """A year in front of the title, as in `(2019) Title` and `2019 - Title`."""
    website: str | None = None
    website_span: Span | None = None
    front_group: str | None = None
    front_span: Span | None = None
    prefix: tuple[str, Span] | None = None
    """A scene group's name in front of a file's: `sparks-title.2016.1080p.mkv`."""
    front_day: date | None = None
    collection: str | None = None
    """Name of the film series in front of a film's number."""
    checksum: re.Match[str] | None = None
    skipped_from: int | None = None
    """Start of technical words before the title (`BD25.Title.1994`, `HD 720p: Title`)."""


def open_name(name: str) -> Opened:
    """Strip a name from the outside in: ids, reversal, extension, trailing sites and tags, then the front."""
    text = prepare(name)
    low = lower(text)
    ids: dict[str, str] = {}
    if "tt" in low or "tmdb" in low or "tvdb" in low:
        ids = _read_ids(low)
        # Blanked so that their digits are not read as episode numbers.
        text = _ID_TAG.sub(lambda found: " " * len(found.group()), text)
        low = lower(text)
    raw = name
    posted = find_posted_name(low)
    if posted is not None:
        # Blanked so that positions remain those of the name.
        text = " " * posted[0] + text[slice(*posted)]
        low = lower(text)
    if _REVERSED.search(low):
        text, raw = _turn_around(text, raw)
        low = lower(text)
    text, extension = _split_extension(text)
    if text.endswith("ddic7ed.com"):
        text = _UPLOADED_BY_SITE.sub("", text)
    subtitle = SubtitleEnding()
    if extension in SUBTITLE_EXTENSIONS:
        subtitle = read_subtitle_ending(text)
        text = text[: len(text) - subtitle.length]
    # Everything below only cuts off the end, so the lower-case text is cut alike.
    extra = _EXTRA_BEHIND.search(low[: len(text)])
    if extra is not None and extra.start() > 0:
        text = text[: extra.start()]
    behind = _SITE_BEHIND.search(low[: len(text)]) if text.endswith("]") else None
    site_span: Span | None = None
    if behind is not None and behind.start() > 0 and _is_site(behind.group(1)):
        site_span = behind.span(1)
        text = text[: behind.start()].rstrip(" ._-")
    text = strip_tracker(text)
    text, is_bonus = _without_bonus(text, low[: len(text)])
    low = low[: len(text)]
    opened = Opened(
        name=name,
        text=text,
        low=low,
        raw=raw[: len(text)],
        extension=extension,
        subtitle=subtitle,
        ids=ids,
        has_site_behind=site_span is not None,
        extra=_EXTRAS[extra.group(1)]
        if extra is not None and extra.start() > 0
        else "featurette"
        if is_bonus
        else None,
    )
    _take_front(opened, posted[0] if posted is not None else 0)
    if site_span is not None:
        opened.website_span = site_span
    if opened.website_span is not None:
        opened.website = raw[slice(*opened.website_span)]
    return opened


def _without_bonus(text: str, low: str) -> tuple[str, bool]:
    """Drop the number and name of a bonus; also return whether there was one."""
    found = _BONUS.search(low, 1) if "-" in text else None
    before = text[: found.start()].rstrip(" _") if found is not None else ""
    return (before, True) if before and _EPISODE_BEFORE.search(before.lower()) is None else (text, False)


def _turn_around(text: str, raw: str) -> tuple[str, str]:
    """Reverse a name that was posted backwards; its extension was not reversed."""
    found = EXTENSION.search(text)
    stem = found.start() if found is not None and found.group(1).lower() in EXTENSIONS else len(text)
    return text[:stem][::-1] + text[stem:], raw[:stem][::-1] + raw[stem:]


_SPACED_EXTENSION = re.compile(r"(?:[ ]|\.[ ]|[ ]\.)[ ]?(mkv|avi|mp4|m4v|wmv|mov|mpe?g|webm|flv)\Z", re.IGNORECASE)


def _split_extension(text: str) -> tuple[str, str | None]:
    found = EXTENSION.search(text)
    if found is None:
        spaced = _SPACED_EXTENSION.search(text)
        if spaced is not None and spaced.start() > 0:
            return text[: spaced.start()].rstrip(), spaced.group(1).lower()
        return text.rstrip(), None
    ending = found.group(1).lower()
    means_source = ending in _SOURCE_ENDINGS and found.group(1).isupper()
    if means_source or (ending not in EXTENSIONS and ending not in OTHER_EXTENSIONS):
        return text.rstrip(), None
    return text[: found.start()].rstrip(), ending


_MOST_TAGS_IN_FRONT = 4


def _take_front(opened: Opened, begin: int) -> None:
    """Move the start of the title past sites, a group's bracket, labels and a date, in any order."""
    text, low = opened.text, opened.low
    for _ in range(_MOST_TAGS_IN_FRONT):
        site = _SITE_IN_FRONT.match(low, begin)
        if site is not None and site.end() < len(text) and _is_site(site.group(1) or site.group(2)):
            opened.website_span = site.span(1 if site.group(1) else 2)
            begin = site.end()
            continue
        bracket = BRACKET_IN_FRONT.match(low, begin)
        if bracket is None or bracket.end() >= len(text):
            break
        within = _SITE_WITHIN.search(low, *bracket.span(1))
        if within is not None:
            opened.website_span = within.span()
        elif bracket.group(1) in TRACKERS or _is_label(bracket.group(1)):
            pass
        elif _IS_FILM_BEHIND.match(low, bracket.end()):
            break  # `[REC].2007`
        elif opened.front_group is None and _may_be_group(bracket.group(1)):
            opened.front_group = opened.raw[bracket.start(1) : bracket.end(1)].strip()
            opened.front_span = bracket.span(1)
        else:
            break
        begin = bracket.end()
    for label in (_CATEGORY, _POSTING_NUMBERS):
        found = label.match(low, begin)
        if found is not None and found.end() < len(text):
            opened.skipped_from = found.start()
            begin = found.end()
    season = _BROADCAST_SEASON.match(low, begin)
    if season is not None and season.end() < len(text):
        begin = season.end()
    dotted = _DOTTED_DAY.match(low, begin)
    if dotted is not None:
        opened.front_day = _read_short_day(dotted)
        begin = dotted.end()
    day = _DAY_IN_FRONT.match(low, begin)
    if day is not None and begin == 0:
        begin = day.end()
    year = _YEAR_IN_FRONT.match(low, begin)
    if year is not None and _ANY_YEAR.search(low, year.end()) is None:
        place = next(index for index in (1, 2, 3) if year.group(index))
        opened.front_year = int(year.group(place)), year.span(place)
        begin = year.end()
    begin = _past_group_and_film_number(opened, begin)
    while begin < len(text) and text[begin] in " ._-":
        begin += 1
    opened.begin = begin


def _past_group_and_film_number(opened: Opened, begin: int) -> int:
    """Take a scene group's name in front of a file's, and the film series in front of a film's number."""
    text, low = opened.text, opened.low
    prefix = _GROUP_PREFIX.match(text, begin)
    if prefix is not None and opened.front_group is None and prefix.group(1) in GROUPS_IN_FRONT:
        opened.prefix = prefix.group(1), prefix.span(1)
        begin = prefix.end()
    number = _FILM_NUMBER.search(low, begin + 1) if "-" in low else None
    if number is not None:
        opened.collection, begin = text[begin : number.start()].rstrip(" _"), number.end()
    return begin


def _read_short_day(dotted: re.Match[str]) -> date | None:
    """Read `09.03.08` as day, month, year."""
    try:
        return date(2000 + int(dotted.group(3)), int(dotted.group(2)), int(dotted.group(1)))
    except ValueError:
        return None


_FRONT_IS_NO_GROUP = re.compile(
    r"\d{1,4}\Z|s\d|.*(?:\d{3,4}p|x26[45]|h26[45]|hevc|\d+x\d+)|[0-9a-f]{8}\Z|(?:19|20)\d\d"
)


def _is_site(written: str) -> bool:
    """Return whether the text is a web address rather than a group (`YTS.MX`) or technical words (`Vhs.Rip.Vff`)."""
    if written in _KNOWN_SIGNERS:
        return False
    site, _, ending = written.rpartition(".")
    if all(is_known(word) for word in re.split(r"[.-]", site)):
        return False
    return written.startswith("www.") or len(ending) == 2 or ending.startswith("xn--") or ending in _SITE_ENDINGS


_LABEL = re.compile(r".*-->|(?:movies?|tv|tv[ -]?shows?|anime|films?|series|req(?:uest)?|[sh]d-(?:episode|movie)s?)\Z")
"""Category of the site that posted the name."""


def _is_label(inside: str) -> bool:
    return _LABEL.match(inside) is not None


def _may_be_group(inside: str) -> bool:
    return _FRONT_IS_NO_GROUP.match(inside) is None


def _read_ids(low: str) -> dict[str, str]:
    ids: dict[str, str] = {}
    for found in _IDS.finditer(low):
        if found.group(1):
            ids.setdefault("imdb", found.group(1))
        else:
            ids.setdefault(found.group(2), found.group(3))
    return ids
