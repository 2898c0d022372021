"""Problems that people report with titles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Struct
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import downloads, media, requests
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid, NotFound
from mydia.units import plural
from mydia.vocabulary import MediaType, find_member
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, WebRequest
from mydia.web.forms import Count, message
from mydia.web.pages.requests.shown import topics
from mydia.web.render import Toast, dialog, fragment, invalid_form, is_htmx, nothing, page, query, redirect

KINDS = {
    requests.problems.ProblemKind.VIDEO: "Video",
    requests.problems.ProblemKind.AUDIO: "Audio",
    requests.problems.ProblemKind.SUBTITLES: "Subtitles",
    requests.problems.ProblemKind.OTHER: "Something else",
}


class ProblemShown(msgspec.Struct, frozen=True, kw_only=True):
    """A problem."""

    line: requests.problems.ProblemLine
    kind: str
    href: str
    item_href: str
    open: bool
    can_close: bool
    can_replace: bool

    @property
    def name(self) -> str:
        """Return `Pioneer One S02E03`."""
        return f"{self.line.title} {self.line.place}".strip()


class ProblemsView(msgspec.Struct, frozen=True, kw_only=True):
    """The list."""

    state: requests.problems.ProblemState
    rows: tuple[ProblemShown, ...]
    more: str | None
    open_count: int
    blocked: int | None
    """How many titles are blocked; None for callers who do not decide requests."""


class ReportView(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog in which a problem is reported."""

    item_id: str
    title: str
    seasons: tuple[tuple[str, str], ...]
    """Empty for a film."""
    kinds: tuple[tuple[str, str], ...]
    values: Mapping[str, str]


class ReportFields(Struct, kw_only=True):
    """The form of a report."""

    item_id: Annotated[str, message("Choose a title.")]
    kind: requests.problems.ProblemKind = requests.problems.ProblemKind.VIDEO
    season: Annotated[Count, message("There is no such season.")] | None = None
    episode: Annotated[Count, message("Enter the episode's number.")] | None = None
    text: str = ""


class CommentFields(Struct, kw_only=True):
    """A comment."""

    text: str = ""


def problem_shown(line: requests.problems.ProblemLine, caller: Caller) -> ProblemShown:
    """Return a problem for its viewer."""
    manages = caller.can(Permission.MANAGE_REQUESTS)
    row = line.row
    is_open = row.state == requests.problems.ProblemState.OPEN
    return ProblemShown(
        line=line,
        kind=KINDS[row.kind],
        href=f"/problems/{row.id}",
        item_href=f"/{'shows' if line.type == MediaType.TV_SHOW else 'movies'}/{row.media_item_id}",
        open=is_open,
        can_close=manages or (caller.id is not None and row.reporter_id == caller.id),
        can_replace=manages and is_open,
    )


@get("/problems", sync_to_thread=True, include_in_schema=False)
def show_problems(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    shown_state: Annotated[str, QueryParameter(name="state")] = "open",
    cursor: FromQuery[str] = "",
) -> Response[str]:
    """Show the reported problems."""
    wanted = find_member(requests.problems.ProblemState, shown_state) or requests.problems.ProblemState.OPEN
    with database.reads() as session:
        lines, following = requests.problems.list_problems(session, caller, state=wanted, cursor=cursor or None)
        open_count = requests.problems.open_count(session, caller)
        decides = caller.can(Permission.MANAGE_REQUESTS)
        blocked = requests.blocking.count(session, caller) if decides else None
    view = ProblemsView(
        state=wanted,
        rows=tuple(problem_shown(line, caller) for line in lines),
        more=f"/problems{query({'state': wanted, 'cursor': following})}" if following else None,
        open_count=open_count,
        blocked=blocked,
    )
    if cursor and is_htmx(request):
        return fragment(request, "problems/_rows.html", view)
    return page(request, "problems/list.html", view, active="requests", topics=topics(caller))


@get("/problems/new", sync_to_thread=True, include_in_schema=False)
def report_form(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[ReportFields]
) -> Response[str]:
    """Ask what is wrong with a title."""
    with database.reads() as session:
        view = _report_view(session, caller, form.sent)
    return dialog(request, "problems/_report.html", view, title="Report a problem", back=f"/items/{view.item_id}")


@post("/problems/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def report(request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[ReportFields]) -> Response[str]:
    """Report a problem."""
    try:
        told = form.read()
        new = requests.problems.NewProblem(
            item_id=told.item_id,
            kind=told.kind,
            text=told.text,
            season_number=told.season,
            episode_number=told.episode,
        )
        with database.writes() as session:
            problem_id = requests.problems.report(session, caller, clock.now(), new).id
    except (Invalid, NotFound) as error:
        with database.reads() as session:
            view = _report_view(session, caller, form.sent)
        invalid = error if isinstance(error, Invalid) else Invalid(error.message)
        back = f"/items/{view.item_id}"
        return invalid_form(request, "problems/_report.html", view, invalid, title="Report a problem", back=back)
    return _done(request, Toast("Problem reported", "You can follow it under Requests."), f"/problems/{problem_id}")


def _report_view(session: Session, caller: Caller, values: Mapping[str, str]) -> ReportView:
    item = media.get_item(session, caller, values.get("item_id", ""))
    return ReportView(
        item_id=item.id,
        title=item.title,
        seasons=tuple(
            (str(one.number), one.title or f"Season {one.number}") for one in media.seasons_of(session, caller, item.id)
        )
        if item.type == MediaType.TV_SHOW
        else (),
        kinds=tuple((str(kind), label) for kind, label in KINDS.items()),
        values=values,
    )


@get("/problems/{problem_id:str}", sync_to_thread=True, include_in_schema=False)
def show_problem(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, problem_id: FromPath[str]
) -> Response[str]:
    """Show a problem with its comments."""
    with database.reads() as session:
        one = problem_shown(requests.problems.get_problem(session, caller, problem_id), caller)
    return page(request, "problems/page.html", one, active="requests", topics=[*topics(caller), "problems"])


@post("/problems/{problem_id:str}/comment", sync_to_thread=True, status_code=200, include_in_schema=False)
def comment(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    form: FormOf[CommentFields],
    problem_id: FromPath[str],
) -> Response[str]:
    """Add a comment."""
    try:
        with database.writes() as session:
            requests.problems.comment(session, caller, clock.now(), problem_id, form.read().text)
    except Invalid as error:
        with database.reads() as session:
            one = problem_shown(requests.problems.get_problem(session, caller, problem_id), caller)
        more = {"errors": dict(error.fields)}
        return page(request, "problems/page.html", one, active="requests", status=422, more=more)
    return redirect(request, f"/problems/{problem_id}")


@post("/problems/{problem_id:str}/resolve", sync_to_thread=True, status_code=200, include_in_schema=False)
def resolve(request: WebRequest, database: DatabaseDep, caller: CallerDep, problem_id: FromPath[str]) -> Response[str]:
    """Mark a problem as resolved."""
    with database.writes() as session:
        downloads.replacing.resolve(session, caller, clock.now(), problem_id)
    return redirect(request, f"/problems/{problem_id}", toast=Toast("Problem resolved"))


@post("/problems/{problem_id:str}/reopen", sync_to_thread=True, status_code=200, include_in_schema=False)
def reopen(request: WebRequest, database: DatabaseDep, caller: CallerDep, problem_id: FromPath[str]) -> Response[str]:
    """Open a resolved problem again."""
    with database.writes() as session:
        requests.problems.reopen(session, caller, clock.now(), problem_id)
    return redirect(request, f"/problems/{problem_id}", toast=Toast("Problem reopened"))


@post("/problems/{problem_id:str}/replace", sync_to_thread=True, status_code=200, include_in_schema=False)
def replace(request: WebRequest, database: DatabaseDep, caller: CallerDep, problem_id: FromPath[str]) -> Response[str]:
    """Search for other releases in place of the faulty files."""
    with database.writes() as session:
        number = downloads.replacing.request_replacement(session, caller, clock.now(), problem_id)
    toast = Toast(
        "Searching for a replacement", f"{plural(number, 'file')} will be replaced once it is imported.", tone="live"
    )
    return redirect(request, f"/problems/{problem_id}", toast=toast)


def _done(request: WebRequest, toast: Toast, path: str) -> Response[str]:
    if is_htmx(request):
        return nothing(toast=toast, trigger={"requests-changed": {}, "media-changed": {}, "dialog-close": {}})
    return redirect(request, path, toast=toast)


ROUTES: tuple[Any, ...] = (show_problems, report_form, report, show_problem, comment, resolve, reopen, replace)
