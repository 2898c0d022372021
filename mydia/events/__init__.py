"""Events: the catalogue of what can happen, the log that stores it, and the outbox that turns it into jobs."""

from mydia.events.catalog import *  # noqa: F403  the catalogue is part of this front door
from mydia.events.catalog import EVENTS, Event, SettingsArea, names
from mydia.events.log import (
    AuditFilter,
    EventRow,
    Happened,
    audit,
    feed,
    feeds,
    last_id,
    names_of_removed,
    prune,
    since,
)
from mydia.events.outbox import Actor, Dispatcher, Trigger, data_version, emit, emit_all
from mydia.events.reasons import Reason, reason, say

__all__ = [  # noqa: PLE0604  the catalogue's names are strings too
    "EVENTS",
    "Actor",
    "AuditFilter",
    "Dispatcher",
    "Event",
    "EventRow",
    "Happened",
    "Reason",
    "SettingsArea",
    "Trigger",
    "audit",
    "data_version",
    "emit",
    "emit_all",
    "feed",
    "feeds",
    "last_id",
    "names",
    "names_of_removed",
    "prune",
    "reason",
    "say",
    "since",
    *EVENTS,
]
