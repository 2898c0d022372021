"""Releases that other programs announce: judged like those of a feed, grabbed once, fetched only from allowed hosts."""

from __future__ import annotations

from copy import replace
from typing import Any

import pytest
from sqlalchemy import select

from mydia.adapters.indexers import Protocols
from mydia.adapters.outside import real_outside
from mydia.contexts import downloads
from mydia.contexts.downloads import Search
from mydia.contexts.downloads.feeds import Announced, Reply
from mydia.contexts.users import SYSTEM, Caller
from mydia.errors import Forbidden, Invalid
from tests.contexts.downloads.conftest import House
from tests.fakes.torznab import Torznab

MAGNET = "magnet:?xt=urn:btih:" + "ab" * 20


def push(house: House, title: str = "Metropolis.1927.1080p.BluRay.x264-GRP", **facts: Any) -> list[Reply]:
    facts = {"magnet": MAGNET, "indexer": "Announcer", "size_bytes": 4 * 1024**3, **facts}
    announced = Announced(title=title, protocol=Protocols.TORRENT, **facts)
    return downloads.feeds.push(house.database, house.outside, SYSTEM, house.now, announced)


def test_a_wanted_release_is_grabbed_at_once(house: House) -> None:
    (reply,) = push(house)

    (download,) = house.downloads()
    assert (reply.verdict, reply.download_id, reply.reasons) == ("grabbed", download.id, ())
    assert (download.indexer_name, download.cause, download.media_item_id) == ("Announcer", "rss", house.film_id)


def test_it_is_grabbed_once_however_often_it_is_announced(house: House) -> None:
    push(house)
    house.later(minutes=1)

    (again,) = push(house)

    assert again.verdict == "refused"
    assert len(house.downloads()) == 1


def test_a_rejected_release_comes_with_every_reason(house: House) -> None:
    (reply,) = push(house, "Metropolis.1927.HDCAM.x264-GRP")

    assert reply.verdict == "refused"
    assert [reason.code for reason in reply.reasons] == ["quality-not-wanted"]
    assert house.downloads() == []
    with house.database.reads() as session:
        (search,) = session.scalars(select(Search))
        assert (search.id, search.state) == (reply.search_id, "done")


def test_a_release_that_nothing_wants_says_so(house: House) -> None:
    (reply,) = push(house, "Another.Film.2020.1080p.BluRay.x264-GRP")

    assert [str(reason) for reason in reply.reasons] == ["No title of the library that wants something has this name."]


def test_the_settings_of_a_configured_indexer_count(house: House) -> None:
    link = "http://indexer.test/7"
    house.indexer.content[link] = house.indexer.content[house.offer("x").download_url or ""]

    (reply,) = push(house, magnet=None, download_url=link, indexer="PUBLIC")

    (download,) = house.downloads()
    assert reply.verdict == "grabbed"
    assert (download.indexer_id, download.indexer_name) == ("indexer-1", "Public")


@pytest.mark.parametrize(
    "facts",
    [
        {"title": "  "},
        {"magnet": None},
        {"magnet": None, "download_url": "file:///etc/passwd"},
        {"magnet": None, "download_url": "http://[broken"},
        {"magnet": "magnet:?xt=nothing"},
    ],
)
def test_a_release_without_name_or_usable_link_is_invalid(house: House, facts: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        push(house, **facts)


def test_a_link_into_the_own_network_is_not_followed(house: House) -> None:
    with Torznab() as server:
        house.outside = replace(house.outside, indexer=real_outside(house.outside.metadata).indexer)

        (reply,) = push(house, magnet=None, download_url=f"{server.url}/download/0/x.torrent")

        assert reply.download_id is None
        assert server.asked == []
    assert house.downloads() == []


def test_only_those_who_manage_titles_may_announce(house: House, guest: Caller) -> None:
    with pytest.raises(Forbidden):
        downloads.feeds.push(
            house.database,
            house.outside,
            guest,
            house.now,
            Announced(title="Metropolis.1927.1080p", protocol=Protocols.TORRENT, magnet=MAGNET),
        )
