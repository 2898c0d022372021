"""Report Mydia's own crashes to a relay, if an administrator has enabled it.

A crash is an error logged with its traceback, which by the logging rules means a bug. Reports are redacted, queued in a file
while the network is down, and sent at most once a day for the same crash.
"""

from __future__ import annotations

import logging
import queue
import threading
from typing import Self

from mydia.adapters.http import Http
from mydia.config import Config
from mydia.contexts import settings
from mydia.db import Database
from mydia.relay import PUBLIC_RELAY_URL, CrashSender

logger = logging.getLogger(__name__)

_FIRST_PAUSE_S = 300.0
_LONGEST_PAUSE_S = 6 * 3600.0
"""The sender tries twenty times; with these pauses that covers four days without a network."""
_TOLD = ("job", "status")
"""Fields of a log line that describe the crash and are not private."""


class CrashReporter(logging.Handler):
    """A log handler that queues crashes in its own thread, so that logging never waits.

    Args:
        component: This process: `web` or `worker`.
        sends: Whether this process also sends the queued reports; one process is enough.
    """

    def __init__(self, sender: CrashSender, component: str, *, sends: bool) -> None:
        super().__init__(logging.ERROR)
        self._sender = sender
        self._component = component
        self._sends = sends
        self._found: queue.SimpleQueue[tuple[BaseException, dict[str, object]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="crash-reports", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        logging.getLogger("mydia").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("mydia").removeHandler(self)
        self._found.put(None)
        self._thread.join(5.0)
        self._sender.close()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a crash; never waits and never raises."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            told = {name: value for name in _TOLD if (value := getattr(record, name, None)) is not None}
            self._found.put((error, told))

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                found = self._found.get(timeout=pause_s if self._sends else None)
                if found is None:
                    return
                self._sender.report(found[0], component=self._component, **found[1])
            except queue.Empty:
                pass
            except Exception as error:  # noqa: BLE001  a failure of reporting must not be reported itself
                logger.warning("a crash could not be queued", extra={"error": str(error)})
            pause_s = self._sent(pause_s)

    def _sent(self, pause_s: float) -> float:
        """Send queued reports and return the pause before the next attempt, in seconds."""
        if not self._sends:
            return pause_s
        try:
            self._sender.flush()
            waiting = self._sender.pending()
        except Exception as error:  # noqa: BLE001  see above
            logger.warning("crash reports could not be sent", extra={"error": str(error)})
            waiting = 1
        return min(pause_s * 2, _LONGEST_PAUSE_S) if waiting else _FIRST_PAUSE_S


def reporter(config: Config, database: Database, http: Http, component: str, *, sends: bool) -> CrashReporter:
    """Create the reporter of a process; a context manager.

    Reports are sent to the configured relay, or else to the Mydia project's.
    """
    with database.reads() as session:
        relay_url = settings.of(session).metadata.relay_url

    def enabled() -> bool:
        with database.reads() as session:
            return settings.of(session).crashes.report

    url = str(relay_url) if relay_url and relay_url != "off" else PUBLIC_RELAY_URL
    return CrashReporter(
        CrashSender(http, config.data_dir / "crashes.db", url, enabled=enabled), component, sends=sends
    )
