"""PURE. Regular expressions in the .NET dialect, translated for RE2 (linear time) or, where RE2 cannot run them, `regex`.

A pattern is read into a tree. RE2 has no look-around, backreferences or atomic groups; patterns with these run in `regex`
with a time limit. For each of those, `loosened` gives a pattern for RE2 that matches at least where the original does, so
that most names never reach the backtracking engine.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from mydia.errors import Invalid

# RE2 refuses larger counts. Source: RE2's `kMaxRepeat`.
_MOST_REPEATS = 1000
_DEEPEST = 100
_COUNT = re.compile(r"\{(\d+)(,?)(\d*)\}")
_NAME = re.compile(r"[A-Za-z_]\w*|\d+")
_FLAGS = re.compile(r"([imnsx]*)(?:-([imnsx]+))?([:)])")
_SPECIAL = frozenset("\\.+*?()|[]{}^$")
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}
_SHARED = frozenset("dDwWsSbB")
"""Escapes that both engines know."""


class Translated(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern for the engines that can run it."""

    linear: str | None
    """For RE2; None if it can't run the pattern."""
    backtracking: str
    """For `regex`, version 1."""
    prefilter: str | None
    """For RE2: matches wherever a pattern without a linear form does. None if that would be almost everywhere."""


class _Atom(msgspec.Struct, frozen=True, kw_only=True):
    """An element without parts."""

    linear: str | None
    backtracking: str
    loose: str
    letters: int = 0
    """Characters that a match is certain to contain."""
    repeats: bool = True
    """Whether a quantifier may follow."""


class _Group(msgspec.Struct, frozen=True, kw_only=True):
    """Parentheses. `opening` are the characters after the first one for each engine."""

    linear: str | None
    backtracking: str
    loose: str | None
    """None: an assertion, left out of the loose form."""
    branches: tuple[tuple[_Item, ...], ...]
    ahead: bool = False
    """A positive look-around: what it contains must be in the name."""


class _Item(msgspec.Struct, frozen=True):
    """An atom or group with its quantifier."""

    part: _Atom | _Group
    quantifier: str = ""
    least: int = 1
    most: int | None = 1


@lru_cache(maxsize=4096)
def translate(pattern: str) -> Translated:
    r"""Translate a .NET pattern.

    Raises:
        Invalid: It is not a pattern, or uses balancing groups, which no engine here has.

    >>> translate(r"\\b(?<name>AMZN)\\b").linear
    '\\\\b(?P<name>AMZN)\\\\b'
    >>> translate(r"(?<!HD)DTS").prefilter
    'DTS'
    """
    branches = _Reader(pattern).whole()
    linear = _linear(branches)
    if linear is not None:
        return Translated(linear=linear, backtracking=_backtracking(branches), prefilter=None)
    letters, loose = _needed(branches)
    return Translated(linear=None, backtracking=_backtracking(branches), prefilter=loose if letters else None)


def _linear(branches: tuple[tuple[_Item, ...], ...]) -> str | None:
    found: list[str] = []
    for branch in branches:
        texts = [_linear_item(item) for item in branch]
        if None in texts:
            return None
        found.append("".join(text for text in texts if text is not None))
    return "|".join(found)


def _linear_item(item: _Item) -> str | None:
    if max(item.least, item.most or 0) > _MOST_REPEATS or item.part.linear is None:
        return None
    if isinstance(item.part, _Atom):
        return item.part.linear + item.quantifier
    inner = _linear(item.part.branches)
    return None if inner is None else f"({item.part.linear}{inner}){item.quantifier}"


def _backtracking(branches: tuple[tuple[_Item, ...], ...]) -> str:
    return "|".join("".join(_backtracking_item(item) for item in branch) for branch in branches)


def _backtracking_item(item: _Item) -> str:
    if isinstance(item.part, _Atom):
        return item.part.backtracking + item.quantifier
    return f"({item.part.backtracking}{_backtracking(item.part.branches)}){item.quantifier}"


def _needed(branches: tuple[tuple[_Item, ...], ...]) -> tuple[int, str]:
    """Return what every match needs: the part with the most certain characters, as a pattern for RE2."""
    found = [max(_candidates(branch), key=lambda candidate: candidate[0]) for branch in branches]
    return min(letters for letters, _ in found), "|".join(
        f"(?:{text})" if len(found) > 1 else text for _, text in found
    )


def _candidates(branch: tuple[_Item, ...]) -> list[tuple[int, str]]:
    found = [(sum(_letters(item) for item in branch), "".join(_loose_item(item) for item in branch))]
    for item in branch:
        if isinstance(item.part, _Group) and (item.least or item.part.ahead):
            if item.part.loose is None and not item.part.ahead:
                continue
            if item.least:
                found.append(_needed(item.part.branches))
    return found


def _letters(item: _Item) -> int:
    if isinstance(item.part, _Atom):
        return item.part.letters * item.least
    if item.part.loose is None or not item.least:
        return 0
    return min(sum(_letters(one) for one in branch) for branch in item.part.branches) * item.least


def _loose_item(item: _Item) -> str:
    quantifier = item.quantifier
    if item.least > _MOST_REPEATS or (item.most or 0) > _MOST_REPEATS:
        quantifier = "+" if item.least else "*"
    if isinstance(item.part, _Atom):
        return item.part.loose + quantifier if item.part.loose else ""
    if item.part.loose is None:
        return ""
    inner = "|".join("".join(_loose_item(one) for one in branch) for branch in item.part.branches)
    return f"({item.part.loose}{inner}){quantifier}"


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._spaced = False
        """Whether white space is ignored: `(?x)`."""

    def whole(self) -> tuple[tuple[_Item, ...], ...]:
        branches = self._branches(0)
        if self._at < len(self._text):
            raise self._wrong("has a “)” without “(”")
        return branches

    def _wrong(self, what: str) -> Invalid:
        return Invalid(f"The pattern {what} (character {self._at + 1}).", fields={"value": f"The pattern {what}."})

    def _branches(self, depth: int) -> tuple[tuple[_Item, ...], ...]:
        if depth > _DEEPEST:
            raise self._wrong("has too many nested groups")
        branches: list[tuple[_Item, ...]] = []
        items: list[_Item] = []
        spaced = self._spaced
        while self._at < len(self._text) and self._text[self._at] != ")":
            character = self._text[self._at]
            if character == "|":
                branches.append(tuple(items))
                items = []
                self._at += 1
            elif self._spaced and (character.isspace() or character == "#"):
                self._skip_space()
            elif (part := self._part(character, depth)) is not None:
                items.append(self._quantified(part))
        self._spaced = spaced
        return (*branches, tuple(items))

    def _skip_space(self) -> None:
        if self._text[self._at] == "#":
            end = self._text.find("\n", self._at)
            self._at = len(self._text) if end < 0 else end
        self._at += 1

    def _part(self, character: str, depth: int) -> _Atom | _Group | None:
        if character == "(":
            return self._group(depth)
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escape()
        if character in "*+?" or (character == "{" and _COUNT.match(self._text, self._at)):
            raise self._wrong(f"has “{character}” with nothing to repeat")
        self._at += 1
        if character in "^$":
            return _Atom(linear=character, backtracking=character, loose=character)
        if character == ".":
            return _Atom(linear=".", backtracking=".", loose=".")
        return _literal(character)

    def _quantified(self, part: _Atom | _Group) -> _Item:
        if self._at >= len(self._text):
            return _Item(part)
        character, least, most = self._text[self._at], 1, None
        count = _COUNT.match(self._text, self._at) if character == "{" else None
        if count is not None:
            least = int(count.group(1))
            most = least if not count.group(2) else int(count.group(3)) if count.group(3) else None
            quantifier = count.group()
        elif character in "*+?":
            least, most, quantifier = int(character == "+"), 1 if character == "?" else None, character
        else:
            return _Item(part)
        if most is not None and most < least:
            raise self._wrong("has a count whose maximum is below its minimum")
        if isinstance(part, _Atom) and not part.repeats:
            raise self._wrong(f"has “{quantifier}” with nothing to repeat")
        self._at += len(quantifier)
        if self._text[self._at : self._at + 1] == "?":
            quantifier += "?"
            self._at += 1
        following = self._text[self._at : self._at + 1]
        if following and (following in "*+?" or (following == "{" and _COUNT.match(self._text, self._at))):
            raise self._wrong(f"has “{following}” after another quantifier")
        return _Item(part, quantifier, least, most)

    def _group(self, depth: int) -> _Atom | _Group | None:
        self._at += 1
        opening = self._opening()
        if opening is None:
            return None
        if isinstance(opening, _Atom):
            return opening
        spaced = self._spaced
        branches = self._branches(depth + 1)
        self._spaced = spaced
        if self._at >= len(self._text):
            raise self._wrong("has a “(” without “)”")
        self._at += 1
        return _Group(
            linear=opening.linear,
            backtracking=opening.backtracking,
            loose=opening.loose,
            branches=branches,
            ahead=opening.ahead,
        )

    def _opening(self) -> _Group | _Atom | None:
        """Read what follows “(” up to the content; None for a comment."""
        rest = self._text[self._at :]
        if not rest.startswith("?"):
            return _Group(linear="", backtracking="", loose="", branches=())
        for opening, group in _OPENINGS.items():
            if rest.startswith(opening):
                self._at += len(opening)
                return group
        if rest.startswith("?#"):
            self._at = self._closing()
            return None
        if rest.startswith("?("):
            return self._conditional()
        if (named := re.match(r"\?P?(?:<([^>]*)>|'([^']*)')", rest)) is not None:
            name = named.group(1) or named.group(2) or ""
            if not _NAME.fullmatch(name):
                raise self._wrong("uses a balancing group or an invalid group name")
            self._at += named.end()
            # Numbered names are legal in .NET only; nothing here reads the content of a group by its number.
            opening = "" if name.isdigit() else f"?P<{name}>"
            return _Group(linear=opening, backtracking=opening, loose="?:", branches=())
        return self._flags(rest)

    def _flags(self, rest: str) -> _Group | _Atom:
        found = _FLAGS.match(rest, 1)
        if found is None:
            raise self._wrong("has an unknown kind of group")
        on, off, end = found.groups(default="")
        self._spaced = ("x" in on or self._spaced) and "x" not in off
        kept_on, kept_off = ("".join(flag for flag in flags if flag in "ims") for flags in (on, off))
        self._at += found.end()
        text = f"?{kept_on}{'-' + kept_off if kept_off else ''}"
        if end == ":":
            return _Group(linear=f"{text}:", backtracking=f"{text}:", loose=f"{text}:", branches=())
        text = "" if text == "?" else f"({text})"
        return _Atom(linear=text, backtracking=text, loose=text, repeats=False)

    def _conditional(self) -> _Group:
        """Read the condition of `(?(1)yes|no)` or `(?(name)yes|no)`."""
        end = self._text.find(")", self._at + 2)
        condition = self._text[self._at + 2 : end] if end > 0 else ""
        if not _NAME.fullmatch(condition):
            raise self._wrong("has a conditional group that is not supported")
        self._at = end + 1
        return _Group(linear=None, backtracking=f"?({condition})", loose="?:", branches=())

    def _closing(self) -> int:
        end = self._text.find(")", self._at)
        if end < 0:
            raise self._wrong("has a “(” without “)”")
        return end + 1

    def _escape(self) -> _Atom:
        following = self._text[self._at + 1 : self._at + 2]
        if not following:
            raise self._wrong("ends with a backslash")
        if following in _SHARED:
            self._at += 2
            text = f"\\{following}"
            return _Atom(linear=text, backtracking=text, loose=text, letters=int(following in "dDwWsS"))
        if following in "AGzZ":
            # Names have no line breaks, so both kinds of end are the same.
            self._at += 2
            start = following in "AG"
            return _Atom(
                linear=r"\A" if start else r"\z",
                backtracking=r"\A" if start else r"\Z",
                loose=r"\A" if start else r"\z",
            )
        if following in "pP":
            return self._property()
        if following == "k" or following in "123456789":
            return self._reference(following)
        return _literal(self._character())

    def _property(self) -> _Atom:
        found = re.compile(r"\\[pP]\{\w+\}").match(self._text, self._at)
        if found is None:
            raise self._wrong("has an incomplete \\p{…}")
        self._at = found.end()
        return _Atom(linear=found.group(), backtracking=found.group(), loose=found.group(), letters=1)

    def _reference(self, following: str) -> _Atom:
        if following == "k":
            found = re.compile(r"\\k(?:<(\w+)>|'(\w+)')").match(self._text, self._at)
            if found is None:
                raise self._wrong("has an incomplete \\k<…>")
            self._at = found.end()
            name = found.group(1) or found.group(2)
        else:
            number = re.compile(r"\\(\d{1,2})").match(self._text, self._at)
            name = number.group(1) if number is not None else following
            self._at += 1 + len(name)
        return _Atom(linear=None, backtracking=f"(?:\\g<{name}>)", loose="(?:.*)")

    def _character(self) -> str:
        """Read one escaped character."""
        following = self._text[self._at + 1]
        for letter, digits in (("x", 2), ("u", 4)):
            if following == letter:
                found = self._text[self._at + 2 : self._at + 2 + digits]
                if not re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", found):
                    raise self._wrong(f"has an incomplete \\{letter}")
                self._at += 2 + digits
                return chr(int(found, 16))
        if following == "0":
            octal = re.compile(r"[0-7]{1,3}").match(self._text, self._at + 1)
            digits_read = octal.group() if octal is not None else "0"
            self._at += 1 + len(digits_read)
            return chr(int(digits_read, 8))
        if following == "c":
            self._at += 3
            return chr(ord(self._text[self._at - 1].upper()) ^ 64) if self._at <= len(self._text) else ""
        if following not in _CONTROL and following.isascii() and following.isalpha():
            raise self._wrong(f"has the unknown escape “\\{following}”")
        self._at += 2
        return _CONTROL.get(following, following)

    def _class(self) -> _Atom:
        text, subtracted = self._class_text()
        plain = f"[{text}]"
        if not subtracted:
            return _Atom(linear=plain, backtracking=plain, loose=plain, letters=1)
        return _Atom(linear=None, backtracking=f"[{plain}--{subtracted}]", loose=plain, letters=1)

    def _class_text(self) -> tuple[str, str]:
        """Read a class and return its content and what is subtracted: `[a-z-[aeiou]]`."""
        self._at += 1
        content = ""
        if self._text[self._at : self._at + 1] == "^":
            content, self._at = "^", self._at + 1
        first = True
        while self._at < len(self._text) and (first or self._text[self._at] != "]"):
            character = self._text[self._at]
            first = False
            if character == "\\":
                content += self._class_escape()
            elif character == "-" and self._text[self._at + 1 : self._at + 2] == "[":
                self._at += 1
                inner, more = self._class_text()
                if self._text[self._at : self._at + 1] != "]" or more:
                    raise self._wrong("has a class subtraction that is not at the end")
                self._at += 1
                return content, f"[{inner}]"
            else:
                # `regex` reads doubled characters as set operations, so they are escaped; the hyphen makes ranges.
                content += f"\\{character}" if character in "[]^&|~" else character
                self._at += 1
        if self._at >= len(self._text):
            raise self._wrong("has a “[” without “]”")
        self._at += 1
        return content, ""

    def _class_escape(self) -> str:
        following = self._text[self._at + 1 : self._at + 2]
        if following in tuple("dDwWsS"):
            self._at += 2
            return f"\\{following}"
        if following in ("p", "P"):
            return self._property().backtracking
        if following == "b":
            self._at += 2
            return r"\x08"
        if not following:
            raise self._wrong("ends with a backslash")
        if following in tuple("123456789"):
            raise self._wrong("has a backreference in a class")
        character = self._character()
        return f"\\{character}" if character in "\\[]^-&|~" else _quoted(character)


def _literal(character: str) -> _Atom:
    text = _quoted(character)
    return _Atom(linear=text, backtracking=text, loose=text, letters=1)


def _quoted(character: str) -> str:
    if character in _SPECIAL:
        return f"\\{character}"
    return f"\\x{ord(character):02x}" if character and ord(character) < 32 else character


_LOOK = {"?=": True, "?!": False, "?<=": True, "?<!": False}
_OPENINGS: dict[str, _Group] = {
    "?:": _Group(linear="?:", backtracking="?:", loose="?:", branches=()),
    "?>": _Group(linear=None, backtracking="?>", loose="?:", branches=()),
    **{
        opening: _Group(linear=None, backtracking=opening, loose=None, branches=(), ahead=positive)
        for opening, positive in _LOOK.items()
    },
}
