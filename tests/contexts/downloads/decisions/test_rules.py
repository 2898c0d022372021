"""One table per rule: what it rejects, what it lets pass, and under which name Sonarr and Radarr know it."""

from __future__ import annotations

from copy import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia.adapters.indexers import IndexerRelease, Protocols
from mydia.contexts.downloads.decisions import (
    SPECS,
    Blocked,
    Facts,
    Held,
    IndexerRules,
    Pending,
    Queued,
    Recent,
    decide,
    known_as,
    make_candidate,
)
from mydia.contexts.downloads.decisions.specs import _BY_CODE, _QUEUE
from mydia.contexts.settings.profiles import preset_profile
from mydia.contexts.settings.rules import Delay, TermProfile, WordSet
from mydia.contexts.settings.upgrades import Propers, compare
from mydia.events.reasons import SENTENCES
from mydia.parsing import normalise_title
from mydia.units import GIB, MIB
from tests.contexts.downloads.decisions.test_decisions import (
    GOOD,
    GOOD_EPISODE,
    NOW,
    PACK,
    episodes,
    film,
    judge,
    q,
    reasons,
    relaxed,
    release,
    series,
)

BOTH_SEASONS = "Silo.S01-S02.1080p.WEB-DL.H264-GRP"


def at(hours: float) -> datetime:
    """Return an instant before now."""
    return NOW - timedelta(hours=hours)


def held(
    name: str, *, version: int = 1, group: str | None = "GRP", days: int = 1, ids: frozenset[str] = frozenset()
) -> Held:
    return Held(quality=q(name, version), episode_ids=ids, release_group=group, added_at=NOW - timedelta(days=days))


def usenet(title: str, **facts: object) -> IndexerRelease:
    return release(title, protocol=Protocols.USENET, seeders=None, **facts)


def words(**terms: object) -> WordSet:
    return WordSet([TermProfile(id="p", name="Ours", **terms)])  # type: ignore[arg-type]


def indexer(**rules: object) -> dict[str, IndexerRules]:
    return {"ix": IndexerRules(name="Public", **rules)}  # type: ignore[arg-type]


def blocked(**facts: object) -> tuple[Blocked, ...]:
    entry = Blocked(
        normalised=normalise_title(GOOD),
        info_hash=None,
        indexer_id="ix",
        protocol="usenet",
        because="Bad.",
        added_at=NOW,
    )
    return (replace(entry, **facts),)  # type: ignore[arg-type]


REPACK = "Alien.1979.REPACK.1080p.BluRay.x264-GRP"
PROPER = "Alien.1979.PROPER.1080p.BluRay.x264-OTHER"
ANIME_V2 = "[GRP] Silo - 02v2 (1080p) [ABCD1234].mkv"
anime = series(series_type="anime")
ONE_EPISODE = frozenset({"s1e2"})

RULES: dict[str, list[tuple[str, Facts, IndexerRelease, bool]]] = {
    "delay-protocol": [
        ("usenet is off", film(protocols=frozenset({"usenet", "torrent"}), delay=Delay(enable_usenet=False)), usenet(GOOD), True),
        ("torrents stay", film(delay=Delay(enable_usenet=False)), release(GOOD), False),
    ],
    "required-flags": [
        ("no flag", film(indexers=indexer(required_flags=frozenset({"freeleech"}))), release(GOOD), True),
        ("another flag", film(indexers=indexer(required_flags=frozenset({"freeleech"}))), release(GOOD, flags=("scene",)), True),
        ("one of two", film(indexers=indexer(required_flags=frozenset({"freeleech", "internal"}))), release(GOOD, flags=("internal",)), False),
        ("none required", film(indexers=indexer()), release(GOOD), False),
    ],
    "indexer-tag": [
        ("no tag in common", film(indexers=indexer(tags={"t1": "anime"}), tags=frozenset({"t2"})), release(GOOD), True),
        ("untagged title", film(indexers=indexer(tags={"t1": "anime"})), release(GOOD), True),
        ("a tag in common", film(indexers=indexer(tags={"t1": "a", "t3": "b"}), tags=frozenset({"t1"})), release(GOOD), False),
        ("untagged indexer", film(indexers=indexer(), tags=frozenset({"t1"})), release(GOOD), False),
    ],
    "indexer-disabled": [
        ("pushed while it rests", film(from_feed=True, indexers=indexer(disabled_until=NOW + timedelta(hours=1))), release(GOOD), True),
        ("the rest is over", film(from_feed=True, indexers=indexer(disabled_until=at(1))), release(GOOD), False),
        ("found by a search", film(indexers=indexer(disabled_until=NOW + timedelta(hours=1))), release(GOOD), False),
    ],
    "size-limit": [
        ("over it", film(maximum_size_bytes=8 * GIB), release(GOOD, 9 * GIB), True),
        ("at it", film(maximum_size_bytes=9 * GIB), release(GOOD, 9 * GIB), False),
        ("unknown size", film(maximum_size_bytes=8 * GIB), release(GOOD, None), False),
    ],
    "too-new": [
        ("posted 10 minutes ago", film(protocols=frozenset({"usenet"}), usenet_minimum_age_min=30), usenet(GOOD, published_at=at(1 / 6)), True),
        ("posted 30 minutes ago", film(protocols=frozenset({"usenet"}), usenet_minimum_age_min=30), usenet(GOOD, published_at=at(0.5)), False),
        ("a torrent", film(usenet_minimum_age_min=30), release(GOOD, published_at=at(0)), False),
    ],
    "too-old": [
        ("past retention", film(protocols=frozenset({"usenet"}), usenet_retention_days=10), usenet(GOOD, published_at=at(24 * 11)), True),
        ("within retention", film(protocols=frozenset({"usenet"}), usenet_retention_days=10), usenet(GOOD, published_at=at(24 * 10)), False),
        ("a torrent", film(usenet_retention_days=10), release(GOOD, published_at=at(24 * 11)), False),
    ],
    "must-contain": [
        ("none of the terms", film(words=words(required=("x265", "HEVC"))), release(GOOD), True),
        ("one of them, other case", film(words=words(required=("X264", "HEVC"))), release(GOOD), False),
        ("an expression", film(words=words(required=("/x26[45]/",))), release(GOOD), False),
        ("of another indexer", film(words=words(required=("x265",), indexer_id="other")), release(GOOD), False),
        ("of other tags", film(words=words(required=("x265",), tags=("t1",))), release(GOOD), False),
        ("of its tag", film(words=words(required=("x265",), tags=("t1",)), tags=frozenset({"t1"})), release(GOOD), True),
    ],
    "must-not-contain": [
        ("plain text", film(words=words(ignored=("x264",))), release(GOOD), True),
        ("a dot is a dot", film(words=words(ignored=("Alien?1979", "BluRay.x26"))), release("Alien.1979.1080p.BluRay-x264-GRP"), False),
        ("an expression with /i", film(words=words(ignored=("/blu.{0,1}ray/i",))), release(GOOD), True),
        ("absent", film(words=words(ignored=("CAM",))), release(GOOD), False),
        ("a disabled profile", film(words=words(ignored=("x264",), enabled=False)), release(GOOD), False),
    ],
    "before-air-date": [
        ("a day early", series(words=words(air_date_grace_days=0)), release(GOOD_EPISODE, 2 * GIB, published_at=datetime.fromisoformat("2025-01-14T12:00:00+00:00")), True),
        ("on the day", series(words=words(air_date_grace_days=0)), release(GOOD_EPISODE, 2 * GIB, published_at=datetime.fromisoformat("2025-01-15T00:00:00+00:00")), False),
        ("a day early is allowed", series(words=words(air_date_grace_days=-1)), release(GOOD_EPISODE, 2 * GIB, published_at=datetime.fromisoformat("2025-01-14T12:00:00+00:00")), False),
        ("movies have none", film(words=words(air_date_grace_days=30)), release(GOOD), False),
        ("no date is known", series(words=words(air_date_grace_days=0), episodes=tuple(replace(e, air_on=None) for e in episodes(1, 3))), release(GOOD_EPISODE, 2 * GIB), True),
    ],
    "repack": [
        ("of another group", film(held=(held("Bluray-1080p", group="OTHER"),)), release(REPACK), True),
        ("the file's group is unknown", film(held=(held("Bluray-1080p", group=None),)), release(REPACK), True),
        ("of the same group", film(held=(held("Bluray-1080p", group="grp"),)), release(REPACK), False),
        ("of another quality", film(held=(held("WEBDL-1080p", group="OTHER"),)), release(REPACK), False),
        ("revisions are ignored", film(propers=Propers.IGNORE, held=(held("Bluray-1080p", group="OTHER"),)), release(REPACK), False),
    ],
    "anime-version": [
        ("of another group", replace(anime, held=(held("WEBDL-1080p", group="OTHER", ids=ONE_EPISODE), held("HDTV-1080p", group="OTHER", ids=ONE_EPISODE))), release(ANIME_V2, GIB), True),
        ("of the same group", replace(anime, held=(held("HDTV-1080p", ids=ONE_EPISODE), held("WEBDL-1080p", ids=ONE_EPISODE))), release(ANIME_V2, GIB), False),
        ("not anime", series(held=(held("HDTV-1080p", group="OTHER", ids=ONE_EPISODE),)), release("Silo.S01E02.PROPER.1080p.HDTV.x264-GRP", GIB), False),
    ],
    "proper-too-late": [
        ("a file of 8 days", film(from_feed=True, held=(held("Bluray-1080p", days=8),)), release(PROPER), True),
        ("a file of 6 days", film(from_feed=True, held=(held("Bluray-1080p", days=6),)), release(PROPER), False),
        ("a search", film(held=(held("Bluray-1080p", days=8),)), release(PROPER), False),
    ],
    "grabbed-recently": [
        ("the same", film(from_feed=True, recent=(Recent(title=GOOD, quality=q("Bluray-1080p"), episode_ids=frozenset(), grabbed_at=at(2)),)), release(GOOD), True),
        ("as good", film(from_feed=True, recent=(Recent(title="x", quality=q("Bluray-1080p"), episode_ids=frozenset(), grabbed_at=at(2)),)), release(GOOD), True),
        ("better than it", film(from_feed=True, recent=(Recent(title="x", quality=q("HDTV-720p"), episode_ids=frozenset(), grabbed_at=at(2)),)), release(GOOD), False),
        ("a search", film(recent=(Recent(title=GOOD, quality=q("Bluray-1080p"), episode_ids=frozenset(), grabbed_at=at(2)),)), release(GOOD), False),
        ("another episode", series(from_feed=True, recent=(Recent(title="x", quality=q("WEBDL-1080p"), episode_ids=frozenset({"s1e3"}), grabbed_at=at(2)),)), release(GOOD_EPISODE, 2 * GIB), False),
    ],
    "blocklisted": [
        ("the same post", film(protocols=frozenset({"usenet"}), blocked=blocked(published_at=at(5))), usenet(GOOD, published_at=at(5)), True),
        ("a later post of the same indexer", film(protocols=frozenset({"usenet"}), blocked=blocked(published_at=at(5))), usenet(GOOD, published_at=at(4)), False),
        ("another indexer, a minute apart, 1 MB apart", film(protocols=frozenset({"usenet"}), blocked=blocked(indexer_id="other", published_at=at(5), size_bytes=4 * GIB + MIB)), usenet(GOOD, published_at=at(5) + timedelta(minutes=1)), True),
        ("another indexer, 3 MB apart", film(protocols=frozenset({"usenet"}), blocked=blocked(indexer_id="other", published_at=at(5), size_bytes=4 * GIB + 3 * MIB)), usenet(GOOD, published_at=at(5) + timedelta(minutes=1)), False),
        ("another indexer, 3 minutes apart", film(protocols=frozenset({"usenet"}), blocked=blocked(indexer_id="other", published_at=at(5))), usenet(GOOD, published_at=at(5) + timedelta(minutes=3)), False),
        ("a torrent of the same name", film(blocked=blocked()), release(GOOD), False),
    ],
    "hardcoded-subs": [
        ("burned in", film(), release("Alien.1979.HC.1080p.WEB-DL.x264-GRP"), True),
        ("accepted", film(allow_hardcoded_subs=True), release("Alien.1979.HC.1080p.WEB-DL.x264-GRP"), False),
    ],
    "multi-season": [
        ("all is missing", series(), release(BOTH_SEASONS, 40 * GIB), False),
        ("one season is there", series(held=tuple(held("WEBDL-1080p", ids=frozenset({f"s1e{n}"})) for n in range(1, 11))), release(BOTH_SEASONS, 40 * GIB), True),
        ("one season is not monitored", series(episodes=(*episodes(1, 10), *episodes(2, 10, monitored=False))), release(BOTH_SEASONS, 40 * GIB), True),
        ("not accepted", series(multi_season_packs=False), release(BOTH_SEASONS, 40 * GIB), True),
    ],
    "not-a-season-pack": [
        ("a single episode", series(season_number=1, episode_ids=frozenset({"s1e1", "s1e2"}), indexers=indexer(season_pack_after_days=30)), release(GOOD_EPISODE, 2 * GIB), True),
        ("the season", series(season_number=1, episode_ids=frozenset({"s1e1", "s1e2"}), indexers=indexer(season_pack_after_days=30)), release(PACK, 20 * GIB), False),
        ("one episode was searched for", series(season_number=1, episode_ids=ONE_EPISODE, indexers=indexer(season_pack_after_days=30)), release(GOOD_EPISODE, 2 * GIB), False),
        ("it has just ended", series(season_number=1, episode_ids=frozenset({"s1e1", "s1e2"}), indexers=indexer(season_pack_after_days=3000)), release(GOOD_EPISODE, 2 * GIB), False),
    ],
    "delay": [
        ("a fresh torrent", film(delay=Delay(torrent_delay_min=60)), release(GOOD, published_at=at(0.5)), True),
        ("an hour old", film(delay=Delay(torrent_delay_min=60)), release(GOOD, published_at=at(1)), False),
        ("only Usenet waits", film(delay=Delay(usenet_delay_min=60)), release(GOOD, published_at=at(0)), False),
        ("without a date", film(delay=Delay(torrent_delay_min=60)), release(GOOD), True),
        ("without a date, first seen an hour ago", film(delay=Delay(torrent_delay_min=60), pending=(Pending(release_id="r", title=GOOD, episode_ids=frozenset(), published_at=at(1), until_at=NOW, protocol="torrent"),)), release(GOOD), False),
        ("a person searches", film(delay=Delay(torrent_delay_min=60), user_invoked=True), release(GOOD, published_at=at(0)), False),
        ("the highest quality", film(profile=replace(preset_profile("HD-1080p"), minimum_size_mb=None), delay=Delay(torrent_delay_min=60, bypass_if_highest_quality=True)), release(GOOD, published_at=at(0)), False),
        ("not the highest quality", film(profile=replace(preset_profile("HD-1080p"), minimum_size_mb=None), delay=Delay(torrent_delay_min=60, bypass_if_highest_quality=True)), release("Alien.1979.1080p.WEB-DL.x264-GRP", published_at=at(0)), True),
        ("the highest quality of the other protocol", film(profile=replace(preset_profile("HD-1080p"), minimum_size_mb=None), delay=Delay(torrent_delay_min=60, bypass_if_highest_quality=True, preferred_protocol="usenet")), release(GOOD, published_at=at(0)), True),
        ("a high score", film(delay=Delay(torrent_delay_min=60, bypass_above_score=0)), release(GOOD, published_at=at(0)), False),
        ("a low score", film(delay=Delay(torrent_delay_min=60, bypass_above_score=1)), release(GOOD, published_at=at(0)), True),
        ("a new revision", film(delay=Delay(torrent_delay_min=60), held=(held("Bluray-1080p"),)), release(PROPER, published_at=at(0)), False),
        ("an older one has waited long enough", film(delay=Delay(torrent_delay_min=60), pending=(Pending(release_id="r", title="x", episode_ids=frozenset(), published_at=at(2), until_at=at(1), protocol="torrent"),)), release(GOOD, published_at=at(0)), False),
        ("one of another episode has", series(delay=Delay(torrent_delay_min=60), pending=(Pending(release_id="r", title="x", episode_ids=frozenset({"s1e3"}), published_at=at(2), until_at=at(1), protocol="torrent"),)), release(GOOD_EPISODE, 2 * GIB, published_at=at(0)), True),
    ],
    "pending-overlaps": [
        ("a better one may come", film(delay=Delay(torrent_delay_min=60, usenet_delay_min=30), pending=(Pending(release_id="r", title="x", episode_ids=frozenset(), published_at=at(0.5), until_at=NOW + timedelta(minutes=30), protocol="usenet"),)), release(GOOD, published_at=at(5)), True),
        ("its time has come", film(delay=Delay(torrent_delay_min=60), pending=(Pending(release_id="r", title="x", episode_ids=frozenset(), published_at=at(1), until_at=NOW, protocol="torrent"),)), release(GOOD, published_at=at(5)), False),
        ("of the feed", film(from_feed=True, delay=Delay(torrent_delay_min=60), pending=(Pending(release_id="r", title="x", episode_ids=frozenset(), published_at=at(0.5), until_at=NOW + timedelta(minutes=30), protocol="usenet"),)), release(GOOD, published_at=at(5)), False),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "facts", "offered", "rejected"),
    [
        pytest.param(rule, facts, offered, rejected, id=f"{rule}: {case}")
        for rule, cases in RULES.items()
        for case, facts, offered, rejected in cases
    ],
)
def test_a_rule_rejects_what_it_should_and_nothing_else(
    rule: str, facts: Facts, offered: IndexerRelease, rejected: bool
) -> None:
    said = reasons(facts, offered)
    assert (rule in said) is rejected, said
    assert not any("?" in sentence for sentence in said.values()), "every fact of the sentence is stored"


def test_what_only_waits_is_not_rejected_for_good() -> None:
    waits = {spec.name for spec in SPECS if not spec.permanent}
    assert waits == {"protocol-disabled", "availability", "too-new", "delay", "pending-overlaps", "indexer-disabled"}


@pytest.mark.parametrize(
    ("present", "new", "propers", "verdict"),
    [
        (q("Bluray-1080p"), q("Bluray-1080p", 2), Propers.PREFER, "better_revision"),
        (q("Bluray-1080p"), q("Bluray-1080p", 2), Propers.NO_UPGRADE, "propers_off"),
        (q("Bluray-1080p"), q("Bluray-1080p", 2), Propers.IGNORE, "same"),
        (q("Bluray-1080p", 2), q("Bluray-1080p"), Propers.PREFER, "present_revision_is_newer"),
        (q("Bluray-1080p", 2), q("Bluray-1080p"), Propers.IGNORE, "same"),
        (q("HDTV-720p"), q("Bluray-1080p"), Propers.NO_UPGRADE, "better_quality"),
        (q("Bluray-1080p", 2), q("HDTV-720p"), Propers.PREFER, "present_is_better"),
    ],
)
def test_propers_are_treated_as_the_setting_says(present: object, new: object, propers: Propers, verdict: str) -> None:
    assert compare(preset_profile("Any"), present, new, propers=propers).reason == verdict  # type: ignore[arg-type]


def test_the_queue_is_judged_by_the_same_function_as_the_library() -> None:
    queued = Queued(title="x", quality=q("Bluray-1080p", 2), episode_ids=frozenset())
    (decision,) = judge(film(queued=(queued,)), release(GOOD))
    assert [known_as(one.to_json()) for one in decision.objections] == ["QueueHigherRevision"]
    (decision,) = judge(film(held=(Held(quality=q("Bluray-1080p", 2), episode_ids=frozenset()),)), release(GOOD))
    assert [known_as(one.to_json()) for one in decision.objections] == ["DiskHigherRevision"]


def test_every_reason_has_the_name_that_sonarr_and_radarr_use() -> None:
    assert all(spec.known_as and spec.known_as.isalnum() for spec in SPECS)
    assert not {code for code in (*_BY_CODE, *_QUEUE) if code not in SENTENCES}


def test_preferred_words_decide_between_equal_releases_and_never_cause_an_upgrade() -> None:
    facts = film(words=words(preferred=(("ProRes", 5), ("x264", -5))))
    first, second = judge(facts, release(GOOD), release("Alien.1979.1080p.BluRay.ProRes-GRP"))
    assert first.candidate.release.title == "Alien.1979.1080p.BluRay.ProRes-GRP"
    assert (first.preference.words, second.preference.words) == (5, -5)
    owned = replace(facts, held=(Held(quality=q("Bluray-1080p"), episode_ids=frozenset()),))
    assert "already-have-better" in reasons(owned, release("Alien.1979.1080p.BluRay.ProRes-GRP"))


def test_the_preferred_protocol_counts_after_quality_and_score() -> None:
    facts = film(protocols=frozenset({"torrent", "usenet"}), delay=Delay(preferred_protocol="usenet"))
    order = judge(facts, release(GOOD), usenet(GOOD, guid="u"), release("Alien.1979.2160p.WEB-DL-G", 16 * GIB))
    assert [d.candidate.release.protocol for d in order] == ["torrent", "usenet", "torrent"]


names = st.sampled_from(
    [
        GOOD,
        REPACK,
        PROPER,
        "Alien.1979.720p.WEB-DL-G",
        "Alien.1979.2160p.UHD.BluRay.REMUX-X",
        "Aliens.1986.1080p-G",
        "noise",
    ]
)
offers = st.builds(
    lambda title, size, seeders, protocol, hours, number: release(
        title,
        size,
        seeders=seeders,
        protocol=protocol,
        published_at=at(hours),
        guid=f"{number}",
    ),
    names,
    st.one_of(st.none(), st.integers(0, 60 * GIB)),
    st.one_of(st.none(), st.integers(0, 5000)),
    st.sampled_from(Protocols),
    st.floats(0, 50_000),
    st.integers(0, 10_000),
)
settled = st.builds(
    lambda delay, profile, propers, present: film(
        protocols=frozenset({"torrent", "usenet"}),
        delay=Delay(torrent_delay_min=delay, usenet_delay_min=delay // 2, preferred_protocol="usenet"),
        profile=preset_profile(profile),
        propers=propers,
        held=present,
        words=words(preferred=(("x264", 3),), ignored=("noise",)),
    ),
    st.integers(0, 5000),
    st.sampled_from(["Any", "HD-1080p", "4K/UHD"]),
    st.sampled_from(Propers),
    st.sampled_from([(), (held("HDTV-720p"),), (held("Bluray-1080p", version=2),)]),
)


@relaxed
@given(settled, st.lists(offers, max_size=8, unique_by=lambda one: one.guid), st.randoms())
def test_neither_objections_nor_order_depend_on_the_order_of_arrival(
    facts: Facts, offered: list[IndexerRelease], chance: object
) -> None:
    def judged(some: list[IndexerRelease]) -> list[tuple[str, tuple[str, ...]]]:
        made = [make_candidate(one, facts, indexer_id="ix", indexer_name="x") for one in some]
        return [(d.candidate.release.guid, tuple(o.spec for o in d.objections)) for d in decide(made, facts)]

    shuffled = list(offered)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert judged(offered) == judged(shuffled)
    alone = {judged([one])[0] for one in offered}
    assert set(judged(offered)) == alone, "each release is judged for itself"


@relaxed
@given(settled, st.tuples(offers, offers, offers))
def test_the_order_is_total_and_transitive(facts: Facts, three: tuple[IndexerRelease, ...]) -> None:
    made = [
        make_candidate(replace(one, guid=str(n)), facts, indexer_id="ix", indexer_name="x")
        for n, one in enumerate(three)
    ]
    places = {}
    for first in made:
        for second in made:
            order = [d.candidate.release.guid for d in decide([first, second], facts)]
            places[first.release.guid, second.release.guid] = order.index(first.release.guid)
    for a, b in (("0", "1"), ("1", "2"), ("0", "2")):
        assert places[a, b] != places[b, a] or a == b
    if places["0", "1"] == places["1", "2"] == 0:
        assert places["0", "2"] == 0
