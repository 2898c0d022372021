"""Decode untrusted pictures within limits and encode them in the widths that pages need."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from mydia.adapters.errors import Limited, Nonsense

if TYPE_CHECKING:
    from PIL import Image as Pillow

_SERVICE = "Artwork"
MAX_PIXELS = 16_000_000
"""64 MB when decoded. The largest pictures in the catalogues are 3840 x 2160, 8.3 million pixels."""
_MAX_RATIO = 25
"""Longer side divided by shorter side. The widest logos are about 15:1."""
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_WEBP_QUALITY = 78  # Source: reference/ui.md D.4
_AT_ONCE = 2
_PATIENCE_S = 5.0
_decoding = threading.BoundedSemaphore(_AT_ONCE)


class Encoded(msgspec.Struct, frozen=True, kw_only=True):
    """A picture as WebP."""

    width: int
    """Width of the original in pixels."""
    height: int
    color: str
    """The average colour, `#rrggbb`."""
    by_width: dict[int, bytes]
    """Requested width -> file content. Narrower pictures are not enlarged."""


def encode(content: bytes, widths: Sequence[int], *, transparent: bool = False) -> Encoded:
    """Decode a picture and encode it in several widths.

    A process decodes at most two pictures at a time, so that many requests cannot exhaust its memory.

    Args:
        widths: In pixels.
        transparent: Keep an alpha channel, for logos.

    Raises:
        Nonsense: It is not a picture, or its dimensions are absurd.
        Limited: Too many pictures are being decoded; try again in a few seconds.
    """
    with _turn():
        try:
            return _encoded(content, widths, transparent=transparent)
        except Nonsense:
            raise
        except MemoryError as error:
            raise Limited(_SERVICE, "is out of memory", retry_after_s=60) from error
        except Exception as error:
            # For damaged files the codecs raise many kinds of errors: SyntaxError, struct.error, IndexError, ZeroDivisionError.
            raise Nonsense(_SERVICE, "sent something that is not a picture") from error


@contextmanager
def _turn() -> Iterator[None]:
    if not _decoding.acquire(timeout=_PATIENCE_S):
        raise Limited(_SERVICE, "is busy decoding other pictures", retry_after_s=_PATIENCE_S)
    try:
        yield
    finally:
        _decoding.release()


def _encoded(content: bytes, widths: Sequence[int], *, transparent: bool) -> Encoded:
    from PIL import Image as Pillow

    with Pillow.open(io.BytesIO(content), formats=_FORMATS) as opened:
        width, height = opened.size
        _check(width, height)
        # A JPEG can be decoded at a half, a quarter or an eighth of its size, which takes a fraction of the memory.
        opened.draft("RGB", (max(widths), max(1, height * max(widths) // width)))
        picture = opened.convert("RGBA" if transparent else "RGB")
    made = {wanted: _webp(_narrowed(picture, wanted)) for wanted in widths}
    red, green, blue = picture.convert("RGB").resize((1, 1), Pillow.Resampling.BOX).tobytes()
    return Encoded(width=width, height=height, color=f"#{red:02x}{green:02x}{blue:02x}", by_width=made)


def _check(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise Nonsense(_SERVICE, f"sent a picture of {width} x {height} pixels, which is too large")
    if min(width, height) < 1 or max(width, height) > min(width, height) * _MAX_RATIO:
        raise Nonsense(_SERVICE, f"sent a picture of {width} x {height} pixels, which is too narrow for artwork")


def _narrowed(picture: Pillow.Image, width: int) -> Pillow.Image:
    from PIL import Image as Pillow

    if width >= picture.width:
        return picture
    return picture.resize((width, max(1, round(picture.height * width / picture.width))), Pillow.Resampling.LANCZOS)


def _webp(picture: Pillow.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=_WEBP_QUALITY, method=4)
    return out.getvalue()
