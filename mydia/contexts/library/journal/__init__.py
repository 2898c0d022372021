"""The journal: every file operation is stored before it happens, so that a process killed at any moment loses nothing."""

from mydia.contexts.library.journal.recovery import Recovered, recover_journal, take_back
from mydia.contexts.library.journal.settling import settle
from mydia.contexts.library.journal.steps import (
    BRINGS_IN,
    MANUAL_REF,
    AfterStep,
    Cause,
    Heartbeat,
    Step,
    fingerprint,
    fingerprint_of_text,
    is_it,
    last_reports,
    nothing_after,
    perform,
    run_steps,
    working_on,
    write_steps,
)
from mydia.contexts.library.journal.undo import batches_of_item, prune_journal, undo_batch

__all__ = [
    "BRINGS_IN",
    "MANUAL_REF",
    "AfterStep",
    "Cause",
    "Heartbeat",
    "Recovered",
    "Step",
    "batches_of_item",
    "fingerprint",
    "fingerprint_of_text",
    "is_it",
    "last_reports",
    "nothing_after",
    "perform",
    "prune_journal",
    "recover_journal",
    "run_steps",
    "settle",
    "take_back",
    "undo_batch",
    "working_on",
    "write_steps",
]
