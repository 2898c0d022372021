"""Every numbering form, combined with every title and every tail.

The names are generated, so a form must work in any position and not only in the examples it was written for.
"""

import re

import pytest

from mydia.parsing import parse

TITLES = ["Copper Lane", "Area 88", "The 4400", "X-Harbour", "Copper & Lane", "1984 Lane", "Copper Lane (2019)", "24"]
TAILS = [
    "",
    "720p HDTV x264-GRP",
    "[1080p]",
    "1080p.WEB-DL.DDP5.1.H.264-NTb",
    "(1080p BluRay x265 10bit AAC)",
    "- The Well",
]

SINGLE = [
    "S02E05", "S2E5", "S02.E05", "S02 E05", "S02-E05", "S02 - E05", "S02EP05", "S02 Ep.05", "[S02E05]", "(S02E05)",
    "[S02][E05]", "S02xE05", "2x05", "02x05", "[2x05]", "Season 2 Episode 5", "Season 2, Episode 5", "season02episode05",
    "S2 Episode 5", "Series 2 Episode 5", "Staffel 2 Folge 5", "2. Staffel 5. Folge", "Saison 2 Épisode 05",
    "Stagione 2 Episodio 5", "Temporada 2 Capitulo 5", "2ª Temporada Episódio 5", "Seizoen 2 Aflevering 5",
    "Säsong 2 Avsnitt 5", "Sæson 2 Afsnit 5", "Kausi 2 Jakso 5", "Sezon 2 Odcinek 5", "Sezon 2 Bölüm 5", "2 сезон 5 серия",
    "Сезон 2 Серия 5", "2.évad 5.rész", "Second Season Episode 5", "2nd Season Episode 5", "Season Two Episode Five",
    "第2季第5集", "第二季 第05集", "シーズン2 第5話", "S02E05v2",
]  # fmt: skip
PAIRS = [
    "S02E05E06", "S02E05-E06", "S02E05-06", "S02E05_06", "S02E05,06", "S02E05+06", "S02E05&06", "S02E05 & 06",
    "S02E05 and E06", "S02E05 to E06", "S02E05 - E06", "S02E05-S02E06", "S02E05.S02E06", "[S02E05-E06]", "2x05-06",
    "2x05x06", "2x05-2x06", "2x05_06", "2x05,06", "2x05+06", "2x05 & 2x06", "2x05 to 2x06", "Season 2 Episodes 5 & 6",
    "Season 2 Ep 5 to 6", "Temporada 2 Cap 5-6", "2 сезон 5-6 серия",
]  # fmt: skip
RUNS = [
    "S02E05-E08", "S02E05-08", "S02E05-S02E08", "S02E05 to E08", "S02E05 to 08", "S02E05~08", "S02E05E06E07E08",
    "S02E05+06+07+08", "S02E05,06,07,08", "2x05-08", "2x05-2x08", "Season 2 Episodes 5-8", "Season 2 Episodes 5 to 8",
    "S02EP05-EP08", "S02E05 thru E08", "S02E05 bis E08",
]  # fmt: skip
PACKS = [
    "S02", "Season 2", "Season 2 Complete", "Complete Season 2", "Season Two", "2nd Season", "Second Season",
    "The Complete Second Season", "Staffel 2", "2. Staffel", "Saison 2", "Temporada 2", "2ª Temporada", "Säsong 2",
    "Kausi 2", "2 сезон", "第2季", "シーズン2", "(Season 2)", "[S02]", "S02D01", "S02.DISC1", "S02DVD1", "2xAll",
]  # fmt: skip
SEVERAL_PACKS = [
    "S02-S04", "S02-04", "Seasons 2-4", "Seasons 2 to 4", "S02.S03.S04", "S02+S03+S04", "S02,S03,S04", "Season 2,3,4",
    "Seasons 2, 3 & 4", "Season 2 - Season 4", "S02 - S04", "Staffel 2-4", "Saison 2 à 4", "Seasons 2 through 4",
    "Сезоны 2-4", "第2-4季",
]  # fmt: skip
ABSOLUTE = [
    "- 05", "- 05v2", "EP05", "Ep 05", "Ep. 05", "Episode 05", "#05", "- Episode 05", "[05]", "05", "- 05 END",
    "第05話", "第5集", "[第05話]", "05話",
]  # fmt: skip
ABSOLUTE_RUNS = [
    "- 05-08",
    "05-08",
    "(05-08)",
    "[05-08]",
    "- 05 ~ 08",
    "- 05~08",
    "EP05-08",
    "Episodes 05-08",
    "05 to 08",
]


def _names(form, *, group=""):
    for title in TITLES:
        for tail in TAILS:
            plain = f"{group}{title} {form} {tail}".strip()
            yield title, plain
            if " - " not in plain and "[" not in group:
                yield title, plain.replace(" ", ".")
                yield title, plain.replace(" ", "_")


def _wrong(form, expected, *, group=""):
    wrong = {}
    for title, name in _names(form, group=group):
        read = parse(name, "tv") or {}
        facts = {field: read.get(field) for field in expected}
        found = (read.get("title") or "").replace(".", " ").strip()
        if facts != expected or found != re.sub(r" \(2019\)\Z", "", title):
            wrong[name] = {**facts, "title": found}
    return wrong


@pytest.mark.parametrize("form", SINGLE)
def test_one_episode(form):
    assert _wrong(form, {"season": 2, "episodes": [5], "absolute_episodes": []}) == {}


@pytest.mark.parametrize("form", PAIRS)
def test_two_episodes(form):
    assert _wrong(form, {"season": 2, "episodes": [5, 6]}) == {}


@pytest.mark.parametrize("form", RUNS)
def test_a_range_of_episodes(form):
    assert _wrong(form, {"season": 2, "episodes": [5, 6, 7, 8]}) == {}


@pytest.mark.parametrize("form", PACKS)
def test_a_season(form):
    assert _wrong(form, {"season": 2, "episodes": [], "full_season": True}) == {}


@pytest.mark.parametrize("form", SEVERAL_PACKS)
def test_several_seasons(form):
    assert _wrong(form, {"season": [2, 3, 4], "episodes": [], "full_season": True}) == {}


@pytest.mark.parametrize("form", ABSOLUTE)
def test_an_absolute_number(form):
    assert _wrong(form, {"season": None, "episodes": [], "absolute_episodes": [5]}, group="[Grp] ") == {}


@pytest.mark.parametrize("form", ABSOLUTE_RUNS)
def test_a_range_of_absolute_numbers(form):
    assert _wrong(form, {"season": None, "absolute_episodes": [5, 6, 7, 8]}, group="[Grp] ") == {}
