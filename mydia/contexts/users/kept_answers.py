"""Answers to requests with an `Idempotency-Key`, so that a repeated request gets the first answer instead of acting twice.

Only successful answers are kept: a request that failed changed nothing and may run again. Bodies are sealed, because they can
contain new keys and links.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from mydia.contexts.users.models import KeptAnswer
from mydia.errors import Conflict, Invalid
from mydia.secret import Sealer

KEPT_FOR = timedelta(hours=24)
MOST_KEPT = 5_000
"""Answers of all callers together; the oldest is dropped."""
LONGEST = 256 * 2**10
"""Characters of a body that is kept."""


class Answer(msgspec.Struct, frozen=True):
    """An answer to send again."""

    status: int
    headers: list[tuple[str, str]]
    body: str


class Running(Conflict):
    """The first request with this key has no answer yet."""

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still running. Wait, then send it again.")


class AnotherRequest(Invalid):
    """The key was used for something else."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request. Use a new key for each.")


def begin(
    session: Session, sealer: Sealer, now: datetime, *, key_hash: str, request_hash: str, process: str
) -> Answer | None:
    """Return the answer that is kept for a key, or None and record that the request runs.

    If the process that ran the first request has ended, whether it took effect is unknown, and the request runs again.

    Args:
        key_hash: Of the key and the credential.
        request_hash: Of method, address and body.
        process: Id of the present process.

    Raises:
        AnotherRequest: The key belongs to a request with another hash.
        Running: The first request has not been answered.
        Conflict: Its answer was too long to be kept.
    """
    prune(session, now)
    row = session.scalar(select(KeptAnswer).where(KeptAnswer.key_hash == key_hash))
    if row is None:
        _make_room(session)
        session.add(KeptAnswer(key_hash=key_hash, request_hash=request_hash, process=process, started_at=now))
        return None
    if row.request_hash != request_hash:
        raise AnotherRequest
    if row.status is None:
        if row.process == process:
            raise Running
        row.process, row.started_at = process, now
        return None
    if row.sealed_body is None:
        raise Conflict("This request has succeeded before; its answer was too long to be kept.")
    headers = [(str(name), str(value)) for name, value in row.headers]
    return Answer(row.status, headers, sealer.open(row.sealed_body).reveal())


def keep(session: Session, sealer: Sealer, key_hash: str, answer: Answer) -> None:
    """Keep the answer of a request that has succeeded."""
    sealed = sealer.seal(answer.body) if len(answer.body) <= LONGEST else None
    session.execute(
        update(KeptAnswer)
        .where(KeptAnswer.key_hash == key_hash)
        .values(status=answer.status, headers=[list(one) for one in answer.headers], sealed_body=sealed)
    )


def forget(session: Session, key_hash: str) -> None:
    """Forget a request that has failed."""
    session.execute(delete(KeptAnswer).where(KeptAnswer.key_hash == key_hash, KeptAnswer.status.is_(None)))


def prune(session: Session, now: datetime) -> None:
    """Delete what is older than a day."""
    session.execute(delete(KeptAnswer).where(KeptAnswer.started_at < now - KEPT_FOR))


def _make_room(session: Session) -> None:
    surplus = session.scalars(select(func.count()).select_from(KeptAnswer)).one() + 1 - MOST_KEPT
    if surplus > 0:
        oldest = select(KeptAnswer.id).order_by(KeptAnswer.started_at, KeptAnswer.id).limit(surplus)
        session.execute(delete(KeptAnswer).where(KeptAnswer.id.in_(oldest)))
