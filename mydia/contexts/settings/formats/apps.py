"""The numbers of Sonarr and Radarr for sources, languages, flags, modifiers and release types. They differ between the two.

Source: reference/arr-stack.md §2.1 and §2.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from mydia.contexts.settings.formats.values import ORIGINAL, UNKNOWN, FormatSource, Kind, ReleaseType
from mydia.parsing import Modifier
from mydia.vocabulary import MediaType


class App(StrEnum):
    """The application whose dialect a format is written in."""

    RADARR = "radarr"
    SONARR = "sonarr"

    @property
    def media_type(self) -> MediaType:
        """What the application is for."""
        return MediaType.MOVIE if self is App.RADARR else MediaType.TV_SHOW


IMPLEMENTATIONS: Mapping[Kind, str] = {
    Kind.TITLE: "ReleaseTitleSpecification",
    Kind.GROUP: "ReleaseGroupSpecification",
    Kind.EDITION: "EditionSpecification",
    Kind.LANGUAGE: "LanguageSpecification",
    Kind.SOURCE: "SourceSpecification",
    Kind.RESOLUTION: "ResolutionSpecification",
    Kind.MODIFIER: "QualityModifierSpecification",
    Kind.RELEASE_TYPE: "ReleaseTypeSpecification",
    Kind.FLAG: "IndexerFlagSpecification",
    Kind.SIZE: "SizeSpecification",
    Kind.YEAR: "YearSpecification",
}
KINDS = {name: kind for kind, name in IMPLEMENTATIONS.items()}
LACKING: Mapping[App, frozenset[Kind]] = {
    App.RADARR: frozenset({Kind.RELEASE_TYPE}),
    App.SONARR: frozenset({Kind.EDITION, Kind.MODIFIER, Kind.YEAR}),
}
"""Condition types that an application does not have."""

_SHARED_LANGUAGES = (
    UNKNOWN, "en", "fr", "es", "de", "it", "da", "nl", "ja", "is", "zh", "ru", "pl",
    "vi", "sv", "no", "fi", "tr", "pt", "nl-BE", "el", "ko", "hu", "he", "lt", "cs",
)  # fmt: skip
_SONARR_LANGUAGES = (
    "ar", "hi", "bg", "ml", "uk", "sk", "th", "pt-BR", "es-419", "ro", "lv", "fa", "ca", "hr",
    "sr", "bs", "et", "ta", "id", "mk", "sl", "az", "uz", "ms", "ur", "rm", "ka",
)  # fmt: skip
_RADARR_LANGUAGES = (
    "hi", "ro", "th", "bg", "pt-BR", "ar", "uk", "fa", "bn", "sk", "lv", "es-419", "ca", "hr", "sr", "bs",
    "et", "ta", "id", "te", "mk", "sl", "ml", "kn", "sq", "af", "mr", "tl", "ur", "rm", "mn", "ka",
)  # fmt: skip
_MODIFIERS = dict(enumerate(Modifier))
_SOURCES: Mapping[App, Mapping[int, str]] = {
    App.RADARR: dict(
        enumerate(
            (
                FormatSource.UNKNOWN,
                FormatSource.CAM,
                FormatSource.TELESYNC,
                FormatSource.TELECINE,
                FormatSource.WORKPRINT,
                FormatSource.DVD,
                FormatSource.TV,
                FormatSource.WEBDL,
                FormatSource.WEBRIP,
                FormatSource.BLURAY,
            )
        )
    ),
    App.SONARR: dict(
        enumerate(
            (
                FormatSource.UNKNOWN,
                FormatSource.TV_ENCODE,
                FormatSource.TV_RAW,
                FormatSource.WEBDL,
                FormatSource.WEBRIP,
                FormatSource.DVD,
                FormatSource.BLURAY_ENCODE,
                FormatSource.BLURAY_REMUX,
            )
        )
    ),
}
_FLAGS: Mapping[App, tuple[str, ...]] = {
    App.RADARR: (
        "freeleech", "halfleech", "double_upload", "golden", "approved", "internal",
        "ahd_internal", "scene", "freeleech75", "freeleech25", "ahd_user_release", "nuked",
    ),
    App.SONARR: (
        "freeleech", "halfleech", "double_upload", "internal", "scene",
        "freeleech75", "freeleech25", "nuked", "subtitles",
    ),
}  # fmt: skip
_OWN_LANGUAGES = {App.RADARR: _RADARR_LANGUAGES, App.SONARR: _SONARR_LANGUAGES}

NUMBERS: Mapping[tuple[App, Kind], Mapping[int, str]] = {
    (app, kind): table
    for app in App
    for kind, table in (
        (Kind.SOURCE, _SOURCES[app]),
        (Kind.MODIFIER, _MODIFIERS),
        (Kind.RELEASE_TYPE, {1: ReleaseType.SINGLE, 2: ReleaseType.MULTI, 3: ReleaseType.SEASON}),
        (Kind.FLAG, {1 << place: flag for place, flag in enumerate(_FLAGS[app])}),
        (
            Kind.LANGUAGE,
            {-2: ORIGINAL, -1: "any"} | dict(enumerate((*_SHARED_LANGUAGES, *_OWN_LANGUAGES[app]))),
        ),
    )
}
"""(application, condition type) -> number -> our value."""
LANGUAGE_NAMES: Mapping[str, str] = {
    ORIGINAL: "Original",
    UNKNOWN: "Unknown",
    "any": "Any",
    "en": "English",
    "fr": "French",
    "es": "Spanish",
    "de": "German",
    "it": "Italian",
    "da": "Danish",
    "nl": "Dutch",
    "ja": "Japanese",
    "is": "Icelandic",
    "zh": "Chinese",
    "ru": "Russian",
    "pl": "Polish",
    "vi": "Vietnamese",
    "sv": "Swedish",
    "no": "Norwegian",
    "fi": "Finnish",
    "tr": "Turkish",
    "pt": "Portuguese",
    "nl-BE": "Flemish",
    "el": "Greek",
    "ko": "Korean",
    "hu": "Hungarian",
    "he": "Hebrew",
    "lt": "Lithuanian",
    "cs": "Czech",
    "ar": "Arabic",
    "hi": "Hindi",
    "bg": "Bulgarian",
    "ml": "Malayalam",
    "uk": "Ukrainian",
    "sk": "Slovak",
    "th": "Thai",
    "pt-BR": "Portuguese (Brazil)",
    "es-419": "Spanish (Latino)",
    "ro": "Romanian",
    "lv": "Latvian",
    "fa": "Persian",
    "ca": "Catalan",
    "hr": "Croatian",
    "sr": "Serbian",
    "bs": "Bosnian",
    "et": "Estonian",
    "ta": "Tamil",
    "id": "Indonesian",
    "mk": "Macedonian",
    "sl": "Slovenian",
    "az": "Azerbaijani",
    "uz": "Uzbek",
    "ms": "Malay",
    "ur": "Urdu",
    "rm": "Romansh",
    "ka": "Georgian",
    "bn": "Bengali",
    "te": "Telugu",
    "kn": "Kannada",
    "sq": "Albanian",
    "af": "Afrikaans",
    "mr": "Marathi",
    "tl": "Tagalog",
    "mn": "Mongolian",
}
"""Language code -> English name, for every language that conditions can name."""
LANGUAGES = tuple(code for code in LANGUAGE_NAMES if code != "any")
_CODES = {name.casefold(): code for code, name in LANGUAGE_NAMES.items()} | {
    code.casefold(): code for code in LANGUAGES
}


def language_name(code: str) -> str:
    """Return the English name of a language, or the code if it has none here."""
    return LANGUAGE_NAMES.get(code, code)


def language_code(name: str) -> str | None:
    """Return the code of a language by its English name or code, in any case; None if it is unknown.

    >>> language_code("German"), language_code("EN"), language_code("Klingon")
    ('de', 'en', None)
    """
    return _CODES.get(name.strip().casefold())
