"""Titles that cannot be requested."""

from __future__ import annotations

from copy import replace
from typing import Any

import pytest

from mydia import events
from mydia.contexts import requests, users
from mydia.contexts.metadata import Candidate, Ids
from mydia.contexts.requests import NotRequestable, OfferState, RequestState
from mydia.contexts.requests.catalogue import title_of
from mydia.contexts.users import SYSTEM, Caller, NewUser, Role
from mydia.errors import Conflict, Forbidden, Invalid
from mydia.vocabulary import MediaType
from tests.contexts.requests.conftest import FILM, SHOW, Household

WANTED, SERIES = title_of(FILM), title_of(SHOW)


def block(home: Household, wanted: Any = WANTED, reason: str | None = "We have it on disc") -> str:
    with home.database.writes() as session:
        new = requests.blocking.of_title(wanted)
        return requests.blocking.block(session, home.robin, home.now, new, reason).id


def happened(home: Household) -> list[str]:
    with home.database.reads() as session:
        return [one.type for one in events.feed(session, limit=50)]


def test_a_blocked_title_cannot_be_requested_by_anybody_and_the_reason_is_shown(home: Household) -> None:
    block(home)
    for caller in (home.kim, home.robin):
        with pytest.raises(NotRequestable, match="cannot be requested: We have it on disc"):
            home.ask(caller, WANTED)
    offered = home.offer(home.kim, WANTED)
    assert offered.blocked is not None
    assert (offered.state, offered.blocked.reason) == (OfferState.BLOCKED, "We have it on disc")


def test_an_unblocked_title_can_be_requested_again(home: Household) -> None:
    blocked_id = block(home)
    with home.database.writes() as session:
        requests.blocking.unblock(session, home.robin, home.now, blocked_id)
    assert home.ask(home.kim, WANTED).outcome == "pending"
    assert {"TitleBlocked", "TitleUnblocked"} <= set(happened(home))


def test_blocking_declines_what_waits_and_leaves_what_is_approved(home: Household) -> None:
    waiting = home.ask(home.kim, SERIES, seasons={1}).request_id
    approved = home.ask(home.robin, SERIES, seasons={2}).request_id
    block(home, SERIES)
    declined = home.see(waiting).row
    assert (declined.state, declined.reason) == (RequestState.DECLINED, "We have it on disc")
    assert home.see(approved).row.state == RequestState.APPROVED
    offered = home.offer(home.robin, SERIES)
    assert [one.state for one in offered.seasons] == [OfferState.BLOCKED, OfferState.MINE, OfferState.BLOCKED]


def test_a_declined_request_for_a_blocked_title_cannot_be_approved(home: Household) -> None:
    request_id = home.ask(home.kim, WANTED).request_id
    block(home)
    with pytest.raises(Conflict, match="Unblock it first"), home.database.writes() as session:
        requests.approve(session, home.robin, home.now, request_id)


def test_declining_can_block_the_title_too(home: Household) -> None:
    request_id = home.ask(home.kim, WANTED).request_id
    with home.database.writes() as session:
        requests.blocking.decline(session, home.robin, home.now, request_id, reason="Too scary", block=True)
    with pytest.raises(NotRequestable, match="Too scary"):
        home.ask(home.noa, WANTED)
    with home.database.reads() as session:
        (entry,), _ = requests.blocking.list_blocked(session, home.robin)
    assert entry.by is not None
    assert (entry.row.title, entry.by.id) == (WANTED.title, home.robin.id)


def test_a_title_is_recognised_by_any_of_its_ids_and_blocked_once(home: Household) -> None:
    ids = Ids(tmdb_id=WANTED.ids.tmdb_id, imdb_id="tt0063350")
    block(home, replace(WANTED, ids=ids))
    with home.database.reads() as session:
        found = [
            Candidate(type=type, ids=ids, title="?", original_title=None, year=None, provider="tmdb")
            for type, ids in (
                (MediaType.MOVIE, Ids(imdb_id="tt0063350")),
                (MediaType.MOVIE, Ids(tmdb_id=424242)),
                (MediaType.TV_SHOW, WANTED.ids),
            )
        ]
        known = requests.listing.known_of(session, home.kim, found)
    assert [one.blocked is not None for one in known] == [True, False, False]
    with pytest.raises(Conflict, match="blocked already"):
        block(home)


def test_only_people_who_decide_requests_block_titles(home: Household) -> None:
    blocked_id = block(home)
    new = requests.blocking.of_title(SERIES)
    with pytest.raises(Forbidden), home.database.writes() as session:
        requests.blocking.block(session, home.kim, home.now, new)
    with pytest.raises(Forbidden), home.database.writes() as session:
        requests.blocking.unblock(session, home.kim, home.now, blocked_id)
    with pytest.raises(Forbidden), home.database.reads() as session:
        requests.blocking.list_blocked(session, home.kim)


def test_a_reason_that_is_too_long_is_refused(home: Household) -> None:
    with pytest.raises(Invalid):
        block(home, reason="x" * 501)


def test_the_list_is_paged(home: Household) -> None:
    block(home)
    block(home, SERIES)
    with home.database.reads() as session:
        first, following = requests.blocking.list_blocked(session, home.robin, limit=1)
        second, end = requests.blocking.list_blocked(session, home.robin, cursor=following, limit=1)
    assert {one.row.title for one in (*first, *second)} == {WANTED.title, SERIES.title}
    assert end is None


def test_a_title_stays_blocked_when_the_account_of_the_person_is_removed(home: Household) -> None:
    with home.database.writes() as session:
        user = users.add_user(session, SYSTEM, home.now, NewUser(username="second", role=Role.ADMIN))
        second: Caller = users.caller_of(user)
        requests.blocking.block(session, second, home.now, requests.blocking.of_title(WANTED))
    with home.database.writes() as session:
        users.remove_user(session, home.robin, home.now, user.id)
    with home.database.reads() as session:
        (entry,), _ = requests.blocking.list_blocked(session, home.robin)
    assert entry.by is None
