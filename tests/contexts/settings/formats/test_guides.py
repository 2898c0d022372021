"""Guides are imported with a preview, updated later, keep what people changed, and are exported as they were."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from copy import replace

import pytest

from mydia.contexts import settings
from mydia.contexts.library import naming
from mydia.contexts.settings import guides
from mydia.contexts.settings.formats import App, Condition, FormatForm, Kind
from mydia.contexts.settings.guides import Action, Choice, PartKind
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.errors import Forbidden, Invalid, NotFound
from mydia.vocabulary import MediaType
from tests.contexts.settings.formats.guides import SAMPLE, WHOLE

needs_guides = pytest.mark.skipif(not WHOLE.is_dir(), reason="the guide data is missing: set MYDIA_CORPORA")


def contents(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.json"))}


def cf(id, name, value, *, scores=None, implementation="ReleaseTitleSpecification", **fields):
    specification = {
        "name": name,
        "implementation": implementation,
        "negate": False,
        "required": False,
        "fields": {"value": value, **fields},
    }
    return {
        "trash_id": id,
        "trash_scores": scores or {},
        "name": name,
        "includeCustomFormatWhenRenaming": False,
        "specifications": [specification],
    }


PROFILE = {
    "trash_id": "p1",
    "name": "HD",
    "trash_description": "For tests",
    "group": 1,
    "upgradeAllowed": True,
    "cutoff": "Bluray-1080p",
    "minFormatScore": 0,
    "cutoffFormatScore": 10000,
    "minUpgradeFormatScore": 1,
    "language": "Original",
    "items": [
        {"name": "Bluray-1080p", "allowed": True},
        {"name": "WEB 1080p", "allowed": True, "items": ["WEBRip-1080p", "WEBDL-1080p"]},
        {"name": "HDTV-720p", "allowed": False},
    ],
    "formatItems": {"AMZN": "f1", "Bad": "f2"},
}


def guide():
    """A small guide as path -> JSON."""
    return {
        "docs/json/radarr/cf/amzn.json": cf("f1", "AMZN", r"\bAMZN\b", scores={"default": 10}),
        "docs/json/radarr/cf/bad.json": cf("f2", "Bad", "YIFY", scores={"default": -100}),
        "docs/json/radarr/cf/opt.json": cf("f3", "Optional", "x264", scores={"default": 7}),
        "docs/json/radarr/cf-groups/g.json": {
            "name": "[Optional] Codecs",
            "trash_id": "g1",
            "trash_description": "",
            "custom_formats": [{"name": "Optional", "trash_id": "f3", "required": True}],
            "quality_profiles": {"include": {"HD": "p1"}},
        },
        "docs/json/radarr/quality-profiles/hd.json": copy.deepcopy(PROFILE),
        "docs/json/radarr/quality-size/movie.json": {
            "trash_id": "s1",
            "type": "movie",
            "qualities": [{"quality": "Bluray-1080p", "min": 50.8, "preferred": 1999, "max": 2000}],
        },
        "docs/json/radarr/naming/radarr-naming.json": {
            "folder": {"default": "{Movie CleanTitle} ({Release Year})"},
            "file": {"standard": "{Movie CleanTitle} {(Release Year)}{-Release Group}", "original": "{Original Title}"},
        },
        "docs/json/sonarr/cf/amzn.json": cf("s-f1", "AMZN", r"\bAMZN\b", scores={"default": 5}),
    }


@pytest.fixture
def house(database: Database, now):
    with database.writes() as session:
        settings.ensure_defaults(session, now)
    return House(database, now)


class House:
    def __init__(self, database, now):
        self.database, self.now = database, now

    def upload(self, files):
        encoded = [
            (path, content if isinstance(content, bytes) else json.dumps(content).encode())
            for path, content in files.items()
        ]
        with self.database.writes() as session:
            return guides.keep(session, SYSTEM, self.now, guides.read_files(encoded), "guide.zip")

    def preview(self, files, **choice):
        id = self.upload(files)
        with self.database.reads() as session:
            return guides.preview(session, SYSTEM, id, chosen(**choice))

    def bring_in(self, files, **choice):
        id = self.upload(files)
        with self.database.writes() as session:
            return guides.apply(session, SYSTEM, self.now, id, chosen(**choice), judge=naming.check_template)

    def formats(self):
        with self.database.reads() as session:
            return {one.format.name: one for one in settings.formats.list_formats(session, SYSTEM)}

    def profile(self, name="HD"):
        with self.database.reads() as session:
            return settings.profiles.find_profile(session, name)

    def scores(self, name="HD"):
        names = {one.format.id: found for found, one in self.formats().items()}
        return {names[id]: score for id, score in self.profile(name).scores.items()}

    def change_format(self, name, pattern):
        format = self.formats()[name].format
        with self.database.writes() as session:
            form = FormatForm(name=name, conditions=(Condition(kind=Kind.TITLE, name=name, value=pattern),))
            settings.formats.save_format(session, SYSTEM, self.now, form, format_id=format.id)

    def change_profile(self, name="HD", **changes):
        profile = self.profile(name)
        form = settings.ProfileForm(
            name=profile.name, items=profile.items(), cutoff=profile.cutoff, upgrades_allowed=profile.upgrades_allowed,
            minimum_format_score=profile.minimum_format_score, cutoff_format_score=profile.cutoff_format_score,
            minimum_format_increment=profile.minimum_format_increment, language=profile.language, scores=profile.scores,
        )  # fmt: skip
        with self.database.writes() as session:
            settings.profiles.save_profile(session, SYSTEM, self.now, replace(form, **changes), profile_id=profile.id)


def chosen(**choice):
    return Choice(**{"profiles": frozenset({"radarr:quality_profile:p1"}), **choice})


def test_a_preview_changes_nothing_and_says_what_the_import_will_do(house):
    plan = house.preview(guide())
    assert house.formats() == {}
    assert {(step.format.name, step.action) for step in plan.formats} == {("AMZN", Action.NEW), ("Bad", Action.NEW)}
    assert [(step.values["name"], step.action) for step in plan.profiles] == [("HD", Action.NEW)]
    assert (plan.sizes, plan.naming) == ((), ())


def test_a_profile_is_imported_with_the_formats_it_needs_and_their_scores(house):
    house.bring_in(guide())
    profile = house.profile()
    assert set(house.formats()) == {"AMZN", "Bad"}
    assert house.scores() == {"AMZN": 10, "Bad": -100}
    assert (profile.cutoff, profile.language, profile.cutoff_format_score) == ("Bluray-1080p", "original", 10000)
    assert profile.allowed_names == ("Bluray-1080p", "WEB 1080p")


def test_an_optional_group_adds_its_formats_to_the_profile(house):
    house.bring_in(guide(), groups=frozenset({"radarr:format_group:g1"}))
    assert house.scores() == {"AMZN": 10, "Bad": -100, "Optional": 7}
    # The next import keeps the group without being asked.
    assert house.bring_in(guide(), profiles=frozenset()).profiles[0].action is Action.SAME
    assert house.scores()["Optional"] == 7


def test_equal_formats_of_movies_and_series_become_one(house):
    house.bring_in(guide(), all_formats=True)
    formats = house.formats()
    assert set(formats) == {"AMZN", "Bad", "Optional"}
    assert formats["AMZN"].apps == (App.RADARR, App.SONARR)


def test_formats_with_the_same_name_that_differ_get_a_name_of_their_own(house):
    files = guide()
    files["docs/json/sonarr/cf/amzn.json"]["specifications"][0]["fields"]["value"] = "Amazon"
    house.bring_in(files, all_formats=True)
    assert {"AMZN", "AMZN (series)"} <= set(house.formats())


def test_importing_the_same_guide_again_changes_nothing(house):
    choice = {"sizes": frozenset({"radarr:quality_size:s1"}), "naming": {"movie_file": "original"}}
    house.bring_in(guide(), **choice)
    before = house.formats(), house.profile()
    plan = house.bring_in(guide(), profiles=frozenset())
    assert {step.action for step in (*plan.formats, *plan.profiles, *plan.sizes, *plan.naming)} == {Action.SAME}
    assert (house.formats(), house.profile()) == before


def test_a_new_version_of_a_guide_updates_what_nobody_changed(house):
    house.bring_in(guide())
    files = guide()
    files["docs/json/radarr/cf/amzn.json"]["specifications"][0]["fields"]["value"] = r"\b(AMZN|Amazon)\b"
    files["docs/json/radarr/cf/bad.json"]["trash_scores"] = {"default": -500}
    files["docs/json/radarr/quality-profiles/hd.json"]["cutoffFormatScore"] = 500
    plan = house.bring_in(files, profiles=frozenset())
    assert {step.format.name: step.action for step in plan.formats} == {"AMZN": Action.UPDATED, "Bad": Action.UPDATED}
    assert [(line.label, line.old, line.new, line.kept) for line in plan.profiles[0].lines] == [
        ("upgrade until score", "10000", "500", False),
        ("score of Bad", "-100", "-500", False),
    ]
    assert house.formats()["AMZN"].format.conditions[0].value == r"\b(AMZN|Amazon)\b"
    assert house.scores() == {"AMZN": 10, "Bad": -500}
    assert house.profile().cutoff_format_score == 500


def test_what_a_person_changed_is_kept_and_shown_as_changed(house):
    house.bring_in(guide())
    house.change_format("AMZN", "mine")
    amzn = house.formats()["AMZN"].format.id
    profile = house.profile()
    house.change_profile(minimum_format_score=50, scores={**profile.scores, amzn: 77})
    assert house.formats()["AMZN"].changed
    files = guide()
    files["docs/json/radarr/cf/amzn.json"]["specifications"][0]["fields"]["value"] = "theirs"
    files["docs/json/radarr/cf/bad.json"]["trash_scores"] = {"default": -500}
    files["docs/json/radarr/quality-profiles/hd.json"] |= {"minFormatScore": 10, "cutoffFormatScore": 500}
    plan = house.bring_in(files, profiles=frozenset())
    assert {step.format.name: step.action for step in plan.formats} == {"AMZN": Action.KEPT, "Bad": Action.UPDATED}
    assert [line.label for line in plan.formats[0].lines] == ["condition added", "condition removed"]
    assert house.formats()["AMZN"].format.conditions[0].value == "mine"
    assert house.scores() == {"AMZN": 77, "Bad": -500}
    assert (house.profile().minimum_format_score, house.profile().cutoff_format_score) == (50, 500)
    with house.database.reads() as session:
        assert guides.changed_fields(session, SYSTEM, house.profile().id) == ("minimum score", "scores")
    # Unless a person asks for the guide's version.
    house.bring_in(files, replace=True)
    assert house.formats()["AMZN"].format.conditions[0].value == "theirs"
    assert not house.formats()["AMZN"].changed
    assert house.scores() == {"AMZN": 10, "Bad": -500}
    assert house.profile().minimum_format_score == 10


def test_a_shared_format_is_divided_when_only_one_application_changes_it(house):
    house.bring_in(guide(), all_formats=True)
    files = guide()
    files["docs/json/sonarr/cf/amzn.json"]["specifications"][0]["fields"]["value"] = "Amazon"
    house.bring_in(files)
    formats = house.formats()
    assert formats["AMZN"].format.conditions[0].value == r"\bAMZN\b"
    assert formats["AMZN"].apps == (App.RADARR,)
    assert formats["AMZN (series)"].apps == (App.SONARR,)


def test_a_format_that_a_guide_renames_is_renamed_and_its_scores_stay(house):
    house.bring_in(guide())
    files = guide()
    files["docs/json/radarr/cf/amzn.json"]["name"] = "Amazon"
    house.bring_in(files)
    assert set(house.formats()) == {"Amazon", "Bad"}
    assert house.scores() == {"Amazon": 10, "Bad": -100}


def test_formats_that_are_no_longer_in_the_guide_stay_and_are_named(house):
    house.bring_in(guide())
    files = guide()
    del files["docs/json/radarr/cf/bad.json"]
    assert house.bring_in(files).gone == ("Bad",)
    assert "Bad" in house.formats()


def test_sizes_and_names_are_applied_and_follow_the_guide_until_a_person_changes_them(house):
    choice = {"sizes": frozenset({"radarr:quality_size:s1"}), "naming": {"movie_file": "standard"}}
    house.bring_in(guide(), **choice)

    def now():
        with house.database.reads() as session:
            limits = settings.qualities.size_limits(session, SYSTEM, MediaType.MOVIE)["Bluray-1080p"]
            return limits.minimum, settings.naming_rules.get_naming_set(session, SYSTEM).movie_file

    assert now() == (50.8, "{Movie CleanTitle} {(Release Year)}{-Release Group}")
    files = guide()
    files["docs/json/radarr/quality-size/movie.json"]["qualities"][0]["min"] = 40
    files["docs/json/radarr/naming/radarr-naming.json"]["file"]["standard"] = "{Movie CleanTitle}"
    house.bring_in(files)
    assert now() == (40, "{Movie CleanTitle}")
    with house.database.writes() as session:
        limits = settings.SizeLimits(1, 2, 3)
        settings.qualities.change_size_limits(session, SYSTEM, MediaType.MOVIE, "Bluray-1080p", limits)
    files["docs/json/radarr/quality-size/movie.json"]["qualities"][0]["min"] = 30
    plan = house.bring_in(files)
    assert plan.sizes[0].action is Action.KEPT and plan.sizes[0].lines[0].kept
    assert now()[0] == 1


def test_formats_that_exclude_each_other_are_reported(house):
    files = guide() | {
        "docs/json/radarr/conflicts.json": {"custom_formats": [{"f1": {"name": "AMZN"}, "f2": {"name": "Bad"}}]}
    }
    assert house.preview(files).clashes == (("HD", ("AMZN", "Bad")),)


def test_files_that_cannot_be_used_are_listed_and_the_rest_is_imported(house):
    files = guide() | {
        "docs/json/radarr/cf/broken.json": b"{",
        "docs/json/radarr/cf/pattern.json": cf("f9", "Broken", "("),
        "docs/json/radarr/cf/number.json": cf("f8", "Number", 99, implementation="SourceSpecification"),
        "docs/json/radarr/quality-profiles/x.json": {**PROFILE, "trash_id": "p2", "items": [{"name": "VHS"}]},
        "README.md": b"text",
        "docs/json/guide-only/other.json": cf("guide-only", "Other", "x"),
    }
    id = house.upload(files)
    with house.database.reads() as session:
        _, bundle = guides.kept(session, SYSTEM, id)
    assert sorted(path.rpartition("/")[2] for path, _ in bundle.problems) == [
        "broken.json",
        "number.json",
        "pattern.json",
        "x.json",
    ]
    assert all(sentence.endswith((".", ").")) for _, sentence in bundle.problems)
    assert len(bundle.of(PartKind.FORMAT)) == 4


def zipped(files, compression=zipfile.ZIP_DEFLATED):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return packed.getvalue()


def test_an_archive_with_a_folder_around_it_is_read():
    bundle = guides.read_zip(zipped({f"Guides-master/{path}": json.dumps(one) for path, one in guide().items()}))
    assert len(bundle.parts) == len(guide())


@pytest.mark.parametrize("content", [b"", b"text", zipped({"a.txt": "x"}), zipped({"docs/readme.json": "{}"})])
def test_what_is_no_guide_is_refused(content):
    with pytest.raises(Invalid):
        guides.read_zip(content)


def test_an_archive_that_unpacks_to_gigabytes_is_stopped():
    bomb = zipped({f"docs/json/radarr/cf/{number}.json": b" " * (4 << 20) for number in range(17)})
    assert len(bomb) < 1 << 20
    with pytest.raises(Invalid, match="64 MiB"):
        guides.read_zip(bomb)


def test_single_files_need_the_application():
    content = json.dumps(cf("f1", "AMZN", "x")).encode()
    with pytest.raises(Invalid):
        guides.read_files([("amzn.json", content)])
    assert guides.read_files([("amzn.json", content)], App.SONARR).parts[0].app is App.SONARR


def test_importing_needs_the_permission_to_manage_settings(house, guest):
    id = house.upload(guide())
    with house.database.reads() as session, pytest.raises(Forbidden):
        guides.preview(session, guest, id, chosen())
    with house.database.writes() as session, pytest.raises(Forbidden):
        guides.apply(session, guest, house.now, id, chosen(), judge=naming.check_template)


def test_an_upload_is_imported_once(house):
    id = house.upload(guide())
    with house.database.writes() as session:
        guides.apply(session, SYSTEM, house.now, id, chosen(), judge=naming.check_template)
    with house.database.writes() as session, pytest.raises(NotFound):
        guides.apply(session, SYSTEM, house.now, id, chosen(), judge=naming.check_template)


def exported(house):
    with house.database.reads() as session:
        archive = zipfile.ZipFile(io.BytesIO(guides.export_all(session, SYSTEM)))
    return {name: json.loads(archive.read(name)) for name in archive.namelist()}


def by_id(files):
    """Return (application, folder, trash_id) -> content."""
    found = {}
    for path, raw in files.items():
        content = json.loads(raw) if isinstance(raw, bytes) else raw
        pieces = path.split("/")
        if ("radarr" not in pieces and "sonarr" not in pieces) or "dummy-files" in pieces:
            continue
        key = content.get("trash_id", "") if isinstance(content, dict) else ""
        found[pieces[2], pieces[3], key] = content
    return found


def test_a_guide_is_exported_as_it_was_imported(house):
    house.bring_in(guide(), all_formats=True)
    without = by_id({path: one for path, one in guide().items() if "naming" not in path and "quality-size" not in path})
    assert by_id(exported(house)) == without


def test_the_sample_is_imported_and_exported_without_loss(house):
    house.bring_in(contents(SAMPLE), all_formats=True, profiles=frozenset())
    assert by_id(exported(house)) == by_id(contents(SAMPLE))


@needs_guides
def test_the_whole_guide_is_imported_and_exported_without_loss(house):
    files = contents(WHOLE)
    id = house.upload(files)
    with house.database.reads() as session:
        _, bundle = guides.kept(session, SYSTEM, id)
    assert bundle.problems == ()
    assert (len(bundle.of(PartKind.FORMAT)), len(bundle.of(PartKind.PROFILE))) == (478, 62)
    everything = {
        "all_formats": True,
        "groups": frozenset(),
        "profiles": frozenset(part.id for part in bundle.of(PartKind.PROFILE)),
        "sizes": frozenset(part.id for part in bundle.of(PartKind.SIZE)),
        "naming": {"movie_file": "standard", "episode_file": "default"},
    }
    house.bring_in(files, **everything)
    again = exported(house)
    assert by_id(again) == by_id(files)
    plan = house.bring_in(again, profiles=frozenset())
    assert {step.action for step in (*plan.formats, *plan.profiles)} == {Action.SAME}
    assert len(house.formats()) < 478
    assert house.scores("[Anime] Remux-1080p")["Anime BD Tier 01"] > 0


@needs_guides
def test_default_groups_add_no_formats_that_exclude_each_other(house):
    id = house.upload(contents(WHOLE))
    with house.database.reads() as session:
        _, bundle = guides.kept(session, SYSTEM, id)
        choice = Choice(profiles=frozenset(part.id for part in bundle.of(PartKind.PROFILE)))
        plan = guides.preview(session, SYSTEM, id, choice)
    assert plan.clashes == ()
    assert sum(len(step.values["scores"]) for step in plan.profiles) > 1000
