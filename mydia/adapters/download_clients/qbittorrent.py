"""qBittorrent 4.1 and later, through its Web API.

Versions differ: 5.0 renamed paused to stopped, 5.2 changed the responses to signing in and adding.
Sources: the project's WebUI-API pages for 4.1, 5.0 and 5.2, its WebAPI changelog and `src/webui`.

Options of a connection: `category` (the category of new downloads), `save_path` (as the client sees it),
`verify_certificate` (default true).
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import qbittorrentapi
from qbittorrentapi import exceptions as qbt
from qbittorrentapi.request import QbittorrentSession

from mydia import clock, writing
from mydia.adapters.download_clients.base import (
    ClientReport,
    NewDownload,
    RemoteDownload,
    RemoteFile,
    RemoteFiles,
    RemoteState,
)
from mydia.adapters.errors import AdapterError, Nonsense, Refused, Unreachable
from mydia.adapters.http import Http, show_address
from mydia.adapters.kinds import Connection
from mydia.adapters.requests_bridge import OwnHttp
from mydia.adapters.torrents import magnet_hashes, read_torrent
from mydia.errors import Invalid

logger = logging.getLogger(__name__)

_NO_ETA_S = 8_640_000  # "unknown": a hundred days. Source: MAX_ETA in qBittorrent's src/base/bittorrent/torrent.h
_BANNED_S = 3600.0  # how long a ban after failed sign-ins lasts by default. Source: Preferences::getWebUIBanDuration
_APPEARS_WITHIN_S = 5.0  # torrents/add answers before the torrent is listed; a loaded machine took 0.4 s
_LOOK_AGAIN_S = 0.05

_STATES: Mapping[str, RemoteState] = {
    # Source: qBittorrent's own errors are I/O errors; a bad torrent is refused when it is added.
    "error": RemoteState.LOCAL_ERROR,
    "missingFiles": RemoteState.MISSING_FILES,
    "allocating": RemoteState.DOWNLOADING,
    "downloading": RemoteState.DOWNLOADING,
    "forcedDL": RemoteState.DOWNLOADING,
    # Files are being moved to their final folder and must not be accessed yet.
    "moving": RemoteState.DOWNLOADING,
    "metaDL": RemoteState.FETCHING_METADATA,
    "forcedMetaDL": RemoteState.FETCHING_METADATA,
    "stalledDL": RemoteState.STALLED,
    "queuedDL": RemoteState.QUEUED,
    "checkingDL": RemoteState.CHECKING,
    "checkingUP": RemoteState.CHECKING,
    "checkingResumeData": RemoteState.CHECKING,
    # qBittorrent 5 renamed paused* to stopped*; both are in the wild.
    "pausedDL": RemoteState.PAUSED,
    "stoppedDL": RemoteState.PAUSED,
    "uploading": RemoteState.SEEDING,
    "stalledUP": RemoteState.SEEDING,
    "forcedUP": RemoteState.SEEDING,
    "queuedUP": RemoteState.SEEDING,
    "pausedUP": RemoteState.COMPLETED,
    "stoppedUP": RemoteState.COMPLETED,
}

_ABSOLUTE = re.compile(r"/|\\\\|[A-Za-z]:[\\/]")

_SENTENCES: Mapping[str, str] = {
    "error": "stopped with an error; see its log",
    "missingFiles": "files are missing from the download folder",
}

# An alias, because inside the class `list` is the method.
type _Rows = list[Mapping[str, Any]]
type _Downloads = list[RemoteDownload]


type _Credentials = tuple[str, str, str]


class _Rejection(msgspec.Struct, kw_only=True):
    """Credentials that were rejected."""

    at: datetime
    times: int
    until_s: float
    """When they may be sent again, on the monotonic clock."""
    down: bool = False
    """Whether the server has been seen not running since."""
    early_from_s: float
    """From when a restart of the server ends the wait."""


class _Rejected:
    """Rejected passwords. They are rarely retried, because five failures ban the address for an hour.

    A wait ends early if the client was accepted meanwhile (a person tested the connection), or if the server was restarted:
    that resets its count, and passwords are often set there before a start.

    Source: WebUI settings, "Ban client after consecutive failures", default 5; the count is kept until a sign-in succeeds,
    a ban ends, or the server stops.
    """

    _WAITS_S = (300.0, 1800.0, 2 * 3600.0, 4 * 3600.0)
    _EARLY_S = 300.0
    _EARLY_AGAIN_S = 3600.0
    """A server that is often unreachable must not be asked each time."""
    LONGEST_S = _WAITS_S[-1]

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[_Credentials, _Rejection] = {}

    def wait_s(self, credentials: _Credentials, *, stored_s: float = 0.0, accepted_at: datetime | None = None) -> float:
        """Return how long to wait before the next attempt.

        Args:
            stored_s: The rest of the wait that the database has, which another process or an earlier one wrote.
            accepted_at: When the client answered last.
        """
        now_s = clock.monotonic_s()
        with self._lock:
            known = self._known.get(credentials)
            if known is not None and accepted_at is not None and accepted_at > known.at:
                known = None
                del self._known[credentials]
            if known is None and stored_s > 0:
                known = self._known[credentials] = _Rejection(
                    at=clock.now(),
                    times=1,
                    until_s=now_s + min(stored_s, self.LONGEST_S),
                    early_from_s=now_s + self._EARLY_S,
                )
        return max(0.0, known.until_s - now_s) if known is not None else 0.0

    def add(self, credentials: _Credentials) -> float:
        """Record a rejection and return how long to wait."""
        now_s = clock.monotonic_s()
        with self._lock:
            before = self._known.get(credentials)
            times = before.times if before else 0
            wait_s = self._WAITS_S[min(times, len(self._WAITS_S) - 1)]
            self._known[credentials] = _Rejection(
                at=clock.now(),
                times=times + 1,
                until_s=now_s + wait_s,
                early_from_s=max(now_s + self._EARLY_S, before.early_from_s if before else 0.0),
            )
        return wait_s

    def forget(self, credentials: _Credentials) -> None:
        """Record that the credentials were accepted."""
        with self._lock:
            self._known.pop(credentials, None)

    def note_down(self, credentials: _Credentials) -> None:
        """Record that the server is not running."""
        with self._lock:
            if (known := self._known.get(credentials)) is not None:
                known.down = True

    def may_try_after_restart(self, credentials: _Credentials) -> bool:
        """Return whether the server, which answers now, was down since the last attempt. Says so once an hour."""
        now_s = clock.monotonic_s()
        with self._lock:
            known = self._known.get(credentials)
            if known is None or not known.down or now_s < known.early_from_s:
                return False
            known.down = False
            known.early_from_s = now_s + self._EARLY_AGAIN_S
            return True


_rejected = _Rejected()


class _Gone(Refused):
    """404: the torrent does not exist."""


class _Client(qbittorrentapi.Client):
    """The library's client, sending its requests with Mydia's HTTP client."""

    def __init__(self, transport: OwnHttp, **options: Any) -> None:
        self._transport = transport
        super().__init__(**options)

    @property
    def _session(self) -> QbittorrentSession:
        # The library makes a new session each time it signs in again.
        session = super()._session
        for scheme in ("http://", "https://"):
            session.mount(scheme, self._transport)
        return session


class QBittorrent:
    """A qBittorrent server; signs in on first use and again when the session has ended."""

    def __init__(self, connection: Connection, http: Http) -> None:
        self.connection = connection
        self._http = http
        self._lock = threading.RLock()  # the library's session does not support concurrent calls
        self._client: qbittorrentapi.Client | None = None
        self._api_version: tuple[int, ...] = ()
        self._testing = False  # during a connection test, a rejected password is retried

    def test(self) -> ClientReport:
        """Sign in and read versions, folders and problematic settings."""
        with self._lock:
            self._client = None
            self._testing = True
            try:
                version = self._call(lambda client: client.app_version())
            finally:
                self._testing = False
            preferences = self._table(lambda client: client.app_preferences())
            state = self._table(lambda client: client.sync_maindata(rid=0)).get("server_state") or {}
            categories = self._table(lambda client: client.torrents_categories())
        return ClientReport(
            version=version.removeprefix("v"),
            api_version=".".join(map(str, self._api_version)),
            save_path=preferences.get("save_path") or None,
            free_bytes=_whole(state.get("free_space_on_disk")),
            notes=_notes(preferences, categories, self._option("category"), version),
        )

    def find(self, download: NewDownload) -> RemoteDownload | None:
        """Return the torrent if qBittorrent already has it, under any of its info-hashes."""
        return self._known_as(_hashes(download))

    def add(self, download: NewDownload) -> str:
        """Add a magnet link or .torrent file and return its info-hash; the same one if it already exists.

        Raises:
            Refused: qBittorrent rejected it.
            Nonsense: The content is not a torrent.
        """
        hashes = _hashes(download)
        with self._lock:
            if (known := self._known_as(hashes)) is not None:
                return known.ref
            category = download.category or self._option("category")
            save_path = download.save_path or self._option("save_path")
            if category:
                self._ensure_category(category)
            options: dict[str, Any] = {
                "category": category,
                "save_path": save_path,
                # With automatic torrent management, qBittorrent would ignore the folder.
                "use_auto_torrent_management": False if save_path else None,
                "tags": ",".join(download.tags) or None,
                "ratio_limit": download.seed_ratio,
                "seeding_time_limit": download.seed_time_min,
                "is_stopped": download.paused,
            }
            if download.magnet:
                options["urls"] = download.magnet
            else:
                options["torrent_files"] = {f"{hashes[0]}.torrent": download.content}
            refused: AdapterError | None = None
            try:
                self._accepted(self._call(lambda client: client.torrents_add(**options)))
            except Refused as error:
                refused = error
            return self._wait_until_listed(hashes, refused)

    def list(self, *, category: str | None = None) -> _Downloads:
        """Return all torrents, or those of one category."""
        found = self._rows(lambda client: client.torrents_info(category=category))
        return [remote for row in found if (remote := self._remote(row)) is not None]

    def get(self, ref: str) -> RemoteDownload | None:
        """Return one torrent, or None if qBittorrent answered and does not have it."""
        found = self._rows(lambda client: client.torrents_info(torrent_hashes=ref))
        # Old versions ignore the filter and return all torrents.
        return next((self._remote(row) for row in found if str(row.get("hash")).lower() == ref.lower()), None)

    def files(self, ref: str) -> RemoteFiles:
        """Return the files of a torrent; empty until a magnet's metadata has arrived, or if the torrent is gone."""
        try:
            rows = self._rows(lambda client: client.torrents_files(torrent_hash=ref))
        except _Gone:
            return []
        return [
            RemoteFile(
                path=str(row.get("name", "")),
                size_bytes=_whole(row.get("size")) or 0,
                progress=_share(row.get("progress")),
                wanted=row.get("priority") != 0,
            )
            for row in rows
        ]

    def pause(self, ref: str) -> None:
        """Pause a torrent."""
        self._call(lambda client: client.torrents_stop(torrent_hashes=ref))

    def resume(self, ref: str) -> None:
        """Resume a paused torrent."""
        self._call(lambda client: client.torrents_start(torrent_hashes=ref))

    def remove(self, ref: str, *, delete_files: bool) -> None:
        """Remove a torrent. Removing one that does not exist is not an error."""
        self._call(lambda client: client.torrents_delete(delete_files=delete_files, torrent_hashes=ref))

    def _credentials(self) -> _Credentials:
        connection = self.connection
        return connection.url, connection.username or "", connection.secret.reveal()

    def _option(self, key: str) -> str | None:
        value = self.connection.options.get(key)
        return str(value) if value else None

    def _known_as(self, hashes: tuple[str, ...]) -> RemoteDownload | None:
        # List all torrents, because a filter by hash finds a hybrid torrent only by one of its two ids.
        known = {info_hash: remote for remote in self.list() for info_hash in (remote.ref, *remote.info_hashes)}
        return next((known[info_hash] for info_hash in hashes if info_hash in known), None)

    def _ensure_category(self, category: str) -> None:
        if category not in self._table(lambda client: client.torrents_categories()):
            self._call(lambda client: client.torrents_create_category(name=category))

    def _accepted(self, answer: object) -> None:
        # Up to 5.1 the response is "Ok." or "Fails."; 5.2 returns counts. Source: WebAPI changelog, 2.14.
        if isinstance(answer, str) and answer.strip() == "Fails.":
            raise Refused(self.connection.name, "rejected the torrent")

    def _wait_until_listed(self, hashes: tuple[str, ...], refused: AdapterError | None) -> str:
        """Return the id of the added torrent. A rejection is ignored if it was a duplicate."""
        until_s = clock.monotonic_s() + (0 if refused else _APPEARS_WITHIN_S)
        while (known := self._known_as(hashes)) is None:
            if refused is not None:
                raise refused
            if clock.monotonic_s() > until_s:
                raise Refused(self.connection.name, "accepted the torrent but does not list it; see its log")
            time.sleep(_LOOK_AGAIN_S)
        return known.ref

    def _remote(self, row: Mapping[str, Any]) -> RemoteDownload | None:
        """Translate a row; None if it has no hash or state, so that it does not hide the others."""
        state = str(row.get("state") or "")
        ref = str(row.get("hash") or "").lower()
        if not ref or not state:
            logger.warning("torrent without hash or state skipped", extra={"client": self.connection.name})
            return None
        eta_s = _whole(row.get("eta"))
        return RemoteDownload(
            ref=ref,
            name=str(row.get("name", "")),
            state=_STATES.get(state, RemoteState.DOWNLOADING),
            progress=_share(row.get("progress")),
            size_bytes=_positive(row.get("size")),
            downloaded_bytes=_whole(row.get("completed", row.get("downloaded"))),
            speed_bytes_per_s=_whole(row.get("dlspeed")),
            upload_bytes_per_s=_whole(row.get("upspeed")),
            eta_s=None if eta_s is None or not 0 <= eta_s < _NO_ETA_S else eta_s,
            ratio=_ratio(row.get("ratio")),
            seeding_time_s=_whole(row.get("seeding_time")),
            seeders=_count(row.get("num_complete"), row.get("num_seeds")),
            peers=_count(row.get("num_incomplete"), row.get("num_leechs")),
            categories=tuple(filter(None, (str(row.get("category") or ""), *_tags(row)))),
            info_hashes=tuple(str(row[key]).lower()[:40] for key in ("infohash_v1", "infohash_v2") if row.get(key)),
            output_path=(output_path := _output_path(row)),
            save_path=_save_path(row, output_path),
            message=_SENTENCES.get(state) or (None if state in _STATES else f"qBittorrent reports “{state}”."),
            added_at=_instant(row.get("added_on")),
            completed_at=_instant(row.get("completion_on")),
        )

    def _rows(self, call: Callable[[qbittorrentapi.Client], object]) -> _Rows:
        answer = self._call(call)
        # Since 2.11.8 an empty list can be an empty body. Source: WebAPI changelog.
        if answer in (None, ""):
            return []
        if not isinstance(answer, list) or not all(isinstance(row, Mapping) for row in answer):
            raise Nonsense(self.connection.name, "did not return a list")
        return cast("_Rows", answer)

    def _table(self, call: Callable[[qbittorrentapi.Client], object]) -> Mapping[str, Any]:
        answer = self._call(call)
        if answer in (None, ""):
            return {}
        if not isinstance(answer, Mapping):
            raise Nonsense(self.connection.name, "did not return an object")
        return answer

    def _call[T](self, call: Callable[[qbittorrentapi.Client], T]) -> T:
        """Make an authenticated call; an expired session is renewed once."""
        writing.assert_outside_allowed()
        with self._lock:
            fresh = self._client is None
            try:
                client = self._client or self._sign_in()
                try:
                    return call(client)
                except (qbt.Forbidden403Error, qbt.Unauthorized401Error):
                    if fresh:
                        raise
                    self._client = None
                    return call(self._sign_in())
            except qbt.LoginFailed as error:
                # The library signs in again by itself when a session has ended, for example because the password changed.
                self._client = None
                _rejected.add(self._credentials())
                raise self._translated(error) from error
            except qbt.APIError as error:
                raise self._translated(error) from error
            except ValueError as error:
                raise Nonsense(self.connection.name, "did not return JSON") from error

    def _sign_in(self) -> qbittorrentapi.Client:
        """Check that the server is qBittorrent and sign in; only one attempt, because failures lead to a ban."""
        connection = self.connection
        verify = connection.options.get("verify_certificate", True) is not False
        wait_s = 0.0 if self._testing else self._wait_s()
        # Use our own HTTP client first, which refuses forbidden addresses and reports redirects before a password is sent.
        try:
            answer = self._http.request(
                connection.name,
                "GET",
                f"{connection.url.rstrip('/')}/api/v2/app/webapiVersion",
                expected=(200, 204, 301, 302, 303, 307, 308, 401, 403),
                timeout_s=connection.timeout_s,
                verify=verify,
            )
        except Unreachable:
            _rejected.note_down(self._credentials())
            raise
        if wait_s > 0 and not _rejected.may_try_after_restart(self._credentials()):
            raise Refused(
                connection.name,
                "rejected the user name and password; correct them in the settings and test the connection",
                retry_after_s=wait_s,
            )
        if 300 <= answer.status < 400:
            target = show_address(answer.headers.get("location", "")).removesuffix("/api/v2/app/webapiVersion")
            raise Refused(connection.name, f"redirects to {target or 'somewhere else'}; configure that address instead")
        password = connection.secret.reveal()
        is_key = password.startswith("qbt_") and not connection.username
        client = _Client(
            OwnHttp(self._http, connection.name, timeout_s=connection.timeout_s, verify=verify),
            host=connection.url,
            username=None if is_key else connection.username,
            password=None if is_key else password,
            api_key=password if is_key else None,
            FORCE_SCHEME_FROM_HOST=True,
            DISABLE_LOGGING_DEBUG_OUTPUT=True,
            SIMPLE_RESPONSES=True,
            REQUESTS_ARGS={"allow_redirects": False},
        )
        if answer.status in {401, 403} or connection.username or is_key:
            client.auth_log_in()
            _rejected.forget(self._credentials())
        version = client.app_web_api_version()
        if not (numbers := re.findall(r"\d+", version)) or len(version) > 20:
            raise Nonsense(connection.name, "does not answer like qBittorrent; check address and sub-path")
        self._api_version = tuple(map(int, numbers))
        self._client = client
        return client

    def _wait_s(self) -> float:
        """Return how long to wait before signing in, after a rejection that this process or an earlier one remembers."""
        until = self.connection.rejected_until
        stored_s = 0.0 if until is None else (until - clock.now()).total_seconds()
        return _rejected.wait_s(self._credentials(), stored_s=stored_s, accepted_at=self.connection.accepted_at)

    def _translated(self, error: qbt.APIError) -> AdapterError:
        name = self.connection.name
        match error:
            case qbt.LoginFailed():
                wait_s = _rejected.wait_s(self._credentials())
                return Refused(name, "rejected the user name and password", retry_after_s=wait_s or None)
            case qbt.Forbidden403Error() if "ban" in str(error).lower():
                return Refused(
                    name,
                    "has banned this address after too many failed sign-ins; wait an hour or restart it",
                    retry_after_s=_BANNED_S,
                )
            case qbt.Forbidden403Error():
                return Refused(name, "rejected the sign-in; check user name and password")
            case qbt.Unauthorized401Error():
                return Refused(
                    name, "refused this address; check its Web UI settings for host header validation and reverse proxy"
                )
            case qbt.NotFound404Error():
                return _Gone(name, "does not have this torrent, or the address is wrong")
            case qbt.UnsupportedMediaType415Error():
                return Nonsense(name, "reports that this is not a valid torrent")
            case qbt.HTTP5XXError():
                return Unreachable(name, "server error; try again later")
            case qbt.HTTPError():
                return Refused(name, f"refused the request (HTTP {error.http_status_code})")
            case qbt.APIConnectionError() if isinstance(error.__context__, AdapterError):
                return error.__context__
            case qbt.APIConnectionError():
                return Unreachable(name, f"no answer from {show_address(self.connection.url)}; is it running?")
            case _:
                return Nonsense(name, "returned an invalid response")


def _hashes(download: NewDownload) -> tuple[str, ...]:
    try:
        return magnet_hashes(download.magnet) if download.magnet else read_torrent(download.content or b"").info_hashes
    except Invalid as error:
        raise Nonsense(download.name, f"cannot be added. {error.message}") from error


def _tags(row: Mapping[str, Any]) -> list[str]:
    return [tag.strip() for tag in str(row.get("tags") or "").split(",") if tag.strip()]


def _notes(
    preferences: Mapping[str, Any], categories: Mapping[str, Any], category: str | None, version: str
) -> tuple[str, ...]:
    """Return warnings about problematic settings of qBittorrent."""
    notes: list[str] = []
    if category and category not in categories:
        notes.append(f"The category “{category}” does not exist yet. The first download creates it.")
    limited = preferences.get("max_ratio_enabled") or preferences.get("max_seeding_time_enabled")
    # 1 removes the torrent, 3 its files too. Source: WebUI-API page, max_ratio_act.
    if limited and preferences.get("max_ratio_act") in {1, 3}:
        notes.append(
            "qBittorrent removes torrents that reach their seeding limit, possibly before they are imported. "
            "Choose “stop torrent” in its settings instead."
        )
    if preferences.get("dht") is False:
        notes.append("DHT is disabled, so magnet links without trackers do not start.")
    if re.match(r"v?[1-3]\.", version):
        notes.append("This version of qBittorrent is too old. Use 4.1 or later.")
    return tuple(notes)


def _output_path(row: Mapping[str, Any]) -> str | None:
    path = str(row.get("content_path") or "")
    # While a magnet's metadata is missing, and with the content layout "Don't create subfolder", the content path is the
    # whole save folder, which must never be imported.
    if _same_folder(path, row.get("save_path")) or _same_folder(path, row.get("download_path")):
        return None
    # Until a new torrent has been checked, the path lacks its folder; seen with 4.5.2.
    return path if _ABSOLUTE.match(path) else None


def _save_path(row: Mapping[str, Any], output_path: str | None) -> str | None:
    if output_path is None:
        # The content is directly in the save folder; only `files()` lists it.
        path = str(row.get("content_path") or "").rstrip("/\\")
        return path if _ABSOLUTE.match(path) else None
    # Incomplete content can be in a separate folder.
    folders = [str(row.get(key) or "").rstrip("/\\") for key in ("save_path", "download_path")]
    return next((f for f in folders if f and output_path.startswith((f"{f}/", f"{f}\\"))), None)


def _same_folder(path: str, other: object) -> bool:
    return bool(other) and path.rstrip("/\\") == str(other).rstrip("/\\")


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and value >= 0 else None


def _positive(value: object) -> int | None:
    return _whole(value) or None


def _count(swarm: object, connected: object) -> int | None:
    # The tracker's count if there is one (-1 means none), otherwise the connected peers.
    return count if (count := _whole(swarm)) is not None else _whole(connected)


def _share(value: object) -> float:
    return min(1.0, max(0.0, float(value))) if isinstance(value, int | float) else 0.0


def _ratio(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value >= 0 else None


def _instant(value: object) -> datetime | None:
    # -1 and, on some versions, a number near 2**32 mean "never".
    seconds = _whole(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds and seconds < 4_294_900_000 else None
