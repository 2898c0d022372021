"""PURE. Render names of folders and files from templates, as relative paths that never leave the folder.

A token is `{name}` or `{name:format}`. Text inside the braces is dropped when the value is empty: `{ [edition]}` is
` [Extended]` or nothing. Names are Mydia's (`title`, `season:2`, `quality`, `edition`) or those of Sonarr and Radarr
(`{Series Title}`, `{season:00}`, `{Quality Full}`, `{tmdb-{TmdbId}}`). `{{` and `}}` are braces. Source of the latter
grammar, the multi-episode styles and the replacements: arr-stack §3.6.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from copy import replace
from datetime import date

import msgspec

from mydia.errors import Invalid
from mydia.vocabulary import MediaType

MAX_NAME_BYTES = 255
"""The longest name that common file systems allow."""
_ROOM_FOR_SIDECARS = 24  # bytes kept free so that `.zh-Hans.forced.sdh.srt` fits behind the same stem

DEFAULTS: Mapping[str, str] = {
    "movie_folder": "{title} ({year})",
    "movie_file": "{title} ({year}){ - [edition]}{ - quality}{-release_group}",
    "series_folder": "{title}{ (year)}",
    "season_folder": "Season {season:2}",
    "specials_folder": "Specials",
    "episode_file": "{title}{ (year)} - S{season:2}E{episode:2}{ - episode_title}{ [quality]}{-release_group}",
    "daily_file": "{title}{ (year)} - {air_date}{ - episode_title}{ [quality]}{-release_group}",
    "anime_file": (
        "{title}{ (year)} - S{season:2}E{episode:2}{ - absolute:3}{ - episode_title}{ [quality]}{-release_group}"
    ),
}
"""Template -> its default, which Plex, Jellyfin and Kodi all read."""


class NamingRules(msgspec.Struct, frozen=True, kw_only=True):
    """A naming set as a value; the fields are those of `settings.NamingSet`."""

    rename: bool = True
    movie_folder: str = DEFAULTS["movie_folder"]
    movie_file: str = DEFAULTS["movie_file"]
    series_folder: str = DEFAULTS["series_folder"]
    season_folder: str = DEFAULTS["season_folder"]
    specials_folder: str = DEFAULTS["specials_folder"]
    episode_file: str = DEFAULTS["episode_file"]
    daily_file: str = DEFAULTS["daily_file"]
    anime_file: str = DEFAULTS["anime_file"]
    multi_episode_style: str = "prefixed_range"
    colon_replacement: str = "smart"
    replace_illegal: bool = True


class NamingFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a name can contain. Absent values are None or empty."""

    title: str
    extension: str
    """Including the dot."""
    year: int | None = None
    original_title: str | None = None
    tmdb_id: int | None = None
    tvdb_id: int | None = None
    imdb_id: str | None = None
    certification: str | None = None
    collection: str | None = None
    quality: str | None = None
    """`Bluray-1080p`."""
    proper: str | None = None
    """`Proper`, `Repack`, `v2`."""
    real: str | None = None
    edition: str | None = None
    release_group: str | None = None
    release_name: str | None = None
    """The original name without extension; the whole name when renaming is off."""
    video_codec: str | None = None
    bit_depth: int | None = None
    hdr: str | None = None
    audio_codec: str | None = None
    audio_channels: str | None = None
    audio_languages: tuple[str, ...] = ()
    subtitle_languages: tuple[str, ...] = ()
    is_3d: bool = False
    series_type: str = "standard"
    season: int | None = None
    episodes: tuple[int, ...] = ()
    absolute: tuple[int, ...] = ()
    air_on: date | None = None
    episode_titles: tuple[str, ...] = ()
    custom_formats: tuple[str, ...] = ()
    """Names of the custom formats that are included in file names."""
    version_suffix: str | None = None
    """Distinguishes two versions of a title. Appended if the template has no token for it."""


class Example(msgspec.Struct, frozen=True):
    """One line of the preview beside the form."""

    label: str
    path: str


def movie_path(naming: NamingRules, facts: NamingFacts, *, folder: str | None = None) -> str:
    """Return the path of a film's file, relative to its library folder.

    Args:
        folder: The title's existing folder; None renders one from the template.

    >>> movie_path(NamingRules(), NamingFacts("Sintel", ".mkv", 2010, quality="Bluray-1080p"))
    'Sintel (2010)/Sintel (2010) - Bluray-1080p.mkv'
    """
    where = folder if folder is not None else item_folder(naming, facts, MediaType.MOVIE)
    return _joined(where, _file(naming, naming.movie_file, facts))


def episode_path(naming: NamingRules, facts: NamingFacts, *, folder: str | None = None) -> str:
    """Return the path of an episode's file, relative to its library folder.

    >>> facts = NamingFacts("Pioneer One", ".mkv", 2010, season=1, episodes=(1, 2), episode_titles=("Earthfall",))
    >>> episode_path(NamingRules(), facts)
    'Pioneer One (2010)/Season 01/Pioneer One (2010) - S01E01-E02 - Earthfall.mkv'
    """
    where = folder if folder is not None else item_folder(naming, facts, MediaType.TV_SHOW)
    template = naming.episode_file
    if facts.series_type == "daily" and facts.air_on is not None and facts.season != 0:
        template = naming.daily_file
    elif facts.series_type == "anime" and facts.absolute and facts.season != 0:
        template = naming.anime_file
    return _joined(where, season_folder(naming, facts), _file(naming, template, facts))


def item_folder(naming: NamingRules, facts: NamingFacts, type: MediaType) -> str:
    """Return the folder of a title, relative to its library folder; a template can have several levels."""
    return (
        _folders(naming, naming.movie_folder if type == MediaType.MOVIE else naming.series_folder, facts) or "Unknown"
    )


def season_folder(naming: NamingRules, facts: NamingFacts) -> str:
    """Return the folder of a season within its series' folder; empty if the template is."""
    template = naming.specials_folder if facts.season == 0 else naming.season_folder
    return _folders(naming, template, facts)


def check_template(field: str, template: str) -> None:
    """Reject a template that would give two titles or episodes the same name.

    Args:
        field: A field of `NamingRules`.

    Raises:
        Invalid: An unknown token, an unclosed brace, or a token is missing that distinguishes titles or episodes.
    """
    text = template.strip()
    if not text:
        if field in ("season_folder", "specials_folder"):
            return
        raise Invalid("Enter a template.", fields={field: "Enter a template."})
    names = _names_in(field, text)
    needs: tuple[tuple[frozenset[str], str], ...] = ()
    if field in ("movie_folder", "movie_file", "series_folder"):
        needs = ((_TITLES | {"release_name"}, "the title, such as {title}"),)
    elif field == "episode_file":
        needs = ((frozenset({"episode", "release_name"}), "the episode, such as S{season:2}E{episode:2}"),)
    elif field == "daily_file":
        needs = ((frozenset({"air_date", "episode", "release_name"}), "the day, such as {air_date}"),)
    elif field == "anime_file":
        needs = ((frozenset({"absolute", "episode", "release_name"}), "the episode, such as {absolute:3}"),)
    elif field == "season_folder":
        needs = ((frozenset({"season"}), "the season, such as {season:2}"),)
    for wanted, described in needs:
        if not names & wanted:
            sentence = f"The template needs {described}; otherwise two files would have the same name."
            raise Invalid(sentence, fields={field: sentence})


def objections(field: str, template: str) -> list[str]:
    """Return the errors of a template as sentences; used as validator by `settings.change_naming_set`.

    >>> objections("movie_file", "{title} ({year})")
    []
    """
    try:
        check_template(field, template)
    except Invalid as error:
        return [error.message]
    return []


def preview(naming: NamingRules) -> list[Example]:
    """Return the names of a film, an episode, a double episode, a daily show and an anime as examples."""
    film = NamingFacts(
        title="Night of the Living Dead", extension=".mkv", year=1968, tmdb_id=10331, imdb_id="tt0063350", quality="Bluray-1080p",
        edition="Remastered", release_group="ARCHIVE", release_name="Night.of.the.Living.Dead.1968.1080p.BluRay-ARCHIVE",
        video_codec="h264", audio_codec="flac", audio_channels="1.0", audio_languages=("en",),
    )  # fmt: skip
    episode = NamingFacts(
        title="Pioneer One", extension=".mkv", year=2010, tvdb_id=170551, quality="WEBDL-720p", release_group="VODO", season=1, episodes=(1,),
        episode_titles=("Earthfall",), release_name="Pioneer.One.S01E01.720p.WEB-DL-VODO", video_codec="h264",
        audio_codec="aac", audio_channels="2.0", air_on=date(2010, 6, 16), absolute=(1,),
    )  # fmt: skip
    double = replace(
        episode, episodes=(2, 3), episode_titles=("The Man from Mars", "Alone in the Night"), absolute=(2, 3)
    )
    return [
        Example("A movie", movie_path(naming, film)),
        Example("An episode", episode_path(naming, episode)),
        Example("Two episodes in one file", episode_path(naming, double)),
        Example("A daily show", episode_path(naming, replace(episode, series_type="daily"))),
        Example("Anime", episode_path(naming, replace(episode, series_type="anime"))),
    ]


_ARTICLE = re.compile(r"^(the|an?)\s+(.+)$", re.IGNORECASE)
_PART_NUMBER = re.compile(r"(?:\s+(?:part\s*)?\d+|\s*[(\[](?:part\s*)?\d+[)\]])$", re.IGNORECASE)
_YEAR_BEHIND = re.compile(r"\s*\(\d{4}\)$")
_CODECS = {"h264": "x264", "h265": "x265", "av1": "AV1", "vp9": "VP9", "mpeg2": "MPEG2", "vc1": "VC1", "xvid": "XviD"}
_AUDIO = {
    "aac": "AAC", "ac3": "AC3", "eac3": "EAC3", "dts": "DTS", "dts-hd": "DTS-HD MA", "dts-x": "DTS-X",
    "truehd": "TrueHD", "atmos": "TrueHD Atmos", "flac": "FLAC", "mp3": "MP3", "opus": "Opus", "pcm": "PCM",
}  # fmt: skip


def _the_behind(title: str) -> str:
    match = _ARTICLE.match(title)
    return f"{match[2]}, {match[1]}" if match else title


def _clean(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title.replace("&", "and"))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = re.sub(r"['’`\[\](){}]", "", plain)
    plain = re.sub(r"[,<>/\\;:\"|~!?@$%^*_=]|(?<=\s)-(?=\s)", " ", plain)
    return " ".join(plain.split())


def _with_year(title: str, year: int | None) -> str:
    return title if year is None or _YEAR_BEHIND.search(title) else f"{title} ({year})"


def _first_letter(title: str) -> str:
    plain = _clean(_ARTICLE.sub(r"\2", title))[:1].upper()
    return plain if plain.isalpha() else "#" if plain else "_"


def _episode_title(facts: NamingFacts) -> str:
    bases = [_PART_NUMBER.sub("", title) for title in facts.episode_titles]
    # `Finale (1)` and `Finale (2)` become `Finale`; the number stays if only one title has the name.
    titles = [
        base if base and bases.count(base) > 1 else title
        for title, base in zip(facts.episode_titles, bases, strict=True)
    ]
    return " + ".join(dict.fromkeys(titles))


def _languages(codes: tuple[str, ...], *, english_too: bool) -> str:
    if not codes or (codes == ("en",) and not english_too):
        return ""
    return "[" + "+".join(code.upper() for code in codes) + "]"


def _said(facts: NamingFacts) -> str:
    audio = " ".join(filter(None, (_AUDIO.get(facts.audio_codec or "", facts.audio_codec), facts.audio_channels)))
    return " ".join(filter(None, (_CODECS.get(facts.video_codec or "", facts.video_codec), audio)))


def _number(values: tuple[int, ...] | int | None) -> tuple[int, ...]:
    return () if values is None else values if isinstance(values, tuple) else (values,)


_TEXTS: Mapping[str, Callable[[NamingFacts], object]] = {
    "title": lambda f: f.title,
    "title_year": lambda f: _with_year(f.title, f.year),
    "title_without_year": lambda f: _YEAR_BEHIND.sub("", f.title),
    "title_the": lambda f: _the_behind(f.title),
    "title_the_year": lambda f: _with_year(_the_behind(f.title), f.year),
    "title_the_without_year": lambda f: _YEAR_BEHIND.sub("", _the_behind(f.title)),
    "clean_title": lambda f: _clean(f.title),
    "clean_title_year": lambda f: _clean(_with_year(f.title, f.year)),
    "clean_title_without_year": lambda f: _clean(_YEAR_BEHIND.sub("", f.title)),
    "clean_title_the": lambda f: _the_behind(_clean(f.title)),
    "clean_title_the_year": lambda f: f"{_the_behind(_clean(f.title))} {f.year or ''}",
    "clean_title_the_without_year": lambda f: _the_behind(_clean(_YEAR_BEHIND.sub("", f.title))),
    "first_letter": lambda f: _first_letter(f.title),
    "original_title": lambda f: f.original_title,
    "clean_original_title": lambda f: _clean(f.original_title or ""),
    "year": lambda f: f.year,
    "tmdb_id": lambda f: f.tmdb_id,
    "tvdb_id": lambda f: f.tvdb_id,
    "imdb_id": lambda f: f.imdb_id,
    "certification": lambda f: f.certification,
    "collection": lambda f: f.collection,
    "collection_the": lambda f: _the_behind(f.collection or ""),
    "quality": lambda f: f.quality,
    "quality_full": lambda f: " ".join(filter(None, (f.quality, f.proper, f.real))),
    "proper": lambda f: f.proper,
    "real": lambda f: f.real,
    "edition": lambda f: f.edition,
    "release_group": lambda f: f.release_group,
    "release_name": lambda f: f.release_name,
    "video_codec": lambda f: _CODECS.get(f.video_codec or "", f.video_codec),
    "bit_depth": lambda f: f"{f.bit_depth}bit" if f.bit_depth else None,
    "hdr": lambda f: f.hdr,
    "audio_codec": lambda f: _AUDIO.get(f.audio_codec or "", f.audio_codec),
    "audio_channels": lambda f: f.audio_channels,
    "audio_languages": lambda f: _languages(f.audio_languages, english_too=False),
    "audio_languages_all": lambda f: _languages(f.audio_languages, english_too=True),
    "subtitle_languages": lambda f: _languages(f.subtitle_languages, english_too=True),
    "media": _said,
    "media_full": lambda f: " ".join(filter(None, (_said(f), _languages(f.audio_languages, english_too=False)))),
    "3d": lambda f: "3D" if f.is_3d else None,
    "air_date": lambda f: f.air_on.isoformat() if f.air_on else None,
    "episode_title": _episode_title,
    "clean_episode_title": lambda f: _clean(_episode_title(f).replace(" + ", " and ")),
    "version": lambda f: f.version_suffix,
    "custom_formats": lambda f: " ".join(f.custom_formats) or None,
    "release_hash": lambda _f: None,
}
_NUMBERS: Mapping[str, Callable[[NamingFacts], tuple[int, ...]]] = {
    "season": lambda f: _number(f.season),
    "episode": lambda f: f.episodes,
    "absolute": lambda f: f.absolute,
}
_TITLES = frozenset(name for name in _TEXTS if "title" in name and "episode" not in name)
# Name in Sonarr and Radarr -> Mydia's name. Letters only, lower case.
_ALIASES = {
    "seriestitle": "title", "movietitle": "title", "seriestitleyear": "title_year", "seriesyear": "year",
    "seriestitlewithoutyear": "title_without_year", "seriestitlethe": "title_the", "movietitlethe": "title_the",
    "seriestitletheyear": "title_the_year", "seriestitlethewithoutyear": "title_the_without_year",
    "seriescleantitle": "clean_title", "moviecleantitle": "clean_title", "seriescleantitleyear": "clean_title_year",
    "seriescleantitlewithoutyear": "clean_title_without_year", "seriescleantitlethe": "clean_title_the",
    "moviecleantitlethe": "clean_title_the", "seriescleantitletheyear": "clean_title_the_year",
    "seriescleantitlethewithoutyear": "clean_title_the_without_year", "seriestitlefirstcharacter": "first_letter",
    "movietitlefirstcharacter": "first_letter", "movieoriginaltitle": "original_title",
    "moviecleanoriginaltitle": "clean_original_title", "moviecertification": "certification",
    "moviecollection": "collection", "moviecollectionthe": "collection_the", "releaseyear": "year",
    "editiontags": "edition", "qualityfull": "quality_full", "qualitytitle": "quality", "qualityproper": "proper",
    "qualityreal": "real", "releasegroup": "release_group", "originaltitle": "release_name",
    "originalfilename": "release_name", "customformats": "custom_formats", "customformat": "custom_formats",
    "mediainfosimple": "media", "mediainfofull": "media_full", "mediainfovideocodec": "video_codec",
    "mediainfovideo": "video_codec", "mediainfovideobitdepth": "bit_depth", "mediainfovideodynamicrange": "hdr",
    "mediainfovideodynamicrangetype": "hdr", "mediainfoaudiocodec": "audio_codec", "mediainfoaudio": "audio_codec",
    "mediainfoaudiochannels": "audio_channels", "mediainfoaudiolanguages": "audio_languages",
    "mediainfoaudiolanguagesall": "audio_languages_all", "mediainfosubtitlelanguages": "subtitle_languages",
    "mediainfosubtitlelanguagesall": "subtitle_languages", "mediainfo3d": "3d", "imdbid": "imdb_id", "tmdbid": "tmdb_id",
    "tvdbid": "tvdb_id", "tvmazeid": "release_hash", "airdate": "air_date", "episodetitle": "episode_title",
    "episodecleantitle": "clean_episode_title", "releasehash": "release_hash",
}  # fmt: skip


_BEFORE = "-._ [("
_BEHIND = "])-._ "
_INNER = re.compile(
    r"^(?P<before>[-._ \[(]*)(?P<name>[A-Za-z0-9][A-Za-z0-9 ._-]*?)(?::(?P<format>[^{}\])]*))?(?P<behind>[\])\-._ ]*)$"
)
_NESTED = re.compile(r"^(?P<before>[^{}]*)\{(?P<inner>[^{}]+)\}(?P<behind>[^{}]*)$")
_MULTI = re.compile(
    r"(?P<s>[Ss]?)\{(?P<season>season)(?::(?P<sf>\d+))?\}(?P<sep>[ ._-]?)(?P<e>[EeXx]?)\{(?P<ep>episode)(?::(?P<ef>\d+))?\}",
    re.IGNORECASE,
)


class _Token(msgspec.Struct, frozen=True, kw_only=True):
    before: str
    name: str
    format: str | None
    behind: str
    written: str


def _plain_name(written: str) -> str | None:
    name = written.strip().lower().replace("-", "_").replace(" ", "_").replace(".", "_")
    # In Sonarr and Radarr `{Original Title}` is the release name; Mydia's own token is `original_title`.
    if (name in _TEXTS or name in _NUMBERS) and (name != "original_title" or written == "original_title"):
        return name
    return _ALIASES.get(re.sub(r"[^a-z0-9]", "", written.lower()))


def _token(inner: str) -> _Token | None:
    match = _INNER.match(inner)
    if match is None:
        return None
    name = _plain_name(match["name"])
    return (
        None
        if name is None
        else _Token(
            before=match["before"], name=name, format=match["format"], behind=match["behind"], written=match["name"]
        )
    )


def _names_in(field: str, template: str) -> frozenset[str]:
    names: set[str] = set()

    def note(inner: str) -> str:
        token = _token(inner)
        if token is None:
            sentence = f"{{{inner}}} is not a token. Choose one from the list below the field."
            raise Invalid(sentence, fields={field: sentence})
        names.add(token.name)
        return ""

    rest = _each_token(template, note)
    if "{" in rest or "}" in rest:
        sentence = "A brace is not closed. Write {{ for a brace that belongs to the name."
        raise Invalid(sentence, fields={field: sentence})
    return frozenset(names)


def _each_token(template: str, render: Callable[[str], str]) -> str:
    """Replace every token by the result of `render(inner)`. A nested token without a value is dropped with its frame."""
    out: list[str] = []
    at = 0
    while at < len(template):
        char = template[at]
        if template.startswith(("{{", "}}"), at) and not _opens_nested(template, at):
            out.append(f"\0{char}")
            at += 2
            continue
        if char != "{":
            out.append(char)
            at += 1
            continue
        end = _closing(template, at)
        if end is None:
            out.append(char)
            at += 1
            continue
        inner = template[at + 1 : end]
        nested = _NESTED.match(inner)
        if nested is not None:
            value = render(nested["inner"])
            out.append(f"\0{{{nested['before']}{value}{nested['behind']}\0}}" if value else "")
        else:
            out.append(render(inner))
        at = end + 1
    text = "".join(out)
    return text if "\0" not in text else re.sub("\0([{}])", lambda m: "\1" if m[1] == "{" else "\2", text)


def _opens_nested(template: str, at: int) -> bool:
    return False if template[at] == "}" else re.match(r"\{\{[A-Za-z ]+\}[^{}]*\}(?!\})", template[at:]) is not None


def _closing(template: str, at: int) -> int | None:
    depth = 0
    for index in range(at, len(template)):
        if template[index] == "{":
            depth += 1
        elif template[index] == "}":
            depth -= 1
            if depth == 0:
                return index
    return None


def _render(naming: NamingRules, template: str, facts: NamingFacts) -> str:
    styled = _MULTI.sub(lambda m: _episodes(naming.multi_episode_style, m, facts), template)

    def one(inner: str) -> str:
        token = _token(inner)
        if token is None:
            return ""
        value = _value(token, facts)
        value = _tame(naming, value)
        return f"{token.before}{value}{token.behind}" if value else ""

    return _each_token(styled, one).replace("\1", "{").replace("\2", "}")


def _value(token: _Token, facts: NamingFacts) -> str:
    if token.name in _NUMBERS:
        return "-".join(_padded(number, token.format) for number in _NUMBERS[token.name](facts))
    found = _TEXTS[token.name](facts)
    text = "" if found is None else str(found)
    if not text:
        return ""
    if re.search(r"[A-Z]|[ .-]", token.written):
        # The spelling of a Sonarr or Radarr token sets the case and separators of the value.
        if token.written.islower():
            text = text.lower()
        elif token.written.isupper() and len(token.written) > 2:
            text = text.upper()
        separator = re.search(r"(?<=\w)([._-])(?=\w)", token.written)
        if separator is not None and token.name != "air_date":
            text = text.replace(" ", separator[1])
        elif token.name == "air_date" and " " in token.written:
            text = text.replace("-", " ")
    if token.format and (match := re.fullmatch(r"(-?)(\d{1,3})", token.format)):
        text = _cut(text, int(match[2]), from_end=bool(match[1]))
    return text


def _cut(text: str, length: int, *, from_end: bool) -> str:
    if length < 4 or len(text) <= length:
        return text
    return f"...{text[-(length - 3) :].lstrip()}" if from_end else f"{text[: length - 3].rstrip()}..."


def _padded(number: int, format: str | None) -> str:
    if not format or not format.isdigit():
        return str(number)
    # Sonarr's `00` is as wide as it is long; Mydia's `2` is the width.
    width = len(format) if set(format) == {"0"} else min(int(format), 6)
    return f"{number:0{width}}"


def _episodes(style: str, match: re.Match[str], facts: NamingFacts) -> str:
    numbers = sorted(facts.episodes)
    if facts.season is None or not numbers:
        return ""
    season = match["s"] + _padded(facts.season, match["sf"])
    letter, separator = match["e"], match["sep"]
    padded = [_padded(number, match["ef"]) for number in numbers]
    first = f"{season}{separator}{letter}{padded[0]}"
    if len(padded) == 1:
        return first
    match style:
        case "extend":
            return first + "".join(f"-{number}" for number in padded[1:])
        case "duplicate":
            return ".".join(f"{season}{separator}{letter}{number}" for number in padded)
        case "repeat":
            return first + "".join(f"{letter or '-'}{number}" for number in padded[1:])
        case "scene":
            return first + "".join(f"-{letter}{number}" for number in padded[1:])
        case "range":
            return f"{first}-{padded[-1]}"
    return f"{first}-{letter}{padded[-1]}"


_REPLACED = {"\\": "+", "/": "+", "<": "", ">": "", "?": "!", "*": "-", "|": "", '"': ""}
_COLONS = {"delete": "", "dash": "-", "space_dash": " -", "space_dash_space": " - "}
_RESERVED = re.compile(r"^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?=\.|$)", re.IGNORECASE)
# Control and format characters, lone surrogates, and separators other than the space.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ud800-\udfff\ufeff]")


def _tame(naming: NamingRules, text: str) -> str:
    text = unicodedata.normalize("NFC", _UNSEEN.sub("", text))
    if naming.colon_replacement == "smart":
        text = text.replace(": ", " - ").replace(":", "-")
    else:
        text = text.replace(":", _COLONS.get(naming.colon_replacement, ""))
    for illegal, legal in _REPLACED.items():
        text = text.replace(illegal, legal if naming.replace_illegal else "")
    return text


def _segment(naming: NamingRules, text: str) -> str:
    text = _tame(naming, text)
    text = re.sub(r"\s{2,}", " ", text)
    text = re.sub(r"([-_]) \1(?: |$)", r"\1 ", text)
    text = re.sub(r"\(\s*\)|\[\s*\]", "", text)
    # A leading dot hides a name; Windows drops dots and spaces at the end.
    text = re.sub(r"\s{2,}", " ", text).strip().lstrip(". ").rstrip(". ")
    return _RESERVED.sub(r"\1_", text)


def _folders(naming: NamingRules, template: str, facts: NamingFacts) -> str:
    parts = [_segment(naming, _render(naming, part, facts)) for part in template.split("/")]
    return "/".join(_fit(part, MAX_NAME_BYTES) for part in parts if part)


def _file(naming: NamingRules, template: str, facts: NamingFacts) -> str:
    extension = _tame(naming, facts.extension.lower())[:16]
    room = MAX_NAME_BYTES - max(len(extension.encode()), _ROOM_FOR_SIDECARS)
    if not naming.rename and facts.release_name:
        return _fit(_segment(naming, facts.release_name) or "Unknown", room) + extension
    *above, last = template.split("/")
    folders = [part for text in above if (part := _folders(naming, text, facts))]
    suffixed = facts.version_suffix and "version" not in _lenient_names(last)
    tail = f" - {_segment(naming, facts.version_suffix or '')}" if suffixed else ""

    def made(with_facts: NamingFacts) -> str:
        return (
            _segment(naming, _render(naming, last, with_facts)) or _segment(naming, with_facts.title) or "Unknown"
        ) + tail

    stem = made(facts)
    if len(stem.encode()) > room and facts.episode_titles:
        # Shorten the episode title first; everything else distinguishes files.
        spare = max(0, len(stem.encode()) - room)
        title = _episode_title(facts)
        kept = len(title.encode()) - spare - 3
        short = (f"{_fit(title, kept)}...",) if kept >= 8 else ()
        stem = made(replace(facts, episode_titles=short))
    if len(stem.encode()) > room:
        spare = len(stem.encode()) - room
        kept = len(facts.title.encode()) - spare
        if kept >= 16:
            stem = made(replace(facts, title=_fit(facts.title, kept), episode_titles=()))
    return "/".join([*folders, _fit(stem, room) + extension])


def _lenient_names(template: str) -> frozenset[str]:
    try:
        return _names_in("", template)
    except Invalid:
        return frozenset()


def _fit(text: str, limit: int) -> str:
    """Cut a string to a number of UTF-8 bytes without splitting a character."""
    if len(text.encode()) <= limit:
        return text
    return text.encode()[: max(limit, 1)].decode(errors="ignore").rstrip(". -") or "_"


def _joined(*parts: str) -> str:
    return "/".join(part.strip("/") for part in parts if part.strip("/"))
