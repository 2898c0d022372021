"""Parse the XML of feeds so that a damaged item does not affect the others and memory use is limited.

Feeds contain HTML entities, bare ampersands, forbidden characters and bytes of another encoding. Such a document is repaired
as a whole; if it still can't be parsed, it is read item by item. All patterns run in linear time.
"""

from __future__ import annotations

import codecs
import html
import re
from html.entities import html5

import lxml.etree as etree  # noqa: PLR0402  # a compiled module without types, which mypy only finds in this form

# A page has 100 items of about 40 tags each; a thousand items are still accepted. More would exhaust memory: 12 MB of tiny
# elements took 365 MiB.
MOST_TAGS = 200_000
_MOST_ITEMS = 2_000

_BOM = b"\xef\xbb\xbf"
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
# A bare `&`; `&name;` and `&#1;` are handled separately.
_AMPERSAND = re.compile(r"&(?:#(x[0-9a-fA-F]{1,6}|[0-9]{1,7});|([A-Za-z][A-Za-z0-9]{1,31});)?")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
_ITEM = re.compile(r"<item\b[^>]{0,2000}>", re.IGNORECASE)
_ROOT = re.compile(r"<rss\b[^>]{0,4000}>", re.IGNORECASE)


class TooManyTags(ValueError):
    """The document has more elements than any real feed."""


def parse(content: bytes) -> etree._Element:
    """Return the root element of a document, which is repaired if necessary.

    Raises:
        TooManyTags: It has more than MOST_TAGS tags.
        lxml.etree.XMLSyntaxError: It is not XML, or a feed without a readable item.
    """
    if content.count(b"<") > MOST_TAGS:
        raise TooManyTags
    try:
        return etree.fromstring(content.removeprefix(_BOM).lstrip(), _parser())
    except etree.XMLSyntaxError:
        text = repaired(_decoded(content))
        try:
            return etree.fromstring(text.encode(), _parser())
        except etree.XMLSyntaxError:
            if (feed := _item_by_item(text)) is None:
                raise
            return feed


def repaired(text: str) -> str:
    r"""Remove characters that XML forbids, and replace entities that XML does not define.

    >>> repaired("<t>Tom & Jerry&nbsp;&#x1F;&amp; Co</t>")
    '<t>Tom &amp; Jerry\xa0&amp; Co</t>'
    """
    return _AMPERSAND.sub(_replaced, _FORBIDDEN.sub("", _DECLARATION.sub("", text)).lstrip())


def _parser() -> etree.XMLParser:
    # No entities, no network and no huge trees, because the content is untrusted.
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)


def _decoded(content: bytes) -> str:
    """Decode UTF-8; invalid bytes are decoded as Windows-1252, which some feeds mix in."""
    return content.removeprefix(_BOM).decode("utf-8", _AS_CP1252)


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


_AS_CP1252 = "mydia-cp1252"
codecs.register_error(_AS_CP1252, _as_cp1252)


def _replaced(match: re.Match[str]) -> str:
    number, name = match[1], match[2]
    if number is not None:
        code = int(number[1:], 16) if number[0] in "xX" else int(number)
        allowed = (
            code in {9, 10, 13} or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
        )
        return match[0] if allowed else ""
    if name is None:
        return "&amp;"
    if name in _XML_ENTITIES:
        return match[0]
    character = html5.get(f"{name};")
    return html.escape(character, quote=False) if character is not None else f"&amp;{name};"


def _item_by_item(text: str) -> etree._Element | None:
    """Return a feed of the items that can be parsed; None if there is none."""
    starts = [match.start() for match in _ITEM.finditer(text)][:_MOST_ITEMS]
    if not starts:
        return None
    root = _ROOT.search(text)
    opening = root[0] if root is not None else "<rss>"
    channel = etree.Element("channel")
    for start, following in zip(starts, [*starts[1:], len(text)], strict=True):
        end = text.find("</item>", start, following)
        if end < 0:
            continue
        try:
            document = etree.fromstring(f"{opening}{text[start:end]}</item></rss>".encode(), _parser())
        except etree.XMLSyntaxError:
            continue
        channel.extend(document.findall("item"))
    if not len(channel):
        return None
    feed = etree.Element("rss")
    feed.append(channel)
    return feed
