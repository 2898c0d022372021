"""Feeds from public bug reports: an error in one place must not lose the rest, and values are read as intended."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from copy import replace
from pathlib import Path

import pytest

from mydia import clock
from mydia.adapters.errors import Nonsense
from mydia.adapters.http import Http
from mydia.adapters.indexers import KINDS, Fetched, Indexer, IndexerRelease, Protocols, Query, feed_xml
from mydia.adapters.kinds import Connection, Secret
from tests.fakes.stand_in import Answer
from tests.fakes.torznab import KEY, Offer, Torznab

REPORTED = Path(__file__).parents[4] / "shared" / "corpora" / "reports" / "inputs" / "feeds"
HASH = "9fb267cff5ae5603f07a347676ec3bf3e35f75e1"
_HEAD = (
    b'<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:torznab="http://torznab.com/schemas/2015/feed" '
    b'xmlns:newznab="http://www.newznab.com/DTD/2010/feeds/attributes/"><channel>'
)
_GOOD = b"<item><title>Good.2020.1080p</title><guid>good</guid><link>http://x.test/good</link></item>"


def feed(item: str | bytes) -> bytes:
    content = item.encode() if isinstance(item, str) else item
    return _HEAD + content + _GOOD + b"</channel></rss>"


def item(title: str = "A.2021.1080p", *, guid: str = "a", link: str = "http://x.test/1", more: str = "") -> str:
    return f"<item><title>{title}</title><guid>{guid}</guid><link>{link}</link>{more}</item>"


@pytest.fixture
def server() -> Iterator[Torznab]:
    with Torznab() as running:
        running.key = None  # type: ignore[assignment]  # an indexer without a key
        yield running


@pytest.fixture
def indexer(server: Torznab) -> Iterator[Indexer]:
    http = Http()
    made = KINDS["torznab"].make(Connection(id="i", name="Rec", kind="torznab", url=server.api_url), http)
    made.capabilities()
    yield made
    http.close()


def read(server: Torznab, indexer: Indexer, content: bytes) -> dict[str, IndexerRelease]:
    server.spoil = lambda answer: replace(answer, body=content) if b"<rss" in answer.body else answer
    return {release.guid: release for release in indexer.recent()}


@pytest.mark.parametrize(
    ("damaged", "title"),
    [
        (item("Tom.and.Jerry.2021.1080p", more="<description>Tom & Jerry</description>"), "Tom.and.Jerry.2021.1080p"),
        (item("Les Mis&eacute;rables&nbsp;2012 1080p"), "Les Misérables 2012 1080p"),
        (item("A.2021.1080p", more="<description>x&#x1F;y&#xFFFF;</description>"), "A.2021.1080p"),
        (item("A.2021.1080p", more="<description>\x0b\x1b</description>"), "A.2021.1080p"),
        (item("Am\xe9lie.2001.1080p").encode("latin-1"), "Amélie.2001.1080p"),
        (item("Am\xe9lie.\u5343\u3068.1080p").encode().replace(b"\xc3\xa9", b"\xe9"), "Amélie.千と.1080p"),
        (item("A &bogus; B 2021 1080p"), "A &bogus; B 2021 1080p"),
        (item("A & B 2021 1080p", link="http://x.test/1?a=1&b=2"), "A & B 2021 1080p"),
    ],
)
def test_a_damaged_item_is_repaired_without_losing_others(
    damaged: str | bytes, title: str, server: Torznab, indexer: Indexer
) -> None:
    found = read(server, indexer, feed(damaged))
    assert found["a"].title == title
    assert found["good"].title == "Good.2020.1080p"


@pytest.mark.parametrize(
    "broken",
    [
        "<item><title>Unclosed.2021<guid>a</guid><link>http://x.test/1</link></item>",
        '<item><title>A</title><guid>a</guid><link attr=">http://x.test/1</link></item>',
        "<item><title>A</title></wrong><guid>a</guid></item>",
        '<item><title>A</title><unknown:attr name="x" value="1"/><guid>a</guid><link>http://x.test/1</link></item>',
    ],
)
def test_only_the_item_beyond_repair_is_lost(broken: str, server: Torznab, indexer: Indexer) -> None:
    assert "good" in read(server, indexer, feed(broken))


@pytest.mark.skipif(not REPORTED.is_dir(), reason="the reported feeds are missing")
@pytest.mark.parametrize(
    "path", sorted(REPORTED.glob("*.xml")) if REPORTED.is_dir() else [], ids=lambda path: path.stem
)
def test_every_reported_feed_gives_its_release(path: Path, server: Torznab, indexer: Indexer) -> None:
    (release,) = read(server, indexer, path.read_bytes()).values()
    assert "&" not in release.title.replace(" & ", "").replace(".&.", "")
    assert release.magnet or release.download_url


def test_an_item_with_only_an_info_hash_gets_a_magnet(server: Torznab, indexer: Indexer) -> None:
    only = f'<item><title>A.2021.1080p</title><guid>a</guid><torznab:attr name="infohash" value="{HASH}"/></item>'
    found = read(server, indexer, feed(only))["a"]
    assert found.info_hash == HASH
    assert (found.magnet or "").startswith(f"magnet:?xt=urn:btih:{HASH}")


def test_a_base32_info_hash_is_read(server: Torznab, indexer: Indexer) -> None:
    base32 = "T6ZGPT7VVZLAH4D2GR3HN3B36PRV65PB"
    found = read(server, indexer, feed(item(more=f'<torznab:attr name="infohash" value="{base32}"/>')))["a"]
    assert found.info_hash == HASH


@pytest.mark.parametrize("link", [f"MAGNET:?xt=urn:btih:{HASH}&amp;amp;dn=x", f" Magnet:?xt=urn:btih:{HASH.upper()}"])
def test_magnets_are_read_in_any_spelling(link: str, server: Torznab, indexer: Indexer) -> None:
    found = read(server, indexer, feed(item(link=link)))["a"]
    assert found.info_hash == HASH
    assert (found.magnet or "").startswith("magnet:?xt=urn:btih:")
    assert "&amp;" not in (found.magnet or "")


@pytest.mark.parametrize(
    ("link", "path"), [("/download/1.torrent", "/download/1.torrent"), ("download.php?id=1", "/api/download.php?id=1")]
)
def test_a_relative_link_is_resolved(link: str, path: str, server: Torznab, indexer: Indexer) -> None:
    found = read(server, indexer, feed(item(link=link)))["a"]
    assert found.download_url is not None
    assert found.download_url.startswith(server.url)
    assert found.download_url.endswith(path)


@pytest.mark.parametrize(
    ("title", "meant"),
    [
        ("Series.&amp;amp;.Title.S02E19", "Series.&.Title.S02E19"),
        ("Caf&amp;eacute; 2020", "Café 2020"),
        ("Plain &amp; Simple", "Plain & Simple"),
    ],
)
def test_a_title_encoded_twice_is_decoded(title: str, meant: str, server: Torznab, indexer: Indexer) -> None:
    assert read(server, indexer, feed(item(title)))["a"].title == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1.5 GB", 1_610_612_736),
        ("734 MiB", 769_654_784),
        ("2,5 TB", 2_748_779_069_440),
        ("900KB", 921_600),
        ("1,234,567", 1_234_567),
        ("big", None),
    ],
)
def test_sizes_in_words_are_read(text: str, meant: int | None, server: Torznab, indexer: Indexer) -> None:
    assert read(server, indexer, feed(item(more=f"<size>{text}</size>")))["a"].size_bytes == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Mon, 05 Feb 2024 10:11:12 CEST", "2024-02-05T08:11:12+00:00"),
        ("Mon, 05 Feb 2024 10:11:12 CET", "2024-02-05T09:11:12+00:00"),
        ("Mon, 05 Feb 2024 10:11:12 EST", "2024-02-05T15:11:12+00:00"),
        ("Mon, 05 Feb 2024 10:11:12 JST", "2024-02-05T01:11:12+00:00"),
        ("Mon, 05 Feb 2024 10:11:12 GMT", "2024-02-05T10:11:12+00:00"),
    ],
)
def test_dates_with_the_name_of_a_zone_are_read(text: str, meant: str, server: Torznab, indexer: Indexer) -> None:
    found = read(server, indexer, feed(item(more=f"<pubDate>{text}</pubDate>")))["a"]
    assert found.published_at is not None
    assert found.published_at.isoformat() == meant


def test_seeding_rules_languages_and_passwords_are_read(server: Torznab, indexer: Indexer) -> None:
    attributes = {"minimumratio": "1.0", "minimumseedtime": "172800", "language": "English, Japanese", "password": "1"}
    more = "".join(f'<torznab:attr name="{name}" value="{value}"/>' for name, value in attributes.items())
    found = read(server, indexer, feed(item(more=more)))["a"]
    assert (found.minimum_ratio, found.minimum_seed_time_s) == (1.0, 172_800)
    assert found.languages == ("English", "Japanese")
    assert "password" in found.flags


def test_attributes_are_read_under_a_misspelt_namespace(server: Torznab, indexer: Indexer) -> None:
    content = feed(item(more='<torznab:attr name="seeders" value="7"/>')).replace(b"2015/feed", b"2015/feed/")
    assert read(server, indexer, content)["a"].seeders == 7


def test_a_cloudflare_page_is_recognised_and_not_reported_as_a_wrong_password(
    server: Torznab, indexer: Indexer
) -> None:
    page = b"<!DOCTYPE html><html><title>Just a moment...</title><body>Enable JavaScript & cookies</body></html>"
    server.spoil = lambda _: Answer(403, page, content_type="text/html")
    with pytest.raises(Nonsense, match="Cloudflare"):
        indexer.recent()


def test_all_pages_of_an_answer_are_read(server: Torznab, indexer: Indexer) -> None:
    pages = {
        offset: _HEAD
        + b"".join(item(guid=f"g{n}").encode() for n in range(offset, min(offset + 100, 250)))
        + b"</channel></rss>"
        for offset in (0, 100, 200)
    }
    asked: list[int] = []

    def page(answer: Answer) -> Answer:
        if b"<rss" not in answer.body:
            return answer
        offset = int(server.asked[-1].query.get("offset", "0"))
        asked.append(offset)
        return replace(answer, body=pages[offset])

    server.spoil = page
    found = indexer.search(Query(type="any", text="a"))
    assert (len(found), asked) == (250, [0, 100, 200])


def test_a_server_that_ignores_the_offset_gets_at_most_two_requests(server: Torznab, indexer: Indexer) -> None:
    same = _HEAD + b"".join(item(guid=f"g{n}").encode() for n in range(100)) + b"</channel></rss>"
    asked: list[int] = []

    def page(answer: Answer) -> Answer:
        if b"<rss" not in answer.body:
            return answer
        asked.append(1)
        return replace(answer, body=same)

    server.spoil = page
    assert len(indexer.search(Query(type="any", text="a"))) == 100
    assert len(asked) == 2


_ATTRIBUTES = b"<a " + b" ".join(b'%c=""' % letter for letter in b"bcdefghijklmnopqrstu") + b"/>"


@pytest.mark.parametrize(
    ("piece", "what"), [(b"<a/>", "tags"), (_ATTRIBUTES, "attributes"), (b"&nbsp;", "entities"), (b"&", "entities")]
)
def test_a_response_of_many_tiny_pieces_is_refused_before_it_fills_the_memory(
    piece: bytes, what: str, server: Torznab, indexer: Indexer
) -> None:
    import resource

    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tiny = _HEAD + b"<item>" + piece * (12_000_000 // len(piece)) + b"</item></channel></rss>"
    grown_by_content_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    server.spoil = lambda answer: replace(answer, body=tiny)
    with pytest.raises(Nonsense, match=f"XML {what}, which is too many"):
        indexer.recent()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < grown_by_content_kib + 150_000


@pytest.mark.parametrize("codec", ["utf-7", "utf-16", "utf-16-le", "utf-16-be"])
def test_another_encoding_does_not_hide_tags_from_the_limit(codec: str) -> None:
    text = f"<rss><channel><item>{'<a/>' * 250_000}</item></channel></rss>"
    content = text.encode(codec)
    if codec == "utf-7":
        # Python leaves "<" as it is, but a decoder also accepts this spelling.
        content = b'<?xml version="1.0" encoding="UTF-7"?>' + content.replace(b"<", b"+ADw-")
    with pytest.raises((feed_xml.TooLarge, SyntaxError)):
        feed_xml.parse(content)


@pytest.mark.parametrize(
    ("declared", "codec", "title"),
    [
        ("utf-8", "utf-8", "Müller"),
        ("utf-8", "utf-8-sig", "Müller"),
        ("utf-16", "utf-16", "Müller"),
        ("utf-16", "utf-8", "Müller"),
        ("ISO-8859-1", "latin-1", "Müller"),
        ("windows-1251", "cp1251", "Солярис"),
        ("Shift_JIS", "shift_jis", "怪物"),
        ("no such encoding", "utf-8", "Müller"),
    ],
)
@pytest.mark.parametrize("end", ["", " & more"])
def test_a_feed_is_read_in_its_encoding(
    declared: str, codec: str, title: str, end: str, server: Torznab, indexer: Indexer
) -> None:
    text = f'<?xml version="1.0" encoding="{declared}"?><rss><channel>{item(title + end)}</channel></rss>'
    assert read(server, indexer, text.encode(codec))["a"].title == title + end


@pytest.mark.parametrize("text", ["&" * 200_000, "&#" * 100_000, "<item " * 30_000, "&a" * 100_000, "<item>" * 30_000])
def test_repair_time_is_linear_in_the_length(text: str) -> None:
    done = threading.Event()

    def work() -> None:
        with contextlib.suppress(ValueError, SyntaxError):
            feed_xml.parse(f"<rss><channel>{text}".encode())
        done.set()

    began_s = clock.monotonic_s()
    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    assert done.wait(30), f"still busy after {clock.monotonic_s() - began_s:.0f} s"


@pytest.mark.parametrize("bytes_", [b"\xff", b"a\xff", b"\x81"])
def test_megabytes_of_invalid_utf_8_are_read_in_seconds_and_the_other_items_stay(bytes_: bytes) -> None:
    """Twelve megabytes took 15 s, because each invalid byte was replaced by a function of ours."""
    damaged = b"<item><title>" + bytes_ * (12_000_000 // len(bytes_)) + b"</title></item>"
    began_s = time.thread_time()  # the time of this thread, whatever else the machine does
    root = feed_xml.parse(_HEAD + damaged + _GOOD + b"</channel></rss>")
    assert time.thread_time() - began_s < 5
    assert root.findall(".//item/title")[-1].text == "Good.2020.1080p"


def fetched(kind: str, content: bytes) -> Fetched:
    """Fetch a release's file from an indexer that has this content for it."""
    http = Http()
    with Torznab(dialect=kind) as server:
        server.offers = [Offer("A.2021.1080p", content=content)]
        indexer = KINDS[kind].make(
            Connection(id="i", name="Rec", kind=kind, url=server.api_url, secret=Secret(KEY)), http
        )
        (release,) = indexer.recent()
        try:
            return indexer.fetch(release.download_url or "")
        finally:
            http.close()


def test_a_torrent_behind_a_byte_order_mark_is_fetched() -> None:
    torrent = b"d4:infod6:lengthi1e4:name1:x12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaaee"
    assert fetched("torznab", b"\xef\xbb\xbf \r\n" + torrent).content == torrent


def test_an_nzb_of_20_mb_is_fetched_and_one_without_files_is_refused() -> None:
    segments = b'<segment bytes="1" number="1">part@news</segment>' * 420_000
    nzb = b'<?xml version="1.0"?><nzb><file><segments>' + segments + b"</segments></file></nzb>"
    assert fetched("newznab", nzb).content == nzb
    with pytest.raises(Nonsense, match="without files"):
        fetched("newznab", b'<?xml version="1.0"?><nzb></nzb>')


def test_the_enclosure_type_gives_the_protocol(server: Torznab, indexer: Indexer) -> None:
    nzb = '<enclosure url="http://x.test/1.nzb" length="5000" type="application/x-nzb"/>'
    found = read(server, indexer, feed(item(more=nzb)))
    assert (found["a"].protocol, found["good"].protocol) == (Protocols.USENET, Protocols.TORRENT)


def test_an_nzb_is_fetched_from_a_prowlarr_feed_configured_as_torznab() -> None:
    nzb = b'<?xml version="1.0"?><nzb><file><segments><segment>part@news</segment></segments></file></nzb>'
    assert fetched("torznab", nzb).content == nzb
