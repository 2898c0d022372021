"""Artwork is fetched once, stored in several sizes, and failures back off."""

from __future__ import annotations

import base64
import contextlib
import io
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from PIL import Image as Pillow

from mydia import events
from mydia.adapters.errors import Limited, Nonsense, Unreachable
from mydia.contexts import metadata
from mydia.contexts.metadata import images, pictures
from mydia.contexts.users import SYSTEM
from mydia.errors import Invalid, NotFound
from tests.fakes.outside import FakeMetadataProvider, fake_outside


def picture(width=600, height=900, color="navy"):
    out = io.BytesIO()
    Pillow.new("RGB", (width, height), color).save(out, "JPEG")
    return out.getvalue()


class Pictures(FakeMetadataProvider):
    """Returns one picture or fails, and counts requests."""

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


def test_the_same_picture_is_queued_once(database, now, wanted):
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
        with Pillow.open(metadata.file_of(SYSTEM, tmp_path, wanted, width)) as kept:
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
def test_a_failing_picture_backs_off(database, now, wanted, tmp_path, answer):
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


def test_posters_are_fetched_first_and_one_event_names_all_fetched_pictures(database, now, tmp_path):
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


def test_an_unreachable_provider_is_not_asked_for_the_remaining_pictures(database, now, tmp_path):
    with database.writes() as session:
        for number in range(20):
            metadata.want_image(session, now, "poster", f"/{number}.jpg")
    provider = Pictures(Unreachable("TMDB", "no answer"))
    assert metadata.fetch_wanted(database, fake_outside(metadata=provider), SYSTEM, now, tmp_path) == 3
    assert len(provider.asked) == 3


@pytest.mark.parametrize("size", [(1, 65_000), (65_000, 1), (16_384, 600), (30, 1000), (5000, 4000)])
def test_one_picture_of_hostile_dimensions_does_not_stop_the_others(database, now, tmp_path, size):
    with database.writes() as session:
        ids = [metadata.want_image(session, now, "poster", f"/{number}.jpg") for number in range(3)]
    hostile = io.BytesIO()
    Pillow.new("L", size).save(hostile, "PNG")
    answers = iter([picture(60, 90), hostile.getvalue(), picture(60, 90)])
    provider = Pictures(None)
    provider.image = lambda path, size: (next(answers), "image/png")
    assert metadata.fetch_wanted(database, fake_outside(metadata=provider), SYSTEM, now, tmp_path) == 3
    with database.reads() as session:
        assert [session.get(metadata.Image, id_).state for id_ in ids] == ["present", "failed", "present"]


DAMAGED = {
    "ValueError": (
        "iVBORw0KGgoAAAAISUhEUgAAAAgAAAAMCAIAAADXQ/GvKAAABMUlEQVS3nAXBMQqCUAAA0L5YCAaCJAQSTg4RtAo1VIOT4AGS2tpEPEUdIZcg6wCNnx"
        "/R5JaI4BIiOkVSQSikaAm9ByCE9/v9fD47jjOZTPb7/WazMU0ThxD6vj8="
    ),
    "DecompressionBombError": "UklGRngAAABXRUJQVlA4WGwAAADwAgCdASoIAAwAAUAmJaQAD2HfQw/xm8gH1XXsoR6wAAA=",
}
"""Exception of Pillow -> a damaged picture that raises it, found by changing bytes."""


@pytest.mark.parametrize("raised", DAMAGED)
def test_a_picture_on_which_the_decoder_fails_in_an_odd_way_does_not_stop_the_others(database, now, tmp_path, raised):
    damaged = base64.b64decode(DAMAGED[raised])
    with pytest.raises(Exception) as caught, Pillow.open(io.BytesIO(damaged)) as opened:
        opened.convert("RGB")
    assert type(caught.value).__name__ == raised, "Pillow has changed; find another picture that raises it"
    with database.writes() as session:
        ids = [metadata.want_image(session, now, "poster", f"/{number}.jpg") for number in range(3)]
    answers = iter([picture(60, 90), damaged, picture(60, 90)])
    provider = Pictures(None)
    provider.image = lambda path, size: (next(answers), "image/png")
    assert metadata.fetch_wanted(database, fake_outside(metadata=provider), SYSTEM, now, tmp_path) == 3
    with database.reads() as session:
        assert [session.get(metadata.Image, id_).state for id_ in ids] == ["present", "failed", "present"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_damaged_picture_is_either_read_or_refused(tmp_path, kind):
    """37 of 4,463 mutated pictures used to raise another exception."""
    out = io.BytesIO()
    Pillow.effect_noise((40, 60), 50).convert("P" if kind == "GIF" else "RGB").save(out, kind)
    whole = out.getvalue()
    chance = random.Random(kind)
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with contextlib.suppress(Nonsense):
            pictures.encode(bytes(damaged[: chance.randint(len(damaged) // 2, len(damaged))]), (154,))


def test_formats_that_no_catalogue_sends_are_not_decoded(tmp_path):
    out = io.BytesIO()
    Pillow.new("RGB", (60, 90)).save(out, "TIFF")
    with pytest.raises(Nonsense, match="not a picture"):
        images.keep(out.getvalue(), "poster", tmp_path)


def test_few_pictures_are_decoded_at_once(monkeypatch):
    running, most = 0, 0
    lock = threading.Lock()
    real = pictures._encoded

    def watched(*given, **named):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        try:
            time.sleep(0.02)
            return real(*given, **named)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(pictures, "_encoded", watched)
    content = picture(60, 90)
    with ThreadPoolExecutor(12) as pool:
        made = list(pool.map(lambda _: pictures.encode(content, (20,)), range(12)))
    assert len(made) == 12 and most == 2


def test_a_preview_is_refused_while_too_many_are_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "_previews", threading.BoundedSemaphore(1))
    monkeypatch.setattr(images, "_PREVIEW_PATIENCE_S", 0.01)
    images._previews.acquire()
    with pytest.raises(Limited):
        metadata.preview(fake_outside(metadata=Pictures(picture())), SYSTEM, tmp_path, "poster", "/metropolis.jpg")


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size():
    small = pictures.encode(picture(3200, 4800), (154,))
    assert (small.width, small.height) == (3200, 4800)
    with Pillow.open(io.BytesIO(small.by_width[154])) as made:
        assert made.size == (154, 231)


@pytest.mark.parametrize(
    "source", ["/../../etc/passwd", "//evil.example/x.jpg", "/a/b.jpg", "http://x/y.jpg", "/x.svg", ""]
)
def test_a_preview_is_fetched_only_from_a_provider_path(tmp_path, source):
    provider = Pictures(picture())
    with pytest.raises(Invalid):
        metadata.preview(fake_outside(metadata=provider), SYSTEM, tmp_path, "poster", source)
    assert provider.asked == []


def test_a_preview_is_fetched_once_and_pruned_when_old(tmp_path, now):
    provider = Pictures(picture())
    outside = fake_outside(metadata=provider)
    first = metadata.preview(outside, SYSTEM, tmp_path, "poster", "/metropolis.jpg")
    assert metadata.preview(outside, SYSTEM, tmp_path, "poster", "/metropolis.jpg") == first
    assert len(provider.asked) == 1
    assert metadata.prune_previews(tmp_path, now) == 0
    assert metadata.prune_previews(tmp_path, now + timedelta(days=3650)) == 1


def test_only_known_pictures_and_sizes_are_served(tmp_path):
    for image_id, width in (("../../secret_key", 154), ("0" * 36, 154)):
        with pytest.raises(NotFound):
            metadata.file_of(SYSTEM, tmp_path, image_id, width)
