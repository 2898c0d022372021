"""Problems that people report with a title, such as a wrong audio track in one episode, with comments until they are resolved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from mydia.contexts import media
from mydia.contexts.requests.models import Problem, ProblemComment, ProblemKind, ProblemState
from mydia.contexts.requests.people import GONE, Person, names_of
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import cursor_id, cursor_instant, decode_cursor, encode_cursor, get
from mydia.errors import Forbidden, Invalid, NotFound
from mydia.events import ProblemClosed, ProblemCommented, ProblemReported, emit
from mydia.vocabulary import MediaType

__all__ = [
    "NewProblem",
    "Problem",
    "ProblemKind",
    "ProblemLine",
    "ProblemState",
    "comment",
    "get_problem",
    "list_problems",
    "of_item",
    "open_count",
    "reopen",
    "report",
    "resolve",
]

LONGEST_TEXT = 2_000


class NewProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem as it is reported."""

    item_id: str
    kind: ProblemKind
    text: str = ""
    season_number: int | None = None
    episode_number: int | None = None


class Said(msgspec.Struct, frozen=True):
    """One comment."""

    by: Person
    text: str
    at: datetime


class ProblemLine(msgspec.Struct, frozen=True, kw_only=True):
    """A problem with what pages show."""

    row: Problem
    title: str
    type: MediaType
    reporter: Person
    resolved_by: Person | None
    comments: tuple[Said, ...]

    @property
    def place(self) -> str:
        """`S02E03`, `S02`, or empty for the whole title."""
        return place_of(self.row.season_number, self.row.episode_number)


def place_of(season: int | None, episode: int | None) -> str:
    """Return a season or episode in short form.

    >>> place_of(2, 3), place_of(2, None), place_of(None, None)
    ('S02E03', 'S02', '')
    """
    if season is None:
        return ""
    return f"S{season:02}" if episode is None else f"S{season:02}E{episode:02}"


def report(session: Session, caller: Caller, now: datetime, new: NewProblem) -> Problem:
    """Report a problem with a title, a season or an episode.

    Raises:
        NotFound: The title is not in the library.
        Invalid: It has no such season or episode, or a problem of the kind “other” is not described.

    Emits: ProblemReported.
    """
    caller.require(Permission.REQUEST)
    if caller.id is None:
        raise Invalid("Problems are reported by accounts.")
    item = get(session, media.MediaItem, new.item_id, what="This title")
    _check_place(session, caller, item, new)
    text = _checked_text(new.text, needed=new.kind == ProblemKind.OTHER)
    row = Problem(
        media_item_id=item.id,
        reporter_id=caller.id,
        kind=new.kind,
        season_number=new.season_number,
        episode_number=new.episode_number,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    if text:
        session.add(ProblemComment(problem_id=row.id, author_id=caller.id, text=text, at=now))
    event = ProblemReported(
        problem_id=row.id,
        media_item_id=item.id,
        title=item.title,
        kind=row.kind,
        place=place_of(row.season_number, row.episode_number),
    )
    emit(session, caller, event, at=now)
    return row


def comment(session: Session, caller: Caller, now: datetime, problem_id: str, text: str) -> None:
    """Add a comment. Emits: ProblemCommented."""
    caller.require(Permission.REQUEST)
    row = get(session, Problem, problem_id, what="This problem")
    session.add(ProblemComment(problem_id=row.id, author_id=caller.id, text=_checked_text(text, needed=True), at=now))
    row.updated_at = now
    emit(session, caller, ProblemCommented(row.id, row.media_item_id, _title(session, row)), at=now)


def resolve(session: Session, caller: Caller, now: datetime, problem_id: str) -> Problem:
    """Mark a problem as resolved; the person who reported it may do so too. Emits: ProblemClosed."""
    row = _own_or_managed(session, caller, problem_id)
    if row.state == ProblemState.OPEN:
        _close(session, caller, now, row, automatic=False)
    return row


def reopen(session: Session, caller: Caller, now: datetime, problem_id: str) -> Problem:
    """Open a resolved problem again. Emits: ProblemClosed."""
    row = _own_or_managed(session, caller, problem_id)
    if row.state == ProblemState.OPEN:
        return row
    row.state, row.resolved_at, row.resolved_by, row.updated_at = ProblemState.OPEN, None, None, now
    _tell(session, caller, now, row, automatic=False)
    return row


def start_replacing(session: Session, caller: Caller, now: datetime, problem_id: str) -> Problem:
    """Record that the files of a problem are being replaced; the downloads context marks them and searches."""
    caller.require(Permission.MANAGE_REQUESTS)
    row = get(session, Problem, problem_id, what="This problem")
    row.replacing_since, row.updated_at = now, now
    return row


def replacing(session: Session) -> list[Problem]:
    """Return the open problems whose files are being replaced."""
    query = select(Problem).where(Problem.state == ProblemState.OPEN, Problem.replacing_since.is_not(None))
    return list(session.scalars(query))


def close_replaced(session: Session, now: datetime, problem_id: str) -> None:
    """Resolve a problem because its files were replaced. Emits: ProblemClosed."""
    row = get(session, Problem, problem_id, what="This problem")
    if row.state == ProblemState.OPEN:
        _close(session, SYSTEM, now, row, automatic=True)


def list_problems(
    session: Session,
    caller: Caller,
    *,
    state: ProblemState | None = None,
    item_id: str | None = None,
    mine: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[list[ProblemLine], str | None]:
    """Return problems, newest first, and the next page's cursor. Everybody who may report problems sees all of them."""
    caller.require(Permission.REQUEST)
    query = select(Problem).order_by(Problem.created_at.desc(), Problem.id.desc()).limit(limit + 1)
    if state is not None:
        query = query.where(Problem.state == state)
    if item_id is not None:
        query = query.where(Problem.media_item_id == item_id)
    if mine:
        query = query.where(Problem.reporter_id == caller.id)
    if after := decode_cursor(cursor, 2):
        place = (cursor_instant(after[0]), cursor_id(after[1]))
        query = query.where(tuple_(Problem.created_at, Problem.id) < place)
    rows = list(session.scalars(query))
    following = encode_cursor(rows[limit - 1].created_at.isoformat(), rows[limit - 1].id) if len(rows) > limit else None
    return _lines(session, rows[:limit]), following


def get_problem(session: Session, caller: Caller, problem_id: str) -> ProblemLine:
    """Return a problem with its comments. Raises NotFound."""
    caller.require(Permission.REQUEST)
    return _lines(session, [get(session, Problem, problem_id, what="This problem")])[0]


def of_item(session: Session, caller: Caller, item_id: str) -> list[ProblemLine]:
    """Return the open problems of a title, for its page."""
    return list_problems(session, caller, state=ProblemState.OPEN, item_id=item_id)[0]


def open_count(session: Session, caller: Caller) -> int:
    """Return how many problems are open."""
    caller.require(Permission.REQUEST)
    return session.scalar(select(func.count()).where(Problem.state == ProblemState.OPEN)) or 0


def _own_or_managed(session: Session, caller: Caller, problem_id: str) -> Problem:
    caller.require(Permission.REQUEST)
    row = get(session, Problem, problem_id, what="This problem")
    if not caller.can(Permission.MANAGE_REQUESTS) and (caller.id is None or row.reporter_id != caller.id):
        raise Forbidden("Only the person who reported it, or someone who decides requests, can do that.")
    return row


def _close(session: Session, caller: Caller, now: datetime, row: Problem, *, automatic: bool) -> None:
    row.state, row.resolved_at, row.resolved_by, row.updated_at = ProblemState.RESOLVED, now, caller.id, now
    row.replacing_since = None
    _tell(session, caller, now, row, automatic=automatic)


def _tell(session: Session, caller: Caller, now: datetime, row: Problem, *, automatic: bool) -> None:
    event = ProblemClosed(
        problem_id=row.id,
        media_item_id=row.media_item_id,
        title=_title(session, row),
        resolved=row.state == ProblemState.RESOLVED,
        automatic=automatic,
    )
    emit(session, caller, event, at=now)


def _title(session: Session, row: Problem) -> str:
    return session.scalar(select(media.MediaItem.title).where(media.MediaItem.id == row.media_item_id)) or ""


def _check_place(session: Session, caller: Caller, item: media.MediaItem, new: NewProblem) -> None:
    if new.season_number is None:
        if new.episode_number is not None:
            raise Invalid("Choose the season too.", fields={"season_number": "Choose a season."})
        return
    if item.type == MediaType.MOVIE:
        raise Invalid("Movies have no seasons.", fields={"season_number": "Only shows have seasons."})
    numbers = {
        ref.episode_number
        for ref in media.episodes.episodes_of(session, caller, item.id, season_number=new.season_number)
    }
    if not numbers:
        raise Invalid(f"{item.title} has no season {new.season_number}.", fields={"season_number": "Choose a season."})
    if new.episode_number is not None and new.episode_number not in numbers:
        raise NotFound(f"{item.title} has no episode {place_of(new.season_number, new.episode_number)}.")


def _checked_text(text: str, *, needed: bool) -> str:
    cleaned = text.strip()
    if needed and not cleaned:
        raise Invalid("Say what is wrong.", fields={"text": "Say what is wrong."})
    if len(cleaned) > LONGEST_TEXT:
        raise Invalid("The text is too long.", fields={"text": f"At most {LONGEST_TEXT} characters."})
    return cleaned


def _lines(session: Session, rows: Sequence[Problem]) -> list[ProblemLine]:
    """Return rows with their titles, people and comments, in three reads for all of them."""
    item = media.MediaItem
    titles = {
        id_: (title, type_)
        for id_, title, type_ in session.execute(
            select(item.id, item.title, item.type).where(item.id.in_({row.media_item_id for row in rows}))
        )
    }
    comments = session.scalars(
        select(ProblemComment)
        .where(ProblemComment.problem_id.in_([row.id for row in rows]))
        .order_by(ProblemComment.at, ProblemComment.id)
    ).all()
    named = names_of(
        session,
        [
            *(row.reporter_id for row in rows),
            *(row.resolved_by for row in rows),
            *(one.author_id for one in comments),
        ],
    )
    by_problem: dict[str, list[Said]] = {row.id: [] for row in rows}
    for one in comments:
        by_problem[one.problem_id].append(Said(named.get(one.author_id or "", GONE), one.text, one.at))
    return [
        ProblemLine(
            row=row,
            title=titles[row.media_item_id][0],
            type=titles[row.media_item_id][1],
            reporter=named.get(row.reporter_id or "", GONE),
            resolved_by=named.get(row.resolved_by) if row.resolved_by else None,
            comments=tuple(by_problem[row.id]),
        )
        for row in rows
        if row.media_item_id in titles
    ]
