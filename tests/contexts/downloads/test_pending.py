"""Delay profiles: releases wait, are compared when their time comes, and the best one is grabbed once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from mydia.adapters.download_clients import NewDownload
from mydia.contexts import downloads, media, settings, users
from mydia.contexts.settings.rules import DelayForm, ReleaseForm, delays
from mydia.contexts.users import SYSTEM, Caller
from mydia.errors import Conflict, Forbidden, Invalid, NotFound
from tests.contexts.downloads.conftest import House

GOOD = "Metropolis.1927.1080p.BluRay.x264-GRP"
BETTER = "Metropolis.1927.2160p.WEB-DL.x265-GRP"


def delay(house: House, *, delay_id: str | None = "default", **fields: Any) -> str:
    """Store a delay profile; the default one if nothing else is said."""
    form = DelayForm(**{"name": "Patience", "torrent_delay_min": 60, **fields})
    with house.database.writes() as session:
        return delays.save_delay(session, SYSTEM, house.now, form, delay_id=delay_id).id


def automatic(house: House, item_id: str | None = None, **target: Any) -> list[str]:
    """Search as the schedule does."""
    wanted = downloads.SearchTarget(item_id or house.film_id, **target)
    return downloads.search_and_grab(
        house.database, house.outside, SYSTEM, house.now, wanted, cause=downloads.SearchCause.BACKLOG
    )


def waiting(house: House) -> list[downloads.pending.Waiting]:
    with house.database.reads() as session:
        return downloads.pending.list_pending(session, SYSTEM)


def due(house: House) -> list[str]:
    return downloads.pending.take_due(house.database, house.outside, house.now)


def test_the_best_release_of_the_delay_is_grabbed_when_the_first_one_is_due(house: House) -> None:
    delay(house)
    house.offer(GOOD, published_at=house.now)
    assert automatic(house) == []
    (one,) = waiting(house)
    assert (one.release_title, one.reason) == (GOOD, "delay")
    assert one.until_at == house.now + timedelta(minutes=60)
    assert "Patience waits 1 h for torrents" in one.why
    (event,) = house.events("ReleaseDelayed")
    assert (event["release_title"], event["count"]) == (GOOD, 1)

    house.later(minutes=40)
    house.offer(BETTER, 16 * 1024**3, published_at=house.now)
    assert automatic(house) == [] == due(house)
    assert [one.release_title for one in waiting(house)] == [GOOD, BETTER]

    house.later(minutes=20)
    (download_id,) = due(house)
    assert house.download(download_id).release_title == BETTER, "the delay ended for both, and this one is better"
    assert waiting(house) == []
    assert due(house) == []
    assert len(house.downloads()) == 1


def test_a_search_that_a_person_starts_does_not_wait(house: House) -> None:
    delay(house)
    house.offer(GOOD, published_at=house.now)
    with house.database.writes() as session:
        new = users.NewUser(username="robin", role=users.Role.ADMIN)
        robin = users.caller_of(users.add_user(session, SYSTEM, house.now, new))
    target = downloads.SearchTarget(house.film_id)
    assert downloads.search_and_grab(house.database, house.outside, robin, house.now, target)
    assert waiting(house) == []


def test_the_same_release_found_twice_waits_once(house: House) -> None:
    delay(house)
    house.offer(GOOD, published_at=house.now)
    automatic(house)
    first = waiting(house)[0]
    house.later(minutes=5)
    automatic(house)
    (again,) = waiting(house)
    assert (again.id, again.until_at, again.since_at) == (first.id, first.until_at, first.since_at)
    assert len(house.events("ReleaseDelayed")) == 1


def test_a_release_without_a_date_waits_from_when_it_was_first_seen(house: House) -> None:
    delay(house)
    house.offer(GOOD)
    automatic(house)
    house.later(minutes=59)
    automatic(house)
    assert due(house) == []
    house.later(minutes=1)
    assert len(due(house)) == 1


def test_what_waits_is_judged_again_when_its_time_comes(house: House) -> None:
    delay(house)
    release = house.offer(GOOD, published_at=house.now)
    automatic(house)
    with house.database.writes() as session:
        form = ReleaseForm(name="No encodes", ignored=("x264",))
        settings.rules.words.save_profile(session, SYSTEM, house.now, form)
    house.later(minutes=60)
    assert due(house) == []
    assert waiting(house) == []
    assert house.releases_titled(release.title)[-1].objections[0]["code"] == "must-not-contain"


def test_a_run_that_was_killed_between_client_and_list_grabs_nothing_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    delay(house)
    house.offer(GOOD, published_at=house.now)
    automatic(house)
    house.later(minutes=60)

    add = house.client.add

    class Killed(BaseException):
        pass

    def die(download: NewDownload) -> str:
        add(download)
        raise Killed

    monkeypatch.setattr(house.client, "add", die)
    with pytest.raises(Killed):
        due(house)
    monkeypatch.setattr(house.client, "add", add)
    assert len(house.client.downloads) == 1, "the client has it, and nobody noted that"
    downloads.recover_grabs(house.database, house.outside, house.now, all=True)
    assert due(house) == []
    assert len(house.client.downloads) == len(house.downloads()) == 1
    assert waiting(house) == []


def test_when_the_client_is_away_at_the_due_time_the_release_waits_for_it(house: House) -> None:
    delay(house)
    house.offer(GOOD, published_at=house.now)
    automatic(house)
    house.later(minutes=60)
    house.client.go_away()
    assert due(house) == []
    (one,) = waiting(house)
    assert (one.reason, one.until_at) == ("client_unavailable", None)
    assert "no answer" in one.why


def test_grabbing_one_episode_leaves_the_others_waiting(house: House) -> None:
    delay(house)
    first, second, *_ = house.episode_ids()
    for number in (1, 2):
        house.offer(f"Silo.S01E0{number}.1080p.WEB-DL.x264-GRP", 2 * 1024**3, published_at=house.now)
    for episode in (first, second):
        automatic(house, house.series_id, season_number=1, episode_ids=(episode,))
    assert sorted(one.episodes for one in waiting(house)) == ["S01E01", "S01E02"]
    one = next(one for one in waiting(house) if one.episodes == "S01E01")
    downloads.pending.take_now(house.database, house.outside, SYSTEM, house.now, one.id)
    assert [one.episodes for one in waiting(house)] == ["S01E02"]


def test_a_waiting_release_can_be_taken_or_removed_once(house: House, admin: Caller, guest: Caller) -> None:
    delay(house)
    house.offer(GOOD, published_at=house.now)
    house.offer(BETTER, 16 * 1024**3, published_at=house.now)
    automatic(house)
    best, other = waiting(house)
    assert best.release_title == BETTER
    with pytest.raises(Forbidden), house.database.writes() as session:
        downloads.pending.remove_pending(session, guest, house.now, other.id)
    with house.database.writes() as session:
        downloads.pending.remove_pending(session, admin, house.now, other.id)
    assert house.events("PendingReleaseRemoved") == [{"media_item_id": house.film_id, "release_title": GOOD}]
    downloads.pending.take_now(house.database, house.outside, admin, house.now, best.id)
    assert house.downloads()[0].release_title == BETTER
    assert waiting(house) == []
    with pytest.raises(NotFound):
        downloads.pending.take_now(house.database, house.outside, admin, house.now, best.id)


def test_old_searches_are_kept_while_their_releases_wait(house: House) -> None:
    delay(house, torrent_delay_min=60 * 24 * 40)
    house.offer(GOOD, published_at=house.now)
    automatic(house)
    house.indexer.releases.clear()
    house.later(days=35)
    house.search()
    with house.database.writes() as session:
        downloads.history.prune_releases(session, house.now)
        assert session.scalar(select(func.count()).select_from(downloads.PendingRelease)) == 1


def test_tags_bind_a_delay_profile_to_titles_and_the_first_one_wins(house: House) -> None:
    delay(house, torrent_delay_min=0)
    slow = delay(house, delay_id=None, name="Slow", torrent_delay_min=600, tags=("kids",))
    quick = delay(house, delay_id=None, name="Quick", torrent_delay_min=0, tags=("kids", "news"))
    with house.database.writes() as session:
        media.tags.change_tags(session, SYSTEM, house.now, house.film_id, add=["Kids"])
    house.offer(GOOD, published_at=house.now)
    assert automatic(house) == []
    with house.database.writes() as session:
        delays.order_delays(session, SYSTEM, house.now, [quick, slow])
        assert [one.name for one in delays.list_delays(session, SYSTEM)] == ["Quick", "Slow", "Patience"]
    assert len(automatic(house)) == 1


def test_the_default_delay_profile_always_exists_without_tags(house: House) -> None:
    with house.database.writes() as session:
        (only,) = delays.list_delays(session, SYSTEM)
        assert (only.id, only.torrent_delay_min, only.tags) == ("default", 0, ())
        with pytest.raises(Conflict, match="default"):
            delays.delete_delay(session, SYSTEM, house.now, "default")
        with pytest.raises(Invalid, match="no tags"):
            delays.save_delay(session, SYSTEM, house.now, DelayForm(name="x", tags=("a",)), delay_id="default")
        with pytest.raises(Invalid, match="at least one tag"):
            delays.save_delay(session, SYSTEM, house.now, DelayForm(name="x"))
        form = DelayForm(name="x", enable_torrent=False, enable_usenet=False)
        with pytest.raises(Invalid, match="at least one protocol"):
            delays.save_delay(session, SYSTEM, house.now, form, delay_id="default")


def test_changes_of_both_profiles_are_recorded_with_old_and_new(house: House) -> None:
    delay(house, torrent_delay_min=30)
    delay(house, torrent_delay_min=30)
    delay(house, torrent_delay_min=90)
    with house.database.writes() as session:
        words = settings.rules.words
        made = words.save_profile(session, SYSTEM, house.now, ReleaseForm(name="German", required=("german",)))
        words.save_profile(
            session, SYSTEM, house.now, ReleaseForm(name="German", required=("german", "/dubbed/")), profile_id=made.id
        )
        words.delete_profile(session, SYSTEM, house.now, made.id)
    changes = [event["changed"] for event in house.events("SettingsChanged")][-5:]
    assert changes[0]["torrent delay (minutes)"] == [0, 30]
    assert changes[1] == {"torrent delay (minutes)": [30, 90]}
    assert changes[3] == {"must contain": [["german"], ["german", "/dubbed/"]]}
    assert changes[4] == {"name": ["German", None]}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"required": ("/(/",)}, "required"),
        ({"preferred": (("x", 10_000_000),)}, "preferred"),
        ({"required": ("x",), "indexer_id": "nobody"}, "indexer_id"),
        ({}, "required"),
        ({"air_date_grace_days": 1000}, "air_date_grace_days"),
    ],
)
def test_a_release_profile_that_cannot_work_is_rejected_with_its_field(
    house: House, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as raised, house.database.writes() as session:
        settings.rules.words.save_profile(session, SYSTEM, house.now, ReleaseForm(**{"name": "x", **fields}))
    assert field in raised.value.fields


def test_an_indexer_is_limited_to_tags_flags_and_season_packs_by_its_options(house: House) -> None:
    options = {"tags": ["Anime"], "required_flags": ["freeleech", "internal"]}
    with house.database.writes() as session:
        session.get_one(settings.IndexerRow, "indexer-1").options = options
    house.offer(GOOD)
    house.offer(BETTER, 16 * 1024**3, flags=("internal",))
    verdicts = {row.title: {o["reason"] for o in row.objections} for row in house.releases(house.search())}
    assert verdicts == {GOOD: {"indexer-tag", "required-flags"}, BETTER: {"indexer-tag"}}
    with house.database.writes() as session:
        media.tags.change_tags(session, SYSTEM, house.now, house.film_id, add=["anime"])
    verdicts = {row.title: {o["reason"] for o in row.objections} for row in house.releases(house.search())}
    assert verdicts == {GOOD: {"required-flags"}, BETTER: set()}
