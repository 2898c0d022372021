"""What the relay counts, and how it reports it: JSON for people and clients, metrics for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mydia import __version__
from mydia.relay.cache import Cache
from mydia.relay.upstreams import Upstream

if TYPE_CHECKING:
    from prometheus_client.core import Metric

SERVICE = "metadata-relay"


@dataclass(kw_only=True)
class Counters:
    """Answers since the start, by where they came from."""

    memory_hits: int = 0
    store_hits: int = 0
    stale: int = 0
    misses: int = 0
    joined: int = 0
    """Misses for a question that was already on its way."""
    limited: int = 0
    failed: int = 0

    @property
    def hits(self) -> int:
        """Answers that needed no upstream."""
        return self.memory_hits + self.store_hits + self.stale


def stats(counters: Counters, cache: Cache, upstreams: Mapping[str, Upstream]) -> dict[str, Any]:
    """Return the content of `/stats`: the original relay's names, and a few more."""
    memory = cache.memory
    asked = counters.hits + counters.misses + counters.joined
    return {
        "service": SERVICE,
        "version": __version__,
        "cache": {
            "adapter": cache.store.kind if cache.store else "memory",
            "state": cache.state,
            "size": len(memory),
            "max_entries": memory.max_entries,
            "memory_mb": round(memory.bytes / 1024**2, 2),
            "memory_bytes": memory.bytes,
            "max_bytes": memory.max_bytes,
            "utilization_pct": round(100 * len(memory) / memory.max_entries, 2),
            "evicted": memory.evicted,
            "shared_size": cache.store.count() if cache.store else None,
            "hits": counters.hits,
            "memory_hits": counters.memory_hits,
            "shared_hits": counters.store_hits,
            "stale_hits": counters.stale,
            "misses": counters.misses,
            "joined": counters.joined,
            "hit_rate_pct": round(100 * counters.hits / asked, 2) if asked else 0.0,
        },
        "limited": counters.limited,
        "failed": counters.failed,
        "upstreams": {
            name: {
                "state": up.care.state,
                "calls": up.care.calls,
                "failures": up.care.failures,
                "limited": up.care.limited,
            }
            for name, up in upstreams.items()
        },
    }


def metrics(counters: Counters, cache: Cache, upstreams: Mapping[str, Upstream]) -> tuple[bytes, str]:
    """Return (body, content type) of `/metrics` in Prometheus' text format."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

    registry = CollectorRegistry()
    registry.register(_Collector(counters, cache, upstreams))
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4


class _Collector:
    """What Prometheus' registry asks for metrics."""

    def __init__(self, counters: Counters, cache: Cache, upstreams: Mapping[str, Upstream]) -> None:
        self._counters = counters
        self._cache = cache
        self._upstreams = upstreams

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        counters, memory = self._counters, self._cache.memory
        answers = CounterMetricFamily("mydia_relay_answers", "Answers by where they came from.", labels=["from"])
        for source, value in (
            ("memory", counters.memory_hits),
            ("store", counters.store_hits),
            ("stale", counters.stale),
            ("upstream", counters.misses),
            ("joined", counters.joined),
            ("failed", counters.failed),
            ("limited", counters.limited),
        ):
            answers.add_metric([source], value)
        yield answers
        yield GaugeMetricFamily("mydia_relay_memory_entries", "Answers in memory.", value=len(memory))
        yield GaugeMetricFamily("mydia_relay_memory_bytes", "Bytes of answers in memory.", value=memory.bytes)
        yield GaugeMetricFamily(
            "mydia_relay_store_up", "Whether the shared store works.", value=int(self._cache.state == "ok")
        )
        for name, help_text in (
            ("calls", "Requests sent to an upstream."),
            ("failures", "Requests that an upstream failed."),
            ("limited", "Times an upstream asked us to wait."),
        ):
            family = CounterMetricFamily(f"mydia_relay_upstream_{name}", help_text, labels=["upstream"])
            for upstream in self._upstreams.values():
                family.add_metric([upstream.name], getattr(upstream.care, name))
            yield family
        up = GaugeMetricFamily("mydia_relay_upstream_up", "Whether an upstream is asked.", labels=["upstream"])
        for upstream in self._upstreams.values():
            up.add_metric([upstream.name], int(upstream.care.state != "down"))
        yield up
