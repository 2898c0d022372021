"""Deciding requests, carrying them out, and following them until they are available."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from mydia import events
from mydia.adapters.errors import Unreachable
from mydia.contexts import media, requests, settings
from mydia.contexts.requests import Choices, Outcome, WantedTitle
from mydia.contexts.users import SYSTEM
from mydia.errors import Conflict, Forbidden, Invalid, NotFound
from tests import builders
from tests.contexts.requests.conftest import Household


def happened(home: Household) -> list[str]:
    with home.database.reads() as session:
        return [one.type for one in events.since(session, 0)]


def test_an_approved_film_is_added_once_with_the_choices(home: Household, film: WantedTitle) -> None:
    with home.database.writes() as session:
        settings.ensure_defaults(session, home.now)
        profile = settings.profiles.find_profile(session, "4K/UHD")
        assert profile is not None
    asked = home.ask(home.kim, film)
    home.decide(requests.approve, asked.request_id, Choices(profile_id=profile.id, tags=("for kim",), search_now=True))

    assert [home.fulfil(asked.request_id) for _ in range(3)] == ["added", "nothing to do", "nothing to do"]

    row = home.see(asked.request_id).row
    with home.database.reads() as session:
        item = media.get_item(session, SYSTEM, str(row.media_item_id))
        assert [version.profile_id for version in item.versions] == [profile.id]
        assert media.tags.tags_of(session, SYSTEM, [item.id])[item.id] == ("for kim",)
        assert session.scalar(select(func.count()).select_from(media.MediaItem)) == 1
    assert happened(home).count("MediaAdded") == 1
    assert happened(home).count("MediaReady") == 1


def test_approving_twice_changes_nothing(home: Household, film: WantedTitle) -> None:
    asked = home.ask(home.kim, film)
    home.decide(requests.approve, asked.request_id)
    home.fulfil(asked.request_id)
    home.decide(requests.approve, asked.request_id, Choices(tags=("late",)))
    assert happened(home).count("RequestApproved") == 1
    assert home.fulfil(asked.request_id) == "nothing to do"


def test_only_the_requested_seasons_of_a_new_show_are_monitored(home: Household, show: WantedTitle) -> None:
    asked = home.ask(home.kim, show, seasons=[1, 2])
    home.decide(requests.approve, asked.request_id, Choices(seasons=frozenset({2})))
    home.fulfil(asked.request_id)

    assert home.seasons(asked.request_id) == {1: "declined", 2: "approved"}
    with home.database.reads() as session:
        item_id = str(home.see(asked.request_id).row.media_item_id)
        monitored = {one.number: one.monitored for one in media.seasons_of(session, SYSTEM, item_id)}
        episodes = {one.season_number for one in media.episodes.episodes_of(session, SYSTEM, item_id) if one.monitored}
    assert monitored == {1: False, 2: True, 3: False}
    assert episodes == {2}


def test_a_show_in_the_library_keeps_what_its_owner_chose(home: Household, show: WantedTitle) -> None:
    with home.database.writes() as session:
        item = builders.show(session, seasons={1: 6, 2: 4, 3: 2})
        media.monitoring.change_monitoring(session, SYSTEM, home.now, item.id, False, season_number=2)
        media.monitoring.change_monitoring(session, SYSTEM, home.now, item.id, False, season_number=3)
        before = media.get_item(session, SYSTEM, item.id).versions[0].profile_id
        other = settings.profiles.find_profile(session, "4K/UHD")
        assert other is not None
    asked = home.ask(home.kim, show, seasons=[2])
    home.decide(requests.approve, asked.request_id, Choices(profile_id=other.id))

    assert home.fulfil(asked.request_id) == "monitored"

    with home.database.reads() as session:
        after = media.get_item(session, SYSTEM, item.id)
        monitored = {one.number: one.monitored for one in media.seasons_of(session, SYSTEM, item.id)}
    assert (monitored, after.versions[0].profile_id) == ({1: True, 2: True, 3: False}, before)
    assert happened(home).count("SearchRequested") == 1


def test_an_unmonitored_show_gets_only_the_requested_season(home: Household, show: WantedTitle) -> None:
    with home.database.writes() as session:
        item = builders.show(session, seasons={1: 6, 2: 4})
        media.monitoring.change_monitoring(session, SYSTEM, home.now, item.id, False)
    asked = home.ask(home.kim, show, seasons=[2])
    home.decide(requests.approve, asked.request_id)
    home.fulfil(asked.request_id)
    with home.database.reads() as session:
        monitored = {one.number: one.monitored for one in media.seasons_of(session, SYSTEM, item.id)}
        assert media.get_item(session, SYSTEM, item.id).monitored
    assert monitored[1] is False
    assert monitored[2] is True


def test_a_season_that_the_library_does_not_know_yet_is_fetched(home: Household, show: WantedTitle) -> None:
    with home.database.writes() as session:
        item = builders.show(session, seasons={1: 6})
        media.monitoring.change_monitoring(session, SYSTEM, home.now, item.id, False)
    asked = home.ask(home.kim, show, seasons=[3])
    home.decide(requests.approve, asked.request_id)
    home.fulfil(asked.request_id)
    with home.database.reads() as session:
        monitored = {one.number: one.monitored for one in media.seasons_of(session, SYSTEM, item.id)}
    assert monitored[3] is True
    assert monitored[1] is False


def test_declining_needs_the_permission_and_shows_the_reason(home: Household, film: WantedTitle) -> None:
    asked = home.ask(home.kim, film)
    with pytest.raises(Forbidden):
        home.decide(requests.decline, asked.request_id, by=home.kim)
    home.decide(requests.decline, asked.request_id, reason="We have it\non disc")
    seen = home.see(asked.request_id, home.kim)
    assert seen.decided_by is not None
    assert (seen.row.state, seen.row.reason, seen.decided_by.name) == ("declined", "We have it on disc", "robin")
    assert home.ask(home.kim, film).outcome == Outcome.PENDING


def test_a_declined_request_can_be_approved_after_all(home: Household, film: WantedTitle) -> None:
    asked = home.ask(home.kim, film)
    home.decide(requests.decline, asked.request_id, reason="No")
    home.decide(requests.approve, asked.request_id)
    row = home.see(asked.request_id).row
    assert (row.state, row.reason) == ("approved", None)


def test_many_are_decided_at_once_and_only_those_that_wait(
    home: Household, film: WantedTitle, show: WantedTitle
) -> None:
    ids = [home.ask(home.kim, film).request_id, home.ask(home.kim, show, seasons=[1]).request_id]
    home.decide(requests.decline, ids[0])
    assert home.decide(requests.deciding.approve_many, ids) == 1
    assert [home.state(one) for one in ids] == ["declined", "approved"]


def test_a_request_whose_source_does_not_answer_fails_and_heals(home: Household, film: WantedTitle) -> None:
    asked = home.ask(home.kim, film)
    home.decide(requests.approve, asked.request_id)
    home.provider.trouble = Unreachable("TMDB", "no answer")
    home.fulfil(asked.request_id)

    row = home.see(asked.request_id).row
    assert row.because is not None
    assert (row.state, row.because["code"]) == ("failed", "request.failed.metadata")
    home.provider.trouble = None
    with home.database.reads() as session:
        assert requests.fulfilling.due_requests(session) == [asked.request_id]
    home.fulfil(asked.request_id)
    assert home.state(asked.request_id) == "approved"


def test_a_title_that_is_gone_from_the_catalogue_fails_until_it_is_retried(home: Household, film: WantedTitle) -> None:
    asked = home.ask(home.kim, film)
    home.decide(requests.approve, asked.request_id)
    known, home.provider.known = home.provider.known, []
    home.fulfil(asked.request_id)
    assert home.state(asked.request_id) == "failed"
    assert home.fulfil(asked.request_id) == "nothing to do"
    home.provider.known = known
    home.decide(requests.retry, asked.request_id)
    assert home.fulfil(asked.request_id) == "added"


def test_a_person_withdraws_what_is_undecided_and_a_follower_takes_over(home: Household, film: WantedTitle) -> None:
    asked = home.ask(home.kim, film)
    home.ask(home.noa, film)
    home.decide(requests.withdraw, asked.request_id, by=home.kim)
    assert home.see(asked.request_id).asker.name == "noa"
    with pytest.raises(NotFound):
        home.see(asked.request_id, home.kim)
    home.decide(requests.withdraw, asked.request_id, by=home.noa)
    with pytest.raises(NotFound):
        home.see(asked.request_id)


def test_a_decided_request_is_not_withdrawn_by_the_person_who_asked(home: Household, film: WantedTitle) -> None:
    asked = home.ask(home.kim, film)
    with pytest.raises(Forbidden):
        home.decide(requests.withdraw, asked.request_id, by=home.noa)
    home.decide(requests.approve, asked.request_id)
    with pytest.raises(Conflict, match="decided"):
        home.decide(requests.withdraw, asked.request_id, by=home.kim)
    home.decide(requests.withdraw, asked.request_id)


def test_seasons_that_were_not_requested_cannot_be_approved(home: Household, show: WantedTitle) -> None:
    asked = home.ask(home.kim, show, seasons=[1])
    with pytest.raises(Invalid, match="Season 2 was not requested"):
        home.decide(requests.approve, asked.request_id, Choices(seasons=frozenset({2})))
    with pytest.raises(Invalid, match="at least one season"):
        home.decide(requests.approve, asked.request_id, Choices(seasons=frozenset()))


def test_a_request_follows_each_season_until_all_are_available(home: Household, show: WantedTitle) -> None:
    asked = home.ask(home.robin, show, for_user_id=home.kim.id, seasons=[1, 2])
    home.fulfil(asked.request_id)
    item_id = str(home.see(asked.request_id).row.media_item_id)

    def hold(*seasons: int) -> None:
        with home.database.writes() as session:
            held = [
                one for n in seasons for one in media.episodes.episode_ids_of(session, SYSTEM, item_id, season_number=n)
            ]
            holding = builders.holdings(session, item_id, len(held), 10, held)
            media.holdings.record_holdings(session, home.now, {item_id: holding})

    home.follow(**{item_id: {1}})
    assert (home.state(asked.request_id), home.seasons(asked.request_id)) == (
        "downloading",
        {1: "downloading", 2: "approved"},
    )
    hold(1)
    home.follow()
    assert (home.state(asked.request_id), home.seasons(asked.request_id)) == (
        "partial",
        {1: "available", 2: "approved"},
    )
    hold(1, 2)
    assert home.follow() == 1
    assert home.state(asked.request_id) == "available"
    assert home.follow() == 0
    with home.database.reads() as session:
        changes = [one.payload["new"] for one in events.since(session, 0) if one.type == "RequestChanged"]
    assert changes == ["approved", "downloading", "partial", "available"][-len(changes) :]


def test_a_waiting_request_becomes_available_when_someone_adds_the_title(home: Household, film: WantedTitle) -> None:
    asked = home.ask(home.kim, film)
    with home.database.writes() as session:
        item = builders.film(session)
    home.follow()
    assert home.state(asked.request_id) == "pending"
    with home.database.writes() as session:
        media.holdings.record_holdings(session, home.now, {item.id: builders.holdings(session, item.id, 1, 10)})
    home.follow()
    row = home.see(asked.request_id).row
    assert row.because is not None
    assert (row.state, row.because["code"]) == ("available", "request.auto.here")


def test_a_request_fails_when_its_title_is_removed(home: Household, film: WantedTitle) -> None:
    asked = home.ask(home.robin, film)
    home.fulfil(asked.request_id)
    with home.database.writes() as session:
        media.remove_row(session, SYSTEM, home.now, str(home.see(asked.request_id).row.media_item_id), files_deleted=0)
    home.follow()
    row = home.see(asked.request_id).row
    assert row.because is not None
    assert (row.state, row.because["code"]) == ("failed", "request.failed.removed")
    assert home.follow() == 0


def test_following_many_requests_takes_as_many_reads_as_following_two(home: Household) -> None:
    def reads(count: int) -> int:
        for number in range(count):
            wanted = requests.catalogue.title_of(
                builders.show_details(f"Show {count} {number}", tmdb_id=1000 * count + number)
            )
            home.provider.known.append(builders.show_details(f"Show {count} {number}", tmdb_id=1000 * count + number))
            asked = home.ask(home.robin, wanted, at=home.now + timedelta(seconds=number))
            home.fulfil(asked.request_id)
        home.follow()
        seen: list[str] = []

        def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
            if statement.startswith("SELECT"):
                seen.append(statement)

        event.listen(home.database.engine, "before_cursor_execute", note)
        home.follow()
        event.remove(home.database.engine, "before_cursor_execute", note)
        return len(seen)

    assert reads(2) == reads(20)
