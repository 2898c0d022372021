"""Release profiles: terms that names must, must not or should contain. Terms are plain text, or `/…/` for an expression."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts.settings.current import Known, source_of
from mydia.contexts.settings.formats.patterns import PatternSet
from mydia.contexts.settings.formats.patterns import check as check_pattern
from mydia.contexts.settings.models import IndexerRow
from mydia.contexts.settings.models import ReleaseProfile as Row
from mydia.contexts.settings.rules.tagged import ids_of, names_of
from mydia.contexts.users import Caller, Permission
from mydia.db import VERSION, get
from mydia.errors import Invalid
from mydia.events import SettingsArea, SettingsChanged, emit

MOST_TERMS = 200
"""Terms of one list."""
LONGEST_TERM = 1_000
MOST_SCORE = 1_000_000
_MOST_GRACE_DAYS = 365
# Characters with a meaning in an expression.
_SPECIAL = frozenset(r"\^$.|?*+()[]{}#")


class TermProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Terms, and the titles and indexer that they apply to."""

    id: str
    name: str
    enabled: bool = True
    required: tuple[str, ...] = ()
    """A name must contain one of these."""
    ignored: tuple[str, ...] = ()
    """A name must contain none of these."""
    preferred: tuple[tuple[str, int], ...] = ()
    """(term, score): of equal releases the one with the higher sum is grabbed. They never cause an upgrade."""
    air_date_grace_days: int | None = None
    """An episode is grabbed this many days after it aired, or earlier if negative; None: at any time."""
    indexer_id: str | None = None
    """None: all indexers."""
    tags: tuple[str, ...] = ()
    """Ids; empty for all titles."""

    def applies(self, tags: frozenset[str], indexer_id: str) -> bool:
        """Return whether it applies to a release of an indexer for an item with these tags."""
        return (
            self.enabled and self.indexer_id in (None, indexer_id) and (not self.tags or not tags.isdisjoint(self.tags))
        )


class ReleaseForm(msgspec.Struct, frozen=True, kw_only=True):
    """A release profile as submitted by a form."""

    name: str
    enabled: bool = True
    required: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    preferred: tuple[tuple[str, int], ...] = ()
    air_date_grace_days: int | None = None
    indexer_id: str | None = None
    tags: tuple[str, ...] = ()
    """Names."""


class WordSet:
    """The terms of all profiles, compiled once, so that a name is searched once for all of them."""

    def __init__(self, profiles: Iterable[TermProfile]) -> None:
        """Compile the terms of the enabled profiles."""
        self.profiles = tuple(one for one in profiles if one.enabled)
        places: dict[str, int] = {}
        for profile in self.profiles:
            for term in (*profile.required, *profile.ignored, *(term for term, _ in profile.preferred)):
                places.setdefault(term, len(places))
        self._places: Mapping[str, int] = places
        self._patterns = PatternSet([pattern_of(term) for term in places])

    def __bool__(self) -> bool:
        return bool(self.profiles)

    def found(self, name: str) -> frozenset[str]:
        """Return the terms that a release name contains."""
        if not self._places:
            return frozenset()
        hits = self._patterns.hits(name).found
        return frozenset(term for term, place in self._places.items() if place in hits)

    def applying(self, tags: frozenset[str], indexer_id: str) -> list[TermProfile]:
        """Return the profiles for a release of an indexer and an item with these tags."""
        return [one for one in self.profiles if one.applies(tags, indexer_id)]


def pattern_of(term: str) -> str:
    """Return a term as an expression, which ignores case.

    >>> pattern_of("x265"), pattern_of("/x26[45]/i")
    ('x265', 'x26[45]')
    """
    body = _expression(term)
    return body if body is not None else "".join(f"\\{one}" if one in _SPECIAL else one for one in term)


def _expression(term: str) -> str | None:
    """Return what is between the slashes of `/…/` or `/…/i`; None for plain text."""
    end = term.removesuffix("i") if term.endswith("/i") else term
    return end[1:-1] if len(end) > 2 and end.startswith("/") and end.endswith("/") else None


def current(session: Session) -> WordSet:
    """Return the terms of the database, compiled; the same object until a profile changes."""
    source = source_of(session)
    version = session.info.get(VERSION)
    known = source.words
    if known is not None and version is not None and known.version == version:
        return known.compiled  # type: ignore[no-any-return]  # only this function writes it
    found = tuple(_value(row) for row in session.scalars(select(Row).order_by(Row.name, Row.id)))
    compiled = known.compiled if known is not None and known.key == found else WordSet(found)
    source.words = Known(version, found, compiled)
    return compiled


def list_profiles(session: Session, caller: Caller) -> list[TermProfile]:
    """Return all release profiles by name."""
    caller.require(Permission.BROWSE)
    rows = session.scalars(select(Row))
    return sorted(map(_value, rows), key=lambda one: (one.name.casefold(), one.id))


def list_editable(session: Session, caller: Caller) -> list[TermProfile]:
    """Return the same, for the settings page."""
    caller.require(Permission.MANAGE_SETTINGS)
    return list_profiles(session, caller)


def get_profile(session: Session, caller: Caller, profile_id: str) -> TermProfile:
    """Return a release profile. Raises: NotFound."""
    caller.require(Permission.BROWSE)
    return _value(get(session, Row, profile_id, what="This release profile"))


def get_editable(session: Session, caller: Caller, profile_id: str) -> TermProfile:
    """Return the same, for the editor. Raises: NotFound."""
    caller.require(Permission.MANAGE_SETTINGS)
    return get_profile(session, caller, profile_id)


def tag_names(session: Session, caller: Caller, profile: TermProfile) -> tuple[str, ...]:
    """Return the names of a profile's tags."""
    caller.require(Permission.BROWSE)
    return names_of(session, profile.tags)


def save_profile(
    session: Session, caller: Caller, now: datetime, form: ReleaseForm, *, profile_id: str | None = None
) -> TermProfile:
    """Add a release profile, or change the one with this id.

    Raises:
        Invalid: Validation failed; `fields` has the messages.

    Emits: SettingsChanged, if anything changed.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    _check(session, form)
    if profile_id is None:
        row = Row(name="", tags=[])
        session.add(row)
        old: dict[str, Any] = {}
    else:
        row = get(session, Row, profile_id, what="This release profile")
        old = _shown(session, caller, _value(row))
    row.name, row.enabled = form.name.strip(), form.enabled
    row.required, row.ignored = list(form.required), list(form.ignored)
    row.preferred = [list(one) for one in form.preferred]
    row.air_date_grace_days, row.indexer_id = form.air_date_grace_days, form.indexer_id
    row.tags = ids_of(session, form.tags)
    session.flush()
    saved = _value(row)
    new = _shown(session, caller, saved)
    if changed := {key: [old.get(key), value] for key, value in new.items() if old.get(key) != value}:
        key = f"release profile {saved.name}"
        emit(session, caller, SettingsChanged(key, changed, SettingsArea.RELEASE_PROFILE), at=now)
    return saved


def delete_profile(session: Session, caller: Caller, now: datetime, profile_id: str) -> None:
    """Delete a release profile. Emits: SettingsChanged."""
    caller.require(Permission.MANAGE_SETTINGS)
    row = get(session, Row, profile_id, what="This release profile")
    emit(
        session,
        caller,
        SettingsChanged(f"release profile {row.name}", {"name": [row.name, None]}, SettingsArea.RELEASE_PROFILE),
        at=now,
    )
    session.delete(row)
    session.flush()


def _check(session: Session, form: ReleaseForm) -> None:
    fields: dict[str, str] = {}
    if not form.name.strip():
        fields["name"] = "Enter a name."
    lists = {
        "required": form.required,
        "ignored": form.ignored,
        "preferred": tuple(term for term, _ in form.preferred),
    }
    for field, terms in lists.items():
        if problem := _wrong(terms):
            fields[field] = problem
    if any(abs(score) > MOST_SCORE for _, score in form.preferred):
        fields["preferred"] = f"A score is between -{MOST_SCORE:,} and {MOST_SCORE:,}."
    days = form.air_date_grace_days
    if days is not None and abs(days) > _MOST_GRACE_DAYS:
        fields["air_date_grace_days"] = f"Enter at most {_MOST_GRACE_DAYS} days."
    if not any(lists.values()) and days is None:
        fields.setdefault("required", "Enter at least one term, or an air date rule.")
    if form.indexer_id is not None and session.get(IndexerRow, form.indexer_id) is None:
        fields["indexer_id"] = "Choose an indexer."
    if fields:
        raise Invalid(" ".join(fields.values()), fields=fields)


def _wrong(terms: Sequence[str]) -> str | None:
    """Return what is wrong with a list of terms, or None."""
    if len(terms) > MOST_TERMS:
        return f"At most {MOST_TERMS} terms."
    for term in terms:
        if not term.strip() or len(term) > LONGEST_TERM:
            return f"A term has 1 to {LONGEST_TERM:,} characters."
        try:
            check_pattern(pattern_of(term))
        except Invalid as error:
            return f"{term}: {error.message}"
    return None


def _value(row: Row) -> TermProfile:
    return TermProfile(
        id=row.id,
        name=row.name,
        enabled=row.enabled,
        required=tuple(map(str, row.required)),
        ignored=tuple(map(str, row.ignored)),
        preferred=tuple((str(term), int(score)) for term, score in row.preferred),
        air_date_grace_days=row.air_date_grace_days,
        indexer_id=row.indexer_id,
        tags=tuple(map(str, row.tags)),
    )


def _shown(session: Session, caller: Caller, profile: TermProfile) -> dict[str, Any]:
    indexer = session.get(IndexerRow, profile.indexer_id) if profile.indexer_id else None
    return {
        "name": profile.name,
        "enabled": profile.enabled,
        "must contain": list(profile.required),
        "must not contain": list(profile.ignored),
        "preferred": [f"{term} {score:+d}" for term, score in profile.preferred],
        "days after the air date": profile.air_date_grace_days,
        "indexer": indexer.name if indexer else None,
        "tags": list(tag_names(session, caller, profile)),
    }
