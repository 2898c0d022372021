"""Progress of the setup wizard, kept when the browser is closed."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy.orm import Session

from mydia.contexts.settings.models import SetupProgress
from mydia.contexts.users import Caller, Permission

STEPS = ("account", "folders", "metadata", "client", "indexer", "scan")
type Outcome = Literal["done", "skipped", "failed"]
"""`failed`: saved although its test failed."""
_DISMISSED = "checklist_dismissed"


class SetupState(msgspec.Struct, frozen=True):
    """Which steps are finished."""

    steps: dict[str, str]
    """step -> `done`, `skipped` or `failed`."""
    finished_at: datetime | None

    @property
    def checklist_dismissed(self) -> bool:
        """Whether somebody has closed the checklist on Home."""
        return _DISMISSED in self.steps

    @property
    def next_step(self) -> str | None:
        """The first unfinished step; None when setup is complete."""
        return None if self.finished_at else next((step for step in STEPS if step not in self.steps), None)


def setup_state(session: Session, caller: Caller) -> SetupState:
    """Return the progress of setup."""
    caller.require(Permission.MANAGE_SETTINGS)
    row = session.get(SetupProgress, 1)
    return SetupState(dict(row.steps), row.finished_at) if row else SetupState({}, None)


def mark_step(session: Session, caller: Caller, now: datetime, step: str, outcome: Outcome) -> SetupState:
    """Record how a step ended; a step that was done is not skipped later. After the last step setup is complete."""
    caller.require(Permission.MANAGE_SETTINGS)
    row = session.get(SetupProgress, 1)
    if row is None:
        row = SetupProgress(id=1, steps={})
        session.add(row)
    if outcome != "skipped" or step not in row.steps:
        row.steps = {**row.steps, step: outcome}
    if row.finished_at is None and all(known in row.steps for known in STEPS):
        row.finished_at = now
    session.flush()
    return SetupState(dict(row.steps), row.finished_at)


def dismiss_checklist(session: Session, caller: Caller, now: datetime) -> None:
    """Close the checklist on Home permanently."""
    mark_step(session, caller, now, _DISMISSED, "done")


def finish_setup(session: Session, caller: Caller, now: datetime) -> None:
    """Complete setup; unfinished steps count as skipped."""
    for step in STEPS:
        mark_step(session, caller, now, step, "skipped")
