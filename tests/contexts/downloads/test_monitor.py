"""Monitoring: progress, completion, failure and stalls; an unreachable client changes nothing."""

from __future__ import annotations

from copy import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from mydia.adapters.download_clients import NewDownload, RemoteState
from mydia.contexts import downloads, settings
from mydia.contexts.downloads import BlocklistEntry, MonitorReport
from mydia.contexts.settings import DownloadClientRow
from mydia.contexts.users import SYSTEM, Caller
from mydia.errors import Conflict, Forbidden, Invalid, Unavailable
from mydia.events import say
from tests.contexts.downloads.conftest import House, torrent

GOOD = "Metropolis.1927.1080p.BluRay.x264-GRP"


def look(house: House, **later: float) -> MonitorReport:
    house.later(**(later or {"seconds": 3}))
    return downloads.monitor(house.database, house.outside, house.now)


def ref(house: House, download_id: str) -> str:
    return house.download(download_id).client_ref or ""


def test_progress_is_stored_without_events(house: House) -> None:
    download_id = house.get_one()
    look(house)
    before = len(house.events("DownloadChanged"))
    for share in (0.1, 0.5, 0.9):
        house.client.change(ref(house, download_id), progress=share, speed_bytes_per_s=5_000_000, eta_s=60)
        report = look(house)
    row = house.download(download_id)
    assert (row.state, row.progress, row.speed_bytes_per_s, row.eta_s) == ("downloading", 0.9, 5_000_000, 60)
    assert len(house.events("DownloadChanged")) == before
    assert report.active == 1


def test_completion_is_announced_once(house: House) -> None:
    download_id = house.get_one()
    house.client.finish(ref(house, download_id))
    look(house)
    look(house)
    assert house.download(download_id).state == "completed"
    assert house.download(download_id).output_path
    assert [event["download_id"] for event in house.events("DownloadCompleted")] == [download_id]


def test_an_unreachable_client_changes_nothing_and_shows_since_when(house: House, admin: Caller) -> None:
    download_id = house.get_one()
    house.client.change(ref(house, download_id), progress=0.4)
    look(house)
    before = house.download(download_id)
    house.client.go_away()
    since = house.now
    for _ in range(20):
        report = look(house, minutes=10)
    after = house.download(download_id)
    assert (after.state, after.progress, after.strikes) == (before.state, before.progress, 0)
    assert report.unreachable == 1
    with house.database.reads() as session:
        (row,) = downloads.queue.list_queue(session, admin)
        assert row.unreachable_since is not None
        assert (row.unreachable_since - since).total_seconds() == 600
        assert "has not answered since" in (row.sentence or "")
        assert downloads.queue.queue_summary(session, admin).unreachable[0][0] == "qBittorrent"
    house.client.come_back()
    look(house)
    with house.database.reads() as session:
        assert downloads.queue.list_queue(session, admin)[0].unreachable_since is None


def test_a_download_missing_from_its_client_counts_as_removed_after_three_checks(house: House) -> None:
    download_id = house.get_one()
    look(house)
    gone = house.client.downloads.pop(ref(house, download_id))
    look(house, minutes=1)
    look(house, minutes=1)
    assert house.download(download_id).state == "downloading"
    house.client.downloads[gone.ref] = gone
    look(house)
    assert house.download(download_id).strikes == 0
    del house.client.downloads[gone.ref]
    for _ in range(3):
        look(house, minutes=1)
    row = house.download(download_id)
    assert row.state == "removed"
    assert "no longer has it" in say(row.reasons[-1])
    assert house.item_state() == "missing"


def about_to_finish(house: House, size: int | None = None, **facts: object) -> str:
    """A torrent that its client removes the moment it is complete; its files stay, with this size."""
    download_id = house.get_one()
    known = house.client.change(ref(house, download_id), **({"progress": 0.97, "eta_s": 5} | facts))
    look(house)
    path = Path(known.output_path or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * ((known.size_bytes or 0) if size is None else size))
    del house.client.downloads[known.ref]
    for _ in range(3):
        look(house, minutes=1)
    return download_id


def test_a_torrent_that_its_client_removed_when_complete_is_imported(house: House) -> None:
    download_id = about_to_finish(house)
    row = house.download(download_id)
    assert row.state == "completed", row.reasons
    assert "removed it after it was complete" in say(row.reasons[-1])
    assert house.bring_in(download_id) == "1 file imported"
    look(house, minutes=1)
    assert house.download(download_id).state == "imported"


@pytest.mark.parametrize(
    ("size", "facts"),
    [(None, {"progress": 0.4, "eta_s": 3600}), (None, {"progress": 0.4, "eta_s": None}), (10, {})],
    ids=["far from complete", "unknown time", "too small"],
)
def test_what_was_not_complete_when_it_was_removed_is_not_imported(
    house: House, size: int | None, facts: dict[str, object]
) -> None:
    assert house.download(about_to_finish(house, size, **facts)).state == "removed"


def test_three_checks_within_seconds_are_not_enough(house: House) -> None:
    download_id = house.get_one()
    look(house)
    house.client.downloads.clear()
    for _ in range(4):
        look(house, seconds=3)
    assert house.download(download_id).state == "downloading"


def test_a_failed_download_is_blocklisted_and_searched_again(house: House) -> None:
    download_id = house.get_one()
    house.client.change(ref(house, download_id), state=RemoteState.FAILED, message="incomplete archive")
    report = look(house)
    assert report.failed == 1
    assert house.download(download_id).state == "failed"
    (event,) = house.events("DownloadFailed")
    assert (say(event["reason"]), event["blocklisted"]) == ("qBittorrent reports: incomplete archive.", True)
    with house.database.reads() as session:
        entry = session.scalars(select(BlocklistEntry)).one()
        assert (entry.title, downloads.wording.blocked_because(entry)) == (
            GOOD,
            "qBittorrent reports: incomplete archive.",
        )
    again = house.releases(house.search(cause="automatic"))
    assert [objection["reason"] for objection in again[0].objections] == ["blocklisted"]


def test_retrying_can_be_disabled(house: House, admin: Caller) -> None:
    with house.database.writes() as session:
        settings.change_values(session, admin, house.now, {"downloads.retry_failed": False})
    download_id = house.get_one()
    house.client.change(ref(house, download_id), state=RemoteState.FAILED)
    look(house)
    assert house.events("DownloadFailed")[0]["blocklisted"] is False
    with house.database.reads() as session:
        assert session.scalars(select(BlocklistEntry)).all() == []


def test_a_torrent_without_progress_is_stalled_with_a_reason_and_finally_fails(house: House) -> None:
    download_id = house.get_one()
    house.client.change(ref(house, download_id), state=RemoteState.STALLED, progress=0.2, seeders=0)
    look(house)
    look(house)
    assert house.download(download_id).state == "downloading", "nobody calls a minute stalled"
    look(house, minutes=10)
    row = house.download(download_id)
    assert row.state == "stalled"
    assert say(row.trouble or "") == "No progress for 10 min 3 s; no seeders."
    house.client.change(ref(house, download_id), state=RemoteState.DOWNLOADING, progress=0.3)
    look(house)
    assert house.download(download_id).state == "downloading"
    house.client.change(ref(house, download_id), state=RemoteState.STALLED)
    for _ in range(47 * 6):
        look(house, minutes=10)
    assert house.download(download_id).state == "stalled"
    for _ in range(2 * 6):
        look(house, minutes=10)
    assert house.download(download_id).state == "failed"
    assert house.client.removed == [(row.client_ref, True)]


WAITS = [
    RemoteState.QUEUED,
    RemoteState.PAUSED,
    RemoteState.CHECKING,
]


@pytest.mark.parametrize("state", WAITS)
def test_waiting_is_not_a_lack_of_progress(house: House, state: RemoteState) -> None:
    download_id = house.get_one()
    house.client.change(ref(house, download_id), state=RemoteState.DOWNLOADING, progress=0.2)
    look(house)
    house.client.change(ref(house, download_id), state=state)
    for _ in range(60 * 6):
        look(house, minutes=10)
    house.client.change(ref(house, download_id), state=RemoteState.STALLED)
    look(house)
    look(house, minutes=10)
    assert house.download(download_id).state == "stalled"
    assert house.client.removed == []
    assert not house.events("DownloadFailed")


@pytest.mark.parametrize("hours", [49, 24 * 14])
def test_time_without_monitoring_is_not_a_lack_of_progress(house: House, hours: int) -> None:
    download_id = house.get_one()
    house.client.change(ref(house, download_id), state=RemoteState.STALLED, progress=0.26)
    look(house)
    look(house, minutes=10)
    look(house, hours=hours)
    assert house.download(download_id).state == "stalled"
    assert house.client.removed == []


def test_time_with_an_unreachable_client_is_not_a_lack_of_progress(house: House) -> None:
    download_id = house.get_one()
    house.client.change(ref(house, download_id), state=RemoteState.STALLED, progress=0.26)
    look(house)
    house.client.go_away()
    for _ in range(49 * 6):
        look(house, minutes=10)
    house.client.come_back()
    look(house)
    look(house, minutes=10)
    assert house.download(download_id).state == "stalled"
    assert house.client.removed == []


@pytest.mark.parametrize(
    ("state", "message", "words"),
    [
        (RemoteState.LOCAL_ERROR, "No space left on device", "can't write or find its files: No space left on device"),
        (RemoteState.MISSING_FILES, None, "can't find the files"),
    ],
)
def test_a_disk_problem_of_the_client_pauses_and_fails_no_release(
    house: House, state: RemoteState, message: str | None, words: str
) -> None:
    download_id = house.get_one()
    house.client.change(ref(house, download_id), state=state, message=message)
    look(house)
    row = house.download(download_id)
    assert row.state == "paused"
    assert words in say(row.trouble or "")
    with house.database.reads() as session:
        assert downloads.blocklist.list_blocklist(session, SYSTEM)[0] == []
        (line,) = downloads.queue.list_queue(session, SYSTEM)
    assert (line.group, line.sentence) == ("needs you", say(row.trouble or ""))
    house.client.change(ref(house, download_id), state=RemoteState.DOWNLOADING, message=None)
    look(house)
    row = house.download(download_id)
    assert (row.state, row.trouble) == ("downloading", None)


def test_an_encrypted_download_fails_and_is_removed_from_its_client(house: House) -> None:
    download_id = house.get_one()
    house.client.change(ref(house, download_id), state=RemoteState.ENCRYPTED)
    look(house)
    row = house.download(download_id)
    assert row.state == "failed"
    assert say(row.reasons[-1]) == "The release is encrypted and needs a password."
    assert house.client.removed == [(row.client_ref, True)]


def test_a_torrent_that_gets_another_id_with_its_metadata_is_followed(house: House) -> None:
    download_id = house.get_one()
    old = ref(house, download_id)
    new = "c" * 40
    house.client.downloads[new] = replace(house.client.downloads.pop(old), ref=new, info_hashes=(old, new))
    for _ in range(4):
        look(house, minutes=1)
    row = house.download(download_id)
    assert (row.state, row.client_ref) == ("downloading", new)
    with house.database.reads() as session:
        assert downloads.unknown.list_unknown(session, SYSTEM) == []


def test_a_torrent_whose_ids_all_changed_is_found_by_its_name(house: House) -> None:
    download_id = house.get_one()
    old = ref(house, download_id)
    new = "d" * 40
    house.client.downloads[new] = replace(
        house.client.downloads.pop(old), ref=new, info_hashes=(new,), name=house.download(download_id).release_title
    )
    for _ in range(4):
        look(house, minutes=1)
    assert house.download(download_id).client_ref == new


def test_a_second_client_is_monitored_while_the_first_is_unreachable(house: House) -> None:
    with house.database.writes() as session:
        session.add(
            DownloadClientRow(id="client-2", name="Away", kind="qbittorrent", url="http://x", priority=1, options={}, created_at=house.now)
        )  # fmt: skip
    from tests.fakes.outside import FakeDownloadClient, connection, fake_outside

    away = FakeDownloadClient(connection("qbittorrent", id="client-2", name="Away"))
    away.go_away()
    house.outside = fake_outside(clients=[away, house.client], indexers=[house.indexer], probe=house.probe)
    look(house)
    download_id = house.get_one()
    house.client.finish(ref(house, download_id))
    report = look(house)
    assert (report.clients, report.unreachable, report.completed) == (2, 1, 1)


def test_a_waiting_grab_is_sent_when_the_client_answers(house: House) -> None:
    house.offer(GOOD)
    house.client.go_away()
    target = downloads.SearchTarget(house.film_id)
    assert not downloads.search_and_grab(house.database, house.outside, SYSTEM, house.now, target)
    look(house, minutes=5)
    assert house.client.added == []
    house.client.come_back()
    look(house, minutes=5)
    assert [download.name for download in house.client.added] == [GOOD]
    assert [row.state for row in house.downloads()] == ["queued"]


@pytest.mark.parametrize(
    "labels",
    [("noir", "mydia-movies"), ("mydia-movies", "noir"), ("noir",), ()],
    ids=["before", "after", "instead", "none"],
)
def test_labels_that_a_user_sets_in_the_client_do_not_lose_the_download(
    labels: tuple[str, ...], house: House, admin: Caller
) -> None:
    download_id = house.get_one()
    look(house)
    house.client.change(ref(house, download_id), categories=labels)
    look(house, minutes=10)
    assert house.download(download_id).state == "downloading"
    house.finish(download_id)
    assert house.download(download_id).state == "completed"
    house.bring_in(download_id)
    assert len(house.library_files()) == 1
    with house.database.reads() as session:
        assert downloads.unknown.list_unknown(session, admin) == []


# Unknown downloads


def stranger(house: House, name: str = GOOD, category: str = "mydia-movies") -> str:
    return house.client.add(NewDownload(name=name, content=torrent(name), category=category))


def test_an_unknown_download_in_our_category_is_offered_for_adoption(house: House, admin: Caller) -> None:
    stranger(house)
    stranger(house, "Something.Else", category="linux")
    look(house)
    with house.database.reads() as session:
        (unknown,) = downloads.unknown.list_unknown(session, admin)
    assert unknown.name == GOOD
    with house.database.writes() as session:
        download_id = downloads.unknown.adopt(session, admin, house.now, unknown.id, house.film_id)
    house.client.finish(unknown.client_ref)
    look(house)
    assert house.download(download_id).state == "completed"
    with house.database.reads() as session:
        assert downloads.unknown.list_unknown(session, admin) == []


def test_an_unknown_download_with_a_second_label_is_offered_too(house: House, admin: Caller) -> None:
    added = house.client.add(
        NewDownload(name=GOOD, content=torrent(GOOD), category="noir", tags=("mydia-movies", "kept"))
    )
    look(house)
    with house.database.reads() as session:
        assert [row.client_ref for row in downloads.unknown.list_unknown(session, admin)] == [added]


def test_an_unknown_download_that_left_is_forgotten_and_an_ignored_one_stays_hidden(
    house: House, admin: Caller
) -> None:
    first, second = stranger(house), stranger(house, "Other.2001.720p")
    look(house)
    with house.database.writes() as session:
        known = {row.client_ref: row.id for row in downloads.unknown.list_unknown(session, admin)}
        downloads.unknown.ignore_unknown(session, admin, known[second])
    del house.client.downloads[first]
    look(house)
    with house.database.reads() as session:
        assert downloads.unknown.list_unknown(session, admin) == []


def test_adopting_for_a_series_needs_episodes(house: House, admin: Caller) -> None:
    stranger(house, "Random.Name", category="mydia-tv")
    look(house)
    with house.database.writes() as session:
        (unknown,) = downloads.unknown.list_unknown(session, admin)
        with pytest.raises(Invalid, match="Choose its episodes"):
            downloads.unknown.adopt(session, admin, house.now, unknown.id, house.series_id)
        ids = house_ids = [house.episode_ids()[1]]
        download_id = downloads.unknown.adopt(session, admin, house.now, unknown.id, house.series_id, episode_ids=ids)
    with house.database.reads() as session:
        row = downloads.queue.find_queue_row(session, admin, download_id)
        assert row is not None
        assert list(row.episode_ids) == house_ids


# User actions


def test_pause_and_resume_reach_the_client(house: House, admin: Caller) -> None:
    download_id = house.get_one()
    look(house)
    downloads.queue.pause(house.database, house.outside, admin, house.now, download_id)
    assert house.client.downloads[ref(house, download_id)].state is RemoteState.PAUSED
    assert house.download(download_id).state == "paused"
    downloads.queue.resume(house.database, house.outside, admin, house.now, download_id)
    look(house)
    assert house.download(download_id).state == "downloading"


def test_removing_deletes_it_from_the_client_blocklists_it_and_searches_again(house: House, admin: Caller) -> None:
    download_id = house.get_one()
    downloads.queue.remove(
        house.database, house.outside, admin, house.now, download_id, blocklist=True, search_again=True
    )
    assert house.client.downloads == {}
    assert house.download(download_id).state == "removed"
    assert house.events("DownloadRemoved")[0]["blocklisted"] is True
    assert house.events("SearchRequested")[0]["media_item_id"] == house.film_id
    with house.database.reads() as session:
        entries, _ = downloads.blocklist.list_blocklist(session, admin)
        assert downloads.wording.blocked_because(entries[0]) == "Robin removed it."
    with pytest.raises(Conflict, match="has ended"):
        downloads.queue.remove(house.database, house.outside, admin, house.now, download_id)


def test_removing_from_the_queue_only_keeps_it_in_the_client(house: House, admin: Caller) -> None:
    download_id = house.get_one()
    downloads.queue.remove(house.database, house.outside, admin, house.now, download_id, from_client=False)
    assert len(house.client.downloads) == 1
    assert house.download(download_id).state == "ignored"


def test_nothing_can_be_removed_while_the_client_is_unreachable(house: House, admin: Caller) -> None:
    download_id = house.get_one()
    house.client.go_away()
    with pytest.raises(Unavailable):
        downloads.queue.remove(house.database, house.outside, admin, house.now, download_id)
    assert house.download(download_id).state == "queued"


def test_a_guest_cannot_see_the_queue(house: House, guest: Caller) -> None:
    with house.database.reads() as session, pytest.raises(Forbidden):
        downloads.queue.list_queue(session, guest)


def test_the_queue_is_grouped_and_history_pages_by_key(house: House, admin: Caller) -> None:
    first = house.get_one()
    house.client.finish(ref(house, first))
    look(house)
    second = house.get_one("Metropolis.1927.2160p.WEB-DL.x265-GRP")
    look(house)
    with house.database.reads() as session:
        rows = downloads.queue.list_queue(session, admin)
        assert [(row.id, row.group, row.shown_state) for row in rows] == [
            (first, "importing", "importing"),
            (second, "downloading", "downloading"),
        ]
        assert [row.id for row in downloads.queue.open_downloads_of(session, SYSTEM, house.film_id)] == [first, second]
        newest, cursor = downloads.history.list_history(session, admin, limit=1)
        older, end = downloads.history.list_history(session, admin, limit=1, cursor=cursor)
        assert [newest[0].id, older[0].id, end] == [second, first, None]
        assert downloads.history.list_history(session, admin, text="2160p")[0][0].id == second
        story = downloads.history.story_of(session, admin, first)
        assert [happened.type for happened in story.events][:2] == ["DownloadChanged", "ReleaseGrabbed"]
        assert downloads.history.counts_by_state(session)["completed"] == 1
        view = downloads.history.get_search(
            session, admin, downloads.history.last_search(session, SYSTEM, house.film_id).id
        )  # type: ignore[union-attr]
        assert set(view.earlier.values()) >= {("completed", house.download(first).state_since)}


def test_old_searches_are_deleted_except_the_last_of_each_title(house: House) -> None:
    house.offer(GOOD)
    for _ in range(3):
        house.search()
        house.later(days=40)
    with house.database.writes() as session:
        assert downloads.history.prune_releases(session, house.now) == 2
    with house.database.reads() as session:
        last = downloads.history.last_search(session, SYSTEM, house.film_id)
        assert last is not None
        assert last.sentence == "1 found, 1 accepted."


def test_two_torrents_with_the_same_name_have_separate_rows(house: House) -> None:
    made = house.offer(GOOD)
    first = house.get_one()
    house.client.finish(ref(house, first))
    look(house)
    other = torrent(GOOD + "x")
    house.indexer.releases = [replace(made, guid="second", info_hash=None)]
    house.indexer.content[made.download_url or ""] = replace(
        house.indexer.content[made.download_url or ""], content=other
    )
    second = house.get_one()
    assert first != second
    assert ref(house, first) != ref(house, second)
