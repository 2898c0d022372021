"""Parse .torrent files and magnet links: info-hashes and files.

The info-hash is always computed here, because clients identify a torrent by it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from html import unescape
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from mydia.errors import Invalid

type Bencoded = int | bytes | list[Bencoded] | dict[bytes, Bencoded]

_MAX_DEPTH = 64
_MOST_VALUES = 500_000
"""Values of a .torrent file; a file in it takes about eight. 12 MB of empty lists take 370 MiB."""
_HEX_40 = re.compile(r"[0-9a-fA-F]{40}")


class TorrentFile(msgspec.Struct, frozen=True):
    """A file in a torrent; `path` starts with the torrent's name if there are several files."""

    path: str
    size_bytes: int


class Torrent(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a .torrent file."""

    info_hashes: tuple[str, ...]
    """Lower-case hex, 40 digits each: version 1 (BEP 3) first, then version 2 (BEP 52) cut to 20 bytes. A hybrid has
    both, and which of them a client uses as its id depends on the library it was built with."""
    name: str
    files: tuple[TorrentFile, ...]
    private: bool = False
    trackers: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Return the size of all files."""
        return sum(file.size_bytes for file in self.files)


def read_torrent(content: bytes) -> Torrent:
    """Parse a .torrent file.

    Raises:
        Invalid: It is not a valid .torrent file.
    """
    if not content.startswith(b"d"):
        raise Invalid("This is not a torrent file.")
    reader = _Reader(content)
    try:
        meta, end = reader.read(0, 0)
    except (ValueError, IndexError) as error:
        raise Invalid("The torrent file is damaged.") from error
    info = meta.get(b"info") if isinstance(meta, dict) else None
    if not isinstance(meta, dict) or not isinstance(info, dict) or end > len(content):
        raise Invalid("The torrent file has no info dictionary.")
    start, stop = reader.spans[b"info"]
    raw_info = content[start:stop]
    hashes: list[str] = []
    if b"pieces" in info:
        hashes.append(hashlib.sha1(raw_info, usedforsecurity=False).hexdigest())
    if info.get(b"meta version") == 2:
        hashes.append(hashlib.sha256(raw_info).hexdigest()[:40])
    files = _files(info)
    if not hashes or not files:
        raise Invalid("The torrent file has no pieces or no files.")
    return Torrent(
        info_hashes=tuple(hashes),
        name=_text(info, b"name"),
        files=files,
        private=info.get(b"private") == 1,
        trackers=_trackers(meta),
    )


def magnet_hashes(link: str) -> tuple[str, ...]:
    """Return the info-hashes of a magnet link, as in `Torrent.info_hashes`.

    >>> magnet_hashes("magnet:?xt=urn:btih:AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT&dn=x")
    ('000102030405060708090a0b0c0d0e0f10111213',)

    Raises:
        Invalid: It is not a magnet link, or not one for BitTorrent.
    """
    link = unescape(link.strip())
    if not link.lower().startswith("magnet:?"):
        raise Invalid("This is not a magnet link.")
    first: list[str] = []
    second: list[str] = []
    for key, values in parse_qs(urlsplit(link).query).items():
        if key == "xt" or re.fullmatch(r"xt\.\d+", key):
            for topic in values:
                _, _, rest = topic.partition("urn:")
                scheme, _, digest = rest.partition(":")
                if scheme.lower() == "btih" and (found := _btih(digest)):
                    first.append(found)
                elif scheme.lower() == "btmh" and digest.lower().startswith("1220") and len(digest) == 68:
                    # A multihash: 0x12 for SHA-256, 0x20 for its 32 bytes (BEP 52).
                    second.append(digest[4:44].lower())
    if not first and not second:
        raise Invalid("The magnet link has no BitTorrent info-hash.")
    return tuple(dict.fromkeys(first + second))


def magnet_for(info_hash: str, name: str, trackers: tuple[str, ...] = ()) -> str:
    """Return a magnet link for a version 1 info-hash in hex."""
    parts = [f"magnet:?xt=urn:btih:{info_hash}", f"dn={quote(name)}", *(f"tr={quote(t, safe='')}" for t in trackers)]
    return "&".join(parts)


def encode(value: Bencoded | str) -> bytes:
    """Encode a value in bencode; keys are sorted, as the format requires.

    >>> encode({b"b": 1, b"a": [b"x"]})
    b'd1:al1:xe1:bi1ee'
    """
    match value:
        case int():
            return b"i%de" % value
        case str():
            return encode(value.encode())
        case bytes():
            return b"%d:%s" % (len(value), value)
        case list():
            return b"l" + b"".join(encode(item) for item in value) + b"e"
        case _:
            return b"d" + b"".join(encode(key) + encode(value[key]) for key in sorted(value)) + b"e"


class _Reader:
    """Decodes bencode, up to a number of values."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._left = _MOST_VALUES
        self.spans: dict[bytes, tuple[int, int]] = {}
        """Key of the outermost dictionary -> start and end of its value."""

    def read(self, at: int, depth: int) -> tuple[Bencoded, int]:
        """Return the value at a position and the position after it."""
        content = self._content
        self._left -= 1
        if depth > _MAX_DEPTH or self._left < 0:
            raise ValueError("nested too deep, or too many values")
        match content[at : at + 1]:
            case b"i":
                end = content.index(b"e", at)
                return int(content[at + 1 : end]), end + 1
            case b"l":
                items: list[Bencoded] = []
                at += 1
                while content[at : at + 1] != b"e":
                    item, at = self.read(at, depth + 1)
                    items.append(item)
                return items, at + 1
            case b"d":
                table: dict[bytes, Bencoded] = {}
                at += 1
                while content[at : at + 1] != b"e":
                    key, start = self.read(at, depth + 1)
                    if not isinstance(key, bytes):
                        raise ValueError("a key that is no text")  # damage, not a wrong call
                    table[key], at = self.read(start, depth + 1)
                    if depth == 0:
                        self.spans[key] = (start, at)
                return table, at + 1
            case digit if digit.isdigit():
                colon = content.index(b":", at, at + 12)
                end = colon + 1 + int(content[at:colon])
                if end > len(content):
                    raise ValueError("cut short")
                return content[colon + 1 : end], end
            case _:
                raise ValueError("not bencoded")


def _files(info: dict[bytes, Bencoded]) -> tuple[TorrentFile, ...]:
    name = _text(info, b"name")
    length = info.get(b"length")
    if isinstance(length, int):
        return (TorrentFile(name, length),)
    listed = info.get(b"files")
    if isinstance(listed, list):
        return tuple(
            TorrentFile("/".join([name, *(_readable(part) for part in path)]), size)
            for file in listed
            if isinstance(file, dict)
            and isinstance(path := file.get(b"path.utf-8", file.get(b"path")), list)
            and isinstance(size := file.get(b"length"), int)
            and b"p" not in _attributes(file)
        )
    tree = info.get(b"file tree")
    if isinstance(tree, dict):
        found = tuple(_tree(tree, ()))
        # BEP 52: a single file is a tree with one entry of the torrent's own name.
        single = len(found) == 1 and found[0].path == name
        return found if single else tuple(TorrentFile(f"{name}/{file.path}", file.size_bytes) for file in found)
    return ()


def _tree(tree: dict[bytes, Bencoded], above: tuple[str, ...]) -> list[TorrentFile]:
    found: list[TorrentFile] = []
    for key, value in tree.items():
        if not isinstance(value, dict):
            continue
        if key == b"":
            size = value.get(b"length")
            if isinstance(size, int):
                found.append(TorrentFile("/".join(above), size))
        else:
            found += _tree(value, (*above, _readable(key)))
    return found


def _attributes(file: dict[bytes, Bencoded]) -> bytes:
    attributes = file.get(b"attr")
    return attributes if isinstance(attributes, bytes) else b""


def _trackers(meta: dict[bytes, Bencoded]) -> tuple[str, ...]:
    found: list[str] = []
    tiers = meta.get(b"announce-list")
    for tier in tiers if isinstance(tiers, list) else []:
        found += [_readable(tracker) for tracker in tier] if isinstance(tier, list) else []
    if isinstance(announce := meta.get(b"announce"), bytes):
        found.append(_readable(announce))
    return tuple(dict.fromkeys(found))


def _text(table: dict[bytes, Bencoded], key: bytes) -> str:
    return _readable(table.get(key + b".utf-8", table.get(key, b"")))


def _readable(value: Bencoded) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def _btih(digest: str) -> str | None:
    if _HEX_40.fullmatch(digest):
        return digest.lower()
    if len(digest) == 32:
        try:
            return base64.b32decode(digest.upper()).hex()
        except binascii.Error:
            return None
    return None
