"""A catalogue that answers with wrong data: nothing in the library is lost, and it recovers as soon as the catalogue does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.errors import AdapterError
from mydia.adapters.http import Http
from mydia.contexts import media, metadata
from mydia.contexts.media.models import Episode, MediaItem, Season, Title
from mydia.contexts.metadata import Ids
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import Database
from mydia.relay import RelayConfig, make_provider
from mydia.secret import Secret
from tests.fakes.outside import fake_outside
from tests.fakes.stand_in import Answer, Asked
from tests.fakes.tmdb import KEY, Tmdb

type Lie = Callable[[Asked, Answer], Answer]
_FILM, _SHOW = 45745, 210101
_PAGE = b"<!doctype html><title>Welcome</title>"


def _changed(change: Callable[[dict[str, Any]], dict[str, Any]], path: str) -> Lie:
    def lie(asked: Asked, answer: Answer) -> Answer:
        if not re.fullmatch(path, asked.path):
            return answer
        return replace(answer, body=json.dumps(change(json.loads(answer.body))).encode())

    return lie


def _title(**facts: object) -> Lie:
    return _changed(lambda told: told | facts, r"/3/(movie|tv)/\d+")


def _season(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Lie:
    return _changed(lambda told: told | {"episodes": change(told["episodes"])}, r"/3/tv/\d+/season/[1-9]\d*")


def _names(name: str) -> Lie:
    return _title(title=name, name=name, original_title=name, original_name=name)


_WRONG: dict[str, Lie] = {
    "another title": _changed(lambda told: told | {"id": told["id"] + 1, "title": "X", "name": "X"}, r"/3/\w+/\d+"),
    "no name": _names(""),
    "an invisible name": _names("\u200b"),
    "an endless name": _names("x" * 90_000),
    "only id and name": _changed(
        lambda told: {key: told[key] for key in ("id", "title", "name") if key in told}, r"/3/(movie|tv)/\d+"
    ),
    "a list": lambda asked, answer: Answer.of([]),
    "nothing": lambda asked, answer: Answer(200, b""),
    "half of it": lambda asked, answer: replace(answer, body=answer.body[: len(answer.body) // 2]),
    "a page": lambda asked, answer: Answer(200, _PAGE, content_type="text/html"),
    "a page that was not found": lambda asked, answer: Answer(404, _PAGE, content_type="text/html"),
    "a page without permission": lambda asked, answer: Answer(403, _PAGE, content_type="text/html"),
    "a magnet link": lambda asked, answer: Answer(302, b"", {"Location": "magnet:?xt=urn:btih:" + "a" * 40}),
    "another machine": lambda asked, answer: Answer(302, b"", {"Location": "http://169.254.169.254/latest"}),
    "itself": lambda asked, answer: Answer(302, b"", {"Location": asked.target}),
}
"""What it answers instead; the refresh fails."""

_ODD: dict[str, Lie] = {
    "no facts": _title(
        overview="", genres=[], runtime=None, episode_run_time=[], original_title="", original_name="", status=""
    ),
    "no seasons": _title(seasons=[]),
    "seasons with impossible numbers": _changed(
        lambda told: (
            told | {"seasons": [*told.get("seasons", []), {"season_number": -4}, {"season_number": 2**31 - 1}]}
        ),
        r"/3/tv/\d+",
    ),
    "no episodes": _season(lambda told: []),
    "one episode of each season": _season(lambda told: told[:1]),
    "impossible numbers of episodes": _season(
        lambda told: [*told, *(one | {"episode_number": -1 - n} for n, one in enumerate(told))]
    ),
}
"""What it answers besides; the refresh takes what can be used."""


@pytest.fixture
def world(stocked: Database, admin: Caller, now: datetime) -> Iterator[SimpleNamespace]:
    """A film and a show with details, and a catalogue that can be made to lie."""
    with Tmdb(today=now.date()) as tmdb:
        config = RelayConfig(
            tmdb_api_key=Secret(KEY), tmdb_url=tmdb.api_url, tmdb_image_url=tmdb.image_url, max_wait_s=0.1, timeout_s=2
        )
        provider, relay = make_provider(config, Http())
        assert relay is not None
        outside = fake_outside(metadata=provider)
        ids = []
        for type_, title, number in (("movie", "Sintel", _FILM), ("tv_show", "The Cartographers", _SHOW)):
            with stocked.writes() as session:
                new = media.NewItem(type=type_, title=title, year=None, ids=Ids(tmdb_id=number), library_path_id=None)
                ids.append(media.add_item(session, admin, now, new, search_now=False).id)
            media.refresh.refresh_item(stocked, outside, admin, now, ids[-1])
        with stocked.writes() as session:
            chosen = session.scalars(select(Episode).where(Episode.media_item_id == ids[1], Episode.season_number == 1))
            for episode in chosen:
                episode.monitored = episode.episode_number == 4
        yield SimpleNamespace(tmdb=tmdb, outside=outside, ids=ids, relay=relay)
        relay.close()


def _kept(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """What a person would miss: facts, names, seasons, episodes and what was chosen about them."""
    facts = (
        MediaItem.title, MediaItem.original_title, MediaItem.year, MediaItem.overview, MediaItem.runtime_min,
        MediaItem.status, MediaItem.tmdb_id, MediaItem.monitored, MediaItem.genres,
    )  # fmt: skip
    with database.reads() as session:
        return {
            "titles": [tuple(row) for row in session.execute(select(*facts).order_by(MediaItem.id))],
            "names": _rows(session, Title.media_item_id, Title.title),
            "seasons": _rows(session, Season.media_item_id, Season.number, Season.monitored),
            "episodes": _rows(
                session, Episode.id, Episode.season_number, Episode.episode_number, Episode.title, Episode.monitored
            ),
        }


def _rows(session: Session, *columns: Any) -> list[tuple[object, ...]]:
    return sorted(tuple(row) for row in session.execute(select(*columns)))


def _recover(world: SimpleNamespace) -> None:
    world.tmdb.spoil = None
    for upstream in world.relay.upstreams.values():
        upstream.care._broken_until_s = 0.0


@pytest.mark.parametrize("lie", _WRONG)
def test_wrong_answers_change_nothing_and_the_source_counts_as_failing(
    stocked: Database, world: SimpleNamespace, admin: Caller, lie: str
) -> None:
    before = _kept(stocked)
    world.tmdb.spoil = _WRONG[lie]
    for item_id in world.ids:
        with pytest.raises(AdapterError):
            media.refresh.refresh_item(stocked, world.outside, admin, clock.now(), item_id, force=True)
    assert _kept(stocked) == before
    with stocked.reads() as session:
        state = metadata.source_state(session, world.outside, SYSTEM)
        trouble = media.refresh.refresh_trouble(session, SYSTEM)
    assert state is not None
    assert (state.answers, bool(state.error)) == (False, True)
    assert trouble is not None
    assert trouble.titles == 2
    _recover(world)
    for item_id in world.ids:
        media.refresh.refresh_item(stocked, world.outside, admin, clock.now(), item_id, force=True)
    assert _kept(stocked) == before
    with stocked.reads() as session:
        assert media.refresh.refresh_trouble(session, SYSTEM) is None
        state = metadata.source_state(session, world.outside, SYSTEM)
    assert state is not None
    assert state.answers is True


@pytest.mark.parametrize("lie", _ODD)
def test_gaps_in_answers_lose_no_facts_episodes_and_choices(
    stocked: Database, world: SimpleNamespace, admin: Caller, lie: str
) -> None:
    before = _kept(stocked)
    world.tmdb.spoil = _ODD[lie]
    for item_id in world.ids:
        media.refresh.refresh_item(stocked, world.outside, admin, clock.now(), item_id, force=True)
    assert _kept(stocked) == before


def test_a_season_that_really_became_shorter_loses_its_episodes(
    stocked: Database, world: SimpleNamespace, admin: Caller
) -> None:
    def shorter(asked: Asked, answer: Answer) -> Answer:
        told = json.loads(answer.body)
        if re.fullmatch(r"/3/tv/\d+/season/2", asked.path):
            told["episodes"] = told["episodes"][:1]
        for season in told.get("seasons", []):
            season["episode_count"] = 1 if season["season_number"] == 2 else season["episode_count"]
        return replace(answer, body=json.dumps(told).encode())

    world.tmdb.spoil = shorter
    media.refresh.refresh_item(stocked, world.outside, admin, clock.now(), world.ids[1], force=True)
    with stocked.reads() as session:
        seasons = [len(media.episodes.episodes_of(session, SYSTEM, world.ids[1], season_number=n)) for n in (1, 2)]
    assert seasons == [8, 1]


@pytest.mark.parametrize("day", ["0000-00-00", "0001-01-01", "9999-12-31"])
def test_dates_that_mean_unknown_are_no_dates(
    stocked: Database, world: SimpleNamespace, admin: Caller, day: str
) -> None:
    world.tmdb.spoil = lambda asked, answer: replace(
        answer, body=re.sub(rb'"\d{4}-\d\d-\d\d', b'"' + day.encode(), answer.body)
    )
    for item_id in world.ids:
        media.refresh.refresh_item(stocked, world.outside, admin, clock.now(), item_id, force=True)
    with stocked.reads() as session:
        film = media.get_item(session, SYSTEM, world.ids[0])
        aired = set(session.scalars(select(Episode.air_on).where(Episode.media_item_id == world.ids[1])))
    assert (film.year, film.cinema_on, film.digital_on) == (2010, None, None)
    assert aired == {None}


def test_an_old_answer_of_the_cache_does_not_make_a_dead_source_look_alive(
    stocked: Database, world: SimpleNamespace, admin: Caller
) -> None:
    metadata.check_source(stocked, world.outside, SYSTEM, clock.now())
    world.tmdb.fail("error")
    checked = metadata.check_source(stocked, world.outside, SYSTEM, clock.now())
    assert checked is not None
    assert checked.answers is False
    assert checked.error is not None
    assert "500" in checked.error
    with pytest.raises(AdapterError):
        media.refresh.refresh_item(stocked, world.outside, admin, clock.now(), world.ids[0], force=True)
    # What is cached is still used for everything else.
    assert metadata.details(world.outside, admin, "movie", Ids(tmdb_id=_FILM)).title == "Sintel"


def test_a_catalogue_without_an_address_of_its_own_is_reported_and_not_remembered(
    stocked: Database, world: SimpleNamespace, admin: Caller
) -> None:
    world.relay.forget()
    world.tmdb.fail("not_found")
    checked = metadata.check_source(stocked, world.outside, SYSTEM, clock.now())
    assert checked is not None
    assert checked.answers is False
    with pytest.raises(AdapterError):
        metadata.search(world.outside, admin, "movie", "Sintel")
    world.tmdb.heal()
    _recover(world)
    assert [one.title for one in metadata.search(world.outside, admin, "movie", "Sintel")][:1] == ["Sintel"]
