# ruff: noqa: INP001  a build step, not a package
"""Draws the application's icons for phones from the logo's four spines. Run by hand when the logo changes."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

_STATIC = Path(__file__).parent.parent / "mydia" / "web" / "static"
_SPINES = (
    ((3.7, 5), (3.7, 19.6), "#efece7"),
    ((20.3, 5), (20.3, 19.6), "#efece7"),
    ((8.6, 5.6), (11, 15.4), "#efece7"),
    ((15.4, 5.6), (13, 15.4), "#65d9d9"),
)
_WIDTH = 3.4
_SMOOTH = 4


def draw(size: int, *, share: float) -> Image.Image:
    """Return the icon. `share` is the logo's part of the width: 0.6 keeps it inside every mask (W3C manifest: 80 % circle)."""
    full = size * _SMOOTH
    image = Image.new("RGB", (full, full), "#151311")
    pen = ImageDraw.Draw(image)
    scale = full * share / 24
    offset = full * (1 - share) / 2
    half = _WIDTH * scale / 2
    for start, end, color in _SPINES:
        points = [(x * scale + offset, y * scale + offset) for x, y in (start, end)]
        pen.line(points, fill=color, width=round(half * 2))
        for x, y in points:
            pen.ellipse((x - half, y - half, x + half, y + half), fill=color)
    return image.resize((size, size), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    draw(192, share=0.72).save(_STATIC / "icon-192.png", optimize=True)
    draw(512, share=0.72).save(_STATIC / "icon-512.png", optimize=True)
    draw(512, share=0.56).save(_STATIC / "icon-maskable-512.png", optimize=True)
