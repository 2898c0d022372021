"""Download clients such as qBittorrent: send releases to them and report progress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mydia.adapters.download_clients.base import (
    ClientReport,
    DownloadClient,
    NewDownload,
    RemoteDownload,
    RemoteFile,
    RemoteState,
)
from mydia.adapters.kinds import Connection, Kind, Need

if TYPE_CHECKING:
    from mydia.adapters.http import Http

__all__ = [
    "KINDS",
    "ClientReport",
    "DownloadClient",
    "NewDownload",
    "RemoteDownload",
    "RemoteFile",
    "RemoteState",
]


# Products are imported on first use: qbittorrent-api alone takes 130 ms to import.
def _qbittorrent(connection: Connection, http: Http) -> DownloadClient:
    from mydia.adapters.download_clients.qbittorrent import QBittorrent

    return QBittorrent(connection, http)


def _transmission(connection: Connection, http: Http) -> DownloadClient:
    from mydia.adapters.download_clients.transmission import Transmission

    return Transmission(connection, http)


def _sabnzbd(connection: Connection, http: Http) -> DownloadClient:
    from mydia.adapters.download_clients.sabnzbd import Sabnzbd

    return Sabnzbd(connection, http)


def _nzbget(connection: Connection, http: Http) -> DownloadClient:
    from mydia.adapters.download_clients.nzbget import NzbGet

    return NzbGet(connection, http)


def _categories(word: str, help: str = "") -> tuple[Need, ...]:
    label = word.capitalize()
    return (
        Need("category", label, default="mydia", help=f"Mydia only manages downloads with this {word}. {help}".strip()),
        Need("movies_category", f"{label} for movies", help=f"Leave empty for the {word} above. {help}".strip()),
        Need("series_category", f"{label} for shows", help=f"Leave empty for the {word} above. {help}".strip()),
    )


_SAVE_PATH = Need("save_path", "Save folder", help="As the client sees it. Leave empty for the client's default.")
_SHARED = (
    Need(
        "remove_completed",
        "Remove completed downloads",
        "checkbox",
        default=False,
        help="After the import, once the seeding goals are reached. Only downloads that Mydia added are removed.",
    ),
    Need("verify_certificate", "Verify the HTTPS certificate", "checkbox", default=True),
)

KINDS: Mapping[str, Kind[DownloadClient]] = {
    "qbittorrent": Kind(
        key="qbittorrent",
        label="qBittorrent",
        protocol="torrent",
        make=_qbittorrent,
        default_url="http://localhost:8080",
        needs=(
            Need("url", "Address", "url", required=True, help="As in the browser, with a sub-path if there is one."),
            Need("username", "Username", help="Leave empty if the Web UI needs no sign-in."),
            Need("secret", "Password or API key", "password", help="API keys of qBittorrent 5.2 start with qbt_."),
            *_categories("category"),
            _SAVE_PATH,
            *_SHARED,
        ),
    ),
    "transmission": Kind(
        key="transmission",
        label="Transmission",
        protocol="torrent",
        make=_transmission,
        default_url="http://localhost:9091",
        needs=(
            Need("url", "Address", "url", required=True, help="/transmission/rpc is added if it is missing."),
            Need("username", "Username"),
            Need("secret", "Password", "password"),
            *_categories("label"),
            _SAVE_PATH,
            *_SHARED,
        ),
    ),
    "sabnzbd": Kind(
        key="sabnzbd",
        label="SABnzbd",
        protocol="usenet",
        make=_sabnzbd,
        default_url="http://localhost:8080/sabnzbd",
        needs=(
            Need("url", "Address", "url", required=True, help="As in the browser, usually ending with /sabnzbd."),
            Need("secret", "API key", "password", required=True),
            *_categories("category", "It must already exist in the client."),
            *_SHARED,
        ),
    ),
    "nzbget": Kind(
        key="nzbget",
        label="NZBGet",
        protocol="usenet",
        make=_nzbget,
        default_url="http://localhost:6789",
        needs=(
            Need("url", "Address", "url", required=True),
            Need("username", "Username"),
            Need("secret", "Password", "password"),
            *_categories("category", "It must already exist in the client."),
            *_SHARED,
        ),
    ),
}
