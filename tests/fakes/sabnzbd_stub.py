"""A stand-in for SABnzbd's API, because Debian does not package SABnzbd. Tests set the state of downloads."""

from __future__ import annotations

import re
from typing import Any

from mydia import clock
from mydia.adapters.kinds import Connection, Secret
from tests.fakes.stand_in import Answer, Asked, StandIn

KEY = "00112233445566778899aabbccddeeff"


class SabnzbdStub(StandIn):
    """SABnzbd 4.3 under its default sub-path."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: dict[str, dict[str, Any]] = {}
        self.history: dict[str, dict[str, Any]] = {}
        self.paused = False
        self._added = 0

    @property
    def connection(self) -> Connection:
        """Mydia's connection to it."""
        return Connection(
            id="sabnzbd",
            name="SABnzbd",
            kind="sabnzbd",
            url=f"{self.url}/sabnzbd",
            secret=Secret(KEY),
            options={"category": "mydia"},
        )

    def finish(self, ref: str, *, status: str = "Completed", message: str = "") -> None:
        """Move a download to the history."""
        slot = self.queue.pop(ref)
        self.history[ref] = {
            "nzo_id": ref,
            "name": slot["filename"],
            "category": slot["cat"],
            "status": status,
            "fail_message": message,
            "storage": f"/downloads/complete/{slot['filename']}" if status == "Completed" else "",
            "bytes": 1_000_000,
            "completed": int(clock.now().timestamp()),
        }

    def error_body(self, kind: str) -> Answer:
        """Answer with an active fault."""
        return Answer(500 if kind == "error" else 404, kind.encode(), content_type="text/plain")

    def answer(self, asked: Asked) -> Answer:
        """Answer one request."""
        if asked.path != "/sabnzbd/api":
            return Answer(404, b"Not found", content_type="text/html")
        if asked.query.get("apikey") != KEY:
            return Answer.of({"status": False, "error": "API Key Incorrect"}, 403)
        match asked.query.get("mode"):
            case "queue" if "name" in asked.query:
                return self._change(asked)
            case "history" if "name" in asked.query:
                found = self.history.pop(asked.query["value"], None)
                return Answer.of({"status": found is not None})
            case "queue":
                return Answer.of(
                    {
                        "queue": {
                            "version": "4.3.3",
                            "paused": self.paused,
                            "diskspace2": "3127.88",
                            "slots": [*self.queue.values()],
                        }
                    }
                )
            case "history":
                return Answer.of({"history": {"noofslots": len(self.history), "slots": [*self.history.values()]}})
            case "get_config":
                return Answer.of({"config": {"misc": {"complete_dir": "/downloads/complete"}}})
            case "get_cats":
                return Answer.of({"categories": ["*", "movies"]})
            case "addfile":
                return self._add(asked)
            case _:
                return Answer.of({"status": False, "error": "not implemented"})

    def _add(self, asked: Asked) -> Answer:
        assert asked.headers["content-type"].startswith("multipart/form-data")
        assert re.search(rb'name="nzbfile"; filename="[^"]+\.nzb"', asked.body)
        if b"<segment" not in asked.body:
            return Answer.of({"status": True, "nzo_ids": []})
        self._added += 1
        ref = f"SABnzbd_nzo_{self._added}"
        self.queue[ref] = {
            "nzo_id": ref,
            "filename": asked.query["nzbname"],
            "cat": asked.query["cat"],
            "status": "Paused" if asked.query["priority"] == "-2" else "Queued",
            "priority": "Normal",
            "mb": "0.95",
            "mbleft": "0.95",
            "timeleft": "0:00:00",
            "labels": [],
        }
        return Answer.of({"status": True, "nzo_ids": [ref]})

    def _change(self, asked: Asked) -> Answer:
        ref = asked.query["value"]
        if ref not in self.queue:
            return Answer.of({"status": False})
        if asked.query["name"] == "delete":
            del self.queue[ref]
        else:
            self.queue[ref]["status"] = "Paused" if asked.query["name"] == "pause" else "Downloading"
        return Answer.of({"status": True, "nzo_ids": [ref]})
