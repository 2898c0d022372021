"""Values that several pages show in the same way, and the one dictionary of states."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class StateLook:
    """How a state looks and is called, everywhere."""

    word: str
    chip: str
    """`ok live up miss soon fail off`."""
    icon: str
    rail: str
    """`ok live up miss soon fail hold wait`, or `""` for the bare track."""


STATES: Mapping[str, StateLook] = {
    "available": StateLook("Available", "ok", icon="check", rail="ok"),
    "upgradable": StateLook("Upgrade wanted", "up", icon="chevrons-up", rail="up"),
    "downloading": StateLook("Downloading", "live", icon="arrow-down", rail="live"),
    "importing": StateLook("Importing", "live", icon="folder-input", rail="live"),
    "queued": StateLook("Queued", "off", icon="clock", rail="wait"),
    "paused": StateLook("Paused", "off", icon="pause", rail="hold"),
    "stalled": StateLook("Stalled", "miss", icon="circle-pause", rail="hold"),
    "blocked": StateLook("Import blocked", "fail", icon="triangle-alert", rail="fail"),
    "failed": StateLook("Failed", "fail", icon="triangle-alert", rail="fail"),
    "seeding": StateLook("Sharing", "ok", icon="arrow-up", rail="ok"),
    "partial": StateLook("Incomplete", "miss", icon="circle-dashed", rail="miss"),
    "missing": StateLook("Missing", "miss", icon="circle-dashed", rail="miss"),
    "upcoming": StateLook("Upcoming", "soon", icon="clock", rail="soon"),
    "requested": StateLook("Requested", "soon", icon="hand-heart", rail="soon"),
    "declined": StateLook("Declined", "fail", icon="x", rail="fail"),
    "unmonitored": StateLook("Not monitored", "off", icon="eye-off", rail=""),
}
"""Key -> look; from ui.md B.5."""

TIERS: Mapping[str, int] = {"2160p": 4, "1080p": 3, "720p": 2, "576p": 1, "480p": 1, "SD": 1}
"""Resolution -> bars of the tier glyph."""


class Artwork(NamedTuple):
    """A picture as templates need it."""

    src: str | None
    """None: a tile with the title is set instead."""
    srcset: str = ""
    color: str | None = None
    """The dominant colour, `#rrggbb`; shown until the picture is there."""


class Card(NamedTuple):
    """A title in a grid. A tuple, because a page holds a hundred and recognises those it has drawn."""

    id: str
    href: str
    title: str
    year: int | None
    artwork: Artwork
    rail: tuple[tuple[str, float], ...] = ()
    """Pattern and per cent, in order."""
    resolution: str | None = None
    meta: str = ""
    """Instead of the resolution, e.g. `21/24`."""
    note: str = ""
    """One word when the state needs it."""
    note_tone: str = "ink-3"
    monitored: bool = True
    upgrade_wanted: bool = False
    label: str = ""
    """The link's name for screen readers: `Metropolis, 1927, available in 2160p`; the title when empty."""


def tile_color(title: str) -> str:
    """Return a quiet background for a title without artwork; the same title always gets the same one."""
    hue = int.from_bytes(hashlib.sha256(title.encode()).digest()[:2]) % 360
    return f"oklch(36% 0.055 {hue})"
