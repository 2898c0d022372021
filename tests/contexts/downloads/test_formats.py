"""Custom formats in searches, grabs and imports."""

from __future__ import annotations

import subprocess
import sys
from copy import replace

import pytest

from mydia.adapters.media_tools import AudioTrack
from mydia.contexts import downloads, library, media, settings
from mydia.contexts.settings import ProfileForm
from mydia.contexts.settings.formats import Condition, FormatForm, Kind
from mydia.contexts.users import SYSTEM
from mydia.events import say
from tests.contexts.downloads.conftest import House
from tests.fakes.outside import media_facts


def add_format(house: House, name: str, pattern: str, **options) -> str:
    condition = Condition(kind=options.pop("kind", Kind.TITLE), name=name, value=pattern, **options)
    with house.database.writes() as session:
        form = FormatForm(name=name, conditions=(condition,))
        return settings.formats.save_format(session, SYSTEM, house.later(seconds=1), form).format.id


def change_profile(house: House, **changes) -> None:
    """Change the profile that both titles use."""
    with house.database.writes() as session:
        found = settings.profiles.find_profile(session, "Any")
        form = ProfileForm(
            name=found.name,
            items=found.items(),
            cutoff=changes.pop("cutoff", "Remux-2160p"),
            **{
                "minimum_format_score": found.minimum_format_score,
                "cutoff_format_score": found.cutoff_format_score,
                "minimum_format_increment": found.minimum_format_increment,
                **changes,
            },
        )
        settings.profiles.save_profile(session, SYSTEM, house.later(seconds=1), form, profile_id=found.id)


def set_language(house: House, code: str) -> None:
    with house.database.writes() as session:
        media.get_item(session, SYSTEM, house.film_id).original_language = code


def test_the_score_and_the_formats_are_stored_with_each_release_and_decide_between_equal_qualities(
    house: House,
) -> None:
    good, bad = add_format(house, "DTS", r"\bDTS\b"), add_format(house, "Bad group", "^YIFY$", kind=Kind.GROUP)
    add_format(house, "Blu-ray", "bluray")
    change_profile(house, scores={good: 100, bad: -50})
    house.offer("Metropolis.1927.1080p.BluRay.x264-YIFY", seeders=500)
    house.offer("Metropolis.1927.1080p.BluRay.DTS.x264-GRP", seeders=5)
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP", seeders=50)
    rows = house.releases(house.search())
    assert [(row.title.split(".")[-1], row.format_score) for row in rows] == [
        ("x264-GRP", 100),
        ("x264-GRP", 0),
        ("x264-YIFY", -50),
    ]
    assert [(one["name"], one["score"]) for one in rows[0].formats] == [("DTS", 100), ("Blu-ray", 0)]
    assert "score 100" in [words for _, _, words in downloads.wording.preference(rows[0])]


def test_a_release_below_the_minimum_score_is_refused_with_the_numbers(house: House) -> None:
    bad = add_format(house, "Bad", "YIFY")
    change_profile(house, scores={bad: -50}, minimum_format_score=0)
    house.offer("Metropolis.1927.1080p.BluRay.x264-YIFY")
    row = house.releases(house.search())[0]
    assert row.verdict == "refused"
    assert [say(one) for one in row.objections] == ["It scores -50; Any requires at least 0."]


def test_the_formats_are_kept_with_the_grab(house: House) -> None:
    good = add_format(house, "DTS", r"\bDTS\b")
    change_profile(house, scores={good: 100})
    release = house.offer("Metropolis.1927.1080p.BluRay.DTS.x264-GRP", flags=("freeleech",))
    download = house.download(house.grab(house.releases(house.search())[0].id))
    assert download.release_title == release.title
    assert (download.format_score, download.flags) == (100, ["freeleech"])
    assert [one["name"] for one in download.formats] == ["DTS"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"cutoff_format_score": 1000}, "approved"),
        ({"cutoff_format_score": 50}, "Your Bluray-1080p scores 50, which meets Any."),
        (
            {"cutoff_format_score": 1000, "minimum_format_increment": 51},
            "It scores 100 against 50; Any requires 51 more.",
        ),
        (
            {"cutoff_format_score": 1000, "upgrades_allowed": False},
            "You have Bluray-1080p, and Any does not allow upgrades.",
        ),
    ],
)
def test_a_file_is_replaced_for_a_better_score_up_to_the_cutoff_score(house: House, changes, expected) -> None:
    low, high = add_format(house, "AC3", r"\bAC3\b"), add_format(house, "DTS", r"\bDTS\b")
    change_profile(house, scores={low: 50, high: 100}, cutoff="Bluray-1080p", **changes)
    first = house.get_one("Metropolis.1927.1080p.BluRay.AC3.x264-GRP")
    house.finish(first)
    house.bring_in(first)
    house.offer("Metropolis.1927.1080p.BluRay.DTS.x264-NEW")
    row = next(row for row in house.releases(house.search()) if row.title.endswith("NEW"))
    assert (row.verdict if row.verdict == "approved" else say(row.objections[0])) == expected
    if expected == "approved":
        better = house.grab(row.id)
        house.finish(better)
        house.bring_in(better)
        with house.database.reads() as session:
            held = library.holdings.held_qualities(session, house.film_id)
        assert [file.format_score for file in held] == [100]


def test_what_the_file_contains_counts_more_than_what_the_name_claims(house: House) -> None:
    german = add_format(house, "German", "de", kind=Kind.LANGUAGE)
    hdr, vision = add_format(house, "HDR", r"\bHDR10\b"), add_format(house, "DV", r"\bDV\b")
    change_profile(house, scores={german: 10, hdr: 100, vision: 1000}, cutoff_format_score=10_000)
    name = "Metropolis.1927.German.2160p.BluRay.DV.x265-GRP"
    download = house.get_one(name)
    assert house.download(download).format_score == 1010
    facts = media_facts(2160)
    facts = replace(facts, hdr_format="HDR10", audio=(AudioTrack(codec="aac", channels="2.0", language="en"),))
    house.probe.facts[f"{name}.mkv"] = facts
    house.finish(download)
    house.bring_in(download)
    with house.database.reads() as session:
        file = library.holdings.held_qualities(session, house.film_id)[0]
        found = library.scoring.formats_of(session, SYSTEM, file.file_id)
        scored = library.scoring.scored_formats(session, SYSTEM, file.file_id)
        assert sum(score for _, score in scored) == file.format_score
        assert {name for name, _ in scored} == {one.name for one in found}
    assert file.format_score == 100
    assert [format.name for format in found] == ["HDR"]


def test_a_freeleech_file_is_not_replaced_by_another_freeleech_release(house: House) -> None:
    free = add_format(house, "Freeleech", "freeleech", kind=Kind.FLAG)
    change_profile(house, scores={free: 100}, cutoff="Bluray-1080p", cutoff_format_score=10_000)
    house.offer("Metropolis.1927.1080p.BluRay.x264-ONE", flags=("freeleech",))
    first = house.grab(house.releases(house.search())[0].id)
    house.finish(first)
    house.bring_in(first)
    house.offer("Metropolis.1927.1080p.BluRay.x264-TWO", flags=("freeleech",))
    row = next(row for row in house.releases(house.search()) if row.title.endswith("TWO"))
    assert say(row.objections[0]) == "You already have Bluray-1080p, and this is no better."


@pytest.mark.parametrize(
    ("language", "original", "title", "expected"),
    [
        (None, "en", "Metropolis.1927.French.1080p.BluRay.x264-GRP", None),
        ("original", "de", "Metropolis.1927.1080p.BluRay.x264-GRP", None),
        ("original", "de", "Metropolis.1927.French.1080p.BluRay.x264-GRP", "It is in French; Any requires German."),
        ("original", None, "Metropolis.1927.French.1080p.BluRay.x264-GRP", None),
        ("original,fr", "de", "Metropolis.1927.French.1080p.BluRay.x264-GRP", None),
        ("en,de", "fr", "Metropolis.1927.1080p.BluRay.x264-GRP", "It is in French; Any requires English, German."),
        ("en", None, "Metropolis.1927.1080p.BluRay.x264-GRP", None),
        ("en", "de", "Metropolis.1927.German.DL.1080p.BluRay.x264-GRP", "It is in German; Any requires English."),
        ("de", "en", "Metropolis.1927.German.DL.1080p.BluRay.x264-GRP", None),
    ],
)
def test_a_profile_can_require_languages(house: House, language, original, title, expected) -> None:
    set_language(house, original)
    change_profile(house, language=language)
    house.offer(title)
    row = house.releases(house.search())[0]
    assert next(iter(map(say, row.objections)), None) == expected


def test_the_language_that_an_indexer_states_counts_if_the_name_has_none(house: House) -> None:
    set_language(house, "de")
    change_profile(house, language="en")
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP", languages=("English",))
    assert house.releases(house.search())[0].verdict == "approved"


def test_a_profile_can_limit_the_size_of_a_quality(house: House) -> None:
    change_profile(house, quality_sizes={"Bluray-1080p": settings.SizeLimits(0, None, 10)})
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP", size=3 * 1024**3)
    house.offer("Metropolis.1927.1080p.WEB-DL.x264-GRP", size=3 * 1024**3)
    verdicts = {row.quality_name: row.verdict for row in house.releases(house.search())}
    assert verdicts == {"Bluray-1080p": "refused", "WEBDL-1080p": "approved"}


def test_a_changed_format_scores_the_files_again(house: House) -> None:
    format_id = add_format(house, "DTS", r"\bDTS\b")
    change_profile(house, scores={format_id: 100})
    first = house.get_one("Metropolis.1927.1080p.BluRay.DTS.x264-GRP")
    house.finish(first)
    house.bring_in(first)

    def score() -> int:
        with house.database.reads() as session:
            return library.holdings.held_qualities(session, house.film_id)[0].format_score

    assert score() == 100
    with house.database.reads() as session:
        outdated = library.scoring.outdated_scores(session, [house.film_id])
    assert outdated == {}
    with house.database.writes() as session:
        settings.formats.delete_format(session, SYSTEM, house.now, format_id)
    with house.database.reads() as session:
        titles = library.scoring.scored_items(session)
        outdated = library.scoring.outdated_scores(session, titles)
    with house.database.writes() as session:
        library.scoring.store_scores(session, outdated)
    assert score() == 0


def test_a_pattern_that_was_stopped_is_shown_with_its_format(house: House) -> None:
    hostile = add_format(house, "Hostile", "harmless")
    with house.database.writes() as session:
        row = session.get(settings.formats.stored.CustomFormat, hostile)
        row.specs = [{"kind": "release_title", "name": "x", "value": r"\b(?:\w|[a-z])+(?=#)"}]
        row.updated_at = house.later(seconds=1)
    for number in range(12):
        house.offer(f"Metropolis.1927.1080p.BluRay.{'a' * 60}.{number}.x264-GRP")
    house.search()
    with house.database.reads() as session:
        assert settings.formats.get_format(session, SYSTEM, hostile).stopped == r"\b(?:\w|[a-z])+(?=#)"


def test_the_regular_expression_engines_are_loaded_with_the_first_pattern_only() -> None:
    script = (
        "import sys\nfrom mydia.contexts import downloads, library, settings\nfrom mydia.web import app\n"
        "settings.formats.FormatSet([])\nassert not {'re2', 'regex'} & set(sys.modules), 'loaded'\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_formats_that_are_included_in_file_names_are_written_there(house: House) -> None:
    naming, renaming = library.naming, library.renaming
    with house.database.writes() as session:
        for name, included in (("AMZN", True), ("Streaming", True), ("Web", False)):
            conditions = (Condition(kind=Kind.TITLE, name=name, value=r"\bAMZN\b"),)
            form = FormatForm(name=name, conditions=conditions, include_in_rename=included)
            settings.formats.save_format(session, SYSTEM, house.later(seconds=1), form)
        row = settings.naming_rules.get_naming_set(session, SYSTEM)
        changes = {"movie_file": "{Movie Title} {[Custom Formats]}{[Quality Full]}"}
        settings.naming_rules.change_naming_set(
            session, SYSTEM, house.now, row.id, changes, judge=naming.check_template
        )
    download = house.get_one("Metropolis.1927.1080p.AMZN.WEB-DL.x264-GRP")
    house.finish(download)
    house.bring_in(download)
    assert house.library_files() == ["Metropolis (1927)/Metropolis [AMZN Streaming][WEBDL-1080p].mkv"]
    with house.database.reads() as session:
        lines = renaming.rename_preview(session, house.outside, SYSTEM, [house.film_id])
    assert [line for line in lines if line.old != line.new] == []
