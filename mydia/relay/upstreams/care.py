"""Calling one upstream: rate limit, `Retry-After`, back-off, and a circuit breaker."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from mydia.adapters.errors import AdapterError
from mydia.adapters.http import Response, read_retry_after
from mydia.limits import RateLimiter
from mydia.relay.times import REAL_TIMES, Times

logger = logging.getLogger(__name__)

_TRIES = 3
_BACK_OFF_S = (0.5, 2.0)
_LIMITED_PAUSE_S = 2.0  # TMDB's advice without Retry-After is one to ten seconds
_BREAKS_AFTER = 5
_BROKEN_S = 15.0
_MAX_BROKEN_S = 300.0
_MAX_PENALTY_S = 3600.0


class UpstreamAnswer(msgspec.Struct, frozen=True):
    """An upstream's answer."""

    status: int
    body: bytes
    content_type: str


class Busy(Exception):
    """The upstream may not be called now."""

    def __init__(self, retry_after_s: float, *, limited: bool) -> None:
        super().__init__("not now")
        self.retry_after_s = max(1.0, retry_after_s)
        self.limited = limited
        """True for too many requests; False when the upstream is down."""


class UpstreamFailed(Exception):
    """The upstream was called and returned nothing usable."""

    def __init__(self, answer: UpstreamAnswer | None = None, *, reason: str = "") -> None:
        super().__init__(reason)
        self.answer = answer
        self.reason = reason or (f"answered with status {answer.status}" if answer is not None else "")
        """The upstream's own error, if it sent one that may be passed on."""


class Upstream(Protocol):
    """One service behind the relay."""

    name: str
    care: Care

    def ask(self, path: str, params: Mapping[str, str]) -> UpstreamAnswer:
        """Request JSON; raises Busy and UpstreamFailed."""

    def image(self, path: str, size: str) -> UpstreamAnswer:
        """Fetch a picture; raises Busy and UpstreamFailed."""


class Care:
    """Rate limit, retries and circuit breaker of one upstream, shared by all threads."""

    def __init__(self, name: str, per_s: float, *, max_wait_s: float, times: Times = REAL_TIMES) -> None:
        self.name = name
        self.calls = 0
        self.failures = 0
        self.limited = 0
        self.trouble = ""
        """The latest failure in a few words; it explains why the upstream is not asked now."""
        count = max(1, round(per_s))
        self._limiter = RateLimiter(count, count / per_s, monotonic_s=times.monotonic_s)
        self._max_wait_s = max_wait_s
        self._times = times
        self._lock = threading.Lock()
        self._penalty_until_s = 0.0
        self._failed_in_a_row = 0
        self._broken_until_s = 0.0
        self._broken_for_s = 0.0
        self._probing = False

    @property
    def state(self) -> str:
        """`ok`, `limited` (it asked us to wait) or `down` (the circuit is open)."""
        now_s = self._times.monotonic_s()
        if self._broken_for_s:
            return "down"
        return "limited" if now_s < self._penalty_until_s else "ok"

    def ask(self, send: Callable[[], Response]) -> UpstreamAnswer:
        """Send a request, with up to three attempts within the time a caller may wait.

        Args:
            send: Makes one request; called once per attempt.

        Raises:
            Busy: The upstream may not be called now.
            UpstreamFailed: There was no usable answer.
        """
        deadline_s = self._times.monotonic_s() + self._max_wait_s
        failed: UpstreamFailed | None = None
        for attempt in range(_TRIES):
            try:
                self._admit(deadline_s)
            except Busy:
                if failed is not None:
                    raise failed from None
                raise
            answer, pause_s = self._try(send)
            if isinstance(answer, UpstreamAnswer):
                return answer
            failed = answer
            pause_s = max(pause_s, _BACK_OFF_S[min(attempt, len(_BACK_OFF_S) - 1)])
            if attempt + 1 == _TRIES or self._times.monotonic_s() + pause_s > deadline_s:
                break
            self._times.wait(pause_s)
        assert failed is not None
        raise failed

    def _try(self, send: Callable[[], Response]) -> tuple[UpstreamAnswer | UpstreamFailed, float]:
        try:
            response = send()
        except AdapterError as error:
            self._note_failure()
            logger.warning("upstream did not answer", extra={"upstream": self.name, "cause": error.cause})
            return UpstreamFailed(reason=error.cause), 0.0
        except BaseException:
            self._note_failure()
            raise
        said = UpstreamAnswer(response.status, response.content, response.content_type)
        wait_s = read_retry_after(response.headers.get("retry-after"))
        if response.status == 429 or (response.status == 503 and wait_s is not None):
            pause_s = min(_MAX_PENALTY_S, _LIMITED_PAUSE_S if wait_s is None else wait_s)
            self._note_limit(pause_s)
            logger.warning("upstream asked us to wait", extra={"upstream": self.name, "seconds": pause_s})
            return UpstreamFailed(said), pause_s
        if response.status >= 500:
            self._note_failure()
            logger.warning("upstream failed", extra={"upstream": self.name, "status": response.status})
            return UpstreamFailed(said), 0.0
        self._note_success()
        return said, 0.0

    def nonsense(self) -> None:
        """Count an answer that had a good status and invalid content."""
        self._note_failure()

    def _admit(self, deadline_s: float) -> None:
        now_s = self._times.monotonic_s()
        with self._lock:
            if self._broken_for_s:
                # After the pause one caller probes the upstream; the others are refused until the result is known.
                if now_s < self._broken_until_s or self._probing:
                    raise Busy(max(1.0, self._broken_until_s - now_s), limited=False)
                self._probing = True
            penalty_s = self._penalty_until_s - now_s
        max_wait_s = deadline_s - now_s
        if penalty_s > max_wait_s:
            self._end_probe()
            raise Busy(penalty_s, limited=True)
        turn_s = self._limiter.reserve(max_wait_s=max_wait_s)
        if turn_s is None:
            self._end_probe()
            raise Busy(max_wait_s, limited=True)
        wait_s = max(penalty_s, turn_s)
        if wait_s > 0:
            self._times.wait(wait_s)
        with self._lock:
            self.calls += 1

    def _end_probe(self) -> None:
        with self._lock:
            self._probing = False

    def _note_success(self) -> None:
        with self._lock:
            if self._broken_for_s:
                logger.info("upstream works again", extra={"upstream": self.name})
            self._failed_in_a_row = 0
            self._broken_for_s = 0.0
            self._probing = False

    def _note_limit(self, pause_s: float) -> None:
        with self._lock:
            self.limited += 1
            self._penalty_until_s = max(self._penalty_until_s, self._times.monotonic_s() + pause_s)
            self._failed_in_a_row = 0
            self._broken_for_s = 0.0
            self._probing = False

    def _note_failure(self) -> None:
        with self._lock:
            self.failures += 1
            self._failed_in_a_row += 1
            if self._probing or self._failed_in_a_row >= _BREAKS_AFTER:
                self._broken_for_s = min(_MAX_BROKEN_S, self._broken_for_s * 2 or _BROKEN_S)
                self._broken_until_s = self._times.monotonic_s() + self._broken_for_s
                self._failed_in_a_row = 0
                self._probing = False
