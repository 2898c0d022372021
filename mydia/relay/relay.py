"""The relay itself: answers from memory, then from the shared store, then from the upstream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from mydia import __version__
from mydia.adapters.http import Http
from mydia.addresses import TrustedProxies
from mydia.limits import RateLimiter
from mydia.relay import counters, routes
from mydia.relay.answers import JSON_TYPE, RelayAnswer, refusal
from mydia.relay.asking import Asker
from mydia.relay.cache import Cache
from mydia.relay.config import RelayConfig
from mydia.relay.counters import SERVICE, Counters
from mydia.relay.crashes import Crashes
from mydia.relay.memory import Memory
from mydia.relay.routes import Request, Wrong
from mydia.relay.stores import make_store
from mydia.relay.times import REAL_TIMES, Times
from mydia.relay.upstreams import Upstream, UpstreamAnswer, UpstreamFailed, make_upstreams

_NAMES = {"tmdb": "TMDB", "tvdb": "TheTVDB"}
_REFRESH_THREADS = 4
# Misses spend most of their time waiting for an upstream, so there are more threads than processors.
_ASK_THREADS = 32
_RESOLVED_KEPT = 2048
_RESOLVED_MAX_CHARS = 512
"""Longer questions are not remembered: together they would take hundreds of megabytes."""


class Relay:
    """One relay; safe to share between threads, and to ask from an event loop with `get_async`."""

    def __init__(self, config: RelayConfig, *, http: Http | None = None, times: Times = REAL_TIMES) -> None:
        self.config = config
        self.times = times
        self.counters = Counters()
        self.proxies = TrustedProxies(config.trusted_proxies)
        self.misses = RateLimiter(config.misses_per_min, 60, monotonic_s=times.monotonic_s)
        self.crashes = Crashes(config.crashes_path, times=times) if config.crashes_path else None
        self._own_http = http is None
        self._http = http or Http()
        self.upstreams: dict[str, Upstream] = make_upstreams(config, self._http, times)
        self._pool = ThreadPoolExecutor(_REFRESH_THREADS, thread_name_prefix="relay-refresh")
        self._askers = ThreadPoolExecutor(_ASK_THREADS, thread_name_prefix="relay-ask")
        self.cache = Cache(
            Memory(config.max_entries, config.max_bytes), make_store(config, times), times, self._pool.submit
        )
        self._asker = Asker(config, self.cache, self.counters, times, pool=self._pool, report=self._report)
        self._async_flights: dict[tuple[int, str], asyncio.Future[RelayAnswer]] = {}
        # Finding the rule and building the key takes longer than the look-up itself.
        self._remembered = lru_cache(maxsize=_RESOLVED_KEPT)(_resolved)

    def close(self) -> None:
        """End background work and close files and connections."""
        self._askers.shutdown(wait=True, cancel_futures=True)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.cache.close()
        if self.crashes is not None:
            self.crashes.close()
        if self._own_http:
            self._http.close()

    def peek(self, path: str, params: Mapping[str, str]) -> RelayAnswer | None:
        """Answer without waiting: when a fresh answer is in memory, or the question is wrong. None otherwise."""
        asked = self._resolve(path, params)
        if isinstance(asked, Wrong):
            return _wrong(asked)
        entry = self.cache.memory.get(asked.key)
        now_s = self.times.now_s()
        if entry is None or entry.expires_at_s <= now_s:
            return None
        self.counters.memory_hits += 1
        return entry.answer("HIT", now_s)

    def get(
        self, path: str, params: Mapping[str, str] | None = None, *, client: str | None = None, revalidate: bool = False
    ) -> RelayAnswer:
        """Answer a question. What an upstream does wrong becomes an answer, not an exception.

        Args:
            path: An address of `routes.RULES`, such as `/tmdb/movies/19`.
            client: The address whose misses are counted; None for callers in this process, which are not limited.
            revalidate: Ask the upstream although a fresh answer is cached; a user pressed “Refresh”.
        """
        params = params or {}
        if not revalidate and (found := self.peek(path, params)) is not None:
            return found
        asked = self._resolve(path, params)
        if isinstance(asked, Wrong):
            return _wrong(asked)
        entry = self.cache.find(asked.key)
        now_s = self.times.now_s()
        upstream = self.upstreams.get(asked.rule.upstream)
        if entry is not None and not revalidate:
            if entry.expires_at_s > now_s:
                self.counters.store_hits += 1
                return entry.answer("HIT", now_s)
            if now_s < entry.expires_at_s + self.config.stale_while_revalidate_s:
                self._asker.refresh_later(asked, upstream, entry)
                self.counters.stale += 1
                return entry.answer("STALE", now_s)
        if upstream is None:
            name = _NAMES[asked.rule.upstream]
            return refusal(503, "Service not configured", f"This relay has no key for {name}.")
        if client is not None and (wait_s := self.misses.admit(client)) is not None:
            self.counters.limited += 1
            if entry is not None:
                return entry.answer("STALE", now_s)
            text = "Rate limit exceeded. Please try again later."
            return refusal(429, "Too many requests", text, retry_after_s=wait_s)
        return self._asker.ask(asked, upstream, entry, revalidate=revalidate)

    async def get_async(
        self, path: str, params: Mapping[str, str] | None = None, *, client: str | None = None
    ) -> RelayAnswer:
        """Answer from an event loop: directly from memory, otherwise in one thread per question."""
        params = params or {}
        found = self.peek(path, params)
        if found is not None:
            return found
        asked = self._resolve(path, params)
        assert isinstance(asked, Request)
        loop = asyncio.get_running_loop()
        key = (id(loop), asked.key)
        flight = self._async_flights.get(key)
        if flight is None:
            flight = loop.run_in_executor(self._askers, lambda: self.get(path, params, client=client))
            self._async_flights[key] = flight
            flight.add_done_callback(lambda _: self._async_flights.pop(key, None))
        else:
            self.counters.joined += 1
        # A cancelled caller must not cancel the question for the others.
        return await asyncio.shield(flight)

    def image(self, source: str, path: str, size: str) -> UpstreamAnswer:
        """Fetch a picture. Pictures are not cached here; the caller stores them.

        Args:
            source: `tmdb` or `tvdb`.

        Raises:
            Busy: The upstream may not be called now.
            UpstreamFailed: There is no such picture, or the upstream did not send one.
        """
        upstream = self.upstreams.get(source)
        if upstream is None:
            raise UpstreamFailed(reason="this relay has no key for it")
        answer = upstream.image(path, size)
        if answer.status != 200 or not answer.content_type.startswith("image/"):
            raise UpstreamFailed(answer)
        return answer

    def forget(self) -> None:
        """Empty both levels of the cache."""
        self.cache.clear()

    def health(self) -> dict[str, Any]:
        """Return the content of `/health`: the original relay's fields, and a few more."""
        return {
            "status": "ok",
            "service": SERVICE,
            "version": __version__,
            "upstreams": {name: upstream.care.state for name, upstream in self.upstreams.items()},
            "cache": self.cache.state,
            "crash_reports": self.crashes is not None,
        }

    def stats(self) -> dict[str, Any]:
        """Return the content of `/stats`."""
        return counters.stats(self.counters, self.cache, self.upstreams)

    def metrics(self) -> tuple[bytes, str]:
        """Return (body, content type) of `/metrics`."""
        return counters.metrics(self.counters, self.cache, self.upstreams)

    def _resolve(self, path: str, params: Mapping[str, str]) -> Request | Wrong:
        pairs = tuple(params.items())
        if len(path) + sum(len(name) + len(value) for name, value in pairs) > _RESOLVED_MAX_CHARS:
            return _resolved(path, pairs)
        return self._remembered(path, pairs)

    def _report(self, error: Exception) -> None:
        if self.crashes is not None:
            self.crashes.record_own(error)


def _resolved(path: str, params: tuple[tuple[str, str], ...]) -> Request | Wrong:
    return routes.resolve(path, dict(params))


def _wrong(wrong: Wrong) -> RelayAnswer:
    if isinstance(wrong.body, str):
        return RelayAnswer(wrong.status, wrong.body.encode(), "text/plain; charset=utf-8")
    return RelayAnswer(wrong.status, json.dumps(wrong.body).encode(), JSON_TYPE)
