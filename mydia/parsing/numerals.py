"""Read numbers: digits, words, ordinals, Roman and Chinese numerals."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_CARDINALS = (
    "one|un|une|uno|una|eins|een|yksi|jeden|один",
    "two|deux|dos|dois|duas|due|zwei|twee|två|kaksi|dwa|два",
    "three|trois|tres|três|tre|drei|drie|kolme|trzy|три",
    "four|quatre|cuatro|quatro|quattro|vier|fyra|neljä|cztery|четыре",
    "five|cinq|cinco|cinque|fünf|vijf|fem|viisi|pięć|пять",
    "six|seis|sechs|zes|seks|kuusi|sześć|шесть",
    "seven|sept|siete|sete|sette|sieben|zeven|sju|syv|seitsemän|семь",
    "eight|huit|ocho|oito|otto|acht|åtta|otte|kahdeksan|восемь",
    "nine|neuf|nueve|nove|neun|negen|nio|yhdeksän|девять",
    "ten|dix|diez|dez|dieci|zehn|tien|tio|kymmenen|десять",
    "eleven|onze|undici|elf|elva|elleve",
    "twelve|douze|doce|doze|dodici|zwölf|twaalf|tolv",
)
_ORDINALS = (
    "first|première|premier|primera|primeira|prima|primo|erste|eerste|första|første|ensimmäinen|pierwszy|první|первый|перший",
    "second|deuxième|seconde|segunda|seconda|secondo|zweite|tweede|andra|anden|andre|toinen|drugi|druhá|второй|другий",
    "third|troisième|tercera|terceira|terza|dritte|derde|tredje|kolmas|trzeci|třetí|третий|третій",
    "fourth|quatrième|cuarta|quarta|vierte|vierde|fjärde|fjerde|neljäs|czwarty|čtvrtá|четвертый|четвёртый|четвертий",
    "fifth|cinquième|quinta|fünfte|vijfde|femte|viides|piąty|pátá|пятый|п'ятий",
    "sixth|sixième|sexta|sesta|sechste|zesde|sjätte|sjette|kuudes|szósty|šestá|шестой|шостий",
    "seventh|septième|séptima|sétima|settima|siebte|siebente|zevende|sjunde|syvende|siódmy|седьмой|сьомий",
    "eighth|huitième|octava|oitava|ottava|achte|achtste|åttonde|ottende|ósmy|восьмой|восьмий",
    "ninth|neuvième|novena|nona|neunte|negende|nionde|niende|dziewiąty|девятый",
    "tenth|dixième|décima|decima|zehnte|tiende|dziesiąty|десятый",
    "eleventh|onzième|undécima|elfte|elfde",
    "twelfth|douzième|duodécima|zwölfte|twaalfde",
)
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv")
_HAN = {character: value for value, character in enumerate("〇一二三四五六七八九十")} | {"零": 0, "两": 2, "兩": 2}


def fold(text: str) -> str:
    """Return the text in lower case without accents, in one Unicode form; its length may change.

    >>> fold("SÄSONG２")
    'sasong2'
    """
    spelt = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(character for character in spelt if not unicodedata.combining(character))


def _number(table: tuple[str, ...]) -> dict[str, int]:
    """Map each word to its number, with and without accents; the first language wins."""
    numbers: dict[str, int] = {}
    for value, words in enumerate(table, 1):
        for word in words.split("|"):
            numbers.setdefault(word, value)
            numbers.setdefault(fold(word), value)
    return numbers


_ROMAN_NUMBERS = {word: value for value, word in enumerate(_ROMAN, 1)}
_ORDINAL_NUMBERS = _number(_ORDINALS)
_NUMBERS = _number(_CARDINALS) | _ROMAN_NUMBERS


def _pattern(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


NUMBER_WORD = _pattern(_NUMBERS)
"""Pattern of a cardinal or Roman numeral, in lower case."""
ORDINAL_WORD = _pattern(_ORDINAL_NUMBERS)
HAN_NUMBER = r"(?:\d{1,4}|[〇零一二两兩三四五六七八九十]{1,3})"


def read_number(word: str) -> int:
    """Return the value of digits or of a word matched by `NUMBER_WORD`, `ORDINAL_WORD` or `HAN_NUMBER`.

    >>> read_number("02"), read_number("third"), read_number("iv"), read_number("十二")
    (2, 3, 4, 12)
    """
    if word.isdecimal():
        return int(word)
    known = _NUMBERS.get(word, _ORDINAL_NUMBERS.get(word))
    return _read_han(word) if known is None else known


def _read_han(word: str) -> int:
    tens, ten, ones = word.partition("十")
    if not ten:
        return int("".join(str(_HAN.get(character, 0)) for character in word))
    return (_HAN.get(tens, 1) if tens else 1) * 10 + (_HAN.get(ones, 0) if ones else 0)
