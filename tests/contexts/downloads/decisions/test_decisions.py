"""Decisions: a sentence for every rejection, stage by stage, and a total order of the accepted releases."""

from __future__ import annotations

from collections import Counter
from copy import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mydia.adapters.indexers import IndexerRelease, Protocols
from mydia.contexts.downloads.decisions import (
    SPECS,
    Blocked,
    Decision,
    Facts,
    Held,
    Imported,
    Queued,
    decide,
    first_approved,
    make_candidate,
    rank_key,
)
from mydia.contexts.downloads.wording import reason_word, summary_sentence
from mydia.contexts.media import EpisodeRef
from mydia.contexts.settings.profiles import preset_profile
from mydia.contexts.settings.qualities import QUALITY_NAMES, default_limits
from mydia.events import say
from mydia.parsing import Quality, Revision, normalise_title
from mydia.units import GIB, MIB

# A loaded machine must not fail the property.
relaxed = hypothesis_settings(deadline=None)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HASH = "a" * 40


def q(name: str, version: int = 1) -> Quality:
    return Quality.from_name(name, Revision(version))


def film(**changes: object) -> Facts:
    facts = Facts(
        now=NOW,
        item_id="alien",
        type="movie",
        title="Alien",
        year=1979,
        titles=frozenset({normalise_title("Alien"), normalise_title("Alien – Das unheimliche Wesen")}),
        profile=preset_profile("Any"),
        limits={name: default_limits("movie", name) for name in QUALITY_NAMES},
        tmdb_id=348,
        imdb_id="tt0078748",
        runtime_min=117,
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


def episodes(season: int, count: int, *, start: date = date(2025, 1, 1), monitored: bool = True) -> list[EpisodeRef]:
    return [
        EpisodeRef(
            id=f"s{season}e{n}",
            season_number=season,
            episode_number=n,
            absolute_number=None,
            title=f"Part {n}",
            air_on=start + timedelta(days=7 * n),
            runtime_min=50,
            monitored=monitored,
            held=False,
        )
        for n in range(1, count + 1)
    ]


def series(**changes: object) -> Facts:
    facts = Facts(
        now=NOW,
        item_id="silo",
        type="tv_show",
        title="Silo",
        year=2023,
        titles=frozenset({normalise_title("Silo")}),
        profile=preset_profile("Any"),
        limits={name: default_limits("tv_show", name) for name in QUALITY_NAMES},
        tvdb_id=403245,
        series_type="standard",
        episodes=(*episodes(1, 10), *episodes(2, 10, start=date(2026, 1, 1))),
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


def release(title: str, size: int | None = 4 * GIB, **facts: object) -> IndexerRelease:
    made = IndexerRelease(
        guid=title, title=title, protocol=Protocols.TORRENT, download_url="http://x/1", size_bytes=size, seeders=20
    )
    return replace(made, **facts)  # type: ignore[arg-type]


def judge(facts: Facts, *releases: IndexerRelease, **options: object) -> list[Decision]:
    return decide(
        [make_candidate(r, facts, indexer_id="ix", indexer_name="Public", **options) for r in releases],  # type: ignore[arg-type]
        facts,
    )


def reasons(facts: Facts, one: IndexerRelease) -> dict[str, str]:
    return {objection.spec: objection.text for objection in judge(facts, one)[0].objections}


GOOD = "Alien.1979.1080p.BluRay.x264-GRP"
GOOD_EPISODE = "Silo.S01E02.1080p.WEB-DL.H264-GRP"
PACK = "Silo.S01.1080p.WEB-DL.H264-GRP"


def test_a_fitting_release_is_approved() -> None:
    assert reasons(film(), release(GOOD, 9 * GIB)) == {}
    assert reasons(series(), release(GOOD_EPISODE, 2 * GIB)) == {}
    assert reasons(series(), release(PACK, 20 * GIB)) == {}


@pytest.mark.parametrize(
    ("facts", "offered", "reason", "words"),
    [
        (film(), release("Aliens.1986.1080p.BluRay.x264-GRP"), "wrong-title", "“Aliens”, which is not a title of Alien (1979)"),
        (film(), release("Alien.Resurrection.1997.1080p.BluRay-G"), "wrong-title", "not a title of Alien"),
        (film(), release("Alien.2012.1080p.BluRay.x264-GRP"), "wrong-year", "It is from 2012; Alien is from 1979"),
        (film(), release(GOOD, tmdb_id=679), "wrong-title", "another movie (TMDB 679 instead of 348)"),
        (film(), release("Alien.S01E02.1080p.WEB-DL-G"), "wrong-title", "episode"),
        (film(namesakes=("Alien (2030)",)), release("Alien.1080p.BluRay.x264-GRP"), "wrong-year", "has no year"),
        (film(), release(GOOD.replace("1080p.BluRay", "HDCAM")), "quality-not-wanted", "Any does not allow"),
        (film(), release("Alien.1979.COMPLETE.BLURAY-GRP", 40 * GIB), "raw-disc", "whole disc"),
        (film(profile=preset_profile("HD-1080p")), release(GOOD, 18 * GIB), "size-max", "18.0 GB is over your 15.0 GB limit for Bluray-1080p (HD-1080p)"),
        (film(profile=preset_profile("HD-1080p")), release(GOOD, 1 * GIB), "size-min", "1.0 GB is under your 2.0 GB minimum"),
        (film(), release("Alien.1979.720p.WEB-DL-GRP", 16 * GIB), "size-max", "100 MB per minute for 117 min"),
        (film(), release("Alien.1979.1080p.BluRay.sample-GRP", 60 * MIB), "sample", "60.0 MB"),
        (film(held=(Held(quality=q("Bluray-1080p"), episode_ids=frozenset()),)), release("Alien.1979.720p.BluRay-G"), "already-have-better", "You already have Bluray-1080p"),
        (film(held=(Held(quality=q("Remux-2160p"), episode_ids=frozenset()),)), release("Alien.1979.2160p.WEB-DL-G"), "already-have-better", "Remux-2160p"),
        (film(held=(Held(quality=q("HDTV-2160p"), episode_ids=frozenset()),)), release("Alien.1979.2160p.WEB-DL-G"), "goal-reached", "meets Any"),
        (film(profile=preset_profile("HD-1080p"), held=(Held(quality=q("HDTV-1080p"), episode_ids=frozenset()),)), release(GOOD, 9 * GIB), "upgrade-not-allowed", "HD-1080p does not allow upgrades"),
        (film(queued=(Queued(title="Alien 1979 2160p", quality=q("WEBDL-2160p"), episode_ids=frozenset()),)), release(GOOD), "in-queue-better", "WEBDL-2160p is already being downloaded"),
        (film(queued=(Queued(title=GOOD, quality=q("Bluray-1080p"), episode_ids=frozenset(), info_hash=HASH),)), release(GOOD, info_hash=HASH), "in-queue-better", "This release"),
        (film(blocked=(Blocked(normalised="x", info_hash=HASH, indexer_id=None, protocol="torrent", because="it never started.", added_at=NOW),)), release(GOOD, info_hash=HASH), "blocklisted", "Blocklisted on 21 November 2026: it never started."),
        (film(blocked=(Blocked(normalised=normalise_title(GOOD), info_hash=None, indexer_id="ix", protocol="torrent", because="fake.", added_at=NOW),)), release(GOOD), "blocklisted", "fake"),
        (film(held=(Held(quality=q("WEBDL-720p"), episode_ids=frozenset()),), imported=(Imported(GOOD, None, NOW),)), release(GOOD), "already-imported", "imported on 21 November 2026"),
        (film(), release(GOOD, seeders=0), "seeders-min", "No seeders; at least 1 required"),
        (film(indexer_seeders={"ix": 30}), release(GOOD), "seeders-min", "20 seeders; at least 30 required"),
        (film(protocols=frozenset({"usenet"})), release(GOOD), "protocol-disabled", "No torrent client"),
        (film(free_bytes=5 * GIB, minimum_free_bytes=2 * GIB), release(GOOD), "free-space", "It needs 4.0 GB, but only 5.0 GB is free"),
        (film(not_out="It is released on 24 December 2026."), release(GOOD), "availability", "24 December"),
        (film(monitored=False), release(GOOD), "not-monitored", "Alien is not monitored"),
        (series(season_number=1), release("Silo.S02E01.1080p.WEB-DL-G", 2 * GIB), "wrong-season", "It is season 2; season 1 was searched for"),
        (series(season_number=1, episode_ids=frozenset({"s1e3"})), release(GOOD_EPISODE, 2 * GIB), "wrong-episode", "It contains S01E02, which wasn't searched for"),
        (series(season_number=1, episode_ids=frozenset({"s1e2"})), release(PACK, 20 * GIB), "wrong-episode", "whole season of 10 episodes"),
        (series(), release("Silo.S07E01.1080p.WEB-DL-G", 2 * GIB), "wrong-episode", "has no episode S07E01"),
        (series(multi_season_packs=False), release("Silo.S01-S02.1080p.WEB-DL-G", 40 * GIB), "multi-season", "pack of 2 seasons"),
        (series(), release("Solo.S01E02.1080p.WEB-DL-G", 2 * GIB), "wrong-title", "“Solo”"),
        (series(), release(GOOD_EPISODE, 2 * GIB, tvdb_id=1), "wrong-title", "TVDB 1 instead of 403245"),
        (series(episodes=tuple(episodes(1, 10, start=date(2026, 10, 1)))), release(PACK, 20 * GIB), "full-season-not-aired", "airs on"),
        (series(episodes=tuple(episodes(1, 10, monitored=False))), release(GOOD_EPISODE, 2 * GIB), "not-monitored", "S01E02 is not monitored"),
        (series(held=(Held(quality=q("WEBDL-1080p"), episode_ids=frozenset({"s1e2"})),)), release(GOOD_EPISODE, 2 * GIB), "already-have-better", "no better"),
    ],
)  # fmt: skip
def test_each_refusal_says_why_with_its_values(facts: Facts, offered: IndexerRelease, reason: str, words: str) -> None:
    said = reasons(facts, offered)
    assert reason in said, said
    assert words in said[reason], said[reason]


def test_a_release_of_another_film_has_only_that_reason() -> None:
    said = reasons(film(), release("Aliens.1986.HDCAM-GRP", seeders=0))
    assert set(said) == {"wrong-title", "wrong-year"}


def test_all_objections_of_a_stage_are_kept() -> None:
    facts = film(profile=preset_profile("HD-1080p"), free_bytes=0, minimum_free_bytes=GIB)
    said = reasons(facts, release("Alien.1979.720p.BluRay.x264-GRP", 18 * GIB, seeders=0))
    assert set(said) == {"quality-not-wanted", "size-max", "seeders-min"}, (
        "the disk is not asked about what is refused anyway"
    )


def test_a_manual_search_skips_reasons_the_user_decides() -> None:
    facts = film(monitored=False, not_out="It is not out.", interactive=True)
    assert reasons(facts, release(GOOD)) == {}


def test_a_delayed_release_is_not_rejected() -> None:
    assert judge(film(not_out="Not yet."), release(GOOD))[0].verdict == "waiting"
    assert judge(film(not_out="Not yet."), release(GOOD, seeders=0))[0].verdict == "refused"


def test_an_alias_and_an_id_in_the_name_count_as_the_title() -> None:
    assert reasons(film(), release("Alien - Das unheimliche Wesen (1979) 1080p BluRay x264-GRP")) == {}


def test_an_echoed_id_does_not_make_another_title_the_right_one() -> None:
    assert "wrong-title" in reasons(film(), release("Gravity.2013.1080p.BluRay-G", tmdb_id=348))


def test_a_pack_is_accepted_only_if_most_episodes_are_missing() -> None:
    few = tuple(Held(quality=q("WEBDL-1080p"), episode_ids=frozenset({f"s1e{n}"})) for n in range(1, 4))
    most = tuple(Held(quality=q("WEBDL-1080p"), episode_ids=frozenset({f"s1e{n}"})) for n in range(1, 9))
    assert reasons(series(held=few), release(PACK, 20 * GIB)) == {}
    assert "already-have-better" in reasons(series(held=most), release(PACK, 20 * GIB))


def test_a_double_episode_is_not_replaced_by_half_of_it() -> None:
    facts = series(held=(Held(quality=q("SDTV"), episode_ids=frozenset({"s1e2", "s1e3"})),))
    assert "S01E03" in reasons(facts, release(GOOD_EPISODE, 2 * GIB))["already-have-better"]


def test_daily_and_absolute_numbers_find_their_episodes() -> None:
    daily = series(series_type="daily")
    day = daily.episodes[4].air_on
    assert day is not None
    one = make_candidate(release(f"Silo.{day:%Y.%m.%d}.720p.HDTV-G"), daily, indexer_id="ix", indexer_name="x")
    assert [e.code for e in one.episodes] == ["S01E05"]
    anime = series(series_type="anime")
    two = make_candidate(release("[Group] Silo - 12 [1080p].mkv"), anime, indexer_id="ix", indexer_name="x")
    assert [e.code for e in two.episodes] == ["S02E02"]


def test_the_better_release_comes_first() -> None:
    decisions = judge(
        film(),
        release("Alien.1979.720p.BluRay.x264-GRP", seeders=900),
        release("Alien.1979.2160p.WEB-DL.x265-GRP", 20 * GIB, seeders=2),
        release("Alien.1979.1080p.BluRay.x264-GRP", seeders=5),
        release("Alien.1979.1080p.BluRay.REPACK.x264-GRP", seeders=5),
        release("Aliens.1986.2160p.BluRay.x265-GRP", 20 * GIB),
    )
    titles = [decision.candidate.release.title for decision in decisions]
    assert titles == [
        "Alien.1979.2160p.WEB-DL.x265-GRP",
        "Alien.1979.1080p.BluRay.REPACK.x264-GRP",
        "Alien.1979.1080p.BluRay.x264-GRP",
        "Alien.1979.720p.BluRay.x264-GRP",
        "Aliens.1986.2160p.BluRay.x265-GRP",
    ]
    best = first_approved(decisions)
    assert best is not None
    assert best.candidate.release.title == titles[0]


def test_a_season_search_prefers_the_pack_and_an_episode_search_the_episode() -> None:
    both = (release(PACK, 20 * GIB), release(GOOD_EPISODE, 2 * GIB))
    missing = frozenset(f"s1e{n}" for n in range(1, 11))
    season = judge(series(season_number=1, episode_ids=missing), *both)
    assert season[0].candidate.release.title == PACK
    single = judge(series(season_number=1, episode_ids=frozenset({"s1e2"})), *both)
    assert single[0].candidate.release.title == GOOD_EPISODE


def test_the_summary_says_why_nothing_was_grabbed() -> None:
    facts = film(profile=preset_profile("HD-1080p"))
    decisions = judge(
        facts,
        release("Alien.1979.720p.BluRay-G"),
        release("Alien.1979.DVDRip-G", 1 * GIB),
        release(GOOD, 18 * GIB),
        release("Aliens.1986.1080p.BluRay-G"),
    )
    counts = Counter(decision.objections[0].spec for decision in decisions)
    assert counts == {"quality-not-wanted": 2, "size-max": 1, "wrong-title": 1}
    sentence = summary_sentence(4, 0, {"rejected": counts, "asked": 3, "failures": 1})
    assert sentence.startswith("4 found, 0 accepted; 2 rejected for quality")
    assert sentence.endswith("1 of 3 indexers did not answer.")


def test_every_reason_has_a_short_label_and_is_stored_as_code_and_facts() -> None:
    assert all(reason_word(spec.name) == spec.word for spec in SPECS)
    decision = judge(film(), release("Alien.2012.1080p.BluRay.x264-GRP"))[0]
    stored = decision.objections[0].to_json()
    assert stored == {
        "reason": "wrong-year",
        "permanent": True,
        "code": "wrong-year",
        "facts": {"year": 2012, "title": "Alien", "expected": 1979},
    }
    assert say(stored) == "It is from 2012; Alien is from 1979."
    assert (
        say({"reason": "wrong-year", "text": "It is of 2012; Alien is of 1979."}) == "It is of 2012; Alien is of 1979."
    )


def test_a_search_of_an_older_version_shows_the_sentence_it_stored() -> None:
    assert summary_sentence(2, 1, {"size-max": 1, "sentence": "2 found, 1 fits: 1 size."}) == "2 found, 1 fits: 1 size."


NAMES = st.sampled_from(
    [
        "Alien.1979.1080p.BluRay.x264-GRP",
        "Alien.1979.2160p.WEB-DL-GRP",
        "Alien.1979.720p.HDTV-GRP",
        "Alien.1979.PROPER.1080p.BluRay-GRP",
        "Aliens.1986.1080p.BluRay-GRP",
        "Alien.HDCAM.1979-X",
        "☠",
        "",
    ]
)
RELEASES = st.builds(
    lambda title, size, seeders, guid: replace(release(title, size, seeders=seeders), guid=guid),
    NAMES,
    st.one_of(st.none(), st.integers(0, 60 * GIB)),
    st.one_of(st.none(), st.integers(0, 10_000)),
    st.text(max_size=3),
)


@relaxed
@given(st.lists(RELEASES, max_size=12), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_of_arrival(offered: list[IndexerRelease], random: object) -> None:
    shuffled = list(offered)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    key = lambda d: (d.candidate.release.title, d.candidate.release.size_bytes or -1, d.candidate.release.guid)  # noqa: E731
    first = [(d.verdict, d.preference, key(d)[0]) for d in judge(film(), *offered)]
    second = [(d.verdict, d.preference, key(d)[0]) for d in judge(film(), *shuffled)]
    assert first == second


@relaxed
@given(st.lists(RELEASES, min_size=3, max_size=3))
def test_preference_is_a_total_order(offered: list[IndexerRelease]) -> None:
    a, b, c = (
        rank_key(d.verdict, d.preference, d.candidate.release.title, d.candidate.identity)
        for d in judge(film(), *offered)
    )
    assert (a <= b) or (b <= a)
    if a <= b <= c:
        assert a <= c


@relaxed
@given(RELEASES, st.sampled_from(["Any", "HD-1080p", "Remux-2160p"]))
def test_every_verdict_is_explained_by_its_reasons(offered: IndexerRelease, name: str) -> None:
    decision = judge(film(profile=preset_profile(name)), offered)[0]
    assert (decision.verdict == "approved") == (not decision.objections)
    assert all(objection.text.strip() for objection in decision.objections)
