"""A dry run of a changed profile: what would be upgraded, refused and grabbed, and how many gigabytes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mydia.contexts import downloads, media, settings
from mydia.contexts.downloads.whatif.compare import Offer, Outcome, Present, Sides, Wanted, compare_profiles
from mydia.contexts.settings.profiles import preset_profile
from mydia.contexts.settings.qualities import QUALITY_NAMES, default_limits
from mydia.contexts.users import SYSTEM, Caller
from mydia.errors import Forbidden, Invalid
from mydia.parsing import Quality
from mydia.units import GIB
from mydia.vocabulary import MediaType
from tests import builders
from tests.contexts.downloads.conftest import House

HD = "Metropolis.1927.1080p.BluRay.x264-GRP"
UHD = "Metropolis.1927.2160p.WEB-DL.x265-GRP"


def form_of(profile: settings.Profile, **changes: Any) -> settings.ProfileForm:
    kept = {name: getattr(profile, name) for name in settings.ProfileForm.__struct_fields__ if name != "items"}
    return settings.ProfileForm(**{**kept, "items": profile.items(), **changes})


def present(house: House) -> settings.Profile:
    with house.database.reads() as session:
        found = settings.profiles.find_profile(session, "Any")
    assert found is not None
    return found


def without(profile: settings.Profile, *qualities: str) -> list[Any]:
    """Return the profile's items with some rungs not allowed."""
    return [
        {**item, "allowed": item["allowed"] and (item.get("group") or item.get("quality")) not in qualities}
        for item in profile.items()
    ]


def dry_run(house: House, **changes: Any) -> Outcome:
    profile = present(house)
    with house.database.writes() as session:
        trial_id = downloads.whatif.open_trial(session, SYSTEM, house.now, profile.id, form_of(profile, **changes))
    found = downloads.whatif.run_trial(house.database, trial_id)
    assert found is not None
    with house.database.reads() as session:
        stored = downloads.whatif.get_trial(session, SYSTEM, trial_id)
    assert (stored.state, stored.done, stored.total) == ("done", found.titles, found.titles)
    assert stored.outcome == found
    return found


def test_a_profile_that_excludes_4k_would_take_the_next_best_and_save_space(house: House) -> None:
    house.offer(HD, 9 * GIB)
    house.offer(UHD, 20 * GIB)
    house.search()
    same = dry_run(house)
    assert same.taken == (1, 1)
    assert same.added_bytes == 0
    assert same.grabs == same.misses == []
    profile = present(house)
    found = dry_run(house, items=without(profile, "WEB 2160p"), cutoff=None)
    assert found.accepted == (2, 1)
    assert found.refused == {"quality-not-wanted": 1}
    assert [line.release for line in found.grabs] == [HD]
    assert [(line.release, line.rule) for line in found.misses] == [(UHD, "quality-not-wanted")]
    assert found.added_bytes == -11 * GIB
    assert present(house) == profile, "nothing is saved"


def test_files_that_would_become_upgradable_or_unwanted_are_counted(house: House) -> None:
    with house.database.writes() as session:
        film = session.get_one(media.MediaItem, house.film_id)
        folder = session.get_one(settings.LibraryPath, "films")
        builders.media_file(
            session, folder, "Metropolis/Metropolis.mkv", item=film, quality="HDTV-720p", size_bytes=8 * GIB
        )
    house.offer(HD, 9 * GIB)
    house.search()
    profile = present(house)
    stop = dry_run(house, upgrades_allowed=False)
    assert stop.upgradable == (1, 0)
    assert stop.taken == (1, 0)
    assert stop.misses[0].replaces == "HDTV-720p"
    assert stop.added_bytes == -(9 - 8) * GIB
    narrow = dry_run(house, items=without(profile, "HDTV-720p"))
    assert narrow.not_allowed == (0, 1)


def test_other_rules_than_the_profiles_stay_as_the_search_found_them(house: House) -> None:
    house.offer(UHD, 20 * GIB, seeders=0)
    house.search()
    found = dry_run(house, minimum_format_score=0)
    assert found.accepted == (0, 0)
    assert found.refused == {}


def test_a_dry_run_needs_permission_and_a_profile_that_could_be_saved(house: House, guest: Caller) -> None:
    profile = present(house)
    with pytest.raises(Forbidden), house.database.writes() as session:
        downloads.whatif.open_trial(session, guest, house.now, profile.id, form_of(profile))
    nothing = form_of(profile, items=without(profile, *profile.allowed_names))
    with pytest.raises(Invalid, match="at least one quality"), house.database.writes() as session:
        downloads.whatif.open_trial(session, SYSTEM, house.now, profile.id, nothing)


def test_a_dry_run_that_no_worker_finished_ends_and_old_ones_are_deleted(house: House) -> None:
    profile = present(house)
    with house.database.writes() as session:
        trial_id = downloads.whatif.open_trial(session, SYSTEM, house.now, profile.id, form_of(profile))
        assert downloads.whatif.end_lost(session, house.later(minutes=11)) == 1
        assert downloads.whatif.get_trial(session, SYSTEM, trial_id).state == "failed"
        downloads.whatif.prune_trials(session, house.later(days=2))
        assert downloads.whatif.find_trial(session, trial_id) is None
    assert downloads.whatif.run_trial(house.database, trial_id) is None


qualities = st.sampled_from(["HDTV-720p", "WEBDL-1080p", "Bluray-1080p", "WEBDL-2160p", "Remux-2160p", "SDTV"])
scores = st.tuples(st.integers(-50, 50), st.integers(-50, 50))
some_files = st.builds(
    lambda name, size, pair: Present(
        quality=Quality.from_name(name), size_bytes=size, episode_ids=frozenset(), scores=pair
    ),
    qualities,
    st.integers(1, 60 * GIB),
    scores,
)
some_offers = st.builds(
    lambda name, size, pair, rank: Offer(
        title=name,
        quality=Quality.from_name(name),
        size_bytes=size,
        episode_ids=frozenset(),
        is_pack=False,
        scores=pair,
        languages=frozenset({"en"}),
        preference=f'[{{"name": "seeders", "value": {rank}}}]',
    ),
    qualities,
    st.integers(1, 60 * GIB),
    scores,
    st.integers(-5, 5),
)


def profile_with(name: str, minimum: int) -> settings.Profile:
    made = preset_profile(name)
    object.__setattr__(made, "minimum_format_score", minimum)
    return made


profiles = st.builds(profile_with, st.sampled_from(["Any", "HD-1080p", "4K/UHD", "SD"]), st.integers(-20, 20))


@hypothesis_settings(deadline=None)
@given(profiles, profiles, st.lists(some_files, max_size=2), st.lists(some_offers, max_size=6))
def test_swapping_the_two_profiles_swaps_the_result(
    first: settings.Profile, second: settings.Profile, files: list[Present], offers: list[Offer]
) -> None:
    limits = {type: {name: default_limits(type, name) for name in QUALITY_NAMES} for type in MediaType}

    def run(one: settings.Profile, other: settings.Profile, *, swapped: bool) -> Outcome:
        def turn(pair: tuple[int, int]) -> tuple[int, int]:
            return pair[::-1] if swapped else pair

        wanted = Wanted(
            item_id="1",
            title="x",
            type=MediaType.MOVIE,
            runtime_min=110,
            original_language="en",
            files=tuple(msgspec.structs.replace(file, scores=turn(file.scores)) for file in files),
            offers=tuple(msgspec.structs.replace(offer, scores=turn(offer.scores)) for offer in offers),
            searched=True,
        )
        sides = Sides(profiles=(one, other), limits=limits, propers=settings.upgrades.Propers.PREFER)
        return compare_profiles(sides, [wanted])

    there, back = run(first, second, swapped=False), run(second, first, swapped=True)
    assert there.accepted == back.accepted[::-1]
    assert there.taken == back.taken[::-1]
    assert there.upgradable == back.upgradable[::-1]
    assert there.added_bytes == -back.added_bytes
    assert [line.release for line in there.grabs] == [line.release for line in back.misses]
    same = run(first, first, swapped=False)
    if all(offer.scores[0] == offer.scores[1] for offer in offers) and all(f.scores[0] == f.scores[1] for f in files):
        assert same.grabs == same.misses == []
        assert same.added_bytes == 0
