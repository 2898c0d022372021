"""The list of requests, and the page of one."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath, FromQuery, QueryParameter
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import requests, users
from mydia.contexts.requests import RequestQuery
from mydia.contexts.users import Caller, Permission
from mydia.events import stories
from mydia.vocabulary import MediaType, find_member
from mydia.web.deps import CallerDep, DatabaseDep, WebRequest
from mydia.web.pages.requests.shown import QuotaShown, Shown, quotas_shown, shown, topics
from mydia.web.render import fragment, is_htmx, page, query

FILTERS: tuple[tuple[str, str, str], ...] = (
    ("pending", "Pending", "clock"),
    ("under_way", "On its way", "arrow-down"),
    ("available", "Available", "check"),
    ("declined", "Declined", "x"),
    ("failed", "Failed", "triangle-alert"),
)
_TYPES: tuple[tuple[str, str], ...] = ((MediaType.MOVIE, "Movies"), (MediaType.TV_SHOW, "Shows"))


class RequestsView(msgspec.Struct, frozen=True, kw_only=True):
    """The list."""

    mine: bool
    """Whether only the viewer's own requests are shown."""
    group: str
    type: str
    person: str
    q: str
    people: tuple[tuple[str, str], ...]
    counts: dict[str, int]
    rows: tuple[Shown, ...]
    more: str | None
    quotas: tuple[QuotaShown, ...]
    can_decide: bool
    problems: int
    """How many problems are open."""
    blocked: int | None
    """How many titles are blocked; None for callers who do not decide requests."""
    filters: tuple[tuple[str, str, str], ...] = FILTERS
    types: tuple[tuple[str, str], ...] = _TYPES

    def address(self, **changes: Any) -> str:
        """Return the list's address with some filters changed."""
        given = {"view": "mine" if self.mine and self.can_decide else "", "state": self.group, "type": self.type}
        return f"/requests{query(given | {'person': self.person, 'q': self.q} | changes)}".rstrip("?")

    @property
    def filtered(self) -> bool:
        """Whether a filter hides requests."""
        return bool(self.group or self.type or self.person or self.q)


@get("/requests", sync_to_thread=True, include_in_schema=False)
def show_requests(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    view: FromQuery[str] = "",
    group: Annotated[str, QueryParameter(name="state")] = "",
    type: FromQuery[str] = "",
    person: FromQuery[str] = "",
    q: FromQuery[str] = "",
    cursor: FromQuery[str] = "",
) -> Response[str]:
    """Show the requests: everybody's for those who decide, else the viewer's own."""
    manages = caller.can(Permission.MANAGE_REQUESTS)
    asked = RequestQuery(
        mine=view == "mine" or not manages,
        group=group if group in requests.listing.GROUPS else None,
        type=find_member(MediaType, type),
        user_id=person or None if manages else None,
        text=q,
    )
    with database.reads() as session:
        shown_view = _view(session, caller, asked, cursor or None)
    if cursor and is_htmx(request):
        return fragment(request, "requests/_rows.html", shown_view)
    return page(request, "requests/list.html", shown_view, active="requests", topics=topics(caller))


def _view(session: Session, caller: Caller, asked: RequestQuery, cursor: str | None) -> RequestsView:
    lines, following = requests.list_requests(session, caller, asked, cursor=cursor)
    manages = caller.can(Permission.MANAGE_REQUESTS)
    made = RequestsView(
        mine=asked.mine,
        group=asked.group or "",
        type=asked.type or "",
        person=asked.user_id or "",
        q=asked.text,
        people=tuple((one.id or "", one.name) for one in requests.listing.people(session, caller)) if manages else (),
        counts=requests.listing.counts(session, caller, asked),
        rows=tuple(shown(line, caller) for line in lines),
        more=None,
        quotas=() if manages else quotas_shown(requests.quotas.quotas(session, caller, clock.now())),
        can_decide=manages,
        problems=requests.problems.open_count(session, caller),
        blocked=requests.blocking.count(session, caller) if manages else None,
    )
    if following is None:
        return made
    return RequestsView(
        **{name: getattr(made, name) for name in made.__struct_fields__} | {"more": made.address(cursor=following)}
    )


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of one request."""

    one: Shown
    stories: tuple[stories.Story, ...]
    can_decide: bool


@get("/requests/{request_id:str}", sync_to_thread=True, include_in_schema=False)
def show_request(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, request_id: FromPath[str]
) -> Response[str]:
    """Show one request with its seasons, its decision and its history."""
    manages = caller.can(Permission.MANAGE_REQUESTS)
    with database.reads() as session:
        line = requests.get_request(session, caller, request_id)
        told = (
            users.history.feed(session, caller, resource=("request", request_id))
            if manages and caller.can(Permission.VIEW_ACTIVITY)
            else []
        )
    view = RequestView(one=shown(line, caller), stories=tuple(stories.folded(told)), can_decide=manages)
    return page(request, "requests/page.html", view, active="requests", topics=topics(caller))


ROUTES: tuple[Any, ...] = (show_requests, show_request)
