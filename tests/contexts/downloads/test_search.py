"""Searching: every release is stored with its verdict, and one failing indexer does not fail the search."""

from __future__ import annotations

import threading
from copy import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from mydia.adapters.errors import Limited
from mydia.adapters.indexers import IndexerRelease
from mydia.adapters.kinds import Connection
from mydia.contexts import downloads, media, settings
from mydia.contexts.downloads import Search, SearchState, SearchTarget, asking
from mydia.contexts.settings import IndexerRow
from mydia.contexts.users import SYSTEM, Caller
from mydia.errors import Forbidden, Invalid, NotFound
from mydia.units import GIB
from tests import builders
from tests.contexts.downloads.conftest import House
from tests.fakes.outside import FakeIndexer, fake_outside


def stored(house: House, search_id: str) -> Search:
    with house.database.reads() as session:
        row = session.get(Search, search_id)
        assert row is not None
        return row


def second_indexer(house: House, **options: object) -> FakeIndexer:
    other = FakeIndexer(connection=Connection(id="indexer-2", name="Second", kind="torznab", url="http://second.test"))
    with house.database.writes() as session:
        session.add(
            IndexerRow(id="indexer-2", name="Second", kind="torznab", url="http://second.test", priority=40, options=dict(options), created_at=house.now)
        )  # fmt: skip
    house.outside = fake_outside(clients=[house.client], indexers=[house.indexer, other], probe=house.probe)
    return other


def test_every_release_is_stored_with_its_reasons_best_first(house: House) -> None:
    house.offer("Metropolis.1927.720p.BluRay.x264-GRP")
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP")
    house.offer("Metropolis.1927.HDCAM.x264-GRP")
    house.offer("Metropolis.2001.1080p.BluRay.x264-GRP")
    house.indexer.releases = [replace(release, tmdb_id=19) for release in house.indexer.releases]
    search_id = house.search()
    rows = house.releases(search_id)
    assert [row.title for row in rows[:2]] == [
        "Metropolis.1927.1080p.BluRay.x264-GRP",
        "Metropolis.1927.720p.BluRay.x264-GRP",
    ]
    assert [row.verdict for row in rows] == ["approved", "approved", "refused", "refused"]
    reasons = {row.title.split(".")[2] + row.title.split(".")[1]: row.objections[0]["reason"] for row in rows[2:]}
    assert reasons == {"HDCAM1927": "quality-not-wanted", "1080p2001": "wrong-year"}
    assert downloads.wording.preference(rows[0])[0][::2] == ("quality", "Bluray-1080p")
    search = stored(house, search_id)
    assert (search.state, search.found, search.approved) == ("done", 4, 2)
    sentence = downloads.wording.search_sentence(search)
    assert sentence == "4 found, 2 accepted; 1 rejected for quality, 1 rejected for another year."
    assert house.events("SearchFinished")[0]["approved"] == 2


def test_links_are_sealed(house: House) -> None:
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP")
    row = house.releases(house.search())[0]
    assert row.sealed_link is not None
    assert "indexer.test" not in row.sealed_link


def test_one_failing_indexer_does_not_fail_the_search(house: House) -> None:
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP")
    second_indexer(house).go_away()
    search = stored(house, house.search())
    states = {entry["name"]: entry for entry in search.indexers}
    assert states["Public"]["state"] == "ok"
    assert states["Public"]["found"] == 1
    assert states["Second"]["state"] == "failed"
    assert "no answer" in states["Second"]["error"]
    assert downloads.wording.search_sentence(search).endswith("1 of 2 indexers did not answer.")
    with house.database.reads() as session:
        status = settings.services.status_of(session, "indexer", "indexer-2")
        assert status is not None
        assert status.failures == 1


def test_a_paused_indexer_is_skipped_and_reported(house: House) -> None:
    other = second_indexer(house)
    other.trouble = Limited("Second", "its limit is used up", retry_after_s=3600)
    house.search()
    other.come_back()
    search = stored(house, house.search(cause="automatic"))
    states = {entry["name"]: entry for entry in search.indexers}
    assert states["Second"]["state"] == "skipped"
    assert "Skipped until" in str(downloads.wording.indexer_error(states["Second"]))
    assert other.queries == []
    house.later(hours=2)
    assert {e["state"] for e in stored(house, house.search(cause="automatic")).indexers} == {"ok"}


def test_a_slow_indexer_times_out_and_the_other_results_are_shown(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP")
    other = second_indexer(house)

    def dawdle(query: object) -> list[IndexerRelease]:
        release.wait(20)
        return []

    monkeypatch.setattr(other, "search", dawdle)
    monkeypatch.setattr(asking, "DEADLINE_S", 0.3)
    try:
        search = stored(house, house.search())
    finally:
        release.set()
    states = {entry["name"]: entry for entry in search.indexers}
    assert states["Second"]["state"] == "failed"
    assert "no answer within" in states["Second"]["error"]
    assert search.found == 1


def test_the_same_torrent_at_two_indexers_is_one_release_of_the_preferred_one(house: House) -> None:
    mine = house.offer("Metropolis.1927.1080p.BluRay.x264-GRP")
    other = second_indexer(house)
    other.releases.append(replace(mine, guid="elsewhere", seeders=500))
    rows = house.releases(house.search())
    assert [(row.indexer_name, row.guid) for row in rows] == [("Public", mine.guid)]


def test_answers_are_stored_as_they_arrive(house: House) -> None:
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP")
    second_indexer(house)
    seen: list[tuple[int, int]] = []

    def look(done: int, total: int, name: str) -> None:
        with house.database.reads() as session:
            search = session.scalars(select(Search)).one()
            assert search.state == "running"
            answered = sum(1 for entry in search.indexers if entry["state"] == "ok")
        seen.append((answered, total))

    downloads.run_search(
        house.database, house.outside, SYSTEM, house.now, SearchTarget(house.film_id), on_progress=look
    )
    assert seen == [(1, 2), (2, 2)]


def test_one_indexer_can_be_searched_again(house: House) -> None:
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP")
    other = second_indexer(house)
    other.go_away()
    search_id = house.search()
    other.come_back()
    other.releases.append(
        replace(house.indexer.releases[0], guid="x", info_hash="b" * 40, title="Metropolis.1927.2160p.WEB-DL-G")
    )
    with house.database.writes() as session:
        downloads.request_retry(session, SYSTEM, house.now, search_id, "indexer-2")
    asked_before = len(house.indexer.queries)
    downloads.run_search(house.database, house.outside, SYSTEM, house.now, search_id=search_id)
    assert len(house.indexer.queries) == asked_before, "the one that answered is not asked again"
    assert [row.title for row in house.releases(search_id)] == [
        "Metropolis.1927.2160p.WEB-DL-G",
        "Metropolis.1927.1080p.BluRay.x264-GRP",
    ]
    assert {entry["state"] for entry in stored(house, search_id).indexers} == {"ok"}


def test_a_film_is_searched_by_ids_and_a_season_by_number(house: House) -> None:
    house.search()
    assert house.indexer.queries[-1].tmdb_id == 19
    assert house.indexer.queries[-1].year == 1927
    house.search(house.series_id, season_number=1)
    query = house.indexer.queries[-1]
    assert (query.type, query.season, query.episode, query.tvdb_id) == ("tv", 1, None, 403245)
    house.search(house.series_id, season_number=1, episode_ids=(house.episode_ids()[2],))
    assert (house.indexer.queries[-1].season, house.indexer.queries[-1].episode) == (1, 3)


def test_an_unsuccessful_search_backs_off(house: House) -> None:
    waits = []
    for _ in range(4):
        house.search(cause="automatic")
        with house.database.reads() as session:
            state = session.scalars(select(SearchState)).one()
            assert state.next_due_at is not None
            waits.append((state.next_due_at - house.now).total_seconds() / 3600)
            assert downloads.targets.due_searches(session, house.now, limit=10)[0].item_id != house.film_id
        house.now = state.next_due_at
    assert waits == [12, 24, 48, 96]


def test_a_search_without_any_indexer_is_refused(house: House) -> None:
    with house.database.writes() as session:
        row = session.get(IndexerRow, "indexer-1")
        assert row is not None
        row.enabled = False
    assert downloads.wording.search_sentence(stored(house, house.search())) == "No indexer was available."


def test_searching_requires_manage_media(house: House, guest: Caller) -> None:
    with pytest.raises(Forbidden):
        downloads.run_search(house.database, house.outside, guest, house.now, SearchTarget(house.film_id))
    assert house.indexer.queries == []


def test_a_series_is_searched_by_season_where_most_is_missing(house: House) -> None:
    with house.database.reads() as session:
        parts = downloads.targets.plan_targets(session, house.now, SearchTarget(house.series_id))
    assert [(part.season_number, len(part.episode_ids)) for part in parts] == [(1, 4)]
    one = SearchTarget(house.series_id, season_number=1, episode_ids=(house.episode_ids()[0],))
    with house.database.reads() as session:
        assert downloads.targets.plan_targets(session, house.now, one) == [
            SearchTarget(house.series_id, parts[0].version_id, 1, (house.episode_ids()[0],))
        ]


def test_all_rejections_are_listed_together(house: House) -> None:
    house.offer("Metropolis.1927.720p.BluRay.x264-GRP", 80 * GIB, seeders=0)
    row = house.releases(house.search())[0]
    assert [objection["reason"] for objection in row.objections] == ["size-max", "seeders-min"]


def test_a_cancelled_search_keeps_what_was_found_so_far(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP")
    other, release = second_indexer(house), threading.Event()

    def dawdle(query: object) -> list[IndexerRelease]:
        release.wait(20)
        return []

    monkeypatch.setattr(other, "search", dawdle)
    answered: list[str] = []
    try:
        with house.database.writes() as session:
            search_id = downloads.open_search(session, SYSTEM, house.now, SearchTarget(house.film_id))
        downloads.run_search(
            house.database,
            house.outside,
            SYSTEM,
            house.now,
            search_id=search_id,
            on_progress=lambda done, total, name: answered.append(name),
            cancelled=lambda: bool(answered),
        )
    finally:
        release.set()
    search = stored(house, search_id)
    assert (search.state, search.found, answered) == ("done", 1, ["Public"])


def test_a_resumed_search_queries_only_indexers_without_a_result(house: House) -> None:
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP")
    other = second_indexer(house)
    search_id = house.search()
    with house.database.writes() as session:
        search = session.get(Search, search_id)
        assert search is not None
        search.state = "running"
        search.indexers = [
            {**entry, "state": "searching" if entry["name"] == "Second" else entry["state"]}
            for entry in search.indexers
        ]
    downloads.run_search(house.database, house.outside, SYSTEM, house.now, search_id=search_id)
    assert (len(house.indexer.queries), len(other.queries)) == (1, 2)
    assert [entry["state"] for entry in stored(house, search_id).indexers] == ["ok", "ok"]


def test_a_retry_marked_while_the_search_runs_is_not_lost(house: House) -> None:
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP")
    second_indexer(house).trouble = Limited("Second", "its limit is used up")
    with house.database.writes() as session:
        search_id = downloads.open_search(session, SYSTEM, house.now, SearchTarget(house.film_id))

    def retry(done: int, total: int, name: str) -> None:
        if name == "Public":
            with house.database.writes() as session:
                downloads.request_retry(session, SYSTEM, house.now, search_id, first_id)

    first_id = house.indexer.connection.id
    downloads.run_search(house.database, house.outside, SYSTEM, house.now, search_id=search_id, on_progress=retry)
    search = stored(house, search_id)
    assert (search.state, search.indexers[0]["state"]) == ("running", "retry")
    downloads.run_search(house.database, house.outside, SYSTEM, house.now, search_id=search_id)
    search = stored(house, search_id)
    assert (search.state, search.indexers[0]["state"]) == ("done", "ok")
    assert len(house.indexer.queries) == 2


@pytest.fixture
def uhd(house: House) -> str:
    """A second version of the film, in its own profile; returns its id."""
    with house.database.writes() as session:
        return builders.version(session, house.film_id).id


def test_every_monitored_version_is_searched_and_grabbed_by_its_own_profile(house: House, uhd: str) -> None:
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP")
    house.offer("Metropolis.1927.2160p.BluRay.x265-GRP", 30 * GIB)
    taken = downloads.search_and_grab(
        house.database, house.outside, SYSTEM, house.now, SearchTarget(house.film_id), cause="automatic"
    )
    found = {house.download(id).version_id: house.download(id).quality_name for id in taken}
    assert len(found) == 2
    assert found[uhd] == "Bluray-2160p"


def test_a_download_of_one_version_does_not_satisfy_another(house: House, uhd: str) -> None:
    house.offer("Metropolis.1927.2160p.BluRay.x265-GRP", 30 * GIB)
    (release,) = house.releases(house.search(version_id=uhd))
    assert release.version_id == uhd
    house.grab(release.id)
    with house.database.reads() as session:
        due = {target.version_id for target in downloads.targets.due_searches(session, house.now, limit=10)}
        default_id = media.versions.default_version(session, house.film_id).id
    assert (uhd in due, default_id in due) == (False, True)


def test_a_file_of_one_version_does_not_reject_a_release_for_another(house: House, uhd: str) -> None:
    house.get_one()
    first = house.downloads()[0]
    house.finish(first.id)
    house.bring_in(first.id)
    house.offer("Metropolis.1927.2160p.BluRay.x265-GRP", 30 * GIB)
    rows = {row.title.split(".")[2]: row for row in house.releases(house.search(version_id=uhd))}
    assert rows["2160p"].verdict == "approved"


def test_a_version_of_another_title_is_refused(house: House, uhd: str) -> None:
    with house.database.writes() as session, pytest.raises(Invalid, match="another title"):
        downloads.open_search(session, SYSTEM, house.now, SearchTarget(house.series_id, uhd))


def test_an_indexer_without_queries_left_is_skipped_and_says_until_when(house: House) -> None:
    second_indexer(house, queries_per_day=5)
    with house.database.writes() as session:
        settings.indexers.record_use(session, house.now, "indexer-2", queries=5)

    entry = next(one for one in stored(house, house.search()).indexers if one["name"] == "Second")

    assert (entry["state"], entry["code"]) == ("skipped", "limited")
    assert entry["until"] == (house.now + timedelta(hours=24)).isoformat()


def test_a_release_waits_if_its_indexer_allows_no_more_downloads_today(house: House) -> None:
    with house.database.writes() as session:
        row = session.get(IndexerRow, "indexer-1")
        assert row is not None
        row.options = {"grabs_per_day": 1}
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP")
    house.offer("Silo.S01E01.1080p.WEB.x264-GRP", size=2 * GIB)
    downloads.search_and_grab(house.database, house.outside, SYSTEM, house.now, SearchTarget(house.film_id))
    series = SearchTarget(house.series_id, episode_ids=tuple(house.episode_ids()[:1]))
    downloads.search_and_grab(house.database, house.outside, SYSTEM, house.now, series)
    assert len(house.downloads()) == 1
    assert downloads.pending.grab_pending(house.database, house.outside, house.now) == []
    house.later(hours=24)

    assert len(downloads.pending.grab_pending(house.database, house.outside, house.now)) == 1


def test_what_just_aired_is_searched_once_an_hour_later(house: House) -> None:
    first, second = house.episode_ids()[:2]
    aired = house.now - timedelta(hours=2)
    with house.database.writes() as session:
        for episode_id, at in ((first, aired), (second, house.now - timedelta(minutes=30))):
            row = session.get(media.Episode, episode_id)
            assert row is not None
            row.airs_at, row.air_on = at, at.date()

    def found() -> list[tuple[str, ...]]:
        with house.database.reads() as session:
            return [target.episode_ids for target in downloads.targets.just_out(session, house.now, limit=10)]

    assert found() == [(first,)]
    house.search(house.series_id, episode_ids=(first,), cause="backlog")
    assert found() == []
    house.later(hours=1)
    assert found() == [(second,)]
    house.later(days=2)
    assert found() == []


def test_a_title_that_is_monitored_again_is_due_at_once(house: House) -> None:
    house.search(cause="backlog")
    with house.database.writes() as session:
        assert house.film_id not in {
            one.item_id for one in downloads.targets.due_searches(session, house.now, limit=10)
        }
        downloads.targets.make_due(session, house.now, house.film_id)
        assert house.film_id in {one.item_id for one in downloads.targets.due_searches(session, house.now, limit=10)}


def test_why_names_the_winner_the_gap_and_the_rule_that_rejected_each_release(house: House) -> None:
    house.offer("Metropolis.1927.2160p.UHD.BluRay.x265-GRP", 30 * GIB, seeders=3)
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP", 12 * GIB, seeders=500)
    house.offer("Metropolis.1927.1080p.BluRay.x264-NONE", 12 * GIB, seeders=0)
    house.offer("Metropolis.1927.HDCAM.x264-GRP", GIB, seeders=0)
    with house.database.reads() as session:
        assert downloads.history.explain(session, SYSTEM, house.film_id) is None
    search_id = house.search()
    with house.database.reads() as session:
        found = downloads.history.explain(session, SYSTEM, house.film_id)
        assert found is not None
        with pytest.raises(NotFound, match="another title"):
            downloads.history.explain(session, SYSTEM, house.series_id, search_id=search_id)
    assert found.winner is not None
    assert found.runner_up is not None
    assert found.gap is not None
    assert found.winner.title == "Metropolis.1927.2160p.UHD.BluRay.x265-GRP"
    assert found.runner_up.title == "Metropolis.1927.1080p.BluRay.x264-GRP"
    assert found.gap.criterion == "quality"
    assert found.gap.by > 0
    assert found.gap.sentence == "Better quality: Bluray-2160p against Bluray-1080p."
    assert {one.rule: (one.known_as, [name for name, _ in one.releases]) for one in found.refused} == {
        "seeders-min": (
            "MinimumSeeders",
            ["Metropolis.1927.1080p.BluRay.x264-NONE", "Metropolis.1927.HDCAM.x264-GRP"],
        ),
        "quality-not-wanted": ("QualityNotWanted", ["Metropolis.1927.HDCAM.x264-GRP"]),
    }


def test_the_gap_lists_the_criteria_that_are_equal(house: House) -> None:
    house.offer("Metropolis.1927.1080p.BluRay.x264-ONE", 12 * GIB, seeders=5000)
    house.offer("Metropolis.1927.1080p.BluRay.x264-TWO", 12 * GIB, seeders=5)
    house.search()
    with house.database.reads() as session:
        found = downloads.history.explain(session, SYSTEM, house.film_id)
    assert found is not None
    assert found.gap is not None
    assert (found.gap.criterion, found.gap.by) == ("seeders", 3)
    assert found.gap.sentence.startswith(
        "Better number of seeders: 5,000 seeders against 5 seeders. They are equal in quality,"
    )


def test_what_keeps_a_title_from_being_grabbed_is_said_without_a_search(house: House) -> None:
    with house.database.writes() as session:
        item = media.get_item(session, SYSTEM, house.film_id)
        item.monitored, item.cinema_on, item.status = False, None, "announced"
        session.flush()
        said = downloads.history.obstacles(session, SYSTEM, house.now, house.film_id)
    assert [one.code for one in said] == ["not-monitored", "availability.unknown"]
