"""Asking for titles: what can be requested, duplicates, quotas and automatic approval."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mydia.contexts import media, requests, settings, users
from mydia.contexts.requests import (
    Conditions,
    NewRule,
    NothingToRequest,
    OfferState,
    Outcome,
    QuotaExceeded,
    WantedTitle,
)
from mydia.contexts.requests.models import QuotaKind
from mydia.contexts.requests.quotas import Allowance
from mydia.contexts.users import SYSTEM, NewUser, Role
from mydia.errors import Forbidden, Invalid
from mydia.vocabulary import MediaType
from tests import builders
from tests.contexts.requests.conftest import Household


def test_a_guest_asks_for_a_film_and_it_waits(home: Household, film: WantedTitle) -> None:
    asked = home.ask(home.kim, film)

    seen = home.see(asked.request_id, home.kim)
    assert asked.outcome == Outcome.PENDING
    assert (seen.row.title, seen.row.state, seen.asker.name) == (film.title, "pending", "kim")
    assert home.offer(home.kim, film).state == OfferState.MINE
    assert home.offer(home.noa, film).state == OfferState.REQUESTED


def test_a_read_only_account_cannot_ask(home: Household, film: WantedTitle) -> None:
    with home.database.writes() as session:
        reader = users.caller_of(users.add_user(session, SYSTEM, home.now, NewUser(username="rea", role=Role.READONLY)))
    with pytest.raises(Forbidden):
        home.ask(reader, film)


def test_a_second_person_follows_the_same_request(home: Household, film: WantedTitle) -> None:
    first = home.ask(home.kim, film)
    second = home.ask(home.noa, film)

    assert (second.outcome, second.request_id) == (Outcome.JOINED, first.request_id)
    assert [one.name for one in home.see(first.request_id, home.noa).followers] == ["noa"]
    with pytest.raises(NothingToRequest, match="requested"):
        home.ask(home.noa, film)


def test_a_film_with_a_file_cannot_be_requested(home: Household, film: WantedTitle) -> None:
    with home.database.writes() as session:
        item = builders.film(session)
        media.holdings.record_holdings(session, home.now, {item.id: builders.holdings(session, item.id, 1, 10)})
    assert home.offer(home.kim, film).state == OfferState.AVAILABLE
    with pytest.raises(NothingToRequest, match="available already"):
        home.ask(home.kim, film)


def test_seasons_that_are_here_or_requested_are_left_out_and_named(home: Household, show: WantedTitle) -> None:
    with home.database.writes() as session:
        item = builders.show(session, seasons={1: 6, 2: 4, 3: 2})
        first = media.episodes.episode_ids_of(session, SYSTEM, item.id, season_number=1)
        media.holdings.record_holdings(session, home.now, {item.id: builders.holdings(session, item.id, 6, 60, first)})
        media.monitoring.change_monitoring(session, SYSTEM, home.now, item.id, False)
    theirs = home.ask(home.noa, show, seasons=[2])

    asked = home.ask(home.kim, show)

    assert home.seasons(asked.request_id) == {3: "pending"}
    assert [str(one) for one in asked.left_out] == [
        "Season 1 is available.",
        "Season 2 was requested already; you follow that request.",
    ]
    assert [one.name for one in home.see(theirs.request_id).followers] == ["kim"]
    with pytest.raises(NothingToRequest, match="Season 1 is available"):
        home.ask(home.kim, show, seasons=[1])


def test_specials_are_only_requested_where_they_are_allowed(home: Household) -> None:
    wanted = requests.catalogue.title_of(builders.show_details(seasons={0: 2, 1: 6}))
    with pytest.raises(Invalid, match="Specials"):
        home.ask(home.kim, wanted, seasons=[0])
    with home.database.writes() as session:
        settings.change_values(session, SYSTEM, home.now, {"requests.specials": "true"})
    assert home.seasons(home.ask(home.kim, wanted, seasons=[0]).request_id) == {0: "pending"}


def test_a_season_that_does_not_exist_is_refused(home: Household, show: WantedTitle) -> None:
    with pytest.raises(Invalid, match="no season 9"):
        home.ask(home.kim, show, seasons=[9])


def test_seasons_count_towards_the_quota_until_the_period_is_over(home: Household, show: WantedTitle) -> None:
    with home.database.writes() as session:
        settings.change_values(session, SYSTEM, home.now, {"requests.season_limit": "2", "requests.season_days": "7"})
    home.ask(home.kim, show, seasons=[1], at=home.now - timedelta(days=6))

    with pytest.raises(QuotaExceeded, match="1 of 2 seasons left"):
        home.ask(home.kim, show, seasons=[2, 3])
    assert home.ask(home.noa, show, seasons=[2, 3]).outcome == Outcome.PENDING
    with home.database.reads() as session:
        assert [one.left for one in requests.quotas.quotas(session, home.kim, home.now)] == [None, 1]
        later = home.now + timedelta(days=2)
        assert [one.left for one in requests.quotas.quotas(session, home.kim, later)] == [None, 2]


def test_declined_requests_do_not_count_and_managers_are_exempt(home: Household, film: WantedTitle) -> None:
    with home.database.writes() as session:
        settings.change_values(session, SYSTEM, home.now, {"requests.movie_limit": "1"})
    asked = home.ask(home.kim, film)
    other = requests.catalogue.title_of(builders.film_details("Metropolis", 1927, tmdb_id=19))
    with pytest.raises(QuotaExceeded):
        home.ask(home.kim, other)
    assert home.ask(home.robin, other, for_user_id=home.kim.id).outcome == Outcome.APPROVED
    home.decide(requests.decline, asked.request_id)
    third = requests.catalogue.title_of(builders.film_details("Nosferatu", 1922, tmdb_id=653))
    with pytest.raises(QuotaExceeded):
        home.ask(home.kim, third)


def test_a_person_can_have_an_own_quota_or_none(home: Household, film: WantedTitle) -> None:
    own = Allowance(type=MediaType.MOVIE, quota=QuotaKind.LIMITED, most=0)
    home.decide(requests.quotas.change_allowance, home.kim.id, own)
    with pytest.raises(QuotaExceeded, match="none left"):
        home.ask(home.kim, film)
    home.decide(
        requests.quotas.change_allowance, home.kim.id, Allowance(type=MediaType.MOVIE, quota=QuotaKind.UNLIMITED)
    )
    assert home.ask(home.kim, film).outcome == Outcome.PENDING


def test_asking_for_someone_else_needs_the_permission_to_decide(home: Household, film: WantedTitle) -> None:
    with pytest.raises(Forbidden):
        home.ask(home.kim, film, for_user_id=home.noa.id)
    asked = home.ask(home.robin, film, for_user_id=home.noa.id)
    seen = home.see(asked.request_id)
    assert (seen.asker.name, seen.row.state) == ("noa", "approved")


@pytest.mark.parametrize(
    ("values", "allowance", "rule", "code"),
    [
        ({}, None, None, "request.waits"),
        ({"requests.auto_approve_guests": "true"}, None, None, "request.auto.role"),
        ({}, True, None, "request.auto.person"),
        ({"requests.auto_approve_guests": "true"}, False, None, "request.waits.person"),
        ({}, False, True, "request.auto.rule"),
        ({}, True, False, "request.waits.rule"),
    ],
)
def test_the_most_specific_answer_decides_about_approval(
    home: Household, film: WantedTitle, values: dict[str, str], allowance: bool | None, rule: bool | None, code: str
) -> None:
    with home.database.writes() as session:
        settings.change_values(session, SYSTEM, home.now, values)
        person = Allowance(type=MediaType.MOVIE, auto_approve=allowance)
        requests.quotas.change_allowance(session, home.robin, home.now, str(home.kim.id), person)
        if rule is not None:
            new = NewRule(name="Horror", conditions=Conditions(genres=("horror",)), approves=rule)
            requests.rules.add_rule(session, home.robin, home.now, new)

    asked = home.ask(home.kim, film)

    row = home.see(asked.request_id).row
    assert row.because is not None
    assert row.because["code"] == code
    assert row.state == ("approved" if ".auto." in code else "pending")


def test_what_the_library_looks_for_needs_no_approval(home: Household, film: WantedTitle) -> None:
    with home.database.writes() as session:
        builders.film(session)
    asked = home.ask(home.kim, film)
    assert home.see(asked.request_id).row.because == {"code": "request.auto.wanted", "facts": {}}


def test_the_rule_with_the_most_conditions_wins_and_explains_itself(home: Household, film: WantedTitle) -> None:
    with home.database.writes() as session:
        builders.film(session, "Other", tmdb_id=1)
        small, large = (settings.profiles.find_profile(session, name) for name in ("HD-720p", "4K/UHD"))
        assert small is not None
        assert large is not None
        for name, conditions, profile in (
            ("Everything", Conditions(), large.id),
            ("Kim's horror", Conditions(user_ids=(str(home.kim.id),), genres=("Horror",)), small.id),
            ("Horror", Conditions(genres=("Horror",)), large.id),
            ("Japanese", Conditions(languages=("ja",), genres=("Horror",), keywords=("zombie",)), large.id),
        ):
            new = NewRule(name=name, conditions=conditions, profile_id=profile, tags=("scary",))
            requests.rules.add_rule(session, home.robin, home.now, new)

    row = home.see(home.ask(home.kim, film).request_id).row

    assert (row.choices["profile_id"], row.choices["tags"]) == (small.id, ["scary"])
    assert [one["facts"]["rule"] for one in row.explanation] == ["Kim's horror"]
    assert row.explanation[0]["facts"]["conditions"] == ["person", "genre"]


def test_a_persons_defaults_are_used_where_no_rule_says_otherwise(home: Household, film: WantedTitle) -> None:
    with home.database.writes() as session:
        settings.ensure_defaults(session, home.now)
        profile = settings.profiles.find_profile(session, "HD-720p")
        assert profile is not None
        defaults = settings.person_defaults.Defaults(None, profile.id)
        settings.person_defaults.change_defaults(session, home.robin, str(home.kim.id), MediaType.MOVIE, defaults)
    row = home.see(home.ask(home.kim, film).request_id).row
    assert row.choices["profile_id"] == profile.id
    assert [one["code"] for one in row.explanation] == ["request.defaults"]


def test_only_managers_choose_profile_and_tags(home: Household, film: WantedTitle) -> None:
    with pytest.raises(Forbidden, match="decide requests"):
        home.ask(home.kim, film, tags=("mine",))


def test_people_see_their_own_requests_and_managers_see_all(
    home: Household, film: WantedTitle, show: WantedTitle
) -> None:
    home.ask(home.kim, film)
    home.ask(home.noa, show, seasons=[1])
    with home.database.reads() as session:
        seen = {
            caller.name: sorted(one.row.title for one in requests.list_requests(session, caller)[0])
            for caller in (home.kim, home.noa, home.robin)
        }
        assert requests.listing.counts(session, home.robin)["pending"] == 2
        assert requests.listing.pending_count(session, home.robin) == 2
    assert seen == {
        "kim": [film.title],
        "noa": [show.title],
        "robin": sorted([film.title, show.title]),
    }


def test_the_list_is_paged_without_losing_or_repeating_a_request(home: Household) -> None:
    for number in range(7):
        wanted = requests.catalogue.title_of(builders.film_details(f"Film {number}", 1960, tmdb_id=100 + number))
        home.ask(home.kim, wanted, at=home.now + timedelta(minutes=number))
    seen: list[str] = []
    cursor = None
    with home.database.reads() as session:
        while True:
            lines, cursor = requests.list_requests(session, home.kim, cursor=cursor, limit=3)
            seen += [one.row.title for one in lines]
            if cursor is None:
                break
    assert seen == [f"Film {number}" for number in reversed(range(7))]
