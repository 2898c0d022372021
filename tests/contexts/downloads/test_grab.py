"""Grabbing: a grab is recorded first, sent once, and recovered after a crash."""

from __future__ import annotations

from copy import replace

import pytest
from sqlalchemy import func, select

from mydia.adapters.download_clients import NewDownload, RemoteState
from mydia.adapters.errors import Nonsense, Unreachable
from mydia.adapters.indexers import IndexerRelease
from mydia.contexts import downloads, settings
from mydia.contexts.downloads import NoClient, PendingRelease, Refusal, ReleaseGone, SearchTarget
from mydia.contexts.settings import DownloadClientRow, IndexerRow
from mydia.contexts.users import SYSTEM, Caller
from mydia.errors import Forbidden, Unavailable
from mydia.events import say
from tests.contexts.downloads.conftest import House

GOOD = "Metropolis.1927.1080p.BluRay.x264-GRP"


def automatic(house: House, item_id: str | None = None, **target: object) -> list[str]:
    return downloads.search_and_grab(
        house.database, house.outside, SYSTEM, house.now, SearchTarget(item_id or house.film_id, **target)
    )


def test_the_best_release_goes_to_the_client_with_category_and_reasons(house: House) -> None:
    house.offer("Metropolis.1927.720p.BluRay.x264-GRP")
    house.offer(GOOD)
    (download_id,) = automatic(house)
    row = house.download(download_id)
    assert (row.state, row.release_title, row.category) == ("queued", GOOD, "mydia-movies")
    assert row.client_ref == row.info_hash
    assert "Bluray-1080p" in say(row.reasons[0])
    assert house.client.added[0].category == "mydia-movies"
    assert house.item_state() == "downloading"
    event = house.events("ReleaseGrabbed")[0]
    assert (event["client"], event["indexer"], event["cause"]) == ("qBittorrent", "Public", "automatic")


def test_the_row_is_stored_before_the_client_is_called(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.offer(GOOD)
    release = house.releases(house.search())[0]
    seen: list[str] = []
    real = house.client.add

    def spy(download: NewDownload) -> str:
        seen.extend(row.state for row in house.downloads())
        return real(download)

    monkeypatch.setattr(house.client, "add", spy)
    house.grab(release.id)
    assert seen == ["grabbing"]


def test_grabbing_twice_is_grabbing_once(house: House) -> None:
    house.offer(GOOD)
    release = house.releases(house.search())[0]
    assert house.grab(release.id) == house.grab(release.id)
    assert len(house.client.added) == 1
    assert len(house.downloads()) == 1


def test_a_rejected_release_is_grabbed_only_on_request(house: House, admin: Caller) -> None:
    house.offer("Metropolis.1927.HDCAM.x264-GRP")
    release = house.releases(house.search())[0]
    with pytest.raises(Refusal, match=r"Any does not allow.*anyway") as caught:
        house.grab(release.id)
    assert "Any does not allow CAM" in caught.value.reasons[0]
    download_id = downloads.grab(house.database, house.outside, admin, house.now, release.id, override=True)
    assert any("Robin grabbed it despite" in say(entry) for entry in house.download(download_id).reasons)


def test_a_guest_cannot_grab(house: House, guest: Caller) -> None:
    house.offer(GOOD)
    release = house.releases(house.search())[0]
    with pytest.raises(Forbidden):
        downloads.grab(house.database, house.outside, guest, house.now, release.id)
    assert house.downloads() == []


def test_the_next_release_is_grabbed_if_the_best_is_gone(house: House) -> None:
    gone = house.offer(GOOD)
    house.offer("Metropolis.1927.720p.BluRay.x264-GRP")
    assert gone.download_url is not None
    del house.indexer.content[gone.download_url]
    (download_id,) = automatic(house)
    assert house.download(download_id).release_title == "Metropolis.1927.720p.BluRay.x264-GRP"


def test_a_manual_grab_reports_a_release_that_is_gone(house: House) -> None:
    gone = house.offer(GOOD)
    assert gone.download_url is not None
    del house.indexer.content[gone.download_url]
    with pytest.raises(ReleaseGone, match="no longer has this release"):
        house.grab(house.releases(house.search())[0].id)
    assert house.downloads() == []


def test_the_best_release_waits_for_an_unreachable_client(house: House) -> None:
    house.offer(GOOD)
    house.client.go_away()
    assert automatic(house) == []
    with house.database.reads() as session:
        waiting = session.scalars(select(PendingRelease)).one()
        assert waiting.reason == "client_unavailable"
        assert "no answer" in waiting.message
        status = settings.services.status_of(session, "download_client", "client-1")
        assert status is not None
        assert status.state == "failing"
    house.client.come_back()
    house.later(minutes=5)
    downloads.recover_grabs(house.database, house.outside, house.now)
    (download_id,) = downloads.pending.grab_pending(house.database, house.outside, house.now)
    assert house.download(download_id).state == "queued"
    assert len(house.downloads()) == 1
    with house.database.reads() as session:
        assert session.scalar(select(func.count()).select_from(PendingRelease)) == 0


def test_a_manual_grab_reports_an_unreachable_client_at_once(house: House, admin: Caller) -> None:
    house.offer(GOOD)
    release = house.releases(house.search())[0]
    house.client.go_away()
    with pytest.raises(Unavailable, match="is it running"):
        downloads.grab(house.database, house.outside, admin, house.now, release.id)
    with house.database.reads() as session:
        assert session.scalar(select(func.count()).select_from(PendingRelease)) == 0
    house.client.come_back()
    house.later(minutes=5)
    downloads.recover_grabs(house.database, house.outside, house.now)
    assert house.downloads() == [], "the client never had it, so the row is removed"
    assert house.releases(str(release.search_id))[0].verdict == "approved"
    assert house.item_state() == "missing"


def test_a_refusal_by_the_client_leaves_nothing_behind(house: House) -> None:
    house.offer(GOOD)
    release = house.releases(house.search())[0]
    house.client.trouble = Nonsense("qBittorrent", "says that this is not a valid torrent")
    with pytest.raises(Nonsense):
        house.grab(release.id)
    assert house.downloads() == []
    assert house.releases(str(release.search_id))[0].verdict == "approved"


@pytest.mark.parametrize("client_has_it", [True, False])
def test_a_crash_between_row_and_client_is_cleared_up(
    house: House, monkeypatch: pytest.MonkeyPatch, client_has_it: bool
) -> None:
    house.offer(GOOD)
    release = house.releases(house.search())[0]
    real = house.client.add

    class Killed(BaseException):
        pass

    def die(download: NewDownload) -> str:
        if client_has_it:
            real(download)
        raise Killed

    monkeypatch.setattr(house.client, "add", die)
    with pytest.raises(Killed):
        house.grab(release.id)
    assert [row.state for row in house.downloads()] == ["grabbing"]
    monkeypatch.setattr(house.client, "add", real)
    house.later(minutes=1)
    downloads.recover_grabs(house.database, house.outside, house.now, all=True)
    (row,) = house.downloads()
    assert row.state == "queued", "a grab that did not reach the client is sent again"
    assert len(house.client.added) == 1
    assert len(house.events("ReleaseGrabbed")) == 1
    assert house.grab(release.id) == row.id
    if client_has_it:
        assert "had received it" in say(row.reasons[-1])


def test_an_interrupted_grab_waits_while_the_client_is_unreachable(house: House) -> None:
    house.offer(GOOD)
    house.client.add_trouble = Unreachable("qBittorrent", "no answer")
    automatic(house)
    house.client.go_away()
    house.later(minutes=5)
    assert downloads.recover_grabs(house.database, house.outside, house.now, all=True) == 0
    assert [row.state for row in house.downloads()] == ["grabbing"]


def test_two_jobs_do_not_fetch_the_same_film_twice(house: House) -> None:
    house.offer(GOOD)
    house.offer("Metropolis.1927.2160p.WEB-DL.x265-GRP")
    rows = house.releases(house.search(cause="automatic"))
    house.grab(rows[1].id, automatic=True)
    with pytest.raises(downloads.AlreadyComing):
        house.grab(rows[0].id, automatic=True)


def test_missing_episodes_of_a_season_are_grabbed_one_by_one(house: House) -> None:
    for number in (1, 2, 3):
        house.offer(f"Silo.S01E0{number}.1080p.WEB-DL.H264-GRP", 2 * 1024**3, tvdb_id=403245)
    taken = automatic(house, house.series_id)
    titles = sorted(house.download(id).release_title for id in taken)
    assert titles == [f"Silo.S01E0{n}.1080p.WEB-DL.H264-GRP" for n in (1, 2, 3)]
    assert {house.download(id).category for id in taken} == {"mydia-tv"}


def test_a_season_pack_covers_the_season(house: House) -> None:
    house.offer("Silo.S01.1080p.WEB-DL.H264-GRP", 8 * 1024**3, tvdb_id=403245)
    house.offer("Silo.S01E01.1080p.WEB-DL.H264-GRP", 2 * 1024**3, tvdb_id=403245)
    (download_id,) = automatic(house, house.series_id)
    assert house.download(download_id).media_title == "Silo S01E01 to S01E04"


def test_seeding_goals_come_from_the_indexer(house: House) -> None:
    with house.database.writes() as session:
        row = session.get(IndexerRow, "indexer-1")
        assert row is not None
        row.options = {"seed_ratio": 1.5, "seed_time_min": 600}
    house.offer(GOOD)
    automatic(house)
    assert (house.client.added[0].seed_ratio, house.client.added[0].seed_time_min) == (1.5, 600)


def test_without_a_client_the_error_says_what_to_do(house: House) -> None:
    house.offer(GOOD)
    with house.database.writes() as session:
        row = session.get(DownloadClientRow, "client-1")
        assert row is not None
        row.enabled = False
    release = house.releases(house.search())[0]
    assert release.verdict == "waiting"
    with pytest.raises(NoClient, match="Add or enable one in the settings"):
        house.grab(release.id, override=True)


def test_the_magnet_is_used_when_the_file_cannot_be_fetched(house: House) -> None:
    made = house.offer(GOOD)
    magnet = f"magnet:?xt=urn:btih:{made.info_hash}&dn=x"
    house.indexer.releases = [replace(made, magnet=magnet)]
    house.indexer.content.clear()
    (download_id,) = automatic(house)
    assert house.download(download_id).info_hash == made.info_hash
    assert house.client.added[0].magnet == magnet


def persons_own(house: House, release: IndexerRelease, *, categories: tuple[str, ...] = ("my films",)) -> str:
    """Add a release's torrent to the client as a user does, and return its id there."""
    content = house.indexer.content[release.download_url or ""].content
    ref = house.client.add(NewDownload(name=release.title, content=content, category="x"))
    house.client.change(ref, categories=categories, state=RemoteState.SEEDING, progress=1.0)
    house.client.added.clear()
    return ref


@pytest.mark.parametrize("categories", [("my films",), (), ("films", "kept")])
def test_a_users_own_torrent_is_offered_for_adoption_and_never_claimed(
    house: House, admin: Caller, categories: tuple[str, ...]
) -> None:
    ref = persons_own(house, house.offer(GOOD), categories=categories)
    (row,) = house.releases(house.search())
    with pytest.raises(downloads.AlreadyInClient, match="Adopt it under Downloads"):
        house.grab(row.id)
    assert house.downloads() == []
    for _ in range(3):
        house.later(minutes=5)
        downloads.monitor(house.database, house.outside, house.now)
    with house.database.reads() as session:
        (offered,) = downloads.unknown.list_unknown(session, admin)
    assert (offered.client_ref, offered.wanted_for) == (ref, house.film_id)
    assert (ref in house.client.downloads, house.client.removed) == (True, [])


def test_a_search_that_finds_a_users_own_torrent_grabs_nothing(house: House) -> None:
    persons_own(house, house.offer(GOOD))
    house.offer("Metropolis.1927.720p.BluRay.x264-GRP")
    assert automatic(house) == []
    assert house.client.added == []


def test_an_adopted_torrent_is_imported_and_stays_in_the_client_with_its_files(house: House, admin: Caller) -> None:
    ref = persons_own(house, house.offer(GOOD))
    (row,) = house.releases(house.search())
    with pytest.raises(downloads.AlreadyInClient):
        house.grab(row.id)
    with house.database.writes() as session:
        (offered,) = downloads.unknown.list_unknown(session, admin)
        adopted = downloads.unknown.adopt(session, admin, house.now, offered.id, house.film_id)
    downloads.queue.remove(
        house.database, house.outside, admin, house.now, adopted, from_client=True, delete_files=True
    )
    gone = house.download(adopted)
    assert (gone.state, gone.left_client_at) == ("ignored", None)
    assert say(gone.reasons[-1]) == "It stays in qBittorrent, because Mydia did not add it."
    assert (ref in house.client.downloads, house.client.removed) == (True, [])


def test_a_torrent_a_user_added_to_our_category_is_imported_and_never_removed(house: House, admin: Caller) -> None:
    ref = persons_own(house, house.offer(GOOD), categories=("mydia-movies",))
    house.client.change(ref, state=RemoteState.STALLED, progress=0.3)
    (row,) = house.releases(house.search())
    download_id = house.grab(row.id)
    assert house.download(download_id).owned is False
    for _ in range(60 * 6):
        house.later(minutes=10)
        downloads.monitor(house.database, house.outside, house.now)
    assert house.download(download_id).state == "stalled"
    downloads.queue.remove(house.database, house.outside, admin, house.now, download_id)
    assert (ref in house.client.downloads, house.client.removed) == (True, [])


def test_a_torrent_mydia_added_before_is_recognised_as_its_own(house: House, admin: Caller) -> None:
    first = house.get_one()
    downloads.queue.remove(
        house.database, house.outside, admin, house.now, first, from_client=False, delete_files=False
    )
    second = house.get_one()
    assert second != first
    assert house.download(second).owned is True
    downloads.queue.remove(house.database, house.outside, admin, house.now, second)
    assert [ref for ref, _ in house.client.removed] == [house.download(second).client_ref]


def test_one_torrent_serves_two_titles(house: House, admin: Caller) -> None:
    collection = house.offer(
        "Metropolis.and.The.Blue.Angel.1927-1930.1080p.BluRay.x264-GRP",
        files={
            "Metropolis.1927.1080p.BluRay.x264-GRP.mkv": 9000,
            "The.Blue.Angel.1930.1080p.BluRay.x264-GRP.mkv": 9000,
        },
    )
    other_id = house.add_film("The Blue Angel", 1930, tmdb_id=228)
    taken = []
    for item_id in (house.film_id, other_id):
        (row,) = house.releases(house.search(item_id))
        taken.append(house.grab(row.id, override=True))
    first, second = (house.download(id) for id in taken)
    assert first.id != second.id
    assert first.client_ref == second.client_ref
    assert [say(entry) for entry in second.reasons if entry["kind"] == "note"] == [
        "qBittorrent has this torrent already, for Metropolis (1927). Both share it."
    ]
    house.finish(first.id)
    assert {house.download(id).state for id in taken} == {"completed"}
    assert [house.bring_in(id) for id in taken] == ["1 file imported, 1 left out"] * 2
    names = [name for name in house.library_files() if name.endswith(".mkv")]
    assert len(names) == 2
    assert "Metropolis" in names[0]
    assert "The Blue Angel" in names[1]
    assert collection.info_hash == first.info_hash == second.info_hash


def test_removing_one_of_two_titles_keeps_the_torrent_for_the_other(house: House, admin: Caller) -> None:
    files = {"Metropolis.1927.mkv": 9000, "The.Blue.Angel.1930.mkv": 9000}
    house.offer("Metropolis.and.The.Blue.Angel.1927-1930.1080p.BluRay.x264-GRP", files=files)
    other_id = house.add_film("The Blue Angel", 1930, tmdb_id=228)
    taken = []
    for item_id in (house.film_id, other_id):
        (row,) = house.releases(house.search(item_id))
        taken.append(house.grab(row.id, override=True))
    downloads.queue.remove(house.database, house.outside, admin, house.now, taken[0])
    assert house.client.removed == []
    downloads.queue.remove(house.database, house.outside, admin, house.now, taken[1])
    assert len(house.client.removed) == 1
