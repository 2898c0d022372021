"""Videos that ffmpeg cannot make: HDR10+ and Dolby Vision pictures, and TrueHD sound with Atmos.

Only the marks are written by which a file is recognised: the dynamic metadata of HDR10+ (SMPTE ST 2094-40) before each picture,
the configuration record of Dolby Vision, and the flag of the 16-channel presentation of TrueHD.
"""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.fakes.videos import FFMPEG, MISSING, Video, make_video

_RATE = 12
_SAMPLE_ENTRY_BYTES = {b"stsd": 8, b"hev1": 78}
"""Box -> bytes between its head and the boxes in it. Source: ISO/IEC 14496-12, 8.5.2 and 12.1.3."""
_PATH = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"hev1")
_MAJOR_SYNC = b"\xf8\x72\x6f\xba"
"""Of TrueHD; byte 17 after it holds the flags of the presentations, the highest one for 16 channels."""


def make_hdr10_plus(path: Path) -> Path:
    """Create an HDR10+ video."""
    plain = make_video(path.with_name("plain.mkv"), Video(640, 360, 3, codec="h265", hdr="HDR10", audio=(), rate=_RATE))
    stream, marked, timed = (path.with_name(name) for name in ("plain.hevc", "marked.hevc", "marked.mp4"))
    _ffmpeg("-i", plain, "-c", "copy", "-bsf:v", "hevc_mp4toannexb", "-f", "hevc", stream)
    units = re.split(rb"(?=\x00\x00\x00\x01)|(?<!\x00)(?=\x00\x00\x01)", stream.read_bytes())
    pictures = (b"".join((_metadata(), unit)) if unit and _unit_kind(unit) <= 31 else unit for unit in units)
    marked.write_bytes(b"".join(pictures))
    # A bare stream has no times; MP4 makes them up from the rate.
    _ffmpeg("-r", _RATE, "-i", marked, "-c", "copy", timed)
    _ffmpeg("-i", timed, "-c", "copy", path)
    return path


def make_dolby_vision(path: Path, profile: int, compatible: int, *, hdr: str) -> Path:
    """Create a Dolby Vision video.

    Args:
        profile: 5 (no base layer for others), 7 (of discs) or 8.
        compatible: What the base layer is: 0 nothing, 1 HDR10, 4 HLG, 6 Blu-ray.
        hdr: `HDR10` or `HLG`: how the base layer is encoded.
    """
    plain = make_video(path.with_name("plain.mp4"), Video(640, 360, 3, codec="h265", hdr=hdr, audio=(), rate=_RATE))
    # Version 1.0, level 1, with metadata and base layer. Source: Dolby Vision streams within the ISO base media file format.
    record = struct.pack(">BBHB", 1, 0, profile << 9 | 1 << 3 | 0b101, compatible << 4) + bytes(19)
    box = struct.pack(">I", 8 + len(record)) + (b"dvvC" if profile > 7 else b"dvcC") + record
    marked = path.with_name("marked.mp4")
    marked.write_bytes(_with_box(plain.read_bytes(), box))
    _ffmpeg("-i", marked, "-c", "copy", "-strict", "unofficial", path)
    return path


def make_atmos(path: Path) -> Path:
    """Create a Matroska video with TrueHD sound and Atmos."""
    plain = make_video(path.with_name("plain.mkv"), Video(320, 240, 2, audio=(("truehd", "5.1", "eng"),)))
    content = bytearray(plain.read_bytes())
    for found in re.finditer(re.escape(_MAJOR_SYNC), bytes(content)):
        content[found.start() + 17] |= 0x80
    path.write_bytes(content)
    return path


def _ffmpeg(*arguments: object) -> None:
    assert FFMPEG, MISSING
    subprocess.run(
        [FFMPEG, "-v", "error", "-y", *map(str, arguments)], check=True, stdin=subprocess.DEVNULL, timeout=60
    )


def _unit_kind(unit: bytes) -> int:
    return unit[unit.index(1) + 1] >> 1 & 63


def _metadata() -> bytes:
    """Return the SEI message of HDR10+ for one window. Source: CTA-861.4, annex S."""
    numbers = [(1, 2), (1000, 27), (0, 1), *[(5000, 17)] * 3, (3000, 17), (9, 4)]
    for percent in (1, 5, 10, 25, 50, 75, 90, 95, 99):
        numbers += [(percent, 7), (percent * 100, 17)]
    numbers += [(0, 10), (0, 1), (0, 1), (0, 1)]
    bits = "".join(f"{number:0{width}b}" for number, width in numbers)
    bits += "0" * (-len(bits) % 8)
    # Country USA, provider Samsung, application 4, version 1.
    payload = bytes.fromhex("b5003c00010401") + int(bits, 2).to_bytes(len(bits) // 8)
    message = bytes([4, len(payload)]) + payload + b"\x80"
    # Two zero bytes must not be followed by a small one.
    escaped = re.sub(rb"\x00\x00(?=[\x00-\x03])", lambda _: b"\0\0\3", message)
    return b"\0\0\0\1" + bytes([39 << 1, 1]) + escaped


def _boxes(content: bytes, start: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    while start < end:
        (size,) = struct.unpack_from(">I", content, start)
        yield start, size, content[start + 4 : start + 8]
        start += size


def _with_box(content: bytes, box: bytes) -> bytes:
    """Return an MP4 file with one more box in its video's sample entry. The index is after the media, so no offset changes."""
    enclosing: list[int] = []
    start, end = 0, len(content)
    for name in _PATH:
        place, size = next((place, size) for place, size, kind in _boxes(content, start, end) if kind == name)
        enclosing.append(place)
        start, end = place + 8 + _SAMPLE_ENTRY_BYTES.get(name, 0), place + size
    grown = bytearray(content[:end] + box + content[end:])
    for place in enclosing:
        struct.pack_into(">I", grown, place, struct.unpack_from(">I", content, place)[0] + len(box))
    return bytes(grown)
