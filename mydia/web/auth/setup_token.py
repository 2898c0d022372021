"""The setup token: to create the first account from outside the local network, you need a token from Mydia's log."""

from __future__ import annotations

import logging
import secrets
import threading

logger = logging.getLogger(__name__)

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # no 0, 1, i, l, o: they look alike


class SetupToken:
    """One token per process, created and logged when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token = ""

    def announce(self) -> None:
        """Log the token, once."""
        with self._lock:
            if self._token:
                return
            self._token = "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))
        logger.warning("setup was opened from outside the local network; the setup token is %s", self._token)

    def fits(self, given: str) -> bool:
        """Return whether the given text is the token."""
        with self._lock:
            return bool(self._token) and secrets.compare_digest(given.strip().lower().encode(), self._token.encode())
