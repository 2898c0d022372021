"""The metadata relay: a cache and rate limiter between Mydia and TMDB and TheTVDB.

Used inside the process (`Relay.get`), mounted by the web application, or run alone (`mydia relay`). It imports no context.
"""

from mydia.relay.answers import RelayAnswer
from mydia.relay.config import PUBLIC_RELAY_URL, RelayConfig
from mydia.relay.crashes import MAX_REPORT_BYTES, Crashes, CrashReport, CrashSender, ReportRefused, redact
from mydia.relay.fetch import EmbeddedFetch, make_provider
from mydia.relay.relay import Relay
from mydia.relay.times import REAL_TIMES, Times

__all__ = [
    "MAX_REPORT_BYTES",
    "PUBLIC_RELAY_URL",
    "REAL_TIMES",
    "CrashReport",
    "CrashSender",
    "Crashes",
    "EmbeddedFetch",
    "Relay",
    "RelayAnswer",
    "RelayConfig",
    "ReportRefused",
    "Times",
    "make_provider",
    "redact",
]
