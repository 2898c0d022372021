"""Our own names with their expected fields."""

import tomllib
from pathlib import Path

import pytest

from mydia.parsing import parse, parse_release

NAMES = tomllib.loads((Path(__file__).parent / "names.toml").read_text(encoding="utf-8"))["name"]


@pytest.mark.parametrize("case", NAMES, ids=lambda case: case["name"])
def test_a_name_is_read_as_expected(case):
    read = parse(case["name"], case.get("hint")) or {}
    assert {field: read.get(field, True) for field in case.get("expect", {})} == case.get("expect", {}), case["teaches"]
    assert not any(read.get(field) for field in case.get("absent", [])), case["teaches"]


def test_no_name_is_listed_twice():
    listed = [(case["name"], case.get("hint")) for case in NAMES]
    assert len(listed) == len(set(listed))


def test_spans_point_to_the_parts_each_field_was_read_from():
    name = "The.Harbour.Watch.2019.S02E07.German.1080p.WEB-DL.DDP5.1.H.264-NTb.mkv"
    release = parse_release(name)
    assert release is not None
    read = {field: [name[start:end] for start, end in spans] for field, spans in release.spans.items()}
    assert read["title"] == ["The.Harbour.Watch"]
    assert read["year"] == ["2019"]
    assert read["season"] == ["S02"]
    assert read["episodes"] == ["07"]
    assert read["languages"] == ["German"]
    assert read["quality"] == ["1080p", "WEB-DL"]
    assert read["release_group"] == ["NTb"]


def test_the_scene_form_has_a_higher_confidence_than_a_run_together_number():
    written, guessed = parse_release("Copper.Lane.S01E03.HDTV", "tv"), parse_release("Copper.Lane.103.HDTV", "tv")
    assert written is not None
    assert guessed is not None
    assert written.confidence.season > 0.9 > guessed.confidence.season > 0


def test_a_parsed_release_is_immutable_and_comparable():
    assert parse_release("Orchard.2012.1080p") == parse_release("Orchard.2012.1080p")
    with pytest.raises(AttributeError):
        parse_release("Orchard.2012.1080p").title = "Other"


def test_spans_are_right_in_every_script():
    name = "İstanbul.Ğöl.Дом.2019.1080p.WEB-DL.x264-GRP"
    release = parse_release(name, "movie")
    assert release is not None
    assert release.title == "İstanbul Ğöl Дом"
    (start, end) = release.spans["year"][0]
    assert name[start:end] == "2019"
