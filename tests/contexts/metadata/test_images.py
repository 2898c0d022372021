"""Artwork is fetched once, kept in sizes, and a failure waits longer each time."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from PIL import Image as Pillow

from mydia import events
from mydia.adapters.errors import Nonsense, Unreachable
from mydia.contexts import metadata
from mydia.contexts.metadata import images
from mydia.contexts.users import SYSTEM
from mydia.errors import Invalid, NotFound
from tests.fakes.outside import FakeMetadataProvider, fake_outside


def picture(width=600, height=900, color="navy"):
    out = io.BytesIO()
    Pillow.new("RGB", (width, height), color).save(out, "JPEG")
    return out.getvalue()


class Pictures(FakeMetadataProvider):
    """Gives one picture, or fails, and counts."""

    def __init__(self, answer):
        super().__init__()
        self.answer, self.asked = answer, []

    def image(self, path, size):
        self.asked.append((path, size))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer, "image/jpeg"


@pytest.fixture
def wanted(database, now):
    with database.writes() as session:
        return metadata.want_image(session, now, "poster", "/metropolis.jpg")


def test_the_same_picture_is_wanted_once(database, now, wanted):
    with database.writes() as session:
        assert metadata.want_image(session, now, "poster", "/metropolis.jpg") == wanted
        assert metadata.want_image(session, now, "backdrop", "/metropolis.jpg") != wanted
        assert metadata.want_image(session, now, "poster", None) is None


def test_a_picture_is_kept_in_every_size_with_its_colour(database, now, wanted, tmp_path):
    provider = Pictures(picture())
    assert metadata.fetch_wanted(database, fake_outside(metadata=provider), SYSTEM, now, tmp_path) == 1
    assert metadata.fetch_wanted(database, fake_outside(metadata=provider), SYSTEM, now, tmp_path) == 0
    assert provider.asked == [("/metropolis.jpg", "w500")]
    for width in metadata.SIZES["poster"]:
        with Pillow.open(metadata.file_of(tmp_path, wanted, width)) as kept:
            assert kept.size == (width, width * 3 // 2)
    with database.reads() as session:
        row = session.get(metadata.Image, wanted)
        assert (row.state, row.width, row.height) == ("present", 600, 900)
        assert row.color.endswith("80")
        assert (
            metadata.Picture(row.id, row.content_hash, row.color).url(342).endswith(f"/342.webp?v={row.content_hash}")
        )


@pytest.mark.parametrize(
    "answer", [Unreachable("TMDB", "no answer"), NotFound("no such picture"), b"<html>", picture()[:200]]
)
def test_a_picture_that_cannot_be_had_waits_longer_each_time(database, now, wanted, tmp_path, answer):
    outside = fake_outside(metadata=Pictures(answer))
    assert metadata.fetch_wanted(database, outside, SYSTEM, now, tmp_path) == 1
    with database.reads() as session:
        assert events.feed(session) == []
    provider = Pictures(answer)
    assert (
        metadata.fetch_wanted(database, fake_outside(metadata=provider), SYSTEM, now + timedelta(minutes=9), tmp_path)
        == 0
    )
    assert provider.asked == []
    metadata.fetch_wanted(database, fake_outside(metadata=provider), SYSTEM, now + timedelta(minutes=10), tmp_path)
    assert len(provider.asked) == 1
    with database.reads() as session:
        assert session.get(metadata.Image, wanted).retry_at == now + timedelta(minutes=30)


def test_posters_come_first_and_the_pages_hear_of_all_that_came_in_one_event(database, now, tmp_path):
    with database.writes() as session:
        ids = [
            metadata.want_image(session, now, role, f"/{role}-{number}.jpg")
            for number in range(2)
            for role in ("still", "backdrop", "poster")
        ]
    provider = Pictures(picture(60, 90))
    assert metadata.fetch_wanted(database, fake_outside(metadata=provider), SYSTEM, now, tmp_path, limit=4) == 4
    assert [path.split("-")[0] for path, _ in provider.asked] == ["/poster", "/poster", "/backdrop", "/backdrop"]
    with database.reads() as session:
        (told,) = events.feed(session)
    assert (told.type, set(told.payload["image_ids"])) == ("ArtworkFetched", {ids[1], ids[2], ids[4], ids[5]})


def test_a_provider_that_does_not_answer_is_not_asked_for_the_rest(database, now, tmp_path):
    with database.writes() as session:
        for number in range(20):
            metadata.want_image(session, now, "poster", f"/{number}.jpg")
    provider = Pictures(Unreachable("TMDB", "no answer"))
    assert metadata.fetch_wanted(database, fake_outside(metadata=provider), SYSTEM, now, tmp_path) == 3
    assert len(provider.asked) == 3


def test_an_absurdly_large_picture_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "_MAX_PIXELS", 1000)
    with pytest.raises(Nonsense, match="too large"):
        images.keep(picture(), "poster", tmp_path)


@pytest.mark.parametrize(
    "source", ["/../../etc/passwd", "//evil.example/x.jpg", "/a/b.jpg", "http://x/y.jpg", "/x.svg", ""]
)
def test_a_preview_is_fetched_only_from_a_provider_path(tmp_path, source):
    provider = Pictures(picture())
    with pytest.raises(Invalid):
        metadata.preview(fake_outside(metadata=provider), tmp_path, "poster", source)
    assert provider.asked == []


def test_a_preview_is_fetched_once_and_pruned_when_old(tmp_path, now):
    provider = Pictures(picture())
    outside = fake_outside(metadata=provider)
    first = metadata.preview(outside, tmp_path, "poster", "/metropolis.jpg")
    assert metadata.preview(outside, tmp_path, "poster", "/metropolis.jpg") == first
    assert len(provider.asked) == 1
    assert metadata.prune_previews(tmp_path, now) == 0
    assert metadata.prune_previews(tmp_path, now + timedelta(days=3650)) == 1


def test_only_known_pictures_and_sizes_are_served(tmp_path):
    for image_id, width in (("../../secret_key", 154), ("0" * 36, 154)):
        with pytest.raises(NotFound):
            metadata.file_of(tmp_path, image_id, width)
