"""Queries the indexers for a search and records the result of each one on the search's row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from mydia.adapters.indexers import Indexer, IndexerAnswer, IndexerRelease, Query, ask_each
from mydia.adapters.outside import Outside
from mydia.contexts import settings
from mydia.contexts.downloads.models import Search, SearchCause
from mydia.db import get

# A user waits for the result. Source: reference/ui.md, 8c.
DEADLINE_S = 25.0
_WORKERS = 8
# States of an indexer on a search in which it still has to be queried.
_OPEN = frozenset({"searching", "retry"})


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """The indexers of one run of a search."""

    choices: tuple[settings.indexers.IndexerChoice, ...]
    """Those to query now."""
    resting: tuple[settings.indexers.IndexerChoice, ...]
    """Those that are skipped until their back-off or limit ends."""
    backlog: bool = False
    """Whether it is a search that can wait, which leaves a part of each limit to others."""


def plan_round(
    search: Search, choices: Sequence[settings.indexers.IndexerChoice], now: datetime, *, interactive: bool
) -> Round:
    """Return the indexers to query: at first all, later those that have not answered or are marked for a retry.

    Args:
        choices: The indexers that are configured for this kind of search.
        interactive: Whether a user started the search.
    """
    states = {str(entry["id"]): str(entry["state"]) for entry in search.indexers}
    missing = [choice for choice in choices if states.get(choice.row.id, "searching") in _OPEN]
    by_person = interactive or "retry" in states.values()
    backlog = search.cause is SearchCause.BACKLOG
    resting = tuple(choice for choice in missing if _rests(choice, now, by_person=by_person, backlog=backlog))
    open_ = tuple(choice for choice in missing if choice not in resting)
    return Round(choices=open_, resting=resting, backlog=backlog)


def record_round(session: Session, search_id: str, asked: Round) -> None:
    """Record on the search which indexers are queried and which are skipped."""
    entries = [_entry(choice, "searching") for choice in asked.choices]
    for choice in asked.resting:
        entry, status = _entry(choice, "skipped"), choice.status
        if until := choice.use.full_until(choice.row.options, backlog=asked.backlog):
            entry |= {"error": "Its limit of queries is used up", "code": "limited", "until": until.isoformat()}
        elif status is not None:
            until = status.disabled_until
            entry |= {
                "error": status.last_error,
                "code": status.last_error_code,
                "until": None if until is None else until.isoformat(),
            }
        entries.append(entry)
    _merge(session, search_id, entries)


def record_answer(
    session: Session, search_id: str, choice: settings.indexers.IndexerChoice, answer: IndexerAnswer
) -> None:
    """Record the result of an indexer on the search."""
    failure = answer.failure
    entry = _entry(choice, "ok" if failure is None else "failed")
    entry |= {"found": len(answer.releases), "ms": round(answer.took_s * 1000)}
    if failure is not None:
        entry |= {"error": failure.cause, "code": failure.code}
    _merge(session, search_id, [entry])


def ask(
    outside: Outside, asked: Round, queries: Sequence[Query], *, cancelled: Callable[[], bool]
) -> Iterator[tuple[settings.indexers.IndexerChoice, IndexerAnswer]]:
    """Query the indexers concurrently and yield each result as it arrives.

    Args:
        queries: Best first; an indexer gets the next one only if it found nothing with the one before.
        cancelled: Polled while waiting; ends the wait for indexers that haven't answered.
    """

    def search(indexer: Indexer) -> Sequence[IndexerRelease]:
        for query in queries:
            if found := indexer.search(query):
                return found
        return ()

    adapters = [outside.indexer(choice.connection) for choice in asked.choices]
    choice_of = {adapter.connection.id: choice for adapter, choice in zip(adapters, asked.choices, strict=True)}
    for answer in ask_each(adapters, search, deadline_s=DEADLINE_S, workers=_WORKERS, cancelled=cancelled):
        yield choice_of[answer.connection.id], answer


def close_round(search: Search) -> None:
    """Mark indexers that haven't answered as failed; those marked for a retry wait for the next run."""
    search.indexers = [
        {**entry, "state": "failed", "error": "The search was stopped", "code": "stopped"}
        if entry["state"] == "searching"
        else entry
        for entry in search.indexers
    ]


def is_open(search: Search) -> bool:
    """Return whether an indexer still has to be queried."""
    return any(entry["state"] in _OPEN for entry in search.indexers)


def counts(search: Search) -> tuple[int, int]:
    """Return (indexers queried, indexers that failed)."""
    states = [str(entry["state"]) for entry in search.indexers]
    return sum(state in ("ok", "failed") for state in states), states.count("failed")


def _entry(choice: settings.indexers.IndexerChoice, state: str) -> dict[str, Any]:
    facts: dict[str, Any] = {"id": choice.row.id, "name": choice.row.name, "state": state}
    return facts | {"found": 0, "ms": None, "error": None, "code": None}


def _merge(session: Session, search_id: str, entries: Sequence[dict[str, Any]]) -> None:
    """Replace the entries of these indexers and keep the others, such as one that was marked for a retry meanwhile."""
    search = get(session, Search, search_id, what="This search")
    fresh = {entry["id"]: entry for entry in entries}
    kept = [fresh.pop(str(entry["id"]), entry) for entry in search.indexers]
    search.indexers = [*kept, *fresh.values()]


def _rests(choice: settings.indexers.IndexerChoice, now: datetime, *, by_person: bool, backlog: bool) -> bool:
    """Return whether to skip an indexer. A user may query one that failed, but not one whose limit is used up."""
    if choice.use.full_until(choice.row.options, backlog=backlog) is not None:
        return True
    if not settings.services.is_resting(choice.status, now):
        return False
    return not by_person or (choice.status is not None and choice.status.last_error_code == "limited")
