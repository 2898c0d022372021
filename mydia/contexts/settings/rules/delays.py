"""Delay profiles: how long to wait for a better release, by protocol. An item uses the first one that shares a tag with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mydia.contexts.settings.models import DelayProfile as Row
from mydia.contexts.settings.rules.tagged import ids_of, names_of
from mydia.contexts.users import Caller, Permission
from mydia.db import get
from mydia.errors import Conflict, Invalid
from mydia.events import SettingsArea, SettingsChanged, emit

DEFAULT_ID = "default"
"""Id of the profile for items without a matching tag. It always exists and has no tags."""
LONGEST_MIN = 60 * 24 * 60
"""Longest delay in minutes: 60 days."""
PROTOCOLS = ("torrent", "usenet")


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait, as used by decisions. The default one waits for nothing."""

    id: str = DEFAULT_ID
    name: str = "Default"
    enable_torrent: bool = True
    enable_usenet: bool = True
    preferred_protocol: str | None = None
    """None: both count the same."""
    torrent_delay_min: int = 0
    usenet_delay_min: int = 0
    bypass_if_highest_quality: bool = False
    bypass_above_score: int | None = None
    """A release with at least this score is not delayed; None: the score does not matter."""
    tags: tuple[str, ...] = ()
    """Ids."""

    @property
    def is_default(self) -> bool:
        """Whether it is the one without tags."""
        return self.id == DEFAULT_ID

    def enables(self, protocol: str) -> bool:
        """Return whether releases of this protocol are grabbed."""
        return self.enable_torrent if protocol == "torrent" else self.enable_usenet

    def delay_min(self, protocol: str) -> int:
        """Return the minutes that a release of this protocol waits."""
        return self.torrent_delay_min if protocol == "torrent" else self.usenet_delay_min

    def prefers(self, protocol: str) -> bool:
        """Return whether no other protocol is preferred to this one."""
        return self.preferred_protocol in (None, protocol)


class DelayForm(msgspec.Struct, frozen=True, kw_only=True):
    """A delay profile as submitted by a form."""

    name: str
    enable_torrent: bool = True
    enable_usenet: bool = True
    preferred_protocol: str | None = None
    torrent_delay_min: int = 0
    usenet_delay_min: int = 0
    bypass_if_highest_quality: bool = False
    bypass_above_score: int | None = None
    tags: tuple[str, ...] = ()
    """Names."""


def list_delays(session: Session, caller: Caller) -> list[Delay]:
    """Return all delay profiles in the order in which they are tried; the default one is last."""
    caller.require(Permission.BROWSE)
    rows = session.scalars(select(Row).order_by(Row.position, Row.name))
    found = [_value(row) for row in rows]
    tagged = [one for one in found if not one.is_default]
    return [*tagged, next((one for one in found if one.is_default), Delay())]


def list_editable(session: Session, caller: Caller) -> list[Delay]:
    """Return the same, for the settings page."""
    caller.require(Permission.MANAGE_SETTINGS)
    return list_delays(session, caller)


def get_delay(session: Session, caller: Caller, delay_id: str) -> Delay:
    """Return a delay profile. Raises: NotFound."""
    caller.require(Permission.BROWSE)
    row = session.get(Row, delay_id)
    if row is None and delay_id == DEFAULT_ID:
        return Delay()
    return _value(get(session, Row, delay_id, what="This delay profile"))


def get_editable(session: Session, caller: Caller, delay_id: str) -> Delay:
    """Return the same, for the editor. Raises: NotFound."""
    caller.require(Permission.MANAGE_SETTINGS)
    return get_delay(session, caller, delay_id)


def delay_for(delays: Iterable[Delay], tags: frozenset[str]) -> Delay:
    """Return the first profile that shares a tag with an item, otherwise the default one.

    Args:
        tags: Ids of the item's tags.
    """
    found = list(delays)
    default = next((one for one in found if one.is_default), Delay())
    return next((one for one in found if not one.is_default and not tags.isdisjoint(one.tags)), default)


def tag_names(session: Session, caller: Caller, delay: Delay) -> tuple[str, ...]:
    """Return the names of a profile's tags."""
    caller.require(Permission.BROWSE)
    return names_of(session, delay.tags)


def save_delay(
    session: Session, caller: Caller, now: datetime, form: DelayForm, *, delay_id: str | None = None
) -> Delay:
    """Add a delay profile after the others, or change the one with this id. The default one is `default`.

    Raises:
        Invalid: Validation failed; `fields` has the messages.

    Emits: SettingsChanged, if anything changed.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    tags = _checked(session, form, is_default=delay_id == DEFAULT_ID)
    row = session.get(Row, DEFAULT_ID) if delay_id == DEFAULT_ID else None
    if delay_id is None or (delay_id == DEFAULT_ID and row is None):
        last = session.scalar(select(func.max(Row.position))) or 0
        row = Row(position=last + 1, name="", tags=[])
        if delay_id is not None:
            row.id = delay_id
        session.add(row)
        old: dict[str, Any] = _shown(session, caller, Delay()) if delay_id else {}
    else:
        row = get(session, Row, delay_id, what="This delay profile")
        old = _shown(session, caller, _value(row))
    row.name = form.name.strip()
    row.enable_torrent, row.enable_usenet = form.enable_torrent, form.enable_usenet
    row.preferred_protocol = form.preferred_protocol
    row.torrent_delay_min, row.usenet_delay_min = form.torrent_delay_min, form.usenet_delay_min
    row.bypass_if_highest_quality = form.bypass_if_highest_quality
    row.bypass_above_score = form.bypass_above_score
    row.tags = tags
    session.flush()
    saved = _value(row)
    new = _shown(session, caller, saved)
    if changed := {key: [old.get(key), value] for key, value in new.items() if old.get(key) != value}:
        key = f"delay profile {saved.name}"
        emit(session, caller, SettingsChanged(key, changed, SettingsArea.DELAY_PROFILE), at=now)
    return saved


def order_delays(session: Session, caller: Caller, now: datetime, ids: Sequence[str]) -> None:
    """Set the order in which delay profiles are tried. Profiles that are not listed follow in their present order.

    Emits: SettingsChanged, if the order changed.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    rows = {row.id: row for row in session.scalars(select(Row).order_by(Row.position, Row.name))}
    wanted = list(dict.fromkeys([*(id for id in ids if id in rows), *rows]))
    before, after = [row.name for row in rows.values()], [rows[id].name for id in wanted]
    for position, id in enumerate(wanted):
        rows[id].position = position
    session.flush()
    if before != after:
        emit(
            session,
            caller,
            SettingsChanged("delay profiles", {"order": [before, after]}, SettingsArea.DELAY_PROFILE),
            at=now,
        )


def delete_delay(session: Session, caller: Caller, now: datetime, delay_id: str) -> None:
    """Delete a delay profile.

    Raises:
        Conflict: It is the default one.

    Emits: SettingsChanged.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    if delay_id == DEFAULT_ID:
        raise Conflict("The default delay profile can't be removed.")
    row = get(session, Row, delay_id, what="This delay profile")
    emit(
        session,
        caller,
        SettingsChanged(f"delay profile {row.name}", {"name": [row.name, None]}, SettingsArea.DELAY_PROFILE),
        at=now,
    )
    session.delete(row)
    session.flush()


def _checked(session: Session, form: DelayForm, *, is_default: bool) -> list[str]:
    fields: dict[str, str] = {}
    if not form.name.strip():
        fields["name"] = "Enter a name."
    if form.preferred_protocol not in (None, *PROTOCOLS):
        fields["preferred_protocol"] = "Choose torrent, Usenet or neither."
    for name in ("torrent_delay_min", "usenet_delay_min"):
        if not 0 <= getattr(form, name) <= LONGEST_MIN:
            fields[name] = f"Enter 0 to {LONGEST_MIN:,} minutes."
    if not (form.enable_torrent or form.enable_usenet):
        fields["enable_torrent"] = "Allow at least one protocol."
    if is_default and form.tags:
        fields["tags"] = "The default profile has no tags."
    if not is_default and not form.tags:
        fields["tags"] = "Enter at least one tag; only the default profile has none."
    if fields:
        raise Invalid(" ".join(fields.values()), fields=fields)
    return ids_of(session, form.tags)


def _value(row: Row) -> Delay:
    return Delay(
        id=row.id,
        name=row.name,
        enable_torrent=row.enable_torrent,
        enable_usenet=row.enable_usenet,
        preferred_protocol=row.preferred_protocol,
        torrent_delay_min=row.torrent_delay_min,
        usenet_delay_min=row.usenet_delay_min,
        bypass_if_highest_quality=row.bypass_if_highest_quality,
        bypass_above_score=row.bypass_above_score,
        tags=tuple(map(str, row.tags)),
    )


def _shown(session: Session, caller: Caller, delay: Delay) -> dict[str, Any]:
    return {
        "name": delay.name,
        "protocols": [protocol for protocol in PROTOCOLS if delay.enables(protocol)],
        "preferred protocol": delay.preferred_protocol,
        "torrent delay (minutes)": delay.torrent_delay_min,
        "Usenet delay (minutes)": delay.usenet_delay_min,
        "no delay for the highest quality": delay.bypass_if_highest_quality,
        "no delay from this score": delay.bypass_above_score,
        "tags": list(tag_names(session, caller, delay)),
    }
