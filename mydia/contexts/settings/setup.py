"""How far the first run has come; closing the browser loses nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from mydia.contexts.settings.models import SetupProgress

STEPS = ("account", "folders", "metadata", "client", "indexer", "scan")
type Outcome = Literal["done", "skipped"]


@dataclass(frozen=True, slots=True)
class SetupState:
    """Which steps are behind us."""

    steps: dict[str, str]
    """step -> `done` or `skipped`."""
    finished_at: datetime | None

    @property
    def next_step(self) -> str | None:
        """The first step nobody has looked at, None when setup is over."""
        return None if self.finished_at else next((step for step in STEPS if step not in self.steps), None)


def setup_state(session: Session) -> SetupState:
    """Return how far setup has come."""
    row = session.get(SetupProgress, 1)
    return SetupState(dict(row.steps), row.finished_at) if row else SetupState({}, None)


def mark_step(session: Session, now: datetime, step: str, outcome: Outcome) -> SetupState:
    """Note that a step was done or skipped; what is done stays done. After the last one setup is over."""
    row = session.get(SetupProgress, 1)
    if row is None:
        row = SetupProgress(id=1, steps={})
        session.add(row)
    if outcome == "done" or step not in row.steps:
        row.steps = {**row.steps, step: outcome}
    if row.finished_at is None and all(known in row.steps for known in STEPS):
        row.finished_at = now
    session.flush()
    return SetupState(dict(row.steps), row.finished_at)


def finish_setup(session: Session, now: datetime) -> None:
    """End setup; steps that were not looked at count as skipped."""
    for step in STEPS:
        mark_step(session, now, step, "skipped")
