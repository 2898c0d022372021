"""SABnzbd 3 and later, through its API. Source: the project's API page for 4.x and 5.x.

Options of a connection: `category`, `verify_certificate` (default true). The secret is the API key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mydia.adapters.download_clients.base import ClientReport, NewDownload, RemoteDownload, RemoteFiles, RemoteState
from mydia.adapters.errors import Nonsense, Refused
from mydia.adapters.http import Http, without_keys
from mydia.adapters.kinds import Connection

_MIB = 1024**2
_KEPT = 500  # entries of history to read; more than a household downloads between two checks
_PAUSED_PRIORITY, _DEFAULT_PRIORITY = -2, -100
_QUEUE: Mapping[str, RemoteState] = {
    "Queued": RemoteState.QUEUED,
    "Propagating": RemoteState.QUEUED,
    "Grabbing": RemoteState.FETCHING_METADATA,
    "Paused": RemoteState.PAUSED,
    "Checking": RemoteState.CHECKING,
}
# Disk errors in the client, not errors of the release. Source: fail_msg texts in SABnzbd's postproc.py and newsunpack.py.
_LOCAL = re.compile(
    r"(?i)disk (?:is )?full|no space left|write error|permission denied|could not create|cannot create|failed (?:to )?mov|"
    r"read-only file system|folder.{0,300}(?:not exist|missing)"
)
_BOUNDARY = "mydia-7d5c1f0e9b"

type _Downloads = list[RemoteDownload]
type _Rows = list[Mapping[str, Any]]


class Sabnzbd:
    """A SABnzbd server."""

    def __init__(self, connection: Connection, http: Http) -> None:
        self.connection = connection
        self._http = http

    def test(self) -> ClientReport:
        """Check the key and read version, folder and free space."""
        queue = self._table(self._call("queue", limit="1"), "queue")
        misc = self._table(self._table(self._call("get_config", section="misc"), "config"), "misc")
        categories = self._call("get_cats").get("categories")
        category = self._option("category")
        free_gib = _number(queue.get("diskspace2"))
        unknown = category and isinstance(categories, list) and category not in categories
        return ClientReport(
            version=str(queue.get("version", "")),
            save_path=str(misc.get("complete_dir") or "") or None,
            free_bytes=int(free_gib * 1024**3) if free_gib is not None else None,
            notes=(f"SABnzbd has no category “{category}”; create it in its settings.",) if unknown else (),
        )

    def find(self, download: NewDownload) -> RemoteDownload | None:
        """Return the download with the same name if it is in the queue or finished after `since`."""
        return next(
            (
                known
                for known in self.list()
                if known.name == download.name
                and known.state is not RemoteState.FAILED
                and (
                    known.completed_at is None or (download.since is not None and known.completed_at >= download.since)
                )
            ),
            None,
        )

    def add(self, download: NewDownload) -> str:
        """Add an NZB and return SABnzbd's id. A queued download with the same name counts as the same one."""
        content = download.content or b""
        if b"<nzb" not in content[:4096]:
            raise Nonsense(download.name, "cannot be added. This is not an NZB file.")
        if (known := self.find(download)) is not None:
            return known.ref
        answer = self._call(
            "addfile",
            content=content,
            nzbname=download.name,
            cat=download.category or self._option("category") or "*",
            priority=str(_PAUSED_PRIORITY if download.paused else _DEFAULT_PRIORITY),
        )
        ids = answer.get("nzo_ids")
        if not isinstance(ids, list) or not ids:
            raise Refused(self.connection.name, "rejected the NZB as a duplicate or empty")
        return str(ids[0])

    def list(self, *, category: str | None = None) -> _Downloads:
        """Return queue and history, or those of one category."""
        queue = self._table(self._call("queue", limit=str(_KEPT)), "queue")
        history = self._table(self._call("history", limit=str(_KEPT)), "history")
        found = [self._queued(row, queue) for row in self._slots(queue)]
        seen = {known.ref for known in found}
        found += [known for row in self._slots(history) if (known := self._finished(row)).ref not in seen]
        return [known for known in found if category is None or category in known.categories]

    def get(self, ref: str) -> RemoteDownload | None:
        """Return one download, or None if SABnzbd answered and does not have it."""
        return next((known for known in self.list() if known.ref == ref), None)

    def files(self, ref: str) -> RemoteFiles:
        """Return nothing, because an NZB only lists parts of archives; the folder is read instead."""
        self._call("queue", limit="1")
        return []

    def pause(self, ref: str) -> None:
        """Pause a download."""
        self._call("queue", name="pause", value=ref)

    def resume(self, ref: str) -> None:
        """Resume a paused download."""
        self._call("queue", name="resume", value=ref)

    def remove(self, ref: str, *, delete_files: bool) -> None:
        """Remove a download from queue and history. Removing one that does not exist is not an error."""
        for where in ("queue", "history"):
            self._call(where, name="delete", value=ref, del_files="1" if delete_files else "0", may_fail=True)

    def _option(self, key: str) -> str | None:
        value = self.connection.options.get(key)
        return str(value) if value else None

    def _queued(self, row: Mapping[str, Any], queue: Mapping[str, Any]) -> RemoteDownload:
        size, left = _number(row.get("mb")) or 0.0, _number(row.get("mbleft")) or 0.0
        status = str(row.get("status", ""))
        state = _QUEUE.get(status, RemoteState.DOWNLOADING)
        if queue.get("paused") is True and row.get("priority") != "Force":
            state = RemoteState.PAUSED
        encrypted = "ENCRYPTED" in (row.get("labels") or ())
        if encrypted and state is RemoteState.PAUSED:
            state = RemoteState.ENCRYPTED  # SABnzbd keeps such a job paused forever
        return RemoteDownload(
            ref=str(row["nzo_id"]),
            name=str(row.get("filename", "")),
            state=state,
            progress=min(1.0, max(0.0, 1 - left / size)) if size else 0.0,
            size_bytes=int(size * _MIB) or None,
            downloaded_bytes=int((size - left) * _MIB),
            eta_s=_duration_s(row.get("timeleft")),
            categories=_categories(row.get("cat")),
            message="the release is encrypted" if encrypted else None,
        )

    def _finished(self, row: Mapping[str, Any]) -> RemoteDownload:
        status = str(row.get("status", ""))
        # All other states are steps of repairing and unpacking.
        state = {"Completed": RemoteState.COMPLETED, "Failed": RemoteState.FAILED}.get(status, RemoteState.CHECKING)
        message = str(row.get("fail_message") or "")
        if state is RemoteState.FAILED and _LOCAL.search(message):
            state = RemoteState.LOCAL_ERROR
        ended = _number(row.get("completed"))
        place = str(row.get("storage") or "") or None
        return RemoteDownload(
            ref=str(row["nzo_id"]),
            name=str(row.get("name", "")),
            state=state,
            progress=1.0,
            size_bytes=int(_number(row.get("bytes")) or 0) or None,
            categories=_categories(row.get("category")),
            output_path=place if state is RemoteState.COMPLETED else None,
            save_path=place if state is RemoteState.COMPLETED else None,
            message=message or None,
            completed_at=datetime.fromtimestamp(ended, UTC) if ended and state is RemoteState.COMPLETED else None,
        )

    def _slots(self, table: Mapping[str, Any]) -> _Rows:
        rows = table.get("slots")
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            raise Nonsense(self.connection.name, "did not return a list of downloads")
        return [row for row in rows if row.get("nzo_id")]

    def _table(self, answer: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        found = answer.get(key)
        if not isinstance(found, Mapping):
            raise Nonsense(self.connection.name, f"returned a response without “{key}”")
        return found

    def _call(
        self, mode: str, *, content: bytes | None = None, may_fail: bool = False, **parameters: str
    ) -> Mapping[str, Any]:
        name, connection = self.connection.name, self.connection
        key = connection.secret.reveal()
        address = connection.url.rstrip("/")
        answer = self._http.request(
            name,
            "GET" if content is None else "POST",
            address if address.endswith("/api") else f"{address}/api",
            params={"mode": mode, "output": "json", "apikey": key, **parameters},
            content=None if content is None else _multipart(content),
            headers=None if content is None else {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"},
            timeout_s=connection.timeout_s,
            verify=connection.options.get("verify_certificate", True) is not False,
            expected=(403,),
        )
        said = without_keys(answer.text[:200], key)
        if "API Key" in said:
            raise Refused(name, "rejected the API key; use the full API key, not the NZB key")
        if answer.status == 403:
            raise Refused(name, "refused this address; add it to host_whitelist in its settings")
        body = answer.json(name)
        if not isinstance(body, Mapping):
            raise Nonsense(name, "does not answer like SABnzbd; check the address")
        if body.get("status") is False and not may_fail:
            raise Refused(name, f"reports: {without_keys(str(body.get('error') or 'no'), key)}")
        return body


def _multipart(content: bytes) -> bytes:
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="nzbfile"; filename="release.nzb"\r\n'
    return head.encode() + b"Content-Type: application/x-nzb\r\n\r\n" + content + f"\r\n--{_BOUNDARY}--\r\n".encode()


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _categories(value: object) -> tuple[str, ...]:
    return () if value in (None, "", "*") else (str(value),)


def _duration_s(value: object) -> int | None:
    """Parse `H:MM:SS` or `D:HH:MM:SS`; zero means "unknown" in SABnzbd."""
    parts = str(value or "").split(":")
    if not all(part.isdigit() for part in parts):
        return None
    units = (1, 60, 3600, 86400)
    return sum(int(part) * unit for part, unit in zip(reversed(parts), units, strict=False)) or None
