"""Quality as a value with a total order, and its names in Sonarr and Radarr."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia.parsing import (
    QUALITIES,
    Modifier,
    Quality,
    Revision,
    Source,
    definition_by_radarr_id,
    definition_by_sonarr_id,
    parse_release,
)

REVISIONS = st.builds(Revision, st.integers(1, 4), st.integers(0, 3), st.booleans())
VALUES = st.builds(
    Quality, st.sampled_from(Source), st.sampled_from([None, 360, 480, 540, 576, 720, 1080, 1440, 2160, 4320]),
    st.sampled_from(Modifier), REVISIONS,
)  # fmt: skip


@given(VALUES, VALUES, VALUES)
def test_the_order_is_total(a, b, c):
    assert (a < b) + (b < a) + (a == b) == 1
    if a <= b <= c:
        assert a <= c


def test_better_sources_and_higher_resolutions_are_greater():
    names = [
        "Unknown",
        "CAM",
        "SDTV",
        "DVD",
        "WEBDL-480p",
        "HDTV-720p",
        "WEBDL-720p",
        "WEBDL-1080p",
        "Bluray-1080p",
        "Remux-1080p",
        "WEBDL-2160p",
        "Remux-2160p",
    ]
    assert sorted(map(Quality.from_name, names)) == list(map(Quality.from_name, names))


def test_a_proper_is_better_than_the_same_quality_but_not_than_a_better_one():
    plain, proper = Quality(Source.WEBDL, 1080), Quality(Source.WEBDL, 1080, revision=Revision(version=2))
    assert plain < proper < Quality(Source.BLURAY, 1080)
    assert proper < Quality(Source.WEBDL, 1080, revision=Revision(version=1, real=1))


@pytest.mark.parametrize(
    ("name", "quality"),
    [
        ("Copper.Lane.S01E01.1080p.WEB-DL.x264", "WEBDL-1080p"),
        ("Orchard.2016.2160p.UHD.BluRay.x265", "Bluray-2160p"),
        ("Orchard.2016.1080p.BluRay.REMUX.AVC", "Remux-1080p"),
        ("Orchard.2016.720p.BluRay.REMUX.AVC", "Bluray-720p"),
        ("Copper.Lane.S01E01.720p.HDTV.x264", "HDTV-720p"),
        ("Copper.Lane.S01E01.HDTV.x264", "SDTV"),
        ("Copper.Lane.S01E01.1440p.WEB-DL", "WEBDL-1080p"),
        ("Orchard.2016.DVDSCR", "DVDSCR"),
        ("Orchard.2016.COMPLETE.BLURAY", "BR-DISK"),
        ("Orchard.2016", "Unknown"),
    ],
)
def test_a_name_gets_a_quality_that_sonarr_and_radarr_know(name, quality):
    release = parse_release(name)
    assert release is not None
    assert release.quality.name == quality


def test_sonarr_and_radarr_ids_differ_from_13_on():
    assert definition_by_sonarr_id(20).name == "Remux-1080p"
    assert definition_by_radarr_id(20).name == "Bluray-480p"
    assert definition_by_sonarr_id(3) is definition_by_radarr_id(3)
    assert definition_by_sonarr_id(30) is None


def test_every_quality_is_found_by_each_of_its_names():
    for row in QUALITIES:
        for name in filter(None, (row.name, row.sonarr_name, row.radarr_name)):
            assert Quality.from_name(name.upper()).definition is row


def test_ids_are_unique_per_app():
    for ids in ([r.sonarr_id for r in QUALITIES], [r.radarr_id for r in QUALITIES]):
        given_ids = [i for i in ids if i is not None]
        assert len(given_ids) == len(set(given_ids))


def test_an_unknown_quality_name_is_an_error():
    with pytest.raises(KeyError):
        Quality.from_name("HDTV-9000p")
