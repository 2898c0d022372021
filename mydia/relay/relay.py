"""The relay itself: memory, then the shared store, then the upstream, which is asked once however many want to know."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mydia import __version__, clock
from mydia.adapters.http import Http
from mydia.relay import routes
from mydia.relay.answers import JSON_TYPE, Entry, RelayAnswer, refusal
from mydia.relay.config import RelayConfig
from mydia.relay.crashes import Crashes
from mydia.relay.limits import TrustedProxies, Window
from mydia.relay.memory import Memory
from mydia.relay.routes import Request, Wrong
from mydia.relay.stores import RedisStore, SqliteStore, Store
from mydia.relay.times import REAL_TIMES, Times
from mydia.relay.ttl import ttl_s
from mydia.relay.upstreams import Busy, Tmdb, Tvdb, Upstream, UpstreamAnswer, UpstreamFailed
from mydia.relay.upstreams.tvdb import LoginFailed

logger = logging.getLogger(__name__)

SERVICE = "metadata-relay"
_SWEEP_EVERY_S = 900.0
_LEASE_S = 30.0
_LOOK_AGAIN_S = 0.03
_JOIN_S = 60.0
# Kept for ten minutes: they say something about the question. 401 and 429 say something about us.
_ABOUT_THE_QUESTION = frozenset({400, 404, 405, 406, 410, 422})


@dataclass
class _Flight:
    """One question on its way; whoever asks it meanwhile waits for the same answer."""

    landed: threading.Event = field(default_factory=threading.Event)
    answer: RelayAnswer | None = None


@dataclass
class Counters:
    """What has happened since the start."""

    memory_hits: int = 0
    store_hits: int = 0
    stale: int = 0
    misses: int = 0
    joined: int = 0
    """Misses that found the same question already on its way."""
    limited: int = 0
    failed: int = 0


class Relay:
    """One relay; safe to share between threads, and to ask from an event loop with `get_async`."""

    def __init__(self, config: RelayConfig, *, http: Http | None = None, times: Times = REAL_TIMES) -> None:
        self.config = config
        self.times = times
        self.counters = Counters()
        self.memory = Memory(config.max_entries, config.max_bytes)
        self.proxies = TrustedProxies(config.trusted_proxies)
        self.misses = Window(config.misses_per_min, 60, times)
        self.crashes = Crashes(config.crashes_path, times=times) if config.crashes_path else None
        self._own_http = http is None
        self._http = http or Http()
        self.store: Store | None = _store(config, times)
        self.upstreams: dict[str, Upstream] = _upstreams(config, self._http, times)
        self._owner = clock.new_id()
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight] = {}
        self._async_flights: dict[tuple[int, str], asyncio.Future[RelayAnswer]] = {}
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="relay-refresh")
        # Misses wait for an upstream most of the time, so they have more threads than there are processors.
        self._askers = ThreadPoolExecutor(32, thread_name_prefix="relay-ask")
        self._refreshing: set[str] = set()
        self._swept_at_s = times.monotonic_s()
        # Finding the rule and spelling the key costs more than the look-up itself.
        self._resolve = lru_cache(maxsize=8192)(_resolved)

    def close(self) -> None:
        """End background work and let go of files and connections."""
        self._askers.shutdown(wait=True, cancel_futures=True)
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self.store is not None:
            self.store.close()
        if self.crashes is not None:
            self.crashes.close()
        if self._own_http:
            self._http.close()

    # Asking

    def peek(self, path: str, params: Mapping[str, str]) -> RelayAnswer | None:
        """Answer at once, without waiting for anything, when it is fresh in memory or cannot be asked at all."""
        asked = self._resolve(path, tuple(params.items()))
        if isinstance(asked, Wrong):
            return _wrong(asked)
        entry = self.memory.get(asked.key)
        now_s = self.times.now_s()
        if entry is None or entry.expires_at_s <= now_s:
            return None
        self.counters.memory_hits += 1
        return _told(entry, "HIT", now_s)

    def get(
        self, path: str, params: Mapping[str, str] | None = None, *, client: str | None = None, revalidate: bool = False
    ) -> RelayAnswer:
        """Answer a question; never raises for what an upstream does.

        Args:
            path: An address of `routes.RULES`, such as `/tmdb/movies/19`.
            client: Whose misses are counted; None is ourselves and is not.
            revalidate: Asks the upstream even where the answer is fresh; a person pressed “refresh”.
        """
        params = params or {}
        if not revalidate:
            found = self.peek(path, params)
            if found is not None:
                return found
        asked = self._resolve(path, tuple(params.items()))
        if isinstance(asked, Wrong):
            return _wrong(asked)
        entry = self.memory.get(asked.key) or self._from_store(asked.key)
        now_s = self.times.now_s()
        if entry is not None and not revalidate:
            if entry.expires_at_s > now_s:
                self.counters.store_hits += 1
                return _told(entry, "HIT", now_s)
            if now_s < entry.expires_at_s + self.config.stale_while_revalidate_s:
                self._refresh_later(asked, entry)
                self.counters.stale += 1
                return _told(entry, "STALE", now_s)
        upstream = self.upstreams.get(asked.rule.upstream)
        if upstream is None:
            name = "TMDB" if asked.rule.upstream == "tmdb" else "TheTVDB"
            return refusal(503, "Service not configured", f"This relay has no key for {name}.")
        if client is not None:
            wait_s = self.misses.admit(client)
            if wait_s is not None:
                self.counters.limited += 1
                if entry is not None:
                    return _told(entry, "STALE", now_s)
                text = "Rate limit exceeded. Please try again later."
                return refusal(429, "Too many requests", text, retry_after_s=wait_s)
        return self._once(asked, upstream, entry, revalidate=revalidate)

    async def get_async(
        self, path: str, params: Mapping[str, str] | None = None, *, client: str | None = None
    ) -> RelayAnswer:
        """Answer from an event loop: a hit in memory at once, the rest from a thread, one for each question."""
        params = params or {}
        found = self.peek(path, params)
        if found is not None:
            return found
        asked = self._resolve(path, tuple(params.items()))
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
        # A caller that goes away must not take the answer from the others.
        return await asyncio.shield(flight)

    def image(self, source: str, path: str, size: str) -> UpstreamAnswer:
        """Fetch a picture; it is kept by whoever asks, not here.

        Args:
            source: `tmdb` or `tvdb`.

        Raises:
            Busy: Not now.
            UpstreamFailed: It is not there, or nothing came.
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
        self.memory.clear()
        if self.store is not None:
            self.store.clear()

    # Telling

    def health(self) -> dict[str, Any]:
        """Say how it is, in the original's words and a few of our own."""
        return {
            "status": "ok",
            "service": SERVICE,
            "version": __version__,
            "upstreams": {name: upstream.care.state for name, upstream in self.upstreams.items()},
            "cache": self.store.state if self.store else "ok",
            "crash_reports": self.crashes is not None,
        }

    def stats(self) -> dict[str, Any]:
        """Say what the cache holds and how well it serves."""
        said = self.counters
        hits = said.memory_hits + said.store_hits + said.stale
        asked = hits + said.misses + said.joined
        return {
            "service": SERVICE,
            "version": __version__,
            "cache": {
                "adapter": self.store.kind if self.store else "memory",
                "state": self.store.state if self.store else "ok",
                "size": len(self.memory),
                "max_entries": self.memory.max_entries,
                "memory_mb": round(self.memory.bytes / 1024**2, 2),
                "memory_bytes": self.memory.bytes,
                "max_bytes": self.memory.max_bytes,
                "utilization_pct": round(100 * len(self.memory) / self.memory.max_entries, 2),
                "evicted": self.memory.evicted,
                "shared_size": self.store.count() if self.store else None,
                "hits": hits,
                "memory_hits": said.memory_hits,
                "shared_hits": said.store_hits,
                "stale_hits": said.stale,
                "misses": said.misses,
                "joined": said.joined,
                "hit_rate_pct": round(100 * hits / asked, 2) if asked else 0.0,
            },
            "limited": said.limited,
            "failed": said.failed,
            "upstreams": {
                name: {
                    "state": up.care.state,
                    "calls": up.care.calls,
                    "failures": up.care.failures,
                    "limited": up.care.limited,
                }
                for name, up in self.upstreams.items()
            },
        }

    def metrics(self) -> str:
        """Say the same in Prometheus' text format 0.0.4."""
        said = self.counters
        lines = [
            "# HELP mydia_relay_answers_total Answers by where they came from.",
            "# TYPE mydia_relay_answers_total counter",
            *(
                f'mydia_relay_answers_total{{from="{name}"}} {value}'
                for name, value in (
                    ("memory", said.memory_hits),
                    ("store", said.store_hits),
                    ("stale", said.stale),
                    ("upstream", said.misses),
                    ("joined", said.joined),
                    ("failed", said.failed),
                    ("limited", said.limited),
                )
            ),
            "# HELP mydia_relay_memory_entries Answers in memory.",
            "# TYPE mydia_relay_memory_entries gauge",
            f"mydia_relay_memory_entries {len(self.memory)}",
            "# HELP mydia_relay_memory_bytes Bytes of answers in memory.",
            "# TYPE mydia_relay_memory_bytes gauge",
            f"mydia_relay_memory_bytes {self.memory.bytes}",
            "# HELP mydia_relay_store_up Whether the shared store works.",
            "# TYPE mydia_relay_store_up gauge",
            f"mydia_relay_store_up {int(self.store is None or self.store.state == 'ok')}",
        ]
        for name, what in (
            ("calls", "Requests sent to an upstream."),
            ("failures", "Requests that an upstream failed."),
            ("limited", "Times an upstream asked us to wait."),
        ):
            lines += [
                f"# HELP mydia_relay_upstream_{name}_total {what}",
                f"# TYPE mydia_relay_upstream_{name}_total counter",
            ]
            for upstream in self.upstreams.values():
                value = getattr(upstream.care, name)
                lines.append(f'mydia_relay_upstream_{name}_total{{upstream="{upstream.name}"}} {value}')
        lines += [
            "# HELP mydia_relay_upstream_up Whether an upstream is asked.",
            "# TYPE mydia_relay_upstream_up gauge",
        ]
        for upstream in self.upstreams.values():
            lines.append(f'mydia_relay_upstream_up{{upstream="{upstream.name}"}} {int(upstream.care.state != "down")}')
        return "\n".join(lines) + "\n"

    # Inside

    def _from_store(self, key: str) -> Entry | None:
        entry = self.store.get(key) if self.store else None
        if entry is not None:
            self.memory.put(key, entry)
        return entry

    def _refresh_later(self, asked: Request, entry: Entry) -> None:
        upstream = self.upstreams.get(asked.rule.upstream)
        if upstream is None or upstream.care.state == "down":
            return
        with self._lock:
            if asked.key in self._refreshing:
                return
            self._refreshing.add(asked.key)

        def refresh() -> None:
            try:
                self._once(asked, upstream, entry, revalidate=False)
            except Exception as error:
                logger.exception("a background refresh failed")
                self._report(error)
            finally:
                with self._lock:
                    self._refreshing.discard(asked.key)

        try:
            self._pool.submit(refresh)
        except RuntimeError:  # closing
            with self._lock:
                self._refreshing.discard(asked.key)

    def _once(self, asked: Request, upstream: Upstream, stale: Entry | None, *, revalidate: bool) -> RelayAnswer:
        """Ask for it, or wait for the thread that already does."""
        with self._lock:
            flight = self._flights.get(asked.key)
            leads = flight is None
            if flight is None:
                flight = self._flights[asked.key] = _Flight()
        if not leads:
            self.counters.joined += 1
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

    def _leased(self, asked: Request, upstream: Upstream, stale: Entry | None, *, revalidate: bool) -> RelayAnswer:
        """Ask for it, unless another process is just doing so."""
        store = self.store
        if store is None:
            return self._ask(asked, upstream, stale)
        before_s = stale.stored_at_s if stale else 0.0
        give_up_s = self.times.monotonic_s() + self.config.patience_s
        while not store.lease(asked.key, self._owner, _LEASE_S):
            if self.times.monotonic_s() > give_up_s:
                break
            self.times.wait(_LOOK_AGAIN_S)
            if store.leased(asked.key):
                continue
            if (found := self._newer(asked.key, before_s)) is not None:
                return found
        else:
            # Between our look into the store and the lease another process may have finished.
            if not revalidate and (found := self._newer(asked.key, before_s)) is not None:
                store.release(asked.key, self._owner)
                return found
        try:
            return self._ask(asked, upstream, stale)
        finally:
            store.release(asked.key, self._owner)

    def _newer(self, key: str, than_s: float) -> RelayAnswer | None:
        entry = self._from_store(key)
        now_s = self.times.now_s()
        if entry is None or entry.stored_at_s <= than_s or entry.expires_at_s <= now_s:
            return None
        self.counters.store_hits += 1
        return _told(entry, "HIT", now_s)

    def _ask(self, asked: Request, upstream: Upstream, stale: Entry | None) -> RelayAnswer:
        try:
            answer = upstream.ask(asked.path, asked.params)
            return self._kept(asked, upstream, answer)
        except Busy as busy:
            told = self._stale(stale)
            if told is not None:
                return told
            if busy.limited:
                text = "The upstream asked us to slow down. Please try again later."
                return refusal(429, "Too many requests", text, retry_after_s=busy.retry_after_s)
            text = "The upstream is down. Please try again later."
            return refusal(503, "Upstream unavailable", text, retry_after_s=busy.retry_after_s)
        except LoginFailed as failed:
            told = self._stale(stale)
            text = f"Failed to authenticate with TVDB: it {failed.cause}."
            return told or refusal(401, "Authentication failed", text)
        except UpstreamFailed as failed:
            told = self._stale(stale)
            if told is not None:
                return told
            if failed.answer is not None and _is_json(failed.answer.body):
                retry = upstream.care.state == "limited"
                return RelayAnswer(failed.answer.status, failed.answer.body, retry_after_s=5 if retry else None)
            return refusal(502, "Bad gateway", "The upstream gave no usable answer. Please try again later.")

    def _kept(self, asked: Request, upstream: Upstream, answer: UpstreamAnswer) -> RelayAnswer:
        rule = asked.rule
        now_s = self.times.now_s()
        try:
            told = json.loads(answer.body)
        except ValueError:
            told = None
        if answer.status >= 300:
            if not isinstance(told, dict):
                return refusal(answer.status, "Upstream error", f"The upstream answered with status {answer.status}.")
            entry = Entry.made(answer.status, answer.body, now_s=now_s, ttl_s=self.config.ttl_s["negative"])
            if answer.status in _ABOUT_THE_QUESTION:
                self._keep(asked.key, entry)
            self.counters.misses += 1
            return (
                _told(entry, "MISS", now_s)
                if answer.status in _ABOUT_THE_QUESTION
                else RelayAnswer(answer.status, answer.body)
            )
        if not _is_believable(told, rule.must):
            upstream.care.nonsense()
            logger.warning("upstream answered nonsense", extra={"upstream": upstream.name, "path": asked.path})
            raise UpstreamFailed(reason="it answered with something else than it promises")
        body = (
            json.dumps(told["data"], ensure_ascii=False, separators=(",", ":")).encode()
            if rule.unwrapped
            else answer.body
        )
        fresh_s = ttl_s(rule.kind, told, self.config.ttl_s, now_s)
        entry = Entry.made(answer.status, body, now_s=now_s, ttl_s=fresh_s)
        self._keep(asked.key, entry)
        self.counters.misses += 1
        return _told(entry, "MISS", now_s)

    def _keep(self, key: str, entry: Entry) -> None:
        self.memory.put(key, entry)
        if self.store is None:
            return
        self.store.put(key, entry)
        now_s = self.times.monotonic_s()
        if now_s - self._swept_at_s > _SWEEP_EVERY_S:
            self._swept_at_s = now_s
            with suppress(RuntimeError):  # closing
                self._pool.submit(self.store.sweep)

    def _stale(self, stale: Entry | None) -> RelayAnswer | None:
        now_s = self.times.now_s()
        self.counters.failed += 1
        if stale is None or now_s > stale.expires_at_s + self.config.stale_if_error_s:
            return None
        return _told(stale, "STALE", now_s)

    def _report(self, error: Exception) -> None:
        if self.crashes is not None:
            self.crashes.record_own(error)


def _resolved(path: str, params: tuple[tuple[str, str], ...]) -> Request | Wrong:
    return routes.resolve(path, dict(params))


def _store(config: RelayConfig, times: Times) -> Store | None:
    if config.redis_url:
        return RedisStore(config.redis_url.reveal(), keep_stale_s=config.stale_if_error_s, times=times)
    if config.cache_path is not None:
        return SqliteStore(
            config.cache_path, max_bytes=config.max_store_bytes, keep_stale_s=config.stale_if_error_s, times=times
        )
    return None


def _upstreams(config: RelayConfig, http: Http, times: Times) -> dict[str, Upstream]:
    found: dict[str, Upstream] = {}
    if config.tmdb_api_key:
        found["tmdb"] = Tmdb(
            http,
            config.tmdb_api_key,
            url=config.tmdb_url,
            image_url=config.tmdb_image_url,
            per_s=config.tmdb_per_s,
            patience_s=config.patience_s,
            timeout_s=config.timeout_s,
            times=times,
        )
    if config.tvdb_api_key:
        found["tvdb"] = Tvdb(
            http,
            config.tvdb_api_key,
            pin=config.tvdb_pin,
            url=config.tvdb_url,
            per_s=config.tvdb_per_s,
            patience_s=config.patience_s,
            timeout_s=config.timeout_s,
            times=times,
        )
    return found


def _told(entry: Entry, how: str, now_s: float) -> RelayAnswer:
    age_s = max(0, int(now_s - entry.stored_at_s))
    fresh_s = max(0, int(entry.expires_at_s - now_s))
    return RelayAnswer(entry.status, entry.body, entry.content_type, how, age_s, fresh_s, entry.etag)


def _wrong(wrong: Wrong) -> RelayAnswer:
    if isinstance(wrong.body, str):
        return RelayAnswer(wrong.status, wrong.body.encode(), "text/plain; charset=utf-8")
    return RelayAnswer(wrong.status, json.dumps(wrong.body).encode(), JSON_TYPE)


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _is_believable(told: Any, must: tuple[tuple[str, type], ...]) -> bool:
    if told is None or (must and not isinstance(told, dict)):
        return False
    return all(isinstance(told.get(name), kind) for name, kind in must)
