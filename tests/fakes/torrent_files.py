"""Creates real .torrent files from content on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mydia.adapters.torrents import Bencoded, encode, magnet_for, read_torrent


@dataclass(frozen=True)
class MadeTorrent:
    """A torrent and the path of its content."""

    content: bytes
    info_hash: str
    name: str
    folder: Path
    """The folder that holds the content: what a seeding client is given as its save path."""
    size_bytes: int

    def magnet(self, *trackers: str) -> str:
        """Return a magnet link to it."""
        return magnet_for(self.info_hash, self.name, trackers)


def make_torrent(
    path: Path, *, tracker: str | None = None, private: bool = False, piece_bytes: int = 64 * 1024
) -> MadeTorrent:
    """Create a version 1 torrent of a file or folder."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    info: dict[bytes, Bencoded] = {
        b"name": path.name.encode(),
        b"piece length": piece_bytes,
        b"pieces": b"".join(hashlib.sha1(piece).digest() for piece in _pieces(files, piece_bytes)),
    }
    if path.is_file():
        info[b"length"] = path.stat().st_size
    else:
        info[b"files"] = [
            {b"length": file.stat().st_size, b"path": [part.encode() for part in file.relative_to(path).parts]}
            for file in files
        ]
    if private:
        info[b"private"] = 1
    meta: dict[bytes, Bencoded] = {b"info": info, b"created by": b"Mydia tests"}
    if tracker:
        meta[b"announce"] = tracker.encode()
    content = encode(meta)
    size = sum(file.stat().st_size for file in files)
    return MadeTorrent(content, read_torrent(content).info_hashes[0], path.name, path.parent, size)


def make_hybrid_torrent(name: str, content: bytes, *, tracker: str | None = None) -> bytes:
    """Create a hybrid (v1 and v2, BEP 52) torrent of one file that fits one block (16 KiB)."""
    assert len(content) <= 16 * 1024
    info: dict[bytes, Bencoded] = {
        b"name": name.encode(),
        b"length": len(content),
        b"piece length": 16 * 1024,
        b"pieces": hashlib.sha1(content).digest(),
        b"meta version": 2,
        # The root of a tree with a single leaf is the leaf: the block's SHA-256.
        b"file tree": {
            name.encode(): {b"": {b"length": len(content), b"pieces root": hashlib.sha256(content).digest()}}
        },
    }
    meta: dict[bytes, Bencoded] = {b"info": info, b"piece layers": {}}
    if tracker:
        meta[b"announce"] = tracker.encode()
    return encode(meta)


def _pieces(files: list[Path], piece_bytes: int) -> Iterator[bytes]:
    waiting = b""
    for file in files:
        with file.open("rb") as opened:
            while chunk := opened.read(piece_bytes):
                waiting += chunk
                while len(waiting) >= piece_bytes:
                    yield waiting[:piece_bytes]
                    waiting = waiting[piece_bytes:]
    if waiting:
        yield waiting
