"""Download clients: what hands a release to qBittorrent and its peers, and tells how it fares."""

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


# Products are imported when first used: qbittorrent-api alone takes 130 ms to import, which no page should wait for.
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


KINDS: Mapping[str, Kind[DownloadClient]] = {
    "qbittorrent": Kind(
        key="qbittorrent",
        label="qBittorrent",
        protocol="torrent",
        make=_qbittorrent,
        default_url="http://localhost:8080",
        needs=(
            Need("url", "Address", "url", required=True, help="As in the browser, with a sub-path if there is one."),
            Need("username", "User name", help="Leave empty if the Web UI lets Mydia in without signing in."),
            Need("secret", "Password or API key", "password", help="An API key of qBittorrent 5.2 begins with qbt_."),
            Need("category", "Category", default="mydia", help="Mydia only looks after downloads of this category."),
            Need("save_path", "Save folder", help="As the client sees it; empty means the client's own default."),
            Need("verify_certificate", "Check the HTTPS certificate", "checkbox", default=True),
        ),
    ),
    "transmission": Kind(
        key="transmission",
        label="Transmission",
        protocol="torrent",
        make=_transmission,
        default_url="http://localhost:9091",
        needs=(
            Need("url", "Address", "url", required=True, help="/transmission/rpc is added unless it ends with it."),
            Need("username", "User name"),
            Need("secret", "Password", "password"),
            Need("category", "Label", default="mydia", help="Mydia only looks after downloads with this label."),
            Need("save_path", "Save folder", help="As the client sees it; empty means the client's own default."),
            Need("verify_certificate", "Check the HTTPS certificate", "checkbox", default=True),
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
            Need("category", "Category", default="mydia", help="It must exist there."),
            Need("verify_certificate", "Check the HTTPS certificate", "checkbox", default=True),
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
            Need("username", "User name"),
            Need("secret", "Password", "password"),
            Need("category", "Category", default="mydia", help="It must exist there."),
            Need("verify_certificate", "Check the HTTPS certificate", "checkbox", default=True),
        ),
    ),
}
