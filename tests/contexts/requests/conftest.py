"""A household that asks: Robin decides, Kim and Noa are guests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from mydia.contexts import requests, users
from mydia.contexts.requests import Asked, WantedTitle, Wish
from mydia.contexts.requests.catalogue import title_of
from mydia.contexts.users import SYSTEM, Caller, NewUser, Role
from mydia.db import Database
from tests import builders
from tests.fakes.outside import FakeMetadataProvider, fake_outside

FILM = builders.film_details(genres=("Horror",), original_language="en", keywords=("zombie",))
SHOW = builders.show_details(seasons={1: 6, 2: 4, 3: 2})


@dataclass
class Household:
    """The people, and what they can do."""

    database: Database
    outside: Any
    provider: FakeMetadataProvider
    robin: Caller
    kim: Caller
    noa: Caller
    now: datetime

    def ask(self, caller: Caller, wanted: WantedTitle, *, at: datetime | None = None, **wish: Any) -> Asked:
        """Request a title."""
        if "seasons" in wish:
            wish["seasons"] = frozenset(wish["seasons"])
        with self.database.writes() as session:
            return requests.ask(session, caller, at or self.now, wanted, Wish(**wish))

    def offer(self, caller: Caller, wanted: WantedTitle) -> requests.Offer:
        """Return what can be requested."""
        with self.database.reads() as session:
            return requests.offer(session, caller, self.now, wanted)

    def fulfil(self, request_id: str) -> str:
        """Carry out a request, as the job does."""
        return requests.fulfilling.fulfil(self.database, self.outside, self.now, request_id)

    def follow(self, **coming: set[int]) -> int:
        """Bring requests up to date, as the job does."""
        return requests.following.follow(self.database, self.now, coming)

    def see(self, request_id: str, caller: Caller | None = None) -> requests.RequestLine:
        """Return a request as someone sees it."""
        with self.database.reads() as session:
            return requests.get_request(session, caller or self.robin, request_id)

    def state(self, request_id: str) -> str:
        """Return a request's state."""
        return self.see(request_id).row.state

    def seasons(self, request_id: str) -> dict[int, str]:
        """Return the state of each requested season."""
        return {one.number: str(one.state) for one in self.see(request_id).seasons}

    def decide(self, what: Callable[..., Any], *arguments: Any, by: Caller | None = None, **named: Any) -> Any:
        """Decide as Robin, or as someone else."""
        with self.database.writes() as session:
            return what(session, by or self.robin, self.now, *arguments, **named)


@pytest.fixture
def home(database: Database, now: datetime) -> Household:
    def person(name: str, role: Role) -> Caller:
        with database.writes() as session:
            return users.caller_of(users.add_user(session, SYSTEM, now, NewUser(username=name, role=role)))

    provider = FakeMetadataProvider([FILM, SHOW])
    return Household(
        database=database,
        outside=fake_outside(metadata=provider),
        provider=provider,
        robin=person("robin", Role.ADMIN),
        kim=person("kim", Role.GUEST),
        noa=person("noa", Role.GUEST),
        now=now,
    )


@pytest.fixture
def film() -> WantedTitle:
    return title_of(FILM)


@pytest.fixture
def show() -> WantedTitle:
    return title_of(SHOW)
