"""Reading .torrent files and magnet links."""

from __future__ import annotations

import hashlib
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia.adapters.torrents import TorrentFile, encode, magnet_for, magnet_hashes, read_torrent
from mydia.errors import Invalid
from tests.fakes.torrent_files import make_hybrid_torrent, make_torrent

HASH = "0123456789abcdef0123456789abcdef01234567"


def test_a_torrent_of_several_files_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "Häxan (1922)"
    (folder / "extras").mkdir(parents=True)
    (folder / "häxan.mkv").write_bytes(b"x" * 100_000)
    (folder / "extras" / "trailer.mkv").write_bytes(b"y" * 10)

    read = read_torrent(make_torrent(folder, tracker="http://tracker.test/announce", private=True).content)

    assert read.name == "Häxan (1922)"
    assert set(read.files) == {
        TorrentFile("Häxan (1922)/häxan.mkv", 100_000),
        TorrentFile("Häxan (1922)/extras/trailer.mkv", 10),
    }
    assert read.size_bytes == 100_010
    assert read.private
    assert read.trackers == ("http://tracker.test/announce",)
    assert len(read.info_hashes) == 1


def test_the_hash_is_computed_from_the_original_bytes_even_with_unsorted_keys() -> None:
    info = b"d6:pieces20:aaaaaaaaaaaaaaaaaaaa12:piece lengthi16384e4:name1:x6:lengthi1ee"

    read = read_torrent(b"d4:info" + info + b"7:comment2:hie")

    assert read.info_hashes == (hashlib.sha1(info).hexdigest(),)


def test_a_hybrid_has_both_hashes() -> None:
    read = read_torrent(make_hybrid_torrent("film.mkv", b"content"))

    assert len(read.info_hashes) == 2
    assert read.files == (TorrentFile("film.mkv", 7),)


def test_a_version_2_torrent_has_its_hash_cut_to_20_bytes() -> None:
    leaf = {b"": {b"length": 7, b"pieces root": b"r" * 32}}
    info = encode(
        {b"meta version": 2, b"name": b"Film", b"piece length": 16384, b"file tree": {b"a": {b"b.mkv": leaf}}}
    )

    read = read_torrent(b"d4:info" + info + b"e")

    assert read.info_hashes == (hashlib.sha256(info).hexdigest()[:40],)
    assert read.files == (TorrentFile("Film/a/b.mkv", 7),)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html></html>",
        b"d",
        b"de",
        b"d4:infodee",
        b"d4:info3:xyze",
        b"d4:infod6:lengthi1e4:name1:x",
        b"d4:infod4:name99999999999:xee",
        b"d" + b"1:ad" * 5000,
        b"d" + b"1:al" * 5000,
        b"di1ei2ee",
    ],
)
def test_a_file_that_is_not_a_torrent_is_invalid(content: bytes) -> None:
    with pytest.raises(Invalid, match="torrent"):
        read_torrent(content)


@pytest.mark.parametrize("piece", [b"le", b"de", b"0:", b"i9e"])
def test_a_torrent_of_many_tiny_values_is_refused_before_it_fills_the_memory(piece: bytes) -> None:
    info = encode({b"length": 7, b"name": b"Film", b"pieces": b"p" * 20})
    content = b"d4:info" + info + b"1:zl" + piece * 1_000_000 + b"ee"
    tracemalloc.start()
    try:
        with pytest.raises(Invalid, match="damaged"):
            read_torrent(content)
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=200))
def test_no_content_breaks_the_reader(content: bytes) -> None:
    for tried in (content, b"d" + content, b"d4:info" + content + b"e"):
        try:
            read_torrent(tried)
        except Invalid:
            continue


@pytest.mark.parametrize(
    ("link", "hashes"),
    [
        (f"magnet:?xt=urn:btih:{HASH.upper()}&dn=Detour", (HASH,)),
        ("magnet:?dn=x&xt=urn:btih:AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH", (HASH,)),
        (f"magnet:?xt=urn:btmh:1220{'ab' * 32}", ("ab" * 20,)),
        (f"magnet:?xt=urn:btih:{HASH}&xt=urn:btmh:1220{'ab' * 32}", (HASH, "ab" * 20)),
        (f"magnet:?xt.1=urn:btih:{HASH}", (HASH,)),
        (f"MAGNET:?xt=urn:BTIH:{HASH}", (HASH,)),
    ],
)
def test_the_hashes_of_a_magnet_are_read(link: str, hashes: tuple[str, ...]) -> None:
    assert magnet_hashes(link) == hashes


@pytest.mark.parametrize("link", ["", "http://x", "magnet:?dn=x", "magnet:?xt=urn:btih:short", "magnet:?xt=urn:ed2k:x"])
def test_a_link_that_is_not_a_magnet_is_invalid(link: str) -> None:
    with pytest.raises(Invalid):
        magnet_hashes(link)


def test_a_created_magnet_is_parsed_back() -> None:
    assert magnet_hashes(magnet_for(HASH, "Häxan & more", ("http://t/announce?a=b&c=d",))) == (HASH,)
