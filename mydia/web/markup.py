"""Remove the layout of a template's source from what it renders.

A line break, with the spaces around it, renders as nothing beside a tag or a Jinja construct, and as one space between two
words or two attributes. A space that is needed beside a tag must be on the same line. `scripts/format_templates.py` follows
the same rule, so formatting a template never changes what it renders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from jinja2.ext import Extension

_STRING = r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\""""
_DICT = rf"\{{(?:{_STRING}|\{{(?:{_STRING}|[^{{}}'\"])*\}}|[^{{}}'\"])*\}}"
_JINJA = rf"\{{#.*?#\}}|\{{%(?:{_STRING}|[^'\"])*?%\}}|\{{\{{(?:{_STRING}|{_DICT}|[^{{}}'\"])*\}}\}}"
_TAG = rf"""<(?:/?[a-zA-Z][\w-]*|/?(?=\{{\{{)|!)(?:{_JINJA}|"(?:{_JINJA}|[^"])*"|'(?:{_JINJA}|[^'])*'|[^>"'])*>"""
_TOKEN = re.compile(
    rf"(?P<comment>\{{#.*?#\}})|(?P<statement>\{{%(?:{_STRING}|[^'\"])*?%\}})|(?P<expression>\{{\{{(?:{_STRING}|{_DICT}|[^{{}}'\"])*\}}\}})"
    rf"|(?P<tag>{_TAG})",
    re.DOTALL,
)
JINJA = re.compile(_JINJA, re.DOTALL)
_BREAK = re.compile(r"[ \t]*\n\s*")


class Kind(StrEnum):
    """The kinds of pieces in a template."""

    COMMENT = "comment"
    STATEMENT = "statement"
    EXPRESSION = "expression"
    TAG = "tag"
    TEXT = "text"


def pieces(source: str) -> Iterator[tuple[Kind, str]]:
    """Split a template into pieces; joined, they give the template again."""
    at = 0
    for match in _TOKEN.finditer(source):
        if match.start() > at:
            yield Kind.TEXT, source[at : match.start()]
        yield Kind(str(match.lastgroup)), match[0]
        at = match.end()
    if at < len(source):
        yield Kind.TEXT, source[at:]


def without_layout(source: str) -> str:
    """Return a template that renders none of its source's line breaks. The number of lines stays the same, for tracebacks."""
    return "".join(
        _tag(piece) if kind is Kind.TAG else _text(piece) if kind is Kind.TEXT else piece
        for kind, piece in pieces(source)
    )


def _text(piece: str) -> str:
    def rendered(match: re.Match[str]) -> str:
        inside = match.start() > 0 and match.end() < len(piece)
        return (" " if inside else "") + _invisible(match[0])

    return _BREAK.sub(rendered, piece)


def _tag(piece: str) -> str:
    parts, at, quoted = [], 0, False
    for match in [*JINJA.finditer(piece), None]:
        text = piece[at : match.start() if match else len(piece)]
        quoted ^= text.count('"') % 2 == 1
        # Text that a statement adds between attributes begins with its own space.
        spaced = quoted or match is None or not match[0].startswith("{%")
        parts += [_attributes(text, spaced_end=spaced), match[0] if match else ""]
        at = match.end() if match else at
    return "".join(parts)


def _attributes(piece: str, *, spaced_end: bool) -> str:
    def rendered(match: re.Match[str]) -> str:
        rest = piece[match.end() :]
        return ("" if rest == ">" or (not rest and not spaced_end) else " ") + _invisible(match[0])

    return _BREAK.sub(rendered, piece)


def _invisible(layout: str) -> str:
    return "{#" + "\n" * layout.count("\n") + "#}"


class Layout(Extension):
    """Applies `without_layout` to every HTML template as it is compiled."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return the template as Jinja compiles it."""
        return without_layout(source) if name is None or name.endswith(".html") else source
