"""The part of a page that stays the same is compressed once, and what is sent is still one gzip file."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia.web.compression import Compressor

_POSTERS = "".join(f"<a href='/movies/{number}'>Film number {number}</a>" for number in range(600))
_GRID = f'<section class="vchunk" data-chunk="/movies/grid">{_POSTERS}</section>'


def _page(token: str, grid: str = _GRID) -> bytes:
    return f"<html><form><input value='{token}'></form>{grid}<section class='other'>end</section></html>".encode()


def test_pages_with_the_same_posters_share_their_compressed_form():
    compressor = Compressor()
    pages = [_page(f"token {number}") for number in range(5)]
    assert [gzip.decompress(compressor.gzip(page)) for page in pages] == pages
    assert compressor.hits == 4
    changed = _page("token", _GRID.replace("number 7<", "number seven<"))
    assert gzip.decompress(compressor.gzip(changed)) == changed
    assert compressor.hits == 4


def test_a_remembered_answer_is_compressed_once():
    compressor = Compressor()
    body = b'{"items": [' + b'{"title": "Metropolis"},' * 900 + b"]}"
    assert compressor.gzip(body, repeated=True) == compressor.gzip(body, repeated=True)
    assert compressor.hits == 1
    assert gzip.decompress(compressor.gzip(body, repeated=True)) == body


def test_what_is_kept_is_bounded_in_bytes():
    compressor = Compressor(kept_bytes=200_000)
    for number in range(40):
        compressor.gzip(_page("x", _GRID.replace("Film", f"Title {number}")))
        assert compressor.bytes <= 200_000
    assert compressor.bytes > 30_000


@pytest.mark.parametrize("size", [1, 9_000, 300_000])
def test_a_body_larger_than_what_is_kept_is_compressed_all_the_same(size: int):
    compressor = Compressor(kept_bytes=10_000)
    body = bytes(number % 251 for number in range(size))
    assert gzip.decompress(compressor.gzip(body, repeated=True)) == body
    assert compressor.bytes <= 10_000


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_any_text_around_the_posters_comes_through(before: bytes, after: bytes):
    body = before + _GRID.encode() + after
    compressor = Compressor()
    assert gzip.decompress(compressor.gzip(body)) == body == gzip.decompress(compressor.gzip(body))
