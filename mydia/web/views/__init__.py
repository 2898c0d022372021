"""Values that several pages show in the same way, and the look of each state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import msgspec


class StateLook(msgspec.Struct, frozen=True):
    """The label and look of a state on all pages."""

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
    "seeding": StateLook("Seeding", "ok", icon="arrow-up", rail="ok"),
    "partial": StateLook("Incomplete", "miss", icon="circle-dashed", rail="miss"),
    "missing": StateLook("Missing", "miss", icon="circle-dashed", rail="miss"),
    "upcoming": StateLook("Upcoming", "soon", icon="clock", rail="soon"),
    "pending": StateLook("Pending", "soon", icon="clock", rail="soon"),
    "approved": StateLook("Approved", "live", icon="check", rail="live"),
    "requested": StateLook("Requested", "soon", icon="hand-heart", rail="soon"),
    "declined": StateLook("Declined", "fail", icon="x", rail="fail"),
    "unmonitored": StateLook("Not monitored", "off", icon="eye-off", rail=""),
}
"""Key -> look; from ui.md B.5."""

TIERS: Mapping[str, int] = {"2160p": 4, "1080p": 3, "720p": 2, "576p": 1, "480p": 1, "SD": 1}
"""Resolution -> bars of the tier glyph."""


class Artwork(NamedTuple):
    """A picture as templates use it."""

    src: str | None
    """None: a tile with the title is shown instead."""
    srcset: str = ""
    color: str | None = None
    """The dominant colour, `#rrggbb`; shown until the picture is loaded."""


class Card(NamedTuple):
    """A title in a grid. A tuple, because a page has hundreds of them and they are the keys of a cache of rendered cards."""

    id: str
    href: str
    title: str
    year: int | None
    artwork: Artwork
    rail: tuple[tuple[str, float], ...] = ()
    """(pattern, per cent) of each segment, in order."""
    resolution: str | None = None
    meta: str = ""
    """Shown instead of the resolution, e.g. `21/24`."""
    note: str = ""
    """One word about the state, if needed."""
    note_tone: str = "ink-3"
    monitored: bool = True
    upgrade_wanted: bool = False
    label: str = ""
    """The link's name for screen readers: `Metropolis, 1927, available in 2160p`. If empty, the title is used."""


def tile_color(title: str) -> str:
    """Return a muted background colour for a title without artwork; a title always gets the same one."""
    hue = int.from_bytes(hashlib.sha256(title.encode()).digest()[:2]) % 360
    return f"oklch(36% 0.055 {hue})"
