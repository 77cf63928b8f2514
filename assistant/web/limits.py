"""How often one client may call: a bucket of tokens for each, and what it may hold open.

A class behind one address is one client here, so the amounts are those of fifty readers
who open the page and ask at the same moment; a flood empties the bucket within a second.
Leaves out any limit over all clients together: the queues of questions have their own.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_MOST_CLIENTS = 10_000  # remembered; the one that called longest ago is forgotten first


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` calls at once, then `per_second` on average."""

    burst: float
    per_second: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may do."""

    calls: Rate = Rate(burst=200, per_second=10)  # questions, events of the page, logins
    requests: Rate = Rate(burst=8_000, per_second=200)  # everything, pages and styles included
    open_at_once: int = 400  # requests being answered; a page of the chat holds two


class TokenBuckets:
    """One bucket of tokens for each client, full at first and refilled with time."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, when

    def take(self, client: str) -> float:
        """Take a token: 0 when there was one, else the seconds until there is."""
        now = self._clock()
        tokens, before = self._buckets.pop(client, (self._rate.burst, now))
        tokens = min(self._rate.burst, tokens + (now - before) * self._rate.per_second)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self._rate.per_second
        self._buckets[client] = (tokens if wait else tokens - 1, now)
        if len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return wait


def client_of(address: str | None) -> str:
    """Name the client at an address; in IPv6 the network of 64 bits, which is one subscriber."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
