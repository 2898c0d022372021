"""Transmission 3.0 and later, through its RPC.

It uses the older form of the RPC (kebab-case methods in `arguments`), which all versions support, including 4.1.
Source: `docs/rpc-spec.md` of the project.

Options of a connection: `category` (a label), `save_path` (as the client sees it), `verify_certificate` (default true).
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from mydia.adapters.download_clients.base import (
    ClientReport,
    NewDownload,
    RemoteDownload,
    RemoteFile,
    RemoteFiles,
    RemoteState,
)
from mydia.adapters.errors import Nonsense, Refused, Unreachable
from mydia.adapters.http import Http, fault
from mydia.adapters.kinds import Connection
from mydia.adapters.torrents import magnet_hashes, read_torrent
from mydia.errors import Invalid

logger = logging.getLogger(__name__)

_SESSION = "X-Transmission-Session-Id"
_LABELS_SINCE = 16  # the first RPC version with labels (Transmission 3.0). Source: rpc-spec.md
_LOCAL_ERROR = 3  # `error`: 1 and 2 are tracker errors, 3 is a local error
_FIELDS = [
    "hashString", "name", "status", "error", "errorString", "isStalled", "percentDone", "metadataPercentComplete",
    "totalSize", "sizeWhenDone", "leftUntilDone", "haveValid", "rateDownload", "rateUpload", "eta", "uploadRatio",
    "secondsSeeding", "labels", "downloadDir", "addedDate", "doneDate", "peersConnected", "trackerStats",
]  # fmt: skip
_STOPPED, _CHECK_QUEUED, _CHECKING, _QUEUED, _DOWNLOADING = range(5)

# An alias, because inside the class `list` is the method.
type _Downloads = list[RemoteDownload]
type _Rows = list[Mapping[str, Any]]


class Transmission:
    """A Transmission daemon."""

    def __init__(self, connection: Connection, http: Http) -> None:
        self.connection = connection
        self._http = http
        self._lock = threading.Lock()
        self._session_id = ""
        path = urlsplit(connection.url).path.rstrip("/")
        missing = "" if path.endswith("/rpc") else "/rpc" if path.endswith("/transmission") else "/transmission/rpc"
        self._url = connection.url.rstrip("/") + missing

    def test(self) -> ClientReport:
        """Sign in and read version, folder and problematic settings."""
        session = self._call("session-get")
        folder = str(session.get("download-dir") or "") or None
        free = self._call("free-space", {"path": folder}) if folder else {}
        too_old = (_whole(session.get("rpc-version")) or 0) < _LABELS_SINCE
        return ClientReport(
            version=str(session.get("version", "")).partition(" ")[0],
            api_version=str(session.get("rpc-version", "")) or None,
            save_path=folder,
            free_bytes=_whole(free.get("size-bytes")),
            notes=("This version of Transmission does not support labels. Use 3.0 or later.",) if too_old else (),
        )

    def find(self, download: NewDownload) -> RemoteDownload | None:
        """Return the torrent if Transmission already has it, under any of its info-hashes."""
        rows = self._torrents({"ids": list(_hashes(download)), "fields": _FIELDS})
        return next((remote for row in rows if (remote := self._remote(row)) is not None), None)

    def add(self, download: NewDownload) -> str:
        """Add a magnet link or .torrent file and return its info-hash; the same one if it already exists."""
        _hashes(download)
        wanted: dict[str, object] = {"paused": download.paused}
        if download.magnet:
            wanted["filename"] = download.magnet
        else:
            wanted["metainfo"] = base64.b64encode(download.content or b"").decode()
        if folder := download.save_path or self._option("save_path"):
            wanted["download-dir"] = folder
        answer = self._call("torrent-add", wanted)
        if isinstance(known := answer.get("torrent-duplicate"), Mapping):
            return str(known.get("hashString", "")).lower()
        added = answer.get("torrent-added")
        if not isinstance(added, Mapping) or not added.get("hashString"):
            raise Nonsense(self.connection.name, "accepted the torrent but did not return its id")
        ref = str(added["hashString"]).lower()
        self._set_up(ref, download)
        return ref

    def list(self, *, category: str | None = None) -> _Downloads:
        """Return all torrents, or those with the category as a label."""
        rows = self._torrents({"fields": _FIELDS})
        found = [remote for row in rows if (remote := self._remote(row)) is not None]
        return [remote for remote in found if category is None or category in remote.categories]

    def get(self, ref: str) -> RemoteDownload | None:
        """Return one torrent, or None if Transmission answered and does not have it."""
        rows = self._torrents({"ids": [ref], "fields": _FIELDS})
        return self._remote(rows[0]) if rows else None

    def files(self, ref: str) -> RemoteFiles:
        """Return the files of a torrent; empty until a magnet's metadata has arrived, or if the torrent is gone."""
        rows = self._torrents({"ids": [ref], "fields": ["files", "fileStats"]})
        if not rows:
            return []
        files, stats = rows[0].get("files") or [], rows[0].get("fileStats") or []
        return [
            RemoteFile(
                path=str(file.get("name", "")),
                size_bytes=(size := _whole(file.get("length")) or 0),
                progress=(_whole(file.get("bytesCompleted")) or 0) / size if size else 1.0,
                wanted=bool(stat.get("wanted", True)),
            )
            for file, stat in zip(files, stats, strict=False)
        ]

    def pause(self, ref: str) -> None:
        """Pause a torrent."""
        self._call("torrent-stop", {"ids": [ref]})

    def resume(self, ref: str) -> None:
        """Resume a paused torrent."""
        self._call("torrent-start", {"ids": [ref]})

    def remove(self, ref: str, *, delete_files: bool) -> None:
        """Remove a torrent. Removing one that does not exist is not an error."""
        self._call("torrent-remove", {"ids": [ref], "delete-local-data": delete_files})

    def _option(self, key: str) -> str | None:
        value = self.connection.options.get(key)
        return str(value) if value else None

    def _set_up(self, ref: str, download: NewDownload) -> None:
        """Set labels and goals, which can only be set while adding since RPC 17, or not at all."""
        settings: dict[str, object] = {}
        category = download.category or self._option("category")
        if labels := [*([category] if category else []), *download.tags]:
            settings["labels"] = labels
        if download.seed_ratio is not None:
            settings |= {"seedRatioLimit": download.seed_ratio, "seedRatioMode": 1}
        if download.seed_time_min is not None:
            # Transmission only limits idle seeding time, which is the closest option.
            settings |= {"seedIdleLimit": download.seed_time_min, "seedIdleMode": 1}
        if settings:
            self._call("torrent-set", {"ids": [ref], **settings})

    def _remote(self, row: Mapping[str, Any]) -> RemoteDownload | None:
        """Translate a row; None if it has no hash or status, so that it does not hide the others."""
        ref = str(row.get("hashString") or "").lower()
        if not ref or not isinstance(row.get("status"), int):
            logger.warning("torrent without hash or status skipped", extra={"client": self.connection.name})
            return None
        name, folder = str(row.get("name", "")), str(row.get("downloadDir") or "").rstrip("/")
        has_metadata = row.get("metadataPercentComplete", 1) == 1 and bool(row.get("totalSize"))
        trackers = row.get("trackerStats") or []
        done = row.get("leftUntilDone") == 0 and has_metadata
        return RemoteDownload(
            ref=ref,
            name=name,
            state=_state(row, has_metadata=has_metadata, done=done),
            progress=min(1.0, max(0.0, float(row.get("percentDone") or 0))) if has_metadata else 0.0,
            size_bytes=_whole(row.get("sizeWhenDone")) or None,
            downloaded_bytes=_whole(row.get("haveValid")),
            speed_bytes_per_s=_whole(row.get("rateDownload")),
            upload_bytes_per_s=_whole(row.get("rateUpload")),
            # -1 is unknown, -2 not available.
            eta_s=_whole(row.get("eta")),
            ratio=ratio if isinstance(ratio := row.get("uploadRatio"), int | float) and ratio >= 0 else None,
            seeding_time_s=_whole(row.get("secondsSeeding")),
            seeders=max((_whole(t.get("seederCount")) or 0 for t in trackers), default=None),
            peers=max((_whole(t.get("leecherCount")) or 0 for t in trackers), default=None),
            categories=tuple(str(label) for label in row.get("labels") or () if label),
            info_hashes=(ref,),
            output_path=f"{folder}/{name}" if has_metadata and folder else None,
            save_path=folder if has_metadata and folder else None,
            message=str(row.get("errorString") or "") or None,
            added_at=_instant(row.get("addedDate")),
            completed_at=_instant(row.get("doneDate")) if done else None,
        )

    def _torrents(self, arguments: Mapping[str, object]) -> _Rows:
        rows = self._call("torrent-get", arguments).get("torrents")
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            raise Nonsense(self.connection.name, "did not return a list of torrents")
        return rows

    def _call(self, method: str, arguments: Mapping[str, object] | None = None) -> Mapping[str, Any]:
        """Make one call. A 409 response is not an error but carries Transmission's session id."""
        name = self.connection.name
        with self._lock:
            session_id = self._session_id
        for _ in range(2):
            secret = self.connection.secret.reveal()
            answer = self._http.request(
                name,
                "POST",
                self._url,
                json_body={"method": method, "arguments": dict(arguments or {})},
                headers={_SESSION: session_id} if session_id else None,
                auth=(self.connection.username or "", secret) if self.connection.username or secret else None,
                timeout_s=self.connection.timeout_s,
                verify=self.connection.options.get("verify_certificate", True) is not False,
                expected=(409, 421, 403),
            )
            if answer.status in {421, 403}:
                raise Refused(
                    name, "refused this address; add it to rpc-whitelist and rpc-host-whitelist in its settings"
                )
            if answer.status != 409:
                break
            session_id = answer.headers.get(_SESSION.lower(), "")
            with self._lock:
                self._session_id = session_id
        else:
            raise fault(name, answer)
        body = answer.json(name)
        if not isinstance(body, Mapping) or "result" not in body:
            raise Nonsense(name, "does not answer like Transmission; check the address")
        if body["result"] != "success":
            said = str(body["result"])
            if "corrupt" in said or "unrecognized" in said:
                raise Nonsense(name, f"reports: {said}")
            raise (Unreachable if "timeout" in said.lower() else Refused)(name, f"reports: {said}")
        found = body.get("arguments")
        return found if isinstance(found, Mapping) else {}


def _hashes(download: NewDownload) -> tuple[str, ...]:
    try:
        return magnet_hashes(download.magnet) if download.magnet else read_torrent(download.content or b"").info_hashes
    except Invalid as error:
        raise Nonsense(download.name, f"cannot be added. {error.message}") from error


def _state(row: Mapping[str, Any], *, has_metadata: bool, done: bool) -> RemoteState:
    status = row["status"]
    if row.get("error") == _LOCAL_ERROR:
        # Source: tr_torrentSetLocalError in libtransmission/torrent.c; the words are not translated.
        missing = "no data found" in str(row.get("errorString", "")).lower()
        return RemoteState.MISSING_FILES if missing else RemoteState.LOCAL_ERROR
    if status in {_CHECK_QUEUED, _CHECKING}:
        return RemoteState.CHECKING
    if done:
        return RemoteState.COMPLETED if status == _STOPPED else RemoteState.SEEDING
    if status == _STOPPED:
        return RemoteState.PAUSED
    if not has_metadata:
        return RemoteState.FETCHING_METADATA
    if status == _QUEUED:
        return RemoteState.QUEUED
    return RemoteState.STALLED if row.get("isStalled") else RemoteState.DOWNLOADING


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and value >= 0 else None


def _instant(value: object) -> datetime | None:
    seconds = _whole(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
