"""From a search to the file on disk, using only the adapters and real services."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from mydia.adapters.download_clients import NewDownload, RemoteState
from mydia.adapters.indexers import Query
from mydia.adapters.outside import real_outside
from tests.fakes.outside import FakeMetadataProvider
from tests.fakes.qbittorrent import MISSING, PROGRAM, RealQBittorrent, wait_until
from tests.fakes.swarm import Swarm


@pytest.mark.real
@pytest.mark.skipif(not PROGRAM, reason=MISSING)
def test_a_grabbed_release_arrives_unchanged(tmp_path: Path) -> None:
    outside = real_outside(FakeMetadataProvider)
    published = tmp_path / "published" / "Detour.1945.1080p.BluRay.x264-NOIR" / "detour.mkv"
    published.parent.mkdir(parents=True)
    published.write_bytes(os.urandom(3_000_000))

    with Swarm(tmp_path / "swarm") as swarm, RealQBittorrent(tmp_path / "client") as qbittorrent:
        swarm.publish(published.parent, tmdb_id=20367)
        [release] = outside.indexer(swarm.connection).search(
            Query(type="movie", text="Detour", year=1945, tmdb_id=20367)
        )
        assert release.download_url is not None
        fetched = outside.indexer(swarm.connection).fetch(release.download_url)
        client = outside.download_client(qbittorrent.connection)
        ref = client.add(NewDownload(name=release.title, content=fetched.content))
        assert ref == release.info_hash

        def arrived() -> bool:
            known = client.get(ref)
            return known is not None and known.state is RemoteState.SEEDING

        wait_until(arrived, "it has arrived")
        known = client.get(ref)
        assert known is not None
        assert known.save_path is not None
        [file] = client.files(ref)
        target = tmp_path / "library" / "Detour (1945)" / "Detour (1945).mkv"
        outside.files.hardlink(Path(known.save_path) / file.path, target)

    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(published.read_bytes()).digest()
