"""What a title's page shows of its requests and problems."""

from __future__ import annotations

import msgspec
from sqlalchemy.orm import Session

from mydia.contexts import media, metadata, requests
from mydia.contexts.users import Caller, Permission
from mydia.vocabulary import MediaType
from mydia.web.pages.requests.asking import number_of
from mydia.web.pages.requests.problems import ProblemShown, problem_shown
from mydia.web.pages.requests.shown import Shown, shown


class OnTitle(msgspec.Struct, frozen=True, kw_only=True):
    """The requests and problems of a title that its viewer may see."""

    requests: tuple[Shown, ...]
    problems: tuple[ProblemShown, ...]
    ask_href: str | None
    """The dialog that requests it; None for those who add titles themselves, and for what is available."""
    report_href: str | None
    blocked: str | None = None
    """Why the title cannot be requested; empty if no reason was given, None if it can be."""


NOTHING = OnTitle(requests=(), problems=(), ask_href=None, report_href=None)


def on_title(session: Session, caller: Caller, item: media.MediaItem) -> OnTitle:
    """Return what the page of a title shows."""
    if not caller.can(Permission.REQUEST):
        return NOTHING
    lines = requests.listing.of_item(session, caller, item.id)
    open_requests = tuple(shown(line, caller) for line in lines)
    ids = metadata.Ids(item.tmdb_id, item.tvdb_id, item.imdb_id)
    number = number_of(ids)
    film = item.type == MediaType.MOVIE
    whole = item.files_count > 0 if film else item.state in ("available", "upgradable")
    asked = film and any(one.mine or one.followed for one in open_requests)
    can_ask = bool(number) and not whole and not asked and not caller.can(Permission.MANAGE_MEDIA)
    entry = requests.blocking.find_blocked(session, caller, item.type, ids) if can_ask else None
    return OnTitle(
        requests=open_requests,
        problems=tuple(problem_shown(line, caller) for line in requests.problems.of_item(session, caller, item.id)),
        ask_href=f"/requests/new/{item.type}/{number}" if can_ask and entry is None else None,
        report_href=f"/problems/new?item_id={item.id}" if item.files_count else None,
        blocked=None if entry is None else entry.reason or "",
    )
