"""Rules: which profile, folder and tags a request gets, and whether it is approved automatically."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts import settings
from mydia.contexts.requests.models import RequestRule
from mydia.contexts.users import Caller, Permission, User
from mydia.db import get
from mydia.errors import Invalid
from mydia.events import SettingsArea, SettingsChanged, emit
from mydia.vocabulary import MediaType

__all__ = [
    "Conditions",
    "NewRule",
    "RequestRule",
    "RuleFacts",
    "add_rule",
    "change_rule",
    "choose",
    "get_rule",
    "list_rules",
    "remove_rule",
]


class RuleFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the conditions of rules are compared with."""

    asker_id: str | None
    type: MediaType
    genres: tuple[str, ...]
    language: str | None
    keywords: tuple[str, ...]


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """The conditions of one rule. An empty one is met by every request."""

    type: MediaType | None = None
    user_ids: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()

    def met(self, facts: RuleFacts) -> tuple[str, ...] | None:
        """Return the conditions that the request meets, in words such as `genre`; None if it misses one.

        >>> anime = RuleFacts(asker_id="1", type=MediaType.TV_SHOW, genres=("Animation",), language="ja", keywords=("anime",))
        >>> Conditions(languages=("ja",), keywords=("Anime",)).met(anime)
        ('language', 'keyword')
        >>> Conditions(genres=("Horror",)).met(anime) is None
        True
        """
        checks = (
            ("type", bool(self.type), self.type == facts.type),
            ("person", bool(self.user_ids), facts.asker_id in self.user_ids),
            ("genre", bool(self.genres), _share(self.genres, facts.genres)),
            ("language", bool(self.languages), _share(self.languages, (facts.language or "",))),
            ("keyword", bool(self.keywords), _share(self.keywords, facts.keywords)),
        )
        if not all(is_met for _, is_set, is_met in checks if is_set):
            return None
        return tuple(name for name, is_set, _ in checks if is_set)


class NewRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as it is stored."""

    name: str
    enabled: bool = True
    conditions: Conditions = Conditions()
    profile_id: str | None = None
    library_path_id: str | None = None
    tags: tuple[str, ...] = ()
    approves: bool | None = None


class ChosenRule(msgspec.Struct, frozen=True):
    """The rule that applies to a request, and the conditions it meets."""

    rule: RequestRule
    conditions: tuple[str, ...]


def choose(rules: Iterable[RequestRule], facts: RuleFacts) -> ChosenRule | None:
    """Return the rule with the most conditions among those that the request meets; of equal ones, the oldest."""
    fitting = [
        ChosenRule(rule, conditions)
        for rule in rules
        if rule.enabled and (conditions := conditions_of(rule).met(facts)) is not None
    ]
    return max(fitting, key=lambda one: len(one.conditions), default=None)


def conditions_of(rule: RequestRule) -> Conditions:
    """Return a stored rule's conditions."""
    return Conditions(
        type=rule.type,
        user_ids=tuple(rule.user_ids),
        genres=tuple(rule.genres),
        languages=tuple(rule.languages),
        keywords=tuple(rule.keywords),
    )


def list_rules(session: Session, caller: Caller) -> list[RequestRule]:
    """Return all rules, the oldest first. A household has few, so the list is not paged."""
    caller.require(Permission.MANAGE_SETTINGS)
    return rules_in_order(session)


def rules_in_order(session: Session) -> list[RequestRule]:
    """Return all rules without checking permissions; for use in this package only."""
    return list(session.scalars(select(RequestRule).order_by(RequestRule.created_at, RequestRule.id)))


def get_rule(session: Session, caller: Caller, rule_id: str) -> RequestRule:
    """Return a rule. Raises NotFound."""
    caller.require(Permission.MANAGE_SETTINGS)
    return get(session, RequestRule, rule_id, what="This rule")


def add_rule(session: Session, caller: Caller, now: datetime, new: NewRule) -> RequestRule:
    """Add a rule.

    Raises:
        Invalid: It has no name, the profile or folder does not exist, or it changes nothing.

    Emits: SettingsChanged.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    values = _checked(session, caller, new)
    row = RequestRule(**values, created_at=now)
    session.add(row)
    session.flush()
    _tell(session, caller, row.name, {"rule": [None, row.name]}, now)
    return row


def change_rule(session: Session, caller: Caller, now: datetime, rule_id: str, new: NewRule) -> RequestRule:
    """Replace a rule; requests that were decided before stay as they are. Raises and emits as `add_rule`."""
    caller.require(Permission.MANAGE_SETTINGS)
    row = get(session, RequestRule, rule_id, what="This rule")
    changed: dict[str, list[object]] = {}
    for name, value in _checked(session, caller, new).items():
        if getattr(row, name) != value:
            changed[name] = [getattr(row, name), value]
            setattr(row, name, value)
    if changed:
        _tell(session, caller, row.name, changed, now)
    return row


def remove_rule(session: Session, caller: Caller, now: datetime, rule_id: str) -> None:
    """Remove a rule. Emits: SettingsChanged."""
    caller.require(Permission.MANAGE_SETTINGS)
    row = get(session, RequestRule, rule_id, what="This rule")
    session.delete(row)
    _tell(session, caller, row.name, {"rule": [row.name, None]}, now)


def _checked(session: Session, caller: Caller, new: NewRule) -> dict[str, Any]:
    """Return the columns of a rule."""
    name = " ".join(new.name.split())[:80]
    if not name:
        raise Invalid("Give the rule a name.", fields={"name": "Enter a name."})
    if new.profile_id is not None:
        settings.profiles.get_profile(session, caller, new.profile_id)
    if new.library_path_id is not None:
        path = settings.library_paths.get_library_path(session, caller, new.library_path_id)
        settings.library_paths.check_type(path, new.conditions.type)
    if not any((new.profile_id, new.library_path_id, new.tags, new.approves is not None)):
        raise Invalid("Choose what the rule does: a profile, a folder, tags, or whether it approves.")
    known = set(session.scalars(select(User.id).where(User.id.in_(new.conditions.user_ids))))
    if strangers := set(new.conditions.user_ids) - known:
        raise Invalid(f"{len(strangers)} of the chosen people have no account.", fields={"user_ids": "Choose again."})
    for tag in new.tags:
        if len(tag) > settings.tags.LONGEST:
            raise Invalid("A tag is too long.", fields={"tags": f"At most {settings.tags.LONGEST} characters."})
    return {
        "name": name,
        "enabled": new.enabled,
        "type": new.conditions.type,
        "user_ids": list(new.conditions.user_ids),
        "genres": list(new.conditions.genres),
        "languages": [code.lower() for code in new.conditions.languages],
        "keywords": list(new.conditions.keywords),
        "profile_id": new.profile_id,
        "library_path_id": new.library_path_id,
        "tags": list(new.tags),
        "approves": new.approves,
    }


def _share(wanted: Sequence[str], present: Sequence[str]) -> bool:
    return not {one.casefold() for one in wanted}.isdisjoint(one.casefold() for one in present)


def _tell(session: Session, caller: Caller, name: str, changed: dict[str, list[object]], now: datetime) -> None:
    emit(session, caller, SettingsChanged(f"request rule “{name}”", changed, SettingsArea.REQUESTS), at=now)
