"""Rate limits: how fast we may call an upstream, and how often a client may call us."""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable

from mydia.relay.times import REAL_TIMES, Times

logger = logging.getLogger(__name__)


class TokenBucket:
    """A token bucket: `burst` at once, then `per_s` per second."""

    def __init__(self, per_s: float, burst: float, times: Times = REAL_TIMES) -> None:
        self._per_s = per_s
        self._burst = burst
        self._times = times
        self._tokens = burst
        self._at_s = times.monotonic_s()
        self._lock = threading.Lock()

    def reserve(self, *, max_wait_s: float) -> float | None:
        """Take a token and return the seconds until it is valid; None when that is more than `max_wait_s`."""
        with self._lock:
            now_s = self._times.monotonic_s()
            self._tokens = min(self._burst, self._tokens + (now_s - self._at_s) * self._per_s)
            self._at_s = now_s
            wait_s = max(0.0, (1 - self._tokens) / self._per_s)
            if wait_s > max_wait_s:
                return None
            # A negative balance queues the callers: each waits one interval longer than the one before.
            self._tokens -= 1
            return wait_s


class Window:
    """A sliding window: at most `limit` in any `seconds`, per key."""

    _MAX_KEYS = 10_000

    def __init__(self, limit: int, seconds: float, times: Times = REAL_TIMES) -> None:
        self.limit = limit
        self._seconds = seconds
        self._times = times
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, key: str) -> float | None:
        """Count one; return None when it is within the limit, else the seconds to wait."""
        with self._lock:
            now_s = self._times.monotonic_s()
            seen = self._seen.setdefault(key, deque())
            self._seen.move_to_end(key)
            while len(self._seen) > self._MAX_KEYS:
                self._seen.popitem(last=False)
            while seen and seen[0] <= now_s - self._seconds:
                seen.popleft()
            if len(seen) >= self.limit:
                return seen[0] + self._seconds - now_s
            seen.append(now_s)
            return None


class TrustedProxies:
    """Finds the address of a client behind trusted proxies."""

    def __init__(self, proxies: Iterable[str]) -> None:
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for text in proxies:
            try:
                self._networks.append(ipaddress.ip_network(text, strict=False))
            except ValueError:
                logger.warning("a trusted proxy is not an address or network", extra={"value": text})

    def client(self, peer: str, forwarded_for: str | None) -> str:
        """Return the client's address.

        Args:
            peer: The address of the connection.
            forwarded_for: The header `X-Forwarded-For`. It is read from the right: the last address that is not a
                trusted proxy is the client; what is left of it was written by the client and is ignored.
        """
        if not forwarded_for or not self._trusts(peer):
            return _bucket(peer)
        for text in reversed(forwarded_for.split(",")):
            hop = text.strip().strip("[]")
            if not _is_address(hop):
                break
            if not self._trusts(hop):
                return _bucket(hop)
            peer = hop
        return _bucket(peer)

    def _trusts(self, text: str) -> bool:
        if not _is_address(text):
            return False
        address = ipaddress.ip_address(text)
        return any(address in network for network in self._networks if network.version == address.version)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _bucket(text: str) -> str:
    # One household has a whole /64 of IPv6 addresses.
    if _is_address(text) and ":" in text:
        address = ipaddress.IPv6Address(text.partition("%")[0])
        return str(address.ipv4_mapped or ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return text
