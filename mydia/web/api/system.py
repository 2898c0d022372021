"""`/api/v1/system`, `/api/v1/tasks`, `/api/v1/history`, `/api/v1/calendar` and `/api/v1/wanted`."""

from __future__ import annotations

import platform
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from litestar import get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from mydia import __version__, clock, events
from mydia.contexts import library, media, metadata, settings, users
from mydia.contexts.users import SYSTEM
from mydia.db import sqlite_version
from mydia.errors import NotFound
from mydia.events import EVENTS
from mydia.taskboard import Run, RunState
from mydia.vocabulary import MediaType
from mydia.web.api.schemas import Accepted, Cursor, Id, Limit, Page, Struct
from mydia.web.deps import CallerDep, DatabaseDep, DepsDep, TaskBoardDep, WebRequest
from mydia.web.health import CHECKS, examine

_LONGEST_CALENDAR = timedelta(days=370)

if TYPE_CHECKING:
    EventType = str
else:
    EventType = Literal[tuple(EVENTS)]


class CheckShape(Struct):
    """The result of a health check."""

    name: str
    state: str
    """ok | unknown | warning | failed"""
    sentence: str


class QueueShape(Struct):
    """The number of jobs in one queue."""

    queue: str
    queued: int
    delayed: int
    running: int
    failed: int


class Counted(Struct):
    """The number of titles of one type."""

    total: int
    size_bytes: int
    by_state: dict[str, int]


class Status(Struct):
    """The state of Mydia."""

    version: str
    python: str
    database: str
    checks: list[CheckShape]
    workers: int
    paused: bool
    queues: list[QueueShape]
    movies: Counted
    shows: Counted
    inbox_waiting: int


class RunShape(Struct):
    """A run of a job."""

    id: str
    job: str
    title: str
    queue: str
    cause: str | None
    state: str
    queued_at: datetime
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempt: int
    percent: int | None
    note: str | None
    result: str | None
    error: str | None


class TaskShape(Struct):
    """A scheduled job."""

    name: str
    job: str
    title: str
    cron: str | None
    """A cron expression in local time; null if the schedule is disabled."""
    next_at: datetime | None
    last: RunShape | None


class Tasks(Struct):
    """Running, queued and scheduled jobs."""

    scheduled: list[TaskShape]
    running: list[RunShape]
    waiting: list[RunShape]


class Happening(Struct):
    """An event in the history."""

    id: int
    at: datetime
    type: str
    actor: str | None
    actor_kind: str
    resource: str
    resource_id: str | None
    severity: str
    details: dict[str, Any]


def happening(event: events.Happened) -> Happening:
    """Return an event."""
    return Happening(
        id=event.id,
        at=event.at,
        type=event.type,
        actor=event.actor_name,
        actor_kind=event.actor_kind,
        resource=event.resource_kind,
        resource_id=event.resource_id,
        severity=event.severity,
        details=event.payload,
    )


class CalendarShape(Struct):
    """A release date in the calendar."""

    on: date
    kind: str
    """episode | cinema | digital | physical"""
    media_id: str
    type: MediaType
    title: str
    held: bool
    monitored: bool
    episode_id: str | None
    season: int | None
    episode: int | None
    episode_title: str | None
    finale: str | None


class WantedShape(Struct):
    """A wanted movie or episode."""

    media_id: str
    version_id: str
    version: str
    """The version's name."""
    type: MediaType
    title: str
    year: int | None
    out_on: date | None
    episode_id: str | None
    season: int | None
    episode: int | None
    episode_title: str | None


def _run(run: Run) -> RunShape:
    return RunShape(
        id=run.id,
        job=run.job,
        title=run.title,
        queue=run.queue,
        cause=run.cause,
        state=str(run.state),
        queued_at=run.queued_at,
        due_at=run.due_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        attempt=run.attempt,
        percent=run.percent(),
        note=run.note,
        result=run.result,
        error=run.error,
    )


@get("/system/status", sync_to_thread=True, summary="Get the system status")
def status(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Status:
    """Return the version, the health checks of `/ready`, the job queues and the library size."""
    board = deps.taskboard
    depths = board.queue_depth(caller)
    with deps.database.reads() as session:
        counted = media.lists.counts(session, caller)
        # As the system: `manage_settings` is enough to see the status, and the inbox needs `manage_media`.
        waiting = library.inbox.inbox_counts(session, SYSTEM).waiting
    dialect = deps.database.engine.dialect.name
    return Status(
        version=__version__,
        python=platform.python_version(),
        database=f"sqlite {'.'.join(map(str, sqlite_version()))}" if dialect == "sqlite" else dialect,
        checks=[
            CheckShape(name=check.name, state=check.state, sentence=check.sentence)
            for check in examine(deps, (*CHECKS, *request.app.state.checks))
        ],
        workers=len(board.workers()),
        paused=board.paused(),
        queues=[
            QueueShape(queue=q.queue, queued=q.queued, delayed=q.delayed, running=q.running, failed=q.failed)
            for q in depths
        ],
        movies=_counted(counted[MediaType.MOVIE]),
        shows=_counted(counted[MediaType.TV_SHOW]),
        inbox_waiting=waiting,
    )


def _counted(counts: media.lists.Counts) -> Counted:
    return Counted(total=counts.total, size_bytes=counts.size_bytes, by_state=dict(counts.by_state))


@post("/metadata/retry", sync_to_thread=True, status_code=202, summary="Retry the metadata source")
def retry_source(database: DatabaseDep, caller: CallerDep) -> Accepted:
    """Query the metadata source again. If it answers, waiting files are matched."""
    with database.writes() as session:
        metadata.request_retry(session, caller)
    return Accepted(detail="A job queries the source; see /api/v1/system/status for the result.")


@get("/tasks", sync_to_thread=True, summary="List tasks")
def list_tasks(taskboard: TaskBoardDep, caller: CallerDep) -> Tasks:
    """Return scheduled, running and queued jobs."""
    return Tasks(
        scheduled=[
            TaskShape(
                name=one.name,
                job=one.job,
                title=one.title,
                cron=one.cron,
                next_at=one.next_at,
                last=_run(one.last) if one.last else None,
            )
            for one in taskboard.scheduled(caller)
        ],
        running=[_run(run) for run in taskboard.running(caller)],
        waiting=[_run(run) for run in taskboard.waiting(caller)],
    )


@post("/tasks/{name:str}/run", sync_to_thread=True, status_code=202, summary="Run a task now")
def run_task(taskboard: TaskBoardDep, caller: CallerDep, name: FromPath[str]) -> Accepted:
    """Run a scheduled task now."""
    found = next((one for one in taskboard.scheduled(caller) if name in (one.name, one.job)), None)
    if found is None:
        raise NotFound(f"There is no task named {name}.")
    taskboard.run_now(caller, found.job, found.params)
    return Accepted(detail="The task is queued and runs as soon as a worker is free.")


class Pause(Struct):
    """Whether the workers are paused."""

    paused: bool


@put("/tasks/paused", sync_to_thread=True, summary="Pause or resume the workers")
def pause_workers(database: DatabaseDep, taskboard: TaskBoardDep, caller: CallerDep, data: JSONBody[Pause]) -> Pause:
    """Pause or resume the workers. While they are paused, running tasks finish and no new ones start."""
    taskboard.set_paused(caller, data.paused)
    with database.writes() as session:
        settings.services.record_paused(session, caller, clock.now(), paused=data.paused)
    return data


@get("/tasks/runs", sync_to_thread=True, summary="List finished runs")
def list_runs(
    taskboard: TaskBoardDep,
    caller: CallerDep,
    wanted_state: Annotated[Literal["done", "failed", "cancelled", "dead"] | None, QueryParameter(name="state")] = None,
    job: Id = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[RunShape]:
    """Return a page of finished runs, newest first."""
    states = (
        (RunState(wanted_state),)
        if wanted_state
        else (RunState.DONE, RunState.FAILED, RunState.CANCELLED, RunState.DEAD)
    )
    runs = taskboard.recent(caller, limit, cursor, states=states, job=job)
    return Page(items=[_run(run) for run in runs], next_cursor=runs[-1].id if len(runs) == limit else None)


@get("/tasks/runs/{run_id:str}", sync_to_thread=True, summary="Get a run")
def get_run(taskboard: TaskBoardDep, caller: CallerDep, run_id: FromPath[str]) -> RunShape:
    """Return a run of a job."""
    return _run(taskboard.get(caller, run_id))


@post("/tasks/runs/{run_id:str}/cancel", sync_to_thread=True, status_code=202, summary="Cancel a run")
def cancel_run(taskboard: TaskBoardDep, caller: CallerDep, run_id: FromPath[str]) -> Accepted:
    """Cancel a run: immediately if it is queued, at its next step if it is running. 409 if it has finished."""
    return Accepted(status=str(taskboard.cancel(caller, run_id)), id=run_id)


@post("/tasks/runs/{run_id:str}/retry", sync_to_thread=True, status_code=202, summary="Retry a run")
def retry_run(taskboard: TaskBoardDep, caller: CallerDep, run_id: FromPath[str]) -> Accepted:
    """Start a failed or cancelled run again. 409 if it has not finished."""
    taskboard.retry_dead(caller, run_id)
    return Accepted(id=run_id)


@get("/history", sync_to_thread=True, summary="List the history")
def list_history(
    database: DatabaseDep,
    caller: CallerDep,
    type: Annotated[list[EventType] | None, QueryParameter(max_items=50)] = None,
    media_id: Id = None,
    severity: FromQuery[Literal["info", "warning", "error"] | None] = None,
    cursor: Annotated[int | None, QueryParameter(ge=1, le=2**53)] = None,
    limit: Limit = 50,
) -> Page[Happening]:
    """Return a page of events, newest first. Only administrators see sign-ins and changes to settings."""
    with database.reads() as session:
        told = users.history.feed(
            session,
            caller,
            before_id=cursor,
            types=type or (),
            resource=("media_item", media_id) if media_id else None,
            severity=severity,
            limit=limit,
        )
    return Page(
        items=[happening(event) for event in told], next_cursor=str(told[-1].id) if len(told) == limit else None
    )


@get("/calendar", sync_to_thread=True, summary="List the calendar")
def calendar(
    database: DatabaseDep,
    caller: CallerDep,
    start: FromQuery[date | None] = None,
    end: FromQuery[date | None] = None,
    type: FromQuery[MediaType | None] = None,
    monitored_only: FromQuery[bool] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[CalendarShape]:
    """Return a page of the releases between two dates, inclusive; by default the next four weeks.

    A longer range is cut to 370 days.
    """
    today = clock.now().date()
    first = start or today
    wanted = timedelta(days=27) if end is None else min(end - first, _LONGEST_CALENDAR)
    last = first + min(wanted, date.max - first)
    with database.reads() as session:
        found, following = media.calendar.page(
            session,
            caller,
            today,
            first,
            last,
            type=type,
            monitored_only=monitored_only,
            cursor=cursor,
            limit=limit,
        )
    return Page(
        items=[
            CalendarShape(
                on=entry.on,
                kind=entry.kind,
                media_id=entry.media_item_id,
                type=entry.type,
                title=entry.title,
                held=entry.state == "ok",
                monitored=entry.monitored,
                episode_id=entry.episode_id,
                season=entry.season_number,
                episode=entry.episode_number,
                episode_title=entry.episode_title,
                finale=entry.finale,
            )
            for entry in found
        ],
        next_cursor=following,
    )


@get("/wanted", sync_to_thread=True, summary="List wanted titles")
def list_wanted(
    database: DatabaseDep,
    caller: CallerDep,
    type: FromQuery[MediaType] = MediaType.MOVIE,
    upgrades: FromQuery[bool] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[WantedShape]:
    """Return a page of missing movies or episodes, or with `upgrades` of those that can be upgraded."""
    with database.reads() as session:
        if type == MediaType.MOVIE:
            found, following = media.wanted.wanted_movies(
                session, caller, upgrades=upgrades, cursor=cursor, limit=limit
            )
        else:
            found, following = media.wanted.wanted_episodes(
                session, caller, clock.now(), upgrades=upgrades, cursor=cursor, limit=limit
            )
    return Page(
        items=[
            WantedShape(
                media_id=one.media_item_id,
                version_id=one.version_id,
                version=one.version_name,
                type=one.type,
                title=one.title,
                year=one.year,
                out_on=one.out_on,
                episode_id=one.episode_id,
                season=one.season_number,
                episode=one.episode_number,
                episode_title=one.episode_title,
            )
            for one in found
        ],
        next_cursor=following,
    )


ROUTES: tuple[Any, ...] = (
    status,
    retry_source,
    list_tasks,
    run_task,
    pause_workers,
    list_runs,
    get_run,
    cancel_run,
    retry_run,
    list_history,
    calendar,
    list_wanted,
)
