"""RSS sync: the newest releases of all indexers are read, judged together and grabbed once."""

from __future__ import annotations

from copy import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from mydia.adapters.errors import Limited, Unreachable
from mydia.adapters.indexers import IndexerRelease, Known, Newest, Protocols
from mydia.contexts import downloads, media, settings
from mydia.contexts.downloads import DownloadState, Release, Search, SearchCause, moving
from mydia.contexts.downloads.feeds import state
from mydia.contexts.downloads.models import FeedState, GapReason
from mydia.contexts.settings import IndexerRow
from mydia.contexts.users import SYSTEM, Caller
from mydia.errors import Forbidden
from mydia.units import GIB
from tests.contexts.downloads.conftest import House
from tests.contexts.downloads.test_search import second_indexer
from tests.fakes.outside import FakeIndexer


def sync(house: House) -> downloads.feeds.Report:
    return downloads.feeds.sync(house.database, house.outside, house.now)


def stored(house: House) -> list[Release]:
    with house.database.reads() as session:
        return list(session.scalars(select(Release).order_by(Release.search_id, Release.position)))


def searches(house: House) -> list[Search]:
    with house.database.reads() as session:
        return list(session.scalars(select(Search).order_by(Search.id)))


def feed_state(house: House, indexer_id: str = "indexer-1") -> FeedState:
    with house.database.reads() as session:
        row = session.get(FeedState, indexer_id)
        assert row is not None
        return row


def fill(house: House, count: int, *, every: timedelta = timedelta(minutes=1)) -> None:
    """Add unwanted releases that end now, one every minute."""
    for number in range(count):
        at = house.now - every * number
        house.offer(f"Other.Film.{at:%Y%m%d%H%M}.{number}.2020.1080p.WEB.x264-GRP", published_at=at)


def test_the_best_release_of_a_wanted_film_is_grabbed_and_every_other_one_explained(house: House) -> None:
    house.offer("Metropolis.1927.720p.BluRay.x264-GRP", published_at=house.now)
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP", published_at=house.now)
    house.offer("Metropolis.1927.HDCAM.x264-GRP", published_at=house.now)
    house.offer("Another.Film.2020.1080p.BluRay.x264-GRP", published_at=house.now)

    report = sync(house)

    assert str(report) == "4 new releases, 3 for wanted titles, 1 grabbed"
    (download,) = house.downloads()
    assert (download.release_title, download.cause) == ("Metropolis.1927.1080p.BluRay.x264-GRP", "rss")
    assert {row.title.split(".")[2]: row.verdict for row in stored(house)} == {
        "1080p": "grabbed",
        "720p": "approved",
        "HDCAM": "refused",
    }
    (search,) = searches(house)
    assert (search.cause, search.state, search.found, search.approved) == ("rss", "done", 3, 2)
    assert house.events("ReleaseGrabbed")[0]["cause"] == "rss"


def test_what_was_read_before_is_not_judged_again(house: House) -> None:
    house.offer("Metropolis.1927.HDCAM.x264-GRP", published_at=house.now)
    sync(house)
    house.later(minutes=15)
    house.offer("Metropolis.1927.HDTS.x264-GRP", published_at=house.now)

    assert str(sync(house)) == "1 new release, 1 for wanted titles, 0 grabbed"
    assert [row.title for row in stored(house)] == ["Metropolis.1927.HDCAM.x264-GRP", "Metropolis.1927.HDTS.x264-GRP"]


def test_several_episodes_of_a_series_are_grabbed_in_one_run(house: House) -> None:
    for number in (1, 2, 3):
        house.offer(f"Silo.S01E0{number}.1080p.WEB.x264-GRP", size=2 * GIB, published_at=house.now)
        house.offer(f"Silo.S01E0{number}.720p.WEB.x264-GRP", size=GIB, published_at=house.now)

    sync(house)

    taken = sorted(row.release_title for row in house.downloads())
    assert taken == [f"Silo.S01E0{number}.1080p.WEB.x264-GRP" for number in (1, 2, 3)]


def test_an_episode_that_has_not_aired_by_its_date_is_still_wanted(house: House) -> None:
    with house.database.writes() as session:
        for episode in session.scalars(select(media.Episode).where(media.Episode.media_item_id == house.series_id)):
            episode.air_on = house.now.date() + timedelta(days=1)
    house.offer("Silo.S01E01.1080p.WEB.x264-GRP", size=2 * GIB, published_at=house.now)

    assert len(sync(house).grabbed) == 1


def test_a_film_is_recognised_by_its_id(house: House) -> None:
    house.offer("Metropolis.Restored.1927.1080p.BluRay.x264-GRP", published_at=house.now, tmdb_id=19)

    assert len(sync(house).grabbed) == 1


def test_a_release_with_the_id_of_another_film_is_left_alone(house: House) -> None:
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP", published_at=house.now, tmdb_id=20)

    assert sync(house).matched == 0


def test_a_title_that_is_not_monitored_or_complete_is_not_judged(house: House) -> None:
    with house.database.writes() as session:
        media.monitoring.change_monitoring(session, SYSTEM, house.now, house.film_id, False)
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP", published_at=house.now)

    assert sync(house).matched == 0


def test_a_name_that_two_titles_share_is_refused_with_the_other_one(house: House) -> None:
    house.add_film("Metropolis", 2001, tmdb_id=9606)
    house.offer("Metropolis.1080p.BluRay.x264-GRP", published_at=house.now)
    house.offer("Metropolis.2001.1080p.BluRay.x264-GRP", published_at=house.now)

    sync(house)

    assert [row.release_title for row in house.downloads()] == ["Metropolis.2001.1080p.BluRay.x264-GRP"]
    refused = [row for row in stored(house) if row.verdict == "refused"]
    assert {row.objections[0]["reason"] for row in refused} <= {"wrong-title", "wrong-year"}


def test_a_release_on_several_indexers_is_taken_once(house: House) -> None:
    other = second_indexer(house)
    first = house.offer("Metropolis.1927.1080p.BluRay.x264-GRP", published_at=house.now)
    other.releases.append(replace(first, guid="elsewhere"))
    sync(house)
    house.later(minutes=15)
    third = replace(first, guid="listed again", published_at=house.now)
    other.releases.append(third)

    sync(house)

    assert len(house.downloads()) == 1


@pytest.mark.parametrize("state", [DownloadState.IMPORTED, DownloadState.FAILED, DownloadState.REMOVED])
def test_a_release_that_was_grabbed_before_is_refused_with_the_day(house: House, state: DownloadState) -> None:
    first = house.offer("Metropolis.1927.1080p.BluRay.x264-GRP", published_at=house.now)
    sync(house)
    with house.database.writes() as session:
        row = session.get(downloads.Download, house.downloads()[0].id)
        assert row is not None
        row.state = state
        moving.update_card(session, house.now, house.film_id)
    house.later(days=1)
    house.indexer.releases.append(replace(first, guid="again", published_at=house.now))

    sync(house)

    assert len(house.downloads()) == 1
    (last,) = [row for row in stored(house) if row.guid == "again"]
    assert last.verdict == "refused"


def test_a_feed_that_was_not_read_in_time_has_a_gap_with_its_reason(house: House) -> None:
    fill(house, 50)
    sync(house)
    house.later(days=2)
    house.indexer.releases.clear()
    fill(house, 60)

    assert sync(house).gaps == 1
    row = feed_state(house)
    assert row.gap_reason == "feed_short"
    assert row.gap_from == house.now - timedelta(days=2)
    assert row.gap_to == house.now - timedelta(minutes=59)
    assert house.events("FeedGapFound")[0]["reason"] == "feed_short"


def test_more_new_releases_than_are_read_at_once_are_a_gap(house: House) -> None:
    fill(house, 10)
    sync(house)
    house.later(days=2)
    fill(house, 1_200)

    sync(house)

    assert feed_state(house).gap_reason == "limit"


def test_no_gap_is_reported_if_the_feed_was_read_back_over_several_pages(house: House) -> None:
    fill(house, 50)
    sync(house)
    house.later(hours=6)
    fill(house, 350)

    assert (report := sync(house)).gaps == 0
    assert report.listed == 350


def test_a_date_in_the_future_hides_nothing(house: House) -> None:
    house.offer("From.The.Future.2020.1080p.WEB.x264-GRP", published_at=house.now + timedelta(days=400))
    fill(house, 10)
    sync(house)
    house.later(minutes=15)
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP", published_at=house.now)

    assert len(sync(house).grabbed) == 1


def test_an_indexer_that_fails_is_paused_and_the_others_are_read(house: House) -> None:
    other = second_indexer(house)
    other.trouble = Limited("Second", "limit reached", retry_after_s=3600)
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP", published_at=house.now)

    assert str(sync(house)) == "1 new release, 1 for wanted titles, 1 grabbed; 1 of 2 indexers failed"
    with house.database.reads() as session:
        status = settings.services.status_of(session, "indexer", "indexer-2")
        assert status is not None
        assert status.disabled_until == house.now + timedelta(hours=1)
    assert sync(house).indexers == 1


def test_only_indexers_that_allow_rss_are_read(house: House) -> None:
    with house.database.writes() as session:
        row = session.get(IndexerRow, "indexer-1")
        assert row is not None
        row.rss = False

    assert str(sync(house)) == "no indexer to read"


def test_a_client_that_does_not_answer_keeps_the_release_for_later(house: House) -> None:
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP", published_at=house.now)
    house.client.go_away()
    assert sync(house).grabbed == ()
    house.client.come_back()
    house.later(minutes=15)

    assert len(downloads.pending.grab_pending(house.database, house.outside, house.now)) == 1


class Killed(BaseException):
    """Stands for kill -9: nothing after it runs."""


@pytest.mark.parametrize("place", ["before storing", "before grabbing", "before recording"])
def test_a_run_that_is_killed_loses_and_doubles_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP", published_at=house.now)
    house.offer("Silo.S01E01.1080p.WEB.x264-GRP", size=2 * GIB, published_at=house.now)
    name = {
        "before storing": "mydia.contexts.downloads.feeds.judging.store",
        "before grabbing": "mydia.contexts.downloads.feeds.syncing.grab_best",
        "before recording": "mydia.contexts.downloads.feeds.state.advance",
    }[place]

    def die(*_args: object, **_options: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(name, die)
        with pytest.raises(Killed):
            sync(house)
    house.later(minutes=15)
    sync(house)
    house.later(minutes=15)
    sync(house)

    assert sorted(row.release_title.split(".")[0] for row in house.downloads()) == ["Metropolis", "Silo"]
    assert {search.state for search in searches(house)} == {"done"}


def test_the_feed_of_a_changed_address_is_read_from_the_start_without_a_gap(house: House) -> None:
    fill(house, 20)
    sync(house)
    with house.database.writes() as session:
        row = session.get(IndexerRow, "indexer-1")
        assert row is not None
        row.url = "http://moved.test"
    house.later(days=3)
    house.indexer.releases.clear()
    fill(house, 20)

    assert (sync(house).gaps, feed_state(house).gap_reason) == (0, None)


def test_old_decisions_of_feeds_are_pruned_and_searches_keep_their_last_result(house: House) -> None:
    house.offer("Metropolis.1927.HDCAM.x264-GRP", published_at=house.now)
    house.search()
    house.later(minutes=1)
    house.offer("Metropolis.1927.HDTS.x264-GRP", published_at=house.now)
    sync(house)
    with house.database.reads() as session:
        last = downloads.history.last_search(session, SYSTEM, house.film_id)
        assert last is not None
        assert last.cause is SearchCause.MANUAL
    house.later(days=40)
    with house.database.writes() as session:
        downloads.history.prune_releases(session, house.now)

    assert [search.cause for search in searches(house)] == ["manual"]


def test_the_state_of_feeds_is_only_shown_to_those_who_see_the_activity(house: House, guest: Caller) -> None:
    fill(house, 3)
    sync(house)
    with house.database.reads() as session:
        (feed,) = downloads.feeds.list_feeds(session, SYSTEM)
        with pytest.raises(Forbidden):
            downloads.feeds.list_feeds(session, guest)
    assert (feed.name, feed.on, feed.read_at, feed.listed, feed.matched) == ("Public", True, house.now, 3, 0)


NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def _release(number: int, at: datetime | None) -> IndexerRelease:
    return IndexerRelease(
        guid=str(number), title=str(number), protocol=Protocols.TORRENT, download_url=None, published_at=at
    )


@pytest.mark.parametrize(
    ("reached", "ended", "failure", "attempts", "reason"),
    [
        (True, False, None, 0, None),
        (False, True, None, 0, GapReason.FEED_SHORT),
        (False, False, None, 0, GapReason.LIMIT),
        (False, False, Unreachable("x", "no answer"), 1, None),
        (False, False, Unreachable("x", "no answer"), 2, None),
        (False, False, Unreachable("x", "no answer"), 3, GapReason.FAILED),
    ],
)
def test_why_a_feed_has_a_gap(
    reached: bool, ended: bool, failure: Unreachable | None, attempts: int, reason: GapReason | None
) -> None:
    known = Known(marks=frozenset({"a"}), published_at=NOON - timedelta(days=1))
    newest = Newest(releases=(_release(1, NOON),), reached=reached, ended=ended, failure=failure)

    gap = state.find_gap(known, newest, attempts)

    assert (gap.reason if gap else None) == reason
    assert gap is None or (gap.since, gap.until) == (NOON - timedelta(days=1), NOON)


@given(
    before=st.integers(1, 400),
    added=st.integers(0, 400),
    page_size=st.integers(6, 100),
    dated=st.booleans(),
)
def test_nothing_is_missed_unless_a_gap_says_so(before: int, added: int, page_size: int, dated: bool) -> None:
    indexer = FakeIndexer()
    indexer.page_size = page_size

    def at(number: int) -> datetime | None:
        return NOON + timedelta(minutes=number) if dated else None

    def newest_first(count: int) -> list[IndexerRelease]:
        return [_release(number, at(number)) for number in reversed(range(count))]

    indexer.releases = newest_first(before)
    first = indexer.catch_up(Known(), limit=100)
    known = Known(marks=frozenset(map(state.mark_of, first.releases)), published_at=at(before - 1) if dated else None)
    indexer.releases = newest_first(before + added)
    newest = indexer.catch_up(known)
    seen = {release.guid for release in (*first.releases, *newest.releases)}

    assert {str(number) for number in range(before, before + added)} <= seen
    assert newest.reached or newest.ended
