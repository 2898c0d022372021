"""Compress answers, and the part of a page that stays the same only once.

A page differs each time by its form token, but its first posters, most of its size, stay as they are until the library changes. They
are compressed on their own and the result is put between the compressed rest: a gzip stream may consist of blocks that do not refer to
each other.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections import OrderedDict

_LEVEL = 4
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Of a gzip file without a name and a time. Source: RFC 1952, 2.3."""
_END = zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS).flush()
"""An empty last block."""
_BEGINS, _ENDS = b'<section class="vchunk"', b"</section>"
"""Around the posters of a list's first chunk."""
_WORTH_KEEPING_BYTES = 8 * 1024
_KEPT_BYTES = 4 * 1024 * 1024


class Compressor:
    """Compresses bodies and keeps compressed parts. Used by one thread, that of the event loop.

    Args:
        kept_bytes: The size of all that is kept, before and after compression; the longest unused part is dropped first.
    """

    def __init__(self, kept_bytes: int = _KEPT_BYTES) -> None:
        self._most = kept_bytes
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self.bytes = 0
        self.hits = 0
        """How often a kept part was used."""

    def gzip(self, body: bytes, *, repeated: bool = False) -> bytes:
        """Return a body as a gzip file.

        Args:
            repeated: The same body will be sent again, so all of it is kept.
        """
        begins, ends = (0, len(body)) if repeated else _repeated_part(body)
        if ends - begins < _WORTH_KEEPING_BYTES:
            return gzip.compress(body, _LEVEL, mtime=0)
        before, after = body[:begins], body[ends:]
        parts = (_block(before), self._of(body[begins:ends]), _block(after), _END)
        return b"".join((_HEADER, *parts, struct.pack("<II", zlib.crc32(body), len(body) & 0xFFFFFFFF)))

    def _of(self, part: bytes) -> bytes:
        found = self._kept.get(part)
        if found is not None:
            self._kept.move_to_end(part)
            self.hits += 1
            return found
        made = _block(part)
        self._kept[part] = made
        self.bytes += len(part) + len(made)
        while self.bytes > self._most:
            old, packed = self._kept.popitem(last=False)
            self.bytes -= len(old) + len(packed)
        return made


def _repeated_part(body: bytes) -> tuple[int, int]:
    """Return where the part that stays the same begins and ends; an empty range if there is none."""
    begins = body.find(_BEGINS)
    ends = body.find(_ENDS, begins) if begins >= 0 else -1
    return (begins, ends + len(_ENDS)) if ends >= 0 else (0, 0)


def _block(part: bytes) -> bytes:
    """Return compressed data that neither refers to what comes before it nor ends the stream."""
    if not part:
        return b""
    made = zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS)
    return made.compress(part) + made.flush(zlib.Z_FULL_FLUSH)
