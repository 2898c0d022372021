"""Crash reports: received, grouped and kept by a relay; redacted and sent by an installation that agreed to it."""

from mydia.relay.crashes.inbox import Crashes, CrashGroup, Occurrence
from mydia.relay.crashes.redaction import redact
from mydia.relay.crashes.report import MAX_REPORT_BYTES, CrashReport, ReportRefused
from mydia.relay.crashes.sender import CrashSender

__all__ = [
    "MAX_REPORT_BYTES",
    "CrashGroup",
    "CrashReport",
    "CrashSender",
    "Crashes",
    "Occurrence",
    "ReportRefused",
    "redact",
]
