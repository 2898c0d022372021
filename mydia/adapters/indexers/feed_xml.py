"""Parse the XML of feeds so that a damaged item does not affect the others and memory use is limited.

Feeds contain HTML entities, bare ampersands, forbidden characters and bytes of another encoding. Such a document is repaired
as a whole; if it still can't be parsed, it is read item by item. All patterns run in linear time.

Every document is converted to UTF-8 first, so that the limits count the same characters that the parser reads.
"""

from __future__ import annotations

import codecs
import html
import re
from html.entities import html5

import lxml.etree as etree  # noqa: PLR0402  # a compiled module without types, which mypy only finds in this form

# A page has 100 items, each with about 40 tags and 80 attributes; a thousand items are still accepted. More would exhaust
# memory: of 12 MB, tiny elements took 365 MiB, attributes 550 MiB and the repair of entities 210 MiB.
_MOST = ((b"<", 200_000, "tags"), (b"=", 300_000, "attributes"), (b"&", 500_000, "entities"))
_MOST_ITEMS = 2_000
_MOST_INVALID = 20_000
"""Bytes that are not UTF-8 and are read as Windows-1252 one by one, which takes a microsecond each."""

_BOM = b"\xef\xbb\xbf"
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
# A bare `&`; `&name;` and `&#1;` are handled separately.
_AMPERSAND = re.compile(r"&(?:#(x[0-9a-fA-F]{1,6}|[0-9]{1,7});|([A-Za-z][A-Za-z0-9]{1,31});)?")
_DECLARATION = re.compile(rb"<\?xml[^>]{0,200}\?>")
_ENCODING = re.compile(rb"""encoding\s{0,9}=\s{0,9}["']([\w.:-]{1,40})""")
# The codecs in which "<" is a single ASCII byte and that decode in linear time, by their names in Python. Every other declared
# encoding is ignored: UTF-16 has a byte order mark, or the declaration is wrong; UTF-7 would hide tags from the limits.
_CODECS = re.compile(r"iso8859-\d+|cp125\d|koi8-[ru]|gb2312|gbk|gb18030|big5|euc_jp|euc_kr|shift_jis|cp932")
_WIDE = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
_ITEM = re.compile(r"<item\b[^>]{0,2000}>", re.IGNORECASE)
_ROOT = re.compile(r"<rss\b[^>]{0,4000}>", re.IGNORECASE)


class TooLarge(ValueError):
    """The document has more tags, attributes or entities than any real feed; the message says how many of what."""


def parse(content: bytes) -> etree._Element:
    """Return the root element of a document, which is repaired if necessary.

    Raises:
        TooLarge: It has too many tags, attributes or entities.
        lxml.etree.XMLSyntaxError: It is not XML, or a feed without a readable item.
    """
    document = _as_utf8(content)
    for mark, most, what in _MOST:
        if document.count(mark) > most:
            raise TooLarge(f"{most:,} XML {what}")
    try:
        return etree.fromstring(document, _parser())
    except etree.XMLSyntaxError:
        text = repaired(_as_text(document))
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
    return _AMPERSAND.sub(_replaced, _FORBIDDEN.sub("", text).lstrip())


def _parser() -> etree.XMLParser:
    # No entities, no network and no huge trees, because the content is untrusted.
    return etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)


def _as_utf8(content: bytes) -> bytes:
    """Convert a document to UTF-8 without a declaration. Invalid bytes stay, and are decoded when it is repaired."""
    for start, codec in _WIDE:
        if content.startswith(start):
            content = content.decode(codec, "replace").encode("utf-8", "replace")
            break
    content = content.removeprefix(_BOM).lstrip()
    if (declaration := _DECLARATION.match(content)) is None:
        return content
    document = content[declaration.end() :].lstrip()
    declared = _ENCODING.search(declaration[0])
    try:
        codec = codecs.lookup(declared[1].decode()).name if declared else "utf-8"
    except (LookupError, UnicodeDecodeError):
        return document
    return document.decode(codec, "replace").encode() if _CODECS.fullmatch(codec) else document


def _as_text(document: bytes) -> str:
    """Decode a damaged document. Invalid bytes are read as Windows-1252; if there are very many, all are read as Latin-1."""
    if document.decode("utf-8", "replace").count("\ufffd") > _MOST_INVALID:
        return document.decode("latin-1")
    return document.decode("utf-8", _AS_CP1252)


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
