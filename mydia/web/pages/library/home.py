"""Home: what needs a decision, then what is new, what comes next, what is downloading, and free space."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from litestar import Response, get, post
from sqlalchemy.orm import Session

from mydia import clock, units
from mydia.adapters.errors import AdapterError
from mydia.adapters.outside import Outside
from mydia.contexts import downloads, library, media, metadata, requests, settings
from mydia.contexts.users import Caller, Permission
from mydia.units import plural
from mydia.web.deps import CallerDep, DatabaseDep, DepsDep, OutsideDep, WebRequest
from mydia.web.pages.activity import history, queue, scans
from mydia.web.pages.library import calendar
from mydia.web.pages.requests.shown import Shown, shown
from mydia.web.pages.requests.shown import topics as request_topics
from mydia.web.render import Toast, is_htmx, looks_of, nothing, page, redirect
from mydia.web.views import Card
from mydia.web.views.cards import card

_NEW = 7
_ASKED = 4
_LOW_PERCENT = 5


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person should decide."""

    tone: str
    icon: str
    title: str
    text: str
    href: str
    action: str
    posts: bool = False
    """Whether the action changes something (a POST to `href`) instead of opening a page."""


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """A library folder's disk."""

    name: str
    path: str
    free: str
    percent: float
    tone: str
    problem: str | None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the checklist of a new server."""

    state: str
    """`done`, `open`, `unchecked` (set up, but never tried) or `failed`."""
    title: str
    text: str
    href: str
    action: str

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.state == "done"


class HomeView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on the page."""

    greeting: str
    summary: str
    needs: tuple[Need, ...]
    recent: tuple[tuple[Card, str], ...]
    """(title, when it was added)."""
    days: tuple[calendar.Day, ...]
    moving: tuple[queue.Line, ...]
    speed: str
    volumes: tuple[Volume, ...]
    steps: tuple[Step, ...]
    titles: int
    can_manage: bool
    can_activity: bool
    asked: tuple[Shown, ...]
    """The newest requests of people who do not decide requests."""


@get("/", sync_to_thread=True, include_in_schema=False)
def show_home(
    request: WebRequest, database: DatabaseDep, deps: DepsDep, outside: OutsideDep, caller: CallerDep
) -> Response[str]:
    """Show the home page."""
    now = clock.now()
    looks = looks_of(request)
    zone = looks.zone
    today = now.astimezone(zone).date()
    manages, sees = caller.can(Permission.MANAGE_MEDIA), caller.can(Permission.VIEW_ACTIVITY)
    with database.reads() as session:
        recent = media.lists.recently_added(session, caller, limit=_NEW)
        week = media.calendar.days(session, caller, today, today, today + timedelta(days=6), each=calendar.SHOWN_A_DAY)
        rows = downloads.queue.list_queue(session, caller) if sees else []
        needs = (*_source_trouble(session, outside, caller), *_needs(session, caller, rows)) if manages else ()
        folders = (
            [(path.name, path.path) for path in settings.library_paths.list_library_paths(session, caller)]
            if manages
            else []
        )
        sizes = media.lists.counts(session, caller)
        steps = _steps(session, caller) if manages else ()
        asks = caller.can(Permission.REQUEST) and not caller.can(Permission.MANAGE_REQUESTS)
        asked = requests.list_requests(session, caller, limit=_ASKED)[0] if asks else []
    moving = tuple(queue.line(row) for row in rows if row.group == "downloading")
    volumes = tuple(_volume(outside, name, path) for name, path in folders)
    low = tuple(
        Need(
            tone="fail",
            icon="hard-drive",
            title=f"{volume.name} is almost full",
            text=f"{volume.free} left in {volume.path}.",
            href="/settings/folders",
            action="Open folders",
        )
        for volume in volumes
        if volume.tone == "fail" and caller.can(Permission.MANAGE_SETTINGS)
    )
    needs = (*needs, *low)
    view = HomeView(
        greeting=f"{_greeting(now.astimezone(zone).hour)}, {caller.name.split()[0]}",
        summary=_summary(needs, moving),
        needs=needs,
        recent=tuple(
            (card(item), history.day_label(item.added_at.astimezone(zone).date(), today, short=True)) for item in recent
        ),
        days=calendar.cells([today + timedelta(days=number) for number in range(7)], week, today, looks),
        moving=moving,
        speed=units.speed(sum(row.speed_bytes_per_s or 0 for row in rows if row.unreachable_since is None)),
        volumes=volumes,
        steps=steps if any(step.state == "open" for step in steps) or not sum(c.total for c in sizes.values()) else (),
        titles=sum(c.total for c in sizes.values()),
        can_manage=manages,
        can_activity=sees,
        asked=tuple(shown(line, caller) for line in asked),
    )
    return page(request, "home/page.html", view, active="home", topics=["home", *request_topics(caller)])


def _source_trouble(session: Session, outside: Outside, caller: Caller) -> tuple[Need, ...]:
    """Return the card of a metadata source that does not answer: new files wait for it without being in the review."""
    source = metadata.source_state(session, outside, caller)
    if source is None or source.answers is not False:
        return ()
    waiting = sum(library.files.new_files(session, caller).values())
    text = (
        f"{plural(waiting, 'new file')} cannot be matched until it answers."
        if waiting
        else "Titles cannot be added or updated until it answers."
    )
    if source.error:
        text += f" Last error: {source.error}."
    return (
        Need(
            tone="fail",
            icon="unplug",
            title=f"The {source.name} does not answer",
            text=text,
            href="/metadata/retry",
            action="Retry",
            posts=True,
        ),
    )


@post("/metadata/retry", sync_to_thread=True, status_code=200, include_in_schema=False)
def retry_source(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Ask the metadata source again, and match the files that wait for it."""
    with database.writes() as session:
        metadata.request_retry(session, caller)
    toast = Toast("Trying again", "If the source answers, waiting files are matched.", tone="live")
    if is_htmx(request):
        return nothing(toast=toast, trigger={"home-changed": {}})
    return redirect(request, "/", toast=toast)


def _greeting(hour: int) -> str:
    return "Good morning" if 4 <= hour < 12 else "Good afternoon" if 12 <= hour < 18 else "Good evening"


def _summary(needs: tuple[Need, ...], moving: tuple[queue.Line, ...]) -> str:
    words = ("Nothing", "One thing", "Two things", "Three things", "Four things", "Five things")
    if needs:
        said = words[len(needs)] if len(needs) < len(words) else f"{len(needs)} things"
        return f"{said} need{'s' if len(needs) == 1 else ''} a decision."
    return f"{len(moving)} downloading." if moving else "Nothing needs your attention."


def _needs(session: Session, caller: Caller, rows: list[downloads.queue.QueueRow]) -> tuple[Need, ...]:
    found = [
        Need(
            tone="fail",
            icon="triangle-alert",
            title=f"Import blocked: {row.media_title}",
            text=row.sentence or "",
            href="/activity?state=needs-you",
            action="Decide",
        )
        for row in rows
        if row.state == "blocked"
    ]
    found += [
        Need(
            tone="miss",
            icon="folder-search",
            title=f"Scan of {scan.name} rejected",
            text=scan.reason or "",
            href="/imports",
            action="See why",
        )
        for scan in scans.scan_states(session, caller)
        if scan.state == "refused"
    ]
    found += _silent_services(session, caller, rows)
    if caller.can(Permission.MANAGE_REQUESTS) and (pending := requests.listing.pending_count(session, caller)):
        found.append(
            Need(
                tone="miss",
                icon="hand-heart",
                title=f"{plural(pending, 'request')} to decide",
                text="Approve or decline what people ask for.",
                href="/requests?state=pending",
                action="Decide",
            )
        )
    counts = library.inbox.inbox_counts(session, caller)
    if counts.needs_attention or counts.no_match:
        number = counts.needs_attention + counts.no_match
        sure = (
            f"{counts.ready} more are ready to import." if counts.ready else "They could not be matched with certainty."
        )
        found.append(
            Need(
                tone="miss",
                icon="folder-input",
                title=f"{number} {'group' if number == 1 else 'groups'} of files to review",
                text=sure,
                href="/imports",
                action="Review",
            )
        )
    elif counts.ready:
        found.append(
            Need(
                tone="ok",
                icon="folder-input",
                title=f"{counts.ready} confident matches",
                text="Ready to import.",
                href="/imports?bucket=ready",
                action="Import",
            )
        )
    return tuple(found)


def _silent_services(session: Session, caller: Caller, rows: list[downloads.queue.QueueRow]) -> list[Need]:
    """Return the download clients and indexers that do not answer, with what waits for them."""
    waiting = Counter(row.client_id for row in rows)
    found = []
    for family, page_, action in (
        ("download_client", "/activity", "Open downloads"),
        ("indexer", "/settings/indexers", "Open indexers"),
    ):
        for service in settings.services.list_services(session, caller, family):
            if not service.enabled or service.status is None or service.status.state == "ok":
                continue
            since = f"No answer since {service.status.since_at:%-d %B, %H:%M} UTC."
            effect = (
                f"{plural(waiting[service.id], 'download')} shown with the last known state."
                if family == "download_client"
                else "Searches leave it out."
            )
            may_retry = caller.can(Permission.MANAGE_SETTINGS)
            found.append(
                Need(
                    tone="fail",
                    icon="unplug",
                    title=f"{service.name} does not answer",
                    text=f"{since} {effect}",
                    href=f"/system/services/{family}/{service.id}/retry" if may_retry else page_,
                    action="Retry" if may_retry else action,
                    posts=may_retry,
                )
            )
    return found


def _volume(outside: Outside, name: str, path: str) -> Volume:
    try:
        space = outside.files.space(Path(path))
    except AdapterError as error:
        return Volume(name=name, path=path, free="", percent=0.0, tone="fail", problem=error.cause)
    used = 100 * (1 - space.free_bytes / space.total_bytes) if space.total_bytes else 0.0
    tone = "fail" if used > 100 - _LOW_PERCENT else "miss" if used > 90 else ""
    return Volume(
        name=name, path=path, free=f"{units.size(space.free_bytes)} free", percent=used, tone=tone, problem=None
    )


def _steps(session: Session, caller: Caller) -> tuple[Step, ...]:
    if not caller.can(Permission.MANAGE_SETTINGS):
        return ()
    if settings.setup.setup_state(session, caller).checklist_dismissed:
        return ()
    paths = settings.library_paths.list_library_paths(session, caller)
    folders = "done" if paths else "open"
    scanned = "done" if any(path.last_scan_at for path in paths) else "open"
    client = _service_state(session, caller, "download_client", settings.clients.list_clients(session, caller))
    indexer = _service_state(session, caller, "indexer", settings.indexers.list_indexers(session, caller))
    return (
        Step(
            state=folders,
            title="Library folders",
            text="The folders that hold your movies and shows.",
            href="/settings/folders",
            action="Add a folder",
        ),
        Step(
            state=scanned,
            title="First scan",
            text="Finds and matches the files you already have.",
            href="/imports",
            action="Scan",
        ),
        Step(
            state=client,
            title="Download client",
            text=_SERVICE_TEXT.get(client, "Downloads the releases that Mydia finds."),
            href="/settings/clients",
            action="Add a client" if client == "open" else "Test",
        ),
        Step(
            state=indexer,
            title="Indexer",
            text=_SERVICE_TEXT.get(indexer, "Where Mydia searches for releases."),
            href="/settings/indexers",
            action="Add an indexer" if indexer == "open" else "Test",
        ),
    )


_SERVICE_TEXT = {"unchecked": "Not checked yet.", "failed": "Does not answer."}


def _service_state(session: Session, caller: Caller, family: str, rows: Sequence[Any]) -> str:
    """Say whether one of the services works. One that was never tried is not known to work."""
    known = settings.services.statuses(session, caller, family)
    states = {known[row.id].state if row.id in known else "unchecked" for row in rows if row.enabled}
    if not states:
        return "open"
    if "ok" in states:
        return "done"
    return "unchecked" if "unchecked" in states else "failed"


ROUTES: tuple[Any, ...] = (show_home, retry_source)
