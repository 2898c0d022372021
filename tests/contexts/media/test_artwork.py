"""A user can choose another poster or backdrop; refreshes keep it until it is reset."""

from __future__ import annotations

from copy import replace

import pytest

from mydia.adapters.metadata_providers.base import Artwork
from mydia.contexts import media, metadata
from mydia.contexts.users import SYSTEM
from mydia.errors import Forbidden, Invalid
from tests.contexts.media.conftest import film
from tests.fakes.outside import FakeMetadataProvider, fake_outside

OFFERED = replace(
    film(poster_path="/first.jpg", backdrop_path="/wide.jpg"),
    posters=(Artwork("/second.jpg", "de", 2000, 3000), Artwork("/first.jpg", "en"), Artwork("/third.jpg")),
)


@pytest.fixture
def outside():
    return fake_outside(metadata=FakeMetadataProvider([OFFERED]))


def _poster(database, item_id):
    with database.reads() as session:
        item = media.get_item(session, SYSTEM, item_id)
        return item.poster.source if item.poster else None


def test_a_chosen_poster_survives_a_refresh_and_can_be_reset(stocked, add, outside, admin, now):
    item_id = add(OFFERED)
    choice = media.artwork.list_artwork(stocked, outside, admin, item_id, "poster")
    assert [art.path for art in choice.offered] == ["/first.jpg", "/second.jpg", "/third.jpg"]
    assert (choice.present, choice.locked) == ("/first.jpg", False)
    media.artwork.choose_artwork(stocked, outside, admin, now, item_id, "poster", "/second.jpg")
    media.refresh.refresh_item(stocked, outside, admin, now, item_id, force=True)
    assert _poster(stocked, item_id) == "/second.jpg"
    assert media.artwork.list_artwork(stocked, outside, admin, item_id, "poster").locked
    media.artwork.choose_artwork(stocked, outside, admin, now, item_id, "poster", None)
    media.refresh.refresh_item(stocked, outside, admin, now, item_id, force=True)
    assert _poster(stocked, item_id) == "/first.jpg"


def test_only_offered_artwork_can_be_chosen(stocked, add, outside, admin, guest, now):
    item_id = add(OFFERED)
    with pytest.raises(Invalid, match="does not offer"):
        media.artwork.choose_artwork(stocked, outside, admin, now, item_id, "backdrop", "http://192.0.2.1/secret.png")
    with pytest.raises(Invalid, match="poster or a backdrop"):
        media.artwork.list_artwork(stocked, outside, admin, item_id, "banner")
    with pytest.raises(Forbidden):
        media.artwork.choose_artwork(stocked, outside, guest, now, item_id, "poster", "/second.jpg")


def test_locked_fields_are_not_changed(stocked, add, outside, admin, now):
    item_id = add(OFFERED)
    with stocked.writes() as session:
        item = media.change_item(session, admin, now, item_id, {"title": "Mine", "locked_fields": ["title", "status"]})
        item.status = "announced"
    media.refresh.refresh_item(stocked, outside, admin, now, item_id, force=True)
    with stocked.reads() as session:
        item = media.get_item(session, SYSTEM, item_id)
        assert (item.title, item.status, item.overview) == ("Mine", "announced", "A city of two halves.")
    with stocked.writes() as session, pytest.raises(Invalid, match="can be locked"):
        media.change_item(session, admin, now, item_id, {"locked_fields": ["monitored"]})


def test_certifications_and_videos_are_kept_for_the_page(stocked, add, now):
    told = replace(
        OFFERED,
        certification="12",
        certifications=(("DE", "12"), ("US", "PG")),
        videos=(metadata.Video("Trailer", "trailer", "https://example.org/v"),),
        external_ids=(("wikidata", "Q151599"),),
    )
    item_id = add(told)
    with stocked.reads() as session:
        item = media.get_item(session, SYSTEM, item_id)
        assert item.certification == "12"
        assert item.metadata_json["certifications"] == {"DE": "12", "US": "PG"}
        assert item.metadata_json["videos"][0]["url"] == "https://example.org/v"
        assert item.metadata_json["external_ids"] == {"wikidata": "Q151599"}
