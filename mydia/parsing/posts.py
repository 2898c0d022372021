"""Find the release in the subject of a Usenet post."""

from __future__ import annotations

import re

from mydia.parsing.release import Span

_LABELLED = re.compile(r"\[\d{2,8}\]-\[|\[[ ]?(?:#|a\.b\.|alt\.bin)")
"""A post starts with its number or its newsgroup in brackets."""
_COUNTER = re.compile(r"[\[(]\d{1,4}/\d{1,4}[\])]")
"""Most posts count their files: `[01/38]`."""
_PARTS = re.compile(r'\[[ ]?([^\[\]]{1,255}?)[ ]?\]|"([^"]{1,255})"|\(([^() ]{3,255}-[^() ]{2,40})\)')
"""In round brackets only a name without spaces, since posters also put remarks there."""
_LABEL = re.compile(r"(?:\d+|full|repost|[#@]?(?:a\.b|alt\.?bin)[^ ]*|#[^ ]*|[^ ]*@[^ ]*|\d{1,4}/\d{1,4})\Z")
_SEVERAL_WORDS = re.compile(r"[^\W_][ ._-]+[^\W_]")
_FILE_ENDING = re.compile(
    r"(?:\.(?:part\d{1,4}|vol\d{1,4}(?:\+\d{1,4})?|r\d\d|\d{3}|rar|par2|nfo|sfv|nzb|zip|7z|srr|srs|jpg|sample)){1,4}\Z"
)


def find_posted_name(low: str) -> Span | None:
    """Return the span of the release in the subject of a post, or None for any other name.

    >>> subject = '[1234]-[full]-[#a.b.teevee]-[ copper.lane.s01e02.720p-grp ]-[01/38] - "cl.nfo" yenc'
    >>> subject[slice(*find_posted_name(subject))]
    'copper.lane.s01e02.720p-grp'
    """
    if ("[" not in low and '"' not in low) or "password" in low:
        return None
    if _LABELLED.match(low) is None and not ('"' in low and _COUNTER.search(low)):
        return None
    for found in _PARTS.finditer(low):
        start, end = found.span(found.lastindex or 0)
        inside = low[start:end]
        if _LABEL.match(inside) is None and _SEVERAL_WORDS.search(inside) is not None:
            ending = _FILE_ENDING.search(inside)
            return start, start + ending.start() if ending is not None else end
    return None
