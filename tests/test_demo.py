"""The demo's releases can be imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from mydia.adapters.media_tools.mediainfo import MediaInfoProbe
from tests.demo import OFFERS, Demo
from tests.fakes import qbittorrent, videos

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(qbittorrent.PROGRAM is None, reason=qbittorrent.MISSING),
    pytest.mark.skipif(videos.FFMPEG is None, reason=videos.MISSING),
]


def test_every_release_of_the_demo_is_a_whole_video(tmp_path: Path) -> None:
    with Demo(tmp_path, files=False):
        for title, megabytes, _ in OFFERS:
            path = tmp_path / "swarm" / "releases" / title / f"{title}.mkv"
            assert path.stat().st_size > megabytes * 1_000_000
            facts = MediaInfoProbe().probe(path)
            assert facts.resolution == 1080
            assert (facts.duration_s or 0) > 600, "shorter, it would be a sample of a film of 68 minutes"


def test_a_demo_that_fails_to_start_leaves_nothing_running(tmp_path: Path) -> None:
    class Unpublishable(Demo):
        def publish(self) -> None:
            assert self.swarm is not None
            assert self.client is not None
            assert self.swarm.seeder.running
            assert self.client.running
            raise OSError("no space left for the releases")

    demo = Unpublishable(tmp_path, files=False)
    with pytest.raises(OSError, match="no space left"), demo:
        pytest.fail("it was set up")
    assert demo.swarm is not None
    assert demo.client is not None
    assert not demo.swarm.seeder.running
    assert not demo.client.running
