"""Quality profiles: order, groups, cutoff, presets and validation."""

from __future__ import annotations

from copy import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mydia.contexts.settings import profiles, qualities
from mydia.contexts.settings.models import LibraryPath
from mydia.contexts.settings.profiles import ProfileForm, preset_profile
from mydia.contexts.settings.qualities import SizeLimits
from mydia.contexts.settings.upgrades import Verdict, compare, upgradable
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import Database
from mydia.errors import Conflict, Forbidden, Invalid
from mydia.parsing import Quality, Revision
from mydia.units import GIB

# A loaded machine must not fail the property.
relaxed = hypothesis_settings(deadline=None)

NAMES = qualities.QUALITY_NAMES
SOME = [
    {"quality": "SDTV", "allowed": True},
    {"group": "WEB", "qualities": ["WEBDL-1080p", "WEBRip-1080p"], "allowed": True},
    {"quality": "Bluray-1080p", "allowed": True},
]


def q(name: str, version: int = 1, real: int = 0) -> Quality:
    return Quality.from_name(name, Revision(version, real))


def test_members_of_a_group_rank_equally() -> None:
    profile = preset_profile("HD-1080p")
    assert profile.rank(q("WEBDL-1080p")) == profile.rank(q("WEBRip-1080p")) < profile.rank(q("Bluray-1080p"))
    assert profile.allows(q("WEBRip-1080p"))
    assert not profile.allows(q("Remux-1080p"))


def test_every_quality_has_a_rank_even_if_only_some_were_listed() -> None:
    rungs = profiles.read_rungs(SOME)
    assert sorted(name for rung in rungs for name in rung.qualities) == sorted(NAMES)
    profile = profiles.Profile(id="", name="Mine", rungs=rungs, cutoff="WEB")
    assert profile.rank(q("Remux-2160p")) > profile.rank(q("Bluray-1080p")), "a 4K file is never worse than 1080p"
    assert not profile.allows(q("Remux-2160p"))


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("Any", ["SDTV", "WEBDL-2160p", "Remux-1080p"], ["CAM", "BR-DISK", "Unknown", "TELESYNC"]),
        ("SD", ["DVD", "Bluray-576p"], ["HDTV-720p"]),
        ("HD-720p", ["WEBDL-720p"], ["WEBDL-1080p"]),
        ("HD-1080p", ["HDTV-1080p", "Bluray-1080p"], ["WEBDL-720p", "WEBDL-2160p"]),
        ("Full HD", ["Remux-1080p"], ["HDTV-1080p"]),
        ("Remux-1080p", ["Remux-1080p"], ["Bluray-1080p"]),
        ("4K/UHD", ["WEBDL-2160p", "Remux-2160p"], ["Bluray-1080p"]),
        ("Remux-2160p", ["Remux-2160p"], ["Bluray-2160p"]),
    ],
)
def test_the_presets_accept_what_their_names_say(name: str, allowed: list[str], refused: list[str]) -> None:
    profile = preset_profile(name)
    assert all(profile.allows(q(quality)) for quality in allowed)
    assert not any(profile.allows(q(quality)) for quality in refused)
    assert profile.cutoff in profile.allowed_names


def test_presets_are_created_once_and_a_deleted_one_stays_deleted(
    database: Database, admin: Caller, now: datetime
) -> None:
    with database.writes() as session:
        profiles.ensure_default_profiles(session, now)
        names = [profile.name for profile in profiles.list_profiles(session, SYSTEM)]
        assert sorted(names) == sorted(preset.name for preset in profiles.PRESETS)
        gone = profiles.find_profile(session, "sd")
        assert gone is not None
        profiles.delete_profile(session, admin, now, gone.id)
        profiles.ensure_default_profiles(session, now)
        assert profiles.find_profile(session, "SD") is None
        assert profiles.get_profile(session, SYSTEM, profiles.default_profile_id(session, SYSTEM)).name == "HD-1080p"


def test_a_profile_survives_the_round_trip(database: Database, admin: Caller, now: datetime) -> None:
    form = ProfileForm(name="Mine", items=SOME, cutoff="WEB", maximum_size_mb=15360)
    with database.writes() as session:
        saved = profiles.save_profile(session, admin, now, form)
    with database.reads() as session:
        assert profiles.get_profile(session, SYSTEM, saved.id) == saved
    assert saved.goal == saved.rank(q("WEBDL-1080p"))


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        (ProfileForm(name=" ", items=SOME), "name", "needs a name"),
        (ProfileForm(name="X", items=[{"quality": "8K", "allowed": True}]), "items", "no quality named “8K”"),
        (ProfileForm(name="X", items=[*SOME, {"quality": "SDTV", "allowed": True}]), "items", "twice"),
        (ProfileForm(name="X", items=[{"quality": "SDTV", "allowed": False}]), "items", "at least one"),
        (
            ProfileForm(name="X", items=[{"group": "G", "qualities": ["SDTV"], "allowed": True}]),
            "items",
            "two qualities",
        ),
        (ProfileForm(name="X", items=SOME, cutoff="DVD"), "cutoff", "not allowed here"),
        (
            ProfileForm(name="X", items=SOME, minimum_size_mb=10, maximum_size_mb=5),
            "maximum_size_mb",
            "above the minimum",
        ),
    ],
)
def test_contradictory_input_is_reported_at_its_field(
    database: Database, admin: Caller, now: datetime, form: ProfileForm, field: str, words: str
) -> None:
    with database.writes() as session, pytest.raises(Invalid, match=words) as caught:
        profiles.save_profile(session, admin, now, form)
    assert field in caught.value.fields


def test_profile_names_are_unique(database: Database, admin: Caller, now: datetime) -> None:
    with database.writes() as session:
        profiles.save_profile(session, admin, now, ProfileForm(name="Mine", items=SOME))
        with pytest.raises(Conflict):
            profiles.save_profile(session, admin, now, ProfileForm(name="mine", items=SOME))


def test_a_copy_gets_its_own_name(database: Database, admin: Caller, now: datetime) -> None:
    with database.writes() as session:
        first = profiles.save_profile(session, admin, now, ProfileForm(name="Mine", items=SOME, cutoff="WEB"))
        second = profiles.duplicate_profile(session, admin, now, first.id)
        third = profiles.duplicate_profile(session, admin, now, first.id)
    assert (second.name, third.name) == ("Mine (copy)", "Mine (copy 2)")
    assert second.rungs == first.rungs


def test_a_profile_in_use_cannot_be_deleted_and_its_users_are_named(
    database: Database, admin: Caller, now: datetime
) -> None:
    with database.writes() as session:
        profiles.ensure_default_profiles(session, now)
        used = profiles.save_profile(session, admin, now, ProfileForm(name="Mine", items=SOME))
        session.add(LibraryPath(path="/films", name="Films", type="movies", default_profile_id=used.id, created_at=now))
        session.flush()
        with pytest.raises(Conflict, match="1 library folder"):
            profiles.delete_profile(session, admin, now, used.id)


def test_changing_a_profile_requires_manage_settings(database: Database, guest: Caller, now: datetime) -> None:
    with database.writes() as session, pytest.raises(Forbidden):
        profiles.save_profile(session, guest, now, ProfileForm(name="Mine", items=SOME))


def test_the_tester_explains_a_name() -> None:
    profile = preset_profile("HD-1080p")
    good = profiles.try_release(profile, "Metropolis.1927.1080p.BluRay.x264-GRP", runtime_min=148, size_bytes=9 * GIB)
    assert good.accepted
    bad = profiles.try_release(profile, "Metropolis.1927.1080p.BluRay.x264-GRP", runtime_min=148, size_bytes=18 * GIB)
    assert not bad.accepted
    assert any("18.0 GB is above the maximum size of 15.0 GB" in text for _, text in bad.lines)
    other = profiles.try_release(profile, "Metropolis.1927.720p.WEB-DL-GRP")
    assert other.lines[0] == (False, "HD-1080p does not allow WEBDL-720p.")


def test_size_limits_of_an_episode_follow_its_runtime() -> None:
    profile = preset_profile("HD-1080p")
    (low, _), (high, _) = profiles.size_bounds(profile, SizeLimits(), "tv_show", 55)
    assert low == 1 * GIB
    assert high == int(7.5 * GIB)


def test_size_limits_can_be_changed_and_must_make_sense(database: Database, admin: Caller) -> None:
    with database.writes() as session:
        qualities.ensure_default_qualities(session)
        assert qualities.size_limits(session, SYSTEM, "tv_show")["WEBDL-1080p"] == SizeLimits(4, 95, 130)
        qualities.change_size_limits(session, admin, "tv_show", "WEBDL-1080p", SizeLimits(1, 50, 80))
        assert qualities.size_limits(session, SYSTEM, "tv_show")["WEBDL-1080p"] == SizeLimits(1, 50, 80)
        assert qualities.size_limits(session, SYSTEM, "movie")["WEBDL-1080p"].maximum == 100
        with pytest.raises(Invalid):
            qualities.change_size_limits(session, admin, "movie", "DVD", SizeLimits(50, None, 20))


# Whether a release is an upgrade

ANY = preset_profile("Any")
WITH_SCORES = replace(ANY, cutoff_format_score=100, minimum_format_increment=10)


@pytest.mark.parametrize(
    ("profile", "have", "get", "verdict"),
    [
        (ANY, q("WEBDL-720p"), q("WEBDL-1080p"), Verdict.BETTER_QUALITY),
        (ANY, q("WEBDL-1080p"), q("WEBDL-720p"), Verdict.PRESENT_IS_BETTER),
        (ANY, q("WEBDL-1080p"), q("WEBRip-1080p"), Verdict.SAME),
        (ANY, q("WEBDL-1080p"), q("WEBDL-1080p", 2), Verdict.BETTER_REVISION),
        (ANY, q("WEBDL-1080p", 2), q("WEBDL-1080p"), Verdict.PRESENT_REVISION_IS_NEWER),
        (ANY, q("WEBDL-1080p", 2), q("WEBDL-1080p", 2, 1), Verdict.BETTER_REVISION),
        (ANY, q("WEBDL-2160p"), q("Remux-2160p"), Verdict.GOAL_REACHED),
        (preset_profile("HD-1080p"), q("HDTV-1080p"), q("Bluray-1080p"), Verdict.UPGRADES_OFF),
        (preset_profile("HD-1080p"), q("HDTV-1080p"), q("HDTV-1080p", 2), Verdict.BETTER_REVISION),
    ],
)
def test_the_upgrade_table(profile: profiles.Profile, have: Quality, get: Quality, verdict: Verdict) -> None:
    said = compare(profile, have, get)
    assert said.reason is verdict
    assert said.text.endswith(".")


def test_a_score_can_upgrade_up_to_the_cutoff_score() -> None:
    same = q("WEBDL-2160p")
    assert compare(WITH_SCORES, same, same, current_score=0, new_score=20).reason is Verdict.BETTER_SCORE
    assert compare(WITH_SCORES, same, same, current_score=0, new_score=5).reason is Verdict.SCORE_TOO_CLOSE
    assert compare(WITH_SCORES, same, same, current_score=100, new_score=500).reason is Verdict.SCORE_GOAL_REACHED


any_quality = st.builds(q, st.sampled_from(NAMES), st.integers(1, 3), st.integers(0, 1))
any_profile = st.sampled_from([preset_profile(p.name) for p in profiles.PRESETS] + [WITH_SCORES])
any_score = st.integers(-50, 150)


@relaxed
@given(any_profile, any_quality, any_score)
def test_a_release_is_not_an_upgrade_over_itself(profile: profiles.Profile, held: Quality, score: int) -> None:
    assert not compare(profile, held, held, current_score=score, new_score=score).upgrade


@relaxed
@given(any_profile, any_quality, any_quality, any_score, any_score)
def test_two_releases_are_never_upgrades_over_each_other(
    profile: profiles.Profile, one: Quality, other: Quality, a: int, b: int
) -> None:
    there = compare(profile, one, other, current_score=a, new_score=b)
    back = compare(profile, other, one, current_score=b, new_score=a)
    assert not (there.upgrade and back.upgrade)


@relaxed
@given(any_profile, st.lists(st.tuples(any_quality, any_score), min_size=2, max_size=12))
def test_taking_every_upgrade_never_cycles(profile: profiles.Profile, offered: list[tuple[Quality, int]]) -> None:
    held, score = offered[0]
    seen = {(held, score)}
    for _ in range(3):
        for quality, points in offered:
            if compare(profile, held, quality, current_score=score, new_score=points).upgrade:
                held, score = quality, points
                assert (held, score) not in seen
                seen.add((held, score))


@relaxed
@given(any_profile, any_quality, any_quality)
def test_without_upgrades_only_a_newer_revision_replaces_a_file(
    profile: profiles.Profile, held: Quality, new: Quality
) -> None:
    if not upgradable(profile, held):
        assert compare(profile, held, new).reason not in {Verdict.BETTER_QUALITY, Verdict.BETTER_SCORE}
