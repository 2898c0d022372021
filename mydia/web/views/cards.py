"""Titles of the library as cards and pictures, for all pages that show them."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from mydia.contexts import media
from mydia.contexts.metadata import Picture
from mydia.vocabulary import MediaType
from mydia.web.views import Artwork, Card

TVDB_PICTURES = "https://artworks.thetvdb.com"
"""The server of TheTVDB's pictures: TheTVDB gives whole addresses, TMDB only names."""
_WIDTHS = {"poster": (154, 342, 500), "backdrop": (780, 1280), "still": (320,)}
_NOTES = {
    "missing": ("Missing", "miss"),
    "upcoming": ("Upcoming", "soon"),
    "blocked": ("Blocked", "fail"),
    "downloading": ("Downloading", "live"),
    "unmonitored": ("Not monitored", "ink-3"),
}
_SAID = {
    "available": "available",
    "upgradable": "available, an upgrade is wanted",
    "partial": "partly available",
    "missing": "missing",
    "upcoming": "not out yet",
    "downloading": "downloading",
    "blocked": "import blocked",
    "unmonitored": "not monitored",
}
_RAILS = {
    "available": "ok",
    "upgradable": "up",
    "missing": "miss",
    "upcoming": "soon",
    "downloading": "live",
    "blocked": "fail",
    "unmonitored": "",
}


def artwork(picture: Picture | None, role: str = "poster") -> Artwork:
    """Return a picture with its sizes, or an empty one, which is shown as a tile."""
    if picture is None:
        return Artwork(None)
    widths = _WIDTHS[role]
    middle = widths[min(1, len(widths) - 1)]
    return Artwork(picture.url(middle), ", ".join(f"{picture.url(w)} {w}w" for w in widths), picture.color)


def preview(role: str, source: str | None) -> Artwork:
    """Return the picture of a title that is not in the library, by its provider path."""
    if source and source.startswith(TVDB_PICTURES):
        return Artwork(f"/img/preview/{role}/tvdb?{urlencode({'of': source.removeprefix(TVDB_PICTURES)})}")
    return Artwork(f"/img/preview/{role}{source}" if source and source.startswith("/") else None)


def resolution(height: int | None) -> str | None:
    """Return the label of a resolution: `2160p`."""
    return f"{height}p" if height else None


def rail_of(card: media.lists.Card) -> tuple[tuple[str, float], ...]:
    """Return the state of a title: for a series, how many of its episodes are available."""
    if card.type == MediaType.TV_SHOW and card.episodes_total and card.state != "blocked":
        held = 100 * min(card.episodes_held, card.episodes_total) / card.episodes_total
        kind = "up" if card.upgradable else "ok"
        rest = "live" if card.state == "downloading" else ("miss" if card.monitored else "")
        return ((kind, held), (rest, 100 - held)) if rest else ((kind, held),)
    kind = _RAILS.get(card.state, "")
    return ((kind, 100.0),) if kind else ()


def card(item: media.lists.Card) -> Card:
    """Return a title as a card of the grid."""
    show = item.type == MediaType.TV_SHOW
    note, tone = _NOTES.get(item.state, ("", "ink-3"))
    said = [item.title, str(item.year or ""), _SAID.get(item.state, "")]
    if item.best_resolution:
        said[2] += f" in {item.best_resolution}p"
    return Card(
        id=item.id,
        href=f"/{'shows' if show else 'movies'}/{item.id}",
        title=item.title,
        year=item.year,
        artwork=artwork(item.poster),
        rail=rail_of(item),
        resolution=resolution(item.best_resolution),
        meta=f"{item.episodes_held}/{item.episodes_total}" if show and item.episodes_total else "",
        note="" if item.state == "upgradable" else note,
        note_tone=tone,
        monitored=item.monitored or item.files_count > 0,
        upgrade_wanted=item.state == "upgradable",
        label=", ".join(part for part in said if part),
    )


def cards(items: Iterable[media.lists.Card]) -> tuple[Card, ...]:
    """Return titles as cards of the grid."""
    return tuple(card(item) for item in items)
