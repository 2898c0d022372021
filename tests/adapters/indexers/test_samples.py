"""Feeds modelled on public indexers, and recorded feeds if they are present."""

from __future__ import annotations

import os
from collections.abc import Iterator
from copy import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mydia.adapters.errors import Refused
from mydia.adapters.http import Http
from mydia.adapters.indexers import KINDS, Indexer
from mydia.adapters.indexers.newznab import _imdb, _plain, _read_date
from mydia.adapters.kinds import Connection
from tests.fakes.stand_in import Answer
from tests.fakes.torznab import Torznab

SHARED = Path(__file__).parents[4] / "shared" / "corpora" / "provider-samples"
RECORDED = Path(os.environ.get("PROVIDER_SAMPLES", SHARED)) / "torznab"

MIXED = b"""<?xml version="1.0" encoding="ISO-8859-1"?>
<rss version="1.0" xmlns:torznab="http://torznab.com/schemas/2015/feed"
     xmlns:newznab="http://www.newznab.com/DTD/2010/feeds/attributes/">
<channel><title>Mixed</title>
<item><title>H\xe4xan 1922 1080p</title><guid>1</guid><link>https://x.test/1.torrent</link>
  <pubDate>2015-03-14 17:10:42</pubDate>
  <enclosure url="https://x.test/1.torrent" length="2538463390" type="application/x-bittorrent"/>
  <newznab:attr name="IMDB" value="13257"/><torznab:attr name="seeders" value="7"/>
  <torznab:attr name="leechers" value="2"/><torznab:attr name="category" value="2000"/></item>
<item><title>Magnet in link</title>
  <link>magnet:?xt=urn:btih:cccccccccccccccccccccccccccccccccccccccc</link>
  <pubDate>Sat, 14 Mar 2015 17:10:42 +0100</pubDate><size>1</size></item>
<item><title>Without a link</title><guid>3</guid></item>
<item><guid>4</guid><link>https://x.test/4.torrent</link></item>
</channel></rss>"""


@pytest.fixture
def server() -> Iterator[Torznab]:
    with Torznab() as running:
        yield running


@pytest.fixture
def indexer(server: Torznab) -> Indexer:
    indexer = KINDS["torznab"].make(Connection(id="i", name="Mixed", kind="torznab", url=server.api_url), Http())
    server.key = ""
    return indexer


def test_dialects_dates_and_sizes_are_parsed(server: Torznab, indexer: Indexer) -> None:
    indexer.capabilities()
    server.spoil = lambda answer: replace(answer, body=MIXED) if b"<rss" in answer.body else answer
    server.key = None  # type: ignore[assignment]  # an indexer without a key

    newest, oldest = indexer.recent()

    assert newest.title == "H\xe4xan 1922 1080p"
    assert newest.published_at == datetime(2015, 3, 14, 17, 10, 42, tzinfo=UTC)
    assert newest.size_bytes == 2538463390
    assert newest.imdb_id == "tt0013257"
    assert (newest.seeders, newest.peers) == (7, 9)
    assert oldest.magnet is not None
    assert oldest.info_hash == "c" * 40
    assert oldest.size_bytes is None
    assert oldest.published_at == datetime(2015, 3, 14, 16, 10, 42, tzinfo=UTC)


@pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded feeds are missing; set PROVIDER_SAMPLES")
@pytest.mark.parametrize("name", ["torznab_hdaccess_net.xml", "newznab_nzb_su.xml"])
def test_recorded_feeds_are_parsed_completely(name: str, server: Torznab, indexer: Indexer) -> None:
    content = (RECORDED / name).read_bytes()
    server.spoil = lambda answer: replace(answer, body=content) if b"<rss" in answer.body else answer
    server.key = None  # type: ignore[assignment]

    found = indexer.recent(limit=1000)

    assert len(found) == content.count(b"<item>")
    assert all(release.size_bytes and release.published_at and release.download_url for release in found)


@pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded feeds are missing; set PROVIDER_SAMPLES")
def test_a_recorded_refusal_is_a_refusal(server: Torznab, indexer: Indexer) -> None:
    server.spoil = lambda _: Answer(200, (RECORDED / "unauthorized.xml").read_bytes(), content_type="text/xml")

    with pytest.raises(Refused, match="Incorrect user credentials"):
        indexer.recent()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Mon, 27 Feb 2012 11:09:39 -0500", "2012-02-27T16:09:39+00:00"),
        ("27 Feb 2012 11:09:39 GMT", "2012-02-27T11:09:39+00:00"),
        ("Mon, 27 Feb 2012 11:09:39", "2012-02-27T11:09:39+00:00"),
        ("2012-02-27T11:09:39Z", "2012-02-27T11:09:39+00:00"),
        ("2012-02-27 11:09:39", "2012-02-27T11:09:39+00:00"),
        ("1330340979", "2012-02-27T11:09:39+00:00"),
        ("yesterday", None),
        ("Mon, 99 Feb 2012 11:09:39 -0500", None),
        ("", None),
    ],
)
def test_dates_are_read_in_the_forms_that_feeds_use(text: str, meant: str | None) -> None:
    read = _read_date(text)

    assert (read.isoformat() if read else None) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("tt0037638", "tt0037638"),
        ("37638", "tt0037638"),
        ("tt10872600", "tt10872600"),
        ("0", None),
        ("", None),
        ("tt", None),
    ],
)
def test_imdb_numbers_get_their_usual_form(text: str, meant: str | None) -> None:
    assert _imdb(text) == meant


def test_titles_in_other_scripts_stay_as_they_are() -> None:
    assert _plain("七人の侍") == "七人の侍"
    assert _plain("Čapek’s R.U.R.") == "Capeks R U R"
