"""A stand-in for the Web API of qBittorrent 5, which Debian does not package: states, responses and sign-in.

It transfers no data; tests set the state of torrents. Sources: the WebUI-API page for 5.0 and the WebAPI changelog.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from mydia import clock
from mydia.adapters.kinds import Connection, Secret
from mydia.adapters.torrents import magnet_hashes, read_torrent
from mydia.errors import Invalid
from tests.fakes.stand_in import Answer, Asked, StandIn

USERNAME = "robin"
PASSWORD = "a long enough password"
FAILURES_UNTIL_BAN = 5  # by default. Source: WebUI settings, "Ban client after consecutive failures"
API_KEY = "qbt_0123456789abcdefghijklmnopqr"
_NO_ETA = 8_640_000


@dataclass
class _Torrent:
    hash: str
    name: str
    category: str
    save_path: str
    tags: str
    state: str
    size: int
    files: list[tuple[str, int]]
    progress: float = 0.0
    ratio_limit: float = -2
    seeding_time_limit: int = -2
    added_on: int = field(default_factory=lambda: int(clock.now().timestamp()))
    completion_on: int = -1
    loose: bool = False
    """Whether the content layout is "Don't create subfolder"."""

    @property
    def content_path(self) -> str:
        return f"{self.save_path}/{self.name}" if self.files and not self.loose else self.save_path

    def row(self) -> dict[str, Any]:
        return {
            "hash": self.hash,
            "infohash_v1": self.hash,
            "infohash_v2": "",
            "name": self.name,
            "state": self.state,
            "category": self.category,
            "tags": self.tags,
            "save_path": self.save_path,
            "content_path": self.content_path,
            "download_path": "",
            "size": self.size,
            "progress": self.progress,
            "completed": int(self.size * self.progress),
            "dlspeed": 0,
            "upspeed": 0,
            "eta": _NO_ETA,
            "ratio": 0,
            "ratio_limit": self.ratio_limit,
            "seeding_time": 0,
            "seeding_time_limit": self.seeding_time_limit,
            "num_seeds": 0,
            "num_leechs": 0,
            "num_complete": -1,
            "num_incomplete": -1,
            "added_on": self.added_on,
            "completion_on": self.completion_on,
        }


class QBittorrentStub(StandIn):
    """qBittorrent 5.0 (`api="2.11.3"`) or 5.2 (`api="2.14.1"`), under a sub-path if wanted."""

    def __init__(self, *, api: str = "2.11.3", version: str = "v5.0.3", sub_path: str = "", port: int = 0) -> None:
        super().__init__(port=port)
        self.api = tuple(map(int, api.split(".")))
        self.version = version
        self.sub_path = sub_path
        self.torrents: dict[str, _Torrent] = {}
        self.categories: dict[str, dict[str, str]] = {}
        self.preferences: dict[str, Any] = {"save_path": "/downloads", "dht": True, "max_ratio_enabled": False}
        self.sign_ins = 0
        self.banned = False
        self.password = PASSWORD
        self._session = ""

    @property
    def connection(self) -> Connection:
        """Mydia's connection to it."""
        return Connection(
            id=f"stub-{self.port}",
            name="qBittorrent 5",
            kind="qbittorrent",
            url=self.url + self.sub_path,
            username=USERNAME,
            secret=Secret(PASSWORD),
            options={"category": "mydia"},
        )

    def finish(self, ref: str, state: str = "stalledUP") -> None:
        """Complete a torrent."""
        torrent = self.torrents[ref]
        torrent.progress, torrent.state, torrent.completion_on = 1.0, state, int(clock.now().timestamp())

    def end_session(self) -> None:
        """End all sessions, like a restart."""
        self._session = ""

    def error_body(self, kind: str) -> Answer:
        """Answer with an active fault."""
        return _text({"limited": "Too many", "not_found": "Not Found"}.get(kind, kind), 500 if kind == "error" else 404)

    def answer(self, asked: Asked) -> Answer:
        """Answer one request."""
        prefix = f"{self.sub_path}/api/v2/"
        if not asked.path.startswith(prefix):
            return _text("Not Found", 404)
        call = asked.path.removeprefix(prefix)
        form, files = _form(asked)
        if call == "auth/login":
            return self._sign_in(form)
        if not self._may(asked):
            return _text("Forbidden", 403)
        method = getattr(self, "_" + call.replace("/", "_"), None)
        if method is None:
            return _text("Endpoint does not exist" if self.api >= (2, 14) else "Not Found", 404)
        if call in _POST_ONLY and asked.method != "POST":
            return _text("Method Not Allowed", 405)
        answer: Answer = method({**asked.query, **form}, files)
        return answer

    def _may(self, asked: Asked) -> bool:
        if self.api >= (2, 14, 1) and asked.headers.get("authorization") == f"Bearer {API_KEY}":
            return True
        return bool(self._session) and self._session in asked.headers.get("cookie", "")

    def _sign_in(self, form: dict[str, str]) -> Answer:
        self.sign_ins += 1
        if self.banned:
            return _text("Your IP address has been banned after too many failed authentication attempts.", 403)
        new = self.api >= (2, 14)
        if (form.get("username"), form.get("password")) != (USERNAME, self.password):
            return _text("Unauthorized", 401) if new else _text("Fails.")
        self._session = f"session{self.sign_ins}"
        cookie = f"{f'QBT_SID_{self.port}' if new else 'SID'}={self._session}; HttpOnly; SameSite=Strict; path=/"
        return Answer(204 if new else 200, b"" if new else b"Ok.", {"Set-Cookie": cookie}, "text/plain")

    def _app_version(self, _form: dict[str, str], _files: list[bytes]) -> Answer:
        return _text(self.version)

    def _app_webapiVersion(self, _form: dict[str, str], _files: list[bytes]) -> Answer:
        return _text(".".join(map(str, self.api)))

    def _app_preferences(self, _form: dict[str, str], _files: list[bytes]) -> Answer:
        return Answer.of(self.preferences)

    def _sync_maindata(self, _form: dict[str, str], _files: list[bytes]) -> Answer:
        return Answer.of({"rid": 1, "full_update": True, "server_state": {"free_space_on_disk": 10**12}})

    def _torrents_info(self, form: dict[str, str], _files: list[bytes]) -> Answer:
        wanted = form["hashes"].split("|") if "hashes" in form else None
        return Answer.of(
            [
                torrent.row()
                for torrent in self.torrents.values()
                if (wanted is None or torrent.hash in wanted)
                and ("category" not in form or torrent.category == form["category"])
            ]
        )

    def _torrents_files(self, form: dict[str, str], _files: list[bytes]) -> Answer:
        torrent = self.torrents.get(form.get("hash", ""))
        if torrent is None:
            return _text("Not Found", 404)
        return Answer.of(
            [
                {"index": i, "name": name, "size": size, "progress": torrent.progress, "priority": 1}
                for i, (name, size) in enumerate(torrent.files)
            ]
        )

    def _torrents_categories(self, _form: dict[str, str], _files: list[bytes]) -> Answer:
        return Answer.of(self.categories)

    def _torrents_createCategory(self, form: dict[str, str], _files: list[bytes]) -> Answer:
        name = form.get("category", "")
        if not name:
            return _text("Category name cannot be empty", 400)
        if name in self.categories or "\\" in name or "//" in name:
            return _text("Unable to create category", 409)
        self.categories[name] = {"name": name, "savePath": form.get("savePath", "")}
        return _text("")

    def _torrents_add(self, form: dict[str, str], files: list[bytes]) -> Answer:
        assert "paused" not in form or "stopped" in form, "5.x does not know `paused`"
        added = []
        for content in files:
            try:
                torrent = read_torrent(content)
            except Invalid:
                return _text("Error: not a valid torrent file.", 415)
            listed = [(file.path, file.size_bytes) for file in torrent.files]
            added.append((torrent.info_hashes[0], torrent.name, torrent.size_bytes, listed))
        links = [link for link in form.get("urls", "").split("\n") if link.startswith("magnet:")]
        added += [(magnet_hashes(link)[0], magnet_hashes(link)[0], 0, []) for link in links]
        fresh = [entry for entry in added if entry[0] not in self.torrents]
        for info_hash, name, size, listed in fresh:
            stopped = form.get("stopped", "").lower() == "true"
            self.torrents[info_hash] = _Torrent(
                info_hash,
                name,
                form.get("category", ""),
                form.get("savepath") or str(self.preferences["save_path"]),
                ", ".join(filter(None, form.get("tags", "").split(","))),
                "stoppedDL" if stopped else "stalledDL" if listed else "metaDL",
                size,
                listed,
                ratio_limit=float(form.get("ratioLimit") or -2),
                seeding_time_limit=int(form.get("seedingTimeLimit") or -2),
            )
        if self.api < (2, 14):
            return _text("Ok." if fresh else "Fails.")
        counts = {
            "success_count": len(fresh),
            "failure_count": len(added) - len(fresh),
            "pending_count": 0,
            "added_torrent_ids": [entry[0] for entry in fresh],
        }
        return Answer.of(counts, 200 if fresh else 409)

    def _torrents_delete(self, form: dict[str, str], _files: list[bytes]) -> Answer:
        for info_hash in form["hashes"].split("|"):
            self.torrents.pop(info_hash, None)
        return _text("")

    def _torrents_stop(self, form: dict[str, str], _files: list[bytes]) -> Answer:
        return self._set(form, "stopped")

    def _torrents_start(self, form: dict[str, str], _files: list[bytes]) -> Answer:
        return self._set(form, "stalled")

    def _set(self, form: dict[str, str], word: str) -> Answer:
        for info_hash in form["hashes"].split("|"):
            if torrent := self.torrents.get(info_hash):
                torrent.state = word + ("UP" if torrent.progress == 1 else "DL")
        return _text("")


_POST_ONLY = frozenset(
    f"torrents/{name}" for name in ("add", "delete", "stop", "start", "createCategory", "setShareLimits")
)


def _text(text: str, status: int = 200) -> Answer:
    return Answer(status, text.encode(), content_type="text/plain; charset=UTF-8")


def _form(asked: Asked) -> tuple[dict[str, str], list[bytes]]:
    """Return the fields and the files of a request's body."""
    content_type = asked.headers.get("content-type", "")
    if not content_type.startswith("multipart/form-data"):
        return dict(parse_qsl(asked.body.decode(), keep_blank_values=True)), []
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + asked.body)
    fields: dict[str, str] = {}
    files: list[bytes] = []
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename() is not None:
            files.append(content)
        else:
            fields[str(part.get_param("name", header="content-disposition"))] = content.decode()
    return fields, files
