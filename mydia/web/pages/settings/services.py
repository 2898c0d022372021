"""Settings: download clients and indexers, with their states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Stream
from msgspec import Struct
from sqlalchemy.orm import Session

from mydia import clock, units
from mydia.adapters import download_clients, indexers
from mydia.adapters.errors import AdapterError
from mydia.contexts import downloads, settings
from mydia.contexts.settings import DownloadClientRow, IndexerRow
from mydia.contexts.users import Caller
from mydia.errors import Conflict, Invalid, MydiaError
from mydia.web.deps import CallerDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.forms import Form
from mydia.web.pages.settings import service_forms as services
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.pages.settings.service_forms import Family, HealthChip, ServiceFields, ServiceForm
from mydia.web.render import Toast, fragment, is_htmx, nothing, redirect, unfolding


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """The words and addresses of a family."""

    family: Family
    page: str
    status: str
    one: str
    explanation: str
    empty: str


_SAID: dict[Family, Said] = {
    "client": Said(
        family="client",
        page="clients",
        status="download_client",
        one="download client",
        explanation="A release goes to the first client that answers and supports its protocol.",
        empty="Mydia needs a download client to download the releases it finds.",
    ),
    "indexer": Said(
        family="indexer",
        page="indexers",
        status="indexer",
        one="indexer",
        explanation="All indexers are searched at the same time. An indexer that fails is paused for a while.",
        empty="Mydia needs an indexer to search for missing titles.",
    ),
}


class ServiceCard(msgspec.Struct, frozen=True, kw_only=True):
    """One service in the list."""

    id: str
    name: str
    kind: str
    url: str
    priority: int
    enabled: bool
    uses: str
    health: HealthChip
    error: str
    source: str
    able: str = ""
    """What an indexer can do, as of its last test."""
    feed: downloads.feeds.Feed | None = None
    gap: str = ""
    """Why releases were missed, within the last week."""


class ListView(msgspec.Struct, frozen=True):
    """The list of a family."""

    frame: SettingsFrame
    said: Said
    cards: tuple[ServiceCard, ...]
    kinds: tuple[tuple[str, str], ...]


class FormView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of one service."""

    frame: SettingsFrame
    said: Said
    id: str
    name: str
    form: ServiceForm
    action: str
    source: str = ""
    result: None = None


def _rows(session: Session, caller: Caller, family: Family) -> list[DownloadClientRow] | list[IndexerRow]:
    if family == "client":
        return settings.clients.list_clients(session, caller)
    return settings.indexers.list_indexers(session, caller)


def _row(session: Session, caller: Caller, family: Family, service_id: str) -> DownloadClientRow | IndexerRow:
    if family == "client":
        return settings.clients.get_client(session, caller, service_id)
    return settings.indexers.get_indexer(session, caller, service_id)


@get("/settings/clients", sync_to_thread=True, include_in_schema=False)
def clients(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """List the download clients."""
    return show(request, "services.html", _list(deps, caller, "client"))


@get("/settings/indexers", sync_to_thread=True, include_in_schema=False)
def indexer_list(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """List the indexers."""
    return show(request, "services.html", _list(deps, caller, "indexer"))


def _list(deps: WebDeps, caller: Caller, family: Family) -> ListView:
    said = _SAID[family]
    around = frame(caller, said.page)
    with deps.database.reads() as session:
        rows = _rows(session, caller, family)
        known = settings.services.statuses(session, caller, said.status)
        feeds = {one.indexer_id: one for one in downloads.feeds.list_feeds(session, caller)}
    cards = tuple(_card(family, row, known.get(row.id), feeds.get(row.id)) for row in rows)
    return ListView(around, said, cards, services.kinds_of(family))


def _card(
    family: Family, row: DownloadClientRow | IndexerRow, status: Any, feed: downloads.feeds.Feed | None
) -> ServiceCard:
    table: Mapping[str, Any] = download_clients.KINDS if family == "client" else indexers.KINDS
    label = table[row.kind].label if row.kind in table else row.kind
    uses = ""
    if isinstance(row, IndexerRow):
        uses = _uses(row)
    chip = services.health_chip(status, row.enabled, clock.now())
    error = (status.last_error or "") if status is not None and status.state != "ok" and row.enabled else ""
    return ServiceCard(
        id=row.id,
        name=row.name,
        kind=label,
        url=settings.indexers.public_url(row.url),
        able=_abilities(row.capabilities) if isinstance(row, IndexerRow) else "",
        priority=row.priority,
        enabled=row.enabled,
        uses=uses,
        health=chip,
        error=error,
        source=row.managed_source or "",
        feed=feed if feed is not None and feed.on else None,
        gap=downloads.feeds.gap_sentence(feed, clock.now()) if feed is not None and feed.on else "",
    )


def _abilities(stored: Mapping[str, Any] | None) -> str:
    """Return what an indexer can do: `Movies by q, imdbid · shows by q, season · pages of 100 · 34 categories`."""
    if not stored:
        return ""
    modes = (("movies", "movie_search"), ("shows", "tv_search"), ("everything", "search"))
    named = [f"{word} by {', '.join(stored[key])}" for word, key in modes if stored.get(key)]
    parts = stored.get("parts") or ()
    if parts:
        paused = sum(bool(part.get("disabled_until")) for part in parts)
        named.append(units.plural(len(parts), "indexer") + (f", {paused} paused there" if paused else ""))
    if stored.get("limit_max"):
        named.append(f"pages of {stored['limit_max']}")
    if stored.get("categories"):
        named.append(units.plural(len(stored["categories"]), "category", "categories"))
    line = " · ".join(named)
    return f"{line[:1].upper()}{line[1:]}"


def _uses(row: IndexerRow) -> str:
    """Return what an indexer is used for: `RSS, automatic and manual searches`."""
    kinds = [word for word, on in (("automatic", row.automatic_search), ("manual", row.interactive_search)) if on]
    searches = f"{' and '.join(kinds)} searches" if kinds else ""
    used = ", ".join(filter(None, ("RSS" if row.rss else "", searches)))
    return f"{used[:1].upper()}{used[1:]}" or "Not used"


def new_service(request: WebRequest, deps: DepsDep, caller: CallerDep, kind: FromQuery[str] = "") -> Response[str]:
    """Show an empty form."""
    said = _said(request)
    around = frame(caller, said.page, f"Add {said.one}")
    with deps.database.reads() as session:
        taken = {row.name for row in _rows(session, caller, said.family)}
    form = services.blank_form(said.family, kind, taken)
    return show(
        request,
        "service.html",
        FormView(frame=around, said=said, id="", name="", form=form, action=f"/settings/{said.page}/new"),
    )


def add_service(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[ServiceFields]) -> Response[str]:
    """Add a service."""
    said = _said(request)
    try:
        with deps.database.writes() as session:
            name = services.add_service(session, caller, clock.now(), said.family, form.read())
    except (Invalid, Conflict) as error:
        around = frame(caller, said.page, f"Add {said.one}")
        sent = services.sent_form(said.family, form, errors_of(error))
        view = FormView(frame=around, said=said, id="", name="", form=sent, action=f"/settings/{said.page}/new")
        return show(request, "service.html", view, status=422)
    return redirect(request, f"/settings/{said.page}", toast=Toast(f"{name} added"))


def service(request: WebRequest, deps: DepsDep, caller: CallerDep, service_id: FromPath[str]) -> Response[str]:
    """Show the form of a service. One from the environment or a file is read-only."""
    return show(request, "service.html", _form(deps, caller, _said(request), service_id))


def change_service(
    request: WebRequest,
    deps: DepsDep,
    caller: CallerDep,
    form: FormOf[ServiceFields],
    service_id: FromPath[str],
) -> Response[str]:
    """Store a changed service."""
    said = _said(request)
    try:
        with deps.database.writes() as session:
            name = services.change_service(session, caller, clock.now(), said.family, service_id, form.read())
    except (Invalid, Conflict) as error:
        return show(request, "service.html", _form(deps, caller, said, service_id, form, error), status=422)
    return redirect(request, f"/settings/{said.page}", toast=Toast(f"{name} saved"))


def remove_service(request: WebRequest, deps: DepsDep, caller: CallerDep, service_id: FromPath[str]) -> Response[str]:
    """Remove a service."""
    said = _said(request)
    with deps.database.writes() as session:
        name = _row(session, caller, said.family, service_id).name
        remove = settings.clients.remove_client if said.family == "client" else settings.indexers.remove_indexer
        remove(session, caller, clock.now(), service_id)
    return redirect(request, f"/settings/{said.page}", toast=Toast(f"{name} removed"))


def _form(
    deps: WebDeps,
    caller: Caller,
    said: Said,
    service_id: str,
    sent: Form[ServiceFields] | None = None,
    error: MydiaError | None = None,
) -> FormView:
    with deps.database.reads() as session:
        row = _row(session, caller, said.family, service_id)
        mappings = settings.clients.mappings_of(session, caller, service_id) if said.family == "client" else ()
    around = frame(caller, said.page, row.name)
    if sent is not None and error is not None:
        form = services.sent_form(said.family, sent, errors_of(error), has_secret=row.sealed_secret is not None)
    else:
        form = services.form_of(said.family, row, mappings)
        form = services.with_enabled(form, row.enabled)
    action = f"/settings/{said.page}/{service_id}"
    return FormView(
        frame=around, said=said, id=service_id, name=row.name, form=form, action=action, source=row.managed_source or ""
    )


def _said(request: WebRequest) -> Said:
    """Return the family of an address; every handler serves both."""
    page = request.url.path.split("/")[2]
    return next(said for said in _SAID.values() if said.page == page)


@post("/settings/clients/test", sync_to_thread=True, status_code=200, include_in_schema=False)
def test_client(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[ServiceFields]
) -> Response[str] | Stream:
    """Test the client that the form describes."""
    return _tried(request, services.try_client(deps, caller, form))


@post("/settings/indexers/test", sync_to_thread=True, status_code=200, include_in_schema=False)
def test_indexer(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[ServiceFields]
) -> Response[str] | Stream:
    """Test the indexer that the form describes."""
    return _tried(request, services.try_indexer(deps, caller, form))


@post("/settings/indexers/read-feeds", sync_to_thread=True, status_code=200, include_in_schema=False)
def read_feeds(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Start RSS sync now, in the worker."""
    deps.taskboard.run_now(caller, "downloads.sync_feeds")
    toast = Toast("Reading feeds", "What is wanted is grabbed.", tone="live")
    return nothing(toast=toast) if is_htmx(request) else redirect(request, "/settings/indexers", toast=toast)


def _tried(request: WebRequest, steps: Iterator[services.TestResult]) -> Response[str] | Stream:
    back = f"/settings/{_said(request).page}"
    return unfolding(request, "settings/_test_result.html", steps, title="Test", active="settings", back=back)


def test_stored(request: WebRequest, deps: DepsDep, caller: CallerDep, service_id: FromPath[str]) -> Response[str]:
    """Test a stored service, record the result, and show its card again."""
    said, identifier = _said(request), service_id
    toast = _ask(deps, caller, said, identifier)
    view = _list(deps, caller, said.family)
    card = next(card for card in view.cards if card.id == identifier)
    if not request.headers.get("hx-request"):
        return redirect(request, f"/settings/{said.page}", toast=toast)
    return fragment(request, "settings/_service_card.html", view, card=card, toast=toast)


def _ask(deps: WebDeps, caller: Caller, said: Said, service_id: str) -> Toast:
    with deps.database.reads() as session:
        name = _row(session, caller, said.family, service_id).name
    version = ""
    try:
        if said.family == "client":
            report = settings.clients.test_client(deps.database, deps.outside, caller, clock.now(), service_id)
            version = report.version
        else:
            settings.indexers.test_indexer(deps.database, deps.outside, caller, clock.now(), service_id)
    except AdapterError as error:
        return Toast(f"{name} does not work", error.cause, tone="fail")
    return Toast(f"{name} answers", f"Version {version.lstrip('v')}" if version else "")


class SwitchFields(Struct, kw_only=True):
    """Whether a service is turned on."""

    enabled: bool = False


def switch_service(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[SwitchFields], service_id: FromPath[str]
) -> Response[str]:
    """Turn a service on or off."""
    said, on = _said(request), form.read().enabled
    with deps.database.writes() as session:
        settings.services.switch_service(session, caller, clock.now(), said.status, service_id, enabled=on)
    view = _list(deps, caller, said.family)
    if not request.headers.get("hx-request"):
        return redirect(request, f"/settings/{said.page}")
    card = next((card for card in view.cards if card.id == service_id), None)
    return fragment(request, "settings/_service_card.html", view, card=card) if card else nothing()


_SHARED = (
    (get, "/new", new_service),
    (post, "/new", add_service),
    (get, "/{service_id:str}", service),
    (post, "/{service_id:str}", change_service),
    (post, "/{service_id:str}/remove", remove_service),
    (post, "/{service_id:str}/test", test_stored),
    (post, "/{service_id:str}/enabled", switch_service),
)


def _shared() -> Iterator[HTTPRouteHandler]:
    """Make the handlers of both families, one for each address."""
    for said in _SAID.values():
        for verb, rest, handler in _SHARED:
            status: dict[str, Any] = {"status_code": 200} if verb is post else {}
            yield verb(f"/settings/{said.page}{rest}", sync_to_thread=True, include_in_schema=False, **status)(handler)


ROUTES = (clients, indexer_list, test_client, test_indexer, read_feeds, *_shared())
