"""Names of the people of requests."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts.users import User


class Person(msgspec.Struct, frozen=True):
    """A person's name; the account may be gone."""

    id: str | None
    name: str
    avatar_url: str | None = None


GONE = Person(None, "A removed account")


def names_of(session: Session, user_ids: Iterable[str | None]) -> dict[str, Person]:
    """Return id -> name of accounts, without checking permissions; for use in this package only."""
    wanted = {id_ for id_ in user_ids if id_}
    rows = session.execute(
        select(User.id, User.display_name, User.username, User.avatar_url).where(User.id.in_(wanted))
    )
    return {id_: Person(id_, shown or username, avatar) for id_, shown, username, avatar in rows}
