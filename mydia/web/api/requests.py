"""`/api/v1/requests`, the rules and quotas behind them, and `/api/v1/problems`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Response, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.outside import Outside
from mydia.contexts import downloads, metadata, requests, settings
from mydia.contexts.requests import Allowance, Choices, Conditions, NewRule, QuotaKind, RequestQuery, WantedTitle, Wish
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.errors import NotFound
from mydia.events import say
from mydia.vocabulary import MediaType
from mydia.web import patterns
from mydia.web.api import answers
from mydia.web.api.schemas import (
    AtLeastOne,
    CatalogueNumber,
    Cursor,
    Id,
    Limit,
    Name,
    Page,
    SmallInt,
    Struct,
    Tag,
    Text,
    contradictions,
)
from mydia.web.deps import CallerDep, DatabaseDep, OutsideDep, WebRequest

type _Words = Annotated[str, Meta(max_length=2_000)]
type _Group = Literal["pending", "under_way", "available", "declined", "failed"]


class PersonShape(Struct):
    """A person; the id is null if the account was removed."""

    id: str | None
    name: str


class Why(Struct):
    """A reason: a stable code with facts, and as a sentence."""

    code: str | None
    facts: dict[str, Any]
    text: str


class RequestSeasonShape(Struct):
    """A requested season."""

    number: int
    state: str
    episodes_held: int
    episodes_total: int


class RequestShape(Struct):
    """A request."""

    id: str
    type: MediaType
    title: str
    year: int | None
    tmdb_id: int | None
    tvdb_id: int | None
    imdb_id: str | None
    media_id: str | None
    """The title, once it is in the library."""
    state: str
    """pending | approved | downloading | partial | available | declined | failed"""
    seasons: list[RequestSeasonShape]
    asker: PersonShape
    followers: list[PersonShape]
    decided_by: PersonShape | None
    decided_at: datetime | None
    automatic: bool
    """Approved without a person."""
    because: Why | None
    """Why it was approved automatically, waits or failed."""
    reason: str | None
    """What the person who declined it wrote."""
    profile_id: str | None
    library_path_id: str | None
    tags: list[str]
    explanation: list[Why]
    """Where profile, folder and tags come from."""
    created_at: datetime
    updated_at: datetime


class NewRequest(AtLeastOne):
    """A title to request. Everything below `seasons` needs the permission to decide requests."""

    groups = (("tmdb_id",), ("tvdb_id",), ("imdb_id",))

    type: MediaType
    tmdb_id: CatalogueNumber | None = None
    tvdb_id: CatalogueNumber | None = None
    imdb_id: Annotated[str, Meta(pattern=patterns.IMDB_ID)] | None = None
    seasons: list[SmallInt] | None = None
    """Null requests every regular season that is not available or requested."""
    for_user_id: Annotated[str, Meta(max_length=64)] | None = None
    profile_id: Annotated[str, Meta(max_length=64)] | None = None
    library_path_id: Annotated[str, Meta(max_length=64)] | None = None
    tags: list[Tag] = []


class RequestResult(Struct):
    """What became of a request."""

    outcome: str
    """pending | approved | joined"""
    left_out: list[Why]
    """Why some seasons are not part of it."""
    request: RequestShape


class QuotaShape(Struct):
    """How much a person may request of a type, and has requested."""

    type: MediaType
    limit: int | None
    """Movies, or seasons of shows; null means no limit."""
    days: int
    used: int
    left: int | None


class SeasonOfferShape(Struct):
    """A season, and whether it can be requested."""

    number: int
    title: str
    episodes: int | None
    held: int
    state: str
    """free | available | requested | mine | not_allowed | blocked"""


class OfferShape(Struct):
    """What of a title can be requested."""

    type: MediaType
    title: str
    year: int | None
    state: str
    """free | available | requested | mine | not_allowed | blocked"""
    blocked: bool
    """Whether the title is on the blocklist; then no more of it can be requested."""
    blocked_reason: str | None
    seasons: list[SeasonOfferShape]
    quota: QuotaShape | None
    """Null if the quota does not apply to the caller."""
    media_id: str | None


class Approval(Struct):
    """The choices of an approval; null keeps what the request has."""

    seasons: list[SmallInt] | None = None
    profile_id: Annotated[str, Meta(max_length=64)] | None = None
    library_path_id: Annotated[str, Meta(max_length=64)] | None = None
    tags: list[Tag] | None = None
    search_now: bool | None = None


class Refusal(Struct):
    """Why a request is declined."""

    reason: Annotated[str, Meta(max_length=500)] | None = None
    block: bool = False
    """Also put the title on the blocklist, so that it cannot be requested again."""


class BlockedTitleShape(Struct):
    """A title that cannot be requested."""

    id: str
    type: MediaType
    title: str
    year: int | None
    tmdb_id: int | None
    tvdb_id: int | None
    imdb_id: str | None
    reason: str | None
    """Shown to people who want to request it."""
    blocked_by: PersonShape | None
    created_at: datetime


class TitleToBlock(AtLeastOne):
    """A title to block."""

    groups = (("tmdb_id",), ("tvdb_id",), ("imdb_id",))

    type: MediaType
    tmdb_id: CatalogueNumber | None = None
    tvdb_id: CatalogueNumber | None = None
    imdb_id: Annotated[str, Meta(pattern=patterns.IMDB_ID)] | None = None
    reason: Annotated[str, Meta(max_length=500)] | None = None


class Decision(Struct):
    """A decision on many requests."""

    ids: Annotated[list[str], Meta(min_length=1, max_length=1000)]
    decision: Literal["approve", "decline"]
    reason: Annotated[str, Meta(max_length=500)] | None = None


class Decided(Struct):
    """How many of the requests were waiting and are decided now."""

    decided: int


class RuleShape(Struct):
    """A rule. Of those that a request meets, the one with the most conditions applies."""

    id: str
    name: str
    enabled: bool
    type: MediaType | None
    user_ids: list[str]
    genres: list[str]
    languages: list[str]
    keywords: list[str]
    profile_id: str | None
    library_path_id: str | None
    tags: list[str]
    approves: bool | None


class RuleToStore(AtLeastOne):
    """A rule to add, or in place of a present one."""

    groups = (("profile_id",), ("library_path_id",), ("tags",), ("approves",))

    name: Name
    enabled: bool = True
    type: MediaType | None = None
    user_ids: list[str] = []
    genres: list[str] = []
    languages: list[str] = []
    keywords: list[str] = []
    profile_id: str | None = None
    library_path_id: str | None = None
    tags: list[Tag] = []
    approves: bool | None = None


class AllowanceShape(Struct):
    """What applies to requests of a person for one type."""

    type: MediaType
    quota: QuotaKind = QuotaKind.DEFAULT
    limit: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    days: Annotated[int, Meta(ge=1, le=365)] | None = None
    auto_approve: bool | None = None
    """Null: as for the role."""
    profile_id: str | None = None
    library_path_id: str | None = None


class Said(Struct):
    """A comment."""

    by: PersonShape
    text: str
    at: datetime


class ProblemShape(Struct):
    """A problem with a title, a season or an episode."""

    id: str
    media_id: str
    title: str
    kind: requests.problems.ProblemKind
    season: int | None
    episode: int | None
    state: requests.problems.ProblemState
    replacing_since: datetime | None
    """When a replacement was requested."""
    reporter: PersonShape
    resolved_by: PersonShape | None
    resolved_at: datetime | None
    comments: list[Said]
    created_at: datetime


class ProblemToReport(Struct):
    """A problem to report."""

    media_id: Annotated[str, Meta(max_length=64)]
    kind: requests.problems.ProblemKind
    season: SmallInt | None = None
    episode: SmallInt | None = None
    text: _Words = ""


class NewComment(Struct):
    """A comment on a problem."""

    text: Annotated[str, Meta(max_length=2_000, pattern=patterns.NOT_BLANK)]


@get("/requests", sync_to_thread=True, summary="List requests")
def list_requests(
    database: DatabaseDep,
    caller: CallerDep,
    mine: FromQuery[bool] = False,
    group: Annotated[_Group | None, QueryParameter(name="state")] = None,
    type: FromQuery[MediaType | None] = None,
    user_id: Id = None,
    q: Text = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[RequestShape]:
    """Return requests, newest first: all for callers who decide them, else what the caller asked for or follows."""
    asked = RequestQuery(mine=mine, group=group, type=type, user_id=user_id or None, text=q or "")
    with database.reads() as session:
        lines, following = requests.list_requests(session, caller, asked, cursor=cursor or None, limit=limit)
        total = requests.listing.counts(session, caller, asked)[group or "all"]
    return Page(items=[_request(line) for line in lines], next_cursor=following, total=total)


@post("/requests", sync_to_thread=True, summary="Request a title")
def ask(database: DatabaseDep, outside: OutsideDep, caller: CallerDep, data: JSONBody[NewRequest]) -> RequestResult:
    """Request a title. 409 if nothing is left to request, the quota is used up, or the title is blocked."""
    wanted = _wanted(database, outside, caller, data.type, metadata.Ids(data.tmdb_id, data.tvdb_id, data.imdb_id))
    wish = Wish(
        seasons=None if data.seasons is None else frozenset(data.seasons),
        for_user_id=data.for_user_id,
        profile_id=data.profile_id,
        library_path_id=data.library_path_id,
        tags=tuple(data.tags),
    )
    with contradictions(), database.writes() as session:
        done = requests.ask(session, caller, clock.now(), wanted, wish)
    with database.reads() as session:
        # A manager sees every request; what a person asked for or joined is their own.
        made = requests.get_request(session, caller, done.request_id)
    return RequestResult(
        outcome=done.outcome,
        left_out=[_why(one.to_json()) for one in done.left_out],
        request=_request(made),
    )


@get("/requests/offer", sync_to_thread=True, summary="See what of a title can be requested")
def offer(
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    type: FromQuery[MediaType] = MediaType.MOVIE,
    tmdb_id: Annotated[int | None, QueryParameter(ge=1, le=2**31 - 1)] = None,
    tvdb_id: Annotated[int | None, QueryParameter(ge=1, le=2**31 - 1)] = None,
    imdb_id: Annotated[str | None, QueryParameter(max_length=20)] = None,
) -> OfferShape:
    """Return the state of each season of a title, and the caller's quota. 404 without an id."""
    if not (tmdb_id or tvdb_id or imdb_id):
        raise NotFound("Pass tmdb_id, tvdb_id or imdb_id.")
    wanted = _wanted(database, outside, caller, type, metadata.Ids(tmdb_id, tvdb_id, imdb_id))
    with database.reads() as session:
        told = requests.offer(session, caller, clock.now(), wanted)
    return OfferShape(
        type=wanted.type,
        title=wanted.title,
        year=wanted.year,
        state=told.state,
        seasons=[
            SeasonOfferShape(number=one.number, title=one.title, episodes=one.episodes, held=one.held, state=one.state)
            for one in told.seasons
        ],
        quota=_quota(told.quota) if told.quota else None,
        media_id=told.media_item_id,
        blocked=told.blocked is not None,
        blocked_reason=told.blocked.reason if told.blocked else None,
    )


@get("/requests/quotas", sync_to_thread=True, summary="Get quotas")
def quotas(database: DatabaseDep, caller: CallerDep, user_id: Id = None) -> list[QuotaShape]:
    """Return the caller's quotas, or with `user_id` those of another person."""
    with database.reads() as session:
        return [_quota(one) for one in requests.quotas.quotas(session, caller, clock.now(), user_id or None)]


@get("/requests/{request_id:str}", sync_to_thread=True, summary="Get a request")
def get_request(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, request_id: FromPath[str]
) -> Response[RequestShape]:
    """Return a request. Send its `ETag` in `If-Match` to decide it only if nobody has changed it since."""
    answer = _tagged(database, caller, request_id)
    if request.headers.get("if-none-match") == (tag := str(answer.headers["ETag"])):
        raise answers.NotModified(tag)
    return answer


@delete("/requests/{request_id:str}", sync_to_thread=True, status_code=204, summary="Withdraw a request")
def withdraw(request: WebRequest, database: DatabaseDep, caller: CallerDep, request_id: FromPath[str]) -> None:
    """Withdraw a request that is not decided, or stop following it. Callers who decide requests can remove any.

    412 if `If-Match` names an older state.
    """
    with database.writes() as session:
        _require_match(request, session, caller, request_id)
        requests.withdraw(session, caller, clock.now(), request_id)


@post("/requests/{request_id:str}/approve", sync_to_thread=True, status_code=200, summary="Approve a request")
def approve(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    request_id: FromPath[str],
    data: JSONBody[Approval],
) -> Response[RequestShape]:
    """Approve a request; a job adds the title. Approving twice changes nothing. 409 if the title is blocked.

    412 if `If-Match` names an older state.
    """
    choices = Choices(
        seasons=None if data.seasons is None else frozenset(data.seasons),
        profile_id=data.profile_id,
        library_path_id=data.library_path_id,
        tags=None if data.tags is None else tuple(data.tags),
        search_now=data.search_now,
    )
    with contradictions(), database.writes() as session:
        _require_match(request, session, caller, request_id)
        requests.approve(session, caller, clock.now(), request_id, choices)
    return _tagged(database, caller, request_id)


@post("/requests/{request_id:str}/decline", sync_to_thread=True, status_code=200, summary="Decline a request")
def decline(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    request_id: FromPath[str],
    data: JSONBody[Refusal],
) -> Response[RequestShape]:
    """Decline a request, with a reason for the people who asked. 412 if `If-Match` names an older state."""
    with database.writes() as session:
        _require_match(request, session, caller, request_id)
        requests.blocking.decline(session, caller, clock.now(), request_id, reason=data.reason, block=data.block)
    return _tagged(database, caller, request_id)


@post("/requests/{request_id:str}/retry", sync_to_thread=True, status_code=200, summary="Retry a request")
def retry(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, request_id: FromPath[str]
) -> Response[RequestShape]:
    """Carry out a failed request again. 412 if `If-Match` names an older state."""
    with database.writes() as session:
        _require_match(request, session, caller, request_id)
        requests.retry(session, caller, clock.now(), request_id)
    return _tagged(database, caller, request_id)


@post("/requests/decisions", sync_to_thread=True, status_code=200, summary="Decide many requests")
def decide_many(database: DatabaseDep, caller: CallerDep, data: JSONBody[Decision]) -> Decided:
    """Approve or decline those of the requests that wait."""
    now = clock.now()
    with database.writes() as session:
        if data.decision == "approve":
            return Decided(decided=requests.deciding.approve_many(session, caller, now, data.ids))
        return Decided(decided=requests.deciding.decline_many(session, caller, now, data.ids, reason=data.reason))


@get("/blocked-titles", sync_to_thread=True, summary="List blocked titles")
def list_blocked_titles(
    database: DatabaseDep, caller: CallerDep, cursor: Cursor = None, limit: Limit = 50
) -> Page[BlockedTitleShape]:
    """Return the titles that cannot be requested, newest first."""
    with database.reads() as session:
        rows, following = requests.blocking.list_blocked(session, caller, cursor=cursor or None, limit=limit)
        total = requests.blocking.count(session, caller)
    return Page(items=[_blocked(one) for one in rows], next_cursor=following, total=total)


@get("/blocked-titles/{blocked_title_id:str}", sync_to_thread=True, summary="Get a blocked title")
def get_blocked_title(database: DatabaseDep, caller: CallerDep, blocked_title_id: FromPath[str]) -> BlockedTitleShape:
    """Return a title that cannot be requested."""
    with database.reads() as session:
        return _blocked(requests.blocking.get_blocked(session, caller, blocked_title_id))


@post("/blocked-titles", sync_to_thread=True, summary="Block a title")
def block_title(
    database: DatabaseDep, outside: OutsideDep, caller: CallerDep, data: JSONBody[TitleToBlock]
) -> BlockedTitleShape:
    """Refuse requests for a title from now on, and decline those that wait. 409 if it is blocked already."""
    ids = metadata.Ids(data.tmdb_id, data.tvdb_id, data.imdb_id)
    language = settings.of(database).metadata.language
    new = requests.blocking.look_up(outside, caller, data.type, ids, language=language)
    with database.writes() as session:
        row = requests.blocking.block(session, caller, clock.now(), new, data.reason)
        return _blocked(requests.blocking.get_blocked(session, caller, row.id))


@delete("/blocked-titles/{blocked_title_id:str}", sync_to_thread=True, status_code=204, summary="Unblock a title")
def unblock_title(database: DatabaseDep, caller: CallerDep, blocked_title_id: FromPath[str]) -> None:
    """Allow requests for a title again. Declined requests stay declined."""
    with database.writes() as session:
        requests.blocking.unblock(session, caller, clock.now(), blocked_title_id)


@get("/request-rules", sync_to_thread=True, summary="List request rules")
def list_rules(database: DatabaseDep, caller: CallerDep) -> list[RuleShape]:
    """Return all rules, the oldest first."""
    with database.reads() as session:
        return [_rule(row) for row in requests.rules.list_rules(session, caller)]


@get("/request-rules/{rule_id:str}", sync_to_thread=True, summary="Get a request rule")
def get_rule(database: DatabaseDep, caller: CallerDep, rule_id: FromPath[str]) -> RuleShape:
    """Return a rule."""
    with database.reads() as session:
        return _rule(requests.rules.get_rule(session, caller, rule_id))


@post("/request-rules", sync_to_thread=True, summary="Add a request rule")
def add_rule(database: DatabaseDep, caller: CallerDep, data: JSONBody[RuleToStore]) -> RuleShape:
    """Add a rule."""
    with contradictions(), database.writes() as session:
        return _rule(requests.rules.add_rule(session, caller, clock.now(), _new_rule(data)))


@put("/request-rules/{rule_id:str}", sync_to_thread=True, summary="Replace a request rule")
def change_rule(
    database: DatabaseDep, caller: CallerDep, rule_id: FromPath[str], data: JSONBody[RuleToStore]
) -> RuleShape:
    """Replace a rule. Requests that were decided before stay as they are."""
    with contradictions(), database.writes() as session:
        return _rule(requests.rules.change_rule(session, caller, clock.now(), rule_id, _new_rule(data)))


@delete("/request-rules/{rule_id:str}", sync_to_thread=True, status_code=204, summary="Remove a request rule")
def remove_rule(database: DatabaseDep, caller: CallerDep, rule_id: FromPath[str]) -> None:
    """Remove a rule."""
    with database.writes() as session:
        requests.rules.remove_rule(session, caller, clock.now(), rule_id)


@get("/request-allowances/{user_id:str}", sync_to_thread=True, summary="Get a person's request allowances")
def get_allowances(database: DatabaseDep, caller: CallerDep, user_id: FromPath[str]) -> list[AllowanceShape]:
    """Return the quota, approval and defaults of a person, by type."""
    with database.reads() as session:
        return _allowances(session, caller, user_id)


@put("/request-allowances/{user_id:str}", sync_to_thread=True, summary="Change a person's request allowances")
def change_allowances(
    database: DatabaseDep, caller: CallerDep, user_id: FromPath[str], data: JSONBody[AllowanceShape]
) -> list[AllowanceShape]:
    """Set the quota, approval and defaults of a person for one type."""
    allowance = Allowance(
        type=data.type, quota=data.quota, most=data.limit, days=data.days, auto_approve=data.auto_approve
    )
    with contradictions(), database.writes() as session:
        requests.quotas.change_allowance(session, caller, clock.now(), user_id, allowance)
        defaults = settings.person_defaults.Defaults(data.library_path_id, data.profile_id)
        settings.person_defaults.change_defaults(session, caller, user_id, data.type, defaults)
        return _allowances(session, caller, user_id)


@get("/problems", sync_to_thread=True, summary="List problems")
def list_problems(
    database: DatabaseDep,
    caller: CallerDep,
    wanted_state: Annotated[requests.problems.ProblemState | None, QueryParameter(name="state")] = None,
    media_id: Id = None,
    mine: FromQuery[bool] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ProblemShape]:
    """Return reported problems, newest first."""
    with database.reads() as session:
        lines, following = requests.problems.list_problems(
            session,
            caller,
            state=wanted_state,
            item_id=media_id or None,
            mine=mine,
            cursor=cursor or None,
            limit=limit,
        )
    return Page(items=[_problem(line) for line in lines], next_cursor=following)


@post("/problems", sync_to_thread=True, summary="Report a problem")
def report_problem(database: DatabaseDep, caller: CallerDep, data: JSONBody[ProblemToReport]) -> ProblemShape:
    """Report a problem with a title, a season or an episode."""
    new = requests.problems.NewProblem(
        item_id=data.media_id,
        kind=data.kind,
        text=data.text,
        season_number=data.season,
        episode_number=data.episode,
    )
    with contradictions(), database.writes() as session:
        problem_id = requests.problems.report(session, caller, clock.now(), new).id
    return _read_problem(database, caller, problem_id)


@get("/problems/{problem_id:str}", sync_to_thread=True, summary="Get a problem")
def get_problem(database: DatabaseDep, caller: CallerDep, problem_id: FromPath[str]) -> ProblemShape:
    """Return a problem with its comments."""
    return _read_problem(database, caller, problem_id)


@post("/problems/{problem_id:str}/comments", sync_to_thread=True, summary="Comment on a problem")
def comment(
    database: DatabaseDep, caller: CallerDep, problem_id: FromPath[str], data: JSONBody[NewComment]
) -> ProblemShape:
    """Add a comment."""
    with contradictions(), database.writes() as session:
        requests.problems.comment(session, caller, clock.now(), problem_id, data.text)
    return _read_problem(database, caller, problem_id)


@post("/problems/{problem_id:str}/resolve", sync_to_thread=True, status_code=200, summary="Resolve a problem")
def resolve_problem(database: DatabaseDep, caller: CallerDep, problem_id: FromPath[str]) -> ProblemShape:
    """Mark a problem as resolved. Files that wait for a replacement are kept."""
    with database.writes() as session:
        downloads.replacing.resolve(session, caller, clock.now(), problem_id)
    return _read_problem(database, caller, problem_id)


@post("/problems/{problem_id:str}/reopen", sync_to_thread=True, status_code=200, summary="Reopen a problem")
def reopen_problem(database: DatabaseDep, caller: CallerDep, problem_id: FromPath[str]) -> ProblemShape:
    """Open a resolved problem again."""
    with database.writes() as session:
        requests.problems.reopen(session, caller, clock.now(), problem_id)
    return _read_problem(database, caller, problem_id)


@post("/problems/{problem_id:str}/replace", sync_to_thread=True, status_code=200, summary="Replace faulty files")
def replace_files(database: DatabaseDep, caller: CallerDep, problem_id: FromPath[str]) -> ProblemShape:
    """Blocklist the releases of the files and search for others; the files stay until another release is imported."""
    with database.writes() as session:
        downloads.replacing.request_replacement(session, caller, clock.now(), problem_id)
    return _read_problem(database, caller, problem_id)


def _wanted(database: Database, outside: Outside, caller: Caller, type: MediaType, ids: metadata.Ids) -> WantedTitle:
    return requests.look_up(outside, caller, type, ids, language=settings.of(database).metadata.language)


def _tagged(database: Database, caller: Caller, request_id: str) -> Response[RequestShape]:
    with database.reads() as session:
        told = _request(requests.get_request(session, caller, request_id))
    return Response(told, headers={"ETag": answers.tag_of(told)})


def _require_match(request: WebRequest, session: Session, caller: Caller, request_id: str) -> None:
    """Refuse a decision on a state that is no longer the present one, in the transaction of the decision."""
    if "if-match" in request.headers:
        answers.require_match(request, answers.tag_of(_request(requests.get_request(session, caller, request_id))))


def _read_problem(database: Database, caller: Caller, problem_id: str) -> ProblemShape:
    with database.reads() as session:
        return _problem(requests.problems.get_problem(session, caller, problem_id))


def _person(one: requests.people.Person) -> PersonShape:
    return PersonShape(id=one.id, name=one.name)


def _blocked(one: requests.blocking.Blocked) -> BlockedTitleShape:
    row = one.row
    return BlockedTitleShape(
        id=row.id,
        type=row.type,
        title=row.title,
        year=row.year,
        tmdb_id=row.tmdb_id,
        tvdb_id=row.tvdb_id,
        imdb_id=row.imdb_id,
        reason=row.reason,
        blocked_by=_person(one.by) if one.by else None,
        created_at=row.created_at,
    )


def _why(stored: dict[str, Any]) -> Why:
    return Why(code=stored.get("code"), facts=dict(stored.get("facts") or {}), text=say(stored))


def _request(line: requests.RequestLine) -> RequestShape:
    row = line.row
    return RequestShape(
        id=row.id,
        type=row.type,
        title=row.title,
        year=row.year,
        tmdb_id=row.tmdb_id,
        tvdb_id=row.tvdb_id,
        imdb_id=row.imdb_id,
        media_id=row.media_item_id,
        state=row.state,
        seasons=[
            RequestSeasonShape(
                number=one.number,
                state=one.state,
                episodes_held=one.episodes_held,
                episodes_total=one.episodes_total,
            )
            for one in line.seasons
        ],
        asker=_person(line.asker),
        followers=[_person(one) for one in line.followers],
        decided_by=_person(line.decided_by) if line.decided_by else None,
        decided_at=row.decided_at,
        automatic=row.automatic,
        because=_why(row.because) if row.because else None,
        reason=row.reason,
        profile_id=row.choices.get("profile_id"),
        library_path_id=row.choices.get("library_path_id"),
        tags=list(row.choices.get("tags") or ()),
        explanation=[_why(one) for one in row.explanation],
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _quota(one: requests.quotas.Quota) -> QuotaShape:
    return QuotaShape(type=one.type, limit=one.most, days=one.days, used=one.used, left=one.left)


def _rule(row: requests.rules.RequestRule) -> RuleShape:
    return RuleShape(
        id=row.id,
        name=row.name,
        enabled=row.enabled,
        type=row.type,
        user_ids=list(row.user_ids),
        genres=list(row.genres),
        languages=list(row.languages),
        keywords=list(row.keywords),
        profile_id=row.profile_id,
        library_path_id=row.library_path_id,
        tags=list(row.tags),
        approves=row.approves,
    )


def _new_rule(data: RuleToStore) -> NewRule:
    return NewRule(
        name=data.name,
        enabled=data.enabled,
        conditions=Conditions(
            type=data.type,
            user_ids=tuple(data.user_ids),
            genres=tuple(data.genres),
            languages=tuple(data.languages),
            keywords=tuple(data.keywords),
        ),
        profile_id=data.profile_id,
        library_path_id=data.library_path_id,
        tags=tuple(data.tags),
        approves=data.approves,
    )


def _allowances(session: Any, caller: Caller, user_id: str) -> list[AllowanceShape]:
    defaults = settings.person_defaults.defaults_of(session, caller, user_id)
    return [
        AllowanceShape(
            type=kind,
            quota=own.quota,
            limit=own.most,
            days=own.days,
            auto_approve=own.auto_approve,
            profile_id=defaults[kind].profile_id,
            library_path_id=defaults[kind].library_path_id,
        )
        for kind, own in requests.quotas.allowances_of(session, caller, user_id).items()
    ]


def _problem(line: requests.problems.ProblemLine) -> ProblemShape:
    row = line.row
    return ProblemShape(
        id=row.id,
        media_id=row.media_item_id,
        title=line.title,
        kind=row.kind,
        season=row.season_number,
        episode=row.episode_number,
        state=row.state,
        replacing_since=row.replacing_since,
        reporter=_person(line.reporter),
        resolved_by=_person(line.resolved_by) if line.resolved_by else None,
        resolved_at=row.resolved_at,
        comments=[Said(by=_person(one.by), text=one.text, at=one.at) for one in line.comments],
        created_at=row.created_at,
    )


ROUTES: tuple[Any, ...] = (
    list_requests,
    ask,
    offer,
    quotas,
    decide_many,
    get_request,
    withdraw,
    approve,
    decline,
    retry,
    list_blocked_titles,
    get_blocked_title,
    block_title,
    unblock_title,
    list_rules,
    get_rule,
    add_rule,
    change_rule,
    remove_rule,
    get_allowances,
    change_allowances,
    list_problems,
    report_problem,
    get_problem,
    comment,
    resolve_problem,
    reopen_problem,
    replace_files,
)
