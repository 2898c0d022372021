"""The download jobs, run in this thread with fakes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from mydia import events
from mydia.contexts import downloads
from mydia.contexts.users import SYSTEM, Caller
from mydia.jobs import downloads as jobs
from mydia.jobs import triggers
from mydia.jobs.broker import Deps
from tests.contexts.downloads.conftest import House, config, house

__all__ = ["config", "house"]

GOOD = "Metropolis.1927.1080p.BluRay.x264-GRP"


@pytest.fixture
def asked() -> list[tuple[str, dict[str, Any], float]]:
    return []


@pytest.fixture
def deps(house: House, asked: list[tuple[str, dict[str, Any], float]]) -> Deps:
    def enqueue(
        job: str,
        params: Mapping[str, object] | None = None,
        *,
        dedup: str | None = None,
        delay_s: float = 0.0,
        cause: str | None = None,
    ) -> str:
        asked.append((job, dict(params or {}), delay_s))
        return "run"

    nobody: Any = None
    return Deps(database=house.database, outside=house.outside, config=house.config, enqueue=enqueue, board=nobody)


def test_search_grab_follow_import(house: House, deps: Deps, asked: list[tuple[str, dict[str, Any], float]]) -> None:
    house.offer(GOOD)
    assert jobs.search_item(deps, media_item_id=house.film_id) == "1 grabbed"
    assert asked[-1][0] == "downloads.monitor"
    assert asked[-1][2] == 3, "in the seconds that the setting says"
    (row,) = house.downloads()
    asked.clear()
    assert jobs.monitor_downloads(deps).startswith("1 active")
    assert asked == [("downloads.monitor", {}, 3)], "while something is downloading it looks again"
    house.finish(row.id)
    assert jobs.import_download(deps, download_id=row.id) == "1 file imported"
    asked.clear()
    jobs.monitor_downloads(deps)
    assert asked == [], "at rest it looks only by its schedule"


def test_wanted_titles_are_searched_once_and_then_back_off(house: House, deps: Deps) -> None:
    assert jobs.search_wanted(deps) == "2 searched, 0 grabbed"
    assert jobs.search_wanted(deps) == "0 searched, 0 grabbed"
    assert len(house.indexer.queries) == 2


def test_the_worker_starts_with_recovery(
    house: House, deps: Deps, asked: list[tuple[str, dict[str, Any], float]]
) -> None:
    assert jobs.recover(deps) == "recovered 0 grabs, 0 searches and 0 imports"
    assert [name for name, _, _ in asked] == ["downloads.sweep", "downloads.monitor"]


def test_the_history_names_who_asked_for_a_search(
    house: House, deps: Deps, admin: Caller, asked: list[tuple[str, dict[str, Any], float]]
) -> None:
    """For the automatic search of a title and the manual one."""
    house.offer(GOOD)
    with house.database.writes() as session:
        downloads.request_search(session, admin, house.film_id)
    with house.database.writes() as session:
        downloads.open_search(session, admin, house.now, downloads.SearchTarget(house.series_id))
    events.Dispatcher(house.database, deps.enqueue, triggers.ON_EVENT).dispatch()
    for name, params, _ in list(asked):
        if name in ("downloads.search_item", "downloads.run_search"):
            triggers.JOBS[name](deps, **params)
    with house.database.reads() as session:
        told = session.execute(
            select(events.EventRow.type, events.EventRow.actor_name, events.EventRow.actor_kind).where(
                events.EventRow.type.in_(("SearchFinished", "ReleaseGrabbed"))
            )
        ).all()
    assert sorted(map(tuple, told)) == [
        ("ReleaseGrabbed", admin.name, "user"),
        ("SearchFinished", admin.name, "user"),
        ("SearchFinished", admin.name, "user"),
    ]
    assert house.downloads()[0].requested_by == admin.id


def test_a_search_for_somebody_whose_account_is_gone_still_runs(house: House, deps: Deps) -> None:
    house.offer(GOOD)
    actor = {"kind": "user", "id": "gone", "name": "Kim"}
    assert jobs.search_item(deps, media_item_id=house.film_id, actor=actor) == "1 grabbed"
    assert house.downloads()[0].requested_by is None


def test_a_removed_title_ends_its_jobs_quietly(deps: Deps) -> None:
    assert jobs.search_item(deps, media_item_id="gone") == "the title was removed"
    assert jobs.import_download(deps, download_id="gone") == "the title was removed"
    assert jobs.run_search(deps, search_id="gone") == "the title was removed"


def test_an_opened_search_is_run_by_its_event(house: House, deps: Deps) -> None:
    house.offer(GOOD)
    with house.database.writes() as session:
        search_id = downloads.open_search(session, SYSTEM, house.now, downloads.SearchTarget(house.film_id))
    (payload,) = house.events("ReleasesRequested")
    (trigger,) = triggers.ON_EVENT[events.ReleasesRequested]
    jobs.run_search(deps, **dict(trigger.params(events.ReleasesRequested(**payload))))
    assert [row.verdict for row in house.releases(search_id)] == ["approved"]


def test_a_failed_download_starts_a_search_only_when_it_was_blocked() -> None:
    (trigger,) = [one for one in triggers.ON_EVENT[events.DownloadFailed] if one.job == "downloads.search_item"]
    assert trigger.when is not None
    assert trigger.when(events.DownloadFailed("d", "m", "x", True))
    assert not trigger.when(events.DownloadFailed("d", "m", "x", False))
