"""Asking an upstream once however many callers want the same answer, and judging what it returned."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from mydia.relay.answers import Entry, RelayAnswer, refusal
from mydia.relay.cache import Cache
from mydia.relay.config import RelayConfig
from mydia.relay.counters import Counters
from mydia.relay.routes import Request
from mydia.relay.times import Times
from mydia.relay.ttl import ttl_s
from mydia.relay.upstreams import Busy, LoginFailed, Upstream, UpstreamAnswer, UpstreamFailed

logger = logging.getLogger(__name__)

_JOIN_S = 60.0
# Cached for ten minutes: these describe the question. 401 and 429 describe our key and our rate.
_ABOUT_THE_QUESTION = frozenset({400, 404, 405, 406, 410, 422})


@dataclass
class _Flight:
    """One question on its way to an upstream; further callers wait for the same answer."""

    landed: threading.Event = field(default_factory=threading.Event)
    answer: RelayAnswer | None = None


class Asker:
    """Sends questions to upstreams and caches the answers.

    Args:
        pool: Runs background refreshes.
        report: Called with every error that is a bug.
    """

    def __init__(
        self,
        config: RelayConfig,
        cache: Cache,
        counters: Counters,
        times: Times,
        *,
        pool: ThreadPoolExecutor,
        report: Callable[[Exception], None],
    ) -> None:
        self._config = config
        self._cache = cache
        self._counters = counters
        self._times = times
        self._pool = pool
        self._report = report
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight] = {}
        self._refreshing: set[str] = set()

    def ask(self, asked: Request, upstream: Upstream, stale: Entry | None, *, revalidate: bool) -> RelayAnswer:
        """Ask the upstream, or wait for the thread that is already asking.

        Args:
            stale: Returned when the upstream fails.
            revalidate: Ask even if another process has stored a fresh answer meanwhile.
        """
        with self._lock:
            flight = self._flights.get(asked.key)
            leads = flight is None
            if flight is None:
                flight = self._flights[asked.key] = _Flight()
        if not leads:
            self._counters.joined += 1
            flight.landed.wait(_JOIN_S)
            return flight.answer or refusal(
                503, "Busy", "The answer takes too long. Please try again.", retry_after_s=5
            )
        try:
            flight.answer = self._leased(asked, upstream, stale, revalidate=revalidate)
            return flight.answer
        except Exception as error:
            logger.exception("the relay failed")
            self._report(error)
            flight.answer = refusal(500, "Internal server error", "The relay failed. The error was recorded.")
            return flight.answer
        finally:
            with self._lock:
                del self._flights[asked.key]
            flight.landed.set()

    def refresh_later(self, asked: Request, upstream: Upstream | None, entry: Entry) -> None:
        """Refresh a stale entry in the background, unless that is being done or the upstream is down."""
        if upstream is None or upstream.care.state == "down":
            return
        with self._lock:
            if asked.key in self._refreshing:
                return
            self._refreshing.add(asked.key)

        def refresh() -> None:
            try:
                self.ask(asked, upstream, entry, revalidate=False)
            finally:
                with self._lock:
                    self._refreshing.discard(asked.key)

        try:
            self._pool.submit(refresh)
        except RuntimeError:  # the relay is closing
            with self._lock:
                self._refreshing.discard(asked.key)

    def _leased(self, asked: Request, upstream: Upstream, stale: Entry | None, *, revalidate: bool) -> RelayAnswer:
        found = self._cache.ask_once(
            asked.key,
            stale.stored_at_s if stale else 0.0,
            use_others=not revalidate,
            max_wait_s=self._config.max_wait_s,
            ask=lambda: self._answered(asked, upstream, stale),
        )
        if isinstance(found, RelayAnswer):
            return found
        self._counters.store_hits += 1
        return found.answer("HIT", self._times.now_s())

    def _answered(self, asked: Request, upstream: Upstream, stale: Entry | None) -> RelayAnswer:
        logger.debug("asking the upstream", extra={"upstream": upstream.name, "path": asked.path})
        try:
            return self._kept(asked, upstream, upstream.ask(asked.path, asked.params))
        except Busy as busy:
            if busy.limited:
                said = refusal(
                    429,
                    "Too many requests",
                    "The upstream asked us to slow down. Please try again later.",
                    retry_after_s=busy.retry_after_s,
                )
            else:
                said = refusal(
                    503,
                    "Upstream unavailable",
                    "The upstream is down. Please try again later.",
                    retry_after_s=busy.retry_after_s,
                )
        except LoginFailed as failed:
            said = refusal(401, "Authentication failed", f"Failed to authenticate with TVDB: it {failed.cause}.")
        except UpstreamFailed as failed:
            if failed.answer is not None and _is_json_object(failed.answer.body):
                wait_s = 5 if upstream.care.state == "limited" else None
                said = RelayAnswer(failed.answer.status, failed.answer.body, retry_after_s=wait_s)
            else:
                said = refusal(502, "Bad gateway", "The upstream gave no usable answer. Please try again later.")
            upstream.care.trouble = failed.reason or upstream.care.trouble
        return replace(self._stale(stale) or said, trouble=upstream.care.trouble)

    def _kept(self, asked: Request, upstream: Upstream, answer: UpstreamAnswer) -> RelayAnswer:
        """Cache and return an answer; raises UpstreamFailed for one that is not what the route promises."""
        now_s = self._times.now_s()
        content = _parsed(answer.body)
        if answer.status >= 300:
            if answer.status == 404 and not (isinstance(content, dict) and asked.rule.is_about_one):
                # Only of one title a catalogue says that it does not have it, in JSON. This is another server, or a wrong path.
                upstream.care.nonsense()
                raise UpstreamFailed(reason="has nothing at its address (HTTP 404)")
            if not isinstance(content, dict):
                return refusal(answer.status, "Upstream error", f"The upstream answered with status {answer.status}.")
            self._counters.misses += 1
            if answer.status not in _ABOUT_THE_QUESTION:
                return RelayAnswer(answer.status, answer.body)
            entry = Entry.made(answer.status, answer.body, now_s=now_s, ttl_s=self._config.ttl_s["negative"])
            self._cache.keep(asked.key, entry)
            return entry.answer("MISS", now_s)
        if not _is_valid(content, asked.rule.must, asked.rule.named_by):
            upstream.care.nonsense()
            logger.warning("upstream sent an invalid answer", extra={"upstream": upstream.name, "path": asked.path})
            what = "something that is not JSON" if content is None else "an incomplete answer"
            raise UpstreamFailed(reason=f"sent {what}")
        body = answer.body
        if asked.rule.unwrapped:
            # In ASCII, because JSON may hold half a surrogate pair, which UTF-8 cannot.
            body = json.dumps(content["data"], separators=(",", ":")).encode()
        fresh_s = ttl_s(asked.rule.kind, content, self._config.ttl_s, now_s)
        entry = Entry.made(answer.status, body, now_s=now_s, ttl_s=fresh_s)
        self._cache.keep(asked.key, entry)
        self._counters.misses += 1
        return entry.answer("MISS", now_s)

    def _stale(self, stale: Entry | None) -> RelayAnswer | None:
        now_s = self._times.now_s()
        self._counters.failed += 1
        if stale is None or now_s > stale.expires_at_s + self._config.stale_if_error_s:
            return None
        return stale.answer("STALE", now_s)


def _parsed(body: bytes) -> Any:
    """Return JSON; None for anything that is not, including Python's NaN and Infinity."""
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _is_json_object(body: bytes) -> bool:
    return isinstance(_parsed(body), dict)


def _is_valid(content: Any, must: tuple[tuple[str, type], ...], named_by: tuple[str, ...]) -> bool:
    if content is None or (must and not isinstance(content, dict)):
        return False
    if named_by and not any(isinstance(name := content.get(key), str) and name.strip() for key in named_by):
        return False
    return all(isinstance(content.get(name), kind) for name, kind in must)
