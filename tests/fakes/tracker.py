"""A BitTorrent tracker over HTTP (BEP 3, compact answers of BEP 23), open to every torrent.

As a context manager in tests, or by itself: `python -m tests.fakes.tracker --port 4012`.
"""

from __future__ import annotations

import argparse
import socket
from collections import defaultdict
from urllib.parse import parse_qsl, urlsplit

from mydia.adapters.torrents import encode
from tests.fakes.stand_in import Answer, Asked, StandIn


class Tracker(StandIn):
    """Tracks announced peers and returns them to the others."""

    def __init__(self, *, port: int = 0, host: str = "127.0.0.1") -> None:
        super().__init__(port=port, host=host)
        self.peers: dict[str, dict[tuple[str, int], int]] = defaultdict(dict)
        """Info-hash in hex to (address, port) to bytes left."""

    @property
    def announce_url(self) -> str:
        """What torrents carry."""
        return f"{self.url}/announce"

    def answer(self, asked: Asked) -> Answer:
        """Answer an announce."""
        # The hash is raw bytes in the query, which only latin-1 preserves.
        query = dict(parse_qsl(urlsplit(asked.target).query, encoding="latin-1"))
        if asked.path != "/announce" or len(query.get("info_hash", "")) != 20 or not query.get("port", "").isdigit():
            return self.error_body("not_found")
        info_hash = query["info_hash"].encode("latin-1").hex()
        peer = ("127.0.0.1", int(query["port"]))
        swarm = self.peers[info_hash]
        if query.get("event") == "stopped":
            swarm.pop(peer, None)
        else:
            swarm[peer] = int(query.get("left") or 0)
        compact = b"".join(socket.inet_aton(ip) + port.to_bytes(2, "big") for ip, port in swarm if (ip, port) != peer)
        seeds = sum(1 for left in swarm.values() if left == 0)
        body = encode(
            {
                b"interval": 2,
                b"min interval": 1,
                b"complete": seeds,
                b"incomplete": len(swarm) - seeds,
                b"peers": compact,
            }
        )
        return Answer(200, body, content_type="text/plain")

    def error_body(self, kind: str) -> Answer:
        """Answer in the tracker's format."""
        return Answer(200, encode({b"failure reason": kind.encode()}), content_type="text/plain")


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A BitTorrent tracker for tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    wish = parser.parse_args()
    server = Tracker(port=wish.port, host=wish.host)
    print(f"tracker: {server.announce_url}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
