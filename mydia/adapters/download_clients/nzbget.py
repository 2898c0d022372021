"""NZBGet 16 and later, through its JSON-RPC API. Source: `docs/api` of the project, and responses of 21.0.

Options of a connection: `category`, `verify_certificate` (default true).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mydia.adapters.download_clients.base import ClientReport, NewDownload, RemoteDownload, RemoteFiles, RemoteState
from mydia.adapters.errors import Nonsense, Refused
from mydia.adapters.http import Http
from mydia.adapters.kinds import Connection

_MARK = "mydia"  # name of the parameter that carries the fingerprint of the NZB
_GROUPS: Mapping[str, RemoteState] = {
    "QUEUED": RemoteState.QUEUED,
    "PAUSED": RemoteState.PAUSED,
    "DOWNLOADING": RemoteState.DOWNLOADING,
    "FETCHING": RemoteState.FETCHING_METADATA,
}
# Warnings that do not affect the content; every other WARNING means that something is missing.
_HARMLESS = frozenset({"WARNING/SCRIPT", "WARNING/SKIPPED"})
# Errors of the disk or a script in the client, not of the release. Source: NZBGet's `history` API page.
_LOCAL = frozenset({"FAILURE/MOVE", "FAILURE/DISK", "FAILURE/SCRIPT", "WARNING/SPACE"})

type _Downloads = list[RemoteDownload]
type _Rows = list[Mapping[str, Any]]


class NzbGet:
    """An NZBGet server."""

    def __init__(self, connection: Connection, http: Http) -> None:
        self.connection = connection
        self._http = http

    def test(self) -> ClientReport:
        """Sign in and read version, folder and free space."""
        version = str(self._call("version"))
        status = self._table(self._call("status"))
        settings = {str(row.get("Name")): str(row.get("Value")) for row in self._rows(self._call("config"))}
        category = self._option("category")
        named = {value for key, value in settings.items() if key.startswith("Category") and key.endswith(".Name")}
        unknown = category and category not in named
        return ClientReport(
            version=version,
            save_path=settings.get("DestDir", "").replace("${MainDir}", settings.get("MainDir", "")) or None,
            free_bytes=_size(status, "FreeDiskSpace"),
            notes=(f"NZBGet has no category “{category}”; create it in its settings.",) if unknown else (),
        )

    def find(self, download: NewDownload) -> RemoteDownload | None:
        """Return the download if Mydia added the same NZB and it is still in the queue, or finished after `since`."""
        mark = (_MARK, _fingerprint(download))
        queued = [self._queued(row) for row in self._groups() if mark in _parameters(row)]
        finished = [self._finished(row) for row in self._history() if mark in _parameters(row)]
        fresh = [
            known
            for known in finished
            if known.completed_at is not None and download.since is not None and known.completed_at >= download.since
        ]
        return next(iter([*queued, *fresh]), None)

    def add(self, download: NewDownload) -> str:
        """Add an NZB and return NZBGet's id; the same one if it is already in the queue.

        An older entry in its history is a different download, because its files may be gone and a failed release must be
        downloaded again.
        """
        content, fingerprint = download.content or b"", _fingerprint(download)
        if (known := self.find(download)) is not None:
            return known.ref
        category = download.category or self._option("category") or ""
        number = self._call(
            "append",
            f"{download.name}.nzb",
            base64.b64encode(content).decode(),
            category,
            0,
            False,
            download.paused,
            "",
            0,
            # Mydia decides whether a failed release is retried.
            "FORCE",
            [{_MARK: fingerprint}],
        )
        if not isinstance(number, int) or number <= 0:
            raise Refused(self.connection.name, "rejected the NZB; see its log")
        return str(number)

    def list(self, *, category: str | None = None) -> _Downloads:
        """Return queue and history, or those of one category."""
        found = [self._queued(row) for row in self._groups()]
        seen = {known.ref for known in found}
        found += [known for row in self._history() if (known := self._finished(row)).ref not in seen]
        return [known for known in found if category is None or category in known.categories]

    def get(self, ref: str) -> RemoteDownload | None:
        """Return one download, or None if NZBGet answered and does not have it."""
        return next((known for known in self.list() if known.ref == ref), None)

    def files(self, ref: str) -> RemoteFiles:
        """Return nothing, because an NZB only lists parts of archives; the folder is read instead."""
        self._call("version")
        return []

    def pause(self, ref: str) -> None:
        """Pause a download."""
        self._edit("GroupPause", ref)

    def resume(self, ref: str) -> None:
        """Resume a paused download, or process a finished one again if its files could not be unpacked or moved."""
        self._edit("GroupResume", ref)
        if any(str(row.get("NZBID")) == ref and str(row.get("Status")) in _LOCAL for row in self._history()):
            self._edit("HistoryProcess", ref)

    def remove(self, ref: str, *, delete_files: bool) -> None:
        """Remove a download from queue and history. Removing one that does not exist is not an error.

        NZBGet deletes unfinished files itself and never deletes finished ones, so Mydia must delete those.
        """
        self._edit("GroupFinalDelete", ref)
        self._edit("HistoryFinalDelete", ref)

    def _option(self, key: str) -> str | None:
        value = self.connection.options.get(key)
        return str(value) if value else None

    def _groups(self) -> _Rows:
        return [row for row in self._rows(self._call("listgroups", 0)) if row.get("NZBID")]

    def _history(self) -> _Rows:
        rows = self._rows(self._call("history", False))
        # A download that was deleted in NZBGet counts as removed.
        return [
            row
            for row in rows
            if row.get("NZBID") and row.get("Kind", "NZB") == "NZB" and row.get("Status") != "DELETED/MANUAL"
        ]

    def _queued(self, row: Mapping[str, Any]) -> RemoteDownload:
        size, left = _size(row, "FileSize") or 0, _size(row, "RemainingSize") or 0
        return RemoteDownload(
            ref=str(row["NZBID"]),
            name=str(row.get("NZBName", "")),
            # The other states are steps of repairing and unpacking.
            state=_GROUPS.get(str(row.get("Status")), RemoteState.CHECKING),
            progress=1 - left / size if size else 0.0,
            size_bytes=size or None,
            downloaded_bytes=size - left,
            categories=_categories(row),
        )

    def _finished(self, row: Mapping[str, Any]) -> RemoteDownload:
        status = str(row.get("Status", ""))
        good = status.startswith("SUCCESS/") or status in _HARMLESS
        folder = str(row.get("FinalDir") or row.get("DestDir") or "") or None
        ended = row.get("HistoryTime")
        return RemoteDownload(
            ref=str(row["NZBID"]),
            name=str(row.get("NZBName") or row.get("Name") or ""),
            state=RemoteState.COMPLETED
            if good
            else RemoteState.LOCAL_ERROR
            if status in _LOCAL
            else RemoteState.FAILED,
            progress=1.0,
            size_bytes=_size(row, "FileSize"),
            downloaded_bytes=_size(row, "DownloadedSize"),
            categories=_categories(row),
            output_path=folder if good else None,
            save_path=folder if good else None,
            message=None if status.startswith("SUCCESS/") else status.replace("/", ", ").lower(),
            completed_at=datetime.fromtimestamp(ended, UTC) if isinstance(ended, int) and ended > 0 else None,
        )

    def _edit(self, command: str, ref: str) -> None:
        if ref.isdigit():
            self._call("editqueue", command, "", [int(ref)])

    def _rows(self, answer: object) -> _Rows:
        if not isinstance(answer, list) or not all(isinstance(row, Mapping) for row in answer):
            raise Nonsense(self.connection.name, "did not return a list")
        return answer

    def _table(self, answer: object) -> Mapping[str, Any]:
        if not isinstance(answer, Mapping):
            raise Nonsense(self.connection.name, "did not return an object")
        return answer

    def _call(self, method: str, *parameters: object) -> object:
        name, connection = self.connection.name, self.connection
        answer = self._http.request(
            name,
            "POST",
            f"{connection.url.rstrip('/').removesuffix('/jsonrpc')}/jsonrpc",
            json_body={"method": method, "params": list(parameters), "id": 1},
            auth=(connection.username or "", connection.secret.reveal()) if connection.username else None,
            timeout_s=connection.timeout_s,
            verify=connection.options.get("verify_certificate", True) is not False,
        ).json(name)
        if not isinstance(answer, Mapping) or not {"result", "error"} & set(answer):
            raise Nonsense(name, "does not answer like NZBGet; check the address")
        if answer.get("error"):
            raise Refused(name, f"does not support “{method}”; version 16 or later is required")
        return answer["result"]


def _size(row: Mapping[str, Any], name: str) -> int | None:
    """Combine the halves of a 64-bit number; all bits set means "unknown" in NZBGet."""
    high, low = row.get(f"{name}Hi"), row.get(f"{name}Lo")
    if not isinstance(high, int) or not isinstance(low, int) or (high, low) == (0xFFFF_FFFF, 0xFFFF_FFFF):
        return None
    return (high << 32) | low


def _fingerprint(download: NewDownload) -> str:
    content = download.content or b""
    if b"<nzb" not in content[:4096]:
        raise Nonsense(download.name, "cannot be added. This is not an NZB file.")
    return hashlib.sha256(content).hexdigest()[:32]


def _categories(row: Mapping[str, Any]) -> tuple[str, ...]:
    category = str(row.get("Category") or "")
    return (category,) if category else ()


def _parameters(row: Mapping[str, Any]) -> set[tuple[str, str]]:
    listed = row.get("Parameters")
    return {(str(p.get("Name")), str(p.get("Value"))) for p in listed} if isinstance(listed, list) else set()
